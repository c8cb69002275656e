/* What the files of the compiler (lower.c, lower_value.c, pass.c, compile.c) share. */
#ifndef JV_JIT_LOWER_H
#define JV_JIT_LOWER_H

#include "exec/places.h"
#include "jit/native.h"

#if JV_HAS_RECOMPILER

/* What a block may cost so that one subtraction can charge it. */
#define JV_COST_MAX INT32_MAX

/* What the pass asks of an opcode. */
enum { JV_ENDS_BLOCK = 1, JV_ENDS_REGION = 2, JV_ACCESSES = 4 };

/* What is lowered between two looks at how much room there is. */
enum { JV_STRETCH_ROOM = JV_PLACES_MAX * JV_X64_ROOM };

static inline bool jv_has_room(jv_compiler *c, ptrdiff_t room) {
  if (c->limit - c->x.at < room) c->failed = c->is_too_much = true;
  return !c->failed;
}

static inline unsigned jv_bits_in_byte(unsigned byte) {
  unsigned pairs = byte - (byte >> 1 & 0x55), fours = (pairs & 0x33) + (pairs >> 2 & 0x33);
  return (fours + (fours >> 4)) & 15;
}

/* The code for a target that was reached already; 0: not known yet, or no block start. */
static inline uint32_t jv_known_start(const jv_compiler *c, uint32_t target) {
  uint32_t byte = target >> 3;
  if (byte >= c->ranked) return 0;
  unsigned marks = c->program->block_starts.bits[byte];
  if (!(marks >> (target & 7) & 1)) return 0;
  uint32_t rank = c->ranks[byte] + jv_bits_in_byte(marks & ((1u << (target & 7)) - 1));
  return rank < c->start_count ? c->starts[rank] : 0;
}

/* Block starts come in order, the next at pc. */
static inline void jv_rank_until(jv_compiler *c, uint32_t pc) {
  for (; c->ranked <= pc >> 3; c->ranked++) c->ranks[c->ranked] = (uint32_t)c->start_count;
}

static inline void jv_leave_to(jv_x64 *x, uint32_t stub, uint32_t pc) {
  x64_mov_imm32(x, RDX, pc);
  x64_jmp_to(x, stub);
}

/* ---- lower.c ---- */

/* How an instruction accesses memory. */
typedef enum jv_access_place { JV_ABSOLUTE, JV_AT_A, JV_AT_B } jv_access_place;
typedef struct jv_access_form {
  jv_x64_access access;
  uint8_t log_bytes, write, place;
} jv_access_form;
extern const jv_access_form jv_access_forms[256];

/* Of two numbers for an access that is noted, at most. */
enum { JV_NOTE_BYTES = 10 };
void jv_note_far_access(jv_compiler *c, uint32_t at, uint32_t pc);
/* Remembers that the host instruction at `at` is the access of the guest's at pc; there is room for it. */
static inline void jv_note_access(jv_compiler *c, uint32_t at, uint32_t pc) {
  jv_native *n = c->native;
  uint32_t distance = at - c->last_at, pc_distance = pc - c->last_pc;
  if (((distance | pc_distance) < 0x80) & (c->until_mark != 0)) {
    uint8_t *out = n->accesses + n->access_count;
    out[0] = (uint8_t)distance;
    out[1] = (uint8_t)pc_distance;
    n->access_count += 2;
  } else {
    jv_note_far_access(c, at, pc);
  }
  c->until_mark--;
  c->last_at = at;
  c->last_pc = pc;
}

void jv_lower_memory(jv_compiler *c, const jv_decoded *i, uint32_t pc);
/* Those that transfer control through a register or to the host, and sbrk. */
void jv_lower_control(jv_compiler *c, const jv_decoded *i, uint32_t pc);

/* ---- lower_value.c ---- */

/* Lowers an instruction that only computes; false: it is of another kind. */
bool jv_lower_value(jv_compiler *c, const jv_decoded *i);
/* Lowers several that follow each other as one, if they are such: `count` of them are there, none of which can exit. Returns
 * how many; 0: they are not, and nothing was lowered. */
enum { JV_GROUP_MAX = 4 };
unsigned jv_lower_group(jv_compiler *c, const jv_decoded *const *w, unsigned count);
/* The opcodes that compute from lower halves only. */
extern const bool jv_reads_lower[256];

/* ---- pass.c ---- */

/* Lowers all of the program; c->failed says if that failed. */
void jv_pass(jv_compiler *c);

#endif
#endif
