/*
 * Encoders for the x86-64 instructions that the recompiler uses, by their manual's names; nothing above this file knows a
 * byte. An encoder appends to the buffer without a check: whoever lowers an instruction has made sure of JV_X64_ROOM bytes
 * before. x86-64 is little-endian, and so is what is put together here in registers.
 *
 * Operands are in Intel's order, destination first. `w` says 64-bit (1) or 32-bit (0), which zeroes the upper half.
 * Guest memory is gs:[u32 base + disp], with the address-size prefix: the processor itself wraps addresses at 2^32, and gs
 * is the start of the guest's memory.
 */
#ifndef JV_JIT_X64_H
#define JV_JIT_X64_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef enum jv_x64_reg { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 } jv_x64_reg;

/* Condition codes. */
typedef enum jv_x64_cond {
  CC_B = 2,
  CC_AE = 3,
  CC_E = 4,
  CC_NE = 5,
  CC_BE = 6,
  CC_A = 7,
  CC_L = 12,
  CC_GE = 13,
  CC_LE = 14,
  CC_G = 15
} jv_x64_cond;

/* Operations of two operands; the numbers are those of the encoding. */
typedef enum jv_x64_alu {
  ALU_ADD = 0,
  ALU_OR = 1,
  ALU_ADC = 2,
  ALU_SBB = 3,
  ALU_AND = 4,
  ALU_SUB = 5,
  ALU_XOR = 6,
  ALU_CMP = 7
} jv_x64_alu;
typedef enum jv_x64_shift { SH_ROL = 0, SH_ROR = 1, SH_SHL = 4, SH_SHR = 5, SH_SAR = 7 } jv_x64_shift;
typedef enum jv_x64_unary { UN_NOT = 2, UN_NEG = 3, UN_MUL = 4, UN_IMUL = 5, UN_DIV = 6, UN_IDIV = 7 } jv_x64_unary;

/* The bytes so far. A place in it is an offset from `base`. */
typedef struct jv_x64 {
  uint8_t *base, *at;
} jv_x64;

/* The most that one guest instruction, with what surrounds it, takes. */
enum { JV_X64_ROOM = 256 };

/* Appends the lowest `count` bytes of v, at most 8; it may write 8. Most instructions are one or two of these. */
static inline void x64_put(jv_x64 *x, uint64_t v, unsigned count) {
  memcpy(x->at, &v, sizeof v);
  x->at += count;
}
static inline void x64_u8(jv_x64 *x, unsigned v) { *x->at++ = (uint8_t)v; }
static inline void x64_u32(jv_x64 *x, uint32_t v) { x64_put(x, v, 4); }
static inline void x64_u64(jv_x64 *x, uint64_t v) { x64_put(x, v, 8); }
static inline uint32_t x64_here(const jv_x64 *x) { return (uint32_t)(x->at - x->base); }
static inline bool x64_is_i8(int64_t v) { return v == (int8_t)v; }

/* ------------------------------------------------------------------------------------------- the parts of an encoding */

/* REX for ModRM.reg, SIB.index and ModRM.rm or SIB.base; 0: none is needed. */
static inline unsigned x64_rex(unsigned w, unsigned reg, unsigned index, unsigned rm) {
  unsigned bits = w << 3 | (reg >> 3) << 2 | (index >> 3) << 1 | rm >> 3;
  return bits ? 0x40 | bits : 0;
}
/* A REX that may be 0, then `count` bytes of opcode and what follows. */
static inline void x64_rex_op(jv_x64 *x, unsigned rex, uint64_t op, unsigned count) {
  unsigned drop = rex == 0;
  x64_put(x, (op << 8 | rex) >> 8 * drop, count + 1 - drop);
}
static inline unsigned x64_modrm(unsigned mod, unsigned reg, unsigned rm) {
  return mod << 6 | (reg & 7) << 3 | (rm & 7);
}
/* ModRM, perhaps SIB, and displacement. `head_count`: bytes of ModRM and SIB; the mod is still 0. */
static inline void x64_put_mem(jv_x64 *x, uint64_t head, unsigned head_count, unsigned base, int32_t disp) {
  /* Three forms: no displacement, one byte, four. Without branches: which it is can't be foreseen. */
  unsigned mod = 2u - x64_is_i8(disp) - ((disp == 0) & ((base & 7) != RBP));
  head |= mod << 6 | (uint64_t)(uint32_t)disp << 8 * head_count;
  x64_put(x, head, head_count + mod * mod);
}
/* For [base + disp]. */
static inline void x64_mem(jv_x64 *x, unsigned reg, unsigned base, int32_t disp) {
  bool sib = (base & 7) == RSP;
  x64_put_mem(x, x64_modrm(0, reg, base) | (sib ? 0x2400u : 0), 1 + sib, base, disp);
}
/* A REX that may be 0, `count` bytes of opcode, at most two, and [base + disp], all at once; base is not RSP or R12. */
static inline void x64_op_at(jv_x64 *x, unsigned rex, unsigned op, unsigned count, unsigned reg, unsigned base,
                             int32_t disp) {
  unsigned mod = 2u - x64_is_i8(disp) - ((disp == 0) & ((base & 7) != RBP)), drop = rex == 0;
  uint64_t head =
      rex | op << 8 | (uint64_t)(x64_modrm(mod, reg, base) | (uint64_t)(uint32_t)disp << 8) << 8 * (count + 1);
  x64_put(x, head >> 8 * drop, 2 + count - drop + mod * mod);
}
/* For [base + index * 2^scale + disp]; index is not RSP. */
static inline void x64_sib(jv_x64 *x, unsigned reg, unsigned base, unsigned index, unsigned scale, int32_t disp) {
  x64_put_mem(x, x64_modrm(0, reg, RSP) | x64_modrm(scale, index, base) << 8, 2, base, disp);
}
/* A VEX prefix of three bytes, the opcode and ModRM; map 2 is 0F38, 3 is 0F3A; pp 1 is 66, 2 F3, 3 F2; v the second
 * source. */
static inline void x64_vex(jv_x64 *x, unsigned map, unsigned pp, unsigned w, unsigned op, unsigned reg, unsigned v,
                           unsigned rm) {
  unsigned second = (reg < 8) << 7 | 1u << 6 | (rm < 8) << 5 | map, third = w << 7 | (~v & 15) << 3 | pp;
  x64_put(x, 0xc4 | second << 8 | third << 16 | op << 24 | (uint64_t)x64_modrm(3, reg, rm) << 32, 5);
}
static inline void x64_op_rr(jv_x64 *x, unsigned w, unsigned op, unsigned reg, unsigned rm) {
  x64_rex_op(x, x64_rex(w, reg, 0, rm), op | x64_modrm(3, reg, rm) << 8, 2);
}
static inline void x64_op0f_rr(jv_x64 *x, unsigned w, unsigned op, unsigned reg, unsigned rm) {
  x64_rex_op(x, x64_rex(w, reg, 0, rm), 0x0f | op << 8 | x64_modrm(3, reg, rm) << 16, 3);
}
/* An opcode of one byte with its register in it. */
static inline void x64_op_r(jv_x64 *x, unsigned w, unsigned op, unsigned r) {
  x64_rex_op(x, x64_rex(w, 0, 0, r), op | (r & 7), 1);
}
static inline void x64_op_mem(jv_x64 *x, unsigned w, unsigned op, unsigned reg, unsigned base, int32_t disp) {
  x64_rex_op(x, x64_rex(w, reg, 0, base), op, 1);
  x64_mem(x, reg, base, disp);
}

/* -------------------------------------------------------------------------------------------------------- registers */

static inline void x64_mov(jv_x64 *x, unsigned w, jv_x64_reg d, jv_x64_reg s) { x64_op_rr(x, w, 0x89, s, d); }
/* 64 bits, unless that changes nothing. */
static inline void x64_move(jv_x64 *x, jv_x64_reg d, jv_x64_reg s) {
  x64_put(x, x64_rex(1, s, 0, d) | 0x8900 | x64_modrm(3, s, d) << 16, d == s ? 0 : 3);
}
/* The shortest of three ways; leaves the flags alone. */
static inline void x64_mov_imm(jv_x64 *x, jv_x64_reg d, uint64_t v) {
  if (v <= UINT32_MAX) {
    x64_op_r(x, 0, 0xb8, d);
    x64_u32(x, (uint32_t)v);
  } else if ((int64_t)v == (int32_t)(uint32_t)v) {
    x64_op_rr(x, 1, 0xc7, 0, d);
    x64_u32(x, (uint32_t)v);
  } else {
    x64_op_r(x, 1, 0xb8, d);
    x64_u64(x, v);
  }
}
static inline void x64_mov_imm32(jv_x64 *x, jv_x64_reg d, uint32_t v) {
  x64_op_r(x, 0, 0xb8, d);
  x64_u32(x, v);
}
/* Of 32 bits with a sign: what x64_mov_imm makes, but without branches, and 0 by an xor, which sets the flags. */
static inline void x64_set_imm(jv_x64 *x, jv_x64_reg d, int64_t v) {
  unsigned high = d >> 3, is_negative = v < 0, is_zero = v == 0;
  uint64_t positive = high ? 0x41 | (0xb8 | (d & 7)) << 8 : 0xb8 | d;
  uint64_t negative = x64_rex(1, 0, 0, d) | 0xc700 | x64_modrm(3, 0, d) << 16;
  uint64_t zero = high ? 0x3145 | x64_modrm(3, d, d) << 16 : 0x31 | x64_modrm(3, d, d) << 8;
  unsigned head_count = is_negative ? 3 : 1 + high;
  uint64_t whole = (is_negative ? negative : positive) | (uint64_t)(uint32_t)v << 8 * head_count;
  x64_put(x, is_zero ? zero : whole, is_zero ? 2 + high : head_count + 4);
}
static inline void x64_alu(jv_x64 *x, jv_x64_alu op, unsigned w, jv_x64_reg d, jv_x64_reg s) {
  x64_op_rr(x, w, op << 3 | 1, s, d);
}
static inline void x64_alu_imm(jv_x64 *x, jv_x64_alu op, unsigned w, jv_x64_reg d, int32_t v) {
  bool small = x64_is_i8(v);
  x64_op_rr(x, w, 0x81u + 2 * small, op, d);
  x64_put(x, (uint32_t)v, 4u - 3 * small);
}
/* d = d op s, of 64 bits, where d is a copy of `from` first unless it is that register. */
static inline void x64_move_alu(jv_x64 *x, jv_x64_alu op, jv_x64_reg d, jv_x64_reg from, jv_x64_reg s) {
  uint64_t mov = x64_rex(1, from, 0, d) | 0x8900 | x64_modrm(3, from, d) << 16;
  uint64_t alu = x64_rex(1, s, 0, d) | (op << 3 | 1) << 8 | x64_modrm(3, s, d) << 16;
  unsigned moved = d == from ? 0 : 3;
  x64_put(x, (mov | alu << 24) >> (24 - 8 * moved), 3 + moved);
}
/* d = s shifted by 0 to 63, of 64 bits. */
static inline void x64_move_shift(jv_x64 *x, jv_x64_shift op, jv_x64_reg d, jv_x64_reg s, unsigned by) {
  uint64_t mov = x64_rex(1, s, 0, d) | 0x8900 | x64_modrm(3, s, d) << 16;
  uint64_t shift = x64_rex(1, 0, 0, d) | (by == 1 ? 0xd1u : 0xc1u) << 8 | x64_modrm(3, op, d) << 16 | by << 24;
  unsigned moved = d == s ? 0 : 3, count = by == 0 ? 0 : by == 1 ? 3 : 4;
  x64_put(x, (mov | shift << 24) >> (24 - 8 * moved), moved + count);
}
/* A comparison of 64 bits with v; with 0 in the way that is shorter. */
static inline void x64_compare_imm(jv_x64 *x, jv_x64_reg r, int32_t v) {
  unsigned count = v == 0 ? 0 : x64_is_i8(v) ? 1 : 4;
  uint64_t cmp = x64_rex(1, 0, 0, r) | (count == 1 ? 0x83u : 0x81u) << 8 | x64_modrm(3, ALU_CMP, r) << 16;
  uint64_t test = x64_rex(1, r, 0, r) | 0x8500 | x64_modrm(3, r, r) << 16;
  x64_put(x, (count ? cmp : test) | (uint64_t)(uint32_t)v << 24, 3 + count);
}
/* With an immediate of 32 bits in any case, to be patched; the immediate is the last four bytes. */
static inline void x64_alu_imm32(jv_x64 *x, jv_x64_alu op, unsigned w, jv_x64_reg d, uint32_t v) {
  x64_op_rr(x, w, 0x81, op, d);
  x64_u32(x, v);
}
static inline void x64_test(jv_x64 *x, unsigned w, jv_x64_reg a, jv_x64_reg b) { x64_op_rr(x, w, 0x85, b, a); }
static inline void x64_unary(jv_x64 *x, jv_x64_unary op, unsigned w, jv_x64_reg r) { x64_op_rr(x, w, 0xf7, op, r); }
static inline void x64_shift_imm(jv_x64 *x, jv_x64_shift op, unsigned w, jv_x64_reg r, unsigned by) {
  x64_op_rr(x, w, by == 1 ? 0xd1 : 0xc1, op, r);
  if (by != 1) x64_u8(x, by);
}
static inline void x64_shift_cl(jv_x64 *x, jv_x64_shift op, unsigned w, jv_x64_reg r) { x64_op_rr(x, w, 0xd3, op, r); }
static inline void x64_imul(jv_x64 *x, unsigned w, jv_x64_reg d, jv_x64_reg s) { x64_op0f_rr(x, w, 0xaf, d, s); }
static inline void x64_imul_imm(jv_x64 *x, unsigned w, jv_x64_reg d, jv_x64_reg s, int32_t v) {
  bool small = x64_is_i8(v);
  x64_op_rr(x, w, 0x69u + 2 * small, d, s);
  x64_put(x, (uint32_t)v, 4u - 3 * small);
}
static inline void x64_xchg(jv_x64 *x, jv_x64_reg a, jv_x64_reg b) { x64_op_rr(x, 1, 0x87, a, b); }
static inline void x64_movsxd(jv_x64 *x, jv_x64_reg d, jv_x64_reg s) { x64_op_rr(x, 1, 0x63, d, s); }
static inline void x64_movsx16(jv_x64 *x, jv_x64_reg d, jv_x64_reg s) { x64_op0f_rr(x, 1, 0xbf, d, s); }
static inline void x64_movzx16(jv_x64 *x, jv_x64_reg d, jv_x64_reg s) { x64_op0f_rr(x, 0, 0xb7, d, s); }
static inline void x64_movsx8(jv_x64 *x, jv_x64_reg d, jv_x64_reg s) { x64_op0f_rr(x, 1, 0xbe, d, s); }
static inline void x64_bswap(jv_x64 *x, unsigned w, jv_x64_reg r) {
  x64_rex_op(x, x64_rex(w, 0, 0, r), 0x0f | (0xc8u | (r & 7)) << 8, 2);
}
static inline void x64_cmov(jv_x64 *x, jv_x64_cond cc, jv_x64_reg d, jv_x64_reg s) {
  x64_op0f_rr(x, 1, 0x40 | cc, d, s);
}
static inline void x64_setcc(jv_x64 *x, jv_x64_cond cc, jv_x64_reg d) {
  x64_rex_op(x, d >= RSP ? 0x40 | d >> 3 : 0, 0x0f | (0x90u | cc) << 8 | x64_modrm(3, 0, d) << 16, 3);
}
/* popcnt b8, lzcnt bd, tzcnt bc: with F3; bsr bd, bsf bc: without. */
static inline void x64_count(jv_x64 *x, unsigned op, unsigned w, jv_x64_reg d, jv_x64_reg s) {
  x64_u8(x, 0xf3);
  x64_op0f_rr(x, w, op, d, s);
}
static inline void x64_scan(jv_x64 *x, unsigned op, unsigned w, jv_x64_reg d, jv_x64_reg s) {
  x64_op0f_rr(x, w, op, d, s);
}
static inline void x64_cqo(jv_x64 *x, unsigned w) { x64_rex_op(x, x64_rex(w, 0, 0, 0), 0x99, 1); }
static inline void x64_push(jv_x64 *x, jv_x64_reg r) { x64_op_r(x, 0, 0x50, r); }
static inline void x64_pop(jv_x64 *x, jv_x64_reg r) { x64_op_r(x, 0, 0x58, r); }

/* BMI1 and BMI2. */
static inline void x64_andn(jv_x64 *x, jv_x64_reg d, jv_x64_reg inverted, jv_x64_reg s) {
  x64_vex(x, 2, 0, 1, 0xf2, d, inverted, s);
}
static inline void x64_shiftx(jv_x64 *x, jv_x64_shift op, unsigned w, jv_x64_reg d, jv_x64_reg s, jv_x64_reg by) {
  x64_vex(x, 2, op == SH_SHL ? 1 : op == SH_SHR ? 3 : 2, w, 0xf7, d, by, s);
}
static inline void x64_rorx(jv_x64 *x, unsigned w, jv_x64_reg d, jv_x64_reg s, unsigned by) {
  x64_vex(x, 3, 3, w, 0xf0, d, 0, s);
  x64_u8(x, by);
}
/* high:low = rdx * s. */
static inline void x64_mulx(jv_x64 *x, jv_x64_reg high, jv_x64_reg low, jv_x64_reg s) {
  x64_vex(x, 2, 3, 1, 0xf6, high, low, s);
}

/* --------------------------------------------------------------------------------------------------------- addresses */

static inline void x64_lea(jv_x64 *x, unsigned w, jv_x64_reg d, jv_x64_reg base, int32_t disp) {
  x64_op_mem(x, w, 0x8d, d, base, disp);
}
static inline void x64_lea_index(jv_x64 *x, unsigned w, jv_x64_reg d, jv_x64_reg base, jv_x64_reg index, unsigned scale,
                                 int32_t disp) {
  x64_rex_op(x, x64_rex(w, d, index, base), 0x8d, 1);
  x64_sib(x, d, base, index, scale, disp);
}
/* edx = base + disp, in one of two lengths; base is not RSP or R12. */
static inline void x64_lea_edx(jv_x64 *x, jv_x64_reg base, int32_t disp) {
  unsigned small = x64_is_i8(disp);
  uint64_t head = 0x108d40 | base >> 3 | (base & 7) << 16 | 0x400000u << (1 - small);
  x64_put(x, head | (uint64_t)(uint32_t)disp << 24, small ? 4 : 7);
}
/* d = s + v, of 64 bits; in place by an add, elsewhere by a lea, which are as long. s is not RSP or R12. */
static inline void x64_add_imm(jv_x64 *x, jv_x64_reg d, jv_x64_reg s, int32_t v) {
  bool in_place = d == s, small = x64_is_i8(v);
  unsigned mod = 2u - small - ((v == 0) & ((s & 7) != RBP)), count = mod * mod;
  uint64_t add = x64_rex(1, 0, 0, s) | (small ? 0x83u : 0x81u) << 8 | x64_modrm(3, ALU_ADD, s) << 16;
  uint64_t lea = x64_rex(1, d, 0, s) | 0x8d00 | x64_modrm(mod, d, s) << 16;
  x64_put(x, (in_place ? add : lea) | (uint64_t)(uint32_t)v << 24, (in_place & (v == 0)) ? 0 : 3 + count);
}
/* d = a + b, of 64 bits; likewise. b is not RSP, but in place. */
static inline void x64_add(jv_x64 *x, jv_x64_reg d, jv_x64_reg a, jv_x64_reg b) {
  bool in_place = (d == a) | (d == b), needs_disp = (a & 7) == RBP;
  unsigned other = d == a ? b : a;
  uint64_t add = x64_rex(1, other, 0, d) | 0x0100 | x64_modrm(3, other, d) << 16;
  uint64_t lea =
      x64_rex(1, d, b, a) | 0x8d00 | x64_modrm(needs_disp, d, RSP) << 16 | (uint64_t)x64_modrm(0, b, a) << 24;
  x64_put(x, in_place ? add : lea, in_place ? 3 : 4 + needs_disp);
}
/* d = [base + disp], 64 bits or 32; of the host. */
static inline void x64_load(jv_x64 *x, unsigned w, jv_x64_reg d, jv_x64_reg base, int32_t disp) {
  x64_op_mem(x, w, 0x8b, d, base, disp);
}
static inline void x64_store(jv_x64 *x, unsigned w, jv_x64_reg base, int32_t disp, jv_x64_reg s) {
  x64_op_mem(x, w, 0x89, s, base, disp);
}
static inline void x64_store_imm(jv_x64 *x, unsigned w, jv_x64_reg base, int32_t disp, uint32_t v) {
  x64_op_mem(x, w, 0xc7, 0, base, disp);
  x64_u32(x, v);
}
static inline void x64_store_imm8(jv_x64 *x, jv_x64_reg base, int32_t disp, uint8_t v) {
  x64_op_mem(x, 0, 0xc6, 0, base, disp);
  x64_u8(x, v);
}
static inline void x64_alu_store(jv_x64 *x, jv_x64_alu op, unsigned w, jv_x64_reg base, int32_t disp, jv_x64_reg s) {
  x64_op_mem(x, w, op << 3 | 1, s, base, disp);
}
static inline void x64_alu_mem_imm8(jv_x64 *x, jv_x64_alu op, unsigned w, jv_x64_reg base, int32_t disp, int8_t v) {
  x64_op_mem(x, w, 0x83, op, base, disp);
  x64_u8(x, (uint8_t)v);
}
static inline void x64_alu_load(jv_x64 *x, jv_x64_alu op, unsigned w, jv_x64_reg d, jv_x64_reg base, int32_t disp) {
  x64_op_mem(x, w, op << 3 | 3, d, base, disp);
}
static inline void x64_alu_mem_imm32(jv_x64 *x, jv_x64_alu op, unsigned w, jv_x64_reg base, int32_t disp, uint32_t v) {
  x64_op_mem(x, w, 0x81, op, base, disp);
  x64_u32(x, v);
}
static inline void x64_unary_mem(jv_x64 *x, jv_x64_unary op, unsigned w, jv_x64_reg base, int32_t disp) {
  x64_op_mem(x, w, 0xf7, op, base, disp);
}

/* d = gs:[index * 2^scale + disp]. */
static inline void x64_load_gs_index(jv_x64 *x, jv_x64_reg d, jv_x64_reg index, unsigned scale, int32_t disp) {
  x64_u8(x, 0x65);
  x64_rex_op(x, x64_rex(1, d, index, 0), 0x8b | x64_modrm(0, d, RSP) << 8 | x64_modrm(scale, index, RBP) << 16, 3);
  x64_u32(x, (uint32_t)disp);
}

/* Compares fs:[disp] with r; fs is the thread. */
static inline void x64_cmp_fs(jv_x64 *x, int32_t disp, jv_x64_reg r) {
  x64_u8(x, 0x64);
  x64_rex_op(x, x64_rex(1, r, 0, 0), ALU_CMP << 3 | 1 | x64_modrm(0, r, RSP) << 8 | 0x250000, 3);
  x64_u32(x, (uint32_t)disp);
}

/* ------------------------------------------------------------------------------------------------------ guest memory */

/* An access to memory, but for where and with which register: the opcode's bytes behind a prefix that makes it 16-bit. */
typedef struct jv_x64_access {
  uint8_t bytes;        /* 1, 2, 4 or 8 */
  uint8_t is_16, w;     /* prefix 66; REX.W */
  uint8_t op_count;     /* bytes of op */
  uint8_t imm_count;    /* bytes of an immediate that is stored; 0: a register is */
  uint8_t is_low_store; /* of a register's lowest byte, which takes a REX for rsi, rdi and rbp */
  uint16_t op;
  uint64_t at_rdx; /* all of it at [rdx], with a REX in any case and register 0 */
} jv_x64_access;

#define X64_AT_RDX(is_16, w, op_count, op)                                                                             \
  (((UINT64_C(0x40) | (w) << 3 | (uint64_t)(op) << 8 | UINT64_C(0x02) << 8 * ((op_count) + 1)) << 8 * (is_16)) |       \
   ((is_16) ? 0x66 : 0))
#define X64_ACCESS(bytes, is_16, w, op_count, imm_count, is_low_store, op)                                             \
  { bytes, is_16, w, op_count, imm_count, is_low_store, op, X64_AT_RDX(is_16, w, op_count, op) }

/* Loads zero-extend, or sign-extend to 64 bits. */
#define X64_LOAD_U8 X64_ACCESS(1, 0, 0, 2, 0, 0, 0xb60f)
#define X64_LOAD_I8 X64_ACCESS(1, 0, 1, 2, 0, 0, 0xbe0f)
#define X64_LOAD_U16 X64_ACCESS(2, 0, 0, 2, 0, 0, 0xb70f)
#define X64_LOAD_I16 X64_ACCESS(2, 0, 1, 2, 0, 0, 0xbf0f)
#define X64_LOAD_U32 X64_ACCESS(4, 0, 0, 1, 0, 0, 0x8b)
#define X64_LOAD_I32 X64_ACCESS(4, 0, 1, 1, 0, 0, 0x63)
#define X64_LOAD_U64 X64_ACCESS(8, 0, 1, 1, 0, 0, 0x8b)
#define X64_STORE_8 X64_ACCESS(1, 0, 0, 1, 0, 1, 0x88)
#define X64_STORE_16 X64_ACCESS(2, 1, 0, 1, 0, 0, 0x89)
#define X64_STORE_32 X64_ACCESS(4, 0, 0, 1, 0, 0, 0x89)
#define X64_STORE_64 X64_ACCESS(8, 0, 1, 1, 0, 0, 0x89)
#define X64_STORE_IMM_8 X64_ACCESS(1, 0, 0, 1, 1, 0, 0xc6)
#define X64_STORE_IMM_16 X64_ACCESS(2, 1, 0, 1, 2, 0, 0xc7)
#define X64_STORE_IMM_32 X64_ACCESS(4, 0, 0, 1, 4, 0, 0xc7)
#define X64_STORE_IMM_64 X64_ACCESS(8, 0, 1, 1, 4, 0, 0xc7)

/* REX for the access; 0: none is needed. */
static inline unsigned x64_access_rex(const jv_x64_access *m, unsigned reg, unsigned base) {
  unsigned bits = (unsigned)m->w << 3 | (reg >> 3) << 2 | base >> 3;
  return (bits != 0) | (m->is_low_store & (reg >= RSP)) ? 0x40 | bits : 0;
}
/* At gs:[u32(base + disp)]; base is not RSP or R12; `reg` 0 for an immediate, which x64_access_imm appends. */
static inline void x64_guest_at(jv_x64 *x, const jv_x64_access *m, unsigned reg, jv_x64_reg base, uint32_t disp) {
  x64_put(x, 0x666765, 2 + m->is_16);
  x64_op_at(x, x64_access_rex(m, reg, base), m->op, m->op_count, reg, base, (int32_t)disp);
}
/* At gs:[disp]. */
static inline void x64_guest_absolute(jv_x64 *x, const jv_x64_access *m, unsigned reg, uint32_t disp) {
  x64_put(x, 0x666765, 2 + m->is_16);
  x64_rex_op(x, x64_access_rex(m, reg, 0), m->op, m->op_count);
  x64_put(x, x64_modrm(0, reg, RSP) | 0x2500 | (uint64_t)disp << 16, 6);
}
/* At the host's [rdx], always with a REX. */
static inline void x64_at_rdx(jv_x64 *x, const jv_x64_access *m, unsigned reg) {
  unsigned modrm = m->is_16 + m->op_count + 1u;
  x64_put(x, m->at_rdx | (uint64_t)(reg & 7) << (8 * modrm + 3) | (uint64_t)(reg >> 3) << (8 * m->is_16 + 2),
          modrm + 1);
}
static inline void x64_access_imm(jv_x64 *x, const jv_x64_access *m, uint32_t imm) { x64_put(x, imm, m->imm_count); }

/* ------------------------------------------------------------------------------------------------------------ control */

/*
 * Branches: each of these has a distance of 32 bits as its last four bytes, and returns where that stands. x64_patch sets
 * it. The `short` ones have one byte, for a target at most 127 bytes further.
 */
static inline uint32_t x64_jcc(jv_x64 *x, jv_x64_cond cc) {
  x64_put(x, 0x0f | (0x80u | cc) << 8, 6);
  return x64_here(x) - 4;
}
static inline uint32_t x64_jmp(jv_x64 *x) {
  x64_put(x, 0xe9, 5);
  return x64_here(x) - 4;
}
static inline uint32_t x64_call(jv_x64 *x) {
  x64_put(x, 0xe8, 5);
  return x64_here(x) - 4;
}
/* Subtracts from r what is patched in later, and jumps where it was less: JV_CHARGE_BYTES. Returns where the cost is. */
static inline uint32_t x64_charge(jv_x64 *x, jv_x64_reg r) {
  x64_put(x, x64_rex(1, 0, 0, r) | 0x8100 | x64_modrm(3, ALU_SUB, r) << 16, 7);
  x64_jcc(x, CC_B);
  return x64_here(x) - 10;
}
static inline void x64_patch(jv_x64 *x, uint32_t at, uint32_t target) {
  uint32_t distance = target - (at + 4);
  memcpy(x->base + at, &distance, sizeof distance);
}
static inline void x64_call_to(jv_x64 *x, uint32_t target) {
  x64_put(x, 0xe8 | (uint64_t)(target - (x64_here(x) + 5)) << 8, 5);
}
static inline uint32_t x64_jcc_short(jv_x64 *x, jv_x64_cond cc) {
  x64_put(x, 0x70u | cc, 2);
  return x64_here(x) - 1;
}
static inline uint32_t x64_jmp_short(jv_x64 *x) {
  x64_put(x, 0xeb, 2);
  return x64_here(x) - 1;
}
static inline void x64_patch_short(jv_x64 *x, uint32_t at) { x->base[at] = (uint8_t)(x64_here(x) - (at + 1)); }
/* To a target that is known, in the shortest form. */
static inline void x64_jcc_to(jv_x64 *x, jv_x64_cond cc, uint32_t target) {
  int64_t distance = (int64_t)target - ((int64_t)x64_here(x) + 2);
  if (x64_is_i8(distance)) x64_put(x, 0x70u | cc | (unsigned)(uint8_t)distance << 8, 2);
  else x64_patch(x, x64_jcc(x, cc), target);
}
static inline void x64_jmp_to(jv_x64 *x, uint32_t target) {
  int64_t distance = (int64_t)target - ((int64_t)x64_here(x) + 2);
  if (x64_is_i8(distance)) x64_put(x, 0xeb | (unsigned)(uint8_t)distance << 8, 2);
  else x64_patch(x, x64_jmp(x), target);
}
static inline void x64_jmp_mem(jv_x64 *x, jv_x64_reg base, int32_t disp) { x64_op_mem(x, 0, 0xff, 4, base, disp); }
static inline void x64_call_mem(jv_x64 *x, jv_x64_reg base, int32_t disp) { x64_op_mem(x, 0, 0xff, 2, base, disp); }
static inline void x64_call_reg(jv_x64 *x, jv_x64_reg r) { x64_op_rr(x, 0, 0xff, 2, r); }
static inline void x64_ret(jv_x64 *x) { x64_u8(x, 0xc3); }

#endif
