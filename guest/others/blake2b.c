/* The BLAKE2b of libsodium: whole, in pieces, with keys, all output sizes. Prints digests in hex. */
#include <sodium/crypto_generichash_blake2b.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the library's core, which would start all of its parts, only this is called. */
void sodium_misuse(void);
void sodium_misuse(void) { abort(); }

static unsigned char data[200000];

static void print_hex(const char *name, size_t number, const unsigned char *bytes, size_t size) {
  printf("%s %zu ", name, number);
  for (size_t i = 0; i < size; i++) printf("%02x", bytes[i]);
  printf("\n");
}

int main(void) {
  unsigned char out[64], again[64], key[64];
  int good = 1;
  for (size_t i = 0; i < sizeof data; i++) data[i] = (unsigned char)(i * 7 + (i >> 8) * 13);
  for (size_t i = 0; i < sizeof key; i++) key[i] = (unsigned char)i;
  static const size_t sizes[] = {0, 1, 63, 64, 127, 128, 129, 255, 1000, 65536, sizeof data};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    good &= crypto_generichash_blake2b(out, 64, data, sizes[i], NULL, 0) == 0;
    print_hex("whole", sizes[i], out, 64);
    crypto_generichash_blake2b_state state;
    good &= crypto_generichash_blake2b_init(&state, NULL, 0, 64) == 0;
    for (size_t at = 0, piece = 1; at < sizes[i]; at += piece, piece = piece * 3 % 1009 + 1) {
      if (piece > sizes[i] - at) piece = sizes[i] - at;
      good &= crypto_generichash_blake2b_update(&state, data + at, piece) == 0;
    }
    good &= crypto_generichash_blake2b_final(&state, again, 64) == 0 && memcmp(out, again, 64) == 0;
  }
  for (size_t size = 16; size <= 64; size += 8) {
    good &= crypto_generichash_blake2b(out, size, data, 300, NULL, 0) == 0;
    print_hex("digest", size, out, size);
    good &= crypto_generichash_blake2b(out, 32, data, 300, key, size) == 0;
    print_hex("key", size, out, 32);
  }
  good &= crypto_generichash_blake2b_salt_personal(out, 64, data, 200, key, 64, key + 16, key + 32) == 0;
  print_hex("salt", 0, out, 64);
  for (int i = 0; i < 2000; i++) good &= crypto_generichash_blake2b(out, 64, out, 64, NULL, 0) == 0;
  print_hex("chain", 2000, out, 64);
  printf("%s\n", good ? "as it must be" : "WRONG");
  return !good;
}
