/* The serialized form of an Image (docs/formats.md). */
#include <string.h>

#include "model/value.h"

typedef struct writer {
  uint8_t *bytes;
  size_t size;
} writer;

static void number(writer *w, uint64_t v, unsigned count) {
  for (unsigned k = 0; k < count; k++) w->bytes[w->size++] = (uint8_t)(v >> (8 * k));
}

static void bytes(writer *w, const void *from, size_t count) {
  if (count) memcpy(w->bytes + w->size, from, count);
  w->size += count;
}

static void endpoints(writer *w, const m_image *i) {
  for (size_t k = 0; k < i->endpoint_count; k++) {
    const javm_endpoint *e = &i->endpoints[k];
    number(w, e->index, 1);
    number(w, e->entry_pc, 4);
    number(w, e->arg_registers, 1);
    number(w, e->arg_cnode_size, 1);
    for (int r = 0; r < JAVM_REG_COUNT; r++) number(w, e->initial_regs[r], 8);
  }
}

static void mappings(writer *w, const m_image *i) {
  size_t offset = 4 * i->mapping_count;
  for (size_t k = 0; k < i->mapping_count; k++) {
    number(w, offset, 4);
    offset += 17 + 4 * i->mappings[k].source_length;
  }
  for (size_t k = 0; k < i->mapping_count; k++) {
    const javm_mapping *m = &i->mappings[k];
    number(w, m->start, 4);
    number(w, m->size_bytes, 8);
    number(w, m->kind, 1);
    number(w, 17, 4);
    for (uint32_t s = 0; s < m->source_length; s++) number(w, m->source[s], 4);
  }
}

static void slots(writer *w, const uint32_t *list, size_t count) {
  for (size_t k = 0; k < count; k++) number(w, list[k], 4);
}

static void slot_caps(writer *w, const m_slot_cap *caps, size_t count) {
  for (size_t k = 0; k < count; k++) {
    javm_hash hash = m_hash_of(caps[k].cap);
    number(w, caps[k].slot, 4);
    bytes(w, &hash, sizeof hash);
  }
}

static void part(writer *w, const m_image *i, int index) {
  switch (index) {
    case 0: bytes(w, i->code, i->code_bytes); break;
    case 1: bytes(w, i->bitmask, (i->code_bytes + 7) / 8); break;
    case 3: endpoints(w, i); break;
    case 4: mappings(w, i); break;
    case 5: slots(w, i->gas_slots, i->gas_slot_count); break;
    case 6: slots(w, i->quota_slots, i->quota_slot_count); break;
    case 7: slot_caps(w, i->pinned, i->pinned_count); break;
    case 8: slot_caps(w, i->initial, i->initial_count); break;
    case 9: slots(w, i->yield_marker_slots, i->yield_marker_slot_count); break;
    default: break; /* the jump table: none */
  }
}

const uint8_t *m_image_bytes(const m_value *image, size_t *size) {
  const m_image *i = &image->as.image;
  writer w = {m_new(2 * (size_t)i->code_bytes + 4096), 0};
  number(&w, JAVM_KIND_IMAGE, 1);
  number(&w, JAVM_ISA_JAVM, 1);
  size_t offsets = w.size;
  w.size += 40;
  for (int k = 0; k < 10; k++) {
    writer offset = {w.bytes + offsets + 4 * (size_t)k, 0};
    number(&offset, w.size - 1, 4);
    part(&w, i, k);
  }
  *size = w.size;
  return w.bytes;
}
