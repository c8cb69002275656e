/*
 * What the five kinds of cap have in common: one table of functions each, in a file each (data.c, cnode.c, image.c,
 * instance.c, type.c), and those of what is a value but no cap (continuation.c, frame.c), and the walks over object graphs that need them.
 */
#ifndef JV_CAP_KIND_H
#define JV_CAP_KIND_H

#include "cap/ssz.h"

/* Is called with every pointer of an object to another, NULL too; stops where it returns false. */
typedef bool (*jv_child_fn)(void *ctx, jv_obj *child);

typedef struct jv_kind_ops {
  void (*encode)(const javm_cap *cap, jv_writer *w); /* settled; without the selector */
  /* `out` gets a new cap that re-encodes to exactly this span. */
  javm_status (*decode)(const jv_reader *r, jv_span span, javm_cap **out);
  void (*hash)(const javm_cap *cap, javm_hash *root); /* all children settled; without the selector */
  bool (*each_child)(javm_cap *cap, jv_child_fn visit, void *ctx);
  void (*release)(javm_dir *dir, javm_cap *cap); /* frees what the cap owns besides its children; NULL: nothing */
} jv_kind_ops;

extern const jv_kind_ops jv_instance_ops, jv_image_ops, jv_data_ops, jv_cnode_ops, jv_type_ops, jv_continuation_ops,
    jv_frame_ops;
#define JV_KINDS 8
extern const jv_kind_ops *const jv_kinds[JV_KINDS]; /* by javm_kind; NULL for ABSENT */
static inline const jv_kind_ops *jv_kind(const javm_cap *cap) { return jv_kinds[cap->kind]; } /* not of a placeholder */

/* The pointers of any object. */
bool jv_each_child(jv_obj *o, jv_child_fn visit, void *ctx);
/* Frees the memory of an object that has no count left, not its children. */
void jv_obj_free(javm_dir *dir, jv_obj *o);

/* The selector and content of one value; MALFORMED for anything else. */
javm_status jv_cap_parse(const jv_reader *r, jv_span span, javm_cap **out);
/* The value, which must be settled, as jv_cap_parse reads it. */
void jv_cap_write(const javm_cap *cap, jv_writer *w);

/* A page of these bytes (at most JAVM_PAGE_BYTES) and zeros behind them; the shared one for zeros only. NULL: out of
 * memory. */
jv_obj *jv_page_of(javm_dir *dir, const uint8_t *bytes, size_t size_bytes);
/* List[Hash, 2^20] of pages, of a Data or an overlay. `pages` is settled for the first two. */
void jv_pages_root(jv_obj *pages, uint32_t page_count, javm_hash *root);
void jv_pages_write(jv_writer *w, jv_obj *pages, uint32_t page_count);
javm_status jv_pages_read(const jv_reader *r, jv_span span, const char *name, jv_obj **pages, uint32_t *page_count);

/* A settled object's hash, or the zero hash for NULL. */
static inline const javm_hash *jv_ref_hash(const void *object) {
  return object ? &((const jv_obj *)object)->hash : jv_zero_hash(0);
}

#endif
