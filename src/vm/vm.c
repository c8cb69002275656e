/* The VM: making one, its verbs (4-vm.md 4.2), inspection. */
#include <string.h>

#include "vm/drive.h"

void javm_vm_config_default(javm_vm_config *config) {
  *config = (javm_vm_config){
      .size_bytes = sizeof *config, .max_depth = 256, .gas_model = JAVM_GAS_PIPELINE, .max_cached_programs = 256};
}

javm_status javm_vm_new(javm_dir *dir, const javm_vm_config *config, javm_vm **out, javm_error *error) {
  javm_vm_config c;
  javm_vm_config_default(&c);
  if (config && config->size_bytes != sizeof *config)
    return jv_fail(error, JAVM_INVALID_ARGUMENT, 0, "size_bytes of the configuration: %zu, expected %zu",
                   config->size_bytes, sizeof *config);
  if (config) c = *config;
  if (c.max_depth == 0 || c.max_cached_programs == 0 || c.gas_model > JAVM_GAS_NONE || c.engine > JAVM_ENGINE_BOTH ||
      c.yield_mode > JAVM_YIELD_TO_CATCHER || c.announce > JV_ANNOUNCE_ALL)
    return jv_fail(error, JAVM_INVALID_ARGUMENT, 0, "max_depth or max_cached_programs 0, or an unknown mode");
  const javm_allocator *a = javm_dir_allocator(dir);
  javm_vm *vm = jv_alloc_zero(a, sizeof *vm);
  if (!vm) return jv_fail_memory(error);
  static atomic_ullong last_id;
  vm->id = atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
  vm->dir = dir;
  vm->allocator = a;
  vm->config = c;
  vm->travel.marks[JAVM_MARK_GAS] = vm->travel.marks[JAVM_MARK_INSTRUCTIONS] = JAVM_NO_MARK;
  jv_travel_update(vm);
  for (int k = 0; k < JAVM_KERNEL_COUNT; k++) javm_kernel_hash((javm_kernel_image)k, &vm->kernel[k]);
  vm->spare = jv_alloc_array(a, JV_SPARE_PAGES, sizeof *vm->spare);
  vm->images = jv_alloc_array(a, c.max_cached_programs, sizeof *vm->images);
  if (!vm->spare || !vm->images) {
    javm_vm_free(vm);
    return jv_fail_memory(error);
  }
  *out = vm;
  return JAVM_OK;
}

void javm_vm_free(javm_vm *vm) {
  if (!vm) return;
  const javm_allocator *a = vm->allocator;
  jv_drop_to(vm, 0);
  for (jv_entry *e = vm->free_entries, *next; e; e = next) {
    next = e->next_free;
    if (!jv_leave_entry(vm->dir, e)) jv_entry_destroy(a, e);
  }
  while (vm->spare_count) jv_page_release(a, vm->spare[--vm->spare_count]);
  while (vm->image_count) jv_unload_image(vm, vm->images[--vm->image_count]);
  if (vm->spare) jv_free_array(a, vm->spare, JV_SPARE_PAGES, sizeof *vm->spare);
  if (vm->images) jv_free_array(a, vm->images, vm->config.max_cached_programs, sizeof *vm->images);
  jv_free(a, vm->functions, vm->function_capacity * sizeof *vm->functions);
  jv_free(a, vm->spent, vm->spent_capacity * sizeof *vm->spent);
  jv_free(a, vm->frames, vm->frame_capacity * sizeof *vm->frames);
  jv_free(a, vm, sizeof *vm);
}

/* ---- verbs ---- */

static javm_status begin(javm_vm *vm, javm_result *result, javm_error *error) {
  if (result) memset(result, 0, sizeof *result);
  if (vm->running) return jv_fail(error, JAVM_INVALID_ARGUMENT, 0, "the VM is running: no verb from a host function");
  vm->running = true;
  vm->gas_used = vm->instructions = 0;
  vm->spent_count = 0;
  return JAVM_OK;
}

static javm_status end(javm_vm *vm, javm_status status, javm_result *result) {
  vm->running = false;
  if (status == JAVM_OK) {
    result->gas_used = vm->gas_used;
    result->instructions = vm->instructions;
  } else {
    javm_result_clear(vm->dir, result);
  }
  return status;
}

static javm_status push_bottom(javm_vm *vm, const javm_hash *hash, uint8_t endpoint, const uint64_t args[4],
                               uint64_t gas_budget, javm_error *error) {
  if (vm->depth >= vm->config.max_depth)
    return jv_fail(error, JAVM_CALL_STACK_FULL, 0, "the call stack has %zu entries", vm->depth);
  if (!jv_frames_reserve(vm, 1)) return jv_fail_memory(error);
  javm_cap *instance = (javm_cap *)jv_dir_find(vm->dir, hash);
  if (!instance || instance->obj.kind != JV_OBJ_CAP || instance->kind != JAVM_KIND_INSTANCE) {
    jv_release(vm->dir, instance);
    return jv_fail_missing(error, JAVM_INSTANCE_NOT_FOUND, hash, "no Instance with this hash is in the directory");
  }
  jv_entry *e;
  javm_status status = jv_entry_build(vm, instance, endpoint, args, &e, error);
  jv_release(vm->dir, instance);
  if (status != JAVM_OK) return status;
  e->is_bottom = true;
  e->state.gas = gas_budget;
  vm->frames[vm->depth++] = (jv_frame){.entry = e, .budget = gas_budget};
  return JAVM_OK;
}

javm_status javm_vm_invoke(javm_vm *vm, const javm_hash *instance, uint8_t endpoint, const uint64_t args[4],
                           uint64_t gas_budget, javm_result *result, javm_error *error) {
  javm_status status = begin(vm, result, error);
  if (status != JAVM_OK) return status;
  size_t base = vm->depth;
  jv_travel before = vm->travel;
  if (base == 0) vm->travel.gas_used = vm->travel.instructions = 0;
  status = push_bottom(vm, instance, endpoint, args, gas_budget, error);
  if (status == JAVM_OK) {
    status = jv_drive(vm, result, error);
    if (status != JAVM_OK) {
      jv_drop_to(vm, base);
      jv_gas_undo(vm);
    }
  }
  if (status != JAVM_OK) vm->travel = before;
  return end(vm, status, result);
}

/* Runs on after something was paused; an error leaves a Reference from which call_resume can go on. */
static javm_status run_on(javm_vm *vm, javm_result *result, javm_error *error) {
  javm_status status = jv_drive(vm, result, error);
  if (status != JAVM_OK)
    vm->frames[vm->depth++] = (jv_frame){.target = JV_TARGET_HOST, .retry = true}; /* there is room for one */
  return end(vm, status, result);
}

/* The Reference on top; NULL: the VM is not paused. */
static const jv_frame *paused_at(const javm_vm *vm) {
  if (vm->depth == 0 || vm->frames[vm->depth - 1].entry) return NULL;
  return &vm->frames[vm->depth - 1];
}

/* The entry that is paused below the Reference on top, to be changed. NULL: out of memory. */
static jv_entry *paused_entry(javm_vm *vm) { return jv_own(vm, jv_frame_runner(vm, vm->depth - 2)); }

static bool is_host_call(const jv_frame *reference) {
  return reference->pause == JAVM_PAUSE_HOST_CALL && !reference->retry;
}

static javm_status not_paused(javm_vm *vm, javm_result *result, javm_error *error, const char *why) {
  return end(vm, jv_fail(error, JAVM_NOT_PAUSED, 0, "%s", why), result);
}

javm_status javm_vm_call_resume(javm_vm *vm, javm_cap *scratchpad, javm_result *result, javm_error *error) {
  javm_status status = begin(vm, result, error);
  if (status != JAVM_OK) return status;
  const jv_frame *reference = paused_at(vm);
  if (!reference) return not_paused(vm, result, error, "no Reference is on top of the call stack");
  if (is_host_call(reference)) return not_paused(vm, result, error, "a host call waits for complete_host_call");
  jv_entry *e = paused_entry(vm);
  if (!e) return end(vm, jv_fail_memory(error), result);
  if (reference->retry) scratchpad = NULL; /* what was stopped has been resumed already, and has its scratchpad */
  if (scratchpad && jv_is_pinned(e->image, 0))
    return end(vm, jv_fail(error, JAVM_INVALID_ARGUMENT, 0, "the yielder's slot 0 is pinned"), result);
  if (scratchpad && !jv_tree_set(vm->dir, &e->slots, e->size_log, 0, (jv_obj *)scratchpad))
    return end(vm, jv_fail_memory(error), result);
  jv_pop_reference(vm);
  return run_on(vm, result, error);
}

javm_status javm_vm_deliver_yield(javm_vm *vm, javm_result *result, javm_error *error) {
  javm_status status = begin(vm, result, error);
  if (status != JAVM_OK) return status;
  const jv_frame *reference = paused_at(vm);
  if (!reference || reference->target == JV_TARGET_HOST)
    return not_paused(vm, result, error, "no Reference to a catcher is on top of the call stack");
  if (!jv_deliver(vm)) return end(vm, jv_fail_memory(error), result);
  return run_on(vm, result, error);
}

/* The entry that paused for the host faults. */
static void give_up(jv_entry *e, const jv_frame *reference) {
  bool gas = reference->pause == JAVM_PAUSE_OUT_OF_GAS || reference->pause == JAVM_PAUSE_MARK;
  e->exit = (javm_exit){.kind = gas ? JAVM_EXIT_OUT_OF_GAS : JAVM_EXIT_TRAP};
  e->refusal = reference->pause == JAVM_PAUSE_QUOTA ? JAVM_REFUSAL_QUOTA_EXHAUSTED : JAVM_REFUSAL_HOST;
  e->refused_operation = (uint32_t)reference->marker_index;
  e->has_exit = e->dropped = true;
}

javm_status javm_vm_drop_paused(javm_vm *vm, javm_result *result, javm_error *error) {
  javm_status status = begin(vm, result, error);
  if (status != JAVM_OK) return status;
  const jv_frame *reference = paused_at(vm);
  if (!reference) return not_paused(vm, result, error, "no Reference is on top of the call stack");
  if (reference->target == JV_TARGET_HOST) {
    jv_entry *e = paused_entry(vm);
    if (!e) return end(vm, jv_fail_memory(error), result);
    give_up(e, reference);
    jv_pop_reference(vm);
  } else {
    jv_entry *catcher = jv_own(vm, reference->target);
    if (!catcher) return end(vm, jv_fail_memory(error), result);
    catcher->state.regs[JV_REG_ARG] = 0;
    catcher->state.regs[JV_REG_ARG + 1] = 2;
    jv_drop_to(vm, jv_paused_base(vm, vm->depth - 1));
  }
  return run_on(vm, result, error);
}

javm_status javm_vm_complete_host_call(javm_vm *vm, const uint64_t *values, size_t value_count, javm_result *result,
                                       javm_error *error) {
  javm_status status = begin(vm, result, error);
  if (status != JAVM_OK) return status;
  const jv_frame *reference = paused_at(vm);
  if (!reference || !is_host_call(reference)) return not_paused(vm, result, error, "no host call is paused");
  if (value_count > 2) return end(vm, jv_fail(error, JAVM_INVALID_ARGUMENT, 0, "more than two values"), result);
  jv_entry *e = paused_entry(vm);
  if (!e) return end(vm, jv_fail_memory(error), result);
  for (size_t i = 0; i < value_count; i++) e->state.regs[JV_REG_ARG + i] = values[i];
  jv_pop_reference(vm);
  return run_on(vm, result, error);
}

javm_status javm_vm_add_gas(javm_vm *vm, uint64_t gas) {
  if (!paused_at(vm) || vm->running) return JAVM_NOT_PAUSED;
  size_t frame = jv_frame_runner(vm, vm->depth - 2);
  return jv_gas_add(vm, frame, gas);
}

/* ---- inspection ---- */

size_t javm_vm_depth(const javm_vm *vm) { return vm->depth; }

size_t javm_vm_program_count(const javm_vm *vm) { return vm->image_count; }

uint32_t javm_vm_unannounced(const javm_vm *vm) { return vm->unannounced; }

javm_status javm_vm_entry(const javm_vm *vm, size_t index, javm_entry_view *view) {
  if (index >= vm->depth) return JAVM_OUT_OF_RANGE;
  memset(view, 0, sizeof *view);
  view->running = index + 1 == vm->depth;
  const jv_entry *e = vm->frames[index].entry;
  if (!e) {
    view->kind = JAVM_ENTRY_REFERENCE;
    view->target = vm->frames[index].target;
    return JAVM_OK;
  }
  if (jv_obj_has_hash(&e->instance->obj)) view->instance = e->instance->obj.hash;
  view->image = e->image->image->obj.hash;
  view->image_hash_chain = e->chain;
  view->pc = e->state.pc;
  view->gas = e->state.gas;
  memcpy(view->regs, e->state.regs, sizeof view->regs);
  return JAVM_OK;
}

javm_status javm_vm_check(const javm_vm *vm, javm_error *error) {
  if (vm->depth > vm->frame_capacity) return jv_fail(error, JAVM_INTERNAL, 0, "more frames than room for them");
  for (size_t i = 0; i < vm->depth; i++) {
    const jv_frame *f = &vm->frames[i];
    if (f->entry) {
      if (!f->entry->image || (i == 0 && !f->entry->is_bottom))
        return jv_fail(error, JAVM_INTERNAL, i, "frame %zu: an entry without an image, or a bottom that is none", i);
    } else if (i == 0 || (f->target != JV_TARGET_HOST && (f->target >= i || !vm->frames[f->target].entry))) {
      return jv_fail(error, JAVM_INTERNAL, i, "frame %zu: a Reference that points at no InstanceEntry below", i);
    }
  }
  if (vm->depth && !vm->running && vm->frames[vm->depth - 1].entry)
    return jv_fail(error, JAVM_INTERNAL, vm->depth - 1, "between verbs, a Reference is on top");
  return JAVM_OK;
}
