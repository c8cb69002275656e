/*
 * The call stack: frames, who runs, who called, and yields.
 *
 *   0: A          InstanceEntry, catcher
 *   1: B          InstanceEntry, called by A, yielded
 *   2: ref -> A   Reference: A's own code may run on, while B and all that B called stays paused below
 *   3: C          InstanceEntry, called by A in that time
 *
 * The caller of the entry in frame i is whatever runs in frame i-1: that entry, or the target if it is a Reference.
 */
#include "vm/vm.h"

bool jv_frames_reserve(javm_vm *vm, size_t count) {
  return jv_grow(vm->allocator, &vm->frames, &vm->frame_capacity, vm->depth + count + 1, sizeof *vm->frames);
}

size_t jv_frame_runner(const javm_vm *vm, size_t frame) {
  while (!vm->frames[frame].entry) {
    uint32_t target = vm->frames[frame].target;
    frame = target == JV_TARGET_HOST ? frame - 1 : target;
  }
  return frame;
}

size_t jv_caller(const javm_vm *vm, size_t frame) { return jv_frame_runner(vm, frame - 1); }

void jv_pop_reference(javm_vm *vm) {
  jv_release(vm->dir, vm->frames[vm->depth - 1].payload);
  vm->depth--;
}

void jv_forget_to(javm_vm *vm, size_t depth) {
  while (vm->depth > depth) {
    jv_entry *e = vm->frames[vm->depth - 1].entry;
    if (e) jv_entry_free(vm, e), vm->depth--;
    else jv_pop_reference(vm);
  }
}

void jv_drop_to(javm_vm *vm, size_t depth) {
  while (vm->depth > depth) {
    const jv_frame *f = &vm->frames[vm->depth - 1];
    if (!f->entry) {
      jv_pop_reference(vm);
      continue;
    }
    if (!f->is_lent) jv_effects_undo(vm, &f->entry->effects);
    jv_entry_free(vm, f->entry);
    vm->depth--;
  }
}

size_t jv_paused_base(const javm_vm *vm, size_t frame) {
  uint32_t target = vm->frames[frame].target;
  do {
    frame--;
  } while (frame != target && !(vm->frames[frame].entry == NULL && vm->frames[frame].target == target));
  return frame + 1;
}

bool jv_deliver(javm_vm *vm) {
  const jv_frame *reference = &vm->frames[vm->depth - 1];
  jv_entry *catcher = jv_own(vm, reference->target), *yielder = jv_own(vm, jv_frame_runner(vm, vm->depth - 2));
  if (!catcher || !yielder || !jv_slot0_move(vm, yielder, catcher)) return false;
  catcher->state.regs[JV_REG_ARG] = reference->marker_index;
  catcher->state.regs[JV_REG_ARG + 1] = 1;
  return true;
}

jv_op_result jv_yield_to(javm_vm *vm, size_t catcher, uint64_t marker_index, javm_pause_kind pause, javm_cap *payload) {
  if (!jv_frames_reserve(vm, 1)) return jv_op_out_of_memory(vm);
  vm->frames[vm->depth++] = (jv_frame){.target = (uint32_t)catcher,
                                       .pause = (uint8_t)pause,
                                       .marker_index = marker_index,
                                       .payload = javm_cap_retain(payload)};
  if (catcher == JV_TARGET_HOST || vm->config.yield_mode == JAVM_YIELD_TO_HOST) {
    vm->paused = true;
  } else if (!jv_deliver(vm)) {
    jv_pop_reference(vm);
    return jv_op_out_of_memory(vm);
  }
  return JV_OP_SWITCH;
}
