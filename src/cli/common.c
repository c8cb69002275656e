/* Messages, numbers and options of every subcommand. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

int cli_fail(const char *format, ...) {
  va_list args;
  fputs("javm: ", stderr);
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  return CLI_BAD;
}

void cli_warn(const char *format, ...) {
  va_list args;
  fputs("javm: warning: ", stderr);
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
}

static bool names_a_hash(javm_status status) {
  return status == JAVM_INSTANCE_NOT_FOUND || status == JAVM_IMAGE_NOT_FOUND || status == JAVM_VALUE_NOT_FOUND;
}

/* Some texts say the offset themselves, in its place. */
static bool needs_offset(const javm_error *error) {
  return error->status == JAVM_MALFORMED && strstr(error->text, "at offset") == NULL;
}

int cli_fail_error(const char *file, const javm_error *error) {
  const char *what = javm_status_text(error->status);
  const char *colon = error->text[0] != '\0' ? ": " : "";
  if (names_a_hash(error->status)) {
    char hex[CLI_HEX_HASH];
    cli_hash_hex(&error->hash, hex);
    return cli_fail("%s: %s: %s%s%s", file, what, hex, colon, error->text);
  }
  if (error->status == JAVM_SYNTAX)
    return cli_fail("%s: line %zu: %s%s%s", file, error->offset, what, colon, error->text);
  if (needs_offset(error)) return cli_fail("%s: offset %zu: %s%s%s", file, error->offset, what, colon, error->text);
  cli_fail("%s: %s%s%s", file, what, colon, error->text);
  return error->status == JAVM_INTERNAL ? CLI_OTHER : CLI_BAD;
}

int cli_fail_memory(void) { return cli_fail("out of memory"); }

bool cli_parse_u64(const char *text, uint64_t *value) {
  bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
  const char *digits = hex ? text + 2 : text;
  size_t length = strlen(digits);
  if (length == 0 || strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") != length) return false;
  errno = 0;
  unsigned long long parsed = strtoull(digits, NULL, hex ? 16 : 10);
  if (errno != 0 || parsed > UINT64_MAX) return false;
  *value = parsed;
  return true;
}

bool cli_option_u64(const char *option, const char *text, uint64_t max, uint64_t *value) {
  if (cli_parse_u64(text, value) && *value <= max) return true;
  cli_fail("%s: expected a number from 0 to %llu, decimal or 0x hex, got '%s'", option, (unsigned long long)max, text);
  return false;
}

static const char *const isa_names[] = {"javm", "jam-0.7", "jam-0.8"};
static const char *const gas_model_names[] = {"pipeline", "single-pass", "instruction", "none"};
static const char *const engine_names[] = {"interpreter", "recompiler", "both"};
_Static_assert(JAVM_ISA_JAVM == 0 && JAVM_ISA_JAM_0_7 == 1 && JAVM_ISA_JAM_0_8 == 2,
               "isa_names is indexed by javm_isa");
_Static_assert(JAVM_GAS_PIPELINE == 0 && JAVM_GAS_SINGLE_PASS == 1 && JAVM_GAS_INSTRUCTION == 2 && JAVM_GAS_NONE == 3,
               "gas_model_names is indexed by javm_gas_model");
_Static_assert(JAVM_ENGINE_INTERPRETER == 1 && JAVM_ENGINE_RECOMPILER == 2 && JAVM_ENGINE_BOTH == 3,
               "engine_names has those from 1");

static bool find_name(const char *const *names, size_t count, const char *text, unsigned *index) {
  for (unsigned i = 0; i < count; i++) {
    if (strcmp(names[i], text) != 0) continue;
    *index = i;
    return true;
  }
  return false;
}

bool cli_isa_named(const char *text, javm_isa *isa) {
  unsigned index;
  if (!find_name(isa_names, 3, text, &index)) return false;
  *isa = (javm_isa)index;
  return true;
}

bool cli_gas_model_named(const char *text, javm_gas_model *model) {
  unsigned index;
  if (!find_name(gas_model_names, 4, text, &index)) return false;
  *model = (javm_gas_model)index;
  return true;
}

bool cli_option_isa(const char *text, javm_isa *isa) {
  if (cli_isa_named(text, isa)) return true;
  cli_fail("--isa: expected javm, jam-0.7 or jam-0.8, got '%s'", text);
  return false;
}

bool cli_option_gas_model(const char *text, javm_gas_model *model) {
  if (cli_gas_model_named(text, model)) return true;
  cli_fail("--gas-model: expected pipeline, single-pass, instruction or none, got '%s'", text);
  return false;
}

bool cli_option_engine(int option, const char *text, cli_engine *engine) {
  unsigned index;
  if (option == CLI_OPTION_NO_SIGNALS) {
    engine->explicit_checks = true;
    return true;
  }
  if (find_name(engine_names, 3, text, &index)) {
    engine->engine = (javm_engine)(index + JAVM_ENGINE_INTERPRETER);
    return true;
  }
  cli_fail("--engine: expected interpreter, recompiler or both, got '%s'", text);
  return false;
}

const char *cli_isa_name(javm_isa isa) { return (unsigned)isa < 3 ? isa_names[isa] : "unknown"; }

const char *cli_gas_model_name(javm_gas_model model) { return gas_model_names[model]; }

int cli_option_refused(char **argv, int result) {
  const char *given = argv[optind - 1];
  if (result == ':') return cli_fail("%s: option '%s' needs a value; see 'javm %s --help'", argv[0], given, argv[0]);
  if (optopt > 0 && optopt < 128)
    return cli_fail("%s: unknown option '-%c'; see 'javm %s --help'", argv[0], optopt, argv[0]);
  return cli_fail("%s: unknown option '%s', or not its form; see 'javm %s --help'", argv[0], given, argv[0]);
}

const char *cli_one_file(int argc, char **argv) {
  if (argc - optind == 1) return argv[optind];
  cli_fail("%s: expected one FILE, got %d; see 'javm %s --help'", argv[0], argc - optind, argv[0]);
  return NULL;
}
