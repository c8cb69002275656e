# A heap by a symbol; sbrk opens it.
# returns: 77
        .globl _start, __javm_heap_size
        .set __javm_heap_size, 0x10000
_start: li a1, 4096
        .insn r 0x2b, 0, 0, a0, a1, x0
        li a2, 77
        sd a2, 8(a0)
        ld a2, 8(a0)
        li a1, 0x20000
        .insn r 0x2b, 0, 0, a0, a1, x0
        add a0, a0, a2
        ret
