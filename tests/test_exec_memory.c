/* Guest memory and sbrk: what 1-machine.md 1.5 says of accesses, and 1.6; the public interface's memory functions. */
#include "support/program.h"

enum { PAGE = 4096, DATA = 0x20000, HEAP = 0x40000 };

static uint64_t reg(const test_run *t, unsigned i) { return t->regs[i]; }

/* A program of one instruction and a trap. */
static void one(test_run *t, const uint8_t *bytes, size_t count) {
  test_clear(t);
  test_put(t, bytes, count);
  put(t, JV_OP_trap);
  test_load(t, JAVM_GAS_PIPELINE);
}
#define ONE(t, ...) one(t, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define STORE_U64_AT_R2 JV_OP_store_ind_u64, REGS(1, 2)
#define LOAD_U64_AT_R2 JV_OP_load_ind_u64, REGS(1, 2)

/* Runs the one instruction again, with this address in φ[2]. */
static javm_exit_kind at(test_run *t, uint32_t address) {
  javm_machine_set_pc(t->machine, 0);
  t->regs[2] = address;
  return test_run_on(t);
}

static void expect_fault(test_run *t, uint32_t address, uint32_t page) {
  assert_int_equal(at(t, address), JAVM_EXIT_PAGE_FAULT);
  assert_int_equal(t->exit.address, page);
}

/* The dirty pages are exactly these. */
static void expect_dirty(test_run *t, const uint32_t *pages, size_t count) {
  uint32_t got[16];
  assert_int_equal(javm_machine_dirty_pages(t->machine, got, 16), count);
  for (size_t i = 0; i < count; i++) assert_int_equal(got[i], pages[i]);
}
#define DIRTY(t, ...)                                                                                                  \
  expect_dirty(t, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))
#define CLEAN(t) expect_dirty(t, NULL, 0)

/* ---- permissions ---- */

static void memory_starts_inaccessible(void **state) {
  test_run *t = *state;
  ONE(t, JV_OP_load_ind_u8, REGS(1, 2));
  expect_fault(t, 0, 0);
  expect_fault(t, 0xffffffff, 0xfffff000);
}

static void mapped_pages_read_as_zeros(void **state) {
  test_run *t = *state;
  ONE(t, LOAD_U64_AT_R2);
  test_map(t, DATA, PAGE, JAVM_ACCESS_READ);
  t->regs[1] = 7;
  assert_int_equal(at(t, DATA + 8), JAVM_EXIT_TRAP);
  assert_int_equal(reg(t, 1), 0);
}

static void a_read_only_page_can_be_read_and_not_written(void **state) {
  test_run *t = *state;
  ONE(t, STORE_U64_AT_R2);
  test_map(t, DATA, PAGE, JAVM_ACCESS_READ);
  assert_int_equal(test_peek(t, DATA, 8), 0);
  expect_fault(t, DATA + 16, DATA);
  assert_int_equal(test_peek(t, DATA + 16, 8), 0);
  /* nor after it was read by the guest and written by the host */
  ONE(t, LOAD_U64_AT_R2);
  test_map(t, DATA, PAGE, JAVM_ACCESS_READ);
  test_poke(t, DATA, 99, 8);
  assert_int_equal(at(t, DATA), JAVM_EXIT_TRAP);
  assert_int_equal(reg(t, 1), 99);
}

static void a_store_to_a_read_only_page_faults_also_after_the_page_was_read_or_poked(void **state) {
  test_run *t = *state;
  put(t, JV_OP_load_ind_u64, REGS(3, 2));
  put(t, JV_OP_store_ind_u64, REGS(1, 2));
  put(t, JV_OP_trap);
  EACH_MODEL(t, model) {
    test_map(t, DATA, PAGE, JAVM_ACCESS_READ);
    test_poke(t, DATA, 99, 8);
    t->regs[2] = DATA;
    expect_exit(t, JAVM_EXIT_PAGE_FAULT, 2);
    assert_int_equal(reg(t, 3), 99);
    assert_int_equal(test_peek(t, DATA, 8), 99);
  }
}

static void a_page_can_be_written_after_it_was_read(void **state) {
  test_run *t = *state;
  put(t, JV_OP_load_ind_u64, REGS(3, 2));
  put(t, JV_OP_store_ind_u64, REGS(1, 2));
  put(t, JV_OP_load_ind_u64, REGS(4, 2));
  put(t, JV_OP_trap);
  EACH_MODEL(t, model) {
    test_map(t, DATA, PAGE, JAVM_ACCESS_WRITE);
    t->regs[1] = 5;
    t->regs[2] = DATA + PAGE - 8;
    expect_exit(t, JAVM_EXIT_TRAP, 6);
    assert_int_equal(reg(t, 3), 0);
    assert_int_equal(reg(t, 4), 5);
  }
}

static void untouched_zero_pages_do_not_share_what_is_written_to_one(void **state) {
  test_run *t = *state;
  ONE(t, STORE_U64_AT_R2);
  test_map(t, DATA, 2 * PAGE, JAVM_ACCESS_WRITE);
  assert_int_equal(test_peek(t, DATA, 8) | test_peek(t, DATA + PAGE, 8), 0);
  t->regs[1] = UINT64_MAX;
  assert_int_equal(at(t, DATA), JAVM_EXIT_TRAP);
  assert_int_equal(test_peek(t, DATA + PAGE, 8), 0);
  assert_true(test_peek(t, DATA, 8) == UINT64_MAX);
}

/* ---- accesses that span pages ---- */

static void an_access_within_a_page_does_not_touch_the_next(void **state) {
  test_run *t = *state;
  static const uint8_t loads[] = {JV_OP_load_ind_u8, JV_OP_load_ind_u16, JV_OP_load_ind_u32, JV_OP_load_ind_u64};
  static const uint8_t stores[] = {JV_OP_store_ind_u8, JV_OP_store_ind_u16, JV_OP_store_ind_u32, JV_OP_store_ind_u64};
  for (unsigned i = 0; i < 4; i++) {
    uint32_t size = 1u << i;
    for (unsigned store = 0; store < 2; store++) {
      ONE(t, store ? stores[i] : loads[i], REGS(1, 2));
      test_map(t, DATA, PAGE, JAVM_ACCESS_WRITE);
      assert_int_equal(at(t, DATA + PAGE - size), JAVM_EXIT_TRAP);
      expect_fault(t, DATA + PAGE - size + 1, DATA + PAGE); /* of one byte: it lies in the next page */
      assert_int_equal(at(t, DATA), JAVM_EXIT_TRAP);
      expect_fault(t, DATA - 1, DATA - PAGE);
    }
  }
}

static void an_access_may_span_two_pages_of_different_regions(void **state) {
  test_run *t = *state;
  put(t, JV_OP_store_ind_u64, REGS(1, 2));
  put(t, JV_OP_load_ind_u64, REGS(3, 2));
  put(t, JV_OP_trap);
  for (uint32_t before = 1; before < 8; before++) {
    test_load(t, JAVM_GAS_PIPELINE);
    test_map(t, DATA, PAGE, JAVM_ACCESS_WRITE);
    test_map(t, DATA + PAGE, PAGE, JAVM_ACCESS_WRITE);
    t->regs[1] = UINT64_C(0x1122334455667788);
    assert_int_equal(at(t, DATA + PAGE - before), JAVM_EXIT_TRAP);
    assert_true(reg(t, 3) == UINT64_C(0x1122334455667788));
    assert_int_equal(test_peek(t, DATA + PAGE - 1, 1), 0x88 - 0x11 * (before - 1));
    DIRTY(t, DATA, DATA + PAGE);
  }
}

static void a_store_that_spans_pages_checks_every_page_before_it_moves_a_byte(void **state) {
  test_run *t = *state;
  ONE(t, STORE_U64_AT_R2);
  test_map(t, DATA, PAGE, JAVM_ACCESS_WRITE);
  test_map(t, DATA + PAGE, PAGE, JAVM_ACCESS_READ);
  test_poke(t, DATA + PAGE - 4, UINT64_C(0x4444444444444444), 4);
  t->regs[1] = UINT64_MAX;
  expect_fault(t, DATA + PAGE - 4, DATA + PAGE);
  assert_int_equal(test_peek(t, DATA + PAGE - 4, 8), 0x44444444);
}

static void the_first_failing_page_in_the_order_of_the_bytes_is_named(void **state) {
  test_run *t = *state;
  ONE(t, LOAD_U64_AT_R2);
  expect_fault(t, DATA + PAGE - 4, DATA); /* both fail */
  test_map(t, DATA + PAGE, PAGE, JAVM_ACCESS_READ);
  expect_fault(t, DATA + PAGE - 4, DATA); /* the first fails */
  test_map(t, DATA, PAGE, JAVM_ACCESS_READ);
  test_map(t, DATA + PAGE, PAGE, JAVM_ACCESS_NONE);
  expect_fault(t, DATA + PAGE - 4, DATA + PAGE); /* the second does */
}

static void an_access_that_runs_past_2_32_goes_on_at_0(void **state) {
  test_run *t = *state;
  put(t, JV_OP_store_ind_u64, REGS(1, 2));
  put(t, JV_OP_load_ind_u64, REGS(3, 2));
  put(t, JV_OP_trap);
  for (t->isa = JAVM_ISA_JAVM; t->isa <= JAVM_ISA_JAM_0_8; t->isa++) {
    EACH_MODEL(t, model) {
      test_map(t, 0xfffff000, PAGE, JAVM_ACCESS_WRITE);
      test_map(t, 0, PAGE, JAVM_ACCESS_WRITE);
      t->regs[1] = UINT64_C(0x1122334455667788);
      assert_int_equal(at(t, 0xfffffffc), JAVM_EXIT_TRAP);
      assert_true(reg(t, 3) == UINT64_C(0x1122334455667788));
      assert_int_equal(test_peek(t, 0, 4), 0x11223344);
      assert_int_equal(test_peek(t, 0xfffffffc, 4), 0x55667788);
      DIRTY(t, 0, 0xfffff000);
    }
  }
}

static void an_access_that_runs_past_2_32_checks_the_last_page_first(void **state) {
  test_run *t = *state;
  ONE(t, LOAD_U64_AT_R2);
  expect_fault(t, 0xfffffffc, 0xfffff000);
  test_map(t, 0xfffff000, PAGE, JAVM_ACCESS_READ);
  expect_fault(t, 0xfffffffc, 0);
}

/* ---- below 2^16 ---- */

static void in_javm_an_access_below_2_16_is_like_any_other(void **state) {
  test_run *t = *state;
  ONE(t, LOAD_U64_AT_R2);
  expect_fault(t, 0, 0);
  expect_fault(t, 0xffff, 0xf000);
  test_map(t, 0, PAGE, JAVM_ACCESS_READ);
  assert_int_equal(at(t, 0), JAVM_EXIT_TRAP);
}

static void in_the_jam_sets_an_inaccessible_byte_below_2_16_is_a_panic(void **state) {
  test_run *t = *state;
  for (t->isa = JAVM_ISA_JAM_0_7; t->isa <= JAVM_ISA_JAM_0_8; t->isa++) {
    ONE(t, LOAD_U64_AT_R2);
    assert_int_equal(at(t, 0), JAVM_EXIT_PANIC);
    assert_int_equal(javm_machine_pc(t->machine), 0);
    assert_int_equal(at(t, 0xfff0), JAVM_EXIT_PANIC);
    expect_fault(t, 0x10000, 0x10000);
    ONE(t, STORE_U64_AT_R2);
    assert_int_equal(at(t, 0x8000), JAVM_EXIT_PANIC);
    expect_fault(t, 0x10000, 0x10000);
  }
}

static void in_the_jam_sets_the_first_inaccessible_byte_decides_not_the_first_byte(void **state) {
  test_run *t = *state;
  t->isa = JAVM_ISA_JAM_0_7;
  ONE(t, LOAD_U64_AT_R2);
  assert_int_equal(at(t, 0xfffc), JAVM_EXIT_PANIC);
  test_map(t, 0x10000, PAGE, JAVM_ACCESS_READ);
  assert_int_equal(at(t, 0xfffc), JAVM_EXIT_PANIC);
  test_map(t, 0x10000, PAGE, JAVM_ACCESS_NONE);
  test_map(t, 0xf000, PAGE, JAVM_ACCESS_READ);
  expect_fault(t, 0xfffc, 0x10000);
  /* round the end of the address space */
  expect_fault(t, 0xfffffffc, 0xfffff000);
  test_map(t, 0xfffff000, PAGE, JAVM_ACCESS_READ);
  assert_int_equal(at(t, 0xfffffffc), JAVM_EXIT_PANIC);
}

static void in_the_jam_sets_an_accessible_page_below_2_16_is_like_any_other(void **state) {
  test_run *t = *state;
  t->isa = JAVM_ISA_JAM_0_7;
  ONE(t, LOAD_U64_AT_R2);
  test_map(t, 0x1000, PAGE, JAVM_ACCESS_READ);
  assert_int_equal(at(t, 0x1000), JAVM_EXIT_TRAP);
}

/* ---- regions ---- */

static void map_takes_every_page_that_the_range_touches(void **state) {
  test_run *t = *state;
  ONE(t, JV_OP_load_ind_u8, REGS(1, 2));
  test_map(t, DATA + PAGE - 1, 2, JAVM_ACCESS_READ);
  assert_int_equal(at(t, DATA), JAVM_EXIT_TRAP);
  assert_int_equal(at(t, DATA + 2 * PAGE - 1), JAVM_EXIT_TRAP);
  expect_fault(t, DATA + 2 * PAGE, DATA + 2 * PAGE);
  test_map(t, HEAP, 0, JAVM_ACCESS_READ);
  expect_fault(t, HEAP, HEAP);
}

static void the_whole_address_space_can_be_mapped_and_no_more(void **state) {
  test_run *t = *state;
  ONE(t, JV_OP_load_ind_u8, REGS(1, 2));
  assert_int_equal(javm_machine_map(t->machine, 1, UINT64_C(1) << 32, JAVM_ACCESS_READ), JAVM_INVALID_ARGUMENT);
  assert_int_equal(javm_machine_map(t->machine, 0, (UINT64_C(1) << 32) + 1, JAVM_ACCESS_READ), JAVM_INVALID_ARGUMENT);
  assert_int_equal(javm_machine_map(t->machine, UINT32_MAX, UINT64_MAX, JAVM_ACCESS_READ), JAVM_INVALID_ARGUMENT);
  expect_fault(t, 0, 0);
  test_map(t, 0, UINT64_C(1) << 32, JAVM_ACCESS_READ);
  assert_int_equal(at(t, 0), JAVM_EXIT_TRAP);
  assert_int_equal(at(t, UINT32_MAX), JAVM_EXIT_TRAP);
}

static void where_regions_overlap_the_later_one_wins(void **state) {
  test_run *t = *state;
  ONE(t, JV_OP_store_ind_u8, REGS(1, 2));
  test_map(t, DATA, 5 * PAGE, JAVM_ACCESS_WRITE);
  test_map(t, DATA + PAGE, PAGE, JAVM_ACCESS_READ);
  test_map(t, DATA + 3 * PAGE, PAGE, JAVM_ACCESS_NONE);
  assert_int_equal(at(t, DATA), JAVM_EXIT_TRAP);
  expect_fault(t, DATA + PAGE, DATA + PAGE);
  assert_int_equal(at(t, DATA + 2 * PAGE), JAVM_EXIT_TRAP);
  expect_fault(t, DATA + 3 * PAGE, DATA + 3 * PAGE);
  assert_int_equal(at(t, DATA + 4 * PAGE), JAVM_EXIT_TRAP);
  expect_fault(t, DATA + 5 * PAGE, DATA + 5 * PAGE);
  assert_int_equal(test_peek(t, DATA + PAGE, 1), 0); /* read-only */
  assert_int_equal(javm_machine_read(t->machine, DATA + 3 * PAGE, &(uint8_t){0}, 1, NULL), JAVM_OUT_OF_RANGE);
}

static void a_region_that_covers_others_replaces_them(void **state) {
  test_run *t = *state;
  ONE(t, JV_OP_store_ind_u8, REGS(1, 2));
  for (uint32_t i = 0; i < 8; i++) test_map(t, DATA + i * PAGE, PAGE, i % 2 ? JAVM_ACCESS_READ : JAVM_ACCESS_NONE);
  test_map(t, DATA + PAGE, 6 * PAGE, JAVM_ACCESS_WRITE);
  expect_fault(t, DATA, DATA);
  for (uint32_t i = 1; i < 7; i++) assert_int_equal(at(t, DATA + i * PAGE), JAVM_EXIT_TRAP);
  expect_fault(t, DATA + 7 * PAGE, DATA + 7 * PAGE);
  assert_int_equal(test_peek(t, DATA + 7 * PAGE, 1), 0);
}

static void a_page_that_is_mapped_anew_is_zero_and_not_dirty(void **state) {
  test_run *t = *state;
  ONE(t, JV_OP_store_ind_u8, REGS(1, 2));
  test_map(t, DATA, 2 * PAGE, JAVM_ACCESS_WRITE);
  t->regs[1] = 9;
  at(t, DATA);
  at(t, DATA + PAGE);
  test_map(t, DATA, PAGE, JAVM_ACCESS_WRITE);
  assert_int_equal(test_peek(t, DATA, 1), 0);
  assert_int_equal(test_peek(t, DATA + PAGE, 1), 9);
  DIRTY(t, DATA + PAGE);
}

/* ---- sbrk ---- */

/* φ[3] = sbrk(φ[2]). */
static uint64_t sbrk_by(test_run *t, uint64_t n) {
  javm_machine_set_pc(t->machine, 0);
  t->regs[2] = n;
  t->regs[3] = 0x5555;
  assert_int_equal(test_run_on(t), JAVM_EXIT_TRAP);
  return t->regs[3];
}

static void load_sbrk(test_run *t, uint32_t limit) {
  ONE(t, JV_OP_sbrk, REGS(3, 2));
  if (limit) assert_int_equal(javm_machine_set_heap(t->machine, HEAP, limit), JAVM_OK);
}

static bool is_open(test_run *t, uint32_t address) {
  return javm_machine_write(t->machine, address, &(uint8_t){1}, 1, NULL) == JAVM_OK;
}

static void without_a_heap_sbrk_gives_0(void **state) {
  test_run *t = *state;
  load_sbrk(t, 0);
  assert_int_equal(sbrk_by(t, 0), 0);
  assert_int_equal(sbrk_by(t, 1), 0);
  assert_int_equal(sbrk_by(t, UINT64_MAX), 0);
}

static void sbrk_of_0_gives_the_heaps_end_and_opens_nothing(void **state) {
  test_run *t = *state;
  load_sbrk(t, HEAP + 4 * PAGE);
  assert_int_equal(sbrk_by(t, 0), HEAP);
  assert_false(is_open(t, HEAP));
  assert_int_equal(sbrk_by(t, 10), HEAP);
  assert_int_equal(sbrk_by(t, 0), HEAP + 10);
}

static void sbrk_gives_the_old_end_and_opens_the_pages_up_to_the_new_one(void **state) {
  test_run *t = *state;
  load_sbrk(t, HEAP + 4 * PAGE);
  assert_int_equal(sbrk_by(t, 1), HEAP);
  assert_int_equal(test_peek(t, HEAP, 8), 0);
  assert_true(is_open(t, HEAP + PAGE - 1)); /* the whole page */
  assert_false(is_open(t, HEAP + PAGE));
  assert_int_equal(sbrk_by(t, PAGE - 1), HEAP + 1);
  assert_false(is_open(t, HEAP + PAGE));
  assert_int_equal(sbrk_by(t, 1), HEAP + PAGE);
  assert_true(is_open(t, HEAP + PAGE));
  assert_false(is_open(t, HEAP + 2 * PAGE));
  assert_int_equal(test_peek(t, HEAP + PAGE - 1, 1), 1); /* what was written before stays */
}

static void sbrk_grows_to_the_end_of_its_region_and_not_a_byte_further(void **state) {
  test_run *t = *state;
  load_sbrk(t, HEAP + 4 * PAGE);
  assert_int_equal(sbrk_by(t, 4 * PAGE + 1), 0);
  assert_int_equal(sbrk_by(t, 0), HEAP);
  assert_false(is_open(t, HEAP));
  assert_int_equal(sbrk_by(t, 4 * PAGE), HEAP);
  assert_true(is_open(t, HEAP + 4 * PAGE - 1));
  assert_false(is_open(t, HEAP + 4 * PAGE));
  assert_int_equal(sbrk_by(t, 1), 0);
  assert_int_equal(sbrk_by(t, 0), HEAP + 4 * PAGE);
}

static void sbrk_takes_all_64_bits_of_its_operand(void **state) {
  test_run *t = *state;
  load_sbrk(t, HEAP + 4 * PAGE);
  assert_int_equal(sbrk_by(t, (UINT64_C(1) << 32) + 1), 0);
  assert_int_equal(sbrk_by(t, UINT64_MAX), 0);
  assert_int_equal(sbrk_by(t, UINT64_MAX - HEAP + 1), 0); /* end + n would wrap to 0 */
  assert_int_equal(sbrk_by(t, 0), HEAP);
}

static void sbrk_makes_no_page_dirty_until_it_is_written(void **state) {
  test_run *t = *state;
  load_sbrk(t, HEAP + 4 * PAGE);
  sbrk_by(t, 3 * PAGE);
  CLEAN(t);
  assert_true(is_open(t, HEAP + PAGE));
  DIRTY(t, HEAP + PAGE);
}

static void a_page_of_the_heap_faults_until_sbrk_opens_it(void **state) {
  test_run *t = *state;
  put(t, JV_OP_store_ind_u8, REGS(1, 4));
  put(t, JV_OP_trap);
  uint32_t grow = put(t, JV_OP_sbrk, REGS(3, 2));
  put(t, JV_OP_jump, TO(grow + 2, 0));
  EACH_MODEL(t, model) {
    assert_int_equal(javm_machine_set_heap(t->machine, HEAP, HEAP + PAGE), JAVM_OK);
    t->regs[4] = HEAP + 5;
    t->regs[2] = 1;
    expect_exit(t, JAVM_EXIT_PAGE_FAULT, 0);
    assert_int_equal(t->exit.address, HEAP);
    javm_machine_set_pc(t->machine, grow);
    expect_exit(t, JAVM_EXIT_TRAP, 2);
  }
}

static void sbrk_is_in_jam_0_7_and_not_in_jam_0_8(void **state) {
  test_run *t = *state;
  t->isa = JAVM_ISA_JAM_0_7;
  load_sbrk(t, HEAP + PAGE);
  assert_int_equal(sbrk_by(t, 5), HEAP);
  t->isa = JAVM_ISA_JAM_0_8;
  load_sbrk(t, HEAP + PAGE);
  t->regs[2] = 5;
  t->regs[3] = 0x5555;
  expect_exit(t, JAVM_EXIT_TRAP, 2); /* 101 is count_set_bits_64 there */
  assert_int_equal(reg(t, 3), 2);
}

static void a_heap_starts_at_a_page_and_there_is_one_only(void **state) {
  test_run *t = *state;
  load_sbrk(t, 0);
  assert_int_equal(javm_machine_set_heap(t->machine, HEAP + 1, HEAP + PAGE), JAVM_INVALID_ARGUMENT);
  assert_int_equal(javm_machine_set_heap(t->machine, HEAP, HEAP - PAGE), JAVM_INVALID_ARGUMENT);
  assert_int_equal(javm_machine_set_heap(t->machine, HEAP, HEAP + PAGE), JAVM_OK);
  assert_int_equal(javm_machine_set_heap(t->machine, HEAP, HEAP + PAGE), JAVM_INVALID_ARGUMENT);
  assert_int_equal(sbrk_by(t, PAGE), HEAP);
}

/* ---- dirty pages ---- */

static void a_read_does_not_make_a_page_dirty(void **state) {
  test_run *t = *state;
  ONE(t, LOAD_U64_AT_R2);
  test_map(t, DATA, 2 * PAGE, JAVM_ACCESS_WRITE);
  assert_int_equal(at(t, DATA + PAGE - 1), JAVM_EXIT_TRAP);
  test_peek(t, DATA, 8);
  CLEAN(t);
}

static void a_written_page_is_listed_once_and_in_order_of_address(void **state) {
  test_run *t = *state;
  ONE(t, STORE_U64_AT_R2);
  test_map(t, DATA, 8 * PAGE, JAVM_ACCESS_WRITE);
  static const uint32_t order[] = {5, 1, 7, 5, 0, 1, 3};
  for (size_t i = 0; i < sizeof order / sizeof *order; i++)
    assert_int_equal(at(t, DATA + order[i] * PAGE + 8), JAVM_EXIT_TRAP);
  DIRTY(t, DATA, DATA + PAGE, DATA + 3 * PAGE, DATA + 5 * PAGE, DATA + 7 * PAGE);
  assert_int_equal(at(t, DATA + 2 * PAGE), JAVM_EXIT_TRAP); /* and one more after it was asked for */
  DIRTY(t, DATA, DATA + PAGE, DATA + 2 * PAGE, DATA + 3 * PAGE, DATA + 5 * PAGE, DATA + 7 * PAGE);
}

static void a_store_of_the_same_bytes_makes_the_page_dirty(void **state) {
  test_run *t = *state;
  ONE(t, STORE_U64_AT_R2);
  test_map(t, DATA, PAGE, JAVM_ACCESS_WRITE);
  t->regs[1] = 0;
  assert_int_equal(at(t, DATA), JAVM_EXIT_TRAP);
  DIRTY(t, DATA);
}

static void a_store_that_fails_makes_no_page_dirty(void **state) {
  test_run *t = *state;
  ONE(t, STORE_U64_AT_R2);
  test_map(t, DATA, PAGE, JAVM_ACCESS_WRITE);
  expect_fault(t, DATA + PAGE - 4, DATA + PAGE);
  CLEAN(t);
}

static void no_more_dirty_pages_than_asked_for_are_written_out(void **state) {
  test_run *t = *state;
  ONE(t, STORE_U64_AT_R2);
  test_map(t, DATA, 3 * PAGE, JAVM_ACCESS_WRITE);
  for (uint32_t i = 0; i < 3; i++) at(t, DATA + (2 - i) * PAGE);
  uint32_t got[3] = {1, 1, 1};
  assert_int_equal(javm_machine_dirty_pages(t->machine, got, 2), 3);
  assert_int_equal(got[0], DATA);
  assert_int_equal(got[1], DATA + PAGE);
  assert_int_equal(got[2], 1);
  assert_int_equal(javm_machine_dirty_pages(t->machine, NULL, 0), 3);
}

/* ---- the host's side ---- */

static void a_poke_to_a_read_only_page_does_not_make_it_dirty(void **state) {
  test_run *t = *state;
  ONE(t, LOAD_U64_AT_R2);
  test_map(t, DATA, PAGE, JAVM_ACCESS_READ);
  test_poke(t, DATA, 42, 8);
  test_poke(t, DATA + 8, 43, 8);
  CLEAN(t);
  assert_int_equal(test_peek(t, DATA, 8), 42);
  assert_int_equal(test_peek(t, DATA + 8, 8), 43);
  assert_int_equal(at(t, DATA), JAVM_EXIT_TRAP);
  assert_int_equal(reg(t, 1), 42);
}

static void a_poke_to_a_page_that_the_guest_can_write_makes_it_dirty(void **state) {
  test_run *t = *state;
  ONE(t, LOAD_U64_AT_R2);
  test_map(t, DATA, PAGE, JAVM_ACCESS_WRITE);
  test_poke(t, DATA, 42, 8);
  DIRTY(t, DATA);
}

static void a_write_by_the_host_needs_the_guests_permission_and_makes_pages_dirty(void **state) {
  test_run *t = *state;
  ONE(t, LOAD_U64_AT_R2);
  test_map(t, DATA, PAGE, JAVM_ACCESS_WRITE);
  test_map(t, DATA + PAGE, PAGE, JAVM_ACCESS_READ);
  uint32_t fault = 1;
  uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  assert_int_equal(javm_machine_write(t->machine, DATA + PAGE - 4, bytes, 8, &fault), JAVM_OUT_OF_RANGE);
  assert_int_equal(fault, DATA + PAGE);
  assert_int_equal(test_peek(t, DATA + PAGE - 4, 8), 0);
  CLEAN(t);
  assert_int_equal(javm_machine_write(t->machine, DATA + PAGE - 8, bytes, 8, &fault), JAVM_OK);
  DIRTY(t, DATA);
}

static void a_read_by_the_host_names_the_first_failing_page_and_copies_nothing(void **state) {
  test_run *t = *state;
  ONE(t, LOAD_U64_AT_R2);
  test_map(t, DATA, PAGE, JAVM_ACCESS_READ);
  uint8_t bytes[16], before[16];
  memset(bytes, 0xaa, sizeof bytes);
  memcpy(before, bytes, sizeof bytes);
  uint32_t fault = 1;
  assert_int_equal(javm_machine_read(t->machine, DATA + PAGE - 8, bytes, 16, &fault), JAVM_OUT_OF_RANGE);
  assert_int_equal(fault, DATA + PAGE);
  assert_memory_equal(bytes, before, sizeof bytes);
}

static void a_poke_needs_mapped_pages_and_changes_all_or_nothing(void **state) {
  test_run *t = *state;
  ONE(t, LOAD_U64_AT_R2);
  test_map(t, DATA, PAGE, JAVM_ACCESS_READ);
  uint8_t bytes[16] = {1, 1, 1, 1, 1, 1, 1, 1};
  assert_int_equal(javm_machine_poke(t->machine, DATA + PAGE - 8, bytes, 16), JAVM_OUT_OF_RANGE);
  assert_int_equal(test_peek(t, DATA + PAGE - 8, 8), 0);
  assert_int_equal(javm_machine_poke(t->machine, DATA + 8 * PAGE, bytes, 1), JAVM_OUT_OF_RANGE);
}

static void the_hosts_accesses_wrap_at_2_32(void **state) {
  test_run *t = *state;
  ONE(t, LOAD_U64_AT_R2);
  test_map(t, 0xfffff000, PAGE, JAVM_ACCESS_READ);
  test_map(t, 0, PAGE, JAVM_ACCESS_READ);
  test_poke(t, 0xfffffffe, 0x44332211, 4);
  assert_int_equal(test_peek(t, 0, 2), 0x4433);
  assert_int_equal(test_peek(t, 0xfffffffe, 4), 0x44332211);
}

static void an_access_of_no_bytes_needs_no_permission(void **state) {
  test_run *t = *state;
  ONE(t, LOAD_U64_AT_R2);
  uint8_t none = 0;
  assert_int_equal(javm_machine_read(t->machine, DATA, &none, 0, NULL), JAVM_OK);
  assert_int_equal(javm_machine_write(t->machine, DATA, &none, 0, NULL), JAVM_OK);
  assert_int_equal(javm_machine_poke(t->machine, UINT32_MAX, &none, 0), JAVM_OK);
  CLEAN(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      test_case(memory_starts_inaccessible),
      test_case(mapped_pages_read_as_zeros),
      test_case(a_read_only_page_can_be_read_and_not_written),
      test_case(a_store_to_a_read_only_page_faults_also_after_the_page_was_read_or_poked),
      test_case(a_page_can_be_written_after_it_was_read),
      test_case(untouched_zero_pages_do_not_share_what_is_written_to_one),
      test_case(an_access_within_a_page_does_not_touch_the_next),
      test_case(an_access_may_span_two_pages_of_different_regions),
      test_case(a_store_that_spans_pages_checks_every_page_before_it_moves_a_byte),
      test_case(the_first_failing_page_in_the_order_of_the_bytes_is_named),
      test_case(an_access_that_runs_past_2_32_goes_on_at_0),
      test_case(an_access_that_runs_past_2_32_checks_the_last_page_first),
      test_case(in_javm_an_access_below_2_16_is_like_any_other),
      test_case(in_the_jam_sets_an_inaccessible_byte_below_2_16_is_a_panic),
      test_case(in_the_jam_sets_the_first_inaccessible_byte_decides_not_the_first_byte),
      test_case(in_the_jam_sets_an_accessible_page_below_2_16_is_like_any_other),
      test_case(map_takes_every_page_that_the_range_touches),
      test_case(the_whole_address_space_can_be_mapped_and_no_more),
      test_case(where_regions_overlap_the_later_one_wins),
      test_case(a_region_that_covers_others_replaces_them),
      test_case(a_page_that_is_mapped_anew_is_zero_and_not_dirty),
      test_case(without_a_heap_sbrk_gives_0),
      test_case(sbrk_of_0_gives_the_heaps_end_and_opens_nothing),
      test_case(sbrk_gives_the_old_end_and_opens_the_pages_up_to_the_new_one),
      test_case(sbrk_grows_to_the_end_of_its_region_and_not_a_byte_further),
      test_case(sbrk_takes_all_64_bits_of_its_operand),
      test_case(sbrk_makes_no_page_dirty_until_it_is_written),
      test_case(a_page_of_the_heap_faults_until_sbrk_opens_it),
      test_case(sbrk_is_in_jam_0_7_and_not_in_jam_0_8),
      test_case(a_heap_starts_at_a_page_and_there_is_one_only),
      test_case(a_read_does_not_make_a_page_dirty),
      test_case(a_written_page_is_listed_once_and_in_order_of_address),
      test_case(a_store_of_the_same_bytes_makes_the_page_dirty),
      test_case(a_store_that_fails_makes_no_page_dirty),
      test_case(no_more_dirty_pages_than_asked_for_are_written_out),
      test_case(a_poke_to_a_read_only_page_does_not_make_it_dirty),
      test_case(a_poke_to_a_page_that_the_guest_can_write_makes_it_dirty),
      test_case(a_write_by_the_host_needs_the_guests_permission_and_makes_pages_dirty),
      test_case(a_read_by_the_host_names_the_first_failing_page_and_copies_nothing),
      test_case(a_poke_needs_mapped_pages_and_changes_all_or_nothing),
      test_case(the_hosts_accesses_wrap_at_2_32),
      test_case(an_access_of_no_bytes_needs_no_permission),
  };
  return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
