/* The operations of the ecall interface (5-abi.md 5.2) on slots, calls and yields, and what is not in data.c, images.c, types.c:
 * one function each. */
#include "vm/operations.h"

jv_op_result jv_put_two(javm_vm *vm, jv_entry *e, const jv_path *first, javm_cap *first_cap, const jv_path *second,
                        javm_cap *second_cap) {
  jv_op_result result = JV_OP_CONTINUE;
  jv_obj *slots = jv_obj_retain(e->slots);
  if (jv_slot_write(vm, &slots, e->size_log, first, first_cap, &result) &&
      jv_slot_write(vm, &slots, e->size_log, second, second_cap, &result))
    jv_commit_slots(vm, e, slots); /* commit */
  else jv_release(vm->dir, slots);
  return result;
}

/* ---- slots ---- */

jv_op_result jv_operation_reply(javm_vm *vm, jv_entry *e) {
  (void)vm;
  (void)e;
  return JV_OP_HALT;
}

jv_op_result jv_operation_copy(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  jv_path to;
  javm_cap *cap, *holder;
  if (!jv_destination(vm, e, ARG(1), &to, &result) || !jv_operand_borrow(vm, e, ARG(0), NULL, &cap, &holder, &result))
    return result;
  result = JV_OP_CONTINUE;
  jv_slot_write(vm, &e->slots, e->size_log, &to, cap, &result);
  if (holder) jv_release(vm->dir, holder);
  return result;
}

jv_op_result jv_operation_move(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  jv_path from, to;
  javm_cap *cap;
  if (!jv_destination(vm, e, ARG(0), &from, &result) || !jv_destination(vm, e, ARG(1), &to, &result) ||
      !jv_operand(vm, e, ARG(0), &from, &cap, &result))
    return result;
  uint32_t shared = jv_shared_steps(&from, &to);
  if (shared == from.length && shared < to.length) result = jv_refuse(vm, JAVM_REFUSAL_SLOT_OPERAND); /* into itself */
  else if (shared == from.length) result = JV_OP_CONTINUE;
  else result = jv_put_two(vm, e, &from, NULL, &to, cap);
  jv_release(vm->dir, cap);
  return result;
}

jv_op_result jv_operation_drop(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  jv_path from;
  if (!jv_destination(vm, e, ARG(0), &from, &result)) return result;
  return jv_put(vm, e, &from, NULL);
}

jv_op_result jv_operation_swap(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  jv_path a, b;
  javm_cap *cap_a = NULL, *cap_b = NULL;
  if (!jv_destination(vm, e, ARG(0), &a, &result) || !jv_destination(vm, e, ARG(1), &b, &result)) return result;
  uint32_t shared = jv_shared_steps(&a, &b);
  if ((shared == a.length) != (shared == b.length)) return jv_refuse(vm, JAVM_REFUSAL_SLOT_OPERAND);
  if (jv_slot_read(vm, e->slots, e->size_log, &a, &cap_a, &result) &&
      jv_slot_read(vm, e->slots, e->size_log, &b, &cap_b, &result))
    result = jv_put_two(vm, e, &a, cap_b, &b, cap_a);
  jv_release(vm->dir, cap_a);
  jv_release(vm->dir, cap_b);
  return result;
}

jv_op_result jv_operation_mint_cnode(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  jv_path to;
  if (!jv_destination(vm, e, ARG(0), &to, &result)) return result;
  if (ARG(1) > 16) return jv_refuse(vm, JAVM_REFUSAL_ARGUMENT);
  javm_cap *cap = jv_cnode_make(vm->dir, (unsigned)ARG(1), NULL);
  return cap ? jv_put(vm, e, &to, cap) : jv_op_out_of_memory(vm);
}

jv_op_result jv_operation_kind_of(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  jv_path path;
  javm_cap *cap, *holder, *value;
  if (!jv_path_parse(vm, ARG(0), &path, &result) ||
      !jv_slot_borrow(vm, e->slots, e->size_log, &path, &cap, &holder, &result))
    return result;
  result = JV_OP_CONTINUE;
  uint64_t kind = 0;
  if (cap && cap->obj.kind == JV_OBJ_CAP) {
    kind = 1 + (uint64_t)cap->kind;
  } else if (cap && jv_resolve(vm->dir, cap, JAVM_KIND_ABSENT, &value, &vm->failure) == JAVM_OK) {
    kind = 1 + (uint64_t)value->kind;
    jv_release(vm->dir, value);
  } else if (cap) {
    result = JV_OP_FAILED;
  }
  if (holder) jv_release(vm->dir, holder);
  return result == JV_OP_CONTINUE ? jv_done(e, kind) : result;
}

jv_op_result jv_operation_emit(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  javm_cap *cap;
  if (!jv_operand(vm, e, ARG(0), NULL, &cap, &result)) return result;
  jv_effect *effect = jv_effect_new(vm, JV_EFFECT_EMIT);
  if (!effect) {
    jv_release(vm->dir, cap);
    return jv_op_out_of_memory(vm);
  }
  /* commit */
  effect->cap = cap;
  jv_effect_add(e, effect);
  return JV_OP_CONTINUE;
}

jv_op_result jv_operation_gas_left(javm_vm *vm, jv_entry *e) {
  (void)vm;
  return jv_done(e, e->state.gas);
}

/* ---- calls and yields ---- */

/* Which of the kernel's Instances it is; JAVM_KERNEL_COUNT: none. */
static javm_kernel_image kernel_of(const javm_vm *vm, const javm_cap *cap) {
  int k = 0;
  while (k < JAVM_KERNEL_COUNT && !jv_is_kernel(vm, cap, (javm_kernel_image)k)) k++;
  return (javm_kernel_image)k;
}

static jv_op_result call_failed(javm_vm *vm, javm_status status) {
  switch (status) {
    case JAVM_ENDPOINT_OUT_OF_RANGE: return jv_refuse(vm, JAVM_REFUSAL_ENDPOINT);
    case JAVM_INVALID_IMAGE: return jv_refuse(vm, JAVM_REFUSAL_INVALID_IMAGE);
    case JAVM_INVALID_INSTANCE: return jv_refuse(vm, JAVM_REFUSAL_INVALID_INSTANCE);
    default: return JV_OP_FAILED;
  }
}

jv_op_result jv_operation_call(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  javm_cap *instance;
  if (!jv_operand_of(vm, e, ARG(0), JAVM_KIND_INSTANCE, NULL, &instance, &result)) return result;
  jv_entry *callee = NULL;
  javm_kernel_image kernel = kernel_of(vm, instance);
  if (kernel != JAVM_KERNEL_COUNT) result = jv_kernel_call(vm, e, kernel, instance);
  else if (vm->depth >= vm->config.max_depth) result = jv_refuse(vm, JAVM_REFUSAL_STACK_FULL);
  else if (!instance->as.instance.image) result = jv_refuse(vm, JAVM_REFUSAL_INVALID_INSTANCE);
  else if (!jv_frames_reserve(vm, 1)) result = jv_op_out_of_memory(vm);
  else {
    javm_status status = jv_entry_build(vm, instance, ARG(1), &ARG(2), &callee, &vm->failure);
    result = status == JAVM_OK ? JV_OP_SWITCH : call_failed(vm, status);
  }
  jv_release(vm->dir, instance);
  if (!callee) return result;
  if (!jv_slot0_move(vm, e, callee)) {
    jv_entry_free(vm, callee);
    return jv_op_out_of_memory(vm);
  }
  /* commit */
  callee->callee_slot = ARG(0);
  vm->frames[vm->depth++] = (jv_frame){.entry = callee};
  return JV_OP_SWITCH;
}

jv_op_result jv_operation_yield(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  javm_cap *marker;
  bool found = false;
  size_t catcher;
  uint64_t index;
  if (!jv_operand(vm, e, ARG(0), NULL, &marker, &result)) return result;
  if (vm->depth >= vm->config.max_depth) result = jv_refuse(vm, JAVM_REFUSAL_STACK_FULL);
  else if (!jv_settle(vm->dir, &marker->obj)) result = jv_op_out_of_memory(vm);
  else if (jv_find_catcher(vm, jv_runner(vm), &marker->obj.hash, &found, &catcher, &index, &vm->failure) != JAVM_OK)
    result = JV_OP_FAILED;
  else if (!found) result = jv_refuse(vm, JAVM_REFUSAL_UNHANDLED_MARKER);
  else result = jv_yield_to(vm, catcher, index, JAVM_PAUSE_YIELD, marker);
  jv_release(vm->dir, marker);
  return result;
}

jv_op_result jv_operation_resume_yield(javm_vm *vm, jv_entry *e) {
  if (!jv_is_delivered(vm)) return jv_refuse(vm, JAVM_REFUSAL_NOTHING_PAUSED);
  jv_entry *yielder = jv_own(vm, jv_frame_runner(vm, vm->depth - 2));
  if (!yielder || !jv_slot0_move(vm, e, yielder)) return jv_op_out_of_memory(vm);
  /* commit */
  jv_pop_reference(vm);
  return JV_OP_SWITCH;
}

jv_op_result jv_operation_drop_yield(javm_vm *vm, jv_entry *e) {
  (void)e;
  if (!jv_is_delivered(vm)) return jv_refuse(vm, JAVM_REFUSAL_NOTHING_PAUSED);
  /* To undo what the yielder did may change the meter that is spent here: it is loaded again afterwards. */
  if (jv_gas_store(vm, jv_runner(vm), &vm->failure) != JAVM_OK) return JV_OP_FAILED;
  /* commit */
  jv_drop_to(vm, jv_paused_base(vm, vm->depth - 1));
  return JV_OP_SWITCH;
}
