# fails: slot 9: its value lies outside of the program's sections
        .globl f
f:      addi a0, a0, 1
        ret
        .section .javm.meta, "aR"
        .balign 8
        .word 1, 0
        .quad f, 0
        .word 0, 0
        .word 2, 9
        .quad value, 100
        .word 0, 0
        .data
value:  .quad 1
