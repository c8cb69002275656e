/*
 * javm_dir_sweep. With every shard locked nobody can get at an object by its hash, so an object of the table stays
 * unheld if all its counts are known to come from the table and from objects that are themselves unheld. In three
 * steps:
 *
 *   count    how many counts of each object come from within: from the table, and from what the table leads to
 *   mark     the heads, and every object with a count from elsewhere; then all that these lead to, by pointer
 *            or by hash
 *   remove   what is not marked, wholes before parts: when its turn comes, only the table holds it, so that a count
 *            that another thread passed on meanwhile is seen
 *
 * Of every object it has seen the sweep holds a count of its own to its end: what loses the whole that led to it, and is
 * not in the table itself, another thread may give back at any time.
 */
#include "base/error.h"
#include "cap/dir.h"
#include "cap/kind.h"

enum { MARKED = 1, LISTED = 2 /* in the table */, GONE = 4 /* only the sweep holds it */ };

typedef struct sweeping {
  javm_dir *dir;
  jv_obj **all; /* every object that the table leads to, with a count */
  size_t count, capacity;
  jv_obj **list; /* the queue of the second and the third step; room for all */
  size_t list_count;
  size_t removed;
} sweeping;

/* The counts that the directory and the sweep have of an object in the table. */
static unsigned own_counts(const sweeping *s, const jv_obj *o) { return o == &s->dir->zero_page->obj ? 3 : 2; }

static bool count_one(void *ctx, jv_obj *o) {
  sweeping *s = ctx;
  if (!o) return true;
  if (o->sweep_count == 0) {
    if (!jv_grow(&s->dir->allocator, &s->all, &s->capacity, s->count + 1, sizeof *s->all)) return false;
    s->all[s->count++] = jv_obj_retain(o);
    o->sweep_count = 1; /* the sweep's own */
  }
  o->sweep_count++;
  return true;
}

static bool count_all(sweeping *s) {
  for (size_t i = 0; i < JV_SHARDS; i++) {
    jv_set *set = &s->dir->shards[i].set;
    for (size_t k = 0; k < set->capacity; k++) {
      jv_obj *o = set->slots[k];
      if (!o) continue;
      if (!count_one(s, o)) return false;
      o->sweep_flags = LISTED;
    }
  }
  for (size_t i = 0; i < s->count; i++)
    if (!jv_each_child(s->all[i], count_one, s)) return false;
  jv_obj *zero = &s->dir->zero_page->obj; /* the directory's own count, whether or not this object is the table's */
  if (zero->sweep_count) zero->sweep_count++;
  s->list = jv_alloc_array(&s->dir->allocator, s->count, sizeof *s->list);
  return s->list != NULL;
}

static bool mark(void *ctx, jv_obj *o) {
  sweeping *s = ctx;
  if (o && !(o->sweep_flags & MARKED)) {
    o->sweep_flags |= MARKED;
    s->list[s->list_count++] = o;
  }
  return true;
}

static void mark_hash(sweeping *s, const javm_hash *hash) {
  mark(s, jv_set_find(&jv_shard_of(s->dir, hash)->set, hash));
}

static void mark_all(sweeping *s, const javm_hash *heads, size_t head_count) {
  for (size_t i = 0; i < head_count; i++) mark_hash(s, &heads[i]);
  for (size_t i = 0; i < s->count; i++) {
    jv_obj *o = s->all[i];
    if (atomic_load_explicit(&o->refs, memory_order_acquire) > o->sweep_count) mark(s, o);
  }
  for (size_t i = 0; i < s->list_count; i++) {
    jv_obj *o = s->list[i];
    jv_each_child(o, mark, s);
    /* A placeholder, or a second object beside the one in the table. */
    if (o->kind != JV_OBJ_BRANCH) mark_hash(s, &o->hash);
  }
}

static void unlist(sweeping *s, jv_obj *o) {
  jv_set_remove(&jv_shard_of(s->dir, &o->hash)->set, o);
  o->sweep_flags = GONE;
  s->list[s->list_count++] = o;
  s->removed++;
}

static bool is_garbage(const sweeping *s, const jv_obj *o, unsigned refs) {
  return o->sweep_flags == LISTED && refs == own_counts(s, o);
}

/* A count that a removed object had. */
static bool drop(void *ctx, jv_obj *o) {
  sweeping *s = ctx;
  if (!o) return true;
  unsigned refs = atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) - 1;
  if (is_garbage(s, o, refs)) unlist(s, o);
  if (refs == 1) {
    o->sweep_flags = GONE;
    s->list[s->list_count++] = o;
  }
  return true;
}

static void remove_all(sweeping *s) {
  s->list_count = 0;
  for (size_t i = 0; i < s->count; i++) {
    jv_obj *o = s->all[i];
    if (is_garbage(s, o, atomic_load_explicit(&o->refs, memory_order_acquire))) unlist(s, o);
  }
  for (size_t i = 0; i < s->list_count; i++) jv_each_child(s->list[i], drop, s);
}

/* Ends the sweep's own notes, then gives back its counts; only then may memory go. */
static void finish(sweeping *s) {
  const javm_allocator *a = &s->dir->allocator;
  for (size_t i = 0; i < s->count; i++) {
    s->all[i]->sweep_count = 0;
    s->all[i]->sweep_flags &= GONE;
  }
  for (size_t i = 0; i < s->count; i++) {
    jv_obj *o = s->all[i];
    if (o->sweep_flags != GONE) {
      jv_release(s->dir, o);
    } else if (o == &s->dir->zero_page->obj) {
      o->sweep_flags = 0;
      jv_obj_drop(o); /* the table's count */
      jv_obj_drop(o);
    } else {
      jv_obj_free(s->dir, o); /* what it held was given back when it was removed */
    }
  }
  if (s->list) jv_free_array(a, s->list, s->count, sizeof *s->list);
  jv_free_array(a, s->all, s->capacity, sizeof *s->all);
}

javm_status javm_dir_sweep(javm_dir *dir, const javm_hash *heads, size_t head_count, size_t *removed) {
  for (size_t i = 0; i < JV_SHARDS; i++) pthread_mutex_lock(&dir->shards[i].lock);
  sweeping s = {.dir = dir};
  bool ok = count_all(&s);
  if (ok) {
    mark_all(&s, heads, head_count);
    remove_all(&s);
  }
  if (s.removed) atomic_fetch_add(&dir->epoch, 1);
  finish(&s);
  for (size_t i = JV_SHARDS; i-- > 0;) pthread_mutex_unlock(&dir->shards[i].lock);
  if (!ok) return JAVM_OUT_OF_MEMORY;
  if (removed) *removed = s.removed;
  return JAVM_OK;
}
