# A branch to a weak symbol that nobody defines only goes wrong where it is taken.
# ld: -e f
# returns: 7
.weak nobody
.globl f
.type f, @function
f:
  li a1, 1
  beqz a1, nobody
  li a0, 7
  ret
