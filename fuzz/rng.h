/* A small deterministic generator of numbers (splitmix64). */
#ifndef FUZZ_RNG_H
#define FUZZ_RNG_H

#include <stdbool.h>
#include <stdint.h>

typedef struct rng {
  uint64_t state;
} rng;

static inline uint64_t rng_next(rng *r) {
  uint64_t z = r->state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

/* 0 .. n - 1; n not 0. */
static inline uint32_t rng_below(rng *r, uint32_t n) { return (uint32_t)((rng_next(r) >> 32) * n >> 32); }
/* True once in n times. */
static inline bool rng_once_in(rng *r, uint32_t n) { return rng_below(r, n) == 0; }

/* Numbers at which arithmetic goes wrong. */
static inline uint64_t rng_edge(rng *r) {
  static const uint64_t edges[] = {0,
                                   1,
                                   2,
                                   7,
                                   8,
                                   31,
                                   32,
                                   63,
                                   64,
                                   0x7f,
                                   0x80,
                                   0xff,
                                   0x7fff,
                                   0x8000,
                                   0xffff,
                                   0x10000,
                                   0x7fffffff,
                                   0x80000000,
                                   0xffffffff,
                                   0x100000000,
                                   0x7fffffffffffffff,
                                   0x8000000000000000,
                                   0xffffffff80000000,
                                   0xffffffff7fffffff};
  uint64_t v = edges[rng_below(r, sizeof edges / sizeof edges[0])];
  switch (rng_below(r, 8)) {
    case 0: return ~v;
    case 1: return v + rng_below(r, 9) - 4;
    case 2: return rng_next(r);
    case 3: return rng_next(r) >> rng_below(r, 64);
    case 4: return 0 - v;
    default: return v;
  }
}

#endif
