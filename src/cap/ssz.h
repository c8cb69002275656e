/*
 * Plumbing of the serialized form (docs/formats.md): a writer into a growing block, a reader over bytes of any origin.
 *
 * The reader gives spans of its input. What is wrong is an error with the byte offset and the field's name; whatever
 * passes is written back as the same bytes.
 */
#ifndef JV_CAP_SSZ_H
#define JV_CAP_SSZ_H

#include "base/error.h"
#include "cap/cap.h"
#include "cap/set.h"

typedef struct jv_writer {
  const javm_allocator *allocator;
  uint8_t *bytes;
  size_t size, capacity;
  bool failed; /* out of memory; all further writing does nothing */
} jv_writer;

void jv_writer_init(jv_writer *w, const javm_allocator *allocator);
void jv_writer_clear(jv_writer *w);
/* Hands the bytes over as a block of exactly their size and clears the writer. False: out of memory. */
bool jv_writer_finish(jv_writer *w, uint8_t **out, size_t *size_bytes);
/* `size` zero bytes to be filled in by the caller before the next call; NULL: out of memory. */
uint8_t *jv_put_room(jv_writer *w, size_t size);
void jv_put(jv_writer *w, const void *bytes, size_t size);
void jv_put_number(jv_writer *w, uint64_t number, unsigned bytes);
void jv_put_u32s(jv_writer *w, const uint32_t *values, size_t count);
/* The hash of a settled object; NULL: zero. */
void jv_put_ref(jv_writer *w, const void *object);
/* An offset: room for it, and later its value: how far behind `base` the writer now is. */
size_t jv_put_hole(jv_writer *w);
void jv_fill_hole(jv_writer *w, size_t hole, size_t base);

typedef struct jv_span {
  const uint8_t *at;
  size_t size;
} jv_span;

typedef struct jv_reader {
  javm_dir *dir;
  const uint8_t *bytes; /* start of the whole input, for offsets in errors */
  const jv_set *parts;  /* by hash: values to be linked to before those of the directory; may be NULL */
  javm_error *error;
} jv_reader;

/* JAVM_MALFORMED at a place of the input; the text starts with the field's name. */
javm_status jv_malformed(const jv_reader *r, const uint8_t *at, const char *format, ...) JV_PRINTF(3, 4);

/* A variable-size field of a container: its name, and where in the fixed part its offset is. */
typedef struct jv_field {
  const char *name;
  size_t place;
} jv_field;

/* Splits a container with at least one variable-size field: checks the size of its fixed part and the offsets in it. */
javm_status jv_split(const jv_reader *r, jv_span whole, const char *name, size_t fixed_bytes, const jv_field *fields,
                     size_t count, jv_span *parts);
/* A list of fixed-size elements: how many. */
javm_status jv_list(const jv_reader *r, jv_span list, const char *name, size_t element_bytes, size_t limit,
                    size_t *count);
/* A list of variable-size elements: how many; every offset is checked. */
javm_status jv_list_of_variable(const jv_reader *r, jv_span list, const char *name, size_t limit, size_t *count);
jv_span jv_element(jv_span list, size_t count, size_t index);
/* A list of u32 into a block of its own (NULL for none). */
javm_status jv_list_u32(const jv_reader *r, jv_span list, const char *name, size_t limit, const uint32_t **out,
                        size_t *count);

/* What stands behind a hash: a value (page) already there, or a placeholder; NULL for the zero hash. One count. */
javm_status jv_read_ref(const jv_reader *r, const uint8_t *at, jv_obj_kind kind, jv_obj **out);

#endif
