/* The in-process kernel assist: sorted tables behind one lock. */
#include <pthread.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "cap/cap.h"

typedef struct number_entry {
  uint64_t id, value;
} number_entry;

typedef struct number_table { /* sorted by id */
  number_entry *entries;
  size_t count, capacity;
} number_table;

typedef struct catcher {
  javm_hash key;
  javm_hash *markers; /* in order of adding */
  size_t count, capacity;
} catcher;

typedef struct content {
  number_table meters, quotas;
  catcher *catchers; /* sorted by key */
  size_t catcher_count, catcher_capacity;
  javm_cap **files; /* by id */
  size_t file_count, file_capacity;
  uint64_t next_catcher;
} content;

struct javm_local_assist {
  javm_dir *dir;
  const javm_allocator *allocator;
  javm_assist interface;
  pthread_mutex_t lock;
  content c;
};

/* ---- tables ---- */

static size_t number_place(const number_table *t, uint64_t id) {
  size_t low = 0, high = t->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (t->entries[middle].id < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

static uint64_t number_get(const number_table *t, uint64_t id) {
  size_t i = number_place(t, id);
  return i < t->count && t->entries[i].id == id ? t->entries[i].value : 0;
}

static javm_status number_set(const javm_allocator *a, number_table *t, uint64_t id, uint64_t value,
                              uint64_t *previous) {
  size_t i = number_place(t, id);
  if (i == t->count || t->entries[i].id != id) {
    if (!jv_grow(a, &t->entries, &t->capacity, t->count + 1, sizeof *t->entries)) return JAVM_OUT_OF_MEMORY;
    memmove(&t->entries[i + 1], &t->entries[i], (t->count - i) * sizeof *t->entries);
    t->entries[i] = (number_entry){id, 0};
    t->count++;
  }
  *previous = t->entries[i].value;
  t->entries[i].value = value;
  return JAVM_OK;
}

static size_t catcher_place(const content *c, const javm_hash *key, bool *found) {
  size_t low = 0, high = c->catcher_count;
  *found = false;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = memcmp(&c->catchers[middle].key, key, sizeof *key);
    if (order == 0) *found = true;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

static javm_status catcher_add(const javm_allocator *a, content *c, const javm_hash *key, const javm_hash *marker) {
  bool found;
  size_t i = catcher_place(c, key, &found);
  if (!found) {
    if (!jv_grow(a, &c->catchers, &c->catcher_capacity, c->catcher_count + 1, sizeof *c->catchers))
      return JAVM_OUT_OF_MEMORY;
    memmove(&c->catchers[i + 1], &c->catchers[i], (c->catcher_count - i) * sizeof *c->catchers);
    c->catchers[i] = (catcher){*key, NULL, 0, 0};
    c->catcher_count++;
  }
  catcher *k = &c->catchers[i];
  for (size_t m = 0; m < k->count; m++)
    if (jv_hash_equal(&k->markers[m], marker)) return JAVM_OK;
  if (!jv_grow(a, &k->markers, &k->capacity, k->count + 1, sizeof *k->markers)) return JAVM_OUT_OF_MEMORY;
  k->markers[k->count++] = *marker;
  return JAVM_OK;
}

static void reset(const javm_allocator *a, content *c) {
  for (size_t i = 0; i < c->catcher_count; i++)
    jv_free(a, c->catchers[i].markers, c->catchers[i].capacity * sizeof(javm_hash));
  c->catcher_count = c->meters.count = c->quotas.count = 0;
}

static void clear(javm_dir *dir, const javm_allocator *a, content *c) {
  reset(a, c);
  for (size_t i = 0; i < c->file_count; i++) jv_release(dir, c->files[i]);
  jv_free(a, c->meters.entries, c->meters.capacity * sizeof *c->meters.entries);
  jv_free(a, c->quotas.entries, c->quotas.capacity * sizeof *c->quotas.entries);
  jv_free(a, c->catchers, c->catcher_capacity * sizeof *c->catchers);
  jv_free(a, c->files, c->file_capacity * sizeof *c->files);
}

/* ---- the interface ---- */

static uint64_t gas_meter_get(void *ctx, uint64_t id) {
  javm_local_assist *s = ctx;
  pthread_mutex_lock(&s->lock);
  uint64_t value = number_get(&s->c.meters, id);
  pthread_mutex_unlock(&s->lock);
  return value;
}

static javm_status gas_meter_set(void *ctx, uint64_t id, uint64_t value, uint64_t *previous) {
  javm_local_assist *s = ctx;
  pthread_mutex_lock(&s->lock);
  javm_status status = number_set(s->allocator, &s->c.meters, id, value, previous);
  pthread_mutex_unlock(&s->lock);
  return status;
}

static uint64_t storage_quota_get(void *ctx, uint64_t id) {
  javm_local_assist *s = ctx;
  pthread_mutex_lock(&s->lock);
  uint64_t value = number_get(&s->c.quotas, id);
  pthread_mutex_unlock(&s->lock);
  return value;
}

static javm_status storage_quota_set(void *ctx, uint64_t id, uint64_t value, uint64_t *previous) {
  javm_local_assist *s = ctx;
  pthread_mutex_lock(&s->lock);
  javm_status status = number_set(s->allocator, &s->c.quotas, id, value, previous);
  pthread_mutex_unlock(&s->lock);
  return status;
}

static uint64_t yield_catcher_new(void *ctx) {
  javm_local_assist *s = ctx;
  pthread_mutex_lock(&s->lock);
  uint64_t number = s->c.next_catcher++;
  pthread_mutex_unlock(&s->lock);
  return number;
}

static size_t yield_catcher_count(void *ctx, const javm_hash *key) {
  javm_local_assist *s = ctx;
  bool found;
  pthread_mutex_lock(&s->lock);
  size_t i = catcher_place(&s->c, key, &found);
  size_t count = found ? s->c.catchers[i].count : 0;
  pthread_mutex_unlock(&s->lock);
  return count;
}

static void yield_catcher_marker(void *ctx, const javm_hash *key, size_t index, javm_hash *marker) {
  javm_local_assist *s = ctx;
  bool found;
  pthread_mutex_lock(&s->lock);
  size_t i = catcher_place(&s->c, key, &found);
  if (found && index < s->c.catchers[i].count) *marker = s->c.catchers[i].markers[index];
  else memset(marker, 0, sizeof *marker);
  pthread_mutex_unlock(&s->lock);
}

static javm_status yield_catcher_add(void *ctx, const javm_hash *key, const javm_hash *marker) {
  javm_local_assist *s = ctx;
  pthread_mutex_lock(&s->lock);
  javm_status status = catcher_add(s->allocator, &s->c, key, marker);
  pthread_mutex_unlock(&s->lock);
  return status;
}

static void yield_catcher_remove(void *ctx, const javm_hash *key, const javm_hash *marker) {
  javm_local_assist *s = ctx;
  bool found;
  pthread_mutex_lock(&s->lock);
  size_t i = catcher_place(&s->c, key, &found);
  catcher *k = &s->c.catchers[i];
  for (size_t m = 0; found && m < k->count; m++) {
    if (!jv_hash_equal(&k->markers[m], marker)) continue;
    memmove(&k->markers[m], &k->markers[m + 1], (k->count - m - 1) * sizeof *k->markers);
    k->count--;
    break;
  }
  pthread_mutex_unlock(&s->lock);
}

static javm_status file_open(void *ctx, uint64_t id, javm_cap **data) {
  javm_local_assist *s = ctx;
  pthread_mutex_lock(&s->lock);
  javm_status status = id < s->c.file_count ? JAVM_OK : JAVM_OUT_OF_RANGE;
  if (status == JAVM_OK) *data = javm_cap_retain(s->c.files[id]);
  pthread_mutex_unlock(&s->lock);
  return status;
}

/* The Data is published, so that an assist that imports what this one exports finds it in the directory. */
static javm_status file_save(void *ctx, javm_cap *data, uint64_t quota, uint64_t size_bytes, uint64_t *id) {
  javm_local_assist *s = ctx;
  uint64_t previous;
  pthread_mutex_lock(&s->lock);
  uint64_t left = number_get(&s->c.quotas, quota);
  javm_status status = left < size_bytes ? JAVM_OUT_OF_RANGE : JAVM_OK;
  if (status == JAVM_OK &&
      !jv_grow(s->allocator, &s->c.files, &s->c.file_capacity, s->c.file_count + 1, sizeof *s->c.files))
    status = JAVM_OUT_OF_MEMORY;
  if (status == JAVM_OK && !jv_publish(s->dir, &data->obj)) status = JAVM_OUT_OF_MEMORY;
  if (status == JAVM_OK) status = number_set(s->allocator, &s->c.quotas, quota, left - size_bytes, &previous);
  if (status == JAVM_OK) {
    *id = s->c.file_count;
    s->c.files[s->c.file_count++] = javm_cap_retain(data);
  }
  pthread_mutex_unlock(&s->lock);
  return status;
}

static void reset_block(void *ctx) {
  javm_local_assist *s = ctx;
  pthread_mutex_lock(&s->lock);
  reset(s->allocator, &s->c);
  pthread_mutex_unlock(&s->lock);
}

javm_status javm_local_assist_new(javm_dir *dir, javm_local_assist **out) {
  const javm_allocator *a = javm_dir_allocator(dir);
  javm_local_assist *s = jv_alloc_zero(a, sizeof *s);
  if (!s) return JAVM_OUT_OF_MEMORY;
  if (pthread_mutex_init(&s->lock, NULL) != 0) {
    jv_free(a, s, sizeof *s);
    return JAVM_OUT_OF_MEMORY;
  }
  s->dir = dir;
  s->allocator = a;
  s->interface = (javm_assist){s,
                               gas_meter_get,
                               gas_meter_set,
                               storage_quota_get,
                               storage_quota_set,
                               yield_catcher_new,
                               yield_catcher_count,
                               yield_catcher_marker,
                               yield_catcher_add,
                               yield_catcher_remove,
                               file_open,
                               file_save,
                               reset_block};
  *out = s;
  return JAVM_OK;
}

void javm_local_assist_free(javm_local_assist *s) {
  if (!s) return;
  clear(s->dir, s->allocator, &s->c);
  pthread_mutex_destroy(&s->lock);
  jv_free(s->allocator, s, sizeof *s);
}

const javm_assist *javm_local_assist_interface(javm_local_assist *s) { return &s->interface; }

/* ---- copies ---- */

bool jv_is_local_assist(const javm_assist *assist) { return assist->gas_meter_get == gas_meter_get; }

static bool copy_numbers(const javm_allocator *a, number_table *to, const number_table *from) {
  if (!jv_grow(a, &to->entries, &to->capacity, from->count, sizeof *to->entries)) return false;
  if (from->count) memcpy(to->entries, from->entries, from->count * sizeof *to->entries);
  to->count = from->count;
  return true;
}

static bool copy_content(const javm_allocator *a, content *to, const content *from) {
  to->next_catcher = from->next_catcher;
  if (!copy_numbers(a, &to->meters, &from->meters) || !copy_numbers(a, &to->quotas, &from->quotas) ||
      !jv_grow(a, &to->catchers, &to->catcher_capacity, from->catcher_count, sizeof *to->catchers) ||
      !jv_grow(a, &to->files, &to->file_capacity, from->file_count, sizeof *to->files))
    return false;
  for (size_t i = 0; i < from->catcher_count; i++) {
    const catcher *k = &from->catchers[i];
    catcher *copy = &to->catchers[to->catcher_count++];
    *copy = (catcher){k->key, NULL, 0, 0};
    if (!jv_grow(a, &copy->markers, &copy->capacity, k->count, sizeof *copy->markers)) return false;
    if (k->count) memcpy(copy->markers, k->markers, k->count * sizeof *copy->markers);
    copy->count = k->count;
  }
  for (size_t i = 0; i < from->file_count; i++) to->files[to->file_count++] = javm_cap_retain(from->files[i]);
  return true;
}

javm_status javm_local_assist_copy(javm_local_assist *s, javm_local_assist **out) {
  javm_local_assist *copy;
  javm_status status = javm_local_assist_new(s->dir, &copy);
  if (status != JAVM_OK) return status;
  pthread_mutex_lock(&s->lock);
  bool ok = copy_content(s->allocator, &copy->c, &s->c);
  pthread_mutex_unlock(&s->lock);
  if (!ok) {
    javm_local_assist_free(copy);
    return JAVM_OUT_OF_MEMORY;
  }
  *out = copy;
  return JAVM_OK;
}

/* ---- export and import ----
 *
 *   magic "JVKA", version 1 | next catcher u64
 *   | u64 n, n x (id u64, value u64), ids ascending: meters; the same for quotas
 *   | u64 n, n x (key, u64 m, m x marker): catchers, keys ascending | u64 n, n x hash: files
 */

static const uint8_t magic[8] = {'J', 'V', 'K', 'A', 1, 0, 0, 0};

static uint8_t *put_number(uint8_t *p, uint64_t v) {
  jv_store_le(p, v, 8);
  return p + 8;
}

static uint8_t *put_hash(uint8_t *p, const javm_hash *h) {
  memcpy(p, h->bytes, JAVM_HASH_BYTES);
  return p + JAVM_HASH_BYTES;
}

static uint8_t *put_table(uint8_t *p, const number_table *t) {
  p = put_number(p, t->count);
  for (size_t i = 0; i < t->count; i++) p = put_number(put_number(p, t->entries[i].id), t->entries[i].value);
  return p;
}

static javm_status export_locked(javm_local_assist *s, uint8_t **out, size_t *size_bytes) {
  const content *c = &s->c;
  size_t size = sizeof magic + 5 * 8 + 16 * (c->meters.count + c->quotas.count) + 32 * c->file_count;
  for (size_t i = 0; i < c->catcher_count; i++) size += 32 + 8 + 32 * c->catchers[i].count;
  for (size_t i = 0; i < c->file_count; i++)
    if (!jv_settle(s->dir, &c->files[i]->obj)) return JAVM_OUT_OF_MEMORY;
  uint8_t *bytes = jv_alloc_array(s->allocator, size, 1);
  if (!bytes) return JAVM_OUT_OF_MEMORY;
  memcpy(bytes, magic, sizeof magic);
  uint8_t *p = put_number(bytes + sizeof magic, c->next_catcher);
  p = put_table(put_table(p, &c->meters), &c->quotas);
  p = put_number(p, c->catcher_count);
  for (size_t i = 0; i < c->catcher_count; i++) {
    p = put_number(put_hash(p, &c->catchers[i].key), c->catchers[i].count);
    for (size_t m = 0; m < c->catchers[i].count; m++) p = put_hash(p, &c->catchers[i].markers[m]);
  }
  p = put_number(p, c->file_count);
  for (size_t i = 0; i < c->file_count; i++) p = put_hash(p, &c->files[i]->obj.hash);
  *out = bytes;
  *size_bytes = size;
  return JAVM_OK;
}

javm_status javm_local_assist_export(javm_local_assist *s, uint8_t **out, size_t *size_bytes) {
  pthread_mutex_lock(&s->lock);
  javm_status status = export_locked(s, out, size_bytes);
  pthread_mutex_unlock(&s->lock);
  return status;
}

typedef struct reader {
  const uint8_t *bytes;
  size_t size, at;
  javm_error *error;
} reader;

static javm_status short_of(const reader *r, const char *what) {
  return jv_fail(r->error, JAVM_MALFORMED, r->at, "%s: the bytes end before it", what);
}

/* A count of parts of at least part_bytes each; more than can follow is an error. */
static javm_status get_number(reader *r, const char *what, size_t part_bytes, uint64_t *v) {
  if (r->size - r->at < 8) return short_of(r, what);
  *v = jv_load_le(r->bytes + r->at, 8);
  r->at += 8;
  if (part_bytes && *v > (r->size - r->at) / part_bytes) return short_of(r, what);
  return JAVM_OK;
}

static javm_status get_table(reader *r, const javm_allocator *a, number_table *t, const char *what) {
  uint64_t count;
  javm_status status = get_number(r, what, 16, &count);
  if (status != JAVM_OK) return status;
  if (!jv_grow(a, &t->entries, &t->capacity, (size_t)count, sizeof *t->entries)) return jv_fail_memory(r->error);
  for (uint64_t i = 0; i < count; i++, r->at += 16) {
    number_entry e = {jv_load_le(r->bytes + r->at, 8), jv_load_le(r->bytes + r->at + 8, 8)};
    if (i && t->entries[i - 1].id >= e.id)
      return jv_fail(r->error, JAVM_MALFORMED, r->at, "%s: ids not in ascending order", what);
    t->entries[t->count++] = e;
  }
  return JAVM_OK;
}

static javm_status get_catchers(reader *r, const javm_allocator *a, content *c) {
  uint64_t count, markers;
  javm_status status = get_number(r, "catchers", 40, &count);
  for (uint64_t i = 0; status == JAVM_OK && i < count; i++) {
    javm_hash key, marker;
    if (r->size - r->at < 32) return short_of(r, "catcher");
    memcpy(&key, r->bytes + r->at, 32);
    if (i && memcmp(&c->catchers[c->catcher_count - 1].key, &key, 32) >= 0)
      return jv_fail(r->error, JAVM_MALFORMED, r->at, "catchers: keys not in ascending order");
    r->at += 32;
    if (!jv_grow(a, &c->catchers, &c->catcher_capacity, c->catcher_count + 1, sizeof *c->catchers))
      return jv_fail_memory(r->error);
    c->catchers[c->catcher_count++] = (catcher){key, NULL, 0, 0};
    status = get_number(r, "markers", 32, &markers);
    for (uint64_t m = 0; status == JAVM_OK && m < markers; m++, r->at += 32) {
      memcpy(&marker, r->bytes + r->at, 32);
      status = catcher_add(a, c, &key, &marker);
      if (status != JAVM_OK) return jv_fail_memory(r->error);
      if (c->catchers[c->catcher_count - 1].count != m + 1)
        return jv_fail(r->error, JAVM_MALFORMED, r->at, "markers: one appears twice");
    }
  }
  return status;
}

static javm_status get_files(reader *r, javm_local_assist *s, content *c) {
  uint64_t count;
  javm_status status = get_number(r, "files", 32, &count);
  if (status != JAVM_OK) return status;
  if (!jv_grow(s->allocator, &c->files, &c->file_capacity, (size_t)count, sizeof *c->files))
    return jv_fail_memory(r->error);
  for (uint64_t i = 0; i < count; i++, r->at += 32) {
    javm_hash hash;
    memcpy(&hash, r->bytes + r->at, 32);
    javm_cap *cap = jv_cap_for_hash(s->dir, &hash);
    if (!cap) return jv_fail_memory(r->error);
    c->files[c->file_count++] = cap;
  }
  return JAVM_OK;
}

javm_status javm_local_assist_import(javm_local_assist *s, const uint8_t *bytes, size_t size_bytes, javm_error *error) {
  reader r = {bytes, size_bytes, 0, error};
  content c;
  memset(&c, 0, sizeof c);
  if (size_bytes < sizeof magic || memcmp(bytes, magic, sizeof magic) != 0)
    return jv_fail(error, JAVM_MALFORMED, 0, "not an exported kernel assist: it does not start with JVKA, version 1");
  r.at = sizeof magic;
  javm_status status = get_number(&r, "next catcher", 0, &c.next_catcher);
  if (status == JAVM_OK) status = get_table(&r, s->allocator, &c.meters, "gas meters");
  if (status == JAVM_OK) status = get_table(&r, s->allocator, &c.quotas, "storage quotas");
  if (status == JAVM_OK) status = get_catchers(&r, s->allocator, &c);
  if (status == JAVM_OK) status = get_files(&r, s, &c);
  if (status == JAVM_OK && r.at != size_bytes)
    status = jv_fail(error, JAVM_MALFORMED, r.at, "%zu bytes behind the end", size_bytes - r.at);
  if (status == JAVM_OK) {
    pthread_mutex_lock(&s->lock);
    content old = s->c;
    s->c = c;
    pthread_mutex_unlock(&s->lock);
    c = old;
  }
  clear(s->dir, s->allocator, &c);
  return status;
}
