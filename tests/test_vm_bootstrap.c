/* javm_bootstrap: what is in which slot, and that a guest can govern meters and quotas with it (6-kernel.md 6.2). */
#include "support/failing_alloc.h"
#include "support/guest.h"

static guest g;
static javm_cap *root;

static int setup(void **state) {
  (void)state;
  guest_open(&g);
  assert_int_equal(javm_bootstrap(g.dir, g.assist, &root, &g.error), JAVM_OK);
  guest_own(&g, root);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  guest_close(&g);
  return 0;
}

static javm_cap *governor(const char *text, uint32_t slot, javm_cap *cap) {
  javm_cap *instance, *cnode = cap ? guest_set(&g, root, slot, cap) : root;
  assert_int_equal(javm_instance_genesis(g.dir, guest_image(&g, text), cnode, &instance, &g.error), JAVM_OK);
  return guest_own(&g, instance);
}

static void kernel_instances_are_in_the_documented_slots(void **state) {
  (void)state;
  const javm_kernel_image expected[] = {
      [JAVM_BOOTSTRAP_SET_GAS_METER] = JAVM_KERNEL_SET_GAS_METER,
      [JAVM_BOOTSTRAP_SET_STORAGE_QUOTA] = JAVM_KERNEL_SET_STORAGE_QUOTA,
      [JAVM_BOOTSTRAP_MINT_GAS] = JAVM_KERNEL_MINT_GAS,
      [JAVM_BOOTSTRAP_MINT_QUOTA] = JAVM_KERNEL_MINT_QUOTA,
      [JAVM_BOOTSTRAP_CREATE_YIELD_CATCHER] = JAVM_KERNEL_CREATE_YIELD_CATCHER,
  };
  unsigned size_log;
  assert_int_equal(javm_cnode_size_log(g.dir, root, &size_log), JAVM_OK);
  assert_int_equal(size_log, 8);
  for (uint32_t slot = 1; slot < 6; slot++)
    assert_same_cap(&g, guest_cnode_slot(&g, root, slot), guest_kernel(&g, expected[slot], 0));
  javm_instance_spec catcher = guest_view(&g, guest_cnode_slot(&g, root, 6));
  assert_same_cap(&g, guest_cnode_slot(&g, root, 6), guest_kernel(&g, JAVM_KERNEL_YIELDCATCHER, catcher.regs[7]));
  for (uint32_t slot = 0; slot < 256; slot += slot == 0 ? 7 : 1) assert_null(guest_cnode_slot(&g, root, slot));
}

static void catcher_holds_the_two_markers(void **state) {
  (void)state;
  javm_hash key = guest_hash(&g, guest_cnode_slot(&g, root, 6)), marker, expected;
  assert_int_equal(g.assist->yield_catcher_count(g.assist->ctx, &key), 2);
  const javm_kernel_image kinds[] = {JAVM_KERNEL_OOG_MARKER, JAVM_KERNEL_STORAGE_EXHAUSTED_MARKER};
  for (size_t i = 0; i < 2; i++) {
    g.assist->yield_catcher_marker(g.assist->ctx, &key, i, &marker);
    javm_kernel_hash(kinds[i], &expected);
    assert_same_hash(marker, expected);
  }
}

static void each_bootstrap_has_a_catcher_of_its_own(void **state) {
  (void)state;
  javm_cap *other;
  assert_int_equal(javm_bootstrap(g.dir, g.assist, &other, &g.error), JAVM_OK);
  guest_own(&g, other);
  assert_other_hash(guest_hash(&g, guest_cnode_slot(&g, root, 6)), guest_hash(&g, guest_cnode_slot(&g, other, 6)));
}

/* Gives meter 7 10 units at each yield; the child spins 100 times on that meter. */
#define GOVERNOR                                                                                                       \
  ".yield_marker_slot 6\n"                                                                                             \
  "load_imm a0, 20\nload_imm a1, 0\necalli 26\nfallthrough\n"                                                          \
  "again:\n branch_ne_imm a1, 1, done\n"                                                                               \
  "load_imm a0, 1\nload_imm a1, 0\nload_imm a2, 7\nload_imm a3, 10\necalli 26\necalli 27\njump again\n"                \
  "done:\n ecalli 0\n"

static void governor_meters_its_child(void **state) {
  (void)state;
  g.config.yield_mode = JAVM_YIELD_TO_CATCHER;
  guest_vm(&g);
  javm_cap *child = guest_instance(
      &g,
      guest_image(&g, ".gas_slot 9\nload_imm s0, 20\nfallthrough\nspin:\n add_imm_64 s0, s0, -1\n branch_ne_imm s0, 0, "
                      "spin\nload_imm a0, 44\necalli 0\n"),
      SLOTS({9, guest_kernel(&g, JAVM_KERNEL_GAS, 7)}));
  guest_set_meter(&g, 7, 3);
  guest_invoke(&g, governor(GOVERNOR, 20, child), 0, NO_ARGS, GAS);
  assert_halted(&g, 44);
  assert_int_equal(guest_meter(&g, 7), 3 + 5 * 10 - 44); /* its instructions */
}

static void governor_gives_quota_by_a_handle_that_it_minted(void **state) {
  (void)state;
  /* sets quota 7 to one page, mints its handle, mints a Data with it */
  javm_cap *instance =
      governor(".mapping ephemeral 0x10000 4096\n.quota_slot 200\n"
               "load_imm a0, 2\nload_imm a1, 0\nload_imm a2, 7\nload_imm a3, 4096\necalli 26\n"
               "load_imm a0, 4\nload_imm a1, 0\nload_imm a2, 7\necalli 26\n"
               "load_imm a0, 0x10000\nload_imm a1, 5\nload_imm a2, 0\nload_imm a3, 30\necalli 23\necalli 0\n",
               0, NULL);
  guest_invoke(&g, instance, 0, NO_ARGS, GAS);
  assert_halted(&g, 0x10000);
  assert_int_equal(guest_quota(&g, 7), 0);
  assert_int_equal(javm_cap_kind(guest_slot(&g, guest_post(&g), 30)), JAVM_KIND_DATA);
}

static javm_status scenario(const javm_allocator *allocator) {
  javm_dir *dir = NULL;
  javm_local_assist *assist = NULL;
  javm_cap *made = NULL;
  javm_status status = javm_dir_new(allocator, &dir);
  if (status == JAVM_OK) status = javm_local_assist_new(dir, &assist);
  if (status == JAVM_OK) {
    status = javm_bootstrap(dir, javm_local_assist_interface(assist), &made, NULL);
    if (status != JAVM_OK) assert_null(made);
  }
  if (dir) javm_cap_release(dir, made);
  javm_local_assist_free(assist);
  javm_dir_free(dir);
  return status;
}

static void bootstrap_survives_a_failed_allocation(void **state) {
  (void)state;
  for_each_failing_allocation(scenario);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(kernel_instances_are_in_the_documented_slots),    T(catcher_holds_the_two_markers),
      T(each_bootstrap_has_a_catcher_of_its_own),         T(governor_meters_its_child),
      T(governor_gives_quota_by_a_handle_that_it_minted), cmocka_unit_test(bootstrap_survives_a_failed_allocation),
  };
  return cmocka_run_group_tests_name("bootstrap", tests, NULL, NULL);
}
