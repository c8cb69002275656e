/* javm run: one call of a program, an Image or an Instance, with nobody behind it to answer host calls. */
#include "run.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "trace.h"

/* A prime, so that samples do not keep step with a loop. */
enum { PROFILE_EVERY = 997 };

static void print_help(void) {
  puts("usage: javm run FILE [OPTION...]\n\n"
       "Calls the program in FILE (a JAM container, an Image, an Instance, or assembly text) and says how it ended.\n\n"
       "  --endpoint N         the endpoint to call; default 0\n"
       "  --pc N               start there instead of at the endpoint's own pc\n"
       "  --arg N              an argument, for φ[7], φ[8], ...; up to four times;\n"
       "                       default: what the endpoint declares for it\n"
       "  --input HEX|@FILE    the argument bytes of a standard program\n"
       "  --gas N              the gas budget; default 1000000000\n"
       "  --gas-model MODEL    pipeline (default), single-pass, instruction or none\n" CLI_ENGINE_HELP
       "  --isa SET            of a JAM container or a text without .isa: javm, jam-0.7 or jam-0.8\n"
       "  --yields host|catcher  who goes on after a caught yield; default host: the run ends as paused\n"
       "  --catch SLOT         catch yields of the cap in this root slot; repeatable\n"
       "  --quota N            put a storage quota of N bytes into the Image's quota slot\n"
       "  --until-gas N        stop before the first block that would bring the gas used to more than N, and say what\n"
       "                       the program is then: pc, registers, root (see docs/time-travel.md)\n"
       "  --until-instruction N  stop when N instructions have run, likewise\n"
       "  --trace FILE         write what the program asked of its host, for 'javm replay'\n"
       "  --save FILE          write the new Instance, so that the next run of that file goes on; of a run that "
       "stopped\n"
       "                       as it was asked to, the paused one\n"
       "  --json               report as JSON\n"
       "  --report FILE        write the report there and not to stdout\n"
       "  --quiet              report nothing of a halt or where the run was to stop, and anything else to stderr\n"
       "  --perf map|dump      tell perf of the native code, by /tmp/perf-PID.map or jit-PID.dump\n"
       "  --gdb                tell gdb of the native code\n"
       "  --profile FILE       run the program once more, in slices of gas, and write where the gas went\n"
       "  --profile-every N    gas from one sample to the next; default 997; 1 is exact, and slow\n"
       "  --profile-by WHAT    function, line or block; default: function if FILE.sym is there, else block\n\n"
       "A program of the javm set can write to stdout and stderr by host function 64. Where FILE.sym is there (see\n"
       "'javm link'), a fault is reported with function and source line.\n\n"
       "Exit status: 0 halt, or where the run was to stop, 1 another end, 2 misuse or bad input.");
}

static bool read_input(const char *text, run_options *options) {
  if (options->has_input) {
    cli_fail("--input: expected once");
    return false;
  }
  options->has_input = true;
  if (text[0] == '@') return cli_read_file(text + 1, &options->input);
  if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) text += 2;
  if (cli_parse_hex(text, strlen(text), &options->input)) return true;
  cli_fail("--input: expected pairs of hex digits or @FILE, got '%s'", text);
  return false;
}

static bool add_arg(const char *text, run_options *options) {
  if (options->arg_count == 4) {
    cli_fail("--arg: expected at most four");
    return false;
  }
  return cli_option_u64("--arg", text, UINT64_MAX, &options->args[options->arg_count++]);
}

static bool add_catch(const char *text, run_options *options) {
  uint64_t slot;
  if (!cli_option_u64("--catch", text, 255, &slot)) return false;
  if (options->catch_count == RUN_CATCH_MAX) {
    cli_fail("--catch: expected at most %d", RUN_CATCH_MAX);
    return false;
  }
  options->catches[options->catch_count++] = (uint8_t)slot;
  return true;
}

static bool set_yields(const char *text, run_options *options) {
  if (strcmp(text, "host") == 0) options->yield_mode = JAVM_YIELD_TO_HOST;
  else if (strcmp(text, "catcher") == 0) options->yield_mode = JAVM_YIELD_TO_CATCHER;
  else {
    cli_fail("--yields: expected host or catcher, got '%s'", text);
    return false;
  }
  return true;
}

static bool set_profile_by(const char *text, run_options *options) {
  static const char *const names[] = {"function", "line", "block"};
  for (unsigned i = 0; i < 3; i++) {
    if (strcmp(text, names[i]) != 0) continue;
    options->profile_by = (run_profile_by)i;
    options->has_profile_by = true;
    return true;
  }
  cli_fail("--profile-by: expected function, line or block, got '%s'", text);
  return false;
}

static bool set_profile_every(const char *text, run_options *options) {
  if (!cli_option_u64("--profile-every", text, UINT64_MAX, &options->profile_every)) return false;
  if (options->profile_every > 0) return true;
  cli_fail("--profile-every: expected a number from 1");
  return false;
}

static bool set_number(int option, const char *text, run_options *options) {
  uint64_t value;
  if (option == 'e') {
    if (!cli_option_u64("--endpoint", text, UINT8_MAX, &value)) return false;
    options->endpoint = (uint8_t)value;
    return true;
  }
  if (!cli_option_u64("--pc", text, UINT32_MAX, &value)) return false;
  options->has_pc = true;
  options->pc = options->load.entry_pc = (uint32_t)value;
  return true;
}

static bool set_perf(const char *text, run_options *options) {
  if (strcmp(text, "map") == 0) options->announce |= JAVM_ANNOUNCE_PERF_MAP;
  else if (strcmp(text, "dump") == 0) options->announce |= JAVM_ANNOUNCE_JITDUMP;
  else {
    cli_fail("--perf: expected map or dump, got '%s'", text);
    return false;
  }
  return true;
}

void run_options_init(run_options *options) {
  memset(options, 0, sizeof *options);
  javm_load_config_default(&options->load);
  options->gas = CLI_GAS_DEFAULT;
  options->profile_every = PROFILE_EVERY;
  options->until[JAVM_MARK_GAS] = options->until[JAVM_MARK_INSTRUCTIONS] = JAVM_NO_MARK;
}

bool run_set_option(int option, run_options *options) {
  switch (option) {
    case 'e':
    case 'p': return set_number(option, optarg, options);
    case 'a': return add_arg(optarg, options);
    case 'n': return read_input(optarg, options);
    case 'G': return cli_option_u64("--gas", optarg, UINT64_MAX, &options->gas);
    case 'g': return cli_option_gas_model(optarg, &options->gas_model);
    case 'i': options->load.has_isa = true; return cli_option_isa(optarg, &options->load.isa);
    case 'y': return set_yields(optarg, options);
    case 'c': return add_catch(optarg, options);
    case 'q': options->has_quota = true; return cli_option_u64("--quota", optarg, UINT64_MAX, &options->quota);
    case 'u': return cli_option_u64("--until-gas", optarg, UINT64_MAX - 1, &options->until[JAVM_MARK_GAS]);
    case 'U':
      return cli_option_u64("--until-instruction", optarg, UINT64_MAX - 1, &options->until[JAVM_MARK_INSTRUCTIONS]);
    case 't': options->trace_path = optarg; return true;
    case 's': options->save_path = optarg; return true;
    case 'Q': options->quiet = true; return true;
    case 'r': options->report_path = optarg; return true;
    case 'P': options->profile_path = optarg; return true;
    case 'E': return set_profile_every(optarg, options);
    case 'B': return set_profile_by(optarg, options);
    case 'F': return set_perf(optarg, options);
    case 'D': options->announce |= JAVM_ANNOUNCE_GDB; return true;
    case CLI_OPTION_ENGINE:
    case CLI_OPTION_NO_SIGNALS: return cli_option_engine(option, optarg, &options->engine);
    default: options->json = true; return true;
  }
}

/* Options that exclude each other. */
static int check_options(const run_options *options) {
  bool std_profile = options->profile_path != NULL && strcmp(options->profile_path, "-") == 0;
  bool std_report = options->report_path == NULL || strcmp(options->report_path, "-") == 0;
  if (options->quiet && options->report_path != NULL) return cli_fail("run: expected one of --quiet and --report");
  if (options->profile_path != NULL && options->catch_count > 0)
    return cli_fail("run: --profile with --catch: a catcher would catch the ends of the slices of gas");
  if (std_profile && options->json && std_report && !options->quiet)
    return cli_fail("run: --profile - with --json: both would go to stdout; expected --report FILE");
  bool has_mark =
      options->until[JAVM_MARK_GAS] != JAVM_NO_MARK || options->until[JAVM_MARK_INSTRUCTIONS] != JAVM_NO_MARK;
  if (has_mark && (options->profile_path != NULL || options->trace_path != NULL))
    return cli_fail(
        "run: --until-gas and --until-instruction: not with --profile and --trace, which are of a whole run");
  if (options->until[JAVM_MARK_GAS] != JAVM_NO_MARK && options->gas_model == JAVM_GAS_NONE)
    return cli_fail("run: --until-gas with --gas-model none: nothing uses gas");
  if (options->profile_path != NULL && options->gas_model == JAVM_GAS_NONE)
    return cli_fail("run: --profile with --gas-model none: nothing uses gas");
  if (options->announce != 0 && options->engine.engine == JAVM_ENGINE_INTERPRETER)
    return cli_fail("run: --perf and --gdb are for native code, the interpreter has none");
  return CLI_OK;
}

static int write_trace_start(trace_writer *writer, run_subject *subject, const run_options *options) {
  javm_endpoint endpoint;
  uint64_t regs[JAVM_REG_COUNT];
  uint8_t *bundle = NULL;
  size_t bundle_bytes = 0;
  javm_error error;
  bool is_jam = subject->input.form == CLI_FORM_STANDARD || subject->input.form == CLI_FORM_BLOB;
  int result = run_endpoint(subject, options, &endpoint);
  if (result != CLI_OK) return result;
  if (!is_jam && javm_bundle_encode(subject->input.dir, subject->image, &bundle, &bundle_bytes, &error) != JAVM_OK)
    return cli_fail_error(options->path, &error);
  memcpy(regs, endpoint.initial_regs, sizeof regs);
  memcpy(regs + 7, subject->args, sizeof subject->args);
  const cli_bytes *file = &subject->input.bytes;
  trace_write_start(writer, is_jam ? file->data : bundle, is_jam ? file->size : bundle_bytes, subject->isa,
                    options->gas_model, &options->input, endpoint.entry_pc, options->gas, regs);
  javm_free_bytes(NULL, bundle, bundle_bytes);
  return CLI_OK;
}

static int save_instance(javm_dir *dir, const javm_hash *hash, const char *path) {
  javm_cap *instance = NULL;
  uint8_t *bundle = NULL;
  size_t bundle_bytes = 0;
  javm_error error;
  int result;
  if (javm_dir_get(dir, hash, &instance, &error) != JAVM_OK ||
      javm_bundle_encode(dir, instance, &bundle, &bundle_bytes, &error) != JAVM_OK)
    result = cli_fail_error(path, &error);
  else result = cli_write_file(path, bundle, bundle_bytes);
  javm_free_bytes(NULL, bundle, bundle_bytes);
  javm_cap_release(dir, instance);
  return result;
}

static int save_paused(const run_state *state, const char *path) {
  javm_hash hash;
  javm_error error;
  if (javm_vm_suspend(state->vm, &hash, &error) != JAVM_OK) return cli_fail_error(path, &error);
  return save_instance(state->dir, &hash, path);
}

/* Our own output starts on a new line. */
static void end_line(run_host *host) {
  if (host->in_midline) fputc('\n', stdout);
  host->in_midline = false;
}

/* The report goes to stdout, or to the file that was asked for; with --quiet of a halt nowhere, else to stderr. */
static int print_report(run_subject *subject, const run_options *options, run_host *host, const run_report *report) {
  cli_output output = {0};
  FILE *file = options->quiet ? stderr : stdout;
  if (options->quiet && (report->result->kind == JAVM_RESULT_HALT || report->state != NULL)) return CLI_OK;
  if (options->report_path != NULL) {
    int result = cli_output_open(options->report_path, &output);
    if (result != CLI_OK) return result;
    file = output.file;
  }
  if (file == stdout) end_line(host);
  fflush(stdout);
  int result = options->json ? run_report_json(file, subject->input.dir, report) : run_report_text(file, report);
  if (result == CLI_OK && options->report_path != NULL) result = cli_output_commit(&output);
  cli_output_discard(&output);
  return result;
}

static int finish(run_subject *subject, const run_options *options, run_host *host, const run_report *report) {
  const javm_result *result = report->result;
  bool halted = result->kind == JAVM_RESULT_HALT, at_mark = !halted && report->state != NULL;
  int written = CLI_OK;
  if (options->save_path != NULL && halted)
    written = save_instance(subject->input.dir, &result->instance, options->save_path);
  else if (options->save_path != NULL && at_mark) written = save_paused(report->state, options->save_path);
  else if (options->save_path != NULL)
    cli_fail("%s: not written: the program did not halt, so there is no new Instance", options->save_path);
  int printed = print_report(subject, options, host, report);
  if (written != CLI_OK || printed != CLI_OK) return CLI_BAD;
  return halted || at_mark ? CLI_OK : CLI_OTHER;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* What is watched while a program runs. */
typedef struct watch {
  trace_writer *writer; /* NULL: no trace is asked for */
  uint32_t operation;   /* the last one that the called program began */
  bool changed_image;   /* the symbols are of another Image than the pc */
} watch;

static void watch_event(void *ctx, const javm_trace_event *event) {
  enum { SET_IMAGE = 17 };
  watch *w = ctx;
  if (event->kind == JAVM_TRACE_ECALL) w->operation = event->number;
  if (event->kind == JAVM_TRACE_RESUME && w->operation == SET_IMAGE) w->changed_image = true;
  if (w->writer != NULL) trace_write_event(w->writer, event);
}

/* Names of the code of one Image. */
typedef struct run_names {
  javm_hash image;
  const cli_symbols *symbols;
} run_names;

static bool name_of(void *ctx, const javm_hash *image, uint32_t pc, char *name, size_t capacity) {
  const run_names *names = ctx;
  cli_place place;
  if (memcmp(image, &names->image, sizeof *image) != 0 || !cli_symbols_find(names->symbols, pc, &place)) return false;
  if (place.function == NULL) return false;
  snprintf(name, capacity, place.offset > 0 ? "%s+%lu" : "%s", place.function, (unsigned long)place.offset);
  return true;
}

static void warn_unannounced(const run_options *options, uint32_t ways) {
  const char *path = options->path;
  if (ways & JAVM_ANNOUNCE_PERF_MAP) cli_warn("%s: --perf map: /tmp/perf-%ld.map: cannot write", path, (long)getpid());
  if (ways & JAVM_ANNOUNCE_JITDUMP)
    cli_warn("%s: --perf dump: jit-%ld.dump: cannot write and map it in the current directory or $JITDUMPDIR", path,
             (long)getpid());
  if (ways & JAVM_ANNOUNCE_GDB) cli_warn("%s: --gdb: out of memory", path);
}

/* Calls the subject; the writer is open where there is a trace. */
static int invoke(run_subject *subject, const run_options *options, trace_writer *writer, const cli_symbols *symbols) {
  javm_vm_config config;
  javm_vm *vm = NULL;
  javm_result result;
  javm_error error;
  run_host host = {false, false};
  watch watch = {options->trace_path != NULL ? writer : NULL, 0, false};
  run_names names = {.symbols = symbols};
  run_vm_config(subject, options, &config);
  config.counts_instructions = !options->quiet || options->until[JAVM_MARK_INSTRUCTIONS] != JAVM_NO_MARK;
  config.announce = options->announce;
  if (symbols != NULL && javm_cap_hash(subject->input.dir, subject->image, &names.image) == JAVM_OK) {
    config.name_of = name_of;
    config.name_ctx = &names;
  }
  if (watch.writer != NULL || symbols != NULL) {
    config.trace = watch_event;
    config.trace_ctx = &watch;
  }
  javm_status status = run_vm_new(subject, &config, &host, &vm, &error);
  for (int mark = 0; status == JAVM_OK && mark < 2; mark++)
    if (options->until[mark] != JAVM_NO_MARK) status = javm_vm_set_mark(vm, (javm_mark)mark, options->until[mark]);
  double start = now();
  if (status == JAVM_OK) status = run_start(vm, subject, options, &result, &error);
  double seconds = now() - start;
  if (vm != NULL) warn_unannounced(options, javm_vm_unannounced(vm));
  int exit_status = CLI_OK;
  if (status != JAVM_OK) exit_status = cli_fail_error(options->path, &error);
  else if (watch.writer != NULL) exit_status = cli_output_commit(&writer->output);
  if (status == JAVM_OK) {
    bool at_mark = result.kind == JAVM_RESULT_PAUSED && result.pause == JAVM_PAUSE_MARK;
    run_state state = {subject->input.dir, vm, symbols, names.image};
    run_report report = {
        &subject->hash,         &result, seconds, watch.changed_image ? NULL : symbols, config.counts_instructions,
        at_mark ? &state : NULL};
    int finished = finish(subject, options, &host, &report);
    if (exit_status == CLI_OK) exit_status = finished;
    if (options->profile_path != NULL && exit_status != CLI_BAD) {
      if (strcmp(options->profile_path, "-") == 0) end_line(&host);
      if (run_profile(options, symbols, result.gas_used) != CLI_OK) exit_status = CLI_BAD;
    }
    javm_result_clear(subject->input.dir, &result);
  }
  javm_vm_free(vm);
  return exit_status;
}

/* The symbols of what is in the file: --pc makes another Image of it, with the same code. */
static int load_symbols(run_subject *subject, cli_symbols **symbols) {
  javm_cap *image = NULL;
  int result = cli_input_image(&subject->input, &image);
  if (result == CLI_OK) *symbols = cli_symbols_load(subject->input.path, subject->input.dir, image);
  javm_cap_release(subject->input.dir, image);
  return result;
}

static int run(const run_options *options) {
  run_subject subject;
  trace_writer writer;
  cli_symbols *symbols = NULL;
  memset(&writer, 0, sizeof writer);
  int result = run_subject_make(&subject, options);
  if (result == CLI_OK) result = load_symbols(&subject, &symbols);
  if (result == CLI_OK && options->trace_path != NULL) {
    result = cli_output_open(options->trace_path, &writer.output);
    if (result == CLI_OK) result = write_trace_start(&writer, &subject, options);
  }
  if (result == CLI_OK) result = invoke(&subject, options, &writer, symbols);
  cli_output_discard(&writer.output); /* nothing is left to discard once it was committed */
  cli_symbols_free(symbols);
  run_subject_clear(&subject);
  return result;
}

int cli_run(int argc, char **argv) {
  static const struct option long_options[] = {RUN_SUBJECT_OPTIONS,
                                               {"until-gas", required_argument, NULL, 'u'},
                                               {"until-instruction", required_argument, NULL, 'U'},
                                               {"trace", required_argument, NULL, 't'},
                                               {"save", required_argument, NULL, 's'},
                                               {"json", no_argument, NULL, 'j'},
                                               {"quiet", no_argument, NULL, 'Q'},
                                               {"report", required_argument, NULL, 'r'},
                                               {"profile", required_argument, NULL, 'P'},
                                               {"profile-every", required_argument, NULL, 'E'},
                                               {"profile-by", required_argument, NULL, 'B'},
                                               {"perf", required_argument, NULL, 'F'},
                                               {"gdb", no_argument, NULL, 'D'},
                                               {"help", no_argument, NULL, 'h'},
                                               {NULL, 0, NULL, 0}};
  run_options options;
  int given, result = CLI_OK;
  run_options_init(&options);
  while (result == CLI_OK && (given = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
    if (given == 'h') {
      print_help();
      free(options.input.data);
      return CLI_OK;
    }
    if (given == '?' || given == ':') result = cli_option_refused(argv, given);
    else if (!run_set_option(given, &options)) result = CLI_BAD;
  }
  if (result == CLI_OK) options.path = cli_one_file(argc, argv);
  if (options.path == NULL) result = CLI_BAD;
  if (result == CLI_OK) result = check_options(&options);
  options.load.arguments = options.input.data;
  options.load.arguments_bytes = options.input.size;
  if (result == CLI_OK) result = run(&options);
  free(options.input.data);
  return result;
}
