/* Values for the tests of the values: small helpers, and the values of the known roots. */
#ifndef JAVM_TESTS_CAP_SAMPLES_H
#define JAVM_TESTS_CAP_SAMPLES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cap/cap.h"

#define ok(call) assert_int_equal((call), JAVM_OK)
#define TEST_WITH_DIR(name) cmocka_unit_test_setup_teardown(name, new_dir, free_dir)

/* Setup and teardown: *state is a directory. */
int new_dir(void **state);
int free_dir(void **state);

uint32_t random_below(uint32_t limit);
/* Changes, cuts, takes out or doubles some bytes. There is room for 4096 more. */
void mutate(uint8_t *bytes, size_t *size);

javm_hash hash_of_text(const char *text);
javm_hash hash_of(javm_dir *dir, javm_cap *cap);
void same_hash(const javm_hash *a, const javm_hash *b);
/* Is this the known root of that name? */
void is_known(const char *name, const javm_hash *root);
void cap_is_known(javm_dir *dir, const char *name, javm_cap *cap);

javm_cap *data_of(javm_dir *dir, const void *bytes, size_t size);
javm_cap *by_hash(javm_dir *dir, const javm_hash *hash);
/* Sets a slot of *cnode. */
void put_slot(javm_dir *dir, javm_cap **cnode, uint32_t slot, javm_cap *cap);
/* A Data in `depth` CNodes, one in the other. */
javm_cap *nested(javm_dir *dir, size_t depth);

typedef struct samples {
  uint8_t pages[4 * JAVM_PAGE_BYTES];
  javm_cap *hello, *big, *cnode, *image, *instance;
} samples;
/* What the Image is made of; pointers to static storage. */
void fill_spec(const samples *s, javm_image_spec *spec);
/* Fails only for want of memory; what was made stays in *s, to be cleared. */
javm_status try_samples(javm_dir *dir, samples *s);
samples make_samples(javm_dir *dir);
void clear_samples(javm_dir *dir, samples *s);

#endif
