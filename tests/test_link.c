/* javm_link through the public header: its contract about ownership, memory and what it makes. What it says of programs
 * is in tests/link. The ELF files are the fuzzer's seeds. */
#include <stdio.h>
#include <stdlib.h>

#include "support/failing_alloc.h"
#include "support/guest.h"

typedef struct file {
  uint8_t *bytes;
  size_t size_bytes;
} file;

static file read_file(const char *name) {
  char path[256];
  file f = {NULL, 0};
  snprintf(path, sizeof path, "tests/corpus/link/%s", name);
  FILE *in = fopen(path, "rb");
  assert_non_null(in);
  fseek(in, 0, SEEK_END);
  f.size_bytes = (size_t)ftell(in);
  rewind(in);
  f.bytes = malloc(f.size_bytes);
  assert_non_null(f.bytes);
  assert_int_equal(fread(f.bytes, 1, f.size_bytes, in), f.size_bytes);
  fclose(in);
  return f;
}

static file elf;

static javm_status link_once(const javm_allocator *allocator) {
  javm_dir *dir = NULL;
  javm_cap *image = NULL;
  uint8_t *symbols = NULL;
  size_t symbols_bytes = 0;
  javm_error error;
  javm_status status = javm_dir_new(allocator, &dir);
  if (status != JAVM_OK) return status;
  status = javm_link(dir, elf.bytes, elf.size_bytes, NULL, &image, &symbols, &symbols_bytes, &error);
  if (status != JAVM_OK) {
    assert_int_equal(error.status, status);
    assert_null(image);
    assert_null(symbols);
  }
  javm_free_bytes(allocator, symbols, symbols_bytes);
  javm_cap_release(dir, image);
  javm_dir_free(dir);
  return status;
}

static void out_of_memory_at_every_allocation(void **state) {
  (void)state;
  static const char *const names[] = {"c_O0.elf", "c_O2.elf", "asm.elf", "debug.elf"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    elf = read_file(names[i]);
    for_each_failing_allocation(link_once);
    free(elf.bytes);
  }
}

static javm_cap *link_with(guest *g, const char *name, const javm_link_config *config) {
  javm_cap *image = NULL;
  file f = read_file(name);
  assert_int_equal(javm_link(g->dir, f.bytes, f.size_bytes, config, &image, NULL, NULL, &g->error), JAVM_OK);
  free(f.bytes);
  return guest_own(g, image);
}

static void the_same_file_gives_the_same_image(void **state) {
  (void)state;
  guest g;
  guest_open(&g);
  assert_same_cap(&g, link_with(&g, "c_O2.elf", NULL), link_with(&g, "c_O2.elf", NULL));
  guest_close(&g);
}

static void plain_code_and_better_code_give_the_same_answers(void **state) {
  (void)state;
  static const char *const names[] = {"c_O0.elf", "c_O2.elf", "c_Os.elf", "debug.elf", "asm.elf", "asm-mno-relax.elf"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    guest g;
    javm_link_config config;
    guest_open(&g);
    javm_link_config_default(&config);
    guest_invoke(&g, guest_instance(&g, link_with(&g, names[i], &config), NO_SLOTS), 0, ARGS(9, 5), GAS);
    assert_int_equal(g.result.kind, JAVM_RESULT_HALT);
    uint64_t value = g.result.return_value, instructions = g.result.instructions;
    config.plain = true;
    guest_invoke(&g, guest_instance(&g, link_with(&g, names[i], &config), NO_SLOTS), 0, ARGS(9, 5), GAS);
    assert_halted(&g, value);
    assert_true(g.result.instructions > instructions);
    guest_close(&g);
  }
}

static void data_is_persistent_and_the_image_is_not_changed_by_a_run(void **state) {
  (void)state;
  guest g;
  guest_open(&g);
  javm_cap *image = link_with(&g, "c_O2.elf", NULL), *instance = guest_instance(&g, image, NO_SLOTS);
  guest_invoke(&g, instance, 0, ARGS(0, 5), GAS); /* adds 5 to a counter that starts at 7, and gives it */
  assert_halted(&g, 12);
  guest_invoke(&g, guest_post(&g), 0, ARGS(0, 5), GAS);
  assert_halted(&g, 17);
  guest_invoke(&g, instance, 0, ARGS(0, 5), GAS);
  assert_halted(&g, 12);
  guest_close(&g);
}

static void an_image_has_what_the_program_declares(void **state) {
  (void)state;
  guest g;
  javm_image_spec spec;
  guest_open(&g);
  assert_int_equal(javm_image_view(g.dir, link_with(&g, "c_O2.elf", NULL), &spec), JAVM_OK);
  assert_int_equal(spec.endpoint_count, 2);
  assert_int_equal(spec.endpoints[0].index, 0);
  assert_int_equal(spec.endpoints[1].index, 3);
  assert_int_equal(spec.endpoints[1].initial_regs[0], 0xffff0000);
  assert_int_equal(spec.gas_slot_count, 1);
  assert_int_equal(spec.gas_slots[0], 5);
  assert_int_equal(spec.initial_count, 2); /* slot 4 by declaration, slot 254 or so for .data */
  assert_int_equal(spec.initial[0].slot, 4);
  assert_int_equal(spec.pinned_count, 1); /* .rodata */
  assert_int_equal(spec.mapping_count, 3);
  assert_int_equal(spec.mappings[0].start, 0x10000);
  const javm_mapping *stack = &spec.mappings[2];
  assert_int_equal(stack->kind, JAVM_MAPPING_EPHEMERAL);
  assert_int_equal(stack->size_bytes, 8192); /* JAVM_STACK_SIZE */
  assert_int_equal(stack->start, spec.mappings[1].start + spec.mappings[1].size_bytes + JAVM_PAGE_BYTES);
  /* 16 bytes are the linker's; φ[1] is 128 above sp */
  assert_int_equal(spec.endpoints[0].initial_regs[1], stack->start + stack->size_bytes - 16 + 128);
  guest_close(&g);
}

static void sizes_of_the_caller_win(void **state) {
  (void)state;
  guest g;
  javm_link_config config;
  javm_image_spec spec;
  guest_open(&g);
  javm_link_config_default(&config);
  config.has_stack_bytes = config.has_heap_bytes = true;
  config.stack_bytes = 12289;
  config.heap_bytes = 1;
  assert_int_equal(javm_image_view(g.dir, link_with(&g, "c_O2.elf", &config), &spec), JAVM_OK);
  assert_int_equal(spec.mapping_count, 4);
  assert_int_equal(spec.mappings[2].size_bytes, 16384);
  assert_int_equal(spec.mappings[3].kind, JAVM_MAPPING_HEAP);
  assert_int_equal(spec.mappings[3].size_bytes, 4096);
  assert_int_equal(spec.mappings[3].start, spec.mappings[2].start + 16384 + JAVM_PAGE_BYTES);
  guest_close(&g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(out_of_memory_at_every_allocation),
      cmocka_unit_test(the_same_file_gives_the_same_image),
      cmocka_unit_test(plain_code_and_better_code_give_the_same_answers),
      cmocka_unit_test(data_is_persistent_and_the_image_is_not_changed_by_a_run),
      cmocka_unit_test(an_image_has_what_the_program_declares),
      cmocka_unit_test(sizes_of_the_caller_win),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
