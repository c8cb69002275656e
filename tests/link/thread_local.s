# Thread-local variables have no register.
# script: none
# fails: thread-local|-femulated-tls
        .globl _start
_start: lui a0, %tprel_hi(v)
        add a0, a0, tp, %tprel_add(v)
        lw a0, %tprel_lo(v)(a0)
        ret
        .section .tbss, "awT", @nobits
v:      .zero 4
