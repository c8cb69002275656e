/* Ecalls: finds the operation, runs it, and says to the engine how to go on. Traces of the bottom entry. */
#include "vm/vm.h"

#define OPERATION_COUNT 64

static const jv_operation_fn operations[OPERATION_COUNT] = {
#define OP(number, name, operands) [number] = jv_operation_##name,
#include "vm/ecalls.def"
};

_Static_assert(OPERATION_COUNT == JAVM_HOST_FUNCTION_FIRST, "host functions begin where operations end");

/* ---- traces ---- */

static void trace(javm_vm *vm, const javm_trace_event *event) { vm->config.trace(vm->config.trace_ctx, event); }

void jv_trace_resume(javm_vm *vm, jv_entry *e) {
  if (!e->traced) return;
  e->traced = false;
  if (!vm->config.trace) return; /* a fork's: it was traced before that */
  trace(vm,
        &(javm_trace_event){.kind = JAVM_TRACE_RESUME, .pc = e->state.pc, .gas = e->state.gas, .regs = e->state.regs});
}

jv_touch jv_guest_read(javm_vm *vm, jv_entry *e, uint32_t address, void *to, size_t size) {
  jv_touch touch = jv_mem_read(&e->mem, address, to, size);
  if (touch == JV_TOUCH_OK && jv_is_traced(vm, e))
    trace(vm, &(javm_trace_event){.kind = JAVM_TRACE_READ, .address = address, .bytes = to, .size_bytes = size});
  return touch;
}

jv_touch jv_guest_write(javm_vm *vm, jv_entry *e, uint32_t address, const void *from, size_t size) {
  jv_touch touch = jv_mem_write(&e->mem, address, from, size);
  if (touch == JV_TOUCH_OK && jv_is_traced(vm, e))
    trace(vm, &(javm_trace_event){.kind = JAVM_TRACE_WRITE, .address = address, .bytes = from, .size_bytes = size});
  return touch;
}

jv_op_result jv_touch_failed(javm_vm *vm, jv_entry *e, jv_touch touch) {
  if (touch == JV_TOUCH_FAULT) return jv_refuse(vm, JAVM_REFUSAL_MEMORY);
  if (e->mem.status == JAVM_OUT_OF_MEMORY) return jv_op_out_of_memory(vm);
  jv_fail_missing(&vm->failure, e->mem.status, &e->mem.missing, "a page that the instance refers to");
  return JV_OP_FAILED;
}

/* ---- the handler ---- */

javm_ecall_action jv_ecall_leave(javm_vm *vm, jv_entry *e, jv_op_result result) {
  switch (result) {
    case JV_OP_CONTINUE: return JAVM_ECALL_CONTINUE;
    case JV_OP_HALT: return JAVM_ECALL_HALT;
    case JV_OP_SWITCH: return JAVM_ECALL_LEAVE;
    case JV_OP_REFUSED:
      e->refusal = vm->refusal;
      e->refused_operation = vm->operation;
      return JAVM_ECALL_REFUSE;
    default: return JAVM_ECALL_FAIL;
  }
}

static JV_COLD javm_ecall_action refuse_unknown(javm_vm *vm, jv_entry *e) {
  return jv_ecall_leave(vm, e, jv_refuse(vm, JAVM_REFUSAL_UNKNOWN_OPERATION));
}

/* A number below 64. */
static javm_ecall_action run_operation(javm_vm *vm, jv_entry *e, uint64_t number) {
  if (JV_UNLIKELY(vm->config.jam_host_calls) && jv_entry_spec(e)->code.isa != JAVM_ISA_JAVM)
    return jv_host_function_call(vm, e, (uint32_t)number);
  if (JV_UNLIKELY(!operations[number])) return refuse_unknown(vm, e);
  return jv_ecall_answer(vm, e, operations[number](vm, e));
}

static inline javm_ecall_action run_any(javm_vm *vm, jv_entry *e, uint64_t number) {
  if (number < OPERATION_COUNT) return run_operation(vm, e, number);
  if (JV_UNLIKELY(number > UINT32_MAX)) return refuse_unknown(vm, e);
  return jv_host_function_call(vm, e, (uint32_t)number);
}

static javm_ecall_action run_traced(javm_vm *vm, jv_entry *e, uint64_t number) {
  if (!jv_is_traced(vm, e)) return run_any(vm, e, number);
  trace(vm, &(javm_trace_event){.kind = JAVM_TRACE_ECALL,
                                .number = (uint32_t)number,
                                .pc = jv_ecall_pc(&e->image->program->code, e->state.pc),
                                .gas = e->state.gas,
                                .regs = e->state.regs});
  e->traced = true;
  javm_ecall_action action = run_any(vm, e, number);
  if (action == JAVM_ECALL_CONTINUE) jv_trace_resume(vm, e);
  return action;
}

static JV_COLD javm_ecall_action run_watched(javm_vm *vm, jv_entry *e, uint64_t number) {
  if (!vm->travel.is_limited) return run_traced(vm, e, number);
  uint64_t limited = e->state.gas, held = vm->travel.held;
  jv_show_gas(vm, e);
  javm_ecall_action action = run_traced(vm, e, number);
  jv_hold_gas(vm, e);
  if (action == JAVM_ECALL_FAIL) { /* the engine puts the gas back as it was */
    e->state.gas = limited;
    vm->travel.held = held;
  }
  return action;
}

javm_ecall_action jv_ecall_any(javm_vm *vm, jv_entry *e, uint64_t number) {
  return JV_LIKELY(!vm->is_watched) ? run_any(vm, e, number) : run_watched(vm, e, number);
}
