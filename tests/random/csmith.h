/*
 * Stands in for csmith's own runtime header: the same checksum, kept instead of printed, and no libc, so that many
 * programs can stand in one file and run as a guest. safe_math.h is csmith's.
 */
#ifndef JAVM_TESTS_CSMITH_H
#define JAVM_TESTS_CSMITH_H

#include <float.h>
#include <limits.h>
#include <stdint.h>

#define STATIC static
#define FUNC_NAME(x) (safe_##x)
#define LOG_INDEX
#define LOG_EXEC
#define UNDEFINED(value) (value)
#define COUNT(n)
#define TC
#define SAFE
#define fabsf __builtin_fabsf
#define fabs __builtin_fabs
#include <csmith/safe_math.h>

/* csmith calls these with 0 too, for which C has no answer. */
#define __builtin_clz(x) builtin_clz(x)
#define __builtin_clzl(x) builtin_clzl(x)
#define __builtin_clzll(x) builtin_clzll(x)
#define __builtin_ctz(x) builtin_ctz(x)
#define __builtin_ctzl(x) builtin_ctzl(x)
#define __builtin_ctzll(x) builtin_ctzll(x)
static int builtin_clz(unsigned x) { return x ? (__builtin_clz)(x) : 32; }
static int builtin_clzl(unsigned long x) { return x ? (__builtin_clzl)(x) : 64; }
static int builtin_clzll(unsigned long long x) { return x ? (__builtin_clzll)(x) : 64; }
static int builtin_ctz(unsigned x) { return x ? (__builtin_ctz)(x) : 32; }
static int builtin_ctzl(unsigned long x) { return x ? (__builtin_ctzl)(x) : 64; }
static int builtin_ctzll(unsigned long long x) { return x ? (__builtin_ctzll)(x) : 64; }

static uint32_t crc32_table[256];
static uint32_t crc32_context;
static uint32_t csmith_checksum;

static void crc32_gentab(void) {
  crc32_context = UINT32_MAX;
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t crc = i;
    for (int k = 0; k < 8; k++) crc = crc & 1 ? crc >> 1 ^ UINT32_C(0xedb88320) : crc >> 1;
    crc32_table[i] = crc;
  }
}

__attribute__((noinline)) static void transparent_crc(uint64_t value, const char *name, int flag) {
  (void)name, (void)flag;
  for (int i = 0; i < 64; i += 8) {
    crc32_context = crc32_context >> 8 ^ crc32_table[(crc32_context ^ value >> i) & 0xff];
  }
}

__attribute__((noinline)) static void transparent_crc_bytes(const void *bytes, int count, const char *name, int flag) {
  (void)name, (void)flag;
  for (int i = 0; i < count; i++) {
    crc32_context = crc32_context >> 8 ^ crc32_table[(crc32_context ^ ((const uint8_t *)bytes)[i]) & 0xff];
  }
}

static void platform_main_begin(void) {}
static void platform_main_end(uint32_t crc, int flag) {
  (void)flag;
  csmith_checksum = crc;
}
#define printf(...) ((void)0)

#endif
