/* The entry point of programs with a main and with libc: endpoint 0 runs main, then what exit runs; the answer is its
 * status. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int main(int argc, char **argv, char **environment);

extern char **environ;
extern void (*__fini_array_start[])(void), (*__fini_array_end[])(void);

static size_t destructor_count(void) { return (size_t)(__fini_array_end - __fini_array_start); }

static void run_destructors(void) {
  for (size_t i = destructor_count(); i--;) __fini_array_start[i]();
}

uint64_t _start(void) {
  static char name[] = "guest";
  char *arguments[2] = {name, NULL};
  if (destructor_count()) atexit(run_destructors);
  exit(main(1, arguments, environ));
}
