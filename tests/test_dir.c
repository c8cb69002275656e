/* The cache directory, bundles, want of memory and threads (3-values.md 3.4). Each test is named after the sentence that it
 * checks. */
#include <pthread.h>

#include "support/cap_samples.h"
#include "support/failing_alloc.h"

static void put_hashes_and_inserts_and_is_idempotent(void **state) {
  javm_dir *dir = *state;
  samples s = make_samples(dir), twin = make_samples(dir);
  javm_hash h, want = hash_of(dir, s.instance);
  assert_false(javm_dir_has(dir, &want));
  ok(javm_dir_put(dir, s.instance, &h, NULL));
  same_hash(&h, &want);
  /* Instance, Image, CNode, two Data; pages: hello's, and two different ones of big and the overlay. */
  assert_int_equal(javm_dir_count(dir), 5 + 3);
  ok(javm_dir_put(dir, s.instance, NULL, NULL));
  ok(javm_dir_put(dir, twin.instance, NULL, NULL)); /* the same values, made again */
  assert_int_equal(javm_dir_count(dir), 5 + 3);
  javm_cap *got;
  ok(javm_dir_get(dir, &h, &got, NULL));
  assert_ptr_equal(got, s.instance);
  javm_cap_release(dir, got);
  javm_hash cnode = hash_of(dir, s.cnode);
  assert_true(javm_dir_has(dir, &cnode));
  clear_samples(dir, &s);
  clear_samples(dir, &twin);
}

static bool count_kind(void *ctx, const javm_hash *hash, javm_kind kind) {
  (void)hash;
  ((size_t *)ctx)[kind]++;
  return true;
}

static bool stop_at_once(void *ctx, const javm_hash *hash, javm_kind kind) {
  (void)hash, (void)kind;
  return ++*(size_t *)ctx < 1;
}

static void values_and_pages_are_counted_and_visited(void **state) {
  javm_dir *dir = *state;
  samples s = make_samples(dir);
  ok(javm_dir_put(dir, s.instance, NULL, NULL));
  size_t kinds[6] = {0}, visits = 0;
  javm_dir_each(dir, count_kind, kinds);
  static const size_t want[] = {1, 1, 2, 1, 0, 3};
  assert_memory_equal(kinds, want, sizeof want);
  javm_dir_each(dir, stop_at_once, &visits);
  assert_int_equal(visits, 1);
  clear_samples(dir, &s);
}

static void a_page_is_a_blob_of_its_own_under_its_flat_hash(void **state) {
  javm_dir *dir = *state;
  samples s = make_samples(dir);
  uint8_t back[JAVM_PAGE_BYTES];
  javm_hash h, want;
  jv_hash(&want, s.pages, JAVM_PAGE_BYTES);
  ok(javm_dir_put_page(dir, s.pages, &h));
  same_hash(&h, &want);
  ok(javm_dir_put_page(dir, s.pages, NULL));
  assert_int_equal(javm_dir_count(dir), 1);
  ok(javm_dir_get_page(dir, &h, back, NULL));
  assert_memory_equal(back, s.pages, sizeof back);
  javm_cap *cap;
  assert_int_equal(javm_dir_get(dir, &h, &cap, NULL), JAVM_VALUE_NOT_FOUND); /* it is no value */
  h = hash_of(dir, s.hello);
  ok(javm_dir_put(dir, s.hello, NULL, NULL));
  assert_int_equal(javm_dir_get_page(dir, &h, back, NULL), JAVM_VALUE_NOT_FOUND);
  clear_samples(dir, &s);
}

static void a_miss_carries_the_hash_and_the_value_can_come_later(void **state) {
  javm_dir *dir = *state, *other;
  samples s = make_samples(dir);
  ok(javm_dir_new(NULL, &other));
  uint8_t *bytes, back[5];
  size_t size;
  javm_hash h = hash_of(dir, s.hello), page;
  ok(javm_cap_encode(dir, s.hello, &bytes, &size, NULL));
  javm_cap *ref = by_hash(other, &h), *value;
  assert_int_equal(javm_cap_kind(ref), JAVM_KIND_ABSENT);
  javm_error error;
  assert_int_equal(javm_data_read(other, ref, 0, back, 5, &error), JAVM_VALUE_NOT_FOUND);
  same_hash(&error.hash, &h);
  assert_int_equal(javm_dir_put(other, ref, NULL, &error), JAVM_VALUE_NOT_FOUND);
  ok(javm_cap_decode(other, bytes, size, &value, NULL));
  ok(javm_dir_put(other, value, NULL, NULL));
  javm_cap_release(other, value);
  assert_int_equal(javm_data_read(other, ref, 0, back, 5, &error), JAVM_VALUE_NOT_FOUND);
  uint8_t content[JAVM_PAGE_BYTES] = "hello";
  jv_hash(&page, content, sizeof content);
  same_hash(&error.hash, &page); /* now only its page is missing */
  ok(javm_dir_put_page(other, content, NULL));
  ok(javm_data_read(other, ref, 0, back, 5, &error));
  assert_memory_equal(back, "hello", 5);
  javm_cap_release(other, ref);
  javm_free_bytes(NULL, bytes, size);
  assert_int_equal(javm_cap_by_hash(other, jv_zero_hash(0), &ref), JAVM_INVALID_ARGUMENT);
  javm_dir_free(other);
  clear_samples(dir, &s);
}

static void sweep_frees_what_nobody_holds(void **state) {
  javm_dir *dir = *state;
  samples s = make_samples(dir);
  javm_hash h, cnode = hash_of(dir, s.cnode);
  size_t removed;
  ok(javm_dir_put(dir, s.instance, &h, NULL));
  ok(javm_dir_sweep(dir, NULL, 0, &removed));
  assert_int_equal(removed, 0);
  clear_samples(dir, &s);
  ok(javm_dir_sweep(dir, &h, 1, &removed));
  assert_int_equal(removed, 0);
  ok(javm_dir_sweep(dir, &cnode, 1, &removed));
  assert_int_equal(removed, 2); /* Instance and Image; the rest is reached from the CNode */
  assert_int_equal(javm_dir_count(dir), 6);
  ok(javm_dir_sweep(dir, NULL, 0, &removed));
  assert_int_equal(removed, 6);
  assert_int_equal(javm_dir_count(dir), 0);

  uint8_t zeros[JAVM_PAGE_BYTES] = {0};
  ok(javm_dir_put_page(dir, zeros, &h)); /* the directory itself keeps one */
  assert_int_equal(javm_dir_count(dir), 1);
  ok(javm_dir_sweep(dir, NULL, 0, &removed));
  assert_int_equal(removed, 1);
  assert_false(javm_dir_has(dir, &h));
}

static void sweep_keeps_what_a_held_value_refers_to_by_hash(void **state) {
  javm_dir *dir = *state;
  javm_cap *data = data_of(dir, "x", 1), *cnode;
  javm_hash h = hash_of(dir, data);
  javm_cap *ref = by_hash(dir, &h);
  assert_int_equal(javm_cap_kind(ref), JAVM_KIND_ABSENT);
  ok(javm_cnode_new(dir, 4, &cnode));
  put_slot(dir, &cnode, 3, ref);
  javm_cap_release(dir, ref);
  ok(javm_dir_put(dir, data, NULL, NULL));
  ok(javm_dir_put(dir, cnode, NULL, NULL));
  javm_cap_release(dir, data);
  size_t removed;
  ok(javm_dir_sweep(dir, NULL, 0, &removed));
  assert_int_equal(removed, 0);
  javm_hash head = hash_of(dir, cnode);
  javm_cap_release(dir, cnode);
  ok(javm_dir_sweep(dir, &head, 1, &removed));
  assert_int_equal(removed, 0);
  ok(javm_dir_sweep(dir, NULL, 0, &removed));
  assert_int_equal(removed, 3);
}

static void what_was_swept_is_published_again(void **state) {
  javm_dir *dir = *state;
  /* Two equal Data: the second is in no table, its twin is. */
  javm_cap *first = data_of(dir, "twin", 4), *second = data_of(dir, "twin", 4), *cnode;
  javm_hash h = hash_of(dir, first);
  ok(javm_dir_put(dir, first, NULL, NULL));
  ok(javm_dir_put(dir, second, NULL, NULL));
  javm_cap_release(dir, first);
  ok(javm_dir_sweep(dir, NULL, 0, NULL));
  assert_false(javm_dir_has(dir, &h));
  ok(javm_cnode_new(dir, 4, &cnode));
  put_slot(dir, &cnode, 3, second);
  ok(javm_dir_put(dir, cnode, NULL, NULL));
  assert_true(javm_dir_has(dir, &h));
  /* A published holder of a twin keeps the one in the table. */
  javm_cap_release(dir, second);
  ok(javm_dir_sweep(dir, NULL, 0, NULL));
  assert_true(javm_dir_has(dir, &h));
  javm_cap_release(dir, cnode);
}

static void values_may_be_nested_as_deep_as_somebody_builds_them(void **state) {
  javm_dir *dir = *state, *other;
  const size_t depth = 100000;
  javm_cap *cap = nested(dir, depth), *back;
  javm_hash h, again;
  ok(javm_dir_put(dir, cap, &h, NULL));
  assert_int_equal(javm_dir_count(dir), depth + 2);
  uint8_t *bytes;
  size_t size, removed;
  ok(javm_bundle_encode(dir, cap, &bytes, &size, NULL));
  javm_cap_release(dir, cap);
  ok(javm_dir_new(NULL, &other));
  ok(javm_bundle_decode(other, bytes, size, &back, NULL));
  again = hash_of(other, back);
  same_hash(&again, &h);
  assert_int_equal(javm_dir_count(other), depth + 2);
  javm_cap_release(other, back);
  javm_free_bytes(NULL, bytes, size);
  javm_dir_free(other);
  ok(javm_dir_sweep(dir, NULL, 0, &removed));
  assert_int_equal(removed, depth + 2);
  javm_cap_release(dir, nested(dir, depth)); /* never published */
}

static void what_is_shared_is_visited_once(void **state) {
  javm_dir *dir = *state;
  javm_cap *cap = data_of(dir, "x", 1), *cnode;
  for (unsigned i = 0; i < 60; i++) { /* 2^60 ways down */
    ok(javm_cnode_new(dir, 1, &cnode));
    put_slot(dir, &cnode, 0, cap);
    put_slot(dir, &cnode, 1, cap);
    javm_cap_release(dir, cap);
    cap = cnode;
  }
  ok(javm_dir_put(dir, cap, NULL, NULL));
  assert_int_equal(javm_dir_count(dir), 62);
  uint8_t *bytes;
  size_t size, removed;
  ok(javm_bundle_encode(dir, cap, &bytes, &size, NULL));
  javm_free_bytes(NULL, bytes, size);
  javm_cap_release(dir, cap);
  ok(javm_dir_sweep(dir, NULL, 0, &removed));
  assert_int_equal(removed, 62);
}

/* ------------------------------------------------------------------------------------------------------- bundles */

static void a_bundle_carries_all_that_is_present(void **state) {
  javm_dir *dir = *state, *other;
  samples s = make_samples(dir);
  uint8_t *bytes, *again;
  size_t size, again_size;
  ok(javm_bundle_encode(dir, s.instance, &bytes, &size, NULL));
  ok(javm_dir_new(NULL, &other));
  javm_cap *back, *ref;
  ok(javm_bundle_decode(other, bytes, size, &back, NULL));
  cap_is_known(other, "Instance", back);
  assert_int_equal(javm_dir_count(other), 5 + 3);
  ok(javm_bundle_encode(other, back, &again, &again_size, NULL));
  assert_int_equal(again_size, size);
  assert_memory_equal(again, bytes, size);
  javm_free_bytes(NULL, again, again_size);
  /* The same from a reference, with all parts found through the directory. */
  javm_hash h = hash_of(dir, s.instance);
  javm_cap_release(other, back);
  ref = by_hash(other, &h);
  ok(javm_bundle_encode(other, ref, &again, &again_size, NULL));
  assert_memory_equal(again, bytes, size);
  javm_free_bytes(NULL, again, again_size);
  javm_cap_release(other, ref);
  javm_dir_free(other);

  /* Whatever the bytes are, nothing of a bundle that is refused is published. */
  uint8_t *copy = malloc(size + 4096);
  for (unsigned round = 0; round < 500; round++) {
    size_t copy_size = size;
    memcpy(copy, bytes, size);
    if (round > 0) mutate(copy, &copy_size);
    ok(javm_dir_new(NULL, &other));
    javm_error error;
    javm_status status = javm_bundle_decode(other, copy, copy_size, &back, &error);
    if (status) {
      assert_int_equal(status, JAVM_MALFORMED);
      assert_true(error.offset <= copy_size);
      assert_int_equal(javm_dir_count(other), 0);
    }
    javm_cap_release(other, back);
    javm_dir_free(other);
  }
  free(copy);
  javm_free_bytes(NULL, bytes, size);
  clear_samples(dir, &s);
}

/* ------------------------------------------------------------------------------------------------- out of memory */

/* Everything once. On failure nothing is left but what is freed here. */
static javm_status everything(javm_dir *dir) {
  const javm_allocator *a = javm_dir_allocator(dir);
  samples s;
  javm_cap *cap = NULL, *other = NULL, *deep = NULL, *next;
  uint8_t *bytes = NULL, *bundle = NULL;
  size_t size = 0, bundle_size = 0;
  javm_hash hash = {{0}}, five = hash_of_text("five");
  javm_error error;
  uint32_t start;
  jv_obj *root = NULL;
  javm_status status = try_samples(dir, &s);
  size_t before = javm_dir_count(dir);
  if (!status && (status = javm_dir_put(dir, s.instance, &hash, &error))) assert_int_equal(javm_dir_count(dir), before);
  if (!status) status = javm_cap_encode(dir, s.instance, &bytes, &size, &error);
  if (!status && !(status = javm_cap_decode(dir, bytes, size, &cap, &error))) javm_cap_release(dir, cap);
  javm_free_bytes(a, bytes, size);
  bytes = NULL;
  if (!status) status = javm_cap_encode(dir, s.image, &bytes, &size, &error);
  if (!status && !(status = javm_cap_decode(dir, bytes, size, &cap, &error))) javm_cap_release(dir, cap);
  javm_free_bytes(a, bytes, size);
  if (!status) status = javm_bundle_encode(dir, s.instance, &bundle, &bundle_size, &error);
  if (!status && !(status = javm_bundle_decode(dir, bundle, bundle_size, &cap, &error))) javm_cap_release(dir, cap);
  javm_free_bytes(a, bundle, bundle_size);
  if (!status && !(status = javm_instance_genesis(dir, s.image, s.cnode, &cap, &error))) javm_cap_release(dir, cap);
  if (!status && !(status = javm_instance_overlay(dir, s.instance, 0, &start, &cap))) javm_cap_release(dir, cap);
  if (!status && !(status = javm_kernel_instance(dir, JAVM_KERNEL_GAS, 1, &cap))) javm_cap_release(dir, cap);
  if (!status && !(status = javm_type_new(dir, &hash, &cap))) javm_cap_release(dir, cap);
  if (!status) status = javm_dir_put_page(dir, s.pages, NULL);
  if (!status && !jv_tree_fill(dir, &root, 5, 21, &jv_dir_zero_page(dir)->obj)) status = JAVM_OUT_OF_MEMORY;
  if (!status && !jv_tree_extend(dir, &root, 5, 11, 30, &jv_dir_zero_page(dir)->obj)) status = JAVM_OUT_OF_MEMORY;
  if (!status && !jv_tree_set(dir, &root, 5, 3, NULL)) status = JAVM_OUT_OF_MEMORY;
  jv_release(dir, root);
  if (!status) status = javm_cap_by_hash(dir, &five, &deep); /* then nest, so that settling needs memory */
  for (unsigned i = 0; i < 200 && !status; i++) {
    status = javm_cnode_new(dir, 1, &other);
    if (!status) status = javm_cnode_set(dir, other, i & 1, deep, &next);
    javm_cap_release(dir, other);
    if (status) break;
    javm_cap_release(dir, deep);
    deep = next;
  }
  if (!status) status = javm_cap_hash(dir, deep, &hash);
  javm_cap_release(dir, deep);
  clear_samples(dir, &s);
  before = javm_dir_count(dir);
  if (!status && (status = javm_dir_sweep(dir, &hash, 1, NULL))) assert_int_equal(javm_dir_count(dir), before);
  return status;
}

/* The directory is used again after the failure. */
static javm_status everything_twice(const javm_allocator *allocator) {
  javm_dir *dir = NULL;
  javm_status status = javm_dir_new(allocator, &dir);
  if (!status && (status = everything(dir))) {
    test_allocator *a = allocator->ctx;
    if (!a->keeps_failing) ok(everything(dir));
  }
  javm_dir_free(dir);
  return status;
}

static void out_of_memory_is_an_error_that_changes_nothing(void **state) {
  (void)state;
  for_each_failing_allocation(everything_twice);
}

/* ------------------------------------------------------------------------------------------------------- threads */

typedef struct worker {
  javm_dir *dir;
  javm_cap *shared; /* not yet settled: both threads do it at once */
  unsigned seed;
  unsigned failures;
} worker;

static javm_cap *numbered(javm_dir *dir, unsigned number) {
  uint8_t bytes[3 * JAVM_PAGE_BYTES] = {0};
  bytes[0] = (uint8_t)number;
  bytes[JAVM_PAGE_BYTES] = (uint8_t)(number >> 1);
  javm_cap *data = NULL, *cnode = NULL, *next = NULL;
  if (javm_data_new(dir, bytes, sizeof bytes, &data) == JAVM_OK && javm_cnode_new(dir, 8, &cnode) == JAVM_OK)
    javm_cnode_set(dir, cnode, number, data, &next);
  javm_cap_release(dir, data);
  javm_cap_release(dir, cnode);
  return next;
}

static void *work(void *arg) {
  worker *w = arg;
  javm_hash hashes[50], h;
  w->failures += javm_cap_hash(w->dir, w->shared, &h) != JAVM_OK;
  for (unsigned i = 0; i < 50; i++) {
    javm_cap *cap = numbered(w->dir, i), *got = NULL, *data = NULL;
    w->failures += !cap || javm_dir_put(w->dir, cap, &hashes[i], NULL) != JAVM_OK;
    javm_cap_release(w->dir, cap);
    unsigned back = (i * w->seed) % (i + 1);
    if (javm_dir_get(w->dir, &hashes[back], &got, NULL) == JAVM_OK) {
      uint8_t byte;
      w->failures += javm_cnode_get(w->dir, got, back, &data) != JAVM_OK || !data ||
                     javm_data_read(w->dir, data, 0, &byte, 1, NULL) != JAVM_OK || byte != back;
      javm_cap_release(w->dir, data);
    }
    javm_cap_release(w->dir, got);
    if (i % 8 == w->seed) w->failures += javm_dir_sweep(w->dir, hashes, i / 2, NULL) != JAVM_OK;
  }
  w->failures += javm_dir_put(w->dir, w->shared, NULL, NULL) != JAVM_OK;
  return NULL;
}

static void many_threads_read_and_write_one_directory_at_once(void **state) {
  javm_dir *dir = *state;
  javm_cap *shared = nested(dir, 300);
  worker workers[] = {{dir, shared, 3, 0}, {dir, shared, 5, 0}};
  pthread_t threads[2];
  for (unsigned i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
  for (unsigned i = 0; i < 2; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
  assert_int_equal(workers[0].failures + workers[1].failures, 0);
  javm_hash h = hash_of(dir, shared);
  assert_true(javm_dir_has(dir, &h));
  javm_cap_release(dir, shared);
  ok(javm_dir_sweep(dir, NULL, 0, NULL));
  assert_int_equal(javm_dir_count(dir), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST_WITH_DIR(put_hashes_and_inserts_and_is_idempotent),
      TEST_WITH_DIR(values_and_pages_are_counted_and_visited),
      TEST_WITH_DIR(a_page_is_a_blob_of_its_own_under_its_flat_hash),
      TEST_WITH_DIR(a_miss_carries_the_hash_and_the_value_can_come_later),
      TEST_WITH_DIR(sweep_frees_what_nobody_holds),
      TEST_WITH_DIR(sweep_keeps_what_a_held_value_refers_to_by_hash),
      TEST_WITH_DIR(what_was_swept_is_published_again),
      TEST_WITH_DIR(values_may_be_nested_as_deep_as_somebody_builds_them),
      TEST_WITH_DIR(what_is_shared_is_visited_once),
      TEST_WITH_DIR(a_bundle_carries_all_that_is_present),
      TEST_WITH_DIR(out_of_memory_is_an_error_that_changes_nothing),
      TEST_WITH_DIR(many_threads_read_and_write_one_directory_at_once),
  };
  return cmocka_run_group_tests_name("cache directory", tests, NULL, NULL);
}
