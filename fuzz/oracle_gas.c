/* The oracle's costs of basic blocks, as 2-gas.md describes them: the pipeline cycle by cycle. */
#include <string.h>

#include "oracle_decode.h"

/* -------------------------------------------------------------------------------------------------------- 2 gas */

enum { ALU, LOAD, STORE, MUL, DIV, UNIT_COUNT };

typedef struct cost {
  unsigned slots;
  int latency;
  uint8_t units[UNIT_COUNT];
  uint32_t src, dst; /* sets of registers */
} cost;

/* Is the opcode at this offset `unlikely` or `trap`? Nothing stands before the code, zeros stand behind it. */
static bool is_cold(const javm_code *c, int64_t pc) {
  if (pc < 0) return false;
  unsigned op = op_of_byte(c->isa, byte_at(c, (uint64_t)pc));
  return op == 0 || op == 2;
}

/* 2.1; only instructions without a register operand or with one in a fixed role. */
static bool cost_simple(const javm_code *c, const insn *i, int load, int store, cost *k) {
  unsigned op = i->op;
  uint32_t a = 1u << i->a, b = 1u << i->b;
  if (op == INVALID || op <= 1) *k = (cost){1, 2, {0}, 0, 0};
  else if (op == 2) *k = (cost){1, 40, {0}, 0, 0};
  else if (op == 3 || op == 10) *k = (cost){4, 100, {[ALU] = 1}, 0, 0};
  else if (op == 20) *k = (cost){2, 1, {0}, 0, a};
  else if (between(op, 30, 33)) *k = (cost){1, store, {[ALU] = 1, [STORE] = 1}, 0, 0};
  else if (op == 40) *k = (cost){1, 15, {0}, 0, 0};
  else if (op == 50) *k = (cost){1, 22, {0}, a, 0};
  else if (op == 51) *k = (cost){1, 1, {0}, 0, a};
  else if (between(op, 52, 58)) *k = (cost){1, load, {[ALU] = 1, [LOAD] = 1}, 0, a};
  else if (between(op, 59, 62) || between(op, 70, 73)) *k = (cost){1, store, {[ALU] = 1, [STORE] = 1}, a, 0};
  else if (op == 80) *k = (cost){1, 15, {0}, 0, a};
  else if (between(op, 81, 90) || between(op, 170, 175)) {
    int latency = is_cold(c, i->target) || is_cold(c, i->next) ? 1 : 20;
    *k = (cost){1, latency, {[ALU] = 1}, op >= 170 ? a | b : a, 0};
  } else if (between(op, 120, 123)) *k = (cost){1, store, {[ALU] = 1, [STORE] = 1}, a | b, 0};
  else if (between(op, 124, 130)) *k = (cost){1, load, {[ALU] = 1, [LOAD] = 1}, b, a};
  else if (op == 180) *k = (cost){1, 22, {0}, b, a};
  else return false;
  return true;
}

static cost cost_reg_reg(const insn *i) {
  uint32_t s = 1u << i->a, d = 1u << i->d;
  switch (i->op) {
    case 100: return (cost){1, 0, {0}, s, d};
    case 101: return (cost){4, 100, {[ALU] = 1}, s, d};
    case 106:
    case 107: return (cost){1, 2, {[ALU] = 2}, s, d};
    case 111: return (cost){s == d ? 1 : 2, 1, {[ALU] = 1}, s, d};
    default: return (cost){1, 1, {[ALU] = 1}, s, d};
  }
}

static cost cost_immediate(const insn *i) {
  uint32_t s = 1u << i->b, d = 1u << i->a;
  bool same = s == d;
  switch (i->op) {
    case 131:
    case 138:
    case 139:
    case 140:
    case 160: return (cost){same ? 2 : 3, 2, {[ALU] = 1}, s, d};
    case 135: return (cost){same ? 2 : 3, 4, {[ALU] = 1, [MUL] = 1}, s, d};
    case 136:
    case 137:
    case 142:
    case 143: return (cost){3, 3, {[ALU] = 1}, s, d};
    case 141: return (cost){4, 3, {[ALU] = 1}, s, d};
    case 144:
    case 145:
    case 146:
    case 161: return (cost){4, 2, {[ALU] = 1}, s, d};
    case 147:
    case 148: return (cost){3, 2, {[ALU] = 1}, s | d, d};
    case 150: return (cost){same ? 1 : 2, 3, {[ALU] = 1, [MUL] = 1}, s, d};
    case 154: return (cost){3, 2, {[ALU] = 1}, s, d};
    case 155:
    case 156:
    case 157:
    case 159: return (cost){3, 1, {[ALU] = 1}, s, d};
    default: return (cost){same ? 1 : 2, 1, {[ALU] = 1}, s, d};
  }
}

static cost cost_three(const insn *i) {
  uint32_t a = 1u << i->a, s = a | 1u << i->b, d = 1u << i->d;
  bool same = (s & d) != 0, shifted = a == d;
  switch (i->op) {
    case 190:
    case 191: return (cost){same ? 2 : 3, 2, {[ALU] = 1}, s, d};
    case 192: return (cost){same ? 2 : 3, 4, {[ALU] = 1, [MUL] = 1}, s, d};
    case 193:
    case 194:
    case 195:
    case 196:
    case 203:
    case 204:
    case 205:
    case 206: return (cost){4, 60, {[ALU] = 1, [DIV] = 1}, s, d};
    case 197:
    case 198:
    case 199:
    case 221:
    case 223: return (cost){shifted ? 3 : 4, 2, {[ALU] = 1}, s, d};
    case 207:
    case 208:
    case 209:
    case 220:
    case 222: return (cost){shifted ? 2 : 3, 1, {[ALU] = 1}, s, d};
    case 202: return (cost){same ? 1 : 2, 3, {[ALU] = 1, [MUL] = 1}, s, d};
    case 213:
    case 214: return (cost){4, 4, {[ALU] = 1, [MUL] = 1}, s, d};
    case 215: return (cost){4, 6, {[ALU] = 1, [MUL] = 1}, s, d};
    case 216:
    case 217: return (cost){3, 3, {[ALU] = 1}, s, d};
    case 218:
    case 219: return (cost){2, 2, {[ALU] = 1}, s | d, d};
    case 224:
    case 225: return (cost){3, 2, {[ALU] = 1}, s, d};
    case 226: return (cost){same ? 2 : 3, 2, {[ALU] = 1}, s, d};
    case 227:
    case 228:
    case 229:
    case 230: return (cost){same ? 2 : 3, 3, {[ALU] = 1}, s, d};
    default: return (cost){same ? 1 : 2, 1, {[ALU] = 1}, s, d};
  }
}

static cost cost_of(const javm_code *c, const insn *i, javm_gas_model model, int load_cycles) {
  cost k;
  int store = model == JAVM_GAS_PIPELINE ? 25 : load_cycles;
  if (cost_simple(c, i, load_cycles, store, &k)) return k;
  return i->op < 120 ? cost_reg_reg(i) : i->op < 190 ? cost_immediate(i) : cost_three(i);
}

static bool ends_block(const javm_code *c, const insn *i) { return i->op == INVALID || is_terminator(c->isa, i->op); }

typedef enum stage { DECODED, WAITING, EXECUTING, FINISHED } stage;

typedef struct entry {
  stage stage;
  int left; /* cycles */
  uint8_t units[UNIT_COUNT];
  uint32_t provides; /* registers */
  uint32_t needs;    /* entries, by their place in the buffer */
} entry;

typedef struct buffer {
  entry e[32];
  unsigned count;
  unsigned slots, starts;
  int free_units[UNIT_COUNT];
} buffer;

static void rob_decode(buffer *r, const cost *k, bool is_move) {
  entry n = {DECODED, k->latency, {0}, k->dst, 0};
  for (unsigned j = 0; j < r->count; j++)
    if (r->e[j].provides & k->src) n.needs |= 1u << j;
  for (unsigned j = 0; j < r->count; j++) {
    if (is_move && (r->e[j].provides & k->src)) r->e[j].provides |= k->dst;
    else r->e[j].provides &= ~k->dst;
  }
  r->slots -= k->slots;
  if (is_move) return;
  memcpy(n.units, k->units, sizeof n.units);
  r->e[r->count++] = n;
}

static bool rob_start_one(buffer *r) {
  for (unsigned j = 0; r->starts > 0 && j < r->count; j++) {
    entry *e = &r->e[j];
    bool ready = e->stage == WAITING;
    for (unsigned u = 0; u < UNIT_COUNT; u++) ready = ready && e->units[u] <= r->free_units[u];
    for (unsigned n = 0; n < r->count; n++)
      if (e->needs >> n & 1) ready = ready && r->e[n].left <= 0;
    if (!ready) continue;
    e->stage = EXECUTING;
    for (unsigned u = 0; u < UNIT_COUNT; u++) r->free_units[u] -= e->units[u];
    r->starts--;
    return true;
  }
  return false;
}

static void rob_end_cycle(buffer *r) {
  unsigned retired = 0;
  while (retired < r->count && r->e[retired].stage == FINISHED) retired++;
  for (unsigned j = 0; j < r->count; j++) {
    entry *e = &r->e[j];
    if (e->stage == DECODED) {
      e->stage = WAITING;
    } else if (e->stage == EXECUTING) {
      if (e->left == 0) e->stage = FINISHED;
      if (e->left == 1) {
        for (unsigned u = 0; u < UNIT_COUNT; u++) r->free_units[u] += e->units[u];
        e->provides = 0;
      }
      e->left--;
    }
  }
  r->count -= retired;
  memmove(r->e, r->e + retired, r->count * sizeof r->e[0]);
  for (unsigned j = 0; j < r->count; j++) r->e[j].needs = retired == 32 ? 0 : r->e[j].needs >> retired;
  r->slots = 4;
  r->starts = 5;
}

static uint32_t cost_pipeline(const javm_code *c, uint32_t load_cycles, uint32_t pc) {
  buffer r = {.slots = 4, .starts = 5, .free_units = {4, 4, 4, 1, 1}};
  uint64_t cycle = 0;
  bool left = true;
  for (;;) {
    if (left) {
      insn i = decode(c, pc);
      cost k = cost_of(c, &i, JAVM_GAS_PIPELINE, (int)load_cycles);
      if (k.slots <= r.slots && r.count < 32) {
        rob_decode(&r, &k, i.op == 100);
        left = !ends_block(c, &i);
        pc = i.next;
        continue;
      }
    }
    if (rob_start_one(&r)) continue;
    if (r.count == 0 && !left) break;
    rob_end_cycle(&r);
    cycle++;
  }
  return cycle > 4 ? (uint32_t)(cycle - 3) : 1;
}

static uint32_t cost_single_pass(const javm_code *c, uint32_t load_cycles, uint32_t pc) {
  uint64_t cycle = 0, decoded = 0, last = 0, ready[JAVM_REG_COUNT] = {0};
  for (bool end = false; !end;) {
    insn i = decode(c, pc);
    cost k = cost_of(c, &i, JAVM_GAS_SINGLE_PASS, (int)load_cycles);
    end = ends_block(c, &i);
    pc = i.next;
    if (decoded >= 4) cycle++, decoded = 0;
    decoded += k.slots;
    if (i.op == 100) {
      ready[i.d] = ready[i.a];
      continue;
    }
    uint64_t done = cycle;
    for (unsigned r = 0; r < JAVM_REG_COUNT; r++)
      if ((k.src >> r & 1) && ready[r] > done) done = ready[r];
    done += (uint64_t)k.latency;
    for (unsigned r = 0; r < JAVM_REG_COUNT; r++)
      if (k.dst >> r & 1) ready[r] = done;
    if (done > last) last = done;
  }
  return last > 4 ? (uint32_t)(last - 3) : 1;
}

uint32_t oracle_block_cost(const javm_code *c, javm_gas_model model, uint32_t load_cycles, uint32_t pc) {
  if (load_cycles == 0) load_cycles = 25;
  if (model == JAVM_GAS_PIPELINE) return cost_pipeline(c, load_cycles, pc);
  if (model == JAVM_GAS_SINGLE_PASS) return cost_single_pass(c, load_cycles, pc);
  uint32_t count = 0;
  for (bool end = false; !end; count++) {
    insn i = decode(c, pc);
    end = ends_block(c, &i);
    pc = i.next;
  }
  return count;
}
