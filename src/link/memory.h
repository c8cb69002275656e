/*
 * A program's sections as the memory of an Image:
 *
 *   0x00000  64 KiB     nothing
 *            sections   read-only ones pinned Data, writable ones persistent, at the addresses of the ELF file
 *            a page     nothing: the stack's guard
 *            stack      ephemeral; its last words are the linker's own
 *            a page     nothing
 *            heap       where the program asks for one
 */
#ifndef JV_LINK_MEMORY_H
#define JV_LINK_MEMORY_H

#include "link/manifest.h"

enum { JV_MAPPINGS_MAX = 64, JV_SLOT_CAPS_MAX = 256, JV_SPILL_BYTES = 16 };

typedef struct jv_memory {
  javm_dir *dir;
  javm_mapping mappings[JV_MAPPINGS_MAX];
  size_t mapping_count;
  javm_slot_cap pinned[JV_SLOT_CAPS_MAX + 1], initial[JV_SLOT_CAPS_MAX + 1]; /* by ascending slot; counted caps */
  size_t pinned_count, initial_count;
  const jv_elf_section **sections; /* those that are mapped, by ascending address */
  size_t section_count;
  uint32_t stack_top; /* what sp is at an endpoint; the spill words stand there */
} jv_memory;

/* Where everything goes. Fills all but the caps. */
javm_status jv_memory_plan(const javm_allocator *a, const jv_elf *elf, const jv_manifest *manifest,
                           const javm_link_config *config, jv_memory *out, javm_error *error);
/* Makes the caps, of sections and of what the manifest puts into slots. Errors also those of decoding an Image. */
javm_status jv_memory_fill(javm_dir *dir, const jv_manifest *manifest, jv_memory *memory, javm_error *error);
void jv_memory_clear(const javm_allocator *a, jv_memory *memory);

#endif
