/* The ed25519 of libsodium: keys from seeds, signatures, verification, and what was tampered with. Prints all in hex.
 * The first case is the first of RFC 8032. */
#include <sodium/crypto_sign_ed25519.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the library's core, which would start all of its parts, only this is called. */
void sodium_misuse(void);
void sodium_misuse(void) { abort(); }

static void print_hex(const char *name, const unsigned char *bytes, size_t size) {
  printf("  %s ", name);
  for (size_t i = 0; i < size; i++) printf("%02x", bytes[i]);
  printf("\n");
}

/* Signs `size` bytes by the key of the seed; gives whether all went as it must. */
static int run(const unsigned char seed[32], const unsigned char *message, size_t size) {
  unsigned char public[32], secret[64], signature[64], changed[512], exchange[32];
  unsigned long long signature_size;
  int good = crypto_sign_ed25519_seed_keypair(public, secret, seed) == 0;
  printf("message of %zu bytes\n", size);
  print_hex("public", public, sizeof public);
  good &= crypto_sign_ed25519_detached(signature, &signature_size, message, size, secret) == 0 && signature_size == 64;
  print_hex("signature", signature, sizeof signature);
  good &= crypto_sign_ed25519_verify_detached(signature, message, size, public) == 0;
  int refused = 0;
  for (size_t i = 0; i < 64; i += 9) {
    signature[i] ^= 1;
    refused += crypto_sign_ed25519_verify_detached(signature, message, size, public) != 0;
    signature[i] ^= 1;
  }
  public[7] ^= 0x20;
  refused += crypto_sign_ed25519_verify_detached(signature, message, size, public) != 0;
  public[7] ^= 0x20;
  memcpy(changed, message, size);
  if (size > 0) {
    changed[size / 2] ^= 0x80;
    refused += crypto_sign_ed25519_verify_detached(signature, changed, size, public) != 0;
  }
  good &= refused == (size > 0 ? 10 : 9);
  good &= crypto_sign_ed25519_pk_to_curve25519(exchange, public) == 0;
  print_hex("as x25519", exchange, sizeof exchange);
  printf("  %d refused, %s\n", refused, good ? "as it must be" : "WRONG");
  return good;
}

int main(void) {
  static const unsigned char rfc_seed[32] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a,
                                             0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32,
                                             0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
  unsigned char seed[32], message[512];
  for (unsigned i = 0; i < sizeof message; i++) message[i] = (unsigned char)(i * i + 3 * i);
  int good = run(rfc_seed, message, 0);
  for (unsigned k = 0; k < 4; k++) {
    for (unsigned i = 0; i < 32; i++) seed[i] = (unsigned char)(i * 29 + k * 101);
    good &= run(seed, message, 1 + k * 170);
  }
  return !good;
}
