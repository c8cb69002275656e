/* The text that is kept beside an Image (docs/formats.md): where its functions and source lines are. */
#ifndef JV_LINK_SYMBOLS_H
#define JV_LINK_SYMBOLS_H

#include "link/elf.h"

/* Where the instructions of an ELF file went. Both arrays ascend, and may hold a number more than once. */
typedef struct jv_pc_map {
  const uint32_t *addresses; /* of the instructions that were emitted */
  const uint32_t *pcs;
  size_t count;
  uint32_t end_pc; /* behind the last one */
} jv_pc_map;

/* Bytes as of javm_link. Errors: those of jv_lines_read; UNSUPPORTED for more text than anybody reads. */
javm_status jv_symbols_write(const javm_allocator *a, const jv_elf *elf, const jv_pc_map *map, const javm_hash *image,
                             uint8_t **out, size_t *size_bytes, javm_error *error);

#endif
