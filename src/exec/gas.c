/*
 * Costs of basic blocks (2-gas.md). The facts about each instruction come from ops.def; here is what the models make of
 * them. The pipeline places each instruction in its cycle as it comes, as long as this is what the reorder buffer does;
 * the rest of a block where it is not, or that may fill the buffer, is simulated from one cycle in which something
 * happens to the next. Time is linear in the block.
 */
#include "exec/gas.h"
#include "exec/decode.h"
#include "exec/places.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#if defined(__GNUC__)
#define JV_NOINLINE static __attribute__((noinline))
#else
#define JV_NOINLINE static
#endif

/* The words of ops.def. */
enum { A = JV_ROLE_A, B = JV_ROLE_B, D = JV_ROLE_D };
enum { ALU = 1, ALU2 = 2, LOAD = 4, STORE = 8, MUL = 16, DIV = 32 };
enum { ANY, FIRST };
enum { BRANCH_CYCLES = 1000, LOAD_CYCLES, STORE_CYCLES };

enum { BUFFER_ENTRIES = JV_GAS_BUFFER, DECODE_SLOTS = 4, STARTS = 5 };
enum {
  DEFAULT_LOAD_CYCLES = 25,
  PLACED_CYCLES = 900,
  STORE_PIPELINE = 25,
  BRANCH_KNOWN = 1,
  BRANCH_MISSED = 20,
  FRONT_CYCLES = 3
};

/*
 * What an opcode costs, made for pricing with few branches. An instruction is one word here: its opcode in the lowest
 * byte, above it the registers that its next bytes can name: the lower one of the first, the upper one, and the lower
 * one of the second.
 */
enum { LOW = 8, HIGH = 16, THIRD = 24 };
typedef struct gas_rule {
  uint32_t unread;             /* sets UNREAD in each register that is no source */
  uint8_t to_shift;            /* where the destination is */
  uint8_t to_set;              /* UNWRITTEN if there is none */
  uint8_t weight;              /* among few instructions */
  uint8_t slots;               /* decode slots */
  uint8_t same_low, same_high; /* 1: one fewer where that register is the destination */
  uint8_t latency;             /* and jv_pricer.cycles[cycles] */
  uint8_t cycles;
  uint8_t kind;      /* what units it takes */
  uint8_t takes_alu; /* 1: takes an ALU */
  uint8_t is_other;  /* 1: an entry that takes none */
  uint8_t ends;      /* its block: 1 in every instruction set, 2 in javm only */
} gas_rule;

/*
 * What units an entry takes. There are as many ALUs as there are LOADs or STOREs, and whatever takes one of those takes
 * an ALU with it: so it's enough to count ALUs.
 */
enum { TAKES_ALU, TAKES_NONE, TAKES_ALU2, TAKES_MUL, TAKES_DIV };
#define KIND_OF(units)                                                                                                 \
  ((units) == 0   ? TAKES_NONE                                                                                         \
   : (units)&ALU2 ? TAKES_ALU2                                                                                         \
   : (units)&MUL  ? TAKES_MUL                                                                                          \
   : (units)&DIV  ? TAKES_DIV                                                                                          \
                  : TAKES_ALU)
#define GAS(name, slots, slots_same, same, latency, units)                                                             \
  static_assert((units) == 0 || (units) == ALU || (units) == ALU2 || (units) == (ALU | LOAD) ||                        \
                    (units) == (ALU | STORE) || (units) == (ALU | MUL) || (units) == (ALU | DIV),                      \
                "units of " #name);
#include "exec/ops.def"

enum { UNREAD = 16, UNWRITTEN = 32 };

/*
 * Below this weight a block has at most four instructions that take an ALU, and if it has that many, one that takes none; if
 * three, two; if two, three; else no more than five in all: no ALU and no start is ever lacking.
 */
enum { FEW_WEIGHT = 25 };
static_assert(FEW_WEIGHT - 1 <= JV_GAS_BUFFER, "few instructions fit into the buffer");

#define GAS(name, slots, slots_same, same, latency, units)                                                             \
  enum {                                                                                                               \
    SLOTS_##name = slots,                                                                                              \
    SAVES_##name = (slots) - (slots_same),                                                                             \
    ANY_##name = (same) == ANY,                                                                                        \
    LATENCY_##name = (latency) < BRANCH_CYCLES ? (latency) : 0,                                                        \
    CYCLES_##name = (latency) < BRANCH_CYCLES ? 0 : (latency)-BRANCH_CYCLES + 1,                                       \
    KIND_##name = KIND_OF(units),                                                                                      \
    ALU_##name = (units) != 0,                                                                                         \
    OTHER_##name = !(units) && (latency) > 0,                                                                          \
    WEIGHT_##name = KIND_##name == TAKES_ALU    ? 5                                                                    \
                    : KIND_##name != TAKES_NONE ? FEW_WEIGHT                                                           \
                    : (latency) > 0             ? 4                                                                    \
                                                : 1                                                                    \
  };
#include "exec/ops.def"

/* Where the registers of two-register formats are: the source above the destination, in others A, B and D in order. */
#define IS_PAIR(format) (JV_FORMAT_##format == JV_FORMAT_REG_REG)
#define READS_LOW(format, read) (((read) & (IS_PAIR(format) ? D : A)) != 0)
#define READS_HIGH(format, read) (((read) & (IS_PAIR(format) ? A : B)) != 0)
#define READS_THIRD(format, read) (!IS_PAIR(format) && ((read)&D))
#define RULE(format, read, written, ends_block, gas)                                                                   \
  {                                                                                                                    \
    .unread = (READS_LOW(format, read) ? 0 : UNREAD) << LOW | (READS_HIGH(format, read) ? 0 : UNREAD) << HIGH |        \
              (uint32_t)(READS_THIRD(format, read) ? 0 : UNREAD) << THIRD,                                             \
    .to_shift = ((written)&D) && !IS_PAIR(format) ? THIRD : LOW, .to_set = (written) ? 0 : UNWRITTEN,                  \
    .weight = WEIGHT_##gas, .slots = SLOTS_##gas, .same_low = IS_PAIR(format) ? 0 : SAVES_##gas,                       \
    .same_high = IS_PAIR(format) || ANY_##gas ? SAVES_##gas : 0, .latency = LATENCY_##gas, .cycles = CYCLES_##gas,     \
    .kind = KIND_##gas, .takes_alu = ALU_##gas, .is_other = OTHER_##gas, .ends = ends_block                            \
  }

/* By opcode. No block goes on behind a number that is no opcode. */
static const gas_rule rules[256] = {
#define OP(number, name, format, reads, writes, ends_block, can_fault, gas)                                            \
  [number] = RULE(format, reads, writes, ends_block, gas),
#include "exec/ops.def"
    [JV_OP_INVALID] = RULE(NONE, 0, 0, 1, TRAP),
};
static_assert(sizeof(gas_rule) == 16, "rules do not straddle cache lines");

static_assert(PLACED_CYCLES * (BUFFER_ENTRIES + 1) <= 0x7fff, "the placed cycles fit into 15 bits");
/*
 * Whatever is decoded fits into an empty cycle, and whatever runs takes time; only a move is free. What has
 * no ALU and does not end the block is done in the next cycle, or nobody waits for it.
 */
#define GAS(name, slots, slots_same, same, latency, units)                                                             \
  static_assert((slots) <= DECODE_SLOTS && ((slots_same) == (slots) || (slots_same) == (slots)-1),                     \
                "decode slots of " #name);                                                                             \
  static_assert((latency) > 0 || JV_GAS_##name == JV_GAS_MOVE, "latency of " #name);
#include "exec/ops.def"
#define OP(number, name, format, reads, writes, ends_block, can_fault, gas)                                            \
  static_assert(JV_GAS_##gas != JV_GAS_MOVE || (number) == JV_OP_move_reg, "only move_reg is renamed");
#include "exec/ops.def"

static bool ends(const jv_pricer *s, const gas_rule *rule) { return rule->ends & s->ends_mask; }

/* Is the opcode at this place trap or unlikely? No instruction stands before the code; behind it there are traps. */
static inline bool is_cold(const jv_pricer *s, int64_t pc) {
  if ((uint64_t)pc >= s->code->code_bytes) return pc >= 0;
  uint8_t op = s->code->code[pc];
  return op == s->cold[0] || op == s->cold[1];
}

static inline uint32_t branch_cycles(const jv_pricer *s, uint32_t pc, uint32_t next, uint32_t target) {
  bool known = is_cold(s, next) || is_cold(s, (int64_t)pc + (int32_t)(target - pc));
  return known ? BRANCH_KNOWN : BRANCH_MISSED;
}

static inline uint32_t find_latency(const jv_pricer *s, const gas_rule *rule) {
  return rule->latency + s->cycles[rule->cycles];
}

/* The instruction at the place, as one word. */
static inline uint32_t insn_at(const uint8_t *code, const jv_place *p) {
  const uint8_t *at = code + p->pc;
  return p->op | jv_reg_pairs[at[1]] | (jv_reg_pairs[at[2]] << 16 & 0xff000000);
}

/* Places in jv_pricer.ready, and decode slots. */
typedef struct operands {
  unsigned low, high, third, to, slots;
} operands;

static inline operands find_operands(const gas_rule *rule, uint32_t insn) {
  uint32_t read = insn | rule->unread;
  operands o = {.low = read >> LOW & 255, .high = read >> HIGH & 255, .third = read >> THIRD};
  o.to = (insn >> rule->to_shift & 15) | rule->to_set;
  o.slots = rule->slots - (((o.low == o.to) & rule->same_low) | ((o.high == o.to) & rule->same_high));
  return o;
}

static inline uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }
static inline uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* ------------------------------------------------------------------------------------ pipeline, by the cycle */

/* Providers are cleaned of finished entries before their places in the ring are used again. */
enum { RING = JV_GAS_RING, ENTRY_BITS = 6, NOBODY = JV_GAS_RING, CLEAN_EVERY = JV_GAS_RING - JV_GAS_BUFFER };
static_assert(RING == 1 << ENTRY_BITS && RING == 64, "sets of entries are 64-bit masks");

static uint64_t rotate_right(uint64_t set, unsigned by) { return set >> by | set << (-by & 63); }
static uint64_t entry_bit(unsigned at) { return UINT64_C(1) << at; }

/* Empty. The other arrays by entry need no start values. */
static void buffer_init(jv_pricer *s) {
  jv_gas_buffer *b = &s->buffer;
  s->clock = (jv_gas_clock){.alu = UINT64_MAX, .alu2 = UINT64_MAX, .alu3 = UINT64_MAX, .alu4 = UINT64_MAX};
  s->clock.slots = DECODE_SLOTS;
  memset(b->of_kind, 0, sizeof b->of_kind);
  memset(b->kind, 0, sizeof b->kind);
  memset(b->provider, 0, 16 * sizeof b->provider[0]);
  memset(b->provider_at, NOBODY, sizeof b->provider_at);
  b->users[NOBODY] = 0;
}

JV_INLINE void finish(jv_gas_buffer *b, jv_gas_clock *c, unsigned at) {
  c->unfinished &= ~entry_bit(at);
  for (uint64_t u = b->users[at]; u; u &= u - 1) {
    unsigned user = jv_lowest_bit(u);
    c->ready |= (uint64_t)((b->sources[user] & c->unfinished) == 0) << user;
  }
}

JV_INLINE void take_alu(jv_gas_clock *c, uint64_t until) {
  uint64_t k1 = c->alu, k2 = c->alu2, k3 = c->alu3;
  c->alu = earlier(k1, until);
  c->alu2 = later(k1, earlier(k2, until));
  c->alu3 = later(k2, earlier(k3, until));
  c->alu4 = later(k3, until);
}

/* What an entry has that starts in this cycle. */
JV_INLINE void take_units(jv_gas_buffer *b, jv_gas_clock *c, unsigned at, unsigned kind, uint64_t done) {
  b->done_at[at] = done;
  c->last_done = later(c->last_done, done);
  if (kind == TAKES_NONE) {
    c->finishing |= entry_bit(at);
    return;
  }
  take_alu(c, done << ENTRY_BITS | at);
  if (kind == TAKES_ALU) return;
  if (kind == TAKES_ALU2) take_alu(c, done << ENTRY_BITS | at);
  if (kind == TAKES_MUL) c->mul_free = done;
  if (kind == TAKES_DIV) c->div_free = done;
}

/* Those of `can` that have their units free, where one ALU is. */
JV_INLINE uint64_t with_units(const jv_gas_buffer *b, const jv_gas_clock *c, uint64_t can) {
  if (c->mul_free > c->cycle) can &= ~b->of_kind[TAKES_MUL];
  if (c->div_free > c->cycle) can &= ~b->of_kind[TAKES_DIV];
  return c->alu3 != UINT64_MAX ? can & ~b->of_kind[TAKES_ALU2] : can;
}

/* Starts the oldest entries that can; returns whether it was only for the number of starts that more did not. */
JV_INLINE bool start(jv_gas_buffer *b, jv_gas_clock *c) {
  for (unsigned starts = STARTS;; starts--) {
    uint64_t can = c->ready & ~c->fresh;
    can = c->alu4 == UINT64_MAX ? with_units(b, c, can) : can & b->of_kind[TAKES_NONE];
    if (!can) return false;
    if (starts == 0) return true;
    unsigned at = (c->head + jv_lowest_bit(rotate_right(can, c->head % RING))) % RING;
    c->ready &= ~entry_bit(at);
    take_units(b, c, at, b->kind[at], c->cycle + b->latency[at]);
  }
}

/* Gives the results and units of what is done in this cycle. */
JV_INLINE void complete(jv_gas_buffer *b, jv_gas_clock *c) {
  for (; c->finishing; c->finishing &= c->finishing - 1) finish(b, c, jv_lowest_bit(c->finishing));
  while (c->alu >> ENTRY_BITS <= c->cycle) {
    finish(b, c, c->alu % RING);
    c->alu = c->alu2;
    c->alu2 = c->alu3;
    c->alu3 = c->alu4;
    c->alu4 = UINT64_MAX;
  }
}

static inline bool is_full(const jv_gas_clock *c) { return c->tail - c->head == BUFFER_ENTRIES; }

/* Ends the cycle: starts what can, and goes to the next in which anything happens, but not beyond `until`. */
JV_INLINE void end_cycle(jv_gas_buffer *b, jv_gas_clock *c, uint64_t until) {
  bool busy = start(b, c) || c->fresh || c->finishing;
  uint64_t next = c->cycle + 1;
  c->cycle = busy ? next : later(next, earlier(until, c->alu >> ENTRY_BITS));
  c->slots = DECODE_SLOTS;
  c->fresh = 0;
  complete(b, c);
}

/* Drops what has left the buffer; returns the cycle in which the next may. */
JV_INLINE uint64_t retire(const jv_gas_buffer *b, jv_gas_clock *c) {
  for (; c->tail != c->head; c->head++) {
    unsigned at = c->head % RING;
    if (c->unfinished >> at & 1) return UINT64_MAX;
    if (b->done_at[at] + 2 > c->cycle) return b->done_at[at] + 2;
  }
  return UINT64_MAX;
}

static inline void rename_register(jv_gas_buffer *b, unsigned from, unsigned to) {
  b->provider[to] = b->provider[from];
  b->provider_at[to] = b->provider_at[from];
}

JV_INLINE void decode_entry(jv_gas_buffer *b, jv_gas_clock *c, const operands *o, unsigned kind, uint32_t latency) {
  if (c->tail % CLEAN_EVERY == 0)
    for (unsigned r = 0; r < JAVM_REG_COUNT; r++) {
      b->provider[r] &= c->unfinished;
      if (!b->provider[r]) b->provider_at[r] = NOBODY;
    }
  unsigned at = c->tail++ % RING;
  uint64_t bit = entry_bit(at);
  uint64_t sources = (b->provider[o->low] | b->provider[o->high] | b->provider[o->third]) & c->unfinished;
  b->users[b->provider_at[o->low]] |= bit;
  b->users[b->provider_at[o->high]] |= bit;
  b->users[b->provider_at[o->third]] |= bit;
  b->provider[o->to] = bit;
  b->provider_at[o->to] = (uint8_t)at;
  b->latency[at] = latency;
  b->of_kind[b->kind[at]] &= ~bit;
  b->of_kind[kind] |= bit;
  b->kind[at] = (uint8_t)kind;
  b->sources[at] = sources;
  b->users[at] = 0;
  c->unfinished |= bit;
  c->fresh |= bit;
  c->ready |= (uint64_t)(sources == 0) << at;
}

/* The next instruction, when there is room for it. */
JV_INLINE void simulate(const jv_pricer *s, jv_gas_buffer *b, jv_gas_clock *c, uint32_t insn) {
  const gas_rule *rule = &rules[insn & 255];
  operands o = find_operands(rule, insn);
  for (;;) {
    uint64_t until = c->cycle + 1;
    if (o.slots <= c->slots) {
      if (!is_full(c)) break;
      until = retire(b, c);
      if (!is_full(c)) break;
    }
    end_cycle(b, c, until);
  }
  c->slots -= o.slots;
  if ((insn & 255) == JV_OP_move_reg) rename_register(b, o.high, o.to);
  else decode_entry(b, c, &o, rule->kind, find_latency(s, rule));
}

/* The instructions of the block from p on, as far as it goes and not to `stop`; returns where the rest is. */
JV_NOINLINE const jv_place *simulate_places(jv_pricer *s, const jv_place *p, const jv_place *stop) {
  jv_gas_clock c = s->clock;
  const uint8_t *code = s->code->code;
  for (; p < stop && !ends(s, &rules[p->op]); p++) simulate(s, &s->buffer, &c, insn_at(code, p));
  s->clock = c;
  return p;
}

/*
 * Goes on by the cycle. Where the block's instructions were placed so far holds for whatever starts up to now; the
 * others are there as if just decoded, as none of them starts before the next cycle.
 */
JV_NOINLINE void begin_simulation(jv_pricer *s) {
  jv_gas_buffer *b = &s->buffer;
  jv_gas_clock *c = &s->clock;
  buffer_init(s);
  c->cycle = s->placed.now;
  c->slots = DECODE_SLOTS - s->placed.slots;
  for (unsigned n = 0; n < s->placed.count; n++) {
    uint32_t insn = s->insns[n];
    const gas_rule *rule = &rules[insn & 255];
    operands o = find_operands(rule, insn);
    if ((insn & 255) == JV_OP_move_reg) {
      rename_register(b, o.high, o.to);
      continue;
    }
    uint64_t done = s->done_at[n];
    unsigned at = c->tail % RING;
    if (done <= c->cycle) {
      c->tail++;
      b->done_at[at] = done;
      c->last_done = later(c->last_done, done);
      b->provider[o.to] = 0;
      b->provider_at[o.to] = NOBODY;
      continue;
    }
    uint32_t latency = find_latency(s, rule);
    decode_entry(b, c, &o, rule->kind, latency);
    if (done - latency > c->cycle) continue;
    c->fresh &= ~entry_bit(at);
    c->ready &= ~entry_bit(at);
    take_units(b, c, at, rule->kind, done);
  }
  s->mode = JV_PRICER_SIMULATE;
  s->placed.limit = s->placed.count = 0;
}

/* The cycle of the last result. */
static uint64_t end_simulation(jv_pricer *s) {
  jv_gas_clock c = s->clock;
  while (c.unfinished) end_cycle(&s->buffer, &c, UINT64_MAX);
  return c.last_done;
}

/* ------------------------------------------------------------------------------------------- pipeline, in order */

/*
 * Each instruction is placed when it comes. `busy` are the last cycles in which ALUs become free. From the earliest of
 * them on one is always free: who is ready then starts and takes it for as long as it likes, and nobody placed before
 * misses it. Who is ready sooner, but not before `full_from`, starts in that cycle, as no ALU is free till then. For who
 * is ready still sooner there is the profile, of the ALUs that are taken in each cycle: it starts in the first cycle
 * with a free one, as the reorder buffer would have it, unless one placed before then lacks an ALU later: that takes the
 * simulation. The single MUL and DIV are like `busy`, without a profile. As no more than four that take ALUs start in a
 * cycle, the limit of starts only counts where more than one starts without.
 */
static inline uint32_t later32(uint32_t a, uint32_t b) { return a > b ? a : b; }
static inline uint32_t earlier32(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* `busy`, sorted, when an ALU is taken until `done`; not later than any of it: nothing changes. */
static inline void take_until(jv_placed *p, uint32_t done) {
  p->busy = later32(p->busy, earlier32(done, p->busy2));
  p->busy2 = later32(p->busy2, earlier32(done, p->busy3));
  p->busy3 = later32(p->busy3, earlier32(done, p->busy4));
  p->busy4 = later32(p->busy4, done);
}

enum { PROFILE_CYCLES = 64 * JV_GAS_SPANS };

/* Takes an ALU in these cycles of the profile; false if that is one too many. */
static bool take_cycles(jv_pricer *s, uint32_t from, uint32_t to) {
  if (to > PROFILE_CYCLES) return false;
  uint64_t conflict = 0;
  for (uint32_t end; from < to; from = end) {
    uint64_t *taken = s->taken[from / 64];
    end = (from | 63) < to ? (from | 63) + 1 : to;
    uint64_t cycles = UINT64_MAX >> (64 - (end - from)) << from % 64, two = taken[0] & cycles, four = taken[1] & two;
    conflict |= taken[2] & cycles;
    taken[0] ^= cycles;
    taken[1] ^= two;
    taken[2] ^= four;
  }
  return !conflict;
}

/* The first cycle from `from` on with a free ALU; PROFILE_CYCLES or more if it is not in the profile. */
static uint32_t find_free(const jv_pricer *s, uint32_t from) {
  while (from < PROFILE_CYCLES) {
    uint64_t open = ~s->taken[from / 64][2] >> from % 64;
    if (open) return from + jv_lowest_bit(open);
    from = (from | 63) + 1;
  }
  return from;
}

/* Makes the profile of the cycles from the next one on. */
static bool begin_profile(jv_pricer *s) {
  s->mode = JV_PRICER_PROFILE;
  s->placed.limit = 0;
  s->profile_from = s->placed.now + 1;
  memset(s->taken, 0, sizeof s->taken);
  bool fits = true;
  for (unsigned n = 0; n < s->placed.count && fits; n++) {
    const gas_rule *rule = &rules[s->insns[n] & 255];
    uint32_t done = s->done_at[n];
    if (!rule->takes_alu || done <= s->profile_from) continue;
    uint32_t start = later32(done - find_latency(s, rule), s->profile_from) - s->profile_from;
    fits = take_cycles(s, start, done - s->profile_from);
    if (rule->kind == TAKES_ALU2) fits &= take_cycles(s, start, done - s->profile_from);
  }
  return fits;
}

/* Do more than STARTS want to start in this cycle, the next one, of which `starts` without an ALU? */
JV_NOINLINE bool is_crowded(const jv_pricer *s, uint32_t count, uint32_t starts, uint32_t cycle) {
  for (unsigned n = 0; n < count; n++) {
    const gas_rule *rule = &rules[s->insns[n] & 255];
    starts += rule->takes_alu & (s->done_at[n] - find_latency(s, rule) == cycle);
  }
  return starts > STARTS;
}

/*
 * Places an instruction; `special`: it may take more than an ALU; `profiled`: there is a profile. Gives PLACED; LATER, where nothing is done, as it takes a profile to
 * do it; or UNCLEAR, where it is placed, but only a simulation says what follows. *p is in local variables where this is fast.
 */
typedef enum placing { PLACED, LATER, UNCLEAR } placing;
JV_INLINE placing place(jv_pricer *s, jv_placed *p, uint32_t insn, const gas_rule *rule, bool special, bool profiled) {
  operands o = find_operands(rule, insn);
  uint32_t next = p->slots + o.slots > DECODE_SLOTS, same_cycle = next - 1;
  uint32_t now = p->now + next, others = (p->others & same_cycle) + rule->is_other;
  uint32_t latency = find_latency(s, rule);
  uint32_t start = later32(later32(now + 1, s->ready[o.low]), later32(s->ready[o.high], s->ready[o.third]));
  uint32_t alu = 0u - rule->takes_alu;
  bool unclear = false, two = special && rule->kind == TAKES_ALU2;
  jv_gas_single *single = special && rule->kind >= TAKES_MUL ? &s->singles[rule->kind - TAKES_MUL] : NULL;
  if (single) {
    unclear = (start < single->free) & (start < single->full_from);
    start = later32(start, single->free);
  }
  if (!profiled) {
    /* Two ALUs: as if one were taken before. */
    uint32_t free = (two ? p->busy2 : p->busy) & alu;
    if ((start < free) & ((start < p->full_from) | two)) return LATER;
    p->full_from = later32(p->full_from, start & alu);
    start = later32(start, free);
  } else if (alu) {
    uint32_t at = find_free(s, start - s->profile_from);
    if (two) unclear |= start < p->busy2;
    start = at + s->profile_from;
    unclear |= !take_cycles(s, at, at + latency);
    if (two) unclear |= !take_cycles(s, at, at + latency);
  }
  uint32_t done = start + latency;
  if (single) {
    if (start != single->free) single->full_from = start;
    single->free = done;
  }
  if (two) take_until(p, done);
  take_until(p, done & alu);
  p->last_done = later32(p->last_done, done);
  p->now = now;
  p->slots = (p->slots & same_cycle) + o.slots;
  p->others = others;
  s->insns[p->count] = insn;
  s->done_at[p->count++] = (uint16_t)done;
  s->ready[o.to] = (uint16_t)done;
  if (others >= 2 && (others == 2 ? p->busy : others == 3 ? p->busy2 : p->busy3) > now + 1)
    unclear |= is_crowded(s, p->count, others, now + 1);
  return unclear ? UNCLEAR : PLACED;
}

/* Goes on with a profile, or the simulation. */
JV_NOINLINE void add_otherwise(jv_pricer *s, uint32_t insn) {
  if (s->mode == JV_PRICER_PLACE && s->placed.count < JV_GAS_BUFFER && !begin_profile(s)) begin_simulation(s);
  if (s->mode == JV_PRICER_PROFILE && s->placed.count < JV_GAS_BUFFER) {
    if (place(s, &s->placed, insn, &rules[insn & 255], true, true) == UNCLEAR) begin_simulation(s);
    return;
  }
  if (s->mode != JV_PRICER_SIMULATE) begin_simulation(s);
  simulate(s, &s->buffer, &s->clock, insn);
}

/* ---------------------------------------------------------------------------------------------- single pass */

static void add_single_pass(jv_pricer *s, uint32_t insn) {
  const gas_rule *rule = &rules[insn & 255];
  operands o = find_operands(rule, insn);
  if (s->decoded >= DECODE_SLOTS) {
    s->cycle++;
    s->decoded = 0;
  }
  s->decoded += o.slots;
  if ((insn & 255) == JV_OP_move_reg) {
    s->results[o.to] = s->results[o.high];
    return;
  }
  uint64_t done =
      later(later(s->cycle, s->results[o.low]), later(s->results[o.high], s->results[o.third])) + find_latency(s, rule);
  s->results[o.to] = done;
  s->last_result = later(s->last_result, done);
}

/* ------------------------------------------------------------------------------------------------------ entry */

/* A block that may have few instructions, if they are placed at all. */
static inline jv_few begin_few(jv_pricer *s) {
  s->cycles[CYCLES_BRANCH] = 0;
  memset(s->ready, 0, 16 * sizeof s->ready[0]);
  return (jv_few){.weight = s->first_mode == JV_PRICER_PLACE ? 0 : FEW_WEIGHT};
}

/* The next block. */
static inline void begin(jv_pricer *s) {
  s->mode = s->first_mode;
  s->placed = (jv_placed){.limit = s->mode == JV_PRICER_PLACE ? JV_GAS_BUFFER : 0};
  s->few = begin_few(s);
  memset(s->singles, 0, sizeof s->singles);
  if (s->mode == JV_PRICER_SIMULATE) {
    buffer_init(s);
  } else if (s->mode == JV_PRICER_SINGLE_PASS) {
    s->cycle = s->last_result = s->decoded = 0;
    memset(s->results, 0, 16 * sizeof s->results[0]);
  }
}

void jv_pricer_init(jv_pricer *s, const javm_code *code, javm_gas_model model, uint32_t load_cycles) {
  if (load_cycles == 0) load_cycles = DEFAULT_LOAD_CYCLES;
  memset(s, 0, offsetof(jv_pricer, clock)); /* the rest is written before it counts */
  memset(s->buffer.provider, 0, sizeof s->buffer.provider);
  s->code = code;
  s->rows = jv_layouts[code->isa];
  s->ends_mask = code->isa == JAVM_ISA_JAVM ? 3 : 1;
  s->model = model;
  s->first_mode = JV_PRICER_COUNT;
  if (model == JAVM_GAS_SINGLE_PASS) s->first_mode = JV_PRICER_SINGLE_PASS;
  if (model == JAVM_GAS_PIPELINE) s->first_mode = load_cycles <= PLACED_CYCLES ? JV_PRICER_PLACE : JV_PRICER_SIMULATE;
  s->cycles[CYCLES_LOAD] = load_cycles;
  s->cycles[CYCLES_STORE] = model == JAVM_GAS_PIPELINE ? STORE_PIPELINE : load_cycles;
  s->cold[0] = s->cold[1] = JV_OP_trap;
  jv_op_to_isa(code->isa, JV_OP_unlikely, &s->cold[1]);
  begin(s);
}

static inline uint32_t clamp_cost(uint64_t cycles) {
  uint64_t cost = cycles > FRONT_CYCLES ? cycles - FRONT_CYCLES : 1;
  return cost > UINT32_MAX ? UINT32_MAX : (uint32_t)cost;
}

/* Ends the block and begins the next. */
static uint32_t end(jv_pricer *s) {
  uint32_t cost;
  /* the last entry retires at the end of cycle last_done + 1, and the buffer is found empty in the next */
  if (s->mode == JV_PRICER_COUNT) cost = s->model == JAVM_GAS_NONE ? 0 : s->placed.count;
  else if (s->mode == JV_PRICER_SINGLE_PASS) cost = clamp_cost(s->last_result);
  else if (s->mode == JV_PRICER_SIMULATE) cost = clamp_cost(end_simulation(s) + 2);
  else cost = clamp_cost(s->placed.last_done + 2);
  begin(s);
  return cost;
}

/* An instruction in any mode. */
JV_NOINLINE void add(jv_pricer *s, uint32_t insn) {
  placing how = LATER;
  if (s->placed.count < s->placed.limit) how = place(s, &s->placed, insn, &rules[insn & 255], true, false);
  if (how == PLACED) return;
  if (how == UNCLEAR) begin_simulation(s);
  else if (s->mode == JV_PRICER_COUNT) s->placed.count++;
  else if (s->mode == JV_PRICER_SINGLE_PASS) add_single_pass(s, insn);
  else if (s->mode == JV_PRICER_SIMULATE) simulate(s, &s->buffer, &s->clock, insn);
  else add_otherwise(s, insn);
}

/* Of the branch at the place. */
static inline uint32_t branch_cycles_at(const jv_pricer *s, const jv_place *p) {
  jv_decoded d;
  const uint8_t *at = s->code->code + p->pc;
  jv_decode_row(&s->rows[*at], at, p[1].pc - p->pc - 1, p->pc, &d);
  return branch_cycles(s, p->pc, p[1].pc, d.target);
}

/* Places one of few instructions; gives the cycle in which it is done. */
static inline uint32_t place_one_of_few(jv_pricer *s, jv_few *f, uint32_t insn, const gas_rule *rule) {
  operands o = find_operands(rule, insn);
  uint32_t slots = f->slots + o.slots, next = slots > DECODE_SLOTS;
  f->now += next;
  f->slots = next ? o.slots : slots;
  uint32_t done = later32(later32(f->now + 1, s->ready[o.low]), later32(s->ready[o.high], s->ready[o.third])) +
                  find_latency(s, rule);
  f->last_done = later32(f->last_done, done);
  s->insns[f->count] = insn;
  s->done_at[f->count++] = (uint16_t)done;
  s->ready[o.to] = (uint16_t)done;
  return done;
}

/* They are few no longer. */
JV_NOINLINE void end_few(jv_pricer *s, jv_few f) {
  jv_placed *p = &s->placed;
  *p = (jv_placed){.count = f.count, .limit = JV_GAS_BUFFER, .now = f.now, .last_done = f.last_done};
  memset(s->singles, 0, sizeof s->singles);
  for (unsigned n = 0; n < f.count; n++) {
    const gas_rule *rule = &rules[s->insns[n] & 255];
    uint32_t slots = find_operands(rule, s->insns[n]).slots, done = s->done_at[n];
    bool next = p->slots + slots > DECODE_SLOTS;
    p->slots = (next ? 0 : p->slots) + slots;
    p->others = (next ? 0 : p->others) + rule->is_other;
    if (!rule->takes_alu) continue;
    take_until(p, done);
    p->full_from = later32(p->full_from, done - find_latency(s, rule));
  }
}

unsigned jv_pricer_run(jv_pricer *s, const jv_place *places, const jv_place *stop, uint32_t *costs) {
  uint32_t *cost = costs;
  jv_few f = s->few;
  const uint8_t *code = s->code->code;
  for (const jv_place *p = places; p < stop; p++) {
    const gas_rule *rule = &rules[p->op];
    if (f.weight == 0 && f.count == 0 && ends(s, rule)) { /* alone in its block */
      uint32_t latency = rule->cycles == CYCLES_BRANCH ? branch_cycles_at(s, p) : find_latency(s, rule);
      *cost++ = clamp_cost(latency + 3);
      continue;
    }
    uint32_t insn = insn_at(code, p);
    uint32_t weight = f.weight + rule->weight, done = 0;
    if (weight < FEW_WEIGHT) {
      f.weight = weight;
      done = place_one_of_few(s, &f, insn, rule);
      if (!ends(s, rule)) continue;
    } else {
      if (f.weight < FEW_WEIGHT) end_few(s, f);
      f.weight = FEW_WEIGHT;
      if (s->mode == JV_PRICER_SIMULATE && !ends(s, rule)) {
        p = simulate_places(s, p, stop) - 1;
        continue;
      }
      if (rule->cycles == CYCLES_BRANCH) s->cycles[CYCLES_BRANCH] = branch_cycles_at(s, p);
      add(s, insn);
      if (!ends(s, rule)) continue;
    }
    if (f.weight < FEW_WEIGHT) {
      if (rule->cycles == CYCLES_BRANCH) done += branch_cycles_at(s, p);
      *cost++ = clamp_cost(later32(f.last_done, done) + 2);
    } else {
      *cost++ = end(s);
    }
    f = begin_few(s);
  }
  s->few = f;
  return (unsigned)(cost - costs);
}

/* As jv_pricer_run has it. */
static uint32_t insn_word(const jv_decoded *i) {
  if (jv_ops[i->op].format == JV_FORMAT_REG_REG) return i->op | (uint32_t)i->d << LOW | (uint32_t)i->a << HIGH;
  return i->op | (uint32_t)i->a << LOW | (uint32_t)i->b << HIGH | (uint32_t)i->d << THIRD;
}

bool jv_pricer_add(jv_pricer *s, const jv_decoded *i, uint32_t pc, uint32_t *cost) {
  const gas_rule *rule = &rules[i->op];
  uint32_t insn = insn_word(i);
  if (rule->cycles == CYCLES_BRANCH) s->cycles[CYCLES_BRANCH] = branch_cycles(s, pc, pc + 1 + i->skip, i->target);
  add(s, insn);
  if (!ends(s, rule)) return false;
  *cost = end(s);
  return true;
}

uint32_t jv_gas_block_cost(const javm_code *code, javm_gas_model model, uint32_t load_cycles, uint32_t pc) {
  jv_pricer sim;
  jv_decoded insn;
  uint32_t cost;
  jv_pricer_init(&sim, code, model, load_cycles);
  for (jv_decode(code, pc, &insn); !jv_pricer_add(&sim, &insn, pc, &cost); jv_decode(code, pc, &insn))
    pc += 1u + insn.skip;
  return cost;
}
