/*
 * Running a program one instruction at a time, straight from the decoded form. The state between two instructions is
 * whole, so this is what runs where gas is too short for a region, and what the interpreter is compared with. Also
 * what the engines share about exits.
 */
#include "base/error.h"
#include "exec/body.h"
#include "exec/engine.h"
#include "exec/gas.h"

javm_exit jv_access_exit(const javm_program *p, const jv_mem *mem, jv_touch touch) {
  javm_exit exit = {JAVM_EXIT_ERROR, 0, 0, mem->status};
  if (touch == JV_TOUCH_FAULT) {
    /* In the jam sets the first 2^16 bytes are for catching null pointers: a panic. */
    bool panics = p->code.isa != JAVM_ISA_JAVM && mem->fault_page < 0x10000 / JAVM_PAGE_BYTES;
    exit.kind = panics ? JAVM_EXIT_PANIC : JAVM_EXIT_PAGE_FAULT;
    exit.address = panics ? 0 : mem->fault_page * JAVM_PAGE_BYTES;
    exit.status = JAVM_OK;
  }
  return exit;
}

bool jv_leave_at_ecall(const javm_program *p, jv_state *s, const jv_ecall_site *from, javm_ecall_action action,
                       javm_exit *exit) {
  *exit = (javm_exit){JAVM_EXIT_HALT, 0, 0, JAVM_OK};
  switch (action) {
  case JAVM_ECALL_CONTINUE:
  case JAVM_ECALL_HALT: return false;
  case JAVM_ECALL_LEAVE:
    exit->kind = from->kind == JAVM_ECALL ? JAVM_EXIT_ECALL : JAVM_EXIT_HOST_CALL;
    exit->number = from->immediate;
    return false;
  case JAVM_ECALL_REFUSE: exit->kind = JAVM_EXIT_TRAP; break;
  case JAVM_ECALL_FAIL:
    exit->kind = JAVM_EXIT_ERROR;
    exit->status = s->mem->status == JAVM_OK ? JAVM_OUT_OF_MEMORY : s->mem->status;
    s->gas = jv_is_block_model(p) ? from->gas : from->gas + 1;
    s->instructions--;
    break;
  }
  s->pc = from->pc;
  s->paid = jv_is_block_model(p);
  return false;
}

/* One instruction on its way. */
typedef struct step {
  const javm_program *program;
  jv_state *state;
  jv_ecall_fn handler;
  void *ctx;
  jv_decoded insn;
  uint32_t next; /* where it goes on: the next instruction, or the target */
  javm_exit exit;
} step;

/* What one instruction came to. */
typedef enum outcome {
  GO_ON,
  EXITED,
  SETTLED, /* likewise, and the state is as at the exit */
  NOT_MINE /* another function has this opcode */
} outcome;

static outcome leave(step *t, javm_exit_kind kind) {
  t->exit.kind = kind;
  return EXITED;
}

static outcome jump_to(step *t, uint32_t target) {
  if (!jv_bits_get(&t->program->block_starts, target)) return leave(t, JAVM_EXIT_PANIC);
  t->next = target;
  return GO_ON;
}

static outcome jump_dynamic(step *t, uint32_t address) {
  const javm_code *code = &t->program->code;
  if (address == JV_HALT_ADDRESS) return leave(t, JAVM_EXIT_HALT);
  if (address == 0 || address % 2 != 0 || address / 2 > code->jump_count) return leave(t, JAVM_EXIT_PANIC);
  return jump_to(t, code->jump_table[address / 2 - 1]);
}

static outcome access_failed(step *t, jv_touch touch) {
  t->exit = jv_access_exit(t->program, t->state->mem, touch);
  return EXITED;
}

static outcome step_value(step *t) {
  const jv_decoded *i = &t->insn;
  uint64_t *regs = t->state->regs, a = regs[i->a], b = regs[i->b], d = regs[i->d];
  switch (i->op) {
#define RRR(name, value)                                                                                               \
  case JV_OP_##name: regs[i->d] = jv_value_##name(a, b, d); return GO_ON;
#define RRI(name, value)                                                                                               \
  case JV_OP_##name: regs[i->a] = jv_value_##name(a, b, i->x); return GO_ON;
#define RR(name, value)                                                                                                \
  case JV_OP_##name: regs[i->d] = jv_value_##name(a); return GO_ON;
#define LI(name)                                                                                                       \
  case JV_OP_##name: regs[i->a] = i->x; return GO_ON;
#include "exec/body.def"
  default: return NOT_MINE;
  }
}

static outcome load(step *t, uint64_t address, unsigned bytes, uint64_t *value) {
  uint8_t raw[8];
  jv_touch touch = jv_mem_read(t->state->mem, (uint32_t)address, raw, bytes);
  if (touch != JV_TOUCH_OK) return access_failed(t, touch);
  *value = jv_load_le(raw, bytes);
  return GO_ON;
}

static outcome store(step *t, uint64_t address, uint64_t value, unsigned bytes) {
  uint8_t raw[8];
  jv_store_le(raw, value, bytes);
  jv_touch touch = jv_mem_write(t->state->mem, (uint32_t)address, raw, bytes);
  return touch == JV_TOUCH_OK ? GO_ON : access_failed(t, touch);
}

static outcome step_memory(step *t) {
  const jv_decoded *i = &t->insn;
  uint64_t *regs = t->state->regs, a = regs[i->a], b = regs[i->b], v = 0;
  outcome result;
  switch (i->op) {
#define LOAD(absolute, indirect, bytes, value)                                                                         \
  case JV_OP_##absolute:                                                                                               \
  case JV_OP_##indirect:                                                                                               \
    result = load(t, i->op == JV_OP_##absolute ? i->x : b + i->x, bytes, &v);                                          \
    if (result == GO_ON) regs[i->a] = jv_value_##absolute(v);                                                          \
    return result;
#define STORE(imm, absolute, imm_indirect, indirect, bytes)                                                            \
  case JV_OP_##imm: return store(t, i->x, i->y, bytes);                                                                \
  case JV_OP_##absolute: return store(t, i->x, a, bytes);                                                              \
  case JV_OP_##imm_indirect: return store(t, a + i->x, i->y, bytes);                                                   \
  case JV_OP_##indirect: return store(t, b + i->x, a, bytes);
#include "exec/body.def"
  default: return NOT_MINE;
  }
}

static outcome step_control(step *t) {
  const jv_decoded *i = &t->insn;
  jv_state *s = t->state;
  uint64_t a = s->regs[i->a], b = s->regs[i->b];
  uint32_t pc = s->pc;
  switch (i->op) {
#define BRR(name, condition)                                                                                           \
  case JV_OP_##name: return jv_taken_##name(a, b) ? jump_to(t, i->target) : GO_ON;
#define BRI(name, condition)                                                                                           \
  case JV_OP_##name: return jv_taken_##name(a, i->x) ? jump_to(t, i->target) : GO_ON;
#include "exec/body.def"
  case JV_OP_jump: return jump_to(t, i->target);
  case JV_OP_load_imm_jump: s->regs[i->a] = i->x; return jump_to(t, i->target);
  case JV_OP_jump_ind: return jump_dynamic(t, (uint32_t)(a + i->x));
  case JV_OP_load_imm_jump_ind: s->regs[i->a] = i->x; return jump_dynamic(t, (uint32_t)(b + i->y));
  case JV_OP_sbrk: s->regs[i->d] = jv_mem_sbrk(s->mem, a); return GO_ON;
  case JV_OP_fallthrough:
  case JV_OP_unlikely: return GO_ON;
  case JV_OP_ecall:
  case JV_OP_ecalli:
    s->pc = t->next;
    return jv_ecall(t->program, s, pc, i->op, (uint32_t)i->x, t->handler, t->ctx, &t->exit) ? GO_ON : SETTLED;
  case JV_OP_trap: return leave(t, JAVM_EXIT_TRAP);
  default: return leave(t, JAVM_EXIT_PANIC);
  }
}

uint64_t jv_next_charge(const javm_program *p, const jv_state *s) {
  if (!jv_is_block_model(p)) return 1;
  return s->paid ? 0 : jv_gas_block_cost(&p->code, p->gas_model, p->load_cycles, s->pc);
}

javm_exit jv_run_stepwise(const javm_program *p, jv_state *s, jv_ecall_fn handler, void *ctx,
                          uint64_t instruction_limit, bool *limit_reached) {
  step t = {.program = p, .state = s, .handler = handler, .ctx = ctx};
  bool blocks = jv_is_block_model(p);
  if (limit_reached) *limit_reached = false;
  for (uint64_t n = 0; n < instruction_limit; n++) {
    uint64_t cost = jv_next_charge(p, s);
    if (s->gas < cost) {
      s->paid = false;
      t.exit.kind = JAVM_EXIT_OUT_OF_GAS;
      return t.exit;
    }
    s->gas -= cost;
    s->instructions++;
    s->paid = blocks;
    jv_decode(&p->code, s->pc, &t.insn);
    t.next = s->pc + 1 + t.insn.skip;
    outcome result = step_value(&t);
    if (result == NOT_MINE) result = step_memory(&t);
    if (result == NOT_MINE) result = step_control(&t);
    if (result == EXITED && t.exit.kind == JAVM_EXIT_ERROR) {
      s->gas += blocks ? 0 : 1;
      s->instructions--;
    }
    if (result != GO_ON) return t.exit;
    s->pc = t.next;
    s->paid = blocks && !jv_op_ends_block(p->code.isa, t.insn.op);
  }
  if (limit_reached) *limit_reached = true;
  return t.exit;
}

javm_exit jv_run_block(const javm_program *p, jv_state *s, jv_ecall_fn handler, void *ctx, uint64_t instruction_limit,
                       bool *limit_reached) {
  javm_exit exit = {JAVM_EXIT_ERROR, 0, 0, JAVM_OK};
  *limit_reached = true;
  for (uint64_t n = 0; n < instruction_limit; n++) {
    jv_decoded insn;
    jv_decode(&p->code, s->pc, &insn);
    exit = jv_run_stepwise(p, s, handler, ctx, 1, limit_reached);
    if (!*limit_reached || jv_op_ends_block(p->code.isa, insn.op)) break;
  }
  return exit;
}
