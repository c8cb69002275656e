/* Paused Instances: the operations that keep what is paused above a catcher as a value, resume it and drop it
 * (4-vm.md 4.5). */
#include "vm/operations.h"

/* The hash that a Continuation has as its marker: that of what the yield showed. False: out of memory. */
static bool marker_of(javm_vm *vm, const jv_frame *reference, javm_hash *marker) {
  *marker = (javm_hash){{0}};
  if (!reference->payload) return true;
  if (!jv_settle(vm->dir, &reference->payload->obj)) return false;
  *marker = reference->payload->obj.hash;
  return true;
}

/* Frames [base, top) leave the stack, with the Reference on top; what they did outside is e's from then on. */
static void hand_over(javm_vm *vm, jv_entry *e, size_t base) {
  for (size_t i = base; i + 1 < vm->depth; i++)
    if (vm->frames[i].entry) jv_effects_hand_up(vm->frames[i].entry, e);
  jv_forget_to(vm, base);
}

jv_op_result jv_operation_keep_yield(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  jv_path to;
  javm_hash marker;
  if (!jv_is_delivered(vm)) return jv_refuse(vm, JAVM_REFUSAL_NOTHING_PAUSED);
  if (!jv_destination(vm, e, ARG(0), &to, &result)) return result;
  size_t top = vm->depth - 1, base = jv_paused_base(vm, top);
  if (top - base > JV_PAUSED_ENTRY_MAX) return jv_refuse(vm, JAVM_REFUSAL_TOO_DEEP);
  for (size_t i = base; i < top; i++)
    if (vm->frames[i].entry && !jv_own(vm, i)) return jv_op_out_of_memory(vm);
  javm_cap *kept = marker_of(vm, &vm->frames[top], &marker) ? jv_save(vm, base, top, &marker, false) : NULL;
  if (!kept) return jv_op_out_of_memory(vm);
  result = jv_put(vm, e, &to, kept);
  if (result != JV_OP_CONTINUE) return result;
  /* commit */
  hand_over(vm, e, base);
  return JV_OP_SWITCH;
}

static jv_op_result push_failed(javm_vm *vm, javm_status status) {
  switch (status) {
    case JAVM_CALL_STACK_FULL: return jv_refuse(vm, JAVM_REFUSAL_STACK_FULL);
    case JAVM_INVALID_IMAGE: return jv_refuse(vm, JAVM_REFUSAL_INVALID_IMAGE);
    case JAVM_INVALID_INSTANCE: return jv_refuse(vm, JAVM_REFUSAL_INVALID_INSTANCE);
    default: return JV_OP_FAILED;
  }
}

/* The paused Instance that an operand names, with a count. */
static bool paused_operand(javm_vm *vm, jv_entry *e, uint64_t operand, javm_cap **out, jv_op_result *result) {
  if (!jv_operand_of(vm, e, operand, JAVM_KIND_INSTANCE, NULL, out, result)) return false;
  if ((*out)->as.instance.paused) return true;
  jv_release(vm->dir, *out);
  *result = jv_refuse(vm, JAVM_REFUSAL_NOT_PAUSED);
  return false;
}

jv_op_result jv_operation_call_resume(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  javm_cap *paused;
  size_t base = vm->depth;
  if (!paused_operand(vm, e, ARG(0), &paused, &result)) return result;
  javm_status status = jv_push_saved(vm, paused, false, &vm->failure);
  jv_release(vm->dir, paused);
  if (status != JAVM_OK) return push_failed(vm, status);
  if (!jv_slot0_move(vm, e, vm->frames[jv_runner(vm)].entry)) {
    jv_forget_to(vm, base);
    return jv_op_out_of_memory(vm);
  }
  /* commit */
  vm->frames[base].entry->callee_slot = ARG(0);
  return JV_OP_SWITCH;
}

jv_op_result jv_operation_drop_paused(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  jv_path from;
  javm_cap *paused;
  if (!jv_destination(vm, e, ARG(0), &from, &result) || !paused_operand(vm, e, ARG(0), &paused, &result)) return result;
  jv_release(vm->dir, paused);
  return jv_put(vm, e, &from, NULL);
}
