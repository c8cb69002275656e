/* Type: names a lineage by its chain. */
#include "cap/kind.h"

#define TYPE_BYTES JAVM_HASH_BYTES

javm_status javm_type_new(javm_dir *dir, const javm_hash *image_hash_chain, javm_cap **out) {
  javm_cap *cap = jv_cap_alloc(dir, JAVM_KIND_TYPE);
  *out = cap;
  if (!cap) return JAVM_OUT_OF_MEMORY;
  cap->as.type_chain = *image_hash_chain;
  return JAVM_OK;
}

javm_status javm_type_chain(javm_dir *dir, javm_cap *type, javm_hash *image_hash_chain) {
  javm_cap *value;
  javm_status status = jv_resolve(dir, type, JAVM_KIND_TYPE, &value, NULL);
  if (status) return status;
  *image_hash_chain = value->as.type_chain;
  jv_release(dir, value);
  return JAVM_OK;
}

static void encode(const javm_cap *cap, jv_writer *w) { jv_put(w, &cap->as.type_chain, TYPE_BYTES); }

static javm_status decode(const jv_reader *r, jv_span span, javm_cap **out) {
  if (span.size != TYPE_BYTES)
    return jv_malformed(r, span.at, "Type.image_hash_chain: %zu bytes, expected %d", span.size, TYPE_BYTES);
  javm_hash chain;
  memcpy(chain.bytes, span.at, sizeof chain.bytes);
  return javm_type_new(r->dir, &chain, out) ? jv_fail_memory(r->error) : JAVM_OK;
}

static void hash(const javm_cap *cap, javm_hash *root) { *root = cap->as.type_chain; }

static bool each_child(javm_cap *cap, jv_child_fn visit, void *ctx) {
  (void)cap, (void)visit, (void)ctx;
  return true;
}

const jv_kind_ops jv_type_ops = {encode, decode, hash, each_child, NULL};
