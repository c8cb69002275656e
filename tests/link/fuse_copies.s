# A copy gives way to what it is a copy of.
# returns: 9
# lists: add_64 a0, a1, a1
# count: 4
        .globl _start
_start: lui a1, 0
        addi a1, a3, 4
        mv a0, a1
        add a0, a0, a1
        addi a0, a0, 1
        ret
