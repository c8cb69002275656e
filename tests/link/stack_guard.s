# Below the stack a page is missing: what grows out of it does not reach the data.
# link: --stack-size 8192
# faults: page-fault
        .globl _start
_start: lui a0, 2
        sub a0, sp, a0
        sb a0, 16(a0)               # the stack's lowest byte, since 16 bytes above sp belong to it, too
        sb a0, 15(a0)
        ret
        .data
        .zero 8192
