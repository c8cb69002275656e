# script: none
# ld: -e f --section-start=.data=0x80001000 --section-start=.text=0x80010000
# returns: 1
.globl f
.type f, @function
f:
  la a0, x
1: auipc a1, %got_pcrel_hi(x)
  ld a1, %pcrel_lo(1b)(a1)
  ld a2, 0(a1)
  sub a0, a1, a2
  seqz a0, a0
  ret
.data
.globl x
x: .quad x
