# Code is not in memory.
# fails: reads or writes its own code
        .globl _start
_start: lui a0, %hi(_start)
        lw a0, %lo(_start)(a0)
        ret
