/* See cap_samples.h. */
#include "support/cap_samples.h"

#include <stdio.h>

int new_dir(void **state) {
  javm_dir *dir;
  assert_int_equal(javm_dir_new(NULL, &dir), JAVM_OK);
  *state = dir;
  return 0;
}

int free_dir(void **state) {
  javm_dir_free(*state);
  return 0;
}

static uint64_t random_state = 0x243f6a8885a308d3;
uint32_t random_below(uint32_t limit) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)((random_state >> 33) % limit);
}

void mutate(uint8_t *bytes, size_t *size) {
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
      default: /* doubles bytes */ memmove(bytes + at + count, bytes + at, *size - at); *size += count;
    }
  }
}
javm_hash hash_of_text(const char *text) {
  javm_hash h;
  jv_hash(&h, text, strlen(text));
  return h;
}

javm_hash hash_of(javm_dir *dir, javm_cap *cap) {
  javm_hash h;
  ok(javm_cap_hash(dir, cap, &h));
  return h;
}

void same_hash(const javm_hash *a, const javm_hash *b) { assert_memory_equal(a, b, sizeof *a); }

/* The roots that an independent SSZ implementation computed. */
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

void is_known(const char *name, const javm_hash *root) {
  char hex[65];
  for (size_t i = 0; i < 32; i++) snprintf(hex + 2 * i, 3, "%02x", root->bytes[i]);
  assert_string_equal(hex, known_root(name));
}

void cap_is_known(javm_dir *dir, const char *name, javm_cap *cap) {
  javm_hash root = hash_of(dir, cap);
  is_known(name, &root);
}

javm_cap *data_of(javm_dir *dir, const void *bytes, size_t size) {
  javm_cap *cap;
  ok(javm_data_new(dir, bytes, size, &cap));
  return cap;
}

javm_cap *by_hash(javm_dir *dir, const javm_hash *hash) {
  javm_cap *cap;
  ok(javm_cap_by_hash(dir, hash, &cap));
  return cap;
}

void put_slot(javm_dir *dir, javm_cap **cnode, uint32_t slot, javm_cap *cap) {
  javm_cap *next;
  ok(javm_cnode_set(dir, *cnode, slot, cap, &next));
  javm_cap_release(dir, *cnode);
  *cnode = next;
}

javm_cap *nested(javm_dir *dir, size_t depth) {
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

void fill_spec(const samples *s, javm_image_spec *spec) {
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

void clear_samples(javm_dir *dir, samples *s) {
  javm_cap *all[] = {s->hello, s->big, s->cnode, s->image, s->instance};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) javm_cap_release(dir, all[i]);
}

javm_status try_samples(javm_dir *dir, samples *s) {
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

samples make_samples(javm_dir *dir) {
  samples s;
  ok(try_samples(dir, &s));
  return s;
}
