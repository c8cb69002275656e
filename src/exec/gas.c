/*
 * Costs of basic blocks (2-gas.md). The facts about each instruction come from ops.def; here is what the models make of
 * them. Time is linear in the block: the pipeline goes from one cycle in which something happens to the next.
 */
#include "exec/gas.h"

#include <assert.h>
#include <string.h>

/* The words of ops.def. */
enum { A = JV_ROLE_A, B = JV_ROLE_B, D = JV_ROLE_D };
enum { ALU = 1, ALU2 = 2, LOAD = 4, STORE = 8, MUL = 16, DIV = 32, UNIT_SETS = 64 };
enum { ANY, FIRST };
enum { BRANCH_CYCLES = 1000, LOAD_CYCLES, STORE_CYCLES };

enum { BUFFER_ENTRIES = 32, DECODE_SLOTS = 4, STARTS = 5 };
enum { DEFAULT_LOAD_CYCLES = 25, STORE_PIPELINE = 25, BRANCH_KNOWN = 1, BRANCH_MISSED = 20, FRONT_CYCLES = 3 };

typedef struct gas_rule {
  uint8_t slots, slots_same, same;
  uint16_t latency;
  uint8_t units;
} gas_rule;

static const gas_rule rules[JV_GAS_CLASS_COUNT] = {
#define GAS(name, slots, slots_same, same, latency, units) [JV_GAS_##name] = {slots, slots_same, same, latency, units},
#include "exec/ops.def"
};

/* Whatever is decoded fits into an empty cycle, and whatever runs takes time; only a move is free. */
#define GAS(name, slots, slots_same, same, latency, units)                                                             \
  static_assert((slots) <= DECODE_SLOTS && (slots_same) <= (slots), "decode slots of " #name);                         \
  static_assert((latency) > 0 || JV_GAS_##name == JV_GAS_MOVE, "latency of " #name);                                   \
  static_assert((units) < UNIT_SETS, "units of " #name);
#include "exec/ops.def"
#define OP(number, name, format, reads, writes, ends_block, can_fault, gas)                                            \
  static_assert(JV_GAS_##gas != JV_GAS_MOVE || (number) == JV_OP_move_reg, "only move_reg is renamed");
#include "exec/ops.def"

/* One instruction as the models see it. */
typedef struct gas_insn {
  uint32_t latency;
  uint16_t reads, writes; /* sets of registers */
  uint8_t slots, units;
  uint8_t from, to; /* of a move */
  bool is_move, is_last;
} gas_insn;

/* The instructions of a block, one after the other. */
typedef struct gas_block {
  const javm_code *code;
  uint32_t pc;
  uint32_t load_cycles, store_cycles;
} gas_block;

/* Is the opcode at this place trap or unlikely? No instruction stands before the code; behind it there are traps. */
static bool is_cold(const javm_code *code, int64_t pc) {
  if (pc < 0) return false;
  if ((uint64_t)pc >= code->code_bytes) return true;
  uint8_t op = jv_op_from_isa(code->isa, code->code[pc]);
  return op == JV_OP_trap || op == JV_OP_unlikely;
}

static uint16_t reg_set(const jv_decoded *i, uint8_t roles) {
  unsigned set = 0;
  if (roles & JV_ROLE_A) set |= 1u << i->a;
  if (roles & JV_ROLE_B) set |= 1u << i->b;
  if (roles & JV_ROLE_D) set |= 1u << i->d;
  return (uint16_t)set;
}

static gas_insn next_insn(gas_block *block) {
  jv_decoded i;
  jv_decode(block->code, block->pc, &i);
  const jv_op_info *info = &jv_ops[i.op];
  const gas_rule *rule = &rules[info->gas_class];
  gas_insn out = {.latency = rule->latency, .units = rule->units, .from = i.a, .to = i.d};
  out.reads = reg_set(&i, info->reads);
  out.writes = reg_set(&i, info->writes);
  unsigned sources = rule->same == FIRST ? 1u << i.a : out.reads;
  out.slots = sources & out.writes ? rule->slots_same : rule->slots;
  out.is_move = i.op == JV_OP_move_reg;
  out.is_last = i.op == JV_OP_INVALID || jv_op_ends_block(block->code->isa, i.op);
  uint32_t next = block->pc + 1 + i.skip;
  if (rule->latency == BRANCH_CYCLES) {
    int64_t target = (int64_t)block->pc + (int32_t)(i.target - block->pc);
    out.latency = is_cold(block->code, next) || is_cold(block->code, target) ? BRANCH_KNOWN : BRANCH_MISSED;
  } else if (rule->latency == LOAD_CYCLES) {
    out.latency = block->load_cycles;
  } else if (rule->latency == STORE_CYCLES) {
    out.latency = block->store_cycles;
  }
  block->pc = next;
  return out;
}

static unsigned lowest_bit(uint32_t set) {
#if defined(__GNUC__)
  return (unsigned)__builtin_ctz(set);
#else
  unsigned i = 0;
  while (!(set >> i & 1)) i++;
  return i;
#endif
}

static uint32_t rotate_right(uint32_t set, unsigned by) { return set >> by | set << (-by & 31); }

/* ------------------------------------------------------------------------------------------------- pipeline */

/*
 * The reorder buffer is a ring; sets of its positions are 32-bit masks. Decoded in cycle t, an entry may start in t +
 * 1; started in s, it gives back its units and its result in `done_at` = s + latency, and leaves the buffer, in
 * order, so that there is room in done_at + 2.
 */
typedef struct pipeline {
  uint64_t cycle;
  uint64_t last_done;
  uint64_t done_at[BUFFER_ENTRIES];
  uint32_t latency[BUFFER_ENTRIES];
  uint32_t unmet[BUFFER_ENTRIES]; /* entries whose results it still waits for */
  uint32_t users[BUFFER_ENTRIES]; /* entries that wait for it */
  uint8_t units[BUFFER_ENTRIES];
  uint8_t provider[JAVM_REG_COUNT]; /* the entry that a register's value comes from, if in `pending` */
  uint32_t provided;                /* registers with a provider */
  uint32_t pending;                 /* entries without a result yet */
  uint32_t running;
  uint32_t ready; /* entries that only lack a free unit */
  uint32_t fresh; /* entries decoded in this cycle */
  uint32_t with_units[UNIT_SETS];
  uint8_t free_alu, free_load, free_store, free_mul, free_div;
  unsigned head, count;
} pipeline;

static_assert(BUFFER_ENTRIES == 32, "sets of entries are 32-bit masks");

/* Empty. The arrays by entry and by register need no start values: the sets say where they count. */
static void pipeline_init(pipeline *p) {
  p->cycle = p->last_done = 0;
  p->provided = p->pending = p->running = p->ready = p->fresh = 0;
  memset(p->with_units, 0, sizeof p->with_units);
  p->free_alu = p->free_load = p->free_store = 4;
  p->free_mul = p->free_div = 1;
  p->head = p->count = 0;
}

static bool units_free(const pipeline *p, unsigned u) {
  unsigned alu = (u & ALU ? 1 : 0) + (u & ALU2 ? 2 : 0);
  return p->free_alu >= alu && (!(u & LOAD) || p->free_load) && (!(u & STORE) || p->free_store) &&
         (!(u & MUL) || p->free_mul) && (!(u & DIV) || p->free_div);
}

static void units_move(pipeline *p, unsigned u, int by) {
  p->free_alu = (uint8_t)(p->free_alu + by * ((u & ALU ? 1 : 0) + (u & ALU2 ? 2 : 0)));
  p->free_load = (uint8_t)(p->free_load + (u & LOAD ? by : 0));
  p->free_store = (uint8_t)(p->free_store + (u & STORE ? by : 0));
  p->free_mul = (uint8_t)(p->free_mul + (u & MUL ? by : 0));
  p->free_div = (uint8_t)(p->free_div + (u & DIV ? by : 0));
}

static void decode_move(pipeline *p, const gas_insn *i) {
  if (i->from == i->to) return;
  p->provided &= ~(1u << i->to);
  if (!(p->provided >> i->from & 1)) return;
  p->provided |= 1u << i->to;
  p->provider[i->to] = p->provider[i->from];
}

static void decode_entry(pipeline *p, const gas_insn *i) {
  unsigned at = (p->head + p->count++) % BUFFER_ENTRIES;
  uint32_t bit = 1u << at, unmet = 0;
  for (uint32_t r = i->reads & p->provided; r; r &= r - 1) {
    unsigned from = p->provider[lowest_bit(r)];
    unmet |= 1u << from;
    p->users[from] |= bit;
  }
  p->provided |= i->writes;
  for (uint32_t r = i->writes; r; r &= r - 1) p->provider[lowest_bit(r)] = (uint8_t)at;
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
static void complete(pipeline *p) {
  uint32_t done = 0;
  for (uint32_t r = p->running; r; r &= r - 1) {
    unsigned at = lowest_bit(r);
    if (p->done_at[at] > p->cycle) continue;
    done |= 1u << at;
    units_move(p, p->units[at], 1);
    for (uint32_t u = p->users[at]; u; u &= u - 1) {
      unsigned user = lowest_bit(u);
      p->unmet[user] &= ~(1u << at);
      if (!p->unmet[user]) p->ready |= 1u << user;
    }
  }
  if (!done) return;
  p->running &= ~done;
  p->pending &= ~done;
  for (uint32_t r = p->provided; r; r &= r - 1) {
    unsigned reg = lowest_bit(r);
    if (done >> p->provider[reg] & 1) p->provided &= ~(1u << reg);
  }
}

static void retire(pipeline *p) {
  while (p->count && !(p->pending >> p->head & 1) && p->done_at[p->head] + 2 <= p->cycle) {
    p->head = (p->head + 1) % BUFFER_ENTRIES;
    p->count--;
  }
}

/* Starts the oldest entries that can; returns whether only the number of starts stopped it. */
static bool start(pipeline *p) {
  uint32_t candidates = p->ready & ~p->fresh;
  for (unsigned starts = STARTS; candidates;) {
    if (starts == 0) return true;
    unsigned at = (p->head + lowest_bit(rotate_right(candidates, p->head))) % BUFFER_ENTRIES;
    uint32_t bit = 1u << at;
    unsigned units = p->units[at];
    if (!units_free(p, units)) {
      candidates &= ~p->with_units[units]; /* units only become fewer here */
      continue;
    }
    units_move(p, units, -1);
    p->done_at[at] = p->cycle + p->latency[at];
    if (p->done_at[at] > p->last_done) p->last_done = p->done_at[at];
    p->running |= bit;
    p->ready &= ~bit;
    p->with_units[units] &= ~bit;
    candidates &= ~bit;
    starts--;
  }
  return false;
}

/* The next cycle in which something is done or leaves. */
static uint64_t next_event(const pipeline *p) {
  uint64_t next = UINT64_MAX;
  for (uint32_t r = p->running; r; r &= r - 1) {
    uint64_t at = p->done_at[lowest_bit(r)];
    if (at < next) next = at;
  }
  bool head_done = p->count == BUFFER_ENTRIES && !(p->pending >> p->head & 1);
  if (head_done && p->done_at[p->head] + 2 < next) next = p->done_at[p->head] + 2;
  return next > p->cycle ? next : p->cycle + 1;
}

static uint64_t pipeline_cost(gas_block *block) {
  pipeline p;
  pipeline_init(&p);
  gas_insn insn = next_insn(block);
  bool more = true;
  for (;;) {
    complete(&p);
    retire(&p);
    p.fresh = 0;
    for (unsigned slots = DECODE_SLOTS; more && insn.slots <= slots && p.count < BUFFER_ENTRIES;) {
      slots -= insn.slots;
      if (insn.is_move) decode_move(&p, &insn);
      else decode_entry(&p, &insn);
      more = !insn.is_last;
      if (more) insn = next_insn(block);
    }
    bool start_again = start(&p);
    if (!more && p.running == p.pending) break; /* everything has started */
    bool busy = start_again || p.fresh || (more && p.count < BUFFER_ENTRIES);
    p.cycle = busy ? p.cycle + 1 : next_event(&p);
  }
  /* the last entry retires at the end of cycle last_done + 1, and the buffer is found empty in the next */
  return p.last_done + 2;
}

/* ---------------------------------------------------------------------------------------------- single pass */

static uint64_t single_pass_cost(gas_block *block) {
  uint64_t cycle = 0, last = 0, ready[JAVM_REG_COUNT] = {0};
  unsigned decoded = 0;
  for (bool more = true; more;) {
    gas_insn insn = next_insn(block);
    more = !insn.is_last;
    if (decoded >= DECODE_SLOTS) {
      cycle++;
      decoded = 0;
    }
    decoded += insn.slots;
    if (insn.is_move) {
      ready[insn.to] = ready[insn.from];
      continue;
    }
    uint64_t done = cycle;
    for (uint32_t r = insn.reads; r; r &= r - 1) {
      uint64_t at = ready[lowest_bit(r)];
      if (at > done) done = at;
    }
    done += insn.latency;
    for (uint32_t r = insn.writes; r; r &= r - 1) ready[lowest_bit(r)] = done;
    if (done > last) last = done;
  }
  return last;
}

static uint64_t instruction_count(gas_block *block) {
  uint64_t count = 0;
  for (bool more = true; more; count++) more = !next_insn(block).is_last;
  return count;
}

uint32_t jv_gas_block_cost(const javm_code *code, javm_gas_model model, uint32_t load_cycles, uint32_t pc) {
  if (load_cycles == 0) load_cycles = DEFAULT_LOAD_CYCLES;
  gas_block block = {.code = code, .pc = pc, .load_cycles = load_cycles, .store_cycles = load_cycles};
  if (model == JAVM_GAS_NONE) return 0;
  if (model == JAVM_GAS_INSTRUCTION) return (uint32_t)instruction_count(&block);
  if (model == JAVM_GAS_PIPELINE) block.store_cycles = STORE_PIPELINE;
  uint64_t cycles = model == JAVM_GAS_PIPELINE ? pipeline_cost(&block) : single_pass_cost(&block);
  uint64_t cost = cycles > FRONT_CYCLES ? cycles - FRONT_CYCLES : 1;
  return cost > UINT32_MAX ? UINT32_MAX : (uint32_t)cost;
}
