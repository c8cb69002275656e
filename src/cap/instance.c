/* Instance: an Image in some state. Any content is a value; whether it fits its Image is seen when it is run. */
#include "base/bytes.h"
#include "cap/kind.h"

/* ---------------------------------------------------------------------------------------------------------- make */

static void clear_overlays(javm_dir *dir, jv_overlay *overlays, size_t count) {
  for (size_t i = 0; overlays && i < count; i++) jv_release(dir, overlays[i].pages);
  jv_free_array(javm_dir_allocator(dir), overlays, count, sizeof *overlays);
}

javm_cap *jv_instance_make(javm_dir *dir, const jv_instance *content) {
  javm_cap *cap = jv_cap_alloc(dir, JAVM_KIND_INSTANCE);
  if (!cap) {
    jv_release(dir, content->image);
    jv_release(dir, content->root_cnode);
    jv_release(dir, content->paused);
    clear_overlays(dir, content->overlays, content->overlay_count);
    return NULL;
  }
  cap->as.instance = *content;
  return cap;
}

/* A block of `count` empty overlays; NULL: out of memory. */
static jv_overlay *alloc_overlays(javm_dir *dir, size_t count) {
  jv_overlay *overlays = jv_alloc_array(javm_dir_allocator(dir), count, sizeof *overlays);
  for (size_t i = 0; overlays && i < count; i++) overlays[i] = (jv_overlay){0, 0, NULL};
  return overlays;
}

void javm_instance_spec_init(javm_instance_spec *spec) { memset(spec, 0, sizeof *spec); }

static javm_status take_overlays(javm_dir *dir, const javm_instance_spec *spec, jv_overlay *overlays,
                                 javm_error *error) {
  for (size_t i = 0; i < spec->overlay_count; i++) {
    javm_cap *data;
    javm_status status = jv_resolve(dir, spec->overlays[i].data, JAVM_KIND_DATA, &data, error);
    if (status) return status;
    const jv_data *d = &data->as.data;
    overlays[i] = (jv_overlay){spec->overlays[i].start, d->page_count, jv_obj_retain(d->pages)};
    jv_release(dir, data);
  }
  return JAVM_OK;
}

/* --------------------------------------------------------------------------------------------------------- check */

static javm_status check_kind(const javm_cap *cap, javm_kind kind, const char *name, javm_error *error) {
  if (!cap || cap->kind == kind || cap->kind == JAVM_KIND_ABSENT) return JAVM_OK;
  return jv_fail(error, JAVM_WRONG_KIND, 0, "%s: of kind %s, expected %s", name, javm_kind_text((javm_kind)cap->kind),
                 javm_kind_text(kind));
}

javm_status javm_instance_new(javm_dir *dir, const javm_instance_spec *spec, javm_cap **out, javm_error *error) {
  *out = NULL;
  if (spec->overlay_count > JV_OVERLAY_MAX)
    return jv_fail(error, JAVM_OUT_OF_RANGE, 0, "overlays: %zu, expected at most %u", spec->overlay_count,
                   JV_OVERLAY_MAX);
  javm_status status = check_kind(spec->image, JAVM_KIND_IMAGE, "image", error);
  if (!status) status = check_kind(spec->root_cnode, JAVM_KIND_CNODE, "root_cnode", error);
  if (status) return status;
  jv_overlay *overlays = alloc_overlays(dir, spec->overlay_count);
  if (!overlays) return jv_fail_memory(error);
  status = take_overlays(dir, spec, overlays, error);
  if (status) {
    clear_overlays(dir, overlays, spec->overlay_count);
    return status;
  }
  jv_instance content = {
      .chain = spec->image_hash_chain,
      .image = jv_obj_retain(spec->image),
      .root_cnode = jv_obj_retain(spec->root_cnode),
      .overlays = overlays,
      .overlay_count = spec->overlay_count,
      .mem_size = spec->mem_size,
      .heap_end = spec->heap_end,
      .pc = spec->pc,
      .gas_remaining = spec->gas_remaining,
  };
  memcpy(content.regs, spec->regs, sizeof content.regs);
  bool ok = true;
  if (!jv_hash_is_zero(&spec->paused)) ok = (content.paused = jv_cap_for_hash(dir, &spec->paused)) != NULL;
  *out = jv_instance_make(dir, &content);
  if (*out && !ok) {
    jv_release(dir, *out);
    *out = NULL;
  }
  return *out ? JAVM_OK : jv_fail_memory(error);
}

/* The root CNode's slots as a tree of 256: those given, with the Image's on top. */
static javm_status genesis_slots(javm_dir *dir, const javm_image_spec *spec, const jv_cnode *given, jv_obj **slots,
                                 javm_error *error) {
  if (given->size_log > JV_ROOT_SIZE_LOG)
    return jv_fail(error, JAVM_INVALID_INSTANCE, 0, "root_cnode: 2^%u slots, expected at most 256", given->size_log);
  if (!jv_tree_resize(dir, slots, given->slots, given->size_log, JV_ROOT_SIZE_LOG)) return jv_fail_memory(error);
  for (size_t i = 0; i < spec->pinned_count; i++) {
    const javm_slot_cap *pinned = &spec->pinned[i];
    if (jv_tree_get(*slots, JV_ROOT_SIZE_LOG, pinned->slot))
      return jv_fail(error, JAVM_INVALID_INSTANCE, 0, "root_cnode: slot %u is pinned by the image", pinned->slot);
    if (!jv_tree_set(dir, slots, JV_ROOT_SIZE_LOG, pinned->slot, &pinned->cap->obj)) return jv_fail_memory(error);
  }
  for (size_t i = 0; i < spec->initial_count; i++) {
    const javm_slot_cap *initial = &spec->initial[i];
    if (jv_tree_get(*slots, JV_ROOT_SIZE_LOG, initial->slot)) continue;
    if (!jv_tree_set(dir, slots, JV_ROOT_SIZE_LOG, initial->slot, &initial->cap->obj)) return jv_fail_memory(error);
  }
  return JAVM_OK;
}

/* `image` is an Image, `root_cnode` a CNode or NULL; their counts stay the caller's. */
static javm_status genesis(javm_dir *dir, javm_cap *image, javm_cap *root_cnode, javm_cap **out, javm_error *error) {
  static const jv_cnode empty = {JV_ROOT_SIZE_LOG, NULL};
  const javm_image_spec *spec = &image->as.image.spec;
  javm_status status = jv_image_check(spec, error);
  if (status) return status;
  if (!jv_settle(dir, &image->obj)) return jv_fail_memory(error);
  jv_obj *slots = NULL;
  status = genesis_slots(dir, spec, root_cnode ? &root_cnode->as.cnode : &empty, &slots, error);
  if (status) {
    jv_release(dir, slots);
    return status;
  }
  javm_cap *root = jv_cnode_make(dir, JV_ROOT_SIZE_LOG, slots);
  if (!root) return jv_fail_memory(error);
  jv_instance content = {.chain = image->obj.hash, .image = jv_obj_retain(image), .root_cnode = root};
  *out = jv_instance_make(dir, &content);
  return *out ? JAVM_OK : jv_fail_memory(error);
}

javm_status javm_instance_genesis(javm_dir *dir, javm_cap *image, javm_cap *root_cnode, javm_cap **out,
                                  javm_error *error) {
  *out = NULL;
  javm_cap *image_value, *root_value = NULL;
  javm_status status = jv_resolve(dir, image, JAVM_KIND_IMAGE, &image_value, error);
  if (status) return status;
  if (root_cnode) status = jv_resolve(dir, root_cnode, JAVM_KIND_CNODE, &root_value, error);
  if (!status) status = genesis(dir, image_value, root_value, out, error);
  jv_release(dir, image_value);
  jv_release(dir, root_value);
  return status;
}

javm_status javm_instance_view(javm_dir *dir, javm_cap *instance, javm_instance_spec *spec) {
  javm_cap *value;
  javm_status status = jv_resolve(dir, instance, JAVM_KIND_INSTANCE, &value, NULL);
  if (status) return status;
  const jv_instance *i = &value->as.instance;
  *spec = (javm_instance_spec){
      .image_hash_chain = i->chain,
      .image = i->image,
      .root_cnode = i->root_cnode,
      .overlay_count = i->overlay_count,
      .mem_size = i->mem_size,
      .heap_end = i->heap_end,
      .pc = i->pc,
      .gas_remaining = i->gas_remaining,
  };
  memcpy(spec->regs, i->regs, sizeof spec->regs);
  if (i->paused && jv_settle(dir, &i->paused->obj)) spec->paused = i->paused->obj.hash;
  else if (i->paused) status = JAVM_OUT_OF_MEMORY;
  jv_release(dir, value);
  return status;
}

javm_status javm_instance_overlay(javm_dir *dir, javm_cap *instance, size_t index, uint32_t *start, javm_cap **data) {
  javm_cap *value;
  *data = NULL;
  javm_status status = jv_resolve(dir, instance, JAVM_KIND_INSTANCE, &value, NULL);
  if (status) return status;
  if (index < value->as.instance.overlay_count) {
    const jv_overlay *o = &value->as.instance.overlays[index];
    *data = jv_data_make(dir, o->page_count, jv_obj_retain(o->pages));
    if (*data) *start = o->start;
    else status = JAVM_OUT_OF_MEMORY;
  } else {
    status = JAVM_OUT_OF_RANGE;
  }
  jv_release(dir, value);
  return status;
}

/* ------------------------------------------------------------------------------------------------ encode, decode */

#define FIXED_BYTES 260
#define OVERLAY_BYTES 8

/* Where the fields of the fixed part are. */
enum {
  IMAGE_AT = 32,
  ROOT_CNODE_AT = 64,
  MEM_SIZE_AT = 100,
  HEAP_END_AT = 104,
  REGS_AT = 108,
  PC_AT = 212,
  GAS_AT = 220,
  PAUSED_AT = 228
};
_Static_assert(REGS_AT + 8 * JAVM_REG_COUNT == PC_AT && PAUSED_AT + JAVM_HASH_BYTES == FIXED_BYTES, "Instance layout");
static const jv_field fields[] = {{"Instance.rw_overlays", 96}};
static const jv_field overlay_fields[] = {{"Instance.rw_overlays.pages", 4}};

static void encode(const javm_cap *cap, jv_writer *w) {
  const jv_instance *i = &cap->as.instance;
  jv_put(w, &i->chain, JAVM_HASH_BYTES);
  jv_put_ref(w, i->image);
  jv_put_ref(w, i->root_cnode);
  jv_put_number(w, FIXED_BYTES, 4);
  jv_put_number(w, i->mem_size, 4);
  jv_put_number(w, i->heap_end, 4);
  for (unsigned k = 0; k < JAVM_REG_COUNT; k++) jv_put_number(w, i->regs[k], 8);
  jv_put_number(w, i->pc, 8);
  jv_put_number(w, i->gas_remaining, 8);
  jv_put_ref(w, i->paused);
  size_t base = w->size;
  jv_put_room(w, 4 * i->overlay_count);
  for (size_t k = 0; k < i->overlay_count; k++) {
    const jv_overlay *o = &i->overlays[k];
    jv_fill_hole(w, base + 4 * k, base);
    jv_put_number(w, o->start, 4);
    jv_put_number(w, OVERLAY_BYTES, 4);
    jv_pages_write(w, o->pages, o->page_count);
  }
}

static javm_status decode_overlays(const jv_reader *r, jv_span list, jv_instance *content) {
  size_t count;
  javm_status status = jv_list_of_variable(r, list, fields[0].name, JV_OVERLAY_MAX, &count);
  if (status || count == 0) return status;
  content->overlays = alloc_overlays(r->dir, count);
  if (!content->overlays) return jv_fail_memory(r->error);
  content->overlay_count = count;
  for (size_t i = 0; i < count; i++) {
    jv_span one = jv_element(list, count, i), part;
    status = jv_split(r, one, fields[0].name, OVERLAY_BYTES, overlay_fields, 1, &part);
    if (status) return status;
    jv_obj *pages;
    uint32_t page_count;
    status = jv_pages_read(r, part, overlay_fields[0].name, &pages, &page_count);
    if (status) return status;
    content->overlays[i] = (jv_overlay){(uint32_t)jv_load_le(one.at, 4), page_count, pages};
  }
  return JAVM_OK;
}

static javm_status decode_content(const jv_reader *r, jv_span span, jv_instance *content) {
  jv_span overlays;
  javm_status status = jv_split(r, span, "Instance", FIXED_BYTES, fields, 1, &overlays);
  if (status) return status;
  const uint8_t *at = span.at;
  memcpy(content->chain.bytes, at, JAVM_HASH_BYTES);
  content->mem_size = (uint32_t)jv_load_le(at + MEM_SIZE_AT, 4);
  content->heap_end = (uint32_t)jv_load_le(at + HEAP_END_AT, 4);
  for (unsigned k = 0; k < JAVM_REG_COUNT; k++) content->regs[k] = jv_load_le(at + REGS_AT + 8 * k, 8);
  content->pc = jv_load_le(at + PC_AT, 8);
  content->gas_remaining = jv_load_le(at + GAS_AT, 8);
  jv_obj *ref;
  if ((status = jv_read_ref(r, at + IMAGE_AT, JV_OBJ_CAP, &ref))) return status;
  content->image = (javm_cap *)ref;
  if ((status = jv_read_ref(r, at + ROOT_CNODE_AT, JV_OBJ_CAP, &ref))) return status;
  content->root_cnode = (javm_cap *)ref;
  if ((status = jv_read_ref(r, at + PAUSED_AT, JV_OBJ_CAP, &ref))) return status;
  content->paused = (javm_cap *)ref;
  return decode_overlays(r, overlays, content);
}

static javm_status decode(const jv_reader *r, jv_span span, javm_cap **out) {
  javm_cap *cap = jv_cap_alloc(r->dir, JAVM_KIND_INSTANCE);
  if (!cap) return jv_fail_memory(r->error);
  javm_status status = decode_content(r, span, &cap->as.instance);
  if (status) jv_release(r->dir, cap);
  else *out = cap;
  return status;
}

/* ---------------------------------------------------------------------------------------------------------- hash */

static void overlays_root(const jv_instance *content, javm_hash *root) {
  jv_merkle list;
  jv_merkle_init(&list);
  for (size_t i = 0; i < content->overlay_count; i++) {
    const jv_overlay *o = &content->overlays[i];
    javm_hash pages, overlay;
    jv_pages_root(o->pages, o->page_count, &pages);
    jv_merkle one;
    jv_merkle_init(&one);
    jv_merkle_add_number(&one, o->start);
    jv_merkle_add(&one, &pages);
    jv_merkle_root(&one, 1, &overlay);
    jv_merkle_add(&list, &overlay);
  }
  jv_merkle_root(&list, 6, root);
  jv_mix_in_number(root, content->overlay_count);
}

static void hash(const javm_cap *cap, javm_hash *root) {
  const jv_instance *i = &cap->as.instance;
  javm_hash overlays;
  overlays_root(i, &overlays);
  jv_merkle m;
  jv_merkle_init(&m);
  jv_merkle_add(&m, &i->chain);
  jv_merkle_add(&m, jv_ref_hash(i->image));
  jv_merkle_add(&m, jv_ref_hash(i->root_cnode));
  jv_merkle_add(&m, &overlays);
  jv_merkle_add_number(&m, i->mem_size);
  jv_merkle_add_number(&m, i->heap_end);
  jv_merkle_add_regs(&m, i->regs);
  jv_merkle_add_number(&m, i->pc);
  jv_merkle_add_number(&m, i->gas_remaining);
  jv_merkle_add(&m, jv_ref_hash(i->paused));
  jv_merkle_root(&m, 4, root);
}

/* ------------------------------------------------------------------------------------------------------- release */

static bool each_child(javm_cap *cap, jv_child_fn visit, void *ctx) {
  const jv_instance *i = &cap->as.instance;
  if (!visit(ctx, (jv_obj *)i->image) || !visit(ctx, (jv_obj *)i->root_cnode) || !visit(ctx, (jv_obj *)i->paused))
    return false;
  for (size_t k = 0; k < i->overlay_count; k++)
    if (!visit(ctx, i->overlays[k].pages)) return false;
  return true;
}

static void release(javm_dir *dir, javm_cap *cap) {
  const jv_instance *i = &cap->as.instance;
  jv_free_array(javm_dir_allocator(dir), i->overlays, i->overlay_count, sizeof *i->overlays);
}

const jv_kind_ops jv_instance_ops = {encode, decode, hash, each_child, release};
