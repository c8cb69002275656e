/* See real.h. */
#include "model/real.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct real {
  const m_script *script;
  m_run_state *run;
  const m_settings *settings;
  javm_dir *dir;
  javm_local_assist *local;
  const javm_assist *assist;
  javm_vm *vm;
  javm_result result;
  javm_hash hash; /* of the last suspend or root */
  javm_cap **owned;
  size_t owned_count, owned_capacity;
  m_random random; /* of what the model does not see: which caps are there by their hash only */
  char *why;
  size_t capacity;
  bool differs;
} real;

static void differ(real *x, const char *format, ...) {
  if (x->differs) return;
  x->differs = true;
  va_list args;
  va_start(args, format);
  vsnprintf(x->why, x->capacity, format, args);
  va_end(args);
}

static void compare(real *x, const char *what, uint64_t model, uint64_t library) {
  if (model != library) differ(x, "%s: model 0x%" PRIx64 ", library 0x%" PRIx64, what, model, library);
}

static void compare_hash(real *x, const char *what, const javm_hash *model, const javm_hash *library) {
  if (!m_same(model, library))
    differ(x, "%s: model %02x%02x%02x%02x…, library %02x%02x%02x%02x…", what, model->bytes[0], model->bytes[1],
           model->bytes[2], model->bytes[3], library->bytes[0], library->bytes[1], library->bytes[2],
           library->bytes[3]);
}

/* What must not fail. */
static void sure(javm_status status, const javm_error *error) {
  if (status == JAVM_OK) return;
  fprintf(stderr, "%s: %s\n", javm_status_text(status), error ? error->text : "");
  abort();
}

/* ---- values ---- */

static javm_cap *own(real *x, javm_cap *cap) {
  if (x->owned_count == x->owned_capacity) {
    x->owned_capacity = 2 * x->owned_capacity + 64;
    x->owned = realloc(x->owned, x->owned_capacity * sizeof *x->owned);
    if (!x->owned) abort();
  }
  return x->owned[x->owned_count++] = cap;
}

static javm_cap *realize(real *x, const m_value *v);

static javm_cap *make_data(real *x, const m_pages *pages) {
  uint8_t *bytes = m_new((size_t)pages->count * M_PAGE + 1);
  for (uint32_t i = 0; i < pages->count; i++)
    if (pages->at[i]) memcpy(bytes + (size_t)i * M_PAGE, pages->at[i]->bytes, M_PAGE);
  javm_cap *cap;
  sure(javm_data_new(x->dir, bytes, (size_t)pages->count * M_PAGE, &cap), NULL);
  return own(x, cap);
}

static javm_cap *make_cnode(real *x, const m_cnode *cnode) {
  javm_cap *cap, *next;
  sure(javm_cnode_new(x->dir, cnode->size_log, &cap), NULL);
  for (uint32_t i = 0; i < 1u << cnode->size_log; i++) {
    if (!cnode->slots[i]) continue;
    sure(javm_cnode_set(x->dir, cap, i, realize(x, cnode->slots[i]), &next), NULL);
    javm_cap_release(x->dir, cap);
    cap = next;
  }
  return own(x, cap);
}

static const javm_slot_cap *make_slot_caps(real *x, const m_slot_cap *caps, size_t count) {
  javm_slot_cap *made = m_new((count + 1) * sizeof *made);
  for (size_t i = 0; i < count; i++) made[i] = (javm_slot_cap){caps[i].slot, realize(x, caps[i].cap)};
  return made;
}

static javm_cap *make_image(real *x, const m_image *i) {
  javm_image_spec spec;
  javm_image_spec_init(&spec);
  spec.code = (javm_code){.code = i->code,
                          .code_bytes = i->code_bytes,
                          .bitmask = i->bitmask,
                          .bitmask_bytes = (i->code_bytes + 7) / 8,
                          .isa = JAVM_ISA_JAVM};
  spec.endpoints = i->endpoints;
  spec.endpoint_count = i->endpoint_count;
  spec.mappings = i->mappings;
  spec.mapping_count = i->mapping_count;
  spec.gas_slots = i->gas_slots;
  spec.gas_slot_count = i->gas_slot_count;
  spec.quota_slots = i->quota_slots;
  spec.quota_slot_count = i->quota_slot_count;
  spec.pinned = make_slot_caps(x, i->pinned, i->pinned_count);
  spec.pinned_count = i->pinned_count;
  spec.initial = make_slot_caps(x, i->initial, i->initial_count);
  spec.initial_count = i->initial_count;
  spec.has_yield_marker_slot = i->yield_marker_slot_count > 0;
  if (spec.has_yield_marker_slot) spec.yield_marker_slot = i->yield_marker_slots[0];
  javm_cap *cap;
  javm_error error;
  sure(javm_image_new(x->dir, &spec, &cap, &error), &error);
  return own(x, cap);
}

static javm_cap *make_instance(real *x, const m_instance *i) {
  javm_instance_spec spec;
  javm_instance_spec_init(&spec);
  javm_overlay *overlays = m_new((i->overlay_count + 1) * sizeof *overlays);
  for (size_t k = 0; k < i->overlay_count; k++)
    overlays[k] = (javm_overlay){i->overlays[k].start, make_data(x, &i->overlays[k].pages)};
  spec.image_hash_chain = i->chain;
  spec.image = i->image ? realize(x, i->image) : NULL;
  spec.root_cnode = i->root ? realize(x, i->root) : NULL;
  spec.overlays = overlays;
  spec.overlay_count = i->overlay_count;
  spec.mem_size = i->mem_size;
  spec.heap_end = i->heap_end;
  memcpy(spec.regs, i->regs, sizeof spec.regs);
  spec.pc = i->pc;
  spec.gas_remaining = i->gas_remaining;
  spec.paused = i->paused;
  javm_cap *cap;
  javm_error error;
  sure(javm_instance_new(x->dir, &spec, &cap, &error), &error);
  return own(x, cap);
}

static javm_cap *make(real *x, const m_value *v) {
  javm_cap *cap;
  switch (v->kind) {
    case JAVM_KIND_INSTANCE: return make_instance(x, &v->as.instance);
    case JAVM_KIND_IMAGE: return make_image(x, &v->as.image);
    case JAVM_KIND_DATA: return make_data(x, &v->as.data);
    case JAVM_KIND_CNODE: return make_cnode(x, &v->as.cnode);
    default: sure(javm_type_new(x->dir, &v->as.type, &cap), NULL); return own(x, cap);
  }
}

static javm_cap *realize(real *x, const m_value *value) {
  m_value *v = (m_value *)(uintptr_t)value;
  if (v->real) return v->real;
  v->real = make(x, v);
  if (m_below(&x->random, 3)) return v->real;
  javm_hash hash, expected = m_hash_of(v);
  javm_error error;
  sure(javm_dir_put(x->dir, v->real, &hash, &error), &error);
  compare_hash(x, "hash of a value", &expected, &hash);
  if (m_below(&x->random, 2)) return v->real;
  sure(javm_cap_by_hash(x->dir, &hash, &v->real), NULL);
  return own(x, v->real);
}

/* ---- the world ---- */

/* The other side of host.c. */
static javm_host_action host(void *ctx, javm_host_call *call) {
  (void)ctx;
  uint64_t done = 0, word;
  javm_cap *cap = NULL;
  if (javm_host_slot_get(call, javm_host_arg(call, 2), &cap) == JAVM_OK) {
    done |= 1;
    if (javm_host_slot_set(call, javm_host_arg(call, 3), cap) == JAVM_OK) done |= 2;
    javm_cap_release(javm_host_dir(call), cap);
  }
  if (javm_host_read(call, (uint32_t)javm_host_arg(call, 4), &word, 8) == JAVM_OK) {
    done |= 4;
    if (javm_host_write(call, (uint32_t)javm_host_arg(call, 5), &word, 8) == JAVM_OK) done |= 8;
  }
  if (javm_host_charge(call, javm_host_arg(call, 1) % 64) == JAVM_OK) done |= 16;
  javm_host_return(call, 0, done);
  switch (javm_host_number(call)) {
    case 64: return JAVM_HOST_RETURN;
    case 65: return JAVM_HOST_PAUSE;
    case 66: return JAVM_HOST_REFUSE;
    default: return JAVM_HOST_HALT;
  }
}

static void open_assist(real *x) {
  uint64_t previous;
  sure(javm_local_assist_new(x->dir, &x->local), NULL);
  const javm_assist *a = x->assist = javm_local_assist_interface(x->local);
  const m_assist *model = &x->run->world.assist;
  for (size_t k = 0; k < model->meters.count; k++)
    sure(a->gas_meter_set(a->ctx, model->meters.id[k], model->meters.value[k], &previous), NULL);
  for (size_t k = 0; k < model->quotas.count; k++)
    sure(a->storage_quota_set(a->ctx, model->quotas.id[k], model->quotas.value[k], &previous), NULL);
  for (size_t k = 0; k < model->file_count; k++) {
    uint64_t id;
    sure(a->file_save(a->ctx, realize(x, model->files[k]), 1, 0, &id), NULL);
    if (id != k) abort();
  }
  for (size_t k = 0; k < model->catcher_count; k++) {
    const m_catcher *c = &model->catchers[k];
    for (size_t m = 0; m < c->count; m++) sure(a->yield_catcher_add(a->ctx, &c->key, &c->markers[m]), NULL);
    a->yield_catcher_new(a->ctx);
  }
}

/* A VM of the script's configuration; another one may have another engine. */
static javm_vm *new_vm(real *x, bool other) {
  const m_script *s = x->script;
  javm_vm_config config;
  javm_error error;
  javm_vm *vm;
  javm_vm_config_default(&config);
  config.gas_model = s->gas_model;
  config.yield_mode = s->yield_mode;
  config.host_catches_out_of_gas = s->host_catches_out_of_gas;
  config.max_depth = s->max_depth;
  config.max_cached_programs = s->max_cached_programs;
  config.engine = other ? JAVM_ENGINE_INTERPRETER : x->settings->engine;
  config.explicit_checks = x->settings->explicit_checks;
  config.assist = s->has_assist ? x->assist : NULL;
  sure(javm_vm_new(x->dir, &config, &vm, &error), &error);
  for (uint32_t n = 64; n < 68; n++) sure(javm_vm_register(vm, n, "script", host, NULL), NULL);
  return vm;
}

static void open_world(real *x) {
  javm_error error;
  sure(javm_dir_new(NULL, &x->dir), NULL);
  open_assist(x);
  x->vm = new_vm(x, false);
  for (size_t k = 0; k < x->run->known_count; k++) {
    javm_hash hash, expected = m_hash_of(x->run->known[k]);
    sure(javm_dir_put(x->dir, realize(x, x->run->known[k]), &hash, &error), &error);
    compare_hash(x, "hash of an Instance of the script", &expected, &hash);
  }
}

static void close_world(real *x) {
  javm_result_clear(x->dir, &x->result);
  javm_vm_free(x->vm);
  for (size_t k = 0; k < x->owned_count; k++) javm_cap_release(x->dir, x->owned[k]);
  free(x->owned);
  javm_local_assist_free(x->local);
  javm_dir_free(x->dir);
}

/* ---- comparing ---- */

static void compare_cap(real *x, const char *what, const javm_hash *model, javm_cap *cap) {
  javm_hash hash = {{0}};
  if (cap) sure(javm_cap_hash(x->dir, cap, &hash), NULL);
  compare_hash(x, what, model, &hash);
}

static void compare_value(real *x, const char *what, const m_value *model, javm_cap *cap) {
  javm_hash hash = {{0}};
  if (model) hash = m_hash_of(model);
  compare_cap(x, what, &hash, cap);
  if (model && cap && model->kind == JAVM_KIND_INSTANCE) sure(javm_dir_put(x->dir, cap, NULL, NULL), NULL);
}

static void compare_result(real *x) {
  const m_result *m = &x->run->last;
  const javm_result *r = &x->result;
  compare(x, "kind of result", m->kind, r->kind);
  if (x->differs) return;
  compare(x, "fault", m->fault.kind, r->fault.kind);
  compare(x, "fault address", m->fault.address, r->fault.address);
  compare(x, "refusal", m->refusal, r->refusal);
  compare(x, "refused operation", m->refused_operation, r->refused_operation);
  compare(x, "pc", m->pc, r->pc);
  compare(x, "return value", m->return_value, r->return_value);
  compare(x, "gas used", m->gas_used, r->gas_used);
  compare(x, "kind of pause", m->pause, r->pause);
  compare(x, "host function", m->host_function, r->host_function);
  compare_cap(x, "payload", &m->payload, r->payload);
  compare_value(x, "slot 0", m->slot0, r->slot0);
  compare(x, "number of emits", m->emit_count, r->emit_count);
  for (size_t k = 0; !x->differs && k < m->emit_count; k++) compare_value(x, "emit", m->emits[k], r->emits[k]);
  compare(x, "number of dirty pages", m->dirty_page_count, r->dirty_page_count);
  for (size_t k = 0; !x->differs && k < m->dirty_page_count; k++)
    compare(x, "dirty page", m->dirty_pages[k], r->dirty_pages[k]);
  javm_hash none = {{0}}, hash = m->kind == JAVM_RESULT_HALT ? m_hash_of(m->instance) : none;
  compare_hash(x, "Instance", &hash, &r->instance);
}

static void compare_entry(real *x, size_t index) {
  const m_entry *m = x->run->world.stack[index];
  javm_entry_view v;
  sure(javm_vm_entry(x->vm, index, &v), NULL);
  compare(x, "kind of entry", m->is_reference, v.kind == JAVM_ENTRY_REFERENCE);
  compare(x, "running", index + 1 == (size_t)x->run->world.depth, v.running);
  if (m->is_reference || x->differs) {
    if (!x->differs) compare(x, "target of a Reference", (uint32_t)m->target, v.target);
    return;
  }
  javm_hash image = m_hash_of(m->image), called = m_hash_of(m->called), none = {{0}};
  compare_hash(x, "an entry's Image", &image, &v.image);
  compare_hash(x, "an entry's chain", &m->chain, &v.image_hash_chain);
  if (!m_same(&v.instance, &none)) compare_hash(x, "an entry's Instance", &called, &v.instance);
  compare(x, "an entry's pc", m->pc, v.pc);
  compare(x, "an entry's gas", m->gas, v.gas);
  for (int k = 0; k < JAVM_REG_COUNT; k++) compare(x, "an entry's register", m->regs[k], v.regs[k]);
  uint32_t pages[64];
  size_t page_count;
  sure(javm_vm_dirty_pages(x->vm, index, pages, 64, &page_count), NULL);
  compare(x, "number of an entry's dirty pages", m->memory.dirty_count, page_count);
  for (size_t k = 0; !x->differs && k < page_count && k < 64; k++)
    compare(x, "an entry's dirty page", m->memory.dirty[k].page * M_PAGE, pages[k]);
}

static void compare_assist(real *x) {
  const m_assist *m = &x->run->world.assist;
  const javm_assist *a = x->assist;
  for (size_t k = 0; k < m->meters.count; k++)
    compare(x, "a gas meter", m->meters.value[k], a->gas_meter_get(a->ctx, m->meters.id[k]));
  for (size_t k = 0; k < m->quotas.count; k++)
    compare(x, "a quota", m->quotas.value[k], a->storage_quota_get(a->ctx, m->quotas.id[k]));
  for (size_t k = 0; k < m->catcher_count; k++) {
    const m_catcher *c = &m->catchers[k];
    compare(x, "number of a catcher's markers", c->count, a->yield_catcher_count(a->ctx, &c->key));
    for (size_t i = 0; !x->differs && i < c->count; i++) {
      javm_hash marker;
      a->yield_catcher_marker(a->ctx, &c->key, i, &marker);
      compare_hash(x, "a catcher's marker", &c->markers[i], &marker);
    }
  }
}

static void compare_all(real *x, const m_verb *v, javm_status status) {
  javm_error error;
  if (!x->differs && status == JAVM_OK && v->kind <= VERB_MOVE) compare_result(x);
  if (status == JAVM_OK && (v->kind == VERB_SUSPEND || v->kind == VERB_MOVE || v->kind == VERB_ROOT))
    compare_hash(x, v->kind == VERB_ROOT ? "root" : "suspended VM", &x->run->hash, &x->hash);
  javm_position position;
  javm_vm_position(x->vm, &position);
  compare(x, "gas of the position", x->run->world.position, position.gas);
  compare(x, "depth", (uint64_t)x->run->world.depth, javm_vm_depth(x->vm));
  if (javm_vm_check(x->vm, &error) != JAVM_OK) differ(x, "javm_vm_check: %s", error.text);
  for (int k = 0; !x->differs && k < x->run->world.depth; k++) compare_entry(x, (size_t)k);
  compare_assist(x);
}

/* ---- running ---- */

/* A kernel assist with the content of this one, copied or written and read. */
static javm_local_assist *copy_assist(real *x) {
  uint8_t *bytes;
  size_t size;
  javm_error error;
  javm_local_assist *copy;
  if (m_below(&x->random, 2)) {
    sure(javm_local_assist_copy(x->local, &copy), NULL);
    return copy;
  }
  sure(javm_local_assist_new(x->dir, &copy), NULL);
  sure(javm_local_assist_export(x->local, &bytes, &size), NULL);
  sure(javm_local_assist_import(copy, bytes, size, &error), &error);
  javm_free_bytes(javm_dir_allocator(x->dir), bytes, size);
  return copy;
}

/* Suspends, and goes on in another VM. Who frees the first one undoes what is paused in its assist, so that goes, too. */
static javm_status move(real *x, javm_error *error) {
  javm_status status = javm_vm_suspend(x->vm, &x->hash, error);
  if (status != JAVM_OK) return status;
  javm_local_assist *copy = copy_assist(x);
  javm_vm_free(x->vm);
  javm_local_assist_free(x->local);
  x->local = copy;
  x->assist = javm_local_assist_interface(copy);
  x->vm = new_vm(x, m_below(&x->random, 2));
  return javm_vm_restore(x->vm, &x->hash, &x->result, error);
}

static javm_status library_verb(real *x, const m_verb *v, javm_error *error) {
  javm_result *r = &x->result;
  const javm_assist *a = x->assist;
  uint64_t previous;
  javm_hash hash = {{1}};
  switch (v->kind) {
    case VERB_INVOKE:
      if (v->instance) hash = m_hash_of(v->instance);
      return javm_vm_invoke(x->vm, &hash, v->endpoint, v->args, v->gas, r, error);
    case VERB_RESUME: return javm_vm_call_resume(x->vm, v->scratchpad ? realize(x, v->scratchpad) : NULL, r, error);
    case VERB_DELIVER: return javm_vm_deliver_yield(x->vm, r, error);
    case VERB_DROP: return javm_vm_drop_paused(x->vm, r, error);
    case VERB_COMPLETE: return javm_vm_complete_host_call(x->vm, v->args, v->value_count, r, error);
    case VERB_RESTORE:
      if (v->instance) hash = m_hash_of(v->instance);
      return javm_vm_restore(x->vm, &hash, r, error);
    case VERB_MOVE: return move(x, error);
    case VERB_SUSPEND: return javm_vm_suspend(x->vm, &x->hash, error);
    case VERB_ROOT: return javm_vm_root(x->vm, JAVM_ROOT_WHOLE, &x->hash, error);
    case VERB_FORK: return JAVM_OK;
    case VERB_SET_MARK: return javm_vm_set_mark(x->vm, JAVM_MARK_GAS, v->gas);
    case VERB_ADD_GAS: return javm_vm_add_gas(x->vm, v->gas);
    case VERB_SET_METER: return a->gas_meter_set(a->ctx, v->id, v->gas, &previous);
    default: return a->storage_quota_set(a->ctx, v->id, v->gas, &previous);
  }
}

static void count(m_counts *c, const m_verb *v, const m_run_state *run) {
  const m_result *r = &run->last;
  c->verbs++;
  c->statuses[run->last_status]++;
  if (run->last_status != JAVM_OK || v->kind > VERB_MOVE) return;
  if (r->kind == JAVM_RESULT_HALT) c->halts++;
  if (r->kind == JAVM_RESULT_FAULTED) c->faults++, c->exits[r->fault.kind]++, c->refusals[r->refusal]++;
  if (r->kind == JAVM_RESULT_PAUSED) c->pauses[r->pause]++;
}

/* What a VM and a kernel assist of its own are. */
typedef struct side {
  m_run_state *run;
  javm_vm *vm;
  javm_local_assist *local;
  const javm_assist *assist;
} side;

static void take_side(real *x, const side *s) {
  x->run = s->run;
  x->vm = s->vm;
  x->local = s->local;
  x->assist = s->assist;
}

static side fork_of(real *x) {
  side s;
  javm_error error;
  s.run = m_copy(x->run, sizeof *x->run);
  m_world_copy(&s.run->world, &x->run->world);
  s.local = copy_assist(x);
  s.assist = javm_local_assist_interface(s.local);
  sure(javm_vm_fork(x->vm, x->script->has_assist ? s.assist : NULL, &s.vm, &error), &error);
  return s;
}

/* Removes from the directory what neither the host knows nor anybody holds. */
static void sweep(real *x) {
  javm_hash heads[sizeof x->run->known / sizeof *x->run->known];
  for (size_t k = 0; k < x->run->known_count; k++) heads[k] = m_hash_of(x->run->known[k]);
  sure(javm_dir_sweep(x->dir, heads, x->run->known_count, NULL), NULL);
}

static bool do_word(real *x, uint64_t word, m_counts *counts);

/* Two worlds from here: something is done in the fork, and perhaps in the first, which must not see anything of the other. */
static bool fork_and_do(real *x, bool fork_stays, uint64_t word, m_counts *counts) {
  side first = {x->run, x->vm, x->local, x->assist}, fork = fork_of(x);
  if (x->settings->prints) fprintf(stderr, "> fork\n");
  counts->forks++;
  take_side(x, &fork);
  bool goes_on = do_word(x, word + 1, counts);
  fork = (side){x->run, x->vm, x->local, x->assist}; /* it may have moved */
  side gone = fork_stays ? first : fork;
  take_side(x, fork_stays ? &fork : &first);
  javm_vm_free(gone.vm);
  javm_local_assist_free(gone.local);
  if (x->settings->prints) fprintf(stderr, "> the %s stays\n", fork_stays ? "fork" : "first");
  m_verb none = {.kind = VERB_FORK};
  if (goes_on) compare_all(x, &none, x->run->last_status = JAVM_OK);
  return goes_on && !x->differs;
}

/* Does what the word chooses; false: the script ends here. */
static bool do_word(real *x, uint64_t word, m_counts *counts) {
  m_verb verb;
  m_choose_verb(x->script, x->run, word, &verb);
  if (verb.kind == VERB_FORK) return fork_and_do(x, verb.flag, word, counts);
  if (x->settings->prints) m_print_verb(x->run, &verb);
  javm_result_clear(x->dir, &x->result);
  m_do_verb(x->run, &verb);
  if (x->run->world.instructions_end) return false;
  if (x->settings->prints) m_print_result(x->run);
  javm_error error = {.text = ""};
  javm_status status = library_verb(x, &verb, &error);
  if (status != x->run->last_status)
    differ(x, "status: model %s, library %s: %s", javm_status_text(x->run->last_status), javm_status_text(status),
           error.text);
  count(counts, &verb, x->run);
  compare_all(x, &verb, status);
  if (m_once_in(&x->random, 10)) sweep(x);
  return !x->differs;
}

bool m_agree(const m_script *s, const m_settings *settings, m_counts *counts, char *why, size_t capacity) {
  real *x = m_new(sizeof *x);
  x->script = s;
  x->settings = settings;
  x->why = why;
  x->capacity = capacity;
  x->random.state = s->verbs[0];
  x->run = m_new(sizeof *x->run);
  m_start(s, x->run);
  open_world(x);
  uint32_t done = 0;
  while (done < s->verb_count && do_word(x, s->verbs[done], counts)) done++;
  if (done < s->verb_count && !x->differs) counts->too_long++;
  const m_world *w = &x->run->world;
  for (size_t k = 0; k < sizeof w->operations / sizeof *w->operations; k++) counts->operations[k] += w->operations[k];
  close_world(x);
  return !x->differs;
}

/* ---- shrinking ---- */

static bool still_differs(const m_script *s, const m_settings *settings) {
  m_counts counts = {0};
  char why[200];
  return !m_agree(s, settings, &counts, why, sizeof why);
}

void m_shrink(m_script *s, const m_settings *settings) {
  m_settings quiet = *settings;
  quiet.prints = false;
  for (int round = 0; round < 3; round++) {
    while (s->verb_count > 1) {
      s->verb_count--;
      if (still_differs(s, &quiet)) continue;
      s->verb_count++;
      break;
    }
    for (uint32_t i = 0; i < s->image_count; i++)
      for (uint32_t k = 0; k < s->images[i].step_count; k++) {
        m_step *step = &s->images[i].steps[k];
        if (step->removed) continue;
        step->removed = true;
        step->removed = still_differs(s, &quiet);
      }
    for (uint32_t i = 0; i < s->instance_count; i++)
      for (uint32_t k = s->instances[i].part_count; k-- > 0;) {
        m_instance_plan before = s->instances[i], *plan = &s->instances[i];
        memmove(&plan->parts[k], &plan->parts[k + 1], (plan->part_count - k - 1) * sizeof *plan->parts);
        plan->part_count--;
        if (!still_differs(s, &quiet)) *plan = before;
      }
  }
}
