/*
 * Image: a program and its spec. Its arrays are its own blocks, NULL where empty, so that an Image that is only half
 * filled in can be released like any other.
 */
#include "base/bytes.h"
#include "cap/kind.h"

#define GUEST_BYTES ((uint64_t)1 << 32)

/* ---------------------------------------------------------------------------------------------------------- make */

void javm_image_spec_init(javm_image_spec *spec) { memset(spec, 0, sizeof *spec); }

/* Copies an array of a spec into a block of its own; false: out of memory, and the count is not set. */
static bool copy_array(const javm_allocator *a, const void *from, size_t from_count, size_t size, void *to,
                       size_t *count) {
  if (from_count == 0) return true;
  void *block = jv_alloc_array(a, from_count, size);
  if (!block) return false;
  memcpy(block, from, from_count * size);
  memcpy(to, &block, sizeof block);
  *count = from_count;
  return true;
}

static bool copy_slot_caps(const javm_allocator *a, const javm_slot_cap *from, size_t from_count,
                           const javm_slot_cap **to, size_t *count) {
  if (!copy_array(a, from, from_count, sizeof *from, to, count)) return false;
  for (size_t i = 0; i < from_count; i++) jv_obj_retain(from[i].cap);
  return true;
}

static bool copy_spec(const javm_allocator *a, const javm_image_spec *from, javm_image_spec *to) {
  to->code.isa = from->code.isa;
  to->has_yield_marker_slot = from->has_yield_marker_slot;
  to->yield_marker_slot = from->has_yield_marker_slot ? from->yield_marker_slot : 0;
  return copy_array(a, from->code.code, from->code.code_bytes, 1, &to->code.code, &to->code.code_bytes) &&
         copy_array(a, from->code.bitmask, from->code.bitmask_bytes, 1, &to->code.bitmask, &to->code.bitmask_bytes) &&
         copy_array(a, from->code.jump_table, from->code.jump_count, sizeof *from->code.jump_table,
                    &to->code.jump_table, &to->code.jump_count) &&
         copy_array(a, from->endpoints, from->endpoint_count, sizeof *from->endpoints, &to->endpoints,
                    &to->endpoint_count) &&
         copy_array(a, from->mappings, from->mapping_count, sizeof *from->mappings, &to->mappings,
                    &to->mapping_count) &&
         copy_array(a, from->gas_slots, from->gas_slot_count, sizeof *from->gas_slots, &to->gas_slots,
                    &to->gas_slot_count) &&
         copy_array(a, from->quota_slots, from->quota_slot_count, sizeof *from->quota_slots, &to->quota_slots,
                    &to->quota_slot_count) &&
         copy_slot_caps(a, from->pinned, from->pinned_count, &to->pinned, &to->pinned_count) &&
         copy_slot_caps(a, from->initial, from->initial_count, &to->initial, &to->initial_count);
}

javm_status jv_image_make(javm_dir *dir, const javm_image_spec *spec, javm_cap **out, javm_error *error) {
  *out = NULL;
  javm_status status = jv_image_check(spec, error);
  if (status) return status;
  javm_cap *cap = jv_cap_alloc(dir, JAVM_KIND_IMAGE);
  if (!cap || !copy_spec(javm_dir_allocator(dir), spec, &cap->as.image.spec)) {
    jv_release(dir, cap);
    return jv_fail_memory(error);
  }
  *out = cap;
  return JAVM_OK;
}

javm_status javm_image_view(javm_dir *dir, javm_cap *image, javm_image_spec *spec) {
  javm_cap *value;
  javm_status status = jv_resolve(dir, image, JAVM_KIND_IMAGE, &value, NULL);
  if (status) return status;
  *spec = value->as.image.spec;
  jv_release(dir, value);
  return JAVM_OK;
}

/* --------------------------------------------------------------------------------------------------------- check */

#define BAD(...) jv_fail(error, JAVM_INVALID_IMAGE, 0, __VA_ARGS__)

static javm_status check_code(const javm_code *code, javm_error *error) {
  if ((unsigned)code->isa > JAVM_ISA_JAM_0_8) return BAD("instruction_set: %u, expected 0 to 2", (unsigned)code->isa);
  if (code->code_bytes > JV_CODE_MAX) return BAD("code: %zu bytes, expected at most 2^24", code->code_bytes);
  size_t bitmask_bytes = (code->code_bytes + 7) / 8;
  if (code->bitmask_bytes != bitmask_bytes)
    return BAD("bitmask: %zu bytes, expected %zu", code->bitmask_bytes, bitmask_bytes);
  if (code->jump_count > JV_JUMP_MAX) return BAD("jump_table: %zu entries, expected at most 2^20", code->jump_count);
  return JAVM_OK;
}

static javm_status check_mapping(const javm_mapping *m, size_t i, javm_error *error) {
  if ((unsigned)m->kind > JAVM_MAPPING_HEAP)
    return BAD("mappings[%zu].kind: %u, expected 0 to 2", i, (unsigned)m->kind);
  if (m->start % JAVM_PAGE_BYTES != 0) return BAD("mappings[%zu].start: 0x%x is not page-aligned", i, m->start);
  if (m->size_bytes == 0 || m->size_bytes % JAVM_PAGE_BYTES != 0 || m->size_bytes > GUEST_BYTES - m->start)
    return BAD("mappings[%zu].size: %llu, expected whole pages, at least one, that end at 2^32 at most", i,
               (unsigned long long)m->size_bytes);
  bool has_path = m->kind == JAVM_MAPPING_PERSISTENT;
  if (has_path ? m->source_length < 1 || m->source_length > JAVM_PATH_MAX : m->source_length != 0)
    return BAD("mappings[%zu].source: %u steps, expected %s", i, m->source_length, has_path ? "1 to 8" : "none");
  for (uint32_t k = 0; k < m->source_length; k++) {
    unsigned size_log = k == 0 ? JV_ROOT_SIZE_LOG : JV_SIZE_LOG_MAX;
    if (m->source[k] >> size_log != 0)
      return BAD("mappings[%zu].source[%u]: slot %u, expected below 2^%u", i, k, m->source[k], size_log);
  }
  return JAVM_OK;
}

static javm_status check_mappings(const javm_image_spec *spec, javm_error *error) {
  if (spec->mapping_count > JV_MAPPING_MAX)
    return BAD("mappings: %zu, expected at most %u", spec->mapping_count, JV_MAPPING_MAX);
  size_t heaps = 0;
  for (size_t i = 0; i < spec->mapping_count; i++) {
    const javm_mapping *m = &spec->mappings[i];
    javm_status status = check_mapping(m, i, error);
    if (status) return status;
    if (m->kind == JAVM_MAPPING_HEAP && ++heaps > 1) return BAD("mappings[%zu].kind: a second heap", i);
    for (size_t k = 0; k < i; k++) {
      const javm_mapping *other = &spec->mappings[k];
      if (m->start < other->start + other->size_bytes && other->start < m->start + m->size_bytes)
        return BAD("mappings[%zu] and mappings[%zu] overlap", k, i);
    }
  }
  return JAVM_OK;
}

static javm_status check_slots(const char *name, const uint32_t *slots, size_t count, size_t limit, javm_error *error) {
  if (count > limit) return BAD("%s: %zu, expected at most %zu", name, count, limit);
  for (size_t i = 0; i < count; i++)
    if (slots[i] >> JV_ROOT_SIZE_LOG != 0) return BAD("%s[%zu]: slot %u, expected below 256", name, i, slots[i]);
  return JAVM_OK;
}

static javm_status check_slot_caps(const char *name, const javm_slot_cap *caps, size_t count, bool images,
                                   javm_error *error) {
  if (count > JV_SLOT_CAP_MAX) return BAD("%s: %zu, expected at most %u", name, count, JV_SLOT_CAP_MAX);
  for (size_t i = 0; i < count; i++) {
    if (caps[i].slot >> JV_ROOT_SIZE_LOG != 0)
      return BAD("%s[%zu].slot: %u, expected below 256", name, i, caps[i].slot);
    if (i > 0 && caps[i].slot <= caps[i - 1].slot)
      return BAD("%s[%zu].slot: %u is not ascending", name, i, caps[i].slot);
    if (!caps[i].cap) return BAD("%s[%zu].cap: nothing", name, i);
    unsigned kind = caps[i].cap->kind;
    if (kind != JAVM_KIND_DATA && kind != JAVM_KIND_ABSENT && !(images && kind == JAVM_KIND_IMAGE))
      return BAD("%s[%zu].cap: of kind %s, expected data%s", name, i, javm_kind_text((javm_kind)kind),
                 images ? " or image" : "");
  }
  return JAVM_OK;
}

javm_status jv_image_check(const javm_image_spec *spec, javm_error *error) {
  javm_status status = check_code(&spec->code, error);
  if (status) return status;
  if (spec->endpoint_count > JV_ENDPOINT_MAX)
    return BAD("endpoints: %zu, expected at most %u", spec->endpoint_count, JV_ENDPOINT_MAX);
  for (size_t i = 1; i < spec->endpoint_count; i++)
    if (spec->endpoints[i].index <= spec->endpoints[i - 1].index)
      return BAD("endpoints[%zu].index: %u is not ascending", i, spec->endpoints[i].index);
  if ((status = check_mappings(spec, error))) return status;
  if ((status = check_slots("gas_slots", spec->gas_slots, spec->gas_slot_count, JV_METER_SLOT_MAX, error)))
    return status;
  if ((status = check_slots("quota_slots", spec->quota_slots, spec->quota_slot_count, JV_METER_SLOT_MAX, error)))
    return status;
  if ((status = check_slots("yield_marker_slot", &spec->yield_marker_slot, spec->has_yield_marker_slot, 1, error)))
    return status;
  if ((status = check_slot_caps("pinned", spec->pinned, spec->pinned_count, true, error))) return status;
  if ((status = check_slot_caps("initial", spec->initial, spec->initial_count, false, error))) return status;
  for (size_t p = 0, i = 0; p < spec->pinned_count && i < spec->initial_count;) {
    uint32_t pinned = spec->pinned[p].slot, initial = spec->initial[i].slot;
    if (pinned == initial) return BAD("initial[%zu].slot: %u is pinned", i, initial);
    if (pinned < initial) p++;
    else i++;
  }
  return JAVM_OK;
}

/* -------------------------------------------------------------------------------------------------------- encode */

#define FIXED_BYTES 41
#define ENDPOINT_BYTES (7 + 8 * JAVM_REG_COUNT)
#define MAPPING_BYTES 17
#define SLOT_CAP_BYTES (4 + JAVM_HASH_BYTES)

enum { CODE, BITMASK, JUMP_TABLE, ENDPOINTS, MAPPINGS, GAS_SLOTS, QUOTA_SLOTS, PINNED, INITIAL, MARKER, FIELDS };
_Static_assert(1 + 4 * FIELDS == FIXED_BYTES, "Image layout");
static const jv_field fields[FIELDS] = {
    {"Image.code", 1},         {"Image.bitmask", 5},
    {"Image.jump_table", 9},   {"Image.endpoints", 13},
    {"Image.mappings", 17},    {"Image.gas_slots", 21},
    {"Image.quota_slots", 25}, {"Image.pinned", 29},
    {"Image.initial", 33},     {"Image.yield_marker_slot", 37},
};

static void encode_endpoints(const javm_image_spec *spec, jv_writer *w) {
  for (size_t i = 0; i < spec->endpoint_count; i++) {
    const javm_endpoint *e = &spec->endpoints[i];
    jv_put_number(w, e->index, 1);
    jv_put_number(w, e->entry_pc, 4);
    jv_put_number(w, e->arg_registers, 1);
    jv_put_number(w, e->arg_cnode_size, 1);
    for (unsigned k = 0; k < JAVM_REG_COUNT; k++) jv_put_number(w, e->initial_regs[k], 8);
  }
}

static void encode_mappings(const javm_image_spec *spec, jv_writer *w) {
  size_t base = w->size;
  jv_put_room(w, 4 * spec->mapping_count);
  for (size_t i = 0; i < spec->mapping_count; i++) {
    const javm_mapping *m = &spec->mappings[i];
    jv_fill_hole(w, base + 4 * i, base);
    jv_put_number(w, m->start, 4);
    jv_put_number(w, m->size_bytes, 8);
    jv_put_number(w, m->kind, 1);
    jv_put_number(w, MAPPING_BYTES, 4);
    jv_put_u32s(w, m->source, m->source_length);
  }
}

static void encode_slot_caps(const javm_slot_cap *caps, size_t count, jv_writer *w) {
  for (size_t i = 0; i < count; i++) {
    jv_put_number(w, caps[i].slot, 4);
    jv_put_ref(w, caps[i].cap);
  }
}

static void encode(const javm_cap *cap, jv_writer *w) {
  const javm_image_spec *spec = &cap->as.image.spec;
  size_t base = w->size, hole[FIELDS];
  jv_put_number(w, spec->code.isa, 1);
  for (unsigned i = 0; i < FIELDS; i++) hole[i] = jv_put_hole(w);
  jv_fill_hole(w, hole[CODE], base);
  jv_put(w, spec->code.code, spec->code.code_bytes);
  jv_fill_hole(w, hole[BITMASK], base);
  jv_put(w, spec->code.bitmask, spec->code.bitmask_bytes);
  jv_fill_hole(w, hole[JUMP_TABLE], base);
  jv_put_u32s(w, spec->code.jump_table, spec->code.jump_count);
  jv_fill_hole(w, hole[ENDPOINTS], base);
  encode_endpoints(spec, w);
  jv_fill_hole(w, hole[MAPPINGS], base);
  encode_mappings(spec, w);
  jv_fill_hole(w, hole[GAS_SLOTS], base);
  jv_put_u32s(w, spec->gas_slots, spec->gas_slot_count);
  jv_fill_hole(w, hole[QUOTA_SLOTS], base);
  jv_put_u32s(w, spec->quota_slots, spec->quota_slot_count);
  jv_fill_hole(w, hole[PINNED], base);
  encode_slot_caps(spec->pinned, spec->pinned_count, w);
  jv_fill_hole(w, hole[INITIAL], base);
  encode_slot_caps(spec->initial, spec->initial_count, w);
  jv_fill_hole(w, hole[MARKER], base);
  if (spec->has_yield_marker_slot) jv_put_number(w, spec->yield_marker_slot, 4);
}

/* -------------------------------------------------------------------------------------------------------- decode */

static javm_status decode_bytes(const jv_reader *r, jv_span span, const char *name, size_t limit, const uint8_t **out,
                                size_t *count) {
  size_t n;
  javm_status status = jv_list(r, span, name, 1, limit, &n);
  if (status) return status;
  return copy_array(javm_dir_allocator(r->dir), span.at, n, 1, out, count) ? JAVM_OK : jv_fail_memory(r->error);
}

static javm_status decode_endpoints(const jv_reader *r, jv_span list, javm_image_spec *spec) {
  size_t count;
  javm_status status = jv_list(r, list, fields[ENDPOINTS].name, ENDPOINT_BYTES, JV_ENDPOINT_MAX, &count);
  if (status || count == 0) return status;
  javm_endpoint *endpoints = jv_alloc_array(javm_dir_allocator(r->dir), count, sizeof *endpoints);
  if (!endpoints) return jv_fail_memory(r->error);
  spec->endpoints = endpoints;
  spec->endpoint_count = count;
  for (size_t i = 0; i < count; i++) {
    const uint8_t *at = list.at + i * ENDPOINT_BYTES;
    javm_endpoint *e = &endpoints[i];
    e->index = at[0];
    e->entry_pc = (uint32_t)jv_load_le(at + 1, 4);
    e->arg_registers = at[5];
    e->arg_cnode_size = at[6];
    for (unsigned k = 0; k < JAVM_REG_COUNT; k++) e->initial_regs[k] = jv_load_le(at + 7 + 8 * k, 8);
    if (i > 0 && e->index <= endpoints[i - 1].index)
      return jv_malformed(r, at, "Image.endpoints.index: %u is not ascending", e->index);
  }
  return JAVM_OK;
}

static javm_status decode_mapping(const jv_reader *r, jv_span span, javm_mapping *m) {
  static const jv_field source = {"Image.mappings.source", 13};
  jv_span part;
  javm_status status = jv_split(r, span, fields[MAPPINGS].name, MAPPING_BYTES, &source, 1, &part);
  if (status) return status;
  size_t count;
  status = jv_list(r, part, source.name, 4, JAVM_PATH_MAX, &count);
  if (status) return status;
  memset(m, 0, sizeof *m);
  m->start = (uint32_t)jv_load_le(span.at, 4);
  m->size_bytes = jv_load_le(span.at + 4, 8);
  m->kind = (javm_mapping_kind)span.at[12];
  m->source_length = (uint32_t)count;
  for (size_t i = 0; i < count; i++) m->source[i] = (uint32_t)jv_load_le(part.at + 4 * i, 4);
  return JAVM_OK;
}

static javm_status decode_mappings(const jv_reader *r, jv_span list, javm_image_spec *spec) {
  size_t count;
  javm_status status = jv_list_of_variable(r, list, fields[MAPPINGS].name, JV_MAPPING_MAX, &count);
  if (status || count == 0) return status;
  javm_mapping *mappings = jv_alloc_array(javm_dir_allocator(r->dir), count, sizeof *mappings);
  if (!mappings) return jv_fail_memory(r->error);
  spec->mappings = mappings;
  spec->mapping_count = count;
  for (size_t i = 0; i < count && !status; i++) status = decode_mapping(r, jv_element(list, count, i), &mappings[i]);
  return status;
}

static javm_status decode_slot_caps(const jv_reader *r, jv_span list, const char *name, const javm_slot_cap **out,
                                    size_t *out_count) {
  size_t count;
  javm_status status = jv_list(r, list, name, SLOT_CAP_BYTES, JV_SLOT_CAP_MAX, &count);
  if (status || count == 0) return status;
  javm_slot_cap *caps = jv_alloc_array(javm_dir_allocator(r->dir), count, sizeof *caps);
  if (!caps) return jv_fail_memory(r->error);
  memset(caps, 0, count * sizeof *caps);
  *out = caps;
  *out_count = count;
  for (size_t i = 0; i < count; i++) {
    const uint8_t *at = list.at + i * SLOT_CAP_BYTES;
    caps[i].slot = (uint32_t)jv_load_le(at, 4);
    if (i > 0 && caps[i].slot <= caps[i - 1].slot)
      return jv_malformed(r, at, "%s.slot: %u is not ascending", name, caps[i].slot);
    jv_obj *cap;
    status = jv_read_ref(r, at + 4, JV_OBJ_CAP, &cap);
    if (status) return status;
    caps[i].cap = (javm_cap *)cap;
  }
  return JAVM_OK;
}

static javm_status decode_marker(const jv_reader *r, jv_span list, javm_image_spec *spec) {
  size_t count;
  javm_status status = jv_list(r, list, fields[MARKER].name, 4, 1, &count);
  if (status || count == 0) return status;
  spec->has_yield_marker_slot = true;
  spec->yield_marker_slot = (uint32_t)jv_load_le(list.at, 4);
  return JAVM_OK;
}

static javm_status decode_spec(const jv_reader *r, jv_span span, javm_image_spec *spec) {
  jv_span part[FIELDS];
  javm_code *code = &spec->code;
  javm_status status = jv_split(r, span, "Image", FIXED_BYTES, fields, FIELDS, part);
  if (status) return status;
  code->isa = (javm_isa)span.at[0];
  if ((status = decode_bytes(r, part[CODE], fields[CODE].name, JV_CODE_MAX, &code->code, &code->code_bytes)) ||
      (status = decode_bytes(r, part[BITMASK], fields[BITMASK].name, JV_BITMASK_MAX, &code->bitmask,
                             &code->bitmask_bytes)) ||
      (status = jv_list_u32(r, part[JUMP_TABLE], fields[JUMP_TABLE].name, JV_JUMP_MAX, &code->jump_table,
                            &code->jump_count)) ||
      (status = decode_endpoints(r, part[ENDPOINTS], spec)) || (status = decode_mappings(r, part[MAPPINGS], spec)) ||
      (status = jv_list_u32(r, part[GAS_SLOTS], fields[GAS_SLOTS].name, JV_METER_SLOT_MAX, &spec->gas_slots,
                            &spec->gas_slot_count)) ||
      (status = jv_list_u32(r, part[QUOTA_SLOTS], fields[QUOTA_SLOTS].name, JV_METER_SLOT_MAX, &spec->quota_slots,
                            &spec->quota_slot_count)) ||
      (status = decode_slot_caps(r, part[PINNED], fields[PINNED].name, &spec->pinned, &spec->pinned_count)) ||
      (status = decode_slot_caps(r, part[INITIAL], fields[INITIAL].name, &spec->initial, &spec->initial_count)))
    return status;
  return decode_marker(r, part[MARKER], spec);
}

static javm_status decode(const jv_reader *r, jv_span span, javm_cap **out) {
  javm_cap *cap = jv_cap_alloc(r->dir, JAVM_KIND_IMAGE);
  if (!cap) return jv_fail_memory(r->error);
  javm_status status = decode_spec(r, span, &cap->as.image.spec);
  if (status) jv_release(r->dir, cap);
  else *out = cap;
  return status;
}

/* ---------------------------------------------------------------------------------------------------------- hash */

static void add_list(jv_merkle *m, const jv_merkle *elements, unsigned level, size_t count) {
  javm_hash root;
  jv_merkle_root(elements, level, &root);
  jv_mix_in_number(&root, count);
  jv_merkle_add(m, &root);
}

static void add_bytes(jv_merkle *m, const uint8_t *bytes, size_t size, unsigned level) {
  jv_merkle chunks;
  jv_merkle_init(&chunks);
  jv_merkle_add_bytes(&chunks, bytes, size);
  add_list(m, &chunks, level, size);
}

static void add_u32s(jv_merkle *m, const uint32_t *values, size_t count, unsigned level) {
  jv_merkle chunks;
  jv_merkle_init(&chunks);
  for (size_t i = 0; i < count; i += 8) {
    javm_hash chunk = *jv_zero_hash(0);
    for (size_t k = i; k < count && k < i + 8; k++) jv_store_le(chunk.bytes + 4 * (k - i), values[k], 4);
    jv_merkle_add(&chunks, &chunk);
  }
  add_list(m, &chunks, level, count);
}

/* Adds the root of a container with these fields to the elements of a list. */
static void add_container(jv_merkle *elements, const jv_merkle *container, unsigned level) {
  javm_hash root;
  jv_merkle_root(container, level, &root);
  jv_merkle_add(elements, &root);
}

static void add_endpoints(jv_merkle *m, const javm_image_spec *spec) {
  jv_merkle list;
  jv_merkle_init(&list);
  for (size_t i = 0; i < spec->endpoint_count; i++) {
    const javm_endpoint *e = &spec->endpoints[i];
    jv_merkle one;
    jv_merkle_init(&one);
    jv_merkle_add_number(&one, e->index);
    jv_merkle_add_number(&one, e->entry_pc);
    jv_merkle_add_number(&one, e->arg_registers);
    jv_merkle_add_number(&one, e->arg_cnode_size);
    jv_merkle_add_regs(&one, e->initial_regs);
    add_container(&list, &one, 3);
  }
  add_list(m, &list, 8, spec->endpoint_count);
}

static void add_mappings(jv_merkle *m, const javm_image_spec *spec) {
  jv_merkle list;
  jv_merkle_init(&list);
  for (size_t i = 0; i < spec->mapping_count; i++) {
    const javm_mapping *mapping = &spec->mappings[i];
    jv_merkle one;
    jv_merkle_init(&one);
    jv_merkle_add_number(&one, mapping->start);
    jv_merkle_add_number(&one, mapping->size_bytes);
    jv_merkle_add_number(&one, mapping->kind);
    add_u32s(&one, mapping->source, mapping->source_length, 0);
    add_container(&list, &one, 2);
  }
  add_list(m, &list, 6, spec->mapping_count);
}

static void add_slot_caps(jv_merkle *m, const javm_slot_cap *caps, size_t count) {
  jv_merkle list;
  jv_merkle_init(&list);
  for (size_t i = 0; i < count; i++) {
    jv_merkle one;
    jv_merkle_init(&one);
    jv_merkle_add_number(&one, caps[i].slot);
    jv_merkle_add(&one, jv_ref_hash(caps[i].cap));
    add_container(&list, &one, 1);
  }
  add_list(m, &list, 8, count);
}

static void hash(const javm_cap *cap, javm_hash *root) {
  const javm_image_spec *spec = &cap->as.image.spec;
  jv_merkle m;
  jv_merkle_init(&m);
  jv_merkle_add_number(&m, spec->code.isa);
  add_bytes(&m, spec->code.code, spec->code.code_bytes, 19);
  add_bytes(&m, spec->code.bitmask, spec->code.bitmask_bytes, 16);
  add_u32s(&m, spec->code.jump_table, spec->code.jump_count, 17);
  add_endpoints(&m, spec);
  add_mappings(&m, spec);
  add_u32s(&m, spec->gas_slots, spec->gas_slot_count, 1);
  add_u32s(&m, spec->quota_slots, spec->quota_slot_count, 1);
  add_slot_caps(&m, spec->pinned, spec->pinned_count);
  add_slot_caps(&m, spec->initial, spec->initial_count);
  add_u32s(&m, &spec->yield_marker_slot, spec->has_yield_marker_slot, 0);
  jv_merkle_root(&m, 4, root);
}

/* ------------------------------------------------------------------------------------------------------- release */

static bool each_child(javm_cap *cap, jv_child_fn visit, void *ctx) {
  const javm_image_spec *spec = &cap->as.image.spec;
  for (size_t i = 0; i < spec->pinned_count; i++)
    if (!visit(ctx, (jv_obj *)spec->pinned[i].cap)) return false;
  for (size_t i = 0; i < spec->initial_count; i++)
    if (!visit(ctx, (jv_obj *)spec->initial[i].cap)) return false;
  return true;
}

static void release(javm_dir *dir, javm_cap *cap) {
  const javm_allocator *a = javm_dir_allocator(dir);
  const javm_image_spec *spec = &cap->as.image.spec;
  jv_free_array(a, (void *)spec->code.code, spec->code.code_bytes, 1);
  jv_free_array(a, (void *)spec->code.bitmask, spec->code.bitmask_bytes, 1);
  jv_free_array(a, (void *)spec->code.jump_table, spec->code.jump_count, sizeof *spec->code.jump_table);
  jv_free_array(a, (void *)spec->endpoints, spec->endpoint_count, sizeof *spec->endpoints);
  jv_free_array(a, (void *)spec->mappings, spec->mapping_count, sizeof *spec->mappings);
  jv_free_array(a, (void *)spec->gas_slots, spec->gas_slot_count, sizeof *spec->gas_slots);
  jv_free_array(a, (void *)spec->quota_slots, spec->quota_slot_count, sizeof *spec->quota_slots);
  jv_free_array(a, (void *)spec->pinned, spec->pinned_count, sizeof *spec->pinned);
  jv_free_array(a, (void *)spec->initial, spec->initial_count, sizeof *spec->initial);
}

const jv_kind_ops jv_image_ops = {encode, decode, hash, each_child, release};
