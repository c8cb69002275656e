/* Arithmetic of 128-bit integers that clang calls: division, and what has no short sequence of instructions. */
#include <stdint.h>

#include "builtins.h"

/* high:low / d for high < d. */
static uint64_t divide_2_by_1(uint64_t high, uint64_t low, uint64_t d, uint64_t *remainder) {
  int shift = __builtin_clzll(d);
  if (shift) high = high << shift | low >> (64 - shift);
  uint64_t quotient = jv_divide_2_by_1(high, low << shift, d << shift, remainder);
  *remainder >>= shift;
  return quotient;
}

static ti_unsigned divide(ti_unsigned n, ti_unsigned d, ti_unsigned *remainder) {
  if (d > n) {
    *remainder = n;
    return 0;
  }
  uint64_t r;
  if (!HIGH(d)) {
    uint64_t q1 = 0, high = HIGH(n);
    if (high >= LOW(d)) {
      q1 = high / LOW(d);
      high %= LOW(d);
    } else if (!high) {
      *remainder = LOW(n) % LOW(d);
      return LOW(n) / LOW(d);
    }
    uint64_t q0 = divide_2_by_1(high, LOW(n), LOW(d), &r);
    *remainder = r;
    return (ti_unsigned)q1 << 64 | q0;
  }
  /* The quotient has one word. Divided by the leading 64 bits of d it comes out right or one too large. */
  int shift = __builtin_clzll(HIGH(d));
  uint64_t top = HIGH(d << shift);
  uint64_t q = divide_2_by_1(HIGH(n >> 1), LOW(n >> 1), top, &r);
  q >>= 63 - shift;
  if (q) q--;
  n -= d * q;
  if (n >= d) {
    n -= d;
    q++;
  }
  *remainder = n;
  return q;
}

static ti_unsigned magnitude(ti_signed x) { return x < 0 ? -(ti_unsigned)x : (ti_unsigned)x; }

ti_unsigned __udivmodti4(ti_unsigned n, ti_unsigned d, ti_unsigned *remainder) {
  ti_unsigned r, q = divide(n, d, &r);
  if (remainder) *remainder = r;
  return q;
}

ti_unsigned __udivti3(ti_unsigned n, ti_unsigned d) {
  ti_unsigned r;
  return divide(n, d, &r);
}

ti_unsigned __umodti3(ti_unsigned n, ti_unsigned d) {
  ti_unsigned r;
  divide(n, d, &r);
  return r;
}

ti_signed __divmodti4(ti_signed n, ti_signed d, ti_signed *remainder) {
  ti_unsigned r, q = divide(magnitude(n), magnitude(d), &r);
  *remainder = (ti_signed)(n < 0 ? -r : r);
  return (ti_signed)((n < 0) != (d < 0) ? -q : q);
}

ti_signed __divti3(ti_signed n, ti_signed d) {
  ti_signed r;
  return __divmodti4(n, d, &r);
}

ti_signed __modti3(ti_signed n, ti_signed d) {
  ti_signed r;
  __divmodti4(n, d, &r);
  return r;
}

ti_signed __multi3(ti_signed a, ti_signed b) {
  ti_unsigned low = (ti_unsigned)LOW(a) * LOW(b);
  return (ti_signed)(low + ((ti_unsigned)(HIGH(a) * LOW(b) + LOW(a) * HIGH(b)) << 64));
}

ti_signed __muloti4(ti_signed a, ti_signed b, int *overflow) {
  ti_unsigned x = magnitude(a), y = magnitude(b), product = x * y;
  int negative = (a < 0) != (b < 0);
  /* With both high words the product has more than 128 bits; else one crossed product decides. */
  ti_unsigned crossed = HIGH(x) ? (ti_unsigned)HIGH(x) * LOW(y) : (ti_unsigned)HIGH(y) * LOW(x);
  ti_unsigned carry = crossed + HIGH((ti_unsigned)LOW(x) * LOW(y));
  *overflow = (HIGH(x) && HIGH(y)) || HIGH(carry) || product > ((ti_unsigned)1 << 127) - !negative;
  return (ti_signed)(negative ? -product : product);
}

/* Shifts by 0 to 127, made of shifts of words so that they don't call themselves. */
ti_signed __ashlti3(ti_signed a, int n) {
  uint64_t low = LOW(a), high = HIGH(a);
  if (n >= 64) return (ti_signed)((ti_unsigned)(low << (n - 64)) << 64);
  if (!n) return a;
  return (ti_signed)((ti_unsigned)(high << n | low >> (64 - n)) << 64 | low << n);
}

ti_signed __lshrti3(ti_signed a, int n) {
  uint64_t low = LOW(a), high = HIGH(a);
  if (n >= 64) return (ti_signed)(high >> (n - 64));
  if (!n) return a;
  return (ti_signed)((ti_unsigned)(high >> n) << 64 | (low >> n | high << (64 - n)));
}

ti_signed __ashrti3(ti_signed a, int n) {
  uint64_t low = LOW(a);
  int64_t high = (int64_t)HIGH(a);
  if (n >= 64) return (ti_signed)(high >> (n - 64));
  if (!n) return a;
  return (ti_signed)((ti_unsigned)(uint64_t)(high >> n) << 64 | (low >> n | (uint64_t)high << (64 - n)));
}

ti_signed __negti2(ti_signed a) { return (ti_signed) - (ti_unsigned)a; }
int __cmpti2(ti_signed a, ti_signed b) { return (a > b) - (a < b) + 1; }
int __ucmpti2(ti_unsigned a, ti_unsigned b) { return (a > b) - (a < b) + 1; }

/* Counting and swapping; for code that was compiled without Zbb. */
int __clzsi2(uint32_t a) { return __builtin_clz(a); }
int __clzdi2(uint64_t a) { return __builtin_clzll(a); }
int __clzti2(ti_unsigned a) { return HIGH(a) ? __builtin_clzll(HIGH(a)) : 64 + __builtin_clzll(LOW(a)); }
int __ctzsi2(uint32_t a) { return __builtin_ctz(a); }
int __ctzdi2(uint64_t a) { return __builtin_ctzll(a); }
int __ctzti2(ti_unsigned a) { return LOW(a) ? __builtin_ctzll(LOW(a)) : 64 + __builtin_ctzll(HIGH(a)); }
int __ffsdi2(uint64_t a) { return a ? 1 + __builtin_ctzll(a) : 0; }
int __ffsti2(ti_unsigned a) { return a ? 1 + __ctzti2(a) : 0; }
int __popcountsi2(uint32_t a) { return __builtin_popcount(a); }
int __popcountdi2(uint64_t a) { return __builtin_popcountll(a); }
int __popcountti2(ti_unsigned a) { return __builtin_popcountll(HIGH(a)) + __builtin_popcountll(LOW(a)); }
int __paritysi2(uint32_t a) { return __builtin_popcount(a) & 1; }
int __paritydi2(uint64_t a) { return __builtin_popcountll(a) & 1; }
int __parityti2(ti_unsigned a) { return __builtin_popcountll(HIGH(a) ^ LOW(a)) & 1; }
uint32_t __bswapsi2(uint32_t a) { return __builtin_bswap32(a); }
uint64_t __bswapdi2(uint64_t a) { return __builtin_bswap64(a); }
