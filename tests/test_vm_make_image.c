/* make_image (operation 19): an Image from its serialized form in guest memory, and what may be baked into it. */
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

enum { AT = 0x10000, SIZE = 0x20000, DST = 7 };

/* The serialized form of a value. */
static uint8_t form[SIZE];
static size_t form_size;

static void encode(javm_cap *cap) {
  uint8_t *bytes;
  assert_int_equal(javm_cap_encode(g.dir, cap, &bytes, &form_size, &g.error), JAVM_OK);
  assert_true(form_size <= sizeof form);
  memcpy(form, bytes, form_size);
  javm_free_bytes(javm_dir_allocator(g.dir), bytes, form_size);
}

/* An Instance whose memory begins with the form, and that makes an Image of what its arguments say. */
#define MAKER ".mapping persistent 0x10000 131072 slot 1\n"
static javm_cap *maker(const char *text, const javm_slot_cap *slots) {
  javm_cap *data, *cnode = guest_cnode_of(&g, 8, slots), *instance;
  assert_int_equal(javm_data_new(g.dir, form, form_size, &data), JAVM_OK);
  cnode = guest_set(&g, cnode, 1, guest_own(&g, data));
  assert_int_equal(javm_instance_genesis(g.dir, guest_image(&g, text), cnode, &instance, &g.error), JAVM_OK);
  return guest_own(&g, instance);
}

static void make(const javm_slot_cap *slots) {
  guest_invoke(&g, maker(MAKER "ecalli 19\necalli 0\n", slots), 0, ARGS(AT, form_size, DST), GAS);
}

static void image_is_decoded_from_memory(void **state) {
  (void)state;
  javm_cap *image = guest_image(&g, ".endpoint 3 start\nstart:\n  load_imm a0, 5\n  ecalli 0\n");
  encode(image);
  make(NO_SLOTS);
  assert_halted(&g, AT);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), DST), image);
}

static void image_may_go_to_a_nested_slot(void **state) {
  (void)state;
  javm_cap *image = guest_image(&g, "ecalli 0\n");
  encode(image);
  guest_invoke(&g, maker(MAKER "ecalli 19\necalli 0\n", SLOTS({5, guest_cnode_of(&g, 4, NULL)})), 0,
               ARGS(AT, form_size, PATH1(5, 9)), GAS);
  assert_halted(&g, AT);
  assert_same_cap(&g, guest_cnode_slot(&g, guest_slot(&g, guest_post(&g), 5), 9), image);
}

static void made_image_can_be_spawned_and_called(void **state) {
  (void)state;
  encode(guest_image(&g, "add_64 a0, a0, a1\necalli 0\n"));
  javm_cap *instance =
      maker(MAKER "ecalli 19\nload_imm a0, 7\nload_imm a1, 6\nload_imm a2, 8\necalli 18\n"
                  "load_imm a0, 8\nload_imm a1, 0\nload_imm a2, 30\nload_imm a3, 12\necalli 26\necalli 0\n",
            SLOTS({6, guest_cnode_of(&g, 8, NULL)}));
  guest_invoke(&g, instance, 0, ARGS(AT, form_size, DST), GAS);
  assert_halted(&g, 42);
}

#define CARRIER ".pinned 3 data \"pin\"\n.initial 4 data \"first\"\necalli 0\n"

static void caps_that_the_maker_holds_may_be_baked_in(void **state) {
  (void)state;
  javm_cap *image = guest_image(&g, CARRIER);
  encode(image);
  make(SLOTS({200, guest_data(&g, "first")}, {255, guest_data(&g, "pin")}));
  assert_halted(&g, AT);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), DST), image);
}

static void cap_that_the_maker_does_not_hold_is_refused(void **state) {
  (void)state;
  javm_cap *image = guest_image(&g, CARRIER), *pin = guest_data(&g, "pin"), *first = guest_data(&g, "first");
  guest_put(&g, image); /* that the values are here is no right to them */
  encode(image);
  make(SLOTS({200, first}));
  assert_refused(&g, JAVM_REFUSAL_CAP_NOT_HELD, 19);
  make(SLOTS({200, pin}));
  assert_refused(&g, JAVM_REFUSAL_CAP_NOT_HELD, 19);
  make(SLOTS({200, first}, {5, guest_cnode_of(&g, 4, SLOTS({2, pin}))})); /* a root slot it must be */
  assert_refused(&g, JAVM_REFUSAL_CAP_NOT_HELD, 19);
  make(SLOTS({200, first}, {5, pin}, {0, pin}));
  assert_halted(&g, AT);
  assert_string_equal(javm_refusal_text(JAVM_REFUSAL_CAP_NOT_HELD),
                      "the image names a cap that the caller does not hold");
}

static void cap_held_by_its_hash_counts_and_must_be_here(void **state) {
  (void)state;
  javm_cap *image = guest_image(&g, CARRIER), *pin = guest_data(&g, "pin"), *first = guest_data(&g, "first");
  javm_hash missing = guest_hash(&g, pin);
  encode(image);
  javm_cap *instance = maker(MAKER "ecalli 19\necalli 0\n", SLOTS({200, first}, {5, guest_by_hash(&g, &missing)}));
  assert_int_equal(guest_try(&g, instance, 0, ARGS(AT, form_size, DST), GAS), JAVM_VALUE_NOT_FOUND);
  assert_same_hash(g.error.hash, missing);
  guest_put(&g, pin);
  guest_invoke(&g, instance, 0, ARGS(AT, form_size, DST), GAS);
  assert_halted(&g, AT);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), DST), image);
}

static void made_image_refers_to_what_the_maker_holds(void **state) {
  (void)state;
  /* nothing is published but the Instance's root: the pinned Data is found through the slot */
  encode(guest_image(&g, CARRIER));
  javm_cap *instance =
      maker(MAKER "ecalli 19\nload_imm a0, 7\nload_imm a1, 6\nload_imm a2, 8\necalli 18\necalli 0\n",
            SLOTS({6, guest_cnode_of(&g, 8, NULL)}, {20, guest_data(&g, "pin")}, {21, guest_data(&g, "first")}));
  guest_invoke(&g, instance, 0, ARGS(AT, form_size, DST), GAS);
  assert_halted(&g, DST);
  javm_cap *child = guest_slot(&g, guest_post(&g), 8);
  assert_same_cap(&g, guest_slot(&g, child, 3), guest_data(&g, "pin"));
  assert_same_cap(&g, guest_slot(&g, child, 4), guest_data(&g, "first"));
}

static void refused(javm_refusal why) {
  javm_cap *x = guest_data(&g, "x");
  make(SLOTS({0, x}, {DST, x}));
  assert_refused(&g, why, 19);
  assert_same_cap(&g, g.result.slot0, x);
}

static void what_is_no_image_is_refused(void **state) {
  (void)state;
  encode(guest_data(&g, "x"));
  refused(JAVM_REFUSAL_INVALID_IMAGE);
  encode(guest_instance(&g, guest_image(&g, "ecalli 0\n"), NULL));
  refused(JAVM_REFUSAL_INVALID_IMAGE);
  form_size = 0;
  refused(JAVM_REFUSAL_INVALID_IMAGE);
}

static void malformed_image_is_refused_wherever_it_is_cut(void **state) {
  (void)state;
  encode(guest_image(&g, ".endpoint 1 start\n.mapping ephemeral 0x10000 4096\n.gas_slot 4\nstart:\n  ecalli 0\n"));
  size_t whole = form_size;
  for (form_size = 0; form_size < whole; form_size++) refused(JAVM_REFUSAL_INVALID_IMAGE);
  form[form_size++] = 0;
  refused(JAVM_REFUSAL_INVALID_IMAGE);
}

static void invalid_image_is_refused(void **state) {
  (void)state;
  encode(guest_image(&g, ".unchecked\n.endpoint 0 1\nload_imm a0, 5\necalli 0\n")); /* no block starts there */
  refused(JAVM_REFUSAL_INVALID_IMAGE);
  encode(guest_image(&g, "ecalli 0\n"));
  javm_cap *held = guest_cnode_of(&g, 2, NULL);
  javm_hash hash = guest_hash(&g, held);
  char text[200], *at = text + sprintf(text, ".unchecked\n.pinned 3 hash 0x");
  for (int i = 0; i < JAVM_HASH_BYTES; i++) at += sprintf(at, "%02x", hash.bytes[i]);
  strcpy(at, "\necalli 0\n");
  encode(guest_image(&g, text)); /* held, but it can't be pinned */
  make(SLOTS({5, held}));
  assert_refused(&g, JAVM_REFUSAL_INVALID_IMAGE, 19);
}

static void memory_must_be_accessible_and_in_range(void **state) {
  (void)state;
  encode(guest_image(&g, "ecalli 0\n"));
  javm_cap *instance = maker(MAKER "ecalli 19\necalli 0\n", SLOTS({9, guest_data(&g, "x")}));
  const struct {
    uint64_t args[4];
    javm_refusal why;
  } cases[] = {
      {{0x30000 - 8, 16, DST}, JAVM_REFUSAL_MEMORY},
      {{0xfff0, form_size, DST}, JAVM_REFUSAL_MEMORY},
      {{UINT64_C(1) << 32, form_size, DST}, JAVM_REFUSAL_ARGUMENT},
      {{AT, (UINT64_C(1) << 32) + 1, DST}, JAVM_REFUSAL_ARGUMENT},
      {{AT, UINT64_MAX, DST}, JAVM_REFUSAL_ARGUMENT},
      {{AT, UINT64_C(1) << 32, DST}, JAVM_REFUSAL_INVALID_IMAGE}, /* no Image is that long: it is not looked at */
      {{AT, form_size, PATH1(9, 1)}, JAVM_REFUSAL_SLOT_OPERAND},
      {{AT, form_size, PATH1(10, 1)}, JAVM_REFUSAL_SLOT_OPERAND},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    guest_invoke(&g, instance, 0, cases[i].args, GAS);
    assert_refused(&g, cases[i].why, 19);
  }
  instance = maker(MAKER ".pinned 7 data \"pin\"\necalli 19\necalli 0\n", NO_SLOTS);
  guest_invoke(&g, instance, 0, ARGS(AT, form_size, DST), GAS);
  assert_refused(&g, JAVM_REFUSAL_PINNED_SLOT, 19);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(image_is_decoded_from_memory),
      T(image_may_go_to_a_nested_slot),
      T(made_image_can_be_spawned_and_called),
      T(caps_that_the_maker_holds_may_be_baked_in),
      T(cap_that_the_maker_does_not_hold_is_refused),
      T(cap_held_by_its_hash_counts_and_must_be_here),
      T(made_image_refers_to_what_the_maker_holds),
      T(what_is_no_image_is_refused),
      T(malformed_image_is_refused_wherever_it_is_cut),
      T(invalid_image_is_refused),
      T(memory_must_be_accessible_and_in_range),
  };
  return cmocka_run_group_tests_name("make_image", tests, NULL, NULL);
}
