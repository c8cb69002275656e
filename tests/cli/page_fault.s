  load_u64 a0, [0x50000]
  ecalli 0
