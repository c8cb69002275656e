/* The simulator's instructions, in the order of the RISC-V unprivileged manual: I, M, A, C, Zbb, and our own. */
#include <stdlib.h>
#include <string.h>

#include "rv_sim.h"

enum { PAGE = 4096 };
__extension__ typedef __int128 i128;
__extension__ typedef unsigned __int128 u128;

/* ------------------------------------------------------------------------------------------------------- helpers */

static uint32_t bits(uint32_t word, unsigned high, unsigned low) { return word >> low & ((2u << (high - low)) - 1); }

/* The low `width` bits of value, as a signed number. */
static uint64_t sext(uint64_t value, unsigned width) {
  uint64_t sign = UINT64_C(1) << (width - 1);
  value &= sign | (sign - 1);
  return (value ^ sign) - sign;
}

static void end(rv_sim *sim, rv_sim_exit_kind kind) {
  if (sim->ended) return;
  sim->ended = true;
  sim->end.kind = kind;
}

static void illegal(rv_sim *sim) { end(sim, RV_SIM_ILLEGAL); }

static bool is_register(unsigned r) { return r < 16 && r != 3 && r != 4; }

static uint64_t get(rv_sim *sim, unsigned r) {
  if (!is_register(r)) return illegal(sim), 0;
  return sim->x[r];
}

static void set(rv_sim *sim, unsigned r, uint64_t value) {
  if (!is_register(r)) illegal(sim);
  else if (r != 0 && !sim->ended) sim->x[r] = value;
}

/* May `bytes` bytes at the address be accessed? Ends the run if not. */
static bool allowed(rv_sim *sim, uint32_t address, unsigned bytes, unsigned access) {
  uint32_t last = address + bytes - 1;
  if (sim->access[address / PAGE] & access && sim->access[last / PAGE] & access) return !sim->ended;
  if (!sim->ended) sim->end.address = address;
  end(sim, access == RV_SIM_EXECUTE ? RV_SIM_BAD_JUMP : RV_SIM_FAULT);
  return false;
}

static uint64_t load(rv_sim *sim, uint64_t address, unsigned bytes) {
  uint64_t value = 0;
  if (!allowed(sim, (uint32_t)address, bytes, RV_SIM_READ)) return 0;
  for (unsigned i = 0; i < bytes; i++) value |= (uint64_t)sim->memory[(uint32_t)(address + i)] << 8 * i;
  return value;
}

static void store(rv_sim *sim, uint64_t address, unsigned bytes, uint64_t value) {
  if (!allowed(sim, (uint32_t)address, bytes, RV_SIM_WRITE)) return;
  for (unsigned i = 0; i < bytes; i++) sim->memory[(uint32_t)(address + i)] = (uint8_t)(value >> 8 * i);
}

/* To the target, whose lowest bit does not count. */
static void jump(rv_sim *sim, uint64_t target) {
  if (sim->ended) return;
  sim->pc = (uint32_t)target & ~1u;
  if (sim->pc == RV_SIM_RETURN_ADDRESS) end(sim, RV_SIM_RETURNED);
}

/* ----------------------------------------------------------------------------------------------------- operations */

static void write_operation(rv_sim *sim) {
  uint64_t fd = sim->x[10], address = sim->x[11], length = sim->x[12];
  if (fd != 1 && fd != 2) {
    sim->x[10] = UINT64_MAX;
    return;
  }
  for (uint64_t i = 0; i < length; i++) {
    if (!allowed(sim, (uint32_t)(address + i), 1, RV_SIM_READ)) return;
    if (sim->output_bytes == sim->output_capacity) {
      sim->output_capacity = sim->output_capacity * 2 + 256;
      uint8_t *grown = realloc(sim->output, sim->output_capacity);
      if (!grown) abort();
      sim->output = grown;
    }
    sim->output[sim->output_bytes++] = sim->memory[(uint32_t)(address + i)];
  }
  sim->x[10] = length;
}

static void operation(rv_sim *sim, uint64_t number) {
  if (number == 0) end(sim, RV_SIM_RETURNED);
  else if (number == 64) write_operation(sim);
  else if (!sim->operation || !sim->operation(sim->ctx, sim, number)) end(sim, RV_SIM_TRAP);
}

/* Grows the heap by `bytes` and gives its old end, or 0 if there is no room. Whole pages become accessible. */
static uint64_t grow_heap(rv_sim *sim, uint64_t bytes) {
  uint32_t old = sim->heap_end;
  if (bytes > sim->heap_limit - old) return 0;
  sim->heap_end += (uint32_t)bytes;
  for (uint32_t page = old / PAGE; page < (sim->heap_end + PAGE - 1) / PAGE; page++) {
    sim->access[page] |= RV_SIM_READ | RV_SIM_WRITE;
  }
  return old;
}

/* ----------------------------------------------------------------------------------- register arithmetic */

static uint64_t rotate_left(uint64_t value, unsigned by, unsigned width) {
  uint64_t mask = width == 64 ? UINT64_MAX : UINT32_MAX;
  value &= mask;
  by %= width;
  return by == 0 ? value : (value << by | value >> (width - by)) & mask;
}

static unsigned leading_zeros(uint64_t value, unsigned width) {
  unsigned n = 0;
  while (n < width && !(value >> (width - 1 - n) & 1)) n++;
  return n;
}

static unsigned trailing_zeros(uint64_t value, unsigned width) {
  unsigned n = 0;
  while (n < width && !(value >> n & 1)) n++;
  return n;
}

static unsigned ones(uint64_t value) {
  unsigned n = 0;
  for (unsigned i = 0; i < 64; i++) n += value >> i & 1;
  return n;
}

static uint64_t divide(uint64_t a, uint64_t b, bool is_signed, bool remainder) {
  if (b == 0) return remainder ? a : UINT64_MAX;
  if (!is_signed) return remainder ? a % b : a / b;
  if (a == UINT64_C(1) << 63 && b == UINT64_MAX) return remainder ? 0 : a;
  return (uint64_t)(remainder ? (int64_t)a % (int64_t)b : (int64_t)a / (int64_t)b);
}

static uint64_t multiply_divide(unsigned funct3, uint64_t a, uint64_t b) {
  switch (funct3) {
    case 0: return a * b;
    case 1: return (uint64_t)((u128)((i128)(int64_t)a * (i128)(int64_t)b) >> 64);
    case 2: return (uint64_t)((u128)((i128)(int64_t)a * (i128)b) >> 64);
    case 3: return (uint64_t)((u128)a * b >> 64);
    case 4: return divide(a, b, true, false);
    case 5: return divide(a, b, false, false);
    case 6: return divide(a, b, true, true);
    default: return divide(a, b, false, true);
  }
}

/* OP: funct7 and funct3 choose. */
static uint64_t op(rv_sim *sim, unsigned funct7, unsigned funct3, uint64_t a, uint64_t b) {
  unsigned by = b & 63;
  switch (funct7 << 3 | funct3) {
    case 0x00 << 3 | 0: return a + b;
    case 0x20 << 3 | 0: return a - b;
    case 0x00 << 3 | 1: return a << by;
    case 0x00 << 3 | 2: return (int64_t)a < (int64_t)b;
    case 0x00 << 3 | 3: return a < b;
    case 0x00 << 3 | 4: return a ^ b;
    case 0x00 << 3 | 5: return a >> by;
    case 0x20 << 3 | 5: return sext(a >> by, 64 - by);
    case 0x00 << 3 | 6: return a | b;
    case 0x00 << 3 | 7: return a & b;
    /* Zbb */
    case 0x20 << 3 | 4: return ~(a ^ b);
    case 0x20 << 3 | 6: return a | ~b;
    case 0x20 << 3 | 7: return a & ~b;
    case 0x05 << 3 | 4: return (int64_t)a < (int64_t)b ? a : b;
    case 0x05 << 3 | 5: return a < b ? a : b;
    case 0x05 << 3 | 6: return (int64_t)a < (int64_t)b ? b : a;
    case 0x05 << 3 | 7: return a < b ? b : a;
    case 0x30 << 3 | 1: return rotate_left(a, by, 64);
    case 0x30 << 3 | 5: return rotate_left(a, 64 - by, 64);
    default: break;
  }
  if (funct7 == 1) return multiply_divide(funct3, a, b);
  return illegal(sim), 0;
}

/* OP-32: on the low halves; the result is a sign-extended word. */
static uint64_t op32(rv_sim *sim, uint32_t word, uint64_t a, uint64_t b) {
  unsigned by = b & 31;
  uint64_t low_a = a & UINT32_MAX, signed_a = sext(a, 32), low_b = b & UINT32_MAX, signed_b = sext(b, 32);
  switch (bits(word, 31, 25) << 3 | bits(word, 14, 12)) {
    case 0x00 << 3 | 0: return sext(a + b, 32);
    case 0x20 << 3 | 0: return sext(a - b, 32);
    case 0x00 << 3 | 1: return sext(a << by, 32);
    case 0x00 << 3 | 5: return sext(low_a >> by, 32);
    case 0x20 << 3 | 5: return sext(signed_a >> by, 32);
    case 0x01 << 3 | 0: return sext(a * b, 32);
    case 0x01 << 3 | 4: return sext(divide(signed_a, signed_b, true, false), 32);
    case 0x01 << 3 | 5: return sext(divide(low_a, low_b, false, false), 32);
    case 0x01 << 3 | 6: return sext(divide(signed_a, signed_b, true, true), 32);
    case 0x01 << 3 | 7: return sext(divide(low_a, low_b, false, true), 32);
    case 0x30 << 3 | 1: return sext(rotate_left(a, by, 32), 32);
    case 0x30 << 3 | 5: return sext(rotate_left(a, 32 - by, 32), 32);
    case 0x04 << 3 | 4:
      if (bits(word, 24, 20) == 0) return a & 0xffff; /* zext.h */
      break;
    default: break;
  }
  return illegal(sim), 0;
}

/* OP-IMM's shifts and the one-operand instructions that share their encodings. */
static uint64_t shift_immediate(rv_sim *sim, uint32_t word, uint64_t a) {
  unsigned by = bits(word, 25, 20), upper = bits(word, 31, 26), funct12 = bits(word, 31, 20);
  uint64_t r = 0;
  if (bits(word, 14, 12) == 1) {
    switch (funct12) {
      case 0x600: return leading_zeros(a, 64);
      case 0x601: return trailing_zeros(a, 64);
      case 0x602: return ones(a);
      case 0x604: return sext(a, 8);
      case 0x605: return sext(a, 16);
      default: break;
    }
    if (upper == 0) return a << by;
    return illegal(sim), 0;
  }
  if (funct12 == 0x287) { /* orc.b */
    for (unsigned i = 0; i < 64; i += 8) r |= a >> i & 0xff ? UINT64_C(0xff) << i : 0;
    return r;
  }
  if (funct12 == 0x6b8) { /* rev8 */
    for (unsigned i = 0; i < 64; i += 8) r |= (a >> i & 0xff) << (56 - i);
    return r;
  }
  if (upper == 0x00) return a >> by;
  if (upper == 0x10) return sext(a >> by, 64 - by);
  if (upper == 0x18) return rotate_left(a, 64 - by, 64);
  return illegal(sim), 0;
}

static uint64_t op_immediate(rv_sim *sim, uint32_t word, uint64_t a) {
  uint64_t imm = sext(bits(word, 31, 20), 12);
  unsigned funct3 = bits(word, 14, 12);
  return funct3 == 1 || funct3 == 5 ? shift_immediate(sim, word, a) : op(sim, 0, funct3, a, imm);
}

static uint64_t op_immediate32(rv_sim *sim, uint32_t word, uint64_t a) {
  unsigned by = bits(word, 24, 20), funct7 = bits(word, 31, 25);
  switch (bits(word, 14, 12)) {
    case 0: return sext(a + sext(bits(word, 31, 20), 12), 32);
    case 1:
      if (funct7 == 0) return sext(a << by, 32);
      if (funct7 != 0x30) break;
      if (by == 0) return leading_zeros(a & UINT32_MAX, 32);
      if (by == 1) return trailing_zeros(a & UINT32_MAX, 32);
      if (by == 2) return ones(a & UINT32_MAX);
      break;
    case 5:
      if (funct7 == 0x00) return sext((a & UINT32_MAX) >> by, 32);
      if (funct7 == 0x20) return sext(sext(a, 32) >> by, 32);
      if (funct7 == 0x30) return sext(rotate_left(a, 32 - by, 32), 32);
      break;
    default: break;
  }
  return illegal(sim), 0;
}

/* ----------------------------------------------------------------------------------- other 32-bit forms */

static void load_instruction(rv_sim *sim, uint32_t word) {
  unsigned funct3 = bits(word, 14, 12), bytes = 1u << (funct3 & 3);
  if (funct3 == 7) {
    illegal(sim);
    return;
  }
  uint64_t value = load(sim, get(sim, bits(word, 19, 15)) + sext(bits(word, 31, 20), 12), bytes);
  set(sim, bits(word, 11, 7), funct3 & 4 ? value : sext(value, 8 * bytes));
}

static void store_instruction(rv_sim *sim, uint32_t word) {
  unsigned funct3 = bits(word, 14, 12);
  uint64_t address = get(sim, bits(word, 19, 15)) + sext(bits(word, 31, 25) << 5 | bits(word, 11, 7), 12);
  if (funct3 > 3) illegal(sim);
  else store(sim, address, 1u << funct3, get(sim, bits(word, 24, 20)));
}

static void branch_instruction(rv_sim *sim, uint32_t word, uint32_t pc) {
  uint64_t a = get(sim, bits(word, 19, 15)), b = get(sim, bits(word, 24, 20));
  uint32_t offset =
      bits(word, 31, 31) << 12 | bits(word, 7, 7) << 11 | bits(word, 30, 25) << 5 | bits(word, 11, 8) << 1;
  bool taken = false;
  switch (bits(word, 14, 12)) {
    case 0: taken = a == b; break;
    case 1: taken = a != b; break;
    case 4: taken = (int64_t)a < (int64_t)b; break;
    case 5: taken = (int64_t)a >= (int64_t)b; break;
    case 6: taken = a < b; break;
    case 7: taken = a >= b; break;
    default: illegal(sim); break;
  }
  if (taken) jump(sim, pc + sext(offset, 13));
}

static void atomic_instruction(rv_sim *sim, uint32_t word) {
  unsigned funct5 = bits(word, 31, 27), bytes = 1u << bits(word, 14, 12), rd = bits(word, 11, 7),
           rs2 = bits(word, 24, 20);
  uint64_t address = get(sim, bits(word, 19, 15)), b = get(sim, rs2), mask = bytes == 4 ? UINT32_MAX : UINT64_MAX;
  if ((bytes != 4 && bytes != 8) || (funct5 == 2 && rs2 != 0)) {
    illegal(sim);
    return;
  }
  if (funct5 == 3) { /* sc */
    bool holds = sim->has_reservation && sim->reservation == (uint32_t)address;
    sim->has_reservation = false;
    if (holds) store(sim, address, bytes, b);
    set(sim, rd, !holds);
    return;
  }
  uint64_t old = sext(load(sim, address, bytes), 8 * bytes), r = 0;
  int64_t signed_b = (int64_t)sext(b, 8 * bytes);
  switch (funct5) {
    case 2:
      sim->has_reservation = true;
      sim->reservation = (uint32_t)address;
      set(sim, rd, old);
      return;
    case 0: r = old + b; break;
    case 1: r = b; break;
    case 4: r = old ^ b; break;
    case 8: r = old | b; break;
    case 12: r = old & b; break;
    case 16: r = (int64_t)old < signed_b ? old : b; break;
    case 20: r = (int64_t)old > signed_b ? old : b; break;
    case 24: r = (old & mask) < (b & mask) ? old : b; break;
    case 28: r = (old & mask) > (b & mask) ? old : b; break;
    default: illegal(sim); return;
  }
  store(sim, address, bytes, r);
  set(sim, rd, old);
}

static void system_instruction(rv_sim *sim, uint32_t word) {
  if (word == 0x00000073) operation(sim, get(sim, 14));
  else if (word == 0x00100073 || word == 0xc0001073) end(sim, RV_SIM_TRAP); /* ebreak, unimp */
  else illegal(sim);
}

/* custom-0 and custom-1: what this machine adds. */
static void own_instruction(rv_sim *sim, uint32_t word) {
  if (bits(word, 6, 0) == 0x0b) {
    if (bits(word, 11, 7) == 0) operation(sim, bits(word, 31, 12));
    else illegal(sim);
  } else if ((word & 0xfff0707f) == 0x2b) { /* sbrk */
    set(sim, bits(word, 11, 7), grow_heap(sim, get(sim, bits(word, 19, 15))));
  } else if (word != 0x102b) { /* unlikely */
    illegal(sim);
  }
}

static void step32(rv_sim *sim, uint32_t word, uint32_t pc) {
  unsigned rd = bits(word, 11, 7), rs1 = bits(word, 19, 15), rs2 = bits(word, 24, 20);
  uint64_t target;
  switch (bits(word, 6, 0)) {
    case 0x03: load_instruction(sim, word); break;
    case 0x0b:
    case 0x2b: own_instruction(sim, word); break;
    case 0x0f: /* fence, fence.i */
      if (bits(word, 14, 12) > 1) illegal(sim);
      break;
    case 0x13: set(sim, rd, op_immediate(sim, word, get(sim, rs1))); break;
    case 0x17: set(sim, rd, pc + sext(word & 0xfffff000, 32)); break;
    case 0x1b: set(sim, rd, op_immediate32(sim, word, get(sim, rs1))); break;
    case 0x23: store_instruction(sim, word); break;
    case 0x2f: atomic_instruction(sim, word); break;
    case 0x33: set(sim, rd, op(sim, bits(word, 31, 25), bits(word, 14, 12), get(sim, rs1), get(sim, rs2))); break;
    case 0x37: set(sim, rd, sext(word & 0xfffff000, 32)); break;
    case 0x3b: set(sim, rd, op32(sim, word, get(sim, rs1), get(sim, rs2))); break;
    case 0x63: branch_instruction(sim, word, pc); break;
    case 0x67:
      target = get(sim, rs1) + sext(bits(word, 31, 20), 12);
      if (bits(word, 14, 12) != 0) illegal(sim);
      set(sim, rd, pc + UINT64_C(4));
      jump(sim, target);
      break;
    case 0x6f:
      set(sim, rd, pc + UINT64_C(4));
      jump(sim, pc + sext(bits(word, 31, 31) << 20 | bits(word, 19, 12) << 12 | bits(word, 20, 20) << 11 |
                              bits(word, 30, 21) << 1,
                          21));
      break;
    case 0x73: system_instruction(sim, word); break;
    default: illegal(sim); break;
  }
}

/* ----------------------------------------------------------------------------------- compressed instructions */

/* The registers x8 to x15 in three bits. */
static unsigned low_reg(uint32_t word, unsigned low) { return 8 + bits(word, low + 2, low); }

static void step16_quadrant0(rv_sim *sim, uint32_t word) {
  unsigned rs1 = low_reg(word, 7), r = low_reg(word, 2);
  uint32_t offset4 = bits(word, 12, 10) << 3 | bits(word, 6, 6) << 2 | bits(word, 5, 5) << 6;
  uint32_t offset8 = bits(word, 12, 10) << 3 | bits(word, 6, 5) << 6;
  uint32_t stack = bits(word, 12, 11) << 4 | bits(word, 10, 7) << 6 | bits(word, 6, 6) << 2 | bits(word, 5, 5) << 3;
  switch (bits(word, 15, 13)) {
    case 0: /* c.addi4spn */
      if (word == 0) end(sim, RV_SIM_TRAP);
      else if (stack == 0) illegal(sim);
      else set(sim, r, get(sim, 2) + stack);
      break;
    case 2: set(sim, r, sext(load(sim, get(sim, rs1) + offset4, 4), 32)); break;
    case 3: set(sim, r, load(sim, get(sim, rs1) + offset8, 8)); break;
    case 6: store(sim, get(sim, rs1) + offset4, 4, get(sim, r)); break;
    case 7: store(sim, get(sim, rs1) + offset8, 8, get(sim, r)); break;
    default: illegal(sim); break;
  }
}

static uint64_t compressed_jump_offset(uint32_t word) {
  return sext(bits(word, 12, 12) << 11 | bits(word, 11, 11) << 4 | bits(word, 10, 9) << 8 | bits(word, 8, 8) << 10 |
                  bits(word, 7, 7) << 6 | bits(word, 6, 6) << 7 | bits(word, 5, 3) << 1 | bits(word, 2, 2) << 5,
              12);
}

/* c.srli, c.srai, c.andi and those of two registers. */
static void compressed_arithmetic(rv_sim *sim, uint32_t word) {
  unsigned rd = low_reg(word, 7), by = bits(word, 12, 12) << 5 | bits(word, 6, 2);
  uint64_t a = get(sim, rd), b = get(sim, low_reg(word, 2)), r = 0;
  switch (bits(word, 11, 10)) {
    case 0: r = a >> by; break;
    case 1: r = sext(a >> by, 64 - by); break;
    case 2: r = a & sext(by, 6); break;
    default:
      switch (bits(word, 12, 12) << 2 | bits(word, 6, 5)) {
        case 0: r = a - b; break;
        case 1: r = a ^ b; break;
        case 2: r = a | b; break;
        case 3: r = a & b; break;
        case 4: r = sext(a - b, 32); break;
        case 5: r = sext(a + b, 32); break;
        default: illegal(sim); break;
      }
  }
  set(sim, rd, r);
}

static void step16_quadrant1(rv_sim *sim, uint32_t word, uint32_t pc) {
  unsigned rd = bits(word, 11, 7);
  uint64_t imm = sext(bits(word, 12, 12) << 5 | bits(word, 6, 2), 6);
  uint64_t by16 = sext(bits(word, 12, 12) << 9 | bits(word, 6, 6) << 4 | bits(word, 5, 5) << 6 | bits(word, 4, 3) << 7 |
                           bits(word, 2, 2) << 5,
                       10);
  uint64_t to = sext(bits(word, 12, 12) << 8 | bits(word, 11, 10) << 3 | bits(word, 6, 5) << 6 | bits(word, 4, 3) << 1 |
                         bits(word, 2, 2) << 5,
                     9);
  switch (bits(word, 15, 13)) {
    case 0: set(sim, rd, get(sim, rd) + imm); break; /* c.addi, c.nop */
    case 1:                                          /* c.addiw */
      if (rd == 0) illegal(sim);
      set(sim, rd, sext(get(sim, rd) + imm, 32));
      break;
    case 2: set(sim, rd, imm); break;
    case 3: /* c.addi16sp, c.lui */
      if ((rd == 2 ? by16 : imm) == 0) illegal(sim);
      set(sim, rd, rd == 2 ? get(sim, 2) + by16 : imm << 12);
      break;
    case 4: compressed_arithmetic(sim, word); break;
    case 5: jump(sim, pc + compressed_jump_offset(word)); break;
    case 6:
      if (get(sim, low_reg(word, 7)) == 0) jump(sim, pc + to);
      break;
    default:
      if (get(sim, low_reg(word, 7)) != 0) jump(sim, pc + to);
      break;
  }
}

/* c.jr, c.mv, c.ebreak, c.jalr, c.add */
static void compressed_registers(rv_sim *sim, uint32_t word, uint32_t pc) {
  unsigned rd = bits(word, 11, 7), rs2 = bits(word, 6, 2);
  uint64_t a = get(sim, rd), b = get(sim, rs2);
  bool second = bits(word, 12, 12);
  if (rs2 != 0) {
    set(sim, rd, second ? a + b : b);
  } else if (rd == 0) {
    if (second) end(sim, RV_SIM_TRAP);
    else illegal(sim);
  } else {
    if (second) set(sim, 1, pc + UINT64_C(2));
    jump(sim, a);
  }
}

static void step16_quadrant2(rv_sim *sim, uint32_t word, uint32_t pc) {
  unsigned rd = bits(word, 11, 7), rs2 = bits(word, 6, 2);
  uint32_t from4 = bits(word, 12, 12) << 5 | bits(word, 6, 4) << 2 | bits(word, 3, 2) << 6;
  uint32_t from8 = bits(word, 12, 12) << 5 | bits(word, 6, 5) << 3 | bits(word, 4, 2) << 6;
  uint32_t to4 = bits(word, 12, 9) << 2 | bits(word, 8, 7) << 6;
  uint32_t to8 = bits(word, 12, 10) << 3 | bits(word, 9, 7) << 6;
  switch (bits(word, 15, 13)) {
    case 0: set(sim, rd, get(sim, rd) << (bits(word, 12, 12) << 5 | bits(word, 6, 2))); break;
    case 2:
      if (rd == 0) illegal(sim);
      set(sim, rd, sext(load(sim, get(sim, 2) + from4, 4), 32));
      break;
    case 3:
      if (rd == 0) illegal(sim);
      set(sim, rd, load(sim, get(sim, 2) + from8, 8));
      break;
    case 4: compressed_registers(sim, word, pc); break;
    case 6: store(sim, get(sim, 2) + to4, 4, get(sim, rs2)); break;
    case 7: store(sim, get(sim, 2) + to8, 8, get(sim, rs2)); break;
    default: illegal(sim); break;
  }
}

/* ---------------------------------------------------------------------------------------------------------- a step */

void rv_sim_step(rv_sim *sim) {
  uint32_t pc = sim->pc, word;
  sim->end.pc = pc;
  if (!allowed(sim, pc, 2, RV_SIM_EXECUTE)) return;
  word = sim->code[pc] | (uint32_t)sim->code[pc + 1] << 8;
  sim->instructions++;
  sim->end.word = word;
  if ((word & 3) != 3) {
    sim->pc = pc + 2;
    if ((word & 3) == 0) step16_quadrant0(sim, word);
    else if ((word & 3) == 1) step16_quadrant1(sim, word, pc);
    else step16_quadrant2(sim, word, pc);
    return;
  }
  if (!allowed(sim, pc + 2, 2, RV_SIM_EXECUTE)) return;
  word |= (uint32_t)sim->code[pc + 2] << 16 | (uint32_t)sim->code[pc + 3] << 24;
  sim->end.word = word;
  sim->pc = pc + 4;
  step32(sim, word, pc);
}
