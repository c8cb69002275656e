/* A case's machine, and comparing it with what the case expects. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conform.h"
#include "trace.h"

bool conform_machine_build(conform *c, conform_machine *m, cli_bytes blob, javm_isa isa, javm_gas_model gas_model) {
  javm_program_config config;
  javm_error error;
  memset(m, 0, sizeof *m);
  m->blob = blob;
  javm_program_config_default(&config);
  config.gas_model = gas_model;
  config.engine = c->engine.engine;
  config.explicit_checks = c->engine.explicit_checks;
  if (javm_jam_parse(blob.data, blob.size, isa, NULL, &m->jam, &error) == JAVM_OK &&
      javm_program_new(&m->jam.code, &config, &m->program, &error) == JAVM_OK &&
      javm_machine_new(m->program, NULL, &m->machine, &error) == JAVM_OK)
    return true;
  conform_miss(c, "program: offset %zu: %s: %s", error.offset, javm_status_text(error.status), error.text);
  return false;
}

bool conform_machine_of(conform *c, conform_machine *m, const json_t *object, javm_isa isa, javm_gas_model gas_model) {
  const json_t *isa_name = json_object_get(object, "isa"), *model_name = json_object_get(object, "gas-model");
  cli_bytes blob;
  memset(m, 0, sizeof *m);
  if (isa_name != NULL && (!json_is_string(isa_name) || !cli_isa_named(json_string_value(isa_name), &isa))) {
    conform_miss(c, "isa: expected javm, jam-0.7 or jam-0.8");
    return false;
  }
  if (model_name != NULL &&
      (!json_is_string(model_name) || !cli_gas_model_named(json_string_value(model_name), &gas_model))) {
    conform_miss(c, "gas-model: expected pipeline, single-pass, instruction or none");
    return false;
  }
  return conform_get_bytes(c, json_object_get(object, "program"), "program", &blob) &&
         conform_machine_build(c, m, blob, isa, gas_model);
}

void conform_machine_clear(conform_machine *m) {
  javm_machine_free(m->machine);
  javm_program_release(m->program);
  javm_jam_clear(NULL, &m->jam);
  free(m->blob.data);
}

const char *conform_status(const conform_machine *m, const javm_exit *end, uint32_t *pc) {
  *pc = javm_machine_pc(m->machine);
  switch (end->kind) {
    case JAVM_EXIT_HALT: return "halt";
    case JAVM_EXIT_TRAP:
    case JAVM_EXIT_PANIC: return "panic";
    case JAVM_EXIT_OUT_OF_GAS: return "out-of-gas";
    case JAVM_EXIT_PAGE_FAULT: return "page-fault";
    case JAVM_EXIT_HOST_CALL:
    case JAVM_EXIT_ECALL: *pc = cli_ecall_pc(&m->jam.code, *pc); return "ecalli";
    case JAVM_EXIT_ERROR: break;
  }
  const char *failure = javm_machine_failure(m->machine);
  if (failure != NULL) return failure;
  return javm_status_text(end->status);
}

bool conform_get_u64(conform *c, const json_t *object, const char *key, uint64_t max, uint64_t *value) {
  if (cli_json_get_u64(json_object_get(object, key), value) && *value <= max) return true;
  conform_miss(c, "%s: expected a number from 0 to %" PRIu64, key, max);
  return false;
}

bool conform_get_regs(conform *c, const json_t *array, uint64_t regs[JAVM_REG_COUNT]) {
  bool good = json_array_size(array) == JAVM_REG_COUNT;
  for (size_t i = 0; good && i < JAVM_REG_COUNT; i++) good = cli_json_get_u64(json_array_get(array, i), &regs[i]);
  if (!good) conform_miss(c, "registers: expected %d numbers", JAVM_REG_COUNT);
  return good;
}

bool conform_get_bytes(conform *c, const json_t *array, const char *key, cli_bytes *out) {
  out->size = json_array_size(array);
  out->data = json_is_array(array) ? malloc(out->size + 1) : NULL;
  bool good = out->data != NULL;
  for (size_t i = 0; good && i < out->size; i++) {
    uint64_t byte;
    good = cli_json_get_u64(json_array_get(array, i), &byte) && byte <= UINT8_MAX;
    if (good) out->data[i] = (uint8_t)byte;
  }
  if (good) return true;
  free(out->data);
  out->data = NULL;
  conform_miss(c, "%s: expected an array of bytes", key);
  return false;
}

bool conform_map(conform *c, conform_machine *m, const json_t *region) {
  const json_t *writable = json_object_get(region, "is-writable");
  uint64_t address, length;
  if (writable == NULL) writable = json_object_get(region, "is_writable");
  if (!conform_get_u64(c, region, "address", UINT32_MAX, &address) ||
      !conform_get_u64(c, region, "length", UINT64_C(1) << 32, &length))
    return false;
  javm_status status = javm_machine_map(m->machine, (uint32_t)address, length,
                                        json_is_true(writable) ? JAVM_ACCESS_WRITE : JAVM_ACCESS_READ);
  if (status != JAVM_OK) conform_miss(c, "map: %s", javm_status_text(status));
  return status == JAVM_OK;
}

bool conform_write(conform *c, conform_machine *m, const json_t *chunk) {
  uint64_t address;
  cli_bytes bytes;
  if (!conform_get_u64(c, chunk, "address", UINT32_MAX, &address) ||
      !conform_get_bytes(c, json_object_get(chunk, "contents"), "contents", &bytes))
    return false;
  javm_status status = javm_machine_poke(m->machine, (uint32_t)address, bytes.data, bytes.size);
  free(bytes.data);
  if (status != JAVM_OK) conform_miss(c, "write: %s", javm_status_text(status));
  return status == JAVM_OK;
}

void conform_expect_regs(conform *c, conform_machine *m, const json_t *array) {
  const uint64_t *got = javm_machine_regs(m->machine);
  uint64_t expected[JAVM_REG_COUNT];
  if (array == NULL || !conform_get_regs(c, array, expected)) return;
  for (unsigned i = 0; i < JAVM_REG_COUNT; i++)
    if (got[i] != expected[i])
      conform_miss(c, "register %u: expected 0x%" PRIx64 ", got 0x%" PRIx64, i, expected[i], got[i]);
}

static void expect_chunk(conform *c, conform_machine *m, uint32_t address, const cli_bytes *expected) {
  uint8_t *got = malloc(expected->size + 1);
  uint32_t fault;
  if (got == NULL) {
    conform_miss(c, "out of memory");
    return;
  }
  if (javm_machine_read(m->machine, address, got, expected->size, &fault) != JAVM_OK) {
    conform_miss(c, "memory at 0x%08" PRIx32 ": expected to be readable", fault);
    free(got);
    return;
  }
  for (size_t i = 0; i < expected->size; i++) {
    if (got[i] == expected->data[i]) continue;
    conform_miss(c, "memory at 0x%08" PRIx32 ": expected 0x%02x, got 0x%02x", address + (uint32_t)i, expected->data[i],
                 got[i]);
    break;
  }
  free(got);
}

void conform_expect_memory(conform *c, conform_machine *m, const json_t *array) {
  size_t index;
  json_t *chunk;
  json_array_foreach(array, index, chunk) {
    uint64_t address;
    cli_bytes bytes;
    if (!conform_get_u64(c, chunk, "address", UINT32_MAX, &address) ||
        !conform_get_bytes(c, json_object_get(chunk, "contents"), "contents", &bytes))
      return;
    expect_chunk(c, m, (uint32_t)address, &bytes);
    free(bytes.data);
  }
}
