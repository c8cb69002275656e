/* See memory.h. */
#include "link/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cap/cap.h"

#define GUEST_BYTES (UINT64_C(1) << 32)
#define LOW_BYTES UINT64_C(0x10000)
#define STACK_DEFAULT_BYTES (UINT64_C(1) << 20)

static uint64_t page_down(uint64_t v) { return v / JAVM_PAGE_BYTES * JAVM_PAGE_BYTES; }
static uint64_t page_up(uint64_t v) { return page_down(v + JAVM_PAGE_BYTES - 1); }

static bool is_mapped(const jv_elf_section *s) {
  return s->flags & SHF_ALLOC && !(s->flags & (SHF_EXECINSTR | SHF_TLS)) && s->size_bytes > 0 && !jv_is_metadata(s) &&
         !jv_is_dropped(s);
}

static bool is_writable(const jv_elf_section *s) { return (s->flags & SHF_WRITE) != 0; }

/* --------------------------------------------------------------------------------------------------------- plan */

static int by_address(const void *a, const void *b) {
  const jv_elf_section *s = *(const jv_elf_section *const *)a, *t = *(const jv_elf_section *const *)b;
  return (s->address > t->address) - (s->address < t->address);
}

static bool find_sections(const javm_allocator *a, const jv_elf *elf, jv_memory *m) {
  for (size_t i = 0; i < elf->section_count; i++) m->section_count += is_mapped(&elf->sections[i]);
  m->sections = jv_alloc_array(a, m->section_count, sizeof *m->sections);
  if (!m->sections) return false;
  size_t count = 0;
  for (size_t i = 0; i < elf->section_count; i++) {
    if (is_mapped(&elf->sections[i])) m->sections[count++] = &elf->sections[i];
  }
  qsort(m->sections, count, sizeof *m->sections, by_address);
  return true;
}

static javm_status check_section(const jv_elf_section *s, const jv_elf_section *before, javm_error *error) {
  if (s->address < LOW_BYTES) {
    return jv_fail(error, JAVM_INVALID_IMAGE, 0, "section %.40s at 0x%" PRIx64 ": the lowest 64 KiB stay unmapped",
                   s->name, s->address);
  }
  if (!before) return JAVM_OK;
  uint64_t end = before->address + before->size_bytes;
  if (end > s->address) {
    return jv_fail(error, JAVM_MALFORMED, 0, "sections %.40s and %.40s overlap", before->name, s->name);
  }
  if (is_writable(before) != is_writable(s) && page_up(end) > page_down(s->address)) {
    return jv_fail(error, JAVM_INVALID_IMAGE, 0,
                   "sections %.40s and %.40s share the page at 0x%" PRIx64
                   ", but only one is writable; link with javm.ld, or align them to 4096",
                   before->name, s->name, page_down(s->address));
  }
  return JAVM_OK;
}

static javm_status add_mapping(jv_memory *m, const javm_mapping *mapping, javm_error *error) {
  if (m->mapping_count == JV_MAPPINGS_MAX) {
    return jv_fail(error, JAVM_INVALID_IMAGE, 0, "the sections lie in more than %d places; link with javm.ld",
                   JV_MAPPINGS_MAX - 2);
  }
  m->mappings[m->mapping_count++] = *mapping;
  return JAVM_OK;
}

/* The next slot below *slot that the program does not name; 0 (slot 0 is the mailbox): none. */
static uint32_t free_slot(const jv_manifest *manifest, uint32_t *slot) {
  while (*slot > 0 && jv_manifest_has_slot(manifest, --*slot)) {
  }
  return *slot;
}

/* One mapping for each run of sections of one kind in adjoining pages. */
static javm_status plan_sections(const jv_manifest *manifest, jv_memory *m, uint64_t *end, javm_error *error) {
  const jv_elf_section *before = NULL;
  javm_mapping *run = NULL;
  uint32_t slot = JV_SLOT_COUNT;
  *end = LOW_BYTES;
  for (size_t i = 0; i < m->section_count; i++) {
    const jv_elf_section *s = m->sections[i];
    javm_status status = check_section(s, before, error);
    if (status != JAVM_OK) return status;
    uint64_t start = page_down(s->address);
    if (!run || is_writable(before) != is_writable(s) || start > *end) {
      javm_mapping mapping = {.start = (uint32_t)start, .kind = JAVM_MAPPING_PERSISTENT, .source_length = 1};
      mapping.source[0] = free_slot(manifest, &slot);
      if (slot == 0) return jv_fail(error, JAVM_INVALID_IMAGE, 0, "no free slot is left for the program's data");
      status = add_mapping(m, &mapping, error);
      if (status != JAVM_OK) return status;
      run = &m->mappings[m->mapping_count - 1];
    }
    *end = page_up(s->address + s->size_bytes);
    run->size_bytes = *end - run->start;
    before = s;
  }
  return JAVM_OK;
}

/* A size that the caller, or else a symbol, gives. */
static uint64_t size_of(const jv_elf *elf, bool given, uint64_t bytes, const char *name, uint64_t otherwise) {
  const jv_elf_symbol *symbol = jv_elf_find(elf, name);
  uint64_t size = given ? bytes : symbol ? symbol->value : otherwise;
  return size > GUEST_BYTES ? GUEST_BYTES : page_up(size);
}

static javm_status plan_stack(const jv_elf *elf, const javm_link_config *config, jv_memory *m, uint64_t end,
                              javm_error *error) {
  uint64_t stack = size_of(elf, config->has_stack_bytes, config->stack_bytes, "__javm_stack_size", STACK_DEFAULT_BYTES);
  uint64_t heap = size_of(elf, config->has_heap_bytes, config->heap_bytes, "__javm_heap_size", 0);
  if (stack == 0) stack = JAVM_PAGE_BYTES;
  uint64_t top = end + JAVM_PAGE_BYTES + stack;
  if (top + JAVM_PAGE_BYTES + heap > GUEST_BYTES) {
    return jv_fail(error, JAVM_INVALID_IMAGE, 0,
                   "stack (%" PRIu64 " bytes) and heap (%" PRIu64
                   ") do not fit above the data, which ends at 0x%" PRIx64,
                   stack, heap, end);
  }
  javm_mapping mapping = {
      .start = (uint32_t)(end + JAVM_PAGE_BYTES), .size_bytes = stack, .kind = JAVM_MAPPING_EPHEMERAL};
  javm_status status = add_mapping(m, &mapping, error);
  m->stack_top = (uint32_t)top - JV_SPILL_BYTES;
  if (status != JAVM_OK || heap == 0) return status;
  mapping = (javm_mapping){.start = (uint32_t)(top + JAVM_PAGE_BYTES), .size_bytes = heap, .kind = JAVM_MAPPING_HEAP};
  return add_mapping(m, &mapping, error);
}

javm_status jv_memory_plan(const javm_allocator *a, const jv_elf *elf, const jv_manifest *manifest,
                           const javm_link_config *config, jv_memory *m, javm_error *error) {
  uint64_t end = LOW_BYTES;
  memset(m, 0, sizeof *m);
  if (!find_sections(a, elf, m)) return jv_fail_memory(error);
  javm_status status = plan_sections(manifest, m, &end, error);
  return status == JAVM_OK ? plan_stack(elf, config, m, end, error) : status;
}

/* --------------------------------------------------------------------------------------------------------- fill */

/* A Data in the making: pages that hold something, and zeros between. */
typedef struct paging {
  javm_dir *dir;
  jv_obj *root;
  unsigned level;
  uint32_t count;
} paging;

/* Copies bytes to an offset, page by page. */
static bool put_bytes(paging *p, uint64_t offset, const uint8_t *bytes, uint64_t size_bytes) {
  while (size_bytes > 0) {
    uint32_t index = (uint32_t)(offset / JAVM_PAGE_BYTES), at = (uint32_t)(offset % JAVM_PAGE_BYTES);
    uint64_t part = JAVM_PAGE_BYTES - at < size_bytes ? JAVM_PAGE_BYTES - at : size_bytes;
    jv_page *page = jv_page_new(javm_dir_allocator(p->dir));
    if (!page) return false;
    const jv_page *old = (const jv_page *)jv_tree_get(p->root, p->level, index);
    memcpy(page->bytes, old->bytes, JAVM_PAGE_BYTES);
    memcpy(page->bytes + at, bytes, (size_t)part);
    bool ok = jv_tree_set(p->dir, &p->root, p->level, index, &page->obj);
    jv_release(p->dir, page);
    if (!ok) return false;
    offset += part;
    bytes += part;
    size_bytes -= part;
  }
  return true;
}

/* The first section of a mapping. */
static const jv_elf_section **sections_from(const jv_memory *m, const javm_mapping *mapping) {
  const jv_elf_section **s = m->sections;
  while ((*s)->address < mapping->start) s++;
  return s;
}

/* The Data of a mapping, as far as the file has bytes for it. *out NULL: nothing but zeros. */
static javm_status make_data(jv_memory *m, const javm_mapping *mapping, javm_cap **out, javm_error *error) {
  const jv_elf_section **stop = m->sections + m->section_count, **from = sections_from(m, mapping);
  uint64_t end = mapping->start;
  *out = NULL;
  for (const jv_elf_section **s = from; s < stop && (*s)->address - mapping->start < mapping->size_bytes; s++) {
    if ((*s)->bytes) end = page_up((*s)->address + (*s)->size_bytes);
  }
  if (end == mapping->start) return JAVM_OK;
  paging p = {.dir = m->dir, .count = (uint32_t)((end - mapping->start) / JAVM_PAGE_BYTES)};
  p.level = jv_tree_level(p.count);
  bool ok = jv_tree_fill(m->dir, &p.root, p.level, p.count, &jv_dir_zero_page(m->dir)->obj);
  for (const jv_elf_section **s = from; ok && s < stop && (*s)->address < end; s++) {
    if ((*s)->bytes) ok = put_bytes(&p, (*s)->address - mapping->start, (*s)->bytes, (*s)->size_bytes);
  }
  if (!ok) {
    jv_release(m->dir, p.root);
    return jv_fail_memory(error);
  }
  *out = jv_data_make(m->dir, p.count, p.root);
  return *out ? JAVM_OK : jv_fail_memory(error);
}

/* Takes the cap over. */
static void add_cap(javm_slot_cap *caps, size_t *count, uint32_t slot, javm_cap *cap) {
  size_t at = (*count)++;
  for (; at > 0 && caps[at - 1].slot > slot; at--) caps[at] = caps[at - 1];
  caps[at] = (javm_slot_cap){slot, cap};
}

static javm_status make_image(javm_dir *dir, const jv_slot_bytes *s, javm_cap **out, javm_error *error) {
  javm_error cause = {0};
  bool bundle = s->size_bytes >= JV_BUNDLE_MAGIC_BYTES && s->bytes &&
                memcmp(s->bytes, JV_BUNDLE_MAGIC, JV_BUNDLE_MAGIC_BYTES) == 0;
  javm_status status = JAVM_MALFORMED;
  if (!s->bytes) cause = (javm_error){.status = status, .text = "zeros"};
  else if (bundle) status = javm_bundle_decode(dir, s->bytes, (size_t)s->size_bytes, out, &cause);
  else status = javm_cap_decode(dir, s->bytes, (size_t)s->size_bytes, out, &cause);
  if (status == JAVM_OUT_OF_MEMORY) return jv_fail_memory(error);
  if (status != JAVM_OK) {
    return jv_fail(error, JAVM_INVALID_IMAGE, cause.offset, "slot %" PRIu32 ": no Image: %.120s", s->slot, cause.text);
  }
  if (javm_cap_kind(*out) == JAVM_KIND_IMAGE) return JAVM_OK;
  javm_kind kind = javm_cap_kind(*out);
  jv_release(dir, *out);
  return jv_fail(error, JAVM_INVALID_IMAGE, 0, "slot %" PRIu32 ": expected an Image, got a value of kind %s", s->slot,
                 javm_kind_text(kind));
}

static javm_status make_zeros(javm_dir *dir, uint64_t size_bytes, javm_cap **out, javm_error *error) {
  paging p = {.dir = dir, .count = (uint32_t)(page_up(size_bytes) / JAVM_PAGE_BYTES)};
  p.level = jv_tree_level(p.count);
  if (!jv_tree_fill(dir, &p.root, p.level, p.count, &jv_dir_zero_page(dir)->obj)) return jv_fail_memory(error);
  *out = jv_data_make(dir, p.count, p.root);
  return *out ? JAVM_OK : jv_fail_memory(error);
}

static javm_status fill_slot(javm_dir *dir, const jv_slot_bytes *s, jv_memory *m, javm_error *error) {
  javm_cap *cap = NULL;
  javm_status status;
  if (s->is_image) status = make_image(dir, s, &cap, error);
  else if (!s->bytes) status = make_zeros(dir, s->size_bytes, &cap, error);
  else if ((status = javm_data_new(dir, s->bytes, (size_t)s->size_bytes, &cap)) != JAVM_OK) {
    status = status == JAVM_OUT_OF_MEMORY ? jv_fail_memory(error)
                                          : jv_fail(error, status, 0, "slot %" PRIu32 ": its Data", s->slot);
  }
  if (status != JAVM_OK) return status;
  if (s->is_pinned) add_cap(m->pinned, &m->pinned_count, s->slot, cap);
  else add_cap(m->initial, &m->initial_count, s->slot, cap);
  return JAVM_OK;
}

/* The Data of a mapping, into its slot. */
static javm_status fill_mapping(jv_memory *m, const javm_mapping *mapping, javm_error *error) {
  bool read_only = !is_writable(*sections_from(m, mapping));
  javm_cap *data;
  javm_status status = make_data(m, mapping, &data, error);
  /* read-only zeros are pinned, too, or they could be written */
  if (status == JAVM_OK && !data && read_only) status = make_zeros(m->dir, mapping->size_bytes, &data, error);
  if (status != JAVM_OK || !data) return status;
  if (read_only) add_cap(m->pinned, &m->pinned_count, mapping->source[0], data);
  else add_cap(m->initial, &m->initial_count, mapping->source[0], data);
  return JAVM_OK;
}

javm_status jv_memory_fill(javm_dir *dir, const jv_manifest *manifest, jv_memory *m, javm_error *error) {
  javm_status status = JAVM_OK;
  m->dir = dir;
  for (size_t i = 0; status == JAVM_OK && i < manifest->slot_count; i++) {
    status = fill_slot(dir, &manifest->slots[i], m, error);
  }
  for (size_t i = 0; status == JAVM_OK && i < m->mapping_count; i++) {
    if (m->mappings[i].kind == JAVM_MAPPING_PERSISTENT) status = fill_mapping(m, &m->mappings[i], error);
  }
  return status;
}

void jv_memory_clear(const javm_allocator *a, jv_memory *m) {
  for (size_t i = 0; i < m->pinned_count; i++) jv_release(m->dir, m->pinned[i].cap);
  for (size_t i = 0; i < m->initial_count; i++) jv_release(m->dir, m->initial[i].cap);
  jv_free_array(a, m->sections, m->section_count, sizeof *m->sections);
  memset(m, 0, sizeof *m);
}
