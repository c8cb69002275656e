/* See string.h. What needs a heap is not linked. */
#ifndef JAVM_BENCH_STDLIB_H
#define JAVM_BENCH_STDLIB_H

#include <stddef.h>

void *malloc(size_t size);
void free(void *block);
_Noreturn void abort(void);

#endif
