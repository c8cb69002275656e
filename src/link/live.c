/* Which registers are needed where. Backward over the blocks until nothing changes; every block is looked at again only
 * when one behind it needs a register more, so at most 13 times for each of its edges. */
#include <string.h>

#include "base/error.h"
#include "link/code.h"

/* The blocks before each block: those that fall into it or jump to it. */
typedef struct before {
  uint32_t *first; /* block_count + 1 */
  uint32_t *blocks;
  size_t count;
} before;

typedef struct summary {
  uint16_t reads, writes; /* before any write; in all */
} summary;

void jv_count_refs(jv_link_code *c) {
  for (size_t i = 0; i < c->block_count; i++) c->blocks[i].refs = 0;
  for (size_t i = 0; i < c->block_count; i++) {
    const jv_block *b = &c->blocks[i];
    const jv_node *last = b->reachable ? jv_block_last(c, b) : NULL;
    if (last && jv_has_target(last->op)) c->blocks[last->target].refs++;
  }
}

static size_t successors(const jv_link_code *c, size_t block, uint32_t out[2]) {
  const jv_block *b = &c->blocks[block];
  const jv_node *last = jv_block_last(c, b);
  size_t count = 0;
  if (last && jv_has_target(last->op)) out[count++] = last->target;
  if (jv_block_falls(c, b) && block + 1 < c->block_count) out[count++] = (uint32_t)block + 1;
  return count;
}

/* Needed behind a block. Where an indirect jump leads nobody knows. */
static unsigned live_out(const jv_link_code *c, size_t block) {
  const jv_node *last = jv_block_last(c, &c->blocks[block]);
  if (last && (last->op == JV_OP_jump_ind || last->op == JV_OP_load_imm_jump_ind)) return JV_ALL_REGS;
  uint32_t next[2];
  unsigned live = 0;
  for (size_t i = successors(c, block, next); i-- > 0;) live |= c->blocks[next[i]].live_in;
  return live;
}

static bool find_before(const jv_link_code *c, before *b) {
  uint32_t next[2];
  b->first = jv_alloc_zero(c->allocator, (c->block_count + 2) * sizeof *b->first);
  if (!b->first) return false;
  for (size_t i = 0; i < c->block_count; i++) {
    for (size_t n = successors(c, i, next); n-- > 0; b->count++) b->first[next[n] + 1]++;
  }
  b->blocks = jv_alloc_array(c->allocator, b->count, sizeof *b->blocks);
  if (!b->blocks) return false;
  for (size_t i = 0; i < c->block_count; i++) b->first[i + 1] += b->first[i];
  for (size_t i = c->block_count; i-- > 0;) {
    for (size_t n = successors(c, i, next); n-- > 0;) b->blocks[--b->first[next[n] + 1]] = (uint32_t)i;
  }
  /* first[i + 1] is now where the blocks before i begin */
  memmove(b->first, b->first + 1, c->block_count * sizeof *b->first);
  b->first[c->block_count] = (uint32_t)b->count;
  return true;
}

static summary summarize(const jv_link_code *c, const jv_block *b) {
  summary s = {0, 0};
  for (uint32_t i = b->count; i-- > 0;) {
    const jv_node *n = &c->nodes[b->first + i];
    if (n->op == JV_NO_NODE) continue;
    unsigned writes = jv_node_writes(n);
    s.reads = (uint16_t)((s.reads & ~writes) | jv_node_reads(n));
    s.writes |= (uint16_t)writes;
  }
  return s;
}

static void settle(jv_link_code *c, const before *b, const summary *sums, uint32_t *queue, uint8_t *queued) {
  size_t head = 0, count = c->block_count;
  for (size_t i = 0; i < count; i++) {
    c->blocks[i].live_in = 0;
    queue[i] = (uint32_t)(count - 1 - i);
    queued[i] = 1;
  }
  for (size_t left = count; left > 0; left--) {
    uint32_t at = queue[head];
    head = head + 1 == count ? 0 : head + 1;
    queued[at] = 0;
    unsigned live = (live_out(c, at) & ~(unsigned)sums[at].writes) | sums[at].reads;
    if (live == c->blocks[at].live_in) continue;
    c->blocks[at].live_in = (uint16_t)live;
    for (uint32_t i = b->first[at]; i < b->first[at + 1]; i++) {
      uint32_t other = b->blocks[i];
      if (queued[other]) continue;
      queued[other] = 1;
      queue[(head + left - 1) % count] = other;
      left++;
    }
  }
}

/* For each node that writes: how often its block uses that, and whether anybody behind the block does. */
static void count_uses(jv_link_code *c, size_t block) {
  const jv_block *b = &c->blocks[block];
  unsigned live = live_out(c, block);
  uint8_t uses[JAVM_REG_COUNT] = {0};
  for (uint32_t i = b->count; i-- > 0;) {
    jv_node *n = &c->nodes[b->first + i];
    if (n->op == JV_NO_NODE) continue;
    unsigned writes = jv_node_writes(n), reads = jv_node_reads(n);
    for (unsigned r = 0; r < JAVM_REG_COUNT; r++) {
      if (writes >> r & 1) {
        n->uses = uses[r];
        n->dies = !(live >> r & 1);
        uses[r] = 0;
        live &= ~(1u << r);
      }
    }
    for (unsigned r = 0; r < JAVM_REG_COUNT; r++) {
      if (reads >> r & 1 && uses[r] < UINT8_MAX) uses[r]++;
    }
  }
}

javm_status jv_live_find(jv_link_code *c, javm_error *error) {
  const javm_allocator *a = c->allocator;
  before b = {NULL, NULL, 0};
  summary *sums = jv_alloc_array(a, c->block_count, sizeof *sums);
  uint32_t *queue = jv_alloc_array(a, c->block_count, sizeof *queue);
  uint8_t *queued = jv_alloc_array(a, c->block_count, 1);
  bool ok = find_before(c, &b) && sums && queue && queued;
  if (ok) {
    for (size_t i = 0; i < c->block_count; i++) sums[i] = summarize(c, &c->blocks[i]);
    settle(c, &b, sums, queue, queued);
    for (size_t i = 0; i < c->block_count; i++) count_uses(c, i);
  }
  jv_free(a, b.first, (c->block_count + 2) * sizeof *b.first);
  jv_free_array(a, b.blocks, b.count, sizeof *b.blocks);
  jv_free_array(a, sums, c->block_count, sizeof *sums);
  jv_free_array(a, queue, c->block_count, sizeof *queue);
  jv_free_array(a, queued, c->block_count, 1);
  return ok ? JAVM_OK : jv_fail_memory(error);
}

void jv_live_sweep(jv_link_code *c) {
  for (size_t block = 0; block < c->block_count; block++) {
    jv_block *b = &c->blocks[block];
    unsigned live = live_out(c, block);
    for (uint32_t i = b->count; i-- > 0;) {
      jv_node *n = &c->nodes[b->first + i];
      if (n->op == JV_NO_NODE) continue;
      unsigned writes = jv_node_writes(n);
      bool pure = writes && !jv_ops[n->op].can_fault && !jv_node_ends(n) && n->op != JV_OP_sbrk;
      if (pure && !(writes & live)) {
        n->op = JV_NO_NODE;
        continue;
      }
      live = (live & ~writes) | jv_node_reads(n);
    }
    jv_block_compact(c, b);
  }
}
