# An address from the global offset table, of code and of data.
# returns: 17
        .globl _start
_start: mv s0, ra
1:      auipc a1, %got_pcrel_hi(triple)
        ld a1, %pcrel_lo(1b)(a1)
2:      auipc a2, %got_pcrel_hi(five)
        ld a2, %pcrel_lo(2b)(a2)
        li a0, 4
        jalr a1
        ld a2, 0(a2)
        add a0, a0, a2
        jr s0
        .globl triple, five
triple: slli a1, a0, 1
        add a0, a0, a1
        ret
        .data
        .balign 8
five:   .quad 5
