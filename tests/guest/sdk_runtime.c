/*
 * What the SDK does for a program beside arithmetic: atomic operations on objects that have no instruction,
 * thread-local variables, half precision. Built natively it prints the same.
 */
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "sdk_print.h"

static void show(const char *name, uint64_t value) {
  print(name);
  print(" ");
  print_hex(value);
  print("\n");
}

/* ---- atomics ---- */

__extension__ typedef unsigned __int128 wide;
typedef struct odd {
  uint8_t bytes[21];
} odd;

static _Atomic wide wide_object;
static _Atomic odd odd_object;

static void show_wide(const char *name, wide value) {
  show(name, (uint64_t)(value >> 64));
  show(name, (uint64_t)value);
}

static void show_odd(const char *name, odd value) {
  uint64_t sum = 0;
  for (size_t i = 0; i < sizeof value; i++) sum = sum * 257 + value.bytes[i];
  show(name, sum);
}

static void atomics(void) {
  wide big = ((wide)0x0123456789abcdef << 64) | 0xfedcba9876543210;
  atomic_store(&wide_object, big);
  show_wide("fetch_add", atomic_fetch_add(&wide_object, big));
  show_wide("fetch_sub", atomic_fetch_sub(&wide_object, 0x1234));
  show_wide("fetch_or", atomic_fetch_or(&wide_object, (wide)0xff << 60));
  show_wide("fetch_and", atomic_fetch_and(&wide_object, ~((wide)0xf0f0 << 56)));
  show_wide("fetch_xor", atomic_fetch_xor(&wide_object, big));
  wide expected = 5;
  show("compare", atomic_compare_exchange_strong(&wide_object, &expected, 7));
  show_wide("expected", expected);
  show("compare", atomic_compare_exchange_strong(&wide_object, &expected, 7));
  show_wide("exchange", atomic_exchange(&wide_object, big));
  show_wide("load", atomic_load(&wide_object));

  odd a = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21}}, b = {{11, 22, 33}},
      other = {{9}};
  atomic_store(&odd_object, a);
  show_odd("exchange", atomic_exchange(&odd_object, b));
  show("compare", atomic_compare_exchange_strong(&odd_object, &other, a));
  show_odd("other", other);
  show("compare", atomic_compare_exchange_strong(&odd_object, &other, a));
  show_odd("load", atomic_load(&odd_object));

  static _Atomic uint8_t byte = 250;
  static _Atomic uint16_t half = 65530;
  static _Atomic uint32_t word = 1;
  static _Atomic uint64_t both = 1;
  static atomic_flag flag = ATOMIC_FLAG_INIT;
  for (uint64_t i = 1; i < 20; i++) {
    byte += (uint8_t)i;
    half ^= (uint16_t)(i * 999);
    word *= (uint32_t)i;
    both -= i << 40;
  }
  show("byte", byte);
  show("half", half);
  show("word", word);
  show("both", both);
  show("flag", atomic_flag_test_and_set(&flag));
  show("flag", atomic_flag_test_and_set(&flag));
}

/* ---- thread-local variables ---- */

static __thread int counter = 5;
static __thread uint8_t zeros[100];
static __thread _Alignas(64) uint64_t aligned[3] = {1, 2, 3};
__thread uint64_t last;

static void thread_locals(void) {
  for (int i = 0; i < 3; i++) {
    counter += i;
    zeros[i * 10] = (uint8_t)counter;
    aligned[i] += (uint64_t)counter;
    last = last * 3 + aligned[i];
  }
  uint64_t sum = 0;
  for (size_t i = 0; i < sizeof zeros; i++) sum += zeros[i] * i;
  show("counter", (uint64_t)counter);
  show("zeros", sum);
  show("aligned", (uintptr_t)aligned % 64);
  show("last", last);
}

/* ---- half precision ---- */

static void halves(void) {
  uint64_t sum = 0;
  for (uint32_t bits = 0; bits < 65536; bits++) { /* all of them, there and back */
    uint16_t in = (uint16_t)bits, out;
    _Float16 h;
    __builtin_memcpy(&h, &in, sizeof h);
    if (h != h) continue;
    float f = h;
    double d = h;
    uint32_t float_bits;
    __builtin_memcpy(&float_bits, &f, sizeof f);
    h = (_Float16)(f * 1.0001f);
    __builtin_memcpy(&out, &h, sizeof h);
    sum = sum * 31 + out;
    h = (_Float16)(d * 1.00048828125);
    __builtin_memcpy(&out, &h, sizeof h);
    sum = sum * 31 + out + float_bits + (d == (double)f);
  }
  show("half", sum);
  uint64_t state = 1;
  for (int i = 0; i < 20000; i++) { /* floats and doubles around what a half can hold */
    state = state * 6364136223846793005u + 1442695040888963407u;
    double d = (double)(int64_t)state / (double)((uint64_t)1 << (state >> 40) % 63) / (double)(1 << (state >> 20) % 31);
    uint16_t out;
    _Float16 h = (_Float16)d;
    __builtin_memcpy(&out, &h, sizeof h);
    sum = sum * 31 + out;
    h = (_Float16)(float)d;
    __builtin_memcpy(&out, &h, sizeof h);
    sum = sum * 31 + out;
  }
  show("half", sum);
}

int main(void) {
  atomics();
  thread_locals();
  halves();
  return 0;
}
