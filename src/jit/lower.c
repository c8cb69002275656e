/*
 * The pass over a program: each instruction once, in order of pc, to native code at once. What a branch needs of later code
 * is patched at the end. Time is linear in the code; memory is at most NATIVE_PER_BYTE bytes for each of its bytes, and four
 * more while compiling.
 */
#include "jit/native.h"

#if JV_HAS_RECOMPILER

#include "base/alloc.h"
#include "base/error.h"
#include "exec/decode.h"
#include "jit/announce.h"

#ifdef JV_JIT_VERIFY
#include <stdio.h>
#include <stdlib.h>

#include "jit/verify.h"
#endif

#define X (&c->x)

/* The least code is a byte an instruction, the most one that leaves and is charged for. */
enum { NATIVE_PER_BYTE = 120, NATIVE_BASE = 16384, JUMP_ENTRY_BYTES = 8 };
/* What a block may cost so that one subtraction can charge it. */
#define COST_MAX INT32_MAX

/* -------------------------------------------------------------------------------------------------- guest memory */

enum { ACCESS_BYTES = 10 }; /* two numbers */

static uint8_t *put_number(uint8_t *out, uint32_t n) {
  for (; n >= 0x80; n >>= 7) *out++ = (uint8_t)(n | 0x80);
  *out++ = (uint8_t)n;
  return out;
}

static JV_NOINLINE void grow_accesses(jv_compiler *c) {
  jv_native *n = c->native;
  if (!jv_grow(n->allocator, &n->accesses, &n->access_capacity, n->access_count + ACCESS_BYTES, 1) ||
      !jv_grow(n->allocator, &n->marks, &n->mark_capacity, n->mark_count + 1, sizeof *n->marks))
    c->failed = true;
}

/* Remembers that the host instruction that comes next is the access of the guest's at pc. */
static inline void note_access(jv_compiler *c, uint32_t pc) {
  jv_native *n = c->native;
  uint32_t at = x64_here(X);
  if (n->access_count + ACCESS_BYTES > n->access_capacity || n->mark_count == n->mark_capacity) {
    grow_accesses(c);
    if (c->failed) return;
  }
  if (c->since_mark++ % JV_MARK_EVERY == 0) {
    n->marks[n->mark_count++] = (jv_mark){at, pc, (uint32_t)n->access_count};
  } else {
    uint8_t *out = put_number(n->accesses + n->access_count, at - c->last_at);
    n->access_count = (size_t)(put_number(out, pc - c->last_pc) - n->accesses);
  }
  c->last_at = at;
  c->last_pc = pc;
}

/* How each instruction that accesses memory does it. */
typedef enum place_kind { ABSOLUTE, AT_A, AT_B } place_kind;
typedef struct access_form {
  jv_x64_access access;
  uint8_t write, place;
} access_form;

static const access_form access_forms[256] = {
#define FORM_LOAD(absolute, indirect, form)                                                                            \
  [JV_OP_##absolute] = {form, 0, ABSOLUTE}, [JV_OP_##indirect] = {form, 0, AT_B},
#define FORM_STORE(bits, imm, absolute, imm_indirect, indirect)                                                        \
  [JV_OP_##imm] = {X64_STORE_IMM_##bits, 1, ABSOLUTE}, [JV_OP_##absolute] = {X64_STORE_##bits, 1, ABSOLUTE},           \
  [JV_OP_##imm_indirect] = {X64_STORE_IMM_##bits, 1, AT_A}, [JV_OP_##indirect] = {X64_STORE_##bits, 1, AT_B},
    FORM_LOAD(load_u8, load_ind_u8, X64_LOAD_U8) FORM_LOAD(load_i8, load_ind_i8, X64_LOAD_I8)
        FORM_LOAD(load_u16, load_ind_u16, X64_LOAD_U16) FORM_LOAD(load_i16, load_ind_i16, X64_LOAD_I16)
            FORM_LOAD(load_u32, load_ind_u32, X64_LOAD_U32) FORM_LOAD(load_i32, load_ind_i32, X64_LOAD_I32)
                FORM_LOAD(load_u64, load_ind_u64, X64_LOAD_U64)
                    FORM_STORE(8, store_imm_u8, store_u8, store_imm_ind_u8, store_ind_u8)
                        FORM_STORE(16, store_imm_u16, store_u16, store_imm_ind_u16, store_ind_u16)
                            FORM_STORE(32, store_imm_u32, store_u32, store_imm_ind_u32, store_ind_u32)
                                FORM_STORE(64, store_imm_u64, store_u64, store_imm_ind_u64, store_ind_u64)};

/* The access itself. With checks, the host's address is in rdx. */
static void put_access(jv_x64 *x, bool has_checks, const jv_decoded *i) {
  const access_form *form = &access_forms[i->op];
  const jv_x64_access *m = &form->access;
  unsigned reg = m->imm_count ? 0 : jv_host_reg(i->a);
  if (has_checks) x64_host_at(x, m, reg, RDX, (uint32_t)i->y);
  else if (form->place == ABSOLUTE) x64_guest_absolute(x, m, reg, (uint32_t)i->x, (uint32_t)i->y);
  else x64_guest_at(x, m, reg, jv_host_reg(form->place == AT_A ? i->a : i->b), (uint32_t)i->x, (uint32_t)i->y);
}

static void lower_memory(jv_compiler *c, const jv_decoded *i, uint32_t pc) {
  const access_form *form = &access_forms[i->op];
  unsigned bytes = form->access.bytes;
  if (c->native->has_checks) {
    if (form->place == ABSOLUTE) x64_mov_imm(X, RDX, (uint32_t)i->x);
    else x64_lea(X, 0, RDX, jv_host_reg(form->place == AT_A ? i->a : i->b), (int32_t)(uint32_t)i->x);
    note_access(c, pc);
    x64_patch(X, x64_call(X), c->native->stubs.check[form->write][bytes == 8 ? 3 : bytes / 2]);
  } else {
    note_access(c, pc);
  }
  put_access(X, c->native->has_checks, i);
}

uint32_t jv_access_bytes(const jv_native *n, const jv_decoded *i) {
  uint8_t scratch[JV_X64_ROOM];
  jv_x64 x = {scratch, scratch};
  if (n->has_checks) x64_call(&x);
  put_access(&x, n->has_checks, i);
  return x64_here(&x);
}

/* ------------------------------------------------------------------------------------------------------- control */

static void add_fixup(jv_compiler *c, uint32_t at, uint32_t target, uint32_t pc) {
  if (!jv_grow(c->native->allocator, &c->fixups, &c->fixup_capacity, c->fixup_count + 1, sizeof *c->fixups)) {
    c->failed = true;
    return;
  }
  c->fixups[c->fixup_count++] = (jv_fixup){at, target, pc};
}

/* The code for a target that was reached already; 0: not known yet, or no block start. */
static uint32_t known_start(const jv_compiler *c, uint32_t target) {
  return target < c->program->code.code_bytes ? c->starts[target] : 0;
}

static void jump_to(jv_compiler *c, uint32_t target, uint32_t pc) {
  uint32_t known = known_start(c, target);
  if (known) x64_jmp_to(X, known);
  else add_fixup(c, x64_jmp(X), target, pc);
}

static void branch_to(jv_compiler *c, jv_x64_cond cc, uint32_t target, uint32_t pc) {
  uint32_t known = known_start(c, target);
  if (known) x64_jcc_to(X, cc, known);
  else add_fixup(c, x64_jcc(X, cc), target, pc);
}

/* What each branch compares with, and the condition. */
enum { BRANCHES = 0x80, WITH_IMMEDIATE = 0x40, CONDITION = 0x0f };
static const uint8_t branch_forms[256] = {
    [JV_OP_branch_eq] = BRANCHES | CC_E,
    [JV_OP_branch_ne] = BRANCHES | CC_NE,
    [JV_OP_branch_lt_u] = BRANCHES | CC_B,
    [JV_OP_branch_lt_s] = BRANCHES | CC_L,
    [JV_OP_branch_ge_u] = BRANCHES | CC_AE,
    [JV_OP_branch_ge_s] = BRANCHES | CC_GE,
    [JV_OP_branch_eq_imm] = BRANCHES | WITH_IMMEDIATE | CC_E,
    [JV_OP_branch_ne_imm] = BRANCHES | WITH_IMMEDIATE | CC_NE,
    [JV_OP_branch_lt_u_imm] = BRANCHES | WITH_IMMEDIATE | CC_B,
    [JV_OP_branch_le_u_imm] = BRANCHES | WITH_IMMEDIATE | CC_BE,
    [JV_OP_branch_ge_u_imm] = BRANCHES | WITH_IMMEDIATE | CC_AE,
    [JV_OP_branch_gt_u_imm] = BRANCHES | WITH_IMMEDIATE | CC_A,
    [JV_OP_branch_lt_s_imm] = BRANCHES | WITH_IMMEDIATE | CC_L,
    [JV_OP_branch_le_s_imm] = BRANCHES | WITH_IMMEDIATE | CC_LE,
    [JV_OP_branch_ge_s_imm] = BRANCHES | WITH_IMMEDIATE | CC_GE,
    [JV_OP_branch_gt_s_imm] = BRANCHES | WITH_IMMEDIATE | CC_G,
};

static void lower_branch(jv_compiler *c, const jv_decoded *i, uint32_t pc) {
  unsigned form = branch_forms[i->op];
  jv_x64_reg a = jv_host_reg(i->a);
  if (!(form & WITH_IMMEDIATE)) x64_alu(X, ALU_CMP, 1, a, jv_host_reg(i->b));
  else if (i->x == 0) x64_test(X, 1, a, a);
  else x64_alu_imm(X, ALU_CMP, 1, a, (int32_t)(uint32_t)i->x);
  branch_to(c, (jv_x64_cond)(form & CONDITION), i->target, pc);
}

#define FRAME_JUMP_PC 0
#define FRAME_TABLE 8
_Static_assert(offsetof(jv_frame, jump_pc) == FRAME_JUMP_PC && offsetof(jv_frame, table) == FRAME_TABLE, "frame");

/* To the address in edx. Turned right by one, an odd one is out of the table's range; entry 0 of the table is no target. */
static void jump_dynamic(jv_compiler *c, uint32_t pc) {
  x64_store_imm(X, 0, RSP, FRAME_JUMP_PC, pc);
  x64_shift_imm(X, SH_ROR, 0, RDX, 1);
  x64_alu_imm(X, ALU_CMP, 0, RDX, (int32_t)c->program->code.jump_count);
  x64_patch(X, x64_jcc(X, CC_A), c->native->stubs.bad_jump);
  x64_shift_imm(X, SH_SHL, 0, RDX, 3);
  x64_alu_load(X, ALU_ADD, 1, RDX, RSP, FRAME_TABLE);
  x64_jmp_mem(X, RDX, 0);
}

static void leave_to(jv_compiler *c, uint32_t stub, uint32_t pc) {
  x64_mov_imm(X, RDX, pc);
  x64_jmp_to(X, stub);
}

static void call_with(jv_compiler *c, uint32_t stub, uint64_t argument) {
  x64_mov_imm(X, RDX, argument);
  x64_patch(X, x64_call(X), stub);
}

static void lower_control(jv_compiler *c, const jv_decoded *i, uint32_t pc) {
  const jv_stubs *stubs = &c->native->stubs;
  jv_x64_reg a = jv_host_reg(i->a), b = jv_host_reg(i->b);
  switch (i->op) {
    case JV_OP_fallthrough:
    case JV_OP_unlikely: break;
    case JV_OP_jump: jump_to(c, i->target, pc); break;
    case JV_OP_load_imm_jump:
      x64_mov_imm(X, a, i->x);
      jump_to(c, i->target, pc);
      break;
    case JV_OP_jump_ind:
      x64_lea(X, 0, RDX, a, (int32_t)(uint32_t)i->x);
      jump_dynamic(c, pc);
      break;
    case JV_OP_load_imm_jump_ind:
      x64_lea(X, 0, RDX, b, (int32_t)(uint32_t)i->y);
      x64_mov_imm(X, a, i->x);
      jump_dynamic(c, pc);
      break;
    case JV_OP_sbrk: call_with(c, stubs->sbrk, (uint64_t)i->a << 8 | i->d); break;
    case JV_OP_ecall:
    case JV_OP_ecalli:
      call_with(c, i->op == JV_OP_ecall ? stubs->ecall : stubs->ecalli,
                jv_pack_ecall(pc + 1 + i->skip, (uint32_t)i->x));
      break;
    case JV_OP_trap: leave_to(c, stubs->trap, pc); break;
    default: leave_to(c, stubs->panic, pc);
  }
}

/* ------------------------------------------------------------------------------------------------------- regions */

/* The region and the block that the pass is in. */
typedef struct region {
  uint32_t pc;        /* of the region's start */
  uint32_t charge_at; /* where its charge stands; 0: it has none, yet */
  uint32_t count;     /* instructions so far */
} region;

static bool is_block_model(const javm_program *p) {
  return p->gas_model == JAVM_GAS_PIPELINE || p->gas_model == JAVM_GAS_SINGLE_PASS;
}

/* Begins a region at pc. `block`: control enters a block here, and pays for it in the block models. */
static void begin_region(jv_compiler *c, region *r, uint32_t pc, bool block) {
  jv_native *n = c->native;
  if (!jv_grow(n->allocator, &n->points, &n->point_capacity, n->point_count + 1, sizeof *n->points)) {
    c->failed = true;
    return;
  }
  uint32_t at = x64_here(X);
  n->points[n->point_count++] = (jv_point){pc, at, 0};
  if (c->after_terminator && pc < c->program->code.code_bytes && jv_bitmask_at(&c->program->code, pc)) {
    c->starts[pc] = at;
    jv_bits starts = c->program->block_starts;
    jv_bits_set(&starts, pc);
  }
  *r = (region){.pc = pc};
  bool pays = c->program->gas_model == JAVM_GAS_INSTRUCTION || (block && is_block_model(c->program));
  if (pays) {
    x64_alu_imm32(X, ALU_SUB, 1, JV_GAS_REG, 0);
    r->charge_at = x64_here(X) - 4;
    x64_jcc(X, CC_B);
  }
  if (c->program->counts_instructions) { /* patched in end_region */
    x64_alu_mem_imm32(X, ALU_ADD, 1, RSP, (int32_t)offsetof(jv_frame, instructions), 0);
  }
}

static void set_cost(jv_compiler *c, size_t point, uint32_t charge_at, uint32_t cost) {
  if (cost > COST_MAX) c->failed = c->is_too_much = true;
  c->native->points[point].cost = cost;
  memcpy(c->x.base + charge_at, &cost, sizeof cost);
}

/* The number of instructions is known. */
static void end_region(jv_compiler *c, const region *r, size_t point) {
  uint8_t *at = c->x.base + c->native->points[point].at + (r->charge_at ? JV_CHARGE_BYTES : 0);
  if (c->program->counts_instructions) memcpy(at + 5, &r->count, sizeof r->count);
  if (c->program->gas_model == JAVM_GAS_INSTRUCTION) set_cost(c, point, r->charge_at, r->count);
}

/* ---------------------------------------------------------------------------------------------------------- the pass */

/* What the pass asks of an opcode. */
enum { ENDS_BLOCK = 1, ENDS_REGION = 2, ACCESSES = 4 };
#define FLAGS(number, ends_block, can_fault)                                                                           \
  ((ends_block) || (number) == JV_OP_ecall || (number) == JV_OP_ecalli ? ENDS_REGION : 0) |                            \
      ((ends_block) ? ENDS_BLOCK : 0) | ((can_fault) ? ACCESSES : 0)

static const uint8_t op_flags[2][256] = {
    {
#define OP(number, name, format, reads, writes, ends_block, can_fault, gas)                                            \
  [number] = FLAGS(number, (ends_block) == 1, can_fault),
#include "exec/ops.def"
        [JV_OP_INVALID] = ENDS_REGION},
    {
#define OP(number, name, format, reads, writes, ends_block, can_fault, gas)                                            \
  [number] = FLAGS(number, (ends_block) != 0, can_fault),
#include "exec/ops.def"
        [JV_OP_INVALID] = ENDS_REGION},
};

static bool has_room(jv_compiler *c) {
  if (c->limit - c->x.at < JV_X64_ROOM) c->failed = c->is_too_much = true;
  return !c->failed;
}

/* An instruction of the pass, which looks at some of those that follow, too. */
typedef struct place {
  uint32_t pc;
  jv_decoded insn;
} place;
enum { LOOKAHEAD = 4 };
typedef struct window {
  place places[LOOKAHEAD];
  unsigned first;
} window;

static inline place *ahead(window *w, unsigned n) { return &w->places[(w->first + n) % LOOKAHEAD]; }

/* To the next instruction's place: as the interpreter's records (program.c). Behind the end it stays there. */
static inline void move_on(const javm_code *code, const place *at, place *next) {
  uint32_t end = (uint32_t)code->code_bytes, pc = at->pc + 1 + at->insn.skip;
  if (at->insn.op == JV_OP_INVALID && !jv_bitmask_at(code, at->pc))
    while (pc < end && !jv_bitmask_at(code, pc)) pc++;
  next->pc = pc < end ? pc : end;
  jv_decode_fast(code, next->pc, &next->insn);
}

static const bool begins_group[256] = {
    [JV_OP_mul_64] = true,   [JV_OP_mul_upper_u_u] = true, [JV_OP_add_64] = true,
    [JV_OP_set_lt_u] = true, [JV_OP_shlo_l_imm_64] = true,
};

/* Can the instruction stand in a group that is lowered as one? */
static bool can_join(const jv_compiler *c, const place *at) {
  return !(c->flags[at->insn.op] & (ENDS_REGION | ACCESSES));
}

static unsigned lower_group(jv_compiler *c, window *w) {
  const jv_decoded *insns[LOOKAHEAD];
  unsigned count = 0;
  while (count < LOOKAHEAD && can_join(c, ahead(w, count))) {
    insns[count] = &ahead(w, count)->insn;
    count++;
  }
  return count > 1 ? jv_lower_group(c, insns, count) : 0;
}

/* Lowers the first of the window, perhaps together with what follows in the same region; returns how many. */
static inline unsigned lower_insn(jv_compiler *c, window *w) {
  const place *at = ahead(w, 0), *next = ahead(w, 1);
  const jv_decoded *i = &at->insn;
  if (begins_group[i->op]) {
    unsigned lowered = lower_group(c, w);
    if (lowered) return lowered;
  }
  c->keeps_upper = can_join(c, next) && jv_upper_is_dead(i, &next->insn);
  unsigned flags = c->flags[i->op];
  if (flags & ACCESSES) lower_memory(c, i, at->pc);
  else if (branch_forms[i->op]) lower_branch(c, i, at->pc);
  else if (flags & ENDS_REGION || !jv_lower_value(c, i)) lower_control(c, i, at->pc);
  return 1;
}

static void begin_block(jv_compiler *c, const region *r, uint32_t pc) {
  c->block = c->native->point_count - 1;
  c->block_charge = r->charge_at;
  if (!c->like) jv_pricer_begin(&c->pricer, pc);
}

static void end_block(jv_compiler *c) {
  if (is_block_model(c->program))
    set_cost(c, c->block, c->block_charge, c->like ? c->like->points[c->block].cost : jv_pricer_end(&c->pricer));
}

/* Lowers a region, which begins at the window's start, and moves to the next. False: it was the last, or something failed. */
static bool lower_region(jv_compiler *c, window *w, bool *block) {
  const javm_code *code = &c->program->code;
  bool prices = is_block_model(c->program) && !c->like;
  uint32_t pc = ahead(w, 0)->pc;
  region r = {0};
  begin_region(c, &r, pc, *block);
  if (c->failed) return false;
  size_t point = c->native->point_count - 1;
  if (*block) begin_block(c, &r, pc);
  unsigned flags;
  uint8_t op;
  do {
    if (!has_room(c)) return false;
    op = ahead(w, 0)->insn.op;
    flags = c->flags[op];
    pc = ahead(w, 0)->pc;
    unsigned lowered = lower_insn(c, w);
    r.count += lowered;
    for (; lowered > 0; lowered--) {
      place *done = ahead(w, 0), *last = ahead(w, LOOKAHEAD - 1);
      if (prices) jv_pricer_add(&c->pricer, &done->insn, done->pc);
      move_on(code, last, done);
      w->first++;
    }
  } while (!(flags & ENDS_REGION));
  end_region(c, &r, point);
  c->after_terminator = flags & ENDS_BLOCK;
  *block = op == JV_OP_INVALID || c->after_terminator;
  if (*block) end_block(c);
  return pc < code->code_bytes;
}

static void lower_all(jv_compiler *c) {
  const javm_code *code = &c->program->code;
  window w = {.first = 0};
  bool block = true;
  c->after_terminator = true;
  c->flags = op_flags[code->isa == JAVM_ISA_JAVM];
  jv_pricer_init(&c->pricer, code, c->program->gas_model, c->program->load_cycles);
  w.places[0].pc = 0;
  jv_decode_fast(code, 0, &w.places[0].insn);
  for (unsigned n = 1; n < LOOKAHEAD; n++) move_on(code, &w.places[n - 1], &w.places[n]);
  while (lower_region(c, &w, &block)) continue;
}

/* ----------------------------------------------------------------------------------------------------- the end */

/* Branches whose targets were not known: to the target, or where it is none, to a panic of their own. */
static void resolve(jv_compiler *c) {
  for (size_t i = 0; i < c->fixup_count && has_room(c); i++) {
    const jv_fixup *f = &c->fixups[i];
    uint32_t known = known_start(c, f->target);
    x64_patch(X, f->at, known ? known : x64_here(X));
    if (!known) leave_to(c, c->native->stubs.panic, f->pc);
  }
}

/* A stub for each point; each is a call, so that its address says which it is. */
static void make_gas_stubs(jv_compiler *c) {
  jv_native *n = c->native;
  n->gas_stubs = x64_here(X);
  if (c->program->gas_model == JAVM_GAS_NONE) return;
  for (size_t i = 0; i < n->point_count && has_room(c); i++) {
    if (n->points[i].cost) x64_patch(X, n->points[i].at + JV_CHARGE_BYTES - 4, x64_here(X));
    x64_patch(X, x64_call(X), n->stubs.out_of_gas);
  }
}

static void make_jump_table(jv_compiler *c) {
  const javm_code *code = &c->program->code;
  jv_native *n = c->native;
  uint64_t bad = (uintptr_t)c->x.base + n->stubs.bad_target;
  while ((uintptr_t)c->x.at % JUMP_ENTRY_BYTES) x64_u8(X, 0xcc);
  n->table = x64_here(X);
  if ((size_t)(c->limit - c->x.at) < (code->jump_count + 1) * JUMP_ENTRY_BYTES) {
    c->failed = c->is_too_much = true;
    return;
  }
  x64_u64(X, bad);
  for (size_t i = 0; i < code->jump_count; i++) {
    uint32_t known = known_start(c, code->jump_table[i]);
    x64_u64(X, known ? (uintptr_t)c->x.base + known : bad);
  }
}

static void compile(jv_compiler *c) {
  jv_make_stubs(c);
  lower_all(c);
  if (c->failed) return;
  c->native->blocks_end = x64_here(X);
  resolve(c);
  make_gas_stubs(c);
  make_jump_table(c);
}

/* Whatever was allocated larger than needed shrinks. */
static void *shrink(const javm_allocator *a, void *array, size_t *capacity, size_t count, size_t size_bytes) {
  if (count == 0 || count == *capacity) return array;
  void *smaller = a->resize(a->ctx, array, *capacity * size_bytes, count * size_bytes);
  if (!smaller) return array;
  *capacity = count;
  return smaller;
}

/* Test builds only: ends the process if the code is not as it should be. */
static void verify(const javm_program *p, const jv_native *n) {
#ifdef JV_JIT_VERIFY
  uint32_t at;
  const char *wrong = jv_verify(p, n, n->code, &at);
  if (!wrong) return;
  fprintf(stderr, "native code: %s, at offset 0x%x of %p\n", wrong, (unsigned)at, (const void *)n->code);
  abort();
#else
  (void)p, (void)n;
#endif
}

bool jv_compile(const javm_program *p, bool has_checks, const jv_native *like, jv_native **out) {
  const javm_allocator *a = p->allocator;
  size_t code_bytes = p->code.code_bytes;
  size_t bytes = NATIVE_BASE + NATIVE_PER_BYTE * code_bytes + JUMP_ENTRY_BYTES * (p->code.jump_count + 1);
  jv_compiler c = {.program = p, .like = like, .has = *jv_host_features()};
  *out = NULL;
  jv_native *n = c.native = jv_alloc_zero(a, sizeof *n);
  if (!n) return false;
  n->allocator = a;
  n->has_checks = has_checks;
  n->features = c.has;
  n->mapped_bytes = bytes;
  n->code = jv_code_reserve(bytes);
  c.starts = jv_alloc_zero(a, (code_bytes + 1) * sizeof *c.starts);
  c.failed = !n->code || !c.starts;
  c.is_too_much = !n->code;
  c.x.base = c.x.at = n->code;
  c.limit = n->code + bytes;
  if (!c.failed) compile(&c);
  if (c.starts) jv_free(a, c.starts, (code_bytes + 1) * sizeof *c.starts);
  jv_free(a, c.fixups, c.fixup_capacity * sizeof *c.fixups);
  if (!c.failed) {
    n->code_bytes = x64_here(&c.x);
    c.failed = c.is_too_much = !jv_code_finish(n->code, &n->mapped_bytes, n->code_bytes);
  }
  if (c.failed) {
    jv_native_free(n);
    return c.is_too_much;
  }
  n->points = shrink(a, n->points, &n->point_capacity, n->point_count, sizeof *n->points);
  n->marks = shrink(a, n->marks, &n->mark_capacity, n->mark_count, sizeof *n->marks);
  n->accesses = shrink(a, n->accesses, &n->access_capacity, n->access_count, 1);
  verify(p, n);
  *out = n;
  return true;
}

bool jv_native_compile(javm_program *p) {
  if (!jv_host_can_run()) return true;
  if (!jv_bits_init(&p->block_starts, p->allocator, (uint32_t)p->code.code_bytes)) return false;
  bool ok = jv_compile(p, true, NULL, &p->native);
  if (!p->native) jv_bits_free(&p->block_starts, p->allocator);
  return ok;
}

size_t jv_native_bytes(const jv_native *n) {
  return n ? sizeof *n + n->code_bytes + n->point_capacity * sizeof *n->points + n->mark_capacity * sizeof *n->marks +
                 n->access_capacity
           : 0;
}

void jv_native_free(jv_native *n) {
  if (!n) return;
  const javm_allocator *a = n->allocator;
  jv_retract(n);
  jv_code_release(n->code, n->mapped_bytes);
  jv_free(a, n->points, n->point_capacity * sizeof *n->points);
  jv_free(a, n->marks, n->mark_capacity * sizeof *n->marks);
  jv_free(a, n->accesses, n->access_capacity);
  jv_free(a, n, sizeof *n);
}

#else

bool jv_native_compile(javm_program *program) {
  (void)program;
  return true;
}
size_t jv_native_bytes(const jv_native *native) {
  (void)native;
  return 0;
}
void jv_native_free(jv_native *native) { (void)native; }

#endif
