/* Building an entry (4-vm.md 4.3), and what of it a Halt or a fault makes (4.4). */
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

/* Endpoint 0 loads the word at a0, endpoint 1 stores a1 at a0. */
#define ACCESS                                                                                                         \
  ".endpoint 0 read\n.endpoint 1 write\n"                                                                              \
  "read:\n  load_ind_u64 a0, [a0]\n  ecalli 0\n"                                                                       \
  "write:\n  store_ind_u64 a1, [a0]\n  ecalli 0\n"

static void assert_reads(javm_cap *instance, uint32_t address, uint64_t value) {
  guest_invoke(&g, instance, 0, ARGS(address), GAS);
  assert_halted(&g, value);
}

static void assert_no_access(javm_cap *instance, uint8_t endpoint, uint32_t address) {
  guest_invoke(&g, instance, endpoint, ARGS(address, 1), GAS);
  assert_faulted(&g, JAVM_EXIT_PAGE_FAULT);
  assert_int_equal(g.result.fault.address, address & ~(JAVM_PAGE_BYTES - 1));
}

static javm_cap *write_word(javm_cap *instance, uint32_t address, uint64_t value) {
  guest_invoke(&g, instance, 1, ARGS(address, value), GAS);
  assert_halted(&g, address);
  return guest_post(&g);
}

#define REPEATED(byte) ((uint64_t)(byte)*UINT64_C(0x0101010101010101))

/* ---- 4.3 2: memory ---- */

static void base_region_is_mem_size_rounded_up_read_write_and_zero(void **state) {
  (void)state;
  javm_instance_spec spec = guest_view(&g, guest_instance(&g, guest_image(&g, ACCESS), NO_SLOTS));
  spec.mem_size = JAVM_PAGE_BYTES + 1;
  javm_cap *instance = guest_make(&g, &spec);
  assert_reads(instance, 0, 0);
  assert_reads(instance, 2 * JAVM_PAGE_BYTES - 8, 0);
  assert_no_access(instance, 0, 2 * JAVM_PAGE_BYTES);
  write_word(instance, 2 * JAVM_PAGE_BYTES - 8, 5);
  spec.mem_size = 0;
  assert_no_access(guest_make(&g, &spec), 0, 0);
}

static void base_region_is_forgotten_and_does_not_grow(void **state) {
  (void)state;
  javm_instance_spec spec = guest_view(&g, guest_instance(&g, guest_image(&g, ACCESS), NO_SLOTS));
  spec.mem_size = 100;
  javm_cap *after = write_word(guest_make(&g, &spec), 8, 77);
  javm_instance_spec now = guest_view(&g, after);
  assert_int_equal(now.mem_size, 100);
  assert_int_equal(now.overlay_count, 0);
  assert_reads(after, 8, 0);
  assert_no_access(after, 0, JAVM_PAGE_BYTES);
}

static void pinned_mapping_is_the_data_read_only(void **state) {
  (void)state;
  javm_cap *image =
      guest_image(&g, ".mapping persistent 0x10000 8192 slot 7\n.pinned 7 data hex 2a00000000000000\n" ACCESS);
  javm_cap *instance = guest_instance(&g, image, NO_SLOTS);
  assert_reads(instance, 0x10000, 0x2a);
  assert_int_equal(guest_view(&g, guest_post(&g)).overlay_count, 0);
  assert_reads(instance, 0x11000, 0); /* a shorter Data is zero-filled */
  assert_no_access(instance, 1, 0x10000);
}

static void mapping_from_a_slot_is_the_data_read_write(void **state) {
  (void)state;
  javm_cap *image = guest_image(&g, ".mapping persistent 0x10000 12288 slot 7\n" ACCESS);
  javm_cap *instance = guest_instance(&g, image, SLOTS({7, guest_pages(&g, 2, 3)}));
  assert_reads(instance, 0x10000, REPEATED(3));
  assert_reads(instance, 0x11ff8, REPEATED(4));
  assert_reads(instance, 0x12000, 0); /* zero-filled */
  assert_no_access(instance, 0, 0x13000);
  javm_cap *after = write_word(instance, 0x11000, 99);
  assert_reads(after, 0x11000, 99);
  assert_reads(after, 0x11008, REPEATED(4));
  assert_reads(after, 0x10000, REPEATED(3));
  assert_same_cap(&g, guest_slot(&g, after, 7), guest_slot(&g, instance, 7)); /* the Data stays what it was */
}

static void mapping_from_a_path_through_cnodes(void **state) {
  (void)state;
  javm_cap *image = guest_image(&g, ".mapping persistent 0x10000 4096 slot 7/300/1\n" ACCESS);
  javm_cap *inner = guest_cnode_of(&g, 1, SLOTS({1, guest_pages(&g, 1, 9)}));
  javm_cap *outer = guest_cnode_of(&g, 9, SLOTS({300, inner}));
  assert_reads(guest_instance(&g, image, SLOTS({7, outer})), 0x10000, REPEATED(9));
}

static void mapping_from_an_empty_slot_or_a_path_to_nowhere_is_zeros(void **state) {
  (void)state;
  javm_cap *image =
      guest_image(&g, ".mapping persistent 0x10000 4096 slot 7\n.mapping persistent 0x20000 4096 slot 8/3\n" ACCESS);
  javm_cap *instance = guest_instance(&g, image, NO_SLOTS);
  assert_reads(instance, 0x10000, 0);
  assert_reads(instance, 0x20000, 0);
  assert_reads(guest_instance(&g, image, SLOTS({8, guest_data(&g, "x")})), 0x20000, 0);
  assert_reads(write_word(instance, 0x20000, 4), 0x20000, 4);
}

static void mapping_from_a_slot_that_holds_no_data_is_zeros(void **state) {
  (void)state;
  javm_cap *image =
      guest_image(&g, ".mapping persistent 0x10000 4096 slot 7\n.mapping persistent 0x20000 4096 slot 8/3\n" ACCESS);
  javm_cap *cnode = guest_cnode_of(&g, 4, SLOTS({1, guest_pages(&g, 1, 5)})), *type;
  javm_hash hash = guest_put(&g, cnode), absent = {{1}};
  assert_int_equal(javm_type_new(g.dir, &hash, &type), JAVM_OK);
  javm_cap *others[] = {cnode, guest_instance(&g, guest_operation(&g, 0), NO_SLOTS), guest_operation(&g, 0),
                        guest_own(&g, type), guest_by_hash(&g, &hash)};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    javm_cap *outer = guest_cnode_of(&g, 4, SLOTS({3, others[i]}));
    javm_cap *instance = guest_instance(&g, image, SLOTS({7, others[i]}, {8, outer}));
    assert_reads(instance, 0x10000, 0);
    assert_reads(instance, 0x20ff8, 0);
    javm_cap *after = write_word(write_word(instance, 0x10000, 4), 0x20000, 5);
    assert_reads(after, 0x10000, 4);
    assert_reads(after, 0x20000, 5);
    assert_same_cap(&g, guest_slot(&g, after, 7), others[i]); /* stays what it is */
  }
  javm_cap *unknown = guest_instance(&g, image, SLOTS({7, guest_by_hash(&g, &absent)})); /* may be a Data */
  assert_int_equal(guest_try(&g, unknown, 0, ARGS(0x10000), GAS), JAVM_VALUE_NOT_FOUND);
}

static void overlay_at_the_start_of_a_mapping_wins_over_the_data(void **state) {
  (void)state;
  javm_cap *image = guest_image(&g, ".mapping persistent 0x10000 8192 slot 7\n" ACCESS);
  javm_instance_spec spec = guest_view(&g, guest_instance(&g, image, SLOTS({7, guest_pages(&g, 2, 3)})));
  javm_overlay overlay = {0x10000, guest_pages(&g, 1, 60)};
  spec.overlays = &overlay;
  spec.overlay_count = 1;
  javm_cap *instance = guest_make(&g, &spec);
  assert_reads(instance, 0x10000, REPEATED(60));
  assert_reads(instance, 0x11000, 0); /* the overlay's, zero-filled, not the Data's */
}

static void data_longer_than_its_mapping_is_an_error(void **state) {
  (void)state;
  javm_cap *image = guest_image(&g, ".mapping persistent 0x10000 4096 slot 7\n" ACCESS);
  javm_cap *instance = guest_instance(&g, image, SLOTS({7, guest_pages(&g, 2, 3)}));
  assert_int_equal(guest_try(&g, instance, 0, NO_ARGS, GAS), JAVM_INVALID_INSTANCE);
  assert_depth(&g, 0);
  javm_instance_spec spec = guest_view(&g, guest_instance(&g, image, NO_SLOTS));
  javm_overlay overlay = {0x10000, guest_pages(&g, 2, 3)};
  spec.overlays = &overlay;
  spec.overlay_count = 1;
  assert_int_equal(guest_try(&g, guest_make(&g, &spec), 0, NO_ARGS, GAS), JAVM_INVALID_INSTANCE);
}

static void ephemeral_mapping_is_zero_read_write_and_forgotten(void **state) {
  (void)state;
  javm_cap *instance = guest_instance(&g, guest_image(&g, ".mapping ephemeral 0x10000 4096\n" ACCESS), NO_SLOTS);
  assert_reads(instance, 0x10000, 0);
  javm_cap *after = write_word(instance, 0x10010, 5);
  assert_int_equal(guest_view(&g, after).overlay_count, 0);
  assert_reads(after, 0x10010, 0);
}

static void heap_is_inaccessible_until_grown_and_not_kept(void **state) {
  (void)state;
  javm_cap *image =
      guest_image(&g, ".mapping heap 0x20000 8192\n.endpoint 2 grow\n.endpoint 3 touch\n" ACCESS
                      "grow:\n  sbrk a0, a0\n  ecalli 0\n"
                      "touch:\n  sbrk a1, a0\n  store_ind_u64 a0, [a1]\n  load_ind_u64 a0, [a1]\n  ecalli 0\n");
  javm_cap *instance = guest_instance(&g, image, NO_SLOTS);
  assert_no_access(instance, 0, 0x20000);
  guest_invoke(&g, instance, 2, ARGS(0), GAS);
  assert_halted(&g, 0x20000);
  guest_invoke(&g, instance, 2, ARGS(8193), GAS);
  assert_halted(&g, 0);
  guest_invoke(&g, instance, 3, ARGS(8192), GAS);
  assert_halted(&g, 8192);
  javm_cap *after = guest_post(&g);
  assert_int_equal(guest_view(&g, after).heap_end, 0);
  assert_no_access(after, 0, 0x20000);
}

static void heap_end_of_an_instance_opens_the_heap_at_entry(void **state) {
  (void)state;
  javm_instance_spec spec =
      guest_view(&g, guest_instance(&g, guest_image(&g, ".mapping heap 0x20000 8192\n" ACCESS), NO_SLOTS));
  spec.heap_end = 0x20001;
  javm_cap *instance = guest_make(&g, &spec);
  assert_reads(instance, 0x20ff8, 0);
  assert_int_equal(guest_view(&g, guest_post(&g)).heap_end, 0x20001);
  assert_no_access(instance, 0, 0x21000);
}

static void other_overlays_are_read_write_and_kept(void **state) {
  (void)state;
  javm_instance_spec spec = guest_view(&g, guest_instance(&g, guest_image(&g, ACCESS), NO_SLOTS));
  javm_overlay overlays[] = {{0x50000, guest_pages(&g, 2, 1)}, {0x90000, guest_pages(&g, 1, 8)}};
  spec.overlays = overlays;
  spec.overlay_count = 2;
  javm_cap *instance = guest_make(&g, &spec);
  assert_reads(instance, 0x51000, REPEATED(2));
  javm_cap *after = write_word(instance, 0x51000, 7);
  assert_int_equal(guest_view(&g, after).overlay_count, 2);
  assert_reads(after, 0x51000, 7);
  assert_reads(after, 0x51008, REPEATED(2));
  assert_reads(after, 0x90000, REPEATED(8));
}

static void later_memory_wins_where_it_overlaps(void **state) {
  (void)state;
  javm_cap *image = guest_image(&g, ".mapping persistent 0x1000 4096 slot 7\n.mapping persistent 0x3000 4096 slot 9\n"
                                    ".pinned 9 data hex 01\n" ACCESS);
  javm_instance_spec spec = guest_view(&g, guest_instance(&g, image, SLOTS({7, guest_pages(&g, 1, 3)})));
  javm_overlay overlay = {0x3000, guest_pages(&g, 1, 8)};
  spec.mem_size = 0x4000; /* below the mappings, and between them */
  javm_cap *instance = guest_make(&g, &spec);
  assert_reads(instance, 0x0, 0);
  assert_reads(instance, 0x1000, REPEATED(3));
  assert_reads(instance, 0x2000, 0);
  assert_reads(instance, 0x3000, 1);
  assert_no_access(instance, 1, 0x3000);
  javm_cap *after = write_word(instance, 0x1000, 5);
  assert_int_equal(guest_word(&g, after, 0x1000), 5);
  spec.overlays = &overlay; /* above the pinned mapping */
  spec.overlay_count = 1;
  assert_reads(guest_make(&g, &spec), 0x3000, REPEATED(8));
}

static void overlay_that_is_no_range_of_pages_is_an_error(void **state) {
  (void)state;
  javm_instance_spec spec = guest_view(&g, guest_instance(&g, guest_image(&g, ACCESS), NO_SLOTS));
  javm_overlay overlay = {0x50001, guest_pages(&g, 1, 1)};
  spec.overlays = &overlay;
  spec.overlay_count = 1;
  assert_int_equal(guest_try(&g, guest_make(&g, &spec), 0, NO_ARGS, GAS), JAVM_INVALID_INSTANCE);
  overlay = (javm_overlay){0xfffff000, guest_pages(&g, 2, 1)};
  assert_int_equal(guest_try(&g, guest_make(&g, &spec), 0, NO_ARGS, GAS), JAVM_INVALID_INSTANCE);
  overlay = (javm_overlay){0xfffff000, guest_pages(&g, 1, 6)};
  assert_reads(guest_make(&g, &spec), 0xfffffff8, REPEATED(6));
}

static void everything_else_is_inaccessible(void **state) {
  (void)state;
  javm_cap *instance = guest_instance(&g, guest_image(&g, ".mapping ephemeral 0x10000 4096\n" ACCESS), NO_SLOTS);
  assert_no_access(instance, 0, 0);
  assert_no_access(instance, 0, 0xf000);
  assert_no_access(instance, 1, 0x11000);
  assert_no_access(instance, 0, 0xfffff000);
}

/* ---- 4.3 3: registers and pc ---- */

#define SUM                                                                                                            \
  ".endpoint 0 main\n.endpoint 5 other s0=9 a1=100 ra=-1\nmain:\n  add_64 a0, a0, s0\n  ecalli 0\nother:\n  ecalli "   \
  "0\n"

static void registers_are_persisted_then_the_endpoints_then_the_arguments(void **state) {
  (void)state;
  javm_instance_spec spec = guest_view(&g, guest_instance(&g, guest_image(&g, SUM), NO_SLOTS));
  for (int i = 0; i < JAVM_REG_COUNT; i++) spec.regs[i] = 50 + i;
  spec.pc = 12345; /* has no part in it */
  javm_cap *instance = guest_make(&g, &spec);
  guest_invoke(&g, instance, 5, ARGS(1, 2, 3, 4), GAS);
  assert_halted(&g, 1);
  uint64_t expected[JAVM_REG_COUNT] = {UINT64_MAX, 51, 52, 53, 54, 9, 56, 1, 2, 3, 4, 61, 62};
  javm_instance_spec after = guest_view(&g, guest_post(&g));
  assert_memory_equal(after.regs, expected, sizeof expected);
  guest_invoke(&g, instance, 0, ARGS(1, 2, 3, 4), GAS);
  assert_halted(&g, 1 + 55);
}

static void pc_is_the_endpoints_entry(void **state) {
  (void)state;
  javm_cap *instance = guest_instance(&g, guest_image(&g, SUM), NO_SLOTS);
  guest_invoke(&g, instance, 0, ARGS(1), GAS);
  assert_int_equal(g.result.instructions, 2);
  guest_invoke(&g, instance, 5, ARGS(1), GAS);
  assert_int_equal(g.result.instructions, 1);
}

static void undeclared_endpoint_is_out_of_range(void **state) {
  (void)state;
  javm_cap *instance = guest_instance(&g, guest_image(&g, SUM), NO_SLOTS);
  assert_int_equal(guest_try(&g, instance, 1, NO_ARGS, GAS), JAVM_ENDPOINT_OUT_OF_RANGE);
  assert_depth(&g, 0);
}

static void image_without_endpoints_has_one_at_zero(void **state) {
  (void)state;
  javm_cap *instance = guest_instance(&g, guest_image(&g, "ecalli 0\n"), NO_SLOTS);
  guest_invoke(&g, instance, 0, ARGS(44), GAS);
  assert_halted(&g, 44);
  assert_int_equal(guest_try(&g, instance, 1, NO_ARGS, GAS), JAVM_ENDPOINT_OUT_OF_RANGE);
}

/* ---- 4.3 4: gas ---- */

static void bottom_counter_starts_at_the_budget(void **state) {
  (void)state;
  javm_instance_spec spec = guest_view(&g, guest_instance(&g, guest_operation(&g, 36), NO_SLOTS));
  spec.gas_remaining = 5; /* has no part in it */
  javm_cap *instance = guest_make(&g, &spec);
  guest_invoke(&g, instance, 0, NO_ARGS, 1000);
  assert_halted(&g, 999);
  assert_int_equal(g.result.gas_used, 2);
  assert_int_equal(guest_view(&g, guest_post(&g)).gas_remaining, 998);
}

/* ---- what cannot be entered ---- */

static void root_cnode_smaller_than_256_slots_is_accepted(void **state) {
  (void)state;
  javm_instance_spec spec = guest_view(&g, guest_instance(&g, guest_operation(&g, 1), NO_SLOTS));
  spec.root_cnode = guest_cnode_of(&g, 3, SLOTS({2, guest_data(&g, "x")}));
  javm_cap *instance = guest_make(&g, &spec);
  guest_invoke(&g, instance, 0, ARGS(2, 7), GAS);
  assert_halted(&g, 2);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 7), guest_data(&g, "x"));
  guest_invoke(&g, instance, 0, ARGS(2, 8), GAS);
  assert_refused(&g, JAVM_REFUSAL_SLOT_OPERAND, 1);
  spec.root_cnode = guest_cnode_of(&g, 9, NULL);
  assert_int_equal(guest_try(&g, guest_make(&g, &spec), 0, NO_ARGS, GAS), JAVM_INVALID_INSTANCE);
}

static void instance_without_root_cnode_or_image_is_an_error(void **state) {
  (void)state;
  javm_instance_spec spec = guest_view(&g, guest_instance(&g, guest_operation(&g, 1), NO_SLOTS));
  javm_instance_spec bare = spec;
  bare.root_cnode = NULL;
  assert_int_equal(guest_try(&g, guest_make(&g, &bare), 0, NO_ARGS, GAS), JAVM_INVALID_INSTANCE);
  bare = spec;
  bare.image = NULL;
  assert_int_equal(guest_try(&g, guest_make(&g, &bare), 0, NO_ARGS, GAS), JAVM_IMAGE_NOT_FOUND);
  assert_depth(&g, 0);
}

static void paused_instance_cannot_be_invoked(void **state) {
  (void)state;
  javm_instance_spec spec = guest_view(&g, guest_instance(&g, guest_operation(&g, 1), NO_SLOTS));
  spec.paused.bytes[3] = 1;
  assert_int_equal(guest_try(&g, guest_make(&g, &spec), 0, NO_ARGS, GAS), JAVM_INVALID_INSTANCE);
}

static void image_that_is_not_valid_is_an_error(void **state) {
  (void)state;
  javm_instance_spec spec;
  javm_instance_spec_init(&spec);
  spec.image = guest_image(&g, ".unchecked\n.endpoint 0 1\necalli 5\necalli 0\n"); /* enters inside an instruction */
  spec.root_cnode = guest_cnode_of(&g, 8, NULL);
  assert_int_equal(guest_try(&g, guest_make(&g, &spec), 0, NO_ARGS, GAS), JAVM_INVALID_IMAGE);
  assert_depth(&g, 0);
}

/* ---- 4.4: Halt and fault of the bottom entry ---- */

static void halt_keeps_chain_image_mem_size_registers_pc_and_gas(void **state) {
  (void)state;
  javm_cap *image = guest_image(&g, "load_imm s1, 5\necalli 0\n");
  javm_instance_spec spec = guest_view(&g, guest_instance(&g, image, SLOTS({3, guest_data(&g, "x")})));
  spec.mem_size = 5000;
  memset(spec.image_hash_chain.bytes, 7, JAVM_HASH_BYTES);
  javm_cap *instance = guest_make(&g, &spec);
  guest_invoke(&g, instance, 0, ARGS(1, 2, 3, 4), 100);
  assert_halted(&g, 1);
  javm_image_spec view;
  assert_int_equal(javm_image_view(g.dir, image, &view), JAVM_OK);
  spec.regs[6] = 5;
  for (int i = 0; i < 4; i++) spec.regs[7 + i] = 1 + i;
  spec.pc = view.code.code_bytes; /* past the ecalli */
  spec.gas_remaining = 98;
  assert_int_equal(g.result.pc, spec.pc);
  assert_same_hash(g.result.instance, guest_hash(&g, guest_make(&g, &spec)));
}

static void halt_by_a_jump_leaves_pc_at_the_instruction(void **state) {
  (void)state;
  javm_cap *instance = guest_instance(&g, guest_image(&g, "load_imm_64 ra, 0xffff0000\njump_ind ra, 0\n"), NO_SLOTS);
  guest_invoke(&g, instance, 0, ARGS(6), GAS);
  assert_halted(&g, 6);
  assert_int_equal(g.result.pc, 10);
  assert_int_equal(guest_view(&g, guest_post(&g)).pc, 10);
}

static void halt_takes_slot_0_out(void **state) {
  (void)state;
  javm_cap *data = guest_data(&g, "given");
  javm_cap *instance = guest_instance(&g, guest_image(&g, "ecalli 0\n"), SLOTS({0, data}, {1, data}));
  guest_invoke(&g, instance, 0, NO_ARGS, GAS);
  assert_halted(&g, 0);
  assert_same_cap(&g, g.result.slot0, data);
  assert_null(guest_slot(&g, guest_post(&g), 0));
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 1), data);
}

static void fault_reflects_slot_0_and_publishes_nothing(void **state) {
  (void)state;
  javm_cap *data = guest_data(&g, "given");
  javm_cap *image = guest_image(&g, ".mapping persistent 0x10000 4096 slot 7\nstore_u64 a0, [0x10000]\nload_imm a0, 1\n"
                                    "load_imm a1, 0\necalli 1\ntrap\n"); /* slot 0 := slot 1 */
  javm_cap *instance = guest_instance(&g, image, SLOTS({1, data}));
  guest_put(&g, instance);
  size_t before = javm_dir_count(g.dir);
  guest_invoke(&g, instance, 0, ARGS(5), 100);
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_int_equal(g.result.refusal, JAVM_REFUSAL_NONE);
  assert_int_equal(g.result.gas_used, 5);
  assert_same_cap(&g, g.result.slot0, data);
  assert_int_equal(javm_dir_count(g.dir), before);
  assert_int_equal(g.result.dirty_page_count, 1);
  assert_int_equal(g.result.dirty_pages[0], 0x10000);
  assert_depth(&g, 0);
}

static void faults_say_why_and_where(void **state) {
  (void)state;
  javm_cap *image = guest_image(&g, ".endpoint 0 t\n.endpoint 1 p\n.endpoint 2 f\n.endpoint 3 loop\n"
                                    "t:\n  trap\np:\n  jump_ind ra, 1\nf:\n  load_u8 a0, [0x10fff]\n  fallthrough\n"
                                    "loop:\n  jump loop\n");
  javm_cap *instance = guest_instance(&g, image, NO_SLOTS);
  guest_invoke(&g, instance, 0, NO_ARGS, GAS);
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_int_equal(g.result.pc, 0);
  guest_invoke(&g, instance, 1, NO_ARGS, GAS);
  assert_faulted(&g, JAVM_EXIT_PANIC);
  assert_int_equal(g.result.pc, 1);
  guest_invoke(&g, instance, 2, NO_ARGS, GAS);
  assert_faulted(&g, JAVM_EXIT_PAGE_FAULT);
  assert_int_equal(g.result.fault.address, 0x10000);
  guest_invoke(&g, instance, 3, NO_ARGS, 77);
  assert_faulted(&g, JAVM_EXIT_OUT_OF_GAS);
  assert_int_equal(g.result.gas_used, 77);
}

static void every_persistent_mapping_and_overlay_becomes_a_value(void **state) {
  (void)state;
  javm_cap *image = guest_image(&g, ".mapping persistent 0x20000 8192 slot 7\n.mapping persistent 0x10000 4096 slot 8\n"
                                    ".mapping persistent 0x30000 4096 slot 9\n.pinned 9 data hex 01\n" ACCESS);
  javm_instance_spec spec = guest_view(&g, guest_instance(&g, image, SLOTS({8, guest_pages(&g, 1, 5)})));
  javm_overlay others[] = {{0x50000, guest_pages(&g, 1, 6)}};
  spec.overlays = others;
  spec.overlay_count = 1;
  javm_cap *after = write_word(guest_make(&g, &spec), 0x21000, 3);
  javm_instance_spec now = guest_view(&g, after);
  assert_int_equal(now.overlay_count, 3); /* in the order of the mappings, then the others; a pinned one has none */
  uint32_t starts[] = {0x20000, 0x10000, 0x50000}, sizes[] = {2, 1, 1};
  for (int i = 0; i < 3; i++) {
    uint32_t pages;
    assert_int_equal(now.overlays[i].start, starts[i]);
    assert_int_equal(javm_data_page_count(g.dir, now.overlays[i].data, &pages), JAVM_OK);
    assert_int_equal(pages, sizes[i]);
  }
  assert_same_cap(&g, now.overlays[1].data, guest_pages(&g, 1, 5));
  assert_same_cap(&g, now.overlays[2].data, others[0].data);
  assert_int_equal(guest_word(&g, after, 0x21000), 3);
}

static void dirty_pages_are_listed_ascending(void **state) {
  (void)state;
  javm_cap *image =
      guest_image(&g, ".mapping ephemeral 0x10000 0x10000\nstore_u8 a0, [0x15000]\nstore_u64 a0, [0x12ffc]\n"
                      "load_u8 a0, [0x11000]\necalli 0\n");
  guest_invoke(&g, guest_instance(&g, image, NO_SLOTS), 0, NO_ARGS, GAS);
  assert_halted(&g, 0);
  uint32_t expected[] = {0x12000, 0x13000, 0x15000};
  assert_int_equal(g.result.dirty_page_count, 3);
  assert_memory_equal(g.result.dirty_pages, expected, sizeof expected);
}

static void only_pages_that_the_run_touches_are_looked_up(void **state) {
  (void)state;
  javm_cap *image = guest_image(&g, ".mapping persistent 0x10000000 0x40000000 slot 7\n" ACCESS);
  javm_cap *instance = guest_instance(&g, image, NO_SLOTS); /* 2^18 pages */
  javm_cap *after = write_word(instance, 0x30000000, 12);
  size_t before = javm_dir_count(g.dir);
  after = write_word(after, 0x20000008, 13);
  assert_int_equal(javm_dir_count(g.dir), before + 2); /* a page and an Instance */
  assert_reads(after, 0x30000000, 12);
  assert_reads(after, 0x20000008, 13);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(base_region_is_mem_size_rounded_up_read_write_and_zero),
      T(base_region_is_forgotten_and_does_not_grow),
      T(pinned_mapping_is_the_data_read_only),
      T(mapping_from_a_slot_is_the_data_read_write),
      T(mapping_from_a_path_through_cnodes),
      T(mapping_from_an_empty_slot_or_a_path_to_nowhere_is_zeros),
      T(mapping_from_a_slot_that_holds_no_data_is_zeros),
      T(overlay_at_the_start_of_a_mapping_wins_over_the_data),
      T(data_longer_than_its_mapping_is_an_error),
      T(ephemeral_mapping_is_zero_read_write_and_forgotten),
      T(heap_is_inaccessible_until_grown_and_not_kept),
      T(heap_end_of_an_instance_opens_the_heap_at_entry),
      T(other_overlays_are_read_write_and_kept),
      T(later_memory_wins_where_it_overlaps),
      T(overlay_that_is_no_range_of_pages_is_an_error),
      T(everything_else_is_inaccessible),
      T(registers_are_persisted_then_the_endpoints_then_the_arguments),
      T(pc_is_the_endpoints_entry),
      T(undeclared_endpoint_is_out_of_range),
      T(image_without_endpoints_has_one_at_zero),
      T(bottom_counter_starts_at_the_budget),
      T(root_cnode_smaller_than_256_slots_is_accepted),
      T(instance_without_root_cnode_or_image_is_an_error),
      T(paused_instance_cannot_be_invoked),
      T(image_that_is_not_valid_is_an_error),
      T(halt_keeps_chain_image_mem_size_registers_pc_and_gas),
      T(halt_by_a_jump_leaves_pc_at_the_instruction),
      T(halt_takes_slot_0_out),
      T(fault_reflects_slot_0_and_publishes_nothing),
      T(faults_say_why_and_where),
      T(every_persistent_mapping_and_overlay_becomes_a_value),
      T(dirty_pages_are_listed_ascending),
      T(only_pages_that_the_run_touches_are_looked_up),
  };
  return cmocka_run_group_tests_name("entries", tests, NULL, NULL);
}
