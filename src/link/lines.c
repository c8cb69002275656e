/*
 * See lines.h. A unit of the table is a header with directories and files, then a program for a small machine whose
 * rows make sequences: runs of ascending addresses. A row, a file and a directory take at least a byte each, so no
 * count that the table claims makes work or memory beyond its size.
 */
#include "link/lines.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

typedef struct bytes_view {
  const char *name;
  const uint8_t *bytes; /* NULL: no such section */
  size_t size_bytes;
} bytes_view;

typedef struct range {
  uint64_t start, end;
} range;

/* A run of rows in `rows` that is in use. The last of them has line 0. */
typedef struct sequence {
  uint64_t start, end;
  size_t first, count;
} sequence;

typedef struct reader {
  const javm_allocator *a;
  const jv_elf *elf;
  javm_error *error;
  bytes_view line, line_str, str;
  range *code; /* where executable sections are: ascending, apart from each other */
  size_t code_count, code_capacity;
  jv_line *rows;
  size_t row_count, row_capacity;
  sequence *sequences;
  size_t sequence_count, sequence_capacity;
  const char **directories; /* of the unit */
  size_t directory_count, directory_capacity;
  jv_lines *out;
  javm_status status; /* once it is not OK, every read gives 0 */
  size_t at, end;     /* in .debug_line */
  size_t unit_at;
} reader;

typedef struct unit {
  unsigned version, offset_bytes, min_length, opcode_base, line_range;
  int line_base;
  uint8_t lengths[256]; /* of standard opcodes: the number of operands */
  size_t first_file;    /* of this unit in files */
  size_t program_at;
} unit;

/* What the unit's program works on. */
typedef struct machine {
  uint64_t address, file, line;
  bool open, live; /* a sequence has begun; its code is in an executable section */
  uint64_t limit;  /* the end of that */
  size_t first;    /* the sequence's first row */
} machine;

/* ---- errors and bytes ---- */

static bool fail(reader *r, const char *format, ...) JV_PRINTF(2, 3);

/* The first failure counts. */
static bool fail(reader *r, const char *format, ...) {
  if (r->status != JAVM_OK) return false;
  char text[120];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  r->status = jv_fail(r->error, JAVM_MALFORMED, (size_t)(r->line.bytes - r->elf->file) + r->at,
                      ".debug_line+%zu (unit %zu): %s", r->at, r->unit_at, text);
  return false;
}

static bool no_memory(reader *r) {
  r->status = jv_fail_memory(r->error);
  return false;
}

static uint64_t take(reader *r, unsigned bytes) {
  if (r->status != JAVM_OK || bytes > r->end - r->at) return fail(r, "cut off");
  uint64_t value = jv_load_le(r->line.bytes + r->at, bytes);
  r->at += bytes;
  return value;
}

static void skip(reader *r, uint64_t bytes) {
  if (r->status == JAVM_OK && bytes <= r->end - r->at) r->at += (size_t)bytes;
  else fail(r, "cut off");
}

static uint64_t take_uleb(reader *r) {
  uint64_t value = 0, byte;
  unsigned shift = 0;
  do {
    byte = take(r, 1);
    if (shift < 64) value |= (byte & 0x7f) << shift;
    if ((shift == 63 && (byte & 0x7e)) || (shift > 63 && (byte & 0x7f))) fail(r, "a number of more than 64 bits");
    if (shift < 64) shift += 7;
  } while (byte & 0x80);
  return value;
}

static int64_t take_sleb(reader *r) {
  uint64_t value = 0, byte;
  unsigned shift = 0;
  do {
    byte = take(r, 1);
    if (shift < 64) value |= (byte & 0x7f) << shift;
    if (shift < 64) shift += 7;
  } while (byte & 0x80);
  if (shift < 64 && (byte & 0x40)) value |= UINT64_MAX << shift;
  return (int64_t)value;
}

static const char *take_string(reader *r) {
  const uint8_t *start = r->line.bytes + r->at;
  const uint8_t *nul = r->status == JAVM_OK && r->at < r->end ? memchr(start, 0, r->end - r->at) : NULL;
  if (nul) r->at += (size_t)(nul - start) + 1;
  else fail(r, "a string without an end");
  return nul ? (const char *)start : "";
}

/* A string of a string section, which is known to end with NUL. */
static const char *take_string_at(reader *r, const bytes_view *section, unsigned offset_bytes) {
  uint64_t offset = take(r, offset_bytes);
  if (r->status == JAVM_OK && offset < section->size_bytes) return (const char *)section->bytes + offset;
  fail(r, "a string at %" PRIu64 " of %s, which has %zu bytes", offset, section->name, section->size_bytes);
  return "";
}

/* ---- sections ---- */

static bool open_section(reader *r, const char *name, bool strings, bytes_view *out) {
  out->name = name;
  for (size_t i = 0; i < r->elf->section_count; i++) {
    const jv_elf_section *s = &r->elf->sections[i];
    if (strcmp(s->name, name) != 0 || !s->bytes || s->size_bytes == 0) continue;
    size_t offset = (size_t)(s->bytes - r->elf->file);
    if (s->flags & SHF_COMPRESSED)
      r->status = jv_fail(r->error, JAVM_UNSUPPORTED, offset,
                          "section %s is compressed; expected a file that was compiled and linked without -gz", name);
    else if (strings && s->bytes[s->size_bytes - 1] != 0)
      r->status = jv_fail(r->error, JAVM_MALFORMED, offset, "section %s does not end with a NUL", name);
    out->bytes = s->bytes;
    out->size_bytes = (size_t)s->size_bytes;
    break;
  }
  return r->status == JAVM_OK;
}

static int by_start(const void *a, const void *b) {
  const range *x = a, *y = b;
  return (x->start > y->start) - (x->start < y->start);
}

static bool collect_code(reader *r) {
  for (size_t i = 0; i < r->elf->section_count; i++) {
    const jv_elf_section *s = &r->elf->sections[i];
    if ((s->flags & (SHF_ALLOC | SHF_EXECINSTR)) != (SHF_ALLOC | SHF_EXECINSTR) || s->size_bytes == 0) continue;
    if (!jv_grow(r->a, &r->code, &r->code_capacity, r->code_count + 1, sizeof *r->code)) return no_memory(r);
    r->code[r->code_count++] = (range){s->address, s->address + s->size_bytes};
  }
  if (r->code_count == 0) return true;
  qsort(r->code, r->code_count, sizeof *r->code, by_start);
  size_t last = 0;
  for (size_t i = 1; i < r->code_count; i++) {
    if (r->code[i].start > r->code[last].end) r->code[++last] = r->code[i];
    else if (r->code[i].end > r->code[last].end) r->code[last].end = r->code[i].end;
  }
  r->code_count = last + 1;
  return true;
}

static const range *find_code(const reader *r, uint64_t address) {
  size_t low = 0, high = r->code_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (address >= r->code[middle].end) low = middle + 1;
    else high = middle;
  }
  return low < r->code_count && address >= r->code[low].start ? &r->code[low] : NULL;
}

/* ---- directories and files ---- */

static bool add_directory(reader *r, const char *name) {
  if (!jv_grow(r->a, &r->directories, &r->directory_capacity, r->directory_count + 1, sizeof *r->directories))
    return no_memory(r);
  r->directories[r->directory_count++] = name;
  return true;
}

static bool add_file(reader *r, const char *name, uint64_t directory) {
  jv_lines *out = r->out;
  if (r->status != JAVM_OK) return false;
  if (directory >= r->directory_count)
    return fail(r, "a file in directory %" PRIu64 " of %zu", directory, r->directory_count);
  if (out->file_count == UINT32_MAX) return fail(r, "too many files");
  if (!jv_grow(r->a, &out->files, &out->file_capacity, out->file_count + 1, sizeof *out->files)) return no_memory(r);
  out->files[out->file_count++] = (jv_line_file){directory ? r->directories[0] : NULL, r->directories[directory], name};
  return true;
}

/* Versions 2 to 4 do not name the first directory: it is where the compiler ran. */
static bool read_old_tables(reader *r) {
  const char *name;
  add_directory(r, NULL);
  while (r->status == JAVM_OK && *(name = take_string(r))) add_directory(r, name);
  while (r->status == JAVM_OK && *(name = take_string(r))) {
    uint64_t directory = take_uleb(r);
    take_uleb(r); /* time, length */
    take_uleb(r);
    add_file(r, name, directory);
  }
  return r->status == JAVM_OK;
}

/* One value; a text is left alone where the value is none. */
static uint64_t take_form(reader *r, const unit *u, uint64_t form, const char **text) {
  switch (form) {
    case 0x08: *text = take_string(r); return 0;                                   /* DW_FORM_string */
    case 0x0e: *text = take_string_at(r, &r->str, u->offset_bytes); return 0;      /* strp */
    case 0x1f: *text = take_string_at(r, &r->line_str, u->offset_bytes); return 0; /* line_strp */
    case 0x0b: return take(r, 1);                                                  /* data1 */
    case 0x05: return take(r, 2);                                                  /* data2 */
    case 0x06: return take(r, 4);                                                  /* data4 */
    case 0x07: return take(r, 8);                                                  /* data8 */
    case 0x0f: return take_uleb(r);                                                /* udata */
    case 0x1e: skip(r, 16); return 0;                                              /* data16 */
    case 0x09: skip(r, take_uleb(r)); return 0;                                    /* block */
    default: return fail(r, "form 0x%" PRIx64 " of a file or directory is not known", form);
  }
}

/* Directories or files of version 5: their columns, their number, then they. */
static bool read_table(reader *r, const unit *u, bool files) {
  enum { PATH = 1, DIRECTORY_INDEX = 2 };
  uint64_t columns[UINT8_MAX][2];
  size_t column_count = (size_t)take(r, 1);
  for (size_t i = 0; i < column_count; i++) {
    columns[i][0] = take_uleb(r);
    columns[i][1] = take_uleb(r);
  }
  uint64_t count = take_uleb(r);
  if (r->status == JAVM_OK && count && column_count == 0) return fail(r, "%" PRIu64 " entries without columns", count);
  for (uint64_t i = 0; i < count && r->status == JAVM_OK; i++) {
    const char *name = "";
    uint64_t directory = 0;
    for (size_t k = 0; k < column_count && r->status == JAVM_OK; k++) {
      const char *text = "";
      uint64_t number = take_form(r, u, columns[k][1], &text);
      if (columns[k][0] == PATH) name = text;
      else if (columns[k][0] == DIRECTORY_INDEX) directory = number;
    }
    if (r->status != JAVM_OK) break;
    if (files) add_file(r, name, directory);
    else add_directory(r, name);
  }
  return r->status == JAVM_OK;
}

/* ---- the unit's header ---- */

static bool read_length(reader *r, unit *u) {
  uint64_t length = take(r, 4);
  u->offset_bytes = 4;
  if (length == 0xffffffff) {
    u->offset_bytes = 8;
    length = take(r, 8);
  } else if (length >= 0xfffffff0) {
    return fail(r, "the unit's length is a reserved number");
  }
  if (r->status == JAVM_OK && length > r->end - r->at)
    return fail(r, "a unit of %" PRIu64 " bytes where %zu are left", length, r->end - r->at);
  r->end = r->at + (size_t)length;
  return r->status == JAVM_OK;
}

static bool read_header(reader *r, unit *u) {
  if (!read_length(r, u)) return false;
  u->version = (unsigned)take(r, 2);
  if (r->status == JAVM_OK && (u->version < 2 || u->version > 5))
    return fail(r, "version %u; expected 2 to 5", u->version);
  if (u->version >= 5 && (take(r, 1) != 8 || take(r, 1) != 0))
    return fail(r, "expected addresses of 8 bytes without segments");
  uint64_t header_bytes = take(r, u->offset_bytes);
  if (r->status == JAVM_OK && header_bytes > r->end - r->at)
    return fail(r, "a header of %" PRIu64 " bytes where %zu are left", header_bytes, r->end - r->at);
  u->program_at = r->at + (size_t)header_bytes;
  u->min_length = (unsigned)take(r, 1);
  if (u->version >= 4 && take(r, 1) != 1) return fail(r, "expected one operation in an instruction");
  take(r, 1); /* is_stmt */
  u->line_base = (int8_t)take(r, 1);
  u->line_range = (unsigned)take(r, 1);
  u->opcode_base = (unsigned)take(r, 1);
  if (r->status == JAVM_OK && (u->line_range == 0 || u->opcode_base == 0))
    return fail(r, "line_range %u and opcode_base %u; expected neither to be 0", u->line_range, u->opcode_base);
  for (unsigned i = 1; i < u->opcode_base; i++) u->lengths[i] = (uint8_t)take(r, 1);
  r->directory_count = 0;
  u->first_file = r->out->file_count;
  if (u->version < 5 ? !read_old_tables(r) : !read_table(r, u, false) || !read_table(r, u, true)) return false;
  if (r->at > u->program_at) return fail(r, "the tables go on beyond the header, which ends at %zu", u->program_at);
  r->at = u->program_at;
  return true;
}

/* ---- the unit's program ---- */

static void reset(machine *m) { *m = (machine){.file = 1, .line = 1}; }

static bool push_row(reader *r, machine *m, jv_line row) {
  jv_line *last = r->row_count > m->first ? &r->rows[r->row_count - 1] : NULL;
  if (last && last->address == row.address) {
    *last = row;
    return true;
  }
  if (last && last->file == row.file && last->line == row.line) return true;
  if (!jv_grow(r->a, &r->rows, &r->row_capacity, r->row_count + 1, sizeof *r->rows)) return no_memory(r);
  r->rows[r->row_count++] = row;
  return true;
}

static bool end_sequence(reader *r, const machine *m) {
  size_t count = r->row_count - m->first;
  uint64_t start = r->rows[m->first].address;
  if (m->address == start) { /* no code */
    r->row_count = m->first;
    return true;
  }
  if (!jv_grow(r->a, &r->sequences, &r->sequence_capacity, r->sequence_count + 1, sizeof *r->sequences))
    return no_memory(r);
  r->sequences[r->sequence_count++] = (sequence){start, m->address, m->first, count};
  return true;
}

/* The machine's row, which is the end of a sequence or not. */
static bool emit(reader *r, const unit *u, machine *m, bool end) {
  uint64_t file = u->version < 5 ? m->file - 1 : m->file, file_count = r->out->file_count - u->first_file;
  if (!m->open) {
    const range *code = end ? NULL : find_code(r, m->address);
    m->open = true;
    m->live = code != NULL;
    m->limit = code ? code->end : 0;
    m->first = r->row_count;
  } else if (m->live && m->address < r->rows[r->row_count - 1].address) {
    return fail(r, "address 0x%" PRIx64 " after 0x%" PRIx64, m->address, r->rows[r->row_count - 1].address);
  }
  if (!m->live) return true;
  if (m->address > m->limit)
    return fail(r, "address 0x%" PRIx64 " beyond the code's end 0x%" PRIx64, m->address, m->limit);
  if (m->line > UINT32_MAX) return fail(r, "line number %" PRIu64 " has more than 32 bits", m->line);
  if (!end && m->line && file >= file_count) return fail(r, "file %" PRIu64 " of %" PRIu64, m->file, file_count);
  jv_line row = {m->address, (uint32_t)(u->first_file + file), (uint32_t)m->line};
  if (end || m->line == 0) row.file = row.line = 0;
  return push_row(r, m, row) && (!end || end_sequence(r, m));
}

static bool run_extended(reader *r, const unit *u, machine *m) {
  enum { END_SEQUENCE = 1, SET_ADDRESS = 2, DEFINE_FILE = 3 };
  uint64_t length = take_uleb(r);
  if (r->status == JAVM_OK && (length == 0 || length > r->end - r->at))
    return fail(r, "an operation of %" PRIu64 " bytes where %zu are left", length, r->end - r->at);
  size_t after = r->at + (size_t)length;
  unsigned op = (unsigned)take(r, 1);
  if (op == END_SEQUENCE) {
    if (!emit(r, u, m, true)) return false;
    reset(m);
  } else if (op == SET_ADDRESS) {
    if (length != 9) return fail(r, "an address of %" PRIu64 " bytes; expected 8", length - 1);
    m->address = take(r, 8);
  } else if (op == DEFINE_FILE && u->version < 5) {
    const char *name = take_string(r);
    if (!add_file(r, name, take_uleb(r))) return false;
  }
  if (r->status != JAVM_OK) return false;
  if (r->at > after) return fail(r, "an operation that is longer than it says");
  r->at = after;
  return true;
}

static void advance(const unit *u, machine *m, uint64_t operations) { m->address += operations * u->min_length; }

static bool run_standard(reader *r, const unit *u, machine *m, unsigned op) {
  enum { COPY = 1, ADVANCE_PC, ADVANCE_LINE, SET_FILE, SET_COLUMN, CONST_ADD_PC = 8, FIXED_ADVANCE_PC };
  switch (op) {
    case COPY: return emit(r, u, m, false);
    case ADVANCE_PC: advance(u, m, take_uleb(r)); break;
    case ADVANCE_LINE: m->line += (uint64_t)take_sleb(r); break;
    case SET_FILE: m->file = take_uleb(r); break;
    case CONST_ADD_PC: advance(u, m, (255 - u->opcode_base) / u->line_range); break;
    case FIXED_ADVANCE_PC: m->address += take(r, 2); break;
    default: /* it says nothing about addresses, files or lines */
      for (unsigned i = 0; i < u->lengths[op]; i++) take_uleb(r);
  }
  return r->status == JAVM_OK;
}

static bool run_program(reader *r, const unit *u) {
  machine m;
  reset(&m);
  while (r->status == JAVM_OK && r->at < r->end) {
    unsigned op = (unsigned)take(r, 1);
    if (op >= u->opcode_base) {
      unsigned adjusted = op - u->opcode_base;
      advance(u, &m, adjusted / u->line_range);
      m.line += (uint64_t)(int64_t)(u->line_base + (int)(adjusted % u->line_range));
      emit(r, u, &m, false);
    } else if (op == 0) {
      run_extended(r, u, &m);
    } else {
      run_standard(r, u, &m, op);
    }
  }
  if (r->status == JAVM_OK && m.open) fail(r, "a sequence without an end");
  return r->status == JAVM_OK;
}

/* ---- all of it ---- */

/* Of sequences with one start the first in the file comes first. */
static int by_address(const void *a, const void *b) {
  const sequence *x = a, *y = b;
  if (x->start != y->start) return x->start < y->start ? -1 : 1;
  return (x->first > y->first) - (x->first < y->first);
}

/* Puts the sequences in order of address. Where two claim the same code (identical functions that were folded), the
 * first has it. */
static bool join_sequences(reader *r) {
  jv_lines *out = r->out;
  if (r->sequence_count == 0) return true;
  qsort(r->sequences, r->sequence_count, sizeof *r->sequences, by_address);
  if (!jv_grow(r->a, &out->lines, &out->capacity, r->row_count, sizeof *out->lines)) return no_memory(r);
  uint64_t end = 0;
  for (size_t i = 0; i < r->sequence_count; i++) {
    const sequence *s = &r->sequences[i];
    if (s->start < end) continue;
    end = s->end;
    for (size_t k = 0; k < s->count; k++) {
      jv_line row = r->rows[s->first + k];
      if (out->count && out->lines[out->count - 1].address == row.address) out->count--;
      const jv_line *last = out->count ? &out->lines[out->count - 1] : NULL;
      if (!last || last->file != row.file || last->line != row.line) out->lines[out->count++] = row;
    }
  }
  return true;
}

static bool read_units(reader *r) {
  while (r->at < r->line.size_bytes) {
    unit u;
    memset(&u, 0, sizeof u);
    r->unit_at = r->at;
    r->end = r->line.size_bytes;
    if (!read_header(r, &u) || !run_program(r, &u)) return false;
  }
  return true;
}

javm_status jv_lines_read(const javm_allocator *a, const jv_elf *elf, jv_lines *out, javm_error *error) {
  reader r = {.a = a, .elf = elf, .error = error, .out = out};
  memset(out, 0, sizeof *out);
  if (open_section(&r, ".debug_line", false, &r.line) && r.line.bytes &&
      open_section(&r, ".debug_line_str", true, &r.line_str) && open_section(&r, ".debug_str", true, &r.str) &&
      collect_code(&r) && read_units(&r))
    join_sequences(&r);
  jv_free(a, r.code, r.code_capacity * sizeof *r.code);
  jv_free(a, r.rows, r.row_capacity * sizeof *r.rows);
  jv_free(a, r.sequences, r.sequence_capacity * sizeof *r.sequences);
  jv_free(a, r.directories, r.directory_capacity * sizeof *r.directories);
  if (r.status != JAVM_OK) jv_lines_clear(a, out);
  return r.status;
}

void jv_lines_clear(const javm_allocator *a, jv_lines *lines) {
  jv_free(a, lines->lines, lines->capacity * sizeof *lines->lines);
  jv_free(a, lines->files, lines->file_capacity * sizeof *lines->files);
  memset(lines, 0, sizeof *lines);
}

size_t jv_line_file_path(const jv_line_file *file, char *path, size_t capacity) {
  const char *parts[] = {file->base, file->directory, file->name};
  size_t length = 0;
  for (size_t i = 0; i < 3; i++) {
    const char *p = parts[i];
    while (p && p[0] == '.' && p[1] == '/') p += 2;
    if (!p || !*p || strcmp(p, ".") == 0) continue;
    if (*p == '/') length = 0;
    else if (length && path[length - 1] != '/' && length + 1 < capacity) path[length++] = '/';
    while (*p && length + 1 < capacity) path[length++] = *p++;
  }
  path[length] = '\0';
  return length;
}
