/* Soft float: double. */
#define FLOAT double
#define BITS uint64_t
#define WORK uint64_t
#define WORK_BITS 64
#define EXPONENT 11
#define FRACTION 52
#define NAME(before, after) DF_NAME(before, after)
#define DF_NAME(before, after) before##df##after

#include "builtins.h"

static inline uint64_t work_multiply(uint64_t a, uint64_t b) {
  ti_unsigned product = (ti_unsigned)a * b;
  return HIGH(product) | (LOW(product) != 0);
}

static inline uint64_t work_divide(uint64_t a, uint64_t b) {
  uint64_t remainder, quotient = jv_divide_2_by_1(a >> 1, 0, b, &remainder);
  return quotient | (remainder != 0);
}

#include "float_type.h"
