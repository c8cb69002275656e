/*
 * Data: a list of whole pages. A leaf of its tree is a page, a placeholder for one, or NULL for a list element that is
 * the zero hash, which only a Data from outside has: it reads as zeros.
 */
#include "cap/kind.h"

#define PAGES_LEVEL 20 /* of List[Hash, 2^20] */

/* --------------------------------------------------------------------------------------------------------- make */

javm_cap *jv_data_make(javm_dir *dir, uint32_t page_count, jv_obj *pages) {
  javm_cap *cap = jv_cap_alloc(dir, JAVM_KIND_DATA);
  if (!cap) {
    jv_release(dir, pages);
    return NULL;
  }
  cap->as.data = (jv_data){page_count, pages};
  return cap;
}

static bool all_zero(const uint8_t *bytes, size_t size) {
  return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

jv_obj *jv_page_of(javm_dir *dir, const uint8_t *bytes, size_t size) {
  if (all_zero(bytes, size)) return jv_obj_retain(jv_dir_zero_page(dir));
  jv_page *page = jv_page_new(javm_dir_allocator(dir));
  if (!page) return NULL;
  memcpy(page->bytes, bytes, size);
  memset(page->bytes + size, 0, JAVM_PAGE_BYTES - size);
  return &page->obj;
}

/* Makes the tree of `count` leaves, whose counts it takes over together with their block. */
static bool build_pages(javm_dir *dir, jv_obj **leaves, uint32_t count, uint32_t capacity, jv_obj **pages) {
  bool ok = leaves && jv_tree_build(dir, pages, jv_tree_level(count), leaves, count);
  for (uint32_t i = 0; leaves && i < count; i++) jv_release(dir, leaves[i]);
  jv_free_array(javm_dir_allocator(dir), leaves, capacity, sizeof *leaves);
  return ok;
}

javm_status javm_data_new(javm_dir *dir, const uint8_t *bytes, size_t size_bytes, javm_cap **out) {
  *out = NULL;
  size_t page_count = size_bytes / JAVM_PAGE_BYTES + (size_bytes % JAVM_PAGE_BYTES != 0);
  if (page_count > JV_PAGE_COUNT_MAX) return JAVM_OUT_OF_RANGE;
  uint32_t count = (uint32_t)page_count, made = 0;
  jv_obj **leaves = jv_alloc_array(javm_dir_allocator(dir), count, sizeof *leaves);
  for (; leaves && made < count; made++) {
    size_t at = (size_t)made * JAVM_PAGE_BYTES, rest = size_bytes - at;
    leaves[made] = jv_page_of(dir, bytes + at, rest < JAVM_PAGE_BYTES ? rest : JAVM_PAGE_BYTES);
    if (!leaves[made]) break;
  }
  jv_obj *pages;
  if (!build_pages(dir, leaves, made, count, &pages)) return JAVM_OUT_OF_MEMORY;
  if (made < count) {
    jv_release(dir, pages);
    return JAVM_OUT_OF_MEMORY;
  }
  *out = jv_data_make(dir, count, pages);
  return *out ? JAVM_OK : JAVM_OUT_OF_MEMORY;
}

javm_status javm_data_page_count(javm_dir *dir, javm_cap *data, uint32_t *page_count) {
  javm_cap *value;
  javm_status status = jv_resolve(dir, data, JAVM_KIND_DATA, &value, NULL);
  if (status) return status;
  *page_count = value->as.data.page_count;
  jv_release(dir, value);
  return JAVM_OK;
}

/* ------------------------------------------------------------------------------------------------- check (read) */

/* Copies, or (to NULL) only looks whether every page is there. */
static javm_status read_pages(javm_dir *dir, const jv_data *data, uint64_t offset, uint8_t *to, size_t size,
                              javm_error *error) {
  unsigned level = jv_tree_level(data->page_count);
  while (size > 0) {
    size_t in_page = (size_t)(offset % JAVM_PAGE_BYTES), chunk = JAVM_PAGE_BYTES - in_page;
    if (chunk > size) chunk = size;
    jv_page *held;
    const uint8_t *bytes;
    javm_hash missing;
    jv_obj *leaf = jv_tree_get(data->pages, level, (uint32_t)(offset / JAVM_PAGE_BYTES));
    javm_status status = jv_resolve_page(dir, leaf, &held, &bytes, &missing);
    if (status) return jv_fail_missing(error, status, &missing, "a page of the Data is not in the directory");
    if (to) {
      if (bytes) memcpy(to, bytes + in_page, chunk);
      else memset(to, 0, chunk);
      to += chunk;
    }
    jv_release(dir, held);
    offset += chunk;
    size -= chunk;
  }
  return JAVM_OK;
}

javm_status javm_data_read(javm_dir *dir, javm_cap *data, uint64_t offset, void *to, size_t size_bytes,
                           javm_error *error) {
  javm_cap *value;
  javm_status status = jv_resolve(dir, data, JAVM_KIND_DATA, &value, error);
  if (status) return status;
  uint64_t size = (uint64_t)value->as.data.page_count * JAVM_PAGE_BYTES;
  if (offset > size || size_bytes > size - offset)
    status = jv_fail(error, JAVM_OUT_OF_RANGE, 0, "%zu bytes from %llu of a Data of %llu", size_bytes,
                     (unsigned long long)offset, (unsigned long long)size);
  if (!status) status = read_pages(dir, &value->as.data, offset, NULL, size_bytes, error);
  if (!status) status = read_pages(dir, &value->as.data, offset, to, size_bytes, error);
  jv_release(dir, value);
  return status;
}

/* ------------------------------------------------------------------------------------------------ encode, decode */

static bool write_page(void *ctx, uint32_t index, jv_obj *leaf) {
  memcpy((uint8_t *)ctx + (size_t)index * JAVM_HASH_BYTES, &leaf->hash, JAVM_HASH_BYTES);
  return true;
}

void jv_pages_write(jv_writer *w, jv_obj *pages, uint32_t page_count) {
  uint8_t *room = jv_put_room(w, (size_t)page_count * JAVM_HASH_BYTES);
  if (room) jv_tree_each(pages, jv_tree_level(page_count), write_page, room);
}

javm_status jv_pages_read(const jv_reader *r, jv_span span, const char *name, jv_obj **pages, uint32_t *page_count) {
  size_t count;
  javm_status status = jv_list(r, span, name, JAVM_HASH_BYTES, JV_PAGE_COUNT_MAX, &count);
  if (status) return status;
  jv_obj **leaves = jv_alloc_array(javm_dir_allocator(r->dir), count, sizeof *leaves);
  if (!leaves) return jv_fail_memory(r->error);
  uint32_t made = 0;
  while (!status && made < count) {
    status = jv_read_ref(r, span.at + (size_t)made * JAVM_HASH_BYTES, JV_OBJ_PAGE, &leaves[made]);
    if (!status) made++;
  }
  if (!build_pages(r->dir, leaves, made, (uint32_t)count, pages)) return jv_fail_memory(r->error);
  if (status) jv_release(r->dir, *pages);
  *page_count = made;
  return status;
}

static const jv_field fields[] = {{"Data.pages", 0}};
#define FIXED_BYTES 4

static void encode(const javm_cap *cap, jv_writer *w) {
  jv_put_number(w, FIXED_BYTES, 4);
  jv_pages_write(w, cap->as.data.pages, cap->as.data.page_count);
}

static javm_status decode(const jv_reader *r, jv_span span, javm_cap **out) {
  jv_span part;
  javm_status status = jv_split(r, span, "Data", FIXED_BYTES, fields, 1, &part);
  if (status) return status;
  jv_obj *pages;
  uint32_t page_count;
  status = jv_pages_read(r, part, fields[0].name, &pages, &page_count);
  if (status) return status;
  *out = jv_data_make(r->dir, page_count, pages);
  return *out ? JAVM_OK : jv_fail_memory(r->error);
}

/* ---------------------------------------------------------------------------------------------------------- hash */

void jv_pages_root(jv_obj *pages, uint32_t page_count, javm_hash *root) {
  unsigned level = jv_tree_level(page_count);
  *root = pages ? pages->hash : *jv_zero_hash(level);
  jv_hash_raise(root, level, PAGES_LEVEL);
  jv_mix_in_number(root, page_count);
}

static void hash(const javm_cap *cap, javm_hash *root) {
  jv_pages_root(cap->as.data.pages, cap->as.data.page_count, root);
}

/* ------------------------------------------------------------------------------------------------------- release */

static bool each_child(javm_cap *cap, jv_child_fn visit, void *ctx) { return visit(ctx, cap->as.data.pages); }

const jv_kind_ops jv_data_ops = {encode, decode, hash, each_child, NULL};
