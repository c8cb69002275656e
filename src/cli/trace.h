/*
 * The text form of traces (JIP-6): a program, the memory and registers it starts with, and what its host did.
 *
 *   program 0x…                                        the container, as bytes
 *   javm isa=jam-0.7 gas-model=instruction             ours; other readers skip it. These two are the defaults
 *   memwrite 0xADDRESS len=N <- 0x…                    before the start: its memory; later: the host wrote this
 *   start pc=N gas=N rNN=0x…                           registers that are not zero
 *   ecalli=N pc=N gas=N rNN=0x…                        the program calls its host
 *   memread 0xADDRESS len=N -> 0x…                     the host read this
 *   setreg rNN <- 0x…     setgas <- N                  the host's answer
 *   HALT | OOG | PANIC=ARGUMENT  pc=N gas=N rNN=0x…    the end; ARGUMENT is a page fault's address, else 0
 *
 * Anything may stand before such a line (a time stamp), and other lines are skipped.
 */
#ifndef JAVM_CLI_TRACE_H
#define JAVM_CLI_TRACE_H

#include "cli.h"

typedef enum trace_word {
  TRACE_PROGRAM,
  TRACE_JAVM,
  TRACE_MEMWRITE,
  TRACE_MEMREAD,
  TRACE_START,
  TRACE_ECALLI,
  TRACE_SETREG,
  TRACE_SETGAS,
  TRACE_HALT,
  TRACE_OOG,
  TRACE_PANIC
} trace_word;

typedef struct trace_line {
  trace_word word;
  size_t number;    /* of the line, from 1 */
  const char *text; /* the line from its word on, not terminated */
  size_t length;
  uint64_t value; /* ECALLI: the call's number; PANIC: the argument; SETREG, SETGAS: the value */
  uint32_t pc;
  uint64_t gas;
  uint64_t regs[JAVM_REG_COUNT];
  unsigned reg;     /* SETREG */
  uint32_t address; /* MEMREAD, MEMWRITE */
  const char *hex;  /* PROGRAM, MEMREAD, MEMWRITE: digits without 0x */
  size_t hex_length;
  javm_isa isa; /* JAVM */
  javm_gas_model gas_model;
} trace_line;

/* A walk over the lines of a trace. */
typedef struct trace_reader {
  const char *at;
  const char *end;
  size_t number;
} trace_reader;

typedef enum trace_read { TRACE_READ_LINE, TRACE_READ_END, TRACE_READ_BAD } trace_read;

void trace_reader_init(trace_reader *reader, const cli_bytes *bytes);
/* The next line of the format. BAD: it has a word of the format and is not of its form; `expected` says which. */
trace_read trace_next(trace_reader *reader, trace_line *line, const char **expected);
/* Does a text look like a trace: has it a `program` line? */
bool trace_recognise(const cli_bytes *bytes);

#define TRACE_STATE_MAX 512
/* "pc=N gas=N rNN=0x…" */
void trace_format_state(char text[TRACE_STATE_MAX], uint32_t pc, uint64_t gas, const uint64_t *regs);
/* "HALT", "OOG", "PANIC=N" */
void trace_format_end(char text[32], const javm_exit *end);

/* Writes the trace of a run. */
typedef struct trace_writer {
  cli_output output;
  uint64_t regs[JAVM_REG_COUNT]; /* at the last ecall */
  uint64_t gas;
} trace_writer;

/* Writes everything up to `start`. arguments: a standard program's, at `arguments_address`; size 0: none. */
void trace_write_start(trace_writer *writer, const uint8_t *program, size_t program_bytes, javm_isa isa,
                       javm_gas_model gas_model, const cli_bytes *arguments, uint32_t pc, uint64_t gas,
                       const uint64_t *regs);
/* A javm_trace_fn; ctx: the writer. */
void trace_write_event(void *ctx, const javm_trace_event *event);

#define TRACE_ARGUMENTS_ADDRESS UINT32_C(0xfeff0000) /* of a standard program */

/* A program as a trace holds it, with the memory it starts with. */
typedef struct trace_machine {
  javm_dir *dir;
  javm_cap *image; /* of anything but a JAM container */
  javm_jam jam;
  javm_code code;
  javm_program *program;
  javm_machine *machine;
  cli_bytes bytes;
} trace_machine;

#define TRACE_TEXT_MAX 640

/* Builds the machine; takes over `bytes`. A standard program gets `arguments_bytes` zeros as its arguments. On failure
 * says why; clear it in any case. */
bool trace_machine_build(trace_machine *machine, cli_bytes bytes, javm_isa isa, const javm_program_config *how,
                         size_t arguments_bytes, char reason[TRACE_TEXT_MAX]);
void trace_machine_clear(trace_machine *machine);

/* How a replay went: CLI_OK; CLI_OTHER: at `line` the trace has `expected`, this machine `got`; CLI_BAD: the trace
 * cannot be replayed, `got` says why. */
typedef struct trace_outcome {
  size_t line;
  char expected[TRACE_TEXT_MAX];
  char got[TRACE_TEXT_MAX];
} trace_outcome;
int trace_replay(const cli_bytes *trace, const cli_engine *engine, trace_outcome *outcome);

/* The pc of the ecall or ecalli that left the machine with its pc past it. */
uint32_t cli_ecall_pc(const javm_code *code, uint32_t pc_past);

#endif
