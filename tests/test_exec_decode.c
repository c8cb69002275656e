/* Decoding and the numbers of the instruction sets: 1-machine.md 1.2 and its table of sets. */
#include "support/program.h"

static jv_decoded decode(const test_run *t, uint32_t pc) {
  javm_code code = test_code(t);
  jv_decoded d;
  jv_decode(&code, pc, &d);
  return d;
}

/* The numbers of 1.2's table of formats. */
static bool is_number(unsigned n) {
  return n <= 3 || n == 10 || n == 20 || (n >= 30 && n <= 33) || n == 40 || (n >= 50 && n <= 62) ||
         (n >= 70 && n <= 73) || (n >= 80 && n <= 90) || (n >= 100 && n <= 111) || (n >= 120 && n <= 161) ||
         (n >= 170 && n <= 175) || n == 180 || (n >= 190 && n <= 230);
}

/* ---- skip ---- */

static void skip_is_the_distance_to_the_next_marked_byte(void **state) {
  test_run *t = *state;
  uint32_t a = put(t, 1), b = put(t, 51, 1, 9), c = put(t, 20, 1, 1, 2, 3, 4, 5, 6, 7, 8);
  put(t, 0);
  assert_int_equal(decode(t, a).skip, 0);
  assert_int_equal(decode(t, b).skip, 2);
  assert_int_equal(decode(t, c).skip, 9);
  assert_int_equal(decode(t, c).op, JV_OP_load_imm_64);
}

static void skip_is_24_at_most(void **state) {
  test_run *t = *state;
  uint8_t bytes[30] = {51, 1, 7};
  test_put(t, bytes, 24); /* the next mark is at pc + 1 + 23 */
  test_put(t, bytes, 25);
  test_put(t, bytes, 26);
  put(t, 0);
  assert_int_equal(decode(t, 0).skip, 23);
  assert_int_equal(decode(t, 24).skip, 24);
  assert_int_equal(decode(t, 49).skip, 24);
}

static void bitmask_past_the_end_of_the_code_reads_as_ones(void **state) {
  test_run *t = *state;
  put(t, 51, 1, 0x7f); /* the rest of the bitmask's only byte is zero bits */
  jv_decoded d = decode(t, 0);
  assert_int_equal(d.skip, 2);
  assert_int_equal(d.x, 0x7f);
}

static void code_past_its_end_reads_as_zeros(void **state) {
  test_run *t = *state;
  put(t, 20, 3, 0xff, 0xff); /* 6 of the 8 bytes of the immediate are missing */
  jv_decoded d = decode(t, 0);
  assert_int_equal(d.a, 3);
  assert_int_equal(d.x, 0xffff);
  test_clear(t);
  put(t, 200, REGS(5, 6)); /* the third byte is missing: rD is 0 */
  d = decode(t, 0);
  assert_int_equal(d.a, 5);
  assert_int_equal(d.b, 6);
  assert_int_equal(d.d, 0);
  test_clear(t);
  put(t, 100); /* both registers are missing */
  d = decode(t, 0);
  assert_int_equal(d.op, JV_OP_move_reg);
  assert_int_equal(d.a, 0);
  assert_int_equal(d.d, 0);
}

static void an_opcode_past_the_end_of_the_code_is_a_trap(void **state) {
  test_run *t = *state;
  put(t, 1);
  assert_int_equal(decode(t, 1).op, JV_OP_trap);
  assert_int_equal(decode(t, UINT32_MAX).op, JV_OP_trap);
}

static void an_offset_without_a_mark_is_invalid(void **state) {
  test_run *t = *state;
  put(t, 51, 1, 1);
  assert_int_equal(decode(t, 1).op, JV_OP_INVALID);
  assert_int_equal(decode(t, 2).op, JV_OP_INVALID);
}

/* ---- immediates ---- */

static void an_immediate_is_little_endian_and_sign_extended_from_its_width(void **state) {
  test_run *t = *state;
  uint32_t none = put(t, 51, 1), one = put(t, 51, 1, 0x80), plus = put(t, 51, 1, 0x7f), two = put(t, 51, 1, 0x34, 0x92),
           three = put(t, 51, 1, 1, 2, 0x83), four = put(t, 51, 1, 1, 2, 3, 0x84);
  put(t, 0);
  assert_int_equal(decode(t, none).x, 0);
  assert_int_equal(decode(t, one).x, UINT64_C(0xffffffffffffff80));
  assert_int_equal(decode(t, plus).x, 0x7f);
  assert_int_equal(decode(t, two).x, UINT64_C(0xffffffffffff9234));
  assert_int_equal(decode(t, three).x, UINT64_C(0xffffffffff830201));
  assert_int_equal(decode(t, four).x, UINT64_C(0xffffffff84030201));
}

static void an_immediate_has_at_most_4_bytes_in_every_format_with_one(void **state) {
  test_run *t = *state;
  uint32_t imm = put(t, 10, 1, 2, 3, 4, 5), offset = put(t, 40, 1, 2, 3, 4, 5), reg_imm = put(t, 51, 1, 1, 2, 3, 4, 5),
           reg_reg_imm = put(t, 149, 1, 1, 2, 3, 4, 5), reg_reg_offset = put(t, 170, 1, 1, 2, 3, 4, 5);
  put(t, 0);
  assert_int_equal(decode(t, imm).x, 0x04030201);
  assert_int_equal(decode(t, offset).target, offset + 0x04030201);
  assert_int_equal(decode(t, reg_imm).x, 0x04030201);
  assert_int_equal(decode(t, reg_reg_imm).x, 0x04030201);
  assert_int_equal(decode(t, reg_reg_offset).target, reg_reg_offset + 0x04030201);
}

static void an_immediate_without_bytes_is_0_in_every_format(void **state) {
  test_run *t = *state;
  uint32_t imm = put(t, 10), offset = put(t, 40), reg_imm = put(t, 51), reg_reg_imm = put(t, 149),
           reg_reg_offset = put(t, 170), two = put(t, 30), reg_two = put(t, 70);
  put(t, 0);
  assert_int_equal(decode(t, imm).x, 0);
  assert_int_equal(decode(t, offset).target, offset);
  assert_int_equal(decode(t, reg_imm).x, 0); /* with no registers byte of its own: the clamp to 0 */
  assert_int_equal(decode(t, reg_reg_imm).x, 0);
  assert_int_equal(decode(t, reg_reg_offset).target, reg_reg_offset);
  assert_int_equal(decode(t, two).y, 0);
  assert_int_equal(decode(t, reg_two).y, 0);
}

static void load_imm_64_takes_8_bytes_without_extension_whatever_the_skip(void **state) {
  test_run *t = *state;
  put(t, 20, 0xf2, 1, 2);
  put(t, 3, 4, 5, 6, 7, 0x88);
  put(t, 0);
  jv_decoded d = decode(t, 0);
  assert_int_equal(d.a, 2);
  assert_int_equal(d.skip, 3);
  assert_int_equal(d.x, UINT64_C(0x8807060504030201));
}

/* ---- two immediates: where their lengths are, and that 5 to 7 mean 4 ---- */

/* Puts op, before..., the length byte, 4 bytes of X and 2 of Y; expects all of both. */
static void expect_four_byte_x(test_run *t, const uint8_t *start, size_t start_bytes) {
  uint8_t bytes[16];
  memcpy(bytes, start, start_bytes);
  memcpy(bytes + start_bytes, (const uint8_t[]){0x01, 0x02, 0x03, 0x84, 0x05, 0x86}, 6);
  test_clear(t);
  test_put(t, bytes, start_bytes + 6);
  put(t, 0);
  jv_decoded d = decode(t, 0);
  assert_int_equal(d.x, UINT64_C(0xffffffff84030201));
  if (jv_ops[d.op].format == JV_FORMAT_REG_IMM_OFFSET) assert_int_equal(d.target, UINT32_C(0xffff8605));
  else assert_int_equal(d.y, UINT64_C(0xffffffffffff8605));
}

static void lx_of_5_to_7_is_4(void **state) {
  for (uint8_t lx = 4; lx < 8; lx++) {
    expect_four_byte_x(*state, (const uint8_t[]){30, lx}, 2);
    expect_four_byte_x(*state, (const uint8_t[]){70, REGS(1, lx)}, 2);
    expect_four_byte_x(*state, (const uint8_t[]){80, REGS(1, lx)}, 2);
    expect_four_byte_x(*state, (const uint8_t[]){81, REGS(1, lx)}, 2);
    expect_four_byte_x(*state, (const uint8_t[]){180, REGS(1, 2), lx}, 3);
  }
}

static void lx_is_taken_mod_8(void **state) {
  expect_four_byte_x(*state, (const uint8_t[]){30, 0xf8 | 4}, 2);
  expect_four_byte_x(*state, (const uint8_t[]){70, REGS(1, 8 + 4)}, 2);
  expect_four_byte_x(*state, (const uint8_t[]){80, REGS(1, 8 + 4)}, 2);
  expect_four_byte_x(*state, (const uint8_t[]){180, REGS(1, 2), 0xf8 | 4}, 3);
}

static void lx_of_0_to_3_takes_that_many_bytes_and_y_the_rest(void **state) {
  test_run *t = *state;
  static const uint64_t x[] = {0, 0x11, 0x2211, 0x332211}, y[] = {0x44332211, 0x443322, 0x4433, 0x44};
  for (uint8_t lx = 0; lx < 4; lx++) {
    test_clear(t);
    uint32_t a = put(t, 30, lx, 0x11, 0x22, 0x33, 0x44), b = put(t, 70, REGS(1, lx), 0x11, 0x22, 0x33, 0x44),
             c = put(t, 180, REGS(1, 2), lx, 0x11, 0x22, 0x33, 0x44),
             d = put(t, 80, REGS(1, lx), 0x11, 0x22, 0x33, 0x44);
    put(t, 0);
    assert_int_equal(decode(t, a).x, x[lx]);
    assert_int_equal(decode(t, a).y, y[lx]);
    assert_int_equal(decode(t, b).x, x[lx]);
    assert_int_equal(decode(t, b).y, y[lx]);
    assert_int_equal(decode(t, c).x, x[lx]);
    assert_int_equal(decode(t, c).y, y[lx]);
    assert_int_equal(decode(t, d).x, x[lx]);
    assert_int_equal(decode(t, d).target, d + y[lx]);
  }
}

static void ly_is_4_at_most(void **state) {
  test_run *t = *state;
  uint32_t a = put(t, 30, 0, 1, 2, 3, 4, 5), b = put(t, 70, REGS(1, 0), 1, 2, 3, 4, 5),
           c = put(t, 180, REGS(1, 2), 0, 1, 2, 3, 4, 5), d = put(t, 80, REGS(1, 0), 1, 2, 3, 4, 5);
  put(t, 0);
  assert_int_equal(decode(t, a).y, 0x04030201);
  assert_int_equal(decode(t, b).y, 0x04030201);
  assert_int_equal(decode(t, c).y, 0x04030201);
  assert_int_equal(decode(t, d).target, d + 0x04030201);
}

static void an_lx_past_the_skip_reads_on_and_leaves_y_0(void **state) {
  test_run *t = *state;
  put(t, 30, 3, 0x11);
  put(t, 0x22, 0x33, 0x44);
  put(t, 0);
  jv_decoded d = decode(t, 0);
  assert_int_equal(d.skip, 2);
  assert_int_equal(d.x, 0x332211);
  assert_int_equal(d.y, 0);
}

/* ---- registers ---- */

static void registers_13_to_15_are_12_in_every_place(void **state) {
  test_run *t = *state;
  for (uint8_t r = 12; r < 16; r++) {
    test_clear(t);
    uint32_t rrr = put(t, 200, REGS(r, r), r), rr = put(t, 100, REGS(r, r)), ri = put(t, 51, r, 1),
             r64 = put(t, 20, r, 1, 2, 3, 4, 5, 6, 7, 8), rri = put(t, 149, REGS(r, r), 1),
             rii = put(t, 70, REGS(r, 1), 1, 1), rio = put(t, 81, REGS(r, 1), 1, 1), rro = put(t, 170, REGS(r, r), 1),
             rrii = put(t, 180, REGS(r, r), 1, 1, 1);
    put(t, 0);
    assert_int_equal(decode(t, rrr).a, 12);
    assert_int_equal(decode(t, rrr).b, 12);
    assert_int_equal(decode(t, rrr).d, 12);
    assert_int_equal(decode(t, rr).a, 12);
    assert_int_equal(decode(t, rr).d, 12);
    assert_int_equal(decode(t, ri).a, 12);
    assert_int_equal(decode(t, r64).a, 12);
    assert_int_equal(decode(t, rri).a, 12);
    assert_int_equal(decode(t, rri).b, 12);
    assert_int_equal(decode(t, rii).a, 12);
    assert_int_equal(decode(t, rio).a, 12);
    assert_int_equal(decode(t, rro).a, 12);
    assert_int_equal(decode(t, rro).b, 12);
    assert_int_equal(decode(t, rrii).a, 12);
    assert_int_equal(decode(t, rrii).b, 12);
  }
}

static void a_is_the_low_nibble_b_the_high_and_d_the_low_of_the_next_byte(void **state) {
  test_run *t = *state;
  put(t, 200, REGS(1, 2), 0xf3);
  uint32_t imm = put(t, 149, REGS(4, 5), 1);
  put(t, 0);
  jv_decoded d = decode(t, 0);
  assert_int_equal(d.a, 1);
  assert_int_equal(d.b, 2);
  assert_int_equal(d.d, 3);
  assert_int_equal(decode(t, imm).a, 4);
  assert_int_equal(decode(t, imm).b, 5);
}

static void with_two_registers_d_is_the_low_nibble_and_a_the_high(void **state) {
  test_run *t = *state;
  put(t, 100, REGS(1, 2));
  jv_decoded d = decode(t, 0);
  assert_int_equal(d.d, 1);
  assert_int_equal(d.a, 2);
}

/* ---- targets ---- */

static void a_target_is_relative_to_its_instruction_and_wraps(void **state) {
  test_run *t = *state;
  uint32_t back = put(t, 40, 0xff);
  uint32_t forth = put(t, 170, 0, 5), imm = put(t, 81, REGS(0, 1), 9, 0xfe);
  put(t, 0);
  assert_int_equal(decode(t, back).target, UINT32_MAX);
  assert_int_equal(decode(t, forth).target, forth + 5);
  assert_int_equal(decode(t, imm).target, imm - 2);
}

/* ---- instruction sets ---- */

static void every_number_outside_the_table_is_invalid(void **state) {
  (void)state;
  for (unsigned n = 0; n < 256; n++) {
    uint8_t byte = (uint8_t)n;
    assert_int_equal(jv_op_from_isa(JAVM_ISA_JAVM, byte), is_number(n) ? n : JV_OP_INVALID);
    bool in_0_7 = is_number(n) && n != 2 && n != 3;
    assert_int_equal(jv_op_from_isa(JAVM_ISA_JAM_0_7, byte), in_0_7 ? n : JV_OP_INVALID);
    bool in_0_8 = is_number(n) && n != 3 && n != 111;
    unsigned op = n >= 101 && n <= 110 ? n + 1 : n;
    assert_int_equal(jv_op_from_isa(JAVM_ISA_JAM_0_8, byte), in_0_8 ? op : JV_OP_INVALID);
  }
}

static void every_instruction_of_a_set_has_its_number_back(void **state) {
  (void)state;
  for (javm_isa isa = JAVM_ISA_JAVM; isa <= JAVM_ISA_JAM_0_8; isa++) {
    bool has[256] = {false};
    for (unsigned n = 0; n < 256; n++) {
      uint8_t op = jv_op_from_isa(isa, (uint8_t)n), byte;
      if (op == JV_OP_INVALID) continue;
      has[op] = true;
      assert_true(jv_op_to_isa(isa, op, &byte));
      assert_int_equal(byte, n);
    }
    for (unsigned op = 0; op < 256; op++) {
      uint8_t byte;
      if (!has[op]) assert_false(jv_op_to_isa(isa, (uint8_t)op, &byte));
    }
  }
}

/* An instruction with the registers 1 (low) and 2, then a trap: the exit's pc says whether it ran. */
static uint64_t run_two_registers(test_run *t, javm_isa isa, uint8_t number, uint64_t source) {
  t->isa = isa;
  test_clear(t);
  put(t, number, REGS(1, 2));
  put(t, 0);
  test_load(t, JAVM_GAS_INSTRUCTION);
  t->regs[2] = source;
  test_run_on(t);
  return t->regs[1];
}

static void jam_0_8_numbers_the_bit_instructions_one_lower(void **state) {
  test_run *t = *state;
  /* 101 count_set_bits_64, 103 leading_zero_bits_64, 106 trailing_zero_bits_32, 107 sign_extend_8, 110 reverse_bytes */
  assert_int_equal(run_two_registers(t, JAVM_ISA_JAM_0_8, 101, 0xf0f0), 8);
  assert_int_equal(run_two_registers(t, JAVM_ISA_JAM_0_8, 103, 1), 63);
  assert_int_equal(run_two_registers(t, JAVM_ISA_JAM_0_8, 106, UINT64_C(1) << 40), 32);
  assert_int_equal(run_two_registers(t, JAVM_ISA_JAM_0_8, 107, 0x80), UINT64_C(0xffffffffffffff80));
  assert_int_equal(run_two_registers(t, JAVM_ISA_JAM_0_8, 110, 1), UINT64_C(1) << 56);
  assert_int_equal(run_two_registers(t, JAVM_ISA_JAM_0_7, 102, 0xf0f0), 8);
  assert_int_equal(run_two_registers(t, JAVM_ISA_JAM_0_7, 111, 1), UINT64_C(1) << 56);
}

static void what_a_set_does_not_have_is_a_panic(void **state) {
  test_run *t = *state;
  static const struct {
    javm_isa isa;
    uint8_t number;
    javm_exit_kind kind;
    uint32_t pc;
  } cases[] = {
      {JAVM_ISA_JAVM, 2, JAVM_EXIT_TRAP, 2},       {JAVM_ISA_JAM_0_7, 2, JAVM_EXIT_PANIC, 0},
      {JAVM_ISA_JAM_0_8, 2, JAVM_EXIT_TRAP, 2},    {JAVM_ISA_JAVM, 3, JAVM_EXIT_ECALL, 2},
      {JAVM_ISA_JAM_0_7, 3, JAVM_EXIT_PANIC, 0},   {JAVM_ISA_JAM_0_8, 3, JAVM_EXIT_PANIC, 0},
      {JAVM_ISA_JAM_0_8, 111, JAVM_EXIT_PANIC, 0}, {JAVM_ISA_JAVM, 4, JAVM_EXIT_PANIC, 0},
      {JAVM_ISA_JAVM, 231, JAVM_EXIT_PANIC, 0},    {JAVM_ISA_JAVM, 255, JAVM_EXIT_PANIC, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    run_two_registers(t, cases[i].isa, cases[i].number, 0);
    assert_int_equal(t->exit.kind, cases[i].kind);
    assert_int_equal(javm_machine_pc(t->machine), cases[i].pc);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      test_case(skip_is_the_distance_to_the_next_marked_byte),
      test_case(skip_is_24_at_most),
      test_case(bitmask_past_the_end_of_the_code_reads_as_ones),
      test_case(code_past_its_end_reads_as_zeros),
      test_case(an_opcode_past_the_end_of_the_code_is_a_trap),
      test_case(an_offset_without_a_mark_is_invalid),
      test_case(an_immediate_is_little_endian_and_sign_extended_from_its_width),
      test_case(an_immediate_has_at_most_4_bytes_in_every_format_with_one),
      test_case(an_immediate_without_bytes_is_0_in_every_format),
      test_case(load_imm_64_takes_8_bytes_without_extension_whatever_the_skip),
      test_case(lx_of_5_to_7_is_4),
      test_case(lx_is_taken_mod_8),
      test_case(lx_of_0_to_3_takes_that_many_bytes_and_y_the_rest),
      test_case(ly_is_4_at_most),
      test_case(an_lx_past_the_skip_reads_on_and_leaves_y_0),
      test_case(registers_13_to_15_are_12_in_every_place),
      test_case(a_is_the_low_nibble_b_the_high_and_d_the_low_of_the_next_byte),
      test_case(with_two_registers_d_is_the_low_nibble_and_a_the_high),
      test_case(a_target_is_relative_to_its_instruction_and_wraps),
      test_case(every_number_outside_the_table_is_invalid),
      test_case(every_instruction_of_a_set_has_its_number_back),
      test_case(jam_0_8_numbers_the_bit_instructions_one_lower),
      test_case(what_a_set_does_not_have_is_a_panic),
  };
  return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
