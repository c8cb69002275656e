/*
 * javm replay: runs a recorded program against its recorded host calls and stops at the first difference.
 *
 * The machine runs with no ecall handler, so that each call leaves it; the trace's line is compared with the machine's
 * state, and the lines that follow are the host's answer.
 */
#include "trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { OP_SET_IMAGE = 17, OPCODE_JUMP_IND = 50, OPCODE_LOAD_IMM_JUMP_IND = 180, ECALL_OPERATION_REG = 11 };

typedef struct replay {
  trace_machine m;
  trace_reader reader;
  trace_line line;
  trace_read read; /* of `line` */
  javm_isa isa;
  javm_gas_model gas_model;
  trace_outcome *outcome;
} replay;

/* CLI_OK here means "go on". */
static int bad(replay *r, const char *text) {
  snprintf(r->outcome->got, TRACE_TEXT_MAX, "%s", text);
  return CLI_BAD;
}

static int next(replay *r) {
  const char *expected;
  r->read = trace_next(&r->reader, &r->line, &expected);
  r->outcome->line = r->reader.number;
  if (r->read != TRACE_READ_BAD) return CLI_OK;
  snprintf(r->outcome->got, TRACE_TEXT_MAX, "expected '%s'", expected);
  return CLI_BAD;
}

static int diverge(replay *r, const char *got) {
  int length = r->line.length < TRACE_TEXT_MAX ? (int)r->line.length : TRACE_TEXT_MAX - 1;
  if (r->read == TRACE_READ_END) strcpy(r->outcome->expected, "the end of the trace");
  else snprintf(r->outcome->expected, TRACE_TEXT_MAX, "%.*s", length, r->line.text);
  snprintf(r->outcome->got, TRACE_TEXT_MAX, "%s", got);
  return CLI_OTHER;
}

uint32_t cli_ecall_pc(const javm_code *code, uint32_t pc_past) {
  uint32_t pc = pc_past < code->code_bytes ? pc_past : (uint32_t)code->code_bytes;
  while (pc > 0) {
    pc--;
    if ((code->bitmask[pc / 8] >> (pc % 8) & 1) != 0) break;
  }
  return pc;
}

static bool same_state(replay *r, uint32_t pc) {
  return r->line.pc == pc && r->line.gas == javm_machine_gas(r->m.machine) &&
         memcmp(r->line.regs, javm_machine_regs(r->m.machine), sizeof r->line.regs) == 0;
}

/* Compares the current line with an event: `word` and the machine's state at pc. */
static int compare(replay *r, bool same_event, const char *word, uint32_t pc) {
  char state[TRACE_STATE_MAX], got[TRACE_TEXT_MAX];
  if (same_event && same_state(r, pc)) return CLI_OK;
  trace_format_state(state, pc, javm_machine_gas(r->m.machine), javm_machine_regs(r->m.machine));
  snprintf(got, sizeof got, "%s %s", word, state);
  return diverge(r, got);
}

static int line_bytes(replay *r, cli_bytes *bytes) {
  return cli_parse_hex(r->line.hex, r->line.hex_length, bytes) ? CLI_OK : bad(r, "out of memory");
}

static int check_read(replay *r, const cli_bytes *want) {
  char got[TRACE_TEXT_MAX];
  uint32_t fault = 0;
  int result = CLI_OK;
  uint8_t *have = malloc(want->size + 1);
  if (have == NULL) return bad(r, "out of memory");
  if (javm_machine_read(r->m.machine, r->line.address, have, want->size, &fault) != JAVM_OK) {
    snprintf(got, sizeof got, "memory at 0x%08" PRIx32 " is not readable", fault);
    result = diverge(r, got);
  } else if (memcmp(have, want->data, want->size) != 0) {
    size_t at = 0;
    while (have[at] == want->data[at]) at++;
    snprintf(got, sizeof got, "memory at 0x%08" PRIx32 " is 0x%02x, not 0x%02x", r->line.address + (uint32_t)at,
             have[at], want->data[at]);
    result = diverge(r, got);
  }
  free(have);
  return result;
}

static int do_write(replay *r, const cli_bytes *bytes) {
  char got[TRACE_TEXT_MAX];
  uint32_t fault = 0;
  javm_status status = javm_machine_write(r->m.machine, r->line.address, bytes->data, bytes->size, &fault);
  if (status == JAVM_OK) return CLI_OK;
  if (status != JAVM_OUT_OF_RANGE) return bad(r, javm_status_text(status));
  snprintf(got, sizeof got, "memory at 0x%08" PRIx32 " is not writable", fault);
  return diverge(r, got);
}

/* Does what the host answered, up to the next line that is not its answer. */
static int apply_answer(replay *r, bool *only_reads) {
  int result = next(r);
  *only_reads = true;
  for (; result == CLI_OK && r->read == TRACE_READ_LINE; result = result == CLI_OK ? next(r) : result) {
    trace_word word = r->line.word;
    if (word == TRACE_SETREG) {
      javm_machine_regs(r->m.machine)[r->line.reg] = r->line.value;
    } else if (word == TRACE_SETGAS) {
      javm_machine_set_gas(r->m.machine, r->line.value);
    } else if (word == TRACE_MEMREAD || word == TRACE_MEMWRITE) {
      cli_bytes bytes;
      result = line_bytes(r, &bytes);
      if (result != CLI_OK) return result;
      result = word == TRACE_MEMREAD ? check_read(r, &bytes) : do_write(r, &bytes);
      free(bytes.data);
    } else {
      break;
    }
    *only_reads = *only_reads && word == TRACE_MEMREAD;
  }
  return result;
}

/* A HALT line right after a call: did the call halt the program, or the instruction after it, an indirect jump? */
static bool halted_by_host(const replay *r, uint64_t number) {
  uint32_t pc = javm_machine_pc(r->m.machine);
  if (r->line.word != TRACE_HALT || r->line.pc != pc) return false;
  if (r->m.code.isa == JAVM_ISA_JAVM && number == 0) return true;
  uint8_t opcode = pc < r->m.code.code_bytes ? r->m.code.code[pc] : 0;
  return opcode != OPCODE_JUMP_IND && opcode != OPCODE_LOAD_IMM_JUMP_IND;
}

/* One call: compares it, does the answer; `done` when the trace ends with it. */
static int replay_call(replay *r, const javm_exit *left, bool *done) {
  char word[48];
  bool only_reads;
  uint32_t pc = cli_ecall_pc(&r->m.code, javm_machine_pc(r->m.machine));
  uint32_t number =
      left->kind == JAVM_EXIT_HOST_CALL ? left->number : (uint32_t)javm_machine_regs(r->m.machine)[ECALL_OPERATION_REG];
  sprintf(word, "ecalli=%" PRIu32, number);
  bool same = r->read == TRACE_READ_LINE && r->line.word == TRACE_ECALLI && r->line.value == number;
  int result = compare(r, same, word, pc);
  if (result == CLI_OK) result = apply_answer(r, &only_reads);
  if (result != CLI_OK) return result;
  *done = true;
  if (r->read == TRACE_READ_END && only_reads) return CLI_OK; /* nobody answered this call */
  if (r->read == TRACE_READ_LINE && r->line.word == TRACE_PANIC && r->line.pc == pc)
    return compare(r, true, "PANIC=0", pc);
  if (r->read == TRACE_READ_LINE && halted_by_host(r, number))
    return compare(r, true, "HALT", javm_machine_pc(r->m.machine));
  if (r->m.code.isa == JAVM_ISA_JAVM && number == OP_SET_IMAGE)
    return bad(r, "the program goes on as another Image (set_image), which a trace does not hold");
  *done = false;
  return CLI_OK;
}

static int replay_end(replay *r, const javm_exit *left) {
  char word[32];
  bool same = r->read == TRACE_READ_LINE;
  trace_format_end(word, left);
  if (left->kind == JAVM_EXIT_HALT) same = same && r->line.word == TRACE_HALT;
  else if (left->kind == JAVM_EXIT_OUT_OF_GAS) same = same && r->line.word == TRACE_OOG;
  else same = same && r->line.word == TRACE_PANIC;
  /* Machines differ in what they write for a panic that is no page fault. */
  if (left->kind == JAVM_EXIT_PAGE_FAULT && r->line.value != 0) same = same && r->line.value == left->address;
  return compare(r, same, word, javm_machine_pc(r->m.machine));
}

static int replay_run(replay *r) {
  bool done = false;
  int result = next(r);
  while (result == CLI_OK && !done) {
    javm_exit left = javm_machine_run(r->m.machine, NULL, NULL);
    const char *failure = javm_machine_failure(r->m.machine);
    if (failure != NULL) return diverge(r, failure);
    if (left.kind == JAVM_EXIT_ERROR) return bad(r, javm_status_text(left.status));
    if (left.kind == JAVM_EXIT_HOST_CALL || left.kind == JAVM_EXIT_ECALL) {
      result = replay_call(r, &left, &done);
    } else {
      result = replay_end(r, &left);
      done = true;
    }
  }
  if (result != CLI_OK || r->read == TRACE_READ_END) return result;
  result = next(r);
  if (result == CLI_OK && r->read == TRACE_READ_LINE) return bad(r, "expected nothing after the end of the program");
  return result;
}

/* The lines before `start`: the program, and how far its arguments reach. */
static int read_head(replay *r, cli_bytes *program, size_t *arguments_bytes) {
  int result = next(r);
  for (; result == CLI_OK && r->read == TRACE_READ_LINE && r->line.word != TRACE_START; result = next(r)) {
    uint64_t offset = (uint64_t)r->line.address - TRACE_ARGUMENTS_ADDRESS;
    uint64_t reach = offset + r->line.hex_length / 2;
    switch (r->line.word) {
      case TRACE_PROGRAM:
        if (program->data != NULL) return bad(r, "expected one 'program' line, this is the second");
        result = line_bytes(r, program);
        if (result != CLI_OK) return result;
        break;
      case TRACE_JAVM:
        r->isa = r->line.isa;
        r->gas_model = r->line.gas_model;
        break;
      case TRACE_MEMWRITE:
        if (r->line.address >= TRACE_ARGUMENTS_ADDRESS && reach <= UINT32_C(1) << 24 && reach > *arguments_bytes)
          *arguments_bytes = (size_t)reach;
        break;
      default: return bad(r, "expected program, memwrite or start before anything else");
    }
  }
  if (result == CLI_OK && (r->read == TRACE_READ_END || program->data == NULL))
    return bad(r, "expected a 'program' line and then a 'start' line");
  return result;
}

/* Writes the memory that the program starts with, up to the `start` line, and takes that. */
static int set_start(replay *r, const cli_bytes *trace) {
  trace_reader_init(&r->reader, trace);
  int result = next(r);
  for (; result == CLI_OK && r->line.word != TRACE_START; result = next(r)) {
    cli_bytes bytes;
    if (r->line.word != TRACE_MEMWRITE) continue;
    result = line_bytes(r, &bytes);
    if (result != CLI_OK) return result;
    javm_status status = javm_machine_poke(r->m.machine, r->line.address, bytes.data, bytes.size);
    free(bytes.data);
    if (status == JAVM_OUT_OF_RANGE) return bad(r, "the program has no memory at this address");
    if (status != JAVM_OK) return bad(r, javm_status_text(status));
  }
  if (result != CLI_OK) return result;
  memcpy(javm_machine_regs(r->m.machine), r->line.regs, sizeof r->line.regs);
  javm_machine_set_pc(r->m.machine, r->line.pc);
  javm_machine_set_gas(r->m.machine, r->line.gas);
  return CLI_OK;
}

int trace_replay(const cli_bytes *trace, const cli_engine *engine, trace_outcome *outcome) {
  replay r;
  javm_program_config config;
  cli_bytes program = {NULL, 0};
  size_t arguments_bytes = 0;
  memset(&r, 0, sizeof r);
  memset(outcome, 0, sizeof *outcome);
  r.outcome = outcome;
  r.isa = JAVM_ISA_JAM_0_7;
  r.gas_model = JAVM_GAS_INSTRUCTION;
  trace_reader_init(&r.reader, trace);
  int result = read_head(&r, &program, &arguments_bytes);
  if (result != CLI_OK) {
    free(program.data);
    return result;
  }
  javm_program_config_default(&config);
  config.gas_model = r.gas_model;
  config.engine = engine->engine;
  config.explicit_checks = engine->explicit_checks;
  if (!trace_machine_build(&r.m, program, r.isa, &config, arguments_bytes, outcome->got)) result = CLI_BAD;
  if (result == CLI_OK) result = set_start(&r, trace);
  if (result == CLI_OK) result = replay_run(&r);
  trace_machine_clear(&r.m);
  return result;
}

static int replay_file(const char *path, const cli_engine *engine) {
  cli_bytes trace;
  trace_outcome outcome;
  if (!cli_read_file(path, &trace)) return CLI_BAD;
  int result = trace_replay(&trace, engine, &outcome);
  free(trace.data);
  if (result == CLI_BAD) return cli_fail("%s: line %zu: %s", path, outcome.line, outcome.got);
  if (result == CLI_OK) printf("%s: replayed\n", path);
  else printf("%s: line %zu:\n  expected %s\n  got      %s\n", path, outcome.line, outcome.expected, outcome.got);
  return result;
}

int cli_replay(int argc, char **argv) {
  static const struct option options[] = {CLI_ENGINE_OPTIONS, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
  cli_engine engine = {JAVM_ENGINE_DEFAULT, false};
  int given, worst = CLI_OK;
  while ((given = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
    if (CLI_IS_ENGINE_OPTION(given)) {
      if (!cli_option_engine(given, optarg, &engine)) return CLI_BAD;
      continue;
    }
    if (given != 'h') return cli_option_refused(argv, given);
    puts("usage: javm replay TRACE... [OPTION...]\n\n"
         "Runs the program in each trace (JIP-6 text) against the host calls recorded there and compares pc, gas, the\n"
         "registers and what the host read at each. Names the first line that differs.\n\n" CLI_ENGINE_HELP "\n"
         "Exit status: 0 no difference, 1 some, 2 not a trace.");
    return CLI_OK;
  }
  if (optind == argc) return cli_fail("replay: expected a TRACE; see 'javm replay --help'");
  for (int i = optind; i < argc; i++) {
    int result = replay_file(argv[i], &engine);
    if (result > worst) worst = result;
  }
  return worst;
}
