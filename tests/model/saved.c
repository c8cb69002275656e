/* What is paused, as a value (4-vm.md 4.5, docs/formats.md): keeping, resuming, suspending, restoring. */
#include <stdlib.h>
#include <string.h>

#include "model/world.h"

/* ---- copies ---- */

m_entry *m_entry_copy(const m_entry *e) {
  m_entry *copy = m_copy(e, sizeof *e);
  copy->memory.dirty = m_copy(e->memory.dirty, e->memory.dirty_count * sizeof *copy->memory.dirty);
  return copy;
}

void m_world_copy(m_world *to, const m_world *from) {
  *to = *from;
  for (int i = 0; i < from->depth; i++) to->stack[i] = m_entry_copy(from->stack[i]);
}

/* ---- hashes ---- */

enum { FLAG_PAID = 1, FLAG_BOTTOM = 2, FLAG_HALTED = 4 };
enum { SAVED_EMIT, SAVED_QUOTA_UP, SAVED_QUOTA_DOWN, SAVED_GAS_UP, SAVED_GAS_DOWN, SAVED_ADDED, SAVED_REMOVED };

static javm_hash effect_root(const m_effect *f) {
  bool is_number = f->kind == M_QUOTA || f->kind == M_METER, up = f->after > f->before;
  unsigned kind = SAVED_EMIT;
  if (f->kind == M_QUOTA) kind = up ? SAVED_QUOTA_UP : SAVED_QUOTA_DOWN;
  if (f->kind == M_METER) kind = up ? SAVED_GAS_UP : SAVED_GAS_DOWN;
  if (f->kind == M_MARKER_ADDED) kind = SAVED_ADDED;
  if (f->kind == M_MARKER_REMOVED) kind = SAVED_REMOVED;
  javm_hash fields[5] = {m_number(kind), f->emit ? m_hash_of(f->emit) : f->catcher, f->marker,
                         m_number(is_number ? f->id : f->index),
                         m_number(up ? f->after - f->before : f->before - f->after)};
  return m_merkle(fields, 5, 3);
}

static javm_hash frame_root(const m_entry *e, bool whole) {
  const m_memory *m = &e->memory;
  uint32_t *places = m_new((m->dirty_count + 1) * sizeof *places);
  javm_hash *pages = m_new((m->dirty_count + 1) * sizeof *pages);
  for (size_t i = 0; i < m->dirty_count; i++) {
    places[i] = m->dirty[i].page;
    pages[i] = m_page_hash(m->dirty[i].bytes);
  }
  size_t effect_count = whole ? e->effects.count : 0;
  javm_hash *effects = m_new((effect_count + 1) * sizeof *effects);
  for (size_t i = 0; i < effect_count; i++) effects[i] = effect_root(&e->effects.at[i]);
  bool bottom = whole && e->is_bottom;
  unsigned flags = (e->paid ? FLAG_PAID : 0) | (bottom ? FLAG_BOTTOM : 0) | (e->has_exit ? FLAG_HALTED : 0);
  javm_hash fields[6] = {m_hash_of(e->called),
                         m_merkle_sparse(places, pages, m->dirty_count, 20),
                         m_number(m->heap_end),
                         m_number(flags),
                         m_number(bottom ? e->budget : 0),
                         m_with_length(m_merkle(effects, effect_count, 16), effect_count)};
  return m_merkle(fields, 6, 3);
}

static javm_hash entry_root(const m_entry *e, bool whole, bool first, int from) {
  javm_hash fields[4] = {{{0}}};
  if (e->is_reference) {
    fields[0] = m_number(1 + (uint64_t)e->pause);
    fields[1] = e->payload;
    fields[2] = m_number(e->marker_index);
    fields[3] = m_number(e->target == M_HOST ? UINT32_MAX : (uint32_t)(e->target - from));
  } else {
    m_value *instance = m_leave(e);
    instance->as.instance.paused = frame_root(e, whole);
    fields[1] = m_hash_of(instance);
    if (whole || !first) fields[2] = m_number(e->callee_slot);
  }
  return m_merkle(fields, 4, 2);
}

/* ---- saving ---- */

m_value *m_save(const m_world *w, int from, int to, const javm_hash *marker, bool whole) {
  m_entry **entries = m_new((size_t)(to - from) * sizeof(m_entry *));
  javm_hash *roots = m_new((size_t)(to - from) * sizeof *roots);
  for (int i = from; i < to; i++) {
    m_entry *copy = m_entry_copy(w->stack[i]);
    roots[i - from] = entry_root(copy, whole, i == from, from);
    if (copy->is_reference && copy->target != M_HOST) copy->target -= from;
    if (!whole) copy->effects = (m_effects){NULL, 0}, copy->is_bottom = false, copy->budget = 0;
    entries[i - from] = copy;
  }
  m_continuation *c = m_new(sizeof *c);
  *c = (m_continuation){*marker, entries, to - from, whole};
  javm_hash list = m_with_length(m_merkle(roots, (size_t)(to - from), 8), (uint64_t)(to - from));
  m_value *paused = m_leave(w->stack[from]);
  paused->as.instance.paused = m_pair(marker, &list);
  paused->as.instance.continuation = c;
  return paused;
}

bool m_push_saved(m_world *w, const m_continuation *c) {
  int base = w->depth, bounded = c->count; /* what the VM itself pauses on top is pushed whatever the depth is */
  while (bounded && c->entries[bounded - 1]->is_reference && c->entries[bounded - 1]->pause != JAVM_PAUSE_YIELD)
    bounded--;
  if (base + bounded > (int)w->max_depth) return false;
  for (int i = 0; i < c->count; i++) {
    m_entry *e = m_entry_copy(c->entries[i]);
    if (e->is_reference && e->target != M_HOST) e->target += base;
    m_push(w, e);
  }
  return true;
}

/* ---- operations 29 to 31 ---- */

m_then m_keep_yield(m_world *w, m_entry *e) {
  m_path to;
  if (!m_has_yielder(w)) return m_refuse(w, JAVM_REFUSAL_NOTHING_PAUSED);
  if (!m_destination(w, e, M_ARG(0), &to)) return M_REFUSED;
  int top = w->depth - 1, base = m_paused_base(w, top);
  m_value *kept = m_save(w, base, top, &w->stack[top]->payload, false);
  if (m_put(w, e, &to, kept) == M_REFUSED) return M_REFUSED;
  for (int i = base; i < top; i++) m_hand_up(w->stack[i], e);
  m_drop_to(w, base);
  return M_LEAVES;
}

/* The Paused Instance in a slot. */
static bool paused_in(m_world *w, const m_entry *e, uint64_t operand, const m_value **out) {
  if (!m_source_of(w, e, operand, JAVM_KIND_INSTANCE, out)) return false;
  if (m_is_zero(&(*out)->as.instance.paused)) {
    m_refuse(w, JAVM_REFUSAL_NOT_PAUSED);
    return false;
  }
  return true;
}

m_then m_call_resume_operation(m_world *w, m_entry *e) {
  const m_value *paused;
  int base = w->depth;
  if (!paused_in(w, e, M_ARG(0), &paused)) return M_REFUSED;
  if (paused->as.instance.continuation->whole) w->instructions_end = true; /* a host's: not asked for here */
  if (!m_push_saved(w, paused->as.instance.continuation)) return m_refuse(w, JAVM_REFUSAL_STACK_FULL);
  m_move_slot0(e, w->stack[m_runs_in(w, w->depth - 1)]);
  w->stack[base]->callee_slot = M_ARG(0);
  return M_LEAVES;
}

m_then m_drop_paused_operation(m_world *w, m_entry *e) {
  m_path from;
  const m_value *paused;
  if (!m_destination(w, e, M_ARG(0), &from) || !paused_in(w, e, M_ARG(0), &paused)) return M_REFUSED;
  return m_put(w, e, &from, NULL);
}

/* ---- suspend, restore ---- */

javm_status m_suspend(const m_world *w, m_value **out) {
  if (w->depth == 0) return JAVM_NOT_PAUSED;
  *out = m_save(w, 0, w->depth, &w->stack[w->depth - 1]->payload, true);
  return JAVM_OK;
}

javm_status m_restore(m_world *w, const m_value *instance, m_result *r) {
  memset(r, 0, sizeof *r);
  if (w->depth) return JAVM_INVALID_ARGUMENT;
  if (!instance || instance->kind != JAVM_KIND_INSTANCE) return JAVM_INSTANCE_NOT_FOUND;
  const m_continuation *c = instance->as.instance.continuation;
  if (!c) return JAVM_NOT_PAUSED;
  if (!m_push_saved(w, c)) return JAVM_CALL_STACK_FULL;
  w->stack[0]->is_bottom = true;
  if (!c->whole) { /* what a guest kept: the host goes on with it */
    m_entry *reference = m_new(sizeof *reference);
    reference->is_reference = true;
    reference->target = M_HOST;
    reference->payload = c->marker;
    m_push(w, reference);
  }
  w->position = 0;
  m_report_pause(w, r);
  return JAVM_OK;
}
