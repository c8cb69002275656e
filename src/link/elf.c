/*
 * See elf.h. The passes: the ELF header (is it a program for us?), section headers, the symbol table, relocations. Each
 * takes from the file only what it has checked. Sections hold the whole truth; program headers are not looked at.
 */
#include "link/elf.h"

#include <stdio.h>

#include "base/bytes.h"
#include "base/error.h"

#define ADVICE                                                                                                         \
  "; make it with clang --target=riscv64-unknown-elf -march=rv64emac_zbb -mabi=lp64e and ld.lld --emit-relocs, or "    \
  "with javm-cc"

/* A field of one of the structs of <elf.h> that lies at `bytes`. */
#define FIELD(bytes, type, field) jv_load_le((bytes) + offsetof(type, field), sizeof(((type *)0)->field))

#define MAX_SECTIONS ((uint64_t)1 << 20)
#define ADDRESS_END ((uint64_t)1 << 32)

typedef struct reader {
  const javm_allocator *allocator;
  const uint8_t *file;
  size_t file_bytes;
  size_t headers; /* offset of the section headers */
  jv_elf *elf;
  size_t symtab;   /* index of the section, 0: there is none */
  bool has_relocs; /* signs that the file was linked with --emit-relocs */
  javm_error *error;
} reader;

/* Are `size` bytes from `offset` on in the file? */
static bool in_file(const reader *r, uint64_t offset, uint64_t size) {
  return offset <= r->file_bytes && size <= r->file_bytes - offset;
}

/* The header of a section in the file. */
static const uint8_t *header_of(const reader *r, size_t section) {
  return r->file + r->headers + section * sizeof(Elf64_Shdr);
}

static size_t offset_of(const reader *r, const uint8_t *place) { return (size_t)(place - r->file); }

/* ---- the ELF header ---- */

/* "x86-64"; the number where the name is not known. */
static void name_machine(unsigned machine, char *out, size_t size) {
  static const struct {
    uint16_t machine;
    const char *name;
  } names[] = {{EM_386, "x86"},      {EM_X86_64, "x86-64"}, {EM_ARM, "ARM"},       {EM_AARCH64, "AArch64"},
               {EM_RISCV, "RISC-V"}, {EM_PPC, "PowerPC"},   {EM_PPC64, "PowerPC"}, {EM_S390, "S/390"},
               {EM_MIPS, "MIPS"},    {EM_SPARCV9, "SPARC"}, {EM_IA_64, "IA-64"},   {EM_BPF, "eBPF"},
               {263, "Solana BPF"},  {258, "LoongArch"}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (names[i].machine == machine) {
      snprintf(out, size, "%s", names[i].name);
      return;
    }
  }
  snprintf(out, size, "machine number %u", machine);
}

/* Refuses what is no ELF file, and those for other machines. */
static javm_status check_ident(const reader *r) {
  const uint8_t *p = r->file;
  if (r->file_bytes < SELFMAG || memcmp(p, ELFMAG, SELFMAG) != 0)
    return jv_fail(r->error, JAVM_MALFORMED, 0, "this is not an ELF file");
  if (r->file_bytes < offsetof(Elf64_Ehdr, e_version))
    return jv_fail(r->error, JAVM_MALFORMED, r->file_bytes, "the ELF header is cut off");
  uint8_t class = p[EI_CLASS], data = p[EI_DATA];
  if (class != ELFCLASS32 && class != ELFCLASS64)
    return jv_fail(r->error, JAVM_MALFORMED, EI_CLASS, "the ELF header has the unknown class %u", class);
  if (data != ELFDATA2LSB && data != ELFDATA2MSB)
    return jv_fail(r->error, JAVM_MALFORMED, EI_DATA, "the ELF header has the unknown byte order %u", data);
  if (p[EI_VERSION] != EV_CURRENT)
    return jv_fail(r->error, JAVM_MALFORMED, EI_VERSION, "the ELF header has the unknown version %u", p[EI_VERSION]);
  const uint8_t *number = p + offsetof(Elf64_Ehdr, e_machine);
  unsigned machine = data == ELFDATA2LSB ? number[0] | (unsigned)number[1] << 8 : number[1] | (unsigned)number[0] << 8;
  if (class == ELFCLASS64 && data == ELFDATA2LSB && machine == EM_RISCV) return JAVM_OK;
  char name[24];
  name_machine(machine, name, sizeof name);
  return jv_fail(r->error, JAVM_UNSUPPORTED, 0, "an ELF file for %s, %s%s" ADVICE, name,
                 class == ELFCLASS64 ? "64-bit" : "32-bit", data == ELFDATA2LSB ? "" : ", big-endian");
}

static javm_status check_flags(const reader *r) {
  static const char *const floats[] = {"soft", "single", "double", "quad"};
  uint32_t flags = (uint32_t)FIELD(r->file, Elf64_Ehdr, e_flags);
  unsigned abi = (flags & EF_RISCV_FLOAT_ABI) / EF_RISCV_FLOAT_ABI_SINGLE;
  size_t offset = offsetof(Elf64_Ehdr, e_flags);
  if (!(flags & EF_RISCV_RVE))
    return jv_fail(r->error, JAVM_UNSUPPORTED, offset, "a RISC-V program for 32 registers (not RVE)" ADVICE);
  if (abi != 0)
    return jv_fail(r->error, JAVM_UNSUPPORTED, offset, "a RISC-V program for hardware floats (%s)" ADVICE, floats[abi]);
  return JAVM_OK;
}

static javm_status check_type(const reader *r) {
  unsigned type = (unsigned)FIELD(r->file, Elf64_Ehdr, e_type);
  size_t offset = offsetof(Elf64_Ehdr, e_type);
  switch (type) {
    case ET_EXEC: return JAVM_OK;
    case ET_REL: return jv_fail(r->error, JAVM_UNSUPPORTED, offset, "an object file, not linked yet" ADVICE);
    case ET_DYN:
      return jv_fail(r->error, JAVM_UNSUPPORTED, offset,
                     "a shared object or a -pie program; it must be -no-pie" ADVICE);
  }
  return jv_fail(r->error, JAVM_UNSUPPORTED, offset, "no program, but an ELF file of type %u" ADVICE, type);
}

static javm_status check_header(const reader *r) {
  javm_status status = check_ident(r);
  if (status != JAVM_OK) return status;
  if (r->file_bytes < sizeof(Elf64_Ehdr))
    return jv_fail(r->error, JAVM_MALFORMED, r->file_bytes, "the ELF header is cut off");
  uint64_t version = FIELD(r->file, Elf64_Ehdr, e_version);
  if (version != EV_CURRENT)
    return jv_fail(r->error, JAVM_MALFORMED, offsetof(Elf64_Ehdr, e_version),
                   "the ELF header has the unknown version %u", (unsigned)version);
  status = check_flags(r);
  if (status != JAVM_OK) return status;
  return check_type(r);
}

/* ---- section headers ---- */

/* Finds the section headers; *names gets the index of the section of names. */
static javm_status find_sections(reader *r, uint64_t *count, uint64_t *names) {
  uint64_t offset = FIELD(r->file, Elf64_Ehdr, e_shoff), entry = FIELD(r->file, Elf64_Ehdr, e_shentsize);
  *count = FIELD(r->file, Elf64_Ehdr, e_shnum);
  *names = FIELD(r->file, Elf64_Ehdr, e_shstrndx);
  if (offset == 0)
    return jv_fail(r->error, JAVM_UNSUPPORTED, offsetof(Elf64_Ehdr, e_shoff), "a program without sections" ADVICE);
  if (entry != sizeof(Elf64_Shdr))
    return jv_fail(r->error, JAVM_MALFORMED, offsetof(Elf64_Ehdr, e_shentsize),
                   "section headers have %u bytes each, not 64", (unsigned)entry);
  if (!in_file(r, offset, sizeof(Elf64_Shdr)))
    return jv_fail(r->error, JAVM_MALFORMED, offsetof(Elf64_Ehdr, e_shoff), "the section headers are not in the file");
  r->headers = (size_t)offset;
  /* Numbers that are too large for the ELF header stand in the first section header. */
  if (*count == 0) *count = FIELD(header_of(r, 0), Elf64_Shdr, sh_size);
  if (*names == SHN_XINDEX) *names = FIELD(header_of(r, 0), Elf64_Shdr, sh_link);
  if (*count == 0)
    return jv_fail(r->error, JAVM_UNSUPPORTED, offsetof(Elf64_Ehdr, e_shnum), "a program without sections" ADVICE);
  if (*count > MAX_SECTIONS)
    return jv_fail(r->error, JAVM_UNSUPPORTED, offsetof(Elf64_Ehdr, e_shnum), "more than %u sections",
                   (unsigned)MAX_SECTIONS);
  if (!in_file(r, offset, *count * sizeof(Elf64_Shdr)))
    return jv_fail(r->error, JAVM_MALFORMED, r->file_bytes, "the section headers are cut off: there are %u of them",
                   (unsigned)*count);
  if (*names == SHN_UNDEF || *names >= *count)
    return jv_fail(r->error, JAVM_MALFORMED, offsetof(Elf64_Ehdr, e_shstrndx),
                   "there is no section %u, which is to hold the names of sections", (unsigned)*names);
  return JAVM_OK;
}

/* All but the name. */
static javm_status read_section(const reader *r, size_t index, jv_elf_section *out) {
  const uint8_t *header = header_of(r, index);
  uint64_t offset = FIELD(header, Elf64_Shdr, sh_offset);
  out->type = (uint32_t)FIELD(header, Elf64_Shdr, sh_type);
  if (out->type == SHT_NULL) return JAVM_OK;
  out->flags = FIELD(header, Elf64_Shdr, sh_flags);
  out->address = FIELD(header, Elf64_Shdr, sh_addr);
  out->size_bytes = FIELD(header, Elf64_Shdr, sh_size);
  if (out->type != SHT_NOBITS) {
    if (!in_file(r, offset, out->size_bytes))
      return jv_fail(r->error, JAVM_MALFORMED, offset_of(r, header), "section %u reaches out of the file",
                     (unsigned)index);
    out->bytes = r->file + offset;
  }
  if (out->flags & SHF_ALLOC && (out->size_bytes > ADDRESS_END || out->address > ADDRESS_END - out->size_bytes))
    return jv_fail(r->error, JAVM_MALFORMED, offset_of(r, header), "section %u reaches past the 32-bit addresses",
                   (unsigned)index);
  return JAVM_OK;
}

/* The string table with this index, for `user`. Strings in it are terminated, since its last byte is zero. */
static javm_status check_strings(const reader *r, uint64_t index, const char *user) {
  size_t at = index < r->elf->section_count ? (size_t)index : 0;
  const jv_elf_section *s = &r->elf->sections[at];
  if (s->type != SHT_STRTAB)
    return jv_fail(r->error, JAVM_MALFORMED, offset_of(r, header_of(r, at)),
                   "section %u, for the names of %s, is no string table", (unsigned)index, user);
  if (s->size_bytes == 0 || s->bytes[s->size_bytes - 1] != 0)
    return jv_fail(r->error, JAVM_MALFORMED, offset_of(r, s->bytes) + (size_t)s->size_bytes,
                   "section %u, for the names of %s, does not end in a zero byte", (unsigned)index, user);
  return JAVM_OK;
}

static javm_status read_section_names(const reader *r, uint64_t names) {
  javm_status status = check_strings(r, names, "sections");
  if (status != JAVM_OK) return status;
  const jv_elf_section *strings = &r->elf->sections[names];
  for (size_t i = 0; i < r->elf->section_count; i++) {
    uint64_t name = FIELD(header_of(r, i), Elf64_Shdr, sh_name);
    if (name >= strings->size_bytes)
      return jv_fail(r->error, JAVM_MALFORMED, offset_of(r, header_of(r, i)),
                     "the name of section %u is not in the string table", (unsigned)i);
    r->elf->sections[i].name = (const char *)strings->bytes + name;
  }
  return JAVM_OK;
}

static javm_status read_sections(reader *r) {
  uint64_t count, names;
  javm_status status = find_sections(r, &count, &names);
  if (status != JAVM_OK) return status;
  jv_elf *elf = r->elf;
  elf->sections = jv_alloc_array(r->allocator, (size_t)count, sizeof *elf->sections);
  if (!elf->sections) return jv_fail_memory(r->error);
  elf->section_count = (size_t)count;
  memset(elf->sections, 0, elf->section_count * sizeof *elf->sections);
  /* Section 0 is none: all zeros. */
  for (size_t i = 1; i < elf->section_count && status == JAVM_OK; i++) status = read_section(r, i, &elf->sections[i]);
  if (status != JAVM_OK) return status;
  return read_section_names(r, names);
}

/* ---- sorting ---- */

static uint64_t key_at(const uint8_t *things, size_t index, size_t size) {
  uint64_t key;
  memcpy(&key, things + index * size, sizeof key);
  return key;
}

/* The end of what is sorted from `low` on. */
static size_t run_end(const uint8_t *things, size_t low, size_t count, size_t size) {
  if (low == count) return count;
  size_t i = low + 1;
  while (i < count && key_at(things, i - 1, size) <= key_at(things, i, size)) i++;
  return i;
}

static void merge(const uint8_t *from, size_t low, size_t middle, size_t high, size_t size, uint8_t *to) {
  size_t a = low, b = middle;
  for (size_t i = low; i < high; i++) {
    bool take_a = a < middle && (b >= high || key_at(from, a, size) <= key_at(from, b, size));
    memcpy(to + i * size, from + (take_a ? a++ : b++) * size, size);
  }
}

/*
 * Sorts things of `size` bytes that begin with their key, a uint64_t, keeping the order of equals; false when out of
 * memory. What is sorted in parts, as the relocations of an ELF file are, takes little time.
 */
static bool sort(const javm_allocator *allocator, void *things, size_t count, size_t size) {
  if (run_end(things, 0, count, size) == count) return true;
  uint8_t *room = jv_alloc_array(allocator, count, size), *from = things, *to = room;
  if (!room) return false;
  for (size_t runs = 2; runs > 1;) {
    runs = 0;
    for (size_t low = 0, high; low < count; low = high, runs++) {
      size_t middle = run_end(from, low, count, size);
      high = run_end(from, middle, count, size);
      merge(from, low, middle, high, size, to);
    }
    uint8_t *swap = from;
    from = to, to = swap;
  }
  if (from == room) memcpy(things, room, count * size);
  jv_free_array(allocator, room, count, size);
  return true;
}

/* ---- overlaps ---- */

typedef struct extent {
  uint64_t address, size_bytes;
  size_t section;
} extent;
_Static_assert(offsetof(extent, address) == 0, "the key is the first member");
_Static_assert(offsetof(jv_elf_reloc, address) == 0, "the key is the first member");

/* Does it take up addresses? (.tbss does not: each thread has its own copy elsewhere.) */
static bool takes_addresses(const jv_elf_section *s) {
  return s->flags & SHF_ALLOC && s->size_bytes > 0 && !(s->flags & SHF_TLS && s->type == SHT_NOBITS);
}

static javm_status check_overlaps(const reader *r) {
  const jv_elf *elf = r->elf;
  size_t count = 0, filled = 0;
  for (size_t i = 0; i < elf->section_count; i++) count += takes_addresses(&elf->sections[i]);
  extent *extents = jv_alloc_array(r->allocator, count, sizeof *extents);
  if (!extents) return jv_fail_memory(r->error);
  for (size_t i = 0; i < elf->section_count; i++) {
    const jv_elf_section *s = &elf->sections[i];
    if (takes_addresses(s)) extents[filled++] = (extent){s->address, s->size_bytes, i};
  }
  javm_status status = JAVM_OK;
  if (!sort(r->allocator, extents, count, sizeof *extents)) status = jv_fail_memory(r->error);
  for (size_t i = 1; i < count && status == JAVM_OK; i++) {
    const extent *a = &extents[i - 1], *b = &extents[i];
    if (b->address - a->address < a->size_bytes)
      status = jv_fail(r->error, JAVM_MALFORMED, offset_of(r, header_of(r, b->section)),
                       "sections %zu and %zu overlap at address 0x%llx", a->section, b->section,
                       (unsigned long long)b->address);
  }
  jv_free_array(r->allocator, extents, count, sizeof *extents);
  return status;
}

/* ---- symbols ---- */

/* Finds the symbol table and, where it has one, the section with the section indices that are too large for it. */
static javm_status find_symbols(reader *r, const uint8_t **large, size_t *large_count) {
  const jv_elf *elf = r->elf;
  for (size_t i = 0; i < elf->section_count; i++) {
    if (elf->sections[i].type != SHT_SYMTAB) continue;
    if (r->symtab)
      return jv_fail(r->error, JAVM_MALFORMED, offset_of(r, header_of(r, i)),
                     "sections %zu and %zu are symbol tables; only one can be", r->symtab, i);
    r->symtab = i;
  }
  for (size_t i = 0; i < elf->section_count && r->symtab; i++) {
    if (elf->sections[i].type != SHT_SYMTAB_SHNDX || FIELD(header_of(r, i), Elf64_Shdr, sh_link) != r->symtab) continue;
    *large = elf->sections[i].bytes;
    *large_count = (size_t)(elf->sections[i].size_bytes / sizeof(Elf64_Word));
  }
  return JAVM_OK;
}

static javm_status read_symbol(const reader *r, const uint8_t *p, size_t index, const jv_elf_section *strings,
                               uint32_t large, jv_elf_symbol *out) {
  uint64_t name = FIELD(p, Elf64_Sym, st_name);
  uint8_t info = (uint8_t)FIELD(p, Elf64_Sym, st_info);
  uint32_t section = (uint32_t)FIELD(p, Elf64_Sym, st_shndx);
  if (name >= strings->size_bytes)
    return jv_fail(r->error, JAVM_MALFORMED, offset_of(r, p), "the name of symbol %zu is not in the string table",
                   index);
  bool good = section == SHN_ABS || section == SHN_COMMON;
  if (!good) {
    if (section == SHN_XINDEX) section = large;
    good = section < r->elf->section_count && (section < SHN_LORESERVE || section > SHN_HIRESERVE);
  }
  if (!good)
    return jv_fail(r->error, JAVM_MALFORMED, offset_of(r, p), "symbol %zu is in section %u, where no symbol can be",
                   index, (unsigned)section);
  *out = (jv_elf_symbol){.name = (const char *)strings->bytes + name,
                         .value = FIELD(p, Elf64_Sym, st_value),
                         .size_bytes = FIELD(p, Elf64_Sym, st_size),
                         .section = section,
                         .type = ELF64_ST_TYPE(info),
                         .binding = ELF64_ST_BIND(info)};
  return JAVM_OK;
}

static javm_status read_symbols(reader *r) {
  jv_elf *elf = r->elf;
  const uint8_t *large = NULL;
  size_t large_count = 0;
  javm_status status = find_symbols(r, &large, &large_count);
  if (status != JAVM_OK || !r->symtab) return status;
  const jv_elf_section *table = &elf->sections[r->symtab];
  const uint8_t *header = header_of(r, r->symtab);
  uint64_t strings = FIELD(header, Elf64_Shdr, sh_link);
  if (FIELD(header, Elf64_Shdr, sh_entsize) != sizeof(Elf64_Sym) || table->size_bytes % sizeof(Elf64_Sym) != 0)
    return jv_fail(r->error, JAVM_MALFORMED, offset_of(r, header),
                   "section %zu, the symbol table, has no whole symbols", r->symtab);
  status = check_strings(r, strings, "symbols");
  if (status != JAVM_OK) return status;
  size_t count = (size_t)(table->size_bytes / sizeof(Elf64_Sym));
  elf->symbols = jv_alloc_array(r->allocator, count, sizeof *elf->symbols);
  if (!elf->symbols) return jv_fail_memory(r->error);
  elf->symbol_count = count;
  for (size_t i = 0; i < count && status == JAVM_OK; i++) {
    uint32_t section = i < large_count ? (uint32_t)jv_load_le(large + i * sizeof(Elf64_Word), 4) : SHN_XINDEX;
    status =
        read_symbol(r, table->bytes + i * sizeof(Elf64_Sym), i, &elf->sections[strings], section, &elf->symbols[i]);
    if (status == JAVM_OK) r->has_relocs |= elf->symbols[i].type == STT_SECTION;
  }
  return status;
}

/* ---- relocations ---- */

/* Does this type say something about a linked program? */
static bool is_meaningful(uint32_t type) {
  return type != R_RISCV_NONE && type != R_RISCV_RELAX && type != R_RISCV_ALIGN;
}

/* Checks the header of a section of relocations. *target: what they apply to, NULL if that is not in memory. */
static javm_status check_relocs(const reader *r, size_t index, const jv_elf_section **target) {
  const jv_elf *elf = r->elf;
  const jv_elf_section *s = &elf->sections[index];
  const uint8_t *header = header_of(r, index);
  uint64_t applies_to = FIELD(header, Elf64_Shdr, sh_info);
  *target = NULL;
  if (s->type == SHT_REL || s->type == SHT_RELR || s->type == SHT_CREL)
    return jv_fail(r->error, JAVM_UNSUPPORTED, offset_of(r, header),
                   "section %zu has relocations that are not RELA" ADVICE, index);
  if (s->type != SHT_RELA || s->size_bytes == 0) return JAVM_OK;
  if (s->flags & SHF_ALLOC)
    return jv_fail(r->error, JAVM_UNSUPPORTED, offset_of(r, header),
                   "a program for a dynamic loader; it must be -static" ADVICE);
  if (applies_to == 0 || applies_to >= elf->section_count)
    return jv_fail(r->error, JAVM_MALFORMED, offset_of(r, header),
                   "the relocations of section %zu are for section %u, which does not exist", index,
                   (unsigned)applies_to);
  if (!(elf->sections[applies_to].flags & SHF_ALLOC)) return JAVM_OK;
  if (FIELD(header, Elf64_Shdr, sh_entsize) != sizeof(Elf64_Rela) || s->size_bytes % sizeof(Elf64_Rela) != 0)
    return jv_fail(r->error, JAVM_MALFORMED, offset_of(r, header), "section %zu has no whole relocations", index);
  if (!r->symtab || FIELD(header, Elf64_Shdr, sh_link) != r->symtab)
    return jv_fail(r->error, JAVM_MALFORMED, offset_of(r, header),
                   "the relocations of section %zu do not belong to the symbol table", index);
  *target = &elf->sections[applies_to];
  return JAVM_OK;
}

/* Puts the relocations of a section into the array, which has room for them, from *filled on. */
static javm_status read_relocs_of(const reader *r, size_t index, const jv_elf_section *target, size_t *filled) {
  jv_elf *elf = r->elf;
  const jv_elf_section *s = &elf->sections[index];
  for (size_t at = 0; at < s->size_bytes; at += sizeof(Elf64_Rela)) {
    const uint8_t *p = s->bytes + at;
    uint64_t info = FIELD(p, Elf64_Rela, r_info), address = FIELD(p, Elf64_Rela, r_offset);
    jv_elf_reloc reloc = {.address = address,
                          .addend = (int64_t)FIELD(p, Elf64_Rela, r_addend),
                          .type = ELF64_R_TYPE(info),
                          .symbol = ELF64_R_SYM(info)};
    if (!is_meaningful(reloc.type)) continue;
    if (address < target->address || address - target->address >= target->size_bytes)
      return jv_fail(r->error, JAVM_MALFORMED, offset_of(r, p),
                     "a relocation of section %zu is for 0x%llx, which is not in its section %zu", index,
                     (unsigned long long)address, (size_t)(target - elf->sections));
    if (reloc.symbol >= elf->symbol_count)
      return jv_fail(r->error, JAVM_MALFORMED, offset_of(r, p),
                     "a relocation of section %zu has symbol %u, which does not exist", index, (unsigned)reloc.symbol);
    elf->relocs[(*filled)++] = reloc;
  }
  return JAVM_OK;
}

static size_t count_meaningful(const jv_elf_section *s) {
  size_t count = 0;
  for (size_t at = 0; at < s->size_bytes; at += sizeof(Elf64_Rela))
    count += is_meaningful(ELF64_R_TYPE(FIELD(s->bytes + at, Elf64_Rela, r_info)));
  return count;
}

/* Checks all sections of relocations; *count: the relocations that the view will have. */
static javm_status count_relocs(reader *r, size_t *count) {
  const jv_elf *elf = r->elf;
  const jv_elf_section *target;
  uint64_t total_bytes = 0;
  for (size_t i = 0; i < elf->section_count; i++) {
    javm_status status = check_relocs(r, i, &target);
    if (status != JAVM_OK) return status;
    r->has_relocs |= elf->sections[i].type == SHT_RELA;
    if (!target) continue;
    total_bytes += elf->sections[i].size_bytes;
    /* Sections that share their bytes could make any number of relocations out of a small file. */
    if (total_bytes > r->file_bytes)
      return jv_fail(r->error, JAVM_MALFORMED, offset_of(r, header_of(r, i)),
                     "the sections of relocations are larger than the file");
    *count += count_meaningful(&elf->sections[i]);
  }
  return JAVM_OK;
}

static javm_status read_relocs(reader *r) {
  jv_elf *elf = r->elf;
  const jv_elf_section *target;
  size_t count = 0, filled = 0;
  javm_status status = count_relocs(r, &count);
  if (status != JAVM_OK) return status;
  elf->relocs = jv_alloc_array(r->allocator, count, sizeof *elf->relocs);
  if (!elf->relocs) return jv_fail_memory(r->error);
  elf->reloc_count = count;
  for (size_t i = 0; i < elf->section_count && status == JAVM_OK; i++) {
    status = check_relocs(r, i, &target);
    if (status == JAVM_OK && target) status = read_relocs_of(r, i, target, &filled);
  }
  if (status != JAVM_OK) return status;
  if (!sort(r->allocator, elf->relocs, count, sizeof *elf->relocs)) return jv_fail_memory(r->error);
  return JAVM_OK;
}

/*
 * A program of one small function needs no relocation, so that none is no proof that --emit-relocs was not given. But
 * with that option, linkers put symbols of the sections into the symbol table, for relocations to refer to.
 */
static javm_status check_emitted(const reader *r) {
  const uint64_t code = SHF_ALLOC | SHF_EXECINSTR;
  for (size_t i = 0; i < r->elf->section_count && !r->has_relocs; i++) {
    const jv_elf_section *s = &r->elf->sections[i];
    if ((s->flags & code) == code && s->size_bytes > 0)
      return jv_fail(r->error, JAVM_UNSUPPORTED, 0,
                     "a program without relocations (no --emit-relocs, or stripped)" ADVICE);
  }
  return JAVM_OK;
}

/* ---- all of it ---- */

javm_status jv_elf_parse(const javm_allocator *a, const uint8_t *bytes, size_t size_bytes, jv_elf *out,
                         javm_error *error) {
  *out = (jv_elf){.file = bytes, .file_bytes = size_bytes};
  reader r = {.allocator = a, .file = bytes, .file_bytes = size_bytes, .elf = out, .error = error};
  javm_status status = check_header(&r);
  if (status == JAVM_OK) {
    out->entry = FIELD(bytes, Elf64_Ehdr, e_entry);
    status = read_sections(&r);
  }
  if (status == JAVM_OK) status = check_overlaps(&r);
  if (status == JAVM_OK) status = read_symbols(&r);
  if (status == JAVM_OK) status = read_relocs(&r);
  if (status == JAVM_OK) status = check_emitted(&r);
  if (status != JAVM_OK) jv_elf_clear(a, out);
  return status;
}

void jv_elf_clear(const javm_allocator *a, jv_elf *elf) {
  jv_free_array(a, elf->sections, elf->section_count, sizeof *elf->sections);
  jv_free_array(a, elf->symbols, elf->symbol_count, sizeof *elf->symbols);
  jv_free_array(a, elf->relocs, elf->reloc_count, sizeof *elf->relocs);
  *elf = (jv_elf){0};
}
