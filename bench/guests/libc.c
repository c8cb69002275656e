/*
 * What clang calls and the packaged libraries use of a libc, for WebAssembly and RISC-V Linux. Compiled with -fno-builtin, or
 * the loops would become calls of the functions that they are in.
 */
#include <stdint.h>
#include <string.h>

enum { WORD = sizeof(uint64_t) };

static void copy_word(uint8_t *to, const uint8_t *from) {
  uint64_t word;
  __builtin_memcpy(&word, from, WORD);
  __builtin_memcpy(to, &word, WORD);
}

/* Right also if the bytes overlap and `to` is before `from`. */
static void copy_upwards(uint8_t *to, const uint8_t *from, size_t size) {
  for (; size >= WORD; size -= WORD, to += WORD, from += WORD) copy_word(to, from);
  for (; size > 0; size--) *to++ = *from++;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  copy_upwards(to, from, size);
  return to;
}

void *memmove(void *to, const void *from, size_t size) {
  uint8_t *t = to;
  const uint8_t *f = from;
  if ((uintptr_t)t - (uintptr_t)f >= size) {
    copy_upwards(t, f, size);
    return to;
  }
  for (; size >= WORD; size -= WORD) copy_word(t + size - WORD, f + size - WORD);
  for (; size > 0; size--) t[size - 1] = f[size - 1];
  return to;
}

void *memset(void *bytes, int value, size_t size) {
  uint8_t *t = bytes;
  uint64_t word = (uint8_t)value * UINT64_C(0x0101010101010101);
  for (; size >= WORD; size -= WORD, t += WORD) __builtin_memcpy(t, &word, WORD);
  for (; size > 0; size--) *t++ = (uint8_t)value;
  return bytes;
}
