# Loads and stores with an absolute address.
# returns: 8
# lists: load_u64 a0, \[
# lists: store_u64 a0, \[
# count: 4
        .globl _start
_start: lui a0, %hi(value)
        ld a0, %lo(value)(a0)
        addi a0, a0, 1
        lui a1, %hi(value)
        sd a0, %lo(value)(a1)
        li a1, 0
        ret
        .data
        .balign 8
value:  .quad 7
