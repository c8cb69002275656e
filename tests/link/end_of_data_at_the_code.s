# The end of an object is no pointer to the function that happens to lie behind it.
# script: none
# ld: -e f --section-start=.data=0x20000 --section-start=.text=0x21000
# returns: 1
.globl f
.type f, @function
f:
  lui a0, %hi(array)
  addi a0, a0, %lo(array)
  li a1, 4096
  add a0, a0, a1
  lui a2, %hi(array+4096)
  addi a2, a2, %lo(array+4096)
  sub a0, a0, a2
  seqz a0, a0
  ret
.data
.globl array
array: .zero 4096
