# fails: endpoint 256: expected an index up to 255
        .globl f
f:      addi a0, a0, 1
        ret
        .section .javm.meta, "aR"
        .balign 8
        .word 1, 256
        .quad f, 0
        .word 0, 0
