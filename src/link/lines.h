/*
 * Source lines of a linked ELF file, from DWARF's line table (.debug_line, versions 2 to 5, both DWARF formats). The
 * linker has applied the relocations of the section, so its addresses are final; code that --gc-sections took away has
 * an address outside of every executable section there, and is left out here.
 */
#ifndef JV_LINK_LINES_H
#define JV_LINK_LINES_H

#include "link/elf.h"

/* Holds from its address to that of the next one. */
typedef struct jv_line {
  uint64_t address;
  uint32_t file; /* index into files; 0 where line is 0 */
  uint32_t line; /* 0: not known */
} jv_line;

/* A file's name in parts, NUL-terminated in the ELF file, NULL for none. A relative part goes on from the one before. */
typedef struct jv_line_file {
  const char *base; /* where the compiler ran, if the table says so (version 5) */
  const char *directory;
  const char *name;
} jv_line_file;

typedef struct jv_lines {
  jv_line *lines; /* by ascending address; no two neighbours say the same; the last one has line 0 */
  size_t count;
  size_t capacity;
  jv_line_file *files; /* as the units list them: a path may be there many times */
  size_t file_count;
  size_t file_capacity;
} jv_lines;

/*
 * Reads the line table; an ELF file without one has no lines. Borrows the names from the file. Time and memory are
 * proportional to the section. Errors: MALFORMED with the offset in the file; UNSUPPORTED for compressed sections;
 * OUT_OF_MEMORY.
 */
javm_status jv_lines_read(const javm_allocator *a, const jv_elf *elf, jv_lines *out, javm_error *error);
void jv_lines_clear(const javm_allocator *a, jv_lines *lines);

/* The parts joined to a path, NUL-terminated and cut to fit. Returns its length. capacity is not 0. */
size_t jv_line_file_path(const jv_line_file *file, char *path, size_t capacity);

#endif
