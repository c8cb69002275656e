/*
 * __javm_start: entered before each endpoint of a program with constructors, with the endpoint's code address in t0.
 * Runs the constructors once in the life of the Instance, then goes on to the endpoint with a0 to a3, ra and sp as they
 * were. The first entry of .init_array becomes zero when they have run; it is in memory that is kept.
 */
        .section .text.__javm_start, "ax", @progbits
        .globl  __javm_start
        .type   __javm_start, @function
__javm_start:
        lui     t1, %hi(__init_array_start)
        ld      t2, %lo(__init_array_start)(t1)
        bnez    t2, 1f
        jr      t0
1:      addi    sp, sp, -48
        sd      ra, 0(sp)
        sd      t0, 8(sp)
        sd      a0, 16(sp)
        sd      a1, 24(sp)
        sd      a2, 32(sp)
        sd      a3, 40(sp)
        addi    s0, t1, %lo(__init_array_start)
        lui     s1, %hi(__init_array_end)
        addi    s1, s1, %lo(__init_array_end)
        sd      zero, 0(s0)
2:      jalr    t2
        addi    s0, s0, 8
        beq     s0, s1, 3f
        ld      t2, 0(s0)
        j       2b
3:      ld      ra, 0(sp)
        ld      t0, 8(sp)
        ld      a0, 16(sp)
        ld      a1, 24(sp)
        ld      a2, 32(sp)
        ld      a3, 40(sp)
        addi    sp, sp, 48
        jr      t0
        .size   __javm_start, . - __javm_start
