/* Once wrong: a sweep that looked at what another thread had just given back, and a text of a few bytes whose Data take
 * any number of bytes once they are written out. */
#include "cap/sweep.c" /* the steps of a sweep one by one, so that something can happen between them */

#include "support/cap_samples.h"

/* A CNode that is not in the directory shares branches with one that is. The sweep takes that one away; what they shared
 * may be given back at any time then. (A failure shows in the sanitized build.) */
static void what_a_swept_value_shared_may_be_released_during_the_sweep(void **state) {
  sweeping s = {.dir = *state};
  javm_cap *published, *sharing, *data = data_of(s.dir, "hello", 5);
  ok(javm_cnode_new(s.dir, 8, &published));
  for (uint32_t slot = 0; slot < 256; slot += 5) put_slot(s.dir, &published, slot, data);
  javm_cap_release(s.dir, data);
  ok(javm_dir_put(s.dir, published, NULL, NULL));
  ok(javm_cnode_set(s.dir, published, 0, NULL, &sharing));
  javm_cap_release(s.dir, published);
  assert_true(count_all(&s));
  mark_all(&s, NULL, 0);
  remove_all(&s);
  javm_cap_release(s.dir, sharing); /* as another thread might */
  finish(&s);
  assert_int_equal(s.removed, 1);
  atomic_fetch_add(&s.dir->epoch, 1);
  size_t removed;
  ok(javm_dir_sweep(s.dir, NULL, 0, &removed));
  assert_int_equal(removed, 2); /* the Data and its page */
  assert_int_equal(javm_dir_count(s.dir), 0);
}

static void a_text_has_two_to_the_21_pages_at_most(void **state) {
  static const char two[] = ".initial 1 data zero 0x100000000\n.initial 2 data zero 0x100000000\n";
  static const char one_more[] = ".pinned 3 image {\n.initial 1 data \"x\"\ntrap\n}\n";
  char text[sizeof two + sizeof one_more + 8];
  javm_cap *image;
  javm_error error;
  strcat(strcpy(text, two), "trap\n");
  ok(javm_assemble(*state, text, strlen(text), JAVM_ISA_JAVM, &image, &error));
  javm_cap_release(*state, image);
  strcat(strcat(strcpy(text, two), one_more), "trap\n");
  assert_int_equal(javm_assemble(*state, text, strlen(text), JAVM_ISA_JAVM, &image, &error), JAVM_INVALID_IMAGE);
  assert_non_null(strstr(error.text, "2^21 pages"));
  assert_null(image);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST_WITH_DIR(what_a_swept_value_shared_may_be_released_during_the_sweep),
      TEST_WITH_DIR(a_text_has_two_to_the_21_pages_at_most),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
