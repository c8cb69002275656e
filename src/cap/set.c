/* See set.h. Linear probing, at most three quarters full. */
#include "cap/set.h"

#include "base/bytes.h"
#include "cap/hash.h"

/* The first byte chooses a directory's shard, so it is left out here. */
static size_t place_of_hash(const jv_set *s, const javm_hash *hash) {
  return (size_t)jv_load_le(hash->bytes + 8, 8) & (s->capacity - 1);
}

static size_t place_of(const jv_set *s, const jv_obj *o) {
  if (!s->by_address) return place_of_hash(s, &o->hash);
  return (size_t)(((uint64_t)(uintptr_t)o >> 4) * 0x9e3779b97f4a7c15u >> 20) & (s->capacity - 1);
}

void jv_set_clear(const javm_allocator *a, jv_set *s) {
  jv_free(a, s->slots, s->capacity * sizeof *s->slots);
  jv_set_init(s, s->by_address);
}

bool jv_set_reserve(const javm_allocator *a, jv_set *s, size_t more) {
  if (more > SIZE_MAX / 4 - s->count) return false;
  size_t need = s->count + more, capacity = s->capacity ? s->capacity : 16;
  while (capacity / 4 * 3 < need) {
    if (capacity > SIZE_MAX / 2 / sizeof *s->slots) return false;
    capacity *= 2;
  }
  if (capacity == s->capacity) return true;
  jv_set grown = {jv_alloc_zero(a, capacity * sizeof *s->slots), 0, capacity, s->by_address};
  if (!grown.slots) return false;
  for (size_t i = 0; i < s->capacity; i++)
    if (s->slots[i]) jv_set_add(&grown, s->slots[i]);
  jv_set_clear(a, s);
  *s = grown;
  return true;
}

bool jv_set_add(jv_set *s, jv_obj *o) {
  size_t at = place_of(s, o);
  for (; s->slots[at]; at = (at + 1) & (s->capacity - 1))
    if (s->slots[at] == o || (!s->by_address && jv_hash_equal(&s->slots[at]->hash, &o->hash))) return false;
  s->slots[at] = o;
  s->count++;
  return true;
}

jv_obj *jv_set_find(const jv_set *s, const javm_hash *hash) {
  if (s->capacity == 0) return NULL;
  size_t at = place_of_hash(s, hash);
  for (; s->slots[at]; at = (at + 1) & (s->capacity - 1))
    if (jv_hash_equal(&s->slots[at]->hash, hash)) return s->slots[at];
  return NULL;
}

void jv_set_remove(jv_set *s, const jv_obj *o) {
  size_t mask = s->capacity - 1, hole = place_of(s, o);
  while (s->slots[hole] != o) hole = (hole + 1) & mask;
  /* Move back what would not be found any more behind the hole. */
  for (size_t at = (hole + 1) & mask; s->slots[at]; at = (at + 1) & mask) {
    size_t home = place_of(s, s->slots[at]);
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    s->slots[hole] = s->slots[at];
    hole = at;
  }
  s->slots[hole] = NULL;
  s->count--;
}
