/*
 * Runs one program with the fast interpreter, the stepwise one and the oracle side by side, and compares everything:
 * exits, pc, registers, gas, instructions, the paid flag, what the ecall handler saw, memory, dirty pages. Between
 * runs it adds gas, repairs page faults, or moves pc, the same way for all three, and goes on.
 */
#ifndef FUZZ_COMPARE_H
#define FUZZ_COMPARE_H

#include "javm.h"

#include "rng.h"

#define FUZZ_REGIONS_MAX 16
#define FUZZ_INSTRUCTION_LIMIT 3000 /* of one run; a program that runs longer is not judged */

typedef struct fuzz_region {
  uint32_t first_page, page_count;
  javm_access access;
  bool is_heap;    /* `access` does not count */
  uint8_t pattern; /* which content its pages start with; 0: zeros */
  uint8_t source_pages;
  uint32_t heap_end; /* of a heap, in its region */
} fuzz_region;

typedef struct fuzz_case {
  javm_code code; /* borrowed */
  javm_gas_model gas_model;
  uint32_t load_cycles;
  uint64_t gas;
  uint32_t pc;
  uint64_t regs[JAVM_REG_COUNT];
  fuzz_region regions[FUZZ_REGIONS_MAX];
  unsigned region_count;
  uint64_t seed;    /* of what the handler does and what happens between runs */
  bool has_handler; /* else every ecall leaves */
  unsigned rounds;  /* runs at most */
  unsigned step;    /* the stepwise engine stops after so many instructions, and goes on; 0: does not */
} fuzz_case;

/* What is kept from one case to the next: memories and scratch space. */
typedef struct fuzz_rig fuzz_rig;
fuzz_rig *fuzz_rig_new(void); /* NULL: out of memory */
void fuzz_rig_free(fuzz_rig *rig);

/*
 * Predecodes the code of the cases to come, with the case's gas model, and compares all its block starts and block
 * costs. False: they differ, which is printed.
 */
bool fuzz_load(fuzz_rig *rig, const fuzz_case *c);

typedef enum fuzz_verdict { FUZZ_EQUAL, FUZZ_TOO_LONG, FUZZ_DIFFERENT } fuzz_verdict;

/* Runs a case whose code and gas model were loaded last. DIFFERENT: what differed, and the case, are printed to stderr.
 * `gas_used` (by the first run) may be NULL. */
fuzz_verdict fuzz_compare(fuzz_rig *rig, const fuzz_case *c, uint64_t *gas_used);
void fuzz_print(const fuzz_case *c);

/* How often things happened, to see that a generator reaches them. */
typedef struct fuzz_counts {
  uint64_t cases, runs, too_long, ecalls, repaired, instructions;
  uint64_t exits[JAVM_EXIT_ERROR + 1];
} fuzz_counts;
const fuzz_counts *fuzz_rig_counts(const fuzz_rig *rig);

#endif
