#ifndef JAVM_ARENA_H
#define JAVM_ARENA_H

#include <stddef.h>

/* Moves the end of what is used, up or down, and returns the old end; NULL if there is no room. New memory is zero only
 * where the end has never been before. */
void *__javm_arena_grow(ptrdiff_t bytes);

#endif
