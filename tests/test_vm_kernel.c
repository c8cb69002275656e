/* Calls to the kernel's Instances (5-abi.md 5.3, 6-kernel.md 6.1), and how what they did is undone. */
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

static javm_cap *instance_of(const char *text, const javm_slot_cap *slots) {
  return guest_instance(&g, guest_image(&g, text), slots);
}
static javm_cap *kernel(javm_kernel_image which) { return guest_kernel(&g, which, 0); }
static javm_cap *gas(uint64_t id) { return guest_kernel(&g, JAVM_KERNEL_GAS, id); }

/* Slots of the guests here. */
enum { CHILD = 3, METER_SLOT = 6, CATCHER_SLOT = 8, SETTER = 10, QUOTA_SETTER = 11, MINT = 12, CREATE = 13, X = 14 };

#define CALL "ecalli 26\n"
/* Replies with φ[7] + φ[8] * 2^32. */
#define REPLY_BOTH "shlo_l_imm_64 a1, a1, 32\nadd_64 a0, a0, a1\necalli 0\n"
#define RESULT(value, status) ((uint64_t)(value) + ((uint64_t)(status) << 32))
/* Sets meter `id`, or a quota, to a value; the previous one is in a0. */
#define SET(slot, id, value)                                                                                           \
  "load_imm a0, " #slot "\nload_imm a1, 0\nload_imm a2, " #id "\nload_imm_64 a3, " #value "\n" CALL
#define SET_METER(id, value) SET(10, id, value)
#define SET_QUOTA(id, value) SET(11, id, value)
/* Calls endpoint n of slot s. */
#define ASK(s, n) "load_imm a0, " #s "\nload_imm a1, " #n "\n" CALL
#define CALL_CHILD ASK(3, 0)

static const javm_slot_cap *authority(void) {
  static javm_slot_cap slots[8];
  slots[0] = (javm_slot_cap){SETTER, kernel(JAVM_KERNEL_SET_GAS_METER)};
  slots[1] = (javm_slot_cap){QUOTA_SETTER, kernel(JAVM_KERNEL_SET_STORAGE_QUOTA)};
  slots[2] = (javm_slot_cap){METER_SLOT, gas(1)};
  slots[3] = (javm_slot_cap){X, guest_data(&g, "x")};
  slots[4] = (javm_slot_cap){0, NULL};
  return slots;
}

static javm_cap *authority_with(const char *text, javm_cap *child) {
  javm_slot_cap slots[8];
  memcpy(slots, authority(), sizeof slots);
  slots[4] = (javm_slot_cap){CHILD, child};
  slots[5] = (javm_slot_cap){0, NULL};
  return instance_of(text, slots);
}

/* ---- set_gas_meter, set_storage_quota ---- */

static void set_gas_meter_gives_the_previous_value(void **state) {
  (void)state;
  guest_set_meter(&g, 5, 77);
  guest_invoke(&g, instance_of(SET_METER(5, 0xfedcba9876543210) REPLY_BOTH, authority()), 0, NO_ARGS, GAS);
  assert_halted(&g, RESULT(77, 0));
  assert_int_equal(guest_meter(&g, 5), UINT64_C(0xfedcba9876543210));
  guest_invoke(&g, instance_of(SET_METER(123, 9) REPLY_BOTH, authority()), 0, NO_ARGS, GAS); /* missing = 0 */
  assert_halted(&g, 0);
  assert_int_equal(guest_meter(&g, 123), 9);
  assert_int_equal(g.result.gas_used, 8); /* the call itself costs its instruction */
}

static void set_storage_quota_gives_the_previous_value(void **state) {
  (void)state;
  guest_set_quota(&g, 5, 77);
  guest_set_meter(&g, 5, 1);
  guest_invoke(&g, instance_of(SET_QUOTA(5, 8192) REPLY_BOTH, authority()), 0, NO_ARGS, GAS);
  assert_halted(&g, RESULT(77, 0));
  assert_int_equal(guest_quota(&g, 5), 8192);
  assert_int_equal(guest_meter(&g, 5), 1);
}

static void slot_0_comes_back_from_a_setter_and_the_callee_stays(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x");
  guest_invoke(&g, instance_of(SET_METER(5, 1) REPLY_BOTH, SLOTS({0, x}, {SETTER, kernel(JAVM_KERNEL_SET_GAS_METER)})),
               0, NO_ARGS, GAS);
  assert_halted(&g, 0);
  assert_same_cap(&g, g.result.slot0, x);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), SETTER), kernel(JAVM_KERNEL_SET_GAS_METER));
}

static void running_entrys_own_meter_is_exact_before_and_after(void **state) {
  (void)state;
  guest_set_meter(&g, 1, 1000);
  guest_invoke(&g,
               instance_of(".gas_slot 6\n" SET_METER(1, 50) "move_reg s0, a0\necalli 36\nmove_reg s1, a0\n"
                                                            "move_reg a0, s0\necalli 0\n",
                           authority()),
               0, NO_ARGS, 0);
  assert_halted(&g, 995); /* five instructions were paid when it was set */
  assert_int_equal(guest_view(&g, guest_post(&g)).regs[6], 48);
  assert_int_equal(guest_meter(&g, 1), 45);
  assert_int_equal(g.result.gas_used, 10);
}

static void own_meter_is_exact_in_every_gas_model(void **state) {
  (void)state;
  for (int model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_INSTRUCTION; model++) {
    g.config.gas_model = (javm_gas_model)model;
    guest_vm(&g);
    guest_set_meter(&g, 1, 100000);
    guest_invoke(
        &g,
        instance_of(".gas_slot 6\nload_imm s1, 0\nfallthrough\nagain:\n add_imm_64 s1, s1, 1\n" SET_METER(
                        1, 70000) "add_64 s0, s0, a0\nbranch_ne_imm s1, 40, again\nmove_reg a0, s0\necalli 0\n",
                    authority()),
        0, NO_ARGS, 0);
    assert_int_equal(g.result.kind, JAVM_RESULT_HALT);
    /* what the meter lost between the sets is what was spent */
    uint64_t put_in = 100000 + 40 * UINT64_C(70000), taken = g.result.return_value + guest_meter(&g, 1);
    assert_int_equal(put_in - taken, g.result.gas_used);
    assert_true(g.result.gas_used > 40 * 5);
  }
}

static void meter_of_a_caller_is_the_running_entrys_too(void **state) {
  (void)state;
  guest_set_meter(&g, 1, 1000);
  javm_cap *child = instance_of(SET_METER(1, 300) "ecalli 0\n", authority()); /* has no gas slot */
  guest_invoke(&g, authority_with(".gas_slot 6\n" CALL_CHILD "ecalli 0\n", child), 0, NO_ARGS, 0);
  assert_halted(&g, 1000 - 3 - 5);
  assert_int_equal(guest_meter(&g, 1), 298);
  assert_int_equal(g.result.gas_used, 10);
}

static void meter_of_a_waiting_caller_is_set_under_it(void **state) {
  (void)state;
  guest_set_meter(&g, 1, 1000);
  guest_set_meter(&g, 2, 500);
  javm_slot_cap slots[8];
  memcpy(slots, authority(), sizeof slots);
  slots[2].cap = gas(2);
  javm_cap *child = instance_of(".gas_slot 6\n" SET_METER(1, 10) "ecalli 0\n", slots);
  guest_invoke(&g, authority_with(".gas_slot 6\n" CALL_CHILD "ecalli 36\necalli 0\n", child), 0, NO_ARGS, 0);
  assert_halted(&g, 9);
  assert_int_equal(guest_meter(&g, 1), 8);
  assert_int_equal(guest_meter(&g, 2), 494);
}

static void meter_set_to_nothing_ends_the_run(void **state) {
  (void)state;
  guest_set_meter(&g, 1, 1000);
  guest_invoke(&g, instance_of(".gas_slot 6\n" SET_METER(1, 0) "load_imm a0, 1\necalli 0\n", authority()), 0, NO_ARGS,
               0);
  assert_faulted(&g, JAVM_EXIT_OUT_OF_GAS);
  assert_int_equal(g.result.gas_used, 5);
  assert_int_equal(guest_meter(&g, 1), 995); /* the set is undone, the gas is not given back */
}

static void largest_meter_is_a_budget(void **state) {
  (void)state;
  guest_set_meter(&g, 1, 6);
  guest_invoke(&g, instance_of(".gas_slot 6\n" SET_METER(1, 0xffffffffffffffff) "ecalli 36\necalli 0\n", authority()),
               0, NO_ARGS, 0);
  assert_halted(&g, UINT64_MAX - 1);
  assert_int_equal(guest_meter(&g, 1), UINT64_MAX - 2);
}

/* ---- what they did is undone ---- */

static void what_a_fault_ends_has_set_nothing(void **state) {
  (void)state;
  guest_set_meter(&g, 5, 77);
  guest_set_quota(&g, 5, 99);
  guest_invoke(&g,
               instance_of(SET_METER(5, 1) SET_METER(5, 1000) SET_METER(5, 30) SET_QUOTA(5, 1) SET_QUOTA(5, 2) "trap\n",
                           authority()),
               0, NO_ARGS, GAS);
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_int_equal(guest_meter(&g, 5), 77);
  assert_int_equal(guest_quota(&g, 5), 99);
}

static void childs_sets_stay_with_it(void **state) {
  (void)state;
  guest_set_meter(&g, 5, 77);
  javm_cap *bad = instance_of(SET_METER(5, 1000) "trap\n", authority());
  javm_cap *good = instance_of(SET_METER(5, 500) "ecalli 0\n", authority());
  guest_invoke(&g, authority_with(SET_METER(5, 100) CALL_CHILD REPLY_BOTH, bad), 0, NO_ARGS, GAS);
  assert_halted(&g, RESULT(1, 2));
  assert_int_equal(guest_meter(&g, 5), 100); /* what the caller did stays */
  guest_invoke(&g, authority_with(CALL_CHILD "trap\n", good), 0, NO_ARGS, GAS);
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_int_equal(guest_meter(&g, 5), 100); /* a child that ended well goes with its caller */
  guest_invoke(&g, authority_with(CALL_CHILD "ecalli 0\n", good), 0, NO_ARGS, GAS);
  assert_halted(&g, 100);
  assert_int_equal(guest_meter(&g, 5), 500);
}

static javm_host_action add_to_meter(void *ctx, javm_host_call *call) {
  (void)ctx;
  guest_set_meter(&g, javm_host_arg(call, 0), guest_meter(&g, javm_host_arg(call, 0)) + javm_host_arg(call, 1));
  guest_set_quota(&g, javm_host_arg(call, 0), guest_quota(&g, javm_host_arg(call, 0)) + javm_host_arg(call, 1));
  return JAVM_HOST_RETURN;
}
#define HOST_ADDS(id, value) "load_imm a0, " #id "\nload_imm a1, " #value "\necalli 64\n"

static void undoing_a_set_leaves_what_others_did_meanwhile(void **state) {
  (void)state;
  assert_int_equal(javm_vm_register(g.vm, 64, "add", add_to_meter, NULL), JAVM_OK);
  const struct {
    const char *text;
    uint64_t left;
  } cases[] = {{SET_METER(5, 1000) SET_QUOTA(5, 1000) HOST_ADDS(5, 7) "trap\n", 107},
               {SET_METER(5, 20) SET_QUOTA(5, 20) HOST_ADDS(5, 7) "trap\n", 107},
               {SET_METER(5, 20) SET_QUOTA(5, 20) HOST_ADDS(5, -15) "trap\n", 85},
               {SET_METER(5, 1000) SET_QUOTA(5, 1000) HOST_ADDS(5, -990) "trap\n", 0}, /* 900 are not there any more */
               {SET_METER(5, 20) SET_QUOTA(5, 20) HOST_ADDS(5, -25) "trap\n", UINT64_MAX}}; /* 2^64 - 5, plus 80 */
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    guest_set_meter(&g, 5, 100);
    guest_set_quota(&g, 5, 100);
    guest_invoke(&g, instance_of(cases[i].text, authority()), 0, NO_ARGS, GAS);
    assert_faulted(&g, JAVM_EXIT_TRAP);
    assert_int_equal(guest_meter(&g, 5), cases[i].left);
    assert_int_equal(guest_quota(&g, 5), cases[i].left);
  }
}

#define SPIN10 "load_imm s0, 10\nfallthrough\nspin:\n add_imm_64 s0, s0, -1\n branch_ne_imm s0, 0, spin\n"

static void gas_that_was_spent_of_what_a_set_gave_is_gone(void **state) {
  (void)state;
  guest_set_meter(&g, 1, 20);
  guest_invoke(&g, instance_of(".gas_slot 6\n" SET_METER(1, 1000) SPIN10 "trap\n", authority()), 0, NO_ARGS, 0);
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_int_equal(g.result.gas_used, 28);
  assert_int_equal(guest_meter(&g, 1), 0); /* 20 - 28 */
}

/* Reads the Data in slot 20, whose page is not in the directory. */
#define MISS "load_imm a0, 20\nload_imm a1, 0x10000\nload_imm a2, 8\nload_imm a3, 0\necalli 22\necalli 0\n"
#define BUFFER ".mapping ephemeral 0x10000 4096\n"

static javm_cap *absent_data(void) {
  javm_hash hash = {{1, 2, 3}};
  return guest_by_hash(&g, &hash);
}

static void error_undoes_sets_and_gas_exactly(void **state) {
  (void)state;
  /* the set's surplus is spent, also by a child that then faults; the meter goes up to the most; it goes down */
  const char *texts[] = {
      ".gas_slot 6\n" BUFFER SET_METER(1, 1000) SPIN10 MISS,
      ".gas_slot 6\n" BUFFER CALL_CHILD MISS,
      ".gas_slot 6\n" BUFFER SPIN10 SET_METER(1, 0xffffffffffffffff) "add_64 a0, a0, a0\n" MISS,
      ".gas_slot 6\n" BUFFER SET_METER(1, 190) SET_METER(1, 140) SET_QUOTA(1, 5) CALL_CHILD MISS,
      BUFFER SET_METER(1, 0xffffffffffffffff) CALL_CHILD SET_METER(1, 3) MISS,
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    javm_cap *child = instance_of(".gas_slot 6\n" SET_METER(1, 30) SPIN10 "trap\n", authority());
    javm_slot_cap slots[8];
    memcpy(slots, authority(), sizeof slots);
    slots[4] = (javm_slot_cap){CHILD, child};
    slots[5] = (javm_slot_cap){20, absent_data()};
    slots[6] = (javm_slot_cap){0, NULL};
    guest_set_meter(&g, 1, 137);
    guest_set_quota(&g, 1, 10000);
    assert_int_equal(guest_try(&g, instance_of(texts[i], slots), 0, NO_ARGS, GAS), JAVM_VALUE_NOT_FOUND);
    assert_int_equal(guest_meter(&g, 1), 137);
    assert_int_equal(guest_quota(&g, 1), 10000);
    assert_depth(&g, 0);
  }
}

static void error_undoes_also_what_a_fault_could_not_take_back(void **state) {
  (void)state;
  /* the child spends 23 of the 1000, and leaves nothing of the 20 that were there */
  javm_cap *child = instance_of(".gas_slot 6\n" SET_METER(1, 1000) SPIN10 "trap\n", authority());
  javm_slot_cap slots[] = {{CHILD, child}, {20, guest_data(&g, "x")}, {0, NULL}};
  guest_set_meter(&g, 1, 20);
  guest_invoke(&g, instance_of(BUFFER CALL_CHILD MISS, slots), 0, NO_ARGS, GAS);
  assert_halted(&g, 8);
  assert_int_equal(guest_meter(&g, 1), 0);
  guest_set_meter(&g, 1, 20);
  slots[1].cap = absent_data();
  assert_int_equal(guest_try(&g, instance_of(BUFFER CALL_CHILD MISS, slots), 0, NO_ARGS, GAS), JAVM_VALUE_NOT_FOUND);
  assert_int_equal(guest_meter(&g, 1), 20);
}

/* ---- handles ---- */

static void mint_gas_and_mint_quota_give_handles_in_slot_0(void **state) {
  (void)state;
  const javm_kernel_image mints[] = {JAVM_KERNEL_MINT_GAS, JAVM_KERNEL_MINT_QUOTA};
  const javm_kernel_image handles[] = {JAVM_KERNEL_GAS, JAVM_KERNEL_QUOTA};
  for (int i = 0; i < 2; i++) {
    javm_cap *caller =
        instance_of("load_imm a0, 12\nload_imm_64 a2, 0xfedcba9876543210\nload_imm a1, 0\n" CALL REPLY_BOTH,
                    SLOTS({0, guest_data(&g, "x")}, {MINT, kernel(mints[i])}));
    guest_invoke(&g, caller, 0, NO_ARGS, GAS);
    assert_halted(&g, 0);
    assert_same_cap(&g, g.result.slot0, guest_kernel(&g, handles[i], UINT64_C(0xfedcba9876543210)));
  }
}

static void minted_handle_opens_its_meter(void **state) {
  (void)state;
  guest_set_meter(&g, 9, 500);
  /* mints gas handle 9, puts it into the child's gas slot by its slot 0: the child moves it there and calls its own child */
  javm_cap *inner = instance_of(".gas_slot 0\necalli 36\necalli 0\n", NO_SLOTS);
  guest_invoke(&g,
               instance_of("load_imm a2, 9\n" ASK(12, 0) CALL_CHILD "ecalli 0\n",
                           SLOTS({CHILD, inner}, {MINT, kernel(JAVM_KERNEL_MINT_GAS)})),
               0, NO_ARGS, GAS);
  assert_halted(&g, 499);
  assert_int_equal(guest_meter(&g, 9), 498);
}

static void minted_handle_is_dropped_where_slot_0_is_pinned(void **state) {
  (void)state;
  javm_cap *caller =
      instance_of(".pinned 0 data \"pin\"\n" ASK(12, 0) REPLY_BOTH, SLOTS({MINT, kernel(JAVM_KERNEL_MINT_GAS)}));
  guest_invoke(&g, caller, 0, NO_ARGS, GAS);
  assert_halted(&g, 0);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 0), guest_data(&g, "pin"));
}

/* ---- catchers ---- */

static void create_yield_catcher_never_gives_a_number_twice(void **state) {
  (void)state;
  javm_cap *caller = instance_of(ASK(13, 0) "load_imm a0, 0\nload_imm a1, 20\necalli 2\n" ASK(13, 0) REPLY_BOTH,
                                 SLOTS({CREATE, kernel(JAVM_KERNEL_CREATE_YIELD_CATCHER)}));
  guest_invoke(&g, caller, 0, NO_ARGS, GAS);
  assert_halted(&g, 0);
  javm_instance_spec first = guest_view(&g, guest_slot(&g, guest_post(&g), 20)),
                     second = guest_view(&g, g.result.slot0);
  assert_same_cap(&g, g.result.slot0, guest_kernel(&g, JAVM_KERNEL_YIELDCATCHER, second.regs[7]));
  assert_int_not_equal(first.regs[7], second.regs[7]);
  guest_invoke(&g, instance_of(ASK(13, 0) "trap\n", SLOTS({CREATE, kernel(JAVM_KERNEL_CREATE_YIELD_CATCHER)})), 0,
               NO_ARGS, GAS);
  assert_faulted(&g, JAVM_EXIT_TRAP); /* its number stays given */
  guest_invoke(&g, instance_of(ASK(13, 0) "ecalli 0\n", SLOTS({CREATE, kernel(JAVM_KERNEL_CREATE_YIELD_CATCHER)})), 0,
               NO_ARGS, GAS);
  assert_int_equal(guest_view(&g, g.result.slot0).regs[7], second.regs[7] + 2);
}

static javm_cap *catcher(uint64_t number) { return guest_kernel(&g, JAVM_KERNEL_YIELDCATCHER, number); }

static javm_cap *markers[4]; /* Data "0" to "3" */
static void make_markers(void) {
  for (int i = 0; i < 4; i++) markers[i] = guest_data(&g, (const char[2]){(char)('0' + i), 0});
}

/* Copies slot 15 + n to slot 0 and asks the catcher in slot 8 to add or remove that. */
#define MARKER(n) "load_imm a0, " #n "\nadd_imm_64 a0, a0, 15\nload_imm a1, 0\necalli 1\n"
#define ADD(n) MARKER(n) ASK(8, 0)
#define REMOVE(n) MARKER(n) ASK(8, 1)
#define READ ASK(8, 2)

static javm_cap *keeper(const char *text, javm_cap *child) {
  make_markers();
  return instance_of(text,
                     SLOTS({CATCHER_SLOT, catcher(1)}, {15, markers[0]}, {16, markers[1]}, {17, markers[2]},
                           {18, markers[3]}, {20, absent_data()}, {child ? CHILD : 21, child ? child : markers[0]}));
}

/* The list of catcher 1 is that of the digits. */
static void assert_list(const char *digits) {
  javm_hash key = guest_hash(&g, catcher(1));
  assert_int_equal(g.assist->yield_catcher_count(g.assist->ctx, &key), strlen(digits));
  for (size_t i = 0; digits[i]; i++) {
    javm_hash marker;
    g.assist->yield_catcher_marker(g.assist->ctx, &key, i, &marker);
    assert_same_hash(marker, guest_hash(&g, markers[digits[i] - '0']));
  }
}

static void fill_list(const char *digits) {
  make_markers();
  javm_hash key = guest_hash(&g, catcher(1)), marker;
  while (g.assist->yield_catcher_count(g.assist->ctx, &key)) {
    g.assist->yield_catcher_marker(g.assist->ctx, &key, 0, &marker);
    g.assist->yield_catcher_remove(g.assist->ctx, &key, &marker);
  }
  for (; *digits; digits++) {
    marker = guest_hash(&g, markers[*digits - '0']);
    guest_catches(&g, catcher(1), &marker);
  }
}

static void marker_is_added_and_stays_in_slot_0(void **state) {
  (void)state;
  guest_invoke(&g, keeper(ADD(2) ADD(0) ADD(2) ADD(1) REPLY_BOTH, NULL), 0, NO_ARGS, GAS);
  assert_halted(&g, 0);
  assert_same_cap(&g, g.result.slot0, markers[1]);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), CATCHER_SLOT), catcher(1));
  assert_list("201"); /* in order of adding, none twice */
}

static void marker_is_removed_and_stays_in_slot_0(void **state) {
  (void)state;
  fill_list("3120");
  guest_invoke(&g, keeper(REMOVE(1) REMOVE(1) REMOVE(0) REPLY_BOTH, NULL), 0, NO_ARGS, GAS);
  assert_halted(&g, 0);
  assert_same_cap(&g, g.result.slot0, markers[0]);
  assert_list("32");
  guest_invoke(&g, keeper(REMOVE(3) ADD(1) ADD(3) REPLY_BOTH, NULL), 0, NO_ARGS, GAS);
  assert_halted(&g, 0);
  assert_list("213");
}

static void marker_known_by_its_hash_only_can_be_added(void **state) {
  (void)state;
  javm_hash key, got, list;
  javm_kernel_hash(JAVM_KERNEL_OOG_MARKER, &key);
  guest_invoke(&g, instance_of(ASK(8, 0) REPLY_BOTH, SLOTS({0, guest_by_hash(&g, &key)}, {CATCHER_SLOT, catcher(1)})),
               0, NO_ARGS, GAS);
  assert_halted(&g, 0);
  list = guest_hash(&g, catcher(1));
  g.assist->yield_catcher_marker(g.assist->ctx, &list, 0, &got);
  assert_same_hash(got, key);
}

static void read_gives_the_keys_as_data(void **state) {
  (void)state;
  fill_list("3120");
  guest_invoke(&g, keeper(READ REPLY_BOTH, NULL), 0, NO_ARGS, GAS);
  assert_halted(&g, 0);
  uint32_t pages;
  uint8_t bytes[JAVM_PAGE_BYTES] = {0}, expected[JAVM_PAGE_BYTES] = {0};
  assert_int_equal(javm_data_page_count(g.dir, g.result.slot0, &pages), JAVM_OK);
  assert_int_equal(pages, 1);
  assert_int_equal(javm_data_read(g.dir, g.result.slot0, 0, bytes, sizeof bytes, &g.error), JAVM_OK);
  for (int i = 0; i < 4; i++) {
    javm_hash hash = guest_hash(&g, markers["3120"[i] - '0']);
    memcpy(expected + 32 * i, hash.bytes, 32);
  }
  assert_memory_equal(bytes, expected, sizeof bytes);
}

static void read_of_an_empty_list_is_a_data_of_no_pages(void **state) {
  (void)state;
  guest_invoke(&g, keeper(READ REPLY_BOTH, NULL), 0, NO_ARGS, GAS);
  assert_halted(&g, 0);
  assert_same_cap(&g, g.result.slot0, guest_data(&g, ""));
}

static void read_of_a_long_list_has_many_pages(void **state) {
  (void)state;
  javm_hash key = {{0}};
  for (int i = 0; i < 129; i++) {
    key.bytes[0] = (uint8_t)(i + 1);
    guest_catches(&g, catcher(1), &key);
  }
  guest_invoke(&g, keeper(READ REPLY_BOTH, NULL), 0, NO_ARGS, GAS);
  assert_halted(&g, 0);
  uint32_t pages;
  uint8_t last[33];
  assert_int_equal(javm_data_page_count(g.dir, g.result.slot0, &pages), JAVM_OK);
  assert_int_equal(pages, 2);
  assert_int_equal(javm_data_read(g.dir, g.result.slot0, 4096, last, 33, &g.error), JAVM_OK);
  assert_int_equal(last[0], 129);
  assert_int_equal(last[32], 0);
}

static void created_catcher_catches_what_was_added(void **state) {
  (void)state;
  g.config.yield_mode = JAVM_YIELD_TO_CATCHER;
  guest_vm(&g);
  make_markers();
  javm_cap *yielder = instance_of("load_imm a0, 4\necalli 16\nload_imm a0, 44\necalli 0\n", SLOTS({4, markers[1]}));
  /* creates a catcher, moves it to its marker slot, adds two markers, calls: caught with the second's index */
  javm_cap *caller = instance_of(
      ".yield_marker_slot 8\n" ASK(13, 0) "load_imm a0, 0\nload_imm a1, 8\necalli 2\n" ADD(0) ADD(1)
          CALL_CHILD REPLY_BOTH,
      SLOTS({CREATE, kernel(JAVM_KERNEL_CREATE_YIELD_CATCHER)}, {15, markers[0]}, {16, markers[1]}, {CHILD, yielder}));
  guest_invoke(&g, caller, 0, NO_ARGS, GAS);
  assert_halted(&g, RESULT(1, 1));
}

static void copies_of_a_catcher_are_one(void **state) {
  (void)state;
  guest_invoke(&g, keeper("load_imm a0, 8\nload_imm a1, 30\necalli 1\n" MARKER(3) ASK(30, 0) READ REPLY_BOTH, NULL), 0,
               NO_ARGS, GAS);
  assert_halted(&g, 0);
  assert_list("3");
  javm_hash hash = guest_hash(&g, markers[3]), got;
  assert_int_equal(javm_data_read(g.dir, g.result.slot0, 0, got.bytes, 32, &g.error), JAVM_OK);
  assert_same_hash(got, hash);
}

static void catcher_without_a_marker_traps_in_the_callee(void **state) {
  (void)state;
  fill_list("3120");
  guest_invoke(&g, instance_of(ASK(8, 0) REPLY_BOTH, SLOTS({CATCHER_SLOT, catcher(1)})), 0, NO_ARGS, GAS);
  assert_halted(&g, RESULT(1, 2));
  guest_invoke(&g, instance_of(ASK(8, 1) REPLY_BOTH, SLOTS({CATCHER_SLOT, catcher(1)})), 0, NO_ARGS, GAS);
  assert_halted(&g, RESULT(1, 2));
  const char *pinned[] = {".pinned 0 data \"3\"\n" ASK(8, 0) REPLY_BOTH, ".pinned 0 data \"3\"\n" ASK(8, 1) REPLY_BOTH};
  for (int i = 0; i < 2; i++) { /* nothing moves from a pinned slot 0 */
    guest_invoke(&g, instance_of(pinned[i], SLOTS({CATCHER_SLOT, catcher(1)})), 0, NO_ARGS, GAS);
    assert_halted(&g, RESULT(1, 2));
  }
  assert_list("3120");
}

static void markers_are_as_before_after_a_fault(void **state) {
  (void)state;
  const struct {
    const char *text, *list;
  } cases[] = {
      {ADD(3) "trap\n", "012"},
      {ADD(3) ADD(1) "trap\n", "012"},
      {REMOVE(0) "trap\n", "012"},
      {REMOVE(1) "trap\n", "012"},
      {REMOVE(2) "trap\n", "012"},
      {REMOVE(0) REMOVE(2) REMOVE(1) "trap\n", "012"},
      {REMOVE(0) ADD(0) ADD(3) REMOVE(2) ADD(2) REMOVE(0) "trap\n", "012"},
      {REMOVE(0) ADD(0) CALL_CHILD "ecalli 0\n", "120"},
      {REMOVE(1) CALL_CHILD "trap\n", "012"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fill_list("012");
    javm_cap *child = keeper(REMOVE(0) ADD(3) REMOVE(2) ADD(0) "trap\n", NULL);
    guest_invoke(&g, keeper(cases[i].text, child), 0, NO_ARGS, GAS);
    assert_list(cases[i].list);
    const char *end = strstr(cases[i].text, "trap");
    if (!end) continue;
    fill_list("012"); /* an error undoes it as well */
    char text[4000];
    snprintf(text, sizeof text, BUFFER "%.*s" MISS, (int)(end - cases[i].text), cases[i].text);
    assert_int_equal(guest_try(&g, keeper(text, child), 0, NO_ARGS, GAS), JAVM_VALUE_NOT_FOUND);
    assert_list("012");
  }
}

static javm_host_action other_marker(void *ctx, javm_host_call *call) {
  (void)ctx;
  javm_hash key = guest_hash(&g, catcher(1)), marker = guest_hash(&g, markers[javm_host_arg(call, 0)]);
  if (javm_host_arg(call, 1)) return g.assist->yield_catcher_remove(g.assist->ctx, &key, &marker), JAVM_HOST_RETURN;
  guest_catches(&g, catcher(1), &marker);
  return JAVM_HOST_RETURN;
}

static void markers_that_others_change_meanwhile_stay_changed(void **state) {
  (void)state;
  assert_int_equal(javm_vm_register(g.vm, 64, "marker", other_marker, NULL), JAVM_OK);
#define OTHER(n, removes) "load_imm a0, " #n "\nload_imm a1, " #removes "\necalli 64\n"
  const struct {
    const char *text, *list;
  } cases[] = {
      {REMOVE(1) OTHER(3, 0) "trap\n", "0123"},
      {REMOVE(1) OTHER(1, 0) "trap\n", "021"},           /* the other's */
      {REMOVE(2) OTHER(0, 1) OTHER(1, 1) "trap\n", "2"}, /* its place is gone */
      {ADD(3) OTHER(3, 1) "trap\n", "012"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fill_list("012");
    guest_invoke(&g, keeper(cases[i].text, NULL), 0, NO_ARGS, GAS);
    assert_faulted(&g, JAVM_EXIT_TRAP);
    assert_list(cases[i].list);
  }
}

static void what_a_dropped_yielder_did_is_undone(void **state) {
  (void)state;
  make_markers();
  guest_set_meter(&g, 5, 77);
  javm_cap *yielder = instance_of(SET_METER(5, 1000) ADD(2) "load_imm a0, 16\necalli 16\necalli 0\n",
                                  SLOTS({SETTER, kernel(JAVM_KERNEL_SET_GAS_METER)}, {CATCHER_SLOT, catcher(1)},
                                        {16, markers[1]}, {17, markers[2]}));
  javm_cap *caller = keeper(".yield_marker_slot 8\n" ADD(1) CALL_CHILD REPLY_BOTH, yielder);
  guest_invoke(&g, caller, 0, NO_ARGS, GAS);
  assert_paused(&g, JAVM_PAUSE_YIELD);
  assert_list("12");
  assert_int_equal(guest_meter(&g, 5), 1000);
  guest_drop(&g);
  assert_halted(&g, RESULT(0, 2));
  assert_list("1");
  assert_int_equal(guest_meter(&g, 5), 77);
}

static void undoing_changes_the_meter_that_the_catcher_spends(void **state) {
  (void)state;
  g.config.yield_mode = JAVM_YIELD_TO_CATCHER;
  guest_vm(&g);
  make_markers();
  javm_hash key = guest_hash(&g, markers[1]);
  guest_catches(&g, catcher(1), &key);
  javm_cap *yielder = instance_of(SET_METER(1, 1000) "load_imm a0, 16\necalli 16\necalli 0\n",
                                  SLOTS({SETTER, kernel(JAVM_KERNEL_SET_GAS_METER)}, {16, markers[1]}));
  javm_cap *caller = instance_of(".gas_slot 6\n.yield_marker_slot 8\n" CALL_CHILD "ecalli 28\necalli 36\necalli 0\n",
                                 SLOTS({CHILD, yielder}, {METER_SLOT, gas(1)}, {CATCHER_SLOT, catcher(1)}));
  guest_set_meter(&g, 1, 200);
  guest_invoke(&g, caller, 0, NO_ARGS, 0);
  assert_halted(&g, 200 - 3 - 5 - 2 - 2); /* what all have spent, but no more than they had */
  assert_int_equal(guest_meter(&g, 1), 200 - 3 - 5 - 2 - 3);
}

/* ---- refusals ---- */

static void refused(javm_cap *callee, uint64_t endpoint, javm_refusal why) {
  javm_cap *x = guest_data(&g, "x");
  guest_invoke(&g, guest_instance(&g, guest_operation(&g, 26), SLOTS({0, x}, {3, callee})), 0, ARGS(3, endpoint), GAS);
  assert_refused(&g, why, 26);
  assert_same_cap(&g, g.result.slot0, x);
}

static void endpoint_that_a_kernel_instance_has_not_is_refused(void **state) {
  (void)state;
  for (int k = 0; k < JAVM_KERNEL_COUNT; k++) {
    bool one = k >= JAVM_KERNEL_SET_GAS_METER && k <= JAVM_KERNEL_CREATE_YIELD_CATCHER;
    uint64_t count = k == JAVM_KERNEL_YIELDCATCHER ? 3 : one;
    refused(kernel((javm_kernel_image)k), count, JAVM_REFUSAL_ENDPOINT);
    refused(kernel((javm_kernel_image)k), 256, JAVM_REFUSAL_ENDPOINT);
    refused(kernel((javm_kernel_image)k), UINT64_MAX, JAVM_REFUSAL_ENDPOINT);
  }
}

static void kernel_call_needs_an_assist(void **state) {
  (void)state;
  g.config.assist = NULL;
  guest_vm(&g);
  for (int k = 0; k < JAVM_KERNEL_COUNT; k++) refused(kernel((javm_kernel_image)k), 0, JAVM_REFUSAL_KERNEL_CALL);
  assert_string_equal(javm_refusal_text(JAVM_REFUSAL_KERNEL_CALL),
                      "a kernel instance cannot be called without a kernel assist");
}

static void kernel_call_needs_no_depth(void **state) {
  (void)state;
  g.config.max_depth = 1;
  guest_vm(&g);
  guest_invoke(&g, instance_of(SET_METER(5, 9) REPLY_BOTH, authority()), 0, NO_ARGS, GAS);
  assert_halted(&g, 0);
  assert_int_equal(guest_meter(&g, 5), 9);
}

static void kernel_instance_is_called_through_nested_cnodes(void **state) {
  (void)state;
  javm_cap *nest = guest_cnode_of(&g, 3, SLOTS({7, kernel(JAVM_KERNEL_SET_GAS_METER)}));
  guest_set_meter(&g, 5, 4);
  guest_invoke(&g, guest_instance(&g, guest_operation(&g, 26), SLOTS({2, nest})), 0, ARGS(PATH1(2, 7), 0, 5, 6), GAS);
  assert_halted(&g, 4);
  assert_int_equal(guest_meter(&g, 5), 6);
}

static void chain_alone_makes_a_kernel_instance(void **state) {
  (void)state;
  javm_instance_spec spec = guest_view(&g, instance_of("trap\n", NO_SLOTS)); /* its code is not run */
  javm_kernel_hash(JAVM_KERNEL_SET_GAS_METER, &spec.image_hash_chain);
  guest_invoke(&g, guest_instance(&g, guest_operation(&g, 26), SLOTS({3, guest_make(&g, &spec)})), 0, ARGS(3, 0, 5, 6),
               GAS);
  assert_halted(&g, 0);
  assert_int_equal(guest_meter(&g, 5), 6);
}

static void host_cannot_invoke_a_kernel_instance(void **state) {
  (void)state;
  assert_int_equal(guest_try(&g, kernel(JAVM_KERNEL_SET_GAS_METER), 0, ARGS(5, 6), GAS), JAVM_IMAGE_NOT_FOUND);
  assert_int_equal(guest_meter(&g, 5), 0);
}

static javm_status starve_status;
static javm_status starving_set(void *ctx, uint64_t id, uint64_t value, uint64_t *previous) {
  (void)ctx, (void)id, (void)value, (void)previous;
  return starve_status;
}
static javm_status starving_add(void *ctx, const javm_hash *c, const javm_hash *marker) {
  (void)ctx, (void)c, (void)marker;
  return starve_status;
}

static void assist_that_fails_is_an_error_and_changes_nothing(void **state) {
  (void)state;
  javm_assist starving = *g.assist;
  starving.storage_quota_set = starving_set;
  starving.yield_catcher_add = starving_add;
  starve_status = JAVM_OUT_OF_MEMORY;
  g.config.assist = &starving;
  guest_vm(&g);
  guest_set_meter(&g, 1, 1000);
  guest_set_quota(&g, 5, 77);
  assert_int_equal(guest_try(&g, instance_of(SET_METER(1, 6) SET_QUOTA(5, 8), authority()), 0, NO_ARGS, GAS),
                   JAVM_OUT_OF_MEMORY);
  assert_int_equal(guest_quota(&g, 5), 77);
  assert_int_equal(guest_meter(&g, 1), 1000);
  fill_list("0");
  assert_int_equal(guest_try(&g, keeper(REMOVE(0) ADD(1), NULL), 0, NO_ARGS, GAS), JAVM_OUT_OF_MEMORY);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(set_gas_meter_gives_the_previous_value),
      T(set_storage_quota_gives_the_previous_value),
      T(slot_0_comes_back_from_a_setter_and_the_callee_stays),
      T(running_entrys_own_meter_is_exact_before_and_after),
      T(own_meter_is_exact_in_every_gas_model),
      T(meter_of_a_caller_is_the_running_entrys_too),
      T(meter_of_a_waiting_caller_is_set_under_it),
      T(meter_set_to_nothing_ends_the_run),
      T(largest_meter_is_a_budget),
      T(what_a_fault_ends_has_set_nothing),
      T(childs_sets_stay_with_it),
      T(undoing_a_set_leaves_what_others_did_meanwhile),
      T(gas_that_was_spent_of_what_a_set_gave_is_gone),
      T(error_undoes_sets_and_gas_exactly),
      T(error_undoes_also_what_a_fault_could_not_take_back),
      T(mint_gas_and_mint_quota_give_handles_in_slot_0),
      T(minted_handle_opens_its_meter),
      T(minted_handle_is_dropped_where_slot_0_is_pinned),
      T(create_yield_catcher_never_gives_a_number_twice),
      T(marker_is_added_and_stays_in_slot_0),
      T(marker_is_removed_and_stays_in_slot_0),
      T(marker_known_by_its_hash_only_can_be_added),
      T(read_gives_the_keys_as_data),
      T(read_of_an_empty_list_is_a_data_of_no_pages),
      T(read_of_a_long_list_has_many_pages),
      T(created_catcher_catches_what_was_added),
      T(copies_of_a_catcher_are_one),
      T(catcher_without_a_marker_traps_in_the_callee),
      T(markers_are_as_before_after_a_fault),
      T(markers_that_others_change_meanwhile_stay_changed),
      T(what_a_dropped_yielder_did_is_undone),
      T(undoing_changes_the_meter_that_the_catcher_spends),
      T(endpoint_that_a_kernel_instance_has_not_is_refused),
      T(kernel_call_needs_an_assist),
      T(kernel_call_needs_no_depth),
      T(kernel_instance_is_called_through_nested_cnodes),
      T(chain_alone_makes_a_kernel_instance),
      T(host_cannot_invoke_a_kernel_instance),
      T(assist_that_fails_is_an_error_and_changes_nothing),
  };
  return cmocka_run_group_tests_name("kernel calls", tests, NULL, NULL);
}
