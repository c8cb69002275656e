/* Storage quotas (6-kernel.md 6.2): what a Halt owes, mint_data (operation 23), exhausted quotas. */
#include "support/guest.h"

static guest g;
static javm_cap *catcher, *marker;
#define PAGE ((uint64_t)JAVM_PAGE_BYTES)

static int setup(void **state) {
  (void)state;
  guest_open(&g);
  javm_hash key;
  javm_kernel_hash(JAVM_KERNEL_STORAGE_EXHAUSTED_MARKER, &key);
  catcher = guest_catcher(&g, 1, &key);
  marker = guest_by_hash(&g, &key);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  guest_close(&g);
  return 0;
}

static javm_cap *instance_of(const char *text, const javm_slot_cap *slots) {
  return guest_instance(&g, guest_image(&g, text), slots);
}

static javm_cap *quota(uint64_t id) { return guest_kernel(&g, JAVM_KERNEL_QUOTA, id); }

#define QUOTA ".quota_slot 6\n"
#define CATCH ".yield_marker_slot 8\n"
#define CALL3 "load_imm a0, 3\nload_imm a1, 0\necalli 26\n"
#define REPLY_BOTH "shlo_l_imm_64 a1, a1, 32\nadd_64 a0, a0, a1\necalli 0\n"
#define RESULT(value, status) ((uint64_t)(value) + ((uint64_t)(status) << 32))
/* Dirties three pages, one of them ephemeral. */
#define DIRTY3                                                                                                         \
  ".mapping persistent 0x10000 8192 slot 1\n.mapping ephemeral 0x20000 4096\n"                                         \
  "load_imm a0, 3\nstore_u64 a0, [0x10000]\nstore_u64 a0, [0x11000]\nstore_u64 a0, [0x11008]\nstore_u64 a0, "          \
  "[0x20000]\n"                                                                                                        \
  "load_imm a0, 44\necalli 0\n"

/* ---- what a Halt owes ---- */

static void halt_owes_4096_units_for_each_dirtied_page(void **state) {
  (void)state;
  guest_set_quota(&g, 5, 10 * PAGE);
  guest_invoke(&g, instance_of(QUOTA DIRTY3, SLOTS({6, quota(5)})), 0, NO_ARGS, GAS);
  assert_halted(&g, 44);
  assert_int_equal(guest_quota(&g, 5), 7 * PAGE);
  guest_set_quota(&g, 5, 3 * PAGE); /* exactly enough */
  guest_invoke(&g, guest_post(&g), 0, NO_ARGS, GAS);
  assert_halted(&g, 44);
  assert_int_equal(guest_quota(&g, 5), 0);
}

static void first_quota_slot_counts(void **state) {
  (void)state;
  guest_set_quota(&g, 1, 5 * PAGE);
  guest_set_quota(&g, 2, 5 * PAGE);
  guest_invoke(&g, instance_of(".quota_slot 7\n.quota_slot 6\n" DIRTY3, SLOTS({6, quota(1)}, {7, quota(2)})), 0,
               NO_ARGS, GAS);
  assert_halted(&g, 44);
  assert_int_equal(guest_quota(&g, 1), 5 * PAGE);
  assert_int_equal(guest_quota(&g, 2), 2 * PAGE);
}

static void bottom_without_a_handle_owes_nothing(void **state) {
  (void)state;
  guest_invoke(&g, instance_of(QUOTA DIRTY3, NO_SLOTS), 0, NO_ARGS, GAS);
  assert_halted(&g, 44);
  guest_invoke(&g, instance_of(QUOTA DIRTY3, SLOTS({6, guest_kernel(&g, JAVM_KERNEL_GAS, 5)})), 0, NO_ARGS, GAS);
  assert_halted(&g, 44);
  g.config.assist = NULL;
  guest_vm(&g);
  guest_invoke(&g, instance_of(QUOTA DIRTY3, SLOTS({6, quota(5)})), 0, NO_ARGS, GAS);
  assert_halted(&g, 44);
}

static void entry_without_a_handle_charges_its_callers(void **state) {
  (void)state;
  guest_set_quota(&g, 5, 10 * PAGE);
  javm_cap *middle = instance_of(CALL3 REPLY_BOTH, SLOTS({3, instance_of(DIRTY3, NO_SLOTS)}));
  guest_invoke(&g, instance_of(QUOTA CALL3 REPLY_BOTH, SLOTS({3, middle}, {6, quota(5)})), 0, NO_ARGS, GAS);
  assert_halted(&g, 44);
  assert_int_equal(guest_quota(&g, 5), 7 * PAGE);
}

static void child_with_a_handle_charges_its_own(void **state) {
  (void)state;
  guest_set_quota(&g, 5, 10 * PAGE);
  guest_set_quota(&g, 4, 10 * PAGE);
  javm_cap *child = instance_of(QUOTA DIRTY3, SLOTS({6, quota(4)}));
  guest_invoke(&g, instance_of(QUOTA CALL3 REPLY_BOTH, SLOTS({3, child}, {6, quota(5)})), 0, NO_ARGS, GAS);
  assert_halted(&g, 44);
  assert_int_equal(guest_quota(&g, 5), 10 * PAGE);
  assert_int_equal(guest_quota(&g, 4), 7 * PAGE);
}

static void fault_owes_nothing(void **state) {
  (void)state;
  guest_set_quota(&g, 5, 10 * PAGE);
  guest_invoke(
      &g, instance_of(QUOTA ".mapping ephemeral 0x20000 4096\nstore_u64 a0, [0x20000]\ntrap\n", SLOTS({6, quota(5)})),
      0, NO_ARGS, GAS);
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_int_equal(guest_quota(&g, 5), 10 * PAGE);
}

static void debits_of_children_are_undone_at_a_fault(void **state) {
  (void)state;
  guest_set_quota(&g, 5, 10 * PAGE);
  javm_cap *middle = instance_of(CALL3 "trap\n", SLOTS({3, instance_of(QUOTA DIRTY3, SLOTS({6, quota(5)}))}));
  guest_invoke(&g, instance_of(CALL3 REPLY_BOTH, SLOTS({3, middle})), 0, NO_ARGS, GAS);
  assert_halted(&g, RESULT(1, 2));
  assert_int_equal(guest_quota(&g, 5), 10 * PAGE);
}

static void debits_of_halted_children_stand_when_a_sibling_faults(void **state) {
  (void)state;
  guest_set_quota(&g, 5, 10 * PAGE);
  javm_cap *good = instance_of(QUOTA DIRTY3, SLOTS({6, quota(5)})), *bad = instance_of("trap\n", NO_SLOTS);
  guest_invoke(&g,
               instance_of(CALL3 "load_imm a0, 4\nload_imm a1, 0\necalli 26\n" REPLY_BOTH, SLOTS({3, good}, {4, bad})),
               0, NO_ARGS, GAS);
  assert_halted(&g, RESULT(1, 2));
  assert_int_equal(guest_quota(&g, 5), 7 * PAGE);
}

/* ---- mint_data ---- */

#define MINT                                                                                                           \
  QUOTA ".mapping persistent 0x10000 8192 slot 9\n.pinned 9 data { \"hello\"\nzero 4089\nhex 0102030405 }\n"           \
        "ecalli 23\necalli 0\n"

static void mint_data_is_zero_padded_and_debits_the_padded_size(void **state) {
  (void)state;
  guest_set_quota(&g, 5, 10 * PAGE);
  guest_invoke(&g, instance_of(MINT, SLOTS({4, quota(5)})), 0, ARGS(0x10000, 5, 4, 7), GAS);
  assert_halted(&g, 0x10000);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 7), guest_data(&g, "hello"));
  assert_int_equal(guest_quota(&g, 5), 9 * PAGE);
  guest_invoke(&g, instance_of(MINT, SLOTS({4, quota(5)})), 0, ARGS(0x10ffe, 4, 4, 7),
               GAS); /* from two pages, into one */
  assert_halted(&g, 0x10ffe);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 7), guest_data(&g, "\1\2\3\4"));
  assert_int_equal(guest_quota(&g, 5), 8 * PAGE);
  guest_invoke(&g, instance_of(MINT, SLOTS({4, quota(5)})), 0, ARGS(0x10000, 4097, 4, 7), GAS);
  assert_halted(&g, 0x10000);
  assert_int_equal(guest_quota(&g, 5), 6 * PAGE);
  uint32_t pages;
  assert_int_equal(javm_data_page_count(g.dir, guest_slot(&g, guest_post(&g), 7), &pages), JAVM_OK);
  assert_int_equal(pages, 2);
}

static void mint_data_of_nothing_is_an_empty_data(void **state) {
  (void)state;
  guest_invoke(&g, instance_of(MINT, SLOTS({4, quota(5)})), 0, ARGS(0xdead0000, 0, 4, 7), GAS);
  assert_halted(&g, 0xdead0000);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 7), guest_data(&g, ""));
}

static void mint_data_checks_its_operands(void **state) {
  (void)state;
  guest_set_quota(&g, 5, 10 * PAGE);
  const struct {
    uint64_t args[4];
    javm_refusal why;
  } refused[] = {
      {{0x10000, 5, 3, 7}, JAVM_REFUSAL_EMPTY_SLOT},
      {{0x10000, 5, 2, 7}, JAVM_REFUSAL_QUOTA},
      {{0x10000, 5, 9, 7}, JAVM_REFUSAL_QUOTA},
      {{0x10000, 5, 4, 9}, JAVM_REFUSAL_PINNED_SLOT},
      {{0x10000, 5, 4, PATH1(2, 1)}, JAVM_REFUSAL_SLOT_OPERAND},
      {{0x20000, 5, 4, 7}, JAVM_REFUSAL_MEMORY},
      {{0x11ffc, 5, 4, 7}, JAVM_REFUSAL_MEMORY},
      {{UINT64_C(1) << 32, 5, 4, 7}, JAVM_REFUSAL_ARGUMENT},
      {{0x10000, (UINT64_C(1) << 32) + 1, 4, 7}, JAVM_REFUSAL_ARGUMENT},
      {{0x10000, UINT64_MAX, 4, 7}, JAVM_REFUSAL_ARGUMENT},
  };
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    guest_invoke(&g, instance_of(MINT, SLOTS({2, guest_kernel(&g, JAVM_KERNEL_GAS, 5)}, {4, quota(5)})), 0,
                 refused[i].args, GAS);
    assert_refused(&g, refused[i].why, 23);
    assert_int_equal(guest_quota(&g, 5), 10 * PAGE);
  }
}

static void mint_data_looks_at_the_quota_before_the_memory(void **state) {
  (void)state;
  guest_set_quota(&g, 5, PAGE - 1);
  javm_cap *instance = instance_of(MINT, SLOTS({4, quota(5)}));
  guest_invoke(&g, instance, 0, ARGS(0x20000, 5, 4, 7), GAS); /* nothing is accessible there */
  assert_refused(&g, JAVM_REFUSAL_QUOTA_EXHAUSTED, 23);
  g.config.host_catches_out_of_gas = true;
  guest_vm(&g);
  guest_invoke(&g, instance, 0, ARGS(0x20000, 5, 4, 7), GAS);
  assert_paused(&g, JAVM_PAUSE_QUOTA);
  assert_same_cap(&g, g.result.payload, quota(5));
  guest_set_quota(&g, 5, PAGE);
  guest_resume(&g, NULL);
  assert_refused(&g, JAVM_REFUSAL_MEMORY, 23);
  assert_int_equal(guest_quota(&g, 5), PAGE);
  guest_set_quota(&g, 5, 0); /* a length that no memory has is no matter of quota */
  guest_invoke(&g, instance, 0, ARGS(0x10000, (UINT64_C(1) << 32) + 1, 4, 7), GAS);
  assert_refused(&g, JAVM_REFUSAL_ARGUMENT, 23);
}

static void mint_data_is_debited_at_once_and_undone_at_a_fault(void **state) {
  (void)state;
  guest_set_quota(&g, 5, 3 * PAGE);
  const char *twice =
      ".mapping ephemeral 0x10000 8192\necalli 23\nload_imm a0, 0x10000\nload_imm a1, 8192\necalli 23\necalli 0\n";
  guest_invoke(&g, instance_of(twice, SLOTS({4, quota(5)})), 0, ARGS(0x10000, 1, 4, 7), GAS);
  assert_halted(&g, 0x10000);
  assert_int_equal(guest_quota(&g, 5), 0);
  guest_set_quota(&g, 5, 3 * PAGE - 1);
  guest_invoke(&g, instance_of(twice, SLOTS({4, quota(5)})), 0, ARGS(0x10000, 1, 4, 7), GAS);
  assert_refused(&g, JAVM_REFUSAL_QUOTA_EXHAUSTED, 23);
  assert_int_equal(guest_quota(&g, 5), 3 * PAGE - 1);
}

/* ---- exhausted ---- */

static void exhausted_quota_without_a_catcher_is_a_fault(void **state) {
  (void)state;
  guest_set_quota(&g, 5, 3 * PAGE - 1);
  javm_cap *x = guest_data(&g, "x");
  javm_cap *instance = instance_of(QUOTA DIRTY3, SLOTS({0, x}, {6, quota(5)}));
  guest_put(&g, instance);
  size_t before = javm_dir_count(g.dir);
  guest_invoke(&g, instance, 0, NO_ARGS, GAS);
  assert_refused(&g, JAVM_REFUSAL_QUOTA_EXHAUSTED, 0);
  assert_int_equal(guest_quota(&g, 5), 3 * PAGE - 1);
  assert_same_cap(&g, g.result.slot0, x);
  assert_int_equal(javm_dir_count(g.dir), before); /* nothing was published */
}

static void mint_data_that_traps_for_lack_of_quota_is_paid_for(void **state) {
  (void)state;
  javm_cap *instance = instance_of("load_imm a1, 1\nload_imm a2, 6\necalli 23\n", SLOTS({6, quota(5)}));
  guest_invoke(&g, instance, 0, NO_ARGS, GAS);
  assert_refused(&g, JAVM_REFUSAL_QUOTA_EXHAUSTED, 23);
  assert_int_equal(g.result.gas_used, 3);
}

static javm_cap *caller_of(const char *text, javm_cap *child) {
  return instance_of(text, SLOTS({3, child}, {8, catcher}));
}

static void exhausted_quota_pauses_with_the_handle(void **state) {
  (void)state;
  guest_set_quota(&g, 5, PAGE);
  javm_cap *child = instance_of(QUOTA DIRTY3, SLOTS({6, quota(5)}));
  guest_invoke(&g, caller_of(CATCH CALL3 REPLY_BOTH, child), 0, NO_ARGS, GAS);
  assert_paused(&g, JAVM_PAUSE_QUOTA);
  assert_same_cap(&g, g.result.payload, quota(5));
  assert_depth(&g, 3);
  guest_resume(&g, NULL); /* without more it pauses again */
  assert_paused(&g, JAVM_PAUSE_QUOTA);
  assert_int_equal(g.result.gas_used, 0);
  guest_set_quota(&g, 5, 4 * PAGE);
  guest_resume(&g, NULL);
  assert_halted(&g, 44);
  assert_int_equal(guest_quota(&g, 5), PAGE);
  assert_int_equal(guest_word(&g, guest_slot(&g, guest_post(&g), 3), 0x11000), 3);
}

static void exhausted_quota_in_mint_data_pauses_and_goes_on(void **state) {
  (void)state;
  javm_cap *child = instance_of("load_imm a0, 0\nload_imm a1, 0\nload_imm a2, 4\nload_imm a3, 7\n"
                                ".mapping persistent 0x10000 4096 slot 9\n.pinned 9 data \"hello\"\n"
                                "load_imm a0, 0x10000\nload_imm a1, 3\necalli 23\nload_imm a0, 12\necalli 0\n",
                                SLOTS({4, quota(5)}));
  guest_invoke(&g, caller_of(CATCH CALL3 REPLY_BOTH, child), 0, NO_ARGS, GAS);
  assert_paused(&g, JAVM_PAUSE_QUOTA);
  assert_int_equal(g.result.gas_used, 3 + 6); /* the ecall has not run */
  javm_entry_view view;
  assert_int_equal(javm_vm_entry(g.vm, 1, &view), JAVM_OK);
  assert_int_equal(view.regs[7], 0x10000); /* the state is as before it */
  guest_set_quota(&g, 5, PAGE);
  guest_resume(&g, NULL);
  assert_halted(&g, 12);
  assert_int_equal(guest_quota(&g, 5), 0);
  assert_same_cap(&g, guest_slot(&g, guest_slot(&g, guest_post(&g), 3), 7), guest_data(&g, "hel"));
}

static void payload_of_mint_data_is_the_handle_that_ran_dry(void **state) {
  (void)state;
  guest_set_quota(&g, 6, 100 * PAGE);
  javm_cap *child =
      instance_of(QUOTA ".mapping ephemeral 0x10000 4096\nload_imm a0, 0x10000\nload_imm a1, 3\nload_imm a2, 4\n"
                        "load_imm a3, 7\necalli 23\necalli 0\n",
                  SLOTS({4, quota(5)}, {6, quota(6)}));
  guest_invoke(&g, caller_of(CATCH CALL3 REPLY_BOTH, child), 0, NO_ARGS, GAS);
  assert_paused(&g, JAVM_PAUSE_QUOTA);
  assert_same_cap(&g, g.result.payload, quota(5));
}

static void payload_of_an_entry_that_charges_its_callers_is_that_handle(void **state) {
  (void)state;
  javm_cap *child = instance_of(DIRTY3, NO_SLOTS);
  guest_invoke(&g, instance_of(QUOTA CATCH CALL3 REPLY_BOTH, SLOTS({3, child}, {6, quota(5)}, {8, catcher})), 0,
               NO_ARGS, GAS);
  assert_paused(&g, JAVM_PAUSE_QUOTA);
  javm_hash payload = guest_hash(&g, g.result.payload), handle = guest_hash(&g, quota(5)), key = guest_hash(&g, marker);
  assert_true(memcmp(&payload, &handle, sizeof payload) == 0 || memcmp(&payload, &key, sizeof payload) == 0);
}

static void exhausted_quota_delivered_to_the_catcher(void **state) {
  (void)state;
  g.config.yield_mode = JAVM_YIELD_TO_CATCHER;
  guest_vm(&g);
  javm_cap *child = instance_of(QUOTA DIRTY3, SLOTS({6, quota(5)}));
  guest_invoke(&g, caller_of(CATCH CALL3 REPLY_BOTH, child), 0, NO_ARGS, GAS);
  assert_halted(&g, RESULT(0, 1));
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 3), child);
  guest_invoke(&g, caller_of(CATCH CALL3 "ecalli 28\n" REPLY_BOTH, child), 0, NO_ARGS, GAS);
  assert_halted(&g, RESULT(0, 1));
}

static void drop_paused_after_exhausted_quota(void **state) {
  (void)state;
  javm_cap *child = instance_of(QUOTA DIRTY3, SLOTS({6, quota(5)}));
  guest_invoke(&g, caller_of(CATCH CALL3 REPLY_BOTH, child), 0, NO_ARGS, GAS);
  guest_drop(&g);
  assert_halted(&g, RESULT(0, 2));
}

static void host_catches_exhausted_quota_where_configured(void **state) {
  (void)state;
  g.config.host_catches_out_of_gas = true;
  guest_vm(&g);
  javm_cap *instance = instance_of(QUOTA DIRTY3, SLOTS({6, quota(5)}));
  guest_invoke(&g, instance, 0, NO_ARGS, GAS);
  assert_paused(&g, JAVM_PAUSE_QUOTA);
  assert_same_cap(&g, g.result.payload, quota(5));
  guest_set_quota(&g, 5, 3 * PAGE);
  guest_resume(&g, NULL);
  assert_halted(&g, 44);
  guest_invoke(&g, instance, 0, NO_ARGS, GAS);
  guest_drop(&g);
  assert_refused(&g, JAVM_REFUSAL_QUOTA_EXHAUSTED, 0);
  assert_depth(&g, 0);
}

static void refused_operation_of_a_dropped_pause_is_its_own(void **state) {
  (void)state;
  g.config.host_catches_out_of_gas = true;
  guest_vm(&g);
  /* The entry object of the first run is used again: what was refused there must not show. */
  guest_invoke(&g, instance_of("ecalli 63\n", NO_SLOTS), 0, NO_ARGS, GAS);
  assert_refused(&g, JAVM_REFUSAL_UNKNOWN_OPERATION, 63);
  guest_invoke(&g, instance_of(QUOTA DIRTY3, SLOTS({6, quota(5)})), 0, NO_ARGS, GAS);
  guest_drop(&g);
  assert_refused(&g, JAVM_REFUSAL_QUOTA_EXHAUSTED, 0);
  guest_invoke(&g, instance_of(".mapping ephemeral 0x10000 4096\necalli 23\n", SLOTS({4, quota(5)})), 0,
               ARGS(0x10000, 1, 4, 7), GAS);
  assert_paused(&g, JAVM_PAUSE_QUOTA);
  guest_drop(&g);
  assert_refused(&g, JAVM_REFUSAL_QUOTA_EXHAUSTED, 23);
}

static void failed_invoke_gives_quota_back(void **state) {
  (void)state;
  guest_set_quota(&g, 5, 10 * PAGE);
  javm_hash missing = guest_hash(&g, guest_cnode_of(&g, 1, NULL));
  javm_cap *child = instance_of(QUOTA DIRTY3, SLOTS({6, quota(5)}));
  javm_cap *a =
      instance_of(CALL3 "load_imm a0, 4\necalli 37\necalli 0\n", SLOTS({3, child}, {4, guest_by_hash(&g, &missing)}));
  assert_int_equal(guest_try(&g, a, 0, NO_ARGS, GAS), JAVM_VALUE_NOT_FOUND);
  assert_int_equal(guest_quota(&g, 5), 10 * PAGE);
  guest_put(&g, guest_cnode_of(&g, 1, NULL));
  guest_invoke(&g, a, 0, NO_ARGS, GAS);
  assert_halted(&g, 4);
  assert_int_equal(guest_quota(&g, 5), 7 * PAGE);
}

/* ---- every way in which a page is dirtied and an entry leaves with a Halt ---- */

static javm_host_action halt_by_host(void *ctx, javm_host_call *call) {
  (void)ctx;
  uint8_t byte = 1;
  return javm_host_write(call, 0x21000, &byte, 1) == JAVM_OK ? JAVM_HOST_HALT : JAVM_HOST_REFUSE;
}

static void every_halt_owes_for_every_dirtied_page(void **state) {
  (void)state;
  assert_int_equal(javm_vm_register(g.vm, 64, "halt", halt_by_host, NULL), JAVM_OK);
#define MAP                                                                                                            \
  QUOTA ".mapping persistent 0x10000 8192 slot 1\n.mapping ephemeral 0x20000 8192\n.mapping heap 0x40000 16384\n"
  const struct {
    const char *text;
    uint64_t pages;
  } cases[] = {
      {MAP "ecalli 0\n", 0},
      {MAP "load_u64 a0, [0x10000]\nload_u64 a0, [0x20000]\necalli 0\n", 0}, /* read only */
      {MAP "store_u8 a0, [0x10000]\nstore_u8 a0, [0x10001]\necalli 0\n", 1},
      {MAP "store_u64 a0, [0x10ffc]\necalli 0\n", 2}, /* across two */
      {MAP "store_u8 a0, [0x20000]\nload_imm_64 s0, 0xffff0000\njump_ind s0, 0\n", 1},
      {MAP "load_imm t0, 8192\nsbrk t0, t0\nstore_u8 a0, [0x41000]\necalli 0\n", 1},
      {MAP "load_imm a0, 2\nload_imm a1, 0x10000\nload_imm a2, 5000\nload_imm a3, 0\necalli 22\necalli 0\n", 2},
      {MAP "store_u8 a0, [0x20000]\necalli 64\ntrap\n", 2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    javm_cap *instance = instance_of(cases[i].text, SLOTS({2, guest_pages(&g, 2, 1)}, {6, quota(5)}));
    guest_set_quota(&g, 5, cases[i].pages * PAGE);
    guest_invoke(&g, instance, 0, NO_ARGS, GAS);
    assert_int_equal(g.result.kind, JAVM_RESULT_HALT);
    assert_int_equal(guest_quota(&g, 5), 0);
    if (cases[i].pages == 0) continue;
    guest_set_quota(&g, 5, cases[i].pages * PAGE - 1);
    guest_invoke(&g, instance, 0, NO_ARGS, GAS);
    assert_faulted(&g, JAVM_EXIT_TRAP);
    assert_int_equal(g.result.refusal, JAVM_REFUSAL_QUOTA_EXHAUSTED);
    assert_int_equal(guest_quota(&g, 5), cases[i].pages * PAGE - 1);
  }
}

static javm_cap *word_marker;

/* Dirties a page, yields slot 4, dirties another, replies. */
#define YIELDER                                                                                                        \
  QUOTA ".mapping ephemeral 0x20000 8192\nstore_u8 a0, [0x20000]\nload_imm a0, 4\necalli 16\n"                         \
        "store_u8 a0, [0x21000]\nload_imm a0, 44\necalli 0\n"
static javm_cap *yielder_and(const char *catcher_text) {
  word_marker = guest_data(&g, "marker");
  javm_hash key = guest_hash(&g, word_marker);
  javm_cap *yielder = instance_of(YIELDER, SLOTS({4, word_marker}, {6, quota(5)}));
  return instance_of(catcher_text, SLOTS({3, yielder}, {6, quota(7)}, {8, guest_catcher(&g, 2, &key)}));
}

static void resumed_yielder_owes_for_all_that_it_dirtied(void **state) {
  (void)state;
  g.config.yield_mode = JAVM_YIELD_TO_CATCHER;
  guest_vm(&g);
  guest_set_quota(&g, 5, 9 * PAGE);
  guest_invoke(&g, yielder_and(CATCH CALL3 "ecalli 27\n" REPLY_BOTH), 0, NO_ARGS, GAS);
  assert_halted(&g, 44);
  assert_int_equal(guest_quota(&g, 5), 7 * PAGE);
}

static void yielder_that_is_dropped_owes_nothing(void **state) {
  (void)state;
  g.config.yield_mode = JAVM_YIELD_TO_CATCHER;
  guest_vm(&g);
  const char *texts[] = {QUOTA CATCH ".mapping ephemeral 0x20000 8192\n" CALL3
                                     "ecalli 28\nstore_u8 a0, [0x20000]\necalli 0\n",
                         QUOTA CATCH ".mapping ephemeral 0x20000 8192\n" CALL3 "store_u8 a0, [0x20000]\necalli 0\n"};
  for (int i = 0; i < 2; i++) { /* by the catcher, and by the catcher's end */
    guest_set_quota(&g, 5, 9 * PAGE);
    guest_set_quota(&g, 7, 9 * PAGE);
    guest_invoke(&g, yielder_and(texts[i]), 0, NO_ARGS, GAS);
    assert_halted(&g, 0);
    assert_int_equal(guest_quota(&g, 5), 9 * PAGE);
    assert_int_equal(guest_quota(&g, 7), 8 * PAGE); /* the catcher's own page */
  }
}

static void callee_of_a_catcher_with_a_yielder_above_it_charges_the_catcher(void **state) {
  (void)state;
  g.config.yield_mode = JAVM_YIELD_TO_CATCHER;
  guest_vm(&g);
  guest_set_quota(&g, 5, 9 * PAGE);
  guest_set_quota(&g, 7, 9 * PAGE);
  javm_cap *dirty = instance_of(DIRTY3, NO_SLOTS);
  javm_cap *caller = yielder_and(QUOTA CATCH CALL3 "load_imm a0, 9\nload_imm a1, 0\necalli 26\necalli 27\n" REPLY_BOTH);
  javm_instance_spec spec = guest_view(&g, caller);
  spec.root_cnode = guest_set(&g, spec.root_cnode, 9, dirty);
  guest_invoke(&g, guest_make(&g, &spec), 0, NO_ARGS, GAS);
  assert_halted(&g, 44);
  assert_int_equal(guest_quota(&g, 7), 6 * PAGE);
  assert_int_equal(guest_quota(&g, 5), 7 * PAGE);
}

static void handle_at_the_halt_is_the_one_that_pays(void **state) {
  (void)state;
  guest_set_quota(&g, 5, 9 * PAGE);
  guest_set_quota(&g, 7, 9 * PAGE);
  guest_invoke(&g,
               instance_of(QUOTA ".mapping ephemeral 0x20000 4096\nstore_u8 a0, [0x20000]\n"
                                 "load_imm a0, 6\nload_imm a1, 7\necalli 4\necalli 0\n",
                           SLOTS({6, quota(5)}, {7, quota(7)})),
               0, NO_ARGS, GAS);
  assert_int_equal(g.result.kind, JAVM_RESULT_HALT);
  assert_int_equal(guest_quota(&g, 5), 9 * PAGE);
  assert_int_equal(guest_quota(&g, 7), 8 * PAGE);
}

static void handle_in_slot_0_pays_though_it_is_taken_out(void **state) {
  (void)state;
  guest_set_quota(&g, 5, 9 * PAGE);
  guest_invoke(&g, instance_of(".quota_slot 0\n" DIRTY3, SLOTS({0, quota(5)})), 0, NO_ARGS, GAS);
  assert_halted(&g, 44);
  assert_same_cap(&g, g.result.slot0, quota(5));
  assert_int_equal(guest_quota(&g, 5), 6 * PAGE);
}

/* The catcher gives quota 5 what it wants and resumes, by the kernel's Instance in slot 2. */
static void catcher_tops_up_a_quota_and_resumes(void **state) {
  (void)state;
  g.config.yield_mode = JAVM_YIELD_TO_CATCHER;
  guest_vm(&g);
  const char *give = CATCH CALL3 "load_imm a0, 2\nload_imm a1, 0\nload_imm a2, 5\nload_imm a3, 12288\necalli 26\n"
                                 "ecalli 27\n" REPLY_BOTH;
  javm_cap *setter = guest_kernel(&g, JAVM_KERNEL_SET_STORAGE_QUOTA, 0), *three = guest_pages(&g, 3, 1);
  javm_cap *children[] = {
      instance_of(QUOTA DIRTY3, SLOTS({6, quota(5)})),
      instance_of(".mapping ephemeral 0x10000 12288\nload_imm a0, 0x10000\nload_imm a1, 12288\nload_imm a2, 4\n"
                  "load_imm a3, 7\necalli 23\nload_imm a0, 44\necalli 0\n",
                  SLOTS({4, quota(5)})),
      instance_of("load_imm a0, 1\nload_imm a1, 4\nload_imm a2, 7\necalli 25\nload_imm a0, 44\necalli 0\n",
                  SLOTS({1, three}, {4, quota(5)})),
  };
  for (int i = 0; i < 3; i++) {
    guest_set_quota(&g, 5, 3 * PAGE - 1);
    guest_invoke(&g, instance_of(give, SLOTS({2, setter}, {3, children[i]}, {8, catcher})), 0, NO_ARGS, GAS);
    assert_halted(&g, 44);
    assert_int_equal(guest_quota(&g, 5), 0);
  }
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(halt_owes_4096_units_for_each_dirtied_page),
      T(first_quota_slot_counts),
      T(bottom_without_a_handle_owes_nothing),
      T(entry_without_a_handle_charges_its_callers),
      T(child_with_a_handle_charges_its_own),
      T(fault_owes_nothing),
      T(debits_of_children_are_undone_at_a_fault),
      T(debits_of_halted_children_stand_when_a_sibling_faults),
      T(mint_data_is_zero_padded_and_debits_the_padded_size),
      T(mint_data_of_nothing_is_an_empty_data),
      T(mint_data_checks_its_operands),
      T(mint_data_looks_at_the_quota_before_the_memory),
      T(mint_data_is_debited_at_once_and_undone_at_a_fault),
      T(exhausted_quota_without_a_catcher_is_a_fault),
      T(mint_data_that_traps_for_lack_of_quota_is_paid_for),
      T(exhausted_quota_pauses_with_the_handle),
      T(exhausted_quota_in_mint_data_pauses_and_goes_on),
      T(payload_of_mint_data_is_the_handle_that_ran_dry),
      T(payload_of_an_entry_that_charges_its_callers_is_that_handle),
      T(exhausted_quota_delivered_to_the_catcher),
      T(drop_paused_after_exhausted_quota),
      T(host_catches_exhausted_quota_where_configured),
      T(refused_operation_of_a_dropped_pause_is_its_own),
      T(failed_invoke_gives_quota_back),
      T(every_halt_owes_for_every_dirtied_page),
      T(resumed_yielder_owes_for_all_that_it_dirtied),
      T(yielder_that_is_dropped_owes_nothing),
      T(callee_of_a_catcher_with_a_yielder_above_it_charges_the_catcher),
      T(handle_at_the_halt_is_the_one_that_pays),
      T(handle_in_slot_0_pays_though_it_is_taken_out),
      T(catcher_tops_up_a_quota_and_resumes),
  };
  return cmocka_run_group_tests_name("quotas", tests, NULL, NULL);
}
