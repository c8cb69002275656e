/* javm conform: finds the files, tells their kind by content, counts their cases. */
#include "conform.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "trace.h"

void conform_begin(conform *c, size_t line, const char *name) {
  c->line = line;
  c->name = name;
  c->missed = false;
}

void conform_end(conform *c) {
  if (c->missed) c->failed++;
  else c->passed++;
}

void conform_miss(conform *c, const char *format, ...) {
  va_list args;
  c->missed = true;
  printf("%s:%zu: ", c->file, c->line);
  if (c->name != NULL) printf("%s: ", c->name);
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  putchar('\n');
}

void conform_expect_u64(conform *c, const char *what, uint64_t expected, uint64_t got) {
  if (expected != got) conform_miss(c, "%s: expected %" PRIu64 ", got %" PRIu64, what, expected, got);
}

void conform_expect_text(conform *c, const char *what, const char *expected, const char *got) {
  if (strcmp(expected, got) != 0) conform_miss(c, "%s: expected %s, got %s", what, expected, got);
}

static void bad_file(conform *c, const char *what) {
  cli_fail("%s: %s", c->file, what);
  c->bad_file = true;
}

static void conform_object(conform *c, size_t line, const json_t *object) {
  const char *name = json_string_value(json_object_get(object, "name"));
  if (name == NULL) name = json_string_value(json_object_get(object, "file"));
  conform_begin(c, line, name);
  if (json_object_get(object, "steps") != NULL || json_object_get(object, "block-gas-costs") != NULL)
    conform_steps(c, object);
  else if (json_object_get(object, "expected-status") != NULL) conform_program(c, object);
  else if (json_object_get(object, "file") != NULL && json_object_get(object, "status") != NULL)
    conform_standard(c, object);
  else {
    cli_fail("%s: line %zu: expected an object with steps, block-gas-costs, expected-status, or file and status",
             c->file, line);
    c->bad_file = true;
    return;
  }
  conform_end(c);
}

static void conform_value(conform *c, size_t line, const json_t *value) {
  size_t index;
  json_t *item;
  if (!json_is_array(value)) {
    conform_object(c, line, value);
    return;
  }
  json_array_foreach(value, index, item) conform_object(c, line, item);
}

static bool is_blank(char byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }

/* JSON values one after the other: one in a file, or one a line. */
static void conform_json(conform *c, const cli_bytes *bytes) {
  size_t length, at = 0, line = 1;
  char *text = cli_json_quote_big((const char *)bytes->data, bytes->size, &length);
  if (text == NULL) {
    bad_file(c, "out of memory");
    return;
  }
  for (;;) {
    json_error_t error;
    for (; at < length && is_blank(text[at]); at++) line += text[at] == '\n';
    if (at == length) break;
    json_t *value = json_loadb(text + at, length - at, JSON_DISABLE_EOF_CHECK, &error);
    if (value == NULL) {
      cli_fail("%s: line %zu: malformed JSON: %s", c->file, line + (size_t)error.line - 1, error.text);
      c->bad_file = true;
      break;
    }
    conform_value(c, line, value);
    json_decref(value);
    for (size_t end = at + (size_t)error.position; at < end; at++) line += text[at] == '\n';
  }
  free(text);
}

static void conform_alu(conform *c, const cli_bytes *bytes) {
  const char *at = (const char *)bytes->data, *end = at + bytes->size;
  for (size_t line = 1; at < end; line++) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    if (stop == NULL) stop = end;
    size_t length = (size_t)(stop - at);
    if (length > 0 && at[length - 1] == '\r') length--;
    if (length > 0 && at[0] != '#') conform_alu_line(c, line, at, length);
    at = stop < end ? stop + 1 : end;
  }
}

static void conform_trace(conform *c, const cli_bytes *bytes) {
  trace_outcome outcome;
  conform_begin(c, 1, NULL);
  int result = trace_replay(bytes, &c->engine, &outcome);
  c->line = outcome.line;
  if (result == CLI_BAD) conform_miss(c, "%s", outcome.got);
  if (result == CLI_OTHER) conform_miss(c, "expected %s, got %s", outcome.expected, outcome.got);
  conform_end(c);
}

static void conform_file(conform *c, const char *path) {
  cli_bytes bytes;
  c->file = path;
  if (!cli_read_file(path, &bytes)) {
    c->bad_file = true;
    return;
  }
  size_t at = 0;
  while (at < bytes.size && is_blank((char)bytes.data[at])) at++;
  if (at < bytes.size && (bytes.data[at] == '{' || bytes.data[at] == '[')) conform_json(c, &bytes);
  else if (trace_recognise(&bytes)) conform_trace(c, &bytes);
  else if (conform_alu_recognise(&bytes)) conform_alu(c, &bytes);
  else bad_file(c, "offset 0: expected JSON objects, a trace with a 'program' line, or five columns between tabs");
  free(bytes.data);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool add_name(char ***names, size_t *count, const char *folder, const char *name) {
  if ((*count & (*count - 1)) == 0) { /* full at each power of two */
    char **grown = realloc(*names, (*count == 0 ? 1 : 2 * *count) * sizeof **names);
    if (grown == NULL) return false;
    *names = grown;
  }
  char *path = malloc(strlen(folder) + strlen(name) + 2);
  if (path == NULL) return false;
  sprintf(path, "%s/%s", folder, name);
  (*names)[(*count)++] = path;
  return true;
}

static bool list_folder(const char *path, char ***names, size_t *count) {
  DIR *folder = opendir(path);
  struct dirent *entry;
  bool done = true;
  if (folder == NULL) {
    cli_fail("%s: %s", path, strerror(errno));
    return false;
  }
  while (done && (entry = readdir(folder)) != NULL)
    if (entry->d_name[0] != '.') done = add_name(names, count, path, entry->d_name);
  closedir(folder);
  if (!done) cli_fail_memory();
  if (*count > 1) qsort(*names, *count, sizeof **names, by_name);
  return done;
}

static bool has_known_ending(const char *path) {
  static const char *const endings[] = {".json", ".jsonl", ".tsv", ".log"};
  const char *dot = strrchr(path, '.');
  for (size_t i = 0; dot != NULL && i < sizeof endings / sizeof endings[0]; i++)
    if (strcmp(dot, endings[i]) == 0) return true;
  return false;
}

enum { FOLDER_DEPTH_MAX = 32 };

static void conform_path(conform *c, const char *path, int depth) {
  struct stat info;
  char **names = NULL;
  size_t count = 0;
  c->file = path;
  if (strcmp(path, "-") == 0 || stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
    if (depth == 0 || has_known_ending(path)) conform_file(c, path);
    return;
  }
  if (depth == FOLDER_DEPTH_MAX) {
    bad_file(c, "folders are nested too deeply");
    return;
  }
  if (!list_folder(path, &names, &count)) c->bad_file = true;
  for (size_t i = 0; i < count; i++) {
    conform_path(c, names[i], depth + 1);
    free(names[i]);
  }
  free(names);
}

int cli_conform(int argc, char **argv) {
  static const struct option options[] = {CLI_ENGINE_OPTIONS, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
  conform c;
  int given;
  memset(&c, 0, sizeof c);
  while ((given = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
    if (CLI_IS_ENGINE_OPTION(given)) {
      if (!cli_option_engine(given, optarg, &c.engine)) return CLI_BAD;
      continue;
    }
    if (given != 'h') return cli_option_refused(argv, given);
    puts("usage: javm conform PATH... [OPTION...]\n\n"
         "Runs conformance files, and the .json, .jsonl, .tsv and .log files of folders: single programs, programs in\n"
         "steps with block costs, standard programs, single operations and traces, told apart by their content.\n"
         "Prints each failure, then 'N passed, N failed'.\n\n" CLI_ENGINE_HELP "\n"
         "Exit status: 0 none failed, 1 some failed, 2 nothing could be run.");
    return CLI_OK;
  }
  if (optind == argc) return cli_fail("conform: expected a PATH; see 'javm conform --help'");
  for (int i = optind; i < argc; i++) conform_path(&c, argv[i], 0);
  if (c.passed + c.failed == 0 && !c.bad_file) bad_file(&c, "expected conformance files, found none");
  printf("%" PRIu64 " passed, %" PRIu64 " failed\n", c.passed, c.failed);
  if (c.passed + c.failed == 0) return CLI_BAD;
  return c.failed > 0 || c.bad_file ? CLI_OTHER : CLI_OK;
}
