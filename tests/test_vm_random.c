/*
 * Random guests that use every operation on each other, and a host that goes on after pauses in random ways: the
 * stack keeps its invariants, and the same run in another world gives the same results, hashes and gas, also where it stops
 * at random marks and goes on in steps.
 */
#include <stdio.h>

#include "support/guest.h"

/* Root slots of the kernel's Instances, and of a Type, with a file's handle behind it; an operation that stands for their calls;
 * where slot operands of Images are in memory. */
enum { ISSUED = 14, TYPE = 20, KERNEL = 99, OPERANDS_AT = 0x13000 };
enum { IMAGES = 4, STEPS = 10, VERBS = 12, RUNS = 250 };

static uint64_t seed;

static uint32_t next_of(uint64_t *from, uint32_t below) {
  *from = *from * UINT64_C(6364136223846793005) + 1442695040888963407u;
  return (uint32_t)(*from >> 33) % below;
}

static uint32_t any(uint32_t below) { return next_of(&seed, below); }

static uint64_t one_of(const uint64_t *list, size_t count) { return list[any((uint32_t)count)]; }
#define ONE_OF(...) one_of((const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* Operands by what lies in the slots at first (make_instance); now and then any slot, or one through a CNode. */
static uint64_t unlikely(uint64_t operand) {
  if (any(40)) return operand;
  return any(2) ? any(14) : PATH1(any(12), any(4));
}
static uint64_t filled(void) {
  return unlikely(ONE_OF(1, 2, 3, 4, 5, 6, 7, 8, 9, PATH1(2, 1), PATH1(2, 2), PATH2(2, 1, 0)));
}
static uint64_t scratch(void) { return unlikely(ONE_OF(0, 11, 12, 13, PATH1(2, 0), PATH1(2, 3), PATH2(2, 1, 1))); }
static uint64_t callee(void) { return unlikely(ONE_OF(3, 4, 5)); }

static void operation(bool is_bottom, unsigned *number, uint64_t args[4]) {
  static const unsigned numbers[] = {1,  1,  4,  3,  5,  16, 16, 17, 18, 19, 20, 21, 22,     23,     24, 25,
                                     26, 26, 26, 26, 27, 28, 32, 33, 34, 35, 36, 37, KERNEL, KERNEL, 64};
  *number = numbers[any(sizeof numbers / sizeof *numbers)];
  if ((*number == 27 || *number == 28) && any(3)) *number = 26; /* they need something paused */
  if (*number == 16 && is_bottom && any(10)) *number = 26;      /* nobody could catch it */
  for (int i = 0; i < 4; i++) args[i] = scratch();
  switch (*number) {
    case 1:
    case 35:
    case 37: args[0] = filled(); break;
    case 5: args[1] = any(6); break;
    case 16: args[0] = unlikely(1); break;
    case 17: args[0] = unlikely(PATH2(2, 1, 3)); break;
    case 18: args[0] = unlikely(PATH2(2, 1, 3)), args[1] = unlikely(10); break;
    case 20: args[0] = callee(), args[1] = callee(); break;
    case 21: args[0] = callee(); break;
    case 22:
      args[0] = unlikely(PATH1(2, 2)), args[1] = 0x10000 + any(4096), args[2] = any(4100), args[3] = any(9000);
      break;
    case 23: args[0] = 0x10000 + any(4096), args[1] = any(4100), args[2] = unlikely(7), args[3] = scratch(); break;
    case 19: args[0] = 0x10000 + any(2), args[1] = any(500), args[2] = scratch(); break;
    case 24: args[0] = unlikely(TYPE + 1); break;
    case 25: args[0] = unlikely(PATH1(2, 2)), args[1] = unlikely(7), args[2] = scratch(); break;
    case 26: args[0] = callee(), args[1] = unlikely(0); break;
    case 32: args[0] = callee(), args[1] = callee(), args[2] = OPERANDS_AT, args[3] = any(3); break;
    case 33: args[0] = unlikely(TYPE), args[1] = OPERANDS_AT, args[2] = any(3), args[3] = scratch(); break;
    case 34: args[0] = args[1] = unlikely(TYPE); break;
    case KERNEL:
      *number = 26;
      args[0] = unlikely(any(2) ? 8 : ISSUED + any(5)), args[1] = any(20) ? args[0] == 8 ? any(3) : 0 : any(4);
      args[2] = 1 + any(2), args[3] = any(any(2) ? 100 : 500000);
      break;
    default: break;
  }
}

static void code(bool is_bottom, char *text, size_t size) {
  int n = 0;
  for (int i = 0; i < STEPS; i++) {
    unsigned number;
    uint64_t args[4];
    operation(is_bottom, &number, args);
    for (int k = 0; k < 4; k++)
      n += snprintf(text + n, size - (size_t)n, "load_imm_64 a%d, %llu\n", k, (unsigned long long)args[k]);
    n += snprintf(text + n, size - (size_t)n, "ecalli %u\n", number);
    if (any(3) == 0) n += snprintf(text + n, size - (size_t)n, "store_u64 a0, [0x%x]\n", 0x10000 + any(8184));
  }
  snprintf(text + n, size - (size_t)n, any(12) ? "ecalli 0\n" : "trap\n");
}

static javm_cap *make_image(guest *g, bool is_bottom) {
  static char text[STEPS * 200 + 500];
  int n =
      snprintf(text, sizeof text,
               "%s%s%s.mapping persistent 0x10000 4096 slot 9\n.mapping ephemeral 0x11000 4096\n"
               ".mapping persistent 0x13000 4096 slot 22\n",
               any(2) ? ".gas_slot 6\n" : "", any(2) ? ".quota_slot 7\n" : "", any(3) ? ".yield_marker_slot 8\n" : "");
  if (any(3) == 0) n += snprintf(text + n, sizeof text - (size_t)n, ".pinned %u data \"pin\"\n", any(2) ? 0 : 11);
  code(is_bottom, text + n, sizeof text - (size_t)n);
  return guest_image(g, text);
}

static javm_cap *make_instance(guest *g, javm_cap *image, javm_cap *marker, javm_cap *catcher,
                               javm_cap *const *children) {
  javm_cap *inner = guest_cnode_of(g, 2, SLOTS({0, marker}, {3, image}));
  javm_cap *outer = guest_cnode_of(g, 3, SLOTS({1, inner}, {2, guest_pages(g, 2, 1)}));
  javm_cap *root = guest_cnode_of(g, 8,
                                  SLOTS({1, marker}, {2, outer}, {6, guest_kernel(g, JAVM_KERNEL_GAS, 1 + any(2))},
                                        {7, guest_kernel(g, JAVM_KERNEL_QUOTA, 1)}, {8, catcher},
                                        {9, guest_data(g, "nine")}, {10, guest_cnode_of(g, 8, NULL)}));
  uint64_t path = PATH2(2, 1, 3), operands[2] = {path, path};
  javm_cap *list, *type;
  javm_hash hash = guest_hash(g, image);
  assert_int_equal(javm_data_new(g->dir, (const uint8_t *)operands, sizeof operands, &list), JAVM_OK);
  assert_int_equal(javm_type_new(g->dir, &hash, &type), JAVM_OK);
  root = guest_set(g, root, 22, guest_own(g, list));
  root = guest_set(g, root, TYPE, guest_own(g, type));
  root = guest_set(g, root, TYPE + 1, guest_kernel(g, JAVM_KERNEL_FILE, 0));
  for (uint32_t i = 0; i < 5; i++)
    root = guest_set(g, root, ISSUED + i, guest_kernel(g, (javm_kernel_image)(JAVM_KERNEL_SET_GAS_METER + i), 0));
  for (uint32_t i = 0; i < 3; i++)
    if (children[i]) root = guest_set(g, root, 3 + i, children[i]);
  javm_cap *instance;
  assert_int_equal(javm_instance_genesis(g->dir, image, root, &instance, &g->error), JAVM_OK);
  return guest_own(g, instance);
}

static javm_host_action host(void *ctx, javm_host_call *call) {
  (void)ctx;
  uint64_t value = javm_host_arg(call, 1);
  javm_cap *cap;
  if (javm_host_slot_get(call, javm_host_arg(call, 0), &cap) == JAVM_OK) {
    javm_host_slot_set(call, value, cap);
    javm_cap_release(javm_host_dir(call), cap);
  }
  javm_host_write(call, 0x10ffc, &value, sizeof value);
  javm_host_return(call, 0, value);
  javm_host_charge(call, value % 5);
  return value % 11 == 10 ? JAVM_HOST_REFUSE : value % 3 == 0 ? JAVM_HOST_PAUSE : JAVM_HOST_RETURN;
}

typedef struct outcome {
  int kind, status;
  uint64_t gas_used, value, numbers[4];
  uint64_t instructions;
  javm_hash instance, root;
  size_t depth;
} outcome;

/* ---- stops on the way ---- */

static uint64_t stop_seed; /* of where a run stops; 0: nowhere */

static void set_marks(guest *g) {
  javm_position at;
  javm_vm_position(g->vm, &at);
  uint64_t gas = next_of(&stop_seed, 4) ? at.gas + next_of(&stop_seed, 60) : JAVM_NO_MARK;
  uint64_t instructions = next_of(&stop_seed, 3) ? JAVM_NO_MARK : at.instructions + next_of(&stop_seed, 200);
  assert_int_equal(javm_vm_set_mark(g->vm, JAVM_MARK_GAS, gas), JAVM_OK);
  assert_int_equal(javm_vm_set_mark(g->vm, JAVM_MARK_INSTRUCTIONS, instructions), JAVM_OK);
}

/* Goes on behind a verb that came to a mark, until it is done; the result's sums are those of all its parts. */
static javm_status past_marks(guest *g, javm_status status) {
  uint64_t gas = 0, instructions = 0;
  while (status == JAVM_OK && g->result.kind == JAVM_RESULT_PAUSED && g->result.pause == JAVM_PAUSE_MARK) {
    gas += g->result.gas_used;
    instructions += g->result.instructions;
    set_marks(g);
    assert_int_equal(javm_vm_check(g->vm, &g->error), JAVM_OK);
    uint32_t how = next_of(&stop_seed, 8);
    if (how < 2) status = javm_vm_step(g->vm, (javm_step)how, guest_fresh(g), &g->error);
    else status = javm_vm_call_resume(g->vm, NULL, guest_fresh(g), &g->error);
  }
  g->result.gas_used += gas;
  g->result.instructions += instructions;
  return status;
}

static javm_status random_verb(guest *g, javm_cap *root, javm_cap *scratchpad) {
  javm_result *r = guest_fresh(g);
  javm_hash hash = guest_hash(g, root);
  switch (javm_vm_depth(g->vm) == 0 ? 0 : any(8)) {
    case 0: return javm_vm_invoke(g->vm, &hash, 0, ARGS(1, 2, 3), any(4) ? 100000 : 50 + any(900), r, &g->error);
    case 1: return javm_vm_deliver_yield(g->vm, r, &g->error);
    case 2: return javm_vm_drop_paused(g->vm, r, &g->error);
    case 3: return javm_vm_call_resume(g->vm, scratchpad, r, &g->error);
    case 4:
    case 5: return javm_vm_complete_host_call(g->vm, (uint64_t[]){1, 2}, any(3), r, &g->error);
    default:
      guest_set_quota(g, 1, any(600000));
      assert_int_equal(javm_vm_add_gas(g->vm, any(300)), JAVM_OK);
      return javm_vm_call_resume(g->vm, NULL, r, &g->error);
  }
}

static void run(uint64_t number, outcome *outcomes) {
  guest g;
  seed = number;
  guest_open(&g);
  g.config.gas_model = (javm_gas_model)(any(4) ? JAVM_GAS_INSTRUCTION : any(2));
  g.config.yield_mode = (javm_yield_mode)any(2);
  g.config.host_catches_out_of_gas = any(2);
  g.config.max_depth = any(3) ? 256 : 4;
  g.config.max_cached_programs = any(2) ? 256 : 1;
  guest_vm(&g);
  assert_int_equal(javm_vm_register(g.vm, 64, "host", host, NULL), JAVM_OK);
  guest_set_meter(&g, 1, any(30000));
  guest_set_meter(&g, 2, any(1000));
  guest_set_quota(&g, 1, any(600000));
  guest_set_quota(&g, 2, JAVM_PAGE_BYTES);
  uint64_t file;
  assert_int_equal(g.assist->file_save(g.assist->ctx, guest_data(&g, "file"), 2, JAVM_PAGE_BYTES, &file), JAVM_OK);
  javm_cap *marker = guest_data(&g, "marker"), *instances[IMAGES] = {NULL};
  javm_hash keys[3] = {guest_hash(&g, marker)};
  javm_kernel_hash(JAVM_KERNEL_OOG_MARKER, &keys[1]);
  javm_kernel_hash(JAVM_KERNEL_STORAGE_EXHAUSTED_MARKER, &keys[2]);
  javm_cap *catcher = guest_catcher(&g, 1, &keys[0]);
  for (int i = 1; i < 3; i++)
    if (any(2)) guest_catches(&g, catcher, &keys[i]);
  for (int i = 0; i < IMAGES; i++) {
    javm_cap *children[3];
    for (int c = 0; c < 3; c++) children[c] = i ? instances[any((uint32_t)i)] : NULL;
    instances[i] = make_instance(&g, make_image(&g, i == IMAGES - 1), marker, catcher, children);
  }
  javm_cap *root = instances[IMAGES - 1];
  guest_put(&g, root);
  for (int i = 0; i < VERBS; i++) {
    if (stop_seed) set_marks(&g);
    javm_status status = random_verb(&g, root, marker);
    if (stop_seed) status = past_marks(&g, status);
    if (status != JAVM_OK && status != JAVM_NOT_PAUSED && status != JAVM_CALL_STACK_FULL &&
        status != JAVM_INVALID_ARGUMENT)
      fail_msg("run %llu, verb %d: %s: %s", (unsigned long long)number, i, javm_status_text(status), g.error.text);
    if (javm_vm_check(g.vm, &g.error) != JAVM_OK)
      fail_msg("run %llu, verb %d: %s", (unsigned long long)number, i, g.error.text);
    outcomes[i] = (outcome){.kind = (int)g.result.kind,
                            .status = (int)status,
                            .gas_used = g.result.gas_used,
                            .value = g.result.return_value,
                            .numbers = {guest_meter(&g, 1), guest_meter(&g, 2), guest_quota(&g, 1), guest_quota(&g, 2)},
                            .instructions = g.result.instructions,
                            .instance = g.result.instance,
                            .depth = javm_vm_depth(g.vm)};
    if (outcomes[i].depth > 0)
      assert_int_equal(javm_vm_root(g.vm, JAVM_ROOT_WHOLE, &outcomes[i].root, &g.error), JAVM_OK);
    if (g.result.kind == JAVM_RESULT_HALT && status == JAVM_OK) assert_true(javm_dir_has(g.dir, &g.result.instance));
  }
  guest_close(&g);
}

static void same_outcomes(const outcome *a, const outcome *b) {
  for (int v = 0; v < VERBS; v++) {
    assert_int_equal(a[v].kind, b[v].kind);
    assert_int_equal(a[v].status, b[v].status);
    assert_int_equal(a[v].gas_used, b[v].gas_used);
    assert_int_equal(a[v].value, b[v].value);
    assert_int_equal(a[v].instructions, b[v].instructions);
    assert_int_equal(a[v].depth, b[v].depth);
    assert_memory_equal(a[v].numbers, b[v].numbers, sizeof a[v].numbers);
    assert_same_hash(a[v].instance, b[v].instance);
    assert_same_hash(a[v].root, b[v].root);
  }
}

static void random_guests_keep_the_invariants_and_run_the_same_twice(void **state) {
  (void)state;
  static outcome first[VERBS], second[VERBS];
  for (uint64_t i = 1; i <= RUNS; i++) {
    memset(first, 0, sizeof first);
    memset(second, 0, sizeof second);
    stop_seed = 0;
    run(i, first);
    stop_seed = i;
    run(i, second);
    same_outcomes(first, second);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_guests_keep_the_invariants_and_run_the_same_twice),
  };
  return cmocka_run_group_tests_name("random guests", tests, NULL, NULL);
}
