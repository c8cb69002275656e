/* What forking and suspending cost: a call tree of 64 Instances that have written 1 GiB, paused at its bottom. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

enum { INSTANCES = 64, FEW = 16, MANY = 2048 };

typedef struct tree {
  javm_dir *dir;
  javm_vm *vm;
  uint64_t value; /* written last */
} tree;

static javm_host_action not_yet(void *ctx, javm_host_call *call) {
  (void)ctx, (void)call;
  return JAVM_HOST_PAUSE;
}

static javm_cap *one(javm_dir *dir, javm_cap *image, javm_cap *next) {
  javm_error error;
  javm_cap *slots, *with = NULL, *instance;
  bench_check(javm_cnode_new(dir, 8, &slots), NULL, "javm_cnode_new");
  if (next) bench_check(javm_cnode_set(dir, slots, 3, next, &with), NULL, "javm_cnode_set");
  bench_check(javm_instance_genesis(dir, image, with ? with : slots, &instance, &error), &error, "genesis");
  javm_cap_release(dir, slots);
  javm_cap_release(dir, with);
  javm_cap_release(dir, next);
  return instance;
}

static void tree_open(tree *t, unsigned instances) {
  javm_error error;
  javm_hash hash;
  javm_result result;
  bench_check(javm_dir_new(NULL, &t->dir), NULL, "javm_dir_new");
  javm_cap *image = bench_load_image(t->dir, "bench/deep.s"), *top = NULL;
  for (unsigned i = 0; i < instances; i++) top = one(t->dir, image, top);
  bench_check(javm_dir_put(t->dir, top, &hash, &error), &error, "javm_dir_put");
  javm_cap_release(t->dir, top);
  javm_cap_release(t->dir, image);
  bench_check(javm_vm_new(t->dir, NULL, &t->vm, &error), &error, "javm_vm_new");
  bench_check(javm_vm_register(t->vm, 70, NULL, not_yet, NULL), NULL, "javm_vm_register");
  const uint64_t args[4] = {instances - 1};
  bench_check(javm_vm_invoke(t->vm, &hash, 0, args, BENCH_GAS, &result, &error), &error, "javm_vm_invoke");
  bench_require(result.kind == JAVM_RESULT_PAUSED && javm_vm_depth(t->vm) == instances + 1, "the tree is not paused");
  javm_result_clear(t->dir, &result);
}

static void tree_close(tree *t) {
  javm_vm_free(t->vm);
  javm_dir_free(t->dir);
}

static void fork_and_drop(void *ctx) {
  tree *t = ctx;
  javm_vm *fork;
  bench_check(javm_vm_fork(t->vm, NULL, &fork, NULL), NULL, "javm_vm_fork");
  javm_vm_free(fork);
}

static double fork_time(tree *t) {
  double times[BENCH_ROUNDS];
  bench_time(fork_and_drop, t, 100);
  for (int round = 0; round < BENCH_ROUNDS; round++) times[round] = bench_time(fork_and_drop, t, 1000);
  return bench_median(times, BENCH_ROUNDS);
}

/* Seconds to suspend after the bottom one has written so many pages since the last time. */
static double suspend_time(tree *t, uint64_t pages) {
  double times[BENCH_ROUNDS];
  for (int round = 0; round < BENCH_ROUNDS; round++) {
    javm_error error;
    javm_result result;
    javm_hash hash;
    const uint64_t values[2] = {pages, ++t->value};
    bench_check(javm_vm_complete_host_call(t->vm, values, 2, &result, &error), &error, "javm_vm_complete_host_call");
    bench_require(result.kind == JAVM_RESULT_PAUSED, "the tree is not paused");
    javm_result_clear(t->dir, &result);
    double start = bench_now();
    bench_check(javm_vm_suspend(t->vm, &hash, &error), &error, "javm_vm_suspend");
    times[round] = bench_now() - start;
  }
  return bench_median(times, BENCH_ROUNDS);
}

void bench_paused(void) {
  tree large, small;
  tree_open(&large, INSTANCES);
  tree_open(&small, 1);
  double of_large = fork_time(&large), of_small = fork_time(&small);
  bench_report("fork.1GiB", of_large * 1e6, "us", of_large / of_small, "fork of one Instance, 16 MiB", "<= 5 us");
  javm_hash hash;
  double start = bench_now();
  bench_check(javm_vm_suspend(large.vm, &hash, NULL), NULL, "javm_vm_suspend");
  double first = bench_now() - start, none = suspend_time(&large, 0);
  double few = suspend_time(&large, FEW), many = suspend_time(&large, MANY), page = (many - few) / (MANY - FEW);
  bench_report("suspend.1GiB.first", first * 1e3, "ms", first / (INSTANCES * 4096 * page), "its pages, each as below",
               NULL);
  bench_report("suspend.1GiB.unchanged", none * 1e6, "us", 0, NULL, NULL);
  bench_report("suspend.page", page * 1e6, "us", (few - none) / (FEW * page), "one of 16, not 2048", "about 1");
  tree_close(&small);
  tree_close(&large);
}
