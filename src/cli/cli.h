/*
 * What the files of the javm command share: exit statuses, messages, files, numbers, options and JSON.
 *
 * Each subcommand is a function `int cli_x(int argc, char **argv)` with argv[0] its name; it returns an exit status.
 * Messages go to stderr and name the file, the place in it and what was expected; results go to stdout.
 */
#ifndef JAVM_CLI_H
#define JAVM_CLI_H

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "javm.h"

#define CLI_OK 0
#define CLI_OTHER 1 /* the work was done and its outcome is not the good one */
#define CLI_BAD 2   /* misuse, bad input, or output that could not be written */

#define CLI_FILE_BYTES_MAX ((size_t)256 << 20)
#define CLI_GAS_DEFAULT UINT64_C(1000000000)

#if defined(__GNUC__)
#define CLI_PRINTF(text, args) __attribute__((format(printf, text, args)))
#else
#define CLI_PRINTF(text, args)
#endif

int cli_run(int argc, char **argv);
int cli_conform(int argc, char **argv);
int cli_bisect(int argc, char **argv);
int cli_replay(int argc, char **argv);
int cli_asm(int argc, char **argv);
int cli_link(int argc, char **argv);
int cli_disasm(int argc, char **argv);
int cli_gas(int argc, char **argv);
int cli_hash(int argc, char **argv);
int cli_inspect(int argc, char **argv);
int cli_prove(int argc, char **argv);
int cli_verify(int argc, char **argv);

/* ------------------------------------------------------------------------------------------ messages (common.c) */

/* Prints "javm: ..." and a newline to stderr; returns CLI_BAD. */
int cli_fail(const char *format, ...) CLI_PRINTF(1, 2);
/* The same for a failure of the library with a file; the status for INTERNAL is CLI_OTHER: the file is not to blame. */
int cli_fail_error(const char *file, const javm_error *error);
int cli_fail_memory(void);
/* Prints "javm: warning: ..." likewise: something is less than it could be. */
void cli_warn(const char *format, ...) CLI_PRINTF(1, 2);

/* ------------------------------------------------------------------------------------------- options (common.c) */

/* Full u64, decimal or 0x hex, nothing around it. */
bool cli_parse_u64(const char *text, uint64_t *value);
/* An option's number up to `max`; complains otherwise. */
bool cli_option_u64(const char *option, const char *text, uint64_t max, uint64_t *value);
bool cli_option_isa(const char *text, javm_isa *isa);
bool cli_option_gas_model(const char *text, javm_gas_model *model);
/* What runs a program, for the subcommands that run any: the entries of the option table, the help, and what to do with an
 * option for which CLI_IS_ENGINE_OPTION holds. */
typedef struct cli_engine {
  javm_engine engine;
  bool explicit_checks;
} cli_engine;
enum { CLI_OPTION_ENGINE = 256, CLI_OPTION_NO_SIGNALS };
#define CLI_ENGINE_OPTIONS                                                                                             \
  {"engine", required_argument, NULL, CLI_OPTION_ENGINE}, { "no-signals", no_argument, NULL, CLI_OPTION_NO_SIGNALS }
#define CLI_IS_ENGINE_OPTION(option) ((option) == CLI_OPTION_ENGINE || (option) == CLI_OPTION_NO_SIGNALS)
#define CLI_ENGINE_HELP                                                                                                \
  "  --engine ENGINE      interpreter, recompiler or both (stops where they differ; slow); default: the\n"             \
  "                       recompiler, on x86-64 Linux\n"                                                               \
  "  --no-signals         the recompiler checks each access instead of handling SIGSEGV; slower\n"
bool cli_option_engine(int option, const char *text, cli_engine *engine);
bool cli_isa_named(const char *text, javm_isa *isa);
bool cli_gas_model_named(const char *text, javm_gas_model *model);
const char *cli_isa_name(javm_isa isa);
const char *cli_gas_model_name(javm_gas_model model);
/* What getopt_long refused: `result` is '?' or ':'. Returns CLI_BAD. */
int cli_option_refused(char **argv, int result);
/* The one FILE that is left after the options; NULL after a complaint. */
const char *cli_one_file(int argc, char **argv);

/* --------------------------------------------------------------------------------------------------- files (file.c) */

typedef struct cli_bytes {
  uint8_t *data; /* malloc; followed by a NUL that size does not count */
  size_t size;
} cli_bytes;

/* Reads a whole file ("-": stdin); complains and returns false on failure. */
bool cli_read_file(const char *path, cli_bytes *out);
bool cli_parse_hex(const char *text, size_t length, cli_bytes *out); /* pairs of digits; false: no hex or no memory */

/* A file that takes its name only when it is whole ("-" and /dev/stdout: stdout, /dev/stderr: stderr; devices and pipes are
 * written in place). */
typedef struct cli_output {
  FILE *file;
  char *path;
  char *temporary; /* NULL: written in place */
} cli_output;

int cli_output_open(const char *path, cli_output *output);
int cli_output_commit(cli_output *output);
void cli_output_discard(cli_output *output);
int cli_write_file(const char *path, const uint8_t *bytes, size_t size_bytes);

/* ------------------------------------------------------------------------------------------------ inputs (input.c) */

typedef enum cli_form { CLI_FORM_VALUE, CLI_FORM_STANDARD, CLI_FORM_BLOB, CLI_FORM_TEXT } cli_form;

/* A file loaded into a directory of its own. */
typedef struct cli_input {
  const char *path;
  cli_bytes bytes;
  cli_form form;
  javm_dir *dir;
  javm_cap *cap;
} cli_input;

/* config may be NULL. On failure `input` needs no closing. */
int cli_input_open(const char *path, const javm_load_config *config, cli_input *input);
void cli_input_close(cli_input *input);
/* The input's Image: itself or, of an Instance, what it runs. Counted. */
int cli_input_image(cli_input *input, javm_cap **image);
/* Which of the containers are these bytes? */
cli_form cli_form_of(javm_dir *dir, const uint8_t *bytes, size_t size_bytes, javm_isa isa);
/* The value that a reference stands for, from the directory. Counted. */
javm_status cli_resolve(javm_dir *dir, javm_cap *cap, javm_cap **out, javm_error *error);

/* -------------------------------------------------------------------------------------------- symbols (symbols.c) */

#define CLI_SYMBOLS_ENDING ".sym"

/* Functions and source lines of an Image, from the file beside it (docs/formats.md). */
typedef struct cli_symbols cli_symbols;

/* Where a pc is. The texts are the symbols' and have no control characters. */
typedef struct cli_place {
  const char *function; /* NULL: not in one that is known; then offset is 0 */
  uint32_t offset;      /* in the function */
  const char *file;     /* NULL: its line is not known; then line is 0 */
  uint32_t line;
  uint32_t file_index;
} cli_place;

/* What stands in FILE.sym, if it is there and of the Image; else NULL. One that cannot be used is a warning. */
cli_symbols *cli_symbols_load(const char *path, javm_dir *dir, javm_cap *image);
void cli_symbols_free(cli_symbols *symbols); /* NULL is allowed */
/* False: nothing is known of pc. symbols may be NULL. */
bool cli_symbols_find(const cli_symbols *symbols, uint32_t pc, cli_place *place);
/* "function+offset (file:line)", or what is known of it. */
void cli_place_print(FILE *file, const cli_place *place);

/* --------------------------------------------------------------------------------------------------- JSON (json.c) */

#define CLI_HEX_HASH (2 * JAVM_HASH_BYTES + 1)
void cli_hash_hex(const javm_hash *hash, char text[CLI_HEX_HASH]);
/* A number of 64 bits: a JSON integer up to 2^63 - 1, above it a string of decimal digits. */
json_t *cli_json_u64(uint64_t value);
json_t *cli_json_hash(const javm_hash *hash);
/* Takes `value`, which may be NULL for "no memory". */
bool cli_json_set(json_t *object, const char *key, json_t *value);
bool cli_json_append(json_t *array, json_t *value);
/* Writes and releases it; NULL is "no memory". */
int cli_json_write(FILE *file, json_t *value);
int cli_json_print(json_t *value);
/* Reads a number that was written by the rule above, or is negative and means its two's complement. */
bool cli_json_get_u64(const json_t *value, uint64_t *out);
/* Quotes the integers that jansson cannot hold (19 digits and more), so that they arrive as strings. malloc. */
char *cli_json_quote_big(const char *text, size_t length, size_t *new_length);

#endif
