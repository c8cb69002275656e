/*
 * The ecall interface (5-abi.md) but for slots, calls, yields and quotas: how operations are reached and refused, and
 * 0, 17, 18, 22, 35, 36.
 */
#include <sodium.h>
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

static void run(unsigned operation, const javm_slot_cap *slots, const uint64_t args[4]) {
  guest_invoke(&g, guest_instance(&g, guest_operation(&g, operation), slots), 0, args, GAS);
}

static void run_image(const char *text, const javm_slot_cap *slots, const uint64_t args[4]) {
  guest_invoke(&g, guest_instance(&g, guest_image(&g, text), slots), 0, args, GAS);
}

/* H(chain || image) */
static javm_hash chain_after(javm_hash chain, javm_cap *image) {
  uint8_t both[2 * JAVM_HASH_BYTES];
  javm_hash hash = guest_hash(&g, image), out;
  memcpy(both, chain.bytes, JAVM_HASH_BYTES);
  memcpy(both + JAVM_HASH_BYTES, hash.bytes, JAVM_HASH_BYTES);
  assert_int_equal(crypto_generichash(out.bytes, sizeof out.bytes, both, sizeof both, NULL, 0), 0);
  return out;
}

/* ---- reaching an operation ---- */

static void ecalli_carries_the_operation(void **state) {
  (void)state;
  run(36, NO_SLOTS, NO_ARGS);
  assert_halted(&g, GAS - 1);
}

static void ecall_takes_the_operation_from_a4(void **state) {
  (void)state;
  run_image("load_imm a4, 36\necall\nload_imm a4, 0\necall\n", NO_SLOTS, NO_ARGS);
  assert_halted(&g, GAS - 2);
}

static void numbers_not_listed_are_refused(void **state) {
  (void)state;
  const unsigned numbers[] = {6, 7, 15, 38, 63};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    run(numbers[i], NO_SLOTS, NO_ARGS);
    assert_refused(&g, JAVM_REFUSAL_UNKNOWN_OPERATION, numbers[i]);
  }
  run_image("load_imm_64 a4, 0x100000000\necall\n", NO_SLOTS, NO_ARGS);
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_int_equal(g.result.refusal, JAVM_REFUSAL_UNKNOWN_OPERATION);
}

static void refusal_traps_at_the_ecall_and_says_which_and_why(void **state) {
  (void)state;
  run_image("load_imm a1, 5\necalli 1\necalli 0\n", NO_SLOTS, ARGS(3));
  assert_refused(&g, JAVM_REFUSAL_EMPTY_SLOT, 1);
  assert_int_equal(g.result.pc, 3);
  assert_int_equal(g.result.gas_used, 2);
}

static void refusal_is_not_remembered(void **state) {
  (void)state;
  run(6, NO_SLOTS, NO_ARGS);
  assert_refused(&g, JAVM_REFUSAL_UNKNOWN_OPERATION, 6);
  run_image("trap\n", NO_SLOTS, NO_ARGS);
  assert_refused(&g, JAVM_REFUSAL_NONE, 0);
}

/* ---- 0, 36 ---- */

static void reply_halts_with_a0(void **state) {
  (void)state;
  run_image("ecalli 0\ntrap\n", NO_SLOTS, ARGS(UINT64_MAX));
  assert_halted(&g, UINT64_MAX);
}

static void gas_left_is_the_counter(void **state) {
  (void)state;
  for (int model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_INSTRUCTION; model++) {
    g.config.gas_model = (javm_gas_model)model;
    guest_vm(&g);
    run_image("ecalli 36\nmove_reg s0, a0\necalli 36\nsub_64 a0, s0, a0\necalli 0\n", NO_SLOTS, NO_ARGS);
    assert_int_equal(g.result.kind, JAVM_RESULT_HALT);
    assert_in_range(g.result.return_value, 1, 1000); /* the block between the two */
    assert_in_range(g.result.gas_used, g.result.return_value, 5000);
  }
}

/* ---- 17: set_image ---- */

/* The old Image takes over the new one from slot 5 and the two have the same instructions up to there. */
#define OLD "ecalli 17\nload_imm a0, 1\necalli 0\n"
#define NEW "ecalli 17\nload_imm a0, 2\necalli 0\n"

static void set_image_extends_the_chain_and_takes_over_in_the_frame(void **state) {
  (void)state;
  javm_cap *old = guest_image(&g, OLD), *new = guest_image(&g, NEW);
  javm_cap *before = guest_instance(&g, old, SLOTS({5, new}));
  guest_invoke(&g, before, 0, ARGS(5, 6, 7, 8), 50);
  assert_halted(&g, 2);
  javm_instance_spec spec = guest_view(&g, before);
  spec.image_hash_chain = chain_after(spec.image_hash_chain, new);
  spec.image = new;
  uint64_t regs[] = {2, 6, 7, 8};
  memcpy(&spec.regs[7], regs, sizeof regs);
  spec.pc = g.result.pc;
  spec.gas_remaining = 47;
  assert_same_hash(g.result.instance, guest_hash(&g, guest_make(&g, &spec)));
}

static void set_image_extends_the_chain_each_time(void **state) {
  (void)state;
  javm_cap *image = guest_image(&g, "ecalli 17\nmove_reg a0, a1\necalli 17\necalli 0\n");
  javm_cap *other = guest_image(&g, "ecalli 17\nmove_reg a0, a1\necalli 17\nload_imm a0, 3\necalli 0\n");
  javm_cap *before = guest_instance(&g, image, SLOTS({5, image}, {6, other}));
  guest_invoke(&g, before, 0, ARGS(5, 6), GAS);
  assert_halted(&g, 3);
  javm_hash chain = chain_after(chain_after(guest_hash(&g, image), image), other);
  assert_same_hash(guest_view(&g, guest_post(&g)).image_hash_chain, chain);
}

static void set_image_swaps_pinned_slots(void **state) {
  (void)state;
  javm_cap *old = guest_image(&g, ".pinned 1 data \"one\"\n.pinned 2 data \"two\"\n" OLD);
  javm_cap *new = guest_image(&g, ".pinned 2 data \"new two\"\n.pinned 3 data \"three\"\n" NEW);
  guest_invoke(&g, guest_instance(&g, old, SLOTS({5, new})), 0, ARGS(5), GAS);
  assert_halted(&g, 2);
  javm_cap *after = guest_post(&g);
  assert_null(guest_slot(&g, after, 1));
  assert_same_cap(&g, guest_slot(&g, after, 2), guest_data(&g, "new two"));
  assert_same_cap(&g, guest_slot(&g, after, 3), guest_data(&g, "three"));
  assert_same_cap(&g, guest_slot(&g, after, 5), new);
}

static void set_image_is_refused_if_a_newly_pinned_slot_is_occupied(void **state) {
  (void)state;
  javm_cap *new = guest_image(&g, ".pinned 3 data \"three\"\n" NEW);
  javm_cap *x = guest_data(&g, "x");
  guest_invoke(&g, guest_instance(&g, guest_image(&g, OLD), SLOTS({0, x}, {3, x}, {5, new})), 0, ARGS(5), GAS);
  assert_refused(&g, JAVM_REFUSAL_OCCUPIED_SLOT, 17);
  assert_same_cap(&g, g.result.slot0, x);
  new = guest_image(&g, ".pinned 5 data \"three\"\n" NEW); /* its own slot */
  guest_invoke(&g, guest_instance(&g, guest_image(&g, OLD), SLOTS({5, new})), 0, ARGS(5), GAS);
  assert_refused(&g, JAVM_REFUSAL_OCCUPIED_SLOT, 17);
}

static void set_image_pins_from_then_on(void **state) {
  (void)state;
  /* After set_image: drop the slot in a1. */
  const char *code = "ecalli 17\nmove_reg a0, a1\necalli 3\necalli 0\n";
  char text[200];
  snprintf(text, sizeof text, ".pinned 1 data \"one\"\n%s", code);
  javm_cap *old = guest_image(&g, text);
  snprintf(text, sizeof text, ".pinned 3 data \"three\"\n%s", code);
  javm_cap *instance = guest_instance(&g, old, SLOTS({5, guest_image(&g, text)}));
  guest_invoke(&g, instance, 0, ARGS(5, 3), GAS);
  assert_refused(&g, JAVM_REFUSAL_PINNED_SLOT, 3);
  guest_invoke(&g, instance, 0, ARGS(5, 1), GAS); /* no longer pinned */
  assert_halted(&g, 1);
}

static void set_image_needs_a_block_start_after_the_ecall(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x");
  javm_cap *new = guest_image(&g, "load_imm_64 a0, 0x123456789\necalli 0\n"); /* pc 2 is in its first instruction */
  guest_invoke(&g, guest_instance(&g, guest_image(&g, OLD), SLOTS({0, x}, {5, new})), 0, ARGS(5), GAS);
  assert_refused(&g, JAVM_REFUSAL_NOT_BLOCK_START, 17);
  assert_same_cap(&g, g.result.slot0, x);
  new = guest_image(&g, "load_imm a0, 4\n ecalli 0\n"); /* of 3 bytes: 2 is no instruction */
  guest_invoke(&g, guest_instance(&g, guest_image(&g, OLD), SLOTS({5, new})), 0, ARGS(5), GAS);
  assert_refused(&g, JAVM_REFUSAL_NOT_BLOCK_START, 17);
  new = guest_image(&g, "ecalli 0\n"); /* it is shorter */
  guest_invoke(&g, guest_instance(&g, guest_image(&g, OLD), SLOTS({5, new})), 0, ARGS(5), GAS);
  assert_refused(&g, JAVM_REFUSAL_NOT_BLOCK_START, 17);
}

static void set_image_needs_a_valid_image(void **state) {
  (void)state;
  javm_cap *bad = guest_image(&g, ".unchecked\n.endpoint 0 1\n" NEW);
  javm_cap *image = guest_image(&g, OLD);
  guest_invoke(&g, guest_instance(&g, image, SLOTS({5, bad})), 0, ARGS(5), GAS);
  assert_refused(&g, JAVM_REFUSAL_INVALID_IMAGE, 17);
  guest_invoke(&g, guest_instance(&g, image, SLOTS({5, guest_data(&g, "x")})), 0, ARGS(5), GAS);
  assert_refused(&g, JAVM_REFUSAL_WRONG_KIND, 17);
  guest_invoke(&g, guest_instance(&g, image, NO_SLOTS), 0, ARGS(5), GAS);
  assert_refused(&g, JAVM_REFUSAL_EMPTY_SLOT, 17);
}

static void memory_map_of_the_new_image_holds_from_the_next_call(void **state) {
  (void)state;
#define STORE "ecalli 17\nstore_u64 a0, [0x10000]\nload_u64 a0, [0x10000]\necalli 0\n"
  javm_cap *old = guest_image(&g, ".mapping persistent 0x10000 4096 slot 7\n" STORE);
  javm_cap *new =
      guest_image(&g, ".mapping persistent 0x20000 4096 slot 8\n.endpoint 1 next\n" STORE
                      "next:\n  load_u64 a0, [0x20000]\n  load_u64 a1, [0x10000]\n  add_64 a0, a0, a1\n  ecalli 0\n");
  guest_invoke(&g, guest_instance(&g, old, SLOTS({5, new}, {8, guest_data(&g, "\x7")})), 0, ARGS(5), GAS);
  assert_halted(&g, 5);
  javm_cap *after = guest_post(&g);
  assert_int_equal(guest_view(&g, after).overlay_count, 1);
  guest_invoke(&g, after, 1, NO_ARGS, GAS); /* the old mapping's overlay is there as an overlay */
  assert_halted(&g, 12);
  assert_int_equal(guest_view(&g, guest_post(&g)).overlay_count, 2);
  assert_int_equal(guest_try(&g, after, 0, NO_ARGS, GAS), JAVM_ENDPOINT_OUT_OF_RANGE);
}

/* What the block that starts at pc costs. */
static uint64_t block_cost(javm_cap *image, uint32_t pc) {
  javm_image_spec view;
  javm_program_config config;
  javm_program *program;
  assert_int_equal(javm_image_view(g.dir, image, &view), JAVM_OK);
  javm_program_config_default(&config);
  config.gas_model = g.config.gas_model;
  assert_int_equal(javm_program_new(&view.code, &config, &program, NULL), JAVM_OK);
  uint64_t found = 0;
  for (size_t i = 0; i < javm_program_block_count(program); i++) {
    uint32_t at, cost;
    javm_program_block(program, i, &at, &cost);
    if (at == pc) found = cost;
  }
  javm_program_release(program);
  return found;
}

static void block_after_set_image_is_paid_as_the_new_programs(void **state) {
  (void)state;
  for (int model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_INSTRUCTION; model++) {
    g.config.gas_model = (javm_gas_model)model;
    guest_vm(&g);
    javm_cap *image = guest_image(&g, OLD);
    javm_cap *longer = guest_image(&g, "ecalli 17\nload_imm a0, 2\nload_imm a1, 2\nmul_64 a0, a0, a1\n"
                                       "mul_64 a0, a0, a1\nmul_64 a0, a0, a1\nmul_64 a0, a0, a1\necalli 0\n");
    assert_int_not_equal(block_cost(image, 2), block_cost(longer, 2));
    guest_invoke(&g, guest_instance(&g, image, SLOTS({5, image})), 0, ARGS(5), GAS);
    assert_halted(&g, 1);
    assert_int_equal(g.result.gas_used, block_cost(image, 0) + block_cost(image, 2));
    guest_invoke(&g, guest_instance(&g, image, SLOTS({5, longer})), 0, ARGS(5), GAS);
    assert_halted(&g, 32);
    assert_int_equal(g.result.gas_used, block_cost(image, 0) + block_cost(longer, 2));
  }
}

/* ---- 18: derive_spawn ---- */

static void derive_spawn_makes_an_instance_with_the_extended_chain(void **state) {
  (void)state;
  javm_cap *child =
      guest_image(&g, ".pinned 1 data \"pin\"\n.initial 2 data \"first\"\n.initial 3 data \"second\"\necalli 0\n");
  javm_cap *x = guest_data(&g, "x"), *image = guest_operation(&g, 18);
  javm_cap *cnode = guest_cnode_of(&g, 8, SLOTS({3, x}, {200, x}));
  guest_invoke(&g, guest_instance(&g, image, SLOTS({5, child}, {6, cnode})), 0, ARGS(5, 6, 7), GAS);
  assert_halted(&g, 5);
  javm_cap *after = guest_post(&g);
  javm_instance_spec spec;
  javm_instance_spec_init(&spec);
  spec.image_hash_chain = chain_after(guest_hash(&g, image), child);
  spec.image = child;
  spec.root_cnode =
      guest_cnode_of(&g, 8, SLOTS({1, guest_data(&g, "pin")}, {2, guest_data(&g, "first")}, {3, x}, {200, x}));
  assert_same_cap(&g, guest_slot(&g, after, 7), guest_make(&g, &spec));
  assert_null(guest_slot(&g, after, 6)); /* consumed */
  assert_same_cap(&g, guest_slot(&g, after, 5), child);
  assert_same_hash(guest_view(&g, after).image_hash_chain, guest_hash(&g, image));
}

static void derive_spawn_overlays_pinned_slots_also_where_something_is(void **state) {
  (void)state;
  javm_cap *child = guest_image(&g, ".pinned 1 data \"pin\"\necalli 0\n");
  javm_cap *cnode = guest_cnode_of(&g, 8, SLOTS({1, guest_data(&g, "x")}));
  run(18, SLOTS({5, child}, {6, cnode}), ARGS(5, 6, 6)); /* to the slot that is emptied */
  assert_halted(&g, 5);
  assert_same_cap(&g, guest_slot(&g, guest_slot(&g, guest_post(&g), 6), 1), guest_data(&g, "pin"));
}

static void derive_spawn_checks_its_operands(void **state) {
  (void)state;
  javm_cap *child = guest_image(&g, "ecalli 0\n"), *empty = guest_cnode_of(&g, 8, NULL), *x = guest_data(&g, "x");
  javm_cap *bad = guest_image(&g, ".unchecked\n.endpoint 0 1\necalli 5\necalli 0\n");
  const javm_slot_cap *slots = SLOTS({0, empty}, {2, guest_cnode_of(&g, 9, NULL)}, {3, bad}, {5, child}, {6, x});
  const struct {
    uint64_t args[4];
    javm_refusal why;
  } refused[] = {
      {{1, 0, 7}, JAVM_REFUSAL_EMPTY_SLOT},
      {{5, 1, 7}, JAVM_REFUSAL_EMPTY_SLOT},
      {{6, 0, 7}, JAVM_REFUSAL_WRONG_KIND},
      {{5, 6, 7}, JAVM_REFUSAL_WRONG_KIND},
      {{5, 2, 7}, JAVM_REFUSAL_ARGUMENT},
      {{3, 0, 7}, JAVM_REFUSAL_INVALID_IMAGE},
      {{5, 0, PATH1(6, 0)}, JAVM_REFUSAL_SLOT_OPERAND},
      {{5, 0, PATH1(0, 1)}, JAVM_REFUSAL_SLOT_OPERAND},
  };
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    run(18, slots, refused[i].args);
    assert_refused(&g, refused[i].why, 18);
    assert_same_cap(&g, g.result.slot0, empty); /* not consumed */
  }
}

static void spawned_instance_can_be_called(void **state) {
  (void)state;
  javm_cap *child = guest_image(&g, "add_64 a0, a0, a1\necalli 0\n");
  run_image("ecalli 18\nload_imm a0, 7\nload_imm a1, 0\nload_imm a2, 30\nload_imm a3, 12\necalli 26\necalli 0\n",
            SLOTS({5, child}, {6, guest_cnode_of(&g, 8, NULL)}), ARGS(5, 6, 7));
  assert_halted(&g, 42);
}

/* ---- 22: read_data ---- */

#define READ                                                                                                           \
  ".mapping ephemeral 0x10000 8192\n.mapping persistent 0x20000 4096 slot 9\n.pinned 9 data \"ro\"\n"                  \
  "load_imm_64 s0, 0xffffffffffffffff\nstore_u64 s0, [0x10ffc]\nstore_u64 s0, [0x11004]\necalli 22\nmove_reg s1, a0\n" \
  "load_u64 a0, [0x10ffc]\nload_u64 a1, [0x11004]\nload_u64 a2, [0x10000]\necalli 0\n"

static void reads(uint64_t offset, uint64_t address, uint64_t length, uint64_t copied) {
  javm_cap *data = guest_pages(&g, 2, 5);
  run_image(READ, SLOTS({1, data}), ARGS(1, address, length, offset));
  assert_int_equal(g.result.kind, JAVM_RESULT_HALT);
  assert_int_equal(guest_view(&g, guest_post(&g)).regs[6], copied);
}

static void read_data_copies_and_counts(void **state) {
  (void)state;
  reads(4090, 0x10ffe, 8, 8); /* across pages on both sides */
  assert_int_equal(g.result.return_value, UINT64_C(0x050505050505ffff));
  assert_int_equal(guest_view(&g, guest_post(&g)).regs[8], UINT64_C(0xffffffffffff0606));
}

static void read_data_stops_at_the_datas_end(void **state) {
  (void)state;
  reads(8190, 0x10ffc, 100, 2);
  assert_int_equal(g.result.return_value, UINT64_C(0xffffffffffff0606));
  reads(0, 0x10000, UINT64_MAX, 8192);
  reads(8192, 0x10ffc, 100, 0);
  reads(UINT64_MAX, 0x10ffc, UINT64_MAX, 0);
  reads(0, 0xdead0000, 0, 0); /* nothing is copied: the address does not matter */
}

static void read_data_needs_writable_memory_and_changes_nothing_without(void **state) {
  (void)state;
  const uint64_t addresses[] = {0x20000, 0x11ffc, 0xfffc, 0xffffffff, UINT64_C(0x100010000)};
  for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
    run_image(READ, SLOTS({1, guest_pages(&g, 2, 5)}), ARGS(1, addresses[i], 16));
    assert_refused(&g, addresses[i] > UINT32_MAX ? JAVM_REFUSAL_ARGUMENT : JAVM_REFUSAL_MEMORY, 22);
    assert_int_equal(g.result.dirty_page_count, 2); /* those of the stores before */
  }
  run_image(READ, SLOTS({1, guest_cnode_of(&g, 1, NULL)}), ARGS(1, 0x10000, 16));
  assert_refused(&g, JAVM_REFUSAL_WRONG_KIND, 22);
}

static void read_data_of_an_absent_page_is_an_error_until_published(void **state) {
  (void)state;
  javm_cap *data = guest_pages(&g, 2, 5), *bare;
  uint8_t *bytes;
  size_t size;
  assert_int_equal(javm_cap_encode(g.dir, data, &bytes, &size, &g.error), JAVM_OK);
  assert_int_equal(javm_cap_decode(g.dir, bytes, size, &bare, &g.error), JAVM_OK);
  javm_free_bytes(javm_dir_allocator(g.dir), bytes, size);
  javm_cap *instance = guest_instance(&g, guest_image(&g, READ), SLOTS({1, guest_own(&g, bare)}));
  uint8_t page[JAVM_PAGE_BYTES];
  for (int i = 0; i < 2; i++) {
    javm_hash expected;
    assert_int_equal(guest_try(&g, instance, 0, ARGS(1, 0x10ffe, 8, 4090), GAS), JAVM_VALUE_NOT_FOUND);
    memset(page, 5 + i, sizeof page);
    javm_hash missing = g.error.hash;
    assert_int_equal(javm_dir_put_page(g.dir, page, &expected), JAVM_OK);
    assert_same_hash(missing, expected);
  }
  guest_invoke(&g, instance, 0, ARGS(1, 0x10ffe, 8, 4090), GAS);
  assert_halted(&g, UINT64_C(0x050505050505ffff));
}

/* ---- 35: emit ---- */

static void emits_are_returned_at_a_halt_in_order(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x"), *y = guest_data(&g, "y");
  run_image("ecalli 35\nmove_reg a0, a1\necalli 35\necalli 35\necalli 0\n", SLOTS({1, x}, {2, y}), ARGS(1, 2));
  assert_halted(&g, 2);
  assert_int_equal(g.result.emit_count, 3);
  assert_same_cap(&g, g.result.emits[0], x);
  assert_same_cap(&g, g.result.emits[1], y);
  assert_same_cap(&g, g.result.emits[2], y);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 1), x); /* a copy was emitted */
}

static void emits_are_dropped_at_a_fault(void **state) {
  (void)state;
  run_image("ecalli 35\ntrap\n", SLOTS({1, guest_data(&g, "x")}), ARGS(1));
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_int_equal(g.result.emit_count, 0);
}

static void emit_of_an_empty_slot_is_refused(void **state) {
  (void)state;
  run(35, NO_SLOTS, ARGS(1));
  assert_refused(&g, JAVM_REFUSAL_EMPTY_SLOT, 35);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(ecalli_carries_the_operation),
      T(ecall_takes_the_operation_from_a4),
      T(numbers_not_listed_are_refused),
      T(refusal_traps_at_the_ecall_and_says_which_and_why),
      T(refusal_is_not_remembered),
      T(reply_halts_with_a0),
      T(gas_left_is_the_counter),
      T(set_image_extends_the_chain_and_takes_over_in_the_frame),
      T(set_image_extends_the_chain_each_time),
      T(set_image_swaps_pinned_slots),
      T(set_image_is_refused_if_a_newly_pinned_slot_is_occupied),
      T(set_image_pins_from_then_on),
      T(set_image_needs_a_block_start_after_the_ecall),
      T(set_image_needs_a_valid_image),
      T(memory_map_of_the_new_image_holds_from_the_next_call),
      T(block_after_set_image_is_paid_as_the_new_programs),
      T(derive_spawn_makes_an_instance_with_the_extended_chain),
      T(derive_spawn_overlays_pinned_slots_also_where_something_is),
      T(derive_spawn_checks_its_operands),
      T(spawned_instance_can_be_called),
      T(read_data_copies_and_counts),
      T(read_data_stops_at_the_datas_end),
      T(read_data_needs_writable_memory_and_changes_nothing_without),
      T(read_data_of_an_absent_page_is_an_error_until_published),
      T(emits_are_returned_at_a_halt_in_order),
      T(emits_are_dropped_at_a_fault),
      T(emit_of_an_empty_slot_is_refused),
  };
  return cmocka_run_group_tests_name("operations", tests, NULL, NULL);
}
