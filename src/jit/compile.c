/*
 * Compiling: the stubs, the pass over the program, and what can be written only when all of the code is known: branches ahead,
 * the stubs for gas that runs out, the jump table. Memory is at most NATIVE_PER_BYTE bytes for each byte of code, and less than one
 * more while compiling.
 */
#include "jit/lower.h"

#if JV_HAS_RECOMPILER

#include "base/alloc.h"
#include "base/error.h"
#include "jit/announce.h"

#ifdef JV_JIT_VERIFY
#include <stdio.h>
#include <stdlib.h>

#include "jit/verify.h"
#endif

#define X (&c->x)

/* The least code is a byte an instruction, the most one that leaves and is charged for. */
enum { NATIVE_PER_BYTE = 120, NATIVE_BASE = JV_STRETCH_ROOM + 16384, JUMP_ENTRY_BYTES = 8 };

enum { LEAVE_BYTES = 10 };

/* Branches whose targets were not known: to the target, or where it is none, to a panic of their own. */
static void resolve(jv_compiler *c) {
  jv_x64 x = c->x;
  if (!jv_has_room(c, (ptrdiff_t)c->fixup_count * LEAVE_BYTES + JV_X64_ROOM)) return;
  for (const jv_fixup *f = c->fixups, *end = f + c->fixup_count; f < end; f++) {
    uint32_t known = jv_known_start(c, f->target);
    x64_patch(&x, f->at, known ? known : x64_here(&x));
    if (!known) jv_leave_to(&x, c->native->stubs.panic, f->pc);
  }
  c->x = x;
}

/* A stub for each point; each is a call, so that its address says which it is. */
static void make_gas_stubs(jv_compiler *c) {
  jv_native *n = c->native;
  jv_x64 x = c->x;
  n->gas_stubs = x64_here(X);
  if (c->program->gas_model == JAVM_GAS_NONE ||
      !jv_has_room(c, (ptrdiff_t)n->point_count * JV_GAS_STUB_BYTES + JV_X64_ROOM))
    return;
  for (const jv_point *p = n->points, *end = p + n->point_count; p < end; p++) {
    if (p->cost) x64_patch(&x, p->at + JV_CHARGE_BYTES - 4, x64_here(&x));
    x64_call_to(&x, n->stubs.out_of_gas);
  }
  c->x = x;
}

static void make_jump_table(jv_compiler *c) {
  const javm_code *code = &c->program->code;
  jv_native *n = c->native;
  uint64_t bad = (uintptr_t)c->x.base + n->stubs.bad_target;
  size_t padding = -(uintptr_t)c->x.at % JUMP_ENTRY_BYTES;
  if ((size_t)(c->limit - c->x.at) < padding + (code->jump_count + 1) * JUMP_ENTRY_BYTES) {
    c->failed = c->is_too_much = true;
    return;
  }
  while (padding-- > 0) x64_u8(X, 0xcc);
  n->table = x64_here(X);
  x64_u64(X, bad);
  for (size_t i = 0; i < code->jump_count; i++) {
    uint32_t known = jv_known_start(c, code->jump_table[i]);
    x64_u64(X, known ? (uintptr_t)c->x.base + known : bad);
  }
}

static void compile(jv_compiler *c) {
  jv_make_stubs(c);
  jv_pass(c);
  if (c->failed) return;
  c->native->blocks_end = x64_here(X);
  resolve(c);
  make_gas_stubs(c);
  make_jump_table(c);
}

/* Whatever was allocated larger than needed shrinks. */
static void *shrink(const javm_allocator *a, void *array, size_t *capacity, size_t count, size_t size_bytes) {
  if (count == 0 || count == *capacity) return array;
  void *smaller = a->resize(a->ctx, array, *capacity * size_bytes, count * size_bytes);
  if (!smaller) return array;
  *capacity = count;
  return smaller;
}

/* Test builds only: ends the process if the code is not as it should be. */
static void verify(const javm_program *p, const jv_native *n) {
#ifdef JV_JIT_VERIFY
  uint32_t at;
  const char *wrong = jv_verify(p, n, n->code, &at);
  if (!wrong) return;
  fprintf(stderr, "native code: %s, at offset 0x%x of %p\n", wrong, (unsigned)at, (const void *)n->code);
  abort();
#else
  (void)p, (void)n;
#endif
}

bool jv_compile(const javm_program *p, bool has_checks, const jv_native *like, jv_native **out) {
  const javm_allocator *a = p->allocator;
  size_t code_bytes = p->code.code_bytes;
  size_t bytes = NATIVE_BASE + NATIVE_PER_BYTE * code_bytes + JUMP_ENTRY_BYTES * (p->code.jump_count + 1);
  jv_compiler c = {.program = p, .like = like, .has = *jv_host_features()};
  *out = NULL;
  jv_native *n = c.native = jv_alloc_zero(a, sizeof *n);
  if (!n) return false;
  n->allocator = a;
  n->has_checks = has_checks;
  n->features = c.has;
  n->mapped_bytes = bytes;
  n->code = jv_code_reserve(bytes);
  c.ranks = jv_alloc_array(a, code_bytes / 8 + 1, sizeof *c.ranks);
  c.failed = !n->code || !c.ranks;
  c.is_too_much = !n->code;
  c.x.base = c.x.at = c.expected = n->code;
  c.limit = n->code + bytes;
  if (!c.failed) compile(&c);
  jv_free_array(a, c.ranks, code_bytes / 8 + 1, sizeof *c.ranks);
  jv_free(a, c.starts, c.start_capacity * sizeof *c.starts);
  jv_free(a, c.fixups, c.fixup_capacity * sizeof *c.fixups);
  if (!c.failed) {
    n->code_bytes = x64_here(&c.x);
    c.failed = c.is_too_much = !jv_code_finish(n->code, &n->mapped_bytes, n->code_bytes);
  }
  if (c.failed) {
    jv_native_free(n);
    return c.is_too_much;
  }
  n->points = shrink(a, n->points, &n->point_capacity, n->point_count, sizeof *n->points);
  n->marks = shrink(a, n->marks, &n->mark_capacity, n->mark_count, sizeof *n->marks);
  n->accesses = shrink(a, n->accesses, &n->access_capacity, n->access_count, 1);
  verify(p, n);
  *out = n;
  return true;
}

bool jv_native_compile(javm_program *p) {
  if (!jv_host_can_run()) return true;
  if (!jv_bits_init(&p->block_starts, p->allocator, (uint32_t)p->code.code_bytes)) return false;
  bool ok = jv_compile(p, true, NULL, &p->native);
  if (!p->native) jv_bits_free(&p->block_starts, p->allocator);
  return ok;
}

size_t jv_native_bytes(const jv_native *n) {
  return n ? sizeof *n + n->code_bytes + n->point_capacity * sizeof *n->points + n->mark_capacity * sizeof *n->marks +
                 n->access_capacity
           : 0;
}

void jv_native_free(jv_native *n) {
  if (!n) return;
  const javm_allocator *a = n->allocator;
  jv_retract(n);
  jv_code_release(n->code, n->mapped_bytes);
  jv_free(a, n->points, n->point_capacity * sizeof *n->points);
  jv_free(a, n->marks, n->mark_capacity * sizeof *n->marks);
  jv_free(a, n->accesses, n->access_capacity);
  jv_free(a, n, sizeof *n);
}

#else

bool jv_native_compile(javm_program *program) {
  (void)program;
  return true;
}
size_t jv_native_bytes(const jv_native *native) {
  (void)native;
  return 0;
}
void jv_native_free(jv_native *native) { (void)native; }

#endif
