/*
 * n verifications of Ed25519 signatures with libsodium's portable code. Every second message was changed after it had been
 * signed; the checksum has a bit for each signature that was accepted.
 */
#include "workload.h"

#define CONFIGURED 1
#define NATIVE_LITTLE_ENDIAN 1
#if UINTPTR_MAX > UINT32_MAX
#define HAVE_TI_MODE 1 /* limbs of 51 bits: wherever 64-bit registers are */
#endif
#include <crypto_core/ed25519/ref10/ed25519_ref10.c>
#include <crypto_hash/sha512/cp/hash_sha512_cp.c>
#include <crypto_sign/ed25519/ref10/open.c>
#include <crypto_sign/ed25519/ref10/sign.c>
#include <crypto_verify/sodium/verify.c>

/* In place of libsodium's utils.c, which is for an operating system. */
int sodium_memcmp(const void *const a, const void *const b, size_t size) {
  const volatile uint8_t *x = a, *y = b;
  uint8_t difference = 0;
  for (size_t i = 0; i < size; i++) difference |= x[i] ^ y[i];
  return difference ? -1 : 0;
}

int sodium_is_zero(const unsigned char *bytes, const size_t size) {
  uint8_t any = 0;
  for (size_t i = 0; i < size; i++) any |= bytes[i];
  return !any;
}

void sodium_memzero(void *const bytes, const size_t size) {
  for (size_t i = 0; i < size; i++) ((volatile uint8_t *)bytes)[i] = 0;
}

/* RFC 8032, 7.1, test 3. */
static const uint8_t public_key[32] = {
    0xfc, 0x51, 0xcd, 0x8e, 0x62, 0x18, 0xa1, 0xa3, 0x8d, 0xa4, 0x7e, 0xd0, 0x02, 0x30, 0xf0, 0x58,
    0x08, 0x16, 0xed, 0x13, 0xba, 0x33, 0x03, 0xac, 0x5d, 0xeb, 0x91, 0x15, 0x48, 0x90, 0x80, 0x25,
};
static const uint8_t signature[64] = {
    0x62, 0x91, 0xd6, 0x57, 0xde, 0xec, 0x24, 0x02, 0x48, 0x27, 0xe6, 0x9c, 0x3a, 0xbe, 0x01, 0xa3,
    0x0c, 0xe5, 0x48, 0xa2, 0x84, 0x74, 0x3a, 0x44, 0x5e, 0x36, 0x80, 0xd7, 0xdb, 0x5a, 0xc3, 0xac,
    0x18, 0xff, 0x9b, 0x53, 0x8d, 0x16, 0xf2, 0x90, 0xae, 0x67, 0xf7, 0x60, 0x98, 0x4d, 0xc6, 0x59,
    0x4a, 0x7c, 0x15, 0xe9, 0x71, 0x6e, 0xd2, 0x8d, 0xc0, 0x27, 0xbe, 0xce, 0xea, 0x1e, 0xc4, 0x0a,
};

uint64_t workload(uint64_t n) {
  uint64_t accepted = 0;
  for (uint64_t i = 0; i < n; i++) {
    const uint8_t message[2] = {0xaf, (uint8_t)(0x82 ^ (i & 1))};
    accepted = accepted << 1 | !crypto_sign_ed25519_verify_detached(signature, message, sizeof message, public_key);
  }
  return accepted;
}
