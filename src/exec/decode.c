/* The decoder's table, and decoding of code without padding (decode.h). */
#include "exec/decode.h"

#include <assert.h>

/* Shifts of decode.h's `regs`. */
enum { LOW = 8, HIGH = 16, THIRD = 24 };

/* Rows by format, but for the opcode. */
#define LAYOUT_NONE 0
#define LAYOUT_IMM .at = 1, .lengths = JV_LENGTHS_ONE_1
#define LAYOUT_REG_IMM64 .a = LOW, .at = 2, .lengths = JV_LENGTHS_WIDE
#define LAYOUT_IMM_IMM .at = 2, .lengths = JV_LENGTHS_TWO_2, .length_at = 0, .length_mask = 7
#define LAYOUT_OFFSET .at = 1, .lengths = JV_LENGTHS_ONE_1, .target_x = 1
#define LAYOUT_REG_IMM .a = LOW, .at = 2, .lengths = JV_LENGTHS_ONE_2
#define LAYOUT_REG_IMM_IMM .a = LOW, .at = 2, .lengths = JV_LENGTHS_TWO_2, .length_at = 4, .length_mask = 7
#define LAYOUT_REG_IMM_OFFSET LAYOUT_REG_IMM_IMM, .target_y = 1
#define LAYOUT_REG_REG .d = LOW, .a = HIGH
#define LAYOUT_REG_REG_IMM .a = LOW, .b = HIGH, .at = 2, .lengths = JV_LENGTHS_ONE_2
#define LAYOUT_REG_REG_OFFSET LAYOUT_REG_REG_IMM, .target_x = 1
#define LAYOUT_REG_REG_IMM_IMM                                                                                         \
  .a = LOW, .b = HIGH, .at = 3, .lengths = JV_LENGTHS_TWO_3, .length_at = 8, .length_mask = 7
#define LAYOUT_REG_REG_REG .a = LOW, .b = HIGH, .d = THIRD

/* The byte for an opcode; past the table's used part if the instruction set does not have it. */
#define ABSENT(number) (256 + (number))
#define BYTE_JAM_0_7(number) ((number) == JV_OP_unlikely || (number) == JV_OP_ecall ? ABSENT(number) : (number))
#define BYTE_JAM_0_8(number)                                                                                           \
  ((number) == JV_OP_ecall || (number) == JV_OP_sbrk          ? ABSENT(number)                                         \
   : (number) > JV_OP_sbrk && (number) <= JV_OP_reverse_bytes ? (number)-1                                             \
                                                              : (number))

const jv_layout jv_layouts[3][JV_LAYOUT_ROWS] = {
#define ROW(number, format)                                                                                            \
  { .op_plus_1 = (number) + 1, LAYOUT_##format }
    [JAVM_ISA_JAVM] =
        {
#define OP(number, name, format, reads, writes, ends_block, can_fault, gas) [number] = ROW(number, format),
#include "exec/ops.def"
        },
    [JAVM_ISA_JAM_0_7] =
        {
#define OP(number, name, format, reads, writes, ends_block, can_fault, gas)                                            \
  [BYTE_JAM_0_7(number)] = ROW(number, format),
#include "exec/ops.def"
        },
    [JAVM_ISA_JAM_0_8] =
        {
#define OP(number, name, format, reads, writes, ends_block, can_fault, gas)                                            \
  [BYTE_JAM_0_8(number)] = ROW(number, format),
#include "exec/ops.def"
        },
};

#define OP(number, name, format, reads, writes, ends_block, can_fault, gas)                                            \
  static_assert((number) < 255 && ABSENT(number) < JV_LAYOUT_ROWS, "255 stands for what is no instruction");
#include "exec/ops.def"
static_assert(JAVM_ISA_JAVM < 3 && JAVM_ISA_JAM_0_7 < 3 && JAVM_ISA_JAM_0_8 < 3, "three instruction sets");
static_assert(sizeof(jv_layout) == 16, "rows do not straddle cache lines");

const jv_imm_shape jv_imm_shapes[JV_IMM_WIDE + 1] = {
    {0, 0}, {0xff, 0x80}, {0xffff, 0x8000}, {0xffffff, 0x800000}, {0xffffffff, 0x80000000}, {UINT64_MAX, 0}};

#define CLAMP_4(n) ((n) < 0 ? 0 : (n) > 4 ? 4 : (n))
#define NONE(at, skip, given) 0
#define ONE(at, skip, given) CLAMP_4((skip) - (at) + 1)
#define TWO(at, skip, given) (CLAMP_4(given) | CLAMP_4((skip) - (at) + 1 - CLAMP_4(given)) << 4)
#define WIDE(at, skip, given) JV_IMM_WIDE
#define GIVEN(of, at, skip)                                                                                            \
  {                                                                                                                    \
    of(at, skip, 0), of(at, skip, 1), of(at, skip, 2), of(at, skip, 3), of(at, skip, 4), of(at, skip, 5),              \
        of(at, skip, 6), of(at, skip, 7)                                                                               \
  }
#define FIVE(of, at, skip)                                                                                             \
  GIVEN(of, at, skip), GIVEN(of, at, (skip) + 1), GIVEN(of, at, (skip) + 2), GIVEN(of, at, (skip) + 3),                \
      GIVEN(of, at, (skip) + 4)
#define LENGTHS(of, at)                                                                                                \
  { FIVE(of, at, 0), FIVE(of, at, 5), FIVE(of, at, 10), FIVE(of, at, 15), FIVE(of, at, 20) }

const uint8_t jv_length_table[JV_LENGTHS_COUNT][JV_MAX_SKIP + 1][8] = {
    [JV_LENGTHS_NONE] = LENGTHS(NONE, 0), [JV_LENGTHS_ONE_1] = LENGTHS(ONE, 1), [JV_LENGTHS_ONE_2] = LENGTHS(ONE, 2),
    [JV_LENGTHS_TWO_2] = LENGTHS(TWO, 2), [JV_LENGTHS_TWO_3] = LENGTHS(TWO, 3), [JV_LENGTHS_WIDE] = LENGTHS(WIDE, 2),
};

#define REG(nibble) ((uint32_t)((nibble) < 12 ? (nibble) : 12))
#define PAIR(high, low) (REG(high) << 16 | REG(low) << 8)
#define PAIRS(high)                                                                                                    \
  PAIR(high, 0), PAIR(high, 1), PAIR(high, 2), PAIR(high, 3), PAIR(high, 4), PAIR(high, 5), PAIR(high, 6),             \
      PAIR(high, 7), PAIR(high, 8), PAIR(high, 9), PAIR(high, 10), PAIR(high, 11), PAIR(high, 12), PAIR(high, 13),     \
      PAIR(high, 14), PAIR(high, 15)

const uint32_t jv_reg_pairs[256] = {PAIRS(0),  PAIRS(1),  PAIRS(2),  PAIRS(3), PAIRS(4),  PAIRS(5),
                                    PAIRS(6),  PAIRS(7),  PAIRS(8),  PAIRS(9), PAIRS(10), PAIRS(11),
                                    PAIRS(12), PAIRS(13), PAIRS(14), PAIRS(15)};

/* Bytes that an instruction's decoding reads. */
enum { WINDOW = 24 };

void jv_decode(const javm_code *code, uint32_t pc, jv_decoded *out) {
  memset(out, 0, sizeof *out);
  out->op = JV_OP_trap;
  if (pc >= code->code_bytes) return;
  uint8_t window[WINDOW] = {0}, marks[8] = {0};
  size_t left = code->code_bytes - pc, first = pc >> 3, marks_left = code->bitmask_bytes - first;
  memcpy(window, code->code + pc, left < WINDOW ? left : WINDOW);
  memcpy(marks, code->bitmask + first, marks_left < sizeof marks ? marks_left : sizeof marks);
  uint64_t ones = left < WINDOW + 1 ? UINT64_MAX << left : 0;
  jv_decode_at(jv_layouts[code->isa], window, jv_load_le64(marks) >> (pc & 7) | ones, pc, out);
}
