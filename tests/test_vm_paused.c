/* Paused Instances (4-vm.md 4.5) and operations 29 to 31. Each test is named after what it shows. */
#include "support/yields.h"

static int setup(void **state) {
  setup_yields(state);
  g.config.yield_mode = JAVM_YIELD_TO_CATCHER;
  guest_vm(&g);
  return 0;
}

#define ONE(n, a) "load_imm a0, " #a "\necalli " #n "\n"
#define TWO(n, a, b) "load_imm a0, " #a "\nload_imm a1, " #b "\necalli " #n "\n"
#define CALL(slot) TWO(26, slot, 0)
#define COPY(from, to) TWO(1, from, to)
#define KEEP(slot) ONE(29, slot)
#define RESUME(slot) ONE(30, slot)
#define DROP(slot) ONE(31, slot)
/* Adds what a call returned to s0 · 1000. */
#define SUM "load_imm t0, 1000\nmul_64 s0, s0, t0\nadd_64 s0, s0, a0\n"
#define REPLY_SUM "move_reg a0, s0\necalli 0\n"

static void run_catcher(const char *text, javm_cap *child) {
  guest_invoke(&g, instance_of(text, SLOTS({2, marker}, {3, child}, {8, catcher})), 0, NO_ARGS, GAS);
}

/* ---- keep ---- */

static void keep_yield_makes_a_paused_instance(void **state) {
  (void)state;
  javm_cap *child = yielder();
  run_catcher(CATCH CALL(3) KEEP(4) REPLY_BOTH, child);
  assert_halted(&g, RESULT(4, 1)); /* φ[8] is what the yield made it */
  javm_cap *post = guest_post(&g), *kept = guest_slot(&g, post, 4);
  assert_int_equal(javm_cap_kind(kept), JAVM_KIND_INSTANCE);
  javm_instance_spec spec = guest_view(&g, kept), before = guest_view(&g, child);
  static const javm_hash none;
  assert_other_hash(spec.paused, none);
  assert_same_hash(spec.image_hash_chain, before.image_hash_chain);
  assert_int_equal(spec.pc, 5); /* past the yield */
  assert_int_equal(spec.regs[7], 1);
  assert_same_cap(&g, guest_slot(&g, post, 3), child); /* its caller's slot keeps the value from before */
}

static void keep_yield_needs_something_paused_above(void **state) {
  (void)state;
  guest_invoke(&g, guest_instance(&g, guest_operation(&g, 29), NO_SLOTS), 0, ARGS(4), GAS);
  assert_refused(&g, JAVM_REFUSAL_NOTHING_PAUSED, 29);
  run_catcher(CATCH CALL(3) KEEP(4) KEEP(5), yielder());
  assert_refused(&g, JAVM_REFUSAL_NOTHING_PAUSED, 29);
}

static void keep_yield_checks_its_slot_and_then_the_yielder_is_still_there(void **state) {
  (void)state;
  run_catcher(CATCH ".pinned 4 data \"pin\"\n" CALL(3) KEEP(4), yielder());
  assert_refused(&g, JAVM_REFUSAL_PINNED_SLOT, 29);
  run_catcher(CATCH CALL(3) "load_imm a0, 0x100\necalli 29\n", yielder());
  assert_refused(&g, JAVM_REFUSAL_SLOT_OPERAND, 29);
  assert_depth(&g, 0);
}

/* 256 entries are kept and resumed, one more is not. */
static void more_entries_than_a_paused_instance_holds_are_not_kept(void **state) {
  (void)state;
  g.config.max_depth = 600;
  guest_vm(&g);
  javm_cap *chain = yielder(), *link = guest_image(&g, CALL(3) "ecalli 0\n");
  for (unsigned entries = 2; entries <= 257; entries++) {
    chain = guest_instance(&g, link, SLOTS({3, chain}));
    if (entries < 256) continue;
    run_catcher(CATCH CALL(3) KEEP(4) RESUME(4) REPLY_BOTH, chain);
    if (entries == 256) assert_halted(&g, RESULT(100, 0));
    else assert_refused(&g, JAVM_REFUSAL_TOO_DEEP, 29);
    assert_depth(&g, 0);
  }
}

static void keep_yield_through_a_path(void **state) {
  (void)state;
  guest_invoke(&g,
               instance_of(CATCH CALL(3) "load_imm a0, 0x205\necalli 29\nload_imm a0, 0x205\necalli 30\n" REPLY_BOTH,
                           SLOTS({3, yielder()}, {5, guest_cnode_of(&g, 2, NULL)}, {8, catcher})),
               0, NO_ARGS, GAS);
  assert_halted(&g, RESULT(100, 0));
  static const javm_hash none;
  javm_cap *made = guest_cnode_slot(&g, guest_slot(&g, guest_post(&g), 5), 1);
  assert_same_hash(guest_view(&g, made).paused, none); /* its new value replaced it, in the nested slot */
}

/* ---- resume ---- */

/* Continuation = { marker, entries: [{ kind, instance, callee_slot, target }] }, bottom entry first; its root is `paused`. */
static void continuation_has_the_marker_and_the_entries_bottom_first(void **state) {
  (void)state;
  javm_cap *middle = instance_of(CALL(3) REPLY_BOTH, SLOTS({3, yielder()}));
  run_catcher(CATCH CALL(3) KEEP(4) "ecalli 0\n", middle);
  javm_cap *kept = guest_slot(&g, guest_post(&g), 4), *continuation, *entry;
  javm_hash root = guest_view(&g, kept).paused, key = guest_hash(&g, marker), hash;
  uint8_t *bytes;
  size_t size;
  assert_int_equal(javm_dir_get(g.dir, &root, &continuation, &g.error), JAVM_OK);
  guest_own(&g, continuation);
  assert_int_equal(javm_cap_kind(continuation), JAVM_KIND_CONTINUATION);
  assert_int_equal(javm_cap_encode(g.dir, continuation, &bytes, &size, &g.error), JAVM_OK);
  assert_int_equal(size, 1 + 32 + 4 + 2 * 45);
  assert_memory_equal(bytes + 1, key.bytes, sizeof key);
  for (int i = 0; i < 2; i++) {
    const uint8_t *e = bytes + 37 + 45 * i;
    assert_int_equal(e[0], 0);
    memcpy(&hash, e + 1, sizeof hash);
    assert_int_equal(javm_dir_get(g.dir, &hash, &entry, &g.error), JAVM_OK);
    javm_instance_spec spec = guest_view(&g, guest_own(&g, entry));
    javm_hash chain = guest_view(&g, i ? guest_slot(&g, middle, 3) : middle).image_hash_chain;
    assert_same_hash(spec.image_hash_chain, chain);
    assert_int_equal(e[33], i ? 3 : 0); /* callee_slot: what the bottom's is, who resumes it says */
  }
  javm_free_bytes(javm_dir_allocator(g.dir), bytes, size);
}

static void call_resume_runs_on_as_a_call(void **state) {
  (void)state;
  run_catcher(CATCH CALL(3) KEEP(4) RESUME(4) REPLY_BOTH, yielder());
  assert_halted(&g, RESULT(100, 0));
  static const javm_hash none;
  assert_same_hash(guest_view(&g, guest_slot(&g, guest_post(&g), 4)).paused, none);
  run_catcher(CATCH CALL(3) KEEP(4) COPY(2, 0) RESUME(4) REPLY_BOTH, yielder());
  assert_halted(&g, RESULT(103, 0)); /* slot 0 went with it */
  assert_same_cap(&g, g.result.slot0, marker);
}

static void both_copies_can_be_resumed_and_diverge(void **state) {
  (void)state;
  run_catcher(CATCH "load_imm s0, 0\n" CALL(3) KEEP(4) COPY(4, 5) RESUME(4) SUM COPY(2, 0) RESUME(5) SUM REPLY_SUM,
              yielder());
  assert_halted(&g, 100103);
  javm_cap *post = guest_post(&g);
  assert_other_hash(guest_hash(&g, guest_slot(&g, post, 4)), guest_hash(&g, guest_slot(&g, post, 5)));
}

static void call_resume_of_what_is_not_paused_is_refused(void **state) {
  (void)state;
  javm_cap *resume = guest_operation(&g, 30);
  guest_invoke(&g, guest_instance(&g, resume, SLOTS({4, yielder()})), 0, ARGS(4), GAS);
  assert_refused(&g, JAVM_REFUSAL_NOT_PAUSED, 30);
  guest_invoke(&g, guest_instance(&g, resume, SLOTS({4, marker})), 0, ARGS(4), GAS);
  assert_refused(&g, JAVM_REFUSAL_WRONG_KIND, 30);
  guest_invoke(&g, guest_instance(&g, resume, NO_SLOTS), 0, ARGS(4), GAS);
  assert_refused(&g, JAVM_REFUSAL_EMPTY_SLOT, 30);
}

static void call_of_a_paused_instance_is_refused(void **state) {
  (void)state;
  run_catcher(CATCH CALL(3) KEEP(4) CALL(4), yielder());
  assert_refused(&g, JAVM_REFUSAL_INVALID_INSTANCE, 26);
}

static void fault_of_what_was_resumed_leaves_the_paused_instance(void **state) {
  (void)state;
  run_catcher(CATCH CALL(3) KEEP(4) COPY(4, 5) RESUME(4) REPLY_BOTH, instance_of(YIELD1 "trap\n", SLOTS({1, marker})));
  assert_halted(&g, RESULT(1, 2));
  javm_cap *post = guest_post(&g);
  assert_same_cap(&g, guest_slot(&g, post, 4), guest_slot(&g, post, 5));
}

static void resumed_entries_count_for_the_depth_of_the_stack(void **state) {
  (void)state;
  g.config.max_depth = 4;
  guest_vm(&g);
  javm_cap *middle = instance_of(CALL(3) REPLY_BOTH, SLOTS({3, yielder()}));
  run_catcher(CATCH CALL(3) KEEP(4) RESUME(4) REPLY_BOTH, middle); /* 1 + 2 */
  assert_halted(&g, RESULT(100, 0));
}

static void resume_past_the_depth_is_refused(void **state) {
  (void)state;
  javm_cap *middle = instance_of(CALL(3) REPLY_BOTH, SLOTS({3, yielder()}));
  run_catcher(CATCH CALL(3) KEEP(4) "ecalli 0\n", middle);
  assert_int_equal(g.result.kind, JAVM_RESULT_HALT);
  javm_cap *kept = guest_slot(&g, guest_post(&g), 4);
  g.config.max_depth = 2;
  guest_vm(&g);
  guest_invoke(&g, guest_instance(&g, guest_operation(&g, 30), SLOTS({4, kept})), 0, ARGS(4), GAS);
  assert_refused(&g, JAVM_REFUSAL_STACK_FULL, 30);
  g.config.max_depth = 3;
  guest_vm(&g);
  guest_invoke(&g, guest_instance(&g, guest_operation(&g, 30), SLOTS({4, kept})), 0, ARGS(4), GAS);
  assert_halted(&g, RESULT(100, 0)); /* what the middle one makes of it */
}

static void resumed_call_tree_returns_through_all_its_entries(void **state) {
  (void)state;
  javm_cap *middle = instance_of(CALL(3) "add_imm_64 a0, a0, 1000\necalli 0\n", SLOTS({3, yielder()}));
  run_catcher(CATCH CALL(3) KEEP(4) RESUME(4) REPLY_BOTH, middle);
  assert_halted(&g, RESULT(1100, 0));
}

static void yield_of_what_was_resumed_goes_to_who_resumed_it(void **state) {
  (void)state;
  javm_cap *twice = instance_of(YIELD1 YIELDER, SLOTS({1, marker}));
  run_catcher(CATCH CALL(3) KEEP(4) RESUME(4) REPLY_BOTH, twice);
  assert_halted(&g, RESULT(0, 1));
  run_catcher(CATCH CALL(3) KEEP(4) RESUME(4) KEEP(5) RESUME(5) REPLY_BOTH, twice);
  assert_halted(&g, RESULT(100, 0));
  run_catcher(CATCH CALL(3) KEEP(4) RESUME(4) "ecalli 27\n" REPLY_BOTH, twice);
  assert_halted(&g, RESULT(100, 0));
}

/* A paused call inside a paused call: the middle one has caught, and called another that yields further down. */
static void paused_call_inside_a_paused_call(void **state) {
  (void)state;
  javm_cap *second = guest_data(&g, "second");
  javm_hash key = guest_hash(&g, second);
  javm_cap *outer = guest_catcher(&g, 2, &key);
  javm_cap *other = instance_of(YIELDER, SLOTS({1, second}));
  javm_cap *middle = instance_of(CATCH "load_imm s0, 0\n" CALL(3) CALL(4) SUM "ecalli 27\n" SUM REPLY_SUM,
                                 SLOTS({3, yielder()}, {4, other}, {8, catcher}));
  guest_invoke(&g, instance_of(CATCH CALL(3) KEEP(4) COPY(4, 5) RESUME(4) REPLY_BOTH, SLOTS({3, middle}, {8, outer})),
               0, NO_ARGS, GAS);
  assert_halted(&g, RESULT(100100, 0));
  javm_cap *kept = guest_slot(&g, guest_post(&g), 5);
  guest_invoke(&g, guest_instance(&g, guest_operation(&g, 30), SLOTS({4, kept})), 0, ARGS(4), GAS);
  assert_halted(&g, 100100); /* from the value, by somebody else */
}

static void paused_instance_is_sent_in_slot_0_to_another_that_resumes_it(void **state) {
  (void)state;
  javm_cap *worker = instance_of(TWO(2, 0, 7) RESUME(7) REPLY_BOTH, NO_SLOTS);
  guest_invoke(&g,
               instance_of(CATCH CALL(3) KEEP(0) CALL(9) REPLY_BOTH, SLOTS({3, yielder()}, {8, catcher}, {9, worker})),
               0, NO_ARGS, GAS);
  assert_halted(&g, RESULT(100, 0));
}

static void paused_instance_holds_a_paused_instance(void **state) {
  (void)state;
  javm_cap *keeper = instance_of(CATCH CALL(3) KEEP(4) YIELD1 RESUME(4) REPLY_BOTH,
                                 SLOTS({1, guest_data(&g, "other")}, {3, yielder()}, {8, catcher}));
  javm_hash key = guest_hash(&g, guest_data(&g, "other"));
  javm_cap *outer = guest_catcher(&g, 2, &key);
  guest_invoke(&g, instance_of(CATCH CALL(3) KEEP(4) RESUME(4) REPLY_BOTH, SLOTS({3, keeper}, {8, outer})), 0, NO_ARGS,
               GAS);
  assert_halted(&g, RESULT(100, 0));
}

/* ---- what it carries ---- */

#define MEMORY ".mapping persistent 0x10000 8192 slot 2\n.mapping ephemeral 0x20000 8192\n.mapping heap 0x40000 65536\n"
/* Writes everywhere, yields, reads everything back and replies with the sum. */
#define WRITER                                                                                                         \
  MEMORY "load_imm a0, 0\nload_imm t0, 5000\nsbrk t1, t0\n"                                                            \
         "store_imm_u64 [0x10008], 1\nstore_imm_u64 [0x11010], 2\nstore_imm_u64 [0x20000], 4\n"                        \
         "store_imm_u64 [0x41000], 8\n" YIELD1                                                                         \
         "load_u64 a0, [0x10008]\nload_u64 t0, [0x11010]\nadd_64 a0, a0, t0\nload_u64 t0, [0x20000]\n"                 \
         "add_64 a0, a0, t0\nload_u64 t0, [0x41000]\nadd_64 a0, a0, t0\nload_u64 t0, [0x21000]\nadd_64 a0, a0, t0\n"   \
         "store_imm_u64 [0x10010], 77\nstore_imm_u64 [0x20008], 78\nload_imm t0, 1\nsbrk t1, t0\n"                     \
         "add_64 a0, a0, t1\necalli 0\n"

static void memory_of_all_kinds_is_kept(void **state) {
  (void)state;
  javm_cap *child = instance_of(WRITER, SLOTS({1, marker}));
  run_catcher(CATCH CALL(3) KEEP(4) COPY(4, 5) RESUME(4) REPLY_BOTH, child);
  uint64_t sum = 15 + 0x40000 + 5000;
  assert_halted(&g, RESULT(sum, 0));
  javm_cap *post = guest_post(&g);
  assert_int_equal(guest_word(&g, guest_slot(&g, post, 4), 0x10008), 1);
  assert_int_equal(guest_word(&g, guest_slot(&g, post, 4), 0x10010), 77);
  assert_int_equal(guest_view(&g, guest_slot(&g, post, 4)).overlay_count, 1); /* ephemeral pages went with the call */
  assert_int_equal(guest_word(&g, guest_slot(&g, post, 5), 0x10010), 0);
  guest_invoke(&g, guest_instance(&g, guest_operation(&g, 30), SLOTS({4, guest_slot(&g, post, 5)})), 0, ARGS(4), GAS);
  assert_halted(&g, sum);
  /* As it would have ended at once. */
  run_catcher(CATCH CALL(3) "ecalli 27\n" REPLY_BOTH, child);
  javm_instance_spec at_once = guest_view(&g, guest_slot(&g, guest_post(&g), 3));
  at_once.gas_remaining = guest_view(&g, guest_slot(&g, post, 4)).gas_remaining;
  assert_same_cap(&g, guest_make(&g, &at_once), guest_slot(&g, post, 4));
}

static void pages_written_before_are_paid_for_at_the_halt(void **state) {
  (void)state;
  javm_cap *quota = guest_kernel(&g, JAVM_KERNEL_QUOTA, 5);
  javm_cap *child = instance_of(".quota_slot 6\n" WRITER, SLOTS({1, marker}, {6, quota}));
  guest_set_quota(&g, 5, 100 * 4096);
  run_catcher(CATCH CALL(3) KEEP(4) COPY(4, 5) "ecalli 0\n", child);
  assert_int_equal(guest_quota(&g, 5), 100 * 4096);
  javm_cap *kept = guest_slot(&g, guest_post(&g), 5);
  javm_cap *resume = guest_operation(&g, 30);
  for (unsigned i = 1; i <= 2; i++) {
    guest_invoke(&g, guest_instance(&g, resume, SLOTS({4, kept})), 0, ARGS(4), GAS);
    assert_int_equal(g.result.kind, JAVM_RESULT_HALT);
    assert_int_equal(guest_quota(&g, 5), (100 - i * 4) * 4096);
  }
}

static void what_a_kept_entry_did_outside_is_the_catchers(void **state) {
  (void)state;
  javm_cap *quota = guest_kernel(&g, JAVM_KERNEL_QUOTA, 5);
  /* Emits, mints a Data, yields. */
  const char *minter = ".mapping ephemeral 0x10000 4096\n" ONE(
      35, 1) "load_imm a0, 0x10000\nload_imm a1, 4096\nload_imm a2, 6\nload_imm a3, 7\necalli 23\n" YIELDER;
  javm_cap *child = instance_of(minter, SLOTS({1, marker}, {6, quota}));
  guest_set_quota(&g, 5, 10 * 4096);
  run_catcher(CATCH CALL(3) KEEP(4) DROP(4) "ecalli 0\n", child);
  assert_int_equal(g.result.kind, JAVM_RESULT_HALT);
  assert_int_equal(g.result.emit_count, 1);
  assert_int_equal(guest_quota(&g, 5), 9 * 4096); /* spent, also when what it bought is dropped */
  run_catcher(CATCH CALL(3) KEEP(4) "trap\n", child);
  assert_int_equal(guest_quota(&g, 5), 9 * 4096); /* the catcher faulted: undone */
  run_catcher(CATCH CALL(3) KEEP(4) COPY(4, 5) RESUME(4) RESUME(5) "trap\n", child);
  assert_int_equal(guest_quota(&g, 5), 9 * 4096); /* once */
}

static void gas_comes_from_who_resumes_and_never_from_the_value(void **state) {
  (void)state;
  run_catcher(CATCH CALL(3) KEEP(4) "ecalli 0\n", yielder());
  javm_cap *kept = guest_slot(&g, guest_post(&g), 4);
  assert_true(guest_view(&g, kept).gas_remaining > 900000);
  guest_invoke(&g, guest_instance(&g, guest_operation(&g, 30), SLOTS({4, kept})), 0, ARGS(4), 4);
  assert_faulted(&g, JAVM_EXIT_OUT_OF_GAS);
  assert_int_equal(g.result.gas_used, 4);
}

static void entry_of_its_own_meter_spends_from_it_after_the_resume(void **state) {
  (void)state;
  javm_cap *gas = guest_kernel(&g, JAVM_KERNEL_GAS, 9);
  guest_set_meter(&g, 9, 1000);
  run_catcher(CATCH CALL(3) KEEP(4) RESUME(4) REPLY_BOTH,
              instance_of(".gas_slot 6\n" YIELDER, SLOTS({1, marker}, {6, gas})));
  assert_halted(&g, RESULT(100, 0));
  assert_int_equal(guest_meter(&g, 9), 1000 - 6);
}

static void out_of_gas_is_kept_and_goes_on_after_a_top_up(void **state) {
  (void)state;
  javm_hash key;
  javm_kernel_hash(JAVM_KERNEL_OOG_MARKER, &key);
  guest_catches(&g, catcher, &key);
  javm_cap *gas = guest_kernel(&g, JAVM_KERNEL_GAS, 9);
  const char *loop = ".gas_slot 6\nload_imm s0, 100\nfallthrough\nloop:\n  add_imm_64 s0, s0, -1\n"
                     "branch_ne_imm s0, 0, loop\nload_imm a0, 55\necalli 0\n";
  guest_set_meter(&g, 9, 50);
  run_catcher(CATCH CALL(3) KEEP(4) "ecalli 0\n", instance_of(loop, SLOTS({6, gas})));
  assert_int_equal(g.result.kind, JAVM_RESULT_HALT);
  javm_cap *kept = guest_slot(&g, guest_post(&g), 4);
  javm_cap *resume = guest_operation(&g, 30);
  uint64_t left = guest_meter(&g, 9);
  guest_set_meter(&g, 9, left + 10);
  guest_invoke(&g, guest_instance(&g, resume, SLOTS({4, kept})), 0, ARGS(4), GAS);
  assert_halted(&g, 3); /* out of gas again, and nobody catches it */
  guest_set_meter(&g, 9, 1000);
  guest_invoke(&g, guest_instance(&g, resume, SLOTS({4, kept})), 0, ARGS(4), GAS);
  assert_halted(&g, 55);
  assert_int_equal(guest_meter(&g, 9), 1000 - (204 - (50 - left)));
}

static void image_set_while_it_ran_is_kept(void **state) {
  (void)state;
  /* The same code up to the set_image, other code behind it, and other memory from the next call on. */
  const char *before =
      ".mapping ephemeral 0x20000 4096\nstore_imm_u64 [0x20000], 4\nload_imm a0, 5\necalli 17\nfallthrough\ntrap\n";
  const char *after = "store_imm_u64 [0x20000], 4\nload_imm a0, 5\necalli 17\nfallthrough\n" YIELD1
                      "load_u64 a0, [0x20000]\necalli 0\n";
  javm_cap *child = instance_of(before, SLOTS({1, marker}, {5, guest_image(&g, after)}));
  run_catcher(CATCH CALL(3) KEEP(4) COPY(4, 5) RESUME(4) REPLY_BOTH, child);
  assert_halted(&g, RESULT(4, 0));
  javm_cap *kept = guest_slot(&g, guest_post(&g), 5);
  guest_vm(&g);
  guest_invoke(&g, guest_instance(&g, guest_operation(&g, 30), SLOTS({4, kept})), 0, ARGS(4), GAS);
  assert_halted(&g, 4);
}

/* ---- drop ---- */

static void drop_paused_empties_the_slot(void **state) {
  (void)state;
  run_catcher(CATCH CALL(3) KEEP(4) DROP(4) ONE(37, 4) "ecalli 0\n", yielder());
  assert_halted(&g, 0);
  assert_null(guest_slot(&g, guest_post(&g), 4));
}

static void drop_paused_of_what_is_not_paused_is_refused(void **state) {
  (void)state;
  javm_cap *drop = guest_operation(&g, 31);
  guest_invoke(&g, guest_instance(&g, drop, SLOTS({4, yielder()})), 0, ARGS(4), GAS);
  assert_refused(&g, JAVM_REFUSAL_NOT_PAUSED, 31);
  guest_invoke(&g, guest_instance(&g, drop, SLOTS({4, marker})), 0, ARGS(4), GAS);
  assert_refused(&g, JAVM_REFUSAL_WRONG_KIND, 31);
  guest_invoke(&g, guest_instance(&g, drop, NO_SLOTS), 0, ARGS(4), GAS);
  assert_refused(&g, JAVM_REFUSAL_EMPTY_SLOT, 31);
  javm_cap *pinned = guest_image(&g, ".pinned 4 data \"pin\"\necalli 31\necalli 0\n");
  guest_invoke(&g, guest_instance(&g, pinned, NO_SLOTS), 0, ARGS(4), GAS);
  assert_refused(&g, JAVM_REFUSAL_PINNED_SLOT, 31);
}

/* ---- moving it ---- */

static void paused_instance_moves_to_another_machine_as_bytes(void **state) {
  (void)state;
  javm_cap *middle =
      instance_of(CALL(3) "add_imm_64 a0, a0, 1000\necalli 0\n", SLOTS({3, instance_of(WRITER, SLOTS({1, marker}))}));
  run_catcher(CATCH CALL(3) KEEP(4) "ecalli 0\n", middle);
  javm_cap *kept = guest_slot(&g, guest_post(&g), 4);
  javm_hash hash = guest_hash(&g, kept);
  uint8_t *bytes;
  size_t size;
  assert_int_equal(javm_bundle_encode(g.dir, kept, &bytes, &size, &g.error), JAVM_OK);
  guest other;
  guest_open(&other);
  javm_cap *there;
  assert_int_equal(javm_bundle_decode(other.dir, bytes, size, &there, &other.error), JAVM_OK);
  javm_free_bytes(javm_dir_allocator(g.dir), bytes, size);
  guest_own(&other, there);
  assert_same_hash(guest_hash(&other, there), hash);
  guest_invoke(&other, guest_instance(&other, guest_operation(&other, 30), SLOTS({4, there})), 0, ARGS(4), GAS);
  assert_halted(&other, 1000 + 15 + 0x40000 + 5000);
  guest_close(&other);
}

/* An outer Instance that says something else than what would be resumed. */
static void paused_instance_that_shows_something_else_is_refused(void **state) {
  (void)state;
  run_catcher(CATCH CALL(3) KEEP(4) "ecalli 0\n", instance_of(WRITER, SLOTS({1, marker})));
  javm_cap *kept = guest_slot(&g, guest_post(&g), 4), *resume = guest_operation(&g, 30);
  javm_instance_spec spec = guest_view(&g, kept);
  spec.regs[3]++;
  guest_invoke(&g, guest_instance(&g, resume, SLOTS({4, guest_make(&g, &spec)})), 0, ARGS(4), GAS);
  assert_refused(&g, JAVM_REFUSAL_INVALID_INSTANCE, 30);
  spec.regs[3]--;
  guest_invoke(&g, guest_instance(&g, resume, SLOTS({4, guest_make(&g, &spec)})), 0, ARGS(4), GAS);
  assert_halted(&g, 15 + 0x40000 + 5000);
  spec.image_hash_chain.bytes[0] ^= 1; /* another lineage */
  guest_invoke(&g, guest_instance(&g, resume, SLOTS({4, guest_make(&g, &spec)})), 0, ARGS(4), GAS);
  assert_refused(&g, JAVM_REFUSAL_INVALID_INSTANCE, 30);
  spec.image_hash_chain.bytes[0] ^= 1;
  spec.paused = guest_hash(&g, marker); /* a value that is no Continuation */
  guest_put(&g, marker);
  guest_invoke(&g, guest_instance(&g, resume, SLOTS({4, guest_make(&g, &spec)})), 0, ARGS(4), GAS);
  assert_refused(&g, JAVM_REFUSAL_INVALID_INSTANCE, 30);
}

static void missing_continuation_is_an_error_and_can_be_published_later(void **state) {
  (void)state;
  run_catcher(CATCH CALL(3) KEEP(4) "ecalli 0\n", yielder());
  javm_cap *kept = guest_slot(&g, guest_post(&g), 4);
  guest other;
  guest_open(&other);
  javm_hash hash = guest_view(&g, kept).paused;
  javm_instance_spec spec = guest_view(&g, kept);
  spec.image = guest_by_hash(&other, &hash); /* any reference: it is not reached */
  spec.root_cnode = NULL;
  spec.overlay_count = 0;
  javm_cap *there = guest_make(&other, &spec);
  assert_int_equal(
      guest_try(&other, guest_instance(&other, guest_operation(&other, 30), SLOTS({4, there})), 0, ARGS(4), GAS),
      JAVM_VALUE_NOT_FOUND);
  assert_same_hash(other.error.hash, hash);
  guest_close(&other);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(keep_yield_makes_a_paused_instance),
      T(keep_yield_needs_something_paused_above),
      T(keep_yield_checks_its_slot_and_then_the_yielder_is_still_there),
      T(more_entries_than_a_paused_instance_holds_are_not_kept),
      T(keep_yield_through_a_path),
      T(continuation_has_the_marker_and_the_entries_bottom_first),
      T(call_resume_runs_on_as_a_call),
      T(both_copies_can_be_resumed_and_diverge),
      T(call_resume_of_what_is_not_paused_is_refused),
      T(call_of_a_paused_instance_is_refused),
      T(fault_of_what_was_resumed_leaves_the_paused_instance),
      T(resumed_entries_count_for_the_depth_of_the_stack),
      T(resume_past_the_depth_is_refused),
      T(resumed_call_tree_returns_through_all_its_entries),
      T(yield_of_what_was_resumed_goes_to_who_resumed_it),
      T(paused_call_inside_a_paused_call),
      T(paused_instance_is_sent_in_slot_0_to_another_that_resumes_it),
      T(paused_instance_holds_a_paused_instance),
      T(memory_of_all_kinds_is_kept),
      T(pages_written_before_are_paid_for_at_the_halt),
      T(what_a_kept_entry_did_outside_is_the_catchers),
      T(gas_comes_from_who_resumes_and_never_from_the_value),
      T(entry_of_its_own_meter_spends_from_it_after_the_resume),
      T(out_of_gas_is_kept_and_goes_on_after_a_top_up),
      T(image_set_while_it_ran_is_kept),
      T(drop_paused_empties_the_slot),
      T(drop_paused_of_what_is_not_paused_is_refused),
      T(paused_instance_moves_to_another_machine_as_bytes),
      T(paused_instance_that_shows_something_else_is_refused),
      T(missing_continuation_is_an_error_and_can_be_published_later),
  };
  return cmocka_run_group_tests_name("paused instances", tests, NULL, NULL);
}
