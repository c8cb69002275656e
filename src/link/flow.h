/*
 * Control flow: which instructions of an ELF file can be reached, where jumps land, and which code addresses escape into
 * registers and memory. All of it comes from the instructions themselves, from relocations and from symbols.
 *
 * Code is not in guest memory. A code address that a guest holds (a function pointer, a return address) is an address
 * of the jump table: 2 * (index + 1).
 */
#ifndef JV_LINK_FLOW_H
#define JV_LINK_FLOW_H

#include "link/elf.h"
#include "link/manifest.h"
#include "link/riscv.h"

/* What the relocations say about an instruction. */
typedef enum jv_ref {
  JV_REF_NONE,       /* it is what it says */
  JV_REF_CODE,       /* rs1 + imm, whole, is the code address `value`; of a jalr: it goes there */
  JV_REF_CONST,      /* a load from the global offset table, which gives the data address `value` */
  JV_REF_CODE_CONST, /* the same, giving the code address `value` */
  JV_REF_UPPER,      /* an auipc, which gives `value` */
  JV_REF_SKIP,       /* the first of a pair that the second does alone */
  JV_REF_TRAP        /* a jump to a weak symbol that nobody defines */
} jv_ref;

enum {
  JV_MARK_LABEL = 1,   /* something jumps here */
  JV_MARK_RETURN = 2,  /* the address escapes as a return address */
  JV_MARK_CODE = 4,    /* code makes a pointer to it */
  JV_MARK_DATA = 8,    /* data holds a pointer to it */
  JV_MARK_ENTRY = 16,  /* an endpoint, or __javm_start */
  JV_MARK_INSIDE = 32, /* the second half of an instruction */
  JV_MARK_QUEUED = 64,
  JV_MARK_ESCAPES = JV_MARK_RETURN | JV_MARK_CODE | JV_MARK_DATA,
  JV_MARK_STARTS = JV_MARK_LABEL | JV_MARK_ESCAPES | JV_MARK_ENTRY /* control may come here from elsewhere */
};

/* One reachable instruction. */
typedef struct jv_site {
  jv_rv_insn rv;
  uint32_t address;
  uint8_t ref;   /* jv_ref */
  uint8_t marks; /* JV_MARK_* */
  uint32_t jump; /* its index in the jump table, if it escapes */
  uint64_t value;
} jv_site;

/* Code pointers in data: the place gets `target` minus `base`, each a jump table address if it is of code. */
typedef struct jv_patch {
  const jv_elf_section *section; /* it lies in this one, whole */
  uint32_t address;
  uint32_t target;
  uint32_t base;
  uint8_t bytes; /* 4 or 8 */
  bool target_is_code, base_is_code;
} jv_patch;

/* An executable section; `first` counts the halfwords of the sections before it. */
typedef struct jv_text_part {
  const uint8_t *bytes;
  uint32_t address, size_bytes, first;
} jv_text_part;

typedef struct jv_flow {
  const javm_allocator *allocator;
  const jv_elf *elf;
  javm_error *error;
  jv_text_part *parts; /* by ascending address */
  size_t part_count;
  uint32_t halfword_count;
  uint8_t *marks;    /* of each halfword */
  uint32_t *site_at; /* 1 + the site that starts there, or 0 */
  jv_site *sites;    /* by ascending address when all are found */
  size_t site_count, site_capacity;
  jv_patch *patches;
  size_t patch_count, patch_capacity;
  uint32_t *pairs; /* addresses of instructions that only make sense behind the one before them */
  size_t pair_count, pair_capacity;
  uint32_t *queue;
  size_t queue_count, queue_capacity;
  uint32_t *jumps; /* the jump table, as sites */
  size_t jump_count;
} jv_flow;

/* Finds all that can be reached from the endpoints and from code pointers in data. `start`: the address of __javm_start,
 * 0 for none. */
javm_status jv_flow_find(const javm_allocator *a, const jv_elf *elf, const jv_manifest *manifest, uint32_t start,
                         jv_flow *flow, javm_error *error);
void jv_flow_clear(jv_flow *flow);

/* The site at a code address that was found. */
const jv_site *jv_flow_at(const jv_flow *flow, uint32_t address);
/* The jump table address of a site that escapes. */
static inline uint32_t jv_jump_address(const jv_site *site) { return 2 * (site->jump + 1); }
/* Is this an address in an executable section? */
bool jv_flow_is_code(const jv_flow *flow, uint64_t address);
/* "in main (0x40000010): ..." */
javm_status jv_flow_fail(const jv_flow *flow, uint32_t address, const char *text);

#endif
