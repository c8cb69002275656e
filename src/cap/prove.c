/*
 * Making a proof: the claims are planned (what targets mean in this Instance, in order, none twice), then written with
 * what is known of the way to each; their leaves are read back as a verifier reads them, and the helpers looked up.
 */
#include "base/bytes.h"
#include "cap/kind.h"
#include "cap/proof.h"

/* A claim to be written. */
typedef struct planned {
  uint32_t entry; /* 0: of the Instance itself; else 1 + the index of the entry */
  javm_claim_kind kind;
  uint64_t place; /* of REGISTER: the chunk, of four registers */
  uint32_t page;
  uint32_t overlay;
} planned;

typedef struct proving {
  javm_dir *dir;
  javm_cap *instance;
  javm_error *error;
  planned *plan; /* ascending */
  size_t count, capacity;
  jv_writer w;
  javm_status status; /* of looking up helpers */
} proving;

/* ------------------------------------------------------------------------------------------------- finding parts */

static javm_status find_entry(proving *p, uint32_t index, javm_cap **out, uint32_t *entry_count) {
  javm_cap *paused;
  if (!p->instance->as.instance.paused) return jv_fail(p->error, JAVM_NOT_PAUSED, 0, "the Instance is not paused");
  javm_status status = jv_resolve(p->dir, p->instance->as.instance.paused, JAVM_KIND_CONTINUATION, &paused, p->error);
  if (status) return status;
  const jv_continuation *c = &paused->as.continuation;
  *entry_count = (uint32_t)c->count;
  if (index >= c->count) status = jv_fail(p->error, JAVM_OUT_OF_RANGE, 0, "entry %u of %zu", index, c->count);
  else if (c->entries[index].kind != JAVM_ENTRY_INSTANCE)
    status = jv_fail(p->error, JAVM_WRONG_KIND, 0, "entry %u has no Instance", index);
  else status = jv_resolve(p->dir, c->entries[index].instance, JAVM_KIND_INSTANCE, out, p->error);
  jv_release(p->dir, paused);
  return status;
}

/* The Instance that a claim is about, with a count. */
static javm_status find_instance(proving *p, uint32_t entry, javm_cap **out, uint32_t *entry_count) {
  if (entry > 0) return find_entry(p, entry - 1, out, entry_count);
  *out = javm_cap_retain(p->instance);
  return JAVM_OK;
}

/* What stands in a slot, with a count, or NULL. Writes the sizes of the CNodes on the way. */
static javm_status find_slot(proving *p, const jv_instance *instance, uint64_t operand, javm_cap **out) {
  javm_cap *at = jv_obj_retain(instance->root_cnode);
  uint64_t rest = operand;
  unsigned length = 0;
  do {
    uint32_t slot = jv_operand_next(&rest, length++ == 0);
    javm_cap *cnode = NULL;
    javm_status status = JAVM_OK;
    if (length > 4 || slot == JV_SLOT_NONE)
      status = jv_fail(p->error, JAVM_OUT_OF_RANGE, 0, "0x%llx is no slot operand", (unsigned long long)operand);
    else if (!at) status = jv_fail(p->error, JAVM_OUT_OF_RANGE, 0, "no CNode where a slot path leads");
    else status = jv_resolve(p->dir, at, JAVM_KIND_CNODE, &cnode, p->error);
    jv_release(p->dir, at);
    if (status) return status;
    unsigned size_log = cnode->as.cnode.size_log;
    jv_put_number(&p->w, size_log, 1);
    bool there = slot >> size_log == 0;
    at = there ? jv_obj_retain(jv_tree_get(cnode->as.cnode.slots, size_log, slot)) : NULL;
    jv_release(p->dir, cnode);
    if (!there) return jv_fail(p->error, JAVM_OUT_OF_RANGE, 0, "slot %u of 2^%u", slot, size_log);
  } while (rest != 0);
  *out = at;
  return JAVM_OK;
}

static javm_status find_frame(proving *p, const jv_instance *instance, javm_cap **out) {
  if (!instance->paused) return jv_fail(p->error, JAVM_INVALID_INSTANCE, 0, "an entry without a Frame");
  return jv_resolve(p->dir, instance->paused, JAVM_KIND_FRAME, out, p->error);
}

/* The last overlay that has the page of an address; overlay_count: none. */
static uint32_t find_overlay(const jv_instance *instance, uint64_t address) {
  for (size_t i = instance->overlay_count; i-- > 0;) {
    const jv_overlay *o = &instance->overlays[i];
    if (address >= o->start && (address - o->start) / JAVM_PAGE_BYTES < o->page_count) return (uint32_t)i;
  }
  return (uint32_t)instance->overlay_count;
}

/* ---------------------------------------------------------------------------------------------------------- plan */

/* Negative where a stands before b. */
static int order(const planned *a, const planned *b) {
  if (a->entry != b->entry) return a->entry < b->entry ? -1 : 1;
  if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
  if (a->place != b->place) return a->place < b->place ? -1 : 1;
  return a->page == b->page ? 0 : a->page < b->page ? -1 : 1;
}

static javm_status plan(proving *p, const planned *one) {
  size_t i = p->count;
  while (i > 0 && order(one, &p->plan[i - 1]) < 0) i--;
  if (i > 0 && order(one, &p->plan[i - 1]) == 0) return JAVM_OK;
  if (p->count == JAVM_CLAIM_MAX) return jv_fail(p->error, JAVM_OUT_OF_RANGE, 0, "more than %u claims", JAVM_CLAIM_MAX);
  if (!jv_grow(javm_dir_allocator(p->dir), &p->plan, &p->capacity, p->count + 1, sizeof *p->plan))
    return jv_fail_memory(p->error);
  memmove(&p->plan[i + 1], &p->plan[i], (p->count - i) * sizeof *p->plan);
  p->plan[i] = *one;
  p->count++;
  return JAVM_OK;
}

static javm_status plan_overlay_page(proving *p, const jv_instance *instance, planned *one) {
  one->overlay = find_overlay(instance, one->place);
  if (one->overlay == instance->overlay_count)
    return jv_fail(p->error, JAVM_OUT_OF_RANGE, 0, "address 0x%08llx is in no overlay", (unsigned long long)one->place);
  one->place -= (one->place - instance->overlays[one->overlay].start) % JAVM_PAGE_BYTES;
  return plan(p, one);
}

/* A page of an entry: one that it wrote, or else the overlay's. */
static javm_status plan_entry_page(proving *p, const jv_instance *instance, planned *one) {
  javm_cap *frame;
  javm_status status = find_frame(p, instance, &frame);
  if (status) return status;
  uint32_t index = (uint32_t)(one->place / JAVM_PAGE_BYTES);
  bool written = jv_tree_get(frame->as.frame.pages, JV_FRAME_LEVEL, index) != NULL;
  jv_release(p->dir, frame);
  if (!written && one->kind == JAVM_CLAIM_PAGE) return plan_overlay_page(p, instance, one);
  one->place = (uint64_t)index * JAVM_PAGE_BYTES;
  if (!written)
    return jv_fail(p->error, JAVM_OUT_OF_RANGE, 0, "page 0x%08llx was not written", (unsigned long long)one->place);
  one->kind = JAVM_CLAIM_WRITTEN_PAGE;
  return plan(p, one);
}

static javm_status plan_page(proving *p, planned *one) {
  javm_cap *instance;
  uint32_t entry_count;
  if (one->kind != JAVM_CLAIM_PAGE && one->entry == 0)
    return jv_fail(p->error, JAVM_INVALID_ARGUMENT, 0, "only an entry of what is paused has pages that it wrote");
  if (one->place > UINT32_MAX)
    return jv_fail(p->error, JAVM_OUT_OF_RANGE, 0, "0x%llx is no guest address", (unsigned long long)one->place);
  javm_status status = find_instance(p, one->entry, &instance, &entry_count);
  if (status) return status;
  status = one->entry > 0 ? plan_entry_page(p, &instance->as.instance, one)
                          : plan_overlay_page(p, &instance->as.instance, one);
  jv_release(p->dir, instance);
  return status;
}

static javm_status plan_target(proving *p, const javm_target *t) {
  planned one = {.entry = t->in_entry ? t->entry + 1u : 0, .kind = t->kind, .place = t->place, .page = t->page};
  switch (t->kind) {
    case JAVM_CLAIM_REGISTER:
      if (t->place >= JAVM_REG_COUNT)
        return jv_fail(p->error, JAVM_OUT_OF_RANGE, 0, "register %llu", (unsigned long long)t->place);
      one.place = t->place / 4;
      break;
    case JAVM_CLAIM_PC:
    case JAVM_CLAIM_GAS:
    case JAVM_CLAIM_CHAIN:
    case JAVM_CLAIM_IMAGE:
    case JAVM_CLAIM_ROOT_CNODE:
    case JAVM_CLAIM_MEM_SIZE:
    case JAVM_CLAIM_HEAP_END:
    case JAVM_CLAIM_PAUSED: one.place = 0; break;
    case JAVM_CLAIM_DATA_PAGE: return plan(p, &one);
    case JAVM_CLAIM_SLOT: break;
    case JAVM_CLAIM_PAGE:
    case JAVM_CLAIM_WRITTEN_PAGE: one.page = 0; return plan_page(p, &one);
    default: return jv_fail(p->error, JAVM_INVALID_ARGUMENT, 0, "no kind of claim: %d", (int)t->kind);
  }
  one.page = 0;
  return plan(p, &one);
}

/* --------------------------------------------------------------------------------------------------------- write */

static javm_status write_page(proving *p, jv_obj *page) {
  jv_page *held;
  const uint8_t *bytes;
  javm_hash missing;
  if (!page) return jv_fail(p->error, JAVM_UNSUPPORTED, 0, "the page is listed as the zero hash, and has no bytes");
  javm_status status = jv_resolve_page(p->dir, page, &held, &bytes, &missing);
  if (status) return jv_fail_missing(p->error, status, &missing, "a page to be proved is not in the directory");
  if (bytes) jv_put(&p->w, bytes, JAVM_PAGE_BYTES);
  else jv_put_room(&p->w, JAVM_PAGE_BYTES);
  jv_release(p->dir, held);
  return JAVM_OK;
}

static javm_status write_slot(proving *p, const jv_instance *instance, const planned *one) {
  javm_cap *cap = NULL, *data;
  javm_status status = find_slot(p, instance, one->place, &cap);
  if (status) return status;
  if (one->kind == JAVM_CLAIM_SLOT) {
    jv_put_ref(&p->w, cap);
    jv_release(p->dir, cap);
    return JAVM_OK;
  }
  if (!cap) return jv_fail(p->error, JAVM_OUT_OF_RANGE, 0, "the slot of a Data is empty");
  status = jv_resolve(p->dir, cap, JAVM_KIND_DATA, &data, p->error);
  jv_release(p->dir, cap);
  if (status) return status;
  uint32_t page_count = data->as.data.page_count;
  jv_put_number(&p->w, page_count, 4);
  if (one->page < page_count)
    status = write_page(p, jv_tree_get(data->as.data.pages, jv_tree_level(page_count), one->page));
  else status = jv_fail(p->error, JAVM_OUT_OF_RANGE, 0, "page %u of a Data of %u", one->page, page_count);
  jv_release(p->dir, data);
  return status;
}

static javm_status write_overlay_page(proving *p, const jv_instance *instance, const planned *one) {
  const jv_overlay *o = &instance->overlays[one->overlay];
  jv_put_number(&p->w, instance->overlay_count, 1);
  jv_put_number(&p->w, one->overlay, 1);
  jv_put_number(&p->w, o->start, 4);
  jv_put_number(&p->w, o->page_count, 4);
  uint32_t index = (uint32_t)((one->place - o->start) / JAVM_PAGE_BYTES);
  return write_page(p, jv_tree_get(o->pages, jv_tree_level(o->page_count), index));
}

static javm_status write_written_page(proving *p, const jv_instance *instance, const planned *one) {
  javm_cap *frame;
  javm_status status = find_frame(p, instance, &frame);
  if (status) return status;
  uint32_t index = (uint32_t)(one->place / JAVM_PAGE_BYTES);
  status = write_page(p, jv_tree_get(frame->as.frame.pages, JV_FRAME_LEVEL, index));
  jv_release(p->dir, frame);
  return status;
}

static void write_registers(jv_writer *w, const uint64_t *regs, uint64_t chunk) {
  for (uint64_t i = 4 * chunk; i < JAVM_REG_COUNT && i < 4 * chunk + 4; i++) jv_put_number(w, regs[i], 8);
}

static javm_status write_value(proving *p, const jv_instance *instance, const planned *one) {
  jv_writer *w = &p->w;
  switch (one->kind) {
    case JAVM_CLAIM_REGISTER: write_registers(w, instance->regs, one->place); break;
    case JAVM_CLAIM_PC: jv_put_number(w, instance->pc, 8); break;
    case JAVM_CLAIM_GAS: jv_put_number(w, instance->gas_remaining, 8); break;
    case JAVM_CLAIM_CHAIN: jv_put(w, &instance->chain, JAVM_HASH_BYTES); break;
    case JAVM_CLAIM_IMAGE: jv_put_ref(w, instance->image); break;
    case JAVM_CLAIM_ROOT_CNODE: jv_put_ref(w, instance->root_cnode); break;
    case JAVM_CLAIM_MEM_SIZE: jv_put_number(w, instance->mem_size, 4); break;
    case JAVM_CLAIM_HEAP_END: jv_put_number(w, instance->heap_end, 4); break;
    case JAVM_CLAIM_PAUSED: jv_put_ref(w, instance->paused); break;
    case JAVM_CLAIM_SLOT:
    case JAVM_CLAIM_DATA_PAGE: return write_slot(p, instance, one);
    case JAVM_CLAIM_PAGE: return write_overlay_page(p, instance, one);
    case JAVM_CLAIM_WRITTEN_PAGE: return write_written_page(p, instance, one);
  }
  return JAVM_OK;
}

static javm_status write_claims(proving *p) {
  javm_status status = JAVM_OK;
  jv_put(&p->w, JV_PROOF_MAGIC, JV_PROOF_MAGIC_BYTES);
  jv_put_number(&p->w, p->count, 2);
  for (size_t i = 0; !status && i < p->count; i++) {
    const planned *one = &p->plan[i];
    javm_cap *instance;
    uint32_t entry_count;
    status = find_instance(p, one->entry, &instance, &entry_count);
    if (status) return status;
    jv_put_number(&p->w, one->entry, 2);
    jv_put_number(&p->w, one->kind, 1);
    jv_put_number(&p->w, one->place, 8);
    jv_put_number(&p->w, one->page, 4);
    if (one->entry > 0) jv_put_number(&p->w, entry_count, 2);
    status = write_value(p, &instance->as.instance, one);
    jv_release(p->dir, instance);
  }
  return !status && p->w.failed ? jv_fail_memory(p->error) : status;
}

static bool write_helper(void *ctx, const jv_position *at, javm_hash *hash) {
  proving *p = ctx;
  p->status = jv_proof_node_hash(p->dir, p->instance, at, hash, p->error);
  if (p->status) return false;
  unsigned level = jv_zero_level(hash);
  jv_put_number(&p->w, level < JV_ZERO_LEVELS ? level : JV_PROOF_EXPLICIT, 1);
  if (level == JV_ZERO_LEVELS) jv_put(&p->w, hash, JAVM_HASH_BYTES);
  return true;
}

static javm_status prove(proving *p, const javm_target *targets, size_t count) {
  jv_proof_leaves leaves;
  javm_hash root;
  size_t end;
  javm_status status = JAVM_OK;
  if (count == 0) return jv_fail(p->error, JAVM_INVALID_ARGUMENT, 0, "nothing to prove");
  for (size_t i = 0; !status && i < count; i++) status = plan_target(p, &targets[i]);
  if (!status) status = write_claims(p);
  if (status) return status;
  /* All that can be wrong with claims that were just written is that they are too many. */
  if (jv_proof_read(p->w.bytes, p->w.size, &leaves, &end, NULL))
    return jv_fail(p->error, JAVM_OUT_OF_RANGE, 0, "too much for one proof: prove it in parts");
  if (jv_proof_root(&leaves, write_helper, p, &root)) return JAVM_OK;
  return p->status ? p->status : jv_fail(p->error, JAVM_INTERNAL, 0, "the claims of a proof contradict each other");
}

javm_status javm_prove(javm_dir *dir, javm_cap *instance, const javm_target *targets, size_t count, uint8_t **proof,
                       size_t *size_bytes, javm_error *error) {
  proving p = {.dir = dir, .error = error};
  *proof = NULL;
  javm_status status = jv_resolve(dir, instance, JAVM_KIND_INSTANCE, &p.instance, error);
  if (status) return status;
  jv_writer_init(&p.w, javm_dir_allocator(dir));
  if (!jv_settle(dir, &p.instance->obj)) status = jv_fail_memory(error);
  if (!status) status = prove(&p, targets, count);
  if (!status && !jv_writer_finish(&p.w, proof, size_bytes)) status = jv_fail_memory(error);
  jv_writer_clear(&p.w);
  jv_free_array(javm_dir_allocator(dir), p.plan, p.capacity, sizeof *p.plan);
  jv_release(dir, p.instance);
  return status;
}
