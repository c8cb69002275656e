/*
 * The records of a predecoded program and the handlers that the interpreter has for them. Private to program.c, fuse.c
 * and interp.c.
 *
 * A handler is the interpreter's code for one instruction, or for two or three that follow each other (fuse.def). The
 * latter stands in the first of the records only; the others keep their own, so that execution can be resumed at every
 * pc.
 */
#ifndef JV_EXEC_INSN_H
#define JV_EXEC_INSN_H

#include <assert.h>
#include <stddef.h>

#include "exec/program.h"

/* Threaded dispatch needs labels as values; without them (or with JV_PORTABLE_DISPATCH) it is a switch. */
#if defined(__GNUC__) && !defined(JV_PORTABLE_DISPATCH)
#define JV_THREADED 1
#else
#define JV_THREADED 0
#endif

struct jv_insn {
#if JV_THREADED
  const void *handler;
#else
  uint32_t handler; /* jv_handler */
#endif
  uint64_t x;     /* first immediate */
  uint32_t cost;  /* in the first record of a region: what the region costs; instruction model: count */
  uint32_t count; /* instructions from here to the region's end */
  int32_t y;      /* second immediate, or how far the target's record is from this one, in bytes */
  uint8_t op, a, b, d;
};
static_assert(sizeof(struct jv_insn) == 32, "two records to a cache line");
static_assert(((uint64_t)1 << 24) * sizeof(struct jv_insn) < INT32_MAX, "y reaches every record");

typedef enum jv_handler {
#define OP(number, name, format, reads, writes, ends_block, can_fault, gas) JV_H_##name,
#include "exec/ops.def"
#define FUSE2(s1, n1, s2, n2, from2) JV_H_##n1##_##n2##_##from2,
#define FUSE3(s1, n1, s2, n2, from2, s3, n3, from3) JV_H_##n1##_##n2##_##from2##_##n3##_##from3,
#define LOOP3(s1, n1, from1, s2, n2, from2, s3, n3) JV_H_loop_##n1##_##n2##_##n3,
#include "exec/fuse.def"
  JV_H_invalid,    /* no instruction here */
  JV_H_unresolved, /* a branch or jump whose target is no block start */
  JV_HANDLER_COUNT
} jv_handler;

#define JV_NO_TARGET INT32_MIN /* y of a branch or jump whose target is no block start */

static inline bool jv_has_target(uint8_t op) {
  uint8_t format = jv_ops[op].format;
  return format == JV_FORMAT_OFFSET || format == JV_FORMAT_REG_IMM_OFFSET || format == JV_FORMAT_REG_REG_OFFSET;
}

/* Chooses the handler of every record. */
void jv_fuse(jv_records *r);

/* The interpreter's labels, by jv_handler; NULL where it dispatches on numbers. */
const void *const *jv_interp_labels(void);

#endif
