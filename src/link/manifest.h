/* What a program declares about its Image: the records of the section .javm.meta (guest/javm.h writes them). */
#ifndef JV_LINK_MANIFEST_H
#define JV_LINK_MANIFEST_H

#include "link/elf.h"

enum { JV_SLOT_COUNT = 256, JV_METERS_MAX = 16 };

typedef struct jv_entry_point {
  uint32_t address; /* of the function */
  uint8_t index;
  uint8_t arg_registers, arg_cnode_size;
} jv_entry_point;

/* A slot with a value from the file. */
typedef struct jv_slot_bytes {
  const uint8_t *bytes; /* NULL: size_bytes zeros */
  uint64_t size_bytes;
  uint32_t slot;
  bool is_image;  /* else Data */
  bool is_pinned; /* else initial */
} jv_slot_bytes;

typedef struct jv_manifest {
  jv_entry_point *endpoints; /* by ascending index; at least one */
  size_t endpoint_count;
  jv_slot_bytes *slots; /* by ascending slot */
  size_t slot_count;
  uint32_t gas_slots[JV_METERS_MAX], quota_slots[JV_METERS_MAX];
  size_t gas_slot_count, quota_slot_count;
  bool has_yield_marker_slot;
  uint32_t yield_marker_slot;
} jv_manifest;

/* Errors: INVALID_IMAGE with what is declared wrongly. */
javm_status jv_manifest_read(const javm_allocator *a, const jv_elf *elf, jv_manifest *out, javm_error *error);
void jv_manifest_clear(const javm_allocator *a, jv_manifest *manifest);

/* Is this slot named by a record? */
bool jv_manifest_has_slot(const jv_manifest *manifest, uint32_t slot);
/* A symbol with this name that is defined; NULL if there is none. */
const jv_elf_symbol *jv_elf_find(const jv_elf *elf, const char *name);
/* Sections that only the linker reads. */
bool jv_is_metadata(const jv_elf_section *section);
/* Sections that the guest has no use for. */
bool jv_is_dropped(const jv_elf_section *section);

#endif
