/*
 * Entries that stand still: frozen, shared by forks, saved as values and taken up again.
 *
 * A frozen entry has all that it wrote in two places of shared, immutable pages: the overlays of the Instance that it had
 * become, and a tree over its whole address space. What it writes later is in its memory's list of dirty pages until it is
 * frozen anew, so that the cost of that is the pages written since. What is saved is built from the same trees.
 */
#include <string.h>

#include "vm/vm.h"

/* ---- freezing ---- */

static javm_status frozen_page(void *ctx, uint32_t page, const uint8_t **bytes, javm_hash *missing) {
  jv_entry *e = ctx;
  jv_obj *leaf = jv_tree_get(e->pages, JV_FRAME_LEVEL, page);
  if (!leaf) return JAVM_OK;
  javm_status status = jv_entry_page(e, leaf, bytes, missing);
  if (status == JAVM_OK && !*bytes) *bytes = jv_dir_zero_page(e->dir)->bytes;
  return status;
}

void jv_entry_thaw(jv_entry *e) {
  jv_overlays_free(e->dir, e->overlays, e->overlay_count);
  e->overlays = NULL;
  e->overlay_count = 0;
  jv_release(e->dir, e->pages);
  e->pages = NULL;
  jv_release(e->dir, e->saved);
  e->saved = NULL;
  e->is_frozen = false;
}

bool jv_entry_freeze(jv_entry *e) {
  if (e->is_frozen && e->mem.dirty_count == 0) return true;
  if (jv_mem_close_window(&e->mem) != JAVM_OK) return false;
  jv_overlay *overlays;
  size_t count;
  if (!jv_entry_overlays(e, NULL, &overlays, &count)) return false;
  jv_obj *pages = jv_obj_retain(e->pages);
  for (size_t i = 0; i < e->mem.dirty_count; i++) {
    const jv_dirty_page *d = &e->mem.dirty[i];
    if (jv_tree_set(e->dir, &pages, JV_FRAME_LEVEL, d->page, &d->bytes->obj)) continue;
    jv_release(e->dir, pages);
    jv_overlays_free(e->dir, overlays, count);
    return false;
  }
  /* commit */
  jv_entry_thaw(e);
  e->overlays = overlays;
  e->overlay_count = count;
  e->pages = pages;
  e->is_frozen = true;
  jv_mem_freeze(&e->mem, frozen_page, e);
  return true;
}

typedef struct written {
  jv_written_fn visit;
  void *ctx;
} written;

static bool visit_frozen(void *ctx, uint32_t page, jv_obj *leaf) {
  const written *w = ctx;
  (void)leaf;
  return w->visit(w->ctx, page);
}

bool jv_entry_each_written(const jv_entry *e, jv_written_fn visit, void *ctx) {
  for (size_t i = 0; i < e->mem.dirty_count; i++) {
    uint32_t page = e->mem.dirty[i].page;
    if (!jv_tree_get(e->pages, JV_FRAME_LEVEL, page) && !visit(ctx, page)) return false;
  }
  return jv_tree_each(e->pages, JV_FRAME_LEVEL, visit_frozen, &(written){visit, ctx});
}

static bool count_page(void *ctx, uint32_t page) {
  (void)page;
  ++*(uint32_t *)ctx;
  return true;
}

uint32_t jv_entry_written(const jv_entry *e) {
  uint32_t count = 0;
  if (!e->pages) return (uint32_t)e->mem.dirty_count;
  jv_entry_each_written(e, count_page, &count);
  return count;
}

/* ---- sharing ---- */

static bool copy_backings(jv_entry *to, const jv_entry *from) {
  if (!jv_grow(javm_dir_allocator(to->dir), &to->backings, &to->backing_capacity, from->backing_count,
               sizeof *to->backings) ||
      jv_mem_copy_regions(&to->mem, &from->mem) != JAVM_OK)
    return false;
  for (size_t i = 0; i < from->backing_count; i++) {
    to->backings[i] = from->backings[i];
    to->backings[i].entry = to;
    jv_obj_retain(to->backings[i].pages);
  }
  to->backing_count = from->backing_count;
  for (size_t i = 0; i < to->mem.region_count; i++) {
    jv_region *r = &to->mem.regions[i];
    if (r->source_ctx) r->source_ctx = to->backings + ((jv_backing *)r->source_ctx - from->backings);
  }
  return true;
}

static bool copy_frozen(jv_entry *to, const jv_entry *from) {
  if (from->overlay_count) {
    to->overlays = jv_alloc_array(javm_dir_allocator(to->dir), from->overlay_count, sizeof *to->overlays);
    if (!to->overlays) return false;
  }
  for (size_t i = 0; i < from->overlay_count; i++) {
    to->overlays[i] = from->overlays[i];
    jv_obj_retain(to->overlays[i].pages);
  }
  to->overlay_count = from->overlay_count;
  to->pages = jv_obj_retain(from->pages);
  to->is_frozen = true;
  jv_mem_freeze(&to->mem, frozen_page, to);
  return true;
}

/* A copy of an entry that is frozen and that nobody changes. NULL: out of memory. */
static jv_entry *clone(javm_vm *vm, const jv_entry *e, bool is_lent) {
  jv_entry *copy = jv_entry_new(vm);
  if (!copy) return NULL;
  copy->state = e->state;
  copy->state.mem = &copy->mem;
  copy->chain = e->chain;
  copy->size_log = e->size_log;
  copy->slots = jv_obj_retain(e->slots);
  copy->instance = javm_cap_retain(e->instance);
  copy->slot0 = javm_cap_retain(e->slot0);
  copy->image = jv_retain_image(e->image);
  copy->callee_slot = e->callee_slot;
  copy->is_bottom = e->is_bottom;
  copy->has_exit = e->has_exit;
  copy->traced = e->traced;
  copy->dropped = e->dropped;
  copy->exit = e->exit;
  copy->gas_metered = e->gas_metered;
  copy->gas_meter = e->gas_meter;
  copy->gas_loaded = e->gas_loaded;
  copy->refusal = e->refusal;
  copy->refused_operation = e->refused_operation;
  if (copy_backings(copy, e) && copy_frozen(copy, e) && jv_effects_copy(vm, &copy->effects, &e->effects, !is_lent))
    return copy;
  jv_entry_free(vm, copy);
  return NULL;
}

/* Of effects that another VM undoes, the emits stay. */
static void forget_effects(javm_vm *vm, jv_entry *e) {
  jv_effects all = e->effects;
  e->effects = (jv_effects){NULL, NULL};
  for (jv_effect *f = all.first, *next; f; f = next) {
    next = f->next;
    if (f->kind == JV_EFFECT_EMIT) jv_effect_add(e, f);
    else jv_effect_free(vm, f);
  }
}

jv_entry *jv_own_shared(javm_vm *vm, size_t frame) {
  jv_frame *f = &vm->frames[frame];
  jv_entry *e = f->entry;
  if (atomic_load_explicit(&e->refs, memory_order_acquire) != 1) {
    pthread_mutex_lock(&e->sharing);
    jv_entry *copy = jv_entry_freeze(e) ? clone(vm, e, f->is_lent) : NULL;
    pthread_mutex_unlock(&e->sharing);
    if (!copy) return NULL;
    jv_entry_free(vm, e);
    f->entry = copy;
  } else {
    jv_entry_adopt(vm, e);
    if (f->is_lent) forget_effects(vm, e);
    jv_release(vm->dir, e->saved);
    e->saved = NULL;
  }
  f->is_lent = false;
  return f->entry;
}

/* ---- saving ---- */

static bool save_effects(jv_entry *e, jv_saved_frame *frame) {
  size_t count = jv_effects_count(&e->effects);
  if (count == 0) return true;
  frame->effects = jv_alloc_array(javm_dir_allocator(e->dir), count, sizeof *frame->effects);
  if (!frame->effects) return false;
  for (const jv_effect *f = e->effects.first; f; f = f->next)
    frame->effects[frame->effect_count++] =
        (jv_saved_effect){(uint8_t)f->kind, javm_cap_retain(f->cap), f->catcher, f->marker, f->id, f->amount};
  return true;
}

static javm_cap *make_frame(jv_entry *e, uint64_t budget, bool whole) {
  bool is_bottom = whole && e->is_bottom;
  jv_saved_frame frame = {.heap_end = e->mem.heap_end, .budget = is_bottom ? budget : 0};
  frame.flags = (uint8_t)((e->state.paid ? JV_FRAME_PAID : 0) | (is_bottom ? JV_FRAME_BOTTOM : 0) |
                          (e->has_exit ? JV_FRAME_HALTED : 0));
  if (whole && !save_effects(e, &frame)) return NULL;
  frame.called = javm_cap_retain(e->instance);
  frame.pages = jv_obj_retain(e->pages);
  return jv_saved_frame_make(e->dir, &frame);
}

/* The entry's Instance with its Frame. NULL: out of memory. */
static javm_cap *save_entry(jv_entry *e, uint64_t budget, bool whole) {
  if (!jv_entry_freeze(e)) return NULL;
  if (whole && e->saved && e->saved->as.instance.paused->as.frame.budget == budget) return javm_cap_retain(e->saved);
  javm_cap *frame = make_frame(e, budget, whole);
  if (!frame) return NULL;
  jv_instance content;
  if (!jv_entry_content(e, &content)) {
    jv_release(e->dir, frame);
    return NULL;
  }
  content.paused = frame;
  javm_cap *saved = jv_instance_make(e->dir, &content);
  if (saved && whole) {
    jv_release(e->dir, e->saved);
    e->saved = javm_cap_retain(saved);
  }
  return saved;
}

static javm_cap *save_shared(jv_entry *e, uint64_t budget, bool whole) {
  pthread_mutex_lock(&e->sharing);
  javm_cap *saved = save_entry(e, budget, whole);
  pthread_mutex_unlock(&e->sharing);
  return saved;
}

/* An Instance as another one, but with this `paused`, whose count is taken over. */
static javm_cap *with_paused(javm_dir *dir, const javm_cap *instance, javm_cap *paused) {
  jv_instance content = instance->as.instance;
  content.paused = paused;
  content.overlays = NULL;
  if (content.overlay_count) {
    content.overlays = jv_alloc_array(javm_dir_allocator(dir), content.overlay_count, sizeof *content.overlays);
    if (!content.overlays) {
      jv_release(dir, paused);
      return NULL;
    }
  }
  for (size_t i = 0; i < content.overlay_count; i++) {
    content.overlays[i] = instance->as.instance.overlays[i];
    jv_obj_retain(content.overlays[i].pages);
  }
  javm_cap_retain(content.image);
  javm_cap_retain(content.root_cnode);
  return jv_instance_make(dir, &content);
}

static bool save_frames(javm_vm *vm, size_t from, size_t to, bool whole, jv_continuation *content) {
  for (size_t i = from; i < to; i++) {
    const jv_frame *f = &vm->frames[i];
    jv_paused_entry *entry = &content->entries[content->count++];
    *entry = (jv_paused_entry){0};
    if (f->entry) {
      if (i > from || whole) entry->callee_slot = f->entry->callee_slot;
      entry->instance = save_shared(f->entry, f->budget, whole);
      if (!entry->instance) return false;
    } else {
      entry->kind = (uint8_t)(JV_PAUSED_REFERENCE + f->pause);
      entry->callee_slot = f->marker_index;
      entry->instance = javm_cap_retain(f->payload);
      entry->target = f->target == JV_TARGET_HOST ? JV_TARGET_HOST : (uint32_t)(f->target - from);
    }
  }
  return true;
}

javm_cap *jv_save(javm_vm *vm, size_t from, size_t to, const javm_hash *marker, bool whole) {
  jv_continuation content = {.marker = *marker};
  content.entries = jv_alloc_array(vm->allocator, to - from, sizeof *content.entries);
  if (!content.entries) return NULL;
  bool ok = save_frames(vm, from, to, whole, &content);
  size_t made = content.count;
  content.count = to - from; /* what the block is given back as */
  for (size_t i = made; i < content.count; i++) content.entries[i] = (jv_paused_entry){0};
  javm_cap *bottom = ok ? javm_cap_retain(content.entries[0].instance) : NULL;
  javm_cap *continuation = jv_continuation_make(vm->dir, &content);
  if (!ok || !continuation) {
    jv_release(vm->dir, continuation);
    jv_release(vm->dir, bottom);
    return NULL;
  }
  javm_cap *paused = with_paused(vm->dir, bottom, continuation);
  jv_release(vm->dir, bottom);
  return paused;
}

/* ---- taking up again ---- */

static javm_status bad(javm_error *error, size_t entry, const char *what) {
  return jv_fail(error, JAVM_INVALID_INSTANCE, entry, "paused, entry %zu: %s", entry, what);
}

/* What is set up while an entry is made again. */
typedef struct revival {
  javm_vm *vm;
  jv_entry *e;
  size_t index;
  javm_error *error;
} revival;

typedef struct page_check {
  jv_entry *e;
  bool ok;
} page_check;

static bool check_page(void *ctx, uint32_t page, jv_obj *leaf) {
  page_check *c = ctx;
  (void)leaf;
  c->ok = jv_mem_check(&c->e->mem, page * JAVM_PAGE_BYTES, 1, true) == JV_TOUCH_OK;
  return c->ok;
}

static javm_status revive_heap(const revival *r, const jv_saved_frame *frame) {
  jv_mem *m = &r->e->mem;
  bool fits = m->heap_limit ? frame->heap_end >= m->heap_end && frame->heap_end <= m->heap_limit : frame->heap_end == 0;
  if (!fits) return bad(r->error, r->index, "the end of the heap is not in the heap");
  m->heap_end = frame->heap_end;
  return JAVM_OK;
}

/* Makes the overlays from the pages, and sees that they are those of the Instance. */
static javm_status revive_pages(const revival *r, const jv_saved_frame *frame, const jv_instance *inst) {
  jv_entry *e = r->e;
  page_check check = {e, true};
  jv_tree_each(frame->pages, JV_FRAME_LEVEL, check_page, &check);
  if (!check.ok) return bad(r->error, r->index, "a page that it wrote cannot be written");
  if (!jv_entry_overlays(e, frame->pages, &e->overlays, &e->overlay_count)) return jv_fail_memory(r->error);
  e->pages = jv_obj_retain(frame->pages);
  e->is_frozen = true;
  jv_mem_freeze(&e->mem, frozen_page, e);
  bool same = e->overlay_count == inst->overlay_count;
  for (size_t i = 0; same && i < e->overlay_count; i++) {
    jv_overlay *a = &e->overlays[i], *b = &inst->overlays[i];
    same = a->start == b->start && a->page_count == b->page_count;
    if (!same || a->pages == b->pages) continue;
    if ((a->pages && !jv_settle(e->dir, a->pages)) || (b->pages && !jv_settle(e->dir, b->pages)))
      return jv_fail_memory(r->error);
    same = a->pages && b->pages && jv_hash_equal(&a->pages->hash, &b->pages->hash);
  }
  return same ? JAVM_OK : bad(r->error, r->index, "its overlays are not those that it wrote");
}

/* Memory as at the call, of the Instance that was called. */
static javm_status revive_memory(const revival *r, const javm_cap *called) {
  javm_cap *image, *root;
  const jv_instance *inst = &called->as.instance;
  if (inst->paused) return bad(r->error, r->index, "the instance that was called is paused");
  javm_status status = jv_instance_parts(r->vm, inst, &image, &root, r->error);
  if (status != JAVM_OK) return status;
  status = javm_image_validate(r->vm->dir, image, r->error);
  r->e->slots = jv_obj_retain(root->as.cnode.slots);
  r->e->size_log = root->as.cnode.size_log;
  if (status == JAVM_OK) status = jv_entry_map(r->vm, r->e, inst, &image->as.image.spec, r->error);
  jv_release(r->vm->dir, image);
  jv_release(r->vm->dir, root);
  return status;
}

/* Program, slots and registers as they were when it paused. */
static javm_status revive_state(const revival *r, const jv_instance *inst, const jv_saved_frame *frame) {
  jv_entry *e = r->e;
  javm_cap *image, *root;
  const jv_instance *called = &e->instance->as.instance;
  if (inst->pc > UINT32_MAX || inst->mem_size != called->mem_size || inst->heap_end != called->heap_end)
    return bad(r->error, r->index, "its pc, mem_size or heap_end cannot be");
  javm_status status = jv_instance_parts(r->vm, inst, &image, &root, r->error);
  if (status != JAVM_OK) return status;
  if (root->as.cnode.size_log == e->size_log) {
    status = jv_load_image(r->vm, image, jv_entry_load_cycles(r->vm, e), &e->image, r->error);
    jv_release(r->vm->dir, e->slots);
    e->slots = jv_obj_retain(root->as.cnode.slots);
  } else {
    status = bad(r->error, r->index, "its root CNode is not as large as the one it was called with");
  }
  jv_release(r->vm->dir, image);
  jv_release(r->vm->dir, root);
  e->chain = inst->chain;
  e->state = (jv_state){.pc = (uint32_t)inst->pc, .gas = inst->gas_remaining, .mem = &e->mem};
  e->state.paid = frame->flags & JV_FRAME_PAID;
  e->has_exit = frame->flags & JV_FRAME_HALTED;
  e->exit = (javm_exit){.kind = JAVM_EXIT_HALT};
  memcpy(e->state.regs, inst->regs, sizeof e->state.regs);
  e->gas_loaded = e->state.gas;
  return status;
}

static javm_status revive_effects(const revival *r, const jv_saved_frame *frame) {
  for (size_t i = 0; i < frame->effect_count; i++) {
    const jv_saved_effect *s = &frame->effects[i];
    if (s->kind > JV_EFFECT_MARKER_REMOVED || (s->kind == JV_EFFECT_EMIT) != (s->cap != NULL))
      return bad(r->error, r->index, "an effect of no known kind");
    jv_effect *f = jv_effect_new(r->vm, (jv_effect_kind)s->kind);
    if (!f) return jv_fail_memory(r->error);
    f->cap = javm_cap_retain(s->cap);
    f->catcher = s->a;
    f->marker = s->b;
    f->id = s->id;
    f->amount = s->amount;
    jv_effect_add(r->e, f);
  }
  return JAVM_OK;
}

static javm_status revive_with(const revival *r, const javm_cap *saved, const javm_cap *frame, bool whole) {
  const jv_saved_frame *f = &frame->as.frame;
  jv_entry *e = r->e;
  if (!f->called) return bad(r->error, r->index, "the instance that was called is missing");
  javm_status status = jv_resolve(r->vm->dir, f->called, JAVM_KIND_INSTANCE, &e->instance, r->error);
  if (status == JAVM_OK) status = revive_memory(r, e->instance);
  if (status == JAVM_OK) status = revive_state(r, &saved->as.instance, f);
  if (status == JAVM_OK) status = revive_heap(r, f);
  if (status == JAVM_OK) status = revive_pages(r, f, &saved->as.instance);
  if (status == JAVM_OK && whole) status = revive_effects(r, f);
  e->is_bottom = whole && (f->flags & JV_FRAME_BOTTOM);
  if (status == JAVM_OK && !whole && (f->flags & JV_FRAME_BOTTOM))
    status = bad(r->error, r->index, "the bottom of a drive cannot be called");
  return status;
}

/* An entry from its saved form. */
static javm_status revive(javm_vm *vm, javm_cap *cap, size_t index, bool whole, jv_frame *out, javm_error *error) {
  if (!cap) return bad(error, index, "no instance");
  javm_cap *saved = NULL, *frame = NULL;
  javm_status status = jv_resolve(vm->dir, cap, JAVM_KIND_INSTANCE, &saved, error);
  if (status == JAVM_OK && !saved->as.instance.paused) status = bad(error, index, "its instance has no frame");
  if (status == JAVM_OK) status = jv_resolve(vm->dir, saved->as.instance.paused, JAVM_KIND_FRAME, &frame, error);
  if (status == JAVM_WRONG_KIND) status = bad(error, index, "what it refers to is of another kind");
  jv_entry *e = status == JAVM_OK ? jv_entry_new(vm) : NULL;
  if (status == JAVM_OK && !e) status = jv_fail_memory(error);
  if (e) {
    revival r = {vm, e, index, error};
    status = revive_with(&r, saved, frame, whole);
    if (status == JAVM_WRONG_KIND) status = bad(error, index, "what it refers to is of another kind");
    if (status != JAVM_OK) jv_entry_free(vm, e);
    else *out = (jv_frame){.entry = e, .budget = e->is_bottom ? frame->as.frame.budget : 0};
  }
  jv_release(vm->dir, frame);
  jv_release(vm->dir, saved);
  return status;
}

/* Is the outer Instance the one that the bottom entry says, but for `paused`? */
static javm_status check_bottom(javm_vm *vm, const javm_cap *paused, javm_cap *cap, javm_error *error) {
  javm_cap *bottom;
  javm_status status = jv_resolve(vm->dir, cap, JAVM_KIND_INSTANCE, &bottom, error);
  if (status == JAVM_WRONG_KIND) return bad(error, 0, "not an instance");
  if (status != JAVM_OK) return status;
  javm_cap *same = with_paused(vm->dir, paused, javm_cap_retain(bottom->as.instance.paused));
  if (!same || !jv_settle(vm->dir, &same->obj) || !jv_settle(vm->dir, &bottom->obj)) status = jv_fail_memory(error);
  else if (!jv_hash_equal(&same->obj.hash, &bottom->obj.hash))
    status = bad(error, 0, "the instance is not the one that it shows");
  jv_release(vm->dir, same);
  jv_release(vm->dir, bottom);
  return status;
}

/* Has the entry in `target`, not below `base`, called the one that runs in `frame`, by others or itself, in one drive? */
static bool has_called(const javm_vm *vm, size_t base, size_t target, size_t frame) {
  frame = jv_frame_runner(vm, frame);
  while (frame > base && !vm->frames[frame].entry->is_bottom) {
    frame = jv_caller(vm, frame);
    if (frame == target) return true;
  }
  return false;
}

/* Is a Reference for the host on top? */
static bool is_for_host(const javm_vm *vm) {
  const jv_frame *top = &vm->frames[vm->depth - 1];
  return !top->entry && top->target == JV_TARGET_HOST;
}

static javm_status push_reference(javm_vm *vm, size_t base, const jv_continuation *c, size_t i, bool whole,
                                  javm_error *error) {
  const jv_paused_entry *p = &c->entries[i];
  bool to_host = p->target == JV_TARGET_HOST;
  if (p->kind > JV_PAUSED_REFERENCE + JAVM_PAUSE_MARK) return bad(error, i, "of no known kind");
  if (to_host ? !whole : p->target >= i || !vm->frames[base + p->target].entry)
    return bad(error, i, "a reference to no entry below");
  if (is_for_host(vm) || (!to_host && !has_called(vm, base, base + p->target, vm->depth - 1)))
    return bad(error, i, "a reference to an entry that has not called what it keeps paused");
  vm->frames[vm->depth++] = (jv_frame){.target = to_host ? JV_TARGET_HOST : (uint32_t)(base + p->target),
                                       .pause = (uint8_t)(p->kind - JV_PAUSED_REFERENCE),
                                       .marker_index = p->callee_slot,
                                       .payload = javm_cap_retain(p->instance)};
  return JAVM_OK;
}

static javm_status push_entry(javm_vm *vm, const jv_continuation *c, size_t i, bool whole, javm_error *error) {
  jv_frame frame;
  javm_status status = revive(vm, c->entries[i].instance, i, whole, &frame, error);
  if (status != JAVM_OK) return status;
  /* A drive begins on a Reference, and on one for the host nothing else does. */
  if (i > 0 && (frame.entry->is_bottom ? vm->frames[vm->depth - 1].entry != NULL : is_for_host(vm))) {
    jv_entry_free(vm, frame.entry);
    return bad(error, i, "nobody can have called it there");
  }
  frame.entry->callee_slot = c->entries[i].callee_slot;
  vm->frames[vm->depth++] = frame;
  return JAVM_OK;
}

/* Does the call stack have room for these? References of pauses that the VM makes find room on a full one, too. */
static bool fits(const javm_vm *vm, const jv_continuation *c) {
  size_t count = c->count;
  while (count > 0 && c->entries[count - 1].kind > JV_PAUSED_REFERENCE + JAVM_PAUSE_YIELD) count--;
  return count == 0 || (vm->depth < vm->config.max_depth && count <= vm->config.max_depth - vm->depth);
}

javm_status jv_push_saved(javm_vm *vm, const javm_cap *paused, bool whole, javm_error *error) {
  size_t base = vm->depth;
  javm_cap *continuation;
  javm_status status = jv_resolve(vm->dir, paused->as.instance.paused, JAVM_KIND_CONTINUATION, &continuation, error);
  if (status == JAVM_WRONG_KIND) return jv_fail(error, JAVM_INVALID_INSTANCE, 0, "paused: not a Continuation");
  if (status != JAVM_OK) return status;
  const jv_continuation *c = &continuation->as.continuation;
  if (!fits(vm, c))
    status = jv_fail(error, JAVM_CALL_STACK_FULL, 0, "%zu entries on a call stack of %zu", c->count, vm->depth);
  else if (!jv_frames_reserve(vm, c->count)) status = jv_fail_memory(error);
  else if (c->count == 0 || c->entries[0].kind != 0) status = bad(error, 0, "the bottom is no InstanceEntry");
  else if (!c->entries[0].instance) status = bad(error, 0, "no instance");
  if (status == JAVM_OK) status = check_bottom(vm, paused, c->entries[0].instance, error);
  for (size_t i = 0; status == JAVM_OK && i < c->count; i++)
    status = c->entries[i].kind ? push_reference(vm, base, c, i, whole, error) : push_entry(vm, c, i, whole, error);
  if (status == JAVM_OK && whole && !vm->frames[base].entry->is_bottom) { /* a guest has kept it */
    vm->frames[base].entry->is_bottom = true;
    if (!is_for_host(vm)) vm->frames[vm->depth++] = (jv_frame){.target = JV_TARGET_HOST};
  }
  if (status != JAVM_OK) jv_forget_to(vm, base);
  jv_release(vm->dir, continuation);
  return status;
}
