/*
 * Running native code (engine.h: jv_native_run), and what it calls: ecalls, sbrk, accesses that faulted, exits. What native
 * code cannot do at a point (a pc inside a block, an access that wraps at 2^32) is done one instruction at a time, until it
 * is at the start of a region again.
 */
#include "jit/native.h"

#if JV_HAS_RECOMPILER

#include <stddef.h>
#include <stdio.h>

#include "exec/body.h"
#include "exec/gas.h"
#include "jit/fault.h"

/* The index of the point at pc; point_count: there is none. */
static size_t find_point(const jv_native *n, uint32_t pc) {
  size_t low = 0, high = n->point_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (n->points[middle].pc < pc) low = middle + 1;
    else high = middle;
  }
  return low < n->point_count && n->points[low].pc == pc ? low : n->point_count;
}

uint32_t jv_native_cost(const jv_native *n, uint32_t pc) { return n->points[find_point(n, pc)].cost; }

void jv_native_code(const jv_native *n, const uint8_t **code, size_t *size_bytes) {
  *code = n->code;
  *size_bytes = n->code_bytes;
}

void jv_native_block(const javm_program *p, const jv_native *n, size_t index, size_t *offset, size_t *size_bytes) {
  bool is_last = index + 1 == p->block_count;
  *offset = n->points[find_point(n, p->blocks[index])].at;
  *size_bytes = (is_last ? n->blocks_end : n->points[find_point(n, p->blocks[index + 1])].at) - *offset;
}

/* The pc of the access whose code is at `at`. */
static uint32_t access_pc(const jv_native *n, uint32_t at) {
  size_t low = 0, high = n->mark_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (n->marks[middle].at <= at) low = middle + 1;
    else high = middle;
  }
  const jv_mark *m = &n->marks[low - 1];
  const uint8_t *next = n->accesses + m->next;
  uint32_t place = m->at, pc = m->pc;
  while (place < at) {
    uint32_t distance[2] = {0, 0};
    for (unsigned k = 0; k < 2; k++)
      for (unsigned shift = 0;; shift += 7) {
        distance[k] |= (uint32_t)(*next & 0x7f) << shift;
        if (!(*next++ & 0x80)) break;
      }
    place += distance[0];
    pc += distance[1];
  }
  return pc;
}

uint32_t jv_left_in_region(const javm_code *code, uint32_t pc) {
  for (uint32_t count = 1;; count++) {
    jv_decoded i;
    jv_decode(code, pc, &i);
    if (jv_op_ends_region(code->isa, i.op)) return count;
    pc += 1u + i.skip;
  }
}

/* ------------------------------------------------------------------------------------------------------ callbacks */

static void add_instructions(jv_frame *f) {
  f->state->instructions += f->instructions;
  f->instructions = 0;
}

/* The state as at pc, in the middle of a region of which `unrun` instructions (at least) are not done. */
static void settle(jv_frame *f, uint32_t pc, bool pc_was_run) {
  const javm_program *p = f->run->program;
  jv_state *s = f->state;
  s->pc = pc;
  s->paid = jv_is_block_model(p);
  add_instructions(f);
  if (jv_is_block_model(p) && !p->counts_instructions) return;
  uint32_t unrun = jv_left_in_region(&p->code, pc) - pc_was_run;
  if (!jv_is_block_model(p)) s->gas += unrun;
  if (p->counts_instructions) s->instructions -= unrun;
}

static int leave(jv_frame *f, jv_leave why) {
  f->run->leave = why;
  return 1;
}

void jv_on_leave(jv_frame *f, uint32_t why, uint32_t pc) {
  const javm_program *p = f->run->program;
  const jv_native *n = f->run->native;
  jv_state *s = f->state;
  add_instructions(f);
  f->run->leave = (jv_leave)why;
  s->paid = jv_is_block_model(p);
  javm_exit *exit = &f->run->exit;
  *exit = (javm_exit){JAVM_EXIT_PANIC, 0, 0, JAVM_OK};
  switch ((jv_leave)why) {
    case JV_LEAVE_TRAP: exit->kind = JAVM_EXIT_TRAP; break;
    case JV_LEAVE_BAD_JUMP:
      if (pc == JV_HALT_ADDRESS) exit->kind = JAVM_EXIT_HALT;
      pc = (uint32_t)f->jump_pc;
      break;
    case JV_LEAVE_BAD_TARGET: pc = (uint32_t)f->jump_pc; break;
    case JV_LEAVE_OUT_OF_GAS: {
      uint32_t at = (uint32_t)(f->scratch - (uintptr_t)n->code) - n->gas_stubs;
      const jv_point *point = &n->points[at / JV_GAS_STUB_BYTES - 1];
      exit->kind = JAVM_EXIT_OUT_OF_GAS;
      s->gas += point->cost;
      s->paid = false;
      pc = point->pc;
      break;
    }
    default: break;
  }
  s->pc = pc;
}

/* After C code that may have closed the window: native code can't go on then. */
static int go_on(jv_frame *f) {
  if (f->run->native->has_checks || f->state->mem->window) return 0;
  return leave(f, JV_LEAVE_STEP);
}

static JV_COLD int leave_at_ecall(jv_frame *f, uint64_t packed, uint64_t gas, javm_ecall_action action) {
  const javm_program *p = f->run->program;
  jv_decoded i;
  jv_ecall_site site = {.immediate = (uint32_t)packed, .gas = gas};
  site.pc = jv_ecall_pc(&p->code, (uint32_t)(packed >> 32));
  jv_decode(&p->code, site.pc, &i);
  site.kind = i.op == JV_OP_ecall ? JAVM_ECALL : JAVM_ECALLI;
  jv_leave_at_ecall(p, f->state, &site, action, &f->run->exit);
  return leave(f, JV_LEAVE_EXIT);
}

int jv_after_ecall(jv_frame *f, javm_ecall_action action, uint64_t gas, uint64_t packed) {
  jv_run_context *run = f->run;
  jv_state *s = f->state;
  uint64_t cold = gas - run->reserve;
  jv_restore_run(run);
  bool continues = action == JAVM_ECALL_CONTINUE || action == JV_ECALL_RETURNED;
  int left = continues ? go_on(f) : leave_at_ecall(f, packed, gas, action);
  if (run->reserve) {
    run->reserve = s->gas > cold ? s->gas - cold : 0;
    s->gas -= run->reserve;
  }
  return left;
}

int jv_on_sbrk(jv_frame *f, uint64_t operands) {
  jv_state *s = f->state;
  s->regs[operands & 15] = jv_mem_sbrk(s->mem, s->regs[operands >> 8]);
  return 0;
}

/* Accesses that wrap at 2^32 cost a signal each with a window. More than this, and the memory does without one. */
enum { WRAPS_MAX = 32 };

uint32_t jv_access_of(const jv_decoded *i, const uint64_t *regs, unsigned *bytes, bool *write) {
  uint64_t a = regs[i->a] + i->x, b = regs[i->b] + i->x;
  *write = true;
  switch (i->op) {
#define LOAD(absolute, indirect, size, value)                                                                          \
  case JV_OP_##absolute: *bytes = size, *write = false; return (uint32_t)i->x;                                         \
  case JV_OP_##indirect:                                                                                               \
    *bytes = size, *write = false;                                                                                     \
    return (uint32_t)b;
#define STORE(imm, absolute, imm_indirect, indirect, size)                                                             \
  case JV_OP_##imm:                                                                                                    \
  case JV_OP_##absolute: *bytes = size; return (uint32_t)i->x;                                                         \
  case JV_OP_##imm_indirect: *bytes = size; return (uint32_t)a;                                                        \
  case JV_OP_##indirect:                                                                                               \
    *bytes = size;                                                                                                     \
    return (uint32_t)b;
#include "exec/body.def"
    default: *bytes = 0; return 0;
  }
}

/* Does the access at pc, whose pages are all there, for native code that can't (it lies on two pages, or wraps at 2^32). */
static void access_here(jv_frame *f, const jv_decoded *i, uint32_t pc) {
  const javm_program *p = f->run->program;
  jv_state *s = f->state;
  uint64_t gas = s->gas, instructions = s->instructions; /* it is paid for and counted */
  bool limit_reached;
  s->pc = pc;
  s->paid = jv_is_block_model(p);
  s->gas = 1;
  jv_run_stepwise(p, s, NULL, NULL, 1, &limit_reached);
  s->gas = gas;
  s->instructions = instructions;
  f->fault_at += jv_access_bytes(f->run->native, i);
}

/* Do the tables have words for the access already? */
static bool is_ready(const jv_mem *m, uint32_t address, unsigned bytes, bool write) {
  const uintptr_t *table = write ? m->write : m->read;
  return table[address / JAVM_PAGE_BYTES] && table[(uint32_t)(address + bytes - 1) / JAVM_PAGE_BYTES];
}

/* The code accessed another place than the instruction says: going on would come back here for ever. */
static JV_COLD int wrong_access(jv_frame *f, uint32_t pc) {
  jv_mem *m = f->state->mem;
  settle(f, pc, false);
  f->run->exit = (javm_exit){.kind = JAVM_EXIT_ERROR, .status = m->status = JAVM_INTERNAL};
  snprintf(m->failure, sizeof m->failure, "native code of the access at pc 0x%x is wrong", (unsigned)pc);
  return leave(f, JV_LEAVE_EXIT);
}

int jv_on_fault(jv_frame *f) {
  const javm_program *p = f->run->program;
  jv_state *s = f->state;
  const jv_native *n = f->run->native;
  uint32_t pc = access_pc(n, (uint32_t)(f->fault_at - (uintptr_t)n->code));
  jv_decoded i;
  unsigned bytes;
  bool write;
  jv_decode(&p->code, pc, &i);
  uint32_t address = jv_access_of(&i, s->regs, &bytes, &write);
  bool was_ready = is_ready(s->mem, address, bytes, write);
  jv_touch touch = jv_mem_touch(s->mem, address, bytes, write);
  if (touch != JV_TOUCH_OK) {
    settle(f, pc, touch == JV_TOUCH_FAULT);
    f->run->exit = jv_access_exit(p, s->mem, touch);
    return leave(f, JV_LEAVE_EXIT);
  }
  bool wraps = address > UINT32_MAX - (bytes - 1);
  if (wraps && !n->has_checks && ++s->mem->wraps > WRAPS_MAX && jv_mem_close_window(s->mem) != JAVM_OK)
    s->mem->wraps = 0;
  if (go_on(f) != 0) {
    settle(f, pc, false);
    return leave(f, JV_LEAVE_STEP);
  }
  if (n->has_checks ? address % JAVM_PAGE_BYTES + bytes > JAVM_PAGE_BYTES : wraps) access_here(f, &i, pc);
  else if (was_ready) return wrong_access(f, pc);
  return 0;
}

/* --------------------------------------------------------------------------------------------------------- running */

/* Where the code can go on from the state; NULL: nowhere. */
static const uint8_t *entry(const javm_program *p, const jv_native *n, const jv_state *s) {
  size_t i = find_point(n, s->pc);
  if (i == n->point_count) return NULL;
  const jv_point *point = &n->points[i];
  if (!jv_is_block_model(p)) return n->code + point->at;
  if (s->paid) return n->code + point->at + (point->cost ? JV_CHARGE_BYTES : 0);
  return jv_bits_get(&p->block_starts, s->pc) ? n->code + point->at : NULL;
}

typedef int (*enter_fn)(jv_run_context *run, const void *target, const void *table);

/* Code with checks is cheap to begin with: it needs no window and no signals. What goes on for longer gets one. */
enum { COLD_GAS = 40000 };

/* The gas that may be spent without a window. */
static uint64_t cold_gas_left(const jv_mem *m) { return m->cold_gas < COLD_GAS ? COLD_GAS - m->cold_gas : 0; }

static void enter(jv_run_context *run, const uint8_t *target, uint64_t gas_limit) {
  const jv_native *n = run->native;
  jv_state *s = run->state;
  const void *at = n->code + n->stubs.enter;
  enter_fn function;
  memcpy(&function, &at, sizeof function);
  run->reserve = s->gas > gas_limit ? s->gas - gas_limit : 0;
  s->gas -= run->reserve;
  uint64_t before = s->gas;
  jv_begin_run(run);
  function(run, target, n->code + n->table);
  jv_end_run(run);
  if (s->gas < before && before - s->gas < COLD_GAS) s->mem->cold_gas += (uint32_t)(before - s->gas);
  s->gas += run->reserve;
}

const jv_native *jv_native_hot(const javm_program *p) {
  if (p->explicit_checks) return p->native;
  jv_native *n = atomic_load_explicit(&((javm_program *)p)->windowed, memory_order_acquire), *none = NULL;
  if (!n) {
    if (!jv_compile(p, false, p->native, &n) || !n) return NULL;
    if (!atomic_compare_exchange_strong(&((javm_program *)p)->windowed, &none, n)) {
      jv_native_free(n);
      n = none;
    }
  }
  return n;
}

/* The code for memory with a window; NULL: there is no window, or no code. */
static const jv_native *windowed(const javm_program *p, jv_mem *m) {
  const jv_native *n = jv_native_hot(p);
  if (!n) return NULL;
  return m->window || (jv_install_fault_handler() && jv_mem_open_window(m)) ? n : NULL;
}

/* One instruction; true: it ended in run->exit. */
static bool step(jv_run_context *run) {
  bool limit_reached;
  javm_exit exit = jv_run_stepwise(run->program, run->state, run->handler, run->ctx, 1, &limit_reached);
  if (!limit_reached) run->exit = exit;
  return !limit_reached;
}

static javm_ecall_action leave_always(void *ctx, jv_state *state, javm_ecall_kind kind, uint32_t immediate) {
  (void)ctx, (void)state, (void)kind, (void)immediate;
  return JAVM_ECALL_LEAVE;
}

javm_exit jv_native_run_in(const javm_program *p, jv_state *s, jv_ecall_fn handler, void *ctx, jv_code_kind kind) {
  jv_run_context run = {.program = p, .state = s, .handler = handler ? handler : leave_always, .ctx = ctx};
  bool can_have_window = !p->explicit_checks && kind != JV_CODE_WITH_CHECKS && s->mem->wraps <= WRAPS_MAX;
  bool begins_cold = p->gas_model != JAVM_GAS_NONE && kind != JV_CODE_WITH_WINDOW;
  for (bool must_step = false;;) {
    uint64_t gas_limit = UINT64_MAX;
    run.native = p->native;
    if (can_have_window) {
      bool is_cold = begins_cold && !s->mem->window && cold_gas_left(s->mem) > 0;
      const jv_native *n = is_cold ? NULL : windowed(p, s->mem);
      if (is_cold) gas_limit = cold_gas_left(s->mem);
      else if (n) run.native = n;
      else can_have_window = false;
    }
    const uint8_t *at = must_step ? NULL : entry(p, run.native, s);
    must_step = false;
    if (!at) {
      if (step(&run)) return run.exit;
      continue;
    }
    enter(&run, at, gas_limit);
    if (run.leave == JV_LEAVE_STEP) {
      must_step = true;
      can_have_window &= s->mem->wraps <= WRAPS_MAX;
    } else if (run.leave == JV_LEAVE_OUT_OF_GAS && run.reserve > 0) {
      s->mem->cold_gas = COLD_GAS;
    } else if (run.leave == JV_LEAVE_OUT_OF_GAS && !jv_is_block_model(p)) {
      /* Some of the region can run yet. */
      return jv_run_stepwise(p, s, handler, ctx, UINT64_MAX, NULL);
    } else {
      return run.exit;
    }
  }
}

javm_exit jv_native_run(const javm_program *p, jv_state *s, jv_ecall_fn handler, void *ctx) {
  return jv_native_run_in(p, s, handler, ctx, JV_CODE_AS_USUAL);
}

#else

uint32_t jv_native_cost(const jv_native *native, uint32_t pc) {
  (void)native, (void)pc;
  return 0;
}
void jv_native_code(const jv_native *native, const uint8_t **code, size_t *size_bytes) {
  (void)native, (void)code, (void)size_bytes;
}
const jv_native *jv_native_hot(const javm_program *p) { return p->native; }
void jv_native_block(const javm_program *p, const jv_native *n, size_t index, size_t *offset, size_t *size_bytes) {
  (void)p, (void)n, (void)index, (void)offset, (void)size_bytes;
}
javm_exit jv_native_run(const javm_program *p, jv_state *s, jv_ecall_fn handler, void *ctx) {
  return jv_interpret(p, s, handler, ctx);
}

#endif
