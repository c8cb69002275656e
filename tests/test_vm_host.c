/* Host functions (5-abi.md 5.2, from 64 on): what they read, write, return, refuse and pause for. */
#include "support/guest.h"

static guest g;

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

static void use(uint32_t number, javm_host_fn fn) {
  assert_int_equal(javm_vm_register(g.vm, number, "function under test", fn, &g), JAVM_OK);
}

#define MEMORY ".mapping ephemeral 0x10000 8192\n.mapping persistent 0x20000 4096 slot 9\n.pinned 9 data \"pin\"\n"
#define REPLY_BOTH "shlo_l_imm_64 a1, a1, 32\nadd_64 a0, a0, a1\necalli 0\n"
#define RESULT(value, status) ((uint64_t)(value) + ((uint64_t)(status) << 32))

/* ---- registering and reaching ---- */

static javm_host_action digits(void *ctx, javm_host_call *call) {
  assert_ptr_equal(ctx, &g);
  uint64_t sum = 0;
  for (unsigned i = 0; i < 6; i++) sum = sum * 10 + javm_host_arg(call, i);
  assert_int_equal(javm_host_arg(call, 6), 0);
  javm_host_return(call, 0, sum);
  javm_host_return(call, 1, javm_host_number(call));
  javm_host_return(call, 2, 1);
  assert_ptr_equal(javm_host_dir(call), g.dir);
  return JAVM_HOST_RETURN;
}

static void operands_are_a0_to_a5_and_results_a0_and_a1(void **state) {
  (void)state;
  use(64, digits);
  guest_invoke(&g, instance_of("load_imm a4, 5\nload_imm a5, 6\necalli 64\n" REPLY_BOTH, NO_SLOTS), 0, ARGS(1, 2, 3, 4),
               GAS);
  assert_halted(&g, RESULT(123456, 64));
}

static void by_ecall_and_by_large_numbers(void **state) {
  (void)state;
  use(0xfffffffe, digits);
  guest_invoke(&g, instance_of("load_imm_64 a4, 0xfffffffe\necall\nmove_reg a0, a1\necalli 0\n", NO_SLOTS), 0, NO_ARGS,
               GAS);
  assert_halted(&g, 0xfffffffe);
  guest_invoke(&g, instance_of("ecalli 0xfffffffe\nmove_reg a0, a1\necalli 0\n", NO_SLOTS), 0, NO_ARGS, GAS);
  assert_halted(&g, 0xfffffffe);
}

static void unregistered_is_refused(void **state) {
  (void)state;
  guest_invoke(&g, instance_of("ecalli 64\n", NO_SLOTS), 0, NO_ARGS, GAS);
  assert_refused(&g, JAVM_REFUSAL_NO_HOST_FUNCTION, 64);
  use(64, digits);
  use(66, digits);
  guest_invoke(&g, instance_of("ecalli 65\n", NO_SLOTS), 0, NO_ARGS, GAS);
  assert_refused(&g, JAVM_REFUSAL_NO_HOST_FUNCTION, 65);
  use(64, NULL); /* removed */
  guest_invoke(&g, instance_of("ecalli 64\n", NO_SLOTS), 0, NO_ARGS, GAS);
  assert_refused(&g, JAVM_REFUSAL_NO_HOST_FUNCTION, 64);
  guest_invoke(&g, instance_of("ecalli 66\nmove_reg a0, a1\necalli 0\n", NO_SLOTS), 0, NO_ARGS, GAS);
  assert_halted(&g, 66);
}

static void any_answers_all_that_have_no_own(void **state) {
  (void)state;
  use(JAVM_HOST_FUNCTION_ANY, digits);
  guest_invoke(&g, instance_of("ecalli 1234\nmove_reg a0, a1\necalli 0\n", NO_SLOTS), 0, NO_ARGS, GAS);
  assert_halted(&g, 1234);
  guest_invoke(&g, instance_of("ecalli 63\n", NO_SLOTS), 0, NO_ARGS, GAS);
  assert_refused(&g, JAVM_REFUSAL_UNKNOWN_OPERATION, 63); /* below 64 there are operations only */
}

static javm_host_action give_7(void *ctx, javm_host_call *call) {
  (void)ctx;
  javm_host_return(call, 0, 7);
  assert_int_equal(javm_host_arg(call, 0), 64); /* still the operand */
  return JAVM_HOST_RETURN;
}

static void what_a_number_reaches_is_what_was_registered_last(void **state) {
  (void)state;
  javm_cap *a = instance_of("ecalli 64\necalli 0\n", NO_SLOTS), *b = instance_of("ecalli 128\necalli 0\n", NO_SLOTS);
  for (int i = 0; i < 2; i++) {
    use(64, digits);
    guest_invoke(&g, a, 0, ARGS(1), GAS);
    assert_halted(&g, 100000);
    use(64, give_7);
    guest_invoke(&g, a, 0, ARGS(64), GAS);
    assert_halted(&g, 7);
    use(64, NULL);
    guest_invoke(&g, a, 0, ARGS(64), GAS);
    assert_refused(&g, JAVM_REFUSAL_NO_HOST_FUNCTION, 64);
    use(JAVM_HOST_FUNCTION_ANY, give_7);
    guest_invoke(&g, a, 0, ARGS(64), GAS);
    assert_halted(&g, 7);
    use(64, digits);
    guest_invoke(&g, a, 0, ARGS(1), GAS);
    assert_halted(&g, 100000);
    guest_invoke(&g, b, 0, ARGS(64), GAS); /* by the function for any, which comes and goes too */
    assert_halted(&g, 7);
    use(JAVM_HOST_FUNCTION_ANY, NULL);
    guest_invoke(&g, b, 0, ARGS(64), GAS);
    assert_refused(&g, JAVM_REFUSAL_NO_HOST_FUNCTION, 128);
  }
}

static void numbers_that_end_alike_are_told_apart(void **state) {
  (void)state;
  use(64, digits);
  use(128, digits);
  use(64 + (1u << 20), digits);
  guest_invoke(&g,
               instance_of("load_imm a5, 0\necalli 64\nmove_reg a5, a1\necalli 128\nadd_64 a5, a5, a1\necalli 64\n"
                           "add_64 a5, a5, a1\necalli 0x100040\nadd_64 a0, a5, a1\necalli 0\n",
                           NO_SLOTS),
               0, NO_ARGS, GAS);
  assert_halted(&g, 64 + 128 + 64 + 0x100040);
}

static void numbers_below_64_are_for_jam_images_only(void **state) {
  (void)state;
  assert_int_equal(javm_vm_register(g.vm, 63, "x", digits, NULL), JAVM_INVALID_ARGUMENT);
  g.config.jam_host_calls = true;
  guest_vm(&g);
  use(0, digits);
  guest_invoke(&g, instance_of("ecalli 0\n", NO_SLOTS), 0, ARGS(7), GAS); /* the set javm: reply */
  assert_halted(&g, 7);
  javm_cap *jam =
      instance_of(".isa jam-0.7\necalli 0\nmove_reg a0, a1\nload_imm_64 ra, 0xffff0000\njump_ind ra, 0\n", NO_SLOTS);
  guest_invoke(&g, jam, 0, ARGS(7), GAS);
  assert_halted(&g, 0);
  use(0, NULL);
  guest_invoke(&g, jam, 0, ARGS(7), GAS);
  assert_refused(&g, JAVM_REFUSAL_NO_HOST_FUNCTION, 0);
}

static javm_host_action misuse_of_verbs(void *ctx, javm_host_call *call) {
  (void)ctx;
  (void)call;
  javm_result result;
  javm_hash hash = {{0}};
  assert_int_equal(javm_vm_invoke(g.vm, &hash, 0, NO_ARGS, 1, &result, NULL), JAVM_INVALID_ARGUMENT);
  assert_int_equal(javm_vm_call_resume(g.vm, NULL, &result, NULL), JAVM_INVALID_ARGUMENT);
  assert_int_not_equal(javm_vm_add_gas(g.vm, 1), JAVM_OK);
  assert_int_equal(javm_vm_register(g.vm, 99, "x", digits, NULL), JAVM_INVALID_ARGUMENT);
  assert_int_equal(javm_vm_depth(g.vm), 1);
  return JAVM_HOST_RETURN;
}

static void verbs_are_refused_while_the_vm_runs(void **state) {
  (void)state;
  use(64, misuse_of_verbs);
  guest_invoke(&g, instance_of("ecalli 64\necalli 0\n", NO_SLOTS), 0, ARGS(5), GAS);
  assert_halted(&g, 5);
}

typedef struct seen {
  guest other; /* a world of its own, with a guest that the function calls now and then */
  javm_cap *instance;
  uint64_t calls, digest;
} seen;

/* Returns in all the ways that let the guest go on: with results or none, a charge or none, after another VM ran, or
 * after a write. */
static javm_host_action mix(void *ctx, javm_host_call *call) {
  seen *s = ctx;
  uint64_t sum = javm_host_gas(call);
  for (unsigned i = 0; i < 6; i++) sum = sum * 31 + javm_host_arg(call, i);
  s->digest = s->digest * 31 + sum;
  s->calls++;
  if (s->calls % 7 == 0) assert_int_equal(javm_host_charge(call, 3), JAVM_OK);
  if (s->calls % 11 == 0) javm_host_write(call, 0x10000 + (uint32_t)(s->calls % 1000) * 8, &sum, sizeof sum);
  if (s->calls % 1000 == 13) guest_invoke(&s->other, s->instance, 0, ARGS(s->calls), GAS);
  if (s->calls % 5 != 0) javm_host_return(call, 0, sum);
  if (s->calls % 3 != 0) javm_host_return(call, 1, sum >> 7);
  return JAVM_HOST_RETURN;
}

#define ALL_REGISTERS                                                                                                  \
  "load_imm_64 ra, 0x1111111111111111\nload_imm_64 sp, 0x2222222222222222\nload_imm_64 t0, 0x3333333333333333\n"       \
  "load_imm_64 t1, 0x4444444444444444\nload_imm_64 t2, 0x5555555555555555\nload_imm_64 s0, 0x6666666666666666\n"       \
  "load_imm_64 a4, 0x7777777777777777\nload_imm_64 a5, 0x8888888888888888\nfallthrough\n"

static void the_way_back_keeps_all_but_the_results(void **state) {
  (void)state;
  javm_cap *instance =
      instance_of(MEMORY ALL_REGISTERS "loop:\necalli 64\nadd_64 ra, ra, a0\nxor sp, sp, ra\nadd_64 t0, t0, sp\n"
                                       "xor t1, t1, t0\nadd_64 t2, t2, t1\nxor s0, s0, t2\nadd_64 a2, a2, s0\n"
                                       "xor a3, a3, a2\nadd_64 a4, a4, a3\nxor a5, a5, a4\nxor a0, a5, a1\n"
                                       "add_imm_64 s1, s1, -1\nbranch_ne_imm s1, 0, loop\necalli 0\n",
                  NO_SLOTS);
  javm_instance_spec spec = guest_view(&g, instance);
  uint64_t answers[2], gas[2], digests[2];
  spec.regs[6] = 6000; /* the loop begins without a window and goes on with one */
  instance = guest_make(&g, &spec);
  for (unsigned k = 0; k < 2; k++) {
    seen s = {.calls = 0};
    guest_open(&s.other);
    s.instance = guest_instance(&s.other, guest_image(&s.other, "add_imm_64 a0, a0, 1\necalli 0\n"), NO_SLOTS);
    if (k == 1) {
      g.config.engine = JAVM_ENGINE_INTERPRETER;
      guest_vm(&g);
    }
    assert_int_equal(javm_vm_register(g.vm, 64, "mix", mix, &s), JAVM_OK);
    guest_invoke(&g, instance, 0, ARGS(1, 2, 3, 4), GAS);
    assert_int_equal(g.result.kind, JAVM_RESULT_HALT);
    assert_int_equal(s.calls, 6000);
    answers[k] = g.result.return_value, gas[k] = g.result.gas_used, digests[k] = s.digest;
    guest_close(&s.other);
  }
  assert_int_equal(answers[0], answers[1]);
  assert_int_equal(gas[0], gas[1]);
  assert_int_equal(digests[0], digests[1]);
}

/* ---- memory ---- */

static javm_host_action decision;

/* Reads 8 bytes at a0, writes them plus one at a1. */
static javm_host_action increment(void *ctx, javm_host_call *call) {
  (void)ctx;
  uint64_t value;
  if (javm_host_read(call, (uint32_t)javm_host_arg(call, 0), &value, sizeof value) != JAVM_OK) return JAVM_HOST_REFUSE;
  value++;
  if (javm_host_write(call, (uint32_t)javm_host_arg(call, 1), &value, sizeof value) != JAVM_OK) return JAVM_HOST_REFUSE;
  javm_host_return(call, 0, value);
  return decision;
}

#define INCREMENT MEMORY "load_imm t0, 41\nstore_u64 t0, [0x10ffc]\necalli 64\nload_ind_u64 a1, [a1]\n" REPLY_BOTH

static void reads_and_writes_memory_with_the_guests_permissions(void **state) {
  (void)state;
  use(64, increment);
  decision = JAVM_HOST_RETURN;
  guest_invoke(&g, instance_of(INCREMENT, NO_SLOTS), 0, ARGS(0x10ffc, 0x10100), GAS);
  assert_halted(&g, RESULT(42, 42));
  guest_invoke(&g, instance_of(INCREMENT, NO_SLOTS), 0, ARGS(0x20000, 0x10100), GAS); /* read-only is readable */
  assert_int_equal(g.result.kind, JAVM_RESULT_HALT);
  const uint64_t bad[][2] = {
      {0x30000, 0x10000}, {0xffc, 0x10000}, {0x10000, 0x20000}, {0x10000, 0x11ffc}, {0xfffffffc, 0x10000}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    guest_invoke(&g, instance_of(INCREMENT, NO_SLOTS), 0, ARGS(bad[i][0], bad[i][1]), GAS);
    assert_refused(&g, JAVM_REFUSAL_HOST, 64);
    assert_int_equal(g.result.dirty_page_count, 2); /* those of the guest's own store */
  }
}

static void refusal_leaves_nothing_of_what_was_written(void **state) {
  (void)state;
  use(64, increment);
  decision = JAVM_HOST_REFUSE;
  guest_invoke(&g, instance_of(INCREMENT, NO_SLOTS), 0, ARGS(0x10ffc, 0x11100), GAS);
  assert_refused(&g, JAVM_REFUSAL_HOST, 64);
}

static javm_host_action write_many(void *ctx, javm_host_call *call) {
  (void)ctx;
  uint8_t byte = 1;
  for (uint32_t i = 0; i < 3; i++, byte++) assert_int_equal(javm_host_write(call, 0x10000 + i, &byte, 1), JAVM_OK);
  byte = 9;
  assert_int_equal(javm_host_write(call, 0x10001, &byte, 1), JAVM_OK); /* later writes win */
  assert_int_equal(javm_host_write(call, 0x10001, NULL, 0), JAVM_OK);
  uint8_t now;
  assert_int_equal(javm_host_read(call, 0x10001, &now, 1), JAVM_OK);
  assert_int_equal(now, 0); /* done at the return */
  return JAVM_HOST_RETURN;
}

static void writes_are_done_in_order_at_the_return(void **state) {
  (void)state;
  use(64, write_many);
  guest_invoke(&g, instance_of(MEMORY "ecalli 64\nload_u64 a0, [0x10000]\necalli 0\n", NO_SLOTS), 0, NO_ARGS, GAS);
  assert_halted(&g, 0x030901);
  assert_int_equal(g.result.dirty_page_count, 1);
}

/* ---- slots ---- */

/* Moves the cap at a0 to a1; decision. */
static javm_host_action move_slot(void *ctx, javm_host_call *call) {
  (void)ctx;
  javm_cap *cap;
  if (javm_host_slot_get(call, javm_host_arg(call, 0), &cap) != JAVM_OK) return JAVM_HOST_REFUSE;
  javm_status a = javm_host_slot_set(call, javm_host_arg(call, 0), NULL);
  javm_status b = javm_host_slot_set(call, javm_host_arg(call, 1), cap);
  javm_cap_release(javm_host_dir(call), cap);
  return a == JAVM_OK && b == JAVM_OK ? decision : JAVM_HOST_REFUSE;
}

static void reads_and_writes_slots_by_operand(void **state) {
  (void)state;
  use(64, move_slot);
  decision = JAVM_HOST_RETURN;
  javm_cap *x = guest_data(&g, "x");
  javm_cap *c = guest_cnode_of(&g, 1, SLOTS({1, x}));
  guest_invoke(&g, instance_of("ecalli 64\necalli 0\n", SLOTS({3, c})), 0, ARGS(PATH1(3, 1), 5), GAS);
  assert_int_equal(g.result.kind, JAVM_RESULT_HALT);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 5), x);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 3), guest_cnode_of(&g, 1, NULL));
  guest_invoke(&g, instance_of("ecalli 64\necalli 0\n", NO_SLOTS), 0, ARGS(3, 5),
               GAS); /* an empty slot reads as NULL */
  assert_halted(&g, 3);
}

/* Puts the cap at a0 in slots 5 and 6, reads it back, and takes it from slot 5 again; decision. */
static javm_host_action set_and_read_back(void *ctx, javm_host_call *call) {
  (void)ctx;
  javm_cap *cap, *again = NULL;
  assert_int_equal(javm_host_slot_get(call, javm_host_arg(call, 0), &cap), JAVM_OK);
  assert_int_equal(javm_host_slot_set(call, UINT64_MAX, cap), JAVM_OUT_OF_RANGE);
  assert_int_equal(javm_host_slot_set(call, 5, cap), JAVM_OK);
  assert_int_equal(javm_host_slot_set(call, 6, cap), JAVM_OK);
  assert_int_equal(javm_host_slot_get(call, 5, &again), JAVM_OK);
  assert_same_cap(&g, again, cap);
  javm_cap_release(javm_host_dir(call), again);
  assert_int_equal(javm_host_slot_set(call, 5, NULL), JAVM_OK);
  assert_int_equal(javm_host_slot_get(call, 5, &again), JAVM_OK);
  assert_null(again);
  javm_cap_release(javm_host_dir(call), cap);
  javm_host_return(call, 0, 1);
  return decision;
}

static void slots_that_were_set_are_read_in_the_call_and_kept_unless_it_refuses(void **state) {
  (void)state;
  use(64, set_and_read_back);
  javm_cap *x = guest_data(&g, "x");
  javm_cap *a = instance_of("ecalli 64\necalli 0\n", SLOTS({3, x}));
  decision = JAVM_HOST_RETURN;
  guest_invoke(&g, a, 0, ARGS(3), GAS);
  assert_halted(&g, 1);
  assert_null(guest_slot(&g, guest_post(&g), 5));
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 6), x);
  decision = JAVM_HOST_PAUSE;
  guest_invoke(&g, a, 0, ARGS(3), GAS);
  assert_paused(&g, JAVM_PAUSE_HOST_CALL);
  guest_complete(&g, NULL, 0);
  assert_halted(&g, 1);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 6), x);
  decision = JAVM_HOST_HALT;
  guest_invoke(&g, a, 0, ARGS(3), GAS);
  assert_halted(&g, 1);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 6), x);
  decision = JAVM_HOST_REFUSE;
  javm_cap *caller = instance_of("ecalli 26\n" REPLY_BOTH, SLOTS({3, a}));
  guest_invoke(&g, caller, 0, ARGS(3, 0, 3), GAS);
  assert_halted(&g, RESULT(1, 2));
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 3), a);
}

static void slots_that_the_guest_cannot_change_the_host_cannot_either(void **state) {
  (void)state;
  use(64, move_slot);
  decision = JAVM_HOST_RETURN;
  javm_cap *x = guest_data(&g, "x");
  const uint64_t bad[][2] = {{0, 9}, {9, 0}, {0, PATH1(0, 1)}, {PATH1(0, 1), 3}, {UINT64_MAX, 3}, {0, UINT64_MAX}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    guest_invoke(&g, instance_of(MEMORY "ecalli 64\necalli 0\n", SLOTS({0, x})), 0, ARGS(bad[i][0], bad[i][1]), GAS);
    assert_refused(&g, JAVM_REFUSAL_HOST, 64);
    assert_same_cap(&g, g.result.slot0, x);
  }
  decision = JAVM_HOST_REFUSE;
  guest_invoke(&g, instance_of("ecalli 64\necalli 0\n", SLOTS({0, x})), 0, ARGS(0, 3), GAS);
  assert_refused(&g, JAVM_REFUSAL_HOST, 64);
  assert_same_cap(&g, g.result.slot0, x);
}

static void missing_value_is_an_error_whatever_the_function_decides(void **state) {
  (void)state;
  use(64, move_slot);
  decision = JAVM_HOST_RETURN;
  javm_cap *c = guest_cnode_of(&g, 1, SLOTS({1, guest_data(&g, "x")}));
  javm_hash missing = guest_hash(&g, c);
  javm_cap *a = instance_of("ecalli 64\necalli 0\n", SLOTS({3, guest_by_hash(&g, &missing)}));
  assert_int_equal(guest_try(&g, a, 0, ARGS(PATH1(3, 1), 5), GAS), JAVM_VALUE_NOT_FOUND);
  assert_same_hash(g.error.hash, missing);
  guest_put(&g, c);
  guest_invoke(&g, a, 0, ARGS(PATH1(3, 1), 5), GAS);
  assert_same_cap(&g, guest_slot(&g, guest_post(&g), 5), guest_data(&g, "x"));
}

/* ---- gas, halting, refusing ---- */

static javm_host_action charge(void *ctx, javm_host_call *call) {
  (void)ctx;
  uint64_t gas = javm_host_gas(call);
  assert_int_equal(javm_host_charge(call, 30), JAVM_OK);
  assert_int_equal(javm_host_charge(call, 5), JAVM_OK);
  assert_int_equal(javm_host_gas(call), gas - 35);
  assert_int_equal(javm_host_charge(call, gas - 34), JAVM_OUT_OF_RANGE);
  assert_int_equal(javm_host_gas(call), gas - 35);
  return JAVM_HOST_RETURN;
}

static void charges_gas(void **state) {
  (void)state;
  use(64, charge);
  guest_invoke(&g, instance_of("ecalli 64\necalli 36\necalli 0\n", NO_SLOTS), 0, NO_ARGS, 1000);
  assert_halted(&g, 1000 - 37);
  assert_int_equal(g.result.gas_used, 38);
}

static javm_host_action halt(void *ctx, javm_host_call *call) {
  (void)ctx;
  javm_host_return(call, 0, 77);
  return JAVM_HOST_HALT;
}

static void halts_the_caller_as_by_reply(void **state) {
  (void)state;
  use(64, halt);
  guest_invoke(&g, instance_of("ecalli 64\ntrap\n", NO_SLOTS), 0, NO_ARGS, GAS);
  assert_halted(&g, 77);
  assert_int_equal(g.result.pc, 2);
}

static javm_host_action out_of_range_action(void *ctx, javm_host_call *call) {
  (void)ctx;
  (void)call;
  return (javm_host_action)17;
}

static void unknown_action_is_a_refusal(void **state) {
  (void)state;
  use(64, out_of_range_action);
  guest_invoke(&g, instance_of("ecalli 64\ntrap\n", NO_SLOTS), 0, NO_ARGS, GAS);
  assert_refused(&g, JAVM_REFUSAL_HOST, 64);
}

/* ---- pausing ---- */

static javm_host_action not_yet(void *ctx, javm_host_call *call) {
  (void)ctx;
  (void)call;
  return JAVM_HOST_PAUSE;
}

static void pauses_until_the_host_has_the_answer(void **state) {
  (void)state;
  use(64, not_yet);
  javm_cap *x = guest_data(&g, "x");
  javm_cap *a = instance_of("ecalli 64\n" REPLY_BOTH, SLOTS({0, x}));
  guest_invoke(&g, a, 0, ARGS(5, 6), GAS);
  assert_paused(&g, JAVM_PAUSE_HOST_CALL);
  assert_int_equal(g.result.host_function, 64);
  assert_same_cap(&g, g.result.payload, x);
  assert_int_equal(g.result.gas_used, 1);
  assert_depth(&g, 2);
  guest_complete(&g, (uint64_t[]){10, 20}, 2);
  assert_halted(&g, RESULT(10, 20));
  assert_same_cap(&g, g.result.slot0, x);
  guest_invoke(&g, a, 0, ARGS(5, 6), GAS);
  guest_complete(&g, (uint64_t[]){10}, 1);
  assert_halted(&g, RESULT(10, 6));
  guest_invoke(&g, a, 0, ARGS(5, 6), GAS);
  guest_complete(&g, NULL, 0);
  assert_halted(&g, RESULT(5, 6));
}

static void paused_host_call_has_no_payload_for_an_empty_slot_0(void **state) {
  (void)state;
  use(64, not_yet);
  guest_invoke(&g, instance_of("ecalli 64\necalli 0\n", NO_SLOTS), 0, NO_ARGS, GAS);
  assert_paused(&g, JAVM_PAUSE_HOST_CALL);
  assert_null(g.result.payload);
}

static void paused_host_call_goes_on_by_complete_or_drop_only(void **state) {
  (void)state;
  use(64, not_yet);
  guest_invoke(&g, instance_of("ecalli 64\n" REPLY_BOTH, NO_SLOTS), 0, ARGS(1, 2), GAS);
  assert_int_equal(javm_vm_call_resume(g.vm, NULL, guest_fresh(&g), &g.error), JAVM_NOT_PAUSED);
  assert_int_equal(javm_vm_deliver_yield(g.vm, guest_fresh(&g), &g.error), JAVM_NOT_PAUSED);
  assert_int_equal(javm_vm_complete_host_call(g.vm, (uint64_t[]){1, 2, 3}, 3, guest_fresh(&g), &g.error),
                   JAVM_INVALID_ARGUMENT);
  assert_depth(&g, 2);
  guest_complete(&g, NULL, 0);
  assert_halted(&g, RESULT(1, 2));
}

static void complete_host_call_needs_a_paused_host_call(void **state) {
  (void)state;
  g.config.host_catches_out_of_gas = true;
  guest_vm(&g);
  guest_invoke(&g, instance_of("ecalli 0\n", NO_SLOTS), 0, NO_ARGS, 0);
  assert_paused(&g, JAVM_PAUSE_OUT_OF_GAS);
  assert_int_equal(javm_vm_complete_host_call(g.vm, NULL, 0, guest_fresh(&g), &g.error), JAVM_NOT_PAUSED);
  assert_depth(&g, 2);
}

static void dropped_host_call_traps_its_caller(void **state) {
  (void)state;
  use(64, not_yet);
  guest_invoke(&g, instance_of("ecalli 64\necalli 0\n", NO_SLOTS), 0, NO_ARGS, GAS);
  guest_drop(&g);
  assert_refused(&g, JAVM_REFUSAL_HOST, 64);
  javm_cap *child = instance_of("ecalli 64\necalli 0\n", NO_SLOTS);
  guest_invoke(&g, instance_of("ecalli 26\n" REPLY_BOTH, SLOTS({3, child})), 0, ARGS(3), GAS);
  assert_paused(&g, JAVM_PAUSE_HOST_CALL);
  guest_drop(&g);
  assert_halted(&g, RESULT(1, 2));
  assert_depth(&g, 0);
}

static void invoke_on_top_of_a_paused_host_call(void **state) {
  (void)state;
  use(64, not_yet);
  javm_cap *a = instance_of("ecalli 64\n" REPLY_BOTH, NO_SLOTS);
  guest_invoke(&g, a, 0, ARGS(1, 0), GAS);
  guest_invoke(&g, instance_of("ecalli 63\n", NO_SLOTS), 0, NO_ARGS, GAS);
  assert_refused(&g, JAVM_REFUSAL_UNKNOWN_OPERATION, 63);
  guest_invoke(&g, a, 0, ARGS(2, 0), GAS);
  assert_depth(&g, 4);
  guest_complete(&g, NULL, 0);
  assert_halted(&g, 2);
  guest_drop(&g);
  assert_refused(&g, JAVM_REFUSAL_HOST, 64);
  assert_depth(&g, 0);
}

static void pause_in_the_middle_of_a_block_of_a_jam_image_is_not_paid_twice(void **state) {
  (void)state;
  for (int model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_INSTRUCTION; model++) {
    g.config.gas_model = (javm_gas_model)model;
    guest_vm(&g);
    javm_cap *a =
        instance_of(".isa jam-0.7\nload_imm a2, 5\necalli 64\nadd_imm_64 a0, a0, 1\nload_imm_64 ra, 0xffff0000\n"
                    "jump_ind ra, 0\n",
                    NO_SLOTS);
    use(64, digits);
    guest_invoke(&g, a, 0, NO_ARGS, GAS);
    uint64_t whole = g.result.gas_used;
    use(64, not_yet);
    guest_invoke(&g, a, 0, NO_ARGS, GAS);
    uint64_t parts = g.result.gas_used;
    guest_complete(&g, (uint64_t[]){41}, 1);
    assert_halted(&g, 42);
    assert_int_equal(parts + g.result.gas_used, whole);
  }
}

/* ---- traces ---- */

typedef struct event_log {
  int count;
  javm_trace_event events[16];
  uint64_t first_regs[16];
} event_log;

static void log_event(void *ctx, const javm_trace_event *event) {
  event_log *log = ctx;
  if (log->count < 16) {
    log->events[log->count] = *event;
    log->first_regs[log->count] = event->regs ? event->regs[7] : 0;
  }
  log->count++;
}

static void trace_reports_the_bottom_entrys_ecalls(void **state) {
  (void)state;
  event_log log = {0};
  g.config.trace = log_event;
  g.config.trace_ctx = &log;
  guest_vm(&g);
  use(64, increment);
  decision = JAVM_HOST_RETURN;
  guest_invoke(&g, instance_of(MEMORY "ecalli 64\necalli 0\n", NO_SLOTS), 0, ARGS(0x10000, 0x10008), 100);
  assert_halted(&g, 1);
  const javm_trace_kind kinds[] = {JAVM_TRACE_ECALL,  JAVM_TRACE_READ,  JAVM_TRACE_WRITE,
                                   JAVM_TRACE_RESUME, JAVM_TRACE_ECALL, JAVM_TRACE_END};
  assert_int_equal(log.count, 6);
  for (int i = 0; i < 6; i++) assert_int_equal(log.events[i].kind, kinds[i]);
  assert_int_equal(log.events[0].number, 64);
  assert_int_equal(log.events[0].pc, 0);
  assert_int_equal(log.events[0].gas, 99);
  assert_int_equal(log.first_regs[0], 0x10000);
  assert_int_equal(log.events[1].address, 0x10000);
  assert_int_equal(log.events[2].address, 0x10008);
  assert_int_equal(log.events[2].size_bytes, 8);
  assert_int_equal(log.first_regs[3], 1);
  assert_int_equal(log.events[3].pc, 2);
  assert_int_equal(log.events[5].exit.kind, JAVM_EXIT_HALT);
  assert_int_equal(log.events[5].gas, 98);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(operands_are_a0_to_a5_and_results_a0_and_a1),
      T(by_ecall_and_by_large_numbers),
      T(unregistered_is_refused),
      T(any_answers_all_that_have_no_own),
      T(what_a_number_reaches_is_what_was_registered_last),
      T(numbers_that_end_alike_are_told_apart),
      T(numbers_below_64_are_for_jam_images_only),
      T(verbs_are_refused_while_the_vm_runs),
      T(the_way_back_keeps_all_but_the_results),
      T(reads_and_writes_memory_with_the_guests_permissions),
      T(refusal_leaves_nothing_of_what_was_written),
      T(writes_are_done_in_order_at_the_return),
      T(reads_and_writes_slots_by_operand),
      T(slots_that_were_set_are_read_in_the_call_and_kept_unless_it_refuses),
      T(slots_that_the_guest_cannot_change_the_host_cannot_either),
      T(missing_value_is_an_error_whatever_the_function_decides),
      T(charges_gas),
      T(halts_the_caller_as_by_reply),
      T(unknown_action_is_a_refusal),
      T(pauses_until_the_host_has_the_answer),
      T(paused_host_call_has_no_payload_for_an_empty_slot_0),
      T(paused_host_call_goes_on_by_complete_or_drop_only),
      T(complete_host_call_needs_a_paused_host_call),
      T(dropped_host_call_traps_its_caller),
      T(invoke_on_top_of_a_paused_host_call),
      T(pause_in_the_middle_of_a_block_of_a_jam_image_is_not_paid_twice),
      T(trace_reports_the_bottom_entrys_ecalls),
  };
  return cmocka_run_group_tests_name("host functions", tests, NULL, NULL);
}
