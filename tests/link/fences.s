# A single hart: fences do nothing.
# returns: 1
        .globl _start
_start: fence
        fence.i
        li a0, 1
        fence rw, w
        ret
