/*
 * The program between the two machines: PVM instructions ("nodes") in basic blocks, in the order of the ELF file. The
 * passes, each in a file of its own, in this order:
 *
 *   lower    RISC-V instructions to nodes, one by one
 *   live     which registers are still needed, and removal of what computes others
 *   fold     constants, copies and sums of a register and a constant, followed through a block into their uses
 *   tidy     jumps to jumps, branches around jumps, a constant before a jump, blocks that nobody reaches
 *   tails    equal ends of functions (a part of tidy)
 *   emit     bytes, bitmask and jump table
 *
 * A register operand of 0..12 is φ[0..12]; JV_ZERO, which lower makes and fold removes, is the RISC-V register that
 * holds 0.
 */
#ifndef JV_LINK_CODE_H
#define JV_LINK_CODE_H

#include "exec/asm_code.h"
#include "link/flow.h"

enum { JV_ZERO = 13, JV_ALL_REGS = (1 << JAVM_REG_COUNT) - 1 };

#define JV_NODES_MAX ((size_t)1 << 23)

/* How far φ[1] is above the sp of the program. */
enum { JV_SP_BIAS = 128 };

#define JV_NO_NODE JV_OP_INVALID /* as an opcode: the node was removed */

typedef struct jv_node {
  uint8_t op; /* of the instruction set javm */
  uint8_t a, b, d;
  uint8_t uses;     /* of a node that writes: how often its block uses the register, at most 255; see dies */
  bool dies;        /* of a node that writes: nobody behind its block uses the register */
  uint32_t target;  /* a block, where the instruction has a target */
  uint32_t address; /* in the ELF file */
  int64_t x, y;
} jv_node;

typedef struct jv_block {
  uint32_t first, count; /* its nodes */
  uint32_t refs;         /* jumps and branches that lead here */
  bool escapes;          /* in the jump table, or an endpoint */
  bool reachable;
  uint16_t live_in;
} jv_block;

typedef struct jv_link_code {
  const javm_allocator *allocator;
  jv_node *nodes;
  size_t node_count, node_capacity;
  jv_block *blocks;
  size_t block_count, block_capacity;
  uint32_t *block_of; /* of each site that something leads to */
  size_t site_count;
  uint32_t *entries; /* blocks of the endpoints, in the manifest's order */
  size_t entry_count;
} jv_link_code;

/* Address of two words above the stack, where an instruction that becomes several may keep registers. */
javm_status jv_lower(const jv_flow *flow, const jv_manifest *manifest, uint32_t start, uint32_t spill,
                     jv_link_code *code, javm_error *error);
void jv_link_code_clear(jv_link_code *code);

/* Counts refs anew. */
void jv_count_refs(jv_link_code *code);
/* Computes live_in, uses and dies. */
javm_status jv_live_find(jv_link_code *code, javm_error *error);
/* Removes nodes that compute what nobody needs; live_in must be right. */
void jv_live_sweep(jv_link_code *code);
/* plain: only what must be done. */
void jv_fold(jv_link_code *code, bool plain);
/* A part of tidy, for when it is known what can be reached. */
javm_status jv_merge_tails(jv_link_code *code, javm_error *error);
javm_status jv_tidy(jv_link_code *code, bool plain, javm_error *error);

/* The program as bytes; `addresses` and `pcs` say where each ELF instruction went. */
typedef struct jv_emitted {
  uint8_t *code, *bitmask;
  size_t code_bytes;
  uint32_t *jump_table;
  size_t jump_count;
  uint32_t *entry_pcs;
  size_t entry_count;
  uint32_t *addresses, *pcs; /* ascending */
  size_t map_count, map_capacity;
} jv_emitted;
javm_status jv_emit(const jv_link_code *code, const jv_flow *flow, jv_emitted *out, javm_error *error);
void jv_emitted_clear(const javm_allocator *a, jv_emitted *out);

/* ------------------------------------------------------------------------------------------------------- nodes */

static inline unsigned jv_reg_bit(uint8_t reg) { return reg < JAVM_REG_COUNT ? 1u << reg : 0; }

/* Sets of registers, a bit each. An ecall may read any; what it writes is not known. */
static inline unsigned jv_node_reads(const jv_node *n) {
  const jv_op_info *op = &jv_ops[n->op];
  if (n->op == JV_OP_ecall || n->op == JV_OP_ecalli) return JV_ALL_REGS;
  return (op->reads & JV_ROLE_A ? jv_reg_bit(n->a) : 0) | (op->reads & JV_ROLE_B ? jv_reg_bit(n->b) : 0) |
         (op->reads & JV_ROLE_D ? jv_reg_bit(n->d) : 0);
}
static inline unsigned jv_node_writes(const jv_node *n) {
  const jv_op_info *op = &jv_ops[n->op];
  return (op->writes & JV_ROLE_A ? jv_reg_bit(n->a) : 0) | (op->writes & JV_ROLE_D ? jv_reg_bit(n->d) : 0);
}
static inline bool jv_node_ends(const jv_node *n) { return jv_op_ends_block(JAVM_ISA_JAVM, n->op); }
/* Does control go on behind it? */
static inline bool jv_node_falls(const jv_node *n) {
  switch (n->op) {
    case JV_OP_trap:
    case JV_OP_jump:
    case JV_OP_load_imm_jump:
    case JV_OP_jump_ind:
    case JV_OP_load_imm_jump_ind: return false;
    default: return true;
  }
}
static inline bool jv_node_is_branch(const jv_node *n) {
  return jv_has_target(n->op) && n->op != JV_OP_jump && n->op != JV_OP_load_imm_jump;
}
/* Closes the gaps that removed nodes leave in a block. */
static inline void jv_block_compact(jv_link_code *c, jv_block *b) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < b->count; i++) {
    if (c->nodes[b->first + i].op != JV_NO_NODE) c->nodes[b->first + count++] = c->nodes[b->first + i];
  }
  b->count = count;
}
/* The last node of a block that is still there; NULL: none. */
static inline jv_node *jv_block_last(const jv_link_code *c, const jv_block *b) {
  for (uint32_t i = b->count; i-- > 0;) {
    if (c->nodes[b->first + i].op != JV_NO_NODE) return &c->nodes[b->first + i];
  }
  return NULL;
}
static inline bool jv_block_falls(const jv_link_code *c, const jv_block *b) {
  const jv_node *last = jv_block_last(c, b);
  return !last || jv_node_falls(last);
}

#endif
