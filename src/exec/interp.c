/*
 * The interpreter: threaded code over the records of a predecoded program.
 *
 * The ideas that the macros name:
 *   HANDLER(h)     the code for a handler begins
 *   EXEC_<shape>   what one instruction does, given its place k in the handler's group and where its operands come from
 *   NEXT(n)        on to the record n further, in the same region, which is paid for
 *   ENTER(to)      on to the first record of a region: pays for the region, or goes to out_of_gas
 *
 * Gas and the count of instructions are in hand for the whole region; an exit in its middle gives back what was not run
 * (settle). The registers stay in the state; ip, gas, the count and the memory tables are in host registers.
 */
#include "base/error.h"
#include "exec/body.h"
#include "exec/engine.h"
#include "exec/gas.h"
#include "exec/insn.h"

#if JV_THREADED
#pragma GCC diagnostic ignored "-Wpedantic"
#define HANDLER(h) label_##h:
#if defined(__clang__)
/* One such jump: clang is slow with many, and copies it to where it is used by itself. */
#define DISPATCH() goto dispatch
#else
#define DISPATCH() goto *ip->handler
#endif
#else
#define HANDLER(h) case h:
#define DISPATCH() goto dispatch
#endif

#if defined(__GNUC__)
#define COLD __attribute__((noinline, cold))
#else
#define COLD
#endif

/* ------------------------------------------------------------------------------------------------ slow paths */

typedef struct slow_result {
  uint64_t value;
  jv_touch touch;
} slow_result;

static COLD slow_result slow_load(jv_mem *m, uint32_t address, unsigned bytes) {
  uint8_t raw[8];
  slow_result result = {0, jv_mem_read(m, address, raw, bytes)};
  if (result.touch == JV_TOUCH_OK) result.value = jv_load_le(raw, bytes);
  return result;
}

static COLD jv_touch slow_store(jv_mem *m, uint32_t address, uint64_t value, unsigned bytes) {
  uint8_t raw[8];
  jv_store_le(raw, value, bytes);
  return jv_mem_write(m, address, raw, bytes);
}

static bool is_taken(const jv_insn *insn, const uint64_t *regs) {
  uint64_t a = regs[insn->a], b = regs[insn->b], x = insn->x;
  switch (insn->op) {
#define BRR(name, condition)                                                                                           \
  case JV_OP_##name: return jv_taken_##name(a, b);
#define BRI(name, condition)                                                                                           \
  case JV_OP_##name: return jv_taken_##name(a, x);
#include "exec/body.def"
  default: return true;
  }
}

/* Writes the run's state back, for an exit at `ip` that leaves `unrun` instructions of its region undone. */
static void settle(const javm_program *p, jv_state *s, const jv_insn *ip, uint64_t gas, uint64_t count,
                   uint32_t unrun) {
  const jv_records *r = jv_program_records(p);
  s->pc = r->pcs[ip - r->insns];
  s->gas = jv_is_block_model(p) ? gas : gas + unrun;
  s->instructions = count - unrun;
  s->paid = jv_is_block_model(p);
}

/* The exit for an access that failed at `ip`. */
static COLD javm_exit access_exit(const javm_program *p, jv_state *s, const jv_insn *ip, uint64_t gas, uint64_t count,
                                  jv_touch touch) {
  bool fault = touch == JV_TOUCH_FAULT;
  settle(p, s, ip, gas, count, ip->count - fault);
  return jv_access_exit(p, s->mem, touch);
}

/* Less gas is left than the region at pc costs. In the instruction model some of its instructions can run yet. */
static COLD javm_exit unpaid_exit(const javm_program *p, jv_state *s, jv_ecall_fn handler, void *ctx) {
  s->paid = false;
  if (!jv_is_block_model(p)) return jv_run_stepwise(p, s, handler, ctx, UINT64_MAX, NULL);
  return (javm_exit){JAVM_EXIT_OUT_OF_GAS, 0, 0, JAVM_OK};
}

/* Pays for the run's first region, which may begin anywhere. False: not enough gas. */
static bool pay_entry(const javm_program *p, jv_state *s, const jv_insn *ip) {
  uint32_t cost = ip->cost;
  if (jv_is_block_model(p)) {
    if (s->paid)
      cost = 0;
    else if (!jv_bits_get(&p->block_starts, s->pc))
      cost = jv_gas_block_cost(&p->code, p->gas_model, p->load_cycles, s->pc);
  }
  if (s->gas < cost) return false;
  s->gas -= cost;
  s->instructions += ip->count;
  return true;
}

/* ---------------------------------------------------------------------------------------------------- shapes */

#define REG(role, k) regs[ip[k].role]

/* Operands of the instruction at place k: the result of an earlier one where `from` says so, else a register. */
#define A_N(k) REG(a, k)
#define A_A0(k) v0
#define A_B0(k) REG(a, k)
#define A_A1(k) v1
#define A_B1(k) REG(a, k)
#define B_N(k) REG(b, k)
#define B_A0(k) REG(b, k)
#define B_B0(k) v0
#define B_A1(k) REG(b, k)
#define B_B1(k) v1

#define EXEC_RRR(k, name, from)                                                                                        \
  v##k = jv_value_##name(A_##from(k), B_##from(k), REG(d, k));                                                         \
  REG(d, k) = v##k;
#define EXEC_RRI(k, name, from)                                                                                        \
  v##k = jv_value_##name(REG(a, k), B_##from(k), ip[k].x);                                                             \
  REG(a, k) = v##k;
/* The registers that these write. */
#define RESULT_RRR(k) REG(d, k)
#define RESULT_RRI(k) REG(a, k)
#define EXEC_RR(k, name, from)                                                                                         \
  v##k = jv_value_##name(A_##from(k));                                                                                 \
  REG(d, k) = v##k;
#define EXEC_LI(k, name, from)                                                                                         \
  v##k = ip[k].x;                                                                                                      \
  REG(a, k) = v##k;

#define CROSSES_PAGE(address, bytes) ((bytes) > 1 && ((address) & 4095) > 4096 - (bytes))
#define EXEC_LOAD(k, name, where)                                                                                      \
  {                                                                                                                    \
    uint32_t address = (uint32_t)(where);                                                                              \
    uintptr_t word = read[address >> 12];                                                                              \
    if (JV_LIKELY(word && !CROSSES_PAGE(address, JV_BYTES_##name))) {                                                  \
      v##k = jv_host_load(word + address, JV_BYTES_##name);                                                            \
    } else {                                                                                                           \
      slow_result slow = slow_load(state->mem, address, JV_BYTES_##name);                                              \
      v##k = slow.value;                                                                                               \
      touch = slow.touch;                                                                                              \
      if (JV_UNLIKELY(touch != JV_TOUCH_OK)) {                                                                         \
        ip += k;                                                                                                       \
        goto access_failed;                                                                                            \
      }                                                                                                                \
    }                                                                                                                  \
    v##k = jv_value_##name(v##k);                                                                                      \
    REG(a, k) = v##k;                                                                                                  \
  }
#define EXEC_STORE(k, name, where, value)                                                                              \
  {                                                                                                                    \
    uint32_t address = (uint32_t)(where);                                                                              \
    uintptr_t word = write[address >> 12];                                                                             \
    if (JV_LIKELY(word && !CROSSES_PAGE(address, JV_BYTES_##name))) {                                                  \
      jv_host_store(word + address, value, JV_BYTES_##name);                                                           \
    } else {                                                                                                           \
      touch = slow_store(state->mem, address, value, JV_BYTES_##name);                                                 \
      if (JV_UNLIKELY(touch != JV_TOUCH_OK)) {                                                                         \
        ip += k;                                                                                                       \
        goto access_failed;                                                                                            \
      }                                                                                                                \
    }                                                                                                                  \
  }
/* Loads and stores: at an absolute address or indirect (I); stores of a register or an immediate (first I). */
#define EXEC_LD(k, name, from) EXEC_LOAD(k, name, ip[k].x)
#define EXEC_LDI(k, name, from) EXEC_LOAD(k, name, B_##from(k) + ip[k].x)
#define EXEC_ST(k, name, from) EXEC_STORE(k, name, ip[k].x, A_##from(k))
#define EXEC_STI(k, name, from) EXEC_STORE(k, name, B_##from(k) + ip[k].x, A_##from(k))
#define EXEC_IST(k, name, from) EXEC_STORE(k, name, ip[k].x, (uint64_t)(int64_t)ip[k].y)
#define EXEC_ISTI(k, name, from) EXEC_STORE(k, name, A_##from(k) + ip[k].x, (uint64_t)(int64_t)ip[k].y)

#define NEXT(n)                                                                                                        \
  {                                                                                                                    \
    ip += n;                                                                                                           \
    DISPATCH();                                                                                                        \
  }
#define PAY()                                                                                                          \
  {                                                                                                                    \
    uint32_t cost = ip->cost;                                                                                          \
    if (JV_UNLIKELY(gas < cost)) goto out_of_gas;                                                                      \
    gas -= cost;                                                                                                       \
    count += ip->count;                                                                                                \
  }
#define ENTER(to)                                                                                                      \
  {                                                                                                                    \
    ip = (to);                                                                                                         \
    PAY();                                                                                                             \
    DISPATCH();                                                                                                        \
  }
#define TARGET(k) ((const jv_insn *)((const char *)(ip + k) + ip[k].y))
#define TAKEN_BRR(k, name, from) jv_taken_##name(A_##from(k), B_##from(k))
#define TAKEN_BRI(k, name, from) jv_taken_##name(A_##from(k), ip[k].x)
#define EXEC_BRR(k, name, from)                                                                                        \
  if (TAKEN_BRR(k, name, from)) ENTER(TARGET(k));                                                                      \
  ENTER(ip + k + 1);
#define EXEC_BRI(k, name, from)                                                                                        \
  if (TAKEN_BRI(k, name, from)) ENTER(TARGET(k));                                                                      \
  ENTER(ip + k + 1);
#define EXEC_JMP(k, name, from) ENTER(TARGET(k));
/* A jump-table index is address / 2 - 1; rotating sends odd addresses, and the decrement 0, out of the table's range.
 * */
#define DJUMP(k, where)                                                                                                \
  {                                                                                                                    \
    djump_to = (uint32_t)(where);                                                                                      \
    uint32_t index = (djump_to >> 1 | djump_to << 31) - 1;                                                             \
    if (JV_LIKELY(index < program->code.jump_count) && records->jump_targets[index] != UINT32_MAX)                     \
      ENTER(records->insns + records->jump_targets[index]);                                                            \
    ip += k;                                                                                                           \
    goto bad_djump;                                                                                                    \
  }
#define EXEC_JMPI(k, name, from) DJUMP(k, A_##from(k) + ip[k].x)

/* A handler for a group of 1 to 3; the results are v0, v1, v2. */
#define VALUES                                                                                                         \
  uint64_t v0, v1, v2;                                                                                                 \
  (void)v0, (void)v1, (void)v2;
#define SINGLE(shape, name) HANDLER(JV_H_##name) { VALUES EXEC_##shape(0, name, N) NEXT(1) }

/* -------------------------------------------------------------------------------------------------- the loop */

/* The loop itself; with labels not NULL it only gives the table of its labels. */
static javm_exit run(const javm_program *program, jv_state *state, const jv_insn *ip, jv_ecall_fn handler, void *ctx,
                     const void *const **labels) {
#if JV_THREADED
  static const void *const label_table[JV_HANDLER_COUNT] = {
#define OP(number, name, format, reads, writes, ends_block, can_fault, gas) &&label_JV_H_##name,
#include "exec/ops.def"
#define FUSE2(s1, n1, s2, n2, from2) &&label_JV_H_##n1##_##n2##_##from2,
#define FUSE3(s1, n1, s2, n2, from2, s3, n3, from3) &&label_JV_H_##n1##_##n2##_##from2##_##n3##_##from3,
#define LOOP3(s1, n1, from1, s2, n2, from2, s3, n3) &&label_JV_H_loop_##n1##_##n2##_##n3,
#include "exec/fuse.def"
      &&label_JV_H_invalid, &&label_JV_H_unresolved};
  if (labels) {
    *labels = label_table;
    return (javm_exit){0};
  }
#else
  (void)labels;
#endif
  uint64_t *const regs = state->regs;
  const jv_records *const records = jv_program_records(program);
  const uintptr_t *const read = state->mem->read, *const write = state->mem->write;
  uint64_t gas = state->gas, count = state->instructions;
  uint32_t djump_to = 0;
  jv_touch touch;
  javm_exit exit = {JAVM_EXIT_PANIC, 0, 0, JAVM_OK};
#if JV_THREADED && defined(__clang__)
dispatch:
  goto *ip->handler;
#elif JV_THREADED
  DISPATCH();
#else
dispatch:
  switch (ip->handler) {
#endif

#define RRR(name, value) SINGLE(RRR, name)
#define RRI(name, value) SINGLE(RRI, name)
#define RR(name, value) SINGLE(RR, name)
#define LI(name) SINGLE(LI, name)
#define LOAD(absolute, indirect, bytes, value) SINGLE(LD, absolute) SINGLE(LDI, indirect)
#define STORE(imm, absolute, imm_indirect, indirect, bytes)                                                            \
  SINGLE(IST, imm) SINGLE(ST, absolute) SINGLE(ISTI, imm_indirect) SINGLE(STI, indirect)
#define BRR(name, condition) SINGLE(BRR, name)
#define BRI(name, condition) SINGLE(BRI, name)
#include "exec/body.def"

#define FUSE2(s1, n1, s2, n2, from2)                                                                                   \
  HANDLER(JV_H_##n1##_##n2##_##from2) { VALUES EXEC_##s1(0, n1, N) EXEC_##s2(1, n2, from2) NEXT(2) }
#define FUSE3(s1, n1, s2, n2, from2, s3, n3, from3)                                                                    \
  HANDLER(JV_H_##n1##_##n2##_##from2##_##n3##_##from3)                                                                 \
  { VALUES EXEC_##s1(0, n1, N) EXEC_##s2(1, n2, from2) EXEC_##s3(2, n3, from3) NEXT(3) }
/* v1 stays in a host register from turn to turn; it is written to the guest's, but never waited for. */
#define LOOP3(s1, n1, from1, s2, n2, from2, s3, n3)                                                                    \
  HANDLER(JV_H_loop_##n1##_##n2##_##n3) {                                                                              \
    VALUES                                                                                                             \
    v1 = RESULT_##s2(1);                                                                                               \
    for (;;) {                                                                                                         \
      EXEC_##s1(0, n1, from1) EXEC_##s2(1, n2, from2)                                                                  \
      if (!TAKEN_##s3(2, n3, A1)) ENTER(ip + 3);                                                                       \
      PAY();                                                                                                           \
    }                                                                                                                  \
  }
#include "exec/fuse.def"

  SINGLE(JMP, jump)
  SINGLE(JMPI, jump_ind)
  HANDLER(JV_H_load_imm_jump) {
    REG(a, 0) = ip->x;
    ENTER(TARGET(0));
  }
  HANDLER(JV_H_load_imm_jump_ind) {
    uint32_t to = (uint32_t)REG(b, 0) + (uint32_t)ip->y;
    REG(a, 0) = ip->x;
    DJUMP(0, to);
  }
  HANDLER(JV_H_fallthrough) ENTER(ip + 1);
  HANDLER(JV_H_unlikely) {
    if (program->code.isa != JAVM_ISA_JAVM) NEXT(1);
    ENTER(ip + 1);
  }
  HANDLER(JV_H_sbrk) {
    REG(d, 0) = jv_mem_sbrk(state->mem, REG(a, 0));
    NEXT(1);
  }
  HANDLER(JV_H_ecall)
  HANDLER(JV_H_ecalli) {
    settle(program, state, ip + 1, gas, count, 0);
    if (!jv_ecall(program, state, records->pcs[ip - records->insns], ip->op, (uint32_t)ip->x, handler, ctx, &exit))
      return exit;
    gas = state->gas;
    count = state->instructions;
    ENTER(ip + 1);
  }
  HANDLER(JV_H_trap) {
    exit.kind = JAVM_EXIT_TRAP;
    goto leave;
  }
  HANDLER(JV_H_invalid) goto leave;
  HANDLER(JV_H_unresolved) {
    if (!is_taken(ip, regs)) ENTER(ip + 1);
    if (ip->op == JV_OP_load_imm_jump) REG(a, 0) = ip->x;
    goto leave;
  }
#if !JV_THREADED
  }
#endif

bad_djump:
  if (djump_to == JV_HALT_ADDRESS) exit.kind = JAVM_EXIT_HALT;
leave:
  settle(program, state, ip, gas, count, 0);
  return exit;
access_failed:
  return access_exit(program, state, ip, gas, count, touch);
out_of_gas:
  settle(program, state, ip, gas, count, 0);
  return unpaid_exit(program, state, handler, ctx);
}

const void *const *jv_interp_labels(void) {
  const void *const *labels = NULL;
#if JV_THREADED
  run(NULL, NULL, NULL, NULL, NULL, &labels);
#endif
  return labels;
}

javm_exit jv_interpret(const javm_program *program, jv_state *state, jv_ecall_fn handler, void *ctx) {
  if (!jv_program_predecode((javm_program *)program)) return (javm_exit){.kind = JAVM_EXIT_ERROR, .status = JAVM_OUT_OF_MEMORY};
  const jv_records *r = jv_program_records(program);
  uint32_t index = jv_records_find(r, state->pc);
  if (index == UINT32_MAX) return jv_run_stepwise(program, state, handler, ctx, UINT64_MAX, NULL);
  const jv_insn *ip = &r->insns[index];
  if (!pay_entry(program, state, ip)) return unpaid_exit(program, state, handler, ctx);
  return run(program, state, ip, handler, ctx, NULL);
}

javm_exit jv_run(const javm_program *program, jv_state *state, jv_ecall_fn handler, void *ctx) {
  if (JV_UNLIKELY(program->in_lockstep)) return jv_lockstep_run(program, state, handler, ctx);
  return program->native ? jv_native_run(program, state, handler, ctx) : jv_interpret(program, state, handler, ctx);
}
