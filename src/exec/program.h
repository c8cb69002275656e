/*
 * Predecoded programs: one record for each instruction, ready for threaded dispatch.
 *
 * A *region* is a maximal run of instructions that control enters only at its start and that is paid for at once: a
 * basic block, also cut behind ecalls, so that gas and the count of instructions are exact whenever a handler looks.
 * Every region's first record holds its cost (0 behind an ecall inside a block that was paid for). What transfers
 * control to a region charges it.
 *
 * Records stand where the bitmask marks an instruction; where execution gets to without one (behind a gap of more than
 * 24 bytes), with JV_OP_INVALID; and behind the end of the code, with a trap.
 */
#ifndef JV_EXEC_PROGRAM_H
#define JV_EXEC_PROGRAM_H

#include "base/obj.h"
#include "exec/ops.h"

typedef struct jv_insn jv_insn; /* private to the interpreter: see insn.h */

/* What the interpreter runs. */
typedef struct jv_records {
  jv_insn *insns; /* count records, the last an implicit trap behind the end of the code */
  uint32_t *pcs;  /* the pc of each record, ascending */
  uint32_t count;
  uint32_t *jump_targets; /* jump_table as record numbers; UINT32_MAX: not a block start */
} jv_records;

/* What the recompiler has made of a program (jit/native.h). */
typedef struct jv_native jv_native;

struct javm_program {
  atomic_uint refs;
  const javm_allocator *allocator;
  javm_code code; /* own copies, padded for jv_decode_fast */
  javm_gas_model gas_model;
  uint32_t load_cycles;
  bool counts_instructions; /* native code does, too */
  bool explicit_checks;     /* native code that needs no signals */
  bool in_lockstep;         /* both engines run it: then it has native code */
  jv_bits block_starts;
  uint32_t *blocks; /* the block starts, ascending */
  uint32_t block_count;
  jv_native *native;             /* with explicit checks; NULL: the interpreter runs the program */
  _Atomic(jv_native *) windowed; /* the same for memory with a window; NULL until it is needed */
  javm_program *charged;         /* in lockstep, without gas: the same with gas, which ends each block; else NULL */
  uint32_t unannounced;          /* ways to announce it that failed */
  _Atomic(jv_records *) records; /* of a native program: NULL until the interpreter is needed */
};

static inline const jv_records *jv_program_records(const javm_program *p) {
  return atomic_load_explicit(&((javm_program *)p)->records, memory_order_acquire);
}
/* Makes the records, if nobody has yet; false: out of memory. */
bool jv_program_predecode(javm_program *p);

/* The record at exactly this pc; UINT32_MAX if none starts there. */
uint32_t jv_records_find(const jv_records *r, uint32_t pc);

#endif
