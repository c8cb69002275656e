/* Telling tools of native code: the symbols that all ways share, and the ways. */
#ifndef JV_JIT_ANNOUNCE_H
#define JV_JIT_ANNOUNCE_H

#include "jit/native.h"

/* Takes back what can be taken back, before the code is freed. */
void jv_retract(jv_native *native);

/* ---- symbols ---- */

enum { JV_NAME_BYTES = 256 };

/* What native code consists of: the ways in and out, each block, what they share. */
typedef struct jv_symbols {
  const javm_program *program;
  const jv_native *native;
  const char *ending;   /* of each name */
  javm_name_fn name_of; /* NULL: nothing has a name */
  void *ctx;
  size_t next;
} jv_symbols;

typedef struct jv_symbol {
  size_t offset, size_bytes; /* in the code; never of size 0 */
  size_t name_bytes;
  char name[JV_NAME_BYTES]; /* without control characters */
} jv_symbol;

/* The next one, in order of offset; false: that were all. */
bool jv_next_symbol(jv_symbols *symbols, jv_symbol *symbol);
/* At most so many are there. */
static inline size_t jv_symbol_max(const javm_program *p) { return p->block_count + 2; }

/* ---- gdb.c ---- */

typedef struct jv_gdb_object jv_gdb_object;

/* Makes an object file of the symbols, and gives it to gdb. False: out of memory. */
bool jv_gdb_register(jv_symbols *symbols, jv_gdb_object **out);
void jv_gdb_unregister(const javm_allocator *allocator, jv_gdb_object *object); /* NULL is allowed */

#endif
