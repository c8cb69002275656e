/* Sets of objects, open addressing: by hash (the hash must be known) or by address. An object in a set is not counted
 * by it. */
#ifndef JV_CAP_SET_H
#define JV_CAP_SET_H

#include "base/obj.h"

typedef struct jv_set {
  jv_obj **slots;
  size_t count;
  size_t capacity; /* a power of two, or 0 */
  bool by_address;
} jv_set;

static inline void jv_set_init(jv_set *s, bool by_address) { *s = (jv_set){NULL, 0, 0, by_address}; }
void jv_set_clear(const javm_allocator *a, jv_set *s);
/* Makes room for `more` objects. False: out of memory, all as before. */
bool jv_set_reserve(const javm_allocator *a, jv_set *s, size_t more);
/* Adds; there must be room. False: an equal one is in it already. */
bool jv_set_add(jv_set *s, jv_obj *o);
/* Of a set by hash. NULL: none. */
jv_obj *jv_set_find(const jv_set *s, const javm_hash *hash);
/* Takes out an object that is in the set. */
void jv_set_remove(jv_set *s, const jv_obj *o);

#endif
