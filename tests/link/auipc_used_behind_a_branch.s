# as: -mno-relax
# The upper half of a code address that the assembler resolved, used on both ways of a branch.
# ld: -e f --defsym=zero=0
# fails: auipc without a relocation, not an address for the next instruction
.globl f
.type f, @function
f:
  addi sp, sp, -16
  sd ra, 8(sp)
  li a1, 1
1: auipc a0, %pcrel_hi(g)
  bnez a1, 2f
  addi a0, a0, %pcrel_lo(1b)
  j 3f
2:
  addi a0, a0, %pcrel_lo(1b)
3:
  jalr a0
  ld ra, 8(sp)
  addi sp, sp, 16
  ret
g: li a0, 42
  ret
