# The same, taken.
# ld: -e f
# faults: trap
.weak nobody
.globl f
f:
  mv a1, sp
  .reloc ., R_RISCV_BRANCH, nobody
  beq a1, sp, .
  li a0, 7
  ret
