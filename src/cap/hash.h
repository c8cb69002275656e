/* The one hash (3-values.md 3.1): BLAKE2b-256, and the SSZ operations over it. */
#ifndef JV_CAP_HASH_H
#define JV_CAP_HASH_H

#include <string.h>

#include "javm.h"

#define JV_ZERO_LEVELS 41

/* Lets the hash use its fast implementation; without it the portable one gives the same results. Any thread, any time. */
void jv_hash_prepare(void);
void jv_hash(javm_hash *out, const void *bytes, size_t size_bytes);
void jv_hash_pair(javm_hash *out, const javm_hash *left, const javm_hash *right);
static inline bool jv_hash_equal(const javm_hash *a, const javm_hash *b) {
  return memcmp(a->bytes, b->bytes, JAVM_HASH_BYTES) == 0;
}
bool jv_hash_is_zero(const javm_hash *h);
/* The root of 2^level zero chunks, level 0..40; constants. */
const javm_hash *jv_zero_hash(unsigned level);
/* The level whose zero hash this is; JV_ZERO_LEVELS: none. */
unsigned jv_zero_level(const javm_hash *h);
/* Raises a root over 2^level leaves to one over 2^to_level, the rest zero. */
void jv_hash_raise(javm_hash *root, unsigned level, unsigned to_level);
void jv_mix_in_number(javm_hash *root, uint64_t number); /* mix_in_length, mix_in_selector */

/* H(a || b): the chain after set_image or derive_spawn. */
void jv_chain_extend(javm_hash *out, const javm_hash *chain, const javm_hash *image);

/*
 * SSZ merkleize, one chunk after the other. node[i] is the root of a complete subtree of 2^i chunks that waits for its
 * right neighbour; it is there where bit i of count is set.
 */
typedef struct jv_merkle {
  uint64_t count;
  javm_hash node[JV_ZERO_LEVELS];
} jv_merkle;

static inline void jv_merkle_init(jv_merkle *m) { m->count = 0; }
void jv_merkle_add(jv_merkle *m, const javm_hash *chunk);
void jv_merkle_add_number(jv_merkle *m, uint64_t number);
void jv_merkle_add_bytes(jv_merkle *m, const uint8_t *bytes, size_t size_bytes); /* the last chunk zero-padded */
/* Adds the root of Vector[uint64, 13]: one chunk. */
void jv_merkle_add_regs(jv_merkle *m, const uint64_t regs[JAVM_REG_COUNT]);
/* The root over 2^level chunks, those not added zero. */
void jv_merkle_root(const jv_merkle *m, unsigned level, javm_hash *root);

#endif
