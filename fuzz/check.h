/*
 * What the fuzz targets share: checks that abort, a reader of input bytes, and an allocator that knows its blocks. It
 * checks the sizes that the library gives back, that nothing is left at the end, and can fail from the n-th request
 * on.
 */
#ifndef FUZZ_CHECK_H
#define FUZZ_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "javm.h"

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (condition) break;                                                                                              \
    fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                                          \
    abort();                                                                                                           \
  } while (0)

typedef struct fuzz_heap {
  javm_allocator allocator;
  size_t blocks, reserved;
  uint64_t requests;
  uint64_t fail_from, fail_count; /* requests number fail_from and the fail_count - 1 after it fail; count 0: none */
} fuzz_heap;

/* In front of every block. */
typedef union fuzz_block {
  size_t size;
  _Alignas(16) char align[16];
} fuzz_block;

static inline bool fuzz_heap_fails(fuzz_heap *h) {
  uint64_t n = h->requests++;
  return n >= h->fail_from && n - h->fail_from < h->fail_count;
}

static inline void *fuzz_heap_resize(void *ctx, void *block, size_t old_bytes, size_t new_bytes) {
  fuzz_heap *h = ctx;
  fuzz_block *old = block ? (fuzz_block *)block - 1 : NULL;
  CHECK(old ? old->size == old_bytes : old_bytes == 0);
  if (new_bytes == 0) {
    if (old) h->blocks--;
    free(old);
    return NULL;
  }
  if (fuzz_heap_fails(h) || new_bytes > (size_t)1 << 30) return NULL;
  fuzz_block *fresh = malloc(sizeof *fresh + new_bytes);
  CHECK(fresh);
  fresh->size = new_bytes;
  if (old) memcpy(fresh + 1, block, old_bytes < new_bytes ? old_bytes : new_bytes);
  else h->blocks++;
  free(old);
  return fresh + 1;
}

static inline void *fuzz_heap_reserve(void *ctx, size_t bytes) {
  fuzz_heap *h = ctx;
  if (fuzz_heap_fails(h)) return NULL;
  void *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(area != MAP_FAILED);
  h->reserved += bytes;
  return area;
}

static inline void fuzz_heap_unreserve(void *ctx, void *area, size_t bytes) {
  fuzz_heap *h = ctx;
  CHECK(h->reserved >= bytes);
  h->reserved -= bytes;
  munmap(area, bytes);
}

static inline void fuzz_heap_init(fuzz_heap *h) {
  memset(h, 0, sizeof *h);
  h->allocator = (javm_allocator){h, fuzz_heap_resize, fuzz_heap_reserve, fuzz_heap_unreserve};
}

static inline void fuzz_heap_check_empty(const fuzz_heap *h) {
  CHECK(h->blocks == 0);
  CHECK(h->reserved == 0);
}

/* Input bytes, taken from the front; zeros when there are no more. */
typedef struct fuzz_input {
  const uint8_t *bytes;
  size_t left;
} fuzz_input;

static inline uint64_t fuzz_take(fuzz_input *in, unsigned bytes) {
  uint64_t v = 0;
  for (unsigned k = 0; k < bytes && in->left > 0; k++, in->left--) v |= (uint64_t)*in->bytes++ << (8 * k);
  return v;
}

/* Adds what a target has seen to its digest, so that two runs can be compared. */
static inline void fuzz_see(uint64_t *digest, const void *bytes, size_t size) {
  for (size_t k = 0; k < size; k++) *digest = (*digest ^ ((const uint8_t *)bytes)[k]) * 0x100000001b3u;
}

/* In a starved world a failure is out of memory and ends it; in others there is none. */
static inline bool fuzz_ok(bool starved, javm_status status) {
  if (status == JAVM_OK) return true;
  if (!starved) fprintf(stderr, "%s\n", javm_status_text(status));
  CHECK(starved && status == JAVM_OUT_OF_MEMORY);
  return false;
}

/* A number that depends on all of the input: for choices that need no bytes of their own. */
static inline uint64_t fuzz_mix(const uint8_t *bytes, size_t size) {
  uint64_t h = 0xcbf29ce484222325u;
  for (size_t k = 0; k < size; k++) h = (h ^ bytes[k]) * 0x100000001b3u;
  return h ^ h >> 31;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
