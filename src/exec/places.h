/*
 * Where the instructions of a program stand, in order, from the bitmask alone: where it marks one; behind one that nothing
 * follows for 25 bytes (there execution meets no instruction); at 0; and at the end of the code, where a trap is.
 */
#ifndef JV_EXEC_PLACES_H
#define JV_EXEC_PLACES_H

#include "exec/decode.h"

typedef struct jv_place {
  uint32_t pc;
  uint8_t op; /* as decoded; JV_OP_INVALID where the bitmask marks none, too */
} jv_place;

/* The code and the bitmask are padded (jv_pad_code). */
typedef struct jv_scanner {
  const javm_code *code;
  const jv_layout *rows; /* of the instruction set */
  uint32_t next;         /* the bits before this one are done; a multiple of 64 */
  uint32_t last;         /* pc of the last place that is marked */
  bool is_done;          /* the last place was the end of the code */
} jv_scanner;

enum {
  JV_PLACES_AHEAD = 4,   /* how many follow each place that is handed out; at the end the same one again */
  JV_PLACES_WANTED = 96, /* for one stretch; it has fewer only at the end of the code */
  JV_PLACES_MAX = JV_PLACES_AHEAD + JV_PLACES_WANTED + 66 + JV_PLACES_AHEAD + 1
};

static inline void jv_scanner_init(jv_scanner *s, const javm_code *code) {
  *s = (jv_scanner){.code = code, .rows = jv_layouts[code->isa], .last = 0u - (JV_MAX_SKIP + 1)};
}

/* Appends the places that come next to the `count` that are there; returns how many there are. */
static inline unsigned jv_scan(jv_scanner *s, jv_place *places, unsigned count) {
  const uint8_t *code = s->code->code, *bitmask = s->code->bitmask;
  const jv_layout *rows = s->rows;
  uint32_t end = (uint32_t)s->code->code_bytes, last = s->last, next = s->next;
  while (count < JV_PLACES_WANTED && !s->is_done) {
    uint64_t marks = next < end ? jv_load_le64(bitmask + next / 8) : 1;
    if (end - next < 64) { /* the end is the last */
      marks = (marks & ((UINT64_C(1) << (end - next)) - 1)) | UINT64_C(1) << (end - next);
      s->is_done = true;
    }
    for (; marks; marks &= marks - 1) {
      uint32_t pc = next + jv_lowest_bit(marks);
      if (pc - last > JV_MAX_SKIP + 1) places[count++] = (jv_place){last + JV_MAX_SKIP + 1, JV_OP_INVALID};
      places[count++] = (jv_place){last = pc, (uint8_t)(rows[code[pc]].op_plus_1 - 1)};
    }
    next += 64;
  }
  for (unsigned n = 0; s->is_done && n < JV_PLACES_AHEAD; n++, count++) places[count] = (jv_place){end, JV_OP_trap};
  s->last = last;
  s->next = next;
  return count;
}

#endif
