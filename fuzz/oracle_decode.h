/* The oracle's decoding, for its machine (oracle.c) and its costs (oracle_gas.c). */
#ifndef FUZZ_ORACLE_DECODE_H
#define FUZZ_ORACLE_DECODE_H

#include "oracle.h"

/* ------------------------------------------------------------------------------------------------ 1.2 decoding */

typedef struct insn {
  unsigned op; /* in the numbers of the instruction set javm; INVALID */
  unsigned a, b, d;
  uint64_t x, y;
  int64_t target; /* not yet modulo 2^32 */
  uint32_t next;
} insn;

enum { INVALID = 255 };

static inline unsigned byte_at(const javm_code *c, uint64_t at) { return at < c->code_bytes ? c->code[at] : 0; }

static inline bool marked(const javm_code *c, uint64_t at) {
  return at >= c->code_bytes || (c->bitmask[at / 8] >> (at % 8)) % 2 == 1;
}

static inline unsigned skip_at(const javm_code *c, uint64_t pc) {
  for (unsigned j = 0; j < 25; j++)
    if (marked(c, pc + 1 + j)) return j;
  return 24;
}

static inline bool between(unsigned v, unsigned low, unsigned high) { return v >= low && v <= high; }

static inline unsigned op_of_byte(javm_isa isa, unsigned byte) {
  if (isa != JAVM_ISA_JAVM && byte == 3) return INVALID;
  if (isa == JAVM_ISA_JAM_0_7 && byte == 2) return INVALID;
  if (isa == JAVM_ISA_JAM_0_8 && byte == 111) return INVALID;
  if (isa == JAVM_ISA_JAM_0_8 && between(byte, 101, 110)) return byte + 1;
  if (byte <= 3 || byte == 10 || byte == 20 || between(byte, 30, 33) || byte == 40 || between(byte, 50, 62) ||
      between(byte, 70, 73) || between(byte, 80, 90) || between(byte, 100, 111) || between(byte, 120, 161) ||
      between(byte, 170, 175) || byte == 180 || between(byte, 190, 230))
    return byte;
  return INVALID;
}

static inline bool is_terminator(javm_isa isa, unsigned op) {
  if (op == 0 || op == 1 || op == 40 || op == 50 || between(op, 80, 90) || between(op, 170, 175) || op == 180)
    return true;
  return isa == JAVM_ISA_JAVM && (op == 2 || op == 3 || op == 10);
}

static inline uint64_t sx(uint64_t v, unsigned bits) {
  if (bits == 0) return 0;
  v <<= 64 - bits;
  uint64_t sign = v >> 63;
  v >>= 64 - bits;
  return sign && bits < 64 ? v | ~(uint64_t)0 << bits : v;
}

static inline int64_t s64(uint64_t v) {
  int64_t s;
  memcpy(&s, &v, sizeof s);
  return s;
}

static inline int clamp4(int n) { return n < 0 ? 0 : n > 4 ? 4 : n; }

static inline uint64_t imm(const javm_code *c, uint64_t at, int n) {
  uint64_t v = 0;
  for (int k = 0; k < n; k++) v |= (uint64_t)byte_at(c, at + (unsigned)k) << (8 * k);
  return sx(v, 8 * (unsigned)n);
}

static inline unsigned reg(unsigned nibble) { return nibble > 12 ? 12 : nibble; }

static inline insn decode(const javm_code *c, uint32_t pc) {
  insn i = {.op = INVALID};
  int l = (int)skip_at(c, pc);
  i.next = pc + 1 + (uint32_t)l;
  if (!marked(c, pc)) return i;
  unsigned op = i.op = op_of_byte(c->isa, byte_at(c, pc));
  uint64_t p = pc;
  unsigned b1 = byte_at(c, p + 1), b2 = byte_at(c, p + 2);
  i.a = reg(b1 % 16);
  i.b = reg(b1 / 16);
  i.d = reg(b2 % 16);
  if (op == 10) i.x = imm(c, p + 1, clamp4(l));
  if (op == 20) i.x = imm(c, p + 2, 8);
  if (op == 40) i.target = pc + s64(imm(c, p + 1, clamp4(l)));
  if (between(op, 30, 33)) {
    int lx = clamp4((int)(b1 % 8));
    i.x = imm(c, p + 2, lx);
    i.y = imm(c, p + 2 + (unsigned)lx, clamp4(l - lx - 1));
  }
  if (between(op, 50, 62) || between(op, 120, 161)) i.x = imm(c, p + 2, clamp4(l - 1));
  if (between(op, 70, 73) || between(op, 80, 90)) {
    int lx = clamp4((int)(b1 / 16 % 8));
    i.x = imm(c, p + 2, lx);
    i.y = imm(c, p + 2 + (unsigned)lx, clamp4(l - lx - 1));
    if (op >= 80) i.target = pc + s64(i.y);
  }
  if (between(op, 100, 111)) {
    i.d = reg(b1 % 16);
    i.a = reg(b1 / 16);
  }
  if (between(op, 170, 175)) i.target = pc + s64(imm(c, p + 2, clamp4(l - 1)));
  if (op == 180) {
    int lx = clamp4((int)(b2 % 8));
    i.x = imm(c, p + 3, lx);
    i.y = imm(c, p + 3 + (unsigned)lx, clamp4(l - lx - 2));
  }
  return i;
}

#endif
