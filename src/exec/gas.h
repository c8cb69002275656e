/* Costs of basic blocks in the three gas models (2-gas.md). */
#ifndef JV_EXEC_GAS_H
#define JV_EXEC_GAS_H

#include "exec/ops.h"

enum { JV_GAS_BUFFER = 32, JV_GAS_RING = 64, JV_GAS_PLACES = 48, JV_GAS_ALUS = 4, JV_GAS_KINDS = 5, JV_GAS_SPANS = 4 };

/*
 * The reorder buffer, by the cycle. Its entries have places in a ring; sets of them are 64-bit masks. Decoded in cycle
 * t, an entry may start in t + 1; started in s, it gives back its units and its result in `done_at` = s + latency, and
 * leaves the buffer, in order, so that there is room in done_at + 2.
 */
typedef struct jv_gas_buffer {
  uint64_t of_kind[JV_GAS_KINDS];     /* entries, by the units they take */
  uint64_t provider[JV_GAS_PLACES];   /* by register: the entry that its value is from, or an empty set */
  uint8_t provider_at[JV_GAS_PLACES]; /* its place */
  uint64_t sources[JV_GAS_RING];      /* entries whose results it waits for, where those have none yet */
  uint64_t users[JV_GAS_RING + 1];    /* entries that wait for it; the last is for nobody */
  uint64_t done_at[JV_GAS_RING];
  uint32_t latency[JV_GAS_RING];
  uint8_t kind[JV_GAS_RING];
} jv_gas_buffer;

/* Its state besides; without arrays, so that all of it can be in registers. */
typedef struct jv_gas_clock {
  uint64_t cycle, last_done;
  uint64_t alu, alu2, alu3,
      alu4;                    /* sorted: the cycle in which one becomes free, and the entry that has it; UINT64_MAX */
  uint64_t mul_free, div_free; /* cycles */
  uint64_t unfinished;         /* entries without a result yet */
  uint64_t ready;              /* those that only lack a start or a unit */
  uint64_t fresh;              /* those decoded in this cycle */
  uint64_t finishing;          /* those without an ALU that started in this cycle */
  uint32_t head, tail;         /* entries decoded before the oldest in the buffer, and before the next */
  uint32_t slots;              /* decode slots left */
} jv_gas_clock;

/* MUL or DIV: it is free from `free` on, and taken from `full_from` till then. */
typedef struct jv_gas_single {
  uint32_t free, full_from;
} jv_gas_single;

typedef enum jv_pricer_mode {
  JV_PRICER_PLACE,
  JV_PRICER_PROFILE, /* places, with a profile */
  JV_PRICER_SIMULATE,
  JV_PRICER_SINGLE_PASS,
  JV_PRICER_COUNT
} jv_pricer_mode;

/* What was placed of the block so far. Without arrays, so that all of it can be in registers. */
typedef struct jv_placed {
  uint32_t count;                     /* instructions; in the instruction model, of the block */
  uint32_t limit;                     /* how many of them may be placed without a profile */
  uint32_t now;                       /* cycle in which instructions are decoded */
  uint32_t slots;                     /* decode slots taken */
  uint32_t others;                    /* entries without an ALU that were decoded in this cycle */
  uint32_t busy, busy2, busy3, busy4; /* the last cycles in which ALUs become free, the earliest first */
  uint32_t full_from;                 /* from here to the earliest of them no ALU is free */
  uint32_t last_done;                 /* the latest cycle in which one is done */
} jv_placed;

/* What was placed of a block that has few instructions so far: so few that none of them can lack an ALU or a start. */
typedef struct jv_few {
  uint32_t weight;                       /* of its instructions; FEW_WEIGHT or more: they are not few */
  uint32_t count, now, slots, last_done; /* as in jv_placed */
} jv_few;

/* Prices blocks, one instruction after the other. Private fields; large enough not to be made for each block. */
typedef struct jv_pricer {
  jv_few few;
  jv_placed placed;
  uint32_t mode;                 /* jv_pricer_mode, of the block so far */
  uint32_t cycles[4];            /* of loads and stores, and of the branch at the block's end (0: not known yet) */
  jv_gas_single singles[2];      /* MUL, DIV, as placed */
  uint16_t ready[JV_GAS_PLACES]; /* by register: the cycle of its result; 16 to 31: 0; from 32 on nobody reads */
  const javm_code *code;
  const struct jv_layout *rows; /* of the instruction set */
  uint8_t ends_mask;            /* of what the rules say of ends of blocks */
  uint8_t cold[2];              /* opcodes of trap and unlikely in this instruction set */
  uint8_t first_mode;
  javm_gas_model model;
  uint32_t insns[JV_GAS_BUFFER];   /* those that were placed; as gas_rule has them */
  uint16_t done_at[JV_GAS_BUFFER]; /* of those that were placed */
  uint32_t profile_from;           /* the profile's first cycle */
  uint64_t taken[JV_GAS_SPANS][3]; /* how many ALUs are: bit n of the numbers for 64 cycles in set n */
  uint64_t cycle, decoded, last_result, results[JV_GAS_PLACES]; /* of the single pass */
  jv_gas_clock clock;
  jv_gas_buffer buffer;
} jv_pricer;

/* At the start of a block. `load_cycles` is M, 0 for the default. The code must outlive the pricer. */
void jv_pricer_init(jv_pricer *pricer, const javm_code *code, javm_gas_model model, uint32_t load_cycles);
/* The next instruction, as decoded at pc. True: it ends its block (a terminator, an invalid one, or the trap behind the end of
 * the code), *cost is the block's cost, in the instruction model its number of instructions, and the next begins a block. */
bool jv_pricer_add(jv_pricer *pricer, const jv_decoded *insn, uint32_t pc, uint32_t *cost);
/* Likewise the instructions at these places (places.h), for code that is padded; the place that follows is at `stop`. Writes
 * the costs of the blocks that end, and returns how many those are. */
struct jv_place;
unsigned jv_pricer_run(jv_pricer *pricer, const struct jv_place *places, const struct jv_place *stop, uint32_t *costs);

/* The cost of the block that starts at pc (any pc), in one call. Time linear in the block. */
uint32_t jv_gas_block_cost(const javm_code *code, javm_gas_model model, uint32_t load_cycles, uint32_t pc);

#endif
