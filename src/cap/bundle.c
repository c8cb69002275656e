/*
 * Bundles (docs/formats.md): a value and everything it refers to, as far as it is present. Wholes stand before their
 * parts, so that reading from the end finds the parts made and links to them directly.
 */
#include "base/bytes.h"
#include "cap/kind.h"

enum { RECORD_PAGE = 0, RECORD_CAP = 1, RECORD_HEAD_BYTES = 5 };

/* ------------------------------------------------------------------------------------------------------- encode */

typedef struct step {
  jv_obj *obj; /* with a count */
  bool done;   /* its parts are in the order already */
} step;

typedef struct packing {
  javm_dir *dir;
  const javm_allocator *allocator;
  jv_set seen; /* by hash */
  step *stack;
  size_t stack_count, stack_capacity;
  jv_obj **order; /* parts before wholes; with counts */
  size_t count, capacity;
} packing;

/* Both take over the count, also on failure. */
static bool push(packing *p, jv_obj *o, bool done) {
  if (jv_grow(p->allocator, &p->stack, &p->stack_capacity, p->stack_count + 1, sizeof *p->stack)) {
    p->stack[p->stack_count++] = (step){o, done};
    return true;
  }
  jv_release(p->dir, o);
  return false;
}

static bool append(packing *p, jv_obj *o) {
  if (jv_grow(p->allocator, &p->order, &p->capacity, p->count + 1, sizeof *p->order)) {
    p->order[p->count++] = o;
    return true;
  }
  jv_release(p->dir, o);
  return false;
}

static bool refer(packing *p, jv_obj *o) {
  o = o->kind == JV_OBJ_ABSENT ? jv_dir_find(p->dir, &o->hash) : jv_obj_retain(o);
  if (!o) return true;
  if (jv_set_find(&p->seen, &o->hash)) {
    jv_release(p->dir, o);
    return true;
  }
  if (o->kind == JV_OBJ_CAP) return push(p, o, false);
  if (!jv_set_reserve(p->allocator, &p->seen, 1)) {
    jv_release(p->dir, o);
    return false;
  }
  if (!append(p, o)) return false;
  jv_set_add(&p->seen, o);
  return true;
}

static bool refer_leaf(void *ctx, uint32_t index, jv_obj *leaf) {
  (void)index;
  return refer(ctx, leaf);
}

static bool refer_child(void *ctx, jv_obj *o) {
  if (!o) return true;
  return o->kind == JV_OBJ_BRANCH ? jv_tree_each(o, o->level, refer_leaf, ctx) : refer(ctx, o);
}

/* Brings what the value refers to into order, without recursion. */
static bool collect(packing *p, javm_cap *root) {
  if (!refer(p, &root->obj)) return false;
  while (p->stack_count > 0) {
    step s = p->stack[--p->stack_count];
    if (s.done) {
      if (!append(p, s.obj)) return false;
    } else if (!jv_set_reserve(p->allocator, &p->seen, 1)) {
      jv_release(p->dir, s.obj);
      return false;
    } else if (!jv_set_add(&p->seen, s.obj)) {
      jv_release(p->dir, s.obj);
    } else if (!push(p, s.obj, true) || !jv_each_child(s.obj, refer_child, p)) {
      return false;
    }
  }
  return true;
}

static void write_records(const packing *p, jv_writer *w) {
  jv_put(w, JV_BUNDLE_MAGIC, JV_BUNDLE_MAGIC_BYTES);
  for (size_t i = p->count; i-- > 0;) {
    const jv_obj *o = p->order[i];
    jv_put_number(w, o->kind == JV_OBJ_CAP ? RECORD_CAP : RECORD_PAGE, 1);
    size_t hole = jv_put_hole(w), base = w->size;
    if (o->kind == JV_OBJ_CAP) jv_cap_write((const javm_cap *)o, w);
    else jv_put(w, ((const jv_page *)o)->bytes, JAVM_PAGE_BYTES);
    jv_fill_hole(w, hole, base);
  }
}

static void packing_clear(packing *p) {
  while (p->stack_count > 0) jv_release(p->dir, p->stack[--p->stack_count].obj);
  while (p->count > 0) jv_release(p->dir, p->order[--p->count]);
  jv_free_array(p->allocator, p->stack, p->stack_capacity, sizeof *p->stack);
  jv_free_array(p->allocator, p->order, p->capacity, sizeof *p->order);
  jv_set_clear(p->allocator, &p->seen);
}

javm_status javm_bundle_encode(javm_dir *dir, javm_cap *cap, uint8_t **out, size_t *size_bytes, javm_error *error) {
  javm_cap *root;
  javm_status status = jv_resolve(dir, cap, JAVM_KIND_ABSENT, &root, error);
  if (status) return status;
  packing p = {.dir = dir, .allocator = javm_dir_allocator(dir)};
  jv_set_init(&p.seen, false);
  jv_writer w;
  jv_writer_init(&w, p.allocator);
  bool ok = jv_settle(dir, &root->obj) && collect(&p, root);
  if (ok) write_records(&p, &w);
  ok = ok && jv_writer_finish(&w, out, size_bytes);
  packing_clear(&p);
  jv_release(dir, root);
  return ok ? JAVM_OK : jv_fail_memory(error);
}

/* ------------------------------------------------------------------------------------------------------- decode */

typedef struct unpacking {
  jv_reader reader;
  const javm_allocator *allocator;
  jv_set parts;     /* by hash */
  jv_span *records; /* each from its kind on */
  size_t count, capacity;
  jv_obj **objects; /* of the records, with counts; NULL: not yet made */
} unpacking;

static javm_status find_records(unpacking *u, jv_span rest) {
  const jv_reader *r = &u->reader;
  if (rest.size < JV_BUNDLE_MAGIC_BYTES || memcmp(rest.at, JV_BUNDLE_MAGIC, JV_BUNDLE_MAGIC_BYTES) != 0)
    return jv_malformed(r, rest.at, "magic: not that of a bundle of version 1");
  rest = (jv_span){rest.at + JV_BUNDLE_MAGIC_BYTES, rest.size - JV_BUNDLE_MAGIC_BYTES};
  if (rest.size == 0) return jv_malformed(r, rest.at, "record: none, expected at least one");
  while (rest.size > 0) {
    if (rest.size < RECORD_HEAD_BYTES)
      return jv_malformed(r, rest.at, "record: %zu bytes, expected at least %d", rest.size, RECORD_HEAD_BYTES);
    size_t length = jv_load_le(rest.at + 1, 4);
    if (rest.at[0] > RECORD_CAP) return jv_malformed(r, rest.at, "record.kind: %u, expected 0 or 1", rest.at[0]);
    if (u->count == 0 && rest.at[0] != RECORD_CAP)
      return jv_malformed(r, rest.at, "record.kind: 0, expected 1 for the first");
    if (length > rest.size - RECORD_HEAD_BYTES)
      return jv_malformed(r, rest.at + 1, "record.length: %zu, but %zu bytes follow", length,
                          rest.size - RECORD_HEAD_BYTES);
    if (rest.at[0] == RECORD_PAGE && length != JAVM_PAGE_BYTES)
      return jv_malformed(r, rest.at + 1, "record.length: %zu, expected %u for a page", length, JAVM_PAGE_BYTES);
    if (!jv_grow(u->allocator, &u->records, &u->capacity, u->count + 1, sizeof *u->records))
      return jv_fail_memory(r->error);
    u->records[u->count++] = (jv_span){rest.at, RECORD_HEAD_BYTES + length};
    rest = (jv_span){rest.at + RECORD_HEAD_BYTES + length, rest.size - RECORD_HEAD_BYTES - length};
  }
  return JAVM_OK;
}

static javm_status make_object(unpacking *u, jv_span record, jv_obj **out) {
  jv_span content = {record.at + RECORD_HEAD_BYTES, record.size - RECORD_HEAD_BYTES};
  if (record.at[0] == RECORD_PAGE) {
    *out = jv_page_of(u->reader.dir, content.at, content.size);
    return *out ? JAVM_OK : jv_fail_memory(u->reader.error);
  }
  javm_cap *cap;
  javm_status status = jv_cap_parse(&u->reader, content, &cap);
  if (!status) *out = &cap->obj;
  return status;
}

static javm_status make_objects(unpacking *u) {
  u->objects = jv_alloc_array(u->allocator, u->count, sizeof *u->objects);
  if (!u->objects) return jv_fail_memory(u->reader.error);
  memset(u->objects, 0, u->count * sizeof *u->objects);
  if (!jv_set_reserve(u->allocator, &u->parts, u->count)) return jv_fail_memory(u->reader.error);
  for (size_t i = u->count; i-- > 0;) {
    javm_status status = make_object(u, u->records[i], &u->objects[i]);
    if (status) return status;
    if (!jv_settle(u->reader.dir, u->objects[i])) return jv_fail_memory(u->reader.error);
    jv_set_add(&u->parts, u->objects[i]);
  }
  return JAVM_OK;
}

javm_status javm_bundle_decode(javm_dir *dir, const uint8_t *bytes, size_t size_bytes, javm_cap **out,
                               javm_error *error) {
  *out = NULL;
  unpacking u = {.reader = {dir, bytes, NULL, error}, .allocator = javm_dir_allocator(dir)};
  jv_set_init(&u.parts, false);
  u.reader.parts = &u.parts;
  javm_status status = find_records(&u, (jv_span){bytes, size_bytes});
  if (!status) status = make_objects(&u);
  if (!status && !jv_publish_all(dir, u.objects, u.count)) status = jv_fail_memory(error);
  if (!status) *out = jv_obj_retain(u.objects[0]);
  for (size_t i = 0; u.objects && i < u.count; i++) jv_release(dir, u.objects[i]);
  if (u.objects) jv_free_array(u.allocator, u.objects, u.count, sizeof *u.objects);
  jv_free_array(u.allocator, u.records, u.capacity, sizeof *u.records);
  jv_set_clear(u.allocator, &u.parts);
  return status;
}
