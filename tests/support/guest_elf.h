/*
 * A guest made from an ELF file: linked in this process, then called endpoint by endpoint, its memory kept from call to
 * call. Each function that can fail returns false and leaves a line of text in g->error. The gas model is one unit for
 * each instruction. ecalli 64 (write) appends to `output`.
 */
#ifndef JAVM_TESTS_GUEST_ELF_H
#define JAVM_TESTS_GUEST_ELF_H

#include "javm.h"

typedef struct guest_elf {
  javm_dir *dir;
  javm_vm *vm;
  javm_cap *image;
  javm_hash state;       /* the Instance after the last call */
  javm_hash genesis;     /* before the first; set state to it to start anew */
  uint64_t instructions; /* run by the last call */
  uint8_t *output;
  size_t output_bytes;
  char error[300];
} guest_elf;

/* Links; `plain`: one sequence for each instruction, no optimisation. */
bool guest_elf_link(guest_elf *g, const uint8_t *elf, size_t elf_bytes, bool plain);
void guest_elf_close(guest_elf *g); /* also after a failed guest_elf_link */

/* Calls an endpoint; false also if it does not halt. A call that fails leaves the memory as it was. */
bool guest_elf_call(guest_elf *g, uint8_t endpoint, const uint64_t args[4], uint64_t gas, uint64_t *value);

/* Memory as the last call left it. What it never wrote to reads as zeros. */
bool guest_elf_read(guest_elf *g, uint32_t address, void *to, size_t size_bytes);

/* A whole file, malloc'ed; NULL, and a word to stderr: it can't be read. */
uint8_t *guest_elf_file(const char *path, size_t *size_bytes);

#endif
