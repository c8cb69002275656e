# A relocation of a lower half at an instruction that has none.
# as: -mno-relax
# ld: -e f
# fails: relocation
.globl f
f:
  .reloc ., R_RISCV_LO12_I, f+0x1008
  .word 0x0080006f
  .word 0
  ret
  .zero 0x2000
