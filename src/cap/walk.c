/*
 * The Merkle tree under an Instance's hash, seen node by node: what a proof takes its helpers from. A view is a node that
 * is not made but can be looked into; it goes on through references.
 *
 *   object      a cap or a placeholder, of which the hash is known; looked into, it is the content of the value
 *   tree        2^level leaves, of which those that are there are a tree of level `own`
 *   sequence    2^level elements from `low`: those below `count` are made by `element`, the rest is zero
 *   chunk       a hash or a number
 */
#include "base/bytes.h"
#include "cap/kind.h"
#include "cap/proof.h"

typedef struct view view;
typedef void (*element_fn)(const void *of, uint32_t index, view *out);

struct view {
  enum { OBJECT, TREE, SEQUENCE, CHUNK } shape;
  unsigned level, own;
  uint32_t low, count;
  const void *of;
  element_fn element;
  javm_hash chunk;
  unsigned mixed; /* numbers mixed in around all that, the last one outermost */
  uint64_t number[2];
};

/* --------------------------------------------------------------------------------------------------------- makers */

static view number_view(uint64_t number) {
  view v = {.shape = CHUNK};
  jv_store_le(v.chunk.bytes, number, 8);
  return v;
}

static view chunk_view(const javm_hash *chunk) { return (view){.shape = CHUNK, .chunk = *chunk}; }
static view object_view(const void *object) { return (view){.shape = OBJECT, .of = object}; }
static view tree_view(const jv_obj *tree, unsigned own, unsigned level) {
  return (view){.shape = TREE, .of = tree, .own = own, .level = level};
}
static view sequence_view(const void *of, element_fn element, uint32_t count, unsigned level) {
  return (view){.shape = SEQUENCE, .of = of, .element = element, .count = count, .level = level};
}
static view mix(view v, uint64_t number) {
  v.number[v.mixed++] = number;
  return v;
}
static view pages_view(const jv_obj *pages, uint32_t page_count) {
  return mix(tree_view(pages, jv_tree_level(page_count), 20), page_count);
}

/* --------------------------------------------------------------------------------------------------- the values */

static void overlay_field(const void *of, uint32_t index, view *out) {
  const jv_overlay *o = of;
  *out = index == 0 ? number_view(o->start) : pages_view(o->pages, o->page_count);
}

static void overlay(const void *of, uint32_t index, view *out) {
  *out = sequence_view(&((const jv_instance *)of)->overlays[index], overlay_field, 2, 1);
}

static void reg_chunk(const void *of, uint32_t index, view *out) {
  *out = number_view(0);
  for (unsigned k = 0; k < 4 && 4 * index + k < JAVM_REG_COUNT; k++)
    jv_store_le(out->chunk.bytes + 8 * k, ((const jv_instance *)of)->regs[4 * index + k], 8);
}

static void instance_field(const void *of, uint32_t index, view *out) {
  const jv_instance *i = of;
  switch (index) {
    case JV_FIELD_CHAIN: *out = chunk_view(&i->chain); break;
    case JV_FIELD_IMAGE: *out = object_view(i->image); break;
    case JV_FIELD_ROOT_CNODE: *out = object_view(i->root_cnode); break;
    case JV_FIELD_OVERLAYS:
      *out = mix(sequence_view(i, overlay, (uint32_t)i->overlay_count, 6), i->overlay_count);
      break;
    case JV_FIELD_MEM_SIZE: *out = number_view(i->mem_size); break;
    case JV_FIELD_HEAP_END: *out = number_view(i->heap_end); break;
    case JV_FIELD_REGS: *out = sequence_view(i, reg_chunk, 4, 2); break;
    case JV_FIELD_PC: *out = number_view(i->pc); break;
    case JV_FIELD_GAS: *out = number_view(i->gas_remaining); break;
    default: *out = object_view(i->paused); break;
  }
}

static void cnode_field(const void *of, uint32_t index, view *out) {
  const jv_cnode *c = of;
  *out = index == 0 ? number_view(c->size_log) : tree_view(c->slots, c->size_log, JV_SIZE_LOG_MAX);
}

static void entry_field(const void *of, uint32_t index, view *out) {
  const jv_paused_entry *e = of;
  *out = index == JV_FIELD_ENTRY_INSTANCE ? object_view(e->instance)
                                          : number_view(index == 0   ? e->kind
                                                        : index == 2 ? e->callee_slot
                                                                     : e->target);
}

static void entry(const void *of, uint32_t index, view *out) {
  *out = sequence_view(&((const jv_continuation *)of)->entries[index], entry_field, 4, 2);
}

static void continuation_field(const void *of, uint32_t index, view *out) {
  const jv_continuation *c = of;
  *out = index == 0 ? chunk_view(&c->marker) : mix(sequence_view(c, entry, (uint32_t)c->count, 8), c->count);
}

static void frame_field(const void *of, uint32_t index, view *out) {
  const jv_saved_frame *f = of;
  javm_hash effects;
  switch (index) {
    case 0: *out = object_view(f->called); break;
    case JV_FIELD_FRAME_PAGES: *out = tree_view(f->pages, JV_FRAME_LEVEL, JV_FRAME_LEVEL); break;
    case 2: *out = number_view(f->heap_end); break;
    case 3: *out = number_view(f->flags); break;
    case 4: *out = number_view(f->budget); break;
    default:
      jv_effects_root(f, &effects);
      *out = chunk_view(&effects);
      break;
  }
}

/* The content of a value of a kind that claims lead through. */
static view value_view(const javm_cap *cap) {
  switch ((javm_kind)cap->kind) {
    case JAVM_KIND_INSTANCE: return mix(sequence_view(&cap->as.instance, instance_field, 10, 4), cap->kind);
    case JAVM_KIND_DATA: return mix(pages_view(cap->as.data.pages, cap->as.data.page_count), cap->kind);
    case JAVM_KIND_CNODE: return mix(sequence_view(&cap->as.cnode, cnode_field, 2, 1), cap->kind);
    case JAVM_KIND_CONTINUATION: return sequence_view(&cap->as.continuation, continuation_field, 2, 1);
    case JAVM_KIND_FRAME: return sequence_view(&cap->as.frame, frame_field, 6, 3);
    default: return chunk_view(&cap->obj.hash); /* no claim leads further */
  }
}

/* ---------------------------------------------------------------------------------------------------------- walk */

/* The node on a side of one that is no chunk and no object. */
static view child(const view *v, unsigned side) {
  view c = *v;
  if (v->mixed > 0) {
    c.mixed--;
    return side == 0 ? c : number_view(v->number[c.mixed]);
  }
  c.level--;
  if (v->shape == SEQUENCE) {
    c.low += side << c.level;
    if (c.low >= c.count) return tree_view(NULL, 0, c.level);
    if (c.level == 0) v->element(v->of, c.low, &c);
    return c;
  }
  if (v->level > v->own) {
    if (side == 1) c.of = NULL;
  } else if (v->of) {
    c.of = ((const jv_branch *)v->of)->child[side];
    c.own--;
  }
  return c.level == 0 ? object_view(c.of) : c;
}

static void hash_of(const view *v, javm_hash *hash) {
  const jv_obj *o = v->of;
  if (v->mixed == 0) switch (v->shape) {
      case CHUNK: *hash = v->chunk; return;
      case OBJECT: *hash = *jv_ref_hash(o); return;
      case TREE:
        *hash = o ? o->hash : *jv_zero_hash(v->level);
        if (o) jv_hash_raise(hash, v->own, v->level);
        return;
      case SEQUENCE: break;
    }
  javm_hash half[2];
  for (unsigned side = 0; side < 2; side++) {
    view c = child(v, side);
    hash_of(&c, &half[side]);
  }
  jv_hash_pair(hash, &half[0], &half[1]);
}

javm_status jv_proof_node_hash(javm_dir *dir, javm_cap *instance, const jv_position *at, javm_hash *hash,
                               javm_error *error) {
  view v = object_view(instance);
  javm_cap *held = NULL;
  javm_status status = JAVM_OK;
  for (unsigned left = at->depth; left-- > 0;) {
    if (v.shape == OBJECT && v.mixed == 0) {
      javm_cap *value;
      status = jv_resolve(dir, (javm_cap *)v.of, JAVM_KIND_ABSENT, &value, error);
      if (status) break;
      jv_release(dir, held);
      held = value;
      v = value_view(value);
    }
    v = child(&v, (unsigned)((left >= 64 ? at->high >> (left - 64) : at->low >> left) & 1));
  }
  if (!status) hash_of(&v, hash);
  jv_release(dir, held);
  return status;
}
