# A jump between the two halves of an address that no relocation names.
# as: -mno-relax
# fails: a jump between the two halves of an address
        .globl _start
_start: auipc ra, 0
back:   jalr ra, 8(ra)
        bnez a0, back
        ret
