/*
 * The five kinds of value, and what the files of this folder share. A javm_cap is one of them, or a placeholder
 * (absent) that knows only a hash. Everything in it is immutable; what it refers to it holds by counted pointers, to
 * caps or to placeholders alike.
 */
#ifndef JV_CAP_CAP_H
#define JV_CAP_CAP_H

#include "cap/hash.h"
#include "cap/tree.h"

/* The limits of 3-values.md 3.1. */
#define JV_PAGE_COUNT_MAX (1u << 20)
#define JV_SIZE_LOG_MAX 16u
#define JV_ROOT_SIZE_LOG 8u
#define JV_CODE_MAX ((size_t)1 << 24)
#define JV_BITMASK_MAX ((size_t)1 << 21)
#define JV_JUMP_MAX ((size_t)1 << 20)
#define JV_ENDPOINT_MAX 256u
#define JV_MAPPING_MAX 64u
#define JV_METER_SLOT_MAX 16u
#define JV_SLOT_CAP_MAX 256u
#define JV_OVERLAY_MAX 64u
#define JV_PAUSED_ENTRY_MAX 256u
#define JV_FRAME_LEVEL 20u /* of the tree over the pages of a Frame */
#define JV_EFFECT_MAX (1u << 16)

typedef struct jv_data {
  uint32_t page_count;
  jv_obj *pages; /* tree of level jv_tree_level(page_count) */
} jv_data;

typedef struct jv_cnode {
  uint8_t size_log;
  jv_obj *slots; /* tree of level size_log over caps */
} jv_cnode;

/* Owned copies of what a javm_image_spec shows. */
typedef struct jv_image {
  javm_image_spec spec; /* arrays owned; `pinned` and `initial` hold counts of their caps */
  atomic_uchar checked; /* 0 not yet validated, 1 valid: set by whoever validated it */
} jv_image;

typedef struct jv_overlay {
  uint32_t start;
  uint32_t page_count;
  jv_obj *pages;
} jv_overlay;

typedef struct jv_instance {
  javm_hash chain;
  javm_cap *image;      /* NULL: the zero hash */
  javm_cap *root_cnode; /* NULL: the zero hash */
  jv_overlay *overlays;
  size_t overlay_count;
  uint32_t mem_size;
  uint32_t heap_end;
  uint64_t regs[JAVM_REG_COUNT];
  uint64_t pc;
  uint64_t gas_remaining;
  javm_cap *paused; /* a Continuation, or, in an entry of one, a Frame; NULL: the zero hash */
} jv_instance;

/* An entry of a Continuation: an InstanceEntry, or from JV_PAUSED_REFERENCE on a ReferenceEntry that paused for the
 * javm_pause_kind that follows. */
#define JV_PAUSED_REFERENCE 1u
typedef struct jv_paused_entry {
  uint8_t kind;
  uint32_t target;      /* of a Reference: an index of this list, or UINT32_MAX for the host */
  uint64_t callee_slot; /* operand by which it was called; of a Reference: the marker's index, or the host function */
  javm_cap *instance;   /* its `paused` is its Frame. Of a Reference: what it showed to the host, or NULL */
} jv_paused_entry;

typedef struct jv_continuation {
  javm_hash marker;
  jv_paused_entry *entries; /* bottom first */
  size_t count;
} jv_continuation;

/* What an entry did outside of its own state; the VM gives the kinds (docs/formats.md). */
#define JV_SAVED_EMIT 0 /* `cap` was emitted */
typedef struct jv_saved_effect {
  uint8_t kind;
  javm_cap *cap; /* of an emit */
  javm_hash a, b;
  uint64_t id, amount;
} jv_saved_effect;

/* The block at the pc is paid for; the bottom of a drive; it has halted, and waits for the quota to end with. */
enum { JV_FRAME_PAID = 1, JV_FRAME_BOTTOM = 2, JV_FRAME_HALTED = 4 };
typedef struct jv_saved_frame {
  javm_cap *called; /* the Instance that the entry was built from */
  jv_obj *pages;    /* tree over the pages of the address space: those written */
  uint64_t heap_end;
  uint8_t flags; /* JV_FRAME_ */
  uint64_t budget;
  jv_saved_effect *effects; /* oldest first */
  size_t effect_count;
} jv_saved_frame;

struct javm_cap {
  jv_obj obj;   /* kind JV_OBJ_CAP or JV_OBJ_ABSENT */
  uint8_t kind; /* javm_kind */
  union {
    jv_instance instance;
    jv_image image;
    jv_data data;
    jv_cnode cnode;
    javm_hash type_chain;
    jv_continuation continuation;
    jv_saved_frame frame;
  } as;
};

/* A placeholder, for a cap and for a page alike: an object of kind JV_OBJ_ABSENT that ends where `as` would begin. Its
 * hash is known (never zero: that is NULL), its `kind` is JAVM_KIND_ABSENT. What it stands for may come into the
 * directory later. */
#define JV_ABSENT_BYTES offsetof(struct javm_cap, as)

/* Gives back one count of anything (page, branch, cap, placeholder) and frees what is no longer held, without
 * recursion. */
void jv_release(javm_dir *dir, void *object);

/* Makes the hash of an object known, and that of everything below it first. Never recurses over caps. False: out of
 * memory. The hash is then object->hash. NULL stands for zero. */
bool jv_settle(javm_dir *dir, jv_obj *object);
/* Settles and publishes an object and everything below that is not published yet: the cost is that of what is new.
 * False: out of memory, nothing published. */
bool jv_publish(javm_dir *dir, jv_obj *object);
bool jv_publish_all(javm_dir *dir, jv_obj *const *objects, size_t count);
/* The published object with this hash with a count for the caller, or NULL: a page, a cap. */
jv_obj *jv_dir_find(javm_dir *dir, const javm_hash *hash);

/* Finds the value behind a cap that may be a placeholder. *out is the cap itself or the published one, with a count for
 * the caller. Errors: VALUE_NOT_FOUND with the hash; WRONG_KIND (kind: what is asked for, or JAVM_KIND_ABSENT for any).
 * */
javm_status jv_resolve(javm_dir *dir, javm_cap *cap, javm_kind kind, javm_cap **out, javm_error *error);
/* The bytes of a page leaf (NULL leaf and the zero page: *bytes = NULL). The pointer stays as long as `leaf`, or the
 * directory's published page, is held; *held gets a count that the caller gives back (may be NULL after the call). */
javm_status jv_resolve_page(javm_dir *dir, jv_obj *leaf, jv_page **held, const uint8_t **bytes, javm_hash *missing);

javm_cap *jv_cap_alloc(javm_dir *dir, javm_kind kind); /* zeroed content, one count; NULL: out of memory */
/* A placeholder for a hash (not zero), also where the value is published. NULL: out of memory. */
javm_cap *jv_placeholder(javm_dir *dir, const javm_hash *hash);
/* What stands for a hash, which is not zero: the published object of this kind (JV_OBJ_PAGE, JV_OBJ_CAP) where there is
 * one, else a placeholder. One count. NULL: out of memory. */
jv_obj *jv_obj_for_hash(javm_dir *dir, const javm_hash *hash, jv_obj_kind kind);
javm_cap *jv_cap_for_hash(javm_dir *dir, const javm_hash *hash);

/* Makers for the VM: each takes over the counts of what it is given, also on failure. NULL: out of memory. */
javm_cap *jv_cnode_make(javm_dir *dir, unsigned size_log, jv_obj *slots);
javm_cap *jv_data_make(javm_dir *dir, uint32_t page_count, jv_obj *pages);
/* overlays: a block of overlay_count elements from the directory's allocator (jv_alloc_array), taken over; NULL for
 * none. */
javm_cap *jv_instance_make(javm_dir *dir, const jv_instance *content);
/* entries, effects: likewise blocks of exactly their count. */
javm_cap *jv_continuation_make(javm_dir *dir, const jv_continuation *content);
javm_cap *jv_saved_frame_make(javm_dir *dir, const jv_saved_frame *content);
/* The root of a Frame's effects; they are settled. */
void jv_effects_root(const jv_saved_frame *frame, javm_hash *root);
/* Is it one of the five kinds that a slot may hold? */
static inline bool jv_is_cap_kind(const javm_cap *cap) { return cap->kind <= JAVM_KIND_TYPE; }

/* The first bytes of a bundle; the last of them is the format's version. */
#define JV_BUNDLE_MAGIC "JAVMBDL\x01"
#define JV_BUNDLE_MAGIC_BYTES 8

/* The page of zeros, shared; borrowed. */
jv_page *jv_dir_zero_page(javm_dir *dir);

/* What 3-values.md 3.2 asks of an Image (counts, sizes, order, ranges, kinds of caps that are present) without looking
 * at its code. INVALID_IMAGE. Decoding does not check this, only what the serialized form itself demands
 * (docs/formats.md). */
javm_status jv_image_check(const javm_image_spec *spec, javm_error *error);
/* An Image of any content that passes jv_image_check, its code not validated. */
javm_status jv_image_make(javm_dir *dir, const javm_image_spec *spec, javm_cap **out, javm_error *error);

#endif
