# The stack's size by a symbol.
# returns: 5
        .globl _start, __javm_stack_size
        .set __javm_stack_size, 0x400000
_start: li a0, 5
        lui a1, 0x3ff
        sub a1, sp, a1
        sd a0, 0(a1)
        ld a0, 0(a1)
        ret
