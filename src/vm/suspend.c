/* A whole VM that is paused: written out as a value, taken up from one, forked (4-vm.md 4.2). */
#include <string.h>

#include "cap/hash.h"
#include "vm/drive.h"

static javm_status suspendable(const javm_vm *vm, javm_error *error) {
  if (vm->running) return jv_fail(error, JAVM_INVALID_ARGUMENT, 0, "the VM is running: no verb from a host function");
  if (vm->depth == 0 || vm->frames[vm->depth - 1].entry)
    return jv_fail(error, JAVM_NOT_PAUSED, 0, "no Reference is on top of the call stack");
  for (size_t i = 0; i < vm->depth; i++)
    if (!vm->frames[i].entry && vm->frames[i].retry)
      return jv_fail(error, JAVM_NOT_PAUSED, i, "an error has stopped a verb half-way: call_resume goes on there");
  if (vm->depth > JV_PAUSED_ENTRY_MAX)
    return jv_fail(error, JAVM_OUT_OF_RANGE, 0, "the call stack has %zu entries, a Continuation at most %u", vm->depth,
                   JV_PAUSED_ENTRY_MAX);
  for (size_t i = 0; i < vm->depth; i++)
    if (vm->frames[i].entry && jv_effects_count(&vm->frames[i].entry->effects) > JV_EFFECT_MAX)
      return jv_fail(error, JAVM_OUT_OF_RANGE, i, "an entry has more than %u effects, which is what a Frame can hold",
                     JV_EFFECT_MAX);
  return JAVM_OK;
}

/* What a fork may not undo is not saved to be undone. */
static bool own_lent(javm_vm *vm) {
  for (size_t i = 0; i < vm->depth; i++)
    if (vm->frames[i].entry && vm->frames[i].is_lent && !jv_own(vm, i)) return false;
  return true;
}

/* The whole stack as an Instance. NULL: out of memory. */
static javm_cap *save_all(javm_vm *vm) {
  javm_hash marker = {{0}};
  javm_cap *payload = vm->frames[vm->depth - 1].payload;
  if (!own_lent(vm) || (payload && !jv_settle(vm->dir, &payload->obj))) return NULL;
  if (payload) marker = payload->obj.hash;
  return jv_save(vm, 0, vm->depth, &marker, true);
}

javm_status javm_vm_suspend(javm_vm *vm, javm_hash *hash, javm_error *error) {
  javm_status status = suspendable(vm, error);
  if (status != JAVM_OK) return status;
  javm_cap *saved = save_all(vm);
  if (!saved) return jv_fail_memory(error);
  status = javm_dir_put(vm->dir, saved, hash, error);
  jv_release(vm->dir, saved);
  return status;
}

static javm_status root(javm_vm *vm, javm_hash *hash, javm_error *error) {
  javm_cap *saved = save_all(vm);
  bool ok = saved && jv_settle(vm->dir, &saved->obj);
  if (ok) *hash = saved->obj.hash;
  jv_release(vm->dir, saved);
  return ok ? JAVM_OK : jv_fail_memory(error);
}

static javm_status machine_root(javm_vm *vm, javm_hash *hash, javm_error *error) {
  static const javm_hash none;
  jv_merkle m;
  jv_merkle_init(&m);
  for (size_t i = 0; i < vm->depth; i++) {
    const jv_frame *f = &vm->frames[i];
    jv_merkle_add_number(&m, f->entry ? JAVM_ENTRY_INSTANCE : JAVM_ENTRY_REFERENCE);
    jv_merkle_add_number(&m, f->entry ? f->entry->state.pc : f->target);
    jv_merkle_add_number(&m, f->entry ? f->entry->mem.heap_end : f->pause);
    if (!f->entry) continue;
    jv_entry *e = jv_own(vm, i);
    if (!e || !jv_entry_freeze(e) || !jv_settle(vm->dir, e->pages)) return jv_fail_memory(error);
    jv_merkle_add_regs(&m, e->state.regs);
    jv_merkle_add(&m, e->pages ? &e->pages->hash : &none);
  }
  jv_merkle_root(&m, JV_ZERO_LEVELS - 1, hash);
  jv_mix_in_number(hash, m.count);
  return JAVM_OK;
}

javm_status javm_vm_root(javm_vm *vm, javm_root_kind kind, javm_hash *hash, javm_error *error) {
  javm_status status = suspendable(vm, error);
  if (status != JAVM_OK) return status;
  switch (kind) {
    case JAVM_ROOT_WHOLE: return root(vm, hash, error);
    case JAVM_ROOT_MACHINE: return machine_root(vm, hash, error);
    default: return jv_fail(error, JAVM_INVALID_ARGUMENT, 0, "no such kind of root");
  }
}

/* A Reference on top that says why it is paused. */
static javm_status show_marker(javm_vm *vm, const javm_cap *saved, javm_error *error) {
  javm_cap *continuation, *payload = NULL;
  javm_status status = jv_resolve(vm->dir, saved->as.instance.paused, JAVM_KIND_CONTINUATION, &continuation, error);
  if (status != JAVM_OK) return status;
  const javm_hash *marker = &continuation->as.continuation.marker;
  bool ok = jv_hash_is_zero(marker) || (payload = jv_cap_for_hash(vm->dir, marker)) != NULL;
  jv_release(vm->dir, continuation);
  if (!ok) return jv_fail_memory(error);
  if (vm->frames[vm->depth - 1].entry) vm->frames[vm->depth++] = (jv_frame){.target = JV_TARGET_HOST};
  jv_release(vm->dir, vm->frames[vm->depth - 1].payload);
  vm->frames[vm->depth - 1].payload = payload;
  return JAVM_OK;
}

static javm_status restore(javm_vm *vm, const javm_hash *hash, javm_error *error) {
  if (vm->running) return jv_fail(error, JAVM_INVALID_ARGUMENT, 0, "the VM is running: no verb from a host function");
  if (vm->depth) return jv_fail(error, JAVM_INVALID_ARGUMENT, 0, "the call stack has %zu entries already", vm->depth);
  javm_cap *saved;
  javm_status status = javm_dir_get(vm->dir, hash, &saved, error);
  if (status == JAVM_OK && saved->kind != JAVM_KIND_INSTANCE) {
    jv_release(vm->dir, saved);
    status = JAVM_VALUE_NOT_FOUND;
  }
  if (status == JAVM_VALUE_NOT_FOUND)
    return jv_fail_missing(error, JAVM_INSTANCE_NOT_FOUND, hash, "no Instance with this hash is in the directory");
  if (status != JAVM_OK) return status;
  if (saved->as.instance.paused) status = jv_push_saved(vm, saved, true, error);
  else status = jv_fail(error, JAVM_NOT_PAUSED, 0, "the instance is not paused");
  if (status == JAVM_OK) status = show_marker(vm, saved, error);
  jv_release(vm->dir, saved);
  if (status != JAVM_OK) jv_forget_to(vm, 0);
  return status;
}

javm_status javm_vm_restore(javm_vm *vm, const javm_hash *hash, javm_result *result, javm_error *error) {
  memset(result, 0, sizeof *result);
  javm_status status = restore(vm, hash, error);
  if (status != JAVM_OK) return status;
  vm->travel.gas_used = vm->travel.instructions = 0;
  jv_report_pause(vm, result);
  return JAVM_OK;
}

/* ---- fork ---- */

static bool copy_functions(javm_vm *to, const javm_vm *from) {
  if (!jv_grow(to->allocator, &to->functions, &to->function_capacity, from->function_count, sizeof *to->functions))
    return false;
  if (from->function_count) memcpy(to->functions, from->functions, from->function_count * sizeof *to->functions);
  to->function_count = from->function_count;
  return true;
}

/* Once more than one VM holds it, nobody changes it, nor is what it spares any VM's: that VM runs on, or goes. */
static void share(jv_entry *e) {
  if (atomic_load_explicit(&e->refs, memory_order_acquire) == 1) {
    e->owner = 0;
    e->mem.spare = NULL;
  }
  atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
}

/* The entries are shared until one of the two has to change one. */
static bool share_frames(javm_vm *to, const javm_vm *from, bool lends) {
  if (!jv_grow(to->allocator, &to->frames, &to->frame_capacity, from->depth + 1, sizeof *to->frames)) return false;
  for (size_t i = 0; i < from->depth; i++) {
    jv_frame *f = &to->frames[i];
    *f = from->frames[i];
    f->is_lent |= lends;
    javm_cap_retain(f->payload);
    if (f->entry) share(f->entry);
  }
  to->depth = from->depth;
  return true;
}

javm_status javm_vm_fork(javm_vm *vm, const javm_assist *assist, javm_vm **out, javm_error *error) {
  *out = NULL;
  if (vm->running) return jv_fail(error, JAVM_INVALID_ARGUMENT, 0, "the VM is running: no verb from a host function");
  javm_vm_config config = vm->config;
  bool lends = !assist || assist == config.assist;
  if (!lends) config.assist = assist;
  config.trace = NULL;
  javm_vm *fork;
  javm_status status = javm_vm_new(vm->dir, &config, &fork, error);
  if (status != JAVM_OK) return status;
  if (!copy_functions(fork, vm) || !share_frames(fork, vm, lends)) {
    javm_vm_free(fork);
    return jv_fail_memory(error);
  }
  fork->travel = vm->travel;
  jv_travel_update(fork);
  *out = fork;
  return JAVM_OK;
}
