/* What a VM is, between verbs: its root, and the memory of its entries. */
#include "vm/vm.h"

#include "cap/hash.h"

static jv_entry *entry_at(const javm_vm *vm, size_t index) {
  return index < vm->depth && !vm->running ? vm->frames[index].entry : NULL;
}

size_t javm_vm_dirty_pages(javm_vm *vm, size_t index, uint32_t *addresses, size_t capacity) {
  jv_entry *e = entry_at(vm, index);
  return e ? jv_mem_dirty_pages(&e->mem, addresses, capacity) : 0;
}

javm_status javm_vm_read(javm_vm *vm, size_t index, uint32_t address, void *to, size_t size_bytes) {
  jv_entry *e = entry_at(vm, index);
  if (!e || size_bytes > (uint64_t)1 << 32) return JAVM_OUT_OF_RANGE;
  jv_touch touch = jv_mem_read(&e->mem, address, to, size_bytes);
  if (touch == JV_TOUCH_FAULT) return JAVM_OUT_OF_RANGE;
  return touch == JV_TOUCH_OK ? JAVM_OK : e->mem.status;
}

/* ---- the root ---- */

/* Adds the hash of a value, or the zero hash. False: out of memory. */
static bool add_cap(javm_vm *vm, jv_merkle *m, javm_cap *cap) {
  static const javm_hash none;
  if (cap && !jv_settle(vm->dir, &cap->obj)) return false;
  jv_merkle_add(m, cap ? &cap->obj.hash : &none);
  return true;
}

static bool add_slots(javm_vm *vm, jv_merkle *m, const jv_entry *e) {
  javm_cap *root = jv_cnode_make(vm->dir, e->size_log, jv_obj_retain(e->slots));
  bool ok = root && add_cap(vm, m, root);
  jv_release(vm->dir, root);
  return ok;
}

static bool add_effects(javm_vm *vm, jv_merkle *m, const jv_entry *e) {
  for (const jv_effect *f = e->effects.first; f; f = f->next) {
    jv_merkle_add_number(m, f->kind);
    jv_merkle_add_number(m, f->id);
    jv_merkle_add_number(m, f->amount);
    jv_merkle_add(m, &f->catcher);
    jv_merkle_add(m, &f->marker);
    if (!add_cap(vm, m, f->cap)) return false;
  }
  return true;
}

static void add_memory(jv_merkle *m, jv_entry *e) {
  jv_mem_dirty_pages(&e->mem, NULL, 0);
  for (size_t i = 0; i < e->mem.dirty_count; i++) {
    uint32_t page = e->mem.dirty[i].page;
    javm_hash hash;
    jv_hash(&hash, (const uint8_t *)(e->mem.read[page] + (uintptr_t)page * JAVM_PAGE_BYTES), JAVM_PAGE_BYTES);
    jv_merkle_add_number(m, page);
    jv_merkle_add(m, &hash);
  }
}

/* Each list is behind its length, so that no two entries add the same chunks. */
static bool add_entry(javm_vm *vm, jv_merkle *m, jv_entry *e, bool with_gas) {
  uint64_t effects = 0;
  for (const jv_effect *f = e->effects.first; f; f = f->next) effects++;
  const uint64_t numbers[] = {e->callee_slot, e->is_bottom,       e->state.pc,
                              e->state.paid,  e->mem.heap_end,    e->size_log,
                              effects,        e->mem.dirty_count, with_gas ? e->state.gas : 0};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) jv_merkle_add_number(m, numbers[i]);
  jv_merkle_add(m, &e->chain);
  jv_merkle_add_regs(m, e->state.regs);
  if (!add_cap(vm, m, e->instance) || !add_cap(vm, m, e->image->image) || !add_slots(vm, m, e) ||
      !add_effects(vm, m, e))
    return false;
  add_memory(m, e);
  return true;
}

static void add_reference(jv_merkle *m, const jv_frame *f) {
  jv_merkle_add_number(m, f->target);
  jv_merkle_add_number(m, f->pause);
  jv_merkle_add_number(m, f->retry);
  jv_merkle_add_number(m, f->marker_index);
}

javm_status javm_vm_root(javm_vm *vm, bool with_gas, javm_hash *root, javm_error *error) {
  if (vm->running) return jv_fail(error, JAVM_INVALID_ARGUMENT, 0, "the VM is running");
  jv_merkle m;
  jv_merkle_init(&m);
  for (size_t i = 0; i < vm->depth; i++) {
    const jv_frame *f = &vm->frames[i];
    if (!f->entry && f->pause == JAVM_PAUSE_MARK && !f->retry) continue; /* where it stopped is no part of what it is */
    jv_merkle_add_number(&m, f->entry ? JAVM_ENTRY_INSTANCE : JAVM_ENTRY_REFERENCE);
    if (!f->entry) add_reference(&m, f);
    else if (!add_entry(vm, &m, f->entry, with_gas)) return jv_fail_memory(error);
  }
  jv_merkle_root(&m, JV_ZERO_LEVELS - 1, root);
  jv_mix_in_number(root, m.count);
  return JAVM_OK;
}
