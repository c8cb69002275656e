# A constant before a jump.
# returns: 11
# lists: load_imm_jump a0, 10, 
        .globl _start
_start: beqz a1, 1f
        li a0, 3
        ret
1:      bnez a1, 2f
        li a0, 10
        j 3f
2:      li a0, 20
3:      addi a0, a0, 1
        bnez a2, 2b
        ret
