# lr and sc: the store always succeeds.
# returns: 21
        .globl _start
_start: la a1, value
        lr.w a2, (a1)
        addi a2, a2, 1
        sc.w a3, a2, (a1)
        bnez a3, 1f
        lr.d a0, (a1)
        add a0, a0, a0
        sc.d zero, a0, (a1)
        ld a0, 0(a1)
        addi a0, a0, 1
1:      ret
        .data
        .balign 8
value:  .quad 9
