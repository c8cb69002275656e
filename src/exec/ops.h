/* What ops.def says, as constants and one table indexed by opcode. */
#ifndef JV_EXEC_OPS_H
#define JV_EXEC_OPS_H

#include <stdbool.h>
#include <stdint.h>

#include "javm.h"

/* Opcodes, in the numbering of the instruction set javm. JV_OP_INVALID stands for every number that is none, and for an
 * offset where the bitmask has no instruction. */
enum {
#define OP(number, name, format, reads, writes, ends_block, can_fault, gas) JV_OP_##name = number,
#include "exec/ops.def"
  JV_OP_INVALID = 255
};

typedef enum jv_format {
  JV_FORMAT_NONE,
  JV_FORMAT_IMM,
  JV_FORMAT_REG_IMM64,
  JV_FORMAT_IMM_IMM,
  JV_FORMAT_OFFSET,
  JV_FORMAT_REG_IMM,
  JV_FORMAT_REG_IMM_IMM,
  JV_FORMAT_REG_IMM_OFFSET,
  JV_FORMAT_REG_REG,
  JV_FORMAT_REG_REG_IMM,
  JV_FORMAT_REG_REG_OFFSET,
  JV_FORMAT_REG_REG_IMM_IMM,
  JV_FORMAT_REG_REG_REG
} jv_format;

typedef enum jv_gas_class {
#define GAS(name, slots, slots_same, same, latency, units) JV_GAS_##name,
#include "exec/ops.def"
  JV_GAS_CLASS_COUNT
} jv_gas_class;

/* Sets of operand roles. */
enum { JV_ROLE_A = 1, JV_ROLE_B = 2, JV_ROLE_D = 4 };

typedef struct jv_op_info {
  const char *name; /* NULL: no instruction has this number */
  uint8_t format;
  uint8_t reads;  /* roles */
  uint8_t writes; /* roles */
  uint8_t ends_block;
  uint8_t can_fault;
  uint8_t gas_class;
} jv_op_info;

extern const jv_op_info jv_ops[256];

/* The internal opcode for an opcode byte of an instruction set; JV_OP_INVALID if it has none. */
uint8_t jv_op_from_isa(javm_isa isa, uint8_t byte);
/* The opcode byte for an internal opcode; false if the set does not have it. */
bool jv_op_to_isa(javm_isa isa, uint8_t op, uint8_t *byte);

static inline bool jv_op_ends_block(javm_isa isa, uint8_t op) {
  return jv_ops[op].ends_block == 1 || (jv_ops[op].ends_block == 2 && isa == JAVM_ISA_JAVM);
}

/* Does a region (program.h) end with this instruction? Behind it control goes elsewhere, or the next region is charged. */
static inline bool jv_op_ends_region(javm_isa isa, uint8_t op) {
  return op == JV_OP_INVALID || op == JV_OP_ecall || op == JV_OP_ecalli || jv_op_ends_block(isa, op);
}

/* One instruction, decoded as 1-machine.md 1.2 says. In the two-register format `a` is the source and `d` the
 * destination. */
typedef struct jv_decoded {
  uint8_t op; /* internal opcode, or JV_OP_INVALID */
  uint8_t a, b, d;
  uint8_t skip;    /* the next instruction is at pc + 1 + skip */
  uint32_t target; /* static jump target, modulo 2^32; may be no block start */
  uint64_t x, y;   /* immediates, extended to 64 bits */
} jv_decoded;

/* Decodes at pc, which may be anything: outside the code or where the bitmask has no instruction the opcode is TRAP
 * (beyond the end) or INVALID. Never reads outside the code. */
void jv_decode(const javm_code *code, uint32_t pc, jv_decoded *out);

static inline bool jv_bitmask_at(const javm_code *code, uint32_t pc) {
  return pc >= code->code_bytes || (code->bitmask[pc >> 3] >> (pc & 7) & 1);
}

/* The pc of the ecall or ecalli before `pc`: the bitmask marks it. */
static inline uint32_t jv_ecall_pc(const javm_code *code, uint32_t pc) {
  do pc--;
  while (!jv_bitmask_at(code, pc));
  return pc;
}

/* A bit set over code offsets. */
typedef struct jv_bits {
  uint8_t *bits; /* ceil(count / 8) bytes */
  uint32_t count;
} jv_bits;
static inline bool jv_bits_get(const jv_bits *b, uint32_t i) {
  return i < b->count && (b->bits[i >> 3] >> (i & 7) & 1);
}
static inline void jv_bits_set(jv_bits *b, uint32_t i) { b->bits[i >> 3] |= (uint8_t)(1u << (i & 7)); }
/* A set of `count` zeros; false when out of memory. */
bool jv_bits_init(jv_bits *b, const javm_allocator *a, uint32_t count);
void jv_bits_free(jv_bits *b, const javm_allocator *a);
/* All block starts of the code; false when out of memory. */
bool jv_block_starts(const javm_code *code, const javm_allocator *a, jv_bits *out);

#endif
