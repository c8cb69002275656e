/* javm_link: the pipeline from an ELF file to an Image. */
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "cap/cap.h"
#include "link/code.h"
#include "link/memory.h"
#include "link/symbols.h"

/* φ[0] = ra, at an endpoint: a jump there halts. */
#define HALT_ADDRESS UINT64_C(0xffff0000)
enum { REG_RA = 0, REG_SP = 1, ENDPOINTS_MAX = 256 };

void javm_link_config_default(javm_link_config *config) {
  memset(config, 0, sizeof *config);
  config->size_bytes = sizeof *config;
}

typedef struct linking {
  javm_dir *dir;
  const javm_allocator *allocator;
  javm_link_config config;
  javm_error *error;
  const uint8_t *file;
  uint8_t *copy; /* of the file, in which the code pointers in data are set; memory is made of it, nothing else */
  size_t file_bytes;
  jv_elf elf;
  jv_manifest manifest;
  jv_flow flow;
  jv_memory memory;
  jv_link_code code;
  jv_emitted emitted;
} linking;

static bool is_constructors(const jv_elf_section *s) {
  return s->type == SHT_INIT_ARRAY || s->type == SHT_PREINIT_ARRAY || strcmp(s->name, ".init_array") == 0 ||
         strcmp(s->name, ".preinit_array") == 0 || strcmp(s->name, ".ctors") == 0;
}

/* The address of __javm_start where there are constructors to run, else 0. */
static javm_status find_start(linking *l, uint32_t *start) {
  *start = 0;
  bool needed = false;
  for (size_t i = 0; i < l->elf.section_count; i++) {
    const jv_elf_section *s = &l->elf.sections[i];
    needed |= s->flags & SHF_ALLOC && s->size_bytes > 0 && is_constructors(s);
  }
  if (!needed) return JAVM_OK;
  const jv_elf_symbol *symbol = jv_elf_find(&l->elf, "__javm_start");
  if (!symbol || symbol->value == 0 || symbol->value > UINT32_MAX) {
    return jv_fail(l->error, JAVM_INVALID_IMAGE, 0,
                   "constructors (section .init_array), but no __javm_start to run them; link with the SDK's crt0.o");
  }
  *start = (uint32_t)symbol->value;
  return JAVM_OK;
}

static uint32_t code_pointer(const linking *l, uint32_t address) {
  return jv_jump_address(jv_flow_at(&l->flow, address));
}

/* Sets the code pointers in the copy of the file. */
static void patch_data(linking *l) {
  for (size_t i = 0; i < l->flow.patch_count; i++) {
    const jv_patch *p = &l->flow.patches[i];
    uint64_t value = p->target_is_code ? code_pointer(l, p->target) : p->target;
    value -= p->base_is_code ? code_pointer(l, p->base) : p->base;
    jv_store_le(l->copy + (p->section->bytes - l->file) + (p->address - p->section->address), value, p->bytes);
  }
}

/* Memory as the copy has it. Whoever reads names or lines reads the file itself, which no pointer in data has changed. */
static javm_status fill_memory(linking *l) {
  for (size_t i = 0; i < l->elf.section_count; i++) {
    jv_elf_section *s = &l->elf.sections[i];
    if (s->bytes) s->bytes = l->copy + (s->bytes - l->file);
  }
  for (size_t i = 0; i < l->manifest.slot_count; i++) {
    jv_slot_bytes *slot = &l->manifest.slots[i];
    if (slot->bytes) slot->bytes = l->copy + (slot->bytes - l->file);
  }
  javm_status status = jv_memory_fill(l->dir, &l->manifest, &l->memory, l->error);
  for (size_t i = 0; i < l->elf.section_count; i++) {
    jv_elf_section *s = &l->elf.sections[i];
    if (s->bytes) s->bytes = l->file + (s->bytes - l->copy);
  }
  return status;
}

static javm_status optimize(linking *l) {
  javm_status status = JAVM_OK;
  for (int round = 0; status == JAVM_OK && round < 2 && !l->config.plain; round++) {
    status = jv_live_find(&l->code, l->error);
    if (status != JAVM_OK) return status;
    jv_fold(&l->code, false);
    status = jv_live_find(&l->code, l->error);
    if (status == JAVM_OK) jv_live_sweep(&l->code);
  }
  if (l->config.plain) jv_fold(&l->code, true);
  return status == JAVM_OK ? jv_tidy(&l->code, l->config.plain, l->error) : status;
}

static javm_status make_image(linking *l, javm_cap **image) {
  javm_endpoint endpoints[ENDPOINTS_MAX];
  javm_image_spec spec;
  memset(endpoints, 0, sizeof endpoints);
  for (size_t i = 0; i < l->manifest.endpoint_count; i++) {
    const jv_entry_point *from = &l->manifest.endpoints[i];
    endpoints[i].index = from->index;
    endpoints[i].arg_registers = from->arg_registers;
    endpoints[i].arg_cnode_size = from->arg_cnode_size;
    endpoints[i].entry_pc = l->emitted.entry_pcs[i];
    endpoints[i].initial_regs[REG_RA] = HALT_ADDRESS;
    endpoints[i].initial_regs[REG_SP] = l->memory.stack_top + (uint64_t)JV_SP_BIAS;
  }
  javm_image_spec_init(&spec);
  spec.code = (javm_code){.code = l->emitted.code,
                          .code_bytes = l->emitted.code_bytes,
                          .bitmask = l->emitted.bitmask,
                          .bitmask_bytes = (l->emitted.code_bytes + 7) / 8,
                          .jump_table = l->emitted.jump_table,
                          .jump_count = l->emitted.jump_count,
                          .isa = JAVM_ISA_JAVM};
  spec.endpoints = endpoints;
  spec.endpoint_count = l->manifest.endpoint_count;
  spec.mappings = l->memory.mappings;
  spec.mapping_count = l->memory.mapping_count;
  spec.gas_slots = l->manifest.gas_slots;
  spec.gas_slot_count = l->manifest.gas_slot_count;
  spec.quota_slots = l->manifest.quota_slots;
  spec.quota_slot_count = l->manifest.quota_slot_count;
  spec.pinned = l->memory.pinned;
  spec.pinned_count = l->memory.pinned_count;
  spec.initial = l->memory.initial;
  spec.initial_count = l->memory.initial_count;
  spec.has_yield_marker_slot = l->manifest.has_yield_marker_slot;
  spec.yield_marker_slot = l->manifest.yield_marker_slot;
  return javm_image_new(l->dir, &spec, image, l->error);
}

static javm_status write_symbols(linking *l, javm_cap *image, uint8_t **symbols, size_t *symbols_bytes) {
  javm_hash hash;
  jv_pc_map map = {.addresses = l->emitted.addresses,
                   .pcs = l->emitted.pcs,
                   .count = l->emitted.map_count,
                   .end_pc = (uint32_t)l->emitted.code_bytes};
  if (javm_cap_hash(l->dir, image, &hash) != JAVM_OK) return jv_fail_memory(l->error);
  return jv_symbols_write(l->allocator, &l->elf, &map, &hash, symbols, symbols_bytes, l->error);
}

static javm_status make(linking *l, javm_cap **image) {
  uint32_t start;
  javm_status status = jv_elf_parse(l->allocator, l->file, l->file_bytes, &l->elf, l->error);
  if (status == JAVM_OK) status = jv_manifest_read(l->allocator, &l->elf, &l->manifest, l->error);
  if (status == JAVM_OK) status = find_start(l, &start);
  if (status == JAVM_OK) status = jv_memory_plan(l->allocator, &l->elf, &l->manifest, &l->config, &l->memory, l->error);
  if (status == JAVM_OK) {
    status = jv_flow_find(l->allocator, &l->elf, &l->manifest, start, &l->flow, l->error);
  }
  if (status == JAVM_OK) {
    patch_data(l);
    status = jv_lower(&l->flow, &l->manifest, start, l->memory.stack_top, &l->code, l->error);
  }
  if (status == JAVM_OK) status = optimize(l);
  if (status == JAVM_OK) status = jv_emit(&l->code, &l->flow, &l->emitted, l->error);
  if (status == JAVM_OK) status = fill_memory(l);
  return status == JAVM_OK ? make_image(l, image) : status;
}

static void clear(linking *l) {
  jv_emitted_clear(l->allocator, &l->emitted);
  if (l->code.allocator) jv_link_code_clear(&l->code);
  if (l->flow.allocator) jv_flow_clear(&l->flow);
  jv_memory_clear(l->allocator, &l->memory);
  jv_manifest_clear(l->allocator, &l->manifest);
  jv_elf_clear(l->allocator, &l->elf);
  jv_free_array(l->allocator, l->copy, l->file_bytes, 1);
  jv_free(l->allocator, l, sizeof *l);
}

javm_status javm_link(javm_dir *dir, const uint8_t *elf, size_t elf_bytes, const javm_link_config *config,
                      javm_cap **image, uint8_t **symbols, size_t *symbols_bytes, javm_error *error) {
  const javm_allocator *a = javm_dir_allocator(dir);
  *image = NULL;
  if (symbols) {
    *symbols = NULL;
    *symbols_bytes = 0;
  }
  if (config && config->size_bytes > sizeof *config) {
    return jv_fail(error, JAVM_INVALID_ARGUMENT, 0, "config of a newer version");
  }
  linking *l = jv_alloc_zero(a, sizeof *l);
  if (!l) return jv_fail_memory(error);
  l->dir = dir;
  l->allocator = a;
  l->error = error;
  javm_link_config_default(&l->config);
  if (config) memcpy(&l->config, config, config->size_bytes);
  l->copy = jv_alloc_array(a, elf_bytes, 1);
  l->file = elf;
  l->file_bytes = elf_bytes;
  javm_status status;
  if (l->copy) {
    if (elf_bytes) memcpy(l->copy, elf, elf_bytes);
    status = make(l, image);
    if (status == JAVM_OK && symbols) status = write_symbols(l, *image, symbols, symbols_bytes);
    if (status != JAVM_OK) {
      javm_cap_release(dir, *image);
      *image = NULL;
      if (symbols) *symbols_bytes = 0;
    }
  } else {
    status = jv_fail_memory(error);
  }
  clear(l);
  return status;
}
