# A call of a weak function that nobody defines is a trap.
# faults: trap
        .globl _start
        .weak nobody
_start: call nobody
        ret
