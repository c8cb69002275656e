# An instruction of another extension is named.
# fails: in _start at 0x[0-9a-f]+: 0x02b57553 is no instruction of RV64E
        .globl _start
_start: .word 0x02b57553            # fadd.d
        ret
