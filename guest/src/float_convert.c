/* Soft float: from one format to another. Half precision is there for storage only, as the compiler uses it. */
#include "builtins.h"

typedef uint16_t hf_bits;
typedef uint32_t sf_bits;
typedef uint64_t df_bits;
typedef ti_unsigned tf_bits;

/* To a wider format: exact. */
#define EXTEND(name, from, from_bits, from_exponent, from_fraction, to, to_bits, to_exponent, to_fraction)             \
  to name(from a) {                                                                                                    \
    from_bits bits;                                                                                                    \
    __builtin_memcpy(&bits, &a, sizeof bits);                                                                          \
    const int top = (1 << from_exponent) - 1, to_top = (1 << to_exponent) - 1, more = to_fraction - from_fraction;     \
    int e = (int)(bits >> from_fraction) & top;                                                                        \
    to_bits sign = (to_bits)(bits >> (from_exponent + from_fraction)) << (to_exponent + to_fraction);                  \
    to_bits s = (to_bits)(bits & (((from_bits)1 << from_fraction) - 1)) << more;                                       \
    to_bits result;                                                                                                    \
    if (e == top) {                                                                                                    \
      result = s ? (to_bits)to_top << to_fraction | (to_bits)1 << (to_fraction - 1)                                    \
                 : sign | (to_bits)to_top << to_fraction;                                                              \
    } else {                                                                                                           \
      if (!e && s) { /* a subnormal number becomes a normal one */                                                     \
        int n = __builtin_clzll((uint64_t)(s >> more)) - (63 - from_fraction);                                         \
        s = (s << n) & (((to_bits)1 << to_fraction) - 1);                                                              \
        e = 1 - n;                                                                                                     \
        s |= (to_bits)(e + (to_top >> 1) - (top >> 1)) << to_fraction;                                                 \
      } else if (e) {                                                                                                  \
        s |= (to_bits)(e + (to_top >> 1) - (top >> 1)) << to_fraction;                                                 \
      }                                                                                                                \
      result = sign | s;                                                                                               \
    }                                                                                                                  \
    to x;                                                                                                              \
    __builtin_memcpy(&x, &result, sizeof x);                                                                           \
    return x;                                                                                                          \
  }

/* To a narrower one: rounds to nearest even. */
#define TRUNCATE(name, from, from_bits, from_exponent, from_fraction, to, to_bits, to_exponent, to_fraction)           \
  to name(from a) {                                                                                                    \
    from_bits bits;                                                                                                    \
    __builtin_memcpy(&bits, &a, sizeof bits);                                                                          \
    const int top = (1 << from_exponent) - 1, to_top = (1 << to_exponent) - 1, less = from_fraction - to_fraction;     \
    const from_bits one = (from_bits)1 << from_fraction;                                                               \
    int e = (int)(bits >> from_fraction) & top;                                                                        \
    to_bits sign = (to_bits)((to_bits)(bits >> (from_exponent + from_fraction)) << (to_exponent + to_fraction));       \
    from_bits s = bits & (one - 1);                                                                                    \
    to_bits result;                                                                                                    \
    int to_e = e - (top >> 1) + (to_top >> 1);                                                                         \
    if (e == top && s) {                                                                                               \
      result = (to_bits)((to_bits)to_top << to_fraction | (to_bits)1 << (to_fraction - 1));                            \
    } else if (to_e >= to_top) {                                                                                       \
      result = (to_bits)(sign | (to_bits)((to_bits)to_top << to_fraction));                                            \
    } else {                                                                                                           \
      if (to_e > 0) {                                                                                                  \
        s |= (from_bits)to_e << from_fraction;                                                                         \
      } else { /* a subnormal number, or nothing of it */                                                              \
        int n = 1 - to_e;                                                                                              \
        if (e) s |= one;                                                                                               \
        s = n <= to_fraction + 2 ? s >> n | ((s & (((from_bits)1 << n) - 1)) != 0) : s != 0;                           \
      }                                                                                                                \
      result = (to_bits)(s >> less);                                                                                   \
      from_bits rest = s & (((from_bits)1 << less) - 1);                                                               \
      result = (to_bits)(sign | (to_bits)(result + (rest + (result & 1) > (from_bits)1 << (less - 1))));               \
    }                                                                                                                  \
    to x;                                                                                                              \
    __builtin_memcpy(&x, &result, sizeof x);                                                                           \
    return x;                                                                                                          \
  }

/* The exponents and fractions of the formats. */
#define HF _Float16, hf_bits, 5, 10
#define SF float, sf_bits, 8, 23
#define DF double, df_bits, 11, 52
#define TF long double, tf_bits, 15, 112
#define CONVERT(macro, ...) macro(__VA_ARGS__)

CONVERT(EXTEND, __extendhfsf2, HF, SF)
CONVERT(EXTEND, __extendhfdf2, HF, DF)
CONVERT(EXTEND, __extendhftf2, HF, TF)
CONVERT(EXTEND, __extendsfdf2, SF, DF)
CONVERT(EXTEND, __extendsftf2, SF, TF)
CONVERT(EXTEND, __extenddftf2, DF, TF)
CONVERT(TRUNCATE, __truncsfhf2, SF, HF)
CONVERT(TRUNCATE, __truncdfhf2, DF, HF)
CONVERT(TRUNCATE, __trunctfhf2, TF, HF)
CONVERT(TRUNCATE, __truncdfsf2, DF, SF)
CONVERT(TRUNCATE, __trunctfsf2, TF, SF)
CONVERT(TRUNCATE, __trunctfdf2, TF, DF)
