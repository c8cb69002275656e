/*
 * A guest that ends in several ways. place.elf is made of it by
 *   clang-19 --target=riscv64-unknown-elf -march=rv64emac_zbb -mabi=lp64e -ffreestanding -Og -gline-tables-only \
 *     -ffile-prefix-map=$PWD=/src -c place.c -o place.o
 *   ld.lld-19 --emit-relocs -e start -T ../../guest/javm.ld place.o -o place.elf
 */
#define ECALLI(n) ".insn u 0x0b, x0, " #n

static unsigned long say(unsigned long descriptor, const char *text, unsigned long size) {
  register unsigned long a0 __asm__("a0") = descriptor, a1 __asm__("a1") = (unsigned long)text, a2 __asm__("a2") = size;
  __asm__ volatile(ECALLI(64) : "+r"(a0) : "r"(a1), "r"(a2) : "memory");
  return a0;
}

__attribute__((noinline)) static void poke(volatile int *p) { *p = 1; }

__attribute__((noinline)) static void yield(void) {
  __asm__ volatile("li a0, 77\n" ECALLI(16)::: "a0"); /* refused: slot 77 is empty */
}

unsigned long start(unsigned long way) {
  say(1, "good\n", 5);
  say(2, "bad\n", 4);
  if (way == 1) poke((int *)8);
  if (way == 2) yield();
  if (way == 3) return say(1, "in midline", 10);
  if (way == 4) return say(3, "x", 1);
  if (way == 5) return say(1, "to here", 1ul << 31);
  if (way == 6) return say(1, (const char *)0x100, 1);
  if (way == 7) return say(1, "x", -1ul);
  return way;
}
