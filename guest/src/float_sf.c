/* Soft float: float. */
#define FLOAT float
#define BITS uint32_t
#define WORK uint64_t
#define WORK_BITS 64
#define EXPONENT 8
#define FRACTION 23
#define NAME(before, after) SF_NAME(before, after)
#define SF_NAME(before, after) before##sf##after

#include "builtins.h"

/* Of 24 significant bits each, so that nothing is lost. */
static inline uint64_t work_multiply(uint64_t a, uint64_t b) { return HIGH((ti_unsigned)a * b); }

static inline uint64_t work_divide(uint64_t a, uint64_t b) {
  a >>= 1;
  b >>= 40;
  uint64_t q = a / b;
  return q << 24 | (q * b != a);
}

#include "float_type.h"
