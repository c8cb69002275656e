/* One Image in the making, shared by asm.c and asm_image.c. */
#ifndef JV_EXEC_ASM_UNIT_H
#define JV_EXEC_ASM_UNIT_H

#include "exec/asm.h"
#include "exec/asm_code.h"
#include "exec/asm_lex.h"

enum { JV_ASM_ENDPOINTS_MAX = 256, JV_ASM_MAPPINGS_MAX = 64, JV_ASM_METERS_MAX = 16, JV_ASM_SLOT_CAPS_MAX = 256 };

#define JV_NO_JUMP UINT32_MAX

typedef struct jv_label {
  jv_slice name;
  size_t line;
  jv_place place;
  uint32_t jump; /* its index in the jump table, or JV_NO_JUMP */
} jv_label;

/* A use of a label, found when all are known: hole (or entry, or endpoint) `index` leads there. */
typedef struct jv_label_use {
  jv_slice name; /* empty: the place is `number` */
  uint32_t number;
  size_t line;
  uint32_t index;
} jv_label_use;

/* An instruction with an @label for an immediate: it fills a hole of its own (its base; a jump's offset is the next).
 * */
typedef struct jv_late {
  jv_decoded insn;
  jv_slice x, y; /* empty: not a label */
  size_t line;
  uint32_t hole;
} jv_late;

typedef struct jv_slot_caps {
  javm_slot_cap *caps; /* sorted by slot */
  size_t count, capacity;
} jv_slot_caps;

typedef struct jv_unit {
  jv_lex *lex;
  const javm_allocator *allocator;
  const jv_asm_caps *makers;
  unsigned depth;
  javm_isa isa;
  bool begun; /* a statement other than .isa was there */
  bool unchecked;
  /* Code. `marks` says, for each known byte, whether an instruction starts there. */
  uint8_t *bytes, *marks;
  size_t byte_count, byte_capacity, mark_capacity;
  jv_hole *holes;
  size_t hole_count, hole_capacity;
  jv_label *labels;
  size_t label_count, label_capacity;
  jv_label_use *targets;
  size_t target_count, target_capacity;
  jv_late *lates;
  size_t late_count, late_capacity;
  uint8_t padding;
  /* The rest */
  jv_label_use *jumps; /* the jump table */
  size_t jump_count, jump_capacity;
  javm_endpoint *endpoints; /* sorted by index; `entry_pc` is in entries */
  jv_label_use *entries;    /* index: the endpoint's */
  size_t endpoint_count, endpoint_capacity, entry_capacity;
  javm_mapping *mappings;
  size_t mapping_count, mapping_capacity;
  uint32_t gas_slots[JV_ASM_METERS_MAX], quota_slots[JV_ASM_METERS_MAX];
  size_t gas_slot_count, quota_slot_count;
  jv_slot_caps pinned, initial;
  bool has_yield_marker_slot;
  uint32_t yield_marker_slot;
} jv_unit;

/* All of these return false after a failure, which the lexer remembers. */

/* A directive, its name (with the dot) already read. */
bool jv_unit_directive(jv_unit *u, jv_slice name);
/* A place in the code: a label or a number. */
bool jv_unit_place(jv_unit *u, const char *what, jv_label_use *out);
/* The register with this name, or -1. */
int jv_reg_by_name(jv_slice name);
/* Known bytes, the first marked as the start of an instruction or none. */
bool jv_unit_bytes(jv_unit *u, const uint8_t *bytes, size_t count, bool is_insn);
/* An Image as text up to the closing brace (depth > 0) or the end of the text; gives its cap. */
bool jv_unit_parse(jv_lex *lex, const javm_allocator *a, const jv_asm_caps *makers, javm_isa isa, unsigned depth,
                   javm_cap **out);

#endif
