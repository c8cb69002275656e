/* Sets a machine up with what a trace's program starts with: a JAM container's layout, or the mappings of an Image's
 * first Instance. */
#include <stdlib.h>
#include <string.h>

#include "trace.h"

static bool say_error(char reason[TRACE_TEXT_MAX], const javm_error *error) {
  snprintf(reason, TRACE_TEXT_MAX, "program: offset %zu: %s: %s", error->offset, javm_status_text(error->status),
           error->text);
  return false;
}

static bool say(char reason[TRACE_TEXT_MAX], const char *text) {
  snprintf(reason, TRACE_TEXT_MAX, "%s", text);
  return false;
}

/* What an Instance's root slot holds at first, and whether the Image pins it. Borrowed; NULL: nothing. */
static javm_cap *first_cap(const javm_image_spec *spec, uint32_t slot, bool *pinned) {
  *pinned = true;
  for (size_t i = 0; i < spec->pinned_count; i++)
    if (spec->pinned[i].slot == slot) return spec->pinned[i].cap;
  *pinned = false;
  for (size_t i = 0; i < spec->initial_count; i++)
    if (spec->initial[i].slot == slot) return spec->initial[i].cap;
  return NULL;
}

static bool copy_data(trace_machine *m, javm_cap *reference, const javm_mapping *mapping, char reason[TRACE_TEXT_MAX]) {
  static const uint8_t zeros[JAVM_PAGE_BYTES];
  uint8_t page[JAVM_PAGE_BYTES];
  uint32_t page_count;
  javm_cap *data;
  javm_error error;
  if (cli_resolve(m->dir, reference, &data, &error) != JAVM_OK) return say_error(reason, &error);
  javm_status status = javm_data_page_count(m->dir, data, &page_count);
  bool fits = status == JAVM_OK && (uint64_t)page_count * JAVM_PAGE_BYTES <= mapping->size_bytes;
  for (uint32_t i = 0; fits && status == JAVM_OK && i < page_count; i++) {
    uint64_t offset = (uint64_t)i * JAVM_PAGE_BYTES;
    status = javm_data_read(m->dir, data, offset, page, sizeof page, &error);
    if (status == JAVM_OK && memcmp(page, zeros, sizeof page) != 0)
      status = javm_machine_poke(m->machine, mapping->start + (uint32_t)offset, page, sizeof page);
  }
  javm_cap_release(m->dir, data);
  if (status != JAVM_OK) return say(reason, javm_status_text(status));
  return fits || say(reason, "program: a Data is longer than its mapping");
}

static bool map_image(trace_machine *m, const javm_image_spec *spec, char reason[TRACE_TEXT_MAX]) {
  for (size_t i = 0; i < spec->mapping_count; i++) {
    const javm_mapping *mapping = &spec->mappings[i];
    javm_status status;
    bool pinned = false;
    javm_cap *cap = NULL;
    uint64_t end = mapping->start + mapping->size_bytes;
    if (mapping->kind == JAVM_MAPPING_HEAP) {
      status = javm_machine_set_heap(m->machine, mapping->start, end);
    } else {
      if (mapping->kind == JAVM_MAPPING_PERSISTENT && mapping->source_length == 1)
        cap = first_cap(spec, mapping->source[0], &pinned);
      status = javm_machine_map(m->machine, mapping->start, mapping->size_bytes,
                                pinned ? JAVM_ACCESS_READ : JAVM_ACCESS_WRITE);
    }
    if (status != JAVM_OK) return say(reason, javm_status_text(status));
    if (cap != NULL && !copy_data(m, cap, mapping, reason)) return false;
  }
  return true;
}

static bool make_machine(trace_machine *m, const javm_program_config *how, char reason[TRACE_TEXT_MAX]) {
  javm_error error;
  if (javm_program_new(&m->code, how, &m->program, &error) != JAVM_OK ||
      javm_machine_new(m->program, NULL, &m->machine, &error) != JAVM_OK)
    return say_error(reason, &error);
  return true;
}

static bool build_image(trace_machine *m, javm_isa isa, const javm_program_config *how, char reason[TRACE_TEXT_MAX]) {
  javm_load_config config;
  javm_image_spec spec;
  javm_error error;
  javm_load_config_default(&config);
  config.isa = isa;
  config.has_isa = true;
  if (javm_load(m->dir, m->bytes.data, m->bytes.size, &config, &m->image, &error) != JAVM_OK)
    return say_error(reason, &error);
  if (javm_cap_kind(m->image) != JAVM_KIND_IMAGE) return say(reason, "program: expected a JAM container or an Image");
  if (javm_image_view(m->dir, m->image, &spec) != JAVM_OK) return say(reason, "out of memory");
  m->code = spec.code;
  return make_machine(m, how, reason) && map_image(m, &spec, reason);
}

static bool build_jam(trace_machine *m, javm_isa isa, const javm_program_config *how, size_t arguments_bytes,
                      char reason[TRACE_TEXT_MAX]) {
  javm_error error;
  if (javm_jam_parse(m->bytes.data, m->bytes.size, isa, NULL, &m->jam, &error) != JAVM_OK)
    return say_error(reason, &error);
  m->code = m->jam.code;
  if (!make_machine(m, how, reason)) return false;
  if (!m->jam.is_standard) return true;
  uint8_t *zeros = calloc(arguments_bytes + 1, 1);
  if (zeros == NULL) return say(reason, "out of memory");
  javm_status status = javm_jam_setup(&m->jam, zeros, arguments_bytes, m->machine, &error);
  free(zeros);
  return status == JAVM_OK || say_error(reason, &error);
}

bool trace_machine_build(trace_machine *m, cli_bytes bytes, javm_isa isa, const javm_program_config *how,
                         size_t arguments_bytes, char reason[TRACE_TEXT_MAX]) {
  memset(m, 0, sizeof *m);
  m->bytes = bytes;
  if (javm_dir_new(NULL, &m->dir) != JAVM_OK) return say(reason, "out of memory");
  cli_form form = cli_form_of(m->dir, bytes.data, bytes.size, isa);
  if (form == CLI_FORM_STANDARD || form == CLI_FORM_BLOB) return build_jam(m, isa, how, arguments_bytes, reason);
  return build_image(m, isa, how, reason);
}

void trace_machine_clear(trace_machine *m) {
  javm_machine_free(m->machine);
  javm_program_release(m->program);
  javm_jam_clear(NULL, &m->jam);
  if (m->dir != NULL) javm_cap_release(m->dir, m->image);
  javm_dir_free(m->dir);
  free(m->bytes.data);
  memset(m, 0, sizeof *m);
}
