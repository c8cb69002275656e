/* What a call costs: from the host, between guests, and from two threads on one directory. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

/* A VM that invokes one Instance, each time the one that came out of the last invoke. */
typedef struct guest {
  javm_dir *dir;
  javm_vm *vm;
  javm_hash instance;
  uint64_t args[4];
  uint64_t random;
  uint64_t page_count;
} guest;

static void guest_open(guest *g, javm_dir *dir, const javm_hash *instance) {
  javm_error error;
  javm_vm_config config;
  javm_vm_config_default(&config);
  *g = (guest){.dir = dir, .instance = *instance, .random = 1};
  bench_check(javm_vm_new(dir, &config, &g->vm, &error), &error, "javm_vm_new");
}

static void guest_close(guest *g) { javm_vm_free(g->vm); }

static void invoke(guest *g) {
  javm_error error;
  javm_result result;
  bench_check(javm_vm_invoke(g->vm, &g->instance, 0, g->args, BENCH_GAS, &result, &error), &error, "javm_vm_invoke");
  bench_require(result.kind == JAVM_RESULT_HALT && result.return_value == 0, "the guest did not end as it should");
  g->instance = result.instance;
  javm_result_clear(g->dir, &result);
}

/* Publishes a first Instance with the given caps (NULL: none) in slots 1 and up. */
static javm_hash publish(javm_dir *dir, javm_cap *image, javm_cap *const *caps, size_t count) {
  javm_error error;
  javm_cap *slots = NULL, *instance = NULL;
  bench_check(javm_cnode_new(dir, 8, &slots), NULL, "javm_cnode_new");
  for (size_t i = 0; i < count; i++) {
    javm_cap *next = NULL;
    if (!caps[i]) continue;
    bench_check(javm_cnode_set(dir, slots, (uint32_t)i + 1, caps[i], &next), NULL, "javm_cnode_set");
    javm_cap_release(dir, slots);
    slots = next;
  }
  javm_hash hash;
  bench_check(javm_instance_genesis(dir, image, slots, &instance, &error), &error, "javm_instance_genesis");
  bench_check(javm_dir_put(dir, instance, &hash, &error), &error, "javm_dir_put");
  javm_cap_release(dir, slots);
  javm_cap_release(dir, instance);
  return hash;
}

static void sweep(guest *g) { bench_check(javm_dir_sweep(g->dir, &g->instance, 1, NULL), NULL, "javm_dir_sweep"); }

/* ------------------------------------------------------------------------------------------------------ invoke */

static void invoke_small(void *ctx) {
  guest *g = ctx;
  g->args[1]++; /* so that each Instance is a new one */
  invoke(g);
}

#define REGION_START UINT32_C(0x10000)

/* Writes a word to a page chosen at random. */
static void invoke_one_page(void *ctx) {
  guest *g = ctx;
  g->random = g->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  g->args[0] = REGION_START + (g->random >> 33) % g->page_count * JAVM_PAGE_BYTES;
  g->args[1] = g->random | 1;
  invoke(g);
}

/* The Image of bench/touch.s with one persistent mapping from slot 1. */
static javm_cap *touch_image(javm_dir *dir, uint64_t size) {
  javm_error error;
  javm_image_spec spec;
  javm_cap *plain = bench_load_image(dir, "bench/touch.s"), *image = NULL;
  bench_check(javm_image_view(dir, plain, &spec), NULL, "javm_image_view");
  javm_mapping mapping = {
      .start = REGION_START, .size_bytes = size, .kind = JAVM_MAPPING_PERSISTENT, .source_length = 1, .source = {1}};
  spec.mappings = &mapping;
  spec.mapping_count = 1;
  bench_check(javm_image_new(dir, &spec, &image, &error), &error, "javm_image_new");
  javm_cap_release(dir, plain);
  return image;
}

/* An Instance whose memory is all there: every page has bytes of its own. */
static javm_hash publish_large(javm_dir *dir, uint64_t size) {
  javm_cap *image = touch_image(dir, size), *data = NULL;
  uint8_t *bytes = malloc(size);
  bench_require(bytes != NULL, "not enough memory");
  for (uint64_t i = 0; i < size; i += 8) {
    uint64_t word = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    for (unsigned k = 0; k < 8; k++) bytes[i + k] = (uint8_t)(word >> (8 * k));
  }
  bench_check(javm_data_new(dir, bytes, size, &data), NULL, "javm_data_new");
  free(bytes);
  javm_hash hash = publish(dir, image, &data, 1);
  javm_cap_release(dir, data);
  javm_cap_release(dir, image);
  return hash;
}

/* A VM made, used once and dropped, of a program that another VM has compiled. */
static void create_vm(void *ctx) {
  guest *of = ctx, g;
  guest_open(&g, of->dir, &of->instance);
  invoke(&g);
  guest_close(&g);
}

static void bench_create(void) {
  double times[BENCH_ROUNDS];
  guest g = {0};
  bench_check(javm_dir_new(NULL, &g.dir), NULL, "javm_dir_new");
  javm_cap *image = bench_load_image(g.dir, "bench/small.s");
  g.instance = publish(g.dir, image, NULL, 0);
  javm_cap_release(g.dir, image);
  bench_time(create_vm, &g, 100);
  for (int round = 0; round < BENCH_ROUNDS; round++) times[round] = bench_time(create_vm, &g, 1000);
  bench_report("vm.create", bench_median(times, BENCH_ROUNDS) * 1e6, "us", 0, NULL, "<= 20 us");
  javm_dir_free(g.dir);
}

void bench_invoke(void) {
  javm_dir *dir[3];
  guest g[3];
  static const uint64_t sizes[3] = {0, UINT64_C(1) << 20, UINT64_C(1) << 30};
  static const bench_fn runs[3] = {invoke_small, invoke_one_page, invoke_one_page};
  double times[3][BENCH_ROUNDS], ratios[BENCH_ROUNDS];
  for (int i = 0; i < 3; i++) {
    bench_check(javm_dir_new(NULL, &dir[i]), NULL, "javm_dir_new");
    javm_hash hash;
    if (i == 0) {
      javm_cap *image = bench_load_image(dir[i], "bench/small.s");
      hash = publish(dir[i], image, NULL, 0);
      javm_cap_release(dir[i], image);
    } else {
      hash = publish_large(dir[i], sizes[i]);
    }
    guest_open(&g[i], dir[i], &hash);
    g[i].page_count = sizes[i] / JAVM_PAGE_BYTES;
    bench_time(runs[i], &g[i], 100);
  }
  for (int round = 0; round < BENCH_ROUNDS; round++) {
    for (int i = 0; i < 3; i++) times[i][round] = bench_time(runs[i], &g[i], 1000);
    ratios[round] = times[2][round] / times[1][round];
    sweep(&g[0]); /* not the other two: both are to meet fresh memory alike */
  }
  double ratio = bench_median(ratios, BENCH_ROUNDS);
  bench_report("invoke.small", bench_median(times[0], BENCH_ROUNDS) * 1e6, "us", 0, NULL, "<= 10 us");
  bench_report("invoke.1MiB", bench_median(times[1], BENCH_ROUNDS) * 1e6, "us", 0, NULL, "<= 50 us");
  bench_report("invoke.1GiB", bench_median(times[2], BENCH_ROUNDS) * 1e6, "us", ratio, "invoke.1MiB", "<= 50 us");
  for (int i = 0; i < 3; i++) {
    guest_close(&g[i]);
    javm_dir_free(dir[i]);
  }
  bench_create();
}

/* ------------------------------------------------------------------------------------------------- nested calls */

/* bench/call.s, which calls what is in its slot 1 as often as its argument says. The tag makes Instances different. */
static javm_hash publish_caller(javm_dir *dir, const char *callee_path, uint8_t tag) {
  javm_error error;
  javm_cap *callee_image = bench_load_image(dir, callee_path), *caps[5] = {NULL};
  bench_check(javm_data_new(dir, &tag, 1, &caps[4]), NULL, "javm_data_new");
  javm_hash callee_hash = publish(dir, callee_image, caps, 5);
  bench_check(javm_dir_get(dir, &callee_hash, &caps[0], &error), &error, "javm_dir_get");
  javm_cap *image = bench_load_image(dir, "bench/call.s");
  javm_hash hash = publish(dir, image, caps, 5);
  javm_cap_release(dir, image);
  javm_cap_release(dir, caps[0]);
  javm_cap_release(dir, caps[4]);
  javm_cap_release(dir, callee_image);
  return hash;
}

static void invoke_calls(void *ctx) { invoke(ctx); }

static void bench_call(const char *name, const char *callee_path, const char *target) {
  enum { CALLS = 5000 };
  javm_dir *dir;
  guest g;
  bench_check(javm_dir_new(NULL, &dir), NULL, "javm_dir_new");
  javm_hash hash = publish_caller(dir, callee_path, 0);
  guest_open(&g, dir, &hash);
  double times[BENCH_ROUNDS];
  g.args[0] = CALLS;
  invoke(&g);
  for (int round = 0; round < BENCH_ROUNDS; round++) times[round] = bench_time(invoke_calls, &g, 1) / CALLS;
  bench_report(name, bench_median(times, BENCH_ROUNDS) * 1e6, "us", 0, NULL, target);
  guest_close(&g);
  javm_dir_free(dir);
}

void bench_calls(void) {
  bench_call("call.nested", "bench/callee.s", "<= 2 us");
  bench_call("call.nested.16pages", "bench/callee16.s", "<= 10 us");
}

/* ------------------------------------------------------------------------------------------------------ threads */

/* More and longer rounds than elsewhere: two threads feel every other program on the machine. */
enum { THREAD_INVOKES = 1000, THREAD_CALLS = 100, THREAD_ROUNDS = 41 };

/* Two threads for all rounds, each with its own VM, as a host would have them. */
typedef struct worker {
  guest g;
  pthread_t thread;
  bool takes_part;
  bool plain; /* plain arithmetic instead of calls */
  bool stop;
  pthread_barrier_t *start, *end;
} worker;

/* What two processors must do twice as fast as one, whatever the program: several independent sums. */
static void plain_work(void) {
  volatile uint64_t sink;
  uint64_t a = 1, b = 2, c = 3, d = 4;
  for (uint64_t i = 0; i < 2000000; i++) {
    a += i ^ b;
    b += i | 1;
    c ^= i + d;
    d += i << 1;
  }
  sink = a + b + c + d;
  (void)sink;
}

static void *worker_main(void *ctx) {
  worker *w = ctx;
  w->g.args[0] = THREAD_CALLS;
  for (;;) {
    pthread_barrier_wait(w->start);
    if (w->stop) return NULL;
    if (w->takes_part && w->plain) plain_work();
    for (int i = 0; w->takes_part && !w->plain && i < THREAD_INVOKES; i++) invoke(&w->g);
    pthread_barrier_wait(w->end);
  }
}

/* Calls (or turns of plain work) a second, over `count` threads. */
static double throughput(worker *w, size_t count, bool plain) {
  for (size_t i = 0; i < 2; i++) {
    w[i].takes_part = i < count;
    w[i].plain = plain;
  }
  double start = bench_now();
  pthread_barrier_wait(w->start);
  pthread_barrier_wait(w->end);
  return (double)count * (plain ? 1 : THREAD_INVOKES * THREAD_CALLS) / (bench_now() - start);
}

/* A virtual machine's two processors may share one core for a while. Rounds in which plain arithmetic on two threads is not
 * nearly twice as fast as on one say nothing about us, and are left out, unless all of them are such. */
static bool has_two_cores(worker *w) {
  double one = throughput(w, 1, true);
  return throughput(w, 2, true) / one >= 1.9;
}

void bench_threads(void) {
  javm_dir *dir;
  worker w[2];
  pthread_barrier_t start, end;
  bench_check(javm_dir_new(NULL, &dir), NULL, "javm_dir_new");
  bench_require(pthread_barrier_init(&start, NULL, 3) == 0 && pthread_barrier_init(&end, NULL, 3) == 0,
                "pthread_barrier_init");
  for (int i = 0; i < 2; i++) {
    javm_hash hash = publish_caller(dir, "bench/callee.s", (uint8_t)i);
    w[i] = (worker){.start = &start, .end = &end};
    guest_open(&w[i].g, dir, &hash);
    bench_require(pthread_create(&w[i].thread, NULL, worker_main, &w[i]) == 0, "pthread_create");
  }
  double both[THREAD_ROUNDS], ratios[THREAD_ROUNDS];
  size_t counted = 0, rounds = 0;
  throughput(w, 2, false);
  for (int i = 0; i < THREAD_ROUNDS; i++) {
    bool cores = has_two_cores(w);
    double one = throughput(w, 1, false), two = throughput(w, 2, false);
    cores = cores && has_two_cores(w);
    if (cores && counted == 0) rounds = 0; /* what was kept for want of better */
    if (cores || counted == 0) {
      both[rounds] = two;
      ratios[rounds++] = two / one;
    }
    counted += cores;
    const javm_hash heads[2] = {w[0].g.instance, w[1].g.instance};
    bench_check(javm_dir_sweep(dir, heads, 2, NULL), NULL, "javm_dir_sweep");
  }
  w[0].stop = w[1].stop = true;
  pthread_barrier_wait(&start);
  double ratio = bench_median(ratios, rounds);
  bench_report("threads.2", bench_median(both, rounds), "calls/s", ratio, "one thread", ">= 1.8 x");
  printf("%-22s %zu of %d rounds had two whole cores%s\n", "", counted, THREAD_ROUNDS,
         counted ? " and count" : ": the figure says nothing about javm");
  for (int i = 0; i < 2; i++) {
    pthread_join(w[i].thread, NULL);
    guest_close(&w[i].g);
  }
  pthread_barrier_destroy(&start);
  pthread_barrier_destroy(&end);
  javm_dir_free(dir);
}
