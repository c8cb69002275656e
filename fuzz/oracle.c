/* See oracle.h. Section numbers are those of 1-machine.md. */
#include <string.h>

#include "oracle_decode.h"

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
  for (uint32_t k = 0; k < size; k += JAVM_PAGE_BYTES - (address + k) % JAVM_PAGE_BYTES) { /* page by page */
    if (access_of(o, (address + k) / JAVM_PAGE_BYTES) >= need) continue;
    o->fault_address = address + k;
    return false;
  }
  return true;
}

bool oracle_read(oracle *o, uint32_t address, uint8_t *to, uint32_t size) {
  if (!permitted(o, address, size, JAVM_ACCESS_READ)) return false;
  for (uint32_t k = 0, count; k < size; k += count) { /* page by page */
    uint32_t at = (address + k) % JAVM_PAGE_BYTES, left = size - k;
    count = left < JAVM_PAGE_BYTES - at ? left : (uint32_t)JAVM_PAGE_BYTES - at;
    memcpy(to + k, page_bytes(o, (address + k) / JAVM_PAGE_BYTES) + at, count);
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
