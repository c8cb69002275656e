/*
 * RISC-V instructions to nodes, one after the other and each for itself. Where one becomes several, registers that are
 * needed besides its own are ones that the next instructions overwrite, or they are kept above the stack meanwhile.
 */
#include <string.h>

#include "base/error.h"
#include "link/code.h"

/* A target that is a block already, not a site. */
#define LOCAL_BLOCK UINT32_C(0x80000000)

typedef struct lowering {
  const jv_flow *flow;
  jv_link_code *code;
  javm_error *error;
  const jv_site *site; /* being lowered */
  uint32_t spill;
  bool open;  /* the last block may take more nodes */
  bool empty; /* out of memory, or too_long */
  bool too_long;
} lowering;

/* --------------------------------------------------------------------------------------------------- the tables */

typedef enum form {
  FORM_NONE,
  FORM_RRR,
  FORM_RRI,
  FORM_RR,
  FORM_LOAD,
  FORM_STORE,
  FORM_BRANCH,
  FORM_AMO_32,
  FORM_AMO_64
} form;

/* What becomes of an instruction: its form, and the PVM instruction that does the work. */
static const struct {
  uint8_t form, op;
} plan[JV_RV_COUNT] = {
#define P(rv, form, pvm) [JV_RV_##rv] = {form, JV_OP_##pvm}
    P(add, FORM_RRR, add_64),
    P(sub, FORM_RRR, sub_64),
    P(sll, FORM_RRR, shlo_l_64),
    P(srl, FORM_RRR, shlo_r_64),
    P(sra, FORM_RRR, shar_r_64),
    P(slt, FORM_RRR, set_lt_s),
    P(sltu, FORM_RRR, set_lt_u),
    P(xor, FORM_RRR, xor),
    P(or, FORM_RRR, or),
    P(and, FORM_RRR, and),
    P(addw, FORM_RRR, add_32),
    P(subw, FORM_RRR, sub_32),
    P(sllw, FORM_RRR, shlo_l_32),
    P(srlw, FORM_RRR, shlo_r_32),
    P(sraw, FORM_RRR, shar_r_32),
    P(mul, FORM_RRR, mul_64),
    P(mulh, FORM_RRR, mul_upper_s_s),
    P(mulhsu, FORM_RRR, mul_upper_s_u),
    P(mulhu, FORM_RRR, mul_upper_u_u),
    P(div, FORM_RRR, div_s_64),
    P(divu, FORM_RRR, div_u_64),
    P(rem, FORM_RRR, rem_s_64),
    P(remu, FORM_RRR, rem_u_64),
    P(mulw, FORM_RRR, mul_32),
    P(divw, FORM_RRR, div_s_32),
    P(divuw, FORM_RRR, div_u_32),
    P(remw, FORM_RRR, rem_s_32),
    P(remuw, FORM_RRR, rem_u_32),
    P(andn, FORM_RRR, and_inv),
    P(orn, FORM_RRR, or_inv),
    P(xnor, FORM_RRR, xnor),
    P(max, FORM_RRR, max),
    P(maxu, FORM_RRR, max_u),
    P(min, FORM_RRR, min),
    P(minu, FORM_RRR, min_u),
    P(rol, FORM_RRR, rot_l_64),
    P(ror, FORM_RRR, rot_r_64),
    P(rolw, FORM_RRR, rot_l_32),
    P(rorw, FORM_RRR, rot_r_32),
    P(addi, FORM_RRI, add_imm_64),
    P(slti, FORM_RRI, set_lt_s_imm),
    P(sltiu, FORM_RRI, set_lt_u_imm),
    P(xori, FORM_RRI, xor_imm),
    P(ori, FORM_RRI, or_imm),
    P(andi, FORM_RRI, and_imm),
    P(slli, FORM_RRI, shlo_l_imm_64),
    P(srli, FORM_RRI, shlo_r_imm_64),
    P(srai, FORM_RRI, shar_r_imm_64),
    P(addiw, FORM_RRI, add_imm_32),
    P(slliw, FORM_RRI, shlo_l_imm_32),
    P(srliw, FORM_RRI, shlo_r_imm_32),
    P(sraiw, FORM_RRI, shar_r_imm_32),
    P(rori, FORM_RRI, rot_r_64_imm),
    P(roriw, FORM_RRI, rot_r_32_imm),
    P(clz, FORM_RR, leading_zero_bits_64),
    P(ctz, FORM_RR, trailing_zero_bits_64),
    P(cpop, FORM_RR, count_set_bits_64),
    P(clzw, FORM_RR, leading_zero_bits_32),
    P(ctzw, FORM_RR, trailing_zero_bits_32),
    P(cpopw, FORM_RR, count_set_bits_32),
    P(sext_b, FORM_RR, sign_extend_8),
    P(sext_h, FORM_RR, sign_extend_16),
    P(zext_h, FORM_RR, zero_extend_16),
    P(rev8, FORM_RR, reverse_bytes),
    P(lb, FORM_LOAD, load_ind_i8),
    P(lh, FORM_LOAD, load_ind_i16),
    P(lw, FORM_LOAD, load_ind_i32),
    P(ld, FORM_LOAD, load_ind_u64),
    P(lbu, FORM_LOAD, load_ind_u8),
    P(lhu, FORM_LOAD, load_ind_u16),
    P(lwu, FORM_LOAD, load_ind_u32),
    P(lr_w, FORM_LOAD, load_ind_i32),
    P(lr_d, FORM_LOAD, load_ind_u64),
    P(sb, FORM_STORE, store_ind_u8),
    P(sh, FORM_STORE, store_ind_u16),
    P(sw, FORM_STORE, store_ind_u32),
    P(sd, FORM_STORE, store_ind_u64),
    P(beq, FORM_BRANCH, branch_eq),
    P(bne, FORM_BRANCH, branch_ne),
    P(blt, FORM_BRANCH, branch_lt_s),
    P(bge, FORM_BRANCH, branch_ge_s),
    P(bltu, FORM_BRANCH, branch_lt_u),
    P(bgeu, FORM_BRANCH, branch_ge_u),
    P(amoswap_w, FORM_AMO_32, move_reg),
    P(amoadd_w, FORM_AMO_32, add_64),
    P(amoxor_w, FORM_AMO_32, xor),
    P(amoand_w, FORM_AMO_32, and),
    P(amoor_w, FORM_AMO_32, or),
    P(amomin_w, FORM_AMO_32, min),
    P(amomax_w, FORM_AMO_32, max),
    P(amominu_w, FORM_AMO_32, min_u),
    P(amomaxu_w, FORM_AMO_32, max_u),
    P(amoswap_d, FORM_AMO_64, move_reg),
    P(amoadd_d, FORM_AMO_64, add_64),
    P(amoxor_d, FORM_AMO_64, xor),
    P(amoand_d, FORM_AMO_64, and),
    P(amoor_d, FORM_AMO_64, or),
    P(amomin_d, FORM_AMO_64, min),
    P(amomax_d, FORM_AMO_64, max),
    P(amominu_d, FORM_AMO_64, min_u),
    P(amomaxu_d, FORM_AMO_64, max_u),
#undef P
};

/* x0, ra, sp, t0..t2, s0, s1, a0..a5. */
static uint8_t reg(unsigned x) { return (uint8_t)(x == 0 ? JV_ZERO : x <= 2 ? x - 1 : x - 3); }

/* ------------------------------------------------------------------------------------------------ nodes, blocks */

static void start_block(lowering *l, bool escapes) {
  jv_link_code *c = l->code;
  if (!jv_grow(c->allocator, &c->blocks, &c->block_capacity, c->block_count + 1, sizeof *c->blocks)) {
    l->empty = true;
    return;
  }
  c->blocks[c->block_count++] =
      (jv_block){.first = (uint32_t)c->node_count, .escapes = escapes, .reachable = true, .live_in = JV_ALL_REGS};
  l->open = true;
}

static void add_node(lowering *l, jv_node node) {
  jv_link_code *c = l->code;
  if (!l->open) start_block(l, false);
  l->too_long |= c->node_count == JV_NODES_MAX;
  if (l->empty || l->too_long ||
      !jv_grow(c->allocator, &c->nodes, &c->node_capacity, c->node_count + 1, sizeof *c->nodes)) {
    l->empty = true;
    return;
  }
  node.address = l->site->address;
  c->nodes[c->node_count++] = node;
  c->blocks[c->block_count - 1].count++;
  if (jv_node_ends(&node)) l->open = false;
}

static void add_rrr(lowering *l, uint8_t op, uint8_t d, uint8_t a, uint8_t b) {
  add_node(l, (jv_node){.op = op, .d = d, .a = a, .b = b});
}
static void add_rri(lowering *l, uint8_t op, uint8_t a, uint8_t b, int64_t x) {
  add_node(l, (jv_node){.op = op, .a = a, .b = b, .x = x});
}
static void add_rr(lowering *l, uint8_t op, uint8_t d, uint8_t a) { add_node(l, (jv_node){.op = op, .d = d, .a = a}); }
static void add_imm(lowering *l, uint8_t a, int64_t x) {
  bool fits = x >= INT32_MIN && x <= INT32_MAX;
  add_node(l, (jv_node){.op = fits ? JV_OP_load_imm : JV_OP_load_imm_64, .a = a, .x = x});
}

/* ------------------------------------------------------------------------------------- registers for a moment */

static unsigned rv_reads(const jv_rv_insn *i) { return (1u << i->rs1 | 1u << i->rs2) & ~1u; }

/* Is the register (an x number) overwritten before anybody reads it, as the next instructions show? */
static bool is_dead_after(const lowering *l, unsigned x) {
  const jv_site *end = l->flow->sites + l->flow->site_count;
  const jv_site *s = l->site;
  for (unsigned i = 0; i < 16; i++) {
    uint32_t next = s->address + s->rv.bytes;
    uint8_t form = plan[s->rv.op].form;
    if (i > 0 && (form == FORM_NONE || form == FORM_BRANCH) && s->rv.op != JV_RV_lui) return false;
    if (++s == end || s->address != next) return false;
    if (rv_reads(&s->rv) >> x & 1) return false;
    if (s->rv.rd == x) return plan[s->rv.op].form != FORM_NONE || s->rv.op == JV_RV_lui;
  }
  return false;
}

/* Registers that this instruction does not use; those that are needed later are kept in memory until give_back. */
typedef struct temporaries {
  uint8_t regs[2];
  bool kept[2];
  unsigned count;
} temporaries;

static int64_t spill_word(const lowering *l, unsigned n) { return (int32_t)(l->spill + 8 * n); }

static temporaries take(lowering *l, unsigned count) {
  const jv_rv_insn *i = &l->site->rv;
  unsigned taken = 1u << i->rd | 1u << i->rs1 | 1u << i->rs2;
  temporaries t = {.count = count};
  for (unsigned n = 0; n < count; n++) {
    unsigned best = 0;
    for (unsigned x = 15; x >= 5 && !best; x--) {
      if (!(taken >> x & 1) && is_dead_after(l, x)) best = x;
    }
    t.kept[n] = best == 0;
    for (unsigned x = 5; x <= 15 && !best; x++) {
      if (!(taken >> x & 1)) best = x;
    }
    taken |= 1u << best;
    t.regs[n] = reg(best);
    if (t.kept[n]) add_node(l, (jv_node){.op = JV_OP_store_u64, .a = t.regs[n], .x = spill_word(l, n)});
  }
  return t;
}

static void give_back(lowering *l, const temporaries *t) {
  for (unsigned n = 0; n < t->count; n++) {
    if (t->kept[n]) add_node(l, (jv_node){.op = JV_OP_load_u64, .a = t->regs[n], .x = spill_word(l, n)});
  }
}

/* ---------------------------------------------------------------------------------------------------- expansion */

/* min and max with zero, where it has to be done without a third register: keeps s if it is on the right side. */
static void lower_clamp(lowering *l, uint8_t d, uint8_t s, bool is_max) {
  if (d != s) {
    add_imm(l, d, 0);
    add_rrr(l, is_max ? JV_OP_max : JV_OP_min, d, s, d);
    return;
  }
  uint32_t behind = (uint32_t)l->code->block_count + 1;
  add_node(
      l,
      (jv_node){.op = is_max ? JV_OP_branch_ge_s_imm : JV_OP_branch_le_s_imm, .a = s, .target = LOCAL_BLOCK | behind});
  if (l->empty) return;
  start_block(l, false);
  add_imm(l, d, 0);
  start_block(l, false);
}

/* 0 divided by b: -1 where b is 0, too. */
static void lower_zero_divided(lowering *l, uint8_t d, uint8_t b, bool is_32) {
  if (is_32) add_rri(l, JV_OP_add_imm_32, d, b, 0);
  add_rri(l, JV_OP_set_lt_u_imm, d, is_32 ? d : b, 1);
  add_rri(l, JV_OP_neg_add_imm_64, d, d, 0);
}

/* What fold does not know about zero. False: nothing special here. */
static bool lower_with_zero(lowering *l, uint8_t op, uint8_t d, uint8_t a, uint8_t b) {
  bool is_32 = op == JV_OP_div_u_32 || op == JV_OP_div_s_32 || op == JV_OP_rem_u_32 || op == JV_OP_rem_s_32;
  if (a != JV_ZERO && b != JV_ZERO) return false;
  uint8_t other = a == JV_ZERO ? b : a;
  switch (op) {
    case JV_OP_max:
    case JV_OP_min:
      if (other == JV_ZERO) add_imm(l, d, 0);
      else lower_clamp(l, d, other, op == JV_OP_max);
      return true;
    case JV_OP_max_u: add_rr(l, JV_OP_move_reg, d, other); return true;
    case JV_OP_min_u:
    case JV_OP_mul_upper_s_s:
    case JV_OP_mul_upper_s_u:
    case JV_OP_mul_upper_u_u: add_imm(l, d, 0); return true;
    case JV_OP_div_u_32:
    case JV_OP_div_s_32:
    case JV_OP_div_u_64:
    case JV_OP_div_s_64:
      if (b == JV_ZERO) add_imm(l, d, -1);
      else lower_zero_divided(l, d, b, is_32);
      return true;
    case JV_OP_rem_u_32:
    case JV_OP_rem_s_32:
    case JV_OP_rem_u_64:
    case JV_OP_rem_s_64:
      if (a == JV_ZERO) add_imm(l, d, 0);
      else if (is_32) add_rri(l, JV_OP_add_imm_32, d, a, 0);
      else add_rr(l, JV_OP_move_reg, d, a);
      return true;
    default: return false;
  }
}

/* Each byte that is not 0 becomes 0xff. */
static void lower_orc_b(lowering *l, uint8_t d, uint8_t s) {
  temporaries t = take(l, 2);
  uint8_t mask = t.regs[0], sum = t.regs[1];
  add_imm(l, mask, INT64_C(0x7f7f7f7f7f7f7f7f));
  add_rrr(l, JV_OP_and, sum, s, mask);
  add_rrr(l, JV_OP_add_64, sum, sum, mask);
  add_rrr(l, JV_OP_or, sum, sum, s);
  add_rrr(l, JV_OP_and_inv, sum, sum, mask);
  add_rri(l, JV_OP_shlo_r_imm_64, sum, sum, 7);
  add_rri(l, JV_OP_mul_imm_64, d, sum, 255);
  give_back(l, &t);
}

/* [base] := op([base], s), d := what was there. One hart: nothing can come between. */
static void lower_amo(lowering *l, uint8_t op, bool is_32, uint8_t d, uint8_t base, uint8_t s) {
  uint8_t load = is_32 ? JV_OP_load_ind_i32 : JV_OP_load_ind_u64;
  uint8_t store = is_32 ? JV_OP_store_ind_u32 : JV_OP_store_ind_u64;
  bool swaps = op == JV_OP_move_reg;
  bool compares = op == JV_OP_min || op == JV_OP_max || op == JV_OP_min_u || op == JV_OP_max_u;
  bool d_is_free = d != JV_ZERO && d != base && d != s; /* then it can hold the old value at once */
  if (swaps && (d_is_free || d == JV_ZERO)) {
    if (d_is_free) add_rri(l, load, d, base, 0);
    add_rri(l, store, s, base, 0);
    return;
  }
  temporaries t = take(l, swaps || d_is_free ? 1 : 2);
  uint8_t old = d_is_free ? d : t.regs[0], fresh = d_is_free ? t.regs[0] : t.regs[1];
  add_rri(l, load, old, base, 0);
  if (swaps) {
    fresh = s;
  } else if (compares) {
    /* both as 64-bit numbers of the same order; s may be zero, and then fresh is */
    if (is_32) add_rri(l, JV_OP_add_imm_32, fresh, s, 0);
    else add_rr(l, JV_OP_move_reg, fresh, s);
    add_rrr(l, op, fresh, old, fresh);
  } else {
    add_rrr(l, op, fresh, old, s);
  }
  add_rri(l, store, fresh, base, 0);
  if (!d_is_free && d != JV_ZERO) add_rr(l, JV_OP_move_reg, d, old);
  give_back(l, &t);
}

/* ----------------------------------------------------------------------------------------------- memory, control */

/* A load or store; `r` is loaded or stored. A load to x0 may still fault, so it is done. */
static void lower_access(lowering *l, const jv_site *s, uint8_t op, uint8_t r, bool loads) {
  temporaries t = {.count = 0};
  if (loads && r == JV_ZERO) {
    t = take(l, 1);
    r = t.regs[0];
  }
  switch (s->ref) {
    case JV_REF_CONST: add_imm(l, r, (int64_t)s->value); break;
    case JV_REF_CODE_CONST: add_imm(l, r, jv_jump_address(jv_flow_at(l->flow, (uint32_t)s->value))); break;
    default: add_rri(l, op, r, reg(s->rv.rs1), s->rv.imm);
  }
  give_back(l, &t);
}

/* The site at a code address that something leads to. */
static uint32_t site_index(const lowering *l, uint32_t address) {
  return (uint32_t)(jv_flow_at(l->flow, address) - l->flow->sites);
}

static void lower_jump(lowering *l, const jv_site *s) {
  bool direct = s->rv.op == JV_RV_jal || s->ref == JV_REF_CODE;
  uint32_t target = s->ref == JV_REF_CODE ? (uint32_t)s->value : s->address + (uint32_t)s->rv.imm;
  jv_node n = {.op = direct ? JV_OP_jump : JV_OP_jump_ind};
  if (direct) n.target = site_index(l, target);
  if (s->rv.rd != 0) {
    n.op = direct ? JV_OP_load_imm_jump : JV_OP_load_imm_jump_ind;
    n.a = reg(s->rv.rd);
    const jv_site *next = jv_flow_at(l->flow, s->address + s->rv.bytes);
    n.x = next ? jv_jump_address(next) : 0; /* a return to nowhere: 0 is no address of the jump table */
  }
  if (!direct) {
    *(s->rv.rd ? &n.b : &n.a) = reg(s->rv.rs1);
    *(s->rv.rd ? &n.y : &n.x) = s->rv.imm;
    if (s->rv.rs1 == 0) n = (jv_node){.op = JV_OP_trap}; /* a jump to a number below 2048, where no code is */
  }
  add_node(l, n);
}

/* Where a branch leads when it is taken; to a weak symbol that nobody defines, into a trap. */
static void add_taken(lowering *l, const jv_site *s) {
  jv_node n = {.op = JV_OP_trap};
  if (s->ref != JV_REF_TRAP) {
    n = (jv_node){.op = JV_OP_jump, .target = site_index(l, s->address + (uint32_t)s->rv.imm)};
  }
  add_node(l, n);
}

static void lower_branch(lowering *l, const jv_site *s, uint8_t a, uint8_t b) {
  jv_node n = {.op = plan[s->rv.op].op, .a = a, .b = b};
  if (s->ref != JV_REF_TRAP) {
    n.target = site_index(l, s->address + (uint32_t)s->rv.imm);
    add_node(l, n);
    return;
  }
  uint32_t taken = (uint32_t)l->code->block_count + 1;
  n.target = LOCAL_BLOCK | taken;
  add_node(l, n);
  if (l->empty) return;
  start_block(l, false);
  add_node(l, (jv_node){.op = JV_OP_jump, .target = LOCAL_BLOCK | (taken + 1)});
  start_block(l, false);
  add_taken(l, s);
  start_block(l, false);
}

static void lower_rri(lowering *l, const jv_site *s, uint8_t op, uint8_t d) {
  if (s->ref == JV_REF_CODE) add_imm(l, d, jv_jump_address(jv_flow_at(l->flow, (uint32_t)s->value)));
  else add_rri(l, op, d, reg(s->rv.rs1), s->rv.imm);
}

/* sbrk of zero, or for its effect only, needs a register all the same. */
static void lower_sbrk(lowering *l, uint8_t d, uint8_t bytes) {
  temporaries t = take(l, d == JV_ZERO);
  if (d == JV_ZERO) d = t.regs[0];
  if (bytes == JV_ZERO) add_imm(l, d, 0);
  add_rr(l, JV_OP_sbrk, d, bytes == JV_ZERO ? d : bytes);
  give_back(l, &t);
}

/* Instructions that the plan has no form for. */
static void lower_other(lowering *l, const jv_site *s, uint8_t d) {
  switch (s->rv.op) {
    case JV_RV_lui:
      if (d != JV_ZERO) add_imm(l, d, s->rv.imm);
      break;
    case JV_RV_auipc:
      if (d != JV_ZERO && s->ref == JV_REF_UPPER) add_imm(l, d, (int64_t)s->value);
      break;
    case JV_RV_jal:
    case JV_RV_jalr: lower_jump(l, s); break;
    case JV_RV_sc_w:
    case JV_RV_sc_d: /* always succeeds */
      add_rri(l, s->rv.op == JV_RV_sc_w ? JV_OP_store_ind_u32 : JV_OP_store_ind_u64, reg(s->rv.rs2), reg(s->rv.rs1), 0);
      if (d != JV_ZERO) add_imm(l, d, 0);
      break;
    case JV_RV_orc_b:
      if (d != JV_ZERO) lower_orc_b(l, d, reg(s->rv.rs1));
      break;
    case JV_RV_ecall: add_node(l, (jv_node){.op = JV_OP_ecall}); break;
    case JV_RV_ecalli: add_node(l, (jv_node){.op = JV_OP_ecalli, .x = s->rv.imm}); break;
    case JV_RV_sbrk: lower_sbrk(l, d, reg(s->rv.rs1)); break;
    case JV_RV_unlikely: add_node(l, (jv_node){.op = JV_OP_unlikely}); break;
    case JV_RV_fence:
    case JV_RV_fence_i: break;
    default: add_node(l, (jv_node){.op = JV_OP_trap});
  }
}

static void lower_instruction(lowering *l, const jv_site *s) {
  uint8_t op = plan[s->rv.op].op, d = reg(s->rv.rd), a = reg(s->rv.rs1), b = reg(s->rv.rs2);
  switch ((form)plan[s->rv.op].form) {
    case FORM_RRR:
      if (d != JV_ZERO && !lower_with_zero(l, op, d, a, b)) add_rrr(l, op, d, a, b);
      break;
    case FORM_RRI:
      if (d != JV_ZERO) lower_rri(l, s, op, d);
      break;
    case FORM_RR:
      if (d != JV_ZERO) add_rr(l, op, d, a);
      break;
    case FORM_LOAD: lower_access(l, s, op, d, true); break;
    case FORM_STORE: lower_access(l, s, op, b, false); break;
    case FORM_BRANCH: lower_branch(l, s, a, b); break;
    case FORM_AMO_32:
    case FORM_AMO_64: lower_amo(l, op, plan[s->rv.op].form == FORM_AMO_32, d, a, b); break;
    case FORM_NONE: lower_other(l, s, d); break;
  }
}

/* ------------------------------------------------------------------------------------------------ the stack pointer */

/*
 * φ[1] is JV_SP_BIAS above sp. What lies up to 255 bytes above sp is then at an offset of one byte, and frames are full
 * of that. Most instructions with sp only need another immediate; around the others φ[1] is sp for a moment.
 */
enum { REG_SP = 2 };

static bool is_sp_kept(const jv_rv_insn *i) {
  bool sp1 = i->rs1 == REG_SP, sp2 = i->rs2 == REG_SP;
  switch (i->op) {
    case JV_RV_addi: return sp1;
    case JV_RV_add: return sp1 != sp2;
    case JV_RV_sub: return sp1 && !sp2;
    case JV_RV_andi: return sp1 && i->imm < 0 && JV_SP_BIAS % -i->imm == 0; /* a power of two, up to the bias */
    default: return false;
  }
}

/* Changes the instruction so that it does the same with φ[1]. False: it has to be done with sp itself. */
static bool rebase_sp(jv_site *s) {
  jv_rv_insn *i = &s->rv;
  uint8_t form = plan[i->op].form;
  if (form == FORM_BRANCH) return false;
  if (s->ref == JV_REF_NONE && i->rd == REG_SP && is_sp_kept(i)) return true;
  if (i->op == JV_RV_add && (i->rs1 == 0 || i->rs2 == 0)) { /* a move */
    i->op = JV_RV_addi;
    i->rs1 = i->rs1 | i->rs2;
    i->rs2 = 0;
    form = FORM_RRI;
  }
  if (s->ref != JV_REF_NONE) return i->rd != REG_SP && i->rs2 != REG_SP; /* the base does not count then */
  if (i->op == JV_RV_addi && i->rd == REG_SP) i->imm += JV_SP_BIAS;
  else if (i->op == JV_RV_addi) i->imm -= JV_SP_BIAS;
  else if (form == FORM_LOAD && i->rd != REG_SP) i->imm -= JV_SP_BIAS;
  else if (form == FORM_STORE && i->rs2 != REG_SP) i->imm -= JV_SP_BIAS;
  else if (i->op == JV_RV_jalr && i->rd != REG_SP) i->imm -= JV_SP_BIAS;
  else return false;
  return true;
}

static void move_sp(lowering *l, int64_t by) { add_rri(l, JV_OP_add_imm_64, reg(REG_SP), reg(REG_SP), by); }

/* A branch on sp: on both ways φ[1] has to be set right again. */
static void lower_branch_on_sp(lowering *l, const jv_site *s) {
  uint32_t taken = (uint32_t)l->code->block_count + 1;
  move_sp(l, -JV_SP_BIAS);
  if (l->empty) return;
  add_node(l,
           (jv_node){.op = plan[s->rv.op].op, .a = reg(s->rv.rs1), .b = reg(s->rv.rs2), .target = LOCAL_BLOCK | taken});
  start_block(l, false);
  move_sp(l, JV_SP_BIAS);
  add_node(l, (jv_node){.op = JV_OP_jump, .target = LOCAL_BLOCK | (taken + 1)});
  start_block(l, false);
  move_sp(l, JV_SP_BIAS);
  add_taken(l, s);
  start_block(l, false);
}

static void lower_site(lowering *l, const jv_site *s) {
  const jv_rv_insn *i = &s->rv;
  if (s->ref == JV_REF_SKIP) return;
  if (s->ref == JV_REF_TRAP && plan[i->op].form != FORM_BRANCH) {
    add_node(l, (jv_node){.op = JV_OP_trap});
    return;
  }
  bool reads = i->rs1 == REG_SP || i->rs2 == REG_SP, writes = i->rd == REG_SP;
  jv_site rebased = *s;
  if (!reads && !writes) {
    lower_instruction(l, s);
  } else if (rebase_sp(&rebased)) {
    lower_instruction(l, &rebased);
  } else if (plan[i->op].form == FORM_BRANCH) {
    lower_branch_on_sp(l, s);
  } else if (i->op == JV_RV_jal || i->op == JV_RV_jalr) {
    add_node(l, (jv_node){.op = JV_OP_trap}); /* refused by flow */
  } else {
    if (reads) move_sp(l, -JV_SP_BIAS);
    lower_instruction(l, s);
    move_sp(l, JV_SP_BIAS);
  }
}

/* --------------------------------------------------------------------------------------------------- the program */

/* An endpoint that first goes through __javm_start, which finds the function in t0. */
static void add_start_stub(lowering *l, uint32_t function, uint32_t start) {
  l->site = jv_flow_at(l->flow, function);
  start_block(l, true);
  add_node(l,
           (jv_node){.op = JV_OP_load_imm_jump, .a = 2, .x = jv_jump_address(l->site), .target = site_index(l, start)});
}

static bool make_room(jv_link_code *c, size_t sites, size_t entries) {
  c->site_count = sites;
  c->entry_count = entries;
  c->block_of = jv_alloc_array(c->allocator, sites, sizeof *c->block_of);
  c->entries = jv_alloc_array(c->allocator, entries, sizeof *c->entries);
  return c->block_of && c->entries;
}

javm_status jv_lower(const jv_flow *flow, const jv_manifest *manifest, uint32_t start, uint32_t spill, jv_link_code *c,
                     javm_error *error) {
  lowering l = {.flow = flow, .code = c, .error = error, .spill = spill};
  memset(c, 0, sizeof *c);
  c->allocator = flow->allocator;
  if (!make_room(c, flow->site_count, manifest->endpoint_count)) goto out_of_memory;
  for (size_t i = 0; i < flow->site_count && !l.empty; i++) {
    const jv_site *s = l.site = &flow->sites[i];
    if (s->marks & JV_MARK_STARTS || !l.open) {
      bool entry = s->marks & JV_MARK_ENTRY;
      start_block(&l, (s->marks & JV_MARK_ESCAPES) || entry);
    }
    c->block_of[i] = (uint32_t)c->block_count - 1;
    lower_site(&l, s);
    bool contiguous = i + 1 < flow->site_count && s[1].address == s->address + s->rv.bytes;
    bool goes_on = s->ref == JV_REF_SKIP || c->node_count == 0 || l.open || jv_node_falls(&c->nodes[c->node_count - 1]);
    if (!contiguous && goes_on) add_node(&l, (jv_node){.op = JV_OP_trap});
  }
  for (size_t i = 0; i < manifest->endpoint_count && !l.empty; i++) {
    uint32_t address = manifest->endpoints[i].address;
    if (start) add_start_stub(&l, address, start);
    c->entries[i] = start ? (uint32_t)c->block_count - 1 : c->block_of[site_index(&l, address)];
  }
  if (l.empty) goto out_of_memory;
  for (size_t i = 0; i < c->node_count; i++) {
    jv_node *n = &c->nodes[i];
    if (!jv_has_target(n->op)) continue;
    n->target = n->target & LOCAL_BLOCK ? n->target & ~LOCAL_BLOCK : c->block_of[n->target];
  }
  return JAVM_OK;
out_of_memory:
  jv_link_code_clear(c);
  if (l.too_long) return jv_fail(error, JAVM_UNSUPPORTED, 0, "the program has more than 2^23 instructions");
  return jv_fail_memory(error);
}

void jv_link_code_clear(jv_link_code *c) {
  jv_free_array(c->allocator, c->nodes, c->node_capacity, sizeof *c->nodes);
  jv_free_array(c->allocator, c->blocks, c->block_capacity, sizeof *c->blocks);
  jv_free_array(c->allocator, c->block_of, c->site_count, sizeof *c->block_of);
  jv_free_array(c->allocator, c->entries, c->entry_count, sizeof *c->entries);
  memset(c, 0, sizeof *c);
}
