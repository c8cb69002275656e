/* See dir.h: finding and publishing. A publication reserves room in every shard it needs before it inserts anything. */
#include "cap/dir.h"

#include "base/error.h"
#include "cap/kind.h"

javm_status javm_dir_new(const javm_allocator *allocator, javm_dir **out) {
  if (!allocator) allocator = javm_allocator_default();
  jv_hash_prepare();
  javm_dir *dir = jv_alloc_zero(allocator, sizeof *dir);
  if (!dir) return JAVM_OUT_OF_MEMORY;
  dir->allocator = *allocator;
  atomic_init(&dir->epoch, 1);
  dir->zero_page = jv_page_new(allocator);
  size_t locks = 0;
  while (dir->zero_page && locks < JV_SHARDS && pthread_mutex_init(&dir->shards[locks].lock, NULL) == 0) locks++;
  if (locks < JV_SHARDS) {
    while (locks-- > 0) pthread_mutex_destroy(&dir->shards[locks].lock);
    jv_page_release(allocator, dir->zero_page);
    jv_free(allocator, dir, sizeof *dir);
    return JAVM_OUT_OF_MEMORY;
  }
  memset(dir->zero_page->bytes, 0, JAVM_PAGE_BYTES);
  javm_hash hash;
  jv_hash(&hash, dir->zero_page->bytes, JAVM_PAGE_BYTES);
  jv_obj_set_hash(&dir->zero_page->obj, &hash);
  *out = dir;
  return JAVM_OK;
}

void javm_dir_free(javm_dir *dir) {
  if (!dir) return;
  jv_attachment *attachment = atomic_load(&dir->attachment);
  if (attachment) attachment->free(dir, attachment);
  for (size_t i = 0; i < JV_SHARDS; i++) {
    jv_shard *shard = &dir->shards[i];
    for (size_t k = 0; k < shard->set.capacity; k++) jv_release(dir, shard->set.slots[k]);
    jv_set_clear(&dir->allocator, &shard->set);
    pthread_mutex_destroy(&shard->lock);
  }
  jv_release(dir, dir->zero_page);
  javm_allocator allocator = dir->allocator;
  jv_free(&allocator, dir, sizeof *dir);
}

const javm_allocator *javm_dir_allocator(const javm_dir *dir) { return &dir->allocator; }

jv_page *jv_dir_zero_page(javm_dir *dir) { return dir->zero_page; }

jv_obj *jv_dir_find(javm_dir *dir, const javm_hash *hash) {
  jv_shard *shard = jv_shard_of(dir, hash);
  pthread_mutex_lock(&shard->lock);
  jv_obj *o = jv_obj_retain(jv_set_find(&shard->set, hash));
  pthread_mutex_unlock(&shard->lock);
  return o;
}

/* --------------------------------------------------------------------------------------------------- publishing */

typedef struct publication {
  javm_dir *dir;
  unsigned epoch;
  jv_set seen;    /* by address */
  jv_obj **items; /* what is not yet published, each before what it points to */
  size_t count, capacity;
} publication;

static bool collect(void *ctx, jv_obj *o) {
  publication *p = ctx;
  if (!o || o->kind == JV_OBJ_ABSENT || atomic_load_explicit(&o->published, memory_order_acquire) == p->epoch)
    return true;
  if (!jv_set_reserve(&p->dir->allocator, &p->seen, 1)) return false;
  if (!jv_grow(&p->dir->allocator, &p->items, &p->capacity, p->count + 1, sizeof *p->items)) return false;
  if (jv_set_add(&p->seen, o)) p->items[p->count++] = o;
  return true;
}

static bool is_entry(const jv_obj *o) { return o->kind == JV_OBJ_PAGE || o->kind == JV_OBJ_CAP; }

static bool reserve(publication *p) {
  size_t wanted[JV_SHARDS] = {0};
  for (size_t i = 0; i < p->count; i++)
    if (is_entry(p->items[i])) wanted[jv_shard_of(p->dir, &p->items[i]->hash) - p->dir->shards]++;
  for (size_t i = 0; i < JV_SHARDS; i++) {
    jv_shard *shard = &p->dir->shards[i];
    if (wanted[i] == 0) continue;
    pthread_mutex_lock(&shard->lock);
    bool ok = jv_set_reserve(&p->dir->allocator, &shard->set, shard->reserved + wanted[i]);
    if (ok) shard->reserved += wanted[i];
    pthread_mutex_unlock(&shard->lock);
    if (ok) continue;
    while (i-- > 0) {
      if (wanted[i] == 0) continue;
      pthread_mutex_lock(&p->dir->shards[i].lock);
      p->dir->shards[i].reserved -= wanted[i];
      pthread_mutex_unlock(&p->dir->shards[i].lock);
    }
    return false;
  }
  return true;
}

static void insert(javm_dir *dir, jv_obj *o) {
  jv_shard *shard = jv_shard_of(dir, &o->hash);
  pthread_mutex_lock(&shard->lock);
  shard->reserved--;
  if (jv_set_add(&shard->set, o)) jv_obj_retain(o);
  pthread_mutex_unlock(&shard->lock);
}

static bool publish_round(publication *p, jv_obj *const *objects, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!collect(p, objects[i])) return false;
  for (size_t i = 0; i < p->count; i++)
    if (!jv_each_child(p->items[i], collect, p)) return false;
  if (!reserve(p)) return false;

  /* commit; parts before wholes */
  for (size_t i = p->count; i-- > 0;)
    if (is_entry(p->items[i])) insert(p->dir, p->items[i]);
  for (size_t i = 0; i < p->count; i++) atomic_store_explicit(&p->items[i]->published, p->epoch, memory_order_release);
  return true;
}

bool jv_publish_all(javm_dir *dir, jv_obj *const *objects, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!jv_settle(dir, objects[i])) return false;
  for (;;) {
    publication p = {.dir = dir, .epoch = atomic_load(&dir->epoch)};
    jv_set_init(&p.seen, true);
    bool ok = publish_round(&p, objects, count);
    jv_set_clear(&dir->allocator, &p.seen);
    jv_free_array(&dir->allocator, p.items, p.capacity, sizeof *p.items);
    if (!ok) return false;
    /* A sweep in between may have taken out what we saw as published. */
    if (p.epoch == atomic_load(&dir->epoch)) return true;
  }
}

bool jv_publish(javm_dir *dir, jv_obj *object) { return jv_publish_all(dir, &object, 1); }

/* --------------------------------------------------------------------------------------------- public functions */

javm_status javm_dir_put(javm_dir *dir, javm_cap *cap, javm_hash *hash, javm_error *error) {
  javm_cap *value;
  javm_status status = jv_resolve(dir, cap, JAVM_KIND_ABSENT, &value, error);
  if (status) return status;
  if (jv_publish(dir, &value->obj)) {
    if (hash) *hash = value->obj.hash;
  } else {
    status = jv_fail_memory(error);
  }
  jv_release(dir, value);
  return status;
}

javm_status javm_dir_get(javm_dir *dir, const javm_hash *hash, javm_cap **out, javm_error *error) {
  jv_obj *o = jv_dir_find(dir, hash);
  if (!o || o->kind != JV_OBJ_CAP) {
    jv_release(dir, o);
    *out = NULL;
    return jv_fail_missing(error, JAVM_VALUE_NOT_FOUND, hash, "no value with this hash in the directory");
  }
  *out = (javm_cap *)o;
  return JAVM_OK;
}

bool javm_dir_has(javm_dir *dir, const javm_hash *hash) {
  jv_obj *o = jv_dir_find(dir, hash);
  jv_release(dir, o);
  return o != NULL;
}

javm_status javm_dir_put_page(javm_dir *dir, const uint8_t *bytes, javm_hash *hash) {
  jv_obj *page = jv_page_of(dir, bytes, JAVM_PAGE_BYTES);
  if (!page) return JAVM_OUT_OF_MEMORY;
  javm_status status = jv_publish(dir, page) ? JAVM_OK : JAVM_OUT_OF_MEMORY;
  if (hash && status == JAVM_OK) *hash = page->hash;
  jv_release(dir, page);
  return status;
}

javm_status javm_dir_get_page(javm_dir *dir, const javm_hash *hash, uint8_t *bytes, javm_error *error) {
  jv_obj *o = jv_dir_find(dir, hash);
  bool found = o && o->kind == JV_OBJ_PAGE;
  if (found) memcpy(bytes, ((jv_page *)o)->bytes, JAVM_PAGE_BYTES);
  jv_release(dir, o);
  return found ? JAVM_OK
               : jv_fail_missing(error, JAVM_VALUE_NOT_FOUND, hash, "no page with this hash in the directory");
}

size_t javm_dir_count(javm_dir *dir) {
  size_t count = 0;
  for (size_t i = 0; i < JV_SHARDS; i++) {
    pthread_mutex_lock(&dir->shards[i].lock);
    count += dir->shards[i].set.count;
    pthread_mutex_unlock(&dir->shards[i].lock);
  }
  return count;
}

void javm_dir_each(javm_dir *dir, javm_dir_visit_fn visit, void *ctx) {
  bool more = true;
  for (size_t i = 0; more && i < JV_SHARDS; i++) {
    jv_shard *shard = &dir->shards[i];
    pthread_mutex_lock(&shard->lock);
    for (size_t k = 0; more && k < shard->set.capacity; k++) {
      jv_obj *o = shard->set.slots[k];
      if (!o) continue;
      javm_kind kind = o->kind == JV_OBJ_CAP ? (javm_kind)((javm_cap *)o)->kind : JAVM_KIND_ABSENT;
      more = visit(ctx, &o->hash, kind);
    }
    pthread_mutex_unlock(&shard->lock);
  }
}
