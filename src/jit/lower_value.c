/*
 * Lowering of the instructions that compute a value from registers and immediates. rdx is free; every other register but
 * the destination is as before at the end, and no sequence faults: division looks at the divisor first. Between push and pop
 * there is no access to guest memory.
 */
#include "jit/lower.h"

#if JV_HAS_RECOMPILER

#define X (&c->x)

/* Guest operands as host registers. */
#define OPERANDS                                                                                                       \
  jv_x64_reg a = jv_host_reg(i->a), b = jv_host_reg(i->b), d = jv_host_reg(i->d);                                      \
  (void)a, (void)b, (void)d

static void move(jv_compiler *c, jv_x64_reg d, jv_x64_reg s) {
  if (d != s) x64_mov(X, 1, d, s);
}

/* What a 32-bit operation has left in d becomes the guest's 64-bit value. */
static void extend(jv_compiler *c, jv_x64_reg d) {
  if (!c->keeps_upper) x64_movsxd(X, d, d);
}

/* ---- two operands ---- */

static void commutative(jv_compiler *c, jv_x64_alu op, jv_x64_reg d, jv_x64_reg a, jv_x64_reg b) {
  if (d == b) b = a;
  else move(c, d, a);
  x64_alu(X, op, 1, d, b);
}

static void add(jv_compiler *c, unsigned w, jv_x64_reg d, jv_x64_reg a, jv_x64_reg b) {
  if (d == a) x64_alu(X, ALU_ADD, w, d, b);
  else if (d == b) x64_alu(X, ALU_ADD, w, d, a);
  else x64_lea_index(X, w, d, a, b, 0, 0);
}

static void sub(jv_compiler *c, unsigned w, jv_x64_reg d, jv_x64_reg a, jv_x64_reg b) {
  if (d == b && d != a) {
    x64_unary(X, UN_NEG, w, d);
    x64_alu(X, ALU_ADD, w, d, a);
    return;
  }
  move(c, d, a);
  x64_alu(X, ALU_SUB, w, d, b);
}

static void mul(jv_compiler *c, unsigned w, jv_x64_reg d, jv_x64_reg a, jv_x64_reg b) {
  if (d == b) b = a;
  else move(c, d, a);
  x64_imul(X, w, d, b);
}

/* d = ~(a op b), or a op ~b. */
static void inverted(jv_compiler *c, jv_x64_alu op, bool result, jv_x64_reg d, jv_x64_reg a, jv_x64_reg b) {
  x64_mov(X, 1, RDX, b);
  if (!result) x64_unary(X, UN_NOT, 1, RDX);
  x64_alu(X, op, 1, RDX, a);
  if (result) x64_unary(X, UN_NOT, 1, RDX);
  x64_mov(X, 1, d, RDX);
}

/* ---- shifts ---- */

/* d = v shifted by the register `by`; v may be rdx. */
static void shift(jv_compiler *c, jv_x64_shift op, unsigned w, jv_x64_reg d, jv_x64_reg v, jv_x64_reg by) {
  if (c->has.bmi2 && op >= SH_SHL) {
    x64_shiftx(X, op, w, d, v, by);
    return;
  }
  if (v != RDX) x64_mov(X, 1, RDX, v);
  if (by != RCX) x64_xchg(X, RCX, by);
  x64_shift_cl(X, op, w, RDX);
  if (by != RCX) x64_xchg(X, RCX, by);
  x64_mov(X, 1, d, RDX);
}

static void shift_imm(jv_compiler *c, jv_x64_shift op, unsigned w, jv_x64_reg d, jv_x64_reg s, uint64_t by) {
  unsigned n = (unsigned)by & (w ? 63 : 31);
  if (op == SH_ROR && c->has.bmi2 && d != s) {
    x64_rorx(X, w, d, s, n);
    return;
  }
  move(c, d, s);
  if (n) x64_shift_imm(X, op, w, d, n);
}

/* ---- comparisons ---- */

static void compare_imm(jv_compiler *c, jv_x64_reg r, uint64_t v) {
  if (v == 0) x64_test(X, 1, r, r);
  else x64_alu_imm(X, ALU_CMP, 1, r, (int32_t)(uint32_t)v);
}

/* d = the condition, after a comparison; the flags stand. */
static void set_after(jv_compiler *c, jv_x64_cond cc, jv_x64_reg d) {
  x64_mov_imm(X, d, 0);
  x64_setcc(X, cc, d);
}

static void set(jv_compiler *c, jv_x64_cond cc, jv_x64_reg d, jv_x64_reg a, jv_x64_reg b) {
  bool apart = d != a && d != b;
  if (apart) x64_alu(X, ALU_XOR, 0, d, d);
  x64_alu(X, ALU_CMP, 1, a, b);
  if (apart) x64_setcc(X, cc, d);
  else set_after(c, cc, d);
}

static void set_imm(jv_compiler *c, jv_x64_cond cc, jv_x64_reg d, jv_x64_reg s, uint64_t v) {
  if (d != s) x64_alu(X, ALU_XOR, 0, d, d);
  compare_imm(c, s, v);
  if (d != s) x64_setcc(X, cc, d);
  else set_after(c, cc, d);
}

/* d = a if a `cc` b, else b. */
static void choose(jv_compiler *c, jv_x64_cond cc, jv_x64_reg d, jv_x64_reg a, jv_x64_reg b) {
  x64_mov(X, 1, RDX, b);
  x64_alu(X, ALU_CMP, 1, a, b);
  x64_cmov(X, cc, RDX, a);
  x64_mov(X, 1, d, RDX);
}

/* ---- multiplication, high half; division ---- */

/* rdx = high half of the product. */
static void mul_high(jv_compiler *c, bool is_signed, jv_x64_reg a, jv_x64_reg b) {
  if (c->has.bmi2 && !is_signed) {
    x64_mov(X, 1, RDX, a);
    x64_mulx(X, RDX, RDX, b);
    return;
  }
  x64_push(X, RAX);
  x64_mov(X, 1, RDX, b);
  move(c, RAX, a);
  x64_unary(X, is_signed ? UN_IMUL : UN_MUL, 1, RDX);
  x64_pop(X, RAX);
}

/* The unsigned one, less b where a is negative. */
static void mul_high_su(jv_compiler *c, jv_x64_reg a, jv_x64_reg b) {
  x64_mov(X, 1, RDX, a);
  x64_shift_imm(X, SH_SAR, 1, RDX, 63);
  x64_alu(X, ALU_AND, 1, RDX, b);
  x64_push(X, RDX);
  mul_high(c, false, a, b);
  x64_alu_load(X, ALU_SUB, 1, RDX, RSP, 0);
  x64_lea(X, 1, RSP, RSP, 8);
}

/* rdx = the quotient or the remainder, of divisors that are not special. */
static void divide_plainly(jv_compiler *c, bool is_signed, bool remainder, unsigned w, jv_x64_reg a, jv_x64_reg b) {
  x64_push(X, RAX);
  move(c, RAX, a);
  if (is_signed) x64_cqo(X, w);
  else x64_alu(X, ALU_XOR, 0, RDX, RDX);
  if (b == RAX) x64_unary_mem(X, is_signed ? UN_IDIV : UN_DIV, w, RSP, 0);
  else x64_unary(X, is_signed ? UN_IDIV : UN_DIV, w, b);
  if (!remainder) x64_mov(X, 1, RDX, RAX);
  x64_pop(X, RAX);
}

static void divide(jv_compiler *c, bool is_signed, bool remainder, unsigned w, jv_x64_reg d, jv_x64_reg a,
                   jv_x64_reg b) {
  uint32_t minus_one = 0, done2 = 0;
  x64_test(X, w, b, b);
  uint32_t zero = x64_jcc_short(X, CC_E);
  if (is_signed) {
    x64_alu_imm(X, ALU_CMP, w, b, -1);
    minus_one = x64_jcc_short(X, CC_E);
  }
  divide_plainly(c, is_signed, remainder, w, a, b);
  uint32_t done = x64_jmp_short(X);
  x64_patch_short(X, zero);
  if (remainder) x64_mov(X, 1, RDX, a);
  else x64_mov_imm(X, RDX, UINT64_MAX);
  if (is_signed) {
    done2 = x64_jmp_short(X);
    x64_patch_short(X, minus_one);
    x64_mov(X, 1, RDX, a);
    if (remainder) x64_alu(X, ALU_XOR, 0, RDX, RDX);
    else x64_unary(X, UN_NEG, w, RDX);
    x64_patch_short(X, done2);
  }
  x64_patch_short(X, done);
  if (w) x64_mov(X, 1, d, RDX);
  else x64_movsxd(X, d, RDX);
}

/* ---- bits ---- */

/* lzcnt and tzcnt, also without them: 64 or 32 for zero. */
static void count_zeros(jv_compiler *c, bool leading, unsigned w, jv_x64_reg d, jv_x64_reg s) {
  if (leading ? c->has.lzcnt : c->has.bmi1) {
    x64_count(X, leading ? 0xbd : 0xbc, w, d, s);
    return;
  }
  unsigned bits = w ? 64 : 32;
  x64_scan(X, leading ? 0xbd : 0xbc, w, RDX, s);
  uint32_t some = x64_jcc_short(X, CC_NE);
  x64_mov_imm(X, RDX, leading ? 2 * bits - 1 : bits);
  x64_patch_short(X, some);
  if (leading) x64_alu_imm(X, ALU_XOR, 0, RDX, (int32_t)bits - 1);
  x64_mov(X, 0, d, RDX);
}

static void add_imm(jv_compiler *c, unsigned w, jv_x64_reg d, jv_x64_reg s, uint64_t v) {
  int32_t imm = (int32_t)(uint32_t)v;
  if (d != s) x64_lea(X, w, d, s, imm);
  else if (imm) x64_alu_imm(X, ALU_ADD, w, d, imm);
}

static void alu_imm(jv_compiler *c, jv_x64_alu op, jv_x64_reg d, jv_x64_reg s, uint64_t v) {
  move(c, d, s);
  x64_alu_imm(X, op, 1, d, (int32_t)(uint32_t)v);
}

static void neg_add(jv_compiler *c, unsigned w, jv_x64_reg d, jv_x64_reg s, uint64_t v) {
  move(c, d, s);
  x64_unary(X, UN_NEG, w, d);
  if (v) x64_alu_imm(X, ALU_ADD, w, d, (int32_t)(uint32_t)v);
}

static void cmov_imm(jv_compiler *c, jv_x64_cond cc, jv_x64_reg d, jv_x64_reg s, uint64_t v) {
  x64_mov_imm(X, RDX, v);
  x64_test(X, 1, s, s);
  x64_cmov(X, cc, d, RDX);
}

/* The immediate, shifted by the register. */
static void shift_alt(jv_compiler *c, jv_x64_shift op, unsigned w, jv_x64_reg d, uint64_t v, jv_x64_reg by) {
  x64_mov_imm(X, RDX, v);
  shift(c, op, w, d, RDX, by);
}

/* ---- the instructions ---- */

/* One switch for all, so that there is one jump to foresee. */
bool jv_lower_value(jv_compiler *c, const jv_decoded *i) {
  OPERANDS;
  uint64_t x = i->x;
  switch (i->op) {
    case JV_OP_add_64: add(c, 1, d, a, b); break;
    case JV_OP_add_32: add(c, 0, d, a, b), extend(c, d); break;
    case JV_OP_sub_64: sub(c, 1, d, a, b); break;
    case JV_OP_sub_32: sub(c, 0, d, a, b), extend(c, d); break;
    case JV_OP_mul_64: mul(c, 1, d, a, b); break;
    case JV_OP_mul_32: mul(c, 0, d, a, b), extend(c, d); break;
    case JV_OP_div_u_32: divide(c, false, false, 0, d, a, b); break;
    case JV_OP_div_s_32: divide(c, true, false, 0, d, a, b); break;
    case JV_OP_rem_u_32: divide(c, false, true, 0, d, a, b); break;
    case JV_OP_rem_s_32: divide(c, true, true, 0, d, a, b); break;
    case JV_OP_div_u_64: divide(c, false, false, 1, d, a, b); break;
    case JV_OP_div_s_64: divide(c, true, false, 1, d, a, b); break;
    case JV_OP_rem_u_64: divide(c, false, true, 1, d, a, b); break;
    case JV_OP_rem_s_64: divide(c, true, true, 1, d, a, b); break;
    case JV_OP_shlo_l_32: shift(c, SH_SHL, 0, d, a, b), extend(c, d); break;
    case JV_OP_shlo_r_32: shift(c, SH_SHR, 0, d, a, b), extend(c, d); break;
    case JV_OP_shar_r_32: shift(c, SH_SAR, 0, d, a, b), extend(c, d); break;
    case JV_OP_shlo_l_64: shift(c, SH_SHL, 1, d, a, b); break;
    case JV_OP_shlo_r_64: shift(c, SH_SHR, 1, d, a, b); break;
    case JV_OP_shar_r_64: shift(c, SH_SAR, 1, d, a, b); break;
    case JV_OP_rot_l_64: shift(c, SH_ROL, 1, d, a, b); break;
    case JV_OP_rot_l_32: shift(c, SH_ROL, 0, d, a, b), extend(c, d); break;
    case JV_OP_rot_r_64: shift(c, SH_ROR, 1, d, a, b); break;
    case JV_OP_rot_r_32: shift(c, SH_ROR, 0, d, a, b), extend(c, d); break;
    case JV_OP_and: commutative(c, ALU_AND, d, a, b); break;
    case JV_OP_xor: commutative(c, ALU_XOR, d, a, b); break;
    case JV_OP_or: commutative(c, ALU_OR, d, a, b); break;
    case JV_OP_and_inv:
      if (c->has.bmi1) x64_andn(X, d, b, a);
      else inverted(c, ALU_AND, false, d, a, b);
      break;
    case JV_OP_or_inv: inverted(c, ALU_OR, false, d, a, b); break;
    case JV_OP_xnor: inverted(c, ALU_XOR, true, d, a, b); break;
    case JV_OP_mul_upper_s_s: mul_high(c, true, a, b), x64_mov(X, 1, d, RDX); break;
    case JV_OP_mul_upper_u_u:
      if (c->has.bmi2) x64_mov(X, 1, RDX, a), x64_mulx(X, d, d, b);
      else mul_high(c, false, a, b), x64_mov(X, 1, d, RDX);
      break;
    case JV_OP_mul_upper_s_u: mul_high_su(c, a, b), x64_mov(X, 1, d, RDX); break;
    case JV_OP_set_lt_u: set(c, CC_B, d, a, b); break;
    case JV_OP_set_lt_s: set(c, CC_L, d, a, b); break;
    case JV_OP_cmov_iz: x64_test(X, 1, b, b), x64_cmov(X, CC_E, d, a); break;
    case JV_OP_cmov_nz: x64_test(X, 1, b, b), x64_cmov(X, CC_NE, d, a); break;
    case JV_OP_max: choose(c, CC_G, d, a, b); break;
    case JV_OP_max_u: choose(c, CC_A, d, a, b); break;
    case JV_OP_min: choose(c, CC_L, d, a, b); break;
    case JV_OP_min_u: choose(c, CC_B, d, a, b); break;
    case JV_OP_add_imm_64: add_imm(c, 1, a, b, x); break;
    case JV_OP_add_imm_32:
      if ((uint32_t)x == 0) {
        if (!c->keeps_upper) x64_movsxd(X, a, b);
        else move(c, a, b);
      } else {
        add_imm(c, 0, a, b, x), extend(c, a);
      }
      break;
    case JV_OP_and_imm: alu_imm(c, ALU_AND, a, b, x); break;
    case JV_OP_xor_imm:
      if (x == UINT64_MAX) move(c, a, b), x64_unary(X, UN_NOT, 1, a);
      else alu_imm(c, ALU_XOR, a, b, x);
      break;
    case JV_OP_or_imm: alu_imm(c, ALU_OR, a, b, x); break;
    case JV_OP_mul_imm_32: x64_imul_imm(X, 0, a, b, (int32_t)(uint32_t)x), extend(c, a); break;
    case JV_OP_mul_imm_64: x64_imul_imm(X, 1, a, b, (int32_t)(uint32_t)x); break;
    case JV_OP_set_lt_u_imm: set_imm(c, CC_B, a, b, x); break;
    case JV_OP_set_lt_s_imm: set_imm(c, CC_L, a, b, x); break;
    case JV_OP_set_gt_u_imm: set_imm(c, CC_A, a, b, x); break;
    case JV_OP_set_gt_s_imm: set_imm(c, CC_G, a, b, x); break;
    case JV_OP_shlo_l_imm_32: shift_imm(c, SH_SHL, 0, a, b, x), extend(c, a); break;
    case JV_OP_shlo_r_imm_32:
      if (x & 31) {
        if (a != b) x64_mov(X, 0, a, b);
        x64_shift_imm(X, SH_SHR, 0, a, x & 31);
      } else {
        x64_movsxd(X, a, b);
      }
      break;
    case JV_OP_shar_r_imm_32:
      x64_movsxd(X, a, b);
      if (x & 31) x64_shift_imm(X, SH_SAR, 1, a, x & 31);
      break;
    case JV_OP_neg_add_imm_32: neg_add(c, 0, a, b, x), extend(c, a); break;
    case JV_OP_neg_add_imm_64: neg_add(c, 1, a, b, x); break;
    case JV_OP_shlo_l_imm_alt_32: shift_alt(c, SH_SHL, 0, a, x, b), extend(c, a); break;
    case JV_OP_shlo_r_imm_alt_32: shift_alt(c, SH_SHR, 0, a, x, b), extend(c, a); break;
    case JV_OP_shar_r_imm_alt_32: shift_alt(c, SH_SAR, 0, a, x, b), extend(c, a); break;
    case JV_OP_shlo_l_imm_alt_64: shift_alt(c, SH_SHL, 1, a, x, b); break;
    case JV_OP_shlo_r_imm_alt_64: shift_alt(c, SH_SHR, 1, a, x, b); break;
    case JV_OP_shar_r_imm_alt_64: shift_alt(c, SH_SAR, 1, a, x, b); break;
    case JV_OP_cmov_iz_imm: cmov_imm(c, CC_E, a, b, x); break;
    case JV_OP_cmov_nz_imm: cmov_imm(c, CC_NE, a, b, x); break;
    case JV_OP_shlo_l_imm_64: shift_imm(c, SH_SHL, 1, a, b, x); break;
    case JV_OP_shlo_r_imm_64: shift_imm(c, SH_SHR, 1, a, b, x); break;
    case JV_OP_shar_r_imm_64: shift_imm(c, SH_SAR, 1, a, b, x); break;
    case JV_OP_rot_r_64_imm: shift_imm(c, SH_ROR, 1, a, b, x); break;
    case JV_OP_rot_r_32_imm: shift_imm(c, SH_ROR, 0, a, b, x), extend(c, a); break;
    case JV_OP_rot_r_64_imm_alt: shift_alt(c, SH_ROR, 1, a, x, b); break;
    case JV_OP_rot_r_32_imm_alt: shift_alt(c, SH_ROR, 0, a, x, b), extend(c, a); break;
    case JV_OP_load_imm:
    case JV_OP_load_imm_64:
      if (x == 0) x64_alu(X, ALU_XOR, 0, a, a);
      else x64_mov_imm(X, a, x);
      break;
    case JV_OP_move_reg: move(c, d, a); break;
    case JV_OP_count_set_bits_64: x64_count(X, 0xb8, 1, d, a); break;
    case JV_OP_count_set_bits_32: x64_count(X, 0xb8, 0, d, a); break;
    case JV_OP_leading_zero_bits_64: count_zeros(c, true, 1, d, a); break;
    case JV_OP_leading_zero_bits_32: count_zeros(c, true, 0, d, a); break;
    case JV_OP_trailing_zero_bits_64: count_zeros(c, false, 1, d, a); break;
    case JV_OP_trailing_zero_bits_32: count_zeros(c, false, 0, d, a); break;
    case JV_OP_sign_extend_8: x64_movsx8(X, d, a); break;
    case JV_OP_sign_extend_16: x64_movsx16(X, d, a); break;
    case JV_OP_zero_extend_16: x64_movzx16(X, d, a); break;
    case JV_OP_reverse_bytes: move(c, d, a), x64_bswap(X, 1, d); break;
    default: return false;
  }
  return true;
}

/* ---- several at once ---- */

static bool same_operands(const jv_decoded *i, const jv_decoded *j) {
  return (i->a == j->a && i->b == j->b) || (i->a == j->b && i->b == j->a);
}

/* Does the instruction overwrite this register without reading it? */
static bool kills(const jv_decoded *i, unsigned r) {
  const jv_op_info *info = &jv_ops[i->op];
  bool reads = ((info->reads & JV_ROLE_A) && i->a == r) || ((info->reads & JV_ROLE_B) && i->b == r) ||
               ((info->reads & JV_ROLE_D) && i->d == r);
  return !reads && (info->writes == JV_ROLE_D ? i->d == r : info->writes == JV_ROLE_A && i->a == r);
}

/* Where the carry flag is what register `carry` is to be: sets it, and lowers w[k] at once if it adds or subtracts it. Returns
 * how many of w are done then. */
static unsigned lower_carry(jv_compiler *c, const jv_decoded *const *w, unsigned count, unsigned k, unsigned carry) {
  const jv_decoded *use = w[k];
  jv_x64_reg flag = jv_host_reg(carry);
  bool adds = k < count && use->op == JV_OP_add_64 && (use->a == carry) != (use->b == carry);
  bool subtracts = k < count && use->op == JV_OP_sub_64 && use->b == carry && use->a != carry;
  if (!adds && !subtracts) {
    set_after(c, CC_B, flag);
    return k;
  }
  jv_x64_reg other = jv_host_reg(use->a == carry ? use->b : use->a), d = jv_host_reg(use->d);
  if (use->d != carry && !(k + 1 < count && kills(w[k + 1], carry))) set_after(c, CC_B, flag);
  move(c, d, other);
  x64_alu_imm(X, adds ? ALU_ADC : ALU_SBB, 1, d, 0);
  return k + 1;
}

/* A sum and its carry: it is less than a summand that it has not replaced. */
static bool is_carry_of(const jv_decoded *sum, const jv_decoded *set) {
  return set->op == JV_OP_set_lt_u && set->a == sum->d && (set->b == sum->a || set->b == sum->b) && set->b != sum->d;
}

static unsigned lower_sum(jv_compiler *c, const jv_decoded *const *w, unsigned count) {
  const jv_decoded *i = w[0];
  OPERANDS;
  if (!is_carry_of(i, w[1])) return 0;
  if (d == b) b = a;
  else move(c, d, a);
  x64_alu(X, ALU_ADD, 1, d, b);
  return lower_carry(c, w, count, 2, w[1]->d);
}

static unsigned lower_comparison(jv_compiler *c, const jv_decoded *const *w, unsigned count) {
  const jv_decoded *i = w[0], *n = w[1];
  OPERANDS;
  bool apart = i->d != i->a && i->d != i->b && i->d != n->d;
  if (n->op == JV_OP_sub_64 && apart && i->a == n->a && i->b == n->b && (n->d == n->a || n->d != n->b)) {
    jv_x64_reg difference = jv_host_reg(n->d); /* and the borrow */
    move(c, difference, a);
    x64_alu(X, ALU_SUB, 1, difference, b);
    return lower_carry(c, w, count, 2, i->d);
  }
  bool uses =
      n->op == JV_OP_add_64 ? (n->a == i->d) != (n->b == i->d) : n->op == JV_OP_sub_64 && n->b == i->d && n->a != i->d;
  if (!uses) return 0;
  x64_alu(X, ALU_CMP, 1, a, b);
  return lower_carry(c, w, count, 1, i->d);
}

/* Both halves of a product. */
static unsigned lower_product(jv_compiler *c, const jv_decoded *i, const jv_decoded *n) {
  OPERANDS;
  jv_x64_reg nd = jv_host_reg(n->d);
  bool low_first = i->op == JV_OP_mul_64, apart = i->d != i->a && i->d != i->b && i->d != n->d;
  if (!c->has.bmi2 || !apart || !same_operands(i, n) || n->op != (low_first ? JV_OP_mul_upper_u_u : JV_OP_mul_64))
    return 0;
  x64_mov(X, 1, RDX, a);
  x64_mulx(X, low_first ? nd : d, low_first ? d : nd, b);
  return 2;
}

/* The upper half of a register cleared. */
static unsigned lower_zero_extension(jv_compiler *c, const jv_decoded *i, const jv_decoded *n) {
  if ((i->x & 63) != 32 || n->op != JV_OP_shlo_r_imm_64 || (n->x & 63) != 32 || n->b != i->a || n->a != i->a) return 0;
  x64_mov(X, 0, jv_host_reg(i->a), jv_host_reg(i->b));
  return 2;
}

unsigned jv_lower_group(jv_compiler *c, const jv_decoded *const *w, unsigned count) {
  if (count < 2) return 0;
  switch (w[0]->op) {
    case JV_OP_add_64: return lower_sum(c, w, count);
    case JV_OP_set_lt_u: return lower_comparison(c, w, count);
    case JV_OP_mul_64:
    case JV_OP_mul_upper_u_u: return lower_product(c, w[0], w[1]);
    case JV_OP_shlo_l_imm_64: return lower_zero_extension(c, w[0], w[1]);
    default: return 0;
  }
}

/* ---- what reads lower halves only ---- */

const bool jv_reads_lower[256] = {
    [JV_OP_add_32] = true,        [JV_OP_sub_32] = true,         [JV_OP_mul_32] = true,
    [JV_OP_shlo_l_32] = true,     [JV_OP_shlo_r_32] = true,      [JV_OP_shar_r_32] = true,
    [JV_OP_rot_l_32] = true,      [JV_OP_rot_r_32] = true,       [JV_OP_add_imm_32] = true,
    [JV_OP_mul_imm_32] = true,    [JV_OP_shlo_l_imm_32] = true,  [JV_OP_shlo_r_imm_32] = true,
    [JV_OP_shar_r_imm_32] = true, [JV_OP_neg_add_imm_32] = true, [JV_OP_rot_r_32_imm] = true,
    [JV_OP_sign_extend_8] = true, [JV_OP_sign_extend_16] = true, [JV_OP_zero_extend_16] = true,
};

#else

typedef int jv_no_values; /* an empty file is not C */

#endif
