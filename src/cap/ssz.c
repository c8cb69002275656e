/* See ssz.h. */
#include "cap/ssz.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/bytes.h"

#define OFFSET_BYTES 4

/* ------------------------------------------------------------------------------------------------------- writer */

void jv_writer_init(jv_writer *w, const javm_allocator *allocator) { *w = (jv_writer){allocator, NULL, 0, 0, false}; }

void jv_writer_clear(jv_writer *w) {
  jv_free(w->allocator, w->bytes, w->capacity);
  jv_writer_init(w, w->allocator);
}

bool jv_writer_finish(jv_writer *w, uint8_t **out, size_t *size_bytes) {
  uint8_t *exact = NULL;
  if (!w->failed) exact = w->allocator->resize(w->allocator->ctx, w->bytes, w->capacity, w->size);
  if (!exact) {
    jv_writer_clear(w);
    return false;
  }
  *out = exact;
  *size_bytes = w->size;
  jv_writer_init(w, w->allocator);
  return true;
}

uint8_t *jv_put_room(jv_writer *w, size_t size) {
  if (w->failed || size > SIZE_MAX - w->size || !jv_grow(w->allocator, &w->bytes, &w->capacity, w->size + size, 1)) {
    w->failed = true;
    return NULL;
  }
  uint8_t *room = w->bytes + w->size;
  if (size) memset(room, 0, size);
  w->size += size;
  return room;
}

void jv_put(jv_writer *w, const void *bytes, size_t size) {
  uint8_t *room = jv_put_room(w, size);
  if (room && size) memcpy(room, bytes, size);
}

void jv_put_number(jv_writer *w, uint64_t number, unsigned bytes) {
  uint8_t *room = jv_put_room(w, bytes);
  if (room) jv_store_le(room, number, bytes);
}

void jv_put_u32s(jv_writer *w, const uint32_t *values, size_t count) {
  uint8_t *room = jv_put_room(w, 4 * count);
  for (size_t i = 0; room && i < count; i++) jv_store_le(room + 4 * i, values[i], 4);
}

void jv_put_ref(jv_writer *w, const void *object) {
  const jv_obj *o = object;
  jv_put(w, o ? &o->hash : jv_zero_hash(0), JAVM_HASH_BYTES);
}

size_t jv_put_hole(jv_writer *w) {
  size_t hole = w->size;
  jv_put_room(w, OFFSET_BYTES);
  return hole;
}

void jv_fill_hole(jv_writer *w, size_t hole, size_t base) {
  if (!w->failed) jv_store_le(w->bytes + hole, w->size - base, OFFSET_BYTES);
}

/* ------------------------------------------------------------------------------------------------------- reader */

javm_status jv_malformed(const jv_reader *r, const uint8_t *at, const char *format, ...) {
  char text[sizeof r->error->text];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return jv_fail(r->error, JAVM_MALFORMED, (size_t)(at - r->bytes), "%s", text);
}

javm_status jv_split(const jv_reader *r, jv_span whole, const char *name, size_t fixed_bytes, const jv_field *fields,
                     size_t count, jv_span *parts) {
  if (whole.size < fixed_bytes)
    return jv_malformed(r, whole.at, "%s: %zu bytes, expected at least %zu", name, whole.size, fixed_bytes);
  size_t before = fixed_bytes;
  for (size_t i = 0; i < count; i++) {
    const uint8_t *at = whole.at + fields[i].place;
    size_t offset = jv_load_le(at, OFFSET_BYTES);
    if (i == 0 && offset != fixed_bytes)
      return jv_malformed(r, at, "%s: offset %zu, expected %zu", fields[i].name, offset, fixed_bytes);
    if (offset < before || offset > whole.size)
      return jv_malformed(r, at, "%s: offset %zu, expected %zu to %zu", fields[i].name, offset, before, whole.size);
    parts[i].at = whole.at + offset;
    if (i > 0) parts[i - 1].size = offset - before;
    before = offset;
  }
  parts[count - 1].size = whole.size - before;
  return JAVM_OK;
}

javm_status jv_list(const jv_reader *r, jv_span list, const char *name, size_t element_bytes, size_t limit,
                    size_t *count) {
  if (list.size % element_bytes != 0)
    return jv_malformed(r, list.at, "%s: %zu bytes, expected a multiple of %zu", name, list.size, element_bytes);
  if (list.size / element_bytes > limit)
    return jv_malformed(r, list.at, "%s: %zu elements, expected at most %zu", name, list.size / element_bytes, limit);
  *count = list.size / element_bytes;
  return JAVM_OK;
}

javm_status jv_list_of_variable(const jv_reader *r, jv_span list, const char *name, size_t limit, size_t *count) {
  *count = 0;
  if (list.size == 0) return JAVM_OK;
  if (list.size < OFFSET_BYTES) return jv_malformed(r, list.at, "%s: %zu bytes, expected an offset", name, list.size);
  size_t first = jv_load_le(list.at, OFFSET_BYTES), before = first;
  if (first == 0 || first % OFFSET_BYTES != 0 || first > list.size)
    return jv_malformed(r, list.at, "%s: first offset %zu, expected a multiple of 4 up to %zu", name, first, list.size);
  size_t elements = first / OFFSET_BYTES;
  if (elements > limit)
    return jv_malformed(r, list.at, "%s: %zu elements, expected at most %zu", name, elements, limit);
  for (size_t i = 1; i < elements; i++) {
    const uint8_t *at = list.at + i * OFFSET_BYTES;
    size_t offset = jv_load_le(at, OFFSET_BYTES);
    if (offset < before || offset > list.size)
      return jv_malformed(r, at, "%s: offset %zu, expected %zu to %zu", name, offset, before, list.size);
    before = offset;
  }
  *count = elements;
  return JAVM_OK;
}

jv_span jv_element(jv_span list, size_t count, size_t index) {
  size_t from = jv_load_le(list.at + index * OFFSET_BYTES, OFFSET_BYTES);
  size_t to = index + 1 < count ? jv_load_le(list.at + (index + 1) * OFFSET_BYTES, OFFSET_BYTES) : list.size;
  return (jv_span){list.at + from, to - from};
}

javm_status jv_list_u32(const jv_reader *r, jv_span list, const char *name, size_t limit, const uint32_t **out,
                        size_t *count) {
  size_t n;
  javm_status status = jv_list(r, list, name, 4, limit, &n);
  if (status || n == 0) return status;
  uint32_t *values = jv_alloc_array(javm_dir_allocator(r->dir), n, sizeof *values);
  if (!values) return jv_fail_memory(r->error);
  for (size_t i = 0; i < n; i++) values[i] = (uint32_t)jv_load_le(list.at + 4 * i, 4);
  *out = values;
  *count = n;
  return JAVM_OK;
}

javm_status jv_read_ref(const jv_reader *r, const uint8_t *at, jv_obj_kind kind, jv_obj **out) {
  javm_hash hash;
  memcpy(hash.bytes, at, sizeof hash.bytes);
  *out = NULL;
  if (jv_hash_is_zero(&hash)) return JAVM_OK;
  jv_obj *part = r->parts ? jv_set_find(r->parts, &hash) : NULL;
  *out = part && part->kind == kind ? jv_obj_retain(part) : jv_obj_for_hash(r->dir, &hash, kind);
  return *out ? JAVM_OK : jv_fail_memory(r->error);
}
