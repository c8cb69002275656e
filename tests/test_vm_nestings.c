/*
 * Odd nestings of calls, yields, kept and resumed computations, stopped at marks all over: each stop suspended and restored,
 * or left to a fork, and all goes the same way to the same end as without.
 */
#include "support/guest.h"

static guest g;
static javm_cap *marker, *other, *catcher, *outer; /* the catchers 1 and 2 hold the marker, the other one */

enum { QUOTA = 5, METER = 9, UNITS = 60 * JAVM_PAGE_BYTES, FULL = 4000 };

static void open_world(void) {
  guest_open(&g);
  marker = guest_data(&g, "marker");
  other = guest_data(&g, "other");
  javm_hash key = guest_hash(&g, marker), second = guest_hash(&g, other), gas, quota;
  javm_kernel_hash(JAVM_KERNEL_OOG_MARKER, &gas);
  javm_kernel_hash(JAVM_KERNEL_STORAGE_EXHAUSTED_MARKER, &quota);
  catcher = guest_catcher(&g, 1, &key);
  outer = guest_catcher(&g, 2, &second);
  guest_catches(&g, outer, &gas);
  guest_catches(&g, outer, &quota);
  guest_set_quota(&g, QUOTA, UNITS);
  guest_set_meter(&g, METER, FULL);
}

static int setup(void **state) {
  (void)state;
  open_world();
  return 0;
}

static int teardown(void **state) {
  (void)state;
  guest_close(&g);
  return 0;
}

static javm_cap *instance_of(const char *text, const javm_slot_cap *slots) {
  return guest_instance(&g, guest_image(&g, text), slots);
}

#define CATCH ".yield_marker_slot 8\n"
#define ONE(n, a) "load_imm a0, " #a "\necalli " #n "\n"
#define TWO(n, a, b) "load_imm a0, " #a "\nload_imm a1, " #b "\necalli " #n "\n"
#define CALL(slot) TWO(26, slot, 0)
#define YIELD(slot) ONE(16, slot)
#define KEEP(slot) ONE(29, slot)
#define RESUME(slot) ONE(30, slot)
#define RESUME_YIELD "ecalli 27\n"
#define DROP_YIELD "ecalli 28\n"
#define ASK "load_imm a0, 3\necalli 70\n"
#define EMIT(slot) ONE(35, slot)
/* s0 = 10 · s0 + φ[7] + φ[8]; s0 begins as 0. */
#define SUM "load_imm t0, 10\nmul_64 s0, s0, t0\nadd_64 s0, s0, a0\nadd_64 s0, s0, a1\n"
#define REPLY "move_reg a0, s0\necalli 0\n"

#define MEMORY                                                                                                         \
  ".quota_slot 6\n.mapping persistent 0x10000 8192 slot 2\n.mapping ephemeral 0x20000 8192\n.mapping heap 0x40000 "    \
  "65536\n"
/* Writes, mints, emits what is in slot 1, yields what is in slot `slot`, and does it all again; then replies with a sum. */
#define ROUND(slot)                                                                                                    \
  "load_imm t0, 5000\nsbrk t1, t0\nload_u64 t1, [0x10008]\nadd_imm_64 t1, t1, 3\nstore_u64 t1, [0x10008]\n"            \
  "store_u64 t1, [0x20008]\nstore_u64 t1, [0x40100]\nload_imm a0, 0x10000\nload_imm a1, 10\nload_imm a2, 6\n"          \
  "load_imm a3, 7\necalli 23\n" EMIT(1) YIELD(slot)
#define WORK(slot)                                                                                                     \
  MEMORY ROUND(slot) ROUND(slot) "load_u64 t1, [0x20008]\nload_u64 t2, [0x40100]\nadd_64 s0, t1, t2\n" REPLY

static javm_cap *quota(void) { return guest_kernel(&g, JAVM_KERNEL_QUOTA, QUOTA); }
static javm_cap *worker(void) { return instance_of(WORK(1), SLOTS({1, marker}, {6, quota()})); }

/* ---- ways ---- */

typedef enum way { STRAIGHT, SAVED, FORKED, WAYS } way;

typedef struct outcome {
  javm_result_kind kind;
  uint64_t value, gas, quota, meter;
  javm_hash instance, slot0, emits[64];
  size_t emit_count;
  javm_exit_kind fault;
  javm_refusal refusal;
} outcome;

static javm_host_action ask(void *ctx, javm_host_call *call) {
  (void)ctx, (void)call;
  return JAVM_HOST_PAUSE;
}

static void new_vm(void) {
  guest_vm(&g);
  assert_int_equal(javm_vm_register(g.vm, 70, "ask", ask, NULL), JAVM_OK);
}

static void save(void) {
  javm_hash hash;
  uint8_t *assist;
  size_t size;
  assert_int_equal(javm_vm_suspend(g.vm, &hash, &g.error), JAVM_OK);
  assert_int_equal(javm_local_assist_export(g.local, &assist, &size), JAVM_OK);
  new_vm();
  assert_int_equal(javm_local_assist_import(g.local, assist, size, &g.error), JAVM_OK);
  javm_free_bytes(javm_dir_allocator(g.dir), assist, size);
  javm_pause_kind why = g.result.pause;
  if (javm_vm_restore(g.vm, &hash, guest_fresh(&g), &g.error) != JAVM_OK) fail_msg("%s", g.error.text);
  assert_int_equal(g.result.pause, why);
  javm_hash again;
  assert_int_equal(javm_vm_root(g.vm, JAVM_ROOT_WHOLE, &again, &g.error), JAVM_OK);
  assert_same_hash(again, hash);
}

static void leave_to_a_fork(void) {
  javm_local_assist *copy;
  javm_vm *fork;
  assert_int_equal(javm_local_assist_copy(g.local, &copy), JAVM_OK);
  assert_int_equal(javm_vm_fork(g.vm, javm_local_assist_interface(copy), &fork, &g.error), JAVM_OK);
  javm_vm_free(g.vm);
  javm_local_assist_free(g.local);
  g.vm = fork;
  g.local = copy;
  g.assist = g.config.assist = javm_local_assist_interface(copy);
}

/* Catchers run on, questions are answered, and at a mark nothing is to be done. */
static void go_on(uint64_t step) {
  javm_position position;
  javm_vm_position(g.vm, &position);
  assert_int_equal(javm_vm_set_mark(g.vm, JAVM_MARK_GAS, step ? position.gas + step : JAVM_NO_MARK), JAVM_OK);
  switch (g.result.pause) {
    case JAVM_PAUSE_HOST_CALL: guest_complete(&g, (const uint64_t[]){1, 1}, 2); break;
    case JAVM_PAUSE_MARK: guest_resume(&g, NULL); break;
    default: guest_deliver(&g); break;
  }
}

static outcome run(javm_cap *(*make)(void), javm_yield_mode mode, way how, uint64_t step) {
  teardown(NULL);
  open_world();
  g.config.yield_mode = mode;
  new_vm();
  assert_int_equal(javm_vm_set_mark(g.vm, JAVM_MARK_GAS, step ? step : JAVM_NO_MARK), JAVM_OK);
  javm_cap *a = make();
  guest_invoke(&g, a, 0, NO_ARGS, GAS);
  uint64_t gas = g.result.gas_used;
  for (unsigned stops = 0; g.result.kind == JAVM_RESULT_PAUSED; stops++) {
    assert_true(stops < 5000);
    if (how == SAVED) save();
    if (how == FORKED) leave_to_a_fork();
    go_on(step);
    gas += g.result.gas_used;
  }
  assert_depth(&g, 0);
  outcome o = {.kind = g.result.kind,
               .value = g.result.return_value,
               .gas = gas,
               .quota = guest_quota(&g, QUOTA),
               .meter = guest_meter(&g, METER),
               .instance = g.result.instance,
               .emit_count = g.result.emit_count,
               .fault = g.result.fault.kind,
               .refusal = g.result.refusal};
  if (g.result.slot0) o.slot0 = guest_hash(&g, g.result.slot0);
  assert_true(o.emit_count <= 64);
  for (size_t i = 0; i < o.emit_count; i++) o.emits[i] = guest_hash(&g, g.result.emits[i]);
  return o;
}

static void assert_same(const outcome *a, const outcome *b) {
  assert_int_equal(a->kind, b->kind);
  assert_int_equal(a->value, b->value);
  assert_int_equal(a->gas, b->gas);
  assert_int_equal(a->quota, b->quota);
  assert_int_equal(a->meter, b->meter);
  assert_int_equal(a->fault, b->fault);
  assert_int_equal(a->refusal, b->refusal);
  assert_same_hash(a->instance, b->instance);
  assert_same_hash(a->slot0, b->slot0);
  assert_int_equal(a->emit_count, b->emit_count);
  assert_memory_equal(a->emits, b->emits, sizeof a->emits);
}

/* In both modes, stopped at marks of several distances and not, in every way: the same. */
static outcome every_way(javm_cap *(*make)(void)) {
  static const uint64_t steps[] = {0, 1, 7, 40};
  outcome expected = run(make, JAVM_YIELD_TO_CATCHER, STRAIGHT, 0);
  for (int mode = JAVM_YIELD_TO_HOST; mode <= JAVM_YIELD_TO_CATCHER; mode++)
    for (way how = STRAIGHT; how < WAYS; how++)
      for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        outcome o = run(make, (javm_yield_mode)mode, how, steps[i]);
        assert_same(&o, &expected);
      }
  return expected;
}

static void assert_ended(const outcome *o, uint64_t value) {
  if (o->kind != JAVM_RESULT_HALT) fail_msg("fault %s, %s", javm_exit_text(o->fault), javm_refusal_text(o->refusal));
  assert_int_equal(o->value, value);
}

/* ---- nestings ---- */

/* Two yielders paused at once; the last is kept, the first resumed, dropped at its second yield; the kept one resumed. */
static javm_cap *two_at_once(void) {
  return instance_of(CATCH CALL(3) SUM CALL(4) SUM KEEP(5) RESUME_YIELD SUM DROP_YIELD RESUME(5)
                         SUM RESUME_YIELD SUM REPLY,
                     SLOTS({3, worker()}, {4, worker()}, {8, catcher}));
}
static void keep_leaves_the_yielder_that_was_paused_before(void **state) {
  (void)state;
  outcome o = every_way(two_at_once);
  assert_ended(&o, 11111 + 12 - 1);  /* four pauses (0, 1), then the sum 6 + 6 with status 0 */
  assert_int_equal(o.emit_count, 2); /* the other's were dropped with it */
}

/* The middle one has caught its worker, and yields further down with it above; kept and resumed there, it keeps the worker in
 * its turn and resumes that. */
static javm_cap *kept_with_its_own(void) {
  javm_cap *middle = instance_of(CATCH CALL(3) SUM YIELD(1) KEEP(5) RESUME(5) SUM RESUME_YIELD SUM REPLY,
                                 SLOTS({1, other}, {3, worker()}, {8, catcher}));
  return instance_of(CATCH CALL(3) SUM KEEP(4) TWO(1, 4, 9) RESUME(4) SUM RESUME(9) SUM REPLY,
                     SLOTS({3, middle}, {8, outer}));
}
static void a_reference_that_was_kept_serves_its_catcher_again(void **state) {
  (void)state;
  outcome o = every_way(kept_with_its_own);
  assert_ended(&o, 100 + 10 * (100 + 10 + 12) + 100 + 10 + 12);
}

/* A catcher that asks the host while its yielder is paused, drops it, calls it again, and halts over it. */
static javm_cap *asking(void) {
  javm_cap *middle =
      instance_of(CATCH CALL(3) ASK SUM DROP_YIELD CALL(3) ASK SUM REPLY, SLOTS({3, worker()}, {8, catcher}));
  return instance_of(CALL(3) SUM CALL(3) SUM REPLY, SLOTS({3, middle}));
}
static void a_catcher_waits_for_the_host_with_a_yielder_above(void **state) {
  (void)state;
  outcome o = every_way(asking);
  assert_ended(&o, 10 * 22 + 2222); /* the middle one's s0 persists */
  assert_int_equal(o.quota, UNITS);
  assert_int_equal(o.emit_count, 0);
}

/* Out of gas in what a yielder called; the catcher fills the meter and resumes; then the yielder yields and is kept. */
static javm_cap *poor(void) {
  javm_cap *spender = instance_of(".gas_slot 9\nload_imm s0, 300\nfallthrough\nloop:\n  add_imm_64 s0, s0, -1\n"
                                  "  branch_ne_imm s0, 0, loop\n" YIELD(1) "load_imm a0, 2\necalli 0\n",
                                  SLOTS({1, other}, {9, guest_kernel(&g, JAVM_KERNEL_GAS, 77)}));
  javm_cap *middle = instance_of(MEMORY "store_imm_u64 [0x10000], 1\n" CALL(3) "ecalli 0\n", SLOTS({3, spender}));
  return instance_of(
      CATCH CALL(3) "move_reg s0, a0\nload_imm a0, 10\nload_imm a1, 0\nload_imm a2, 77\nload_imm a3, 1000\n"
                    "ecalli 26\n" RESUME_YIELD SUM KEEP(4) RESUME(4) SUM REPLY,
      SLOTS({3, middle}, {8, outer}, {10, guest_kernel(&g, JAVM_KERNEL_SET_GAS_METER, 0)}));
}
static void a_meter_is_filled_and_what_ran_dry_is_kept_later(void **state) {
  (void)state;
  outcome o = every_way(poor);
  assert_ended(&o, 10 * (10 * 1 + 0 + 1) + 2); /* index 1 of the list, then index 0 and paused, then 2 */
}

/* The same for quota, at a Halt and in mint_data. */
static javm_cap *short_of_quota(void) {
  javm_cap *handle = guest_kernel(&g, JAVM_KERNEL_QUOTA, 78);
  const char *minter = MEMORY "store_imm_u64 [0x10000], 1\nload_imm a0, 0x10000\nload_imm a1, 10\nload_imm a2, 6\n"
                              "load_imm a3, 7\necalli 23\nload_imm a0, 4\necalli 0\n";
  javm_cap *setter = guest_kernel(&g, JAVM_KERNEL_SET_STORAGE_QUOTA, 0);
#define FILL "load_imm a0, 10\nload_imm a1, 0\nload_imm a2, 78\nload_imm a3, 4096\necalli 26\n"
  return instance_of(CATCH CALL(3) SUM FILL KEEP(4) RESUME(4) SUM FILL KEEP(4) RESUME(4) SUM REPLY,
                     SLOTS({3, instance_of(minter, SLOTS({6, handle}))}, {8, outer}, {10, setter}));
#undef FILL
}
static void quota_that_is_short_twice_is_paid_once_each(void **state) {
  (void)state;
  outcome o = every_way(short_of_quota);
  assert_ended(&o, 300 + 30 + 4); /* index 2, paused; the same; 4 */
  assert_int_equal(guest_quota(&g, 78), 0);
}

/* All that was done comes to nothing: kept, copied, resumed, and then a fault. */
static javm_cap *in_vain(void) {
  javm_cap *middle =
      instance_of(CATCH EMIT(1) CALL(3) KEEP(4) TWO(1, 4, 5) RESUME(4) SUM DROP_YIELD RESUME(5) RESUME_YIELD "trap\n",
                  SLOTS({1, marker}, {3, worker()}, {8, catcher}));
  return instance_of(CALL(3) SUM REPLY, SLOTS({3, middle}));
}
static void nothing_remains_of_what_was_kept_and_resumed_at_a_fault(void **state) {
  (void)state;
  outcome o = every_way(in_vain);
  assert_ended(&o, 1 + 2);
  assert_int_equal(o.quota, UNITS);
  assert_int_equal(o.emit_count, 0);
}

/* ---- the host's part ---- */

/* A drive on top of a paused one keeps and resumes; that below is as it was. */
static void a_drive_on_top_of_what_is_paused_keeps_its_own(void **state) {
  (void)state;
  new_vm();
  javm_cap *a = instance_of(CATCH CALL(3) SUM DROP_YIELD REPLY, SLOTS({3, worker()}, {8, catcher}));
  javm_cap *b =
      instance_of(CATCH CALL(3) SUM KEEP(4) RESUME(4) SUM RESUME_YIELD SUM REPLY, SLOTS({3, worker()}, {8, catcher}));
  guest_invoke(&g, a, 0, NO_ARGS, GAS);
  guest_invoke(&g, b, 0, NO_ARGS, GAS);
  assert_depth(&g, 6);
  guest_deliver(&g);
  assert_paused(&g, JAVM_PAUSE_YIELD);
  assert_depth(&g, 6);
  guest_deliver(&g);
  assert_halted(&g, 100 + 10 + 12);
  assert_depth(&g, 3);
  guest_deliver(&g);
  assert_halted(&g, 1);
}

/* What was kept with a yielder above it goes on itself, when the host restores it, and not what it keeps paused. */
static void host_restores_what_was_kept_with_its_own(void **state) {
  (void)state;
  g.config.yield_mode = JAVM_YIELD_TO_CATCHER;
  new_vm();
  javm_cap *middle = instance_of(CATCH CALL(3) SUM YIELD(1) KEEP(5) RESUME(5) SUM RESUME_YIELD SUM REPLY,
                                 SLOTS({1, other}, {3, worker()}, {8, catcher}));
  guest_invoke(&g, instance_of(CATCH CALL(3) KEEP(4) REPLY, SLOTS({3, middle}, {8, outer})), 0, NO_ARGS, GAS);
  javm_hash kept = guest_hash(&g, guest_slot(&g, guest_post(&g), 4));
  assert_int_equal(javm_vm_restore(g.vm, &kept, guest_fresh(&g), &g.error), JAVM_OK);
  assert_paused(&g, JAVM_PAUSE_YIELD);
  assert_same_cap(&g, g.result.payload, other);
  assert_depth(&g, 4); /* the middle one, the worker, the Reference between them; the one for the host */
  assert_int_equal(javm_vm_add_gas(g.vm, GAS), JAVM_OK);
  guest_resume(&g, NULL);
  assert_halted(&g, 100 + 10 + 12);
}

/* A sweep for nothing but the suspended hash leaves all that a restore needs. */
static void sweep_keeps_what_a_suspended_stack_needs(void **state) {
  (void)state;
  outcome expected = run(kept_with_its_own, JAVM_YIELD_TO_HOST, STRAIGHT, 25);
  teardown(NULL);
  open_world();
  new_vm();
  assert_int_equal(javm_vm_set_mark(g.vm, JAVM_MARK_GAS, 25), JAVM_OK);
  guest_invoke(&g, kept_with_its_own(), 0, NO_ARGS, GAS);
  uint64_t gas = g.result.gas_used;
  while (g.result.kind == JAVM_RESULT_PAUSED) {
    javm_hash hash;
    uint8_t *assist;
    size_t size, removed;
    javm_pause_kind why = g.result.pause;
    assert_int_equal(javm_vm_suspend(g.vm, &hash, &g.error), JAVM_OK);
    assert_int_equal(javm_local_assist_export(g.local, &assist, &size), JAVM_OK);
    javm_result_clear(g.dir, &g.result);
    javm_vm_free(g.vm); /* nobody holds anything any more */
    g.vm = NULL;
    while (g.owned_count) javm_cap_release(g.dir, g.owned[--g.owned_count]);
    assert_int_equal(javm_dir_sweep(g.dir, &hash, 1, &removed), JAVM_OK);
    new_vm();
    assert_int_equal(javm_local_assist_import(g.local, assist, size, &g.error), JAVM_OK);
    javm_free_bytes(javm_dir_allocator(g.dir), assist, size);
    if (javm_vm_restore(g.vm, &hash, guest_fresh(&g), &g.error) != JAVM_OK) fail_msg("%s", g.error.text);
    assert_int_equal(g.result.pause, why);
    assert_int_equal(javm_dir_sweep(g.dir, NULL, 0, &removed), JAVM_OK); /* now the VM holds it */
    go_on(25);
    gas += g.result.gas_used;
  }
  assert_halted(&g, expected.value);
  assert_int_equal(gas, expected.gas);
  assert_same_hash(g.result.instance, expected.instance);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(keep_leaves_the_yielder_that_was_paused_before),    T(a_reference_that_was_kept_serves_its_catcher_again),
      T(a_catcher_waits_for_the_host_with_a_yielder_above), T(a_meter_is_filled_and_what_ran_dry_is_kept_later),
      T(quota_that_is_short_twice_is_paid_once_each),       T(nothing_remains_of_what_was_kept_and_resumed_at_a_fault),
      T(a_drive_on_top_of_what_is_paused_keeps_its_own),    T(host_restores_what_was_kept_with_its_own),
      T(sweep_keeps_what_a_suspended_stack_needs),
  };
  return cmocka_run_group_tests_name("nestings", tests, NULL, NULL);
}
