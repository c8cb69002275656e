/* The simulator's loader and its calls; rv_sim_exec.c has the instructions. */
#include "rv_sim.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, LOWEST = 0x10000, META_ENDPOINT = 1 };
#define MEMORY_BYTES (UINT64_C(1) << 32)

/* An endpoint's record in .javm.meta. */
typedef struct record {
  uint32_t kind, index;
  uint64_t address, size;
  uint32_t a, b;
} record;

static uint64_t page_up(uint64_t n) { return (n + PAGE - 1) / PAGE * PAGE; }

/* ------------------------------------------------------------------------------------------------------ the file */

static const Elf64_Ehdr *header(const rv_sim *sim) { return (const Elf64_Ehdr *)(const void *)sim->elf; }

static const Elf64_Shdr *section(const rv_sim *sim, unsigned index) {
  return (const Elf64_Shdr *)(const void *)(sim->elf + header(sim)->e_shoff) + index;
}

static const char *section_name(const rv_sim *sim, const Elf64_Shdr *s) {
  return (const char *)sim->elf + section(sim, header(sim)->e_shstrndx)->sh_offset + s->sh_name;
}

static const Elf64_Shdr *section_named(const rv_sim *sim, const char *name) {
  for (unsigned i = 1; i < header(sim)->e_shnum; i++) {
    if (strcmp(section_name(sim, section(sim, i)), name) == 0) return section(sim, i);
  }
  return NULL;
}

bool rv_sim_symbol(const rv_sim *sim, const char *name, uint64_t *value) {
  for (unsigned i = 1; i < header(sim)->e_shnum; i++) {
    const Elf64_Shdr *s = section(sim, i);
    if (s->sh_type != SHT_SYMTAB) continue;
    const char *names = (const char *)sim->elf + section(sim, s->sh_link)->sh_offset;
    const Elf64_Sym *symbols = (const Elf64_Sym *)(const void *)(sim->elf + s->sh_offset);
    for (size_t k = 1; k < s->sh_size / sizeof *symbols; k++) {
      if (symbols[k].st_shndx == SHN_UNDEF || strcmp(names + symbols[k].st_name, name) != 0) continue;
      *value = symbols[k].st_value;
      return true;
    }
  }
  return false;
}

bool rv_sim_endpoint(const rv_sim *sim, unsigned index, uint64_t *function) {
  const Elf64_Shdr *meta = section_named(sim, ".javm.meta");
  bool any = false;
  for (size_t at = 0; meta && at + sizeof(record) <= meta->sh_size; at += sizeof(record)) {
    record r;
    memcpy(&r, sim->elf + meta->sh_offset + at, sizeof r);
    if (r.kind != META_ENDPOINT) continue;
    any = true;
    if (r.index != index) continue;
    *function = r.address;
    return true;
  }
  if (any || index != 0) return false;
  *function = header(sim)->e_entry;
  return true;
}

/* ------------------------------------------------------------------------------------------------------- loading */

static void map(rv_sim *sim, uint64_t start, uint64_t end, unsigned access) {
  for (uint64_t page = start / PAGE; page < page_up(end) / PAGE; page++) sim->access[page] |= (uint8_t)access;
}

/* Maps what a guest has; returns where data ends. Code can be run only, neither read nor written. */
static uint64_t load_sections(rv_sim *sim) {
  uint64_t data_end = LOWEST;
  for (unsigned i = 1; i < header(sim)->e_shnum; i++) {
    const Elf64_Shdr *s = section(sim, i);
    const char *name = section_name(sim, s);
    if (!(s->sh_flags & SHF_ALLOC) || s->sh_size == 0 || strncmp(name, ".javm.", 6) == 0) continue;
    if (strncmp(name, ".eh_frame", 9) == 0 || strncmp(name, ".gcc_except_table", 17) == 0) continue;
    uint8_t *to = s->sh_flags & SHF_EXECINSTR ? sim->code : sim->memory;
    if (s->sh_type != SHT_NOBITS) memcpy(to + s->sh_addr, sim->elf + s->sh_offset, s->sh_size);
    uint64_t end = s->sh_addr + s->sh_size;
    if (s->sh_flags & SHF_EXECINSTR) {
      map(sim, s->sh_addr, end, RV_SIM_EXECUTE);
    } else {
      map(sim, s->sh_addr, end, RV_SIM_READ | (s->sh_flags & SHF_WRITE ? RV_SIM_WRITE : 0));
      if (end > data_end) data_end = end;
    }
  }
  return data_end;
}

static void load(rv_sim *sim, uint64_t stack_bytes) {
  uint64_t heap_bytes = 0;
  uint64_t data_end = load_sections(sim);
  if (stack_bytes == 0 && !rv_sim_symbol(sim, "__javm_stack_size", &stack_bytes)) stack_bytes = 1u << 20;
  rv_sim_symbol(sim, "__javm_heap_size", &heap_bytes);
  sim->stack_start = (uint32_t)(page_up(data_end) + PAGE);
  sim->stack_end = (uint32_t)(sim->stack_start + page_up(stack_bytes));
  map(sim, sim->stack_start, sim->stack_end, RV_SIM_READ | RV_SIM_WRITE);
  sim->heap_start = sim->heap_end = sim->stack_end + PAGE;
  sim->heap_limit = (uint32_t)(sim->heap_start + page_up(heap_bytes));
}

static uint8_t *reserve(void) {
  void *area = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return area == MAP_FAILED ? NULL : area;
}

rv_sim *rv_sim_new(const uint8_t *elf, size_t elf_bytes, uint64_t stack_bytes) {
  rv_sim *sim = calloc(1, sizeof *sim);
  if (!sim) return NULL;
  sim->memory = reserve();
  sim->code = reserve();
  sim->access = calloc(MEMORY_BYTES / PAGE, 1);
  sim->elf = malloc(elf_bytes ? elf_bytes : 1);
  if (!sim->memory || !sim->code || !sim->access || !sim->elf) {
    fprintf(stderr, "rv_sim: out of memory\n");
    return rv_sim_free(sim), NULL;
  }
  memcpy(sim->elf, elf, elf_bytes);
  sim->elf_bytes = elf_bytes;
  if (elf_bytes < sizeof(Elf64_Ehdr) || memcmp(elf, ELFMAG, SELFMAG) != 0 || header(sim)->e_machine != EM_RISCV ||
      header(sim)->e_type != ET_EXEC) {
    fprintf(stderr, "rv_sim: not a RISC-V executable\n");
    return rv_sim_free(sim), NULL;
  }
  load(sim, stack_bytes);
  return sim;
}

rv_sim *rv_sim_open(const char *path) {
  FILE *f = fopen(path, "rb");
  long size = -1;
  if (f && fseek(f, 0, SEEK_END) == 0) size = ftell(f);
  uint8_t *bytes = size < 0 ? NULL : malloc((size_t)size + 1);
  rv_sim *sim = NULL;
  if (bytes && fseek(f, 0, SEEK_SET) == 0 && fread(bytes, 1, (size_t)size, f) == (size_t)size) {
    sim = rv_sim_new(bytes, (size_t)size, 0);
  } else {
    fprintf(stderr, "rv_sim: can't read %s\n", path);
  }
  if (f) fclose(f);
  free(bytes);
  return sim;
}

void rv_sim_free(rv_sim *sim) {
  if (!sim) return;
  if (sim->memory) munmap(sim->memory, MEMORY_BYTES);
  if (sim->code) munmap(sim->code, MEMORY_BYTES);
  free(sim->access);
  free(sim->elf);
  free(sim->output);
  free(sim);
}

/* --------------------------------------------------------------------------------------------------------- calls */

/* Stack and heap are zero at the start of each call; the heap is closed. */
static void forget_ephemeral(rv_sim *sim) {
  madvise(sim->memory + sim->stack_start, sim->stack_end - sim->stack_start, MADV_DONTNEED);
  if (sim->heap_limit > sim->heap_start) {
    madvise(sim->memory + sim->heap_start, sim->heap_limit - sim->heap_start, MADV_DONTNEED);
    memset(sim->access + sim->heap_start / PAGE, 0, (sim->heap_limit - sim->heap_start) / PAGE);
  }
  sim->heap_end = sim->heap_start;
}

rv_sim_exit rv_sim_call(rv_sim *sim, uint64_t function, const uint64_t args[4], uint64_t limit) {
  const Elf64_Shdr *constructors = section_named(sim, ".init_array");
  uint64_t start;
  forget_ephemeral(sim);
  memset(sim->x, 0, sizeof sim->x);
  sim->x[1] = RV_SIM_RETURN_ADDRESS;
  sim->x[2] = sim->stack_end;
  memcpy(sim->x + 10, args, 4 * sizeof *args);
  sim->pc = (uint32_t)function;
  if (constructors && constructors->sh_size > 0 && rv_sim_symbol(sim, "__javm_start", &start)) {
    sim->x[5] = function;
    sim->pc = (uint32_t)start;
  }
  sim->has_reservation = false;
  sim->instructions = 0;
  sim->ended = false;
  sim->end = (rv_sim_exit){RV_SIM_LIMIT, 0, sim->pc, 0, 0};
  while (!sim->ended && sim->instructions < limit) rv_sim_step(sim);
  sim->end.value = sim->x[10];
  return sim->end;
}

const char *rv_sim_exit_text(rv_sim_exit_kind kind) {
  static const char *const texts[] = {"returned", "trap",     "illegal instruction",
                                      "fault",    "bad jump", "instruction limit"};
  return texts[kind];
}
