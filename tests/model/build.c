/* Makes what a script names: the code of its Images, its values, its Instances. */
#include <stdlib.h>
#include <string.h>

#include "model/layout.h"

/* ---- code ---- */

typedef struct coder {
  uint8_t code[1 << 14], bitmask[1 << 11];
  m_insn insns[1 << 11];
  uint32_t size, count;
  uint32_t places[STEPS_MAX + 1]; /* pc of each step */
} coder;

static m_insn *begin(coder *c, m_op op, unsigned opcode) {
  if (c->size + 32 > sizeof c->code || c->count == sizeof c->insns / sizeof *c->insns) abort();
  m_insn *i = &c->insns[c->count++];
  *i = (m_insn){.op = (uint8_t)op, .pc = c->size};
  c->bitmask[c->size / 8] |= (uint8_t)(1u << c->size % 8);
  c->code[c->size++] = (uint8_t)opcode;
  return i;
}

static void bytes(coder *c, uint64_t v, unsigned count) {
  for (unsigned k = 0; k < count; k++) c->code[c->size++] = (uint8_t)(v >> (8 * k));
}

static void end(coder *c, m_insn *i) { i->next = c->size; }

static void plain(coder *c, m_op op, unsigned opcode) { end(c, begin(c, op, opcode)); }

static bool fits_i32(uint64_t v) { return (uint64_t)(int64_t)(int32_t)(uint32_t)v == v; }

static void load(coder *c, unsigned reg, uint64_t v) {
  bool is_short = fits_i32(v);
  m_insn *i = begin(c, is_short ? M_LOAD_IMM : M_LOAD_IMM_64, is_short ? 51 : 20);
  bytes(c, reg, 1);
  bytes(c, v, is_short ? 4 : 8);
  i->a = (uint8_t)reg;
  i->x = v;
  end(c, i);
}

static void reg_imm(coder *c, m_op op, unsigned opcode, unsigned reg, uint64_t x) {
  m_insn *i = begin(c, op, opcode);
  bytes(c, reg, 1);
  bytes(c, x, 4);
  i->a = (uint8_t)reg;
  i->x = (uint64_t)(int64_t)(int32_t)(uint32_t)x;
  end(c, i);
}

static void two_regs(coder *c, m_op op, unsigned opcode, unsigned d, unsigned a) {
  m_insn *i = begin(c, op, opcode);
  bytes(c, d | a << 4, 1);
  i->d = (uint8_t)d;
  i->a = (uint8_t)a;
  end(c, i);
}

static void add(coder *c, unsigned d, unsigned a, unsigned b) {
  m_insn *i = begin(c, M_ADD, 200);
  bytes(c, a | b << 4, 1);
  bytes(c, d, 1);
  i->d = (uint8_t)d;
  i->a = (uint8_t)a;
  i->b = (uint8_t)b;
  end(c, i);
}

static void ecalli(coder *c, uint32_t number) {
  m_insn *i = begin(c, M_ECALLI, 10);
  bytes(c, number, number < 128 ? 1 : 4);
  i->x = number;
  end(c, i);
}

/* The target is a step until all are placed. */
static void branch(coder *c, m_op op, unsigned opcode, unsigned reg, uint64_t x, uint32_t step) {
  m_insn *i = begin(c, op, opcode);
  bytes(c, reg | 4 << 4, 1);
  bytes(c, x, 4);
  bytes(c, 0, 4);
  i->a = (uint8_t)reg;
  i->x = (uint64_t)(int64_t)(int32_t)(uint32_t)x;
  i->target = step;
  end(c, i);
}

static void spin(coder *c) {
  m_insn *i = begin(c, M_JUMP, 40);
  bytes(c, 0, 4);
  i->target = i->pc;
  end(c, i);
}

static uint64_t argument(const m_cast *cast, uint64_t v) {
  size_t size;
  if (!cast || v < SIZE_OF_IMAGE(0) || v >= SIZE_OF_IMAGE(IMAGES_MAX) || !cast->images[v - SIZE_OF_IMAGE(0)]) return v;
  m_image_bytes(cast->images[v - SIZE_OF_IMAGE(0)], &size);
  return size;
}

/* Every step ends with what ends a block, so that each can be jumped to. */
static void step(coder *c, const m_cast *cast, const m_step *s) {
  if (s->removed) {
    plain(c, M_FALLTHROUGH, 1);
    return;
  }
  switch ((m_step_kind)s->kind) {
    case STEP_ECALL:
    case STEP_ECALL_REG:
      for (unsigned k = 0; k < 6; k++)
        if (s->mask >> k & 1) load(c, 7 + k, argument(cast, s->args[k]));
      if (s->kind == STEP_ECALL) ecalli(c, s->number);
      else load(c, 11, s->number), plain(c, M_ECALL, 3);
      return;
    case STEP_STORE: reg_imm(c, M_STORE, 62, s->reg, s->value); break;
    case STEP_LOAD: reg_imm(c, M_LOAD, 58, s->reg, s->value); break;
    case STEP_ADD: add(c, 5, 5, s->reg); break;
    case STEP_SET: load(c, s->reg, s->value); break;
    case STEP_KEEP: two_regs(c, M_MOVE, 100, s->reg, 5); break;
    case STEP_SBRK: load(c, 8, s->value), two_regs(c, M_SBRK, 101, s->reg, 8); break;
    case STEP_IF: branch(c, M_BRANCH_EQ, 81, s->reg, s->value, s->to); return;
    case STEP_UNLESS: branch(c, M_BRANCH_NE, 82, s->reg, s->value, s->to); return;
    case STEP_UNLIKELY: plain(c, M_UNLIKELY, 2); return;
    case STEP_INVALID: plain(c, M_INVALID, 4); break;
    case STEP_SPIN: spin(c); return;
    case STEP_JUMP_IND: load(c, 6, s->value), reg_imm(c, M_JUMP_IND, 50, 6, 0); return;
    default: plain(c, M_TRAP, 0); return;
  }
  plain(c, M_FALLTHROUGH, 1);
}

void m_encode(const m_cast *cast, const m_image_plan *plan, m_image *image, uint32_t *starts) {
  static coder own, *c = &own;
  memset(c->bitmask, 0, sizeof c->bitmask);
  c->size = c->count = 0;
  for (uint32_t k = 0; k < plan->step_count; k++) {
    c->places[k] = c->size;
    step(c, cast, &plan->steps[k]);
  }
  c->places[plan->step_count] = c->size;
  plain(c, M_TRAP, 0);
  for (uint32_t k = 0; k < c->count; k++) {
    m_insn *i = &c->insns[k];
    if (i->op != M_BRANCH_EQ && i->op != M_BRANCH_NE) continue;
    i->target = c->places[i->target];
    uint32_t offset = i->target - i->pc;
    for (unsigned b = 0; b < 4; b++) c->code[i->pc + 6 + b] = (uint8_t)(offset >> (8 * b));
  }
  for (uint32_t k = 0; k < plan->start_count; k++) starts[k] = c->places[plan->starts[k]];
  image->code = m_copy(c->code, c->size);
  image->bitmask = m_copy(c->bitmask, (c->size + 7) / 8);
  image->code_bytes = c->size;
  image->insns = m_copy(c->insns, c->count * sizeof *c->insns);
  image->insn_count = c->count;
}

/* ---- values ---- */

/* Data that every script has: its pages are made, and hashed, once. */
static const m_value *a_data(uint32_t index) {
  static const uint32_t sizes[DATAS] = {1, 2, 2, 0, 5, 1};
  static m_page pages[DATAS][5];
  static m_page *lists[DATAS][5];
  for (uint32_t k = 0; k < sizes[index] && !lists[index][k]; k++) {
    lists[index][k] = &pages[index][k];
    for (size_t b = 0; b < M_PAGE && (index || b < 5); b++)
      pages[index][k].bytes[b] = (uint8_t)(b / 512 + 16 * index + b + k);
  }
  static const uint8_t operands[] = {SLOT_IMAGE, SLOT_IMAGE + 1, SLOT_IMAGE, SLOT_PINNED + 1, SLOT_DATA};
  for (size_t k = 0; index == 5 && k < M_PAGE; k++)
    pages[5][0].bytes[k] = k % 8 ? 0 : operands[k / 8 % sizeof operands];
  m_value *v = m_value_new(JAVM_KIND_DATA);
  v->as.data = (m_pages){sizes[index], lists[index]};
  return v;
}

static void build_basics(m_cast *cast) {
  static m_page marker = {.bytes = "marker"}, *const markers[] = {&marker};
  javm_hash chain;
  for (uint32_t k = 0; k < DATAS; k++) cast->datas[k] = a_data(k);
  m_value *data = m_value_new(JAVM_KIND_DATA);
  data->as.data = (m_pages){1, markers};
  m_hash_bytes("type", 4, &chain);
  cast->markers[0] = data;
  cast->markers[1] = m_type(&chain);
  cast->markers[2] = m_cnode_new(1);
  for (uint32_t k = 0; k < CATCHERS; k++) cast->catchers[k] = m_kernel(JAVM_KERNEL_YIELDCATCHER, k);
}

javm_hash m_marker_key(const m_cast *cast, uint32_t index) {
  javm_hash key;
  if (index < MARKERS) return m_hash_of(cast->markers[index]);
  m_kernel_chain(index == MARKERS ? JAVM_KERNEL_OOG_MARKER : JAVM_KERNEL_STORAGE_EXHAUSTED_MARKER, &key);
  return key;
}

static const m_value *a_kit(const m_script *s, const m_cast *cast, uint32_t index) {
  const m_value *slots[256] = {[SLOT_MARKER] = cast->markers[0],
                               [SLOT_MARKER + 1] = cast->markers[1],
                               [SLOT_CHILD] = cast->instances[0] ? cast->instances[0] : cast->echo,
                               [SLOT_CHILD + 1] = cast->echo,
                               [SLOT_DATA] = cast->datas[1],
                               [SLOT_DATA + 1] = cast->datas[0],
                               [SLOT_IMAGE] = cast->images[index % s->image_count],
                               [SLOT_IMAGE + 1] = cast->images[0],
                               [SLOT_CNODE] = m_cnode_new(8),
                               [SLOT_GAS] = m_kernel(JAVM_KERNEL_GAS, 1 + index % METERS),
                               [SLOT_QUOTA] = m_kernel(JAVM_KERNEL_QUOTA, 1 + index % QUOTAS),
                               [SLOT_CATCHER] = cast->catchers[index % CATCHERS],
                               [SLOT_SMALL] = m_cnode_new(1)};
  return m_cnode_of(8, slots);
}

static const m_value *bytes_of(const m_value *image) {
  size_t size = 0;
  const uint8_t *encoded = image ? m_image_bytes(image, &size) : NULL;
  return m_data(encoded, size);
}

static const m_value *make_other(const m_script *s, const m_cast *cast, m_what what, uint32_t index) {
  switch (what) {
    case WHAT_EMPTY_CNODE: return m_cnode_new(index % 17);
    case WHAT_GAS: return m_kernel(JAVM_KERNEL_GAS, index);
    case WHAT_QUOTA: return m_kernel(JAVM_KERNEL_QUOTA, index);
    case WHAT_KERNEL: return m_kernel((javm_kernel_image)(index % JAVM_KERNEL_COUNT), 0);
    case WHAT_FILE: return m_kernel(JAVM_KERNEL_FILE, index);
    case WHAT_BYTES: return bytes_of(cast->images[index % s->image_count]);
    case WHAT_KIT: return a_kit(s, cast, index);
    default: return NULL;
  }
}

const m_value *m_value_named(const m_script *s, m_cast *cast, m_what what, uint32_t index) {
  switch (what) {
    case WHAT_DATA: return cast->datas[index % DATAS];
    case WHAT_MARKER: return cast->markers[index % MARKERS];
    case WHAT_TYPE: return cast->markers[1];
    case WHAT_IMAGE: return cast->images[index % s->image_count];
    case WHAT_INSTANCE: return cast->instances[index % s->instance_count];
    case WHAT_CATCHER: return cast->catchers[index % CATCHERS];
    case WHAT_ECHO: return cast->echo;
    default: break;
  }
  const m_value **other = &cast->others[what][index % 32];
  if (!*other) *other = make_other(s, cast, what, index % 32);
  return *other;
}

/* ---- Images ---- */

static size_t list_mappings(uint32_t set, javm_mapping *out) {
  size_t count = 0;
  for (uint32_t k = 0; k < MAP_COUNT; k++)
    if (set >> k & 1) out[count++] = m_layout[k];
  return count;
}

static const m_slot_cap *slot_caps(const m_script *s, m_cast *cast, const m_part *parts, uint32_t count) {
  m_slot_cap *caps = m_new((count + 1) * sizeof *caps);
  for (uint32_t k = 0; k < count; k++)
    caps[k] = (m_slot_cap){parts[k].slot, m_value_named(s, cast, (m_what)parts[k].what, parts[k].index)};
  return caps;
}

static const m_value *build_image(const m_script *s, m_cast *cast, const m_image_plan *plan) {
  static const uint32_t gas_slots[] = {SLOT_GAS}, quota_slots[] = {SLOT_QUOTA, SLOT_GAS},
                        yield_slots[] = {SLOT_CATCHER};
  m_value *v = m_value_new(JAVM_KIND_IMAGE);
  m_image *i = &v->as.image;
  uint32_t starts[ENDPOINTS_MAX];
  m_encode(cast, plan, i, starts);
  javm_endpoint *endpoints = m_new((plan->start_count + 1) * sizeof *endpoints);
  for (uint32_t k = 0; k < plan->start_count; k++) {
    endpoints[k] = (javm_endpoint){.index = (uint8_t)k, .arg_registers = (uint8_t)(4 * k), .entry_pc = starts[k]};
    endpoints[k].initial_regs[1] = plan->stack;
  }
  javm_mapping *mappings = m_new(MAP_COUNT * sizeof *mappings);
  i->endpoints = endpoints;
  i->endpoint_count = plan->start_count;
  i->mapping_count = list_mappings(plan->mappings, mappings);
  i->mappings = mappings;
  i->gas_slots = gas_slots;
  i->gas_slot_count = plan->has_gas_slot;
  i->quota_slots = quota_slots;
  i->quota_slot_count = plan->has_quota_slot * 2u;
  i->yield_marker_slots = yield_slots;
  i->yield_marker_slot_count = plan->has_yield_slot;
  i->pinned = slot_caps(s, cast, plan->pinned, plan->pinned_count);
  i->pinned_count = plan->pinned_count;
  i->initial = slot_caps(s, cast, plan->initial, plan->initial_count);
  i->initial_count = plan->initial_count;
  return v;
}

/* ---- Instances ---- */

enum { NEST_LOG = 3, INNER_LOG = 2 };

static void fill(const m_script *s, m_cast *cast, const m_instance_plan *plan, const m_value **root) {
  const m_value *nest[1 << NEST_LOG] = {NULL}, *inner[1 << INNER_LOG] = {NULL};
  bool has_nest = false, has_inner = false;
  for (uint32_t k = 0; k < plan->part_count; k++) {
    const m_part *p = &plan->parts[k];
    const m_value *v = m_value_named(s, cast, (m_what)p->what, p->index);
    if (p->depth == 0) root[p->slot] = v;
    if (p->depth == 1) nest[p->slot] = v, has_nest = true;
    if (p->depth == 2) inner[p->slot] = v, has_inner = true;
  }
  if (has_inner) nest[3] = m_cnode_of(INNER_LOG, inner);
  if (has_nest || has_inner) root[SLOT_NEST] = m_cnode_of(NEST_LOG, nest);
}

static void add_overlay(m_instance *i, uint8_t which, const m_cast *cast) {
  static const uint32_t starts[] = {0, RW_AT, SCRATCH_AT + M_PAGE, 0x60000, 0x70001, RW_AT};
  m_overlay *o = m_new(sizeof *o);
  *o = (m_overlay){starts[which % 6], cast->datas[which % 6 == 5 ? 4 : 1]->as.data};
  i->overlays = o;
  i->overlay_count = which % 6 != 0;
}

static const m_value *build_instance(const m_script *s, m_cast *cast, const m_instance_plan *plan) {
  const m_value *root[256] = {NULL}, *image = cast->images[plan->image];
  fill(s, cast, plan, root);
  m_value *v = m_genesis(image, root);
  if (!plan->is_made) return v;
  m_instance *i = &v->as.instance;
  i->root = m_cnode_of(plan->size_log, i->root->as.cnode.slots);
  i->chain = m_chain_extended(&i->chain, image);
  i->mem_size = plan->mem_size;
  i->heap_end = plan->heap_end;
  memcpy(i->regs, plan->regs, sizeof i->regs);
  i->gas_remaining = plan->regs[3];
  add_overlay(i, plan->overlay, cast);
  return v;
}

void m_build(const m_script *s, m_cast *cast) {
  memset(cast, 0, sizeof *cast);
  build_basics(cast);
  static const m_image_plan echo = {.steps = {{.kind = STEP_ECALL}}, .step_count = 1, .start_count = 2, .mappings = 1};
  const m_value *none[256] = {NULL};
  cast->echo = m_genesis(build_image(s, cast, &echo), none);
  for (uint32_t k = 0; k < s->image_count; k++) cast->images[k] = build_image(s, cast, &s->images[k]);
  for (uint32_t k = 0; k < s->instance_count; k++) cast->instances[k] = build_instance(s, cast, &s->instances[k]);
}
