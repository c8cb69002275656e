/* Line tables: those that compilers make, what the format has and they don't use, and hostile ones. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "link/lines.h"
#include "support/elf_parts.h"
#include "support/failing_alloc.h"

enum { CODE_START = 0x10000, CODE_BYTES = 0x200, TEXT_MAX = 4096 };

typedef struct made_case {
  const char *name;
  const char *line, *line_str, *str; /* the sections, as hex */
  const char *expected;              /* lines: address in hex, line, path; or address, 0 */
} made_case;

/*
 * From these sources, linked with --gc-sections, which takes `dead` away (its addresses are 0 in the table):
 *
 *   a.c     #include "sub/h.h"                        sub/h.h   static inline int twice(int x) {
 *           int add(int a, int b) {                               volatile int y = x;
 *             if (a > b)                                          return y + y;
 *               return twice(a);                                }
 *             return a + b;
 *           }
 *   main.c  int add(int, int);
 *           int dead(int x) { return x + 1; }
 *           int start(int n) {
 *             return n > 3 ? add(n, 3) : n;
 *           }
 *
 * compiled with -Og -ffunction-sections; clang for riscv64, gcc for x86-64. The expected lines are llvm-dwarfdump's.
 */
static const made_case made_cases[] = {
    {"clang, version 5",
     "b60000000500080050000000010101fb0e0d00010101010000000100000101011f02110000000b00000003011f020f051e02"
     "0700000000e93c75d2ebc4089496629a547ed2009f160000000144fb8017fbf7f0a5e40bb2199f8dbbf7040005070a000902"
     "00000100000000001404010510037f09060001050a030109020001050e06030009020001050c03000902000104000505060b"
     "0301090200010501030209020001050c037f0902000105010301090200010902000001018d00000005000800370000000101"
     "01fb0e0d00010101010000000100000101011f011100000003011f020f051e010000000000dff55361b473c7ff6df66c0329"
     "e84a550400051c0a000902000000000000000013051306030009000001090000000101040000090216000100000000001405"
     "0a0a0301090200010512060300090400010503030009040001090200000101",
     "6d61696e2e6300612e63002e2f737562002f73726300682e6800", "",
     "10000 3 /src/a.c\n"
     "10006 2 /src/sub/h.h\n"
     "10008 3 /src/sub/h.h\n"
     "1000e 4 /src/a.c\n"
     "10010 6 /src/a.c\n"
     "10012 5 /src/a.c\n"
     "10014 6 /src/a.c\n"
     "10016 3 /src/main.c\n"
     "10018 4 /src/main.c\n"
     "10022 0\n"},
    {"clang, version 4",
     "8a000000040028000000010101fb0e0d0001010101000000010000012e2f7375620000612e6300000000682e680001000000"
     "05070a00090200000100000000001404020510037f09060001050a030109020001050e06030009020001050c030009020001"
     "04010505060b0301090200010501030209020001050c037f0902000105010301090200010902000001016e00000004001e00"
     "0000010101fb0e0d000101010100000001000001006d61696e2e630000000000051c0a000902000000000000000013051306"
     "030009000001090000000101000902160001000000000014050a0a0301090200010512060300090400010503030009040001"
     "090200000101",
     "", "",
     "10000 3 a.c\n"
     "10006 2 sub/h.h\n"
     "10008 3 sub/h.h\n"
     "1000e 4 a.c\n"
     "10010 6 a.c\n"
     "10012 5 a.c\n"
     "10014 6 a.c\n"
     "10016 3 main.c\n"
     "10018 4 main.c\n"
     "10022 0\n"},
    {"clang, version 2",
     "890000000200270000000101fb0e0d0001010101000000010000012e2f7375620000612e6300000000682e68000100000005"
     "070a00090200000100000000001404020510037f09060001050a030109020001050e06030009020001050c03000902000104"
     "010505060b0301090200010501030209020001050c037f0902000105010301090200010902000001016d00000002001d0000"
     "000101fb0e0d000101010100000001000001006d61696e2e630000000000051c0a0009020000000000000000130513060300"
     "09000001090000000101000902160001000000000014050a0a03010902000105120603000904000105030300090400010902"
     "00000101",
     "", "",
     "10000 3 a.c\n"
     "10006 2 sub/h.h\n"
     "10008 3 sub/h.h\n"
     "1000e 4 a.c\n"
     "10010 6 a.c\n"
     "10012 5 a.c\n"
     "10014 6 a.c\n"
     "10016 3 main.c\n"
     "10018 4 main.c\n"
     "10022 0\n"},
    {"clang, version 5, 64-bit DWARF",
     "ffffffffca00000000000000050008006000000000000000010101fb0e0d00010101010000000100000101011f0211000000"
     "000000000b0000000000000003011f020f051e02070000000000000000e93c75d2ebc4089496629a547ed2009f1600000000"
     "0000000144fb8017fbf7f0a5e40bb2199f8dbbf7040005070a00090200000100000000001404010510037f09060001050a03"
     "0109020001050e06030009020001050c03000902000104000505060b0301090200010501030209020001050c037f09020001"
     "0501030109020001090200000101ffffffff9900000000000000050008003f00000000000000010101fb0e0d000101010100"
     "00000100000101011f01110000000000000003011f020f051e01000000000000000000dff55361b473c7ff6df66c0329e84a"
     "550400051c0a0009020000000000000000130513060300090000010900000001010400000902160001000000000014050a0a"
     "0301090200010512060300090400010503030009040001090200000101",
     "6d61696e2e6300612e63002e2f737562002f73726300682e6800", "",
     "10000 3 /src/a.c\n"
     "10006 2 /src/sub/h.h\n"
     "10008 3 /src/sub/h.h\n"
     "1000e 4 /src/a.c\n"
     "10010 6 /src/a.c\n"
     "10012 5 /src/a.c\n"
     "10014 6 /src/a.c\n"
     "10016 3 /src/main.c\n"
     "10018 4 /src/main.c\n"
     "10022 0\n"},
    {"clang, version 3, 64-bit DWARF",
     "ffffffff8d00000000000000030027000000000000000101fb0e0d0001010101000000010000012e2f7375620000612e6300"
     "000000682e68000100000005070a00090200000100000000001404020510037f09060001050a030109020001050e06030009"
     "020001050c03000902000104010505060b0301090200010501030209020001050c037f090200010501030109020001090200"
     "000101ffffffff710000000000000003001d000000000000000101fb0e0d000101010100000001000001006d61696e2e6300"
     "00000000051c0a000902000000000000000013051306030009000001090000000101000902160001000000000014050a0a03"
     "01090200010512060300090400010503030009040001090200000101",
     "", "",
     "10000 3 a.c\n"
     "10006 2 sub/h.h\n"
     "10008 3 sub/h.h\n"
     "1000e 4 a.c\n"
     "10010 6 a.c\n"
     "10012 5 a.c\n"
     "10014 6 a.c\n"
     "10016 3 main.c\n"
     "10018 4 main.c\n"
     "10022 0\n"},
    {"clang, version 5, -mno-relax",
     "b60000000500080050000000010101fb0e0d00010101010000000100000101011f02110000000b00000003011f020f051e02"
     "0700000000e93c75d2ebc4089496629a547ed2009f160000000144fb8017fbf7f0a5e40bb2199f8dbbf7040005070a000902"
     "00000100000000001404010510037f09060001050a030109020001050e06030009020001050c03000902000104000505060b"
     "0301090200010501030209020001050c037f0902000105010301090200010902000001018d00000005000800370000000101"
     "01fb0e0d00010101010000000100000101011f011100000003011f020f051e010000000000dff55361b473c7ff6df66c0329"
     "e84a550400051c0a000902000000000000000013051306030009000001090000000101040000090216000100000000001405"
     "0a0a03010902000105120603000904000105030300090a0001090200000101",
     "6d61696e2e6300612e63002e2f737562002f73726300682e6800", "",
     "10000 3 /src/a.c\n"
     "10006 2 /src/sub/h.h\n"
     "10008 3 /src/sub/h.h\n"
     "1000e 4 /src/a.c\n"
     "10010 6 /src/a.c\n"
     "10012 5 /src/a.c\n"
     "10014 6 /src/a.c\n"
     "10016 3 /src/main.c\n"
     "10018 4 /src/main.c\n"
     "10028 0\n"},
    {"gcc, version 5",
     "7d0000000500080033000000010101fb0e0d00010101010000000100000101011f020f0000000000000002011f020f030b00"
     "0000000b0000000014000000010517000902500001000000000013050313050606010503064c050c060105013d0505061e04"
     "0205130f050313051006010503064b050c06014a66040113020100010182000000050008002a000000010101fb0e0d000101"
     "01010000000100000101011f010f00000002011f020f02040000000004000000000511000902000000000000000013051301"
     "051c060105213c0201000101051200090267000100000000001406010503062f051c06010501590512000204011e00020401"
     "4b0501000204019f0205000101",
     "737562006d61696e2e6300612e63002f73726300682e6800", "",
     "10050 3 /src/a.c\n"
     "10054 5 /src/a.c\n"
     "10057 6 /src/a.c\n"
     "10058 2 /src/sub/h.h\n"
     "1005c 3 /src/sub/h.h\n"
     "10066 4 /src/a.c\n"
     "10067 3 /src/main.c\n"
     "10069 4 /src/main.c\n"
     "1006e 5 /src/main.c\n"
     "1006f 3 /src/main.c\n"
     "10073 4 /src/main.c\n"
     "1007d 5 /src/main.c\n"
     "10082 0\n"},
};

/* ---- helpers ---- */

typedef struct blob {
  uint8_t bytes[1024];
  size_t size;
} blob;

static void put(blob *b, uint64_t value, unsigned bytes) {
  assert_true(b->size + bytes <= sizeof b->bytes);
  for (unsigned i = 0; i < bytes; i++) b->bytes[b->size++] = (uint8_t)(value >> 8 * i);
}

static void put_bytes(blob *b, const void *bytes, size_t count) {
  assert_true(b->size + count <= sizeof b->bytes);
  memcpy(b->bytes + b->size, bytes, count);
  b->size += count;
}
#define PUT(b, ...) put_bytes(b, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define PUT_TEXT(b, text) put_bytes(b, text, sizeof(text))

static void put_hex(blob *b, const char *hex) {
  for (unsigned byte; sscanf(hex, "%2x", &byte) == 1; hex += 2) put(b, byte, 1);
}

/* Adds .debug_line last, so that reading beyond it is seen. */
static void open_parts(elf_parts *p, const blob *line, const blob *line_str, const blob *str) {
  elf_parts_open(p);
  elf_parts_section(p, ".text", SHF_ALLOC | SHF_EXECINSTR, CODE_START, NULL, CODE_BYTES);
  if (line_str && line_str->size) elf_parts_section(p, ".debug_line_str", 0, 0, line_str->bytes, line_str->size);
  if (str && str->size) elf_parts_section(p, ".debug_str", 0, 0, str->bytes, str->size);
  elf_parts_section(p, ".debug_line", 0, 0, line->bytes, line->size);
}

static void print_lines(const jv_lines *lines, char text[TEXT_MAX]) {
  size_t at = 0;
  text[0] = '\0';
  for (size_t i = 0; i < lines->count; i++) {
    char path[256];
    const jv_line *l = &lines->lines[i];
    if (l->line) assert_true(l->file < lines->file_count);
    if (l->line) jv_line_file_path(&lines->files[l->file], path, sizeof path);
    if (l->line) at += (size_t)snprintf(text + at, TEXT_MAX - at, "%" PRIx64 " %u %s\n", l->address, l->line, path);
    else at += (size_t)snprintf(text + at, TEXT_MAX - at, "%" PRIx64 " 0\n", l->address);
    assert_true(at < TEXT_MAX);
  }
}

static void check_lines(const blob *line, const blob *line_str, const blob *str, const char *expected) {
  elf_parts p;
  jv_lines lines;
  javm_error error = {0};
  char text[TEXT_MAX];
  open_parts(&p, line, line_str, str);
  javm_status status = jv_lines_read(javm_allocator_default(), &p.elf, &lines, &error);
  if (status != JAVM_OK) fail_msg("%s: %s", javm_status_text(status), error.text);
  print_lines(&lines, text);
  assert_string_equal(text, expected);
  jv_lines_clear(javm_allocator_default(), &lines);
  elf_parts_close(&p);
}

/* Fails at a place of .debug_line with a text that has `what` in it. */
static void check_bad(const blob *line, size_t offset, const char *what) {
  elf_parts p;
  jv_lines lines;
  javm_error error = {0};
  blob line_str = {.bytes = "ab", .size = 3};
  open_parts(&p, line, &line_str, NULL);
  javm_status status = jv_lines_read(javm_allocator_default(), &p.elf, &lines, &error);
  if (status != JAVM_MALFORMED || !strstr(error.text, what) || error.offset != line_str.size + offset)
    fail_msg("expected '%s' at %zu; got %s: '%s' at %zu", what, line_str.size + offset, javm_status_text(status),
             error.text, error.offset);
  assert_null(lines.lines);
  assert_null(lines.files);
  elf_parts_close(&p);
}

/* ---- units by hand ---- */

enum { LINE_BASE = -3, LINE_RANGE = 12, OPCODE_BASE = 14 };

/* The head of a unit up to the tables; `header_at` gets the place of header_length. */
static void begin_unit(blob *b, unsigned version, size_t *header_at) {
  put(b, 0, 4);
  put(b, version, 2);
  if (version >= 5) PUT(b, 8, 0);
  *header_at = b->size;
  put(b, 0, 4);
  put(b, 1, 1);
  if (version >= 4) put(b, 1, 1);
  PUT(b, 1, (uint8_t)LINE_BASE, LINE_RANGE, OPCODE_BASE);
  PUT(b, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 2); /* operation 13 is ours, with two operands */
}

static void end_tables(blob *b, size_t header_at) {
  uint32_t length = (uint32_t)(b->size - header_at - 4);
  memcpy(b->bytes + header_at, &length, 4);
}

static void end_unit(blob *b, size_t unit_at) {
  uint32_t length = (uint32_t)(b->size - unit_at - 4);
  memcpy(b->bytes + unit_at, &length, 4);
}

static void set_address(blob *b, uint64_t address) {
  PUT(b, 0, 9, 2);
  put(b, address, 8);
}

/* A unit of version 3 with the file x.c and, if given, a program. */
static blob small_unit(const void *program, size_t program_bytes) {
  blob b = {.size = 0};
  size_t header_at;
  begin_unit(&b, 3, &header_at);
  PUT(&b, 0);
  PUT_TEXT(&b, "x.c");
  PUT(&b, 0, 0, 0, 0);
  end_tables(&b, header_at);
  if (program_bytes) put_bytes(&b, program, program_bytes);
  end_unit(&b, 0);
  return b;
}
#define UNIT(...) small_unit((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define ADDRESS(low) 0, 9, 2, low, 0, 1, 0, 0, 0, 0, 0 /* 0x10000 + low */
#define END 0, 1, 1
enum { PROGRAM_AT = 4 + 2 + 4 + 5 + 12 + 1 + 1 + 4 + 4 };

static void compilers_make_these_lines(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof made_cases / sizeof *made_cases; i++) {
    const made_case *c = &made_cases[i];
    blob line = {.size = 0}, line_str = {.size = 0}, str = {.size = 0};
    print_message("%s\n", c->name);
    put_hex(&line, c->line);
    put_hex(&line_str, c->line_str);
    put_hex(&str, c->str);
    check_lines(&line, &line_str, &str, c->expected);
  }
}

static void every_operation_moves_the_machine(void **state) {
  (void)state;
  blob b = UNIT(ADDRESS(0), 3, 9, 1,  /* line 10 */
                2, 0x84, 0,           /* advance_pc 4, a number with a byte too many */
                1,                    /* line 10 */
                8,                    /* const_add_pc: (255 - 14) / 12 = 20 */
                OPCODE_BASE + 3 + 24, /* line 10 + 0, address + 2: the same line, so no line of its own */
                9, 0x10, 0,           /* fixed_advance_pc 16 */
                3, 0x7f, 1,           /* advance_line -1: line 9 */
                5, 200, 1, 6, 7, 10, 11, 12, 3, 13, 0x80, 1, 5, /* column, flags, isa, operation 13 */
                0, 3, 0x80, 1, 2,                               /* an operation that nobody knows */
                OPCODE_BASE + 0 + 12,                           /* line 9 - 3, address + 1 */
                0, 7, 3, 'y', '.', 'c', 0, 0, 0,                /* define_file y.c; its time and length are missing */
                4, 2, OPCODE_BASE + 8,                          /* file y.c, line 6 + 5, in the same place */
                2, 1, END);
  check_lines(&b, NULL, NULL, "10000 10 x.c\n1002a 9 x.c\n1002b 11 y.c\n1002c 0\n");
}

static void version_5_tables_may_have_any_columns(void **state) {
  (void)state;
  blob b = {.size = 0}, line_str = {.bytes = "\0dir", .size = 5}, str = {.bytes = "\0in", .size = 4};
  size_t header_at;
  begin_unit(&b, 5, &header_at);
  PUT(&b, 2, 1, 0x1f, 0x81, 0x40, 0x06); /* directories: path by line_strp, and data4 that nobody knows */
  PUT(&b, 3);
  put(&b, 1, 4), put(&b, 0, 4);
  put(&b, 0, 4), put(&b, 0, 4);
  put(&b, 2, 4), put(&b, 0, 4);
  PUT(&b, 7, 1, 0x0e, 2, 0x05, 3, 0x07, 4, 0x09, 5, 0x1e, 6, 0x0b, 7,
      0x0f); /* strp, data2, data8, block, data16, ... */
  PUT(&b, 2);
  put(&b, 1, 4), put(&b, 2, 2), put(&b, 9, 8), PUT(&b, 3, 1, 2, 3), put(&b, 0, 8), put(&b, 0, 8), PUT(&b, 1, 0x80, 1);
  put(&b, 1, 4), put(&b, 0, 2), put(&b, 9, 8), PUT(&b, 0), put(&b, 0, 8), put(&b, 0, 8), PUT(&b, 1, 2);
  end_tables(&b, header_at);
  set_address(&b, CODE_START + 16);
  PUT(&b, 4, 0, OPCODE_BASE + 3, 4, 1, OPCODE_BASE + 16 + 12, 2, 4, END);
  end_unit(&b, 0);
  check_lines(&b, &line_str, &str, "10010 1 dir/ir/in\n10012 2 dir/in\n10016 0\n");
}

static void sequences_come_in_order_of_address_and_first_come_first_served(void **state) {
  (void)state;
  blob b = UNIT(ADDRESS(0x40), 1, 2, 8, END,                              /* [0x40, 0x48) */
                ADDRESS(0x44), 3, 5, 1, 2, 8, END,                        /* overlaps: left out */
                ADDRESS(0x20), 3, 1, 1, 2, 0x10, 1, 2, 0x10, END,         /* [0x20, 0x40): up to the first */
                ADDRESS(0x40), 3, 7, 1, 2, 2, END,                        /* the same code as the first: left out */
                0, 9, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 8, END,            /* where no code is */
                0, 9, 2, 255, 255, 255, 255, 255, 255, 255, 255, 1, 2, 8, /* the same, and it wraps */
                1, END, END,                                              /* an empty one */
                ADDRESS(0x60), 1, END,                                    /* without code */
                ADDRESS(0x50), 3, 0x7f, 1, 2, 2, END);                    /* line 0: not known */
  check_lines(&b, NULL, NULL, "10020 2 x.c\n10040 1 x.c\n10048 0\n");
}

static void units_follow_each_other(void **state) {
  (void)state;
  blob b = UNIT(ADDRESS(8), 1, 2, 8, END), second = UNIT(ADDRESS(0x10), OPCODE_BASE + 3 + 1, 2, 8, END);
  put_bytes(&b, second.bytes, second.size);
  check_lines(&b, NULL, NULL, "10008 1 x.c\n10010 2 x.c\n10018 0\n");
}

static void no_table_is_no_lines(void **state) {
  (void)state;
  elf_parts p;
  jv_lines lines;
  elf_parts_open(&p);
  assert_int_equal(jv_lines_read(javm_allocator_default(), &p.elf, &lines, NULL), JAVM_OK);
  assert_int_equal(lines.count, 0);
  elf_parts_section(&p, ".debug_line", 0, 0, NULL, 100); /* SHT_NOBITS */
  assert_int_equal(jv_lines_read(javm_allocator_default(), &p.elf, &lines, NULL), JAVM_OK);
  assert_int_equal(lines.count, 0);
  elf_parts_close(&p);
}

static void paths_are_joined_and_cut(void **state) {
  (void)state;
  static const struct {
    jv_line_file file;
    const char *path;
  } cases[] = {{{"/a", "b", "c.h"}, "/a/b/c.h"},       {{"/a", "/b", "c.h"}, "/b/c.h"},
               {{"/a", "b", "/c.h"}, "/c.h"},          {{NULL, NULL, "c.h"}, "c.h"},
               {{NULL, "b/", "c.h"}, "b/c.h"},         {{"/a", ".", "c.h"}, "/a/c.h"},
               {{"/a", "./b", "././c.h"}, "/a/b/c.h"}, {{NULL, "", ""}, ""},
               {{"/a", "", "../c.h"}, "/a/../c.h"}};
  char path[64], cut[5];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(jv_line_file_path(&cases[i].file, path, sizeof path), strlen(cases[i].path));
    assert_string_equal(path, cases[i].path);
  }
  assert_int_equal(jv_line_file_path(&cases[0].file, cut, sizeof cut), 4);
  assert_string_equal(cut, "/a/b");
}

/* ---- hostile tables ---- */

static void bad_heads_are_refused(void **state) {
  (void)state;
  static const struct {
    size_t at, place;
    uint8_t byte;
    const char *what;
  } cases[] = {{0, 4, 0xff, "a unit of"},    {3, 4, 0x80, "a unit of"},        {4, 6, 6, "version 6"},
               {4, 6, 1, "version 1"},       {6, 10, 0xff, "a header of"},     {13, 15, 0, "line_range 0"},
               {14, 15, 0, "opcode_base 0"}, {6, 37, 24, "beyond the header"}, {33, 36, 1, "directory 1 of 1"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    blob b = UNIT(ADDRESS(0), 1, END);
    b.bytes[cases[i].at] = cases[i].byte;
    check_bad(&b, cases[i].place, cases[i].what);
  }
}

static void bad_programs_are_refused(void **state) {
  (void)state;
#define BAD(place, what, ...)                                                                                          \
  {                                                                                                                    \
    what, place, sizeof((const uint8_t[]){__VA_ARGS__}), { __VA_ARGS__ }                                               \
  }
  static const struct {
    const char *what;
    size_t place, size; /* in the program: where it stops */
    uint8_t bytes[40];
  } cases[] = {
      BAD(12, "a sequence without an end", ADDRESS(0), 1),
      BAD(24, "address 0x10004 after 0x10008", ADDRESS(8), 1, 2, 0xfc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
          1, 1, END),
      BAD(26, "after 0x10008", ADDRESS(8), 1, ADDRESS(4), 3, 1, 1, END),
      BAD(18, "address 0x10201 beyond the code's end 0x10200", ADDRESS(0), 1, 2, 0x81, 4, END),
      BAD(14, "file 2 of 1", ADDRESS(0), 4, 2, 1, END),
      BAD(14, "file 0 of 1", ADDRESS(0), 4, 0, 1, END),
      BAD(18, "line number 4294967296", ADDRESS(0), 3, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, END),
      BAD(18, "has more than 32 bits", ADDRESS(0), 3, 0x80, 0x80, 0x80, 0x80, 0x70, 1, END),
      BAD(11, "more than 64 bits", 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 1),
      BAD(2, "an operation of 0 bytes", 0, 0),
      BAD(2, "an operation of 9 bytes where 3 are left", 0, 9, 2, 0, 1),
      BAD(3, "an address of 4 bytes; expected 8", 0, 5, 2, 0, 1, 0, 0),
      BAD(8, "longer than it says", 0, 3, 3, 'a', 'b', 'c', 0, 0, 0, 0, 0),
      BAD(3, "a string without an end", 0, 3, 3, 'a', 'b'),
      BAD(8, "directory 5 of 1", 0, 6, 3, 'a', 'b', 'c', 0, 5),
      BAD(1, "cut off", 9, 1),
      BAD(2, "cut off", 2, 0x80),
  };
#undef BAD
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    blob b = small_unit(cases[i].bytes, cases[i].size);
    check_bad(&b, PROGRAM_AT + cases[i].place, cases[i].what);
  }
}

/* A unit of version 5 whose directories and files are these bytes. */
static blob unit_of_tables(const uint8_t *tables, size_t size) {
  blob b = {.size = 0};
  size_t header_at;
  begin_unit(&b, 5, &header_at);
  put_bytes(&b, tables, size);
  end_tables(&b, header_at);
  end_unit(&b, 0);
  return b;
}

static void bad_tables_are_refused(void **state) {
  (void)state;
  enum { TABLES_AT = 4 + 2 + 2 + 4 + 6 + 13 };
#define BAD(place, what, ...)                                                                                          \
  {                                                                                                                    \
    what, place, sizeof((const uint8_t[]){__VA_ARGS__}), { __VA_ARGS__ }                                               \
  }
  static const struct {
    const char *what;
    size_t place, size;
    uint8_t bytes[40];
  } cases[] = {
      BAD(11, "entries without columns", 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0),
      BAD(13, "cut off", 1, 1, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1),
      BAD(4, "form 0x1a", 1, 1, 0x1a, 1, 0),
      BAD(8, "a string at 3 of .debug_line_str, which has 3 bytes", 1, 1, 0x1f, 1, 3, 0, 0, 0),
      BAD(8, "a string at 0 of .debug_str, which has 0 bytes", 1, 1, 0x0e, 1, 0, 0, 0, 0),
      BAD(4, "cut off", 1, 1, 0x1e, 1, 0),
      BAD(5, "cut off", 1, 1, 0x09, 1, 9),
      BAD(8, "directory 0 of 0", 0, 0, 1, 1, 0x08, 1, 'a', 0),
  };
#undef BAD
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    blob b = unit_of_tables(cases[i].bytes, cases[i].size);
    check_bad(&b, TABLES_AT + cases[i].place, cases[i].what);
  }
}

static void bad_numbers_in_a_head_of_version_5_are_refused(void **state) {
  (void)state;
  static const struct {
    size_t at, place;
    uint8_t byte;
    const char *what;
  } cases[] = {{6, 7, 4, "addresses of 8 bytes"}, {7, 8, 1, "without segments"}, {13, 14, 2, "one operation"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    blob b = unit_of_tables((const uint8_t[]){0, 0, 0, 0}, 4);
    b.bytes[cases[i].at] = cases[i].byte;
    check_bad(&b, cases[i].place, cases[i].what);
  }
  blob reserved = {.size = 0};
  put(&reserved, 0xfffffff0, 4);
  check_bad(&reserved, 4, "reserved");
}

static void string_sections_are_checked_before(void **state) {
  (void)state;
  blob b = UNIT(ADDRESS(0), 1, 2, 8, END), open_str = {.bytes = "abc", .size = 3};
  elf_parts p;
  jv_lines lines;
  javm_error error;
  open_parts(&p, &b, &open_str, NULL);
  assert_int_equal(jv_lines_read(javm_allocator_default(), &p.elf, &lines, &error), JAVM_MALFORMED);
  assert_non_null(strstr(error.text, ".debug_line_str does not end with a NUL"));
  p.sections[2].flags = SHF_COMPRESSED;
  assert_int_equal(jv_lines_read(javm_allocator_default(), &p.elf, &lines, &error), JAVM_UNSUPPORTED);
  assert_non_null(strstr(error.text, "-gz"));
  elf_parts_close(&p);
}

/* What holds of every result. */
static void check_result(const elf_parts *p, const jv_lines *lines) {
  assert_true(lines->count <= p->elf.file_bytes && lines->file_count <= p->elf.file_bytes);
  for (size_t i = 0; i < lines->count; i++) {
    const jv_line *l = &lines->lines[i];
    assert_in_range(l->address, CODE_START, CODE_START + CODE_BYTES);
    if (l->line) assert_true(l->file < lines->file_count);
    if (i > 0) assert_true(l->address > l[-1].address && (l->file != l[-1].file || l->line != l[-1].line));
  }
  if (lines->count > 0) assert_int_equal(lines->lines[lines->count - 1].line, 0);
  for (size_t i = 0; i < lines->file_count; i++) {
    char path[64];
    assert_true(jv_line_file_path(&lines->files[i], path, sizeof path) < sizeof path);
  }
}

static void changed_bytes_are_lines_or_an_error(void **state) {
  (void)state;
  uint64_t random = 1;
  for (size_t i = 0; i < sizeof made_cases / sizeof *made_cases; i++) {
    blob line = {.size = 0}, line_str = {.size = 0};
    put_hex(&line, made_cases[i].line);
    put_hex(&line_str, made_cases[i].line_str);
    for (int round = 0; round < 3000; round++) {
      elf_parts p;
      jv_lines lines;
      javm_error error = {0};
      blob changed = line;
      for (int n = round % 4; n >= 0; n--) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        changed.bytes[(random >> 33) % changed.size] ^= (uint8_t)(1u << (random >> 61));
      }
      if (round % 5 == 0) changed.size = (random >> 20) % changed.size + 1;
      open_parts(&p, &changed, &line_str, NULL);
      javm_status status = jv_lines_read(javm_allocator_default(), &p.elf, &lines, &error);
      if (status == JAVM_OK) check_result(&p, &lines);
      else assert_true(status == JAVM_MALFORMED && error.text[0] && error.offset <= p.elf.file_bytes);
      jv_lines_clear(javm_allocator_default(), &lines);
      elf_parts_close(&p);
    }
  }
}

static javm_status read_made_case(const javm_allocator *a) {
  blob line = {.size = 0}, line_str = {.size = 0};
  elf_parts p;
  jv_lines lines;
  put_hex(&line, made_cases[0].line);
  put_hex(&line_str, made_cases[0].line_str);
  open_parts(&p, &line, &line_str, NULL);
  javm_status status = jv_lines_read(a, &p.elf, &lines, NULL);
  if (status == JAVM_OK) jv_lines_clear(a, &lines);
  elf_parts_close(&p);
  return status;
}

static void out_of_memory_is_an_error(void **state) {
  (void)state;
  for_each_failing_allocation(read_made_case);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(compilers_make_these_lines),
      cmocka_unit_test(every_operation_moves_the_machine),
      cmocka_unit_test(version_5_tables_may_have_any_columns),
      cmocka_unit_test(sequences_come_in_order_of_address_and_first_come_first_served),
      cmocka_unit_test(units_follow_each_other),
      cmocka_unit_test(no_table_is_no_lines),
      cmocka_unit_test(paths_are_joined_and_cut),
      cmocka_unit_test(bad_heads_are_refused),
      cmocka_unit_test(bad_programs_are_refused),
      cmocka_unit_test(bad_tables_are_refused),
      cmocka_unit_test(bad_numbers_in_a_head_of_version_5_are_refused),
      cmocka_unit_test(string_sections_are_checked_before),
      cmocka_unit_test(changed_bytes_are_lines_or_an_error),
      cmocka_unit_test(out_of_memory_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
