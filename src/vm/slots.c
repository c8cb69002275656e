/* Slot operands and slots: reading through nested CNodes, writing by making new CNodes along the path. */
#include "vm/vm.h"

bool jv_path_parse(javm_vm *vm, uint64_t operand, jv_path *path, jv_op_result *result) {
  path->slot[0] = (uint32_t)(operand & 0xff);
  path->length = 1;
  for (operand >>= 8; operand & 0xffff; operand >>= 16) {
    if (path->length == 4) break;
    path->slot[path->length++] = (uint32_t)(operand & 0xffff) - 1;
  }
  if (operand == 0) return true;
  *result = jv_refuse(vm, JAVM_REFUSAL_SLOT_OPERAND);
  return false;
}

static bool bad_operand(javm_vm *vm, jv_op_result *result) {
  *result = jv_refuse(vm, JAVM_REFUSAL_SLOT_OPERAND);
  return false;
}

/* The CNode behind a cap on a path, with a count. */
static bool path_cnode(javm_vm *vm, javm_cap *cap, javm_cap **out, jv_op_result *result) {
  if (!cap) return bad_operand(vm, result);
  switch (jv_resolve(vm->dir, cap, JAVM_KIND_CNODE, out, &vm->failure)) {
    case JAVM_OK: return true;
    case JAVM_WRONG_KIND: return bad_operand(vm, result);
    default: *result = JV_OP_FAILED; return false;
  }
}

static inline bool is_here(const javm_cap *cap) { return cap && cap->obj.kind == JV_OBJ_CAP; }

bool jv_slot_borrow(javm_vm *vm, jv_obj *root, unsigned size_log, const jv_path *path, javm_cap **out,
                    javm_cap **holder, jv_op_result *result) {
  *holder = NULL;
  for (uint32_t i = 0;; i++) {
    bool ok = !(path->slot[i] >> size_log) || bad_operand(vm, result);
    javm_cap *cap = ok ? (javm_cap *)jv_tree_get(root, size_log, path->slot[i]) : NULL;
    if (ok && i + 1 == path->length) {
      *out = cap;
      return true;
    }
    bool here = is_here(cap) && cap->kind == JAVM_KIND_CNODE;
    javm_cap *next = cap;
    ok = ok && (here || path_cnode(vm, cap, &next, result));
    if (!ok || !here) {
      jv_release(vm->dir, *holder);
      *holder = ok ? next : NULL;
    }
    if (!ok) return false;
    root = next->as.cnode.slots;
    size_log = next->as.cnode.size_log;
  }
}

bool jv_slot_read(javm_vm *vm, jv_obj *root, unsigned size_log, const jv_path *path, javm_cap **out,
                  jv_op_result *result) {
  javm_cap *holder;
  if (!jv_slot_borrow(vm, root, size_log, path, out, &holder, result)) return false;
  javm_cap_retain(*out);
  if (holder) jv_release(vm->dir, holder);
  return true;
}

/* Depth: the path's length. */
static bool write_below(javm_vm *vm, jv_obj **root, unsigned size_log, const jv_path *path, uint32_t i, javm_cap *cap,
                        jv_op_result *result) {
  uint32_t slot = path->slot[i];
  if (slot >> size_log) return bad_operand(vm, result);
  javm_cap *old = (javm_cap *)jv_tree_get(*root, size_log, slot);
  javm_cap *made = NULL;
  if (i + 1 < path->length) {
    javm_cap *cnode;
    if (!path_cnode(vm, old, &cnode, result)) return false;
    jv_obj *slots = jv_obj_retain(cnode->as.cnode.slots);
    bool ok = write_below(vm, &slots, cnode->as.cnode.size_log, path, i + 1, cap, result);
    if (ok) {
      made = jv_cnode_make(vm->dir, cnode->as.cnode.size_log, slots);
      ok = made != NULL;
      if (!ok) *result = jv_op_out_of_memory(vm);
    } else {
      jv_release(vm->dir, slots);
    }
    jv_release(vm->dir, cnode);
    if (!ok) return false;
    cap = made;
  }
  bool ok = cap == old || jv_tree_set(vm->dir, root, size_log, slot, (jv_obj *)cap);
  jv_release(vm->dir, made);
  if (!ok) *result = jv_op_out_of_memory(vm);
  return ok;
}

bool jv_slot_write(javm_vm *vm, jv_obj **root, unsigned size_log, const jv_path *path, javm_cap *cap,
                   jv_op_result *result) {
  return write_below(vm, root, size_log, path, 0, cap, result);
}

bool jv_slot_changeable(javm_vm *vm, const jv_entry *e, const jv_path *path, jv_op_result *result) {
  if (path->slot[0] >> e->size_log) return bad_operand(vm, result);
  if (!jv_is_pinned(e->image, path->slot[0])) return true;
  *result = jv_refuse(vm, JAVM_REFUSAL_PINNED_SLOT);
  return false;
}

bool jv_operand_borrow(javm_vm *vm, jv_entry *e, uint64_t operand, jv_path *path, javm_cap **out, javm_cap **holder,
                       jv_op_result *result) {
  jv_path own;
  if (!path) path = &own;
  if (!jv_path_parse(vm, operand, path, result)) return false;
  if (!jv_slot_borrow(vm, e->slots, e->size_log, path, out, holder, result)) return false;
  if (JV_LIKELY(*out)) return true;
  jv_release(vm->dir, *holder);
  *result = jv_refuse(vm, JAVM_REFUSAL_EMPTY_SLOT);
  return false;
}

bool jv_operand(javm_vm *vm, jv_entry *e, uint64_t operand, jv_path *path, javm_cap **out, jv_op_result *result) {
  javm_cap *holder;
  if (!jv_operand_borrow(vm, e, operand, path, out, &holder, result)) return false;
  javm_cap_retain(*out);
  if (holder) jv_release(vm->dir, holder);
  return true;
}

bool jv_operand_of(javm_vm *vm, jv_entry *e, uint64_t operand, javm_kind kind, jv_path *path, javm_cap **out,
                   jv_op_result *result) {
  javm_cap *cap, *holder;
  if (!jv_operand_borrow(vm, e, operand, path, &cap, &holder, result)) return false;
  javm_status status = JAVM_OK;
  if (is_here(cap) && (kind == JAVM_KIND_ABSENT || cap->kind == kind)) *out = javm_cap_retain(cap);
  else status = jv_resolve(vm->dir, cap, kind, out, &vm->failure);
  if (holder) jv_release(vm->dir, holder);
  if (status == JAVM_OK) return true;
  *result = status == JAVM_WRONG_KIND ? jv_refuse(vm, JAVM_REFUSAL_WRONG_KIND) : JV_OP_FAILED;
  return false;
}

javm_cap *jv_root_slot(const jv_entry *e, uint32_t slot) {
  return slot >> e->size_log ? NULL : (javm_cap *)jv_tree_get(e->slots, e->size_log, slot);
}

javm_cap *jv_slot0(const jv_entry *e) { return jv_is_pinned(e->image, 0) ? NULL : jv_root_slot(e, 0); }

bool jv_slot0_move(javm_vm *vm, jv_entry *from, jv_entry *to) {
  if (jv_is_pinned(from->image, 0) || jv_is_pinned(to->image, 0)) return true;
  javm_cap *cap = jv_root_slot(from, 0);
  if (cap == NULL && jv_root_slot(to, 0) == NULL) return true;
  jv_obj *slots = jv_obj_retain(to->slots);
  if (jv_tree_set(vm->dir, &slots, to->size_log, 0, (jv_obj *)cap) &&
      (cap == NULL || jv_tree_set(vm->dir, &from->slots, from->size_log, 0, NULL))) {
    jv_release(vm->dir, to->slots);
    to->slots = slots;
    return true;
  }
  jv_release(vm->dir, slots);
  return false;
}
