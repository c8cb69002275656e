/* The opcode table, the numbers of the jam sets, decoding and block starts: 1-machine.md 1.2 to 1.4. */
#include "exec/ops.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"

enum { A = JV_ROLE_A, B = JV_ROLE_B, D = JV_ROLE_D };

const jv_op_info jv_ops[256] = {
#define OP(number, name, format, reads, writes, ends_block, can_fault, gas)                                            \
  [number] = {#name, JV_FORMAT_##format, (reads), (writes), (ends_block), (can_fault), JV_GAS_##gas},
#include "exec/ops.def"
};

static_assert(JV_GAS_TRAP == 0, "numbers that are no opcode cost what trap costs");
static_assert(JV_OP_count_set_bits_64 == JV_OP_sbrk + 1 && JV_OP_reverse_bytes == JV_OP_sbrk + 10,
              "jam-0.8 numbers what follows sbrk one lower");

uint8_t jv_op_from_isa(javm_isa isa, uint8_t byte) {
  if (isa == JAVM_ISA_JAM_0_7 && (byte == JV_OP_unlikely || byte == JV_OP_ecall)) return JV_OP_INVALID;
  if (isa == JAVM_ISA_JAM_0_8) {
    if (byte == JV_OP_ecall || byte == JV_OP_reverse_bytes) return JV_OP_INVALID;
    if (byte >= JV_OP_sbrk && byte < JV_OP_reverse_bytes) byte++;
  }
  return jv_ops[byte].name ? byte : JV_OP_INVALID;
}

bool jv_op_to_isa(javm_isa isa, uint8_t op, uint8_t *byte) {
  uint8_t number = op;
  if (isa == JAVM_ISA_JAM_0_8 && op > JV_OP_sbrk && op <= JV_OP_reverse_bytes) number--;
  if (!jv_ops[op].name || jv_op_from_isa(isa, number) != op) return false;
  *byte = number;
  return true;
}

/* Bytes of an instruction that can hold operands: opcode, registers, length, and 8 bytes of immediates. */
enum { WINDOW = 12 };

static uint64_t signed_imm(const uint8_t *p, int bytes) {
  if (bytes <= 0) return 0;
  uint64_t v = jv_load_le(p, (unsigned)bytes), sign = UINT64_C(1) << (8 * bytes - 1);
  return (v ^ sign) - sign;
}

static int clamp4(int n) { return n < 0 ? 0 : n > 4 ? 4 : n; }
static uint8_t reg(int nibble) { return (uint8_t)(nibble < 12 ? nibble : 12); }

/* Two immediates from `at`; the first's length is given, the second has what the skip leaves. */
static void two_imms(const uint8_t *c, int at, int lx, jv_decoded *out) {
  lx = clamp4(lx);
  out->x = signed_imm(c + at, lx);
  out->y = signed_imm(c + at + lx, clamp4(out->skip - lx - (at - 1)));
}

static void decode_operands(const uint8_t *c, uint32_t pc, jv_decoded *out) {
  int skip = out->skip, low = c[1] & 15, high = c[1] >> 4;
  switch ((jv_format)jv_ops[out->op].format) {
    case JV_FORMAT_NONE: break;
    case JV_FORMAT_IMM: out->x = signed_imm(c + 1, clamp4(skip)); break;
    case JV_FORMAT_REG_IMM64:
      out->a = reg(low);
      out->x = jv_load_le(c + 2, 8);
      break;
    case JV_FORMAT_IMM_IMM: two_imms(c, 2, c[1] & 7, out); break;
    case JV_FORMAT_OFFSET: out->target = pc + (uint32_t)signed_imm(c + 1, clamp4(skip)); break;
    case JV_FORMAT_REG_IMM:
      out->a = reg(low);
      out->x = signed_imm(c + 2, clamp4(skip - 1));
      break;
    case JV_FORMAT_REG_IMM_IMM:
      out->a = reg(low);
      two_imms(c, 2, high & 7, out);
      break;
    case JV_FORMAT_REG_IMM_OFFSET:
      out->a = reg(low);
      two_imms(c, 2, high & 7, out);
      out->target = pc + (uint32_t)out->y;
      out->y = 0;
      break;
    case JV_FORMAT_REG_REG:
      out->d = reg(low);
      out->a = reg(high);
      break;
    case JV_FORMAT_REG_REG_IMM:
      out->a = reg(low);
      out->b = reg(high);
      out->x = signed_imm(c + 2, clamp4(skip - 1));
      break;
    case JV_FORMAT_REG_REG_OFFSET:
      out->a = reg(low);
      out->b = reg(high);
      out->target = pc + (uint32_t)signed_imm(c + 2, clamp4(skip - 1));
      break;
    case JV_FORMAT_REG_REG_IMM_IMM:
      out->a = reg(low);
      out->b = reg(high);
      two_imms(c, 3, c[2] & 7, out);
      break;
    case JV_FORMAT_REG_REG_REG:
      out->a = reg(low);
      out->b = reg(high);
      out->d = reg(c[2] & 15);
      break;
  }
}

void jv_decode(const javm_code *code, uint32_t pc, jv_decoded *out) {
  memset(out, 0, sizeof *out);
  out->op = JV_OP_trap;
  if (pc >= code->code_bytes) return;
  while (out->skip < 24 && !jv_bitmask_at(code, pc + 1 + out->skip)) out->skip++;
  out->op = jv_bitmask_at(code, pc) ? jv_op_from_isa(code->isa, code->code[pc]) : JV_OP_INVALID;
  if (out->op == JV_OP_INVALID) return;
  uint8_t window[WINDOW] = {0};
  size_t left = code->code_bytes - pc;
  memcpy(window, code->code + pc, left < WINDOW ? left : WINDOW);
  decode_operands(window, pc, out);
}

bool jv_block_starts(const javm_code *code, const javm_allocator *a, jv_bits *out) {
  uint32_t count = (uint32_t)code->code_bytes;
  out->count = count;
  out->bits = jv_alloc_zero(a, count ? (count + 7) / 8 : 1);
  if (!out->bits) return false;
  if (count) out->bits[0] = jv_bitmask_at(code, 0);
  for (uint32_t pc = 0; pc < count; pc++) {
    if (!jv_bitmask_at(code, pc)) continue;
    uint8_t op = jv_op_from_isa(code->isa, code->code[pc]);
    if (!jv_op_ends_block(code->isa, op)) continue;
    uint32_t next = pc + 1;
    while (next < pc + 25 && !jv_bitmask_at(code, next)) next++;
    if (next < count && jv_bitmask_at(code, next)) out->bits[next >> 3] |= (uint8_t)(1u << (next & 7));
  }
  return true;
}
