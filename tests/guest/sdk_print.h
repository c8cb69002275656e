/* Output for the SDK's tests without a libc: to host function 64 as a guest, to stdout natively. */
#ifndef SDK_PRINT_H
#define SDK_PRINT_H

#include <stdint.h>
#ifdef __riscv
#include <javm.h>
#else
#include <stdio.h>
#endif

static inline void print(const char *text) {
#ifdef __riscv
  uint64_t n = 0;
  while (text[n]) n++;
  javm_write(1, text, n);
#else
  fputs(text, stdout);
#endif
}

static inline void print_hex(uint64_t x) {
  char digits[17];
  for (int i = 15; i >= 0; i--, x >>= 4) digits[i] = "0123456789abcdef"[x & 15];
  digits[16] = 0;
  print(digits);
}

#endif
