/*
 * Time travel, the forward half: marks at which a drive stops, and single steps.
 *
 * A gas mark is a second, lower budget. The engine gets no more gas than reaches to the mark, and the rest is *held*; where it
 * then is out of gas that the entry really has, the drive pauses. So a mark is where an out-of-gas of that budget would be, at
 * full speed, and on every engine the same. All that looks at gas meanwhile, which is ecalls, is shown the whole.
 *
 * A mark of instructions is approached by gas as well: no block has more than so many instructions for a unit of gas.
 */
#include <string.h>

#include "vm/vm.h"

/* Both block models decode four instructions a cycle and take three cycles off a block's cost, which is 1 at least. */
enum { INSTRUCTIONS_PER_GAS_MAX = 20 };

void jv_travel_update(javm_vm *vm) {
  jv_travel *t = &vm->travel;
  t->is_limited =
      t->is_stepping || t->marks[JAVM_MARK_GAS] != JAVM_NO_MARK || t->marks[JAVM_MARK_INSTRUCTIONS] != JAVM_NO_MARK;
  vm->is_watched = t->is_limited || vm->config.trace != NULL;
  if (vm->is_watched) memset(vm->reached, 0, sizeof vm->reached); /* no short way to host functions */
}

bool jv_is_at_mark(const javm_vm *vm) {
  const jv_frame *top = vm->depth ? &vm->frames[vm->depth - 1] : NULL;
  return top && !top->entry && top->pause == JAVM_PAUSE_MARK && !top->retry;
}

void javm_vm_position(const javm_vm *vm, javm_position *position) {
  *position = (javm_position){vm->travel.gas_used, vm->travel.instructions};
}

javm_status javm_vm_set_mark(javm_vm *vm, javm_mark mark, uint64_t at) {
  bool counts = vm->config.counts_instructions || vm->config.engine == JAVM_ENGINE_INTERPRETER;
  if (vm->running || (unsigned)mark > JAVM_MARK_INSTRUCTIONS || (mark == JAVM_MARK_INSTRUCTIONS && !counts))
    return JAVM_INVALID_ARGUMENT;
  vm->travel.marks[mark] = at;
  jv_travel_update(vm);
  return JAVM_OK;
}

javm_status javm_vm_step(javm_vm *vm, javm_step step, javm_result *result, javm_error *error) {
  if ((unsigned)step > JAVM_STEP_BLOCK) return jv_fail(error, JAVM_INVALID_ARGUMENT, 0, "no such step");
  if (!vm->running) {
    vm->travel.step = step;
    vm->travel.is_stepping = true;
    vm->travel.step_done = false;
    jv_travel_update(vm);
  }
  javm_status status = javm_vm_call_resume(vm, NULL, result, error);
  if (!vm->running) {
    vm->travel.is_stepping = false;
    jv_travel_update(vm);
  }
  return status;
}

/* ---- held gas ---- */

/* What the run has used by now, of which the entry's since it was loaded is not in the sum yet. */
static uint64_t used_now(const javm_vm *vm, const jv_entry *e) {
  return vm->travel.gas_used + (e->gas_loaded - e->state.gas);
}

void jv_show_gas(javm_vm *vm, jv_entry *e) {
  e->state.gas += vm->travel.held;
  vm->travel.held = 0;
}

void jv_hold_gas(javm_vm *vm, jv_entry *e) {
  jv_travel *t = &vm->travel;
  uint64_t used = used_now(vm, e), seen = t->limit > used ? t->limit - used : 0;
  if (seen >= e->state.gas) return;
  t->held = e->state.gas - seen;
  e->state.gas = seen;
}

/* ---- running ---- */

/* The drive looks again who runs: it ends here, if that is why the engine came back. */
static javm_exit come_back(javm_vm *vm, bool stopped) {
  vm->travel.stopped = stopped;
  return (javm_exit){.kind = JAVM_EXIT_HOST_CALL};
}

/* Runs the engine until so much gas is used in all. */
static javm_exit run_to_gas(javm_vm *vm, jv_entry *e, uint64_t limit) {
  jv_travel *t = &vm->travel;
  t->limit = limit;
  jv_hold_gas(vm, e);
  javm_exit exit = jv_run(e->image->program, &e->state, jv_vm_ecall, vm);
  jv_show_gas(vm, e);
  if (exit.kind != JAVM_EXIT_OUT_OF_GAS) return exit;
  uint64_t charge = jv_next_charge(e->image->program, &e->state), used = used_now(vm, e);
  if (charge > e->state.gas) return exit;
  return come_back(vm, used >= t->marks[JAVM_MARK_GAS] || charge > t->marks[JAVM_MARK_GAS] - used);
}

/* Runs so many instructions one by one; by_block: at most to the end of the block. */
static javm_exit run_steps(javm_vm *vm, jv_entry *e, uint64_t count, bool by_block) {
  const javm_program *p = e->image->program;
  bool goes_on;
  vm->travel.limit = JAVM_NO_MARK;
  javm_exit exit = by_block ? jv_run_block(p, &e->state, jv_vm_ecall, vm, count, &goes_on)
                            : jv_run_stepwise(p, &e->state, jv_vm_ecall, vm, count, &goes_on);
  return goes_on ? come_back(vm, false) : exit;
}

static javm_exit run_step(javm_vm *vm, jv_entry *e) {
  jv_travel *t = &vm->travel;
  if (t->step_done) return come_back(vm, true);
  t->step_done = true;
  return run_steps(vm, e, t->step == JAVM_STEP_BLOCK ? UINT64_MAX : 1, t->step == JAVM_STEP_BLOCK);
}

static bool is_over_gas_mark(const javm_vm *vm, const jv_entry *e, uint64_t charge) {
  uint64_t used = used_now(vm, e), mark = vm->travel.marks[JAVM_MARK_GAS];
  return charge > 0 && charge <= e->state.gas && (used >= mark || charge > mark - used);
}

/* Comes nearer to a mark of instructions, and not past it. */
static javm_exit run_nearer(javm_vm *vm, jv_entry *e) {
  const jv_travel *t = &vm->travel;
  const javm_program *p = e->image->program;
  uint64_t mark = t->marks[JAVM_MARK_INSTRUCTIONS], gas_mark = t->marks[JAVM_MARK_GAS];
  if (t->instructions >= mark) return come_back(vm, true);
  uint64_t left = mark - t->instructions, charge = jv_next_charge(p, &e->state);
  if (is_over_gas_mark(vm, e, charge)) return come_back(vm, true);
  if (p->gas_model == JAVM_GAS_NONE) return run_steps(vm, e, left, false);
  uint64_t gas = jv_is_block_model(p) ? left / INSTRUCTIONS_PER_GAS_MAX : left;
  if (charge == 0 || charge > gas) return run_steps(vm, e, left, true);
  uint64_t used = used_now(vm, e), limit = gas < UINT64_MAX - used ? used + gas : UINT64_MAX;
  return run_to_gas(vm, e, limit < gas_mark ? limit : gas_mark);
}

javm_exit jv_run_limited(javm_vm *vm, jv_entry *e) {
  jv_travel *t = &vm->travel;
  if (t->is_stepping) return run_step(vm, e);
  if (t->marks[JAVM_MARK_INSTRUCTIONS] != JAVM_NO_MARK) return run_nearer(vm, e);
  return run_to_gas(vm, e, t->marks[JAVM_MARK_GAS]);
}
