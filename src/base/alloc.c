/* See alloc.h. The default allocator is malloc and mmap. */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void *default_resize(void *ctx, void *block, size_t old_bytes, size_t new_bytes) {
  (void)ctx;
  (void)old_bytes;
  if (new_bytes == 0) {
    free(block);
    return NULL;
  }
  return realloc(block, new_bytes);
}

static void *map_area(void *ctx, size_t bytes) {
  (void)ctx;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#ifdef MAP_NORESERVE
  flags |= MAP_NORESERVE;
#endif
  void *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  return area == MAP_FAILED ? NULL : area;
}

static void unmap_area(void *ctx, void *area, size_t bytes) {
  (void)ctx;
  munmap(area, bytes);
}

static const javm_allocator default_allocator = {NULL, default_resize, map_area, unmap_area};

const javm_allocator *javm_allocator_default(void) { return &default_allocator; }

void javm_free_bytes(const javm_allocator *allocator, uint8_t *bytes, size_t size_bytes) {
  jv_free_array(allocator ? allocator : &default_allocator, bytes, size_bytes, 1);
}

void *jv_alloc(const javm_allocator *a, size_t size_bytes) { return a->resize(a->ctx, NULL, 0, size_bytes); }

void *jv_alloc_zero(const javm_allocator *a, size_t size_bytes) {
  void *block = jv_alloc(a, size_bytes);
  if (block) memset(block, 0, size_bytes);
  return block;
}

void *jv_alloc_array(const javm_allocator *a, size_t count, size_t size_bytes) {
  if (count > SIZE_MAX / size_bytes) return NULL;
  return jv_alloc(a, count ? count * size_bytes : 1);
}

void jv_free(const javm_allocator *a, void *block, size_t size_bytes) {
  if (block) a->resize(a->ctx, block, size_bytes, 0);
}

void jv_free_array(const javm_allocator *a, void *block, size_t count, size_t size_bytes) {
  jv_free(a, block, count ? count * size_bytes : 1);
}

bool jv_grow(const javm_allocator *a, void *array_pointer, size_t *capacity, size_t need, size_t size_bytes) {
  if (need <= *capacity) return true;
  size_t want = *capacity ? *capacity : 8;
  while (want < need) {
    if (want > SIZE_MAX / 2) return false;
    want *= 2;
  }
  if (want > SIZE_MAX / size_bytes) return false;
  void *block;
  memcpy(&block, array_pointer, sizeof block);
  block = a->resize(a->ctx, block, *capacity * size_bytes, want * size_bytes);
  if (!block) return false;
  memcpy(array_pointer, &block, sizeof block);
  *capacity = want;
  return true;
}

void *jv_reserve(const javm_allocator *a, size_t size_bytes) {
  return a->reserve ? a->reserve(a->ctx, size_bytes) : map_area(NULL, size_bytes);
}

void jv_unreserve(const javm_allocator *a, void *area, size_t size_bytes) {
  if (!area) return;
  if (a->unreserve) a->unreserve(a->ctx, area, size_bytes);
  else unmap_area(NULL, area, size_bytes);
}
