# Read-only data is pinned: it can't be written.
# faults: page-fault
        .globl _start
_start: la a1, value
        sd a0, 0(a1)
        ret
        .section .rodata
        .balign 8
value:  .quad 1
