# ebreak and unimp trap.
# faults: trap
        .globl _start
_start: beqz a0, 1f
        unimp
1:      ebreak
        ret
