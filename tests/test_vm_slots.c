/*
 * Slot operands (5-abi.md 5.1) and the operations on slots and types: 1-5, 20, 21, 37. What an operation did is
 * compared by the hash of the whole Instance that results.
 */
#include <stdio.h>

#include "support/guest.h"

static guest g;

static int setup(void **state) {
  (void)state;
  guest_open(&g);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  guest_close(&g);
  return 0;
}

enum { COPY = 1, MOVE = 2, DROP = 3, SWAP = 4, MINT_CNODE = 5, SAME_TYPE = 20, TYPE_OF = 21, KIND_OF = 37 };

static void run(unsigned operation, const javm_slot_cap *slots, const uint64_t args[4]) {
  guest_invoke(&g, guest_instance(&g, guest_operation(&g, operation), slots), 0, args, GAS);
}

/* The operation leaves exactly these slots, and `value` in φ[7]. */
static void gives_value(unsigned operation, const javm_slot_cap *slots, const uint64_t args[4], uint64_t value,
                        const javm_slot_cap *after) {
  run(operation, slots, args);
  assert_halted(&g, value);
  javm_cap *image = guest_operation(&g, operation);
  javm_image_spec view;
  assert_int_equal(javm_image_view(g.dir, image, &view), JAVM_OK);
  javm_instance_spec spec = guest_view(&g, guest_instance(&g, image, after));
  memcpy(&spec.regs[7], args, 4 * sizeof *args);
  spec.regs[7] = value;
  spec.pc = view.code.code_bytes;
  spec.gas_remaining = GAS - 2;
  assert_same_hash(g.result.instance, guest_hash(&g, guest_make(&g, &spec)));
}

static void gives(unsigned operation, const javm_slot_cap *slots, const uint64_t args[4], const javm_slot_cap *after) {
  gives_value(operation, slots, args, args[0], after);
}

static void refuses(unsigned operation, const javm_slot_cap *slots, const uint64_t args[4], javm_refusal why) {
  run(operation, slots, args);
  assert_refused(&g, why, operation);
}

/* An Image with slot 9 pinned. */
static javm_cap *pinning(unsigned operation) {
  char text[120];
  snprintf(text, sizeof text, ".pinned 9 data \"pin\"\necalli %u\necalli 0\n", operation);
  return guest_image(&g, text);
}

static void refuses_pinned(unsigned operation, const javm_slot_cap *slots, const uint64_t args[4]) {
  guest_invoke(&g, guest_instance(&g, pinning(operation), slots), 0, args, GAS);
  assert_refused(&g, JAVM_REFUSAL_PINNED_SLOT, operation);
}

/* ---- 5.1: operands ---- */

static void plain_small_number_is_a_root_slot(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x");
  gives(COPY, SLOTS({255, x}), ARGS(255, 1), SLOTS({1, x}, {255, x}));
}

static void path_goes_through_up_to_three_cnodes(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x");
  javm_cap *c3 = guest_cnode_of(&g, 2, SLOTS({3, x}));
  javm_cap *c2 = guest_cnode_of(&g, 16, SLOTS({65534, c3}));
  javm_cap *c1 = guest_cnode_of(&g, 0, SLOTS({0, c2}));
  gives(COPY, SLOTS({5, c1}), ARGS(PATH1(5, 0), 1), SLOTS({1, c2}, {5, c1}));
  gives(COPY, SLOTS({5, c1}), ARGS(PATH2(5, 0, 65534), 1), SLOTS({1, c3}, {5, c1}));
  gives(COPY, SLOTS({5, c1}), ARGS(PATH3(5, 0, 65534, 3), 1), SLOTS({1, x}, {5, c1}));
}

static void zero_step_ends_the_path_and_what_follows_is_refused(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x");
  javm_cap *c = guest_cnode_of(&g, 2, SLOTS({0, x}));
  refuses(COPY, SLOTS({5, c}), ARGS(5 | UINT64_C(1) << 24, 1), JAVM_REFUSAL_SLOT_OPERAND);
  refuses(COPY, SLOTS({5, c}), ARGS(5 | UINT64_C(1) << 56, 1), JAVM_REFUSAL_SLOT_OPERAND); /* a fifth step */
}

static void slot_beyond_the_cnode_is_refused(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x");
  javm_cap *c = guest_cnode_of(&g, 2, SLOTS({0, x}));
  refuses(COPY, SLOTS({5, c}), ARGS(PATH1(5, 4), 1), JAVM_REFUSAL_SLOT_OPERAND);
  refuses(COPY, SLOTS({5, c}), ARGS(PATH1(5, 65534), 1), JAVM_REFUSAL_SLOT_OPERAND);
  refuses(COPY, SLOTS({5, c}), ARGS(5, PATH1(5, 4)), JAVM_REFUSAL_SLOT_OPERAND);
}

static void path_through_what_is_no_cnode_is_refused(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x");
  javm_cap *c = guest_cnode_of(&g, 2, SLOTS({0, x}));
  refuses(COPY, SLOTS({5, x}), ARGS(PATH1(5, 0), 1), JAVM_REFUSAL_SLOT_OPERAND);
  refuses(COPY, SLOTS({5, x}), ARGS(PATH1(6, 0), 1), JAVM_REFUSAL_SLOT_OPERAND); /* through nothing */
  refuses(COPY, SLOTS({5, c}), ARGS(5, PATH2(5, 0, 0)), JAVM_REFUSAL_SLOT_OPERAND);
  refuses(COPY, SLOTS({5, c}), ARGS(5, PATH2(5, 1, 0)), JAVM_REFUSAL_SLOT_OPERAND);
}

static void writing_through_a_path_makes_new_cnodes_and_leaves_other_copies(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x"), *y = guest_data(&g, "y");
  javm_cap *inner = guest_cnode_of(&g, 3, SLOTS({1, x}));
  javm_cap *outer = guest_cnode_of(&g, 9, SLOTS({300, inner}, {2, x}));
  javm_cap *inner2 = guest_cnode_of(&g, 3, SLOTS({1, x}, {4, y}));
  javm_cap *outer2 = guest_cnode_of(&g, 9, SLOTS({300, inner2}, {2, x}));
  gives(COPY, SLOTS({5, outer}, {6, outer}, {7, y}), ARGS(7, PATH2(5, 300, 4)), SLOTS({5, outer2}, {6, outer}, {7, y}));
}

static void pinned_slots_refuse_every_change(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x");
  refuses_pinned(COPY, SLOTS({1, x}), ARGS(1, 9));
  refuses_pinned(MOVE, SLOTS({1, x}), ARGS(1, 9));
  refuses_pinned(MOVE, SLOTS({1, x}), ARGS(9, 1));
  refuses_pinned(DROP, SLOTS({1, x}), ARGS(9));
  refuses_pinned(SWAP, SLOTS({1, x}), ARGS(1, 9));
  refuses_pinned(SWAP, SLOTS({1, x}), ARGS(9, 1));
  refuses_pinned(SWAP, SLOTS({1, x}), ARGS(9, 9));
  refuses_pinned(MINT_CNODE, SLOTS({1, x}), ARGS(9, 3));
  refuses_pinned(TYPE_OF, SLOTS({1, guest_kernel(&g, JAVM_KERNEL_GAS, 1)}), ARGS(1, 9));
  refuses_pinned(COPY, SLOTS({1, x}), ARGS(1, PATH1(9, 0)));
}

static void pinned_slots_can_be_read(void **state) {
  (void)state;
  guest_invoke(&g, guest_instance(&g, pinning(COPY), NO_SLOTS), 0, ARGS(9, 4), GAS);
  assert_halted(&g, 9);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 4), guest_data(&g, "pin"));
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 9), guest_data(&g, "pin"));
}

static void initial_slots_can_be_changed(void **state) {
  (void)state;
  javm_cap *image = guest_image(&g, ".initial 9 data \"first\"\necalli 3\necalli 0\n");
  guest_invoke(&g, guest_instance(&g, image, NO_SLOTS), 0, ARGS(9), GAS);
  assert_halted(&g, 9);
  assert_null(guest_slot(&g, guest_post(&g), 9));
}

static void operand_bits_that_no_slot_has_are_refused(void **state) {
  (void)state;
  refuses(DROP, NO_SLOTS, ARGS(UINT64_MAX), JAVM_REFUSAL_SLOT_OPERAND);
  gives(DROP, NO_SLOTS, ARGS(255), NO_SLOTS);
}

/* ---- 5.2: the operations ---- */

static void copy_overwrites_and_keeps_the_source(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x"), *y = guest_data(&g, "y");
  gives(COPY, SLOTS({1, x}, {2, y}), ARGS(1, 2), SLOTS({1, x}, {2, x}));
  gives(COPY, SLOTS({1, x}), ARGS(1, 1), SLOTS({1, x}));
}

static void copy_from_an_empty_slot_is_refused(void **state) {
  (void)state;
  refuses(COPY, SLOTS({2, guest_data(&g, "y")}), ARGS(1, 2), JAVM_REFUSAL_EMPTY_SLOT);
}

static void copy_of_a_cnode_into_itself_nests_the_old_value(void **state) {
  (void)state;
  javm_cap *c = guest_cnode_of(&g, 1, NULL);
  gives(COPY, SLOTS({5, c}), ARGS(5, PATH1(5, 0)), SLOTS({5, guest_cnode_of(&g, 1, SLOTS({0, c}))}));
}

static void move_empties_the_source(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x"), *y = guest_data(&g, "y");
  javm_cap *c = guest_cnode_of(&g, 1, SLOTS({1, x}));
  gives(MOVE, SLOTS({1, x}, {2, y}), ARGS(1, 2), SLOTS({2, x}));
  gives(MOVE, SLOTS({1, x}), ARGS(1, 1), SLOTS({1, x}));
  gives(MOVE, SLOTS({5, c}), ARGS(PATH1(5, 1), 5), SLOTS({5, x})); /* out of a CNode, onto it */
  gives(MOVE, SLOTS({5, c}), ARGS(PATH1(5, 1), PATH1(5, 0)), SLOTS({5, guest_cnode_of(&g, 1, SLOTS({0, x}))}));
  gives(MOVE, SLOTS({5, c}, {6, c}), ARGS(6, PATH1(5, 0)), SLOTS({5, guest_cnode_of(&g, 1, SLOTS({0, c}, {1, x}))}));
}

static void move_from_an_empty_slot_or_into_itself_is_refused(void **state) {
  (void)state;
  javm_cap *c = guest_cnode_of(&g, 1, NULL);
  refuses(MOVE, SLOTS({5, c}), ARGS(1, 2), JAVM_REFUSAL_EMPTY_SLOT);
  refuses(MOVE, SLOTS({5, c}), ARGS(5, PATH1(5, 0)), JAVM_REFUSAL_SLOT_OPERAND);
}

static void drop_empties_also_an_empty_slot(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x");
  javm_cap *c = guest_cnode_of(&g, 1, SLOTS({1, x}));
  gives(DROP, SLOTS({1, x}, {2, x}), ARGS(1), SLOTS({2, x}));
  gives(DROP, SLOTS({2, x}), ARGS(1), SLOTS({2, x}));
  gives(DROP, SLOTS({5, c}), ARGS(PATH1(5, 1)), SLOTS({5, guest_cnode_of(&g, 1, NULL)}));
}

static void swap_exchanges_also_with_an_empty_slot(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x"), *y = guest_data(&g, "y");
  javm_cap *c = guest_cnode_of(&g, 1, SLOTS({1, x}));
  gives(SWAP, SLOTS({1, x}, {2, y}), ARGS(1, 2), SLOTS({1, y}, {2, x}));
  gives(SWAP, SLOTS({1, x}), ARGS(1, 2), SLOTS({2, x}));
  gives(SWAP, SLOTS({1, x}), ARGS(2, 1), SLOTS({2, x}));
  gives(SWAP, NO_SLOTS, ARGS(2, 1), NO_SLOTS);
  gives(SWAP, SLOTS({1, x}), ARGS(1, 1), SLOTS({1, x}));
  gives(SWAP, SLOTS({5, c}, {2, y}), ARGS(2, PATH1(5, 1)), SLOTS({2, x}, {5, guest_cnode_of(&g, 1, SLOTS({1, y}))}));
  refuses(SWAP, SLOTS({5, c}), ARGS(5, PATH1(5, 1)), JAVM_REFUSAL_SLOT_OPERAND);
  refuses(SWAP, SLOTS({5, c}), ARGS(PATH1(5, 1), 5), JAVM_REFUSAL_SLOT_OPERAND);
}

static void mint_cnode_makes_a_fresh_empty_one(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x");
  gives(MINT_CNODE, SLOTS({1, x}), ARGS(1, 0), SLOTS({1, guest_cnode_of(&g, 0, NULL)}));
  gives(MINT_CNODE, NO_SLOTS, ARGS(1, 16), SLOTS({1, guest_cnode_of(&g, 16, NULL)}));
  gives(MINT_CNODE, SLOTS({5, guest_cnode_of(&g, 1, NULL)}), ARGS(PATH1(5, 1), 4),
        SLOTS({5, guest_cnode_of(&g, 1, SLOTS({1, guest_cnode_of(&g, 4, NULL)}))}));
  refuses(MINT_CNODE, NO_SLOTS, ARGS(1, 17), JAVM_REFUSAL_ARGUMENT);
  refuses(MINT_CNODE, NO_SLOTS, ARGS(1, UINT64_C(1) << 32), JAVM_REFUSAL_ARGUMENT);
}

static void kind_of_is_zero_or_one_plus_the_selector(void **state) {
  (void)state;
  javm_cap *type;
  javm_hash chain = {{1}};
  assert_int_equal(javm_type_new(g.dir, &chain, &type), JAVM_OK);
  guest_own(&g, type);
  javm_slot_cap slots[] = {{1, guest_kernel(&g, JAVM_KERNEL_GAS, 1)},
                           {2, guest_operation(&g, 0)},
                           {3, guest_data(&g, "")},
                           {4, guest_cnode_of(&g, 2, NULL)},
                           {5, type},
                           {0, NULL}};
  for (uint64_t i = 0; i < 6; i++) gives_value(KIND_OF, slots, ARGS(i), i, slots);
  refuses(KIND_OF, slots, ARGS(PATH1(3, 0)), JAVM_REFUSAL_SLOT_OPERAND);
}

static void same_type_compares_chains(void **state) {
  (void)state;
  javm_instance_spec spec = guest_view(&g, guest_instance(&g, guest_operation(&g, 0), NO_SLOTS));
  javm_cap *a = guest_make(&g, &spec);
  spec.regs[3] = 9;
  spec.image = guest_operation(&g, 1);
  javm_cap *b = guest_make(&g, &spec);
  spec.image_hash_chain.bytes[31] ^= 1;
  javm_cap *c = guest_make(&g, &spec);
  const javm_slot_cap *slots = SLOTS({1, a}, {2, b}, {3, c}, {4, guest_data(&g, "x")});
  gives_value(SAME_TYPE, slots, ARGS(1, 2), 1, slots);
  gives_value(SAME_TYPE, slots, ARGS(2, 3), 0, slots);
  refuses(SAME_TYPE, slots, ARGS(1, 4), JAVM_REFUSAL_WRONG_KIND);
  refuses(SAME_TYPE, slots, ARGS(4, 1), JAVM_REFUSAL_WRONG_KIND);
  refuses(SAME_TYPE, slots, ARGS(1, 5), JAVM_REFUSAL_EMPTY_SLOT);
}

static void type_of_gives_the_chain(void **state) {
  (void)state;
  javm_cap *a = guest_kernel(&g, JAVM_KERNEL_QUOTA, 5), *type;
  javm_hash chain;
  javm_kernel_hash(JAVM_KERNEL_QUOTA, &chain);
  assert_int_equal(javm_type_new(g.dir, &chain, &type), JAVM_OK);
  guest_own(&g, type);
  gives(TYPE_OF, SLOTS({1, a}), ARGS(1, 2), SLOTS({1, a}, {2, type}));
  gives(TYPE_OF, SLOTS({1, a}), ARGS(1, 1), SLOTS({1, type}));
  refuses(TYPE_OF, SLOTS({1, type}), ARGS(1, 2), JAVM_REFUSAL_WRONG_KIND);
}

/* ---- a refused operation has changed nothing ---- */

static void refusals_leave_slot_0_as_it_was(void **state) {
  (void)state;
  javm_cap *c = guest_cnode_of(&g, 2, SLOTS({1, guest_data(&g, "x")}));
  const struct {
    unsigned operation;
    uint64_t args[4];
  } refused[] = {
      {COPY, {1, 0}},           {COPY, {0, PATH1(0, 4)}}, {MOVE, {0, PATH1(1, 0)}}, {MOVE, {0, PATH1(0, 0)}},
      {MOVE, {1, 0}},           {DROP, {PATH1(0, 9)}},    {SWAP, {0, PATH1(0, 1)}}, {SWAP, {0, PATH1(7, 0)}},
      {SWAP, {0, PATH1(0, 9)}}, {MINT_CNODE, {0, 17}},    {TYPE_OF, {0, 0}},        {SAME_TYPE, {0, 0}},
  };
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    run(refused[i].operation, SLOTS({0, c}), refused[i].args);
    assert_faulted(&g, JAVM_EXIT_TRAP);
    assert_int_not_equal(g.result.refusal, JAVM_REFUSAL_NONE);
    assert_same_cap(&g, g.result.slot0, c);
  }
}

/* ---- values by reference ---- */

static void references_are_slots_like_any_other(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x");
  javm_hash hash = guest_hash(&g, x);
  javm_cap *reference = guest_by_hash(&g, &hash);
  assert_int_equal(javm_cap_kind(reference), JAVM_KIND_ABSENT);
  gives(COPY, SLOTS({1, reference}), ARGS(1, 2), SLOTS({1, x}, {2, x})); /* the value is not needed */
  gives(MOVE, SLOTS({1, reference}), ARGS(1, 2), SLOTS({2, x}));
}

static void absent_values_are_an_error_until_published(void **state) {
  (void)state;
  javm_cap *inner = guest_cnode_of(&g, 1, SLOTS({1, guest_data(&g, "x")}));
  javm_hash hash = guest_hash(&g, inner);
  javm_cap *instance = guest_instance(&g, guest_operation(&g, COPY), SLOTS({5, guest_by_hash(&g, &hash)}));
  for (int write = 0; write < 2; write++) {
    const uint64_t *args = write ? ARGS(5, PATH1(5, 0)) : ARGS(PATH1(5, 1), 3);
    javm_status status = guest_try(&g, instance, 0, args, GAS);
    if (write == 0) {
      assert_int_equal(status, JAVM_VALUE_NOT_FOUND);
      assert_same_hash(g.error.hash, hash);
      assert_depth(&g, 0);
      guest_put(&g, inner);
      status = guest_try(&g, instance, 0, args, GAS);
    }
    assert_int_equal(status, JAVM_OK);
    assert_halted(&g, args[0]);
  }
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 5),
                  guest_cnode_of(&g, 1, SLOTS({0, inner}, {1, guest_data(&g, "x")})));
}

static void kind_of_an_absent_value_is_an_error_until_published(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x");
  javm_hash hash = guest_hash(&g, x);
  javm_cap *instance = guest_instance(&g, guest_operation(&g, KIND_OF), SLOTS({5, guest_by_hash(&g, &hash)}));
  assert_int_equal(guest_try(&g, instance, 0, ARGS(5), GAS), JAVM_VALUE_NOT_FOUND);
  assert_same_hash(g.error.hash, hash);
  guest_put(&g, x);
  guest_invoke(&g, instance, 0, ARGS(5), GAS);
  assert_halted(&g, 3);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(plain_small_number_is_a_root_slot),
      T(path_goes_through_up_to_three_cnodes),
      T(zero_step_ends_the_path_and_what_follows_is_refused),
      T(slot_beyond_the_cnode_is_refused),
      T(path_through_what_is_no_cnode_is_refused),
      T(writing_through_a_path_makes_new_cnodes_and_leaves_other_copies),
      T(pinned_slots_refuse_every_change),
      T(pinned_slots_can_be_read),
      T(initial_slots_can_be_changed),
      T(operand_bits_that_no_slot_has_are_refused),
      T(copy_overwrites_and_keeps_the_source),
      T(copy_from_an_empty_slot_is_refused),
      T(copy_of_a_cnode_into_itself_nests_the_old_value),
      T(move_empties_the_source),
      T(move_from_an_empty_slot_or_into_itself_is_refused),
      T(drop_empties_also_an_empty_slot),
      T(swap_exchanges_also_with_an_empty_slot),
      T(mint_cnode_makes_a_fresh_empty_one),
      T(kind_of_is_zero_or_one_plus_the_selector),
      T(same_type_compares_chains),
      T(type_of_gives_the_chain),
      T(refusals_leave_slot_0_as_it_was),
      T(references_are_slots_like_any_other),
      T(absent_values_are_an_error_until_published),
      T(kind_of_an_absent_value_is_an_error_until_published),
  };
  return cmocka_run_group_tests_name("slots", tests, NULL, NULL);
}
