/*
 * A second look at native code, of test builds only (JV_JIT_VERIFY): decodes it with another's decoder, and tells whether it
 * keeps to what makes it safe, whatever guest program it came from.
 */
#ifndef JV_JIT_VERIFY_H
#define JV_JIT_VERIFY_H

#include "jit/native.h"

/* NULL: `code`, n->code_bytes bytes that are n->code or a copy of it, is safe. Else a text, and *at is the offset. */
const char *jv_verify(const javm_program *program, const jv_native *n, const uint8_t *code, uint32_t *at);

#endif
