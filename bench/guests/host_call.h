/*
 * One call of the host and back, by the way there is: a guest calls a host function, WebAssembly an import, RISC-V Linux the
 * kernel. Native code has no host; it calls through a pointer that the compiler can't see through.
 */
#ifndef JAVM_BENCH_HOST_CALL_H
#define JAVM_BENCH_HOST_CALL_H

#include <stdint.h>

#define HOST_CALL_NUMBER 65 /* of the host function */

/* What each host answers. */
static inline uint32_t host_answer(uint32_t value) { return value ^ value >> 1; }

#if defined __wasm__

__attribute__((import_module("host"), import_name("call"))) uint32_t host_call(uint32_t value);

#elif defined __riscv_64e

#include <javm.h>
static inline uint32_t host_call(uint32_t value) { return (uint32_t)javm_host_call1(HOST_CALL_NUMBER, value).value; }

#elif defined __riscv

/* The kernel can't give the answer, but it is asked: getppid. */
static inline uint32_t host_call(uint32_t value) {
  register uint64_t a0 __asm__("a0");
  register uint64_t a7 __asm__("a7") = 173;
  __asm__ volatile("ecall" : "=r"(a0) : "r"(a7) : "memory");
  return host_answer(value);
}

#else

extern uint32_t (*volatile native_host_call)(uint32_t value);
static inline uint32_t host_call(uint32_t value) { return native_host_call(value); }

#endif
#endif
