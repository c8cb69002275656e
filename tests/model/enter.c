/* Building an entry (4-vm.md 4.3), and the Instance that it leaves (4.4). */
#include <stdlib.h>
#include <string.h>

#include "model/world.h"

/* ---- memory ---- */

static void add_region(m_memory *m, m_region region) {
  if (region.count == 0) return;
  if (m->region_count == M_REGIONS_MAX) abort();
  m->regions[m->region_count++] = region;
}

static const m_overlay *overlay_at(const m_instance *i, uint32_t start) {
  for (size_t k = 0; k < i->overlay_count; k++)
    if (i->overlays[k].start == start) return &i->overlays[k];
  return NULL;
}

static const m_value *pinned_at(const m_image *image, uint32_t slot) {
  for (size_t i = 0; i < image->pinned_count; i++)
    if (image->pinned[i].slot == slot) return image->pinned[i].cap;
  return NULL;
}

static m_pages pages_of(const m_value *v) { return v && v->kind == JAVM_KIND_DATA ? v->as.data : (m_pages){0, NULL}; }

static const m_value *at_path(const m_value *root, const uint32_t *path, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) {
    if (!root || root->kind != JAVM_KIND_CNODE || path[i] >> root->as.cnode.size_log) return NULL;
    root = root->as.cnode.slots[path[i]];
  }
  return root;
}

static bool map_persistent(m_memory *memory, const m_instance *i, const m_image *image, const javm_mapping *m) {
  m_region r = {.first = m->start / M_PAGE, .count = (uint32_t)(m->size_bytes / M_PAGE), .access = JAVM_ACCESS_WRITE};
  const m_value *pinned = pinned_at(image, m->source[0]);
  const m_overlay *overlay = overlay_at(i, m->start);
  if (pinned) {
    r.access = JAVM_ACCESS_READ;
    r.content = m->source_length == 1 ? pages_of(pinned) : (m_pages){0, NULL};
  } else {
    r.persists = true;
    r.content = overlay ? overlay->pages : pages_of(at_path(i->root, m->source, m->source_length));
  }
  add_region(memory, r);
  return r.content.count <= r.count;
}

static void map_heap(m_memory *memory, const m_instance *i, const javm_mapping *m) {
  memory->has_heap = true;
  memory->heap_end = m->start;
  memory->heap_limit = m->start + m->size_bytes;
  if (i->heap_end > m->start && i->heap_end <= memory->heap_limit) memory->heap_end = i->heap_end;
  add_region(memory,
             (m_region){.first = m->start / M_PAGE, .count = (uint32_t)(m->size_bytes / M_PAGE), .is_heap = true});
}

static bool takes_overlay(const m_image *image, const m_overlay *o) {
  for (size_t i = 0; i < image->mapping_count; i++) {
    const javm_mapping *m = &image->mappings[i];
    if (m->kind == JAVM_MAPPING_PERSISTENT && m->start == o->start && !pinned_at(image, m->source[0])) return true;
  }
  return false;
}

static bool map_memory(m_memory *memory, const m_instance *i, const m_image *image) {
  bool fits = true;
  add_region(memory, (m_region){.count = (i->mem_size + M_PAGE - 1) / M_PAGE, .access = JAVM_ACCESS_WRITE});
  for (size_t k = 0; k < image->mapping_count; k++) {
    const javm_mapping *m = &image->mappings[k];
    uint32_t first = m->start / M_PAGE, count = (uint32_t)(m->size_bytes / M_PAGE);
    if (m->kind == JAVM_MAPPING_PERSISTENT) fits = map_persistent(memory, i, image, m) && fits;
    else if (m->kind == JAVM_MAPPING_HEAP) map_heap(memory, i, m);
    else add_region(memory, (m_region){.first = first, .count = count, .access = JAVM_ACCESS_WRITE});
  }
  for (size_t k = 0; k < i->overlay_count; k++) {
    const m_overlay *o = &i->overlays[k];
    if (takes_overlay(image, o)) continue;
    if (o->start % M_PAGE || o->start / M_PAGE + (uint64_t)o->pages.count > (1u << 20)) return false;
    add_region(memory, (m_region){.first = o->start / M_PAGE,
                                  .count = o->pages.count,
                                  .access = JAVM_ACCESS_WRITE,
                                  .persists = true,
                                  .content = o->pages});
  }
  return fits;
}

/* ---- gas ---- */

static uint32_t accessible_pages(const m_memory *m) {
  uint32_t count = 0;
  for (size_t i = 0; i < m->region_count; i++)
    for (uint32_t p = m->regions[i].first; p - m->regions[i].first < m->regions[i].count; p++)
      count += m_region_of(m, p) == &m->regions[i] && m_access_of(m, p) != JAVM_ACCESS_NONE;
  return count;
}

static uint32_t load_cycles(const m_world *w, const m_memory *m) {
  if (w->gas_model != JAVM_GAS_SINGLE_PASS) return 0;
  uint32_t pages = accessible_pages(m);
  return pages <= 2048 ? 25 : pages <= 8192 ? 50 : pages <= 65536 ? 75 : 100;
}

const m_program *m_program_of(m_world *w, const m_value *image, uint32_t cycles) {
  for (const m_program *p = w->programs; p; p = p->next)
    if (p->image == image && p->load_cycles == cycles) return p;
  const m_image *i = &image->as.image;
  m_program *p = m_new(sizeof *p);
  *p = (m_program){w->programs, image, cycles, m_new((i->insn_count + 1) * sizeof *p->costs),
                   m_new((i->insn_count + 1) * sizeof *p->starts)};
  javm_code code = {.code = i->code,
                    .code_bytes = i->code_bytes,
                    .bitmask = i->bitmask,
                    .bitmask_bytes = (i->code_bytes + 7) / 8,
                    .isa = JAVM_ISA_JAVM};
  javm_program_config config;
  javm_program_config_default(&config);
  config.gas_model = w->gas_model;
  config.load_cycles = cycles;
  config.engine = JAVM_ENGINE_INTERPRETER;
  javm_program *program;
  if (javm_program_new(&code, &config, &program, NULL) != JAVM_OK) abort();
  for (size_t b = 0, at = 0; b < javm_program_block_count(program); b++) {
    uint32_t pc, cost;
    javm_program_block(program, b, &pc, &cost);
    while (at < i->insn_count && i->insns[at].pc != pc) at++;
    if (at == i->insn_count) abort();
    p->costs[at] = cost;
    p->starts[at] = true;
  }
  javm_program_release(program);
  return w->programs = p;
}

/* ---- entries ---- */

static const javm_endpoint *endpoint_of(const m_image *image, uint64_t index) {
  static const javm_endpoint only;
  if (image->endpoint_count == 0 && index == 0) return &only;
  for (size_t i = 0; i < image->endpoint_count; i++)
    if (image->endpoints[i].index == index) return &image->endpoints[i];
  return NULL;
}

javm_status m_enter(m_world *w, const m_value *instance, uint64_t endpoint, const uint64_t args[4], m_entry **out) {
  const m_instance *i = &instance->as.instance;
  if (!m_is_zero(&i->paused)) return JAVM_INVALID_INSTANCE;
  if (!i->image) return JAVM_IMAGE_NOT_FOUND;
  if (!i->root || i->root->kind != JAVM_KIND_CNODE || i->image->kind != JAVM_KIND_IMAGE) return JAVM_INVALID_INSTANCE;
  const m_image *image = &i->image->as.image;
  const javm_endpoint *start = endpoint_of(image, endpoint);
  if (!start) return JAVM_ENDPOINT_OUT_OF_RANGE;
  if (i->root->as.cnode.size_log > 8) return JAVM_INVALID_INSTANCE;
  m_entry *e = m_new(sizeof *e);
  e->called = instance;
  e->image = i->image;
  e->chain = i->chain;
  e->size_log = i->root->as.cnode.size_log;
  memcpy(e->slots, i->root->as.cnode.slots, sizeof *e->slots << e->size_log);
  if (!map_memory(&e->memory, i, image)) return JAVM_INVALID_INSTANCE;
  e->load_cycles = load_cycles(w, &e->memory);
  for (int r = 0; r < JAVM_REG_COUNT; r++) e->regs[r] = start->initial_regs[r] ? start->initial_regs[r] : i->regs[r];
  for (int r = 0; r < 4; r++) e->regs[7 + r] = args[r];
  e->pc = start->entry_pc;
  *out = e;
  return JAVM_OK;
}

static m_overlay overlay_of(const m_memory *m, const m_region *r) {
  m_page **pages = m_new((r->count + 1) * sizeof *pages);
  for (uint32_t k = 0; k < r->count; k++) {
    /* A page that a later region lies over can't have been written. */
    const m_page *before = k < r->content.count ? r->content.at[k] : NULL;
    pages[k] = (m_page *)(uintptr_t)(m_region_of(m, r->first + k) == r ? m_page_at(m, r->first + k) : before);
  }
  return (m_overlay){r->first * M_PAGE, {r->count, pages}};
}

m_value *m_leave(const m_entry *e) {
  const m_instance *before = &e->called->as.instance;
  m_value *v = m_value_new(JAVM_KIND_INSTANCE);
  m_instance *i = &v->as.instance;
  i->chain = e->chain;
  i->image = e->image;
  i->root = m_cnode_of(e->size_log, e->slots);
  m_overlay *overlays = m_new((e->memory.region_count + 1) * sizeof *overlays);
  for (size_t k = 0; k < e->memory.region_count; k++)
    if (e->memory.regions[k].persists) overlays[i->overlay_count++] = overlay_of(&e->memory, &e->memory.regions[k]);
  i->overlays = overlays;
  i->mem_size = before->mem_size;
  i->heap_end = before->heap_end;
  memcpy(i->regs, e->regs, sizeof i->regs);
  i->pc = e->pc;
  i->gas_remaining = e->gas;
  return v;
}
