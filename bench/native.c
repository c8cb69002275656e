/* See native.h. The plain functions take the count, as the guests do, so that the compiler does not know it. */
#include "native.h"

static uint64_t fib(uint64_t steps) {
  uint64_t a = 0, b = 1;
  for (; steps > 0; steps--) {
    uint64_t next = a + b;
    a = b;
    b = next;
  }
  return a;
}

static uint64_t sort(uint64_t *numbers, uint64_t count) {
  uint64_t state = 1, sum = 0;
  for (uint64_t i = 0; i < count; i++) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint64_t value = state >> 33, at = i;
    for (; at > 0 && numbers[at - 1] > value; at--) numbers[at] = numbers[at - 1];
    numbers[at] = value;
  }
  for (uint64_t i = 0; i < count; i++) sum = sum * 31 + numbers[i];
  return sum;
}

/* Marks stay right whatever the limit was, so nothing is cleared between runs. */
static uint64_t sieve(uint8_t *composite, uint64_t limit) {
  uint64_t count = 0;
  for (uint64_t p = 2; p * p <= limit; p++) {
    if (composite[p]) continue;
    for (uint64_t n = p * p; n <= limit; n += p) composite[n] = 1;
  }
  for (uint64_t n = 2; n <= limit; n++) count += !composite[n];
  return count;
}

static volatile uint64_t fib_steps = NATIVE_FIB_STEPS, sort_count = NATIVE_SORT_COUNT, sieve_limit = NATIVE_SIEVE_LIMIT;
static uint64_t numbers[NATIVE_SORT_COUNT];
static uint8_t composite[NATIVE_SIEVE_LIMIT + 1];

uint64_t native_fib(void) { return fib(fib_steps); }
uint64_t native_sort(void) { return sort(numbers, sort_count); }
uint64_t native_sieve(void) { return sieve(composite, sieve_limit); }
