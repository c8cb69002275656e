/*
 * See symbols.h. Names and paths are hostile: they are cut at NAME_MAX_BYTES, and there is an end to what they may add
 * up to, so that a small file with long names makes neither a huge text nor much work.
 */
#include "link/symbols.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "exec/asm.h"
#include "link/lines.h"

enum { NAME_MAX_BYTES = 4096, TEXT_MAX_BYTES = 64 << 20, PIECE = 200 };
#define NOT_USED UINT32_MAX

/* [start, end) in the ELF file. */
typedef struct function {
  const char *name;
  uint64_t start, end;
  uint32_t symbol;
  uint8_t rank; /* of several at one address the lowest gives the name */
  bool sized;
} function;

/* From pc on, the line of a file of jv_lines. */
typedef struct record {
  uint32_t pc, file, line;
} record;

/* A file that records name; `order` counts in order of first use. */
typedef struct used_file {
  size_t path, length; /* in `paths` */
  const char *text;    /* that place, once all paths are there */
  size_t order;
  uint32_t source; /* index into jv_lines.files */
} used_file;

typedef struct writer {
  const javm_allocator *a;
  const jv_elf *elf;
  const jv_pc_map *map;
  jv_text text, paths;
  function *functions;
  size_t function_count, function_capacity;
  jv_lines lines;
  record *records;
  size_t record_count, record_capacity;
  used_file *used;
  size_t used_count, used_capacity;
  uint32_t *ids; /* of each file of jv_lines: its number in the text */
  javm_error *error;
} writer;

/* ---- names ---- */

/* What ends a word or a line, or would move a reader's cursor, becomes '?'. */
static size_t clean(char *text, size_t length, bool is_path) {
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c < ' ' || c == 0x7f || c == '\\' || (c == ' ' && !is_path)) text[i] = '?';
  }
  return length;
}

static void add_text(jv_text *t, const char *text, size_t length) {
  for (size_t n; length > 0; text += n, length -= n) {
    n = length < PIECE ? length : PIECE;
    jv_text_add(t, "%.*s", (int)n, text);
  }
}

static javm_status check_size(const writer *w) {
  if (w->text.failed || w->paths.failed) return jv_fail_memory(w->error);
  if (w->text.size <= TEXT_MAX_BYTES && w->paths.size <= TEXT_MAX_BYTES) return JAVM_OK;
  return jv_fail(w->error, JAVM_UNSUPPORTED, 0, "the names of its symbols and files have more than %d MiB",
                 TEXT_MAX_BYTES >> 20);
}

/* ---- functions ---- */

static bool is_code(const jv_elf *elf, const jv_elf_symbol *s) {
  if (s->section == SHN_UNDEF || s->section >= elf->section_count) return false;
  const jv_elf_section *section = &elf->sections[s->section];
  return (section->flags & SHF_ALLOC) && (section->flags & SHF_EXECINSTR) && s->value >= section->address &&
         s->value - section->address < section->size_bytes;
}

static bool is_function(const jv_elf *elf, const jv_elf_symbol *s) {
  bool mapping = s->name[0] == '$' && (s->name[1] == 'x' || s->name[1] == 'd');
  if (s->name[0] == '\0' || mapping || strncmp(s->name, ".L", 2) == 0 || !is_code(elf, s)) return false;
  return s->type == STT_FUNC || (s->type == STT_NOTYPE && s->binding != STB_LOCAL);
}

static int by_start(const void *a, const void *b) {
  const function *x = a, *y = b;
  if (x->start != y->start) return x->start < y->start ? -1 : 1;
  if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
  return (x->symbol > y->symbol) - (x->symbol < y->symbol);
}

/* Functions, and labels that assembly code has outside of them. One without a size ends where the next begins. */
static javm_status find_functions(writer *w) {
  for (size_t i = 1; i < w->elf->symbol_count; i++) {
    const jv_elf_symbol *s = &w->elf->symbols[i];
    if (!is_function(w->elf, s)) continue;
    if (!jv_grow(w->a, &w->functions, &w->function_capacity, w->function_count + 1, sizeof *w->functions))
      return jv_fail_memory(w->error);
    const jv_elf_section *section = &w->elf->sections[s->section];
    uint64_t left = section->address + section->size_bytes - s->value;
    bool sized = s->type == STT_FUNC && s->size_bytes > 0;
    uint8_t rank = (uint8_t)((sized                 ? 0
                              : s->type == STT_FUNC ? 4
                                                    : 8) +
                             (s->binding == STB_GLOBAL ? 0
                              : s->binding == STB_WEAK ? 1
                                                       : 2));
    uint64_t end = s->value + (sized && s->size_bytes < left ? s->size_bytes : left);
    w->functions[w->function_count++] = (function){s->name, s->value, end, (uint32_t)i, rank, sized};
  }
  if (w->function_count == 0) return JAVM_OK;
  qsort(w->functions, w->function_count, sizeof *w->functions, by_start);
  size_t kept = 0;
  uint64_t covered = 0; /* by functions with a size, to here */
  for (size_t i = 0; i < w->function_count; i++) {
    function f = w->functions[i];
    bool label = w->elf->symbols[f.symbol].type != STT_FUNC;
    if ((label && f.start < covered) || (kept > 0 && w->functions[kept - 1].start == f.start)) continue;
    if (kept > 0 && w->functions[kept - 1].end > f.start) w->functions[kept - 1].end = f.start;
    if (f.sized && f.end > covered) covered = f.end;
    w->functions[kept++] = f;
  }
  w->function_count = kept;
  return JAVM_OK;
}

static uint32_t pc_at(const jv_pc_map *map, size_t index) { return index < map->count ? map->pcs[index] : map->end_pc; }

static javm_status write_functions(writer *w) {
  const jv_pc_map *map = w->map;
  char name[NAME_MAX_BYTES];
  size_t at = 0;
  for (size_t i = 0; i < w->function_count; i++) {
    const function *f = &w->functions[i];
    while (at < map->count && map->addresses[at] < f->start) at++;
    uint32_t pc = pc_at(map, at);
    while (at < map->count && map->addresses[at] < f->end) at++;
    uint32_t bytes = pc_at(map, at) - pc;
    if (bytes == 0) continue; /* nothing was emitted */
    size_t length = strnlen(f->name, sizeof name);
    memcpy(name, f->name, length);
    jv_text_add(&w->text, "function %" PRIu32 " %" PRIu32 " ", pc, bytes);
    add_text(&w->text, name, clean(name, length, false));
    jv_text_add(&w->text, "\n");
    javm_status status = check_size(w);
    if (status != JAVM_OK) return status;
  }
  return JAVM_OK;
}

/* ---- lines ---- */

static javm_status add_record(writer *w, uint32_t pc, const jv_line *line) {
  record *last = w->record_count > 0 ? &w->records[w->record_count - 1] : NULL;
  record new = {pc, line ? line->file : 0, line ? line->line : 0};
  if (last && last->pc == pc) last = --w->record_count > 0 ? last - 1 : NULL;
  if (last ? last->file == new.file && last->line == new.line : new.line == 0) return JAVM_OK;
  if (!jv_grow(w->a, &w->records, &w->record_capacity, w->record_count + 1, sizeof *w->records))
    return jv_fail_memory(w->error);
  w->records[w->record_count++] = new;
  return JAVM_OK;
}

static javm_status find_records(writer *w) {
  const jv_pc_map *map = w->map;
  javm_status status = JAVM_OK;
  size_t next = 0; /* the first line behind the instruction */
  for (size_t i = 0; status == JAVM_OK && i < map->count; i++) {
    while (next < w->lines.count && w->lines.lines[next].address <= map->addresses[i]) next++;
    status = add_record(w, map->pcs[i], next > 0 ? &w->lines.lines[next - 1] : NULL);
  }
  return status == JAVM_OK ? add_record(w, map->end_pc, NULL) : status;
}

/* ---- files ---- */

/* The files that records name, with their paths, in order of first use. */
static javm_status find_files(writer *w) {
  char path[NAME_MAX_BYTES];
  for (size_t i = 0; i < w->record_count; i++) {
    uint32_t source = w->records[i].file;
    if (w->records[i].line == 0 || w->ids[source] != NOT_USED) continue;
    if (!jv_grow(w->a, &w->used, &w->used_capacity, w->used_count + 1, sizeof *w->used))
      return jv_fail_memory(w->error);
    size_t length = jv_line_file_path(&w->lines.files[source], path, sizeof path);
    if (length == 0) path[length++] = '?';
    w->used[w->used_count] = (used_file){w->paths.size, length, NULL, w->used_count, source};
    w->ids[source] = (uint32_t)w->used_count++;
    add_text(&w->paths, path, clean(path, length, true));
    javm_status status = check_size(w);
    if (status != JAVM_OK) return status;
  }
  return JAVM_OK;
}

static int by_text(const void *a, const void *b) {
  const used_file *x = a, *y = b;
  int difference = memcmp(x->text, y->text, x->length < y->length ? x->length : y->length);
  if (difference != 0) return difference;
  if (x->length != y->length) return x->length < y->length ? -1 : 1;
  return x->order < y->order ? -1 : 1;
}

static int by_order(const void *a, const void *b) {
  const used_file *x = a, *y = b;
  return (x->order > y->order) - (x->order < y->order);
}

/* Files with the same path become one: all of them get the `order` of the first. */
static void merge_files(writer *w) {
  for (size_t i = 0; i < w->used_count; i++) w->used[i].text = w->paths.bytes + w->used[i].path;
  if (w->used_count < 2) return;
  qsort(w->used, w->used_count, sizeof *w->used, by_text);
  for (size_t i = 1; i < w->used_count; i++) {
    const used_file *before = &w->used[i - 1];
    used_file *f = &w->used[i];
    if (f->length == before->length && memcmp(f->text, before->text, f->length) == 0) f->order = before->order;
  }
  qsort(w->used, w->used_count, sizeof *w->used, by_order);
}

static javm_status write_files(writer *w) {
  uint32_t next = 0;
  merge_files(w);
  for (size_t i = 0; i < w->used_count; i++) {
    const used_file *f = &w->used[i];
    bool is_new = i == 0 || f->order != w->used[i - 1].order;
    w->ids[f->source] = is_new ? next++ : next - 1;
    if (!is_new) continue;
    jv_text_add(&w->text, "file %" PRIu32 " ", w->ids[f->source]);
    add_text(&w->text, f->text, f->length);
    jv_text_add(&w->text, "\n");
    javm_status status = check_size(w);
    if (status != JAVM_OK) return status;
  }
  return JAVM_OK;
}

static javm_status write_lines(writer *w) {
  uint32_t last_file = 0, last_line = 0;
  for (size_t i = 0; i < w->record_count; i++) {
    const record *r = &w->records[i];
    uint32_t file = r->line ? w->ids[r->file] : 0;
    if (i > 0 && file == last_file && r->line == last_line) continue; /* two files of jv_lines, one path */
    jv_text_add(&w->text, "line %" PRIu32 " %" PRIu32 " %" PRIu32 "\n", r->pc, file, r->line);
    last_file = file;
    last_line = r->line;
  }
  return check_size(w);
}

/* ---- all of it ---- */

static javm_status write_all(writer *w, const javm_hash *image) {
  javm_status status = jv_lines_read(w->a, w->elf, &w->lines, w->error);
  if (status != JAVM_OK) return status;
  w->ids = jv_alloc_array(w->a, w->lines.file_count, sizeof *w->ids);
  if (!w->ids) return jv_fail_memory(w->error);
  for (size_t i = 0; i < w->lines.file_count; i++) w->ids[i] = NOT_USED;
  jv_text_add(&w->text, "javm symbols 1\nimage 0x");
  for (size_t i = 0; i < JAVM_HASH_BYTES; i++) jv_text_add(&w->text, "%02x", image->bytes[i]);
  jv_text_add(&w->text, "\n");
  if ((status = find_records(w)) == JAVM_OK && (status = find_files(w)) == JAVM_OK &&
      (status = write_files(w)) == JAVM_OK && (status = find_functions(w)) == JAVM_OK &&
      (status = write_functions(w)) == JAVM_OK)
    status = write_lines(w);
  return status;
}

javm_status jv_symbols_write(const javm_allocator *a, const jv_elf *elf, const jv_pc_map *map, const javm_hash *image,
                             uint8_t **out, size_t *size_bytes, javm_error *error) {
  writer w = {.a = a, .elf = elf, .map = map, .text.allocator = a, .paths.allocator = a, .error = error};
  javm_status status = write_all(&w, image);
  if (status == JAVM_OK) { /* as a block of exactly its size */
    *size_bytes = w.text.size;
    *out = a->resize(a->ctx, w.text.bytes, w.text.capacity, w.text.size);
    if (*out) w.text = (jv_text){.allocator = a};
    else status = jv_fail_memory(error);
  }
  jv_text_free(&w.text);
  jv_text_free(&w.paths);
  jv_free(a, w.functions, w.function_capacity * sizeof *w.functions);
  jv_free(a, w.records, w.record_capacity * sizeof *w.records);
  jv_free(a, w.used, w.used_capacity * sizeof *w.used);
  if (w.ids) jv_free_array(a, w.ids, w.lines.file_count, sizeof *w.ids);
  jv_lines_clear(a, &w.lines);
  return status;
}
