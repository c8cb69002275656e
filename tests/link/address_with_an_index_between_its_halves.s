# An index may be added between the two halves of an address, absolute or relative to pc.
# returns: 33
        .globl _start
_start: li a1, 16
        lui a0, %hi(table)
        add a0, a0, a1
        ld a0, %lo(table)(a0)
1:      auipc a2, %pcrel_hi(table)
        addi a1, a1, -8
        add a2, a2, a1
        ld a2, %pcrel_lo(1b)(a2)
        add a0, a0, a2
        lui a3, %hi(table)
        addi a3, a3, %lo(table)
        ld a3, 0(a3)
        add a0, a0, a3
        ret
        .section .rodata
        .zero 2040
        .balign 8
table:  .quad 1, 12, 20
