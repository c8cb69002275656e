/*
 * memcpy, memmove, memset and memcmp, which clang calls in any program. Eight bytes at a time: the machine has no
 * alignment rule. The last bytes are moved by an access that overlaps what is done already. Built with -fno-builtin, or
 * these loops would become calls of themselves.
 */
#include <stddef.h>
#include <stdint.h>

typedef uint64_t word __attribute__((aligned(1), may_alias));
typedef uint32_t half __attribute__((aligned(1), may_alias));
typedef uint16_t quarter __attribute__((aligned(1), may_alias));

#define AT(type, p, offset) (*(type *)((p) + (offset)))

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);

static inline void copy_two(char *to, const char *from) {
  word first = AT(const word, from, 0), second = AT(const word, from, 8);
  AT(word, to, 0) = first;
  AT(word, to, 8) = second;
}

/* Up to 16 bytes, in any overlap: all is loaded before anything is stored. */
static inline void copy_small(char *to, const char *from, size_t n) {
  if (n >= 8) {
    word first = AT(const word, from, 0), last = AT(const word, from, n - 8);
    AT(word, to, 0) = first;
    AT(word, to, n - 8) = last;
  } else if (n >= 4) {
    half first = AT(const half, from, 0), last = AT(const half, from, n - 4);
    AT(half, to, 0) = first;
    AT(half, to, n - 4) = last;
  } else if (n >= 2) {
    quarter first = AT(const quarter, from, 0), last = AT(const quarter, from, n - 2);
    AT(quarter, to, 0) = first;
    AT(quarter, to, n - 2) = last;
  } else if (n) {
    *to = *from;
  }
}

void *memcpy(void *to, const void *from, size_t n) {
  if (n <= 16) {
    copy_small(to, from, n);
    return to;
  }
  char *p = to;
  const char *q = from;
  char *end = p + n;
  const char *from_end = q + n;
  for (; n > 32; n -= 32, q += 32, p += 32) {
    copy_two(p, q);
    copy_two(p + 16, q + 16);
  }
  if (n > 16) copy_two(p, q);
  copy_two(end - 16, from_end - 16);
  return to;
}

/* The end that is written last is loaded first: it may be overwritten on the way. */
void *memmove(void *to, const void *from, size_t n) {
  char *p = to;
  const char *q = from;
  if (n <= 16) {
    copy_small(p, q, n);
  } else if ((uintptr_t)p - (uintptr_t)q >= n) {
    word last0 = AT(const word, q, n - 16), last1 = AT(const word, q, n - 8);
    char *end = p + n;
    for (; n > 32; n -= 32, q += 32, p += 32) {
      copy_two(p, q);
      copy_two(p + 16, q + 16);
    }
    if (n > 16) copy_two(p, q);
    AT(word, end, -16) = last0;
    AT(word, end, -8) = last1;
  } else {
    word first0 = AT(const word, q, 0), first1 = AT(const word, q, 8);
    for (; n > 32; n -= 32) {
      copy_two(p + n - 16, q + n - 16);
      copy_two(p + n - 32, q + n - 32);
    }
    if (n > 16) copy_two(p + n - 16, q + n - 16);
    AT(word, p, 0) = first0;
    AT(word, p, 8) = first1;
  }
  return to;
}

void *memset(void *to, int value, size_t n) {
  char *p = to;
  word w = (uint8_t)value * 0x0101010101010101u;
  if (n < 8) {
    if (n >= 4) AT(half, p, 0) = (half)w, AT(half, p, n - 4) = (half)w;
    else if (n >= 2) AT(quarter, p, 0) = (quarter)w, AT(quarter, p, n - 2) = (quarter)w;
    else if (n) *p = (char)w;
    return to;
  }
  char *last = p + n - 8;
  while (n > 32) {
    AT(word, p, 0) = w;
    AT(word, p, 8) = w;
    AT(word, p, 16) = w;
    AT(word, p, 24) = w;
    p += 32;
    n -= 32;
  }
  while (p < last) {
    AT(word, p, 0) = w;
    p += 8;
  }
  AT(word, last, 0) = w;
  return to;
}

static inline int order(uint64_t a, uint64_t b) {
  a = __builtin_bswap64(a);
  b = __builtin_bswap64(b);
  return (a > b) - (a < b);
}

int memcmp(const void *a, const void *b, size_t n) {
  const char *p = a, *q = b;
  if (n >= 8) {
    for (size_t i = 0; i < n - 8; i += 8)
      if (AT(const word, p, i) != AT(const word, q, i)) return order(AT(const word, p, i), AT(const word, q, i));
    return order(AT(const word, p, n - 8), AT(const word, q, n - 8));
  }
  for (size_t i = 0; i < n; i++)
    if (p[i] != q[i]) return (uint8_t)p[i] - (uint8_t)q[i];
  return 0;
}
