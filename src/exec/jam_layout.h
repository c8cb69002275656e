/* Where the parts of a JAM standard program lie in guest memory (1-machine.md 1.7). Every part is at most 2^24 bytes
 * but the heap pages' 2^28, so they never meet. */
#ifndef JV_EXEC_JAM_LAYOUT_H
#define JV_EXEC_JAM_LAYOUT_H

#include "javm.h"

#define JV_JAM_ARGUMENTS_MAX (UINT32_C(1) << 24)

typedef struct jv_jam_layout {
  uint32_t read_only;                   /* address; |o| bytes */
  uint32_t read_write, read_write_size; /* w and z, whole pages */
  uint32_t heap, heap_limit;
  uint32_t stack, stack_size; /* whole pages; the stack pointer starts at their end */
  uint32_t arguments;
  uint64_t return_address; /* a jump there is a halt */
} jv_jam_layout;

jv_jam_layout jv_jam_place(const javm_jam *jam);

/* Sizes rounded up to whole pages. */
static inline uint32_t jv_page_round(uint32_t bytes) { return (bytes + JAVM_PAGE_BYTES - 1) & ~(JAVM_PAGE_BYTES - 1); }

#endif
