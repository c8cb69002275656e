/* Lineages continued: same_type_as, subtype, type_eq (operations 32 to 34). */
#include <sodium.h>
#include <stdio.h>

#include "support/guest.h"

static guest g;
static javm_cap *images[3], *base, *third;

/* H(chain || image) */
static javm_hash chain_after(javm_hash chain, javm_cap *image) {
  uint8_t both[2 * JAVM_HASH_BYTES];
  javm_hash hash = guest_hash(&g, image), out;
  memcpy(both, chain.bytes, JAVM_HASH_BYTES);
  memcpy(both + JAVM_HASH_BYTES, hash.bytes, JAVM_HASH_BYTES);
  assert_int_equal(crypto_generichash(out.bytes, sizeof out.bytes, both, sizeof both, NULL, 0), 0);
  return out;
}

static javm_cap *type(javm_hash chain) {
  javm_cap *cap;
  assert_int_equal(javm_type_new(g.dir, &chain, &cap), JAVM_OK);
  return guest_own(&g, cap);
}

/* Three Images; `base` is of the first one's lineage, `third` of that extended by the other two. */
static int setup(void **state) {
  (void)state;
  guest_open(&g);
  images[0] = guest_image(&g, "load_imm a0, 0\necalli 0\n");
  images[1] = guest_image(&g, "load_imm a0, 1\necalli 0\n");
  images[2] = guest_image(&g, "load_imm a0, 2\necalli 0\n");
  base = guest_instance(&g, images[0], NULL);
  javm_instance_spec spec = guest_view(&g, base);
  spec.image_hash_chain = chain_after(chain_after(guest_hash(&g, images[0]), images[1]), images[2]);
  spec.image = images[2];
  third = guest_make(&g, &spec);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  guest_close(&g);
  return 0;
}

/* Puts the operands into memory from 0x10000 on, at `shift`, then does the operation. */
static void run(unsigned operation, const uint64_t *operands, size_t count, unsigned shift, const uint64_t args[4]) {
  char text[2000] = ".mapping ephemeral 0x10000 8192\n", *at = text + strlen(text);
  for (size_t i = 0; i < count; i++)
    at += sprintf(at, "load_imm_64 s0, 0x%llx\nstore_u64 s0, [0x%zx]\n", (unsigned long long)operands[i],
                  0x10000 + shift + 8 * i);
  sprintf(at, "ecalli %u\necalli 0\n", operation);
  javm_cap *nested = guest_cnode_of(&g, 4, SLOTS({3, images[1]}));
  guest_invoke(&g,
               guest_instance(&g, guest_image(&g, text),
                              SLOTS({1, third}, {2, base}, {3, images[1]}, {4, images[2]}, {5, nested},
                                    {6, type(guest_hash(&g, images[0]))}, {7, guest_data(&g, "x")},
                                    {8, guest_kernel(&g, JAVM_KERNEL_GAS, 1)})),
               0, args, GAS);
}
#define OPERANDS(...) (const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / 8

static void same_type_as_follows_the_images_in_order(void **state) {
  (void)state;
  run(32, OPERANDS(3, 4), 0, ARGS(1, 2, 0x10000, 2));
  assert_halted(&g, 1);
  run(32, OPERANDS(4, 3), 0, ARGS(1, 2, 0x10000, 2));
  assert_halted(&g, 0);
  run(32, OPERANDS(3, 4), 0, ARGS(1, 2, 0x10000, 1));
  assert_halted(&g, 0);
  run(32, OPERANDS(3, 4, 4), 0, ARGS(1, 2, 0x10000, 3));
  assert_halted(&g, 0);
  run(32, OPERANDS(3, 4), 0, ARGS(2, 1, 0x10000, 2)); /* the other way round */
  assert_halted(&g, 0);
}

static void same_type_as_by_no_image_is_same_type(void **state) {
  (void)state;
  run(32, NULL, 0, 0, ARGS(1, 1, 0xdead0000, 0)); /* a count of 0 asks for no memory */
  assert_halted(&g, 1);
  run(32, NULL, 0, 0, ARGS(1, 2, 0xdead0000, 0));
  assert_halted(&g, 0);
}

static void operands_in_memory_may_be_paths_at_any_address(void **state) {
  (void)state;
  run(32, OPERANDS(PATH1(5, 3), 4), 0xffd, ARGS(1, 2, 0x10ffd, 2)); /* across two pages */
  assert_halted(&g, 1);
}

static void kernel_instances_have_a_lineage_that_no_image_continues(void **state) {
  (void)state;
  run(32, OPERANDS(3), 0, ARGS(8, 8, 0x10000, 1));
  assert_halted(&g, 0);
  run(32, NULL, 0, 0, ARGS(8, 8, 0, 0));
  assert_halted(&g, 1);
}

static void same_type_as_checks_its_operands(void **state) {
  (void)state;
  const struct {
    uint64_t args[4];
    uint64_t operand;
    javm_refusal why;
  } cases[] = {
      {{9, 2, 0x10000, 1}, 3, JAVM_REFUSAL_EMPTY_SLOT},
      {{6, 2, 0x10000, 1}, 3, JAVM_REFUSAL_WRONG_KIND},
      {{1, 7, 0x10000, 1}, 3, JAVM_REFUSAL_WRONG_KIND},
      {{1, 2, 0x10000, 1}, 2, JAVM_REFUSAL_WRONG_KIND}, /* an Instance is no Image */
      {{1, 2, 0x10000, 1}, 9, JAVM_REFUSAL_EMPTY_SLOT},
      {{1, 2, 0x10000, 1}, PATH1(3, 3), JAVM_REFUSAL_SLOT_OPERAND},
      {{1, 2, 0x10000, 257}, 3, JAVM_REFUSAL_ARGUMENT},
      {{1, 2, 0x10000, UINT64_MAX}, 3, JAVM_REFUSAL_ARGUMENT},
      {{1, 2, UINT64_C(1) << 32, 1}, 3, JAVM_REFUSAL_ARGUMENT},
      {{1, 2, 0x11ffc, 1}, 3, JAVM_REFUSAL_MEMORY},
      {{1, 2, 0xfff8, 2}, 3, JAVM_REFUSAL_MEMORY},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    run(32, &cases[i].operand, 1, 0, cases[i].args);
    assert_refused(&g, cases[i].why, 32);
  }
}

static void two_hundred_and_fifty_six_images_are_the_most(void **state) {
  (void)state;
  javm_hash chain = guest_hash(&g, images[0]);
  for (int i = 0; i < 256; i++) chain = chain_after(chain, images[1]);
  /* memory holds 256 operands of slot 3 as a Data */
  uint64_t operands[256];
  for (int i = 0; i < 256; i++) operands[i] = 3;
  javm_cap *data;
  assert_int_equal(javm_data_new(g.dir, (const uint8_t *)operands, sizeof operands, &data), JAVM_OK);
  guest_own(&g, data);
  javm_instance_spec spec = guest_view(&g, base);
  spec.image_hash_chain = chain;
  javm_cap *image = guest_image(&g, ".mapping persistent 0x10000 4096 slot 9\necalli 32\necalli 0\n");
  guest_invoke(&g, guest_instance(&g, image, SLOTS({1, guest_make(&g, &spec)}, {2, base}, {3, images[1]}, {9, data})),
               0, ARGS(1, 2, 0x10000, 256), GAS);
  assert_halted(&g, 1);
}

static void subtype_extends_a_type(void **state) {
  (void)state;
  run(33, OPERANDS(3, 4), 0, ARGS(6, 0x10000, 2, 10));
  assert_halted(&g, 6);
  javm_hash chain;
  assert_int_equal(javm_type_chain(g.dir, guest_slot(&g, guest_post(&g), 10), &chain), JAVM_OK);
  assert_same_hash(chain, guest_view(&g, third).image_hash_chain);
  run(33, NULL, 0, 0, ARGS(6, 0xdead0000, 0, PATH1(5, 9)));
  assert_halted(&g, 6);
  assert_same_cap(&g, guest_cnode_slot(&g, guest_slot(&g, guest_post(&g), 5), 9), type(guest_hash(&g, images[0])));
}

static void subtype_checks_its_operands(void **state) {
  (void)state;
  const struct {
    uint64_t args[4];
    uint64_t operand;
    javm_refusal why;
  } cases[] = {
      {{9, 0x10000, 1, 10}, 3, JAVM_REFUSAL_EMPTY_SLOT},  {{2, 0x10000, 1, 10}, 3, JAVM_REFUSAL_WRONG_KIND},
      {{6, 0x10000, 1, 10}, 7, JAVM_REFUSAL_WRONG_KIND},  {{6, 0x10000, 1, 10}, 11, JAVM_REFUSAL_EMPTY_SLOT},
      {{6, 0x10000, 257, 10}, 3, JAVM_REFUSAL_ARGUMENT},  {{6, 0x20000, 1, 10}, 3, JAVM_REFUSAL_MEMORY},
      {{6, UINT64_MAX, 1, 10}, 3, JAVM_REFUSAL_ARGUMENT}, {{6, 0x10000, 1, PATH1(7, 0)}, 3, JAVM_REFUSAL_SLOT_OPERAND},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    run(33, &cases[i].operand, 1, 0, cases[i].args);
    assert_refused(&g, cases[i].why, 33);
  }
  javm_cap *image = guest_image(&g, ".pinned 10 data \"pin\"\necalli 33\necalli 0\n");
  guest_invoke(&g, guest_instance(&g, image, SLOTS({6, type(guest_hash(&g, images[0]))})), 0, ARGS(6, 0, 0, 10), GAS);
  assert_refused(&g, JAVM_REFUSAL_PINNED_SLOT, 33);
}

static void type_eq_compares_types(void **state) {
  (void)state;
  javm_hash one = guest_hash(&g, images[0]), other = guest_hash(&g, images[1]);
  const javm_slot_cap *slots = SLOTS({1, type(one)}, {2, type(other)}, {3, type(one)}, {4, base});
  javm_cap *instance = guest_instance(&g, guest_operation(&g, 34), slots);
  guest_invoke(&g, instance, 0, ARGS(1, 3), GAS);
  assert_halted(&g, 1);
  guest_invoke(&g, instance, 0, ARGS(1, 2), GAS);
  assert_halted(&g, 0);
  guest_invoke(&g, instance, 0, ARGS(1, 4), GAS);
  assert_refused(&g, JAVM_REFUSAL_WRONG_KIND, 34);
  guest_invoke(&g, instance, 0, ARGS(4, 1), GAS);
  assert_refused(&g, JAVM_REFUSAL_WRONG_KIND, 34);
  guest_invoke(&g, instance, 0, ARGS(1, 9), GAS);
  assert_refused(&g, JAVM_REFUSAL_EMPTY_SLOT, 34);
}

static void type_of_a_spawned_instance_is_the_subtype(void **state) {
  (void)state;
  /* type_of(2), subtype by slot 3, type_of(1): all in one guest */
  javm_cap *image =
      guest_image(&g, ".mapping ephemeral 0x10000 4096\nload_imm s0, 3\nstore_u64 s0, [0x10000]\n"
                      "load_imm a0, 2\nload_imm a1, 10\necalli 21\n"
                      "load_imm a0, 10\nload_imm a1, 0x10000\nload_imm a2, 1\nload_imm a3, 11\necalli 33\n"
                      "load_imm a0, 1\nload_imm a1, 12\necalli 21\n"
                      "load_imm a0, 11\nload_imm a1, 12\necalli 34\necalli 0\n");
  javm_instance_spec spec = guest_view(&g, base);
  spec.image_hash_chain = chain_after(spec.image_hash_chain, images[1]);
  guest_invoke(&g, guest_instance(&g, image, SLOTS({1, guest_make(&g, &spec)}, {2, base}, {3, images[1]})), 0, NO_ARGS,
               GAS);
  assert_halted(&g, 1);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(same_type_as_follows_the_images_in_order),
      T(same_type_as_by_no_image_is_same_type),
      T(operands_in_memory_may_be_paths_at_any_address),
      T(kernel_instances_have_a_lineage_that_no_image_continues),
      T(same_type_as_checks_its_operands),
      T(two_hundred_and_fifty_six_images_are_the_most),
      T(subtype_extends_a_type),
      T(subtype_checks_its_operands),
      T(type_eq_compares_types),
      T(type_of_a_spawned_instance_is_the_subtype),
  };
  return cmocka_run_group_tests_name("types", tests, NULL, NULL);
}
