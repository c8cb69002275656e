/* Basic blocks and jumps: 1-machine.md 1.4, and what of 1.3 is about where execution goes. */
#include "support/program.h"

static bool starts_block(const test_run *t, uint32_t pc) { return javm_program_is_block_start(t->program, pc); }

static bool is_terminator(javm_isa isa, uint8_t op) {
  if (op <= 1 || op == 40 || op == 50 || (op >= 80 && op <= 90) || (op >= 170 && op <= 175) || op == 180) return true;
  return isa == JAVM_ISA_JAVM && (op == 2 || op == 3 || op == 10);
}

/* ---- block starts ---- */

static void offset_0_is_a_block_start(void **state) {
  test_run *t = *state;
  put(t, JV_OP_load_imm, 1, 1);
  put(t, JV_OP_load_imm, 1, 2);
  test_load(t, JAVM_GAS_PIPELINE);
  assert_true(starts_block(t, 0));
  assert_false(starts_block(t, 3));
}

static void a_block_starts_behind_each_terminator_of_the_instruction_set_and_nothing_else(void **state) {
  test_run *t = *state;
  for (t->isa = JAVM_ISA_JAVM; t->isa <= JAVM_ISA_JAM_0_8; t->isa++) {
    for (unsigned n = 0; n < 256; n++) {
      test_clear(t);
      put(t, (uint8_t)n, 0, 0, 0, 0, 0, 0, 0, 0, 0);
      put(t, JV_OP_trap);
      test_load(t, JAVM_GAS_PIPELINE);
      uint8_t op = jv_op_from_isa(t->isa, (uint8_t)n);
      assert_int_equal(starts_block(t, 10), op != JV_OP_INVALID && is_terminator(t->isa, op));
    }
  }
}

static void an_offset_behind_the_end_of_the_code_is_no_block_start(void **state) {
  test_run *t = *state;
  put(t, JV_OP_fallthrough);
  test_load(t, JAVM_GAS_PIPELINE);
  assert_false(starts_block(t, 1));
  assert_false(starts_block(t, UINT32_MAX));
  test_clear(t);
  test_load(t, JAVM_GAS_PIPELINE);
  assert_false(starts_block(t, 0));
  assert_int_equal(javm_program_block_count(t->program), 0);
}

static void an_offset_behind_a_terminator_that_the_bitmask_does_not_mark_is_no_block_start(void **state) {
  test_run *t = *state;
  uint8_t gap[30] = {JV_OP_fallthrough};
  test_put(t, gap, sizeof gap);
  put(t, JV_OP_trap);
  test_load(t, JAVM_GAS_PIPELINE);
  assert_false(starts_block(t, 25));
  assert_false(starts_block(t, 30));                   /* it is behind the gap, not behind the terminator */
  for (uint32_t length = 24; length <= 27; length++) { /* 25: skip 24 */
    test_clear(t);
    test_put(t, gap, length);
    put(t, JV_OP_trap);
    test_load(t, JAVM_GAS_PIPELINE);
    assert_int_equal(starts_block(t, length), length <= 25);
  }
}

static void a_terminators_number_in_an_operand_makes_no_block(void **state) {
  test_run *t = *state;
  put(t, JV_OP_load_imm, 1, JV_OP_fallthrough);
  put(t, JV_OP_load_imm, 1, JV_OP_trap);
  test_load(t, JAVM_GAS_PIPELINE);
  assert_false(starts_block(t, 3));
}

static void blocks_are_listed_in_order_of_pc(void **state) {
  test_run *t = *state;
  put(t, JV_OP_load_imm, 1, 1);
  put(t, JV_OP_fallthrough);
  uint32_t second = put(t, JV_OP_load_imm, 1, 1);
  put(t, JV_OP_fallthrough);
  uint32_t third = put(t, JV_OP_trap);
  EACH_MODEL(t, model) {
    uint32_t pc, cost;
    assert_int_equal(javm_program_block_count(t->program), 3);
    javm_program_block(t->program, 0, &pc, &cost);
    assert_int_equal(pc, 0);
    javm_program_block(t->program, 1, &pc, &cost);
    assert_int_equal(pc, second);
    javm_program_block(t->program, 2, &pc, &cost);
    assert_int_equal(pc, third);
  }
}

/* ---- static jumps ---- */

static void a_taken_jump_to_a_block_start_goes_there(void **state) {
  test_run *t = *state;
  put(t, JV_OP_jump, 3);
  put(t, JV_OP_trap);
  put(t, JV_OP_load_imm, 1, 7);
  put(t, JV_OP_jump, TO(6, 2));
  EACH_MODEL(t, model) {
    expect_exit(t, JAVM_EXIT_TRAP, 2);
    assert_int_equal(t->regs[1], 7);
  }
}

static void a_taken_jump_to_anything_else_is_a_panic_at_the_jump(void **state) {
  test_run *t = *state;
  static const uint8_t bad[] = {2 /* no mark */, 3 /* marked, in mid-block */, 7 /* the end of the code */, 0x7f,
                                0xff /* -1 */};
  for (size_t i = 0; i < sizeof bad; i++) {
    test_clear(t);
    put(t, JV_OP_load_imm, 1, 5);
    put(t, JV_OP_jump, (uint8_t)(bad[i] - 3));
    put(t, JV_OP_fallthrough);
    put(t, JV_OP_fallthrough);
    EACH_MODEL(t, model) {
      expect_exit(t, JAVM_EXIT_PANIC, 3);
      assert_int_equal(javm_machine_instructions(t->machine), 2);
    }
  }
}

static void a_taken_branch_to_no_block_start_is_a_panic_at_the_branch(void **state) {
  test_run *t = *state;
  put(t, JV_OP_fallthrough);
  put(t, JV_OP_branch_eq, REGS(1, 1), 2);
  put(t, JV_OP_trap);
  EACH_MODEL(t, model) expect_exit(t, JAVM_EXIT_PANIC, 1);
  test_clear(t);
  put(t, JV_OP_fallthrough);
  put(t, JV_OP_branch_eq_imm, REGS(1, 1), 0, 2);
  put(t, JV_OP_trap);
  EACH_MODEL(t, model) expect_exit(t, JAVM_EXIT_PANIC, 1);
}

static void a_branch_not_taken_is_never_checked(void **state) {
  test_run *t = *state;
  put(t, JV_OP_branch_ne, REGS(1, 1), 2);
  put(t, JV_OP_branch_ne_imm, REGS(1, 1), 0, 0x70);
  put(t, JV_OP_trap);
  EACH_MODEL(t, model) expect_exit(t, JAVM_EXIT_TRAP, 7);
}

static void a_jump_to_itself_runs_until_the_gas_ends(void **state) {
  test_run *t = *state;
  put(t, JV_OP_jump, 0);
  test_load(t, JAVM_GAS_INSTRUCTION);
  expect_exit(t, JAVM_EXIT_OUT_OF_GAS, 0);
  assert_int_equal(javm_machine_instructions(t->machine), TEST_GAS);
}

static void fallthrough_makes_a_label_in_straight_line_code(void **state) {
  test_run *t = *state;
  put(t, JV_OP_load_imm, 1, 5);
  put(t, JV_OP_fallthrough);
  uint32_t loop = put(t, JV_OP_add_imm_64, REGS(1, 1), 0xff);
  put(t, JV_OP_add_imm_64, REGS(2, 2), 2);
  uint32_t branch = t->code_bytes;
  put(t, JV_OP_branch_ne_imm, REGS(1, 1), 0, TO(branch, loop));
  uint32_t end = put(t, JV_OP_trap);
  EACH_MODEL(t, model) {
    expect_exit(t, JAVM_EXIT_TRAP, end);
    assert_int_equal(t->regs[2], 10);
    assert_int_equal(javm_machine_instructions(t->machine), 2 + 5 * 3 + 1);
  }
}

/* ---- dynamic jumps ---- */

/* φ[1] = address, jump_ind; two entries: the trap behind, and a place in mid-block. */
static javm_exit_kind djump(test_run *t, javm_gas_model model, uint64_t address) {
  test_clear(t);
  put(t, JV_OP_jump_ind, 1);
  put(t, JV_OP_load_imm, 2, 1);
  t->jumps[0] = 2;
  t->jumps[1] = put(t, JV_OP_trap); /* 5 */
  t->jump_count = 2;
  test_load(t, model);
  t->regs[1] = address;
  return test_run_on(t);
}

static void djump_to_2_32_minus_2_16_is_halt(void **state) {
  test_run *t = *state;
  for (javm_gas_model model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_INSTRUCTION; model++) {
    assert_int_equal(djump(t, model, 0xffff0000), JAVM_EXIT_HALT);
    assert_int_equal(javm_machine_pc(t->machine), 0);
    assert_int_equal(djump(t, model, UINT64_C(0x77ffff0000)), JAVM_EXIT_HALT); /* the high half is cut off */
  }
}

static void djump_to_0_is_a_panic(void **state) {
  test_run *t = *state;
  for (javm_gas_model model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_INSTRUCTION; model++) {
    assert_int_equal(djump(t, model, 0), JAVM_EXIT_PANIC);
    assert_int_equal(javm_machine_pc(t->machine), 0);
  }
}

static void djump_to_an_odd_address_is_a_panic(void **state) {
  test_run *t = *state;
  static const uint32_t odd[] = {1, 3, 5, 0x80000001, 0xffff0001, UINT32_MAX};
  for (javm_gas_model model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_INSTRUCTION; model++)
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) assert_int_equal(djump(t, model, odd[i]), JAVM_EXIT_PANIC);
}

static void djump_past_twice_the_jump_tables_length_is_a_panic(void **state) {
  test_run *t = *state;
  for (javm_gas_model model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_INSTRUCTION; model++) {
    assert_int_equal(djump(t, model, 6), JAVM_EXIT_PANIC);
    assert_int_equal(djump(t, model, 0x80000002), JAVM_EXIT_PANIC);
    assert_int_equal(djump(t, model, 0xfffffffe), JAVM_EXIT_PANIC);
  }
  t->jump_count = 0;
  test_clear(t);
  put(t, JV_OP_jump_ind, 1);
  put(t, JV_OP_trap);
  EACH_MODEL(t, model) {
    t->regs[1] = 2;
    expect_exit(t, JAVM_EXIT_PANIC, 0);
  }
}

static void djump_to_2_goes_to_the_first_entry(void **state) {
  test_run *t = *state;
  for (javm_gas_model model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_INSTRUCTION; model++) {
    assert_int_equal(djump(t, model, 2), JAVM_EXIT_TRAP);
    assert_int_equal(javm_machine_pc(t->machine), 5);
    assert_int_equal(t->regs[2], 1);
  }
}

static void djump_to_twice_the_jump_tables_length_goes_to_the_last_entry(void **state) {
  test_run *t = *state;
  put(t, JV_OP_jump_ind, 1);
  put(t, JV_OP_trap);
  t->jumps[0] = 77;
  t->jumps[1] = 78;
  t->jumps[2] = 2;
  t->jump_count = 3;
  EACH_MODEL(t, model) {
    t->regs[1] = 6;
    expect_exit(t, JAVM_EXIT_TRAP, 2);
  }
}

static void djump_to_an_entry_that_is_no_block_start_is_a_panic(void **state) {
  test_run *t = *state;
  for (javm_gas_model model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_INSTRUCTION; model++) {
    assert_int_equal(djump(t, model, 4), JAVM_EXIT_PANIC);
    assert_int_equal(javm_machine_pc(t->machine), 0);
  }
  t->jump_count = 1;
  test_clear(t);
  put(t, JV_OP_jump_ind, 1);
  static const uint32_t bad[] = {2, 1, 0xffffffff, 0x01000000}; /* 2: the end of the code */
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    t->jumps[0] = bad[i];
    EACH_MODEL(t, model) {
      t->regs[1] = 2;
      expect_exit(t, JAVM_EXIT_PANIC, 0);
    }
  }
}

/* ---- invalid places ---- */

static void an_invalid_opcode_is_a_panic_at_the_instruction(void **state) {
  test_run *t = *state;
  put(t, JV_OP_load_imm, 1, 5);
  put(t, 255);
  put(t, JV_OP_trap);
  EACH_MODEL(t, model) {
    expect_exit(t, JAVM_EXIT_PANIC, 3);
    assert_int_equal(t->regs[1], 5);
    assert_int_equal(javm_machine_instructions(t->machine), 2);
  }
}

static void a_gap_of_more_than_24_bytes_is_a_panic_behind_it(void **state) {
  test_run *t = *state;
  uint8_t gap[30] = {JV_OP_load_imm, 1, 5};
  test_put(t, gap, sizeof gap);
  put(t, JV_OP_trap);
  EACH_MODEL(t, model) {
    expect_exit(t, JAVM_EXIT_PANIC, 25);
    assert_int_equal(t->regs[1], 5);
    assert_int_equal(javm_machine_instructions(t->machine), 2);
  }
  test_clear(t);
  test_put(t, gap, 25);
  put(t, JV_OP_trap);
  EACH_MODEL(t, model) expect_exit(t, JAVM_EXIT_TRAP, 25);
}

static void a_gap_behind_a_terminator_is_a_panic_too(void **state) {
  test_run *t = *state;
  uint8_t gap[60] = {JV_OP_fallthrough};
  test_put(t, gap, sizeof gap);
  put(t, JV_OP_trap);
  EACH_MODEL(t, model) expect_exit(t, JAVM_EXIT_PANIC, 25);
}

static void execution_from_an_unmarked_pc_is_a_panic_there(void **state) {
  test_run *t = *state;
  put(t, JV_OP_load_imm, 1, JV_OP_fallthrough);
  put(t, JV_OP_trap);
  EACH_MODEL(t, model) {
    javm_machine_set_pc(t->machine, 2);
    expect_exit(t, JAVM_EXIT_PANIC, 2);
  }
}

static void execution_that_runs_off_the_end_meets_a_trap_there(void **state) {
  test_run *t = *state;
  put(t, JV_OP_load_imm, 1, 5);
  EACH_MODEL(t, model) {
    expect_exit(t, JAVM_EXIT_TRAP, 3);
    assert_int_equal(t->regs[1], 5);
  }
  put(t, JV_OP_fallthrough);
  EACH_MODEL(t, model) expect_exit(t, JAVM_EXIT_TRAP, 4);
  test_clear(t);
  put(t, JV_OP_branch_ne, REGS(1, 1), 0);
  EACH_MODEL(t, model) expect_exit(t, JAVM_EXIT_TRAP, 3);
}

static void a_last_instruction_longer_than_the_code_ends_where_the_code_does(void **state) {
  test_run *t = *state;
  put(t, JV_OP_load_imm_64, 1, 0x11);
  EACH_MODEL(t, model) {
    expect_exit(t, JAVM_EXIT_TRAP, 3);
    assert_int_equal(t->regs[1], 0x11);
  }
}

static void a_program_without_code_traps_at_0(void **state) {
  test_run *t = *state;
  EACH_MODEL(t, model) expect_exit(t, JAVM_EXIT_TRAP, 0);
}

static void a_pc_behind_the_code_traps_there(void **state) {
  test_run *t = *state;
  put(t, JV_OP_trap);
  static const uint32_t pcs[] = {1, 2, 1000, UINT32_MAX};
  for (size_t i = 0; i < sizeof pcs / sizeof *pcs; i++) {
    EACH_MODEL(t, model) {
      javm_machine_set_pc(t->machine, pcs[i]);
      expect_exit(t, JAVM_EXIT_TRAP, pcs[i]);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      test_case(offset_0_is_a_block_start),
      test_case(a_block_starts_behind_each_terminator_of_the_instruction_set_and_nothing_else),
      test_case(an_offset_behind_the_end_of_the_code_is_no_block_start),
      test_case(an_offset_behind_a_terminator_that_the_bitmask_does_not_mark_is_no_block_start),
      test_case(a_terminators_number_in_an_operand_makes_no_block),
      test_case(blocks_are_listed_in_order_of_pc),
      test_case(a_taken_jump_to_a_block_start_goes_there),
      test_case(a_taken_jump_to_anything_else_is_a_panic_at_the_jump),
      test_case(a_taken_branch_to_no_block_start_is_a_panic_at_the_branch),
      test_case(a_branch_not_taken_is_never_checked),
      test_case(a_jump_to_itself_runs_until_the_gas_ends),
      test_case(fallthrough_makes_a_label_in_straight_line_code),
      test_case(djump_to_2_32_minus_2_16_is_halt),
      test_case(djump_to_0_is_a_panic),
      test_case(djump_to_an_odd_address_is_a_panic),
      test_case(djump_past_twice_the_jump_tables_length_is_a_panic),
      test_case(djump_to_2_goes_to_the_first_entry),
      test_case(djump_to_twice_the_jump_tables_length_goes_to_the_last_entry),
      test_case(djump_to_an_entry_that_is_no_block_start_is_a_panic),
      test_case(an_invalid_opcode_is_a_panic_at_the_instruction),
      test_case(a_gap_of_more_than_24_bytes_is_a_panic_behind_it),
      test_case(a_gap_behind_a_terminator_is_a_panic_too),
      test_case(execution_from_an_unmarked_pc_is_a_panic_there),
      test_case(execution_that_runs_off_the_end_meets_a_trap_there),
      test_case(a_last_instruction_longer_than_the_code_ends_where_the_code_does),
      test_case(a_program_without_code_traps_at_0),
      test_case(a_pc_behind_the_code_traps_there),
  };
  return cmocka_run_group_tests_name("blocks", tests, NULL, NULL);
}
