/* See hash.h. */
#include "cap/hash.h"

#include <sodium.h>

#include "base/bytes.h"

static const javm_hash zero_hashes[JV_ZERO_LEVELS] = {
#include "cap/zero_hashes.inc"
};

void jv_hash_prepare(void) {
  int fast = sodium_init();
  (void)fast;
}

void jv_hash(javm_hash *out, const void *bytes, size_t size_bytes) {
  crypto_generichash_blake2b(out->bytes, JAVM_HASH_BYTES, bytes, size_bytes, NULL, 0);
}

void jv_hash_pair(javm_hash *out, const javm_hash *left, const javm_hash *right) {
  uint8_t both[2 * JAVM_HASH_BYTES];
  memcpy(both, left->bytes, JAVM_HASH_BYTES);
  memcpy(both + JAVM_HASH_BYTES, right->bytes, JAVM_HASH_BYTES);
  jv_hash(out, both, sizeof both);
}

bool jv_hash_is_zero(const javm_hash *h) { return jv_hash_equal(h, &zero_hashes[0]); }

const javm_hash *jv_zero_hash(unsigned level) { return &zero_hashes[level]; }

unsigned jv_zero_level(const javm_hash *h) {
  unsigned level = 0;
  while (level < JV_ZERO_LEVELS &&
         (h->bytes[0] != zero_hashes[level].bytes[0] || !jv_hash_equal(h, &zero_hashes[level])))
    level++;
  return level;
}

void jv_hash_raise(javm_hash *root, unsigned level, unsigned to_level) {
  for (; level < to_level; level++) jv_hash_pair(root, root, &zero_hashes[level]);
}

static void number_chunk(javm_hash *chunk, uint64_t number) {
  memset(chunk, 0, sizeof *chunk);
  jv_store_le(chunk->bytes, number, 8);
}

void jv_mix_in_number(javm_hash *root, uint64_t number) {
  javm_hash chunk;
  number_chunk(&chunk, number);
  jv_hash_pair(root, root, &chunk);
}

void jv_chain_extend(javm_hash *out, const javm_hash *chain, const javm_hash *image) {
  jv_hash_pair(out, chain, image);
}

void jv_merkle_add(jv_merkle *m, const javm_hash *chunk) {
  javm_hash root = *chunk;
  unsigned level = 0;
  for (; m->count >> level & 1; level++) jv_hash_pair(&root, &m->node[level], &root);
  m->node[level] = root;
  m->count++;
}

void jv_merkle_add_number(jv_merkle *m, uint64_t number) {
  javm_hash chunk;
  number_chunk(&chunk, number);
  jv_merkle_add(m, &chunk);
}

void jv_merkle_add_bytes(jv_merkle *m, const uint8_t *bytes, size_t size_bytes) {
  for (size_t at = 0; at < size_bytes; at += JAVM_HASH_BYTES) {
    javm_hash chunk = zero_hashes[0];
    size_t rest = size_bytes - at;
    memcpy(chunk.bytes, bytes + at, rest < JAVM_HASH_BYTES ? rest : JAVM_HASH_BYTES);
    jv_merkle_add(m, &chunk);
  }
}

void jv_merkle_add_regs(jv_merkle *m, const uint64_t regs[JAVM_REG_COUNT]) {
  uint8_t bytes[8 * JAVM_REG_COUNT];
  for (unsigned i = 0; i < JAVM_REG_COUNT; i++) jv_store_le(bytes + 8 * i, regs[i], 8);
  jv_merkle chunks;
  jv_merkle_init(&chunks);
  jv_merkle_add_bytes(&chunks, bytes, sizeof bytes);
  javm_hash root;
  jv_merkle_root(&chunks, 2, &root);
  jv_merkle_add(m, &root);
}

void jv_merkle_root(const jv_merkle *m, unsigned level, javm_hash *root) {
  if (m->count == 0) {
    *root = zero_hashes[level];
    return;
  }
  unsigned at = 0;
  while (!(m->count >> at & 1)) at++;
  javm_hash h = m->node[at];
  if (at < level) jv_hash_pair(&h, &h, &zero_hashes[at]);
  for (at++; at < level; at++) {
    if (m->count >> at & 1) jv_hash_pair(&h, &m->node[at], &h);
    else jv_hash_pair(&h, &h, &zero_hashes[at]);
  }
  *root = h;
}
