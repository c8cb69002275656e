/* Continuation: the entries of a paused computation, bottom first (4-vm.md 4.5). No Cap: a slot cannot hold it; an
 * Instance's `paused` is its root. */
#include "base/bytes.h"
#include "cap/kind.h"

/* ---------------------------------------------------------------------------------------------------------- make */

javm_cap *jv_continuation_make(javm_dir *dir, const jv_continuation *content) {
  javm_cap *cap = jv_cap_alloc(dir, JAVM_KIND_CONTINUATION);
  if (cap) {
    cap->as.continuation = *content;
    return cap;
  }
  for (size_t i = 0; i < content->count; i++) jv_release(dir, content->entries[i].instance);
  jv_free_array(javm_dir_allocator(dir), content->entries, content->count, sizeof *content->entries);
  return NULL;
}

/* ------------------------------------------------------------------------------------------------ encode, decode */

#define FIXED_BYTES 36
#define ENTRY_BYTES 45
static const jv_field fields[] = {{"Continuation.entries", 32}};

static void encode(const javm_cap *cap, jv_writer *w) {
  const jv_continuation *c = &cap->as.continuation;
  jv_put(w, &c->marker, JAVM_HASH_BYTES);
  jv_put_number(w, FIXED_BYTES, 4);
  for (size_t i = 0; i < c->count; i++) {
    jv_put_number(w, c->entries[i].kind, 1);
    jv_put_ref(w, c->entries[i].instance);
    jv_put_number(w, c->entries[i].callee_slot, 8);
    jv_put_number(w, c->entries[i].target, 4);
  }
}

static javm_status decode_entries(const jv_reader *r, jv_span list, jv_continuation *content) {
  size_t count;
  javm_status status = jv_list(r, list, fields[0].name, ENTRY_BYTES, JV_PAUSED_ENTRY_MAX, &count);
  if (status || count == 0) return status;
  content->entries = jv_alloc_array(javm_dir_allocator(r->dir), count, sizeof *content->entries);
  if (!content->entries) return jv_fail_memory(r->error);
  memset(content->entries, 0, count * sizeof *content->entries);
  content->count = count;
  for (size_t i = 0; i < count; i++) {
    const uint8_t *at = list.at + i * ENTRY_BYTES;
    jv_obj *instance;
    if ((status = jv_read_ref(r, at + 1, JV_OBJ_CAP, &instance))) return status;
    content->entries[i] =
        (jv_paused_entry){at[0], (uint32_t)jv_load_le(at + 41, 4), jv_load_le(at + 33, 8), (javm_cap *)instance};
  }
  return JAVM_OK;
}

static javm_status decode(const jv_reader *r, jv_span span, javm_cap **out) {
  jv_span entries;
  javm_status status = jv_split(r, span, "Continuation", FIXED_BYTES, fields, 1, &entries);
  if (status) return status;
  javm_cap *cap = jv_cap_alloc(r->dir, JAVM_KIND_CONTINUATION);
  if (!cap) return jv_fail_memory(r->error);
  memcpy(cap->as.continuation.marker.bytes, span.at, JAVM_HASH_BYTES);
  status = decode_entries(r, entries, &cap->as.continuation);
  if (status) jv_release(r->dir, cap);
  else *out = cap;
  return status;
}

/* ---------------------------------------------------------------------------------------------------------- hash */

static void hash(const javm_cap *cap, javm_hash *root) {
  const jv_continuation *c = &cap->as.continuation;
  jv_merkle list, one;
  jv_merkle_init(&list);
  for (size_t i = 0; i < c->count; i++) {
    const jv_paused_entry *e = &c->entries[i];
    javm_hash entry;
    jv_merkle_init(&one);
    jv_merkle_add_number(&one, e->kind);
    jv_merkle_add(&one, jv_ref_hash(e->instance));
    jv_merkle_add_number(&one, e->callee_slot);
    jv_merkle_add_number(&one, e->target);
    jv_merkle_root(&one, 2, &entry);
    jv_merkle_add(&list, &entry);
  }
  javm_hash entries;
  jv_merkle_root(&list, 8, &entries);
  jv_mix_in_number(&entries, c->count);
  jv_merkle_init(&one);
  jv_merkle_add(&one, &c->marker);
  jv_merkle_add(&one, &entries);
  jv_merkle_root(&one, 1, root);
}

/* ------------------------------------------------------------------------------------------------------- release */

static bool each_child(javm_cap *cap, jv_child_fn visit, void *ctx) {
  const jv_continuation *c = &cap->as.continuation;
  for (size_t i = 0; i < c->count; i++)
    if (!visit(ctx, (jv_obj *)c->entries[i].instance)) return false;
  return true;
}

static void release(javm_dir *dir, javm_cap *cap) {
  const jv_continuation *c = &cap->as.continuation;
  jv_free_array(javm_dir_allocator(dir), c->entries, c->count, sizeof *c->entries);
}

const jv_kind_ops jv_continuation_ops = {encode, decode, hash, each_child, release};
