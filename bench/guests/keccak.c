/* SHA3-256 (FIPS 202) of the n letters abc...xyzabc...; the checksum is the first 8 bytes, little-endian. */
#include "workload.h"

enum { BLOCK = 136, TEXT = 26 * 68 /* a multiple of both the alphabet and the block */ };

static const uint64_t constants[24] = {
    UINT64_C(0x0000000000000001), UINT64_C(0x0000000000008082), UINT64_C(0x800000000000808a),
    UINT64_C(0x8000000080008000), UINT64_C(0x000000000000808b), UINT64_C(0x0000000080000001),
    UINT64_C(0x8000000080008081), UINT64_C(0x8000000000008009), UINT64_C(0x000000000000008a),
    UINT64_C(0x0000000000000088), UINT64_C(0x0000000080008009), UINT64_C(0x000000008000000a),
    UINT64_C(0x000000008000808b), UINT64_C(0x800000000000008b), UINT64_C(0x8000000000008089),
    UINT64_C(0x8000000000008003), UINT64_C(0x8000000000008002), UINT64_C(0x8000000000000080),
    UINT64_C(0x000000000000800a), UINT64_C(0x800000008000000a), UINT64_C(0x8000000080008081),
    UINT64_C(0x8000000000008080), UINT64_C(0x0000000080000001), UINT64_C(0x8000000080008008),
};

static uint64_t rotate(uint64_t value, unsigned bits) { return value << bits | value >> (64 - bits); }

/* The steps, a column or a row at a time and written out: compilers differ in what they unroll. */
#define PARITY(x) c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20]
#define THETA(x, left, right)                                                                                          \
  d = c[left] ^ rotate(c[right], 1), a[x] ^= d, a[x + 5] ^= d, a[x + 10] ^= d, a[x + 15] ^= d, a[x + 20] ^= d
/* Rho and pi: lane `to` takes what the last one held, rotated. */
#define MOVE(to, bits) next = a[to], a[to] = rotate(moving, bits), moving = next
#define CHI(y)                                                                                                         \
  c[0] = a[y], c[1] = a[y + 1], a[y] ^= ~a[y + 1] & a[y + 2], a[y + 1] ^= ~a[y + 2] & a[y + 3],                        \
  a[y + 2] ^= ~a[y + 3] & a[y + 4], a[y + 3] ^= ~a[y + 4] & c[0], a[y + 4] ^= ~c[0] & c[1]

/* The permutation keccak-f[1600] of lanes a[x + 5 * y]. */
static void permute(uint64_t a[25]) {
  for (unsigned round = 0; round < 24; round++) {
    uint64_t c[5], d, moving, next;
    PARITY(0), PARITY(1), PARITY(2), PARITY(3), PARITY(4);
    THETA(0, 4, 1), THETA(1, 0, 2), THETA(2, 1, 3), THETA(3, 2, 4), THETA(4, 3, 0);
    moving = a[1];
    MOVE(10, 1), MOVE(7, 3), MOVE(11, 6), MOVE(17, 10), MOVE(18, 15), MOVE(3, 21), MOVE(5, 28), MOVE(16, 36);
    MOVE(8, 45), MOVE(21, 55), MOVE(24, 2), MOVE(4, 14), MOVE(15, 27), MOVE(23, 41), MOVE(19, 56), MOVE(13, 8);
    MOVE(12, 25), MOVE(2, 43), MOVE(20, 62), MOVE(14, 18), MOVE(22, 39), MOVE(9, 61), MOVE(6, 20), MOVE(1, 44);
    CHI(0), CHI(5), CHI(10), CHI(15), CHI(20);
    a[0] ^= constants[round];
  }
}

static void absorb(uint64_t a[25], const uint8_t *block) {
  for (unsigned i = 0; i < BLOCK / 8; i++) {
    uint64_t lane;
    __builtin_memcpy(&lane, block + 8 * i, 8); /* all machines here are little-endian */
    a[i] ^= lane;
  }
  permute(a);
}

uint64_t workload(uint64_t n) {
  uint8_t text[TEXT], tail[BLOCK] = {0};
  uint64_t a[25] = {0}, at = 0;
  for (unsigned i = 0; i < TEXT; i++) text[i] = (uint8_t)('a' + i % 26);
  for (; n - at >= BLOCK; at += BLOCK) absorb(a, text + at % TEXT);
  for (uint64_t i = 0; i < n - at; i++) tail[i] = text[at % TEXT + i];
  tail[n - at] = 0x06;
  tail[BLOCK - 1] |= 0x80;
  absorb(a, tail);
  return a[0];
}
