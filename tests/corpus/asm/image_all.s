.isa javm
.endpoint 0 L0 args=2 cnode=4 ra=0x1 sp=0x2 t0=0x3
.endpoint 3 L4 sp=0xfffff000
.mapping persistent 0x10000 0x2000 slot 5
.mapping ephemeral 0x20000 0x1000
.mapping heap 0x30000 0x4000
.gas_slot 9
.quota_slot 10
.yield_marker_slot 11
.jump_table L0, L4
L0:
  load_imm a0, 5
  fallthrough
L4:
  .insn 0a00  # ecalli 0
  trap
.pinned 5 data {
  hex 00070e151c232a31383f
}
.pinned 6 image {
  .isa javm
  .jump_table L0, L4
  L0:
    load_imm a0, 5
    fallthrough
  L4:
    .insn 0a00  # ecalli 0
    trap
}
.initial 7 data {
  hex 00070e151c232a31383f
}
