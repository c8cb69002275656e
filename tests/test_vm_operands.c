/*
 * The operands of the operations (5-abi.md 5.1, 5.2), all from one table: each slot operand is taken through nested CNodes,
 * and refused where it is out of range, leads through something else, is empty, pinned or of the wrong kind. A refused
 * operation has changed nothing: registers, slot 0, memory, gas and quota are as the ecall found them.
 */
#include <stdio.h>

#include "support/guest.h"

static guest g;

/* Root slots, and those of the CNode that the paths lead to. */
enum { ZERO, FORM, IMAGE, INSTANCE, CNODE, TYPE, QUOTA, FILE_HANDLE, PAUSED, MARKER, PINNED, EMPTY, NESTED = 13 };
enum { SIZE_LOG = 4, QUOTA_ID = 5, UNITS = 50 * JAVM_PAGE_BYTES };

static javm_cap *slots_of[16]; /* by the numbers above; NULL: empty */
static javm_cap *root, *catcher;
static uint64_t form_bytes;

static javm_cap *runner_image(unsigned operation) {
  char text[300];
  snprintf(text, sizeof text,
           ".pinned %u data \"pin\"\n.mapping persistent 0x10000 4096 slot %u\n.mapping ephemeral 0x20000 4096\n"
           "ecalli %u\necalli 0\n",
           PINNED, FORM, operation);
  return guest_image(&g, text);
}

/* What an Image's serialized form is, as a Data. */
static javm_cap *form_of(javm_cap *image) {
  uint8_t *bytes;
  size_t size;
  javm_cap *data;
  assert_int_equal(javm_cap_encode(g.dir, image, &bytes, &size, &g.error), JAVM_OK);
  assert_int_equal(javm_data_new(g.dir, bytes, size, &data), JAVM_OK);
  javm_free_bytes(javm_dir_allocator(g.dir), bytes, size);
  form_bytes = size;
  return guest_own(&g, data);
}

static javm_cap *kept_yielder(void) {
  javm_cap *child =
      guest_instance(&g, guest_image(&g, "load_imm a0, 1\necalli 16\necalli 0\n"), SLOTS({1, slots_of[MARKER]}));
  javm_cap *keeper = guest_instance(&g,
                                    guest_image(&g, ".yield_marker_slot 8\nload_imm a0, 3\nload_imm a1, 0\necalli 26\n"
                                                    "load_imm a0, 4\necalli 29\necalli 0\n"),
                                    SLOTS({3, child}, {8, catcher}));
  g.config.yield_mode = JAVM_YIELD_TO_CATCHER;
  guest_vm(&g);
  guest_invoke(&g, keeper, 0, NO_ARGS, GAS);
  return guest_slot(&g, guest_post(&g), 4);
}

/* ---- traces ---- */

static uint64_t regs_before[13], regs_at_end[13], gas_before, gas_at_end;

static void log_event(void *ctx, const javm_trace_event *event) {
  (void)ctx;
  bool begins = event->kind == JAVM_TRACE_ECALL, ends = event->kind == JAVM_TRACE_END;
  if (!begins && !ends) return;
  memcpy(begins ? regs_before : regs_at_end, event->regs, sizeof regs_before);
  *(begins ? &gas_before : &gas_at_end) = event->gas;
}

static int setup(void **state) {
  (void)state;
  guest_open(&g);
  memset(slots_of, 0, sizeof slots_of);
  slots_of[MARKER] = guest_data(&g, "marker");
  javm_hash key = guest_hash(&g, slots_of[MARKER]);
  catcher = guest_catcher(&g, 1, &key);
  slots_of[PAUSED] = kept_yielder();
  slots_of[ZERO] = guest_data(&g, "zero");
  slots_of[IMAGE] =
      guest_image(&g, "fallthrough\nfallthrough\necalli 0\n"); /* a block starts where set_image goes on */
  slots_of[FORM] = form_of(slots_of[IMAGE]);
  slots_of[INSTANCE] = guest_instance(&g, slots_of[IMAGE], NO_SLOTS);
  slots_of[CNODE] = guest_cnode_of(&g, 8, NO_SLOTS);
  javm_cap *type;
  assert_int_equal(javm_type_new(g.dir, &key, &type), JAVM_OK);
  slots_of[TYPE] = guest_own(&g, type);
  slots_of[QUOTA] = guest_kernel(&g, JAVM_KERNEL_QUOTA, QUOTA_ID);
  uint64_t id;
  guest_set_quota(&g, 1, JAVM_PAGE_BYTES);
  assert_int_equal(g.assist->file_save(g.assist->ctx, slots_of[FORM], 1, JAVM_PAGE_BYTES, &id), JAVM_OK);
  slots_of[FILE_HANDLE] = guest_kernel(&g, JAVM_KERNEL_FILE, id);
  root = guest_cnode_of(&g, SIZE_LOG, NO_SLOTS);
  for (uint32_t i = 0; i < NESTED; i++)
    if (slots_of[i]) root = guest_set(&g, root, i, slots_of[i]);
  javm_cap *below = root;
  for (uint32_t i = 0; i < 3; i++) {
    root = guest_set(&g, root, NESTED + i, below);
    below = guest_cnode_of(&g, 1, SLOTS({1, below}));
  }
  g.config.trace = log_event;
  guest_vm(&g);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  guest_close(&g);
  return 0;
}

/* ---- the table ---- */

typedef struct operand {
  enum { NUMBER, SOURCE, CHANGED /* a source that the operation changes, too */, DESTINATION } role;
  uint64_t value;
  uint32_t wrong; /* a slot with a cap that will not do; 0: none */
  javm_refusal why;
  bool may_be_empty;
} operand;

typedef struct operation {
  uint32_t number;
  operand operands[4];
} operation;

#define FORM_BYTES UINT64_MAX /* stands for form_bytes */
#define N(value)                                                                                                       \
  { NUMBER, value, 0, JAVM_REFUSAL_NONE, false }
#define ANY(slot)                                                                                                      \
  { SOURCE, slot, 0, JAVM_REFUSAL_NONE, false }
#define OF_KIND(slot, wrong)                                                                                           \
  { SOURCE, slot, wrong, JAVM_REFUSAL_WRONG_KIND, false }
#define DST                                                                                                            \
  { DESTINATION, EMPTY, 0, JAVM_REFUSAL_NONE, true }

static const operation operations[] = {
    {1, {ANY(FORM), DST}},
    {2, {{CHANGED, FORM, 0, JAVM_REFUSAL_NONE, false}, DST}},
    {3, {{CHANGED, FORM, 0, JAVM_REFUSAL_NONE, true}}},
    {4, {{CHANGED, FORM, 0, JAVM_REFUSAL_NONE, true}, {CHANGED, IMAGE, 0, JAVM_REFUSAL_NONE, true}}},
    {5, {DST, N(4)}},
    {17, {OF_KIND(IMAGE, FORM)}},
    {18, {OF_KIND(IMAGE, FORM), {CHANGED, CNODE, FORM, JAVM_REFUSAL_WRONG_KIND, false}, DST}},
    {19, {N(0x10000), N(FORM_BYTES), DST}},
    {20, {OF_KIND(INSTANCE, FORM), OF_KIND(INSTANCE, TYPE)}},
    {21, {OF_KIND(INSTANCE, FORM), DST}},
    {22, {OF_KIND(FORM, IMAGE), N(0x20000), N(16), N(0)}},
    {23, {N(0x10000), N(16), {SOURCE, QUOTA, FORM, JAVM_REFUSAL_QUOTA, false}, DST}},
    {24, {{SOURCE, FILE_HANDLE, QUOTA, JAVM_REFUSAL_FILE, false}, DST}},
    {25, {OF_KIND(FORM, IMAGE), {SOURCE, QUOTA, FILE_HANDLE, JAVM_REFUSAL_QUOTA, false}, DST}},
    {26, {OF_KIND(INSTANCE, IMAGE), N(0)}},
    {30, {OF_KIND(PAUSED, FORM)}},
    {30, {{SOURCE, PAUSED, INSTANCE, JAVM_REFUSAL_NOT_PAUSED, false}}},
    {31, {{CHANGED, PAUSED, FORM, JAVM_REFUSAL_WRONG_KIND, false}}},
    {31, {{CHANGED, PAUSED, INSTANCE, JAVM_REFUSAL_NOT_PAUSED, false}}},
    {32, {OF_KIND(INSTANCE, FORM), OF_KIND(INSTANCE, TYPE), N(0x10000), N(0)}},
    {33, {OF_KIND(TYPE, INSTANCE), N(0x10000), N(0), DST}},
    {34, {OF_KIND(TYPE, INSTANCE), OF_KIND(TYPE, FORM)}},
    {35, {ANY(FORM)}},
    {37, {{SOURCE, FORM, 0, JAVM_REFUSAL_NONE, true}}},
};
enum { OPERATIONS = sizeof operations / sizeof *operations };

static void operands_of(const operation *o, uint64_t args[4]) {
  for (int i = 0; i < 4; i++) args[i] = o->operands[i].value == FORM_BYTES ? form_bytes : o->operands[i].value;
}

static void run(const operation *o, const uint64_t args[4]) {
  javm_cap *instance;
  javm_status status = javm_instance_genesis(g.dir, runner_image(o->number), root, &instance, &g.error);
  if (status != JAVM_OK) fail_msg("%s", g.error.text);
  javm_instance_spec spec = guest_view(&g, guest_own(&g, instance));
  spec.root_cnode = root; /* smaller than a first Instance's */
  guest_set_quota(&g, QUOTA_ID, UNITS);
  guest_invoke(&g, guest_make(&g, &spec), 0, args, GAS);
}

/* ---- taken ---- */

/* What is behind an operand after the run. */
static javm_cap *behind(javm_cap *post, unsigned steps, uint32_t slot) {
  if (steps == 0) return guest_slot(&g, post, slot);
  javm_cap *cnode = guest_slot(&g, post, NESTED + steps - 1);
  while (--steps) cnode = guest_cnode_slot(&g, cnode, 1);
  return guest_cnode_slot(&g, cnode, slot);
}

static uint64_t path(unsigned steps, uint64_t slot) {
  switch (steps) {
    case 0: return slot;
    case 1: return PATH1(NESTED, slot);
    case 2: return PATH2(NESTED + 1, 1, slot);
    default: return PATH3(NESTED + 2, 1, 1, slot);
  }
}

static void every_slot_operand_is_taken_through_nested_cnodes(void **state) {
  (void)state;
  for (const operation *o = operations; o < operations + OPERATIONS; o++) {
    uint64_t args[4];
    operands_of(o, args);
    run(o, args);
    if (g.result.kind != JAVM_RESULT_HALT) fail_msg("operation %u: refusal %u", o->number, g.result.refusal);
    javm_cap *plain = guest_post(&g);
    uint64_t value = g.result.return_value, quota = guest_quota(&g, QUOTA_ID);
    size_t emits = g.result.emit_count, pages = g.result.dirty_page_count;
    for (int i = 0; i < 4; i++) {
      const operand *p = &o->operands[i];
      for (unsigned steps = 1; steps <= 3 && p->role != NUMBER; steps++) {
        args[i] = path(steps, p->value);
        run(o, args);
        if (g.result.kind != JAVM_RESULT_HALT) fail_msg("operation %u: refusal %u", o->number, g.result.refusal);
        if (i > 0 || value != p->value)
          assert_int_equal(g.result.return_value, value); /* else it is the operand still */
        assert_int_equal(g.result.emit_count, emits);
        assert_int_equal(g.result.dirty_page_count, pages);
        if (o->number != 25) assert_int_equal(guest_quota(&g, QUOTA_ID), quota);
        javm_cap *expected = behind(plain, 0, (uint32_t)p->value);
        if (o->number == 25 && p->role == DESTINATION) { /* the file's number is a new one */
          assert_int_equal(javm_cap_kind(behind(guest_post(&g), steps, (uint32_t)p->value)), javm_cap_kind(expected));
        } else if (o->number != 26 && o->number != 30) { /* what it has become knows how much gas was left: the same */
          assert_same_cap(&g, behind(guest_post(&g), steps, (uint32_t)p->value), expected);
        } else {
          assert_other_hash(guest_hash(&g, behind(guest_post(&g), steps, (uint32_t)p->value)),
                            guest_hash(&g, slots_of[p->value]));
        }
      }
      operands_of(o, args);
    }
  }
}

/* ---- refused ---- */

static void refused(const operation *o, int i, uint64_t value, javm_refusal why) {
  uint64_t args[4];
  operands_of(o, args);
  args[i] = value;
  run(o, args);
  if (g.result.kind != JAVM_RESULT_FAULTED || g.result.refusal != why)
    fail_msg("operation %u, operand %d = 0x%llx: %s, expected: %s", o->number, i, (unsigned long long)value,
             javm_refusal_text(g.result.refusal), javm_refusal_text(why));
  assert_refused(&g, why, o->number);
  assert_int_equal(g.result.pc, 0);
  assert_memory_equal(regs_at_end, regs_before, sizeof regs_before);
  assert_int_equal(gas_at_end, gas_before);
  assert_int_equal(g.result.gas_used, 1);
  assert_same_cap(&g, g.result.slot0, slots_of[ZERO]);
  assert_int_equal(g.result.dirty_page_count, 0);
  assert_int_equal(g.result.emit_count, 0);
  assert_int_equal(guest_quota(&g, QUOTA_ID), UNITS);
  assert_depth(&g, 0);
}

typedef void (*check_fn)(const operation *o, int i, const operand *p);

static void each_slot_operand(check_fn check) {
  for (const operation *o = operations; o < operations + OPERATIONS; o++)
    for (int i = 0; i < 4; i++)
      if (o->operands[i].role != NUMBER) check(o, i, &o->operands[i]);
}

static void out_of_range(const operation *o, int i, const operand *p) {
  (void)p;
  refused(o, i, 1 << SIZE_LOG, JAVM_REFUSAL_SLOT_OPERAND);
  refused(o, i, PATH1(NESTED, 1 << SIZE_LOG), JAVM_REFUSAL_SLOT_OPERAND);
  refused(o, i, PATH3(NESTED + 2, 1, 2, FORM), JAVM_REFUSAL_SLOT_OPERAND);
  refused(o, i, PATH3(NESTED + 2, 1, 1, 1 << SIZE_LOG), JAVM_REFUSAL_SLOT_OPERAND);
}
static void slot_out_of_range_is_refused_by_every_operation(void **state) {
  (void)state;
  each_slot_operand(out_of_range);
}

static void astray(const operation *o, int i, const operand *p) {
  refused(o, i, PATH1(FORM, 0), JAVM_REFUSAL_SLOT_OPERAND);               /* a Data */
  refused(o, i, PATH1(INSTANCE, 0), JAVM_REFUSAL_SLOT_OPERAND);           /* what has a CNode is none */
  refused(o, i, PATH1(EMPTY, 0), JAVM_REFUSAL_SLOT_OPERAND);              /* nothing */
  refused(o, i, PATH2(NESTED, 12, 0), JAVM_REFUSAL_SLOT_OPERAND);         /* nothing, further on */
  refused(o, i, p->value | 1 << 24, JAVM_REFUSAL_SLOT_OPERAND);           /* the path has ended before */
  refused(o, i, p->value | (uint64_t)1 << 56, JAVM_REFUSAL_SLOT_OPERAND); /* bits that no path has */
}
static void path_through_no_cnode_is_refused_by_every_operation(void **state) {
  (void)state;
  each_slot_operand(astray);
}

static void is_pinned(const operation *o, int i, const operand *p) {
  if (p->role == SOURCE) return;
  refused(o, i, PINNED, JAVM_REFUSAL_PINNED_SLOT);
  refused(o, i, PATH1(PINNED, 0), JAVM_REFUSAL_PINNED_SLOT);
}
static void pinned_slot_is_refused_by_every_operation_that_would_change_it(void **state) {
  (void)state;
  each_slot_operand(is_pinned);
}

static void is_empty(const operation *o, int i, const operand *p) {
  if (p->may_be_empty) return;
  refused(o, i, EMPTY, JAVM_REFUSAL_EMPTY_SLOT);
  for (unsigned steps = 1; steps <= 3; steps++) refused(o, i, path(steps, EMPTY), JAVM_REFUSAL_EMPTY_SLOT);
}
static void empty_slot_is_refused_by_every_operation_that_needs_a_cap(void **state) {
  (void)state;
  each_slot_operand(is_empty);
}

static void is_wrong(const operation *o, int i, const operand *p) {
  if (!p->wrong) return;
  for (unsigned steps = 0; steps <= 3; steps++) refused(o, i, path(steps, p->wrong), p->why);
}
static void cap_of_the_wrong_kind_is_refused_by_every_operation_that_needs_one(void **state) {
  (void)state;
  each_slot_operand(is_wrong);
}

/* ---- the codes ---- */

static void every_refusal_has_a_code_and_a_text_of_its_own(void **state) {
  (void)state;
  static const struct {
    javm_refusal code;
    int number;
    const char *text;
  } list[] = {
#define X(name, number, text) {name, number, text},
      JAVM_REFUSAL_LIST(X)
#undef X
  };
  enum { COUNT = sizeof list / sizeof *list };
  for (size_t i = 0; i < COUNT; i++) {
    assert_int_equal(list[i].code, list[i].number);
    assert_string_equal(javm_refusal_text(list[i].code), list[i].text);
    assert_true(strlen(list[i].text) > 4);
    for (size_t k = 0; k < i; k++) {
      assert_true(list[k].number < list[i].number);
      assert_string_not_equal(list[k].text, list[i].text);
    }
  }
  assert_non_null(javm_refusal_text((javm_refusal)9999));
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(every_slot_operand_is_taken_through_nested_cnodes),
      T(slot_out_of_range_is_refused_by_every_operation),
      T(path_through_no_cnode_is_refused_by_every_operation),
      T(pinned_slot_is_refused_by_every_operation_that_would_change_it),
      T(empty_slot_is_refused_by_every_operation_that_needs_a_cap),
      T(cap_of_the_wrong_kind_is_refused_by_every_operation_that_needs_one),
      T(every_refusal_has_a_code_and_a_text_of_its_own),
  };
  return cmocka_run_group_tests_name("operands", tests, NULL, NULL);
}
