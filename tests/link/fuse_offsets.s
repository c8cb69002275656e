# A sum goes into the offset of a load.
# returns: 7
# lists: load_ind_u64 a0, \[sp - 136\]
        .globl _start
_start: li a0, 7
        addi a1, sp, -24
        sd a0, 16(a1)
        addi a1, sp, -16
        ld a0, 8(a1)
        li a1, 0
        ret
