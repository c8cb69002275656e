/* BLAKE2b-512 (RFC 7693) of the n letters abc...xyzabc...; the checksum is the first 8 bytes, little-endian. */
#include "workload.h"

enum { BLOCK = 128, TEXT = 26 * 64 /* a multiple of both the alphabet and the block */ };

static const uint64_t iv[8] = {
    UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b), UINT64_C(0x3c6ef372fe94f82b),
    UINT64_C(0xa54ff53a5f1d36f1), UINT64_C(0x510e527fade682d1), UINT64_C(0x9b05688c2b3e6c1f),
    UINT64_C(0x1f83d9abfb41bd6b), UINT64_C(0x5be0cd19137e2179),
};

static const uint8_t sigma[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static uint64_t rotate(uint64_t value, unsigned bits) { return value >> bits | value << (64 - bits); }

#define MIX(a, b, c, d, i)                                                                                             \
  v[a] += v[b] + m[order[i]];                                                                                          \
  v[d] = rotate(v[d] ^ v[a], 32);                                                                                      \
  v[c] += v[d];                                                                                                        \
  v[b] = rotate(v[b] ^ v[c], 24);                                                                                      \
  v[a] += v[b] + m[order[i + 1]];                                                                                      \
  v[d] = rotate(v[d] ^ v[a], 16);                                                                                      \
  v[c] += v[d];                                                                                                        \
  v[b] = rotate(v[b] ^ v[c], 63);

/* `count` is that of all bytes up to the end of this block. */
static void compress(uint64_t h[8], const uint8_t *block, uint64_t count, uint64_t last) {
  uint64_t v[16], m[16];
  for (unsigned i = 0; i < 8; i++) {
    v[i] = h[i];
    v[i + 8] = iv[i];
  }
  v[12] ^= count;
  v[14] ^= last;
  for (unsigned i = 0; i < 16; i++) __builtin_memcpy(&m[i], block + 8 * i, 8); /* all machines here are little-endian */
  for (unsigned round = 0; round < 12; round++) {
    const uint8_t *order = sigma[round % 10];
    MIX(0, 4, 8, 12, 0)
    MIX(1, 5, 9, 13, 2)
    MIX(2, 6, 10, 14, 4)
    MIX(3, 7, 11, 15, 6)
    MIX(0, 5, 10, 15, 8)
    MIX(1, 6, 11, 12, 10)
    MIX(2, 7, 8, 13, 12)
    MIX(3, 4, 9, 14, 14)
  }
  for (unsigned i = 0; i < 8; i++) h[i] ^= v[i] ^ v[i + 8];
}

uint64_t workload(uint64_t n) {
  uint8_t text[TEXT], tail[BLOCK] = {0};
  uint64_t h[8], at = 0;
  for (unsigned i = 0; i < TEXT; i++) text[i] = (uint8_t)('a' + i % 26);
  for (unsigned i = 0; i < 8; i++) h[i] = iv[i];
  h[0] ^= 0x01010000 | 64; /* no key, 64 bytes of hash */
  for (; n - at > BLOCK; at += BLOCK) compress(h, text + at % TEXT, at + BLOCK, 0);
  for (uint64_t i = 0; i < n - at; i++) tail[i] = text[at % TEXT + i];
  compress(h, tail, n, UINT64_MAX);
  return h[0];
}
