/*
 * What the files of operations share. An operation first checks, and changes nothing; past the line `commit` it cannot fail.
 * Changes of slots are made in a copy of the root's tree (cheap: it shares all but the paths) that takes the place of the old
 * one at the commit.
 */
#ifndef JV_VM_OPERATIONS_H
#define JV_VM_OPERATIONS_H

#include "vm/vm.h"

/* Operand n, from 0. */
#define ARG(n) (e->state.regs[JV_REG_ARG + (n)])

static inline jv_op_result jv_done(jv_entry *e, uint64_t value) {
  ARG(0) = value;
  return JV_OP_CONTINUE;
}

/* Takes over the tree. */
static inline void jv_commit_slots(javm_vm *vm, jv_entry *e, jv_obj *slots) {
  jv_release(vm->dir, e->slots);
  e->slots = slots;
}

/* Checks that `operand` is a slot that may be changed. */
static inline bool jv_destination(javm_vm *vm, jv_entry *e, uint64_t operand, jv_path *path, jv_op_result *result) {
  return jv_path_parse(vm, operand, path, result) && jv_slot_changeable(vm, e, path, result);
}

/* Checks, then puts cap at path; consumes the caller's count of cap. */
static inline jv_op_result jv_put(javm_vm *vm, jv_entry *e, const jv_path *path, javm_cap *cap) {
  jv_op_result result = JV_OP_CONTINUE;
  jv_slot_write(vm, &e->slots, e->size_log, path, cap, &result);
  jv_release(vm->dir, cap);
  return result;
}

/* Puts two caps, or neither. */
jv_op_result jv_put_two(javm_vm *vm, jv_entry *e, const jv_path *first, javm_cap *first_cap, const jv_path *second,
                        javm_cap *second_cap);

/* How many leading steps two paths share. */
static inline uint32_t jv_shared_steps(const jv_path *a, const jv_path *b) {
  uint32_t n = 0;
  while (n < a->length && n < b->length && a->slot[n] == b->slot[n]) n++;
  return n;
}

/* Guest memory that an operation names; nothing beyond this is looked at. */
static inline bool jv_range_ok(uint64_t address, uint64_t length) {
  return address <= UINT32_MAX && length <= (uint64_t)1 << 32;
}

/* kernel_calls.c: a call to an Instance of the kernel's (6-kernel.md 6.1). */
jv_op_result jv_kernel_call(javm_vm *vm, jv_entry *e, javm_kernel_image which, javm_cap *instance);

#endif
