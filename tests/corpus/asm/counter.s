# Counts its calls. The count lies in a persistent mapping, which is part of the Instance: each call ends in a new Instance,
# and a call to that one goes on counting.
#
#   javm run counter.s --save counter.value       answers 1, and keeps the new Instance
#   javm run counter.value                        answers 2
.endpoint 0 main
.mapping persistent 0x20000 0x1000 slot 64

main:
  load_u64 a0, [0x20000]
  add_imm_64 a0, a0, 1
  store_u64 a0, [0x20000]
  ecalli 0                      # reply: a0 is the answer
