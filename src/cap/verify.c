/*
 * Checking a proof: the root over the leaves of its claims (claims.c) and its helpers must be the hash. Needs nothing else
 * and no memory but the stack, and takes any bytes.
 */
#include "cap/proof.h"

/* Nodes whose parents are not made yet: the leaves, and parents that were made, both descending. Each parent stands for at
 * least one leaf that is used up, so there are never more than there are leaves. */
typedef struct queue {
  const jv_proof_node *leaf;
  size_t leaves_left;
  size_t first, end;
  jv_proof_node parent[JV_PROOF_NODE_MAX];
} queue;

static bool take_first(queue *q, jv_proof_node *out) {
  const jv_proof_node *parent = &q->parent[q->first % JV_PROOF_NODE_MAX];
  int order = q->leaves_left == 0 ? 1 : q->first == q->end ? -1 : jv_position_compare(&q->leaf->at, &parent->at);
  bool good = order != 0 || jv_hash_equal(&q->leaf->hash, &parent->hash);
  *out = order <= 0 ? *q->leaf : *parent;
  if (order <= 0) q->leaf++, q->leaves_left--;
  if (order >= 0) q->first++;
  return good;
}

static bool is_first(const queue *q, const jv_position *at) {
  if (q->leaves_left > 0 && jv_position_compare(&q->leaf->at, at) == 0) return true;
  return q->first < q->end && jv_position_compare(&q->parent[q->first % JV_PROOF_NODE_MAX].at, at) == 0;
}

bool jv_proof_root(const jv_proof_leaves *leaves, jv_helper_fn helper, void *ctx, javm_hash *root) {
  queue q;
  q.leaf = leaves->node;
  q.leaves_left = leaves->count;
  q.first = q.end = 0;
  for (;;) {
    jv_proof_node node, beside;
    if (!take_first(&q, &node)) return false;
    if (node.at.depth == 0) {
      *root = node.hash;
      return true;
    }
    beside.at = node.at;
    beside.at.low ^= 1;
    if (is_first(&q, &beside.at) ? !take_first(&q, &beside) : !helper(ctx, &beside.at, &beside.hash)) return false;
    bool right = node.at.low & 1;
    jv_proof_node *parent = &q.parent[q.end++ % JV_PROOF_NODE_MAX];
    parent->at = (jv_position){node.at.high >> 1, node.at.high << 63 | node.at.low >> 1, node.at.depth - 1};
    jv_hash_pair(&parent->hash, right ? &beside.hash : &node.hash, right ? &node.hash : &beside.hash);
  }
}

typedef struct helpers {
  const uint8_t *at;
  size_t left;
  bool bad;
} helpers;

/* A helper: the level of zeros whose root it is, or itself, which then is no such root. */
static bool take_helper(void *ctx, const jv_position *at, javm_hash *hash) {
  helpers *h = ctx;
  (void)at;
  h->bad = true;
  if (h->left == 0) return false;
  unsigned level = *h->at;
  size_t size = level == JV_PROOF_EXPLICIT ? 1 + JAVM_HASH_BYTES : 1;
  if (size > h->left || (size == 1 && level >= JV_ZERO_LEVELS)) return false;
  if (size == 1) *hash = *jv_zero_hash(level);
  else memcpy(hash->bytes, h->at + 1, JAVM_HASH_BYTES);
  h->bad = size > 1 && jv_zero_level(hash) < JV_ZERO_LEVELS;
  if (h->bad) return false;
  h->at += size;
  h->left -= size;
  return true;
}

javm_status javm_verify(const javm_hash *hash, const uint8_t *proof, size_t size_bytes, javm_claim *claims,
                        size_t capacity, size_t *count, javm_error *error) {
  jv_proof_leaves leaves;
  javm_hash root;
  size_t helpers_at;
  jv_hash_prepare();
  javm_status status = jv_proof_read(proof, size_bytes, &leaves, &helpers_at, error);
  if (status) return status;
  helpers h = {.at = proof + helpers_at, .left = size_bytes - helpers_at};
  bool same = jv_proof_root(&leaves, take_helper, &h, &root) && jv_hash_equal(&root, hash);
  if (h.bad) return jv_fail(error, JAVM_MALFORMED, (size_t)(h.at - proof), "proof: expected a helper");
  if (!same) return jv_fail(error, JAVM_HASH_MISMATCH, 0, "proof: it gives another root");
  if (h.left != 0) return jv_fail(error, JAVM_MALFORMED, (size_t)(h.at - proof), "proof: expected it to end");
  *count = jv_proof_claims(proof, size_bytes, claims, capacity);
  return JAVM_OK;
}
