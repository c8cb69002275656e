.pinned 3 image {
  load_imm a0, 3
  ecalli 17
  trap
}
  load_imm a0, 3
  ecalli 17
  ecalli 0
