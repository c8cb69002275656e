/* Timelines: every earlier point is reached again, from checkpoints that stay few; and where two runs part. */
#include <stdio.h>

#include "support/failing_alloc.h"
#include "support/guest.h"

enum { LOCAL_METER = 77 };

/* Answers by its arguments and the gas alone, so that it answers the same each time; but one call as `bent` says. */
typedef struct answers {
  uint64_t bent; /* the argument of the call that is answered otherwise */
  bool waits;    /* each fifth answer comes later */
} answers;

static javm_host_action host(void *ctx, javm_host_call *call) {
  const answers *how = ctx;
  uint64_t value = javm_host_arg(call, 0), gas = javm_host_gas(call);
  javm_host_charge(call, value % 7);
  javm_host_write(call, 0x20008, &gas, sizeof gas);
  javm_host_return(call, 0, value == how->bent ? 1 : value * value);
  return how->waits && value % 5 == 4 ? JAVM_HOST_PAUSE : JAVM_HOST_RETURN;
}

/* A world with one run in it. */
typedef struct world {
  guest g;
  answers how;
  javm_cap *instance;
  javm_timeline *timeline;
} world;

static world one, two;

#define LOOP_TEXT(step)                                                                                                \
  ".mapping ephemeral 0x20000 8192\n"                                                                                  \
  "load_imm s0, 0\nfallthrough\nagain:\n  move_reg a0, s0\n  ecalli 64\n  add_64 s1, s1, a0\n"                         \
  "  store_ind_u64 s1, [s0+0x20100]\n  add_imm_64 s0, s0, " step "\n  branch_ne_imm s0, 40, again\n"                   \
  "move_reg a0, s1\necalli 0\n"
/* Spends its own meter; calls the loop, and asks for its gas. */
#define PARENT                                                                                                         \
  ".gas_slot 6\n.mapping ephemeral 0x20000 4096\n"                                                                     \
  "load_imm a0, 3\nload_imm a1, 0\necalli 26\nmove_reg s0, a0\necalli 36\nadd_64 a0, a0, s0\nstore_u64 a0, "           \
  "[0x20000]\n"                                                                                                        \
  "load_imm a1, 5\necalli 0\n"

static void open_world(world *w) {
  guest_open(&w->g);
  w->g.config.counts_instructions = true;
  w->how.bent = UINT64_MAX;
}

static void close_world(world *w) {
  javm_timeline_free(w->timeline);
  guest_close(&w->g);
  memset(w, 0, sizeof *w);
}

static int setup(void **state) {
  (void)state;
  open_world(&one);
  open_world(&two);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  close_world(&one);
  close_world(&two);
  return 0;
}

/* A VM at the start of a call of the parent, with the loop of this text. */
static void begin(world *w, const char *loop) {
  guest *g = &w->g;
  guest_vm(g);
  assert_int_equal(javm_vm_register(g->vm, 64, "host", host, &w->how), JAVM_OK);
  guest_set_meter(g, LOCAL_METER, GAS);
  w->instance = guest_instance(g, guest_image(g, PARENT),
                               SLOTS({3, guest_instance(g, guest_image(g, loop), NO_SLOTS)},
                                     {6, guest_kernel(g, JAVM_KERNEL_GAS, LOCAL_METER)}));
  assert_int_equal(javm_vm_set_mark(g->vm, JAVM_MARK_GAS, 0), JAVM_OK);
  guest_invoke(g, w->instance, 0, NO_ARGS, GAS);
  assert_paused(g, JAVM_PAUSE_MARK);
}

static void make_timeline(world *w, javm_mark axis, uint64_t every, uint32_t max_checkpoints) {
  javm_timeline_config config;
  javm_timeline_config_default(&config);
  config.axis = axis;
  config.every = every;
  config.max_checkpoints = max_checkpoints;
  assert_int_equal(javm_timeline_new(w->g.vm, &config, &w->timeline, &w->g.error), JAVM_OK);
}

static void run_timeline(world *w, uint64_t until) {
  if (javm_timeline_run(w->timeline, until, guest_fresh(&w->g), &w->g.error) != JAVM_OK)
    fail_msg("%s", w->g.error.text);
}

static javm_hash root_of(world *w, javm_vm *vm) {
  javm_hash root;
  if (javm_vm_root(vm, JAVM_ROOT_WHOLE, &root, &w->g.error) != JAVM_OK) fail_msg("%s", w->g.error.text);
  return root;
}

static void end_at(world *w) { assert_halted(&w->g, w->g.result.return_value); }

/* ---- seeking ---- */

enum { POINTS_MAX = 1024 };
static javm_hash roots[POINTS_MAX];

/* The roots at the points 0, stride, 2 stride, ..., and how many there are, from a run that stops at each. */
static uint64_t note_roots(world *w, javm_mark axis, uint64_t stride) {
  guest *g = &w->g;
  uint64_t n = 0;
  for (begin(w, LOOP_TEXT("1")); g->result.kind == JAVM_RESULT_PAUSED; n++) {
    assert_true(n < POINTS_MAX);
    assert_int_equal(javm_vm_set_mark(g->vm, JAVM_MARK_GAS, JAVM_NO_MARK), JAVM_OK);
    assert_int_equal(javm_vm_set_mark(g->vm, axis, n * stride), JAVM_OK);
    guest_resume(g, NULL);
    if (g->result.kind == JAVM_RESULT_PAUSED) roots[n] = root_of(w, g->vm);
  }
  return n - 1;
}

static void seek_everywhere(world *w, javm_mark axis, uint64_t count, uint64_t stride) {
  guest *g = &w->g;
  uint64_t every = javm_timeline_every(w->timeline);
  for (uint64_t i = 0; i < count; i++) {
    uint64_t n = i * 7919 % count; /* in no order */
    javm_vm *vm;
    if (javm_timeline_seek(w->timeline, n * stride, &vm, guest_fresh(g), &g->error) != JAVM_OK)
      fail_msg("%s", g->error.text);
    assert_paused(g, JAVM_PAUSE_MARK);
    javm_hash root = root_of(w, vm);
    assert_same_hash(root, roots[n]);
    uint64_t way = axis == JAVM_MARK_GAS ? g->result.gas_used : g->result.instructions;
    assert_true(way <= every + 200); /* a block more, and what the host charges */
    if (i % 3) javm_timeline_release(w->timeline, vm);
  }
}

static void every_earlier_point_is_reached_again(void **state) {
  (void)state;
  static const javm_gas_model models[] = {JAVM_GAS_PIPELINE, JAVM_GAS_SINGLE_PASS, JAVM_GAS_INSTRUCTION};
  for (int axis = JAVM_MARK_GAS; axis <= JAVM_MARK_INSTRUCTIONS; axis++) {
    for (size_t i = 0; i < 3; i++) {
      world *w = &one;
      uint64_t stride = axis == JAVM_MARK_GAS && models[i] != JAVM_GAS_INSTRUCTION ? 37 : 1;
      w->g.config.gas_model = models[i];
      uint64_t count = note_roots(w, (javm_mark)axis, stride);
      javm_hash end = w->g.result.instance;
      uint64_t value = w->g.result.return_value;
      assert_true(count > 100);
      begin(w, LOOP_TEXT("1"));
      make_timeline(w, (javm_mark)axis, 5, 6);
      run_timeline(w, JAVM_NO_MARK);
      assert_halted(&w->g, value);
      assert_same_hash(w->g.result.instance, end);
      javm_position position;
      javm_vm_position(w->g.vm, &position);
      assert_int_equal(w->g.result.gas_used, position.gas);
      assert_int_equal(w->g.result.instructions, position.instructions);
      assert_in_range(javm_timeline_checkpoint_count(w->timeline), 2, 6);
      uint64_t left = guest_meter(&w->g, LOCAL_METER);
      seek_everywhere(w, (javm_mark)axis, count, stride);
      assert_int_equal(guest_meter(&w->g, LOCAL_METER), left); /* each point has its own */
      javm_timeline_free(w->timeline);
      w->timeline = NULL;
    }
  }
}

static void end_is_reached_again_too(void **state) {
  (void)state;
  begin(&one, LOOP_TEXT("1"));
  make_timeline(&one, JAVM_MARK_GAS, 50, 4);
  run_timeline(&one, JAVM_NO_MARK);
  uint64_t value = one.g.result.return_value;
  javm_hash end = one.g.result.instance;
  javm_vm *vm;
  assert_int_equal(javm_timeline_seek(one.timeline, GAS, &vm, guest_fresh(&one.g), &one.g.error), JAVM_OK);
  assert_halted(&one.g, value);
  assert_same_hash(one.g.result.instance, end);
  assert_int_equal(javm_vm_depth(vm), 0);
}

static void another_past_can_be_gone_on_with(void **state) {
  (void)state;
  begin(&one, LOOP_TEXT("1"));
  make_timeline(&one, JAVM_MARK_INSTRUCTIONS, 10, 8);
  run_timeline(&one, JAVM_NO_MARK);
  uint64_t value = one.g.result.return_value;
  javm_vm *vm;
  assert_int_equal(javm_timeline_seek(one.timeline, 100, &vm, guest_fresh(&one.g), &one.g.error), JAVM_OK);
  one.how.bent = 30; /* from now on the host answers otherwise */
  assert_int_equal(javm_vm_call_resume(vm, NULL, guest_fresh(&one.g), &one.g.error), JAVM_OK);
  assert_int_equal(one.g.result.kind, JAVM_RESULT_HALT);
  assert_true(one.g.result.return_value != value);
  one.how.bent = UINT64_MAX;
  javm_vm *same;
  assert_int_equal(javm_timeline_seek(one.timeline, UINT64_MAX - 1, &same, guest_fresh(&one.g), &one.g.error), JAVM_OK);
  assert_halted(&one.g, value);
}

static void seek_stops_where_the_host_answers_later(void **state) {
  (void)state;
  guest *g = &one.g;
  one.how.waits = true;
  begin(&one, LOOP_TEXT("1"));
  make_timeline(&one, JAVM_MARK_INSTRUCTIONS, 1000, 4);
  run_timeline(&one, JAVM_NO_MARK);
  assert_paused(g, JAVM_PAUSE_HOST_CALL);
  javm_position at;
  javm_vm_position(g->vm, &at);
  javm_hash waiting = root_of(&one, g->vm);
  assert_int_equal(javm_timeline_run(one.timeline, JAVM_NO_MARK, guest_fresh(g), &g->error), JAVM_NOT_PAUSED);
  javm_vm *vm;
  assert_int_equal(javm_timeline_seek(one.timeline, at.instructions + 5, &vm, guest_fresh(g), &g->error), JAVM_OK);
  assert_paused(g, JAVM_PAUSE_HOST_CALL);
  javm_hash there = root_of(&one, vm);
  assert_same_hash(there, waiting);
  for (int answers = 0; g->result.kind == JAVM_RESULT_PAUSED; answers++) {
    if (g->result.pause == JAVM_PAUSE_MARK) run_timeline(&one, JAVM_NO_MARK);
    else guest_complete(g, (const uint64_t[]){9}, 1);
    assert_true(answers < 100);
  }
  end_at(&one);
}

static void run_can_be_limited_and_gone_on_with(void **state) {
  (void)state;
  begin(&one, LOOP_TEXT("1"));
  make_timeline(&one, JAVM_MARK_INSTRUCTIONS, 16, 64);
  javm_position position;
  for (uint64_t until = 40; until < 200; until += 40) {
    run_timeline(&one, until);
    assert_paused(&one.g, JAVM_PAUSE_MARK);
    javm_vm_position(one.g.vm, &position);
    assert_int_equal(position.instructions, until);
  }
  run_timeline(&one, JAVM_NO_MARK);
  end_at(&one);
}

static void what_cannot_be_is_refused(void **state) {
  (void)state;
  javm_timeline *t = NULL;
  javm_timeline_config config;
  guest *g = &one.g;
  begin(&one, LOOP_TEXT("1"));
  javm_timeline_config_default(&config);
  config.every = 0;
  assert_int_equal(javm_timeline_new(g->vm, &config, &t, &g->error), JAVM_INVALID_ARGUMENT);
  javm_timeline_config_default(&config);
  config.max_checkpoints = 1;
  assert_int_equal(javm_timeline_new(g->vm, &config, &t, &g->error), JAVM_INVALID_ARGUMENT);
  guest_resume(g, NULL);
  assert_int_equal(javm_timeline_new(g->vm, NULL, &t, &g->error), JAVM_OK);
  javm_timeline_free(t);
  guest_resume(g, NULL); /* its marks are gone: to the end */
  assert_int_equal(javm_timeline_new(g->vm, NULL, &t, &g->error), JAVM_NOT_PAUSED);
  javm_assist own = *g->assist; /* an assist that nobody knows how to copy */
  own.gas_meter_get = NULL;
  javm_vm *vm;
  g->config.assist = &own;
  assert_int_equal(javm_vm_new(g->dir, &g->config, &vm, &g->error), JAVM_OK);
  assert_int_equal(javm_timeline_new(vm, NULL, &t, &g->error), JAVM_INVALID_ARGUMENT);
  javm_vm_free(vm);
}

static void point_before_the_first_is_out_of_range(void **state) {
  (void)state;
  begin(&one, LOOP_TEXT("1"));
  assert_int_equal(javm_vm_set_mark(one.g.vm, JAVM_MARK_GAS, 50), JAVM_OK);
  guest_resume(&one.g, NULL);
  make_timeline(&one, JAVM_MARK_GAS, 10, 4);
  run_timeline(&one, JAVM_NO_MARK);
  javm_vm *vm;
  assert_int_equal(javm_timeline_seek(one.timeline, 10, &vm, guest_fresh(&one.g), &one.g.error), JAVM_OUT_OF_RANGE);
  assert_null(vm);
}

/* ---- where two runs part ---- */

typedef struct parting {
  bool parted, at_start;
  uint64_t last_same;
} parting;

static parting part_by(const char *loop_one, const char *loop_two, javm_mark axis, javm_root_kind kind, bool each) {
  parting p;
  world *worlds[] = {&one, &two};
  for (int i = 0; i < 2; i++) {
    begin(worlds[i], i ? loop_two : loop_one);
    make_timeline(worlds[i], axis, 10, 8);
    run_timeline(worlds[i], JAVM_NO_MARK);
  }
  if (javm_timeline_part(one.timeline, two.timeline, kind, each, &p.parted, &p.at_start, &p.last_same, &one.g.error) !=
      JAVM_OK)
    fail_msg("%s", one.g.error.text);
  for (int i = 0; i < 2; i++) {
    javm_timeline_free(worlds[i]->timeline);
    worlds[i]->timeline = NULL;
  }
  return p;
}

static parting part(const char *loop_one, const char *loop_two, javm_mark axis, javm_root_kind kind) {
  parting p = part_by(loop_one, loop_two, axis, kind, false), each = part_by(loop_one, loop_two, axis, kind, true);
  assert_int_equal(p.parted, each.parted);
  assert_int_equal(p.at_start, each.at_start);
  if (p.parted) assert_int_equal(p.last_same, each.last_same);
  return p;
}

static void engines_do_not_part(void **state) {
  (void)state;
  one.g.config.engine = JAVM_ENGINE_INTERPRETER;
  two.g.config.engine = JAVM_ENGINE_RECOMPILER;
  for (int model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_INSTRUCTION; model++) {
    one.g.config.gas_model = two.g.config.gas_model = (javm_gas_model)model;
    parting p = part(LOOP_TEXT("1"), LOOP_TEXT("1"), JAVM_MARK_GAS, JAVM_ROOT_WHOLE);
    assert_false(p.parted);
  }
}

/* Of the world's run: the pc of the top entry at a number of instructions. */
static uint32_t pc_at(world *w, const char *loop, uint64_t instructions) {
  javm_entry_view view = {0};
  begin(w, loop);
  assert_int_equal(javm_vm_set_mark(w->g.vm, JAVM_MARK_GAS, JAVM_NO_MARK), JAVM_OK);
  assert_int_equal(javm_vm_set_mark(w->g.vm, JAVM_MARK_INSTRUCTIONS, instructions), JAVM_OK);
  guest_resume(&w->g, NULL);
  assert_paused(&w->g, JAVM_PAUSE_MARK);
  for (size_t i = 0; i < javm_vm_depth(w->g.vm); i++) {
    javm_entry_view at;
    assert_int_equal(javm_vm_entry(w->g.vm, i, &at), JAVM_OK);
    if (at.kind == JAVM_ENTRY_INSTANCE) view = at;
  }
  return view.pc;
}

static void host_that_answers_otherwise_parts_them_at_its_call(void **state) {
  (void)state;
  for (uint64_t bent = 2; bent < 40; bent += 9) {
    two.how.bent = bent;
    parting p = part(LOOP_TEXT("1"), LOOP_TEXT("1"), JAVM_MARK_INSTRUCTIONS, JAVM_ROOT_WHOLE);
    assert_true(p.parted);
    assert_false(p.at_start);
    /* 3 of the parent, 2 before the loop, 6 for each turn; the second one of a turn is the call */
    assert_int_equal(p.last_same, 3 + 2 + 6 * bent + 1);
  }
}

static void gas_models_part_where_the_gas_is_asked_for(void **state) {
  (void)state;
  one.g.config.gas_model = JAVM_GAS_PIPELINE;
  two.g.config.gas_model = JAVM_GAS_INSTRUCTION;
  /* The host writes its gas to memory: the first call is where they part. */
  parting p = part(LOOP_TEXT("1"), LOOP_TEXT("1"), JAVM_MARK_INSTRUCTIONS, JAVM_ROOT_MACHINE);
  assert_true(p.parted && !p.at_start);
  assert_int_equal(p.last_same, 3 + 2 + 1);
  /* Without a host, the parent's own question is. */
  static const char quiet[] = "load_imm s0, 0\nfallthrough\nagain:\n  add_imm_64 s0, s0, 1\n"
                              "  branch_ne_imm s0, 40, again\nmove_reg a0, s0\necalli 0\n";
  p = part(quiet, quiet, JAVM_MARK_INSTRUCTIONS, JAVM_ROOT_MACHINE);
  assert_true(p.parted && !p.at_start);
  assert_int_equal(p.last_same, 3 + 2 + 2 * 40 + 2 + 1);
}

static void images_part_at_the_instruction_that_differs(void **state) {
  (void)state;
  parting p = part(LOOP_TEXT("1"), LOOP_TEXT("2"), JAVM_MARK_INSTRUCTIONS, JAVM_ROOT_MACHINE);
  assert_true(p.parted && !p.at_start);
  assert_int_equal(p.last_same, 3 + 2 + 4);
  assert_int_equal(pc_at(&one, LOOP_TEXT("1"), p.last_same), pc_at(&two, LOOP_TEXT("2"), p.last_same));
  p = part(LOOP_TEXT("1"), LOOP_TEXT("2"), JAVM_MARK_INSTRUCTIONS, JAVM_ROOT_WHOLE);
  assert_true(p.parted && p.at_start); /* another Instance is called */
}

static void ends_are_compared(void **state) {
  (void)state;
  static const char good[] = "load_imm a0, 1\necalli 0\n", other[] = "load_imm a0, 1\nload_imm a0, 2\necalli 0\n";
  parting p = part(good, other, JAVM_MARK_INSTRUCTIONS, JAVM_ROOT_MACHINE);
  assert_true(p.parted && !p.at_start);
  assert_int_equal(p.last_same, 3 + 1);
}

static void runs_that_come_together_again_are_told_apart_point_by_point(void **state) {
  (void)state;
  static const char good[] = "load_imm a0, 1\necalli 0\n", bad[] = "load_imm a0, 1\ntrap\n";
  /* The code of a trap is 1, too, and the parent soon overwrites the status beside it. */
  parting p = part_by(good, bad, JAVM_MARK_INSTRUCTIONS, JAVM_ROOT_MACHINE, false);
  assert_false(p.parted);
  p = part_by(good, bad, JAVM_MARK_INSTRUCTIONS, JAVM_ROOT_MACHINE, true);
  assert_true(p.parted && !p.at_start);
  assert_int_equal(p.last_same, 3 + 2 - 1);
}

/* ---- out of memory ---- */

typedef struct small_world {
  javm_dir *dir;
  javm_local_assist *assist;
  javm_vm *vm;
  javm_cap *image, *instance;
  javm_timeline *timeline;
} small_world;

#define TRY(call)                                                                                                      \
  do {                                                                                                                 \
    status = (call);                                                                                                   \
    if (status != JAVM_OK) return status;                                                                              \
  } while (0)

static javm_status travel(small_world *w, const javm_allocator *allocator) {
  static const char text[] = ".mapping ephemeral 0x20000 4096\nload_imm s0, 0\nfallthrough\nagain:\n"
                             "  store_u64 s0, [0x20000]\n  add_imm_64 s0, s0, 1\n  branch_ne_imm s0, 9, again\n"
                             "move_reg a0, s0\necalli 0\n";
  javm_status status;
  javm_vm_config config;
  javm_result result;
  javm_hash hash;
  javm_vm *then;
  javm_timeline_config timeline;
  TRY(javm_dir_new(allocator, &w->dir));
  TRY(javm_local_assist_new(w->dir, &w->assist));
  javm_vm_config_default(&config);
  config.assist = javm_local_assist_interface(w->assist);
  config.gas_model = JAVM_GAS_INSTRUCTION;
  config.engine = JAVM_ENGINE_INTERPRETER;
  TRY(javm_vm_new(w->dir, &config, &w->vm, NULL));
  TRY(javm_assemble(w->dir, text, strlen(text), JAVM_ISA_JAVM, &w->image, NULL));
  TRY(javm_instance_genesis(w->dir, w->image, NULL, &w->instance, NULL));
  TRY(javm_dir_put(w->dir, w->instance, &hash, NULL));
  javm_vm_set_mark(w->vm, JAVM_MARK_GAS, 0);
  TRY(javm_vm_invoke(w->vm, &hash, 0, NO_ARGS, GAS, &result, NULL));
  javm_result_clear(w->dir, &result);
  javm_timeline_config_default(&timeline);
  timeline.every = 3;
  timeline.max_checkpoints = 3;
  TRY(javm_timeline_new(w->vm, &timeline, &w->timeline, NULL));
  status = javm_timeline_run(w->timeline, JAVM_NO_MARK, &result, NULL);
  if (status == JAVM_OUT_OF_MEMORY) status = javm_timeline_run(w->timeline, JAVM_NO_MARK, &result, NULL);
  if (status != JAVM_OK) return status;
  assert_int_equal(result.kind, JAVM_RESULT_HALT);
  assert_int_equal(result.return_value, 9);
  javm_result_clear(w->dir, &result);
  TRY(javm_timeline_seek(w->timeline, 17, &then, &result, NULL));
  javm_result_clear(w->dir, &result);
  return javm_vm_root(then, JAVM_ROOT_MACHINE, &hash, NULL);
}

static javm_status scenario(const javm_allocator *allocator) {
  small_world w = {0};
  javm_status status = travel(&w, allocator);
  javm_timeline_free(w.timeline);
  javm_vm_free(w.vm);
  if (w.dir) {
    javm_cap_release(w.dir, w.instance);
    javm_cap_release(w.dir, w.image);
    javm_local_assist_free(w.assist);
  }
  javm_dir_free(w.dir);
  return status;
}

static void out_of_memory_loses_nothing(void **state) {
  (void)state;
  for_each_failing_allocation(scenario);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(every_earlier_point_is_reached_again),
      T(end_is_reached_again_too),
      T(another_past_can_be_gone_on_with),
      T(seek_stops_where_the_host_answers_later),
      T(run_can_be_limited_and_gone_on_with),
      T(what_cannot_be_is_refused),
      T(point_before_the_first_is_out_of_range),
      T(engines_do_not_part),
      T(host_that_answers_otherwise_parts_them_at_its_call),
      T(gas_models_part_where_the_gas_is_asked_for),
      T(images_part_at_the_instruction_that_differs),
      T(ends_are_compared),
      T(runs_that_come_together_again_are_told_apart_point_by_point),
      T(out_of_memory_loses_nothing),
  };
  return cmocka_run_group_tests_name("timelines", tests, NULL, NULL);
}
