/* `new` and `delete` over malloc. There are no exceptions: out of memory is a trap. */
#include <stdlib.h>

namespace std {
enum class align_val_t : size_t {};
}

static void *allocate(size_t n) { return malloc(n ? n : 1); }
static void *allocate(size_t n, std::align_val_t align) { return aligned_alloc(static_cast<size_t>(align), n ? n : 1); }
static void *checked(void *object) {
  if (!object) __builtin_trap();
  return object;
}

void *operator new(size_t n) { return checked(allocate(n)); }
void *operator new[](size_t n) { return checked(allocate(n)); }
void *operator new(size_t n, std::align_val_t align) { return checked(allocate(n, align)); }
void *operator new[](size_t n, std::align_val_t align) { return checked(allocate(n, align)); }

void operator delete(void *object) noexcept { free(object); }
void operator delete[](void *object) noexcept { free(object); }
void operator delete(void *object, size_t) noexcept { free(object); }
void operator delete[](void *object, size_t) noexcept { free(object); }
void operator delete(void *object, std::align_val_t) noexcept { free(object); }
void operator delete[](void *object, std::align_val_t) noexcept { free(object); }
void operator delete(void *object, size_t, std::align_val_t) noexcept { free(object); }
void operator delete[](void *object, size_t, std::align_val_t) noexcept { free(object); }
