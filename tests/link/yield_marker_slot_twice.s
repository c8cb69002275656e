# fails: yield-marker slot 4: one more than an Image can have
        .globl f
f:      addi a0, a0, 1
        ret
        .section .javm.meta, "aR"
        .balign 8
        .word 1, 0
        .quad f, 0
        .word 0, 0
        .word 7, 3
        .quad 0, 0
        .word 0, 0
        .word 7, 4
        .quad 0, 0
        .word 0, 0
