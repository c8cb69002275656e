/* See tree.h. Everything here is check, then commit: what can fail is allocated before anything changes. Recursion goes
 * over the levels of one tree, of which there are at most 20. */
#include "cap/tree.h"

#include "cap/cap.h"

#define LEVEL_MAX 20

/* A branch over two children, taking over their counts; gives them back when out of memory. */
static jv_obj *branch_over(javm_dir *dir, unsigned level, jv_obj *left, jv_obj *right) {
  jv_branch *b = jv_alloc(javm_dir_allocator(dir), sizeof *b);
  if (!b) {
    jv_release(dir, left);
    jv_release(dir, right);
    return NULL;
  }
  jv_obj_init(&b->obj, JV_OBJ_BRANCH);
  b->obj.level = (uint8_t)level;
  b->child[0] = left;
  b->child[1] = right;
  return &b->obj;
}

unsigned jv_tree_level(uint32_t count) {
  unsigned level = 0;
  while ((uint64_t)1 << level < count) level++;
  return level;
}

static unsigned side(uint32_t index, unsigned level) { return index >> (level - 1) & 1; }

jv_obj *jv_tree_get(jv_obj *root, unsigned level, uint32_t index) {
  for (; root && level > 0; level--) root = ((jv_branch *)root)->child[side(index, level)];
  return root;
}

/* Takes empty branches out of the path to index, lowest first. Every branch of it is ours alone. */
static void prune(javm_dir *dir, jv_obj **root, unsigned level, uint32_t index) {
  jv_obj **link[LEVEL_MAX];
  unsigned depth = 0;
  for (; level > 0; level--) {
    link[depth] = root;
    root = &((jv_branch *)*root)->child[side(index, level)];
    depth++;
  }
  while (depth-- > 0) {
    jv_branch *b = (jv_branch *)*link[depth];
    if (b->child[0] || b->child[1]) return;
    *link[depth] = NULL;
    jv_release(dir, b);
  }
}

bool jv_tree_set(javm_dir *dir, jv_obj **root, unsigned level, uint32_t index, jv_obj *leaf) {
  if (!leaf && !jv_tree_get(*root, level, index)) return true;
  unsigned own = level; /* the branches above this level are held by nobody else and change in place */
  for (jv_obj *o = *root; own > 0 && o && jv_obj_unique(o); own--) o = ((jv_branch *)o)->child[side(index, own)];

  jv_branch *fresh[LEVEL_MAX];
  for (unsigned i = 0; i < own; i++) {
    fresh[i] = jv_alloc(javm_dir_allocator(dir), sizeof *fresh[i]);
    if (!fresh[i]) {
      while (i-- > 0) jv_free(javm_dir_allocator(dir), fresh[i], sizeof *fresh[i]);
      return false;
    }
  }

  /* commit */
  jv_obj **link = root;
  for (unsigned at = level; at > 0; at--) {
    if (at > own) {
      jv_obj_forget(*link);
    } else {
      jv_branch *old = (jv_branch *)*link, *b = fresh[at - 1];
      jv_obj_init(&b->obj, JV_OBJ_BRANCH);
      b->obj.level = (uint8_t)at;
      for (unsigned i = 0; i < 2; i++) b->child[i] = old ? jv_obj_retain(old->child[i]) : NULL;
      *link = &b->obj;
      jv_release(dir, old);
    }
    link = &((jv_branch *)*link)->child[side(index, at)];
  }
  jv_obj *before = *link;
  *link = jv_obj_retain(leaf);
  if (!leaf) prune(dir, root, level, index);
  jv_release(dir, before);
  return true;
}

/*
 * Leaves [from, to) of a tree over [low, low + 2^level) become `full[0]`, those behind `to` zero, those before `from`
 * stay as in `old`. full[i] is a complete tree of level i, all of the same leaf.
 */
typedef struct filling {
  javm_dir *dir;
  jv_obj *full[LEVEL_MAX + 1];
  uint64_t from, to;
  bool failed;
} filling;

static bool fill_init(filling *f, javm_dir *dir, unsigned level, jv_obj *leaf) {
  memset(f->full, 0, sizeof f->full);
  f->dir = dir;
  f->failed = false;
  f->full[0] = jv_obj_retain(leaf);
  for (unsigned i = 1; leaf && i <= level; i++) {
    f->full[i] = branch_over(dir, i, jv_obj_retain(f->full[i - 1]), jv_obj_retain(f->full[i - 1]));
    if (!f->full[i]) return false;
  }
  return true;
}

static void fill_clear(filling *f) {
  for (unsigned i = 0; i <= LEVEL_MAX; i++) jv_release(f->dir, f->full[i]);
}

static jv_obj *fill(filling *f, jv_obj *old, unsigned level, uint64_t low) {
  uint64_t high = low + ((uint64_t)1 << level);
  if (f->failed || (low >= f->to && low >= f->from)) return NULL;
  if (high <= f->from) return jv_obj_retain(old);
  if (low >= f->from && high <= f->to) return jv_obj_retain(f->full[level]);
  uint64_t middle = low + ((uint64_t)1 << (level - 1));
  jv_branch *b = (jv_branch *)old;
  jv_obj *left = fill(f, b ? b->child[0] : NULL, level - 1, low);
  jv_obj *right = fill(f, b ? b->child[1] : NULL, level - 1, middle);
  if (!left && !right) return NULL;
  jv_obj *made = branch_over(f->dir, level, left, right);
  if (!made) f->failed = true;
  return made;
}

bool jv_tree_extend(javm_dir *dir, jv_obj **root, unsigned level, uint32_t from, uint32_t to, jv_obj *leaf) {
  filling f;
  if (!fill_init(&f, dir, level, from < to ? leaf : NULL)) {
    fill_clear(&f);
    return false;
  }
  f.from = from;
  f.to = to;
  jv_obj *made = fill(&f, *root, level, 0);
  fill_clear(&f);
  if (f.failed) {
    jv_release(dir, made);
    return false;
  }
  jv_release(dir, *root);
  *root = made;
  return true;
}

bool jv_tree_fill(javm_dir *dir, jv_obj **out, unsigned level, uint32_t count, jv_obj *leaf) {
  jv_obj *root = NULL;
  if (!jv_tree_extend(dir, &root, level, 0, count, leaf)) return false;
  *out = root;
  return true;
}

static jv_obj *build(javm_dir *dir, unsigned level, jv_obj *const *leaves, uint32_t count, bool *failed) {
  if (count == 0 || *failed) return NULL;
  if (level == 0) return jv_obj_retain(leaves[0]);
  uint32_t half = (uint32_t)1 << (level - 1);
  jv_obj *left = build(dir, level - 1, leaves, count < half ? count : half, failed);
  jv_obj *right = count > half ? build(dir, level - 1, leaves + half, count - half, failed) : NULL;
  if (!left && !right) return NULL;
  jv_obj *made = branch_over(dir, level, left, right);
  if (!made) *failed = true;
  return made;
}

bool jv_tree_build(javm_dir *dir, jv_obj **out, unsigned level, jv_obj *const *leaves, uint32_t count) {
  bool failed = false;
  jv_obj *root = build(dir, level, leaves, count, &failed);
  if (failed) {
    jv_release(dir, root);
    return false;
  }
  *out = root;
  return true;
}

bool jv_tree_resize(javm_dir *dir, jv_obj **out, jv_obj *root, unsigned level, unsigned new_level) {
  for (; root && level > new_level; level--) root = ((jv_branch *)root)->child[0];
  jv_obj *made = jv_obj_retain(root);
  for (; made && level < new_level; level++) {
    made = branch_over(dir, level + 1, made, NULL);
    if (!made) return false;
  }
  *out = made;
  return true;
}

static bool each(jv_obj *node, unsigned level, uint32_t low, jv_tree_visit_fn visit, void *ctx) {
  if (!node) return true;
  if (level == 0) return visit(ctx, low, node);
  jv_branch *b = (jv_branch *)node;
  return each(b->child[0], level - 1, low, visit, ctx) &&
         each(b->child[1], level - 1, low + ((uint32_t)1 << (level - 1)), visit, ctx);
}

bool jv_tree_each(jv_obj *root, unsigned level, jv_tree_visit_fn visit, void *ctx) {
  return each(root, level, 0, visit, ctx);
}
