# Constructors need the SDK's __javm_start.
# script: none
# fails: constructors \(section .init_array\), but no __javm_start
        .globl _start
_start: ret
        .section .init_array, "aw", @init_array
        .quad _start
