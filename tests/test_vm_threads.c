/* VMs on several threads share one directory and one assist (3-values.md 3.4): each gets what it would get alone. */
#include <pthread.h>
#include <stdatomic.h>

#include "support/guest.h"

enum { THREADS = 2, ROUNDS = 60 };

#define COUNTER                                                                                                        \
  ".gas_slot 6\n.quota_slot 7\n.mapping persistent 0x10000 8192 slot 1\nload_u64 a1, [0x10000]\n"                      \
  "add_64 a1, a1, a0\nstore_u64 a1, [0x10000]\nmove_reg a0, a1\necalli 0\n"
/* Mints a CNode, copies the child into it, calls the child; the sum of what it says and of what it said. */
#define CALLER                                                                                                         \
  "move_reg s0, a0\nload_imm a0, 10\nload_imm a1, 4\necalli 5\nload_imm a0, 3\nload_imm a1, 0x30a\necalli 1\n"         \
  "load_imm a0, 3\nload_imm a1, 0\nmove_reg a2, s0\necalli 26\necalli 0\n"

typedef struct worker {
  guest *g;
  javm_hash start;
  javm_hash hashes[ROUNDS];
  uint64_t gas[ROUNDS];
  javm_status status;
} worker;

/* A chain of invokes, each of the Instance that the one before gave. */
static void *work(void *ctx) {
  worker *w = ctx;
  javm_vm *vm;
  javm_hash now = w->start;
  w->status = javm_vm_new(w->g->dir, &w->g->config, &vm, NULL);
  if (w->status != JAVM_OK) return NULL;
  for (int i = 0; i < ROUNDS && w->status == JAVM_OK; i++) {
    javm_result result;
    const uint64_t args[4] = {(uint64_t)i + 1};
    w->status = javm_vm_invoke(vm, &now, 0, args, GAS, &result, NULL);
    if (w->status != JAVM_OK) break;
    if (result.kind != JAVM_RESULT_HALT) w->status = JAVM_INTERNAL;
    now = w->hashes[i] = result.instance;
    w->gas[i] = result.gas_used;
    javm_result_clear(w->g->dir, &result);
  }
  javm_vm_free(vm);
  return NULL;
}

static javm_hash first_instance(guest *g, uint64_t meter) {
  javm_cap *child = guest_instance(g, guest_image(g, COUNTER),
                                   SLOTS({1, guest_pages(g, 2, 7)}, {6, guest_kernel(g, JAVM_KERNEL_GAS, meter)},
                                         {7, guest_kernel(g, JAVM_KERNEL_QUOTA, meter)}));
  guest_set_meter(g, meter, GAS);
  guest_set_quota(g, meter, ROUNDS * (uint64_t)JAVM_PAGE_BYTES);
  return guest_put(g, guest_instance(g, guest_image(g, CALLER), SLOTS({3, child})));
}

/* The same start for all, or with meters (and so start values) of their own. */
static void run(bool shared_start) {
  static worker alone[THREADS], together[THREADS];
  for (int phase = 0; phase < 2; phase++) {
    worker *w = phase ? together : alone;
    guest g;
    guest_open(&g);
    if (shared_start) g.config.assist = NULL;
    pthread_t threads[THREADS];
    for (uint64_t i = 0; i < THREADS; i++) {
      w[i].g = &g;
      w[i].start = first_instance(&g, shared_start ? 1 : i + 1);
    }
    for (int i = 0; i < THREADS; i++) {
      assert_int_equal(pthread_create(&threads[i], NULL, work, &w[i]), 0);
      if (!phase) assert_int_equal(pthread_join(threads[i], NULL), 0); /* one after the other */
    }
    for (int i = 0; phase && i < THREADS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < THREADS; i++) assert_int_equal(w[i].status, JAVM_OK);
    if (!shared_start)
      for (uint64_t i = 0; i < THREADS; i++) {
        assert_int_equal(guest_quota(&g, i + 1), 0);
        assert_int_equal(guest_meter(&g, i + 1), GAS - ROUNDS * 5);
      }
    for (int i = 0; i < THREADS; i++) assert_true(javm_dir_has(g.dir, &w[i].hashes[ROUNDS - 1]));
    guest_close(&g);
  }
  for (int i = 0; i < THREADS; i++) {
    assert_memory_equal(alone[i].hashes, together[i].hashes, sizeof alone[i].hashes);
    assert_memory_equal(alone[i].gas, together[i].gas, sizeof alone[i].gas);
  }
}

static void vms_with_one_start_value_get_the_same(void **state) {
  (void)state;
  run(true);
}

static void vms_with_meters_of_their_own_share_an_assist(void **state) {
  (void)state;
  run(false);
}

static atomic_bool stop;

static void *sweeps(void *ctx) {
  worker *w = ctx;
  while (!stop) {
    w->status = javm_dir_sweep(w->g->dir, &w->start, 1, NULL);
    if (w->status != JAVM_OK) break;
  }
  return NULL;
}

/* Emits of a run stay with its result, whatever is swept meanwhile; the start value is a head. */
static void *invokes_again_and_again(void *ctx) {
  worker *w = ctx;
  javm_vm *vm;
  w->status = javm_vm_new(w->g->dir, &w->g->config, &vm, NULL);
  if (w->status != JAVM_OK) return NULL;
  for (int i = 0; i < ROUNDS && w->status == JAVM_OK; i++) {
    javm_result result;
    const uint64_t args[4] = {1};
    w->status = javm_vm_invoke(vm, &w->start, 0, args, GAS, &result, NULL);
    if (w->status != JAVM_OK) break;
    w->hashes[i] = result.instance;
    w->gas[i] = result.gas_used;
    javm_result_clear(w->g->dir, &result);
  }
  javm_vm_free(vm);
  return NULL;
}

static void sweeping_while_vms_run_changes_nothing(void **state) {
  (void)state;
  static worker w[3];
  guest g;
  guest_open(&g);
  g.config.assist = NULL;
  javm_hash start = first_instance(&g, 1);
  pthread_t threads[3];
  stop = false;
  for (int i = 0; i < 3; i++) {
    w[i] = (worker){.g = &g, .start = start};
    assert_int_equal(pthread_create(&threads[i], NULL, i == 2 ? sweeps : invokes_again_and_again, &w[i]), 0);
  }
  for (int i = 0; i < 3; i++) {
    if (i == 2) stop = true;
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(w[i].status, JAVM_OK);
  }
  for (int i = 0; i < ROUNDS; i++) {
    assert_same_hash(w[0].hashes[i], w[0].hashes[0]);
    assert_same_hash(w[1].hashes[i], w[0].hashes[0]);
    assert_int_equal(w[1].gas[i], w[0].gas[0]);
  }
  guest_close(&g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(vms_with_one_start_value_get_the_same),
      cmocka_unit_test(vms_with_meters_of_their_own_share_an_assist),
      cmocka_unit_test(sweeping_while_vms_run_changes_nothing),
  };
  return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
