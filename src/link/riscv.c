/*
 * See riscv.h. A 32-bit instruction is looked up by opcode and funct3, which leaves a few lines of riscv.def to try; a
 * compressed one is taken apart by hand, since each form has its immediate's bits in an order of its own.
 */
#include "link/riscv.h"

#include "base/bytes.h"

typedef enum format {
  FORMAT_NONE,
  FORMAT_R,  /* rd, rs1, rs2 */
  FORMAT_R1, /* rd, rs1 */
  FORMAT_I,  /* rd, rs1, immediate */
  FORMAT_SHIFT,
  FORMAT_S,
  FORMAT_B,
  FORMAT_U,
  FORMAT_J,
  FORMAT_NUMBER /* ecalli's, not signed */
} format;

static const struct {
  uint32_t mask, match;
  uint8_t format;
} table[JV_RV_COUNT] = {
#define RV(name, text, mask, match, format) [JV_RV_##name] = {mask, match, FORMAT_##format},
#include "link/riscv.def"
};

/* By group: the first instruction of it. */
#define GROUP_OF(word) (((word) >> 2 & 31) * 8 + ((word) >> 12 & 7))
#define EIGHT(x) x, x, x, x, x, x, x, x
static const uint8_t first[32 * 8] = {
#define GROUP(opcode, funct3, name) [GROUP_OF((opcode) | (funct3) << 12)] = JV_RV_##name,
#define GROUP_ALL(opcode, name) [GROUP_OF(opcode)] = EIGHT(JV_RV_##name),
#include "link/riscv.def"
};
_Static_assert(JV_RV_COUNT <= UINT8_MAX, "an operation's number fits into a byte");

/* `count` bits of the word from bit `from` on, moved to bit `to`. */
static inline uint32_t bits(uint32_t word, unsigned from, unsigned count, unsigned to) {
  return (word >> from & ((UINT32_C(1) << count) - 1)) << to;
}

/* The number of `count` bits with its sign. */
static inline int64_t sign(uint32_t value, unsigned count) {
  return (int64_t)value - ((int64_t)(value >> (count - 1) & 1) << count);
}

/* ---- 32 bits ---- */

static uint8_t find(uint32_t w) {
  uint8_t op = first[GROUP_OF(w)];
  if (op == JV_RV_INVALID) return op;
  do {
    if ((w & table[op].mask) == table[op].match) return op;
    op++;
  } while (op < JV_RV_COUNT && GROUP_OF(table[op].match) == GROUP_OF(w));
  return JV_RV_INVALID;
}

static bool decode_word(uint32_t w, jv_rv_insn *out) {
  uint8_t rd = w >> 7 & 31, rs1 = w >> 15 & 31, rs2 = w >> 20 & 31;
  out->op = find(w);
  if (out->op == JV_RV_INVALID) return false;
  switch ((format)table[out->op].format) {
    case FORMAT_NONE: break;
    case FORMAT_R: out->rd = rd, out->rs1 = rs1, out->rs2 = rs2; break;
    case FORMAT_R1: out->rd = rd, out->rs1 = rs1; break;
    case FORMAT_I: out->rd = rd, out->rs1 = rs1, out->imm = sign(w >> 20, 12); break;
    case FORMAT_SHIFT: out->rd = rd, out->rs1 = rs1, out->imm = w >> 20 & 63; break;
    case FORMAT_S: out->rs1 = rs1, out->rs2 = rs2, out->imm = sign(bits(w, 25, 7, 5) | bits(w, 7, 5, 0), 12); break;
    case FORMAT_B:
      out->rs1 = rs1, out->rs2 = rs2;
      out->imm = sign(bits(w, 31, 1, 12) | bits(w, 7, 1, 11) | bits(w, 25, 6, 5) | bits(w, 8, 4, 1), 13);
      break;
    case FORMAT_U: out->rd = rd, out->imm = sign(w & 0xfffff000, 32); break;
    case FORMAT_J:
      out->rd = rd;
      out->imm = sign(bits(w, 31, 1, 20) | bits(w, 12, 8, 12) | bits(w, 20, 1, 11) | bits(w, 21, 10, 1), 21);
      break;
    case FORMAT_NUMBER: out->imm = w >> 12; break;
  }
  return true;
}

/* ---- 16 bits ---- */

enum { ZERO = 0, RA = 1, SP = 2 };

static bool put(jv_rv_insn *out, jv_rv_op op, unsigned rd, unsigned rs1, unsigned rs2, int64_t imm) {
  out->op = (uint8_t)op, out->rd = (uint8_t)rd, out->rs1 = (uint8_t)rs1, out->rs2 = (uint8_t)rs2, out->imm = imm;
  return true;
}

static bool decode_quadrant_0(uint32_t w, jv_rv_insn *out) {
  unsigned low = 8 + (w >> 2 & 7), high = 8 + (w >> 7 & 7); /* rd' or rs2'; rs1' */
  uint32_t of_word = bits(w, 10, 3, 3) | bits(w, 6, 1, 2) | bits(w, 5, 1, 6);
  uint32_t of_double = bits(w, 10, 3, 3) | bits(w, 5, 2, 6);
  uint32_t of_sp = bits(w, 11, 2, 4) | bits(w, 7, 4, 6) | bits(w, 6, 1, 2) | bits(w, 5, 1, 3);
  switch (w >> 13) {
    case 0:
      if (w == 0) return put(out, JV_RV_unimp, 0, 0, 0, 0);
      return of_sp && put(out, JV_RV_addi, low, SP, 0, of_sp);
    case 2: return put(out, JV_RV_lw, low, high, 0, of_word);
    case 3: return put(out, JV_RV_ld, low, high, 0, of_double);
    case 6: return put(out, JV_RV_sw, 0, high, low, of_word);
    case 7: return put(out, JV_RV_sd, 0, high, low, of_double);
  }
  return false;
}

/* Shifts to the right, and, and the operations of two registers. */
static bool decode_arithmetic(uint32_t w, jv_rv_insn *out) {
  static const uint8_t ops[8] = {JV_RV_sub, JV_RV_xor, JV_RV_or, JV_RV_and, JV_RV_subw, JV_RV_addw};
  unsigned rd = 8 + (w >> 7 & 7), rs2 = 8 + (w >> 2 & 7);
  uint32_t imm = bits(w, 12, 1, 5) | bits(w, 2, 5, 0);
  switch (w >> 10 & 3) {
    case 0: return put(out, JV_RV_srli, rd, rd, 0, imm);
    case 1: return put(out, JV_RV_srai, rd, rd, 0, imm);
    case 2: return put(out, JV_RV_andi, rd, rd, 0, sign(imm, 6));
  }
  jv_rv_op op = (jv_rv_op)ops[bits(w, 12, 1, 2) | bits(w, 5, 2, 0)];
  return op != JV_RV_INVALID && put(out, op, rd, rd, rs2, 0);
}

static bool decode_quadrant_1(uint32_t w, jv_rv_insn *out) {
  unsigned rd = w >> 7 & 31, rs1 = 8 + (w >> 7 & 7);
  int64_t imm = sign(bits(w, 12, 1, 5) | bits(w, 2, 5, 0), 6);
  int64_t of_sp =
      sign(bits(w, 12, 1, 9) | bits(w, 6, 1, 4) | bits(w, 5, 1, 6) | bits(w, 3, 2, 7) | bits(w, 2, 1, 5), 10);
  int64_t jump = sign(bits(w, 12, 1, 11) | bits(w, 11, 1, 4) | bits(w, 9, 2, 8) | bits(w, 8, 1, 10) | bits(w, 7, 1, 6) |
                          bits(w, 6, 1, 7) | bits(w, 3, 3, 1) | bits(w, 2, 1, 5),
                      12);
  int64_t branch =
      sign(bits(w, 12, 1, 8) | bits(w, 10, 2, 3) | bits(w, 5, 2, 6) | bits(w, 3, 2, 1) | bits(w, 2, 1, 5), 9);
  switch (w >> 13) {
    case 0: return put(out, JV_RV_addi, rd, rd, 0, imm);
    case 1: return rd != ZERO && put(out, JV_RV_addiw, rd, rd, 0, imm);
    case 2: return put(out, JV_RV_addi, rd, ZERO, 0, imm);
    case 3:
      if (imm == 0) return false;
      return rd == SP ? put(out, JV_RV_addi, SP, SP, 0, of_sp) : put(out, JV_RV_lui, rd, 0, 0, imm * 4096);
    case 4: return decode_arithmetic(w, out);
    case 5: return put(out, JV_RV_jal, ZERO, 0, 0, jump);
    case 6: return put(out, JV_RV_beq, 0, rs1, ZERO, branch);
  }
  return put(out, JV_RV_bne, 0, rs1, ZERO, branch);
}

/* Jumps to a register, mv, add, ebreak. */
static bool decode_registers(uint32_t w, jv_rv_insn *out) {
  unsigned rd = w >> 7 & 31, rs2 = w >> 2 & 31;
  bool bit = w >> 12 & 1;
  if (rs2 != ZERO) return put(out, JV_RV_add, rd, bit ? rd : ZERO, rs2, 0);
  if (rd == ZERO) return bit && put(out, JV_RV_ebreak, 0, 0, 0, 0);
  return put(out, JV_RV_jalr, bit ? RA : ZERO, rd, 0, 0);
}

static bool decode_quadrant_2(uint32_t w, jv_rv_insn *out) {
  unsigned rd = w >> 7 & 31, rs2 = w >> 2 & 31;
  switch (w >> 13) {
    case 0: return put(out, JV_RV_slli, rd, rd, 0, bits(w, 12, 1, 5) | bits(w, 2, 5, 0));
    case 2: return rd != ZERO && put(out, JV_RV_lw, rd, SP, 0, bits(w, 12, 1, 5) | bits(w, 4, 3, 2) | bits(w, 2, 2, 6));
    case 3: return rd != ZERO && put(out, JV_RV_ld, rd, SP, 0, bits(w, 12, 1, 5) | bits(w, 5, 2, 3) | bits(w, 2, 3, 6));
    case 4: return decode_registers(w, out);
    case 6: return put(out, JV_RV_sw, 0, SP, rs2, bits(w, 9, 4, 2) | bits(w, 7, 2, 6));
    case 7: return put(out, JV_RV_sd, 0, SP, rs2, bits(w, 10, 3, 3) | bits(w, 7, 3, 6));
  }
  return false;
}

bool jv_rv_decode(const uint8_t *p, size_t left, jv_rv_insn *out) {
  *out = (jv_rv_insn){.op = JV_RV_INVALID};
  if (left < 2) return false;
  uint32_t w = (uint32_t)jv_load_le(p, 2);
  if ((w & 3) == 3) {
    if ((w & 31) == 31 || left < 4) return false;
    out->bytes = 4;
    return decode_word((uint32_t)jv_load_le(p, 4), out);
  }
  out->bytes = 2;
  switch (w & 3) {
    case 0: return decode_quadrant_0(w, out);
    case 1: return decode_quadrant_1(w, out);
  }
  return decode_quadrant_2(w, out);
}

const char *jv_rv_name(jv_rv_op op) {
  static const char *const names[JV_RV_COUNT] = {
      [JV_RV_INVALID] = "invalid",
#define RV(name, text, mask, match, format) [JV_RV_##name] = text,
#include "link/riscv.def"
  };
  return (size_t)op < JV_RV_COUNT ? names[op] : names[JV_RV_INVALID];
}

const char *jv_rv_reg_name(unsigned reg) {
  static const char *const names[32] = {"zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
                                        "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
                                        "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
  return reg < 32 ? names[reg] : "invalid";
}
