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
    WEIGHT_##name = KIND_##name == TAKES_ALU ? 5 : KIND_##name != TAKES_NONE ? FEW_WEIGHT : (latency) > 0 ? 4 : 1      \
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
    .weight = WEIGHT_##gas, .slots = SLOTS_##gas,                                                                      \
    .same_low = IS_PAIR(format) ? 0 : SAVES_##gas, .same_high = IS_PAIR(format) || ANY_##gas ? SAVES_##gas : 0,        \
    .latency = LATENCY_##gas, .cycles = CYCLES_##gas, .kind = KIND_##gas, .takes_alu = ALU_##gas,                      \
    .is_other = OTHER_##gas, .ends = ends_block                                                                        \
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

/* Places in jv_placed.ready, and decode slots. */
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
enum {
  RING = JV_GAS_RING,
  ENTRY_BITS = 6,
  NOBODY = JV_GAS_RING,
  ENOUGH_BITS = 48,
  CLEAN_EVERY = JV_GAS_RING - JV_GAS_BUFFER
};
static_assert(RING == 1 << ENTRY_BITS && RING == 64, "sets of entries are 64-bit masks");

static uint64_t rotate_right(uint64_t set, unsigned by) { return set >> by | set << (-by & 63); }
static uint64_t entry_bit(unsigned at) { return UINT64_C(1) << at; }

/* Empty. The arrays by entry need no start values. */
static void buffer_init(jv_gas_buffer *p) {
  p->cycle = p->last_done = p->mul_free = p->div_free = p->unfinished = p->fresh = p->finishing = 0;
  p->head = p->tail = p->started = 0;
  for (unsigned i = 0; i < JV_GAS_ALUS; i++) p->alus[i] = UINT64_MAX;
  for (unsigned i = 0; i < JV_GAS_KINDS; i++) p->ready[i] = 0;
  memset(p->provider, 0, 16 * sizeof p->provider[0]);
  memset(p->provider_at, NOBODY, sizeof p->provider_at);
  p->users[NOBODY] = 0;
  p->slots = DECODE_SLOTS;
}

static inline void finish(jv_gas_buffer *p, unsigned at) {
  uint64_t bit = entry_bit(at);
  p->unfinished &= ~bit;
  for (uint64_t u = p->users[at]; u; u &= u - 1) {
    unsigned user = jv_lowest_bit(u);
    uint64_t left = p->unmet[user] &= ~bit;
    p->ready[p->kind[user]] |= (uint64_t)(left == 0) << user;
  }
}

static inline void take_alu(jv_gas_buffer *p, uint64_t until) {
  uint64_t *k = p->alus, k0 = k[0], k1 = k[1], k2 = k[2];
  k[0] = earlier(k0, until);
  k[1] = later(k0, earlier(k1, until));
  k[2] = later(k1, earlier(k2, until));
  k[3] = later(k2, until);
}

/* What an entry has that starts in this cycle. */
static inline void take_units(jv_gas_buffer *p, unsigned at, unsigned kind, uint64_t done) {
  p->done_at[at] = done;
  p->last_done = later(p->last_done, done);
  p->started++;
  if (kind == TAKES_NONE) {
    p->finishing |= entry_bit(at);
    return;
  }
  take_alu(p, done << ENTRY_BITS | at);
  if (kind == TAKES_ALU2) take_alu(p, done << ENTRY_BITS | at);
  if (kind == TAKES_MUL) p->mul_free = done;
  if (kind == TAKES_DIV) p->div_free = done;
}

/* Starts the oldest entries that can; returns whether it was only for the number of starts that more did not. */
static inline bool start(jv_gas_buffer *p) {
  uint64_t old = ~p->fresh, now = p->cycle;
  for (unsigned starts = STARTS;; starts--) {
    uint64_t can = p->ready[TAKES_NONE];
    if (p->alus[3] == UINT64_MAX) {
      can |= p->ready[TAKES_ALU];
      if (p->mul_free <= now) can |= p->ready[TAKES_MUL];
      if (p->div_free <= now) can |= p->ready[TAKES_DIV];
      if (p->alus[2] == UINT64_MAX) can |= p->ready[TAKES_ALU2];
    }
    can &= old;
    if (!can) return false;
    if (starts == 0) return true;
    unsigned at = (p->head + jv_lowest_bit(rotate_right(can, p->head % RING))) % RING, kind = p->kind[at];
    p->ready[kind] &= ~entry_bit(at);
    take_units(p, at, kind, now + p->latency[at]);
  }
}

/* Gives the results and units of what is done in this cycle. */
static inline void complete(jv_gas_buffer *p) {
  for (; p->finishing; p->finishing &= p->finishing - 1) finish(p, jv_lowest_bit(p->finishing));
  while (p->alus[0] >> ENTRY_BITS <= p->cycle) {
    finish(p, p->alus[0] % RING);
    for (unsigned i = 1; i < JV_GAS_ALUS; i++) p->alus[i - 1] = p->alus[i];
    p->alus[JV_GAS_ALUS - 1] = UINT64_MAX;
  }
}

static bool is_full(const jv_gas_buffer *p) { return p->tail - p->head == BUFFER_ENTRIES; }
static bool head_is_done(const jv_gas_buffer *p) { return !(p->unfinished >> p->head % RING & 1); }

/* Ends the cycle: starts what can, and goes to the next in which anything happens, but not beyond `until`. */
static inline void end_cycle(jv_gas_buffer *p, uint64_t until) {
  bool busy = start(p) || p->fresh || p->finishing;
  uint64_t next = p->cycle + 1;
  p->cycle = busy ? next : later(next, earlier(until, p->alus[0] >> ENTRY_BITS));
  p->slots = DECODE_SLOTS;
  p->fresh = 0;
  complete(p);
}

static void retire(jv_gas_buffer *p) {
  while (p->tail != p->head && head_is_done(p) && p->done_at[p->head % RING] + 2 <= p->cycle) p->head++;
}

static void make_room(jv_gas_buffer *p) {
  for (retire(p); is_full(p); retire(p)) end_cycle(p, head_is_done(p) ? p->done_at[p->head % RING] + 2 : UINT64_MAX);
}

static void rename_register(jv_gas_buffer *p, unsigned from, unsigned to) {
  p->provider[to] = p->provider[from];
  p->provider_at[to] = p->provider_at[from];
}

static inline void decode_entry(jv_gas_buffer *p, const operands *o, unsigned kind, uint32_t latency) {
  if (p->tail % CLEAN_EVERY == 0)
    for (unsigned r = 0; r < JAVM_REG_COUNT; r++) {
      p->provider[r] &= p->unfinished;
      if (!p->provider[r]) p->provider_at[r] = NOBODY;
    }
  unsigned at = p->tail++ % RING;
  uint64_t bit = entry_bit(at);
  uint64_t unmet = (p->provider[o->low] | p->provider[o->high] | p->provider[o->third]) & p->unfinished;
  p->users[p->provider_at[o->low]] |= bit;
  p->users[p->provider_at[o->high]] |= bit;
  p->users[p->provider_at[o->third]] |= bit;
  p->provider[o->to] = bit;
  p->provider_at[o->to] = (uint8_t)at;
  p->latency[at] = latency;
  p->kind[at] = (uint8_t)kind;
  p->unmet[at] = unmet;
  p->users[at] = 0;
  p->unfinished |= bit;
  p->fresh |= bit;
  p->ready[kind] |= unmet ? 0 : bit;
}

static inline void simulate(jv_pricer *s, uint32_t insn) {
  jv_gas_buffer *p = &s->buffer;
  if (p->last_done >> ENOUGH_BITS) return; /* more than the largest cost, whatever comes */
  const gas_rule *rule = &rules[insn & 255];
  operands o = find_operands(rule, insn);
  if (o.slots > p->slots) end_cycle(p, p->cycle + 1);
  if (is_full(p)) make_room(p);
  p->slots -= o.slots;
  if ((insn & 255) == JV_OP_move_reg) rename_register(p, o.high, o.to);
  else decode_entry(p, &o, rule->kind, find_latency(s, rule));
}

/*
 * Goes on by the cycle. Where the block's instructions were placed so far holds for whatever starts up to now; the
 * others are there as if just decoded, as none of them starts before the next cycle.
 */
JV_NOINLINE void begin_simulation(jv_pricer *s) {
  jv_gas_buffer *p = &s->buffer;
  buffer_init(p);
  p->cycle = s->placed.now;
  p->slots = DECODE_SLOTS - s->placed.slots;
  for (unsigned n = 0; n < s->placed.count; n++) {
    uint32_t insn = s->insns[n];
    const gas_rule *rule = &rules[insn & 255];
    operands o = find_operands(rule, insn);
    if ((insn & 255) == JV_OP_move_reg) {
      rename_register(p, o.high, o.to);
      continue;
    }
    uint64_t done = s->done_at[n];
    unsigned at = p->tail % RING;
    if (done <= p->cycle) {
      p->tail++;
      p->started++;
      p->done_at[at] = done;
      p->last_done = later(p->last_done, done);
      p->provider[o.to] = 0;
      p->provider_at[o.to] = NOBODY;
      continue;
    }
    uint32_t latency = find_latency(s, rule);
    decode_entry(p, &o, rule->kind, latency);
    if (done - latency > p->cycle) continue;
    p->fresh &= ~entry_bit(at);
    p->ready[rule->kind] &= ~entry_bit(at);
    take_units(p, at, rule->kind, done);
  }
  s->mode = JV_PRICER_SIMULATE;
  s->placed.limit = s->placed.count = 0;
}

/* The cycle of the last result. */
static uint64_t end_simulation(jv_pricer *s) {
  jv_gas_buffer *p = &s->buffer;
  while (p->started != p->tail) end_cycle(p, UINT64_MAX);
  return p->last_done;
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
  simulate(s, insn);
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
    buffer_init(&s->buffer);
  } else if (s->mode == JV_PRICER_SINGLE_PASS) {
    s->cycle = s->last_result = s->decoded = 0;
    memset(s->results, 0, 16 * sizeof s->results[0]);
  }
}

void jv_pricer_init(jv_pricer *s, const javm_code *code, javm_gas_model model, uint32_t load_cycles) {
  if (load_cycles == 0) load_cycles = DEFAULT_LOAD_CYCLES;
  memset(s, 0, offsetof(jv_pricer, buffer)); /* the rest is written before it counts */
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
  else if (s->mode == JV_PRICER_SIMULATE) simulate(s, insn);
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
  uint32_t next = f->slots + o.slots > DECODE_SLOTS, same_cycle = next - 1;
  f->now += next;
  f->slots = (f->slots & same_cycle) + o.slots;
  f->others = (f->others & same_cycle) + rule->is_other;
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
  *p = (jv_placed){.count = f.count, .limit = JV_GAS_BUFFER, .now = f.now, .slots = f.slots, .others = f.others};
  p->last_done = f.last_done;
  memset(s->singles, 0, sizeof s->singles);
  for (unsigned n = 0; n < f.count; n++) {
    const gas_rule *rule = &rules[s->insns[n] & 255];
    if (!rule->takes_alu) continue;
    uint32_t done = s->done_at[n];
    take_until(p, done);
    p->full_from = later32(p->full_from, done - find_latency(s, rule));
  }
}

unsigned jv_pricer_run(jv_pricer *s, const jv_place *places, const jv_place *stop, uint32_t *costs) {
  uint32_t *cost = costs;
  jv_few f = s->few;
  const uint8_t *code = s->code->code;
  for (const jv_place *p = places; p < stop; p++) {
    const uint8_t *at = code + p->pc;
    uint32_t insn = p->op | jv_reg_pairs[at[1]] | (jv_reg_pairs[at[2]] << 16 & 0xff000000);
    const gas_rule *rule = &rules[p->op];
    uint32_t weight = f.weight + rule->weight, done = 0;
    if (weight < FEW_WEIGHT) {
      f.weight = weight;
      done = place_one_of_few(s, &f, insn, rule);
      if (!ends(s, rule)) continue;
    } else {
      if (f.weight < FEW_WEIGHT) end_few(s, f);
      f.weight = FEW_WEIGHT;
      if (rule->cycles == CYCLES_BRANCH)
        s->cycles[CYCLES_BRANCH] = branch_cycles_at(s, p);
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
  if (rule->cycles == CYCLES_BRANCH)
    s->cycles[CYCLES_BRANCH] = branch_cycles(s, pc, pc + 1 + i->skip, i->target);
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
