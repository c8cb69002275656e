/*
 * The text form of Images, whole: what the assembler's text names becomes caps here, and caps become text. A Data or
 * Image that is present is written out, as long as the text stays below a bound; everything else is written by its
 * hash, so that the Image that the text assembles to is always the same.
 */
#include <string.h>

#include "base/error.h"
#include "cap/cap.h"
#include "exec/asm.h"

/* Past this much text, and this many images and pages looked at, caps are written by hash: an Image of a few bytes
 * can refer to any amount. Nor may a text have more pages: a few characters ask for 2^20. */
#define TEXT_MAX ((size_t)1 << 28)
#define IMAGES_MAX (UINT32_C(1) << 12)
#define PAGES_MAX (UINT32_C(1) << 21)
/* Text of one page, at most: two digits for a byte, and the lines around them. */
#define PAGE_TEXT_MAX (3 * (size_t)JAVM_PAGE_BYTES)

/* -------------------------------------------------------------------------------------------- text to values */

typedef struct text_reader {
  javm_dir *dir;
  uint32_t pages; /* of all Data so far */
} text_reader;

static javm_status make_data(void *ctx, const jv_asm_data *data, javm_cap **out, javm_error *error) {
  text_reader *r = ctx;
  javm_dir *dir = r->dir;
  uint32_t count = (uint32_t)((data->size_bytes + JAVM_PAGE_BYTES - 1) / JAVM_PAGE_BYTES);
  if (count > PAGES_MAX - r->pages)
    return jv_fail(error, JAVM_INVALID_IMAGE, 0, "data: more than 2^21 pages in one text, give the rest by hash");
  r->pages += count;
  unsigned level = jv_tree_level(count);
  jv_obj *root = NULL;
  bool ok = jv_tree_fill(dir, &root, level, count, &jv_dir_zero_page(dir)->obj);
  for (size_t i = 0; ok && i < data->page_count; i++) {
    jv_page *page = jv_page_new(javm_dir_allocator(dir));
    if (page) memcpy(page->bytes, data->pages[i].bytes, JAVM_PAGE_BYTES);
    ok = page && jv_tree_set(dir, &root, level, data->pages[i].index, &page->obj);
    jv_release(dir, page);
  }
  if (!ok) {
    jv_release(dir, root);
    return jv_fail_memory(error);
  }
  *out = jv_data_make(dir, count, root);
  return *out ? JAVM_OK : jv_fail_memory(error);
}

static javm_status make_reference(void *ctx, const javm_hash *hash, javm_cap **out, javm_error *error) {
  if (jv_hash_is_zero(hash)) return jv_fail(error, JAVM_INVALID_IMAGE, 0, "a cap of hash 0, which stands for nothing");
  *out = jv_cap_for_hash(((text_reader *)ctx)->dir, hash);
  return *out ? JAVM_OK : jv_fail_memory(error);
}

static javm_status make_image(void *ctx, const javm_image_spec *spec, bool unchecked, javm_cap **out,
                              javm_error *error) {
  javm_dir *dir = ((text_reader *)ctx)->dir;
  return unchecked ? jv_image_make(dir, spec, out, error) : javm_image_new(dir, spec, out, error);
}

static void release_cap(void *ctx, javm_cap *cap) { jv_release(((text_reader *)ctx)->dir, cap); }

javm_status javm_assemble(javm_dir *dir, const char *text, size_t text_bytes, javm_isa isa, javm_cap **out,
                          javm_error *error) {
  text_reader reader = {.dir = dir};
  jv_asm_caps makers = {&reader, make_data, make_reference, make_image, release_cap};
  *out = NULL;
  if ((unsigned)isa > JAVM_ISA_JAM_0_8) return jv_fail(error, JAVM_INVALID_ARGUMENT, 0, "no such instruction set");
  return jv_assemble(text, text_bytes, isa, javm_dir_allocator(dir), &makers, out, error);
}

/* -------------------------------------------------------------------------------------------- values to text */

typedef struct text_writer {
  javm_dir *dir;
  unsigned depth;         /* images around the one that is written */
  uint32_t images, pages; /* looked at */
  const jv_data *data;    /* being written */
  jv_page *held;          /* the page that was given last */
} text_writer;

static const uint8_t *page_bytes(text_writer *w, uint32_t index, javm_status *status) {
  const uint8_t *bytes = NULL;
  javm_hash missing;
  jv_obj *leaf = jv_tree_get(w->data->pages, jv_tree_level(w->data->page_count), index);
  jv_release(w->dir, w->held);
  w->held = NULL;
  /* a leaf that is no page has a hash of its own, which no text of bytes gives */
  *status = leaf ? jv_resolve_page(w->dir, leaf, &w->held, &bytes, &missing) : JAVM_VALUE_NOT_FOUND;
  return *status == JAVM_OK ? bytes : NULL;
}

static const uint8_t *next_page(void *ctx, uint32_t index) {
  javm_status status;
  return page_bytes(ctx, index, &status);
}

/* Is every page there, and the text not too long? */
static bool can_write_data(text_writer *w, const jv_text *t, const jv_data *data) {
  size_t filled = 0;
  if (data->page_count > PAGES_MAX - w->pages) return false;
  w->pages += data->page_count;
  w->data = data;
  for (uint32_t i = 0; i < data->page_count; i++) {
    javm_status status;
    if (page_bytes(w, i, &status)) filled++;
    if (status != JAVM_OK) return false;
  }
  return t->size < TEXT_MAX && filled <= (TEXT_MAX - t->size) / PAGE_TEXT_MAX;
}

static javm_status write_hash(text_writer *w, jv_text *t, javm_cap *cap, javm_error *error) {
  if (!jv_settle(w->dir, &cap->obj)) return jv_fail_memory(error);
  jv_text_add(t, "hash 0x");
  for (unsigned i = 0; i < JAVM_HASH_BYTES; i++) jv_text_add(t, "%02x", cap->obj.hash.bytes[i]);
  jv_text_add(t, "\n");
  return JAVM_OK;
}

static javm_status write_cap(void *ctx, jv_text *t, javm_cap *cap, bool may_be_image, javm_error *error);

/* The image passes jv_image_check. */
static javm_status write_image(text_writer *w, jv_text *t, javm_cap *image, javm_error *error) {
  javm_status status = javm_image_validate(w->dir, image, error);
  bool unchecked = status == JAVM_INVALID_IMAGE;
  /* what it pins need not be here: then that is all that the validation missed */
  if (!unchecked && status != JAVM_OK && status != JAVM_VALUE_NOT_FOUND) return status;
  return jv_disassemble(t, &image->as.image.spec, unchecked, write_cap, w, error);
}

static javm_status write_nested(text_writer *w, jv_text *t, javm_cap *image, javm_error *error) {
  jv_text_add(t, "image {\n");
  w->depth++;
  w->images++;
  t->indent += 2;
  javm_status status = write_image(w, t, image, error);
  w->depth--;
  t->indent -= 2;
  jv_text_begin(t);
  jv_text_add(t, "}\n");
  return status;
}

/* Calls itself through jv_disassemble, at most JV_ASM_DEPTH_MAX deep. */
static javm_status write_cap(void *ctx, jv_text *t, javm_cap *cap, bool may_be_image, javm_error *error) {
  text_writer *w = ctx;
  javm_cap *value = NULL;
  javm_status status = jv_resolve(w->dir, cap, JAVM_KIND_ABSENT, &value, error);
  if (status == JAVM_VALUE_NOT_FOUND) return write_hash(w, t, cap, error);
  if (status != JAVM_OK) return status;
  bool nest = may_be_image && value->kind == JAVM_KIND_IMAGE &&
              jv_image_check(&value->as.image.spec, NULL) == JAVM_OK && w->depth < JV_ASM_DEPTH_MAX &&
              w->images < IMAGES_MAX && t->size < TEXT_MAX;
  if (value->kind == JAVM_KIND_DATA && can_write_data(w, t, &value->as.data)) {
    jv_text_data(t, value->as.data.page_count, next_page, w);
  } else if (nest) {
    status = write_nested(w, t, value, error);
  } else {
    status = write_hash(w, t, value, error);
  }
  jv_release(w->dir, w->held);
  w->held = NULL;
  jv_release(w->dir, value);
  return status;
}

javm_status javm_disassemble(javm_dir *dir, javm_cap *image, uint8_t **text, size_t *size_bytes, javm_error *error) {
  const javm_allocator *a = javm_dir_allocator(dir);
  text_writer w = {.dir = dir};
  jv_text t = {.allocator = a};
  javm_cap *value;
  *text = NULL;
  *size_bytes = 0;
  javm_status status = jv_resolve(dir, image, JAVM_KIND_IMAGE, &value, error);
  if (status != JAVM_OK) return status;
  status = jv_image_check(&value->as.image.spec, error);
  if (status == JAVM_OK) status = write_image(&w, &t, value, error);
  jv_release(dir, value);
  if (status == JAVM_OK) {
    *text = jv_alloc_array(a, t.size, 1);
    if (*text) memcpy(*text, t.bytes, t.size);
    else status = jv_fail_memory(error);
  }
  if (status == JAVM_OK) *size_bytes = t.size;
  jv_text_free(&t);
  return status;
}
