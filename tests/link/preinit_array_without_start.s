# Constructors in .preinit_array alone are constructors, too.
# fails: constructors
.globl _start
_start:
  li a0, 1
  ret
.section .preinit_array,"aw",@preinit_array
.quad init
.text
init: ret
