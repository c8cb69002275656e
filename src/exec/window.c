/* See window.h. */
#include "exec/window.h"

#include <sys/mman.h>

#if UINTPTR_MAX > UINT32_MAX && defined(MAP_NORESERVE)

static const size_t window_bytes = (UINT64_C(1) << 32) + 2 * (size_t)JV_WINDOW_GUARD_BYTES;
static const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

uint8_t *jv_window_reserve(void) {
  uint8_t *area = mmap(NULL, window_bytes, PROT_NONE, flags, -1, 0);
  return area == MAP_FAILED ? NULL : area + JV_WINDOW_GUARD_BYTES;
}

void jv_window_release(uint8_t *window) {
  if (window) munmap(window - JV_WINDOW_GUARD_BYTES, window_bytes);
}

bool jv_window_protect(uint8_t *window, uint32_t first_page, uint32_t page_count, javm_access access) {
  int protection = access == JAVM_ACCESS_WRITE ? PROT_READ | PROT_WRITE : access ? PROT_READ : PROT_NONE;
  return mprotect(window + (size_t)first_page * JAVM_PAGE_BYTES, (size_t)page_count * JAVM_PAGE_BYTES, protection) == 0;
}

bool jv_window_wipe(uint8_t *window, uint32_t first_page, uint32_t page_count) {
  void *at = window + (size_t)first_page * JAVM_PAGE_BYTES;
  return mmap(at, (size_t)page_count * JAVM_PAGE_BYTES, PROT_NONE, flags | MAP_FIXED, -1, 0) == at;
}

#else

uint8_t *jv_window_reserve(void) { return NULL; }
void jv_window_release(uint8_t *window) { (void)window; }
bool jv_window_protect(uint8_t *window, uint32_t first_page, uint32_t page_count, javm_access access) {
  return (void)window, (void)first_page, (void)page_count, (void)access, false;
}
bool jv_window_wipe(uint8_t *window, uint32_t first_page, uint32_t page_count) {
  return (void)window, (void)first_page, (void)page_count, false;
}

#endif
