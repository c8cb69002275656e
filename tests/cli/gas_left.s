  ecalli 36
  branch_lt_u_imm a0, 900000000, low
  load_imm a0, 1
  ecalli 0
low:
  ecalli 0
