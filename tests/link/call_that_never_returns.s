# Behind a call that never returns there may be no code: at the end of the section, or data.
# returns: 3
        .globl _start
_start: beqz a0, 1f
        call stops
        .word 0xffffffff
1:      bnez a1, stops
        li a0, 3
        ret
stops:  call stops
