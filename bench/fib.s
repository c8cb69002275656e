# The Fibonacci number after a0 steps, modulo 2^64. native.c does the same.
.endpoint 0 main args=1 a0=1000000

main:
  load_imm t0, 0                # F(n)
  load_imm t1, 1                # F(n + 1)
  branch_eq_imm a0, 0, done
loop:
  add_64 t2, t0, t1
  move_reg t0, t1
  move_reg t1, t2
  add_imm_64 a0, a0, -1
  branch_ne_imm a0, 0, loop
done:
  move_reg a0, t0
  ecalli 0                      # reply
