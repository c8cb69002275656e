/* The memory of a VM's entries, to look at between verbs. */
#include "vm/vm.h"

/* The entry in a frame, for this VM alone: looking at memory fills its tables. */
static javm_status entry_at(javm_vm *vm, size_t index, jv_entry **out) {
  if (index >= vm->depth || vm->running || !vm->frames[index].entry) return JAVM_OUT_OF_RANGE;
  *out = jv_own(vm, index);
  return *out ? JAVM_OK : JAVM_OUT_OF_MEMORY;
}

javm_status javm_vm_read(javm_vm *vm, size_t index, uint32_t address, void *to, size_t size_bytes) {
  jv_entry *e;
  if (size_bytes > (uint64_t)1 << 32) return JAVM_OUT_OF_RANGE;
  javm_status status = entry_at(vm, index, &e);
  if (status != JAVM_OK) return status;
  jv_touch touch = jv_mem_read(&e->mem, address, to, size_bytes);
  if (touch == JV_TOUCH_FAULT) return JAVM_OUT_OF_RANGE;
  return touch == JV_TOUCH_OK ? JAVM_OK : e->mem.status;
}

typedef struct page_list {
  uint32_t *addresses;
  size_t count, capacity;
} page_list;

static bool add_page(void *ctx, uint32_t page) {
  page_list *list = ctx;
  if (list->count < list->capacity) list->addresses[list->count] = page * JAVM_PAGE_BYTES;
  list->count++;
  return true;
}

javm_status javm_vm_dirty_pages(javm_vm *vm, size_t index, uint32_t *addresses, size_t capacity, size_t *page_count) {
  jv_entry *e;
  page_list list = {addresses, 0, capacity};
  javm_status status = entry_at(vm, index, &e);
  if (status != JAVM_OK) return status;
  if (!jv_entry_freeze(e)) return JAVM_OUT_OF_MEMORY; /* a frozen one has them in order */
  jv_entry_each_written(e, add_page, &list);
  *page_count = list.count;
  return JAVM_OK;
}
