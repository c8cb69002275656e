# A jump into the middle of an instruction.
# fails: a jump into the middle of an instruction
        .option norvc
        .globl _start
_start: beqz a0, 1f + 2
        addi a0, a0, 1
1:      addi a0, a0, 1000
        ret
