# fails: endpoint 5: declared twice
        .globl f
f:      addi a0, a0, 1
        ret
        .section .javm.meta, "aR"
        .balign 8
        .word 1, 5
        .quad f, 0
        .word 0, 0
        .word 1, 5
        .quad f, 0
        .word 0, 0
