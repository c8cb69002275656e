# Without the SDK's linker script.
# script: none
# returns: 3
        .globl _start
_start: lui a0, %hi(two)
        ld a0, %lo(two)(a0)
        la a1, one
        ld a1, 0(a1)
        add a0, a0, a1
        ret
        .section .rodata
        .balign 8
two:    .quad 2
        .data
        .balign 8
one:    .quad 1
