/* CNode: a table of 2^size_log slots. The tree over its slots has that level; the hash is over 2^16. An empty slot is
 * NULL. */
#include "base/bytes.h"
#include "cap/kind.h"

/* --------------------------------------------------------------------------------------------------------- make */

javm_cap *jv_cnode_make(javm_dir *dir, unsigned size_log, jv_obj *slots) {
  javm_cap *cap = jv_cap_alloc(dir, JAVM_KIND_CNODE);
  if (!cap) {
    jv_release(dir, slots);
    return NULL;
  }
  cap->as.cnode = (jv_cnode){(uint8_t)size_log, slots};
  return cap;
}

javm_status javm_cnode_new(javm_dir *dir, unsigned size_log, javm_cap **out) {
  *out = NULL;
  if (size_log > JV_SIZE_LOG_MAX) return JAVM_OUT_OF_RANGE;
  *out = jv_cnode_make(dir, size_log, NULL);
  return *out ? JAVM_OK : JAVM_OUT_OF_MEMORY;
}

javm_status javm_cnode_size_log(javm_dir *dir, javm_cap *cnode, unsigned *size_log) {
  javm_cap *value;
  javm_status status = jv_resolve(dir, cnode, JAVM_KIND_CNODE, &value, NULL);
  if (status) return status;
  *size_log = value->as.cnode.size_log;
  jv_release(dir, value);
  return JAVM_OK;
}

/* -------------------------------------------------------------------------------------------------------- check */

/* A CNode that has this slot, with a count. */
static javm_status resolve_slot(javm_dir *dir, javm_cap *cnode, uint32_t slot, javm_cap **out) {
  javm_status status = jv_resolve(dir, cnode, JAVM_KIND_CNODE, out, NULL);
  if (status) return status;
  if (slot >> (*out)->as.cnode.size_log == 0) return JAVM_OK;
  jv_release(dir, *out);
  return JAVM_OUT_OF_RANGE;
}

javm_status javm_cnode_set(javm_dir *dir, javm_cap *cnode, uint32_t slot, javm_cap *cap, javm_cap **out) {
  javm_cap *value;
  *out = NULL;
  javm_status status = resolve_slot(dir, cnode, slot, &value);
  if (status) return status;
  unsigned size_log = value->as.cnode.size_log;
  jv_obj *slots = jv_obj_retain(value->as.cnode.slots);
  jv_release(dir, value);
  if (!jv_tree_set(dir, &slots, size_log, slot, cap ? &cap->obj : NULL)) {
    jv_release(dir, slots);
    return JAVM_OUT_OF_MEMORY;
  }
  *out = jv_cnode_make(dir, size_log, slots);
  return *out ? JAVM_OK : JAVM_OUT_OF_MEMORY;
}

javm_status javm_cnode_get(javm_dir *dir, javm_cap *cnode, uint32_t slot, javm_cap **out) {
  javm_cap *value;
  *out = NULL;
  javm_status status = resolve_slot(dir, cnode, slot, &value);
  if (status) return status;
  *out = jv_obj_retain(jv_tree_get(value->as.cnode.slots, value->as.cnode.size_log, slot));
  jv_release(dir, value);
  return JAVM_OK;
}

/* ------------------------------------------------------------------------------------------------ encode, decode */

static const jv_field fields[] = {{"CNode.slots", 1}};
#define FIXED_BYTES 5
#define SLOT_BYTES (4 + JAVM_HASH_BYTES)

static bool write_slot(void *ctx, uint32_t index, jv_obj *leaf) {
  jv_put_number(ctx, index, 4);
  jv_put_ref(ctx, leaf);
  return true;
}

static void encode(const javm_cap *cap, jv_writer *w) {
  jv_put_number(w, cap->as.cnode.size_log, 1);
  jv_put_number(w, FIXED_BYTES, 4);
  jv_tree_each(cap->as.cnode.slots, cap->as.cnode.size_log, write_slot, w);
}

static javm_status decode_slots(const jv_reader *r, jv_span list, unsigned size_log, jv_obj **slots) {
  size_t count;
  javm_status status = jv_list(r, list, fields[0].name, SLOT_BYTES, (size_t)1 << size_log, &count);
  if (status) return status;
  uint64_t least = 0;
  for (size_t i = 0; i < count; i++) {
    const uint8_t *at = list.at + i * SLOT_BYTES;
    uint32_t index = (uint32_t)jv_load_le(at, 4);
    if (index < least || index >> size_log != 0)
      return jv_malformed(r, at, "CNode.slots.index: %u, expected an ascending one below %u", index, 1u << size_log);
    jv_obj *leaf;
    status = jv_read_ref(r, at + 4, JV_OBJ_CAP, &leaf);
    if (status) return status;
    if (!leaf) return jv_malformed(r, at + 4, "CNode.slots.cap: zero, but an empty slot is not listed");
    bool ok = jv_tree_set(r->dir, slots, size_log, index, leaf);
    jv_release(r->dir, leaf);
    if (!ok) return jv_fail_memory(r->error);
    least = (uint64_t)index + 1;
  }
  return JAVM_OK;
}

static javm_status decode(const jv_reader *r, jv_span span, javm_cap **out) {
  jv_span part;
  javm_status status = jv_split(r, span, "CNode", FIXED_BYTES, fields, 1, &part);
  if (status) return status;
  unsigned size_log = span.at[0];
  if (size_log > JV_SIZE_LOG_MAX)
    return jv_malformed(r, span.at, "CNode.size_log: %u, expected at most %u", size_log, JV_SIZE_LOG_MAX);
  jv_obj *slots = NULL;
  status = decode_slots(r, part, size_log, &slots);
  if (status) {
    jv_release(r->dir, slots);
    return status;
  }
  *out = jv_cnode_make(r->dir, size_log, slots);
  return *out ? JAVM_OK : jv_fail_memory(r->error);
}

/* ---------------------------------------------------------------------------------------------------------- hash */

static void hash(const javm_cap *cap, javm_hash *root) {
  const jv_cnode *c = &cap->as.cnode;
  javm_hash slots = c->slots ? c->slots->hash : *jv_zero_hash(c->size_log);
  jv_hash_raise(&slots, c->size_log, JV_SIZE_LOG_MAX);
  jv_merkle m;
  jv_merkle_init(&m);
  jv_merkle_add_number(&m, c->size_log);
  jv_merkle_add(&m, &slots);
  jv_merkle_root(&m, 1, root);
}

/* ------------------------------------------------------------------------------------------------------- release */

static bool each_child(javm_cap *cap, jv_child_fn visit, void *ctx) { return visit(ctx, cap->as.cnode.slots); }

const jv_kind_ops jv_cnode_ops = {encode, decode, hash, each_child, NULL};
