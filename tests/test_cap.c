/* Values: 3-values.md. Each test is named after the sentence that it checks. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "cap/dir.h"
#include "cap/kind.h"

/* ------------------------------------------------------------------------------------------------------ helpers */

/* An allocator that checks the sizes it is given back, and fails at the n-th call. */
typedef struct counting {
  size_t calls, fail_at, live;
} counting;

#define HEADER 16

static void *counting_resize(void *ctx, void *block, size_t old_bytes, size_t new_bytes) {
  counting *c = ctx;
  size_t size = 0;
  uint8_t *base = block ? (uint8_t *)block - HEADER : NULL;
  if (base) memcpy(&size, base, sizeof size);
  assert_int_equal(size, old_bytes);
  if (new_bytes == 0) {
    if (base) c->live--;
    free(base);
    return NULL;
  }
  if (++c->calls == c->fail_at) return NULL;
  uint8_t *grown = realloc(base, new_bytes + HEADER);
  assert_non_null(grown);
  if (!base) c->live++;
  memcpy(grown, &new_bytes, sizeof new_bytes);
  return grown + HEADER;
}

static javm_allocator counting_allocator(counting *c) {
  return (javm_allocator){c, counting_resize, NULL, NULL};
}

static int setup(void **state) {
  javm_dir *dir;
  assert_int_equal(javm_dir_new(NULL, &dir), JAVM_OK);
  *state = dir;
  return 0;
}

static int teardown(void **state) {
  javm_dir_free(*state);
  return 0;
}

#define ok(call) assert_int_equal((call), JAVM_OK)

static uint64_t random_state = 0x243f6a8885a308d3;
static uint32_t random_below(uint32_t limit) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)((random_state >> 33) % limit);
}

static javm_hash hash_of_text(const char *text) {
  javm_hash h;
  jv_hash(&h, text, strlen(text));
  return h;
}

static javm_hash hash_of(javm_dir *dir, javm_cap *cap) {
  javm_hash h;
  ok(javm_cap_hash(dir, cap, &h));
  return h;
}

static void same_hash(const javm_hash *a, const javm_hash *b) { assert_memory_equal(a, b, sizeof *a); }

static javm_cap *data_of(javm_dir *dir, const void *bytes, size_t size) {
  javm_cap *cap;
  ok(javm_data_new(dir, bytes, size, &cap));
  return cap;
}

static javm_cap *by_hash(javm_dir *dir, const javm_hash *hash) {
  javm_cap *cap;
  ok(javm_cap_by_hash(dir, hash, &cap));
  return cap;
}

/* Sets a slot of *cnode. */
static void put_slot(javm_dir *dir, javm_cap **cnode, uint32_t slot, javm_cap *cap) {
  javm_cap *next;
  ok(javm_cnode_set(dir, *cnode, slot, cap, &next));
  javm_cap_release(dir, *cnode);
  *cnode = next;
}

static javm_cap *nested(javm_dir *dir, size_t depth) {
  javm_cap *cap = data_of(dir, "bottom", 6);
  for (size_t i = 0; i < depth; i++) {
    javm_cap *cnode;
    ok(javm_cnode_new(dir, 0, &cnode));
    put_slot(dir, &cnode, 0, cap);
    javm_cap_release(dir, cap);
    cap = cnode;
  }
  return cap;
}

/* The values of the known roots. */
typedef struct samples {
  uint8_t pages[4 * JAVM_PAGE_BYTES];
  javm_cap *hello, *big, *cnode, *image, *instance;
} samples;

static void fill_spec(samples *s, javm_image_spec *spec) {
  static const uint8_t code[] = {51, 7, 42, 10, 0}, bitmask[] = {9};
  static const uint32_t jumps[] = {0, 3}, gas[] = {7}, quota[] = {8};
  static const javm_endpoint endpoints[] = {
      {.index = 0}, {.index = 7, .entry_pc = 3, .arg_registers = 4, .initial_regs = {0, 0x20000}}};
  static const javm_mapping mappings[] = {
      {.start = 0x10000, .size_bytes = 4096, .kind = JAVM_MAPPING_PERSISTENT, .source_length = 1, .source = {65}},
      {.start = 0x20000, .size_bytes = 8192, .kind = JAVM_MAPPING_EPHEMERAL}};
  static javm_slot_cap pinned, initial;
  pinned = (javm_slot_cap){65, s->hello};
  initial = (javm_slot_cap){66, s->big};
  javm_image_spec_init(spec);
  spec->code = (javm_code){code, 5, bitmask, 1, jumps, 2, JAVM_ISA_JAVM};
  spec->endpoints = endpoints;
  spec->endpoint_count = 2;
  spec->mappings = mappings;
  spec->mapping_count = 2;
  spec->gas_slots = gas;
  spec->quota_slots = quota;
  spec->gas_slot_count = spec->quota_slot_count = 1;
  spec->pinned = &pinned;
  spec->initial = &initial;
  spec->pinned_count = spec->initial_count = 1;
  spec->has_yield_marker_slot = true;
  spec->yield_marker_slot = 9;
}

static javm_status make_instance(javm_dir *dir, samples *s, javm_cap *overlay, javm_cap **out) {
  javm_instance_spec spec;
  javm_instance_spec_init(&spec);
  javm_overlay overlays[] = {{0x20000, overlay}};
  javm_status status = javm_cap_hash(dir, s->image, &spec.image_hash_chain);
  if (status) return status;
  spec.image = s->image;
  spec.root_cnode = s->cnode;
  spec.overlays = overlays;
  spec.overlay_count = 1;
  spec.mem_size = 65536;
  for (unsigned i = 0; i < JAVM_REG_COUNT; i++) spec.regs[i] = i;
  spec.pc = 3;
  spec.gas_remaining = 1000;
  return javm_instance_new(dir, &spec, out, NULL);
}

static void clear_samples(javm_dir *dir, samples *s) {
  javm_cap *all[] = {s->hello, s->big, s->cnode, s->image, s->instance};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) javm_cap_release(dir, all[i]);
}

/* Fails only for want of memory; what was made stays in *s, to be cleared. */
static javm_status try_samples(javm_dir *dir, samples *s) {
  memset(s, 0, sizeof *s);
  for (size_t i = 0; i < 3 * JAVM_PAGE_BYTES; i++) s->pages[i] = (uint8_t)i;
  s->pages[3 * JAVM_PAGE_BYTES] = 'x';
  javm_status status = javm_data_new(dir, (const uint8_t *)"hello", 5, &s->hello);
  if (!status) status = javm_data_new(dir, s->pages, 3 * JAVM_PAGE_BYTES + 1, &s->big);
  javm_cap *slots[4] = {NULL}, *five = NULL, *overlay = NULL;
  javm_hash five_hash = hash_of_text("five");
  if (!status) status = javm_cap_by_hash(dir, &five_hash, &five);
  if (!status) status = javm_cnode_new(dir, 8, &slots[0]);
  if (!status) status = javm_cnode_set(dir, slots[0], 0, s->hello, &slots[1]);
  if (!status) status = javm_cnode_set(dir, slots[1], 5, five, &slots[2]);
  if (!status) status = javm_cnode_set(dir, slots[2], 255, s->big, &s->cnode);
  for (size_t i = 0; i < 4; i++) javm_cap_release(dir, slots[i]);
  javm_cap_release(dir, five);
  javm_image_spec spec;
  fill_spec(s, &spec);
  if (!status) status = jv_image_make(dir, &spec, &s->image, NULL);
  if (!status) status = javm_data_new(dir, s->pages, 2 * JAVM_PAGE_BYTES, &overlay);
  if (!status) status = make_instance(dir, s, overlay, &s->instance);
  javm_cap_release(dir, overlay);
  return status;
}

static samples make_samples(javm_dir *dir) {
  samples s;
  ok(try_samples(dir, &s));
  return s;
}

/* -------------------------------------------------------------------------------------------------- 3.1 one hash */

static const char *known_root(const char *name) {
  static const char *const roots[][2] = {
      {"H of the empty string", "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"},
      {"kernel:gas", "50c212eaebbb44fab01af46338988a0257ec41c4495433a2786055cc8b038b9c"},
      {"page of zeros", "686ede9288c391e7e05026e56f2f91bfd879987a040ea98445dabc76f55b8e5f"},
      {"Data of nothing", "841ddf36c6544c4ec337b2a47c27e1bebdc4e59e09f05b751a48b93c5daabc5a"},
      {"Data of hello", "f0ec81f333b783b335745e208416ad07ecdf9f2003c98c095fc803af3875c6ea"},
      {"Data of four pages", "6d8f98a55fbcbe19c7c464b1a34bb20a59352ef88a2ef5f6c7623bd6b12ef8da"},
      {"CNode of 2^8, empty", "f06d82a11aa60a2f7785a876a96fab0c66ce4768822c83f4a3d14844eaa6caf8"},
      {"CNode of 2^0, empty", "3c065296f4a0212d8392817fc51d4936cb36fc384a3d449061eda3bb00dc01a9"},
      {"CNode of 2^8", "a81c2d55f2489cdecb983423a8420ee3609cd5498b966db3536ad09f048b8890"},
      {"Type", "a807b9606823d24018cc43cc486964526ec17c36752edf6fc791bb966031308a"},
      {"Image, empty", "93c6531f4f2d50744e9f801771f8eb4dc4ed0b48aa933be1486d70fb96b3ce55"},
      {"Image", "c4714041d3a0c34d703f3bd4f72139a125ac52fb89a5aa19daa23db63ba0853a"},
      {"chain after set_image or derive_spawn", "f957730dd500d141d757fc0e64ddc8a52ea6c40bc47b26d04d7e2d9883f524bf"},
      {"Instance, all zero", "3cfe7691379731441909b50de00c7656b963f4bd1392324ff289814c998a152d"},
      {"Instance", "c0029dd3f74700c5a04f6cb47be3e83e3855a9a4f2ad184d706e12f8a931407c"},
  };
  for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
    if (strcmp(roots[i][0], name) == 0) return roots[i][1];
  fail_msg("no known root of %s", name);
  return NULL;
}

static void is_known(const char *name, const javm_hash *root) {
  char hex[65];
  for (size_t i = 0; i < 32; i++) snprintf(hex + 2 * i, 3, "%02x", root->bytes[i]);
  assert_string_equal(hex, known_root(name));
}

static void cap_is_known(javm_dir *dir, const char *name, javm_cap *cap) {
  javm_hash root = hash_of(dir, cap);
  is_known(name, &root);
}

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
  const char *names[] = {"Data of nothing", "CNode of 2^8, empty", "CNode of 2^0, empty", "Type", "Image, empty",
                         "Instance, all zero"};
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

static size_t allocations(javm_dir *dir) { return ((counting *)dir->allocator.ctx)->calls; }

static void the_cost_of_a_change_is_the_changed_paths_only(void **state) {
  (void)state;
  counting c = {0};
  javm_allocator a = counting_allocator(&c);
  javm_dir *dir;
  ok(javm_dir_new(&a, &dir));
  size_t before = allocations(dir);
  jv_obj *root, *zero = &jv_dir_zero_page(dir)->obj;
  assert_true(jv_tree_fill(dir, &root, 18, 1 << 18, zero));
  assert_int_equal(allocations(dir) - before, 18);
  jv_release(dir, root);
  assert_true(jv_tree_fill(dir, &root, 18, 200001, zero));
  assert_true(allocations(dir) - before <= 18 + 2 * 18);
  assert_true(jv_settle(dir, root));

  before = allocations(dir);
  javm_hash h = {{7}};
  jv_obj *leaf = jv_obj_for_hash(dir, &h, JV_OBJ_PAGE);
  assert_true(jv_tree_set(dir, &root, 18, 77777, leaf));
  assert_int_equal(allocations(dir) - before, 1 + 16); /* the upper two are ours alone and change in place */
  unsigned unsettled = 0;
  jv_obj *o = root;
  for (unsigned level = 18; level > 0; level--) {
    unsettled += !jv_obj_has_hash(o);
    o = ((jv_branch *)o)->child[77777 >> (level - 1) & 1];
  }
  assert_int_equal(unsettled, 18);
  before = allocations(dir);
  assert_true(jv_settle(dir, root));
  assert_true(jv_tree_set(dir, &root, 18, 77777, zero)); /* now the whole path is ours */
  assert_false(jv_obj_has_hash(root));
  assert_int_equal(allocations(dir) - before, 0);
  jv_release(dir, leaf);
  jv_release(dir, root);
  javm_dir_free(dir);
  assert_int_equal(c.live, 0);
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

static void mutate(uint8_t *bytes, size_t *size) {
  static const uint8_t interesting[] = {0, 1, 4, 5, 8, 17, 32, 36, 41, 127, 128, 255};
  for (uint32_t n = 1 + random_below(3); n > 0 && *size > 0; n--) {
    uint32_t at = random_below((uint32_t)*size), count = 1 + random_below(40);
    if (count > *size - at) count = (uint32_t)*size - at;
    switch (random_below(5)) {
    case 0: bytes[at] ^= (uint8_t)(1 << random_below(8)); break;
    case 1: bytes[at] = interesting[random_below(sizeof interesting)]; break;
    case 2: *size = at; break;
    case 3: /* takes bytes out */
      memmove(bytes + at, bytes + at + count, *size - at - count);
      *size -= count;
      break;
    default: /* doubles bytes */
      memmove(bytes + at + count, bytes + at, *size - at);
      *size += count;
    }
  }
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

/* --------------------------------------------------------------------------- 3.4 references and the cache directory */

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
  javm_free_bytes(&dir->allocator, bytes, size);
  bytes = NULL;
  if (!status) status = javm_cap_encode(dir, s.image, &bytes, &size, &error);
  if (!status && !(status = javm_cap_decode(dir, bytes, size, &cap, &error))) javm_cap_release(dir, cap);
  javm_free_bytes(&dir->allocator, bytes, size);
  if (!status) status = javm_bundle_encode(dir, s.instance, &bundle, &bundle_size, &error);
  if (!status && !(status = javm_bundle_decode(dir, bundle, bundle_size, &cap, &error))) javm_cap_release(dir, cap);
  javm_free_bytes(&dir->allocator, bundle, bundle_size);
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

static void out_of_memory_is_an_error_that_changes_nothing(void **state) {
  (void)state;
  for (size_t fail_at = 1;; fail_at++) {
    counting c = {.fail_at = fail_at};
    javm_allocator a = counting_allocator(&c);
    javm_dir *dir = NULL;
    javm_status status = javm_dir_new(&a, &dir);
    if (!status) {
      status = everything(dir);
      if (c.calls < fail_at) {
        assert_int_equal(status, JAVM_OK);
      } else {
        assert_int_equal(status, JAVM_OUT_OF_MEMORY);
        ok(everything(dir)); /* and it works the next time */
      }
    }
    bool done = !status;
    javm_dir_free(dir);
    assert_int_equal(c.live, 0);
    if (done) break;
  }
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_identity_is_an_ssz_hash_tree_root),
      TEST(zero_hashes_are_hashes_of_pairs_of_zero_hashes),
      TEST(a_tree_has_the_root_of_its_leaves_whatever_was_done_to_it),
      TEST(the_cost_of_a_change_is_the_changed_paths_only),
      TEST(a_reference_by_hash_can_replace_the_value),
      TEST(decoding_is_total),
      TEST(an_error_names_the_field),
      TEST(lists_with_an_index_or_slot_are_sorted_by_it_without_duplicates),
      TEST(made_from_n_bytes_data_is_zero_padded_to_the_next_page),
      TEST(a_cnode_is_a_table_of_two_to_the_size_log_slots),
      TEST(building_an_image_validates_its_mappings),
      TEST(building_an_image_validates_counts_order_slots_and_kinds),
      TEST(an_image_shows_what_it_was_made_of),
      TEST(an_instance_shows_what_it_was_made_of),
      TEST(genesis_has_the_images_hash_as_its_chain_and_its_slots),
      TEST(the_state_of_kernel_instances_is_in_register_7),
      TEST(put_hashes_and_inserts_and_is_idempotent),
      TEST(values_and_pages_are_counted_and_visited),
      TEST(a_page_is_a_blob_of_its_own_under_its_flat_hash),
      TEST(a_miss_carries_the_hash_and_the_value_can_come_later),
      TEST(sweep_frees_what_nobody_holds),
      TEST(sweep_keeps_what_a_held_value_refers_to_by_hash),
      TEST(what_was_swept_is_published_again),
      TEST(values_may_be_nested_as_deep_as_somebody_builds_them),
      TEST(what_is_shared_is_visited_once),
      TEST(a_bundle_carries_all_that_is_present),
      TEST(out_of_memory_is_an_error_that_changes_nothing),
      TEST(many_threads_read_and_write_one_directory_at_once),
  };
  return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}
