/*
 * Guests in Rust: the example guest/examples/queue.rs, and tests/guest/rust_checks.rs, which checks the crate javm, its
 * allocator, and what the compiler and its library do on this target. The environment's JAVM_GUEST_BUILD (build/guest)
 * says where the Images are.
 */
#include "support/guest.h"

#include <stdio.h>
#include <stdlib.h>

enum { ENOUGH_GAS = 2000000000 };

/* Endpoints of rust_checks.rs. */
enum {
  ARENA_STEPS = 0,
  ARENA_EMPTY = 1,
  ARENA_OTHERS = 2,
  SINGLE = 3,
  WIDE = 4,
  TEXT = 5,
  SHAPES = 6,
  ATOMICS = 7,
  OUT_OF_BOUNDS = 8,
  STACK = 9,
  SBRK = 10,
  REPLY_EARLY = 11,
  GAS_LEFT = 12,
  DOUBLE = 13,
  SLOTS_ = 20,
  BAKED_IN = 21,
  CHILD = 22,
  MINT = 23,
  YIELDER = 24,
  CATCHER = 25,
  LATER = 26,
  HOSTS = 27,
  ARGUMENTS = 28,
  SAME_IMAGE = 29,
  KERNEL = 30,
  FILES_AND_TYPES = 31
};
/* Endpoints of queue.rs. */
enum { PUSH, POP, SUM, SHOW };

static guest g;
static char printed[4096];
static size_t printed_bytes;

static javm_host_action write_function(void *ctx, javm_host_call *call) {
  (void)ctx;
  uint64_t descriptor = javm_host_arg(call, 0), size = javm_host_arg(call, 2);
  if (descriptor != 1 && descriptor != 2) {
    javm_host_return(call, 0, UINT64_MAX);
    return JAVM_HOST_RETURN;
  }
  /* At most seven bytes at a time, so that the guest has to go on. */
  if (size > 7) size = 7;
  if (size >= sizeof printed - printed_bytes ||
      javm_host_read(call, (uint32_t)javm_host_arg(call, 1), printed + printed_bytes, size) != JAVM_OK)
    return JAVM_HOST_REFUSE;
  printed_bytes += size;
  printed[printed_bytes] = 0;
  javm_host_return(call, 0, size);
  return JAVM_HOST_RETURN;
}

/* Function 100 + n: see `hosts` in rust_checks.rs. */
static javm_host_action sum_function(void *ctx, javm_host_call *call) {
  (void)ctx;
  uint64_t count = javm_host_number(call) - 100, sum = 0;
  for (unsigned i = 0; i < count; i++) sum += (i + 1) * javm_host_arg(call, i);
  javm_host_return(call, 0, sum);
  javm_host_return(call, 1, count);
  return JAVM_HOST_RETURN;
}

static void register_functions(void) {
  assert_int_equal(javm_vm_register(g.vm, 64, "write", write_function, NULL), JAVM_OK);
  for (uint32_t n = 0; n <= 6; n++)
    assert_int_equal(javm_vm_register(g.vm, 100 + n, "sum", sum_function, NULL), JAVM_OK);
}

static int setup(void **state) {
  (void)state;
  guest_open(&g);
  register_functions();
  printed[printed_bytes = 0] = 0;
  return 0;
}

static int teardown(void **state) {
  (void)state;
  guest_close(&g);
  return 0;
}

/* ---- helpers ---- */

static javm_cap *image(const char *name) {
  const char *build = getenv("JAVM_GUEST_BUILD");
  char path[512];
  snprintf(path, sizeof path, "%s/%s.img", build ? build : "build/guest", name);
  FILE *file = fopen(path, "rb");
  if (!file) fail_msg("cannot open %s", path);
  static uint8_t bytes[1 << 21];
  size_t size = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  assert_true(size < sizeof bytes);
  javm_cap *cap = NULL;
  javm_status status = javm_bundle_decode(g.dir, bytes, size, &cap, &g.error);
  if (status != JAVM_OK) fail_msg("%s: %s: %s", path, javm_status_text(status), g.error.text);
  guest_own(&g, cap);
  assert_int_equal(javm_cap_kind(cap), JAVM_KIND_IMAGE);
  return cap;
}

static javm_cap *queue(void) { return guest_instance(&g, image("examples/queue"), NO_SLOTS); }
static javm_cap *checks(const javm_slot_cap *slots) { return guest_instance(&g, image("tests/rust_checks"), slots); }

/* Calls and expects an answer; what a panic printed is shown. */
static uint64_t ask(javm_cap *on, uint8_t endpoint, const uint64_t args[4]) {
  guest_invoke(&g, on, endpoint, args, ENOUGH_GAS);
  if (g.result.kind != JAVM_RESULT_HALT && printed_bytes) print_error("%s", printed);
  assert_int_equal(g.result.kind, JAVM_RESULT_HALT);
  return g.result.return_value;
}

/* Calls, expects that answer, and gives the new Instance. */
static javm_cap *call(javm_cap *on, uint8_t endpoint, const uint64_t args[4], uint64_t answer) {
  assert_int_equal(ask(on, endpoint, args), answer);
  return guest_post(&g);
}

static uint64_t random_word(void) {
  static uint64_t state = 88172645463325252;
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

/* ---- the example ---- */

/* The same queue in C. */
static struct { uint64_t priority, task; } tasks[500];
static size_t task_count;

static void model_push(uint64_t priority, uint64_t task) {
  tasks[task_count].priority = priority;
  tasks[task_count++].task = task;
}

static uint64_t model_pop(void) {
  size_t best = 0;
  for (size_t i = 1; i < task_count; i++)
    if (tasks[i].priority > tasks[best].priority) best = i;
  uint64_t task = tasks[best].task;
  memmove(tasks + best, tasks + best + 1, (--task_count - best) * sizeof *tasks);
  return task;
}

static void queue_is_as_its_model(void **state) {
  (void)state;
  javm_cap *q = queue();
  task_count = 0;
  for (int i = 0; i < 600; i++) {
    if (random_word() % 5 < 3 - (i > 300)) {
      uint64_t priority = random_word() % 40, task = random_word();
      model_push(priority, task);
      q = call(q, PUSH, ARGS(priority, task), task_count);
    } else if (task_count) {
      q = call(q, POP, NO_ARGS, model_pop());
    }
    if (i % 20) continue;
    uint64_t sum = 0;
    for (size_t k = 0; k < task_count; k++) sum += tasks[k].task;
    assert_int_equal(ask(q, SUM, NO_ARGS), sum);
  }
  while (task_count) q = call(q, POP, NO_ARGS, model_pop());
  guest_invoke(&g, q, POP, NO_ARGS, ENOUGH_GAS);
  assert_faulted(&g, JAVM_EXIT_TRAP);
}

static void queue_says_why_it_faults(void **state) {
  (void)state;
  guest_invoke(&g, queue(), POP, NO_ARGS, ENOUGH_GAS);
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_non_null(strstr(printed, "panicked at"));
  assert_non_null(strstr(printed, "queue.rs:"));
  assert_non_null(strstr(printed, "the queue is empty\n"));
}

static void queue_prints(void **state) {
  (void)state;
  javm_cap *q = call(queue(), PUSH, ARGS(1, 10), 1);
  q = call(q, PUSH, ARGS(18446744073709551615u, 20), 2);
  q = call(q, PUSH, ARGS(1, 30), 3);
  assert_int_equal(ask(q, SHOW, NO_ARGS), 2);
  assert_string_equal(printed, "18446744073709551615: [20]\n1: [10, 30]\n");
}

/* Each state is a value: it can be gone on from more than once, and a state and a call give the same next state. */
static void queue_forks(void **state) {
  (void)state;
  javm_cap *one = call(queue(), PUSH, ARGS(1, 10), 1);
  javm_hash a = guest_hash(&g, call(one, PUSH, ARGS(2, 20), 2));
  javm_hash b = guest_hash(&g, call(one, PUSH, ARGS(2, 21), 2));
  javm_hash again = guest_hash(&g, call(one, PUSH, ARGS(2, 20), 2));
  assert_same_hash(a, again);
  assert_other_hash(a, b);
  assert_int_equal(ask(one, POP, NO_ARGS), 10);
}

/* ---- the allocator ---- */

/* What the arena of 16 MiB has for one block: all but two headers and what aligns them. */
enum { ARENA_LARGEST = (16 << 20) - 24 };

static void arena_keeps_blocks_apart(void **state) {
  (void)state;
  javm_cap *c = checks(NO_SLOTS);
  for (uint64_t round = 0; round < 6; round++) {
    for (int i = 0; i < 4; i++) {
      uint64_t most = round % 2 ? 20 : 150;
      assert_in_range(ask(c, ARENA_STEPS, ARGS(random_word(), 400, most)), 1, most);
      c = guest_post(&g);
    }
    c = call(c, ARENA_EMPTY, ARGS(ARENA_LARGEST), 1);
  }
}

static void arena_is_as_large_as_it_says(void **state) {
  (void)state;
  guest_invoke(&g, checks(NO_SLOTS), ARENA_EMPTY, ARGS(ARENA_LARGEST + 1), ENOUGH_GAS);
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_non_null(strstr(printed, "the arena is in pieces"));
}

static void arena_is_shared_with_others(void **state) {
  (void)state;
  javm_cap *c = checks(NO_SLOTS);
  for (uint64_t i = 1; i <= 40; i++) {
    c = call(c, ARENA_OTHERS, ARGS(i % 4 ? i * 160 : i * 500 + 3), i);
    ask(c, ARENA_STEPS, ARGS(random_word(), 60, 60));
    c = guest_post(&g);
  }
}

/* ---- what the compiler makes ---- */

static uint64_t double_bits(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static uint64_t single_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

/* Numbers of all sizes; none is a NaN, whose bits are not fixed. */
static double some_double(void) { return (double)(int64_t)random_word() / (double)(1 + random_word() % 1000000); }

static void floats_are_as_the_hosts(void **state) {
  (void)state;
  javm_cap *c = checks(NO_SLOTS);
  for (int i = 0; i < 60; i++) {
    double x = some_double(), y = i % 7 ? some_double() : x;
    float u = (float)x, v = (float)(y / 1e20);
    uint64_t a = double_bits(x), b = double_bits(y);
    assert_int_equal(ask(c, DOUBLE, ARGS(0, a, b)), double_bits(x + y));
    assert_int_equal(ask(c, DOUBLE, ARGS(1, a, b)), double_bits(x - y));
    assert_int_equal(ask(c, DOUBLE, ARGS(2, a, b)), double_bits(x * y));
    assert_int_equal(ask(c, DOUBLE, ARGS(3, a, b)), double_bits(x / y));
    assert_int_equal(ask(c, DOUBLE, ARGS(4, a, b)), double_bits((float)x));
    assert_int_equal(ask(c, DOUBLE, ARGS(5, a, b)), (uint64_t)(int64_t)x);
    assert_int_equal(ask(c, DOUBLE, ARGS(6, a, b)), double_bits((double)(int64_t)a));
    assert_int_equal(ask(c, DOUBLE, ARGS(7, a, b)), double_bits((double)a));
    assert_int_equal(ask(c, DOUBLE, ARGS(8, a, b)), (x < y) | (x == y) << 1 | (x > y) << 2);
    a = single_bits(u), b = single_bits(v);
    assert_int_equal(ask(c, SINGLE, ARGS(0, a, b)), single_bits(u + v));
    assert_int_equal(ask(c, SINGLE, ARGS(1, a, b)), single_bits(u - v));
    assert_int_equal(ask(c, SINGLE, ARGS(2, a, b)), single_bits(u * v));
    assert_int_equal(ask(c, SINGLE, ARGS(3, a, b)), single_bits(u / v));
  }
}

__extension__ typedef unsigned __int128 wide;
__extension__ typedef __int128 signed_wide;

static unsigned bits_of(wide x) {
  return (unsigned)(__builtin_popcountll((uint64_t)x) + __builtin_popcountll((uint64_t)(x >> 64)));
}

static unsigned zeros_below(wide x) {
  return (unsigned)((uint64_t)x ? __builtin_ctzll((uint64_t)x) : 64 + __builtin_ctzll((uint64_t)(x >> 64)));
}

static unsigned zeros_above(wide x) {
  return (unsigned)(x >> 64 ? __builtin_clzll((uint64_t)(x >> 64)) : 64 + __builtin_clzll((uint64_t)x));
}

static void wide_integers_are_as_the_hosts(void **state) {
  (void)state;
  javm_cap *guest_ = checks(NO_SLOTS);
  for (int i = 0; i < 60; i++) {
    uint64_t a = random_word() >> random_word() % 64, b = random_word(), c = (random_word() >> random_word() % 62) | 2;
    wide x = (wide)a << 64 | b, y = (wide)c | (wide)c << 32;
    const wide results[] = {x * y,
                            x / y,
                            x % y,
                            (wide)((signed_wide)x / -((signed_wide)y >> 1)),
                            x << c % 128 | x >> c % 61,
                            zeros_above(x) + bits_of(x) * 1000 + zeros_below(x) * 1000000};
    for (uint64_t k = 0; k < 12; k++)
      assert_int_equal(ask(guest_, WIDE, ARGS(k, a, b, c)), (uint64_t)(results[k / 2] >> (k % 2 ? 64 : 0)));
  }
}

static void text_is_formatted(void **state) {
  (void)state;
  assert_int_equal(ask(checks(NO_SLOTS), TEXT, ARGS(12345)), 8 + 9 + 10);
  assert_string_equal(printed, "12345 0x3039 +1543.125 [\"   12345\", \"    12346\", \"     12347\"] \xc3\x9f\n\n");
}

static uint64_t rotate_left(uint64_t x, unsigned n) { return x << n | x >> (64 - n); }

static void tables_of_code_work(void **state) {
  (void)state;
  javm_cap *c = checks(NO_SLOTS);
  for (uint64_t kind = 0; kind < 10; kind++) {
    uint64_t a = random_word(), b = random_word();
    uint64_t area = kind % 2 ? a * b : a * a, name = kind % 2 ? 5 : 6;
    uint64_t x = kind % 3 == 0 ? area + name : kind % 3 == 1 ? area - name : area * name;
    const uint64_t expected[] = {x,
                                 x / 3,
                                 rotate_left(x, 7),
                                 __builtin_bswap64(x),
                                 (uint64_t)__builtin_popcountll(x),
                                 (uint64_t)(x ? __builtin_clzll(x) : 64),
                                 x ^ b,
                                 x * x,
                                 0,
                                 0};
    assert_int_equal(ask(c, SHAPES, ARGS(kind, a, b)), expected[kind]);
  }
}

static void atomics_are_kept(void **state) {
  (void)state;
#define ATOMIC(byte, old, most) ((byte) | (uint64_t)(old) << 8 | UINT64_C(3) << 24 | (uint64_t)(most) << 32)
  javm_cap *c = call(checks(NO_SLOTS), ATOMICS, ARGS(60), ATOMIC(200, 5, 61));
  c = call(c, ATOMICS, ARGS(9), ATOMIC(4, 1000, 10));
  call(c, ATOMICS, ARGS(0), ATOMIC(13, 1000, 1));
}

static void panics_name_the_place(void **state) {
  (void)state;
  javm_cap *c = checks(NO_SLOTS);
  assert_int_equal(ask(c, OUT_OF_BOUNDS, ARGS(2)), 3);
  guest_invoke(&g, c, OUT_OF_BOUNDS, ARGS(3), ENOUGH_GAS);
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_non_null(strstr(printed, "rust_checks.rs:"));
  assert_non_null(strstr(printed, "index out of bounds: the len is 3 but the index is 3\n"));
}

/* stack_size!: 128 KiB. A frame has more than 800 bytes. */
static void stack_has_its_size(void **state) {
  (void)state;
  javm_cap *c = checks(NO_SLOTS);
  assert_int_equal(ask(c, STACK, ARGS(50)), 50 * 51 / 2);
  guest_invoke(&g, c, STACK, ARGS(128 * 1024 / 800), ENOUGH_GAS);
  assert_faulted(&g, JAVM_EXIT_PAGE_FAULT);
}

static void heap_is_fresh_in_each_call(void **state) {
  (void)state;
  javm_cap *c = call(checks(NO_SLOTS), SBRK, NO_ARGS, 1);
  call(c, SBRK, NO_ARGS, 1);
}

/* ---- operations ---- */

static void calls_end_with_an_answer(void **state) {
  (void)state;
  javm_cap *c = checks(NO_SLOTS);
  assert_int_equal(ask(c, REPLY_EARLY, ARGS(7)), 70);
  assert_int_equal(ask(c, REPLY_EARLY, ARGS(8)), 8);
  assert_in_range(ask(c, GAS_LEFT, NO_ARGS), 1, 10);
  assert_int_equal(ask(c, ARGUMENTS, ARGS(4, 3, 2, 1)), 1234);
}

static void slots_are_moved(void **state) {
  (void)state;
  javm_cap *data = guest_data(&g, "something");
  javm_cap *c = checks(SLOTS({50, data}));
  javm_cap *after = call(c, SLOTS_, ARGS(50, 51), 1);
  assert_int_equal(g.result.emit_count, 1);
  assert_same_cap(&g, g.result.emits[0], data);
  assert_same_cap(&g, guest_slot(&g, after, 50), data);
  assert_null(guest_slot(&g, after, 51));
  guest_invoke(&g, c, SLOTS_, ARGS(50, 2), ENOUGH_GAS); /* pinned, so not empty */
  assert_faulted(&g, JAVM_EXIT_TRAP);
  guest_invoke(&g, c, SLOTS_, ARGS(256, 51), ENOUGH_GAS);
  assert_refused(&g, JAVM_REFUSAL_SLOT_OPERAND, 37);
}

static void values_are_baked_in(void **state) {
  (void)state;
  javm_cap *own = image("tests/rust_checks");
  assert_int_equal(ask(checks(NO_SLOTS), BAKED_IN, NO_ARGS), 1);
  assert_same_cap(&g, guest_slot(&g, checks(NO_SLOTS), 6), image("examples/queue"));
  javm_image_spec spec;
  assert_int_equal(javm_image_view(g.dir, own, &spec), JAVM_OK);
  assert_int_equal(spec.gas_slot_count, 1);
  assert_int_equal(spec.gas_slots[0], 7);
  assert_int_equal(spec.quota_slot_count, 1);
  assert_int_equal(spec.quota_slots[0], 8);
  assert_true(spec.has_yield_marker_slot);
  assert_int_equal(spec.yield_marker_slot, 9);
  assert_int_equal(spec.endpoint_count, 26);
  for (size_t i = 0; i < spec.endpoint_count; i++) {
    uint8_t index = spec.endpoints[i].index;
    if (index == ARGUMENTS) assert_int_equal(spec.endpoints[i].arg_registers, 4);
    assert_int_equal(spec.endpoints[i].arg_cnode_size, index == ARGUMENTS ? 3 : 0);
    if (index == SBRK) assert_int_equal(spec.endpoints[i].arg_registers, 0);
    if (index == SINGLE) assert_int_equal(spec.endpoints[i].arg_registers, 3);
  }
}

static void child_is_spawned_and_called(void **state) {
  (void)state;
  assert_int_equal(ask(checks(NO_SLOTS), CHILD, NO_ARGS), 1);
}

static void data_is_minted(void **state) {
  (void)state;
  guest_set_quota(&g, 1, 1 << 20);
  javm_cap *handle = guest_kernel(&g, JAVM_KERNEL_QUOTA, 1);
  javm_cap *after = call(checks(SLOTS({8, handle})), MINT, ARGS(5000), 100);
  uint8_t bytes[5001];
  assert_int_equal(javm_data_read(g.dir, guest_slot(&g, after, 12), 0, bytes, sizeof bytes, &g.error), JAVM_OK);
  for (size_t i = 0; i < 5000; i++) assert_int_equal(bytes[i], (uint8_t)(i * 7));
  assert_int_equal(bytes[5000], 0);
  guest_invoke(&g, checks(NO_SLOTS), MINT, ARGS(5000), ENOUGH_GAS);
  assert_refused(&g, JAVM_REFUSAL_EMPTY_SLOT, 23);
}

static void yields_are_caught(void **state) {
  (void)state;
  g.config.yield_mode = JAVM_YIELD_TO_CATCHER;
  guest_vm(&g);
  register_functions();
  javm_cap *marker = guest_data(&g, "marker");
  javm_hash key = guest_hash(&g, marker);
  javm_cap *yielder = checks(SLOTS({10, marker}));
  javm_cap *c = checks(SLOTS({9, guest_catcher(&g, 1, &key)}, {11, yielder}));
  assert_int_equal(ask(c, CATCHER, ARGS(0, 9)), 0);
  assert_int_equal(ask(c, CATCHER, ARGS(4, 9)), 8);
  assert_int_equal(ask(c, CATCHER, ARGS(4, 3)), 1003);
  guest_invoke(&g, yielder, YIELDER, ARGS(1), ENOUGH_GAS);
  assert_refused(&g, JAVM_REFUSAL_UNHANDLED_MARKER, 16);
}

static void paused_instances_are_refused_where_there_are_none(void **state) {
  (void)state;
  static const uint32_t later[] = {29, 30, 31};
  static const javm_refusal why[] = {JAVM_REFUSAL_NOTHING_PAUSED, JAVM_REFUSAL_WRONG_KIND, JAVM_REFUSAL_PINNED_SLOT};
  javm_cap *c = checks(NO_SLOTS);
  for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
    guest_invoke(&g, c, LATER, ARGS(later[i]), ENOUGH_GAS);
    assert_refused(&g, why[i], later[i]);
  }
}

static void kernel_instances_are_called(void **state) {
  (void)state;
  javm_cap *c = checks(SLOTS(
      {60, guest_kernel(&g, JAVM_KERNEL_SET_GAS_METER, 0)}, {61, guest_kernel(&g, JAVM_KERNEL_SET_STORAGE_QUOTA, 0)},
      {62, guest_kernel(&g, JAVM_KERNEL_MINT_GAS, 0)}, {63, guest_kernel(&g, JAVM_KERNEL_MINT_QUOTA, 0)},
      {64, guest_kernel(&g, JAVM_KERNEL_CREATE_YIELD_CATCHER, 0)}));
  javm_cap *after = call(c, KERNEL, NO_ARGS, 1);
  assert_int_equal(guest_meter(&g, 5), 80);
  assert_int_equal(guest_quota(&g, 5), 100);
  assert_same_cap(&g, guest_slot(&g, after, 70), guest_kernel(&g, JAVM_KERNEL_GAS, 5));
  assert_same_cap(&g, guest_slot(&g, after, 71), guest_kernel(&g, JAVM_KERNEL_QUOTA, 5));
}

static void files_are_saved_and_lineages_continued(void **state) {
  (void)state;
  guest_set_quota(&g, 1, 1 << 20);
  guest_invoke(&g, checks(SLOTS({8, guest_kernel(&g, JAVM_KERNEL_QUOTA, 1)})), FILES_AND_TYPES, NO_ARGS, ENOUGH_GAS);
  assert_refused(&g, JAVM_REFUSAL_INVALID_IMAGE, 19); /* the last that it does */
}

static void host_functions_are_called(void **state) {
  (void)state;
  assert_int_equal(ask(checks(NO_SLOTS), HOSTS, NO_ARGS), 1);
}

static void image_is_set(void **state) {
  (void)state;
  javm_cap *own = image("tests/rust_checks");
  javm_cap *c = checks(SLOTS({13, own}));
  javm_cap *after = call(c, SAME_IMAGE, NO_ARGS, 17);
  javm_instance_spec before_spec = guest_view(&g, c), after_spec = guest_view(&g, after);
  assert_other_hash(before_spec.image_hash_chain, after_spec.image_hash_chain);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(queue_is_as_its_model),
      TEST(queue_says_why_it_faults),
      TEST(queue_prints),
      TEST(queue_forks),
      TEST(arena_keeps_blocks_apart),
      TEST(arena_is_as_large_as_it_says),
      TEST(arena_is_shared_with_others),
      TEST(floats_are_as_the_hosts),
      TEST(wide_integers_are_as_the_hosts),
      TEST(text_is_formatted),
      TEST(tables_of_code_work),
      TEST(atomics_are_kept),
      TEST(panics_name_the_place),
      TEST(stack_has_its_size),
      TEST(heap_is_fresh_in_each_call),
      TEST(calls_end_with_an_answer),
      TEST(slots_are_moved),
      TEST(values_are_baked_in),
      TEST(child_is_spawned_and_called),
      TEST(data_is_minted),
      TEST(yields_are_caught),
      TEST(paused_instances_are_refused_where_there_are_none),
      TEST(kernel_instances_are_called),
      TEST(files_are_saved_and_lineages_continued),
      TEST(host_functions_are_called),
      TEST(image_is_set),
  };
  return cmocka_run_group_tests_name("guests in Rust", tests, NULL, NULL);
}
