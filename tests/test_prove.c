/* Proofs: what javm_prove makes of an Instance's parts, and that javm_verify takes these proofs and nothing else. */
#include "cap/kind.h"
#include "cap/proof.h"
#include "support/cap_samples.h"
#include "support/failing_alloc.h"
#include "support/guest.h"
#include "support/random_values.h"

/* An Instance with all that can be proved, and what is paused in it:
 *   entry 0: an Instance with one overlay, of which it has written one page and another page besides
 *   entry 1: a Reference */
typedef struct world {
  samples s;
  uint8_t bytes[4 * JAVM_PAGE_BYTES];
  javm_cap *big; /* a Data of these */
  javm_cap *inner, *outer, *instance;
  javm_hash hash;
} world;

static void operand_add(uint64_t *operand, unsigned level, uint32_t slot) {
  *operand |= level == 0 ? slot : (uint64_t)(slot + 1) << (16 * level - 8);
}

static javm_cap *paused_with(javm_dir *dir, javm_cap *entry_instance) {
  jv_continuation c = {.marker = hash_of_text("marker"), .count = 2};
  c.entries = jv_alloc_array(javm_dir_allocator(dir), 2, sizeof *c.entries);
  assert_non_null(c.entries);
  c.entries[0] = (jv_paused_entry){0, 0, 17, entry_instance};
  c.entries[1] = (jv_paused_entry){JV_PAUSED_REFERENCE, 0, 3, NULL};
  return jv_continuation_make(dir, &c);
}

/* Takes over `paused`. */
static javm_cap *instance_with(javm_dir *dir, const world *w, javm_cap *root, javm_cap *paused) {
  jv_instance content = {.chain = hash_of_text("chain"),
                         .image = javm_cap_retain(w->s.image),
                         .root_cnode = javm_cap_retain(root),
                         .overlay_count = 3,
                         .mem_size = 65536,
                         .heap_end = 77777,
                         .pc = 1234567,
                         .gas_remaining = UINT64_MAX - 5,
                         .paused = paused};
  for (unsigned i = 0; i < JAVM_REG_COUNT; i++) content.regs[i] = (i + 1) * UINT64_C(0x0102030405060708);
  content.overlays = jv_alloc_array(javm_dir_allocator(dir), 3, sizeof *content.overlays);
  assert_non_null(content.overlays);
  const jv_data *big = &w->big->as.data;
  for (size_t i = 0; i < 3; i++)
    content.overlays[i] = (jv_overlay){0x10000 + 0x2000 * (uint32_t)i, big->page_count, jv_obj_retain(big->pages)};
  return jv_instance_make(dir, &content);
}

static world make_world(javm_dir *dir) {
  world w = {.s = make_samples(dir)};
  for (size_t i = 0; i < sizeof w.bytes; i++) w.bytes[i] = (uint8_t)(i / JAVM_PAGE_BYTES * 50 + i % 7);
  w.big = data_of(dir, w.bytes, sizeof w.bytes);
  ok(javm_cnode_new(dir, 16, &w.inner));
  put_slot(dir, &w.inner, 65534, w.big);
  put_slot(dir, &w.inner, 3, w.s.cnode);
  ok(javm_cnode_new(dir, 8, &w.outer));
  put_slot(dir, &w.outer, 200, w.inner);
  put_slot(dir, &w.outer, 7, w.s.hello);
  jv_saved_frame f = {.called = javm_cap_retain(w.s.instance), .heap_end = 5, .budget = 6};
  jv_obj *page = jv_page_of(dir, (const uint8_t *)"written", 7);
  assert_true(jv_tree_set(dir, &f.pages, JV_FRAME_LEVEL, 0x11, page));
  assert_true(jv_tree_set(dir, &f.pages, JV_FRAME_LEVEL, 0xfffff, page));
  jv_release(dir, page);
  javm_cap *entry = instance_with(dir, &w, w.s.cnode, jv_saved_frame_make(dir, &f));
  w.instance = instance_with(dir, &w, w.outer, paused_with(dir, entry));
  ok(javm_dir_put(dir, w.instance, &w.hash, NULL));
  return w;
}

static void clear_world(javm_dir *dir, world *w) {
  javm_cap *all[] = {w->big, w->inner, w->outer, w->instance};
  for (size_t i = 0; i < 4; i++) javm_cap_release(dir, all[i]);
  clear_samples(dir, &w->s);
}

typedef struct proof {
  uint8_t *bytes;
  size_t size;
} proof;

static proof prove(javm_dir *dir, javm_cap *instance, const javm_target *targets, size_t count) {
  proof p = {NULL, 0};
  javm_error error;
  javm_status status = javm_prove(dir, instance, targets, count, &p.bytes, &p.size, &error);
  if (status) fail_msg("javm_prove: %s: %s", javm_status_text(status), error.text);
  return p;
}

static void clear_proof(javm_dir *dir, proof *p) { javm_free_bytes(javm_dir_allocator(dir), p->bytes, p->size); }

static size_t verify(const javm_hash *hash, proof p, javm_claim claims[JAVM_CLAIM_MAX]) {
  javm_error error;
  size_t count = 0;
  javm_status status = javm_verify(hash, p.bytes, p.size, claims, JAVM_CLAIM_MAX, &count, &error);
  if (status)
    fail_msg("javm_verify: %s: %s, at %zu of %zu", javm_status_text(status), error.text, error.offset, p.size);
  return count;
}

/* The one claim that a proof of one target has. Of a register it has those of its chunk. */
static javm_claim claim_of(javm_dir *dir, const world *w, javm_target target) {
  static javm_claim claims[JAVM_CLAIM_MAX];
  proof p = prove(dir, w->instance, &target, 1);
  bool is_register = target.kind == JAVM_CLAIM_REGISTER;
  size_t in_chunk = is_register && target.place < 12 ? 4 : 1;
  assert_int_equal(verify(&w->hash, p, claims), in_chunk);
  for (size_t i = 0; is_register && i < in_chunk; i++) {
    assert_int_equal(claims[i].target.place, target.place / 4 * 4 + i);
    assert_true(claims[i].number == (claims[i].target.place + 1) * UINT64_C(0x0102030405060708));
  }
  if (is_register) claims[0] = claims[target.place % 4];
  assert_int_equal(claims[0].target.kind, target.kind);
  assert_int_equal(claims[0].target.in_entry, target.in_entry);
  assert_int_equal(claims[0].target.entry, target.entry);
  clear_proof(dir, &p);
  claims[0].page_bytes = NULL;
  return claims[0];
}

/* ------------------------------------------------------------------------------------------------------ each kind */

static void a_proof_says_what_registers_and_fields_are(void **state) {
  javm_dir *dir = *state;
  world w = make_world(dir);
  for (unsigned in_entry = 0; in_entry < 2; in_entry++) {
    for (unsigned i = 0; i < JAVM_REG_COUNT; i++) {
      javm_claim c = claim_of(dir, &w, (javm_target){JAVM_CLAIM_REGISTER, in_entry, 0, i, 0});
      assert_int_equal(c.target.place, i);
      assert_true(c.number == (i + 1) * UINT64_C(0x0102030405060708));
    }
    static const struct {
      javm_claim_kind kind;
      uint64_t number;
    } numbers[] = {{JAVM_CLAIM_PC, 1234567},
                   {JAVM_CLAIM_GAS, UINT64_MAX - 5},
                   {JAVM_CLAIM_MEM_SIZE, 65536},
                   {JAVM_CLAIM_HEAP_END, 77777}};
    for (size_t i = 0; i < 4; i++)
      assert_true(claim_of(dir, &w, (javm_target){numbers[i].kind, in_entry, 0, 9, 9}).number == numbers[i].number);
    const jv_instance *instance = &w.instance->as.instance;
    if (in_entry) instance = &instance->paused->as.continuation.entries[0].instance->as.instance;
    const struct {
      javm_claim_kind kind;
      javm_hash hash;
    } hashes[] = {{JAVM_CLAIM_CHAIN, instance->chain},
                  {JAVM_CLAIM_IMAGE, instance->image->obj.hash},
                  {JAVM_CLAIM_ROOT_CNODE, instance->root_cnode->obj.hash},
                  {JAVM_CLAIM_PAUSED, instance->paused->obj.hash}};
    for (size_t i = 0; i < 4; i++) {
      javm_claim c = claim_of(dir, &w, (javm_target){hashes[i].kind, in_entry, 0, 0, 0});
      same_hash(&c.hash, &hashes[i].hash);
    }
  }
  clear_world(dir, &w);
}

static void slot_is(javm_dir *dir, const world *w, bool in_entry, uint64_t operand, javm_cap *cap) {
  javm_claim c = claim_of(dir, w, (javm_target){JAVM_CLAIM_SLOT, in_entry, 0, operand, 0});
  assert_true(c.target.place == operand);
  same_hash(&c.hash, jv_ref_hash(cap));
}

static void a_proof_says_what_stands_in_a_slot_also_of_a_nested_cnode(void **state) {
  javm_dir *dir = *state;
  world w = make_world(dir);
  slot_is(dir, &w, false, 7, w.s.hello);
  slot_is(dir, &w, false, 200, w.inner);
  slot_is(dir, &w, false, 8, NULL);
  uint64_t operand = 0;
  operand_add(&operand, 0, 200);
  operand_add(&operand, 1, 65534);
  slot_is(dir, &w, false, operand, w.big);
  operand = 0;
  operand_add(&operand, 0, 200);
  operand_add(&operand, 1, 3);
  operand_add(&operand, 2, 255);
  slot_is(dir, &w, false, operand, w.s.big);
  slot_is(dir, &w, true, 0, w.s.hello);
  slot_is(dir, &w, true, 1, NULL);
  clear_world(dir, &w);
}

static void a_proof_says_what_a_page_of_an_overlay_is(void **state) {
  javm_dir *dir = *state;
  world w = make_world(dir);
  javm_claim claims[JAVM_CLAIM_MAX];
  /* The overlays have four pages each, from 0x10000, 0x12000 and 0x14000: the last one that has the page counts. */
  static const struct {
    uint32_t asked, place, overlay, index;
  } pages[] = {{0x10000, 0x10000, 0, 0}, {0x11fff, 0x11000, 0, 1}, {0x12008, 0x12000, 1, 0},
               {0x13000, 0x13000, 1, 1}, {0x14001, 0x14000, 2, 0}, {0x17fff, 0x17000, 2, 3}};
  for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
    javm_target target = {.kind = JAVM_CLAIM_PAGE, .place = pages[i].asked};
    proof p = prove(dir, w.instance, &target, 1);
    assert_true(p.size <= JAVM_PAGE_BYTES + 2048);
    assert_int_equal(verify(&w.hash, p, claims), 1);
    assert_int_equal(claims[0].target.kind, JAVM_CLAIM_PAGE);
    assert_int_equal(claims[0].target.place, pages[i].place);
    assert_int_equal(claims[0].overlay, pages[i].overlay);
    assert_int_equal(claims[0].overlay_start, 0x10000 + 0x2000 * pages[i].overlay);
    assert_true(claims[0].page_bytes > p.bytes && claims[0].page_bytes + JAVM_PAGE_BYTES <= p.bytes + p.size);
    assert_memory_equal(claims[0].page_bytes, w.bytes + pages[i].index * JAVM_PAGE_BYTES, JAVM_PAGE_BYTES);
    clear_proof(dir, &p);
  }
  /* One that starts within a page, as only an Instance made by a host can have it. */
  javm_instance_spec spec;
  javm_cap *instance;
  javm_overlay overlay = {0x1400, w.big};
  javm_instance_spec_init(&spec);
  spec.overlays = &overlay;
  spec.overlay_count = 1;
  ok(javm_instance_new(dir, &spec, &instance, NULL));
  javm_hash hash = hash_of(dir, instance);
  javm_target target = {.kind = JAVM_CLAIM_PAGE, .place = 0x33ff};
  proof p = prove(dir, instance, &target, 1);
  assert_int_equal(verify(&hash, p, claims), 1);
  assert_int_equal(claims[0].target.place, 0x2400);
  assert_memory_equal(claims[0].page_bytes, w.bytes + JAVM_PAGE_BYTES, JAVM_PAGE_BYTES);
  clear_proof(dir, &p);
  javm_cap_release(dir, instance);
  clear_world(dir, &w);
}

static void a_proof_says_what_a_page_of_a_data_is(void **state) {
  javm_dir *dir = *state;
  world w = make_world(dir);
  javm_claim claims[JAVM_CLAIM_MAX];
  uint64_t operand = 0;
  operand_add(&operand, 0, 200);
  operand_add(&operand, 1, 65534);
  for (uint32_t i = 0; i < 4; i++) {
    javm_target target = {.kind = JAVM_CLAIM_DATA_PAGE, .place = operand, .page = i};
    proof p = prove(dir, w.instance, &target, 1);
    assert_int_equal(verify(&w.hash, p, claims), 1);
    assert_int_equal(claims[0].target.page, i);
    assert_memory_equal(claims[0].page_bytes, w.bytes + i * JAVM_PAGE_BYTES, JAVM_PAGE_BYTES);
    clear_proof(dir, &p);
  }
  clear_world(dir, &w);
}

static void a_page_of_an_entry_is_one_that_it_wrote_or_an_overlays(void **state) {
  javm_dir *dir = *state;
  world w = make_world(dir);
  javm_claim claims[JAVM_CLAIM_MAX];
  javm_target target = {.kind = JAVM_CLAIM_PAGE, .in_entry = true, .place = 0x11004};
  proof p = prove(dir, w.instance, &target, 1);
  assert_true(p.size <= JAVM_PAGE_BYTES + 2048);
  assert_int_equal(verify(&w.hash, p, claims), 1);
  assert_int_equal(claims[0].target.kind, JAVM_CLAIM_WRITTEN_PAGE);
  assert_int_equal(claims[0].target.place, 0x11000);
  assert_memory_equal(claims[0].page_bytes, "written", 8);
  clear_proof(dir, &p);

  target.place = 0x13ffc;
  p = prove(dir, w.instance, &target, 1);
  assert_true(p.size <= JAVM_PAGE_BYTES + 2048);
  assert_int_equal(verify(&w.hash, p, claims), 1);
  assert_int_equal(claims[0].target.kind, JAVM_CLAIM_PAGE);
  assert_int_equal(claims[0].target.place, 0x13000);
  assert_memory_equal(claims[0].page_bytes, w.bytes + JAVM_PAGE_BYTES, JAVM_PAGE_BYTES);
  clear_proof(dir, &p);

  claim_of(dir, &w, (javm_target){JAVM_CLAIM_WRITTEN_PAGE, true, 0, 0xffffffff, 0});
  clear_world(dir, &w);
}

static const uint8_t *page_of_entry(guest *g, javm_cap *instance, const javm_hash *hash, uint32_t address,
                                    javm_claim_kind kind) {
  static uint8_t bytes[JAVM_PAGE_BYTES];
  javm_claim claims[JAVM_CLAIM_MAX];
  javm_target target = {.kind = JAVM_CLAIM_PAGE, .in_entry = true, .place = address};
  proof p = prove(g->dir, instance, &target, 1);
  assert_true(p.size <= JAVM_PAGE_BYTES + 2048);
  assert_int_equal(verify(hash, p, claims), 1);
  assert_int_equal(claims[0].target.kind, kind);
  assert_int_equal(claims[0].target.place, address / JAVM_PAGE_BYTES * JAVM_PAGE_BYTES);
  memcpy(bytes, claims[0].page_bytes, sizeof bytes);
  clear_proof(g->dir, &p);
  return bytes;
}

/* A guest that has run, out of gas, as its VM suspends it. */
static void parts_of_a_suspended_call_are_proved_under_its_hash(void **state) {
  (void)state;
  guest g;
  guest_open(&g);
  g.config.host_catches_out_of_gas = true;
  guest_vm(&g);
  javm_cap *image = guest_image(&g, ".mapping persistent 0x10000 8192 slot 2\n.mapping ephemeral 0x40000 8192\n"
                                    "load_imm t0, 55\nstore_u64 t0, [0x10008]\nstore_u64 t0, [0x40010]\nfallthrough\n"
                                    "spin:\n  jump spin\n");
  javm_cap *data = guest_pages(&g, 2, 7);
  guest_invoke(&g, guest_instance(&g, image, SLOTS({2, data})), 0, ARGS(1, 2, 3, 4), 100);
  assert_paused(&g, JAVM_PAUSE_OUT_OF_GAS);
  javm_hash hash;
  ok(javm_vm_suspend(g.vm, &hash, NULL));
  javm_cap *paused = guest_by_hash(&g, &hash);

  assert_int_equal(page_of_entry(&g, paused, &hash, 0x10ff0, JAVM_CLAIM_WRITTEN_PAGE)[8], 55);
  assert_int_equal(page_of_entry(&g, paused, &hash, 0x40000, JAVM_CLAIM_WRITTEN_PAGE)[16], 55);
  assert_int_equal(page_of_entry(&g, paused, &hash, 0x11000, JAVM_CLAIM_PAGE)[0], 8);

  javm_claim claims[JAVM_CLAIM_MAX];
  static const javm_target targets[] = {{JAVM_CLAIM_REGISTER, true, 0, 8, 0}, {JAVM_CLAIM_SLOT, true, 0, 2, 0},
                                        {JAVM_CLAIM_IMAGE, true, 0, 0, 0},    {JAVM_CLAIM_GAS, true, 0, 0, 0},
                                        {JAVM_CLAIM_PC, true, 0, 0, 0},       {JAVM_CLAIM_PAUSED, false, 0, 0, 0}};
  javm_entry_view view;
  ok(javm_vm_entry(g.vm, 0, &view));
  proof p = prove(g.dir, paused, targets, 6);
  assert_int_equal(verify(&hash, p, claims), 9);
  assert_int_equal(claims[0].target.kind, JAVM_CLAIM_PAUSED);
  for (unsigned i = 1; i < 5; i++) assert_true(claims[i].number == view.regs[claims[i].target.place]);
  assert_int_equal(claims[1].number, 2); /* φ[8], the second argument */
  assert_int_equal(claims[5].number, view.pc);
  assert_int_equal(claims[6].number, view.gas);
  javm_hash image_hash = guest_hash(&g, image), data_hash = guest_hash(&g, data);
  same_hash(&claims[7].hash, &image_hash);
  same_hash(&claims[8].hash, &data_hash);
  clear_proof(g.dir, &p);
  guest_close(&g);
}

/* -------------------------------------------------------------------------------------------------- many at once */

/* Is the claim what the directory says, as far as that can be asked in another way? */
static void claim_is_true(const jv_instance *instance, const javm_claim *c) {
  const jv_instance *i = instance;
  if (c->target.in_entry) i = &i->paused->as.continuation.entries[c->target.entry].instance->as.instance;
  jv_obj *page = NULL;
  switch (c->target.kind) {
    case JAVM_CLAIM_REGISTER: assert_true(c->number == i->regs[c->target.place]); break;
    case JAVM_CLAIM_PC: assert_true(c->number == i->pc); break;
    case JAVM_CLAIM_GAS: assert_true(c->number == i->gas_remaining); break;
    case JAVM_CLAIM_MEM_SIZE: assert_true(c->number == i->mem_size); break;
    case JAVM_CLAIM_HEAP_END: assert_true(c->number == i->heap_end); break;
    case JAVM_CLAIM_CHAIN: same_hash(&c->hash, &i->chain); break;
    case JAVM_CLAIM_IMAGE: same_hash(&c->hash, jv_ref_hash(i->image)); break;
    case JAVM_CLAIM_ROOT_CNODE: same_hash(&c->hash, jv_ref_hash(i->root_cnode)); break;
    case JAVM_CLAIM_PAUSED: same_hash(&c->hash, jv_ref_hash(i->paused)); break;
    case JAVM_CLAIM_PAGE: {
      const jv_overlay *o = &i->overlays[c->overlay];
      assert_int_equal(c->overlay_start, o->start);
      page =
          jv_tree_get(o->pages, jv_tree_level(o->page_count), (uint32_t)(c->target.place - o->start) / JAVM_PAGE_BYTES);
      break;
    }
    case JAVM_CLAIM_WRITTEN_PAGE:
      page = jv_tree_get(i->paused->as.frame.pages, JV_FRAME_LEVEL, (uint32_t)(c->target.place / JAVM_PAGE_BYTES));
      break;
    case JAVM_CLAIM_SLOT:
    case JAVM_CLAIM_DATA_PAGE: {
      const javm_cap *at = i->root_cnode;
      uint64_t operand = c->target.place;
      for (bool first = true; first || operand; first = false)
        at = (javm_cap *)jv_tree_get(at->as.cnode.slots, at->as.cnode.size_log, jv_operand_next(&operand, first));
      if (c->target.kind == JAVM_CLAIM_SLOT) same_hash(&c->hash, jv_ref_hash(at));
      else page = jv_tree_get(at->as.data.pages, jv_tree_level(at->as.data.page_count), c->target.page);
      break;
    }
  }
  if (!page) assert_null(c->page_bytes);
  else assert_memory_equal(c->page_bytes, ((jv_page *)page)->bytes, JAVM_PAGE_BYTES);
}

/* Is there a claim that answers the target? */
static bool answers(const javm_claim *c, const javm_target *t) {
  bool page = t->kind == JAVM_CLAIM_PAGE && (c->target.kind == t->kind || c->target.kind == JAVM_CLAIM_WRITTEN_PAGE);
  if (c->target.in_entry != t->in_entry || c->target.entry != t->entry) return false;
  if (page) return c->target.place <= t->place && t->place - c->target.place < JAVM_PAGE_BYTES;
  return c->target.kind == t->kind && c->target.place == t->place && c->target.page == t->page;
}

static void gives_the_same(javm_dir *dir, javm_cap *instance, const javm_target *targets, size_t count, proof p) {
  proof again = prove(dir, instance, targets, count);
  assert_int_equal(again.size, p.size);
  assert_memory_equal(again.bytes, p.bytes, p.size);
  clear_proof(dir, &again);
}

static void many_parts_of_many_instances(void **state) {
  javm_dir *dir = *state;
  javm_claim claims[JAVM_CLAIM_MAX];
  javm_target targets[JAVM_CLAIM_MAX];
  for (unsigned round = 0; round < 400; round++) {
    javm_cap *instance = random_instance(dir, random_below(2) ? 1 : 0);
    javm_hash hash = hash_of(dir, instance);
    size_t count = 1 + random_below(random_below(4) ? 6 : 40);
    for (size_t i = 0; i < count; i++) targets[i] = random_target(instance);
    proof p = prove(dir, instance, targets, count);
    size_t got = verify(&hash, p, claims);
    for (size_t i = 0; i < got; i++) claim_is_true(&instance->as.instance, &claims[i]);
    for (size_t i = 0; i < count; i++) {
      size_t k = 0;
      while (k < got && !answers(&claims[k], &targets[i])) k++;
      assert_true(k < got);
    }
    for (size_t i = 0; i < count; i++) { /* another order, and some twice */
      size_t k = random_below((uint32_t)count);
      javm_target t = targets[i];
      targets[i] = targets[k];
      targets[k] = t;
    }
    if (count < 40) targets[count] = targets[0];
    gives_the_same(dir, instance, targets, count < 40 ? count + 1 : count, p);
    /* The claims are targets that give the same proof. */
    for (size_t i = 0; i < got; i++) targets[i] = claims[i].target;
    gives_the_same(dir, instance, targets, got, p);
    clear_proof(dir, &p);
    javm_cap_release(dir, instance);
  }
}

static void targets_share_what_stands_beside_them(void **state) {
  javm_dir *dir = *state;
  world w = make_world(dir);
  javm_target pages[4];
  for (uint32_t i = 0; i < 4; i++)
    pages[i] = (javm_target){.kind = JAVM_CLAIM_PAGE, .place = 0x14000 + i * JAVM_PAGE_BYTES};
  proof one = prove(dir, w.instance, pages, 1), all = prove(dir, w.instance, pages, 4);
  /* Each page more costs its bytes and what its claim says, and takes helpers away. */
  assert_true(all.size < one.size + 3 * (JAVM_PAGE_BYTES + 25));
  clear_proof(dir, &one);
  clear_proof(dir, &all);
  clear_world(dir, &w);
}

/* --------------------------------------------------------------------------------------------------------- errors */

static javm_status try_prove(javm_dir *dir, javm_cap *instance, javm_target target, javm_error *error) {
  uint8_t *bytes = (uint8_t *)1;
  size_t size;
  javm_status status = javm_prove(dir, instance, &target, 1, &bytes, &size, error);
  if (status) assert_null(bytes);
  else javm_free_bytes(javm_dir_allocator(dir), bytes, size);
  return status;
}

static void what_is_not_there_is_an_error(void **state) {
  javm_dir *dir = *state;
  world w = make_world(dir);
  javm_error error;
  const struct {
    javm_target target;
    javm_status status;
  } cases[] = {
      {{JAVM_CLAIM_REGISTER, false, 0, 13, 0}, JAVM_OUT_OF_RANGE},
      {{JAVM_CLAIM_REGISTER, true, 2, 0, 0}, JAVM_OUT_OF_RANGE},
      {{JAVM_CLAIM_REGISTER, true, 1, 0, 0}, JAVM_WRONG_KIND},
      {{JAVM_CLAIM_SLOT, true, 255, 0, 0}, JAVM_OUT_OF_RANGE},
      {{JAVM_CLAIM_PAGE, false, 0, 0xffff, 0}, JAVM_OUT_OF_RANGE},
      {{JAVM_CLAIM_PAGE, false, 0, 0x18000, 0}, JAVM_OUT_OF_RANGE},
      {{JAVM_CLAIM_PAGE, false, 0, UINT64_C(0x100010000), 0}, JAVM_OUT_OF_RANGE},
      {{JAVM_CLAIM_PAGE, true, 0, 0x20000, 0}, JAVM_OUT_OF_RANGE},
      {{JAVM_CLAIM_WRITTEN_PAGE, true, 0, 0x10000, 0}, JAVM_OUT_OF_RANGE},
      {{JAVM_CLAIM_WRITTEN_PAGE, false, 0, 0x11000, 0}, JAVM_INVALID_ARGUMENT},
      {{(javm_claim_kind)13, false, 0, 0, 0}, JAVM_INVALID_ARGUMENT},
      {{JAVM_CLAIM_SLOT, false, 0, 0x00010007, 0}, JAVM_WRONG_KIND},   /* below a Data */
      {{JAVM_CLAIM_SLOT, false, 0, 0x00000108, 0}, JAVM_OUT_OF_RANGE}, /* below an empty slot */
      {{JAVM_CLAIM_SLOT, false, 0, UINT64_C(0x0100000401c8), 0},
       JAVM_OUT_OF_RANGE},                                                        /* slot 2^8 of the samples' CNode */
      {{JAVM_CLAIM_SLOT, false, 0, UINT64_C(0x1000000c8), 0}, JAVM_OUT_OF_RANGE}, /* a gap */
      {{JAVM_CLAIM_SLOT, false, 0, UINT64_C(1) << 56 | 7, 0}, JAVM_OUT_OF_RANGE},
      {{JAVM_CLAIM_DATA_PAGE, false, 0, 7, 1}, JAVM_OUT_OF_RANGE},
      {{JAVM_CLAIM_DATA_PAGE, false, 0, 8, 0}, JAVM_OUT_OF_RANGE},
      {{JAVM_CLAIM_DATA_PAGE, false, 0, 200, 0}, JAVM_WRONG_KIND},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    javm_status status = try_prove(dir, w.instance, cases[i].target, &error);
    if (status != cases[i].status) fail_msg("case %zu: %s", i, javm_status_text(status));
    assert_int_equal(error.status, status);
    assert_true(error.text[0] != '\0');
  }
  uint8_t *bytes;
  size_t size;
  assert_int_equal(javm_prove(dir, w.instance, NULL, 0, &bytes, &size, &error), JAVM_INVALID_ARGUMENT);
  javm_target pc = {.kind = JAVM_CLAIM_PC}, entry_pc = {.kind = JAVM_CLAIM_PC, .in_entry = true};
  assert_int_equal(try_prove(dir, w.s.hello, pc, &error), JAVM_WRONG_KIND);
  assert_int_equal(try_prove(dir, w.s.instance, entry_pc, &error), JAVM_NOT_PAUSED);
  clear_world(dir, &w);
}

static void too_much_for_one_proof_is_an_error(void **state) {
  javm_dir *dir = *state;
  world w = make_world(dir);
  javm_target targets[257];
  javm_claim claims[JAVM_CLAIM_MAX];
  uint8_t *bytes;
  size_t size;
  for (size_t i = 0; i < 257; i++) targets[i] = (javm_target){.kind = JAVM_CLAIM_SLOT, .place = i & 255};
  targets[256] = (javm_target){.kind = JAVM_CLAIM_PC};
  proof p = prove(dir, w.instance, targets, 256);
  assert_int_equal(verify(&w.hash, p, claims), 256);
  clear_proof(dir, &p);
  assert_int_equal(javm_prove(dir, w.instance, targets, 257, &bytes, &size, NULL), JAVM_OUT_OF_RANGE);
  /* A register is four claims. */
  targets[252] = (javm_target){.kind = JAVM_CLAIM_REGISTER, .place = 1};
  p = prove(dir, w.instance, targets, 253);
  assert_int_equal(verify(&w.hash, p, claims), 256);
  clear_proof(dir, &p);
  assert_int_equal(javm_prove(dir, w.instance, targets, 254, &bytes, &size, NULL), JAVM_OUT_OF_RANGE);
  clear_world(dir, &w);
}

/* Proves a target in a directory that has only some values, and publishes what is missing until that works. */
static unsigned prove_with_misses(javm_dir *dir, const world *w, javm_target target) {
  javm_dir *small;
  javm_cap *instance, *value;
  javm_error error;
  proof p;
  javm_claim claims[JAVM_CLAIM_MAX];
  unsigned misses = 0;
  ok(javm_dir_new(NULL, &small));
  ok(javm_cap_by_hash(small, &w->hash, &instance));
  for (; javm_prove(small, instance, &target, 1, &p.bytes, &p.size, &error) != JAVM_OK; misses++) {
    assert_int_equal(error.status, JAVM_VALUE_NOT_FOUND);
    assert_null(p.bytes);
    assert_true(misses < 20);
    uint8_t page[JAVM_PAGE_BYTES], *bytes;
    size_t size;
    if (javm_dir_get_page(dir, &error.hash, page, NULL) == JAVM_OK) {
      ok(javm_dir_put_page(small, page, NULL));
      continue;
    }
    ok(javm_dir_get(dir, &error.hash, &value, NULL));
    ok(javm_cap_encode(dir, value, &bytes, &size, NULL));
    javm_cap_release(dir, value);
    ok(javm_cap_decode(small, bytes, size, &value, NULL));
    ok(javm_dir_put(small, value, NULL, NULL));
    javm_cap_release(small, value);
    javm_free_bytes(javm_dir_allocator(dir), bytes, size);
  }
  assert_true(verify(&w->hash, p, claims) >= 1);
  clear_proof(small, &p);
  javm_cap_release(small, instance);
  javm_dir_free(small);
  return misses;
}

static void a_value_that_is_needed_and_absent_is_named(void **state) {
  javm_dir *dir = *state;
  world w = make_world(dir);
  uint64_t nested_page = 0;
  operand_add(&nested_page, 0, 200);
  operand_add(&nested_page, 1, 3);
  operand_add(&nested_page, 2, 255);
  assert_int_equal(prove_with_misses(dir, &w, (javm_target){.kind = JAVM_CLAIM_PC}), 1);
  assert_int_equal(prove_with_misses(dir, &w, (javm_target){.kind = JAVM_CLAIM_PAGE, .place = 0x11000}), 2);
  assert_int_equal(prove_with_misses(dir, &w, (javm_target){.kind = JAVM_CLAIM_SLOT, .place = 7}), 2);
  /* the Instance, three CNodes, the Data, the page */
  assert_int_equal(prove_with_misses(dir, &w, (javm_target){.kind = JAVM_CLAIM_DATA_PAGE, .place = nested_page}), 6);
  /* the Instance, the Continuation, the entry's Instance, its Frame, the page */
  javm_target written = {.kind = JAVM_CLAIM_PAGE, .in_entry = true, .place = 0x11000};
  assert_int_equal(prove_with_misses(dir, &w, written), 5);
  clear_world(dir, &w);
}

static void a_page_that_is_listed_as_the_zero_hash_has_no_proof(void **state) {
  javm_dir *dir = *state;
  javm_instance_spec spec;
  javm_cap *data, *instance;
  javm_error error;
  static const uint8_t bytes[1 + 4 + JAVM_HASH_BYTES] = {JAVM_KIND_DATA, 4};
  ok(javm_cap_decode(dir, bytes, sizeof bytes, &data, &error));
  javm_overlay overlay = {0x1000, data};
  javm_instance_spec_init(&spec);
  spec.overlays = &overlay;
  spec.overlay_count = 1;
  ok(javm_instance_new(dir, &spec, &instance, &error));
  javm_target page = {.kind = JAVM_CLAIM_PAGE, .place = 0x1000};
  assert_int_equal(try_prove(dir, instance, page, &error), JAVM_UNSUPPORTED);
  javm_cap_release(dir, data);
  javm_cap_release(dir, instance);
}

static javm_status prove_and_verify(const javm_allocator *allocator) {
  javm_dir *dir;
  samples s;
  uint8_t *bytes = NULL;
  size_t size, count;
  javm_hash hash;
  javm_claim claims[8];
  javm_status status = javm_dir_new(allocator, &dir);
  if (status) return status;
  static const javm_target targets[] = {{JAVM_CLAIM_REGISTER, false, 0, 5, 0}, {JAVM_CLAIM_GAS, false, 0, 0, 0},
                                        {JAVM_CLAIM_SLOT, false, 0, 255, 0},   {JAVM_CLAIM_PAGE, false, 0, 0x21000, 0},
                                        {JAVM_CLAIM_PC, false, 0, 0, 0},       {JAVM_CLAIM_DATA_PAGE, false, 0, 255, 2},
                                        {JAVM_CLAIM_IMAGE, false, 0, 0, 0},    {JAVM_CLAIM_CHAIN, false, 0, 0, 0}};
  status = try_samples(dir, &s);
  if (!status) status = javm_cap_hash(dir, s.instance, &hash);
  if (!status) status = javm_prove(dir, s.instance, targets, 8, &bytes, &size, NULL);
  if (!status) {
    ok(javm_verify(&hash, bytes, size, claims, 8, &count, NULL));
    assert_int_equal(count, 11);
    javm_free_bytes(allocator, bytes, size);
  } else {
    assert_null(bytes);
  }
  clear_samples(dir, &s);
  javm_dir_free(dir);
  return status;
}

static void the_nth_allocation_fails(void **state) {
  (void)state;
  for_each_failing_allocation(prove_and_verify);
}

/* ------------------------------------------------------------------------------------------------ hostile proofs */

static bool is_accepted(const javm_hash *hash, const uint8_t *bytes, size_t size) {
  javm_claim claims[2];
  javm_error error;
  size_t count = 77;
  memset(claims, 0x5a, sizeof claims);
  /* A block of its own, so that the sanitizers see a read past its end. */
  uint8_t *copy = malloc(size ? size : 1);
  assert_non_null(copy);
  memcpy(copy, bytes, size);
  javm_status status = javm_verify(hash, copy, size, claims, 1, &count, &error);
  free(copy);
  const uint8_t *second = (const uint8_t *)&claims[1];
  for (size_t i = 0; i < sizeof claims[1]; i++) assert_int_equal(second[i], 0x5a);
  if (status == JAVM_OK) return true;
  assert_true(status == JAVM_MALFORMED || status == JAVM_HASH_MISMATCH);
  assert_int_equal(error.status, status);
  assert_true(error.offset <= size && error.text[0] != '\0');
  assert_int_equal(count, 77);
  assert_int_equal(*(const uint8_t *)claims, 0x5a);
  return false;
}

static void is_the_only_form(const javm_hash *hash, const proof *p) {
  uint8_t *bytes = malloc(p->size + 1);
  assert_non_null(bytes);
  memcpy(bytes, p->bytes, p->size);
  bytes[p->size] = 0;
  assert_true(is_accepted(hash, bytes, p->size));
  for (size_t bit = 0; bit < 8 * p->size; bit++) {
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    if (is_accepted(hash, bytes, p->size)) fail_msg("bit %zu of byte %zu of %zu flipped", bit % 8, bit / 8, p->size);
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  for (size_t size = 0; size < p->size; size++) assert_false(is_accepted(hash, bytes, size));
  assert_false(is_accepted(hash, bytes, p->size + 1));
  for (size_t bit = 0; bit < 8 * JAVM_HASH_BYTES; bit++) {
    javm_hash other = *hash;
    other.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_false(is_accepted(&other, bytes, p->size));
  }
  free(bytes);
}

static void every_bit_flipped_every_cut_and_every_other_hash_is_refused(void **state) {
  javm_dir *dir = *state;
  world w = make_world(dir);
  uint64_t operand = 0;
  operand_add(&operand, 0, 200);
  operand_add(&operand, 1, 3);
  operand_add(&operand, 2, 255);
  const javm_target targets[][3] = {
      {{JAVM_CLAIM_REGISTER, false, 0, 3, 0}, {JAVM_CLAIM_REGISTER, false, 0, 12, 0}, {JAVM_CLAIM_PC, false, 0, 0, 0}},
      {{JAVM_CLAIM_GAS, false, 0, 0, 0},
       {JAVM_CLAIM_ROOT_CNODE, false, 0, 0, 0},
       {JAVM_CLAIM_SLOT, false, 0, operand, 0}},
      {{JAVM_CLAIM_PAUSED, false, 0, 0, 0}, {JAVM_CLAIM_HEAP_END, true, 0, 0, 0}, {JAVM_CLAIM_SLOT, true, 0, 5, 0}},
      {{JAVM_CLAIM_PAGE, false, 0, 0x15000, 0}, {JAVM_CLAIM_CHAIN, false, 0, 0, 0}, {JAVM_CLAIM_SLOT, false, 0, 7, 0}},
      {{JAVM_CLAIM_WRITTEN_PAGE, true, 0, 0x11000, 0},
       {JAVM_CLAIM_MEM_SIZE, true, 0, 0, 0},
       {JAVM_CLAIM_PC, true, 0, 0, 0}},
  };
  for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
    proof p = prove(dir, w.instance, targets[i], 3);
    is_the_only_form(&w.hash, &p);
    clear_proof(dir, &p);
  }
  clear_world(dir, &w);
}

/* Is it what javm_prove gives for the claims that it makes? A proof of one empty slot becomes that of another one, for
 * example, when its place is changed; but both are true. */
static void is_a_true_proof(javm_dir *dir, javm_cap *instance, const javm_hash *hash, proof p) {
  javm_claim claims[JAVM_CLAIM_MAX];
  javm_target targets[JAVM_CLAIM_MAX];
  size_t count = verify(hash, p, claims);
  for (size_t i = 0; i < count; i++) {
    claim_is_true(&instance->as.instance, &claims[i]);
    targets[i] = claims[i].target;
  }
  gives_the_same(dir, instance, targets, count, p);
}

static void what_is_accepted_is_the_one_proof_of_true_claims(void **state) {
  javm_dir *dir = *state;
  static uint8_t bytes[256 * JAVM_PAGE_BYTES];
  unsigned accepted = 0;
  for (unsigned round = 0; round < 300; round++) {
    javm_cap *instance = random_instance(dir, random_below(2) ? 1 : 0);
    javm_hash hash = hash_of(dir, instance);
    javm_target targets[6];
    size_t count = 1 + random_below(6);
    for (size_t i = 0; i < count; i++) targets[i] = random_target(instance);
    proof p = prove(dir, instance, targets, count);
    for (unsigned n = 0; n < 200; n++) {
      size_t size = p.size;
      memcpy(bytes, p.bytes, size);
      if (random_below(2)) mutate(bytes, &size);
      else bytes[10 + random_below(p.size < 60 ? (uint32_t)p.size - 10 : 50)] ^= (uint8_t)(1u << random_below(8));
      bool same = size == p.size && memcmp(bytes, p.bytes, size) == 0;
      if (!is_accepted(&hash, bytes, size)) continue;
      if (!same) accepted++;
      is_a_true_proof(dir, instance, &hash, (proof){bytes, size});
    }
    clear_proof(dir, &p);
    javm_cap_release(dir, instance);
  }
  assert_true(accepted > 0); /* else this has tested nothing */
}

static void a_claim_holds_for_its_own_place_only(void **state) {
  javm_dir *dir = *state;
  world w = make_world(dir);
  /* The claim begins behind magic and count; its place is behind entry and kind. */
  enum { PLACE_AT = JV_PROOF_MAGIC_BYTES + 2 + 2 + 1, KIND_AT = PLACE_AT - 1 };
  javm_target target = {.kind = JAVM_CLAIM_SLOT, .place = 7};
  proof p = prove(dir, w.instance, &target, 1);
  for (unsigned place = 0; place < 256; place++) {
    p.bytes[PLACE_AT] = (uint8_t)place;
    assert_int_equal(is_accepted(&w.hash, p.bytes, p.size), place == 7);
  }
  clear_proof(dir, &p);
  target = (javm_target){.kind = JAVM_CLAIM_PC};
  p = prove(dir, w.instance, &target, 1);
  for (unsigned kind = 0; kind < 256; kind++) {
    p.bytes[KIND_AT] = (uint8_t)kind;
    assert_int_equal(is_accepted(&w.hash, p.bytes, p.size), kind == JAVM_CLAIM_PC);
  }
  clear_proof(dir, &p);
  clear_world(dir, &w);
}

/* A proof whose claims are right and whose form is not the one that javm_prove gives. */
static void another_form_of_a_true_proof_is_refused(void **state) {
  javm_dir *dir = *state;
  world w = make_world(dir);
  enum { HEAD = JV_PROOF_MAGIC_BYTES + 2, CLAIM_HEAD = 2 + 1 + 8 + 4 };
  const javm_target two[] = {{JAVM_CLAIM_PC, false, 0, 0, 0}, {JAVM_CLAIM_GAS, false, 0, 0, 0}};
  proof p = prove(dir, w.instance, two, 2);
  uint8_t bytes[4096];
  size_t size = CLAIM_HEAD + 8;
  assert_true(p.size + 64 < sizeof bytes);
  memcpy(bytes, p.bytes, p.size);
  memcpy(bytes + HEAD, p.bytes + HEAD + size, size); /* in another order */
  memcpy(bytes + HEAD + size, p.bytes + HEAD, size);
  assert_false(is_accepted(&w.hash, bytes, p.size));
  memcpy(bytes, p.bytes, HEAD + size); /* one twice */
  memcpy(bytes + HEAD + size, p.bytes + HEAD, p.size - HEAD);
  bytes[JV_PROOF_MAGIC_BYTES] = 3;
  assert_false(is_accepted(&w.hash, bytes, p.size + size));
  /* a root of zeros written out: the first helper of that kind */
  size_t at = HEAD + 2 * size;
  while (p.bytes[at] == JV_PROOF_EXPLICIT) at += 1 + JAVM_HASH_BYTES;
  assert_true(at < p.size);
  memcpy(bytes, p.bytes, at);
  bytes[at] = JV_PROOF_EXPLICIT;
  memcpy(bytes + at + 1, jv_zero_hash(p.bytes[at]), JAVM_HASH_BYTES);
  memcpy(bytes + at + 1 + JAVM_HASH_BYTES, p.bytes + at + 1, p.size - at - 1);
  assert_false(is_accepted(&w.hash, bytes, p.size + JAVM_HASH_BYTES));
  clear_proof(dir, &p);

  clear_world(dir, &w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST_WITH_DIR(a_proof_says_what_registers_and_fields_are),
      TEST_WITH_DIR(a_proof_says_what_stands_in_a_slot_also_of_a_nested_cnode),
      TEST_WITH_DIR(a_proof_says_what_a_page_of_an_overlay_is),
      TEST_WITH_DIR(a_proof_says_what_a_page_of_a_data_is),
      TEST_WITH_DIR(a_page_of_an_entry_is_one_that_it_wrote_or_an_overlays),
      cmocka_unit_test(parts_of_a_suspended_call_are_proved_under_its_hash),
      TEST_WITH_DIR(many_parts_of_many_instances),
      TEST_WITH_DIR(targets_share_what_stands_beside_them),
      TEST_WITH_DIR(what_is_not_there_is_an_error),
      TEST_WITH_DIR(too_much_for_one_proof_is_an_error),
      TEST_WITH_DIR(a_value_that_is_needed_and_absent_is_named),
      TEST_WITH_DIR(a_page_that_is_listed_as_the_zero_hash_has_no_proof),
      cmocka_unit_test(the_nth_allocation_fails),
      TEST_WITH_DIR(every_bit_flipped_every_cut_and_every_other_hash_is_refused),
      TEST_WITH_DIR(what_is_accepted_is_the_one_proof_of_true_claims),
      TEST_WITH_DIR(a_claim_holds_for_its_own_place_only),
      TEST_WITH_DIR(another_form_of_a_true_proof_is_refused),
  };
  return cmocka_run_group_tests_name("proofs", tests, NULL, NULL);
}
