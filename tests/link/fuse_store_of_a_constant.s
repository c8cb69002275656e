# A store of a constant at an absolute address.
# returns: 5
# lists: store_imm_u32 \[[0-9x a-f]+\], 5
# count: 3
        .globl _start
_start: li a0, 5
        lui a1, %hi(value)
        sw a0, %lo(value)(a1)
        lui a0, %hi(value)
        lw a0, %lo(value)(a0)
        li a1, 0
        ret
        .data
        .balign 8
value:  .word 0
