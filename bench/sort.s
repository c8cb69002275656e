# Insertion sort of a0 numbers (at most 2^17) from a linear congruential generator; answers a checksum. native.c does
# the same.
.endpoint 0 main args=1 a0=1000
.mapping ephemeral 0x100000 0x100000

main:
  load_imm t0, 0x100000         # where the next number is put
  load_imm s1, 0                # checksum
  branch_eq_imm a0, 0, done
  shlo_l_imm_64 a1, a0, 3
  add_64 a1, a1, t0             # the end
  load_imm s0, 1                # state of the generator
  load_imm_64 a3, 6364136223846793005
  load_imm_64 a4, 1442695040888963407
  fallthrough
insert:
  mul_64 s0, s0, a3
  add_64 s0, s0, a4
  shlo_r_imm_64 a2, s0, 33
  move_reg t1, t0
  branch_eq_imm t1, 0x100000, place
shift:
  load_ind_u64 t2, [t1 - 8]
  branch_ge_u a2, t2, place
  store_ind_u64 t2, [t1]
  add_imm_64 t1, t1, -8
  branch_ne_imm t1, 0x100000, shift
place:
  store_ind_u64 a2, [t1]
  add_imm_64 t0, t0, 8
  branch_ne t0, a1, insert

  load_imm t0, 0x100000
  fallthrough
sum:
  load_ind_u64 t2, [t0]
  mul_imm_64 s1, s1, 31
  add_64 s1, s1, t2
  add_imm_64 t0, t0, 8
  branch_ne t0, a1, sum
done:
  move_reg a0, s1
  ecalli 0                      # reply
