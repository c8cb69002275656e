/* Functions of the C library's double that newlib has slow or inexact. They come before newlib's own. */
#define FLOAT double
#define BITS uint64_t
#define WORK uint64_t
#define WORK_BITS 64
#define EXPONENT 11
#define FRACTION 52
#include "float_work.h"

double __ieee754_sqrt(double a);
float __ieee754_sqrtf(float a);
double fma(double a, double b, double c);
float fmaf(float a, float b, float c);

#define MULTIPLY_HIGH(a, b) HIGH((ti_unsigned)(a) * (b))

/* 1 / sqrt(m) for m in [1, 4), to 40 bits: a straight line, then Newton's r (3 - m r^2) / 2. m has 62 bits behind the
 * point, the result 63. */
static uint64_t reciprocal_root(uint64_t m) {
  uint64_t r = 0x8ccccccccccccccd - MULTIPLY_HIGH(m, 0x51eb851eb851eb85); /* 1.1 - 0.16 m */
  for (int i = 0; i < 4; i++) {
    uint64_t product = MULTIPLY_HIGH(m, MULTIPLY_HIGH(r, r)); /* 60 bits behind the point */
    uint64_t factor = (3ull << 60) - product;
    r = MULTIPLY_HIGH(r, factor << 2) << 1;
  }
  return r;
}

double __ieee754_sqrt(double a) {
  BITS bits = bits_of(a);
  if (!(bits & ~SIGN) || bits == INFINITE) return a;
  if (bits > INFINITE) return float_of(NOT_A_NUMBER);
  int e;
  uint64_t s = unpack(bits, &e);
  int odd = (e - BIAS) & 1;
  uint64_t m = odd ? s : s >> 1, r = reciprocal_root(m);
  ti_unsigned n = (ti_unsigned)m << 62; /* 124 bits behind the point, so that its root has 62 */
  uint64_t root = MULTIPLY_HIGH(m, r) << 1;
  ti_signed rest = (ti_signed)(n - (ti_unsigned)root * root);
  root += (uint64_t)(((ti_signed)(int64_t)(rest >> 30) * (ti_signed)r) >> 96); /* Heron's step: rest / (2 root) */
  rest = (ti_signed)(n - (ti_unsigned)root * root);
  for (; rest < 0; root--) rest += 2 * (ti_signed)root - 1;
  for (; rest > 2 * (ti_signed)root; root++) rest -= 2 * (ti_signed)root + 1;
  return round_and_pack(0, ((e - BIAS - odd) >> 1) + BIAS, root << 1 | (rest != 0));
}

/* Rounding twice does no harm here: a double has more than twice the bits. */
float __ieee754_sqrtf(float a) { return (float)__ieee754_sqrt(a); }

static ti_unsigned shift_wide(ti_unsigned s, int n) {
  return n < 128 ? s >> n | ((s << (128 - n)) != 0) : (ti_unsigned)(s != 0);
}

/* The product is exact in 106 bits; it and c are put at the same exponent and added with a sticky last bit. */
double fma(double a, double b, double c) {
  BITS x = magnitude_of(a), y = magnitude_of(b), z = magnitude_of(c);
  if (x >= INFINITE || y >= INFINITE || !x || !y) {
    double product = a * b; /* exact */
    return product + c;
  }
  if (z >= INFINITE) return c + c;
  if (!z) return a * b;
  int ex, ey, ez;
  ti_unsigned product = (ti_unsigned)unpack(x, &ex) * unpack(y, &ey) >> 1; /* 125 bits behind the point, as `sum` */
  ti_unsigned addend = (ti_unsigned)unpack(z, &ez) << 62, sum;
  int e = ex + ey - BIAS;
  if (e > ez) {
    addend = shift_wide(addend, e - ez);
  } else if (e < ez) {
    product = shift_wide(product, ez - e);
    e = ez;
  }
  BITS sign = (bits_of(a) ^ bits_of(b)) & SIGN, other_sign = bits_of(c) & SIGN;
  if (sign == other_sign) {
    sum = product + addend;
  } else if (product >= addend) {
    sum = product - addend;
  } else {
    sum = addend - product;
    sign = other_sign;
  }
  if (!sum) return 0;
  int zeros = HIGH(sum) ? __builtin_clzll(HIGH(sum)) : 64 + __builtin_clzll(LOW(sum));
  sum <<= zeros;
  return round_and_pack(sign, e + 2 - zeros, HIGH(sum) | (LOW(sum) != 0));
}

/* The product is exact as a double. The sum is rounded to odd, so that rounding it once more does no harm. */
float fmaf(float a, float b, float c) {
  double product = (double)a * b, sum = product + c;
  BITS bits = bits_of(sum);
  if ((bits & 1) == 0 && (bits & ~SIGN) < INFINITE) {
    double part = sum - product, lost = (product - (sum - part)) + (c - part);
    if (lost != 0) bits += (lost > 0) == (sum > 0) ? 1 : (BITS)-1;
  }
  return (float)float_of(bits);
}
