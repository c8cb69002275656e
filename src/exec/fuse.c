/* Chooses handlers for the records of a program: the longest group of fuse.def that fits, from the start of every
 * region. */
#include "exec/insn.h"

/* Where an operand comes from: from no earlier instruction of the group in particular, or (role and index of that
 * one). */
typedef enum origin { N, A0, B0, A1, B1 } origin;

typedef struct group {
  uint8_t ops[3]; /* ops[2] JV_OP_INVALID: a pair */
  uint8_t from[3];
  bool is_loop; /* the last, a branch, goes back to the first */
  uint16_t handler;
} group;

static const group groups[] = {
#define FUSE2(s1, n1, s2, n2, from2)                                                                                   \
  {{JV_OP_##n1, JV_OP_##n2, JV_OP_INVALID}, {N, from2, N}, false, JV_H_##n1##_##n2##_##from2},
#define FUSE3(s1, n1, s2, n2, from2, s3, n3, from3)                                                                    \
  {{JV_OP_##n1, JV_OP_##n2, JV_OP_##n3}, {N, from2, from3}, false, JV_H_##n1##_##n2##_##from2##_##n3##_##from3},
#define LOOP3(s1, n1, from1, s2, n2, from2, s3, n3)                                                                    \
  {{JV_OP_##n1, JV_OP_##n2, JV_OP_##n3}, {from1, from2, A1}, true, JV_H_loop_##n1##_##n2##_##n3},
#include "exec/fuse.def"
};
enum { GROUP_COUNT = sizeof groups / sizeof *groups };

static const uint16_t plain[256] = {
#define OP(number, name, format, reads, writes, ends_block, can_fault, gas) [number] = JV_H_##name,
#include "exec/ops.def"
    [JV_OP_INVALID] = JV_H_invalid,
};

static bool unresolved(const jv_insn *insn) { return jv_has_target(insn->op) && insn->y == JV_NO_TARGET; }

/* The register that an instruction writes; 255 if none. */
static uint8_t destination(const jv_insn *insn) {
  uint8_t writes = jv_ops[insn->op].writes;
  return writes == JV_ROLE_A ? insn->a : writes == JV_ROLE_D ? insn->d : 255;
}

/* Is the operand of start[index] what the origin says, and not overwritten in between? A producer that stands no
 * earlier gave it in the turn before. */
static bool comes_from(const jv_insn *start, unsigned index, origin from) {
  if (from == N) return true;
  unsigned producer = from == A1 || from == B1;
  uint8_t operand = from == A0 || from == A1 ? start[index].a : start[index].b;
  for (unsigned i = (producer + 1) % 3; i != index && i != producer; i = (i + 1) % 3)
    if (destination(&start[i]) == operand) return false;
  return destination(&start[producer]) == operand;
}

static bool fits(const group *g, const jv_insn *start, size_t left) {
  unsigned count = g->ops[2] == JV_OP_INVALID ? 2 : 3;
  if (left < count) return false;
  for (unsigned i = 0; i < count; i++)
    if (start[i].op != g->ops[i] || unresolved(&start[i]) || !comes_from(start, i, g->from[i])) return false;
  return !g->is_loop || start[2].y == -2 * (int32_t)sizeof *start;
}

static void set_handler(jv_insn *insn, uint16_t handler, const void *const *labels) {
#if JV_THREADED
  insn->handler = labels[handler];
#else
  (void)labels;
  insn->handler = handler;
#endif
}

void jv_fuse(jv_records *r) {
  const void *const *labels = jv_interp_labels();
  /* The groups in order, chained by their first opcode. */
  uint16_t first[256], last[256], next[GROUP_COUNT];
  for (unsigned op = 0; op < 256; op++) first[op] = GROUP_COUNT;
  for (uint16_t g = 0; g < GROUP_COUNT; g++) {
    uint8_t op = groups[g].ops[0];
    next[g] = GROUP_COUNT;
    if (first[op] == GROUP_COUNT) first[op] = g;
    else next[last[op]] = g;
    last[op] = g;
  }
  uint32_t covered = 0; /* records below this are in a group already */
  for (uint32_t i = 0; i < r->count; i++) {
    jv_insn *insn = &r->insns[i];
    uint16_t handler = unresolved(insn) ? JV_H_unresolved : plain[insn->op];
    if (i >= covered) {
      uint16_t g = first[insn->op];
      while (g < GROUP_COUNT && !fits(&groups[g], insn, r->count - i)) g = next[g];
      if (g < GROUP_COUNT) {
        handler = groups[g].handler;
        covered = i + (groups[g].ops[2] == JV_OP_INVALID ? 2 : 3);
      }
    }
    set_handler(insn, handler, labels);
  }
}
