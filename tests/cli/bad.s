  load_imm a0, 1
  add_64 a0, a1
