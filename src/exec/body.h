/*
 * body.def as inline functions: jv_value_<name> for what goes to the destination, jv_load_value_<name> for what a load
 * makes of the bytes, jv_taken_<name> for branches. Arithmetic is on u64 and wraps; conversions to signed types are as
 * every compiler does them, in two's complement.
 */
#ifndef JV_EXEC_BODY_H
#define JV_EXEC_BODY_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

#define u32(v) ((uint32_t)(v))
#define s64(v) ((int64_t)(v))
#define sx8(v) ((uint64_t)(int64_t)(int8_t)(uint8_t)(v))
#define sx16(v) ((uint64_t)(int64_t)(int16_t)(uint16_t)(v))
#define sx32(v) ((uint64_t)(int64_t)(int32_t)(uint32_t)(v))

static inline uint64_t shar(uint64_t v, uint64_t n) { return (uint64_t)(s64(v) >> n); }
static inline uint64_t ror64(uint64_t v, uint64_t n) { return v >> (n & 63) | v << ((0 - n) & 63); }
static inline uint32_t ror32(uint32_t v, uint64_t n) { return v >> (n & 31) | v << ((0 - n) & 31); }
/* The divisor is not 0; the lowest value divided by -1 wraps. */
static inline uint64_t div_s(uint64_t a, uint64_t b) { return b == UINT64_MAX ? 0 - a : (uint64_t)(s64(a) / s64(b)); }
static inline uint64_t rem_s(uint64_t a, uint64_t b) { return b == UINT64_MAX ? 0 : (uint64_t)(s64(a) % s64(b)); }

static inline uint64_t count_bits(uint64_t v) {
  v -= v >> 1 & UINT64_C(0x5555555555555555);
  v = (v & UINT64_C(0x3333333333333333)) + (v >> 2 & UINT64_C(0x3333333333333333));
  v = (v + (v >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
  return v * UINT64_C(0x0101010101010101) >> 56;
}
static inline uint64_t trailing_zeros(uint64_t v) {
#if defined(__GNUC__)
  return v ? (uint64_t)__builtin_ctzll(v) : 64;
#else
  return count_bits(~v & (v - 1));
#endif
}
static inline uint64_t leading_zeros(uint64_t v) {
#if defined(__GNUC__)
  return v ? (uint64_t)__builtin_clzll(v) : 64;
#else
  for (unsigned shift = 1; shift < 64; shift *= 2) v |= v >> shift;
  return 64 - count_bits(v);
#endif
}
static inline uint64_t reverse_bytes(uint64_t v) {
  v = (v & UINT64_C(0x00ff00ff00ff00ff)) << 8 | (v >> 8 & UINT64_C(0x00ff00ff00ff00ff));
  v = (v & UINT64_C(0x0000ffff0000ffff)) << 16 | (v >> 16 & UINT64_C(0x0000ffff0000ffff));
  return v << 32 | v >> 32;
}
/* The high half of the unsigned product. */
static inline uint64_t mul_upper(uint64_t a, uint64_t b) {
#if defined(__SIZEOF_INT128__)
  __extension__ typedef unsigned __int128 wide;
  return (uint64_t)((wide)a * b >> 64);
#else
  uint64_t low = (uint64_t)u32(a) * u32(b), mid = (a >> 32) * u32(b) + (low >> 32);
  uint64_t mid2 = u32(a) * (b >> 32) + u32(mid);
  return (a >> 32) * (b >> 32) + (mid >> 32) + (mid2 >> 32);
#endif
}

/* Guest memory is little-endian on every host. `bytes` is a constant. */
static inline uint64_t jv_host_load(uintptr_t at, unsigned bytes) {
  const uint8_t *p = (const uint8_t *)at;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  uint64_t v8;
  uint32_t v4;
  uint16_t v2;
  switch (bytes) {
  case 8: memcpy(&v8, p, 8); return v8;
  case 4: memcpy(&v4, p, 4); return v4;
  case 2: memcpy(&v2, p, 2); return v2;
  default: return *p;
  }
#else
  return jv_load_le(p, bytes);
#endif
}
static inline void jv_host_store(uintptr_t at, uint64_t value, unsigned bytes) {
  uint8_t *p = (uint8_t *)at;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  memcpy(p, &value, bytes);
#else
  jv_store_le(p, value, bytes);
#endif
}

#define RRR(name, value)                                                                                               \
  static inline uint64_t jv_value_##name(uint64_t a, uint64_t b, uint64_t d) {                                         \
    (void)d;                                                                                                           \
    return value;                                                                                                      \
  }
#define RRI(name, value)                                                                                               \
  static inline uint64_t jv_value_##name(uint64_t a, uint64_t b, uint64_t x) {                                         \
    (void)a;                                                                                                           \
    return value;                                                                                                      \
  }
#define RR(name, value)                                                                                                \
  static inline uint64_t jv_value_##name(uint64_t a) { return value; }
#define LOAD(absolute, indirect, bytes, value)                                                                         \
  static inline uint64_t jv_value_##absolute(uint64_t v) { return value; }                                             \
  static inline uint64_t jv_value_##indirect(uint64_t v) { return value; }
#define BRR(name, condition)                                                                                           \
  static inline bool jv_taken_##name(uint64_t a, uint64_t b) { return condition; }
#define BRI(name, condition)                                                                                           \
  static inline bool jv_taken_##name(uint64_t a, uint64_t x) { return condition; }
#include "exec/body.def"

/* How many bytes a load or store moves. */
enum {
#define LOAD(absolute, indirect, bytes, value) JV_BYTES_##absolute = bytes, JV_BYTES_##indirect = bytes,
#define STORE(imm, absolute, imm_indirect, indirect, bytes)                                                            \
  JV_BYTES_##imm = bytes, JV_BYTES_##absolute = bytes, JV_BYTES_##imm_indirect = bytes, JV_BYTES_##indirect = bytes,
#include "exec/body.def"
};

#undef u32
#undef s64
#undef sx8
#undef sx16
#undef sx32

#endif
