# A table of distances of code from the table itself.
# returns: 20
        .globl _start
_start: li a0, 1
        lui a1, %hi(table)
        addi a1, a1, %lo(table)
        sh2 = 2
        slli a2, a0, sh2
        add a2, a2, a1
        lw a2, 0(a2)
        add a1, a1, a2
        jr a1
.L0:    li a0, 10
        ret
.L1:    li a0, 20
        ret
        .section .rodata
        .balign 4
table:  .word .L0 - table, .L1 - table
