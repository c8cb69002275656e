# sp as a source, a destination, an operand of every kind, in a branch, stored and loaded; all as if it were a register like any other.
# returns: 12
        .globl _start
_start: mv s0, sp
        li a0, 0
        lla sp, value               # an address
        ld a1, 0(sp)
        li a2, 77
        bne a1, a2, 1f
        addi a0, a0, 1
        add sp, zero, zero
        bnez sp, 1f
        addi a0, a0, 1
        li sp, 1000
        slli sp, sp, 1
        li a2, 2000
        bne sp, a2, 1f
        addi a0, a0, 1
        bltu a2, sp, 1f
        bgeu sp, a2, 2f
        j 1f
2:      addi a0, a0, 1
        sub sp, a2, sp
        bne sp, zero, 1f
        addi a0, a0, 1
        mv sp, s0
        addi sp, sp, -64
        sd sp, 0(sp)
        ld a3, 0(sp)
        addi a3, a3, 64
        bne a3, s0, 1f
        addi a0, a0, 1
        sd s0, 8(sp)
        ld sp, 8(sp)
        bne sp, s0, 1f
        addi a0, a0, 1
        addi sp, sp, -33
        andi sp, sp, -64
        andi a3, sp, 63
        bnez a3, 1f
        addi a0, a0, 1
        sub a3, s0, sp
        li a4, 33
        bltu a3, a4, 1f
        addi a0, a0, 1
        add a3, sp, sp
        srli a3, a3, 1
        bne a3, sp, 1f
        addi a0, a0, 1
        li a4, 5
        amoswap.d a5, a4, (sp)
        ld a3, 0(sp)
        bne a3, a4, 1f
        addi a0, a0, 1
        max sp, sp, s0
        bne sp, s0, 1f
        addi a0, a0, 1
1:      mv sp, s0
        ret
        .section .rodata
        .balign 8
value:  .quad 77
