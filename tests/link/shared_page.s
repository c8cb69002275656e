# Read-only and writable data may not share a page.
# script: none
# ld: --section-start=.rodata=0x20000 --section-start=.data=0x20100
# fails: sections .rodata and .data share the page at 0x20000
        .globl _start
_start: ret
        .section .rodata
        .quad 1
        .data
        .quad 1
