/* The operations (5-abi.md 5.2), in the order of their numbers. Each checks everything and then acts. */
#include <string.h>

#include "model/world.h"

#define ARG M_ARG

/* ---- slots (5.1) ---- */

bool m_path_of(m_world *w, uint64_t operand, m_path *path) {
  path->slot[0] = operand & 0xff;
  path->length = 1;
  operand >>= 8;
  while (path->length < 4 && (operand & 0xffff)) {
    path->slot[path->length++] = (uint32_t)(operand & 0xffff) - 1;
    operand >>= 16;
  }
  if (operand) m_refuse(w, JAVM_REFUSAL_SLOT_OPERAND);
  return operand == 0;
}

static bool read_below(const m_value *const *slots, unsigned size_log, const uint32_t *path, uint32_t length,
                       const m_value **out) {
  if (path[0] >> size_log) return false;
  const m_value *cap = slots[path[0]];
  if (length == 1) {
    *out = cap;
    return true;
  }
  return cap && cap->kind == JAVM_KIND_CNODE &&
         read_below(cap->as.cnode.slots, cap->as.cnode.size_log, path + 1, length - 1, out);
}

bool m_slot_read(m_world *w, const m_entry *e, const uint32_t *path, uint32_t length, const m_value **out) {
  if (read_below(e->slots, e->size_log, path, length, out)) return true;
  m_refuse(w, JAVM_REFUSAL_SLOT_OPERAND);
  return false;
}

/* The slots with cap at the path, all of the CNodes on it made anew; NULL: the path leads nowhere. */
static const m_value **with(const m_value *const *slots, unsigned size_log, const uint32_t *path, uint32_t length,
                            const m_value *cap) {
  if (path[0] >> size_log) return NULL;
  const m_value **copy = m_copy(slots, sizeof *slots << size_log), *old = slots[path[0]];
  if (length == 1) {
    copy[path[0]] = cap;
    return copy;
  }
  if (!old || old->kind != JAVM_KIND_CNODE) return NULL;
  const m_value **below = with(old->as.cnode.slots, old->as.cnode.size_log, path + 1, length - 1, cap);
  if (!below) return NULL;
  copy[path[0]] = m_cnode_of(old->as.cnode.size_log, below);
  return copy;
}

bool m_slot_write(m_world *w, m_entry *e, const m_path *path, const m_value *cap) {
  const m_value **slots = with(e->slots, e->size_log, path->slot, path->length, cap);
  if (slots) memcpy(e->slots, slots, sizeof *slots << e->size_log);
  else m_refuse(w, JAVM_REFUSAL_SLOT_OPERAND);
  return slots != NULL;
}

bool m_may_change(m_world *w, const m_entry *e, const m_path *path) {
  if (path->slot[0] >> e->size_log) {
    m_refuse(w, JAVM_REFUSAL_SLOT_OPERAND);
    return false;
  }
  if (m_pins(e->image, path->slot[0])) {
    m_refuse(w, JAVM_REFUSAL_PINNED_SLOT);
    return false;
  }
  return true;
}

bool m_destination(m_world *w, const m_entry *e, uint64_t operand, m_path *path) {
  return m_path_of(w, operand, path) && m_may_change(w, e, path);
}

bool m_source(m_world *w, const m_entry *e, uint64_t operand, const m_value **out) {
  m_path path;
  if (!m_path_of(w, operand, &path) || !m_slot_read(w, e, path.slot, path.length, out)) return false;
  if (!*out) m_refuse(w, JAVM_REFUSAL_EMPTY_SLOT);
  return *out != NULL;
}

bool m_source_of(m_world *w, const m_entry *e, uint64_t operand, javm_kind kind, const m_value **out) {
  if (!m_source(w, e, operand, out)) return false;
  if ((*out)->kind != kind) m_refuse(w, JAVM_REFUSAL_WRONG_KIND);
  return (*out)->kind == kind;
}

m_then m_put(m_world *w, m_entry *e, const m_path *to, const m_value *cap) {
  return m_slot_write(w, e, to, cap) ? M_GO_ON : M_REFUSED;
}

/* Puts both or none. */
static m_then put_two(m_world *w, m_entry *e, const m_path *a, const m_value *cap_a, const m_path *b,
                      const m_value *cap_b) {
  m_entry before = *e;
  if (m_slot_write(w, e, a, cap_a) && m_slot_write(w, e, b, cap_b)) return M_GO_ON;
  memcpy(e->slots, before.slots, sizeof e->slots);
  return M_REFUSED;
}

/* Is a the same slot as b, or does the way to b lead through it? */
static bool leads_to(const m_path *a, const m_path *b) {
  return a->length <= b->length && memcmp(a->slot, b->slot, a->length * sizeof *a->slot) == 0;
}

m_then m_answer(m_entry *e, uint64_t value) {
  ARG(0) = value;
  return M_GO_ON;
}

static m_then copy(m_world *w, m_entry *e) {
  m_path to;
  const m_value *cap;
  if (!m_destination(w, e, ARG(1), &to) || !m_source(w, e, ARG(0), &cap)) return M_REFUSED;
  return m_put(w, e, &to, cap);
}

static m_then move(m_world *w, m_entry *e) {
  m_path from, to;
  const m_value *cap;
  if (!m_destination(w, e, ARG(0), &from) || !m_destination(w, e, ARG(1), &to) || !m_source(w, e, ARG(0), &cap))
    return M_REFUSED;
  if (leads_to(&from, &to)) return leads_to(&to, &from) ? M_GO_ON : m_refuse(w, JAVM_REFUSAL_SLOT_OPERAND);
  return put_two(w, e, &from, NULL, &to, cap);
}

static m_then drop(m_world *w, m_entry *e) {
  m_path from;
  return m_destination(w, e, ARG(0), &from) ? m_put(w, e, &from, NULL) : M_REFUSED;
}

static m_then swap(m_world *w, m_entry *e) {
  m_path a, b;
  const m_value *cap_a, *cap_b;
  if (!m_destination(w, e, ARG(0), &a) || !m_destination(w, e, ARG(1), &b)) return M_REFUSED;
  if (leads_to(&a, &b) != leads_to(&b, &a)) return m_refuse(w, JAVM_REFUSAL_SLOT_OPERAND);
  if (!m_slot_read(w, e, a.slot, a.length, &cap_a) || !m_slot_read(w, e, b.slot, b.length, &cap_b)) return M_REFUSED;
  return put_two(w, e, &a, cap_b, &b, cap_a);
}

static m_then mint_cnode(m_world *w, m_entry *e) {
  m_path to;
  if (!m_destination(w, e, ARG(0), &to)) return M_REFUSED;
  if (ARG(1) > 16) return m_refuse(w, JAVM_REFUSAL_ARGUMENT);
  return m_put(w, e, &to, m_cnode_new((unsigned)ARG(1)));
}

/* ---- yields ---- */

static m_then yield(m_world *w, m_entry *e) {
  const m_value *marker;
  if (!m_source(w, e, ARG(0), &marker)) return M_REFUSED;
  if (w->depth >= (int)w->max_depth) return m_refuse(w, JAVM_REFUSAL_STACK_FULL);
  javm_hash key = m_hash_of(marker);
  uint64_t index;
  int catcher = m_catcher_for(w, m_runs_in(w, w->depth - 1), &key, &index);
  if (catcher == M_HOST) return m_refuse(w, JAVM_REFUSAL_UNHANDLED_MARKER);
  m_pause(w, catcher, index, JAVM_PAUSE_YIELD, &key);
  return M_LEAVES;
}

/* The running entry is a catcher whose yielder waits above it. */
bool m_has_yielder(const m_world *w) { return w->stack[w->depth - 1]->is_reference; }

static m_then resume_yield(m_world *w, m_entry *e) {
  if (!m_has_yielder(w)) return m_refuse(w, JAVM_REFUSAL_NOTHING_PAUSED);
  m_move_slot0(e, w->stack[m_runs_in(w, w->depth - 2)]);
  m_drop_to(w, w->depth - 1);
  return M_LEAVES;
}

static m_then drop_yield(m_world *w) {
  if (!m_has_yielder(w)) return m_refuse(w, JAVM_REFUSAL_NOTHING_PAUSED);
  m_drop_to(w, m_paused_base(w, w->depth - 1));
  return M_LEAVES;
}

/* ---- images ---- */

static bool starts_block(m_world *w, const m_value *image, uint32_t load_cycles, uint32_t pc) {
  const m_image *i = &image->as.image;
  const m_program *program = m_program_of(w, image, load_cycles);
  for (uint32_t k = 0; k < i->insn_count; k++)
    if (i->insns[k].pc == pc) return program->starts[k];
  return false;
}

static m_then set_image(m_world *w, m_entry *e) {
  const m_value *image;
  if (!m_source_of(w, e, ARG(0), JAVM_KIND_IMAGE, &image)) return M_REFUSED;
  if (!starts_block(w, image, e->load_cycles, e->pc)) return m_refuse(w, JAVM_REFUSAL_NOT_BLOCK_START);
  const m_image *old = &e->image->as.image, *new = &image->as.image;
  const m_value *slots[256];
  memcpy(slots, e->slots, sizeof slots);
  for (size_t i = 0; i < old->pinned_count; i++) slots[old->pinned[i].slot] = NULL;
  for (size_t i = 0; i < new->pinned_count; i++) {
    uint32_t slot = new->pinned[i].slot;
    if (slot >> e->size_log) return m_refuse(w, JAVM_REFUSAL_SLOT_OPERAND);
    if (slots[slot]) return m_refuse(w, JAVM_REFUSAL_OCCUPIED_SLOT);
    slots[slot] = new->pinned[i].cap;
  }
  memcpy(e->slots, slots, sizeof slots);
  e->chain = m_chain_extended(&e->chain, image);
  e->image = image;
  return M_LEAVES;
}

static m_then derive_spawn(m_world *w, m_entry *e) {
  m_path from, to;
  const m_value *image, *cnode;
  if (!m_destination(w, e, ARG(1), &from) || !m_destination(w, e, ARG(2), &to) ||
      !m_source_of(w, e, ARG(0), JAVM_KIND_IMAGE, &image) || !m_source_of(w, e, ARG(1), JAVM_KIND_CNODE, &cnode))
    return M_REFUSED;
  if (cnode->as.cnode.size_log != 8) return m_refuse(w, JAVM_REFUSAL_ARGUMENT);
  if (leads_to(&from, &to) && !leads_to(&to, &from)) return m_refuse(w, JAVM_REFUSAL_SLOT_OPERAND);
  m_value *made = m_genesis(image, cnode->as.cnode.slots);
  made->as.instance.chain = m_chain_extended(&e->chain, image);
  return put_two(w, e, &from, NULL, &to, made);
}

/* ---- types ---- */

static m_then same_type(m_world *w, m_entry *e) {
  const m_value *a, *b;
  if (!m_source_of(w, e, ARG(0), JAVM_KIND_INSTANCE, &a) || !m_source_of(w, e, ARG(1), JAVM_KIND_INSTANCE, &b))
    return M_REFUSED;
  return m_answer(e, m_same(&a->as.instance.chain, &b->as.instance.chain));
}

static m_then type_of(m_world *w, m_entry *e) {
  m_path to;
  const m_value *instance;
  if (!m_destination(w, e, ARG(1), &to) || !m_source_of(w, e, ARG(0), JAVM_KIND_INSTANCE, &instance)) return M_REFUSED;
  return m_put(w, e, &to, m_type(&instance->as.instance.chain));
}

static m_then type_eq(m_world *w, m_entry *e) {
  const m_value *a, *b;
  if (!m_source_of(w, e, ARG(0), JAVM_KIND_TYPE, &a) || !m_source_of(w, e, ARG(1), JAVM_KIND_TYPE, &b))
    return M_REFUSED;
  return m_answer(e, m_same(&a->as.type, &b->as.type));
}

/* ---- calls ---- */

static m_then call(m_world *w, m_entry *e) {
  const m_value *instance;
  m_entry *callee;
  if (!m_source_of(w, e, ARG(0), JAVM_KIND_INSTANCE, &instance)) return M_REFUSED;
  for (int k = 0; k < JAVM_KERNEL_COUNT; k++)
    if (m_is_kernel(instance, (javm_kernel_image)k)) return m_kernel_call(w, e, (javm_kernel_image)k, instance);
  if (w->depth >= (int)w->max_depth) return m_refuse(w, JAVM_REFUSAL_STACK_FULL);
  switch (m_enter(w, instance, ARG(1), &ARG(2), &callee)) {
    case JAVM_OK: break;
    case JAVM_ENDPOINT_OUT_OF_RANGE: return m_refuse(w, JAVM_REFUSAL_ENDPOINT);
    default: return m_refuse(w, JAVM_REFUSAL_INVALID_INSTANCE);
  }
  callee->callee_slot = ARG(0);
  m_move_slot0(e, callee);
  m_push(w, callee);
  return M_LEAVES;
}

/* ---- the rest ---- */

static m_then emit(m_world *w, m_entry *e) {
  const m_value *cap;
  if (!m_source(w, e, ARG(0), &cap)) return M_REFUSED;
  m_add_effect(e, &(m_effect){.kind = M_EMIT, .emit = cap});
  return M_GO_ON;
}

static m_then kind_of(m_world *w, m_entry *e) {
  m_path path;
  const m_value *cap;
  if (!m_path_of(w, ARG(0), &path) || !m_slot_read(w, e, path.slot, path.length, &cap)) return M_REFUSED;
  return m_answer(e, cap ? 1 + (uint64_t)cap->kind : 0);
}

m_then m_operation(m_world *w, m_entry *e, uint64_t number) {
  switch (number) {
    case 0: return M_HALTS;
    case 1: return copy(w, e);
    case 2: return move(w, e);
    case 3: return drop(w, e);
    case 4: return swap(w, e);
    case 5: return mint_cnode(w, e);
    case 16: return yield(w, e);
    case 17: return set_image(w, e);
    case 18: return derive_spawn(w, e);
    case 19: return m_make_image(w, e);
    case 20: return same_type(w, e);
    case 21: return type_of(w, e);
    case 22: return m_read_data(w, e);
    case 23: return m_mint_data(w, e);
    case 24: return m_open(w, e);
    case 25: return m_save_file(w, e);
    case 26: return call(w, e);
    case 27: return resume_yield(w, e);
    case 28: return drop_yield(w);
    case 29: return m_keep_yield(w, e);
    case 30: return m_call_resume_operation(w, e);
    case 31: return m_drop_paused_operation(w, e);
    case 32: return m_same_type_as(w, e);
    case 33: return m_subtype(w, e);
    case 34: return type_eq(w, e);
    case 35: return emit(w, e);
    case 36: return m_answer(e, *m_gas_of(w, m_runs_in(w, w->depth - 1)));
    case 37: return kind_of(w, e);
    default: break;
  }
  if (number < JAVM_HOST_FUNCTION_FIRST || number > UINT32_MAX) return m_refuse(w, JAVM_REFUSAL_UNKNOWN_OPERATION);
  return m_host_function(w, e, (uint32_t)number);
}
