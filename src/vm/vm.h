/*
 * The VM's own structures. The call stack is an array of frames; an InstanceEntry lives in its frame's `entry`, with the
 * whole live state of one call. The *runner* is the entry whose code runs: the top InstanceEntry, or the target of a
 * Reference on top. What every function here keeps true: a check changes nothing; after a commit nothing fails.
 */
#ifndef JV_VM_VM_H
#define JV_VM_VM_H

#include <pthread.h>

#include "base/error.h"
#include "cap/cap.h"
#include "exec/engine.h"

#define JV_ROOT_SLOTS 256
#define JV_REG_ARG 7 /* φ[7]: the first operand and the first result */

/* An Image that was validated and predecoded; kept in the VM's cache and counted by the entries that run it. */
typedef struct jv_loaded_image {
  atomic_uint refs; /* the cache's own and one for each entry, also of forks on other threads */
  javm_cap *image;
  javm_cap *reference; /* what new Instances refer to it by: a placeholder of the VM's own where the directory has the
                          value, so that threads do not all count on one object; else the image */
  javm_program *program;
  uint32_t load_cycles; /* together with the image's hash, the key */
  uint8_t pinned[JV_ROOT_SLOTS / 8];
  uint64_t last_used;
} jv_loaded_image;

/* A slot operand, taken apart: a root slot, then slots of nested CNodes. */
typedef struct jv_path {
  uint32_t slot[JAVM_PATH_MAX];
  uint32_t length;
} jv_path;

/* Where a memory region's pages come from, and whether it is a value's at the end. */
typedef struct jv_backing {
  struct jv_entry *entry;
  jv_obj *pages; /* tree over page_count leaves; NULL with page_count 0: zeros */
  uint32_t page_count;
  uint32_t start;        /* guest address */
  uint32_t region_pages; /* size of the region */
  bool persists;
} jv_backing;

/* What an entry did outside of its own state, to be undone if it does not end with a Halt; the numbers of the kinds are part of
 * the format of a Frame. Of a change of a number only how
 * much it was is kept: others may change it, too. */
typedef enum jv_effect_kind {
  JV_EFFECT_EMIT = JV_SAVED_EMIT, /* cap */
  JV_EFFECT_QUOTA_UP,             /* storage quota `id` by `amount` */
  JV_EFFECT_QUOTA_DOWN,           /* likewise */
  JV_EFFECT_GAS_UP,               /* gas meter `id` by `amount`, set by an authority; what is spent is none */
  JV_EFFECT_GAS_DOWN,             /* likewise */
  JV_EFFECT_MARKER_ADDED,         /* `marker` to `catcher` */
  JV_EFFECT_MARKER_REMOVED        /* `marker` from `catcher`, where it had the index `id` */
} jv_effect_kind;

typedef struct jv_effect {
  struct jv_effect *next, *before; /* a later one, an earlier one */
  jv_effect_kind kind;
  uint64_t id, amount;
  javm_hash catcher, marker;
  javm_cap *cap; /* counted */
} jv_effect;

typedef struct jv_effects {
  jv_effect *first, *last; /* in order of time */
} jv_effects;

/* One call, with its whole live state. After a fork several VMs hold it, and nobody changes it: who has to takes a copy
 * first (jv_own). */
typedef struct jv_entry {
  jv_state state;
  struct jv_entry *next_free;
  javm_dir *dir;
  uint64_t owner;          /* id of the VM that changes it; anything while several hold it */
  atomic_uint refs;        /* VMs that hold it */
  pthread_mutex_t sharing; /* held while it is frozen or saved */
  jv_mem mem;
  javm_cap *instance; /* as it was called */
  jv_loaded_image *image;
  javm_hash chain;
  uint8_t size_log; /* of the working root CNode */
  jv_obj *slots;    /* its slots */
  jv_backing *backings;
  size_t backing_count, backing_capacity;
  jv_page **held; /* pages found by hash while running */
  size_t held_count, held_capacity;
  /* As it was when it was last frozen: what it wrote until then. */
  bool is_frozen;
  jv_overlay *overlays; /* those of the Instance that it had become */
  size_t overlay_count;
  jv_obj *pages;        /* tree over the pages of the address space: those written */
  javm_cap *saved;      /* the Instance it was saved as; NULL: it has changed since */
  uint64_t callee_slot; /* operand by which the caller called it */
  bool is_bottom;       /* of a drive */
  bool has_exit;        /* the engine is done with `exit`; what follows from it is still to do */
  bool dropped;         /* the host gave it up: `exit` is its fault, whatever could be caught */
  javm_exit exit;
  javm_cap *slot0;  /* a Halt has taken it out of the slots */
  bool gas_metered; /* where the gas in `state` was loaded from */
  uint64_t gas_meter;
  uint64_t gas_loaded;
  bool traced; /* an ecall of it was reported and its RESUME is due */
  javm_refusal refusal;
  uint32_t refused_operation;
  jv_effects effects;
} jv_entry;

/* Where drives are to stop, and how far they have come (travel.c). */
typedef struct jv_travel {
  uint64_t marks[2];               /* by javm_mark; JAVM_NO_MARK */
  uint64_t gas_used, instructions; /* since the invoke at the bottom of the call stack */
  javm_step step;                  /* of this verb */
  bool is_stepping;
  bool step_done;
  bool is_limited; /* a mark is set, or it is stepping */
  bool stopped;    /* the engine came back because of that */
  uint64_t limit;  /* the gas used at which the engine is to come back */
  uint64_t held;   /* gas of the running entry that the engine does not see for that; 0 while no guest code runs */
} jv_travel;

#define JV_TARGET_HOST UINT32_MAX

typedef struct jv_frame {
  jv_entry *entry; /* NULL: a Reference */
  /* of an InstanceEntry */
  uint64_t budget; /* of the bottom of a drive: its gas counter */
  bool is_lent;    /* since a fork: what the entry did in the kernel assist is the other VM's to undo */
  /* of a Reference */
  uint32_t target;       /* frame of the catcher, or JV_TARGET_HOST */
  uint8_t pause;         /* javm_pause_kind */
  bool retry;            /* stands where an error stopped a verb half-way; nobody yielded */
  uint64_t marker_index; /* for the host: the operation that is refused should it be dropped */
  javm_cap *payload;     /* with a count; NULL: none */
} jv_frame;

typedef struct jv_host_function {
  uint32_t number;
  javm_host_fn fn;
  void *ctx;
  char name[64];
} jv_host_function;

/* What a number reaches, its own function or that for any, remembered until a function is registered or removed. */
#define JV_REACHED_COUNT 64
typedef struct jv_reached_function {
  uint64_t number;
  javm_host_fn fn; /* NULL: nothing is remembered here, and the number is 0 */
  void *ctx;
} jv_reached_function;

/* The call of a host function under way; there is at most one. All of it but `entry` and the results is 0 again behind
 * each. */
struct javm_host_call {
  jv_entry *entry;
  bool result_set[2];
  bool more; /* there is something to commit or to give back besides the results: one of the following */
  bool has_slots;
  bool failed; /* the host ran out of memory, or a value is missing: no decision of the function counts */
  uint64_t results[2];
  uint64_t charged;
  jv_obj *slots;                       /* with has_slots: working copy of the entry's */
  struct jv_held_write *first, **last; /* `last` is set once there is a first */
};

typedef struct jv_meter_spent {
  uint64_t id, amount;
} jv_meter_spent;

struct javm_vm {
  uint64_t id; /* never given to another VM of the process */
  javm_dir *dir;
  const javm_allocator *allocator;
  javm_vm_config config;
  javm_hash kernel[JAVM_KERNEL_COUNT];
  jv_frame *frames;
  size_t depth, frame_capacity;
  jv_entry *free_entries;
  jv_page **spare; /* pages to use again */
  size_t spare_count;
  jv_loaded_image **images;
  size_t image_count;
  uint64_t clock;
  uint32_t unannounced;        /* ways to announce that failed for a program */
  jv_host_function *functions; /* sorted by number */
  size_t function_count, function_capacity;
  jv_reached_function reached[JV_REACHED_COUNT]; /* by the last bits of the number */
  javm_host_call host_call;
  jv_meter_spent *spent; /* by the running invoke, from meters */
  size_t spent_count, spent_capacity;
  bool running;
  bool is_watched;                 /* ecalls take the long way: traced or limited */
  uint64_t gas_used, instructions; /* of the running verb */
  jv_travel travel;
  /* why the handler made the engine leave */
  javm_refusal refusal;
  bool out_of_quota; /* false while guest code runs */
  uint64_t out_of_quota_id;
  bool paused;        /* the verb is to return Paused: a Reference for the host was pushed */
  uint32_t operation; /* number of the running ecall */
  javm_error failure; /* of an operation, for the verb; its status is OK while guest code runs */
};

#define JV_SPARE_PAGES 256

/* ---- what an operation answers ---- */
typedef enum jv_op_result {
  JV_OP_CONTINUE,
  JV_OP_HALT,
  JV_OP_SWITCH,  /* done; another entry, or another program, runs now, or the VM paused */
  JV_OP_REFUSED, /* vm->refusal */
  JV_OP_FAILED   /* vm->failure, or vm->out_of_quota */
} jv_op_result;

static inline jv_op_result jv_refuse(javm_vm *vm, javm_refusal why) {
  vm->refusal = why;
  return JV_OP_REFUSED;
}
static inline jv_op_result jv_op_out_of_memory(javm_vm *vm) {
  jv_fail_memory(&vm->failure);
  return JV_OP_FAILED;
}

/* ---- stack.c ---- */
/* Makes sure that this many frames, and one more, can be pushed without fail. */
bool jv_frames_reserve(javm_vm *vm, size_t count);
size_t jv_frame_runner(const javm_vm *vm, size_t frame);
static inline size_t jv_runner(const javm_vm *vm) { return jv_frame_runner(vm, vm->depth - 1); }
/* The frame of the caller of the entry in `frame`; only for an entry that is not a bottom. */
size_t jv_caller(const javm_vm *vm, size_t frame);
/* Takes the Reference on top away. */
void jv_pop_reference(javm_vm *vm);
/* Pops frames down to `depth`; what their entries did outside of their own state stays done. */
void jv_forget_to(javm_vm *vm, size_t depth);
/* Pops frames down to `depth`, undoing what dropped entries did. */
void jv_drop_to(javm_vm *vm, size_t depth);

/* ---- images.c ---- */
javm_status jv_load_image(javm_vm *vm, javm_cap *image, uint32_t load_cycles, jv_loaded_image **out, javm_error *error);
/* The loaded image that this cap is or stands for, under any M, with a count; NULL: none. */
jv_loaded_image *jv_known_image(javm_vm *vm, const javm_cap *image);
static inline jv_loaded_image *jv_retain_image(jv_loaded_image *image) {
  atomic_fetch_add_explicit(&image->refs, 1, memory_order_relaxed);
  return image;
}
void jv_unload_image(javm_vm *vm, jv_loaded_image *image);
static inline bool jv_is_pinned(const jv_loaded_image *image, uint32_t slot) {
  return image->pinned[slot >> 3] >> (slot & 7) & 1;
}
static inline const javm_image_spec *jv_entry_spec(const jv_entry *e) { return &e->image->image->as.image.spec; }

/* ---- programs.c ---- */
/* The program of a settled Image, shared with the other VMs of the directory; a count for the caller. */
javm_status jv_program_get(javm_dir *dir, const javm_cap *image, const javm_program_config *config, javm_program **out,
                           javm_error *error);
/* Leaves an entry that holds nothing to the directory's next VM; false: it stays the caller's. */
bool jv_leave_entry(javm_dir *dir, jv_entry *e);
/* One that was left; NULL: there is none. */
jv_entry *jv_find_entry(javm_dir *dir);

/* ---- entry.c ---- */
/* Resolves, maps and predecodes (4.3). The new entry is not on the stack. */
javm_status jv_entry_build(javm_vm *vm, javm_cap *instance, uint64_t endpoint, const uint64_t args[4], jv_entry **out,
                           javm_error *error);
/* From now on the VM, the only one that holds it, changes it. */
void jv_entry_adopt(javm_vm *vm, jv_entry *e);
/* An empty entry that is the VM's. NULL: out of memory. */
jv_entry *jv_entry_new(javm_vm *vm);
/* Maps memory as 4.3 says: that of an Instance with this Image, whose root slots are in the entry. */
javm_status jv_entry_map(javm_vm *vm, jv_entry *e, const jv_instance *inst, const javm_image_spec *spec,
                         javm_error *error);
/* M for a program of an entry whose memory is mapped. */
uint32_t jv_entry_load_cycles(const javm_vm *vm, const jv_entry *e);
/* The Image, and the root CNode, of an Instance that is to be run, with counts. */
javm_status jv_instance_parts(javm_vm *vm, const jv_instance *inst, javm_cap **image, javm_cap **root,
                              javm_error *error);
/* Finds the bytes of a page for an entry's memory, which keeps them as long as it needs them. */
javm_status jv_entry_page(jv_entry *e, jv_obj *leaf, const uint8_t **bytes, javm_hash *missing);
/* Gives up what the VM holds of it; from the last one it keeps the memory's tables for the next one. */
void jv_entry_free(javm_vm *vm, jv_entry *e);
void jv_entry_destroy(const javm_allocator *a, jv_entry *e);
/* The Instance that the entry's state is now; changes nothing. NULL: out of memory. */
javm_cap *jv_entry_instance(jv_entry *e);
/* Likewise its content, with counts for the caller. False: out of memory. */
bool jv_entry_content(jv_entry *e, jv_instance *content);
/* Its overlays alone; what stands in `pages`, a tree over the address space, is written, too. */
bool jv_entry_overlays(jv_entry *e, jv_obj *pages, jv_overlay **overlays, size_t *count);
void jv_overlays_free(javm_dir *dir, jv_overlay *overlays, size_t count);

/* ---- saved.c ---- */
/* The entry in a frame, for this VM to change: a copy where forks still share it. NULL: out of memory. */
jv_entry *jv_own_shared(javm_vm *vm, size_t frame);
static inline jv_entry *jv_own(javm_vm *vm, size_t frame) {
  jv_entry *e = vm->frames[frame].entry;
  bool own = atomic_load_explicit(&e->refs, memory_order_acquire) == 1 && e->owner == vm->id && !e->saved;
  return JV_LIKELY(own) ? e : jv_own_shared(vm, frame);
}
/* Freezes what the entry has written. False: out of memory, nothing changed. */
bool jv_entry_freeze(jv_entry *e);
/* Forgets what was frozen. */
void jv_entry_thaw(jv_entry *e);
/* Every page that the entry has written, once. */
typedef bool (*jv_written_fn)(void *ctx, uint32_t page);
bool jv_entry_each_written(const jv_entry *e, jv_written_fn visit, void *ctx);
uint32_t jv_entry_written(const jv_entry *e);
/* The paused computation that frames [from, to) are, as an Instance: that of the entry in `from` with the Continuation as its
 * `paused`. `whole`: a drive's budget and effects go with it. NULL: out of memory. */
javm_cap *jv_save(javm_vm *vm, size_t from, size_t to, const javm_hash *marker, bool whole);
/* Pushes the entries of a paused Instance. `whole`: as they were saved, those that a guest has kept with a Reference for the
 * host on top; else they are to be called. Errors: CALL_STACK_FULL, and
 * those of jv_entry_build; nothing has changed. */
javm_status jv_push_saved(javm_vm *vm, const javm_cap *paused, bool whole, javm_error *error);

/* ---- slots.c ---- */
/* All return true, or false with vm->refusal (JV_REFUSED) or vm->failure set as *result says. */
bool jv_path_parse(javm_vm *vm, uint64_t operand, jv_path *path, jv_op_result *result);
/* The cap at a path below `root`, perhaps a placeholder, with a count for the caller; NULL: empty. */
bool jv_slot_read(javm_vm *vm, jv_obj *root, unsigned size_log, const jv_path *path, javm_cap **out,
                  jv_op_result *result);
/* Likewise without a count: it stays as long as the tree and what is put in *holder, NULL or a count for the caller. */
bool jv_slot_borrow(javm_vm *vm, jv_obj *root, unsigned size_log, const jv_path *path, javm_cap **out,
                    javm_cap **holder, jv_op_result *result);
/* Puts cap (NULL: empties) at a path below *root; cap may be borrowed from below it. */
bool jv_slot_write(javm_vm *vm, jv_obj **root, unsigned size_log, const jv_path *path, javm_cap *cap,
                   jv_op_result *result);
/* May the entry change this slot? */
bool jv_slot_changeable(javm_vm *vm, const jv_entry *e, const jv_path *path, jv_op_result *result);
/* The cap in a slot of the entry by operand, with a count; never NULL (an empty slot is refused). */
bool jv_operand(javm_vm *vm, jv_entry *e, uint64_t operand, jv_path *path, javm_cap **out, jv_op_result *result);
/* Likewise without a count, as by jv_slot_borrow. */
bool jv_operand_borrow(javm_vm *vm, jv_entry *e, uint64_t operand, jv_path *path, javm_cap **out, javm_cap **holder,
                       jv_op_result *result);
/* Likewise, resolved to a value of this kind (JAVM_KIND_ABSENT: any), with a count. `path` may be NULL in all three. */
bool jv_operand_of(javm_vm *vm, jv_entry *e, uint64_t operand, javm_kind kind, jv_path *path, javm_cap **out,
                   jv_op_result *result);
/* The root slot's cap, borrowed; NULL: empty or no such slot. */
javm_cap *jv_root_slot(const jv_entry *e, uint32_t slot);
/* Moves what is in slot 0 of one entry, also nothing, to slot 0 of another; where either is pinned, nothing moves. False:
 * out of memory, nothing changed. */
bool jv_slot0_move(javm_vm *vm, jv_entry *from, jv_entry *to);
/* What a move of slot 0 would take: NULL where it is pinned. */
javm_cap *jv_slot0(const jv_entry *e);

/* ---- meters.c ---- */
/* The id in a kernel handle of this kind in the first of `slots`; false: there is none. */
javm_status jv_handle_in(javm_vm *vm, const jv_entry *e, const uint32_t *slots, size_t count, javm_kernel_image which,
                         bool *found, uint64_t *id, javm_error *error);
bool jv_is_kernel(const javm_vm *vm, const javm_cap *cap, javm_kernel_image which);
javm_status jv_gas_load(javm_vm *vm, size_t frame, javm_error *error);
/* Also before anything changes meters while the entry runs, unless by jv_gas_set. */
javm_status jv_gas_store(javm_vm *vm, size_t frame, javm_error *error);
static inline uint64_t jv_saturating_sum(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }
/* To the counter or meter that the entry would spend from. */
javm_status jv_gas_add(javm_vm *vm, size_t frame, uint64_t gas);
/* Sets a meter, also the one that the running entry e spends from, to which it has then paid all it owes; *previous is what it
 * held. An error: nothing has changed. */
javm_status jv_gas_set(javm_vm *vm, jv_entry *e, uint64_t id, uint64_t gas, uint64_t *previous);
/* Undoes what the running invoke took from meters, after its effects are undone. */
void jv_gas_undo(javm_vm *vm);
/* Of what the running invoke took from a meter, this much is no more to be given back. */
void jv_gas_forget(javm_vm *vm, uint64_t id, uint64_t amount);
/* The frame of the nearest caller, up to the bottom of the drive, that catches the key; *found = false: none. What is only
 * paused in between, or belongs to another drive, did not call the yielder and has no say in it. */
javm_status jv_find_catcher(javm_vm *vm, size_t frame, const javm_hash *key, bool *found, size_t *catcher,
                            uint64_t *marker_index, javm_error *error);

/* ---- effects.c ---- */
/* A new effect that is nobody's yet. NULL: out of memory. */
jv_effect *jv_effect_new(javm_vm *vm, jv_effect_kind kind);
void jv_effect_free(javm_vm *vm, jv_effect *effect); /* NULL is allowed */
void jv_effects_append(jv_effects *effects, jv_effect *effect);
size_t jv_effects_count(const jv_effects *effects);
/* Makes it the entry's latest. */
void jv_effect_add(jv_entry *e, jv_effect *effect);
/* Debits a quota and remembers it among the effects of e; *enough = false (and nothing done) where it does not suffice. */
javm_status jv_quota_debit(javm_vm *vm, jv_entry *e, uint64_t id, uint64_t amount, bool *enough);
/* What a callee that ended well did is from now on its caller's. */
void jv_effects_hand_up(jv_entry *callee, jv_entry *caller);
/* The bottom entry ended well: all stays done. */
void jv_effects_keep(javm_vm *vm, jv_effects *effects);
/* Undoes all, the latest first. The list stays: other VMs may share it. No entry owes its meter anything (jv_gas_store). */
void jv_effects_undo(javm_vm *vm, const jv_effects *effects);
/* Copies the list; without `all` only the emits. False: out of memory, and *to is empty. */
bool jv_effects_copy(javm_vm *vm, jv_effects *to, const jv_effects *from, bool all);

/* ---- assist.c ---- */
bool jv_is_local_assist(const javm_assist *assist);

/* ---- travel.c ---- */
/* Is it paused at a mark (or a step's end)? */
bool jv_is_at_mark(const javm_vm *vm);
/* Brings is_limited and is_watched up to date. */
void jv_travel_update(javm_vm *vm);
/* As jv_run, but no further than to a mark or a step's end: then `stopped`, and an exit after which the drive goes on. */
javm_exit jv_run_limited(javm_vm *vm, jv_entry *e);
/* Around an ecall's operation: shows it all gas, and then holds back again what the engine is not to see. */
void jv_show_gas(javm_vm *vm, jv_entry *e);
void jv_hold_gas(javm_vm *vm, jv_entry *e);

/* ---- ecalls.c, operations.c, host.c ---- */
typedef jv_op_result (*jv_operation_fn)(javm_vm *vm, jv_entry *e);
/* The operations of ecalls.def; the numbers that have none are NULL. */
#define OP(number, name, operands) jv_op_result jv_operation_##name(javm_vm *vm, jv_entry *e);
#include "vm/ecalls.def"
/* The engines' handler. */
javm_ecall_action jv_vm_ecall(void *ctx, jv_state *state, javm_ecall_kind kind, uint32_t immediate);
/* The number is the VM's running operation in these. */
javm_ecall_action jv_ecall_any(javm_vm *vm, jv_entry *e, uint64_t number);
javm_ecall_action jv_host_function_call(javm_vm *vm, jv_entry *e, uint32_t number);
/* The handler's answer for what an operation came to. */
JV_COLD javm_ecall_action jv_ecall_leave(javm_vm *vm, jv_entry *e, jv_op_result result);
static inline javm_ecall_action jv_ecall_answer(javm_vm *vm, jv_entry *e, jv_op_result result) {
  return JV_LIKELY(result == JV_OP_CONTINUE) ? JAVM_ECALL_CONTINUE : jv_ecall_leave(vm, e, result);
}
/* Guest memory for operations, reported to the trace. */
jv_touch jv_guest_read(javm_vm *vm, jv_entry *e, uint32_t address, void *to, size_t size);
jv_touch jv_guest_write(javm_vm *vm, jv_entry *e, uint32_t address, const void *from, size_t size);
/* Turns a failed touch into a refusal or a failure. */
jv_op_result jv_touch_failed(javm_vm *vm, jv_entry *e, jv_touch touch);
void jv_trace_resume(javm_vm *vm, jv_entry *e);
static inline bool jv_is_traced(const javm_vm *vm, const jv_entry *e) {
  return vm->config.trace && e == vm->frames[0].entry;
}

/* Pushes a Reference from the runner to a catcher and, where the VM is configured so, lets the catcher run at once. */
jv_op_result jv_yield_to(javm_vm *vm, size_t catcher, uint64_t marker_index, javm_pause_kind pause, javm_cap *payload);
/* The catcher's slot 0, φ[7] and φ[8], for a Reference on top. False: out of memory, nothing changed. */
bool jv_deliver(javm_vm *vm);
/* Is the running entry a catcher whose yielder is paused above it? */
static inline bool jv_is_delivered(const javm_vm *vm) { return vm->frames[vm->depth - 1].entry == NULL; }
/* The first frame above the part of the stack that `frame`, a Reference, keeps paused. */
size_t jv_paused_base(const javm_vm *vm, size_t frame);

#endif
