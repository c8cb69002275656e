/*
 * Time travel, the backward half: a run with checkpoints.
 *
 * The checkpoints are forks of the VM at marks, in order of their points. To reach a point again, the nearest one before it is
 * forked once more and runs up to the mark; it stays as it is for the next time.
 *
 *     at:   0 ───── every ───── 2 every ───── ...           at the limit: every = 2 every, and every other one goes
 */
#include <string.h>

#include "vm/vm.h"

/* A fork with its own assist, and the point where it was made. */
typedef struct stop {
  uint64_t at;
  javm_vm *vm;
  const javm_assist *assist; /* NULL: none */
} stop;

struct javm_timeline {
  const javm_allocator *allocator;
  javm_vm *vm;
  javm_timeline_config config; /* `every` is the distance now */
  stop *checkpoints;           /* config.max_checkpoints */
  size_t count;
  uint64_t mark; /* of the VM */
  stop *given;   /* by seek */
  size_t given_count, given_capacity;
};

void javm_timeline_config_default(javm_timeline_config *config) {
  *config = (javm_timeline_config){.size_bytes = sizeof *config, .every = 1000000, .max_checkpoints = 64};
}

/* ---- forks ---- */

static javm_status copy_local(void *ctx, const javm_assist *assist, const javm_assist **out) {
  javm_local_assist *copy;
  (void)ctx;
  javm_status status = javm_local_assist_copy(assist->ctx, &copy);
  if (status == JAVM_OK) *out = javm_local_assist_interface(copy);
  return status;
}

static void free_local(void *ctx, const javm_assist *assist) {
  (void)ctx;
  javm_local_assist_free(assist->ctx);
}

static void free_stop(javm_timeline *t, stop *s) {
  javm_vm_free(s->vm);
  if (s->assist) t->config.free_assist(t->config.assist_ctx, s->assist);
}

static javm_status fork_to(javm_timeline *t, javm_vm *vm, stop *out, javm_error *error) {
  *out = (stop){0};
  if (vm->config.assist) {
    javm_status status = t->config.copy_assist(t->config.assist_ctx, vm->config.assist, &out->assist);
    if (status != JAVM_OK) return jv_fail(error, status, 0, "the kernel assist cannot be copied");
  }
  javm_status status = javm_vm_fork(vm, out->assist, &out->vm, error);
  if (status != JAVM_OK) free_stop(t, out);
  return status;
}

static uint64_t point_of(const javm_timeline *t, const javm_vm *vm) {
  return t->config.axis == JAVM_MARK_GAS ? vm->travel.gas_used : vm->travel.instructions;
}

/* ---- checkpoints ---- */

/* Doubles the distance, and drops what can go without a longer one; `at` is the point of the one to come. */
static void thin_out(javm_timeline *t, uint64_t at) {
  stop *s = t->checkpoints;
  t->config.every = jv_saturating_sum(t->config.every, t->config.every);
  size_t kept = 1;
  for (size_t i = 1; i < t->count; i++) {
    uint64_t next = i + 1 < t->count ? s[i + 1].at : at;
    if (next - s[kept - 1].at > t->config.every) s[kept++] = s[i];
    else free_stop(t, &s[i]);
  }
  t->count = kept;
}

/* Takes one, unless the VM has not moved since the last. */
static javm_status check_in(javm_timeline *t, javm_error *error) {
  uint64_t at = point_of(t, t->vm);
  if (t->count && t->checkpoints[t->count - 1].at >= at) return JAVM_OK;
  stop s;
  javm_status status = fork_to(t, t->vm, &s, error);
  if (status != JAVM_OK) return status;
  s.at = at;
  while (t->count == t->config.max_checkpoints) thin_out(t, at);
  t->checkpoints[t->count++] = s;
  return JAVM_OK;
}

/* The nearest one at or before a point; NULL: it lies before the first. */
static const stop *checkpoint_before(const javm_timeline *t, uint64_t at) {
  size_t low = 0, high = t->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (t->checkpoints[middle].at <= at) low = middle + 1;
    else high = middle;
  }
  return low ? &t->checkpoints[low - 1] : NULL;
}

static void set_marks(const javm_timeline *t, javm_vm *vm, uint64_t at) {
  vm->travel.marks[JAVM_MARK_GAS] = vm->travel.marks[JAVM_MARK_INSTRUCTIONS] = JAVM_NO_MARK;
  vm->travel.marks[t->config.axis] = at;
  jv_travel_update(vm);
}

/* ---- making ---- */

static javm_status check_config(const javm_vm *vm, const javm_timeline_config *c, javm_error *error) {
  const char *wrong = NULL;
  bool counts = vm->config.counts_instructions || vm->config.engine == JAVM_ENGINE_INTERPRETER;
  if (c->size_bytes != sizeof *c) wrong = "size_bytes of the configuration";
  else if ((unsigned)c->axis > JAVM_MARK_INSTRUCTIONS) wrong = "no such axis";
  else if (c->axis == JAVM_MARK_INSTRUCTIONS && !counts) wrong = "the VM does not count instructions";
  else if (c->every == 0 || c->max_checkpoints < 2) wrong = "every 0, or fewer than two checkpoints";
  else if (!c->copy_assist != !c->free_assist) wrong = "one of copy_assist and free_assist without the other";
  else if (!c->copy_assist && vm->config.assist && !jv_is_local_assist(vm->config.assist))
    wrong = "a kernel assist of the host's own, and no copy_assist for it";
  return wrong ? jv_fail(error, JAVM_INVALID_ARGUMENT, 0, "%s", wrong) : JAVM_OK;
}

static void destroy(javm_timeline *t) {
  while (t->count) free_stop(t, &t->checkpoints[--t->count]);
  while (t->given_count) free_stop(t, &t->given[--t->given_count]);
  jv_free_array(t->allocator, t->checkpoints, t->config.max_checkpoints, sizeof *t->checkpoints);
  jv_free(t->allocator, t->given, t->given_capacity * sizeof *t->given);
  jv_free(t->allocator, t, sizeof *t);
}

javm_status javm_timeline_new(javm_vm *vm, const javm_timeline_config *config, javm_timeline **out, javm_error *error) {
  javm_timeline_config c;
  javm_timeline_config_default(&c);
  if (config) c = *config;
  javm_status status = check_config(vm, &c, error);
  if (status != JAVM_OK) return status;
  if (vm->running || !jv_is_at_mark(vm)) return jv_fail(error, JAVM_NOT_PAUSED, 0, "the VM is not at a mark");
  if (!c.copy_assist) c.copy_assist = copy_local, c.free_assist = free_local;
  const javm_allocator *a = vm->allocator;
  javm_timeline *t = jv_alloc_zero(a, sizeof *t);
  stop *checkpoints = jv_alloc_array(a, c.max_checkpoints, sizeof *checkpoints);
  if (!t || !checkpoints) {
    if (checkpoints) jv_free_array(a, checkpoints, c.max_checkpoints, sizeof *checkpoints);
    if (t) jv_free(a, t, sizeof *t);
    return jv_fail_memory(error);
  }
  *t = (javm_timeline){.allocator = a, .vm = vm, .config = c, .checkpoints = checkpoints};
  status = check_in(t, error);
  if (status != JAVM_OK) {
    destroy(t);
    return status;
  }
  t->mark = jv_saturating_sum(t->checkpoints[0].at, c.every);
  set_marks(t, vm, t->mark);
  *out = t;
  return JAVM_OK;
}

void javm_timeline_free(javm_timeline *t) {
  if (!t) return;
  set_marks(t, t->vm, JAVM_NO_MARK);
  destroy(t);
}

size_t javm_timeline_checkpoint_count(const javm_timeline *t) { return t->count; }

uint64_t javm_timeline_every(const javm_timeline *t) { return t->config.every; }

/* ---- running ---- */

static bool is_half_way(const javm_vm *vm) {
  const jv_frame *top = vm->depth ? &vm->frames[vm->depth - 1] : NULL;
  return top && !top->entry && top->retry;
}

/* The mark that was reached, or passed by what a host function charged. */
static uint64_t reached(const javm_timeline *t) {
  uint64_t at = point_of(t, t->vm);
  return at > t->mark ? at : t->mark;
}

javm_status javm_timeline_run(javm_timeline *t, uint64_t until, javm_result *result, javm_error *error) {
  uint64_t gas = 0, instructions = 0, from = point_of(t, t->vm);
  memset(result, 0, sizeof *result);
  for (bool goes_on = true; goes_on;) {
    bool half_way = is_half_way(t->vm);
    if (!half_way && !jv_is_at_mark(t->vm)) return jv_fail(error, JAVM_NOT_PAUSED, 0, "the VM is not at a mark");
    javm_status status = half_way ? JAVM_OK : check_in(t, error);
    if (status != JAVM_OK) return status;
    uint64_t next = jv_saturating_sum(from, t->config.every);
    t->mark = next < until ? next : until;
    set_marks(t, t->vm, t->mark);
    status = javm_vm_call_resume(t->vm, NULL, result, error);
    if (status != JAVM_OK) return status;
    gas += result->gas_used;
    instructions += result->instructions;
    from = reached(t);
    goes_on = result->kind == JAVM_RESULT_PAUSED && result->pause == JAVM_PAUSE_MARK && from < until;
    if (goes_on) javm_result_clear(t->vm->dir, result);
  }
  result->gas_used = gas;
  result->instructions = instructions;
  return JAVM_OK;
}

javm_status javm_timeline_seek(javm_timeline *t, uint64_t at, javm_vm **out, javm_result *result, javm_error *error) {
  memset(result, 0, sizeof *result);
  *out = NULL;
  const stop *from = checkpoint_before(t, at);
  if (!from) return jv_fail(error, JAVM_OUT_OF_RANGE, 0, "a point before the timeline's first");
  if (!jv_grow(t->allocator, &t->given, &t->given_capacity, t->given_count + 1, sizeof *t->given))
    return jv_fail_memory(error);
  stop s;
  javm_status status = fork_to(t, from->vm, &s, error);
  if (status != JAVM_OK) return status;
  set_marks(t, s.vm, at);
  status = javm_vm_call_resume(s.vm, NULL, result, error);
  set_marks(t, s.vm, JAVM_NO_MARK);
  if (status != JAVM_OK) {
    free_stop(t, &s);
    return status;
  }
  t->given[t->given_count++] = s;
  *out = s.vm;
  return JAVM_OK;
}

void javm_timeline_release(javm_timeline *t, javm_vm *vm) {
  for (size_t i = 0; vm && i < t->given_count; i++) {
    if (t->given[i].vm != vm) continue;
    free_stop(t, &t->given[i]);
    t->given[i] = t->given[--t->given_count];
    return;
  }
}

/* ---- where two runs part ---- */

typedef struct parting {
  bool parted, at_start;
  uint64_t last_same;
} parting;

typedef struct comparison {
  javm_timeline *a, *b;
  javm_root_kind kind;
  javm_error *error;
} comparison;

static bool same_end(const javm_result *a, const javm_result *b, bool whole) {
  if (a->kind != b->kind) return false;
  if (a->kind == JAVM_RESULT_PAUSED)
    return a->pause == b->pause && (a->pause != JAVM_PAUSE_HOST_CALL || a->host_function == b->host_function);
  if (a->kind == JAVM_RESULT_FAULTED)
    return a->fault.kind == b->fault.kind && a->fault.address == b->fault.address && a->pc == b->pc &&
           a->refusal == b->refusal;
  return a->return_value == b->return_value && (!whole || memcmp(&a->instance, &b->instance, sizeof a->instance) == 0);
}

static javm_status same_vm(const comparison *c, javm_vm *a, javm_vm *b, bool *same) {
  javm_hash roots[2];
  javm_position at[2];
  javm_vm_position(a, &at[0]);
  javm_vm_position(b, &at[1]);
  *same = (c->kind != JAVM_ROOT_WHOLE || at[0].gas == at[1].gas) &&
          (c->a->config.axis != JAVM_MARK_INSTRUCTIONS || at[0].instructions == at[1].instructions);
  if (!*same || a->depth == 0) return JAVM_OK;
  javm_status status = javm_vm_root(a, c->kind, &roots[0], c->error);
  if (status == JAVM_OK) status = javm_vm_root(b, c->kind, &roots[1], c->error);
  *same = status == JAVM_OK && memcmp(&roots[0], &roots[1], sizeof roots[0]) == 0;
  return status;
}

/* The two, each at a point of its timeline. */
typedef struct pair {
  javm_vm *a, *b;
  javm_result ends[2];
} pair;

static void release_pair(const comparison *c, pair *p) {
  javm_result_clear(c->a->vm->dir, &p->ends[0]);
  javm_result_clear(c->b->vm->dir, &p->ends[1]);
  javm_timeline_release(c->a, p->a);
  javm_timeline_release(c->b, p->b);
}

static javm_status seek_pair(const comparison *c, uint64_t at, pair *p) {
  memset(p, 0, sizeof *p);
  javm_status status = javm_timeline_seek(c->a, at, &p->a, &p->ends[0], c->error);
  if (status == JAVM_OK) status = javm_timeline_seek(c->b, at, &p->b, &p->ends[1], c->error);
  if (status != JAVM_OK) release_pair(c, p);
  return status;
}

static javm_status same_pair(const comparison *c, const pair *p, bool *same) {
  *same = same_end(&p->ends[0], &p->ends[1], c->kind == JAVM_ROOT_WHOLE) && p->a->depth == p->b->depth;
  return *same ? same_vm(c, p->a, p->b, same) : JAVM_OK;
}

/* Are the two the same at a point? */
static javm_status compare(const comparison *c, uint64_t at, bool *same) {
  pair p;
  javm_status status = seek_pair(c, at, &p);
  if (status != JAVM_OK) return status;
  status = same_pair(c, &p, same);
  release_pair(c, &p);
  return status;
}

static javm_status go_to(const javm_timeline *t, javm_vm *vm, uint64_t at, javm_result *result, javm_error *error) {
  javm_result_clear(vm->dir, result);
  set_marks(t, vm, at);
  return javm_vm_call_resume(vm, NULL, result, error);
}

static bool has_moved(const pair *p) {
  return p->ends[0].gas_used || p->ends[0].instructions || p->ends[1].gas_used || p->ends[1].instructions ||
         p->ends[0].kind != JAVM_RESULT_PAUSED || p->ends[1].kind != JAVM_RESULT_PAUSED;
}

/* Compares at each point from the start on. */
static javm_status scan(const comparison *c, uint64_t start, uint64_t end, parting *out) {
  pair p;
  bool same = true, goes_on = true;
  javm_status status = seek_pair(c, start, &p);
  if (status != JAVM_OK) return status;
  for (uint64_t at = start; status == JAVM_OK && goes_on; at++) {
    if (at > start) status = go_to(c->a, p.a, at, &p.ends[0], c->error);
    if (at > start && status == JAVM_OK) status = go_to(c->b, p.b, at, &p.ends[1], c->error);
    if (status == JAVM_OK && (at == start || has_moved(&p))) status = same_pair(c, &p, &same);
    if (status == JAVM_OK && !same) *out = (parting){true, at == start, at == start ? at : at - 1};
    goes_on = same && at < end && p.ends[0].kind == JAVM_RESULT_PAUSED && p.ends[0].pause == JAVM_PAUSE_MARK;
  }
  release_pair(c, &p);
  return status;
}

/* Narrows down: the two are the same at `low` and not at `high`. */
static javm_status narrow(const comparison *c, uint64_t low, uint64_t high, parting *out) {
  while (high - low > 1) {
    uint64_t middle = low + (high - low) / 2;
    bool same;
    javm_status status = compare(c, middle, &same);
    if (status != JAVM_OK) return status;
    if (same) low = middle;
    else high = middle;
  }
  *out = (parting){true, false, low};
  return JAVM_OK;
}

/* Compares at the checkpoints of one, and looks closer where the two first differ. */
static javm_status search(const comparison *c, uint64_t start, uint64_t end, parting *out) {
  uint64_t low = start;
  for (size_t i = 0; i <= c->a->count; i++) {
    uint64_t at = i < c->a->count ? c->a->checkpoints[i].at : end;
    bool same;
    javm_status status = compare(c, at, &same);
    if (status != JAVM_OK) return status;
    if (!same && i == 0) *out = (parting){true, true, at};
    if (!same) return i ? narrow(c, low, at, out) : JAVM_OK;
    low = at;
  }
  return JAVM_OK;
}

javm_status javm_timeline_part(javm_timeline *a, javm_timeline *b, javm_root_kind kind, bool each, bool *parted,
                               bool *parted_at_start, uint64_t *last_same, javm_error *error) {
  comparison c = {a, b, kind, error};
  parting found = {false, false, 0};
  uint64_t start = a->checkpoints[0].at, end = reached(a) > reached(b) ? reached(a) : reached(b);
  if (a->config.axis != b->config.axis || start != b->checkpoints[0].at)
    return jv_fail(error, JAVM_INVALID_ARGUMENT, 0, "timelines of other axes, or that begin at different points");
  javm_status status = each ? scan(&c, start, end, &found) : search(&c, start, end, &found);
  if (status != JAVM_OK) return status;
  *parted = found.parted;
  *parted_at_start = found.at_start;
  *last_same = found.last_same;
  return JAVM_OK;
}
