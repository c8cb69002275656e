/*
 * Any text to the assembler. What it takes, it must give back: disassembled and assembled again, it is the same Image,
 * and its text is the same from then on.
 */
#include "check.h"

static void step_through(const javm_code *code) {
  char text[160], tiny[4];
  for (size_t pc = 0; pc < code->code_bytes + 2 && pc < 4096; pc++) {
    uint32_t length = javm_disassemble_at(code, (uint32_t)pc, text, sizeof text);
    CHECK(length >= 1 && length <= 25 && strlen(text) < sizeof text);
    CHECK(javm_disassemble_at(code, (uint32_t)pc, tiny, sizeof tiny) == length && strlen(tiny) < sizeof tiny);
  }
}

static void there_and_back(javm_dir *dir, javm_cap *image) {
  javm_hash hash, again;
  CHECK(javm_cap_hash(dir, image, &hash) == JAVM_OK);
  uint8_t *text = NULL;
  size_t size = 0;
  javm_error error;
  CHECK(javm_disassemble(dir, image, &text, &size, &error) == JAVM_OK);
  javm_cap *second = NULL;
  javm_status status = javm_assemble(dir, (const char *)text, size, JAVM_ISA_JAVM, &second, &error);
  if (status != JAVM_OK) fprintf(stderr, "%s: %s\n%.*s\n", javm_status_text(status), error.text, (int)size, text);
  CHECK(status == JAVM_OK);
  CHECK(javm_cap_hash(dir, second, &again) == JAVM_OK);
  if (memcmp(&hash, &again, sizeof hash)) fprintf(stderr, "%.*s\n", (int)size, text);
  CHECK(memcmp(&hash, &again, sizeof hash) == 0);
  javm_cap_release(dir, second);
  javm_free_bytes(javm_dir_allocator(dir), text, size);
}

static void assemble(const uint8_t *bytes, size_t size, const javm_allocator *a, bool starved) {
  javm_dir *dir = NULL;
  if (javm_dir_new(a, &dir) != JAVM_OK) {
    CHECK(starved);
    return;
  }
  javm_cap *image = NULL;
  javm_error error;
  javm_status status = javm_assemble(dir, (const char *)bytes, size, (javm_isa)(size % 3), &image, &error);
  if (status == JAVM_OK && !starved) {
    javm_image_spec spec;
    CHECK(javm_image_validate(dir, image, &error) == JAVM_OK);
    CHECK(javm_image_view(dir, image, &spec) == JAVM_OK);
    step_through(&spec.code);
    there_and_back(dir, image);
  } else if (status != JAVM_OK) {
    CHECK(image == NULL && error.status == status);
    CHECK(status == JAVM_SYNTAX || status == JAVM_INVALID_IMAGE || (starved && status == JAVM_OUT_OF_MEMORY));
  }
  javm_cap_release(dir, image);
  javm_dir_free(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  uint64_t mix = fuzz_mix(bytes, size);
  for (int starved = 0; starved < 2; starved++) {
    fuzz_heap heap;
    fuzz_heap_init(&heap);
    if (starved) heap.fail_from = mix / 1024 % 64, heap.fail_count = mix % 3 ? 1 : UINT64_MAX;
    assemble(bytes, size, &heap.allocator, starved);
    fuzz_heap_check_empty(&heap);
  }
  return 0;
}
