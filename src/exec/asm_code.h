/*
 * Between the assembler and the disassembler: how an instruction is written, which bytes it has, and how wide the
 * offsets of jumps must be. Both use the same functions, so the one can foresee what the other will do.
 */
#ifndef JV_EXEC_ASM_CODE_H
#define JV_EXEC_ASM_CODE_H

#include "exec/ops.h"

#define JV_ASM_CODE_MAX (UINT32_C(1) << 24)
#define JV_ASM_JUMPS_MAX (UINT32_C(1) << 20)
enum { JV_BASE_MAX = 11, JV_INSN_MAX = 25 };

/* Names by number, as texts have them: registers, instruction sets, kinds of mapping. */
extern const char *const jv_reg_names[JAVM_REG_COUNT];
extern const char *const jv_isa_names[JAVM_ISA_JAM_0_8 + 1];
extern const char *const jv_mapping_names[JAVM_MAPPING_HEAP + 1];

/*
 * The operands of an instruction, a character each: a b d registers; x y immediates; q the 64-bit immediate; t the
 * target; + an immediate that may be left out, with its sign; the rest stands for itself.
 */
const char *jv_operand_pattern(uint8_t op);
bool jv_has_target(uint8_t op);

/* Bytes that a sign-extended immediate needs: 0..4. */
unsigned jv_imm_bytes(int64_t value);

/* The bytes of an instruction in their shortest form, but for the target's offset, which comes last. Returns their
 * number, 0 where the instruction set does not have it. */
unsigned jv_encode(javm_isa isa, const jv_decoded *insn, uint8_t out[JV_BASE_MAX]);

/*
 * A place in the code that is in the making: code is a run of bytes whose sizes are known, and holes between them. The
 * place is behind `fixed` known bytes and behind the first `holes` holes.
 */
typedef struct jv_place {
  uint32_t fixed;
  uint32_t holes;
} jv_place;

#define JV_PLACE_ABSOLUTE UINT32_MAX /* as `holes`: `fixed` is the offset itself */

/* A hole: the offset of a jump (`base` > 0: the jump starts that many bytes before the hole), or bytes of a given
 * width. */
typedef struct jv_hole {
  uint32_t fixed; /* known bytes before it */
  jv_place target;
  uint8_t base;
  uint8_t width;
} jv_hole;

/*
 * Gives every jump offset the smallest width that holds it, growing them from 0 until all fit. shifts[i], i in
 * 0..count, will be the sum of the widths before hole i.
 */
void jv_settle_widths(jv_hole *holes, size_t count, uint32_t *shifts);
/* Where a place is, and the offset that a jump's hole needs. */
uint32_t jv_place_offset(jv_place place, const uint32_t *shifts);
int32_t jv_hole_offset(const jv_hole *hole, size_t index, const uint32_t *shifts);

#endif
