/* The six tests of the seed document, said in C, each under its original name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "javm.h"
#include "support/engine.h"

static javm_dir *dir;
static javm_vm *vm;

static int setup(void **state) {
  (void)state;
  javm_vm_config config;
  javm_vm_config_default(&config);
  test_choose_engine(&config.engine, &config.explicit_checks, &config.counts_instructions);
  if (javm_dir_new(NULL, &dir) != JAVM_OK) return -1;
  return javm_vm_new(dir, &config, &vm, NULL) == JAVM_OK ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  javm_vm_free(vm);
  javm_dir_free(dir);
  return 0;
}

static javm_cap *image_with_code(const uint8_t *code, size_t code_bytes, const uint8_t *bitmask, size_t bitmask_bytes) {
  javm_image_spec spec;
  javm_image_spec_init(&spec);
  spec.code.code = code;
  spec.code.code_bytes = code_bytes;
  spec.code.bitmask = bitmask;
  spec.code.bitmask_bytes = bitmask_bytes;
  javm_cap *image;
  assert_int_equal(javm_image_new(dir, &spec, &image, NULL), JAVM_OK);
  return image;
}

/* Publishes an Image and a root CNode with `child` in slot 9, and an Instance of both; consumes image. */
static javm_hash publish_instance(javm_cap *image, javm_cap *child) {
  javm_instance_spec spec;
  javm_instance_spec_init(&spec);
  memset(spec.image_hash_chain.bytes, 0xAA, sizeof spec.image_hash_chain.bytes);
  javm_cap *cnode, *with_child, *instance;
  assert_int_equal(javm_cnode_new(dir, 8, &cnode), JAVM_OK);
  assert_int_equal(javm_cnode_set(dir, cnode, 9, child, &with_child), JAVM_OK);
  spec.image = image;
  spec.root_cnode = with_child;
  assert_int_equal(javm_instance_new(dir, &spec, &instance, NULL), JAVM_OK);
  javm_hash hash;
  assert_int_equal(javm_dir_put(dir, instance, &hash, NULL), JAVM_OK);
  javm_cap_release(dir, instance);
  javm_cap_release(dir, with_child);
  javm_cap_release(dir, cnode);
  javm_cap_release(dir, image);
  return hash;
}

static javm_result invoke(const javm_hash *instance, uint64_t gas) {
  static const uint64_t args[4];
  javm_result result;
  assert_int_equal(javm_vm_invoke(vm, instance, 0, args, gas, &result, NULL), JAVM_OK);
  return result;
}

static void new_constructs_empty_vm(void **state) {
  (void)state;
  assert_int_equal(javm_vm_depth(vm), 0);
  assert_int_equal(javm_vm_program_count(vm), 0);
}

static void invoke_cached_trap_returns_faulted(void **state) {
  (void)state;
  static const uint8_t code[] = {0}, bitmask[] = {0x01};
  javm_hash instance = publish_instance(image_with_code(code, 1, bitmask, 1), NULL);
  javm_result r = invoke(&instance, 1000);
  assert_int_equal(r.kind, JAVM_RESULT_FAULTED);
  assert_int_equal(r.fault.kind, JAVM_EXIT_TRAP);
  assert_int_equal(javm_vm_depth(vm), 0);
  javm_result_clear(dir, &r);
}

static void invoke_cached_ecalli_zero_halts(void **state) {
  (void)state;
  static const uint8_t code[] = {10, 0}, bitmask[] = {0x01};
  javm_hash instance = publish_instance(image_with_code(code, 2, bitmask, 1), NULL);
  javm_result r = invoke(&instance, 1000);
  assert_int_equal(r.kind, JAVM_RESULT_HALT);
  assert_int_equal(r.return_value, 0);
  assert_int_equal(javm_vm_depth(vm), 0);
  javm_result_clear(dir, &r);
}

/* load_imm_64 φ[7] = 42; ecalli 0 */
static const uint8_t reply_42[] = {20, 7, 42, 0, 0, 0, 0, 0, 0, 0, 10, 0};
static const uint8_t reply_42_bitmask[] = {0x01, 0x04};

static void invoke_cached_load_imm_then_reply(void **state) {
  (void)state;
  javm_hash instance = publish_instance(image_with_code(reply_42, sizeof reply_42, reply_42_bitmask, 2), NULL);
  javm_result r = invoke(&instance, 1000);
  assert_int_equal(r.kind, JAVM_RESULT_HALT);
  assert_int_equal(r.return_value, 42);
  assert_true(r.gas_used > 0);
  javm_result_clear(dir, &r);
}

/* Unlike the seed, where the return value got lost, the caller sees the child's 42. */
static void invoke_cached_host_call_into_child_then_halts(void **state) {
  (void)state;
  static const uint8_t code[] = {20, 7, 9, 0, 0, 0, 0, 0, 0, 0, 20, 8, 0, 0, 0, 0, 0, 0, 0, 0, 10, 26, 10, 0};
  static const uint8_t bitmask[] = {0x01, 0x04, 0x50};
  javm_hash child_hash = publish_instance(image_with_code(reply_42, sizeof reply_42, reply_42_bitmask, 2), NULL);
  javm_cap *child;
  assert_int_equal(javm_dir_get(dir, &child_hash, &child, NULL), JAVM_OK);
  javm_hash instance = publish_instance(image_with_code(code, sizeof code, bitmask, 3), child);
  javm_cap_release(dir, child);
  javm_result r = invoke(&instance, 100000);
  assert_int_equal(r.kind, JAVM_RESULT_HALT);
  assert_int_equal(r.return_value, 42);
  assert_int_equal(javm_vm_depth(vm), 0);
  javm_result_clear(dir, &r);
}

static void invoke_cached_oog_returns_faulted(void **state) {
  (void)state;
  uint8_t code[50];
  static const uint8_t bitmask[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x03};
  memset(code, 1, sizeof code);
  javm_hash instance = publish_instance(image_with_code(code, sizeof code, bitmask, sizeof bitmask), NULL);
  javm_result r = invoke(&instance, 3);
  assert_int_equal(r.kind, JAVM_RESULT_FAULTED);
  assert_int_equal(r.fault.kind, JAVM_EXIT_OUT_OF_GAS);
  javm_result_clear(dir, &r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(new_constructs_empty_vm, setup, teardown),
      cmocka_unit_test_setup_teardown(invoke_cached_trap_returns_faulted, setup, teardown),
      cmocka_unit_test_setup_teardown(invoke_cached_ecalli_zero_halts, setup, teardown),
      cmocka_unit_test_setup_teardown(invoke_cached_load_imm_then_reply, setup, teardown),
      cmocka_unit_test_setup_teardown(invoke_cached_host_call_into_child_then_halts, setup, teardown),
      cmocka_unit_test_setup_teardown(invoke_cached_oog_returns_faulted, setup, teardown),
  };
  return cmocka_run_group_tests_name("seed", tests, NULL, NULL);
}
