# fails: slot 9: declared twice
        .globl f
f:      addi a0, a0, 1
        ret
        .section .javm.meta, "aR"
        .balign 8
        .word 1, 0
        .quad f, 0
        .word 0, 0
        .word 2, 9
        .quad value, 8
        .word 0, 0
        .word 4, 9
        .quad value, 8
        .word 0, 0
        .data
value:  .quad 1
