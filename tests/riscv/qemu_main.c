/* Runs a group of instruction tests (isa_tests.c) as a Linux program, to make the expected checksums: one a line. */
#include <stddef.h>
#include <stdint.h>

#include "isa_tests.h"

extern const uint64_t test_words[]; /* ended by UINT64_MAX */
extern uint8_t signature[];
uint64_t run_test(uint64_t index);

/* The tests keep what RVE has saved registers for, s0 and s1, and touch no other register from x16 on. */
static uint64_t call(uint64_t index) { return run_test(index); }

static long system_call(long number, long a, long b, long c) {
  register long a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c, a7 __asm__("a7") = number;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
  return a0;
}

void start(void) {
  for (uint64_t i = 0; test_words[i] != UINT64_MAX; i++) {
    char text[17];
    for (size_t k = 0; k < ISA_SIGNATURE_BYTES; k++) ((volatile uint8_t *)signature)[k] = 0;
    uint64_t sum = call(i);
    for (int k = 0; k < 16; k++) text[k] = "0123456789abcdef"[sum >> (60 - 4 * k) & 15];
    text[16] = '\n';
    system_call(64, 1, (long)text, sizeof text);
  }
  system_call(93, 0, 0, 0);
  for (;;) continue;
}
