/*
 * `make bench`: prints a table and writes it to a JSON file, an array of { name, value, unit, ratio, ratio_to }.
 *   bench FILE DIRECTORY    the directory has the workloads that bench.mk builds
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"

typedef struct result {
  char name[32];
  double value;
  const char *unit;
  double ratio;
  char ratio_to[32]; /* empty: none */
} result;

static result results[128];
static size_t result_count;

double bench_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double bench_median(double *values, size_t count) {
  qsort(values, count, sizeof *values, compare);
  return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

double bench_time(bench_fn run, void *ctx, size_t count) {
  double start = bench_now();
  for (size_t i = 0; i < count; i++) run(ctx);
  return (bench_now() - start) / (double)count;
}

size_t bench_calibrate(bench_fn run, void *ctx, double seconds) {
  size_t count = 1;
  for (;;) {
    double total = bench_time(run, ctx, count) * (double)count;
    if (total >= seconds / 4) return (size_t)((double)count * seconds / total) + 1;
    count *= 2;
  }
}

void bench_require(bool condition, const char *what) {
  if (condition) return;
  fprintf(stderr, "bench: %s\n", what);
  exit(1);
}

void bench_check(javm_status status, const javm_error *error, const char *what) {
  if (status == JAVM_OK) return;
  fprintf(stderr, "bench: %s: %s%s%s\n", what, javm_status_text(status), error ? ": " : "", error ? error->text : "");
  exit(1);
}

uint8_t *bench_read_file(const char *path, size_t *size_bytes) {
  FILE *file = fopen(path, "rb");
  bench_require(file && fseek(file, 0, SEEK_END) == 0, path);
  long size = ftell(file);
  rewind(file);
  uint8_t *bytes = size < 0 ? NULL : malloc((size_t)size + 1);
  bench_require(bytes && fread(bytes, 1, (size_t)size, file) == (size_t)size, path);
  fclose(file);
  bytes[size] = 0;
  *size_bytes = (size_t)size;
  return bytes;
}

javm_cap *bench_load_image(javm_dir *dir, const char *path) {
  size_t size;
  uint8_t *bytes = bench_read_file(path, &size);
  javm_load_config config;
  javm_load_config_default(&config);
  javm_cap *image = NULL;
  javm_error error;
  bench_check(javm_load(dir, bytes, size, &config, &image, &error), &error, path);
  free(bytes);
  bench_require(javm_cap_kind(image) == JAVM_KIND_IMAGE, path);
  return image;
}

void bench_report(const char *name, double value, const char *unit, double ratio, const char *ratio_to,
                  const char *target) {
  printf("%-22s %12.3f %-10s", name, value, unit);
  if (ratio_to) printf(" %8.2f x %-18s", ratio, ratio_to);
  if (target) printf("%*starget: %s", ratio_to ? 1 : 31, "", target);
  printf("\n");
  fflush(stdout);
  bench_require(result_count < sizeof results / sizeof *results, "more results than room for them");
  result *r = &results[result_count++];
  *r = (result){.value = value, .unit = unit, .ratio = ratio};
  snprintf(r->name, sizeof r->name, "%s", name);
  snprintf(r->ratio_to, sizeof r->ratio_to, "%s", ratio_to ? ratio_to : "");
}

static void write_json(const char *path) {
  FILE *file = fopen(path, "w");
  bench_require(file != NULL, path);
  fprintf(file, "[\n");
  for (size_t i = 0; i < result_count; i++) {
    const result *r = &results[i];
    fprintf(file, "  { \"name\": \"%s\", \"value\": %.6g, \"unit\": \"%s\", ", r->name, r->value, r->unit);
    if (r->ratio_to[0]) fprintf(file, "\"ratio\": %.4g, \"ratio_to\": \"%s\" }", r->ratio, r->ratio_to);
    else fprintf(file, "\"ratio\": null, \"ratio_to\": null }");
    fprintf(file, "%s\n", i + 1 < result_count ? "," : "");
  }
  fprintf(file, "]\n");
  bench_require(fclose(file) == 0, path);
}

int main(int argc, char **argv) {
  bench_require(argc == 3, "usage: bench FILE DIRECTORY");
  bench_workloads(argv[2]);
  bench_predecode(argv[2]);
  bench_invoke();
  bench_calls();
  bench_threads();
  bench_paused();
  bench_proof();
  write_json(argv[1]);
  return 0;
}
