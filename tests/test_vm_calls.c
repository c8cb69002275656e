/*
 * Calls between Instances: the call stack (4-vm.md 4.1), what a child's Halt or fault does to its caller (4.4),
 * operation 26.
 */
#include "support/guest.h"

static guest g;

static int setup(void **state) {
  (void)state;
  guest_open(&g);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  guest_close(&g);
  return 0;
}

/* Calls the Instance in slot a0 at endpoint a1 with a2 and a3; replies with value + status * 2^32. */
#define CALL "ecalli 26\nshlo_l_imm_64 a1, a1, 32\nadd_64 a0, a0, a1\necalli 0\n"
#define RESULT(value, status) ((uint64_t)(value) + ((uint64_t)(status) << 32))

static javm_cap *instance_of(const char *text, const javm_slot_cap *slots) {
  return guest_instance(&g, guest_image(&g, text), slots);
}

static void call(javm_cap *child, uint64_t argument) {
  guest_invoke(&g, instance_of(CALL, SLOTS({3, child})), 0, ARGS(3, 0, argument), GAS);
}

/* ---- a child's Halt ---- */

static void arguments_go_from_a2_on_to_the_callees_a0_on(void **state) {
  (void)state;
  javm_cap *child = instance_of("shlo_l_imm_64 a1, a1, 8\nshlo_l_imm_64 a2, a2, 16\nshlo_l_imm_64 a3, a3, 24\n"
                                "add_64 a0, a0, a1\nadd_64 a0, a0, a2\nadd_64 a0, a0, a3\necalli 0\n",
                                NO_SLOTS);
  guest_invoke(&g, instance_of("load_imm a4, 3\nload_imm a5, 4\n" CALL, SLOTS({3, child})), 0, ARGS(3, 0, 1, 2), GAS);
  assert_halted(&g, 0x04030201);
}

static void callees_a0_becomes_the_callers_with_status_ok(void **state) {
  (void)state;
  guest_invoke(&g, instance_of("ecalli 26\necalli 0\n", SLOTS({3, instance_of("ecalli 0\n", NO_SLOTS)})), 0,
               ARGS(3, 0, 99), GAS);
  assert_halted(&g, 99);
  javm_instance_spec after = guest_view(&g, guest_post(&g));
  assert_int_equal(after.regs[8], 0);
  assert_int_equal(after.regs[9], 99); /* the caller's other registers are its own */
}

static void callee_runs_at_the_endpoint(void **state) {
  (void)state;
  javm_cap *child =
      instance_of(".endpoint 0 a\n.endpoint 255 b\na:\n  trap\nb:\n  load_imm a0, 17\n  ecalli 0\n", NO_SLOTS);
  guest_invoke(&g, instance_of(CALL, SLOTS({3, child})), 0, ARGS(3, 255), GAS);
  assert_halted(&g, 17);
}

#define COUNTER                                                                                                        \
  ".mapping persistent 0x10000 4096 slot 1\nload_u64 a1, [0x10000]\nadd_64 a1, a1, a0\n"                               \
  "store_u64 a1, [0x10000]\nmove_reg a0, a1\necalli 0\n"

static void new_value_replaces_the_callee_in_the_callers_slot(void **state) {
  (void)state;
  javm_cap *child = instance_of(COUNTER, NO_SLOTS);
  call(child, 5);
  assert_halted(&g, 5);
  javm_cap *called = guest_slot(&g, guest_post(&g), 3);
  assert_int_equal(guest_word(&g, called, 0x10000), 5);
  guest_invoke(&g, child, 0, ARGS(5), GAS); /* what a call at the top makes of it, but for the gas */
  javm_instance_spec top = guest_view(&g, guest_post(&g));
  top.gas_remaining = guest_view(&g, called).gas_remaining;
  assert_same_hash(guest_hash(&g, called), guest_hash(&g, guest_make(&g, &top)));
}

static void new_value_is_there_for_the_next_call(void **state) {
  (void)state;
  javm_cap *caller =
      instance_of("ecalli 26\nload_imm a0, 3\nload_imm a1, 0\necalli 26\nload_imm a0, 3\nload_imm a1, 0\n" CALL,
                  SLOTS({3, instance_of(COUNTER, NO_SLOTS)}));
  guest_invoke(&g, caller, 0, ARGS(3, 0, 7), GAS);
  assert_halted(&g, 21);
  assert_int_equal(guest_word(&g, guest_slot(&g, guest_post(&g), 3), 0x10000), 21);
  guest_invoke(&g, guest_post(&g), 0, ARGS(3, 0, 7), GAS);
  assert_halted(&g, 42);
}

static void callee_behind_a_path_is_replaced_there(void **state) {
  (void)state;
  javm_cap *inner = guest_cnode_of(&g, 2, SLOTS({1, instance_of(COUNTER, NO_SLOTS)}));
  javm_cap *outer = guest_cnode_of(&g, 9, SLOTS({300, inner}, {301, inner}));
  guest_invoke(&g, instance_of(CALL, SLOTS({3, outer})), 0, ARGS(PATH2(3, 300, 1), 0, 8), GAS);
  assert_halted(&g, 8);
  outer = guest_slot(&g, guest_post(&g), 3);
  assert_int_equal(guest_word(&g, guest_cnode_slot(&g, guest_cnode_slot(&g, outer, 300), 1), 0x10000), 8);
  assert_same_cap(&g, guest_cnode_slot(&g, outer, 301), inner); /* the other copy is what it was */
}

static void copies_of_an_instance_diverge(void **state) {
  (void)state;
  javm_cap *counter = instance_of(COUNTER, NO_SLOTS);
  guest_invoke(&g, instance_of(CALL, SLOTS({3, counter}, {4, counter})), 0, ARGS(3, 0, 8), GAS);
  assert_halted(&g, 8);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 4), counter);
  assert_int_equal(guest_word(&g, guest_slot(&g, guest_post(&g), 3), 0x10000), 8);
}

static void caller_keeps_its_registers_and_memory(void **state) {
  (void)state;
  javm_cap *child = instance_of(".mapping ephemeral 0x10000 4096\nload_imm s0, 1\nload_imm s1, 1\nload_imm ra, 1\n"
                                "store_u64 s0, [0x10000]\necalli 0\n",
                                NO_SLOTS);
  javm_cap *caller = instance_of(".mapping ephemeral 0x10000 4096\nload_imm s0, 50\nload_imm s1, 60\nload_imm ra, 70\n"
                                 "store_u64 s0, [0x10000]\necalli 26\nload_u64 a0, [0x10000]\nadd_64 a0, a0, s0\n"
                                 "add_64 a0, a0, s1\nadd_64 a0, a0, ra\necalli 0\n",
                                 SLOTS({3, child}));
  guest_invoke(&g, caller, 0, ARGS(3), GAS);
  assert_halted(&g, 230);
}

/* ---- slot 0 ---- */

static void slot_0_moves_to_the_callee_and_back(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x"), *y = guest_data(&g, "y");
  /* The callee keeps what it was given in slot 1 and answers with what it had in slot 2. */
  javm_cap *child = instance_of("load_imm a0, 0\nload_imm a1, 1\necalli 2\nload_imm a0, 2\nload_imm a1, 0\necalli 2\n"
                                "ecalli 0\n",
                                SLOTS({2, y}));
  /* The caller looks at its slot 0 after the call. */
  guest_invoke(
      &g, instance_of("ecalli 26\nload_imm a0, 0\nload_imm a1, 9\necalli 1\necalli 0\n", SLOTS({0, x}, {3, child})), 0,
      ARGS(3), GAS);
  assert_halted(&g, 0);
  assert_same_cap(&g, g.result.slot0, y);
  javm_cap *after = guest_post(&g);
  assert_same_cap(&g, guest_slot(&g, after, 9), y);
  javm_cap *called = guest_slot(&g, after, 3);
  assert_same_cap(&g, guest_slot(&g, called, 1), x);
  assert_null(guest_slot(&g, called, 0)); /* taken out */
  assert_null(guest_slot(&g, called, 2));
}

static void empty_slot_0_of_the_callee_empties_the_callers(void **state) {
  (void)state;
  javm_cap *child = instance_of("load_imm a0, 0\necalli 3\necalli 0\n", NO_SLOTS);
  guest_invoke(&g, instance_of(CALL, SLOTS({0, guest_data(&g, "x")}, {3, child})), 0, ARGS(3), GAS);
  assert_halted(&g, 0);
  assert_null(g.result.slot0);
}

static void callees_own_slot_0_is_replaced_also_by_nothing(void **state) {
  (void)state;
  javm_instance_spec spec = guest_view(&g, instance_of("load_imm a0, 0\necalli 37\necalli 0\n", NO_SLOTS));
  spec.root_cnode = guest_cnode_of(&g, 8, SLOTS({0, guest_data(&g, "old")}));
  call(guest_make(&g, &spec), 0);
  assert_halted(&g, 0);
}

static void slot_0_stays_where_it_is_pinned_in_the_callee(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x");
  javm_cap *child = instance_of(".pinned 0 data \"pin\"\nload_imm a0, 0\necalli 37\necalli 0\n", NO_SLOTS);
  guest_invoke(&g, instance_of(CALL, SLOTS({0, x}, {3, child})), 0, ARGS(3), GAS);
  assert_halted(&g, 3);
  assert_same_cap(&g, g.result.slot0, x); /* the caller still has it */
  assert_same_cap(&g, guest_slot(&g, guest_slot(&g, guest_post(&g), 3), 0), guest_data(&g, "pin"));
}

static void slot_0_stays_where_it_is_pinned_in_the_caller(void **state) {
  (void)state;
  javm_cap *child =
      instance_of("load_imm a0, 0\necalli 37\nload_imm a1, 5\nload_imm s0, 0\nmove_reg s1, a0\nload_imm a0, 0\n"
                  "ecalli 5\nmove_reg a0, s1\necalli 0\n",
                  NO_SLOTS); /* mints a CNode into its slot 0 */
  guest_invoke(&g, instance_of(".pinned 0 data \"pin\"\n" CALL, SLOTS({3, child})), 0, ARGS(3), GAS);
  assert_halted(&g, 0);
  assert_null(g.result.slot0);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 0), guest_data(&g, "pin"));
}

static void fault_of_a_child_with_pinned_slot_0_leaves_the_callers(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x");
  guest_invoke(&g, instance_of(CALL, SLOTS({0, x}, {3, instance_of(".pinned 0 data \"pin\"\ntrap\n", NO_SLOTS)})), 0,
               ARGS(3), GAS);
  assert_halted(&g, RESULT(1, 2));
  assert_same_cap(&g, g.result.slot0, x);
}

static void callee_in_slot_0_moves_along_and_its_new_value_wins(void **state) {
  (void)state;
  javm_cap *child = instance_of(COUNTER, NO_SLOTS);
  guest_invoke(&g, instance_of(CALL, SLOTS({0, child})), 0, ARGS(0, 0, 4), GAS);
  assert_halted(&g, 4);
  assert_int_equal(guest_word(&g, g.result.slot0, 0x10000), 4);
}

/* ---- a child's fault ---- */

static void fault_codes(void **state) {
  (void)state;
  call(instance_of("trap\n", NO_SLOTS), 0);
  assert_halted(&g, RESULT(1, 2));
  call(instance_of("jump_ind ra, 1\n", NO_SLOTS), 0);
  assert_halted(&g, RESULT(2, 2));
  call(instance_of("load_u8 a0, [0x30000]\n", NO_SLOTS), 0);
  assert_halted(&g, RESULT(4, 2));
  call(instance_of("ecalli 63\n", NO_SLOTS), 0); /* refused: a Trap */
  assert_halted(&g, RESULT(1, 2));
  assert_int_equal(g.result.refusal, JAVM_REFUSAL_NONE);
}

static void out_of_gas_of_a_child_faults_it_then_the_caller_who_shares_the_counter(void **state) {
  (void)state;
  javm_cap *child = instance_of("loop:\n  jump loop\n", NO_SLOTS);
  guest_invoke(&g, instance_of(CALL, SLOTS({3, child})), 0, ARGS(3), 1000);
  assert_faulted(&g, JAVM_EXIT_OUT_OF_GAS);
  assert_int_equal(g.result.gas_used, 1000);
  assert_int_equal(g.result.pc, 2); /* of the caller, after its call */
  assert_depth(&g, 0);
}

static void nothing_that_a_faulted_child_did_remains_but_slot_0(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x");
  javm_cap *child =
      instance_of(".mapping persistent 0x10000 4096 slot 1\nstore_u64 a0, [0x10000]\nload_imm a0, 2\necalli 35\n"
                  "load_imm a0, 2\nload_imm a1, 0\necalli 2\ntrap\n",
                  SLOTS({2, x}));
  javm_cap *caller = instance_of(CALL, SLOTS({3, child}));
  guest_invoke(&g, caller, 0, ARGS(3, 0, 9), GAS);
  assert_halted(&g, RESULT(1, 2));
  assert_same_cap(&g, g.result.slot0, x);
  assert_int_equal(g.result.emit_count, 0);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 3), child);
}

static void what_a_faulted_child_called_is_undone_too(void **state) {
  (void)state;
  javm_cap *counter = instance_of(COUNTER, NO_SLOTS);
  javm_cap *middle = instance_of("ecalli 26\ntrap\n", SLOTS({3, counter}));
  guest_invoke(&g, instance_of("load_imm a4, 6\nload_imm a2, 3\nload_imm a3, 0\n" CALL, SLOTS({3, middle})), 0,
               ARGS(3, 0), GAS);
  assert_halted(&g, RESULT(1, 2));
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 3), middle);
}

static void gas_of_a_faulted_child_is_spent(void **state) {
  (void)state;
  call(instance_of("load_imm a0, 1\nload_imm a0, 1\nload_imm a0, 1\ntrap\n", NO_SLOTS), 0);
  assert_halted(&g, RESULT(1, 2));
  assert_int_equal(g.result.gas_used, 4 + 4);
  assert_int_equal(g.result.instructions, 8);
}

static void emits_of_children_come_in_order(void **state) {
  (void)state;
  javm_cap *a = guest_data(&g, "a"), *b = guest_data(&g, "b"), *c = guest_data(&g, "c");
  javm_cap *child = instance_of("load_imm a0, 1\necalli 35\necalli 0\n", SLOTS({1, b}));
  guest_invoke(
      &g,
      instance_of("load_imm a0, 1\necalli 35\nload_imm a0, 3\nload_imm a1, 0\necalli 26\nload_imm a0, 2\necalli 35\n"
                  "ecalli 0\n",
                  SLOTS({1, a}, {2, c}, {3, child})),
      0, NO_ARGS, GAS);
  assert_halted(&g, 2);
  assert_int_equal(g.result.emit_count, 3);
  assert_same_cap(&g, g.result.emits[0], a);
  assert_same_cap(&g, g.result.emits[1], b);
  assert_same_cap(&g, g.result.emits[2], c);
}

/* ---- what a call is refused for ---- */

static void refused(javm_cap *what, uint64_t endpoint, javm_refusal why) {
  javm_cap *x = guest_data(&g, "x");
  guest_invoke(&g, instance_of(CALL, SLOTS({0, x}, {3, what})), 0, ARGS(3, endpoint), GAS);
  assert_refused(&g, why, 26);
  assert_same_cap(&g, g.result.slot0, x); /* it has not moved */
}

static void call_needs_an_instance_that_can_be_entered(void **state) {
  (void)state;
  javm_cap *child = instance_of("ecalli 0\n", NO_SLOTS);
  refused(guest_data(&g, "x"), 0, JAVM_REFUSAL_WRONG_KIND);
  refused(child, 1, JAVM_REFUSAL_ENDPOINT);
  refused(child, 256, JAVM_REFUSAL_ENDPOINT);
  refused(child, UINT64_C(1) << 32, JAVM_REFUSAL_ENDPOINT);
  javm_instance_spec spec = guest_view(&g, child);
  spec.paused.bytes[0] = 1;
  refused(guest_make(&g, &spec), 0, JAVM_REFUSAL_INVALID_INSTANCE);
  spec = guest_view(&g, child);
  spec.root_cnode = guest_cnode_of(&g, 10, NULL);
  refused(guest_make(&g, &spec), 0, JAVM_REFUSAL_INVALID_INSTANCE);
  spec = guest_view(&g, child);
  spec.image = guest_image(&g, ".unchecked\n.endpoint 0 1\necalli 5\necalli 0\n");
  refused(guest_make(&g, &spec), 0, JAVM_REFUSAL_INVALID_IMAGE);
  guest_invoke(&g, instance_of(CALL, NO_SLOTS), 0, ARGS(3), GAS);
  assert_refused(&g, JAVM_REFUSAL_EMPTY_SLOT, 26);
}

static void instance_without_image_or_root_cnode_is_refused(void **state) {
  (void)state;
  javm_instance_spec spec = guest_view(&g, instance_of("ecalli 0\n", NO_SLOTS));
  spec.root_cnode = NULL;
  refused(guest_make(&g, &spec), 0, JAVM_REFUSAL_INVALID_INSTANCE);
  spec = guest_view(&g, instance_of("ecalli 0\n", NO_SLOTS));
  spec.image = NULL; /* nothing is missing that could be published */
  refused(guest_make(&g, &spec), 0, JAVM_REFUSAL_INVALID_INSTANCE);
}

/* Calls a copy of the untouched Instance that it has in slot 0, with a0 less one, until that is 0. Replies with the
 * number of calls that came back Ok, plus 1000 if one faulted. */
#define DEEP                                                                                                           \
  "branch_eq_imm a0, 0, bottom\nadd_imm_64 a2, a0, -1\nfallthrough\n"                                                  \
  "load_imm a0, 0\nload_imm a1, 2\necalli 1\nload_imm a0, 2\nload_imm a1, 0\necalli 26\n"                              \
  "branch_ne_imm a1, 0, failed\nadd_imm_64 a0, a0, 1\necalli 0\n"                                                      \
  "bottom:\n  load_imm a0, 0\n  ecalli 0\n"                                                                            \
  "failed:\n  add_imm_64 a0, a0, 1000\n  ecalli 0\n"

static void descend(uint64_t levels) {
  javm_cap *image = guest_image(&g, DEEP);
  javm_cap *seed = guest_instance(&g, image, NO_SLOTS);
  guest_invoke(&g, guest_instance(&g, image, SLOTS({0, seed})), 0, ARGS(levels), GAS);
}

static void depth_is_bounded_by_256_entries(void **state) {
  (void)state;
  descend(255); /* with the bottom, 256 entries */
  assert_halted(&g, 255);
  descend(256);
  assert_halted(&g, 1001 + 254); /* the 257th was refused: its caller trapped, which the next saw */
  assert_depth(&g, 0);
}

static void depth_is_as_configured(void **state) {
  (void)state;
  g.config.max_depth = 3;
  guest_vm(&g);
  descend(2);
  assert_halted(&g, 2);
  descend(3);
  assert_halted(&g, 1001 + 1);
  g.config.max_depth = 1;
  guest_vm(&g);
  descend(1);
  assert_refused(&g, JAVM_REFUSAL_STACK_FULL, 26);
}

/* ---- a missing value ---- */

static void callee_by_hash_is_an_error_until_published(void **state) {
  (void)state;
  javm_cap *child = instance_of("ecalli 0\n", NO_SLOTS);
  javm_hash hash = guest_hash(&g, child), image_hash = guest_hash(&g, guest_image(&g, "ecalli 0\n"));
  javm_instance_spec spec = guest_view(&g, child);
  spec.image = guest_by_hash(&g, &image_hash);
  javm_hash root_hash = guest_hash(&g, spec.root_cnode);
  spec.root_cnode = guest_by_hash(&g, &root_hash);
  javm_cap *caller = instance_of(CALL, SLOTS({3, guest_by_hash(&g, &hash)}));
  assert_int_equal(guest_try(&g, caller, 0, ARGS(3, 0, 7), GAS), JAVM_VALUE_NOT_FOUND);
  assert_same_hash(g.error.hash, hash);
  guest_put(&g, guest_make(&g, &spec));
  assert_int_equal(guest_try(&g, caller, 0, ARGS(3, 0, 7), GAS), JAVM_IMAGE_NOT_FOUND);
  assert_same_hash(g.error.hash, image_hash);
  guest_put(&g, guest_image(&g, "ecalli 0\n"));
  assert_int_equal(guest_try(&g, caller, 0, ARGS(3, 0, 7), GAS), JAVM_VALUE_NOT_FOUND);
  assert_same_hash(g.error.hash, root_hash);
  guest_put(&g, guest_cnode_of(&g, 8, NULL));
  assert_depth(&g, 0);
  guest_invoke(&g, caller, 0, ARGS(3, 0, 7), GAS);
  assert_halted(&g, 7);
}

/* ---- the verbs ---- */

static void invoke_of_an_unknown_instance(void **state) {
  (void)state;
  javm_hash hash = {{1, 2, 3}};
  assert_int_equal(javm_vm_invoke(g.vm, &hash, 0, NO_ARGS, GAS, guest_fresh(&g), &g.error), JAVM_INSTANCE_NOT_FOUND);
  assert_same_hash(g.error.hash, hash);
  hash = guest_put(&g, guest_data(&g, "x"));
  assert_int_equal(javm_vm_invoke(g.vm, &hash, 0, NO_ARGS, GAS, guest_fresh(&g), &g.error), JAVM_INSTANCE_NOT_FOUND);
  assert_depth(&g, 0);
}

static void other_verbs_need_something_paused(void **state) {
  (void)state;
  assert_int_equal(javm_vm_call_resume(g.vm, NULL, guest_fresh(&g), &g.error), JAVM_NOT_PAUSED);
  assert_int_equal(javm_vm_deliver_yield(g.vm, guest_fresh(&g), &g.error), JAVM_NOT_PAUSED);
  assert_int_equal(javm_vm_drop_paused(g.vm, guest_fresh(&g), &g.error), JAVM_NOT_PAUSED);
  assert_int_equal(javm_vm_complete_host_call(g.vm, NULL, 0, guest_fresh(&g), &g.error), JAVM_NOT_PAUSED);
  assert_int_equal(javm_vm_add_gas(g.vm, 5), JAVM_NOT_PAUSED);
  javm_entry_view view;
  assert_int_equal(javm_vm_entry(g.vm, 0, &view), JAVM_OUT_OF_RANGE);
}

static void programs_are_cached_by_image_hash(void **state) {
  (void)state;
  javm_cap *a = instance_of("ecalli 0\n", NO_SLOTS), *b = instance_of("load_imm a0, 1\necalli 0\n", NO_SLOTS);
  g.config.max_cached_programs = 2;
  guest_vm(&g);
  guest_invoke(&g, a, 0, NO_ARGS, GAS);
  guest_invoke(&g, instance_of("ecalli 0\n", SLOTS({1, a})), 0, NO_ARGS, GAS);
  assert_int_equal(javm_vm_program_count(g.vm), 1);
  guest_invoke(&g, b, 0, NO_ARGS, GAS);
  assert_int_equal(javm_vm_program_count(g.vm), 2);
  guest_invoke(&g, instance_of("load_imm a0, 2\necalli 0\n", NO_SLOTS), 0, NO_ARGS, GAS);
  assert_halted(&g, 2);
  assert_int_equal(javm_vm_program_count(g.vm), 2); /* the least recently used went */
}

static void programs_that_run_stay_though_the_cache_is_full(void **state) {
  (void)state;
  g.config.max_cached_programs = 1;
  guest_vm(&g);
  javm_cap *inner = instance_of("load_imm a0, 5\necalli 0\n", NO_SLOTS);
  javm_cap *middle =
      instance_of("load_imm a0, 3\nload_imm a1, 0\necalli 26\nadd_imm_64 a0, a0, 1\necalli 0\n", SLOTS({3, inner}));
  call(middle, 0);
  assert_halted(&g, 6);
  assert_int_equal(javm_vm_program_count(g.vm), 1);
}

static void configuration_is_checked(void **state) {
  (void)state;
  javm_vm *vm;
  javm_vm_config bad = g.config;
  bad.max_depth = 0;
  assert_int_equal(javm_vm_new(g.dir, &bad, &vm, &g.error), JAVM_INVALID_ARGUMENT);
  bad = g.config;
  bad.size_bytes--;
  assert_int_equal(javm_vm_new(g.dir, &bad, &vm, &g.error), JAVM_INVALID_ARGUMENT);
  bad = g.config;
  bad.gas_model = (javm_gas_model)9;
  assert_int_equal(javm_vm_new(g.dir, &bad, &vm, &g.error), JAVM_INVALID_ARGUMENT);
  assert_int_equal(javm_vm_new(g.dir, NULL, &vm, &g.error), JAVM_OK);
  javm_vm_free(vm);
}

static void out_of_gas_budget_zero_runs_nothing(void **state) {
  (void)state;
  guest_invoke(&g, instance_of("ecalli 0\n", NO_SLOTS), 0, NO_ARGS, 0);
  assert_faulted(&g, JAVM_EXIT_OUT_OF_GAS);
  assert_int_equal(g.result.gas_used, 0);
  assert_int_equal(g.result.instructions, 0);
  assert_int_equal(g.result.pc, 0);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(arguments_go_from_a2_on_to_the_callees_a0_on),
      T(callees_a0_becomes_the_callers_with_status_ok),
      T(callee_runs_at_the_endpoint),
      T(new_value_replaces_the_callee_in_the_callers_slot),
      T(new_value_is_there_for_the_next_call),
      T(callee_behind_a_path_is_replaced_there),
      T(copies_of_an_instance_diverge),
      T(caller_keeps_its_registers_and_memory),
      T(slot_0_moves_to_the_callee_and_back),
      T(empty_slot_0_of_the_callee_empties_the_callers),
      T(callees_own_slot_0_is_replaced_also_by_nothing),
      T(slot_0_stays_where_it_is_pinned_in_the_callee),
      T(slot_0_stays_where_it_is_pinned_in_the_caller),
      T(fault_of_a_child_with_pinned_slot_0_leaves_the_callers),
      T(callee_in_slot_0_moves_along_and_its_new_value_wins),
      T(fault_codes),
      T(out_of_gas_of_a_child_faults_it_then_the_caller_who_shares_the_counter),
      T(nothing_that_a_faulted_child_did_remains_but_slot_0),
      T(what_a_faulted_child_called_is_undone_too),
      T(gas_of_a_faulted_child_is_spent),
      T(emits_of_children_come_in_order),
      T(call_needs_an_instance_that_can_be_entered),
      T(instance_without_image_or_root_cnode_is_refused),
      T(depth_is_bounded_by_256_entries),
      T(depth_is_as_configured),
      T(callee_by_hash_is_an_error_until_published),
      T(invoke_of_an_unknown_instance),
      T(other_verbs_need_something_paused),
      T(programs_are_cached_by_image_hash),
      T(programs_that_run_stay_though_the_cache_is_full),
      T(configuration_is_checked),
      T(out_of_gas_budget_zero_runs_nothing),
  };
  return cmocka_run_group_tests_name("calls", tests, NULL, NULL);
}
