/*
 * What soft float is made of, for one IEEE 754 binary format: taking numbers apart, rounding to nearest even and
 * putting them together. Before it is included, these are defined:
 *   FLOAT, BITS             the C type, and the unsigned integer of its size
 *   WORK, WORK_BITS         an unsigned integer to compute in, with room for the significand and some bits more
 *   EXPONENT, FRACTION      the widths of the fields
 *
 * A number in work is (sign, e, s): s has its top bit set and stands for s / 2^(WORK_BITS - 1) * 2^(e - BIAS); e <= 0
 * is the range of subnormal numbers. Every not-a-number that comes out is the quiet one with sign 0, as RISC-V has it.
 */
#include "builtins.h"

#define SIGN ((BITS)1 << (EXPONENT + FRACTION))
#define TOP_EXPONENT ((1 << EXPONENT) - 1)
#define BIAS (TOP_EXPONENT >> 1)
#define INFINITE ((BITS)TOP_EXPONENT << FRACTION)
#define NOT_A_NUMBER (INFINITE | (BITS)1 << (FRACTION - 1))
#define SPARE (WORK_BITS - 1 - FRACTION) /* bits of work below the fraction */
#define TOP ((WORK)1 << (WORK_BITS - 1))

static inline BITS bits_of(FLOAT x) {
  BITS bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline FLOAT float_of(BITS bits) {
  FLOAT x;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}

static inline BITS magnitude_of(FLOAT x) { return bits_of(x) & ~SIGN; }

static inline int leading_zeros(WORK s) {
#if WORK_BITS == 64
  return __builtin_clzll(s);
#else
  return HIGH(s) ? __builtin_clzll(HIGH(s)) : 64 + __builtin_clzll(LOW(s));
#endif
}

/* s >> n, n > 0, with what is lost as a one in the last bit. */
static inline WORK shift_sticky(WORK s, int n) {
  return n < WORK_BITS ? s >> n | ((s << (WORK_BITS - n)) != 0) : (WORK)(s != 0);
}

static inline FLOAT round_and_pack(BITS sign, int e, WORK s) {
  if (e >= TOP_EXPONENT) return float_of(sign | INFINITE);
  if (e <= 0) {
    s = shift_sticky(s, 1 - e);
    e = 1;
  }
  /* The top bit of s adds one to the exponent; so does a carry from rounding. */
  BITS bits = (BITS)(s >> SPARE) + ((BITS)(e - 1) << FRACTION);
  WORK rest = s & (((WORK)1 << SPARE) - 1);
  bits += (rest + (bits & 1)) > (WORK)1 << (SPARE - 1);
  return float_of(sign | bits);
}

/* The significand of a number that is neither zero nor infinite nor not a number. */
static inline WORK unpack(BITS magnitude, int *e) {
  WORK s = (WORK)magnitude << SPARE;
  *e = (int)(magnitude >> FRACTION);
  if (*e) return s | TOP;
  int n = leading_zeros(s);
  *e = 1 - n;
  return s << n;
}
