# Writes to each of its 16 pages, in three regions. Answers 0.
.mapping persistent 0x20000 0x5000 slot 1
.mapping persistent 0x40000 0x5000 slot 2
.mapping persistent 0x60000 0x6000 slot 3

  store_imm_u32 [0x20000], 1
  store_imm_u32 [0x21000], 1
  store_imm_u32 [0x22000], 1
  store_imm_u32 [0x23000], 1
  store_imm_u32 [0x24000], 1
  store_imm_u32 [0x40000], 1
  store_imm_u32 [0x41000], 1
  store_imm_u32 [0x42000], 1
  store_imm_u32 [0x43000], 1
  store_imm_u32 [0x44000], 1
  store_imm_u32 [0x60000], 1
  store_imm_u32 [0x61000], 1
  store_imm_u32 [0x62000], 1
  store_imm_u32 [0x63000], 1
  store_imm_u32 [0x64000], 1
  store_imm_u32 [0x65000], 1
  load_imm a0, 0
  ecalli 0              # reply
