/* Operations on Data, files, guest memory (5-abi.md 5.2). */
#include <stdlib.h>
#include <string.h>

#include "model/world.h"

/* Is [address, address + length) a range that can be named? */
static bool is_range(uint64_t address, uint64_t length) { return address <= UINT32_MAX && length <= (uint64_t)1 << 32; }

m_then m_read_data(m_world *w, m_entry *e) {
  const m_value *data;
  uint64_t address = M_ARG(1), length = M_ARG(2), offset = M_ARG(3);
  uint32_t fault;
  if (!m_source_of(w, e, M_ARG(0), JAVM_KIND_DATA, &data)) return M_REFUSED;
  uint64_t size = (uint64_t)data->as.data.count * M_PAGE;
  if (offset > size) offset = size;
  if (length > size - offset) length = size - offset;
  if (!is_range(address, length)) return m_refuse(w, JAVM_REFUSAL_ARGUMENT);
  if (!m_may(&e->memory, (uint32_t)address, length, true, &fault)) return m_refuse(w, JAVM_REFUSAL_MEMORY);
  uint8_t *bytes = m_new(size + 1);
  for (uint32_t i = 0; i < data->as.data.count; i++)
    if (data->as.data.at[i]) memcpy(bytes + (size_t)i * M_PAGE, data->as.data.at[i]->bytes, M_PAGE);
  m_write(&e->memory, (uint32_t)address, bytes + offset, length);
  return m_answer(e, length);
}

/* The quota whose handle a slot holds. */
static bool quota_in(m_world *w, const m_entry *e, uint64_t operand, uint64_t *id) {
  const m_value *handle;
  if (!m_source(w, e, operand, &handle)) return false;
  if (!w->has_assist || !m_is_kernel(handle, JAVM_KERNEL_QUOTA)) {
    m_refuse(w, JAVM_REFUSAL_QUOTA);
    return false;
  }
  *id = handle->as.instance.regs[7];
  return true;
}

static bool suffices(m_world *w, uint64_t id, uint64_t size) {
  w->short_quota = id;
  return *m_number_of(&w->assist.quotas, id) >= size;
}

m_then m_mint_data(m_world *w, m_entry *e) {
  m_path to;
  uint64_t address = M_ARG(0), length = M_ARG(1), id;
  uint32_t fault;
  if (!m_destination(w, e, M_ARG(3), &to) || !quota_in(w, e, M_ARG(2), &id)) return M_REFUSED;
  if (!is_range(address, length)) return m_refuse(w, JAVM_REFUSAL_ARGUMENT);
  uint64_t size = (length + M_PAGE - 1) / M_PAGE * M_PAGE;
  if (!suffices(w, id, size)) return M_NO_QUOTA;
  if (!m_may(&e->memory, (uint32_t)address, length, false, &fault)) return m_refuse(w, JAVM_REFUSAL_MEMORY);
  uint8_t *bytes = m_new(length + 1);
  m_read(&e->memory, (uint32_t)address, bytes, length);
  m_then then = m_put(w, e, &to, m_data(bytes, length));
  if (then == M_GO_ON) m_debit_quota(w, e, id, size);
  return then;
}

/* ---- files ---- */

m_then m_open(m_world *w, m_entry *e) {
  m_path to;
  const m_value *file;
  if (!m_destination(w, e, M_ARG(1), &to) || !m_source(w, e, M_ARG(0), &file)) return M_REFUSED;
  if (!w->has_assist || !m_is_kernel(file, JAVM_KERNEL_FILE)) return m_refuse(w, JAVM_REFUSAL_FILE);
  uint64_t id = file->as.instance.regs[7];
  return id < w->assist.file_count ? m_put(w, e, &to, w->assist.files[id]) : m_refuse(w, JAVM_REFUSAL_FILE);
}

m_then m_save_file(m_world *w, m_entry *e) {
  m_path to;
  const m_value *data;
  uint64_t id;
  if (!m_destination(w, e, M_ARG(2), &to) || !quota_in(w, e, M_ARG(1), &id) ||
      !m_source_of(w, e, M_ARG(0), JAVM_KIND_DATA, &data))
    return M_REFUSED;
  uint64_t size = (uint64_t)data->as.data.count * M_PAGE;
  if (!suffices(w, id, size)) return M_NO_QUOTA;
  m_then then = m_put(w, e, &to, m_kernel(JAVM_KERNEL_FILE, w->assist.file_count));
  if (then != M_GO_ON) return then;
  if (w->assist.file_count + 1 == M_FILES_MAX) w->instructions_end = true;
  else w->assist.files[w->assist.file_count++] = data;
  m_add_effect(e, &(m_effect){.kind = M_QUOTA, .id = id, .before = size});
  *m_number_of(&w->assist.quotas, id) -= size;
  return M_GO_ON;
}

/* ---- lineages that memory names ---- */

static bool extend(m_world *w, const m_entry *e, uint64_t address, uint64_t count, javm_hash *chain) {
  uint32_t fault;
  if (count > 256 || !is_range(address, 8 * count)) {
    m_refuse(w, JAVM_REFUSAL_ARGUMENT);
    return false;
  }
  if (!m_may(&e->memory, (uint32_t)address, 8 * count, false, &fault)) {
    m_refuse(w, JAVM_REFUSAL_MEMORY);
    return false;
  }
  for (uint64_t i = 0; i < count; i++) {
    uint64_t operand;
    const m_value *image;
    m_read(&e->memory, (uint32_t)(address + 8 * i), &operand, 8);
    if (!m_source_of(w, e, operand, JAVM_KIND_IMAGE, &image)) return false;
    *chain = m_chain_extended(chain, image);
  }
  return true;
}

m_then m_same_type_as(m_world *w, m_entry *e) {
  const m_value *a, *b;
  if (!m_source_of(w, e, M_ARG(0), JAVM_KIND_INSTANCE, &a) || !m_source_of(w, e, M_ARG(1), JAVM_KIND_INSTANCE, &b))
    return M_REFUSED;
  javm_hash chain = b->as.instance.chain;
  if (!extend(w, e, M_ARG(2), M_ARG(3), &chain)) return M_REFUSED;
  return m_answer(e, m_same(&a->as.instance.chain, &chain));
}

m_then m_subtype(m_world *w, m_entry *e) {
  m_path to;
  const m_value *type;
  if (!m_destination(w, e, M_ARG(3), &to) || !m_source_of(w, e, M_ARG(0), JAVM_KIND_TYPE, &type)) return M_REFUSED;
  javm_hash chain = type->as.type;
  if (!extend(w, e, M_ARG(1), M_ARG(2), &chain)) return M_REFUSED;
  return m_put(w, e, &to, m_type(&chain));
}

/* ---- make_image ---- */

static bool holds(const m_entry *e, const m_slot_cap *caps, size_t count) {
  for (size_t i = 0; i < count; i++) {
    javm_hash hash = m_hash_of(caps[i].cap);
    bool found = false;
    for (uint32_t slot = 0; !found && slot < 256; slot++) {
      javm_hash held = {{0}};
      if (e->slots[slot]) held = m_hash_of(e->slots[slot]);
      found = m_same(&held, &hash);
    }
    if (!found) return false;
  }
  return true;
}

/* Among the bytes that scripts have in memory, those of their Images are the only ones that are an Image. */
static const m_value *image_of(m_world *w, const uint8_t *bytes, uint64_t length) {
  for (size_t i = 0; i < w->image_count; i++) {
    size_t size;
    if (!w->images[i]) continue;
    const uint8_t *encoded = m_image_bytes(w->images[i], &size);
    if (size == length && memcmp(encoded, bytes, size) == 0) return w->images[i];
  }
  static const uint8_t start[] = {JAVM_KIND_IMAGE, JAVM_ISA_JAVM, 41, 0, 0, 0};
  if (length >= sizeof start && memcmp(bytes, start, sizeof start) == 0) w->instructions_end = true; /* who knows */
  return NULL;
}

m_then m_make_image(m_world *w, m_entry *e) {
  m_path to;
  uint64_t address = M_ARG(0), length = M_ARG(1);
  uint32_t fault;
  if (!m_destination(w, e, M_ARG(2), &to)) return M_REFUSED;
  if (!is_range(address, length)) return m_refuse(w, JAVM_REFUSAL_ARGUMENT);
  if (length > 1u << 25) return m_refuse(w, JAVM_REFUSAL_INVALID_IMAGE);
  if (!m_may(&e->memory, (uint32_t)address, length, false, &fault)) return m_refuse(w, JAVM_REFUSAL_MEMORY);
  uint8_t *bytes = m_new(length + 1);
  m_read(&e->memory, (uint32_t)address, bytes, length);
  const m_value *image = image_of(w, bytes, length);
  if (!image) return m_refuse(w, JAVM_REFUSAL_INVALID_IMAGE);
  const m_image *i = &image->as.image;
  if (!holds(e, i->pinned, i->pinned_count) || !holds(e, i->initial, i->initial_count))
    return m_refuse(w, JAVM_REFUSAL_CAP_NOT_HELD);
  return m_put(w, e, &to, image);
}
