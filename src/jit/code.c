/* Memory for native code, writable while it is made and executable afterwards, never both; and what the processor can do. */
#include "jit/native.h"

#if JV_HAS_RECOMPILER

#include <cpuid.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static jv_features features;
static bool has_popcnt;

static void look(void) {
  unsigned a, b, c, d;
  if (__get_cpuid(1, &a, &b, &c, &d)) has_popcnt = c & bit_POPCNT;
  if (__get_cpuid(0x80000001, &a, &b, &c, &d)) features.lzcnt = c & bit_LZCNT;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
    features.bmi1 = b & bit_BMI;
    features.bmi2 = b & bit_BMI2;
  }
  features.fsgsbase = getauxval(AT_HWCAP2) & 2; /* HWCAP2_FSGSBASE: the kernel allows it */
}

const jv_features *jv_host_features(void) {
  pthread_once(&once, look);
  return &features;
}

bool jv_host_can_run(void) {
  pthread_once(&once, look);
  return has_popcnt;
}

static size_t whole_pages(size_t bytes) { return (bytes + JAVM_PAGE_BYTES - 1) & ~(size_t)(JAVM_PAGE_BYTES - 1); }

uint8_t *jv_code_reserve(size_t bytes) {
  void *area =
      mmap(NULL, whole_pages(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return area == MAP_FAILED ? NULL : area;
}

/* Newer than some headers; an older kernel refuses it, and then there is a fault for each page, as always. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
enum { STEP_BYTES = 1 << 16, WORTH_A_CALL = 1 << 14 };

void jv_code_expect(uint8_t *to, uint8_t **told, const uint8_t *limit, size_t more) {
  if (to <= *told) return;
  size_t bytes = whole_pages((size_t)(to - *told) + more), room = whole_pages((size_t)(limit - *told));
  if (bytes > STEP_BYTES) bytes = STEP_BYTES;
  if (bytes > room) bytes = room;
  if (bytes >= WORTH_A_CALL) madvise(*told, bytes, MADV_POPULATE_WRITE);
  *told += bytes;
}

/* A short rest is not worth a call of the system: it was never touched and costs no memory. */
enum { SHORT_REST_BYTES = 1 << 18 };

bool jv_code_finish(uint8_t *code, size_t *bytes, size_t used) {
  size_t all = whole_pages(*bytes), kept = whole_pages(used);
  if (all - kept > SHORT_REST_BYTES) {
    munmap(code + kept, all - kept);
    *bytes = all = kept;
  }
  return mprotect(code, all, PROT_READ | PROT_EXEC) == 0;
}

void jv_code_release(uint8_t *code, size_t bytes) {
  if (code) munmap(code, whole_pages(bytes));
}

#else

typedef int jv_no_code; /* an empty file is not C */

#endif
