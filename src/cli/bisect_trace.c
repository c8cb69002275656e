/* Two traces, event by event: the first line that means something else. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bisect.h"
#include "trace.h"

typedef struct trace_side {
  const char *path;
  trace_reader reader;
  trace_line line;
  trace_read read;
} trace_side;

static int next(trace_side *t) {
  const char *expected;
  t->read = trace_next(&t->reader, &t->line, &expected);
  if (t->read != TRACE_READ_BAD) return CLI_OK;
  return cli_fail("%s: line %zu: expected '%s'", t->path, t->reader.number, expected);
}

/* The next event; what says which program it is, and how it is metered, is none. */
static int next_event(trace_side *t) {
  int result;
  do {
    result = next(t);
  } while (result == CLI_OK && t->read == TRACE_READ_LINE &&
           (t->line.word == TRACE_PROGRAM || t->line.word == TRACE_JAVM));
  return result;
}

/* Has the trace a gas model of its own? Then gas is not compared. */
static javm_gas_model model_of(const cli_bytes *bytes) {
  trace_reader reader;
  trace_line line;
  const char *expected;
  trace_reader_init(&reader, bytes);
  while (trace_next(&reader, &line, &expected) == TRACE_READ_LINE && line.word != TRACE_START)
    if (line.word == TRACE_JAVM) return line.gas_model;
  return JAVM_GAS_INSTRUCTION;
}

static bool has_state(trace_word word) {
  return word == TRACE_START || word == TRACE_ECALLI || word == TRACE_HALT || word == TRACE_OOG || word == TRACE_PANIC;
}

static bool same_hex(const trace_line *a, const trace_line *b) {
  cli_bytes x = {NULL, 0}, y = {NULL, 0};
  bool same = a->hex_length == b->hex_length &&
              (a->hex_length == 0 || (cli_parse_hex(a->hex, a->hex_length, &x) &&
                                      cli_parse_hex(b->hex, b->hex_length, &y) && memcmp(x.data, y.data, x.size) == 0));
  free(x.data);
  free(y.data);
  return same;
}

static bool same_line(const trace_line *a, const trace_line *b, bool with_gas) {
  if (a->word != b->word || a->reg != b->reg || a->address != b->address || !same_hex(a, b)) return false;
  if (a->value != b->value && (with_gas || a->word != TRACE_SETGAS)) return false;
  return !has_state(a->word) ||
         (a->pc == b->pc && (!with_gas || a->gas == b->gas) && memcmp(a->regs, b->regs, sizeof a->regs) == 0);
}

static void print_line(const char *name, const trace_side *t) {
  if (t->read == TRACE_READ_END) printf("%s  %s: its end\n", name, t->path);
  else
    printf("%s  %s: line %zu: %.*s\n", name, t->path, t->line.number,
           (int)(t->line.length < 200 ? t->line.length : 200), t->line.text);
}

static void print_number(const char *what, uint64_t a, uint64_t b) {
  if (a != b) printf("  %s is 0x%" PRIx64 " in A, 0x%" PRIx64 " in B\n", what, a, b);
}

/* What is different in two lines of one kind. */
static void print_meaning(const trace_line *a, const trace_line *b, bool with_gas) {
  if (a->word != b->word) {
    puts("  they are different events");
    return;
  }
  print_number("the number", a->value, b->value);
  print_number("the address", a->address, b->address);
  print_number("the register", a->reg, b->reg);
  if (a->hex_length != b->hex_length) print_number("the size in bytes", a->hex_length / 2, b->hex_length / 2);
  else if (!same_hex(a, b)) puts("  the bytes differ");
  if (!has_state(a->word)) return;
  print_number("pc", a->pc, b->pc);
  if (with_gas && a->gas != b->gas) printf("  gas is %" PRIu64 " in A, %" PRIu64 " in B\n", a->gas, b->gas);
  for (unsigned i = 0; i < JAVM_REG_COUNT; i++) print_number(cli_reg_names[i], a->regs[i], b->regs[i]);
}

int bisect_traces(const char *paths[2], const cli_bytes traces[2]) {
  trace_side sides[2];
  bool with_gas = model_of(&traces[0]) == model_of(&traces[1]);
  uint64_t same = 0;
  for (int i = 0; i < 2; i++) {
    sides[i].path = paths[i];
    trace_reader_init(&sides[i].reader, &traces[i]);
  }
  if (!with_gas) puts("the gas models differ: gas is not compared");
  for (;; same++) {
    for (int i = 0; i < 2; i++) {
      int result = next_event(&sides[i]);
      if (result != CLI_OK) return result;
    }
    bool ended = sides[0].read == TRACE_READ_END || sides[1].read == TRACE_READ_END;
    if (ended && sides[0].read == sides[1].read) break;
    if (!ended && same_line(&sides[0].line, &sides[1].line, with_gas)) continue;
    printf("they are the same for %" PRIu64 " events, and part there\n", same);
    print_line("A", &sides[0]);
    print_line("B", &sides[1]);
    if (!ended) print_meaning(&sides[0].line, &sides[1].line, with_gas);
    return CLI_OTHER;
  }
  printf("they are the same: %" PRIu64 " events\n", same);
  return CLI_OK;
}
