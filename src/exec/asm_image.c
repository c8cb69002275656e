/* Directives: what an Image has besides instructions. See docs/assembly.md. */
#include <string.h>

#include "exec/asm_unit.h"

static bool grow(jv_unit *u, void *array_pointer, size_t *capacity, size_t need, size_t size_bytes) {
  return jv_grow(u->allocator, array_pointer, capacity, need, size_bytes) || jv_lex_memory(u->lex);
}

static bool take_u32(jv_unit *u, const char *what, uint32_t *out) {
  uint64_t value;
  if (!jv_lex_unsigned(u->lex, what, UINT32_MAX, &value)) return false;
  *out = (uint32_t)value;
  return true;
}

static bool limit(jv_unit *u, size_t count, size_t max, const char *what) {
  return count < max || jv_lex_fail(u->lex, u->lex->line, "more than %zu %s", max, what);
}

/* ------------------------------------------------------------------------------------------------------ code */

static bool directive_isa(jv_unit *u) {
  if (u->begun) return jv_lex_fail(u->lex, u->lex->line, ".isa must be the first statement of its image");
  size_t at = u->lex->at;
  jv_slice name = jv_lex_word(u->lex);
  for (unsigned i = 0; i <= JAVM_ISA_JAM_0_8; i++) {
    if (!jv_slice_is(name, jv_isa_names[i])) continue;
    u->isa = (javm_isa)i;
    return true;
  }
  u->lex->at = at;
  return jv_lex_expected(u->lex, "javm, jam-0.7 or jam-0.8");
}

/* Hex digits: one instruction's bytes, or bytes at which no instruction starts. */
static bool directive_raw(jv_unit *u, bool is_insn) {
  uint8_t byte;
  size_t count = 0;
  jv_lex_peek(u->lex);
  for (int got; (got = jv_lex_hex_byte(u->lex, &byte)) != 0; count++) {
    if (got < 0) return false;
    if (is_insn && count == JV_INSN_MAX) {
      return jv_lex_fail(u->lex, u->lex->line, "an instruction has at most %d bytes", JV_INSN_MAX);
    }
    if (!jv_unit_bytes(u, &byte, 1, is_insn && count == 0)) return false;
  }
  return count > 0 || jv_lex_expected(u->lex, "hex digits");
}

static bool directive_padding(jv_unit *u) {
  uint64_t value;
  if (!jv_lex_unsigned(u->lex, "the last bitmask byte's spare bits", UINT8_MAX, &value)) return false;
  u->padding = (uint8_t)value;
  return true;
}

static bool directive_jump_table(jv_unit *u) {
  do {
    jv_label_use use = {.index = 0};
    if (!jv_unit_place(u, "a label or a code offset", &use)) return false;
    if (!limit(u, u->jump_count, JV_ASM_JUMPS_MAX, "jump table entries")) return false;
    if (!grow(u, &u->jumps, &u->jump_capacity, u->jump_count + 1, sizeof *u->jumps)) return false;
    u->jumps[u->jump_count++] = use;
  } while (jv_lex_take(u->lex, ','));
  return true;
}

/* ------------------------------------------------------------------------------------- endpoints, mappings */

/* name=value: args, cnode or a register. */
static bool endpoint_option(jv_unit *u, javm_endpoint *e) {
  size_t at = u->lex->at;
  jv_slice name = jv_lex_name(u->lex);
  int reg = jv_reg_by_name(name);
  bool args = jv_slice_is(name, "args"), cnode = jv_slice_is(name, "cnode");
  if (reg < 0 && !args && !cnode) {
    u->lex->at = at;
    return jv_lex_expected(u->lex, "args=, cnode= or a register and =");
  }
  if (!jv_lex_need(u->lex, '=')) return false;
  if (reg < 0) {
    uint64_t value;
    if (!jv_lex_unsigned(u->lex, "a count", UINT8_MAX, &value)) return false;
    *(args ? &e->arg_registers : &e->arg_cnode_size) = (uint8_t)value;
    return true;
  }
  jv_number n;
  if (!jv_lex_number(u->lex, "a register's value", &n)) return false;
  e->initial_regs[reg] = n.negative ? -n.magnitude : n.magnitude;
  return true;
}

static bool directive_endpoint(jv_unit *u) {
  javm_endpoint e;
  jv_label_use entry = {.index = 0};
  uint64_t index;
  memset(&e, 0, sizeof e);
  if (!jv_lex_unsigned(u->lex, "an endpoint's index", UINT8_MAX, &index)) return false;
  e.index = (uint8_t)index;
  if (!jv_unit_place(u, "a label or a code offset", &entry)) return false;
  while (!jv_lex_line_done(u->lex)) {
    if (!endpoint_option(u, &e)) return false;
  }
  size_t count = u->endpoint_count, at = count;
  while (at > 0 && u->endpoints[at - 1].index >= e.index) at--;
  if (at < count && u->endpoints[at].index == e.index) {
    return jv_lex_fail(u->lex, u->lex->line, "endpoint %u is there already", e.index);
  }
  if (!limit(u, count, JV_ASM_ENDPOINTS_MAX, "endpoints")) return false;
  if (!grow(u, &u->endpoints, &u->endpoint_capacity, count + 1, sizeof e)) return false;
  if (!grow(u, &u->entries, &u->entry_capacity, count + 1, sizeof entry)) return false;
  memmove(u->endpoints + at + 1, u->endpoints + at, (count - at) * sizeof e);
  memmove(u->entries + at + 1, u->entries + at, (count - at) * sizeof entry);
  u->endpoints[at] = e;
  u->entries[at] = entry;
  u->endpoint_count++;
  return true;
}

static bool mapping_source(jv_unit *u, javm_mapping *m) {
  do {
    if (m->source_length == JAVM_PATH_MAX) {
      return jv_lex_fail(u->lex, u->lex->line, "a path has at most %d slots", JAVM_PATH_MAX);
    }
    if (!take_u32(u, "a slot", &m->source[m->source_length++])) return false;
  } while (jv_lex_take(u->lex, '/'));
  return true;
}

static bool directive_mapping(jv_unit *u) {
  javm_mapping m;
  memset(&m, 0, sizeof m);
  size_t at = u->lex->at;
  jv_slice name = jv_lex_name(u->lex);
  unsigned kind = 0;
  while (kind <= JAVM_MAPPING_HEAP && !jv_slice_is(name, jv_mapping_names[kind])) kind++;
  if (kind > JAVM_MAPPING_HEAP) {
    u->lex->at = at;
    return jv_lex_expected(u->lex, "persistent, ephemeral or heap");
  }
  m.kind = (javm_mapping_kind)kind;
  if (!take_u32(u, "the start address", &m.start)) return false;
  if (!jv_lex_unsigned(u->lex, "the size", UINT64_C(1) << 32, &m.size_bytes)) return false;
  if (m.kind == JAVM_MAPPING_PERSISTENT) {
    at = u->lex->at;
    if (!jv_slice_is(jv_lex_name(u->lex), "slot")) {
      u->lex->at = at;
      return jv_lex_expected(u->lex, "slot and a path");
    }
    if (!mapping_source(u, &m)) return false;
  }
  if (!limit(u, u->mapping_count, JV_ASM_MAPPINGS_MAX, "mappings")) return false;
  if (!grow(u, &u->mappings, &u->mapping_capacity, u->mapping_count + 1, sizeof m)) return false;
  u->mappings[u->mapping_count++] = m;
  return true;
}

static bool directive_meter(jv_unit *u, uint32_t *slots, size_t *count) {
  if (!limit(u, *count, JV_ASM_METERS_MAX, "of these slots") || !take_u32(u, "a slot", &slots[*count])) return false;
  ++*count;
  return true;
}

static bool directive_yield_marker(jv_unit *u) {
  if (u->has_yield_marker_slot) return jv_lex_fail(u->lex, u->lex->line, ".yield_marker_slot is there already");
  u->has_yield_marker_slot = true;
  return take_u32(u, "a slot", &u->yield_marker_slot);
}

/* ------------------------------------------------------------------------------------------------------ caps */

#define DATA_MAX (UINT64_C(1) << 32)

static bool data_grow(jv_unit *u, jv_asm_data *d, uint64_t by) {
  if (by > DATA_MAX - d->size_bytes) return jv_lex_fail(u->lex, u->lex->line, "data is longer than 2^32 bytes");
  d->size_bytes += by;
  return true;
}

static bool data_byte(jv_unit *u, jv_asm_data *d, uint8_t byte) {
  uint64_t at = d->size_bytes;
  uint32_t index = (uint32_t)(at / JAVM_PAGE_BYTES);
  if (!data_grow(u, d, 1)) return false;
  if (byte == 0) return true;
  if (d->page_count == 0 || d->pages[d->page_count - 1].index != index) {
    if (!grow(u, &d->pages, &d->page_capacity, d->page_count + 1, sizeof *d->pages)) return false;
    jv_asm_page *page = &d->pages[d->page_count++];
    memset(page, 0, sizeof *page);
    page->index = index;
  }
  d->pages[d->page_count - 1].bytes[at % JAVM_PAGE_BYTES] = byte;
  return true;
}

static bool data_run(jv_unit *u, jv_asm_data *d, int (*next)(jv_lex *lex, uint8_t *out)) {
  uint8_t byte;
  int got;
  while ((got = next(u->lex, &byte)) > 0) {
    if (!data_byte(u, d, byte)) return false;
  }
  return got == 0;
}

static bool data_piece(jv_unit *u, jv_asm_data *d) {
  if (jv_lex_take(u->lex, '"')) return data_run(u, d, jv_lex_string_byte);
  size_t at = u->lex->at;
  jv_slice name = jv_lex_name(u->lex);
  if (jv_slice_is(name, "hex")) {
    jv_lex_peek(u->lex);
    return data_run(u, d, jv_lex_hex_byte);
  }
  if (jv_slice_is(name, "zero")) {
    uint64_t count;
    return jv_lex_unsigned(u->lex, "a number of zeros", DATA_MAX, &count) && data_grow(u, d, count);
  }
  u->lex->at = at;
  return jv_lex_expected(u->lex, "hex, zero or a string");
}

/* Pieces on this line, or on lines in braces. */
static bool data_pieces(jv_unit *u, jv_asm_data *d) {
  if (!jv_lex_take(u->lex, '{')) {
    while (!jv_lex_line_done(u->lex)) {
      if (!data_piece(u, d)) return false;
    }
    return true;
  }
  size_t line = u->lex->line;
  while (jv_lex_statement(u->lex)) {
    if (jv_lex_take(u->lex, '}')) return true;
    if (!data_piece(u, d)) return false;
  }
  return jv_lex_fail(u->lex, u->lex->line, "expected '}' for the data that begins in line %zu", line);
}

static bool cap_data(jv_unit *u, javm_cap **out) {
  jv_asm_data data = {.size_bytes = 0};
  bool ok = data_pieces(u, &data);
  if (ok) {
    u->lex->status = u->makers->data(u->makers->ctx, &data, out, u->lex->error);
    ok = u->lex->status == JAVM_OK;
  }
  jv_free(u->allocator, data.pages, data.page_capacity * sizeof *data.pages);
  return ok;
}

static bool cap_hash(jv_unit *u, javm_cap **out) {
  javm_hash hash;
  if (!jv_lex_need(u->lex, '0') || !jv_lex_need(u->lex, 'x')) return false;
  for (size_t i = 0; i < sizeof hash.bytes; i++) {
    int got = jv_lex_hex_byte(u->lex, &hash.bytes[i]);
    if (got == 0) jv_lex_expected(u->lex, "64 hex digits");
    if (got != 1) return false;
  }
  u->lex->status = u->makers->reference(u->makers->ctx, &hash, out, u->lex->error);
  return u->lex->status == JAVM_OK;
}

static bool cap_image(jv_unit *u, javm_cap **out) {
  if (!jv_lex_need(u->lex, '{')) return false;
  if (u->depth == JV_ASM_DEPTH_MAX) {
    return jv_lex_fail(u->lex, u->lex->line, "images are nested deeper than %d", JV_ASM_DEPTH_MAX);
  }
  return jv_unit_parse(u->lex, u->allocator, u->makers, u->isa, u->depth + 1, out);
}

static bool directive_cap(jv_unit *u, jv_slot_caps *caps, bool with_images) {
  uint32_t slot;
  javm_cap *cap = NULL;
  if (!take_u32(u, "a slot", &slot)) return false;
  size_t line = u->lex->line, at = caps->count;
  while (at > 0 && caps->caps[at - 1].slot >= slot) at--;
  if (at < caps->count && caps->caps[at].slot == slot) {
    return jv_lex_fail(u->lex, line, "slot %lu is there already", (unsigned long)slot);
  }
  if (!limit(u, caps->count, JV_ASM_SLOT_CAPS_MAX, "slots")) return false;
  if (!grow(u, &caps->caps, &caps->capacity, caps->count + 1, sizeof *caps->caps)) return false;
  size_t word_at = u->lex->at;
  jv_slice kind = jv_lex_name(u->lex);
  bool ok = false;
  if (jv_slice_is(kind, "data")) {
    ok = cap_data(u, &cap);
  } else if (jv_slice_is(kind, "hash")) {
    ok = cap_hash(u, &cap);
  } else if (with_images && jv_slice_is(kind, "image")) {
    ok = cap_image(u, &cap);
  } else {
    u->lex->at = word_at;
    jv_lex_expected(u->lex, with_images ? "data, image or hash" : "data or hash");
  }
  if (!ok) return false;
  memmove(caps->caps + at + 1, caps->caps + at, (caps->count - at) * sizeof *caps->caps);
  caps->caps[at] = (javm_slot_cap){slot, cap};
  caps->count++;
  return true;
}

bool jv_unit_directive(jv_unit *u, jv_slice name) {
  if (jv_slice_is(name, ".isa")) return directive_isa(u);
  u->begun = true;
  if (jv_slice_is(name, ".insn")) return directive_raw(u, true);
  if (jv_slice_is(name, ".bytes")) return directive_raw(u, false);
  if (jv_slice_is(name, ".padding")) return directive_padding(u);
  if (jv_slice_is(name, ".jump_table")) return directive_jump_table(u);
  if (jv_slice_is(name, ".endpoint")) return directive_endpoint(u);
  if (jv_slice_is(name, ".mapping")) return directive_mapping(u);
  if (jv_slice_is(name, ".gas_slot")) return directive_meter(u, u->gas_slots, &u->gas_slot_count);
  if (jv_slice_is(name, ".quota_slot")) return directive_meter(u, u->quota_slots, &u->quota_slot_count);
  if (jv_slice_is(name, ".yield_marker_slot")) return directive_yield_marker(u);
  if (jv_slice_is(name, ".pinned")) return directive_cap(u, &u->pinned, true);
  if (jv_slice_is(name, ".initial")) return directive_cap(u, &u->initial, false);
  if (jv_slice_is(name, ".unchecked")) return u->unchecked = true;
  return jv_lex_fail(u->lex, u->lex->line, "no directive '%.*s'", name.size > 40 ? 40 : (int)name.size, name.text);
}
