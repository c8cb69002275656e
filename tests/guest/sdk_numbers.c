/*
 * The run-time functions of the SDK (guest/src) against another compiler's: 128-bit integers, soft float, memory.
 * Prints a checksum for each function over random and special operands; built natively, where the processor and libgcc
 * do the same, it must print the same. With an argument NAME (natively) or -DONLY="NAME" it also prints each result of
 * that group.
 */
#include <stddef.h>
#include <stdint.h>

#include "sdk_print.h"

#ifdef __riscv
typedef long double quad;
#else
__extension__ typedef __float128 quad;
#endif
__extension__ typedef __int128 ti;
__extension__ typedef unsigned __int128 uti;

#ifndef ROUNDS
#define ROUNDS 20000
#endif

static uint64_t state = 88172645463325252u;
static uint64_t random64(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

/* Integers of all magnitudes. */
static uint64_t random_integer(void) {
  uint64_t r = random64(), shape = random64();
  switch (shape % 8) {
    case 0: return r;
    case 1: return r >> (shape >> 8) % 64;
    case 2: return (uint64_t)1 << (shape >> 8) % 64;
    case 3: return ((uint64_t)1 << (shape >> 8) % 64) - 1;
    case 4: return 0 - (r >> (shape >> 8) % 64);
    case 5: return (r >> 60) - 8;
    case 6: return (shape >> 8) % 2 ? 0x8000000000000000u : 0x7fffffffffffffffu;
    default: return r & random64();
  }
}
static uti random_wide(void) {
  uint64_t low = random_integer(), high = random_integer(), shape = random64();
  switch (shape % 4) {
    case 0: return low;
    case 1: return (uti)(ti)(int64_t)low;
    default: return (uti)high << 64 | low;
  }
}

/* The bits of a float with that many bits of exponent and fraction: special values, neighbours of powers of two,
 * random. */
static uti random_float_bits(unsigned exponent_bits, unsigned fraction_bits, uint64_t *last_exponent) {
  uint64_t shape = random64(), top = ((uint64_t)1 << exponent_bits) - 1;
  uint64_t exponent = random64() & top;
  uint64_t high = random64(), low = random64();
  uti fraction = ((uti)high << 64 | low) & (((uti)1 << fraction_bits) - 1);
  switch (shape >> 8 & 7) {
    case 0: exponent = 0; break;
    case 1: exponent = top - (shape >> 16 & 1); break;
    case 2: exponent = (top >> 1) + (shape >> 16 & 127) - 32; break;
    case 3:
    case 4: exponent = *last_exponent + (shape >> 16 & 127) - 64; break; /* so that sums meet */
    default: break;
  }
  exponent &= top;
  *last_exponent = exponent;
  switch (shape >> 12 & 7) {
    case 0: fraction = 0; break;
    case 1: fraction = ((uti)1 << fraction_bits) - 1; break;
    case 2: fraction &= ((uti)1 << (shape >> 24) % fraction_bits) - 1; break;
    case 3: fraction &= ~(((uti)1 << (shape >> 24) % fraction_bits) - 1); break;
    case 4: fraction = (uti)1 << (shape >> 24) % fraction_bits; break;
    default: break;
  }
  return (uti)(shape & 1) << (exponent_bits + fraction_bits) | (uti)exponent << fraction_bits | fraction;
}

static uint64_t exponent_sf, exponent_df, exponent_tf;
static float random_sf(void) {
  uint32_t bits = (uint32_t)random_float_bits(8, 23, &exponent_sf);
  float f;
  __builtin_memcpy(&f, &bits, sizeof f);
  return f;
}
static double random_df(void) {
  uint64_t bits = (uint64_t)random_float_bits(11, 52, &exponent_df);
  double f;
  __builtin_memcpy(&f, &bits, sizeof f);
  return f;
}
static quad random_tf(void) {
  uti bits = random_float_bits(15, 112, &exponent_tf);
  quad f;
  __builtin_memcpy(&f, &bits, sizeof f);
  return f;
}

/* All not-a-numbers count as one: which one it is differs from machine to machine. */
static uti bits_sf(float f) {
  uint32_t bits = 0x7fc00000;
  if (f == f) __builtin_memcpy(&bits, &f, sizeof f);
  return bits;
}
static uti bits_df(double f) {
  uint64_t bits = 0x7ff8000000000000;
  if (f == f) __builtin_memcpy(&bits, &f, sizeof f);
  return bits;
}
static uti bits_tf(quad f) {
  uti bits = 1;
  if (f == f) __builtin_memcpy(&bits, &f, sizeof f);
  return bits;
}

static uint64_t checksum;
static const char *only;
static void take(uti bits) {
  checksum = (checksum ^ (uint64_t)bits) * 0x100000001b3u;
  checksum = (checksum ^ (uint64_t)(bits >> 64)) * 0x9e3779b97f4a7c15u;
  checksum ^= checksum >> 29;
  if (only) print_hex((uint64_t)(bits >> 64)), print_hex((uint64_t)bits), print("\n");
}

/* Runs a block, which calls take, ROUNDS times; `name` begins a line of the output. */
#define GROUP(name, ...)                                                                                               \
  do {                                                                                                                 \
    state = 88172645463325252u;                                                                                        \
    checksum = 0;                                                                                                      \
    exponent_sf = exponent_df = exponent_tf = 0;                                                                       \
    if (only && !is_same(only, name)) break;                                                                           \
    for (int i = 0; i < ROUNDS; i++) __VA_ARGS__;                                                                      \
    print(name " ");                                                                                                   \
    print_hex(checksum);                                                                                               \
    print("\n");                                                                                                       \
  } while (0)

static int is_same(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

static void integers(void) {
#define TI2(name, expression)                                                                                          \
  GROUP(name, {                                                                                                        \
    uti a = random_wide(), b = random_wide();                                                                          \
    take((uti)(expression));                                                                                           \
  })
  TI2("udivti3", b ? a / b : 0);
  TI2("umodti3", b ? a % b : 0);
  TI2("divti3", b && !(a == (uti)1 << 127 && b == ~(uti)0) ? (ti)a / (ti)b : 0);
  TI2("modti3", b && !(a == (uti)1 << 127 && b == ~(uti)0) ? (ti)a % (ti)b : 0);
  TI2("multi3", a * b);
  TI2("ashlti3", a << (b & 127));
  TI2("lshrti3", a >> (b & 127));
  TI2("ashrti3", (ti)a >> (b & 127));
  GROUP("muloti4", {
    ti a = (ti)random_wide(), b = (ti)random_wide(), r;
    a >>= random64() & 127;
    b >>= random64() & 127;
    take((uti)__builtin_mul_overflow(a, b, &r));
    take((uti)r);
  });
  GROUP("overflow", {
    uti a = random_wide(), b = random_wide(), r;
    a >>= random64() & 127;
    b >>= random64() & 127;
    take((uti)__builtin_mul_overflow(a, b, &r));
    take(r);
  });
}

/* Arithmetic, comparisons, conversions of one float type. Conversions to integers are made where they are
 * defined; the last limit is the largest float. */
#define FLOATS(xf, type)                                                                                               \
  static void floats_##xf(void) {                                                                                      \
    GROUP("add" #xf, {                                                                                                 \
      type a = random_##xf(), b = random_##xf();                                                                       \
      take(bits_##xf(a + b));                                                                                          \
    });                                                                                                                \
    GROUP("sub" #xf, {                                                                                                 \
      type a = random_##xf(), b = random_##xf();                                                                       \
      take(bits_##xf(a - b));                                                                                          \
    });                                                                                                                \
    GROUP("mul" #xf, {                                                                                                 \
      type a = random_##xf(), b = random_##xf();                                                                       \
      take(bits_##xf(a *b));                                                                                           \
    });                                                                                                                \
    GROUP("div" #xf, {                                                                                                 \
      type a = random_##xf(), b = random_##xf();                                                                       \
      take(bits_##xf(a / b));                                                                                          \
    });                                                                                                                \
    GROUP("neg" #xf, { take(bits_##xf(-random_##xf())); });                                                            \
    GROUP("compare" #xf, {                                                                                             \
      type a = random_##xf(), b = i % 4 ? random_##xf() : i % 8 ? -a : a;                                              \
      take((uti)((a < b) + (a <= b) * 2 + (a == b) * 4 + (a != b) * 8 + (a > b) * 16 + (a >= b) * 32));                \
      take((uti)(__builtin_isunordered(a, b) + (a < b || a > b ? 2 : 0) + (a != b && !(a < b) ? 4 : 0)));              \
    });                                                                                                                \
    GROUP("fix" #xf, {                                                                                                 \
      type a = random_##xf();                                                                                          \
      if (a > -(type)0x1p31 && a < (type)0x1p31) take((uti)(int32_t)a);                                                \
      if (a > -(type)0x1p63 && a < (type)0x1p63) take((uti)(int64_t)a);                                                \
      if (a > -(type)0x1p127 && a < (type)0x1p127) take((uti)(ti)a);                                                   \
      if (a > -(type)1 && a < (type)0x1p32) take((uint32_t)a);                                                         \
      if (a > -(type)1 && a < (type)0x1p64) take((uint64_t)a);                                                         \
      if (a > -(type)1 && a <= (type)0x1.fffffep127) take((uti)a);                                                     \
    });                                                                                                                \
    GROUP("float" #xf, {                                                                                               \
      uint64_t a = random_integer();                                                                                   \
      uti b = random_wide();                                                                                           \
      take(bits_##xf((type)(int32_t)a));                                                                               \
      take(bits_##xf((type)(uint32_t)a));                                                                              \
      take(bits_##xf((type)(int64_t)a));                                                                               \
      take(bits_##xf((type)a));                                                                                        \
      take(bits_##xf((type)(ti)b));                                                                                    \
      take(bits_##xf((type)b));                                                                                        \
    });                                                                                                                \
  }
FLOATS(sf, float)
FLOATS(df, double)
FLOATS(tf, quad)

static void widths(void) {
  GROUP("extendsfdf2", take(bits_df(random_sf())));
  GROUP("extendsftf2", take(bits_tf(random_sf())));
  GROUP("extenddftf2", take(bits_tf(random_df())));
  GROUP("truncdfsf2", {
    float f = random_sf(); /* in the float's range, with more bits */
    double d = random_df();
    take(bits_sf((float)d));
    take(bits_sf((float)((double)f * (1 + 1e-9 * (double)(random64() & 63)))));
  });
  GROUP("trunctfsf2", {
    take(bits_sf((float)random_tf()));
    quad near = random_sf();
    take(bits_sf((float)(near + (quad)random_sf() / 16777216)));
  });
  GROUP("trunctfdf2", {
    take(bits_df((double)random_tf()));
    quad near = random_df();
    take(bits_df((double)(near + (quad)random_df() / 9007199254740992)));
  });
  GROUP("powidf2", {
    double x = 1 + (double)(random64() >> 40) / 1e9;
    take(bits_df(__builtin_powi(x, (int)(random64() & 255) - 128)));
  });
}

/* Complex numbers of special values, where all of C11's annex G comes into play, and products of any. */
static double special(unsigned shape) {
  static const double values[8] = {0, -0.0, 1, -1, __builtin_inf(), -__builtin_inf(), __builtin_nan(""), 0.5};
  return values[shape & 7];
}
static void complex_numbers(void) {
#define TAKE_COMPLEX(bits, z) take(bits(__real__(z))), take(bits(__imag__(z)))
#define COMPLEX(name, type, bits, operation)                                                                           \
  GROUP(name, {                                                                                                        \
    unsigned shape = (unsigned)i;                                                                                      \
    _Complex type a, b;                                                                                                \
    __real__ a = (type)special(shape), __imag__ a = (type)special(shape >> 3);                                         \
    __real__ b = (type)special(shape >> 6), __imag__ b = (type)special(shape >> 9);                                    \
    TAKE_COMPLEX(bits, a operation b);                                                                                 \
  })
  COMPLEX("mulsc3", float, bits_sf, *);
  COMPLEX("divsc3", float, bits_sf, /);
  COMPLEX("muldc3", double, bits_df, *);
  COMPLEX("divdc3", double, bits_df, /);
  GROUP("muldc3 of any", {
    _Complex double a, b;
    __real__ a = random_df(), __imag__ a = random_df();
    __real__ b = random_df(), __imag__ b = random_df();
    TAKE_COMPLEX(bits_df, a * b);
  });
}

/* memcpy and the like at all small lengths and offsets, overlapping, and against plain loops. */
static uint8_t area[400], mirror[400];
static void fill(void) {
  for (size_t i = 0; i < sizeof area; i++) area[i] = mirror[i] = (uint8_t)random64();
}
static void check_area(void) {
  uti sum = 0;
  for (size_t i = 0; i < sizeof area; i++) sum = sum * 31 + (uti)(area[i] ^ mirror[i]) * 65537 + area[i];
  take(sum);
}
static void memory(void) {
  void *volatile to;
  void *volatile from;
  volatile size_t n;
  GROUP("memmove", {
    if (i % 64 == 0) fill();
    size_t a = random64() % 100;
    size_t b = random64() % 100;
    n = random64() % (i % 3 ? 40 : 300);
    to = area + a, from = area + b;
    __builtin_memmove(to, from, n);
    if (a < b)
      for (size_t k = 0; k < n; k++) mirror[a + k] = mirror[b + k];
    else
      for (size_t k = n; k--;) mirror[a + k] = mirror[b + k];
    check_area();
  });
  GROUP("memcpy", {
    if (i % 64 == 0) fill();
    size_t a = random64() % 50;
    size_t b = 200 + random64() % 50;
    n = random64() % (i % 3 ? 40 : 150);
    to = area + a, from = area + b;
    take(__builtin_memcpy(to, from, n) == to);
    for (size_t k = 0; k < n; k++) mirror[a + k] = mirror[b + k];
    check_area();
  });
  GROUP("memset", {
    if (i % 64 == 0) fill();
    size_t a = random64() % 50;
    int value = (int)(random64() & 0x3ff);
    n = random64() % (i % 3 ? 40 : 300);
    to = area + a;
    take(__builtin_memset(to, value, n) == to);
    for (size_t k = 0; k < n; k++) mirror[a + k] = (uint8_t)value;
    check_area();
  });
  GROUP("memcmp", {
    if (i % 64 == 0) fill();
    n = random64() % (i % 3 ? 40 : 300);
    size_t a = random64() % 100;
    size_t at = random64() % 300;
    area[at] = (uint8_t)(area[at] + (random64() & 1));
    to = area + a, from = mirror + a;
    int result = __builtin_memcmp(to, from, n);
    take((uti)((result > 0) - (result < 0) + 1));
    mirror[at] = area[at];
  });
}

int main(int argc, char **argv) {
#ifdef ONLY
  only = ONLY;
#endif
  if (argc > 1) only = argv[1];
  integers();
  memory();
  floats_sf();
  floats_df();
  floats_tf();
  widths();
  complex_numbers();
  return 0;
}
