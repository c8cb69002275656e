/*
 * A plain, slow simulator of RV64E with M, A, C and Zbb and the instructions that this machine adds: what a linked ELF
 * file should do, to compare with what its Image does. It is written from the RISC-V manual and shares nothing with
 * the linker. It trusts the file. Addresses are taken modulo 2^32, as the machine does; code addresses are those of the
 * file, so that programs whose results depend on the value of a code address can't be compared.
 */
#ifndef JAVM_TESTS_RV_SIM_H
#define JAVM_TESTS_RV_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RV_SIM_RETURN_ADDRESS 0xffff0000u /* a jump there ends the call */

typedef enum rv_sim_exit_kind {
  RV_SIM_RETURNED, /* to RV_SIM_RETURN_ADDRESS, or by ecalli 0 (reply) */
  RV_SIM_TRAP,     /* ebreak, unimp, a refused operation */
  RV_SIM_ILLEGAL,  /* no instruction, or one with a register that RVE or the linker does not have */
  RV_SIM_FAULT,    /* an access to what is not mapped that way; `address` */
  RV_SIM_BAD_JUMP, /* to where no code is; `address` */
  RV_SIM_LIMIT     /* the instructions that were allowed are used up */
} rv_sim_exit_kind;

typedef struct rv_sim_exit {
  rv_sim_exit_kind kind;
  uint64_t value;   /* a0 */
  uint32_t pc;      /* of the last instruction */
  uint32_t word;    /* that instruction; the upper half is 0 if it is a compressed one */
  uint32_t address; /* of a FAULT or BAD_JUMP */
} rv_sim_exit;

typedef struct rv_sim {
  uint64_t x[16]; /* registers; x[0] is 0 */
  uint32_t pc;
  uint64_t instructions; /* executed by the last call */
  uint8_t *memory;       /* all 4 GiB; read and write it as you like */
  uint8_t *code;         /* as much, for what is run: code is not in memory, and other things may have its addresses */
  uint8_t *access;       /* of each page: RV_SIM_READ... */
  uint32_t stack_start, stack_end;
  uint32_t heap_start, heap_limit, heap_end; /* heap_end: where the mapped part ends */
  bool has_reservation;
  uint32_t reservation;
  uint8_t *output; /* of ecalli 64 in all calls so far */
  size_t output_bytes, output_capacity;
  /* Answers an operation but 0 and 64: operands in x[10]..., results to x[10], x[11]. False, or NULL: a trap. */
  bool (*operation)(void *ctx, struct rv_sim *sim, uint64_t number);
  void *ctx;
  /* The file. */
  uint8_t *elf;
  size_t elf_bytes;
  /* How the running call has ended. */
  bool ended;
  rv_sim_exit end;
} rv_sim;

enum { RV_SIM_READ = 1, RV_SIM_WRITE = 2, RV_SIM_EXECUTE = 4 };

/* Loads an ELF file; NULL, with a word to stderr, if there is no memory or it is no RISC-V executable. stack_bytes 0:
 * as the file's __javm_stack_size says, else 1 MiB. */
rv_sim *rv_sim_new(const uint8_t *elf, size_t elf_bytes, uint64_t stack_bytes);
rv_sim *rv_sim_open(const char *path); /* the same, from a file */
void rv_sim_free(rv_sim *sim);         /* NULL is allowed */

/* The value of a symbol; false: there is none. */
bool rv_sim_symbol(const rv_sim *sim, const char *name, uint64_t *value);
/* The function of an endpoint, or of the entry point if the file declares no endpoints and index is 0. */
bool rv_sim_endpoint(const rv_sim *sim, unsigned index, uint64_t *function);

/* Calls a function as an endpoint is called: stack and heap fresh, sp, ra and a0 to a3 set, other registers zero,
 * through __javm_start if the file has constructors. Other memory is as the last call left it. */
rv_sim_exit rv_sim_call(rv_sim *sim, uint64_t function, const uint64_t args[4], uint64_t limit);

const char *rv_sim_exit_text(rv_sim_exit_kind kind);

/* Runs one instruction at sim->pc; sets sim->ended at an end (rv_sim_exec.c). */
void rv_sim_step(rv_sim *sim);

#endif
