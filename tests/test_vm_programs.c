/* The programs that the VMs of a directory share (javm_dir_limit_programs): who shares one, which goes, and when; and that
 * nothing else passes from one VM to the next. */
#include <pthread.h>
#include <stdio.h>

#include "vm/vm.h"

#include "support/engine.h"
#include "support/failing_alloc.h"
#include "support/guest.h"

/* Answers its tag plus the argument; programs of different tags are as long as each other. */
static void image_text(char *text, size_t capacity, unsigned tag) {
  snprintf(text, capacity, "load_imm a1, %u\nadd_64 a0, a0, a1\necalli 0\n", 1000 + tag);
}

static javm_hash first_instance(guest *g, unsigned tag) {
  char text[80];
  image_text(text, sizeof text, tag);
  return guest_put(g, guest_instance(g, guest_image(g, text), NO_SLOTS));
}

static void invoke(guest *g, javm_vm *vm, const javm_hash *instance, unsigned tag) {
  javm_result result;
  assert_int_equal(javm_vm_invoke(vm, instance, 0, ARGS(5), GAS, &result, &g->error), JAVM_OK);
  assert_int_equal(result.kind, JAVM_RESULT_HALT);
  assert_int_equal(result.return_value, 1005 + tag);
  javm_result_clear(g->dir, &result);
}

/* A VM of g->config that has run the Instance; its only program is *program (may be NULL). */
static javm_vm *vm_that_ran(guest *g, const javm_hash *instance, unsigned tag, const javm_program **program) {
  javm_vm *vm;
  assert_int_equal(javm_vm_new(g->dir, &g->config, &vm, &g->error), JAVM_OK);
  invoke(g, vm, instance, tag);
  assert_int_equal(vm->image_count, 1);
  if (program) *program = vm->images[0]->program;
  return vm;
}

static const javm_program *program_of(guest *g, const javm_hash *instance, unsigned tag) {
  const javm_program *program;
  javm_vm_free(vm_that_ran(g, instance, tag, &program));
  return program;
}

static void vms_with_the_same_settings_share_one(void **state) {
  (void)state;
  guest g;
  const javm_program *program[2];
  guest_open(&g);
  assert_int_equal(javm_dir_program_bytes(g.dir), 0);
  javm_hash a = first_instance(&g, 1);
  assert_int_equal(javm_dir_program_bytes(g.dir), 0);
  javm_vm *first = vm_that_ran(&g, &a, 1, &program[0]);
  size_t one = javm_dir_program_bytes(g.dir);
  assert_int_equal(one, javm_program_bytes(program[0]));
  javm_vm *second = vm_that_ran(&g, &a, 1, &program[1]);
  assert_ptr_equal(program[0], program[1]);
  assert_int_equal(javm_dir_program_bytes(g.dir), one);
  javm_vm_free(first);
  invoke(&g, second, &a, 1);
  javm_vm_free(second);
  /* It stays for the next. */
  assert_int_equal(javm_dir_program_bytes(g.dir), one);
  assert_ptr_equal(program_of(&g, &a, 1), program[0]);
  javm_hash b = first_instance(&g, 2);
  assert_ptr_not_equal(program_of(&g, &b, 2), program[0]);
  assert_int_equal(javm_dir_program_bytes(g.dir), 2 * one);
  guest_close(&g);
}

static void an_instance_that_a_call_made_has_the_same_program(void **state) {
  (void)state;
  guest g;
  guest_open(&g);
  javm_cap *image =
      guest_image(&g, ".mapping persistent 0x10000 4096 slot 1\nload_u64 a1, [0x10000]\nadd_64 a0, a0, a1\n"
                      "store_u64 a0, [0x10000]\necalli 0\n");
  guest_invoke(&g, guest_instance(&g, image, NO_SLOTS), 0, ARGS(3), GAS);
  size_t one = javm_dir_program_bytes(g.dir);
  javm_cap *post = guest_post(&g);
  guest_vm(&g);
  guest_invoke(&g, post, 0, ARGS(4), GAS);
  assert_halted(&g, 7);
  assert_int_equal(javm_dir_program_bytes(g.dir), one);
  guest_close(&g);
}

static void other_settings_have_programs_of_their_own(void **state) {
  (void)state;
  guest g;
  enum { WAYS = 7 };
  const javm_program *programs[WAYS];
  javm_vm *vms[WAYS];
  guest_open(&g);
  javm_hash a = first_instance(&g, 1);
  javm_vm_config usual = g.config;
  size_t bytes = 0;
  for (int i = 0; i < WAYS; i++) {
    g.config = usual;
    if (i == 1) g.config.gas_model = JAVM_GAS_PIPELINE;
    if (i == 2) g.config.gas_model = JAVM_GAS_NONE;
    if (i == 3) g.config.load_cycles = 37;
    if (i == 4) g.config.counts_instructions = !usual.counts_instructions;
    if (i == 5) g.config.explicit_checks = !usual.explicit_checks;
    if (i == 6)
      g.config.engine = usual.engine == JAVM_ENGINE_INTERPRETER ? JAVM_ENGINE_RECOMPILER : JAVM_ENGINE_INTERPRETER;
    vms[i] = vm_that_ran(&g, &a, 1, &programs[i]);
    for (int k = 0; k < i; k++) assert_ptr_not_equal(programs[k], programs[i]);
    assert_true(javm_dir_program_bytes(g.dir) > bytes);
    bytes = javm_dir_program_bytes(g.dir);
  }
  /* All of them again: none is new. */
  for (int i = 0; i < WAYS; i++) {
    g.config = vms[i]->config;
    assert_ptr_equal(program_of(&g, &a, 1), programs[i]);
  }
  assert_int_equal(javm_dir_program_bytes(g.dir), bytes);
  for (int i = 0; i < WAYS; i++) javm_vm_free(vms[i]);
  guest_close(&g);
}

static void what_is_announced_is_not_shared(void **state) {
  (void)state;
  guest g;
  const javm_program *program[2];
  guest_open(&g);
  javm_hash a = first_instance(&g, 1);
  g.config.announce = JAVM_ANNOUNCE_GDB;
  javm_vm *first = vm_that_ran(&g, &a, 1, &program[0]), *second = vm_that_ran(&g, &a, 1, &program[1]);
  assert_ptr_not_equal(program[0], program[1]);
  assert_int_equal(javm_dir_program_bytes(g.dir), 0);
  javm_vm_free(first);
  javm_vm_free(second);
  guest_close(&g);
}

static void directories_do_not_share(void **state) {
  (void)state;
  guest g[2];
  const javm_program *program[2];
  for (int i = 0; i < 2; i++) guest_open(&g[i]);
  for (int i = 0; i < 2; i++) {
    javm_hash a = first_instance(&g[i], 1);
    program[i] = program_of(&g[i], &a, 1);
  }
  assert_ptr_not_equal(program[0], program[1]);
  assert_int_equal(javm_dir_program_bytes(g[0].dir), javm_dir_program_bytes(g[1].dir));
  for (int i = 0; i < 2; i++) guest_close(&g[i]);
}

static void a_limit_of_zero_shares_nothing(void **state) {
  (void)state;
  guest g;
  const javm_program *program[2];
  guest_open(&g);
  javm_hash a = first_instance(&g, 1);
  assert_int_equal(javm_dir_limit_programs(g.dir, 0), JAVM_OK);
  javm_vm *first = vm_that_ran(&g, &a, 1, &program[0]), *second = vm_that_ran(&g, &a, 1, &program[1]);
  assert_ptr_not_equal(program[0], program[1]);
  assert_int_equal(javm_dir_program_bytes(g.dir), 0);
  invoke(&g, first, &a, 1);
  assert_int_equal(javm_dir_limit_programs(g.dir, SIZE_MAX), JAVM_OK);
  invoke(&g, first, &a, 1); /* has its own, and does not ask */
  assert_int_equal(javm_dir_program_bytes(g.dir), 0);
  const javm_program *shared = program_of(&g, &a, 1);
  assert_ptr_equal(program_of(&g, &a, 1), shared);
  javm_vm_free(first);
  javm_vm_free(second);
  guest_close(&g);
}

static void the_least_recently_used_goes_and_stays_with_its_vm(void **state) {
  (void)state;
  guest g;
  enum { COUNT = 4 };
  javm_hash instance[COUNT];
  const javm_program *program[COUNT];
  javm_vm *vm[COUNT]; /* keep the programs, so that no address is used twice */
  guest_open(&g);
  for (unsigned i = 0; i < COUNT; i++) instance[i] = first_instance(&g, i);
  vm[0] = vm_that_ran(&g, &instance[0], 0, &program[0]);
  size_t one = javm_dir_program_bytes(g.dir);
  assert_int_equal(javm_dir_limit_programs(g.dir, 3 * one + one / 2), JAVM_OK);
  for (unsigned i = 1; i < 3; i++) vm[i] = vm_that_ran(&g, &instance[i], i, &program[i]);
  assert_int_equal(javm_dir_program_bytes(g.dir), 3 * one);
  assert_ptr_equal(program_of(&g, &instance[0], 0), program[0]); /* now 1 is the oldest */
  vm[3] = vm_that_ran(&g, &instance[3], 3, &program[3]);
  assert_int_equal(javm_dir_program_bytes(g.dir), 3 * one);
  invoke(&g, vm[1], &instance[1], 1);
  assert_ptr_equal(vm[1]->images[0]->program, program[1]);
  assert_ptr_equal(program_of(&g, &instance[3], 3), program[3]);
  assert_ptr_equal(program_of(&g, &instance[2], 2), program[2]);
  assert_ptr_equal(program_of(&g, &instance[0], 0), program[0]);
  assert_ptr_not_equal(program_of(&g, &instance[1], 1), program[1]); /* made again, and 3 went */
  assert_int_equal(javm_dir_program_bytes(g.dir), 3 * one);
  assert_ptr_not_equal(program_of(&g, &instance[3], 3), program[3]);
  for (unsigned i = 0; i < COUNT; i++) {
    invoke(&g, vm[i], &instance[i], i);
    javm_vm_free(vm[i]);
  }
  guest_close(&g);
}

static void a_lower_limit_evicts_at_once(void **state) {
  (void)state;
  guest g;
  enum { COUNT = 5 };
  javm_hash instance[COUNT];
  guest_open(&g);
  for (unsigned i = 0; i < COUNT; i++) {
    instance[i] = first_instance(&g, i);
    program_of(&g, &instance[i], i);
  }
  size_t one = javm_dir_program_bytes(g.dir) / COUNT;
  assert_int_equal(javm_dir_limit_programs(g.dir, COUNT * one), JAVM_OK);
  assert_int_equal(javm_dir_program_bytes(g.dir), COUNT * one);
  assert_int_equal(javm_dir_limit_programs(g.dir, COUNT * one - 1), JAVM_OK);
  assert_int_equal(javm_dir_program_bytes(g.dir), (COUNT - 1) * one);
  assert_int_equal(javm_dir_limit_programs(g.dir, 2 * one), JAVM_OK);
  assert_int_equal(javm_dir_program_bytes(g.dir), 2 * one);
  for (unsigned i = COUNT - 2; i < COUNT; i++) program_of(&g, &instance[i], i); /* the latest are there */
  assert_int_equal(javm_dir_program_bytes(g.dir), 2 * one);
  assert_int_equal(javm_dir_limit_programs(g.dir, one - 1), JAVM_OK);
  assert_int_equal(javm_dir_program_bytes(g.dir), 0);
  program_of(&g, &instance[0], 0); /* too large for the limit: runs, is not kept */
  assert_int_equal(javm_dir_program_bytes(g.dir), 0);
  guest_close(&g);
}

/* Code of a second kind, for long runs, counts from when it is made. */
static void what_a_program_gets_later_counts(void **state) {
  (void)state;
  guest g;
  guest_open(&g);
  javm_cap *image = guest_image(&g, "spin:\n  add_imm_64 a0, a0, -1\n  branch_ne_imm a0, 0, spin\necalli 0\n");
  javm_cap *instance = guest_instance(&g, image, NO_SLOTS);
  guest_invoke(&g, instance, 0, ARGS(1), GAS);
  size_t cold = javm_dir_program_bytes(g.dir);
  guest_invoke(&g, instance, 0, ARGS(100000), GAS);
  size_t hot = javm_dir_program_bytes(g.dir);
  assert_true(hot >= cold);
  assert_int_equal(hot, javm_program_bytes(g.vm->images[0]->program));
  const javm_program *program = g.vm->images[0]->program;
  if (javm_program_is_native(program) && !g.config.explicit_checks && !program->in_lockstep) assert_true(hot > cold);
  assert_int_equal(javm_dir_limit_programs(g.dir, hot), JAVM_OK);
  assert_int_equal(javm_dir_program_bytes(g.dir), hot);
  assert_int_equal(javm_dir_limit_programs(g.dir, hot - 1), JAVM_OK);
  assert_int_equal(javm_dir_program_bytes(g.dir), 0);
  guest_invoke(&g, instance, 0, ARGS(100000), GAS);
  assert_halted(&g, 0);
  guest_close(&g);
}

/* ---- what a VM leaves to the next ---- */

#define LONG_LOOP "load_imm t1, 50000\nfallthrough\nspin:\n  add_imm_64 t1, t1, -1\n  branch_ne_imm t1, 0, spin\n"

/* A VM of its own for the call. */
static void run_once(guest *g, const char *text, bool faults, uint64_t value) {
  guest_vm(g);
  guest_invoke(g, guest_instance(g, guest_image(g, text), NO_SLOTS), 0, NO_ARGS, GAS);
  if (faults) assert_faulted(g, JAVM_EXIT_PAGE_FAULT);
  else assert_halted(g, value);
}

static void a_new_vm_sees_nothing_of_one_that_is_gone(void **state) {
  (void)state;
  guest g;
  static const char *const writers[] = {
      ".mapping ephemeral 0x10000 8192\n" LONG_LOOP "load_imm a0, 77\nstore_u64 a0, [0x10008]\n"
      "store_u64 a0, [0x11008]\necalli 0\n",
      ".mapping persistent 0x10000 8192 slot 1\nload_imm a0, 77\nstore_u64 a0, [0x10008]\n"
      "store_u64 a0, [0x11008]\necalli 0\n",
      ".mapping heap 0x10000 8192\nload_imm a0, 8192\nsbrk a0, a0\n" LONG_LOOP
      "load_imm a0, 77\nstore_u64 a0, [0x10008]\nstore_u64 a0, [0x11008]\necalli 0\n"};
  guest_open(&g);
  for (int round = 0; round < 3; round++) {
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++) {
      run_once(&g, writers[i], false, 77);
      run_once(&g, ".mapping ephemeral 0x10000 8192\nload_u64 a0, [0x10008]\necalli 0\n", false, 0);
      run_once(&g, writers[i], false, 77);
      run_once(&g, ".mapping ephemeral 0x10000 8192\n" LONG_LOOP "load_u64 a0, [0x11008]\necalli 0\n", false, 0);
      run_once(&g, writers[i], false, 77);
      run_once(&g, "load_u64 a0, [0x10008]\necalli 0\n", true, 0);
      run_once(&g, LONG_LOOP "load_u64 a0, [0x10008]\necalli 0\n", true, 0);
      run_once(&g, LONG_LOOP "store_u64 a0, [0x11008]\necalli 0\n", true, 0);
    }
  }
  guest_close(&g);
}

/* More entries than are kept, of VMs that go in the middle of a run. */
static void many_vms_leave_what_they_have(void **state) {
  (void)state;
  guest g;
  enum { COUNT = 40 };
  javm_vm *vms[COUNT];
  guest_open(&g);
  for (int round = 0; round < 3; round++) {
    javm_hash instance = guest_put(
        &g, guest_instance(&g,
                           guest_image(&g, ".mapping ephemeral 0x10000 4096\n" LONG_LOOP
                                           "load_u64 a1, [0x10000]\nadd_64 a0, a0, a1\nstore_u64 a0, [0x10000]\n"
                                           "ecalli 0\n"),
                           NO_SLOTS));
    for (unsigned i = 0; i < COUNT; i++) {
      javm_result result;
      assert_int_equal(javm_vm_new(g.dir, &g.config, &vms[i], &g.error), JAVM_OK);
      /* Out of gas, caught by the host: the entry stays. */
      vms[i]->config.host_catches_out_of_gas = true;
      assert_int_equal(javm_vm_invoke(vms[i], &instance, 0, ARGS(i), 100 + 99000 * (i % 2), &result, &g.error),
                       JAVM_OK);
      assert_int_equal(result.kind, JAVM_RESULT_PAUSED);
      javm_result_clear(g.dir, &result);
    }
    for (unsigned i = 0; i < COUNT; i++) javm_vm_free(vms[(i * 7 + 3) % COUNT]);
  }
  guest_close(&g);
}

/* ---- threads ---- */

enum { THREADS = 6, IMAGES = 8, ROUNDS = 12 };

typedef struct worker {
  guest *g;
  const javm_hash *instances;
  pthread_barrier_t *barrier;
  size_t limits[2]; /* set in turn; [0] 0: none is set */
  bool ok;
} worker;

/* VMs that load all Images, all threads in the same order; asserts are for the main thread. */
static void *loads_all(void *ctx) {
  worker *w = ctx;
  w->ok = true;
  for (int round = 0; round < ROUNDS; round++) {
    javm_vm *vm;
    if (w->limits[0] && javm_dir_limit_programs(w->g->dir, w->limits[round % 2]) != JAVM_OK) w->ok = false;
    if (javm_vm_new(w->g->dir, &w->g->config, &vm, NULL) != JAVM_OK) return w->ok = false, NULL;
    if (round == 0) pthread_barrier_wait(w->barrier);
    for (unsigned i = 0; i < IMAGES; i++) {
      javm_result result;
      javm_status status = javm_vm_invoke(vm, &w->instances[i], 0, ARGS(5), GAS, &result, NULL);
      if (status != JAVM_OK || result.kind != JAVM_RESULT_HALT || result.return_value != 1005 + i) w->ok = false;
      if (status == JAVM_OK) javm_result_clear(w->g->dir, &result);
      (void)javm_dir_program_bytes(w->g->dir);
    }
    javm_vm_free(vm);
  }
  return NULL;
}

static void run_threads(guest *g, const javm_hash *instances, size_t limit_a, size_t limit_b) {
  pthread_t threads[THREADS];
  worker w[THREADS];
  pthread_barrier_t barrier;
  assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
  for (int i = 0; i < THREADS; i++) {
    w[i] = (worker){g, instances, &barrier, {limit_a, limit_b}, false};
    assert_int_equal(pthread_create(&threads[i], NULL, loads_all, &w[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
  for (int i = 0; i < THREADS; i++) assert_true(w[i].ok);
  pthread_barrier_destroy(&barrier);
}

static void threads_end_with_one_program_for_each_image(void **state) {
  (void)state;
  guest g;
  javm_hash instances[IMAGES];
  for (int again = 0; again < 5; again++) {
    guest_open(&g);
    for (unsigned i = 0; i < IMAGES; i++) instances[i] = first_instance(&g, i);
    run_threads(&g, instances, 0, 0);
    size_t bytes = javm_dir_program_bytes(g.dir);
    size_t one = javm_program_bytes(program_of(&g, &instances[0], 0));
    assert_int_equal(bytes, IMAGES * one);
    assert_int_equal(javm_dir_program_bytes(g.dir), bytes);
    guest_close(&g);
  }
}

static void threads_change_the_limit_while_others_load(void **state) {
  (void)state;
  guest g;
  javm_hash instances[IMAGES];
  guest_open(&g);
  for (unsigned i = 0; i < IMAGES; i++) instances[i] = first_instance(&g, i);
  javm_vm *vm = vm_that_ran(&g, &instances[0], 0, NULL);
  size_t one = javm_dir_program_bytes(g.dir);
  run_threads(&g, instances, 2 * one, 5 * one);
  assert_true(javm_dir_program_bytes(g.dir) <= 5 * one);
  assert_int_equal(javm_dir_limit_programs(g.dir, one), JAVM_OK);
  assert_true(javm_dir_program_bytes(g.dir) <= one);
  invoke(&g, vm, &instances[0], 0);
  javm_vm_free(vm);
  guest_close(&g);
}

/* ---- memory ---- */

static javm_status make_instance(javm_dir *dir, unsigned tag, javm_hash *hash) {
  char text[80];
  javm_cap *image = NULL, *instance = NULL;
  image_text(text, sizeof text, tag);
  javm_status status = javm_assemble(dir, text, strlen(text), JAVM_ISA_JAVM, &image, NULL);
  if (status == JAVM_OK) status = javm_instance_genesis(dir, image, NULL, &instance, NULL);
  if (status == JAVM_OK) status = javm_dir_put(dir, instance, hash, NULL);
  javm_cap_release(dir, instance);
  javm_cap_release(dir, image);
  return status;
}

/* Runs both Instances, each of which another VM may have run; what failed for want of memory once can be done again. */
static javm_status run_both(javm_dir *dir, const javm_vm_config *config, const javm_hash *instances) {
  javm_vm *vm = NULL;
  javm_status status = javm_vm_new(dir, config, &vm, NULL);
  for (unsigned i = 0; status == JAVM_OK && i < 2; i++) {
    javm_result result;
    status = javm_vm_invoke(vm, &instances[i], 0, ARGS(5), GAS, &result, NULL);
    if (status == JAVM_OUT_OF_MEMORY) status = javm_vm_invoke(vm, &instances[i], 0, ARGS(5), GAS, &result, NULL);
    if (status != JAVM_OK) break;
    assert_int_equal(result.kind, JAVM_RESULT_HALT);
    assert_int_equal(result.return_value, 1005 + i);
    javm_result_clear(dir, &result);
  }
  javm_vm_free(vm);
  return status;
}

static javm_status sharing(const javm_allocator *allocator) {
  javm_dir *dir = NULL;
  javm_hash instances[2];
  javm_vm_config config;
  javm_vm_config_default(&config);
  test_choose_engine(&config.engine, &config.explicit_checks, &config.counts_instructions);
  javm_status status = javm_dir_new(allocator, &dir);
  for (unsigned i = 0; status == JAVM_OK && i < 2; i++) status = make_instance(dir, i, &instances[i]);
  for (int i = 0; status == JAVM_OK && i < 2; i++) status = run_both(dir, &config, instances);
  size_t bytes = status == JAVM_OK ? javm_dir_program_bytes(dir) : 0;
  if (status == JAVM_OK) status = javm_dir_limit_programs(dir, bytes / 2);
  if (status == JAVM_OK) assert_true(javm_dir_program_bytes(dir) <= bytes / 2);
  if (status == JAVM_OK) status = run_both(dir, &config, instances);
  javm_dir_free(dir);
  return status;
}

static void every_allocation_fails_once(void **state) {
  (void)state;
  for_each_failing_allocation(sharing);
}

static javm_status only_a_limit(const javm_allocator *allocator) {
  javm_dir *dir = NULL;
  javm_status status = javm_dir_new(allocator, &dir);
  if (status == JAVM_OK) assert_int_equal(javm_dir_program_bytes(dir), 0);
  if (status == JAVM_OK) status = javm_dir_limit_programs(dir, 0);
  if (status == JAVM_OK) status = javm_dir_limit_programs(dir, 1);
  javm_dir_free(dir);
  return status;
}

static void a_limit_that_there_is_no_memory_for(void **state) {
  (void)state;
  for_each_failing_allocation(only_a_limit);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(vms_with_the_same_settings_share_one),
      cmocka_unit_test(an_instance_that_a_call_made_has_the_same_program),
      cmocka_unit_test(other_settings_have_programs_of_their_own),
      cmocka_unit_test(what_is_announced_is_not_shared),
      cmocka_unit_test(directories_do_not_share),
      cmocka_unit_test(a_limit_of_zero_shares_nothing),
      cmocka_unit_test(the_least_recently_used_goes_and_stays_with_its_vm),
      cmocka_unit_test(a_lower_limit_evicts_at_once),
      cmocka_unit_test(what_a_program_gets_later_counts),
      cmocka_unit_test(a_new_vm_sees_nothing_of_one_that_is_gone),
      cmocka_unit_test(many_vms_leave_what_they_have),
      cmocka_unit_test(threads_end_with_one_program_for_each_image),
      cmocka_unit_test(threads_change_the_limit_while_others_load),
      cmocka_unit_test(every_allocation_fails_once),
      cmocka_unit_test(a_limit_that_there_is_no_memory_for),
  };
  return cmocka_run_group_tests_name("programs", tests, NULL, NULL);
}
