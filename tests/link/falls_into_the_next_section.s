# Control runs on from one section of code into the next.
# script: none
# ld: -e f --section-start=.text=0x40000000 --section-start=more=0x40000002
# returns: 9
.globl f
.text
f: c.li a0, 9
.section more,"ax",@progbits
  ret
