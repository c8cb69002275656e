/*
 * C++ without libc. There is no `new` (it needs --libc), so all that `delete` can be given is NULL; but every class
 * with a virtual destructor refers to it. Destructors of static objects never run.
 */
#include <stddef.h>

namespace std {
enum class align_val_t : size_t {};
}

extern "C" int __cxa_atexit(void (*)(void *), void *, void *) { return 0; }

void operator delete(void *object) noexcept {
  if (object) __builtin_trap();
}
void operator delete[](void *object) noexcept { operator delete(object); }
void operator delete(void *object, size_t) noexcept { operator delete(object); }
void operator delete[](void *object, size_t) noexcept { operator delete(object); }
void operator delete(void *object, std::align_val_t) noexcept { operator delete(object); }
void operator delete[](void *object, std::align_val_t) noexcept { operator delete(object); }
void operator delete(void *object, size_t, std::align_val_t) noexcept { operator delete(object); }
void operator delete[](void *object, size_t, std::align_val_t) noexcept { operator delete(object); }
