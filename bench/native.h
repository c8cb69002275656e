/* The benchmark programs of bench/ in C: fib.s, sort.s and sieve.s do the same work and answer the same. */
#ifndef JAVM_BENCH_NATIVE_H
#define JAVM_BENCH_NATIVE_H

#include <stdint.h>

/* What the endpoints in the .s files have for a0. */
#define NATIVE_FIB_STEPS UINT64_C(1000000)
#define NATIVE_SORT_COUNT UINT64_C(1000)
#define NATIVE_SIEVE_LIMIT UINT64_C(100000)

uint64_t native_fib(void);   /* that Fibonacci number, modulo 2^64 */
uint64_t native_sort(void);  /* a checksum of so many sorted numbers */
uint64_t native_sieve(void); /* how many primes there are up to the limit */

#endif
