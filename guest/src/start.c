/* The entry point of programs with a main and without endpoints and libc: endpoint 0 is main, its answer what main
 * returns. */
#include <javm.h>

int main(int argc, char **argv);

uint64_t _start(void) {
  char *no_arguments[1] = {0};
  return (uint64_t)main(0, no_arguments);
}
