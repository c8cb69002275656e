/*
 * Many VMs at once, each in the middle of a run that has a window: with a program of its own, all with the same one, and as
 * deep as a call stack goes. All answer right, and they take memory within reason.
 */
#include "vm/vm.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/guest.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { VMS = 200, RSS_MAX_MIB = 3000 };
#else
enum { VMS = 1000, RSS_MAX_MIB = 1500 };
#endif
enum { DEPTH = 200, SPINS = 30000, PAUSES = 64 };

/* Adds its tag to a word of its memory in a loop that is past the cold phase, asks the host in the middle, and answers it. The
 * second call goes on from the memory that the first left. */
#define SPIN(loop)                                                                                                     \
  "load_imm t1, 30000\nfallthrough\n" loop ":\n"                                                                       \
  "  load_u64 a1, [0x10008]\n  add_64 a1, a1, t0\n  store_u64 a1, [0x10008]\n"                                         \
  "  add_imm_64 t1, t1, -1\n  branch_ne_imm t1, 0, " loop "\n"
static const char image_format[] = ".mapping persistent 0x10000 4096 slot 1\n.mapping ephemeral 0x40000 8192\n"
                                   "load_imm t0, %u\n" SPIN("before") "store_u64 a1, [0x40ffc]\necalli 64\n" SPIN(
                                       "after") "load_u64 a2, [0x40ffc]\nadd_64 a0, a1, a2\necalli 0\n";

static uint64_t first_answer(uint64_t tag) { return 2 * SPINS * tag + SPINS * tag; }
static uint64_t second_answer(uint64_t tag) { return 4 * SPINS * tag + 3 * SPINS * tag; }

static bool is_interpreter(const guest *g) { return g->config.engine == JAVM_ENGINE_INTERPRETER; }
static bool has_window(const guest *g, const jv_entry *e) {
  return is_interpreter(g) || g->config.explicit_checks || e->mem.window != NULL;
}

static javm_host_action pauses(void *ctx, javm_host_call *call) {
  (void)ctx, (void)call;
  return JAVM_HOST_PAUSE;
}

static size_t rss_mib(void) {
  char line[256];
  size_t kib = 0;
  FILE *file = fopen("/proc/self/status", "r");
  if (!file) return 0;
  while (fgets(line, sizeof line, file))
    if (sscanf(line, "VmRSS: %zu", &kib) == 1) break;
  fclose(file);
  return kib / 1024;
}

static void reasonable_memory(const char *what) {
  size_t mib = rss_mib();
  print_message("%s: VmRSS %zu MiB\n", what, mib);
  assert_true(mib < RSS_MAX_MIB);
}

/* The recompiler runs it, if it is to. */
static void expect_native(const guest *g, const jv_entry *e) {
#if defined(__x86_64__) && defined(__linux__)
  assert_int_equal(javm_program_is_native(e->image->program), !is_interpreter(g));
#else
  (void)g, (void)e;
#endif
}

typedef struct one {
  javm_vm *vm;
  javm_hash instance;
  uint64_t tag;
} one;

static void to_the_pause(guest *g, one *o) {
  javm_result result;
  assert_int_equal(javm_vm_invoke(o->vm, &o->instance, 0, NO_ARGS, UINT64_MAX, &result, &g->error), JAVM_OK);
  assert_int_equal(result.kind, JAVM_RESULT_PAUSED);
  assert_int_equal(result.pause, JAVM_PAUSE_HOST_CALL);
  javm_result_clear(g->dir, &result);
  const jv_entry *e = o->vm->frames[0].entry;
  expect_native(g, e);
  assert_true(has_window(g, e));
}

static void to_the_end(guest *g, one *o, uint64_t answer) {
  javm_result result;
  assert_true(has_window(g, o->vm->frames[0].entry));
  assert_int_equal(javm_vm_complete_host_call(o->vm, NULL, 0, &result, &g->error), JAVM_OK);
  assert_int_equal(result.kind, JAVM_RESULT_HALT);
  assert_int_equal(result.return_value, answer);
  o->instance = result.instance;
  javm_result_clear(g->dir, &result);
}

/* `tags`: how many different Images there are. */
static void run_many(unsigned tags) {
  guest g;
  guest_open(&g);
  one *all = calloc(VMS, sizeof *all);
  assert_non_null(all);
  for (unsigned i = 0; i < VMS; i++) {
    char text[1024];
    all[i].tag = i % tags + 1;
    snprintf(text, sizeof text, image_format, i % tags + 1);
    all[i].instance = guest_put(&g, guest_instance(&g, guest_image(&g, text), NO_SLOTS));
    assert_int_equal(javm_vm_new(g.dir, &g.config, &all[i].vm, &g.error), JAVM_OK);
    assert_int_equal(javm_vm_register(all[i].vm, PAUSES, "pause", pauses, NULL), JAVM_OK);
  }
  for (int round = 0; round < 2; round++) {
    for (unsigned i = 0; i < VMS; i++) to_the_pause(&g, &all[i]);
    reasonable_memory(tags == 1 ? "one program" : "a program each");
    /* In another order than they began. */
    for (unsigned i = 0; i < VMS; i++) {
      one *o = &all[(i * 77 + 13) % VMS];
      to_the_end(&g, o, round ? second_answer(o->tag) : first_answer(o->tag));
    }
  }
  size_t programs = javm_dir_program_bytes(g.dir) / javm_program_bytes(all[0].vm->images[0]->program);
  assert_true(tags == 1 ? programs == 1 : programs > VMS / 2);
  for (unsigned i = 0; i < VMS; i++) javm_vm_free(all[i].vm);
  free(all);
  guest_close(&g);
}

static void many_vms_with_programs_of_their_own(void **state) {
  (void)state;
  run_many(VMS);
}

static void many_vms_with_one_program(void **state) {
  (void)state;
  run_many(1);
}

/* Each calls what is in its slot 3, after a long loop; the innermost asks the host. Then each goes on with its own memory. */
static const char caller_format[] = ".mapping persistent 0x10000 4096 slot 1\nload_imm t0, %u\n" SPIN(
    "before") "load_imm a0, 3\nload_imm a1, 0\necalli 26\nmove_reg s0, a0\nload_u64 a1, [0x10008]\n"
              "add_64 a0, a1, s0\necalli 0\n";

static void a_deep_call_stack_has_a_window_for_each_entry(void **state) {
  (void)state;
  guest g;
  char text[1024];
  uint64_t sum = first_answer(1);
  guest_open(&g);
  g.config.max_depth = DEPTH;
  guest_vm(&g);
  assert_int_equal(javm_vm_register(g.vm, PAUSES, "pause", pauses, NULL), JAVM_OK);
  snprintf(text, sizeof text, image_format, 1);
  javm_cap *instance = guest_instance(&g, guest_image(&g, text), NO_SLOTS);
  for (unsigned i = 1; i < DEPTH; i++) {
    snprintf(text, sizeof text, caller_format, i + 1);
    instance = guest_instance(&g, guest_image(&g, text), SLOTS({3, instance}));
    sum += SPINS * (uint64_t)(i + 1);
  }
  for (int round = 0; round < 2; round++) {
    guest_invoke(&g, instance, 0, NO_ARGS, UINT64_MAX);
    assert_paused(&g, JAVM_PAUSE_HOST_CALL);
    assert_depth(&g, DEPTH + 1); /* and the Reference */
    for (unsigned i = 0; i < DEPTH; i++) {
      expect_native(&g, g.vm->frames[i].entry);
      assert_true(has_window(&g, g.vm->frames[i].entry));
      for (unsigned k = 0; k < i && g.vm->frames[i].entry->mem.window; k++)
        assert_ptr_not_equal(g.vm->frames[i].entry->mem.window, g.vm->frames[k].entry->mem.window);
    }
    reasonable_memory("a deep call stack");
    guest_complete(&g, NULL, 0);
    assert_halted(&g, sum);
  }
  guest_close(&g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(many_vms_with_programs_of_their_own),
      cmocka_unit_test(many_vms_with_one_program),
      cmocka_unit_test(a_deep_call_stack_has_a_window_for_each_entry),
  };
  return cmocka_run_group_tests_name("many", tests, NULL, NULL);
}
