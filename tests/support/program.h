/*
 * A program written as instruction bytes, with a machine to run it: the fixture of the tests of the engine. A test gets
 * an empty one (test_setup), puts instructions into it and loads it, under one gas model after the other if it likes.
 */
#ifndef JAVM_TESTS_PROGRAM_H
#define JAVM_TESTS_PROGRAM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exec/ops.h"

enum { TEST_CODE_MAX = 8192, TEST_JUMPS_MAX = 8 };
#define TEST_GAS UINT64_C(1000000)

typedef struct test_run {
  /* to be filled in before loading */
  javm_isa isa; /* javm */
  uint8_t code[TEST_CODE_MAX];
  uint8_t bitmask[TEST_CODE_MAX / 8];
  uint32_t code_bytes;
  uint32_t jumps[TEST_JUMPS_MAX];
  size_t jump_count;
  uint32_t load_cycles;
  const javm_allocator *allocator; /* of the machine */
  /* of the last test_load */
  javm_program *program;
  javm_machine *machine;
  uint64_t *regs;
  javm_exit exit; /* of the last run */
} test_run;

/* A test_run as the state of a cmocka test. */
int test_setup(void **state);
int test_teardown(void **state);

/* Appends one instruction, whose bytes are as given; returns its pc. */
uint32_t test_put(test_run *t, const uint8_t *bytes, size_t count);
#define put(t, ...) test_put(t, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
/* A registers byte; immediates of 2 and 4 bytes; the distance from one offset to another as one byte. */
#define REGS(low, high) (uint8_t)((low) | (high) << 4)
#define LE2(v) (uint8_t)(v), (uint8_t)((uint32_t)(v) >> 8)
#define LE4(v) LE2(v), (uint8_t)((uint32_t)(v) >> 16), (uint8_t)((uint32_t)(v) >> 24)
#define TO(from, to) (uint8_t)((to) - (from))
/* Forgets all instructions. */
void test_clear(test_run *t);
javm_code test_code(const test_run *t);

/* Makes a program and a fresh machine of the bytes, pc 0, gas TEST_GAS; an earlier machine is gone. */
void test_load(test_run *t, javm_gas_model model);
void test_unload(test_run *t);
/* For each gas model: loads, then runs the body. */
#define EACH_MODEL(t, model)                                                                                           \
  for (javm_gas_model model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_INSTRUCTION && (test_load(t, model), true); model++)

/* Runs from where the machine is, without a handler. */
javm_exit_kind test_run_on(test_run *t);
/* What the machine has used of TEST_GAS. */
uint64_t test_gas_used(const test_run *t);
/* Runs and expects this exit, and pc after it. */
#define expect_exit(t, kind_, pc_)                                                                                     \
  do {                                                                                                                 \
    assert_string_equal(javm_exit_text(test_run_on(t)), javm_exit_text(kind_));                                        \
    assert_int_equal(javm_machine_pc((t)->machine), pc_);                                                              \
  } while (0)
/* Guest memory as the host writes and reads it, permissions aside for poke. */
void test_poke(test_run *t, uint32_t address, uint64_t value, unsigned bytes);
uint64_t test_peek(test_run *t, uint32_t address, unsigned bytes);
void test_map(test_run *t, uint32_t start, uint64_t size_bytes, javm_access access);

#define test_case(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

#endif
