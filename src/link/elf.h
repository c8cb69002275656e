/*
 * A view of an ELF file that was checked: nothing in it points outside the file, and every number is in the range that
 * its comment gives. Knows RISC-V only where it says which files are refused.
 */
#ifndef JV_LINK_ELF_H
#define JV_LINK_ELF_H

#include <elf.h>

#include "base/alloc.h"

/* What older versions of <elf.h> lack. */
#ifndef SHT_RELR
#define SHT_RELR 19
#endif
#ifndef SHT_CREL
#define SHT_CREL 0x40000014
#endif
#ifndef R_RISCV_PLT32
#define R_RISCV_PLT32 59
#endif
#ifndef R_RISCV_SET_ULEB128
#define R_RISCV_SET_ULEB128 60
#endif
#ifndef R_RISCV_SUB_ULEB128
#define R_RISCV_SUB_ULEB128 61
#endif

typedef struct jv_elf_section {
  const char *name;     /* NUL-terminated, in the file */
  const uint8_t *bytes; /* size_bytes of them, in the file; NULL for SHT_NOBITS */
  uint64_t address;     /* of SHF_ALLOC sections: address + size_bytes <= 2^32, and none overlap (.tbss may) */
  uint64_t size_bytes;
  uint64_t flags; /* SHF_* */
  uint32_t type;  /* SHT_* */
} jv_elf_section;

typedef struct jv_elf_symbol {
  const char *name; /* NUL-terminated, in the file */
  uint64_t value;
  uint64_t size_bytes;
  uint32_t section; /* index into sections, or SHN_UNDEF, SHN_ABS, SHN_COMMON as they are in the file */
  uint8_t type;     /* STT_* */
  uint8_t binding;  /* STB_* */
} jv_elf_symbol;

/* What applies to a place in an SHF_ALLOC section. NONE, RELAX and ALIGN, which say nothing about a linked program, are
 * left out. */
typedef struct jv_elf_reloc {
  uint64_t address; /* of the place, inside that section */
  int64_t addend;
  uint32_t type;   /* R_RISCV_* */
  uint32_t symbol; /* index into symbols */
} jv_elf_reloc;

typedef struct jv_elf {
  const uint8_t *file;
  size_t file_bytes;
  uint64_t entry;
  jv_elf_section *sections; /* as in the file, index 0 included */
  size_t section_count;
  jv_elf_symbol *symbols; /* of the one SHT_SYMTAB, index 0 included; none: symbol_count is 0 */
  size_t symbol_count;
  jv_elf_reloc *relocs; /* by ascending address; those of one address in the order of the file */
  size_t reloc_count;
} jv_elf;

/*
 * Parses a linked RISC-V executable (ET_EXEC, 64-bit, little-endian, EF_RISCV_RVE, soft float) that was linked with
 * --emit-relocs. Borrows the bytes. Errors: MALFORMED with the offset and the part; UNSUPPORTED for a good ELF file of
 * another kind, with what it is and the flags that make the right one; OUT_OF_MEMORY. *out is then empty.
 */
javm_status jv_elf_parse(const javm_allocator *a, const uint8_t *bytes, size_t size_bytes, jv_elf *out,
                         javm_error *error);
void jv_elf_clear(const javm_allocator *a, jv_elf *elf);

#endif
