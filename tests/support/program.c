/* See program.h. */
#include "support/program.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "support/engine.h"

int test_setup(void **state) {
  *state = calloc(1, sizeof(test_run));
  return *state ? 0 : -1;
}

void test_unload(test_run *t) {
  javm_machine_free(t->machine);
  javm_program_release(t->program);
  t->machine = NULL;
  t->program = NULL;
}

int test_teardown(void **state) {
  test_unload(*state);
  free(*state);
  return 0;
}

uint32_t test_put(test_run *t, const uint8_t *bytes, size_t count) {
  uint32_t pc = t->code_bytes;
  assert_true(pc + count <= TEST_CODE_MAX);
  memcpy(t->code + pc, bytes, count);
  t->bitmask[pc / 8] |= (uint8_t)(1u << pc % 8);
  t->code_bytes += (uint32_t)count;
  return pc;
}

void test_clear(test_run *t) {
  memset(t->code, 0, sizeof t->code);
  memset(t->bitmask, 0, sizeof t->bitmask);
  t->code_bytes = 0;
}

javm_code test_code(const test_run *t) {
  return (javm_code){.code = t->code,
                     .code_bytes = t->code_bytes,
                     .bitmask = t->bitmask,
                     .bitmask_bytes = (t->code_bytes + 7) / 8,
                     .jump_table = t->jumps,
                     .jump_count = t->jump_count,
                     .isa = t->isa};
}

void test_load(test_run *t, javm_gas_model model) {
  javm_code code = test_code(t);
  javm_program_config config;
  test_unload(t);
  javm_program_config_default(&config);
  config.gas_model = model;
  test_choose_engine(&config.engine, &config.explicit_checks, &config.counts_instructions);
  config.load_cycles = t->load_cycles;
  assert_int_equal(javm_program_new(&code, &config, &t->program, NULL), JAVM_OK);
  assert_int_equal(javm_machine_new(t->program, t->allocator, &t->machine, NULL), JAVM_OK);
  javm_machine_set_gas(t->machine, TEST_GAS);
  t->regs = javm_machine_regs(t->machine);
}

javm_exit_kind test_run_on(test_run *t) {
  t->exit = javm_machine_run(t->machine, NULL, NULL);
  return t->exit.kind;
}

uint64_t test_gas_used(const test_run *t) { return TEST_GAS - javm_machine_gas(t->machine); }

void test_poke(test_run *t, uint32_t address, uint64_t value, unsigned bytes) {
  uint8_t raw[8];
  jv_store_le(raw, value, bytes);
  assert_int_equal(javm_machine_poke(t->machine, address, raw, bytes), JAVM_OK);
}

uint64_t test_peek(test_run *t, uint32_t address, unsigned bytes) {
  uint8_t raw[8] = {0};
  assert_int_equal(javm_machine_read(t->machine, address, raw, bytes, NULL), JAVM_OK);
  return jv_load_le(raw, bytes);
}

void test_map(test_run *t, uint32_t start, uint64_t size_bytes, javm_access access) {
  assert_int_equal(javm_machine_map(t->machine, start, size_bytes, access), JAVM_OK);
}
