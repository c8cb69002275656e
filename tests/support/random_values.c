/* See random_values.h. */
#include "support/random_values.h"

#include "cap/kind.h"
#include "support/cap_samples.h"

static uint64_t random_u64(void) {
  uint64_t high = random_below(UINT32_C(1) << 30), low = random_below(UINT32_C(1) << 30);
  uint64_t any = high << 40 ^ low << 12 ^ random_below(4096);
  return random_below(4) == 0 ? any & 0xff : random_below(8) == 0 ? UINT64_MAX - (any & 0xff) : any;
}

static javm_hash random_hash(void) {
  javm_hash h = {{0}};
  if (random_below(8) > 0)
    for (size_t i = 0; i < sizeof h; i++) h.bytes[i] = (uint8_t)random_below(256);
  return h;
}

/* A reference to nothing that is there, or NULL. */
static javm_cap *random_reference(javm_dir *dir) {
  javm_hash h = random_hash();
  return jv_hash_is_zero(&h) ? NULL : by_hash(dir, &h);
}

/* One of 64, so that bundles stay small. */
static jv_obj *random_page(javm_dir *dir) {
  uint8_t bytes[JAVM_PAGE_BYTES];
  memset(bytes, (int)random_below(8), sizeof bytes);
  bytes[1234] = (uint8_t)random_below(8);
  jv_obj *page = jv_page_of(dir, bytes, sizeof bytes);
  assert_non_null(page);
  return page;
}

static jv_obj *random_pages(javm_dir *dir, uint32_t count) {
  jv_obj *tree = NULL;
  for (uint32_t i = 0; i < count; i++) {
    jv_obj *page = random_page(dir);
    assert_true(jv_tree_set(dir, &tree, jv_tree_level(count), i, page));
    jv_release(dir, page);
  }
  return tree;
}

javm_cap *random_data(javm_dir *dir, uint32_t max_pages) {
  uint32_t count = random_below(4) ? random_below(max_pages < 4 ? max_pages + 1 : 4) : random_below(max_pages + 1);
  return jv_data_make(dir, count, random_pages(dir, count));
}

javm_cap *random_cnode(javm_dir *dir, unsigned depth) {
  unsigned size_log = random_below(3) ? random_below(9) : random_below(JV_SIZE_LOG_MAX + 1);
  javm_cap *cnode;
  ok(javm_cnode_new(dir, size_log, &cnode));
  for (unsigned n = random_below(7); n > 0; n--) {
    unsigned kind = random_below(3);
    javm_cap *cap = kind == 0 && depth > 0 ? random_cnode(dir, depth - 1)
                    : kind == 1            ? random_data(dir, 3)
                                           : random_reference(dir);
    put_slot(dir, &cnode, random_below(1u << size_log), cap);
    javm_cap_release(dir, cap);
  }
  return cnode;
}

javm_cap *random_type(javm_dir *dir) {
  javm_hash h = random_hash();
  javm_cap *type;
  ok(javm_type_new(dir, &h, &type));
  return type;
}

/* ---------------------------------------------------------------------------------------------------------- Image */

static void *block(javm_dir *dir, size_t count, size_t size) {
  if (count == 0) return NULL;
  uint8_t *bytes = jv_alloc_array(javm_dir_allocator(dir), count, size);
  assert_non_null(bytes);
  memset(bytes, 0, count * size);
  return bytes;
}

static const uint8_t *random_bytes(javm_dir *dir, size_t *count) {
  *count = random_below(4) ? random_below(100) : random_below(5000);
  uint8_t *bytes = block(dir, *count, 1);
  for (size_t i = 0; i < *count; i++) bytes[i] = (uint8_t)random_below(256);
  return bytes;
}

static const uint32_t *random_u32s(javm_dir *dir, size_t max, size_t *count) {
  *count = random_below((uint32_t)max + 1);
  uint32_t *values = block(dir, *count, sizeof *values);
  for (size_t i = 0; i < *count; i++) values[i] = (uint32_t)random_u64();
  return values;
}

static const javm_slot_cap *random_slot_caps(javm_dir *dir, size_t *count) {
  *count = random_below(6);
  javm_slot_cap *caps = block(dir, *count, sizeof *caps);
  for (size_t i = 0; i < *count; i++)
    caps[i] = (javm_slot_cap){(uint32_t)(40 * i) + random_below(40), random_reference(dir)};
  return caps;
}

static void random_endpoints(javm_dir *dir, javm_image_spec *spec) {
  spec->endpoint_count = random_below(6);
  javm_endpoint *endpoints = block(dir, spec->endpoint_count, sizeof *endpoints);
  for (size_t i = 0; i < spec->endpoint_count; i++) {
    endpoints[i] =
        (javm_endpoint){(uint8_t)(i * 40), (uint8_t)random_u64(), (uint8_t)random_u64(), (uint32_t)random_u64(), {0}};
    for (size_t k = 0; k < JAVM_REG_COUNT; k++) endpoints[i].initial_regs[k] = random_u64();
  }
  spec->endpoints = endpoints;
}

static void random_mappings(javm_dir *dir, javm_image_spec *spec) {
  spec->mapping_count = random_below(6);
  javm_mapping *mappings = block(dir, spec->mapping_count, sizeof *mappings);
  for (size_t i = 0; i < spec->mapping_count; i++) {
    mappings[i].start = (uint32_t)random_u64();
    mappings[i].size_bytes = random_u64();
    mappings[i].kind = (javm_mapping_kind)random_below(3);
    mappings[i].source_length = random_below(JAVM_PATH_MAX + 1);
    for (size_t k = 0; k < mappings[i].source_length; k++) mappings[i].source[k] = (uint32_t)random_u64();
  }
  spec->mappings = mappings;
}

javm_cap *random_image(javm_dir *dir) {
  javm_cap *cap = jv_cap_alloc(dir, JAVM_KIND_IMAGE);
  assert_non_null(cap);
  javm_image_spec *spec = &cap->as.image.spec;
  spec->code.isa = (javm_isa)random_below(3);
  spec->code.code = random_bytes(dir, &spec->code.code_bytes);
  spec->code.bitmask = random_bytes(dir, &spec->code.bitmask_bytes);
  spec->code.jump_table = random_u32s(dir, 100, &spec->code.jump_count);
  random_endpoints(dir, spec);
  random_mappings(dir, spec);
  spec->gas_slots = random_u32s(dir, 16, &spec->gas_slot_count);
  spec->quota_slots = random_u32s(dir, 16, &spec->quota_slot_count);
  spec->pinned = random_slot_caps(dir, &spec->pinned_count);
  spec->initial = random_slot_caps(dir, &spec->initial_count);
  spec->has_yield_marker_slot = random_below(2);
  spec->yield_marker_slot = spec->has_yield_marker_slot ? (uint32_t)random_u64() : 0;
  return cap;
}

/* ------------------------------------------------------------------------------------------------------- Instance */

static void random_overlays(javm_dir *dir, jv_instance *content) {
  content->overlay_count = random_below(8) ? random_below(4) : random_below(JV_OVERLAY_MAX + 1);
  content->overlays = block(dir, content->overlay_count, sizeof *content->overlays);
  for (size_t i = 0; i < content->overlay_count; i++) {
    uint32_t count = random_below(content->overlay_count > 4 ? 2 : random_below(6) ? 6 : 40);
    content->overlays[i] = (jv_overlay){random_below(UINT32_C(1) << 20) << 12, count, random_pages(dir, count)};
  }
}

javm_cap *random_instance(javm_dir *dir, int paused) {
  jv_instance content = {.chain = random_hash(),
                         .image = random_reference(dir),
                         .mem_size = (uint32_t)random_u64(),
                         .heap_end = (uint32_t)random_u64(),
                         .pc = random_u64(),
                         .gas_remaining = random_u64()};
  for (unsigned i = 0; i < JAVM_REG_COUNT; i++) content.regs[i] = random_u64();
  if (random_below(8)) content.root_cnode = random_cnode(dir, 4);
  random_overlays(dir, &content);
  if (paused) content.paused = paused == 1 ? random_continuation(dir) : random_frame(dir);
  javm_cap *cap = jv_instance_make(dir, &content);
  assert_non_null(cap);
  return cap;
}

javm_cap *random_continuation(javm_dir *dir) {
  jv_continuation c = {.marker = random_hash(), .count = random_below(8) ? 1 + random_below(3) : random_below(20)};
  c.entries = block(dir, c.count, sizeof *c.entries);
  for (size_t i = 0; i < c.count; i++) {
    jv_paused_entry *e = &c.entries[i];
    e->kind = i > 0 && random_below(4) == 0 ? (uint8_t)(JV_PAUSED_REFERENCE + random_below(4)) : 0;
    e->callee_slot = random_u64();
    e->target = (uint32_t)random_u64();
    if (e->kind == 0) e->instance = random_instance(dir, 2);
  }
  javm_cap *cap = jv_continuation_make(dir, &c);
  assert_non_null(cap);
  return cap;
}

javm_cap *random_frame(javm_dir *dir) {
  jv_saved_frame f = {.called = random_reference(dir),
                      .heap_end = random_u64(),
                      .flags = (uint8_t)random_below(4),
                      .budget = random_u64(),
                      .effect_count = random_below(4)};
  for (unsigned n = random_below(5); n > 0; n--) {
    jv_obj *page = random_page(dir);
    assert_true(jv_tree_set(dir, &f.pages, JV_FRAME_LEVEL, random_below(JV_PAGE_COUNT_MAX), page));
    jv_release(dir, page);
  }
  f.effects = block(dir, f.effect_count, sizeof *f.effects);
  for (size_t i = 0; i < f.effect_count; i++) {
    jv_saved_effect *e = &f.effects[i];
    *e = (jv_saved_effect){
        .kind = (uint8_t)random_below(5), .b = random_hash(), .id = random_u64(), .amount = random_u64()};
    if (e->kind == JV_SAVED_EMIT) e->cap = random_reference(dir);
    else e->a = random_hash();
  }
  javm_cap *cap = jv_saved_frame_make(dir, &f);
  assert_non_null(cap);
  return cap;
}

/* ------------------------------------------------------------------------------------------------------- targets */

typedef struct pick {
  uint32_t wanted, index;
  jv_obj *leaf;
} pick;

static bool pick_leaf(void *ctx, uint32_t index, jv_obj *leaf) {
  pick *p = ctx;
  p->index = index;
  p->leaf = leaf;
  return p->wanted-- > 0;
}

/* A slot operand, of a Data where `target` asks for one and there is one. */
static bool pick_slot(const javm_cap *cnode, javm_target *target) {
  unsigned shift = 0, length = 0;
  target->place = 0;
  for (;;) {
    unsigned size_log = cnode->as.cnode.size_log;
    pick p = {.wanted = random_below(4)};
    jv_tree_each(cnode->as.cnode.slots, size_log, pick_leaf, &p);
    bool any = !p.leaf || (target->kind == JAVM_CLAIM_SLOT && random_below(4) == 0);
    if (any) p = (pick){0, random_below(1u << size_log), NULL};
    if (length == 0) p.index &= 0xff;
    if (length > 0 && p.index == 0xffff) p.index = 0; /* no operand can name this one */
    if (any || length == 0) p.leaf = jv_tree_get(cnode->as.cnode.slots, size_log, p.index);
    target->place |= (uint64_t)(p.index + (length > 0)) << shift;
    shift += length++ == 0 ? 8 : 16;
    const javm_cap *next = (const javm_cap *)p.leaf;
    if (next && next->kind == JAVM_KIND_CNODE && length < 4 && random_below(5)) {
      cnode = next;
      continue;
    }
    if (target->kind == JAVM_CLAIM_SLOT) return true;
    if (!next || next->kind != JAVM_KIND_DATA || next->as.data.page_count == 0) return false;
    target->page = random_below(next->as.data.page_count);
    return true;
  }
}

static bool pick_overlay_page(const jv_instance *i, javm_target *target) {
  if (i->overlay_count == 0) return false;
  const jv_overlay *o = &i->overlays[random_below((uint32_t)i->overlay_count)];
  if (o->page_count == 0) return false;
  target->place = o->start + (uint64_t)random_below(o->page_count) * JAVM_PAGE_BYTES + random_below(JAVM_PAGE_BYTES);
  return target->place <= UINT32_MAX;
}

static bool pick_frame_page(const jv_instance *i, javm_target *target) {
  pick p = {.wanted = random_below(3)};
  jv_tree_each(i->paused->as.frame.pages, JV_FRAME_LEVEL, pick_leaf, &p);
  target->place = (uint64_t)p.index * JAVM_PAGE_BYTES;
  return p.leaf != NULL;
}

javm_target random_target(const javm_cap *instance) {
  for (;;) {
    javm_target t = {.kind = (javm_claim_kind)random_below(JAVM_CLAIM_WRITTEN_PAGE + 1)};
    const jv_instance *i = &instance->as.instance;
    bool good = true;
    if (i->paused && i->paused->as.continuation.count > 0 && random_below(2)) {
      const jv_continuation *c = &i->paused->as.continuation;
      t.in_entry = true;
      t.entry = (uint8_t)random_below((uint32_t)c->count);
      if (c->entries[t.entry].kind != 0) continue;
      i = &c->entries[t.entry].instance->as.instance;
    }
    switch (t.kind) {
      case JAVM_CLAIM_REGISTER: t.place = random_below(JAVM_REG_COUNT); break;
      case JAVM_CLAIM_SLOT:
      case JAVM_CLAIM_DATA_PAGE: good = i->root_cnode && pick_slot(i->root_cnode, &t); break;
      case JAVM_CLAIM_PAGE: good = pick_overlay_page(i, &t); break;
      case JAVM_CLAIM_WRITTEN_PAGE: good = t.in_entry && pick_frame_page(i, &t); break;
      default: break;
    }
    if (good) return t;
  }
}
