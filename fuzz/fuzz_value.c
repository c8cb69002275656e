/*
 * Any bytes as a value, as a bundle, and as an assist's state. What decodes must encode to the same bytes, have one
 * hash, and stand being looked at.
 */
#include "check.h"

static void look_at_data(javm_dir *dir, javm_cap *cap) {
  uint32_t pages;
  uint8_t bytes[100];
  javm_error error;
  CHECK(javm_data_page_count(dir, cap, &pages) == JAVM_OK);
  (void)javm_data_read(dir, cap, 4000, bytes, sizeof bytes, &error);
  CHECK(javm_data_read(dir, cap, (uint64_t)pages * JAVM_PAGE_BYTES - 1 + !pages, bytes, 2, &error) != JAVM_OK);
  CHECK(javm_data_read(dir, cap, UINT64_MAX, bytes, 2, &error) != JAVM_OK);
}

static void look_at_cnode(javm_dir *dir, javm_cap *cap) {
  unsigned size_log;
  CHECK(javm_cnode_size_log(dir, cap, &size_log) == JAVM_OK && size_log <= 16);
  for (uint32_t slot = 0; slot < 1u << size_log && slot < 300; slot++) {
    javm_cap *held = NULL;
    CHECK(javm_cnode_get(dir, cap, slot, &held) == JAVM_OK);
    javm_cap_release(dir, held);
  }
  javm_cap *out = NULL;
  CHECK(javm_cnode_get(dir, cap, 1u << size_log, &out) == JAVM_OUT_OF_RANGE);
  if (javm_cnode_set(dir, cap, 0, NULL, &out) == JAVM_OK) javm_cap_release(dir, out);
}

static void look_at_instance(javm_dir *dir, javm_cap *cap) {
  javm_instance_spec spec;
  CHECK(javm_instance_view(dir, cap, &spec) == JAVM_OK);
  for (size_t k = 0; k < spec.overlay_count; k++) {
    uint32_t start;
    javm_cap *data = NULL;
    CHECK(javm_instance_overlay(dir, cap, k, &start, &data) == JAVM_OK);
    look_at_data(dir, data);
    javm_cap_release(dir, data);
  }
}

static void look_at_image(javm_dir *dir, javm_cap *cap) {
  javm_image_spec spec;
  javm_error error;
  CHECK(javm_image_view(dir, cap, &spec) == JAVM_OK);
  javm_status status = javm_image_validate(dir, cap, &error);
  CHECK(status == JAVM_OK || status == JAVM_INVALID_IMAGE || status == JAVM_VALUE_NOT_FOUND);
  if (status != JAVM_OK) return;
  javm_cap *again = NULL, *instance = NULL;
  status = javm_image_new(dir, &spec, &again, &error);
  CHECK(status == JAVM_OK || status == JAVM_VALUE_NOT_FOUND);
  if (status != JAVM_OK) return;
  javm_hash a, b;
  CHECK(javm_cap_hash(dir, cap, &a) == JAVM_OK && javm_cap_hash(dir, again, &b) == JAVM_OK);
  CHECK(memcmp(&a, &b, sizeof a) == 0);
  if (javm_instance_genesis(dir, again, NULL, &instance, &error) == JAVM_OK) look_at_instance(dir, instance);
  javm_cap_release(dir, instance);
  javm_cap_release(dir, again);
}

static void look(javm_dir *dir, javm_cap *cap) {
  javm_hash chain;
  switch (javm_cap_kind(cap)) {
    case JAVM_KIND_INSTANCE: look_at_instance(dir, cap); break;
    case JAVM_KIND_IMAGE: look_at_image(dir, cap); break;
    case JAVM_KIND_DATA: look_at_data(dir, cap); break;
    case JAVM_KIND_CNODE: look_at_cnode(dir, cap); break;
    case JAVM_KIND_TYPE: CHECK(javm_type_chain(dir, cap, &chain) == JAVM_OK); break;
    case JAVM_KIND_CONTINUATION:
    case JAVM_KIND_FRAME: break; /* nothing to look at but hash and bytes */
    case JAVM_KIND_ABSENT: CHECK(!"a decoded value is there");
  }
}

/* Encodes and decodes once more: same bytes, same hash. */
static void there_and_back(javm_dir *dir, javm_cap *cap, const uint8_t *bytes, size_t size) {
  const javm_allocator *a = javm_dir_allocator(dir);
  javm_hash first, second;
  uint8_t *out = NULL;
  size_t out_size = 0;
  CHECK(javm_cap_encode(dir, cap, &out, &out_size, NULL) == JAVM_OK);
  CHECK(out_size == size && memcmp(out, bytes, size) == 0);
  CHECK(javm_cap_hash(dir, cap, &first) == JAVM_OK);
  javm_cap *again = NULL;
  CHECK(javm_cap_decode(dir, out, out_size, &again, NULL) == JAVM_OK);
  CHECK(javm_cap_hash(dir, again, &second) == JAVM_OK);
  CHECK(memcmp(&first, &second, sizeof first) == 0);
  javm_cap_release(dir, again);
  javm_free_bytes(a, out, out_size);
}

static void as_value(javm_dir *dir, const uint8_t *bytes, size_t size, bool starved) {
  javm_cap *cap = NULL;
  javm_error error;
  javm_status status = javm_cap_decode(dir, bytes, size, &cap, &error);
  if (status != JAVM_OK) {
    CHECK(cap == NULL && error.status == status);
    CHECK(status == JAVM_MALFORMED || (starved && status == JAVM_OUT_OF_MEMORY));
    CHECK(status != JAVM_MALFORMED || error.offset <= size);
    return;
  }
  javm_hash hash;
  if (starved) {
    (void)javm_cap_hash(dir, cap, &hash);
    (void)javm_dir_put(dir, cap, &hash, NULL);
  } else {
    CHECK(javm_dir_count(dir) == 0);
    there_and_back(dir, cap, bytes, size);
    look(dir, cap);
    CHECK(javm_dir_put(dir, cap, &hash, NULL) == JAVM_OK && javm_dir_has(dir, &hash));
  }
  javm_cap_release(dir, cap);
}

static void as_bundle(javm_dir *dir, const uint8_t *bytes, size_t size, bool starved) {
  javm_cap *cap = NULL, *again = NULL;
  javm_error error;
  javm_status status = javm_bundle_decode(dir, bytes, size, &cap, &error);
  if (status != JAVM_OK) {
    CHECK(cap == NULL && error.status == status);
    CHECK(status == JAVM_MALFORMED || status == JAVM_HASH_MISMATCH || (starved && status == JAVM_OUT_OF_MEMORY));
    return;
  }
  uint8_t *out = NULL;
  size_t out_size = 0;
  javm_hash first, second;
  if (!starved) {
    CHECK(javm_cap_hash(dir, cap, &first) == JAVM_OK);
    CHECK(javm_bundle_encode(dir, cap, &out, &out_size, NULL) == JAVM_OK);
    CHECK(javm_bundle_decode(dir, out, out_size, &again, NULL) == JAVM_OK);
    CHECK(javm_cap_hash(dir, again, &second) == JAVM_OK);
    CHECK(memcmp(&first, &second, sizeof first) == 0);
    javm_free_bytes(javm_dir_allocator(dir), out, out_size);
    javm_cap_release(dir, again);
  }
  javm_cap_release(dir, cap);
  size_t removed;
  if (javm_dir_sweep(dir, NULL, 0, &removed) == JAVM_OK) CHECK(javm_dir_count(dir) == 0);
}

static void as_assist(javm_dir *dir, const uint8_t *bytes, size_t size, bool starved) {
  javm_local_assist *assist = NULL;
  javm_status status = javm_local_assist_new(dir, &assist);
  CHECK(status == JAVM_OK || starved);
  if (status != JAVM_OK) return;
  javm_error error;
  status = javm_local_assist_import(assist, bytes, size, &error);
  CHECK(status == JAVM_OK || error.status == status);
  CHECK(status == JAVM_OK || status == JAVM_MALFORMED || (starved && status == JAVM_OUT_OF_MEMORY));
  uint8_t *out = NULL;
  size_t out_size = 0;
  if (status == JAVM_OK && javm_local_assist_export(assist, &out, &out_size) == JAVM_OK) {
    CHECK(out_size == size && memcmp(out, bytes, size) == 0);
    javm_free_bytes(javm_dir_allocator(dir), out, out_size);
  }
  javm_local_assist_free(assist);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static void (*const as[])(javm_dir *, const uint8_t *, size_t, bool) = {as_value, as_bundle, as_assist};
  uint64_t mix = fuzz_mix(bytes, size);
  for (int n = 0; n < 6; n++) {
    bool starved = n % 2;
    fuzz_heap heap;
    fuzz_heap_init(&heap);
    if (starved) heap.fail_from = mix / 1024 % 24, heap.fail_count = mix % 3 ? 1 : UINT64_MAX;
    javm_dir *dir = NULL;
    if (javm_dir_new(&heap.allocator, &dir) == JAVM_OK) {
      as[n / 2](dir, bytes, size, starved);
      javm_dir_free(dir);
    } else {
      CHECK(starved);
    }
    fuzz_heap_check_empty(&heap);
  }
  return 0;
}
