/* See manifest.h. */
#include "link/manifest.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

/*
 * A record, as guest/javm.h lays it out:
 *
 *   0 kind u32   4 index u32   8 address u64   16 size u64   24 a u32   28 b u32
 */
enum { RECORD_BYTES = 32 };
enum { ENDPOINT = 1, PINNED_DATA, PINNED_IMAGE, INITIAL_DATA, GAS_SLOT, QUOTA_SLOT, YIELD_MARKER_SLOT };

typedef struct record {
  uint32_t kind, index, a, b;
  uint64_t address, size_bytes;
} record;

bool jv_is_metadata(const jv_elf_section *s) { return strncmp(s->name, ".javm.", 6) == 0; }

bool jv_is_dropped(const jv_elf_section *s) {
  static const char *const prefixes[] = {".eh_frame", ".gcc_except_table", ".riscv.attributes", ".note"};
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
    if (strncmp(s->name, prefixes[i], strlen(prefixes[i])) == 0) return true;
  }
  return false;
}

const jv_elf_symbol *jv_elf_find(const jv_elf *elf, const char *name) {
  for (size_t i = 1; i < elf->symbol_count; i++) {
    const jv_elf_symbol *s = &elf->symbols[i];
    if (s->section != SHN_UNDEF && s->binding != STB_LOCAL && strcmp(s->name, name) == 0) return s;
  }
  return NULL;
}

bool jv_manifest_has_slot(const jv_manifest *m, uint32_t slot) {
  bool has = m->has_yield_marker_slot && m->yield_marker_slot == slot;
  for (size_t i = 0; i < m->slot_count; i++) has |= m->slots[i].slot == slot;
  for (size_t i = 0; i < m->gas_slot_count; i++) has |= m->gas_slots[i] == slot;
  for (size_t i = 0; i < m->quota_slot_count; i++) has |= m->quota_slots[i] == slot;
  return has;
}

static javm_status fail(javm_error *error, const char *what, uint32_t index, const char *text) {
  return jv_fail(error, JAVM_INVALID_IMAGE, 0, "%s %" PRIu32 ": %s", what, index, text);
}

static javm_status add_endpoint(jv_manifest *m, const record *r, javm_error *error) {
  if (r->index > UINT8_MAX) return fail(error, "endpoint", r->index, "expected an index up to 255");
  if (r->a > 4 || r->b > UINT8_MAX) return fail(error, "endpoint", r->index, "expected at most 4 argument registers");
  size_t at = m->endpoint_count;
  for (; at > 0 && m->endpoints[at - 1].index >= r->index; at--) {
    if (m->endpoints[at - 1].index == r->index) return fail(error, "endpoint", r->index, "declared twice");
  }
  memmove(&m->endpoints[at + 1], &m->endpoints[at], (m->endpoint_count - at) * sizeof *m->endpoints);
  m->endpoints[at] = (jv_entry_point){(uint32_t)r->address, (uint8_t)r->index, (uint8_t)r->a, (uint8_t)r->b};
  m->endpoint_count++;
  return JAVM_OK;
}

/* The bytes of an object of the program. */
static javm_status find_bytes(const jv_elf *elf, const record *r, jv_slot_bytes *out, javm_error *error) {
  for (size_t i = 0; i < elf->section_count; i++) {
    const jv_elf_section *s = &elf->sections[i];
    if (!(s->flags & SHF_ALLOC) || r->address < s->address || r->address - s->address > s->size_bytes) continue;
    if (r->size_bytes > s->size_bytes - (r->address - s->address)) continue;
    out->bytes = s->type == SHT_NOBITS ? NULL : s->bytes + (r->address - s->address);
    out->size_bytes = r->size_bytes;
    return JAVM_OK;
  }
  return fail(error, "slot", r->index, "its value lies outside of the program's sections");
}

static javm_status add_slot(const jv_elf *elf, jv_manifest *m, const record *r, javm_error *error) {
  if (r->index >= JV_SLOT_COUNT) return fail(error, "slot", r->index, "expected a slot up to 255");
  size_t at = m->slot_count;
  for (; at > 0 && m->slots[at - 1].slot >= r->index; at--) {
    if (m->slots[at - 1].slot == r->index) return fail(error, "slot", r->index, "declared twice");
  }
  jv_slot_bytes slot = {.slot = r->index, .is_image = r->kind == PINNED_IMAGE, .is_pinned = r->kind != INITIAL_DATA};
  javm_status status = find_bytes(elf, r, &slot, error);
  if (status != JAVM_OK) return status;
  uint64_t all = slot.bytes ? slot.size_bytes : 0;
  for (size_t i = 0; i < m->slot_count; i++) all += m->slots[i].bytes ? m->slots[i].size_bytes : 0;
  if (all > elf->file_bytes) return fail(error, "slot", r->index, "the values of all slots are larger than the file");
  memmove(&m->slots[at + 1], &m->slots[at], (m->slot_count - at) * sizeof *m->slots);
  m->slots[at] = slot;
  m->slot_count++;
  return JAVM_OK;
}

static javm_status add_meter(uint32_t *slots, size_t *count, const record *r, const char *what, javm_error *error) {
  if (r->index >= JV_SLOT_COUNT) return fail(error, what, r->index, "expected a slot up to 255");
  if (*count == JV_METERS_MAX) return fail(error, what, r->index, "one more than an Image can have");
  slots[(*count)++] = r->index;
  return JAVM_OK;
}

static javm_status add_record(const jv_elf *elf, jv_manifest *m, const record *r, javm_error *error) {
  switch (r->kind) {
    case ENDPOINT: return add_endpoint(m, r, error);
    case PINNED_DATA:
    case PINNED_IMAGE:
    case INITIAL_DATA: return add_slot(elf, m, r, error);
    case GAS_SLOT: return add_meter(m->gas_slots, &m->gas_slot_count, r, "gas slot", error);
    case QUOTA_SLOT: return add_meter(m->quota_slots, &m->quota_slot_count, r, "quota slot", error);
    case YIELD_MARKER_SLOT:
      if (m->has_yield_marker_slot)
        return fail(error, "yield-marker slot", r->index, "one more than an Image can have");
      if (r->index >= JV_SLOT_COUNT) return fail(error, "yield-marker slot", r->index, "expected a slot up to 255");
      m->has_yield_marker_slot = true;
      m->yield_marker_slot = r->index;
      return JAVM_OK;
    default: return fail(error, ".javm.meta: record of kind", r->kind, "not known");
  }
}

static javm_status read_section(const jv_elf *elf, const jv_elf_section *s, jv_manifest *m, javm_error *error) {
  javm_status status = JAVM_OK;
  if (s->size_bytes % RECORD_BYTES || (!s->bytes && s->size_bytes)) {
    return jv_fail(error, JAVM_INVALID_IMAGE, 0, ".javm.meta: expected records of %d bytes", RECORD_BYTES);
  }
  for (uint64_t at = 0; status == JAVM_OK && at < s->size_bytes; at += RECORD_BYTES) {
    const uint8_t *p = s->bytes + at;
    record r = {.kind = (uint32_t)jv_load_le(p, 4),
                .index = (uint32_t)jv_load_le(p + 4, 4),
                .address = jv_load_le(p + 8, 8),
                .size_bytes = jv_load_le(p + 16, 8),
                .a = (uint32_t)jv_load_le(p + 24, 4),
                .b = (uint32_t)jv_load_le(p + 28, 4)};
    if (r.address > UINT32_MAX) return fail(error, ".javm.meta: record of kind", r.kind, "an address beyond 4 GiB");
    status = add_record(elf, m, &r, error);
  }
  return status;
}

static javm_status read_all(const jv_elf *elf, jv_manifest *m, javm_error *error) {
  javm_status status = JAVM_OK;
  for (size_t i = 0; status == JAVM_OK && i < elf->section_count; i++) {
    const jv_elf_section *s = &elf->sections[i];
    if (s->flags & SHF_ALLOC && strcmp(s->name, ".javm.meta") == 0) status = read_section(elf, s, m, error);
  }
  if (status != JAVM_OK || m->endpoint_count > 0) return status;
  if (elf->entry > UINT32_MAX) return fail(error, "endpoint", 0, "the entry point lies beyond 4 GiB");
  m->endpoints[0] = (jv_entry_point){.address = (uint32_t)elf->entry, .arg_registers = 4};
  m->endpoint_count = 1;
  return JAVM_OK;
}

javm_status jv_manifest_read(const javm_allocator *a, const jv_elf *elf, jv_manifest *out, javm_error *error) {
  memset(out, 0, sizeof *out);
  /* no more of either than indices and slots, which are checked to be different */
  out->endpoints = jv_alloc_array(a, UINT8_MAX + 2, sizeof *out->endpoints);
  out->slots = jv_alloc_array(a, JV_SLOT_COUNT + 1, sizeof *out->slots);
  javm_status status = out->endpoints && out->slots ? read_all(elf, out, error) : jv_fail_memory(error);
  if (status != JAVM_OK) jv_manifest_clear(a, out);
  return status;
}

void jv_manifest_clear(const javm_allocator *a, jv_manifest *m) {
  jv_free_array(a, m->endpoints, UINT8_MAX + 2, sizeof *m->endpoints);
  jv_free_array(a, m->slots, JV_SLOT_COUNT + 1, sizeof *m->slots);
  memset(m, 0, sizeof *m);
}
