/* The n-th Fibonacci number by two calls for each: what calls and returns cost. */
#include "workload.h"

/* Not inlined into itself: compilers differ much in that, and it is calls that are to be compared. */
static __attribute__((noinline)) uint64_t fib(uint64_t n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

uint64_t workload(uint64_t n) { return fib(n); }
