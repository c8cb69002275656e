/*
 * The workloads in bench/guests: the same C as guests, as native code, as WebAssembly in V8 and as a RISC-V program in qemu,
 * run in turns so that all meet the same noise. Every answer is compared; one that differs ends the benchmark.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "guests/host_call.h"

/*
 * X(name, known_n, known_answer, n, computes): the known answers come from elsewhere (RFC 7693, FIPS 202, RFC 8032, Ethereum's
 * tests, Python), n is measured and takes native code about a millisecond. The mean is over those that compute.
 */
#define WORKLOADS(X)                                                                                                   \
  X(fib, 27, 196418, 30, true)                                                                                         \
  X(sort, 100, 11841351513954442669, 20000, true)                                                                      \
  X(sieve, 100000, 9592, 250000, true)                                                                                 \
  X(host_calls, 100, 1858104528192950048, 20000, false)                                                                \
  X(blake2b, 3, 958453735928201402, 1000000, true)                                                                     \
  X(keccak, 3, 12836915144627689530, 400000, true)                                                                     \
  X(ed25519, 8, 0xaa, 24, true)                                                                                        \
  X(secp256k1, 1, 0xe32df42865e97135, 30, true)

/* The way there is to a host from native code. */
uint32_t (*volatile native_host_call)(uint32_t value) = host_answer;

typedef struct workload {
  const char *name;
  uint64_t (*native)(uint64_t n);
  uint64_t known_n, known_answer, n;
  bool computes;
} workload;

#define X(name, known_n, known_answer, n, computes) uint64_t native_##name(uint64_t);
WORKLOADS(X)
#undef X
#define X(name, known_n, known_answer, n, computes)                                                                    \
  {#name, native_##name, known_n, UINT64_C(known_answer), n, computes},
static const workload workloads[] = {WORKLOADS(X)};
#undef X
enum { WORKLOAD_COUNT = sizeof workloads / sizeof *workloads };

/* FULL: a VM of its own for each run, with nothing compiled before. UNMETERED: the recompiler, without gas. */
typedef enum way { NATIVE, RECOMPILER, UNMETERED, FULL, INTERPRETER, V8_COLD, V8_WARM, QEMU, WAY_COUNT } way;
static const char *const way_names[WAY_COUNT] = {"native",      "recompiler", "unmetered", "full",
                                                 "interpreter", "v8-cold",    "v8-warm",   "qemu"};
static const char *const targets[WAY_COUNT] = {[RECOMPILER] = "<= 2.0 x", [FULL] = "<= 6 x", [INTERPRETER] = "<= 40 x"};

enum { ROUNDS = 7, ROUND_MS = 50 };

typedef struct setting {
  const char *directory;
  bool has[WAY_COUNT];
} setting;

static void check_answer(const workload *w, const char *way, uint64_t n, uint64_t answer, uint64_t right) {
  if (answer == right) return;
  char text[128];
  snprintf(text, sizeof text, "%s.%s(%" PRIu64 ") is %" PRIu64 ", not %" PRIu64, way, w->name, n, answer, right);
  bench_require(false, text);
}

/* ----------------------------------------------------------------------------------------------- native and guest */

typedef struct native {
  const workload *w;
  uint64_t n, answer;
} native;

static void run_native(void *ctx) {
  native *p = ctx;
  p->answer = p->w->native(p->n);
}

/* Each call begins with the same Instance. */
typedef struct guest {
  const workload *w;
  javm_dir *dir;
  javm_vm_config config;
  javm_vm *vm; /* NULL: each call has its own */
  javm_hash instance;
  uint64_t n, answer;
} guest;

static javm_host_action answer_host_call(void *ctx, javm_host_call *call) {
  (void)ctx;
  javm_host_return(call, 0, host_answer((uint32_t)javm_host_arg(call, 0)));
  return JAVM_HOST_RETURN;
}

static javm_vm *new_vm(const guest *g) {
  javm_error error;
  javm_vm *vm;
  bench_check(javm_vm_new(g->dir, &g->config, &vm, &error), &error, "javm_vm_new");
  bench_check(javm_vm_register(vm, HOST_CALL_NUMBER, "call", answer_host_call, NULL), NULL, "javm_vm_register");
  return vm;
}

static void guest_open(guest *g, const workload *w, way way, const char *path) {
  javm_error error;
  javm_cap *image, *instance;
  *g = (guest){.w = w};
  javm_vm_config_default(&g->config);
  if (way == INTERPRETER) g->config.engine = JAVM_ENGINE_INTERPRETER;
  if (way == UNMETERED) g->config.gas_model = JAVM_GAS_NONE;
  bench_check(javm_dir_new(NULL, &g->dir), NULL, "javm_dir_new");
  if (way == FULL) bench_check(javm_dir_limit_programs(g->dir, 0), NULL, "javm_dir_limit_programs");
  image = bench_load_image(g->dir, path);
  bench_check(javm_instance_genesis(g->dir, image, NULL, &instance, &error), &error, path);
  bench_check(javm_dir_put(g->dir, instance, &g->instance, &error), &error, path);
  if (way != FULL) g->vm = new_vm(g);
  javm_cap_release(g->dir, instance);
  javm_cap_release(g->dir, image);
}

static void guest_close(guest *g) {
  javm_vm_free(g->vm);
  javm_dir_free(g->dir);
}

static void run_guest(void *ctx) {
  guest *g = ctx;
  javm_error error;
  javm_result result;
  const uint64_t args[4] = {g->n};
  javm_vm *vm = g->vm ? g->vm : new_vm(g);
  bench_check(javm_vm_invoke(vm, &g->instance, 0, args, BENCH_GAS, &result, &error), &error, g->w->name);
  bench_require(result.kind == JAVM_RESULT_HALT, g->w->name);
  g->answer = result.return_value;
  javm_result_clear(g->dir, &result);
  if (!g->vm) javm_vm_free(vm);
}

/* ------------------------------------------------------------------------------------------------- other machines */

typedef struct other {
  uint64_t answer, first_ns, mean_ns;
} other;

/* Runs bench/guests/wasm.js or rv64.c, whose top comments say what they print. */
static other run_other(const setting *s, const workload *w, way way, uint64_t n, unsigned milliseconds) {
  char command[512];
  other o;
  int size = way == QEMU ? snprintf(command, sizeof command, "qemu-riscv64 '%s/%s.rv64' %" PRIu64 " %u", s->directory,
                                    w->name, n, milliseconds)
                         : snprintf(command, sizeof command, "node bench/guests/wasm.js '%s/%s.wasm' %" PRIu64 " %u",
                                    s->directory, w->name, n, milliseconds);
  bench_require(size < (int)sizeof command, s->directory);
  FILE *output = popen(command, "r");
  bench_require(output != NULL, command);
  int count = fscanf(output, "%" SCNu64 " %" SCNu64 " %" SCNu64, &o.answer, &o.first_ns, &o.mean_ns);
  int status = pclose(output);
  bench_require(count == 3 && status == 0, command);
  return o;
}

/* -------------------------------------------------------------------------------------------------------- measure */

typedef struct times {
  double ms[WAY_COUNT][ROUNDS], ratio[WAY_COUNT][ROUNDS]; /* the ratio is to the native time of the same round */
  double metering[ROUNDS];                                /* metered to unmetered */
} times;

static bool is_guest(way way) { return way >= RECOMPILER && way <= INTERPRETER; }

static void check_known(const setting *s, const workload *w, guest *g) {
  check_answer(w, "native", w->known_n, w->native(w->known_n), w->known_answer);
  for (way i = RECOMPILER; i < WAY_COUNT; i++) {
    if (!s->has[i]) continue;
    if (is_guest(i)) {
      g[i].n = w->known_n;
      run_guest(&g[i]);
      check_answer(w, way_names[i], w->known_n, g[i].answer, w->known_answer);
    } else if (i != V8_COLD) {
      check_answer(w, way_names[i], w->known_n, run_other(s, w, i, w->known_n, 0).answer, w->known_answer);
    }
  }
}

static void run_round(const setting *s, const workload *w, guest *g, const size_t *counts, uint64_t right, times *t,
                      int round) {
  for (way i = RECOMPILER; i < WAY_COUNT; i++) {
    if (!s->has[i] || i == V8_COLD) continue;
    if (is_guest(i)) {
      t->ms[i][round] = 1e3 * bench_time(run_guest, &g[i], counts[i]);
      check_answer(w, way_names[i], w->n, g[i].answer, right);
      bench_check(javm_dir_sweep(g[i].dir, &g[i].instance, 1, NULL), NULL, "javm_dir_sweep");
    } else {
      other o = run_other(s, w, i, w->n, ROUND_MS);
      check_answer(w, way_names[i], w->n, o.answer, right);
      t->ms[i][round] = 1e-6 * (double)o.mean_ns;
      if (i == V8_WARM) t->ms[V8_COLD][round] = 1e-6 * (double)o.first_ns;
    }
  }
}

static void measure(const setting *s, const workload *w, times *t) {
  guest g[WAY_COUNT];
  size_t counts[WAY_COUNT];
  native p = {.w = w, .n = w->n};
  char path[512];
  bench_require(snprintf(path, sizeof path, "%s/%s.img", s->directory, w->name) < (int)sizeof path, s->directory);
  for (way i = RECOMPILER; i < WAY_COUNT; i++)
    if (s->has[i] && is_guest(i)) guest_open(&g[i], w, i, path);
  check_known(s, w, g);
  counts[NATIVE] = bench_calibrate(run_native, &p, 1e-3 * ROUND_MS);
  for (way i = RECOMPILER; i < WAY_COUNT; i++) {
    if (!s->has[i] || !is_guest(i)) continue;
    g[i].n = w->n;
    counts[i] = bench_calibrate(run_guest, &g[i], 1e-3 * ROUND_MS);
  }
  for (int round = 0; round < ROUNDS; round++) {
    t->ms[NATIVE][round] = 1e3 * bench_time(run_native, &p, counts[NATIVE]);
    run_round(s, w, g, counts, p.answer, t, round);
    for (way i = NATIVE; i < WAY_COUNT; i++)
      if (s->has[i]) t->ratio[i][round] = t->ms[i][round] / t->ms[NATIVE][round];
    if (s->has[UNMETERED]) t->metering[round] = t->ms[RECOMPILER][round] / t->ms[UNMETERED][round];
  }
  for (way i = RECOMPILER; i < WAY_COUNT; i++)
    if (s->has[i] && is_guest(i)) guest_close(&g[i]);
}

/* --------------------------------------------------------------------------------------------------------- report */

static void report(way way, const char *name, double ms, double ratio, bool is_mean) {
  char own[32], native_name[32];
  snprintf(own, sizeof own, "%s.%s", way_names[way], name);
  snprintf(native_name, sizeof native_name, "native.%s", name);
  bench_report(own, ms, "ms", ratio, way == NATIVE ? NULL : native_name, is_mean ? targets[way] : NULL);
}

/* Whether the workloads are there as files of this kind, and the command that runs them; if not, says so. */
static bool can_run(const char *directory, const char *what, const char *extension, const char *command) {
  char text[512];
  snprintf(text, sizeof text, "%s/%s.%s", directory, workloads[0].name, extension);
  if (access(text, R_OK) != 0) {
    printf("%s left out: clang-19 or lld-19 is not installed\n", what);
    return false;
  }
  if (!command) return true;
  snprintf(text, sizeof text, "command -v %s >/dev/null", command);
  bool is_installed = system(text) == 0;
  if (!is_installed) printf("%s left out: %s is not installed\n", what, command);
  return is_installed;
}

/* For the geometric means. */
typedef struct sums {
  double log_ms[WAY_COUNT], log_ratio[WAY_COUNT], log_metering;
  int count;
} sums;

static void report_workload(const setting *s, const workload *w, times *t, sums *all) {
  all->count += w->computes;
  if (w->computes && s->has[UNMETERED]) all->log_metering += log(bench_median(t->metering, ROUNDS));
  for (way i = NATIVE; i < WAY_COUNT; i++) {
    if (!s->has[i]) continue;
    double ms = bench_median(t->ms[i], ROUNDS), ratio = bench_median(t->ratio[i], ROUNDS);
    report(i, w->name, ms, ratio, false);
    if (!w->computes) continue;
    all->log_ms[i] += log(ms);
    all->log_ratio[i] += log(ratio);
  }
}

/* What it costs to make a small program's VM, compile it and enter it for the first time. */
static void report_first_call(const setting *s) {
  guest g;
  char path[512];
  double times[BENCH_ROUNDS];
  bench_require(snprintf(path, sizeof path, "%s/fib.img", s->directory) < (int)sizeof path, s->directory);
  guest_open(&g, &workloads[0], FULL, path);
  g.n = 1;
  for (int round = 0; round < BENCH_ROUNDS; round++) times[round] = bench_time(run_guest, &g, 200);
  bench_report("firstcall.fib", bench_median(times, BENCH_ROUNDS) * 1e6, "us", 0, NULL, "<= 30 us");
  guest_close(&g);
}

/* A host function, there and back, less what the same loop costs without it natively. */
static void report_host_call(const times *t, uint64_t calls) {
  double ns[ROUNDS];
  for (int i = 0; i < ROUNDS; i++) ns[i] = (t->ms[RECOMPILER][i] - t->ms[NATIVE][i]) * 1e6 / (double)calls;
  bench_report("recompiler.host_call", bench_median(ns, ROUNDS), "ns", 0, NULL, "<= 10 ns");
}

void bench_workloads(const char *directory) {
  setting s = {.directory = directory, .has = {[NATIVE] = true}};
  bool guests = can_run(directory, "guests are", "img", NULL);
  for (way i = RECOMPILER; i <= INTERPRETER; i++) s.has[i] = guests;
  s.has[V8_COLD] = s.has[V8_WARM] = can_run(directory, "WebAssembly in V8 is", "wasm", "node");
  s.has[QEMU] = can_run(directory, "RISC-V in qemu is", "rv64", "qemu-riscv64");
  sums all = {0};
  for (size_t i = 0; i < WORKLOAD_COUNT; i++) {
    times t;
    measure(&s, &workloads[i], &t);
    report_workload(&s, &workloads[i], &t, &all);
    if (guests && strcmp(workloads[i].name, "host_calls") == 0) report_host_call(&t, workloads[i].n);
  }
  for (way i = NATIVE; i < WAY_COUNT; i++)
    if (s.has[i]) report(i, "geomean", exp(all.log_ms[i] / all.count), exp(all.log_ratio[i] / all.count), true);
  if (!guests) return;
  double metering = exp(all.log_metering / all.count);
  bench_report("recompiler.metering", 100 * (metering - 1), "%", metering, "unmetered.geomean", "<= 8 %");
  report_first_call(&s);
}
