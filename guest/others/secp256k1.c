/* libsecp256k1 signs, verifies and recovers with made-up keys, and refuses what was changed. Prints all in hex. */
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <stdio.h>
#include <string.h>

static void print_hex(const char *name, const unsigned char *bytes, size_t size) {
  printf("  %s ", name);
  for (size_t i = 0; i < size; i++) printf("%02x", bytes[i]);
  printf("\n");
}

static void fill(unsigned char out[32], unsigned seed) {
  for (unsigned i = 0; i < 32; i++) {
    seed = seed * 1103515245u + 12345u;
    out[i] = (unsigned char)(seed >> 16);
  }
}

static void print_key(const secp256k1_context *ctx, const char *name, const secp256k1_pubkey *key) {
  unsigned char bytes[65];
  size_t size = sizeof bytes;
  secp256k1_ec_pubkey_serialize(ctx, bytes, &size, key, SECP256K1_EC_COMPRESSED);
  print_hex(name, bytes, size);
}

/* One key and one message; gives whether all went as it must. */
static int run(const secp256k1_context *ctx, unsigned seed) {
  unsigned char secret[32], message[32], bytes[72];
  size_t size = sizeof bytes;
  int id, good = 1;
  secp256k1_pubkey key, recovered;
  secp256k1_ecdsa_signature signature;
  secp256k1_ecdsa_recoverable_signature recoverable;
  fill(secret, seed);
  fill(message, seed + 1000);
  printf("key %u\n", seed);
  good &= secp256k1_ec_seckey_verify(ctx, secret) & secp256k1_ec_pubkey_create(ctx, &key, secret);
  print_key(ctx, "public", &key);

  good &= secp256k1_ecdsa_sign(ctx, &signature, message, secret, NULL, NULL);
  secp256k1_ecdsa_signature_serialize_der(ctx, bytes, &size, &signature);
  print_hex("signature", bytes, size);
  good &= secp256k1_ecdsa_verify(ctx, &signature, message, &key);
  message[3] ^= 1;
  good &= !secp256k1_ecdsa_verify(ctx, &signature, message, &key);
  message[3] ^= 1;

  good &= secp256k1_ecdsa_sign_recoverable(ctx, &recoverable, message, secret, NULL, NULL);
  secp256k1_ecdsa_recoverable_signature_serialize_compact(ctx, bytes, &id, &recoverable);
  print_hex("recoverable", bytes, 64);
  good &= secp256k1_ecdsa_recover(ctx, &recovered, &recoverable, message);
  good &= memcmp(&recovered, &key, sizeof key) == 0;
  printf("  id %d, recovered: %s\n", id, memcmp(&recovered, &key, sizeof key) == 0 ? "same" : "another");
  good &= secp256k1_ecdsa_recoverable_signature_parse_compact(ctx, &recoverable, bytes, id ^ 1);
  if (secp256k1_ecdsa_recover(ctx, &recovered, &recoverable, message)) print_key(ctx, "of the other id", &recovered);
  bytes[40] ^= 4;
  good &= secp256k1_ecdsa_recoverable_signature_parse_compact(ctx, &recoverable, bytes, id);
  if (secp256k1_ecdsa_recover(ctx, &recovered, &recoverable, message)) {
    print_key(ctx, "of a changed signature", &recovered);
    good &= memcmp(&recovered, &key, sizeof key) != 0;
  }

  fill(bytes, seed + 2000);
  good &= secp256k1_ec_pubkey_tweak_add(ctx, &key, bytes);
  print_key(ctx, "tweaked", &key);
  good &= secp256k1_ec_pubkey_tweak_mul(ctx, &key, bytes);
  print_key(ctx, "multiplied", &key);
  printf("  %s\n", good ? "as it must be" : "WRONG");
  return good;
}

int main(void) {
  unsigned char bytes[32];
  secp256k1_context *ctx = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
  if (ctx == NULL) return 1;
  fill(bytes, 77);
  int good = secp256k1_context_randomize(ctx, bytes);
  for (unsigned seed = 1; seed <= 6; seed++) good &= run(ctx, seed);
  memset(bytes, 0, sizeof bytes);
  int zero = secp256k1_ec_seckey_verify(ctx, bytes);
  memset(bytes, 0xff, sizeof bytes);
  int large = secp256k1_ec_seckey_verify(ctx, bytes);
  printf("secret 0: %d, secret beyond the order: %d\n", zero, large);
  secp256k1_context_destroy(ctx);
  return !(good && !zero && !large);
}
