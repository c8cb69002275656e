/*
 * gdb's interface for generated code: a list of object files in memory, and a function at which gdb has a breakpoint, so that
 * it reads the list when that changes. Each program's object has a section for its code (without the bytes: they are where it
 * says), a symbol for each block, and how to unwind.
 *
 *     header | section headers | .eh_frame | .symtab | .strtab | .shstrtab
 */
#include "jit/announce.h"

#if JV_HAS_RECOMPILER

#include <elf.h>

/* ---- the interface ---- */

struct jit_code_entry {
  struct jit_code_entry *next_entry, *prev_entry;
  const void *symfile_addr;
  uint64_t symfile_size;
};

struct jit_descriptor {
  uint32_t version, action_flag; /* action_flag: what was just done with relevant_entry */
  struct jit_code_entry *relevant_entry, *first_entry;
};

enum { JIT_NOACTION, JIT_REGISTER, JIT_UNREGISTER };

/* gdb knows these by name. Weak: if something else in the program has them, too, it is the same list. */
extern struct jit_descriptor __jit_debug_descriptor;
extern void __jit_debug_register_code(void);
__attribute__((weak)) struct jit_descriptor __jit_debug_descriptor = {1, JIT_NOACTION, NULL, NULL};
__attribute__((weak, noinline)) void __jit_debug_register_code(void) { __asm__ volatile("" : : : "memory"); }

struct jv_gdb_object {
  struct jit_code_entry entry;
  size_t bytes; /* of all of this */
};

/* ---- unwinding ---- */

typedef struct unwind {
  uint8_t bytes[512];
  size_t used;
} unwind;

static void put(unwind *u, uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; i++) u->bytes[u->used++] = (uint8_t)(value >> 8 * i);
}

static void put_uleb(unwind *u, uint64_t value) {
  for (; value >= 0x80; value >>= 7) put(u, value | 0x80, 1);
  put(u, value, 1);
}

/* An entry's length comes first, and the entry is padded to whole words. */
static size_t begin(unwind *u) {
  size_t at = u->used;
  put(u, 0, 4);
  return at;
}

static void end(unwind *u, size_t at) {
  while (u->used % 8) put(u, 0, 1); /* DW_CFA_nop */
  uint32_t length = (uint32_t)(u->used - at - 4);
  memcpy(u->bytes + at, &length, sizeof length);
}

enum { CFA_DEF_OFFSET = 0x0e, CFA_DEF = 0x0c, CFA_OFFSET = 0x80, CFA_ADVANCE4 = 0x04 };
enum { DWARF_RBX = 3, DWARF_RBP = 6, DWARF_RSP = 7, DWARF_R12 = 12, DWARF_RETURN = 16 };
/* From rsp in a block to what rsp was before the call that entered native code. */
enum { BLOCK_CFA = JV_FRAME_BYTES + 8 * JV_SAVED_COUNT + 8 };

/* What all entries begin with: alignments, absolute addresses, the return address just below the frame. */
static void put_common(unwind *u) {
  size_t at = begin(u);
  put(u, 0, 4);
  put(u, 1, 1); /* version */
  put(u, 0, 1); /* no augmentation: pointers are whole and absolute */
  put(u, 1, 1);
  put(u, 0x78, 1); /* -8 */
  put(u, DWARF_RETURN, 1);
  put(u, CFA_DEF, 1);
  put_uleb(u, DWARF_RSP);
  put_uleb(u, 8);
  put(u, CFA_OFFSET | DWARF_RETURN, 1);
  put_uleb(u, 1);
  end(u, at);
}

static size_t begin_range(unwind *u, const uint8_t *code, size_t size_bytes) {
  size_t at = begin(u);
  put(u, u->used, 4); /* back to the common entry, which is the first */
  put(u, (uintptr_t)code, 8);
  put(u, size_bytes, 8);
  return at;
}

/* The stubs for ecalls and sbrk are called, and call C with rsp 8 lower. */
static void put_call(unwind *u, const jv_native *n, uint32_t from, uint32_t to) {
  size_t at = begin_range(u, n->code + from, to - from);
  put(u, CFA_ADVANCE4, 1);
  put(u, n->stubs.call_bytes, 4);
  put(u, CFA_DEF_OFFSET, 1);
  put_uleb(u, 16);
  end(u, at);
}

/* Everything that runs with rsp at the frame: the other stubs, and blocks. */
static void put_framed(unwind *u, const jv_native *n, uint32_t from, uint32_t to) {
  static const uint8_t saved[JV_SAVED_COUNT] = {JV_SAVED_REGS};
  size_t at = begin_range(u, n->code + from, to - from);
  put(u, CFA_DEF_OFFSET, 1);
  put_uleb(u, BLOCK_CFA);
  for (unsigned i = 0; i < JV_SAVED_COUNT; i++) {
    unsigned reg = saved[i] == RBX ? DWARF_RBX : saved[i] == RBP ? DWARF_RBP : saved[i] - R12 + DWARF_R12;
    put(u, CFA_OFFSET | reg, 1);
    put_uleb(u, i + 2);
  }
  end(u, at);
}

static void make_unwind(unwind *u, const jv_native *n) {
  put_common(u);
  put_call(u, n, n->stubs.ecall, n->stubs.ecalli);
  put_call(u, n, n->stubs.ecalli, n->stubs.sbrk);
  put_call(u, n, n->stubs.sbrk, n->stubs.fault);
  put_framed(u, n, n->stubs.fault, n->table);
  put(u, 0, 8); /* the end, and what follows is aligned */
}

/* ---- the object ---- */

enum { CODE = 1, UNWIND, SYMBOLS, NAMES, SECTION_NAMES, SECTION_COUNT };
static const char section_names[] = "\0.text\0.eh_frame\0.symtab\0.strtab\0.shstrtab";
enum { CODE_NAME = 1, UNWIND_NAME = 7, SYMBOLS_NAME = 17, NAMES_NAME = 25, SECTION_NAMES_NAME = 33 };

/* The symbols as the file has them. */
typedef struct table {
  Elf64_Sym *symbols;
  size_t count, max;
  char *names;
  size_t name_bytes, name_capacity;
} table;

static bool fill(table *t, jv_symbols *symbols) {
  const javm_allocator *a = symbols->program->allocator;
  jv_symbol s;
  t->max = jv_symbol_max(symbols->program) + 1;
  t->symbols = jv_alloc_array(a, t->max, sizeof *t->symbols);
  if (!t->symbols || !jv_grow(a, &t->names, &t->name_capacity, 1, 1)) return false;
  t->symbols[t->count++] = (Elf64_Sym){0};
  t->names[t->name_bytes++] = '\0';
  while (jv_next_symbol(symbols, &s)) {
    if (t->name_bytes > UINT32_MAX - JV_NAME_BYTES ||
        !jv_grow(a, &t->names, &t->name_capacity, t->name_bytes + s.name_bytes + 1, 1))
      return false;
    t->symbols[t->count++] = (Elf64_Sym){.st_name = (uint32_t)t->name_bytes,
                                         .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                                         .st_shndx = CODE,
                                         .st_value = s.offset,
                                         .st_size = s.size_bytes};
    memcpy(t->names + t->name_bytes, s.name, s.name_bytes + 1);
    t->name_bytes += s.name_bytes + 1;
  }
  return true;
}

static void set_headers(uint8_t *file, const jv_native *n, const table *t, const unwind *u) {
  Elf64_Ehdr header = {.e_type = ET_REL,
                       .e_machine = EM_X86_64,
                       .e_version = EV_CURRENT,
                       .e_shoff = sizeof header,
                       .e_ehsize = sizeof header,
                       .e_shentsize = sizeof(Elf64_Shdr),
                       .e_shnum = SECTION_COUNT,
                       .e_shstrndx = SECTION_NAMES};
  memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  Elf64_Shdr sections[SECTION_COUNT] = {
      [CODE] = {.sh_name = CODE_NAME,
                .sh_type = SHT_NOBITS,
                .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
                .sh_addr = (uintptr_t)n->code,
                .sh_size = n->code_bytes},
      [UNWIND] = {.sh_name = UNWIND_NAME, .sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC, .sh_size = u->used},
      [SYMBOLS] = {.sh_name = SYMBOLS_NAME,
                   .sh_type = SHT_SYMTAB,
                   .sh_size = t->count * sizeof *t->symbols,
                   .sh_link = NAMES,
                   .sh_info = 1,
                   .sh_entsize = sizeof *t->symbols},
      [NAMES] = {.sh_name = NAMES_NAME, .sh_type = SHT_STRTAB, .sh_size = t->name_bytes},
      [SECTION_NAMES] = {.sh_name = SECTION_NAMES_NAME, .sh_type = SHT_STRTAB, .sh_size = sizeof section_names}};
  const void *contents[SECTION_COUNT] = {
      [UNWIND] = u->bytes, [SYMBOLS] = t->symbols, [NAMES] = t->names, [SECTION_NAMES] = section_names};
  size_t at = sizeof header + sizeof sections;
  for (unsigned i = 1; i < SECTION_COUNT; i++) {
    sections[i].sh_addralign = i == NAMES || i == SECTION_NAMES ? 1 : 8;
    sections[i].sh_offset = at;
    if (!contents[i]) continue;
    memcpy(file + at, contents[i], sections[i].sh_size);
    at += sections[i].sh_size;
  }
  memcpy(file, &header, sizeof header);
  memcpy(file + sizeof header, sections, sizeof sections);
}

static jv_gdb_object *make_object(const jv_native *n, const table *t) {
  unwind u = {.used = 0};
  make_unwind(&u, n);
  size_t file_bytes = sizeof(Elf64_Ehdr) + SECTION_COUNT * sizeof(Elf64_Shdr) + u.used + t->count * sizeof *t->symbols +
                      t->name_bytes + sizeof section_names;
  jv_gdb_object *object = jv_alloc_zero(n->allocator, sizeof *object + file_bytes);
  if (!object) return NULL;
  object->bytes = sizeof *object + file_bytes;
  object->entry.symfile_addr = object + 1;
  object->entry.symfile_size = file_bytes;
  set_headers((uint8_t *)(object + 1), n, t, &u);
  return object;
}

/* ---- registering ---- */

static void tell(struct jit_code_entry *entry, uint32_t action) {
  __jit_debug_descriptor.relevant_entry = entry;
  __jit_debug_descriptor.action_flag = action;
  __jit_debug_register_code();
  __jit_debug_descriptor.action_flag = JIT_NOACTION;
  __jit_debug_descriptor.relevant_entry = NULL;
}

bool jv_gdb_register(jv_symbols *symbols, jv_gdb_object **out) {
  const javm_allocator *a = symbols->program->allocator;
  table t = {0};
  *out = fill(&t, symbols) ? make_object(symbols->native, &t) : NULL;
  if (t.symbols) jv_free_array(a, t.symbols, t.max, sizeof *t.symbols);
  jv_free(a, t.names, t.name_capacity);
  if (!*out) return false;
  struct jit_code_entry *entry = &(*out)->entry, *first = __jit_debug_descriptor.first_entry;
  entry->next_entry = first;
  if (first) first->prev_entry = entry;
  __jit_debug_descriptor.first_entry = entry;
  tell(entry, JIT_REGISTER);
  return true;
}

void jv_gdb_unregister(const javm_allocator *a, jv_gdb_object *object) {
  if (!object) return;
  struct jit_code_entry *entry = &object->entry;
  if (entry->prev_entry) entry->prev_entry->next_entry = entry->next_entry;
  else __jit_debug_descriptor.first_entry = entry->next_entry;
  if (entry->next_entry) entry->next_entry->prev_entry = entry->prev_entry;
  tell(entry, JIT_UNREGISTER);
  jv_free(a, object, object->bytes);
}

#else

typedef int jv_no_gdb; /* an empty file is not C */

#endif
