/* What the host of a script does next. It looks at the model's state, so that most of it makes sense. */
#include <string.h>

#include "model/script.h"

static void know(m_run_state *run, const m_value *instance) {
  for (size_t k = 0; k < run->known_count; k++)
    if (run->known[k] == instance) return;
  if (run->known_count < sizeof run->known / sizeof *run->known) run->known[run->known_count++] = instance;
}

void m_start(const m_script *s, m_run_state *run) {
  memset(run, 0, sizeof *run);
  m_build(s, &run->cast);
  m_world *w = &run->world;
  w->gas_model = s->gas_model;
  w->yield_mode = s->yield_mode;
  w->host_catches_out_of_gas = s->host_catches_out_of_gas;
  w->has_assist = s->has_assist;
  w->max_depth = s->max_depth;
  for (uint32_t k = 0; k < METERS; k++) *m_number_of(&w->assist.meters, 1 + k) = s->meters[k];
  for (uint32_t k = 0; k < QUOTAS; k++) *m_number_of(&w->assist.quotas, 1 + k) = s->quotas[k];
  for (uint32_t k = 0; k < CATCHERS; k++) {
    m_catcher *c = &w->assist.catchers[w->assist.catcher_count++];
    c->key = m_hash_of(run->cast.catchers[k]);
    for (uint32_t m = 0; m < MARKERS + 2; m++)
      if (s->markers_of[k] >> m & 1) c->markers[c->count++] = m_marker_key(&run->cast, m);
  }
  w->assist.next_catcher = CATCHERS;
  w->gas_mark = JAVM_NO_MARK;
  w->images = run->cast.images;
  w->image_count = IMAGES_MAX;
  for (uint32_t k = 0; k < FILES; k++) w->assist.files[w->assist.file_count++] = run->cast.datas[k];
  know(run, m_kernel(JAVM_KERNEL_GAS, 1));
  for (uint32_t k = 0; k < s->instance_count; k++) know(run, run->cast.instances[k]);
}

/* ---- choosing ---- */

static void choose_invoke(m_run_state *run, m_random *r, m_verb *v) {
  v->kind = VERB_INVOKE;
  bool another =
      m_once_in(r, run->last.kind == JAVM_RESULT_FAULTED ? 2 : 4); /* what has faulted will mostly do so again */
  v->instance = run->known[another ? 1 + m_below(r, (uint32_t)run->known_count - 1) : run->known_count - 1];
  if (m_once_in(r, 60)) v->instance = m_once_in(r, 2) ? NULL : run->known[0];
  v->endpoint = (uint8_t)(m_once_in(r, 40) ? 7 : m_once_in(r, 5));
  for (int k = 0; k < 4; k++) v->args[k] = m_below(r, 30);
  v->gas = m_once_in(r, 6) ? m_below(r, 3000) : 30000;
}

static m_verb_kind go_on(m_random *r, javm_pause_kind pause) {
  if (m_once_in(r, 6)) return VERB_MOVE + m_below(r, 4);
  uint32_t n = m_below(r, 16);
  if (pause == JAVM_PAUSE_MARK) return n < 6 ? VERB_SET_MARK : n < 13 ? VERB_RESUME : n < 15 ? VERB_DROP : VERB_DELIVER;
  if (pause == JAVM_PAUSE_HOST_CALL)
    return n < 12 ? VERB_COMPLETE : n < 14 ? VERB_DROP : n < 15 ? VERB_RESUME : VERB_DELIVER;
  if (pause == JAVM_PAUSE_YIELD)
    return n < 5 ? VERB_RESUME : n < 12 ? VERB_DELIVER : n < 14 ? VERB_DROP : n < 15 ? VERB_ADD_GAS : VERB_COMPLETE;
  if (pause == JAVM_PAUSE_OUT_OF_GAS)
    return n < 7 ? VERB_ADD_GAS : n < 9 ? VERB_RESUME : n < 12 ? VERB_DELIVER : n < 14 ? VERB_DROP : VERB_SET_METER;
  return n < 7 ? VERB_SET_QUOTA : n < 9 ? VERB_RESUME : n < 12 ? VERB_DELIVER : n < 14 ? VERB_DROP : VERB_ADD_GAS;
}

static void choose_number(m_random *r, const m_world *w, m_verb *v) {
  if (v->kind == VERB_ADD_GAS) v->gas = m_once_in(r, 16) ? m_any(r) : 10 + m_below(r, 5000);
  if (v->kind == VERB_SET_METER) v->gas = m_below(r, 20000), v->id = 1 + m_below(r, METERS);
  if (v->kind == VERB_SET_QUOTA) v->gas = M_PAGE * m_below(r, 20), v->id = 1 + m_below(r, QUOTAS);
  if (v->kind == VERB_SET_MARK) v->gas = m_below(r, 2) ? JAVM_NO_MARK : w->position + m_below(r, 600);
}

void m_choose_verb(const m_script *s, m_run_state *run, uint64_t word, m_verb *v) {
  m_random random = {.state = word}, *r = &random;
  memset(v, 0, sizeof *v);
  const m_world *w = &run->world;
  const m_entry *top = w->depth ? w->stack[w->depth - 1] : NULL;
  if (m_once_in(r, 12)) v->kind = (m_verb_kind)m_below(r, VERB_SET_MARK + 1);
  else v->kind = top && !m_once_in(r, 10) ? go_on(r, top->pause) : VERB_INVOKE;
  const m_value *latest = run->known[run->known_count - 1];
  bool is_paused = latest->as.instance.continuation != NULL;
  if (v->kind == VERB_INVOKE && !top && is_paused && m_below(r, 2)) v->kind = VERB_RESTORE;
  if (v->kind == VERB_INVOKE || v->kind == VERB_RESTORE) choose_invoke(run, r, v);
  if (v->kind == VERB_RESUME && m_once_in(r, 3)) v->scratchpad = m_value_named(s, &run->cast, WHAT_DATA, m_below(r, 4));
  if (v->kind == VERB_COMPLETE) {
    v->value_count = m_once_in(r, 16) ? 3 : m_below(r, 3);
    for (int k = 0; k < 2; k++) v->args[k] = m_below(r, 30);
  }
  v->flag = m_below(r, 2);
  choose_number(r, w, v);
}

/* ---- doing ---- */

static javm_status suspend(m_run_state *run, const m_verb *v) {
  m_value *saved;
  m_world *w = &run->world;
  javm_status status = m_suspend(w, &saved);
  if (status != JAVM_OK) return status;
  run->hash = m_hash_of(saved);
  if (v->kind != VERB_ROOT) know(run, saved);
  if (v->kind != VERB_MOVE) return status;
  w->gas_mark = JAVM_NO_MARK; /* of another VM */
  w->depth = 0;
  return m_restore(w, saved, &run->last);
}

/* Instances that come out are known from then on. */
static void know_all(m_run_state *run) {
  const m_result *r = &run->last;
  for (size_t k = 0; k < r->emit_count; k++)
    if (r->emits[k]->kind == JAVM_KIND_INSTANCE) know(run, r->emits[k]);
  if (r->slot0 && r->slot0->kind == JAVM_KIND_INSTANCE) know(run, r->slot0);
  if (r->kind == JAVM_RESULT_HALT) know(run, r->instance);
}

void m_do_verb(m_run_state *run, const m_verb *v) {
  m_world *w = &run->world;
  m_result *r = &run->last;
  javm_status status = JAVM_OK;
  switch (v->kind) {
    case VERB_INVOKE: status = m_invoke(w, v->instance, v->endpoint, v->args, v->gas, r); break;
    case VERB_RESUME: status = m_call_resume(w, v->scratchpad, r); break;
    case VERB_DELIVER: status = m_deliver_yield(w, r); break;
    case VERB_DROP: status = m_drop_paused(w, r); break;
    case VERB_COMPLETE: status = m_complete_host_call(w, v->args, v->value_count, r); break;
    case VERB_RESTORE: status = m_restore(w, v->instance, r); break;
    case VERB_ROOT:
    case VERB_MOVE:
    case VERB_SUSPEND: status = suspend(run, v); break;
    case VERB_FORK: break;
    case VERB_SET_MARK: w->gas_mark = v->gas; break;
    case VERB_ADD_GAS: status = m_add_gas(w, v->gas); break;
    case VERB_SET_METER: *m_number_of(&w->assist.meters, v->id) = v->gas; break;
    default: *m_number_of(&w->assist.quotas, v->id) = v->gas; break;
  }
  run->last_status = status;
  if (status == JAVM_OK && v->kind <= VERB_MOVE && !w->instructions_end) know_all(run);
}
