/* Values: hashes, trees, the serialized form, the kinds (3-values.md 3.1 to 3.3). Each test is named after the sentence
 * that it checks. */
#include "cap/dir.h"
#include "cap/kind.h"
#include "support/cap_samples.h"
#include "support/failing_alloc.h"

/* -------------------------------------------------------------------------------------------------- 3.1 one hash */

static void every_identity_is_an_ssz_hash_tree_root(void **state) {
  javm_dir *dir = *state;
  samples s = make_samples(dir);
  javm_hash h = hash_of_text("");
  is_known("H of the empty string", &h);
  javm_kernel_hash(JAVM_KERNEL_GAS, &h);
  is_known("kernel:gas", &h);
  is_known("page of zeros", &jv_dir_zero_page(dir)->obj.hash);
  cap_is_known(dir, "Data of hello", s.hello);
  cap_is_known(dir, "Data of four pages", s.big);
  cap_is_known(dir, "CNode of 2^8", s.cnode);
  cap_is_known(dir, "Image", s.image);
  cap_is_known(dir, "Instance", s.instance);
  javm_hash image = hash_of(dir, s.image);
  jv_chain_extend(&h, &image, &image);
  is_known("chain after set_image or derive_spawn", &h);

  javm_image_spec image_spec;
  javm_image_spec_init(&image_spec);
  javm_instance_spec instance_spec;
  javm_instance_spec_init(&instance_spec);
  h = hash_of_text("chain");
  javm_cap *empty[6];
  ok(javm_data_new(dir, NULL, 0, &empty[0]));
  ok(javm_cnode_new(dir, 8, &empty[1]));
  ok(javm_cnode_new(dir, 0, &empty[2]));
  ok(javm_type_new(dir, &h, &empty[3]));
  ok(jv_image_make(dir, &image_spec, &empty[4], NULL));
  ok(javm_instance_new(dir, &instance_spec, &empty[5], NULL));
  const char *names[] = {"Data of nothing", "CNode of 2^8, empty", "CNode of 2^0, empty", "Type",
                         "Image, empty",    "Instance, all zero"};
  for (size_t i = 0; i < 6; i++) {
    cap_is_known(dir, names[i], empty[i]);
    javm_cap_release(dir, empty[i]);
  }
  clear_samples(dir, &s);
}

static void zero_hashes_are_hashes_of_pairs_of_zero_hashes(void **state) {
  (void)state;
  javm_hash z = {{0}};
  for (unsigned level = 0; level < JV_ZERO_LEVELS; level++) {
    same_hash(&z, jv_zero_hash(level));
    jv_hash_pair(&z, &z, &z);
  }
}

static javm_hash naive_root(jv_obj *const *leaves, uint32_t count, unsigned level) {
  if (level == 0) return *jv_ref_hash(count ? leaves[0] : NULL);
  uint32_t half = 1u << (level - 1), left = count < half ? count : half;
  javm_hash a = naive_root(leaves, left, level - 1), b = naive_root(leaves + left, count - left, level - 1), h;
  jv_hash_pair(&h, &a, &b);
  return h;
}

static void tree_is(javm_dir *dir, jv_obj *root, unsigned level, jv_obj *const *leaves) {
  for (uint32_t i = 0; i < 1u << level; i++) assert_ptr_equal(jv_tree_get(root, level, i), leaves[i]);
  if (root) assert_true(jv_settle(dir, root));
  javm_hash want = naive_root(leaves, 1u << level, level);
  same_hash(root ? &root->hash : jv_zero_hash(level), &want);
}

#define LEAVES 64

static void a_tree_has_the_root_of_its_leaves_whatever_was_done_to_it(void **state) {
  javm_dir *dir = *state;
  jv_obj *pool[8], *model[LEAVES], *kept_model[LEAVES];
  for (unsigned i = 0; i < 8; i++) {
    javm_hash h = {{(uint8_t)(i + 1)}};
    pool[i] = jv_obj_for_hash(dir, &h, JV_OBJ_CAP);
  }
  for (unsigned round = 0; round < 300; round++) {
    unsigned level = random_below(7);
    uint32_t size = 1u << level;
    memset(model, 0, sizeof model);
    for (uint32_t i = 0; i < size; i++) model[i] = random_below(3) ? pool[random_below(8)] : NULL;
    jv_obj *root = NULL, *kept = NULL;
    assert_true(jv_tree_build(dir, &root, level, model, size));
    tree_is(dir, root, level, model);
    for (unsigned step = 0; step < 20; step++) {
      uint32_t at = random_below(size), to = random_below(size + 1);
      jv_obj *leaf = random_below(3) ? pool[random_below(8)] : NULL;
      if (step == 7) { /* what somebody else holds stays as it is */
        kept = jv_obj_retain(root);
        memcpy(kept_model, model, sizeof model);
      }
      if (random_below(6) == 0) {
        assert_true(jv_tree_extend(dir, &root, level, at, to, leaf));
        for (uint32_t i = at; i < size; i++) model[i] = i < to ? leaf : NULL;
      } else {
        assert_true(jv_tree_set(dir, &root, level, at, leaf));
        model[at] = leaf;
      }
      tree_is(dir, root, level, model);
    }
    tree_is(dir, kept, level, kept_model);
    unsigned to_level = random_below(7);
    jv_obj *resized;
    assert_true(jv_tree_resize(dir, &resized, root, level, to_level));
    for (uint32_t i = 1u << to_level; i < LEAVES; i++) model[i] = NULL;
    tree_is(dir, resized, to_level, model);
    for (uint32_t i = 0; i < size; i++) assert_true(jv_tree_set(dir, &root, level, i, NULL));
    assert_null(root);
    jv_release(dir, kept);
    jv_release(dir, resized);
  }
  for (unsigned i = 0; i < 8; i++) jv_release(dir, pool[i]);
}

static void the_cost_of_a_change_is_the_changed_paths_only(void **state) {
  (void)state;
  test_allocator a;
  test_allocator_init(&a);
  javm_dir *dir;
  ok(javm_dir_new(&a.hook, &dir));
  size_t before = a.requests;
  jv_obj *root, *zero = &jv_dir_zero_page(dir)->obj;
  assert_true(jv_tree_fill(dir, &root, 18, 1 << 18, zero));
  assert_int_equal(a.requests - before, 18);
  jv_release(dir, root);
  assert_true(jv_tree_fill(dir, &root, 18, 200001, zero));
  assert_true(a.requests - before <= 18 + 2 * 18);
  assert_true(jv_settle(dir, root));

  before = a.requests;
  javm_hash h = {{7}};
  jv_obj *leaf = jv_obj_for_hash(dir, &h, JV_OBJ_PAGE);
  assert_true(jv_tree_set(dir, &root, 18, 77777, leaf));
  assert_int_equal(a.requests - before, 1 + 16); /* the upper two are ours alone and change in place */
  unsigned unsettled = 0;
  jv_obj *o = root;
  for (unsigned level = 18; level > 0; level--) {
    unsettled += !jv_obj_has_hash(o);
    o = ((jv_branch *)o)->child[77777 >> (level - 1) & 1];
  }
  assert_int_equal(unsettled, 18);
  before = a.requests;
  assert_true(jv_settle(dir, root));
  assert_true(jv_tree_set(dir, &root, 18, 77777, zero)); /* now the whole path is ours */
  assert_false(jv_obj_has_hash(root));
  assert_int_equal(a.requests - before, 0);
  jv_release(dir, leaf);
  jv_release(dir, root);
  javm_dir_free(dir);
  assert_int_equal(a.blocks, 0);
}

static void a_reference_by_hash_can_replace_the_value(void **state) {
  javm_dir *dir = *state, *other;
  samples s = make_samples(dir);
  ok(javm_dir_new(NULL, &other));
  javm_cap *values[] = {s.big, s.cnode, s.image, s.instance};
  for (size_t i = 0; i < 4; i++) {
    uint8_t *bytes;
    size_t size;
    ok(javm_cap_encode(dir, values[i], &bytes, &size, NULL));
    javm_cap *partly; /* nothing of what it refers to is there */
    ok(javm_cap_decode(other, bytes, size, &partly, NULL));
    javm_hash want = hash_of(dir, values[i]), have = hash_of(other, partly);
    same_hash(&have, &want);
    javm_cap_release(other, partly);
    javm_free_bytes(NULL, bytes, size);
  }
  javm_dir_free(other);
  clear_samples(dir, &s);
}

/* ----------------------------------------------------------------------------------------------- serialized form */

/* Any bytes: decode to a value that re-encodes to the same, or give an error that names the field. */
static bool decodes(javm_dir *dir, const uint8_t *bytes, size_t size) {
  javm_cap *cap;
  javm_error error;
  javm_status status = javm_cap_decode(dir, bytes, size, &cap, &error);
  if (status) {
    assert_int_equal(status, JAVM_MALFORMED);
    assert_int_equal(error.status, JAVM_MALFORMED);
    assert_true(error.offset <= size);
    assert_true(error.text[0] >= 'A' && error.text[0] <= 'Z');
    assert_non_null(strchr(error.text, ':'));
    assert_null(cap);
    return false;
  }
  uint8_t *again;
  size_t again_size;
  ok(javm_cap_encode(dir, cap, &again, &again_size, NULL));
  assert_int_equal(again_size, size);
  assert_memory_equal(again, bytes, size);
  javm_free_bytes(NULL, again, again_size);
  javm_cap_release(dir, cap);
  return true;
}

static void decoding_is_total(void **state) {
  javm_dir *dir = *state;
  samples s = make_samples(dir);
  javm_hash chain = hash_of_text("chain");
  javm_cap *type;
  ok(javm_type_new(dir, &chain, &type));
  javm_cap *values[] = {s.hello, s.big, s.cnode, s.image, s.instance, type};
  ok(javm_dir_put(dir, s.big, NULL, NULL)); /* some references find something */
  size_t accepted = 0, rounds = 0;
  assert_false(decodes(dir, NULL, 0));
  for (size_t i = 0; i < 6; i++) {
    uint8_t *bytes;
    size_t size;
    ok(javm_cap_encode(dir, values[i], &bytes, &size, NULL));
    assert_true(decodes(dir, bytes, size));
    for (size_t cut = 0; cut < size; cut++) decodes(dir, bytes, cut);
    uint8_t *copy = malloc(size + 4096);
    for (unsigned round = 0; round < 4000; round++, rounds++) {
      size_t copy_size = size;
      memcpy(copy, bytes, size);
      mutate(copy, &copy_size);
      uint8_t *exact = malloc(copy_size ? copy_size : 1); /* so that a read past the end is seen */
      memcpy(exact, copy, copy_size);
      accepted += decodes(dir, exact, copy_size);
      free(exact);
    }
    free(copy);
    javm_free_bytes(NULL, bytes, size);
  }
  assert_true(accepted > 0 && accepted < rounds);
  javm_cap_release(dir, type);
  clear_samples(dir, &s);
}

typedef struct malformed {
  const char *field;
  size_t offset;
  size_t size;
  uint8_t bytes[100];
} malformed;

static void an_error_names_the_field(void **state) {
  static const malformed cases[] = {
      {"Cap", 0, 0, {0}},
      {"Cap", 0, 1, {5}},
      {"Type.image_hash_chain", 1, 32, {4}},
      {"Type.image_hash_chain", 1, 34, {4}},
      {"Data", 1, 4, {2, 4, 0, 0}},
      {"Data.pages", 1, 5, {2, 5, 0, 0, 0}},
      {"Data.pages", 1, 9, {2, 8, 0, 0, 0}},
      {"Data.pages", 5, 36, {2, 4, 0, 0, 0}},
      {"CNode.size_log", 1, 6, {3, 17, 5, 0, 0, 0}},
      {"CNode.slots", 2, 6, {3, 8, 6, 0, 0, 0}},
      {"CNode.slots", 6, 7, {3, 8, 5, 0, 0, 0}},
      {"CNode.slots", 6, 78, {3, 0, 5, 0, 0, 0}}, /* two slots in a table of one */
      {"CNode.slots.index", 6, 42, {3, 1, 5, 0, 0, 0, 2, 0, 0, 0, 1}},
      {"CNode.slots.cap", 10, 42, {3, 1, 5, 0, 0, 0, 1}}, /* an empty slot that is listed */
      {"Image", 1, 41, {1}},
      {"Image.code", 2, 42, {1, 0, 40}},
      {"Image.bitmask", 6, 42, {1, 0, 41, 0, 0, 0, 40}},
      {"Instance", 1, 100, {0}},
  };
  javm_dir *dir = *state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    javm_cap *cap;
    javm_error error;
    assert_int_equal(javm_cap_decode(dir, cases[i].bytes, cases[i].size, &cap, &error), JAVM_MALFORMED);
    size_t length = strlen(cases[i].field);
    if (strncmp(error.text, cases[i].field, length) != 0 || error.text[length] != ':')
      fail_msg("case %zu: \"%s\", expected %s", i, error.text, cases[i].field);
    assert_int_equal(error.offset, cases[i].offset);
  }
}

/* Changes bytes of an encoded value: what is then wrong? */
static void wrong_after(javm_dir *dir, javm_cap *cap, size_t at, uint8_t from, uint8_t to, const char *field) {
  uint8_t *bytes;
  size_t size;
  ok(javm_cap_encode(dir, cap, &bytes, &size, NULL));
  assert_int_equal(bytes[at], from);
  bytes[at] = to;
  javm_error error;
  javm_cap *out;
  assert_int_equal(javm_cap_decode(dir, bytes, size, &out, &error), JAVM_MALFORMED);
  if (strncmp(error.text, field, strlen(field)) != 0) fail_msg("\"%s\", expected %s", error.text, field);
  javm_free_bytes(NULL, bytes, size);
}

static void lists_with_an_index_or_slot_are_sorted_by_it_without_duplicates(void **state) {
  javm_dir *dir = *state;
  samples s = make_samples(dir);
  wrong_after(dir, s.cnode, 6 + 36, 5, 0, "CNode.slots.index");
  size_t endpoints = 1 + 41 + 5 + 1 + 8;
  wrong_after(dir, s.image, endpoints + 111, 7, 0, "Image.endpoints.index");
  javm_image_spec spec;
  fill_spec(&s, &spec);
  javm_slot_cap two[] = {{3, s.hello}, {4, s.hello}};
  spec.pinned = two;
  spec.pinned_count = 2;
  spec.initial_count = 0;
  javm_cap *image;
  ok(jv_image_make(dir, &spec, &image, NULL));
  uint8_t *bytes;
  size_t size;
  ok(javm_cap_encode(dir, image, &bytes, &size, NULL));
  wrong_after(dir, image, size - 4 - 36, 4, 3, "Image.pinned.slot");
  javm_free_bytes(NULL, bytes, size);
  javm_cap_release(dir, image);
  clear_samples(dir, &s);
}

/* ----------------------------------------------------------------------------------------------- 3.2 the kinds */

static void made_from_n_bytes_data_is_zero_padded_to_the_next_page(void **state) {
  javm_dir *dir = *state;
  static uint8_t bytes[3 * JAVM_PAGE_BYTES], back[3 * JAVM_PAGE_BYTES];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = i < JAVM_PAGE_BYTES || i > 2 * JAVM_PAGE_BYTES ? 1 + i % 255 : 0;
  static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 8192, 8200, 12288};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    javm_cap *data = data_of(dir, bytes, sizes[i]);
    uint32_t pages;
    ok(javm_data_page_count(dir, data, &pages));
    assert_int_equal(pages, (sizes[i] + 4095) / 4096);
    memset(back, 0xee, sizeof back);
    ok(javm_data_read(dir, data, 0, back, (size_t)pages * JAVM_PAGE_BYTES, NULL));
    assert_memory_equal(back, bytes, sizes[i]);
    for (size_t k = sizes[i]; k < (size_t)pages * JAVM_PAGE_BYTES; k++) assert_int_equal(back[k], 0);
    if (pages == 3) {
      ok(javm_data_read(dir, data, 4090, back, 4110, NULL));
      assert_memory_equal(back, bytes + 4090, 4110);
    }
    assert_int_equal(javm_data_read(dir, data, (uint64_t)pages * 4096, back, 1, NULL), JAVM_OUT_OF_RANGE);
    assert_int_equal(javm_data_read(dir, data, UINT64_MAX, back, 2, NULL), JAVM_OUT_OF_RANGE);
    javm_cap_release(dir, data);
  }
  assert_int_equal(javm_data_new(dir, bytes, ((size_t)1 << 32) + 1, &(javm_cap *){NULL}), JAVM_OUT_OF_RANGE);
}

static void a_cnode_is_a_table_of_two_to_the_size_log_slots(void **state) {
  javm_dir *dir = *state;
  javm_cap *data = data_of(dir, "x", 1), *cnode, *got;
  assert_int_equal(javm_cnode_new(dir, 17, &cnode), JAVM_OUT_OF_RANGE);
  for (unsigned size_log = 0; size_log <= 16; size_log++) {
    ok(javm_cnode_new(dir, size_log, &cnode));
    uint32_t last = (1u << size_log) - 1;
    ok(javm_cnode_get(dir, cnode, last, &got));
    assert_null(got);
    javm_hash empty = hash_of(dir, cnode);
    put_slot(dir, &cnode, last, data);
    ok(javm_cnode_get(dir, cnode, last, &got));
    assert_ptr_equal(got, data);
    javm_cap_release(dir, got);
    assert_int_equal(javm_cnode_get(dir, cnode, last + 1, &got), JAVM_OUT_OF_RANGE);
    assert_int_equal(javm_cnode_set(dir, cnode, last + 1, data, &got), JAVM_OUT_OF_RANGE);
    put_slot(dir, &cnode, last, NULL);
    javm_hash again = hash_of(dir, cnode);
    same_hash(&again, &empty);
    javm_cap_release(dir, cnode);
  }
  assert_int_equal(javm_cnode_get(dir, data, 0, &got), JAVM_WRONG_KIND);
  assert_int_equal(javm_cnode_set(dir, data, 0, NULL, &got), JAVM_WRONG_KIND);
  javm_cap_release(dir, data);
}

static void refused(const javm_image_spec *spec, const char *field) {
  javm_error error;
  assert_int_equal(jv_image_check(spec, &error), JAVM_INVALID_IMAGE);
  if (strncmp(error.text, field, strlen(field)) != 0) fail_msg("\"%s\", expected %s", error.text, field);
}

static void mapping_refused(const javm_image_spec *good, javm_mapping m, const char *field) {
  javm_image_spec spec = *good;
  javm_mapping two[] = {good->mappings[0], m};
  spec.mappings = two;
  spec.mapping_count = 2;
  refused(&spec, field);
}

static void building_an_image_validates_its_mappings(void **state) {
  javm_dir *dir = *state;
  samples s = make_samples(dir);
  javm_image_spec good;
  fill_spec(&s, &good);
  ok(jv_image_check(&good, NULL));
  const uint64_t whole = (uint64_t)1 << 32;
  mapping_refused(&good, (javm_mapping){.start = 1, .size_bytes = 4096, .kind = 1}, "mappings[1].start");
  mapping_refused(&good, (javm_mapping){.start = 0, .size_bytes = 0, .kind = 1}, "mappings[1].size");
  mapping_refused(&good, (javm_mapping){.start = 0, .size_bytes = 5000, .kind = 1}, "mappings[1].size");
  mapping_refused(&good, (javm_mapping){.start = 4096, .size_bytes = whole, .kind = 1}, "mappings[1].size");
  mapping_refused(&good, (javm_mapping){.start = 0, .size_bytes = whole, .kind = 1}, "mappings[0] and mappings[1]");
  mapping_refused(&good, (javm_mapping){.start = 0, .size_bytes = 4096, .kind = 3}, "mappings[1].kind");
  mapping_refused(&good, (javm_mapping){.start = 0, .size_bytes = 4096, .kind = 0}, "mappings[1].source");
  mapping_refused(&good, (javm_mapping){.size_bytes = 4096, .kind = 1, .source_length = 1}, "mappings[1].source");
  mapping_refused(&good, (javm_mapping){.size_bytes = 4096, .source_length = 9}, "mappings[1].source");
  mapping_refused(&good, (javm_mapping){.size_bytes = 4096, .source_length = 1, .source = {256}},
                  "mappings[1].source[0]");
  mapping_refused(&good, (javm_mapping){.size_bytes = 4096, .source_length = 2, .source = {255, 65536}},
                  "mappings[1].source[1]");
  javm_mapping heaps[] = {{.start = 0, .size_bytes = 4096, .kind = 2}, {.start = 4096, .size_bytes = 4096, .kind = 2}};
  javm_image_spec spec = good;
  spec.mappings = heaps;
  spec.mapping_count = 1;
  ok(jv_image_check(&spec, NULL));
  spec.mapping_count = 2;
  refused(&spec, "mappings[1].kind");
  clear_samples(dir, &s);
}

static void building_an_image_validates_counts_order_slots_and_kinds(void **state) {
  javm_dir *dir = *state;
  samples s = make_samples(dir);
  javm_image_spec good, spec;
  fill_spec(&s, &good);
#define REFUSED(change, field) (spec = good, change, refused(&spec, field))
  REFUSED(spec.code.isa = (javm_isa)3, "instruction_set");
  REFUSED(spec.code.bitmask_bytes = 0, "bitmask");
  REFUSED((spec.code.code_bytes = (1u << 24) + 1, spec.code.bitmask_bytes = (1u << 21) + 1), "code");
  REFUSED(spec.code.jump_count = (1u << 20) + 1, "jump_table");
  REFUSED(spec.gas_slot_count = 17, "gas_slots");
  REFUSED(spec.gas_slots = (uint32_t[]){256}, "gas_slots[0]");
  REFUSED(spec.quota_slots = (uint32_t[]){256}, "quota_slots[0]");
  REFUSED(spec.yield_marker_slot = 256, "yield_marker_slot");
  REFUSED(spec.endpoint_count = 257, "endpoints");
  REFUSED(spec.endpoints = ((javm_endpoint[]){{.index = 3}, {.index = 3}}), "endpoints[1].index");
  REFUSED(spec.pinned_count = 257, "pinned");
  REFUSED(spec.pinned = (&(javm_slot_cap){256, s.hello}), "pinned[0].slot");
  REFUSED(spec.pinned = (&(javm_slot_cap){1, NULL}), "pinned[0].cap");
  REFUSED(spec.pinned = (&(javm_slot_cap){1, s.cnode}), "pinned[0].cap");
  REFUSED(spec.initial = (&(javm_slot_cap){1, s.image}), "initial[0].cap");
  REFUSED(spec.initial = (&(javm_slot_cap){65, s.big}), "initial[0].slot: 65 is pinned");
  REFUSED((spec.pinned_count = 2, spec.pinned = (javm_slot_cap[]){{5, s.hello}, {4, s.hello}}), "pinned[1].slot");
#undef REFUSED
  spec = good;
  spec.pinned = &(javm_slot_cap){1, s.image};
  ok(jv_image_check(&spec, NULL));
  clear_samples(dir, &s);
}

static void an_image_shows_what_it_was_made_of(void **state) {
  javm_dir *dir = *state;
  samples s = make_samples(dir);
  javm_image_spec want, have;
  fill_spec(&s, &want);
  ok(javm_image_view(dir, s.image, &have));
  assert_memory_equal(have.code.code, want.code.code, 5);
  assert_memory_equal(have.endpoints, want.endpoints, 2 * sizeof *want.endpoints);
  assert_memory_equal(have.mappings, want.mappings, 2 * sizeof *want.mappings);
  assert_int_equal(have.code.jump_table[1], 3);
  assert_ptr_equal(have.pinned[0].cap, s.hello);
  assert_ptr_equal(have.initial[0].cap, s.big);
  assert_int_equal(have.gas_slots[0], 7);
  assert_int_equal(have.quota_slots[0], 8);
  assert_true(have.has_yield_marker_slot && have.yield_marker_slot == 9);
  assert_int_equal(javm_image_view(dir, s.hello, &have), JAVM_WRONG_KIND);
  clear_samples(dir, &s);
}

static void an_instance_shows_what_it_was_made_of(void **state) {
  javm_dir *dir = *state;
  samples s = make_samples(dir);
  javm_instance_spec spec;
  ok(javm_instance_view(dir, s.instance, &spec));
  assert_ptr_equal(spec.image, s.image);
  assert_ptr_equal(spec.root_cnode, s.cnode);
  assert_int_equal(spec.overlay_count, 1);
  assert_true(spec.pc == 3 && spec.gas_remaining == 1000 && spec.mem_size == 65536 && spec.regs[12] == 12);
  uint32_t start;
  javm_cap *overlay, *want = data_of(dir, s.pages, 2 * JAVM_PAGE_BYTES);
  ok(javm_instance_overlay(dir, s.instance, 0, &start, &overlay));
  assert_int_equal(start, 0x20000);
  javm_hash a = hash_of(dir, overlay), b = hash_of(dir, want);
  same_hash(&a, &b);
  javm_cap_release(dir, overlay);
  assert_int_equal(javm_instance_overlay(dir, s.instance, 1, &start, &overlay), JAVM_OUT_OF_RANGE);
  javm_cap *out;
  javm_instance_spec bad = spec;
  bad.overlays = NULL;
  bad.overlay_count = 0;
  bad.image = s.cnode;
  assert_int_equal(javm_instance_new(dir, &bad, &out, NULL), JAVM_WRONG_KIND);
  bad.image = NULL;
  bad.root_cnode = s.image;
  assert_int_equal(javm_instance_new(dir, &bad, &out, NULL), JAVM_WRONG_KIND);
  javm_overlay overlays[65];
  for (size_t i = 0; i < 65; i++) overlays[i] = (javm_overlay){0, s.cnode};
  bad.root_cnode = NULL;
  bad.overlays = overlays;
  bad.overlay_count = 65;
  assert_int_equal(javm_instance_new(dir, &bad, &out, NULL), JAVM_OUT_OF_RANGE);
  bad.overlay_count = 1;
  assert_int_equal(javm_instance_new(dir, &bad, &out, NULL), JAVM_WRONG_KIND);
  javm_cap_release(dir, want);
  clear_samples(dir, &s);
}

/* -------------------------------------------------------------------------------------------------- 3.3 lineage */

static void genesis_has_the_images_hash_as_its_chain_and_its_slots(void **state) {
  javm_dir *dir = *state;
  samples s = make_samples(dir);
  javm_cap *instance, *got, *small;
  ok(javm_instance_genesis(dir, s.image, s.cnode, &instance, NULL));
  javm_instance_spec spec;
  ok(javm_instance_view(dir, instance, &spec));
  javm_hash image = hash_of(dir, s.image);
  same_hash(&spec.image_hash_chain, &image);
  static const uint32_t slots[] = {0, 255, 65, 66};
  javm_cap *want[] = {s.hello, s.big, s.hello, s.big};
  for (size_t i = 0; i < 4; i++) {
    ok(javm_cnode_get(dir, spec.root_cnode, slots[i], &got));
    assert_ptr_equal(got, want[i]);
    javm_cap_release(dir, got);
  }
  javm_cap_release(dir, instance);

  ok(javm_cnode_new(dir, 7, &small)); /* smaller is accepted */
  put_slot(dir, &small, 66, s.hello); /* an initial slot that is occupied stays */
  ok(javm_instance_genesis(dir, s.image, small, &instance, NULL));
  ok(javm_instance_view(dir, instance, &spec));
  unsigned size_log;
  ok(javm_cnode_size_log(dir, spec.root_cnode, &size_log));
  assert_int_equal(size_log, 8);
  ok(javm_cnode_get(dir, spec.root_cnode, 66, &got));
  assert_ptr_equal(got, s.hello);
  javm_cap_release(dir, got);
  javm_cap_release(dir, instance);

  javm_error error;
  put_slot(dir, &small, 65, s.hello);
  assert_int_equal(javm_instance_genesis(dir, s.image, small, &instance, &error), JAVM_INVALID_INSTANCE);
  assert_int_equal(javm_instance_genesis(dir, s.hello, NULL, &instance, &error), JAVM_WRONG_KIND);
  javm_cap_release(dir, small);
  ok(javm_cnode_new(dir, 9, &small));
  assert_int_equal(javm_instance_genesis(dir, s.image, small, &instance, &error), JAVM_INVALID_INSTANCE);
  javm_cap_release(dir, small);
  clear_samples(dir, &s);
}

static void the_state_of_kernel_instances_is_in_register_7(void **state) {
  javm_dir *dir = *state;
  for (unsigned i = 0; i < JAVM_KERNEL_COUNT; i++) {
    javm_cap *cap;
    javm_instance_spec spec;
    ok(javm_kernel_instance(dir, (javm_kernel_image)i, 1000 + i, &cap));
    ok(javm_instance_view(dir, cap, &spec));
    javm_hash chain;
    javm_kernel_hash((javm_kernel_image)i, &chain);
    same_hash(&spec.image_hash_chain, &chain);
    assert_int_equal(spec.regs[7], 1000 + i);
    assert_null(spec.image);
    javm_cap_release(dir, cap);
  }
  javm_hash marker, want = hash_of_text("kernel:oog_marker");
  javm_kernel_hash(JAVM_KERNEL_OOG_MARKER, &marker);
  same_hash(&marker, &want);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST_WITH_DIR(every_identity_is_an_ssz_hash_tree_root),
      TEST_WITH_DIR(zero_hashes_are_hashes_of_pairs_of_zero_hashes),
      TEST_WITH_DIR(a_tree_has_the_root_of_its_leaves_whatever_was_done_to_it),
      TEST_WITH_DIR(the_cost_of_a_change_is_the_changed_paths_only),
      TEST_WITH_DIR(a_reference_by_hash_can_replace_the_value),
      TEST_WITH_DIR(decoding_is_total),
      TEST_WITH_DIR(an_error_names_the_field),
      TEST_WITH_DIR(lists_with_an_index_or_slot_are_sorted_by_it_without_duplicates),
      TEST_WITH_DIR(made_from_n_bytes_data_is_zero_padded_to_the_next_page),
      TEST_WITH_DIR(a_cnode_is_a_table_of_two_to_the_size_log_slots),
      TEST_WITH_DIR(building_an_image_validates_its_mappings),
      TEST_WITH_DIR(building_an_image_validates_counts_order_slots_and_kinds),
      TEST_WITH_DIR(an_image_shows_what_it_was_made_of),
      TEST_WITH_DIR(an_instance_shows_what_it_was_made_of),
      TEST_WITH_DIR(genesis_has_the_images_hash_as_its_chain_and_its_slots),
      TEST_WITH_DIR(the_state_of_kernel_instances_is_in_register_7),
  };
  return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}
