/*
 * Costs of basic blocks (2-gas.md). The facts about each instruction come from ops.def; here is what the models make of
 * them. Time is linear in the block: the pipeline places each instruction in its cycle as it comes, and, in a block
 * where that is not exact, goes from one cycle in which something happens to the next.
 */
#include "exec/gas.h"
#include "exec/decode.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

/* The words of ops.def. */
enum { A = JV_ROLE_A, B = JV_ROLE_B, D = JV_ROLE_D };
enum { ALU = 1, ALU2 = 2, LOAD = 4, STORE = 8, MUL = 16, DIV = 32 };
enum { REGS = (1 << JAVM_REG_COUNT) - 1 };
enum { ANY, FIRST };
enum { BRANCH_CYCLES = 1000, LOAD_CYCLES, STORE_CYCLES };

enum { BUFFER_ENTRIES = JV_GAS_BUFFER, DECODE_SLOTS = 4, STARTS = 5 };
enum { DEFAULT_LOAD_CYCLES = 25, STORE_PIPELINE = 25, BRANCH_KNOWN = 1, BRANCH_MISSED = 20, FRONT_CYCLES = 3 };

/* What an opcode costs, made for the branchless jv_pricer_add. */
typedef struct gas_rule {
  uint8_t slots, same_saves;    /* decode slots, and how many fewer where the destination is a source */
  uint8_t no_a, no_b, no_d;     /* UNREAD where the operand is no source */
  uint8_t same_b;               /* 1: b counts as such a source, too */
  uint8_t to_a, to_d, no_write; /* masks: the destination is a, or d; UNWRITTEN if there is none */
  uint16_t latency;             /* and jv_pricer.cycles[cycles] */
  uint8_t cycles;
  uint8_t units;
  uint8_t unused[2];
} gas_rule;

/*
 * What units an entry takes. There are as many ALUs as there are LOADs or STOREs, and whatever takes one of those takes
 * an ALU with it: so it's enough to count ALUs.
 */
enum { TAKES_NONE, TAKES_ALU, TAKES_ALU2, TAKES_MUL, TAKES_DIV };
#define UNIT_KIND(units)                                                                                               \
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

/* By kind: bytes of free units, as in FREE_UNITS, and sets of cycles to look at. */
static const uint32_t unit_counts[] = {0, 1, 2, 1 | 1 << 8, 1 | 1 << 16};
enum { FREE_UNITS = 4 | 1 << 8 | 1 << 16 };
#define UNITS_BORROW UINT32_C(0x808080)
typedef struct unit_mask {
  uint64_t alu, alu2, mul, div;
} unit_mask;
static const unit_mask unit_masks[] = {{0, 0, 0, 0},
                                       {UINT64_MAX, 0, 0, 0},
                                       {UINT64_MAX, UINT64_MAX, 0, 0},
                                       {UINT64_MAX, 0, UINT64_MAX, 0},
                                       {UINT64_MAX, 0, 0, UINT64_MAX}};

enum { SPAN_CYCLES = 64 };
enum { UNREAD = 16, UNWRITTEN = 32 };

#define GAS(name, slots, slots_same, same, latency, units)                                                             \
  enum {                                                                                                               \
    SLOTS_##name = slots,                                                                                              \
    SAVES_##name = (slots) - (slots_same),                                                                             \
    ANY_##name = (same) == ANY,                                                                                        \
    LATENCY_##name = (latency) < BRANCH_CYCLES ? (latency) : 0,                                                        \
    KIND_##name = (latency) < BRANCH_CYCLES ? 0 : (latency)-BRANCH_CYCLES + 1,                                         \
    UNITS_##name = UNIT_KIND(units)                                                                                    \
  };
#include "exec/ops.def"

#define RULE(read, written, gas)                                                                                       \
  {                                                                                                                    \
    .slots = SLOTS_##gas, .same_saves = SAVES_##gas, .same_b = ANY_##gas, .latency = LATENCY_##gas,                    \
    .cycles = KIND_##gas, .units = UNITS_##gas, .no_a = (read)&A ? 0 : UNREAD, .no_b = (read)&B ? 0 : UNREAD,          \
    .no_d = (read)&D ? 0 : UNREAD, .to_a = (written)&A ? 15 : 0, .to_d = (written)&D ? 15 : 0,                         \
    .no_write = (written) ? 0 : UNWRITTEN                                                                              \
  }

/* By opcode. No block goes on behind a number that is no opcode. */
static const gas_rule rules[256] = {
#define OP(number, name, format, reads, writes, ends_block, can_fault, gas) [number] = RULE(reads, writes, gas),
#include "exec/ops.def"
    [JV_OP_INVALID] = RULE(0, 0, TRAP),
};
static_assert(sizeof(gas_rule) == 16, "rules do not straddle cache lines");

static_assert(BUFFER_ENTRIES == 32, "sets of entries are 32-bit masks");
/* Whatever is decoded fits into an empty cycle, and whatever runs takes time; only a move is free. */
#define GAS(name, slots, slots_same, same, latency, units)                                                             \
  static_assert((slots) <= DECODE_SLOTS && (slots_same) <= (slots), "decode slots of " #name);                         \
  static_assert((latency) > 0 || JV_GAS_##name == JV_GAS_MOVE, "latency of " #name);
#include "exec/ops.def"
#define OP(number, name, format, reads, writes, ends_block, can_fault, gas)                                            \
  static_assert(JV_GAS_##gas != JV_GAS_MOVE || (number) == JV_OP_move_reg, "only move_reg is renamed");
#include "exec/ops.def"

/* One instruction as the reorder buffer sees it. */
typedef struct gas_insn {
  uint32_t latency;
  uint16_t reads, writes; /* sets of registers */
  uint8_t slots, units;
  uint8_t from, to; /* of a move */
  bool is_move;
} gas_insn;

/* Is the opcode at this place trap or unlikely? No instruction stands before the code; behind it there are traps. */
static bool is_cold(const javm_code *code, int64_t pc) {
  if (pc < 0) return false;
  if ((uint64_t)pc >= code->code_bytes) return true;
  uint8_t op = jv_op_from_isa(code->isa, code->code[pc]);
  return op == JV_OP_trap || op == JV_OP_unlikely;
}

static bool ends(const javm_code *code, uint8_t op) { return op == JV_OP_INVALID || jv_op_ends_block(code->isa, op); }

static uint32_t branch_cycles(const javm_code *code, const jv_decoded *i, uint32_t pc) {
  int64_t target = (int64_t)pc + (int32_t)(i->target - pc);
  return is_cold(code, pc + 1 + i->skip) || is_cold(code, target) ? BRANCH_KNOWN : BRANCH_MISSED;
}

static inline uint32_t find_latency(const jv_pricer *s, const gas_rule *rule, const jv_decoded *i, uint32_t pc) {
  return rule->cycles == KIND_BRANCH ? branch_cycles(s->code, i, pc) : rule->latency + s->cycles[rule->cycles];
}

/* Places in jv_pricer.ready, and decode slots. */
typedef struct operands {
  unsigned a, b, d, to, slots;
} operands;

static inline operands find_operands(const gas_rule *rule, const jv_decoded *i) {
  operands o = {.a = i->a | rule->no_a, .b = i->b | rule->no_b, .d = i->d | rule->no_d};
  o.to = (i->a & rule->to_a) | (i->d & rule->to_d) | rule->no_write;
  unsigned same = (o.a == o.to) | ((o.b == o.to) & rule->same_b);
  o.slots = rule->slots - (rule->same_saves & -same);
  return o;
}

static gas_insn make_insn(const jv_pricer *s, const jv_decoded *i, uint32_t pc) {
  const gas_rule *rule = &rules[i->op];
  operands o = find_operands(rule, i);
  gas_insn out = {.units = rule->units, .from = i->a, .to = i->d, .slots = (uint8_t)o.slots};
  out.latency = find_latency(s, rule, i, pc);
  out.reads = (uint16_t)((UINT64_C(1) << o.a | UINT64_C(1) << o.b | UINT64_C(1) << o.d) & REGS);
  out.writes = (uint16_t)((UINT64_C(1) << o.to) & REGS);
  out.is_move = i->op == JV_OP_move_reg;
  return out;
}

/* ------------------------------------------------------------------------------------ pipeline, by the cycle */

static uint32_t rotate_right(uint32_t set, unsigned by) { return set >> by | set << (-by & 31); }

/* Empty. The arrays by entry and by register need no start values: the sets say where they count. */
static void buffer_init(jv_gas_buffer *p) {
  p->cycle = p->last_done = 0;
  p->next_done = UINT64_MAX;
  p->slots = DECODE_SLOTS;
  p->provided = p->pending = p->running = p->ready = p->fresh = 0;
  memset(p->with_units, 0, sizeof p->with_units);
  p->free_units = FREE_UNITS;
  p->head = p->count = 0;
}

static bool units_free(const jv_gas_buffer *p, unsigned kind) {
  return (((p->free_units | UNITS_BORROW) - unit_counts[kind]) & UNITS_BORROW) == UNITS_BORROW;
}

static void decode_move(jv_gas_buffer *p, const gas_insn *i) {
  if (i->from == i->to) return;
  p->provided &= ~(1u << i->to);
  if (!(p->provided >> i->from & 1)) return;
  p->provided |= 1u << i->to;
  p->provider[i->to] = p->provider[i->from];
}

static void decode_entry(jv_gas_buffer *p, const gas_insn *i) {
  unsigned at = (p->head + p->count++) % BUFFER_ENTRIES;
  uint32_t bit = 1u << at, unmet = 0;
  for (uint32_t r = i->reads & p->provided; r; r &= r - 1) {
    unsigned from = p->provider[jv_lowest_bit(r)];
    unmet |= 1u << from;
    p->users[from] |= bit;
  }
  p->provided |= i->writes;
  for (uint32_t r = i->writes; r; r &= r - 1) p->provider[jv_lowest_bit(r)] = (uint8_t)at;
  p->latency[at] = i->latency;
  p->units[at] = i->units;
  p->unmet[at] = unmet;
  p->users[at] = 0;
  p->pending |= bit;
  p->fresh |= bit;
  if (!unmet) p->ready |= bit;
  p->with_units[i->units] |= bit;
}

/* Gives the results and units of what is done in this cycle. */
static void complete(jv_gas_buffer *p) {
  if (p->next_done > p->cycle) return;
  uint32_t done = 0;
  uint64_t next = UINT64_MAX;
  for (uint32_t r = p->running; r; r &= r - 1) {
    unsigned at = jv_lowest_bit(r);
    if (p->done_at[at] > p->cycle) {
      if (p->done_at[at] < next) next = p->done_at[at];
      continue;
    }
    done |= 1u << at;
    p->free_units += unit_counts[p->units[at]];
    for (uint32_t u = p->users[at]; u; u &= u - 1) {
      unsigned user = jv_lowest_bit(u);
      p->unmet[user] &= ~(1u << at);
      if (!p->unmet[user]) p->ready |= 1u << user;
    }
  }
  p->next_done = next;
  p->running &= ~done;
  p->pending &= ~done;
  for (uint32_t r = p->provided; r; r &= r - 1) {
    unsigned reg = jv_lowest_bit(r);
    if (done >> p->provider[reg] & 1) p->provided &= ~(1u << reg);
  }
}

static void retire(jv_gas_buffer *p) {
  while (p->count && !(p->pending >> p->head & 1) && p->done_at[p->head] + 2 <= p->cycle) {
    p->head = (p->head + 1) % BUFFER_ENTRIES;
    p->count--;
  }
}

/* Starts the oldest entries that can; returns whether only the number of starts stopped it. */
static bool start(jv_gas_buffer *p) {
  uint32_t candidates = p->ready & ~p->fresh;
  for (unsigned starts = STARTS; candidates;) {
    if (starts == 0) return true;
    unsigned at = (p->head + jv_lowest_bit(rotate_right(candidates, p->head))) % BUFFER_ENTRIES;
    uint32_t bit = 1u << at;
    unsigned units = p->units[at];
    if (!units_free(p, units)) {
      candidates &= ~p->with_units[units]; /* units only become fewer here */
      continue;
    }
    p->free_units -= unit_counts[units];
    p->done_at[at] = p->cycle + p->latency[at];
    if (p->done_at[at] > p->last_done) p->last_done = p->done_at[at];
    if (p->done_at[at] < p->next_done) p->next_done = p->done_at[at];
    p->running |= bit;
    p->ready &= ~bit;
    p->with_units[units] &= ~bit;
    candidates &= ~bit;
    starts--;
  }
  return false;
}

/* Ends the cycle, with or without something to decode: starts what can, and goes to the next cycle in which anything
 * happens. */
static void end_cycle(jv_gas_buffer *p, bool more) {
  bool busy = start(p) || p->fresh || (more && p->count < BUFFER_ENTRIES);
  uint64_t next = p->next_done;
  if (p->count == BUFFER_ENTRIES && !(p->pending >> p->head & 1)) {
    uint64_t leaves = p->done_at[p->head] + 2;
    if (leaves < next) next = leaves;
  }
  p->cycle = busy || next <= p->cycle ? p->cycle + 1 : next;
  p->slots = DECODE_SLOTS;
  p->fresh = 0;
  complete(p);
  retire(p);
}

static void buffer_add(jv_gas_buffer *p, const gas_insn *insn) {
  while (insn->slots > p->slots || p->count == BUFFER_ENTRIES) end_cycle(p, true);
  p->slots -= insn->slots;
  if (insn->is_move) decode_move(p, insn);
  else decode_entry(p, insn);
}

/* The cycle of the last result. */
static uint64_t buffer_end(jv_gas_buffer *p) {
  while (p->running != p->pending) end_cycle(p, false);
  return p->last_done;
}

/* Begins to simulate: the block up to the instruction before `end`. */
static void simulate(jv_pricer *s, uint32_t end) {
  s->contended = true;
  buffer_init(&s->buffer);
  for (uint32_t pc = s->pc; pc != end;) {
    jv_decoded i;
    jv_decode(s->code, pc, &i);
    gas_insn insn = make_insn(s, &i, pc);
    buffer_add(&s->buffer, &insn);
    pc += 1 + i.skip;
  }
}

/* ------------------------------------------------------------------------------------------- pipeline, in order */

/*
 * Each instruction is placed when it comes: at the first cycle, once its operands are ready, in which older ones leave
 * it a start and its units. That is what the reorder buffer does, as long as a younger instruction that starts before
 * an older one keeps nothing from it: `contended` says when it would.
 */
static uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* Makes the spans up to this one count; false if the ring is too small for that. */
static bool reach(jv_pricer *s, uint64_t span) {
  if (span - s->now / SPAN_CYCLES >= JV_GAS_SPANS) return false;
  for (; s->span_end <= span; s->span_end++) s->spans[s->span_end % JV_GAS_SPANS] = (jv_gas_span){0};
  return true;
}

/* Cycles of a span in which these units are not all there. */
static inline uint64_t taken(const jv_gas_span *p, const unit_mask *m) {
  return (p->alus[2] & m->alu) | (p->alus[1] & p->alus[0] & m->alu2) | (p->mul & m->mul) | (p->div & m->div);
}

/* Those in which nothing that takes them can start. */
static inline uint64_t closed(const jv_gas_span *p, const unit_mask *m) {
  return taken(p, m) | (p->starts[2] & p->starts[0]);
}

static inline void count_up(uint64_t count[3], uint64_t set) {
  uint64_t two = count[0] & set, four = count[1] & two;
  count[0] ^= set;
  count[1] ^= two;
  count[2] ^= four;
}

/* Takes units in cycles of a span; false if that is too many. */
static inline bool take(jv_gas_span *p, const unit_mask *m, uint64_t cycles) {
  bool fits = !(taken(p, m) & cycles);
  count_up(p->alus, cycles & m->alu);
  if (m->alu2) count_up(p->alus, cycles);
  p->mul |= cycles & m->mul;
  p->div |= cycles & m->div;
  return fits;
}

/* The first cycle from `at` on in which there is a start and units; sets contended if there is none. */
static uint64_t find_start(jv_pricer *s, uint64_t at, const unit_mask *units) {
  for (;;) {
    uint64_t span = at / SPAN_CYCLES;
    if (!reach(s, span)) break;
    uint64_t open = ~closed(&s->spans[span % JV_GAS_SPANS], units) >> at % SPAN_CYCLES;
    if (open) return at + jv_lowest_bit(open);
    at = (span + 1) * SPAN_CYCLES;
  }
  s->contended = true;
  return at;
}

static uint64_t take_long(jv_pricer *s, uint64_t at, uint32_t latency, const unit_mask *units) {
  uint64_t done = at + latency;
  bool fits = reach(s, done / SPAN_CYCLES);
  while (fits && at < done) {
    unsigned from = at % SPAN_CYCLES,
             count = done - at < SPAN_CYCLES - from ? (unsigned)(done - at) : SPAN_CYCLES - from;
    uint64_t cycles = UINT64_MAX >> (SPAN_CYCLES - count) << from;
    fits = take(&s->spans[at / SPAN_CYCLES % JV_GAS_SPANS], units, cycles);
    at += count;
  }
  if (!fits) s->contended = true;
  return done;
}

static inline uint64_t place(jv_pricer *s, uint64_t at, uint32_t latency, const unit_mask *units) {
  uint64_t span = at / SPAN_CYCLES;
  if (span >= s->span_end && !reach(s, span)) {
    s->contended = true;
    return at;
  }
  jv_gas_span *p = &s->spans[span % JV_GAS_SPANS];
  if (closed(p, units) >> at % SPAN_CYCLES & 1) {
    at = find_start(s, at, units);
    if (s->contended) return at;
    p = &s->spans[at / SPAN_CYCLES % JV_GAS_SPANS];
  }
  count_up(p->starts, UINT64_C(1) << at % SPAN_CYCLES);
  if (at % SPAN_CYCLES + latency >= SPAN_CYCLES) return take_long(s, at, latency, units);
  if (!take(p, units, ((UINT64_C(1) << latency) - 1) << at % SPAN_CYCLES)) s->contended = true;
  return at + latency;
}

static void add_pipeline(jv_pricer *s, const jv_decoded *i, uint32_t pc) {
  if (s->contended) {
    gas_insn insn = make_insn(s, i, pc);
    buffer_add(&s->buffer, &insn);
    return;
  }
  const gas_rule *rule = &rules[i->op];
  operands o = find_operands(rule, i);
  bool next = o.slots > s->slots;
  s->now += next;
  s->slots = (next ? DECODE_SLOTS : s->slots) - o.slots;
  uint64_t room = s->done_by[s->entries % BUFFER_ENTRIES] + 2;
  if (room > s->now) {
    s->now = room;
    s->slots = DECODE_SLOTS - o.slots;
  }
  if (i->op == JV_OP_move_reg) {
    s->ready[o.to] = s->ready[o.a];
    return;
  }
  uint32_t latency = find_latency(s, rule, i, pc);
  uint64_t ready = later(later(s->now + 1, s->ready[o.a]), later(s->ready[o.b], s->ready[o.d]));
  uint64_t done = place(s, ready, latency, &unit_masks[rule->units]);
  if (s->contended) simulate(s, pc + 1 + i->skip);
  s->ready[o.to] = done;
  s->last_done = later(s->last_done, done);
  s->done_by[s->entries++ % BUFFER_ENTRIES] = s->last_done;
}

static void begin_pipeline(jv_pricer *s) {
  uint64_t span = later(s->span_end, (s->last_done + 2) / SPAN_CYCLES + 1);
  s->span_end = span;
  s->first = s->now = span * SPAN_CYCLES - 1; /* so that the first start is in a new span */
  s->slots = DECODE_SLOTS;
  s->contended = false;
}

static uint64_t end_pipeline(jv_pricer *s) {
  /* the last entry retires at the end of cycle last_done + 1, and the buffer is found empty in the next */
  uint64_t done = s->contended ? buffer_end(&s->buffer) : s->last_done - s->first;
  return done + 2;
}

/* ---------------------------------------------------------------------------------------------- single pass */

static void add_single_pass(jv_pricer *s, const jv_decoded *i, uint32_t pc) {
  const gas_rule *rule = &rules[i->op];
  operands o = find_operands(rule, i);
  if (s->slots >= DECODE_SLOTS) {
    s->now++;
    s->slots = 0;
  }
  s->slots += o.slots;
  if (i->op == JV_OP_move_reg) {
    s->ready[o.to] = s->ready[o.a];
    return;
  }
  uint32_t latency = find_latency(s, rule, i, pc);
  uint64_t done = later(later(s->now, s->ready[o.a]), later(s->ready[o.b], s->ready[o.d])) + latency;
  s->ready[o.to] = done;
  s->last_done = later(s->last_done, done);
}

/* ------------------------------------------------------------------------------------------------------ entry */

void jv_pricer_init(jv_pricer *s, const javm_code *code, javm_gas_model model, uint32_t load_cycles) {
  if (load_cycles == 0) load_cycles = DEFAULT_LOAD_CYCLES;
  memset(s, 0, offsetof(jv_pricer, spans)); /* the rest is emptied when it is needed */
  s->code = code;
  s->model = model;
  s->cycles[KIND_LOAD] = load_cycles;
  s->cycles[KIND_STORE] = model == JAVM_GAS_PIPELINE ? STORE_PIPELINE : load_cycles;
}

void jv_pricer_begin(jv_pricer *s, uint32_t pc) {
  s->pc = pc;
  s->entries = 0;
  if (s->model == JAVM_GAS_PIPELINE) {
    begin_pipeline(s);
  } else {
    s->first = s->now = s->last_done;
    s->slots = 0;
  }
}

void jv_pricer_add(jv_pricer *s, const jv_decoded *insn, uint32_t pc) {
  if (s->model == JAVM_GAS_PIPELINE) add_pipeline(s, insn, pc);
  else if (s->model == JAVM_GAS_SINGLE_PASS) add_single_pass(s, insn, pc);
  else s->entries++;
}

uint32_t jv_pricer_end(jv_pricer *s) {
  if (s->model == JAVM_GAS_NONE) return 0;
  if (s->model == JAVM_GAS_INSTRUCTION) return s->entries;
  uint64_t cycles = s->model == JAVM_GAS_PIPELINE ? end_pipeline(s) : s->last_done - s->first;
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
