/* What the parts of `javm run` share: its options, the Instance that it starts, and the report. */
#ifndef JAVM_CLI_RUN_H
#define JAVM_CLI_RUN_H

#include "cli.h"

enum { RUN_CATCH_MAX = 256 };

/* What a line of a profile stands for. */
typedef enum run_profile_by { RUN_BY_FUNCTION, RUN_BY_LINE, RUN_BY_BLOCK } run_profile_by;

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
  cli_engine engine;
  uint32_t announce; /* a set of JAVM_ANNOUNCE_... */
  bool json;
  bool quiet;
  const char *report_path; /* NULL: stdout */
  const char *profile_path;
  uint64_t profile_every; /* gas from one sample to the next */
  run_profile_by profile_by;
  bool has_profile_by; /* else by function where there are symbols, by block where there are none */
  const char *trace_path;
  const char *save_path;
  javm_yield_mode yield_mode;
  uint8_t catches[RUN_CATCH_MAX]; /* root slots */
  unsigned catch_count;
  bool has_quota;
  uint64_t quota;
  uint64_t until[2]; /* by javm_mark; JAVM_NO_MARK */
} run_options;

/* The options that say what is run and how, for a table of getopt_long. */
#define RUN_SUBJECT_OPTIONS                                                                                            \
  {"endpoint", required_argument, NULL, 'e'}, {"pc", required_argument, NULL, 'p'},                                    \
      {"arg", required_argument, NULL, 'a'}, {"input", required_argument, NULL, 'n'},                                  \
      {"gas", required_argument, NULL, 'G'}, {"gas-model", required_argument, NULL, 'g'},                              \
      {"isa", required_argument, NULL, 'i'}, {"yields", required_argument, NULL, 'y'},                                 \
      {"catch", required_argument, NULL, 'c'}, {"quota", required_argument, NULL, 'q'}, CLI_ENGINE_OPTIONS
void run_options_init(run_options *options);
/* Takes an option of the table, its value in optarg. False: after a complaint. */
bool run_set_option(int option, run_options *options);

/* What is run: a published Instance of the input. */
typedef struct run_subject {
  cli_input input;
  javm_cap *image;
  javm_cap *instance;
  javm_hash hash;
  javm_local_assist *assist;
  uint64_t args[4];
  javm_isa isa;
  bool is_paused; /* an Instance in the middle of a call, which goes on */
} run_subject;

/* Loads and starts what the options name. Clear it in any case. */
int run_subject_make(run_subject *subject, const run_options *options);
void run_subject_clear(run_subject *subject);
/* The endpoint that is called, as it is declared (by nobody: all zero). */
int run_endpoint(run_subject *subject, const run_options *options, javm_endpoint *endpoint);

/* The host of a run: what the program writes by host function 64 goes to stdout and stderr. */
typedef struct run_host {
  bool discards;   /* what the program writes goes nowhere */
  bool in_midline; /* what it wrote to stdout does not end with a newline */
} run_host;

void run_vm_config(const run_subject *subject, const run_options *options, javm_vm_config *config);
/* A VM with the host functions for the subject's Image. */
javm_status run_vm_new(const run_subject *subject, const javm_vm_config *config, run_host *host, javm_vm **vm,
                       javm_error *error);

/* A paused VM, to be described. */
typedef struct run_state {
  javm_dir *dir;
  javm_vm *vm;
  const cli_symbols *symbols; /* NULL: none; of the Image with this hash */
  javm_hash symbols_image;
} run_state;

extern const char *const cli_reg_names[JAVM_REG_COUNT];
/* The topmost entry that is no Reference, and its index; SIZE_MAX: there is none. */
size_t run_top_entry(const javm_vm *vm, javm_entry_view *view);
/* The instruction that the entry runs next; false: its code is not there. */
bool run_entry_insn(javm_dir *dir, const javm_entry_view *view, char *text, size_t capacity);
void run_entry_print(FILE *file, const run_state *state, size_t index, const javm_entry_view *view);
int run_state_text(FILE *file, const run_state *state);
json_t *run_state_json(const run_state *state); /* NULL: no memory */

/* Calls the subject, or lets it go on. */
javm_status run_start(javm_vm *vm, const run_subject *subject, const run_options *options, javm_result *result,
                      javm_error *error);

typedef struct run_report {
  const javm_hash *before;
  const javm_result *result;
  double seconds;
  const cli_symbols *symbols; /* of the code that the result's pc is in; NULL: none */
  bool counted;               /* the instructions */
  const run_state *state;     /* at a mark */
} run_report;

int run_report_text(FILE *file, const run_report *report);
int run_report_json(FILE *file, javm_dir *dir, const run_report *report);

/* Runs the program once more, in slices of gas, and writes where it was after each. `gas_used`: by the first run. */
int run_profile(const run_options *options, const cli_symbols *symbols, uint64_t gas_used);

#endif
