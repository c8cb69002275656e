/*
 * n recoveries of public keys from secp256k1 signatures with libsecp256k1. The checksum is of the keys; that of the first
 * is the first 8 bytes of its x coordinate, big-endian.
 */
#include "workload.h"

/* What its ./configure chooses. */
#define ECMULT_WINDOW_SIZE 15
#define ECMULT_GEN_PREC_BITS 4
#define ENABLE_MODULE_RECOVERY 1
#define USE_EXTERNAL_DEFAULT_CALLBACKS 1
#if UINTPTR_MAX == UINT32_MAX
#define USE_FORCE_WIDEMUL_INT64 1 /* WebAssembly has no product of 128 bits; this is more than twice as fast in V8 */
#endif
#include <src/secp256k1.c>
#include <src/precomputed_ecmult.c>
#include <src/precomputed_ecmult_gen.c>

void secp256k1_default_illegal_callback_fn(const char *text, void *data) {
  (void)text;
  (void)data;
  __builtin_trap();
}

void secp256k1_default_error_callback_fn(const char *text, void *data) {
  secp256k1_default_illegal_callback_fn(text, data);
}

/* The example that Ethereum's clients test their recovery with. */
static const uint8_t first_message[32] = {
    0xce, 0x06, 0x77, 0xbb, 0x30, 0xba, 0xa8, 0xcf, 0x06, 0x7c, 0x88, 0xdb, 0x98, 0x11, 0xf4, 0x33,
    0x3d, 0x13, 0x1b, 0xf8, 0xbc, 0xf1, 0x2f, 0xe7, 0x06, 0x5d, 0x21, 0x1d, 0xce, 0x97, 0x10, 0x08,
};
static const uint8_t signature_bytes[64] = {
    0x90, 0xf2, 0x7b, 0x8b, 0x48, 0x8d, 0xb0, 0x0b, 0x00, 0x60, 0x67, 0x96, 0xd2, 0x98, 0x7f, 0x6a,
    0x5f, 0x59, 0xae, 0x62, 0xea, 0x05, 0xef, 0xfe, 0x84, 0xfe, 0xf5, 0xb8, 0xb0, 0xe5, 0x49, 0x98,
    0x4a, 0x69, 0x11, 0x39, 0xad, 0x57, 0xa3, 0xf0, 0xb9, 0x06, 0x63, 0x76, 0x73, 0xaa, 0x2f, 0x63,
    0xd1, 0xf5, 0x5c, 0xb1, 0xa6, 0x91, 0x99, 0xd4, 0x00, 0x9e, 0xea, 0x23, 0xce, 0xad, 0xdc, 0x93,
};

uint64_t workload(uint64_t n) {
  const secp256k1_context *ctx = secp256k1_context_static;
  secp256k1_ecdsa_recoverable_signature signature;
  uint8_t message[32], key[33];
  uint64_t sum = 0;
  memcpy(message, first_message, sizeof message);
  if (!secp256k1_ecdsa_recoverable_signature_parse_compact(ctx, &signature, signature_bytes, 1)) return 0;
  for (uint64_t i = 0; i < n; i++) {
    secp256k1_pubkey point;
    size_t size = sizeof key;
    uint64_t x = 0;
    message[31] ^= (uint8_t)i;
    if (!secp256k1_ecdsa_recover(ctx, &point, &signature, message)) return 0;
    secp256k1_ec_pubkey_serialize(ctx, key, &size, &point, SECP256K1_EC_COMPRESSED);
    for (unsigned k = 1; k <= 8; k++) x = x << 8 | key[k];
    sum = sum * 31 + x;
  }
  return sum;
}
