# kind_of: slot 7 holds pinned Data, slot 8 initial Data, and the program's own are elsewhere.
# returns: 0x3303
        .globl f
f:      mv s0, ra
        li a0, 7
        .insn u 0x0b, x0, 37
        mv s1, a0
        li a0, 8
        .insn u 0x0b, x0, 37
        slli s1, s1, 4
        or s1, s1, a0
        li a0, 9
        .insn u 0x0b, x0, 37
        slli s1, s1, 4
        or s1, s1, a0
        li a0, 255
        .insn u 0x0b, x0, 37
        slli s1, s1, 4
        or a0, s1, a0
        jr s0
        .section .javm.meta, "aR"
        .balign 8
        .word 1, 0
        .quad f, 0
        .word 0, 0
        .word 2, 7
        .quad value, 8
        .word 0, 0
        .word 4, 8
        .quad value, 8
        .word 0, 0
        .data
value:  .quad 1
