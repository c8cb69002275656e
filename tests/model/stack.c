/* The call stack (4-vm.md 4.1): who runs, who called, yields and what they move. */
#include <stdlib.h>
#include <string.h>

#include "model/world.h"

int m_runs_in(const m_world *w, int index) {
  while (w->stack[index]->is_reference) index = w->stack[index]->target == M_HOST ? index - 1 : w->stack[index]->target;
  return index;
}

int m_caller_of(const m_world *w, int index) { return m_runs_in(w, index - 1); }

void m_push(m_world *w, m_entry *e) {
  if (w->depth == M_STACK_MAX) abort();
  w->stack[w->depth++] = e;
}

void m_drop_to(m_world *w, int depth) {
  while (w->depth > depth) m_undo(w, &w->stack[--w->depth]->effects);
}

void m_add_effect(m_entry *e, const m_effect *effect) {
  m_effect *longer = m_new((e->effects.count + 1) * sizeof *longer);
  if (e->effects.count) memcpy(longer, e->effects.at, e->effects.count * sizeof *longer);
  longer[e->effects.count] = *effect;
  e->effects.at = longer;
  e->effects.count++;
}

void m_hand_up(m_entry *from, m_entry *to) {
  for (size_t i = 0; i < from->effects.count; i++) m_add_effect(to, &from->effects.at[i]);
  from->effects = (m_effects){NULL, 0};
}

int m_paused_base(const m_world *w, int index) {
  int target = w->stack[index]->target;
  for (index--; index != target; index--)
    if (w->stack[index]->is_reference && w->stack[index]->target == target) break;
  return index + 1;
}

bool m_pins(const m_value *image, uint32_t slot) {
  for (size_t i = 0; i < image->as.image.pinned_count; i++)
    if (image->as.image.pinned[i].slot == slot) return true;
  return false;
}

const m_value *m_slot0(const m_entry *e) { return m_pins(e->image, 0) ? NULL : e->slots[0]; }

void m_move_slot0(m_entry *from, m_entry *to) {
  if (m_pins(from->image, 0) || m_pins(to->image, 0)) return;
  to->slots[0] = from->slots[0];
  from->slots[0] = NULL;
}

void m_deliver(m_world *w) {
  const m_entry *reference = w->stack[w->depth - 1];
  m_entry *catcher = w->stack[reference->target], *yielder = w->stack[m_runs_in(w, w->depth - 2)];
  m_move_slot0(yielder, catcher);
  catcher->regs[7] = reference->marker_index;
  catcher->regs[8] = 1;
}

void m_pause(m_world *w, int catcher, uint64_t marker_index, javm_pause_kind pause, const javm_hash *payload) {
  m_entry *reference = m_new(sizeof *reference);
  reference->is_reference = true;
  reference->target = catcher;
  reference->pause = pause;
  reference->marker_index = marker_index;
  reference->payload = *payload;
  m_push(w, reference);
  if (catcher == M_HOST || w->yield_mode == JAVM_YIELD_TO_HOST) w->pauses = true;
  else m_deliver(w);
}

static bool catches(m_world *w, const m_entry *e, const javm_hash *key, uint64_t *marker_index) {
  const m_image *image = &e->image->as.image;
  if (image->yield_marker_slot_count == 0) return false;
  const m_value *cap = e->slots[image->yield_marker_slots[0]];
  if (!cap) return false;
  javm_hash hash = m_hash_of(cap);
  const m_catcher *c = m_catcher_of(&w->assist, &hash);
  for (size_t i = 0; c && i < c->count; i++) {
    *marker_index = i;
    if (m_same(&c->markers[i], key)) return true;
  }
  return false;
}

int m_catcher_for(m_world *w, int index, const javm_hash *key, uint64_t *marker_index) {
  *marker_index = 0;
  if (!w->has_assist) return M_HOST;
  while (!w->stack[index]->is_bottom) {
    index = m_caller_of(w, index);
    if (catches(w, w->stack[index], key, marker_index)) return index;
  }
  *marker_index = 0;
  return M_HOST;
}

bool m_handle_in(const m_world *w, const m_entry *e, const uint32_t *slots, size_t count, javm_kernel_image which,
                 uint64_t *id) {
  if (!w->has_assist || count == 0 || !m_is_kernel(e->slots[slots[0]], which)) return false;
  *id = e->slots[slots[0]]->as.instance.regs[7];
  return true;
}
