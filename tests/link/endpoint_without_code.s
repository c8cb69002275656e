# fails: endpoint 1: no code at 0x12345
        .globl f
f:      addi a0, a0, 1
        ret
        .section .javm.meta, "aR"
        .balign 8
        .word 1, 1
        .quad 0x12345, 0
        .word 0, 0
