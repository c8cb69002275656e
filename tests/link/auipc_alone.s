# An auipc whose value nobody makes an address of.
# as: -mno-relax
# fails: auipc without a relocation
        .globl _start
_start: auipc a0, 1
        ret
