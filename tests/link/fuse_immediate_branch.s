# A branch on a constant.
# returns: 1
# lists: branch_gt_u_imm a0, 6, 
# lacks: load_imm a1, 6
        .globl _start
_start: li a1, 6
        bltu a1, a0, 1f
        li a1, 2
        li a0, 1
        ret
1:      li a1, 3
        li a0, 0
        ret
