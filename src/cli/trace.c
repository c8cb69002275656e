/* Reads and writes the lines of a trace. */
#include "trace.h"

#include <inttypes.h>
#include <string.h>

static const struct {
  const char *start;
  trace_word word;
  const char *form;
} words[] = {
    {"program 0x", TRACE_PROGRAM, "program 0x<hex>"},
    {"javm isa=", TRACE_JAVM, "javm isa=<set> gas-model=<model>"},
    {"memwrite 0x", TRACE_MEMWRITE, "memwrite 0x<address> len=<n> <- 0x<hex>"},
    {"memread 0x", TRACE_MEMREAD, "memread 0x<address> len=<n> -> 0x<hex>"},
    {"start pc=", TRACE_START, "start pc=<n> gas=<n> r<nn>=0x<hex>..."},
    {"ecalli=", TRACE_ECALLI, "ecalli=<n> pc=<n> gas=<n> r<nn>=0x<hex>..."},
    {"setreg r", TRACE_SETREG, "setreg r<nn> <- 0x<hex>"},
    {"setgas ", TRACE_SETGAS, "setgas <- <n>"},
    {"HALT pc=", TRACE_HALT, "HALT pc=<n> gas=<n> r<nn>=0x<hex>..."},
    {"OOG pc=", TRACE_OOG, "OOG pc=<n> gas=<n> r<nn>=0x<hex>..."},
    {"PANIC=", TRACE_PANIC, "PANIC=<argument> pc=<n> gas=<n> r<nn>=0x<hex>..."},
};
enum { WORD_COUNT = sizeof words / sizeof words[0] };

typedef struct cursor {
  const char *at;
  const char *end;
} cursor;

static bool take(cursor *c, const char *text) {
  size_t length = strlen(text);
  if ((size_t)(c->end - c->at) < length || memcmp(c->at, text, length) != 0) return false;
  c->at += length;
  return true;
}

static bool take_number(cursor *c, unsigned base, uint64_t max, uint64_t *value) {
  const char *start = c->at;
  uint64_t result = 0;
  for (; c->at < c->end; c->at++) {
    char lower = (char)(*c->at | 0x20);
    unsigned digit;
    if (*c->at >= '0' && *c->at <= '9') digit = (unsigned)(*c->at - '0');
    else if (base == 16 && lower >= 'a' && lower <= 'f') digit = (unsigned)(lower - 'a') + 10;
    else break;
    if (result > (max - digit) / base) return false;
    result = result * base + digit;
  }
  *value = result;
  return c->at > start;
}

static bool take_u32(cursor *c, unsigned base, uint32_t *value) {
  uint64_t wide;
  if (!take_number(c, base, UINT32_MAX, &wide)) return false;
  *value = (uint32_t)wide;
  return true;
}

static bool take_reg(cursor *c, unsigned *reg) {
  uint64_t number;
  if (!take_number(c, 10, JAVM_REG_COUNT - 1, &number)) return false;
  *reg = (unsigned)number;
  return true;
}

static bool take_state(cursor *c, trace_line *line) {
  if (!take(c, "pc=") || !take_u32(c, 10, &line->pc)) return false;
  if (!take(c, " gas=") || !take_number(c, 10, UINT64_MAX, &line->gas)) return false;
  memset(line->regs, 0, sizeof line->regs);
  while (take(c, " r")) {
    unsigned reg;
    if (!take_reg(c, &reg) || !take(c, "=0x") || !take_number(c, 16, UINT64_MAX, &line->regs[reg])) return false;
  }
  return true;
}

static bool take_hex(cursor *c, trace_line *line) {
  line->hex = c->at;
  while (c->at < c->end && strchr("0123456789abcdefABCDEF", *c->at) != NULL && *c->at != '\0') c->at++;
  line->hex_length = (size_t)(c->at - line->hex);
  return line->hex_length % 2 == 0;
}

static bool take_memory(cursor *c, const char *arrow, trace_line *line) {
  uint64_t length;
  return take_u32(c, 16, &line->address) && take(c, " len=") && take_number(c, 10, UINT32_MAX, &length) &&
         take(c, arrow) && take_hex(c, line) && line->hex_length == 2 * length;
}

/* A page fault's address; what others write there is skipped. */
static bool take_panic(cursor *c, trace_line *line) {
  if (!take_number(c, 10, UINT64_MAX, &line->value)) line->value = 0;
  while (c->at < c->end && *c->at != ' ') c->at++;
  return take(c, " ") && take_state(c, line);
}

static bool take_javm(cursor *c, trace_line *line) {
  char isa[16], model[16];
  char *const fields[2] = {isa, model};
  for (int i = 0; i < 2; i++) {
    size_t length = 0;
    if (i == 1 && !take(c, " gas-model=")) return false;
    while (c->at < c->end && *c->at != ' ' && length < 15) fields[i][length++] = *c->at++;
    fields[i][length] = '\0';
  }
  return cli_isa_named(isa, &line->isa) && cli_gas_model_named(model, &line->gas_model);
}

static bool parse_line(cursor *c, trace_line *line) {
  switch (line->word) {
    case TRACE_PROGRAM: return take_hex(c, line);
    case TRACE_JAVM: return take_javm(c, line);
    case TRACE_MEMWRITE: return take_memory(c, " <- 0x", line);
    case TRACE_MEMREAD: return take_memory(c, " -> 0x", line);
    case TRACE_START: c->at = line->text + strlen("start "); return take_state(c, line);
    case TRACE_ECALLI: return take_number(c, 10, UINT32_MAX, &line->value) && take(c, " ") && take_state(c, line);
    case TRACE_SETREG:
      return take_reg(c, &line->reg) && take(c, " <- 0x") && take_number(c, 16, UINT64_MAX, &line->value);
    case TRACE_SETGAS: return take(c, "<- ") && take_number(c, 10, UINT64_MAX, &line->value);
    case TRACE_HALT: c->at = line->text + strlen("HALT "); return take_state(c, line);
    case TRACE_OOG: c->at = line->text + strlen("OOG "); return take_state(c, line);
    case TRACE_PANIC: return take_panic(c, line);
  }
  return false;
}

/* The first word of the format in a line; it stands at the line's start or after a blank. */
static int find_word(const char *from, const char *end, const char **found) {
  for (const char *at = from; at < end; at++) {
    if (at > from && at[-1] != ' ' && at[-1] != '\t') continue;
    for (int i = 0; i < WORD_COUNT; i++) {
      cursor c = {at, end};
      if (!take(&c, words[i].start)) continue;
      *found = at;
      return i;
    }
  }
  return -1;
}

void trace_reader_init(trace_reader *reader, const cli_bytes *bytes) {
  reader->at = (const char *)bytes->data;
  reader->end = reader->at + bytes->size;
  reader->number = 0;
}

static const char *line_end(const trace_reader *reader) {
  const char *end = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
  return end != NULL ? end : reader->end;
}

trace_read trace_next(trace_reader *reader, trace_line *line, const char **expected) {
  while (reader->at < reader->end) {
    const char *from = reader->at, *end = line_end(reader);
    reader->at = end < reader->end ? end + 1 : end;
    reader->number++;
    while (end > from && (end[-1] == '\r' || end[-1] == ' ')) end--;
    memset(line, 0, sizeof *line);
    int word = find_word(from, end, &line->text);
    if (word < 0) continue;
    line->word = words[word].word;
    line->number = reader->number;
    line->length = (size_t)(end - line->text);
    cursor c = {line->text + strlen(words[word].start), end};
    if (parse_line(&c, line) && c.at == end) return TRACE_READ_LINE;
    *expected = words[word].form;
    return TRACE_READ_BAD;
  }
  return TRACE_READ_END;
}

bool trace_recognise(const cli_bytes *bytes) {
  trace_reader reader;
  const char *found;
  trace_reader_init(&reader, bytes);
  while (reader.at < reader.end) {
    const char *end = line_end(&reader);
    int word = find_word(reader.at, end, &found);
    if (word >= 0 && words[word].word == TRACE_PROGRAM) return true;
    reader.at = end < reader.end ? end + 1 : end;
  }
  return false;
}

void trace_format_state(char text[TRACE_STATE_MAX], uint32_t pc, uint64_t gas, const uint64_t *regs) {
  int length = sprintf(text, "pc=%" PRIu32 " gas=%" PRIu64, pc, gas);
  for (unsigned i = 0; i < JAVM_REG_COUNT; i++)
    if (regs[i] != 0) length += sprintf(text + length, " r%02u=0x%" PRIx64, i, regs[i]);
}

void trace_format_end(char text[32], const javm_exit *end) {
  if (end->kind == JAVM_EXIT_HALT) strcpy(text, "HALT");
  else if (end->kind == JAVM_EXIT_OUT_OF_GAS) strcpy(text, "OOG");
  else sprintf(text, "PANIC=%" PRIu32, end->kind == JAVM_EXIT_PAGE_FAULT ? end->address : 0);
}

static void put_hex(FILE *file, const uint8_t *bytes, size_t size_bytes) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < size_bytes; i++) {
    putc(digits[bytes[i] >> 4], file);
    putc(digits[bytes[i] & 15], file);
  }
  putc('\n', file);
}

static void put_memory(FILE *file, const char *word, const char *arrow, uint32_t address, const uint8_t *bytes,
                       size_t size_bytes) {
  fprintf(file, "%s 0x%08" PRIx32 " len=%zu %s 0x", word, address, size_bytes, arrow);
  put_hex(file, bytes, size_bytes);
}

void trace_write_start(trace_writer *writer, const uint8_t *program, size_t program_bytes, javm_isa isa,
                       javm_gas_model gas_model, const cli_bytes *arguments, uint32_t pc, uint64_t gas,
                       const uint64_t *regs) {
  FILE *file = writer->output.file;
  char state[TRACE_STATE_MAX];
  fputs("program 0x", file);
  put_hex(file, program, program_bytes);
  fprintf(file, "javm isa=%s gas-model=%s\n", cli_isa_name(isa), cli_gas_model_name(gas_model));
  if (arguments->size > 0)
    put_memory(file, "memwrite", "<-", TRACE_ARGUMENTS_ADDRESS, arguments->data, arguments->size);
  trace_format_state(state, pc, gas, regs);
  fprintf(file, "start %s\n", state);
}

void trace_write_event(void *ctx, const javm_trace_event *event) {
  trace_writer *writer = ctx;
  FILE *file = writer->output.file;
  char state[TRACE_STATE_MAX], end[32];
  switch (event->kind) {
    case JAVM_TRACE_ECALL:
      trace_format_state(state, event->pc, event->gas, event->regs);
      fprintf(file, "ecalli=%" PRIu32 " %s\n", event->number, state);
      memcpy(writer->regs, event->regs, sizeof writer->regs);
      writer->gas = event->gas;
      break;
    case JAVM_TRACE_READ: put_memory(file, "memread", "->", event->address, event->bytes, event->size_bytes); break;
    case JAVM_TRACE_WRITE: put_memory(file, "memwrite", "<-", event->address, event->bytes, event->size_bytes); break;
    case JAVM_TRACE_RESUME:
      for (unsigned i = 0; i < JAVM_REG_COUNT; i++)
        if (event->regs[i] != writer->regs[i]) fprintf(file, "setreg r%02u <- 0x%" PRIx64 "\n", i, event->regs[i]);
      if (event->gas != writer->gas) fprintf(file, "setgas <- %" PRIu64 "\n", event->gas);
      break;
    case JAVM_TRACE_END:
      trace_format_end(end, &event->exit);
      trace_format_state(state, event->pc, event->gas, event->regs);
      fprintf(file, "%s %s\n", end, state);
      break;
  }
}
