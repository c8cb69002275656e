/* See error.h; the texts of the stable numbers. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *javm_version(void) { return JAVM_VERSION_STRING; }

const char *javm_status_text(javm_status status) {
  switch (status) {
#define X(name, number, text)                                                                                          \
  case name: return text;
    JAVM_STATUS_LIST(X)
#undef X
  }
  return "unknown status";
}

const char *javm_refusal_text(javm_refusal refusal) {
  switch (refusal) {
#define X(name, number, text)                                                                                          \
  case name: return text;
    JAVM_REFUSAL_LIST(X)
#undef X
  }
  return "unknown refusal";
}

const char *javm_exit_text(javm_exit_kind kind) {
  static const char *const texts[] = {"halt",       "trap",      "panic", "out-of-gas",
                                      "page-fault", "host-call", "ecall", "error"};
  return (size_t)kind < sizeof texts / sizeof *texts ? texts[kind] : "unknown exit";
}

const char *javm_kind_text(javm_kind kind) {
  static const char *const texts[] = {"instance", "image", "data", "cnode", "type", "absent", "continuation", "frame"};
  return (size_t)kind < sizeof texts / sizeof *texts ? texts[kind] : "unknown kind";
}

javm_status jv_fail(javm_error *error, javm_status status, size_t offset, const char *format, ...) {
  if (error) {
    memset(error, 0, sizeof *error);
    error->status = status;
    error->offset = offset;
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    /* names from input may hold anything, and the text ends up on a terminal */
    for (char *p = error->text; *p; p++) {
      if ((unsigned char)*p < ' ' || *p == 0x7f) *p = '?';
    }
  }
  return status;
}

javm_status jv_fail_missing(javm_error *error, javm_status status, const javm_hash *hash, const char *what) {
  jv_fail(error, status, 0, "%s", what);
  if (error && hash) error->hash = *hash;
  return status;
}

javm_status jv_fail_memory(javm_error *error) { return jv_fail(error, JAVM_OUT_OF_MEMORY, 0, "out of memory"); }
