/* Gas: counters and meters (6-kernel.md 6.2), out of gas as a yield (4-vm.md 4.5), add_gas. */
#include "support/guest.h"

static guest g;
static javm_cap *catcher, *marker_handle; /* a catcher that holds the kernel's out-of-gas marker */

static int setup(void **state) {
  (void)state;
  guest_open(&g);
  javm_hash key;
  javm_kernel_hash(JAVM_KERNEL_OOG_MARKER, &key);
  catcher = guest_catcher(&g, 1, &key);
  marker_handle = guest_by_hash(&g, &key);
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

static javm_cap *gas(uint64_t id) { return guest_kernel(&g, JAVM_KERNEL_GAS, id); }

#define METERED ".gas_slot 6\n"
#define CATCH ".yield_marker_slot 8\n"
#define CALL3 "load_imm a0, 3\nload_imm a1, 0\necalli 26\n"
#define REPLY_BOTH "shlo_l_imm_64 a1, a1, 32\nadd_64 a0, a0, a1\necalli 0\n"
#define RESULT(value, status) ((uint64_t)(value) + ((uint64_t)(status) << 32))
#define FOUR "load_imm a0, 1\nload_imm a0, 2\nload_imm a0, 3\necalli 0\n"
/* 1 + 3 * 10 + 2 instructions; replies with 10. */
#define LOOP                                                                                                           \
  "load_imm a0, 0\nfallthrough\nagain:\n  add_imm_64 a0, a0, 1\n  fallthrough\n  branch_ne_imm a0, 10, again\necalli " \
  "0\n"
#define LOOP_GAS 33

/* ---- meters ---- */

static void entry_with_a_gas_handle_is_debited_from_its_meter(void **state) {
  (void)state;
  guest_set_meter(&g, 77, 1000);
  guest_invoke(&g, instance_of(METERED FOUR, SLOTS({6, gas(77)})), 0, NO_ARGS, 0); /* no budget is needed */
  assert_halted(&g, 3);
  assert_int_equal(guest_meter(&g, 77), 996);
  assert_int_equal(g.result.gas_used, 4);
  assert_int_equal(guest_view(&g, guest_post(&g)).gas_remaining, 996);
}

static void gas_is_spent_also_at_a_fault(void **state) {
  (void)state;
  guest_set_meter(&g, 77, 1000);
  guest_invoke(&g, instance_of(METERED "load_imm a0, 1\ntrap\n", SLOTS({6, gas(77)})), 0, NO_ARGS, 5);
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_int_equal(guest_meter(&g, 77), 998);
}

static void first_gas_slot_counts_and_no_other(void **state) {
  (void)state;
  guest_set_meter(&g, 1, 100);
  guest_set_meter(&g, 2, 100);
  const char *text = ".gas_slot 7\n.gas_slot 6\n" FOUR;
  guest_invoke(&g, instance_of(text, SLOTS({6, gas(1)}, {7, gas(2)})), 0, NO_ARGS, 50);
  assert_halted(&g, 3);
  assert_int_equal(guest_meter(&g, 1), 100);
  assert_int_equal(guest_meter(&g, 2), 96);
  guest_invoke(&g, instance_of(text, SLOTS({6, gas(1)})), 0, NO_ARGS, 50);
  assert_halted(&g, 3);
  assert_int_equal(guest_meter(&g, 1), 100);
  assert_int_equal(guest_view(&g, guest_post(&g)).gas_remaining, 46);
}

static void slot_without_a_gas_handle_means_the_counter(void **state) {
  (void)state;
  javm_cap *others[] = {NULL, guest_data(&g, "x"), guest_kernel(&g, JAVM_KERNEL_QUOTA, 5),
                        guest_kernel(&g, JAVM_KERNEL_GASMETER, 5)};
  guest_set_meter(&g, 5, 100);
  for (size_t i = 0; i < 4; i++) {
    guest_invoke(&g, instance_of(METERED FOUR, SLOTS({6, others[i]})), 0, NO_ARGS, 50);
    assert_halted(&g, 3);
    assert_int_equal(guest_view(&g, guest_post(&g)).gas_remaining, 46);
  }
  assert_int_equal(guest_meter(&g, 5), 100);
  g.config.assist = NULL;
  guest_vm(&g);
  guest_invoke(&g, instance_of(METERED FOUR, SLOTS({6, gas(5)})), 0, NO_ARGS, 50);
  assert_halted(&g, 3);
}

static void missing_meter_is_zero(void **state) {
  (void)state;
  guest_invoke(&g, instance_of(METERED FOUR, SLOTS({6, gas(123)})), 0, NO_ARGS, 50);
  assert_faulted(&g, JAVM_EXIT_OUT_OF_GAS);
  assert_int_equal(g.result.gas_used, 0);
}

static void child_without_a_handle_spends_its_callers_meter(void **state) {
  (void)state;
  guest_set_meter(&g, 77, 1000);
  javm_cap *child = instance_of("ecalli 36\necalli 0\n", NO_SLOTS);
  javm_cap *middle = instance_of(CALL3 REPLY_BOTH, SLOTS({3, child})); /* through one that has none */
  guest_invoke(&g, instance_of(METERED CALL3 REPLY_BOTH, SLOTS({3, middle}, {6, gas(77)})), 0, NO_ARGS, 0);
  assert_halted(&g, 1000 - 7);
  assert_int_equal(guest_meter(&g, 77), 1000 - 14);
}

static void child_with_a_handle_spends_its_own(void **state) {
  (void)state;
  guest_set_meter(&g, 77, 1000);
  javm_cap *child = instance_of(METERED FOUR, SLOTS({6, gas(77)}));
  guest_invoke(&g, instance_of(CALL3 REPLY_BOTH, SLOTS({3, child})), 0, NO_ARGS, 100);
  assert_halted(&g, 3);
  assert_int_equal(guest_meter(&g, 77), 996);
  assert_int_equal(guest_view(&g, guest_post(&g)).gas_remaining, 94);
  assert_int_equal(g.result.gas_used, 10);
}

static void two_entries_of_one_meter_share_it(void **state) {
  (void)state;
  guest_set_meter(&g, 77, 1000);
  javm_cap *child = instance_of(METERED "ecalli 36\necalli 0\n", SLOTS({6, gas(77)}));
  guest_invoke(&g, instance_of(METERED CALL3 "ecalli 36\necalli 0\n", SLOTS({3, child}, {6, gas(77)})), 0, NO_ARGS, 0);
  assert_halted(&g, 1000 - 6);
  assert_int_equal(guest_meter(&g, 77), 1000 - 7);
}

static uint64_t seen[2];

static javm_host_action see_meters(void *ctx, javm_host_call *call) {
  (void)ctx;
  seen[0] = guest_meter(&g, 1);
  seen[1] = javm_host_gas(call);
  return JAVM_HOST_RETURN;
}

static void meter_is_written_back_when_another_entry_runs(void **state) {
  (void)state;
  assert_int_equal(javm_vm_register(g.vm, 64, "see", see_meters, NULL), JAVM_OK);
  guest_set_meter(&g, 1, 1000);
  guest_set_meter(&g, 2, 500);
  javm_cap *child = instance_of(METERED "ecalli 64\necalli 0\n", SLOTS({6, gas(2)}));
  guest_invoke(&g, instance_of(METERED CALL3 REPLY_BOTH, SLOTS({3, child}, {6, gas(1)})), 0, NO_ARGS, 0);
  assert_int_equal(g.result.kind, JAVM_RESULT_HALT);
  assert_int_equal(seen[0], 997);
  assert_int_equal(seen[1], 499);
}

static void meter_is_loaded_when_the_entry_runs_again(void **state) {
  (void)state;
  guest_set_meter(&g, 1, 1000);
  javm_cap *mark = guest_data(&g, "m");
  javm_hash key = guest_hash(&g, mark);
  guest_catches(&g, catcher, &key);
  javm_cap *child = instance_of("load_imm a0, 1\necalli 16\necalli 0\n", SLOTS({1, mark}));
  guest_invoke(&g,
               instance_of(METERED CATCH CALL3 "ecalli 36\necalli 0\n", SLOTS({3, child}, {6, gas(1)}, {8, catcher})),
               0, NO_ARGS, 0);
  assert_paused(&g, JAVM_PAUSE_YIELD);
  assert_int_equal(guest_meter(&g, 1), 995);
  guest_set_meter(&g, 1, 50);
  guest_resume(&g, NULL);
  assert_halted(&g, 48);
  assert_int_equal(guest_meter(&g, 1), 47);
}

/* ---- out of gas ---- */

static void nobody_catches_out_of_gas_is_a_fault(void **state) {
  (void)state;
  guest_invoke(&g, instance_of(LOOP, NO_SLOTS), 0, NO_ARGS, LOOP_GAS - 1);
  assert_faulted(&g, JAVM_EXIT_OUT_OF_GAS);
  assert_int_equal(g.result.gas_used, LOOP_GAS - 1);
  guest_invoke(&g, instance_of(LOOP, NO_SLOTS), 0, NO_ARGS, LOOP_GAS);
  assert_halted(&g, 10);
}

static void entry_does_not_catch_its_own_out_of_gas(void **state) {
  (void)state;
  guest_invoke(&g, instance_of(CATCH LOOP, SLOTS({8, catcher})), 0, NO_ARGS, 10);
  assert_faulted(&g, JAVM_EXIT_OUT_OF_GAS);
}

static javm_cap *caller_of_metered(const char *text, uint64_t meter) {
  return instance_of(text, SLOTS({3, instance_of(METERED LOOP, SLOTS({6, gas(meter)}))}, {8, catcher}));
}

static void caught_out_of_gas_pauses_with_the_handle(void **state) {
  (void)state;
  guest_set_meter(&g, 5, 10);
  guest_invoke(&g, caller_of_metered(CATCH CALL3 REPLY_BOTH, 5), 0, NO_ARGS, 100);
  assert_paused(&g, JAVM_PAUSE_OUT_OF_GAS);
  assert_same_cap(&g, g.result.payload, gas(5));
  assert_depth(&g, 3);
  assert_int_equal(guest_meter(&g, 5), 0);
  javm_entry_view view;
  assert_int_equal(javm_vm_entry(g.vm, 2, &view), JAVM_OK);
  assert_int_equal(view.kind, JAVM_ENTRY_REFERENCE);
  assert_int_equal(view.target, 0);
}

static void resume_after_a_top_up_goes_on_exactly_there(void **state) {
  (void)state;
  for (int model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_INSTRUCTION; model++) {
    g.config.gas_model = (javm_gas_model)model;
    guest_vm(&g);
    javm_cap *a = caller_of_metered(CATCH CALL3 REPLY_BOTH, 5);
    guest_set_meter(&g, 5, GAS);
    guest_invoke(&g, a, 0, NO_ARGS, GAS);
    assert_halted(&g, 10);
    uint64_t used = g.result.gas_used, instructions = g.result.instructions, needed = GAS - guest_meter(&g, 5);
    javm_hash uninterrupted = guest_hash(&g, guest_slot(&g, guest_post(&g), 3));

    guest_set_meter(&g, 5, 0);
    guest_invoke(&g, a, 0, NO_ARGS, GAS);
    uint64_t used2 = g.result.gas_used, instructions2 = g.result.instructions, added = 0;
    int pauses = 0;
    while (g.result.kind == JAVM_RESULT_PAUSED) {
      assert_int_equal(g.result.pause, JAVM_PAUSE_OUT_OF_GAS);
      assert_int_equal(javm_vm_add_gas(g.vm, 3), JAVM_OK);
      added += 3;
      guest_resume(&g, NULL);
      used2 += g.result.gas_used;
      instructions2 += g.result.instructions;
      pauses++;
    }
    assert_halted(&g, 10);
    assert_in_range(pauses, 2, 1000);
    assert_int_equal(used2, used);
    assert_int_equal(instructions2, instructions);
    assert_int_equal(guest_meter(&g, 5), added - needed);
    /* The child is the same, but for the gas that the meter was left with. */
    javm_instance_spec child = guest_view(&g, guest_slot(&g, guest_post(&g), 3));
    assert_int_equal(child.gas_remaining, added - needed);
    child.gas_remaining = GAS - needed;
    assert_same_hash(guest_hash(&g, guest_make(&g, &child)), uninterrupted);
  }
}

static void resume_without_a_top_up_pauses_again(void **state) {
  (void)state;
  guest_set_meter(&g, 5, 10);
  guest_invoke(&g, caller_of_metered(CATCH CALL3 REPLY_BOTH, 5), 0, NO_ARGS, 100);
  guest_resume(&g, NULL);
  assert_paused(&g, JAVM_PAUSE_OUT_OF_GAS);
  assert_int_equal(g.result.gas_used, 0);
  assert_depth(&g, 3);
}

static void payload_without_a_handle_is_the_markers_hash(void **state) {
  (void)state;
  javm_cap *child = instance_of(LOOP, NO_SLOTS);
  guest_invoke(&g, instance_of(CATCH CALL3 REPLY_BOTH, SLOTS({3, child}, {8, catcher})), 0, NO_ARGS, 20);
  assert_paused(&g, JAVM_PAUSE_OUT_OF_GAS);
  assert_same_cap(&g, g.result.payload, marker_handle);
  assert_int_equal(javm_vm_add_gas(g.vm, 100), JAVM_OK); /* to the counter of the bottom */
  guest_resume(&g, NULL);
  assert_halted(&g, 10);
  assert_int_equal(guest_view(&g, guest_post(&g)).gas_remaining, 120 - LOOP_GAS - 6);
}

static void delivered_out_of_gas_has_the_markers_index(void **state) {
  (void)state;
  javm_hash first = guest_hash(&g, guest_data(&g, "first")), oog;
  javm_kernel_hash(JAVM_KERNEL_OOG_MARKER, &oog);
  javm_cap *two = guest_catcher(&g, 2, &first);
  guest_catches(&g, two, &oog);
  javm_cap *child = instance_of(METERED LOOP, SLOTS({6, gas(9)}));
  javm_cap *a = instance_of(CATCH CALL3 REPLY_BOTH, SLOTS({3, child}, {8, two}));
  guest_invoke(&g, a, 0, NO_ARGS, 100);
  guest_deliver(&g);
  assert_halted(&g, RESULT(1, 1));
  g.config.yield_mode = JAVM_YIELD_TO_CATCHER;
  guest_vm(&g);
  guest_invoke(&g, a, 0, NO_ARGS, 100);
  assert_halted(&g, RESULT(1, 1));
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 3), child);
}

static javm_host_action top_up(void *ctx, javm_host_call *call) {
  (void)ctx;
  guest_set_meter(&g, javm_host_arg(call, 0), javm_host_arg(call, 1));
  return JAVM_HOST_RETURN;
}

static void catcher_tops_up_and_resumes(void **state) {
  (void)state;
  g.config.yield_mode = JAVM_YIELD_TO_CATCHER;
  guest_vm(&g);
  assert_int_equal(javm_vm_register(g.vm, 70, "top_up", top_up, NULL), JAVM_OK);
  /* As long as the call is paused: a meter of 10, resume. s0 counts. */
  javm_cap *a = caller_of_metered(
      CATCH CALL3 "fallthrough\nmore:\n  branch_eq_imm a1, 0, done\n  add_imm_64 s0, s0, 1\n"
                  "load_imm a0, 9\nload_imm a1, 10\necalli 70\necalli 27\njump more\ndone:\n  move_reg a0, s0\n"
                  "  ecalli 0\n",
      9);
  guest_invoke(&g, a, 0, NO_ARGS, 1000);
  assert_halted(&g, (LOOP_GAS + 9) / 10);
}

static void drop_paused_after_out_of_gas(void **state) {
  (void)state;
  guest_invoke(&g, caller_of_metered(CATCH CALL3 REPLY_BOTH, 9), 0, NO_ARGS, 100);
  assert_paused(&g, JAVM_PAUSE_OUT_OF_GAS);
  guest_drop(&g);
  assert_halted(&g, RESULT(0, 2));
}

static void host_catches_out_of_gas_where_configured(void **state) {
  (void)state;
  g.config.host_catches_out_of_gas = true;
  guest_vm(&g);
  javm_cap *instance = instance_of(LOOP, NO_SLOTS);
  guest_invoke(&g, instance, 0, NO_ARGS, 20);
  assert_paused(&g, JAVM_PAUSE_OUT_OF_GAS);
  assert_same_cap(&g, g.result.payload, marker_handle);
  assert_depth(&g, 2);
  assert_int_equal(javm_vm_deliver_yield(g.vm, guest_fresh(&g), &g.error), JAVM_NOT_PAUSED); /* there is no catcher */
  assert_int_equal(javm_vm_add_gas(g.vm, 13), JAVM_OK);
  guest_resume(&g, NULL);
  assert_halted(&g, 10);
  assert_int_equal(guest_view(&g, guest_post(&g)).gas_remaining, 0);

  guest_invoke(&g, instance, 0, NO_ARGS, 20);
  guest_drop(&g);
  assert_faulted(&g, JAVM_EXIT_OUT_OF_GAS);
  assert_depth(&g, 0);
}

static void dropped_child_faults_with_out_of_gas_and_its_caller_runs_on(void **state) {
  (void)state;
  g.config.host_catches_out_of_gas = true;
  guest_vm(&g);
  javm_cap *a = instance_of(CALL3 REPLY_BOTH, SLOTS({3, instance_of(METERED LOOP, SLOTS({6, gas(9)}))}));
  guest_invoke(&g, a, 0, NO_ARGS, 100);
  assert_paused(&g, JAVM_PAUSE_OUT_OF_GAS);
  assert_same_cap(&g, g.result.payload, gas(9));
  guest_drop(&g);
  assert_halted(&g, RESULT(3, 2));
}

static void catcher_is_asked_before_the_host(void **state) {
  (void)state;
  g.config.host_catches_out_of_gas = true;
  guest_vm(&g);
  guest_invoke(&g, caller_of_metered(CATCH CALL3 REPLY_BOTH, 9), 0, NO_ARGS, 100);
  guest_drop(&g);
  assert_halted(&g, RESULT(0, 2)); /* the catcher's call, not the entry, was dropped */
}

/* ---- add_gas ---- */

static void add_gas_saturates(void **state) {
  (void)state;
  g.config.host_catches_out_of_gas = true;
  guest_vm(&g);
  guest_invoke(&g, instance_of("ecalli 36\necalli 0\n", NO_SLOTS), 0, NO_ARGS, 0);
  assert_int_equal(javm_vm_add_gas(g.vm, 5), JAVM_OK);
  assert_int_equal(javm_vm_add_gas(g.vm, UINT64_MAX), JAVM_OK);
  guest_resume(&g, NULL);
  assert_halted(&g, UINT64_MAX - 1);
  guest_set_meter(&g, 4, 0);
  guest_invoke(&g, instance_of(METERED "ecalli 0\n", SLOTS({6, gas(4)})), 0, NO_ARGS, 0);
  assert_int_equal(javm_vm_add_gas(g.vm, 7), JAVM_OK);
  assert_int_equal(guest_meter(&g, 4), 7);
  assert_int_equal(javm_vm_add_gas(g.vm, UINT64_MAX - 3), JAVM_OK);
  assert_int_equal(guest_meter(&g, 4), UINT64_MAX);
}

static void added_gas_is_seen_by_inspection(void **state) {
  (void)state;
  g.config.host_catches_out_of_gas = true;
  guest_vm(&g);
  guest_invoke(&g, instance_of(LOOP, NO_SLOTS), 0, NO_ARGS, 10);
  javm_entry_view view;
  assert_int_equal(javm_vm_entry(g.vm, 0, &view), JAVM_OK);
  assert_int_equal(view.gas, 0);
  assert_int_equal(javm_vm_add_gas(g.vm, 50), JAVM_OK);
  assert_int_equal(javm_vm_entry(g.vm, 0, &view), JAVM_OK);
  assert_int_equal(view.gas, 50);
}

/* ---- M of the single-pass model (2-gas.md 2.1) ---- */

/*
 * The block at 0: the load is decoded and starts in cycle 0, done at M; `fallthrough` in the same cycle (2 slots of 4),
 * done at 2. So last = M and the cost M - 3: 22, 47, 72, 97. The block behind it: ecalli, latency 100, 97.
 */
#define ONE_LOAD "load_u64 a0, [0]\nfallthrough\necalli 0\n"
#define ONE_LOAD_GAS(m) ((m)-3 + 97)

static void one_load_costs(javm_cap *instance, uint64_t load_cycles) {
  guest_invoke(&g, instance, 0, NO_ARGS, GAS);
  assert_halted(&g, 0);
  assert_int_equal(g.result.gas_used, ONE_LOAD_GAS(load_cycles));
}

static void single_pass_loads_cost_by_the_pages_that_are_accessible(void **state) {
  (void)state;
  const struct {
    uint32_t pages, load_cycles;
  } tiers[] = {{1, 25}, {2048, 25}, {2049, 50}, {8192, 50}, {8193, 75}, {65536, 75}, {65537, 100}, {1048575, 100}};
  g.config.gas_model = JAVM_GAS_SINGLE_PASS;
  guest_vm(&g);
  javm_instance_spec spec = guest_view(&g, instance_of(ONE_LOAD, NO_SLOTS));
  for (int round = 0; round < 2; round++) { /* predecoded, then from the cache */
    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++) {
      spec.mem_size = tiers[i].pages * JAVM_PAGE_BYTES;
      one_load_costs(guest_make(&g, &spec), tiers[i].load_cycles);
    }
    assert_int_equal(javm_vm_program_count(g.vm), 4); /* one for each M */
  }
}

static void accessible_pages_are_counted_once_and_closed_heap_is_not(void **state) {
  (void)state;
  g.config.gas_model = JAVM_GAS_SINGLE_PASS;
  guest_vm(&g);
  /* Pages: 2 ephemeral, 1 pinned, 3 persistent, 1 more of the overlay; up to 4096 of the heap. */
  javm_instance_spec spec = guest_view(
      &g, instance_of(".mapping ephemeral 0x0 8192\n.mapping persistent 0x100000 4096 slot 9\n.pinned 9 data \"x\"\n"
                      ".mapping persistent 0x200000 12288 slot 7\n.mapping heap 0x10000000 0x1000000\n" ONE_LOAD,
                      NO_SLOTS));
  javm_overlay overlay = {0x202000, guest_pages(&g, 2, 0)}; /* the mapping's last page and one more */
  spec.overlays = &overlay;
  spec.overlay_count = 1;
  one_load_costs(guest_make(&g, &spec), 25); /* 7 pages */
  spec.heap_end = 0x10000000 + 2041 * JAVM_PAGE_BYTES;
  one_load_costs(guest_make(&g, &spec), 25); /* 2048 */
  spec.heap_end++;
  one_load_costs(guest_make(&g, &spec), 50);
  spec.heap_end--;
  spec.mem_size = 2 * JAVM_PAGE_BYTES; /* under the ephemeral mapping: no page more */
  one_load_costs(guest_make(&g, &spec), 25);
  spec.mem_size++;
  one_load_costs(guest_make(&g, &spec), 50);
}

static void load_cycles_that_are_set_hold_for_every_size(void **state) {
  (void)state;
  g.config.gas_model = JAVM_GAS_SINGLE_PASS;
  g.config.load_cycles = 37;
  guest_vm(&g);
  javm_instance_spec spec = guest_view(&g, instance_of(ONE_LOAD, NO_SLOTS));
  for (uint32_t pages = 1; pages < 100000; pages += 70000) {
    spec.mem_size = pages * JAVM_PAGE_BYTES;
    one_load_costs(guest_make(&g, &spec), 37);
  }
}

/* ---- failures ---- */

static void failed_invoke_gives_back_what_it_took_from_meters(void **state) {
  (void)state;
  javm_cap *cnode = guest_cnode_of(&g, 1, NULL);
  javm_hash missing = guest_hash(&g, cnode);
  guest_set_meter(&g, 1, 1000);
  guest_set_meter(&g, 2, 100);
  javm_cap *child = instance_of(METERED "load_imm a0, 2\necalli 37\necalli 0\n",
                                SLOTS({2, guest_by_hash(&g, &missing)}, {6, gas(2)}));
  javm_cap *a = instance_of(METERED CALL3 REPLY_BOTH, SLOTS({3, child}, {6, gas(1)}));
  for (int i = 0; i < 3; i++) {
    assert_int_equal(guest_try(&g, a, 0, NO_ARGS, 0), JAVM_VALUE_NOT_FOUND);
    assert_int_equal(guest_meter(&g, 1), 1000);
    assert_int_equal(guest_meter(&g, 2), 100);
    assert_depth(&g, 0);
  }
  guest_put(&g, cnode);
  guest_invoke(&g, a, 0, NO_ARGS, 0);
  assert_halted(&g, 4);
  assert_int_equal(guest_meter(&g, 1), 994);
  assert_int_equal(guest_meter(&g, 2), 97);
}

static void handle_by_hash_is_an_error_until_published(void **state) {
  (void)state;
  javm_hash hash = guest_hash(&g, gas(7));
  guest_set_meter(&g, 7, 100);
  javm_cap *a = instance_of(METERED FOUR, SLOTS({6, guest_by_hash(&g, &hash)}));
  assert_int_equal(guest_try(&g, a, 0, NO_ARGS, 50), JAVM_VALUE_NOT_FOUND);
  assert_same_hash(g.error.hash, hash);
  guest_put(&g, gas(7));
  guest_invoke(&g, a, 0, NO_ARGS, 50);
  assert_halted(&g, 3);
  assert_int_equal(guest_meter(&g, 7), 96);
}

/* An assist whose gas_meter_set fails when told to. */
static bool set_fails;
static javm_status failing_set(void *ctx, uint64_t id, uint64_t value, uint64_t *previous) {
  return set_fails ? JAVM_OUT_OF_MEMORY : g.assist->gas_meter_set(ctx, id, value, previous);
}

static void gas_is_debited_though_the_assist_failed_once(void **state) {
  (void)state;
  javm_assist assist = *g.assist;
  assist.gas_meter_set = failing_set;
  g.config.assist = &assist;
  g.config.host_catches_out_of_gas = true;
  guest_vm(&g);
  guest_set_meter(&g, 1, 0);
  guest_invoke(&g, instance_of(METERED LOOP, SLOTS({6, gas(1)})), 0, NO_ARGS, 0);
  assert_paused(&g, JAVM_PAUSE_OUT_OF_GAS);
  guest_set_meter(&g, 1, 1000);
  set_fails = true;
  assert_int_equal(javm_vm_call_resume(g.vm, NULL, guest_fresh(&g), &g.error), JAVM_OUT_OF_MEMORY);
  assert_depth(&g, 2);
  set_fails = false;
  guest_resume(&g, NULL);
  assert_halted(&g, 10);
  assert_int_equal(guest_meter(&g, 1), 1000 - LOOP_GAS);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(entry_with_a_gas_handle_is_debited_from_its_meter),
      T(gas_is_spent_also_at_a_fault),
      T(first_gas_slot_counts_and_no_other),
      T(slot_without_a_gas_handle_means_the_counter),
      T(missing_meter_is_zero),
      T(child_without_a_handle_spends_its_callers_meter),
      T(child_with_a_handle_spends_its_own),
      T(two_entries_of_one_meter_share_it),
      T(meter_is_written_back_when_another_entry_runs),
      T(meter_is_loaded_when_the_entry_runs_again),
      T(nobody_catches_out_of_gas_is_a_fault),
      T(entry_does_not_catch_its_own_out_of_gas),
      T(caught_out_of_gas_pauses_with_the_handle),
      T(resume_after_a_top_up_goes_on_exactly_there),
      T(resume_without_a_top_up_pauses_again),
      T(payload_without_a_handle_is_the_markers_hash),
      T(delivered_out_of_gas_has_the_markers_index),
      T(catcher_tops_up_and_resumes),
      T(drop_paused_after_out_of_gas),
      T(host_catches_out_of_gas_where_configured),
      T(dropped_child_faults_with_out_of_gas_and_its_caller_runs_on),
      T(catcher_is_asked_before_the_host),
      T(add_gas_saturates),
      T(added_gas_is_seen_by_inspection),
      T(single_pass_loads_cost_by_the_pages_that_are_accessible),
      T(accessible_pages_are_counted_once_and_closed_heap_is_not),
      T(load_cycles_that_are_set_hold_for_every_size),
      T(failed_invoke_gives_back_what_it_took_from_meters),
      T(handle_by_hash_is_an_error_until_published),
      T(gas_is_debited_though_the_assist_failed_once),
  };
  return cmocka_run_group_tests_name("gas", tests, NULL, NULL);
}
