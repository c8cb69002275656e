# Data has its content, bss is zero, both can be written.
# returns: 9
        .globl _start
_start: la a1, value
        ld a0, 0(a1)
        la a2, empty
        ld a3, 0(a2)
        bnez a3, 1f
        li a4, 2
        sd a4, 0(a2)
        ld a3, 0(a2)
        add a0, a0, a3
1:      ret
        .data
        .balign 8
value:  .quad 7
        .bss
        .balign 8
empty:  .zero 100000
