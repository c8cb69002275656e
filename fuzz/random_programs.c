/*
 * random_programs COUNT [SEED]: makes COUNT random programs, valid and not, and runs each in the three gas models with
 * several amounts of gas (compare.h). Program n is made from SEED + n alone: after a difference, which ends the run
 * with status 1, `random_programs 1 SEED+n` does the same again.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compare.h"
#include "exec/ops.h"

enum { CODE_MAX = 1 << 16, LABELS_MAX = 4096, JUMPS_MAX = 64, FIXED_REGS = 3 };

/* A jump whose offset is filled in when the labels are known. */
typedef struct fixup {
  uint32_t insn, at;
  unsigned bytes;
} fixup;

typedef struct maker {
  rng r;
  uint8_t code[CODE_MAX];
  uint8_t bitmask[CODE_MAX / 8];
  uint32_t jumps[JUMPS_MAX];
  uint32_t size;
  uint32_t labels[LABELS_MAX]; /* offsets behind terminators */
  unsigned label_count;
  fixup fixups[LABELS_MAX];
  unsigned fixup_count;
  bool keeps_addresses; /* the first registers hold addresses and are not written */
  unsigned last;        /* register written last */
  bool in_group;        /* making instructions that the interpreter may run as one */
  fuzz_case c;
} maker;

/* ------------------------------------------------------------------------------------------------------- memory */

static void add_region(maker *m, uint32_t first, uint32_t count, javm_access access) {
  if (m->c.region_count == FUZZ_REGIONS_MAX || first + count > 1u << 20) return;
  fuzz_region *g = &m->c.regions[m->c.region_count++];
  *g = (fuzz_region){.first_page = first, .page_count = count, .access = access};
  g->pattern = (uint8_t)(rng_once_in(&m->r, 3) ? 0 : rng_below(&m->r, 16));
  g->source_pages = (uint8_t)rng_below(&m->r, count + 1 < 16 ? count + 1 : 16);
}

static javm_access some_access(rng *r) {
  uint32_t dice = rng_below(r, 8);
  return dice < 5 ? JAVM_ACCESS_WRITE : dice < 7 ? JAVM_ACCESS_READ : JAVM_ACCESS_NONE;
}

/* Regions next to one another, at the places where addresses are odd, and over one another. */
static void make_regions(maker *m) {
  static const uint32_t places[] = {0, 0xe, 0xf, 0x10, 0x20, 0x7fffe, 0x7ffff, 0x80000, 0xffffd, 0xffffe, 0xfffff};
  rng *r = &m->r;
  m->c.region_count = 0;
  add_region(m, 0x20, 1 + rng_below(r, 4), JAVM_ACCESS_WRITE);
  if (rng_once_in(r, 2)) add_region(m, 0x10, 1 + rng_below(r, 3), JAVM_ACCESS_READ);
  for (uint32_t n = rng_below(r, 5); n > 0; n--) {
    uint32_t first = places[rng_below(r, sizeof places / sizeof places[0])];
    add_region(m, first, 1 + rng_below(r, 3), some_access(r));
  }
  if (rng_once_in(r, 2)) {
    fuzz_region heap = {.first_page = 0x24, .page_count = 1 + rng_below(r, 6), .is_heap = true};
    if (rng_once_in(r, 6)) heap.first_page = 0x100000 - heap.page_count;
    uint32_t open = rng_once_in(r, 2) ? 0 : rng_below(r, heap.page_count * JAVM_PAGE_BYTES);
    heap.heap_end = heap.first_page * JAVM_PAGE_BYTES + open;
    m->c.regions[m->c.region_count++] = heap;
  }
  while (rng_once_in(r, 4)) {
    const fuzz_region *g = &m->c.regions[rng_below(r, m->c.region_count)];
    if (!g->is_heap) add_region(m, g->first_page + rng_below(r, g->page_count), 1 + rng_below(r, 2), some_access(r));
    else break;
  }
}

static uint32_t some_address(maker *m) {
  rng *r = &m->r;
  if (rng_once_in(r, 40)) return (uint32_t)rng_edge(r);
  const fuzz_region *g = &m->c.regions[!rng_once_in(r, 4) ? 0 : rng_below(r, m->c.region_count)];
  uint32_t page = g->first_page + rng_below(r, g->page_count);
  switch (rng_below(r, 24)) {
    case 0: return page * JAVM_PAGE_BYTES - 1 - rng_below(r, 9);
    case 1: return (page + 1) * JAVM_PAGE_BYTES - 1 - rng_below(r, 9);
    case 2: return g->is_heap ? g->heap_end - 8 + rng_below(r, 16) : page * JAVM_PAGE_BYTES;
    default: return page * JAVM_PAGE_BYTES + rng_below(r, JAVM_PAGE_BYTES - 8);
  }
}

/* ------------------------------------------------------------------------------------------------- instructions */

static void put(maker *m, uint64_t value, unsigned bytes) {
  for (unsigned k = 0; k < bytes && m->size < CODE_MAX; k++) m->code[m->size++] = (uint8_t)(value >> (8 * k));
}

static void start_insn(maker *m, unsigned opcode) {
  m->bitmask[m->size / 8] |= (uint8_t)(1u << m->size % 8);
  put(m, opcode, 1);
}

static unsigned any_reg(maker *m) { return rng_below(&m->r, rng_once_in(&m->r, 16) ? 16 : 13); }
static unsigned source_reg(maker *m) {
  if (rng_once_in(&m->r, m->in_group ? 2 : 5)) return m->last;
  return m->in_group && rng_once_in(&m->r, 2) ? rng_below(&m->r, FIXED_REGS) : any_reg(m);
}
static unsigned target_reg(maker *m) {
  return m->last = m->keeps_addresses ? FIXED_REGS + rng_below(&m->r, 13 - FIXED_REGS) : any_reg(m);
}
static unsigned address_reg(maker *m) {
  if (m->in_group && rng_once_in(&m->r, 4)) return m->last;
  return m->keeps_addresses && !rng_once_in(&m->r, 40) ? rng_below(&m->r, FIXED_REGS) : any_reg(m);
}

static uint64_t some_offset(maker *m) {
  if (rng_once_in(&m->r, 40)) return rng_edge(&m->r);
  if (rng_once_in(&m->r, 4)) return 0u - rng_below(&m->r, 64);
  return rng_below(&m->r, rng_once_in(&m->r, 4) ? 5000 : 64);
}

/* An immediate at the end of an instruction: any width, the shortest too. */
static void put_imm(maker *m, uint64_t value, bool whole) {
  if (m->in_group && rng_once_in(&m->r, 2)) value = rng_below(&m->r, 64);
  unsigned bytes = whole || rng_once_in(&m->r, 2) ? 4 : rng_below(&m->r, 5);
  put(m, value, bytes);
  if (bytes == 4 && rng_once_in(&m->r, 24)) put(m, rng_next(&m->r), rng_below(&m->r, 4)); /* no one reads these */
}

static void put_offset(maker *m, uint32_t insn) {
  unsigned bytes = rng_once_in(&m->r, 4) ? 1 + rng_below(&m->r, 4) : 2;
  if (m->fixup_count < LABELS_MAX) m->fixups[m->fixup_count++] = (fixup){insn, m->size, bytes};
  put(m, rng_next(&m->r), bytes);
}

/* The nibble that says how long the first of two immediates is, and that immediate's bytes. */
static unsigned some_length(maker *m, unsigned *bytes) {
  unsigned n = rng_below(&m->r, rng_once_in(&m->r, 8) ? 8 : 5);
  *bytes = n < 4 ? n : 4;
  return n | (rng_once_in(&m->r, 8) ? 8u : 0);
}

static void put_two_imm(maker *m, unsigned op) {
  unsigned lx;
  start_insn(m, op);
  if (rng_once_in(&m->r, 4)) {
    put(m, some_length(m, &lx), 1);
  } else {
    put(m, 4, 1);
    lx = 4;
  }
  put(m, some_address(m), lx);
  put_imm(m, rng_edge(&m->r), false);
}

static void put_reg_imm_imm(maker *m, unsigned op) {
  uint32_t insn = m->size;
  start_insn(m, op);
  unsigned lx, nibble = some_length(m, &lx);
  bool store = op < 80;
  put(m, (store ? address_reg(m) : op == 80 ? target_reg(m) : source_reg(m)) | nibble << 4, 1);
  put(m, store ? some_offset(m) : rng_edge(&m->r), lx);
  if (store) put_imm(m, rng_edge(&m->r), false);
  else put_offset(m, insn);
}

static void put_reg_imm(maker *m, unsigned op) {
  start_insn(m, op);
  bool memory = op >= 52, writes = op >= 51 && op <= 58;
  put(m, (writes ? target_reg(m) : source_reg(m)) | rng_below(&m->r, 16) << 4, 1);
  put_imm(m, memory || rng_once_in(&m->r, 3) ? some_address(m) : rng_edge(&m->r), memory);
}

static void put_jump_ind(maker *m, unsigned op) {
  unsigned jumps = (unsigned)m->c.code.jump_count;
  uint64_t to = 2 * (1 + rng_below(&m->r, jumps + !jumps + rng_once_in(&m->r, 8)));
  if (rng_once_in(&m->r, 20)) to = rng_once_in(&m->r, 2) ? rng_edge(&m->r) : 0xffff0000u;
  unsigned r = target_reg(m);
  if (op == 50) { /* load_imm first, so that it goes somewhere */
    start_insn(m, 51);
    put(m, r, 1);
    put(m, to, 4);
    start_insn(m, 50);
    put(m, r, 1);
    if (rng_once_in(&m->r, 4)) put_imm(m, rng_below(&m->r, 6), false);
    return;
  }
  start_insn(m, 51);
  put(m, r, 1);
  put(m, to - 2, 4);
  start_insn(m, 180);
  put(m, target_reg(m) | r << 4, 1);
  unsigned lx, nibble = some_length(m, &lx);
  put(m, nibble, 1);
  put(m, rng_edge(&m->r), lx);
  put(m, 2, 1);
}

static void put_three(maker *m, unsigned op) {
  start_insn(m, op);
  unsigned a = source_reg(m), b = source_reg(m), d = target_reg(m);
  put(m, (rng_once_in(&m->r, 4) ? d : a) | b << 4, 1);
  put(m, d | rng_below(&m->r, 16) << 4, 1);
}

/* Two registers, the second the source. */
static void put_regs(maker *m, unsigned op, bool store, bool memory) {
  start_insn(m, op);
  unsigned from = memory ? address_reg(m) : source_reg(m);
  put(m, (store ? source_reg(m) : target_reg(m)) | from << 4, 1);
}

static void put_insn(maker *m, unsigned op) {
  rng *r = &m->r;
  uint32_t insn = m->size;
  if (op <= 3) start_insn(m, op);
  else if (op == 10) start_insn(m, op), put_imm(m, rng_once_in(r, 2) ? rng_below(r, 200) : rng_edge(r), false);
  else if (op == 20) start_insn(m, op), put(m, target_reg(m), 1), put(m, rng_edge(r), rng_once_in(r, 12) ? 3 : 8);
  else if (op <= 33) put_two_imm(m, op);
  else if (op == 40) start_insn(m, op), put_offset(m, insn);
  else if (op == 50 || op == 180) put_jump_ind(m, op);
  else if (op <= 62) put_reg_imm(m, op);
  else if (op <= 90) put_reg_imm_imm(m, op);
  else if (op <= 111) put_regs(m, op, false, false);
  else if (op <= 130) put_regs(m, op, op <= 123, true), put_imm(m, some_offset(m), false);
  else if (op <= 161) put_regs(m, op, false, false), put_imm(m, rng_edge(r), false);
  else if (op <= 175) put_regs(m, op, true, false), put_offset(m, insn);
  else put_three(m, op);
}

static unsigned pick(rng *r, unsigned low, unsigned high) { return low + rng_below(r, high - low + 1); }

/* In the numbers of the set javm. */
static unsigned some_op(maker *m) {
  rng *r = &m->r;
  uint32_t dice = rng_below(r, 100);
  if (dice < 30) return pick(r, 190, 230);
  if (dice < 50) return pick(r, 131, 161);
  if (dice < 57) return pick(r, 100, 111);
  if (dice < 59) return 101;
  if (dice < 63) return rng_once_in(r, 2) ? 20 : 51;
  if (dice < 70) return pick(r, 120, 130);
  if (dice < 76) return pick(r, 52, 62);
  if (dice < 78) return pick(r, 30, 33);
  if (dice < 80) return pick(r, 70, 73);
  if (dice < 85) return pick(r, 81, 90);
  if (dice < 90) return pick(r, 170, 175);
  if (dice < 92) return pick(r, 1, 2);
  if (dice < 95) return rng_once_in(r, 3) ? 3 : 10;
  if (dice < 96) return rng_once_in(r, 2) ? 40 : 80;
  if (dice < 98) return rng_once_in(r, 2) ? 50 : 180;
  return rng_once_in(r, 8) ? rng_below(r, 256) : rng_once_in(r, 6) ? 0 : 100;
}

static bool ends_block(unsigned op) {
  return op <= 3 || op == 10 || op == 40 || op == 50 || (op >= 80 && op <= 90) || (op >= 170 && op <= 175) || op == 180;
}

static bool is_op(unsigned op) {
  return op <= 3 || op == 10 || op == 20 || (op >= 30 && op <= 33) || op == 40 || (op >= 50 && op <= 62) ||
         (op >= 70 && op <= 73) || (op >= 80 && op <= 90) || (op >= 100 && op <= 111) || (op >= 120 && op <= 161) ||
         (op >= 170 && op <= 175) || op == 180 || (op >= 190 && op <= 230);
}

/*
 * What compiled code has in its inner loops, one using the result of the other: an interpreter may run such groups with one
 * handler. Half of the groups end in a branch or jump.
 */
static void put_group(maker *m) {
  static const uint8_t common[] = {JV_OP_add_imm_64,
                                   JV_OP_add_imm_64,
                                   JV_OP_add_imm_64,
                                   JV_OP_add_imm_32,
                                   JV_OP_and_imm,
                                   JV_OP_add_64,
                                   JV_OP_add_64,
                                   JV_OP_add_32,
                                   JV_OP_sub_64,
                                   JV_OP_mul_64,
                                   JV_OP_xor,
                                   JV_OP_or,
                                   JV_OP_and,
                                   JV_OP_move_reg,
                                   JV_OP_move_reg,
                                   JV_OP_load_imm,
                                   JV_OP_shlo_l_imm_64,
                                   JV_OP_shlo_l_imm_64,
                                   JV_OP_shlo_r_imm_64,
                                   JV_OP_rot_r_64_imm,
                                   JV_OP_rot_r_32_imm,
                                   JV_OP_set_lt_u,
                                   JV_OP_set_lt_u_imm,
                                   JV_OP_set_lt_s,
                                   JV_OP_load_ind_u8,
                                   JV_OP_load_ind_u32,
                                   JV_OP_load_ind_i32,
                                   JV_OP_load_ind_u64,
                                   JV_OP_load_ind_u64,
                                   JV_OP_store_ind_u8,
                                   JV_OP_store_ind_u32,
                                   JV_OP_store_ind_u64,
                                   JV_OP_store_ind_u64,
                                   JV_OP_load_ind_u16,
                                   JV_OP_store_imm_ind_u8,
                                   JV_OP_store_imm_ind_u64};
  static const uint8_t ends[] = {JV_OP_branch_eq,     JV_OP_branch_ne,       JV_OP_branch_ne,       JV_OP_branch_lt_u,
                                 JV_OP_branch_lt_s,   JV_OP_branch_ge_u,     JV_OP_branch_eq_imm,   JV_OP_branch_ne_imm,
                                 JV_OP_branch_ne_imm, JV_OP_branch_lt_u_imm, JV_OP_branch_gt_s_imm, JV_OP_jump,
                                 JV_OP_jump_ind};
  m->in_group = true;
  for (uint32_t n = 1 + rng_below(&m->r, 4); n > 0; n--) put_insn(m, common[rng_below(&m->r, sizeof common)]);
  if (rng_once_in(&m->r, 2)) {
    put_insn(m, ends[rng_below(&m->r, sizeof ends)]);
    if (m->label_count < LABELS_MAX) m->labels[m->label_count++] = m->size;
  }
  m->in_group = false;
}

/* ----------------------------------------------------------------------------------------------------- programs */

static void make_valid(maker *m, unsigned insns) {
  m->labels[m->label_count++] = 0;
  for (unsigned n = 0; n < insns && m->size < CODE_MAX - 32; n++) {
    unsigned op = some_op(m);
    bool known = is_op(op);
    if (rng_once_in(&m->r, 4)) {
      put_group(m);
      continue;
    }
    if (!known) start_insn(m, op);
    else put_insn(m, op);
    if (known && ends_block(op) && m->label_count < LABELS_MAX) m->labels[m->label_count++] = m->size;
  }
  if (!rng_once_in(&m->r, 3)) put_insn(m, rng_once_in(&m->r, 2) ? 40 : 0);
}

static void fill_in_jumps(maker *m) {
  rng *r = &m->r;
  for (unsigned n = 0; n < m->fixup_count; n++) {
    const fixup *f = &m->fixups[n];
    uint32_t to = m->labels[rng_below(r, m->label_count)];
    if (rng_once_in(r, 40)) to = rng_once_in(r, 2) ? rng_below(r, m->size + 4) : (uint32_t)rng_edge(r);
    uint32_t offset = to - f->insn;
    for (unsigned k = 0; k < f->bytes; k++) m->code[f->at + k] = (uint8_t)(offset >> (8 * k));
  }
  for (size_t n = 0; n < m->c.code.jump_count; n++)
    m->jumps[n] = rng_once_in(r, 20) ? (uint32_t)rng_edge(r) : m->labels[rng_below(r, m->label_count)];
}

/* Changes what stands there: code bytes, bits inside operands, gaps. */
static void spoil(maker *m) {
  rng *r = &m->r;
  for (uint32_t n = 1 + rng_below(r, 4); n > 0 && m->size; n--) {
    uint32_t at = rng_below(r, m->size), length = 20 + rng_below(r, 20);
    switch (rng_below(r, 4)) {
      case 0: m->code[at] = (uint8_t)rng_next(r); break;
      case 1: m->bitmask[at / 8] ^= (uint8_t)(1u << at % 8); break;
      case 2: m->bitmask[at / 8] = (uint8_t)rng_next(r); break;
      default:
        for (uint32_t k = at; k < at + length && k < m->size; k++) m->bitmask[k / 8] &= (uint8_t) ~(1u << k % 8);
    }
  }
}

static void make_garbage(maker *m, uint32_t bytes) {
  rng *r = &m->r;
  uint32_t density = 1 + rng_below(r, 8);
  m->labels[m->label_count++] = 0;
  m->size = bytes;
  for (uint32_t k = 0; k < bytes; k++) {
    m->code[k] = (uint8_t)(rng_once_in(r, 2) ? some_op(m) : rng_next(r));
    if (k == 0 || rng_once_in(r, density)) m->bitmask[k / 8] |= (uint8_t)(1u << k % 8);
    if (rng_once_in(r, 4) && m->label_count < LABELS_MAX) m->labels[m->label_count++] = k;
  }
}

/* From the numbers of the set javm to those of jam-0.8, for instructions that are marked. */
static void renumber(maker *m) {
  for (uint32_t k = 0; k < m->size; k++)
    if ((m->bitmask[k / 8] >> k % 8 & 1) && m->code[k] >= 102 && m->code[k] <= 111) m->code[k]--;
}

static void make_program(maker *m, uint64_t seed) {
  rng *r = &m->r;
  memset(m->code, 0, m->size);
  memset(m->bitmask, 0, m->size / 8 + 1);
  m->size = m->label_count = m->fixup_count = 0;
  m->r.state = seed * 0x2545f4914f6cdd1du;
  memset(&m->c, 0, sizeof m->c);
  m->keeps_addresses = !rng_once_in(r, 4);
  m->c.code.isa = (javm_isa)rng_below(r, 3);
  m->c.code.jump_count = rng_below(r, 8);
  make_regions(m);
  uint32_t profile = rng_below(r, 16);
  bool large = rng_once_in(r, 2000);
  if (profile < 13) make_valid(m, large ? 4000 : 3 + rng_below(r, rng_once_in(r, 8) ? 60 : 28));
  else make_garbage(m, large ? 3000 : rng_below(r, 100));
  fill_in_jumps(m);
  if (profile == 11 || profile == 12) spoil(m);
  if (m->c.code.isa == JAVM_ISA_JAM_0_8) renumber(m);
  for (unsigned k = 0; k < JAVM_REG_COUNT; k++) m->c.regs[k] = rng_edge(r);
  for (unsigned k = 1; k < (m->keeps_addresses ? FIXED_REGS : 1); k++) m->c.regs[k] = some_address(m);
  m->c.regs[0] = 0x20800;
  m->c.code.code = m->code;
  m->c.code.code_bytes = m->size;
  m->c.code.bitmask = m->bitmask;
  m->c.code.bitmask_bytes = (m->size + 7) / 8;
  m->c.code.jump_table = m->jumps;
  if (rng_once_in(r, 8)) m->c.pc = rng_once_in(r, 4) ? (uint32_t)rng_edge(r) : m->labels[rng_below(r, m->label_count)];
  static const uint32_t loads[] = {0, 25, 37, 50, 1, 100};
  m->c.load_cycles = loads[rng_below(r, 6)];
}

/* -------------------------------------------------------------------------------------------------------- main */

static volatile uint64_t current_seed;

static void hung(int signal_number) {
  char text[64];
  int length = snprintf(text, sizeof text, "no end of program %" PRIu64 "\n", current_seed);
  (void)signal_number;
  if (write(STDERR_FILENO, text, (size_t)length) < 0) _exit(2);
  _exit(1);
}

/* One model: first with enough gas for most, then with less than that took. */
static bool run_model(fuzz_rig *rig, maker *m, javm_gas_model model) {
  rng *r = &m->r;
  fuzz_case *c = &m->c;
  c->gas_model = model;
  if (!fuzz_load(rig, c)) return false;
  c->gas = 20 + rng_below(r, model == JAVM_GAS_INSTRUCTION ? 400 : 2500);
  if (rng_once_in(r, 40)) c->gas = UINT64_MAX - rng_below(r, 50);
  for (unsigned n = 0; n < 2; n++) {
    uint64_t used = 0;
    c->seed = rng_next(r);
    c->has_handler = !rng_once_in(r, 4);
    c->rounds = 1 + rng_below(r, 6);
    c->step = rng_once_in(r, 3) ? 1 + rng_below(r, 7) : 0;
    if (fuzz_compare(rig, c, &used) == FUZZ_DIFFERENT) return false;
    c->gas = rng_below(r, used < 10000 ? (uint32_t)used + 2 : 10000);
  }
  return true;
}

static bool run_program(fuzz_rig *rig, maker *m, uint64_t seed) {
  current_seed = seed;
  make_program(m, seed);
  bool same = true;
  for (int model = JAVM_GAS_PIPELINE; same && model <= JAVM_GAS_INSTRUCTION; model++)
    same = run_model(rig, m, (javm_gas_model)model);
  if (!same) fprintf(stderr, "this was program %" PRIu64 "\n", seed);
  return same;
}

static void report(const fuzz_counts *n, uint64_t programs) {
  printf("%" PRIu64 " programs, %" PRIu64 " cases, %" PRIu64 " runs, %" PRIu64 " too long, %" PRIu64
         " instructions, %" PRIu64 " ecalls, %" PRIu64 " repaired faults;",
         programs, n->cases, n->runs, n->too_long, n->instructions, n->ecalls, n->repaired);
  for (int k = 0; k <= JAVM_EXIT_ERROR; k++) printf(" %s %" PRIu64, javm_exit_text((javm_exit_kind)k), n->exits[k]);
  printf("\n");
  fflush(stdout);
}

int main(int argc, char **argv) {
  if (argc < 2 || argc > 3) {
    fprintf(stderr, "usage: random_programs COUNT [SEED]\n");
    return 2;
  }
  uint64_t count = strtoull(argv[1], NULL, 10), seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
  fuzz_rig *rig = fuzz_rig_new();
  maker *m = calloc(1, sizeof *m);
  if (!rig || !m) return 2;
  signal(SIGALRM, hung);
  bool same = true;
  for (uint64_t n = 0; same && n < count; n++) {
    if (n % 1024 == 0) alarm(120);
    if (n > 0 && n % 100000 == 0) report(fuzz_rig_counts(rig), n);
    same = run_program(rig, m, seed + n);
  }
  if (same) report(fuzz_rig_counts(rig), count);
  free(m);
  fuzz_rig_free(rig);
  return same ? 0 : 1;
}
