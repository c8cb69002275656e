# The words above the stack for registers that are needed later, in the upper half of memory.
# ld: -e f
# link: --stack-size 2600000000
# returns: 0x00ff0066
.globl f
.type f, @function
f:
  li t0, 1
  li t1, 2
  li t2, 4
  li s0, 8
  li s1, 16
  li a1, 32
  li a2, 1
  li a3, 2
  li a4, 3
  li a5, 4
  li a0, 0x00120000
  orc.b a0, a0
  add a0, a0, t0
  add a0, a0, s0
  add a0, a0, a1
  add a0, a0, a1
  add a0, a0, t2
  add a0, a0, t2
  add a0, a0, t2
  add a0, a0, t2
  add a0, a0, t0
  add a0, a0, t1
  add a0, a0, s1
  sub a0, a0, a2
  sub a0, a0, a3
  sub a0, a0, a4
  sub a0, a0, a5
  add a0, a0, a2
  add a0, a0, a3
  add a0, a0, a4
  add a0, a0, a5
  addi a0, a0, -6
  ret
