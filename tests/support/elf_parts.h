/* An ELF file as jv_elf_parse would show it, put together from sections and symbols that a test gives. */
#ifndef JAVM_TESTS_ELF_PARTS_H
#define JAVM_TESTS_ELF_PARTS_H

#include "link/elf.h"

enum { ELF_PARTS_MAX = 16 };

typedef struct elf_parts {
  jv_elf elf; /* its file is one block: what is read behind the last section is read behind the block */
  jv_elf_section sections[ELF_PARTS_MAX];
  jv_elf_symbol symbols[ELF_PARTS_MAX];
} elf_parts;

void elf_parts_open(elf_parts *p);
void elf_parts_close(elf_parts *p);
/* Appends a section with a copy of the bytes (NULL: none in the file); returns its index. */
uint32_t elf_parts_section(elf_parts *p, const char *name, uint64_t flags, uint64_t address, const void *bytes,
                           size_t size_bytes);
void elf_parts_symbol(elf_parts *p, const char *name, uint32_t section, uint64_t value, uint64_t size_bytes,
                      uint8_t type, uint8_t binding);
/* The section's bytes, to be changed. */
uint8_t *elf_parts_bytes(elf_parts *p, uint32_t section);

#endif
