# Without memory: answers 0.
  load_imm a0, 0
  ecalli 0              # reply
