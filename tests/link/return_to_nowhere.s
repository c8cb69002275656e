# A return from a call at the very end of the code meets a trap.
# faults: trap
        .globl _start
_start: j last
inner:  ret
last:   call inner
