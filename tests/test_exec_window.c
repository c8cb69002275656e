/*
 * The window of a memory (src/exec/mem.h): it opens and closes at any time, and nothing that can be seen of the memory changes:
 * content, permissions, dirty pages, the heap, failures. Last, random operations on a memory, a second one and a plain model.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "exec/mem.h"
#include "support/failing_alloc.h"

enum { PAGE = JAVM_PAGE_BYTES, FIRST = 16, PAGES = 64, CUTS_PAGES = 4500 };
#define AT(page) ((uint32_t)(page)*PAGE)

/* Page i of the source is filled with 100 + i, every fifth one is zeros; from page `fails_from` on there is none. */
typedef struct source {
  uint8_t bytes[PAGES][PAGE];
  uint32_t fails_from;
  javm_status failure;
  unsigned asked;
} source;

static javm_status give_page(void *ctx, uint32_t index, const uint8_t **bytes, javm_hash *missing) {
  source *s = ctx;
  s->asked++;
  if (index >= s->fails_from) {
    memset(missing, (int)index, sizeof *missing);
    return s->failure;
  }
  *bytes = index % 5 == 4 ? NULL : s->bytes[index];
  return JAVM_OK;
}

static uint8_t source_byte(uint32_t index) { return index % 5 == 4 ? 0 : (uint8_t)(100 + index); }

static void fill_source(source *s) {
  *s = (source){.fails_from = UINT32_MAX, .failure = JAVM_VALUE_NOT_FOUND};
  for (unsigned i = 0; i < PAGES; i++) memset(s->bytes[i], 100 + (int)i, PAGE);
}

static source shared_source;

static jv_region region_of(uint32_t first, uint32_t count, javm_access access, source *s, uint32_t source_first) {
  return (jv_region){.first_page = first,
                     .page_count = count,
                     .access = (uint8_t)access,
                     .source = s ? give_page : NULL,
                     .source_ctx = s,
                     .source_first = source_first,
                     .source_pages = s ? count : 0};
}

static void add(jv_mem *m, uint32_t first, uint32_t count, javm_access access, source *s) {
  jv_region region = region_of(first, count, access, s, 0);
  assert_int_equal(jv_mem_add_region(m, &region), JAVM_OK);
}

/* A memory whose pages FIRST.. come from the source: half of them to be written, then half to be read only. */
static int setup(void **state) {
  static jv_mem m;
  fill_source(&shared_source);
  assert_int_equal(jv_mem_init(&m, javm_allocator_default()), JAVM_OK);
  add(&m, FIRST, PAGES / 2, JAVM_ACCESS_WRITE, &shared_source);
  jv_region rest = region_of(FIRST + PAGES / 2, PAGES / 2, JAVM_ACCESS_READ, &shared_source, PAGES / 2);
  assert_int_equal(jv_mem_add_region(&m, &rest), JAVM_OK);
  *state = &m;
  return 0;
}

static int teardown(void **state) {
  jv_mem_free(*state);
  return 0;
}

#define window_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

enum { RO = FIRST + PAGES / 2 }; /* the first read-only page */

static bool has_windows(void) {
  jv_mem m;
  assert_int_equal(jv_mem_init(&m, javm_allocator_default()), JAVM_OK);
  bool has = jv_mem_open_window(&m);
  jv_mem_free(&m);
  return has;
}

static void open_window(jv_mem *m) {
  assert_true(jv_mem_open_window(m));
  assert_non_null(m->window);
}

static void close_window(jv_mem *m) {
  assert_int_equal(jv_mem_close_window(m), JAVM_OK);
  assert_null(m->window);
}

static void write_byte(jv_mem *m, uint32_t address, uint8_t value) {
  assert_int_equal(jv_mem_write(m, address, &value, 1), JV_TOUCH_OK);
}

static void poke_byte(jv_mem *m, uint32_t address, uint8_t value) {
  assert_int_equal(jv_mem_poke(m, address, &value, 1), JV_TOUCH_OK);
}

static void expect_byte(jv_mem *m, uint32_t address, uint8_t value) {
  uint8_t byte = (uint8_t)~value;
  assert_int_equal(jv_mem_read(m, address, &byte, 1), JV_TOUCH_OK);
  assert_int_equal(byte, value);
}

static void expect_fault(jv_mem *m, uint32_t address, bool write) {
  uint8_t byte = 1;
  jv_touch touch = write ? jv_mem_write(m, address, &byte, 1) : jv_mem_read(m, address, &byte, 1);
  assert_int_equal(touch, JV_TOUCH_FAULT);
  assert_int_equal(m->fault_page, address / PAGE);
}

/* The dirty pages are exactly these, in the order in which they were dirtied. */
static void expect_dirty(const jv_mem *m, const uint32_t *pages, size_t count) {
  assert_int_equal(m->dirty_count, count);
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(m->dirty[i].page, pages[i]);
    assert_true((m->dirty[i].bytes == NULL) == (m->window != NULL));
  }
}
#define DIRTY(m, ...)                                                                                                  \
  expect_dirty(m, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))
#define CLEAN(m) expect_dirty(m, NULL, 0)

/* What mem.h says of words, whatever the memory has gone through. */
static void check_words(const jv_mem *m) {
  for (size_t i = 0; i < m->touched_count; i++) {
    uint32_t page = m->touched[i];
    if (m->write[page]) assert_int_equal(m->write[page], m->read[page]);
    if (m->window && m->read[page]) assert_int_equal(m->read[page], (uintptr_t)m->window);
  }
  for (size_t i = 0; i < m->dirty_count; i++) {
    assert_int_not_equal(m->write[m->dirty[i].page], 0);
    for (size_t k = 0; k < i && m->dirty_count < 100; k++) assert_int_not_equal(m->dirty[i].page, m->dirty[k].page);
  }
  for (size_t i = 0; i < m->host_page_count; i++) {
    assert_int_not_equal(m->read[m->host_pages[i].page], 0);
    assert_int_equal(m->write[m->host_pages[i].page], 0);
  }
}

/* ---- round trips ---- */

static void content_and_dirty_pages_stay(void **state) {
  jv_mem *m = *state;
  write_byte(m, AT(FIRST) + 7, 1);
  write_byte(m, AT(FIRST + 3), 2);
  expect_byte(m, AT(FIRST + 5), source_byte(5));
  open_window(m);
  for (int round = 0; round < 4; round++) {
    DIRTY(m, FIRST, FIRST + 3);
    check_words(m);
    expect_byte(m, AT(FIRST) + 6, source_byte(0));
    expect_byte(m, AT(FIRST) + 7, 1);
    expect_byte(m, AT(FIRST + 3), 2);
    expect_byte(m, AT(FIRST + 3) + 1, source_byte(3));
    expect_byte(m, AT(FIRST + 5), source_byte(5));
    expect_byte(m, AT(FIRST + 4), 0);
    if (round % 2 == 0) close_window(m);
    else open_window(m);
  }
}

static void what_is_written_in_the_window_is_there_afterwards(void **state) {
  jv_mem *m = *state;
  open_window(m);
  write_byte(m, AT(FIRST + 9), 9); /* never touched before */
  expect_byte(m, AT(FIRST + 8), source_byte(8));
  write_byte(m, AT(FIRST + 8), 8);     /* read before */
  m->window[AT(FIRST + 9) + 100] = 77; /* as native code does */
  DIRTY(m, FIRST + 9, FIRST + 8);
  close_window(m);
  DIRTY(m, FIRST + 9, FIRST + 8);
  expect_byte(m, AT(FIRST + 9), 9);
  expect_byte(m, AT(FIRST + 9) + 100, 77);
  expect_byte(m, AT(FIRST + 9) + 101, source_byte(9));
  expect_byte(m, AT(FIRST + 8), 8);
  expect_byte(m, AT(FIRST + 8) + 1, source_byte(8));
  write_byte(m, AT(FIRST + 9) + 1, 10);
  open_window(m);
  DIRTY(m, FIRST + 9, FIRST + 8);
  assert_int_equal(m->window[AT(FIRST + 9) + 100], 77);
  assert_int_equal(m->window[AT(FIRST + 9) + 1], 10);
}

static void opening_and_closing_twice_is_as_once(void **state) {
  jv_mem *m = *state;
  close_window(m);
  write_byte(m, AT(FIRST), 1);
  open_window(m);
  const uint8_t *window = m->window;
  open_window(m);
  assert_ptr_equal(m->window, window);
  close_window(m);
  close_window(m);
  expect_byte(m, AT(FIRST), 1);
}

static void a_page_that_was_only_read_stays_clean(void **state) {
  jv_mem *m = *state;
  expect_byte(m, AT(FIRST + 1), source_byte(1));
  open_window(m);
  expect_byte(m, AT(FIRST + 2), source_byte(2));
  expect_byte(m, AT(FIRST + 1), source_byte(1));
  CLEAN(m);
  assert_int_equal(m->write[FIRST + 1], 0);
  assert_int_equal(m->write[FIRST + 2], 0);
  close_window(m);
  CLEAN(m);
  assert_int_equal(m->host_page_count, 0);
  expect_byte(m, AT(FIRST + 1), source_byte(1));
  expect_byte(m, AT(FIRST + 2), source_byte(2));
  assert_ptr_equal((void *)(m->read[FIRST + 1] + AT(FIRST + 1)), shared_source.bytes[1]); /* shared again */
  CLEAN(m);
}

static void the_source_is_never_written(void **state) {
  jv_mem *m = *state;
  expect_byte(m, AT(FIRST + 1), source_byte(1));
  open_window(m);
  write_byte(m, AT(FIRST + 1), 1);
  write_byte(m, AT(FIRST + 2), 1);
  poke_byte(m, AT(RO + 1), 1);
  close_window(m);
  write_byte(m, AT(FIRST + 1) + 1, 1);
  poke_byte(m, AT(RO + 1) + 1, 1);
  for (unsigned i = 0; i < PAGES; i++)
    for (unsigned k = 0; k < 4; k++) assert_int_equal(shared_source.bytes[i][k], 100 + i);
}

static void permissions_stay(void **state) {
  jv_mem *m = *state;
  expect_byte(m, AT(RO), source_byte(PAGES / 2));
  for (int round = 0; round < 4; round++) {
    expect_fault(m, AT(RO), true);     /* touched */
    expect_fault(m, AT(RO + 1), true); /* not touched */
    expect_fault(m, AT(FIRST) - 1, false);
    expect_fault(m, AT(FIRST + PAGES), false);
    expect_fault(m, AT(FIRST + PAGES), true);
    assert_int_equal(jv_mem_check(m, AT(FIRST), PAGES / 2 * PAGE, true), JV_TOUCH_OK);
    assert_int_equal(jv_mem_check(m, AT(FIRST), PAGES / 2 * PAGE + 1, true), JV_TOUCH_FAULT);
    assert_int_equal(m->fault_page, RO);
    assert_int_equal(jv_mem_check(m, AT(FIRST), PAGES * PAGE, false), JV_TOUCH_OK);
    CLEAN(m);
    if (round % 2 == 0) open_window(m);
    else close_window(m);
  }
}

static void a_write_that_ends_where_the_guest_may_not_write_dirties_nothing(void **state) {
  jv_mem *m = *state;
  uint8_t bytes[3 * PAGE];
  memset(bytes, 1, sizeof bytes);
  for (int round = 0; round < 2; round++) {
    assert_int_equal(jv_mem_write(m, AT(RO - 2), bytes, sizeof bytes), JV_TOUCH_FAULT);
    assert_int_equal(m->fault_page, RO);
    CLEAN(m);
    expect_byte(m, AT(RO - 1), source_byte(PAGES / 2 - 1));
    open_window(m);
  }
}

static void host_pages_stay(void **state) {
  jv_mem *m = *state;
  poke_byte(m, AT(RO), 1);
  open_window(m);
  CLEAN(m);
  assert_int_equal(m->host_page_count, 1);
  expect_byte(m, AT(RO), 1);
  poke_byte(m, AT(RO) + 1, 2); /* poked before */
  poke_byte(m, AT(RO + 1), 3); /* not touched before */
  expect_byte(m, AT(RO + 2), source_byte(PAGES / 2 + 2));
  poke_byte(m, AT(RO + 2), 4); /* read before */
  poke_byte(m, AT(FIRST), 5);  /* the guest can write it, so it is dirty */
  for (int round = 0; round < 4; round++) {
    DIRTY(m, FIRST);
    check_words(m);
    assert_int_equal(m->host_page_count, 3);
    expect_byte(m, AT(RO), 1);
    expect_byte(m, AT(RO) + 1, 2);
    expect_byte(m, AT(RO) + 2, source_byte(PAGES / 2));
    expect_byte(m, AT(RO + 1), 3);
    expect_byte(m, AT(RO + 2), 4);
    expect_byte(m, AT(RO + 2) + 1, source_byte(PAGES / 2 + 2));
    expect_byte(m, AT(FIRST), 5);
    for (unsigned i = 0; i < 3; i++) expect_fault(m, AT(RO + i), true);
    if (round % 2 == 0) close_window(m);
    else open_window(m);
  }
}

static void accesses_wrap_and_span_pages(void **state) {
  jv_mem *m = *state;
  uint8_t bytes[3 * PAGE], got[3 * PAGE];
  for (unsigned i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7 + i / 256);
  add(m, 0, 2, JAVM_ACCESS_WRITE, NULL);
  add(m, JV_GUEST_PAGES - 2, 2, JAVM_ACCESS_WRITE, NULL);
  open_window(m);
  uint32_t start = 0u - PAGE - 100;
  assert_int_equal(jv_mem_write(m, start, bytes, sizeof bytes), JV_TOUCH_OK);
  DIRTY(m, JV_GUEST_PAGES - 2, JV_GUEST_PAGES - 1, 0, 1);
  for (int round = 0; round < 3; round++) {
    assert_int_equal(jv_mem_read(m, start, got, sizeof got), JV_TOUCH_OK);
    assert_memory_equal(got, bytes, sizeof bytes);
    expect_byte(m, start - 1, 0);
    expect_fault(m, AT(2), false);
    if (round == 0) close_window(m);
    else open_window(m);
  }
}

static void the_heap_grows_with_an_open_window(void **state) {
  jv_mem *m = *state;
  assert_int_equal(jv_mem_add_heap(m, 200, 8, AT(200)), JAVM_OK);
  open_window(m);
  expect_fault(m, AT(200), false);
  assert_int_equal(jv_mem_sbrk(m, PAGE + 1), AT(200));
  write_byte(m, AT(201), 1);
  expect_byte(m, AT(200), 0);
  expect_fault(m, AT(202), true);
  close_window(m);
  expect_fault(m, AT(202), true);
  assert_int_equal(jv_mem_sbrk(m, PAGE), AT(201) + 1);
  open_window(m);
  write_byte(m, AT(202), 2);
  expect_byte(m, AT(201), 1);
  expect_fault(m, AT(203), true);
  assert_int_equal(jv_mem_sbrk(m, UINT64_MAX), 0);
  DIRTY(m, 201, 202);
  close_window(m);
  expect_byte(m, AT(202), 2);
  DIRTY(m, 201, 202);
}

/* ---- regions ---- */

static void regions_come_with_an_open_window(void **state) {
  jv_mem *m = *state;
  for (unsigned i = 0; i < 6; i++) write_byte(m, AT(FIRST + i), (uint8_t)(1 + i));
  poke_byte(m, AT(RO), 9);
  poke_byte(m, AT(RO + 1), 9);
  open_window(m);
  add(m, FIRST + 1, 2, JAVM_ACCESS_READ, NULL); /* over dirty pages */
  add(m, FIRST + 4, 1, JAVM_ACCESS_NONE, NULL);
  add(m, RO, 1, JAVM_ACCESS_WRITE, NULL);  /* over a poked one */
  add(m, 500, 1, JAVM_ACCESS_WRITE, NULL); /* where there was none */
  for (int round = 0; round < 4; round++) {
    DIRTY(m, FIRST, FIRST + 3, FIRST + 5);
    check_words(m);
    assert_int_equal(m->host_page_count, 1);
    expect_byte(m, AT(FIRST), 1);
    expect_byte(m, AT(FIRST + 1), 0);
    expect_byte(m, AT(FIRST + 2), 0);
    expect_fault(m, AT(FIRST + 1), true);
    expect_byte(m, AT(FIRST + 3), 4);
    expect_fault(m, AT(FIRST + 4), false);
    expect_byte(m, AT(FIRST + 5), 6);
    expect_byte(m, AT(RO), 0);
    expect_byte(m, AT(RO + 1), 9);
    expect_byte(m, AT(500), 0);
    if (round % 2 == 0) close_window(m);
    else open_window(m);
  }
  write_byte(m, AT(RO), 3);
  write_byte(m, AT(500), 4);
  close_window(m);
  DIRTY(m, FIRST, FIRST + 3, FIRST + 5, RO, 500);
  expect_byte(m, AT(RO), 3);
  expect_byte(m, AT(500), 4);
}

static void a_region_over_everything_forgets_everything(void **state) {
  jv_mem *m = *state;
  open_window(m);
  for (unsigned i = 0; i < 6; i++) write_byte(m, AT(FIRST + i), 1);
  add(m, 0, JV_GUEST_PAGES, JAVM_ACCESS_WRITE, NULL);
  CLEAN(m);
  assert_int_equal(m->touched_count, 0);
  for (unsigned i = 0; i < 6; i++) expect_byte(m, AT(FIRST + i), 0);
  write_byte(m, 0, 1);
  write_byte(m, UINT32_MAX, 2);
  close_window(m);
  expect_byte(m, 0, 1);
  expect_byte(m, UINT32_MAX, 2);
  DIRTY(m, 0, JV_GUEST_PAGES - 1);
}

/* ---- reset ---- */

static void a_reset_with_an_open_window_forgets_all(void **state) {
  jv_mem *m = *state;
  for (int round = 0; round < 3; round++) {
    for (unsigned i = 0; i < 6; i++) write_byte(m, AT(FIRST + i) + 5, 0xee);
    poke_byte(m, AT(RO), 0xee);
    if (round != 1) open_window(m); /* round 1: a window was open before */
    write_byte(m, AT(FIRST + 10), 0xee);
    poke_byte(m, AT(RO + 3), 0xee);
    jv_mem_reset(m);
    assert_null(m->window);
    CLEAN(m);
    assert_int_equal(m->host_page_count, 0);
    assert_int_equal(m->touched_count, 0);
    for (unsigned i = 0; i < PAGES; i++) {
      assert_int_equal(m->read[FIRST + i], 0);
      assert_int_equal(m->write[FIRST + i], 0);
      expect_fault(m, AT(FIRST + i), false);
    }
    open_window(m); /* nothing is accessible in it */
    for (unsigned i = 0; i < PAGES; i++) expect_fault(m, AT(FIRST + i), false);
    add(m, FIRST, PAGES, JAVM_ACCESS_WRITE, NULL);
    for (unsigned i = 0; i < PAGES; i++) {
      uint8_t bytes[PAGE];
      assert_int_equal(jv_mem_read(m, AT(FIRST + i), bytes, PAGE), JV_TOUCH_OK);
      for (unsigned k = 0; k < PAGE; k++) assert_int_equal(bytes[k], 0);
    }
    CLEAN(m);
    jv_mem_reset(m);
    add(m, FIRST, PAGES / 2, JAVM_ACCESS_WRITE, &shared_source);
    add(m, RO, PAGES / 2, JAVM_ACCESS_READ, &shared_source);
  }
}

/* The next user writes without reading first: the rest of the page is zero, too. */
static void a_page_written_first_after_a_reset_is_zero_around_it(void **state) {
  jv_mem *m = *state;
  uint8_t bytes[PAGE];
  open_window(m);
  memset(bytes, 0xee, sizeof bytes);
  assert_int_equal(jv_mem_write(m, AT(FIRST), bytes, PAGE), JV_TOUCH_OK);
  jv_mem_reset(m);
  add(m, FIRST, 1, JAVM_ACCESS_WRITE, NULL);
  open_window(m);
  write_byte(m, AT(FIRST) + 9, 1);
  assert_int_equal(jv_mem_read(m, AT(FIRST), bytes, PAGE), JV_TOUCH_OK);
  for (unsigned k = 0; k < PAGE; k++) assert_int_equal(bytes[k], k == 9);
}

/* ---- failures ---- */

static void a_page_source_that_fails_leaves_nothing_dirty(void **state) {
  jv_mem *m = *state;
  uint8_t bytes[8 * PAGE];
  memset(bytes, 1, sizeof bytes);
  for (int round = 0; round < 4; round++) {
    if (round == 2) open_window(m);
    for (uint32_t n = 0; n < 8; n++) {
      add(m, FIRST, PAGES / 2, JAVM_ACCESS_WRITE, &shared_source); /* nothing is touched */
      shared_source.fails_from = 4;
      if (round % 2)
        expect_byte(m, AT(FIRST + 3), source_byte(3)); /* read before; in the window those before it, too */
      uint32_t failing = round == 1 && n == 3 ? 4 : round == 3 && n < 4 ? 4 : n;
      shared_source.fails_from = n;
      jv_touch touch = jv_mem_write(m, AT(FIRST), bytes, sizeof bytes);
      assert_int_equal(touch, JV_TOUCH_FAILED);
      assert_int_equal(m->status, JAVM_VALUE_NOT_FOUND);
      assert_int_equal(m->missing.bytes[0], failing);
      CLEAN(m);
      check_words(m);
      for (uint32_t i = 0; i < 8; i++) assert_int_equal(m->write[FIRST + i], 0);
      shared_source.fails_from = UINT32_MAX;
      for (uint32_t i = 0; i < 8; i++) expect_byte(m, AT(FIRST + i), source_byte(i));
    }
  }
  assert_int_equal(jv_mem_write(m, AT(FIRST), bytes, sizeof bytes), JV_TOUCH_OK);
  close_window(m);
  assert_int_equal(m->dirty_count, 8);
  for (uint32_t i = 0; i < 8; i++) expect_byte(m, AT(FIRST + i) + PAGE - 1, 1);
}

/* After a failure a page may stand on the list of touched ones twice; opening and closing bear it. */
static void a_window_opens_and_closes_after_failures(void **state) {
  jv_mem *m = *state;
  uint8_t bytes[4 * PAGE];
  memset(bytes, 1, sizeof bytes);
  for (int round = 0; round < 3; round++) {
    if (round == 1) open_window(m);
    if (round == 2) close_window(m);
    for (int again = 0; again < 5; again++) {
      shared_source.fails_from = 13;
      assert_int_equal(jv_mem_write(m, AT(FIRST + 10), bytes, sizeof bytes), JV_TOUCH_FAILED);
      if (again & 1) write_byte(m, AT(FIRST + 10), 7);
      if (again & 1) expect_byte(m, AT(FIRST + 12), source_byte(12));
      shared_source.fails_from = UINT32_MAX;
    }
  }
  for (int round = 0; round < 4; round++) {
    DIRTY(m, FIRST + 10);
    check_words(m);
    expect_byte(m, AT(FIRST + 10), 7);
    expect_byte(m, AT(FIRST + 10) + 1, source_byte(10));
    expect_byte(m, AT(FIRST + 11), source_byte(11));
    expect_byte(m, AT(FIRST + 12), source_byte(12));
    if (round % 2 == 0) open_window(m);
    else close_window(m);
  }
}

static void a_failed_write_keeps_what_was_dirty_before(void **state) {
  jv_mem *m = *state;
  uint8_t bytes[4 * PAGE];
  memset(bytes, 1, sizeof bytes);
  open_window(m);
  write_byte(m, AT(FIRST + 1), 9);
  shared_source.fails_from = 3;
  assert_int_equal(jv_mem_write(m, AT(FIRST), bytes, sizeof bytes), JV_TOUCH_FAILED);
  shared_source.fails_from = UINT32_MAX;
  DIRTY(m, FIRST + 1);
  expect_byte(m, AT(FIRST), source_byte(0));
  expect_byte(m, AT(FIRST + 1), 9);
  expect_byte(m, AT(FIRST + 1) + 1, source_byte(1));
  close_window(m);
  DIRTY(m, FIRST + 1);
  expect_byte(m, AT(FIRST + 1), 9);
  expect_byte(m, AT(FIRST), source_byte(0));
}

/* One failing request at a time: what failed changed nothing, and goes well a second time. */
static javm_status again(jv_mem *m, jv_touch touch, bool *failed) {
  *failed = touch == JV_TOUCH_FAILED;
  if (!*failed) return JAVM_OK;
  assert_int_equal(m->status, JAVM_OUT_OF_MEMORY);
  return JAVM_OUT_OF_MEMORY;
}

static javm_status write_all(jv_mem *m, uint32_t first, uint32_t count, uint8_t value, bool as_host) {
  uint8_t bytes[PAGE + 10];
  bool failed;
  javm_status status = JAVM_OK;
  memset(bytes, value, sizeof bytes);
  for (uint32_t i = 0; status == JAVM_OK && i + 1 < count; i++) {
    uint32_t address = AT(first + i) + PAGE / 2;
    size_t dirty = m->dirty_count;
    jv_touch touch =
        as_host ? jv_mem_poke(m, address, bytes, sizeof bytes) : jv_mem_write(m, address, bytes, sizeof bytes);
    status = again(m, touch, &failed);
    if (!failed) continue;
    assert_int_equal(m->dirty_count, dirty);
    touch = as_host ? jv_mem_poke(m, address, bytes, sizeof bytes) : jv_mem_write(m, address, bytes, sizeof bytes);
    status = again(m, touch, &failed);
  }
  return status;
}

static void expect_all(jv_mem *m, uint8_t value, uint8_t host_value) {
  uint8_t bytes[PAGE];
  for (uint32_t i = 0; i < 12; i++) {
    bool is_host = i >= 6;
    if (jv_mem_read(m, AT(i < 6 ? FIRST + i : RO + i - 6), bytes, PAGE) != JV_TOUCH_OK) continue; /* no memory */
    unsigned page = is_host ? i - 6 : i, index = is_host ? PAGES / 2 + page : page;
    uint8_t written = is_host ? host_value : value;
    assert_int_equal(bytes[10], page == 0 ? source_byte(index) : written);
    assert_int_equal(bytes[PAGE / 2 - 1], page == 0 ? source_byte(index) : written);
    assert_int_equal(bytes[PAGE - 1], page == 5 ? source_byte(index) : written);
  }
}

static javm_status closing(const javm_allocator *allocator) {
  jv_mem m;
  jv_page *spare[4];
  size_t spare_count = 0;
  javm_status status = jv_mem_init(&m, allocator);
  if (status != JAVM_OK) return status;
  m.spare = spare;
  m.spare_count = &spare_count;
  m.spare_capacity = 4;
  jv_region regions[2] = {region_of(FIRST, PAGES / 2, JAVM_ACCESS_WRITE, &shared_source, 0),
                          region_of(RO, PAGES / 2, JAVM_ACCESS_READ, &shared_source, PAGES / 2)};
  for (int i = 0; status == JAVM_OK && i < 2; i++) status = jv_mem_add_region(&m, &regions[i]);
  for (uint8_t round = 0; status == JAVM_OK && round < 3; round++) {
    status = write_all(&m, FIRST, 6, (uint8_t)(1 + round), false);
    if (status == JAVM_OK) status = write_all(&m, RO, 6, (uint8_t)(11 + round), true);
    if (status != JAVM_OK) break;
    expect_all(&m, (uint8_t)(1 + round), (uint8_t)(11 + round));
    if (!m.window) {
      open_window(&m);
    } else {
      const uint8_t *window = m.window;
      size_t dirty = m.dirty_count, host = m.host_page_count, touched = m.touched_count;
      status = jv_mem_close_window(&m);
      if (status == JAVM_OUT_OF_MEMORY) {
        assert_ptr_equal(m.window, window);
        assert_int_equal(m.dirty_count, dirty);
        assert_int_equal(m.host_page_count, host);
        assert_int_equal(m.touched_count, touched);
        for (size_t i = 0; i < dirty; i++) assert_null(m.dirty[i].bytes);
        for (size_t i = 0; i < host; i++) assert_null(m.host_pages[i].bytes);
        check_words(&m);
        expect_all(&m, (uint8_t)(1 + round), (uint8_t)(11 + round));
        status = jv_mem_close_window(&m);
      }
    }
    check_words(&m);
    expect_all(&m, (uint8_t)(1 + round), (uint8_t)(11 + round));
  }
  jv_mem_free(&m);
  while (spare_count) jv_page_release(allocator, spare[--spare_count]);
  return status;
}

static void every_allocation_fails_once(void **state) {
  (void)state;
  for_each_failing_allocation(closing);
}

/* ---- scattered pages ---- */

static void expect_scattered(jv_mem *m, uint32_t count, bool write) {
  assert_int_equal(m->dirty_count, write ? count : 0);
  for (uint32_t i = 0; i < count; i++) {
    expect_byte(m, AT(2 * i + 1), write ? (uint8_t)(i % 250 + 1) : 0);
    expect_byte(m, AT(2 * i + 1) + 1, 0);
  }
}

static void too_many_scattered_pages_close_the_window(void **state) {
  jv_mem *m = *state;
  for (int write = 0; write < 2; write++) {
    jv_mem_reset(m);
    for (uint32_t i = 0; i < CUTS_PAGES; i++) add(m, 2 * i + 1, 1, JAVM_ACCESS_WRITE, NULL);
    open_window(m);
    uint32_t closed_at = CUTS_PAGES;
    for (uint32_t i = 0; i < CUTS_PAGES; i++) {
      if (write) write_byte(m, AT(2 * i + 1), (uint8_t)(i % 250 + 1));
      else expect_byte(m, AT(2 * i + 1), 0);
      if (!m->window && closed_at == CUTS_PAGES) closed_at = i;
    }
    assert_null(m->window);
    assert_true(closed_at >= 4000);
    expect_scattered(m, CUTS_PAGES, write);
    assert_false(jv_mem_open_window(m)); /* and stays closed, with all in its place */
    assert_null(m->window);
    expect_scattered(m, CUTS_PAGES, write);
  }
  jv_mem_reset(m);
  add(m, 0, 4, JAVM_ACCESS_WRITE, NULL);
  open_window(m);
  expect_byte(m, AT(1), 0);
}

/* Pages that follow each other are one piece for the system, however many they are. */
static void many_pages_in_a_row_stay_in_the_window(void **state) {
  jv_mem *m = *state;
  jv_mem_reset(m);
  add(m, 0, 4 * CUTS_PAGES, JAVM_ACCESS_WRITE, NULL);
  open_window(m);
  for (uint32_t i = 0; i < 4 * CUTS_PAGES; i++) write_byte(m, AT(i), (uint8_t)(i % 250 + 1));
  assert_non_null(m->window);
  close_window(m);
  assert_int_equal(m->dirty_count, 4 * CUTS_PAGES);
  for (uint32_t i = 0; i < 4 * CUTS_PAGES; i++) expect_byte(m, AT(i), (uint8_t)(i % 250 + 1));
}

/* One write over the page with which the window closes: the pages before it and those behind. */
static void a_write_in_whose_middle_the_window_closes_is_whole(void **state) {
  jv_mem *m = *state;
  enum { LONG = 300 };
  static uint8_t bytes[LONG * PAGE], got[LONG * PAGE];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 31 + i / PAGE);
  jv_mem_reset(m);
  for (uint32_t i = 0; i < LONG; i++) /* every second one is another region; reading makes cuts */
    add(m, 20000 + i, 1, JAVM_ACCESS_WRITE, NULL);
  for (uint32_t i = 0; i < CUTS_PAGES; i++) add(m, 2 * i + 1, 1, JAVM_ACCESS_WRITE, NULL);
  open_window(m);
  uint32_t used = 0;
  while (m->window && m->window_cuts < 8192 - 2) expect_byte(m, AT(2 * used++ + 1), 0);
  assert_non_null(m->window);
  assert_int_equal(jv_mem_write(m, AT(20000) + 5, bytes, sizeof bytes - PAGE), JV_TOUCH_OK);
  assert_int_equal(m->dirty_count, LONG);
  assert_int_equal(jv_mem_read(m, AT(20000) + 5, got, sizeof bytes - PAGE), JV_TOUCH_OK);
  assert_memory_equal(got, bytes, sizeof bytes - PAGE);
  for (uint32_t i = 0; i < used; i++) expect_byte(m, AT(2 * i + 1), 0);
}

/* ---- a system that refuses ---- */

enum { PIECES_MAX = 300000 };

/* Leaves the process no more than `left` pieces of address space to have, by taking all others; NULL: it has too many. */
static uint8_t *take_pieces(unsigned left) {
  size_t bytes = (size_t)PIECES_MAX * PAGE, i = 1;
  uint8_t *area = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  assert_true(area != MAP_FAILED);
  while (i < PIECES_MAX && mprotect(area + i * PAGE, PAGE, PROT_READ) == 0) i += 2;
  if (i >= PIECES_MAX) {
    munmap(area, bytes);
    return NULL;
  }
  for (unsigned k = 0; k < left; k += 2) {
    i -= 2;
    assert_int_equal(mprotect(area + i * PAGE, PAGE, PROT_NONE), 0);
  }
  return area;
}

/* Whatever is refused, and when: the window is open or not, and all else as if it were not there. */
static void a_system_that_refuses_changes_nothing(void **state) {
  jv_mem *m = *state;
  unsigned closed = 0;
  static const unsigned lefts[] = {0, 2, 4, 10, 22, 40};
  for (size_t n = 0; n < sizeof lefts / sizeof *lefts; n++) {
    unsigned left = lefts[n];
    jv_mem_reset(m);
    add(m, FIRST, PAGES, JAVM_ACCESS_WRITE, &shared_source);
    add(m, 200, PAGES, JAVM_ACCESS_READ, &shared_source);
    bool opens_before = n % 2 == 0;
    write_byte(m, AT(FIRST), 1);
    poke_byte(m, AT(200), 2);
    if (opens_before) open_window(m);
    uint8_t *area = take_pieces(left);
    if (!area) {
      print_message("skipped: this system lets a process have too many mappings\n");
      skip();
    }
    if (!opens_before) (void)jv_mem_open_window(m);
    for (unsigned i = 2; i < PAGES; i += 2) write_byte(m, AT(FIRST + i), (uint8_t)i);
    for (unsigned i = 2; i < PAGES; i += 2) poke_byte(m, AT(200 + i), (uint8_t)(i + 1));
    for (unsigned i = 1; i < PAGES; i += 2) expect_byte(m, AT(FIRST + i), source_byte(i));
    closed += m->window == NULL;
    (void)jv_mem_open_window(m);
    munmap(area, (size_t)PIECES_MAX * PAGE);
    for (int round = 0; round < 3; round++) {
      check_words(m);
      assert_int_equal(m->dirty_count, PAGES / 2);
      assert_int_equal(m->host_page_count, PAGES / 2);
      expect_byte(m, AT(FIRST), 1);
      expect_byte(m, AT(200), 2);
      for (unsigned i = 2; i < PAGES; i += 2) {
        expect_byte(m, AT(FIRST + i), (uint8_t)i);
        expect_byte(m, AT(FIRST + i) + 1, source_byte(i));
        expect_byte(m, AT(200 + i), (uint8_t)(i + 1));
        expect_byte(m, AT(200 + i) + 1, source_byte(i));
        expect_fault(m, AT(200 + i), true);
      }
      if (round == 0) close_window(m);
      else open_window(m);
    }
  }
  assert_true(closed > 0);
}

/* ---- two memories, and a model ---- */

static void two_memories_have_windows_of_their_own(void **state) {
  jv_mem *a = *state, b;
  assert_int_equal(jv_mem_init(&b, javm_allocator_default()), JAVM_OK);
  add(&b, FIRST, PAGES, JAVM_ACCESS_WRITE, NULL);
  open_window(a);
  open_window(&b);
  assert_ptr_not_equal(a->window, b.window);
  write_byte(a, AT(FIRST), 1);
  write_byte(&b, AT(FIRST), 2);
  expect_byte(a, AT(FIRST), 1);
  expect_byte(&b, AT(FIRST + 1), 0);
  expect_byte(a, AT(FIRST + 1), source_byte(1));
  close_window(a);
  write_byte(&b, AT(FIRST + 1), 3);
  expect_byte(a, AT(FIRST), 1);
  expect_byte(a, AT(FIRST + 1), source_byte(1));
  jv_mem_reset(a);
  expect_byte(&b, AT(FIRST), 2);
  open_window(a);
  expect_fault(a, AT(FIRST), false);
  expect_byte(&b, AT(FIRST + 1), 3);
  jv_mem_free(&b);
}

typedef struct model_page {
  uint8_t access;
  bool dirty, host;
  uint8_t bytes[PAGE];
} model_page;

typedef struct model {
  jv_mem mem;
  model_page pages[PAGES];
} model;

static uint64_t rng = 88172645463325252;
static uint32_t below(uint32_t limit) {
  rng ^= rng << 13;
  rng ^= rng >> 7;
  rng ^= rng << 17;
  return (uint32_t)(rng >> 33) % limit;
}

static void model_add(model *w) {
  uint32_t first = below(PAGES), count = 1 + below(PAGES - first);
  if (count > 12) count = 1 + below(12);
  bool has_source = below(2);
  javm_access access = (javm_access)below(3);
  jv_region region = region_of(FIRST + first, count, access, has_source ? &shared_source : NULL, first);
  assert_int_equal(jv_mem_add_region(&w->mem, &region), JAVM_OK);
  for (uint32_t i = first; i < first + count; i++) {
    w->pages[i].access = (uint8_t)access;
    w->pages[i].dirty = w->pages[i].host = false;
    memset(w->pages[i].bytes, has_source ? source_byte(i) : 0, PAGE);
  }
}

/* A read, a write or a poke of up to some pages; the source fails now and then. */
static void model_access(model *w) {
  static uint8_t bytes[8 * PAGE];
  uint32_t page = below(PAGES), offset = below(PAGE), size = below(4) ? 1 + below(16) : 1 + below(sizeof bytes);
  unsigned what = below(3); /* read, write, poke */
  uint32_t last = page + (offset + size - 1) / PAGE;
  bool allowed = true;
  for (uint32_t i = page; i <= last; i++)
    allowed = allowed && i < PAGES && w->pages[i].access >= (what == 1 ? JAVM_ACCESS_WRITE : JAVM_ACCESS_READ);
  shared_source.fails_from = below(4) ? UINT32_MAX : below(PAGES);
  for (uint32_t i = 0; i < size; i++) bytes[i] = (uint8_t)below(256);
  uint32_t address = AT(FIRST + page) + offset;
  jv_mem *m = &w->mem;
  jv_touch touch = what == 0   ? jv_mem_read(m, address, bytes, size)
                   : what == 1 ? jv_mem_write(m, address, bytes, size)
                               : jv_mem_poke(m, address, bytes, size);
  shared_source.fails_from = UINT32_MAX;
  if (!allowed) {
    assert_int_equal(touch, JV_TOUCH_FAULT);
    return;
  }
  if (touch == JV_TOUCH_FAILED) return;
  assert_int_equal(touch, JV_TOUCH_OK);
  for (uint32_t i = 0, at = offset; i < size; i++, at++) {
    model_page *p = &w->pages[page + at / PAGE];
    if (what == 0) {
      assert_int_equal(bytes[i], p->bytes[at % PAGE]);
      continue;
    }
    p->bytes[at % PAGE] = bytes[i];
    if (p->access == JAVM_ACCESS_WRITE) p->dirty = true;
    else p->host = true;
  }
}

static void model_check(model *w) {
  jv_mem *m = &w->mem;
  size_t dirty = 0;
  check_words(m);
  for (uint32_t i = 0; i < PAGES; i++) {
    const model_page *p = &w->pages[i];
    uint8_t bytes[PAGE];
    bool is_dirty = false;
    for (size_t k = 0; k < m->dirty_count; k++) is_dirty = is_dirty || m->dirty[k].page == FIRST + i;
    assert_int_equal(is_dirty, p->dirty);
    dirty += p->dirty;
    assert_int_equal(jv_mem_check(m, AT(FIRST + i), 1, true) == JV_TOUCH_OK, p->access == JAVM_ACCESS_WRITE);
    jv_touch touch = jv_mem_read(m, AT(FIRST + i), bytes, PAGE);
    assert_int_equal(touch == JV_TOUCH_OK, p->access != JAVM_ACCESS_NONE);
    if (touch == JV_TOUCH_OK) assert_memory_equal(bytes, p->bytes, PAGE);
  }
  assert_int_equal(m->dirty_count, dirty);
}

static void random_operations_are_as_in_a_plain_model(void **state) {
  (void)state;
  model *worlds = calloc(2, sizeof *worlds);
  jv_page *spare[16];
  size_t spare_count = 0;
  assert_non_null(worlds);
  fill_source(&shared_source);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(jv_mem_init(&worlds[i].mem, javm_allocator_default()), JAVM_OK);
    worlds[i].mem.spare = spare;
    worlds[i].mem.spare_count = &spare_count;
    worlds[i].mem.spare_capacity = 16;
  }
  for (int step = 0; step < 20000; step++) {
    model *w = &worlds[below(2)];
    unsigned what = below(40);
    if (what < 3) {
      model_add(w);
    } else if (what < 6) {
      open_window(&w->mem);
    } else if (what < 8) {
      close_window(&w->mem);
    } else if (what == 8 && below(5) == 0) {
      jv_mem_reset(&w->mem);
      memset(w->pages, 0, sizeof w->pages);
    } else if (what == 9) {
      model_check(w);
    } else {
      model_access(w);
    }
  }
  for (int i = 0; i < 2; i++) {
    model_check(&worlds[i]);
    jv_mem_free(&worlds[i].mem);
  }
  while (spare_count) jv_page_release(javm_allocator_default(), spare[--spare_count]);
  free(worlds);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      window_test(content_and_dirty_pages_stay),
      window_test(what_is_written_in_the_window_is_there_afterwards),
      window_test(opening_and_closing_twice_is_as_once),
      window_test(a_page_that_was_only_read_stays_clean),
      window_test(the_source_is_never_written),
      window_test(permissions_stay),
      window_test(a_write_that_ends_where_the_guest_may_not_write_dirties_nothing),
      window_test(host_pages_stay),
      window_test(accesses_wrap_and_span_pages),
      window_test(the_heap_grows_with_an_open_window),
      window_test(regions_come_with_an_open_window),
      window_test(a_region_over_everything_forgets_everything),
      window_test(a_reset_with_an_open_window_forgets_all),
      window_test(a_page_written_first_after_a_reset_is_zero_around_it),
      window_test(a_page_source_that_fails_leaves_nothing_dirty),
      window_test(a_window_opens_and_closes_after_failures),
      window_test(a_failed_write_keeps_what_was_dirty_before),
      window_test(every_allocation_fails_once),
      window_test(too_many_scattered_pages_close_the_window),
      window_test(many_pages_in_a_row_stay_in_the_window),
      window_test(a_write_in_whose_middle_the_window_closes_is_whole),
      window_test(a_system_that_refuses_changes_nothing),
      window_test(two_memories_have_windows_of_their_own),
      cmocka_unit_test(random_operations_are_as_in_a_plain_model),
  };
  if (!has_windows()) {
    printf("1..1\nok 1 - skipped: no windows on this system\n");
    return 0;
  }
  return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
