# Control registers are not in the set.
# fails: 0xc0102573 is no instruction
        .globl _start
_start: .word 0xc0102573            # rdtime a0
        ret
