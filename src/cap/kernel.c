/* The kernel's Instances (6-kernel.md 6.1): known by the hash of their name. */
#include "cap/cap.h"

void javm_kernel_hash(javm_kernel_image which, javm_hash *hash) {
  static const char *const names[] = {
#define X(name, text) "kernel:" text,
      JAVM_KERNEL_LIST(X)
#undef X
  };
  jv_hash(hash, names[which], strlen(names[which]));
}

javm_status javm_kernel_instance(javm_dir *dir, javm_kernel_image which, uint64_t id, javm_cap **out) {
  *out = NULL;
  if ((unsigned)which >= JAVM_KERNEL_COUNT) return JAVM_INVALID_ARGUMENT;
  jv_instance content = {.regs = {[7] = id}};
  javm_kernel_hash(which, &content.chain);
  *out = jv_instance_make(dir, &content);
  return *out ? JAVM_OK : JAVM_OUT_OF_MEMORY;
}
