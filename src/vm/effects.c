/* What entries do outside of their own state: emits, and what they change in the kernel assist. It is done at once,
 * remembered in the entry, and undone where the entry does not end with a Halt. */
#include "vm/vm.h"

jv_effect *jv_effect_new(javm_vm *vm, jv_effect_kind kind) {
  jv_effect *effect = jv_alloc_zero(vm->allocator, sizeof *effect);
  if (effect) effect->kind = kind;
  return effect;
}

void jv_effect_free(javm_vm *vm, jv_effect *effect) {
  if (!effect) return;
  jv_release(vm->dir, effect->cap);
  jv_free(vm->allocator, effect, sizeof *effect);
}

void jv_effects_append(jv_effects *effects, jv_effect *effect) {
  effect->next = NULL;
  effect->before = effects->last;
  if (effects->last) effects->last->next = effect;
  else effects->first = effect;
  effects->last = effect;
}

size_t jv_effects_count(const jv_effects *effects) {
  size_t count = 0;
  for (const jv_effect *f = effects->first; f; f = f->next) count++;
  return count;
}

void jv_effect_add(jv_entry *e, jv_effect *effect) { jv_effects_append(&e->effects, effect); }

javm_status jv_quota_debit(javm_vm *vm, jv_entry *e, uint64_t id, uint64_t amount, bool *enough) {
  const javm_assist *assist = vm->config.assist;
  uint64_t now = assist->storage_quota_get(assist->ctx, id), previous;
  *enough = now >= amount;
  if (!*enough || amount == 0) return JAVM_OK;
  jv_effect *effect = jv_effect_new(vm, JV_EFFECT_QUOTA_DOWN);
  if (!effect) return JAVM_OUT_OF_MEMORY;
  if (assist->storage_quota_set(assist->ctx, id, now - amount, &previous) != JAVM_OK) {
    jv_effect_free(vm, effect);
    return JAVM_OUT_OF_MEMORY;
  }
  effect->id = id;
  effect->amount = amount;
  jv_effect_add(e, effect);
  return JAVM_OK;
}

void jv_effects_hand_up(jv_entry *callee, jv_entry *caller) {
  if (!callee->effects.first) return;
  callee->effects.first->before = caller->effects.last;
  if (caller->effects.last) caller->effects.last->next = callee->effects.first;
  else caller->effects.first = callee->effects.first;
  caller->effects.last = callee->effects.last;
  callee->effects = (jv_effects){NULL, NULL};
}

void jv_effects_keep(javm_vm *vm, jv_effects *effects) {
  for (jv_effect *f = effects->first, *next; f; f = next) {
    next = f->next;
    jv_effect_free(vm, f);
  }
  *effects = (jv_effects){NULL, NULL};
}

/* ---- undoing ---- */

static uint64_t less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

static void undo_quota(const javm_assist *a, const jv_effect *f) {
  uint64_t now = a->storage_quota_get(a->ctx, f->id), previous;
  bool up = f->kind == JV_EFFECT_QUOTA_UP;
  a->storage_quota_set(a->ctx, f->id, up ? less(now, f->amount) : jv_saturating_sum(now, f->amount), &previous);
}

/* What is not there any more of what came to a meter was spent: it has not to be given back, should the invoke fail. */
static void undo_gas(javm_vm *vm, const jv_effect *f) {
  const javm_assist *a = vm->config.assist;
  uint64_t now = a->gas_meter_get(a->ctx, f->id), previous;
  bool up = f->kind == JV_EFFECT_GAS_UP;
  if (up) jv_gas_forget(vm, f->id, less(f->amount, now));
  a->gas_meter_set(a->ctx, f->id, up ? less(now, f->amount) : jv_saturating_sum(now, f->amount), &previous);
}

/* Puts a marker back to its index: behind all, then those behind its place behind it, one after the other. */
static void put_back(const javm_assist *a, const jv_effect *f) {
  size_t count = a->yield_catcher_count(a->ctx, &f->catcher);
  a->yield_catcher_add(a->ctx, &f->catcher, &f->marker);
  if (a->yield_catcher_count(a->ctx, &f->catcher) == count) return; /* somebody else has added it */
  for (size_t i = (size_t)f->id; i < count; i++) {
    javm_hash behind;
    a->yield_catcher_marker(a->ctx, &f->catcher, (size_t)f->id, &behind);
    a->yield_catcher_remove(a->ctx, &f->catcher, &behind);
    a->yield_catcher_add(a->ctx, &f->catcher, &behind);
  }
}

static void undo(javm_vm *vm, const jv_effect *f) {
  const javm_assist *a = vm->config.assist;
  switch (f->kind) {
    case JV_EFFECT_EMIT: break;
    case JV_EFFECT_QUOTA_UP:
    case JV_EFFECT_QUOTA_DOWN: undo_quota(a, f); break;
    case JV_EFFECT_GAS_UP:
    case JV_EFFECT_GAS_DOWN: undo_gas(vm, f); break;
    case JV_EFFECT_MARKER_ADDED: a->yield_catcher_remove(a->ctx, &f->catcher, &f->marker); break;
    case JV_EFFECT_MARKER_REMOVED: put_back(a, f); break;
  }
}

void jv_effects_undo(javm_vm *vm, const jv_effects *effects) {
  for (const jv_effect *f = effects->last; f; f = f->before) undo(vm, f);
}

bool jv_effects_copy(javm_vm *vm, jv_effects *to, const jv_effects *from, bool all) {
  *to = (jv_effects){NULL, NULL};
  for (const jv_effect *f = from->first; f; f = f->next) {
    if (!all && f->kind != JV_EFFECT_EMIT) continue;
    jv_effect *copy = jv_effect_new(vm, f->kind);
    if (!copy) {
      jv_effects_keep(vm, to);
      return false;
    }
    *copy = *f;
    javm_cap_retain(copy->cap);
    jv_effects_append(to, copy);
  }
  return true;
}
