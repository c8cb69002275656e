/*
 * Runs a workload as a RISC-V Linux program without a libc: NAME N MILLISECONDS. Prints like wasm.js: the checksum, the
 * nanoseconds of the first call and those of one of the calls that it then makes for at least MILLISECONDS.
 */
#include <stddef.h>

#include "workload.h"

enum { SYS_WRITE = 64, SYS_EXIT = 93, SYS_CLOCK_GETTIME = 113, CLOCK_MONOTONIC = 1 };

static int64_t syscall3(int64_t number, int64_t x, int64_t y, int64_t z) {
  register int64_t a0 __asm__("a0") = x;
  register int64_t a1 __asm__("a1") = y;
  register int64_t a2 __asm__("a2") = z;
  register int64_t a7 __asm__("a7") = number;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
  return a0;
}

static uint64_t now(void) {
  int64_t time[2];
  syscall3(SYS_CLOCK_GETTIME, CLOCK_MONOTONIC, (int64_t)time, 0);
  return (uint64_t)time[0] * 1000000000 + (uint64_t)time[1];
}

static uint64_t read_number(const char *text) {
  uint64_t value = 0;
  for (; *text >= '0' && *text <= '9'; text++) value = value * 10 + (uint64_t)(*text - '0');
  return value;
}

static void print(uint64_t value, char end) {
  char text[21];
  size_t at = sizeof text;
  text[--at] = end;
  do text[--at] = (char)('0' + value % 10);
  while (value /= 10);
  syscall3(SYS_WRITE, 1, (int64_t)(text + at), (int64_t)(sizeof text - at));
}

/* The stack as Linux gives it: argc, then argv. */
__attribute__((used)) static void start(int64_t *stack) {
  char **argv = (char **)(stack + 1);
  if (stack[0] != 3) syscall3(SYS_EXIT, 2, 0, 0);
  uint64_t n = read_number(argv[1]), least = read_number(argv[2]) * 1000000, count = 0;
  uint64_t begin = now(), checksum = workload(n), first = now() - begin, total = 0;
  for (begin = now(); total < least; count++) {
    if (workload(n) != checksum) syscall3(SYS_EXIT, 1, 0, 0);
    total = now() - begin;
  }
  print(checksum, ' ');
  print(first, ' ');
  print(count ? total / count : 0, '\n');
  syscall3(SYS_EXIT, 0, 0, 0);
}

__asm__(".globl _start\n_start: mv a0, sp\n andi sp, sp, -16\n call start\n");
