/* Host functions: the embedder's part of the ecall interface. What a function writes is held back until it says RETURN,
 * PAUSE or HALT, so that a refusal has changed nothing. The engines' handler is here: it has the short way to them. */
#include <stddef.h>
#include <string.h>

#include "vm/vm.h"

struct jv_held_write {
  struct jv_held_write *next;
  uint32_t address;
  size_t size_bytes;
  uint8_t bytes[];
};
typedef struct jv_held_write held_write;

static jv_host_function *find_function(const javm_vm *vm, uint32_t number, size_t *place) {
  size_t low = 0, high = vm->function_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (vm->functions[middle].number < number) low = middle + 1;
    else high = middle;
  }
  if (place) *place = low;
  return low < vm->function_count && vm->functions[low].number == number ? &vm->functions[low] : NULL;
}

javm_status javm_vm_register(javm_vm *vm, uint32_t number, const char *name, javm_host_fn fn, void *ctx) {
  if (vm->running || (number < JAVM_HOST_FUNCTION_FIRST && !vm->config.jam_host_calls)) return JAVM_INVALID_ARGUMENT;
  memset(vm->reached, 0, sizeof vm->reached);
  size_t place;
  jv_host_function *f = find_function(vm, number, &place);
  if (!fn) {
    if (f) memmove(f, f + 1, (size_t)(vm->functions + --vm->function_count - f) * sizeof *f);
    return JAVM_OK;
  }
  if (!f) {
    if (!jv_grow(vm->allocator, &vm->functions, &vm->function_capacity, vm->function_count + 1, sizeof *f))
      return JAVM_OUT_OF_MEMORY;
    f = &vm->functions[place];
    memmove(f + 1, f, (vm->function_count++ - place) * sizeof *f);
  }
  *f = (jv_host_function){.number = number, .fn = fn, .ctx = ctx};
  if (name) strncpy(f->name, name, sizeof f->name - 1);
  return JAVM_OK;
}

static javm_vm *vm_of(const javm_host_call *call) {
  return (javm_vm *)((char *)(uintptr_t)call - offsetof(javm_vm, host_call));
}

/* Gives back all that the call holds; the next one begins without any of it. */
static void clear_call(javm_host_call *call) {
  javm_vm *vm = vm_of(call);
  for (held_write *w = call->first, *next; w; w = next) {
    next = w->next;
    jv_free(vm->allocator, w, sizeof *w + w->size_bytes);
  }
  if (call->has_slots) jv_release(vm->dir, call->slots);
  *call = (javm_host_call){.entry = NULL};
}

/* Pages that are written must be there before anything is: after this the commit cannot fail. */
static jv_op_result touch_writes(javm_host_call *call) {
  for (held_write *w = call->first; w; w = w->next) {
    jv_touch touch = jv_mem_touch(&call->entry->mem, w->address, w->size_bytes, true);
    if (touch != JV_TOUCH_OK) return jv_touch_failed(vm_of(call), call->entry, touch);
  }
  return JV_OP_CONTINUE;
}

static inline void commit_results(javm_host_call *call) {
  uint64_t *regs = call->entry->state.regs;
  if (call->result_set[0]) regs[JV_REG_ARG] = call->results[0];
  if (call->result_set[1]) regs[JV_REG_ARG + 1] = call->results[1];
}

static void commit(javm_host_call *call) {
  jv_entry *e = call->entry;
  for (held_write *w = call->first; w; w = w->next) jv_guest_write(vm_of(call), e, w->address, w->bytes, w->size_bytes);
  if (call->has_slots) {
    jv_obj *slots = e->slots;
    e->slots = call->slots;
    call->slots = slots;
  }
  e->state.gas -= call->charged;
  commit_results(call);
}

/* "Not yet": the VM pauses, the payload being what is in slot 0. */
static jv_op_result pause(javm_host_call *call) {
  javm_vm *vm = vm_of(call);
  jv_op_result result = jv_yield_to(vm, JV_TARGET_HOST, vm->operation, JAVM_PAUSE_HOST_CALL, NULL);
  if (result != JV_OP_SWITCH) return result;
  commit(call);
  vm->frames[vm->depth - 1].payload = javm_cap_retain(jv_root_slot(call->entry, 0));
  return result;
}

/* Commits, or does not, what the function has decided. */
static JV_NOINLINE javm_ecall_action finish(javm_vm *vm, javm_host_action action) {
  javm_host_call *call = &vm->host_call;
  jv_entry *e = call->entry;
  jv_op_result result = jv_refuse(vm, JAVM_REFUSAL_HOST);
  if (call->failed) {
    result = JV_OP_FAILED;
  } else if (action == JAVM_HOST_RETURN || action == JAVM_HOST_PAUSE || action == JAVM_HOST_HALT) {
    result = touch_writes(call);
    if (result == JV_OP_CONTINUE && action == JAVM_HOST_PAUSE) {
      result = pause(call);
    } else if (result == JV_OP_CONTINUE) {
      commit(call);
      if (action == JAVM_HOST_HALT) result = JV_OP_HALT;
    }
  }
  clear_call(call);
  return jv_ecall_answer(vm, e, result);
}

/* The number is the VM's running operation. */
static inline javm_ecall_action call_function(javm_vm *vm, jv_entry *e, const jv_reached_function *f) {
  javm_host_call *call = &vm->host_call;
  call->entry = e;
  call->result_set[0] = call->result_set[1] = false;
  javm_host_action action = f->fn(f->ctx, call);
  if (JV_UNLIKELY(action != JAVM_HOST_RETURN || call->more)) return finish(vm, action);
  commit_results(call);
  return JV_ECALL_RETURNED;
}

static jv_reached_function *place_of(javm_vm *vm, uint64_t number) { return &vm->reached[number % JV_REACHED_COUNT]; }

javm_ecall_action jv_host_function_call(javm_vm *vm, jv_entry *e, uint32_t number) {
  jv_reached_function own, *f = vm->is_watched ? &own : place_of(vm, number);
  if (f == &own || f->number != number || !f->fn) {
    const jv_host_function *found = find_function(vm, number, NULL);
    if (!found) found = find_function(vm, JAVM_HOST_FUNCTION_ANY, NULL);
    if (!found) return jv_ecall_leave(vm, e, jv_refuse(vm, JAVM_REFUSAL_NO_HOST_FUNCTION));
    *f = (jv_reached_function){number, found->fn, found->ctx};
  }
  javm_ecall_action action = call_function(vm, e, f);
  return action == JV_ECALL_RETURNED ? JAVM_ECALL_CONTINUE : action;
}

/* The state is the one in the entry that runs. What is remembered is called at once; where ecalls are watched, nothing is. */
javm_ecall_action jv_vm_ecall(void *ctx, jv_state *state, javm_ecall_kind kind, uint32_t immediate) {
  javm_vm *vm = ctx;
  jv_entry *e = (jv_entry *)((char *)state - offsetof(jv_entry, state));
  uint64_t number = kind == JAVM_ECALLI ? immediate : state->regs[11];
  const jv_reached_function *f = place_of(vm, number);
  vm->operation = (uint32_t)number;
  if (JV_UNLIKELY(f->number != number || number < JAVM_HOST_FUNCTION_FIRST)) return jv_ecall_any(vm, e, number);
  return call_function(vm, e, f);
}

uint32_t javm_host_number(const javm_host_call *call) { return vm_of(call)->operation; }

uint64_t javm_host_arg(const javm_host_call *call, unsigned index) {
  return index < 6 ? call->entry->state.regs[JV_REG_ARG + index] : 0;
}

void javm_host_return(javm_host_call *call, unsigned index, uint64_t value) {
  if (index >= 2) return;
  call->results[index] = value;
  call->result_set[index] = true;
}

static javm_status touch_status(javm_host_call *call, jv_touch touch) {
  if (touch == JV_TOUCH_OK) return JAVM_OK;
  if (touch == JV_TOUCH_FAULT) return JAVM_OUT_OF_RANGE;
  jv_touch_failed(vm_of(call), call->entry, touch);
  call->more = call->failed = true;
  return vm_of(call)->failure.status;
}

javm_status javm_host_read(javm_host_call *call, uint32_t address, void *to, size_t size_bytes) {
  return touch_status(call, jv_guest_read(vm_of(call), call->entry, address, to, size_bytes));
}

javm_status javm_host_write(javm_host_call *call, uint32_t address, const void *from, size_t size_bytes) {
  javm_vm *vm = vm_of(call);
  javm_status status = touch_status(call, jv_mem_check(&call->entry->mem, address, size_bytes, true));
  if (status != JAVM_OK || size_bytes == 0) return status;
  held_write *w = jv_alloc(vm->allocator, sizeof *w + size_bytes);
  if (!w) {
    call->more = call->failed = true;
    return jv_fail_memory(&vm->failure);
  }
  w->next = NULL;
  w->address = address;
  w->size_bytes = size_bytes;
  memcpy(w->bytes, from, size_bytes);
  if (call->first) *call->last = w;
  else call->first = w;
  call->last = &w->next;
  call->more = true;
  return JAVM_OK;
}

/* What an operation would be refused for is the host's misuse here; what it fails for stays a failure. */
static javm_status slot_status(javm_host_call *call, jv_op_result result) {
  if (result == JV_OP_FAILED) {
    call->more = call->failed = true;
    return vm_of(call)->failure.status;
  }
  if (!call->failed) vm_of(call)->failure.status = JAVM_OK;
  return JAVM_OUT_OF_RANGE;
}

javm_status javm_host_slot_get(javm_host_call *call, uint64_t operand, javm_cap **out) {
  javm_vm *vm = vm_of(call);
  jv_path path;
  jv_op_result result;
  jv_obj *slots = call->has_slots ? call->slots : call->entry->slots;
  if (jv_path_parse(vm, operand, &path, &result) && jv_slot_read(vm, slots, call->entry->size_log, &path, out, &result))
    return JAVM_OK;
  return slot_status(call, result);
}

javm_status javm_host_slot_set(javm_host_call *call, uint64_t operand, javm_cap *cap) {
  javm_vm *vm = vm_of(call);
  jv_path path;
  jv_op_result result;
  if (!jv_path_parse(vm, operand, &path, &result) || !jv_slot_changeable(vm, call->entry, &path, &result))
    return slot_status(call, result);
  if (!call->has_slots) {
    call->slots = jv_obj_retain(call->entry->slots);
    call->more = call->has_slots = true;
  }
  if (jv_slot_write(vm, &call->slots, call->entry->size_log, &path, cap, &result)) return JAVM_OK;
  return slot_status(call, result);
}

uint64_t javm_host_gas(const javm_host_call *call) { return call->entry->state.gas - call->charged; }

javm_status javm_host_charge(javm_host_call *call, uint64_t gas) {
  if (gas > javm_host_gas(call)) return JAVM_OUT_OF_RANGE;
  call->charged += gas;
  call->more = true;
  return JAVM_OK;
}

javm_dir *javm_host_dir(javm_host_call *call) { return vm_of(call)->dir; }
