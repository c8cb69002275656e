/* The operations (5-abi.md 5.2), in the order of their numbers. Each checks everything and then acts. */
#include <string.h>

#include "model/world.h"

#define ARG(n) (e->regs[7 + (n)])

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

/* A slot that may be changed. */
static bool destination(m_world *w, const m_entry *e, uint64_t operand, m_path *path) {
  return m_path_of(w, operand, path) && m_may_change(w, e, path);
}

/* The cap in a slot, which must not be empty. */
static bool source(m_world *w, const m_entry *e, uint64_t operand, const m_value **out) {
  m_path path;
  if (!m_path_of(w, operand, &path) || !m_slot_read(w, e, path.slot, path.length, out)) return false;
  if (!*out) m_refuse(w, JAVM_REFUSAL_EMPTY_SLOT);
  return *out != NULL;
}

static bool source_of(m_world *w, const m_entry *e, uint64_t operand, javm_kind kind, const m_value **out) {
  if (!source(w, e, operand, out)) return false;
  if ((*out)->kind != kind) m_refuse(w, JAVM_REFUSAL_WRONG_KIND);
  return (*out)->kind == kind;
}

static m_then put(m_world *w, m_entry *e, const m_path *to, const m_value *cap) {
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

static m_then answer(m_entry *e, uint64_t value) {
  ARG(0) = value;
  return M_GO_ON;
}

static m_then copy(m_world *w, m_entry *e) {
  m_path to;
  const m_value *cap;
  if (!destination(w, e, ARG(1), &to) || !source(w, e, ARG(0), &cap)) return M_REFUSED;
  return put(w, e, &to, cap);
}

static m_then move(m_world *w, m_entry *e) {
  m_path from, to;
  const m_value *cap;
  if (!destination(w, e, ARG(0), &from) || !destination(w, e, ARG(1), &to) || !source(w, e, ARG(0), &cap))
    return M_REFUSED;
  if (leads_to(&from, &to)) return leads_to(&to, &from) ? M_GO_ON : m_refuse(w, JAVM_REFUSAL_SLOT_OPERAND);
  return put_two(w, e, &from, NULL, &to, cap);
}

static m_then drop(m_world *w, m_entry *e) {
  m_path from;
  return destination(w, e, ARG(0), &from) ? put(w, e, &from, NULL) : M_REFUSED;
}

static m_then swap(m_world *w, m_entry *e) {
  m_path a, b;
  const m_value *cap_a, *cap_b;
  if (!destination(w, e, ARG(0), &a) || !destination(w, e, ARG(1), &b)) return M_REFUSED;
  if (leads_to(&a, &b) != leads_to(&b, &a)) return m_refuse(w, JAVM_REFUSAL_SLOT_OPERAND);
  if (!m_slot_read(w, e, a.slot, a.length, &cap_a) || !m_slot_read(w, e, b.slot, b.length, &cap_b)) return M_REFUSED;
  return put_two(w, e, &a, cap_b, &b, cap_a);
}

static m_then mint_cnode(m_world *w, m_entry *e) {
  m_path to;
  if (!destination(w, e, ARG(0), &to)) return M_REFUSED;
  if (ARG(1) > 16) return m_refuse(w, JAVM_REFUSAL_ARGUMENT);
  return put(w, e, &to, m_cnode_new((unsigned)ARG(1)));
}

/* ---- yields ---- */

static m_then yield(m_world *w, m_entry *e) {
  const m_value *marker;
  if (!source(w, e, ARG(0), &marker)) return M_REFUSED;
  if (w->depth >= (int)w->max_depth) return m_refuse(w, JAVM_REFUSAL_STACK_FULL);
  javm_hash key = m_hash_of(marker);
  uint64_t index;
  int catcher = m_catcher_for(w, m_runs_in(w, w->depth - 1), &key, &index);
  if (catcher == M_HOST) return m_refuse(w, JAVM_REFUSAL_UNHANDLED_MARKER);
  w->payload_hash = key;
  m_pause(w, catcher, index, JAVM_PAUSE_YIELD);
  w->stack[w->depth - 1]->payload = key;
  return M_LEAVES;
}

/* The running entry is a catcher whose yielder waits above it. */
static bool has_yielder(const m_world *w) { return w->stack[w->depth - 1]->is_reference; }

static m_then resume_yield(m_world *w, m_entry *e) {
  if (!has_yielder(w)) return m_refuse(w, JAVM_REFUSAL_NOTHING_PAUSED);
  m_move_slot0(e, w->stack[m_runs_in(w, w->depth - 2)]);
  m_drop_to(w, w->depth - 1);
  return M_LEAVES;
}

static m_then drop_yield(m_world *w) {
  if (!has_yielder(w)) return m_refuse(w, JAVM_REFUSAL_NOTHING_PAUSED);
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
  if (!source_of(w, e, ARG(0), JAVM_KIND_IMAGE, &image)) return M_REFUSED;
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
  if (!destination(w, e, ARG(1), &from) || !destination(w, e, ARG(2), &to) ||
      !source_of(w, e, ARG(0), JAVM_KIND_IMAGE, &image) || !source_of(w, e, ARG(1), JAVM_KIND_CNODE, &cnode))
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
  if (!source_of(w, e, ARG(0), JAVM_KIND_INSTANCE, &a) || !source_of(w, e, ARG(1), JAVM_KIND_INSTANCE, &b))
    return M_REFUSED;
  return answer(e, m_same(&a->as.instance.chain, &b->as.instance.chain));
}

static m_then type_of(m_world *w, m_entry *e) {
  m_path to;
  const m_value *instance;
  if (!destination(w, e, ARG(1), &to) || !source_of(w, e, ARG(0), JAVM_KIND_INSTANCE, &instance)) return M_REFUSED;
  return put(w, e, &to, m_type(&instance->as.instance.chain));
}

/* ---- data ---- */

/* Is [address, address + length) a range that can be named? */
static bool is_range(uint64_t address, uint64_t length) { return address <= UINT32_MAX && length <= (uint64_t)1 << 32; }

static m_then read_data(m_world *w, m_entry *e) {
  const m_value *data;
  uint64_t address = ARG(1), length = ARG(2), offset = ARG(3);
  uint32_t fault;
  if (!source_of(w, e, ARG(0), JAVM_KIND_DATA, &data)) return M_REFUSED;
  uint64_t size = (uint64_t)data->as.data.count * M_PAGE;
  if (offset > size) offset = size;
  if (length > size - offset) length = size - offset;
  if (!is_range(address, length)) return m_refuse(w, JAVM_REFUSAL_ARGUMENT);
  if (!m_may(&e->memory, (uint32_t)address, length, true, &fault)) return m_refuse(w, JAVM_REFUSAL_MEMORY);
  uint8_t *bytes = m_new(size + 1);
  for (uint32_t i = 0; i < data->as.data.count; i++)
    if (data->as.data.at[i]) memcpy(bytes + (size_t)i * M_PAGE, data->as.data.at[i]->bytes, M_PAGE);
  m_write(&e->memory, (uint32_t)address, bytes + offset, length);
  return answer(e, length);
}

/* The quota whose handle a slot holds. */
static bool quota_in(m_world *w, const m_entry *e, uint64_t operand, uint64_t *id) {
  const m_value *handle;
  if (!source(w, e, operand, &handle)) return false;
  if (!w->has_assist || !m_is_kernel(handle, JAVM_KERNEL_QUOTA)) {
    m_refuse(w, JAVM_REFUSAL_QUOTA);
    return false;
  }
  *id = handle->as.instance.regs[7];
  return true;
}

static m_then mint_data(m_world *w, m_entry *e) {
  m_path to;
  uint64_t address = ARG(0), length = ARG(1), id;
  uint32_t fault;
  if (!destination(w, e, ARG(3), &to) || !quota_in(w, e, ARG(2), &id)) return M_REFUSED;
  if (!is_range(address, length)) return m_refuse(w, JAVM_REFUSAL_ARGUMENT);
  uint64_t size = (length + M_PAGE - 1) / M_PAGE * M_PAGE;
  if (*m_number_of(&w->assist.quotas, id) < size) {
    w->short_quota = id;
    return M_NO_QUOTA;
  }
  if (!m_may(&e->memory, (uint32_t)address, length, false, &fault)) return m_refuse(w, JAVM_REFUSAL_MEMORY);
  uint8_t *bytes = m_new(length + 1);
  m_read(&e->memory, (uint32_t)address, bytes, length);
  m_then then = put(w, e, &to, m_data(bytes, length));
  if (then == M_GO_ON) m_debit_quota(w, e, id, size);
  return then;
}

/* ---- calls ---- */

static m_then call(m_world *w, m_entry *e) {
  const m_value *instance;
  m_entry *callee;
  if (!source_of(w, e, ARG(0), JAVM_KIND_INSTANCE, &instance)) return M_REFUSED;
  if (w->depth >= (int)w->max_depth) return m_refuse(w, JAVM_REFUSAL_STACK_FULL);
  for (int k = 0; k < JAVM_KERNEL_COUNT; k++)
    if (m_is_kernel(instance, (javm_kernel_image)k)) return m_refuse(w, JAVM_REFUSAL_KERNEL_CALL);
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
  if (!source(w, e, ARG(0), &cap)) return M_REFUSED;
  m_add_effect(e, &(m_effect){.kind = M_EMIT, .emit = cap});
  return M_GO_ON;
}

static m_then kind_of(m_world *w, m_entry *e) {
  m_path path;
  const m_value *cap;
  if (!m_path_of(w, ARG(0), &path) || !m_slot_read(w, e, path.slot, path.length, &cap)) return M_REFUSED;
  return answer(e, cap ? 1 + (uint64_t)cap->kind : 0);
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
    case 20: return same_type(w, e);
    case 21: return type_of(w, e);
    case 22: return read_data(w, e);
    case 23: return mint_data(w, e);
    case 26: return call(w, e);
    case 27: return resume_yield(w, e);
    case 28: return drop_yield(w);
    case 35: return emit(w, e);
    case 36: return answer(e, *m_gas_of(w, m_runs_in(w, w->depth - 1)));
    case 37: return kind_of(w, e);
    case 19:
    case 24:
    case 25:
    case 29:
    case 30:
    case 31:
    case 32:
    case 33:
    case 34: return m_refuse(w, JAVM_REFUSAL_LATER_OPERATION);
    default: break;
  }
  if (number < JAVM_HOST_FUNCTION_FIRST || number > UINT32_MAX) return m_refuse(w, JAVM_REFUSAL_UNKNOWN_OPERATION);
  return m_host_function(w, e, (uint32_t)number);
}
