/* See oracle.h. Section numbers are those of 1-machine.md and 2-gas.md. */
#include "oracle.h"

#include <string.h>

/* ------------------------------------------------------------------------------------------------ 1.2 decoding */

typedef struct insn {
  unsigned op; /* in the numbers of the instruction set javm; INVALID */
  unsigned a, b, d;
  uint64_t x, y;
  int64_t target; /* not yet modulo 2^32 */
  uint32_t next;
} insn;

enum { INVALID = 255 };

static unsigned byte_at(const javm_code *c, uint64_t at) { return at < c->code_bytes ? c->code[at] : 0; }

static bool marked(const javm_code *c, uint64_t at) {
  return at >= c->code_bytes || (c->bitmask[at / 8] >> (at % 8)) % 2 == 1;
}

static unsigned skip_at(const javm_code *c, uint64_t pc) {
  for (unsigned j = 0; j < 25; j++)
    if (marked(c, pc + 1 + j)) return j;
  return 24;
}

static bool between(unsigned v, unsigned low, unsigned high) { return v >= low && v <= high; }

static unsigned op_of_byte(javm_isa isa, unsigned byte) {
  if (isa != JAVM_ISA_JAVM && byte == 3) return INVALID;
  if (isa == JAVM_ISA_JAM_0_7 && byte == 2) return INVALID;
  if (isa == JAVM_ISA_JAM_0_8 && byte == 111) return INVALID;
  if (isa == JAVM_ISA_JAM_0_8 && between(byte, 101, 110)) return byte + 1;
  if (byte <= 3 || byte == 10 || byte == 20 || between(byte, 30, 33) || byte == 40 || between(byte, 50, 62) ||
      between(byte, 70, 73) || between(byte, 80, 90) || between(byte, 100, 111) || between(byte, 120, 161) ||
      between(byte, 170, 175) || byte == 180 || between(byte, 190, 230))
    return byte;
  return INVALID;
}

static bool is_terminator(javm_isa isa, unsigned op) {
  if (op == 0 || op == 1 || op == 40 || op == 50 || between(op, 80, 90) || between(op, 170, 175) || op == 180)
    return true;
  return isa == JAVM_ISA_JAVM && (op == 2 || op == 3 || op == 10);
}

static uint64_t sx(uint64_t v, unsigned bits) {
  if (bits == 0) return 0;
  v <<= 64 - bits;
  uint64_t sign = v >> 63;
  v >>= 64 - bits;
  return sign && bits < 64 ? v | ~(uint64_t)0 << bits : v;
}

static int64_t s64(uint64_t v) {
  int64_t s;
  memcpy(&s, &v, sizeof s);
  return s;
}

static int clamp4(int n) { return n < 0 ? 0 : n > 4 ? 4 : n; }

static uint64_t imm(const javm_code *c, uint64_t at, int n) {
  uint64_t v = 0;
  for (int k = 0; k < n; k++) v |= (uint64_t)byte_at(c, at + (unsigned)k) << (8 * k);
  return sx(v, 8 * (unsigned)n);
}

static unsigned reg(unsigned nibble) { return nibble > 12 ? 12 : nibble; }

static insn decode(const javm_code *c, uint32_t pc) {
  insn i = {.op = INVALID};
  int l = (int)skip_at(c, pc);
  i.next = pc + 1 + (uint32_t)l;
  if (!marked(c, pc)) return i;
  unsigned op = i.op = op_of_byte(c->isa, byte_at(c, pc));
  uint64_t p = pc;
  unsigned b1 = byte_at(c, p + 1), b2 = byte_at(c, p + 2);
  i.a = reg(b1 % 16);
  i.b = reg(b1 / 16);
  i.d = reg(b2 % 16);
  if (op == 10) i.x = imm(c, p + 1, clamp4(l));
  if (op == 20) i.x = imm(c, p + 2, 8);
  if (op == 40) i.target = pc + s64(imm(c, p + 1, clamp4(l)));
  if (between(op, 30, 33)) {
    int lx = clamp4((int)(b1 % 8));
    i.x = imm(c, p + 2, lx);
    i.y = imm(c, p + 2 + (unsigned)lx, clamp4(l - lx - 1));
  }
  if (between(op, 50, 62) || between(op, 120, 161)) i.x = imm(c, p + 2, clamp4(l - 1));
  if (between(op, 70, 73) || between(op, 80, 90)) {
    int lx = clamp4((int)(b1 / 16 % 8));
    i.x = imm(c, p + 2, lx);
    i.y = imm(c, p + 2 + (unsigned)lx, clamp4(l - lx - 1));
    if (op >= 80) i.target = pc + s64(i.y);
  }
  if (between(op, 100, 111)) {
    i.d = reg(b1 % 16);
    i.a = reg(b1 / 16);
  }
  if (between(op, 170, 175)) i.target = pc + s64(imm(c, p + 2, clamp4(l - 1)));
  if (op == 180) {
    int lx = clamp4((int)(b2 % 8));
    i.x = imm(c, p + 3, lx);
    i.y = imm(c, p + 3 + (unsigned)lx, clamp4(l - lx - 2));
  }
  return i;
}

bool oracle_is_block_start(const javm_code *c, uint32_t pc) {
  if (pc >= c->code_bytes || !marked(c, pc)) return false;
  if (pc == 0) return true;
  for (uint32_t back = 1; back <= 25 && back <= pc; back++) {
    uint32_t at = pc - back;
    if (marked(c, at) && at + 1 + skip_at(c, at) == pc && is_terminator(c->isa, op_of_byte(c->isa, c->code[at])))
      return true;
  }
  return false;
}

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

/* --------------------------------------------------------------------------------------------------- 1.6 memory */

static const oracle_region *region_of(const oracle *o, uint32_t page) {
  for (unsigned n = o->region_count; n > 0; n--) {
    const oracle_region *r = &o->regions[n - 1];
    if (page >= r->first && page - r->first < r->count) return r;
  }
  return NULL;
}

static javm_access access_of(const oracle *o, uint32_t page) {
  const oracle_region *r = region_of(o, page);
  if (!r) return JAVM_ACCESS_NONE;
  if (r->is_heap) return (uint64_t)page * JAVM_PAGE_BYTES < o->heap_end ? JAVM_ACCESS_WRITE : JAVM_ACCESS_NONE;
  return r->access;
}

static oracle_own_page *own_page(oracle *o, uint32_t page) {
  for (unsigned n = 0; n < o->own_count; n++)
    if (o->own[n].page == page) return &o->own[n];
  return NULL;
}

static const uint8_t *page_bytes(oracle *o, uint32_t page) {
  static const uint8_t zeros[JAVM_PAGE_BYTES];
  const oracle_own_page *own = own_page(o, page);
  if (own) return own->bytes;
  const oracle_region *r = region_of(o, page);
  if (!r || !r->content || page - r->first >= r->content_pages) return zeros;
  return r->content + (page - r->first) * JAVM_PAGE_BYTES;
}

static void store_byte(oracle *o, uint32_t address, uint8_t value) {
  uint32_t page = address / JAVM_PAGE_BYTES;
  oracle_own_page *own = own_page(o, page);
  if (!own) {
    if (o->own_count == ORACLE_OWN_PAGES_MAX) {
      o->overflow = true;
      return;
    }
    own = &o->own[o->own_count];
    memcpy(own->bytes, page_bytes(o, page), JAVM_PAGE_BYTES);
    own->page = page;
    own->dirty = false;
    o->own_count++;
  }
  own->bytes[address % JAVM_PAGE_BYTES] = value;
  if (access_of(o, page) == JAVM_ACCESS_WRITE) own->dirty = true;
}

static bool permitted(oracle *o, uint32_t address, uint32_t size, javm_access need) {
  for (uint32_t k = 0; k < size; k++) { /* one look per page */
    if (k > 0 && (address + k) % JAVM_PAGE_BYTES != 0) continue;
    if (access_of(o, (address + k) / JAVM_PAGE_BYTES) >= need) continue;
    o->fault_address = address + k;
    return false;
  }
  return true;
}

bool oracle_read(oracle *o, uint32_t address, uint8_t *to, uint32_t size) {
  if (!permitted(o, address, size, JAVM_ACCESS_READ)) return false;
  const uint8_t *page = NULL;
  for (uint32_t k = 0; k < size; k++) {
    if (!page || (address + k) % JAVM_PAGE_BYTES == 0) page = page_bytes(o, (address + k) / JAVM_PAGE_BYTES);
    to[k] = page[(address + k) % JAVM_PAGE_BYTES];
  }
  return true;
}

bool oracle_write(oracle *o, uint32_t address, const uint8_t *from, uint32_t size, bool as_host) {
  if (!permitted(o, address, size, as_host ? JAVM_ACCESS_READ : JAVM_ACCESS_WRITE)) return false;
  for (uint32_t k = 0; k < size; k++) store_byte(o, address + k, from[k]);
  return true;
}

void oracle_forget(oracle *o, uint32_t first_page, uint32_t page_count) {
  for (unsigned n = o->own_count; n > 0; n--)
    if (o->own[n - 1].page - first_page < page_count) o->own[n - 1] = o->own[--o->own_count];
}

uint64_t oracle_sbrk(oracle *o, uint64_t bytes) {
  if (o->heap_end == 0) return 0;
  uint64_t end = o->heap_end;
  if (bytes > o->heap_limit - end) return 0;
  o->heap_end += bytes;
  return end;
}

uint32_t oracle_accessible_pages(const oracle *o) {
  uint32_t count = 0;
  for (unsigned n = 0; n < o->region_count; n++)
    for (uint32_t k = 0; k < o->regions[n].count; k++) {
      uint32_t page = o->regions[n].first + k;
      if (region_of(o, page) == &o->regions[n] && access_of(o, page) != JAVM_ACCESS_NONE) count++;
    }
  return count;
}

/* --------------------------------------------------------------------------------------------- 1.3 instructions */

static uint64_t sx32(uint64_t v) { return sx(v, 32); }

/* Arithmetic shift right of a number of `bits` bits. */
static uint64_t shar(uint64_t v, unsigned by, unsigned bits) {
  v = sx(v, bits);
  uint64_t sign = v >> 63 ? ~(uint64_t)0 : 0;
  return by == 0 ? v : v >> by | sign << (64 - by);
}

static uint64_t ror(uint64_t v, uint64_t by, unsigned bits) {
  for (by %= bits; by > 0; by--) v = v >> 1 | (v & 1) << (bits - 1);
  return v;
}

static unsigned popcount(uint64_t v) {
  unsigned n = 0;
  for (; v; v >>= 1) n += v & 1;
  return n;
}
static unsigned leading_zeros(uint64_t v, unsigned bits) {
  unsigned n = 0;
  while (n < bits && !(v >> (bits - 1 - n) & 1)) n++;
  return n;
}
static unsigned trailing_zeros(uint64_t v, unsigned bits) {
  unsigned n = 0;
  while (n < bits && !(v >> n & 1)) n++;
  return n;
}

static uint64_t magnitude(uint64_t v) { return v >> 63 ? 0 - v : v; }

/* High half of the product, by schoolbook on 32-bit digits. */
static uint64_t mul_upper(uint64_t a, uint64_t b) {
  uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
  uint64_t low = al * bl, m1 = ah * bl + (low >> 32), m2 = al * bh + (uint32_t)m1;
  return ah * bh + (m1 >> 32) + (m2 >> 32);
}

/* Operands extended to 64 bits by their sign (or not): then one division serves both widths. */
static uint64_t divide(uint64_t a, uint64_t b, bool is_signed, bool remainder) {
  if (b == 0) return remainder ? a : ~(uint64_t)0;
  if (!is_signed) return remainder ? a % b : a / b;
  uint64_t q = magnitude(a) / magnitude(b), r = magnitude(a) % magnitude(b);
  if (remainder) return a >> 63 ? 0 - r : r;
  return (a ^ b) >> 63 ? 0 - q : q;
}

static uint64_t reverse(uint64_t v) {
  uint64_t r = 0;
  for (int k = 0; k < 8; k++) r = r << 8 | (v >> (8 * k) & 255);
  return r;
}

static uint64_t do_reg_reg(unsigned op, uint64_t a) {
  uint64_t u = (uint32_t)a;
  switch (op) {
    case 100: return a;
    case 102: return popcount(a);
    case 103: return popcount(u);
    case 104: return leading_zeros(a, 64);
    case 105: return leading_zeros(u, 32);
    case 106: return trailing_zeros(a, 64);
    case 107: return trailing_zeros(u, 32);
    case 108: return sx(a, 8);
    case 109: return sx(a, 16);
    case 110: return a & 0xffff;
    case 111: return reverse(a);
    default: __builtin_trap();
  }
}

/* d: the destination's old value, b the source, x the immediate. */
static uint64_t do_immediate(unsigned op, uint64_t d, uint64_t b, uint64_t x) {
  switch (op) {
    case 131: return sx32(b + x);
    case 132: return b & x;
    case 133: return b ^ x;
    case 134: return b | x;
    case 135: return sx32(b * x);
    case 136: return b < x;
    case 137: return s64(b) < s64(x);
    case 138: return sx32((uint64_t)(uint32_t)b << x % 32);
    case 139: return sx32((uint32_t)b >> x % 32);
    case 140: return shar(b, x % 32, 32);
    case 141: return sx32(x - b);
    case 142: return b > x;
    case 143: return s64(b) > s64(x);
    case 144: return sx32((uint64_t)(uint32_t)x << b % 32);
    case 145: return sx32((uint32_t)x >> b % 32);
    case 146: return shar(x, b % 32, 32);
    case 147: return b == 0 ? x : d;
    case 148: return b != 0 ? x : d;
    case 149: return b + x;
    case 150: return b * x;
    case 151: return b << x % 64;
    case 152: return b >> x % 64;
    case 153: return shar(b, x % 64, 64);
    case 154: return x - b;
    case 155: return x << b % 64;
    case 156: return x >> b % 64;
    case 157: return shar(x, b % 64, 64);
    case 158: return ror(b, x, 64);
    case 159: return ror(x, b, 64);
    case 160: return sx32(ror((uint32_t)b, x, 32));
    case 161: return sx32(ror((uint32_t)x, b, 32));
    default: __builtin_trap();
  }
}

static uint64_t do_three(unsigned op, uint64_t a, uint64_t b, uint64_t d) {
  uint32_t ua = (uint32_t)a, ub = (uint32_t)b;
  switch (op) {
    case 190: return sx32(a + b);
    case 191: return sx32(a - b);
    case 192: return sx32(a * b);
    case 193: return sx32(divide(ua, ub, false, false));
    case 194: return sx32(divide(sx32(a), sx32(b), true, false));
    case 195: return sx32(divide(ua, ub, false, true));
    case 196: return sx32(divide(sx32(a), sx32(b), true, true));
    case 197: return sx32((uint64_t)ua << b % 32);
    case 198: return sx32(ua >> b % 32);
    case 199: return shar(a, b % 32, 32);
    case 200: return a + b;
    case 201: return a - b;
    case 202: return a * b;
    case 203: return divide(a, b, false, false);
    case 204: return divide(a, b, true, false);
    case 205: return divide(a, b, false, true);
    case 206: return divide(a, b, true, true);
    case 207: return a << b % 64;
    case 208: return a >> b % 64;
    case 209: return shar(a, b % 64, 64);
    case 210: return a & b;
    case 211: return a ^ b;
    case 212: return a | b;
    case 213: return mul_upper(a, b) - (a >> 63 ? b : 0) - (b >> 63 ? a : 0);
    case 214: return mul_upper(a, b);
    case 215: return mul_upper(a, b) - (a >> 63 ? b : 0);
    case 216: return a < b;
    case 217: return s64(a) < s64(b);
    case 218: return b == 0 ? a : d;
    case 219: return b != 0 ? a : d;
    case 220: return ror(a, 64 - b % 64, 64);
    case 221: return sx32(ror(ua, 32 - b % 32, 32));
    case 222: return ror(a, b, 64);
    case 223: return sx32(ror(ua, b, 32));
    case 224: return a & ~b;
    case 225: return a | ~b;
    case 226: return ~(a ^ b);
    case 227: return s64(a) > s64(b) ? a : b;
    case 228: return a > b ? a : b;
    case 229: return s64(a) < s64(b) ? a : b;
    case 230: return a < b ? a : b;
    default: __builtin_trap();
  }
}

/* n: 0..9 as the branches with an immediate are ordered. */
static bool compare(unsigned n, uint64_t a, uint64_t x) {
  switch (n) {
    case 0: return a == x;
    case 1: return a != x;
    case 2: return a < x;
    case 3: return a <= x;
    case 4: return a >= x;
    case 5: return a > x;
    case 6: return s64(a) < s64(x);
    case 7: return s64(a) <= s64(x);
    case 8: return s64(a) >= s64(x);
    default: return s64(a) > s64(x);
  }
}

/* -------------------------------------------------------------------------------------------- 1.4, 1.5 running */

/* What one instruction came to. GO_ON: *next says where. */
typedef enum outcome { GO_ON, HALT, TRAP, PANIC, FAULT, ECALL } outcome;

static outcome go(const oracle *o, uint32_t target, uint32_t *next) {
  if (!oracle_is_block_start(&o->code, target)) return PANIC;
  *next = target;
  return GO_ON;
}

static outcome djump(const oracle *o, uint32_t a, uint32_t *next) {
  if (a == 0xffff0000u) return HALT;
  if (a == 0 || a % 2 == 1 || a / 2 > o->code.jump_count) return PANIC;
  return go(o, o->code.jump_table[a / 2 - 1], next);
}

static outcome load(oracle *o, uint64_t address, unsigned which, unsigned r) {
  static const unsigned size[] = {1, 1, 2, 2, 4, 4, 8};
  uint8_t bytes[8];
  if (!oracle_read(o, (uint32_t)address, bytes, size[which])) return FAULT;
  uint64_t v = 0;
  for (unsigned k = 0; k < size[which]; k++) v |= (uint64_t)bytes[k] << (8 * k);
  o->regs[r] = which % 2 == 1 ? sx(v, 8 * size[which]) : v;
  return GO_ON;
}

static outcome store(oracle *o, uint64_t address, unsigned size_log, uint64_t value) {
  uint8_t bytes[8];
  for (unsigned k = 0; k < 8; k++) bytes[k] = (uint8_t)(value >> (8 * k));
  return oracle_write(o, (uint32_t)address, bytes, 1u << size_log, false) ? GO_ON : FAULT;
}

static outcome execute(oracle *o, const insn *i, uint32_t *next) {
  unsigned op = i->op;
  uint64_t *r = o->regs;
  static const unsigned two_reg_branches[] = {0, 1, 2, 6, 4, 8};
  if (op == INVALID) return PANIC;
  if (op == 0) return TRAP;
  if (op <= 2) return GO_ON;
  if (op == 3 || op == 10) return ECALL;
  if (op == 20 || op == 51) return r[i->a] = i->x, GO_ON;
  if (between(op, 30, 33)) return store(o, i->x, op - 30, i->y);
  if (op == 40) return go(o, (uint32_t)i->target, next);
  if (op == 50) return djump(o, (uint32_t)(r[i->a] + i->x), next);
  if (between(op, 52, 58)) return load(o, i->x, op - 52, i->a);
  if (between(op, 59, 62)) return store(o, i->x, op - 59, r[i->a]);
  if (between(op, 70, 73)) return store(o, r[i->a] + i->x, op - 70, i->y);
  if (op == 80) return r[i->a] = i->x, go(o, (uint32_t)i->target, next);
  if (between(op, 81, 90)) return compare(op - 81, r[i->a], i->x) ? go(o, (uint32_t)i->target, next) : GO_ON;
  if (op == 101) return r[i->d] = oracle_sbrk(o, r[i->a]), GO_ON;
  if (between(op, 100, 111)) return r[i->d] = do_reg_reg(op, r[i->a]), GO_ON;
  if (between(op, 120, 123)) return store(o, r[i->b] + i->x, op - 120, r[i->a]);
  if (between(op, 124, 130)) return load(o, r[i->b] + i->x, op - 124, i->a);
  if (between(op, 131, 161)) return r[i->a] = do_immediate(op, r[i->a], r[i->b], i->x), GO_ON;
  if (between(op, 170, 175))
    return compare(two_reg_branches[op - 170], r[i->a], r[i->b]) ? go(o, (uint32_t)i->target, next) : GO_ON;
  if (op == 180) {
    uint32_t a = (uint32_t)(r[i->b] + i->y);
    r[i->a] = i->x;
    return djump(o, a, next);
  }
  r[i->d] = do_three(op, r[i->a], r[i->b], r[i->d]);
  return GO_ON;
}

/* Charges what entering pc costs; false: not enough gas. */
static bool pay(oracle *o) {
  uint32_t cost = 1;
  if (o->gas_model != JAVM_GAS_INSTRUCTION) {
    bool known = o->pc <= o->code.code_bytes;
    cost = known && o->costs[o->pc] ? o->costs[o->pc] - 1
                                    : oracle_block_cost(&o->code, o->gas_model, o->load_cycles, o->pc);
    if (known) o->costs[o->pc] = cost + 1;
  }
  if (o->gas < cost) return false;
  o->gas -= cost;
  o->paid = true;
  return true;
}

/* True: go on. */
static bool do_ecall(oracle *o, const insn *i, oracle_ecall_fn handler, void *ctx, javm_exit *exit) {
  javm_ecall_kind kind = i->op == 3 ? JAVM_ECALL : JAVM_ECALLI;
  bool blocks = o->gas_model != JAVM_GAS_INSTRUCTION;
  uint32_t pc = o->pc;
  o->pc = i->next;
  o->paid = blocks && o->code.isa != JAVM_ISA_JAVM;
  javm_ecall_action action = handler ? handler(ctx, o, kind, (uint32_t)i->x) : JAVM_ECALL_LEAVE;
  if (action == JAVM_ECALL_CONTINUE) return true;
  if (action == JAVM_ECALL_HALT) exit->kind = JAVM_EXIT_HALT;
  if (action == JAVM_ECALL_LEAVE) {
    exit->kind = kind == JAVM_ECALL ? JAVM_EXIT_ECALL : JAVM_EXIT_HOST_CALL;
    exit->number = (uint32_t)i->x;
  }
  if (action == JAVM_ECALL_REFUSE || action == JAVM_ECALL_FAIL) {
    exit->kind = JAVM_EXIT_TRAP;
    o->pc = pc;
    o->paid = blocks;
  }
  if (action == JAVM_ECALL_FAIL) { /* as if the instruction had not been reached */
    *exit = (javm_exit){.kind = JAVM_EXIT_ERROR, .status = JAVM_OUT_OF_MEMORY};
    if (!blocks) o->gas++;
    o->instructions--;
  }
  return false;
}

javm_exit oracle_run(oracle *o, oracle_ecall_fn handler, void *ctx, uint64_t limit, bool *limit_reached) {
  javm_exit exit = {0};
  uint64_t start = o->instructions;
  *limit_reached = false;
  for (;;) {
    if (o->instructions - start >= limit || o->overflow) {
      *limit_reached = true;
      return exit;
    }
    if (!o->paid && !pay(o)) {
      exit.kind = JAVM_EXIT_OUT_OF_GAS;
      return exit;
    }
    insn i = decode(&o->code, o->pc);
    uint32_t next = i.next;
    outcome out = execute(o, &i, &next);
    o->instructions++;
    if (out == GO_ON) {
      o->pc = next;
      if (o->gas_model == JAVM_GAS_INSTRUCTION || is_terminator(o->code.isa, i.op)) o->paid = false;
      continue;
    }
    if (out == ECALL) {
      if (do_ecall(o, &i, handler, ctx, &exit)) continue;
      return exit;
    }
    o->paid = o->gas_model != JAVM_GAS_INSTRUCTION;
    exit.kind = out == HALT ? JAVM_EXIT_HALT : out == TRAP ? JAVM_EXIT_TRAP : JAVM_EXIT_PANIC;
    if (out == FAULT && (o->code.isa == JAVM_ISA_JAVM || o->fault_address >= 1u << 16)) {
      exit.kind = JAVM_EXIT_PAGE_FAULT;
      exit.address = o->fault_address / JAVM_PAGE_BYTES * JAVM_PAGE_BYTES;
    }
    return exit;
  }
}
