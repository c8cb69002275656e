/* What the groups of instruction tests are written with. */
#ifndef JAVM_TESTS_ISA_TESTS_H
#define JAVM_TESTS_ISA_TESTS_H

#include <stdbool.h>
#include <stdint.h>

enum { ISA_SIGNATURE_BYTES = 16384, ISA_PATTERN_BYTES = 8192, ISA_SCRATCH_BYTES = 8192 };

extern const uint64_t isa_operands[]; /* also at the symbol `operands`, in writable data */
extern const unsigned isa_operand_count;

/* A line of assembly. */
void isa_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
unsigned isa_random(unsigned below); /* the same numbers in each run */
unsigned isa_label(void);            /* a new number */

/* A test. Its code may use all registers. */
void isa_begin(const char *instruction, const char *variant);
void isa_end(void);
void isa_words(unsigned count); /* that many words of the signature are written in some other way than isa_result */
unsigned isa_word_count(void);  /* words so far: the next one's index */

typedef struct isa_regs {
  const char *rd, *rs1, *rs2;
} isa_regs;
isa_regs isa_choose(bool low_only, bool with_zero); /* distinct and equal ones in turn */
const char *isa_reg(void);
const char *isa_low_reg(void); /* s0, s1, a0-a5 */
const char *isa_other(const char *a, const char *b, const char *c);
bool isa_is(const char *a, const char *b);

void isa_access(const char *insn, const char *reg, const char *temp, const char *symbol, unsigned offset);
void isa_operand(const char *reg, unsigned index, bool is_const); /* puts an operand into a register */
void isa_result(const char *reg);                                 /* appends a register to the signature */
void isa_results(const char *a, const char *b, const char *c);    /* the different ones of these registers */
void isa_result_by(const char *reg, const char *temp);            /* a register, by an address in temp */

/* Tests of an instruction in all variants; isa_forms.c. */
void isa_three(const char *name);            /* rd, rs1, rs2 */
void isa_two(const char *name, bool low);    /* rd, rs2; rd is also an operand */
void isa_unary(const char *name);            /* rd, rs1 */
void isa_immediate(const char *name);        /* rd, rs1, 12 bits */
void isa_shift(const char *name, int width); /* rd, rs1, 0 .. width - 1 */
/* rd, immediate, rd is also an operand; or rd, rd, immediate where the assembler wants it so */
void isa_compressed_immediate(const char *name, int from, int to, bool low, bool reads_rd, bool with_zero);
void isa_load(const char *name);
void isa_store(const char *name, unsigned bytes);
void isa_branch(const char *name);

void isa_group_i(void);
void isa_group_m(void);
void isa_group_a(void);
void isa_group_c(void);
void isa_group_b(void);
void isa_group_own(void);
void isa_group_trap(void);

#endif
