/*
 * Single operations, one a line: opcode (jam-0.7), a, b, result, the destination's old value, between tabs.
 *
 *   three registers            D = A op B
 *   two registers, immediate   A = B op X, with B = a and X = b
 *   two registers              D = op A, b is "-"
 */
#include <inttypes.h>
#include <string.h>
#include <stdlib.h>

#include "conform.h"

enum { COLUMNS = 5, COLUMN_MAX = 24, REG_A = 2, REG_B = 3, REG_TO = 4 };
enum {
  TWO_REGS_FIRST = 100,
  TWO_REGS_LAST = 111,
  IMMEDIATE_FIRST = 131,
  IMMEDIATE_LAST = 161,
  THREE_REGS_FIRST = 190,
  THREE_REGS_LAST = 230
};

static bool split(const char *text, size_t length, char columns[COLUMNS][COLUMN_MAX + 1]) {
  size_t column = 0, width = 0;
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '\t') {
      columns[column++][width] = '\0';
      width = 0;
      if (column == COLUMNS) return false;
    } else {
      if (width == COLUMN_MAX) return false;
      columns[column][width++] = text[i];
    }
  }
  columns[column][width] = '\0';
  return column == COLUMNS - 1;
}

bool conform_alu_recognise(const cli_bytes *bytes) {
  char columns[COLUMNS][COLUMN_MAX + 1];
  const char *at = (const char *)bytes->data, *end = at + bytes->size;
  while (at < end) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    if (stop == NULL) stop = end;
    size_t length = (size_t)(stop - at);
    uint64_t opcode;
    if (length > 0 && at[length - 1] == '\r') length--;
    if (length > 0 && at[0] != '#') return split(at, length, columns) && cli_parse_u64(columns[0], &opcode);
    at = stop < end ? stop + 1 : end;
  }
  return false;
}

/* The instruction's bytes; 0: not an operation of these forms. */
static size_t encode(uint64_t opcode, uint32_t immediate, uint8_t code[8]) {
  code[0] = (uint8_t)opcode;
  if (opcode >= TWO_REGS_FIRST && opcode <= TWO_REGS_LAST) {
    code[1] = REG_TO | REG_A << 4;
    return 2;
  }
  if (opcode >= IMMEDIATE_FIRST && opcode <= IMMEDIATE_LAST) {
    code[1] = REG_TO | REG_A << 4;
    for (int i = 0; i < 4; i++) code[2 + i] = (uint8_t)(immediate >> (8 * i));
    return 6;
  }
  if (opcode >= THREE_REGS_FIRST && opcode <= THREE_REGS_LAST) {
    code[1] = REG_A | REG_B << 4;
    code[2] = REG_TO;
    return 3;
  }
  return 0;
}

static void run_operation(conform *c, const javm_code *code, const uint64_t regs[JAVM_REG_COUNT], uint64_t expected) {
  javm_program_config config;
  javm_program *program = NULL;
  javm_machine *machine = NULL;
  javm_program_config_default(&config);
  config.gas_model = JAVM_GAS_INSTRUCTION;
  config.engine = c->engine.engine;
  config.explicit_checks = c->engine.explicit_checks;
  if (javm_program_new(code, &config, &program, NULL) != JAVM_OK ||
      javm_machine_new(program, NULL, &machine, NULL) != JAVM_OK) {
    conform_miss(c, "out of memory");
    javm_program_release(program);
    return;
  }
  uint64_t *got = javm_machine_regs(machine);
  memcpy(got, regs, JAVM_REG_COUNT * sizeof *regs);
  javm_machine_set_gas(machine, 1); /* for the one instruction */
  javm_exit end = javm_machine_run(machine, NULL, NULL);
  const char *got_end = javm_machine_failure(machine);
  if (got_end == NULL) got_end = javm_exit_text(end.kind);
  if (end.kind == JAVM_EXIT_OUT_OF_GAS) got_end = "out of gas after the instruction";
  conform_expect_text(c, "end", "out of gas after the instruction", got_end);
  conform_expect_u64(c, "pc", code->code_bytes, javm_machine_pc(machine));
  for (unsigned i = 0; i < JAVM_REG_COUNT; i++) {
    uint64_t want = i == REG_TO ? expected : regs[i];
    if (got[i] == want) continue;
    conform_miss(c, "register %u: expected 0x%" PRIx64 ", got 0x%" PRIx64, i, want, got[i]);
  }
  javm_machine_free(machine);
  javm_program_release(program);
}

void conform_alu_line(conform *c, size_t line, const char *text, size_t length) {
  char columns[COLUMNS][COLUMN_MAX + 1];
  uint64_t opcode, a, b = 0, result, old, regs[JAVM_REG_COUNT] = {0};
  uint8_t bytes[8];
  static const uint8_t bitmask[1] = {1};
  conform_begin(c, line, NULL);
  if (!split(text, length, columns) || !cli_parse_u64(columns[0], &opcode) || !cli_parse_u64(columns[1], &a) ||
      (strcmp(columns[2], "-") != 0 && !cli_parse_u64(columns[2], &b)) || !cli_parse_u64(columns[3], &result) ||
      !cli_parse_u64(columns[4], &old)) {
    conform_miss(c, "expected five numbers between tabs: opcode, a, b or -, result, old destination");
    conform_end(c);
    return;
  }
  size_t code_bytes = encode(opcode, (uint32_t)b, bytes);
  if (code_bytes == 0) {
    conform_miss(c, "opcode: expected one on two or three registers or on two and an immediate, got %" PRIu64, opcode);
    conform_end(c);
    return;
  }
  javm_code code = {bytes, code_bytes, bitmask, 1, NULL, 0, JAVM_ISA_JAM_0_7};
  regs[REG_A] = a;
  regs[REG_B] = b;
  regs[REG_TO] = old;
  run_operation(c, &code, regs, result);
  conform_end(c);
}
