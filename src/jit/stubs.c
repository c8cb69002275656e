/*
 * The ways into native code and out of it, at the start of each program's code. Whatever leaves native code, even for a
 * moment, stores the guest's registers and gas into the state first; what comes back loads them.
 */
#include "jit/native.h"

#include "jit/fault.h"

#if JV_HAS_RECOMPILER

#include <assert.h>
#include <stddef.h>

static const jv_x64_reg saved[JV_SAVED_COUNT] = {JV_SAVED_REGS};

#define FIELD(name) ((int32_t)offsetof(jv_frame, name))
#define STATE(name) ((int32_t)offsetof(jv_state, name))
#define MEM(name) ((int32_t)offsetof(jv_mem, name))
#define RUN(name) ((int32_t)offsetof(jv_run_context, name))
static_assert(offsetof(jv_state, regs) == 0, "registers are stored at the start of the state");

/* `pushed`: bytes between rsp and the frame. rdx is the state then. */
static void store_regs(jv_x64 *x, int32_t pushed) {
  x64_load(x, 1, RDX, RSP, FIELD(state) + pushed);
  for (unsigned r = 0; r < JAVM_REG_COUNT; r++) x64_store(x, 1, RDX, 8 * (int32_t)r, jv_host_reg(r));
}

static void store_state(jv_x64 *x, int32_t pushed) {
  store_regs(x, pushed);
  x64_store(x, 1, RDX, STATE(gas), JV_GAS_REG);
}

static void load_state(jv_x64 *x, int32_t pushed) {
  x64_load(x, 1, RDX, RSP, FIELD(state) + pushed);
  for (unsigned r = 0; r < JAVM_REG_COUNT; r++) x64_load(x, 1, jv_host_reg(r), RDX, 8 * (int32_t)r);
  x64_load(x, 1, JV_GAS_REG, RDX, STATE(gas));
}

/* rsp is a multiple of 16. */
static void call_c(jv_x64 *x, uintptr_t function) {
  x64_mov_imm(x, RAX, function);
  x64_call_reg(x, RAX);
}

static void return_to_c(jv_x64 *x) {
  x64_alu_imm(x, ALU_ADD, 1, RSP, JV_FRAME_BYTES);
  for (unsigned i = JV_SAVED_COUNT; i-- > 0;) x64_pop(x, saved[i]);
  x64_ret(x);
}

/* int enter(jv_run_context *run, const void *target, const void *table) */
static void make_enter(jv_x64 *x) {
  for (unsigned i = 0; i < JV_SAVED_COUNT; i++) x64_push(x, saved[i]);
  x64_alu_imm(x, ALU_SUB, 1, RSP, JV_FRAME_BYTES);
  x64_store(x, 1, RSP, FIELD(run), RDI);
  x64_store(x, 1, RSP, FIELD(scratch), RSI);
  x64_store(x, 1, RSP, FIELD(table), RDX);
  x64_store_imm(x, 1, RSP, FIELD(instructions), 0);
  x64_load(x, 1, RAX, RDI, RUN(state));
  x64_store(x, 1, RSP, FIELD(state), RAX);
  load_state(x, 0);
  x64_jmp_mem(x, RSP, FIELD(scratch));
}

/* Leaves; edx is the pc, or what else jv_on_leave is to know. */
static uint32_t make_leave(jv_x64 *x, jv_leave why) {
  uint32_t at = x64_here(x);
  x64_store(x, 1, RSP, FIELD(scratch), RDX);
  store_state(x, 0);
  x64_mov(x, 1, RDI, RSP);
  x64_mov_imm(x, RSI, why);
  x64_load(x, 1, RDX, RSP, FIELD(scratch));
  call_c(x, (uintptr_t)jv_on_leave);
  return_to_c(x);
  return at;
}

/* A function that native code calls: its argument, from rdx, is on top of the stack then, and the frame this far up. */
enum { CALLED = 16 };

static uint32_t begin_called(jv_x64 *x, jv_stubs *stubs) {
  uint32_t at = x64_here(x);
  x64_push(x, RDX);
  stubs->call_bytes = x64_here(x) - at;
  return at;
}

static void return_to_guest(jv_x64 *x) {
  x64_pop(x, RDX);
  x64_ret(x);
}

/* C has answered whether to go on. */
static void end_called(jv_x64 *x) {
  x64_test(x, 0, RAX, RAX);
  uint32_t leaves = x64_jcc_short(x, CC_NE);
  load_state(x, CALLED);
  return_to_guest(x);
  x64_patch_short(x, leaves);
  x64_alu_imm(x, ALU_ADD, 1, RSP, CALLED);
  return_to_c(x);
}

static uint32_t make_sbrk(jv_x64 *x, jv_stubs *stubs) {
  uint32_t at = begin_called(x, stubs);
  store_state(x, CALLED);
  x64_lea(x, 1, RDI, RSP, CALLED);
  x64_load(x, 1, RSI, RSP, 0);
  call_c(x, (uintptr_t)jv_on_sbrk);
  end_called(x);
  return at;
}

/* The state as the handler is to find it. rdx is the state, and rax becomes the run. */
static void prepare_ecall(jv_compiler *c, uint8_t op) {
  jv_x64 *x = &c->x;
  x64_load(x, 1, RAX, RSP, FIELD(run) + CALLED);
  if (c->native->has_checks) x64_alu_load(x, ALU_ADD, 1, JV_GAS_REG, RAX, RUN(reserve));
  x64_store(x, 1, RDX, STATE(gas), JV_GAS_REG);
  if (c->program->counts_instructions) {
    x64_load(x, 1, RCX, RSP, FIELD(instructions) + CALLED);
    x64_store_imm(x, 1, RSP, FIELD(instructions) + CALLED, 0);
    x64_alu_store(x, ALU_ADD, 1, RDX, STATE(instructions), RCX);
  }
  x64_load(x, 0, RCX, RSP, 4);
  x64_store(x, 0, RDX, STATE(pc), RCX);
  x64_store_imm8(x, RDX, STATE(paid), jv_stays_paid(c->program, op));
  x64_load(x, 1, RCX, RDX, STATE(mem));
  x64_store_imm(x, 0, RCX, MEM(status), JAVM_OK);
}

/* Is the function one that keeps this guest register? */
static bool c_keeps(unsigned guest) {
  bool kept = false;
  for (unsigned i = 0; i < JV_SAVED_COUNT; i++) kept |= saved[i] == jv_host_reg(guest);
  return kept;
}

/*
 * As jv_ecall. The handler is called from here. Where it says RETURNED, and nothing else is unusual, no other C has a
 * part in it, and the registers that a C function keeps have their values yet; the gas has so in any case.
 */
static uint32_t make_ecall(jv_compiler *c, uint8_t op) {
  jv_x64 *x = &c->x;
  uint32_t at = begin_called(x, &c->native->stubs), unusual[3], count = 0;
  store_regs(x, CALLED);
  prepare_ecall(c, op);
  x64_mov(x, 1, RSI, RDX);
  x64_load(x, 0, RCX, RSP, 0);
  x64_mov_imm(x, RDX, op == JV_OP_ecalli ? JAVM_ECALLI : JAVM_ECALL);
  x64_load(x, 1, RDI, RAX, RUN(ctx));
  x64_call_mem(x, RAX, RUN(handler));
  x64_alu_imm(x, ALU_CMP, 0, RAX, JV_ECALL_RETURNED);
  unusual[count++] = x64_jcc(x, CC_NE);
  x64_load(x, 1, RCX, RSP, FIELD(run) + CALLED);
  x64_cmp_fs(x, jv_current_run_place(), RCX);
  unusual[count++] = x64_jcc(x, CC_NE);
  x64_load(x, 1, RDX, RSP, FIELD(state) + CALLED);
  if (c->native->has_checks) {
    x64_alu_load(x, ALU_SUB, 1, JV_GAS_REG, RCX, RUN(reserve));
  } else {
    x64_load(x, 1, RCX, RDX, STATE(mem));
    x64_alu_mem_imm8(x, ALU_CMP, 1, RCX, MEM(window), 0);
    unusual[count++] = x64_jcc(x, CC_E);
  }
  for (unsigned r = 0; r < JAVM_REG_COUNT; r++)
    if (!c_keeps(r)) x64_load(x, 1, jv_host_reg(r), RDX, 8 * (int32_t)r);
  return_to_guest(x);
  while (count > 0) x64_patch(x, unusual[--count], x64_here(x));
  x64_lea(x, 1, RDI, RSP, CALLED);
  x64_mov(x, 0, RSI, RAX);
  x64_mov(x, 1, RDX, JV_GAS_REG);
  x64_load(x, 1, RCX, RSP, 0);
  call_c(x, (uintptr_t)jv_after_ecall);
  end_called(x);
  return at;
}

/* The signal handler comes here, with rsp as it was at the access. */
static uint32_t make_fault(jv_x64 *x) {
  uint32_t at = x64_here(x);
  store_state(x, 0);
  x64_mov(x, 1, RDI, RSP);
  call_c(x, (uintptr_t)jv_on_fault);
  x64_test(x, 0, RAX, RAX);
  uint32_t leaves = x64_jcc_short(x, CC_NE);
  load_state(x, 0);
  x64_load(x, 1, RDX, RSP, FIELD(fault_rdx));
  x64_jmp_mem(x, RSP, FIELD(fault_at));
  x64_patch_short(x, leaves);
  return_to_c(x);
  return at;
}

/* The read table is where gs is; the write table lies behind it. */
#define WRITE_TABLE ((int32_t)(JV_GUEST_PAGES * sizeof(uintptr_t)))

/*
 * Explicit checks: called with the guest address in rdx, gives the host address there. An access that the tables do not
 * answer goes the way of a fault, to come back to the call or not at all.
 */
static uint32_t make_check(jv_x64 *x, const jv_stubs *stubs, unsigned log_bytes, bool write) {
  uint32_t at = x64_here(x), unaligned = 0, crosses = 0;
  x64_push(x, RAX);
  if (log_bytes) {
    x64_mov(x, 0, RAX, RDX);
    x64_alu_imm(x, ALU_AND, 0, RAX, (1 << log_bytes) - 1);
    unaligned = x64_jcc_short(x, CC_NE);
  }
  uint32_t fits = x64_here(x);
  x64_mov(x, 0, RAX, RDX);
  x64_shift_imm(x, SH_SHR, 0, RAX, 12);
  x64_load_gs_index(x, RAX, RAX, 3, write ? WRITE_TABLE : 0);
  x64_test(x, 1, RAX, RAX);
  uint32_t absent = x64_jcc_short(x, CC_E);
  x64_alu(x, ALU_ADD, 1, RDX, RAX);
  x64_pop(x, RAX);
  x64_ret(x);
  if (log_bytes) {
    x64_patch_short(x, unaligned);
    x64_mov(x, 0, RAX, RDX);
    x64_alu_imm(x, ALU_AND, 0, RAX, JAVM_PAGE_BYTES - 1);
    x64_alu_imm(x, ALU_CMP, 0, RAX, (int32_t)JAVM_PAGE_BYTES - (1 << log_bytes));
    crosses = x64_jcc_short(x, CC_A);
    x64_jmp_to(x, fits);
    x64_patch_short(x, crosses);
  }
  x64_patch_short(x, absent);
  /* The call is five bytes; the access is known by its place, as one that faults. */
  x64_pop(x, RAX);
  x64_store(x, 1, RSP, FIELD(fault_rdx) + 8, RDX);
  x64_pop(x, RDX);
  x64_alu_imm(x, ALU_SUB, 1, RDX, 5);
  x64_store(x, 1, RSP, FIELD(fault_at), RDX);
  x64_jmp_to(x, stubs->fault);
  return at;
}

void jv_make_stubs(jv_compiler *c) {
  jv_x64 *x = &c->x;
  jv_stubs *s = &c->native->stubs;
  s->enter = x64_here(x);
  make_enter(x);
  s->ecall = make_ecall(c, JV_OP_ecall);
  s->ecalli = make_ecall(c, JV_OP_ecalli);
  s->sbrk = make_sbrk(x, s);
  s->fault = make_fault(x);
  s->trap = make_leave(x, JV_LEAVE_TRAP);
  s->panic = make_leave(x, JV_LEAVE_PANIC);
  s->bad_jump = x64_here(x); /* edx is the address, turned right by one */
  x64_shift_imm(x, SH_ROL, 0, RDX, 1);
  make_leave(x, JV_LEAVE_BAD_JUMP);
  s->bad_target = make_leave(x, JV_LEAVE_BAD_TARGET);
  s->out_of_gas = x64_here(x); /* called by the point's own stub, so that the return address says which */
  x64_pop(x, RDX);
  make_leave(x, JV_LEAVE_OUT_OF_GAS);
  for (unsigned write = 0; c->native->has_checks && write < 2; write++)
    for (unsigned n = 0; n < 4; n++) s->check[write][n] = make_check(x, s, n, write);
}

#else

typedef int jv_no_stubs; /* an empty file is not C */

#endif
