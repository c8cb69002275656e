/* JAVM_ENGINE_BOTH: native code that is broken on purpose is reported with the block and what differs; what is right passes,
 * whatever an ecall's handler changes. */
#define _GNU_SOURCE /* memmem */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "exec/program.h"
#include "support/guest.h"
#include "support/program.h"
#include "vm/vm.h"

enum { DATA = 0x20000 };
#define VALUE 0x12345678u

#define INTERPRETED "the interpreter"
#define NATIVE "the recompiler"
#define CHECKED "the recompiler (with checks)"

static void load_for(test_run *t, javm_engine engine, javm_gas_model model, bool explicit_checks) {
  javm_code code = test_code(t);
  javm_program_config config;
  test_unload(t);
  javm_program_config_default(&config);
  config.gas_model = model;
  config.engine = engine;
  config.explicit_checks = explicit_checks;
  config.counts_instructions = true;
  assert_int_equal(javm_program_new(&code, &config, &t->program, NULL), JAVM_OK);
  assert_int_equal(javm_machine_new(t->program, t->allocator, &t->machine, NULL), JAVM_OK);
  javm_machine_set_gas(t->machine, TEST_GAS);
  t->regs = javm_machine_regs(t->machine);
  test_map(t, DATA, 64 * JAVM_PAGE_BYTES, JAVM_ACCESS_WRITE);
}

static void load(test_run *t, javm_gas_model model, bool explicit_checks) {
  load_for(t, JAVM_ENGINE_BOTH, model, explicit_checks);
  if (!javm_program_is_native(t->program)) skip(); /* nothing to break */
}

/* Adds to one byte of code. */
static void change(const uint8_t *at, int by) {
  uint8_t *page = (uint8_t *)((uintptr_t)at & ~(uintptr_t)4095), *byte = page + (at - page);
  assert_int_equal(mprotect(page, 4096, PROT_READ | PROT_WRITE), 0);
  *byte = (uint8_t)(*byte + by);
  assert_int_equal(mprotect(page, 4096, PROT_READ | PROT_EXEC), 0);
}

/* Breaks the one place in the program's native code that has these four bytes. */
static void break_number(const javm_program *program, uint32_t number, unsigned byte, int by) {
  const uint8_t *code, bytes[4] = {LE4(number)};
  size_t size_bytes;
  assert_true(javm_program_native_code(program, &code, &size_bytes));
  const uint8_t *at = memmem(code, size_bytes, bytes, 4);
  assert_non_null(at);
  assert_null(memmem(at + 1, size_bytes - (size_t)(at + 1 - code), bytes, 4));
  change(at + byte, by);
}

static void break_cost(const javm_program *program, size_t block, int by) {
  const uint8_t *code;
  size_t code_bytes, offset, size_bytes;
  assert_true(javm_program_native_code(program, &code, &code_bytes));
  assert_true(javm_program_native_block(program, block, &offset, &size_bytes));
  change(code + offset + 3, by); /* the number in the subtraction from r12 */
}

static void expect_difference(test_run *t, const char *text) {
  assert_null(javm_machine_failure(t->machine));
  assert_int_equal(test_run_on(t), JAVM_EXIT_ERROR);
  assert_int_equal(t->exit.status, JAVM_INTERNAL);
  assert_string_equal(javm_machine_failure(t->machine), text);
}

/* A block at 0 that jumps to one at 5, whose second instruction is wrong. */
static void put_wrong_value(test_run *t) {
  put(t, JV_OP_jump, LE4(5));
  put(t, JV_OP_load_imm, 8, 1);
  put(t, JV_OP_load_imm, 7, LE4(VALUE));
  put(t, JV_OP_trap);
}

static void a_wrong_value_is_reported_with_its_block_and_register(void **state) {
  test_run *t = *state;
  put_wrong_value(t);
  for (javm_gas_model model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_INSTRUCTION; model++) {
    load(t, model, true);
    break_number(t->program, VALUE, 0, 1);
    expect_difference(t, "the engines differ in the block at pc 0x5: register a0 is 0x12345679 by " CHECKED
                         ", 0x12345678 by " INTERPRETED);
    assert_int_equal(t->regs[7], VALUE + 1); /* the state is the recompiler's */
  }
}

static void both_kinds_of_code_are_looked_at_from_the_first_block_on(void **state) {
  test_run *t = *state;
  put_wrong_value(t);
  load(t, JAVM_GAS_PIPELINE, false);
  break_number(t->program, VALUE, 0, 1); /* in the code for a window */
  expect_difference(t, "the engines differ in the block at pc 0x5: register a0 is 0x12345678 by " CHECKED
                       ", 0x12345679 by " NATIVE);
  load(t, JAVM_GAS_PIPELINE, false);
  t->machine->mem.cold_gas = UINT32_MAX; /* the run is long already */
  break_number(t->program, VALUE, 0, 1);
  expect_difference(t, "the engines differ in the block at pc 0x5: register a0 is 0x12345679 by " NATIVE
                       ", 0x12345678 by " INTERPRETED);
}

static void without_gas_it_is_the_same(void **state) {
  test_run *t = *state;
  put_wrong_value(t);
  load(t, JAVM_GAS_NONE, true);
  uint32_t pc, cost;
  javm_program_block(t->program, 0, &pc, &cost);
  assert_int_equal(cost, 0);
  break_number(t->program->charged, VALUE, 0, 1);
  expect_difference(t, "the engines differ in the block at pc 0x5: register a0 is 0x12345679 by " CHECKED
                       ", 0x12345678 by " INTERPRETED);
  assert_int_equal(javm_machine_gas(t->machine), TEST_GAS);
}

static void several_differences_are_all_reported(void **state) {
  test_run *t = *state;
  put(t, JV_OP_load_imm, 7, LE4(VALUE));
  put(t, JV_OP_add_imm_32, REGS(8, 7), 1);
  put(t, JV_OP_trap);
  load(t, JAVM_GAS_PIPELINE, true);
  break_number(t->program, VALUE, 0, 1);
  expect_difference(t, "the engines differ in the block at pc 0x0: register a0 is 0x12345679 by " CHECKED
                       ", 0x12345678 by " INTERPRETED "; register a1 0x1234567a, 0x12345679");
}

static void a_wrong_branch_is_reported_with_where_it_goes(void **state) {
  test_run *t = *state;
  put(t, JV_OP_branch_eq_imm, 0x47, LE4(VALUE), 11); /* 0: a0 */
  put(t, JV_OP_fallthrough);                         /* 7 */
  put(t, JV_OP_trap);                                /* 8 */
  put(t, JV_OP_trap);                                /* 9 */
  put(t, JV_OP_trap);                                /* 10 */
  put(t, JV_OP_trap);                                /* 11 */
  load(t, JAVM_GAS_PIPELINE, true);
  t->regs[7] = VALUE;
  break_number(t->program, VALUE, 0, 1);
  expect_difference(t, "the engines differ in the block at pc 0x0: pc is 0x7 by " CHECKED ", 0xb by " INTERPRETED);
}

/* Writes 1 to the first byte of the first page, and then, in the block at `pc`, a value to DATA + 0x110. */
static uint32_t put_store(test_run *t, uint32_t value) {
  put(t, JV_OP_store_imm_u8, 4, LE4(DATA), 1);
  put(t, JV_OP_fallthrough);
  uint32_t pc = put(t, JV_OP_store_imm_u32, 4, LE4(DATA + 0x110), LE4(value));
  put(t, JV_OP_fallthrough);
  put(t, JV_OP_trap);
  return pc;
}

static void a_wrong_store_is_reported_with_the_byte(void **state) {
  test_run *t = *state;
  char text[200];
  uint32_t pc = put_store(t, VALUE);
  for (int checks = 0; checks < 2; checks++) {
    load(t, JAVM_GAS_PIPELINE, checks);
    break_number(t->program, VALUE, 1, 1);
    snprintf(text, sizeof text, "the engines differ in the block at pc 0x%x: the byte at 0x20111 is %s by %s, %s by %s",
             (unsigned)pc, checks ? "0x57" : "0x56", CHECKED, checks ? "0x56" : "0x57", checks ? INTERPRETED : NATIVE);
    expect_difference(t, text);
  }
}

static void a_store_to_a_wrong_place_is_reported(void **state) {
  test_run *t = *state;
  char text[200];
  uint32_t pc = put_store(t, VALUE);
  load(t, JAVM_GAS_PIPELINE, true);
  break_number(t->program, DATA + 0x110, 1, 1); /* 0x20210, in the same page */
  snprintf(text, sizeof text,
           "the engines differ in the block at pc 0x%x: the byte at 0x20110 is 0x0 by %s, 0x78 by %s", (unsigned)pc,
           CHECKED, INTERPRETED);
  expect_difference(t, text);
  load(t, JAVM_GAS_PIPELINE, true);
  break_number(t->program, DATA + 0x110, 1, 0x20); /* 0x22110, in a page that is not ready */
  snprintf(
      text, sizeof text,
      "the engines differ in the block at pc 0x%x: what it comes to is internal invariant broken by %s, its end by %s",
      (unsigned)pc, CHECKED, INTERPRETED);
  assert_int_equal(test_run_on(t), JAVM_EXIT_ERROR);
  assert_memory_equal(javm_machine_failure(t->machine), text, strlen(text));
}

/* A store of zero where zero is, that goes astray to a page that was written before: only a sweep can see it. */
static void a_stray_store_to_a_page_written_before_is_found(void **state) {
  test_run *t = *state;
  put(t, JV_OP_load_imm, 7, LE4(DATA));
  put(t, JV_OP_load_imm, 8, LE4(DATA + 0x20 * JAVM_PAGE_BYTES));
  put(t, JV_OP_fallthrough);
  uint32_t loop = put(t, JV_OP_store_ind_u64, REGS(7, 7), LE2(0x110));
  put(t, JV_OP_add_imm_64, REGS(7, 7), LE2(0x1000));
  uint32_t branch = t->code_bytes;
  put(t, JV_OP_branch_lt_u, REGS(7, 8), TO(branch, loop));
  put(t, JV_OP_store_imm_u8, 4, LE4(DATA + 0x40), 0);
  put(t, JV_OP_fallthrough);
  put(t, JV_OP_trap);
  load(t, JAVM_GAS_PIPELINE, true);
  break_number(t->program, DATA + 0x40, 0, 0x12 - 0x40);
  break_number(t->program, DATA + 0x12, 1, 0x11);
  assert_int_equal(test_run_on(t), JAVM_EXIT_ERROR);
  const char *text = javm_machine_failure(t->machine);
  assert_non_null(strstr(text, "the engines differ in one of "));
  assert_non_null(strstr(text, " blocks, the last at pc 0x"));
  assert_non_null(strstr(text, ": the byte at 0x21112 is 0x0 by " CHECKED ", 0x2 by " INTERPRETED));
}

/* A charge that is too high or too low. In the instruction model the gas that a wrong one leaves at the end of the block before
 * is spent at once, on single instructions, and a charge of nothing does not leave: that block is reported. */
static void a_wrong_cost_is_reported(void **state) {
  test_run *t = *state;
  put_wrong_value(t);
  for (javm_gas_model model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_INSTRUCTION; model++)
    for (size_t block = 0; block < 2; block++)
      for (int by = -1; by <= 1; by += 2) {
        char text[200];
        uint32_t pc, cost;
        load(t, model, true);
        javm_program_block(t->program, block, &pc, &cost);
        break_cost(t->program, block, by);
        assert_int_equal(test_run_on(t), JAVM_EXIT_ERROR);
        assert_int_equal(t->exit.status, JAVM_INTERNAL);
        bool is_exact = model != JAVM_GAS_INSTRUCTION && (int)cost + by > 0;
        snprintf(text, sizeof text, "the engines differ in the block at pc 0x%x: %s", (unsigned)(is_exact ? pc : 0),
                 is_exact ? "gas is " : "");
        assert_memory_equal(javm_machine_failure(t->machine), text, strlen(text));
      }
}

/* ---- ecalls ---- */

static javm_ecall_action change_much(void *ctx, javm_machine *m, javm_ecall_kind kind, uint32_t immediate) {
  unsigned *calls = ctx;
  uint32_t page = DATA + 20 * JAVM_PAGE_BYTES + *calls / 2 * JAVM_PAGE_BYTES, number = *calls;
  assert_int_equal(kind, JAVM_ECALLI);
  assert_int_equal(immediate, 3);
  ++*calls;
  javm_machine_regs(m)[7] += 5;
  if (*calls % 3 == 0) javm_machine_set_gas(m, javm_machine_gas(m) + 1000);
  if (*calls % 3 == 1) javm_machine_set_gas(m, javm_machine_gas(m) - 10);
  assert_int_equal(javm_machine_write(m, page, "written", 8, NULL), JAVM_OK);
  assert_int_equal(javm_machine_write(m, page - 20 * JAVM_PAGE_BYTES + 8, &number, 4, NULL), JAVM_OK);
  assert_int_equal(javm_machine_map(m, 0x80000, JAVM_PAGE_BYTES, JAVM_ACCESS_READ), JAVM_OK); /* zeros again */
  if (*calls % 2) assert_int_equal(javm_machine_poke(m, 0x80000, calls, 4), JAVM_OK);
  return JAVM_ECALL_CONTINUE;
}

/* Ecalls in the middle of a block and at the end of one, whose effects the guest reads. */
static void what_a_handler_changes_is_taken_over(void **state) {
  test_run *t = *state;
  put(t, JV_OP_load_imm, 9, LE4(DATA));
  put(t, JV_OP_load_imm, 8, LE4(DATA + 10 * JAVM_PAGE_BYTES));
  put(t, JV_OP_fallthrough);
  uint32_t loop = put(t, JV_OP_ecalli, 3);
  put(t, JV_OP_load_ind_u64, REGS(10, 9), 8);
  put(t, JV_OP_load_u32, 11, LE4(0x80000));
  put(t, JV_OP_add_64, REGS(12, 10), 12);
  put(t, JV_OP_add_64, REGS(12, 11), 12);
  put(t, JV_OP_store_ind_u64, REGS(12, 9), 16);
  put(t, JV_OP_ecalli, 3);
  put(t, JV_OP_add_imm_64, REGS(9, 9), LE2(0x1000));
  uint32_t branch = t->code_bytes;
  put(t, JV_OP_branch_lt_u, REGS(9, 8), TO(branch, loop));
  uint32_t end = put(t, JV_OP_trap);
  for (javm_gas_model model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_NONE; model++) {
    uint64_t regs[JAVM_REG_COUNT] = {0}, gas = 0, instructions = 0, stored = 0;
    static const javm_engine engines[] = {JAVM_ENGINE_INTERPRETER, JAVM_ENGINE_BOTH, JAVM_ENGINE_BOTH};
    for (unsigned k = 0; k < 3; k++) {
      unsigned calls = 0;
      load_for(t, engines[k], model, k == 2);
      t->exit = javm_machine_run(t->machine, change_much, &calls);
      assert_null(javm_machine_failure(t->machine));
      assert_int_equal(t->exit.kind, JAVM_EXIT_TRAP);
      assert_int_equal(javm_machine_pc(t->machine), end);
      assert_int_equal(calls, 20);
      assert_int_equal(javm_machine_dirty_pages(t->machine, NULL, 0), 20);
      if (k == 0) {
        memcpy(regs, t->regs, sizeof regs);
        gas = javm_machine_gas(t->machine);
        instructions = javm_machine_instructions(t->machine);
        stored = test_peek(t, DATA + 0x9010, 8);
      }
      assert_memory_equal(regs, t->regs, sizeof regs);
      assert_int_equal(javm_machine_gas(t->machine), gas);
      assert_int_equal(javm_machine_instructions(t->machine), instructions);
      assert_int_equal(test_peek(t, DATA + 0x9010, 8), stored);
    }
  }
}

static javm_ecall_action count_calls(void *ctx, javm_machine *m, javm_ecall_kind kind, uint32_t immediate) {
  (void)m, (void)kind, (void)immediate;
  ++*(unsigned *)ctx;
  return JAVM_ECALL_CONTINUE;
}

/* What is wrong before an ecall is reported before the handler is called; behind it, as of where the guest goes on. */
static void differences_around_an_ecall_are_found_before_anything_follows_from_them(void **state) {
  test_run *t = *state;
  put(t, JV_OP_load_imm, 7, LE4(VALUE));
  uint32_t call = put(t, JV_OP_ecalli, 3);
  uint32_t behind = put(t, JV_OP_load_imm, 8, LE4(VALUE + 0x100));
  put(t, JV_OP_trap);
  for (unsigned k = 0; k < 2; k++) {
    unsigned calls = 0;
    load(t, JAVM_GAS_PIPELINE, true);
    break_number(t->program, VALUE + 0x100 * k, 0, 1);
    t->exit = javm_machine_run(t->machine, count_calls, &calls);
    assert_int_equal(t->exit.kind, JAVM_EXIT_ERROR);
    assert_int_equal(t->exit.status, JAVM_INTERNAL);
    assert_int_equal(calls, k);
    char text[200];
    snprintf(text, sizeof text, "the engines differ in the block at pc 0x%x: register a%u is 0x%x by %s, 0x%x by %s",
             (unsigned)(k ? behind : 0), k, VALUE + 0x100 * k + 1, CHECKED, VALUE + 0x100 * k, INTERPRETED);
    assert_string_equal(javm_machine_failure(t->machine), text);
    if (k == 0) assert_int_equal(javm_machine_pc(t->machine), call);
  }
}

/* ---- in a VM ---- */

static void a_verb_says_what_differs(void **state) {
  (void)state;
  guest g;
  guest_open(&g);
  g.config.engine = JAVM_ENGINE_BOTH;
  g.config.explicit_checks = true;
  guest_vm(&g);
  javm_cap *instance = guest_instance(&g, guest_image(&g, "load_imm a0, 0x12345678\necalli 0\n"), NO_SLOTS);
  guest_invoke(&g, instance, 0, NO_ARGS, GAS);
  assert_halted(&g, VALUE);
  javm_program *program = g.vm->images[0]->program;
  if (javm_program_is_native(program)) {
    break_number(program, VALUE, 0, 1);
    assert_int_equal(guest_try(&g, instance, 0, NO_ARGS, GAS), JAVM_INTERNAL);
    assert_string_equal(g.error.text, "the engines differ in the block at pc 0x0: register a0 is 0x12345679 by " CHECKED
                                      ", 0x12345678 by " INTERPRETED);
    assert_depth(&g, 0);
    break_number(program, VALUE + 1, 0, -1);
    guest_invoke(&g, instance, 0, NO_ARGS, GAS);
    assert_halted(&g, VALUE);
  }
  guest_close(&g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      test_case(a_wrong_value_is_reported_with_its_block_and_register),
      test_case(both_kinds_of_code_are_looked_at_from_the_first_block_on),
      test_case(without_gas_it_is_the_same),
      test_case(several_differences_are_all_reported),
      test_case(a_wrong_branch_is_reported_with_where_it_goes),
      test_case(a_wrong_store_is_reported_with_the_byte),
      test_case(a_store_to_a_wrong_place_is_reported),
      test_case(a_stray_store_to_a_page_written_before_is_found),
      test_case(a_wrong_cost_is_reported),
      test_case(what_a_handler_changes_is_taken_over),
      test_case(differences_around_an_ecall_are_found_before_anything_follows_from_them),
      cmocka_unit_test(a_verb_says_what_differs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
