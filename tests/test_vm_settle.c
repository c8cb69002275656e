/*
 * Settling (3-values.md 3.4, 4-vm.md 4.4): what is published, that it is the same each time, and running with values
 * partly absent.
 */
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

#define COUNTER                                                                                                        \
  ".mapping persistent 0x10000 8192 slot 1\nload_u64 a1, [0x10000]\nadd_64 a1, a1, a0\n"                               \
  "store_u64 a1, [0x10000]\nmove_reg a0, a1\necalli 0\n"
#define CALL "ecalli 26\necalli 0\n"
/* Makes a CNode of 16 in slot 10, one of 512 in 10/2, copies slot 3 to 10/5, its Type to slot 12; calls slot 3 twice;
 * stores to its own memory; emits. 10/2 is the operand 0x030a, 10/5 is 0x060a. */
#define BUSY                                                                                                           \
  ".mapping persistent 0x20000 16384 slot 2\n"                                                                         \
  "load_imm a0, 10\nload_imm a1, 4\necalli 5\nload_imm a0, 0x30a\nload_imm a1, 9\necalli 5\n"                          \
  "load_imm a0, 3\nload_imm a1, 0x60a\necalli 1\nload_imm a0, 3\nload_imm a1, 12\necalli 21\n"                         \
  "load_imm a0, 3\nload_imm a1, 0\nload_imm a2, 5\necalli 26\n"                                                        \
  "load_imm a0, 3\nload_imm a1, 0\nload_imm a2, 6\necalli 26\n"                                                        \
  "store_u64 a0, [0x22ffc]\nload_imm a0, 12\necalli 35\nload_imm a0, 99\necalli 0\n"

static javm_cap *busy(guest *w) {
  javm_cap *child = guest_instance(w, guest_image(w, COUNTER), SLOTS({1, guest_pages(w, 2, 7)}));
  return guest_instance(w, guest_image(w, BUSY), SLOTS({2, guest_pages(w, 1, 3)}, {3, child}));
}

static void post_instance_and_all_below_is_found_by_hash(void **state) {
  (void)state;
  guest_invoke(&g, busy(&g), 0, NO_ARGS, GAS);
  assert_halted(&g, 99);
  /* Whatever its bundle holds runs in a directory of its own to the same end. */
  uint8_t *bytes;
  size_t size;
  javm_cap *post = guest_post(&g), *arrived;
  assert_int_equal(javm_bundle_encode(g.dir, post, &bytes, &size, &g.error), JAVM_OK);
  guest other;
  guest_open(&other);
  assert_int_equal(javm_bundle_decode(other.dir, bytes, size, &arrived, &other.error), JAVM_OK);
  guest_own(&other, arrived);
  javm_free_bytes(javm_dir_allocator(g.dir), bytes, size);
  assert_same_hash(guest_hash(&other, arrived), g.result.instance);
  assert_int_equal(guest_word(&other, guest_slot(&other, arrived, 3), 0x10000), UINT64_C(0x0707070707070707) + 11);
  guest_invoke(&other, arrived, 0, NO_ARGS, GAS);
  guest_invoke(&g, post, 0, NO_ARGS, GAS);
  assert_halted(&other, 99);
  assert_same_hash(other.result.instance, g.result.instance);
  assert_int_equal(other.result.gas_used, g.result.gas_used);
  guest_close(&other);
}

static void the_same_invoke_gives_the_same_hash_and_gas(void **state) {
  for (int model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_INSTRUCTION; model++) {
    javm_hash hash[3];
    uint64_t gas[3];
    for (int i = 0; i < 3; i++) {
      if (i != 1) { /* the second in the same VM, the third in another world */
        teardown(state);
        setup(state);
        g.config.gas_model = (javm_gas_model)model;
        guest_vm(&g);
      }
      guest_invoke(&g, busy(&g), 0, NO_ARGS, GAS);
      assert_halted(&g, 99);
      hash[i] = g.result.instance;
      gas[i] = g.result.gas_used;
    }
    for (int i = 1; i < 3; i++) {
      assert_same_hash(hash[i], hash[0]);
      assert_int_equal(gas[i], gas[0]);
    }
  }
}

static void failed_invoke_publishes_nothing(void **state) {
  (void)state;
  javm_hash missing = guest_hash(&g, guest_cnode_of(&g, 1, NULL));
  javm_cap *a = guest_instance(&g, guest_image(&g, "ecalli 5\nload_imm a0, 4\necalli 37\n"),
                               SLOTS({4, guest_by_hash(&g, &missing)}));
  guest_put(&g, a);
  size_t before = javm_dir_count(g.dir);
  assert_int_equal(guest_try(&g, a, 0, ARGS(3, 5), GAS), JAVM_VALUE_NOT_FOUND);
  assert_int_equal(javm_dir_count(g.dir), before);
}

/* Gives every handle of the test back. */
static void let_go(void) {
  guest_fresh(&g);
  for (size_t i = 0; i < g.owned_count; i++) javm_cap_release(g.dir, g.owned[i]);
  g.owned_count = 0;
}

static void sweep_keeps_the_post_instance(void **state) {
  (void)state;
  guest_invoke(&g, guest_instance(&g, guest_image(&g, COUNTER), NO_SLOTS), 0, ARGS(5), GAS);
  javm_hash hash = g.result.instance;
  size_t removed;
  let_go();
  guest_vm(&g);
  assert_int_equal(javm_dir_sweep(g.dir, &hash, 1, &removed), JAVM_OK);
  assert_true(removed > 0);
  for (int i = 2; i < 5; i++) {
    assert_int_equal(javm_vm_invoke(g.vm, &hash, 0, ARGS(5), GAS, guest_fresh(&g), &g.error), JAVM_OK);
    assert_halted(&g, 5 * i);
    hash = g.result.instance;
    assert_int_equal(javm_dir_sweep(g.dir, &hash, 1, &removed), JAVM_OK);
    assert_true(removed > 0);
  }
}

static void entries_of_a_vm_hold_what_they_run_through_a_sweep(void **state) {
  (void)state;
  javm_cap *marker = guest_data(&g, "m");
  javm_hash key = guest_hash(&g, marker);
  javm_cap *child = guest_instance(&g, guest_image(&g, "load_imm a0, 4\necalli 16\n" COUNTER),
                                   SLOTS({1, guest_pages(&g, 2, 7)}, {4, marker}));
  javm_cap *a = guest_instance(&g, guest_image(&g, ".yield_marker_slot 8\n" CALL),
                               SLOTS({3, child}, {8, guest_catcher(&g, 1, &key)}));
  guest_invoke(&g, a, 0, ARGS(3), GAS);
  assert_paused(&g, JAVM_PAUSE_YIELD);
  let_go();
  assert_int_equal(javm_dir_sweep(g.dir, NULL, 0, NULL), JAVM_OK);
  guest_resume(&g, NULL);
  assert_halted(&g, UINT64_C(0x0707070707070707) + 4);
  javm_cap *post = guest_post(&g);
  assert_int_equal(guest_word(&g, guest_slot(&g, post, 3), 0x10000), UINT64_C(0x0707070707070707) + 4);
}

static void deeply_nested_values_settle_and_go(void **state) {
  (void)state;
  enum { LEVELS = 30000 };
  /* slot 5 := a CNode with the old slot 5 in it, again and again */
  javm_cap *a =
      guest_instance(&g,
                     guest_image(&g, "move_reg s0, a0\nload_imm a0, 5\nload_imm a1, 1\necalli 5\nfallthrough\n"
                                     "again:\n  load_imm a0, 5\n  load_imm_64 a1, 0x105\n  ecalli 1\n"
                                     "add_imm_64 s0, s0, -1\n  branch_ne_imm s0, 0, again\necalli 0\n"),
                     NO_SLOTS);
  guest_invoke(&g, a, 0, ARGS(LEVELS), GAS);
  assert_int_equal(g.result.kind, JAVM_RESULT_HALT);
  javm_cap *inner = guest_slot(&g, guest_post(&g), 5);
  for (int i = 0; i < 100; i++) inner = guest_cnode_slot(&g, inner, 0);
  assert_int_equal(javm_cap_kind(inner), JAVM_KIND_CNODE);
  guest_invoke(&g, a, 0, ARGS(LEVELS), 5 * LEVELS); /* and the same at a fault */
  assert_faulted(&g, JAVM_EXIT_OUT_OF_GAS);
}

static void wide_writes_give_what_building_at_once_gives(void **state) {
  (void)state;
  /* copies slot 3 to slots 10..109 of the root */
  javm_cap *x = guest_data(&g, "x"), *a;
  a = guest_instance(
      &g,
      guest_image(&g, "load_imm s0, 10\nfallthrough\nagain:\n  load_imm a0, 3\n  move_reg a1, s0\n  ecalli 1\n"
                      "add_imm_64 s0, s0, 1\n  branch_ne_imm s0, 110, again\necalli 0\n"),
      SLOTS({3, x}));
  guest_invoke(&g, a, 0, NO_ARGS, GAS);
  assert_int_equal(g.result.kind, JAVM_RESULT_HALT);
  javm_cap *expected = guest_cnode_of(&g, 8, SLOTS({3, x}));
  for (uint32_t i = 10; i < 110; i++) expected = guest_set(&g, expected, i, x);
  javm_instance_spec spec = guest_view(&g, guest_post(&g));
  assert_same_cap(&g, spec.root_cnode, expected);
}

/* ---- partly absent ---- */

/* Puts only this value into the other directory, what it refers to by hash. */
static void copy_one(guest *to, javm_cap *cap) {
  uint8_t *bytes;
  size_t size;
  javm_cap *bare;
  assert_int_equal(javm_cap_encode(g.dir, cap, &bytes, &size, &g.error), JAVM_OK);
  assert_int_equal(javm_cap_decode(to->dir, bytes, size, &bare, &to->error), JAVM_OK);
  javm_free_bytes(javm_dir_allocator(g.dir), bytes, size);
  guest_put(to, bare);
  javm_cap_release(to->dir, bare);
}

static void each_missing_value_is_named_and_can_be_published(void **state) {
  (void)state;
  javm_cap *a = busy(&g);
  guest_invoke(&g, a, 0, NO_ARGS, GAS);
  assert_halted(&g, 99);
  guest other;
  guest_open(&other);
  javm_hash hash = guest_hash(&g, a), last = {{0}};
  copy_one(&other, a);
  javm_status status;
  int found = 0;
  while ((status = javm_vm_invoke(other.vm, &hash, 0, NO_ARGS, GAS, guest_fresh(&other), &other.error)) != JAVM_OK) {
    assert_int_equal(status, found == 0 ? JAVM_IMAGE_NOT_FOUND : other.error.status);
    assert_true(status == JAVM_VALUE_NOT_FOUND || status == JAVM_IMAGE_NOT_FOUND);
    assert_other_hash(other.error.hash, last);
    last = other.error.hash;
    assert_depth(&other, 0);
    javm_cap *cap;
    if (javm_dir_get(g.dir, &last, &cap, NULL) == JAVM_OK) {
      copy_one(&other, guest_own(&g, cap));
    } else {
      uint8_t page[JAVM_PAGE_BYTES];
      assert_int_equal(javm_dir_get_page(g.dir, &last, page, &g.error), JAVM_OK);
      assert_int_equal(javm_dir_put_page(other.dir, page, NULL), JAVM_OK);
    }
    assert_true(++found < 30);
  }
  assert_halted(&other, 99);
  assert_same_hash(other.result.instance, g.result.instance);
  assert_int_equal(other.result.gas_used, g.result.gas_used);
  assert_in_range(found, 7, 20);
  guest_close(&other);
}

static void pages_that_are_not_touched_may_stay_absent(void **state) {
  (void)state;
  javm_cap *a = guest_instance(&g,
                               guest_image(&g, ".mapping persistent 0x10000 8192 slot 1\nstore_u64 a0, [0x11000]\n"
                                               "load_u64 a0, [0x11008]\necalli 0\n"),
                               SLOTS({1, guest_pages(&g, 2, 7)}));
  guest_invoke(&g, a, 0, ARGS(1), GAS);
  guest other;
  guest_open(&other);
  javm_instance_spec spec = guest_view(&g, a);
  copy_one(&other, a);
  copy_one(&other, spec.image);
  copy_one(&other, spec.root_cnode);
  copy_one(&other, guest_pages(&g, 2, 7));
  uint8_t page[JAVM_PAGE_BYTES];
  memset(page, 8, sizeof page);
  assert_int_equal(javm_dir_put_page(other.dir, page, NULL), JAVM_OK); /* the second page; not the first */
  javm_hash hash = guest_hash(&g, a);
  assert_int_equal(javm_vm_invoke(other.vm, &hash, 0, ARGS(1), GAS, guest_fresh(&other), &other.error), JAVM_OK);
  assert_halted(&other, UINT64_C(0x0808080808080808));
  assert_same_hash(other.result.instance, g.result.instance);
  guest_close(&other);
}

static void missing_page_in_the_middle_of_a_run_is_retried(void **state) {
  (void)state;
  javm_cap *marker = guest_data(&g, "m");
  javm_cap *child =
      guest_instance(&g,
                     guest_image(&g, ".mapping persistent 0x10000 4096 slot 1\nload_imm a0, 4\necalli 16\n"
                                     "load_imm s0, 1\nload_u64 a0, [0x10000]\nadd_64 a0, a0, s0\necalli 0\n"),
                     SLOTS({1, guest_pages(&g, 1, 7)}, {4, marker}));
  guest other;
  guest_open(&other);
  javm_hash key = guest_hash(&g, marker);
  javm_instance_spec spec = guest_view(&g, child);
  copy_one(&other, child);
  copy_one(&other, spec.image);
  copy_one(&other, spec.root_cnode);
  copy_one(&other, guest_pages(&g, 1, 7));
  javm_hash hash = guest_hash(&g, child);
  javm_cap *a = guest_instance(&other, guest_image(&other, ".yield_marker_slot 8\n" CALL),
                               SLOTS({3, guest_by_hash(&other, &hash)}, {8, guest_catcher(&other, 1, &key)}));
  guest_invoke(&other, a, 0, ARGS(3), GAS);
  assert_paused(&other, JAVM_PAUSE_YIELD);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(javm_vm_call_resume(other.vm, NULL, guest_fresh(&other), &other.error), JAVM_VALUE_NOT_FOUND);
    assert_depth(&other, 3);
  }
  uint8_t page[JAVM_PAGE_BYTES];
  memset(page, 7, sizeof page);
  javm_hash page_hash, missing = other.error.hash;
  assert_int_equal(javm_dir_put_page(other.dir, page, &page_hash), JAVM_OK);
  assert_same_hash(page_hash, missing);
  guest_resume(&other, NULL);
  assert_halted(&other, UINT64_C(0x0707070707070708));
  assert_int_equal(guest_view(&other, guest_post(&other)).gas_remaining, GAS - 8);
  guest_close(&other);
}

/* Reads a slot by a path through a Data, which leads nowhere. */
static javm_host_action misread_slot(void *ctx, javm_host_call *call) {
  (void)ctx;
  javm_cap *cap;
  assert_int_equal(javm_host_slot_get(call, PATH1(1, 1), &cap), JAVM_OUT_OF_RANGE);
  return JAVM_HOST_RETURN;
}

static void missing_page_is_reported_as_such_after_a_host_functions_mistake(void **state) {
  (void)state;
  javm_cap *a = guest_instance(
      &g, guest_image(&g, ".mapping persistent 0x10000 4096 slot 1\necalli 64\nload_u64 a0, [0x10000]\necalli 0\n"),
      SLOTS({1, guest_pages(&g, 1, 7)}));
  guest other;
  guest_open(&other);
  javm_instance_spec spec = guest_view(&g, a);
  copy_one(&other, a);
  copy_one(&other, spec.image);
  copy_one(&other, spec.root_cnode);
  copy_one(&other, guest_pages(&g, 1, 7));
  javm_hash hash = guest_hash(&g, a);
  assert_int_equal(javm_vm_register(other.vm, 64, "misread", misread_slot, NULL), JAVM_OK);
  assert_int_equal(javm_vm_invoke(other.vm, &hash, 0, NO_ARGS, GAS, guest_fresh(&other), &other.error),
                   JAVM_VALUE_NOT_FOUND);
  guest_close(&other);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(post_instance_and_all_below_is_found_by_hash),
      T(the_same_invoke_gives_the_same_hash_and_gas),
      T(failed_invoke_publishes_nothing),
      T(sweep_keeps_the_post_instance),
      T(entries_of_a_vm_hold_what_they_run_through_a_sweep),
      T(deeply_nested_values_settle_and_go),
      T(wide_writes_give_what_building_at_once_gives),
      T(each_missing_value_is_named_and_can_be_published),
      T(pages_that_are_not_touched_may_stay_absent),
      T(missing_page_in_the_middle_of_a_run_is_retried),
      T(missing_page_is_reported_as_such_after_a_host_functions_mistake),
  };
  return cmocka_run_group_tests_name("settling", tests, NULL, NULL);
}
