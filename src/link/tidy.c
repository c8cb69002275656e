/*
 * Control made shorter: jumps to jumps go to the end of the chain, a jump to a return returns, a branch around a jump is
 * turned round, a constant before a jump becomes a part of it, and blocks that nobody reaches are dropped.
 */
#include <string.h>

#include "base/error.h"
#include "link/code.h"

/* A chain of jumps is followed this far; a longer one, or a circle, is left as it is behind that. */
enum { CHAIN_MAX = 8 };

/* The only node of a block; NULL: none, or more. */
static jv_node *only_node(const jv_link_code *c, const jv_block *b) {
  jv_node *found = NULL;
  for (uint32_t i = 0; i < b->count; i++) {
    jv_node *n = &c->nodes[b->first + i];
    if (n->op == JV_NO_NODE) continue;
    if (found) return NULL;
    found = n;
  }
  return found;
}

static uint32_t end_of_chain(const jv_link_code *c, uint32_t block) {
  for (unsigned i = 0; i < CHAIN_MAX; i++) {
    const jv_node *n = only_node(c, &c->blocks[block]);
    if (n && n->op == JV_OP_jump) block = n->target;
    else if (!jv_block_last(c, &c->blocks[block]) && block + 1 < c->block_count) block++;
    else break;
  }
  return block;
}

/* A jump to a block that only jumps through a register does that itself. */
static void jump_through(const jv_link_code *c, jv_node *n) {
  const jv_node *there = only_node(c, &c->blocks[n->target]);
  if (!there || there->op != JV_OP_jump_ind) return;
  if (n->op == JV_OP_jump) {
    n->op = JV_OP_jump_ind;
    n->a = there->a;
    n->x = there->x;
  } else if (n->op == JV_OP_load_imm_jump && n->a != there->a) {
    n->op = JV_OP_load_imm_jump_ind;
    n->b = there->a;
    n->y = there->x;
  }
}

/* The branch on the opposite; JV_NO_NODE: not a branch. */
static uint8_t opposite(uint8_t op) {
  switch (op) {
    case JV_OP_branch_eq: return JV_OP_branch_ne;
    case JV_OP_branch_ne: return JV_OP_branch_eq;
    case JV_OP_branch_lt_u: return JV_OP_branch_ge_u;
    case JV_OP_branch_ge_u: return JV_OP_branch_lt_u;
    case JV_OP_branch_lt_s: return JV_OP_branch_ge_s;
    case JV_OP_branch_ge_s: return JV_OP_branch_lt_s;
    case JV_OP_branch_eq_imm: return JV_OP_branch_ne_imm;
    case JV_OP_branch_ne_imm: return JV_OP_branch_eq_imm;
    case JV_OP_branch_lt_u_imm: return JV_OP_branch_ge_u_imm;
    case JV_OP_branch_ge_u_imm: return JV_OP_branch_lt_u_imm;
    case JV_OP_branch_le_u_imm: return JV_OP_branch_gt_u_imm;
    case JV_OP_branch_gt_u_imm: return JV_OP_branch_le_u_imm;
    case JV_OP_branch_lt_s_imm: return JV_OP_branch_ge_s_imm;
    case JV_OP_branch_ge_s_imm: return JV_OP_branch_lt_s_imm;
    case JV_OP_branch_le_s_imm: return JV_OP_branch_gt_s_imm;
    case JV_OP_branch_gt_s_imm: return JV_OP_branch_le_s_imm;
    default: return JV_NO_NODE;
  }
}

/* The first block from here on that has a node; block_count: none. */
static uint32_t next_filled(const jv_link_code *c, uint32_t block) {
  while (block < c->block_count && (!c->blocks[block].reachable || !jv_block_last(c, &c->blocks[block]))) block++;
  return block;
}

/* `branch over; jump far; over:` becomes the opposite branch. */
static void turn_round(jv_link_code *c, uint32_t block, jv_node *branch, const uint32_t *filled) {
  uint8_t other = opposite(branch->op);
  uint32_t middle = block + 1;
  if (other == JV_NO_NODE || middle + 1 >= c->block_count) return;
  const jv_block *m = &c->blocks[middle];
  jv_node *jump = only_node(c, m);
  if (!jump || jump->op != JV_OP_jump || m->refs > 0 || m->escapes) return;
  if (branch->target <= middle || filled[middle + 1] != filled[branch->target]) return;
  branch->op = other;
  branch->target = jump->target;
  jump->op = JV_NO_NODE;
}

/* filled[i]: next_filled of i. (That a jump goes on the way does no harm.) */
static bool follow_chains(jv_link_code *c) {
  uint32_t *filled = jv_alloc_array(c->allocator, c->block_count, sizeof *filled);
  if (!filled) return false;
  for (uint32_t i = (uint32_t)c->block_count, next = i; i-- > 0; filled[i] = next) {
    if (jv_block_last(c, &c->blocks[i])) next = i;
  }
  for (uint32_t i = 0; i < c->block_count; i++) {
    jv_node *last = jv_block_last(c, &c->blocks[i]);
    if (!last || !jv_has_target(last->op)) continue;
    last->target = end_of_chain(c, last->target);
    if (last->op == JV_OP_jump || last->op == JV_OP_load_imm_jump) jump_through(c, last);
    else turn_round(c, i, last, filled);
  }
  jv_free_array(c->allocator, filled, c->block_count, sizeof *filled);
  return true;
}

/* ------------------------------------------------------------------------------------- a constant before a jump */

/* The last constant of a block that nothing behind it in the block touches. */
static jv_node *loose_constant(const jv_link_code *c, const jv_block *b, const jv_node *last) {
  unsigned touched = jv_node_reads(last) | jv_node_writes(last);
  for (jv_node *n = (jv_node *)last; n-- > &c->nodes[b->first];) {
    if (n->op == JV_NO_NODE) continue;
    if (n->op == JV_OP_load_imm && !(touched & jv_reg_bit(n->a))) return n;
    touched |= jv_node_reads(n) | jv_node_writes(n);
    if (touched == JV_ALL_REGS) return NULL;
  }
  return NULL;
}

static void join_constants(jv_link_code *c) {
  for (uint32_t i = 0; i < c->block_count; i++) {
    jv_node *last = jv_block_last(c, &c->blocks[i]);
    if (!last || (last->op != JV_OP_jump && last->op != JV_OP_jump_ind)) continue;
    jv_node *constant = loose_constant(c, &c->blocks[i], last);
    if (!constant) continue;
    if (last->op == JV_OP_jump) {
      last->op = JV_OP_load_imm_jump;
    } else {
      last->op = JV_OP_load_imm_jump_ind;
      last->b = last->a;
      last->y = last->x;
    }
    last->a = constant->a;
    last->x = constant->x;
    constant->op = JV_NO_NODE;
  }
}

/* ------------------------------------------------------------------------------------------------- reachability */

static void reach(jv_link_code *c, uint32_t block, uint32_t *stack, size_t *depth) {
  if (c->blocks[block].reachable) return;
  c->blocks[block].reachable = true;
  stack[(*depth)++] = block;
}

static bool find_reachable(jv_link_code *c) {
  uint32_t *stack = jv_alloc_array(c->allocator, c->block_count, sizeof *stack);
  size_t depth = 0;
  if (!stack) return false;
  for (uint32_t i = 0; i < c->block_count; i++) c->blocks[i].reachable = false;
  for (uint32_t i = 0; i < c->block_count; i++) {
    if (c->blocks[i].escapes) reach(c, i, stack, &depth);
  }
  while (depth > 0) {
    uint32_t at = stack[--depth];
    const jv_node *last = jv_block_last(c, &c->blocks[at]);
    if (last && jv_has_target(last->op)) reach(c, last->target, stack, &depth);
    if (jv_block_falls(c, &c->blocks[at]) && at + 1 < c->block_count) reach(c, at + 1, stack, &depth);
  }
  jv_free_array(c->allocator, stack, c->block_count, sizeof *stack);
  return true;
}

/* Jumps to what comes next anyway. */
static void drop_jumps_to_next(jv_link_code *c) {
  uint32_t next = (uint32_t)c->block_count;
  for (uint32_t i = (uint32_t)c->block_count; i-- > 0;) {
    const jv_block *b = &c->blocks[i];
    if (!b->reachable) continue;
    jv_node *last = jv_block_last(c, b);
    if (last && last->op == JV_OP_jump && next < c->block_count && last->target <= next && last->target > i &&
        next_filled(c, last->target) == next) {
      last->op = JV_NO_NODE;
    }
    if (jv_block_last(c, b)) next = i;
  }
}

javm_status jv_tidy(jv_link_code *c, bool plain, javm_error *error) {
  if (!plain) {
    jv_count_refs(c);
    if (!follow_chains(c)) return jv_fail_memory(error);
  }
  if (!find_reachable(c)) return jv_fail_memory(error);
  if (!plain) {
    drop_jumps_to_next(c);
    javm_status status = jv_merge_tails(c, error);
    if (status != JAVM_OK) return status;
    join_constants(c);
  }
  jv_count_refs(c);
  return JAVM_OK;
}
