/* Soft float: long double, which has 128 bits. */
#define FLOAT long double
#define BITS ti_unsigned
#define WORK ti_unsigned
#define WORK_BITS 128
#define EXPONENT 15
#define FRACTION 112
#define NAME(before, after) TF_NAME(before, after)
#define TF_NAME(before, after) before##tf##after

#include "builtins.h"

static inline ti_unsigned work_multiply(ti_unsigned a, ti_unsigned b) {
  ti_unsigned low = (ti_unsigned)LOW(a) * LOW(b), cross = (ti_unsigned)LOW(a) * HIGH(b) + HIGH(low);
  ti_unsigned other = (ti_unsigned)HIGH(a) * LOW(b) + LOW(cross);
  ti_unsigned high = (ti_unsigned)HIGH(a) * HIGH(b) + HIGH(cross) + HIGH(other);
  return high | ((LOW(low) | LOW(other)) != 0);
}

/* One 64-bit digit of (rest:0) / d, for rest < d and d with its top bit set; rest becomes the remainder. */
static uint64_t quotient_digit(ti_unsigned *rest, ti_unsigned d) {
  uint64_t q, r;
  int fits = 1; /* r has one word: q may still be too large */
  if (HIGH(*rest) < HIGH(d)) {
    q = jv_divide_2_by_1(HIGH(*rest), LOW(*rest), HIGH(d), &r);
  } else {
    q = UINT64_MAX;
    r = LOW(*rest) + HIGH(d);
    fits = r >= HIGH(d);
  }
  while (fits && (ti_unsigned)q * LOW(d) > (ti_unsigned)r << 64) {
    q--;
    r += HIGH(d);
    fits = r >= HIGH(d);
  }
  *rest = (*rest << 64) - q * d;
  return q;
}

static inline ti_unsigned work_divide(ti_unsigned a, ti_unsigned b) {
  ti_unsigned rest = a >> 1;
  ti_unsigned quotient = (ti_unsigned)quotient_digit(&rest, b) << 64;
  quotient |= quotient_digit(&rest, b);
  return quotient | (rest != 0);
}

#include "float_type.h"
