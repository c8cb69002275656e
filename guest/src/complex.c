/*
 * Products and quotients of complex numbers, which the compiler calls where the plain formula gives not-a-numbers: with
 * the infinities that C11, annex G, asks for.
 */
#define IS_NAN(x) ((x) != (x))
#define IS_INFINITE(x) __builtin_isinf(x)
#define IS_FINITE(x) __builtin_isfinite(x)
#define WITH_SIGN(x, sign) (__builtin_signbit(sign) ? -(x) : (x))
#define UNIT(x) WITH_SIGN(IS_INFINITE(x) ? 1.0f : 0.0f, x) /* an infinity becomes 1, all else 0 */
#define NO_NAN(x) (IS_NAN(x) ? WITH_SIGN(0.0f, x) : (x))   /* a not-a-number becomes 0 */
#define INFINITE __builtin_inff()

#define MULTIPLY(name, type)                                                                                           \
  _Complex type name(type a, type b, type c, type d) {                                                                 \
    type ac = a * c, bd = b * d, ad = a * d, bc = b * c, x = ac - bd, y = ad + bc;                                     \
    if (IS_NAN(x) && IS_NAN(y)) {                                                                                      \
      int again = 0;                                                                                                   \
      if (IS_INFINITE(a) || IS_INFINITE(b)) {                                                                          \
        a = UNIT(a), b = UNIT(b), c = NO_NAN(c), d = NO_NAN(d);                                                        \
        again = 1;                                                                                                     \
      }                                                                                                                \
      if (IS_INFINITE(c) || IS_INFINITE(d)) {                                                                          \
        c = UNIT(c), d = UNIT(d), a = NO_NAN(a), b = NO_NAN(b);                                                        \
        again = 1;                                                                                                     \
      }                                                                                                                \
      if (!again && (IS_INFINITE(ac) || IS_INFINITE(bd) || IS_INFINITE(ad) || IS_INFINITE(bc))) {                      \
        a = NO_NAN(a), b = NO_NAN(b), c = NO_NAN(c), d = NO_NAN(d);                                                    \
        again = 1;                                                                                                     \
      }                                                                                                                \
      if (again) {                                                                                                     \
        x = INFINITE * (a * c - b * d);                                                                                \
        y = INFINITE * (a * d + b * c);                                                                                \
      }                                                                                                                \
    }                                                                                                                  \
    _Complex type result;                                                                                              \
    __real__ result = x;                                                                                               \
    __imag__ result = y;                                                                                               \
    return result;                                                                                                     \
  }

/* Smith's quotient, which overflows where the result does only. */
#define QUOTIENT(type, absolute)                                                                                       \
  if (absolute(c) < absolute(d)) {                                                                                     \
    type ratio = c / d, divisor = c * ratio + d;                                                                       \
    x = (a * ratio + b) / divisor;                                                                                     \
    y = (b * ratio - a) / divisor;                                                                                     \
  } else {                                                                                                             \
    type ratio = d / c, divisor = d * ratio + c;                                                                       \
    x = (b * ratio + a) / divisor;                                                                                     \
    y = (b - a * ratio) / divisor;                                                                                     \
  }
/* That of floats, computed as double. */
#define WIDE_QUOTIENT                                                                                                  \
  double divisor = (double)c * c + (double)d * d;                                                                      \
  x = (float)(((double)a * c + (double)b * d) / divisor);                                                              \
  y = (float)(((double)b * c - (double)a * d) / divisor);

#define DIVIDE(name, type, quotient)                                                                                   \
  _Complex type name(type a, type b, type c, type d) {                                                                 \
    type x, y;                                                                                                         \
    quotient if (IS_NAN(x) && IS_NAN(y)) {                                                                             \
      if (c == 0 && d == 0 && (!IS_NAN(a) || !IS_NAN(b))) {                                                            \
        x = WITH_SIGN(INFINITE, c) * a;                                                                                \
        y = WITH_SIGN(INFINITE, c) * b;                                                                                \
      } else if ((IS_INFINITE(a) || IS_INFINITE(b)) && IS_FINITE(c) && IS_FINITE(d)) {                                 \
        a = UNIT(a), b = UNIT(b);                                                                                      \
        x = INFINITE * (a * c + b * d);                                                                                \
        y = INFINITE * (b * c - a * d);                                                                                \
      } else if ((IS_INFINITE(c) || IS_INFINITE(d)) && IS_FINITE(a) && IS_FINITE(b)) {                                 \
        c = UNIT(c), d = UNIT(d);                                                                                      \
        x = 0 * (a * c + b * d);                                                                                       \
        y = 0 * (b * c - a * d);                                                                                       \
      }                                                                                                                \
    }                                                                                                                  \
    _Complex type result;                                                                                              \
    __real__ result = x;                                                                                               \
    __imag__ result = y;                                                                                               \
    return result;                                                                                                     \
  }

MULTIPLY(__mulsc3, float)
MULTIPLY(__muldc3, double)
MULTIPLY(__multc3, long double)
DIVIDE(__divsc3, float, WIDE_QUOTIENT)
DIVIDE(__divdc3, double, QUOTIENT(double, __builtin_fabs))
DIVIDE(__divtc3, long double, QUOTIENT(long double, __builtin_fabsl))
