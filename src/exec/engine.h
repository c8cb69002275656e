/* Running a program: the state, and the one entry that every engine has. */
#ifndef JV_EXEC_ENGINE_H
#define JV_EXEC_ENGINE_H

#include "base/error.h"
#include "exec/mem.h"
#include "exec/program.h"

#define JV_ANNOUNCE_ALL (JAVM_ANNOUNCE_PERF_MAP | JAVM_ANNOUNCE_JITDUMP | JAVM_ANNOUNCE_GDB)
#define JV_HALT_ADDRESS UINT32_C(0xffff0000) /* a dynamic jump there halts */

typedef struct jv_state jv_state;

/* The ecall handler. state->pc is past the instruction; registers, memory and gas are exact and may be changed. On
 * FAIL the exit's status is mem->status if the handler set one (as a failed access does), else OUT_OF_MEMORY; gas is
 * as before. */
typedef javm_ecall_action (*jv_ecall_fn)(void *ctx, jv_state *state, javm_ecall_kind kind, uint32_t immediate);
/* A CONTINUE that the engine is quicker after: of registers and gas, φ[7] and φ[8] alone may have changed. */
#define JV_ECALL_RETURNED ((javm_ecall_action)0x100)

struct jv_state {
  uint64_t regs[JAVM_REG_COUNT];
  uint64_t gas;
  uint64_t instructions; /* run so far */
  uint32_t pc;
  bool paid; /* block models: pc is in a block that is paid for, as after an exit in its middle */
  jv_mem *mem;
};

/*
 * Runs until an exit. On return regs, gas, instructions, pc and paid are exact and a new call goes on from there.
 *
 * An instruction that traps, panics, faults or halts counts as run and its charge is kept. One that ends in OUT_OF_GAS
 * or ERROR does not count; an ERROR (status in exit and in mem) leaves the state before the instruction at pc. In the
 * block models no exit gives anything back, and every exit but OUT_OF_GAS and those behind an ecall that ends its
 * block leaves `paid` set. In the instruction model `paid` is false after every exit.
 */
javm_exit jv_run(const javm_program *program, jv_state *state, jv_ecall_fn handler, void *ctx);

/* The interpreter alone, also for a program that has native code; predecodes it then (no memory: ERROR). */
javm_exit jv_interpret(const javm_program *program, jv_state *state, jv_ecall_fn handler, void *ctx);

/*
 * The recompiler (src/jit). compile: sets the program's `native`, code with explicit checks, and its block starts; leaves both
 * NULL where there is no recompiler for this host, the system gives no memory for code, or one block costs more than 2^31: the
 * interpreter runs it then; false: out of memory. cost: of the block that starts at pc. run: as jv_run, but that `instructions` is counted only where the program
 * says so.
 */
bool jv_native_compile(javm_program *program);
void jv_native_free(jv_native *native);          /* NULL is allowed */
size_t jv_native_bytes(const jv_native *native); /* NULL: 0 */
uint32_t jv_native_cost(const jv_native *native, uint32_t pc);
/* The code that a long run is in, made if need be; NULL: there is none, or no memory. Whole; and of a block by its index in
 * program->blocks. */
const jv_native *jv_native_hot(const javm_program *program);
void jv_native_code(const jv_native *native, const uint8_t **code, size_t *size_bytes);
void jv_native_block(const javm_program *program, const jv_native *native, size_t index, size_t *offset,
                     size_t *size_bytes);
/* Announces all code of the program in these ways (JAVM_ANNOUNCE_...), until it is freed; gives those that failed. */
uint32_t jv_native_announce(const javm_program *program, uint32_t ways, javm_name_fn name_of, void *name_ctx);
javm_exit jv_native_run(const javm_program *program, jv_state *state, jv_ecall_fn handler, void *ctx);
/* Likewise, together with the interpreter, block by block; the first difference is an ERROR with the status INTERNAL, and
 * mem->failure says what it is. The state is the recompiler's, behind the block, then. */
javm_exit jv_lockstep_run(const javm_program *program, jv_state *state, jv_ecall_fn handler, void *ctx);

/*
 * The same, one instruction at a time from the decoded form: slow and obvious; the interpreter uses it where gas is
 * short. After instruction_limit instructions it returns with *limit_reached (may be NULL) true and no meaning in the
 * exit.
 */
javm_exit jv_run_stepwise(const javm_program *program, jv_state *state, jv_ecall_fn handler, void *ctx,
                          uint64_t instruction_limit, bool *limit_reached);

/* Likewise to the end of the block that pc is in: until an instruction that ends one has run, or after instruction_limit. */
javm_exit jv_run_block(const javm_program *program, jv_state *state, jv_ecall_fn handler, void *ctx,
                       uint64_t instruction_limit, bool *limit_reached);

/* What the state must pay before its next instruction runs. */
uint64_t jv_next_charge(const javm_program *program, const jv_state *state);

/* For the engines: the exit for an access that jv_mem_touch and its like refused. */
javm_exit jv_access_exit(const javm_program *program, const jv_mem *mem, jv_touch touch);

static inline bool jv_is_block_model(const javm_program *p) { return p->gas_model != JAVM_GAS_INSTRUCTION; }

/* Is pc still in a paid block behind this ecall or ecalli? */
static inline bool jv_stays_paid(const javm_program *p, uint8_t op) {
  return jv_is_block_model(p) && !jv_op_ends_block(p->code.isa, op);
}

/* An ecall or ecalli under way, and the gas at it. */
typedef struct jv_ecall_site {
  uint32_t pc, immediate;
  javm_ecall_kind kind;
  uint64_t gas;
} jv_ecall_site;

/* What follows where the handler does not say CONTINUE: *exit, and the state is as at that exit. Gives false. */
bool jv_leave_at_ecall(const javm_program *program, jv_state *state, const jv_ecall_site *from,
                       javm_ecall_action action, javm_exit *exit);

/*
 * For the engines: the ecall or ecalli at `pc`, which is paid and counted; state->pc is past it, the rest of the state
 * exact. False: *exit, and the state is as at that exit. True: go on at state->pc.
 */
static inline bool jv_ecall(const javm_program *p, jv_state *s, uint32_t pc, uint8_t op, uint32_t immediate,
                            jv_ecall_fn handler, void *ctx, javm_exit *exit) {
  jv_ecall_site from = {pc, immediate, op == JV_OP_ecall ? JAVM_ECALL : JAVM_ECALLI, s->gas};
  s->paid = jv_stays_paid(p, op);
  s->mem->status = JAVM_OK;
  javm_ecall_action action = JV_LIKELY(handler) ? handler(ctx, s, from.kind, immediate) : JAVM_ECALL_LEAVE;
  return action == JAVM_ECALL_CONTINUE || action == JV_ECALL_RETURNED || jv_leave_at_ecall(p, s, &from, action, exit);
}

struct javm_machine {
  const javm_allocator *allocator;
  javm_program *program;
  jv_state state;
  jv_mem mem;
};

#endif
