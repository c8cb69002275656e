/* What the host of a script does next. It looks at the model's state, so that most of it makes sense. */
#include <string.h>

#include "model/script.h"

static void know(m_run_state *run, const m_value *instance) {
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
  know(run, m_kernel(JAVM_KERNEL_GAS, 1));
  for (uint32_t k = 0; k < s->instance_count; k++) know(run, run->cast.instances[k]);
}

/* ---- choosing ---- */

static void choose_invoke(m_run_state *run, m_random *r, m_verb *v) {
  v->kind = VERB_INVOKE;
  v->instance = run->known[m_once_in(r, 4) ? 1 + m_below(r, (uint32_t)run->known_count - 1) : run->known_count - 1];
  if (m_once_in(r, 60)) v->instance = m_once_in(r, 2) ? NULL : run->known[0];
  v->endpoint = (uint8_t)(m_once_in(r, 40) ? 7 : m_once_in(r, 5));
  for (int k = 0; k < 4; k++) v->args[k] = m_below(r, 30);
  v->gas = m_once_in(r, 6) ? m_below(r, 3000) : 30000;
}

static m_verb_kind go_on(m_random *r, javm_pause_kind pause) {
  uint32_t n = m_below(r, 16);
  if (pause == JAVM_PAUSE_HOST_CALL)
    return n < 12 ? VERB_COMPLETE : n < 14 ? VERB_DROP : n < 15 ? VERB_RESUME : VERB_DELIVER;
  if (pause == JAVM_PAUSE_YIELD)
    return n < 5 ? VERB_RESUME : n < 12 ? VERB_DELIVER : n < 14 ? VERB_DROP : n < 15 ? VERB_ADD_GAS : VERB_COMPLETE;
  if (pause == JAVM_PAUSE_OUT_OF_GAS)
    return n < 7 ? VERB_ADD_GAS : n < 9 ? VERB_RESUME : n < 12 ? VERB_DELIVER : n < 14 ? VERB_DROP : VERB_SET_METER;
  return n < 7 ? VERB_SET_QUOTA : n < 9 ? VERB_RESUME : n < 12 ? VERB_DELIVER : n < 14 ? VERB_DROP : VERB_ADD_GAS;
}

void m_choose_verb(const m_script *s, m_run_state *run, uint64_t word, m_verb *v) {
  m_random random = {.state = word}, *r = &random;
  memset(v, 0, sizeof *v);
  const m_world *w = &run->world;
  const m_entry *top = w->depth ? w->stack[w->depth - 1] : NULL;
  if (m_once_in(r, 12)) v->kind = (m_verb_kind)m_below(r, VERB_SET_QUOTA + 1);
  else v->kind = top && !m_once_in(r, 10) ? go_on(r, top->pause) : VERB_INVOKE;
  if (v->kind == VERB_INVOKE) choose_invoke(run, r, v);
  if (v->kind == VERB_RESUME && m_once_in(r, 3)) v->scratchpad = m_value_named(s, &run->cast, WHAT_DATA, m_below(r, 4));
  if (v->kind == VERB_COMPLETE) {
    v->value_count = m_once_in(r, 16) ? 3 : m_below(r, 3);
    for (int k = 0; k < 2; k++) v->args[k] = m_below(r, 30);
  }
  if (v->kind == VERB_ADD_GAS) v->gas = m_once_in(r, 16) ? m_any(r) : 10 + m_below(r, 5000);
  if (v->kind == VERB_SET_METER) v->gas = m_below(r, 20000), v->id = 1 + m_below(r, METERS);
  if (v->kind == VERB_SET_QUOTA) v->gas = M_PAGE * m_below(r, 20), v->id = 1 + m_below(r, QUOTAS);
}

/* ---- doing ---- */

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
    case VERB_ADD_GAS: status = m_add_gas(w, v->gas); break;
    case VERB_SET_METER: *m_number_of(&w->assist.meters, v->id) = v->gas; break;
    default: *m_number_of(&w->assist.quotas, v->id) = v->gas; break;
  }
  run->last_status = status;
  bool has_result = status == JAVM_OK && v->kind <= VERB_COMPLETE;
  if (has_result && r->kind == JAVM_RESULT_HALT && !w->instructions_end) know(run, r->instance);
}
