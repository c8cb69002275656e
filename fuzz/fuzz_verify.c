/*
 * Any bytes as a proof. The first 32 are the hash; where the claims can be read at all, a second try is made with the hash
 * that they and the helpers give, so that the claims behind a right hash are looked at, too.
 */
#include "cap/proof.h"
#include "check.h"

typedef struct rest {
  const uint8_t *at;
  size_t left;
} rest;

static bool any_helper(void *ctx, const jv_position *at, javm_hash *hash) {
  rest *r = ctx;
  CHECK(at->depth > 0 && at->depth <= JV_DEPTH_MAX);
  if (r->left == 0) return false;
  size_t size = *r->at == JV_PROOF_EXPLICIT ? 1 + JAVM_HASH_BYTES : 1;
  if (size > r->left || (size == 1 && *r->at >= JV_ZERO_LEVELS)) return false;
  if (size == 1) *hash = *jv_zero_hash(*r->at);
  else memcpy(hash->bytes, r->at + 1, JAVM_HASH_BYTES);
  r->at += size;
  r->left -= size;
  return true;
}

static bool root_of(const uint8_t *bytes, size_t size, javm_hash *hash) {
  static jv_proof_leaves leaves;
  size_t helpers_at;
  javm_error error;
  if (jv_proof_read(bytes, size, &leaves, &helpers_at, &error) != JAVM_OK) return false;
  CHECK(leaves.count > 0 && leaves.count <= JV_PROOF_NODE_MAX && helpers_at <= size);
  rest r = {bytes + helpers_at, size - helpers_at};
  return jv_proof_root(&leaves, any_helper, &r, hash);
}

static void check_claims(const javm_claim *claims, size_t count, const uint8_t *bytes, size_t size) {
  CHECK(count > 0 && count <= JAVM_CLAIM_MAX);
  for (size_t i = 0; i < count; i++) {
    const javm_claim *c = &claims[i];
    bool has_page = c->target.kind >= JAVM_CLAIM_PAGE;
    CHECK(c->target.kind <= JAVM_CLAIM_WRITTEN_PAGE && has_page == (c->page_bytes != NULL));
    if (!has_page) continue;
    CHECK(c->page_bytes >= bytes && c->page_bytes + JAVM_PAGE_BYTES <= bytes + size);
  }
}

static javm_status verify(const javm_hash *hash, const uint8_t *bytes, size_t size) {
  static javm_claim claims[JAVM_CLAIM_MAX];
  size_t count = 0, again = 0;
  javm_error error;
  javm_status status = javm_verify(hash, bytes, size, claims, JAVM_CLAIM_MAX, &count, &error);
  CHECK(javm_verify(hash, bytes, size, NULL, 0, &again, NULL) == status && again == count);
  if (status == JAVM_OK) {
    check_claims(claims, count, bytes, size);
  } else {
    CHECK(status == JAVM_MALFORMED || status == JAVM_HASH_MISMATCH);
    CHECK(error.status == status && error.offset <= size && count == 0);
  }
  return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  javm_hash hash;
  if (size < sizeof hash) return 0;
  memcpy(&hash, bytes, sizeof hash);
  bytes += sizeof hash;
  size -= sizeof hash;
  javm_status status = verify(&hash, bytes, size);
  javm_hash own;
  if (!root_of(bytes, size, &own)) CHECK(status != JAVM_OK);
  else if (status == JAVM_OK) CHECK(memcmp(&own, &hash, sizeof own) == 0);
  else CHECK(verify(&own, bytes, size) != JAVM_HASH_MISMATCH);
  return 0;
}
