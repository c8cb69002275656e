/* Files: open and save (operations 24 and 25). */
#include "support/guest.h"

static guest g;
#define PAGE ((uint64_t)JAVM_PAGE_BYTES)

static int setup(void **state) {
  (void)state;
  guest_open(&g);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  guest_close(&g);
  return 0;
}

static javm_cap *instance_of(const char *text, const javm_slot_cap *slots) {
  return guest_instance(&g, guest_image(&g, text), slots);
}
static javm_cap *quota(uint64_t id) { return guest_kernel(&g, JAVM_KERNEL_QUOTA, id); }
static javm_cap *file(uint64_t id) { return guest_kernel(&g, JAVM_KERNEL_FILE, id); }

/* A file that the host saves; gives its id. */
static uint64_t saved(javm_cap *data, uint64_t size) {
  uint64_t id;
  guest_set_quota(&g, 99, size);
  assert_int_equal(g.assist->file_save(g.assist->ctx, data, 99, size, &id), JAVM_OK);
  return id;
}

static javm_cap *opened(uint64_t id) {
  javm_cap *data;
  assert_int_equal(g.assist->file_open(g.assist->ctx, id, &data), JAVM_OK);
  return guest_own(&g, data);
}

#define SAVE "ecalli 25\necalli 0\n"

static void save(const javm_slot_cap *slots, const uint64_t args[4]) {
  guest_invoke(&g, instance_of(SAVE, slots), 0, args, GAS);
}

/* ---- open ---- */

static void open_gives_the_files_data(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x"), *y = guest_data(&g, "y");
  uint64_t first = saved(x, PAGE), second = saved(y, PAGE);
  javm_cap *instance = guest_instance(&g, guest_operation(&g, 24), SLOTS({1, file(second)}, {2, file(first)}));
  guest_invoke(&g, instance, 0, ARGS(1, 7), GAS);
  assert_halted(&g, 1);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 7), y);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 1), file(second)); /* the handle stays */
  guest_invoke(&g, instance, 0, ARGS(2, 2), GAS);
  assert_halted(&g, 2);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 2), x);
}

static void open_works_through_nested_cnodes(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x"), *nest = guest_cnode_of(&g, 3, SLOTS({2, file(saved(x, PAGE))}));
  javm_cap *outer = guest_cnode_of(&g, 4, SLOTS({9, nest}));
  guest_invoke(&g, guest_instance(&g, guest_operation(&g, 24), SLOTS({5, outer})), 0,
               ARGS(PATH2(5, 9, 2), PATH2(5, 9, 7)), GAS);
  assert_int_equal(g.result.kind, JAVM_RESULT_HALT);
  javm_cap *after = guest_cnode_slot(&g, guest_slot(&g, guest_post(&g), 5), 9);
  assert_same_cap(&g, guest_cnode_slot(&g, after, 7), x);
}

static void open_checks_its_operands(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x");
  uint64_t id = saved(x, PAGE);
  const javm_slot_cap *slots = SLOTS({1, file(id)}, {2, file(id + 1)}, {3, x}, {4, quota(id)}, {0, x});
  const struct {
    uint64_t args[4];
    javm_refusal why;
  } cases[] = {
      {{9, 7}, JAVM_REFUSAL_EMPTY_SLOT}, {{2, 7}, JAVM_REFUSAL_FILE}, /* no such file */
      {{3, 7}, JAVM_REFUSAL_FILE},       {{4, 7}, JAVM_REFUSAL_FILE}, {{1, PATH1(3, 1)}, JAVM_REFUSAL_SLOT_OPERAND},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    guest_invoke(&g, guest_instance(&g, guest_operation(&g, 24), slots), 0, cases[i].args, GAS);
    assert_refused(&g, cases[i].why, 24);
    assert_same_cap(&g, g.result.slot0, x);
  }
  guest_invoke(&g, instance_of(".pinned 7 data \"pin\"\necalli 24\n", SLOTS({1, file(id)})), 0, ARGS(1, 7), GAS);
  assert_refused(&g, JAVM_REFUSAL_PINNED_SLOT, 24);
  assert_string_equal(javm_refusal_text(JAVM_REFUSAL_FILE), "no file handle in the slot, or no file behind it");
}

static void without_an_assist_there_are_no_files(void **state) {
  (void)state;
  javm_cap *x = guest_data(&g, "x"), *handle = file(saved(x, PAGE));
  g.config.assist = NULL;
  guest_vm(&g);
  guest_invoke(&g, guest_instance(&g, guest_operation(&g, 24), SLOTS({1, handle})), 0, ARGS(1, 7), GAS);
  assert_refused(&g, JAVM_REFUSAL_FILE, 24);
  save(SLOTS({1, x}, {4, quota(5)}), ARGS(1, 4, 7));
  assert_refused(&g, JAVM_REFUSAL_QUOTA, 25);
}

static void assist_without_files_refuses(void **state) {
  (void)state;
  javm_assist bare = *g.assist;
  javm_cap *x = guest_data(&g, "x"), *handle = file(saved(x, PAGE));
  guest_set_quota(&g, 5, PAGE);
  bare.file_open = NULL;
  bare.file_save = NULL;
  g.config.assist = &bare;
  guest_vm(&g);
  guest_invoke(&g, guest_instance(&g, guest_operation(&g, 24), SLOTS({1, handle})), 0, ARGS(1, 7), GAS);
  assert_refused(&g, JAVM_REFUSAL_FILE, 24);
  save(SLOTS({1, x}, {4, quota(5)}), ARGS(1, 4, 7));
  assert_refused(&g, JAVM_REFUSAL_FILE, 25);
  assert_int_equal(guest_quota(&g, 5), PAGE);
}

static javm_status next_answer;
static javm_status answer_open(void *ctx, uint64_t id, javm_cap **data) {
  (void)ctx, (void)id, (void)data;
  return next_answer;
}
static javm_status answer_save(void *ctx, javm_cap *data, uint64_t q, uint64_t size, uint64_t *id) {
  (void)ctx, (void)data, (void)q, (void)size, (void)id;
  return next_answer;
}

static void failure_of_the_assist_is_an_error_and_changes_nothing(void **state) {
  (void)state;
  javm_assist failing = *g.assist;
  failing.file_open = answer_open;
  failing.file_save = answer_save;
  g.config.assist = &failing;
  guest_vm(&g);
  guest_set_quota(&g, 5, PAGE);
  javm_cap *open = guest_instance(&g, guest_operation(&g, 24), SLOTS({1, file(0)}));
  javm_cap *saver = instance_of(SAVE, SLOTS({1, guest_data(&g, "x")}, {4, quota(5)}));
  const javm_status answers[] = {JAVM_OUT_OF_MEMORY, JAVM_INTERNAL, JAVM_VALUE_NOT_FOUND};
  for (size_t i = 0; i < 3; i++) {
    next_answer = answers[i];
    assert_int_equal(guest_try(&g, open, 0, ARGS(1, 7), GAS), answers[i]);
    assert_int_equal(guest_try(&g, saver, 0, ARGS(1, 4, 7), GAS), answers[i]);
    assert_int_equal(guest_quota(&g, 5), PAGE);
    assert_depth(&g, 0);
  }
  next_answer = JAVM_OUT_OF_RANGE; /* the assist says that the quota does not suffice */
  guest_invoke(&g, saver, 0, ARGS(1, 4, 7), GAS);
  assert_refused(&g, JAVM_REFUSAL_QUOTA_EXHAUSTED, 25);
}

/* ---- save ---- */

static void save_gives_a_handle_and_debits_the_quota(void **state) {
  (void)state;
  javm_cap *data = guest_pages(&g, 3, 7);
  guest_set_quota(&g, 5, 4 * PAGE);
  saved(guest_data(&g, "another"), PAGE);
  save(SLOTS({1, data}, {4, quota(5)}), ARGS(1, 4, 7));
  assert_halted(&g, 1);
  assert_int_equal(guest_quota(&g, 5), PAGE);
  javm_instance_spec handle = guest_view(&g, guest_slot(&g, guest_post(&g), 7));
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 7), file(handle.regs[7]));
  assert_int_equal(handle.regs[7], 1);
  assert_same_cap(&g, opened(handle.regs[7]), data);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 1), data);
}

static void saved_file_can_be_opened_by_the_guest(void **state) {
  (void)state;
  javm_cap *data = guest_pages(&g, 2, 7);
  guest_set_quota(&g, 5, 2 * PAGE);
  guest_invoke(
      &g,
      instance_of("ecalli 25\nload_imm a0, 7\nload_imm a1, 8\necalli 24\necalli 0\n", SLOTS({1, data}, {4, quota(5)})),
      0, ARGS(1, 4, 7), GAS);
  assert_halted(&g, 7);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 8), data);
  assert_int_equal(guest_quota(&g, 5), 0);
}

static void save_works_through_nested_cnodes(void **state) {
  (void)state;
  guest_set_quota(&g, 5, PAGE);
  javm_cap *x = guest_data(&g, "x"), *nest = guest_cnode_of(&g, 3, SLOTS({0, x}, {1, quota(5)}));
  save(SLOTS({6, nest}), ARGS(PATH1(6, 0), PATH1(6, 1), PATH1(6, 2)));
  assert_int_equal(g.result.kind, JAVM_RESULT_HALT);
  javm_cap *handle = guest_cnode_slot(&g, guest_slot(&g, guest_post(&g), 6), 2);
  assert_same_cap(&g, opened(guest_view(&g, handle).regs[7]), x);
  assert_int_equal(guest_quota(&g, 5), 0);
}

static void empty_data_costs_nothing(void **state) {
  (void)state;
  save(SLOTS({1, guest_data(&g, "")}, {4, quota(5)}), ARGS(1, 4, 7));
  assert_halted(&g, 1);
  assert_same_cap(&g, opened(guest_view(&g, guest_slot(&g, guest_post(&g), 7)).regs[7]), guest_data(&g, ""));
}

static void save_checks_its_operands(void **state) {
  (void)state;
  guest_set_quota(&g, 5, 9 * PAGE);
  javm_cap *x = guest_data(&g, "x");
  const javm_slot_cap *slots =
      SLOTS({0, x}, {1, x}, {2, guest_kernel(&g, JAVM_KERNEL_GAS, 5)}, {4, quota(5)}, {6, guest_cnode_of(&g, 2, NULL)});
  const struct {
    uint64_t args[4];
    javm_refusal why;
  } cases[] = {
      {{9, 4, 7}, JAVM_REFUSAL_EMPTY_SLOT},
      {{1, 9, 7}, JAVM_REFUSAL_EMPTY_SLOT},
      {{6, 4, 7}, JAVM_REFUSAL_WRONG_KIND},
      {{1, 2, 7}, JAVM_REFUSAL_QUOTA},
      {{1, 1, 7}, JAVM_REFUSAL_QUOTA},
      {{1, 4, PATH1(6, 4)}, JAVM_REFUSAL_SLOT_OPERAND},
      {{1, 4, PATH1(9, 0)}, JAVM_REFUSAL_SLOT_OPERAND},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    save(slots, cases[i].args);
    assert_refused(&g, cases[i].why, 25);
    assert_same_cap(&g, g.result.slot0, x);
    assert_int_equal(guest_quota(&g, 5), 9 * PAGE);
  }
  guest_invoke(&g, instance_of(".pinned 7 data \"pin\"\n" SAVE, slots), 0, ARGS(1, 4, 7), GAS);
  assert_refused(&g, JAVM_REFUSAL_PINNED_SLOT, 25);
  javm_cap *none;
  assert_int_equal(g.assist->file_open(g.assist->ctx, 0, &none), JAVM_OUT_OF_RANGE); /* nothing was saved */
}

static void debit_of_save_is_undone_at_a_fault(void **state) {
  (void)state;
  guest_set_quota(&g, 5, 3 * PAGE);
  guest_invoke(&g, instance_of("ecalli 25\ntrap\n", SLOTS({1, guest_data(&g, "x")}, {4, quota(5)})), 0, ARGS(1, 4, 7),
               GAS);
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_int_equal(guest_quota(&g, 5), 3 * PAGE);
}

static void save_with_too_little_quota_yields_as_mint_data_does(void **state) {
  (void)state;
  javm_hash key;
  javm_kernel_hash(JAVM_KERNEL_STORAGE_EXHAUSTED_MARKER, &key);
  javm_cap *catcher = guest_catcher(&g, 1, &key), *data = guest_pages(&g, 2, 1);
  javm_cap *saver =
      instance_of("load_imm a0, 1\nload_imm a1, 4\nload_imm a2, 7\necalli 25\nload_imm a0, 44\necalli 0\n",
                  SLOTS({1, data}, {4, quota(5)}));
  guest_set_quota(&g, 5, 2 * PAGE - 1);
  guest_invoke(&g, saver, 0, NO_ARGS, GAS); /* nobody catches it */
  assert_refused(&g, JAVM_REFUSAL_QUOTA_EXHAUSTED, 25);
  javm_cap *caller = instance_of(".yield_marker_slot 8\nload_imm a0, 3\nload_imm a1, 0\necalli 26\necalli 0\n",
                                 SLOTS({3, saver}, {8, catcher}));
  guest_invoke(&g, caller, 0, NO_ARGS, GAS);
  assert_paused(&g, JAVM_PAUSE_QUOTA);
  assert_same_cap(&g, g.result.payload, quota(5));
  guest_resume(&g, NULL); /* without more it pauses again */
  assert_paused(&g, JAVM_PAUSE_QUOTA);
  guest_set_quota(&g, 5, 2 * PAGE);
  guest_resume(&g, NULL);
  assert_halted(&g, 44);
  assert_int_equal(guest_quota(&g, 5), 0);
  javm_cap *handle = guest_slot(&g, guest_slot(&g, guest_post(&g), 3), 7);
  assert_same_cap(&g, opened(guest_view(&g, handle).regs[7]), data);
}

/* ---- the local assist ---- */

static void saved_data_is_published_for_who_imports(void **state) {
  (void)state;
  javm_cap *made;
  assert_int_equal(javm_data_new(g.dir, (const uint8_t *)"file", 4, &made), JAVM_OK);
  javm_hash hash = guest_hash(&g, made);
  uint64_t id = saved(made, PAGE);
  javm_cap_release(g.dir, made);
  assert_true(javm_dir_has(g.dir, &hash));
  uint8_t *bytes;
  size_t size;
  javm_local_assist *other;
  assert_int_equal(javm_local_assist_export(g.local, &bytes, &size), JAVM_OK);
  assert_int_equal(javm_local_assist_new(g.dir, &other), JAVM_OK);
  assert_int_equal(javm_local_assist_import(other, bytes, size, &g.error), JAVM_OK);
  javm_free_bytes(javm_dir_allocator(g.dir), bytes, size);
  g.config.assist = javm_local_assist_interface(other);
  guest_vm(&g);
  guest_invoke(&g, guest_instance(&g, guest_operation(&g, 24), SLOTS({1, file(id)})), 0, ARGS(1, 7), GAS);
  assert_halted(&g, 1);
  javm_cap *data = guest_slot(&g, guest_post(&g), 7);
  char text[5] = "";
  assert_int_equal(javm_data_read(g.dir, data, 0, text, 4, &g.error), JAVM_OK);
  assert_string_equal(text, "file");
  javm_vm_free(g.vm);
  g.vm = NULL;
  javm_local_assist_free(other);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(open_gives_the_files_data),
      T(open_works_through_nested_cnodes),
      T(open_checks_its_operands),
      T(without_an_assist_there_are_no_files),
      T(assist_without_files_refuses),
      T(failure_of_the_assist_is_an_error_and_changes_nothing),
      T(save_gives_a_handle_and_debits_the_quota),
      T(saved_file_can_be_opened_by_the_guest),
      T(save_works_through_nested_cnodes),
      T(empty_data_costs_nothing),
      T(save_checks_its_operands),
      T(debit_of_save_is_undone_at_a_fault),
      T(save_with_too_little_quota_yields_as_mint_data_does),
      T(saved_data_is_published_for_who_imports),
  };
  return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
