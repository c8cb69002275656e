/* What a suspended stack carries, and stacks that no VM has written (4-vm.md 4.2, 4.5). Each test is named after what it
 * shows. */
#include <stdlib.h>

#include "support/yields.h"

#define CALL4 "load_imm a0, 4\nload_imm a1, 0\necalli 26\n"
#define KEEP5 "load_imm a0, 5\necalli 29\n"
#define RESUME5 "load_imm a0, 5\necalli 30\n"

static javm_hash suspend(void) {
  javm_hash hash;
  assert_int_equal(javm_vm_suspend(g.vm, &hash, &g.error), JAVM_OK);
  return hash;
}

static javm_status try_restore(javm_hash hash) { return javm_vm_restore(g.vm, &hash, guest_fresh(&g), &g.error); }

static void restore(javm_hash hash) {
  if (try_restore(hash) != JAVM_OK) fail_msg("%s", g.error.text);
  assert_int_equal(javm_vm_check(g.vm, &g.error), JAVM_OK);
}

/* Another VM, in the state that this one is in; the assist as it was. */
static void suspend_and_restore(void) {
  javm_hash hash = suspend();
  uint8_t *assist;
  size_t size;
  assert_int_equal(javm_local_assist_export(g.local, &assist, &size), JAVM_OK);
  guest_vm(&g);
  assert_int_equal(javm_local_assist_import(g.local, assist, size, &g.error), JAVM_OK);
  javm_free_bytes(javm_dir_allocator(g.dir), assist, size);
  restore(hash);
}

/* ---- stacks that no VM has written ---- */

typedef struct entry {
  uint8_t bytes[45]; /* kind, instance, callee_slot, target (docs/formats.md) */
} entry;
enum { KIND = 0, TARGET = 41, TO_HOST = 255, REFERENCE = 1 };
static entry entries[8];
static size_t entry_count;

/* The entries of the suspended stack. */
static void read_entries(javm_hash suspended) {
  javm_instance_spec spec = guest_view(&g, guest_by_hash(&g, &suspended));
  javm_cap *continuation;
  uint8_t *bytes;
  size_t size;
  assert_int_equal(javm_dir_get(g.dir, &spec.paused, &continuation, &g.error), JAVM_OK);
  guest_own(&g, continuation);
  assert_int_equal(javm_cap_encode(g.dir, continuation, &bytes, &size, &g.error), JAVM_OK);
  assert_int_equal((size - 37) % sizeof *entries, 0);
  entry_count = (size - 37) / sizeof *entries;
  assert_true(entry_count <= 8);
  memcpy(entries, bytes + 37, size - 37);
  javm_free_bytes(javm_dir_allocator(g.dir), bytes, size);
}

static entry reference_to(uint8_t target) {
  entry e = {{[KIND] = REFERENCE, [TARGET] = target}};
  if (target == TO_HOST) memset(e.bytes + TARGET, 0xff, 4);
  return e;
}

/* A suspended Instance as this one, with the entries in the place of its own. */
static javm_hash with_entries(javm_hash suspended, const entry *list, size_t count) {
  javm_instance_spec spec = guest_view(&g, guest_by_hash(&g, &suspended));
  uint8_t bytes[37 + sizeof entries] = {JAVM_KIND_CONTINUATION, [33] = 36};
  javm_cap *continuation;
  memcpy(bytes + 37, list, count * sizeof *list);
  assert_int_equal(javm_cap_decode(g.dir, bytes, 37 + count * sizeof *list, &continuation, &g.error), JAVM_OK);
  spec.paused = guest_put(&g, guest_own(&g, continuation));
  return guest_put(&g, guest_make(&g, &spec));
}
#define WITH(suspended, ...)                                                                                           \
  with_entries(suspended, (const entry[]){__VA_ARGS__}, sizeof(entry[]){__VA_ARGS__} / sizeof(entry))

/* Suspended: the catcher, its yielder, the Reference; then a second drive of the same on top. */
static javm_hash two_drives(void) {
  javm_cap *a = instance_of(CATCH CALL3 KEEP5 RESUME5 "ecalli 0\n", SLOTS({3, yielder()}, {8, catcher}));
  guest_invoke(&g, a, 0, NO_ARGS, GAS);
  guest_invoke(&g, a, 0, NO_ARGS, GAS);
  assert_depth(&g, 6);
  javm_hash hash = suspend();
  read_entries(hash);
  guest_vm(&g);
  return hash;
}

static void the_stack_as_it_was_written_can_be_restored(void **state) {
  (void)state;
  javm_hash hash = two_drives();
  restore(with_entries(hash, entries, 6));
  guest_deliver(&g);
  assert_halted(&g, 100);
  guest_deliver(&g);
  assert_halted(&g, 100);
  restore(WITH(hash, entries[0], entries[1], entries[2]));
  guest_deliver(&g);
  assert_halted(&g, 100);
}

static void assert_not_restored(javm_hash hash) {
  assert_int_equal(try_restore(hash), JAVM_INVALID_INSTANCE);
  assert_depth(&g, 0);
}

static void a_reference_keeps_somebody_else_than_its_target_paused(void **state) {
  (void)state;
  javm_hash hash = two_drives();
  assert_not_restored(WITH(hash, entries[0], reference_to(0)));
  assert_not_restored(WITH(hash, entries[0], entries[1], entries[2], reference_to(0)));
}

static void a_reference_points_at_a_caller_in_its_drive(void **state) {
  (void)state;
  javm_hash hash = two_drives();
  assert_not_restored(WITH(hash, entries[0], entries[1], reference_to(1)));
  assert_not_restored(WITH(hash, entries[0], entries[1], entries[2], entries[3], entries[4], reference_to(0)));
  /* not at who is only paused in between */
  assert_not_restored(WITH(hash, entries[0], entries[1], entries[2], entries[1], reference_to(1)));
  restore(WITH(hash, entries[0], entries[1], entries[2], entries[1], reference_to(0)));
}

static void what_stands_on_a_reference_for_the_host_is_another_drive(void **state) {
  (void)state;
  javm_hash hash = two_drives();
  assert_not_restored(WITH(hash, entries[0], reference_to(TO_HOST), entries[1], reference_to(TO_HOST)));
  assert_not_restored(WITH(hash, entries[0], entries[1], reference_to(TO_HOST), reference_to(0)));
  assert_not_restored(WITH(hash, entries[0], reference_to(TO_HOST), reference_to(TO_HOST)));
  restore(WITH(hash, entries[0], reference_to(TO_HOST), entries[3], reference_to(TO_HOST)));
}

static void a_drive_begins_on_a_reference(void **state) {
  (void)state;
  javm_hash hash = two_drives();
  assert_not_restored(WITH(hash, entries[0], entries[3], reference_to(TO_HOST)));
  assert_not_restored(WITH(hash, entries[0], entries[1], entries[3], entries[4], reference_to(2)));
}

/* ---- what is carried ---- */

#define DIRTY ".quota_slot 6\n.mapping persistent 0x10000 4096 slot 2\nstore_imm_u64 [0x10000], 1\nload_imm a0, 55\n"
#define REPLY DIRTY "ecalli 0\ntrap\n"
/* A Halt by a jump to the address that ends a program. */
#define LEAVE DIRTY "load_imm_64 t0, 0xffff0000\njump_ind t0, 0\n"

/* A Halt that its quota does not cover pauses, and is a Halt when it goes on. */
static void a_halt_that_waits_for_quota_is_still_one(void **state) {
  (void)state;
  g.config.host_catches_out_of_gas = true;
  const char *texts[] = {REPLY, LEAVE};
  for (int model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_NONE; model++) {
    for (int i = 0; i < 2; i++) {
      javm_cap *child = instance_of(texts[i], SLOTS({6, guest_kernel(&g, JAVM_KERNEL_QUOTA, 5)}));
      javm_cap *a = instance_of(CALL3 "ecalli 0\n", SLOTS({3, child}));
      javm_hash post[2];
      uint64_t gas[2];
      for (int saved = 0; saved < 2; saved++) {
        g.config.gas_model = (javm_gas_model)model;
        guest_vm(&g);
        guest_set_quota(&g, 5, 4095);
        guest_invoke(&g, a, 0, NO_ARGS, GAS);
        assert_paused(&g, JAVM_PAUSE_QUOTA);
        gas[saved] = g.result.gas_used;
        if (saved) suspend_and_restore();
        assert_paused(&g, JAVM_PAUSE_QUOTA);
        guest_resume(&g, NULL); /* it still does not suffice */
        assert_paused(&g, JAVM_PAUSE_QUOTA);
        gas[saved] += g.result.gas_used;
        guest_set_quota(&g, 5, 4096);
        guest_resume(&g, NULL);
        assert_halted(&g, 55);
        assert_int_equal(guest_quota(&g, 5), 0);
        gas[saved] += g.result.gas_used;
        post[saved] = g.result.instance;
      }
      assert_int_equal(gas[0], gas[1]);
      assert_same_hash(post[0], post[1]);
    }
  }
}

static void a_halt_that_was_kept_for_lack_of_quota_is_still_one(void **state) {
  (void)state;
  g.config.yield_mode = JAVM_YIELD_TO_CATCHER;
  guest_vm(&g);
  javm_hash key;
  javm_kernel_hash(JAVM_KERNEL_STORAGE_EXHAUSTED_MARKER, &key);
  guest_catches(&g, catcher, &key);
  const char *texts[] = {REPLY, LEAVE};
  for (int i = 0; i < 2; i++) {
    javm_cap *child = instance_of(texts[i], SLOTS({6, guest_kernel(&g, JAVM_KERNEL_QUOTA, 5)}));
    guest_set_quota(&g, 5, 0);
    guest_invoke(&g, instance_of(CATCH CALL3 KEEP5 "ecalli 0\n", SLOTS({3, child}, {8, catcher})), 0, NO_ARGS, GAS);
    javm_cap *kept = guest_slot(&g, guest_post(&g), 5);
    javm_cap *resume = instance_of(RESUME5 "ecalli 0\n", SLOTS({5, kept}));
    guest_set_quota(&g, 5, 4096);
    guest_invoke(&g, resume, 0, NO_ARGS, GAS);
    assert_halted(&g, 55);
    assert_int_equal(guest_quota(&g, 5), 0);
    assert_int_equal(guest_word(&g, guest_slot(&g, guest_post(&g), 5), 0x10000), 1);
  }
}

static javm_host_action not_yet(void *ctx, javm_host_call *call) {
  (void)ctx, (void)call;
  return JAVM_HOST_PAUSE;
}

/* Dropped after a restore, a pause for the host has the result that it has without. */
static void what_was_refused_is_known_after_a_restore(void **state) {
  (void)state;
  g.config.host_catches_out_of_gas = true;
  javm_cap *quota = guest_kernel(&g, JAVM_KERNEL_QUOTA, 5);
  const struct {
    const char *text;
    javm_pause_kind pause;
    javm_refusal why;
    uint32_t operation;
  } cases[] = {
      {"ecalli 70\necalli 0\n", JAVM_PAUSE_HOST_CALL, JAVM_REFUSAL_HOST, 70},
      {REPLY, JAVM_PAUSE_QUOTA, JAVM_REFUSAL_QUOTA_EXHAUSTED, 0},
      {".mapping ephemeral 0x10000 4096\nload_imm a0, 0x10000\nload_imm a1, 9\nload_imm a2, 6\nload_imm a3, 7\n"
       "ecalli 23\necalli 0\n",
       JAVM_PAUSE_QUOTA, JAVM_REFUSAL_QUOTA_EXHAUSTED, 23},
      {"load_imm a0, 4\nload_imm a1, 6\nload_imm a2, 7\necalli 25\necalli 0\n", JAVM_PAUSE_QUOTA,
       JAVM_REFUSAL_QUOTA_EXHAUSTED, 25},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int saved = 0; saved < 2; saved++) {
      guest_vm(&g);
      assert_int_equal(javm_vm_register(g.vm, 70, "ask", not_yet, NULL), JAVM_OK);
      guest_invoke(&g, instance_of(cases[i].text, SLOTS({4, marker}, {6, quota})), 0, NO_ARGS, GAS);
      assert_paused(&g, cases[i].pause);
      if (saved) suspend_and_restore();
      guest_drop(&g);
      assert_refused(&g, cases[i].why, cases[i].operation);
    }
  }
}

/* ---- the depth of the stack ---- */

static void a_stack_that_was_full_can_be_restored(void **state) {
  (void)state;
  g.config.max_depth = 2;
  g.config.host_catches_out_of_gas = true;
  guest_vm(&g);
  assert_int_equal(javm_vm_register(g.vm, 70, "ask", not_yet, NULL), JAVM_OK);
  javm_cap *child = instance_of("ecalli 70\necalli 0\n", NO_SLOTS);
  guest_invoke(&g, instance_of(CALL3 "ecalli 0\n", SLOTS({3, child})), 0, NO_ARGS, GAS);
  assert_paused(&g, JAVM_PAUSE_HOST_CALL);
  assert_depth(&g, 3); /* the Reference of a pause that the VM makes finds room */
  suspend_and_restore();
  guest_complete(&g, (const uint64_t[]){9}, 1);
  assert_halted(&g, 9);
}

/* A catcher that runs on with a full stack below its Reference can push nothing. */
static void call_resume_on_a_stack_that_is_more_than_full_is_refused(void **state) {
  (void)state;
  g.config.yield_mode = JAVM_YIELD_TO_CATCHER;
  guest_vm(&g);
  guest_invoke(&g, instance_of(CATCH CALL3 KEEP5 "ecalli 0\n", SLOTS({3, yielder()}, {8, catcher})), 0, NO_ARGS, GAS);
  javm_cap *kept = guest_slot(&g, guest_post(&g), 5);
  javm_hash key;
  javm_kernel_hash(JAVM_KERNEL_OOG_MARKER, &key);
  guest_catches(&g, catcher, &key);
  javm_cap *poor = instance_of(".gas_slot 6\necalli 0\n", SLOTS({6, guest_kernel(&g, JAVM_KERNEL_GAS, 9)}));
  g.config.max_depth = 2;
  guest_vm(&g);
  for (int operation = 0; operation < 2; operation++) {
    guest_invoke(&g,
                 instance_of(operation ? CATCH CALL3 RESUME5 "ecalli 0\n" : CATCH CALL3 CALL3 "ecalli 0\n",
                             SLOTS({3, poor}, {5, kept}, {8, catcher})),
                 0, NO_ARGS, GAS);
    assert_refused(&g, JAVM_REFUSAL_STACK_FULL, operation ? 30 : 26);
  }
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup_yields, teardown)
  const struct CMUnitTest tests[] = {
      T(the_stack_as_it_was_written_can_be_restored),
      T(a_reference_keeps_somebody_else_than_its_target_paused),
      T(a_reference_points_at_a_caller_in_its_drive),
      T(what_stands_on_a_reference_for_the_host_is_another_drive),
      T(a_drive_begins_on_a_reference),
      T(a_halt_that_waits_for_quota_is_still_one),
      T(a_halt_that_was_kept_for_lack_of_quota_is_still_one),
      T(what_was_refused_is_known_after_a_restore),
      T(a_stack_that_was_full_can_be_restored),
      T(call_resume_on_a_stack_that_is_more_than_full_is_refused),
  };
  return cmocka_run_group_tests_name("restore", tests, NULL, NULL);
}
