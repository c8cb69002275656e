/* Costs of basic blocks in the three gas models (2-gas.md). */
#ifndef JV_EXEC_GAS_H
#define JV_EXEC_GAS_H

#include "exec/ops.h"

enum { JV_GAS_BUFFER = 32, JV_GAS_READY = 48, JV_GAS_SPANS = 32, JV_GAS_UNIT_KINDS = 5 };

/* 64 cycles: how many ALUs and starts are taken in each (bit n of the number in set n), and whether MUL and DIV are. */
typedef struct jv_gas_span {
  uint64_t alus[3], starts[3], mul, div;
} jv_gas_span;

/*
 * The reorder buffer is a ring; sets of its positions are 32-bit masks. Decoded in cycle t, an entry may start in t +
 * 1; started in s, it gives back its units and its result in `done_at` = s + latency, and leaves the buffer, in
 * order, so that there is room in done_at + 2.
 */
typedef struct jv_gas_buffer {
  uint64_t cycle;
  uint64_t last_done;
  uint64_t next_done; /* the first of the running */
  uint64_t done_at[JV_GAS_BUFFER];
  uint32_t latency[JV_GAS_BUFFER];
  uint32_t unmet[JV_GAS_BUFFER]; /* entries whose results it still waits for */
  uint32_t users[JV_GAS_BUFFER]; /* entries that wait for it */
  uint8_t units[JV_GAS_BUFFER];
  uint8_t provider[JAVM_REG_COUNT]; /* the entry that a register's value comes from, if in `pending` */
  uint32_t provided;                /* registers with a provider */
  uint32_t pending;                 /* entries without a result yet */
  uint32_t running;
  uint32_t ready; /* entries that only lack a free unit */
  uint32_t fresh; /* entries decoded in this cycle */
  uint32_t with_units[JV_GAS_UNIT_KINDS];
  uint32_t free_units;
  unsigned head, count;
  unsigned slots; /* decode slots left */
} jv_gas_buffer;

/*
 * Prices blocks, one instruction after the other. Private fields; large enough not to be made for each block:
 *
 *   jv_pricer_init(&sim, code, model, load_cycles);
 *   for each block:
 *     jv_pricer_begin(&sim, pc);
 *     for each instruction: jv_pricer_add(&sim, &insn, pc);
 *     cost = jv_pricer_end(&sim);
 *
 * Cycles go on from block to block, so that what is left of the last block lies in the past and needs no clearing.
 */
typedef struct jv_pricer {
  uint64_t now;                    /* cycle in which instructions are decoded */
  uint64_t last_done;              /* the latest cycle in which a result is there */
  uint64_t first;                  /* cycle in which the block began */
  uint32_t slots;                  /* decode slots left */
  uint32_t entries;                /* entries of the reorder buffer so far */
  uint64_t span_end;               /* spans before this one count; later ones are yet to be emptied */
  uint64_t ready[JV_GAS_READY];    /* by register: the cycle of its result; 16 to 31: 0; from 32 on nobody reads */
  uint64_t done_by[JV_GAS_BUFFER]; /* by entry: the last cycle of a result, its own or an older one's */
  const javm_code *code;
  uint32_t cycles[4]; /* of loads and stores */
  uint32_t pc;        /* the block's */
  javm_gas_model model;
  bool contended;                  /* entries keep units from older ones: `buffer` counts */
  jv_gas_span spans[JV_GAS_SPANS]; /* a ring */
  jv_gas_buffer buffer;
} jv_pricer;

/* `load_cycles` is M, 0 for the default. The code must outlive the simulator. */
void jv_pricer_init(jv_pricer *sim, const javm_code *code, javm_gas_model model, uint32_t load_cycles);
/* Starts the block at pc (any pc). */
void jv_pricer_begin(jv_pricer *sim, uint32_t pc);
/* The block's next instruction, as decoded at pc: up to its terminator, an invalid instruction, or the trap behind the
 * end of the code, and that one, too. */
void jv_pricer_add(jv_pricer *sim, const jv_decoded *insn, uint32_t pc);
/* The block's cost; in the instruction model, the number of instructions. */
uint32_t jv_pricer_end(jv_pricer *sim);

/* The cost of the block that starts at pc (any pc), in one call. Time linear in the block. */
uint32_t jv_gas_block_cost(const javm_code *code, javm_gas_model model, uint32_t load_cycles, uint32_t pc);

#endif
