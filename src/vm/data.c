/* Operations on Data and files (5-abi.md 5.2). */
#include <string.h>

#include "vm/operations.h"

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
  return jv_done(e, length);
}

jv_op_result jv_operation_read_data(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  javm_cap *data;
  if (!jv_operand_of(vm, e, ARG(0), JAVM_KIND_DATA, NULL, &data, &result)) return result;
  uint64_t size = (uint64_t)data->as.data.page_count * JAVM_PAGE_BYTES, offset = ARG(3);
  uint64_t length = offset >= size ? 0 : ARG(2) < size - offset ? ARG(2) : size - offset;
  if (!jv_range_ok(ARG(1), length)) result = jv_refuse(vm, JAVM_REFUSAL_ARGUMENT);
  else result = length ? copy_out(vm, e, &data->as.data, (uint32_t)ARG(1), length, offset) : jv_done(e, 0);
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

/* ---- what costs quota ---- */

/* The id of the quota handle in a slot. */
static bool quota_operand(javm_vm *vm, jv_entry *e, uint64_t operand, uint64_t *id, jv_op_result *result) {
  javm_cap *quota;
  if (!jv_operand_of(vm, e, operand, JAVM_KIND_ABSENT, NULL, &quota, result)) return false;
  bool is_quota = vm->config.assist && jv_is_kernel(vm, quota, JAVM_KERNEL_QUOTA);
  if (is_quota) *id = quota->as.instance.regs[JV_REG_ARG];
  else *result = jv_refuse(vm, JAVM_REFUSAL_QUOTA);
  jv_release(vm->dir, quota);
  return is_quota;
}

static jv_op_result out_of_quota(javm_vm *vm, uint64_t id) {
  vm->out_of_quota = true;
  vm->out_of_quota_id = id;
  return JV_OP_FAILED;
}

static bool suffices(const javm_vm *vm, uint64_t id, uint64_t size_bytes) {
  return vm->config.assist->storage_quota_get(vm->config.assist->ctx, id) >= size_bytes;
}

jv_op_result jv_operation_mint_data(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  jv_path to;
  uint64_t address = ARG(0), length = ARG(1), id;
  if (!jv_destination(vm, e, ARG(3), &to, &result) || !quota_operand(vm, e, ARG(2), &id, &result)) return result;
  if (!jv_range_ok(address, length)) return jv_refuse(vm, JAVM_REFUSAL_ARGUMENT);
  uint64_t size = (length + JAVM_PAGE_BYTES - 1) / JAVM_PAGE_BYTES * JAVM_PAGE_BYTES;
  if (!suffices(vm, id, size)) return out_of_quota(vm, id); /* first: it bounds the work that the rest is */
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
  jv_commit_slots(vm, e, slots); /* commit */
  return JV_OP_CONTINUE;
}

/* ---- files ---- */

/* What an assist answered that has not done it. */
static jv_op_result file_failed(javm_vm *vm, javm_status status, const char *what) {
  if (status == JAVM_OUT_OF_MEMORY) return jv_op_out_of_memory(vm);
  jv_fail(&vm->failure, status, 0, "%s", what);
  return JV_OP_FAILED;
}

jv_op_result jv_operation_open(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  jv_path to;
  javm_cap *file, *data;
  const javm_assist *assist = vm->config.assist;
  if (!jv_destination(vm, e, ARG(1), &to, &result) ||
      !jv_operand_of(vm, e, ARG(0), JAVM_KIND_ABSENT, NULL, &file, &result))
    return result;
  bool is_file = assist && assist->file_open && jv_is_kernel(vm, file, JAVM_KERNEL_FILE);
  uint64_t id = is_file ? file->as.instance.regs[JV_REG_ARG] : 0;
  jv_release(vm->dir, file);
  javm_status status = is_file ? assist->file_open(assist->ctx, id, &data) : JAVM_OUT_OF_RANGE;
  if (status == JAVM_OUT_OF_RANGE) return jv_refuse(vm, JAVM_REFUSAL_FILE);
  return status == JAVM_OK ? jv_put(vm, e, &to, data) : file_failed(vm, status, "the kernel assist opens no file");
}

/* Saves the file: the last that can fail. The handle is nobody else's yet. */
static jv_op_result save_file(javm_vm *vm, jv_entry *e, javm_cap *data, uint64_t quota, uint64_t size,
                              javm_cap *handle) {
  const javm_assist *assist = vm->config.assist;
  jv_effect *effect = jv_effect_new(vm, JV_EFFECT_QUOTA_DOWN);
  if (!effect) return jv_op_out_of_memory(vm);
  javm_status status = assist->file_save(assist->ctx, data, quota, size, &handle->as.instance.regs[JV_REG_ARG]);
  if (status != JAVM_OK) {
    jv_effect_free(vm, effect);
    if (status == JAVM_OUT_OF_RANGE) return out_of_quota(vm, quota); /* somebody else has spent it by now */
    return file_failed(vm, status, "the kernel assist saves no file");
  }
  /* commit */
  effect->id = quota;
  effect->amount = size;
  jv_effect_add(e, effect);
  return JV_OP_CONTINUE;
}

jv_op_result jv_operation_save(javm_vm *vm, jv_entry *e) {
  jv_op_result result;
  jv_path to;
  javm_cap *data, *handle = NULL;
  uint64_t quota;
  if (!jv_destination(vm, e, ARG(2), &to, &result) || !quota_operand(vm, e, ARG(1), &quota, &result) ||
      !jv_operand_of(vm, e, ARG(0), JAVM_KIND_DATA, NULL, &data, &result))
    return result;
  uint64_t size = (uint64_t)data->as.data.page_count * JAVM_PAGE_BYTES;
  jv_obj *slots = jv_obj_retain(e->slots);
  if (!vm->config.assist->file_save) result = jv_refuse(vm, JAVM_REFUSAL_FILE);
  else if (!suffices(vm, quota, size)) result = out_of_quota(vm, quota);
  else if (javm_kernel_instance(vm->dir, JAVM_KERNEL_FILE, 0, &handle) != JAVM_OK) result = jv_op_out_of_memory(vm);
  else if (jv_slot_write(vm, &slots, e->size_log, &to, handle, &result))
    result = save_file(vm, e, data, quota, size, handle);
  if (result == JV_OP_CONTINUE) jv_commit_slots(vm, e, slots); /* commit */
  else jv_release(vm->dir, slots);
  jv_release(vm->dir, handle);
  jv_release(vm->dir, data);
  return result;
}
