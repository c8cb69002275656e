/*
 * The operations of the ecall interface (5-abi.md 5.2), one function each. Each first checks, and changes nothing; past the
 * line `commit` it cannot fail. Changes of slots are made in a copy of the root's tree (cheap: it shares all but the paths)
 * that takes the place of the old one at the commit.
 */
#include <string.h>

#include "vm/vm.h"

#define ARG(n) (e->state.regs[JV_REG_ARG + (n)])

static jv_op_result done(jv_entry *e, uint64_t value) {
  ARG(0) = value;
  return JV_OP_CONTINUE;
}

/* ---- slots ---- */

static void commit_slots(javm_vm *vm, jv_entry *e, jv_obj *slots) {
  jv_release(vm->dir, e->slots);
  e->slots = slots;
}

/* Checks that `operand` is a slot that may be changed. */
static bool destination(javm_vm *vm, jv_entry *e, uint64_t operand, jv_path *path, jv_op_result *result) {
  return jv_path_parse(vm, operand, path, result) && jv_slot_changeable(vm, e, path, result);
}

/* Checks, then puts cap at path; consumes the caller's count of cap. */
static jv_op_result put(javm_vm *vm, jv_entry *e, const jv_path *path, javm_cap *cap) {
  jv_op_result result = JV_OP_CONTINUE;
  jv_slot_write(vm, &e->slots, e->size_log, path, cap, &result);
  jv_release(vm->dir, cap);
  return result;
}

/* Puts two caps, or neither. */
static jv_op_result put_two(javm_vm *vm, jv_entry *e, const jv_path *first, javm_cap *first_cap, const jv_path *second,
                            javm_cap *second_cap) {
  jv_op_result result = JV_OP_CONTINUE;
  jv_obj *slots = jv_obj_retain(e->slots);
  if (jv_slot_write(vm, &slots, e->size_log, first, first_cap, &result) &&
      jv_slot_write(vm, &slots, e->size_log, second, second_cap, &result))
    commit_slots(vm, e, slots); /* commit */
  else jv_release(vm->dir, slots);
  return result;
}

/* How many leading steps two paths share. */
static uint32_t shared_steps(const jv_path *a, const jv_path *b) {
  uint32_t n = 0;
  while (n < a->length && n < b->length && a->slot[n] == b->slot[n]) n++;
  return n;
}

jv_op_result jv_operation_reply(javm_vm *vm, jv_entry *e) {
  (void)vm;
  (void)e;
  return JV_OP_HALT;
}

jv_op_result jv_operation_copy(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  jv_path to;
  javm_cap *cap, *holder;
  if (!destination(vm, e, ARG(1), &to, &result) || !jv_operand_borrow(vm, e, ARG(0), NULL, &cap, &holder, &result))
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
  if (!destination(vm, e, ARG(0), &from, &result) || !destination(vm, e, ARG(1), &to, &result) ||
      !jv_operand(vm, e, ARG(0), &from, &cap, &result))
    return result;
  uint32_t shared = shared_steps(&from, &to);
  if (shared == from.length && shared < to.length) result = jv_refuse(vm, JAVM_REFUSAL_SLOT_OPERAND); /* into itself */
  else if (shared == from.length) result = JV_OP_CONTINUE;
  else result = put_two(vm, e, &from, NULL, &to, cap);
  jv_release(vm->dir, cap);
  return result;
}

jv_op_result jv_operation_drop(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  jv_path from;
  if (!destination(vm, e, ARG(0), &from, &result)) return result;
  return put(vm, e, &from, NULL);
}

jv_op_result jv_operation_swap(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  jv_path a, b;
  javm_cap *cap_a = NULL, *cap_b = NULL;
  if (!destination(vm, e, ARG(0), &a, &result) || !destination(vm, e, ARG(1), &b, &result)) return result;
  uint32_t shared = shared_steps(&a, &b);
  if ((shared == a.length) != (shared == b.length)) return jv_refuse(vm, JAVM_REFUSAL_SLOT_OPERAND);
  if (jv_slot_read(vm, e->slots, e->size_log, &a, &cap_a, &result) &&
      jv_slot_read(vm, e->slots, e->size_log, &b, &cap_b, &result))
    result = put_two(vm, e, &a, cap_b, &b, cap_a);
  jv_release(vm->dir, cap_a);
  jv_release(vm->dir, cap_b);
  return result;
}

jv_op_result jv_operation_mint_cnode(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  jv_path to;
  if (!destination(vm, e, ARG(0), &to, &result)) return result;
  if (ARG(1) > 16) return jv_refuse(vm, JAVM_REFUSAL_ARGUMENT);
  javm_cap *cap = jv_cnode_make(vm->dir, (unsigned)ARG(1), NULL);
  return cap ? put(vm, e, &to, cap) : jv_op_out_of_memory(vm);
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
  return result == JV_OP_CONTINUE ? done(e, kind) : result;
}

/* ---- types ---- */

jv_op_result jv_operation_same_type(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  javm_cap *a, *b;
  if (!jv_operand_of(vm, e, ARG(0), JAVM_KIND_INSTANCE, NULL, &a, &result)) return result;
  if (jv_operand_of(vm, e, ARG(1), JAVM_KIND_INSTANCE, NULL, &b, &result)) {
    result = done(e, jv_hash_equal(&a->as.instance.chain, &b->as.instance.chain));
    jv_release(vm->dir, b);
  }
  jv_release(vm->dir, a);
  return result;
}

jv_op_result jv_operation_type_of(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  jv_path to;
  javm_cap *instance;
  if (!destination(vm, e, ARG(1), &to, &result) ||
      !jv_operand_of(vm, e, ARG(0), JAVM_KIND_INSTANCE, NULL, &instance, &result))
    return result;
  javm_cap *type = jv_cap_alloc(vm->dir, JAVM_KIND_TYPE);
  if (type) type->as.type_chain = instance->as.instance.chain;
  jv_release(vm->dir, instance);
  return type ? put(vm, e, &to, type) : jv_op_out_of_memory(vm);
}

/* ---- data ---- */

static bool range_ok(uint64_t address, uint64_t length) { return address <= UINT32_MAX && length <= (uint64_t)1 << 32; }

/* Finds every page of [offset, offset + length) before anything is written, so that a miss changes nothing. */
static javm_status pages_present(javm_vm *vm, const jv_data *data, uint64_t offset, uint64_t length) {
  unsigned level = jv_tree_level(data->page_count);
  for (uint64_t page = offset / JAVM_PAGE_BYTES; length && page <= (offset + length - 1) / JAVM_PAGE_BYTES; page++) {
    jv_page *held = NULL;
    const uint8_t *bytes;
    javm_hash missing = {{0}};
    javm_status status =
        jv_resolve_page(vm->dir, jv_tree_get(data->pages, level, (uint32_t)page), &held, &bytes, &missing);
    jv_release(vm->dir, held);
    if (status == JAVM_OUT_OF_MEMORY) return jv_fail_memory(&vm->failure);
    if (status != JAVM_OK) return jv_fail_missing(&vm->failure, status, &missing, "a page of the Data");
  }
  return JAVM_OK;
}

static jv_op_result copy_out(javm_vm *vm, jv_entry *e, const jv_data *data, uint32_t address, uint64_t length,
                             uint64_t offset) {
  static const uint8_t zeros[JAVM_PAGE_BYTES];
  if (pages_present(vm, data, offset, length) != JAVM_OK) return JV_OP_FAILED;
  jv_touch touch = jv_mem_touch(&e->mem, address, length, true);
  if (touch != JV_TOUCH_OK) return jv_touch_failed(vm, e, touch);
  /* commit */
  unsigned level = jv_tree_level(data->page_count);
  for (uint64_t at = 0; at < length;) {
    uint32_t within = (uint32_t)((offset + at) % JAVM_PAGE_BYTES);
    uint64_t part = JAVM_PAGE_BYTES - within < length - at ? JAVM_PAGE_BYTES - within : length - at;
    jv_page *held = NULL;
    const uint8_t *bytes = NULL;
    javm_hash missing = {{0}};
    javm_status status = jv_resolve_page(
        vm->dir, jv_tree_get(data->pages, level, (uint32_t)((offset + at) / JAVM_PAGE_BYTES)), &held, &bytes, &missing);
    if (status != JAVM_OK) { /* another thread has swept it: what was written is written again at the retry */
      jv_fail_missing(&vm->failure, status, &missing, "a page of the Data");
      return JV_OP_FAILED;
    }
    jv_guest_write(vm, e, (uint32_t)(address + at), (bytes ? bytes : zeros) + within, (size_t)part);
    jv_release(vm->dir, held);
    at += part;
  }
  return done(e, length);
}

jv_op_result jv_operation_read_data(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  javm_cap *data;
  if (!jv_operand_of(vm, e, ARG(0), JAVM_KIND_DATA, NULL, &data, &result)) return result;
  uint64_t size = (uint64_t)data->as.data.page_count * JAVM_PAGE_BYTES, offset = ARG(3);
  uint64_t length = offset >= size ? 0 : ARG(2) < size - offset ? ARG(2) : size - offset;
  if (!range_ok(ARG(1), length)) result = jv_refuse(vm, JAVM_REFUSAL_ARGUMENT);
  else result = length ? copy_out(vm, e, &data->as.data, (uint32_t)ARG(1), length, offset) : done(e, 0);
  jv_release(vm->dir, data);
  return result;
}

/* A Data of what is in guest memory, zero-padded. The range is readable. */
static javm_cap *data_of_memory(javm_vm *vm, jv_entry *e, uint32_t address, uint64_t length) {
  uint32_t count = (uint32_t)((length + JAVM_PAGE_BYTES - 1) / JAVM_PAGE_BYTES);
  unsigned level = jv_tree_level(count);
  jv_obj *pages = NULL;
  for (uint32_t i = 0; i < count; i++) {
    uint64_t at = (uint64_t)i * JAVM_PAGE_BYTES;
    size_t part = (size_t)(length - at < JAVM_PAGE_BYTES ? length - at : JAVM_PAGE_BYTES);
    jv_page *page = jv_page_new(vm->allocator);
    bool ok = page != NULL;
    if (ok) {
      memset(page->bytes + part, 0, JAVM_PAGE_BYTES - part);
      ok = jv_guest_read(vm, e, (uint32_t)(address + at), page->bytes, part) == JV_TOUCH_OK &&
           jv_tree_set(vm->dir, &pages, level, i, &page->obj);
      jv_release(vm->dir, page);
    }
    if (!ok) {
      jv_release(vm->dir, pages);
      return NULL;
    }
  }
  return jv_data_make(vm->dir, count, pages);
}

jv_op_result jv_operation_mint_data(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  jv_path to;
  javm_cap *quota;
  uint64_t address = ARG(0), length = ARG(1);
  if (!destination(vm, e, ARG(3), &to, &result) ||
      !jv_operand_of(vm, e, ARG(2), JAVM_KIND_ABSENT, NULL, &quota, &result))
    return result;
  bool is_quota = vm->config.assist && jv_is_kernel(vm, quota, JAVM_KERNEL_QUOTA);
  uint64_t id = is_quota ? quota->as.instance.regs[JV_REG_ARG] : 0;
  jv_release(vm->dir, quota);
  if (!is_quota) return jv_refuse(vm, JAVM_REFUSAL_QUOTA);
  if (!range_ok(address, length)) return jv_refuse(vm, JAVM_REFUSAL_ARGUMENT);
  uint64_t size = (length + JAVM_PAGE_BYTES - 1) / JAVM_PAGE_BYTES * JAVM_PAGE_BYTES;
  /* The quota first: it bounds the work that the rest is. */
  if (vm->config.assist->storage_quota_get(vm->config.assist->ctx, id) < size) {
    vm->out_of_quota = true;
    vm->out_of_quota_id = id;
    return JV_OP_FAILED;
  }
  jv_touch touch = length ? jv_mem_touch(&e->mem, (uint32_t)address, length, false) : JV_TOUCH_OK;
  if (touch != JV_TOUCH_OK) return jv_touch_failed(vm, e, touch);
  javm_cap *data = data_of_memory(vm, e, (uint32_t)address, length);
  if (!data) return jv_op_out_of_memory(vm);
  jv_obj *slots = jv_obj_retain(e->slots);
  bool enough, ok = jv_slot_write(vm, &slots, e->size_log, &to, data, &result);
  jv_release(vm->dir, data);
  if (ok && jv_quota_debit(vm, e, id, size, &enough) != JAVM_OK) {
    ok = false;
    result = jv_op_out_of_memory(vm);
  }
  if (!ok) {
    jv_release(vm->dir, slots);
    return result;
  }
  commit_slots(vm, e, slots); /* commit */
  return JV_OP_CONTINUE;
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
  return done(e, e->state.gas);
}

/* ---- images ---- */

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
  commit_slots(vm, e, slots);
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
  if (!destination(vm, e, ARG(1), &from, &result) || !destination(vm, e, ARG(2), &to, &result) ||
      !jv_operand_of(vm, e, ARG(0), JAVM_KIND_IMAGE, NULL, &image, &result))
    return result;
  bool ok = jv_operand_of(vm, e, ARG(1), JAVM_KIND_CNODE, &from, &cnode, &result);
  if (ok && cnode->as.cnode.size_log != 8) {
    ok = false;
    result = jv_refuse(vm, JAVM_REFUSAL_ARGUMENT);
  }
  uint32_t shared = shared_steps(&from, &to);
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
    result = made ? put_two(vm, e, &from, NULL, &to, made) : jv_op_out_of_memory(vm);
  }
  jv_release(vm->dir, made);
  jv_release(vm->dir, cnode);
  jv_release(vm->dir, image);
  return result;
}

/* ---- calls and yields ---- */

static bool is_any_kernel(const javm_vm *vm, const javm_cap *cap) {
  for (int k = 0; k < JAVM_KERNEL_COUNT; k++)
    if (jv_is_kernel(vm, cap, (javm_kernel_image)k)) return true;
  return false;
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
  if (vm->depth >= vm->config.max_depth) result = jv_refuse(vm, JAVM_REFUSAL_STACK_FULL);
  else if (is_any_kernel(vm, instance)) result = jv_refuse(vm, JAVM_REFUSAL_KERNEL_CALL);
  else if (!instance->as.instance.image) result = jv_refuse(vm, JAVM_REFUSAL_INVALID_INSTANCE);
  else if (!jv_frames_reserve(vm)) result = jv_op_out_of_memory(vm);
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
  else result = jv_yield_to(vm, catcher, index, JAVM_PAUSE_YIELD);
  if (result == JV_OP_SWITCH) {
    jv_release(vm->dir, vm->payload);
    vm->payload = marker;
  } else {
    jv_release(vm->dir, marker);
  }
  return result;
}

/* Is the running entry a catcher whose yielder is paused above it? */
static bool is_delivered(const javm_vm *vm) { return vm->frames[vm->depth - 1].entry == NULL; }

jv_op_result jv_operation_resume_yield(javm_vm *vm, jv_entry *e) {
  if (!is_delivered(vm)) return jv_refuse(vm, JAVM_REFUSAL_NOTHING_PAUSED);
  jv_entry *yielder = vm->frames[jv_frame_runner(vm, vm->depth - 2)].entry;
  if (!jv_slot0_move(vm, e, yielder)) return jv_op_out_of_memory(vm);
  /* commit */
  vm->depth--;
  return JV_OP_SWITCH;
}

jv_op_result jv_operation_drop_yield(javm_vm *vm, jv_entry *e) {
  (void)e;
  if (!is_delivered(vm)) return jv_refuse(vm, JAVM_REFUSAL_NOTHING_PAUSED);
  /* commit */
  jv_drop_to(vm, jv_paused_base(vm, vm->depth - 1));
  return JV_OP_SWITCH;
}
