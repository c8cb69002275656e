/*
 * Loading any container (1-machine.md 1.7). Bundles say so themselves; an encoded value begins with its selector, a
 * byte that no text has; JAM containers are those whose parts fill them exactly; what is left, and is text, is
 * assembled.
 *
 * The Image of a standard program has its read-only data and its arguments in pinned slots, its read-write data in
 * another, and one endpoint, 0, that sets its registers. The invoke's arguments come after those and are what φ[7]
 * and φ[8] will be: a caller passes the endpoint's values on.
 */
#include <string.h>

#include "base/error.h"
#include "cap/cap.h"
#include "exec/jam_layout.h"

enum { SLOT_READ_ONLY = 64, SLOT_READ_WRITE = 65, SLOT_ARGUMENTS = 66 };
enum { REG_RETURN = 0, REG_STACK = 1, REG_ARGUMENTS = 7, REG_ARGUMENTS_BYTES = 8 };

void javm_load_config_default(javm_load_config *config) {
  memset(config, 0, sizeof *config);
  config->size_bytes = sizeof *config;
}

/* ---------------------------------------------------------------------------------------- standard programs */

/* The parts of an Image in the making; the caps are held. */
typedef struct jam_image {
  javm_dir *dir;
  javm_endpoint endpoint;
  javm_mapping mappings[5];
  javm_slot_cap pinned[2], initial[1];
  javm_image_spec spec;
} jam_image;

static void add_mapping(jam_image *m, javm_mapping_kind kind, uint32_t start, uint32_t size_bytes, uint32_t slot) {
  javm_mapping *mapping = &m->mappings[m->spec.mapping_count];
  if (size_bytes == 0) return;
  mapping->start = start;
  mapping->size_bytes = size_bytes;
  mapping->kind = kind;
  mapping->source_length = kind == JAVM_MAPPING_PERSISTENT;
  mapping->source[0] = slot;
  m->spec.mapping_count++;
}

static javm_status add_data(jam_image *m, javm_slot_cap *caps, size_t *count, uint32_t slot, const uint8_t *bytes,
                            size_t size_bytes) {
  if (size_bytes == 0) return JAVM_OK;
  caps[*count].slot = slot;
  javm_status status = javm_data_new(m->dir, bytes, size_bytes, &caps[*count].cap);
  if (status == JAVM_OK) ++*count;
  return status;
}

static javm_status lay_out(jam_image *m, const javm_jam *jam, const uint8_t *arguments, uint32_t arguments_bytes) {
  jv_jam_layout l = jv_jam_place(jam);
  javm_image_spec *spec = &m->spec;
  javm_status status =
      add_data(m, m->pinned, &spec->pinned_count, SLOT_READ_ONLY, jam->read_only, jam->read_only_bytes);
  if (status == JAVM_OK) {
    status = add_data(m, m->pinned, &spec->pinned_count, SLOT_ARGUMENTS, arguments, arguments_bytes);
  }
  if (status == JAVM_OK) {
    status = add_data(m, m->initial, &spec->initial_count, SLOT_READ_WRITE, jam->read_write, jam->read_write_bytes);
  }
  if (status != JAVM_OK) return status;
  add_mapping(m, JAVM_MAPPING_PERSISTENT, l.read_only, jv_page_round(jam->read_only_bytes), SLOT_READ_ONLY);
  add_mapping(m, JAVM_MAPPING_PERSISTENT, l.read_write, l.read_write_size, SLOT_READ_WRITE);
  add_mapping(m, JAVM_MAPPING_HEAP, l.heap, l.heap_limit - l.heap, 0);
  add_mapping(m, JAVM_MAPPING_EPHEMERAL, l.stack, l.stack_size, 0);
  add_mapping(m, JAVM_MAPPING_PERSISTENT, l.arguments, jv_page_round(arguments_bytes), SLOT_ARGUMENTS);
  m->endpoint.initial_regs[REG_RETURN] = l.return_address;
  m->endpoint.initial_regs[REG_STACK] = (uint64_t)l.stack + l.stack_size;
  m->endpoint.initial_regs[REG_ARGUMENTS] = l.arguments;
  m->endpoint.initial_regs[REG_ARGUMENTS_BYTES] = arguments_bytes;
  return JAVM_OK;
}

static javm_status load_jam(javm_dir *dir, const javm_jam *jam, const javm_load_config *config, javm_cap **out,
                            javm_error *error) {
  jam_image m;
  memset(&m, 0, sizeof m);
  m.dir = dir;
  m.endpoint.entry_pc = config->entry_pc;
  m.spec.code = jam->code;
  m.spec.endpoints = &m.endpoint;
  m.spec.endpoint_count = 1;
  m.spec.mappings = m.mappings;
  m.spec.pinned = m.pinned;
  m.spec.initial = m.initial;
  javm_status status = JAVM_OK;
  if (jam->is_standard && config->arguments_bytes > JV_JAM_ARGUMENTS_MAX) {
    return jv_fail(error, JAVM_INVALID_ARGUMENT, 0, "arguments are longer than 2^24 bytes");
  }
  if (jam->is_standard && lay_out(&m, jam, config->arguments, (uint32_t)config->arguments_bytes) != JAVM_OK) {
    status = jv_fail_memory(error);
  }
  if (status == JAVM_OK) status = javm_image_new(dir, &m.spec, out, error);
  for (size_t i = 0; i < m.spec.pinned_count; i++) jv_release(dir, m.pinned[i].cap);
  for (size_t i = 0; i < m.spec.initial_count; i++) jv_release(dir, m.initial[i].cap);
  return status;
}

/* ----------------------------------------------------------------------------------------------- recognition */

/* Bytes of the UTF-8 character at p, of which `left` are there; 0: none, or a control character other than white
 * space. */
static size_t character_bytes(const uint8_t *p, size_t left) {
  static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (p[0] < 0x80) return p[0] >= ' ' || p[0] == '\n' || p[0] == '\r' || p[0] == '\t';
  size_t count = p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
  if (count == 0 || count > left) return 0;
  uint32_t code = p[0] & (0x7fu >> count);
  for (size_t i = 1; i < count; i++) {
    if (p[i] >> 6 != 2) return 0;
    code = code << 6 | (p[i] & 0x3f);
  }
  return code >= smallest[count] && code <= 0x10ffff && code >> 11 != 0xd800 >> 11 ? count : 0;
}

/* How far the bytes are text. */
static size_t text_bytes(const uint8_t *bytes, size_t size_bytes) {
  size_t at = 0;
  for (size_t step = 1; at < size_bytes && step > 0; at += step) step = character_bytes(bytes + at, size_bytes - at);
  return at;
}

static javm_status fail_closest(javm_error *error, const char *container, const javm_error *cause) {
  return jv_fail(error, cause->status, cause->offset, "no container; closest to %s: %s", container, cause->text);
}

static javm_status give_error(javm_error *error, const javm_error *cause) {
  if (error) *error = *cause;
  return cause->status;
}

/* *recognised: it is a JAM container (or nobody knows, without memory), and the result stands. */
static javm_status try_jam(javm_dir *dir, const uint8_t *bytes, size_t size_bytes, const javm_load_config *config,
                           javm_cap **out, bool *recognised, javm_error *cause) {
  javm_jam jam;
  const javm_allocator *a = javm_dir_allocator(dir);
  javm_isa isa = config->has_isa ? config->isa : JAVM_ISA_JAM_0_7;
  javm_status status = javm_jam_parse(bytes, size_bytes, isa, a, &jam, cause);
  *recognised = status != JAVM_MALFORMED;
  if (status != JAVM_OK) return status;
  status = load_jam(dir, &jam, config, out, cause);
  javm_jam_clear(a, &jam);
  return status;
}

javm_status javm_load(javm_dir *dir, const uint8_t *bytes, size_t size_bytes, const javm_load_config *config,
                      javm_cap **out, javm_error *error) {
  javm_load_config c;
  javm_load_config_default(&c);
  if (config) memcpy(&c, config, config->size_bytes < sizeof c ? config->size_bytes : sizeof c);
  if (!c.arguments) c.arguments_bytes = 0;
  *out = NULL;
  if (size_bytes == 0) return jv_fail(error, JAVM_MALFORMED, 0, "the input is empty");
  if (size_bytes >= JV_BUNDLE_MAGIC_BYTES && memcmp(bytes, JV_BUNDLE_MAGIC, JV_BUNDLE_MAGIC_BYTES) == 0) {
    return javm_bundle_decode(dir, bytes, size_bytes, out, error);
  }
  /* Most bytes are a Data or a Type, if their number is right; an Image or an Instance must fit all over. */
  bool jam_first = bytes[0] == JAVM_KIND_DATA || bytes[0] == JAVM_KIND_TYPE, recognised = false;
  javm_error value_error, jam_error;
  javm_status status = JAVM_MALFORMED;
  if (jam_first) status = try_jam(dir, bytes, size_bytes, &c, out, &recognised, &jam_error);
  if (!recognised) {
    status = javm_cap_decode(dir, bytes, size_bytes, out, &value_error);
    if (status == JAVM_OK) return status;
    if (status != JAVM_MALFORMED) return give_error(error, &value_error);
  }
  if (!jam_first) status = try_jam(dir, bytes, size_bytes, &c, out, &recognised, &jam_error);
  if (recognised) return status == JAVM_OK ? status : give_error(error, &jam_error);
  size_t text = text_bytes(bytes, size_bytes);
  if (text == size_bytes) {
    return javm_assemble(dir, (const char *)bytes, size_bytes, c.has_isa ? c.isa : JAVM_ISA_JAVM, out, error);
  }
  if (text > value_error.offset && text > jam_error.offset) {
    return jv_fail(error, JAVM_MALFORMED, text,
                   "no container; closest to assembly text, but the byte 0x%02x at %zu is none", bytes[text], text);
  }
  bool value = value_error.offset > 0 && value_error.offset >= jam_error.offset;
  return value ? fail_closest(error, "an encoded value", &value_error)
               : fail_closest(error, "a JAM container", &jam_error);
}
