/*
 * The claims of a proof, as bytes of any origin (docs/proofs.md). A claim says by its kind and place where in the tree its
 * leaves are; whatever the way there depends on (counts, an overlay's start, a CNode's size, selectors) is a leaf, too. A
 * set of claims has one form, and all else is refused.
 */
#include "cap/proof.h"

#include "base/bytes.h"

/* ---------------------------------------------------------------------------------------------------------- read */

typedef struct reading {
  const uint8_t *at;
  size_t left;
  const char *wrong;       /* the first thing that is; all further reading gives zeros */
  jv_proof_leaves *leaves; /* NULL: they are known, only the claims are wanted */
  javm_claim *claims;
  size_t capacity, count;
} reading;

static void check(reading *r, bool good, const char *wrong) {
  if (!good && !r->wrong) r->wrong = wrong;
}

static const uint8_t *take(reading *r, size_t size_bytes) {
  static const uint8_t zeros[JAVM_PAGE_BYTES];
  check(r, size_bytes <= r->left, "it ends too early");
  if (r->wrong) return zeros;
  r->at += size_bytes;
  r->left -= size_bytes;
  return r->at - size_bytes;
}

static uint64_t take_number(reading *r, unsigned bytes) { return jv_load_le(take(r, bytes), bytes); }

static void go(jv_position *p, unsigned levels, uint64_t index) {
  p->high = p->high << levels | p->low >> (64 - levels);
  p->low = p->low << levels | index;
  p->depth += levels;
}

int jv_position_compare(const jv_position *a, const jv_position *b) {
  if (a->depth != b->depth) return a->depth > b->depth ? -1 : 1;
  if (a->high != b->high) return a->high > b->high ? -1 : 1;
  return a->low == b->low ? 0 : a->low > b->low ? -1 : 1;
}

static void leaf(reading *r, const jv_position *at, const javm_hash *hash) {
  jv_proof_leaves *l = r->leaves;
  if (r->wrong || !l) return;
  size_t i = l->count;
  while (i > 0 && jv_position_compare(at, &l->node[i - 1].at) < 0) i--;
  if (i > 0 && jv_position_compare(at, &l->node[i - 1].at) == 0) {
    check(r, jv_hash_equal(hash, &l->node[i - 1].hash), "two claims contradict each other");
    return;
  }
  check(r, l->count < JV_PROOF_NODE_MAX, "too many leaves");
  if (r->wrong) return;
  memmove(&l->node[i + 1], &l->node[i], (l->count - i) * sizeof l->node[0]);
  l->node[i] = (jv_proof_node){*at, *hash};
  l->count++;
}

static void leaf_bytes(reading *r, const jv_position *at, const uint8_t *bytes, size_t size_bytes) {
  javm_hash chunk = {{0}};
  memcpy(chunk.bytes, bytes, size_bytes);
  leaf(r, at, &chunk);
}

/* Goes one level down to a side; on the other side is this number. */
static void go_beside(reading *r, jv_position *p, unsigned side, uint64_t number) {
  jv_position other = *p;
  uint8_t bytes[8];
  go(&other, 1, !side);
  jv_store_le(bytes, number, sizeof bytes);
  leaf_bytes(r, &other, bytes, sizeof bytes);
  go(p, 1, side);
}

/* -------------------------------------------------------------------------------------------------------- claims */

uint32_t jv_operand_next(uint64_t *operand, bool first) {
  uint32_t slot = (uint32_t)(*operand & (first ? 0xff : 0xffff));
  *operand >>= first ? 8 : 16;
  if (first) return slot;
  return slot == 0 ? JV_SLOT_NONE : slot - 1;
}

/* From an Instance to a slot. */
static void go_to_slot(reading *r, jv_position *p, uint64_t operand) {
  unsigned length = 0;
  go(p, 4, JV_FIELD_ROOT_CNODE);
  do {
    uint32_t slot = jv_operand_next(&operand, length++ == 0);
    uint64_t size_log = take_number(r, 1);
    check(r, size_log <= JV_SIZE_LOG_MAX && slot >> size_log == 0 && length <= 4, "no slot of its CNode");
    if (r->wrong) return;
    go_beside(r, p, 0, JAVM_KIND_CNODE);
    go_beside(r, p, 1, size_log);
    go(p, 16, slot);
  } while (operand != 0);
}

static void page(reading *r, const jv_position *p, javm_claim *c) {
  javm_hash hash;
  c->page_bytes = take(r, JAVM_PAGE_BYTES);
  if (r->wrong || !r->leaves) return;
  jv_hash(&hash, c->page_bytes, JAVM_PAGE_BYTES);
  leaf(r, p, &hash);
}

static void page_of_list(reading *r, jv_position *p, uint64_t index, javm_claim *c) {
  uint64_t page_count = take_number(r, 4);
  check(r, page_count <= JV_PAGE_COUNT_MAX && index < page_count, "no page of its list");
  if (r->wrong) return;
  go_beside(r, p, 0, page_count);
  go(p, 20, index);
  page(r, p, c);
}

static void page_of_overlay(reading *r, jv_position *p, javm_claim *c) {
  uint64_t count = take_number(r, 1), address = c->target.place;
  c->overlay = (uint32_t)take_number(r, 1);
  c->overlay_start = (uint32_t)take_number(r, 4);
  check(r, count <= JV_OVERLAY_MAX && c->overlay < count, "no overlay of the Instance");
  check(r, address >= c->overlay_start && (address - c->overlay_start) % JAVM_PAGE_BYTES == 0,
        "no page of the overlay");
  if (r->wrong) return;
  go(p, 4, JV_FIELD_OVERLAYS);
  go_beside(r, p, 0, count);
  go(p, 6, c->overlay);
  go_beside(r, p, 1, c->overlay_start);
  page_of_list(r, p, (address - c->overlay_start) / JAVM_PAGE_BYTES, c);
}

/* One of those that the entry has written. */
static void page_of_frame(reading *r, jv_position *p, javm_claim *c) {
  check(r, c->target.in_entry && c->target.place % JAVM_PAGE_BYTES == 0, "no page of an entry");
  go(p, 4, JV_FIELD_PAUSED);
  go(p, 3, JV_FIELD_FRAME_PAGES);
  go(p, 20, c->target.place / JAVM_PAGE_BYTES);
  page(r, p, c);
}

static void field(reading *r, jv_position *p, javm_claim *c) {
  static const uint8_t fields[][2] = {
      [JAVM_CLAIM_PC] = {JV_FIELD_PC, 8},
      [JAVM_CLAIM_GAS] = {JV_FIELD_GAS, 8},
      [JAVM_CLAIM_CHAIN] = {JV_FIELD_CHAIN, JAVM_HASH_BYTES},
      [JAVM_CLAIM_IMAGE] = {JV_FIELD_IMAGE, JAVM_HASH_BYTES},
      [JAVM_CLAIM_ROOT_CNODE] = {JV_FIELD_ROOT_CNODE, JAVM_HASH_BYTES},
      [JAVM_CLAIM_MEM_SIZE] = {JV_FIELD_MEM_SIZE, 4},
      [JAVM_CLAIM_HEAP_END] = {JV_FIELD_HEAP_END, 4},
      [JAVM_CLAIM_PAUSED] = {JV_FIELD_PAUSED, JAVM_HASH_BYTES},
  };
  unsigned size = fields[c->target.kind][1];
  const uint8_t *bytes = take(r, size);
  go(p, 4, fields[c->target.kind][0]);
  leaf_bytes(r, p, bytes, size);
  if (size == JAVM_HASH_BYTES) memcpy(c->hash.bytes, bytes, JAVM_HASH_BYTES);
  else c->number = jv_load_le(bytes, size);
}

static void add_claim(reading *r, const javm_claim *c) {
  if (r->count < r->capacity) r->claims[r->count] = *c;
  r->count++;
}

/* The registers of a chunk, all of which it proves. */
static void registers(reading *r, jv_position *p, javm_claim *c) {
  uint64_t chunk = c->target.place, first = 4 * chunk;
  check(r, chunk <= JAVM_REG_COUNT / 4, "no registers");
  if (r->wrong) return;
  unsigned count = JAVM_REG_COUNT - first < 4 ? (unsigned)(JAVM_REG_COUNT - first) : 4;
  const uint8_t *bytes = take(r, 8 * (size_t)count);
  go(p, 4, JV_FIELD_REGS);
  go(p, 2, chunk);
  leaf_bytes(r, p, bytes, 8 * (size_t)count);
  for (unsigned i = 0; i < count; i++) {
    c->target.place = first + i;
    c->number = jv_load_le(bytes + 8 * (size_t)i, 8);
    add_claim(r, c);
  }
}

/* From the root to the Instance that the claim is about. */
static void go_to_instance(reading *r, jv_position *p, javm_target *t, uint64_t entry) {
  go_beside(r, p, 0, JAVM_KIND_INSTANCE);
  if (entry == 0) return;
  t->in_entry = true;
  t->entry = (uint8_t)(entry - 1);
  uint64_t count = take_number(r, 2);
  check(r, count <= JV_PAUSED_ENTRY_MAX && entry <= count, "no entry of what is paused");
  go(p, 4, JV_FIELD_PAUSED);
  go(p, 1, JV_FIELD_ENTRIES);
  go_beside(r, p, 0, count);
  go(p, 8, t->entry);
  go(p, 1, 0);
  go_beside(r, p, JV_FIELD_ENTRY_INSTANCE, JAVM_ENTRY_INSTANCE);
  go_beside(r, p, 0, JAVM_KIND_INSTANCE);
}

/* What makes claims different: a set of them is written in ascending order of this. */
typedef struct claim_key {
  uint64_t entry, kind, place, page;
} claim_key;

static bool ascends(const claim_key *a, const claim_key *b) {
  if (a->entry != b->entry) return a->entry < b->entry;
  if (a->kind != b->kind) return a->kind < b->kind;
  return a->place != b->place ? a->place < b->place : a->page < b->page;
}

static void read_claim(reading *r, const claim_key *key) {
  javm_claim c = {.target = {.kind = (javm_claim_kind)key->kind, .place = key->place, .page = (uint32_t)key->page}};
  jv_position p = {0, 0, 0};
  bool is_data = key->kind == JAVM_CLAIM_DATA_PAGE, is_slot = is_data || key->kind == JAVM_CLAIM_SLOT;
  bool is_page = key->kind >= JAVM_CLAIM_PAGE && !is_data;
  check(r, key->kind <= JAVM_CLAIM_WRITTEN_PAGE, "an unknown kind of claim");
  check(r, (is_slot || is_page || key->kind == JAVM_CLAIM_REGISTER || key->place == 0) && (is_data || key->page == 0),
        "a place where none is");
  check(r, is_slot || key->place <= UINT32_MAX, "no guest address");
  go_to_instance(r, &p, &c.target, key->entry);
  if (r->wrong) return;
  switch (c.target.kind) {
    case JAVM_CLAIM_REGISTER: registers(r, &p, &c); return;
    case JAVM_CLAIM_SLOT:
      go_to_slot(r, &p, c.target.place);
      memcpy(c.hash.bytes, take(r, JAVM_HASH_BYTES), JAVM_HASH_BYTES);
      leaf(r, &p, &c.hash);
      break;
    case JAVM_CLAIM_DATA_PAGE:
      go_to_slot(r, &p, c.target.place);
      go_beside(r, &p, 0, JAVM_KIND_DATA);
      page_of_list(r, &p, c.target.page, &c);
      break;
    case JAVM_CLAIM_PAGE: page_of_overlay(r, &p, &c); break;
    case JAVM_CLAIM_WRITTEN_PAGE: page_of_frame(r, &p, &c); break;
    default: field(r, &p, &c); break;
  }
  add_claim(r, &c);
}

static void read_claims(reading *r) {
  check(r, memcmp(take(r, JV_PROOF_MAGIC_BYTES), JV_PROOF_MAGIC, JV_PROOF_MAGIC_BYTES) == 0, "no proof of version 1");
  uint64_t count = take_number(r, 2);
  check(r, count > 0, "no claim");
  claim_key before = {0, 0, 0, 0};
  for (uint64_t i = 0; i < count && !r->wrong; i++) {
    claim_key key = {.entry = take_number(r, 2)};
    key.kind = take_number(r, 1);
    key.place = take_number(r, 8);
    key.page = take_number(r, 4);
    check(r, i == 0 || ascends(&before, &key), "claims that do not ascend");
    if (!r->wrong) read_claim(r, &key);
    before = key;
  }
  check(r, r->count <= JAVM_CLAIM_MAX, "too many claims");
}

static javm_status result(const reading *r, const uint8_t *proof, javm_error *error) {
  if (!r->wrong) return JAVM_OK;
  return jv_fail(error, JAVM_MALFORMED, (size_t)(r->at - proof), "proof: %s", r->wrong);
}

javm_status jv_proof_read(const uint8_t *proof, size_t size_bytes, jv_proof_leaves *leaves, size_t *helpers_at,
                          javm_error *error) {
  reading r = {.at = proof, .left = size_bytes, .leaves = leaves};
  leaves->count = 0;
  read_claims(&r);
  *helpers_at = size_bytes - r.left;
  return result(&r, proof, error);
}

size_t jv_proof_claims(const uint8_t *proof, size_t size_bytes, javm_claim *claims, size_t capacity) {
  reading r = {.at = proof, .left = size_bytes, .claims = claims, .capacity = capacity};
  read_claims(&r);
  return r.count;
}
