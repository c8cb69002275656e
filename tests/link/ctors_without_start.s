# Constructors in .ctors alone, which javm.ld puts into .init_array.
# fails: constructors
.globl _start
_start:
  li a0, 1
  ret
.section .ctors,"aw",@progbits
.quad init
.text
init: ret
