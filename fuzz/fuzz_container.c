/*
 * Any bytes as a container: as a JAM program, set up and run for a little; and as whatever javm_load takes them for.
 * Once with memory, once without from some point on.
 */
#include "check.h"

static void run_program(const javm_jam *jam, const javm_allocator *a, uint64_t mix, bool starved) {
  javm_program_config config;
  javm_program_config_default(&config);
  config.gas_model = (javm_gas_model)(mix % 3);
  config.allocator = a;
  javm_program *program = NULL;
  javm_machine *machine = NULL;
  javm_status status = javm_program_new(&jam->code, &config, &program, NULL);
  CHECK(status == JAVM_OK || (starved && status == JAVM_OUT_OF_MEMORY));
  if (status == JAVM_OK) status = javm_machine_new(program, a, &machine, NULL);
  CHECK(status == JAVM_OK || (starved && status == JAVM_OUT_OF_MEMORY));
  if (status == JAVM_OK && jam->is_standard) {
    static const uint8_t arguments[] = {1, 2, 3, 4, 5};
    status = javm_jam_setup(jam, arguments, mix % 7 < 6 ? mix % 7 : 0, machine, NULL);
    CHECK(status == JAVM_OK || (starved && status == JAVM_OUT_OF_MEMORY));
  }
  if (status == JAVM_OK) {
    javm_machine_set_pc(machine, mix % 5 == 0 ? 0 : 5 * (uint32_t)(mix % 2));
    javm_machine_set_gas(machine, 3000);
    javm_exit exit;
    for (int n = 0; n < 8; n++) {
      exit = javm_machine_run(machine, NULL, NULL);
      if (exit.kind == JAVM_EXIT_HOST_CALL) javm_machine_regs(machine)[7] = mix;
      else if (exit.kind != JAVM_EXIT_ECALL) break;
    }
    CHECK(exit.kind != JAVM_EXIT_ERROR || starved);
    uint32_t pages[4];
    (void)javm_machine_dirty_pages(machine, pages, 4);
  }
  javm_machine_free(machine);
  javm_program_release(program);
}

static void as_program(const uint8_t *bytes, size_t size, const javm_allocator *a, uint64_t mix, bool starved) {
  javm_jam jam;
  javm_error error;
  javm_status status = javm_jam_parse(bytes, size, (javm_isa)(mix / 8 % 3), a, &jam, &error);
  if (status != JAVM_OK) {
    CHECK(status == JAVM_MALFORMED || (starved && status == JAVM_OUT_OF_MEMORY));
    CHECK(error.status == status && error.offset <= size);
    return;
  }
  run_program(&jam, a, mix, starved);
  javm_jam_clear(a, &jam);
}

/* What was loaded, looked at. */
static void look(javm_dir *dir, javm_cap *cap, bool starved) {
  javm_hash hash, again;
  javm_status status = javm_cap_hash(dir, cap, &hash);
  CHECK(status == JAVM_OK || starved);
  if (status != JAVM_OK) return;
  status = javm_dir_put(dir, cap, &again, NULL);
  CHECK(status == JAVM_OK || starved);
  if (status == JAVM_OK) CHECK(memcmp(&hash, &again, sizeof hash) == 0 && javm_dir_has(dir, &hash));
  javm_image_spec spec;
  if (javm_cap_kind(cap) == JAVM_KIND_IMAGE) CHECK(javm_image_view(dir, cap, &spec) == JAVM_OK);
}

static void as_anything(const uint8_t *bytes, size_t size, const javm_allocator *a, uint64_t mix, bool starved) {
  javm_dir *dir = NULL;
  if (javm_dir_new(a, &dir) != JAVM_OK) {
    CHECK(starved);
    return;
  }
  javm_load_config config;
  javm_load_config_default(&config);
  config.has_isa = mix % 2;
  config.isa = (javm_isa)(mix / 8 % 3);
  config.arguments = bytes;
  config.arguments_bytes = mix / 64 % 2 && size > 3 ? 3 : 0;
  config.entry_pc = mix / 128 % 4 == 0 ? 5 : 0;
  javm_cap *cap = NULL;
  javm_error error;
  javm_status status = javm_load(dir, bytes, size, &config, &cap, &error);
  if (status == JAVM_OK) {
    look(dir, cap, starved);
    javm_cap_release(dir, cap);
  } else {
    CHECK(error.status == status && cap == NULL);
    CHECK(status != JAVM_OUT_OF_MEMORY || starved);
    CHECK(status != JAVM_INTERNAL);
  }
  javm_dir_free(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  uint64_t mix = fuzz_mix(bytes, size);
  for (int starved = 0; starved < 2; starved++) {
    fuzz_heap heap;
    fuzz_heap_init(&heap);
    if (starved) heap.fail_from = mix / 1024 % 24, heap.fail_count = mix % 3 ? 1 : UINT64_MAX;
    as_program(bytes, size, &heap.allocator, mix, starved);
    fuzz_heap_check_empty(&heap);
    as_anything(bytes, size, &heap.allocator, mix, starved);
    fuzz_heap_check_empty(&heap);
  }
  return 0;
}
