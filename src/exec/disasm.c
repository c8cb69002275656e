/*
 * The disassembler: an Image's parts to text that assembles to the same parts. An instruction is written by its name
 * where the assembler would give it the bytes that it has; else as .insn with these bytes. For jumps that depends on
 * all others (jv_settle_widths), so what the assembler would do is computed first, and jumps that would come out
 * otherwise are fixed.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "exec/asm.h"
#include "exec/asm_code.h"

/* Tries to find a set of jumps that settle as they are, before all are written as bytes. */
enum { SETTLE_ROUNDS = 8 };
enum { LINE_BYTES = 32, TRIMMED_ZEROS = 8 };

/* ------------------------------------------------------------------------------------------------------ text */

enum { PIECE_MAX = 256 };

void jv_text_free(jv_text *t) {
  jv_free(t->allocator, t->bytes, t->capacity);
  t->bytes = NULL;
  t->size = t->capacity = 0;
}

static bool room(jv_text *t, size_t bytes) {
  if (!t->failed && !jv_grow(t->allocator, &t->bytes, &t->capacity, t->size + bytes, 1)) t->failed = true;
  return !t->failed;
}

void jv_text_begin(jv_text *t) {
  if (t->indent == 0 || !room(t, t->indent)) return;
  memset(t->bytes + t->size, ' ', t->indent);
  t->size += t->indent;
}

void jv_text_add(jv_text *t, const char *format, ...) {
  if (!room(t, PIECE_MAX)) return;
  va_list args;
  va_start(args, format);
  int n = vsnprintf(t->bytes + t->size, PIECE_MAX, format, args);
  va_end(args);
  t->size += n < 0 ? 0 : n < PIECE_MAX ? (size_t)n : PIECE_MAX - 1;
}

static void add_hex(jv_text *t, const uint8_t *bytes, size_t count) {
  static const char digits[] = "0123456789abcdef";
  if (!room(t, 2 * count)) return;
  for (size_t i = 0; i < count; i++) {
    t->bytes[t->size++] = digits[bytes[i] >> 4];
    t->bytes[t->size++] = digits[bytes[i] & 15];
  }
}

static bool is_text(const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (bytes[i] != '\n' && (bytes[i] < ' ' || bytes[i] > '~')) return false;
  }
  return true;
}

static void add_piece(jv_text *t, const uint8_t *bytes, size_t count) {
  jv_text_begin(t);
  if (!is_text(bytes, count)) {
    jv_text_add(t, "hex ");
    add_hex(t, bytes, count);
  } else {
    jv_text_add(t, "\"");
    for (size_t i = 0; i < count; i++) {
      if (bytes[i] == '\n') jv_text_add(t, "\\n");
      else jv_text_add(t, "%s%c", bytes[i] == '"' || bytes[i] == '\\' ? "\\" : "", bytes[i]);
    }
    jv_text_add(t, "\"");
  }
  jv_text_add(t, "\n");
}

static void add_zeros(jv_text *t, uint64_t count) {
  if (count == 0) return;
  jv_text_begin(t);
  jv_text_add(t, "zero %" PRIu64 "\n", count);
}

/* Zeros that fill the last page are left out: the assembler adds them. */
void jv_text_data(jv_text *t, uint32_t page_count, jv_page_bytes_fn page, void *ctx) {
  uint64_t zeros = 0;
  jv_text_add(t, "data {\n");
  t->indent += 2;
  for (uint32_t i = 0; i < page_count && !t->failed; i++) {
    const uint8_t *bytes = page(ctx, i);
    if (!bytes) {
      zeros += JAVM_PAGE_BYTES;
      continue;
    }
    for (unsigned at = 0; at < JAVM_PAGE_BYTES; at += LINE_BYTES) {
      unsigned count = LINE_BYTES;
      while (count > 0 && bytes[at + count - 1] == 0) count--;
      if (count > LINE_BYTES - TRIMMED_ZEROS) count = LINE_BYTES;
      if (count > 0) {
        add_zeros(t, zeros);
        add_piece(t, bytes + at, count);
        zeros = 0;
      }
      zeros += LINE_BYTES - count;
    }
  }
  if (zeros >= JAVM_PAGE_BYTES) add_zeros(t, zeros);
  t->indent -= 2;
  jv_text_begin(t);
  jv_text_add(t, "}\n");
}

/* ---------------------------------------------------------------------------------------------- instructions */

/* One line in the making. */
typedef struct line {
  char *text;
  size_t capacity, size;
} line;

static void put(line *l, const char *format, ...) JV_PRINTF(2, 3);
static void put(line *l, const char *format, ...) {
  if (l->size >= l->capacity) return;
  va_list args;
  va_start(args, format);
  int n = vsnprintf(l->text + l->size, l->capacity - l->size, format, args);
  va_end(args);
  l->size += n < 0 ? 0 : (size_t)n;
}

static void put_number(line *l, uint64_t magnitude) {
  put(l, magnitude < 0x10000 ? "%" PRIu64 : "0x%" PRIx64, magnitude);
}

static void put_imm(line *l, uint64_t value) {
  bool negative = value >> 63;
  if (negative) put(l, "-");
  put_number(l, negative ? -value : value);
}

static void put_displacement(line *l, uint64_t value) {
  bool negative = value >> 63;
  if (value == 0) return;
  put(l, negative ? " - " : " + ");
  put_number(l, negative ? -value : value);
}

/* An instruction as the assembler reads it; its target as a label or as a number. */
static void put_insn(line *l, const jv_decoded *i, bool label) {
  char last = 0;
  put(l, "%s", jv_ops[i->op].name);
  for (const char *p = jv_operand_pattern(i->op); *p; last = *p++) {
    if (last == 0) put(l, " ");
    switch (*p) {
      case 'a': put(l, "%s", jv_reg_names[i->a]); break;
      case 'b': put(l, "%s", jv_reg_names[i->b]); break;
      case 'd': put(l, "%s", jv_reg_names[i->d]); break;
      case 'x':
        if (last == '[') put(l, "0x%" PRIx32, (uint32_t)i->x);
        else put_imm(l, i->x);
        break;
      case 'y': put_imm(l, i->y); break;
      case 'q': put_imm(l, i->x); break;
      case '+': put_displacement(l, i->x); break;
      case 't': put(l, label ? "L%" PRIx32 : "0x%" PRIx32, i->target); break;
      case ',': put(l, ", "); break;
      default: put(l, "%c", *p);
    }
  }
}

static void put_meaning(line *l, const javm_code *code, uint32_t pc, const jv_decoded *insn) {
  if (!jv_bitmask_at(code, pc)) put(l, "(no instruction starts here)");
  else if (insn->op == JV_OP_INVALID) put(l, "(invalid opcode %u)", code->code[pc]);
  else put_insn(l, insn, false);
}

uint32_t javm_disassemble_at(const javm_code *code, uint32_t pc, char *text, size_t capacity) {
  line l = {text, capacity, 0};
  jv_decoded insn;
  if (capacity) text[0] = 0;
  jv_decode(code, pc, &insn);
  put_meaning(&l, code, pc, &insn);
  return insn.skip + 1u;
}

/* ------------------------------------------------------------------------------------------------------ code */

typedef struct listing {
  const javm_code *code;
  const javm_allocator *allocator;
  jv_bits starts; /* block starts: what a label may stand for */
  jv_bits labels; /* those that get one */
  jv_bits raw;    /* jumps that are written as bytes */
  jv_hole *holes; /* the offsets of all other jumps */
  size_t hole_count, hole_capacity;
} listing;

static void set_bit(jv_bits *b, uint32_t i) { b->bits[i >> 3] |= (uint8_t)(1u << (i & 7)); }

/* Bytes at pc that belong together: those of an instruction, or up to the next one. */
static uint32_t piece_bytes(const javm_code *code, uint32_t pc) {
  uint32_t end = pc + 1, count = (uint32_t)code->code_bytes;
  bool insn = jv_bitmask_at(code, pc);
  while (end < count && !jv_bitmask_at(code, end) && (!insn || end - pc < JV_INSN_MAX)) end++;
  return end - pc;
}

/* Does the shortest encoding of what stands at pc give the bytes that stand there? *base: without the offset of a
 * jump. */
static bool is_canonical(const javm_code *code, uint32_t pc, jv_decoded *insn, unsigned *base) {
  uint8_t bytes[JV_BASE_MAX];
  if (!jv_bitmask_at(code, pc)) return false;
  jv_decode(code, pc, insn);
  if (insn->op == JV_OP_INVALID) return false;
  uint32_t offset = insn->target - pc, size = piece_bytes(code, pc);
  unsigned width = jv_has_target(insn->op) ? jv_imm_bytes((int32_t)offset) : 0;
  *base = jv_encode(code->isa, insn, bytes);
  if (insn->skip + 1u != size || *base + width != size || memcmp(code->code + pc, bytes, *base) != 0) return false;
  return width == 0 || jv_load_le(code->code + pc + *base, width) == (offset & (UINT64_MAX >> (64 - 8 * width)));
}

/* Finds the jumps that are not raw, with the widths and absolute targets that they have. */
static bool collect_holes(listing *l) {
  uint32_t widths = 0;
  l->hole_count = 0;
  for (uint32_t pc = 0, size; pc < l->code->code_bytes; pc += size) {
    jv_decoded insn;
    unsigned base;
    size = piece_bytes(l->code, pc);
    if (jv_bits_get(&l->raw, pc) || !is_canonical(l->code, pc, &insn, &base) || !jv_has_target(insn.op)) continue;
    if (!jv_grow(l->allocator, &l->holes, &l->hole_capacity, l->hole_count + 1, sizeof *l->holes)) return false;
    jv_place target = {insn.target, JV_PLACE_ABSOLUTE};
    l->holes[l->hole_count++] = (jv_hole){pc + base - widths, target, (uint8_t)base, (uint8_t)(size - base)};
    widths += size - base;
  }
  return true;
}

/* Turns targets that have labels into places behind known bytes and holes. shifts: of the actual widths. */
static void place_targets(listing *l, const uint32_t *shifts) {
  for (size_t i = 0; i < l->hole_count; i++) {
    jv_place *target = &l->holes[i].target;
    if (!jv_bits_get(&l->starts, target->fixed)) continue;
    size_t from = 0, to = l->hole_count;
    while (from < to) {
      size_t mid = from + (to - from) / 2;
      if (l->holes[mid].fixed + shifts[mid] < target->fixed) from = mid + 1;
      else to = mid;
    }
    *target = (jv_place){target->fixed - shifts[from], (uint32_t)from};
  }
}

/* Marks as raw the jumps that would settle at another width. *changed: there were some. */
static bool settle_round(listing *l, bool give_up, bool *changed) {
  const javm_allocator *a = l->allocator;
  size_t count;
  if (!collect_holes(l)) return false;
  count = l->hole_count;
  uint32_t *actual = jv_alloc_array(a, count + 1, sizeof *actual);
  uint32_t *shifts = jv_alloc_array(a, count + 1, sizeof *shifts);
  bool ok = actual && shifts;
  *changed = false;
  if (ok) {
    actual[0] = 0;
    for (size_t i = 0; i < count; i++) actual[i + 1] = actual[i] + l->holes[i].width;
    place_targets(l, actual);
    jv_settle_widths(l->holes, count, shifts);
    for (size_t i = 0; i < count; i++) {
      if (!give_up && l->holes[i].width == actual[i + 1] - actual[i]) continue;
      set_bit(&l->raw, l->holes[i].fixed + actual[i] - l->holes[i].base);
      *changed = true;
    }
  }
  jv_free_array(a, actual, count + 1, sizeof *actual);
  jv_free_array(a, shifts, count + 1, sizeof *shifts);
  return ok;
}

/* Widths and offsets may also differ by what others do: rounds until nothing changes. */
static bool settle(listing *l) {
  bool changed = true;
  for (unsigned round = 0; changed; round++) {
    if (!settle_round(l, round >= SETTLE_ROUNDS, &changed)) return false;
  }
  return true;
}

static void add_label(listing *l, uint32_t pc) {
  if (jv_bits_get(&l->starts, pc)) set_bit(&l->labels, pc);
}

static void find_labels(listing *l, const javm_image_spec *spec) {
  for (uint32_t pc = 0; pc < l->code->code_bytes; pc += piece_bytes(l->code, pc)) {
    jv_decoded insn;
    unsigned base;
    if (jv_bits_get(&l->raw, pc) || !is_canonical(l->code, pc, &insn, &base) || !jv_has_target(insn.op)) continue;
    add_label(l, insn.target);
  }
  for (size_t i = 0; i < spec->code.jump_count; i++) add_label(l, spec->code.jump_table[i]);
  for (size_t i = 0; i < spec->endpoint_count; i++) add_label(l, spec->endpoints[i].entry_pc);
}

static void write_raw(const listing *l, jv_text *t, uint32_t pc, uint32_t size) {
  if (!jv_bitmask_at(l->code, pc)) {
    for (uint32_t at = 0; at < size && !t->failed; at += LINE_BYTES) {
      jv_text_begin(t);
      jv_text_add(t, "  .bytes ");
      add_hex(t, l->code->code + pc + at, size - at < LINE_BYTES ? size - at : LINE_BYTES);
      jv_text_add(t, "\n");
    }
    return;
  }
  char text[160];
  line meaning = {text, sizeof text, 0};
  jv_decoded insn;
  jv_decode(l->code, pc, &insn);
  put_meaning(&meaning, l->code, pc, &insn);
  jv_text_begin(t);
  jv_text_add(t, "  .insn ");
  add_hex(t, l->code->code + pc, size);
  jv_text_add(t, "  # %s\n", text);
}

static void write_code(const listing *l, jv_text *t) {
  for (uint32_t pc = 0, size; pc < l->code->code_bytes && !t->failed; pc += size) {
    jv_decoded insn;
    unsigned base;
    size = piece_bytes(l->code, pc);
    if (jv_bits_get(&l->labels, pc)) {
      jv_text_begin(t);
      jv_text_add(t, "L%" PRIx32 ":\n", pc);
    }
    if (jv_bits_get(&l->raw, pc) || !is_canonical(l->code, pc, &insn, &base)) {
      write_raw(l, t, pc, size);
      continue;
    }
    char text[160];
    line meaning = {text, sizeof text, 0};
    put_insn(&meaning, &insn, jv_bits_get(&l->starts, insn.target));
    jv_text_begin(t);
    jv_text_add(t, "  %s\n", text);
  }
}

/* ----------------------------------------------------------------------------------------------- directives */

static void write_place(const listing *l, jv_text *t, uint32_t pc) {
  jv_text_add(t, jv_bits_get(&l->starts, pc) ? "L%" PRIx32 : "0x%" PRIx32, pc);
}

static void write_endpoint(const listing *l, jv_text *t, const javm_endpoint *e) {
  jv_text_begin(t);
  jv_text_add(t, ".endpoint %u ", e->index);
  write_place(l, t, e->entry_pc);
  if (e->arg_registers) jv_text_add(t, " args=%u", e->arg_registers);
  if (e->arg_cnode_size) jv_text_add(t, " cnode=%u", e->arg_cnode_size);
  for (int r = 0; r < JAVM_REG_COUNT; r++) {
    if (e->initial_regs[r]) jv_text_add(t, " %s=0x%" PRIx64, jv_reg_names[r], e->initial_regs[r]);
  }
  jv_text_add(t, "\n");
}

static void write_mapping(jv_text *t, const javm_mapping *m) {
  jv_text_begin(t);
  jv_text_add(t, ".mapping %s 0x%" PRIx32 " 0x%" PRIx64, jv_mapping_names[m->kind], m->start, m->size_bytes);
  for (uint32_t i = 0; i < m->source_length; i++) jv_text_add(t, "%s%" PRIu32, i ? "/" : " slot ", m->source[i]);
  jv_text_add(t, "\n");
}

static void write_slots(jv_text *t, const char *directive, const uint32_t *slots, size_t count) {
  for (size_t i = 0; i < count; i++) {
    jv_text_begin(t);
    jv_text_add(t, "%s %" PRIu32 "\n", directive, slots[i]);
  }
}

static void write_head(const listing *l, jv_text *t, const javm_image_spec *spec, bool unchecked) {
  const javm_code *code = &spec->code;
  jv_text_begin(t);
  jv_text_add(t, ".isa %s\n", jv_isa_names[code->isa]);
  if (unchecked) {
    jv_text_begin(t);
    jv_text_add(t, ".unchecked\n");
  }
  for (size_t i = 0; i < spec->endpoint_count; i++) write_endpoint(l, t, &spec->endpoints[i]);
  for (size_t i = 0; i < spec->mapping_count; i++) write_mapping(t, &spec->mappings[i]);
  write_slots(t, ".gas_slot", spec->gas_slots, spec->gas_slot_count);
  write_slots(t, ".quota_slot", spec->quota_slots, spec->quota_slot_count);
  write_slots(t, ".yield_marker_slot", &spec->yield_marker_slot, spec->has_yield_marker_slot);
  for (size_t i = 0; i < code->jump_count && !t->failed; i++) {
    if (i % 8 == 0) {
      jv_text_begin(t);
      jv_text_add(t, ".jump_table ");
    }
    write_place(l, t, code->jump_table[i]);
    jv_text_add(t, i % 8 == 7 || i + 1 == code->jump_count ? "\n" : ", ");
  }
  unsigned used = (unsigned)(code->code_bytes % 8);
  unsigned padding = used ? code->bitmask[code->bitmask_bytes - 1] >> used << used : 0;
  if (padding) {
    jv_text_begin(t);
    jv_text_add(t, ".padding 0x%02x\n", padding);
  }
}

static javm_status write_caps(jv_text *t, bool pinned, const javm_slot_cap *caps, size_t count,
                              jv_write_cap_fn write_cap, void *ctx, javm_error *error) {
  for (size_t i = 0; i < count; i++) {
    jv_text_begin(t);
    jv_text_add(t, "%s %" PRIu32 " ", pinned ? ".pinned" : ".initial", caps[i].slot);
    javm_status status = write_cap(ctx, t, caps[i].cap, pinned, error);
    if (status != JAVM_OK) return status;
  }
  return JAVM_OK;
}

javm_status jv_disassemble(jv_text *t, const javm_image_spec *spec, bool unchecked, jv_write_cap_fn write_cap,
                           void *ctx, javm_error *error) {
  const javm_allocator *a = t->allocator;
  uint32_t code_bytes = (uint32_t)spec->code.code_bytes;
  size_t bits_bytes = (spec->code.code_bytes + 7) / 8;
  listing l = {.code = &spec->code, .allocator = a};
  l.labels = (jv_bits){jv_alloc_array(a, bits_bytes, 1), code_bytes};
  l.raw = (jv_bits){jv_alloc_array(a, bits_bytes, 1), code_bytes};
  bool ok = l.labels.bits && l.raw.bits && jv_block_starts(&spec->code, a, &l.starts);
  if (ok) {
    memset(l.labels.bits, 0, bits_bytes);
    memset(l.raw.bits, 0, bits_bytes);
    ok = settle(&l);
  }
  if (ok) {
    find_labels(&l, spec);
    write_head(&l, t, spec, unchecked);
    write_code(&l, t);
  }
  jv_free_array(a, l.starts.bits, bits_bytes, 1);
  jv_free_array(a, l.labels.bits, bits_bytes, 1);
  jv_free_array(a, l.raw.bits, bits_bytes, 1);
  jv_free(a, l.holes, l.hole_capacity * sizeof *l.holes);
  if (!ok || t->failed) return jv_fail_memory(error);
  javm_status status = write_caps(t, true, spec->pinned, spec->pinned_count, write_cap, ctx, error);
  if (status == JAVM_OK) {
    status = write_caps(t, false, spec->initial, spec->initial_count, write_cap, ctx, error);
  }
  return status == JAVM_OK && t->failed ? jv_fail_memory(error) : status;
}
