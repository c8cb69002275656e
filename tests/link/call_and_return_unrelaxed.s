# Code that was not relaxed works as well.
# as: -mno-relax
# returns: 42
        .globl _start
_start: addi sp, sp, -16
        sd ra, 0(sp)
        li a0, 20
        call twice
        addi a0, a0, 2
        ld ra, 0(sp)
        addi sp, sp, 16
        ret
twice:  add a0, a0, a0
        ret
