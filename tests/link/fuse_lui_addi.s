# lui and addi become one instruction.
# returns: 0x12345678
# lists: load_imm_jump_ind a0, 0x12345678, ra
# count: 1
        .globl _start
_start: lui a0, 0x12345
        addi a0, a0, 0x678
        ret
