/* Thread-local variables. There is one thread: each variable is made when it is first asked for, and stays. */
#include "arena.h"
#include "builtins.h"

struct emutls_variable {
  size_t size;
  size_t align; /* a power of two */
  void *object; /* NULL until it is made */
  const void *initial;
};

void *__emutls_get_address(struct emutls_variable *variable);

void *__emutls_get_address(struct emutls_variable *variable) {
  if (variable->object) return variable->object;
  /* Whole units of 16 bytes, so that what malloc takes behind it stays aligned. */
  size_t align = variable->align > 16 ? variable->align : 16;
  char *room = __javm_arena_grow((ptrdiff_t)((variable->size + align - 1 + 15) & ~(size_t)15));
  if (!room) __builtin_trap();
  room = (char *)(((uintptr_t)room + align - 1) & ~(align - 1));
  if (variable->initial) __builtin_memcpy(room, variable->initial, variable->size);
  else __builtin_memset(room, 0, variable->size);
  return variable->object = room;
}
