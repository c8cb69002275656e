/*
 * The verbs (4-vm.md 4.2): an error leaves the stack as it was, gas adds up over pauses, and what the other files leave of
 * 4-vm.md and 6-kernel.md. Each test is named after what it shows.
 */
#include <stdio.h>

#include "support/yields.h"

/* 16 units before the yield, 5 and a halt after it. */
#define SPENDER                                                                                                        \
  "load_imm t0, 7\nfallthrough\nloop:\n  add_imm_64 t0, t0, -1\n  branch_ne_imm t0, 0, loop\n" YIELD1                  \
  "load_imm t0, 1\nload_imm t0, 2\nload_imm a0, 100\necalli 0\n"

static void pause_it(void) {
  javm_cap *child = instance_of(SPENDER, SLOTS({1, marker}));
  guest_invoke(&g, instance_of(CATCH CALL3 "ecalli 0\n", SLOTS({3, child}, {8, catcher})), 0, NO_ARGS, GAS);
  assert_paused(&g, JAVM_PAUSE_YIELD);
}

/* ---- errors ---- */

static javm_hash state_of_the_stack(void) {
  javm_hash root;
  assert_int_equal(javm_vm_root(g.vm, JAVM_ROOT_WHOLE, &root, &g.error), JAVM_OK);
  return root;
}

static javm_status try_invoke(javm_cap *instance, uint8_t endpoint) {
  return guest_try(&g, instance, endpoint, NO_ARGS, GAS);
}

/* The verb gave this error; the stack below is as it was. */
static void assert_left(javm_status status, javm_status expected, const javm_hash *before) {
  assert_int_equal(status, expected);
  assert_true(g.error.text[0] != '\0');
  assert_depth(&g, 3);
  javm_hash now = state_of_the_stack();
  assert_same_hash(now, *before);
}

static void invoke_that_cannot_do_its_work_leaves_the_stack_as_it_was(void **state) {
  (void)state;
  pause_it();
  javm_hash before = state_of_the_stack(), hash = {{1}};
  assert_left(javm_vm_invoke(g.vm, &hash, 0, NO_ARGS, GAS, guest_fresh(&g), &g.error), JAVM_INSTANCE_NOT_FOUND,
              &before);
  javm_cap *good = instance_of("ecalli 37\necalli 0\n", NO_SLOTS);
  assert_left(try_invoke(good, 7), JAVM_ENDPOINT_OUT_OF_RANGE, &before);
  /* an Image, a CNode, a page that are not here, each by its hash */
  javm_instance_spec spec = guest_view(&g, good);
  hash.bytes[0] = 2;
  spec.image = guest_by_hash(&g, &hash);
  assert_left(try_invoke(guest_make(&g, &spec), 0), JAVM_IMAGE_NOT_FOUND, &before);
  guest_try(&g, guest_make(&g, &spec), 0, NO_ARGS, GAS);
  assert_same_hash(g.error.hash, hash);
  spec = guest_view(&g, good);
  hash.bytes[0] = 3;
  spec.root_cnode = guest_by_hash(&g, &hash);
  assert_left(try_invoke(guest_make(&g, &spec), 0), JAVM_VALUE_NOT_FOUND, &before);
  guest_try(&g, guest_make(&g, &spec), 0, NO_ARGS, GAS);
  assert_same_hash(g.error.hash, hash);
  /* in the middle of its run, in a child */
  javm_cap *child = instance_of("load_imm a0, 2\necalli 37\necalli 0\n", SLOTS({2, guest_by_hash(&g, &hash)}));
  assert_left(try_invoke(instance_of(CALL3 "ecalli 0\n", SLOTS({3, child})), 0), JAVM_VALUE_NOT_FOUND, &before);
  /* an endpoint in the middle of an instruction */
  javm_cap *image = guest_image(&g, ".unchecked\n.endpoint 0 1\nload_imm a0, 300\necalli 0\n");
  spec = guest_view(&g, good);
  spec.image = image;
  assert_left(try_invoke(guest_make(&g, &spec), 0), JAVM_INVALID_IMAGE, &before);
  g.config.max_depth = 3;
  guest_vm(&g);
  pause_it();
  before = state_of_the_stack();
  assert_left(try_invoke(good, 0), JAVM_CALL_STACK_FULL, &before);
}

static void verb_for_another_pause_leaves_the_stack_as_it_was(void **state) {
  (void)state;
  pause_it();
  javm_hash before = state_of_the_stack();
  assert_left(javm_vm_complete_host_call(g.vm, NULL, 0, guest_fresh(&g), &g.error), JAVM_NOT_PAUSED, &before);
  assert_left(javm_vm_restore(g.vm, &before, guest_fresh(&g), &g.error), JAVM_INVALID_ARGUMENT, &before);
  guest_resume(&g, NULL);
  assert_halted(&g, 100);
}

/* ---- gas ---- */

static void gas_used_adds_up_over_pauses(void **state) {
  (void)state;
  pause_it();
  uint64_t gas = g.result.gas_used;
  assert_int_equal(gas, 3 + 2 + 2 * 7 + 2);
  guest_resume(&g, NULL);
  assert_halted(&g, 100);
  assert_int_equal(g.result.gas_used, 4 + 1); /* of this verb alone */
  assert_int_equal(guest_view(&g, guest_post(&g)).gas_remaining, GAS - gas - 5);
}

static void gas_of_a_dropped_yielder_is_spent(void **state) {
  (void)state;
  pause_it();
  uint64_t gas = g.result.gas_used;
  guest_drop(&g);
  assert_int_equal(g.result.kind, JAVM_RESULT_HALT);
  assert_int_equal(guest_view(&g, guest_post(&g)).gas_remaining, GAS - gas - 1);
}

static void gas_that_is_added_goes_to_the_meter_of_the_entry_that_would_run(void **state) {
  (void)state;
  javm_cap *child = instance_of(".gas_slot 6\n" SPENDER, SLOTS({1, marker}, {6, guest_kernel(&g, JAVM_KERNEL_GAS, 9)}));
  guest_set_meter(&g, 9, 18);
  guest_invoke(&g, instance_of(CATCH CALL3 "ecalli 0\n", SLOTS({3, child}, {8, catcher})), 0, NO_ARGS, 10);
  assert_paused(&g, JAVM_PAUSE_YIELD);
  assert_int_equal(guest_meter(&g, 9), 0);
  assert_int_equal(javm_vm_add_gas(g.vm, 50), JAVM_OK);
  assert_int_equal(guest_meter(&g, 9), 50);
  guest_resume(&g, NULL);
  assert_halted(&g, 100);
  assert_int_equal(guest_meter(&g, 9), 46);
  assert_int_equal(guest_view(&g, guest_post(&g)).gas_remaining, 10 - 4);
}

static void call_to_a_kernel_instance_costs_the_ecall_alone(void **state) {
  (void)state;
  javm_cap *a = instance_of(CALL3 "ecalli 0\n", SLOTS({3, guest_kernel(&g, JAVM_KERNEL_MINT_GAS, 0)}));
  guest_invoke(&g, a, 0, NO_ARGS, GAS);
  assert_halted(&g, 0);
  assert_int_equal(g.result.gas_used, 4);
  assert_int_equal(javm_vm_program_count(g.vm), 1); /* no bytecode was loaded for it */
}

/* ---- catchers ---- */

static void run_with_marker_slot(javm_cap *cap) {
  javm_cap *child = instance_of(YIELD1 "ecalli 0\n", SLOTS({1, marker}));
  javm_cap *root = guest_cnode_of(&g, 8, SLOTS({3, child}));
  if (cap) root = guest_set(&g, root, 8, cap);
  javm_instance_spec spec = guest_view(&g, instance_of(CATCH CALL3 "ecalli 0\n", NO_SLOTS));
  spec.root_cnode = root;
  guest_invoke(&g, guest_make(&g, &spec), 0, NO_ARGS, GAS);
}

/* The list is kept under the hash of whatever cap is in the slot. */
static void catches_by_the_cap_in_the_yield_marker_slot(void **state) {
  (void)state;
  run_with_marker_slot(catcher);
  assert_paused(&g, JAVM_PAUSE_YIELD);
  guest_vm(&g);
  javm_cap *plain = guest_data(&g, "plain");
  javm_cap *others[] = {NULL, plain, guest_kernel(&g, JAVM_KERNEL_YIELDCATCHER, 2)};
  for (int i = 0; i < 3; i++) {
    run_with_marker_slot(others[i]);
    assert_halted(&g, 1); /* the child has trapped */
  }
  javm_hash key = guest_hash(&g, marker);
  guest_catches(&g, plain, &key);
  run_with_marker_slot(plain);
  assert_paused(&g, JAVM_PAUSE_YIELD);
  guest_vm(&g);
  javm_hash absent = guest_hash(&g, catcher);
  run_with_marker_slot(guest_by_hash(&g, &absent)); /* known by its hash alone */
  assert_paused(&g, JAVM_PAUSE_YIELD);
}

/* Entering copies no page: a write is the entry's, the value from before and other copies have the old one. */
static void page_is_copied_on_the_first_write(void **state) {
  (void)state;
  javm_cap *data = guest_pages(&g, 2, 7);
  javm_hash hash = guest_hash(&g, data);
  javm_cap *a = instance_of(".mapping persistent 0x10000 8192 slot 2\nstore_imm_u64 [0x11000], 1\n"
                            "load_u64 a0, [0x10000]\necalli 0\n",
                            SLOTS({2, data}));
  for (int i = 0; i < 2; i++) {
    guest_invoke(&g, a, 0, NO_ARGS, GAS);
    assert_halted(&g, 0x0707070707070707);
    assert_int_equal(g.result.dirty_page_count, 1);
    assert_int_equal(g.result.dirty_pages[0], 0x11000);
    javm_cap *post = guest_post(&g);
    assert_int_equal(guest_word(&g, post, 0x11000), 1);
    assert_int_equal(guest_word(&g, post, 0x11008), 0x0808080808080808);
    assert_same_hash(guest_hash(&g, guest_slot(&g, post, 2)), hash); /* the slot's Data is what it was */
  }
}

/* ---- what differs from the seed document (4-vm.md 4.6), where no other test has it in its name ---- */

static void stack_pointer_does_not_drift_from_call_to_call(void **state) {
  (void)state;
  javm_cap *a = instance_of(
      ".endpoint 0 main sp=0x2000\nmain:\n  add_imm_64 sp, sp, -16\n  move_reg a0, sp\n  ecalli 0\n", NO_SLOTS);
  for (int i = 0; i < 3; i++) {
    guest_invoke(&g, a, 0, NO_ARGS, GAS);
    assert_halted(&g, 0x2000 - 16);
    a = guest_post(&g);
  }
}

static void yielders_state_is_saved_in_its_own_entry(void **state) {
  (void)state;
  pause_it();
  javm_entry_view bottom, yielder;
  assert_int_equal(javm_vm_entry(g.vm, 0, &bottom), JAVM_OK);
  assert_int_equal(javm_vm_entry(g.vm, 1, &yielder), JAVM_OK);
  assert_int_equal(bottom.pc, 7); /* past its call */
  assert_int_equal(bottom.regs[7], 3);
  assert_int_equal(yielder.regs[7], 1);
  assert_int_equal(yielder.gas, GAS - g.result.gas_used);
  assert_other_hash(bottom.instance, yielder.instance);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup_yields, teardown)
  const struct CMUnitTest tests[] = {
      T(invoke_that_cannot_do_its_work_leaves_the_stack_as_it_was),
      T(verb_for_another_pause_leaves_the_stack_as_it_was),
      T(gas_used_adds_up_over_pauses),
      T(gas_of_a_dropped_yielder_is_spent),
      T(gas_that_is_added_goes_to_the_meter_of_the_entry_that_would_run),
      T(call_to_a_kernel_instance_costs_the_ecall_alone),
      T(catches_by_the_cap_in_the_yield_marker_slot),
      T(page_is_copied_on_the_first_write),
      T(stack_pointer_does_not_drift_from_call_to_call),
      T(yielders_state_is_saved_in_its_own_entry),
  };
  return cmocka_run_group_tests_name("verbs", tests, NULL, NULL);
}
