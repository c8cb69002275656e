# An address is the same number in code and in data, also in the upper half of memory.
# script: none
# ld: -e f --section-start=.data=0x80001000 --section-start=.text=0x80010000
# returns: 1
.globl f
.type f, @function
f:
  la a0, x
  ld a1, 0(a0)
  sub a0, a0, a1
  seqz a0, a0
  ret
.data
x: .quad x
