/* The drive loop (4-vm.md 4.4), faults, halts, pauses that the VM makes, and the verbs (4.2). */
#include <assert.h>
#include <string.h>

#include "model/world.h"

/* ---- pauses that the VM makes (4.5, 6.2) ---- */

/* False: nobody catches it. */
static bool kernel_yield(m_world *w, int index, javm_pause_kind pause) {
  const m_entry *e = w->stack[index];
  const m_image *image = &e->image->as.image;
  bool gas = pause == JAVM_PAUSE_OUT_OF_GAS;
  const uint32_t *slots = gas ? image->gas_slots : image->quota_slots;
  size_t count = gas ? image->gas_slot_count : image->quota_slot_count;
  javm_hash key;
  uint64_t marker_index, id;
  m_kernel_chain(gas ? JAVM_KERNEL_OOG_MARKER : JAVM_KERNEL_STORAGE_EXHAUSTED_MARKER, &key);
  int catcher = m_catcher_for(w, index, &key, &marker_index);
  if (catcher == M_HOST && !w->host_catches_out_of_gas) return false;
  if (catcher == M_HOST && !gas) marker_index = e->refused_operation; /* for a host that drops it */
  if (m_handle_in(w, e, slots, count, gas ? JAVM_KERNEL_GAS : JAVM_KERNEL_QUOTA, &id))
    key = m_hash_of(e->slots[slots[0]]);
  if (e->exit.kind == JAVM_EXIT_ERROR) key = m_hash_of(m_kernel(JAVM_KERNEL_QUOTA, w->short_quota));
  m_pause(w, catcher, marker_index, pause, &key);
  return true;
}

/* ---- the end of an entry ---- */

static void list_dirty(const m_entry *e, m_result *r) {
  r->dirty_page_count = e->memory.dirty_count;
  for (size_t i = 0; i < e->memory.dirty_count && i < sizeof r->dirty_pages / sizeof *r->dirty_pages; i++)
    r->dirty_pages[i] = e->memory.dirty[i].page * M_PAGE;
}

/* True: the drive is over. */
static bool fault(m_world *w, int index, m_result *r) {
  m_entry *e = w->stack[index];
  static const uint64_t codes[] = {
      [JAVM_EXIT_TRAP] = 1, [JAVM_EXIT_PANIC] = 2, [JAVM_EXIT_OUT_OF_GAS] = 3, [JAVM_EXIT_PAGE_FAULT] = 4};
  if (!e->is_bottom) {
    m_entry *caller = w->stack[m_caller_of(w, index)];
    m_move_slot0(e, caller);
    caller->regs[7] = codes[e->exit.kind];
    caller->regs[8] = 2;
    m_drop_to(w, index);
    return false;
  }
  r->kind = JAVM_RESULT_FAULTED;
  r->fault = e->exit;
  r->pc = e->pc;
  r->refusal = e->exit.kind == JAVM_EXIT_TRAP ? e->refusal : JAVM_REFUSAL_NONE;
  r->refused_operation = r->refusal ? e->refused_operation : 0;
  r->slot0 = m_slot0(e);
  list_dirty(e, r);
  m_drop_to(w, index);
  return true;
}

/* The quota does not suffice: a yield, or a fault. */
static bool no_quota(m_world *w, int index, uint32_t operation, m_result *r) {
  m_entry *e = w->stack[index];
  e->refused_operation = operation;
  if (kernel_yield(w, index, JAVM_PAUSE_QUOTA)) return false;
  if (operation && w->gas_model == JAVM_GAS_INSTRUCTION)
    m_charge(w, index, 1); /* the operation that traps is paid for */
  e->exit = (javm_exit){.kind = JAVM_EXIT_TRAP};
  e->refusal = JAVM_REFUSAL_QUOTA_EXHAUSTED;
  return fault(w, index, r);
}

/* Who pays for the pages that an entry has written. */
static bool quota_for(m_world *w, int index, uint64_t *id) {
  for (;; index = m_caller_of(w, index)) {
    const m_entry *e = w->stack[index];
    const m_image *image = &e->image->as.image;
    if (m_handle_in(w, e, image->quota_slots, image->quota_slot_count, JAVM_KERNEL_QUOTA, id)) return true;
    if (e->is_bottom) return false;
  }
}

static void return_to(m_world *w, int index, const m_value *value, const m_value *slot0) {
  m_entry *e = w->stack[index], *caller = w->stack[m_caller_of(w, index)];
  m_path path;
  if (!m_pins(e->image, 0) && !m_pins(caller->image, 0)) caller->slots[0] = slot0;
  if (m_path_of(w, e->callee_slot, &path) && m_may_change(w, caller, &path)) m_slot_write(w, caller, &path, value);
  caller->regs[7] = e->regs[7];
  caller->regs[8] = 0;
  m_hand_up(e, caller);
  m_drop_to(w, index);
}

static bool halt(m_world *w, int index, m_result *r) {
  m_entry *e = w->stack[index];
  uint64_t id, owed = e->memory.dirty_count * (uint64_t)M_PAGE;
  if (owed && quota_for(w, index, &id) && !m_debit_quota(w, e, id, owed)) {
    e->has_exit = true; /* it halts when it goes on */
    return no_quota(w, index, 0, r);
  }
  const m_value *slot0 = m_slot0(e);
  if (slot0) e->slots[0] = NULL;
  m_value *value = m_leave(e);
  if (!e->is_bottom) {
    return_to(w, index, value, slot0);
    return false;
  }
  r->kind = JAVM_RESULT_HALT;
  r->return_value = e->regs[7];
  r->instance = value;
  r->pc = e->pc;
  r->slot0 = slot0;
  list_dirty(e, r);
  for (size_t i = 0; i < e->effects.count; i++)
    if (e->effects.at[i].kind == M_EMIT) {
      assert(r->emit_count < M_EMITS_MAX);
      r->emits[r->emit_count++] = e->effects.at[i].emit;
    }
  e->effects = (m_effects){NULL, 0};
  m_drop_to(w, index);
  return true;
}

/* ---- the loop ---- */

static bool after_exit(m_world *w, int index, m_result *r) {
  m_entry *e = w->stack[index];
  if (e->given_up) return fault(w, index, r);
  e->has_exit = false;
  switch (e->exit.kind) {
    case JAVM_EXIT_HALT: return halt(w, index, r);
    case JAVM_EXIT_HOST_CALL:
      if (e->exit.number) m_pause(w, M_HOST, 0, JAVM_PAUSE_MARK, &(javm_hash){{0}}); /* the mark */
      return false;
    case JAVM_EXIT_OUT_OF_GAS: return kernel_yield(w, index, JAVM_PAUSE_OUT_OF_GAS) ? false : fault(w, index, r);
    case JAVM_EXIT_ERROR: return no_quota(w, index, w->operation, r);
    default: return fault(w, index, r);
  }
}

void m_report_pause(const m_world *w, m_result *r) {
  const m_entry *reference = w->stack[w->depth - 1];
  r->kind = JAVM_RESULT_PAUSED;
  r->pause = reference->pause;
  r->payload = reference->payload;
  if (r->pause == JAVM_PAUSE_HOST_CALL) r->host_function = (uint32_t)reference->marker_index;
}

static javm_status drive(m_world *w, m_result *r) {
  w->pauses = false;
  while (!w->instructions_end) {
    int index = m_runs_in(w, w->depth - 1);
    m_entry *e = w->stack[index];
    if (!e->has_exit) e->exit = m_run(w, index);
    bool over = after_exit(w, index, r);
    if (w->pauses) m_report_pause(w, r);
    if (over || w->pauses) break;
  }
  r->gas_used = w->gas_used;
  return JAVM_OK;
}

/* ---- verbs ---- */

static void begin(m_world *w, m_result *r) {
  memset(r, 0, sizeof *r);
  w->gas_used = 0;
}

/* The Reference on top; NULL: not paused. */
static m_entry *reference(m_world *w) {
  return w->depth && w->stack[w->depth - 1]->is_reference ? w->stack[w->depth - 1] : NULL;
}

static m_entry *paused_entry(m_world *w) { return w->stack[m_runs_in(w, w->depth - 2)]; }

javm_status m_invoke(m_world *w, const m_value *instance, uint8_t endpoint, const uint64_t args[4], uint64_t gas,
                     m_result *r) {
  begin(w, r);
  m_entry *e;
  if (w->depth >= (int)w->max_depth) return JAVM_CALL_STACK_FULL;
  if (!instance || instance->kind != JAVM_KIND_INSTANCE) return JAVM_INSTANCE_NOT_FOUND;
  javm_status status = m_enter(w, instance, endpoint, args, &e);
  if (status != JAVM_OK) return status;
  if (w->depth == 0) w->position = 0;
  e->is_bottom = true;
  e->budget = e->gas = gas;
  m_push(w, e);
  return drive(w, r);
}

javm_status m_call_resume(m_world *w, const m_value *scratchpad, m_result *r) {
  begin(w, r);
  if (!reference(w) || reference(w)->pause == JAVM_PAUSE_HOST_CALL) return JAVM_NOT_PAUSED;
  m_entry *e = paused_entry(w);
  if (scratchpad && m_pins(e->image, 0)) return JAVM_INVALID_ARGUMENT;
  if (scratchpad) e->slots[0] = scratchpad;
  m_drop_to(w, w->depth - 1);
  return drive(w, r);
}

javm_status m_deliver_yield(m_world *w, m_result *r) {
  begin(w, r);
  if (!reference(w) || reference(w)->target == M_HOST) return JAVM_NOT_PAUSED;
  m_deliver(w);
  return drive(w, r);
}

javm_status m_drop_paused(m_world *w, m_result *r) {
  begin(w, r);
  const m_entry *top = reference(w);
  if (!top) return JAVM_NOT_PAUSED;
  if (top->target == M_HOST) {
    m_entry *e = paused_entry(w);
    bool gas = top->pause == JAVM_PAUSE_OUT_OF_GAS || top->pause == JAVM_PAUSE_MARK;
    e->exit = (javm_exit){.kind = gas ? JAVM_EXIT_OUT_OF_GAS : JAVM_EXIT_TRAP};
    e->refusal = top->pause == JAVM_PAUSE_QUOTA ? JAVM_REFUSAL_QUOTA_EXHAUSTED : JAVM_REFUSAL_HOST;
    e->has_exit = e->given_up = true;
    m_drop_to(w, w->depth - 1);
  } else {
    m_entry *catcher = w->stack[top->target];
    catcher->regs[7] = 0;
    catcher->regs[8] = 2;
    m_drop_to(w, m_paused_base(w, w->depth - 1));
  }
  return drive(w, r);
}

javm_status m_complete_host_call(m_world *w, const uint64_t *values, size_t count, m_result *r) {
  begin(w, r);
  if (!reference(w) || reference(w)->pause != JAVM_PAUSE_HOST_CALL) return JAVM_NOT_PAUSED;
  if (count > 2) return JAVM_INVALID_ARGUMENT;
  for (size_t i = 0; i < count; i++) paused_entry(w)->regs[7 + i] = values[i];
  m_drop_to(w, w->depth - 1);
  return drive(w, r);
}

javm_status m_add_gas(m_world *w, uint64_t gas) {
  if (!reference(w)) return JAVM_NOT_PAUSED;
  int index = m_runs_in(w, w->depth - 2);
  m_choose_gas(w, index);
  uint64_t *counter = m_gas_of(w, index), *shown = &w->stack[index]->gas;
  *counter = *counter > UINT64_MAX - gas ? UINT64_MAX : *counter + gas;
  *shown = *shown > UINT64_MAX - gas ? UINT64_MAX : *shown + gas;
  return JAVM_OK;
}
