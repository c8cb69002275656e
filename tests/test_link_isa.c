/*
 * The instruction tests (tests/riscv): each group, with and without relaxation by the ELF linker, runs in the
 * simulator, and as a guest with and without optimisation. All give the checksums of tests/riscv/expected.txt, which
 * qemu has made, and a guest's memory then holds what the simulator's does.
 */
#include <inttypes.h>
#include <libgen.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "riscv/isa_tests.h"
#include "support/guest_elf.h"
#include "support/rv_sim.h"

enum { TESTS_MAX = 1000 };
#define LIMIT UINT64_C(10000000)

typedef enum engine { SIMULATOR, OPTIMISED, PLAIN } engine;

/* One cmocka test. */
typedef struct subject {
  const char *group;
  const char *suffix; /* of the ELF file */
  engine engine;
} subject;

typedef struct isa_test {
  char name[40];
  uint64_t expected;
  bool has_expected;
} isa_test;

static char directory[4000]; /* of the ELF files */

/* The names of a group's tests, and what is expected of them. */
static unsigned read_tests(const char *group, isa_test *tests) {
  char path[4100], line[200], name[40], in_group[20];
  unsigned count = 0;
  snprintf(path, sizeof path, "%s/%s.names", directory, group);
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  while (count < TESTS_MAX && fscanf(f, "%39s", tests[count].name) == 1) tests[count++].has_expected = false;
  fclose(f);
  f = fopen("tests/riscv/expected.txt", "r");
  assert_non_null(f);
  while (fgets(line, sizeof line, f)) {
    uint64_t sum;
    if (sscanf(line, "%19s %39s %" SCNx64, in_group, name, &sum) != 3 || strcmp(in_group, group) != 0) continue;
    for (unsigned i = 0; i < count; i++) {
      if (strcmp(tests[i].name, name) == 0) tests[i].expected = sum, tests[i].has_expected = true;
    }
  }
  fclose(f);
  return count;
}

/* As the tests' own code computes it. */
static uint64_t checksum(const uint8_t *signature, uint64_t words) {
  uint64_t sum = 0, word;
  for (uint64_t i = 0; i < words; i++) {
    memcpy(&word, signature + 8 * i, 8);
    sum = sum * 31 + word;
  }
  return sum;
}

static void differs(const isa_test *test, const char *what, const uint8_t *got, const uint8_t *wanted, uint64_t words) {
  print_error("%s: %s\n", test->name, what);
  for (uint64_t i = 0; got && i < words; i++) {
    uint64_t a, b;
    memcpy(&a, got + 8 * i, 8);
    memcpy(&b, wanted + 8 * i, 8);
    if (a == b) continue;
    print_error("  word %" PRIu64 " is %" PRIx64 ", expected %" PRIx64 "\n", i, a, b);
    return;
  }
}

/* Test n in a simulator that was just opened, so that its memory is as the file says. */
static rv_sim_exit simulate(rv_sim *sim, unsigned n) {
  uint64_t function;
  assert_true(rv_sim_endpoint(sim, 0, &function));
  return rv_sim_call(sim, function, (const uint64_t[4]){n}, LIMIT);
}

/* Is the test right in the simulator? `words` and `signature` are its own, for others to compare with. */
static bool right_in_simulator(const isa_test *test, const subject *s, rv_sim *sim, unsigned n, uint64_t *words,
                               const uint8_t **signature) {
  uint64_t address, table;
  rv_sim_exit end = simulate(sim, n);
  assert_true(rv_sim_symbol(sim, "signature", &address));
  assert_true(rv_sim_symbol(sim, "test_words", &table));
  memcpy(words, sim->memory + table + UINT64_C(8) * n, 8);
  *signature = sim->memory + address;
  bool must_trap = strcmp(s->group, "trap") == 0;
  bool right = must_trap ? end.kind != RV_SIM_RETURNED && end.kind != RV_SIM_LIMIT
                         : end.kind == RV_SIM_RETURNED && (!test->has_expected || end.value == test->expected) &&
                               end.value == checksum(*signature, *words);
  if (right) return true;
  print_error("%s: simulator: %s at pc 0x%x, checksum %" PRIx64 "\n", test->name, rv_sim_exit_text(end.kind), end.pc,
              end.value);
  return false;
}

static bool right_as_guest(const isa_test *test, const subject *s, guest_elf *g, uint32_t address, unsigned n,
                           uint64_t words, const uint8_t *wanted) {
  static uint8_t signature[ISA_SIGNATURE_BYTES];
  uint64_t value = 0;
  g->state = g->genesis;
  bool halted = guest_elf_call(g, 0, (const uint64_t[4]){n}, LIMIT, &value);
  if (strcmp(s->group, "trap") == 0) {
    if (halted) differs(test, "halted, and should not", NULL, NULL, 0);
    return !halted;
  }
  if (!halted) return differs(test, g->error, NULL, NULL, 0), false;
  if (!guest_elf_read(g, address, signature, sizeof signature)) return differs(test, g->error, NULL, NULL, 0), false;
  if (memcmp(signature, wanted, words * 8) != 0)
    return differs(test, "wrong signature", signature, wanted, words), false;
  if (value != checksum(wanted, words)) return differs(test, "wrong checksum", NULL, NULL, 0), false;
  return true;
}

static void runs_right(void **state) {
  static isa_test tests[TESTS_MAX];
  const subject *s = *state;
  char path[4100];
  unsigned wrong = 0, count = read_tests(s->group, tests);
  bool compared = strcmp(s->group, "own") != 0 && strcmp(s->group, "trap") != 0;
  size_t size_bytes;
  guest_elf g;
  assert_true(count > 0);
  snprintf(path, sizeof path, "%s/%s%s.elf", directory, s->group, s->suffix);
  uint8_t *elf = guest_elf_file(path, &size_bytes);
  assert_non_null(elf);
  if (s->engine != SIMULATOR && !guest_elf_link(&g, elf, size_bytes, s->engine == PLAIN)) fail_msg("%s", g.error);
  for (unsigned n = 0; n < count; n++) {
    uint64_t words, address = 0;
    const uint8_t *signature;
    rv_sim *sim = rv_sim_new(elf, size_bytes, 0);
    assert_non_null(sim);
    assert_true(rv_sim_symbol(sim, "signature", &address));
    assert_true(tests[n].has_expected == compared);
    bool right = right_in_simulator(&tests[n], s, sim, n, &words, &signature);
    if (right && s->engine != SIMULATOR) {
      right = right_as_guest(&tests[n], s, &g, (uint32_t)address, n, words, signature);
    }
    wrong += !right;
    rv_sim_free(sim);
  }
  if (s->engine != SIMULATOR) guest_elf_close(&g);
  free(elf);
  if (wrong > 0) fail_msg("%u of %u tests of group %s wrong", wrong, count, s->group);
}

int main(int argc, char **argv) {
  static const char *const groups[] = {"i", "m", "a", "c", "b", "own", "trap"}, *const suffixes[] = {"", ".norelax"};
  static const char *const engines[] = {"simulator", "guest", "plain guest"};
  enum { GROUPS = sizeof groups / sizeof groups[0], COUNT = GROUPS * 2 * 3 };
  static subject subjects[COUNT];
  static char names[COUNT][60];
  static struct CMUnitTest tests[COUNT];
  char program[4000];
  snprintf(program, sizeof program, "%s", argc > 0 ? argv[0] : ".");
  snprintf(directory, sizeof directory, "%.3900s/riscv", dirname(program));
  for (unsigned i = 0; i < COUNT; i++) {
    subjects[i] = (subject){groups[i / 6], suffixes[i / 3 % 2], (engine)(i % 3)};
    snprintf(names[i], sizeof names[i], "group %s%s, %s", subjects[i].group, subjects[i].suffix, engines[i % 3]);
    tests[i] = (struct CMUnitTest){.name = names[i], .test_func = runs_right, .initial_state = &subjects[i]};
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
