/* How fast programs are made ready: predecoded for the interpreter, compiled by the recompiler. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

typedef struct making {
  const javm_code *code;
  javm_program_config config;
  size_t bytes; /* of the program, made */
} making;

static void make_program(void *ctx) {
  making *m = ctx;
  javm_error error;
  javm_program *program;
  bench_check(javm_program_new(m->code, &m->config, &program, &error), &error, "javm_program_new");
  m->bytes = javm_program_bytes(program);
  javm_program_release(program);
}

static void report(const char *what, const char *name, const javm_code *code, javm_engine engine, const char *target) {
  char text[64];
  double times[BENCH_ROUNDS], megabytes = (double)code->code_bytes / 1e6;
  making m = {.code = code};
  javm_program_config_default(&m.config);
  m.config.engine = engine;
  size_t count = bench_calibrate(make_program, &m, 0.02);
  for (int round = 0; round < BENCH_ROUNDS; round++) times[round] = bench_time(make_program, &m, count);
  snprintf(text, sizeof text, "%s.%s", what, name);
  bench_report(text, megabytes / bench_median(times, BENCH_ROUNDS), "MB/s", 0, NULL, target);
}

/* How large the code for long runs is. */
static void report_code_size(const char *name, const javm_code *code, const char *target) {
  char text[64];
  javm_error error;
  javm_program *program;
  const uint8_t *native;
  size_t size;
  bench_check(javm_program_new(code, NULL, &program, &error), &error, "javm_program_new");
  if (javm_program_native_code(program, &native, &size)) {
    snprintf(text, sizeof text, "codesize.%s", name);
    bench_report(text, (double)size / (double)code->code_bytes, "bytes/byte", 0, NULL, target);
  }
  javm_program_release(program);
}

/* The workloads, and the largest guests. */
static void report_compile(const char *path, const char *name, const char *speed_target, const char *size_target) {
  javm_dir *dir;
  javm_image_spec spec;
  if (access(path, R_OK) != 0) {
    printf("compile.%s and codesize.%s left out: clang-19 or lld-19 is not installed\n", name, name);
    return;
  }
  bench_check(javm_dir_new(NULL, &dir), NULL, "javm_dir_new");
  javm_cap *image = bench_load_image(dir, path);
  bench_check(javm_image_view(dir, image, &spec), NULL, "javm_image_view");
  report("compile", name, &spec.code, JAVM_ENGINE_RECOMPILER, speed_target);
  report_code_size(name, &spec.code, size_target);
  javm_cap_release(dir, image);
  javm_dir_free(dir);
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

/* -------------------------------------------------------------------------------------------------- hostile programs */

enum { ODD_BYTES = 1 << 15, ODD_ROUNDS = 5, CORPUS = 31 };

/* A program that is no compiler's; no random numbers but its own, so that it is the same each time. */
typedef struct odd_program {
  uint8_t code[ODD_BYTES], bitmask[ODD_BYTES / 8];
  uint64_t seed;
} odd_program;

static unsigned odd_number(odd_program *p, unsigned below) {
  p->seed = p->seed * UINT64_C(6364136223846793005) + 1442695040888963407;
  return (unsigned)(p->seed >> 33) % below;
}

/* Random bytes, instructions of 1 to `longest` bytes, of any opcode or all of one. */
static void make_odd(odd_program *p, unsigned longest, int opcode) {
  unsigned length = 0;
  memset(p->bitmask, 0, sizeof p->bitmask);
  for (size_t at = 0; at < ODD_BYTES; at++, length--) {
    p->code[at] = (uint8_t)odd_number(p, 256);
    if (length > 0) continue;
    p->bitmask[at / 8] |= (uint8_t)(1u << at % 8);
    if (opcode >= 0) p->code[at] = (uint8_t)opcode;
    length = 1 + odd_number(p, longest);
  }
}

static double cpu_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds of processor time to compile it, the best of some: one slow moment of the machine would be the worst of all. */
static double time_odd(const odd_program *p) {
  javm_code code = {.code = p->code, .code_bytes = ODD_BYTES, .bitmask = p->bitmask, .bitmask_bytes = ODD_BYTES / 8};
  making m = {.code = &code};
  double best = 1e9;
  javm_program_config_default(&m.config);
  m.config.engine = JAVM_ENGINE_RECOMPILER;
  for (int round = 0; round < ODD_ROUNDS; round++) {
    double start = cpu_now();
    make_program(&m);
    if (cpu_now() - start < best) best = cpu_now() - start;
  }
  return best;
}

/* The slowest of programs of one-byte instructions, by the median of random ones. */
static void report_hostile(void) {
  static odd_program p = {.seed = 1};
  double corpus[CORPUS], worst = 0;
  for (int n = 0; n < CORPUS; n++) {
    make_odd(&p, 6, -1);
    corpus[n] = time_odd(&p);
  }
  for (int opcode = -1; opcode < 256; opcode++) {
    make_odd(&p, 1, opcode);
    double seconds = time_odd(&p);
    if (seconds > worst) worst = seconds;
  }
  bench_report("compile.hostile", worst / bench_median(corpus, CORPUS), "x median", 0, NULL, "<= 3");
}

void bench_predecode(const char *directory) {
  static const char *const names[] = {"fib", "sieve", "blake2b", "keccak", "ed25519", "secp256k1"};
  char path[512];
  size_t size;
  uint8_t *bytes = read_program("tests/vectors/gas-large/doom.json", &size);
  javm_jam jam;
  javm_error error;
  bench_check(javm_jam_parse(bytes, size, JAVM_ISA_JAM_0_8, NULL, &jam, &error), &error, "doom.json");
  report("predecode", "doom", &jam.code, JAVM_ENGINE_INTERPRETER, NULL);
  report("compile", "doom", &jam.code, JAVM_ENGINE_RECOMPILER, NULL);
  report_code_size("doom", &jam.code, NULL);
  javm_jam_clear(NULL, &jam);
  free(bytes);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    bench_require(snprintf(path, sizeof path, "%s/%s.img", directory, names[i]) < (int)sizeof path, directory);
    report_compile(path, names[i], NULL, NULL);
  }
  report_compile("build/guests/lua.img", "lua", ">= 100 MB/s", "<= 8");
  report_compile("build/guests/sqlite.img", "sqlite", ">= 100 MB/s", "<= 8");
  report_hostile();
}
