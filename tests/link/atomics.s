# Atomics become plain sequences: every operation and width, with its result kept, dropped, and over an operand.
# returns: 56
        # check OP, WIDTH, OLD, OPERAND, NEW: three forms, each of which adds one to a0.
        .macro check op, width, old, operand, new
        form \op, \width, \old, \operand, \new, a3
        form \op, \width, \old, \operand, \new, zero
        form \op, \width, \old, \operand, \new, a2
        .endm
        .macro form op, width, old, operand, new, result
        li a4, \old
        s\width a4, 0(a1)
        li a2, \operand
        \op\().\width \result, a2, (a1)
        .ifnc \result,zero
        bne \result, a4, bad
        .endif
        l\width a4, 0(a1)
        li a5, \new
        bne a4, a5, bad
        addi a0, a0, 1
        .endm
        .macro both op, old, operand, new
        check \op, w, \old, \operand, \new
        check \op, d, \old, \operand, \new
        .endm
        .globl _start
_start: li a0, 0
        la a1, value
        both amoadd, 7, 3, 10
        both amoxor, 6, 3, 5
        both amoand, 6, 3, 2
        both amoor, 6, 3, 7
        both amoswap, 6, 3, 3
        both amomin, -6, 3, -6
        both amomax, -6, 3, 3
        both amominu, -6, 3, 3
        both amomaxu, -6, 3, -6
        li a2, 9
        amoswap.d a3, zero, (a1)
        ld a4, 0(a1)
        bnez a4, bad
        addi a0, a0, 1
        li a4, -1
        sd a4, 0(a1)
        amoadd.w a3, a4, (a1)       # only the lower half changes
        ld a4, 0(a1)
        addi a4, a4, 2
        bnez a4, bad
        addi a0, a0, 1
        ret
bad:    li a0, -1
        ret
        .data
        .balign 8
value:  .quad 0
