/*
 * What the VMs of a directory share. Programs, keyed by the Image's hash and by what the code depends on besides: engine, gas
 * model, M and the other settings (the processor is one and the same for all); bounded in bytes, the least recently used goes.
 * And a few entries that VMs have left behind, whose memories' tables the system need not make again for the next VM.
 */
#include "base/error.h"
#include "cap/dir.h"
#include "vm/vm.h"

enum { DEFAULT_MAX_BYTES = 256 << 20, ENTRIES_MAX = 8, ENTRY_TOUCHED_MAX = 1024 };

typedef struct shared_program {
  javm_hash image;
  uint64_t settings;
  javm_program *program;
  uint64_t last_used;
} shared_program;

typedef struct program_cache {
  jv_attachment attachment;
  pthread_mutex_t lock;
  size_t max_bytes;
  shared_program *list;
  size_t count, capacity;
  uint64_t clock;
  jv_entry *entries; /* left behind */
  size_t entry_count;
} program_cache;

static uint64_t settings_of(const javm_program_config *c) {
  javm_engine engine = c->engine == JAVM_ENGINE_DEFAULT ? JAVM_ENGINE_RECOMPILER : c->engine;
  return (uint64_t)c->load_cycles << 32 | (uint64_t)c->gas_model << 8 | (uint64_t)engine << 4 |
         (uint64_t)c->counts_instructions << 1 | c->explicit_checks;
}

static void free_cache(javm_dir *dir, jv_attachment *attachment) {
  program_cache *cache = (program_cache *)attachment;
  for (size_t i = 0; i < cache->count; i++) javm_program_release(cache->list[i].program);
  jv_free(&dir->allocator, cache->list, cache->capacity * sizeof *cache->list);
  for (jv_entry *e = cache->entries, *next; e; e = next) {
    next = e->next_free;
    jv_entry_destroy(&dir->allocator, e);
  }
  pthread_mutex_destroy(&cache->lock);
  jv_free(&dir->allocator, cache, sizeof *cache);
}

/* The directory's cache; NULL: nobody needed it yet. */
static program_cache *existing_cache(javm_dir *dir) {
  return (program_cache *)atomic_load_explicit(&dir->attachment, memory_order_acquire);
}

/* The directory's cache, made when it is first asked for; NULL: out of memory. */
static program_cache *cache_of(javm_dir *dir) {
  program_cache *cache = existing_cache(dir);
  if (cache) return cache;
  jv_attachment *none = NULL;
  cache = jv_alloc_zero(&dir->allocator, sizeof *cache);
  if (!cache) return NULL;
  cache->attachment.free = free_cache;
  cache->max_bytes = DEFAULT_MAX_BYTES;
  if (pthread_mutex_init(&cache->lock, NULL) != 0) {
    jv_free(&dir->allocator, cache, sizeof *cache);
    return NULL;
  }
  if (atomic_compare_exchange_strong(&dir->attachment, &none, &cache->attachment)) return cache;
  free_cache(dir, &cache->attachment);
  return (program_cache *)none;
}

static void remove_at(program_cache *cache, size_t i) {
  javm_program_release(cache->list[i].program);
  cache->list[i] = cache->list[--cache->count];
}

/* Removes the least recently used until what is left is within the bound. */
static void evict(program_cache *cache) {
  for (;;) {
    size_t bytes = 0, oldest = 0;
    for (size_t i = 0; i < cache->count; i++) {
      bytes += javm_program_bytes(cache->list[i].program);
      if (cache->list[i].last_used < cache->list[oldest].last_used) oldest = i;
    }
    if (bytes <= cache->max_bytes) return;
    remove_at(cache, oldest);
  }
}

/* The program for this Image and these settings, with a count; NULL: there is none. */
static javm_program *find(program_cache *cache, const javm_hash *image, uint64_t settings) {
  for (size_t i = 0; i < cache->count; i++) {
    shared_program *s = &cache->list[i];
    if (s->settings != settings || !jv_hash_equal(&s->image, image)) continue;
    s->last_used = ++cache->clock;
    javm_program_retain(s->program);
    return s->program;
  }
  return NULL;
}

javm_status jv_program_get(javm_dir *dir, const javm_cap *image, const javm_program_config *config, javm_program **out,
                           javm_error *error) {
  /* The names are one VM's. */
  if (config->announce) return javm_program_new(&image->as.image.spec.code, config, out, error);
  program_cache *cache = cache_of(dir);
  if (!cache) return jv_fail_memory(error);
  const javm_hash *hash = &image->obj.hash;
  uint64_t settings = settings_of(config);
  pthread_mutex_lock(&cache->lock);
  *out = find(cache, hash, settings);
  pthread_mutex_unlock(&cache->lock);
  if (*out) return JAVM_OK;
  javm_status status = javm_program_new(&image->as.image.spec.code, config, out, error);
  if (status != JAVM_OK) return status;
  /* Another thread may have been faster: there is one for all. No room on the list: it is not shared. */
  pthread_mutex_lock(&cache->lock);
  javm_program *other = find(cache, hash, settings);
  if (other) {
    javm_program_release(*out);
    *out = other;
  } else if (jv_grow(&dir->allocator, &cache->list, &cache->capacity, cache->count + 1, sizeof *cache->list)) {
    javm_program_retain(*out);
    cache->list[cache->count++] = (shared_program){*hash, settings, *out, ++cache->clock};
    evict(cache);
  }
  pthread_mutex_unlock(&cache->lock);
  return JAVM_OK;
}

javm_status javm_dir_limit_programs(javm_dir *dir, size_t max_bytes) {
  program_cache *cache = cache_of(dir);
  if (!cache) return JAVM_OUT_OF_MEMORY;
  pthread_mutex_lock(&cache->lock);
  cache->max_bytes = max_bytes;
  evict(cache);
  pthread_mutex_unlock(&cache->lock);
  return JAVM_OK;
}

size_t javm_dir_program_bytes(javm_dir *dir) {
  program_cache *cache = existing_cache(dir);
  size_t bytes = 0;
  if (!cache) return 0;
  pthread_mutex_lock(&cache->lock);
  for (size_t i = 0; i < cache->count; i++) bytes += javm_program_bytes(cache->list[i].program);
  pthread_mutex_unlock(&cache->lock);
  return bytes;
}

bool jv_leave_entry(javm_dir *dir, jv_entry *e) {
  program_cache *cache = existing_cache(dir);
  if (!cache || e->mem.touched_capacity > ENTRY_TOUCHED_MAX) return false;
  pthread_mutex_lock(&cache->lock);
  bool has_room = cache->entry_count < ENTRIES_MAX;
  if (has_room) {
    e->next_free = cache->entries;
    cache->entries = e;
    cache->entry_count++;
  }
  pthread_mutex_unlock(&cache->lock);
  return has_room;
}

jv_entry *jv_find_entry(javm_dir *dir) {
  program_cache *cache = existing_cache(dir);
  if (!cache) return NULL;
  pthread_mutex_lock(&cache->lock);
  jv_entry *e = cache->entries;
  if (e) {
    cache->entries = e->next_free;
    cache->entry_count--;
  }
  pthread_mutex_unlock(&cache->lock);
  return e;
}
