/* Gas and catchers, as the kernel assist keeps them (6-kernel.md 6.2). */
#include "vm/vm.h"

bool jv_is_kernel(const javm_vm *vm, const javm_cap *cap, javm_kernel_image which) {
  return cap->kind == JAVM_KIND_INSTANCE && jv_hash_equal(&cap->as.instance.chain, &vm->kernel[which]);
}

javm_status jv_handle_in(javm_vm *vm, const jv_entry *e, const uint32_t *slots, size_t count, javm_kernel_image which,
                         bool *found, uint64_t *id, javm_error *error) {
  *found = false;
  javm_cap *cap = count && vm->config.assist ? jv_root_slot(e, slots[0]) : NULL;
  if (!cap) return JAVM_OK;
  javm_cap *value;
  javm_status status = jv_resolve(vm->dir, cap, JAVM_KIND_ABSENT, &value, error);
  if (status != JAVM_OK) return status;
  *found = jv_is_kernel(vm, value, which);
  if (*found) *id = value->as.instance.regs[JV_REG_ARG];
  jv_release(vm->dir, value);
  return JAVM_OK;
}

/* ---- gas ---- */

/* The gas of an entry comes from its own meter, or from where its caller's comes from, or from its drive's budget: sets
 * *metered and *id, or returns the bottom frame with the budget in *bottom. */
static javm_status gas_source(javm_vm *vm, size_t frame, bool *metered, uint64_t *id, jv_frame **bottom,
                              javm_error *error) {
  for (;; frame = jv_caller(vm, frame)) {
    jv_entry *e = vm->frames[frame].entry;
    const javm_image_spec *spec = jv_entry_spec(e);
    javm_status status =
        jv_handle_in(vm, e, spec->gas_slots, spec->gas_slot_count, JAVM_KERNEL_GAS, metered, id, error);
    if (status != JAVM_OK || *metered) return status;
    if (e->is_bottom) {
      *bottom = &vm->frames[frame];
      return JAVM_OK;
    }
  }
}

javm_status jv_gas_load(javm_vm *vm, size_t frame, javm_error *error) {
  jv_entry *e = vm->frames[frame].entry;
  jv_frame *bottom = NULL;
  javm_status status = gas_source(vm, frame, &e->gas_metered, &e->gas_meter, &bottom, error);
  if (status != JAVM_OK) return status;
  if (e->gas_metered) {
    if (!jv_grow(vm->allocator, &vm->spent, &vm->spent_capacity, vm->spent_count + 1, sizeof *vm->spent))
      return jv_fail_memory(error);
    e->state.gas = vm->config.assist->gas_meter_get(vm->config.assist->ctx, e->gas_meter);
  } else {
    e->state.gas = bottom->budget;
  }
  e->gas_loaded = e->state.gas;
  return JAVM_OK;
}

/* jv_gas_load made the room. */
static void remember_spent(javm_vm *vm, uint64_t id, uint64_t amount) {
  size_t i = 0;
  while (i < vm->spent_count && vm->spent[i].id != id) i++;
  if (i == vm->spent_count) vm->spent[vm->spent_count++] = (jv_meter_spent){id, 0};
  vm->spent[i].amount += amount;
}

javm_status jv_gas_store(javm_vm *vm, size_t frame, javm_error *error) {
  jv_entry *e = vm->frames[frame].entry;
  uint64_t used = e->gas_loaded - e->state.gas, previous;
  if (used == 0) return JAVM_OK;
  if (e->gas_metered) {
    const javm_assist *assist = vm->config.assist;
    if (assist->gas_meter_set(assist->ctx, e->gas_meter, e->state.gas, &previous) != JAVM_OK)
      return jv_fail_memory(error);
    remember_spent(vm, e->gas_meter, used);
  } else {
    while (!vm->frames[frame].entry->is_bottom) frame = jv_caller(vm, frame);
    vm->frames[frame].budget = e->state.gas;
  }
  e->gas_loaded = e->state.gas;
  vm->gas_used += used;
  vm->travel.gas_used += used;
  return JAVM_OK;
}

javm_status jv_gas_add(javm_vm *vm, size_t frame, uint64_t gas) {
  const javm_assist *assist = vm->config.assist;
  bool metered = false;
  uint64_t id = 0, previous;
  jv_frame *bottom = NULL;
  jv_entry *e = jv_own(vm, frame);
  if (!e) return JAVM_OUT_OF_MEMORY;
  javm_status status = gas_source(vm, frame, &metered, &id, &bottom, NULL);
  if (status == JAVM_OK && metered)
    status = assist->gas_meter_set(assist->ctx, id, jv_saturating_sum(assist->gas_meter_get(assist->ctx, id), gas),
                                   &previous);
  if (status != JAVM_OK) return status;
  if (!metered) bottom->budget = jv_saturating_sum(bottom->budget, gas);
  /* what it shows, and what it may still have to debit */
  e->state.gas = jv_saturating_sum(e->state.gas, gas);
  e->gas_loaded = jv_saturating_sum(e->gas_loaded, gas);
  return JAVM_OK;
}

javm_status jv_gas_set(javm_vm *vm, jv_entry *e, uint64_t id, uint64_t gas, uint64_t *previous) {
  const javm_assist *assist = vm->config.assist;
  if (assist->gas_meter_set(assist->ctx, id, gas, previous) != JAVM_OK) return JAVM_OUT_OF_MEMORY;
  if (!e->gas_metered || e->gas_meter != id) return JAVM_OK;
  uint64_t used = e->gas_loaded - e->state.gas; /* what a write-back would have taken from it before */
  if (used) remember_spent(vm, id, used);
  vm->gas_used += used;
  vm->travel.gas_used += used;
  *previous = e->state.gas;
  e->state.gas = e->gas_loaded = gas;
  return JAVM_OK;
}

void jv_gas_forget(javm_vm *vm, uint64_t id, uint64_t amount) {
  for (size_t i = 0; i < vm->spent_count; i++) {
    jv_meter_spent *spent = &vm->spent[i];
    if (spent->id == id) spent->amount -= amount < spent->amount ? amount : spent->amount;
  }
}

void jv_gas_undo(javm_vm *vm) {
  const javm_assist *assist = vm->config.assist;
  uint64_t previous;
  for (size_t i = 0; i < vm->spent_count; i++) {
    uint64_t now = assist->gas_meter_get(assist->ctx, vm->spent[i].id);
    assist->gas_meter_set(assist->ctx, vm->spent[i].id, jv_saturating_sum(now, vm->spent[i].amount), &previous);
  }
  vm->spent_count = 0;
}

/* ---- catchers ---- */

static javm_status catches(javm_vm *vm, const jv_entry *e, const javm_hash *key, bool *found, uint64_t *index,
                           javm_error *error) {
  const javm_image_spec *spec = jv_entry_spec(e);
  const javm_assist *assist = vm->config.assist;
  javm_cap *cap = spec->has_yield_marker_slot ? jv_root_slot(e, spec->yield_marker_slot) : NULL;
  if (!cap) return JAVM_OK;
  if (!jv_settle(vm->dir, &cap->obj)) return jv_fail_memory(error);
  size_t count = assist->yield_catcher_count(assist->ctx, &cap->obj.hash);
  for (size_t i = 0; i < count && !*found; i++) {
    javm_hash marker;
    assist->yield_catcher_marker(assist->ctx, &cap->obj.hash, i, &marker);
    *found = jv_hash_equal(&marker, key);
    *index = i;
  }
  return JAVM_OK;
}

javm_status jv_find_catcher(javm_vm *vm, size_t frame, const javm_hash *key, bool *found, size_t *catcher,
                            uint64_t *marker_index, javm_error *error) {
  *found = false;
  if (!vm->config.assist) return JAVM_OK;
  while (!*found && !vm->frames[frame].entry->is_bottom) {
    *catcher = frame = jv_caller(vm, frame);
    javm_status status = catches(vm, vm->frames[frame].entry, key, found, marker_index, error);
    if (status != JAVM_OK) return status;
  }
  return JAVM_OK;
}
