/*
 * The header of everything that is counted and content-addressed: pages, the branches of Merkle trees, caps, and
 * placeholders that know only a hash. A pointer to any of them may stand wherever a hash may stand.
 *
 * An object is immutable once more than one count is on it. Its hash is computed at most once and then published through
 * hash_state, so that threads may share it.
 */
#ifndef JV_BASE_OBJ_H
#define JV_BASE_OBJ_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/alloc.h"

typedef enum jv_obj_kind { JV_OBJ_PAGE, JV_OBJ_BRANCH, JV_OBJ_CAP, JV_OBJ_ABSENT } jv_obj_kind;

enum { JV_HASH_NONE = 0, JV_HASH_BUSY = 1, JV_HASH_READY = 2 };

typedef struct jv_obj {
  atomic_uint refs;
  uint8_t kind;  /* jv_obj_kind */
  uint8_t level; /* of a branch: it spans 2^level leaves */
  atomic_uchar hash_state;
  uint8_t sweep_flags; /* of a running javm_dir_sweep, as is sweep_count; else 0 */
  javm_hash hash;
  atomic_uint published; /* the directory's epoch in which this and all below it were known to be in it; 0: never */
  uint32_t sweep_count;
} jv_obj;

static inline void jv_obj_init(jv_obj *o, jv_obj_kind kind) {
  atomic_init(&o->refs, 1);
  o->kind = (uint8_t)kind;
  o->level = 0;
  atomic_init(&o->hash_state, JV_HASH_NONE);
  o->sweep_flags = 0;
  atomic_init(&o->published, 0);
  o->sweep_count = 0;
}

static inline void *jv_obj_retain(void *object) {
  jv_obj *o = object;
  if (o) atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
  return o;
}

/* Is this the only count, so that the holder may change the object in place? */
static inline bool jv_obj_unique(const jv_obj *o) { return atomic_load_explicit(&o->refs, memory_order_acquire) == 1; }

/* Takes a count away; true if it was the last and the caller must free the object. */
static inline bool jv_obj_drop(jv_obj *o) {
  if (atomic_load_explicit(&o->refs, memory_order_acquire) == 1) return true;
  return atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) == 1;
}

static inline bool jv_obj_has_hash(const jv_obj *o) {
  return atomic_load_explicit(&o->hash_state, memory_order_acquire) == JV_HASH_READY;
}

/* Publishes a computed hash; if another thread is about to do the same, leaves it to that one. */
static inline void jv_obj_set_hash(jv_obj *o, const javm_hash *hash) {
  unsigned char none = JV_HASH_NONE;
  if (atomic_compare_exchange_strong_explicit(&o->hash_state, &none, JV_HASH_BUSY, memory_order_acq_rel,
                                              memory_order_relaxed)) {
    o->hash = *hash;
    atomic_store_explicit(&o->hash_state, JV_HASH_READY, memory_order_release);
  }
}

/* To be called before an object is changed in place: what was known of its content holds no more. */
static inline void jv_obj_forget(jv_obj *o) {
  atomic_store_explicit(&o->hash_state, JV_HASH_NONE, memory_order_relaxed);
  atomic_store_explicit(&o->published, 0, memory_order_relaxed);
}

/* A page of guest memory or of Data. */
typedef struct jv_page {
  jv_obj obj;
  _Alignas(16) uint8_t bytes[JAVM_PAGE_BYTES];
} jv_page;

/* A page with one count and uninitialised bytes; NULL when out of memory. */
static inline jv_page *jv_page_new(const javm_allocator *a) {
  jv_page *p = jv_alloc(a, sizeof *p);
  if (p) jv_obj_init(&p->obj, JV_OBJ_PAGE);
  return p;
}

static inline void jv_page_release(const javm_allocator *a, jv_page *p) {
  if (p && jv_obj_drop(&p->obj)) jv_free(a, p, sizeof *p);
}

#endif
