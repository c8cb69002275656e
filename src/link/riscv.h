/* Decoding of RV64E with M, A, C and Zbb, and of the instructions that this machine adds (riscv.def). */
#ifndef JV_LINK_RISCV_H
#define JV_LINK_RISCV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One for each line of riscv.def: JV_RV_addi and so on. */
typedef enum jv_rv_op {
  JV_RV_INVALID,
#define RV(name, ...) JV_RV_##name,
#include "link/riscv.def"
  JV_RV_COUNT
} jv_rv_op;

/* What an operand layout has. */
typedef struct jv_rv_insn {
  uint8_t op;           /* jv_rv_op; a compressed instruction is the one that it stands for */
  uint8_t rd, rs1, rs2; /* 0..31; 0 where the instruction has none */
  uint8_t bytes;        /* 2 or 4 */
  int64_t imm; /* sign-extended; of lui and auipc already shifted by 12; of jumps and branches the distance from the
                  instruction; of shifts 0..63; of ecalli 0..2^20 - 1; 0 where there is none */
} jv_rv_insn;

/* Decodes the instruction at p, of which `left` bytes are there. False: no instruction of this set, or cut off;
 * out->bytes is then what its length bits say (2 or 4; 0: longer than 4 or cut off). */
bool jv_rv_decode(const uint8_t *p, size_t left, jv_rv_insn *out);

/* "addi", "amoadd.w". Static storage. */
const char *jv_rv_name(jv_rv_op op);
/* "zero", "ra", "sp", ... "t6", for 0..31. */
const char *jv_rv_reg_name(unsigned reg);

#endif
