/* Once wrong, and found by the model (tests/model): what a VM that was suspended, or work that was kept, forgot. And
 * what an engine in lockstep had not seen. */
#include "support/guest.h"

static guest g;
#define PAGE ((uint64_t)JAVM_PAGE_BYTES)
#define CATCH ".yield_marker_slot 8\n"
#define CALL3 "load_imm a0, 3\nload_imm a1, 0\necalli 26\n"

static int setup(void **state) {
  (void)state;
  guest_open(&g);
  g.config.host_catches_out_of_gas = true;
  guest_vm(&g);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  guest_close(&g);
  return 0;
}

static javm_hash suspended(void) {
  javm_hash hash;
  assert_int_equal(javm_vm_suspend(g.vm, &hash, &g.error), JAVM_OK);
  return hash;
}

/* Goes on in another VM, with the same kernel assist. */
static void move(void) {
  javm_hash hash = suspended();
  javm_vm *first = g.vm;
  g.vm = NULL;
  guest_vm(&g);
  assert_int_equal(javm_vm_restore(g.vm, &hash, guest_fresh(&g), &g.error), JAVM_OK);
  javm_vm_free(first);
}

static javm_cap *quota(void) { return guest_kernel(&g, JAVM_KERNEL_QUOTA, 5); }

/* Writes a page, for which there is no quota, and replies 44; what stands behind the reply is a trap. */
#define WRITER                                                                                                         \
  ".quota_slot 6\n.mapping ephemeral 0x10000 4096\nstore_imm_u64 [0x10000], 1\nload_imm a0, 44\necalli 0\ntrap\n"

static void a_halt_that_waits_for_quota_is_one_after_a_restore(void **state) {
  (void)state;
  guest_invoke(&g, guest_instance(&g, guest_image(&g, WRITER), SLOTS({6, quota()})), 0, NO_ARGS, GAS);
  assert_paused(&g, JAVM_PAUSE_QUOTA);
  move();
  assert_paused(&g, JAVM_PAUSE_QUOTA);
  guest_set_quota(&g, 5, PAGE);
  guest_resume(&g, NULL);
  assert_halted(&g, 44);
  assert_int_equal(guest_quota(&g, 5), 0);
}

static void a_halt_that_waits_for_quota_can_be_kept_and_resumed(void **state) {
  (void)state;
  javm_hash key;
  javm_kernel_hash(JAVM_KERNEL_STORAGE_EXHAUSTED_MARKER, &key);
  javm_cap *child = guest_instance(&g, guest_image(&g, WRITER), SLOTS({6, quota()}));
  g.config.yield_mode = JAVM_YIELD_TO_CATCHER;
  guest_vm(&g);
  javm_cap *keeper = guest_image(&g, CATCH CALL3
                                 "load_imm a0, 9\necalli 29\nload_imm a0, 10\nload_imm a1, 0\n"
                                 "load_imm a2, 5\nload_imm a3, 4096\necalli 26\nload_imm a0, 9\necalli 30\necalli 0\n");
  javm_cap *root = guest_instance(
      &g, keeper,
      SLOTS({3, child}, {8, guest_catcher(&g, 1, &key)}, {10, guest_kernel(&g, JAVM_KERNEL_SET_STORAGE_QUOTA, 0)}));
  guest_invoke(&g, root, 0, NO_ARGS, GAS);
  assert_halted(&g, 44);
  assert_int_equal(guest_quota(&g, 5), 0);
}

static void out_of_gas_on_a_full_stack_can_be_restored(void **state) {
  (void)state;
  g.config.max_depth = 2;
  guest_vm(&g);
  javm_cap *child = guest_instance(&g, guest_image(&g, "load_imm a0, 3\necalli 0\n"), NO_SLOTS);
  guest_invoke(&g, guest_instance(&g, guest_image(&g, CALL3 "ecalli 0\n"), SLOTS({3, child})), 0, NO_ARGS, 4);
  assert_paused(&g, JAVM_PAUSE_OUT_OF_GAS);
  assert_depth(&g, 3);
  move();
  assert_int_equal(javm_vm_add_gas(g.vm, 10), JAVM_OK);
  guest_resume(&g, NULL);
  assert_halted(&g, 3);
}

static javm_host_action not_yet(void *ctx, javm_host_call *call) {
  (void)ctx;
  (void)call;
  return JAVM_HOST_PAUSE;
}

static void what_is_dropped_after_a_restore_says_its_operation(void **state) {
  (void)state;
  javm_cap *minter = guest_image(&g, "load_imm a0, 0\nload_imm a1, 1\nload_imm a2, 6\nload_imm a3, 7\necalli 23\n");
  guest_invoke(&g, guest_instance(&g, minter, SLOTS({6, quota()})), 0, NO_ARGS, GAS);
  assert_paused(&g, JAVM_PAUSE_QUOTA);
  move();
  guest_drop(&g);
  assert_refused(&g, JAVM_REFUSAL_QUOTA_EXHAUSTED, 23);
  assert_int_equal(javm_vm_register(g.vm, 70, "not yet", not_yet, NULL), JAVM_OK);
  guest_invoke(&g, guest_instance(&g, guest_operation(&g, 70), NO_SLOTS), 0, NO_ARGS, GAS);
  assert_paused(&g, JAVM_PAUSE_HOST_CALL);
  move();
  guest_drop(&g);
  assert_refused(&g, JAVM_REFUSAL_HOST, 70);
}

static void what_lower_drives_showed_is_suspended_too(void **state) {
  (void)state;
  javm_cap *marker = guest_data(&g, "marker");
  javm_hash key = guest_hash(&g, marker);
  javm_cap *child = guest_instance(&g, guest_image(&g, "load_imm a0, 1\necalli 16\necalli 0\n"), SLOTS({1, marker}));
  javm_cap *root =
      guest_instance(&g, guest_image(&g, CATCH CALL3 "ecalli 0\n"), SLOTS({3, child}, {8, guest_catcher(&g, 1, &key)}));
  guest_invoke(&g, root, 0, NO_ARGS, GAS);
  assert_paused(&g, JAVM_PAUSE_YIELD);
  javm_hash before = suspended();
  guest_invoke(&g, guest_instance(&g, guest_image(&g, "ecalli 0\n"), NO_SLOTS), 0, ARGS(6), 0);
  assert_paused(&g, JAVM_PAUSE_OUT_OF_GAS); /* on top of it */
  move();
  guest_drop(&g);
  assert_faulted(&g, JAVM_EXIT_OUT_OF_GAS);
  assert_same_hash(suspended(), before);
}

static void no_search_for_a_catcher_is_seen_in_a_root(void **state) {
  (void)state;
  javm_hash roots[2], keys[2] = {{{1}}, {{2}}};
  javm_cap *child = guest_instance(&g, guest_image(&g, "ecalli 0\n"), NO_SLOTS);
  javm_cap *catcher = guest_kernel(&g, JAVM_KERNEL_YIELDCATCHER, 1);
  javm_cap *root = guest_instance(&g, guest_image(&g, CATCH CALL3 "ecalli 0\n"), SLOTS({3, child}, {8, catcher}));
  for (int i = 0; i < 2; i++) { /* with one marker, and with another that is not asked for, either */
    guest_catches(&g, catcher, &keys[i]);
    guest_vm(&g);
    guest_invoke(&g, root, 0, NO_ARGS, 3);
    assert_paused(&g, JAVM_PAUSE_OUT_OF_GAS);
    roots[i] = suspended();
  }
  assert_same_hash(roots[0], roots[1]);
}

static void gas_spent_before_the_own_meter_is_set_counts(void **state) {
  (void)state;
  javm_position position;
  guest_set_meter(&g, 5, 1000);
  javm_cap *setter = guest_image(&g, ".gas_slot 6\nload_imm a0, 3\nload_imm a1, 0\nload_imm a2, 5\nload_imm a3, 500\n"
                                     "ecalli 26\necalli 0\n");
  javm_cap *root = guest_instance(
      &g, setter,
      SLOTS({3, guest_kernel(&g, JAVM_KERNEL_SET_GAS_METER, 0)}, {6, guest_kernel(&g, JAVM_KERNEL_GAS, 5)}));
  guest_invoke(&g, root, 0, NO_ARGS, 0);
  assert_halted(&g, 995);
  assert_int_equal(g.result.gas_used, 6);
  javm_vm_position(g.vm, &position);
  assert_int_equal(position.gas, 6);
}

/* Catches what its child yields, and yields itself before it lets that run on. */
#define MIDDLE CATCH CALL3 "load_imm a0, 2\necalli 16\necalli 27\necalli 0\n"

static javm_cap *keeper_of_middle(const char *text) {
  javm_cap *one = guest_data(&g, "one"), *two = guest_data(&g, "two");
  javm_hash keys[2] = {guest_hash(&g, one), guest_hash(&g, two)};
  javm_cap *child =
      guest_instance(&g, guest_image(&g, "load_imm a0, 1\necalli 16\nload_imm a0, 7\necalli 0\n"), SLOTS({1, one}));
  javm_cap *middle =
      guest_instance(&g, guest_image(&g, MIDDLE), SLOTS({2, two}, {3, child}, {8, guest_catcher(&g, 1, &keys[0])}));
  g.config.yield_mode = JAVM_YIELD_TO_CATCHER;
  guest_vm(&g);
  return guest_instance(&g, guest_image(&g, text), SLOTS({3, middle}, {8, guest_catcher(&g, 2, &keys[1])}));
}

static void a_catcher_that_yields_before_it_answers_can_be_kept_and_resumed(void **state) {
  (void)state;
  guest_invoke(&g, keeper_of_middle(CATCH CALL3 "load_imm a0, 9\necalli 29\nload_imm a0, 9\necalli 30\necalli 0\n"), 0,
               NO_ARGS, GAS);
  assert_halted(&g, 7);
}

static void a_catcher_that_yields_before_it_answers_can_be_kept_and_restored(void **state) {
  (void)state;
  guest_invoke(&g, keeper_of_middle(CATCH CALL3 "load_imm a0, 0\necalli 29\nload_imm a0, 5\necalli 0\n"), 0, NO_ARGS,
               GAS);
  assert_halted(&g, 5);
  javm_hash hash = guest_put(&g, g.result.slot0);
  assert_int_equal(javm_vm_restore(g.vm, &hash, guest_fresh(&g), &g.error), JAVM_OK);
  assert_paused(&g, JAVM_PAUSE_YIELD);
  assert_depth(&g, 4);
  assert_int_equal(javm_vm_add_gas(g.vm, GAS), JAVM_OK);
  guest_resume(&g, NULL);
  assert_halted(&g, 7);
}

static javm_host_action write_and_pause(void *ctx, javm_host_call *call) {
  (void)ctx;
  uint64_t word = 9;
  assert_int_equal(javm_host_write(call, 0x10000, &word, sizeof word), JAVM_OK);
  return JAVM_HOST_PAUSE;
}

static void what_a_pausing_host_function_wrote_reaches_all_engines_in_lockstep(void **state) {
  (void)state;
  g.config.engine = JAVM_ENGINE_BOTH;
  guest_vm(&g);
  assert_int_equal(javm_vm_register(g.vm, 70, "write", write_and_pause, NULL), JAVM_OK);
  javm_cap *image = guest_image(&g, ".mapping persistent 0x10000 4096 slot 2\nload_u64 a0, [0x10000]\necalli 70\n"
                                    "load_u64 a0, [0x10000]\nstore_u64 a0, [0x10008]\necalli 0\n");
  guest_invoke(&g, guest_instance(&g, image, NO_SLOTS), 0, NO_ARGS, GAS);
  assert_paused(&g, JAVM_PAUSE_HOST_CALL);
  suspended();
  guest_complete(&g, NULL, 0);
  assert_halted(&g, 9);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
int main(void) {
  const struct CMUnitTest tests[] = {
      T(a_halt_that_waits_for_quota_is_one_after_a_restore),
      T(a_halt_that_waits_for_quota_can_be_kept_and_resumed),
      T(out_of_gas_on_a_full_stack_can_be_restored),
      T(what_is_dropped_after_a_restore_says_its_operation),
      T(what_lower_drives_showed_is_suspended_too),
      T(no_search_for_a_catcher_is_seen_in_a_root),
      T(gas_spent_before_the_own_meter_is_set_counts),
      T(what_a_pausing_host_function_wrote_reaches_all_engines_in_lockstep),
      T(a_catcher_that_yields_before_it_answers_can_be_kept_and_resumed),
      T(a_catcher_that_yields_before_it_answers_can_be_kept_and_restored),
  };
  return cmocka_run_group_tests_name("paused work", tests, NULL, NULL);
}
