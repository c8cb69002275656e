/*
 * The speed of the interpreter against the same C compiled by gcc -O2 (native.c), run in turns so that both meet the same
 * noise; and of the predecoder.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "native.h"

/* ------------------------------------------------------------------------------------------------------ programs */

typedef struct guest {
  javm_program *program;
  javm_machine *machine;
  javm_endpoint entry;
  uint64_t result; /* a0 at the end */
} guest;

/* A machine with the memory that the Image declares, ready at endpoint 0. */
static void guest_open(guest *g, const char *path) {
  javm_dir *dir;
  javm_image_spec spec;
  javm_error error;
  bench_check(javm_dir_new(NULL, &dir), NULL, "javm_dir_new");
  javm_cap *image = bench_load_image(dir, path);
  bench_check(javm_image_view(dir, image, &spec), NULL, "javm_image_view");
  javm_program_config config;
  javm_program_config_default(&config);
  config.gas_model = JAVM_GAS_PIPELINE;
  bench_check(javm_program_new(&spec.code, &config, &g->program, &error), &error, path);
  bench_check(javm_machine_new(g->program, NULL, &g->machine, &error), &error, path);
  for (size_t i = 0; i < spec.mapping_count; i++)
    bench_check(javm_machine_map(g->machine, spec.mappings[i].start, spec.mappings[i].size_bytes, JAVM_ACCESS_WRITE),
                NULL, path);
  memset(&g->entry, 0, sizeof g->entry);
  if (spec.endpoint_count) g->entry = spec.endpoints[0];
  javm_cap_release(dir, image);
  javm_dir_free(dir);
}

static void guest_close(guest *g) {
  javm_machine_free(g->machine);
  javm_program_release(g->program);
}

static void run_guest(void *ctx) {
  guest *g = ctx;
  uint64_t *regs = javm_machine_regs(g->machine);
  memcpy(regs, g->entry.initial_regs, sizeof g->entry.initial_regs);
  javm_machine_set_pc(g->machine, g->entry.entry_pc);
  javm_machine_set_gas(g->machine, BENCH_GAS);
  javm_exit exit = javm_machine_run(g->machine, NULL, NULL);
  bench_require(exit.kind == JAVM_EXIT_HOST_CALL && exit.number == 0, "a program did not end by reply");
  g->result = regs[7];
}

typedef struct native {
  uint64_t (*run)(void);
  uint64_t result;
} native;

static void run_native(void *ctx) {
  native *n = ctx;
  n->result = n->run();
}

static void compare(const char *name, const char *native_name, const char *path, uint64_t (*run)(void)) {
  guest g;
  native n = {.run = run};
  guest_open(&g, path);
  size_t guest_count = bench_calibrate(run_guest, &g, 0.02), native_count = bench_calibrate(run_native, &n, 0.01);
  bench_require(g.result == n.result, "a program and its C counterpart disagree");
  double guest_times[BENCH_ROUNDS], native_times[BENCH_ROUNDS], ratios[BENCH_ROUNDS];
  for (int round = 0; round < BENCH_ROUNDS; round++) {
    native_times[round] = bench_time(run_native, &n, native_count);
    guest_times[round] = bench_time(run_guest, &g, guest_count);
    ratios[round] = guest_times[round] / native_times[round];
  }
  double ratio = bench_median(ratios, BENCH_ROUNDS);
  bench_report(native_name, bench_median(native_times, BENCH_ROUNDS) * 1e3, "ms", 0, NULL, NULL);
  bench_report(name, bench_median(guest_times, BENCH_ROUNDS) * 1e3, "ms", ratio, native_name, NULL);
  guest_close(&g);
}

void bench_interpreter(void) {
  compare("interpreter.fib", "native.fib", "bench/fib.s", native_fib);
  compare("interpreter.sort", "native.sort", "bench/sort.s", native_sort);
  compare("interpreter.sieve", "native.sieve", "bench/sieve.s", native_sieve);
}

/* ----------------------------------------------------------------------------------------------------- predecode */

static void predecode(void *ctx) {
  javm_error error;
  javm_program *program;
  bench_check(javm_program_new(ctx, NULL, &program, &error), &error, "javm_program_new");
  javm_program_release(program);
}

/* The numbers of the array "program" in a conformance file, as bytes. */
static uint8_t *read_program(const char *path, size_t *size_bytes) {
  size_t size, count = 0;
  char *text = (char *)bench_read_file(path, &size);
  char *at = strstr(text, "\"program\":[");
  uint8_t *bytes = malloc(size);
  bench_require(at && bytes, path);
  for (at += strlen("\"program\":["); *at && *at != ']'; at += *at == ',')
    bytes[count++] = (uint8_t)strtoul(at, &at, 10);
  free(text);
  *size_bytes = count;
  return bytes;
}

void bench_predecode(void) {
  size_t size;
  uint8_t *bytes = read_program("tests/vectors/gas-large/doom.json", &size);
  javm_jam jam;
  javm_error error;
  bench_check(javm_jam_parse(bytes, size, JAVM_ISA_JAM_0_8, NULL, &jam, &error), &error, "doom.json");
  double times[BENCH_ROUNDS];
  for (int round = 0; round < BENCH_ROUNDS; round++) times[round] = bench_time(predecode, &jam.code, 1);
  double megabytes = (double)jam.code.code_bytes / 1e6;
  bench_report("predecode.doom", megabytes / bench_median(times, BENCH_ROUNDS), "MB/s", 0, NULL, NULL);
  javm_jam_clear(NULL, &jam);
  free(bytes);
}
