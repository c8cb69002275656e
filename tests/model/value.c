/* See value.h. */
#include "model/value.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory ---- */

typedef struct chunk {
  struct chunk *next;
  size_t used, size;
  _Alignas(16) uint8_t bytes[];
} chunk;

static chunk *first, *current;
static size_t used;

static chunk *chunk_for(size_t size_bytes) {
  for (; current; current = current->next) {
    if (current->size - current->used >= size_bytes) return current;
    if (!current->next) break;
    current->next->used = 0;
  }
  size_t size = size_bytes > (1u << 20) ? size_bytes : 1u << 20;
  chunk *c = malloc(sizeof *c + size);
  if (!c) abort();
  *c = (chunk){NULL, 0, size};
  if (current) current->next = c;
  else first = c;
  return current = c;
}

void *m_new(size_t size_bytes) {
  size_bytes = (size_bytes + 15) & ~(size_t)15;
  used += size_bytes;
  chunk *c = chunk_for(size_bytes);
  void *p = c->bytes + c->used;
  c->used += size_bytes;
  return memset(p, 0, size_bytes);
}

void *m_copy(const void *from, size_t size_bytes) {
  void *p = m_new(size_bytes);
  return size_bytes ? memcpy(p, from, size_bytes) : p;
}

size_t m_used(void) { return used; }

/* Some memory is kept for the next script. */
void m_forget(void) {
  size_t kept = 0;
  for (chunk **at = &first; *at;) {
    chunk *c = *at;
    kept += c->size;
    if (kept <= 16u << 20) {
      at = &c->next;
      continue;
    }
    *at = c->next;
    free(c);
  }
  current = first;
  if (first) first->used = 0;
  used = 0;
}

/* ---- hashing ---- */

void m_hash_bytes(const void *bytes, size_t size_bytes, javm_hash *out) {
  crypto_generichash(out->bytes, sizeof out->bytes, bytes, size_bytes, NULL, 0);
}

bool m_same(const javm_hash *a, const javm_hash *b) { return memcmp(a, b, sizeof *a) == 0; }

bool m_is_zero(const javm_hash *h) {
  static const javm_hash zero;
  return m_same(h, &zero);
}

javm_hash m_pair(const javm_hash *a, const javm_hash *b) {
  javm_hash both[2] = {*a, *b}, out;
  m_hash_bytes(both, sizeof both, &out);
  return out;
}

static javm_hash zeros(unsigned depth) {
  static javm_hash roots[64];
  static unsigned known;
  for (; known < depth; known++) roots[known + 1] = m_pair(&roots[known], &roots[known]);
  return roots[depth];
}

javm_hash m_merkle(const javm_hash *chunks, size_t count, unsigned depth) {
  while (count > 0 && m_is_zero(&chunks[count - 1])) count--;
  if (count == 0) return zeros(depth);
  if (depth == 0) return chunks[0];
  size_t half = (size_t)1 << (depth - 1);
  javm_hash left = m_merkle(chunks, count < half ? count : half, depth - 1);
  javm_hash right = count > half ? m_merkle(chunks + half, count - half, depth - 1) : zeros(depth - 1);
  return m_pair(&left, &right);
}

javm_hash m_merkle_sparse(const uint32_t *places, const javm_hash *chunks, size_t count, unsigned depth) {
  if (count == 0) return zeros(depth);
  if (depth == 0) return chunks[0];
  uint32_t half = (uint32_t)1 << (depth - 1);
  size_t low = 0;
  while (low < count && !(places[low] & half)) low++;
  javm_hash left = m_merkle_sparse(places, chunks, low, depth - 1);
  javm_hash right = m_merkle_sparse(places + low, chunks + low, count - low, depth - 1);
  return m_pair(&left, &right);
}

javm_hash m_number(uint64_t v) {
  javm_hash h = {{0}};
  for (unsigned k = 0; k < 8; k++) h.bytes[k] = (uint8_t)(v >> (8 * k));
  return h;
}

javm_hash m_merkle_bytes(const void *bytes, size_t size_bytes, unsigned depth) {
  size_t count = (size_bytes + 31) / 32;
  javm_hash *chunks = m_new((count + 1) * sizeof *chunks);
  if (size_bytes) memcpy(chunks, bytes, size_bytes);
  return m_merkle(chunks, count, depth);
}

javm_hash m_with_length(javm_hash root, uint64_t length) {
  javm_hash n = m_number(length);
  return m_pair(&root, &n);
}

/* Little-endian numbers of `bytes` bytes each. */
static javm_hash numbers(const void *values, size_t count, unsigned bytes, unsigned depth) {
  uint8_t *packed = m_new(count * bytes + 1);
  for (size_t i = 0; i < count; i++) {
    uint64_t v = bytes == 4 ? ((const uint32_t *)values)[i] : ((const uint64_t *)values)[i];
    for (unsigned k = 0; k < bytes; k++) packed[i * bytes + k] = (uint8_t)(v >> (8 * k));
  }
  return m_merkle_bytes(packed, count * bytes, depth);
}

static javm_hash u32_list(const uint32_t *values, size_t count, unsigned depth) {
  return m_with_length(numbers(values, count, 4, depth), count);
}

javm_hash m_page_hash(const m_page *page) {
  static m_page zero;
  m_page *p = page ? (m_page *)(uintptr_t)page : &zero;
  if (!p->is_hashed) m_hash_bytes(p->bytes, M_PAGE, &p->hash);
  p->is_hashed = true;
  return p->hash;
}

static javm_hash pages_root(const m_pages *pages) {
  javm_hash *hashes = m_new((pages->count + 1) * sizeof *hashes);
  for (uint32_t i = 0; i < pages->count; i++) hashes[i] = m_page_hash(pages->at[i]);
  return m_with_length(m_merkle(hashes, pages->count, 20), pages->count);
}

static javm_hash or_zero(const m_value *v) {
  static const javm_hash zero;
  return v ? m_hash_of(v) : zero;
}

static javm_hash slot_caps_root(const m_slot_cap *caps, size_t count) {
  javm_hash *roots = m_new((count + 1) * sizeof *roots);
  for (size_t i = 0; i < count; i++) {
    javm_hash slot = m_number(caps[i].slot), cap = m_hash_of(caps[i].cap);
    roots[i] = m_pair(&slot, &cap);
  }
  return m_with_length(m_merkle(roots, count, 8), count);
}

static javm_hash endpoints_root(const m_image *image) {
  javm_hash *roots = m_new((image->endpoint_count + 1) * sizeof *roots);
  for (size_t i = 0; i < image->endpoint_count; i++) {
    const javm_endpoint *e = &image->endpoints[i];
    javm_hash fields[5] = {m_number(e->index), m_number(e->entry_pc), m_number(e->arg_registers),
                           m_number(e->arg_cnode_size), numbers(e->initial_regs, JAVM_REG_COUNT, 8, 2)};
    roots[i] = m_merkle(fields, 5, 3);
  }
  return m_with_length(m_merkle(roots, image->endpoint_count, 8), image->endpoint_count);
}

static javm_hash mappings_root(const m_image *image) {
  javm_hash *roots = m_new((image->mapping_count + 1) * sizeof *roots);
  for (size_t i = 0; i < image->mapping_count; i++) {
    const javm_mapping *m = &image->mappings[i];
    javm_hash fields[4] = {m_number(m->start), m_number(m->size_bytes), m_number(m->kind),
                           u32_list(m->source, m->source_length, 0)};
    roots[i] = m_merkle(fields, 4, 2);
  }
  return m_with_length(m_merkle(roots, image->mapping_count, 6), image->mapping_count);
}

static javm_hash image_root(const m_image *image) {
  size_t bitmask_bytes = (image->code_bytes + 7) / 8;
  javm_hash fields[11] = {
      m_number(JAVM_ISA_JAVM),
      m_with_length(m_merkle_bytes(image->code, image->code_bytes, 19), image->code_bytes),
      m_with_length(m_merkle_bytes(image->bitmask, bitmask_bytes, 16), bitmask_bytes),
      u32_list(NULL, 0, 17),
      endpoints_root(image),
      mappings_root(image),
      u32_list(image->gas_slots, image->gas_slot_count, 1),
      u32_list(image->quota_slots, image->quota_slot_count, 1),
      slot_caps_root(image->pinned, image->pinned_count),
      slot_caps_root(image->initial, image->initial_count),
      u32_list(image->yield_marker_slots, image->yield_marker_slot_count, 0),
  };
  return m_merkle(fields, 11, 4);
}

static javm_hash overlays_root(const m_instance *i) {
  javm_hash *roots = m_new((i->overlay_count + 1) * sizeof *roots);
  for (size_t k = 0; k < i->overlay_count; k++) {
    javm_hash start = m_number(i->overlays[k].start), pages = pages_root(&i->overlays[k].pages);
    roots[k] = m_pair(&start, &pages);
  }
  return m_with_length(m_merkle(roots, i->overlay_count, 6), i->overlay_count);
}

static javm_hash instance_root(const m_instance *i) {
  javm_hash fields[10] = {i->chain,
                          or_zero(i->image),
                          or_zero(i->root),
                          overlays_root(i),
                          m_number(i->mem_size),
                          m_number(i->heap_end),
                          numbers(i->regs, JAVM_REG_COUNT, 8, 2),
                          m_number(i->pc),
                          m_number(i->gas_remaining),
                          i->paused};
  return m_merkle(fields, 10, 4);
}

static javm_hash cnode_root(const m_cnode *c) {
  size_t count = (size_t)1 << c->size_log;
  javm_hash *slots = m_new(count * sizeof *slots);
  for (size_t i = 0; i < count; i++) slots[i] = or_zero(c->slots[i]);
  javm_hash size_log = m_number(c->size_log), root = m_merkle(slots, count, 16);
  return m_pair(&size_log, &root);
}

static javm_hash root_of(const m_value *v) {
  switch (v->kind) {
    case JAVM_KIND_INSTANCE: return instance_root(&v->as.instance);
    case JAVM_KIND_IMAGE: return image_root(&v->as.image);
    case JAVM_KIND_DATA: return pages_root(&v->as.data); /* a container of one field: that field's root */
    case JAVM_KIND_CNODE: return cnode_root(&v->as.cnode);
    default: return v->as.type;
  }
}

javm_hash m_hash_of(const m_value *value) {
  m_value *v = (m_value *)(uintptr_t)value;
  if (!v->is_hashed) {
    javm_hash root = root_of(v), selector = m_number(v->kind);
    v->hash = m_pair(&root, &selector);
    v->is_hashed = true;
  }
  return v->hash;
}

/* ---- values ---- */

m_value *m_value_new(javm_kind kind) {
  m_value *v = m_new(sizeof *v);
  v->kind = kind;
  return v;
}

m_value *m_data(const void *bytes, size_t size_bytes) {
  uint32_t count = (uint32_t)((size_bytes + M_PAGE - 1) / M_PAGE);
  m_page **pages = m_new((count + 1) * sizeof *pages);
  for (uint32_t i = 0; i < count; i++) {
    size_t at = (size_t)i * M_PAGE, part = size_bytes - at < M_PAGE ? size_bytes - at : M_PAGE;
    pages[i] = m_new(sizeof *pages[i]);
    memcpy(pages[i]->bytes, (const uint8_t *)bytes + at, part);
  }
  m_value *v = m_value_new(JAVM_KIND_DATA);
  v->as.data = (m_pages){count, pages};
  return v;
}

m_value *m_cnode_of(unsigned size_log, const m_value *const *slots) {
  m_value *v = m_value_new(JAVM_KIND_CNODE);
  v->as.cnode = (m_cnode){size_log, m_copy(slots, sizeof *slots << size_log)};
  return v;
}

m_value *m_cnode_new(unsigned size_log) {
  m_value *v = m_value_new(JAVM_KIND_CNODE);
  v->as.cnode = (m_cnode){size_log, m_new(sizeof(m_value *) << size_log)};
  return v;
}

m_value *m_type(const javm_hash *chain) {
  m_value *v = m_value_new(JAVM_KIND_TYPE);
  v->as.type = *chain;
  return v;
}

void m_kernel_chain(javm_kernel_image which, javm_hash *out) {
  static javm_hash chains[JAVM_KERNEL_COUNT];
  static const char *const names[JAVM_KERNEL_COUNT] = {
#define X(name, text) [name] = "kernel:" text,
      JAVM_KERNEL_LIST(X)
#undef X
  };
  if (m_is_zero(&chains[which])) m_hash_bytes(names[which], strlen(names[which]), &chains[which]);
  *out = chains[which];
}

m_value *m_kernel(javm_kernel_image which, uint64_t id) {
  m_value *v = m_value_new(JAVM_KIND_INSTANCE);
  m_kernel_chain(which, &v->as.instance.chain);
  v->as.instance.regs[7] = id;
  return v;
}

bool m_is_kernel(const m_value *v, javm_kernel_image which) {
  javm_hash chain;
  m_kernel_chain(which, &chain);
  return v && v->kind == JAVM_KIND_INSTANCE && m_same(&v->as.instance.chain, &chain);
}

javm_hash m_chain_extended(const javm_hash *chain, const m_value *image) {
  javm_hash hash = m_hash_of(image);
  return m_pair(chain, &hash);
}

m_value *m_genesis(const m_value *image, const m_value *const slots[256]) {
  const m_value *root[256];
  memcpy(root, slots, sizeof root);
  for (size_t i = 0; i < image->as.image.pinned_count; i++)
    root[image->as.image.pinned[i].slot] = image->as.image.pinned[i].cap;
  for (size_t i = 0; i < image->as.image.initial_count; i++) {
    const m_slot_cap *initial = &image->as.image.initial[i];
    if (!root[initial->slot]) root[initial->slot] = initial->cap;
  }
  m_value *v = m_value_new(JAVM_KIND_INSTANCE);
  v->as.instance.chain = m_hash_of(image);
  v->as.instance.image = image;
  v->as.instance.root = m_cnode_of(8, root);
  return v;
}
