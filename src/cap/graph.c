/*
 * Walks over graphs of objects: release and settle. Caps may be nested as deep as somebody cares to build them, so
 * neither recurses: dead objects are chained through their own memory, and settling keeps a stack.
 */
#include <sched.h>

#include "cap/dir.h"
#include "cap/kind.h"

const jv_kind_ops *const jv_kinds[JV_KINDS] = {
    [JAVM_KIND_INSTANCE] = &jv_instance_ops, [JAVM_KIND_IMAGE] = &jv_image_ops,
    [JAVM_KIND_DATA] = &jv_data_ops,         [JAVM_KIND_CNODE] = &jv_cnode_ops,
    [JAVM_KIND_TYPE] = &jv_type_ops,         [JAVM_KIND_CONTINUATION] = &jv_continuation_ops,
    [JAVM_KIND_FRAME] = &jv_frame_ops,
};

bool jv_each_child(jv_obj *o, jv_child_fn visit, void *ctx) {
  if (o->kind == JV_OBJ_BRANCH) {
    jv_branch *b = (jv_branch *)o;
    return visit(ctx, b->child[0]) && visit(ctx, b->child[1]);
  }
  if (o->kind == JV_OBJ_CAP) {
    javm_cap *cap = (javm_cap *)o;
    return jv_kind(cap)->each_child(cap, visit, ctx);
  }
  return true;
}

/* ------------------------------------------------------------------------------------------------------ release */

static size_t obj_bytes(const jv_obj *o) {
  switch (o->kind) {
    case JV_OBJ_PAGE: return sizeof(jv_page);
    case JV_OBJ_BRANCH: return sizeof(jv_branch);
    case JV_OBJ_CAP: return sizeof(javm_cap);
    default: return JV_ABSENT_BYTES;
  }
}

void jv_obj_free(javm_dir *dir, jv_obj *o) {
  if (o->kind == JV_OBJ_CAP) {
    javm_cap *cap = (javm_cap *)o;
    if (jv_kind(cap)->release) jv_kind(cap)->release(dir, cap);
  }
  jv_free(&dir->allocator, o, obj_bytes(o));
}

/* The hash of a dead object holds the pointer to the next one. */
_Static_assert(sizeof(jv_obj *) <= JAVM_HASH_BYTES, "a pointer fits into a hash");

static bool drop(void *ctx, jv_obj *o) {
  jv_obj **dead = ctx;
  if (o && jv_obj_drop(o)) {
    memcpy(o->hash.bytes, dead, sizeof *dead);
    *dead = o;
  }
  return true;
}

void jv_release(javm_dir *dir, void *object) {
  jv_obj *dead = NULL;
  drop(&dead, object);
  while (dead) {
    jv_obj *o = dead;
    memcpy(&dead, o->hash.bytes, sizeof dead);
    jv_each_child(o, drop, &dead);
    jv_obj_free(dir, o);
  }
}

/* ------------------------------------------------------------------------------------------------------- settle */

/* Makes the hash readable, also where another thread is just writing it. */
static void set_hash(jv_obj *o, const javm_hash *hash) {
  jv_obj_set_hash(o, hash);
  while (!jv_obj_has_hash(o)) sched_yield();
}

static void compute_hash(jv_obj *o) {
  javm_hash hash;
  if (o->kind == JV_OBJ_PAGE) {
    jv_hash(&hash, ((jv_page *)o)->bytes, JAVM_PAGE_BYTES);
  } else if (o->kind == JV_OBJ_BRANCH) {
    jv_branch *b = (jv_branch *)o;
    const javm_hash *zero = jv_zero_hash(o->level - 1u);
    jv_hash_pair(&hash, b->child[0] ? &b->child[0]->hash : zero, b->child[1] ? &b->child[1]->hash : zero);
  } else {
    javm_cap *cap = (javm_cap *)o;
    jv_kind(cap)->hash(cap, &hash);
    if (jv_is_cap_kind(cap)) jv_mix_in_number(&hash, cap->kind);
  }
  set_hash(o, &hash);
}

#define STACK_FIRST 128 /* enough for a Data in a CNode in an Instance; then nothing is allocated */

typedef struct settling {
  const javm_allocator *allocator;
  jv_obj **items;
  size_t count, capacity;
  jv_obj *first[STACK_FIRST];
} settling;

static bool push(settling *s, jv_obj *o) {
  if (s->count == s->capacity) {
    jv_obj **grown = jv_alloc_array(s->allocator, 2 * s->capacity, sizeof *grown);
    if (!grown) return false;
    memcpy(grown, s->items, s->count * sizeof *grown);
    if (s->items != s->first) jv_free_array(s->allocator, s->items, s->capacity, sizeof *grown);
    s->items = grown;
    s->capacity *= 2;
  }
  s->items[s->count++] = o;
  return true;
}

static bool settle_child(void *ctx, jv_obj *o) {
  if (!o || jv_obj_has_hash(o)) return true;
  if (o->kind == JV_OBJ_PAGE) {
    compute_hash(o);
    return true;
  }
  return push(ctx, o);
}

bool jv_settle(javm_dir *dir, jv_obj *object) {
  settling s = {.allocator = &dir->allocator, .capacity = STACK_FIRST};
  s.items = s.first;
  bool ok = settle_child(&s, object);
  while (ok && s.count > 0) {
    jv_obj *o = s.items[s.count - 1];
    size_t before = s.count;
    if (!jv_obj_has_hash(o)) ok = jv_each_child(o, settle_child, &s);
    if (ok && s.count == before) {
      if (!jv_obj_has_hash(o)) compute_hash(o);
      s.count--;
    }
  }
  if (s.items != s.first) jv_free_array(&dir->allocator, s.items, s.capacity, sizeof *s.items);
  return ok;
}
