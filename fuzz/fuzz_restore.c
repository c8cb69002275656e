/*
 * A VM is paused in one of some ways, suspended, and what came out is changed as the input says: any field of the
 * Continuation, of the Instances and Frames in it, with hashes that fit. Whatever this is, restoring it gives an error or a
 * paused VM that can be driven on; the same on both engines; suspending that again gives the same hash; and an Instance that
 * resumes it as a guest does the same, or is refused. Once with an allocation that fails.
 */
#include "base/alloc.h"
#include "cap/cap.h"
#include "check.h"

typedef struct world {
  fuzz_heap heap;
  bool starved;
  javm_dir *dir;
  javm_local_assist *assist;
  javm_engine engine;
  javm_vm_config config;
  javm_cap *marker, *catcher, *second;
  uint64_t digest; /* of everything that came out */
} world;

static void see(world *w, const void *bytes, size_t size) { fuzz_see(&w->digest, bytes, size); }
static void see_number(world *w, uint64_t v) { see(w, &v, sizeof v); }

static bool ok(const world *w, javm_status status) { return fuzz_ok(w->starved, status); }

/* ---- what is paused ---- */

#define MEMORY ".mapping persistent 0x10000 8192 slot 2\n.mapping ephemeral 0x20000 8192\n.mapping heap 0x40000 65536\n"
#define CATCH ".yield_marker_slot 8\n"
#define CALL3 "load_imm a0, 3\nload_imm a1, 0\necalli 26\n"
#define YIELD1 "load_imm a0, 1\necalli 16\n"
static const char worker_text[] =
    MEMORY ".gas_slot 5\n.quota_slot 6\n.endpoint 0 main\nmain:\n  load_imm t0, 5000\n  sbrk t1, t0\n  store_imm_u64 "
           "[0x10008], 1\n"
           "  store_imm_u64 [0x20000], 4\n  store_imm_u64 [0x41000], 8\n  load_imm a0, 1\n  ecalli 35\n"
           "  load_imm a0, 0x10000\n  load_imm a1, 10\n  load_imm a2, 6\n  load_imm a3, 7\n  ecalli 23\n  " YIELD1
           "  load_imm s0, 200\n  fallthrough\nspin:\n  add_imm_64 s0, s0, -1\n  branch_ne_imm s0, 0, spin\n"
           "  load_u64 a0, [0x10008]\n  load_u64 t0, [0x20000]\n  add_64 a0, a0, t0\n  load_u64 t0, [0x41000]\n  "
           "add_64 a0, a0, t0\n"
           "  store_u64 a0, [0x11000]\n  store_u64 a0, [0x21000]\n  ecalli 70\n  add_imm_64 a0, a0, 1\n  ecalli 0\n";
static const char middle_text[] =
    CATCH MEMORY "store_imm_u64 [0x10000], 3\nload_imm a0, 4\necalli 35\n" CALL3
                 "store_u64 a0, [0x20000]\n  load_imm a0, 4\n  load_imm a1, 0\n  ecalli 26\n"
                 "  ecalli 27\n  ecalli 0\n";
/* Keeps what has yielded to it and resumes it. */
static const char bottom_text[] =
    CATCH MEMORY ".endpoint 0 main\nmain:\n  store_imm_u64 [0x21008], 3\n" CALL3
                 "  branch_eq_imm a1, 0, done\n  load_imm a0, 9\n  ecalli 29\n  load_imm a0, 9\n  ecalli 30\n"
                 "done:\n  ecalli 0\n";
static const char resumer_text[] = CATCH "load_imm a0, 3\necalli 30\nadd_64 a0, a0, a1\necalli 0\n";

static javm_cap *image_of(world *w, const char *text) {
  javm_cap *image = NULL;
  javm_error error;
  javm_status status = javm_assemble(w->dir, text, strlen(text), JAVM_ISA_JAVM, &image, &error);
  if (status == JAVM_SYNTAX) fprintf(stderr, "%zu: %s\n", error.offset, error.text);
  return ok(w, status) ? image : NULL;
}

/* A first Instance with these slots; takes the counts of the caps. NULL: out of memory. */
static javm_cap *instance_of(world *w, const char *text, const javm_slot_cap *slots, size_t count) {
  javm_cap *root = NULL, *image = image_of(w, text), *out = NULL;
  bool good = image && ok(w, javm_cnode_new(w->dir, 8, &root));
  for (size_t i = 0; i < count; i++) {
    javm_cap *next = NULL;
    good = good && slots[i].cap && ok(w, javm_cnode_set(w->dir, root, slots[i].slot, slots[i].cap, &next));
    if (good) {
      javm_cap_release(w->dir, root);
      root = next;
    }
    javm_cap_release(w->dir, slots[i].cap);
  }
  if (good) good = ok(w, javm_instance_genesis(w->dir, image, root, &out, NULL));
  javm_cap_release(w->dir, root);
  javm_cap_release(w->dir, image);
  return out;
}
#define INSTANCE(w, text, ...)                                                                                         \
  instance_of(w, text, (const javm_slot_cap[]){__VA_ARGS__},                                                           \
              sizeof(javm_slot_cap[]){__VA_ARGS__} / sizeof(javm_slot_cap))

static javm_cap *kernel(world *w, javm_kernel_image which, uint64_t id) {
  javm_cap *cap = NULL;
  return ok(w, javm_kernel_instance(w->dir, which, id, &cap)) ? cap : NULL;
}

static javm_cap *tree(world *w, unsigned shape) {
  javm_cap *other = INSTANCE(w, worker_text, {1, javm_cap_retain(shape & 1 ? w->second : w->marker)},
                             {5, kernel(w, JAVM_KERNEL_GAS, 9)}, {6, kernel(w, JAVM_KERNEL_QUOTA, 5)});
  javm_cap *worker = INSTANCE(w, worker_text, {1, javm_cap_retain(w->marker)}, {6, kernel(w, JAVM_KERNEL_QUOTA, 5)});
  javm_cap *middle = INSTANCE(w, middle_text, {3, worker}, {4, other}, {8, javm_cap_retain(w->catcher)});
  return INSTANCE(w, bottom_text, {3, middle}, {8, kernel(w, JAVM_KERNEL_YIELDCATCHER, 2)});
}

static bool open_world(world *w) {
  if (!ok(w, javm_dir_new(&w->heap.allocator, &w->dir)) || !ok(w, javm_local_assist_new(w->dir, &w->assist)))
    return false;
  const javm_assist *a = javm_local_assist_interface(w->assist);
  if (!ok(w, javm_data_new(w->dir, (const uint8_t *)"marker", 6, &w->marker)) ||
      !ok(w, javm_data_new(w->dir, (const uint8_t *)"second", 6, &w->second)) ||
      !(w->catcher = kernel(w, JAVM_KERNEL_YIELDCATCHER, 1)))
    return false;
  javm_cap *outer = kernel(w, JAVM_KERNEL_YIELDCATCHER, 2);
  javm_hash one, two, m, s;
  uint64_t previous;
  bool good = outer && ok(w, javm_cap_hash(w->dir, w->catcher, &one)) && ok(w, javm_cap_hash(w->dir, outer, &two)) &&
              ok(w, javm_cap_hash(w->dir, w->marker, &m)) && ok(w, javm_cap_hash(w->dir, w->second, &s)) &&
              ok(w, a->yield_catcher_add(a->ctx, &one, &m)) && ok(w, a->yield_catcher_add(a->ctx, &two, &s)) &&
              ok(w, a->storage_quota_set(a->ctx, 5, 1000 * 4096, &previous)) &&
              ok(w, a->gas_meter_set(a->ctx, 9, 100000, &previous));
  javm_cap_release(w->dir, outer);
  javm_vm_config_default(&w->config);
  w->config.assist = a;
  w->config.engine = w->engine;
  w->config.host_catches_out_of_gas = true;
  return good;
}

static void close_world(world *w) {
  if (w->dir) {
    javm_cap_release(w->dir, w->marker);
    javm_cap_release(w->dir, w->second);
    javm_cap_release(w->dir, w->catcher);
  }
  javm_local_assist_free(w->assist);
  javm_dir_free(w->dir);
  fuzz_heap_check_empty(&w->heap);
}

/* ---- driving ---- */

static javm_host_action not_yet(void *ctx, javm_host_call *call) {
  (void)ctx;
  return javm_host_gas(call) % 3 ? JAVM_HOST_PAUSE : JAVM_HOST_RETURN;
}

static javm_vm *vm_of(world *w) {
  javm_vm *vm = NULL;
  if (!ok(w, javm_vm_new(w->dir, &w->config, &vm, NULL))) return NULL;
  if (ok(w, javm_vm_register(vm, 70, "not yet", not_yet, NULL))) return vm;
  javm_vm_free(vm);
  return NULL;
}

static void see_result(world *w, javm_vm *vm, javm_status status, javm_result *r) {
  see_number(w, status);
  if (status == JAVM_OK) {
    see_number(w, r->kind);
    see_number(w, r->gas_used);
    see_number(w, r->return_value);
    see_number(w, r->pc);
    see_number(w, r->kind == JAVM_RESULT_FAULTED ? r->fault.kind : 0);
    see_number(w, r->refusal);
    see_number(w, r->pause);
    see_number(w, r->emit_count);
    see_number(w, r->dirty_page_count);
    see(w, &r->instance, sizeof r->instance);
  }
  javm_result_clear(w->dir, r);
  memset(r, 0, sizeof *r);
  see_number(w, javm_vm_depth(vm));
  CHECK(javm_vm_check(vm, NULL) == JAVM_OK);
}

/* A few verbs; each may fail, and leaves a stack that is whole. */
static void drive(world *w, javm_vm *vm, uint64_t choices) {
  javm_result r;
  memset(&r, 0, sizeof r);
  for (unsigned i = 0; i < 6 && javm_vm_depth(vm); i++, choices /= 8) {
    const uint64_t values[2] = {choices, 1};
    javm_status status;
    (void)javm_vm_add_gas(vm, 2000);
    switch (choices % 8) {
      case 0: status = javm_vm_deliver_yield(vm, &r, NULL); break;
      case 1: status = javm_vm_drop_paused(vm, &r, NULL); break;
      case 2: status = javm_vm_complete_host_call(vm, values, 2, &r, NULL); break;
      case 3: status = javm_vm_call_resume(vm, w->marker, &r, NULL); break;
      default: status = javm_vm_call_resume(vm, NULL, &r, NULL); break;
    }
    see_result(w, vm, status, &r);
  }
}

/* ---- changing what was suspended ---- */

typedef struct change {
  world *w;
  fuzz_input *in;
  javm_cap *parts[8]; /* Instances that were in it, borrowed */
  size_t part_count;
} change;

static javm_cap *some_cap(change *c) {
  uint64_t which = fuzz_take(c->in, 1);
  if (which < 8 && which < c->part_count) return javm_cap_retain(c->parts[which]);
  if (which == 8) return javm_cap_retain(c->w->marker);
  if (which == 9) return javm_cap_retain(c->w->catcher);
  if (which == 10) return NULL;
  javm_hash absent = {{(uint8_t)which, 1}};
  return jv_placeholder(c->w->dir, &absent);
}

static void put_cap(change *c, javm_cap **place) {
  jv_release(c->w->dir, *place);
  *place = some_cap(c);
}

static bool change_pages(change *c, jv_obj **tree, unsigned level) {
  uint32_t page = (uint32_t)fuzz_take(c->in, 3) & ((1u << level) - 1);
  uint64_t what = fuzz_take(c->in, 1);
  jv_obj *leaf = NULL;
  if (what == 1) leaf = jv_obj_retain(jv_dir_zero_page(c->w->dir));
  if (what >= 2) {
    jv_page *made = jv_page_new(javm_dir_allocator(c->w->dir));
    if (!made) return false;
    memset(made->bytes, (int)what, sizeof made->bytes);
    leaf = &made->obj;
  }
  if (what >= 0xf0) {
    jv_release(c->w->dir, leaf);
    leaf = (jv_obj *)jv_placeholder(c->w->dir, &(javm_hash){{(uint8_t)what}});
    if (!leaf) return false;
  }
  bool good = jv_tree_set(c->w->dir, tree, level, page, leaf);
  jv_release(c->w->dir, leaf);
  return good;
}

static bool add_effect(change *c, jv_saved_frame *f) {
  const javm_allocator *a = javm_dir_allocator(c->w->dir);
  jv_saved_effect *grown = jv_alloc_array(a, f->effect_count + 1, sizeof *grown);
  if (!grown) return false;
  if (f->effect_count) memcpy(grown, f->effects, f->effect_count * sizeof *grown);
  if (f->effects) jv_free_array(a, f->effects, f->effect_count, sizeof *grown);
  f->effects = grown;
  jv_saved_effect *e = &grown[f->effect_count++];
  *e = (jv_saved_effect){.kind = (uint8_t)fuzz_take(c->in, 1) % 9};
  e->id = fuzz_take(c->in, 1);
  e->amount = fuzz_take(c->in, 2);
  e->a.bytes[0] = (uint8_t)fuzz_take(c->in, 1);
  e->b.bytes[0] = (uint8_t)fuzz_take(c->in, 1);
  if (e->kind == JV_SAVED_EMIT) e->cap = some_cap(c);
  return true;
}

/* A copy of a Frame with one change. NULL: out of memory. */
static javm_cap *changed_frame(change *c, const jv_saved_frame *old) {
  const javm_allocator *a = javm_dir_allocator(c->w->dir);
  jv_saved_frame f = *old;
  f.effects = NULL;
  if (f.effect_count) {
    f.effects = jv_alloc_array(a, f.effect_count, sizeof *f.effects);
    if (!f.effects) return NULL;
    memcpy(f.effects, old->effects, f.effect_count * sizeof *f.effects);
  }
  for (size_t i = 0; i < f.effect_count; i++) javm_cap_retain(f.effects[i].cap);
  javm_cap_retain(f.called);
  jv_obj_retain(f.pages);
  bool good = true;
  switch (fuzz_take(c->in, 1) % 8) {
    case 0: f.heap_end += fuzz_take(c->in, 4); break;
    case 1: f.heap_end = fuzz_take(c->in, 8); break;
    case 2: f.flags = (uint8_t)fuzz_take(c->in, 1); break;
    case 3: f.budget = fuzz_take(c->in, 8); break;
    case 4: put_cap(c, &f.called); break;
    case 5: good = add_effect(c, &f); break;
    default: good = change_pages(c, &f.pages, JV_FRAME_LEVEL);
  }
  javm_cap *made = jv_saved_frame_make(c->w->dir, &f);
  if (good) return made;
  jv_release(c->w->dir, made);
  return NULL;
}

static jv_instance copy_instance(world *w, const jv_instance *old, bool *good) {
  jv_instance i = *old;
  i.overlays = NULL;
  if (i.overlay_count) i.overlays = jv_alloc_array(javm_dir_allocator(w->dir), i.overlay_count, sizeof *i.overlays);
  *good = i.overlay_count == 0 || i.overlays;
  if (!*good) i.overlay_count = 0;
  for (size_t k = 0; k < i.overlay_count; k++) {
    i.overlays[k] = old->overlays[k];
    jv_obj_retain(i.overlays[k].pages);
  }
  javm_cap_retain(i.image);
  javm_cap_retain(i.root_cnode);
  javm_cap_retain(i.paused);
  return i;
}

static bool change_slot(change *c, jv_instance *i) {
  javm_cap *root = i->root_cnode;
  if (!root || root->kind != JAVM_KIND_CNODE) return true;
  javm_cap *cap = some_cap(c), *made = NULL;
  bool good = ok(c->w, javm_cnode_set(c->w->dir, root, (uint32_t)fuzz_take(c->in, 1) % 10, cap, &made));
  jv_release(c->w->dir, cap);
  if (!good) return false;
  jv_release(c->w->dir, root);
  i->root_cnode = made;
  return true;
}

/* A copy of an entry's Instance, or of the outer one, with one change. NULL: out of memory. */
static javm_cap *changed_instance(change *c, const jv_instance *old) {
  bool good;
  jv_instance i = copy_instance(c->w, old, &good);
  if (good) switch (fuzz_take(c->in, 1) % 16) {
      case 0: i.regs[fuzz_take(c->in, 1) % 13] = fuzz_take(c->in, 8); break;
      case 1: i.pc = fuzz_take(c->in, 1); break;
      case 2: i.pc = fuzz_take(c->in, 8); break;
      case 3: i.gas_remaining = fuzz_take(c->in, 4); break;
      case 4: i.mem_size = (uint32_t)fuzz_take(c->in, 3); break;
      case 5: i.heap_end = (uint32_t)fuzz_take(c->in, 4); break;
      case 6: i.chain.bytes[0] ^= (uint8_t)fuzz_take(c->in, 1); break;
      case 7: put_cap(c, &i.image); break;
      case 8: put_cap(c, &i.root_cnode); break;
      case 9: put_cap(c, &i.paused); break;
      case 10: good = change_slot(c, &i); break;
      case 11:
        if (i.overlay_count) i.overlays[0].start += (uint32_t)fuzz_take(c->in, 2);
        break;
      default: /* mostly its Frame */
        if (i.paused && i.paused->kind == JAVM_KIND_FRAME) {
          javm_cap *frame = changed_frame(c, &i.paused->as.frame);
          good = frame != NULL;
          jv_release(c->w->dir, i.paused);
          i.paused = frame;
        }
    }
  javm_cap *made = jv_instance_make(c->w->dir, &i);
  if (good) return made;
  jv_release(c->w->dir, made);
  return NULL;
}

static bool change_entries(change *c, jv_continuation *k) {
  size_t at = fuzz_take(c->in, 1) % k->count;
  jv_paused_entry *e = &k->entries[at];
  javm_cap *made;
  switch (fuzz_take(c->in, 1) % 16) {
    case 0: e->kind = (uint8_t)fuzz_take(c->in, 1) % 8; return true;
    case 1: e->target = (uint32_t)fuzz_take(c->in, 1) % 8; return true;
    case 2: e->target = UINT32_MAX; return true;
    case 3: e->callee_slot = fuzz_take(c->in, 2); return true;
    case 4: put_cap(c, &e->instance); return true;
    case 5: k->marker.bytes[0] = (uint8_t)fuzz_take(c->in, 1); return true;
    case 6: memset(&k->marker, 0, sizeof k->marker); return true;
    case 7: { /* two change places */
      jv_paused_entry other = k->entries[0];
      k->entries[0] = *e;
      *e = other;
      return true;
    }
    case 8: { /* the one is what another is */
      const jv_paused_entry *other = &k->entries[fuzz_take(c->in, 1) % k->count];
      javm_cap *instance = javm_cap_retain(other->instance);
      jv_release(c->w->dir, e->instance);
      *e = *other;
      e->instance = instance;
      return true;
    }
    default:
      if (!e->instance || e->instance->kind != JAVM_KIND_INSTANCE) return true;
      made = changed_instance(c, &e->instance->as.instance);
      if (!made) return false;
      jv_release(c->w->dir, e->instance);
      e->instance = made;
      return true;
  }
}

/* The entries of a Continuation, with counts, without the last `cut`. */
static bool copy_entries(world *w, const jv_continuation *old, size_t cut, jv_continuation *k) {
  *k = *old;
  k->count = old->count - cut;
  k->entries = jv_alloc_array(javm_dir_allocator(w->dir), k->count, sizeof *k->entries);
  if (!k->entries) return false;
  memcpy(k->entries, old->entries, k->count * sizeof *k->entries);
  for (size_t i = 0; i < k->count; i++) javm_cap_retain(k->entries[i].instance);
  return true;
}

/* What was suspended, changed as the input says; its outer Instance shows its bottom, or does not. NULL: out of memory. */
static javm_cap *changed(world *w, javm_cap *saved, fuzz_input *in) {
  change c = {.w = w, .in = in};
  const jv_continuation *old = &saved->as.instance.paused->as.continuation;
  for (size_t i = 0; i < old->count && c.part_count < 7; i++)
    if (old->entries[i].instance) c.parts[c.part_count++] = old->entries[i].instance;
  c.parts[c.part_count++] = saved;
  jv_continuation k;
  size_t cut = fuzz_take(in, 1) % 4;
  if (!copy_entries(w, old, cut < old->count ? cut : 0, &k)) return NULL;
  bool good = true;
  for (unsigned n = (unsigned)fuzz_take(in, 1) % 4; good && n > 0; n--) good = change_entries(&c, &k);
  javm_cap *bottom =
      k.entries[0].instance && k.entries[0].instance->kind == JAVM_KIND_INSTANCE ? k.entries[0].instance : saved;
  bottom = javm_cap_retain(bottom);
  javm_cap *continuation = jv_continuation_make(w->dir, &k);
  if (!good || !continuation) {
    jv_release(w->dir, continuation);
    jv_release(w->dir, bottom);
    return NULL;
  }
  jv_instance outer = copy_instance(w, &bottom->as.instance, &good);
  jv_release(w->dir, bottom);
  jv_release(w->dir, outer.paused);
  outer.paused = continuation;
  javm_cap *made = jv_instance_make(w->dir, &outer);
  if (made && good && fuzz_take(in, 1) % 8 == 7) {
    javm_cap *lie = changed_instance(&c, &made->as.instance);
    jv_release(w->dir, made);
    made = lie;
  }
  if (made && good) return made;
  jv_release(w->dir, made);
  return NULL;
}

/* ---- the target ---- */

/* Restores and drives on. */
static void restore(world *w, const javm_hash *hash, uint64_t choices) {
  javm_vm *vm = vm_of(w);
  if (!vm) return;
  javm_result r;
  javm_error error;
  javm_status status = javm_vm_restore(vm, hash, &r, &error);
  CHECK(status == JAVM_OK || (status == error.status && javm_vm_depth(vm) == 0));
  CHECK(status != JAVM_INTERNAL && (w->starved || status != JAVM_OUT_OF_MEMORY));
  bool restored = status == JAVM_OK;
  see_result(w, vm, status, &r);
  javm_hash again;
  if (restored && ok(w, javm_vm_suspend(vm, &again, NULL))) {
    see(w, &again, sizeof again);
    javm_vm *other = vm_of(w);
    if (other && ok(w, javm_vm_restore(other, &again, &r, NULL))) {
      javm_result_clear(w->dir, &r);
      javm_hash third;
      if (ok(w, javm_vm_suspend(other, &third, NULL))) CHECK(memcmp(&third, &again, sizeof third) == 0);
    }
    javm_vm_free(other);
  }
  if (restored) drive(w, vm, choices);
  javm_vm_free(vm);
}

/* A guest resumes it. */
static void resume(world *w, javm_cap *paused, uint64_t choices) {
  javm_cap *resumer = INSTANCE(w, resumer_text, {3, javm_cap_retain(paused)}, {8, javm_cap_retain(w->catcher)});
  javm_hash hash;
  if (!resumer) return;
  bool good = ok(w, javm_dir_put(w->dir, resumer, &hash, NULL));
  javm_cap_release(w->dir, resumer);
  javm_vm *vm = good ? vm_of(w) : NULL;
  if (!vm) return;
  javm_result r;
  const uint64_t args[4] = {0};
  javm_status status = javm_vm_invoke(vm, &hash, 0, args, 5000, &r, NULL);
  see_result(w, vm, status, &r);
  drive(w, vm, choices);
  javm_vm_free(vm);
}

/* Pauses somewhere, and gives the hash. */
static bool pause(world *w, unsigned shape, javm_hash *hash) {
  javm_cap *bottom = tree(w, shape);
  javm_vm *vm = bottom ? vm_of(w) : NULL;
  bool good = vm && ok(w, javm_dir_put(w->dir, bottom, hash, NULL));
  javm_cap_release(w->dir, bottom);
  javm_result r;
  memset(&r, 0, sizeof r);
  const uint64_t args[4] = {0};
  good = good && ok(w, javm_vm_invoke(vm, hash, 0, args, shape & 2 ? 90 : 5000, &r, NULL));
  bool paused = r.kind == JAVM_RESULT_PAUSED;
  javm_result_clear(w->dir, &r);
  if (good && paused && shape & 4) { /* the catcher calls another, which yields further down or at the same place */
    javm_status status = javm_vm_deliver_yield(vm, &r, NULL);
    good = status == JAVM_NOT_PAUSED || ok(w, status); /* not paused: out of gas, which the host caught */
    paused = status == JAVM_NOT_PAUSED || r.kind == JAVM_RESULT_PAUSED;
    javm_result_clear(w->dir, &r);
  }
  good = good && paused && ok(w, javm_vm_suspend(vm, hash, NULL));
  javm_vm_free(vm);
  return good;
}

static void run(world *w, const uint8_t *bytes, size_t size) {
  fuzz_input in = {bytes, size};
  unsigned shape = (unsigned)fuzz_take(&in, 1);
  uint64_t choices = fuzz_take(&in, 3);
  javm_hash hash;
  javm_cap *saved = NULL;
  if (!open_world(w)) return;
  if (!pause(w, shape, &hash) || !ok(w, javm_dir_get(w->dir, &hash, &saved, NULL))) return;
  javm_cap *edited = changed(w, saved, &in);
  javm_cap_release(w->dir, saved);
  if (!edited) CHECK(w->starved);
  if (edited && ok(w, javm_dir_put(w->dir, edited, &hash, NULL))) {
    restore(w, &hash, choices);
    resume(w, edited, choices);
  }
  javm_cap_release(w->dir, edited);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  uint64_t digests[2], mix = fuzz_mix(bytes, size), requests = 0;
  for (int n = 0; n < 3; n++) {
    world w;
    memset(&w, 0, sizeof w);
    fuzz_heap_init(&w.heap);
    w.starved = n == 2;
    if (w.starved) w.heap.fail_from = mix / 16 % (requests + 1), w.heap.fail_count = mix % 3 ? 1 : UINT64_MAX;
    w.engine = n == 1 ? JAVM_ENGINE_INTERPRETER : JAVM_ENGINE_DEFAULT;
    run(&w, bytes, size);
    requests = w.heap.requests;
    if (n < 2) digests[n] = w.digest;
    close_world(&w);
  }
  CHECK(digests[0] == digests[1]);
  return 0;
}
