/*
 * The drive loop (4-vm.md 4.4): runs the engine on the running entry and does what follows from its exit, until the bottom
 * entry of the drive has ended or the VM pauses. What follows from an exit is prepared first and then committed, and the
 * exit is kept in the entry until then: an error in between loses nothing and can be retried.
 */
#include <stdlib.h>
#include <string.h>

#include "vm/drive.h"

typedef enum next { RUN_ON, DONE, FAILED } next;

/* ---- results ---- */

static int by_number(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static bool list_page(void *ctx, uint32_t page) {
  javm_result *result = ctx;
  result->dirty_pages[result->dirty_page_count++] = page * JAVM_PAGE_BYTES;
  return true;
}

static bool list_dirty_pages(javm_vm *vm, const jv_entry *e, javm_result *result) {
  size_t n = jv_entry_written(e);
  if (n == 0) return true;
  result->dirty_pages = jv_alloc_array(vm->allocator, n, sizeof *result->dirty_pages);
  if (!result->dirty_pages) return false;
  jv_entry_each_written(e, list_page, result);
  qsort(result->dirty_pages, n, sizeof *result->dirty_pages, by_number);
  return true;
}

static bool list_emits(javm_vm *vm, const jv_entry *e, javm_result *result) {
  size_t n = 0;
  for (const jv_effect *f = e->effects.first; f; f = f->next) n += f->kind == JV_EFFECT_EMIT;
  if (n == 0) return true;
  result->emits = jv_alloc_array(vm->allocator, n, sizeof *result->emits);
  if (!result->emits) return false;
  result->emit_count = n;
  n = 0;
  for (const jv_effect *f = e->effects.first; f; f = f->next)
    if (f->kind == JV_EFFECT_EMIT) result->emits[n++] = javm_cap_retain(f->cap);
  return true;
}

void javm_result_clear(javm_dir *dir, javm_result *result) {
  const javm_allocator *a = javm_dir_allocator(dir);
  for (size_t i = 0; i < result->emit_count; i++) jv_release(dir, result->emits[i]);
  if (result->emits) jv_free_array(a, result->emits, result->emit_count, sizeof *result->emits);
  if (result->dirty_pages) jv_free_array(a, result->dirty_pages, result->dirty_page_count, sizeof *result->dirty_pages);
  jv_release(dir, result->slot0);
  jv_release(dir, result->payload);
  memset(result, 0, sizeof *result);
}

static void trace_end(javm_vm *vm, jv_entry *e) {
  if (!jv_is_traced(vm, e)) return;
  javm_trace_event event = {
      .kind = JAVM_TRACE_END, .pc = e->state.pc, .gas = e->state.gas, .regs = e->state.regs, .exit = e->exit};
  vm->config.trace(vm->config.trace_ctx, &event);
}

/* ---- pauses that the VM makes ---- */

static next out_of_memory(javm_error *error) {
  jv_fail_memory(error);
  return FAILED;
}

/* The payload of a pause: the handle that mint_data named, the one in the first of the slots, or the marker's hash. */
static javm_cap *handle_or_marker(javm_vm *vm, const jv_entry *e, const uint32_t *slots, size_t count, bool has_handle,
                                  javm_kernel_image marker) {
  javm_cap *cap = NULL;
  if (vm->out_of_quota) {
    javm_kernel_instance(vm->dir, JAVM_KERNEL_QUOTA, vm->out_of_quota_id, &cap);
    return cap;
  }
  if (has_handle && count) return javm_cap_retain(jv_root_slot(e, slots[0]));
  javm_cap_by_hash(vm->dir, &vm->kernel[marker], &cap);
  return cap;
}

/* Yields to whoever catches the kernel's marker, or to the host if it wants that; *caught = false: nobody. */
static next kernel_yield(javm_vm *vm, size_t frame, javm_pause_kind pause, bool *caught, javm_error *error) {
  jv_entry *e = vm->frames[frame].entry;
  const javm_image_spec *spec = jv_entry_spec(e);
  bool gas = pause == JAVM_PAUSE_OUT_OF_GAS, has_handle;
  javm_kernel_image marker = gas ? JAVM_KERNEL_OOG_MARKER : JAVM_KERNEL_STORAGE_EXHAUSTED_MARKER;
  const uint32_t *slots = gas ? spec->gas_slots : spec->quota_slots;
  size_t count = gas ? spec->gas_slot_count : spec->quota_slot_count, catcher = JV_TARGET_HOST;
  uint64_t index = 0, id;
  javm_status status = jv_find_catcher(vm, frame, &vm->kernel[marker], caught, &catcher, &index, error);
  if (status != JAVM_OK) return FAILED;
  if (!*caught) {
    if (!vm->config.host_catches_out_of_gas) return RUN_ON;
    catcher = JV_TARGET_HOST;
    index = gas ? 0 : e->refused_operation;
    *caught = true;
  }
  status = jv_handle_in(vm, e, slots, count, gas ? JAVM_KERNEL_GAS : JAVM_KERNEL_QUOTA, &has_handle, &id, error);
  if (status != JAVM_OK) return FAILED;
  javm_cap *payload = handle_or_marker(vm, e, slots, count, has_handle, marker);
  if (!payload) return out_of_memory(error);
  jv_op_result result = jv_yield_to(vm, catcher, index, pause, payload);
  jv_release(vm->dir, payload);
  return result == JV_OP_SWITCH ? RUN_ON : out_of_memory(error);
}

/* ---- faults ---- */

static uint64_t fault_code(javm_exit_kind kind) {
  switch (kind) {
    case JAVM_EXIT_TRAP: return 1;
    case JAVM_EXIT_PANIC: return 2;
    case JAVM_EXIT_OUT_OF_GAS: return 3;
    default: return 4;
  }
}

static next fault(javm_vm *vm, size_t frame, javm_result *result, javm_error *error) {
  jv_entry *e = vm->frames[frame].entry;
  if (!e->is_bottom) {
    jv_entry *caller = jv_own(vm, jv_caller(vm, frame));
    if (!caller || !jv_slot0_move(vm, e, caller)) return out_of_memory(error);
    /* commit */
    caller->state.regs[JV_REG_ARG] = fault_code(e->exit.kind);
    caller->state.regs[JV_REG_ARG + 1] = 2;
    jv_drop_to(vm, frame);
    return RUN_ON;
  }
  if (!list_dirty_pages(vm, e, result)) return out_of_memory(error);
  /* commit */
  trace_end(vm, e);
  result->kind = JAVM_RESULT_FAULTED;
  result->fault = e->exit;
  result->pc = e->state.pc;
  result->refusal = e->exit.kind == JAVM_EXIT_TRAP ? e->refusal : JAVM_REFUSAL_NONE;
  result->refused_operation = result->refusal ? e->refused_operation : 0;
  result->slot0 = javm_cap_retain(jv_slot0(e));
  jv_drop_to(vm, frame);
  return DONE;
}

/* ---- halts ---- */

/* Takes slot 0 out. */
static bool take_slot0(javm_vm *vm, jv_entry *e) {
  javm_cap *cap = javm_cap_retain(jv_slot0(e));
  if (cap && !jv_tree_set(vm->dir, &e->slots, e->size_log, 0, NULL)) {
    jv_release(vm->dir, cap);
    return false;
  }
  e->slot0 = cap;
  return true;
}

/* What a Halt owes for the pages it dirtied: to the first quota handle of the entry, else of its caller, and so on. */
static javm_status owed_quota(javm_vm *vm, size_t frame, bool *metered, uint64_t *id, javm_error *error) {
  for (;; frame = jv_caller(vm, frame)) {
    const jv_entry *e = vm->frames[frame].entry;
    const javm_image_spec *spec = jv_entry_spec(e);
    javm_status status =
        jv_handle_in(vm, e, spec->quota_slots, spec->quota_slot_count, JAVM_KERNEL_QUOTA, metered, id, error);
    if (status != JAVM_OK || *metered || e->is_bottom) return status;
  }
}

static next quota_exhausted(javm_vm *vm, size_t frame, javm_result *result, javm_error *error) {
  jv_entry *e = vm->frames[frame].entry;
  bool caught;
  e->refused_operation = vm->out_of_quota ? vm->operation : 0; /* mint_data, or the reply */
  next n = kernel_yield(vm, frame, JAVM_PAUSE_QUOTA, &caught, error);
  if (n == FAILED || caught) return n;
  if (vm->out_of_quota &&
      vm->config.gas_model == JAVM_GAS_INSTRUCTION) { /* it is not tried again: what traps is paid for */
    e->state.gas--;
    if (jv_gas_store(vm, frame, error) != JAVM_OK) return FAILED;
  }
  e->exit = (javm_exit){.kind = JAVM_EXIT_TRAP};
  e->refusal = JAVM_REFUSAL_QUOTA_EXHAUSTED;
  e->has_exit = true;
  return fault(vm, frame, result, error);
}

/* The usual case: the child's slot 0 changes nothing, and its value replaces what is in a root slot of the caller. Sets *slot. */
static bool is_plain_return(const jv_entry *e, const jv_entry *caller, uint32_t *slot) {
  *slot = (uint32_t)e->callee_slot;
  return e->callee_slot != 0 && e->callee_slot < JV_ROOT_SLOTS && jv_root_slot(caller, 0) == e->slot0 &&
         jv_root_slot(caller, *slot) != NULL && !jv_is_pinned(caller->image, *slot);
}

/* The caller's slots with the child's slot 0 and its new value in them. For a plain return, *slots is NULL and the path to the
 * slot is the caller's alone, so that putting the value there cannot fail. */
static bool slots_after_halt(javm_vm *vm, const jv_entry *e, jv_entry *caller, javm_cap *value, jv_obj **slots,
                             javm_error *error) {
  jv_path path;
  jv_op_result result = JV_OP_CONTINUE;
  uint32_t slot;
  if (is_plain_return(e, caller, &slot)) {
    *slots = NULL;
    if (jv_tree_set(vm->dir, &caller->slots, caller->size_log, slot, (jv_obj *)jv_root_slot(caller, slot))) return true;
    jv_fail_memory(error);
    return false;
  }
  *slots = jv_obj_retain(caller->slots);
  bool ok = true;
  if (!jv_is_pinned(caller->image, 0) && !jv_is_pinned(e->image, 0) && jv_root_slot(caller, 0) != e->slot0)
    ok = jv_tree_set(vm->dir, slots, caller->size_log, 0, (jv_obj *)e->slot0);
  if (!ok) jv_fail_memory(&vm->failure);
  /* A path that is gone, or that is pinned now, takes no value: it is dropped. */
  if (ok && jv_path_parse(vm, e->callee_slot, &path, &result) && jv_slot_changeable(vm, caller, &path, &result))
    ok = jv_slot_write(vm, slots, caller->size_log, &path, value, &result) || result != JV_OP_FAILED;
  if (ok) return true;
  jv_release(vm->dir, *slots);
  if (error) *error = vm->failure;
  return false;
}

static void commit_child(javm_vm *vm, size_t frame, javm_cap *value, jv_obj *slots) {
  jv_entry *e = vm->frames[frame].entry, *caller = vm->frames[jv_caller(vm, frame)].entry;
  uint32_t slot;
  if (is_plain_return(e, caller, &slot)) {
    jv_tree_set(vm->dir, &caller->slots, caller->size_log, slot, &value->obj);
  } else {
    jv_release(vm->dir, caller->slots);
    caller->slots = slots;
  }
  caller->state.regs[JV_REG_ARG] = e->state.regs[JV_REG_ARG];
  caller->state.regs[JV_REG_ARG + 1] = 0;
  jv_effects_hand_up(e, caller);
  jv_drop_to(vm, frame);
}

static void commit_bottom(javm_vm *vm, size_t frame, const javm_cap *value, javm_result *result) {
  jv_entry *e = vm->frames[frame].entry;
  trace_end(vm, e);
  result->kind = JAVM_RESULT_HALT;
  result->return_value = e->state.regs[JV_REG_ARG];
  result->instance = value->obj.hash;
  result->pc = e->state.pc;
  result->slot0 = javm_cap_retain(e->slot0);
  jv_effects_keep(vm, &e->effects);
  jv_drop_to(vm, frame);
}

/* Makes the new value, pays for it and ends the entry. A failure leaves slot 0 taken out. */
static next settle(javm_vm *vm, size_t frame, bool metered, uint64_t id, uint64_t owed, javm_result *result,
                   javm_error *error) {
  jv_entry *e = vm->frames[frame].entry;
  bool enough = true;
  javm_cap *value = take_slot0(vm, e) ? jv_entry_instance(e) : NULL;
  if (!value) return out_of_memory(error);
  jv_obj *slots = NULL;
  bool ok;
  if (e->is_bottom) {
    ok = list_dirty_pages(vm, e, result) && list_emits(vm, e, result) && jv_publish(vm->dir, &value->obj);
    if (!ok) jv_fail_memory(error);
  } else {
    ok = slots_after_halt(vm, e, vm->frames[jv_caller(vm, frame)].entry, value, &slots, error);
  }
  if (ok && metered && jv_quota_debit(vm, e, id, owed, &enough) != JAVM_OK) {
    ok = false;
    jv_fail_memory(error);
    jv_release(vm->dir, slots);
  }
  if (ok && !enough) { /* somebody else spent it since halt() looked */
    jv_release(vm->dir, slots);
    ok = false;
    jv_fail(error, JAVM_INTERNAL, 0, "a storage quota changed while a VM that uses it ran");
  }
  if (ok && e->is_bottom) {
    commit_bottom(vm, frame, value, result);
  } else if (ok) {
    commit_child(vm, frame, value, slots);
    jv_release(vm->dir, value);
    return RUN_ON;
  }
  jv_release(vm->dir, value);
  return ok ? DONE : FAILED;
}

static next halt(javm_vm *vm, size_t frame, javm_result *result, javm_error *error) {
  jv_entry *e = vm->frames[frame].entry;
  bool metered = false;
  uint64_t id = 0, owed = (uint64_t)jv_entry_written(e) * JAVM_PAGE_BYTES;
  if (owed && owed_quota(vm, frame, &metered, &id, error) != JAVM_OK) return FAILED;
  if (metered && vm->config.assist->storage_quota_get(vm->config.assist->ctx, id) < owed)
    return quota_exhausted(vm, frame, result, error);
  if (!e->is_bottom && !jv_own(vm, jv_caller(vm, frame))) return out_of_memory(error);
  jv_obj *before = jv_obj_retain(e->slots);
  next n = settle(vm, frame, metered, id, owed, result, error);
  if (n == FAILED) { /* slot 0 is back where it was, whatever the host does next */
    jv_release(vm->dir, e->slots);
    e->slots = jv_obj_retain(before);
    jv_release(vm->dir, e->slot0);
    e->slot0 = NULL;
  }
  jv_release(vm->dir, before);
  return n;
}

/* ---- the loop ---- */

/* Runs the entry to an exit, if it has none yet, and debits the gas (also what an error kept from being debited). */
static javm_status run_engine(javm_vm *vm, size_t frame, javm_error *error) {
  jv_entry *e = jv_own(vm, frame);
  if (!e) return jv_fail_memory(error);
  vm->out_of_quota = vm->travel.stopped = false;
  if (e->has_exit) return jv_gas_store(vm, frame, error);
  javm_status status = jv_gas_load(vm, frame, error);
  if (status != JAVM_OK) return status;
  jv_trace_resume(vm, e);
  jv_loaded_image *image = jv_retain_image(e->image);
  uint64_t before = e->state.instructions;
  vm->failure.status = JAVM_OK;
  e->refusal = JAVM_REFUSAL_NONE;
  if (JV_LIKELY(!vm->travel.is_limited)) e->exit = jv_run(image->program, &e->state, jv_vm_ecall, vm);
  else e->exit = jv_run_limited(vm, e);
  e->has_exit = true;
  vm->instructions += e->state.instructions - before;
  vm->travel.instructions += e->state.instructions - before;
  if (e->image != image) e->state.paid = false; /* set_image: control enters a block of another program */
  jv_unload_image(vm, image);
  return jv_gas_store(vm, frame, error);
}

static next host_failure(javm_vm *vm, size_t frame, javm_result *result, javm_error *error) {
  jv_entry *e = vm->frames[frame].entry;
  e->has_exit = false;
  if (vm->out_of_quota) return quota_exhausted(vm, frame, result, error);
  if (e->exit.status == JAVM_INTERNAL && e->mem.failure[0]) {
    jv_fail(error, JAVM_INTERNAL, 0, "%s", e->mem.failure);
  } else if (vm->failure.status != JAVM_OK) {
    if (error) *error = vm->failure;
  } else if (e->exit.status == JAVM_OUT_OF_MEMORY) {
    jv_fail_memory(error);
  } else {
    jv_fail_missing(error, e->exit.status, &e->mem.missing, "a page that the instance refers to");
  }
  return FAILED;
}

static next after_exit(javm_vm *vm, size_t frame, javm_result *result, javm_error *error) {
  jv_entry *e = vm->frames[frame].entry;
  bool caught = false;
  next n;
  if (e->dropped) return fault(vm, frame, result, error);
  switch (e->exit.kind) {
    case JAVM_EXIT_HALT: return halt(vm, frame, result, error);
    case JAVM_EXIT_HOST_CALL:
    case JAVM_EXIT_ECALL: /* an operation has switched entries or programs, or paused; or the engine was limited */
      e->has_exit = false;
      if (vm->travel.stopped && jv_yield_to(vm, JV_TARGET_HOST, 0, JAVM_PAUSE_MARK, NULL) != JV_OP_SWITCH)
        return out_of_memory(error);
      return RUN_ON;
    case JAVM_EXIT_OUT_OF_GAS:
      n = kernel_yield(vm, frame, JAVM_PAUSE_OUT_OF_GAS, &caught, error);
      if (n == FAILED) return n;
      if (!caught) return fault(vm, frame, result, error);
      e->has_exit = false;
      return n;
    case JAVM_EXIT_ERROR: return host_failure(vm, frame, result, error);
    default: return fault(vm, frame, result, error);
  }
}

void jv_report_pause(javm_vm *vm, javm_result *result) {
  const jv_frame *reference = &vm->frames[vm->depth - 1];
  result->kind = JAVM_RESULT_PAUSED;
  result->pause = (javm_pause_kind)reference->pause;
  result->payload = javm_cap_retain(reference->payload);
  if (result->pause == JAVM_PAUSE_HOST_CALL) result->host_function = (uint32_t)reference->marker_index;
}

javm_status jv_drive(javm_vm *vm, javm_result *result, javm_error *error) {
  javm_error own;
  if (!error) error = &own;
  vm->paused = false;
  for (;;) {
    size_t frame = jv_runner(vm);
    javm_status status = run_engine(vm, frame, error);
    if (status != JAVM_OK) return status;
    next n = after_exit(vm, frame, result, error);
    if (n == FAILED) return error->status;
    if (vm->paused) jv_report_pause(vm, result);
    if (n == DONE || vm->paused) return JAVM_OK;
  }
}
