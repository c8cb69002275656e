# orc.b is expanded, whatever its registers.
# returns: 4
        .globl _start
_start: li a0, 0
        li a5, 0xff00ff00ffff00ff
        ld a1, value
        orc.b a2, a1
        bne a2, a5, 1f
        addi a0, a0, 1
        orc.b a1, a1
        bne a1, a5, 1f
        addi a0, a0, 1
        orc.b a3, zero
        bnez a3, 1f
        addi a0, a0, 1
        li a3, -1
        orc.b a3, a3
        addi a3, a3, 1
        bnez a3, 1f
        addi a0, a0, 1
1:      ret
        .section .rodata
        .balign 8
value:  .quad 0x0100800012ff0040
