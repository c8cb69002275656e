/* The opcode table, the numbers of the jam sets and block starts: 1-machine.md 1.3 and 1.4. */
#include "exec/decode.h"

#include <assert.h>

#include "base/alloc.h"

enum { A = JV_ROLE_A, B = JV_ROLE_B, D = JV_ROLE_D };

const jv_op_info jv_ops[256] = {
#define OP(number, name, format, reads, writes, ends_block, can_fault, gas)                                            \
  [number] = {#name, JV_FORMAT_##format, (reads), (writes), (ends_block), (can_fault), JV_GAS_##gas},
#include "exec/ops.def"
};

static_assert(JV_GAS_TRAP == 0, "numbers that are no opcode cost what trap costs");
static_assert(JV_OP_count_set_bits_64 == JV_OP_sbrk + 1 && JV_OP_reverse_bytes == JV_OP_sbrk + 10,
              "jam-0.8 numbers what follows sbrk one lower");

uint8_t jv_op_from_isa(javm_isa isa, uint8_t byte) { return (uint8_t)(jv_layouts[isa][byte].op_plus_1 - 1); }

bool jv_op_to_isa(javm_isa isa, uint8_t op, uint8_t *byte) {
  uint8_t number = op;
  if (isa == JAVM_ISA_JAM_0_8 && op > JV_OP_sbrk && op <= JV_OP_reverse_bytes) number--;
  if (!jv_ops[op].name || jv_op_from_isa(isa, number) != op) return false;
  *byte = number;
  return true;
}

bool jv_bits_init(jv_bits *b, const javm_allocator *a, uint32_t count) {
  b->count = count;
  b->bits = jv_alloc_zero(a, count ? (count + 7) / 8 : 1);
  return b->bits != NULL;
}

void jv_bits_free(jv_bits *b, const javm_allocator *a) {
  jv_free_array(a, b->bits, (b->count + 7) / 8, 1);
  b->bits = NULL;
}

bool jv_block_starts(const javm_code *code, const javm_allocator *a, jv_bits *out) {
  uint32_t count = (uint32_t)code->code_bytes;
  if (!jv_bits_init(out, a, count)) return false;
  if (count) out->bits[0] = jv_bitmask_at(code, 0);
  for (uint32_t pc = 0; pc < count; pc++) {
    if (!jv_bitmask_at(code, pc)) continue;
    uint8_t op = jv_op_from_isa(code->isa, code->code[pc]);
    if (!jv_op_ends_block(code->isa, op)) continue;
    uint32_t next = pc + 1;
    while (next < pc + 25 && !jv_bitmask_at(code, next)) next++;
    if (next < count && jv_bitmask_at(code, next)) jv_bits_set(out, next);
  }
  return true;
}
