/* Gas, quotas, catchers and files (6-kernel.md), and how what an entry did to them is undone. */
#include <stdlib.h>
#include <string.h>

#include "model/world.h"

uint64_t *m_number_of(m_numbers *n, uint64_t id) {
  for (size_t i = 0; i < n->count; i++)
    if (n->id[i] == id) return &n->value[i];
  if (n->count == M_NUMBERS_MAX) abort();
  n->id[n->count] = id;
  n->value[n->count] = 0;
  return &n->value[n->count++];
}

m_catcher *m_catcher_of(m_assist *a, const javm_hash *key) {
  for (size_t i = 0; i < a->catcher_count; i++)
    if (m_same(&a->catchers[i].key, key)) return &a->catchers[i];
  return NULL;
}

/* ---- gas ---- */

void m_choose_gas(m_world *w, int index) {
  m_entry *e = w->stack[index];
  for (int from = index;; from = m_caller_of(w, from)) {
    const m_entry *payer = w->stack[from];
    const m_image *image = &payer->image->as.image;
    e->metered = m_handle_in(w, payer, image->gas_slots, image->gas_slot_count, JAVM_KERNEL_GAS, &e->meter);
    if (e->metered || payer->is_bottom) return;
  }
}

uint64_t *m_gas_of(m_world *w, int index) {
  const m_entry *e = w->stack[index];
  if (e->metered) return m_number_of(&w->assist.meters, e->meter);
  while (!w->stack[index]->is_bottom) index = m_caller_of(w, index);
  return &w->stack[index]->budget;
}

void m_charge(m_world *w, int index, int64_t gas) {
  *m_gas_of(w, index) -= (uint64_t)gas;
  w->gas_used += (uint64_t)gas;
  w->position += (uint64_t)gas;
}

/* ---- what is undone ---- */

bool m_debit_quota(m_world *w, m_entry *e, uint64_t id, uint64_t amount) {
  uint64_t *quota = m_number_of(&w->assist.quotas, id);
  if (*quota < amount) return false;
  if (amount == 0) return true;
  m_add_effect(e, &(m_effect){.kind = M_QUOTA, .id = id, .before = *quota, .after = *quota - amount});
  *quota -= amount;
  return true;
}

/* The change from `before` to `after` is taken back; what others did to the number since stays. */
static void take_back(uint64_t *number, uint64_t before, uint64_t after) {
  if (after >= before) *number -= after - before < *number ? after - before : *number;
  else *number += before - after < UINT64_MAX - *number ? before - after : UINT64_MAX - *number;
}

static size_t place_of(const m_catcher *c, const javm_hash *marker) {
  size_t i = 0;
  while (i < c->count && !m_same(&c->markers[i], marker)) i++;
  return i;
}

static void take_out(m_catcher *c, size_t place) {
  for (size_t i = place; i + 1 < c->count; i++) c->markers[i] = c->markers[i + 1];
  c->count--;
}

static void put_in(m_catcher *c, size_t place, const javm_hash *marker) {
  if (c->count == M_MARKERS_MAX) abort();
  if (place > c->count) place = c->count;
  for (size_t i = c->count; i > place; i--) c->markers[i] = c->markers[i - 1];
  c->markers[place] = *marker;
  c->count++;
}

void m_undo(m_world *w, m_effects *effects) {
  for (size_t i = effects->count; i-- > 0;) {
    const m_effect *f = &effects->at[i];
    m_catcher *c = m_catcher_of(&w->assist, &f->catcher);
    if (f->kind == M_QUOTA) take_back(m_number_of(&w->assist.quotas, f->id), f->before, f->after);
    if (f->kind == M_METER) take_back(m_number_of(&w->assist.meters, f->id), f->before, f->after);
    if (f->kind == M_MARKER_ADDED && place_of(c, &f->marker) < c->count) take_out(c, place_of(c, &f->marker));
    if (f->kind == M_MARKER_REMOVED && place_of(c, &f->marker) == c->count) put_in(c, f->index, &f->marker);
  }
  *effects = (m_effects){NULL, 0};
}

/* ---- calls of the kernel's Instances (6.1) ---- */

static m_then done(m_entry *e, uint64_t value, uint64_t status) {
  e->regs[7] = value;
  e->regs[8] = status;
  return M_GO_ON;
}

static m_then give(m_entry *e, const m_value *cap) {
  if (!m_pins(e->image, 0)) e->slots[0] = cap;
  return done(e, 0, 0);
}

static m_then set_number(m_entry *e, m_numbers *numbers, m_effect_kind kind) {
  uint64_t *number = m_number_of(numbers, M_ARG(2)), before = *number;
  if (before != M_ARG(3))
    m_add_effect(e, &(m_effect){.kind = kind, .id = M_ARG(2), .before = before, .after = M_ARG(3)});
  *number = M_ARG(3);
  return done(e, before, 0);
}

static m_then change_markers(m_world *w, m_entry *e, const javm_hash *key, bool add) {
  if (!m_slot0(e)) return done(e, 1, 2);
  javm_hash marker = m_hash_of(m_slot0(e));
  m_catcher *c = m_catcher_of(&w->assist, key);
  if (!c && !add) return done(e, 0, 0);
  if (!c) {
    if (w->assist.catcher_count == M_CATCHERS_MAX) abort();
    c = &w->assist.catchers[w->assist.catcher_count++];
    c->key = *key;
  }
  size_t place = place_of(c, &marker);
  if ((place < c->count) == add) return done(e, 0, 0);
  if (add) put_in(c, place, &marker);
  else take_out(c, place);
  m_add_effect(
      e,
      &(m_effect){.kind = add ? M_MARKER_ADDED : M_MARKER_REMOVED, .catcher = *key, .marker = marker, .index = place});
  return done(e, 0, 0);
}

static m_then catcher_call(m_world *w, m_entry *e, const m_value *instance) {
  javm_hash key = m_hash_of(instance);
  if (M_ARG(1) < 2) return change_markers(w, e, &key, M_ARG(1) == 0);
  const m_catcher *c = m_catcher_of(&w->assist, &key);
  return give(e, m_data(c ? c->markers[0].bytes : NULL, c ? c->count * sizeof *c->markers : 0));
}

m_then m_kernel_call(m_world *w, m_entry *e, javm_kernel_image which, const m_value *instance) {
  if (!w->has_assist) return m_refuse(w, JAVM_REFUSAL_KERNEL_CALL);
  bool is_catcher = which == JAVM_KERNEL_YIELDCATCHER;
  if (M_ARG(1) > 2 || (M_ARG(1) > 0 && !is_catcher)) return m_refuse(w, JAVM_REFUSAL_ENDPOINT);
  switch (which) {
    case JAVM_KERNEL_SET_GAS_METER: return set_number(e, &w->assist.meters, M_METER);
    case JAVM_KERNEL_SET_STORAGE_QUOTA: return set_number(e, &w->assist.quotas, M_QUOTA);
    case JAVM_KERNEL_MINT_GAS: return give(e, m_kernel(JAVM_KERNEL_GAS, M_ARG(2)));
    case JAVM_KERNEL_MINT_QUOTA: return give(e, m_kernel(JAVM_KERNEL_QUOTA, M_ARG(2)));
    case JAVM_KERNEL_CREATE_YIELD_CATCHER: return give(e, m_kernel(JAVM_KERNEL_YIELDCATCHER, w->assist.next_catcher++));
    case JAVM_KERNEL_YIELDCATCHER: return catcher_call(w, e, instance);
    default: return m_refuse(w, JAVM_REFUSAL_ENDPOINT);
  }
}
