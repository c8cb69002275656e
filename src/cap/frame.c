/* Frame: what an entry that is paused has besides its Instance (docs/formats.md): the Instance that it was built from,
 * the pages that it wrote, and what it did outside of its own state. No Cap; the `paused` of the entry's Instance is its
 * root. */
#include "base/bytes.h"
#include "cap/kind.h"

/* ---------------------------------------------------------------------------------------------------------- make */

javm_cap *jv_saved_frame_make(javm_dir *dir, const jv_saved_frame *content) {
  javm_cap *cap = jv_cap_alloc(dir, JAVM_KIND_FRAME);
  if (cap) {
    cap->as.frame = *content;
    return cap;
  }
  jv_release(dir, content->called);
  jv_release(dir, content->pages);
  for (size_t i = 0; i < content->effect_count; i++) jv_release(dir, content->effects[i].cap);
  jv_free_array(javm_dir_allocator(dir), content->effects, content->effect_count, sizeof *content->effects);
  return NULL;
}

/* ------------------------------------------------------------------------------------------------ encode, decode */

#define FIXED_BYTES 57
#define PAGE_BYTES (4 + JAVM_HASH_BYTES)
#define EFFECT_BYTES 81
enum { PAGES_AT = 32, HEAP_END_AT = 36, FLAGS_AT = 44, BUDGET_AT = 45, EFFECTS_AT = 53 };
static const jv_field fields[] = {{"Frame.pages", PAGES_AT}, {"Frame.effects", EFFECTS_AT}};

static bool write_page(void *ctx, uint32_t index, jv_obj *leaf) {
  jv_put_number(ctx, index, 4);
  jv_put_ref(ctx, leaf);
  return true;
}

static const javm_hash *first_hash(const jv_saved_effect *e) { return e->cap ? &e->cap->obj.hash : &e->a; }

static void encode(const javm_cap *cap, jv_writer *w) {
  const jv_saved_frame *f = &cap->as.frame;
  size_t base = w->size;
  jv_put_ref(w, f->called);
  jv_put_number(w, FIXED_BYTES, 4);
  jv_put_number(w, f->heap_end, 8);
  jv_put_number(w, f->flags, 1);
  jv_put_number(w, f->budget, 8);
  size_t hole = jv_put_hole(w);
  jv_tree_each(f->pages, JV_FRAME_LEVEL, write_page, w);
  jv_fill_hole(w, hole, base);
  for (size_t i = 0; i < f->effect_count; i++) {
    const jv_saved_effect *e = &f->effects[i];
    jv_put_number(w, e->kind, 1);
    jv_put(w, first_hash(e), JAVM_HASH_BYTES);
    jv_put(w, &e->b, JAVM_HASH_BYTES);
    jv_put_number(w, e->id, 8);
    jv_put_number(w, e->amount, 8);
  }
}

static javm_status decode_pages(const jv_reader *r, jv_span list, jv_saved_frame *f) {
  size_t count;
  javm_status status = jv_list(r, list, fields[0].name, PAGE_BYTES, JV_PAGE_COUNT_MAX, &count);
  uint64_t least = 0;
  for (size_t i = 0; !status && i < count; i++) {
    const uint8_t *at = list.at + i * PAGE_BYTES;
    uint32_t index = (uint32_t)jv_load_le(at, 4);
    if (index < least || index >= JV_PAGE_COUNT_MAX)
      return jv_malformed(r, at, "Frame.pages.index: %u, expected an ascending one below 2^20", index);
    jv_obj *leaf;
    if ((status = jv_read_ref(r, at + 4, JV_OBJ_PAGE, &leaf))) return status;
    if (!leaf) return jv_malformed(r, at + 4, "Frame.pages.page: zero, but a page that was not written is not listed");
    bool ok = jv_tree_set(r->dir, &f->pages, JV_FRAME_LEVEL, index, leaf);
    jv_release(r->dir, leaf);
    if (!ok) return jv_fail_memory(r->error);
    least = (uint64_t)index + 1;
  }
  return status;
}

static javm_status decode_effects(const jv_reader *r, jv_span list, jv_saved_frame *f) {
  size_t count;
  javm_status status = jv_list(r, list, fields[1].name, EFFECT_BYTES, JV_EFFECT_MAX, &count);
  if (status || count == 0) return status;
  f->effects = jv_alloc_array(javm_dir_allocator(r->dir), count, sizeof *f->effects);
  if (!f->effects) return jv_fail_memory(r->error);
  memset(f->effects, 0, count * sizeof *f->effects);
  f->effect_count = count;
  for (size_t i = 0; i < count; i++) {
    const uint8_t *at = list.at + i * EFFECT_BYTES;
    jv_saved_effect *e = &f->effects[i];
    e->kind = at[0];
    memcpy(e->a.bytes, at + 1, JAVM_HASH_BYTES);
    memcpy(e->b.bytes, at + 33, JAVM_HASH_BYTES);
    e->id = jv_load_le(at + 65, 8);
    e->amount = jv_load_le(at + 73, 8);
    jv_obj *emitted = NULL;
    if (e->kind == JV_SAVED_EMIT && (status = jv_read_ref(r, at + 1, JV_OBJ_CAP, &emitted))) return status;
    e->cap = (javm_cap *)emitted;
  }
  return JAVM_OK;
}

static javm_status decode_content(const jv_reader *r, jv_span span, jv_saved_frame *f) {
  jv_span parts[2];
  javm_status status = jv_split(r, span, "Frame", FIXED_BYTES, fields, 2, parts);
  if (status) return status;
  f->heap_end = jv_load_le(span.at + HEAP_END_AT, 8);
  f->flags = span.at[FLAGS_AT];
  f->budget = jv_load_le(span.at + BUDGET_AT, 8);
  jv_obj *called;
  if ((status = jv_read_ref(r, span.at, JV_OBJ_CAP, &called))) return status;
  f->called = (javm_cap *)called;
  status = decode_pages(r, parts[0], f);
  return status ? status : decode_effects(r, parts[1], f);
}

static javm_status decode(const jv_reader *r, jv_span span, javm_cap **out) {
  javm_cap *cap = jv_cap_alloc(r->dir, JAVM_KIND_FRAME);
  if (!cap) return jv_fail_memory(r->error);
  javm_status status = decode_content(r, span, &cap->as.frame);
  if (status) jv_release(r->dir, cap);
  else *out = cap;
  return status;
}

/* ---------------------------------------------------------------------------------------------------------- hash */

void jv_effects_root(const jv_saved_frame *f, javm_hash *root) {
  jv_merkle list, one;
  jv_merkle_init(&list);
  for (size_t i = 0; i < f->effect_count; i++) {
    const jv_saved_effect *e = &f->effects[i];
    javm_hash effect;
    jv_merkle_init(&one);
    jv_merkle_add_number(&one, e->kind);
    jv_merkle_add(&one, first_hash(e));
    jv_merkle_add(&one, &e->b);
    jv_merkle_add_number(&one, e->id);
    jv_merkle_add_number(&one, e->amount);
    jv_merkle_root(&one, 3, &effect);
    jv_merkle_add(&list, &effect);
  }
  jv_merkle_root(&list, 16, root);
  jv_mix_in_number(root, f->effect_count);
}
_Static_assert(JV_EFFECT_MAX == 1 << 16 && JV_PAGE_COUNT_MAX == 1 << JV_FRAME_LEVEL, "the levels of the trees");

static void hash(const javm_cap *cap, javm_hash *root) {
  const jv_saved_frame *f = &cap->as.frame;
  javm_hash effects;
  jv_effects_root(f, &effects);
  jv_merkle m;
  jv_merkle_init(&m);
  jv_merkle_add(&m, jv_ref_hash(f->called));
  jv_merkle_add(&m, f->pages ? &f->pages->hash : jv_zero_hash(JV_FRAME_LEVEL));
  jv_merkle_add_number(&m, f->heap_end);
  jv_merkle_add_number(&m, f->flags);
  jv_merkle_add_number(&m, f->budget);
  jv_merkle_add(&m, &effects);
  jv_merkle_root(&m, 3, root);
}

/* ------------------------------------------------------------------------------------------------------- release */

static bool each_child(javm_cap *cap, jv_child_fn visit, void *ctx) {
  const jv_saved_frame *f = &cap->as.frame;
  if (!visit(ctx, (jv_obj *)f->called) || !visit(ctx, f->pages)) return false;
  for (size_t i = 0; i < f->effect_count; i++)
    if (!visit(ctx, (jv_obj *)f->effects[i].cap)) return false;
  return true;
}

static void release(javm_dir *dir, javm_cap *cap) {
  const jv_saved_frame *f = &cap->as.frame;
  jv_free_array(javm_dir_allocator(dir), f->effects, f->effect_count, sizeof *f->effects);
}

const jv_kind_ops jv_frame_ops = {encode, decode, hash, each_child, release};
