# Without a heap sbrk gives 0.
# returns: 0
        .globl _start
_start: .insn r 0x2b, 0, 0, a0, x0, x0
        ret
