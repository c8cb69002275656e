/* The first root CNode of a chain: the Instances that only the kernel issues. */
#include "base/error.h"
#include "cap/cap.h"

static const javm_kernel_image issued[] = {
    [JAVM_BOOTSTRAP_SET_GAS_METER] = JAVM_KERNEL_SET_GAS_METER,
    [JAVM_BOOTSTRAP_SET_STORAGE_QUOTA] = JAVM_KERNEL_SET_STORAGE_QUOTA,
    [JAVM_BOOTSTRAP_MINT_GAS] = JAVM_KERNEL_MINT_GAS,
    [JAVM_BOOTSTRAP_MINT_QUOTA] = JAVM_KERNEL_MINT_QUOTA,
    [JAVM_BOOTSTRAP_CREATE_YIELD_CATCHER] = JAVM_KERNEL_CREATE_YIELD_CATCHER,
    [JAVM_BOOTSTRAP_YIELD_CATCHER] = JAVM_KERNEL_YIELDCATCHER,
};
enum { ISSUED = sizeof issued / sizeof *issued };
_Static_assert(JAVM_BOOTSTRAP_SET_GAS_METER == 1, "slot 0 stays free");

/* Lets the catcher's list be the two markers; on failure it is empty. */
static javm_status fill_catcher(const javm_assist *assist, const javm_hash *catcher) {
  javm_hash gas, storage;
  javm_kernel_hash(JAVM_KERNEL_OOG_MARKER, &gas);
  javm_kernel_hash(JAVM_KERNEL_STORAGE_EXHAUSTED_MARKER, &storage);
  javm_status status = assist->yield_catcher_add(assist->ctx, catcher, &gas);
  if (status != JAVM_OK) return status;
  status = assist->yield_catcher_add(assist->ctx, catcher, &storage);
  if (status != JAVM_OK) assist->yield_catcher_remove(assist->ctx, catcher, &gas);
  return status;
}

javm_status javm_bootstrap(javm_dir *dir, const javm_assist *assist, javm_cap **root_cnode, javm_error *error) {
  jv_obj *slots = NULL;
  javm_cap *catcher = NULL;
  bool ok = true;
  *root_cnode = NULL;
  for (uint32_t slot = 1; ok && slot < ISSUED; slot++) {
    bool is_catcher = slot == JAVM_BOOTSTRAP_YIELD_CATCHER;
    uint64_t id = is_catcher ? assist->yield_catcher_new(assist->ctx) : 0;
    javm_cap *cap = NULL;
    ok = javm_kernel_instance(dir, issued[slot], id, &cap) == JAVM_OK &&
         jv_tree_set(dir, &slots, JV_ROOT_SIZE_LOG, slot, &cap->obj);
    if (is_catcher) catcher = cap; /* the tree has a count of it */
    jv_release(dir, cap);
  }
  javm_cap *root = NULL;
  if (ok) root = jv_cnode_make(dir, JV_ROOT_SIZE_LOG, slots); /* takes over the tree */
  else jv_release(dir, slots);
  if (!root) return jv_fail_memory(error);
  javm_status status = jv_settle(dir, &catcher->obj) ? fill_catcher(assist, &catcher->obj.hash) : JAVM_OUT_OF_MEMORY;
  if (status != JAVM_OK) {
    jv_release(dir, root);
    return jv_fail(error, status, 0, "the bootstrap's yield catcher");
  }
  *root_cnode = root;
  return JAVM_OK;
}
