/*
 * Any bytes as an ELF file for the linker, with and without what makes the code better; the Images that come out must be
 * valid and must do the same. Once with memory, once without from some point on.
 */
#include "check.h"

enum { GAS_LEFT = 36 };

typedef struct outcome {
  bool linked;
  bool depends_on_gas; /* it asked for it, or ran out of it: then the code's cost shows */
  javm_status status;
  javm_result_kind kind;
  uint64_t value;
  javm_exit fault;
} outcome;

static void look(void *ctx, const javm_trace_event *event) {
  outcome *out = ctx;
  if (event->kind == JAVM_TRACE_ECALL && event->number == GAS_LEFT) out->depends_on_gas = true;
}

/* Calls the first endpoint of a fresh Instance. */
static void run(javm_dir *dir, javm_cap *image, outcome *out) {
  static const uint64_t args[4] = {3, UINT64_C(0x8000000000000001), 0x10000, 7};
  javm_cap *instance = NULL;
  javm_vm *vm = NULL;
  javm_hash hash;
  javm_result result;
  javm_image_spec spec;
  javm_vm_config config;
  javm_vm_config_default(&config);
  config.trace = look;
  config.trace_ctx = out;
  out->status = javm_image_view(dir, image, &spec);
  uint8_t endpoint = out->status == JAVM_OK && spec.endpoint_count > 0 ? spec.endpoints[0].index : 0;
  if (out->status == JAVM_OK) out->status = javm_instance_genesis(dir, image, NULL, &instance, NULL);
  if (out->status == JAVM_OK) out->status = javm_dir_put(dir, instance, &hash, NULL);
  if (out->status == JAVM_OK) out->status = javm_vm_new(dir, &config, &vm, NULL);
  if (out->status == JAVM_OK) out->status = javm_vm_invoke(vm, &hash, endpoint, args, 20000, &result, NULL);
  if (out->status == JAVM_OK) {
    out->kind = result.kind;
    out->value = result.return_value;
    out->fault = result.fault;
    out->depends_on_gas |= result.kind == JAVM_RESULT_FAULTED && result.fault.kind == JAVM_EXIT_OUT_OF_GAS;
    javm_result_clear(dir, &result);
  }
  javm_vm_free(vm);
  javm_cap_release(dir, instance);
}

static void link(const uint8_t *bytes, size_t size, const javm_allocator *a, bool plain, bool starved, outcome *out) {
  memset(out, 0, sizeof *out);
  javm_dir *dir = NULL;
  if (javm_dir_new(a, &dir) != JAVM_OK) {
    CHECK(starved);
    return;
  }
  javm_link_config config;
  javm_link_config_default(&config);
  config.plain = plain;
  javm_cap *image = NULL;
  uint8_t *symbols = NULL;
  size_t symbols_bytes = 0;
  javm_error error;
  javm_status status = javm_link(dir, bytes, size, &config, &image, plain ? NULL : &symbols, &symbols_bytes, &error);
  CHECK(status != JAVM_INTERNAL);
  if (status == JAVM_OK) {
    out->linked = true;
    status = javm_image_validate(dir, image, NULL);
    CHECK(status == JAVM_OK || (starved && status == JAVM_OUT_OF_MEMORY) || status == JAVM_VALUE_NOT_FOUND);
    run(dir, image, out);
    javm_cap_release(dir, image);
  } else {
    CHECK(error.status == status && image == NULL && symbols == NULL);
    CHECK(status != JAVM_OUT_OF_MEMORY || starved);
  }
  javm_free_bytes(a, symbols, symbols_bytes);
  javm_dir_free(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  uint64_t mix = fuzz_mix(bytes, size);
  outcome plain, better, starved;
  fuzz_heap heap;
  fuzz_heap_init(&heap);
  link(bytes, size, &heap.allocator, false, false, &better);
  if (better.linked) { /* symbols may be refused where the code is good */
    link(bytes, size, &heap.allocator, true, false, &plain);
    CHECK(plain.linked && plain.status == better.status);
    if (plain.status == JAVM_OK && !plain.depends_on_gas && !better.depends_on_gas) {
      CHECK(plain.kind == better.kind);
      if (plain.kind == JAVM_RESULT_HALT) CHECK(plain.value == better.value);
      if (plain.kind == JAVM_RESULT_FAULTED) {
        CHECK(plain.fault.kind == better.fault.kind && plain.fault.address == better.fault.address);
      }
    }
  }
  fuzz_heap_check_empty(&heap);
  fuzz_heap_init(&heap);
  heap.fail_from = mix / 1024 % 64;
  heap.fail_count = mix % 3 ? 1 : UINT64_MAX;
  link(bytes, size, &heap.allocator, mix % 2, true, &starved);
  fuzz_heap_check_empty(&heap);
  return 0;
}
