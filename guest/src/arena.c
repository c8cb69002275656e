/*
 * The arena: memory for malloc of the libc and for thread-local variables, between .bss and __javm_arena_end (javm.ld).
 * It is part of the Instance's persistent memory, so what is allocated in one call is there in the next. A program that
 * takes nothing from it has none.
 */
#include "arena.h"

extern char __javm_arena_start[], __javm_arena_end[];

static char *used_end = __javm_arena_start;

void *__javm_arena_grow(ptrdiff_t bytes) {
  char *old = used_end;
  if (bytes > __javm_arena_end - old || bytes < __javm_arena_start - old) return NULL;
  used_end = old + bytes;
  return old;
}
