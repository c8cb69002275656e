/* How many primes there are up to n, at most LIMIT, with a byte for each number. */
#include "workload.h"

enum { LIMIT = 1 << 18 };

uint64_t workload(uint64_t n) {
  uint8_t composite[LIMIT + 1];
  uint64_t count = 0;
  if (n > LIMIT) return 0;
  for (uint64_t i = 0; i <= n; i++) composite[i] = 0;
  for (uint64_t p = 2; p * p <= n; p++) {
    if (composite[p]) continue;
    for (uint64_t i = p * p; i <= n; i += p) composite[i] = 1;
  }
  for (uint64_t i = 2; i <= n; i++) count += !composite[i];
  return count;
}
