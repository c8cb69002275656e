/* Operations that take an Image (5-abi.md 5.2): to run on in it, to make an Instance of it; and the one that makes it. */
#include <string.h>

#include "vm/operations.h"

/* Validates and predecodes an Image for the running entry. */
static bool load_image(javm_vm *vm, jv_entry *e, javm_cap *image, jv_loaded_image **out, jv_op_result *result) {
  javm_status status = jv_load_image(vm, image, e->image->load_cycles, out, &vm->failure);
  if (status == JAVM_OK) return true;
  *result = status == JAVM_INVALID_IMAGE ? jv_refuse(vm, JAVM_REFUSAL_INVALID_IMAGE) : JV_OP_FAILED;
  return false;
}

/* Takes the old Image's pinned caps out of a tree of slots and puts the new one's in. */
static bool swap_pinned(javm_vm *vm, jv_entry *e, const javm_image_spec *spec, jv_obj **slots, jv_op_result *result) {
  const javm_image_spec *old = jv_entry_spec(e);
  bool ok = true;
  for (size_t i = 0; ok && i < old->pinned_count; i++)
    if (!(old->pinned[i].slot >> e->size_log)) ok = jv_tree_set(vm->dir, slots, e->size_log, old->pinned[i].slot, NULL);
  for (size_t i = 0; ok && i < spec->pinned_count; i++) {
    uint32_t slot = spec->pinned[i].slot;
    if (slot >> e->size_log || jv_tree_get(*slots, e->size_log, slot)) {
      *result = jv_refuse(vm, slot >> e->size_log ? JAVM_REFUSAL_SLOT_OPERAND : JAVM_REFUSAL_OCCUPIED_SLOT);
      return false;
    }
    ok = jv_tree_set(vm->dir, slots, e->size_log, slot, (jv_obj *)spec->pinned[i].cap);
  }
  if (!ok) *result = jv_op_out_of_memory(vm);
  return ok;
}

jv_op_result jv_operation_set_image(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  javm_cap *image;
  jv_loaded_image *loaded;
  if (!jv_operand_of(vm, e, ARG(0), JAVM_KIND_IMAGE, NULL, &image, &result)) return result;
  bool ok = load_image(vm, e, image, &loaded, &result);
  jv_release(vm->dir, image);
  if (!ok) return result;
  if (!javm_program_is_block_start(loaded->program, e->state.pc)) {
    jv_unload_image(vm, loaded);
    return jv_refuse(vm, JAVM_REFUSAL_NOT_BLOCK_START);
  }
  jv_obj *slots = jv_obj_retain(e->slots);
  if (!swap_pinned(vm, e, &loaded->image->as.image.spec, &slots, &result)) {
    jv_release(vm->dir, slots);
    jv_unload_image(vm, loaded);
    return result;
  }
  /* commit */
  jv_commit_slots(vm, e, slots);
  jv_chain_extend(&e->chain, &e->chain, &loaded->image->obj.hash);
  jv_unload_image(vm, e->image);
  e->image = loaded;
  return JV_OP_SWITCH;
}

/* A tree with an Image's pinned slots, and its initial ones where there is nothing, laid over `slots`. */
static bool overlay_slots(javm_vm *vm, const javm_image_spec *spec, jv_obj **slots) {
  bool ok = true;
  for (size_t i = 0; ok && i < spec->pinned_count; i++)
    ok = jv_tree_set(vm->dir, slots, 8, spec->pinned[i].slot, (jv_obj *)spec->pinned[i].cap);
  for (size_t i = 0; ok && i < spec->initial_count; i++)
    if (!jv_tree_get(*slots, 8, spec->initial[i].slot))
      ok = jv_tree_set(vm->dir, slots, 8, spec->initial[i].slot, (jv_obj *)spec->initial[i].cap);
  return ok;
}

/* A new Instance of an image with the root slots; NULL: out of memory. */
static javm_cap *spawn(javm_vm *vm, jv_entry *e, javm_cap *image, const javm_cap *cnode) {
  if (!jv_settle(vm->dir, &image->obj)) return NULL;
  jv_obj *slots = jv_obj_retain(cnode->as.cnode.slots);
  if (!overlay_slots(vm, &image->as.image.spec, &slots)) {
    jv_release(vm->dir, slots);
    return NULL;
  }
  jv_instance inst = {.root_cnode = jv_cnode_make(vm->dir, 8, slots)};
  if (!inst.root_cnode) return NULL;
  jv_chain_extend(&inst.chain, &e->chain, &image->obj.hash);
  inst.image = javm_cap_retain(image);
  return jv_instance_make(vm->dir, &inst);
}

jv_op_result jv_operation_derive_spawn(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  jv_path from, to;
  javm_cap *image, *cnode = NULL, *made = NULL;
  if (!jv_destination(vm, e, ARG(1), &from, &result) || !jv_destination(vm, e, ARG(2), &to, &result) ||
      !jv_operand_of(vm, e, ARG(0), JAVM_KIND_IMAGE, NULL, &image, &result))
    return result;
  bool ok = jv_operand_of(vm, e, ARG(1), JAVM_KIND_CNODE, &from, &cnode, &result);
  if (ok && cnode->as.cnode.size_log != 8) {
    ok = false;
    result = jv_refuse(vm, JAVM_REFUSAL_ARGUMENT);
  }
  uint32_t shared = jv_shared_steps(&from, &to);
  if (ok && shared == from.length && shared < to.length) {
    ok = false;
    result = jv_refuse(vm, JAVM_REFUSAL_SLOT_OPERAND); /* into the CNode that is consumed */
  }
  javm_error detail;
  javm_status status = ok ? javm_image_validate(vm->dir, image, &detail) : JAVM_OK;
  if (status != JAVM_OK) {
    ok = false;
    vm->failure = detail;
    result = status == JAVM_INVALID_IMAGE ? jv_refuse(vm, JAVM_REFUSAL_INVALID_IMAGE) : JV_OP_FAILED;
  }
  if (ok) {
    made = spawn(vm, e, image, cnode);
    result = made ? jv_put_two(vm, e, &from, NULL, &to, made) : jv_op_out_of_memory(vm);
  }
  jv_release(vm->dir, made);
  jv_release(vm->dir, cnode);
  jv_release(vm->dir, image);
  return result;
}

/* ---- make_image ---- */

/* More bytes than the serialized form of an Image has at most (3-values.md 3.1). */
#define IMAGE_BYTES_MAX (JV_CODE_MAX + JV_BITMASK_MAX + 4 * JV_JUMP_MAX + (1 << 16))

/* The cap in one of the entry's root slots that has this hash, borrowed; NULL: there is none. The slots are settled. */
static javm_cap *held_cap(const jv_entry *e, const javm_hash *hash) {
  for (uint32_t slot = 0; slot >> e->size_log == 0; slot++) {
    javm_cap *cap = jv_root_slot(e, slot);
    if (cap && jv_hash_equal(&cap->obj.hash, hash)) return cap;
  }
  return NULL;
}

/* Lets caps of an Image that is nobody else's yet be those that the entry holds; false: it does not hold one. */
static bool take_held(javm_vm *vm, const jv_entry *e, const javm_slot_cap *caps, size_t count) {
  for (size_t i = 0; i < count; i++) {
    javm_cap **cap = &((javm_slot_cap *)caps)[i].cap;
    if (!*cap) continue; /* the zero hash: no valid Image has it */
    javm_cap *held = held_cap(e, &(*cap)->obj.hash);
    if (!held) return false;
    javm_cap_retain(held);
    jv_release(vm->dir, *cap);
    *cap = held;
  }
  return true;
}

/* A guest must not come to a value by its hash: what the Image bakes in, its maker holds. */
static jv_op_result check_held(javm_vm *vm, const jv_entry *e, const javm_image_spec *spec) {
  if (spec->pinned_count + spec->initial_count == 0) return JV_OP_CONTINUE;
  for (uint32_t slot = 0; slot >> e->size_log == 0; slot++) {
    javm_cap *cap = jv_root_slot(e, slot);
    if (cap && !jv_settle(vm->dir, &cap->obj)) return jv_op_out_of_memory(vm);
  }
  if (take_held(vm, e, spec->pinned, spec->pinned_count) && take_held(vm, e, spec->initial, spec->initial_count))
    return JV_OP_CONTINUE;
  return jv_refuse(vm, JAVM_REFUSAL_CAP_NOT_HELD);
}

/* The Image whose serialized form these bytes are, with a count. */
static jv_op_result decode_image(javm_vm *vm, const uint8_t *bytes, size_t size, javm_cap **image) {
  javm_status status = javm_cap_decode(vm->dir, bytes, size, image, &vm->failure);
  if (status == JAVM_OUT_OF_MEMORY) return JV_OP_FAILED;
  if (status == JAVM_OK && (*image)->kind == JAVM_KIND_IMAGE) return JV_OP_CONTINUE;
  if (status == JAVM_OK) jv_release(vm->dir, *image);
  return jv_refuse(vm, JAVM_REFUSAL_INVALID_IMAGE);
}

static jv_op_result read_image(javm_vm *vm, jv_entry *e, uint32_t address, size_t length, javm_cap **image) {
  jv_touch touch = length ? jv_mem_touch(&e->mem, address, length, false) : JV_TOUCH_OK;
  if (touch != JV_TOUCH_OK) return jv_touch_failed(vm, e, touch);
  uint8_t *bytes = jv_alloc_array(vm->allocator, length, 1);
  if (!bytes) return jv_op_out_of_memory(vm);
  touch = length ? jv_guest_read(vm, e, address, bytes, length) : JV_TOUCH_OK;
  jv_op_result result = touch == JV_TOUCH_OK ? decode_image(vm, bytes, length, image) : jv_touch_failed(vm, e, touch);
  jv_free_array(vm->allocator, bytes, length, 1);
  return result;
}

jv_op_result jv_operation_make_image(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  jv_path to;
  javm_cap *image;
  if (!jv_destination(vm, e, ARG(2), &to, &result)) return result;
  if (!jv_range_ok(ARG(0), ARG(1))) return jv_refuse(vm, JAVM_REFUSAL_ARGUMENT);
  if (ARG(1) > IMAGE_BYTES_MAX) return jv_refuse(vm, JAVM_REFUSAL_INVALID_IMAGE);
  result = read_image(vm, e, (uint32_t)ARG(0), (size_t)ARG(1), &image);
  if (result != JV_OP_CONTINUE) return result;
  result = check_held(vm, e, &image->as.image.spec);
  javm_status status = result == JV_OP_CONTINUE ? javm_image_validate(vm->dir, image, &vm->failure) : JAVM_OK;
  if (status == JAVM_INVALID_IMAGE) result = jv_refuse(vm, JAVM_REFUSAL_INVALID_IMAGE);
  else if (status != JAVM_OK) result = JV_OP_FAILED;
  if (result == JV_OP_CONTINUE) return jv_put(vm, e, &to, image);
  jv_release(vm->dir, image);
  return result;
}
