/* JAM containers: 1-machine.md 1.7, points 1 and 2. */
#include <stdlib.h>

#include "base/bytes.h"
#include "support/failing_alloc.h"
#include "support/program.h"

/* Bytes of a container in the making. */
typedef struct bytes {
  uint8_t at[1024];
  size_t count;
} bytes;

static void add(bytes *b, const void *from, size_t count) {
  assert_true(b->count + count <= sizeof b->at);
  if (count) memcpy(b->at + b->count, from, count);
  b->count += count;
}
#define ADD(b, ...) add(b, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void add_le(bytes *b, uint64_t v, unsigned count) {
  uint8_t raw[8];
  jv_store_le(raw, v, count);
  add(b, raw, count);
}

/* Parses a copy that ends where the bytes do, so that a read past them is seen; the copy lives until the next call. */
static uint8_t *parsed;
static javm_error error;
static javm_status parse(const uint8_t *from, size_t count, javm_jam *jam) {
  free(parsed);
  parsed = malloc(count ? count : 1);
  assert_non_null(parsed);
  memcpy(parsed, from, count);
  memset(&error, 0, sizeof error);
  return javm_jam_parse(parsed, count, JAVM_ISA_JAM_0_7, NULL, jam, &error);
}

static javm_jam parse_ok(const bytes *b) {
  javm_jam jam;
  javm_status status = parse(b->at, b->count, &jam);
  if (status != JAVM_OK) fail_msg("%s", error.text);
  return jam;
}

/* Rejected, with this offset, and the part named in the text. */
static void expect_malformed(const bytes *b, size_t offset, const char *part) {
  javm_jam jam;
  assert_int_equal(parse(b->at, b->count, &jam), JAVM_MALFORMED);
  assert_int_equal(error.status, JAVM_MALFORMED);
  if (!strstr(error.text, part)) fail_msg("\"%s\" does not name \"%s\"", error.text, part);
  assert_int_equal(error.offset, offset);
}

static int clean_up(void **state) {
  (void)state;
  free(parsed);
  parsed = NULL;
  return 0;
}

/* ---- program blobs ---- */

static void a_blob_is_table_length_entry_size_code_length_table_code_bitmask(void **state) {
  (void)state;
  bytes b = {.count = 0};
  ADD(&b, 2, 3, 9);                            /* |j|, z, |c| */
  ADD(&b, 0x01, 0x02, 0x03, 0xff, 0xfe, 0xfd); /* j */
  ADD(&b, 51, 1, 7, 51, 1, 8, 1, 1, 0);        /* code */
  ADD(&b, 0xc9, 0x01);                         /* bitmask */
  javm_jam jam = parse_ok(&b);
  assert_false(jam.is_standard);
  assert_null(jam.metadata);
  assert_int_equal(jam.code.isa, JAVM_ISA_JAM_0_7);
  assert_int_equal(jam.code.jump_count, 2);
  assert_int_equal(jam.code.jump_table[0], 0x030201);
  assert_int_equal(jam.code.jump_table[1], 0xfdfeff);
  assert_int_equal(jam.code.code_bytes, 9);
  assert_ptr_equal(jam.code.code, parsed + 9);
  assert_int_equal(jam.code.bitmask_bytes, 2);
  assert_ptr_equal(jam.code.bitmask, parsed + 18);
  javm_jam_clear(NULL, &jam);
}

static void jump_table_entries_are_little_endian_of_1_to_4_bytes(void **state) {
  (void)state;
  for (unsigned z = 1; z <= 4; z++) {
    bytes b = {.count = 0};
    ADD(&b, 2, (uint8_t)z, 1);
    add_le(&b, 0x84838281, z);
    add_le(&b, 0, z);
    ADD(&b, 0, 1);
    javm_jam jam = parse_ok(&b);
    assert_int_equal(jam.code.jump_table[0], 0x84838281 & (UINT32_MAX >> (32 - 8 * z)));
    assert_int_equal(jam.code.jump_table[1], 0);
    javm_jam_clear(NULL, &jam);
  }
}

static void a_blob_may_have_no_jump_table_and_no_code(void **state) {
  (void)state;
  bytes b = {.count = 0};
  ADD(&b, 0, 0, 0);
  javm_jam jam = parse_ok(&b);
  assert_int_equal(jam.code.jump_count, 0);
  assert_int_equal(jam.code.code_bytes, 0);
  assert_int_equal(jam.code.bitmask_bytes, 0);
  javm_jam_clear(NULL, &jam);
}

static void the_bitmask_has_the_codes_length_div_8_rounded_up(void **state) {
  (void)state;
  for (uint8_t n = 1; n <= 17; n++) {
    bytes b = {.count = 0};
    ADD(&b, 0, 1, n);
    for (unsigned i = 0; i < n; i++) ADD(&b, 1);
    for (unsigned i = 0; i < (n + 7u) / 8; i++) ADD(&b, 0xff);
    javm_jam jam = parse_ok(&b);
    assert_int_equal(jam.code.code_bytes, n);
    assert_int_equal(jam.code.bitmask_bytes, (n + 7u) / 8);
    javm_jam_clear(NULL, &jam);
  }
}

/* Is the length of the code, written so, read as n? */
static void expect_code_length(const uint8_t *e, size_t e_bytes, size_t n) {
  size_t size = 2 + e_bytes + n + (n + 7) / 8;
  uint8_t *blob = calloc(size, 1);
  assert_non_null(blob);
  memcpy(blob + 2, e, e_bytes);
  javm_jam jam;
  javm_status status = javm_jam_parse(blob, size, JAVM_ISA_JAM_0_7, NULL, &jam, &error);
  if (status != JAVM_OK) fail_msg("%s", error.text);
  assert_int_equal(jam.code.code_bytes, n);
  assert_ptr_equal(jam.code.code, blob + 2 + e_bytes);
  javm_jam_clear(NULL, &jam);
  free(blob);
}
#define E(n, ...) expect_code_length((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), n)

static void a_natural_has_as_many_more_bytes_as_its_first_has_leading_ones(void **state) {
  (void)state;
  /* The first byte's other bits are the most significant: n = other << (8 * more) | the bytes that follow. */
  E(1, 1);
  E(127, 0x7f);
  E(128, 0x80, 0x80);
  E(0x3fff, 0xbf, 0xff);
  E(0x1234, 0x92, 0x34);
  E(0x4000, 0xc0, 0x00, 0x40);
  E(0x012345, 0xc1, 0x45, 0x23);
  E(0x1fffff, 0xdf, 0xff, 0xff);
  E(0x200000, 0xe0, 0x00, 0x00, 0x20);
  E(0x1000000, 0xe1, 0x00, 0x00, 0x00);
}

static void a_bare_blob_that_is_cut_or_too_long_is_malformed(void **state) {
  (void)state;
  bytes b = {.count = 0};
  ADD(&b, 0, 0, 20);
  for (unsigned i = 0; i < 20; i++) ADD(&b, 1);
  ADD(&b, 0xff, 0xff, 0x0f);
  javm_jam jam = parse_ok(&b);
  javm_jam_clear(NULL, &jam);
  for (b.count = 0; b.count < 26; b.count++) assert_int_equal(parse(b.at, b.count, &jam), JAVM_MALFORMED);
  b.count = 25;
  expect_malformed(&b, 23, "bitmask");
  b.count = 26;
  ADD(&b, 0);
  expect_malformed(&b, 26, "rest");
}

/* ---- standard programs ---- */

/*
 * A standard program with 130 bytes o and 4 bytes w around a blob; its parts start at these offsets. (A length of o
 * below 128 could be the length of metadata as well.)
 */
enum {
  O_LENGTH = 0,
  W_LENGTH = 3,
  Z = 6,
  S = 8,
  O = 11,
  W = 141,
  C_LENGTH = 145,
  BLOB = 149,
  O_BYTES = 130,
  W_BYTES = 4
};
enum { ZONE = 0x10000, PAGE = 4096 };
#define STACK_END UINT32_C(0xfefe0000) /* 2^32 - 2 * 2^16 - 2^24 */
#define ARGUMENTS UINT32_C(0xfeff0000) /* 2^32 - 2^16 - 2^24 */

static void put_standard(bytes *b, const uint8_t *blob, size_t blob_bytes) {
  add_le(b, O_BYTES, 3);
  add_le(b, W_BYTES, 3);
  add_le(b, 2, 2);
  add_le(b, 5000, 3);
  for (unsigned i = 0; i < O_BYTES; i++) ADD(b, (uint8_t)(i + 1));
  for (unsigned i = 0; i < W_BYTES; i++) ADD(b, (uint8_t)(0xf0 + i));
  add_le(b, blob_bytes, 4);
  add(b, blob, blob_bytes);
}
#define STANDARD(b, ...) put_standard(b, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
/* sbrk φ[9] = sbrk(φ[10]); jump_ind φ[0] */
#define GOOD 1, 2, 4, 2, 0, 101, REGS(9, 10), 50, 0, 0x05

static void a_standard_programs_parts_are_where_its_lengths_say(void **state) {
  (void)state;
  bytes b = {.count = 0};
  STANDARD(&b, GOOD);
  javm_jam jam = parse_ok(&b);
  assert_true(jam.is_standard);
  assert_null(jam.metadata);
  assert_int_equal(jam.metadata_bytes, 0);
  assert_int_equal(jam.read_only_bytes, O_BYTES);
  assert_ptr_equal(jam.read_only, parsed + O);
  assert_int_equal(jam.read_write_bytes, W_BYTES);
  assert_ptr_equal(jam.read_write, parsed + W);
  assert_int_equal(jam.heap_pages, 2);
  assert_int_equal(jam.stack_bytes, 5000);
  assert_int_equal(jam.code.code_bytes, 4);
  assert_ptr_equal(jam.code.code, parsed + BLOB + 5);
  assert_int_equal(jam.code.jump_count, 1);
  assert_int_equal(jam.code.jump_table[0], 2);
  javm_jam_clear(NULL, &jam);
}

static void a_metadata_prefix_is_its_length_and_that_many_bytes(void **state) {
  (void)state;
  static const size_t lengths[] = {0, 1, 5, 127, 128, 300};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    size_t n = lengths[i], head = n < 128 ? 1 : 2;
    bytes b = {.count = 0};
    if (n < 128) ADD(&b, (uint8_t)n);
    else ADD(&b, (uint8_t)(0x80 | n >> 8), (uint8_t)n);
    for (size_t j = 0; j < n; j++) ADD(&b, 0x6d);
    STANDARD(&b, GOOD);
    javm_jam jam = parse_ok(&b);
    assert_true(jam.is_standard);
    assert_int_equal(jam.metadata_bytes, n);
    assert_ptr_equal(jam.metadata, parsed + head);
    assert_ptr_equal(jam.read_only, parsed + head + n + O);
    javm_jam_clear(NULL, &jam);
  }
}

static void a_standard_program_that_is_cut_is_malformed_where_its_part_begins(void **state) {
  (void)state;
  bytes b = {.count = 0};
  javm_jam jam;
  STANDARD(&b, GOOD);
  size_t whole = b.count;
  for (b.count = 0; b.count < W_LENGTH; b.count++) assert_int_equal(parse(b.at, b.count, &jam), JAVM_MALFORMED);
  for (; b.count < whole; b.count++) {
    if (b.count < Z) expect_malformed(&b, W_LENGTH, "read-write length");
    else if (b.count < S) expect_malformed(&b, Z, "heap page count");
    else if (b.count < O) expect_malformed(&b, S, "stack size");
    else if (b.count < W) expect_malformed(&b, O, "read-only data");
    else if (b.count < C_LENGTH) expect_malformed(&b, W, "read-write data");
    else expect_malformed(&b, C_LENGTH, "program length");
  }
}

static void a_length_beyond_the_rest_is_malformed(void **state) {
  (void)state;
  bytes good = {.count = 0}, b;
  STANDARD(&good, GOOD);
  b = good;
  b.at[O_LENGTH + 2] = 0xff;
  expect_malformed(&b, O, "read-only data");
  b = good;
  b.at[W_LENGTH + 2] = 0xff;
  expect_malformed(&b, W, "read-write data");
  b = good;
  b.at[C_LENGTH]++;
  expect_malformed(&b, C_LENGTH, "program length");
  b.at[C_LENGTH] -= 2;
  expect_malformed(&b, C_LENGTH, "program length");
  b = good;
  b.at[C_LENGTH + 3] = 0xff;
  expect_malformed(&b, C_LENGTH, "program length");
}

static void each_part_of_the_blob_in_a_standard_program_is_named_when_it_is_malformed(void **state) {
  (void)state;
#define BAD_BLOB(offset, part, ...)                                                                                    \
  do {                                                                                                                 \
    bytes b = {.count = 0};                                                                                            \
    STANDARD(&b, __VA_ARGS__);                                                                                         \
    expect_malformed(&b, BLOB + (offset), part);                                                                       \
  } while (0)
  BAD_BLOB(0, "jump table length", 0xd0, 0x01, 0x00, 4, 0); /* 2^20 + 1 */
  BAD_BLOB(1, "jump entry size", 1, 5, 1, 0, 0, 0, 0, 0, 0, 1);
  BAD_BLOB(1, "jump entry size", 1, 0, 1, 0, 1);            /* entries without bytes */
  BAD_BLOB(2, "code length", 0, 0, 0xe1, 0x01, 0x00, 0x00); /* 2^24 + 1 */
  BAD_BLOB(3, "jump table", 4, 2, 1, 0, 1);
  BAD_BLOB(3, "code", 0, 0, 9, 1, 1);
  BAD_BLOB(5, "code", 2, 1, 9, 0, 0, 1, 1);
  BAD_BLOB(5, "bitmask", 0, 0, 2, 1, 0);
  BAD_BLOB(12, "bitmask", 0, 0, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0xff);
  BAD_BLOB(5, "rest", 0, 0, 1, 0, 1, 99);
#undef BAD_BLOB
  bytes b = {.count = 0};
  put_standard(&b, NULL, 0);
  expect_malformed(&b, BLOB, "jump table length");
}

static void the_offset_counts_from_the_start_of_the_metadata_prefix(void **state) {
  (void)state;
  bytes b = {.count = 0};
  ADD(&b, 3, 'a', 'b', 'c');
  STANDARD(&b, 0, 0, 1, 0, 1, 99);
  expect_malformed(&b, 4 + BLOB + 5, "rest");
}

static void naturals_of_all_sizes_that_are_too_large_or_cut_are_malformed(void **state) {
  (void)state;
  javm_jam jam;
  for (unsigned ones = 1; ones <= 8; ones++) {
    for (unsigned count = 1; count <= 9; count++) {
      uint8_t raw[9];
      memset(raw, 0xff, sizeof raw);
      raw[0] = (uint8_t)(0xff00u >> ones);
      assert_int_equal(parse(raw, count, &jam), JAVM_MALFORMED);
      raw[0] = 0xff;
      assert_int_equal(parse(raw, count, &jam), JAVM_MALFORMED);
    }
  }
}

/* ---- the layout of a standard program ---- */

/* A machine set up with the standard program. */
static void set_up(test_run *t, const javm_jam *jam, const uint8_t *arguments, size_t arguments_bytes) {
  test_unload(t);
  assert_int_equal(javm_program_new(&jam->code, NULL, &t->program, NULL), JAVM_OK);
  assert_int_equal(javm_machine_new(t->program, NULL, &t->machine, NULL), JAVM_OK);
  t->regs = javm_machine_regs(t->machine);
  memset(t->regs, 0x55, JAVM_REG_COUNT * sizeof *t->regs);
  assert_int_equal(javm_jam_setup(jam, arguments, arguments_bytes, t->machine, &error), JAVM_OK);
}

typedef enum access { NONE, READ, WRITE } access;
static access access_at(test_run *t, uint32_t address) {
  uint8_t byte;
  if (javm_machine_read(t->machine, address, &byte, 1, NULL) != JAVM_OK) return NONE;
  return javm_machine_write(t->machine, address, &byte, 1, NULL) == JAVM_OK ? WRITE : READ;
}

/* [start, end) has this access, and the bytes around it none. */
static void expect_range(test_run *t, uint32_t start, uint32_t end, access what) {
  assert_int_equal(access_at(t, start - 1), NONE);
  assert_int_equal(access_at(t, start), what);
  assert_int_equal(access_at(t, end - 1), what);
  assert_int_equal(access_at(t, end), NONE);
}

static void the_layout_puts_every_part_at_its_address(void **state) {
  test_run *t = *state;
  bytes b = {.count = 0};
  STANDARD(&b, GOOD);
  javm_jam jam = parse_ok(&b);
  set_up(t, &jam, (const uint8_t *)"args", 4);
  /* o at 2^16; w and 2 pages at 2 * 2^16 + round64K(130) = 3 * 2^16 */
  expect_range(t, ZONE, ZONE + PAGE, READ);
  assert_int_equal(test_peek(t, ZONE, 1), 1);
  assert_int_equal(test_peek(t, ZONE + O_BYTES - 1, 2), O_BYTES);
  expect_range(t, 3 * ZONE, 3 * ZONE + 3 * PAGE, WRITE);
  assert_int_equal(test_peek(t, 3 * ZONE, 8), 0xf3f2f1f0);
  assert_int_equal(test_peek(t, 3 * ZONE + PAGE, 8), 0);
  /* a stack of round4K(5000) = 2 pages, arguments */
  expect_range(t, STACK_END - 2 * PAGE, STACK_END, WRITE);
  expect_range(t, ARGUMENTS, ARGUMENTS + PAGE, READ);
  assert_int_equal(test_peek(t, ARGUMENTS, 8), 'a' | 'r' << 8 | 'g' << 16 | 's' << 24);
  javm_jam_clear(NULL, &jam);
}

static void the_registers_are_return_address_stack_end_arguments_and_their_length(void **state) {
  test_run *t = *state;
  bytes b = {.count = 0};
  STANDARD(&b, GOOD);
  javm_jam jam = parse_ok(&b);
  set_up(t, &jam, (const uint8_t *)"args", 4);
  for (unsigned i = 0; i < JAVM_REG_COUNT; i++)
    assert_int_equal(t->regs[i], i == 0 ? 0xffff0000 : i == 1 ? STACK_END : i == 7 ? ARGUMENTS : i == 8 ? 4 : 0);
  javm_jam_clear(NULL, &jam);
}

static void without_arguments_their_place_is_inaccessible(void **state) {
  test_run *t = *state;
  bytes b = {.count = 0};
  STANDARD(&b, GOOD);
  javm_jam jam = parse_ok(&b);
  set_up(t, &jam, NULL, 0);
  assert_int_equal(access_at(t, ARGUMENTS), NONE);
  assert_int_equal(t->regs[7], ARGUMENTS);
  assert_int_equal(t->regs[8], 0);
  javm_jam_clear(NULL, &jam);
}

static void the_heap_goes_from_the_end_of_w_and_z_to_2_16_below_the_stack(void **state) {
  test_run *t = *state;
  bytes b = {.count = 0};
  STANDARD(&b, GOOD);
  javm_jam jam = parse_ok(&b);
  set_up(t, &jam, NULL, 0);
  javm_machine_set_gas(t->machine, TEST_GAS);
  uint32_t start = 3 * ZONE + 3 * PAGE, end = STACK_END - 2 * PAGE - ZONE;
  t->regs[10] = end - start + 1;
  expect_exit(t, JAVM_EXIT_HALT, 2);
  assert_int_equal(t->regs[9], 0);
  assert_int_equal(access_at(t, start), NONE);
  javm_machine_set_pc(t->machine, 0);
  t->regs[10] = end - start;
  expect_exit(t, JAVM_EXIT_HALT, 2);
  assert_int_equal(t->regs[9], start);
  assert_int_equal(access_at(t, start), WRITE);
  assert_int_equal(access_at(t, end - 1), WRITE);
  assert_int_equal(access_at(t, end), NONE);
  javm_jam_clear(NULL, &jam);
}

static void w_and_z_move_up_by_64k_steps_of_o(void **state) {
  test_run *t = *state;
  static const struct {
    uint32_t o, address;
  } cases[] = {{0, 0x20000}, {1, 0x30000}, {0x10000, 0x30000}, {0x10001, 0x40000}, {0x20000, 0x40000}};
  uint8_t *o = calloc(0x20000, 1);
  assert_non_null(o);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    javm_jam jam = {.is_standard = true, .read_only = o, .read_only_bytes = cases[i].o, .heap_pages = 1};
    set_up(t, &jam, NULL, 0);
    expect_range(t, cases[i].address, cases[i].address + PAGE, WRITE);
    if (cases[i].o) expect_range(t, ZONE, ZONE + (cases[i].o + PAGE - 1) / PAGE * PAGE, READ);
    else assert_int_equal(access_at(t, ZONE), NONE);
  }
  free(o);
}

static void the_largest_sizes_fit(void **state) {
  test_run *t = *state;
  uint8_t *big = calloc(1 << 24, 1);
  assert_non_null(big);
  javm_jam jam = {.is_standard = true,
                  .read_only = big,
                  .read_only_bytes = 0xffffff,
                  .read_write = big,
                  .read_write_bytes = 0xffffff,
                  .heap_pages = 0xffff,
                  .stack_bytes = 0xffffff};
  set_up(t, &jam, big, 1 << 24);
  expect_range(t, ZONE, ZONE + 0x1000000, READ);
  /* 2 * 2^16 + 2^24, and 2^24 bytes and 65535 pages from there */
  expect_range(t, 0x1020000, 0x2020000 + 0xffff000, WRITE);
  expect_range(t, STACK_END - 0x1000000, STACK_END, WRITE);
  expect_range(t, ARGUMENTS, 0xffff0000, READ);
  assert_int_equal(t->regs[8], 1 << 24);
  free(big);
}

static void a_page_of_w_is_followed_by_the_zero_pages(void **state) {
  test_run *t = *state;
  uint8_t w[PAGE + 1];
  memset(w, 7, sizeof w);
  javm_jam jam = {.is_standard = true, .read_write = w, .read_write_bytes = sizeof w, .heap_pages = 3};
  set_up(t, &jam, NULL, 0);
  expect_range(t, 2 * ZONE, 2 * ZONE + 5 * PAGE, WRITE);
  assert_int_equal(test_peek(t, 2 * ZONE + PAGE, 2), 7);
}

static void a_stack_of_whole_pages_is_not_rounded_up(void **state) {
  test_run *t = *state;
  javm_jam jam = {.is_standard = true, .stack_bytes = 2 * PAGE};
  set_up(t, &jam, NULL, 0);
  expect_range(t, STACK_END - 2 * PAGE, STACK_END, WRITE);
  jam.stack_bytes = 0;
  set_up(t, &jam, NULL, 0);
  assert_int_equal(access_at(t, STACK_END - 1), NONE);
  assert_int_equal(t->regs[1], STACK_END);
}

static void only_a_standard_program_with_arguments_of_2_24_bytes_at_most_can_be_set_up(void **state) {
  test_run *t = *state;
  test_load(t, JAVM_GAS_PIPELINE);
  javm_jam jam = {.is_standard = false};
  assert_int_equal(javm_jam_setup(&jam, NULL, 0, t->machine, &error), JAVM_INVALID_ARGUMENT);
  jam.is_standard = true;
  assert_int_equal(javm_jam_setup(&jam, (const uint8_t *)"", (1 << 24) + 1, t->machine, &error), JAVM_INVALID_ARGUMENT);
}

/* ---- out of memory ---- */

static javm_status parse_with(const javm_allocator *a) {
  bytes b = {.count = 0};
  ADD(&b, 1, 'm');
  STANDARD(&b, GOOD);
  javm_jam jam;
  javm_status status = javm_jam_parse(b.at, b.count, JAVM_ISA_JAM_0_7, a, &jam, NULL);
  if (status == JAVM_OK) javm_jam_clear(a, &jam);
  return status;
}

static void parsing_without_memory_is_an_error(void **state) {
  (void)state;
  for_each_failing_allocation(parse_with);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_blob_is_table_length_entry_size_code_length_table_code_bitmask),
      cmocka_unit_test(jump_table_entries_are_little_endian_of_1_to_4_bytes),
      cmocka_unit_test(a_blob_may_have_no_jump_table_and_no_code),
      cmocka_unit_test(the_bitmask_has_the_codes_length_div_8_rounded_up),
      cmocka_unit_test(a_natural_has_as_many_more_bytes_as_its_first_has_leading_ones),
      cmocka_unit_test(a_bare_blob_that_is_cut_or_too_long_is_malformed),
      cmocka_unit_test(a_standard_programs_parts_are_where_its_lengths_say),
      cmocka_unit_test(a_metadata_prefix_is_its_length_and_that_many_bytes),
      cmocka_unit_test(a_standard_program_that_is_cut_is_malformed_where_its_part_begins),
      cmocka_unit_test(a_length_beyond_the_rest_is_malformed),
      cmocka_unit_test(each_part_of_the_blob_in_a_standard_program_is_named_when_it_is_malformed),
      cmocka_unit_test(the_offset_counts_from_the_start_of_the_metadata_prefix),
      cmocka_unit_test(naturals_of_all_sizes_that_are_too_large_or_cut_are_malformed),
      test_case(the_layout_puts_every_part_at_its_address),
      test_case(the_registers_are_return_address_stack_end_arguments_and_their_length),
      test_case(without_arguments_their_place_is_inaccessible),
      test_case(the_heap_goes_from_the_end_of_w_and_z_to_2_16_below_the_stack),
      test_case(w_and_z_move_up_by_64k_steps_of_o),
      test_case(the_largest_sizes_fit),
      test_case(a_page_of_w_is_followed_by_the_zero_pages),
      test_case(a_stack_of_whole_pages_is_not_rounded_up),
      test_case(only_a_standard_program_with_arguments_of_2_24_bytes_at_most_can_be_set_up),
      cmocka_unit_test(parsing_without_memory_is_an_error),
  };
  return cmocka_run_group_tests_name("containers", tests, NULL, clean_up);
}
