/* The text of symbols that the linker writes: which functions and lines are in it, and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "link/symbols.h"
#include "support/elf_parts.h"
#include "support/failing_alloc.h"

#define HEAD "javm symbols 1\nimage 0x0102030000000000000000000000000000000000000000000000000000000000\n"

/* Code at 0x1000 to 0x1040, an instruction every 4 bytes; the one at 0x1000 + 4 * i is at pc 10 * i. */
enum { CODE_START = 0x1000, CODE_BYTES = 0x40, COUNT = CODE_BYTES / 4 };

typedef struct world {
  elf_parts parts;
  uint32_t text;
  uint32_t addresses[COUNT], pcs[COUNT];
  jv_pc_map map;
} world;

static const javm_hash image = {{1, 2, 3}};

static void open_world(world *w) {
  memset(w, 0, sizeof *w);
  elf_parts_open(&w->parts);
  w->text = elf_parts_section(&w->parts, ".text", SHF_ALLOC | SHF_EXECINSTR, CODE_START, NULL, CODE_BYTES);
  for (uint32_t i = 0; i < COUNT; i++) {
    w->addresses[i] = CODE_START + 4 * i;
    w->pcs[i] = 10 * i;
  }
  w->map = (jv_pc_map){w->addresses, w->pcs, COUNT, 10 * COUNT};
}

/* Takes instructions `first` to `last` out of the map. */
static void remove_instructions(world *w, size_t first, size_t last) {
  size_t behind = w->map.count - last - 1;
  memmove(w->addresses + first, w->addresses + last + 1, behind * sizeof *w->addresses);
  memmove(w->pcs + first, w->pcs + last + 1, behind * sizeof *w->pcs);
  w->map.count -= last + 1 - first;
}

static void function(world *w, const char *name, uint64_t value, uint64_t size_bytes) {
  elf_parts_symbol(&w->parts, name, w->text, value, size_bytes, STT_FUNC, STB_LOCAL);
}

static void label(world *w, const char *name, uint64_t value, uint8_t binding) {
  elf_parts_symbol(&w->parts, name, w->text, value, 0, STT_NOTYPE, binding);
}

/* Compares what stands behind the head, and closes the world. */
static void check_text(world *w, const char *expected) {
  uint8_t *text;
  size_t size_bytes;
  javm_error error;
  javm_status status =
      jv_symbols_write(javm_allocator_default(), &w->parts.elf, &w->map, &image, &text, &size_bytes, &error);
  if (status != JAVM_OK) fail_msg("%s: %s", javm_status_text(status), error.text);
  char *copy = calloc(1, size_bytes + 1);
  assert_non_null(copy);
  memcpy(copy, text, size_bytes);
  assert_true(strncmp(copy, HEAD, strlen(HEAD)) == 0);
  assert_string_equal(copy + strlen(HEAD), expected);
  free(copy);
  javm_free_bytes(NULL, text, size_bytes);
  elf_parts_close(&w->parts);
}

/* ---- functions ---- */

static void functions_are_where_their_instructions_went(void **state) {
  (void)state;
  world w;
  open_world(&w);
  function(&w, "second", 0x1010, 0x10);
  function(&w, "first", 0x1000, 0x10);
  function(&w, "last", 0x1030, 0x10);
  check_text(&w, "function 0 40 first\nfunction 40 40 second\nfunction 120 40 last\n");
}

static void removed_code_moves_and_drops_functions(void **state) {
  (void)state;
  world w;
  open_world(&w);
  function(&w, "gone", 0x1000, 0x10);
  function(&w, "starts_later", 0x1010, 0x10);
  function(&w, "ends_early", 0x1020, 0x20);
  remove_instructions(&w, 12, 15);
  remove_instructions(&w, 0, 4);
  w.map.end_pc = 130;
  check_text(&w, "function 50 30 starts_later\nfunction 80 50 ends_early\n");
}

static void a_function_without_a_size_ends_where_the_next_begins(void **state) {
  (void)state;
  world w;
  open_world(&w);
  function(&w, "a", 0x1000, 0);
  label(&w, "b", 0x1008, STB_GLOBAL);
  label(&w, "c", 0x1010, STB_WEAK);
  function(&w, "d", 0x1020, 8);
  label(&w, "after_d", 0x1030, STB_GLOBAL);
  check_text(&w, "function 0 20 a\nfunction 20 20 b\nfunction 40 40 c\nfunction 80 20 d\nfunction 120 40 after_d\n");
}

static void labels_in_functions_and_local_ones_are_no_functions(void **state) {
  (void)state;
  world w;
  open_world(&w);
  function(&w, "f", 0x1000, 0x20);
  label(&w, "inside", 0x1008, STB_GLOBAL);
  label(&w, "same", 0x1000, STB_GLOBAL);
  label(&w, "local", 0x1030, STB_LOCAL);
  label(&w, "$x", 0x1034, STB_GLOBAL);
  label(&w, "$d.1", 0x1038, STB_GLOBAL);
  function(&w, ".Ltmp0", 0x1030, 8);
  label(&w, "", 0x1030, STB_GLOBAL);
  check_text(&w, "function 0 80 f\n");
}

static void of_several_names_the_most_public_one_counts(void **state) {
  (void)state;
  world w;
  open_world(&w);
  function(&w, "local", 0x1000, 8);
  elf_parts_symbol(&w.parts, "weak", w.text, 0x1000, 8, STT_FUNC, STB_WEAK);
  elf_parts_symbol(&w.parts, "global", w.text, 0x1000, 8, STT_FUNC, STB_GLOBAL);
  elf_parts_symbol(&w.parts, "global_too", w.text, 0x1000, 8, STT_FUNC, STB_GLOBAL);
  elf_parts_symbol(&w.parts, "unsized", w.text, 0x1000, 0, STT_FUNC, STB_GLOBAL);
  check_text(&w, "function 0 20 global\n");
}

static void functions_that_overlap_are_cut(void **state) {
  (void)state;
  world w;
  open_world(&w);
  function(&w, "outer", 0x1000, 0x30);
  function(&w, "inner", 0x1010, 8);
  function(&w, "too_long", 0x1030, UINT64_MAX);
  check_text(&w, "function 0 40 outer\nfunction 40 20 inner\nfunction 120 40 too_long\n");
}

static void symbols_outside_of_code_are_left_out(void **state) {
  (void)state;
  world w;
  open_world(&w);
  uint32_t data = elf_parts_section(&w.parts, ".data", SHF_ALLOC | SHF_WRITE, 0x2000, NULL, 0x100);
  elf_parts_symbol(&w.parts, "in_data", data, 0x1000, 8, STT_FUNC, STB_GLOBAL);
  elf_parts_symbol(&w.parts, "undefined", SHN_UNDEF, 0x1000, 8, STT_FUNC, STB_GLOBAL);
  elf_parts_symbol(&w.parts, "absolute", SHN_ABS, 0x1000, 8, STT_FUNC, STB_GLOBAL);
  elf_parts_symbol(&w.parts, "no_such_section", 99, 0x1000, 8, STT_FUNC, STB_GLOBAL);
  elf_parts_symbol(&w.parts, "object", w.text, 0x1000, 8, STT_OBJECT, STB_GLOBAL);
  function(&w, "below", 0xfff, 8);
  function(&w, "at_the_end", 0x1040, 8);
  function(&w, "far", UINT64_MAX - 3, 8);
  check_text(&w, "");
}

static void names_keep_to_their_line(void **state) {
  (void)state;
  world w;
  char *name = malloc(10000);
  assert_non_null(name);
  memset(name, 'n', 9999);
  name[9999] = '\0';
  open_world(&w);
  function(&w, "a b\nfunction 1 1 c\\\x7f\t\xc3\xa9", 0x1000, 4);
  function(&w, name, 0x1004, 4);
  char expected[5000] = "function 0 10 a?b?function?1?1?c???\xc3\xa9\nfunction 10 10 ";
  strncat(expected, name, 4096);
  strcat(expected, "\n");
  check_text(&w, expected);
  free(name);
}

/* ---- lines ---- */

/*
 * A unit of version 3 with the files d/x.c, " y.c" and once more d/x.c, which says
 * 0x1000: 1 of 1, 0x1008: 2 of 2, 0x1010: 2 of 1, 0x1018: 2 of 3, 0x1020: not known, 0x1028: 3 of 1, 0x1030: the end.
 */
enum { LENGTH_BYTES = 4, HEADER_LENGTH_AT = 6, TABLES_END = 52 };
static const uint8_t line_table[] = {0,   0,   0,   0,    3, 0, 0, 0,   0,   0,   1,   1, 0,    10, 10, 0,   1,
                                     1,   1,   1,   0,    0, 0, 1, 'd', 0,   0, /* the head */
                                     'x', '.', 'c', 0,    1, 0, 0, ' ', 'y', '.', 'c', 0, 0,    0,  0,  '.', '/',
                                     'x', '.', 'c', 0,    1, 0, 0, 0,   0,   9,   2,   0, 0x10, 0,  0,  0,   0,
                                     0,   0,   1, /* the program */
                                     2,   8,   4,   2,    3, 1, 1, 2,   8,   4,   1,   1, 2,    8,  4,  3,   1,
                                     2,   8,   3,   0x7e, 1, 2, 8, 4,   1,   3,   3,   1, 2,    8,  0,  1,   1};

static void add_lines(world *w) {
  uint32_t index = elf_parts_section(&w->parts, ".debug_line", 0, 0, line_table, sizeof line_table);
  uint8_t *bytes = elf_parts_bytes(&w->parts, index);
  bytes[0] = sizeof line_table - LENGTH_BYTES;
  bytes[HEADER_LENGTH_AT] = TABLES_END - HEADER_LENGTH_AT - 4;
}

static void lines_follow_the_instructions(void **state) {
  (void)state;
  world w;
  open_world(&w);
  add_lines(&w);
  function(&w, "f", 0x1000, 0x40);
  check_text(&w, "file 0 d/x.c\nfile 1  y.c\nfunction 0 160 f\nline 0 0 1\nline 20 1 2\nline 40 0 2\nline 80 0 0\n"
                 "line 100 0 3\nline 120 0 0\n");
}

static void lines_of_removed_code_are_gone(void **state) {
  (void)state;
  world w;
  open_world(&w);
  add_lines(&w);
  remove_instructions(&w, 8, 9);
  remove_instructions(&w, 2, 3);
  check_text(&w, "file 0 d/x.c\nline 0 0 1\nline 40 0 2\nline 100 0 3\nline 120 0 0\n");
}

static void of_instructions_at_one_pc_the_last_counts(void **state) {
  (void)state;
  world w;
  open_world(&w);
  add_lines(&w);
  w.pcs[1] = w.pcs[2] = w.pcs[3] = 0; /* lines 1 and 2 */
  remove_instructions(&w, 5, 15);
  w.map.end_pc = 47;
  check_text(&w, "file 0  y.c\nfile 1 d/x.c\nline 0 0 2\nline 40 1 2\nline 47 0 0\n");
}

static void without_instructions_there_are_no_lines(void **state) {
  (void)state;
  world w;
  open_world(&w);
  add_lines(&w);
  function(&w, "f", 0x1000, 0x40);
  w.map.count = 0;
  w.map.end_pc = 0;
  check_text(&w, "");
}

/* ---- errors ---- */

static void a_bad_line_table_is_an_error(void **state) {
  (void)state;
  world w;
  uint8_t *text = NULL;
  size_t size_bytes = 0;
  javm_error error;
  open_world(&w);
  add_lines(&w);
  elf_parts_bytes(&w.parts, (uint32_t)w.parts.elf.section_count - 1)[4] = 9;
  assert_int_equal(jv_symbols_write(javm_allocator_default(), &w.parts.elf, &w.map, &image, &text, &size_bytes, &error),
                   JAVM_MALFORMED);
  assert_non_null(strstr(error.text, "version 9"));
  assert_null(text);
  elf_parts_close(&w.parts);
}

static void there_is_an_end_to_the_text(void **state) {
  (void)state;
  enum { FUNCTIONS = 17000, NAME_BYTES = 4000 }; /* more than 64 MiB of names, all of them one string */
  uint32_t *numbers = calloc(FUNCTIONS, sizeof *numbers);
  jv_elf_symbol *symbols = calloc(FUNCTIONS + 1, sizeof *symbols);
  char *name = malloc(NAME_BYTES + 1);
  assert_true(numbers && symbols && name);
  memset(name, 'n', NAME_BYTES);
  name[NAME_BYTES] = '\0';
  world w;
  memset(&w, 0, sizeof w);
  elf_parts_open(&w.parts);
  uint32_t code = elf_parts_section(&w.parts, ".text", SHF_ALLOC | SHF_EXECINSTR, 0, NULL, FUNCTIONS);
  for (uint32_t i = 0; i < FUNCTIONS; i++) {
    numbers[i] = i;
    symbols[i + 1] = (jv_elf_symbol){name, i, 1, code, STT_FUNC, STB_GLOBAL};
  }
  w.parts.elf.symbols = symbols;
  w.parts.elf.symbol_count = FUNCTIONS + 1;
  w.map = (jv_pc_map){numbers, numbers, FUNCTIONS, FUNCTIONS};
  uint8_t *text = NULL;
  size_t size_bytes = 0;
  javm_error error;
  assert_int_equal(jv_symbols_write(javm_allocator_default(), &w.parts.elf, &w.map, &image, &text, &size_bytes, &error),
                   JAVM_UNSUPPORTED);
  assert_non_null(strstr(error.text, "64 MiB"));
  free(name);
  free(symbols);
  free(numbers);
  elf_parts_close(&w.parts);
}

static javm_status write_symbols(const javm_allocator *a) {
  world w;
  uint8_t *text;
  size_t size_bytes;
  open_world(&w);
  add_lines(&w);
  function(&w, "f", 0x1000, 0x10);
  function(&w, "g", 0x1010, 0x30);
  javm_status status = jv_symbols_write(a, &w.parts.elf, &w.map, &image, &text, &size_bytes, NULL);
  if (status == JAVM_OK) javm_free_bytes(a, text, size_bytes);
  elf_parts_close(&w.parts);
  return status;
}

static void out_of_memory_is_an_error(void **state) {
  (void)state;
  for_each_failing_allocation(write_symbols);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(functions_are_where_their_instructions_went),
      cmocka_unit_test(removed_code_moves_and_drops_functions),
      cmocka_unit_test(a_function_without_a_size_ends_where_the_next_begins),
      cmocka_unit_test(labels_in_functions_and_local_ones_are_no_functions),
      cmocka_unit_test(of_several_names_the_most_public_one_counts),
      cmocka_unit_test(functions_that_overlap_are_cut),
      cmocka_unit_test(symbols_outside_of_code_are_left_out),
      cmocka_unit_test(names_keep_to_their_line),
      cmocka_unit_test(lines_follow_the_instructions),
      cmocka_unit_test(lines_of_removed_code_are_gone),
      cmocka_unit_test(of_instructions_at_one_pc_the_last_counts),
      cmocka_unit_test(without_instructions_there_are_no_lines),
      cmocka_unit_test(a_bad_line_table_is_an_error),
      cmocka_unit_test(there_is_an_end_to_the_text),
      cmocka_unit_test(out_of_memory_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
