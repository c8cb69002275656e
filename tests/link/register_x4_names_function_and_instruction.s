# Registers that the machine does not have are an error that names the function and the instruction.
# fails: in inner at 0x[0-9a-f]+: addi uses register x4 \(tp\), .*; compile with -femulated-tls
        .globl _start
_start: call inner
        ret
        .type inner, @function
inner:  .word 0x50213               # addi x4, a0, 0
        ret
        .size inner, . - inner
