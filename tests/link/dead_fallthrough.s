# No fallthrough behind what ends a block, nor where nobody jumps.
# returns: 3
# lacks: fallthrough
        .globl _start
_start: bnez a0, 1f
nobody: li a0, 3
        ret
1:      li a0, 4
        ret
