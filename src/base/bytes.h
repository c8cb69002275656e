/* Little-endian numbers in byte strings, without alignment. */
#ifndef JV_BASE_BYTES_H
#define JV_BASE_BYTES_H

#include <stdint.h>
#include <string.h>

static inline uint64_t jv_load_le(const uint8_t *p, unsigned bytes) {
  uint64_t v = 0;
  for (unsigned i = 0; i < bytes; i++) v |= (uint64_t)p[i] << (8 * i);
  return v;
}

static inline void jv_store_le(uint8_t *p, uint64_t v, unsigned bytes) {
  for (unsigned i = 0; i < bytes; i++) p[i] = (uint8_t)(v >> (8 * i));
}

#endif
