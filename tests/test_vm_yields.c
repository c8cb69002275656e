/* Yields (4-vm.md 4.5), operations 16, 27 and 28, and the verbs call_resume, deliver_yield and drop_paused. */
#include "support/yields.h"

static void to_catcher(void) {
  g.config.yield_mode = JAVM_YIELD_TO_CATCHER;
  guest_vm(&g);
}

/* Runs a catcher of this code, the yielder in its slot 3. */
static void run_catcher(const char *text, javm_cap *child) {
  guest_invoke(&g, instance_of(text, SLOTS({3, child}, {8, catcher})), 0, NO_ARGS, GAS);
}

/* ---- routing ---- */

static void nobody_catches_the_yielder_is_refused(void **state) {
  (void)state;
  guest_invoke(&g, yielder(), 0, NO_ARGS, GAS);
  assert_refused(&g, JAVM_REFUSAL_UNHANDLED_MARKER, 16);
  run_catcher(CALL3 REPLY_BOTH, yielder()); /* an Image without a marker slot */
  assert_halted(&g, RESULT(1, 2));
  guest_invoke(&g, instance_of(CATCH CALL3 REPLY_BOTH, SLOTS({3, yielder()})), 0, NO_ARGS, GAS); /* nothing in it */
  assert_halted(&g, RESULT(1, 2));
  run_catcher(CATCH CALL3 REPLY_BOTH, instance_of(YIELDER, SLOTS({1, guest_data(&g, "another")})));
  assert_halted(&g, RESULT(1, 2));
  g.config.assist = NULL;
  guest_vm(&g);
  run_catcher(CATCH CALL3 REPLY_BOTH, yielder());
  assert_halted(&g, RESULT(1, 2));
}

static void yielder_does_not_catch_its_own(void **state) {
  (void)state;
  guest_invoke(&g, instance_of(CATCH YIELDER, SLOTS({1, marker}, {8, catcher})), 0, NO_ARGS, GAS);
  assert_refused(&g, JAVM_REFUSAL_UNHANDLED_MARKER, 16);
}

static void yield_of_an_empty_slot_is_refused(void **state) {
  (void)state;
  run_catcher(CATCH CALL3 REPLY_BOTH, instance_of(YIELDER, NO_SLOTS));
  assert_halted(&g, RESULT(1, 2));
  guest_invoke(&g, instance_of(YIELDER, NO_SLOTS), 0, NO_ARGS, GAS);
  assert_refused(&g, JAVM_REFUSAL_EMPTY_SLOT, 16);
}

static void first_entry_below_that_catches_is_the_target(void **state) {
  (void)state;
  javm_cap *middle = instance_of(CATCH CALL3 REPLY_BOTH, SLOTS({3, yielder()}, {8, catcher}));
  run_catcher(CATCH CALL3 REPLY_BOTH, middle);
  assert_paused(&g, JAVM_PAUSE_YIELD);
  assert_depth(&g, 4);
  javm_entry_view view;
  assert_int_equal(javm_vm_entry(g.vm, 3, &view), JAVM_OK);
  assert_int_equal(view.kind, JAVM_ENTRY_REFERENCE);
  assert_int_equal(view.target, 1);
}

static void entries_that_do_not_catch_are_passed_over(void **state) {
  (void)state;
  javm_cap *middle = instance_of(CALL3 REPLY_BOTH, SLOTS({3, yielder()}, {8, catcher}));
  run_catcher(CATCH CALL3 REPLY_BOTH, middle);
  assert_paused(&g, JAVM_PAUSE_YIELD);
  assert_depth(&g, 4);
  javm_entry_view view;
  assert_int_equal(javm_vm_entry(g.vm, 3, &view), JAVM_OK);
  assert_int_equal(view.target, 0);
  guest_resume(&g, NULL);
  assert_halted(&g, 100); /* both calls returned */
}

static void key_is_the_hash_of_the_marker_cap(void **state) {
  (void)state;
  javm_hash key = guest_hash(&g, marker);
  run_catcher(CATCH CALL3 REPLY_BOTH, instance_of(YIELDER, SLOTS({1, guest_by_hash(&g, &key)}))); /* a reference */
  assert_paused(&g, JAVM_PAUSE_YIELD);
  assert_same_cap(&g, g.result.payload, marker);
}

static void copies_of_a_catcher_are_one(void **state) {
  (void)state;
  javm_cap *copy = guest_kernel(&g, JAVM_KERNEL_YIELDCATCHER, 1);
  guest_invoke(&g, instance_of(CATCH CALL3 REPLY_BOTH, SLOTS({3, yielder()}, {8, copy})), 0, NO_ARGS, GAS);
  assert_paused(&g, JAVM_PAUSE_YIELD);
  javm_cap *other = guest_kernel(&g, JAVM_KERNEL_YIELDCATCHER, 2);
  guest_vm(&g);
  guest_invoke(&g, instance_of(CATCH CALL3 REPLY_BOTH, SLOTS({3, yielder()}, {8, other})), 0, NO_ARGS, GAS);
  assert_halted(&g, RESULT(1, 2));
}

/* ---- to the host ---- */

static void to_the_host_the_verb_returns_paused_with_the_marker(void **state) {
  (void)state;
  javm_cap *a = instance_of(CATCH CALL3 REPLY_BOTH, SLOTS({3, yielder()}, {8, catcher}));
  guest_invoke(&g, a, 0, NO_ARGS, GAS);
  assert_paused(&g, JAVM_PAUSE_YIELD);
  assert_same_cap(&g, g.result.payload, marker);
  assert_int_equal(g.result.gas_used, 5);
  assert_depth(&g, 3);
  javm_entry_view v[3];
  for (size_t i = 0; i < 3; i++) assert_int_equal(javm_vm_entry(g.vm, i, &v[i]), JAVM_OK);
  assert_true(v[0].kind == JAVM_ENTRY_INSTANCE && v[1].kind == JAVM_ENTRY_INSTANCE &&
              v[2].kind == JAVM_ENTRY_REFERENCE);
  assert_true(!v[0].running && !v[1].running && v[2].running); /* the top, no other */
  assert_int_equal(v[2].target, 0);
  assert_same_hash(v[0].image, guest_hash(&g, guest_view(&g, a).image));
  assert_same_hash(v[0].image_hash_chain, guest_view(&g, a).image_hash_chain);
  assert_int_equal(v[1].pc, 5); /* past the yield */
  assert_int_equal(v[1].gas, GAS - 5);
  assert_int_equal(v[1].regs[7], 1);
}

static void call_resume_puts_the_scratchpad_into_slot_0(void **state) {
  (void)state;
  run_catcher(CATCH CALL3 REPLY_BOTH, yielder());
  guest_resume(&g, guest_data(&g, "answer"));
  assert_halted(&g, 103);
  assert_same_cap(&g, g.result.slot0, guest_data(&g, "answer")); /* came up with the Halts */
  assert_int_equal(g.result.gas_used, 4 + 3);
  assert_depth(&g, 0);
}

static void call_resume_without_scratchpad_leaves_slot_0(void **state) {
  (void)state;
  run_catcher(CATCH CALL3 REPLY_BOTH, yielder());
  guest_resume(&g, NULL);
  assert_halted(&g, 100);
  javm_cap *x = guest_cnode_of(&g, 1, NULL);
  guest_invoke(&g, instance_of(CATCH CALL3 REPLY_BOTH, SLOTS({0, x}, {3, yielder()}, {8, catcher})), 0, NO_ARGS, GAS);
  guest_resume(&g, NULL); /* slot 0 went with the call, and stayed with the yielder */
  assert_halted(&g, 104);
}

static void call_resume_with_a_scratchpad_for_a_pinned_slot_is_an_error(void **state) {
  (void)state;
  run_catcher(CATCH CALL3 REPLY_BOTH, instance_of(".pinned 0 data \"pin\"\n" YIELDER, SLOTS({1, marker})));
  assert_int_equal(javm_vm_call_resume(g.vm, marker, guest_fresh(&g), &g.error), JAVM_INVALID_ARGUMENT);
  assert_depth(&g, 3);
  guest_resume(&g, NULL);
  assert_halted(&g, 103);
}

static void deliver_yield_lets_the_catcher_run_on(void **state) {
  (void)state;
  run_catcher(CATCH CALL3 REPLY_BOTH, yielder());
  guest_deliver(&g);
  assert_halted(&g, RESULT(0, 1)); /* it halted: the yielder is dropped */
  assert_depth(&g, 0);
}

static void drop_paused_returns_the_catchers_call_as_faulted(void **state) {
  (void)state;
  javm_cap *child = yielder();
  run_catcher(CATCH CALL3 REPLY_BOTH, child);
  guest_drop(&g);
  assert_halted(&g, RESULT(0, 2));
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 3), child);
  assert_depth(&g, 0);
}

static void drop_paused_abandons_all_above_the_catcher(void **state) {
  (void)state;
  javm_cap *middle = instance_of("load_imm a0, 1\necalli 35\n" CALL3 REPLY_BOTH, SLOTS({1, marker}, {3, yielder()}));
  run_catcher(CATCH "load_imm a0, 8\necalli 35\n" CALL3 REPLY_BOTH, middle);
  assert_depth(&g, 4);
  guest_drop(&g);
  assert_halted(&g, RESULT(0, 2));
  assert_int_equal(g.result.emit_count, 1); /* its own */
  assert_same_cap(&g, g.result.emits[0], catcher);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 3), middle);
}

static void yielder_can_yield_again_and_again(void **state) {
  (void)state;
  run_catcher(CATCH CALL3 REPLY_BOTH,
              instance_of("load_imm s0, 0\nfallthrough\nagain:\n  " YIELD1
                          "add_imm_64 s0, s0, 1\nbranch_ne_imm s0, 50, again\nmove_reg a0, s0\necalli 0\n",
                          SLOTS({1, marker})));
  for (int i = 0; i < 49; i++) {
    guest_resume(&g, NULL);
    assert_paused(&g, JAVM_PAUSE_YIELD);
    assert_depth(&g, 3);
  }
  guest_resume(&g, NULL);
  assert_halted(&g, 50);
}

static void paused_vm_is_freed_with_all_it_has(void **state) {
  (void)state;
  run_catcher(CATCH CALL3 REPLY_BOTH,
              instance_of(".mapping ephemeral 0x10000 4096\nstore_u64 a0, [0x10000]\n" YIELDER, SLOTS({1, marker})));
  guest_vm(&g);
  assert_depth(&g, 0);
}

/* ---- to the catcher ---- */

static void to_the_catcher_index_and_status_paused_arrive_at_once(void **state) {
  (void)state;
  to_catcher();
  run_catcher(CATCH CALL3 REPLY_BOTH, yielder());
  assert_halted(&g, RESULT(0, 1));
  javm_cap *third = guest_data(&g, "third");
  javm_hash a = guest_hash(&g, guest_data(&g, "second")), b = guest_hash(&g, third);
  guest_catches(&g, catcher, &a);
  guest_catches(&g, catcher, &b);
  run_catcher(CATCH CALL3 REPLY_BOTH, instance_of(YIELDER, SLOTS({1, third})));
  assert_halted(&g, RESULT(2, 1));
}

static void yielders_slot_0_moves_to_the_catcher_and_the_answer_back(void **state) {
  (void)state;
  to_catcher();
  javm_cap *question = guest_data(&g, "question"), *answer = guest_cnode_of(&g, 1, NULL);
  /* The yielder moves slot 2 to slot 0 and yields; the catcher keeps it in slot 4, puts slot 5 there, resumes. */
  javm_cap *child =
      instance_of("load_imm a0, 2\nload_imm a1, 0\necalli 2\n" YIELDER, SLOTS({1, marker}, {2, question}));
  guest_invoke(&g,
               instance_of(CATCH CALL3
                           "load_imm a0, 0\nload_imm a1, 4\necalli 2\nload_imm a0, 5\nload_imm a1, 0\necalli 2\n"
                           "ecalli 27\n" REPLY_BOTH,
                           SLOTS({3, child}, {5, answer}, {8, catcher})),
               0, NO_ARGS, GAS);
  assert_halted(&g, RESULT(104, 0));
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 4), question);
  assert_null(guest_slot(&g, guest_slot(&g, guest_post(&g), 3), 2)); /* the yielder's new value */
  assert_same_cap(&g, g.result.slot0, answer);
}

static void resume_yield_returns_as_the_call_would(void **state) {
  (void)state;
  to_catcher();
  javm_cap *child = instance_of(YIELD1 "trap\n", SLOTS({1, marker}));
  run_catcher(CATCH CALL3 "ecalli 27\n" REPLY_BOTH, child);
  assert_halted(&g, RESULT(1, 2));
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 3), child);
  run_catcher(CATCH CALL3 "ecalli 27\n" REPLY_BOTH, instance_of(YIELD1 YIELDER, SLOTS({1, marker})));
  assert_halted(&g, RESULT(0, 1)); /* it yielded a second time */
  run_catcher(CATCH CALL3 "ecalli 27\necalli 27\n" REPLY_BOTH, instance_of(YIELD1 YIELDER, SLOTS({1, marker})));
  assert_halted(&g, RESULT(100, 0));
}

static void resume_goes_to_the_yielder_however_deep(void **state) {
  (void)state;
  to_catcher();
  javm_cap *middle = instance_of(CALL3 "add_imm_64 a0, a0, 1000\necalli 0\n", SLOTS({3, yielder()}));
  run_catcher(CATCH CALL3 "ecalli 27\n" REPLY_BOTH, middle);
  assert_halted(&g, RESULT(1100, 0));
}

static void drop_yield_abandons_the_yielder(void **state) {
  (void)state;
  to_catcher();
  javm_cap *child = instance_of(
      ".mapping persistent 0x10000 4096 slot 2\nstore_u64 a0, [0x10000]\nload_imm a0, 1\necalli 35\n" YIELDER,
      SLOTS({1, marker}));
  run_catcher(CATCH CALL3 "ecalli 28\n" REPLY_BOTH, child);
  assert_halted(&g, RESULT(0, 1)); /* registers are what the yield made them */
  assert_int_equal(g.result.emit_count, 0);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 3), child);
  run_catcher(CATCH CALL3 "ecalli 28\n" CALL3 "ecalli 27\n" REPLY_BOTH, yielder()); /* it can call again */
  assert_halted(&g, RESULT(100, 0));
}

static void resume_and_drop_need_something_paused_above(void **state) {
  (void)state;
  to_catcher();
  for (unsigned operation = 27; operation <= 28; operation++) {
    guest_invoke(&g, guest_instance(&g, guest_operation(&g, operation), NO_SLOTS), 0, NO_ARGS, GAS);
    assert_refused(&g, JAVM_REFUSAL_NOTHING_PAUSED, operation);
  }
  run_catcher(CATCH CALL3 "ecalli 28\necalli 28\n", yielder());
  assert_refused(&g, JAVM_REFUSAL_NOTHING_PAUSED, 28);
  run_catcher(CATCH CALL3 "ecalli 27\necalli 27\n", yielder());
  assert_refused(&g, JAVM_REFUSAL_NOTHING_PAUSED, 27);
  assert_depth(&g, 0);
}

static void callee_of_a_catcher_has_nothing_paused_above(void **state) {
  (void)state;
  to_catcher();
  javm_cap *meddler = guest_instance(&g, guest_operation(&g, 28), NO_SLOTS);
  guest_invoke(&g,
               instance_of(CATCH CALL3 "load_imm a0, 4\nload_imm a1, 0\necalli 26\n" REPLY_BOTH,
                           SLOTS({3, yielder()}, {4, meddler}, {8, catcher})),
               0, NO_ARGS, GAS);
  assert_halted(&g, RESULT(1, 2)); /* it was refused */
}

static void catcher_that_faults_takes_the_yielder_with_it(void **state) {
  (void)state;
  to_catcher();
  run_catcher(CATCH CALL3 "trap\n", yielder());
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_depth(&g, 0);
  javm_cap *middle = instance_of(CATCH CALL3 "trap\n", SLOTS({3, yielder()}, {8, catcher}));
  run_catcher(CALL3 REPLY_BOTH, middle);
  assert_halted(&g, RESULT(1, 2));
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 3), middle);
}

static void catcher_that_halts_drops_the_yielder(void **state) {
  (void)state;
  to_catcher();
  javm_cap *child = yielder();
  javm_cap *middle = instance_of(CATCH CALL3 "load_imm a0, 7\necalli 0\n", SLOTS({3, child}, {8, catcher}));
  run_catcher(CALL3 REPLY_BOTH, middle);
  assert_halted(&g, RESULT(7, 0));
  assert_same_cap(&g, guest_slot(&g, guest_slot(&g, guest_post(&g), 3), 3), child);
}

static void value_is_dropped_if_its_path_is_gone(void **state) {
  (void)state;
  to_catcher();
  javm_cap *cnode = guest_cnode_of(&g, 1, SLOTS({1, yielder()}));
  /* Calls 3/1; when it has yielded, drops slot 3, then resumes. */
  javm_cap *a =
      instance_of(CATCH "ecalli 26\nload_imm a0, 3\necalli 3\necalli 27\n" REPLY_BOTH, SLOTS({3, cnode}, {8, catcher}));
  guest_invoke(&g, a, 0, ARGS(PATH1(3, 1)), GAS);
  assert_halted(&g, RESULT(100, 0));
  assert_null(guest_slot(&g, guest_post(&g), 3));
}

static void value_replaces_what_a_catcher_put_into_its_slot(void **state) {
  (void)state;
  to_catcher();
  javm_cap *a = instance_of(CATCH CALL3 "load_imm a0, 8\nload_imm a1, 3\necalli 1\necalli 27\n" REPLY_BOTH,
                            SLOTS({3, yielder()}, {8, catcher}));
  guest_invoke(&g, a, 0, NO_ARGS, GAS);
  assert_halted(&g, RESULT(100, 0));
  assert_same_hash(guest_view(&g, guest_slot(&g, guest_post(&g), 3)).image_hash_chain,
                   guest_view(&g, yielder()).image_hash_chain);
}

/* ---- catchers that go on calling ---- */

static void catcher_calls_while_a_yielder_is_paused(void **state) {
  (void)state;
  to_catcher();
  javm_cap *adder = instance_of("add_imm_64 a0, a0, 5\necalli 0\n", NO_SLOTS);
  guest_invoke(&g,
               instance_of(CATCH CALL3 "load_imm a0, 4\nload_imm a1, 0\nload_imm a2, 20\necalli 26\nmove_reg s0, a0\n"
                                       "ecalli 27\nadd_64 a0, a0, s0\n" REPLY_BOTH,
                           SLOTS({3, yielder()}, {4, adder}, {8, catcher})),
               0, NO_ARGS, GAS);
  assert_halted(&g, RESULT(125, 0));
}

static void yields_nest_and_the_last_one_is_resumed_first(void **state) {
  (void)state;
  to_catcher();
  javm_cap *b = instance_of(YIELD1 "load_imm a0, 1\necalli 0\n", SLOTS({1, marker}));
  javm_cap *c = instance_of(YIELD1 "load_imm a0, 2\necalli 0\n", SLOTS({1, marker}));
  /* Both paused; then the results, the last first: 2 * 10 + 1. */
  guest_invoke(&g,
               instance_of(CATCH CALL3 "load_imm a0, 4\nload_imm a1, 0\necalli 26\necalli 27\nmul_imm_64 s0, a0, 10\n"
                                       "ecalli 27\nadd_64 a0, a0, s0\n" REPLY_BOTH,
                           SLOTS({3, b}, {4, c}, {8, catcher})),
               0, NO_ARGS, GAS);
  assert_halted(&g, RESULT(21, 0));
  /* The last one dropped, the first resumed. */
  guest_invoke(&g,
               instance_of(CATCH CALL3 "load_imm a0, 4\nload_imm a1, 0\necalli 26\necalli 28\necalli 27\n" REPLY_BOTH,
                           SLOTS({3, b}, {4, c}, {8, catcher})),
               0, NO_ARGS, GAS);
  assert_halted(&g, RESULT(1, 0));
  javm_cap *after = guest_post(&g);
  assert_same_cap(&g, guest_slot(&g, after, 4), c);
  assert_true(memcmp(guest_hash(&g, guest_slot(&g, after, 3)).bytes, guest_hash(&g, b).bytes, 32) != 0);
}

static void host_drops_only_the_last_of_nested_yields(void **state) {
  (void)state;
  javm_cap *b = instance_of(YIELD1 "load_imm a0, 1\necalli 0\n", SLOTS({1, marker}));
  guest_invoke(&g,
               instance_of(CATCH CALL3 "load_imm a0, 4\nload_imm a1, 0\necalli 26\nmove_reg s0, a1\necalli 27\n"
                                       "mul_imm_64 s0, s0, 10\nadd_64 a0, a0, s0\n" REPLY_BOTH,
                           SLOTS({3, b}, {4, b}, {8, catcher})),
               0, NO_ARGS, GAS);
  assert_paused(&g, JAVM_PAUSE_YIELD);
  guest_deliver(&g);
  assert_paused(&g, JAVM_PAUSE_YIELD);
  assert_depth(&g, 5); /* A, b, Reference, b, Reference */
  guest_drop(&g);      /* the second call returns (0, 2); A goes on and resumes the first */
  assert_halted(&g, RESULT(21, 0));
}

static void catcher_that_yields_itself_is_caught_further_down(void **state) {
  (void)state;
  to_catcher();
  javm_cap *up = guest_data(&g, "up");
  javm_hash key = guest_hash(&g, up);
  javm_cap *outer_catcher = guest_catcher(&g, 2, &key);
  javm_cap *middle =
      instance_of(CATCH CALL3 "load_imm a0, 2\necalli 16\necalli 27\nadd_imm_64 a0, a0, 1000\necalli 0\n",
                  SLOTS({2, up}, {3, yielder()}, {8, catcher}));
  guest_invoke(&g, instance_of(CATCH CALL3 "ecalli 27\n" REPLY_BOTH, SLOTS({3, middle}, {8, outer_catcher})), 0,
               NO_ARGS, GAS);
  assert_halted(&g, RESULT(1100, 0));
  guest_invoke(&g, instance_of(CATCH CALL3 "ecalli 28\n" REPLY_BOTH, SLOTS({3, middle}, {8, outer_catcher})), 0,
               NO_ARGS, GAS);
  assert_halted(&g, RESULT(0, 1)); /* the yielder above went, too */
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 3), middle);
}

#define CALL4 "load_imm a0, 4\nload_imm a1, 0\necalli 26\n"

/* A catches what B yields, then calls C through the Reference; C yields what B's catcher lists, and nobody else's. B did
 * not call C: it is not asked. */
static void a_paused_yielder_between_is_not_asked_for_its_catcher(void **state) {
  (void)state;
  javm_cap *up = guest_data(&g, "up");
  javm_hash key = guest_hash(&g, up);
  javm_cap *up_catcher = guest_catcher(&g, 2, &key);
  javm_cap *b = instance_of(CATCH YIELD1 "load_imm a0, 55\necalli 0\n", SLOTS({1, marker}, {8, up_catcher}));
  javm_cap *c = instance_of(YIELDER, SLOTS({1, up}));
  /* C's call returns (1, 2), a trap; then B is resumed and returns (55, 0). */
  javm_cap *a = instance_of(CATCH CALL3 CALL4 "mul_imm_64 s0, a1, 10\nadd_64 s0, s0, a0\necalli 27\n"
                                              "mul_imm_64 s0, s0, 1000\nadd_64 a0, a0, s0\n" REPLY_BOTH,
                            SLOTS({3, b}, {4, c}, {8, catcher}));
  for (int mode = 0; mode < 2; mode++) {
    g.config.yield_mode = mode ? JAVM_YIELD_TO_CATCHER : JAVM_YIELD_TO_HOST;
    guest_vm(&g);
    guest_invoke(&g, a, 0, NO_ARGS, GAS);
    if (mode == 0) {
      assert_paused(&g, JAVM_PAUSE_YIELD);
      assert_same_cap(&g, g.result.payload, marker);
      guest_deliver(&g);
    }
    assert_halted(&g, RESULT(21055, 0));
    assert_same_cap(&g, guest_slot(&g, guest_post(&g), 4), c);
    assert_depth(&g, 0);
  }
}

/* The same stack, but A's own catcher lists what C yields: A called C, if through a Reference. */
static void a_caller_behind_a_reference_catches(void **state) {
  (void)state;
  javm_cap *up = guest_data(&g, "up");
  javm_hash key = guest_hash(&g, up);
  guest_catches(&g, catcher, &key);
  javm_cap *b = instance_of(CATCH YIELD1 "load_imm a0, 55\necalli 0\n", SLOTS({1, marker}, {8, catcher}));
  guest_invoke(&g,
               instance_of(CATCH CALL3 CALL4 "ecalli 27\nmove_reg s0, a0\necalli 27\nadd_64 a0, a0, s0\n" REPLY_BOTH,
                           SLOTS({3, b}, {4, instance_of(YIELDER, SLOTS({1, up}))}, {8, catcher})),
               0, NO_ARGS, GAS);
  guest_deliver(&g);
  assert_paused(&g, JAVM_PAUSE_YIELD);
  assert_same_cap(&g, g.result.payload, up);
  assert_depth(&g, 5); /* A, B, Reference, C, Reference */
  javm_entry_view view;
  assert_int_equal(javm_vm_entry(g.vm, 4, &view), JAVM_OK);
  assert_int_equal(view.kind, JAVM_ENTRY_REFERENCE);
  assert_int_equal(view.target, 0); /* not B, which lists it, too */
  guest_deliver(&g);
  assert_halted(&g, RESULT(155, 0));
}

/* ---- invoke while paused ---- */

static void invoke_while_paused_runs_on_top(void **state) {
  (void)state;
  run_catcher(CATCH CALL3 REPLY_BOTH, yielder());
  assert_depth(&g, 3);
  guest_invoke(&g, instance_of("ecalli 0\n", NO_SLOTS), 0, ARGS(9), GAS);
  assert_halted(&g, 9);
  assert_depth(&g, 3);
  guest_invoke(&g, instance_of("trap\n", NO_SLOTS), 0, ARGS(9), GAS);
  assert_faulted(&g, JAVM_EXIT_TRAP);
  javm_hash nothing = {{1}};
  assert_int_equal(javm_vm_invoke(g.vm, &nothing, 0, NO_ARGS, GAS, guest_fresh(&g), &g.error), JAVM_INSTANCE_NOT_FOUND);
  assert_depth(&g, 3);
  guest_resume(&g, guest_data(&g, "x"));
  assert_halted(&g, 103);
}

static void an_invoke_on_top_of_a_paused_stack_is_not_caught_by_it(void **state) {
  (void)state;
  javm_cap *x = instance_of(YIELDER, SLOTS({1, marker}));
  run_catcher(CATCH CALL3 REPLY_BOTH, yielder());
  javm_entry_view before[3], after[3];
  for (size_t i = 0; i < 3; i++) assert_int_equal(javm_vm_entry(g.vm, i, &before[i]), JAVM_OK);
  guest_invoke(&g, x, 0, NO_ARGS, GAS);
  assert_refused(&g, JAVM_REFUSAL_UNHANDLED_MARKER, 16);
  assert_depth(&g, 3);
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(javm_vm_entry(g.vm, i, &after[i]), JAVM_OK);
    assert_int_equal(after[i].kind, before[i].kind);
    assert_int_equal(after[i].target, before[i].target);
    assert_int_equal(after[i].pc, before[i].pc);
    assert_int_equal(after[i].gas, before[i].gas);
    assert_memory_equal(after[i].regs, before[i].regs, sizeof before[i].regs);
  }
  guest_resume(&g, guest_data(&g, "x"));
  assert_halted(&g, 103);
}

static void pauses_stack_up_and_end_in_order(void **state) {
  (void)state;
  run_catcher(CATCH CALL3 REPLY_BOTH, yielder());
  run_catcher(CATCH CALL3 REPLY_BOTH, yielder());
  assert_depth(&g, 6);
  guest_resume(&g, guest_data(&g, "x"));
  assert_halted(&g, 103);
  assert_depth(&g, 3);
  guest_resume(&g, NULL);
  assert_halted(&g, 100);
  assert_depth(&g, 0);
}

/* ---- bounds and failures ---- */

static void yield_on_a_full_stack_is_refused(void **state) {
  (void)state;
  g.config.max_depth = 2;
  guest_vm(&g);
  run_catcher(CATCH CALL3 REPLY_BOTH, yielder());
  assert_halted(&g, RESULT(1, 2));
  g.config.max_depth = 3;
  guest_vm(&g);
  run_catcher(CATCH CALL3 REPLY_BOTH, yielder());
  assert_paused(&g, JAVM_PAUSE_YIELD);
  assert_int_equal(guest_try(&g, yielder(), 0, NO_ARGS, GAS), JAVM_CALL_STACK_FULL);
  assert_depth(&g, 3);
}

static void call_resume_goes_on_after_an_error(void **state) {
  (void)state;
  javm_cap *cnode = guest_cnode_of(&g, 1, SLOTS({1, guest_data(&g, "x")}));
  javm_hash missing = guest_hash(&g, cnode);
  /* After the yield, looks at the kind of 2/1, which is absent at first. */
  javm_cap *child = instance_of("move_reg s0, a0\n" YIELD1 "move_reg a0, s0\necalli 37\necalli 0\n",
                                SLOTS({1, marker}, {2, guest_by_hash(&g, &missing)}));
  javm_cap *a = instance_of(CATCH "ecalli 26\n" REPLY_BOTH, SLOTS({3, child}, {8, catcher}));
  guest_invoke(&g, a, 0, ARGS(3, 0, PATH1(2, 1)), GAS);
  assert_paused(&g, JAVM_PAUSE_YIELD);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(javm_vm_call_resume(g.vm, NULL, guest_fresh(&g), &g.error), JAVM_VALUE_NOT_FOUND);
    assert_same_hash(g.error.hash, missing);
    assert_depth(&g, 3);
  }
  guest_put(&g, cnode);
  guest_resume(&g, NULL);
  assert_halted(&g, 3);
  assert_depth(&g, 0);
}

/* What was stopped has been resumed, with the scratchpad of then: another one at the retry is not taken. */
static void call_resume_after_an_error_takes_no_scratchpad(void **state) {
  (void)state;
  javm_hash page;
  javm_cap *pages = guest_pages(&g, 1, 7), *bare, *first = guest_data(&g, "first");
  uint8_t *bytes, content[JAVM_PAGE_BYTES];
  size_t size;
  assert_int_equal(javm_cap_encode(g.dir, pages, &bytes, &size, &g.error), JAVM_OK);
  assert_int_equal(javm_cap_decode(g.dir, bytes, size, &bare, &g.error), JAVM_OK); /* its page is not here */
  javm_free_bytes(javm_dir_allocator(g.dir), bytes, size);
  javm_cap *child = instance_of(".mapping persistent 0x10000 4096 slot 2\n" YIELD1 "load_u8 a0, [0x10000]\necalli 0\n",
                                SLOTS({1, marker}, {2, guest_own(&g, bare)}));
  run_catcher(CATCH CALL3 REPLY_BOTH, child);
  assert_paused(&g, JAVM_PAUSE_YIELD);
  javm_cap *scratchpads[] = {first, guest_data(&g, "second"), guest_cnode_of(&g, 1, NULL)};
  for (int i = 0; i < 3; i++) {
    assert_int_equal(javm_vm_call_resume(g.vm, scratchpads[i], guest_fresh(&g), &g.error), JAVM_VALUE_NOT_FOUND);
    assert_depth(&g, 3);
  }
  memset(content, 7, sizeof content);
  assert_int_equal(javm_dir_put_page(g.dir, content, &page), JAVM_OK);
  assert_same_hash(page, g.error.hash);
  guest_resume(&g, guest_data(&g, "third"));
  assert_halted(&g, 7);
  assert_same_cap(&g, g.result.slot0, first);
}

static void run_goes_the_same_way_with_an_error_in_it_and_without(void **state) {
  for (int model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_INSTRUCTION; model++) {
    teardown(state);
    setup_yields(state);
    g.config.gas_model = (javm_gas_model)model;
    guest_vm(&g);
    javm_cap *cnode = guest_cnode_of(&g, 1, SLOTS({1, guest_data(&g, "x")}));
    javm_hash missing = guest_hash(&g, cnode), first = {{0}};
    javm_cap *child = instance_of("move_reg s0, a0\n" YIELD1 "move_reg a0, s0\necalli 37\necalli 0\n",
                                  SLOTS({1, marker}, {2, guest_by_hash(&g, &missing)}));
    javm_cap *a = instance_of(CATCH "ecalli 26\n" REPLY_BOTH, SLOTS({3, child}, {8, catcher}));
    for (int run = 0; run < 2; run++) {
      guest_invoke(&g, a, 0, ARGS(3, 0, PATH1(2, 1)), GAS);
      if (run == 0) {
        assert_int_equal(javm_vm_call_resume(g.vm, NULL, guest_fresh(&g), &g.error), JAVM_VALUE_NOT_FOUND);
        guest_put(&g, cnode);
      }
      guest_resume(&g, NULL);
      assert_halted(&g, 3);
      if (run == 0) first = g.result.instance;
    }
    assert_same_hash(g.result.instance, first); /* its registers, memory and the gas that is left */
  }
}

static void drop_paused_after_an_error_faults_the_entry(void **state) {
  (void)state;
  javm_hash missing = guest_hash(&g, guest_cnode_of(&g, 1, NULL));
  javm_cap *child = instance_of("move_reg s0, a0\n" YIELD1 "move_reg a0, s0\necalli 37\necalli 0\n",
                                SLOTS({1, marker}, {2, guest_by_hash(&g, &missing)}));
  guest_invoke(&g, instance_of(CATCH "ecalli 26\n" REPLY_BOTH, SLOTS({3, child}, {8, catcher})), 0,
               ARGS(3, 0, PATH1(2, 1)), GAS);
  assert_int_equal(javm_vm_call_resume(g.vm, NULL, guest_fresh(&g), &g.error), JAVM_VALUE_NOT_FOUND);
  assert_int_equal(javm_vm_deliver_yield(g.vm, guest_fresh(&g), &g.error), JAVM_NOT_PAUSED); /* nobody has yielded */
  assert_depth(&g, 3);
  guest_drop(&g);
  assert_halted(&g, RESULT(1, 2));
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup_yields, teardown)
  const struct CMUnitTest tests[] = {
      T(nobody_catches_the_yielder_is_refused),
      T(yielder_does_not_catch_its_own),
      T(yield_of_an_empty_slot_is_refused),
      T(first_entry_below_that_catches_is_the_target),
      T(entries_that_do_not_catch_are_passed_over),
      T(key_is_the_hash_of_the_marker_cap),
      T(copies_of_a_catcher_are_one),
      T(to_the_host_the_verb_returns_paused_with_the_marker),
      T(call_resume_puts_the_scratchpad_into_slot_0),
      T(call_resume_without_scratchpad_leaves_slot_0),
      T(call_resume_with_a_scratchpad_for_a_pinned_slot_is_an_error),
      T(deliver_yield_lets_the_catcher_run_on),
      T(drop_paused_returns_the_catchers_call_as_faulted),
      T(drop_paused_abandons_all_above_the_catcher),
      T(yielder_can_yield_again_and_again),
      T(paused_vm_is_freed_with_all_it_has),
      T(to_the_catcher_index_and_status_paused_arrive_at_once),
      T(yielders_slot_0_moves_to_the_catcher_and_the_answer_back),
      T(resume_yield_returns_as_the_call_would),
      T(resume_goes_to_the_yielder_however_deep),
      T(drop_yield_abandons_the_yielder),
      T(resume_and_drop_need_something_paused_above),
      T(callee_of_a_catcher_has_nothing_paused_above),
      T(catcher_that_faults_takes_the_yielder_with_it),
      T(catcher_that_halts_drops_the_yielder),
      T(value_is_dropped_if_its_path_is_gone),
      T(value_replaces_what_a_catcher_put_into_its_slot),
      T(catcher_calls_while_a_yielder_is_paused),
      T(yields_nest_and_the_last_one_is_resumed_first),
      T(host_drops_only_the_last_of_nested_yields),
      T(catcher_that_yields_itself_is_caught_further_down),
      T(a_paused_yielder_between_is_not_asked_for_its_catcher),
      T(a_caller_behind_a_reference_catches),
      T(invoke_while_paused_runs_on_top),
      T(an_invoke_on_top_of_a_paused_stack_is_not_caught_by_it),
      T(pauses_stack_up_and_end_in_order),
      T(yield_on_a_full_stack_is_refused),
      T(call_resume_goes_on_after_an_error),
      T(call_resume_after_an_error_takes_no_scratchpad),
      T(run_goes_the_same_way_with_an_error_in_it_and_without),
      T(drop_paused_after_an_error_faults_the_entry),
  };
  return cmocka_run_group_tests_name("yields", tests, NULL, NULL);
}
