/* See model.h. */
#include "support/model.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 4096u

/* ---- the model itself ---- */

static void *must(void *p) {
  if (!p) abort();
  return p;
}

void model_init(model *m) {
  memset(m, 0, sizeof *m);
  m->frames = must(calloc(4 * MODEL_DEPTH_MAX, sizeof *m->frames)); /* yields of the VM's own have no limit */
}

void model_free(model *m) {
  model_drop_all(m);
  for (model_instance *i = m->instances, *next; i; i = next) {
    next = i->next;
    free(i);
  }
  free(m->frames);
}

const model_instance *model_add(model *m, const model_program *program, const model_cap slots[MODEL_SLOTS]) {
  model_instance *i = must(malloc(sizeof *i));
  i->program = program;
  memcpy(i->slots, slots, sizeof i->slots);
  i->next = m->instances;
  return m->instances = i;
}

static void set_number(uint64_t *number, uint64_t value, int64_t *in) {
  *in += (int64_t)(value - *number);
  *number = value;
}

void model_set_meter(model *m, uint64_t id, uint64_t value) { set_number(&m->meters[id], value, &m->gas_in); }
void model_set_quota(model *m, uint64_t id, uint64_t value) { set_number(&m->quotas[id], value, &m->quota_in); }

/* ---- the stack ---- */

/* Who runs where this frame is on top. */
static size_t runner_of(const model *m, size_t frame) {
  while (m->frames[frame].is_reference) frame = m->frames[frame].to_host ? frame - 1 : m->frames[frame].target;
  return frame;
}
static size_t caller_of(const model *m, size_t frame) { return runner_of(m, frame - 1); }
static model_entry *entry_at(model *m, size_t frame) { return &m->frames[frame].entry; }

bool model_is_paused(const model *m) { return m->depth > 0; }
bool model_is_paused_for_host(const model *m) { return m->frames[m->depth - 1].to_host; }

uint64_t model_budgets(const model *m) {
  uint64_t sum = 0;
  for (size_t i = 0; i < m->depth; i++)
    if (!m->frames[i].is_reference && m->frames[i].entry.is_bottom) sum += m->frames[i].entry.budget;
  return sum;
}

static void remember(model_entry *e, bool is_gas, uint64_t id, uint64_t before, uint64_t after) {
  if (before == after) return;
  model_effect *f = must(malloc(sizeof *f));
  *f = (model_effect){e->last, is_gas, after > before, id, after > before ? after - before : before - after};
  e->last = f;
}

/* A debit of a quota, which is spending; all other changes are put in or taken out. */
typedef enum origin { SPENT, PUT_IN } origin;

static void change_quota(model *m, model_entry *e, uint64_t id, uint64_t value, origin from) {
  uint64_t before = m->quotas[id];
  remember(e, false, id, before, value);
  m->quotas[id] = value;
  if (from == SPENT) m->quota_spent += (int64_t)(before - value);
  else m->quota_in += (int64_t)(value - before);
}

/* Back by as much as it was changed, or as can be: what was given and is spent by now stays put in and spent. */
static void undo(model *m, const model_effect *f) {
  uint64_t *number = f->is_gas ? &m->meters[f->id] : &m->quotas[f->id];
  uint64_t before = *number;
  m->counts.undone++;
  if (!f->is_up) *number += f->amount;
  else *number -= f->amount < before ? f->amount : before;
  if (f->is_up && f->amount > before) m->counts.short_undone++;
  *(f->is_gas ? &m->gas_in : &m->quota_in) += (int64_t)(*number - before);
}

static void undo_all(model *m, model_entry *e) {
  for (model_effect *f = e->last, *before; f; f = before) {
    before = f->before;
    undo(m, f);
    free(f);
  }
  e->last = NULL;
}

static void keep_all(model_entry *e) {
  for (model_effect *f = e->last, *before; f; f = before) {
    before = f->before;
    free(f);
  }
  e->last = NULL;
}

/* The caller's effects are those of the callee on top of its own. */
static void hand_up(model_entry *callee, model_entry *caller) {
  model_effect *first = callee->last;
  if (!first) return;
  while (first->before) first = first->before;
  first->before = caller->last;
  caller->last = callee->last;
  callee->last = NULL;
}

static void drop_to(model *m, size_t depth) {
  while (m->depth > depth) {
    model_frame *f = &m->frames[--m->depth];
    if (f->is_reference) continue;
    undo_all(m, &f->entry);
    if (f->entry.is_bottom) m->gas_in -= (int64_t)f->entry.budget; /* what is left goes back to the host */
  }
}

void model_drop_all(model *m) { drop_to(m, 0); }

static void move_slot_0(model_entry *from, model_entry *to) {
  to->slots[0] = from->slots[0];
  from->slots[0] = (model_cap){0};
}

/* ---- gas, quotas, catchers ---- */

static uint64_t *gas_of(model *m, size_t frame) {
  for (;; frame = caller_of(m, frame)) {
    model_entry *e = entry_at(m, frame);
    if (e->program->has_gas_slot && e->slots[SLOT_GAS].kind == MODEL_GAS) return &m->meters[e->slots[SLOT_GAS].id];
    if (e->is_bottom) return &e->budget;
  }
}

/* The quota that pays for the entry's pages; false: nobody's. */
static bool quota_of(model *m, size_t frame, uint64_t *id) {
  for (;; frame = caller_of(m, frame)) {
    const model_entry *e = entry_at(m, frame);
    if (e->program->has_quota_slot && e->slots[SLOT_QUOTA].kind == MODEL_QUOTA) {
      *id = e->slots[SLOT_QUOTA].id;
      return true;
    }
    if (e->is_bottom) return false;
  }
}

static bool find_catcher(model *m, size_t frame, uint64_t marker, size_t *catcher) {
  while (!entry_at(m, frame)->is_bottom) {
    *catcher = frame = caller_of(m, frame);
    const model_entry *e = entry_at(m, frame);
    if (e->program->has_catcher_slot && e->slots[SLOT_CATCHER].kind == MODEL_CATCHER &&
        e->slots[SLOT_CATCHER].id & marker)
      return true;
  }
  return false;
}

static void deliver(model *m) {
  model_entry *catcher = entry_at(m, m->frames[m->depth - 1].target);
  move_slot_0(entry_at(m, runner_of(m, m->depth - 2)), catcher);
  catcher->status = 1;
}

static void yield_to(model *m, bool to_host, size_t catcher, model_pause pause) {
  m->frames[m->depth++] = (model_frame){.is_reference = true, .to_host = to_host, .target = catcher, .pause = pause};
  if (to_host || !m->to_catcher) m->paused = true;
  else deliver(m);
}

/* A yield that the VM makes; false: nobody catches it. */
static bool kernel_yield(model *m, size_t frame, model_pause pause) {
  size_t catcher = 0;
  bool found = find_catcher(m, frame, pause == MODEL_PAUSE_GAS ? CATCHES_GAS : CATCHES_QUOTA, &catcher);
  if (!found && !m->host_catches) return false;
  yield_to(m, !found, catcher, pause);
  *(pause == MODEL_PAUSE_GAS ? &m->counts.gas_yields : &m->counts.quota_yields) += 1;
  return true;
}

/* ---- steps ---- */

typedef enum exit { NEXT, SWITCH, HALT, TRAP, OUT_OF_GAS, OUT_OF_QUOTA } exit_kind;

static exit_kind kernel_call(model *m, model_entry *e, model_kind which, const model_step *s) {
  e->status = 0;
  if (which == MODEL_CATCHER) abort(); /* lists of markers do not change here */
  switch (which) {
    case MODEL_SET_GAS:
      remember(e, true, s->id, m->meters[s->id], s->value);
      model_set_meter(m, s->id, s->value);
      m->counts.sets++;
      break;
    case MODEL_SET_QUOTA:
      change_quota(m, e, s->id, s->value, PUT_IN);
      m->counts.sets++;
      break;
    case MODEL_MINT_GAS:
    case MODEL_MINT_QUOTA:
      e->slots[0] = (model_cap){which == MODEL_MINT_GAS ? MODEL_GAS : MODEL_QUOTA, s->id, NULL};
      m->counts.mints++;
      break;
    default: return TRAP; /* has no endpoint, or is none of the kernel's */
  }
  return NEXT;
}

static exit_kind call(model *m, size_t frame, const model_step *s) {
  model_entry *e = entry_at(m, frame);
  const model_instance *callee = e->slots[s->a].instance;
  if (!callee) return kernel_call(m, e, e->slots[s->a].kind, s);
  if (m->depth >= MODEL_DEPTH_MAX) return TRAP;
  model_frame *f = &m->frames[m->depth++];
  *f = (model_frame){.entry = {.program = callee->program, .callee_slot = s->a}};
  memcpy(f->entry.slots, callee->slots, sizeof f->entry.slots);
  move_slot_0(e, &f->entry);
  return SWITCH;
}

static exit_kind yield(model *m, size_t frame) {
  size_t catcher;
  if (entry_at(m, frame)->slots[SLOT_MARKER].kind == MODEL_EMPTY || m->depth >= MODEL_DEPTH_MAX) return TRAP;
  if (!find_catcher(m, frame, CATCHES_YIELD, &catcher)) return TRAP;
  yield_to(m, false, catcher, MODEL_PAUSE_YIELD);
  m->counts.yields++;
  return SWITCH;
}

/* The first frame of what the Reference in `frame` keeps paused. */
static size_t paused_from(const model *m, size_t frame) {
  size_t target = m->frames[frame].target;
  for (size_t i = frame; i-- > target;)
    if (i == target || (m->frames[i].is_reference && !m->frames[i].to_host && m->frames[i].target == target))
      return i + 1;
  return target + 1;
}

static exit_kind resume_yield(model *m, size_t frame) {
  if (!m->frames[m->depth - 1].is_reference) return TRAP;
  move_slot_0(entry_at(m, frame), entry_at(m, runner_of(m, m->depth - 2)));
  m->depth--;
  m->counts.resumes++;
  return SWITCH;
}

static exit_kind drop_yield(model *m) {
  if (!m->frames[m->depth - 1].is_reference) return TRAP;
  drop_to(m, paused_from(m, m->depth - 1));
  m->counts.drops++;
  return SWITCH;
}

static exit_kind pay_page(model *m, model_entry *e, const model_cap *quota, uint32_t to, model_kind made, uint64_t id) {
  if (quota->kind != MODEL_QUOTA) return TRAP;
  if (m->quotas[quota->id] < PAGE) return OUT_OF_QUOTA;
  change_quota(m, e, quota->id, m->quotas[quota->id] - PAGE, SPENT);
  e->slots[to] = (model_cap){made, id, NULL};
  return NEXT;
}

static exit_kind act(model *m, size_t frame, const model_step *s) {
  model_entry *e = entry_at(m, frame);
  model_cap *a = &e->slots[s->a < MODEL_SLOTS ? s->a : 0], *b = &e->slots[s->b < MODEL_SLOTS ? s->b : 0], kept;
  switch (s->action) {
    case DO_NOTHING:
    case DO_SKIP_PAUSED: return NEXT;
    case DO_COPY:
      if (a->kind == MODEL_EMPTY) return TRAP;
      *b = *a;
      return NEXT;
    case DO_MOVE:
      if (a->kind == MODEL_EMPTY) return TRAP;
      kept = *a;
      *a = (model_cap){0};
      *b = kept;
      return NEXT;
    case DO_DROP: *a = (model_cap){0}; return NEXT;
    case DO_SWAP:
      kept = *a;
      *a = *b;
      *b = kept;
      return NEXT;
    case DO_CALL: return call(m, frame, s);
    case DO_YIELD: return yield(m, frame);
    case DO_RESUME: return resume_yield(m, frame);
    case DO_DROP_YIELD: return drop_yield(m);
    case DO_MINT_DATA: return pay_page(m, e, a, s->b, MODEL_DATA, 0);
    case DO_SAVE:
      if (b->kind != MODEL_QUOTA || a->kind != MODEL_DATA) return TRAP;
      return pay_page(m, e, b, 0, MODEL_FILE, 0);
    case DO_DIRTY: e->dirty |= 1u << s->a; return NEXT;
    case DO_REPLY: return HALT;
    default: return TRAP;
  }
}

static void spend(model *m, uint64_t gas) {
  *m->gas -= gas;
  m->gas_used += gas;
  m->gas_spent += (int64_t)gas;
}

/* One step, or as much of it as there is gas for. */
static exit_kind step(model *m, size_t frame) {
  model_entry *e = entry_at(m, frame);
  const model_step *s = &e->program->steps[e->pc];
  uint32_t plain = s->plain - e->done;
  if (plain > *m->gas) plain = (uint32_t)*m->gas;
  spend(m, plain);
  e->done += plain;
  if (e->done < s->plain) return OUT_OF_GAS;
  if (s->action != DO_NOTHING) {
    if (*m->gas == 0) return OUT_OF_GAS;
    spend(m, 1);
    m->counts.operations++;
  }
  size_t next = e->pc + 1;
  if (s->action == DO_SKIP_PAUSED && e->status != 1) next = s->a;
  exit_kind exit = act(m, frame, s);
  if (exit == OUT_OF_QUOTA) {
    spend(m, (uint64_t)-1); /* the instruction has not run */
    return exit;
  }
  e->pc = next;
  e->done = 0;
  return exit;
}

/* ---- driving ---- */

/* True: the drive's bottom entry has ended. */
static bool fault(model *m, size_t frame) {
  model_entry *e = entry_at(m, frame);
  m->counts.faults++;
  bool is_bottom = e->is_bottom;
  if (!is_bottom) {
    model_entry *caller = entry_at(m, caller_of(m, frame));
    move_slot_0(e, caller);
    caller->status = 2;
  }
  drop_to(m, frame);
  return is_bottom;
}

static bool halt(model *m, size_t frame, bool *faulted) {
  model_entry *e = entry_at(m, frame);
  uint64_t id, owed = 0;
  for (uint32_t dirty = e->dirty; dirty; dirty >>= 1) owed += (dirty & 1) * PAGE;
  e->ends = true; /* also when it goes on after a pause */
  if (owed && quota_of(m, frame, &id)) {
    if (m->quotas[id] < owed) {
      if (kernel_yield(m, frame, MODEL_PAUSE_QUOTA)) return false;
      return *faulted = fault(m, frame);
    }
    change_quota(m, e, id, m->quotas[id] - owed, SPENT);
  }
  m->counts.halts++;
  model_cap slot0 = e->slots[0];
  e->slots[0] = (model_cap){0};
  const model_instance *post = model_add(m, e->program, e->slots);
  if (e->is_bottom) {
    keep_all(e);
    m->post = post;
    drop_to(m, frame);
    return true;
  }
  model_entry *caller = entry_at(m, caller_of(m, frame));
  caller->slots[0] = slot0;
  caller->slots[e->callee_slot] = (model_cap){MODEL_INSTANCE, 0, post};
  caller->status = 0;
  hand_up(e, caller);
  drop_to(m, frame);
  return false;
}

/* What follows from an exit. True: the drive's bottom entry has ended. */
static bool follow(model *m, size_t frame, exit_kind exit, bool *faulted) {
  switch (exit) {
    case HALT: return halt(m, frame, faulted);
    case TRAP: return *faulted = fault(m, frame);
    case OUT_OF_GAS:
    case OUT_OF_QUOTA:
      if (kernel_yield(m, frame, exit == OUT_OF_GAS ? MODEL_PAUSE_GAS : MODEL_PAUSE_QUOTA)) return false;
      if (exit == OUT_OF_QUOTA) spend(m, 1); /* it traps after all, and is paid for */
      return *faulted = fault(m, frame);
    default: return false;
  }
}

static model_result drive(model *m) {
  m->paused = false;
  for (;;) {
    size_t frame = runner_of(m, m->depth - 1);
    model_entry *e = entry_at(m, frame);
    bool faulted = false;
    exit_kind exit = e->dropped ? TRAP : e->ends ? HALT : NEXT;
    m->gas = gas_of(m, frame);
    while (exit == NEXT) exit = step(m, frame);
    if (follow(m, frame, exit, &faulted)) return faulted ? MODEL_FAULT : MODEL_HALT;
    if (m->paused) {
      m->pause = m->frames[m->depth - 1].pause;
      return MODEL_PAUSED;
    }
  }
}

model_result model_invoke(model *m, const model_instance *instance, uint64_t gas) {
  m->gas_used = 0;
  m->gas_in += (int64_t)gas;
  model_frame *f = &m->frames[m->depth++];
  *f = (model_frame){.entry = {.program = instance->program, .is_bottom = true, .budget = gas}};
  memcpy(f->entry.slots, instance->slots, sizeof f->entry.slots);
  return drive(m);
}

model_result model_resume(model *m) {
  m->gas_used = 0;
  m->depth--;
  return drive(m);
}

model_result model_deliver(model *m) {
  m->gas_used = 0;
  deliver(m);
  return drive(m);
}

model_result model_drop(model *m) {
  const model_frame *top = &m->frames[m->depth - 1];
  m->gas_used = 0;
  m->counts.drops++;
  if (top->to_host) {
    entry_at(m, runner_of(m, m->depth - 2))->dropped = true;
    m->depth--;
  } else {
    entry_at(m, top->target)->status = 2;
    drop_to(m, paused_from(m, m->depth - 1));
  }
  return drive(m);
}

void model_add_gas(model *m, uint64_t gas) {
  *gas_of(m, runner_of(m, m->depth - 2)) += gas;
  m->gas_in += (int64_t)gas;
}
