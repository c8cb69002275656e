/*
 * What the benchmarks share: a clock, medians, loading of programs, and the list of results.
 * A benchmark that cannot run ends the process with a message: a table with holes would be worse than none.
 */
#ifndef JAVM_BENCH_H
#define JAVM_BENCH_H

#include <stddef.h>

#include "javm.h"

#define BENCH_ROUNDS 11
#define BENCH_GAS UINT64_C(1000000000000)

double bench_now(void);                            /* seconds */
double bench_median(double *values, size_t count); /* sorts them */

/* How often `run` must be repeated to take about `seconds`. */
typedef void (*bench_fn)(void *ctx);
size_t bench_calibrate(bench_fn run, void *ctx, double seconds);
/* Seconds for one of `count` runs. */
double bench_time(bench_fn run, void *ctx, size_t count);

/* Ends the process, naming `what`, unless the status is OK. `error` may be NULL. */
void bench_check(javm_status status, const javm_error *error, const char *what);
void bench_require(bool condition, const char *what);

uint8_t *bench_read_file(const char *path, size_t *size_bytes); /* free() it */
/* The Image in a file, or that a file in bench/ assembles to. */
javm_cap *bench_load_image(javm_dir *dir, const char *path);

/* A line of the table; unit and target are not copied. ratio_to NULL: no ratio; target NULL: none was set. */
void bench_report(const char *name, double value, const char *unit, double ratio, const char *ratio_to,
                  const char *target);

void bench_workloads(const char *directory);
void bench_predecode(const char *directory);
void bench_invoke(void);
void bench_calls(void);
void bench_threads(void);
void bench_paused(void);
void bench_proof(void);

#endif
