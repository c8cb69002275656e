/*
 * Costs of basic blocks (2-gas.md). The facts about each instruction come from ops.def; here is what the models make of
 * them. The pipeline places each instruction in its cycle as it comes, as long as this is what the reorder buffer does;
 * the rest of a block where it is not, or that may fill the buffer, is simulated from one cycle in which something
 * happens to the next. Time is linear in the block.
 */
#include "exec/gas.h"
#include "exec/decode.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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
 * What an opcode costs, made for a jv_pricer_add with few branches. An instruction's op, a, b and d are one word here,
 * op in its lowest byte.
 */
typedef struct gas_rule {
  uint32_t unread;           /* sets UNREAD in each operand that is no source */
  uint8_t to_shift, to_mask; /* where the destination is */
  uint8_t to_set;            /* UNWRITTEN if there is none */
  uint8_t slots;             /* decode slots */
  uint8_t same_a, same_b;    /* 1: one fewer where that operand is the destination */
  uint8_t latency;           /* and jv_pricer.cycles[cycles] */
  uint8_t cycles;
  uint8_t kind;       /* what units it takes */
  uint8_t takes_alu;  /* 1: takes an ALU */
  uint8_t is_other;   /* 1: an entry that takes none */
  uint8_t is_special; /* 1: a branch, or takes more than an ALU, or none for more than a cycle */
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

#define GAS(name, slots, slots_same, same, latency, units)                                                             \
  enum {                                                                                                               \
    SLOTS_##name = slots,                                                                                              \
    SAVES_##name = (slots) - (slots_same),                                                                             \
    ANY_##name = (same) == ANY,                                                                                        \
    LATENCY_##name = (latency) < BRANCH_CYCLES ? (latency) : 0,                                                        \
    CYCLES_##name = (latency) < BRANCH_CYCLES ? 0 : (latency)-BRANCH_CYCLES + 1,                                       \
    KIND_##name = KIND_OF(units),                                                                                      \
    ALU_##name = (units) != 0,                                                                                         \
    SPECIAL_##name = (latency) == BRANCH_CYCLES || ((units) & (ALU2 | MUL | DIV)) || (!(units) && (latency) > 1),      \
    OTHER_##name = !(units) && (latency) > 0                                                                           \
  };
#include "exec/ops.def"

#define RULE(read, written, gas)                                                                                       \
  {                                                                                                                    \
    .unread = ((read)&A ? 0 : UNREAD) << 8 | ((read)&B ? 0 : UNREAD) << 16 | ((read)&D ? 0 : UNREAD) << 24,            \
    .to_shift = (written)&D ? 24 : 8, .to_mask = (written) ? 15 : 0, .to_set = (written) ? 0 : UNWRITTEN,              \
    .slots = SLOTS_##gas, .same_a = SAVES_##gas, .same_b = SAVES_##gas & ANY_##gas, .latency = LATENCY_##gas,          \
    .cycles = CYCLES_##gas, .kind = KIND_##gas, .takes_alu = ALU_##gas, .is_other = OTHER_##gas,                       \
    .is_special = SPECIAL_##gas                                                                                        \
  }

/* By opcode. No block goes on behind a number that is no opcode. */
static const gas_rule rules[256] = {
#define OP(number, name, format, reads, writes, ends_block, can_fault, gas) [number] = RULE(reads, writes, gas),
#include "exec/ops.def"
    [JV_OP_INVALID] = RULE(0, 0, TRAP),
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

static bool ends(const javm_code *code, uint8_t op) { return op == JV_OP_INVALID || jv_op_ends_block(code->isa, op); }

/* Is the opcode at this place trap or unlikely? No instruction stands before the code; behind it there are traps. */
static inline bool is_cold(const jv_pricer *s, int64_t pc) {
  if ((uint64_t)pc >= s->code->code_bytes) return pc >= 0;
  uint8_t op = s->code->code[pc];
  return op == s->cold[0] || op == s->cold[1];
}

static inline void set_branch(jv_pricer *s, const gas_rule *rule, const jv_decoded *i, uint32_t pc) {
  if (rule->cycles != CYCLES_BRANCH) return;
  int64_t target = (int64_t)pc + (int32_t)(i->target - pc);
  bool known = is_cold(s, (int64_t)pc + 1 + i->skip) || is_cold(s, target);
  s->cycles[CYCLES_BRANCH] = known ? BRANCH_KNOWN : BRANCH_MISSED;
}

static inline uint32_t find_latency(const jv_pricer *s, const gas_rule *rule) {
  return rule->latency + s->cycles[rule->cycles];
}

static inline uint32_t insn_word(const jv_decoded *i) {
  return i->op | (uint32_t)i->a << 8 | (uint32_t)i->b << 16 | (uint32_t)i->d << 24;
}

/* Places in jv_pricer.ready, and decode slots. */
typedef struct operands {
  unsigned a, b, d, to, slots;
} operands;

static inline operands find_operands(const gas_rule *rule, uint32_t insn) {
  uint32_t read = insn | rule->unread;
  operands o = {.a = read >> 8 & 255, .b = read >> 16 & 255, .d = read >> 24};
  o.to = (insn >> rule->to_shift & rule->to_mask) | rule->to_set;
  o.slots = rule->slots - (((o.a == o.to) & rule->same_a) | ((o.b == o.to) & rule->same_b));
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
  uint64_t unmet = (p->provider[o->a] | p->provider[o->b] | p->provider[o->d]) & p->unfinished;
  p->users[p->provider_at[o->a]] |= bit;
  p->users[p->provider_at[o->b]] |= bit;
  p->users[p->provider_at[o->d]] |= bit;
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

/* The instructions that have come since the last time. */
static void simulate(jv_pricer *s) {
  jv_gas_buffer *p = &s->buffer;
  if (p->last_done >> ENOUGH_BITS) s->count = 0; /* more than the largest cost, whatever comes */
  for (unsigned n = 0; n < s->count; n++) {
    uint32_t insn = s->insns[n];
    const gas_rule *rule = &rules[insn & 255];
    operands o = find_operands(rule, insn);
    if (o.slots > p->slots) end_cycle(p, p->cycle + 1);
    if (is_full(p)) make_room(p);
    p->slots -= o.slots;
    if ((insn & 255) == JV_OP_move_reg) rename_register(p, o.a, o.to);
    else decode_entry(p, &o, rule->kind, find_latency(s, rule));
  }
  s->count = 0;
}

/*
 * Goes on by the cycle. Where the block's instructions were placed so far holds for whatever starts up to now; the
 * others are there as if just decoded, as none of them starts before the next cycle.
 */
JV_NOINLINE void begin_simulation(jv_pricer *s) {
  jv_gas_buffer *p = &s->buffer;
  buffer_init(p);
  p->cycle = s->now;
  p->slots = DECODE_SLOTS - s->slots;
  for (unsigned n = 0; n < s->count; n++) {
    uint32_t insn = s->insns[n];
    const gas_rule *rule = &rules[insn & 255];
    operands o = find_operands(rule, insn);
    if ((insn & 255) == JV_OP_move_reg) {
      rename_register(p, o.a, o.to);
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
  s->limit = s->count = 0;
}

/* The cycle of the last result. */
static uint64_t end_simulation(jv_pricer *s) {
  jv_gas_buffer *p = &s->buffer;
  simulate(s);
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
enum { LANE = 16 };
#define MOST UINT64_C(0x7fff)
#define EACH_LANE UINT64_C(0x1000100010001)

/* `busy`, sorted, when an ALU is taken until `done`; not later than any of it: nothing changes. */
#if defined(__SSE2__)
static inline uint64_t take_until(uint64_t busy, uint32_t done) {
  __m128i old = _mm_cvtsi64_si128((long long)busy),
          above = _mm_cvtsi64_si128((long long)(busy >> LANE | MOST << 3 * LANE));
  return (uint64_t)_mm_cvtsi128_si64(
      _mm_min_epi16(_mm_max_epi16(old, _mm_shufflelo_epi16(_mm_cvtsi32_si128((int)done), 0)), above));
}
#else
static inline uint64_t take_until(uint64_t busy, uint32_t done) {
  uint64_t all = done * EACH_LANE, tops = EACH_LANE << (LANE - 1);
  uint64_t sooner = ~((busy | tops) - all) & tops, low = sooner - (sooner >> (LANE - 1)), below = low >> LANE;
  return (busy & ~low) | (all & (low ^ below)) | (busy >> LANE & below);
}
#endif

static inline uint32_t later32(uint32_t a, uint32_t b) { return a > b ? a : b; }

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
  s->limit = 0;
  s->profile_from = s->now + 1;
  memset(s->taken, 0, sizeof s->taken);
  bool fits = true;
  for (unsigned n = 0; n < s->count && fits; n++) {
    const gas_rule *rule = &rules[s->insns[n] & 255];
    uint32_t done = s->done_at[n];
    if (!rule->takes_alu || done <= s->profile_from) continue;
    uint32_t start = later32(done - find_latency(s, rule), s->profile_from) - s->profile_from;
    fits = take_cycles(s, start, done - s->profile_from);
    if (rule->kind == TAKES_ALU2) fits &= take_cycles(s, start, done - s->profile_from);
  }
  return fits;
}

/* Do more than STARTS want to start in this cycle, the next one? */
static bool is_crowded(const jv_pricer *s, uint32_t cycle) {
  uint32_t starts = s->others;
  for (unsigned n = 0; n < s->count; n++) {
    const gas_rule *rule = &rules[s->insns[n] & 255];
    starts += rule->takes_alu & (s->done_at[n] - find_latency(s, rule) == cycle);
  }
  return starts > STARTS;
}

/*
 * `special`: whether the rule may be is_special; `profiled`: whether there is a profile. False: nothing is done, as it
 * takes a profile to do it.
 */
JV_INLINE bool place(jv_pricer *s, uint32_t insn, const gas_rule *rule, bool special, bool profiled) {
  operands o = find_operands(rule, insn);
  uint32_t next = s->slots + o.slots > DECODE_SLOTS, same_cycle = next - 1;
  uint32_t now = s->now + next, slots = (s->slots & same_cycle) + o.slots;
  uint32_t others = (s->others & same_cycle) + rule->is_other;
  uint32_t latency = find_latency(s, rule);
  uint32_t start = later32(later32(now + 1, s->ready[o.a]), later32(s->ready[o.b], s->ready[o.d]));
  uint64_t busy = s->busy;
  uint32_t alu = 0u - rule->takes_alu, from = s->full_from;
  bool unclear = false;
  jv_gas_single *single = special && rule->kind >= TAKES_MUL ? &s->singles[rule->kind - TAKES_MUL] : NULL;
  if (single) {
    unclear = (start < single->free) & (start < single->full_from);
    start = later32(start, single->free);
  }
  if (special && rule->kind == TAKES_ALU2) {
    unclear |= start < (busy >> LANE & MOST);
    busy = take_until(busy, start + latency);
  }
  if (!profiled) {
    uint32_t free = busy & MOST & alu;
    if ((start < free) & (start < from)) return false;
    s->full_from = later32(from, start & alu);
    start = later32(start, free);
  } else if (alu) {
    uint32_t at = find_free(s, start - s->profile_from);
    start = at + s->profile_from;
    unclear |= !take_cycles(s, at, at + latency);
    if (rule->kind == TAKES_ALU2) unclear |= !take_cycles(s, at, at + latency);
  }
  uint32_t done = start + latency;
  if (single) {
    if (start != single->free) single->full_from = start;
    single->free = done;
  }
  s->busy = busy = take_until(busy, done & alu);
  if (special && !alu) s->last_other = later32(s->last_other, done);
  uint32_t n = s->count++;
  s->now = now;
  s->slots = slots;
  s->others = others;
  s->insns[n] = insn;
  s->done_at[n] = (uint16_t)done;
  s->ready[o.to] = (uint16_t)done;
  if (others >= 2 && (busy >> LANE * (others - 2) & MOST) > now + 1) unclear |= is_crowded(s, now + 1);
  if (unclear) begin_simulation(s);
  return true;
}

/* Likewise, with a profile. */
JV_NOINLINE void place_profiled(jv_pricer *s, uint32_t insn) {
  if (s->mode == JV_PRICER_PLACE && !begin_profile(s)) {
    begin_simulation(s);
    s->insns[s->count++] = insn;
    return;
  }
  place(s, insn, &rules[insn & 255], true, true);
}

JV_NOINLINE void place_special(jv_pricer *s, const jv_decoded *i, uint32_t pc) {
  const gas_rule *rule = &rules[i->op];
  uint32_t insn = insn_word(i);
  set_branch(s, rule, i, pc);
  if (!place(s, insn, rule, true, false)) place_profiled(s, insn);
}

/* ---------------------------------------------------------------------------------------------- single pass */

static void add_single_pass(jv_pricer *s, const jv_decoded *i, uint32_t pc) {
  const gas_rule *rule = &rules[i->op];
  operands o = find_operands(rule, insn_word(i));
  set_branch(s, rule, i, pc);
  if (s->slots >= DECODE_SLOTS) {
    s->cycle++;
    s->slots = 0;
  }
  s->slots += o.slots;
  if (i->op == JV_OP_move_reg) {
    s->results[o.to] = s->results[o.a];
    return;
  }
  uint64_t done =
      later(later(s->cycle, s->results[o.a]), later(s->results[o.b], s->results[o.d])) + find_latency(s, rule);
  s->results[o.to] = done;
  s->last_result = later(s->last_result, done);
}

/* ------------------------------------------------------------------------------------------------------ entry */

void jv_pricer_init(jv_pricer *s, const javm_code *code, javm_gas_model model, uint32_t load_cycles) {
  if (load_cycles == 0) load_cycles = DEFAULT_LOAD_CYCLES;
  memset(s, 0, offsetof(jv_pricer, buffer)); /* the rest is written before it counts */
  memset(s->buffer.provider, 0, sizeof s->buffer.provider);
  s->code = code;
  s->model = model;
  s->first_mode = JV_PRICER_COUNT;
  if (model == JAVM_GAS_SINGLE_PASS) s->first_mode = JV_PRICER_SINGLE_PASS;
  if (model == JAVM_GAS_PIPELINE) s->first_mode = load_cycles <= PLACED_CYCLES ? JV_PRICER_PLACE : JV_PRICER_SIMULATE;
  s->cycles[CYCLES_LOAD] = load_cycles;
  s->cycles[CYCLES_STORE] = model == JAVM_GAS_PIPELINE ? STORE_PIPELINE : load_cycles;
  s->cold[0] = s->cold[1] = JV_OP_trap;
  jv_op_to_isa(code->isa, JV_OP_unlikely, &s->cold[1]);
}

void jv_pricer_begin(jv_pricer *s, uint32_t pc) {
  (void)pc;
  s->mode = s->first_mode;
  s->count = s->limit = s->slots = 0;
  if (s->mode == JV_PRICER_PLACE) {
    s->limit = JV_GAS_BUFFER;
    s->now = s->others = s->full_from = s->last_other = 0;
    s->busy = 0;
    memset(s->singles, 0, sizeof s->singles);
    memset(s->ready, 0, 16 * sizeof s->ready[0]);
  } else if (s->mode == JV_PRICER_SIMULATE) {
    buffer_init(&s->buffer);
  } else if (s->mode == JV_PRICER_SINGLE_PASS) {
    s->cycle = s->last_result = 0;
    memset(s->results, 0, 16 * sizeof s->results[0]);
  }
}

JV_NOINLINE void add_otherwise(jv_pricer *s, const jv_decoded *i, uint32_t pc) {
  if (s->mode == JV_PRICER_COUNT) {
    s->count++;
    return;
  }
  if (s->mode == JV_PRICER_SINGLE_PASS) {
    add_single_pass(s, i, pc);
    return;
  }
  set_branch(s, &rules[i->op], i, pc);
  if (s->mode == JV_PRICER_PROFILE && s->count < JV_GAS_BUFFER) {
    place_profiled(s, insn_word(i));
    return;
  }
  if (s->mode != JV_PRICER_SIMULATE) begin_simulation(s);
  s->insns[s->count++] = insn_word(i);
  if (s->count == JV_GAS_BUFFER) simulate(s);
}

void jv_pricer_add(jv_pricer *s, const jv_decoded *i, uint32_t pc) {
  uint32_t insn = insn_word(i);
  const gas_rule *rule = &rules[insn & 255];
  if (s->count >= s->limit) add_otherwise(s, i, pc);
  else if (rule->is_special) place_special(s, i, pc);
  else if (!place(s, insn, rule, false, false)) place_profiled(s, insn);
}

uint32_t jv_pricer_end(jv_pricer *s) {
  if (s->model == JAVM_GAS_NONE) return 0;
  /* the last entry retires at the end of cycle last_done + 1, and the buffer is found empty in the next */
  uint64_t cycles = later(s->busy >> 3 * LANE, s->last_other) + 2;
  if (s->mode == JV_PRICER_COUNT) return s->count;
  if (s->mode == JV_PRICER_SINGLE_PASS) cycles = s->last_result;
  if (s->mode == JV_PRICER_SIMULATE) cycles = end_simulation(s) + 2;
  uint64_t cost = cycles > FRONT_CYCLES ? cycles - FRONT_CYCLES : 1;
  return cost > UINT32_MAX ? UINT32_MAX : (uint32_t)cost;
}

uint32_t jv_gas_block_cost(const javm_code *code, javm_gas_model model, uint32_t load_cycles, uint32_t pc) {
  jv_pricer sim;
  jv_decoded insn;
  jv_pricer_init(&sim, code, model, load_cycles);
  jv_pricer_begin(&sim, pc);
  do {
    jv_decode(code, pc, &insn);
    jv_pricer_add(&sim, &insn, pc);
    pc += 1 + insn.skip;
  } while (!ends(code, insn.op));
  return jv_pricer_end(&sim);
}
