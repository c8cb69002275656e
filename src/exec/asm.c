/*
 * The assembler: statements to code, in one pass. Code is written as known bytes with holes between them
 * (asm_code.h): a jump's offset is a hole, and an instruction with an @label. When all labels are known the jump
 * table is completed, the holes get their widths, and the pieces are put together. Nested images nest calls here, at
 * most JV_ASM_DEPTH_MAX deep.
 */
#include "exec/asm_unit.h"

#include <string.h>

#include "base/bytes.h"

/* ------------------------------------------------------------------------------------------------ the parts */

static bool grow(jv_unit *u, void *array_pointer, size_t *capacity, size_t need, size_t size_bytes) {
  return jv_grow(u->allocator, array_pointer, capacity, need, size_bytes) || jv_lex_memory(u->lex);
}

bool jv_unit_bytes(jv_unit *u, const uint8_t *bytes, size_t count, bool is_insn) {
  size_t end = u->byte_count + count;
  if (end > JV_ASM_CODE_MAX) return jv_lex_fail(u->lex, u->lex->line, "code is longer than 2^24 bytes");
  if (!grow(u, &u->bytes, &u->byte_capacity, end, 1) || !grow(u, &u->marks, &u->mark_capacity, end, 1)) return false;
  memcpy(u->bytes + u->byte_count, bytes, count);
  memset(u->marks + u->byte_count, 0, count);
  if (is_insn) u->marks[u->byte_count] = 1;
  u->byte_count = end;
  return true;
}

static jv_place here(const jv_unit *u) { return (jv_place){(uint32_t)u->byte_count, (uint32_t)u->hole_count}; }

static bool add_hole(jv_unit *u, unsigned base, jv_place target) {
  if (u->hole_count >= JV_ASM_CODE_MAX) return jv_lex_fail(u->lex, u->lex->line, "code is longer than 2^24 bytes");
  if (!grow(u, &u->holes, &u->hole_capacity, u->hole_count + 1, sizeof *u->holes)) return false;
  u->holes[u->hole_count++] = (jv_hole){(uint32_t)u->byte_count, target, (uint8_t)base, 0};
  return true;
}

static bool add_label(jv_unit *u, jv_slice name) {
  if (!grow(u, &u->labels, &u->label_capacity, u->label_count + 1, sizeof *u->labels)) return false;
  u->labels[u->label_count++] = (jv_label){name, u->lex->line, here(u), JV_NO_JUMP};
  return true;
}

bool jv_unit_place(jv_unit *u, const char *what, jv_label_use *out) {
  uint64_t number = 0;
  out->line = u->lex->line;
  out->name = jv_lex_name(u->lex);
  if (out->name.size == 0 && !jv_lex_unsigned(u->lex, what, UINT32_MAX, &number)) return false;
  out->number = (uint32_t)number;
  return true;
}

/* --------------------------------------------------------------------------------------------- instructions */

int jv_reg_by_name(jv_slice name) {
  for (int i = 0; i < JAVM_REG_COUNT; i++) {
    if (jv_slice_is(name, jv_reg_names[i])) return i;
  }
  if (name.size < 2 || name.size > 3 || name.text[0] != 'r') return -1;
  int number = 0;
  for (size_t i = 1; i < name.size; i++) {
    if (name.text[i] < '0' || name.text[i] > '9') return -1;
    number = number * 10 + name.text[i] - '0';
  }
  return number < JAVM_REG_COUNT && (name.size == 2 || number >= 10) ? number : -1;
}

static bool take_reg(jv_unit *u, uint8_t *out) {
  size_t at = u->lex->at;
  int reg = jv_reg_by_name(jv_lex_name(u->lex));
  if (reg >= 0) {
    *out = (uint8_t)reg;
    return true;
  }
  u->lex->at = at;
  return jv_lex_expected(u->lex, "a register (ra sp t0-t2 s0 s1 a0-a5 or r0-r12)");
}

/* How an immediate is read: 32 bits with a sign; an address or a number of 32 bits, likewise without; 64 bits. */
typedef enum imm_kind { IMM_SIGNED, IMM_ADDRESS, IMM_64 } imm_kind;

static bool imm_value(jv_unit *u, jv_number n, imm_kind kind, uint64_t *out) {
  uint64_t value = n.negative ? -n.magnitude : n.magnitude;
  int64_t as_signed = (int64_t)value;
  bool fits = n.negative ? n.magnitude <= UINT64_C(1) << 31 : as_signed >= INT32_MIN && as_signed <= INT32_MAX;
  if (!fits && kind == IMM_ADDRESS && !n.negative && value <= UINT32_MAX) {
    value = (uint64_t)(int64_t)(int32_t)(uint32_t)value;
    fits = true;
  }
  if (kind == IMM_64) fits = !n.negative || n.magnitude <= UINT64_C(1) << 63;
  *out = value;
  return fits || jv_lex_fail(u->lex, u->lex->line, "immediate does not fit into %s bits with a sign",
                             kind == IMM_64 ? "64" : "32");
}

static bool take_imm(jv_unit *u, imm_kind kind, uint64_t *out, jv_slice *label) {
  jv_number n;
  if (jv_lex_take(u->lex, '@')) {
    *label = jv_lex_name(u->lex);
    *out = 0;
    return label->size > 0 || jv_lex_expected(u->lex, "a label");
  }
  return jv_lex_number(u->lex, "a number or @label", &n) && imm_value(u, n, kind, out);
}

/* `+ n`, `- n` or nothing, before a closing bracket. */
static bool take_displacement(jv_unit *u, uint64_t *out, jv_slice *label) {
  bool minus = jv_lex_take(u->lex, '-');
  *out = 0;
  if (!minus && !jv_lex_take(u->lex, '+')) return jv_lex_peek(u->lex) == ']' || jv_lex_expected(u->lex, "+, - or ]");
  if (!minus) return take_imm(u, IMM_ADDRESS, out, label);
  jv_number n;
  if (!jv_lex_number(u->lex, "a number", &n)) return false;
  if (n.negative) return jv_lex_fail(u->lex, u->lex->line, "expected a number without a second sign");
  n.negative = true;
  return imm_value(u, n, IMM_SIGNED, out);
}

static bool take_operands(jv_unit *u, jv_late *late, jv_label_use *target) {
  jv_decoded *i = &late->insn;
  imm_kind kind = i->op == JV_OP_ecalli ? IMM_ADDRESS : IMM_SIGNED;
  for (const char *p = jv_operand_pattern(i->op); *p; p++) {
    bool ok = false;
    switch (*p) {
      case 'a': ok = take_reg(u, &i->a); break;
      case 'b': ok = take_reg(u, &i->b); break;
      case 'd': ok = take_reg(u, &i->d); break;
      case 'x': ok = take_imm(u, kind, &i->x, &late->x); break;
      case 'y': ok = take_imm(u, IMM_SIGNED, &i->y, &late->y); break;
      case 'q': ok = take_imm(u, IMM_64, &i->x, &late->x); break;
      case '+': ok = take_displacement(u, &i->x, &late->x); break;
      case 't': ok = jv_unit_place(u, "a label or a code offset", target); break;
      default: ok = jv_lex_need(u->lex, *p);
    }
    if (!ok) return false;
    kind = *p == '[' ? IMM_ADDRESS : IMM_SIGNED;
  }
  return jv_lex_need_line_done(u->lex);
}

static bool add_target(jv_unit *u, jv_label_use *target, unsigned base) {
  jv_place absolute = {target->number, JV_PLACE_ABSOLUTE};
  target->index = (uint32_t)u->hole_count;
  if (!add_hole(u, base, absolute)) return false;
  if (target->name.size == 0) return true;
  if (!grow(u, &u->targets, &u->target_capacity, u->target_count + 1, sizeof *u->targets)) return false;
  u->targets[u->target_count++] = *target;
  return true;
}

static bool find_op(jv_slice name, uint8_t *op) {
  for (unsigned i = 0; i < JV_OP_INVALID; i++) {
    if (!jv_ops[i].name || jv_ops[i].name[0] != name.text[0] || !jv_slice_is(name, jv_ops[i].name)) continue;
    *op = (uint8_t)i;
    return true;
  }
  return false;
}

static bool instruction(jv_unit *u, jv_slice name) {
  jv_late late;
  jv_label_use target;
  uint8_t base[JV_BASE_MAX], number;
  memset(&late, 0, sizeof late);
  late.line = u->lex->line;
  if (!find_op(name, &late.insn.op)) {
    return jv_lex_fail(u->lex, u->lex->line, "expected an instruction, a directive or a label, found '%.*s'",
                       name.size > 40 ? 40 : (int)name.size, name.text);
  }
  if (!jv_op_to_isa(u->isa, late.insn.op, &number)) {
    return jv_lex_fail(u->lex, u->lex->line, "the instruction set %s has no %s", jv_isa_names[u->isa],
                       jv_ops[late.insn.op].name);
  }
  if (!take_operands(u, &late, &target)) return false;
  unsigned size = 0;
  if (late.x.size || late.y.size) {
    late.hole = (uint32_t)u->hole_count;
    if (!add_hole(u, 0, here(u))) return false;
    if (!grow(u, &u->lates, &u->late_capacity, u->late_count + 1, sizeof *u->lates)) return false;
    u->lates[u->late_count++] = late;
  } else {
    size = jv_encode(u->isa, &late.insn, base);
    if (!jv_unit_bytes(u, base, size, true)) return false;
  }
  /* of a late instruction the size is not known yet; 1 says that the hole is a jump's */
  return !jv_has_target(late.insn.op) || add_target(u, &target, size ? size : 1);
}

/* ------------------------------------------------------------------------------------------ labels, placing */

static void sift_down(jv_label *labels, size_t at, size_t count) {
  for (size_t child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count && jv_slice_compare(labels[child].name, labels[child + 1].name) < 0) child++;
    if (jv_slice_compare(labels[at].name, labels[child].name) >= 0) return;
    jv_label swapped = labels[at];
    labels[at] = labels[child];
    labels[child] = swapped;
  }
}

/* Heapsort: in place, and no text makes it slow. */
static bool sort_labels(jv_unit *u) {
  jv_label *l = u->labels;
  for (size_t i = u->label_count / 2; i-- > 0;) sift_down(l, i, u->label_count);
  for (size_t end = u->label_count; end > 1;) {
    jv_label last = l[--end];
    l[end] = l[0];
    l[0] = last;
    sift_down(l, 0, end);
  }
  for (size_t i = 1; i < u->label_count; i++) {
    if (jv_slice_compare(l[i - 1].name, l[i].name) != 0) continue;
    size_t first = l[i - 1].line, second = l[i].line;
    if (first > second) first = l[i].line, second = l[i - 1].line;
    return jv_lex_fail(u->lex, second, "label '%.*s' is already in line %zu",
                       l[i].name.size > 40 ? 40 : (int)l[i].name.size, l[i].name.text, first);
  }
  return true;
}

static jv_label *find_label(jv_unit *u, jv_slice name, size_t line) {
  size_t from = 0, to = u->label_count;
  while (from < to) {
    size_t mid = from + (to - from) / 2;
    int order = jv_slice_compare(u->labels[mid].name, name);
    if (order == 0) return &u->labels[mid];
    if (order < 0) from = mid + 1;
    else to = mid;
  }
  jv_lex_fail(u->lex, line, "no label '%.*s' in this image", name.size > 40 ? 40 : (int)name.size, name.text);
  return NULL;
}

/* The value of @label: the address that a jump_ind to it takes. Adds the label to the jump table if it is not there. */
static bool jump_address(jv_unit *u, jv_slice name, size_t line, uint64_t *out) {
  jv_label *label = find_label(u, name, line);
  if (!label) return false;
  if (label->jump == JV_NO_JUMP) {
    if (u->jump_count >= JV_ASM_JUMPS_MAX) return jv_lex_fail(u->lex, line, "the jump table is longer than 2^20");
    if (!grow(u, &u->jumps, &u->jump_capacity, u->jump_count + 1, sizeof *u->jumps)) return false;
    label->jump = (uint32_t)u->jump_count;
    u->jumps[u->jump_count++] = (jv_label_use){name, 0, line, 0};
  }
  *out = 2 * ((uint64_t)label->jump + 1);
  return true;
}

/* Gives every use of a label its place, and late instructions their bytes (as widths of their holes). */
static bool resolve(jv_unit *u) {
  if (!sort_labels(u)) return false;
  for (size_t i = 0; i < u->target_count; i++) {
    jv_label *label = find_label(u, u->targets[i].name, u->targets[i].line);
    if (!label) return false;
    u->holes[u->targets[i].index].target = label->place;
  }
  for (size_t i = 0; i < u->jump_count; i++) {
    if (u->jumps[i].name.size == 0) continue;
    jv_label *label = find_label(u, u->jumps[i].name, u->jumps[i].line);
    if (!label) return false;
    if (label->jump == JV_NO_JUMP) label->jump = (uint32_t)i;
  }
  for (size_t i = 0; i < u->late_count; i++) {
    jv_late *late = &u->lates[i];
    uint8_t base[JV_BASE_MAX];
    if (late->x.size && !jump_address(u, late->x, late->line, &late->insn.x)) return false;
    if (late->y.size && !jump_address(u, late->y, late->line, &late->insn.y)) return false;
    unsigned size = jv_encode(u->isa, &late->insn, base);
    u->holes[late->hole].width = (uint8_t)size;
    if (jv_has_target(late->insn.op)) u->holes[late->hole + 1].base = (uint8_t)size;
  }
  return true;
}

/* Copies known bytes and filled holes, in order, to the final code; `late` walks along. */
static void put_together(const jv_unit *u, const uint32_t *shifts, uint8_t *code, uint8_t *bitmask) {
  size_t from = 0, late = 0;
  for (size_t i = 0; i <= u->hole_count; i++) {
    size_t to = i < u->hole_count ? u->holes[i].fixed : u->byte_count;
    for (size_t k = from; k < to; k++) {
      size_t at = k + shifts[i];
      code[at] = u->bytes[k];
      if (u->marks[k]) bitmask[at >> 3] |= (uint8_t)(1u << (at & 7));
    }
    from = to;
    if (i == u->hole_count) return;
    size_t at = to + shifts[i];
    if (u->holes[i].base) {
      jv_store_le(code + at, (uint32_t)jv_hole_offset(&u->holes[i], i, shifts), u->holes[i].width);
    } else {
      uint8_t base[JV_BASE_MAX];
      memcpy(code + at, base, jv_encode(u->isa, &u->lates[late++].insn, base));
      bitmask[at >> 3] |= (uint8_t)(1u << (at & 7));
    }
  }
}

static bool use_offset(jv_unit *u, const jv_label_use *use, const uint32_t *shifts, uint32_t *out) {
  *out = use->number;
  if (use->name.size == 0) return true;
  jv_label *label = find_label(u, use->name, use->line);
  if (label) *out = jv_place_offset(label->place, shifts);
  return label != NULL;
}

/* ----------------------------------------------------------------------------------------------- the Image */

static bool check_start(jv_unit *u, const jv_bits *starts, const jv_label_use *use, uint32_t pc, const char *what) {
  if (jv_bits_get(starts, pc)) return true;
  return jv_lex_fail(u->lex, use->line, "%s: '%.*s' (%lu) is not the start of a basic block; %s", what,
                     use->name.size > 40 ? 40 : (int)use->name.size, use->name.text, (unsigned long)pc,
                     pc < starts->count ? "a fallthrough before it makes it one" : "there is no code");
}

/* What the validation of the Image would find too, with the lines; and jumps to labels, which could only be mistakes.
 * */
static bool check_starts(jv_unit *u, const javm_code *code, const uint32_t *shifts) {
  jv_bits starts;
  if (u->unchecked) return true;
  if (!jv_block_starts(code, u->allocator, &starts)) return jv_lex_memory(u->lex);
  bool ok = true;
  for (size_t i = 0; ok && i < u->target_count; i++) {
    uint32_t pc = jv_place_offset(u->holes[u->targets[i].index].target, shifts);
    ok = check_start(u, &starts, &u->targets[i], pc, "jump");
  }
  for (size_t i = 0; ok && i < u->jump_count; i++) {
    ok = check_start(u, &starts, &u->jumps[i], code->jump_table[i], "jump table");
  }
  for (size_t i = 0; ok && i < u->endpoint_count; i++) {
    ok = check_start(u, &starts, &u->entries[i], u->endpoints[i].entry_pc, "endpoint");
  }
  jv_free_array(u->allocator, starts.bits, (code->code_bytes + 7) / 8, 1);
  return ok;
}

static bool make_image(jv_unit *u, const uint32_t *shifts, uint8_t *code, uint8_t *bitmask, size_t code_bytes,
                       uint32_t *jumps, javm_cap **out) {
  javm_image_spec spec;
  size_t bitmask_bytes = (code_bytes + 7) / 8;
  put_together(u, shifts, code, bitmask);
  if (code_bytes % 8) {
    if (u->padding & ((1u << code_bytes % 8) - 1)) {
      return jv_lex_fail(u->lex, u->lex->line, ".padding has bits that belong to code");
    }
    bitmask[bitmask_bytes - 1] |= u->padding;
  } else if (u->padding) {
    return jv_lex_fail(u->lex, u->lex->line, ".padding: the bitmask of this code has no bits to spare");
  }
  for (size_t i = 0; i < u->jump_count; i++) {
    if (!use_offset(u, &u->jumps[i], shifts, &jumps[i])) return false;
  }
  for (size_t i = 0; i < u->endpoint_count; i++) {
    if (!use_offset(u, &u->entries[i], shifts, &u->endpoints[i].entry_pc)) return false;
  }
  memset(&spec, 0, sizeof spec);
  spec.code = (javm_code){code, code_bytes, bitmask, bitmask_bytes, jumps, u->jump_count, u->isa};
  if (!check_starts(u, &spec.code, shifts)) return false;
  spec.endpoints = u->endpoints;
  spec.endpoint_count = u->endpoint_count;
  spec.mappings = u->mappings;
  spec.mapping_count = u->mapping_count;
  spec.gas_slots = u->gas_slots;
  spec.gas_slot_count = u->gas_slot_count;
  spec.quota_slots = u->quota_slots;
  spec.quota_slot_count = u->quota_slot_count;
  spec.pinned = u->pinned.caps;
  spec.pinned_count = u->pinned.count;
  spec.initial = u->initial.caps;
  spec.initial_count = u->initial.count;
  spec.has_yield_marker_slot = u->has_yield_marker_slot;
  spec.yield_marker_slot = u->yield_marker_slot;
  u->lex->status = u->makers->image(u->makers->ctx, &spec, u->unchecked, out, u->lex->error);
  return u->lex->status == JAVM_OK;
}

static bool finish(jv_unit *u, javm_cap **out) {
  const javm_allocator *a = u->allocator;
  if (!resolve(u)) return false;
  uint32_t *shifts = jv_alloc_array(a, u->hole_count + 1, sizeof *shifts);
  if (!shifts) return jv_lex_memory(u->lex);
  jv_settle_widths(u->holes, u->hole_count, shifts);
  size_t code_bytes = u->byte_count + shifts[u->hole_count], bitmask_bytes = (code_bytes + 7) / 8;
  bool done = false;
  if (code_bytes > JV_ASM_CODE_MAX) {
    jv_lex_fail(u->lex, u->lex->line, "code is longer than 2^24 bytes");
  } else {
    uint8_t *code = jv_alloc_array(a, code_bytes, 1), *bitmask = jv_alloc_array(a, bitmask_bytes, 1);
    uint32_t *jumps = jv_alloc_array(a, u->jump_count, sizeof *jumps);
    if (bitmask) memset(bitmask, 0, bitmask_bytes);
    if (!code || !bitmask || !jumps) jv_lex_memory(u->lex);
    else done = make_image(u, shifts, code, bitmask, code_bytes, jumps, out);
    jv_free_array(a, code, code_bytes, 1);
    jv_free_array(a, bitmask, bitmask_bytes, 1);
    jv_free_array(a, jumps, u->jump_count, sizeof *jumps);
  }
  jv_free_array(a, shifts, u->hole_count + 1, sizeof *shifts);
  return done;
}

static void free_slot_caps(jv_unit *u, jv_slot_caps *s) {
  for (size_t i = 0; i < s->count; i++) u->makers->release(u->makers->ctx, s->caps[i].cap);
  jv_free(u->allocator, s->caps, s->capacity * sizeof *s->caps);
}

static void free_unit(jv_unit *u) {
  const javm_allocator *a = u->allocator;
  jv_free(a, u->bytes, u->byte_capacity);
  jv_free(a, u->marks, u->mark_capacity);
  jv_free(a, u->holes, u->hole_capacity * sizeof *u->holes);
  jv_free(a, u->labels, u->label_capacity * sizeof *u->labels);
  jv_free(a, u->targets, u->target_capacity * sizeof *u->targets);
  jv_free(a, u->lates, u->late_capacity * sizeof *u->lates);
  jv_free(a, u->jumps, u->jump_capacity * sizeof *u->jumps);
  jv_free(a, u->endpoints, u->endpoint_capacity * sizeof *u->endpoints);
  jv_free(a, u->entries, u->entry_capacity * sizeof *u->entries);
  jv_free(a, u->mappings, u->mapping_capacity * sizeof *u->mappings);
  free_slot_caps(u, &u->pinned);
  free_slot_caps(u, &u->initial);
}

static bool statement(jv_unit *u) {
  jv_slice name = jv_lex_name(u->lex);
  if (name.size == 0) return jv_lex_expected(u->lex, "an instruction, a directive or a label");
  if (name.text[0] == '.') return jv_unit_directive(u, name) && jv_lex_need_line_done(u->lex);
  u->begun = true;
  if (jv_lex_take(u->lex, ':')) return add_label(u, name);
  return instruction(u, name);
}

bool jv_unit_parse(jv_lex *lex, const javm_allocator *a, const jv_asm_caps *makers, javm_isa isa, unsigned depth,
                   javm_cap **out) {
  jv_unit *u = jv_alloc_zero(a, sizeof *u);
  if (!u) return jv_lex_memory(lex);
  u->lex = lex;
  u->allocator = a;
  u->makers = makers;
  u->depth = depth;
  u->isa = isa;
  size_t line = lex->line;
  bool ok = true, closed = depth == 0;
  while (ok && jv_lex_statement(lex)) {
    if (depth > 0 && jv_lex_take(lex, '}')) {
      closed = true;
      break;
    }
    ok = statement(u);
  }
  if (ok && !closed) ok = jv_lex_fail(lex, lex->line, "expected '}' for the image that begins in line %zu", line);
  ok = ok && finish(u, out);
  free_unit(u);
  jv_free(a, u, sizeof *u);
  return ok;
}

javm_status jv_assemble(const char *text, size_t text_bytes, javm_isa isa, const javm_allocator *allocator,
                        const jv_asm_caps *caps, javm_cap **out, javm_error *error) {
  javm_error unwanted;
  jv_lex lex = {.text = text, .size = text_bytes, .line = 1, .error = error ? error : &unwanted};
  *out = NULL;
  jv_unit_parse(&lex, allocator, caps, isa, 0, out);
  return lex.status;
}
