# A distance from a function to data: the function's address is not the one in the file.
# ld: -e f
# returns: 42
.globl f
.type f, @function
f:
  addi sp, sp, -16
  sd ra, 8(sp)
  lui a0, %hi(here)
  addi a0, a0, %lo(here)
  lw a1, 0(a0)
  sub a0, a0, a1
  jalr a0
  ld ra, 8(sp)
  addi sp, sp, 16
  ret
.globl g
g: li a0, 42
  ret
.data
.globl here
here: .word here - g
