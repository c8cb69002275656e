/* Marks, steps and roots: a run stops anywhere, at the same places on every engine, and goes on as if it had not. */
#include <stdio.h>

#include "support/guest.h"

static guest g;
static javm_cap *marker, *catcher;
static uint64_t host_sum; /* of what the host has seen: it must see the same, however a run is cut */

/* Reads gas and memory, spends gas, writes memory; each fifth call waits for its answer. */
static javm_host_action host(void *ctx, javm_host_call *call) {
  (void)ctx;
  uint8_t bytes[16];
  uint64_t value = javm_host_arg(call, 0), gas = javm_host_gas(call);
  host_sum = host_sum * 31 + gas + value;
  if (javm_host_read(call, 0x20000, bytes, sizeof bytes) == JAVM_OK) host_sum += bytes[8];
  javm_host_charge(call, value % 7);
  javm_host_write(call, 0x20008, &gas, sizeof gas);
  javm_host_return(call, 0, host_sum);
  return value % 5 == 4 ? JAVM_HOST_PAUSE : JAVM_HOST_RETURN;
}

static void new_vm(void) {
  guest_vm(&g);
  assert_int_equal(javm_vm_register(g.vm, 64, "host", host, NULL), JAVM_OK);
}

static int setup(void **state) {
  (void)state;
  guest_open(&g);
  g.config.counts_instructions = true;
  marker = guest_data(&g, "marker");
  javm_hash key = guest_hash(&g, marker);
  catcher = guest_catcher(&g, 1, &key);
  new_vm();
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

/* 1 + 10 * 4 + 2 instructions, blocks of several, an access to memory. */
#define LOOP                                                                                                           \
  ".mapping ephemeral 0x20000 8192\n"                                                                                  \
  "load_imm a0, 0\nfallthrough\nagain:\n  add_imm_64 a0, a0, 1\n  store_u64 a0, [0x20ffc]\n  load_u64 s0, [0x20ffc]\n" \
  "  branch_ne_imm s0, 10, again\necalli 0\n"

/* Spends its meter; loops, asks the host, yields, asks for its gas, and replies with all of that. */
#define CHILD                                                                                                          \
  ".gas_slot 6\n.mapping persistent 0x20000 8192 slot 9\n"                                                             \
  "load_imm s0, 0\nfallthrough\n"                                                                                      \
  "again:\n  move_reg a0, s0\n  ecalli 64\n  add_64 s1, s1, a0\n  store_ind_u64 s1, [s0+0x20100]\n"                    \
  "  add_imm_64 s0, s0, 1\n  branch_ne_imm s0, 7, again\n"                                                             \
  "load_imm a0, 1\necalli 16\necalli 36\nadd_64 a0, a0, s1\necalli 0\n"
/* Calls the child, resumes it when it yields, and calls it once more without gas enough. */
#define PARENT                                                                                                         \
  ".yield_marker_slot 8\n.mapping ephemeral 0x20000 8192\n"                                                            \
  "load_imm s0, 0\nload_imm a0, 3\nload_imm a1, 0\necalli 26\nfallthrough\n"                                           \
  "returned:\n  branch_ne_imm a1, 1, done\n  add_imm_64 s0, s0, 1\n  ecalli 27\n  jump returned\n"                     \
  "done:\n  store_u64 a0, [0x20000]\n  add_64 s0, s0, a0\n  load_imm a0, 4\n  load_imm a1, 0\n  ecalli 26\n"           \
  "  add_64 s0, s0, a1\n  ecalli 36\n  xor a0, a0, s0\n  ecalli 0\n"

static javm_cap *family(void) {
  javm_cap *kernel_gas = guest_kernel(&g, JAVM_KERNEL_GAS, 77), *poor = guest_kernel(&g, JAVM_KERNEL_GAS, 78);
  javm_cap *child = instance_of(CHILD, SLOTS({1, marker}, {6, kernel_gas}, {9, guest_data(&g, "nine")}));
  javm_cap *hungry = instance_of(CHILD, SLOTS({1, marker}, {6, poor}, {9, guest_data(&g, "nine")}));
  return instance_of(PARENT, SLOTS({3, child}, {4, hungry}, {8, catcher}));
}

static void begin_family(void) {
  host_sum = 0;
  guest_set_meter(&g, 77, 100000);
  guest_set_meter(&g, 78, 130);
}

/* ---- driving ---- */

typedef struct ending {
  javm_result_kind kind;
  javm_exit_kind fault;
  uint32_t pc;
  uint64_t gas, instructions, value, host;
  javm_hash instance;
} ending;

static javm_position position(void) {
  javm_position at;
  javm_vm_position(g.vm, &at);
  return at;
}

static javm_hash root(void) {
  javm_hash hash;
  assert_int_equal(javm_vm_root(g.vm, JAVM_ROOT_WHOLE, &hash, &g.error), JAVM_OK);
  return hash;
}

/* The host answers what waits for it; false: the run has ended, or is at a mark. */
static bool answer(void) {
  if (g.result.kind != JAVM_RESULT_PAUSED || g.result.pause == JAVM_PAUSE_MARK) return false;
  if (g.result.pause == JAVM_PAUSE_HOST_CALL) guest_complete(&g, (const uint64_t[]){123, 0}, 2);
  else if (g.result.pause == JAVM_PAUSE_YIELD) guest_deliver(&g);
  else guest_drop(&g);
  return true;
}

static bool at_mark(void) { return g.result.kind == JAVM_RESULT_PAUSED && g.result.pause == JAVM_PAUSE_MARK; }

static void set_mark(javm_mark mark, uint64_t at) { assert_int_equal(javm_vm_set_mark(g.vm, mark, at), JAVM_OK); }

static void start(javm_cap *instance, uint64_t gas, javm_mark mark, uint64_t at) {
  begin_family();
  set_mark(mark, at);
  guest_invoke(&g, instance, 0, NO_ARGS, gas);
  while (answer()) continue;
}

static void go_on(javm_mark mark, uint64_t at) {
  set_mark(mark, at);
  guest_resume(&g, NULL);
  while (answer()) continue;
}

static ending end_of_run(void) {
  assert_int_not_equal(g.result.kind, JAVM_RESULT_PAUSED);
  assert_depth(&g, 0);
  javm_position at = position();
  return (ending){g.result.kind,   g.result.fault.kind,   g.result.pc, at.gas,
                  at.instructions, g.result.return_value, host_sum,    g.result.instance};
}

static void same_ending(const ending *a, const ending *b) {
  assert_int_equal(a->kind, b->kind);
  assert_int_equal(a->fault, b->fault);
  assert_int_equal(a->pc, b->pc);
  assert_int_equal(a->gas, b->gas);
  assert_int_equal(a->instructions, b->instructions);
  assert_int_equal(a->value, b->value);
  assert_int_equal(a->host, b->host);
  assert_same_hash(a->instance, b->instance);
}

static ending whole_run(javm_cap *instance, uint64_t gas) {
  start(instance, gas, JAVM_MARK_GAS, JAVM_NO_MARK);
  return end_of_run();
}

static const javm_gas_model models[] = {JAVM_GAS_PIPELINE, JAVM_GAS_SINGLE_PASS, JAVM_GAS_INSTRUCTION};
#define EACH_MODEL(i) for (size_t i = 0; i < 3 && (g.config.gas_model = models[i], new_vm(), true); i++)

/* ---- gas marks ---- */

static void mark_is_where_a_budget_of_that_much_ends(void **state) {
  (void)state;
  javm_cap *loop = instance_of(LOOP, NO_SLOTS);
  EACH_MODEL(model) {
    ending whole = whole_run(loop, GAS);
    assert_int_equal(whole.value, 10);
    for (uint64_t mark = 0; mark <= whole.gas + 1; mark++) {
      ending budget = whole_run(loop, mark);
      javm_entry_view view;
      start(loop, GAS, JAVM_MARK_GAS, mark);
      if (mark < whole.gas) {
        assert_true(at_mark());
        assert_null(g.result.payload);
        assert_int_equal(budget.fault, JAVM_EXIT_OUT_OF_GAS);
        assert_int_equal(javm_vm_entry(g.vm, 0, &view), JAVM_OK);
        assert_int_equal(view.pc, budget.pc);
        assert_int_equal(view.gas, GAS - budget.gas);
        assert_int_equal(position().gas, budget.gas);
        assert_int_equal(position().instructions, budget.instructions);
        go_on(JAVM_MARK_GAS, JAVM_NO_MARK);
      }
      ending cut = end_of_run();
      same_ending(&cut, &whole);
    }
  }
}

static void mark_that_was_passed_stops_at_once(void **state) {
  (void)state;
  javm_cap *loop = instance_of(LOOP, NO_SLOTS);
  start(loop, GAS, JAVM_MARK_GAS, 20);
  assert_true(at_mark());
  javm_hash before = root();
  for (uint64_t mark = 0; mark <= 20; mark += 10) {
    go_on(JAVM_MARK_GAS, mark);
    assert_true(at_mark());
    assert_int_equal(g.result.gas_used, 0);
    assert_int_equal(g.result.instructions, 0);
    javm_hash after = root();
    assert_same_hash(before, after);
  }
}

static void gas_that_does_not_suffice_is_out_of_gas_at_a_mark_too(void **state) {
  (void)state;
  javm_cap *loop = instance_of(LOOP, NO_SLOTS);
  for (uint64_t budget = 0; budget < 30; budget++) {
    start(loop, budget, JAVM_MARK_GAS, budget);
    assert_faulted(&g, JAVM_EXIT_OUT_OF_GAS);
    assert_int_equal(g.result.gas_used, budget);
    if (budget == 0) continue;
    start(loop, budget, JAVM_MARK_GAS, budget - 1);
    assert_true(at_mark());
    go_on(JAVM_MARK_GAS, budget);
    assert_faulted(&g, JAVM_EXIT_OUT_OF_GAS);
  }
}

static void every_mark_in_nested_calls_changes_nothing(void **state) {
  (void)state;
  javm_cap *parent = family();
  EACH_MODEL(model) {
    for (int mode = JAVM_YIELD_TO_HOST; mode <= JAVM_YIELD_TO_CATCHER; mode++) {
      g.config.yield_mode = (javm_yield_mode)mode;
      new_vm();
      ending whole = whole_run(parent, GAS);
      assert_int_equal(whole.kind, JAVM_RESULT_HALT);
      for (uint64_t mark = 0; mark < whole.gas; mark++) {
        start(parent, GAS, JAVM_MARK_GAS, mark);
        assert_true(at_mark());
        go_on(JAVM_MARK_GAS, JAVM_NO_MARK);
        ending cut = end_of_run();
        same_ending(&cut, &whole);
      }
    }
  }
}

/* What a run that stops at each unit of gas shows there, as one hash, and how often it stops. */
static javm_hash stops_of(javm_cap *instance, uint64_t *count) {
  javm_hash all = {{0}}, two[2];
  *count = 0;
  start(instance, GAS, JAVM_MARK_GAS, 0);
  for (uint64_t mark = 1; at_mark(); mark++) {
    two[0] = all;
    two[1] = root();
    javm_cap *data = NULL;
    assert_int_equal(javm_data_new(g.dir, (const uint8_t *)two, sizeof two, &data), JAVM_OK);
    all = guest_hash(&g, data);
    javm_cap_release(g.dir, data);
    ++*count;
    go_on(JAVM_MARK_GAS, mark);
  }
  assert_int_equal(g.result.kind, JAVM_RESULT_HALT);
  return all;
}

static void stops_are_the_same_on_every_engine(void **state) {
  (void)state;
  javm_cap *parent = family();
  for (size_t i = 0; i < 3; i++) {
    javm_hash first;
    uint64_t first_count, count;
    for (int engine = 0; engine < 4; engine++) {
      g.config.gas_model = models[i];
      g.config.engine = engine == 3 ? JAVM_ENGINE_BOTH : engine ? JAVM_ENGINE_RECOMPILER : JAVM_ENGINE_INTERPRETER;
      g.config.explicit_checks = engine == 2;
      new_vm();
      javm_hash all = stops_of(parent, engine ? &count : &first_count);
      if (engine == 0) first = all;
      else assert_int_equal(count, first_count);
      assert_same_hash(all, first);
    }
    assert_true(first_count > 100);
  }
}

/* ---- marks of instructions ---- */

static void every_instruction_is_reached_by_marks_and_by_steps(void **state) {
  (void)state;
  javm_cap *parent = family();
  EACH_MODEL(model) {
    ending whole = whole_run(parent, GAS);
    javm_hash roots[256];
    assert_true(whole.instructions < 256);
    start(parent, GAS, JAVM_MARK_INSTRUCTIONS, 0);
    for (uint64_t n = 0; n < whole.instructions; n++) {
      assert_true(at_mark());
      assert_int_equal(position().instructions, n);
      roots[n] = root();
      if (n) assert_other_hash(roots[n], roots[n - 1]);
      while (at_mark() && position().instructions == n) { /* a child out of gas ends without an instruction */
        assert_int_equal(javm_vm_step(g.vm, JAVM_STEP_INSTRUCTION, guest_fresh(&g), &g.error), JAVM_OK);
        while (!at_mark() && answer()) continue;
      }
    }
    ending stepped = end_of_run();
    same_ending(&stepped, &whole);
    for (uint64_t n = 0; n < whole.instructions; n++) {
      start(parent, GAS, JAVM_MARK_INSTRUCTIONS, n);
      assert_true(at_mark());
      assert_int_equal(position().instructions, n);
      javm_hash here = root();
      assert_same_hash(here, roots[n]);
      go_on(JAVM_MARK_INSTRUCTIONS, JAVM_NO_MARK);
      ending cut = end_of_run();
      same_ending(&cut, &whole);
    }
  }
}

/* Long enough for the way by gas, with blocks of one instruction and of many, dear and cheap. */
#define LONG                                                                                                           \
  "load_imm a0, 0\nfallthrough\nagain:\n  add_imm_64 a0, a0, 1\n  div_u_64 a1, a0, a0\n  move_reg a2, a1\n"            \
  "  move_reg a3, a2\n  move_reg a2, a3\n  move_reg a3, a2\n  move_reg a2, a3\n  jump next\nnext:\n  fallthrough\n"    \
  "  branch_ne_imm a0, 5000, again\necalli 0\n"

static void instruction_far_away_is_reached_exactly(void **state) {
  (void)state;
  javm_cap *instance = instance_of(LONG, NO_SLOTS);
  EACH_MODEL(model) {
    ending whole = whole_run(instance, GAS);
    for (uint64_t n = 1; n < whole.instructions; n = n * 3 + 1) {
      start(instance, GAS, JAVM_MARK_INSTRUCTIONS, n);
      assert_true(at_mark());
      assert_int_equal(position().instructions, n);
      set_mark(JAVM_MARK_GAS, position().gas + 1000);
      go_on(JAVM_MARK_INSTRUCTIONS, whole.instructions - 1);
      if (at_mark()) assert_true(position().gas <= whole.gas);
      set_mark(JAVM_MARK_GAS, JAVM_NO_MARK);
      go_on(JAVM_MARK_INSTRUCTIONS, whole.instructions - 1);
      assert_int_equal(position().instructions, whole.instructions - 1);
      go_on(JAVM_MARK_INSTRUCTIONS, JAVM_NO_MARK);
      ending cut = end_of_run();
      same_ending(&cut, &whole);
    }
  }
}

static void without_metering_instructions_are_the_only_marks(void **state) {
  (void)state;
  javm_cap *loop = instance_of(LOOP, NO_SLOTS);
  g.config.gas_model = JAVM_GAS_NONE;
  new_vm();
  ending whole = whole_run(loop, GAS);
  start(loop, GAS, JAVM_MARK_GAS, 0);
  assert_halted(&g, 10);
  set_mark(JAVM_MARK_GAS, JAVM_NO_MARK);
  for (uint64_t n = 0; n < whole.instructions; n += 3) {
    start(loop, GAS, JAVM_MARK_INSTRUCTIONS, n);
    assert_int_equal(position().instructions, n);
    go_on(JAVM_MARK_INSTRUCTIONS, JAVM_NO_MARK);
    ending cut = end_of_run();
    same_ending(&cut, &whole);
  }
}

static void instructions_must_be_counted(void **state) {
  (void)state;
  g.config.engine = JAVM_ENGINE_RECOMPILER;
  g.config.counts_instructions = false;
  new_vm();
  assert_int_equal(javm_vm_set_mark(g.vm, JAVM_MARK_INSTRUCTIONS, 1), JAVM_INVALID_ARGUMENT);
  assert_int_equal(javm_vm_set_mark(g.vm, (javm_mark)2, 1), JAVM_INVALID_ARGUMENT);
  guest_invoke(&g, instance_of(LOOP, NO_SLOTS), 0, NO_ARGS, GAS);
  assert_halted(&g, 10);
}

/* ---- steps ---- */

static void step_by_block_ends_where_a_block_ends(void **state) {
  (void)state;
  javm_cap *loop = instance_of(LOOP, NO_SLOTS);
  EACH_MODEL(model) {
    start(loop, GAS, JAVM_MARK_GAS, 0);
    set_mark(JAVM_MARK_GAS, 0); /* marks do not count */
    uint64_t counts[16], blocks = 0, sum = 0;
    for (; at_mark() && blocks < 16; blocks++) {
      assert_int_equal(javm_vm_step(g.vm, JAVM_STEP_BLOCK, guest_fresh(&g), &g.error), JAVM_OK);
      sum += counts[blocks] = g.result.instructions;
    }
    assert_halted(&g, 10);
    assert_int_equal(blocks, 12); /* load_imm fallthrough | 10 * four | ecalli */
    assert_int_equal(counts[0], 2);
    for (int i = 1; i <= 10; i++) assert_int_equal(counts[i], 4);
    assert_int_equal(counts[11], 1);
    assert_int_equal(position().instructions, sum);
  }
}

static void step_ends_where_another_entry_goes_on(void **state) {
  (void)state;
  javm_cap *parent = family();
  ending whole = whole_run(parent, GAS);
  javm_entry_view view;
  start(parent, GAS, JAVM_MARK_GAS, 0);
  for (int i = 0; i < 4; i++) javm_vm_step(g.vm, JAVM_STEP_INSTRUCTION, guest_fresh(&g), &g.error);
  assert_true(at_mark());
  assert_depth(&g, 3); /* the parent, the child before its first instruction, the mark */
  assert_int_equal(javm_vm_entry(g.vm, 1, &view), JAVM_OK);
  assert_int_equal(view.pc, 0);
  uint64_t steps = 0;
  while (g.result.kind == JAVM_RESULT_PAUSED) {
    if (at_mark()) assert_int_equal(javm_vm_step(g.vm, JAVM_STEP_BLOCK, guest_fresh(&g), &g.error), JAVM_OK);
    set_mark(JAVM_MARK_GAS, 0); /* after an answer, before anything runs on */
    while (answer()) continue;
    steps++;
  }
  assert_true(steps > 20);
  ending stepped = end_of_run();
  same_ending(&stepped, &whole);
}

static void step_can_fault_and_needs_a_pause(void **state) {
  (void)state;
  assert_int_equal(javm_vm_step(g.vm, JAVM_STEP_BLOCK, guest_fresh(&g), &g.error), JAVM_NOT_PAUSED);
  start(instance_of("load_imm a0, 1\ntrap\n", NO_SLOTS), GAS, JAVM_MARK_GAS, 0);
  assert_int_equal(javm_vm_step(g.vm, (javm_step)2, guest_fresh(&g), &g.error), JAVM_INVALID_ARGUMENT);
  assert_int_equal(javm_vm_step(g.vm, JAVM_STEP_INSTRUCTION, guest_fresh(&g), &g.error), JAVM_OK);
  assert_true(at_mark());
  assert_int_equal(javm_vm_step(g.vm, JAVM_STEP_INSTRUCTION, guest_fresh(&g), &g.error), JAVM_OK);
  assert_faulted(&g, JAVM_EXIT_TRAP);
}

/* ---- traces ---- */

static uint64_t traced;

static void note_event(void *ctx, const javm_trace_event *event) {
  (void)ctx;
  traced = traced * 31 + (uint64_t)event->kind + event->gas;
}

static void trace_shows_the_same_gas_with_and_without_marks(void **state) {
  (void)state;
  javm_cap *caller = instance_of(".mapping ephemeral 0x20000 8192\nload_imm a0, 3\necalli 64\necalli 36\n"
                                 "load_imm a0, 1\necalli 64\necalli 0\n",
                                 NO_SLOTS);
  EACH_MODEL(model) {
    g.config.trace = NULL;
    new_vm();
    ending untraced = whole_run(caller, GAS);
    g.config.trace = note_event;
    new_vm();
    traced = 0;
    ending whole = whole_run(caller, GAS);
    uint64_t events = traced;
    same_ending(&whole, &untraced);
    for (uint64_t mark = 0; mark < whole.gas; mark++) {
      traced = 0;
      start(caller, GAS, JAVM_MARK_GAS, mark);
      assert_true(at_mark());
      go_on(JAVM_MARK_GAS, JAVM_NO_MARK);
      ending cut = end_of_run();
      same_ending(&cut, &whole);
      assert_int_equal(traced, events);
    }
  }
}

/* ---- pauses ---- */

static void dropping_at_a_mark_is_out_of_gas(void **state) {
  (void)state;
  start(instance_of(LOOP, NO_SLOTS), GAS, JAVM_MARK_GAS, 20);
  assert_true(at_mark());
  guest_drop(&g);
  assert_faulted(&g, JAVM_EXIT_OUT_OF_GAS);
  assert_depth(&g, 0);
}

static void other_verbs_do_not_go_on_from_a_mark(void **state) {
  (void)state;
  start(instance_of(LOOP, NO_SLOTS), GAS, JAVM_MARK_GAS, 20);
  assert_int_equal(javm_vm_deliver_yield(g.vm, guest_fresh(&g), &g.error), JAVM_NOT_PAUSED);
  assert_int_equal(javm_vm_complete_host_call(g.vm, NULL, 0, guest_fresh(&g), &g.error), JAVM_NOT_PAUSED);
  assert_depth(&g, 2);
}

static void gas_that_is_added_at_a_mark_is_the_entrys(void **state) {
  (void)state;
  javm_cap *loop = instance_of(LOOP, NO_SLOTS);
  start(loop, 25, JAVM_MARK_GAS, 20);
  assert_true(at_mark());
  assert_int_equal(javm_vm_add_gas(g.vm, 1000), JAVM_OK);
  go_on(JAVM_MARK_GAS, JAVM_NO_MARK);
  assert_halted(&g, 10);
  assert_int_equal(guest_view(&g, guest_post(&g)).gas_remaining, 1025 - position().gas);
}

static void invoke_on_top_of_a_mark_counts_on(void **state) {
  (void)state;
  javm_cap *loop = instance_of(LOOP, NO_SLOTS);
  ending whole = whole_run(loop, GAS);
  start(loop, GAS, JAVM_MARK_GAS, 20);
  set_mark(JAVM_MARK_GAS, JAVM_NO_MARK);
  guest_invoke(&g, loop, 0, NO_ARGS, GAS);
  assert_halted(&g, 10);
  assert_int_equal(position().gas, 20 + whole.gas);
  guest_resume(&g, NULL);
  assert_halted(&g, 10);
  assert_int_equal(position().gas, 2 * whole.gas);
  guest_invoke(&g, loop, 0, NO_ARGS, GAS);
  assert_int_equal(position().gas, whole.gas);
}

/* ---- roots ---- */

static javm_hash machine_root(void) {
  javm_hash hash;
  assert_int_equal(javm_vm_root(g.vm, JAVM_ROOT_MACHINE, &hash, &g.error), JAVM_OK);
  return hash;
}

#define STORE(value) ".mapping ephemeral 0x20000 4096\nstore_imm_u8 [0x20000], " value "\nload_imm a0, 7\ntrap\n"

static void root_of_the_machine_is_of_memory_and_registers(void **state) {
  (void)state;
  static const char *const texts[] = {STORE("1"), STORE("1") "trap\n", STORE("2")};
  javm_hash whole[3], machine[3];
  for (int i = 0; i < 3; i++) {
    new_vm();
    start(instance_of(texts[i], NO_SLOTS), GAS, JAVM_MARK_INSTRUCTIONS, 2);
    whole[i] = root();
    machine[i] = machine_root();
  }
  assert_other_hash(whole[0], whole[1]); /* another program */
  assert_same_hash(machine[0], machine[1]);
  assert_other_hash(machine[0], machine[2]); /* another byte in memory */
  go_on(JAVM_MARK_INSTRUCTIONS, 1);
  javm_hash again = machine_root();
  assert_same_hash(again, machine[2]);
}

static void root_of_the_machine_leaves_gas_out(void **state) {
  (void)state;
  javm_cap *loop = instance_of(LOOP, NO_SLOTS);
  javm_hash whole[2], machine[2];
  for (int i = 0; i < 2; i++) {
    new_vm();
    start(loop, GAS + (uint64_t)i, JAVM_MARK_GAS, 20);
    whole[i] = root();
    machine[i] = machine_root();
  }
  assert_other_hash(whole[0], whole[1]);
  assert_same_hash(machine[0], machine[1]);
}

static void whole_root_is_the_hash_of_the_suspended_vm(void **state) {
  (void)state;
  javm_cap *parent = family();
  ending whole = whole_run(parent, GAS);
  for (uint64_t mark = 0; mark < whole.instructions; mark += 11) {
    start(parent, GAS, JAVM_MARK_INSTRUCTIONS, mark);
    javm_hash here = root(), suspended;
    assert_int_equal(javm_vm_suspend(g.vm, &suspended, &g.error), JAVM_OK);
    assert_same_hash(here, suspended);
    new_vm();
    assert_int_equal(javm_vm_restore(g.vm, &suspended, guest_fresh(&g), &g.error), JAVM_OK);
    assert_true(at_mark());
    javm_hash restored = root();
    assert_same_hash(here, restored);
    assert_int_equal(position().instructions, 0);
    go_on(JAVM_MARK_INSTRUCTIONS, JAVM_NO_MARK);
    ending cut = end_of_run();
    cut.instructions += mark;
    cut.gas = whole.gas;
    same_ending(&cut, &whole);
  }
}

static void nothing_paused_has_no_root(void **state) {
  (void)state;
  javm_hash hash;
  assert_int_equal(javm_vm_root(g.vm, JAVM_ROOT_WHOLE, &hash, &g.error), JAVM_NOT_PAUSED);
  start(instance_of(LOOP, NO_SLOTS), GAS, JAVM_MARK_GAS, 0);
  assert_int_equal(javm_vm_root(g.vm, (javm_root_kind)2, &hash, &g.error), JAVM_INVALID_ARGUMENT);
}

static void memory_of_an_entry_can_be_looked_at(void **state) {
  (void)state;
  uint32_t pages[4] = {0};
  uint64_t word = 0;
  size_t count;
  start(instance_of(LOOP, NO_SLOTS), GAS, JAVM_MARK_INSTRUCTIONS, 4);
  assert_int_equal(javm_vm_dirty_pages(g.vm, 0, pages, 4, &count), JAVM_OK);
  assert_int_equal(count, 2);
  assert_int_equal(pages[0], 0x20000);
  assert_int_equal(pages[1], 0x21000);
  assert_int_equal(javm_vm_read(g.vm, 0, 0x20ffc, &word, sizeof word), JAVM_OK);
  assert_int_equal(word, 1);
  assert_int_equal(javm_vm_read(g.vm, 0, 0x21ffc, &word, sizeof word), JAVM_OUT_OF_RANGE);
  assert_int_equal(javm_vm_read(g.vm, 1, 0x20ffc, &word, sizeof word), JAVM_OUT_OF_RANGE); /* the mark */
  assert_int_equal(javm_vm_dirty_pages(g.vm, 1, pages, 4, &count), JAVM_OUT_OF_RANGE);
  assert_int_equal(javm_vm_dirty_pages(g.vm, 7, pages, 4, &count), JAVM_OUT_OF_RANGE);
  assert_int_equal(javm_vm_dirty_pages(g.vm, 0, pages, 1, &count), JAVM_OK);
  assert_int_equal(count, 2);
}

/* An entry that sets the meter that it spends from: what it has used is counted all the same. */
static void gas_used_before_a_meter_is_set_counts_for_marks(void **state) {
  (void)state;
  javm_cap *setter = guest_kernel(&g, JAVM_KERNEL_SET_GAS_METER, 0), *gas = guest_kernel(&g, JAVM_KERNEL_GAS, 9);
  javm_cap *a = instance_of(".gas_slot 6\nload_imm s0, 1\nload_imm s0, 2\nload_imm a0, 10\nload_imm a1, 0\n"
                            "load_imm a2, 9\nload_imm a3, 500\necalli 26\nload_imm s0, 3\nload_imm s0, 4\necalli 0\n",
                            SLOTS({6, gas}, {10, setter}));
  for (uint64_t mark = 0; mark < 10; mark++) {
    javm_position position;
    guest_set_meter(&g, 9, 100);
    new_vm();
    assert_int_equal(javm_vm_set_mark(g.vm, JAVM_MARK_GAS, mark), JAVM_OK);
    guest_invoke(&g, a, 0, NO_ARGS, 0);
    assert_paused(&g, JAVM_PAUSE_MARK);
    javm_vm_position(g.vm, &position);
    assert_int_equal(position.gas, mark);
    assert_int_equal(position.instructions, mark);
    assert_int_equal(javm_vm_set_mark(g.vm, JAVM_MARK_GAS, JAVM_NO_MARK), JAVM_OK);
    guest_resume(&g, NULL);
    assert_halted(&g, 100 - 7);
    javm_vm_position(g.vm, &position);
    assert_int_equal(position.gas, 10);
    assert_int_equal(guest_meter(&g, 9), 500 - 3);
  }
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(mark_is_where_a_budget_of_that_much_ends),
      T(mark_that_was_passed_stops_at_once),
      T(gas_that_does_not_suffice_is_out_of_gas_at_a_mark_too),
      T(every_mark_in_nested_calls_changes_nothing),
      T(stops_are_the_same_on_every_engine),
      T(every_instruction_is_reached_by_marks_and_by_steps),
      T(instruction_far_away_is_reached_exactly),
      T(without_metering_instructions_are_the_only_marks),
      T(instructions_must_be_counted),
      T(step_by_block_ends_where_a_block_ends),
      T(step_ends_where_another_entry_goes_on),
      T(step_can_fault_and_needs_a_pause),
      T(trace_shows_the_same_gas_with_and_without_marks),
      T(dropping_at_a_mark_is_out_of_gas),
      T(other_verbs_do_not_go_on_from_a_mark),
      T(gas_that_is_added_at_a_mark_is_the_entrys),
      T(invoke_on_top_of_a_mark_counts_on),
      T(root_of_the_machine_is_of_memory_and_registers),
      T(root_of_the_machine_leaves_gas_out),
      T(whole_root_is_the_hash_of_the_suspended_vm),
      T(nothing_paused_has_no_root),
      T(memory_of_an_entry_can_be_looked_at),
      T(gas_used_before_a_meter_is_set_counts_for_marks),
  };
  return cmocka_run_group_tests_name("time travel", tests, NULL, NULL);
}
