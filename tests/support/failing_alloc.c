/* See failing_alloc.h. Not for use by several threads at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "support/failing_alloc.h"

/* Stands before each block; 32 bytes keep the block aligned for any type. */
typedef struct header {
  size_t size;
  uint64_t mark;
  uint64_t pad[2];
} header;
_Static_assert(sizeof(header) == 32, "a block after the header is aligned");
#define MARK_LIVE UINT64_C(0x6c6976652d626c6b)

static bool must_fail(test_allocator *a) {
  a->requests++;
  if (a->fail_at == 0 || a->requests < a->fail_at || (a->requests > a->fail_at && !a->keeps_failing)) return false;
  a->failures++;
  return true;
}

static void give_back(test_allocator *a, void *block, size_t old_bytes) {
  header *h = (header *)block - 1;
  assert_true(h->mark == MARK_LIVE);
  assert_int_equal(h->size, old_bytes);
  a->blocks--;
  a->bytes -= old_bytes;
  h->mark = 0;
  memset(block, 0xdd, old_bytes);
  free(h);
}

static void *resize(void *ctx, void *block, size_t old_bytes, size_t new_bytes) {
  test_allocator *a = ctx;
  if (!block) assert_int_equal(old_bytes, 0);
  if (new_bytes == 0) {
    if (block) give_back(a, block, old_bytes);
    return NULL;
  }
  if (new_bytes > old_bytes && must_fail(a)) return NULL;
  if (new_bytes > SIZE_MAX - sizeof(header)) return NULL;
  header *h = malloc(sizeof *h + new_bytes);
  if (!h) return NULL;
  h->size = new_bytes;
  h->mark = MARK_LIVE;
  memset(h + 1, 0xaa, new_bytes);
  a->blocks++;
  a->bytes += new_bytes;
  if (block) {
    memcpy(h + 1, block, old_bytes < new_bytes ? old_bytes : new_bytes);
    give_back(a, block, old_bytes);
  }
  return h + 1;
}

static void *reserve(void *ctx, size_t bytes) {
  test_allocator *a = ctx;
  if (must_fail(a)) return NULL;
  void *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (area == MAP_FAILED) return NULL;
  a->areas++;
  a->bytes += bytes;
  return area;
}

static void unreserve(void *ctx, void *area, size_t bytes) {
  test_allocator *a = ctx;
  assert_int_equal(munmap(area, bytes), 0);
  a->areas--;
  a->bytes -= bytes;
}

void test_allocator_init(test_allocator *a) {
  memset(a, 0, sizeof *a);
  a->hook = (javm_allocator){.ctx = a, .resize = resize, .reserve = reserve, .unreserve = unreserve};
}

/* Was a request failed? */
static bool run_once(test_scenario scenario, size_t fail_at, bool keeps_failing) {
  test_allocator a;
  test_allocator_init(&a);
  a.fail_at = fail_at;
  a.keeps_failing = keeps_failing;
  javm_status status = scenario(&a.hook);
  if (status != JAVM_OK && (status != JAVM_OUT_OF_MEMORY || !a.failures))
    fail_msg("request %zu failed: status %d (%s)", fail_at, (int)status, javm_status_text(status));
  if (a.blocks || a.areas || a.bytes)
    fail_msg("request %zu failed: %ld blocks and %ld areas of %zu bytes leaked", fail_at, a.blocks, a.areas, a.bytes);
  return a.failures > 0;
}

void for_each_failing_allocation(test_scenario scenario) {
  run_once(scenario, 0, false);
  for (int keeps_failing = 0; keeps_failing < 2; keeps_failing++) {
    size_t n = 1;
    while (run_once(scenario, n, keeps_failing)) n++;
    assert_true(n > 1);
  }
}
