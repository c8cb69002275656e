# A load whose result nobody wants is still done.
# faults: page-fault
        .globl _start
_start: lui a0, 1
        lw zero, 0(a0)
        ret
