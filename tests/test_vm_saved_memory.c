/*
 * Every request for memory of what keeps, resumes, suspends, restores and forks paused computations fails once, at each place
 * in turn, and all from there on: OUT_OF_MEMORY, nothing has changed, nothing leaks, and made again it comes to the same.
 * The allocator spoils what is given back, so that a fork that looked at what its origin has freed would be seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "javm.h"
#include "support/engine.h"
#include "support/failing_alloc.h"

#define TRY(call)                                                                                                      \
  do {                                                                                                                 \
    status = (call);                                                                                                   \
    if (status != JAVM_OK) return status;                                                                              \
  } while (0)
#define TRY_TWICE(call)                                                                                                \
  do {                                                                                                                 \
    status = (call);                                                                                                   \
    if (status == JAVM_OUT_OF_MEMORY) status = (call);                                                                 \
    if (status != JAVM_OK) return status;                                                                              \
  } while (0)

enum { QUOTA = 6, UNITS = 100 * JAVM_PAGE_BYTES, GAS = 1000000, VMS = 4, ASK = 70 };

#define CALL3 "load_imm a0, 3\nload_imm a1, 0\necalli 26\n"
#define YIELD1 "load_imm a0, 1\necalli 16\n"
#define MEMORY ".mapping persistent 0x10000 8192 slot 2\n.mapping ephemeral 0x20000 8192\n.mapping heap 0x40000 65536\n"

/* Writes memory of all kinds, mints a Data and emits; yields; does more of it, yields again, spins; replies with a sum. */
#define WORK                                                                                                           \
  MEMORY                                                                                                               \
  ".quota_slot 6\n.endpoint 0 main\nmain:\n  load_imm t0, 5000\n  sbrk t1, t0\n  store_imm_u64 [0x10008], 1\n"         \
  "  store_imm_u64 [0x20000], 4\n  store_imm_u64 [0x41000], 8\n  load_imm a0, 1\n  ecalli 35\n"                        \
  "  load_imm a0, 0x10000\n  load_imm a1, 10\n  load_imm a2, 6\n  load_imm a3, 7\n  ecalli 23\n  " YIELD1              \
  "  load_u64 s0, [0x10008]\n  load_u64 t0, [0x20000]\n  add_64 s0, s0, t0\n  load_u64 t0, [0x41000]\n"                \
  "  add_64 s0, s0, t0\n  store_u64 s0, [0x11000]\n  store_u64 s0, [0x20000]\n  load_imm a0, 1\n  ecalli 35\n "        \
  " " YIELD1 "  load_u64 a0, [0x20000]\n  ecalli 0\n"
/* Calls the worker and adds 1000 to its sum. */
#define MIDDLE MEMORY "store_imm_u64 [0x10000], 3\n" CALL3 "add_imm_64 a0, a0, 1000\necalli 0\n"
/* Keeps what has yielded, twice, resumes one copy, drops what that yields, and lets the other run to its end. */
#define KEEPER                                                                                                         \
  ".yield_marker_slot 8\n" CALL3 "load_imm a0, 4\necalli 29\nload_imm a0, 4\nload_imm a1, 5\necalli 1\n"               \
  "load_imm a0, 4\necalli 30\nload_imm a0, 9\necalli 29\nload_imm a0, 9\necalli 31\n"                                  \
  "load_imm a0, 5\necalli 30\necalli 27\necalli 0\n"
#define CATCHER ".yield_marker_slot 8\n" CALL3 "ecalli 0\n"

typedef struct world {
  javm_dir *dir;
  javm_local_assist *assists[VMS];
  javm_vm *vms[VMS];
  javm_vm_config config;
  javm_result result;
  javm_cap *caps[24];
  size_t cap_count;
  javm_hash start;
} world;

static javm_status keep(world *w, javm_status status, javm_cap *cap, javm_cap **out) {
  if (status == JAVM_OK) w->caps[w->cap_count++] = *out = cap;
  return status;
}

static javm_status instance(world *w, const char *text, const javm_slot_cap *slots, size_t count, javm_cap **out) {
  javm_cap *image = NULL, *root = NULL, *made = NULL;
  javm_status status = javm_assemble(w->dir, text, strlen(text), JAVM_ISA_JAVM, &image, NULL);
  if (status == JAVM_OK) status = javm_cnode_new(w->dir, 8, &root);
  for (size_t i = 0; status == JAVM_OK && i < count; i++) {
    javm_cap *next = NULL;
    status = javm_cnode_set(w->dir, root, slots[i].slot, slots[i].cap, &next);
    javm_cap_release(w->dir, root);
    root = next;
  }
  if (status == JAVM_OK) status = javm_instance_genesis(w->dir, image, root, &made, NULL);
  javm_cap_release(w->dir, root);
  javm_cap_release(w->dir, image);
  return keep(w, status, made, out);
}

/* The worker, called by the middle one, called by one of this text. */
static javm_status open_world(world *w, const javm_allocator *allocator, const char *text) {
  javm_status status;
  javm_cap *marker, *quota, *catcher, *worker, *middle, *bottom, *made = NULL;
  javm_hash key, marker_hash;
  uint64_t previous;
  javm_vm_config_default(&w->config);
  w->config.gas_model = JAVM_GAS_INSTRUCTION;
  test_choose_engine(&w->config.engine, &w->config.explicit_checks, &w->config.counts_instructions);
  TRY(javm_dir_new(allocator, &w->dir));
  TRY(javm_local_assist_new(w->dir, &w->assists[0]));
  const javm_assist *a = w->config.assist = javm_local_assist_interface(w->assists[0]);
  status = javm_data_new(w->dir, (const uint8_t *)"marker", 6, &made);
  TRY(keep(w, status, made, &marker));
  status = javm_kernel_instance(w->dir, JAVM_KERNEL_QUOTA, QUOTA, &made);
  TRY(keep(w, status, made, &quota));
  status = javm_kernel_instance(w->dir, JAVM_KERNEL_YIELDCATCHER, 1, &made);
  TRY(keep(w, status, made, &catcher));
  TRY(javm_cap_hash(w->dir, catcher, &key));
  TRY(javm_cap_hash(w->dir, marker, &marker_hash));
  TRY(a->yield_catcher_add(a->ctx, &key, &marker_hash));
  TRY(a->storage_quota_set(a->ctx, QUOTA, UNITS, &previous));
  TRY(instance(w, WORK, (javm_slot_cap[]){{1, marker}, {6, quota}}, 2, &worker));
  TRY(instance(w, MIDDLE, (javm_slot_cap[]){{3, worker}}, 1, &middle));
  TRY(instance(w, text, (javm_slot_cap[]){{3, middle}, {8, catcher}}, 2, &bottom));
  return javm_dir_put(w->dir, bottom, &w->start, NULL);
}

static void close_world(world *w) {
  if (w->dir) javm_result_clear(w->dir, &w->result);
  for (int i = 0; i < VMS; i++) javm_vm_free(w->vms[i]);
  while (w->cap_count) javm_cap_release(w->dir, w->caps[--w->cap_count]);
  for (int i = 0; i < VMS; i++) javm_local_assist_free(w->assists[i]);
  javm_dir_free(w->dir);
}

static uint64_t quota_of(const world *w, int vm) {
  const javm_assist *a = javm_local_assist_interface(w->assists[vm]);
  return a->storage_quota_get(a->ctx, QUOTA);
}

static javm_hash expected; /* of the run without a failure */
static bool have_expected;

static void check_end(world *w, int vm, uint64_t quota_spent) {
  assert_int_equal(w->result.kind, JAVM_RESULT_HALT);
  assert_int_equal(w->result.return_value, 1000 + 1 + 4 + 8);
  if (!have_expected) expected = w->result.instance;
  have_expected = true;
  assert_memory_equal(w->result.instance.bytes, expected.bytes, sizeof expected.bytes);
  assert_int_equal(quota_of(w, vm), UNITS - quota_spent);
  assert_int_equal(javm_vm_depth(w->vms[vm]), 0);
  assert_int_equal(javm_vm_check(w->vms[vm], NULL), JAVM_OK);
}

/* ---- kept by a guest ---- */

static javm_status keep_and_resume(world *w, const javm_allocator *allocator) {
  javm_status status;
  TRY(open_world(w, allocator, KEEPER));
  w->config.yield_mode = JAVM_YIELD_TO_CATCHER;
  TRY_TWICE(javm_vm_new(w->dir, &w->config, &w->vms[0], NULL));
  const uint64_t args[4] = {0};
  status = javm_vm_invoke(w->vms[0], &w->start, 0, args, GAS, &w->result, NULL);
  if (status == JAVM_OUT_OF_MEMORY) {
    assert_int_equal(quota_of(w, 0), UNITS);
    assert_int_equal(javm_vm_depth(w->vms[0]), 0);
    status = javm_vm_invoke(w->vms[0], &w->start, 0, args, GAS, &w->result, NULL);
  }
  if (status != JAVM_OK) return status;
  /* The pages of the one that ended, and the page that was minted before the two parted. */
  check_end(w, 0, (1 + 4) * JAVM_PAGE_BYTES);
  assert_int_equal(w->result.emit_count, 3); /* once before, once after in each of the two */
  return JAVM_OK;
}

/* ---- saved by the host ---- */

/* Resumes to the end, and again where a failure stopped it. */
static javm_status run_out(world *w, int vm) {
  do {
    javm_result_clear(w->dir, &w->result);
    javm_status status = javm_vm_call_resume(w->vms[vm], NULL, &w->result, NULL);
    assert_int_equal(javm_vm_check(w->vms[vm], NULL), JAVM_OK);
    if (status == JAVM_OUT_OF_MEMORY) status = javm_vm_call_resume(w->vms[vm], NULL, &w->result, NULL);
    if (status != JAVM_OK) return status;
  } while (w->result.kind == JAVM_RESULT_PAUSED);
  check_end(w, vm, 5 * JAVM_PAGE_BYTES);
  assert_int_equal(w->result.emit_count, 2);
  return JAVM_OK;
}

static javm_status fork_to(world *w, int from, int to) {
  javm_status status;
  TRY_TWICE(javm_local_assist_copy(w->assists[from], &w->assists[to]));
  TRY_TWICE(javm_vm_fork(w->vms[from], javm_local_assist_interface(w->assists[to]), &w->vms[to], NULL));
  return JAVM_OK;
}

static javm_status save_and_fork(world *w, const javm_allocator *allocator) {
  javm_status status;
  javm_hash hash, root;
  TRY(open_world(w, allocator, CATCHER));
  TRY_TWICE(javm_vm_new(w->dir, &w->config, &w->vms[0], NULL));
  const uint64_t args[4] = {0};
  TRY_TWICE(javm_vm_invoke(w->vms[0], &w->start, 0, args, GAS, &w->result, NULL));
  assert_int_equal(w->result.kind, JAVM_RESULT_PAUSED);
  TRY(fork_to(w, 0, 1));
  TRY_TWICE(javm_vm_root(w->vms[1], JAVM_ROOT_WHOLE, &root, NULL));
  TRY_TWICE(javm_vm_suspend(w->vms[0], &hash, NULL));
  assert_memory_equal(hash.bytes, root.bytes, sizeof hash.bytes);
  TRY_TWICE(javm_vm_root(w->vms[0], JAVM_ROOT_MACHINE, &root, NULL));
  TRY_TWICE(javm_local_assist_copy(w->assists[0], &w->assists[2]));
  w->config.assist = javm_local_assist_interface(w->assists[2]);
  TRY_TWICE(javm_vm_new(w->dir, &w->config, &w->vms[2], NULL));
  javm_result_clear(w->dir, &w->result);
  TRY_TWICE(javm_vm_restore(w->vms[2], &hash, &w->result, NULL));
  TRY_TWICE(javm_vm_root(w->vms[2], JAVM_ROOT_WHOLE, &root, NULL));
  assert_memory_equal(hash.bytes, root.bytes, sizeof hash.bytes);
  TRY(fork_to(w, 2, 3));
  TRY(run_out(w, 1)); /* the fork, while its origin still shares all with it */
  TRY(run_out(w, 2));
  TRY(run_out(w, 0));
  return run_out(w, 3);
}

static javm_status in_a_world(const javm_allocator *allocator, javm_status (*run)(world *, const javm_allocator *)) {
  world w;
  memset(&w, 0, sizeof w);
  javm_status status = run(&w, allocator);
  close_world(&w);
  return status;
}

static javm_status keep_scenario(const javm_allocator *allocator) { return in_a_world(allocator, keep_and_resume); }
static javm_status save_scenario(const javm_allocator *allocator) { return in_a_world(allocator, save_and_fork); }

static void keep_yield_and_call_resume_survive_a_failed_allocation(void **state) {
  (void)state;
  have_expected = false;
  for_each_failing_allocation(keep_scenario);
}

static void suspend_restore_and_fork_survive_a_failed_allocation(void **state) {
  (void)state;
  have_expected = false;
  for_each_failing_allocation(save_scenario);
}

/* ---- what forks share ---- */

/* Spins, so that native code opens a window on its memory; writes, and asks the host. */
#define SPINNER                                                                                                        \
  MEMORY "load_imm t0, 30000\nstore_imm_u64 [0x10000], 5\nstore_imm_u64 [0x20000], 6\nfallthrough\n"                   \
         "spin:\n  add_imm_64 t0, t0, -1\n  store_u64 t0, [0x20008]\n  branch_ne_imm t0, 0, spin\necalli 70\n"         \
         "load_u64 t0, [0x10000]\nadd_64 a0, a0, t0\nload_u64 t0, [0x20000]\nadd_64 a0, a0, t0\necalli 0\n"

static javm_host_action not_yet(void *ctx, javm_host_call *call) {
  (void)ctx, (void)call;
  return JAVM_HOST_PAUSE;
}

static void forks_need_nothing_of_an_origin_that_is_gone(void **state) {
  (void)state;
  test_allocator a;
  test_allocator_init(&a);
  world w;
  memset(&w, 0, sizeof w);
  javm_cap *spinner, *bottom;
  javm_hash start;
  const uint64_t args[4] = {0};
  assert_int_equal(open_world(&w, &a.hook, CATCHER), JAVM_OK);
  assert_int_equal(instance(&w, SPINNER, NULL, 0, &spinner), JAVM_OK);
  assert_int_equal(instance(&w, CALL3 "ecalli 0\n", (javm_slot_cap[]){{3, spinner}}, 1, &bottom), JAVM_OK);
  assert_int_equal(javm_dir_put(w.dir, bottom, &start, NULL), JAVM_OK);
  assert_int_equal(javm_vm_new(w.dir, &w.config, &w.vms[0], NULL), JAVM_OK);
  assert_int_equal(javm_vm_register(w.vms[0], ASK, "ask", not_yet, NULL), JAVM_OK);
  assert_int_equal(javm_vm_invoke(w.vms[0], &start, 0, args, GAS, &w.result, NULL), JAVM_OK);
  assert_int_equal(w.result.kind, JAVM_RESULT_PAUSED);
  assert_int_equal(fork_to(&w, 0, 1), JAVM_OK);
  assert_int_equal(fork_to(&w, 0, 2), JAVM_OK);
  assert_int_equal(fork_to(&w, 1, 3), JAVM_OK);
  javm_vm_free(w.vms[0]);
  w.vms[0] = NULL;
  for (int i = 1; i < VMS; i++) {
    javm_result_clear(w.dir, &w.result);
    assert_int_equal(javm_vm_complete_host_call(w.vms[i], (const uint64_t[]){100}, 1, &w.result, NULL), JAVM_OK);
    assert_int_equal(w.result.kind, JAVM_RESULT_HALT);
    assert_int_equal(w.result.return_value, 111);
  }
  close_world(&w);
  assert_int_equal(a.blocks, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keep_yield_and_call_resume_survive_a_failed_allocation),
      cmocka_unit_test(suspend_restore_and_fork_survive_a_failed_allocation),
      cmocka_unit_test(forks_need_nothing_of_an_origin_that_is_gone),
  };
  return cmocka_run_group_tests_name("VM saved, out of memory", tests, NULL, NULL);
}
