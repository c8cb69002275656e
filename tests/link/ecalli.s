# The first of our instructions: ecalli n.
# returns: 6
        .globl _start
_start: li a0, 6
        .insn u 0x0b, x0, 0         # reply
        li a0, 7
        ret
