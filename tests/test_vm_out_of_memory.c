/*
 * Every request for memory of a VM fails once, at each place in turn: the verb returns OUT_OF_MEMORY, nothing is
 * lost, and made again (or gone on with by call_resume) it comes to the same result as a run without a failure.
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
    if (status != JAVM_OK) goto done;                                                                                  \
  } while (0)
#define TRY_TWICE(call)                                                                                                \
  do {                                                                                                                 \
    status = (call);                                                                                                   \
    if (status == JAVM_OUT_OF_MEMORY) status = (call);                                                                 \
    if (status != JAVM_OK) goto done;                                                                                  \
  } while (0)

enum { METER = 5, QUOTA = 6, START_GAS = 1000, START_QUOTA = 40 * JAVM_PAGE_BYTES };

/* The child: writes memory, mints Data and a CNode, yields slot 4, asks the host, emits, runs out of gas. */
static const char child_text[] =
    ".gas_slot 6\n.quota_slot 7\n.mapping persistent 0x10000 16384 slot 1\n.mapping heap 0x40000 8192\n"
    ".pinned 2 data \"pinned\"\n"
    "load_imm t0, 4096\nsbrk t0, t0\nstore_ind_u64 a0, [t0]\nstore_u64 a0, [0x10ffc]\nload_u64 s0, [0x12000]\n"
    "load_imm a0, 0x10000\nload_imm a1, 5000\nload_imm a2, 7\nload_imm a3, 9\necalli 23\n"
    "load_imm a0, 10\nload_imm a1, 4\necalli 5\nload_imm a0, 9\nload_imm a1, 0x30a\necalli 2\n"
    "load_imm a0, 4\necalli 16\n"
    "load_imm a0, 0x10100\nload_imm a1, 11\necalli 64\nadd_64 s0, s0, a0\n"
    "load_imm a0, 4\necalli 35\nload_imm a0, 200\nfallthrough\n"
    "spin:\n  add_imm_64 a0, a0, -1\n  branch_ne_imm a0, 0, spin\n"
    "move_reg a0, s0\necalli 0\n";

/* The caller: calls slot 3, resumes it when it has yielded; spawns, calls that, changes its image. */
#define CALLER_CODE                                                                                                    \
  "load_imm a0, 3\nload_imm a1, 0\nload_imm a2, 77\necalli 26\n"                                                       \
  "branch_eq_imm a1, 0, halted\necalli 27\nfallthrough\nhalted:\n  move_reg s0, a0\n"                                  \
  "load_imm a0, 12\nload_imm a1, 13\nload_imm a2, 14\necalli 18\n"                                                     \
  "load_imm a0, 14\nload_imm a1, 0\nload_imm a2, 5\necalli 26\nadd_64 s0, s0, a0\n"                                    \
  "load_imm a0, 15\necalli 17\n"                                                                                       \
  "load_imm a0, 14\nload_imm a1, 16\necalli 21\nmove_reg a0, s0\necalli 0\n"
static const char caller_text[] = ".yield_marker_slot 8\n" CALLER_CODE;
static const char successor_text[] = ".pinned 20 data \"new\"\n.yield_marker_slot 8\n" CALLER_CODE;
static const char spawned_text[] = ".initial 1 data \"first\"\n.mapping persistent 0x10000 4096 slot 1\n"
                                   "load_u8 a1, [0x10000]\nstore_u8 a0, [0x10000]\nadd_64 a0, a0, a1\necalli 0\n";

typedef struct world {
  javm_dir *dir;
  javm_local_assist *assist;
  javm_vm *vm;
  javm_cap *caps[24];
  size_t cap_count;
} world;

static javm_status keep(world *w, javm_status status, javm_cap *cap, javm_cap **out) {
  if (status != JAVM_OK) return status;
  w->caps[w->cap_count++] = *out = cap;
  return JAVM_OK;
}

static javm_status image(world *w, const char *text, javm_cap **out) {
  javm_cap *cap = NULL;
  javm_status status = javm_assemble(w->dir, text, strlen(text), JAVM_ISA_JAVM, &cap, NULL);
  return keep(w, status, cap, out);
}

static javm_status instance(world *w, javm_cap *image, const javm_slot_cap *slots, size_t count, javm_cap **out) {
  javm_cap *root = NULL, *next = NULL, *made = NULL;
  javm_status status = javm_cnode_new(w->dir, 8, &root);
  for (size_t i = 0; status == JAVM_OK && i < count; i++) {
    status = javm_cnode_set(w->dir, root, slots[i].slot, slots[i].cap, &next);
    javm_cap_release(w->dir, root);
    root = next;
  }
  if (status == JAVM_OK) status = javm_instance_genesis(w->dir, image, root, &made, NULL);
  javm_cap_release(w->dir, root);
  return keep(w, status, made, out);
}

static javm_status kernel(world *w, javm_kernel_image which, uint64_t id, javm_cap **out) {
  javm_cap *cap = NULL;
  javm_status status = javm_kernel_instance(w->dir, which, id, &cap);
  return keep(w, status, cap, out);
}

static javm_host_action host(void *ctx, javm_host_call *call) {
  uint32_t address = (uint32_t)javm_host_arg(call, 0);
  javm_cap *cap;
  (void)ctx;
  if (javm_host_slot_get(call, 4, &cap) != JAVM_OK) return JAVM_HOST_REFUSE;
  javm_status status = javm_host_slot_set(call, javm_host_arg(call, 1), cap);
  javm_cap_release(javm_host_dir(call), cap);
  if (status != JAVM_OK || javm_host_write(call, address, "from the host", 13) != JAVM_OK) return JAVM_HOST_REFUSE;
  return JAVM_HOST_PAUSE;
}

static javm_status prepare(world *w, javm_hash *start) {
  javm_status status;
  javm_cap *child_image, *caller_image, *successor, *spawned, *gas, *quota, *catcher, *marker, *data, *empty, *child,
      *caller;
  javm_cap *made = NULL;
  const javm_assist *a = javm_local_assist_interface(w->assist);
  uint64_t previous;
  uint8_t bytes[3 * JAVM_PAGE_BYTES];
  memset(bytes, 7, sizeof bytes);
  TRY(image(w, child_text, &child_image));
  TRY(image(w, caller_text, &caller_image));
  TRY(image(w, successor_text, &successor));
  TRY(image(w, spawned_text, &spawned));
  TRY(kernel(w, JAVM_KERNEL_GAS, METER, &gas));
  TRY(kernel(w, JAVM_KERNEL_QUOTA, QUOTA, &quota));
  TRY(kernel(w, JAVM_KERNEL_YIELDCATCHER, 1, &catcher));
  status = javm_data_new(w->dir, (const uint8_t *)"marker", 6, &made);
  TRY(keep(w, status, made, &marker));
  status = javm_data_new(w->dir, bytes, sizeof bytes, &made);
  TRY(keep(w, status, made, &data));
  status = javm_cnode_new(w->dir, 8, &made);
  TRY(keep(w, status, made, &empty));
  javm_hash key, marker_hash;
  TRY(javm_cap_hash(w->dir, catcher, &key));
  TRY(javm_cap_hash(w->dir, marker, &marker_hash));
  TRY(a->yield_catcher_add(a->ctx, &key, &marker_hash));
  javm_kernel_hash(JAVM_KERNEL_OOG_MARKER, &marker_hash);
  TRY(a->yield_catcher_add(a->ctx, &key, &marker_hash));
  TRY(a->gas_meter_set(a->ctx, METER, 200, &previous));
  TRY(a->storage_quota_set(a->ctx, QUOTA, START_QUOTA, &previous));
  TRY(instance(w, child_image, (javm_slot_cap[]){{1, data}, {4, marker}, {6, gas}, {7, quota}}, 4, &child));
  TRY(instance(w, caller_image,
               (javm_slot_cap[]){{3, child}, {8, catcher}, {12, spawned}, {13, empty}, {15, successor}}, 5, &caller));
  TRY(javm_dir_put(w->dir, caller, start, NULL));
done:
  return status;
}

/* Goes on after a pause, and again after a failure: the verb if it has not run, else call_resume, whose scratchpad then
 * does not count. */
static javm_status go_on(world *w, javm_result *result) {
  javm_cap *stray = w->caps[0];
  javm_pause_kind why = result->pause;
  javm_status status;
  javm_result_clear(w->dir, result);
  assert_int_equal(javm_vm_check(w->vm, NULL), JAVM_OK);
  if (why == JAVM_PAUSE_HOST_CALL) {
    status = javm_vm_complete_host_call(w->vm, (uint64_t[]){1000}, 1, result, NULL);
  } else if (why == JAVM_PAUSE_OUT_OF_GAS) {
    status = javm_vm_add_gas(w->vm, 150);
    if (status == JAVM_OUT_OF_MEMORY) status = javm_vm_add_gas(w->vm, 150);
    if (status != JAVM_OK) return status;
    status = javm_vm_call_resume(w->vm, NULL, result, NULL);
  } else {
    status = javm_vm_deliver_yield(w->vm, result, NULL);
    if (status == JAVM_OUT_OF_MEMORY) {
      status = javm_vm_deliver_yield(w->vm, result, NULL);
      if (status == JAVM_NOT_PAUSED) status = javm_vm_call_resume(w->vm, stray, result, NULL);
    }
    return status;
  }
  if (status == JAVM_OUT_OF_MEMORY) status = javm_vm_call_resume(w->vm, stray, result, NULL);
  return status;
}

static javm_hash expected; /* of the run without a failure */
static bool have_expected;

static javm_status scenario(const javm_allocator *allocator) {
  world w;
  memset(&w, 0, sizeof w);
  javm_status status;
  javm_vm_config config;
  javm_hash start;
  javm_result result;
  int pauses = 0;
  memset(&result, 0, sizeof result);
  javm_vm_config_default(&config);
  config.gas_model = JAVM_GAS_INSTRUCTION;
  test_choose_engine(&config.engine, &config.explicit_checks, &config.counts_instructions);
  config.host_catches_out_of_gas = true;
  TRY_TWICE(javm_dir_new(allocator, &w.dir));
  TRY_TWICE(javm_local_assist_new(w.dir, &w.assist));
  config.assist = javm_local_assist_interface(w.assist);
  TRY_TWICE(javm_vm_new(w.dir, &config, &w.vm, NULL));
  TRY_TWICE(javm_vm_register(w.vm, 64, "host", host, NULL));
  TRY(prepare(&w, &start));
  const uint64_t args[4] = {0};
  TRY_TWICE(javm_vm_invoke(w.vm, &start, 0, args, START_GAS, &result, NULL));
  while (result.kind == JAVM_RESULT_PAUSED) {
    assert_true(++pauses < 20);
    TRY(go_on(&w, &result));
  }
  assert_int_equal(result.kind, JAVM_RESULT_HALT);
  assert_int_equal(result.emit_count, 1);
  assert_null(result.slot0);
  assert_int_equal(javm_vm_depth(w.vm), 0);
  if (!have_expected) expected = result.instance;
  have_expected = true;
  assert_memory_equal(result.instance.bytes, expected.bytes, sizeof expected.bytes);
  /* 2 pages minted, 3 dirtied by the child, one of them the heap's; what was spawned has no quota to pay with. */
  assert_int_equal(config.assist->storage_quota_get(config.assist->ctx, QUOTA), START_QUOTA - 5 * JAVM_PAGE_BYTES);
done:
  if (w.dir) javm_result_clear(w.dir, &result);
  javm_vm_free(w.vm);
  while (w.cap_count) javm_cap_release(w.dir, w.caps[--w.cap_count]);
  javm_local_assist_free(w.assist);
  javm_dir_free(w.dir);
  return status;
}

/* ---- operations whose effects are in the assist ---- */

enum { GIVEN_GAS = 600, GIVEN_QUOTA = 9 * JAVM_PAGE_BYTES };

/* Sets the meter that it spends and a quota; adds, removes and reads markers; mints a handle, makes a catcher; makes an Image of
 * the form in slot 1, continues a Type by it; saves and opens a file. What has a number that is given once only is dropped. */
static const char operations_text[] =
    ".gas_slot 6\n.quota_slot 7\n.mapping persistent 0x10000 4096 slot 1\n.mapping ephemeral 0x20000 4096\n"
    "move_reg s0, a0\n"
    "load_imm a0, 10\nload_imm a1, 0\nload_imm a2, 5\nload_imm a3, 600\necalli 26\n"
    "load_imm a0, 11\nload_imm a1, 0\nload_imm a2, 6\nload_imm a3, 36864\necalli 26\n"
    "load_imm a0, 4\nload_imm a1, 0\necalli 1\nload_imm a0, 9\necalli 26\n"                 /* adds */
    "load_imm a0, 3\nload_imm a1, 0\necalli 1\nload_imm a0, 9\nload_imm a1, 1\necalli 26\n" /* removes */
    "load_imm a0, 9\nload_imm a1, 2\necalli 26\nload_imm a0, 0\nload_imm a1, 20\necalli 2\n"
    "load_imm a0, 12\nload_imm a1, 0\nload_imm a2, 77\necalli 26\nload_imm a0, 0\nload_imm a1, 21\necalli 2\n"
    "load_imm a0, 13\nload_imm a1, 0\necalli 26\nload_imm a0, 0\necalli 3\n"
    "load_imm a0, 0x10000\nmove_reg a1, s0\nload_imm a2, 0x30f\necalli 19\n" /* slot 2 of the CNode in slot 15 */
    "load_imm a0, 9\nload_imm a1, 22\necalli 21\n"
    "load_imm s1, 0x30f\nstore_u64 s1, [0x20008]\nstore_u64 s1, [0x20000]\n"
    "load_imm a0, 22\nload_imm a1, 0x20000\nload_imm a2, 2\nload_imm a3, 0x40f\necalli 33\n"
    "load_imm a0, 9\nload_imm a1, 9\nload_imm a2, 0x20000\nload_imm a3, 2\necalli 32\n"
    "load_imm a0, 2\nload_imm a1, 7\nload_imm a2, 0x50f\necalli 25\n"
    "load_imm a0, 0x50f\nload_imm a1, 23\necalli 24\nload_imm a0, 0x50f\necalli 3\n"
    "load_imm a0, 22\nload_imm a1, 0x40f\necalli 34\necalli 0\n";

static javm_status prepare_operations(world *w, javm_hash *start, uint64_t *form_bytes) {
  javm_status status;
  javm_cap *own, *carrier, *form, *data, *pin, *caps[8], *made = NULL, *caller;
  const javm_assist *a = javm_local_assist_interface(w->assist);
  const javm_kernel_image issued[] = {JAVM_KERNEL_SET_GAS_METER, JAVM_KERNEL_SET_STORAGE_QUOTA, JAVM_KERNEL_MINT_GAS,
                                      JAVM_KERNEL_CREATE_YIELD_CATCHER, JAVM_KERNEL_YIELDCATCHER};
  uint64_t previous;
  javm_hash catcher, marker;
  uint8_t *bytes;
  size_t size;
  TRY(image(w, operations_text, &own));
  TRY(image(w, ".pinned 3 data \"pin\"\necalli 0\n", &carrier));
  status = javm_data_new(w->dir, (const uint8_t *)"pin", 3, &made);
  TRY(keep(w, status, made, &pin));
  status = javm_data_new(w->dir, (const uint8_t *)"data", 4, &made);
  TRY(keep(w, status, made, &data));
  TRY(javm_cap_encode(w->dir, carrier, &bytes, &size, NULL));
  status = javm_data_new(w->dir, bytes, size, &made);
  javm_free_bytes(javm_dir_allocator(w->dir), bytes, size);
  TRY(keep(w, status, made, &form));
  *form_bytes = size;
  for (int i = 0; i < 5; i++) TRY(kernel(w, issued[i], 0, &caps[i]));
  TRY(kernel(w, JAVM_KERNEL_GAS, METER, &caps[5]));
  TRY(kernel(w, JAVM_KERNEL_QUOTA, QUOTA, &caps[6]));
  status = javm_cnode_new(w->dir, 4, &made);
  TRY(keep(w, status, made, &caps[7]));
  TRY(javm_cap_hash(w->dir, caps[4], &catcher));
  for (int i = 0; i < 3; i++) { /* its list: pin, data, form */
    TRY(javm_cap_hash(w->dir, (javm_cap *[]){pin, data, form}[i], &marker));
    TRY(a->yield_catcher_add(a->ctx, &catcher, &marker));
  }
  TRY(a->gas_meter_set(a->ctx, METER, 300, &previous));
  TRY(a->storage_quota_set(a->ctx, QUOTA, JAVM_PAGE_BYTES, &previous));
  TRY(instance(w, own,
               (javm_slot_cap[]){{1, form},
                                 {2, data},
                                 {3, pin},
                                 {4, caps[7]},
                                 {6, caps[5]},
                                 {7, caps[6]},
                                 {9, caps[4]},
                                 {10, caps[0]},
                                 {11, caps[1]},
                                 {12, caps[2]},
                                 {13, caps[3]},
                                 {15, caps[7]}},
               12, &caller));
  TRY(javm_dir_put(w->dir, caller, start, NULL));
done:
  return status;
}

/* What the assist holds, as one hash. */
static uint64_t digest(world *w) {
  const javm_assist *a = javm_local_assist_interface(w->assist);
  uint64_t sum = 14695981039346656037u;
  javm_hash catcher, marker;
  for (size_t i = 0; i < w->cap_count; i++) { /* the catcher is among the caps */
    if (javm_cap_kind(w->caps[i]) != JAVM_KIND_INSTANCE || javm_cap_hash(w->dir, w->caps[i], &catcher) != JAVM_OK)
      continue;
    size_t count = a->yield_catcher_count(a->ctx, &catcher);
    for (size_t k = 0; k < count; k++) {
      a->yield_catcher_marker(a->ctx, &catcher, k, &marker);
      for (int b = 0; b < JAVM_HASH_BYTES; b++) sum = (sum ^ marker.bytes[b]) * 1099511628211u;
    }
  }
  return ((sum ^ a->gas_meter_get(a->ctx, METER)) * 1099511628211u ^ a->storage_quota_get(a->ctx, QUOTA)) *
         1099511628211u;
}

static javm_status operations_scenario(const javm_allocator *allocator) {
  world w;
  memset(&w, 0, sizeof w);
  javm_status status;
  javm_vm_config config;
  javm_hash start;
  javm_result result;
  uint64_t form_bytes;
  memset(&result, 0, sizeof result);
  javm_vm_config_default(&config);
  config.gas_model = JAVM_GAS_INSTRUCTION;
  test_choose_engine(&config.engine, &config.explicit_checks, &config.counts_instructions);
  TRY_TWICE(javm_dir_new(allocator, &w.dir));
  TRY_TWICE(javm_local_assist_new(w.dir, &w.assist));
  config.assist = javm_local_assist_interface(w.assist);
  TRY_TWICE(javm_vm_new(w.dir, &config, &w.vm, NULL));
  TRY(prepare_operations(&w, &start, &form_bytes));
  const uint64_t args[4] = {form_bytes};
  uint64_t before = digest(&w);
  status = javm_vm_invoke(w.vm, &start, 0, args, 0, &result, NULL);
  if (status != JAVM_OK) {
    assert_true(digest(&w) == before); /* all that it did is undone */
    TRY(javm_vm_invoke(w.vm, &start, 0, args, 0, &result, NULL));
  }
  assert_int_equal(result.kind, JAVM_RESULT_HALT);
  assert_int_equal(result.return_value, 0);
  if (!have_expected) expected = result.instance;
  have_expected = true;
  assert_memory_equal(result.instance.bytes, expected.bytes, sizeof expected.bytes);
  /* one page saved, one dirtied */
  assert_int_equal(config.assist->storage_quota_get(config.assist->ctx, QUOTA), GIVEN_QUOTA - 2 * JAVM_PAGE_BYTES);
  assert_in_range(config.assist->gas_meter_get(config.assist->ctx, METER), 300, GIVEN_GAS);
done:
  if (w.dir) javm_result_clear(w.dir, &result);
  javm_vm_free(w.vm);
  while (w.cap_count) javm_cap_release(w.dir, w.caps[--w.cap_count]);
  javm_local_assist_free(w.assist);
  javm_dir_free(w.dir);
  return status;
}

static void every_effect_survives_a_failed_allocation(void **state) {
  (void)state;
  have_expected = false;
  for_each_failing_allocation(operations_scenario);
}

static void every_verb_survives_a_failed_allocation(void **state) {
  (void)state;
  have_expected = false;
  for_each_failing_allocation(scenario);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_verb_survives_a_failed_allocation),
                                     cmocka_unit_test(every_effect_survives_a_failed_allocation)};
  return cmocka_run_group_tests_name("VM out of memory", tests, NULL, NULL);
}
