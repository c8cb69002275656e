/*
 * The ELF reader of the linker, on files that are put together here from the structs of <elf.h> (so that this runs on
 * little-endian hosts only).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "link/elf.h"
#include "support/failing_alloc.h"

#define ADVICE                                                                                                         \
  "; make it with clang --target=riscv64-unknown-elf -march=rv64emac_zbb -mabi=lp64e and ld.lld --emit-relocs, or "    \
  "with javm-cc"

/* ---- a file that is good until a test changes it ---- */

enum { TEXT = 1, DATA, BSS, RELA_TEXT, RELA_DATA, SYMTAB, STRTAB, SHSTRTAB, DEBUG, RELA_DEBUG, SECTIONS };
enum { SYMBOLS = 6, TEXT_RELOCS = 8, DATA_RELOCS = 2 };

typedef struct file {
  Elf64_Ehdr header;
  uint8_t text[16], data[32];
  Elf64_Sym symbols[SYMBOLS];
  Elf64_Rela text_relocs[TEXT_RELOCS], data_relocs[DATA_RELOCS], debug_relocs[1];
  char strings[16], names[112];
  uint8_t debug[3];
  Elf64_Shdr sections[SECTIONS];
} file;

static Elf64_Shdr section(const char *names, const char *name, uint32_t type, uint64_t flags, uint64_t address,
                          size_t offset, size_t size) {
  Elf64_Shdr s = {.sh_type = type, .sh_flags = flags, .sh_addr = address, .sh_offset = offset, .sh_size = size};
  const char *at = names;
  while (strcmp(at, name) != 0) at += strlen(at) + 1;
  s.sh_name = (uint32_t)(at - names);
  return s;
}

#define SECTION(name, type, flags, address, member)                                                                    \
  section(f->names, name, type, flags, address, offsetof(file, member), sizeof f->member)

static void fill_sections(file *f) {
  static const char names[] = "\0.text\0.data\0.bss\0.rela.text\0.rela.data\0.symtab\0.strtab\0.shstrtab\0.debug_x\0"
                              ".rela.debug_x";
  _Static_assert(sizeof names <= sizeof f->names, "there is room for the names");
  memcpy(f->names, names, sizeof names);
  f->sections[TEXT] = SECTION(".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0x11000, text);
  f->sections[DATA] = SECTION(".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 0x10000, data);
  f->sections[BSS] = section(names, ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, 0x10020, 0, 0xfe0);
  f->sections[RELA_TEXT] = SECTION(".rela.text", SHT_RELA, SHF_INFO_LINK, 0, text_relocs);
  f->sections[RELA_DATA] = SECTION(".rela.data", SHT_RELA, SHF_INFO_LINK, 0, data_relocs);
  f->sections[SYMTAB] = SECTION(".symtab", SHT_SYMTAB, 0, 0, symbols);
  f->sections[STRTAB] = SECTION(".strtab", SHT_STRTAB, 0, 0, strings);
  f->sections[SHSTRTAB] = SECTION(".shstrtab", SHT_STRTAB, 0, 0, names);
  f->sections[DEBUG] = SECTION(".debug_x", SHT_PROGBITS, 0, 0, debug);
  f->sections[RELA_DEBUG] = SECTION(".rela.debug_x", SHT_RELA, SHF_INFO_LINK, 0, debug_relocs);
  static const int relas[3][2] = {{RELA_TEXT, TEXT}, {RELA_DATA, DATA}, {RELA_DEBUG, DEBUG}};
  for (int i = 0; i < 3; i++) {
    Elf64_Shdr *s = &f->sections[relas[i][0]];
    s->sh_link = SYMTAB, s->sh_info = (uint32_t)relas[i][1], s->sh_entsize = sizeof(Elf64_Rela);
  }
  f->sections[SYMTAB].sh_link = STRTAB;
  f->sections[SYMTAB].sh_entsize = sizeof(Elf64_Sym);
}

static Elf64_Sym symbol(uint32_t name, uint8_t binding, uint8_t type, uint16_t in, uint64_t value, uint64_t size) {
  return (Elf64_Sym){.st_name = name,
                     .st_info = (uint8_t)ELF64_ST_INFO(binding, type),
                     .st_shndx = in,
                     .st_value = value,
                     .st_size = size};
}

static Elf64_Rela reloc(uint64_t address, uint32_t type, uint32_t of, int64_t addend) {
  return (Elf64_Rela){.r_offset = address, .r_info = ELF64_R_INFO((uint64_t)of, type), .r_addend = addend};
}

static void good_file(file *f) {
  memset(f, 0, sizeof *f);
  memcpy(f->header.e_ident, ELFMAG, SELFMAG);
  f->header.e_ident[EI_CLASS] = ELFCLASS64;
  f->header.e_ident[EI_DATA] = ELFDATA2LSB;
  f->header.e_ident[EI_VERSION] = EV_CURRENT;
  f->header.e_type = ET_EXEC;
  f->header.e_machine = EM_RISCV;
  f->header.e_version = EV_CURRENT;
  f->header.e_entry = 0x11004;
  f->header.e_shoff = offsetof(file, sections);
  f->header.e_flags = EF_RISCV_RVC | EF_RISCV_RVE;
  f->header.e_ehsize = sizeof(Elf64_Ehdr);
  f->header.e_shentsize = sizeof(Elf64_Shdr);
  f->header.e_shnum = SECTIONS;
  f->header.e_shstrndx = SHSTRTAB;
  for (uint8_t i = 0; i < sizeof f->text; i++) f->text[i] = i + 1;
  memcpy(f->strings, "\0main\0object\0", 13);
  f->symbols[1] = symbol(0, STB_LOCAL, STT_SECTION, TEXT, 0x11000, 0);
  f->symbols[2] = symbol(1, STB_GLOBAL, STT_FUNC, TEXT, 0x11004, 12);
  f->symbols[3] = symbol(6, STB_WEAK, STT_OBJECT, BSS, 0x10020, 8);
  f->symbols[4] = symbol(8, STB_GLOBAL, STT_NOTYPE, SHN_ABS, 0x123456789abcdef0, 0);
  f->symbols[5] = symbol(12, STB_GLOBAL, STT_OBJECT, SHN_COMMON, 8, 4);
  f->text_relocs[0] = reloc(0x11008, R_RISCV_HI20, 3, 5);
  f->text_relocs[1] = reloc(0x11008, R_RISCV_RELAX, 0, 0);
  f->text_relocs[2] = reloc(0x11004, R_RISCV_JAL, 2, 0);
  f->text_relocs[3] = reloc(0x11010, R_RISCV_ALIGN, 0, 6); /* what it aligned was empty and at the end */
  f->text_relocs[4] = reloc(0x1100f, R_RISCV_SUB_ULEB128, 5, -1);
  f->text_relocs[5] = reloc(0, R_RISCV_NONE, 0, 0);
  f->text_relocs[6] = reloc(0x11004, R_RISCV_PLT32, 4, INT64_MIN);
  f->text_relocs[7] = reloc(0x11000, 0x100, 1, 7); /* numbers of the linker's own are seen, too */
  f->data_relocs[0] = reloc(0x10010, R_RISCV_ADD64, 2, 1);
  f->data_relocs[1] = reloc(0x10010, R_RISCV_SUB64, 1, 2);
  f->debug_relocs[0] = reloc(0x7777, 99, 77, 0);
  fill_sections(f);
}

static int setup(void **state) {
  file *f = malloc(sizeof *f);
  if (!f) return -1;
  good_file(f);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  free(*state);
  return 0;
}

/* ---- parsing ---- */

static void parse_good(const javm_allocator *a, const void *bytes, size_t size, jv_elf *elf) {
  javm_error error = {0};
  if (jv_elf_parse(a, bytes, size, elf, &error) != JAVM_OK)
    fail_msg("%s: %s", javm_status_text(error.status), error.text);
  assert_ptr_equal(elf->file, bytes);
  assert_int_equal(elf->file_bytes, size);
}

static void expect_good(const void *bytes, size_t size) {
  test_allocator a;
  jv_elf elf;
  test_allocator_init(&a);
  parse_good(&a.hook, bytes, size, &elf);
  jv_elf_clear(&a.hook, &elf);
  assert_int_equal(a.blocks, 0);
}

/* Of a copy that has nothing behind its last byte. */
static void expect_error(const void *bytes, size_t size, javm_status status, size_t offset, const char *text) {
  static const jv_elf nothing;
  uint8_t *copy = malloc(size ? size : 1);
  assert_non_null(copy);
  memcpy(copy, bytes, size);
  test_allocator a;
  jv_elf elf;
  javm_error error;
  test_allocator_init(&a);
  memset(&error, 0x5a, sizeof error);
  javm_status got = jv_elf_parse(&a.hook, copy, size, &elf, &error);
  free(copy);
  if (got == JAVM_OK) fail_msg("no error, instead of: %s", text);
  assert_string_equal(error.text, text);
  assert_int_equal(error.status, got);
  assert_int_equal(got, status);
  assert_int_equal(error.offset, offset);
  assert_true(strlen(error.text) < sizeof error.text - 1);
  assert_int_equal(a.blocks, 0);
  assert_memory_equal(&elf, &nothing, sizeof elf);
}

#define MALFORMED(where, text) expect_error(f, sizeof *f, JAVM_MALFORMED, where, text)
#define UNSUPPORTED(where, text) expect_error(f, sizeof *f, JAVM_UNSUPPORTED, where, text ADVICE)
#define IN_HEADER(member) offsetof(Elf64_Ehdr, member)
#define AT_SECTION(index) (offsetof(file, sections) + (index) * sizeof(Elf64_Shdr))

static void expect_reloc(const jv_elf *elf, size_t index, uint64_t address, uint32_t type, uint32_t of,
                         int64_t addend) {
  assert_true(index < elf->reloc_count);
  assert_int_equal(elf->relocs[index].address, address);
  assert_int_equal(elf->relocs[index].type, type);
  assert_int_equal(elf->relocs[index].symbol, of);
  assert_true(elf->relocs[index].addend == addend);
}

/* ---- good files ---- */

static void sections_are_as_in_the_file(void **state) {
  file *f = *state;
  jv_elf elf;
  f->sections[0].sh_flags = SHF_ALLOC; /* section 0 is never looked at as a section */
  f->sections[0].sh_size = 5;
  f->sections[0].sh_type = SHT_PROGBITS;
  parse_good(javm_allocator_default(), f, sizeof *f, &elf);
  assert_int_equal(elf.entry, 0x11004);
  assert_int_equal(elf.section_count, SECTIONS);
  for (size_t i = 0; i < SECTIONS; i++) {
    const jv_elf_section *s = &elf.sections[i];
    const Elf64_Shdr *want = &f->sections[i];
    assert_string_equal(s->name, f->names + want->sh_name);
    assert_int_equal(s->type, i ? want->sh_type : 0);
    assert_int_equal(s->flags, i ? want->sh_flags : 0);
    assert_int_equal(s->address, want->sh_addr);
    assert_int_equal(s->size_bytes, i ? want->sh_size : 0);
    assert_ptr_equal(s->bytes, i == 0 || i == BSS ? NULL : (uint8_t *)f + want->sh_offset);
  }
  assert_string_equal(elf.sections[RELA_DATA].name, ".rela.data");
  jv_elf_clear(javm_allocator_default(), &elf);
}

static void symbols_are_as_in_the_file(void **state) {
  file *f = *state;
  static const jv_elf_symbol want[SYMBOLS] = {{"", 0, 0, SHN_UNDEF, STT_NOTYPE, STB_LOCAL},
                                              {"", 0x11000, 0, TEXT, STT_SECTION, STB_LOCAL},
                                              {"main", 0x11004, 12, TEXT, STT_FUNC, STB_GLOBAL},
                                              {"object", 0x10020, 8, BSS, STT_OBJECT, STB_WEAK},
                                              {"ject", 0x123456789abcdef0, 0, SHN_ABS, STT_NOTYPE, STB_GLOBAL},
                                              {"", 8, 4, SHN_COMMON, STT_OBJECT, STB_GLOBAL}};
  jv_elf elf;
  parse_good(javm_allocator_default(), f, sizeof *f, &elf);
  assert_int_equal(elf.symbol_count, SYMBOLS);
  for (size_t i = 0; i < SYMBOLS; i++) {
    assert_string_equal(elf.symbols[i].name, want[i].name);
    assert_int_equal(elf.symbols[i].value, want[i].value);
    assert_int_equal(elf.symbols[i].size_bytes, want[i].size_bytes);
    assert_int_equal(elf.symbols[i].section, want[i].section);
    assert_int_equal(elf.symbols[i].type, want[i].type);
    assert_int_equal(elf.symbols[i].binding, want[i].binding);
  }
  jv_elf_clear(javm_allocator_default(), &elf);
}

/* By address, those of one address as in the file, without those that mean nothing and those of what is not loaded. */
static void relocations_are_sorted(void **state) {
  file *f = *state;
  jv_elf elf;
  parse_good(javm_allocator_default(), f, sizeof *f, &elf);
  assert_int_equal(elf.reloc_count, 7);
  expect_reloc(&elf, 0, 0x10010, R_RISCV_ADD64, 2, 1);
  expect_reloc(&elf, 1, 0x10010, R_RISCV_SUB64, 1, 2);
  expect_reloc(&elf, 2, 0x11000, 0x100, 1, 7);
  expect_reloc(&elf, 3, 0x11004, R_RISCV_JAL, 2, 0);
  expect_reloc(&elf, 4, 0x11004, R_RISCV_PLT32, 4, INT64_MIN);
  expect_reloc(&elf, 5, 0x11008, R_RISCV_HI20, 3, 5);
  expect_reloc(&elf, 6, 0x1100f, R_RISCV_SUB_ULEB128, 5, -1);
  jv_elf_clear(javm_allocator_default(), &elf);
}

/* The good file, with `count` relocations of .data behind it; .data is then as large as all addresses above 0x12000. */
static uint8_t *with_relocs(file *f, size_t count, size_t *size) {
  f->sections[DATA].sh_type = SHT_NOBITS;
  f->sections[DATA].sh_addr = 0x12000;
  f->sections[DATA].sh_size = UINT64_C(0x100000000) - 0x12000;
  f->sections[RELA_DATA].sh_offset = sizeof *f;
  f->sections[RELA_DATA].sh_size = count * sizeof(Elf64_Rela);
  *size = sizeof *f + count * sizeof(Elf64_Rela);
  uint8_t *bytes = malloc(*size);
  assert_non_null(bytes);
  memcpy(bytes, f, sizeof *f);
  return bytes;
}

static void many_relocations_are_sorted(void **state) {
  file *f = *state;
  enum { COUNT = 300000 };
  size_t size;
  uint8_t *bytes = with_relocs(f, COUNT, &size);
  for (int order = 0; order < 3; order++) { /* falling, in eight runs, random with many equals */
    uint64_t random = 1;
    for (size_t i = 0; i < COUNT; i++) {
      random = random * UINT64_C(6364136223846793005) + 1;
      uint64_t place = order == 0 ? COUNT - i : order == 1 ? i % (COUNT / 8) : (random >> 33) % (COUNT / 4);
      Elf64_Rela r = reloc(0x12000 + place, R_RISCV_64, 1, (int64_t)i);
      memcpy(bytes + sizeof *f + i * sizeof r, &r, sizeof r);
    }
    test_allocator a;
    jv_elf elf;
    test_allocator_init(&a);
    parse_good(&a.hook, bytes, size, &elf);
    assert_int_equal(elf.reloc_count, COUNT + 5);
    uint64_t sum = 0;
    for (size_t i = 5; i < elf.reloc_count; i++) {
      const jv_elf_reloc *before = &elf.relocs[i - 1], *r = &elf.relocs[i];
      if (r->address < before->address || (r->address == before->address && r->addend < before->addend))
        fail_msg("order %d: relocation %zu", order, i);
      sum += (uint64_t)r->addend;
    }
    assert_int_equal(sum, (uint64_t)COUNT * (COUNT - 1) / 2);
    jv_elf_clear(&a.hook, &elf);
    assert_int_equal(a.blocks, 0);
  }
  free(bytes);
}

/* ---- other kinds of files ---- */

static void no_elf_file(void **state) {
  file *f = *state;
  expect_error("", 0, JAVM_MALFORMED, 0, "this is not an ELF file");
  expect_error("\177EL", 3, JAVM_MALFORMED, 0, "this is not an ELF file");
  expect_error("#!/bin/sh\n", 10, JAVM_MALFORMED, 0, "this is not an ELF file");
  f->header.e_ident[EI_MAG3] = 'f';
  MALFORMED(0, "this is not an ELF file");
}

static void broken_idents(void **state) {
  file *f = *state;
  f->header.e_ident[EI_CLASS] = 3;
  MALFORMED(EI_CLASS, "the ELF header has the unknown class 3");
  good_file(f);
  f->header.e_ident[EI_DATA] = 0;
  MALFORMED(EI_DATA, "the ELF header has the unknown byte order 0");
  good_file(f);
  f->header.e_ident[EI_VERSION] = 2;
  MALFORMED(EI_VERSION, "the ELF header has the unknown version 2");
  good_file(f);
  f->header.e_version = 0;
  MALFORMED(IN_HEADER(e_version), "the ELF header has the unknown version 0");
}

static void other_machines(void **state) {
  file *f = *state;
  static const struct {
    uint16_t machine;
    const char *name;
  } machines[] = {{3, "x86"},
                  {62, "x86-64"},
                  {40, "ARM"},
                  {183, "AArch64"},
                  {20, "PowerPC"},
                  {21, "PowerPC"},
                  {22, "S/390"},
                  {8, "MIPS"},
                  {43, "SPARC"},
                  {50, "IA-64"},
                  {247, "eBPF"},
                  {263, "Solana BPF"},
                  {258, "LoongArch"},
                  {0, "machine number 0"},
                  {65535, "machine number 65535"}};
  for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
    char text[300];
    f->header.e_machine = machines[i].machine;
    snprintf(text, sizeof text, "an ELF file for %s, 64-bit" ADVICE, machines[i].name);
    expect_error(f, sizeof *f, JAVM_UNSUPPORTED, 0, text);
  }
  f->header.e_machine = EM_RISCV;
  f->header.e_ident[EI_CLASS] = ELFCLASS32;
  UNSUPPORTED(0, "an ELF file for RISC-V, 32-bit");
  f->header.e_ident[EI_DATA] = ELFDATA2MSB;
  f->header.e_machine = EM_PPC << 8;
  UNSUPPORTED(0, "an ELF file for PowerPC, 32-bit, big-endian");
  f->header.e_ident[EI_CLASS] = ELFCLASS64;
  f->header.e_machine = EM_RISCV << 8 & 0xffff;
  UNSUPPORTED(0, "an ELF file for RISC-V, 64-bit, big-endian");
}

static void other_registers_and_floats(void **state) {
  file *f = *state;
  f->header.e_flags = EF_RISCV_RVE; /* without compressed instructions */
  expect_good(f, sizeof *f);
  f->header.e_flags = EF_RISCV_RVE | EF_RISCV_TSO; /* for one hart, any order of memory is this one */
  expect_good(f, sizeof *f);
  f->header.e_flags = 0;
  UNSUPPORTED(IN_HEADER(e_flags), "a RISC-V program for 32 registers (not RVE)");
  f->header.e_flags = EF_RISCV_RVC | EF_RISCV_FLOAT_ABI_DOUBLE;
  UNSUPPORTED(IN_HEADER(e_flags), "a RISC-V program for 32 registers (not RVE)");
  f->header.e_flags = EF_RISCV_RVE | EF_RISCV_FLOAT_ABI_SINGLE;
  UNSUPPORTED(IN_HEADER(e_flags), "a RISC-V program for hardware floats (single)");
  f->header.e_flags = EF_RISCV_RVE | EF_RISCV_FLOAT_ABI_DOUBLE;
  UNSUPPORTED(IN_HEADER(e_flags), "a RISC-V program for hardware floats (double)");
  f->header.e_flags = EF_RISCV_RVE | EF_RISCV_FLOAT_ABI_QUAD;
  UNSUPPORTED(IN_HEADER(e_flags), "a RISC-V program for hardware floats (quad)");
}

static void other_types(void **state) {
  file *f = *state;
  f->header.e_type = ET_REL;
  UNSUPPORTED(IN_HEADER(e_type), "an object file, not linked yet");
  f->header.e_type = ET_DYN;
  UNSUPPORTED(IN_HEADER(e_type), "a shared object or a -pie program; it must be -no-pie");
  f->header.e_type = ET_CORE;
  UNSUPPORTED(IN_HEADER(e_type), "no program, but an ELF file of type 4");
}

/* A program of one small function needs no relocations; --emit-relocs then shows in symbols of the sections. */
static void programs_without_relocations(void **state) {
  file *f = *state;
  f->header.e_shnum = SHSTRTAB + 1;
  f->sections[RELA_TEXT].sh_type = f->sections[RELA_DATA].sh_type = SHT_NULL;
  expect_good(f, sizeof *f);
  f->symbols[1].st_info = ELF64_ST_INFO(STB_LOCAL, STT_NOTYPE);
  UNSUPPORTED(0, "a program without relocations (no --emit-relocs, or stripped)");
  f->sections[SYMTAB].sh_type = SHT_NULL;
  UNSUPPORTED(0, "a program without relocations (no --emit-relocs, or stripped)");
  f->sections[TEXT].sh_flags = SHF_ALLOC; /* no code, no need */
  expect_good(f, sizeof *f);
  f->sections[TEXT].sh_flags |= SHF_EXECINSTR;
  f->sections[TEXT].sh_size = 0;
  expect_good(f, sizeof *f);
  good_file(f); /* relocations of debug sections only */
  f->sections[RELA_TEXT].sh_type = f->sections[RELA_DATA].sh_type = SHT_NULL;
  f->symbols[1].st_info = ELF64_ST_INFO(STB_LOCAL, STT_NOTYPE);
  expect_good(f, sizeof *f);
}

/* ---- broken section headers ---- */

static void every_file_that_is_cut_off(void **state) {
  file *f = *state;
  for (size_t size = 0; size < sizeof *f; size++) {
    if (size < SELFMAG) expect_error(f, size, JAVM_MALFORMED, 0, "this is not an ELF file");
    else if (size < sizeof f->header) expect_error(f, size, JAVM_MALFORMED, size, "the ELF header is cut off");
    else if (size < AT_SECTION(1))
      expect_error(f, size, JAVM_MALFORMED, IN_HEADER(e_shoff), "the section headers are not in the file");
    else expect_error(f, size, JAVM_MALFORMED, size, "the section headers are cut off: there are 11 of them");
  }
}

static void broken_section_headers(void **state) {
  file *f = *state;
  f->header.e_shoff = 0;
  UNSUPPORTED(IN_HEADER(e_shoff), "a program without sections");
  good_file(f);
  f->header.e_shnum = 0;
  UNSUPPORTED(IN_HEADER(e_shnum), "a program without sections");
  good_file(f);
  f->header.e_shentsize = 63;
  MALFORMED(IN_HEADER(e_shentsize), "section headers have 63 bytes each, not 64");
  good_file(f);
  f->header.e_shoff = UINT64_MAX;
  MALFORMED(IN_HEADER(e_shoff), "the section headers are not in the file");
  good_file(f);
  f->header.e_shnum = 0;
  f->sections[0].sh_size = (1 << 20) + 1;
  expect_error(f, sizeof *f, JAVM_UNSUPPORTED, IN_HEADER(e_shnum), "more than 1048576 sections");
  f->sections[0].sh_size = UINT64_MAX;
  expect_error(f, sizeof *f, JAVM_UNSUPPORTED, IN_HEADER(e_shnum), "more than 1048576 sections");
  f->sections[0].sh_size = 1 << 20;
  MALFORMED(sizeof *f, "the section headers are cut off: there are 1048576 of them");
  good_file(f);
  f->header.e_shstrndx = SHN_UNDEF;
  MALFORMED(IN_HEADER(e_shstrndx), "there is no section 0, which is to hold the names of sections");
  f->header.e_shstrndx = SECTIONS;
  MALFORMED(IN_HEADER(e_shstrndx), "there is no section 11, which is to hold the names of sections");
  f->header.e_shstrndx = TEXT;
  MALFORMED(AT_SECTION(TEXT), "section 1, for the names of sections, is no string table");
}

static void sections_out_of_range(void **state) {
  file *f = *state;
  f->sections[DATA].sh_offset = sizeof *f - sizeof f->data + 1;
  MALFORMED(AT_SECTION(DATA), "section 2 reaches out of the file");
  f->sections[DATA].sh_offset--;
  expect_good(f, sizeof *f);
  f->sections[DATA].sh_offset = UINT64_MAX - 8;
  MALFORMED(AT_SECTION(DATA), "section 2 reaches out of the file");
  good_file(f);
  f->sections[DEBUG].sh_size = UINT64_MAX;
  MALFORMED(AT_SECTION(DEBUG), "section 9 reaches out of the file");
  good_file(f);
  f->sections[BSS].sh_addr = 0x12000;
  f->sections[BSS].sh_size = 0xfffee000;
  expect_good(f, sizeof *f);
  f->sections[BSS].sh_size++;
  MALFORMED(AT_SECTION(BSS), "section 3 reaches past the 32-bit addresses");
  f->sections[BSS].sh_size = UINT64_MAX;
  MALFORMED(AT_SECTION(BSS), "section 3 reaches past the 32-bit addresses");
  f->sections[BSS].sh_flags = SHF_WRITE; /* of what is not loaded, addresses mean nothing */
  expect_good(f, sizeof *f);
  good_file(f);
  f->sections[BSS].sh_addr = UINT64_MAX;
  MALFORMED(AT_SECTION(BSS), "section 3 reaches past the 32-bit addresses");
}

static void overlapping_sections(void **state) {
  file *f = *state;
  f->sections[BSS].sh_size++;
  MALFORMED(AT_SECTION(TEXT), "sections 3 and 1 overlap at address 0x11000");
  f->sections[BSS].sh_flags |= SHF_TLS; /* .tbss takes no addresses */
  expect_good(f, sizeof *f);
  f->sections[BSS].sh_flags = SHF_WRITE;
  expect_good(f, sizeof *f);
  good_file(f);
  f->sections[BSS].sh_addr = f->sections[DATA].sh_addr;
  MALFORMED(AT_SECTION(BSS), "sections 2 and 3 overlap at address 0x10000");
  f->sections[BSS].sh_size = 0;
  expect_good(f, sizeof *f);
}

static void broken_names_of_sections(void **state) {
  file *f = *state;
  f->names[sizeof f->names - 1] = 'x';
  MALFORMED(offsetof(file, names) + sizeof f->names,
            "section 8, for the names of sections, does not end in a zero byte");
  good_file(f);
  f->sections[SHSTRTAB].sh_size = 0;
  MALFORMED(offsetof(file, names), "section 8, for the names of sections, does not end in a zero byte");
  good_file(f);
  f->sections[BSS].sh_name = sizeof f->names - 1;
  expect_good(f, sizeof *f);
  f->sections[BSS].sh_name = sizeof f->names;
  MALFORMED(AT_SECTION(BSS), "the name of section 3 is not in the string table");
}

/* ---- extended numbers ---- */

static void numbers_in_the_first_section_header(void **state) {
  file *f = *state;
  f->header.e_shnum = 0;
  f->header.e_shstrndx = SHN_XINDEX;
  f->sections[0].sh_size = SECTIONS;
  f->sections[0].sh_link = SHSTRTAB;
  expect_good(f, sizeof *f);
  f->sections[0].sh_link = SECTIONS;
  MALFORMED(IN_HEADER(e_shstrndx), "there is no section 11, which is to hold the names of sections");
}

/* The good file with its sections, then as many empty ones as it takes, and a section of large indices as the last. */
static uint8_t *many_sections(const file *f, size_t count, const uint32_t indices[SYMBOLS], size_t *size) {
  *size = sizeof *f + count * sizeof(Elf64_Shdr) + SYMBOLS * sizeof *indices;
  file *big = calloc(1, *size);
  assert_non_null(big);
  *big = *f;
  uint8_t *headers = (uint8_t *)(big + 1), *words = headers + count * sizeof(Elf64_Shdr);
  big->header.e_shoff = sizeof *f;
  big->header.e_shnum = 0;
  Elf64_Shdr first = {.sh_size = count};
  Elf64_Shdr last = {.sh_type = SHT_SYMTAB_SHNDX, .sh_link = SYMTAB, .sh_size = SYMBOLS * sizeof *indices};
  last.sh_offset = (uint64_t)(words - (uint8_t *)big);
  memcpy(headers, f->sections, sizeof f->sections);
  memcpy(headers, &first, sizeof first);
  memcpy(headers + (count - 1) * sizeof last, &last, sizeof last);
  memcpy(words, indices, SYMBOLS * sizeof *indices);
  return (uint8_t *)big;
}

static void symbols_in_sections_with_large_numbers(void **state) {
  file *f = *state;
  enum { COUNT = 0x10010 };
  size_t size;
  jv_elf elf;
  uint32_t indices[SYMBOLS] = {9, 9, 0x1000f, 0xfeff, 9, 9};
  f->symbols[2].st_shndx = f->symbols[3].st_shndx = SHN_XINDEX;
  uint8_t *bytes = many_sections(f, COUNT, indices, &size);
  parse_good(javm_allocator_default(), bytes, size, &elf);
  assert_int_equal(elf.section_count, COUNT);
  assert_int_equal(elf.symbols[1].section, TEXT);
  assert_int_equal(elf.symbols[2].section, 0x1000f);
  assert_int_equal(elf.symbols[3].section, 0xfeff);
  assert_int_equal(elf.symbols[4].section, SHN_ABS);
  jv_elf_clear(javm_allocator_default(), &elf);
  free(bytes);
  indices[3] = COUNT;
  bytes = many_sections(f, COUNT, indices, &size);
  expect_error(bytes, size, JAVM_MALFORMED, offsetof(file, symbols[3]),
               "symbol 3 is in section 65552, where no symbol can be");
  free(bytes);
  indices[3] = SHN_ABS; /* there is such a section, but it could not be told from the reserved number */
  bytes = many_sections(f, COUNT, indices, &size);
  expect_error(bytes, size, JAVM_MALFORMED, offsetof(file, symbols[3]),
               "symbol 3 is in section 65521, where no symbol can be");
  free(bytes);
  MALFORMED(offsetof(file, symbols[2]), "symbol 2 is in section 65535, where no symbol can be");
  f->sections[DEBUG] = f->sections[TEXT]; /* large indices, but of another symbol table */
  f->sections[DEBUG].sh_type = SHT_SYMTAB_SHNDX;
  f->sections[DEBUG].sh_flags = 0;
  f->sections[DEBUG].sh_link = STRTAB;
  MALFORMED(offsetof(file, symbols[2]), "symbol 2 is in section 65535, where no symbol can be");
}

/* ---- broken symbols ---- */

static void broken_symbol_tables(void **state) {
  file *f = *state;
  f->sections[DEBUG].sh_type = SHT_SYMTAB;
  MALFORMED(AT_SECTION(DEBUG), "sections 6 and 9 are symbol tables; only one can be");
  good_file(f);
  f->sections[SYMTAB].sh_entsize = 16;
  MALFORMED(AT_SECTION(SYMTAB), "section 6, the symbol table, has no whole symbols");
  good_file(f);
  f->sections[SYMTAB].sh_size--;
  MALFORMED(AT_SECTION(SYMTAB), "section 6, the symbol table, has no whole symbols");
  good_file(f);
  f->sections[SYMTAB].sh_link = SECTIONS;
  MALFORMED(AT_SECTION(0), "section 11, for the names of symbols, is no string table");
  f->sections[SYMTAB].sh_link = DATA;
  MALFORMED(AT_SECTION(DATA), "section 2, for the names of symbols, is no string table");
  good_file(f);
  f->strings[sizeof f->strings - 1] = 'x';
  MALFORMED(offsetof(file, strings) + sizeof f->strings,
            "section 7, for the names of symbols, does not end in a zero byte");
}

static void broken_symbols(void **state) {
  file *f = *state;
  f->symbols[4].st_name = sizeof f->strings;
  MALFORMED(offsetof(file, symbols[4]), "the name of symbol 4 is not in the string table");
  good_file(f);
  static const uint16_t wrong[] = {SECTIONS, 0xfeff, SHN_LORESERVE, 0xfff0, 0xfff3, SHN_XINDEX};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char text[100];
    f->symbols[3].st_shndx = wrong[i];
    snprintf(text, sizeof text, "symbol 3 is in section %u, where no symbol can be", wrong[i]);
    MALFORMED(offsetof(file, symbols[3]), text);
  }
  f->symbols[3].st_shndx = SECTIONS - 1;
  expect_good(f, sizeof *f);
}

/* ---- broken relocations ---- */

static void relocations_of_other_kinds(void **state) {
  file *f = *state;
  static const uint32_t types[] = {SHT_REL, SHT_RELR, SHT_CREL};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    f->sections[RELA_DATA].sh_type = types[i];
    UNSUPPORTED(AT_SECTION(RELA_DATA), "section 5 has relocations that are not RELA");
  }
  good_file(f);
  f->sections[RELA_DATA].sh_flags |= SHF_ALLOC;
  f->sections[RELA_DATA].sh_addr = 0x20000;
  UNSUPPORTED(AT_SECTION(RELA_DATA), "a program for a dynamic loader; it must be -static");
  f->sections[RELA_DATA].sh_size = 0;
  expect_good(f, sizeof *f);
}

static void broken_relocation_sections(void **state) {
  file *f = *state;
  f->sections[RELA_TEXT].sh_info = 0;
  MALFORMED(AT_SECTION(RELA_TEXT), "the relocations of section 4 are for section 0, which does not exist");
  f->sections[RELA_TEXT].sh_info = SECTIONS;
  MALFORMED(AT_SECTION(RELA_TEXT), "the relocations of section 4 are for section 11, which does not exist");
  good_file(f);
  f->sections[RELA_TEXT].sh_entsize = 16;
  MALFORMED(AT_SECTION(RELA_TEXT), "section 4 has no whole relocations");
  good_file(f);
  f->sections[RELA_TEXT].sh_size++;
  MALFORMED(AT_SECTION(RELA_TEXT), "section 4 has no whole relocations");
  good_file(f);
  f->sections[RELA_TEXT].sh_link = STRTAB;
  MALFORMED(AT_SECTION(RELA_TEXT), "the relocations of section 4 do not belong to the symbol table");
  good_file(f);
  f->sections[SYMTAB].sh_type = SHT_PROGBITS;
  MALFORMED(AT_SECTION(RELA_TEXT), "the relocations of section 4 do not belong to the symbol table");
}

static void broken_relocations(void **state) {
  file *f = *state;
  f->text_relocs[0].r_offset = 0x11010;
  MALFORMED(offsetof(file, text_relocs[0]), "a relocation of section 4 is for 0x11010, which is not in its section 1");
  f->text_relocs[0].r_offset = 0x10fff;
  MALFORMED(offsetof(file, text_relocs[0]), "a relocation of section 4 is for 0x10fff, which is not in its section 1");
  f->text_relocs[0].r_offset = UINT64_MAX;
  MALFORMED(offsetof(file, text_relocs[0]),
            "a relocation of section 4 is for 0xffffffffffffffff, which is not in its section 1");
  good_file(f);
  f->data_relocs[1] = reloc(0x10010, R_RISCV_64, SYMBOLS, 0);
  MALFORMED(offsetof(file, data_relocs[1]), "a relocation of section 5 has symbol 6, which does not exist");
  f->data_relocs[1] = reloc(0x10010, R_RISCV_64, UINT32_MAX, 0);
  MALFORMED(offsetof(file, data_relocs[1]), "a relocation of section 5 has symbol 4294967295, which does not exist");
}

/* Many sections that share the same bytes. */
static void more_relocations_than_the_file_has_room_for(void **state) {
  file *f = *state;
  enum { COUNT = 3000 };
  size_t size;
  uint8_t *bytes = with_relocs(f, COUNT, &size);
  for (size_t i = 0; i < COUNT; i++) {
    Elf64_Rela r = reloc(0x12000 + i, R_RISCV_64, 1, 0);
    memcpy(bytes + sizeof *f + i * sizeof r, &r, sizeof r);
  }
  expect_good(bytes, size);
  file *changed = (file *)bytes;
  changed->sections[RELA_DEBUG] = changed->sections[RELA_DATA];
  expect_error(bytes, size, JAVM_MALFORMED, AT_SECTION(RELA_DEBUG),
               "the sections of relocations are larger than the file");
  free(bytes);
}

/* ---- out of memory ---- */

static javm_status parse_scenario(const javm_allocator *a) {
  file f;
  jv_elf elf;
  javm_error error = {0};
  good_file(&f);
  javm_status status = jv_elf_parse(a, (uint8_t *)&f, sizeof f, &elf, &error);
  if (status != JAVM_OK) assert_string_equal(error.text, "out of memory");
  jv_elf_clear(a, &elf);
  return status;
}

static void out_of_memory(void **state) {
  (void)state;
  for_each_failing_allocation(parse_scenario);
}

/* Where the caller wants no detail. */
static void without_an_error_struct(void **state) {
  file *f = *state;
  jv_elf elf;
  f->header.e_type = ET_REL;
  assert_int_equal(jv_elf_parse(javm_allocator_default(), (uint8_t *)f, sizeof *f, &elf, NULL), JAVM_UNSUPPORTED);
  jv_elf_clear(javm_allocator_default(), &elf);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(sections_are_as_in_the_file),
      TEST(symbols_are_as_in_the_file),
      TEST(relocations_are_sorted),
      TEST(many_relocations_are_sorted),
      TEST(no_elf_file),
      TEST(broken_idents),
      TEST(other_machines),
      TEST(other_registers_and_floats),
      TEST(other_types),
      TEST(programs_without_relocations),
      TEST(every_file_that_is_cut_off),
      TEST(broken_section_headers),
      TEST(sections_out_of_range),
      TEST(overlapping_sections),
      TEST(broken_names_of_sections),
      TEST(numbers_in_the_first_section_header),
      TEST(symbols_in_sections_with_large_numbers),
      TEST(broken_symbol_tables),
      TEST(broken_symbols),
      TEST(relocations_of_other_kinds),
      TEST(broken_relocation_sections),
      TEST(broken_relocations),
      TEST(more_relocations_than_the_file_has_room_for),
      TEST(out_of_memory),
      TEST(without_an_error_struct),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
