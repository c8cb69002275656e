/* What instructions do in the corners that 1-machine.md 1.3 names. (tests/vectors covers every instruction.) */
#include "support/program.h"

#define MINUS_1 UINT64_MAX
#define SX32(v) ((uint64_t)(int64_t)(int32_t)(v))
#define INT32_LOW UINT64_C(0xffffffff80000000) /* INT32_MIN, sign-extended */
#define INT64_LOW UINT64_C(0x8000000000000000)

enum { DATA = 0x20000 };

/* Runs one instruction and a trap, with φ[1] = a, φ[2] = b, φ[3] = d before; the registers stay in t. */
static void run_one(test_run *t, const uint8_t *bytes, size_t count, uint64_t a, uint64_t b, uint64_t d) {
  test_clear(t);
  test_put(t, bytes, count);
  put(t, JV_OP_trap);
  test_load(t, JAVM_GAS_PIPELINE);
  test_map(t, DATA, 4096, JAVM_ACCESS_WRITE);
  test_poke(t, DATA, UINT64_C(0x8786858483828180), 8);
  t->regs[1] = a;
  t->regs[2] = b;
  t->regs[3] = d;
  expect_exit(t, JAVM_EXIT_TRAP, count);
}
#define RUN(t, a, b, d, ...) run_one(t, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), a, b, d)

/* φ[3] = φ[1] op φ[2]. */
static uint64_t rrr(test_run *t, uint8_t op, uint64_t a, uint64_t b) {
  RUN(t, a, b, 0x5555, op, REGS(1, 2), 3);
  return t->regs[3];
}
/* φ[1] = φ[2] op x. */
static uint64_t rri(test_run *t, uint8_t op, uint64_t b, int32_t x) {
  RUN(t, 0x5555, b, 0, op, REGS(1, 2), LE4(x));
  return t->regs[1];
}
/* φ[1] = op φ[2]. */
static uint64_t rr(test_run *t, uint8_t op, uint64_t a) {
  RUN(t, 0x5555, a, 0, op, REGS(1, 2));
  return t->regs[1];
}
#define same(actual, expected) assert_int_equal((actual), (uint64_t)(expected))

/* ---- division ---- */

static void division_by_zero_gives_2_to_64_minus_1(void **state) {
  test_run *t = *state;
  same(rrr(t, JV_OP_div_u_32, 7, 0), MINUS_1);
  same(rrr(t, JV_OP_div_s_32, 7, 0), MINUS_1);
  same(rrr(t, JV_OP_div_u_64, 7, 0), MINUS_1);
  same(rrr(t, JV_OP_div_s_64, INT64_LOW, 0), MINUS_1);
}

static void a_32_bit_divisor_is_zero_if_its_low_32_bits_are(void **state) {
  test_run *t = *state;
  same(rrr(t, JV_OP_div_u_32, 7, UINT64_C(1) << 32), MINUS_1);
  same(rrr(t, JV_OP_div_s_32, 7, UINT64_C(1) << 32), MINUS_1);
  same(rrr(t, JV_OP_rem_u_32, 0x80000007, UINT64_C(1) << 32), SX32(0x80000007));
  same(rrr(t, JV_OP_rem_s_32, 0x80000007, UINT64_C(1) << 32), SX32(0x80000007));
}

static void the_lowest_number_divided_by_minus_1_is_itself(void **state) {
  test_run *t = *state;
  same(rrr(t, JV_OP_div_s_32, 0x80000000, 0xffffffff), INT32_LOW);
  same(rrr(t, JV_OP_div_s_64, INT64_LOW, MINUS_1), INT64_LOW);
}

static void the_remainder_by_zero_is_the_dividend_sign_extended_in_32_bits(void **state) {
  test_run *t = *state;
  same(rrr(t, JV_OP_rem_u_32, UINT64_C(0x1234567890000000), 0), UINT64_C(0xffffffff90000000));
  same(rrr(t, JV_OP_rem_s_32, UINT64_C(0x1234567890000000), 0), UINT64_C(0xffffffff90000000));
  same(rrr(t, JV_OP_rem_u_64, UINT64_C(0x1234567890000000), 0), UINT64_C(0x1234567890000000));
  same(rrr(t, JV_OP_rem_s_64, INT64_LOW, 0), INT64_LOW);
}

static void the_remainder_of_the_lowest_number_by_minus_1_is_0(void **state) {
  test_run *t = *state;
  same(rrr(t, JV_OP_rem_s_32, 0x80000000, 0xffffffff), 0);
  same(rrr(t, JV_OP_rem_s_64, INT64_LOW, MINUS_1), 0);
}

static void signed_division_rounds_towards_zero_and_the_remainder_has_the_dividends_sign(void **state) {
  test_run *t = *state;
  same(rrr(t, JV_OP_div_s_64, (uint64_t)-7, 2), -3);
  same(rrr(t, JV_OP_rem_s_64, (uint64_t)-7, 2), -1);
  same(rrr(t, JV_OP_rem_s_64, 7, (uint64_t)-2), 1);
  same(rrr(t, JV_OP_div_s_32, 0xfffffff9, 2), -3);
  same(rrr(t, JV_OP_rem_s_32, 0xfffffff9, 2), -1);
}

static void unsigned_32_bit_results_are_sign_extended_too(void **state) {
  test_run *t = *state;
  same(rrr(t, JV_OP_div_u_32, 0xfffffffe, 1), -2);
  same(rrr(t, JV_OP_rem_u_32, 0xfffffffe, 0xffffffff), -2);
  same(rrr(t, JV_OP_shlo_r_32, 0xfffffffe, 0), -2);
}

/* ---- 32-bit arithmetic ---- */

static void arithmetic_of_32_bits_takes_low_halves_and_sign_extends(void **state) {
  test_run *t = *state;
  uint64_t high = UINT64_C(0xdead0000) << 32;
  same(rrr(t, JV_OP_add_32, high | 0x7fffffff, 1), INT32_LOW);
  same(rrr(t, JV_OP_sub_32, high, 1), MINUS_1);
  same(rrr(t, JV_OP_mul_32, high | 0x10001, 0x8000), INT32_LOW + 0x8000);
  same(rri(t, JV_OP_add_imm_32, high | 0x7fffffff, 1), INT32_LOW);
  same(rri(t, JV_OP_mul_imm_32, high | 0x40000000, 2), INT32_LOW);
  same(rri(t, JV_OP_neg_add_imm_32, high | 1, INT32_MIN), 0x7fffffff);
}

static void arithmetic_of_64_bits_wraps(void **state) {
  test_run *t = *state;
  same(rrr(t, JV_OP_add_64, MINUS_1, 2), 1);
  same(rrr(t, JV_OP_sub_64, 0, 1), MINUS_1);
  same(rrr(t, JV_OP_mul_64, UINT64_C(1) << 63, 3), INT64_LOW);
  same(rri(t, JV_OP_add_imm_64, 1, -2), MINUS_1);
  same(rri(t, JV_OP_mul_imm_64, 3, -1), -3);
}

static void neg_add_subtracts_the_register_from_the_immediate(void **state) {
  test_run *t = *state;
  same(rri(t, JV_OP_neg_add_imm_64, 10, 3), -7);
  same(rri(t, JV_OP_neg_add_imm_64, 10, -1), -11);
  same(rri(t, JV_OP_neg_add_imm_32, 10, 3), -7);
}

static void mul_upper_is_the_high_half_of_the_128_bit_product(void **state) {
  test_run *t = *state;
  same(rrr(t, JV_OP_mul_upper_s_s, MINUS_1, MINUS_1), 0); /* -1 * -1 = 1 */
  same(rrr(t, JV_OP_mul_upper_s_s, MINUS_1, 1), MINUS_1);
  same(rrr(t, JV_OP_mul_upper_s_s, INT64_LOW, INT64_LOW), UINT64_C(1) << 62);
  same(rrr(t, JV_OP_mul_upper_u_u, MINUS_1, MINUS_1), MINUS_1 - 1); /* 2^128 - 2^65 + 1 */
  same(rrr(t, JV_OP_mul_upper_s_u, MINUS_1, MINUS_1), MINUS_1);     /* -(2^64 - 1) = 2^128 - 2^64 + 1 */
  same(rrr(t, JV_OP_mul_upper_s_u, 2, MINUS_1), 1);                 /* 2^65 - 2 */
}

/* ---- shifts and rotations ---- */

static void a_64_bit_shift_is_by_the_register_mod_64(void **state) {
  test_run *t = *state;
  same(rrr(t, JV_OP_shlo_l_64, 1, 65), 2);
  same(rrr(t, JV_OP_shlo_l_64, 5, 64), 5);
  same(rrr(t, JV_OP_shlo_r_64, INT64_LOW, MINUS_1), 1);
  same(rrr(t, JV_OP_shar_r_64, INT64_LOW, 64 + 63), MINUS_1);
}

static void a_32_bit_shift_is_by_the_register_mod_32(void **state) {
  test_run *t = *state;
  same(rrr(t, JV_OP_shlo_l_32, 1, 63), INT32_LOW);
  same(rrr(t, JV_OP_shlo_l_32, 5, 32), 5);
  same(rrr(t, JV_OP_shlo_r_32, UINT64_C(0xff80000000), 32 + 31), 1);
  same(rrr(t, JV_OP_shar_r_32, 0x80000000, MINUS_1), MINUS_1);
}

static void a_shift_by_an_immediate_is_mod_the_width(void **state) {
  test_run *t = *state;
  same(rri(t, JV_OP_shlo_l_imm_64, 1, 65), 2);
  same(rri(t, JV_OP_shlo_r_imm_64, INT64_LOW, -1), 1);
  same(rri(t, JV_OP_shar_r_imm_64, INT64_LOW, 127), MINUS_1);
  same(rri(t, JV_OP_shlo_l_imm_32, 1, 33), 2);
  same(rri(t, JV_OP_shlo_r_imm_32, 0x80000000, -1), 1);
  same(rri(t, JV_OP_shar_r_imm_32, 0x80000000, 31 + 32), MINUS_1);
}

static void the_alternative_shifts_shift_the_immediate_by_the_register(void **state) {
  test_run *t = *state;
  same(rri(t, JV_OP_shlo_l_imm_alt_64, 65, 3), 6);
  same(rri(t, JV_OP_shlo_r_imm_alt_64, 60, -1), 15); /* the immediate is sign-extended to 64 bits first */
  same(rri(t, JV_OP_shar_r_imm_alt_64, 64 + 8, -256), -1);
  same(rri(t, JV_OP_shlo_l_imm_alt_32, 33, 0x40000000), INT32_LOW);
  same(rri(t, JV_OP_shlo_r_imm_alt_32, 28, -1), 15);
  same(rri(t, JV_OP_shar_r_imm_alt_32, 32 + 4, -32), -2);
}

static void rotations_of_64_bits_are_by_the_count_mod_64(void **state) {
  test_run *t = *state;
  uint64_t v = UINT64_C(0x0123456789abcdef);
  same(rrr(t, JV_OP_rot_l_64, v, 4), UINT64_C(0x123456789abcdef0));
  same(rrr(t, JV_OP_rot_l_64, v, 64 + 8), UINT64_C(0x23456789abcdef01));
  same(rrr(t, JV_OP_rot_r_64, v, 4), UINT64_C(0xf0123456789abcde));
  same(rrr(t, JV_OP_rot_r_64, v, 0), v);
  same(rrr(t, JV_OP_rot_r_64, v, 64), v);
  same(rri(t, JV_OP_rot_r_64_imm, v, 64 + 4), UINT64_C(0xf0123456789abcde));
  same(rri(t, JV_OP_rot_r_64_imm_alt, 4, 0x1f), UINT64_C(0xf000000000000001));
}

static void rotations_of_32_bits_sign_extend(void **state) {
  test_run *t = *state;
  same(rrr(t, JV_OP_rot_l_32, UINT64_C(0xffff000040000000), 1), INT32_LOW);
  same(rrr(t, JV_OP_rot_l_32, 0x80000001, 32), SX32(0x80000001));
  same(rrr(t, JV_OP_rot_r_32, 1, 1), INT32_LOW);
  same(rrr(t, JV_OP_rot_r_32, 1, 33), INT32_LOW);
  same(rri(t, JV_OP_rot_r_32_imm, UINT64_C(0xffff000000000001), 1), INT32_LOW);
  same(rri(t, JV_OP_rot_r_32_imm_alt, 1, 1), INT32_LOW);
}

/* ---- comparisons, moves, bits ---- */

static void unsigned_comparisons_take_the_sign_extended_immediate_as_unsigned(void **state) {
  test_run *t = *state;
  same(rri(t, JV_OP_set_lt_u_imm, UINT64_C(0xffffffff), -1), 1);
  same(rri(t, JV_OP_set_lt_u_imm, MINUS_1, -1), 0);
  same(rri(t, JV_OP_set_gt_u_imm, MINUS_1, -2), 1);
  same(rri(t, JV_OP_set_gt_u_imm, 5, -1), 0);
}

static void signed_comparisons_take_both_sides_as_signed(void **state) {
  test_run *t = *state;
  same(rri(t, JV_OP_set_lt_s_imm, MINUS_1, 0), 1);
  same(rri(t, JV_OP_set_gt_s_imm, 0, -1), 1);
  same(rrr(t, JV_OP_set_lt_s, MINUS_1, 0), 1);
  same(rrr(t, JV_OP_set_lt_u, MINUS_1, 0), 0);
  same(rrr(t, JV_OP_set_lt_s, 4, 4), 0);
}

static void a_conditional_move_leaves_the_destination_where_the_condition_fails(void **state) {
  test_run *t = *state;
  same(rrr(t, JV_OP_cmov_iz, 7, 0), 7);
  same(rrr(t, JV_OP_cmov_iz, 7, UINT64_C(1) << 40), 0x5555);
  same(rrr(t, JV_OP_cmov_nz, 7, UINT64_C(1) << 40), 7);
  same(rrr(t, JV_OP_cmov_nz, 7, 0), 0x5555);
  same(rri(t, JV_OP_cmov_iz_imm, 0, -7), -7);
  same(rri(t, JV_OP_cmov_iz_imm, 1, -7), 0x5555);
  same(rri(t, JV_OP_cmov_nz_imm, 1, -7), -7);
  same(rri(t, JV_OP_cmov_nz_imm, 0, -7), 0x5555);
}

static void min_and_max_differ_by_sign(void **state) {
  test_run *t = *state;
  same(rrr(t, JV_OP_max, MINUS_1, 1), 1);
  same(rrr(t, JV_OP_max_u, MINUS_1, 1), MINUS_1);
  same(rrr(t, JV_OP_min, MINUS_1, 1), MINUS_1);
  same(rrr(t, JV_OP_min_u, MINUS_1, 1), 1);
}

static void the_inverted_operations_invert_their_second_operand(void **state) {
  test_run *t = *state;
  same(rrr(t, JV_OP_and_inv, 0xff, 0x0f), 0xf0);
  same(rrr(t, JV_OP_or_inv, 1, 0xff), ~UINT64_C(0xfe));
  same(rrr(t, JV_OP_xnor, 0xf0, 0xff), ~UINT64_C(0x0f));
  same(rri(t, JV_OP_and_imm, MINUS_1, -16), -16);
  same(rri(t, JV_OP_or_imm, 1, -16), -15);
  same(rri(t, JV_OP_xor_imm, 1, -1), -2);
}

static void counting_zero_bits_of_zero_gives_the_width(void **state) {
  test_run *t = *state;
  same(rr(t, JV_OP_leading_zero_bits_64, 0), 64);
  same(rr(t, JV_OP_leading_zero_bits_32, 0), 32);
  same(rr(t, JV_OP_trailing_zero_bits_64, 0), 64);
  same(rr(t, JV_OP_trailing_zero_bits_32, 0), 32);
}

static void counts_of_32_bits_look_at_the_low_half_only(void **state) {
  test_run *t = *state;
  uint64_t v = UINT64_C(0xffffffff00000000);
  same(rr(t, JV_OP_leading_zero_bits_32, v), 32);
  same(rr(t, JV_OP_trailing_zero_bits_32, v), 32);
  same(rr(t, JV_OP_count_set_bits_32, v | 3), 2);
  same(rr(t, JV_OP_count_set_bits_64, v | 3), 34);
  same(rr(t, JV_OP_leading_zero_bits_64, v >> 1), 1);
  same(rr(t, JV_OP_trailing_zero_bits_64, v), 32);
}

static void extensions_take_the_low_bits(void **state) {
  test_run *t = *state;
  same(rr(t, JV_OP_sign_extend_8, 0x1280), -128);
  same(rr(t, JV_OP_sign_extend_8, 0xff7f), 127);
  same(rr(t, JV_OP_sign_extend_16, 0x128000), -32768);
  same(rr(t, JV_OP_zero_extend_16, MINUS_1), 0xffff);
  same(rr(t, JV_OP_reverse_bytes, UINT64_C(0x0102030405060708)), UINT64_C(0x0807060504030201));
  same(rr(t, JV_OP_move_reg, INT64_LOW), INT64_LOW);
}

static void load_imm_sign_extends(void **state) {
  test_run *t = *state;
  RUN(t, 0, 0, 0, JV_OP_load_imm, 1, 0x80);
  same(t->regs[1], -128);
}

/* ---- memory operands ---- */

static void loads_extend_as_their_names_say(void **state) {
  test_run *t = *state;
  static const struct {
    uint8_t absolute, indirect;
    uint64_t value;
  } cases[] = {
      {JV_OP_load_u8, JV_OP_load_ind_u8, 0x80},
      {JV_OP_load_i8, JV_OP_load_ind_i8, UINT64_C(0xffffffffffffff80)},
      {JV_OP_load_u16, JV_OP_load_ind_u16, 0x8180},
      {JV_OP_load_i16, JV_OP_load_ind_i16, UINT64_C(0xffffffffffff8180)},
      {JV_OP_load_u32, JV_OP_load_ind_u32, 0x83828180},
      {JV_OP_load_i32, JV_OP_load_ind_i32, UINT64_C(0xffffffff83828180)},
      {JV_OP_load_u64, JV_OP_load_ind_u64, UINT64_C(0x8786858483828180)},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    RUN(t, 0, 0, 0, cases[i].absolute, 1, LE4(DATA));
    same(t->regs[1], cases[i].value);
    RUN(t, 0, DATA + 5, 0, cases[i].indirect, REGS(1, 2), 0xfb);
    same(t->regs[1], cases[i].value);
  }
}

/* What is at DATA after one store, all 8 bytes of it. */
static void stores_change_as_many_bytes_as_their_names_say(void **state) {
  test_run *t = *state;
  static const uint64_t mask[] = {0xff, 0xffff, 0xffffffff, UINT64_MAX};
  uint64_t before = UINT64_C(0x8786858483828180), v = UINT64_C(0x1122334455667788), y = (uint64_t)-2;
  for (unsigned i = 0; i < 4; i++) {
    RUN(t, v, 0, 0, (uint8_t)(JV_OP_store_u8 + i), 1, LE4(DATA));
    same(test_peek(t, DATA, 8), (before & ~mask[i]) | (v & mask[i]));
    RUN(t, v, DATA + 1, 0, (uint8_t)(JV_OP_store_ind_u8 + i), REGS(1, 2), 0xff);
    same(test_peek(t, DATA, 8), (before & ~mask[i]) | (v & mask[i]));
    RUN(t, 0, 0, 0, (uint8_t)(JV_OP_store_imm_u8 + i), 4, LE4(DATA), 0xfe);
    same(test_peek(t, DATA, 8), (before & ~mask[i]) | (y & mask[i]));
    RUN(t, DATA - 0x100, 0, 0, (uint8_t)(JV_OP_store_imm_ind_u8 + i), REGS(1, 2), LE2(0x100), 0xfe);
    same(test_peek(t, DATA, 8), (before & ~mask[i]) | (y & mask[i]));
  }
}

static void addresses_are_taken_mod_2_32(void **state) {
  test_run *t = *state;
  RUN(t, 0, (UINT64_C(0x1234) << 32) + DATA, 0, JV_OP_load_ind_u8, REGS(1, 2));
  same(t->regs[1], 0x80);
  RUN(t, 0, (UINT64_C(1) << 32) - 1, 0, JV_OP_load_ind_u8, REGS(1, 2), LE4(DATA + 2));
  same(t->regs[1], 0x81);
  RUN(t, 0, 0, 0, JV_OP_load_u8, 1, LE4(DATA)); /* and an immediate from 2^31 on is sign-extended, then cut again */
  same(t->regs[1], 0x80);
  test_clear(t);
  put(t, JV_OP_load_u8, 1, LE4(0xfffff000));
  put(t, JV_OP_trap);
  test_load(t, JAVM_GAS_PIPELINE);
  test_map(t, 0xfffff000, 4096, JAVM_ACCESS_READ);
  test_poke(t, 0xfffff000, 0x42, 1);
  expect_exit(t, JAVM_EXIT_TRAP, 6);
  same(t->regs[1], 0x42);
}

/* ---- jumps and branches ---- */

/* Does this branch, whose last byte is to be the offset, go to the second trap? */
static bool is_taken(test_run *t, const uint8_t *bytes, size_t count, uint64_t a, uint64_t b) {
  test_clear(t);
  test_put(t, bytes, count);
  put(t, JV_OP_trap);
  uint32_t target = put(t, JV_OP_trap);
  t->code[count - 1] = (uint8_t)target;
  for (javm_gas_model model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_INSTRUCTION; model += JAVM_GAS_INSTRUCTION) {
    test_load(t, model);
    t->regs[1] = a;
    t->regs[2] = b;
    assert_int_equal(test_run_on(t), JAVM_EXIT_TRAP);
  }
  assert_true(javm_machine_pc(t->machine) == target || javm_machine_pc(t->machine) == count);
  return javm_machine_pc(t->machine) == target;
}

/* For a below, equal to and above b, in the sense of the branch: the low three bits say when it is taken. */
enum { LT = 1, EQ = 2, GT = 4 };

static void branches_on_an_immediate_compare_as_their_names_say(void **state) {
  static const struct {
    uint8_t op, taken;
    bool is_signed;
  } cases[] = {
      {JV_OP_branch_eq_imm, EQ, true},         {JV_OP_branch_ne_imm, LT | GT, true},
      {JV_OP_branch_lt_u_imm, LT, false},      {JV_OP_branch_le_u_imm, LT | EQ, false},
      {JV_OP_branch_ge_u_imm, GT | EQ, false}, {JV_OP_branch_gt_u_imm, GT, false},
      {JV_OP_branch_lt_s_imm, LT, true},       {JV_OP_branch_le_s_imm, LT | EQ, true},
      {JV_OP_branch_ge_s_imm, GT | EQ, true},  {JV_OP_branch_gt_s_imm, GT, true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t bytes[] = {cases[i].op, REGS(1, 1), 0xfe, 0}; /* X = -2 */
    uint8_t taken = cases[i].taken;
    assert_int_equal(is_taken(*state, bytes, 4, (uint64_t)-3, 0), (taken & LT) != 0);
    assert_int_equal(is_taken(*state, bytes, 4, (uint64_t)-2, 0), (taken & EQ) != 0);
    assert_int_equal(is_taken(*state, bytes, 4, (uint64_t)-1, 0), (taken & GT) != 0);
    assert_int_equal(is_taken(*state, bytes, 4, 1, 0), (taken & (cases[i].is_signed ? GT : LT)) != 0);
    assert_int_equal(is_taken(*state, bytes, 4, 0xfffffffe, 0), (taken & (cases[i].is_signed ? GT : LT)) != 0);
  }
}

static void branches_on_two_registers_compare_as_their_names_say(void **state) {
  static const struct {
    uint8_t op, taken;
    bool is_signed;
  } cases[] = {
      {JV_OP_branch_eq, EQ, true},   {JV_OP_branch_ne, LT | GT, true},    {JV_OP_branch_lt_u, LT, false},
      {JV_OP_branch_lt_s, LT, true}, {JV_OP_branch_ge_u, GT | EQ, false}, {JV_OP_branch_ge_s, GT | EQ, true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t bytes[] = {cases[i].op, REGS(1, 2), 0};
    uint8_t taken = cases[i].taken;
    assert_int_equal(is_taken(*state, bytes, 3, (uint64_t)-3, (uint64_t)-2), (taken & LT) != 0);
    assert_int_equal(is_taken(*state, bytes, 3, 9, 9), (taken & EQ) != 0);
    assert_int_equal(is_taken(*state, bytes, 3, 10, 9), (taken & GT) != 0);
    assert_int_equal(is_taken(*state, bytes, 3, 1, (uint64_t)-2), (taken & (cases[i].is_signed ? GT : LT)) != 0);
  }
}

static void load_imm_jump_writes_the_register_then_jumps(void **state) {
  test_run *t = *state;
  put(t, JV_OP_load_imm_jump, REGS(1, 1), 0xf9, 5);
  put(t, JV_OP_trap);
  put(t, JV_OP_trap);
  EACH_MODEL(t, model) {
    expect_exit(t, JAVM_EXIT_TRAP, 5);
    same(t->regs[1], -7);
  }
}

static void the_write_of_load_imm_jump_stands_where_the_jump_is_a_panic(void **state) {
  test_run *t = *state;
  put(t, JV_OP_load_imm_jump, REGS(1, 1), 0xf9, 2);
  put(t, JV_OP_trap);
  EACH_MODEL(t, model) {
    expect_exit(t, JAVM_EXIT_PANIC, 0);
    same(t->regs[1], -7);
  }
}

static void load_imm_jump_ind_reads_its_address_before_it_writes(void **state) {
  test_run *t = *state;
  put(t, JV_OP_load_imm_jump_ind, REGS(1, 1), 1, 9, 2); /* φ[1] = 9, go to entry (φ[1] + 2) / 2 - 1 */
  put(t, JV_OP_trap);
  uint32_t second = put(t, JV_OP_trap);
  t->jumps[0] = 5;
  t->jumps[1] = second;
  t->jump_count = 2;
  EACH_MODEL(t, model) {
    t->regs[1] = 2;
    expect_exit(t, JAVM_EXIT_TRAP, second);
    same(t->regs[1], 9);
  }
}

static void the_write_of_load_imm_jump_ind_stands_where_the_jump_is_a_panic_or_a_halt(void **state) {
  test_run *t = *state;
  put(t, JV_OP_load_imm_jump_ind, REGS(1, 2), 1, 9);
  EACH_MODEL(t, model) {
    expect_exit(t, JAVM_EXIT_PANIC, 0);
    same(t->regs[1], 9);
    t->regs[1] = 0;
    t->regs[2] = 0xffff0000;
    expect_exit(t, JAVM_EXIT_HALT, 0);
    same(t->regs[1], 9);
  }
}

static void jump_ind_adds_its_immediate_mod_2_32(void **state) {
  test_run *t = *state;
  put(t, JV_OP_jump_ind, 1, 3);
  uint32_t target = put(t, JV_OP_trap);
  t->jumps[0] = target;
  t->jump_count = 1;
  EACH_MODEL(t, model) {
    t->regs[1] = UINT64_C(0xabcdef01ffffffff); /* + 3 = 2: the first entry */
    expect_exit(t, JAVM_EXIT_TRAP, target);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      test_case(division_by_zero_gives_2_to_64_minus_1),
      test_case(a_32_bit_divisor_is_zero_if_its_low_32_bits_are),
      test_case(the_lowest_number_divided_by_minus_1_is_itself),
      test_case(the_remainder_by_zero_is_the_dividend_sign_extended_in_32_bits),
      test_case(the_remainder_of_the_lowest_number_by_minus_1_is_0),
      test_case(signed_division_rounds_towards_zero_and_the_remainder_has_the_dividends_sign),
      test_case(unsigned_32_bit_results_are_sign_extended_too),
      test_case(arithmetic_of_32_bits_takes_low_halves_and_sign_extends),
      test_case(arithmetic_of_64_bits_wraps),
      test_case(neg_add_subtracts_the_register_from_the_immediate),
      test_case(mul_upper_is_the_high_half_of_the_128_bit_product),
      test_case(a_64_bit_shift_is_by_the_register_mod_64),
      test_case(a_32_bit_shift_is_by_the_register_mod_32),
      test_case(a_shift_by_an_immediate_is_mod_the_width),
      test_case(the_alternative_shifts_shift_the_immediate_by_the_register),
      test_case(rotations_of_64_bits_are_by_the_count_mod_64),
      test_case(rotations_of_32_bits_sign_extend),
      test_case(unsigned_comparisons_take_the_sign_extended_immediate_as_unsigned),
      test_case(signed_comparisons_take_both_sides_as_signed),
      test_case(a_conditional_move_leaves_the_destination_where_the_condition_fails),
      test_case(min_and_max_differ_by_sign),
      test_case(the_inverted_operations_invert_their_second_operand),
      test_case(counting_zero_bits_of_zero_gives_the_width),
      test_case(counts_of_32_bits_look_at_the_low_half_only),
      test_case(extensions_take_the_low_bits),
      test_case(load_imm_sign_extends),
      test_case(loads_extend_as_their_names_say),
      test_case(stores_change_as_many_bytes_as_their_names_say),
      test_case(addresses_are_taken_mod_2_32),
      test_case(branches_on_an_immediate_compare_as_their_names_say),
      test_case(branches_on_two_registers_compare_as_their_names_say),
      test_case(load_imm_jump_writes_the_register_then_jumps),
      test_case(the_write_of_load_imm_jump_stands_where_the_jump_is_a_panic),
      test_case(load_imm_jump_ind_reads_its_address_before_it_writes),
      test_case(the_write_of_load_imm_jump_ind_stands_where_the_jump_is_a_panic_or_a_halt),
      test_case(jump_ind_adds_its_immediate_mod_2_32),
  };
  return cmocka_run_group_tests_name("instructions", tests, NULL, NULL);
}
