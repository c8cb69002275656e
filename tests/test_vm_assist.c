/* The in-process kernel assist (6-kernel.md 6) by its interface, and the kernel's Instances (6.1). */
#include <sodium.h>

#include "support/guest.h"

static guest g;
static const javm_assist *a;

static int setup(void **state) {
  (void)state;
  guest_open(&g);
  a = g.assist;
  return 0;
}

static int teardown(void **state) {
  (void)state;
  guest_close(&g);
  return 0;
}

static javm_hash key_of(uint8_t byte) {
  javm_hash hash = {{byte, 1}};
  return hash;
}

static void meters_and_quotas_are_missing_as_zero_and_give_the_previous_value(void **state) {
  (void)state;
  uint64_t previous = 99;
  assert_int_equal(a->gas_meter_get(a->ctx, 5), 0);
  assert_int_equal(a->gas_meter_set(a->ctx, 5, 10, &previous), JAVM_OK);
  assert_int_equal(previous, 0);
  assert_int_equal(a->gas_meter_set(a->ctx, 5, UINT64_MAX, &previous), JAVM_OK);
  assert_int_equal(previous, 10);
  assert_int_equal(a->gas_meter_get(a->ctx, 5), UINT64_MAX);
  assert_int_equal(a->storage_quota_get(a->ctx, 5), 0); /* of its own */
  assert_int_equal(a->storage_quota_set(a->ctx, 5, 7, &previous), JAVM_OK);
  assert_int_equal(previous, 0);
  assert_int_equal(a->storage_quota_get(a->ctx, 5), 7);
  const uint64_t ids[] = {9, 0, UINT64_MAX, 3, 4};
  for (size_t i = 0; i < 5; i++) assert_int_equal(a->gas_meter_set(a->ctx, ids[i], i + 1, &previous), JAVM_OK);
  for (size_t i = 0; i < 5; i++) assert_int_equal(a->gas_meter_get(a->ctx, ids[i]), i + 1);
  assert_int_equal(a->gas_meter_get(a->ctx, 5), UINT64_MAX);
}

static void catcher_numbers_are_never_given_twice(void **state) {
  (void)state;
  uint64_t first = a->yield_catcher_new(a->ctx), second = a->yield_catcher_new(a->ctx);
  assert_true(first != second);
  a->reset_block(a->ctx);
  uint64_t third = a->yield_catcher_new(a->ctx);
  assert_true(third != first && third != second);
}

static void markers_keep_their_order_without_duplicates(void **state) {
  (void)state;
  javm_hash catcher = key_of(1), other = key_of(2), m[] = {key_of(30), key_of(10), key_of(20)}, got;
  assert_int_equal(a->yield_catcher_count(a->ctx, &catcher), 0);
  for (int twice = 0; twice < 2; twice++)
    for (int i = 0; i < 3; i++) assert_int_equal(a->yield_catcher_add(a->ctx, &catcher, &m[i]), JAVM_OK);
  assert_int_equal(a->yield_catcher_count(a->ctx, &catcher), 3);
  for (size_t i = 0; i < 3; i++) {
    a->yield_catcher_marker(a->ctx, &catcher, i, &got);
    assert_same_hash(got, m[i]);
  }
  assert_int_equal(a->yield_catcher_count(a->ctx, &other), 0);
  a->yield_catcher_remove(a->ctx, &catcher, &m[0]);
  a->yield_catcher_remove(a->ctx, &catcher, &m[0]);
  a->yield_catcher_remove(a->ctx, &other, &m[0]);
  assert_int_equal(a->yield_catcher_count(a->ctx, &catcher), 2);
  a->yield_catcher_marker(a->ctx, &catcher, 0, &got);
  assert_same_hash(got, m[1]);
  assert_int_equal(a->yield_catcher_add(a->ctx, &catcher, &m[0]), JAVM_OK); /* now the last */
  a->yield_catcher_marker(a->ctx, &catcher, 2, &got);
  assert_same_hash(got, m[0]);
}

static void remove_where_there_is_no_catcher_at_all(void **state) {
  (void)state;
  javm_hash catcher = key_of(1), marker = key_of(2);
  a->yield_catcher_remove(a->ctx, &catcher, &marker);
  assert_int_equal(a->yield_catcher_count(a->ctx, &catcher), 0);
}

static void reset_block_forgets_meters_quotas_and_catchers(void **state) {
  (void)state;
  uint64_t id;
  javm_hash catcher = key_of(1), marker = key_of(2);
  guest_set_meter(&g, 1, 5);
  guest_set_quota(&g, 1, 5000);
  assert_int_equal(a->yield_catcher_add(a->ctx, &catcher, &marker), JAVM_OK);
  assert_int_equal(a->file_save(a->ctx, guest_data(&g, "x"), 1, 4096, &id), JAVM_OK);
  a->reset_block(a->ctx);
  assert_int_equal(guest_meter(&g, 1), 0);
  assert_int_equal(guest_quota(&g, 1), 0);
  assert_int_equal(a->yield_catcher_count(a->ctx, &catcher), 0);
  javm_cap *file;
  assert_int_equal(a->file_open(a->ctx, id, &file), JAVM_OK); /* files stay */
  javm_cap_release(g.dir, file);
}

static void files_are_saved_against_a_quota_and_opened_by_id(void **state) {
  (void)state;
  uint64_t first, second;
  javm_cap *file;
  guest_set_quota(&g, 3, 2 * 4096 + 1);
  assert_int_equal(a->file_save(a->ctx, guest_data(&g, "one"), 3, 4096, &first), JAVM_OK);
  assert_int_equal(a->file_save(a->ctx, guest_data(&g, "two"), 3, 4096, &second), JAVM_OK);
  assert_int_equal(guest_quota(&g, 3), 1);
  assert_int_equal(a->file_save(a->ctx, guest_data(&g, "three"), 3, 4096, &second), JAVM_OUT_OF_RANGE);
  assert_int_equal(guest_quota(&g, 3), 1);
  assert_true(first != second);
  assert_int_equal(a->file_open(a->ctx, first, &file), JAVM_OK);
  assert_same_cap(&g, file, guest_data(&g, "one"));
  javm_cap_release(g.dir, file);
  assert_int_equal(a->file_open(a->ctx, 1000, &file), JAVM_OUT_OF_RANGE);
}

static void fill(void) {
  uint64_t id;
  javm_hash catchers[] = {key_of(5), key_of(1)}, markers[] = {key_of(9), key_of(3), key_of(7)};
  for (uint64_t i = 0; i < 20; i++) guest_set_meter(&g, 1000 - i * 7, i + 1);
  for (uint64_t i = 0; i < 5; i++) guest_set_quota(&g, i * i, 8192);
  for (int c = 0; c < 2; c++)
    for (int m = 0; m < 3; m++) a->yield_catcher_add(a->ctx, &catchers[c], &markers[m]);
  a->yield_catcher_new(a->ctx);
  assert_int_equal(a->file_save(a->ctx, guest_data(&g, "file"), 4, 4096, &id), JAVM_OK);
  guest_put(&g, guest_data(&g, "file"));
}

static void export_and_import_carry_all_of_it(void **state) {
  (void)state;
  fill();
  uint8_t *bytes, *again;
  size_t size, size_again;
  javm_local_assist *other;
  const javm_allocator *allocator = javm_dir_allocator(g.dir);
  assert_int_equal(javm_local_assist_export(g.local, &bytes, &size), JAVM_OK);
  assert_int_equal(javm_local_assist_new(g.dir, &other), JAVM_OK);
  const javm_assist *b = javm_local_assist_interface(other);
  uint64_t previous;
  assert_int_equal(b->gas_meter_set(b->ctx, 77777, 5, &previous), JAVM_OK);
  assert_int_equal(javm_local_assist_import(other, bytes, size, &g.error), JAVM_OK);
  assert_int_equal(b->gas_meter_get(b->ctx, 77777), 0); /* replaced whole */
  assert_int_equal(b->gas_meter_get(b->ctx, 1000 - 19 * 7), 20);
  assert_int_equal(b->storage_quota_get(b->ctx, 4), 4096);
  assert_int_equal(b->yield_catcher_new(b->ctx), a->yield_catcher_new(a->ctx));
  javm_hash catcher = key_of(5), marker, expected = key_of(3);
  b->yield_catcher_marker(b->ctx, &catcher, 1, &marker);
  assert_same_hash(marker, expected);
  javm_cap *file;
  assert_int_equal(b->file_open(b->ctx, 0, &file), JAVM_OK);
  assert_same_cap(&g, file, guest_data(&g, "file"));
  javm_cap_release(g.dir, file);
  javm_free_bytes(allocator, bytes, size);
  assert_int_equal(javm_local_assist_export(g.local, &bytes, &size), JAVM_OK);
  assert_int_equal(javm_local_assist_export(other, &again, &size_again), JAVM_OK);
  assert_int_equal(size, size_again);
  assert_memory_equal(bytes, again, size);
  javm_free_bytes(allocator, bytes, size);
  javm_free_bytes(allocator, again, size_again);
  javm_local_assist_free(other);
}

static void import_takes_any_bytes(void **state) {
  (void)state;
  fill();
  uint8_t *bytes, *before, *now;
  size_t size, before_size, now_size;
  const javm_allocator *allocator = javm_dir_allocator(g.dir);
  assert_int_equal(javm_local_assist_export(g.local, &bytes, &size), JAVM_OK);
  assert_int_equal(javm_local_assist_export(g.local, &before, &before_size), JAVM_OK);
  for (size_t cut = 0; cut < size; cut++)
    assert_int_equal(javm_local_assist_import(g.local, bytes, cut, &g.error), JAVM_MALFORMED);
  assert_int_equal(javm_local_assist_export(g.local, &now, &now_size), JAVM_OK); /* a failure has changed nothing */
  assert_int_equal(now_size, before_size);
  assert_memory_equal(now, before, now_size);
  javm_free_bytes(allocator, now, now_size);
  for (size_t at = 0; at < size; at++) { /* one flipped bit: an error, or it exports as it was imported */
    bytes[at] ^= 0x80;
    javm_status status = javm_local_assist_import(g.local, bytes, size, &g.error);
    assert_true(status == JAVM_OK || status == JAVM_MALFORMED);
    if (status == JAVM_OK) {
      assert_int_equal(javm_local_assist_export(g.local, &now, &now_size), JAVM_OK);
      assert_int_equal(now_size, size);
      assert_memory_equal(now, bytes, size);
      javm_free_bytes(allocator, now, now_size);
    }
    bytes[at] ^= 0x80;
  }
  uint8_t longer[100];
  memset(longer, 0, sizeof longer);
  memcpy(longer, bytes, 8);
  assert_int_equal(javm_local_assist_import(g.local, longer, 8 + 5 * 8, &g.error), JAVM_OK); /* nothing in it */
  assert_int_equal(javm_local_assist_import(g.local, longer, 8 + 5 * 8 + 1, &g.error), JAVM_MALFORMED);
  assert_int_equal(javm_local_assist_import(g.local, NULL, 0, &g.error), JAVM_MALFORMED);
  javm_free_bytes(allocator, bytes, size);
  javm_free_bytes(allocator, before, before_size);
}

/* ---- 6.1: kernel Instances ---- */

static void chain_of_a_kernel_instance_is_the_hash_of_its_name(void **state) {
  (void)state;
#define X(name, text) "kernel:" text,
  static const char *const names[] = {JAVM_KERNEL_LIST(X)};
#undef X
  for (int k = 0; k < JAVM_KERNEL_COUNT; k++) {
    javm_hash expected, chain;
    crypto_generichash(expected.bytes, sizeof expected.bytes, (const unsigned char *)names[k], strlen(names[k]), NULL,
                       0);
    javm_kernel_hash((javm_kernel_image)k, &chain);
    assert_same_hash(chain, expected);
    javm_instance_spec spec = guest_view(&g, guest_kernel(&g, (javm_kernel_image)k, 12345));
    assert_same_hash(spec.image_hash_chain, expected);
    for (int i = 0; i < JAVM_REG_COUNT; i++) assert_int_equal(spec.regs[i], i == 7 ? 12345 : 0);
    assert_null(spec.image);
    assert_null(spec.root_cnode);
  }
}

static void kernel_instances_cannot_be_invoked(void **state) {
  (void)state;
  assert_int_equal(guest_try(&g, guest_kernel(&g, JAVM_KERNEL_GAS, 1), 0, NO_ARGS, GAS), JAVM_IMAGE_NOT_FOUND);
  assert_depth(&g, 0);
}

static void catchers_marker_list_is_not_in_its_value(void **state) {
  (void)state;
  javm_hash marker = key_of(8);
  javm_cap *catcher = guest_kernel(&g, JAVM_KERNEL_YIELDCATCHER, 4);
  javm_hash before = guest_hash(&g, catcher);
  guest_catches(&g, catcher, &marker);
  assert_same_hash(guest_hash(&g, guest_kernel(&g, JAVM_KERNEL_YIELDCATCHER, 4)), before);
  assert_int_equal(a->yield_catcher_count(a->ctx, &before), 1);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(meters_and_quotas_are_missing_as_zero_and_give_the_previous_value),
      T(catcher_numbers_are_never_given_twice),
      T(markers_keep_their_order_without_duplicates),
      T(remove_where_there_is_no_catcher_at_all),
      T(reset_block_forgets_meters_quotas_and_catchers),
      T(files_are_saved_against_a_quota_and_opened_by_id),
      T(export_and_import_carry_all_of_it),
      T(import_takes_any_bytes),
      T(chain_of_a_kernel_instance_is_the_hash_of_its_name),
      T(kernel_instances_cannot_be_invoked),
      T(catchers_marker_list_is_not_in_its_value),
  };
  return cmocka_run_group_tests_name("kernel assist", tests, NULL, NULL);
}
