# An endpoint with an index; arguments from a0 on.
# run: --endpoint 5 --arg 41
# returns: 42
        .globl f
f:      addi a0, a0, 1
        ret
        .section .javm.meta, "aR"
        .balign 8
        .word 1, 5
        .quad f, 0
        .word 1, 0
