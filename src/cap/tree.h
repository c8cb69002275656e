/*
 * Persistent binary Merkle trees: the page list of a Data or an overlay, the slots of a CNode.
 *
 *   root (level L) ── branch ── branch ── ... ── leaf (a page, a cap, or a placeholder with only a hash)
 *                        └─ NULL: a subtree of zero chunks
 *
 * A tree over 2^level leaves is a pointer to a branch of that level (to the leaf itself at level 0, or NULL). Trees
 * share subtrees; a change copies the path to the root, or happens in place where the path is held by nobody else.
 * Each branch keeps its hash, so the hash after a change costs the changed paths only.
 */
#ifndef JV_CAP_TREE_H
#define JV_CAP_TREE_H

#include "base/obj.h"
#include "cap/hash.h"

typedef struct jv_branch {
  jv_obj obj; /* obj.level: 1..20 */
  jv_obj *child[2];
} jv_branch;

/* The leaf at index, borrowed; NULL: zero. */
jv_obj *jv_tree_get(jv_obj *root, unsigned level, uint32_t index);
/* Replaces *root by a tree with `leaf` (NULL: zero) at index; takes a count of leaf. False: out of memory, nothing
 * changed. */
bool jv_tree_set(javm_dir *dir, jv_obj **root, unsigned level, uint32_t index, jv_obj *leaf);
/* A tree of `count` leaves that are all the same (each taking its count): O(level) branches. False: out of memory. */
bool jv_tree_fill(javm_dir *dir, jv_obj **out, unsigned level, uint32_t count, jv_obj *leaf);
/* A tree over `leaves`, all at once: takes a count of each. False: out of memory. */
bool jv_tree_build(javm_dir *dir, jv_obj **out, unsigned level, jv_obj *const *leaves, uint32_t count);
/* The same leaves as a tree of another level (cut or raised). `*out` gets a count of its own. False: out of memory. */
bool jv_tree_resize(javm_dir *dir, jv_obj **out, jv_obj *root, unsigned level, unsigned new_level);
/* Sets leaves [from, 2^level) to `leaf` up to count `to` and zero behind: how a shorter page list becomes a longer one.
 * */
bool jv_tree_extend(javm_dir *dir, jv_obj **root, unsigned level, uint32_t from, uint32_t to, jv_obj *leaf);

/* The smallest level with 2^level >= count. */
unsigned jv_tree_level(uint32_t count);

/* Visits the non-zero leaves in order; stops and returns false where `visit` does. */
typedef bool (*jv_tree_visit_fn)(void *ctx, uint32_t index, jv_obj *leaf);
bool jv_tree_each(jv_obj *root, unsigned level, jv_tree_visit_fn visit, void *ctx);

#endif
