/* Entries: building one from an Instance (4-vm.md 4.3), and the Instance that one has become. */
#include <string.h>

#include "vm/vm.h"

static uint32_t page_count_of(uint64_t size_bytes) {
  return (uint32_t)((size_bytes + JAVM_PAGE_BYTES - 1) / JAVM_PAGE_BYTES);
}

/* ---- memory ---- */

javm_status jv_entry_page(jv_entry *e, jv_obj *leaf, const uint8_t **bytes, javm_hash *missing) {
  if (leaf && leaf->kind == JV_OBJ_PAGE) {
    *bytes = ((jv_page *)leaf)->bytes;
    return JAVM_OK;
  }
  if (!jv_grow(javm_dir_allocator(e->dir), &e->held, &e->held_capacity, e->held_count + 1, sizeof *e->held))
    return JAVM_OUT_OF_MEMORY;
  jv_page *held = NULL;
  javm_status status = jv_resolve_page(e->dir, leaf, &held, bytes, missing);
  if (held) e->held[e->held_count++] = held;
  return status;
}

static javm_status fetch_page(void *ctx, uint32_t index, const uint8_t **bytes, javm_hash *missing) {
  jv_backing *b = ctx;
  jv_obj *leaf = jv_tree_get(b->pages, jv_tree_level(b->page_count), index);
  if (leaf != &jv_dir_zero_page(b->entry->dir)->obj) return jv_entry_page(b->entry, leaf, bytes, missing);
  *bytes = NULL;
  return JAVM_OK;
}

/* Adds a region with a backing; takes a count of pages. */
static javm_status add_backed(jv_entry *e, uint32_t start, uint32_t region_pages, javm_access access, jv_obj *pages,
                              uint32_t page_count, bool persists, javm_error *error) {
  if (page_count > region_pages)
    return jv_fail(error, JAVM_INVALID_INSTANCE, 0, "memory at 0x%x: %u pages of content for a mapping of %u", start,
                   page_count, region_pages);
  jv_backing *b = &e->backings[e->backing_count];
  *b = (jv_backing){e, NULL, page_count, start, region_pages, persists};
  jv_region region = {
      start / JAVM_PAGE_BYTES, region_pages, (uint8_t)access, false, page_count ? fetch_page : NULL, b, 0, page_count};
  if (jv_mem_add_region(&e->mem, &region) != JAVM_OK) return jv_fail_memory(error);
  b->pages = jv_obj_retain(pages);
  e->backing_count++;
  return JAVM_OK;
}

static javm_status add_zeros(jv_entry *e, uint32_t first_page, uint32_t page_count, javm_error *error) {
  jv_region region = {first_page, page_count, JAVM_ACCESS_WRITE, false, NULL, NULL, 0, 0};
  if (page_count == 0 || jv_mem_add_region(&e->mem, &region) == JAVM_OK) return JAVM_OK;
  return jv_fail_memory(error);
}

static javm_status missing_or(javm_error *error, javm_status status, const char *what) {
  if (status != JAVM_WRONG_KIND) return status;
  return jv_fail(error, JAVM_INVALID_INSTANCE, 0, "%s", what);
}

static javm_status map_data(javm_vm *vm, jv_entry *e, const javm_mapping *m, javm_cap *cap, bool pinned,
                            javm_error *error) {
  javm_cap *data = NULL;
  javm_status status = cap ? jv_resolve(vm->dir, cap, JAVM_KIND_DATA, &data, error) : JAVM_OK;
  if (status == JAVM_OK || status == JAVM_WRONG_KIND) /* no Data there: zeros */
    status = add_backed(e, m->start, page_count_of(m->size_bytes), pinned ? JAVM_ACCESS_READ : JAVM_ACCESS_WRITE,
                        data ? data->as.data.pages : NULL, data ? data->as.data.page_count : 0, !pinned, error);
  jv_release(vm->dir, data);
  return status;
}

static const jv_overlay *overlay_at(const jv_instance *inst, uint32_t start) {
  for (size_t i = 0; i < inst->overlay_count; i++)
    if (inst->overlays[i].start == start) return &inst->overlays[i];
  return NULL;
}

static const javm_slot_cap *pinned_at(const javm_image_spec *spec, uint32_t slot) {
  for (size_t i = 0; i < spec->pinned_count; i++)
    if (spec->pinned[i].slot == slot) return &spec->pinned[i];
  return NULL;
}

static javm_status map_persistent(javm_vm *vm, jv_entry *e, const jv_instance *inst, const javm_image_spec *spec,
                                  const javm_mapping *m, javm_error *error) {
  const javm_slot_cap *pinned = pinned_at(spec, m->source[0]);
  if (pinned) return map_data(vm, e, m, m->source_length == 1 ? pinned->cap : NULL, true, error);
  const jv_overlay *o = overlay_at(inst, m->start);
  if (o)
    return add_backed(e, m->start, page_count_of(m->size_bytes), JAVM_ACCESS_WRITE, o->pages, o->page_count, true,
                      error);
  jv_path path;
  path.length = m->source_length;
  memcpy(path.slot, m->source, sizeof path.slot);
  javm_cap *cap = NULL;
  jv_op_result result = JV_OP_CONTINUE;
  if (!jv_slot_read(vm, e->slots, e->size_log, &path, &cap, &result) && result == JV_OP_FAILED) {
    if (error) *error = vm->failure;
    return vm->failure.status;
  }
  javm_status status = map_data(vm, e, m, cap, false, error); /* a path that leads nowhere: zeros */
  jv_release(vm->dir, cap);
  return status;
}

/* Is this overlay one of a persistent mapping that map_persistent has taken? */
static bool overlay_is_mapped(const javm_image_spec *spec, const jv_instance *inst, const jv_overlay *o) {
  for (size_t i = 0; i < spec->mapping_count; i++) {
    const javm_mapping *m = &spec->mappings[i];
    if (m->kind == JAVM_MAPPING_PERSISTENT && m->start == o->start && !pinned_at(spec, m->source[0]))
      return overlay_at(inst, m->start) == o;
  }
  return false;
}

javm_status jv_entry_map(javm_vm *vm, jv_entry *e, const jv_instance *inst, const javm_image_spec *spec,
                         javm_error *error) {
  size_t backings = spec->mapping_count + inst->overlay_count;
  if (!jv_grow(vm->allocator, &e->backings, &e->backing_capacity, backings, sizeof *e->backings))
    return jv_fail_memory(error);
  javm_status status = add_zeros(e, 0, page_count_of(inst->mem_size), error);
  for (size_t i = 0; status == JAVM_OK && i < spec->mapping_count; i++) {
    const javm_mapping *m = &spec->mappings[i];
    uint32_t first = m->start / JAVM_PAGE_BYTES, count = page_count_of(m->size_bytes);
    if (m->kind == JAVM_MAPPING_PERSISTENT) {
      status = map_persistent(vm, e, inst, spec, m, error);
    } else if (m->kind == JAVM_MAPPING_EPHEMERAL) {
      status = add_zeros(e, first, count, error);
    } else {
      uint32_t end = m->start;
      if (inst->heap_end > end && inst->heap_end - end <= m->size_bytes) end = inst->heap_end;
      if (jv_mem_add_heap(&e->mem, first, count, end) != JAVM_OK) status = jv_fail_memory(error);
    }
  }
  for (size_t i = 0; status == JAVM_OK && i < inst->overlay_count; i++) {
    const jv_overlay *o = &inst->overlays[i];
    if (overlay_is_mapped(spec, inst, o)) continue;
    if (o->start % JAVM_PAGE_BYTES || o->start / JAVM_PAGE_BYTES + (uint64_t)o->page_count > JV_GUEST_PAGES)
      return jv_fail(error, JAVM_INVALID_INSTANCE, i, "rw_overlays[%zu]: 0x%x with %u pages is not a range of pages", i,
                     o->start, o->page_count);
    if (o->page_count == 0) continue;
    status = add_backed(e, o->start, o->page_count, JAVM_ACCESS_WRITE, o->pages, o->page_count, true, error);
  }
  size_t persistent = 0;
  for (size_t i = 0; i < e->backing_count; i++) persistent += e->backings[i].persists;
  if (status == JAVM_OK && persistent > JV_OVERLAY_MAX)
    return jv_fail(error, JAVM_INVALID_INSTANCE, 0, "%zu persistent mappings and overlays, at most %u expected",
                   persistent, JV_OVERLAY_MAX);
  return status;
}

/* ---- entries ---- */

static jv_entry *entry_make(javm_dir *dir) {
  const javm_allocator *a = javm_dir_allocator(dir);
  jv_entry *e = jv_alloc_zero(a, sizeof *e);
  if (!e) return NULL;
  if (pthread_mutex_init(&e->sharing, NULL) == 0) {
    e->dir = dir;
    if (jv_mem_init(&e->mem, a) == JAVM_OK) return e;
    pthread_mutex_destroy(&e->sharing);
  }
  jv_free(a, e, sizeof *e);
  return NULL;
}

void jv_entry_adopt(javm_vm *vm, jv_entry *e) {
  if (e->owner == vm->id) return;
  e->owner = vm->id;
  e->mem.spare = vm->spare;
  e->mem.spare_count = &vm->spare_count;
  e->mem.spare_capacity = JV_SPARE_PAGES;
}

jv_entry *jv_entry_new(javm_vm *vm) {
  jv_entry *e = vm->free_entries;
  if (e) {
    vm->free_entries = e->next_free;
  } else {
    e = jv_find_entry(vm->dir);
    if (!e) e = entry_make(vm->dir);
    if (!e) return NULL;
    e->owner = 0;
    jv_entry_adopt(vm, e);
  }
  atomic_init(&e->refs, 1);
  e->is_bottom = e->has_exit = e->dropped = e->traced = e->gas_metered = false;
  e->callee_slot = e->gas_loaded = 0;
  e->refusal = JAVM_REFUSAL_NONE;
  e->refused_operation = 0;
  e->effects = (jv_effects){NULL, NULL};
  return e;
}

void jv_entry_destroy(const javm_allocator *a, jv_entry *e) {
  e->mem.spare = NULL; /* its VM may be gone */
  jv_mem_free(&e->mem);
  pthread_mutex_destroy(&e->sharing);
  jv_free(a, e->backings, e->backing_capacity * sizeof *e->backings);
  jv_free(a, e->held, e->held_capacity * sizeof *e->held);
  jv_free(a, e, sizeof *e);
}

#define KEPT_TOUCHED_PAGES 65536 /* the tables of a memory that was touched all over are not kept for the next entry */

void jv_entry_free(javm_vm *vm, jv_entry *e) {
  if (atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) != 1) return;
  jv_entry_adopt(vm, e);
  jv_mem_reset(&e->mem);
  jv_entry_thaw(e);
  jv_effects_keep(vm, &e->effects);
  for (size_t i = 0; i < e->backing_count; i++) jv_release(vm->dir, e->backings[i].pages);
  for (size_t i = 0; i < e->held_count; i++) jv_release(vm->dir, e->held[i]);
  e->backing_count = e->held_count = 0;
  jv_release(vm->dir, e->slots);
  e->slots = NULL;
  jv_release(vm->dir, e->instance);
  e->instance = NULL;
  jv_release(vm->dir, e->slot0);
  e->slot0 = NULL;
  jv_unload_image(vm, e->image);
  e->image = NULL;
  if (e->mem.touched_capacity > KEPT_TOUCHED_PAGES) {
    jv_entry_destroy(vm->allocator, e);
    return;
  }
  e->next_free = vm->free_entries;
  vm->free_entries = e;
}

/* M of the single-pass model: by the pages that the instance can access (2-gas.md 2.1). */
uint32_t jv_entry_load_cycles(const javm_vm *vm, const jv_entry *e) {
  if (vm->config.load_cycles || vm->config.gas_model != JAVM_GAS_SINGLE_PASS) return vm->config.load_cycles;
  uint32_t pages = jv_mem_accessible_pages(&e->mem);
  return pages <= 2048 ? 25 : pages <= 8192 ? 50 : pages <= 65536 ? 75 : 100;
}

static const javm_endpoint *find_endpoint(const javm_image_spec *spec, uint64_t index) {
  static const javm_endpoint only = {0};
  if (spec->endpoint_count == 0) return index == 0 ? &only : NULL;
  for (size_t i = 0; i < spec->endpoint_count; i++)
    if (spec->endpoints[i].index == index) return &spec->endpoints[i];
  return NULL;
}

static javm_status fill(javm_vm *vm, jv_entry *e, const jv_instance *inst, javm_cap *image, javm_cap *root,
                        uint64_t endpoint, const uint64_t args[4], javm_error *error) {
  const javm_image_spec *spec = &image->as.image.spec;
  javm_status status = javm_image_validate(vm->dir, image, error);
  if (status != JAVM_OK) return status;
  const javm_endpoint *ep = find_endpoint(spec, endpoint);
  if (!ep)
    return jv_fail(error, JAVM_ENDPOINT_OUT_OF_RANGE, 0, "endpoint %llu is not declared", (unsigned long long)endpoint);
  e->slots = jv_obj_retain(root->as.cnode.slots);
  e->size_log = root->as.cnode.size_log;
  status = jv_entry_map(vm, e, inst, spec, error);
  if (status == JAVM_OK) status = jv_load_image(vm, image, jv_entry_load_cycles(vm, e), &e->image, error);
  if (status != JAVM_OK) return status;
  e->chain = inst->chain;
  e->state = (jv_state){.pc = ep->entry_pc, .mem = &e->mem};
  for (int i = 0; i < JAVM_REG_COUNT; i++) e->state.regs[i] = ep->initial_regs[i] ? ep->initial_regs[i] : inst->regs[i];
  memcpy(&e->state.regs[JV_REG_ARG], args, 4 * sizeof *args);
  return JAVM_OK;
}

static javm_status find_image(javm_vm *vm, javm_cap *cap, javm_cap **image, javm_error *error) {
  javm_status status = jv_resolve(vm->dir, cap, JAVM_KIND_IMAGE, image, error);
  if (status == JAVM_VALUE_NOT_FOUND) {
    status = JAVM_IMAGE_NOT_FOUND;
    if (error) error->status = status;
  }
  return missing_or(error, status, "image_hash: not an Image");
}

static javm_status find_root(javm_vm *vm, const jv_instance *inst, javm_cap **root, javm_error *error) {
  javm_status status =
      missing_or(error, jv_resolve(vm->dir, inst->root_cnode, JAVM_KIND_CNODE, root, error), "root_cnode: not a CNode");
  if (status != JAVM_OK || (*root)->as.cnode.size_log <= JV_ROOT_SIZE_LOG) return status;
  status = jv_fail(error, JAVM_INVALID_INSTANCE, 0, "root_cnode: 2^%u slots, at most 256 expected",
                   (*root)->as.cnode.size_log);
  jv_release(vm->dir, *root);
  *root = NULL;
  return status;
}

static javm_status check_parts(const jv_instance *inst, javm_error *error) {
  static const javm_hash none;
  if (!inst->image) return jv_fail_missing(error, JAVM_IMAGE_NOT_FOUND, &none, "the instance has no image");
  if (!inst->root_cnode) return jv_fail(error, JAVM_INVALID_INSTANCE, 0, "root_cnode: the instance has none");
  return JAVM_OK;
}

javm_status jv_instance_parts(javm_vm *vm, const jv_instance *inst, javm_cap **image, javm_cap **root,
                              javm_error *error) {
  *image = *root = NULL;
  javm_status status = check_parts(inst, error);
  if (status == JAVM_OK) status = find_image(vm, inst->image, image, error);
  if (status == JAVM_OK) status = find_root(vm, inst, root, error);
  if (status != JAVM_OK) jv_release(vm->dir, *image);
  return status;
}

javm_status jv_entry_build(javm_vm *vm, javm_cap *instance, uint64_t endpoint, const uint64_t args[4], jv_entry **out,
                           javm_error *error) {
  const jv_instance *inst = &instance->as.instance;
  if (inst->paused)
    return jv_fail(error, JAVM_INVALID_INSTANCE, 0, "the instance is paused: it can be resumed, not invoked");
  javm_status status = check_parts(inst, error);
  if (status != JAVM_OK) return status;
  jv_entry *e = jv_entry_new(vm);
  if (!e) return jv_fail_memory(error);
  javm_cap *image = NULL, *root = NULL;
  jv_loaded_image *known = jv_known_image(vm, inst->image);
  status = known ? JAVM_OK : find_image(vm, inst->image, &image, error);
  if (status == JAVM_OK) status = find_root(vm, inst, &root, error);
  if (status == JAVM_OK) status = fill(vm, e, inst, known ? known->image : image, root, endpoint, args, error);
  jv_unload_image(vm, known);
  jv_release(vm->dir, image);
  jv_release(vm->dir, root);
  if (status != JAVM_OK) {
    jv_entry_free(vm, e);
    return status;
  }
  e->instance = javm_cap_retain(instance);
  *out = e;
  return JAVM_OK;
}

/* ---- the Instance that an entry has become ---- */

/* The backing that a page's content belongs to, or NULL: that of the topmost region over it. */
static jv_backing *backing_of_page(const jv_entry *e, uint32_t page) {
  for (size_t i = e->mem.region_count; i-- > 0;) {
    const jv_region *r = &e->mem.regions[i];
    if (page - r->first_page < r->page_count) {
      jv_backing *b = r->source_ctx;
      return b && b->persists ? b : NULL;
    }
  }
  return NULL;
}

static bool overlay_base(javm_dir *dir, const jv_backing *b, jv_overlay *o) {
  unsigned from = jv_tree_level(b->page_count), to = jv_tree_level(b->region_pages);
  jv_obj *zeros = &jv_dir_zero_page(dir)->obj;
  o->start = b->start;
  o->page_count = b->region_pages;
  if (b->page_count == 0) return jv_tree_fill(dir, &o->pages, to, b->region_pages, zeros);
  if (!jv_tree_resize(dir, &o->pages, b->pages, from, to)) return false;
  return b->page_count == b->region_pages || jv_tree_extend(dir, &o->pages, to, b->page_count, b->region_pages, zeros);
}

/* Puts a written page where it belongs, if it persists. */
static bool put_page(jv_entry *e, jv_overlay *overlays, uint32_t page, jv_obj *bytes) {
  const jv_backing *b = backing_of_page(e, page);
  if (!b) return true;
  size_t n = 0;
  for (const jv_backing *k = e->backings; k < b; k++) n += k->persists;
  return jv_tree_set(e->dir, &overlays[n].pages, jv_tree_level(b->region_pages), page - b->start / JAVM_PAGE_BYTES,
                     bytes);
}

/* The overlays before anything was written, or as they were frozen. */
static bool begin_overlays(jv_entry *e, jv_overlay *overlays) {
  size_t n = 0;
  for (; e->is_frozen && n < e->overlay_count; n++) {
    overlays[n] = e->overlays[n];
    jv_obj_retain(overlays[n].pages);
  }
  for (size_t i = 0; !e->is_frozen && i < e->backing_count; i++)
    if (e->backings[i].persists && !overlay_base(e->dir, &e->backings[i], &overlays[n++])) return false;
  return true;
}

void jv_overlays_free(javm_dir *dir, jv_overlay *overlays, size_t count) {
  for (size_t i = 0; i < count; i++) jv_release(dir, overlays[i].pages);
  if (overlays) jv_free_array(javm_dir_allocator(dir), overlays, count, sizeof *overlays);
}

typedef struct placing {
  jv_entry *e;
  jv_overlay *overlays;
} placing;

static bool place_page(void *ctx, uint32_t page, jv_obj *leaf) {
  const placing *p = ctx;
  return put_page(p->e, p->overlays, page, leaf);
}

bool jv_entry_overlays(jv_entry *e, jv_obj *pages, jv_overlay **out, size_t *out_count) {
  size_t count = 0;
  for (size_t i = 0; i < e->backing_count; i++) count += e->backings[i].persists;
  *out = NULL;
  *out_count = 0;
  if (count == 0) return true;
  jv_overlay *overlays = jv_alloc_array(javm_dir_allocator(e->dir), count, sizeof *overlays);
  if (!overlays) return false;
  memset(overlays, 0, count * sizeof *overlays);
  bool ok = begin_overlays(e, overlays) && jv_tree_each(pages, JV_FRAME_LEVEL, place_page, &(placing){e, overlays});
  for (size_t i = 0; ok && i < e->mem.dirty_count; i++)
    ok = put_page(e, overlays, e->mem.dirty[i].page, &e->mem.dirty[i].bytes->obj);
  if (!ok) {
    jv_overlays_free(e->dir, overlays, count);
    return false;
  }
  *out = overlays;
  *out_count = count;
  return true;
}

static javm_cap *root_cnode_of(jv_entry *e) {
  javm_cap *before = e->instance->as.instance.root_cnode;
  if (before && before->kind == JAVM_KIND_CNODE && before->as.cnode.slots == e->slots &&
      before->as.cnode.size_log == e->size_log)
    return javm_cap_retain(before);
  return jv_cnode_make(e->dir, e->size_log, jv_obj_retain(e->slots));
}

bool jv_entry_content(jv_entry *e, jv_instance *content) {
  const jv_instance *before = &e->instance->as.instance;
  *content = (jv_instance){.chain = e->chain,
                           .mem_size = before->mem_size,
                           .heap_end = before->heap_end,
                           .pc = e->state.pc,
                           .gas_remaining = e->state.gas};
  memcpy(content->regs, e->state.regs, sizeof content->regs);
  if (jv_mem_close_window(&e->mem) != JAVM_OK ||
      !jv_entry_overlays(e, NULL, &content->overlays, &content->overlay_count))
    return false;
  content->root_cnode = root_cnode_of(e);
  if (content->root_cnode) {
    content->image = javm_cap_retain(e->image->reference);
    return true;
  }
  jv_overlays_free(e->dir, content->overlays, content->overlay_count);
  return false;
}

javm_cap *jv_entry_instance(jv_entry *e) {
  jv_instance content;
  return jv_entry_content(e, &content) ? jv_instance_make(e->dir, &content) : NULL;
}
