/* n calls of the host, there and back. */
#include "host_call.h"
#include "workload.h"

uint64_t workload(uint64_t n) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < n; i++) sum = sum * 31 + host_call((uint32_t)i);
  return sum;
}
