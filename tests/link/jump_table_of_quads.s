# A table of code addresses.
# returns: 30
        .globl _start
_start: li a0, 2
        lui a1, %hi(table)
        addi a1, a1, %lo(table)
        slli a2, a0, 3
        add a1, a1, a2
        ld a1, 0(a1)
        jr a1
0:      li a0, 10
        ret
1:      li a0, 20
        ret
2:      li a0, 30
        ret
        .section .rodata
        .balign 8
table:  .quad 0b, 1b, 2b
