/* setjmp and longjmp: what a call preserves. */
        .section .text.setjmp, "ax", @progbits
        .globl  setjmp
        .type   setjmp, @function
setjmp:
        sd      ra, 0(a0)
        sd      sp, 8(a0)
        sd      s0, 16(a0)
        sd      s1, 24(a0)
        li      a0, 0
        ret
        .size   setjmp, . - setjmp

        .section .text.longjmp, "ax", @progbits
        .globl  longjmp
        .type   longjmp, @function
longjmp:
        ld      ra, 0(a0)
        ld      sp, 8(a0)
        ld      s0, 16(a0)
        ld      s1, 24(a0)
        seqz    a0, a1                  /* never 0 */
        add     a0, a0, a1
        ret
        .size   longjmp, . - longjmp
