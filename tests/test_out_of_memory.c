/* Every request for memory fails once, in every part of the library: a clean error, nothing lost, and it works after. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "javm.h"
#include "support/engine.h"
#include "support/failing_alloc.h"

/* Goes to `done` with the status of a call that failed. */
#define TRY(call)                                                                                                      \
  do {                                                                                                                 \
    status = (call);                                                                                                   \
    if (status != JAVM_OK) goto done;                                                                                  \
  } while (0)

/* Makes a call that failed for want of memory a second time: with one failure only, it then succeeds. */
#define TRY_TWICE(call)                                                                                                \
  do {                                                                                                                 \
    status = (call);                                                                                                   \
    if (status == JAVM_OUT_OF_MEMORY) status = (call);                                                                 \
    if (status != JAVM_OK) goto done;                                                                                  \
  } while (0)

/* ------------------------------------------------------------------------------------------- program and machine */

/* Stores a0 to each of a2 pages from a1 on, then `ecalli 5`. */
static const uint8_t fill_code[] = {123, 0x87, 149, 0x88, 0x00, 0x10, 149, 0x99, 0xff, 82, 0x09, 0xf7, 10, 5};
static const uint8_t fill_bitmask[] = {0x45, 0x12};

static javm_code fill_program(void) {
  return (javm_code){.code = fill_code,
                     .code_bytes = sizeof fill_code,
                     .bitmask = fill_bitmask,
                     .bitmask_bytes = sizeof fill_bitmask,
                     .isa = JAVM_ISA_JAVM};
}

static javm_status fill_pages(javm_machine *machine) {
  enum { PAGES = 70 };
  uint64_t *regs = javm_machine_regs(machine);
  uint32_t dirty[PAGES + 1], fault;
  uint64_t value = 0;
  javm_status status = javm_machine_map(machine, 0x10000, PAGES * JAVM_PAGE_BYTES, JAVM_ACCESS_WRITE);
  if (status == JAVM_OK) status = javm_machine_map(machine, 0x100000, JAVM_PAGE_BYTES, JAVM_ACCESS_READ);
  if (status == JAVM_OK) status = javm_machine_set_heap(machine, 0x200000, 0x210000);
  if (status == JAVM_OK) status = javm_machine_poke(machine, 0x100000, "constant", 8);
  if (status != JAVM_OK) return status;
  regs[7] = 77, regs[8] = 0x10000, regs[9] = PAGES;
  javm_machine_set_gas(machine, 1000000);
  javm_exit exit = javm_machine_run(machine, NULL, NULL);
  if (exit.kind == JAVM_EXIT_ERROR) exit = javm_machine_run(machine, NULL, NULL);
  if (exit.kind == JAVM_EXIT_ERROR) return exit.status;
  assert_int_equal(exit.kind, JAVM_EXIT_HOST_CALL);
  assert_int_equal(exit.number, 5);
  assert_int_equal(regs[8], 0x10000 + PAGES * JAVM_PAGE_BYTES);
  assert_int_equal(javm_machine_instructions(machine), 4 * PAGES + 1);
  size_t count = javm_machine_dirty_pages(machine, dirty, PAGES + 1);
  assert_in_range(count, PAGES, PAGES + 1);
  assert_int_equal(dirty[PAGES - 1], 0x10000 + (PAGES - 1) * JAVM_PAGE_BYTES);
  status = javm_machine_read(machine, dirty[PAGES - 1], &value, sizeof value, &fault);
  if (status == JAVM_OK) assert_int_equal(value, 77);
  return status;
}

static javm_status machine_scenario(const javm_allocator *a) {
  javm_program *program = NULL;
  javm_machine *machine = NULL;
  javm_program_config config;
  javm_error error;
  javm_status status;
  javm_code code = fill_program();
  javm_program_config_default(&config);
  config.allocator = a;
  test_choose_engine(&config.engine, &config.explicit_checks, &config.counts_instructions);
  TRY_TWICE(javm_program_new(&code, &config, &program, &error));
  assert_true(javm_program_is_block_start(program, 12));
  TRY_TWICE(javm_machine_new(program, a, &machine, &error));
  status = fill_pages(machine);
done:
  javm_machine_free(machine);
  javm_program_release(program);
  return status;
}

static void test_machine(void **state) {
  (void)state;
  for_each_failing_allocation(machine_scenario);
}

/* --------------------------------------------------------------------------------------------- standard programs */

static uint8_t *jam_bytes;
static size_t jam_size;
static const uint8_t jam_arguments[8] = {5, 0, 0, 0, 7, 0, 0, 0};

static int read_jam(void **state) {
  (void)state;
  FILE *file = fopen("tests/vectors/spi/add.jam", "rb");
  if (!file || fseek(file, 0, SEEK_END) != 0) return -1;
  long size = ftell(file);
  rewind(file);
  jam_bytes = malloc((size_t)size);
  jam_size = (size_t)size;
  bool ok = jam_bytes && fread(jam_bytes, 1, jam_size, file) == jam_size;
  fclose(file);
  return ok ? 0 : -1;
}

static int free_jam(void **state) {
  (void)state;
  free(jam_bytes);
  return 0;
}

/* The sum of the arguments is where a0 points. */
static javm_status run_jam(javm_machine *machine) {
  uint32_t sum = 0;
  javm_machine_set_gas(machine, 1000000);
  javm_exit exit = javm_machine_run(machine, NULL, NULL);
  if (exit.kind == JAVM_EXIT_ERROR) exit = javm_machine_run(machine, NULL, NULL);
  if (exit.kind == JAVM_EXIT_ERROR) return exit.status;
  assert_int_equal(exit.kind, JAVM_EXIT_HALT);
  javm_status status = javm_machine_read(machine, (uint32_t)javm_machine_regs(machine)[7], &sum, sizeof sum, NULL);
  if (status == JAVM_OK) assert_int_equal(sum, 12);
  return status;
}

static javm_status jam_scenario(const javm_allocator *a) {
  javm_jam jam;
  javm_program *program = NULL;
  javm_machine *machine = NULL;
  javm_program_config config;
  javm_error error;
  bool parsed = false;
  javm_status status;
  TRY_TWICE(javm_jam_parse(jam_bytes, jam_size, JAVM_ISA_JAM_0_7, a, &jam, &error));
  parsed = true;
  javm_program_config_default(&config);
  config.allocator = a;
  test_choose_engine(&config.engine, &config.explicit_checks, &config.counts_instructions);
  TRY_TWICE(javm_program_new(&jam.code, &config, &program, &error));
  TRY_TWICE(javm_machine_new(program, a, &machine, &error));
  TRY_TWICE(javm_jam_setup(&jam, jam_arguments, sizeof jam_arguments, machine, &error));
  status = run_jam(machine);
done:
  javm_machine_free(machine);
  javm_program_release(program);
  if (parsed) javm_jam_clear(a, &jam);
  return status;
}

static void test_jam(void **state) {
  (void)state;
  for_each_failing_allocation(jam_scenario);
}

static javm_status load_jam(javm_dir *dir, javm_cap **image) {
  javm_load_config config;
  javm_error error;
  javm_load_config_default(&config);
  config.arguments = jam_arguments;
  config.arguments_bytes = sizeof jam_arguments;
  javm_status status = javm_load(dir, jam_bytes, jam_size, &config, image, &error);
  return status == JAVM_OUT_OF_MEMORY ? javm_load(dir, jam_bytes, jam_size, &config, image, &error) : status;
}

/* The same as an Instance; then everything but the new one is swept away. */
static javm_status jam_vm_scenario(const javm_allocator *a) {
  javm_status status;
  javm_error error;
  javm_dir *dir = NULL;
  javm_vm *vm = NULL;
  javm_cap *image = NULL, *instance = NULL;
  javm_hash hash;
  javm_result result = {0};
  size_t removed = 0;
  TRY(javm_dir_new(a, &dir));
  TRY_TWICE(javm_vm_new(dir, NULL, &vm, &error));
  TRY(load_jam(dir, &image));
  TRY_TWICE(javm_instance_genesis(dir, image, NULL, &instance, &error));
  TRY_TWICE(javm_dir_put(dir, instance, &hash, &error));
  TRY_TWICE(javm_vm_invoke(vm, &hash, 0, (uint64_t[4]){0xfeff0000, 8}, 1000000, &result, &error));
  assert_int_equal(result.kind, JAVM_RESULT_HALT);
  javm_cap_release(dir, instance);
  instance = NULL;
  TRY_TWICE(javm_dir_sweep(dir, &result.instance, 1, &removed));
  assert_true(removed > 0);
  assert_true(javm_dir_has(dir, &result.instance));
done:
  if (dir) javm_result_clear(dir, &result);
  javm_cap_release(dir, image);
  javm_cap_release(dir, instance);
  javm_vm_free(vm);
  javm_dir_free(dir);
  return status;
}

static void test_jam_vm(void **state) {
  (void)state;
  for_each_failing_allocation(jam_vm_scenario);
}

/* -------------------------------------------------------------------------------------------------------- values */

static javm_status make_image(javm_dir *dir, javm_cap *pinned, javm_cap **image) {
  javm_image_spec spec;
  javm_error error;
  javm_image_spec_init(&spec);
  spec.code = fill_program();
  javm_endpoint endpoints[] = {{.index = 0, .entry_pc = 0}, {.index = 3, .entry_pc = 12, .arg_registers = 2}};
  javm_mapping mapping = {.start = 0x20000,
                          .size_bytes = 16 * JAVM_PAGE_BYTES,
                          .kind = JAVM_MAPPING_PERSISTENT,
                          .source_length = 1,
                          .source = {7}};
  javm_slot_cap pin = {9, pinned};
  spec.endpoints = endpoints, spec.endpoint_count = 2;
  spec.mappings = &mapping, spec.mapping_count = 1;
  spec.pinned = &pin, spec.pinned_count = 1;
  return javm_image_new(dir, &spec, image, &error);
}

/* Slot 300 of a CNode of 512 and slot 7 of one of 256, which holds it in slot 8. */
static javm_status make_cnode(javm_dir *dir, javm_cap *cap, javm_cap **out) {
  javm_status status;
  javm_cap *inner = NULL, *inner_full = NULL, *outer = NULL, *outer_half = NULL;
  TRY(javm_cnode_new(dir, 9, &inner));
  TRY_TWICE(javm_cnode_set(dir, inner, 300, cap, &inner_full));
  TRY(javm_cnode_new(dir, 8, &outer));
  TRY(javm_cnode_set(dir, outer, 7, cap, &outer_half));
  TRY_TWICE(javm_cnode_set(dir, outer_half, 8, inner_full, out));
done:
  javm_cap_release(dir, inner);
  javm_cap_release(dir, inner_full);
  javm_cap_release(dir, outer);
  javm_cap_release(dir, outer_half);
  return status;
}

static javm_status make_instance(javm_dir *dir, javm_cap **out) {
  uint8_t bytes[3 * JAVM_PAGE_BYTES + 5];
  javm_status status;
  javm_error error;
  javm_cap *data = NULL, *cnode = NULL, *image = NULL;
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7 + i / 251);
  TRY_TWICE(javm_data_new(dir, bytes, sizeof bytes, &data));
  TRY(make_cnode(dir, data, &cnode));
  TRY_TWICE(make_image(dir, data, &image));
  TRY_TWICE(javm_instance_genesis(dir, image, cnode, out, &error));
done:
  javm_cap_release(dir, data);
  javm_cap_release(dir, cnode);
  javm_cap_release(dir, image);
  return status;
}

static bool same(const javm_hash *a, const javm_hash *b) { return memcmp(a, b, sizeof *a) == 0; }

static javm_status values_scenario(const javm_allocator *a) {
  javm_status status;
  javm_error error;
  javm_hash hash, again;
  javm_dir *dir = NULL;
  javm_cap *instance = NULL, *found = NULL, *decoded = NULL, *kernel = NULL;
  uint8_t *bytes = NULL;
  size_t size = 0, removed;
  TRY_TWICE(javm_dir_new(a, &dir));
  TRY(make_instance(dir, &instance));
  TRY_TWICE(javm_cap_hash(dir, instance, &hash));
  TRY_TWICE(javm_dir_put(dir, instance, &again, &error));
  assert_true(same(&hash, &again));
  TRY_TWICE(javm_dir_get(dir, &hash, &found, &error));
  TRY_TWICE(javm_cap_encode(dir, found, &bytes, &size, &error));
  TRY_TWICE(javm_cap_decode(dir, bytes, size, &decoded, &error));
  TRY_TWICE(javm_cap_hash(dir, decoded, &again));
  assert_true(same(&hash, &again));
  TRY_TWICE(javm_kernel_instance(dir, JAVM_KERNEL_GAS, 17, &kernel));
  TRY_TWICE(javm_dir_put(dir, kernel, NULL, &error));
  TRY_TWICE(javm_dir_sweep(dir, &hash, 1, &removed));
  assert_true(javm_dir_has(dir, &hash));
done:
  javm_free_bytes(a, bytes, size);
  javm_cap_release(dir, instance);
  javm_cap_release(dir, found);
  javm_cap_release(dir, decoded);
  javm_cap_release(dir, kernel);
  javm_dir_free(dir);
  return status;
}

static void test_values(void **state) {
  (void)state;
  for_each_failing_allocation(values_scenario);
}

/* A bundle goes from one directory to another. */
static javm_status bundle_scenario(const javm_allocator *a) {
  javm_status status;
  javm_error error;
  javm_hash hash, again;
  javm_dir *from = NULL, *to = NULL;
  javm_cap *instance = NULL, *arrived = NULL, *loaded = NULL;
  javm_load_config config;
  uint8_t *bytes = NULL;
  size_t size = 0;
  javm_load_config_default(&config);
  TRY(javm_dir_new(a, &from));
  TRY(javm_dir_new(a, &to));
  TRY(make_instance(from, &instance));
  TRY_TWICE(javm_bundle_encode(from, instance, &bytes, &size, &error));
  TRY_TWICE(javm_bundle_decode(to, bytes, size, &arrived, &error));
  TRY(javm_cap_hash(from, instance, &hash));
  TRY(javm_cap_hash(to, arrived, &again));
  assert_true(same(&hash, &again));
  assert_true(javm_dir_has(to, &hash));
  TRY_TWICE(javm_load(to, bytes, size, &config, &loaded, &error));
done:
  javm_free_bytes(a, bytes, size);
  javm_cap_release(from, instance);
  javm_cap_release(to, arrived);
  javm_cap_release(to, loaded);
  javm_dir_free(from);
  javm_dir_free(to);
  return status;
}

static void test_bundle(void **state) {
  (void)state;
  for_each_failing_allocation(bundle_scenario);
}

/* ----------------------------------------------------------------------------------------------------- programs */

/* Slot 0 of the caller goes to the callee and back; the callee writes its memory; the caller writes its own. */
static const char callee_text[] = ".mapping persistent 0x20000 0x3000 slot 1\n"
                                  ".mapping ephemeral 0x40000 0x2000\n"
                                  ".mapping heap 0x50000 0x10000\n"
                                  ".quota_slot 4\n"
                                  ".initial 7 data \"text\" zero 5000 hex 0102\n"
                                  ".endpoint 0 work args=1\n"
                                  ".endpoint 1 ask\n"
                                  "work:\n"
                                  "  load_imm t0, 100\n"
                                  "  sbrk t0, t0\n"
                                  "  store_ind_u32 a0, [t0]\n"
                                  "  store_u64 a0, [0x20000]\n"
                                  "  store_u64 a0, [0x22000]\n"
                                  "  store_u8 a0, [0x40000]\n"
                                  "  ecalli 0\n"
                                  "ask:\n"
                                  "  load_imm a0, 3\n"
                                  "  ecalli 16\n" /* yield slot 3 */
                                  "  load_imm a0, 0x20000\n"
                                  "  load_imm a1, 5000\n"
                                  "  load_imm a2, 4\n"
                                  "  load_imm a3, 5\n"
                                  "  ecalli 23\n" /* mint_data to slot 5 */
                                  "  load_imm a0, 5\n"
                                  "  ecalli 35\n" /* emit */
                                  "  load_imm a0, 11\n"
                                  "  ecalli 0\n";
static const char caller_text[] = ".mapping persistent 0x10000 0x4000 slot 6\n"
                                  ".yield_marker_slot 2\n"
                                  ".endpoint 0 main args=2\n"
                                  "main:\n"
                                  "  move_reg a2, a0\n"
                                  "  store_u64 a0, [0x12000]\n"
                                  "  load_imm a0, 8\n"
                                  "  load_imm a1, 2\n"
                                  "  ecalli 5\n" /* mint_cnode in slot 8 */
                                  "  load_imm a0, 1\n"
                                  "  load_imm a1, 0x208\n"
                                  "  ecalli 1\n" /* copy slot 1 into its slot 1 */
                                  "  load_imm a0, 0x208\n"
                                  "  load_u64 a1, [0x11000]\n"
                                  "  ecalli 26\n" /* call it there */
                                  "  store_u64 a0, [0x10000]\n"
                                  "  load_imm t0, 0x11000\n"
                                  "  store_imm_ind_u64 [t0], 1\n" /* endpoint 1 next time */
                                  "  ecalli 0\n";

static javm_status assemble_scenario(const javm_allocator *a) {
  javm_status status;
  javm_error error;
  javm_hash hash, again;
  javm_dir *dir = NULL;
  javm_cap *image = NULL, *loaded = NULL;
  javm_load_config config;
  uint8_t *text = NULL;
  size_t size = 0;
  javm_load_config_default(&config);
  TRY(javm_dir_new(a, &dir));
  TRY_TWICE(javm_assemble(dir, callee_text, strlen(callee_text), JAVM_ISA_JAVM, &image, &error));
  TRY_TWICE(javm_disassemble(dir, image, &text, &size, &error));
  TRY_TWICE(javm_load(dir, text, size, &config, &loaded, &error));
  TRY_TWICE(javm_cap_hash(dir, image, &hash));
  TRY_TWICE(javm_cap_hash(dir, loaded, &again));
  assert_true(same(&hash, &again));
done:
  javm_free_bytes(a, text, size);
  javm_cap_release(dir, image);
  javm_cap_release(dir, loaded);
  javm_dir_free(dir);
  return status;
}

static void test_assemble(void **state) {
  (void)state;
  for_each_failing_allocation(assemble_scenario);
}

/* ----------------------------------------------------------------------------------------------------------- VM */

typedef struct world {
  javm_dir *dir;
  javm_local_assist *assist;
  javm_vm *vm;
  javm_hash caller;
} world;

/* slots := slots with cap in `slot`; consumes both. */
static javm_status fill_slot(javm_dir *dir, javm_cap **slots, uint32_t slot, javm_cap *cap) {
  javm_cap *next = NULL;
  javm_status status = javm_cnode_set(dir, *slots, slot, cap, &next);
  if (status == JAVM_OK) {
    javm_cap_release(dir, *slots);
    *slots = next;
  }
  javm_cap_release(dir, cap);
  return status;
}

/* The Instance of a text with these caps in slots 1, 2, ...; takes the caps. */
static javm_status make_guest(javm_dir *dir, const char *text, javm_cap **caps, size_t count, javm_cap **out) {
  javm_status status;
  javm_error error;
  javm_cap *image = NULL, *slots = NULL;
  size_t used = 0;
  TRY(javm_assemble(dir, text, strlen(text), JAVM_ISA_JAVM, &image, &error));
  TRY(javm_cnode_new(dir, 8, &slots));
  while (used < count) {
    javm_cap *cap = caps[used++];
    if (cap) TRY(fill_slot(dir, &slots, (uint32_t)used, cap));
  }
  TRY(javm_instance_genesis(dir, image, slots, out, &error));
done:
  while (used < count) javm_cap_release(dir, caps[used++]);
  javm_cap_release(dir, image);
  javm_cap_release(dir, slots);
  return status;
}

static javm_status make_assist(world *w, const javm_hash *catcher, const javm_hash *marker) {
  javm_status status;
  const javm_assist *assist = javm_local_assist_interface(w->assist);
  uint64_t previous;
  TRY_TWICE(assist->storage_quota_set(assist->ctx, 9, 1000000, &previous));
  TRY_TWICE(assist->yield_catcher_add(assist->ctx, catcher, marker));
done:
  return status;
}

static javm_status make_callers(world *w, javm_cap *catcher, javm_cap *marker, javm_cap *quota) {
  javm_status status;
  javm_error error;
  javm_cap *callee = NULL, *caller = NULL;
  TRY(make_guest(w->dir, callee_text, (javm_cap *[]){NULL, NULL, javm_cap_retain(marker), javm_cap_retain(quota)}, 4,
                 &callee));
  TRY(make_guest(w->dir, caller_text, (javm_cap *[]){javm_cap_retain(callee), javm_cap_retain(catcher)}, 2, &caller));
  TRY(javm_dir_put(w->dir, caller, &w->caller, &error));
done:
  javm_cap_release(w->dir, callee);
  javm_cap_release(w->dir, caller);
  return status;
}

static javm_status world_open(world *w, const javm_allocator *a) {
  javm_status status;
  javm_error error;
  javm_hash catcher_hash, marker_hash;
  javm_cap *catcher = NULL, *marker = NULL, *quota = NULL;
  javm_vm_config config;
  memset(w, 0, sizeof *w);
  TRY(javm_dir_new(a, &w->dir));
  TRY_TWICE(javm_local_assist_new(w->dir, &w->assist));
  javm_vm_config_default(&config);
  config.assist = javm_local_assist_interface(w->assist);
  TRY_TWICE(javm_vm_new(w->dir, &config, &w->vm, &error));
  TRY(javm_kernel_instance(w->dir, JAVM_KERNEL_YIELDCATCHER, 1, &catcher));
  TRY(javm_kernel_instance(w->dir, JAVM_KERNEL_QUOTA, 9, &quota));
  TRY(javm_data_new(w->dir, (const uint8_t *)"marker", 6, &marker));
  TRY(javm_cap_hash(w->dir, catcher, &catcher_hash));
  TRY(javm_cap_hash(w->dir, marker, &marker_hash));
  TRY(make_assist(w, &catcher_hash, &marker_hash));
  TRY(make_callers(w, catcher, marker, quota));
done:
  javm_cap_release(w->dir, catcher);
  javm_cap_release(w->dir, marker);
  javm_cap_release(w->dir, quota);
  return status;
}

static void world_close(world *w) {
  javm_vm_free(w->vm);
  javm_local_assist_free(w->assist);
  javm_dir_free(w->dir);
}

/* The state after the scenario, which must not depend on what failed on the way. */
static javm_hash final_state;
static bool has_final_state;

static void compare_final_state(const javm_hash *hash) {
  if (has_final_state) assert_true(same(hash, &final_state));
  final_state = *hash;
  has_final_state = true;
}

/* Yields, is resumed, mints a Data and emits it. */
static javm_status invoke_and_resume(world *w, const uint64_t args[4], javm_result *result) {
  javm_status status;
  javm_error error;
  TRY_TWICE(javm_vm_invoke(w->vm, &w->caller, 0, args, 1000000, result, &error));
  assert_int_equal(result->kind, JAVM_RESULT_PAUSED);
  assert_int_equal(result->pause, JAVM_PAUSE_YIELD);
  assert_non_null(result->payload);
  javm_result_clear(w->dir, result);
  TRY(javm_vm_check(w->vm, &error));
  TRY_TWICE(javm_vm_call_resume(w->vm, NULL, result, &error));
  assert_int_equal(result->kind, JAVM_RESULT_HALT);
  assert_int_equal(result->emit_count, 1);
  compare_final_state(&result->instance);
done:
  return status;
}

static javm_status vm_scenario(const javm_allocator *a) {
  javm_status status;
  javm_error error;
  javm_result result = {0};
  world w;
  const uint64_t args[4] = {5};
  uint8_t *exported = NULL;
  size_t size = 0;
  TRY(world_open(&w, a));
  TRY_TWICE(javm_vm_invoke(w.vm, &w.caller, 0, args, 1000000, &result, &error));
  assert_int_equal(result.kind, JAVM_RESULT_HALT);
  assert_int_equal(result.dirty_page_count, 3);
  w.caller = result.instance;
  javm_result_clear(w.dir, &result);
  TRY(invoke_and_resume(&w, args, &result));
  TRY_TWICE(javm_local_assist_export(w.assist, &exported, &size));
  TRY_TWICE(javm_local_assist_import(w.assist, exported, size, &error));
done:
  javm_free_bytes(a, exported, size);
  if (w.dir) javm_result_clear(w.dir, &result);
  world_close(&w);
  return status;
}

static void test_vm(void **state) {
  (void)state;
  has_final_state = false;
  for_each_failing_allocation(vm_scenario);
}

/* --------------------------------------------------------------------------------- host functions, all the verbs */

/* Asks the host, which answers later; calls a program that yields. Answers 16 * status of the call + the host's answer. */
static const char asker_text[] = ".yield_marker_slot 2\n"
                                 "  ecalli 64\n"
                                 "  move_reg s0, a0\n"
                                 "  load_imm a0, 1\n"
                                 "  load_imm a1, 1\n"
                                 "  ecalli 26\n"
                                 "  branch_ne_imm a1, 1, done\n"
                                 "  ecalli 28\n" /* drop_yield */
                                 "  fallthrough\n"
                                 "done:\n"
                                 "  shlo_l_imm_64 a1, a1, 4\n"
                                 "  add_64 a0, a1, s0\n"
                                 "  ecalli 0\n";

/* The first time: writes slot 20, reads it, and waits. */
static javm_host_action ask(void *ctx, javm_host_call *call) {
  javm_cap *marker = ctx, *held = NULL;
  if (javm_host_slot_set(call, 20, marker) != JAVM_OK) return JAVM_HOST_REFUSE;
  if (javm_host_slot_get(call, 20, &held) != JAVM_OK) return JAVM_HOST_REFUSE;
  javm_cap_release(javm_host_dir(call), held);
  return javm_host_charge(call, 10) == JAVM_OK ? JAVM_HOST_PAUSE : JAVM_HOST_REFUSE;
}

/* Goes on after an error: with the verb again, or, where it was past that, by call_resume. */
#define TRY_VERB(call)                                                                                                 \
  do {                                                                                                                 \
    status = (call);                                                                                                   \
    if (status == JAVM_OUT_OF_MEMORY) status = (call);                                                                 \
    if (status == JAVM_NOT_PAUSED) status = javm_vm_call_resume(w->vm, NULL, result, &error);                          \
    if (status != JAVM_OK) goto done;                                                                                  \
  } while (0)

static javm_status drive_verbs(world *w, bool drop, javm_result *result) {
  javm_status status;
  javm_error error;
  const uint64_t args[4] = {0}, answer = 9;
  TRY_TWICE(javm_vm_invoke(w->vm, &w->caller, 0, args, 1000000, result, &error));
  if (result->kind == JAVM_RESULT_FAULTED) { /* the host function had no memory and refused */
    javm_result_clear(w->dir, result);
    TRY(javm_vm_invoke(w->vm, &w->caller, 0, args, 1000000, result, &error));
    if (result->kind == JAVM_RESULT_FAULTED) return JAVM_OUT_OF_MEMORY;
  }
  assert_int_equal(result->kind, JAVM_RESULT_PAUSED);
  assert_int_equal(result->pause, JAVM_PAUSE_HOST_CALL);
  javm_result_clear(w->dir, result);
  TRY_VERB(javm_vm_complete_host_call(w->vm, &answer, 1, result, &error));
  assert_int_equal(result->kind, JAVM_RESULT_PAUSED);
  assert_int_equal(result->pause, JAVM_PAUSE_YIELD);
  javm_result_clear(w->dir, result);
  TRY(javm_vm_add_gas(w->vm, 1000));
  if (drop) {
    status = javm_vm_drop_paused(w->vm, result, &error);
    if (status == JAVM_OUT_OF_MEMORY) status = javm_vm_call_resume(w->vm, NULL, result, &error);
    if (status != JAVM_OK) goto done;
  } else {
    TRY_VERB(javm_vm_deliver_yield(w->vm, result, &error));
  }
  assert_int_equal(result->kind, JAVM_RESULT_HALT);
  assert_int_equal(result->return_value, drop ? 0x29 : 0x19);
done:
  return status;
}

static javm_status verbs_scenario(const javm_allocator *a, bool drop) {
  javm_status status;
  javm_error error;
  javm_result result = {0};
  javm_cap *asker = NULL, *callee = NULL, *catcher = NULL, *marker = NULL;
  world w;
  TRY(world_open(&w, a));
  TRY(javm_data_new(w.dir, (const uint8_t *)"marker", 6, &marker));
  TRY(javm_kernel_instance(w.dir, JAVM_KERNEL_YIELDCATCHER, 1, &catcher));
  TRY(make_guest(w.dir, callee_text, (javm_cap *[]){NULL, NULL, javm_cap_retain(marker)}, 3, &callee));
  TRY(make_guest(w.dir, asker_text, (javm_cap *[]){javm_cap_retain(callee), javm_cap_retain(catcher)}, 2, &asker));
  TRY(javm_dir_put(w.dir, asker, &w.caller, &error));
  TRY_TWICE(javm_vm_register(w.vm, 64, "ask", ask, marker));
  status = drive_verbs(&w, drop, &result);
done:
  if (w.dir) javm_result_clear(w.dir, &result);
  javm_cap_release(w.dir, asker);
  javm_cap_release(w.dir, callee);
  javm_cap_release(w.dir, catcher);
  javm_cap_release(w.dir, marker);
  world_close(&w);
  return status;
}

static javm_status deliver_scenario(const javm_allocator *a) { return verbs_scenario(a, false); }
static javm_status drop_scenario(const javm_allocator *a) { return verbs_scenario(a, true); }

static void test_deliver(void **state) {
  (void)state;
  for_each_failing_allocation(deliver_scenario);
}

static void test_drop(void **state) {
  (void)state;
  for_each_failing_allocation(drop_scenario);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_machine), cmocka_unit_test(test_jam),     cmocka_unit_test(test_jam_vm),
      cmocka_unit_test(test_values),  cmocka_unit_test(test_bundle),  cmocka_unit_test(test_assemble),
      cmocka_unit_test(test_vm),      cmocka_unit_test(test_deliver), cmocka_unit_test(test_drop),
  };
  return cmocka_run_group_tests_name("out of memory", tests, read_jam, free_jam);
}
