/* What is the same for all kinds of cap: making, placeholders and what they stand for, hash, serialized form. */
#include "base/error.h"
#include "cap/kind.h"

javm_cap *jv_cap_alloc(javm_dir *dir, javm_kind kind) {
  javm_cap *cap = jv_alloc_zero(javm_dir_allocator(dir), sizeof *cap);
  if (!cap) return NULL;
  jv_obj_init(&cap->obj, JV_OBJ_CAP);
  cap->kind = (uint8_t)kind;
  return cap;
}

javm_cap *jv_placeholder(javm_dir *dir, const javm_hash *hash) {
  javm_cap *cap = jv_alloc(javm_dir_allocator(dir), JV_ABSENT_BYTES);
  if (!cap) return NULL;
  jv_obj_init(&cap->obj, JV_OBJ_ABSENT);
  cap->kind = JAVM_KIND_ABSENT;
  jv_obj_set_hash(&cap->obj, hash);
  return cap;
}

jv_obj *jv_obj_for_hash(javm_dir *dir, const javm_hash *hash, jv_obj_kind kind) {
  jv_page *zero = jv_dir_zero_page(dir);
  if (kind == JV_OBJ_PAGE && jv_hash_equal(hash, &zero->obj.hash)) return jv_obj_retain(zero);
  jv_obj *o = jv_dir_find(dir, hash);
  if (o && o->kind == kind) return o;
  jv_release(dir, o);
  javm_cap *absent = jv_placeholder(dir, hash);
  return absent ? &absent->obj : NULL;
}

javm_cap *jv_cap_for_hash(javm_dir *dir, const javm_hash *hash) {
  return (javm_cap *)jv_obj_for_hash(dir, hash, JV_OBJ_CAP);
}

javm_status jv_resolve(javm_dir *dir, javm_cap *cap, javm_kind kind, javm_cap **out, javm_error *error) {
  if (!cap) return jv_fail(error, JAVM_INVALID_ARGUMENT, 0, "no value given");
  javm_cap *value = jv_obj_retain(cap);
  if (cap->obj.kind == JV_OBJ_ABSENT) {
    javm_status status = javm_dir_get(dir, &cap->obj.hash, &value, error);
    jv_release(dir, cap);
    if (status) return status;
  }
  if (kind != JAVM_KIND_ABSENT && value->kind != kind) {
    jv_fail(error, JAVM_WRONG_KIND, 0, "the value is of kind %s, expected %s", javm_kind_text(value->kind),
            javm_kind_text(kind));
    jv_release(dir, value);
    return JAVM_WRONG_KIND;
  }
  *out = value;
  return JAVM_OK;
}

javm_status jv_resolve_page(javm_dir *dir, jv_obj *leaf, jv_page **held, const uint8_t **bytes, javm_hash *missing) {
  jv_page *zero = jv_dir_zero_page(dir);
  *held = NULL;
  *bytes = NULL;
  if (!leaf || leaf == &zero->obj) return JAVM_OK;
  if (leaf->kind == JV_OBJ_PAGE) {
    *bytes = ((jv_page *)leaf)->bytes;
    return JAVM_OK;
  }
  if (jv_hash_equal(&leaf->hash, &zero->obj.hash)) return JAVM_OK;
  jv_obj *o = jv_dir_find(dir, &leaf->hash);
  if (!o || o->kind != JV_OBJ_PAGE) {
    jv_release(dir, o);
    if (missing) *missing = leaf->hash;
    return JAVM_VALUE_NOT_FOUND;
  }
  *held = (jv_page *)o;
  *bytes = (*held)->bytes;
  return JAVM_OK;
}

/* ---------------------------------------------------------------------------------------------- serialized form */

javm_status jv_cap_parse(const jv_reader *r, jv_span span, javm_cap **out) {
  if (span.size == 0) return jv_malformed(r, span.at, "Cap: no bytes, expected a selector");
  if (span.at[0] >= JV_KINDS || !jv_kinds[span.at[0]])
    return jv_malformed(r, span.at, "Cap: selector %u, expected 0 to 4, 6 or 7", span.at[0]);
  return jv_kinds[span.at[0]]->decode(r, (jv_span){span.at + 1, span.size - 1}, out);
}

void jv_cap_write(const javm_cap *cap, jv_writer *w) {
  jv_put_number(w, cap->kind, 1);
  jv_kind(cap)->encode(cap, w);
}

/* --------------------------------------------------------------------------------------------- public functions */

javm_cap *javm_cap_retain(javm_cap *cap) { return jv_obj_retain(cap); }

void javm_cap_release(javm_dir *dir, javm_cap *cap) { jv_release(dir, cap); }

javm_kind javm_cap_kind(const javm_cap *cap) { return (javm_kind)cap->kind; }

javm_status javm_cap_by_hash(javm_dir *dir, const javm_hash *hash, javm_cap **out) {
  *out = NULL;
  if (jv_hash_is_zero(hash)) return JAVM_INVALID_ARGUMENT;
  *out = jv_cap_for_hash(dir, hash);
  return *out ? JAVM_OK : JAVM_OUT_OF_MEMORY;
}

javm_status javm_cap_hash(javm_dir *dir, javm_cap *cap, javm_hash *hash) {
  if (!jv_settle(dir, &cap->obj)) return JAVM_OUT_OF_MEMORY;
  *hash = cap->obj.hash;
  return JAVM_OK;
}

javm_status javm_cap_encode(javm_dir *dir, javm_cap *cap, uint8_t **out, size_t *size_bytes, javm_error *error) {
  javm_cap *value;
  javm_status status = jv_resolve(dir, cap, JAVM_KIND_ABSENT, &value, error);
  if (status) return status;
  jv_writer w;
  jv_writer_init(&w, javm_dir_allocator(dir));
  bool ok = jv_settle(dir, &value->obj);
  if (ok) jv_cap_write(value, &w);
  ok = ok && jv_writer_finish(&w, out, size_bytes);
  jv_release(dir, value);
  return ok ? JAVM_OK : jv_fail_memory(error);
}

javm_status javm_cap_decode(javm_dir *dir, const uint8_t *bytes, size_t size_bytes, javm_cap **out, javm_error *error) {
  jv_reader r = {dir, bytes, NULL, error};
  *out = NULL;
  return jv_cap_parse(&r, (jv_span){bytes, size_bytes}, out);
}
