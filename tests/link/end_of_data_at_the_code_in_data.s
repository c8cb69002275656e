# The same, in data.
# script: none
# ld: -e f --section-start=.data=0x20000 --section-start=.text=0x21000
# returns: 4096
.globl f
.type f, @function
f:
  lui a0, %hi(ends)
  addi a0, a0, %lo(ends)
  ld a1, 0(a0)
  ld a0, 8(a0)
  sub a0, a0, a1
  ret
.data
array: .zero 4080
ends: .quad array
      .quad array+4096
