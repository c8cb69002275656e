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
}

/* ---- what is undone ---- */

bool m_debit_quota(m_world *w, m_entry *e, uint64_t id, uint64_t amount) {
  uint64_t *quota = m_number_of(&w->assist.quotas, id);
  if (*quota < amount) return false;
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
