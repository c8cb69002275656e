/* The allocator hook (javm_allocator), wrapped. Every block and every reservation of the library comes through here. */
#ifndef JV_BASE_ALLOC_H
#define JV_BASE_ALLOC_H

#include "javm.h"

/* NULL when out of memory. The size given to jv_free is the one that the block was allocated with. */
void *jv_alloc(const javm_allocator *a, size_t size_bytes);
void *jv_alloc_zero(const javm_allocator *a, size_t size_bytes);
/* For arrays; also NULL where count * size_bytes overflows. A count of 0 gives a block of 1 byte. */
void *jv_alloc_array(const javm_allocator *a, size_t count, size_t size_bytes);
void jv_free(const javm_allocator *a, void *block, size_t size_bytes);
void jv_free_array(const javm_allocator *a, void *block, size_t count, size_t size_bytes);

/* Makes room for at least `need` elements in a growing array (doubling); false when out of memory, all as before. */
bool jv_grow(const javm_allocator *a, void *array_pointer, size_t *capacity, size_t need, size_t size_bytes);

void *jv_reserve(const javm_allocator *a, size_t size_bytes);
void jv_unreserve(const javm_allocator *a, void *area, size_t size_bytes);

#endif
