/* suspend, restore and fork of a paused VM (4-vm.md 4.2). Each test is named after what it shows. */
#include <pthread.h>

#include "support/guest.h"

static guest g;
static javm_cap *marker, *catcher; /* the catcher with number 1 holds the marker */

static void open_world(guest *w) {
  guest_open(w);
  marker = guest_data(w, "marker");
  javm_hash key = guest_hash(w, marker);
  catcher = guest_catcher(w, 1, &key);
}

static int setup(void **state) {
  (void)state;
  open_world(&g);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  guest_close(&g);
  return 0;
}

#define CATCH ".yield_marker_slot 8\n"
#define CALL3 "load_imm a0, 3\nload_imm a1, 0\necalli 26\n"
#define YIELD1 "load_imm a0, 1\necalli 16\n"
#define MEMORY                                                                                                         \
  ".mapping persistent 0x10000 65536 slot 2\n.mapping ephemeral 0x40000 65536\n.mapping heap 0x80000 65536\n"

/*
 * Forty rounds: writes a word to a page of each kind of memory that depends on the round, mints a Data, emits what it yields,
 * spins (so that native code gets warm), and yields. Replies with a sum over all that it wrote.
 */
#define WORKER                                                                                                         \
  MEMORY ".quota_slot 6\nload_imm t0, 60000\nsbrk t1, t0\nload_imm s0, 0\nload_imm s1, 12345\nfallthrough\n"           \
         "round:\n  load_imm t0, 1103515245\n  mul_64 s1, s1, t0\n  add_imm_64 s1, s1, 12345\n"                        \
         "  and_imm t0, s1, 0xeff8\n"                                                                                  \
         "  add_imm_64 t1, t0, 0x10000\n  store_ind_u64 s1, [t1]\n"                                                    \
         "  add_imm_64 t1, t0, 0x40000\n  load_ind_u64 t2, [t1]\n  add_64 t2, t2, s1\n  store_ind_u64 t2, [t1]\n"      \
         "  and_imm t0, s1, 0xdff8\n  add_imm_64 t1, t0, 0x80000\n  load_ind_u64 t2, [t1]\n  xor t2, t2, s1\n"         \
         "  store_ind_u64 t2, [t1]\n"                                                                                  \
         "  load_imm a0, 1\n  ecalli 35\n"                                                                             \
         "  move_reg a0, t1\n  and_imm a0, a0, 0xff000\n  load_imm a1, 1\n  load_imm a2, 6\n  load_imm a3, 7\n"        \
         "  ecalli 23\n"                                                                                               \
         "  load_imm t0, 3000\n  fallthrough\nspin:\n  add_imm_64 t0, t0, -1\n  branch_ne_imm t0, 0, spin\n"           \
         "  " YIELD1 "  add_imm_64 s0, s0, 1\n  branch_ne_imm s0, 40, round\n"                                         \
         "  load_imm a0, 0\n  load_imm t0, 0\n  fallthrough\n"                                                         \
         "sum:\n  add_imm_64 t1, t0, 0x10000\n  load_ind_u64 t2, [t1]\n  add_64 a0, a0, t2\n"                          \
         "  add_imm_64 t1, t0, 0x40000\n  load_ind_u64 t2, [t1]\n  xor a0, a0, t2\n"                                   \
         "  and_imm t1, t0, 0xdff8\n  add_imm_64 t1, t1, 0x80000\n  load_ind_u64 t2, [t1]\n  add_64 a0, a0, t2\n"      \
         "  rot_r_64_imm a0, a0, 7\n  add_imm_64 t0, t0, 8\n  branch_ne_imm t0, 0x10000, sum\n  ecalli 0\n"

#define QUOTA_UNITS ((uint64_t)1000 * 4096)

/* The worker, called by a middle one, called by a catcher. */
static javm_cap *call_tree(guest *w) {
  javm_cap *quota = guest_kernel(w, JAVM_KERNEL_QUOTA, 5), *gas = guest_kernel(w, JAVM_KERNEL_GAS, 9);
  javm_cap *worker = guest_instance(w, guest_image(w, WORKER), SLOTS({1, marker}, {6, quota}));
  javm_cap *middle =
      guest_instance(w,
                     guest_image(w, ".gas_slot 9\n.mapping ephemeral 0x10000 4096\nstore_imm_u64 [0x10000], 7\n" CALL3
                                    "load_u64 t0, [0x10000]\nadd_64 a0, a0, t0\necalli 0\n"),
                     SLOTS({3, worker}, {9, gas}));
  return guest_instance(w, guest_image(w, CATCH CALL3 "ecalli 0\n"), SLOTS({3, middle}, {8, catcher}));
}

static void fill_assist(guest *w) {
  guest_set_quota(w, 5, QUOTA_UNITS);
  guest_set_meter(w, 9, 1000000);
}

/* What a whole run came to. */
typedef struct outcome {
  uint64_t value, gas, quota, meter, emits;
  javm_hash instance;
} outcome;

static outcome outcome_of(guest *w, uint64_t gas) {
  assert_int_equal(w->result.kind, JAVM_RESULT_HALT);
  return (outcome){w->result.return_value, gas, guest_quota(w, 5), guest_meter(w, 9), w->result.emit_count,
                   w->result.instance};
}

static void assert_same_outcome(const outcome *a, const outcome *b) {
  assert_int_equal(a->value, b->value);
  assert_int_equal(a->gas, b->gas);
  assert_int_equal(a->quota, b->quota);
  assert_int_equal(a->meter, b->meter);
  assert_int_equal(a->emits, b->emits);
  assert_same_hash(a->instance, b->instance);
}

/* In a world of its own; the test's is opened anew. */
static outcome undisturbed(void) {
  guest w;
  open_world(&w);
  fill_assist(&w);
  guest_invoke(&w, call_tree(&w), 0, NO_ARGS, GAS);
  uint64_t gas = w.result.gas_used;
  while (w.result.kind == JAVM_RESULT_PAUSED) {
    guest_resume(&w, NULL);
    gas += w.result.gas_used;
  }
  outcome o = outcome_of(&w, gas);
  assert_int_equal(o.emits, 40);
  guest_close(&w);
  return o;
}

static javm_hash suspend(guest *w) {
  javm_hash hash;
  assert_int_equal(javm_vm_suspend(w->vm, &hash, &w->error), JAVM_OK);
  return hash;
}

static void restore(guest *w, const javm_hash *hash) {
  assert_int_equal(javm_vm_restore(w->vm, hash, guest_fresh(w), &w->error), JAVM_OK);
  assert_int_equal(javm_vm_check(w->vm, &w->error), JAVM_OK);
}

static void next_engine(guest *w) {
  static const javm_engine engines[] = {JAVM_ENGINE_INTERPRETER, JAVM_ENGINE_RECOMPILER};
  static unsigned at;
  w->config.engine = engines[at++ % 2];
  guest_vm(w);
}

/* ---- suspend and restore ---- */

static void suspended_vm_goes_on_in_another_vm_with_the_same_results(void **state) {
  (void)state;
  teardown(NULL);
  outcome expected = undisturbed();
  open_world(&g);
  fill_assist(&g);
  guest_invoke(&g, call_tree(&g), 0, NO_ARGS, GAS);
  uint64_t gas = g.result.gas_used;
  while (g.result.kind == JAVM_RESULT_PAUSED) {
    assert_paused(&g, JAVM_PAUSE_YIELD);
    uint8_t *assist;
    size_t size;
    javm_hash hash = suspend(&g);
    assert_int_equal(javm_local_assist_export(g.local, &assist, &size), JAVM_OK);
    next_engine(&g); /* what the old one has paused is dropped, and undone in the assist */
    assert_int_equal(javm_local_assist_import(g.local, assist, size, &g.error), JAVM_OK);
    javm_free_bytes(javm_dir_allocator(g.dir), assist, size);
    restore(&g, &hash);
    assert_paused(&g, JAVM_PAUSE_YIELD);
    assert_same_cap(&g, g.result.payload, marker);
    assert_depth(&g, 4);
    guest_resume(&g, NULL);
    gas += g.result.gas_used;
  }
  outcome o = outcome_of(&g, gas);
  assert_same_outcome(&o, &expected);
}

static void suspended_vm_goes_on_in_another_process_from_bytes(void **state) {
  (void)state;
  teardown(NULL);
  outcome expected = undisturbed();
  open_world(&g);
  fill_assist(&g);
  guest_invoke(&g, call_tree(&g), 0, NO_ARGS, GAS);
  uint64_t gas = g.result.gas_used;
  for (unsigned round = 0; g.result.kind == JAVM_RESULT_PAUSED; round++) {
    if (round % 7 == 3) { /* everything goes through bytes into a new directory */
      javm_hash hash = suspend(&g);
      uint8_t *assist, *bytes;
      size_t assist_size, size;
      assert_int_equal(javm_local_assist_export(g.local, &assist, &assist_size), JAVM_OK);
      assert_int_equal(javm_bundle_encode(g.dir, guest_by_hash(&g, &hash), &bytes, &size, &g.error), JAVM_OK);
      guest there;
      open_world(&there);
      next_engine(&there);
      javm_cap *cap;
      assert_int_equal(javm_bundle_decode(there.dir, bytes, size, &cap, &there.error), JAVM_OK);
      guest_own(&there, cap);
      assert_int_equal(javm_local_assist_import(there.local, assist, assist_size, &there.error), JAVM_OK);
      javm_free_bytes(javm_dir_allocator(g.dir), bytes, size);
      javm_free_bytes(javm_dir_allocator(g.dir), assist, assist_size);
      guest_close(&g);
      g = there;
      g.assist = javm_local_assist_interface(g.local);
      restore(&g, &hash);
    }
    guest_resume(&g, NULL);
    gas += g.result.gas_used;
  }
  outcome o = outcome_of(&g, gas);
  assert_same_outcome(&o, &expected);
}

static void suspending_changes_nothing_and_gives_the_same_hash_again(void **state) {
  (void)state;
  fill_assist(&g);
  guest_invoke(&g, call_tree(&g), 0, NO_ARGS, GAS);
  for (unsigned i = 0; i < 3; i++) guest_resume(&g, NULL);
  javm_hash a = suspend(&g), b = suspend(&g);
  assert_same_hash(a, b);
  guest_vm(&g);
  restore(&g, &a);
  b = suspend(&g);
  assert_same_hash(a, b);
}

static void hash_of_a_suspended_vm_is_that_of_an_instance_with_its_continuation(void **state) {
  (void)state;
  fill_assist(&g);
  javm_cap *tree = call_tree(&g);
  guest_invoke(&g, tree, 0, NO_ARGS, GAS);
  javm_hash hash = suspend(&g);
  javm_instance_spec spec = guest_view(&g, guest_by_hash(&g, &hash)), before = guest_view(&g, tree);
  assert_same_hash(spec.image_hash_chain, before.image_hash_chain);
  assert_true(javm_dir_has(g.dir, &spec.paused));
  javm_cap *continuation;
  assert_int_equal(javm_dir_get(g.dir, &spec.paused, &continuation, &g.error), JAVM_OK);
  assert_int_equal(javm_cap_kind(continuation), JAVM_KIND_CONTINUATION);
  guest_own(&g, continuation);
}

#define LOOP                                                                                                           \
  "load_imm s0, 1000\nfallthrough\nloop:\n  add_imm_64 s0, s0, -1\nbranch_ne_imm s0, 0, loop\nload_imm a0, 9\necalli " \
  "0\n"

static void out_of_gas_is_suspended_at_the_block_not_yet_paid(void **state) {
  (void)state;
  g.config.host_catches_out_of_gas = true;
  guest_vm(&g);
  javm_cap *a = guest_instance(&g, guest_image(&g, LOOP), NO_SLOTS);
  guest_invoke(&g, a, 0, NO_ARGS, GAS);
  uint64_t whole = g.result.gas_used;
  guest_invoke(&g, a, 0, NO_ARGS, 777);
  assert_paused(&g, JAVM_PAUSE_OUT_OF_GAS);
  uint64_t gas = g.result.gas_used;
  while (g.result.kind == JAVM_RESULT_PAUSED) {
    javm_hash hash = suspend(&g);
    next_engine(&g);
    restore(&g, &hash);
    assert_paused(&g, JAVM_PAUSE_OUT_OF_GAS);
    assert_int_equal(javm_vm_add_gas(g.vm, 101), JAVM_OK);
    guest_resume(&g, NULL);
    gas += g.result.gas_used;
  }
  assert_halted(&g, 9);
  assert_int_equal(gas, whole);
}

static javm_host_action not_yet(void *ctx, javm_host_call *call) {
  (void)ctx, (void)call;
  return JAVM_HOST_PAUSE;
}

static void paused_host_call_is_suspended_and_completed_elsewhere(void **state) {
  (void)state;
  assert_int_equal(javm_vm_register(g.vm, 70, "ask", not_yet, NULL), JAVM_OK);
  javm_cap *a = guest_instance(&g, guest_image(&g, "ecalli 70\nadd_64 a0, a0, a1\necalli 0\n"), SLOTS({0, marker}));
  guest_invoke(&g, a, 0, NO_ARGS, GAS);
  assert_paused(&g, JAVM_PAUSE_HOST_CALL);
  javm_hash hash = suspend(&g);
  next_engine(&g);
  restore(&g, &hash);
  assert_paused(&g, JAVM_PAUSE_HOST_CALL);
  assert_int_equal(g.result.host_function, 70);
  assert_same_cap(&g, g.result.payload, marker);
  guest_complete(&g, (const uint64_t[]){40, 2}, 2);
  assert_halted(&g, 42);
}

static void drop_after_a_restore_undoes_what_the_yielder_did(void **state) {
  (void)state;
  fill_assist(&g);
  guest_invoke(&g, call_tree(&g), 0, NO_ARGS, GAS);
  guest_resume(&g, NULL);
  assert_int_equal(guest_quota(&g, 5), QUOTA_UNITS - 2 * 4096);
  javm_hash hash = suspend(&g);
  guest_vm(&g); /* undone, here */
  assert_int_equal(guest_quota(&g, 5), QUOTA_UNITS);
  guest_set_quota(&g, 5, QUOTA_UNITS - 2 * 4096);
  restore(&g, &hash);
  guest_drop(&g);
  assert_halted(&g, 0);
  assert_int_equal(guest_quota(&g, 5), QUOTA_UNITS);
  assert_int_equal(g.result.emit_count, 0);
}

static void several_drives_are_suspended_together(void **state) {
  (void)state;
  fill_assist(&g);
  javm_cap *tree = call_tree(&g);
  guest_invoke(&g, tree, 0, NO_ARGS, GAS);
  g.config.host_catches_out_of_gas = false;
  guest_invoke(&g, tree, 0, NO_ARGS, GAS / 2); /* on top of what is paused */
  assert_paused(&g, JAVM_PAUSE_YIELD);
  assert_depth(&g, 8);
  javm_hash hash = suspend(&g);
  next_engine(&g);
  fill_assist(&g);
  restore(&g, &hash);
  assert_depth(&g, 8);
  while (g.result.kind == JAVM_RESULT_PAUSED) guest_resume(&g, NULL);
  uint64_t value = g.result.return_value;
  assert_depth(&g, 4);
  do guest_resume(&g, NULL);
  while (g.result.kind == JAVM_RESULT_PAUSED);
  assert_halted(&g, value);
  assert_depth(&g, 0);
}

static void what_a_guest_kept_can_be_restored_by_the_host(void **state) {
  (void)state;
  g.config.yield_mode = JAVM_YIELD_TO_CATCHER;
  guest_vm(&g);
  javm_cap *yielder = guest_instance(&g, guest_image(&g, YIELD1 "load_imm a0, 77\necalli 0\n"), SLOTS({1, marker}));
  javm_cap *keeper = guest_instance(&g, guest_image(&g, CATCH CALL3 "load_imm a0, 4\necalli 29\necalli 0\n"),
                                    SLOTS({3, yielder}, {8, catcher}));
  guest_invoke(&g, keeper, 0, NO_ARGS, GAS);
  javm_hash kept = guest_hash(&g, guest_slot(&g, guest_post(&g), 4));
  restore(&g, &kept);
  assert_paused(&g, JAVM_PAUSE_YIELD);
  assert_same_cap(&g, g.result.payload, marker);
  assert_int_equal(javm_vm_add_gas(g.vm, 100), JAVM_OK);
  guest_resume(&g, NULL);
  assert_halted(&g, 77);
}

static void suspend_and_restore_refuse_what_cannot_be(void **state) {
  (void)state;
  javm_hash hash;
  assert_int_equal(javm_vm_suspend(g.vm, &hash, &g.error), JAVM_NOT_PAUSED);
  fill_assist(&g);
  javm_cap *tree = call_tree(&g);
  hash = guest_put(&g, tree);
  assert_int_equal(javm_vm_restore(g.vm, &hash, guest_fresh(&g), &g.error), JAVM_NOT_PAUSED);
  hash = guest_put(&g, marker);
  assert_int_equal(javm_vm_restore(g.vm, &hash, guest_fresh(&g), &g.error), JAVM_INSTANCE_NOT_FOUND);
  hash.bytes[0] ^= 1;
  assert_int_equal(javm_vm_restore(g.vm, &hash, guest_fresh(&g), &g.error), JAVM_INSTANCE_NOT_FOUND);
  assert_same_hash(g.error.hash, hash);
  guest_invoke(&g, tree, 0, NO_ARGS, GAS);
  hash = suspend(&g);
  assert_int_equal(javm_vm_restore(g.vm, &hash, guest_fresh(&g), &g.error), JAVM_INVALID_ARGUMENT);
  g.config.max_depth = 3;
  guest_vm(&g);
  assert_int_equal(javm_vm_restore(g.vm, &hash, guest_fresh(&g), &g.error), JAVM_CALL_STACK_FULL);
  assert_depth(&g, 0);
}

/* ---- fork ---- */

static uint64_t run_out(javm_vm *vm, javm_dir *dir, javm_result *result) {
  uint64_t gas = 0;
  do {
    javm_result_clear(dir, result);
    assert_int_equal(javm_vm_call_resume(vm, NULL, result, NULL), JAVM_OK);
    gas += result->gas_used;
  } while (result->kind == JAVM_RESULT_PAUSED);
  return gas;
}

static void fork_goes_its_own_way_also_when_the_parent_is_gone(void **state) {
  (void)state;
  teardown(NULL);
  outcome expected = undisturbed();
  open_world(&g);
  fill_assist(&g);
  guest_invoke(&g, call_tree(&g), 0, NO_ARGS, GAS);
  uint64_t gas = g.result.gas_used;
  for (unsigned i = 0; i < 5; i++) {
    guest_resume(&g, NULL);
    gas += g.result.gas_used;
  }
  uint8_t *assist;
  size_t size;
  assert_int_equal(javm_local_assist_export(g.local, &assist, &size), JAVM_OK);
  javm_vm *forks[10];
  javm_local_assist *locals[10];
  for (unsigned i = 0; i < 10; i++) {
    assert_int_equal(javm_local_assist_new(g.dir, &locals[i]), JAVM_OK);
    assert_int_equal(javm_local_assist_import(locals[i], assist, size, &g.error), JAVM_OK);
    /* half of them are forks of forks */
    assert_int_equal(
        javm_vm_fork(i < 5 ? g.vm : forks[i - 5], javm_local_assist_interface(locals[i]), &forks[i], &g.error),
        JAVM_OK);
  }
  javm_free_bytes(javm_dir_allocator(g.dir), assist, size);
  guest_vm(&g); /* the parent goes */
  for (unsigned i = 0; i < 10; i++) {
    javm_result result = {0};
    uint64_t own = gas + run_out(forks[i], g.dir, &result);
    assert_int_equal(result.kind, JAVM_RESULT_HALT);
    const javm_assist *a = javm_local_assist_interface(locals[i]);
    outcome o = {
        result.return_value, own, a->storage_quota_get(a->ctx, 5), a->gas_meter_get(a->ctx, 9), result.emit_count,
        result.instance};
    assert_same_outcome(&o, &expected);
    javm_result_clear(g.dir, &result);
    javm_vm_free(forks[i]);
    javm_local_assist_free(locals[i]);
  }
}

static void forks_and_parent_diverge(void **state) {
  (void)state;
  javm_cap *yielder =
      guest_instance(&g,
                     guest_image(&g, MEMORY "store_imm_u64 [0x10000], 5\n" YIELD1
                                            "load_imm a0, 0\necalli 37\nload_u64 t0, [0x10000]\nadd_64 t0, t0, a0\n"
                                            "store_u64 t0, [0x10000]\nmove_reg a0, t0\necalli 0\n"),
                     SLOTS({1, marker}));
  guest_invoke(&g, guest_instance(&g, guest_image(&g, CATCH CALL3 "ecalli 0\n"), SLOTS({3, yielder}, {8, catcher})), 0,
               NO_ARGS, GAS);
  javm_vm *fork;
  assert_int_equal(javm_vm_fork(g.vm, NULL, &fork, &g.error), JAVM_OK);
  javm_result result = {0};
  assert_int_equal(javm_vm_call_resume(fork, marker, &result, &g.error), JAVM_OK);
  assert_int_equal(result.return_value, 5 + 3);
  guest_resume(&g, NULL);
  assert_halted(&g, 5);
  assert_other_hash(result.instance, g.result.instance);
  javm_result_clear(g.dir, &result);
  javm_vm_free(fork);
}

static void fork_without_an_assist_of_its_own_undoes_nothing_from_before(void **state) {
  (void)state;
  fill_assist(&g);
  guest_invoke(&g, call_tree(&g), 0, NO_ARGS, GAS);
  guest_resume(&g, NULL);
  assert_int_equal(guest_quota(&g, 5), QUOTA_UNITS - 2 * 4096);
  javm_vm *fork;
  assert_int_equal(javm_vm_fork(g.vm, NULL, &fork, &g.error), JAVM_OK);
  javm_result result = {0};
  assert_int_equal(javm_vm_call_resume(fork, NULL, &result, &g.error), JAVM_OK); /* mints one more */
  javm_result_clear(g.dir, &result);
  assert_int_equal(guest_quota(&g, 5), QUOTA_UNITS - 3 * 4096);
  assert_int_equal(javm_vm_drop_paused(fork, &result, &g.error), JAVM_OK);
  javm_result_clear(g.dir, &result);
  javm_vm_free(fork);
  assert_int_equal(guest_quota(&g, 5), QUOTA_UNITS - 2 * 4096); /* only that one */
  guest_drop(&g);
  assert_int_equal(guest_quota(&g, 5), QUOTA_UNITS);
}

static void fork_of_an_empty_vm_has_its_functions(void **state) {
  (void)state;
  assert_int_equal(javm_vm_register(g.vm, 70, "ask", not_yet, NULL), JAVM_OK);
  javm_vm *fork;
  assert_int_equal(javm_vm_fork(g.vm, NULL, &fork, &g.error), JAVM_OK);
  javm_hash hash = guest_put(&g, guest_instance(&g, guest_image(&g, "ecalli 70\necalli 0\n"), NO_SLOTS));
  javm_result result = {0};
  assert_int_equal(javm_vm_invoke(fork, &hash, 0, NO_ARGS, GAS, &result, &g.error), JAVM_OK);
  assert_int_equal(result.kind, JAVM_RESULT_PAUSED);
  assert_int_equal(result.pause, JAVM_PAUSE_HOST_CALL);
  javm_result_clear(g.dir, &result);
  javm_vm_free(fork);
}

typedef struct event_log {
  size_t count;
  javm_trace_kind kinds[64];
  uint64_t gas[64];
} event_log;

static void log_event(void *ctx, const javm_trace_event *event) {
  event_log *log = ctx;
  assert_true(log->count < 64);
  log->kinds[log->count] = event->kind;
  log->gas[log->count++] = event->gas;
}

/* The bottom entry pauses in an ecall. */
static void forks_do_not_disturb_the_trace_and_have_none(void **state) {
  (void)state;
  event_log logs[2] = {{0}, {0}};
  javm_cap *a = guest_instance(&g, guest_image(&g, "ecalli 70\necalli 70\necalli 0\n"), NO_SLOTS);
  g.config.trace = log_event;
  for (int forked = 0; forked < 2; forked++) {
    g.config.trace_ctx = &logs[forked];
    guest_vm(&g);
    assert_int_equal(javm_vm_register(g.vm, 70, "ask", not_yet, NULL), JAVM_OK);
    javm_vm *fork = NULL;
    guest_invoke(&g, a, 0, NO_ARGS, GAS);
    if (forked) assert_int_equal(javm_vm_fork(g.vm, NULL, &fork, &g.error), JAVM_OK);
    guest_complete(&g, NULL, 0);
    guest_complete(&g, (const uint64_t[]){5}, 1);
    assert_halted(&g, 5);
    javm_vm_free(fork);
  }
  assert_int_equal(logs[1].count, logs[0].count);
  assert_memory_equal(logs[1].kinds, logs[0].kinds, sizeof logs[0].kinds);
  assert_memory_equal(logs[1].gas, logs[0].gas, sizeof logs[0].gas);
  /* A fork that is left alone with what was traced. */
  guest_invoke(&g, a, 0, NO_ARGS, GAS);
  javm_vm *fork;
  assert_int_equal(javm_vm_fork(g.vm, NULL, &fork, &g.error), JAVM_OK);
  guest_vm(&g);
  javm_result result = {0};
  size_t count = logs[1].count;
  for (int i = 0; i < 2; i++)
    assert_int_equal(javm_vm_complete_host_call(fork, (const uint64_t[]){6}, 1, &result, &g.error), JAVM_OK);
  assert_int_equal(result.return_value, 6);
  assert_int_equal(logs[1].count, count);
  javm_result_clear(g.dir, &result);
  javm_vm_free(fork);
}

static void value_that_would_have_too_many_effects_is_not_made(void **state) {
  (void)state;
  javm_cap *a = guest_instance(&g,
                               guest_image(&g, "move_reg s0, a0\nload_imm a0, 1\nfallthrough\nagain:\n  ecalli 35\n"
                                               "  add_imm_64 s0, s0, -1\n  branch_ne_imm s0, 0, again\n"
                                               "ecalli 70\necalli 0\n"),
                               SLOTS({1, marker}));
  assert_int_equal(javm_vm_register(g.vm, 70, "ask", not_yet, NULL), JAVM_OK);
  for (int more = 0; more < 2; more++) {
    javm_hash hash;
    guest_invoke(&g, a, 0, ARGS(65536 + (uint64_t)more), GAS);
    assert_paused(&g, JAVM_PAUSE_HOST_CALL);
    assert_int_equal(javm_vm_suspend(g.vm, &hash, &g.error), more ? JAVM_OUT_OF_RANGE : JAVM_OK);
    guest_complete(&g, NULL, 0);
    assert_int_equal(g.result.emit_count, 65536 + more);
  }
}

typedef struct racer {
  pthread_t thread;
  javm_vm *vm;
  javm_local_assist *local;
  javm_dir *dir;
  uint64_t gas;
  javm_hash saved;
  javm_result result;
} racer;

static void *race(void *ctx) {
  racer *r = ctx;
  javm_vm *fork;
  assert_int_equal(javm_vm_suspend(r->vm, &r->saved, NULL), JAVM_OK); /* of entries that others save and leave */
  assert_int_equal(javm_vm_fork(r->vm, NULL, &fork, NULL), JAVM_OK);
  javm_vm_free(fork);
  r->gas = run_out(r->vm, r->dir, &r->result);
  javm_vm_free(r->vm);
  return NULL;
}

static void forks_run_on_threads_at_once(void **state) {
  (void)state;
  fill_assist(&g);
  guest_invoke(&g, call_tree(&g), 0, NO_ARGS, GAS);
  for (unsigned i = 0; i < 5; i++) guest_resume(&g, NULL);
  racer racers[8];
  for (unsigned i = 0; i < 8; i++) {
    racers[i] = (racer){.dir = g.dir};
    assert_int_equal(javm_local_assist_new(g.dir, &racers[i].local), JAVM_OK);
    const javm_assist *a = javm_local_assist_interface(racers[i].local);
    uint64_t previous;
    assert_int_equal(a->storage_quota_set(a->ctx, 5, QUOTA_UNITS, &previous), JAVM_OK);
    assert_int_equal(a->gas_meter_set(a->ctx, 9, GAS, &previous), JAVM_OK);
    javm_hash key = guest_hash(&g, catcher), marker_key = guest_hash(&g, marker);
    assert_int_equal(a->yield_catcher_add(a->ctx, &key, &marker_key), JAVM_OK);
    assert_int_equal(javm_vm_fork(g.vm, a, &racers[i].vm, &g.error), JAVM_OK);
  }
  guest_vm(&g);
  for (unsigned i = 0; i < 8; i++) assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
  for (unsigned i = 0; i < 8; i++) {
    pthread_join(racers[i].thread, NULL);
    assert_int_equal(racers[i].result.kind, JAVM_RESULT_HALT);
    assert_int_equal(racers[i].result.return_value, racers[0].result.return_value);
    assert_same_hash(racers[i].saved, racers[0].saved);
  }
  for (unsigned i = 0; i < 8; i++) {
    javm_result_clear(g.dir, &racers[i].result);
    javm_local_assist_free(racers[i].local);
  }
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(suspended_vm_goes_on_in_another_vm_with_the_same_results),
      T(suspended_vm_goes_on_in_another_process_from_bytes),
      T(suspending_changes_nothing_and_gives_the_same_hash_again),
      T(hash_of_a_suspended_vm_is_that_of_an_instance_with_its_continuation),
      T(out_of_gas_is_suspended_at_the_block_not_yet_paid),
      T(paused_host_call_is_suspended_and_completed_elsewhere),
      T(drop_after_a_restore_undoes_what_the_yielder_did),
      T(several_drives_are_suspended_together),
      T(what_a_guest_kept_can_be_restored_by_the_host),
      T(suspend_and_restore_refuse_what_cannot_be),
      T(fork_goes_its_own_way_also_when_the_parent_is_gone),
      T(forks_and_parent_diverge),
      T(fork_without_an_assist_of_its_own_undoes_nothing_from_before),
      T(fork_of_an_empty_vm_has_its_functions),
      T(forks_do_not_disturb_the_trace_and_have_none),
      T(value_that_would_have_too_many_effects_is_not_made),
      T(forks_run_on_threads_at_once),
  };
  return cmocka_run_group_tests_name("suspend, restore, fork", tests, NULL, NULL);
}
