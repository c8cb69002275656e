# fails: slot 256: expected a slot up to 255
        .globl f
f:      addi a0, a0, 1
        ret
        .section .javm.meta, "aR"
        .balign 8
        .word 1, 0
        .quad f, 0
        .word 0, 0
        .word 2, 256
        .quad value, 8
        .word 0, 0
        .data
value:  .quad 1
