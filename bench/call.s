# Calls endpoint 0 of what is in slot 1, a0 times. Answers 0, or the status of a call that went wrong.
.endpoint 0 main args=1

main:
  move_reg s0, a0
  branch_eq_imm s0, 0, done
loop:
  load_imm a0, 1        # the slot
  load_imm a1, 0        # the endpoint
  ecalli 26             # call
  branch_ne_imm a1, 0, failed
  add_imm_64 s0, s0, -1
  branch_ne_imm s0, 0, loop
done:
  load_imm a0, 0
  ecalli 0              # reply
failed:
  move_reg a0, a1
  ecalli 0
