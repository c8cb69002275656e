# What an atomic needs besides its registers is as before afterwards.
# returns: 45
        .globl _start
_start: la a1, value
        li t0, 1
        li t1, 2
        li t2, 3
        li s0, 4
        li s1, 5
        li a2, 6
        li a3, 7
        li a4, 8
        li a5, 9
        amomaxu.w a2, a2, (a1)
        amoand.d zero, a3, (a1)
        mv a0, t0
        add a0, a0, t1
        add a0, a0, t2
        add a0, a0, s0
        add a0, a0, s1
        add a0, a0, a2
        add a0, a0, a3
        add a0, a0, a4
        add a0, a0, a5
        ret
        .data
        .balign 8
value:  .quad 6
