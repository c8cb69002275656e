/*
 * Where the instructions of a program stand, in order, from the bitmask alone: where it marks one; behind one that nothing
 * follows for 25 bytes (there execution meets no instruction); at 0; and at the end of the code, where a trap is.
 */
#ifndef JV_EXEC_PLACES_H
#define JV_EXEC_PLACES_H

#include "exec/decode.h"

/* A place is a pc, and this bit where the bitmask has no instruction. */
#define JV_UNMARKED UINT32_C(0x80000000)
static inline uint32_t jv_place_pc(uint32_t place) { return place & ~JV_UNMARKED; }

/* The code and the bitmask are padded (jv_pad_code). */
typedef struct jv_scanner {
  const javm_code *code;
  uint32_t next; /* the bits before this one are done; a multiple of 64 */
  uint32_t last; /* pc of the last place that is marked */
  bool is_done;  /* the last place was the end of the code */
} jv_scanner;

enum {
  JV_PLACES_AHEAD = 4,   /* how many follow each place that is handed out; at the end the same one again */
  JV_PLACES_WANTED = 96, /* for one stretch; it has fewer only at the end of the code */
  JV_PLACES_MAX = JV_PLACES_AHEAD + JV_PLACES_WANTED + 66 + JV_PLACES_AHEAD + 1
};

static inline void jv_scanner_init(jv_scanner *s, const javm_code *code) {
  *s = (jv_scanner){.code = code, .last = 0u - (JV_MAX_SKIP + 1)};
}

/* The place at pc, after the gap before it, if that is too long. */
static inline unsigned jv_scan_one(jv_scanner *s, uint32_t *places, unsigned count, uint32_t pc) {
  if (pc - s->last > JV_MAX_SKIP + 1) places[count++] = (s->last + JV_MAX_SKIP + 1) | JV_UNMARKED;
  places[count++] = s->last = pc;
  return count;
}

/* Appends the places that come next to the `count` that are there (at most JV_PLACES_AHEAD + 1); returns how many there are. */
static inline unsigned jv_scan(jv_scanner *s, uint32_t *places, unsigned count) {
  uint32_t end = (uint32_t)s->code->code_bytes;
  while (count < JV_PLACES_WANTED && s->next < end) {
    uint64_t marks = jv_load_le64(s->code->bitmask + s->next / 8);
    if (end - s->next < 64) marks &= (UINT64_C(1) << (end - s->next)) - 1;
    for (; marks; marks &= marks - 1) count = jv_scan_one(s, places, count, s->next + jv_lowest_bit(marks));
    s->next += 64;
  }
  if (s->next >= end && !s->is_done) {
    s->is_done = true;
    count = jv_scan_one(s, places, count, end);
    for (unsigned n = 0; n < JV_PLACES_AHEAD; n++, count++) places[count] = end;
  }
  return count;
}

#endif
