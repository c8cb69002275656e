/*
 * The cache directory: hash -> object (caps and pages alike), in shards with a lock each. The table holds one count of
 * each object in it, and no two objects with the same hash.
 *
 * An object whose `published` is the directory's epoch is in the table, and so is everything below it: itself, or
 * another one with the same hash. Only a sweep takes objects out, and with that a new epoch begins.
 */
#ifndef JV_CAP_DIR_H
#define JV_CAP_DIR_H

#include <pthread.h>

#include "cap/cap.h"
#include "cap/set.h"

#define JV_SHARDS 64

typedef struct jv_shard {
  pthread_mutex_t lock;
  jv_set set;
  size_t reserved; /* room in the set that a running publication has reserved */
} jv_shard;

/* What the VMs of a directory share besides values (vm/programs.c). It goes with the directory. */
typedef struct jv_attachment {
  void (*free)(javm_dir *dir, struct jv_attachment *attachment);
} jv_attachment;

struct javm_dir {
  javm_allocator allocator;
  jv_page *zero_page;
  atomic_uint epoch; /* from 1 */
  jv_shard shards[JV_SHARDS];
  _Atomic(jv_attachment *) attachment; /* NULL until it is needed */
};

static inline jv_shard *jv_shard_of(javm_dir *dir, const javm_hash *hash) {
  return &dir->shards[hash->bytes[0] % JV_SHARDS];
}

#endif
