/* The kernel's Instances (6-kernel.md 6.1): known by the hash of their name. */
#include <pthread.h>

#include "cap/cap.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static javm_hash hashes[JAVM_KERNEL_COUNT];

static void hash_names(void) {
  static const char *const names[] = {
#define X(name, text) "kernel:" text,
      JAVM_KERNEL_LIST(X)
#undef X
  };
  for (int i = 0; i < JAVM_KERNEL_COUNT; i++) jv_hash(&hashes[i], names[i], strlen(names[i]));
}

/* Every VM wants all of them: they are computed once in a process. */
void javm_kernel_hash(javm_kernel_image which, javm_hash *hash) {
  pthread_once(&once, hash_names);
  *hash = hashes[which];
}

javm_status javm_kernel_instance(javm_dir *dir, javm_kernel_image which, uint64_t id, javm_cap **out) {
  *out = NULL;
  if ((unsigned)which >= JAVM_KERNEL_COUNT) return JAVM_INVALID_ARGUMENT;
  jv_instance content = {.regs = {[7] = id}};
  javm_kernel_hash(which, &content.chain);
  *out = jv_instance_make(dir, &content);
  return *out ? JAVM_OK : JAVM_OUT_OF_MEMORY;
}
