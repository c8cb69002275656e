# fails: record of kind 99: not known
        .globl f
f:      addi a0, a0, 1
        ret
        .section .javm.meta, "aR"
        .balign 8
        .word 1, 0
        .quad f, 0
        .word 0, 0
        .word 99, 0
        .quad 0, 0
        .word 0, 0
