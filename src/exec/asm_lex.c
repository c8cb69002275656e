/* See asm_lex.h. Nothing here allocates; every function looks at the bound of the text before it looks at a
 * character. */
#include "exec/asm_lex.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool jv_slice_is(jv_slice s, const char *word) { return s.size == strlen(word) && memcmp(s.text, word, s.size) == 0; }

int jv_slice_compare(jv_slice a, jv_slice b) {
  size_t shorter = a.size < b.size ? a.size : b.size;
  int order = shorter ? memcmp(a.text, b.text, shorter) : 0;
  if (order) return order;
  return a.size < b.size ? -1 : a.size > b.size;
}

bool jv_lex_fail(jv_lex *lex, size_t line, const char *format, ...) {
  if (lex->status != JAVM_OK) return false;
  char text[sizeof lex->error->text];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  lex->status = jv_fail(lex->error, JAVM_SYNTAX, line, "%s", text);
  return false;
}

bool jv_lex_memory(jv_lex *lex) {
  if (lex->status == JAVM_OK) lex->status = jv_fail_memory(lex->error);
  return false;
}

static char current(const jv_lex *lex) { return lex->at < lex->size ? lex->text[lex->at] : '\n'; }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.'; }

static int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Over blanks and a comment, not over the end of the line. */
static void skip_blanks(jv_lex *lex) {
  while (lex->at < lex->size && (current(lex) == ' ' || current(lex) == '\t' || current(lex) == '\r')) lex->at++;
  if (current(lex) != '#' && current(lex) != ';') return;
  while (current(lex) != '\n') lex->at++;
}

bool jv_lex_expected(jv_lex *lex, const char *what) {
  char found[32];
  size_t n = 0;
  skip_blanks(lex);
  for (size_t i = lex->at; i < lex->size && n < sizeof found - 1; i++) {
    char c = lex->text[i];
    if (c <= ' ' || c > '~' || (n > 0 && (c == ',' || c == '#' || c == ';'))) break;
    found[n++] = c;
  }
  found[n] = 0;
  if (n) return jv_lex_fail(lex, lex->line, "expected %s, found '%s'", what, found);
  if (lex->at >= lex->size) return jv_lex_fail(lex, lex->line, "expected %s, found the end of the text", what);
  if (current(lex) == '\n') return jv_lex_fail(lex, lex->line, "expected %s, found the end of the line", what);
  return jv_lex_fail(lex, lex->line, "expected %s, found the byte 0x%02x", what, (unsigned char)current(lex));
}

bool jv_lex_statement(jv_lex *lex) {
  for (;;) {
    skip_blanks(lex);
    if (lex->at >= lex->size) return false;
    if (current(lex) != '\n') return true;
    lex->at++;
    lex->line++;
  }
}

bool jv_lex_line_done(jv_lex *lex) {
  skip_blanks(lex);
  return current(lex) == '\n';
}

bool jv_lex_need_line_done(jv_lex *lex) { return jv_lex_line_done(lex) || jv_lex_expected(lex, "the end of the line"); }

char jv_lex_peek(jv_lex *lex) { return jv_lex_line_done(lex) ? 0 : current(lex); }

bool jv_lex_take(jv_lex *lex, char c) {
  if (jv_lex_peek(lex) != c) return false;
  lex->at++;
  return true;
}

bool jv_lex_need(jv_lex *lex, char c) {
  char what[] = {'\'', c, '\'', 0};
  return jv_lex_take(lex, c) || jv_lex_expected(lex, what);
}

jv_slice jv_lex_name(jv_lex *lex) {
  jv_slice name = {lex->text, 0};
  skip_blanks(lex);
  if (!is_name_start(current(lex))) return name;
  name.text += lex->at;
  for (; is_name_start(current(lex)) || is_digit(current(lex)); lex->at++) name.size++;
  return name;
}

jv_slice jv_lex_word(jv_lex *lex) {
  skip_blanks(lex);
  jv_slice word = {lex->text + lex->at, 0};
  for (char c; c = current(lex), c > ' ' && c != ',' && c != '#' && c != ';' && c != '{' && c != '}'; lex->at++) {
    word.size++;
  }
  return word;
}

bool jv_lex_number(jv_lex *lex, const char *what, jv_number *out) {
  skip_blanks(lex);
  size_t start = lex->at;
  out->magnitude = 0;
  out->negative = current(lex) == '-';
  if (out->negative) lex->at++;
  unsigned base = 10;
  if (current(lex) == '0' && lex->at + 1 < lex->size &&
      (lex->text[lex->at + 1] == 'x' || lex->text[lex->at + 1] == 'X')) {
    base = 16;
    lex->at += 2;
  }
  size_t digits = lex->at;
  for (int digit; digit = hex_digit(current(lex)), digit >= 0 && (unsigned)digit < base; lex->at++) {
    if (out->magnitude > (UINT64_MAX - (unsigned)digit) / base) {
      return jv_lex_fail(lex, lex->line, "%s does not fit into 64 bits", what);
    }
    out->magnitude = out->magnitude * base + (unsigned)digit;
  }
  bool none = lex->at == digits, more = is_name_start(current(lex)) || is_digit(current(lex));
  if (!none && !more) return true;
  lex->at = start;
  return jv_lex_expected(lex, what);
}

bool jv_lex_unsigned(jv_lex *lex, const char *what, uint64_t max, uint64_t *out) {
  jv_number n;
  if (!jv_lex_number(lex, what, &n)) return false;
  if (n.negative || n.magnitude > max) {
    return jv_lex_fail(lex, lex->line, "%s must be at most %llu and not negative", what, (unsigned long long)max);
  }
  *out = n.magnitude;
  return true;
}

int jv_lex_hex_byte(jv_lex *lex, uint8_t *out) {
  int high = hex_digit(current(lex));
  if (high < 0) {
    if (!is_name_start(current(lex))) return 0;
    jv_lex_expected(lex, "hex digits");
    return -1;
  }
  lex->at++;
  int low = hex_digit(current(lex));
  if (low < 0) {
    jv_lex_fail(lex, lex->line, "expected an even number of hex digits");
    return -1;
  }
  lex->at++;
  *out = (uint8_t)(high << 4 | low);
  return 1;
}

int jv_lex_string_byte(jv_lex *lex, uint8_t *out) {
  char c = current(lex);
  if (c == '\n') {
    jv_lex_fail(lex, lex->line, "expected '\"' at the end of the string");
    return -1;
  }
  lex->at++;
  if (c == '"') return 0;
  *out = (uint8_t)c;
  if (c != '\\') return 1;
  c = current(lex);
  static const char escapes[] = "n\nt\tr\r0\0\\\\\"\"";
  for (size_t i = 0; i + 1 < sizeof escapes; i += 2) {
    if (c != escapes[i]) continue;
    lex->at++;
    *out = (uint8_t)escapes[i + 1];
    return 1;
  }
  if (c == 'x') {
    lex->at++;
    if (jv_lex_hex_byte(lex, out) == 1) return 1;
  }
  jv_lex_fail(lex, lex->line, "expected \\n, \\t, \\r, \\0, \\\\, \\\" or \\xNN in the string");
  return -1;
}
