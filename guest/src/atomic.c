/*
 * Atomic operations on objects that have no instruction: of odd sizes and of 16 bytes. A guest has one hart, which
 * nothing interrupts, so plain accesses are atomic. The names are those that clang calls; C can't define them as such,
 * as it knows them as its own.
 */
#include "builtins.h"

void javm_atomic_load(size_t n, const void *from, void *to, int order) NAMED("__atomic_load");
void javm_atomic_store(size_t n, void *to, const void *from, int order) NAMED("__atomic_store");
void javm_atomic_exchange(size_t n, void *at, const void *value, void *old, int order) NAMED("__atomic_exchange");
_Bool javm_atomic_compare_exchange(size_t n, void *at, void *expected, const void *desired, int success, int failure)
    NAMED("__atomic_compare_exchange");
_Bool javm_atomic_is_lock_free(size_t n, const void *at) NAMED("__atomic_is_lock_free");

void javm_atomic_load(size_t n, const void *from, void *to, int order) {
  (void)order;
  __builtin_memcpy(to, from, n);
}

void javm_atomic_store(size_t n, void *to, const void *from, int order) {
  (void)order;
  __builtin_memcpy(to, from, n);
}

void javm_atomic_exchange(size_t n, void *at, const void *value, void *old, int order) {
  (void)order;
  char *p = at, *o = old;
  const char *v = value;
  for (size_t i = 0; i < n; i++) { /* bytewise: `old` may be `value` */
    char next = v[i];
    o[i] = p[i];
    p[i] = next;
  }
}

_Bool javm_atomic_compare_exchange(size_t n, void *at, void *expected, const void *desired, int success, int failure) {
  (void)success;
  (void)failure;
  if (__builtin_memcmp(at, expected, n) == 0) {
    __builtin_memcpy(at, desired, n);
    return 1;
  }
  __builtin_memcpy(expected, at, n);
  return 0;
}

_Bool javm_atomic_is_lock_free(size_t n, const void *at) {
  (void)n;
  (void)at;
  return 1;
}

/* 16 bytes by value. */
ti_unsigned javm_atomic_load_16(const ti_unsigned *at, int order) NAMED("__atomic_load_16");
void javm_atomic_store_16(ti_unsigned *at, ti_unsigned value, int order) NAMED("__atomic_store_16");
ti_unsigned javm_atomic_exchange_16(ti_unsigned *at, ti_unsigned value, int order) NAMED("__atomic_exchange_16");
_Bool javm_atomic_compare_exchange_16(ti_unsigned *at, ti_unsigned *expected, ti_unsigned desired, int success,
                                      int failure) NAMED("__atomic_compare_exchange_16");

ti_unsigned javm_atomic_load_16(const ti_unsigned *at, int order) {
  (void)order;
  return *at;
}

void javm_atomic_store_16(ti_unsigned *at, ti_unsigned value, int order) {
  (void)order;
  *at = value;
}

ti_unsigned javm_atomic_exchange_16(ti_unsigned *at, ti_unsigned value, int order) {
  (void)order;
  ti_unsigned old = *at;
  *at = value;
  return old;
}

_Bool javm_atomic_compare_exchange_16(ti_unsigned *at, ti_unsigned *expected, ti_unsigned desired, int success,
                                      int failure) {
  (void)success;
  (void)failure;
  ti_unsigned old = *at;
  if (old == *expected) {
    *at = desired;
    return 1;
  }
  *expected = old;
  return 0;
}

#define FETCH_16(operation, result)                                                                                    \
  ti_unsigned javm_atomic_fetch_##operation##_16(ti_unsigned *at, ti_unsigned value, int order)                        \
      NAMED("__atomic_fetch_" #operation "_16");                                                                       \
  ti_unsigned javm_atomic_fetch_##operation##_16(ti_unsigned *at, ti_unsigned value, int order) {                      \
    (void)order;                                                                                                       \
    ti_unsigned old = *at;                                                                                             \
    *at = (result);                                                                                                    \
    return old;                                                                                                        \
  }
FETCH_16(add, old + value)
FETCH_16(sub, old - value)
FETCH_16(and, old &value)
FETCH_16(or, old | value)
FETCH_16(xor, old ^ value)
FETCH_16(nand, ~(old &value))
