# A jump to another function.
# returns: 6
        .globl _start
_start: li a0, 5
        tail next
        .section .text.next, "ax"
next:   addi a0, a0, 1
        ret
