/*
 * What every workload here is: one function of the amount of work that answers a checksum, without a libc. The same source
 * is compiled as a guest, natively, to WebAssembly and for RISC-V Linux; see bench.mk and bench/workloads.c.
 */
#ifndef JAVM_BENCH_WORKLOAD_H
#define JAVM_BENCH_WORKLOAD_H

#include <stdint.h>

uint64_t workload(uint64_t n);

#endif
