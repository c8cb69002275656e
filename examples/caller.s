# Calls two programs that it carries with it: one that faults, and one that yields before it answers.
#
# Each call has two results, a0 (the value) and a1 (the status: 0 ok, 1 paused, 2 faulted). A byte for each of the three
# that it sees, 16 * a1 + a0, makes the answer 0x211007:
#
#   21   the first program faulted; the value is the reason, 1 for a trap
#   10   the second paused; the value is the marker's place in the catcher's list, 0
#   07   after resume_yield, the second answered 7
#
#   javm run caller.s --catch 66 --yields catcher
#
# --catch puts a catcher for the cap in slot 66 into the yield marker slot, --yields catcher lets this program handle
# what is caught. Programs find each other's marker by its hash: the same bytes, pinned in both.
.endpoint 0 main
.yield_marker_slot 68

main:
  load_imm a0, 64               # the image that faults
  load_imm_jump ra, @faulted, start
faulted:
  move_reg s0, a0

  load_imm a0, 65               # the image that yields
  load_imm_jump ra, @paused, start
paused:
  shlo_l_imm_64 s0, s0, 8
  add_64 s0, s0, a0
  branch_ne_imm a1, 1, done     # it was not caught: nothing to resume

  ecalli 27                     # resume_yield: comes back as the call did
  shlo_l_imm_64 a1, a1, 4
  add_64 a0, a0, a1
  shlo_l_imm_64 s0, s0, 8
  add_64 s0, s0, a0
  fallthrough
done:
  move_reg a0, s0
  ecalli 0                      # reply

# Makes an Instance of the image in slot a0 and calls its endpoint 0. a0 := 16 * status + value, a1 := status.
start:
  move_reg s1, a0
  load_imm a0, 80
  load_imm a1, 8
  ecalli 5                      # mint_cnode: slot 80 := 256 empty slots
  move_reg a0, s1
  load_imm a1, 80
  load_imm a2, 81
  ecalli 18                     # derive_spawn: slot 81 := an Instance of the image, with that CNode as its root
  load_imm a0, 81
  load_imm a1, 0
  ecalli 26                     # call slot 81, endpoint 0; a0 value, a1 status
  shlo_l_imm_64 t0, a1, 4
  add_64 a0, a0, t0
  jump_ind ra, 0

.pinned 64 image {
  trap
}
.pinned 65 image {
  load_imm a0, 66
  ecalli 16                     # yield with the marker in slot 66
  load_imm a0, 7
  ecalli 0                      # reply
  .pinned 66 data "caller.s: a marker"
}
.pinned 66 data "caller.s: a marker"
