/* See asm_code.h. The layouts are those of 1-machine.md 1.2, the other way round. */
#include "exec/asm_code.h"

#include <assert.h>

#include "base/bytes.h"

const char *const jv_reg_names[JAVM_REG_COUNT] = {"ra", "sp", "t0", "t1", "t2", "s0", "s1",
                                                  "a0", "a1", "a2", "a3", "a4", "a5"};

const char *const jv_isa_names[] = {"javm", "jam-0.7", "jam-0.8"};
const char *const jv_mapping_names[] = {"persistent", "ephemeral", "heap"};

/* Plain passes over all jumps before those that still do not fit are made as wide as can be. */
enum { PLAIN_PASSES = 64, WIDTH_MAX = 4 };

const char *jv_operand_pattern(uint8_t op) {
  bool memory = jv_ops[op].can_fault;
  switch ((jv_format)jv_ops[op].format) {
    case JV_FORMAT_NONE: return "";
    case JV_FORMAT_IMM: return "x";
    case JV_FORMAT_REG_IMM64: return "a,q";
    case JV_FORMAT_IMM_IMM: return "[x],y";
    case JV_FORMAT_OFFSET: return "t";
    case JV_FORMAT_REG_IMM: return memory ? "a,[x]" : "a,x";
    case JV_FORMAT_REG_IMM_IMM: return "[a+],y";
    case JV_FORMAT_REG_IMM_OFFSET: return "a,x,t";
    case JV_FORMAT_REG_REG: return "d,a";
    case JV_FORMAT_REG_REG_IMM: return memory ? "a,[b+]" : "a,b,x";
    case JV_FORMAT_REG_REG_OFFSET: return "a,b,t";
    case JV_FORMAT_REG_REG_IMM_IMM: return "a,x,b,y";
    case JV_FORMAT_REG_REG_REG: return "d,a,b";
  }
  return "";
}

bool jv_has_target(uint8_t op) {
  uint8_t format = jv_ops[op].format;
  return jv_ops[op].name &&
         (format == JV_FORMAT_OFFSET || format == JV_FORMAT_REG_IMM_OFFSET || format == JV_FORMAT_REG_REG_OFFSET);
}

unsigned jv_imm_bytes(int64_t value) {
  unsigned bytes = 0;
  if (value == 0) return 0;
  do bytes++;
  while (bytes < 8 && (value < -(INT64_C(1) << (8 * bytes - 1)) || value >= INT64_C(1) << (8 * bytes - 1)));
  return bytes;
}

unsigned jv_encode(javm_isa isa, const jv_decoded *i, uint8_t out[JV_BASE_MAX]) {
  uint8_t *p = out;
  unsigned x = jv_imm_bytes((int64_t)i->x), y = jv_imm_bytes((int64_t)i->y);
  uint8_t pair = (uint8_t)(i->a | i->b << 4);
  if (!jv_op_to_isa(isa, i->op, p++)) return 0;
  switch ((jv_format)jv_ops[i->op].format) {
    case JV_FORMAT_NONE:
    case JV_FORMAT_OFFSET: x = y = 0; break;
    case JV_FORMAT_IMM: y = 0; break;
    case JV_FORMAT_REG_IMM64:
      *p++ = i->a;
      x = 8;
      y = 0;
      break;
    case JV_FORMAT_IMM_IMM: *p++ = (uint8_t)x; break;
    case JV_FORMAT_REG_IMM:
      *p++ = i->a;
      y = 0;
      break;
    case JV_FORMAT_REG_IMM_IMM: *p++ = (uint8_t)(i->a | x << 4); break;
    case JV_FORMAT_REG_IMM_OFFSET:
      *p++ = (uint8_t)(i->a | x << 4);
      y = 0;
      break;
    case JV_FORMAT_REG_REG:
      *p++ = (uint8_t)(i->d | i->a << 4);
      x = y = 0;
      break;
    case JV_FORMAT_REG_REG_IMM:
      *p++ = pair;
      y = 0;
      break;
    case JV_FORMAT_REG_REG_OFFSET:
      *p++ = pair;
      x = y = 0;
      break;
    case JV_FORMAT_REG_REG_IMM_IMM:
      *p++ = pair;
      *p++ = (uint8_t)x;
      break;
    case JV_FORMAT_REG_REG_REG:
      *p++ = pair;
      *p++ = i->d;
      x = y = 0;
      break;
  }
  assert(x <= 8 && y <= 4 && p - out + x + y <= JV_BASE_MAX);
  jv_store_le(p, i->x, x);
  jv_store_le(p + x, i->y, y);
  return (unsigned)(p - out) + x + y;
}

uint32_t jv_place_offset(jv_place place, const uint32_t *shifts) {
  return place.holes == JV_PLACE_ABSOLUTE ? place.fixed : place.fixed + shifts[place.holes];
}

int32_t jv_hole_offset(const jv_hole *hole, size_t index, const uint32_t *shifts) {
  uint32_t start = hole->fixed + shifts[index] - hole->base;
  return (int32_t)(jv_place_offset(hole->target, shifts) - start);
}

/* The base of a jump may itself be a hole with given bytes; both then have the same `fixed`, and start - base is
 * right. */
void jv_settle_widths(jv_hole *holes, size_t count, uint32_t *shifts) {
  for (size_t i = 0; i < count; i++) {
    if (holes[i].base) holes[i].width = 0;
  }
  bool grown = true;
  for (unsigned pass = 0; grown; pass++) {
    shifts[0] = 0;
    for (size_t i = 0; i < count; i++) shifts[i + 1] = shifts[i] + holes[i].width;
    grown = false;
    for (size_t i = 0; i < count; i++) {
      if (!holes[i].base) continue;
      unsigned need = jv_imm_bytes(jv_hole_offset(&holes[i], i, shifts));
      if (need <= holes[i].width) continue;
      grown = true;
      holes[i].width = (uint8_t)need;
    }
    if (grown && pass >= PLAIN_PASSES) {
      for (size_t i = 0; i < count; i++) {
        if (holes[i].base) holes[i].width = WIDTH_MAX;
      }
    }
  }
}
