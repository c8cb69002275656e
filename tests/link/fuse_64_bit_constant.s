# A constant in many steps becomes one instruction.
# returns: 0x123456789abcdef0
# lists: load_imm_64 a0, 0x123456789abcdef0
# count: 2
        .globl _start
_start: li a0, 0x123456789abcdef0
        ret
