# A branch on sp to a weak symbol that nobody defines, which is not taken: sp is not what is in the register.
# ld: -e f
# returns: 7
.weak nobody
.globl f
f:
  addi a1, sp, 128
  .reloc ., R_RISCV_BRANCH, nobody
  beq sp, a1, .
  .reloc ., R_RISCV_BRANCH, nobody
  beq a1, sp, .
  li a0, 7
  ret
