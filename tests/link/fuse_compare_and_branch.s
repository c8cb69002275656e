# A comparison and the branch on it.
# returns: 1
# lists: branch_ge_u_imm a0, 5,
        .globl _start
_start: sltiu a1, a0, 5
        beqz a1, 1f
        li a1, 7
        li a0, 1
        ret
1:      li a1, 8
        li a0, 0
        ret
