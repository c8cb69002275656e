/* A job for the supervisor: the sum of the primes below n, the slow way; without end for n = 0. It spends a meter of its own. */
#include "job.h"

JAVM_GAS_SLOT(JOB_GAS);
JAVM_STACK_SIZE(4096);

static bool is_prime(uint64_t n) {
  for (uint64_t d = 2; d * d <= n; d++)
    if (n % d == 0) return false;
  return true;
}

static uint64_t work(uint64_t n) {
  uint64_t sum = 0;
  for (uint64_t i = 2; i != n; i++)
    if (is_prime(i)) sum += i;
  return sum;
}

JAVM_ENDPOINT(0, work);
