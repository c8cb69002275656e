/* Operations on lineages (5-abi.md 5.2): chains of Instances, Types. */
#include "base/bytes.h"
#include "vm/operations.h"

jv_op_result jv_operation_same_type(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  javm_cap *a, *b;
  if (!jv_operand_of(vm, e, ARG(0), JAVM_KIND_INSTANCE, NULL, &a, &result)) return result;
  if (jv_operand_of(vm, e, ARG(1), JAVM_KIND_INSTANCE, NULL, &b, &result)) {
    result = jv_done(e, jv_hash_equal(&a->as.instance.chain, &b->as.instance.chain));
    jv_release(vm->dir, b);
  }
  jv_release(vm->dir, a);
  return result;
}

jv_op_result jv_operation_type_of(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  jv_path to;
  javm_cap *instance;
  if (!jv_destination(vm, e, ARG(1), &to, &result) ||
      !jv_operand_of(vm, e, ARG(0), JAVM_KIND_INSTANCE, NULL, &instance, &result))
    return result;
  javm_cap *type = jv_cap_alloc(vm->dir, JAVM_KIND_TYPE);
  if (type) type->as.type_chain = instance->as.instance.chain;
  jv_release(vm->dir, instance);
  return type ? jv_put(vm, e, &to, type) : jv_op_out_of_memory(vm);
}

jv_op_result jv_operation_type_eq(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  javm_cap *a, *b;
  if (!jv_operand_of(vm, e, ARG(0), JAVM_KIND_TYPE, NULL, &a, &result)) return result;
  if (jv_operand_of(vm, e, ARG(1), JAVM_KIND_TYPE, NULL, &b, &result)) {
    result = jv_done(e, jv_hash_equal(&a->as.type_chain, &b->as.type_chain));
    jv_release(vm->dir, b);
  }
  jv_release(vm->dir, a);
  return result;
}

/* ---- chains that guest memory continues ---- */

#define EXTENSION_MAX 256

/* Extends a chain by the Image that a slot operand names. */
static bool extend_by(javm_vm *vm, jv_entry *e, uint64_t operand, javm_hash *chain, jv_op_result *result) {
  javm_cap *image;
  if (!jv_operand_of(vm, e, operand, JAVM_KIND_IMAGE, NULL, &image, result)) return false;
  bool ok = jv_settle(vm->dir, &image->obj);
  if (ok) jv_chain_extend(chain, chain, &image->obj.hash);
  else *result = jv_op_out_of_memory(vm);
  jv_release(vm->dir, image);
  return ok;
}

/* Extends a chain by the Images in the slots whose operands, `count` of u64, are in guest memory. */
static bool extend(javm_vm *vm, jv_entry *e, uint64_t address, uint64_t count, javm_hash *chain, jv_op_result *result) {
  uint8_t operands[EXTENSION_MAX * 8];
  if (count > EXTENSION_MAX || !jv_range_ok(address, 8 * count)) {
    *result = jv_refuse(vm, JAVM_REFUSAL_ARGUMENT);
    return false;
  }
  jv_touch touch = count ? jv_guest_read(vm, e, (uint32_t)address, operands, (size_t)(8 * count)) : JV_TOUCH_OK;
  if (touch != JV_TOUCH_OK) {
    *result = jv_touch_failed(vm, e, touch);
    return false;
  }
  for (uint64_t i = 0; i < count; i++)
    if (!extend_by(vm, e, jv_load_le(operands + 8 * i, 8), chain, result)) return false;
  return true;
}

jv_op_result jv_operation_same_type_as(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  javm_cap *a, *b;
  if (!jv_operand_of(vm, e, ARG(0), JAVM_KIND_INSTANCE, NULL, &a, &result)) return result;
  if (jv_operand_of(vm, e, ARG(1), JAVM_KIND_INSTANCE, NULL, &b, &result)) {
    javm_hash chain = b->as.instance.chain;
    if (extend(vm, e, ARG(2), ARG(3), &chain, &result))
      result = jv_done(e, jv_hash_equal(&a->as.instance.chain, &chain));
    jv_release(vm->dir, b);
  }
  jv_release(vm->dir, a);
  return result;
}

jv_op_result jv_operation_subtype(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  jv_path to;
  javm_cap *type;
  if (!jv_destination(vm, e, ARG(3), &to, &result) ||
      !jv_operand_of(vm, e, ARG(0), JAVM_KIND_TYPE, NULL, &type, &result))
    return result;
  javm_hash chain = type->as.type_chain;
  jv_release(vm->dir, type);
  if (!extend(vm, e, ARG(1), ARG(2), &chain, &result)) return result;
  if (javm_type_new(vm->dir, &chain, &type) != JAVM_OK) return jv_op_out_of_memory(vm);
  return jv_put(vm, e, &to, type);
}
