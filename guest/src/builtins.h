/* What the compiler's run-time functions share. Their names and types are those of libgcc. */
#ifndef JAVM_BUILTINS_H
#define JAVM_BUILTINS_H

#include <stddef.h>
#include <stdint.h>

__extension__ typedef __int128 ti_signed;
__extension__ typedef unsigned __int128 ti_unsigned;

/* Gives a function a name that C could not define. */
#define NAMED(name) __asm__(name)

#define HIGH(x) ((uint64_t)((x) >> 64))
#define LOW(x) ((uint64_t)(x))

/* (high:low) / d for high < d and d with its top bit set: Knuth's algorithm D with two digits of 32 bits. */
static inline uint64_t jv_divide_2_by_1(uint64_t high, uint64_t low, uint64_t d, uint64_t *remainder) {
  uint64_t d1 = d >> 32, d0 = (uint32_t)d, quotient = 0;
  for (int digit = 1; digit >= 0; digit--) {
    uint64_t next = digit ? low >> 32 : (uint32_t)low;
    uint64_t q = high / d1, r = high - q * d1;
    while (q >> 32 || q * d0 > (r << 32 | next)) {
      q--;
      r += d1;
      if (r >> 32) break;
    }
    high = (high << 32 | next) - q * d;
    quotient = quotient << 32 | q;
  }
  *remainder = high;
  return quotient;
}

#endif
