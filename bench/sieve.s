# How many primes there are up to a0 (below 2^24); a byte for each number. native.c does the same.
.endpoint 0 main args=1 a0=100000
.mapping ephemeral 0x1000000 0x1000000

main:
  load_imm s1, 0                # count
  branch_lt_u_imm a0, 2, done
  load_imm t0, 2                # p
  load_imm a1, 0x1000000        # the byte of 0
  add_64 a2, a1, a0             # the byte of the limit
  load_imm a3, 4                # p * p
  branch_lt_u a0, a3, count
candidate:
  add_64 t1, a1, t0
  load_ind_u8 t2, [t1]
  branch_ne_imm t2, 0, next
  add_64 t1, a1, a3
  fallthrough
mark:
  store_imm_ind_u8 [t1], 1
  add_64 t1, t1, t0
  branch_ge_u a2, t1, mark
next:
  add_imm_64 t0, t0, 1
  mul_64 a3, t0, t0
  branch_ge_u a0, a3, candidate
count:
  add_imm_64 t1, a1, 2
  fallthrough
each:
  load_ind_u8 t2, [t1]
  xor_imm t2, t2, 1             # marks are 0 or 1
  add_64 s1, s1, t2
  add_imm_64 t1, t1, 1
  branch_ge_u a2, t1, each
done:
  move_reg a0, s1
  ecalli 0                      # reply
