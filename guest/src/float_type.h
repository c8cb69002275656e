/*
 * Soft float for one IEEE 754 binary format, without exception flags. Included by float_sf.c, float_df.c and
 * float_tf.c, which define before what float_work.h asks for, and:
 *   NAME(before, after)     the name of a function of this format
 *   work_multiply(a, b)     the high half of a product, its last bit set if anything was lost ("sticky")
 *   work_divide(a, b)       a / b * 2^(WORK_BITS - 1), likewise
 */
#include "float_work.h"

/* ---- arithmetic ---- */

static inline FLOAT add(BITS a, BITS b) {
  if ((a & ~SIGN) < (b & ~SIGN)) {
    BITS swap = a;
    a = b;
    b = swap;
  }
  BITS x = a & ~SIGN, y = b & ~SIGN;
  int ex = (int)(x >> FRACTION), ey = (int)(y >> FRACTION);
  if (ex == TOP_EXPONENT) {
    int is_number = x == INFINITE && (y != INFINITE || a == b);
    return float_of(is_number ? a : NOT_A_NUMBER);
  }
  /* One bit below the top, so that the sum has room. */
  const BITS fraction = ((BITS)1 << FRACTION) - 1;
  WORK sx = (WORK)((x & fraction) | (BITS)(ex != 0) << FRACTION) << (SPARE - 1);
  WORK sy = (WORK)((y & fraction) | (BITS)(ey != 0) << FRACTION) << (SPARE - 1);
  ex += !ex;
  ey += !ey;
  if (ex > ey) sy = shift_sticky(sy, ex - ey);
  int opposite = ((a ^ b) & SIGN) != 0;
  WORK s = opposite ? sx - sy : sx + sy;
  if (!s) return float_of(opposite ? 0 : a);
  int n = leading_zeros(s);
  return round_and_pack(a & SIGN, ex + 1 - n, s << n);
}

FLOAT NAME(__add, 3)(FLOAT a, FLOAT b) { return add(bits_of(a), bits_of(b)); }
FLOAT NAME(__sub, 3)(FLOAT a, FLOAT b) { return add(bits_of(a), bits_of(b) ^ SIGN); }
FLOAT NAME(__neg, 2)(FLOAT a) { return float_of(bits_of(a) ^ SIGN); }

FLOAT NAME(__mul, 3)(FLOAT a, FLOAT b) {
  BITS x = magnitude_of(a), y = magnitude_of(b), sign = (bits_of(a) ^ bits_of(b)) & SIGN;
  if (x >= INFINITE || y >= INFINITE)
    return float_of(x > INFINITE || y > INFINITE || !x || !y ? NOT_A_NUMBER : sign | INFINITE);
  if (!x || !y) return float_of(sign);
  int ex, ey;
  WORK sx = unpack(x, &ex), sy = unpack(y, &ey);
  WORK s = work_multiply(sx, sy);
  int e = ex + ey - BIAS + 1;
  if (!(s & TOP)) {
    s <<= 1;
    e--;
  }
  return round_and_pack(sign, e, s);
}

FLOAT NAME(__div, 3)(FLOAT a, FLOAT b) {
  BITS x = magnitude_of(a), y = magnitude_of(b), sign = (bits_of(a) ^ bits_of(b)) & SIGN;
  if (x >= INFINITE || y >= INFINITE) {
    if (x > INFINITE || y > INFINITE || x == y) return float_of(NOT_A_NUMBER);
    return float_of(x == INFINITE ? sign | INFINITE : sign);
  }
  if (!y) return float_of(x ? sign | INFINITE : NOT_A_NUMBER);
  if (!x) return float_of(sign);
  int ex, ey;
  WORK sx = unpack(x, &ex), sy = unpack(y, &ey);
  WORK s = work_divide(sx, sy);
  int e = ex - ey + BIAS;
  if (!(s & TOP)) {
    s <<= 1;
    e--;
  }
  return round_and_pack(sign, e, s);
}

/* ---- comparison ---- */

/* -1, 0, 1; what is given where the two can't be compared. */
static inline int compare(FLOAT a, FLOAT b, int unordered) {
  BITS p = bits_of(a), q = bits_of(b), x = p & ~SIGN, y = q & ~SIGN;
  if (x > INFINITE || y > INFINITE) return unordered;
  if (p == q || !(x | y)) return 0;
  int below = (p ^ q) & SIGN ? (p & SIGN) != 0 : (x < y) != ((p & SIGN) != 0);
  return below ? -1 : 1;
}

int NAME(__eq, 2)(FLOAT a, FLOAT b) {
  BITS x = magnitude_of(a), y = magnitude_of(b);
  return x > INFINITE || y > INFINITE || (bits_of(a) != bits_of(b) && (x | y));
}
int NAME(__ne, 2)(FLOAT a, FLOAT b) { return NAME(__eq, 2)(a, b); }
int NAME(__lt, 2)(FLOAT a, FLOAT b) { return compare(a, b, 1); }
int NAME(__le, 2)(FLOAT a, FLOAT b) { return compare(a, b, 1); }
int NAME(__gt, 2)(FLOAT a, FLOAT b) { return compare(a, b, -1); }
int NAME(__ge, 2)(FLOAT a, FLOAT b) { return compare(a, b, -1); }
int NAME(__unord, 2)(FLOAT a, FLOAT b) { return magnitude_of(a) > INFINITE || magnitude_of(b) > INFINITE; }

/* ---- integers ---- */

/* Numbers that don't fit become the nearest one that does; a not-a-number is taken for an infinity. */
#define FIX_SIGNED(name, type, unsigned_type, width)                                                                   \
  type NAME(__fix, name)(FLOAT a) {                                                                                    \
    int e = (int)(magnitude_of(a) >> FRACTION) - BIAS, negative = (bits_of(a) & SIGN) != 0;                            \
    if (e < 0) return 0;                                                                                               \
    unsigned_type n = (unsigned_type)1 << (width - 1);                                                                 \
    if (e >= width - 1) return (type)(negative ? n : n - 1);                                                           \
    n = (unsigned_type)TRUNCATED(a, e, width);                                                                         \
    return (type)(negative ? 0 - n : n);                                                                               \
  }
#define FIX_UNSIGNED(name, type, width)                                                                                \
  type NAME(__fixuns, name)(FLOAT a) {                                                                                 \
    int e = (int)(magnitude_of(a) >> FRACTION) - BIAS;                                                                 \
    if (e < 0 || (bits_of(a) & SIGN)) return 0;                                                                        \
    if (e >= width) return (type)-1;                                                                                   \
    return (type)TRUNCATED(a, e, width);                                                                               \
  }
/* The whole part of |a| in [1, 2^width), given its binary exponent. */
#if WORK_BITS == 64
#define TRUNCATED(a, e, width)                                                                                         \
  (width <= 64 || e < 64 ? (ti_unsigned)(significand(a) >> (63 - (e & 63))) : (ti_unsigned)significand(a) << (e - 63))
#else
#define TRUNCATED(a, e, width) (significand(a) >> (127 - e))
#endif
static inline WORK significand(FLOAT a) { return (WORK)magnitude_of(a) << SPARE | TOP; }

FIX_SIGNED(si, int32_t, uint32_t, 32)
FIX_SIGNED(di, int64_t, uint64_t, 64)
FIX_SIGNED(ti, ti_signed, ti_unsigned, 128)
FIX_UNSIGNED(si, uint32_t, 32)
FIX_UNSIGNED(di, uint64_t, 64)
FIX_UNSIGNED(ti, ti_unsigned, 128)

static inline FLOAT from_word(BITS sign, uint64_t n) {
  if (!n) return 0;
  int zeros = __builtin_clzll(n);
  return round_and_pack(sign, BIAS + 63 - zeros, (WORK)(n << zeros) << (WORK_BITS - 64));
}

static inline FLOAT from_two_words(BITS sign, ti_unsigned n) {
  if (!HIGH(n)) return from_word(sign, LOW(n));
  int zeros = __builtin_clzll(HIGH(n));
  n <<= zeros;
#if WORK_BITS == 64
  return round_and_pack(sign, BIAS + 127 - zeros, HIGH(n) | (LOW(n) != 0));
#else
  return round_and_pack(sign, BIAS + 127 - zeros, n);
#endif
}

#define SIGN_IF(negative) ((BITS)(negative) << (EXPONENT + FRACTION))
FLOAT NAME(__floatsi, )(int32_t n) { return from_word(SIGN_IF(n < 0), n < 0 ? 0 - (uint64_t)n : (uint64_t)n); }
FLOAT NAME(__floatdi, )(int64_t n) { return from_word(SIGN_IF(n < 0), n < 0 ? 0 - (uint64_t)n : (uint64_t)n); }
FLOAT NAME(__floatti, )(ti_signed n) {
  return from_two_words(SIGN_IF(n < 0), n < 0 ? 0 - (ti_unsigned)n : (ti_unsigned)n);
}
FLOAT NAME(__floatunsi, )(uint32_t n) { return from_word(0, n); }
FLOAT NAME(__floatundi, )(uint64_t n) { return from_word(0, n); }
FLOAT NAME(__floatunti, )(ti_unsigned n) { return from_two_words(0, n); }

/* x^n by squaring, as __builtin_powi has it. */
FLOAT NAME(__powi, 2)(FLOAT x, int n) {
  FLOAT power = 1;
  for (unsigned rest = n < 0 ? 0 - (unsigned)n : (unsigned)n;; x *= x) {
    if (rest & 1) power *= x;
    if (!(rest >>= 1)) break;
  }
  return n < 0 ? 1 / power : power;
}
