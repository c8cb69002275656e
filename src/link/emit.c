/*
 * Nodes to bytes. Blocks keep their order. A block that something leads to begins behind an instruction that ends a
 * block; where the code before it just runs on, a `fallthrough` stands between.
 */
#include <string.h>

#include "base/error.h"
#include "link/code.h"

typedef struct emitting {
  const jv_link_code *code;
  jv_emitted *out;
  uint8_t *bytes; /* without the offsets of jumps */
  size_t byte_count, byte_capacity;
  uint8_t *starts; /* of each of these bytes: an instruction starts here */
  size_t start_capacity;
  jv_hole *holes;
  uint32_t *hole_targets; /* blocks */
  size_t hole_count, hole_capacity, hole_target_capacity;
  jv_place *places; /* of the blocks */
  jv_place *map;    /* of the ELF addresses in out->addresses */
  size_t map_capacity;
  uint32_t *shifts;
  uint8_t last_op;
} emitting;

static jv_place here(const emitting *e) { return (jv_place){(uint32_t)e->byte_count, (uint32_t)e->hole_count}; }

static bool emit_node(emitting *e, const jv_node *n) {
  const javm_allocator *a = e->code->allocator;
  jv_decoded insn = {.op = n->op, .a = n->a, .b = n->b, .d = n->d, .x = (uint64_t)n->x, .y = (uint64_t)n->y};
  uint8_t bytes[JV_BASE_MAX];
  unsigned size = jv_encode(JAVM_ISA_JAVM, &insn, bytes);
  if (!jv_grow(a, &e->bytes, &e->byte_capacity, e->byte_count + size, 1) ||
      !jv_grow(a, &e->starts, &e->start_capacity, e->byte_count + size, 1)) {
    return false;
  }
  memcpy(e->bytes + e->byte_count, bytes, size);
  memset(e->starts + e->byte_count, 0, size);
  e->starts[e->byte_count] = 1;
  e->byte_count += size;
  e->last_op = n->op;
  if (!jv_has_target(n->op)) return true;
  if (!jv_grow(a, &e->holes, &e->hole_capacity, e->hole_count + 1, sizeof *e->holes) ||
      !jv_grow(a, &e->hole_targets, &e->hole_target_capacity, e->hole_count + 1, sizeof *e->hole_targets)) {
    return false;
  }
  e->hole_targets[e->hole_count] = n->target;
  e->holes[e->hole_count++] = (jv_hole){.fixed = (uint32_t)e->byte_count, .base = (uint8_t)size};
  return true;
}

/* Notes where the code of an ELF instruction begins. */
static bool note(emitting *e, uint32_t address) {
  jv_emitted *out = e->out;
  const javm_allocator *a = e->code->allocator;
  if (out->map_count > 0 && out->addresses[out->map_count - 1] >= address) return true;
  size_t capacity = out->map_capacity;
  if (!jv_grow(a, &out->addresses, &capacity, out->map_count + 1, sizeof *out->addresses)) return false;
  out->map_capacity = capacity;
  if (!jv_grow(a, &e->map, &e->map_capacity, out->map_count + 1, sizeof *e->map)) return false;
  e->map[out->map_count] = here(e);
  out->addresses[out->map_count++] = address;
  return true;
}

static bool emit_blocks(emitting *e) {
  const jv_link_code *c = e->code;
  static const jv_node fallthrough = {.op = JV_OP_fallthrough};
  for (uint32_t i = 0; i < c->block_count; i++) {
    const jv_block *b = &c->blocks[i];
    if (!b->reachable) {
      e->places[i] = here(e);
      continue;
    }
    bool runs_on = e->byte_count > 0 && !jv_op_ends_block(JAVM_ISA_JAVM, e->last_op);
    if (runs_on && (b->refs > 0 || b->escapes) && !emit_node(e, &fallthrough)) return false;
    e->places[i] = here(e);
    for (uint32_t k = 0; k < b->count; k++) {
      const jv_node *n = &c->nodes[b->first + k];
      if (n->op == JV_NO_NODE) continue;
      if (!note(e, n->address) || !emit_node(e, n)) return false;
    }
    if (e->byte_count > JV_ASM_CODE_MAX) return true; /* refused below */
  }
  return true;
}

/* Puts the offsets of jumps between the bytes. */
static bool fill(emitting *e) {
  jv_emitted *out = e->out;
  const javm_allocator *a = e->code->allocator;
  size_t total = e->byte_count + e->shifts[e->hole_count], at = 0, from = 0;
  out->code = jv_alloc_array(a, total, 1);
  out->bitmask = jv_alloc_zero(a, total / 8 + 1);
  out->code_bytes = total;
  if (!out->code || !out->bitmask) return false;
  for (size_t h = 0; h <= e->hole_count; h++) {
    size_t to = h < e->hole_count ? e->holes[h].fixed : e->byte_count;
    for (; from < to; from++, at++) {
      out->code[at] = e->bytes[from];
      if (e->starts[from]) out->bitmask[at / 8] |= (uint8_t)(1u << at % 8);
    }
    if (h == e->hole_count) break;
    uint32_t offset = (uint32_t)jv_hole_offset(&e->holes[h], h, e->shifts);
    for (unsigned i = 0; i < e->holes[h].width; i++) out->code[at++] = (uint8_t)(offset >> 8 * i);
  }
  return true;
}

static uint32_t pc_of(const emitting *e, uint32_t block) { return jv_place_offset(e->places[block], e->shifts); }

static bool fill_tables(emitting *e, const jv_flow *flow) {
  jv_emitted *out = e->out;
  const javm_allocator *a = e->code->allocator;
  out->jump_table = jv_alloc_array(a, flow->jump_count, sizeof *out->jump_table);
  out->entry_pcs = jv_alloc_array(a, e->code->entry_count, sizeof *out->entry_pcs);
  out->pcs = jv_alloc_array(a, out->map_capacity, sizeof *out->pcs);
  out->jump_count = flow->jump_count;
  out->entry_count = e->code->entry_count;
  if (!out->jump_table || !out->entry_pcs || !out->pcs) return false;
  for (size_t i = 0; i < flow->jump_count; i++) out->jump_table[i] = pc_of(e, e->code->block_of[flow->jumps[i]]);
  for (size_t i = 0; i < out->entry_count; i++) out->entry_pcs[i] = pc_of(e, e->code->entries[i]);
  for (size_t i = 0; i < out->map_count; i++) out->pcs[i] = jv_place_offset(e->map[i], e->shifts);
  return true;
}

static javm_status emit(emitting *e, const jv_flow *flow, javm_error *error) {
  const javm_allocator *a = e->code->allocator;
  e->places = jv_alloc_array(a, e->code->block_count, sizeof *e->places);
  if (!e->places || !emit_blocks(e)) return jv_fail_memory(error);
  e->shifts = jv_alloc_array(a, e->hole_count + 1, sizeof *e->shifts);
  if (!e->shifts) return jv_fail_memory(error);
  if (e->byte_count <= JV_ASM_CODE_MAX) {
    for (size_t i = 0; i < e->hole_count; i++) e->holes[i].target = e->places[e->hole_targets[i]];
    jv_settle_widths(e->holes, e->hole_count, e->shifts);
  }
  if (e->byte_count > JV_ASM_CODE_MAX || e->byte_count + e->shifts[e->hole_count] > JV_ASM_CODE_MAX) {
    return jv_fail(error, JAVM_UNSUPPORTED, 0, "the program has more than 2^24 bytes of code");
  }
  if (flow->jump_count > JV_ASM_JUMPS_MAX) {
    return jv_fail(error, JAVM_UNSUPPORTED, 0, "the program has more than 2^20 return addresses and code pointers");
  }
  return fill(e) && fill_tables(e, flow) ? JAVM_OK : jv_fail_memory(error);
}

javm_status jv_emit(const jv_link_code *code, const jv_flow *flow, jv_emitted *out, javm_error *error) {
  const javm_allocator *a = code->allocator;
  emitting e = {.code = code, .out = out};
  memset(out, 0, sizeof *out);
  javm_status status = emit(&e, flow, error);
  jv_free_array(a, e.shifts, e.hole_count + 1, sizeof *e.shifts);
  jv_free_array(a, e.places, code->block_count, sizeof *e.places);
  jv_free_array(a, e.bytes, e.byte_capacity, 1);
  jv_free_array(a, e.starts, e.start_capacity, 1);
  jv_free_array(a, e.holes, e.hole_capacity, sizeof *e.holes);
  jv_free_array(a, e.hole_targets, e.hole_target_capacity, sizeof *e.hole_targets);
  jv_free_array(a, e.map, e.map_capacity, sizeof *e.map);
  if (status != JAVM_OK) jv_emitted_clear(a, out);
  return status;
}

void jv_emitted_clear(const javm_allocator *a, jv_emitted *out) {
  jv_free_array(a, out->code, out->code_bytes, 1);
  jv_free(a, out->bitmask, out->code_bytes / 8 + 1);
  jv_free_array(a, out->jump_table, out->jump_count, sizeof *out->jump_table);
  jv_free_array(a, out->entry_pcs, out->entry_count, sizeof *out->entry_pcs);
  jv_free_array(a, out->addresses, out->map_capacity, sizeof *out->addresses);
  jv_free_array(a, out->pcs, out->map_capacity, sizeof *out->pcs);
  memset(out, 0, sizeof *out);
}
