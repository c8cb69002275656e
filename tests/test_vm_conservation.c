/*
 * No unit of gas or storage quota is made or lost. Worlds of random guests that copy, move, call, mint handles, set meters and
 * quotas as authorities, dirty pages, yield, catch, resume, drop, trap and run dry, and a host that goes on in random ways, run
 * beside a model (support/model.h). After every verb:
 *   - each meter, each quota and the gas used are the model's;
 *   - what is in meters and budgets, plus all gas that the VM said was used, is what was put in; likewise for quotas.
 *
 *   test_vm_conservation [OPERATIONS [FIRST_SEED]]
 */
#include <stdio.h>
#include <stdlib.h>

#include "support/guest.h"
#include "support/model.h"

enum { PROGRAMS = 6, CATCHERS = 8, PAGES = 4, VERBS = 12, QUICK = 6000 };
enum { SETTER = 8, QUOTA_SETTER = 9, MINT = 10, QUOTA_MINT = 11, FILE_DATA = 13 };

typedef struct world {
  guest g;
  model m;
  uint64_t random;
  model_program programs[PROGRAMS];
  javm_cap *images[PROGRAMS];
  const model_instance *instances[PROGRAMS]; /* in the model, and */
  javm_hash hashes[PROGRAMS];                /* in the directory */
  javm_cap *caps[PROGRAMS];
  int paused_roots[VERBS + 1]; /* of the invokes that are on the stack: which instance */
  size_t roots;
  uint64_t gas_used; /* as the VM's results say, all in all */
} world;

static uint64_t random_below(world *w, uint64_t n) {
  w->random ^= w->random << 13;
  w->random ^= w->random >> 7;
  w->random ^= w->random << 17;
  return (w->random >> 11) % n;
}
static bool one_in(world *w, uint64_t n) { return random_below(w, n) == 0; }

/* ---- programs: the model's steps and the same as text ---- */

typedef struct maker {
  model_program *p;
  char text[8000];
  size_t length;
} maker;

static void add_text(maker *k, const char *format, ...) {
  va_list args;
  va_start(args, format);
  k->length += (size_t)vsnprintf(k->text + k->length, sizeof k->text - k->length, format, args);
  va_end(args);
  assert_true(k->length < sizeof k->text);
}

static void add_step(maker *k, model_step step) {
  assert_true(k->p->count < MODEL_PROGRAM_MAX);
  k->p->steps[k->p->count++] = step;
}

/* An operation with its operands, which the model need not see. */
static void add_operation(maker *k, unsigned number, size_t count, const uint64_t *operands, model_step step) {
  for (size_t i = 0; i < count; i++) add_text(k, "load_imm a%zu, %llu\n", i, (unsigned long long)operands[i]);
  add_text(k, "ecalli %u\n", number);
  step.plain = (uint32_t)count;
  add_step(k, step);
}
#define OPERANDS(...)                                                                                                  \
  sizeof((const uint64_t[]){__VA_ARGS__}) / 8, (const uint64_t[]) { __VA_ARGS__ }

static uint32_t some_slot(world *w) {
  static const uint32_t slots[] = {0, 1, 2, 4, 5, 6, 7, 4, 5, 6, 7};
  return slots[random_below(w, sizeof slots / sizeof *slots)];
}

/* After a call: what to do about a yielder, a few times over. (A loop might have no end: an authority can pay itself.) */
static void add_handlers(world *w, maker *k) {
  for (uint64_t turns = random_below(w, 4); turns > 0; turns--) {
    unsigned how = (unsigned)random_below(w, 5), label = (unsigned)k->p->count;
    bool tops_up = how >= 3, drops = how == 1;
    add_text(k, "branch_ne_imm a1, 1, done%u\n", label);
    add_step(k, (model_step){.action = DO_SKIP_PAUSED, .a = label + 2 + tops_up});
    if (tops_up) { /* any meter or quota, as far as there is an authority for it */
      uint64_t id = 1 + random_below(w, MODEL_NUMBERS - 1), value = random_below(w, 100) * (how == 4 ? 500 : 1);
      uint32_t slot = how == 3 ? SETTER : QUOTA_SETTER;
      add_operation(k, 26, OPERANDS(slot, 0, id, value),
                    (model_step){.action = DO_CALL, .a = slot, .id = id, .value = value});
    }
    add_operation(k, drops ? 28 : 27, 0, NULL, (model_step){.action = drops ? DO_DROP_YIELD : DO_RESUME});
    add_text(k, "done%u:\n", label);
  }
}

static void add_call(world *w, maker *k) {
  uint64_t id = 1 + random_below(w, MODEL_NUMBERS - 1), value = random_below(w, 300);
  uint32_t slot = 4 + (uint32_t)random_below(w, 4);
  if (one_in(w, 3)) slot = SETTER + (uint32_t)random_below(w, 4);
  if (slot == QUOTA_SETTER) value = value * 97;
  if (one_in(w, 25)) slot = some_slot(w);
  add_operation(k, 26, OPERANDS(slot, 0, id, value),
                (model_step){.action = DO_CALL, .a = slot, .id = id, .value = value});
  add_handlers(w, k);
}

static void add_burn(world *w, maker *k) {
  unsigned turns = 1 + (unsigned)random_below(w, 30), label = (unsigned)k->p->count;
  add_text(k, "load_imm s0, %u\nfallthrough\nburn%u:\nadd_imm_64 s0, s0, -1\nbranch_ne_imm s0, 0, burn%u\n", turns,
           label, label);
  add_step(k, (model_step){.plain = 2 + 2 * turns});
}

static void add_any(world *w, maker *k) {
  uint32_t a = some_slot(w), b = some_slot(w);
  switch (random_below(w, 22)) {
    case 0:
    case 1: add_operation(k, 1, OPERANDS(a, b), (model_step){.action = DO_COPY, .a = a, .b = b}); break;
    case 2: add_operation(k, 2, OPERANDS(a, b), (model_step){.action = DO_MOVE, .a = a, .b = b}); break;
    case 3: add_operation(k, 3, OPERANDS(b), (model_step){.action = DO_DROP, .a = b}); break;
    case 4:
    case 5: add_operation(k, 4, OPERANDS(a, b), (model_step){.action = DO_SWAP, .a = a, .b = b}); break;
    case 6:
    case 7:
      a = one_in(w, 3) ? a : SLOT_QUOTA;
      add_operation(k, 23, OPERANDS(0x10000, 1 + random_below(w, 4096), a, b),
                    (model_step){.action = DO_MINT_DATA, .a = a, .b = b});
      break;
    case 8:
      b = one_in(w, 3) ? b : SLOT_QUOTA;
      add_operation(k, 25, OPERANDS(FILE_DATA, b, 0), (model_step){.action = DO_SAVE, .a = FILE_DATA, .b = b});
      break;
    case 9:
    case 10:
      a = (uint32_t)random_below(w, PAGES);
      add_text(k, "store_u8 a0, [0x%x]\n", 0x10000 + a * 4096);
      add_step(k, (model_step){.action = DO_DIRTY, .a = a});
      break;
    case 11:
    case 12:
      if (one_in(w, 2)) add_operation(k, 16, OPERANDS(SLOT_MARKER), (model_step){.action = DO_YIELD});
      break;
    case 13:
      if (!one_in(w, 2)) break;
      add_text(k, "trap\n");
      add_step(k, (model_step){.action = DO_TRAP});
      break;
    case 14:
      if (one_in(w, 4)) add_operation(k, 27, 0, NULL, (model_step){.action = DO_RESUME});
      break;
    case 15:
    case 16: add_burn(w, k); break;
    default: add_call(w, k); break;
  }
}

static void make_program(world *w, int index) {
  static maker k;
  model_program *p = k.p = &w->programs[index];
  k.length = 0;
  p->count = 0;
  p->has_gas_slot = !one_in(w, 3);
  p->has_quota_slot = !one_in(w, 3);
  p->has_catcher_slot = !one_in(w, 4);
  if (p->has_gas_slot) add_text(&k, ".gas_slot 1\n");
  if (p->has_quota_slot) add_text(&k, ".quota_slot 2\n");
  if (p->has_catcher_slot) add_text(&k, ".yield_marker_slot 3\n");
  add_text(&k, ".mapping ephemeral 0x10000 %u\n", PAGES * 4096);
  for (uint64_t n = 1 + random_below(w, 7); n > 0; n--) add_any(w, &k);
  add_operation(&k, 0, 0, NULL, (model_step){.action = DO_REPLY});
  w->images[index] = guest_image(&w->g, k.text);
}

/* ---- instances ---- */

static javm_cap *value_of(world *w, model_cap cap) {
  guest *g = &w->g;
  switch (cap.kind) {
    case MODEL_GAS: return guest_kernel(g, JAVM_KERNEL_GAS, cap.id);
    case MODEL_QUOTA: return guest_kernel(g, JAVM_KERNEL_QUOTA, cap.id);
    case MODEL_DATA: return guest_data(g, "data");
    case MODEL_CATCHER: return guest_kernel(g, JAVM_KERNEL_YIELDCATCHER, cap.id);
    case MODEL_SET_GAS: return guest_kernel(g, JAVM_KERNEL_SET_GAS_METER, 0);
    case MODEL_SET_QUOTA: return guest_kernel(g, JAVM_KERNEL_SET_STORAGE_QUOTA, 0);
    case MODEL_MINT_GAS: return guest_kernel(g, JAVM_KERNEL_MINT_GAS, 0);
    case MODEL_MINT_QUOTA: return guest_kernel(g, JAVM_KERNEL_MINT_QUOTA, 0);
    case MODEL_INSTANCE:
      for (int i = 0; i < PROGRAMS; i++)
        if (w->instances[i] == cap.instance) return w->caps[i];
      fail();
      return NULL;
    default: return NULL;
  }
}

static model_cap some_cap(world *w, int below) {
  uint64_t id = 1 + random_below(w, MODEL_NUMBERS - 1);
  switch (random_below(w, 24)) {
    case 0: return (model_cap){MODEL_GAS, id, NULL};
    case 1: return (model_cap){MODEL_QUOTA, id, NULL};
    case 2: return (model_cap){one_in(w, 2) ? MODEL_DATA : MODEL_EMPTY, 0, NULL};
    default:
      if (below == 0) return (model_cap){(model_kind)(MODEL_SET_GAS + random_below(w, 4)), 0, NULL};
      return (model_cap){MODEL_INSTANCE, 0, w->instances[random_below(w, (uint64_t)below)]};
  }
}

static void make_instance(world *w, int index) {
  model_cap slots[MODEL_SLOTS] = {{0}};
  javm_slot_cap values[MODEL_SLOTS + 1];
  size_t count = 0;
  uint64_t meter = 1 + random_below(w, MODEL_NUMBERS - 1);
  slots[SLOT_GAS] = (model_cap){one_in(w, 5) ? MODEL_QUOTA : MODEL_GAS, meter, NULL};
  slots[SLOT_QUOTA] = (model_cap){one_in(w, 8) ? MODEL_EMPTY : MODEL_QUOTA, 1 + random_below(w, 2), NULL};
  slots[SLOT_CATCHER] = (model_cap){MODEL_CATCHER, one_in(w, 2) ? CATCHERS - 1 : random_below(w, CATCHERS), NULL};
  slots[SLOT_MARKER] = slots[FILE_DATA] = (model_cap){MODEL_DATA, 0, NULL};
  for (uint32_t s = 4; s < 8; s++) slots[s] = some_cap(w, index);
  if (!one_in(w, 4))
    for (uint32_t s = 0; s < 4; s++)
      if (!one_in(w, 8)) slots[SETTER + s] = (model_cap){(model_kind)(MODEL_SET_GAS + s), 0, NULL};
  for (uint32_t s = 0; s < MODEL_SLOTS; s++) {
    javm_cap *value = value_of(w, slots[s]);
    if (value) values[count++] = (javm_slot_cap){s, value};
  }
  values[count] = (javm_slot_cap){0, NULL};
  w->instances[index] = model_add(&w->m, &w->programs[index], slots);
  w->caps[index] = guest_instance(&w->g, w->images[index], values);
  w->hashes[index] = guest_put(&w->g, w->caps[index]);
}

static void fill_catchers(world *w) {
  javm_hash keys[3] = {guest_hash(&w->g, guest_data(&w->g, "data"))};
  javm_kernel_hash(JAVM_KERNEL_OOG_MARKER, &keys[1]);
  javm_kernel_hash(JAVM_KERNEL_STORAGE_EXHAUSTED_MARKER, &keys[2]);
  for (unsigned set = 0; set < CATCHERS; set++)
    for (unsigned k = 0; k < 3; k++)
      if (set >> k & 1) guest_catches(&w->g, guest_kernel(&w->g, JAVM_KERNEL_YIELDCATCHER, set), &keys[k]);
}

static void set_numbers(world *w, uint64_t id) {
  uint64_t gas = random_below(w, one_in(w, 3) ? 30 : 400), bytes = random_below(w, 8) * 4096 + random_below(w, 2) * 100;
  model_set_meter(&w->m, id, gas);
  model_set_quota(&w->m, id, bytes);
  guest_set_meter(&w->g, id, gas);
  guest_set_quota(&w->g, id, bytes);
}

static void open_world(world *w, uint64_t seed) {
  memset(w, 0, sizeof *w);
  w->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
  guest_open(&w->g);
  model_init(&w->m);
  w->m.to_catcher = !one_in(w, 3);
  w->m.host_catches = one_in(w, 2);
  w->g.config.yield_mode = w->m.to_catcher ? JAVM_YIELD_TO_CATCHER : JAVM_YIELD_TO_HOST;
  w->g.config.host_catches_out_of_gas = w->m.host_catches;
  guest_vm(&w->g);
  fill_catchers(w);
  for (uint64_t id = 1; id < MODEL_NUMBERS; id++) set_numbers(w, id);
  for (int i = 0; i < PROGRAMS; i++) make_program(w, i);
  for (int i = 0; i < PROGRAMS; i++) make_instance(w, i);
}

/* ---- what must hold ---- */

static void check(world *w) {
  const model *m = &w->m;
  int64_t gas = (int64_t)model_budgets(m), bytes = 0;
  for (uint64_t id = 1; id < MODEL_NUMBERS; id++) {
    assert_int_equal(guest_meter(&w->g, id), m->meters[id]);
    assert_int_equal(guest_quota(&w->g, id), m->quotas[id]);
    gas += (int64_t)guest_meter(&w->g, id);
    bytes += (int64_t)guest_quota(&w->g, id);
  }
  assert_int_equal(w->gas_used, m->gas_spent);
  assert_int_equal(gas + (int64_t)w->gas_used, m->gas_in);
  assert_int_equal(bytes + m->quota_spent, m->quota_in);
  assert_depth(&w->g, m->depth);
}

/* ---- verbs ---- */

static void check_result(world *w, model_result expected) {
  static const javm_result_kind kinds[] = {JAVM_RESULT_HALT, JAVM_RESULT_FAULTED, JAVM_RESULT_PAUSED};
  static const javm_pause_kind pauses[] = {JAVM_PAUSE_YIELD, JAVM_PAUSE_OUT_OF_GAS, JAVM_PAUSE_QUOTA};
  const javm_result *r = &w->g.result;
  assert_int_equal(r->kind, kinds[expected]);
  assert_int_equal(r->gas_used, w->m.gas_used);
  w->gas_used += r->gas_used;
  if (expected == MODEL_PAUSED) {
    assert_int_equal(r->pause, pauses[w->m.pause]);
    return;
  }
  int root = w->paused_roots[--w->roots];
  if (expected == MODEL_FAULT) return;
  w->instances[root] = w->m.post;
  w->hashes[root] = r->instance;
}

static void invoke(world *w) {
  int root = PROGRAMS - 1 - (int)random_below(w, 3);
  uint64_t gas = random_below(w, 500);
  w->paused_roots[w->roots++] = root;
  javm_status status = javm_vm_invoke(w->g.vm, &w->hashes[root], 0, NO_ARGS, gas, guest_fresh(&w->g), &w->g.error);
  assert_int_equal(status, JAVM_OK);
  check_result(w, model_invoke(&w->m, w->instances[root], gas));
}

static void go_on(world *w) {
  switch (random_below(w, 8)) {
    case 0: set_numbers(w, 1 + random_below(w, MODEL_NUMBERS - 1)); return;
    case 1: {
      uint64_t gas = random_below(w, 100);
      assert_int_equal(javm_vm_add_gas(w->g.vm, gas), JAVM_OK);
      model_add_gas(&w->m, gas);
      return;
    }
    case 2:
      guest_drop(&w->g);
      check_result(w, model_drop(&w->m));
      return;
    case 3:
    case 4:
      if (model_is_paused_for_host(&w->m)) {
        assert_int_equal(javm_vm_deliver_yield(w->g.vm, guest_fresh(&w->g), &w->g.error), JAVM_NOT_PAUSED);
        return;
      }
      guest_deliver(&w->g);
      check_result(w, model_deliver(&w->m));
      return;
    default:
      guest_resume(&w->g, NULL);
      check_result(w, model_resume(&w->m));
      return;
  }
}

static void live(uint64_t seed, model_counts *total) {
  static world w;
  open_world(&w, seed);
  check(&w);
  for (int verb = 0; verb < VERBS; verb++) {
    if (model_is_paused(&w.m) && !one_in(&w, 5)) go_on(&w);
    else invoke(&w);
    check(&w);
  }
  javm_vm_free(w.g.vm); /* drops whatever is paused */
  w.g.vm = NULL;
  model_drop_all(&w.m);
  for (uint64_t id = 1; id < MODEL_NUMBERS; id++) {
    assert_int_equal(guest_meter(&w.g, id), w.m.meters[id]);
    assert_int_equal(guest_quota(&w.g, id), w.m.quotas[id]);
  }
  for (size_t i = 0; i < sizeof *total / sizeof(uint64_t); i++) ((uint64_t *)total)[i] += ((uint64_t *)&w.m.counts)[i];
  model_free(&w.m);
  guest_close(&w.g);
}

static uint64_t operations = QUICK, first_seed = 1, seed;
static bool done;

static int say_which(void **state) {
  (void)state;
  if (!done) print_error("it was world %llu\n", (unsigned long long)seed);
  return 0;
}

static void no_unit_is_made_or_lost(void **state) {
  (void)state;
  model_counts total = {0};
  for (seed = first_seed; total.operations < operations; seed++) live(seed, &total);
  done = true;
  print_message(
      "%llu worlds: %llu operations, %llu halts, %llu faults; yields: %llu, %llu for gas, %llu for quota; %llu "
      "resumed, %llu dropped; %llu numbers set, %llu handles minted, %llu undone, %llu of them in part\n",
      (unsigned long long)(seed - first_seed), (unsigned long long)total.operations, (unsigned long long)total.halts,
      (unsigned long long)total.faults, (unsigned long long)total.yields, (unsigned long long)total.gas_yields,
      (unsigned long long)total.quota_yields, (unsigned long long)total.resumes, (unsigned long long)total.drops,
      (unsigned long long)total.sets, (unsigned long long)total.mints, (unsigned long long)total.undone,
      (unsigned long long)total.short_undone);
  if (operations < QUICK) return;
  for (size_t i = 0; i < sizeof total / sizeof(uint64_t); i++) assert_true(((uint64_t *)&total)[i] > 0);
}

int main(int argc, char **argv) {
  if (argc > 1) operations = strtoull(argv[1], NULL, 10);
  if (argc > 2) first_seed = strtoull(argv[2], NULL, 10);
  const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(no_unit_is_made_or_lost, say_which)};
  return cmocka_run_group_tests_name("conservation", tests, NULL, NULL);
}
