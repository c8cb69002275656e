# A stack that does not fit.
# link: --stack-size 0xffff0000
# fails: stack \(4294901760 bytes\) and heap \(0\) do not fit
        .globl _start
_start: ret
