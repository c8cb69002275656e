/* JSON in and out. Numbers of 64 bits stay exact: what an int64 cannot hold is a string of decimal digits. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

void cli_hash_hex(const javm_hash *hash, char text[CLI_HEX_HASH]) {
  for (size_t i = 0; i < JAVM_HASH_BYTES; i++) sprintf(text + 2 * i, "%02x", hash->bytes[i]);
}

json_t *cli_json_u64(uint64_t value) {
  char digits[24];
  if (value <= INT64_MAX) return json_integer((json_int_t)value);
  sprintf(digits, "%" PRIu64, value);
  return json_string(digits);
}

json_t *cli_json_hash(const javm_hash *hash) {
  char hex[CLI_HEX_HASH];
  cli_hash_hex(hash, hex);
  return json_string(hex);
}

bool cli_json_set(json_t *object, const char *key, json_t *value) {
  return json_object_set_new(object, key, value) == 0;
}

bool cli_json_append(json_t *array, json_t *value) { return json_array_append_new(array, value) == 0; }

int cli_json_write(FILE *file, json_t *value) {
  if (value == NULL) return cli_fail_memory();
  bool done = json_dumpf(value, file, JSON_INDENT(2) | JSON_ENCODE_ANY) == 0;
  json_decref(value);
  if (done && fputc('\n', file) != EOF) return CLI_OK;
  return ferror(file) ? CLI_BAD : cli_fail_memory(); /* a failed write is reported when the file is closed */
}

int cli_json_print(json_t *value) { return cli_json_write(stdout, value); }

bool cli_json_get_u64(const json_t *value, uint64_t *out) {
  if (json_is_string(value)) return cli_parse_u64(json_string_value(value), out);
  if (!json_is_integer(value)) return false;
  *out = (uint64_t)json_integer_value(value);
  return true;
}

/* The end of the number or string that starts at `at`; else the next byte. */
static size_t token_end(const char *text, size_t length, size_t at) {
  size_t end = at + 1;
  if (text[at] == '"') {
    while (end < length && text[end] != '"') end += text[end] == '\\' && end + 1 < length ? 2 : 1;
    return end < length ? end + 1 : length;
  }
  if (!isdigit((unsigned char)text[at]) && text[at] != '-') return end;
  while (end < length && (isalnum((unsigned char)text[end]) || strchr("+-.", text[end]) != NULL)) {
    if (text[end] == '\0') break;
    end++;
  }
  return end;
}

static bool is_big_integer(const char *text, size_t length) {
  if (length < 19) return false;
  for (size_t i = 0; i < length; i++)
    if (!isdigit((unsigned char)text[i])) return false;
  return true;
}

char *cli_json_quote_big(const char *text, size_t length, size_t *new_length) {
  size_t big = 0, to = 0;
  for (size_t at = 0, end; at < length; at = end) {
    end = token_end(text, length, at);
    big += is_big_integer(text + at, end - at);
  }
  char *quoted = malloc(length + 2 * big + 1);
  if (quoted == NULL) return NULL;
  for (size_t at = 0, end; at < length; at = end) {
    end = token_end(text, length, at);
    bool quote = is_big_integer(text + at, end - at);
    if (quote) quoted[to++] = '"';
    memcpy(quoted + to, text + at, end - at);
    to += end - at;
    if (quote) quoted[to++] = '"';
  }
  quoted[to] = '\0';
  *new_length = to;
  return quoted;
}
