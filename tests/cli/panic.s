  load_imm t0, 3
  jump_ind t0, 0
