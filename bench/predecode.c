/* The speed of the predecoder. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

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
