/* Host functions: the embedder's part of the ecall interface. What a function writes is held back until it says RETURN,
 * PAUSE or HALT, so that a refusal has changed nothing. */
#include <string.h>

#include "vm/vm.h"

typedef struct held_write {
  struct held_write *next;
  uint32_t address;
  size_t size_bytes;
  uint8_t bytes[];
} held_write;

struct javm_host_call {
  javm_vm *vm;
  jv_entry *entry;
  uint32_t number;
  bool result_set[2];
  bool more; /* there is something to commit or to give back besides the results: one of the following */
  bool has_slots;
  bool failed; /* the host ran out of memory, or a value is missing: no decision of the function counts */
  uint64_t results[2];
  uint64_t charged;
  jv_obj *slots;             /* with has_slots: working copy of the entry's */
  held_write *first, **last; /* `last` is set once there is a first */
};

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

static void clear_call(javm_host_call *call) {
  javm_vm *vm = call->vm;
  for (held_write *w = call->first, *next; w; w = next) {
    next = w->next;
    jv_free(vm->allocator, w, sizeof *w + w->size_bytes);
  }
  if (call->has_slots) jv_release(vm->dir, call->slots);
}

/* Pages that are written must be there before anything is: after this the commit cannot fail. */
static jv_op_result touch_writes(javm_host_call *call) {
  for (held_write *w = call->first; w; w = w->next) {
    jv_touch touch = jv_mem_touch(&call->entry->mem, w->address, w->size_bytes, true);
    if (touch != JV_TOUCH_OK) return jv_touch_failed(call->vm, call->entry, touch);
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
  for (held_write *w = call->first; w; w = w->next) jv_guest_write(call->vm, e, w->address, w->bytes, w->size_bytes);
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
  javm_vm *vm = call->vm;
  jv_op_result result = jv_yield_to(vm, JV_TARGET_HOST, call->number, JAVM_PAUSE_HOST_CALL, NULL);
  if (result != JV_OP_SWITCH) return result;
  commit(call);
  call->entry->refused_operation = call->number; /* should the host drop it */
  vm->frames[vm->depth - 1].payload = javm_cap_retain(jv_root_slot(call->entry, 0));
  return result;
}

/* Commits, or does not, what the function has decided. */
static JV_NOINLINE javm_ecall_action finish(javm_host_call *call, javm_host_action action) {
  jv_op_result result = jv_refuse(call->vm, JAVM_REFUSAL_HOST);
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
  return jv_ecall_answer(call->vm, call->entry, result);
}

/* Finds what a number reaches and remembers it; NULL: nothing. */
static JV_COLD const jv_reached_function *reach(javm_vm *vm, uint32_t number) {
  const jv_host_function *f = find_function(vm, number, NULL);
  if (!f) f = find_function(vm, JAVM_HOST_FUNCTION_ANY, NULL);
  if (!f) return NULL;
  jv_reached_function *reached = &vm->reached[number % JV_REACHED_COUNT];
  *reached = (jv_reached_function){number, f->fn, f->ctx};
  return reached;
}

javm_ecall_action jv_host_function_call(javm_vm *vm, jv_entry *e, uint32_t number) {
  const jv_reached_function *f = &vm->reached[number % JV_REACHED_COUNT];
  if (JV_UNLIKELY(f->number != number || !f->fn)) {
    f = reach(vm, number);
    if (!f) return jv_ecall_leave(vm, e, jv_refuse(vm, JAVM_REFUSAL_NO_HOST_FUNCTION));
  }
  javm_host_call call; /* field by field, since this is to be quick */
  call.vm = vm;
  call.entry = e;
  call.number = number;
  call.result_set[0] = call.result_set[1] = call.more = call.has_slots = call.failed = false;
  call.charged = 0;
  call.first = NULL;
  javm_host_action action = f->fn(f->ctx, &call);
  if (JV_UNLIKELY(action != JAVM_HOST_RETURN || call.more)) return finish(&call, action);
  commit_results(&call);
  return JAVM_ECALL_CONTINUE;
}

uint32_t javm_host_number(const javm_host_call *call) { return call->number; }

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
  jv_touch_failed(call->vm, call->entry, touch);
  call->more = call->failed = true;
  return call->vm->failure.status;
}

javm_status javm_host_read(javm_host_call *call, uint32_t address, void *to, size_t size_bytes) {
  return touch_status(call, jv_guest_read(call->vm, call->entry, address, to, size_bytes));
}

javm_status javm_host_write(javm_host_call *call, uint32_t address, const void *from, size_t size_bytes) {
  const javm_allocator *a = call->vm->allocator;
  javm_status status = touch_status(call, jv_mem_check(&call->entry->mem, address, size_bytes, true));
  if (status != JAVM_OK || size_bytes == 0) return status;
  held_write *w = jv_alloc(a, sizeof *w + size_bytes);
  if (!w) {
    call->more = call->failed = true;
    return jv_fail_memory(&call->vm->failure);
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
    return call->vm->failure.status;
  }
  if (!call->failed) call->vm->failure.status = JAVM_OK;
  return JAVM_OUT_OF_RANGE;
}

javm_status javm_host_slot_get(javm_host_call *call, uint64_t operand, javm_cap **out) {
  jv_path path;
  jv_op_result result;
  jv_obj *slots = call->has_slots ? call->slots : call->entry->slots;
  if (jv_path_parse(call->vm, operand, &path, &result) &&
      jv_slot_read(call->vm, slots, call->entry->size_log, &path, out, &result))
    return JAVM_OK;
  return slot_status(call, result);
}

javm_status javm_host_slot_set(javm_host_call *call, uint64_t operand, javm_cap *cap) {
  jv_path path;
  jv_op_result result;
  if (!jv_path_parse(call->vm, operand, &path, &result) || !jv_slot_changeable(call->vm, call->entry, &path, &result))
    return slot_status(call, result);
  if (!call->has_slots) {
    call->slots = jv_obj_retain(call->entry->slots);
    call->more = call->has_slots = true;
  }
  if (jv_slot_write(call->vm, &call->slots, call->entry->size_log, &path, cap, &result)) return JAVM_OK;
  return slot_status(call, result);
}

uint64_t javm_host_gas(const javm_host_call *call) { return call->entry->state.gas - call->charged; }

javm_status javm_host_charge(javm_host_call *call, uint64_t gas) {
  if (gas > javm_host_gas(call)) return JAVM_OUT_OF_RANGE;
  call->charged += gas;
  call->more = true;
  return JAVM_OK;
}

javm_dir *javm_host_dir(javm_host_call *call) { return call->vm->dir; }
