# A branch turned round over a jump, as assemblers write it for far targets, becomes one again.
# returns: 4
# lists: branch_eq_imm a0, 0, 
# lacks: [^_]jump [^_]
        .globl _start
_start: bnez a0, 1f
        j far
1:      li a0, 1
        ret
        .rept 40
        nop
        .endr
far:    li a0, 4
        ret
