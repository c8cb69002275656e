/*
 * The pass over a program: each instruction once, in order of pc, to native code at once. It goes by stretches of some dozens
 * of instructions: first it finds where they stand, then what the blocks cost that end among them, then it lowers them. Time
 * is linear in the code.
 *
 * What is frequent is decoded and lowered here, each kind in a function of its own that is part of one loop, with few
 * branches; the rest is decoded in general and lowered out of line. While a stretch is lowered, the encoder is a variable of
 * that loop (x), so that it can stay in registers; c->x has it only for what is out of line.
 */
#include "jit/lower.h"

#if JV_HAS_RECOMPILER

#include "base/alloc.h"
#include "exec/places.h"

#define INLINE JV_INLINE
#define NOINLINE static __attribute__((noinline))

/* ------------------------------------------------------------------------------------------------------ the kinds */

/* What an instruction is lowered as. */
typedef enum kind {
  OTHER,
  PANIC,
  TRAP,
  NOTHING,
  ACCESS,    /* load_ind, store_ind */
  STORE_IMM, /* store_imm_ind */
  MOVE,
  LOAD_IMM,
  ADD_IMM,
  ALU_IMM,
  SHIFT_IMM,
  SHIFT_LEFT,
  ADD,
  ALU,
  SUB,
  MUL,
  MUL_UPPER,
  SET_LT,
  JUMP,
  LOAD_IMM_JUMP,
  BRANCH_IMM,
  BRANCH,
} kind;

/* By opcode; `code` is the operation, condition or so. */
typedef struct form {
  uint8_t kind, code;
} form;
#define FORM(op, kind, code) [JV_OP_##op] = {kind, code}

static const form forms[256] = {
    FORM(INVALID, PANIC, 0),
    FORM(trap, TRAP, 0),
    FORM(fallthrough, NOTHING, 0),
    FORM(unlikely, NOTHING, 0),
    FORM(load_ind_u8, ACCESS, 0),
    FORM(load_ind_i8, ACCESS, 0),
    FORM(load_ind_u16, ACCESS, 0),
    FORM(load_ind_i16, ACCESS, 0),
    FORM(load_ind_u32, ACCESS, 0),
    FORM(load_ind_i32, ACCESS, 0),
    FORM(load_ind_u64, ACCESS, 0),
    FORM(store_ind_u8, ACCESS, 0),
    FORM(store_ind_u16, ACCESS, 0),
    FORM(store_ind_u32, ACCESS, 0),
    FORM(store_ind_u64, ACCESS, 0),
    FORM(store_imm_ind_u8, STORE_IMM, 0),
    FORM(store_imm_ind_u16, STORE_IMM, 0),
    FORM(store_imm_ind_u32, STORE_IMM, 0),
    FORM(store_imm_ind_u64, STORE_IMM, 0),
    FORM(move_reg, MOVE, 0),
    FORM(load_imm, LOAD_IMM, 0),
    FORM(add_imm_64, ADD_IMM, 0),
    FORM(and_imm, ALU_IMM, ALU_AND),
    FORM(or_imm, ALU_IMM, ALU_OR),
    FORM(xor_imm, ALU_IMM, ALU_XOR),
    FORM(shlo_l_imm_64, SHIFT_LEFT, SH_SHL),
    FORM(shlo_r_imm_64, SHIFT_IMM, SH_SHR),
    FORM(shar_r_imm_64, SHIFT_IMM, SH_SAR),
    FORM(add_64, ADD, 0),
    FORM(and, ALU, ALU_AND),
    FORM(or, ALU, ALU_OR),
    FORM(xor, ALU, ALU_XOR),
    FORM(sub_64, SUB, 0),
    FORM(mul_64, MUL, 0),
    FORM(jump, JUMP, 0),
    FORM(load_imm_jump, LOAD_IMM_JUMP, 0),
    FORM(branch_eq_imm, BRANCH_IMM, CC_E),
    FORM(branch_ne_imm, BRANCH_IMM, CC_NE),
    FORM(branch_lt_u_imm, BRANCH_IMM, CC_B),
    FORM(branch_le_u_imm, BRANCH_IMM, CC_BE),
    FORM(branch_ge_u_imm, BRANCH_IMM, CC_AE),
    FORM(branch_gt_u_imm, BRANCH_IMM, CC_A),
    FORM(branch_lt_s_imm, BRANCH_IMM, CC_L),
    FORM(branch_le_s_imm, BRANCH_IMM, CC_LE),
    FORM(branch_ge_s_imm, BRANCH_IMM, CC_GE),
    FORM(branch_gt_s_imm, BRANCH_IMM, CC_G),
    FORM(branch_eq, BRANCH, CC_E),
    FORM(branch_ne, BRANCH, CC_NE),
    FORM(branch_lt_u, BRANCH, CC_B),
    FORM(branch_lt_s, BRANCH, CC_L),
    FORM(branch_ge_u, BRANCH, CC_AE),
    FORM(branch_ge_s, BRANCH, CC_GE),
    FORM(set_lt_u, SET_LT, 0),
    FORM(mul_upper_u_u, MUL_UPPER, 0),
};

/* --------------------------------------------------------------------------------------------------- instructions */

/* An instruction, not decoded yet. */
typedef struct insn {
  uint64_t bytes; /* the first eight */
  const uint8_t *at;
  uint32_t pc, count; /* of bytes */
  uint8_t op;
} insn;

INLINE insn insn_at(const uint8_t *code, const jv_place *p) {
  const uint8_t *at = code + p->pc;
  return (insn){jv_load_le64(at), at, p->pc, p[1].pc - p->pc, p->op};
}

/* Host registers, by the guest's as half a byte says it. */
static const uint8_t host_regs[16] = {JV_HOST_REGS, R15, R15, R15};
INLINE jv_x64_reg low(insn i) { return (jv_x64_reg)host_regs[i.bytes >> 8 & 15]; }
INLINE jv_x64_reg high(insn i) { return (jv_x64_reg)host_regs[i.bytes >> 12 & 15]; }
INLINE jv_x64_reg third(insn i) { return (jv_x64_reg)host_regs[i.bytes >> 16 & 15]; }

/* An immediate of what is left of an instruction, but at most four bytes: how many bits those have more; by what is left, from
 * -8 on. */
enum { LEFT_MAX = JV_MAX_SKIP + 1 };
static const uint8_t bits_over[8 + LEFT_MAX + 1] = {32, 32, 32, 32, 32, 32, 32, 32, 32, 24, 16, 8};

INLINE int32_t immediate(const uint8_t *at, uint32_t left_and_8) {
  unsigned over = bits_over[left_and_8];
  uint32_t bytes;
  memcpy(&bytes, at, sizeof bytes);
  return (int32_t)((int64_t)((uint64_t)bytes << 32 << over) >> over >> 32);
}
/* The only one, from byte `at` on. */
INLINE int32_t imm(insn i, unsigned at) { return immediate(i.at + at, i.count + (8 - at)); }

/* Two from byte 2 on, the first as long as bits 12 to 14 say. */
typedef struct imm_pair {
  int32_t x, y;
} imm_pair;
INLINE imm_pair two_imm(insn i) {
  unsigned given = i.bytes >> 12 & 7, x_bytes = given < 4 ? given : 4;
  return (imm_pair){immediate(i.at + 2, 8 + x_bytes), immediate(i.at + 2 + x_bytes, i.count + 6 - x_bytes)};
}

/* ---- memory ---- */

INLINE void lower_access(jv_compiler *c, jv_x64 *x, insn i, jv_x64_reg base, unsigned reg, int32_t disp) {
  const jv_access_form *f = &jv_access_forms[i.op];
  if (c->native->has_checks) {
    x64_lea_edx(x, base, disp);
    jv_note_access(c, x64_here(x), i.pc);
    x64_call_to(x, c->native->stubs.check[f->write][f->log_bytes]);
    x64_at_rdx(x, &f->access, reg);
  } else {
    jv_note_access(c, x64_here(x), i.pc);
    x64_guest_at(x, &f->access, reg, base, (uint32_t)disp);
  }
}

INLINE void lower_store_imm(jv_compiler *c, jv_x64 *x, insn i, imm_pair imm) {
  lower_access(c, x, i, low(i), 0, imm.x);
  x64_access_imm(x, &jv_access_forms[i.op].access, (uint32_t)imm.y);
}

/* ---- control ---- */

INLINE void add_fixup(jv_compiler *c, uint32_t at, uint32_t target, uint32_t pc) {
  c->fixups[c->fixup_count++] = (jv_fixup){at, target, pc};
}

INLINE void jump_to(jv_compiler *c, jv_x64 *x, uint32_t target, uint32_t pc) {
  uint32_t known = jv_known_start(c, target);
  if (known) x64_jmp_to(x, known);
  else add_fixup(c, x64_jmp(x), target, pc);
}

INLINE void branch_to(jv_compiler *c, jv_x64 *x, jv_x64_cond cc, uint32_t target, uint32_t pc) {
  uint32_t known = jv_known_start(c, target);
  if (known) x64_jcc_to(x, cc, known);
  else add_fixup(c, x64_jcc(x, cc), target, pc);
}

INLINE void lower_load_imm_jump(jv_compiler *c, jv_x64 *x, insn i, imm_pair imm) {
  x64_mov_imm(x, low(i), (uint64_t)(int64_t)imm.x);
  jump_to(c, x, i.pc + (uint32_t)imm.y, i.pc);
}

INLINE void lower_branch_imm(jv_compiler *c, jv_x64 *x, insn i, form f, imm_pair imm) {
  x64_compare_imm(x, low(i), imm.x);
  branch_to(c, x, f.code, i.pc + (uint32_t)imm.y, i.pc);
}

INLINE void lower_branch(jv_compiler *c, jv_x64 *x, insn i, form f, int32_t offset) {
  x64_alu(x, ALU_CMP, 1, low(i), high(i));
  branch_to(c, x, f.code, i.pc + (uint32_t)offset, i.pc);
}

/* ---- values ---- */

INLINE void lower_alu_imm(jv_x64 *x, form f, jv_x64_reg d, jv_x64_reg s, int32_t v) {
  x64_move(x, d, s);
  if (f.code == ALU_XOR && v == -1) x64_unary(x, UN_NOT, 1, d);
  else x64_alu_imm(x, f.code, 1, d, v);
}

INLINE void lower_alu(jv_x64 *x, form f, jv_x64_reg d, jv_x64_reg a, jv_x64_reg b) {
  x64_move_alu(x, f.code, d, d == b ? b : a, d == b ? a : b);
}

INLINE void lower_sub(jv_x64 *x, jv_x64_reg d, jv_x64_reg a, jv_x64_reg b) {
  if (d == b && d != a) {
    x64_unary(x, UN_NEG, 1, d);
    x64_alu(x, ALU_ADD, 1, d, a);
  } else {
    x64_move_alu(x, ALU_SUB, d, a, b);
  }
}

/* ---- out of line ---- */

INLINE void decode(const jv_compiler *c, const jv_place *p, jv_decoded *out) {
  const uint8_t *at = c->program->code.code + p->pc;
  jv_decode_row(&c->rows[*at], at, p[1].pc - p->pc - 1, p->pc, out);
}

/* The register that an instruction of those in jv_reads_lower writes. */
INLINE jv_x64_reg written(const jv_compiler *c, const jv_place *p) {
  insn i = insn_at(c->program->code.code, p);
  return jv_ops[i.op].format == JV_FORMAT_REG_REG_REG ? third(i) : low(i);
}

NOINLINE jv_x64 lower_other(jv_compiler *c, jv_x64 x, const jv_place *p) {
  jv_decoded i;
  decode(c, p, &i);
  c->x = x;
  /* The upper half of what it computes may be left undone if the next overwrites it and reads the lower one only. */
  c->keeps_upper = (jv_reads_lower[i.op] & jv_reads_lower[p[1].op]) && written(c, p) == written(c, p + 1);
  unsigned flags = c->flags[i.op];
  if (flags & JV_ACCESSES) jv_lower_memory(c, &i, p->pc);
  else if (flags & JV_ENDS_REGION || !jv_lower_value(c, &i)) jv_lower_control(c, &i, p->pc);
  return c->x;
}

/* How many instructions it has lowered; 0: they are no group. */
NOINLINE unsigned lower_group(jv_compiler *c, jv_x64 *x, const jv_place *p) {
  jv_decoded insns[JV_GROUP_MAX];
  const jv_decoded *group[JV_GROUP_MAX];
  unsigned count = 0;
  for (; count < JV_GROUP_MAX && !(c->flags[p[count].op] & (JV_ENDS_REGION | JV_ACCESSES)); count++) {
    decode(c, p + count, &insns[count]);
    group[count] = &insns[count];
  }
  c->x = *x;
  unsigned lowered = jv_lower_group(c, group, count);
  *x = c->x;
  return lowered;
}

/* ---- the first of what may be a group; each gives how many more it has lowered ---- */

INLINE unsigned lower_shift_left(jv_compiler *c, jv_x64 *x, insn i, const jv_place *p) {
  unsigned lowered = p[1].op == JV_OP_shlo_r_imm_64 ? lower_group(c, x, p) : 0;
  if (lowered) return lowered - 1;
  x64_move_shift(x, SH_SHL, low(i), high(i), (unsigned)imm(i, 2) & 63);
  return 0;
}

INLINE unsigned lower_add(jv_compiler *c, jv_x64 *x, insn i, const jv_place *p) {
  unsigned lowered = p[1].op == JV_OP_set_lt_u ? lower_group(c, x, p) : 0;
  if (lowered) return lowered - 1;
  x64_add(x, third(i), low(i), high(i));
  return 0;
}

INLINE unsigned lower_mul(jv_compiler *c, jv_x64 *x, insn i, const jv_place *p) {
  unsigned lowered = p[1].op == JV_OP_mul_upper_u_u ? lower_group(c, x, p) : 0;
  if (lowered) return lowered - 1;
  jv_x64_reg d = third(i), a = low(i), b = high(i);
  x64_move(x, d, d == b ? b : a);
  x64_imul(x, 1, d, d == b ? a : b);
  return 0;
}

/* Those that are not frequent; `may_group`: what follows is of the kind. */
INLINE unsigned lower_first(jv_compiler *c, jv_x64 *x, const jv_place *p, bool may_group) {
  unsigned lowered = may_group ? lower_group(c, x, p) : 0;
  if (lowered) return lowered - 1;
  *x = lower_other(c, *x, p);
  return 0;
}

/* -------------------------------------------------------------------------------------------------------- regions */

/* Begins a region at the place. */
INLINE void begin_region(jv_compiler *c, jv_x64 *x, const jv_place *p) {
  jv_native *n = c->native;
  uint32_t at = x64_here(x), pc = p->pc;
  n->points[n->point_count] = (jv_point){pc, at, 0};
  if (c->after_terminator & (pc < c->program->code.code_bytes) && jv_bitmask_at(&c->program->code, pc)) {
    jv_rank_until(c, pc);
    c->starts[c->start_count++] = at;
    c->program->block_starts.bits[pc >> 3] |= (uint8_t)(1u << (pc & 7));
  }
  c->region_from = p;
  c->region_count = 0;
  c->region_charge = 0;
  if (c->charges_regions | (c->begins_block & c->charges_blocks)) c->region_charge = x64_charge(x, JV_GAS_REG);
  if (c->program->counts_instructions) /* patched in end_region */
    x64_alu_mem_imm32(x, ALU_ADD, 1, RSP, (int32_t)offsetof(jv_frame, instructions), 0);
  if (c->begins_block) {
    c->block = n->point_count;
    c->block_charge = c->region_charge;
  }
  n->point_count++;
}

INLINE void set_cost(jv_compiler *c, size_t point, uint32_t charge_at, uint32_t cost) {
  if (cost > JV_COST_MAX) c->failed = c->is_too_much = true;
  c->native->points[point].cost = cost;
  memcpy(c->x.base + charge_at, &cost, sizeof cost);
}

/* The number of instructions is known. */
NOINLINE void set_count(jv_compiler *c, uint32_t count) {
  size_t point = c->native->point_count - 1;
  uint8_t *at = c->x.base + c->native->points[point].at + (c->region_charge ? JV_CHARGE_BYTES : 0);
  if (c->program->counts_instructions) memcpy(at + 5, &count, sizeof count);
  if (c->charges_regions) set_cost(c, point, c->region_charge, count);
}

/* Ends the region whose last instruction is at the place, and the block, if that ends with it. */
INLINE void end_region(jv_compiler *c, const jv_place *p) {
  if (c->charges_regions | c->program->counts_instructions)
    set_count(c, c->region_count + (uint32_t)(p + 1 - c->region_from));
  c->after_terminator = c->flags[p->op] & JV_ENDS_BLOCK;
  c->begins_block = c->after_terminator | (p->op == JV_OP_INVALID);
  if (c->begins_block & c->charges_blocks)
    set_cost(c, c->block, c->block_charge, c->like ? c->like->points[c->block].cost : *c->next_cost++);
}

/* ------------------------------------------------------------------------------------------------------- the pass */

/* Lowers the instructions from p to `end`, and perhaps those behind it that make a group with the last; returns where the rest
 * begins. */
static __attribute__((flatten)) const jv_place *lower_stretch(jv_compiler *c, const jv_place *p, const jv_place *end) {
  jv_x64 x = c->x;
  const uint8_t *code = c->program->code.code;
  c->region_from = p;
  if (c->begins_region) begin_region(c, &x, p);
  c->begins_region = false;
  for (; p < end; p++) {
    form f = forms[p->op];
    insn i = insn_at(code, p);
    switch ((kind)f.kind) {
      case PANIC: jv_leave_to(&x, c->native->stubs.panic, i.pc); break;
      case TRAP: jv_leave_to(&x, c->native->stubs.trap, i.pc); break;
      case NOTHING: break;
      case ACCESS: lower_access(c, &x, i, high(i), low(i), imm(i, 2)); continue;
      case STORE_IMM: lower_store_imm(c, &x, i, two_imm(i)); continue;
      case MOVE: x64_move(&x, low(i), high(i)); continue;
      case LOAD_IMM: x64_set_imm(&x, low(i), imm(i, 2)); continue;
      case ADD_IMM: x64_add_imm(&x, low(i), high(i), imm(i, 2)); continue;
      case ALU_IMM: lower_alu_imm(&x, f, low(i), high(i), imm(i, 2)); continue;
      case SHIFT_LEFT: p += lower_shift_left(c, &x, i, p); continue;
      case SHIFT_IMM: x64_move_shift(&x, f.code, low(i), high(i), (unsigned)imm(i, 2) & 63); continue;
      case ADD: p += lower_add(c, &x, i, p); continue;
      case ALU: lower_alu(&x, f, third(i), low(i), high(i)); continue;
      case SUB: lower_sub(&x, third(i), low(i), high(i)); continue;
      case MUL: p += lower_mul(c, &x, i, p); continue;
      case MUL_UPPER: p += lower_first(c, &x, p, p[1].op == JV_OP_mul_64); continue;
      case SET_LT: p += lower_first(c, &x, p, (p[1].op == JV_OP_add_64) | (p[1].op == JV_OP_sub_64)); continue;
      case JUMP: jump_to(c, &x, i.pc + (uint32_t)imm(i, 1), i.pc); break;
      case LOAD_IMM_JUMP: lower_load_imm_jump(c, &x, i, two_imm(i)); break;
      case BRANCH_IMM: lower_branch_imm(c, &x, i, f, two_imm(i)); break;
      case BRANCH: lower_branch(c, &x, i, f, imm(i, 2)); break;
      case OTHER: x = lower_other(c, x, p); break;
      default: __builtin_unreachable();
    }
    if (!(c->flags[p->op] & JV_ENDS_REGION)) continue;
    end_region(c, p);
    c->begins_region = p + 1 == end;
    if (!c->begins_region) begin_region(c, &x, p + 1);
  }
  c->region_count += (uint32_t)(p - c->region_from);
  c->x = x;
  return p;
}

/* Makes room for so many more of what is noted beside the code. */
static bool grow(jv_compiler *c, size_t points, size_t fixups, size_t accesses, size_t marks) {
  const javm_allocator *a = c->native->allocator;
  jv_native *n = c->native;
  if (!jv_grow(a, &n->accesses, &n->access_capacity, n->access_count + accesses * JV_NOTE_BYTES, 1) ||
      !jv_grow(a, &n->marks, &n->mark_capacity, n->mark_count + marks, sizeof *n->marks) ||
      !jv_grow(a, &n->points, &n->point_capacity, n->point_count + points, sizeof *n->points) ||
      !jv_grow(a, &c->starts, &c->start_capacity, c->start_count + points, sizeof *c->starts) ||
      !jv_grow(a, &c->fixups, &c->fixup_capacity, c->fixup_count + fixups, sizeof *c->fixups))
    c->failed = true;
  return !c->failed;
}

/* For all of a usual program, so that little is moved while it grows. */
static bool make_first_room(jv_compiler *c) {
  size_t bytes = c->program->code.code_bytes;
  return grow(c, bytes / 10, bytes / 20, bytes / 40, bytes / 256);
}

/* Bytes of native code for one of guest code. */
enum { USUAL_PER_BYTE = 5 };

/* For a stretch, whatever is in it, that begins behind `scanned` bytes of code. */
static bool make_room(jv_compiler *c, size_t scanned) {
  size_t left = c->program->code.code_bytes - scanned + 1, most = left < JV_PLACES_MAX ? left : JV_PLACES_MAX;
  if (!grow(c, most, most, most, most)) return false;
  jv_code_expect(c->x.at, &c->expected, c->limit, (c->program->code.code_bytes - scanned) * USUAL_PER_BYTE);
  return jv_has_room(c, JV_STRETCH_ROOM);
}

static const uint8_t op_flags[2][256] = {
#define FLAGS(number, ends_block, can_fault)                                                                           \
  ((ends_block) || (number) == JV_OP_ecall || (number) == JV_OP_ecalli ? JV_ENDS_REGION : 0) |                         \
      ((ends_block) ? JV_ENDS_BLOCK : 0) | ((can_fault) ? JV_ACCESSES : 0)
    {
#define OP(number, name, format, reads, writes, ends_block, can_fault, gas)                                            \
  [number] = FLAGS(number, (ends_block) == 1, can_fault),
#include "exec/ops.def"
        [JV_OP_INVALID] = JV_ENDS_REGION},
    {
#define OP(number, name, format, reads, writes, ends_block, can_fault, gas)                                            \
  [number] = FLAGS(number, (ends_block) != 0, can_fault),
#include "exec/ops.def"
        [JV_OP_INVALID] = JV_ENDS_REGION},
};

void jv_pass(jv_compiler *c) {
  const javm_program *program = c->program;
  jv_place places[JV_PLACES_MAX];
  uint32_t costs[JV_PLACES_MAX];
  unsigned count = 0, lowered = 0;
  jv_scanner scanner;
  jv_scanner_init(&scanner, &program->code);
  c->rows = jv_layouts[program->code.isa];
  c->flags = op_flags[program->code.isa == JAVM_ISA_JAVM];
  c->charges_regions = program->gas_model == JAVM_GAS_INSTRUCTION;
  c->charges_blocks = program->gas_model == JAVM_GAS_PIPELINE || program->gas_model == JAVM_GAS_SINGLE_PASS;
  c->begins_region = c->begins_block = c->after_terminator = true;
  jv_pricer_init(&c->pricer, &program->code, program->gas_model, program->load_cycles);
  if (!make_first_room(c)) return;
  while (!scanner.is_done) {
    if (!make_room(c, count ? places[0].pc : 0)) return;
    count = jv_scan(&scanner, places, count);
    const jv_place *end = places + count - JV_PLACES_AHEAD;
    if (c->charges_blocks && !c->like) jv_pricer_run(&c->pricer, places, end, costs);
    c->next_cost = costs;
    lowered = (unsigned)(lower_stretch(c, places + lowered, end) - end);
    if (c->failed) return;
    count = JV_PLACES_AHEAD;
    memmove(places, end, JV_PLACES_AHEAD * sizeof *places);
  }
}

#else

typedef int jv_no_pass; /* an empty file is not C */

#endif
