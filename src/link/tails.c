/*
 * Functions end alike: they load the registers that they kept, move sp and return. A long function whose last
 * instructions are those of another jumps there instead. It costs the jump, which a long function hardly feels.
 */
#include <string.h>

#include "base/error.h"
#include "link/code.h"

enum {
  TAIL_MAX = 12,      /* nodes that are compared */
  GAIN_MIN = 9,       /* bytes */
  JUMP_BYTES = 4,     /* at most, as a rule */
  LONG_FUNCTION = 64, /* nodes */
  PROBES_MAX = 64,    /* whoever makes hashes collide gets fewer equal ends */
};
#define NO_TAIL UINT32_MAX

/* A block that returns: its last nodes, the last one first. */
typedef struct tail {
  uint32_t block;
  uint32_t nodes[TAIL_MAX];
  uint8_t count;
  bool is_long; /* the function around it */
} tail;

/* Ends of tails, by the hash of their nodes: open addressing. */
typedef struct tail_table {
  uint64_t *hashes; /* 0: free */
  uint32_t *tails;
  size_t mask;
} tail_table;

typedef struct merging {
  jv_link_code *code;
  tail *tails;
  size_t tail_count, tail_capacity;
  tail_table table;
  uint8_t *cuts; /* of each node: a block is to begin here */
} merging;

/* ------------------------------------------------------------------------------------------------- what is there */

static bool same_node(const jv_node *n, const jv_node *m) {
  return n->op == m->op && n->a == m->a && n->b == m->b && n->d == m->d && n->x == m->x && n->y == m->y;
}

static uint64_t mix(uint64_t hash, const jv_node *n) {
  uint64_t word = (uint64_t)n->op | (uint64_t)n->a << 8 | (uint64_t)n->b << 16 | (uint64_t)n->d << 24;
  hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
  hash = (hash ^ hash >> 29 ^ (uint64_t)n->x) * UINT64_C(0xbf58476d1ce4e5b9);
  return (hash ^ hash >> 32 ^ (uint64_t)n->y << 1) | 1;
}

static unsigned node_bytes(const jv_node *n) {
  jv_decoded insn = {.op = n->op, .a = n->a, .b = n->b, .d = n->d, .x = (uint64_t)n->x, .y = (uint64_t)n->y};
  uint8_t bytes[JV_BASE_MAX];
  return jv_encode(JAVM_ISA_JAVM, &insn, bytes);
}

static void find_tail(const jv_link_code *c, uint32_t block, bool is_long, tail *t) {
  const jv_block *b = &c->blocks[block];
  *t = (tail){.block = block, .is_long = is_long};
  for (uint32_t i = b->count; i-- > 0 && t->count < TAIL_MAX;) {
    if (c->nodes[b->first + i].op != JV_NO_NODE) t->nodes[t->count++] = b->first + i;
  }
}

/* The tails of all blocks that return. A function is what lies between two blocks that are called. */
static bool find_tails(merging *m) {
  jv_link_code *c = m->code;
  uint8_t *called = jv_alloc_zero(c->allocator, c->block_count + 1);
  if (!called) return false;
  for (size_t i = 0; i < c->block_count; i++) {
    const jv_node *last = jv_block_last(c, &c->blocks[i]);
    if (last && last->op == JV_OP_load_imm_jump) called[last->target] = 1;
  }
  bool ok = true;
  for (uint32_t from = 0, to; ok && from < c->block_count; from = to) {
    for (to = from + 1; to < c->block_count && !called[to]; to++) {
    }
    uint32_t end = to < c->block_count ? c->blocks[to].first : (uint32_t)c->node_count;
    bool is_long = end - c->blocks[from].first >= LONG_FUNCTION;
    for (uint32_t i = from; ok && i < to; i++) {
      const jv_node *last = c->blocks[i].reachable ? jv_block_last(c, &c->blocks[i]) : NULL;
      if (!last || last->op != JV_OP_jump_ind) continue;
      ok = jv_grow(c->allocator, &m->tails, &m->tail_capacity, m->tail_count + 1, sizeof *m->tails);
      if (ok) find_tail(c, i, is_long, &m->tails[m->tail_count++]);
    }
  }
  jv_free(c->allocator, called, c->block_count + 1);
  return ok;
}

/* ---------------------------------------------------------------------------------------------------- the table */

static bool make_table(merging *m) {
  size_t size = 64;
  while (size < 4 * TAIL_MAX * m->tail_count / 3) size *= 2;
  m->table.mask = size - 1;
  m->table.hashes = jv_alloc_zero(m->code->allocator, size * sizeof *m->table.hashes);
  m->table.tails = jv_alloc_array(m->code->allocator, size, sizeof *m->table.tails);
  return m->table.hashes && m->table.tails;
}

/* The tail that was added first with this end; NO_TAIL: none. Adds it in that case, if `adds`. */
static uint32_t look_up(merging *m, uint64_t hash, uint32_t index, bool adds) {
  tail_table *t = &m->table;
  size_t at = (size_t)(hash >> 7) & t->mask;
  for (unsigned probes = 0; t->hashes[at]; at = (at + 1) & t->mask) {
    if (t->hashes[at] == hash) return t->tails[at];
    if (++probes == PROBES_MAX) return NO_TAIL;
  }
  if (adds) {
    t->hashes[at] = hash;
    t->tails[at] = index;
  }
  return NO_TAIL;
}

static void add_tail(merging *m, uint32_t index) {
  const tail *t = &m->tails[index];
  uint64_t hash = 1;
  for (unsigned i = 0; i < t->count; i++) {
    hash = mix(hash, &m->code->nodes[t->nodes[i]]);
    (void)look_up(m, hash, index, true);
  }
}

/* How many nodes the two ends share. */
static unsigned shared(const jv_link_code *c, const tail *t, const tail *u) {
  unsigned n = 0;
  while (n < t->count && n < u->count && same_node(&c->nodes[t->nodes[n]], &c->nodes[u->nodes[n]])) n++;
  return n;
}

/* Replaces the end of a tail by a jump to an equal one. False: there is none that is long enough. */
static bool merge_tail(merging *m, uint32_t index) {
  jv_link_code *c = m->code;
  const tail *t = &m->tails[index];
  uint64_t hash = 1;
  uint32_t best = NO_TAIL;
  for (unsigned i = 0; i < t->count; i++) {
    hash = mix(hash, &c->nodes[t->nodes[i]]);
    uint32_t other = look_up(m, hash, index, false);
    if (other == NO_TAIL) break;
    best = other;
  }
  if (best == NO_TAIL || best == index) return false;
  const tail *u = &m->tails[best];
  unsigned count = shared(c, t, u), bytes = 0;
  for (unsigned i = 0; i < count; i++) bytes += node_bytes(&c->nodes[t->nodes[i]]);
  if (bytes < GAIN_MIN + JUMP_BYTES) return false;
  m->cuts[u->nodes[count - 1]] = 1;
  for (unsigned i = 1; i < count; i++) c->nodes[t->nodes[i]].op = JV_NO_NODE;
  jv_node *jump = &c->nodes[t->nodes[0]];
  jump->op = JV_OP_jump;
  jump->a = jump->b = jump->d = 0;
  jump->x = u->nodes[count - 1]; /* a node, until it is a block */
  jump->y = 1;
  return true;
}

/* -------------------------------------------------------------------------------------------------------- blocks */

/* Cuts blocks in two where tails begin, and sets all targets anew. */
static bool cut_blocks(merging *m, size_t cuts) {
  jv_link_code *c = m->code;
  size_t capacity = c->block_count + cuts, count = 0;
  jv_block *blocks = jv_alloc_array(c->allocator, capacity, sizeof *blocks);
  uint32_t *moved = jv_alloc_array(c->allocator, c->block_count, sizeof *moved);
  uint32_t *block_at = jv_alloc_array(c->allocator, c->node_count, sizeof *block_at); /* of nodes that were cut */
  bool ok = blocks && moved && block_at;
  for (size_t i = 0; ok && i < c->block_count; i++) {
    jv_block rest = c->blocks[i];
    moved[i] = (uint32_t)count;
    for (uint32_t k = rest.first, end = rest.first + rest.count; k < end; k++) {
      if (!m->cuts[k]) continue;
      if (k > rest.first) {
        blocks[count] = rest;
        blocks[count++].count = k - rest.first;
        rest.count = end - k;
        rest.first = k;
        rest.escapes = false;
      }
      block_at[k] = (uint32_t)count;
    }
    blocks[count++] = rest;
  }
  for (size_t i = 0; ok && i < c->node_count; i++) {
    jv_node *n = &c->nodes[i];
    if (n->op == JV_NO_NODE || !jv_has_target(n->op)) continue;
    bool merged = n->op == JV_OP_jump && n->y == 1;
    n->target = merged ? block_at[n->x] : moved[n->target];
    if (merged) n->x = n->y = 0;
  }
  for (size_t i = 0; ok && i < c->site_count; i++) c->block_of[i] = moved[c->block_of[i]];
  for (size_t i = 0; ok && i < c->entry_count; i++) c->entries[i] = moved[c->entries[i]];
  jv_free_array(c->allocator, moved, c->block_count, sizeof *moved);
  jv_free_array(c->allocator, block_at, c->node_count, sizeof *block_at);
  if (!ok) {
    jv_free_array(c->allocator, blocks, capacity, sizeof *blocks);
    return false;
  }
  jv_free_array(c->allocator, c->blocks, c->block_capacity, sizeof *c->blocks);
  c->blocks = blocks;
  c->block_count = count;
  c->block_capacity = capacity;
  return true;
}

/* Short functions give their ends to the long ones. */
static bool merge(merging *m) {
  size_t cuts = 0;
  if (!find_tails(m) || !make_table(m)) return false;
  m->cuts = jv_alloc_zero(m->code->allocator, m->code->node_count + 1);
  if (!m->cuts) return false;
  for (int pass = 0; pass < 2; pass++) {
    for (uint32_t i = 0; i < m->tail_count; i++) {
      if (m->tails[i].is_long != (pass == 1)) continue;
      if (pass == 1 && merge_tail(m, i)) cuts++;
      else add_tail(m, i);
    }
  }
  return cuts == 0 || cut_blocks(m, cuts);
}

javm_status jv_merge_tails(jv_link_code *c, javm_error *error) {
  merging m = {.code = c};
  bool ok = merge(&m);
  size_t size = m.table.mask + 1;
  jv_free_array(c->allocator, m.tails, m.tail_capacity, sizeof *m.tails);
  jv_free(c->allocator, m.table.hashes, size * sizeof *m.table.hashes);
  jv_free_array(c->allocator, m.table.tails, size, sizeof *m.table.tails);
  jv_free(c->allocator, m.cuts, c->node_count + 1);
  return ok ? JAVM_OK : jv_fail_memory(error);
}
