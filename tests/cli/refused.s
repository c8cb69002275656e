  load_imm a0, 9
  ecalli 16
