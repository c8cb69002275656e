/*
 * javm bisect: where two runs part. Both are run whole, with checkpoints; then the point is narrowed down by comparing roots at
 * points in between, which are reached again from the checkpoints (javm_timeline_part).
 */
#include "bisect.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "trace.h"

static void print_help(void) {
  puts("usage: javm bisect A [B] [OPTION...]\n\n"
       "Runs two programs, or one under different options, and finds the first point at which what they are differs; "
       "of\n"
       "two traces, the first event. (docs/time-travel.md)\n\n"
       "The options are those of 'javm run' that say what is run and how: --endpoint, --pc, --arg, --input, --gas,\n"
       "--gas-model, --isa, --yields, --catch, --quota, --engine, --no-signals. Each is for both runs, or with -a or "
       "-b\n"
       "behind its name for one: --engine-a interpreter --engine-b recompiler.\n\n"
       "  --by gas|instructions  what points are counted in; default: gas for two engines, which then run as they "
       "always\n"
       "                         do, else instructions\n"
       "  --every N              from one checkpoint to the next, at first; default 1000\n"
       "  --each                 compare at every point, and not only at checkpoints and where those tell the runs "
       "apart:\n"
       "                         slow, and finds also what differs for a while only. Short runs are compared so "
       "anyway\n\n"
       "Exit status: 0 they are the same, 1 they part, 2 misuse or bad input.");
}

typedef struct bisect {
  bisect_side sides[2];
  bool has_axis;
  javm_mark axis;
  uint64_t every;
  bool each;
  javm_root_kind kind;
} bisect;

/* ---- options ---- */

enum { OPTION_BY = 512, OPTION_EVERY, OPTION_EACH };
enum { EVERY_DEFAULT = 1000, CHECKPOINTS_MAX = 256, EACH_MAX = 20000 };
static const struct option long_options[] = {RUN_SUBJECT_OPTIONS,
                                             {"by", required_argument, NULL, OPTION_BY},
                                             {"every", required_argument, NULL, OPTION_EVERY},
                                             {"each", no_argument, NULL, OPTION_EACH},
                                             {"help", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

/* The arguments of one side: those for both, and its own with the suffix taken off. */
typedef struct arguments {
  char **argv;
  int argc;
} arguments;

static bool takes_value(const char *name, size_t length) {
  for (const struct option *o = long_options; o->name != NULL; o++)
    if (strlen(o->name) == length && memcmp(o->name, name, length) == 0) return o->has_arg == required_argument;
  return false;
}

static bool add_copy(arguments *to, const char *text, size_t length, const char *rest) {
  char *copy = malloc(length + strlen(rest) + 1);
  if (copy == NULL) return false;
  memcpy(copy, text, length);
  strcpy(copy + length, rest);
  to->argv[to->argc++] = copy;
  return true;
}

/* Takes argv[i] and, if it has one, its value; returns the index behind, 0: no memory. */
static int take_argument(int argc, char **argv, int i, arguments sides[2]) {
  const char *text = argv[i], *equals = strchr(text, '=');
  size_t length = equals != NULL ? (size_t)(equals - text) : strlen(text), base = length;
  bool first = true, second = true;
  if (length > 4 && text[length - 2] == '-' && (text[length - 1] == 'a' || text[length - 1] == 'b')) {
    first = text[length - 1] == 'a';
    second = !first;
    base -= 2;
  }
  bool value = equals == NULL && takes_value(text + 2, base - 2) && i + 1 < argc;
  for (int s = 0; s < 2; s++) {
    if (!(s == 0 ? first : second)) continue;
    if (!add_copy(&sides[s], text, base, text + length)) return 0;
    if (value && !add_copy(&sides[s], argv[i + 1], strlen(argv[i + 1]), "")) return 0;
  }
  return i + 1 + value;
}

static bool split_arguments(int argc, char **argv, arguments sides[2], const char *paths[2]) {
  int files = 0;
  for (int s = 0; s < 2; s++) {
    sides[s].argv = calloc((size_t)argc + 1, sizeof *sides[s].argv);
    if (sides[s].argv == NULL || !add_copy(&sides[s], argv[0], strlen(argv[0]), "")) {
      cli_fail_memory();
      return false;
    }
  }
  for (int i = 1; i < argc;) {
    if (argv[i][0] == '-' && argv[i][1] != '\0') {
      i = take_argument(argc, argv, i, sides);
      if (i == 0) {
        cli_fail_memory();
        return false;
      }
      continue;
    }
    if (files == 2) {
      cli_fail("bisect: expected one or two files, got '%s', too", argv[i]);
      return false;
    }
    paths[files++] = argv[i++];
  }
  if (files == 0) cli_fail("bisect: expected one or two files; see 'javm bisect --help'");
  if (files == 1) paths[1] = paths[0];
  return files > 0;
}

static bool set_axis(const char *text, bisect *b) {
  b->has_axis = true;
  if (strcmp(text, "gas") == 0) b->axis = JAVM_MARK_GAS;
  else if (strcmp(text, "instructions") == 0) b->axis = JAVM_MARK_INSTRUCTIONS;
  else {
    cli_fail("--by: expected gas or instructions, got '%s'", text);
    return false;
  }
  return true;
}

static bool set_every(const char *text, bisect *b) {
  if (!cli_option_u64("--every", text, UINT64_MAX, &b->every)) return false;
  if (b->every > 0) return true;
  cli_fail("--every: expected a number from 1");
  return false;
}

/* CLI_OTHER: help was asked for. */
static int parse_side(bisect *b, bisect_side *side, const arguments *from) {
  int given;
  run_options_init(&side->options);
  optind = 0;
  while ((given = getopt_long(from->argc, from->argv, ":h", long_options, NULL)) != -1) {
    bool good = true;
    if (given == 'h') return CLI_OTHER;
    if (given == '?' || given == ':') return cli_option_refused(from->argv, given);
    if (given == OPTION_BY) good = set_axis(optarg, b);
    else if (given == OPTION_EACH) b->each = true;
    else if (given == OPTION_EVERY) good = set_every(optarg, b);
    else good = run_set_option(given, &side->options);
    if (!good) return CLI_BAD;
  }
  side->options.load.arguments = side->options.input.data;
  side->options.load.arguments_bytes = side->options.input.size;
  return CLI_OK;
}

/* ---- runs ---- */

static int load_side(bisect_side *side) {
  int result = run_subject_make(&side->subject, &side->options);
  javm_dir *dir = side->subject.input.dir;
  if (result != CLI_OK) return result;
  if (javm_cap_hash(dir, side->subject.image, &side->image) != JAVM_OK) return cli_fail_memory();
  side->symbols = cli_symbols_load(side->options.path, dir, side->subject.image);
  return CLI_OK;
}

/* By what the two runs are compared. */
static int choose(bisect *b) {
  const run_options *one = &b->sides[0].options, *two = &b->sides[1].options;
  bool same_image = memcmp(&b->sides[0].image, &b->sides[1].image, sizeof b->sides[0].image) == 0;
  bool same_model = one->gas_model == two->gas_model, same_gas = one->gas == two->gas;
  bool same_engine =
      one->engine.engine == two->engine.engine && one->engine.explicit_checks == two->engine.explicit_checks;
  bool by_gas = same_image && same_model && one->gas_model != JAVM_GAS_NONE;
  if (!same_engine && !by_gas)
    return cli_fail(
        "bisect: two engines are compared by gas: expected the same Image and gas model for both, and not none");
  if (b->has_axis && b->axis == JAVM_MARK_GAS && !by_gas)
    return cli_fail("bisect: --by gas: expected the same Image and gas model for both, and not none");
  if (!b->has_axis) b->axis = same_engine ? JAVM_MARK_INSTRUCTIONS : JAVM_MARK_GAS;
  b->kind = same_image && same_model && same_gas ? JAVM_ROOT_WHOLE : JAVM_ROOT_MACHINE;
  return CLI_OK;
}

static javm_status run_side(const bisect *b, bisect_side *side, javm_error *error) {
  javm_vm_config config;
  javm_timeline_config timeline;
  javm_dir *dir = side->subject.input.dir;
  javm_mark start = side->options.gas_model == JAVM_GAS_NONE ? JAVM_MARK_INSTRUCTIONS : JAVM_MARK_GAS;
  side->host.discards = true;
  run_vm_config(&side->subject, &side->options, &config);
  config.counts_instructions = true;
  javm_status status = run_vm_new(&side->subject, &config, &side->host, &side->vm, error);
  if (status == JAVM_OK) status = javm_vm_set_mark(side->vm, start, 0);
  if (status == JAVM_OK) status = run_start(side->vm, &side->subject, &side->options, &side->end, error);
  if (status != JAVM_OK) return status;
  bool is_ready = side->end.kind == JAVM_RESULT_PAUSED && side->end.pause == JAVM_PAUSE_MARK;
  if (is_ready) {
    javm_result_clear(dir, &side->end);
    javm_timeline_config_default(&timeline);
    timeline.axis = b->axis;
    timeline.every = b->every;
    timeline.max_checkpoints = CHECKPOINTS_MAX;
    status = javm_timeline_new(side->vm, &timeline, &side->timeline, error);
    if (status == JAVM_OK) status = javm_timeline_run(side->timeline, JAVM_NO_MARK, &side->end, error);
  }
  javm_vm_position(side->vm, &side->length);
  return status;
}

static void print_side(bisect_side *side) {
  static const char *const engines[] = {"", ", interpreter", ", recompiler", ", both engines"};
  printf("%s  %s, gas model %s%s\n   ", side->name, side->options.path, cli_gas_model_name(side->options.gas_model),
         engines[side->options.engine.engine]);
  bisect_print_outcome(&(bisect_view){side, side->vm, side->end});
  printf(", %" PRIu64 " gas, %" PRIu64 " instructions\n", side->length.gas, side->length.instructions);
}

/* ---- the point ---- */

static int seek_both(bisect *b, uint64_t at, bisect_view views[2]) {
  javm_error error;
  for (int i = 0; i < 2; i++) {
    views[i] = (bisect_view){.side = &b->sides[i]};
    if (javm_timeline_seek(b->sides[i].timeline, at, &views[i].vm, &views[i].result, &error) != JAVM_OK)
      return cli_fail_error(b->sides[i].options.path, &error);
  }
  return CLI_OK;
}

static void release_both(bisect *b, bisect_view views[2]) {
  for (int i = 0; i < 2; i++) {
    javm_result_clear(b->sides[i].subject.input.dir, &views[i].result);
    javm_timeline_release(b->sides[i].timeline, views[i].vm);
  }
}

static int report(bisect *b, bool at_start, uint64_t last_same) {
  bisect_view here[2] = {{0}}, then[2] = {{0}};
  const char *unit = b->axis == JAVM_MARK_GAS ? "gas" : "instructions";
  if (at_start) printf("they differ before the first instruction\n");
  else printf("they are the same up to %" PRIu64 " %s, and part there\n", last_same, unit);
  int result = seek_both(b, last_same, here);
  if (result == CLI_OK && !at_start) {
    result = bisect_print_point(here);
    if (result == CLI_OK) result = seek_both(b, last_same + 1, then);
    if (result == CLI_OK) result = bisect_print_differences(then, b->kind);
    release_both(b, then);
  } else if (result == CLI_OK) {
    result = bisect_print_differences(here, b->kind);
  }
  release_both(b, here);
  return result == CLI_OK ? CLI_OTHER : result;
}

static bool is_short(const bisect *b) {
  bool is = true;
  for (int i = 0; i < 2; i++) {
    const javm_position *at = &b->sides[i].length;
    is = is && (b->axis == JAVM_MARK_GAS ? at->gas : at->instructions) <= EACH_MAX;
  }
  return is;
}

static int bisect_runs(bisect *b) {
  javm_error error;
  bool parted, at_start;
  uint64_t last_same;
  int result = CLI_OK;
  for (int i = 0; result == CLI_OK && i < 2; i++) result = load_side(&b->sides[i]);
  if (result == CLI_OK) result = choose(b);
  for (int i = 0; result == CLI_OK && i < 2; i++) {
    bisect_side *side = &b->sides[i];
    if (run_side(b, side, &error) != JAVM_OK) result = cli_fail_error(side->options.path, &error);
    else print_side(side);
  }
  if (result != CLI_OK) return result;
  if (b->sides[0].timeline == NULL || b->sides[1].timeline == NULL)
    return cli_fail("bisect: a run cannot stop before its first instruction: its gas does not suffice for one");
  bool each = b->each || is_short(b);
  if (javm_timeline_part(b->sides[0].timeline, b->sides[1].timeline, b->kind, each, &parted, &at_start, &last_same,
                         &error) != JAVM_OK)
    return cli_fail_error(b->sides[0].options.path, &error);
  if (parted) return report(b, at_start, last_same);
  if (each) puts("they are the same at every point");
  else
    printf("they are the same at %zu points and at their ends\n", javm_timeline_checkpoint_count(b->sides[0].timeline));
  return CLI_OK;
}

static void clear_side(bisect_side *side) {
  if (side->subject.input.dir != NULL) javm_result_clear(side->subject.input.dir, &side->end);
  javm_timeline_free(side->timeline);
  javm_vm_free(side->vm);
  cli_symbols_free(side->symbols);
  run_subject_clear(&side->subject);
  free(side->options.input.data);
}

/* ---- all of it ---- */

/* Two traces are compared as such. CLI_OK: they are none. */
static int try_traces(const char *paths[2], const arguments sides[2], bool *are_traces) {
  cli_bytes bytes[2] = {{NULL, 0}, {NULL, 0}};
  int result = CLI_OK;
  for (int i = 0; result == CLI_OK && i < 2; i++)
    if (!cli_read_file(paths[i], &bytes[i])) result = CLI_BAD;
  bool first = result == CLI_OK && trace_recognise(&bytes[0]), second = result == CLI_OK && trace_recognise(&bytes[1]);
  *are_traces = first && second;
  if (first != second) result = cli_fail("bisect: %s is a trace and %s is none", paths[second], paths[first]);
  else if (first && (sides[0].argc > 1 || sides[1].argc > 1)) result = cli_fail("bisect: options are not for traces");
  else if (first) result = bisect_traces(paths, bytes);
  free(bytes[0].data);
  free(bytes[1].data);
  return result;
}

int cli_bisect(int argc, char **argv) {
  arguments sides[2] = {{NULL, 0}, {NULL, 0}};
  const char *paths[2] = {NULL, NULL};
  bisect b = {.every = EVERY_DEFAULT};
  bool are_traces = false;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--help") != 0 && strcmp(argv[i], "-h") != 0) continue;
    print_help();
    return CLI_OK;
  }
  int result = split_arguments(argc, argv, sides, paths) ? CLI_OK : CLI_BAD;
  for (int i = 0; result == CLI_OK && i < 2; i++) {
    b.sides[i].name = i == 0 ? "A" : "B";
    result = parse_side(&b, &b.sides[i], &sides[i]);
    b.sides[i].options.path = paths[i];
  }
  if (result == CLI_OK) result = try_traces(paths, sides, &are_traces);
  if (result == CLI_OK && !are_traces) result = bisect_runs(&b);
  for (int i = 0; i < 2; i++) {
    clear_side(&b.sides[i]);
    for (int k = 0; k < sides[i].argc; k++) free(sides[i].argv[k]);
    free(sides[i].argv);
  }
  return result;
}
