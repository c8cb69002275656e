/*
 * What making and checking proofs share (docs/proofs.md): positions in the Merkle tree under an Instance's hash, the
 * leaves that the claims of a proof stand for, and the root over them.
 *
 * A leaf that is the hash of a value is the root of that value's own tree, so positions go on through references.
 */
#ifndef JV_CAP_PROOF_H
#define JV_CAP_PROOF_H

#include "base/error.h"
#include "cap/cap.h"

#define JV_PROOF_MAGIC "JAVMPRF\x01" /* the last byte is the format's version */
#define JV_PROOF_MAGIC_BYTES 8
#define JV_PROOF_NODE_MAX 320 /* leaves of one proof */
#define JV_PROOF_EXPLICIT 255 /* in front of a helper that is no root of zeros */
#define JV_SLOT_NONE (1u << 16)

/* The fields of an Instance, and of the rest that claims walk through. */
enum {
  JV_FIELD_CHAIN,
  JV_FIELD_IMAGE,
  JV_FIELD_ROOT_CNODE,
  JV_FIELD_OVERLAYS,
  JV_FIELD_MEM_SIZE,
  JV_FIELD_HEAP_END,
  JV_FIELD_REGS,
  JV_FIELD_PC,
  JV_FIELD_GAS,
  JV_FIELD_PAUSED
};
enum { JV_FIELD_ENTRIES = 1, JV_FIELD_ENTRY_INSTANCE = 1, JV_FIELD_FRAME_PAGES = 1 };

/* A generalized index without its leading 1: the way from the root, a bit for each level, the last one lowest. */
typedef struct jv_position {
  uint64_t high, low;
  unsigned depth;
} jv_position;

/* The levels down to the deepest leaf, a page of a Data four CNodes deep in an entry: they fit. */
enum {
  JV_DEPTH_FIELD = 1 + 4, /* selector, field */
  JV_DEPTH_ENTRY = JV_DEPTH_FIELD + 1 + 1 + 8 + 2,
  JV_DEPTH_SLOT = JV_DEPTH_ENTRY + JV_DEPTH_FIELD + 4 * (1 + 1 + JV_SIZE_LOG_MAX),
  JV_DEPTH_MAX = JV_DEPTH_SLOT + 1 + 1 + 20
};
_Static_assert(JV_DEPTH_MAX <= 128, "a position has room for every leaf");

/* Negative where a comes first in descending order: it is deeper, or farther to the right. */
int jv_position_compare(const jv_position *a, const jv_position *b);

typedef struct jv_proof_node {
  jv_position at;
  javm_hash hash;
} jv_proof_node;

/* Sorted by generalized index, descending, without duplicates. */
typedef struct jv_proof_leaves {
  size_t count;
  jv_proof_node node[JV_PROOF_NODE_MAX];
} jv_proof_leaves;

/* Takes the next slot off an operand, for which `first` says that nothing was taken yet; JV_SLOT_NONE where the path goes on
 * without one. The path ends where the operand has become 0. */
uint32_t jv_operand_next(uint64_t *operand, bool first);

/* Reads magic and claims, and gives the leaves that they stand for and where the helpers begin. Errors: MALFORMED. */
javm_status jv_proof_read(const uint8_t *proof, size_t size_bytes, jv_proof_leaves *leaves, size_t *helpers_at,
                          javm_error *error);

/* The claims of a proof that was read before; writes up to `capacity` and returns how many there are. */
size_t jv_proof_claims(const uint8_t *proof, size_t size_bytes, javm_claim *claims, size_t capacity);

/* The hash of a node that stands beside what the leaves lead to; asked for by generalized index, descending. False: none. */
typedef bool (*jv_helper_fn)(void *ctx, const jv_position *at, javm_hash *hash);
/* The root over the leaves, of which there is at least one. False where `helper` says so, or where a leaf is not what those
 * below it give. */
bool jv_proof_root(const jv_proof_leaves *leaves, jv_helper_fn helper, void *ctx, javm_hash *root);

/* The hash of the node there, under that of an Instance that is settled. Errors: VALUE_NOT_FOUND, for a value on the way. */
javm_status jv_proof_node_hash(javm_dir *dir, javm_cap *instance, const jv_position *at, javm_hash *hash,
                               javm_error *error);

#endif
