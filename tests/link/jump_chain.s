# A jump to a jump goes to the end.
# returns: 2
# lists: branch_eq_imm a1, 0, [0-9]+
# lacks: [^_]jump [^_]
        .globl _start
_start: beqz a1, 1f
        li a0, 1
        ret
1:      j 2f
        li a0, 9
        ret
2:      li a0, 2
        ret
