# Atomics become plain sequences: every operation and width, with its result kept, dropped, and over an operand.
# returns: 72
        .globl _start
_start: li a0, 0
        la a1, value
        li a2, 7
        sw a2, 0(a1)
        li a2, 3
        amoadd.w a3, a2, (a1)
        li a5, 7
        bne a3, a5, bad
        lw a4, 0(a1)
        li a5, 10
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 7
        sw a2, 0(a1)
        li a2, 3
        amoadd.w zero, a2, (a1)
        lw a4, 0(a1)
        li a5, 10
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 7
        sw a2, 0(a1)
        li a2, 3
        amoadd.w a2, a2, (a1)
        li a5, 7
        bne a2, a5, bad
        lw a4, 0(a1)
        li a5, 10
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 7
        sw a2, 0(a1)
        li a2, 3
        amoadd.w a3, a2, (a1)
        li a5, 7
        bne a3, a5, bad
        lw a4, 0(a1)
        li a5, 10
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 7
        sd a2, 0(a1)
        li a2, 3
        amoadd.d a3, a2, (a1)
        li a5, 7
        bne a3, a5, bad
        ld a4, 0(a1)
        li a5, 10
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 7
        sd a2, 0(a1)
        li a2, 3
        amoadd.d zero, a2, (a1)
        ld a4, 0(a1)
        li a5, 10
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 7
        sd a2, 0(a1)
        li a2, 3
        amoadd.d a2, a2, (a1)
        li a5, 7
        bne a2, a5, bad
        ld a4, 0(a1)
        li a5, 10
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 7
        sd a2, 0(a1)
        li a2, 3
        amoadd.d a3, a2, (a1)
        li a5, 7
        bne a3, a5, bad
        ld a4, 0(a1)
        li a5, 10
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sw a2, 0(a1)
        li a2, 3
        amoxor.w a3, a2, (a1)
        li a5, 6
        bne a3, a5, bad
        lw a4, 0(a1)
        li a5, 5
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sw a2, 0(a1)
        li a2, 3
        amoxor.w zero, a2, (a1)
        lw a4, 0(a1)
        li a5, 5
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sw a2, 0(a1)
        li a2, 3
        amoxor.w a2, a2, (a1)
        li a5, 6
        bne a2, a5, bad
        lw a4, 0(a1)
        li a5, 5
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sw a2, 0(a1)
        li a2, 3
        amoxor.w a3, a2, (a1)
        li a5, 6
        bne a3, a5, bad
        lw a4, 0(a1)
        li a5, 5
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sd a2, 0(a1)
        li a2, 3
        amoxor.d a3, a2, (a1)
        li a5, 6
        bne a3, a5, bad
        ld a4, 0(a1)
        li a5, 5
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sd a2, 0(a1)
        li a2, 3
        amoxor.d zero, a2, (a1)
        ld a4, 0(a1)
        li a5, 5
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sd a2, 0(a1)
        li a2, 3
        amoxor.d a2, a2, (a1)
        li a5, 6
        bne a2, a5, bad
        ld a4, 0(a1)
        li a5, 5
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sd a2, 0(a1)
        li a2, 3
        amoxor.d a3, a2, (a1)
        li a5, 6
        bne a3, a5, bad
        ld a4, 0(a1)
        li a5, 5
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sw a2, 0(a1)
        li a2, 3
        amoand.w a3, a2, (a1)
        li a5, 6
        bne a3, a5, bad
        lw a4, 0(a1)
        li a5, 2
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sw a2, 0(a1)
        li a2, 3
        amoand.w zero, a2, (a1)
        lw a4, 0(a1)
        li a5, 2
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sw a2, 0(a1)
        li a2, 3
        amoand.w a2, a2, (a1)
        li a5, 6
        bne a2, a5, bad
        lw a4, 0(a1)
        li a5, 2
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sw a2, 0(a1)
        li a2, 3
        amoand.w a3, a2, (a1)
        li a5, 6
        bne a3, a5, bad
        lw a4, 0(a1)
        li a5, 2
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sd a2, 0(a1)
        li a2, 3
        amoand.d a3, a2, (a1)
        li a5, 6
        bne a3, a5, bad
        ld a4, 0(a1)
        li a5, 2
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sd a2, 0(a1)
        li a2, 3
        amoand.d zero, a2, (a1)
        ld a4, 0(a1)
        li a5, 2
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sd a2, 0(a1)
        li a2, 3
        amoand.d a2, a2, (a1)
        li a5, 6
        bne a2, a5, bad
        ld a4, 0(a1)
        li a5, 2
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sd a2, 0(a1)
        li a2, 3
        amoand.d a3, a2, (a1)
        li a5, 6
        bne a3, a5, bad
        ld a4, 0(a1)
        li a5, 2
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sw a2, 0(a1)
        li a2, 3
        amoor.w a3, a2, (a1)
        li a5, 6
        bne a3, a5, bad
        lw a4, 0(a1)
        li a5, 7
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sw a2, 0(a1)
        li a2, 3
        amoor.w zero, a2, (a1)
        lw a4, 0(a1)
        li a5, 7
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sw a2, 0(a1)
        li a2, 3
        amoor.w a2, a2, (a1)
        li a5, 6
        bne a2, a5, bad
        lw a4, 0(a1)
        li a5, 7
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sw a2, 0(a1)
        li a2, 3
        amoor.w a3, a2, (a1)
        li a5, 6
        bne a3, a5, bad
        lw a4, 0(a1)
        li a5, 7
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sd a2, 0(a1)
        li a2, 3
        amoor.d a3, a2, (a1)
        li a5, 6
        bne a3, a5, bad
        ld a4, 0(a1)
        li a5, 7
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sd a2, 0(a1)
        li a2, 3
        amoor.d zero, a2, (a1)
        ld a4, 0(a1)
        li a5, 7
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sd a2, 0(a1)
        li a2, 3
        amoor.d a2, a2, (a1)
        li a5, 6
        bne a2, a5, bad
        ld a4, 0(a1)
        li a5, 7
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sd a2, 0(a1)
        li a2, 3
        amoor.d a3, a2, (a1)
        li a5, 6
        bne a3, a5, bad
        ld a4, 0(a1)
        li a5, 7
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sw a2, 0(a1)
        li a2, 3
        amoswap.w a3, a2, (a1)
        li a5, 6
        bne a3, a5, bad
        lw a4, 0(a1)
        li a5, 3
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sw a2, 0(a1)
        li a2, 3
        amoswap.w zero, a2, (a1)
        lw a4, 0(a1)
        li a5, 3
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sw a2, 0(a1)
        li a2, 3
        amoswap.w a2, a2, (a1)
        li a5, 6
        bne a2, a5, bad
        lw a4, 0(a1)
        li a5, 3
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sw a2, 0(a1)
        li a2, 3
        amoswap.w a4, zero, (a1)
        li a5, 6
        bne a4, a5, bad
        lw a4, 0(a1)
        li a5, 0
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sd a2, 0(a1)
        li a2, 3
        amoswap.d a3, a2, (a1)
        li a5, 6
        bne a3, a5, bad
        ld a4, 0(a1)
        li a5, 3
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sd a2, 0(a1)
        li a2, 3
        amoswap.d zero, a2, (a1)
        ld a4, 0(a1)
        li a5, 3
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sd a2, 0(a1)
        li a2, 3
        amoswap.d a2, a2, (a1)
        li a5, 6
        bne a2, a5, bad
        ld a4, 0(a1)
        li a5, 3
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, 6
        sd a2, 0(a1)
        li a2, 3
        amoswap.d a4, zero, (a1)
        li a5, 6
        bne a4, a5, bad
        ld a4, 0(a1)
        li a5, 0
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sw a2, 0(a1)
        li a2, 3
        amomin.w a3, a2, (a1)
        li a5, -6
        bne a3, a5, bad
        lw a4, 0(a1)
        li a5, -6
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sw a2, 0(a1)
        li a2, 3
        amomin.w zero, a2, (a1)
        lw a4, 0(a1)
        li a5, -6
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sw a2, 0(a1)
        li a2, 3
        amomin.w a2, a2, (a1)
        li a5, -6
        bne a2, a5, bad
        lw a4, 0(a1)
        li a5, -6
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sw a2, 0(a1)
        li a2, 3
        amomin.w a3, a2, (a1)
        li a5, -6
        bne a3, a5, bad
        lw a4, 0(a1)
        li a5, -6
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sd a2, 0(a1)
        li a2, 3
        amomin.d a3, a2, (a1)
        li a5, -6
        bne a3, a5, bad
        ld a4, 0(a1)
        li a5, -6
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sd a2, 0(a1)
        li a2, 3
        amomin.d zero, a2, (a1)
        ld a4, 0(a1)
        li a5, -6
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sd a2, 0(a1)
        li a2, 3
        amomin.d a2, a2, (a1)
        li a5, -6
        bne a2, a5, bad
        ld a4, 0(a1)
        li a5, -6
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sd a2, 0(a1)
        li a2, 3
        amomin.d a3, a2, (a1)
        li a5, -6
        bne a3, a5, bad
        ld a4, 0(a1)
        li a5, -6
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sw a2, 0(a1)
        li a2, 3
        amomax.w a3, a2, (a1)
        li a5, -6
        bne a3, a5, bad
        lw a4, 0(a1)
        li a5, 3
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sw a2, 0(a1)
        li a2, 3
        amomax.w zero, a2, (a1)
        lw a4, 0(a1)
        li a5, 3
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sw a2, 0(a1)
        li a2, 3
        amomax.w a2, a2, (a1)
        li a5, -6
        bne a2, a5, bad
        lw a4, 0(a1)
        li a5, 3
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sw a2, 0(a1)
        li a2, 3
        amomax.w a3, a2, (a1)
        li a5, -6
        bne a3, a5, bad
        lw a4, 0(a1)
        li a5, 3
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sd a2, 0(a1)
        li a2, 3
        amomax.d a3, a2, (a1)
        li a5, -6
        bne a3, a5, bad
        ld a4, 0(a1)
        li a5, 3
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sd a2, 0(a1)
        li a2, 3
        amomax.d zero, a2, (a1)
        ld a4, 0(a1)
        li a5, 3
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sd a2, 0(a1)
        li a2, 3
        amomax.d a2, a2, (a1)
        li a5, -6
        bne a2, a5, bad
        ld a4, 0(a1)
        li a5, 3
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sd a2, 0(a1)
        li a2, 3
        amomax.d a3, a2, (a1)
        li a5, -6
        bne a3, a5, bad
        ld a4, 0(a1)
        li a5, 3
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sw a2, 0(a1)
        li a2, 3
        amominu.w a3, a2, (a1)
        li a5, -6
        bne a3, a5, bad
        lw a4, 0(a1)
        li a5, 3
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sw a2, 0(a1)
        li a2, 3
        amominu.w zero, a2, (a1)
        lw a4, 0(a1)
        li a5, 3
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sw a2, 0(a1)
        li a2, 3
        amominu.w a2, a2, (a1)
        li a5, -6
        bne a2, a5, bad
        lw a4, 0(a1)
        li a5, 3
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sw a2, 0(a1)
        li a2, 3
        amominu.w a3, a2, (a1)
        li a5, -6
        bne a3, a5, bad
        lw a4, 0(a1)
        li a5, 3
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sd a2, 0(a1)
        li a2, 3
        amominu.d a3, a2, (a1)
        li a5, -6
        bne a3, a5, bad
        ld a4, 0(a1)
        li a5, 3
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sd a2, 0(a1)
        li a2, 3
        amominu.d zero, a2, (a1)
        ld a4, 0(a1)
        li a5, 3
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sd a2, 0(a1)
        li a2, 3
        amominu.d a2, a2, (a1)
        li a5, -6
        bne a2, a5, bad
        ld a4, 0(a1)
        li a5, 3
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sd a2, 0(a1)
        li a2, 3
        amominu.d a3, a2, (a1)
        li a5, -6
        bne a3, a5, bad
        ld a4, 0(a1)
        li a5, 3
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sw a2, 0(a1)
        li a2, 3
        amomaxu.w a3, a2, (a1)
        li a5, -6
        bne a3, a5, bad
        lw a4, 0(a1)
        li a5, -6
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sw a2, 0(a1)
        li a2, 3
        amomaxu.w zero, a2, (a1)
        lw a4, 0(a1)
        li a5, -6
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sw a2, 0(a1)
        li a2, 3
        amomaxu.w a2, a2, (a1)
        li a5, -6
        bne a2, a5, bad
        lw a4, 0(a1)
        li a5, -6
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sw a2, 0(a1)
        li a2, 3
        amomaxu.w a3, a2, (a1)
        li a5, -6
        bne a3, a5, bad
        lw a4, 0(a1)
        li a5, -6
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sd a2, 0(a1)
        li a2, 3
        amomaxu.d a3, a2, (a1)
        li a5, -6
        bne a3, a5, bad
        ld a4, 0(a1)
        li a5, -6
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sd a2, 0(a1)
        li a2, 3
        amomaxu.d zero, a2, (a1)
        ld a4, 0(a1)
        li a5, -6
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sd a2, 0(a1)
        li a2, 3
        amomaxu.d a2, a2, (a1)
        li a5, -6
        bne a2, a5, bad
        ld a4, 0(a1)
        li a5, -6
        bne a4, a5, bad
        addi a0, a0, 1
        li a2, -6
        sd a2, 0(a1)
        li a2, 3
        amomaxu.d a3, a2, (a1)
        li a5, -6
        bne a3, a5, bad
        ld a4, 0(a1)
        li a5, -6
        bne a4, a5, bad
        addi a0, a0, 1
        ret
bad:    li a0, -1
        ret
        .data
        .balign 8
value:  .quad 0
