/*
 * What is known of registers, followed forward through a block into the instructions that use them: constants become
 * immediates and absolute addresses, copies vanish, `register + constant` moves into the offset of a load or store, and
 * a comparison moves into the branch on it. What then computes a register that nobody uses is removed by live.
 */
#include <string.h>

#include "exec/body.h"
#include "link/code.h"

typedef enum known_kind { UNKNOWN, CONSTANT, SUM, COMPARISON } known_kind;

/* What a register holds: c; or base + c; or the result of the comparison node `def`. Of a base only as long as its
 * version is the same. */
typedef struct known {
  uint8_t kind;
  uint8_t base;
  uint32_t base_version, other_version;
  uint32_t def;   /* the node that wrote it */
  uint8_t length; /* of a constant: bytes of all nodes that make it */
  int64_t c;
} known;

typedef struct folding {
  jv_link_code *code;
  bool plain;
  known made; /* kind CONSTANT: what the node computes, though it is no load_imm */
  known regs[JAVM_REG_COUNT];
  uint32_t version[JAVM_REG_COUNT];
} folding;

/* Where an instruction gets longer by a constant or a sum, that replaces a register only if the register is then needed
 * no more, and if it is not repeated too often. */
enum { REPEATS_MAX = 2 };

static bool fits(int64_t v) { return v >= INT32_MIN && v <= INT32_MAX; }

/* ------------------------------------------------------------------------------------------------------ values */

/* What instructions compute, by opcode; NULL where it is another kind of instruction. */
static uint64_t (*const values_rrr[256])(uint64_t a, uint64_t b, uint64_t d) = {
#define RRR(name, value) [JV_OP_##name] = jv_value_##name,
#include "exec/body.def"
};
static uint64_t (*const values_rri[256])(uint64_t a, uint64_t b, uint64_t x) = {
#define RRI(name, value) [JV_OP_##name] = jv_value_##name,
#include "exec/body.def"
};
static uint64_t (*const values_rr[256])(uint64_t a) = {
#define RR(name, value) [JV_OP_##name] = jv_value_##name,
#include "exec/body.def"
};
static bool (*const branches_taken[256])(uint64_t a, uint64_t x) = {
#define BRI(name, condition) [JV_OP_##name] = jv_taken_##name,
#include "exec/body.def"
};

/* How the constant changes on its way into the immediate. */
typedef enum change { KEEP, NEGATE, INVERT, MASK_64, MASK_32, LEFT_64, LEFT_32 } change;

/* The immediate forms of an instruction on two registers: with b constant, with a constant; JV_NO_NODE: none. */
typedef struct imm_form {
  uint8_t with_b, change_b, with_a, change_a;
} imm_form;

static imm_form imm_form_of(uint8_t op) {
#define FORM(name, b, change_b, a, change_a)                                                                           \
  case JV_OP_##name:                                                                                                   \
    return (imm_form){JV_OP_##b, change_b, JV_OP_##a, change_a};
#define JV_OP_none JV_NO_NODE
  switch (op) {
    FORM(add_32, add_imm_32, KEEP, add_imm_32, KEEP)
    FORM(sub_32, add_imm_32, NEGATE, neg_add_imm_32, KEEP)
    FORM(mul_32, mul_imm_32, KEEP, mul_imm_32, KEEP)
    FORM(shlo_l_32, shlo_l_imm_32, MASK_32, shlo_l_imm_alt_32, KEEP)
    FORM(shlo_r_32, shlo_r_imm_32, MASK_32, shlo_r_imm_alt_32, KEEP)
    FORM(shar_r_32, shar_r_imm_32, MASK_32, shar_r_imm_alt_32, KEEP)
    FORM(add_64, add_imm_64, KEEP, add_imm_64, KEEP)
    FORM(sub_64, add_imm_64, NEGATE, neg_add_imm_64, KEEP)
    FORM(mul_64, mul_imm_64, KEEP, mul_imm_64, KEEP)
    FORM(shlo_l_64, shlo_l_imm_64, MASK_64, shlo_l_imm_alt_64, KEEP)
    FORM(shlo_r_64, shlo_r_imm_64, MASK_64, shlo_r_imm_alt_64, KEEP)
    FORM(shar_r_64, shar_r_imm_64, MASK_64, shar_r_imm_alt_64, KEEP)
    FORM(and, and_imm, KEEP, and_imm, KEEP)
    FORM(xor, xor_imm, KEEP, xor_imm, KEEP)
    FORM(or, or_imm, KEEP, or_imm, KEEP)
    FORM(set_lt_u, set_lt_u_imm, KEEP, set_gt_u_imm, KEEP)
    FORM(set_lt_s, set_lt_s_imm, KEEP, set_gt_s_imm, KEEP)
    FORM(rot_l_64, rot_r_64_imm, LEFT_64, none, KEEP)
    FORM(rot_l_32, rot_r_32_imm, LEFT_32, none, KEEP)
    FORM(rot_r_64, rot_r_64_imm, MASK_64, rot_r_64_imm_alt, KEEP)
    FORM(rot_r_32, rot_r_32_imm, MASK_32, rot_r_32_imm_alt, KEEP)
    FORM(and_inv, and_imm, INVERT, none, KEEP)
    FORM(or_inv, or_imm, INVERT, none, KEEP)
    FORM(xnor, xor_imm, INVERT, xor_imm, INVERT)
    FORM(branch_eq, branch_eq_imm, KEEP, branch_eq_imm, KEEP)
    FORM(branch_ne, branch_ne_imm, KEEP, branch_ne_imm, KEEP)
    FORM(branch_lt_u, branch_lt_u_imm, KEEP, branch_gt_u_imm, KEEP)
    FORM(branch_lt_s, branch_lt_s_imm, KEEP, branch_gt_s_imm, KEEP)
    FORM(branch_ge_u, branch_ge_u_imm, KEEP, branch_le_u_imm, KEEP)
    FORM(branch_ge_s, branch_ge_s_imm, KEEP, branch_le_s_imm, KEEP)
    default: return (imm_form){JV_NO_NODE, KEEP, JV_NO_NODE, KEEP};
  }
#undef JV_OP_none
#undef FORM
}

static int64_t changed(int64_t c, change how) {
  switch (how) {
    case NEGATE: return (int64_t)(0 - (uint64_t)c);
    case INVERT: return ~c;
    case MASK_64: return c & 63;
    case MASK_32: return c & 31;
    case LEFT_64: return (int64_t)((0 - (uint64_t)c) & 63);
    case LEFT_32: return (int64_t)((0 - (uint64_t)c) & 31);
    default: return c;
  }
}

/* ----------------------------------------------------------------------------------------------------- registers */

enum { LOAD_IMM_64_BYTES = 10, IMM_NODE_BYTES = 2, NEAR_MAX = INT16_MAX };

/* Is it worth it to put what a register is known to hold in its place, as or in an immediate? It may have `bytes` before
 * the instruction gets longer. */
static bool worth(const folding *f, uint8_t reg, unsigned bytes, int64_t imm) {
  if (reg >= JAVM_REG_COUNT || jv_imm_bytes(imm) <= bytes) return true;
  const jv_node *def = &f->code->nodes[f->regs[reg].def];
  return def->dies && def->uses <= REPEATS_MAX;
}

static bool constant_of(const folding *f, uint8_t reg, int64_t *c) {
  if (reg == JV_ZERO) {
    *c = 0;
    return true;
  }
  if (reg >= JAVM_REG_COUNT || f->regs[reg].kind != CONSTANT) return false;
  *c = f->regs[reg].c;
  return true;
}

static const known *sum_of(const folding *f, uint8_t reg) {
  if (reg >= JAVM_REG_COUNT) return NULL;
  const known *k = &f->regs[reg];
  return k->kind == SUM && f->version[k->base] == k->base_version ? k : NULL;
}

/* The register that this one is a copy of, or itself. */
static uint8_t original(const folding *f, uint8_t reg) {
  const known *k = sum_of(f, reg);
  return k && k->c == 0 ? k->base : reg;
}

static void set_imm(jv_node *n, uint8_t d, int64_t c) {
  uint32_t address = n->address;
  uint8_t uses = n->uses;
  bool dies = n->dies;
  *n = (jv_node){.op = fits(c) ? JV_OP_load_imm : JV_OP_load_imm_64,
                 .a = d,
                 .x = c,
                 .address = address,
                 .uses = uses,
                 .dies = dies};
}

static void set_move(jv_node *n, uint8_t d, uint8_t from) {
  n->op = JV_OP_move_reg;
  n->d = d;
  n->a = from;
}

/* --------------------------------------------------------------------------------------------------- computation */

/* Is a constant that n makes of a constant in φ[b] better loaded at once? One of 64 bits takes as much room as several
 * short steps; if it is not, the steps are remembered. */
static bool is_shorter(folding *f, const jv_node *n, int64_t value) {
  const known *k = &f->regs[n->b];
  const jv_node *def = &f->code->nodes[k->def];
  unsigned length = IMM_NODE_BYTES + jv_imm_bytes(n->x);
  if (fits(value)) return worth(f, n->b, jv_imm_bytes(n->x), value);
  if (!def->dies || def->uses != 1) return false;
  if (length + k->length >= LOAD_IMM_64_BYTES - 1) return true;
  f->made = (known){.kind = CONSTANT, .c = value, .length = (uint8_t)(length + k->length)};
  return false;
}

/* φ[a] = φ[b] op x, simpler where it can be. */
static void fold_rri(folding *f, jv_node *n) {
  int64_t c, value;
  const known *k;
  uint8_t d = n->a;
  if (n->op == JV_OP_cmov_iz_imm || n->op == JV_OP_cmov_nz_imm) return;
  if (constant_of(f, n->b, &c)) {
    value = (int64_t)values_rri[n->op](0, (uint64_t)c, (uint64_t)n->x);
    if (n->b == JV_ZERO || is_shorter(f, n, value)) {
      set_imm(n, d, value);
      return;
    }
  }
  if (n->op == JV_OP_add_imm_64 && (k = sum_of(f, n->b))) {
    value = (int64_t)((uint64_t)n->x + (uint64_t)k->c);
    if (fits(value) && worth(f, n->b, jv_imm_bytes(n->x), value)) {
      n->b = k->base;
      n->x = value;
    }
  }
  bool same = n->x == 0 && (n->op == JV_OP_add_imm_64 || n->op == JV_OP_or_imm || n->op == JV_OP_xor_imm ||
                            n->op == JV_OP_shlo_l_imm_64 || n->op == JV_OP_shlo_r_imm_64 ||
                            n->op == JV_OP_shar_r_imm_64 || n->op == JV_OP_rot_r_64_imm);
  if (same || (n->op == JV_OP_and_imm && n->x == -1) || (n->op == JV_OP_mul_imm_64 && n->x == 1)) {
    set_move(n, d, n->b);
    if (n->d == n->a) n->op = JV_NO_NODE;
  } else if (n->x == 0 && (n->op == JV_OP_and_imm || n->op == JV_OP_mul_imm_64)) {
    set_imm(n, d, 0);
  }
}

static void become_rri(folding *f, jv_node *n, uint8_t op, uint8_t d, uint8_t b, int64_t x) {
  n->op = op;
  n->a = d;
  n->b = b;
  n->x = x;
  fold_rri(f, n);
}

/* φ[d] = φ[a] op φ[b]. */
static void fold_rrr(folding *f, jv_node *n) {
  int64_t a = 0, b = 0, value;
  bool has_a = constant_of(f, n->a, &a), has_b = constant_of(f, n->b, &b);
  imm_form form = imm_form_of(n->op);
  if (n->op == JV_OP_cmov_iz || n->op == JV_OP_cmov_nz) return;
  if (has_a && has_b) {
    value = (int64_t)values_rrr[n->op]((uint64_t)a, (uint64_t)b, 0);
    if (n->a == JV_ZERO || n->b == JV_ZERO || (worth(f, n->a, 1, value) && worth(f, n->b, 1, value))) {
      set_imm(n, n->d, value);
      return;
    }
  }
  if (has_b && form.with_b != JV_NO_NODE) {
    value = changed(b, (change)form.change_b);
    if (fits(value) && worth(f, n->b, 1, value)) {
      become_rri(f, n, form.with_b, n->d, n->a, value);
      return;
    }
  }
  if (!has_a) return;
  if (form.with_a != JV_NO_NODE) {
    value = changed(a, (change)form.change_a);
    if (fits(value) && worth(f, n->a, 1, value)) become_rri(f, n, form.with_a, n->d, n->b, value);
  } else if (n->a == JV_ZERO) { /* and_inv, or_inv, rotations: 0 & ~b, 0 | ~b, 0 */
    if (n->op == JV_OP_or_inv) become_rri(f, n, JV_OP_xor_imm, n->d, n->b, -1);
    else set_imm(n, n->d, 0);
  }
}

static void fold_rr(folding *f, jv_node *n) {
  int64_t c, value;
  if (constant_of(f, n->a, &c)) {
    value = (int64_t)values_rr[n->op]((uint64_t)c);
    if (worth(f, n->a, 0, value)) {
      set_imm(n, n->d, value);
      return;
    }
  }
  if (n->op == JV_OP_move_reg && n->d == n->a) n->op = JV_NO_NODE;
}

/* -------------------------------------------------------------------------------------------------------- memory */

/* The forms of an access at φ[b] + x: at x; and for stores of an immediate, at φ[a] + x and at x. 0: none. */
static const struct {
  uint8_t absolute, imm_indirect;
} access_forms[256] = {
#define LOAD(absolute, indirect, bytes, value) [JV_OP_##indirect] = {JV_OP_##absolute, 0},
#define STORE(imm, absolute, imm_indirect, indirect, bytes)                                                            \
  [JV_OP_##indirect] = {JV_OP_##absolute, JV_OP_##imm_indirect},
#include "exec/body.def"
};

/* The form of a store at x that stores an immediate. 0: none. */
static const uint8_t store_imm_forms[256] = {
#define STORE(imm, absolute, imm_indirect, indirect, bytes) [JV_OP_##absolute] = JV_OP_##imm,
#include "exec/body.def"
};

/* A store of a constant at an absolute address. */
static void fold_absolute(folding *f, jv_node *n) {
  uint8_t op = store_imm_forms[n->op];
  int64_t c;
  if (!op || !constant_of(f, n->a, &c) || !fits(c) || !worth(f, n->a, 0, c)) return;
  n->op = op;
  n->y = c;
}

static void fold_access(folding *f, jv_node *n) {
  int64_t c, address;
  const known *k = sum_of(f, n->b);
  if (constant_of(f, n->b, &c)) {
    address = (int32_t)(uint32_t)((uint64_t)c + (uint64_t)n->x);
    if (worth(f, n->b, jv_imm_bytes(n->x), address)) {
      n->op = access_forms[n->op].absolute;
      n->x = address;
      fold_absolute(f, n);
      return;
    }
  } else if (k) {
    address = (int64_t)((uint64_t)k->c + (uint64_t)n->x);
    if (fits(address) && worth(f, n->b, jv_imm_bytes(n->x), address)) {
      n->b = k->base;
      n->x = address;
    }
  }
  if (!access_forms[n->op].imm_indirect || !constant_of(f, n->a, &c) || !fits(c)) return;
  if (!worth(f, n->a, 0, c)) return;
  n->op = access_forms[n->op].imm_indirect;
  n->a = n->b;
  n->y = c;
}

/* ------------------------------------------------------------------------------------------------------ branches */

/* The branch on a comparison, and on its opposite; false: no comparison. */
static bool branches_on(uint8_t op, uint8_t *branch, uint8_t *opposite) {
#define ON(set, yes, no)                                                                                               \
  case JV_OP_##set:                                                                                                    \
    *branch = JV_OP_##yes;                                                                                             \
    *opposite = JV_OP_##no;                                                                                            \
    return true;
  switch (op) {
    ON(set_lt_u, branch_lt_u, branch_ge_u)
    ON(set_lt_s, branch_lt_s, branch_ge_s)
    ON(set_lt_u_imm, branch_lt_u_imm, branch_ge_u_imm)
    ON(set_lt_s_imm, branch_lt_s_imm, branch_ge_s_imm)
    ON(set_gt_u_imm, branch_gt_u_imm, branch_le_u_imm)
    ON(set_gt_s_imm, branch_gt_s_imm, branch_le_s_imm)
    default: return false;
  }
#undef ON
}

/* A branch on whether a comparison was true. */
static void fold_comparison(folding *f, jv_node *n) {
  if (n->a >= JAVM_REG_COUNT || n->x != 0 || (n->op != JV_OP_branch_ne_imm && n->op != JV_OP_branch_eq_imm)) return;
  const known *k = &f->regs[n->a];
  if (k->kind != COMPARISON) return;
  const jv_node *def = &f->code->nodes[k->def];
  uint8_t yes, no;
  if (!branches_on(def->op, &yes, &no) || !def->dies || def->uses != 1) return;
  bool two = jv_ops[def->op].format == JV_FORMAT_REG_REG_REG;
  uint8_t first = two ? def->a : def->b;
  if (f->version[first] != k->base_version || (two && f->version[def->b] != k->other_version)) return;
  n->op = n->op == JV_OP_branch_ne_imm ? yes : no;
  n->a = first;
  if (two) n->b = def->b;
  else n->x = def->x;
}

static void fold_branch(folding *f, jv_node *n) {
  int64_t a = 0, b = 0, value;
  bool two = jv_ops[n->op].format == JV_FORMAT_REG_REG_OFFSET;
  if (two) {
    bool has_a = constant_of(f, n->a, &a), has_b = constant_of(f, n->b, &b);
    imm_form form = imm_form_of(n->op);
    if (has_b && fits(b) && worth(f, n->b, 0, b)) {
      n->op = form.with_b;
      n->x = b;
    } else if (has_a && fits(a) && worth(f, n->a, 0, a)) {
      n->op = form.with_a;
      n->a = n->b;
      n->x = a;
    } else {
      return;
    }
  }
  fold_comparison(f, n);
  if (jv_ops[n->op].format == JV_FORMAT_REG_IMM_OFFSET && constant_of(f, n->a, &value)) {
    bool taken = branches_taken[n->op]((uint64_t)value, (uint64_t)n->x);
    n->op = taken ? JV_OP_jump : JV_NO_NODE;
    n->x = 0;
  }
}

/* ---------------------------------------------------------------------------------------------------- the block */

/* Copies give way to what they are copies of. */
static void use_originals(const folding *f, jv_node *n) {
  uint8_t reads = jv_ops[n->op].reads;
  if (n->op == JV_OP_ecall || n->op == JV_OP_ecalli) return;
  if (reads & JV_ROLE_A) n->a = original(f, n->a);
  if (reads & JV_ROLE_B) n->b = original(f, n->b);
}

/* A constant that is not far from one in another register, which is needed later anyway. */
static void fold_near(const folding *f, jv_node *n) {
  unsigned bytes = jv_imm_bytes(n->x);
  for (uint8_t r = 0; r < JAVM_REG_COUNT && bytes > 2; r++) {
    const known *k = &f->regs[r];
    int64_t distance = (int64_t)((uint64_t)n->x - (uint64_t)k->c);
    if (k->kind != CONSTANT || f->code->nodes[k->def].dies || distance < -NEAR_MAX || distance > NEAR_MAX) continue;
    n->op = distance ? JV_OP_add_imm_64 : JV_OP_move_reg;
    n->b = r;
    n->x = distance;
    if (!distance) set_move(n, n->a, r);
    return;
  }
}

static void fold_node(folding *f, jv_node *n) {
  f->made.kind = UNKNOWN;
  if (!f->plain) use_originals(f, n);
  switch ((jv_format)jv_ops[n->op].format) {
    case JV_FORMAT_REG_REG_REG: fold_rrr(f, n); break;
    case JV_FORMAT_REG_REG:
      if (n->op != JV_OP_sbrk) fold_rr(f, n);
      break;
    case JV_FORMAT_REG_REG_IMM:
      if (access_forms[n->op].absolute) fold_access(f, n);
      else fold_rri(f, n);
      break;
    case JV_FORMAT_REG_IMM:
      if (n->op == JV_OP_load_imm) fold_near(f, n);
      else fold_absolute(f, n);
      break;
    case JV_FORMAT_REG_REG_OFFSET:
    case JV_FORMAT_REG_IMM_OFFSET:
      if (n->op != JV_OP_load_imm_jump) fold_branch(f, n);
      break;
    default: break;
  }
}

static void forget_all(folding *f) {
  for (unsigned i = 0; i < JAVM_REG_COUNT; i++) f->regs[i].kind = UNKNOWN;
}

/* What a node leaves behind in the register that it writes. */
static void learn(folding *f, uint32_t index) {
  const jv_node *n = &f->code->nodes[index];
  uint8_t yes, no, d = jv_ops[n->op].writes & JV_ROLE_D ? n->d : n->a;
  known k = {.kind = UNKNOWN, .def = index};
  if (n->op == JV_OP_load_imm || n->op == JV_OP_load_imm_64) {
    k.kind = CONSTANT;
    k.c = n->x;
    k.length = n->op == JV_OP_load_imm ? (uint8_t)(IMM_NODE_BYTES + jv_imm_bytes(n->x)) : LOAD_IMM_64_BYTES;
  } else if (f->made.kind == CONSTANT) {
    k.kind = CONSTANT;
    k.c = f->made.c;
    k.length = f->made.length;
  } else if (n->op == JV_OP_move_reg && f->regs[n->a].kind == CONSTANT) {
    k.kind = CONSTANT;
    k.c = f->regs[n->a].c;
    k.length = LOAD_IMM_64_BYTES;
  } else if (n->op == JV_OP_move_reg || (n->op == JV_OP_add_imm_64 && n->b != d)) {
    bool moves = n->op == JV_OP_move_reg;
    k.kind = SUM;
    k.base = moves ? n->a : n->b;
    k.c = moves ? 0 : n->x;
    k.base_version = f->version[k.base];
  } else if (branches_on(n->op, &yes, &no)) {
    bool two = jv_ops[n->op].format == JV_FORMAT_REG_REG_REG;
    k.kind = COMPARISON;
    k.base_version = f->version[two ? n->a : n->b];
    if (two) k.other_version = f->version[n->b];
  }
  f->version[d]++;
  f->regs[d] = k;
}

static void fold_block(folding *f, const jv_block *b) {
  for (uint32_t i = 0; i < b->count; i++) {
    jv_node *n = &f->code->nodes[b->first + i];
    if (n->op == JV_NO_NODE) continue;
    fold_node(f, n);
    if (n->op == JV_NO_NODE) continue;
    if (n->op == JV_OP_ecall || n->op == JV_OP_ecalli) {
      for (unsigned r = 0; r < JAVM_REG_COUNT; r++) f->version[r]++;
      forget_all(f);
    } else if (jv_node_writes(n) && !f->plain) {
      learn(f, b->first + i);
    }
  }
}

void jv_fold(jv_link_code *c, bool plain) {
  folding f = {.code = c, .plain = plain};
  jv_count_refs(c);
  for (size_t i = 0; i < c->block_count; i++) {
    const jv_block *b = &c->blocks[i];
    if (b->refs > 0 || b->escapes || i == 0 || !jv_block_falls(c, &c->blocks[i - 1])) forget_all(&f);
    fold_block(&f, b);
  }
  /* not before, since what is known of a register names the node that wrote it */
  for (size_t i = 0; i < c->block_count; i++) jv_block_compact(c, &c->blocks[i]);
}
