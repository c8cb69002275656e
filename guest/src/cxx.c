/*
 * What C++ refers to in any guest. There are no exceptions, no run-time types and no threads. `new` and what else
 * depends on the libc is in cxx_bare.c and cxx_libc.c.
 */
#include <stdint.h>

void __cxa_pure_virtual(void);
void __cxa_deleted_virtual(void);
int __cxa_guard_acquire(uint8_t *guard);
void __cxa_guard_release(uint8_t *guard);
void __cxa_guard_abort(uint8_t *guard);

void __cxa_pure_virtual(void) { __builtin_trap(); }
void __cxa_deleted_virtual(void) { __builtin_trap(); }

/* The first byte says whether the static variable is made, the second that its constructor runs. */
int __cxa_guard_acquire(uint8_t *guard) {
  if (guard[0]) return 0;
  if (guard[1]) __builtin_trap(); /* it needs itself */
  guard[1] = 1;
  return 1;
}

void __cxa_guard_release(uint8_t *guard) {
  guard[0] = 1;
  guard[1] = 0;
}

void __cxa_guard_abort(uint8_t *guard) { guard[1] = 0; }
