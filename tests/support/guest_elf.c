#include "guest_elf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/engine.h"

uint8_t *guest_elf_file(const char *path, size_t *size_bytes) {
  FILE *f = fopen(path, "rb");
  long size = -1;
  if (f && fseek(f, 0, SEEK_END) == 0) size = ftell(f);
  uint8_t *bytes = size < 0 ? NULL : malloc((size_t)size + 1);
  if (!bytes || fseek(f, 0, SEEK_SET) != 0 || fread(bytes, 1, (size_t)size, f) != (size_t)size) {
    fprintf(stderr, "can't read %s\n", path);
    free(bytes);
    bytes = NULL;
  }
  if (f) fclose(f);
  *size_bytes = bytes ? (size_t)size : 0;
  return bytes;
}

static bool failed(guest_elf *g, const char *what, javm_status status, const javm_error *error) {
  snprintf(g->error, sizeof g->error, "%s: %s: %s", what, javm_status_text(status), error->text);
  return false;
}

static javm_host_action write_function(void *ctx, javm_host_call *call) {
  guest_elf *g = ctx;
  uint64_t fd = javm_host_arg(call, 0), size = javm_host_arg(call, 2);
  if ((fd != 1 && fd != 2) || size > 1u << 24) {
    javm_host_return(call, 0, UINT64_MAX);
    return JAVM_HOST_RETURN;
  }
  uint8_t *grown = realloc(g->output, g->output_bytes + size + 1);
  if (!grown) return JAVM_HOST_REFUSE;
  g->output = grown;
  if (javm_host_read(call, (uint32_t)javm_host_arg(call, 1), grown + g->output_bytes, size) != JAVM_OK) {
    return JAVM_HOST_REFUSE;
  }
  g->output_bytes += size;
  javm_host_return(call, 0, size);
  return JAVM_HOST_RETURN;
}

bool guest_elf_link(guest_elf *g, const uint8_t *elf, size_t elf_bytes, bool plain) {
  javm_error error = {0};
  javm_vm_config config;
  javm_link_config link_config;
  javm_cap *instance = NULL;
  *g = (guest_elf){0};
  javm_vm_config_default(&config);
  config.gas_model = JAVM_GAS_INSTRUCTION;
  test_choose_engine(&config.engine, &config.explicit_checks, &config.counts_instructions);
  javm_link_config_default(&link_config);
  link_config.plain = plain;
  javm_status status = javm_dir_new(NULL, &g->dir);
  if (status != JAVM_OK) return failed(g, "javm_dir_new", status, &error);
  status = javm_link(g->dir, elf, elf_bytes, &link_config, &g->image, NULL, NULL, &error);
  if (status != JAVM_OK) return failed(g, "javm_link", status, &error);
  status = javm_vm_new(g->dir, &config, &g->vm, &error);
  if (status != JAVM_OK) return failed(g, "javm_vm_new", status, &error);
  status = javm_vm_register(g->vm, 64, "write", write_function, g);
  if (status != JAVM_OK) return failed(g, "javm_vm_register", status, &error);
  status = javm_instance_genesis(g->dir, g->image, NULL, &instance, &error);
  if (status == JAVM_OK) status = javm_dir_put(g->dir, instance, &g->state, &error);
  g->genesis = g->state;
  javm_cap_release(g->dir, instance);
  return status == JAVM_OK || failed(g, "the Instance", status, &error);
}

void guest_elf_close(guest_elf *g) {
  javm_vm_free(g->vm);
  if (g->dir) javm_cap_release(g->dir, g->image);
  javm_dir_free(g->dir);
  free(g->output);
  *g = (guest_elf){0};
}

bool guest_elf_call(guest_elf *g, uint8_t endpoint, const uint64_t args[4], uint64_t gas, uint64_t *value) {
  javm_error error = {0};
  javm_result result = {0};
  javm_status status = javm_vm_invoke(g->vm, &g->state, endpoint, args, gas, &result, &error);
  if (status != JAVM_OK) return failed(g, "javm_vm_invoke", status, &error);
  bool halted = result.kind == JAVM_RESULT_HALT;
  g->instructions = result.instructions;
  if (halted) {
    g->state = result.instance;
    *value = result.return_value;
  } else if (result.kind == JAVM_RESULT_FAULTED) {
    snprintf(g->error, sizeof g->error, "%s at pc %u, address 0x%x%s%s", javm_exit_text(result.fault.kind), result.pc,
             result.fault.address, result.refusal ? ": " : "", result.refusal ? javm_refusal_text(result.refusal) : "");
  } else {
    snprintf(g->error, sizeof g->error, "paused");
  }
  javm_result_clear(g->dir, &result);
  return halted;
}

/* Copies what of [address, address + size) is in the overlay. */
static javm_status read_overlay(guest_elf *g, javm_cap *instance, size_t index, uint32_t address, uint8_t *to,
                                size_t size_bytes, javm_error *error) {
  uint32_t start, page_count;
  javm_cap *data;
  javm_status status = javm_instance_overlay(g->dir, instance, index, &start, &data);
  if (status != JAVM_OK) return status;
  status = javm_data_page_count(g->dir, data, &page_count);
  uint64_t end = start + (uint64_t)page_count * JAVM_PAGE_BYTES;
  uint64_t from = start > address ? start : address;
  uint64_t until = end < address + (uint64_t)size_bytes ? end : address + (uint64_t)size_bytes;
  if (status == JAVM_OK && from < until) {
    status = javm_data_read(g->dir, data, from - start, to + (from - address), until - from, error);
  }
  javm_cap_release(g->dir, data);
  return status;
}

bool guest_elf_read(guest_elf *g, uint32_t address, void *to, size_t size_bytes) {
  javm_error error = {0};
  javm_cap *instance = NULL;
  javm_instance_spec view;
  memset(to, 0, size_bytes);
  javm_status status = javm_dir_get(g->dir, &g->state, &instance, &error);
  if (status == JAVM_OK) status = javm_instance_view(g->dir, instance, &view);
  for (size_t i = 0; status == JAVM_OK && i < view.overlay_count; i++) {
    status = read_overlay(g, instance, i, address, to, size_bytes, &error);
  }
  javm_cap_release(g->dir, instance);
  return status == JAVM_OK || failed(g, "reading memory", status, &error);
}
