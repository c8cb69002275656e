/* What the kinds of conformance file share: counting cases and their misses, and a machine from a case. */
#ifndef JAVM_CLI_CONFORM_H
#define JAVM_CLI_CONFORM_H

#include "cli.h"

typedef struct conform {
  cli_engine engine;
  const char *file;
  size_t line;      /* where the case starts, from 1 */
  const char *name; /* of the case; NULL: none */
  bool missed;      /* the case */
  uint64_t passed;
  uint64_t failed;
  bool bad_file; /* a file was not of any known form, or could not be read */
} conform;

void conform_begin(conform *c, size_t line, const char *name);
void conform_end(conform *c);
/* Say what the case misses; it goes on, so that all misses are told. */
void conform_miss(conform *c, const char *format, ...) CLI_PRINTF(2, 3);
void conform_expect_u64(conform *c, const char *what, uint64_t expected, uint64_t got);
void conform_expect_text(conform *c, const char *what, const char *expected, const char *got);

/* The machine of one case. */
typedef struct conform_machine {
  cli_bytes blob;
  javm_jam jam;
  javm_program *program;
  javm_machine *machine;
} conform_machine;

/* These take `blob` over, tell a failure as a miss, and need conform_machine_clear in any case. */
bool conform_machine_build(conform *c, conform_machine *m, cli_bytes blob, javm_isa isa, javm_gas_model gas_model);
/* From an object's `program`, `isa` and `gas-model`; the last two are used where it has none. */
bool conform_machine_of(conform *c, conform_machine *m, const json_t *object, javm_isa isa, javm_gas_model gas_model);
void conform_machine_clear(conform_machine *m);

/* An end as the files name it: Trap and Panic are both "panic"; `pc` gets the instruction that caused it. */
const char *conform_status(const conform_machine *m, const javm_exit *end, uint32_t *pc);

/* Members of an object; a wrong or missing one is a miss (false). */
bool conform_get_u64(conform *c, const json_t *object, const char *key, uint64_t max, uint64_t *value);
bool conform_get_regs(conform *c, const json_t *array, uint64_t regs[JAVM_REG_COUNT]);
bool conform_get_bytes(conform *c, const json_t *array, const char *key, cli_bytes *out);
/* Maps or writes one {address, length, is-writable} or {address, contents}. */
bool conform_map(conform *c, conform_machine *m, const json_t *region);
bool conform_write(conform *c, conform_machine *m, const json_t *chunk);
/* Compares the registers, or the memory, with what an array says; NULL: says nothing. */
void conform_expect_regs(conform *c, conform_machine *m, const json_t *array);
void conform_expect_memory(conform *c, conform_machine *m, const json_t *array);

/* The kinds. */
void conform_program(conform *c, const json_t *object);  /* one run: initial-…, expected-… */
void conform_steps(conform *c, const json_t *object);    /* steps and block-gas-costs */
void conform_standard(conform *c, const json_t *object); /* a standard program in a file beside it */
void conform_alu_line(conform *c, size_t line, const char *text, size_t length);
bool conform_alu_recognise(const cli_bytes *bytes);

#endif
