# A call within a section may have no relocation at all.
# as: -mno-relax
# returns: 9
        .globl _start
_start: mv s0, ra
        li a0, 8
        auipc ra, 0
        jalr ra, 10(ra)
        jr s0
inner:  addi a0, a0, 1
        ret
