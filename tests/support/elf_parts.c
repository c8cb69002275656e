/* See elf_parts.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/elf_parts.h"

void elf_parts_open(elf_parts *p) {
  memset(p, 0, sizeof *p);
  p->elf.sections = p->sections;
  p->elf.symbols = p->symbols;
  p->sections[0].name = p->symbols[0].name = "";
  p->elf.section_count = p->elf.symbol_count = 1;
}

void elf_parts_close(elf_parts *p) { free((uint8_t *)p->elf.file); }

uint32_t elf_parts_section(elf_parts *p, const char *name, uint64_t flags, uint64_t address, const void *bytes,
                           size_t size_bytes) {
  uint32_t index = (uint32_t)p->elf.section_count++;
  assert_true(index < ELF_PARTS_MAX);
  jv_elf_section *s = &p->sections[index];
  *s = (jv_elf_section){.name = name, .address = address, .size_bytes = size_bytes, .flags = flags};
  s->type = bytes ? SHT_PROGBITS : SHT_NOBITS;
  if (!bytes || size_bytes == 0) return index;
  const uint8_t *before = p->elf.file;
  uint8_t *file = malloc(p->elf.file_bytes + size_bytes);
  assert_non_null(file);
  if (before) memcpy(file, before, p->elf.file_bytes);
  memcpy(file + p->elf.file_bytes, bytes, size_bytes);
  for (uint32_t i = 0; i < index; i++)
    if (p->sections[i].bytes) p->sections[i].bytes = file + (p->sections[i].bytes - before);
  s->bytes = file + p->elf.file_bytes;
  p->elf.file = file;
  p->elf.file_bytes += size_bytes;
  free((uint8_t *)before);
  return index;
}

void elf_parts_symbol(elf_parts *p, const char *name, uint32_t section, uint64_t value, uint64_t size_bytes,
                      uint8_t type, uint8_t binding) {
  assert_true(p->elf.symbol_count < ELF_PARTS_MAX);
  p->symbols[p->elf.symbol_count++] = (jv_elf_symbol){name, value, size_bytes, section, type, binding};
}

uint8_t *elf_parts_bytes(elf_parts *p, uint32_t section) { return (uint8_t *)p->sections[section].bytes; }
