/* What the parts of `javm run` share: its options, the Instance that it starts, and the report. */
#ifndef JAVM_CLI_RUN_H
#define JAVM_CLI_RUN_H

#include "cli.h"

enum { RUN_CATCH_MAX = 256 };

typedef struct run_options {
  const char *path;
  javm_load_config load;
  uint8_t endpoint;
  bool has_pc;
  uint32_t pc;
  uint64_t args[4];
  unsigned arg_count;
  bool has_input;
  cli_bytes input; /* a standard program's argument bytes */
  uint64_t gas;
  javm_gas_model gas_model;
  bool json;
  const char *trace_path;
  const char *save_path;
  javm_yield_mode yield_mode;
  uint8_t catches[RUN_CATCH_MAX]; /* root slots */
  unsigned catch_count;
} run_options;

/* What is run: a published Instance of the input. */
typedef struct run_subject {
  cli_input input;
  javm_cap *image;
  javm_cap *instance;
  javm_hash hash;
  javm_local_assist *assist;
  uint64_t args[4];
  javm_isa isa;
} run_subject;

/* Loads and starts what the options name. Clear it in any case. */
int run_subject_make(run_subject *subject, const run_options *options);
void run_subject_clear(run_subject *subject);
/* The endpoint that is called, as it is declared (by nobody: all zero). */
int run_endpoint(run_subject *subject, const run_options *options, javm_endpoint *endpoint);

typedef struct run_report {
  const javm_hash *before;
  const javm_result *result;
  double seconds;
} run_report;

int run_report_text(const run_report *report);
int run_report_json(javm_dir *dir, const run_report *report);

#endif
