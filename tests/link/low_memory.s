# The low 64 KiB stay unmapped.
# ld: --section-start=.data=0x8000
# fails: section .data at 0x8000: the lowest 64 KiB stay unmapped
        .globl _start
_start: ret
        .data
        .quad 1
