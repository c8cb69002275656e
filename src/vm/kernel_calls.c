/*
 * Calls to the kernel's Instances (6-kernel.md 6.1): no bytecode runs, the VM does the work at once, by the conventions of a
 * call. The arguments are in the caller's φ[9] and φ[10], caps go both ways by slot 0, the answer is in φ[7]. What a call
 * changes in the kernel assist is an effect of the caller's.
 */
#include "vm/operations.h"

static jv_op_result answer(jv_entry *e, uint64_t value) {
  ARG(0) = value;
  ARG(1) = 0; /* Ok */
  return JV_OP_CONTINUE;
}

/* As if the callee had trapped. */
static jv_op_result trap(jv_entry *e) {
  ARG(0) = 1;
  ARG(1) = 2;
  return JV_OP_CONTINUE;
}

/* What the callee leaves in its slot 0 goes to the caller's; nothing moves where that is pinned. False: out of memory. */
static bool give(javm_vm *vm, jv_entry *e, javm_cap *cap) {
  return jv_is_pinned(e->image, 0) || jv_tree_set(vm->dir, &e->slots, e->size_log, 0, &cap->obj);
}

/* ---- meters and quotas ---- */

/* Fills in an effect of a number that was set and hands it to the entry, or frees it where nothing has changed. */
static void remember(javm_vm *vm, jv_entry *e, jv_effect *effect, uint64_t id, uint64_t before, uint64_t after,
                     jv_effect_kind up, jv_effect_kind down) {
  if (before == after) {
    jv_effect_free(vm, effect);
    return;
  }
  effect->kind = after > before ? up : down;
  effect->id = id;
  effect->amount = after > before ? after - before : before - after;
  jv_effect_add(e, effect);
}

static jv_op_result set_gas_meter(javm_vm *vm, jv_entry *e) {
  uint64_t id = ARG(2), value = ARG(3), previous;
  jv_effect *effect = jv_effect_new(vm, JV_EFFECT_GAS_UP);
  if (!effect || jv_gas_set(vm, e, id, value, &previous) != JAVM_OK) {
    jv_effect_free(vm, effect);
    return jv_op_out_of_memory(vm);
  }
  /* commit */
  remember(vm, e, effect, id, previous, value, JV_EFFECT_GAS_UP, JV_EFFECT_GAS_DOWN);
  return answer(e, previous);
}

static jv_op_result set_storage_quota(javm_vm *vm, jv_entry *e) {
  const javm_assist *assist = vm->config.assist;
  uint64_t id = ARG(2), value = ARG(3), previous;
  jv_effect *effect = jv_effect_new(vm, JV_EFFECT_QUOTA_UP);
  if (!effect || assist->storage_quota_set(assist->ctx, id, value, &previous) != JAVM_OK) {
    jv_effect_free(vm, effect);
    return jv_op_out_of_memory(vm);
  }
  /* commit */
  remember(vm, e, effect, id, previous, value, JV_EFFECT_QUOTA_UP, JV_EFFECT_QUOTA_DOWN);
  return answer(e, previous);
}

static jv_op_result mint(javm_vm *vm, jv_entry *e, javm_kernel_image handle) {
  javm_cap *cap;
  if (javm_kernel_instance(vm->dir, handle, ARG(2), &cap) != JAVM_OK) return jv_op_out_of_memory(vm);
  bool given = give(vm, e, cap);
  jv_release(vm->dir, cap);
  return given ? answer(e, 0) : jv_op_out_of_memory(vm);
}

/* ---- catchers ---- */

static jv_op_result create_yield_catcher(javm_vm *vm, jv_entry *e) {
  const javm_assist *assist = vm->config.assist;
  javm_cap *cap;
  if (javm_kernel_instance(vm->dir, JAVM_KERNEL_YIELDCATCHER, 0, &cap) != JAVM_OK) return jv_op_out_of_memory(vm);
  if (!give(vm, e, cap)) {
    jv_release(vm->dir, cap);
    return jv_op_out_of_memory(vm);
  }
  /* commit: a number once given is not given again, so it is asked for last, and nobody has seen the cap yet */
  cap->as.instance.regs[JV_REG_ARG] = assist->yield_catcher_new(assist->ctx);
  jv_release(vm->dir, cap);
  return answer(e, 0);
}

/* Is the marker in the catcher's list, and where? */
static bool find_marker(const javm_assist *assist, const javm_hash *catcher, const javm_hash *marker, size_t *index) {
  size_t count = assist->yield_catcher_count(assist->ctx, catcher);
  for (*index = 0; *index < count; ++*index) {
    javm_hash other;
    assist->yield_catcher_marker(assist->ctx, catcher, *index, &other);
    if (jv_hash_equal(&other, marker)) return true;
  }
  return false;
}

static jv_op_result change_markers(javm_vm *vm, jv_entry *e, javm_cap *instance, bool add) {
  const javm_assist *assist = vm->config.assist;
  javm_cap *cap = jv_slot0(e);
  if (!cap) return trap(e);
  if (!jv_settle(vm->dir, &instance->obj) || !jv_settle(vm->dir, &cap->obj)) return jv_op_out_of_memory(vm);
  const javm_hash *catcher = &instance->obj.hash, *marker = &cap->obj.hash;
  size_t index;
  if (find_marker(assist, catcher, marker, &index) == add) return answer(e, 0);
  jv_effect *effect = jv_effect_new(vm, add ? JV_EFFECT_MARKER_ADDED : JV_EFFECT_MARKER_REMOVED);
  if (!effect || (add && assist->yield_catcher_add(assist->ctx, catcher, marker) != JAVM_OK)) {
    jv_effect_free(vm, effect);
    return jv_op_out_of_memory(vm);
  }
  /* commit */
  if (!add) assist->yield_catcher_remove(assist->ctx, catcher, marker);
  effect->id = index;
  effect->catcher = *catcher;
  effect->marker = *marker;
  jv_effect_add(e, effect);
  return answer(e, 0);
}

static jv_op_result read_markers(javm_vm *vm, jv_entry *e, javm_cap *instance) {
  const javm_assist *assist = vm->config.assist;
  if (!jv_settle(vm->dir, &instance->obj)) return jv_op_out_of_memory(vm);
  const javm_hash *catcher = &instance->obj.hash;
  size_t count = assist->yield_catcher_count(assist->ctx, catcher);
  javm_hash *keys = jv_alloc_array(vm->allocator, count, sizeof *keys);
  if (!keys) return jv_op_out_of_memory(vm);
  for (size_t i = 0; i < count; i++) assist->yield_catcher_marker(assist->ctx, catcher, i, &keys[i]);
  javm_cap *data = NULL;
  bool given =
      javm_data_new(vm->dir, (const uint8_t *)keys, count * sizeof *keys, &data) == JAVM_OK && give(vm, e, data);
  jv_free_array(vm->allocator, keys, count, sizeof *keys);
  jv_release(vm->dir, data);
  return given ? answer(e, 0) : jv_op_out_of_memory(vm);
}

/* ---- which ---- */

static const uint8_t endpoint_count[JAVM_KERNEL_COUNT] = {
    [JAVM_KERNEL_YIELDCATCHER] = 3, [JAVM_KERNEL_SET_GAS_METER] = 1, [JAVM_KERNEL_SET_STORAGE_QUOTA] = 1,
    [JAVM_KERNEL_MINT_GAS] = 1,     [JAVM_KERNEL_MINT_QUOTA] = 1,    [JAVM_KERNEL_CREATE_YIELD_CATCHER] = 1,
};

jv_op_result jv_kernel_call(javm_vm *vm, jv_entry *e, javm_kernel_image which, javm_cap *instance) {
  if (!vm->config.assist) return jv_refuse(vm, JAVM_REFUSAL_KERNEL_CALL);
  if (ARG(1) >= endpoint_count[which]) return jv_refuse(vm, JAVM_REFUSAL_ENDPOINT);
  switch (which) {
    case JAVM_KERNEL_SET_GAS_METER: return set_gas_meter(vm, e);
    case JAVM_KERNEL_SET_STORAGE_QUOTA: return set_storage_quota(vm, e);
    case JAVM_KERNEL_MINT_GAS: return mint(vm, e, JAVM_KERNEL_GAS);
    case JAVM_KERNEL_MINT_QUOTA: return mint(vm, e, JAVM_KERNEL_QUOTA);
    case JAVM_KERNEL_CREATE_YIELD_CATCHER: return create_yield_catcher(vm, e);
    default: return ARG(1) == 2 ? read_markers(vm, e, instance) : change_markers(vm, e, instance, ARG(1) == 0);
  }
}
