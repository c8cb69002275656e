/* The machine of the public interface: a state, its memory and a program. */
#include <string.h>

#include "base/error.h"
#include "exec/engine.h"

javm_status javm_machine_new(javm_program *program, const javm_allocator *allocator, javm_machine **out,
                             javm_error *error) {
  const javm_allocator *a = allocator ? allocator : javm_allocator_default();
  javm_machine *m = jv_alloc_zero(a, sizeof *m);
  if (!m) return jv_fail_memory(error);
  if (jv_mem_init(&m->mem, a) != JAVM_OK) {
    jv_free(a, m, sizeof *m);
    return jv_fail_memory(error);
  }
  m->allocator = a;
  m->program = program;
  m->state.mem = &m->mem;
  javm_program_retain(program);
  *out = m;
  return JAVM_OK;
}

void javm_machine_free(javm_machine *m) {
  if (!m) return;
  jv_mem_free(&m->mem);
  javm_program_release(m->program);
  jv_free(m->allocator, m, sizeof *m);
}

javm_status javm_machine_map(javm_machine *m, uint32_t start, uint64_t size_bytes, javm_access access) {
  if (size_bytes > (UINT64_C(1) << 32) - start || (unsigned)access > JAVM_ACCESS_WRITE) return JAVM_INVALID_ARGUMENT;
  if (size_bytes == 0) return JAVM_OK;
  uint32_t first = start / JAVM_PAGE_BYTES, last = (uint32_t)((start + size_bytes - 1) / JAVM_PAGE_BYTES);
  jv_region region = {.first_page = first, .page_count = last - first + 1, .access = (uint8_t)access};
  return jv_mem_add_region(&m->mem, &region);
}

javm_status javm_machine_set_heap(javm_machine *m, uint32_t start, uint64_t limit) {
  if (start % JAVM_PAGE_BYTES != 0 || limit < start || limit > (uint64_t)1 << 32 || m->mem.heap_limit != 0)
    return JAVM_INVALID_ARGUMENT;
  uint32_t pages = (uint32_t)((limit - start + JAVM_PAGE_BYTES - 1) / JAVM_PAGE_BYTES);
  javm_status status = jv_mem_add_heap(&m->mem, start / JAVM_PAGE_BYTES, pages, start);
  if (status == JAVM_OK) m->mem.heap_limit = limit;
  return status;
}

static javm_status touch_status(const jv_mem *mem, jv_touch touch, uint32_t *fault_address) {
  if (touch == JV_TOUCH_OK) return JAVM_OK;
  if (touch == JV_TOUCH_FAILED) return mem->status;
  if (fault_address) *fault_address = mem->fault_page * JAVM_PAGE_BYTES;
  return JAVM_OUT_OF_RANGE;
}

javm_status javm_machine_read(javm_machine *m, uint32_t address, void *to, size_t size_bytes, uint32_t *fault_address) {
  if (size_bytes > UINT64_C(1) << 32) return JAVM_INVALID_ARGUMENT;
  return touch_status(&m->mem, jv_mem_read(&m->mem, address, to, size_bytes), fault_address);
}

javm_status javm_machine_write(javm_machine *m, uint32_t address, const void *from, size_t size_bytes,
                               uint32_t *fault_address) {
  if (size_bytes > UINT64_C(1) << 32) return JAVM_INVALID_ARGUMENT;
  return touch_status(&m->mem, jv_mem_write(&m->mem, address, from, size_bytes), fault_address);
}

javm_status javm_machine_poke(javm_machine *m, uint32_t address, const void *from, size_t size_bytes) {
  if (size_bytes > UINT64_C(1) << 32) return JAVM_INVALID_ARGUMENT;
  return touch_status(&m->mem, jv_mem_poke(&m->mem, address, from, size_bytes), NULL);
}

uint64_t *javm_machine_regs(javm_machine *m) { return m->state.regs; }
uint32_t javm_machine_pc(const javm_machine *m) { return m->state.pc; }

void javm_machine_set_pc(javm_machine *m, uint32_t pc) {
  m->state.pc = pc;
  m->state.paid = false;
}

uint64_t javm_machine_gas(const javm_machine *m) { return m->state.gas; }
void javm_machine_set_gas(javm_machine *m, uint64_t gas) { m->state.gas = gas; }
uint64_t javm_machine_instructions(const javm_machine *m) { return m->state.instructions; }

/* The embedder's handler, for the engine. */
typedef struct handler_call {
  javm_machine *machine;
  javm_ecall_fn handler;
  void *ctx;
} handler_call;

static javm_ecall_action call_handler(void *ctx, jv_state *state, javm_ecall_kind kind, uint32_t immediate) {
  (void)state;
  handler_call *call = ctx;
  return call->handler(call->ctx, call->machine, kind, immediate);
}

javm_exit javm_machine_run(javm_machine *m, javm_ecall_fn handler, void *ctx) {
  handler_call call = {m, handler, ctx};
  m->mem.failure[0] = '\0';
  return jv_run(m->program, &m->state, handler ? call_handler : NULL, &call);
}

javm_exit javm_machine_step(javm_machine *m, bool by_block, javm_ecall_fn handler, void *ctx, bool *ended) {
  handler_call call = {m, handler, ctx};
  jv_ecall_fn own = handler ? call_handler : NULL;
  bool goes_on;
  m->mem.failure[0] = '\0';
  javm_exit exit = by_block ? jv_run_block(m->program, &m->state, own, &call, UINT64_MAX, &goes_on)
                            : jv_run_stepwise(m->program, &m->state, own, &call, 1, &goes_on);
  if (ended) *ended = !goes_on;
  return exit;
}

const char *javm_machine_failure(const javm_machine *m) { return m->mem.failure[0] ? m->mem.failure : NULL; }

/* Heap sort, by page: in place, and never slow. */
static void sort_pages(jv_dirty_page *list, size_t count) {
  for (size_t built = count / 2, end = count; end > 1;) {
    if (built > 0) {
      built--;
    } else {
      jv_dirty_page top = list[0];
      list[0] = list[--end];
      list[end] = top;
    }
    for (size_t at = built, child; (child = 2 * at + 1) < end; at = child) {
      if (child + 1 < end && list[child + 1].page > list[child].page) child++;
      if (list[at].page >= list[child].page) break;
      jv_dirty_page lower = list[at];
      list[at] = list[child];
      list[child] = lower;
    }
  }
}

size_t javm_machine_dirty_pages(javm_machine *m, uint32_t *addresses, size_t capacity) {
  jv_mem *mem = &m->mem;
  sort_pages(mem->dirty, mem->dirty_count);
  for (size_t i = 0; i < mem->dirty_count && i < capacity; i++) addresses[i] = mem->dirty[i].page * JAVM_PAGE_BYTES;
  return mem->dirty_count;
}
