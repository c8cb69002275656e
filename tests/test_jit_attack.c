/*
 * Programs that try to leave the guest's space, and hosts that get in native code's way. Each runs in native code with and
 * without explicit checks, with all that the processor has and with the least that the recompiler asks for, and in the
 * interpreter; everything that can be seen afterwards is the same.
 */
#include "support/program.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec/engine.h"
#include "jit/native.h"

#if JV_HAS_RECOMPILER

/* ------------------------------------------------------------------------------------------------------ comparing */

typedef struct setting {
  const char *name;
  javm_engine engine;
  bool checks, counts, plain; /* plain: without what not every processor has */
  uint32_t cold_gas;          /* of the memory: how much of the gas is spent that it takes for a window */
} setting;

enum { SETTINGS = 8 };
static const setting settings[SETTINGS] = {
    {"interpreter", JAVM_ENGINE_INTERPRETER, false, true, false, 0},
    {"window", JAVM_ENGINE_RECOMPILER, false, false, false, UINT32_MAX},
    {"window, counting", JAVM_ENGINE_RECOMPILER, false, true, false, UINT32_MAX},
    {"window, plain processor", JAVM_ENGINE_RECOMPILER, false, false, true, UINT32_MAX},
    {"window later", JAVM_ENGINE_RECOMPILER, false, false, false, 39970},
    {"cold", JAVM_ENGINE_RECOMPILER, false, true, false, 0},
    {"checks", JAVM_ENGINE_RECOMPILER, true, false, false, 0},
    {"checks, counting, plain processor", JAVM_ENGINE_RECOMPILER, true, true, true, 0},
};

/* The program of a test_run for each setting. */
typedef struct lab {
  test_run *t;
  javm_gas_model model;
  javm_program *programs[SETTINGS];
} lab;

/* How a machine is set up, and what runs beside it. */
typedef struct setup {
  void (*prepare)(javm_machine *m, const struct setup *s); /* may be NULL */
  uint32_t pc;
  uint64_t gas; /* 0: TEST_GAS */
  bool no_gas;
  uint64_t regs[JAVM_REG_COUNT];
  javm_ecall_fn handler;
  int layout, touched; /* for `prepare` */
} setup;

typedef struct outcome {
  javm_exit exit;
  uint32_t pc;
  uint64_t regs[JAVM_REG_COUNT], gas, instructions;
  size_t dirty_count;
  uint64_t dirty; /* digest of the addresses and contents */
  bool has_window;
} outcome;

/* What the processor has; it can be made to look plain. */
static jv_features real_features;
static void set_features(bool plain) {
  jv_features *f = (jv_features *)(uintptr_t)jv_host_features();
  *f = plain ? (jv_features){0} : real_features;
}

static javm_program *compile(const test_run *t, javm_gas_model model, const setting *s) {
  javm_code code = test_code(t);
  javm_program_config config;
  javm_program *program;
  javm_program_config_default(&config);
  config.gas_model = model;
  config.engine = s->engine;
  config.explicit_checks = s->checks;
  config.counts_instructions = s->counts;
  set_features(s->plain);
  assert_int_equal(javm_program_new(&code, &config, &program, NULL), JAVM_OK);
  set_features(false);
  assert_int_equal(javm_program_is_native(program), s->engine == JAVM_ENGINE_RECOMPILER);
  return program;
}

static void open_lab(lab *l, test_run *t, javm_gas_model model) {
  l->t = t;
  l->model = model;
  for (unsigned k = 0; k < SETTINGS; k++) l->programs[k] = compile(t, model, &settings[k]);
}

static void close_lab(lab *l) {
  for (unsigned k = 0; k < SETTINGS; k++) javm_program_release(l->programs[k]);
}

static uint64_t mix(uint64_t digest, const uint8_t *bytes, size_t count) {
  for (size_t k = 0; k < count; k += 8) {
    uint64_t word;
    memcpy(&word, bytes + k, 8);
    digest = (digest ^ word) * UINT64_C(0x9e3779b97f4a7c15) + (digest >> 29);
  }
  return digest;
}

static javm_machine *make_machine(javm_program *program, const setting *with, const setup *s) {
  javm_machine *m;
  assert_int_equal(javm_machine_new(program, NULL, &m, NULL), JAVM_OK);
  m->mem.cold_gas = with->cold_gas;
  if (s->prepare) s->prepare(m, s);
  memcpy(javm_machine_regs(m), s->regs, sizeof s->regs);
  javm_machine_set_gas(m, s->no_gas ? 0 : s->gas ? s->gas : TEST_GAS);
  javm_machine_set_pc(m, s->pc);
  return m;
}

static outcome look(javm_machine *m, javm_exit exit) {
  enum { MAX = 32768 };
  static uint32_t addresses[MAX];
  static uint8_t bytes[JAVM_PAGE_BYTES];
  outcome o = {.exit = exit, .pc = javm_machine_pc(m), .gas = javm_machine_gas(m)};
  o.instructions = javm_machine_instructions(m);
  o.has_window = m->mem.window != NULL;
  memcpy(o.regs, javm_machine_regs(m), sizeof o.regs);
  o.dirty_count = javm_machine_dirty_pages(m, addresses, MAX);
  assert_true(o.dirty_count <= MAX);
  for (size_t k = 0; k < o.dirty_count; k++) {
    assert_int_equal(javm_machine_read(m, addresses[k], bytes, sizeof bytes, NULL), JAVM_OK);
    o.dirty = mix(o.dirty ^ addresses[k], bytes, sizeof bytes);
  }
  return o;
}

/* The engines' number that runs, for handlers. */
static const setting *running;

static outcome run_once(javm_program *program, const setting *with, const setup *s) {
  javm_machine *m = make_machine(program, with, s);
  running = with;
  set_features(with->plain);
  outcome o = look(m, javm_machine_run(m, s->handler, (void *)(uintptr_t)s));
  set_features(false);
  javm_machine_free(m);
  return o;
}

#define SAME(field)                                                                                                    \
  if (a->field != b->field)                                                                                            \
  fail_msg("%s, gas model %d: " #field " is 0x%llx, expected 0x%llx", name, (int)model, (unsigned long long)a->field,  \
           (unsigned long long)b->field)

static void expect_same(const outcome *a, const outcome *b, const char *name, javm_gas_model model, bool counts) {
  SAME(exit.kind);
  SAME(exit.address);
  SAME(exit.number);
  SAME(exit.status);
  SAME(pc);
  SAME(gas);
  for (unsigned r = 0; r < JAVM_REG_COUNT; r++) SAME(regs[r]);
  SAME(dirty_count);
  SAME(dirty);
  if (counts) SAME(instructions);
}

/* Runs it everywhere; gives the interpreter's outcome. */
static outcome compare(const lab *l, const setup *s) {
  outcome want = run_once(l->programs[0], &settings[0], s);
  for (unsigned k = 1; k < SETTINGS; k++) {
    outcome got = run_once(l->programs[k], &settings[k], s);
    expect_same(&got, &want, settings[k].name, l->model, settings[k].counts);
  }
  return want;
}

/* Likewise under each gas model that ends a program; gives the last one's outcome. */
static outcome compare_models(test_run *t, const setup *s) {
  outcome o = {0};
  for (javm_gas_model model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_NONE; model++) {
    lab l;
    open_lab(&l, t, model);
    o = compare(&l, s);
    close_lab(&l);
  }
  return o;
}

/* ------------------------------------------------------------------------------------------------------- accesses */

enum { BASE_REG = 8, VALUE_REG = 7 };
#define VALUE UINT64_C(0xf1e2d3c4b5a69788)

static const uint8_t indirect_ops[] = {JV_OP_load_ind_u8,   JV_OP_load_ind_i8,   JV_OP_load_ind_u16, JV_OP_load_ind_i16,
                                       JV_OP_load_ind_u32,  JV_OP_load_ind_i32,  JV_OP_load_ind_u64, JV_OP_store_ind_u8,
                                       JV_OP_store_ind_u16, JV_OP_store_ind_u32, JV_OP_store_ind_u64};
static const uint8_t absolute_ops[] = {JV_OP_load_u8,   JV_OP_load_i8,   JV_OP_load_u16, JV_OP_load_i16,
                                       JV_OP_load_u32,  JV_OP_load_i32,  JV_OP_load_u64, JV_OP_store_u8,
                                       JV_OP_store_u16, JV_OP_store_u32, JV_OP_store_u64};
static const uint8_t imm_ops[] = {JV_OP_store_imm_u8, JV_OP_store_imm_u16, JV_OP_store_imm_u32, JV_OP_store_imm_u64};
static const uint8_t imm_ind_ops[] = {JV_OP_store_imm_ind_u8, JV_OP_store_imm_ind_u16, JV_OP_store_imm_ind_u32,
                                      JV_OP_store_imm_ind_u64};
enum { ACCESSES_MAX = 32 };

/* A block for each access with this displacement, `indirect` ones or absolute ones; their pcs. */
static size_t put_accesses(test_run *t, bool indirect, uint32_t disp, uint32_t *pcs) {
  size_t count = 0;
  test_clear(t);
  put(t, JV_OP_trap);
  for (size_t k = 0; k < sizeof indirect_ops; k++) {
    if (indirect) pcs[count++] = put(t, indirect_ops[k], REGS(VALUE_REG, BASE_REG), LE4(disp));
    else pcs[count++] = put(t, absolute_ops[k], VALUE_REG, LE4(disp));
    put(t, JV_OP_trap);
  }
  for (size_t k = 0; k < sizeof imm_ops; k++) {
    if (indirect) pcs[count++] = put(t, imm_ind_ops[k], REGS(BASE_REG, 4), LE4(disp), LE4(0x87654321));
    else pcs[count++] = put(t, imm_ops[k], 4, LE4(disp), LE4(0x87654321));
    put(t, JV_OP_trap);
  }
  return count;
}

/* The address space's two ends. */
static void map_ends(javm_machine *m, const setup *s) {
  static const javm_access first[] = {0, 0, JAVM_ACCESS_WRITE, JAVM_ACCESS_WRITE, JAVM_ACCESS_READ, JAVM_ACCESS_WRITE};
  static const javm_access last[] = {0, JAVM_ACCESS_WRITE, 0, JAVM_ACCESS_WRITE, JAVM_ACCESS_WRITE, JAVM_ACCESS_READ};
  static uint8_t bytes[2 * JAVM_PAGE_BYTES];
  javm_access a = first[s->layout], b = last[s->layout];
  if (a) assert_int_equal(javm_machine_map(m, 0, JAVM_PAGE_BYTES, a), JAVM_OK);
  if (b) assert_int_equal(javm_machine_map(m, 0xfffff000, JAVM_PAGE_BYTES, b), JAVM_OK);
  for (size_t k = 0; k < sizeof bytes; k++) bytes[k] = (uint8_t)(k * 7 + 1);
  if (s->touched && a) assert_int_equal(javm_machine_poke(m, 0, bytes, JAVM_PAGE_BYTES), JAVM_OK);
  if (s->touched && b) assert_int_equal(javm_machine_poke(m, 0xfffff000, bytes + 40, JAVM_PAGE_BYTES), JAVM_OK);
}

static void accesses_at_the_ends_of_the_address_space(void **state) {
  test_run *t = *state;
  static const struct {
    uint64_t base;
    uint32_t disp;
  } places[] = {
      {0xfffffff8, 0},
      {0xffffffff, 1},
      {UINT64_MAX, 0},
      {0, UINT32_MAX - 7},
      {4, UINT32_MAX - 7},
      {1, INT32_MIN},
      {UINT64_C(0x80000000), INT32_MIN},
      {UINT64_C(0x80000001), INT32_MAX},
      {UINT64_C(0x8000000000000000), UINT32_MAX},
      {UINT64_C(0x7fffffffffffffff), 1},
      {UINT64_C(0x123400000000), UINT32_MAX - 3},
      {UINT64_C(0xffffffff00000000), UINT32_MAX - 65535},
  };
  for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
    lab l;
    uint32_t pcs[ACCESSES_MAX];
    size_t count = put_accesses(t, true, places[p].disp, pcs);
    open_lab(&l, t, p % 3);
    for (size_t k = 0; k < count; k++)
      for (int layout = 0; layout < 6; layout++)
        for (unsigned more = 0; more < 8; more++) {
          setup s = {.prepare = map_ends, .pc = pcs[k], .layout = layout, .touched = (int)more & 1};
          s.regs[BASE_REG] = places[p].base + more;
          s.regs[VALUE_REG] = VALUE;
          compare(&l, &s);
        }
    close_lab(&l);
  }
}

static void absolute_accesses_at_the_ends(void **state) {
  test_run *t = *state;
  static const uint32_t places[] = {0,          1,          4095,       4096,       0x7fffffff, 0x80000000, 0xffffefff,
                                    0xfffff000, 0xfffffff8, 0xfffffff9, 0xfffffffc, 0xfffffffd, 0xfffffffe, 0xffffffff};
  for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
    lab l;
    uint32_t pcs[ACCESSES_MAX];
    size_t count = put_accesses(t, false, places[p], pcs);
    open_lab(&l, t, p % 3);
    for (size_t k = 0; k < count; k++)
      for (int layout = 0; layout < 6; layout++) {
        setup s = {.prepare = map_ends, .pc = pcs[k], .layout = layout, .touched = layout & 1};
        s.regs[VALUE_REG] = VALUE;
        compare(&l, &s);
      }
    close_lab(&l);
  }
}

/* Pages: writable, read-only, none, writable, none, read-only, writable, writable, read-only, read-only. */
enum { STRIPES = 0x20000, STRIPE_COUNT = 10 };
static const javm_access stripes[STRIPE_COUNT] = {2, 1, 0, 2, 0, 1, 2, 2, 1, 1};

static void map_stripes(javm_machine *m, const setup *s) {
  uint8_t bytes[JAVM_PAGE_BYTES];
  for (uint32_t k = 0; k < STRIPE_COUNT; k++) {
    uint32_t at = STRIPES + k * JAVM_PAGE_BYTES;
    if (!stripes[k]) continue;
    assert_int_equal(javm_machine_map(m, at, JAVM_PAGE_BYTES, stripes[k]), JAVM_OK);
    memset(bytes, 0x10 + (int)k, sizeof bytes);
    if (s->touched == 1) assert_int_equal(javm_machine_poke(m, at, bytes, sizeof bytes), JAVM_OK);
    if (s->touched == 2) assert_int_equal(javm_machine_read(m, at, bytes, sizeof bytes, NULL), JAVM_OK);
  }
}

static void accesses_that_cross_pages(void **state) {
  test_run *t = *state;
  lab l;
  uint32_t pcs[ACCESSES_MAX];
  size_t count = put_accesses(t, true, (uint32_t)-16, pcs);
  for (javm_gas_model model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_NONE; model++) {
    open_lab(&l, t, model);
    for (size_t k = 0; k < count; k++)
      for (uint32_t page = 0; page <= STRIPE_COUNT; page++)
        for (unsigned before = 0; before < 8; before += model == JAVM_GAS_PIPELINE ? 1 : 3)
          for (int touched = 0; touched < 3; touched++) {
            setup s = {.prepare = map_stripes, .pc = pcs[k], .touched = touched};
            s.regs[BASE_REG] = STRIPES + page * JAVM_PAGE_BYTES - before + 16;
            s.regs[VALUE_REG] = VALUE;
            compare(&l, &s);
          }
    close_lab(&l);
  }
}

/* The same place again and again: read, then written, then over the page's end. */
static void a_refused_store_changes_nothing(void **state) {
  test_run *t = *state;
  put(t, JV_OP_load_ind_u64, REGS(2, BASE_REG), 0);
  put(t, JV_OP_store_ind_u8, REGS(VALUE_REG, BASE_REG), 0);
  uint32_t pc = put(t, JV_OP_store_ind_u64, REGS(VALUE_REG, BASE_REG), 0xfc & 0xff, 0x0f); /* + 4092 */
  put(t, JV_OP_trap);
  setup s = {.prepare = map_stripes, .touched = 1};
  s.regs[BASE_REG] = STRIPES;
  s.regs[VALUE_REG] = VALUE;
  outcome o = compare_models(t, &s);
  assert_int_equal(o.exit.kind, JAVM_EXIT_PAGE_FAULT);
  assert_int_equal(o.exit.address, STRIPES + JAVM_PAGE_BYTES);
  assert_int_equal(o.pc, pc);
  s.touched = 0; /* only the page that the first store wrote */
  assert_int_equal(compare_models(t, &s).dirty_count, 1);
  s.regs[BASE_REG] = STRIPES + 3 * JAVM_PAGE_BYTES; /* writable, and then nothing */
  o = compare_models(t, &s);
  assert_int_equal(o.exit.kind, JAVM_EXIT_PAGE_FAULT);
  assert_int_equal(o.exit.address, STRIPES + 4 * JAVM_PAGE_BYTES);
  assert_int_equal(o.dirty_count, 1);
}

/* -------------------------------------------------------------------------------------------------------- control */

static void dynamic_jumps(void **state) {
  test_run *t = *state;
  static const uint64_t addresses[] = {0,
                                       1,
                                       2,
                                       3,
                                       4,
                                       5,
                                       6,
                                       7,
                                       8,
                                       9,
                                       10,
                                       11,
                                       12,
                                       13,
                                       14,
                                       15,
                                       16,
                                       17,
                                       18,
                                       0x7fffffff,
                                       0x80000000,
                                       0x80000002,
                                       0xfffeffff,
                                       0xffff0000,
                                       0xffff0001,
                                       0xffff0002,
                                       0xfffffffe,
                                       0xffffffff,
                                       0x100000000,
                                       0x100000002,
                                       UINT64_MAX,
                                       0xdeadbeef00000004,
                                       0x8000000000000000,
                                       0xffffffffffff0000};
  static const uint32_t offsets[] = {0, 2, 0xfffffffe, INT32_MIN, INT32_MAX};
  for (javm_gas_model model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_NONE; model++)
    for (size_t f = 0; f < sizeof offsets / sizeof *offsets; f++) {
      lab l;
      test_clear(t);
      put(t, JV_OP_jump_ind, 3, LE4(offsets[f]));
      uint32_t other = put(t, JV_OP_load_imm_jump_ind, REGS(3, 4), 4, LE4(0x12345678), LE4(offsets[f]));
      uint32_t same = put(t, JV_OP_load_imm_jump_ind, REGS(4, 4), 4, LE4(0x12345678), LE4(offsets[f]));
      uint32_t good = put(t, JV_OP_load_imm, 2, 7);
      uint32_t middle = put(t, JV_OP_load_imm, 2, 9);
      uint32_t end = put(t, JV_OP_trap);
      const uint32_t jumps[TEST_JUMPS_MAX] = {good, good + 1, middle, end, t->code_bytes, UINT32_MAX, 0x1000000, good};
      memcpy(t->jumps, jumps, sizeof jumps);
      t->jump_count = TEST_JUMPS_MAX;
      open_lab(&l, t, model);
      for (size_t k = 0; k < sizeof addresses / sizeof *addresses; k++) {
        setup s = {.pc = 0};
        s.regs[3] = s.regs[4] = addresses[k] - (uint64_t)(int64_t)(int32_t)offsets[f];
        compare(&l, &s);
        s.pc = other;
        compare(&l, &s);
        s.pc = same;
        compare(&l, &s);
        s.regs[3] = s.regs[4] = addresses[k];
        compare(&l, &s);
      }
      close_lab(&l);
    }
  t->jump_count = 0; /* and without a table */
  for (uint64_t a = 0; a < 5; a++) {
    setup s = {.regs = {[3] = a}};
    assert_int_equal(compare_models(t, &s).exit.kind, JAVM_EXIT_PANIC);
  }
  setup s = {.regs = {[3] = (uint64_t)JV_HALT_ADDRESS - INT32_MAX}};
  assert_int_equal(compare_models(t, &s).exit.kind, JAVM_EXIT_HALT);
}

static void branches_to_what_is_no_block(void **state) {
  test_run *t = *state;
  static const int32_t offsets[] = {0,  1,  2,  3,  4,    5,         6,   7,       8,         12,        20,
                                    21, 22, 23, 24, 25,   26,        100, 1 << 24, INT32_MIN, INT32_MAX, INT32_MIN + 1,
                                    -1, -2, -3, -4, -100, -(1 << 24)};
  for (size_t k = 0; k < sizeof offsets / sizeof *offsets; k++)
    for (unsigned how = 0; how < 4; how++) {
      test_clear(t);
      put(t, JV_OP_load_imm, 2, 1);
      put(t, JV_OP_fallthrough);
      if (how == 0) put(t, JV_OP_jump, LE4(offsets[k]));
      if (how == 1) put(t, JV_OP_load_imm_jump, 0x13, 5, LE4(offsets[k]));
      if (how == 2) put(t, JV_OP_branch_eq_imm, 0x12, 1, LE4(offsets[k]));
      if (how == 3) put(t, JV_OP_branch_ne, REGS(2, 2), LE4(offsets[k])); /* not taken */
      put(t, JV_OP_load_imm, 2, 3);
      put(t, JV_OP_load_imm_64, 3, LE4(1), LE4(2));
      put(t, JV_OP_fallthrough);
      put(t, JV_OP_add_imm_64, REGS(2, 2), 1);
      setup s = {.gas = 2000};
      for (javm_gas_model model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_INSTRUCTION; model++) {
        lab l;
        open_lab(&l, t, model);
        compare(&l, &s);
        close_lab(&l);
      }
    }
}

static void code_that_runs_off_its_end(void **state) {
  test_run *t = *state;
  setup s = {.pc = 0};
  assert_int_equal(compare_models(t, &s).exit.kind, JAVM_EXIT_TRAP); /* nothing at all */
  put(t, JV_OP_load_imm, 2, 1);
  assert_int_equal(compare_models(t, &s).exit.kind, JAVM_EXIT_TRAP);
  put(t, JV_OP_fallthrough);
  assert_int_equal(compare_models(t, &s).exit.kind, JAVM_EXIT_TRAP);
  put(t, JV_OP_load_imm); /* whose operands are not there */
  assert_int_equal(compare_models(t, &s).exit.kind, JAVM_EXIT_TRAP);
  put(t, JV_OP_load_ind_u64);
  assert_int_equal(compare_models(t, &s).exit.kind, JAVM_EXIT_PAGE_FAULT);
  /* A gap that no instruction skips over. */
  uint8_t gap[40] = {JV_OP_load_imm, 2, 1};
  test_clear(t);
  test_put(t, gap, sizeof gap);
  put(t, JV_OP_trap);
  assert_int_equal(compare_models(t, &s).exit.kind, JAVM_EXIT_PANIC);
  /* Started anywhere. */
  for (s.pc = 0; s.pc < 60; s.pc++) compare_models(t, &s);
  for (s.pc = UINT32_MAX; s.pc > UINT32_MAX - 4; s.pc--) compare_models(t, &s);
}

/* ---- a million calls deep ---- */

static uintptr_t lowest, highest;

static javm_ecall_action note_stack(void *ctx, javm_machine *m, javm_ecall_kind kind, uint32_t immediate) {
  uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  (void)ctx, (void)m, (void)kind, (void)immediate;
  if (here < lowest) lowest = here;
  if (here > highest) highest = here;
  return JAVM_ECALL_CONTINUE;
}

static void map_guest_stack(javm_machine *m, const setup *s) {
  (void)s;
  assert_int_equal(javm_machine_map(m, 0x1000000, 9000000, JAVM_ACCESS_WRITE), JAVM_OK);
}

static void recursion_does_not_use_the_hosts_stack(void **state) {
  test_run *t = *state;
  enum { DEPTH = 1000000 };
  put(t, JV_OP_load_imm, 0, 2);
  put(t, JV_OP_fallthrough);
  uint32_t function = put(t, JV_OP_add_imm_64, REGS(1, 1), 0xf8);
  put(t, JV_OP_store_ind_u64, REGS(0, 1), 0);
  put(t, JV_OP_ecalli, 1);
  put(t, JV_OP_add_imm_64, REGS(2, 2), 0xff);
  uint32_t branch = put(t, JV_OP_branch_eq_imm, 0x12, 0, 0);
  uint32_t call = put(t, JV_OP_load_imm_jump, 0x10, 2, 0);
  t->code[call + 3] = TO(call, function);
  t->code[branch + 3] = TO(branch, t->code_bytes);
  put(t, JV_OP_trap);
  lab l;
  open_lab(&l, t, JAVM_GAS_INSTRUCTION);
  setup s = {.prepare = map_guest_stack, .gas = 100 * DEPTH, .handler = note_stack};
  s.regs[1] = 0x1000000 + 8 * DEPTH;
  s.regs[2] = DEPTH;
  outcome want = {0};
  for (unsigned k = 0; k < SETTINGS; k++) {
    lowest = UINTPTR_MAX, highest = 0;
    outcome o = run_once(l.programs[k], &settings[k], &s);
    if (k == 0) want = o;
    expect_same(&o, &want, settings[k].name, JAVM_GAS_INSTRUCTION, settings[k].counts);
    assert_int_equal(o.exit.kind, JAVM_EXIT_TRAP);
    assert_int_equal(highest - lowest, 0);
  }
  close_lab(&l);
}

/* -------------------------------------------------------------------------------------------------------- gas */

static void out_of_gas_at_every_point(void **state) {
  test_run *t = *state;
  uint32_t loop = put(t, JV_OP_store_ind_u32, REGS(2, BASE_REG), 0);
  put(t, JV_OP_load_ind_u16, REGS(3, BASE_REG), 1);
  put(t, JV_OP_ecalli, 5);
  put(t, JV_OP_add_imm_64, REGS(BASE_REG, BASE_REG), LE2(0x3ff));
  put(t, JV_OP_div_u_64, REGS(2, 3), 4);
  put(t, JV_OP_fallthrough);
  put(t, JV_OP_add_imm_64, REGS(2, 2), 1);
  uint32_t branch = put(t, JV_OP_branch_ne_imm, 0x12, 200, 0);
  t->code[branch + 3] = TO(branch, loop);
  for (javm_isa isa = JAVM_ISA_JAVM; isa <= JAVM_ISA_JAM_0_7; isa++) {
    t->isa = isa;
    for (javm_gas_model model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_INSTRUCTION; model++) {
      lab l;
      open_lab(&l, t, model);
      for (unsigned gas = 0; gas < 300; gas++) {
        setup s = {.prepare = map_stripes, .gas = gas, .no_gas = gas == 0, .handler = note_stack};
        s.regs[BASE_REG] = STRIPES;
        compare(&l, &s);
      }
      setup s = {.prepare = map_stripes, .gas = UINT64_MAX, .handler = note_stack};
      s.regs[BASE_REG] = STRIPES;
      compare(&l, &s);
      close_lab(&l);
    }
  }
}

/* ------------------------------------------------------------------------------------------- handlers and memory */

/* Changes what a handler may change, another thing each time. */
static javm_ecall_action meddle(void *ctx, javm_machine *m, javm_ecall_kind kind, uint32_t immediate) {
  (void)ctx, (void)kind, (void)immediate;
  uint64_t *regs = javm_machine_regs(m), turn = ++regs[12];
  uint32_t page = STRIPES + (uint32_t)(turn % STRIPE_COUNT) * JAVM_PAGE_BYTES;
  static const uint8_t bytes[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  switch (turn % 9) {
    case 0: regs[3] = UINT64_MAX - turn; break;
    case 1: javm_machine_set_gas(m, javm_machine_gas(m) / 2 + 70); break;
    case 2: javm_machine_poke(m, page, bytes, sizeof bytes); break;
    case 3: javm_machine_write(m, page + 4090, bytes, sizeof bytes, NULL); break;
    case 4: javm_machine_map(m, page, JAVM_PAGE_BYTES, JAVM_ACCESS_WRITE); break;
    case 5: javm_machine_map(m, page, JAVM_PAGE_BYTES, turn & 16 ? JAVM_ACCESS_READ : JAVM_ACCESS_WRITE); break;
    case 6: regs[BASE_REG] = page; break;
    case 7:
      if (turn % 5 == 0) javm_machine_map(m, page, 2 * JAVM_PAGE_BYTES, JAVM_ACCESS_NONE);
      break;
    default:
      for (unsigned r = 0; r < 7; r++) regs[r] += turn << r;
  }
  return turn > 200 ? JAVM_ECALL_HALT : turn % 50 == 49 ? JAVM_ECALL_REFUSE : JAVM_ECALL_CONTINUE;
}

static void put_meddled(test_run *t) {
  test_clear(t);
  uint32_t loop = put(t, JV_OP_store_ind_u64, REGS(3, BASE_REG), 8);
  put(t, JV_OP_ecalli, 5);
  put(t, JV_OP_load_ind_u64, REGS(4, BASE_REG), 8);
  put(t, JV_OP_ecalli, 6);
  put(t, JV_OP_xor, REGS(3, 4), 3);
  uint32_t jump = put(t, JV_OP_jump, 0);
  t->code[jump + 1] = TO(jump, loop);
}

static void handlers_may_change_everything(void **state) {
  test_run *t = *state;
  put_meddled(t);
  for (uint64_t turn = 0; turn < 200; turn++) {
    setup s = {.prepare = map_stripes, .gas = 20000, .handler = meddle, .touched = (int)turn % 3};
    s.regs[12] = turn;
    s.regs[BASE_REG] = STRIPES;
    lab l;
    open_lab(&l, t, turn % 3);
    compare(&l, &s);
    close_lab(&l);
  }
}

/* ---- another machine inside ---- */

static const setup nested_setup = {.prepare = map_stripes, .regs = {[BASE_REG] = STRIPES + 8}};
static test_run *nested_code;

/* Runs one that writes, and then faults, inside: with each setting in turn; and one inside of that. */
static javm_ecall_action run_another(void *ctx, javm_machine *m, javm_ecall_kind kind, uint32_t immediate) {
  const setup *s = ctx;
  (void)kind, (void)immediate;
  if (s->layout >= 3) return JAVM_ECALL_CONTINUE;
  uint64_t turn = ++javm_machine_regs(m)[11];
  const setting *own = running, *with = &settings[1 + turn % (SETTINGS - 1)];
  setup inner = nested_setup;
  inner.layout = s->layout + 1;
  inner.handler = run_another;
  javm_program *program = compile(nested_code, turn % 3, with);
  javm_machine *other = make_machine(program, with, &inner);
  javm_exit exit = javm_machine_run(other, inner.handler, &inner);
  assert_int_equal(exit.kind, JAVM_EXIT_PAGE_FAULT);
  assert_int_equal(exit.address, STRIPES + 2 * JAVM_PAGE_BYTES);
  javm_machine_regs(m)[5] += javm_machine_regs(other)[4];
  javm_machine_free(other);
  javm_program_release(program);
  running = own;
  return JAVM_ECALL_CONTINUE;
}

static void machines_inside_of_handlers(void **state) {
  test_run *t = *state, *inner = calloc(1, sizeof *inner);
  put(inner, JV_OP_store_ind_u64, REGS(BASE_REG, BASE_REG), 0);
  put(inner, JV_OP_ecalli, 1);
  put(inner, JV_OP_load_ind_u64, REGS(4, BASE_REG), 0);
  put(inner, JV_OP_load_u8, 3, LE4(STRIPES + 2 * JAVM_PAGE_BYTES));
  nested_code = inner;
  put(t, JV_OP_load_ind_u64, REGS(2, BASE_REG), 0);
  put(t, JV_OP_ecalli, 5);
  put(t, JV_OP_store_ind_u64, REGS(5, BASE_REG), 0);
  put(t, JV_OP_store_u64, 5, LE4(STRIPES + 6 * JAVM_PAGE_BYTES));
  put(t, JV_OP_ecalli, 5);
  put(t, JV_OP_store_u64, 5, LE4(STRIPES + 7 * JAVM_PAGE_BYTES - 3));
  put(t, JV_OP_load_u64, 6, LE4(STRIPES + 9 * JAVM_PAGE_BYTES));
  put(t, JV_OP_trap);
  setup s = {.prepare = map_stripes, .regs = {[BASE_REG] = STRIPES}, .handler = run_another};
  outcome o = compare_models(t, &s);
  assert_int_equal(o.exit.kind, JAVM_EXIT_TRAP);
  assert_int_equal(o.dirty_count, 3);
  free(inner);
}

/* ---- the heap ---- */

static void set_heap(javm_machine *m, const setup *s) {
  static const uint64_t limits[] = {0, 0x30000, 0x31000, 0x30001, 0x40000, UINT64_C(1) << 32};
  if (s->layout) assert_int_equal(javm_machine_set_heap(m, 0x30000, limits[s->layout]), JAVM_OK);
  (void)s;
}

static void the_heap_grows_from_native_code(void **state) {
  test_run *t = *state;
  static const uint64_t sizes[] = {0, 1, 8, 4095, 4096, 4097, 65535, 65536, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX};
  put(t, JV_OP_load_imm, 9, 0);
  put(t, JV_OP_sbrk, REGS(9, 7)); /* φ9 = sbrk(φ7) */
  put(t, JV_OP_load_imm, 10, 0);
  put(t, JV_OP_sbrk, REGS(4, 10)); /* the end */
  put(t, JV_OP_store_ind_u8, REGS(7, 4), 0xff);
  put(t, JV_OP_sbrk, REGS(10, 7));
  put(t, JV_OP_sbrk, REGS(7, 7));
  put(t, JV_OP_store_ind_u64, REGS(7, 9), 0);
  put(t, JV_OP_store_ind_u64, REGS(7, 4), 0);
  put(t, JV_OP_trap);
  for (int layout = 0; layout < 6; layout++)
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
      setup s = {.prepare = set_heap, .layout = layout, .regs = {[7] = sizes[k]}};
      compare_models(t, &s);
    }
}

/* ---- more scattered pages than a window may have ---- */

/* `touched`: how many of the pages the host has written to before. */
static void map_wide(javm_machine *m, const setup *s) {
  assert_int_equal(javm_machine_map(m, 0x100000, 0x10000000, JAVM_ACCESS_WRITE), JAVM_OK);
  for (uint32_t k = 0; k < (uint32_t)s->touched; k++)
    assert_int_equal(javm_machine_poke(m, 0x100000 + 2 * k * JAVM_PAGE_BYTES, &k, sizeof k), JAVM_OK);
}

static void scattered_pages_close_the_window(void **state) {
  test_run *t = *state;
  enum { PAGES = 10000 };
  uint32_t loop = put(t, JV_OP_store_ind_u64, REGS(2, BASE_REG), 4);
  put(t, JV_OP_load_ind_u8, REGS(3, BASE_REG), 5);
  put(t, JV_OP_add_imm_64, REGS(BASE_REG, BASE_REG), LE4(2 * JAVM_PAGE_BYTES));
  put(t, JV_OP_add_imm_64, REGS(2, 2), 0xff);
  uint32_t branch = put(t, JV_OP_branch_ne_imm, 0x12, 0, 0);
  t->code[branch + 3] = TO(branch, loop);
  put(t, JV_OP_store_u64, 3, LE4(0x100000));
  put(t, JV_OP_trap);
  lab l;
  setup s = {.prepare = map_wide, .gas = 1 << 30, .regs = {[2] = PAGES, [BASE_REG] = 0x100000}};
  for (javm_gas_model model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_INSTRUCTION; model += 2) {
    open_lab(&l, t, model);
    outcome o = compare(&l, &s);
    assert_int_equal(o.exit.kind, JAVM_EXIT_TRAP);
    assert_int_equal(o.dirty_count, PAGES);
    assert_false(run_once(l.programs[1], &settings[1], &s).has_window);
    s.regs[2] = 100;
    assert_true(run_once(l.programs[1], &settings[1], &s).has_window);
    /* So many before the run that no window is opened; and some. */
    for (s.touched = 5000; s.touched; s.touched = s.touched == 5000 ? 3000 : 0) {
      outcome native = run_once(l.programs[1], &settings[1], &s);
      assert_true(native.has_window == (s.touched < 4000));
      compare(&l, &s);
    }
    s.regs[2] = PAGES;
    close_lab(&l);
  }
}

/* -------------------------------------------------------------------------------------------------------- signals */

static sigjmp_buf back;
static volatile sig_atomic_t host_faults;
static char *volatile forbidden; /* a page of the host's that nobody may read */

static void on_host_fault(int number, siginfo_t *info, void *context) {
  (void)number, (void)context;
  if (info->si_addr != forbidden) abort();
  host_faults++;
  siglongjmp(back, 1);
}

static void on_host_fault_plain(int number) {
  (void)number;
  host_faults++;
  siglongjmp(back, 1);
}

static void install(bool plain, int flags) {
  struct sigaction a = {.sa_flags = flags};
  sigemptyset(&a.sa_mask);
  if (plain) a.sa_handler = on_host_fault_plain;
  else a.sa_sigaction = on_host_fault, a.sa_flags |= SA_SIGINFO;
  assert_int_equal(sigaction(SIGSEGV, &a, NULL), 0);
}

/* The host reads what it may not, and comes back. */
static void fault_as_host(void) {
  int before = host_faults;
  if (sigsetjmp(back, 1) == 0) (void)*(volatile char *)forbidden;
  assert_int_equal(host_faults, before + 1);
}

static javm_ecall_action fault_in_handler(void *ctx, javm_machine *m, javm_ecall_kind kind, uint32_t immediate) {
  (void)ctx, (void)m, (void)kind, (void)immediate;
  fault_as_host();
  fault_as_host();
  return JAVM_ECALL_CONTINUE;
}

static void put_faults(test_run *t) {
  test_clear(t);
  put(t, JV_OP_store_u64, 3, LE4(STRIPES + 6 * JAVM_PAGE_BYTES));
  put(t, JV_OP_ecalli, 1);
  put(t, JV_OP_store_u64, 4, LE4(STRIPES + 7 * JAVM_PAGE_BYTES));
  put(t, JV_OP_load_u64, 4, LE4(STRIPES + 2 * JAVM_PAGE_BYTES));
}

static void host_handlers_get_the_hosts_faults(void **state) {
  test_run *t = *state;
  struct sigaction old;
  sigaction(SIGSEGV, NULL, &old);
  forbidden = mmap(NULL, JAVM_PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(forbidden != MAP_FAILED);
  put_faults(t);
  setup s = {.prepare = map_stripes};
  for (unsigned how = 0; how < 8; how++) {
    /* Set before a run, or over ours after one; with the signal's data or without; more than once. */
    install(how & 1, how & 2 ? SA_NODEFER : 0);
    fault_as_host();
    int before = host_faults;
    s.handler = NULL;
    compare_models(t, &s);
    assert_int_equal(host_faults, before);
    for (unsigned k = 0; k < 3; k++) fault_as_host();
    s.handler = fault_in_handler;
    if (how & 4) install(how & 1, how & 2 ? SA_NODEFER : 0);
    outcome o = compare_models(t, &s);
    assert_int_equal(o.exit.kind, JAVM_EXIT_PAGE_FAULT);
    assert_int_equal(o.dirty_count, 2);
    fault_as_host();
  }
  sigaction(SIGSEGV, &old, NULL);
  munmap(forbidden, JAVM_PAGE_BYTES);
}

static struct sigaction under; /* what a host's handler found when it was set */
static volatile sig_atomic_t passed_on;

static void pass_on(int number, siginfo_t *info, void *context) {
  passed_on++;
  if (under.sa_flags & SA_SIGINFO) under.sa_sigaction(number, info, context);
}

/* The guest's faults come back to us from a handler that was set while a window is open. */
static void handlers_set_later_can_pass_on(void **state) {
  test_run *t = *state;
  struct sigaction old, own = {.sa_sigaction = pass_on, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, NULL, &old);
  put_faults(t);
  javm_program *program = compile(t, JAVM_GAS_PIPELINE, &settings[1]);
  setup s = {.prepare = map_stripes};
  javm_machine *m = make_machine(program, &settings[1], &s);
  assert_int_equal(javm_machine_run(m, NULL, NULL).kind, JAVM_EXIT_HOST_CALL);
  sigaction(SIGSEGV, &own, &under);
  passed_on = 0;
  javm_exit exit = javm_machine_run(m, NULL, NULL);
  assert_int_equal(exit.kind, JAVM_EXIT_PAGE_FAULT);
  assert_int_equal(exit.address, STRIPES + 2 * JAVM_PAGE_BYTES);
  assert_int_equal(passed_on, 2);
  assert_int_equal(javm_machine_dirty_pages(m, NULL, 0), 2);
  javm_machine_free(m);
  javm_program_release(program);
  sigaction(SIGSEGV, &old, NULL);
}

/* What is nobody's to handle ends the process, and does not go round in circles. */

/* The signal that ends a process which runs a program, sets a handler over ours that passes on to it, runs another and
 * faults itself. */
static int signal_of_a_bad_host(test_run *t, bool passes_on) {
  setup s = {.prepare = map_stripes};
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    struct rlimit none = {0, 0};
    struct sigaction own = {.sa_sigaction = pass_on, .sa_flags = SA_SIGINFO}, standard = {.sa_handler = SIG_DFL};
    setrlimit(RLIMIT_CORE, &none);
    sigaction(SIGSEGV, &standard, NULL);
    alarm(60);
    compare_models(t, &s);
    if (passes_on) sigaction(SIGSEGV, &own, &under);
    compare_models(t, &s);
    (void)*(volatile char *)forbidden;
    _exit(0);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void faults_of_nobody_end_the_process(void **state) {
  test_run *t = *state;
  forbidden = mmap(NULL, JAVM_PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(forbidden != MAP_FAILED);
  put_faults(t);
  assert_int_equal(signal_of_a_bad_host(t, false), SIGSEGV);
  assert_int_equal(signal_of_a_bad_host(t, true), SIGSEGV);
  munmap(forbidden, JAVM_PAGE_BYTES);
}

/* ---- threads ---- */

enum { THREAD_RUNS = 300 };

typedef struct worker {
  pthread_t thread;
  javm_program *program;
  uint32_t page;
  uint32_t cold_gas;
  unsigned wrong;
} worker;

static void *fault_often(void *ctx) {
  worker *w = ctx;
  for (unsigned k = 0; k < THREAD_RUNS; k++) {
    javm_machine *m;
    if (javm_machine_new(w->program, NULL, &m, NULL) != JAVM_OK) return w->wrong++, NULL;
    m->mem.cold_gas = w->cold_gas;
    javm_machine_map(m, STRIPES, 64 * JAVM_PAGE_BYTES, JAVM_ACCESS_WRITE);
    javm_machine_regs(m)[BASE_REG] = STRIPES;
    javm_machine_regs(m)[3] = w->page;
    javm_machine_set_gas(m, TEST_GAS);
    javm_exit exit = javm_machine_run(m, NULL, NULL);
    uint8_t byte = 0;
    javm_machine_read(m, STRIPES + 63 * JAVM_PAGE_BYTES, &byte, 1, NULL);
    w->wrong += exit.kind != JAVM_EXIT_PAGE_FAULT || exit.address != STRIPES + 64 * JAVM_PAGE_BYTES ||
                javm_machine_dirty_pages(m, NULL, 0) != 64 || byte != w->page;
    javm_machine_free(m);
  }
  return NULL;
}

static void threads_fault_at_the_same_time(void **state) {
  test_run *t = *state;
  uint32_t loop = put(t, JV_OP_store_ind_u8, REGS(3, BASE_REG), 0);
  put(t, JV_OP_add_imm_64, REGS(BASE_REG, BASE_REG), LE4(JAVM_PAGE_BYTES));
  uint32_t jump = put(t, JV_OP_jump, 0);
  t->code[jump + 1] = TO(jump, loop);
  for (unsigned k = 1; k < SETTINGS; k++) {
    javm_program *program = compile(t, k % 3, &settings[k]);
    set_features(settings[k].plain);
    worker workers[3] = {
        {.program = program, .page = 1}, {.program = program, .page = 2}, {.program = program, .page = 3}};
    for (unsigned w = 0; w < 3; w++) workers[w].cold_gas = settings[k].cold_gas;
    for (unsigned w = 0; w < 3; w++)
      assert_int_equal(pthread_create(&workers[w].thread, NULL, fault_often, &workers[w]), 0);
    for (unsigned w = 0; w < 3; w++) pthread_join(workers[w].thread, NULL);
    set_features(false);
    for (unsigned w = 0; w < 3; w++) assert_int_equal(workers[w].wrong, 0);
    javm_program_release(program);
  }
}

int main(void) {
  real_features = *jv_host_features();
  const struct CMUnitTest tests[] = {
      test_case(accesses_at_the_ends_of_the_address_space),
      test_case(absolute_accesses_at_the_ends),
      test_case(accesses_that_cross_pages),
      test_case(a_refused_store_changes_nothing),
      test_case(dynamic_jumps),
      test_case(branches_to_what_is_no_block),
      test_case(code_that_runs_off_its_end),
      test_case(recursion_does_not_use_the_hosts_stack),
      test_case(out_of_gas_at_every_point),
      test_case(handlers_may_change_everything),
      test_case(machines_inside_of_handlers),
      test_case(the_heap_grows_from_native_code),
      test_case(scattered_pages_close_the_window),
      test_case(host_handlers_get_the_hosts_faults),
      test_case(handlers_set_later_can_pass_on),
      test_case(faults_of_nobody_end_the_process),
      test_case(threads_fault_at_the_same_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void no_recompiler_for_this_host(void **state) { (void)state; }

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(no_recompiler_for_this_host)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
