# A jump to where no code is.
# fails: in _start at 0x[0-9a-f]+: a jump to 0x[0-9a-f]+, where no code is
        .globl _start
_start: .word 0x7ff0006f            # j +2046... far behind the end
        ret
