/*
 * The decoder (1-machine.md 1.2), without branches: one table row per opcode byte says where each operand lies. A row
 * of zeros decodes to nothing, so numbers that are no instruction need no row.
 */
#ifndef JV_EXEC_DECODE_H
#define JV_EXEC_DECODE_H

#include <string.h>

#include "base/bytes.h"
#include "exec/ops.h"

/* What jv_decode_fast may read behind the code and the bitmask. */
enum { JV_CODE_PADDING = 32, JV_BITMASK_PADDING = 8 };

enum { JV_MAX_SKIP = 24, JV_LAYOUT_ROWS = 512, JV_IMM_WIDE = 5 };

/* How an instruction's bytes are shared out among its immediates. */
typedef enum jv_lengths {
  JV_LENGTHS_NONE,
  JV_LENGTHS_ONE_1, /* one immediate from byte 1 on, and so on */
  JV_LENGTHS_ONE_2,
  JV_LENGTHS_TWO_2,
  JV_LENGTHS_TWO_3,
  JV_LENGTHS_WIDE,
  JV_LENGTHS_COUNT
} jv_lengths;

typedef struct jv_layout {
  uint8_t op_plus_1;              /* 0: JV_OP_INVALID */
  uint8_t a, b, d;                /* shifts that find the register among jv_decode_at's `regs` */
  uint8_t at;                     /* offset of the first immediate */
  uint8_t lengths;                /* jv_lengths */
  uint8_t length_at, length_mask; /* where the first of two immediates has its length, in the bits from byte 1 on */
  uint8_t target_x, target_y;     /* 1: the immediate is a jump's offset */
  uint8_t unused[6];
} jv_layout;

/* By instruction set and opcode byte. The rows from 256 on are not for use. */
extern const jv_layout jv_layouts[3][JV_LAYOUT_ROWS];

/* Immediates of 0 to 4 bytes, and JV_IMM_WIDE: their bytes and their sign. */
typedef struct jv_imm_shape {
  uint64_t mask, sign;
} jv_imm_shape;
extern const jv_imm_shape jv_imm_shapes[JV_IMM_WIDE + 1];

/* By jv_lengths, skip and given length: the bytes of the first immediate, and of the second times 16. */
extern const uint8_t jv_length_table[JV_LENGTHS_COUNT][JV_MAX_SKIP + 1][8];
/* By the byte that names them: the lower register times 2^8, and the upper one times 2^16. */
extern const uint32_t jv_reg_pairs[256];

#if defined(__GNUC__)
#define JV_INLINE static inline __attribute__((always_inline))
#else
#define JV_INLINE static inline
#endif

static inline uint64_t jv_load_le64(const uint8_t *p) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  uint64_t v;
  memcpy(&v, p, sizeof v);
  return v;
#else
  return jv_load_le(p, 8);
#endif
}

static inline unsigned jv_lowest_bit(uint64_t set) {
#if defined(__GNUC__)
  return (unsigned)__builtin_ctzll(set);
#else
  unsigned i = 0;
  while (!(set >> i & 1)) i++;
  return i;
#endif
}

static inline uint64_t jv_imm(const uint8_t *p, unsigned bytes) {
  const jv_imm_shape *shape = &jv_imm_shapes[bytes];
  return ((jv_load_le64(p) & shape->mask) ^ shape->sign) - shape->sign;
}

/*
 * Decodes the instruction at c, of whose bytes 24 can be read; `row` is what the instruction set's part of jv_layouts has for
 * its opcode, 255 where none is marked.
 */
JV_INLINE void jv_decode_row(const jv_layout *row, const uint8_t *c, unsigned skip, uint32_t pc, jv_decoded *out) {
  uint32_t regs = jv_reg_pairs[c[1]] | (jv_reg_pairs[c[2]] << 16 & 0xff000000);
  out->op = (uint8_t)(row->op_plus_1 - 1);
  out->skip = (uint8_t)skip;
  out->a = (uint8_t)(regs >> row->a);
  out->b = (uint8_t)(regs >> row->b);
  out->d = (uint8_t)(regs >> row->d);
  unsigned given = (c[1] | (unsigned)c[2] << 8) >> row->length_at & row->length_mask;
  unsigned lengths = jv_length_table[row->lengths][skip][given], x_bytes = lengths & 15, y_bytes = lengths >> 4;
  uint64_t x = jv_imm(c + row->at, x_bytes), y = jv_imm(c + row->at + x_bytes, y_bytes);
  uint64_t x_jumps = -(uint64_t)row->target_x, y_jumps = -(uint64_t)row->target_y;
  out->target = (uint32_t)((pc + x) & x_jumps) | (uint32_t)((pc + y) & y_jumps);
  out->x = x & ~x_jumps;
  out->y = y & ~y_jumps;
}

/* Likewise; `marks` is the bitmask from its first byte on, at least 25 bits. */
JV_INLINE void jv_decode_at(const jv_layout *rows, const uint8_t *c, uint64_t marks, uint32_t pc, jv_decoded *out) {
  unsigned skip = jv_lowest_bit(marks >> 1 | UINT64_C(1) << JV_MAX_SKIP);
  jv_decode_row(&rows[(uint8_t)(c[0] | ((marks & 1) - 1))], c, skip, pc, out);
}

/*
 * What jv_decode does, for code with JV_CODE_PADDING zero bytes behind it and a bitmask with ones behind the code's
 * last bit and in JV_BITMASK_PADDING more bytes.
 */
JV_INLINE void jv_decode_fast(const javm_code *code, uint32_t pc, jv_decoded *out) {
  if (pc >= code->code_bytes) {
    *out = (jv_decoded){.op = JV_OP_trap};
    return;
  }
  uint64_t marks = jv_load_le64(code->bitmask + (pc >> 3)) >> (pc & 7);
  jv_decode_at(jv_layouts[code->isa], code->code + pc, marks, pc, out);
}

/* Sets the padding of copies that have the room for it. */
static inline void jv_pad_code(uint8_t *code, size_t code_bytes, uint8_t *bitmask) {
  size_t bitmask_bytes = (code_bytes + 7) / 8;
  memset(code + code_bytes, 0, JV_CODE_PADDING);
  memset(bitmask + bitmask_bytes, 0xff, JV_BITMASK_PADDING);
  if (code_bytes % 8) bitmask[bitmask_bytes - 1] |= (uint8_t)(0xff << code_bytes % 8);
}

#endif
