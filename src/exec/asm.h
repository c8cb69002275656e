/*
 * The text form of programs (docs/assembly.md). This folder knows no caps: the assembler is given functions that make
 * them, the disassembler one that writes them; a javm_cap is only handed through.
 *
 *   asm_lex.c    characters to words, numbers and strings     asm_code.c   instructions to bytes, widths of offsets
 *   asm.c        statements to the parts of an Image          asm_image.c  directives: what is not code
 *   disasm.c     an Image's parts to text
 */
#ifndef JV_EXEC_ASM_H
#define JV_EXEC_ASM_H

#include "base/alloc.h"
#include "exec/ops.h"

#define JV_ASM_DEPTH_MAX 8 /* images within images */

/* The content of a Data: pages that are not zero, ascending. */
typedef struct jv_asm_page {
  uint32_t index;
  uint8_t bytes[JAVM_PAGE_BYTES];
} jv_asm_page;
typedef struct jv_asm_data {
  uint64_t size_bytes; /* at most 2^32 */
  jv_asm_page *pages;
  size_t page_count, page_capacity;
} jv_asm_data;

/* Makers of caps. `image`: its arrays are borrowed; unchecked: do not look at its code. */
typedef struct jv_asm_caps {
  void *ctx;
  javm_status (*data)(void *ctx, const jv_asm_data *data, javm_cap **out, javm_error *error);
  javm_status (*reference)(void *ctx, const javm_hash *hash, javm_cap **out, javm_error *error);
  javm_status (*image)(void *ctx, const javm_image_spec *spec, bool unchecked, javm_cap **out, javm_error *error);
  void (*release)(void *ctx, javm_cap *cap);
} jv_asm_caps;

/* Errors: SYNTAX (offset: the line), OUT_OF_MEMORY, and those of the makers. */
javm_status jv_assemble(const char *text, size_t text_bytes, javm_isa isa, const javm_allocator *allocator,
                        const jv_asm_caps *caps, javm_cap **out, javm_error *error);

/* Text that grows. Once out of memory it only remembers that. */
typedef struct jv_text {
  const javm_allocator *allocator;
  char *bytes;
  size_t size, capacity;
  unsigned indent; /* spaces at the start of each line */
  bool failed;
} jv_text;

void jv_text_free(jv_text *t);
/* A piece of a line; a line is begun with jv_text_begin and ended by "\n" in a piece. */
void jv_text_begin(jv_text *t);
void jv_text_add(jv_text *t, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;
/* What stands after `data` for this many pages, with the end of the line. `page` gives the bytes of a page, NULL:
 * zeros. */
typedef const uint8_t *(*jv_page_bytes_fn)(void *ctx, uint32_t index);
void jv_text_data(jv_text *t, uint32_t page_count, jv_page_bytes_fn page, void *ctx);

/* Writes what stands after the slot of a pinned or initial cap, with the end of the line; an Image only where it may
 * be. */
typedef javm_status (*jv_write_cap_fn)(void *ctx, jv_text *t, javm_cap *cap, bool may_be_image, javm_error *error);

/* Writes the text form of an Image that passes jv_image_check. Errors: OUT_OF_MEMORY, and those of write_cap. */
javm_status jv_disassemble(jv_text *t, const javm_image_spec *spec, bool unchecked, jv_write_cap_fn write_cap,
                           void *ctx, javm_error *error);

#endif
