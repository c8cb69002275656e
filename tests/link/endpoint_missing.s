# No endpoint and no entry point.
# fails: endpoint 0: no code at 0x0; neither an endpoint is declared nor an entry point set
        .globl f
f:      addi a0, a0, 1
        ret
