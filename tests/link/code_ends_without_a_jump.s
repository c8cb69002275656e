# What runs off the end of the code meets a trap.
# faults: trap
        .globl _start
_start: li a0, 1
        nop
