# Writes a word to each page of 16 MiB, calls the next one (slot 3) as often as a0 says, and at the bottom asks the host again
# and again how many pages to write (a0), and what (a1).
.mapping persistent 0x10000000 0x1000000 slot 1
main:
  move_reg s0, a0
  load_imm t0, 0x10000000
  fallthrough
fill:
  add_64 t1, t0, s0
  store_ind_u64 t1, [t0]
  add_imm_64 t0, t0, 4096
  branch_ne_imm t0, 0x11000000, fill
  branch_eq_imm s0, 0, ask
  load_imm a0, 3
  load_imm a1, 0
  add_imm_64 a2, s0, -1
  ecalli 26
  ecalli 0
ask:
  ecalli 70
  load_imm t0, 0x10000000
  fallthrough
write:
  branch_eq_imm a0, 0, ask
  store_ind_u64 a1, [t0]
  add_imm_64 t0, t0, 4096
  add_imm_64 a0, a0, -1
  jump write
