/*
 * The model: the rules of the driver (4-vm.md, 5-abi.md, 6-kernel.md) said a second time, slowly and plainly. It runs programs
 * of the few instructions that the scripts are made of, and takes the cost of each block from javm_program_block. Values are
 * never changed, only replaced; entries are plain structs; what is undone is what an entry's list of effects says.
 */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include "model/value.h"

/* ---- programs ---- */

typedef enum m_op {
  M_TRAP,
  M_FALLTHROUGH,
  M_UNLIKELY,
  M_ECALL,
  M_ECALLI,      /* x */
  M_LOAD_IMM,    /* a := x */
  M_LOAD_IMM_64, /* a := x */
  M_MOVE,        /* d := a */
  M_ADD,         /* d := a + b */
  M_ADD_IMM,     /* a := b + x */
  M_STORE,       /* [x] := a, 8 bytes */
  M_LOAD,        /* a := [x] */
  M_JUMP,        /* target */
  M_JUMP_IND,    /* a + x */
  M_BRANCH_EQ,   /* a = x: target */
  M_BRANCH_NE,
  M_SBRK,   /* d := sbrk(a) */
  M_INVALID /* no such opcode */
} m_op;

/* The costs of an Image's blocks under the VM's gas model and an M; by instruction. */
typedef struct m_program {
  struct m_program *next;
  const m_value *image;
  uint32_t load_cycles;
  uint32_t *costs;
  bool *starts; /* a block */
} m_program;

/* ---- memory ---- */

enum { M_REGIONS_MAX = 64 };

typedef struct m_region {
  uint32_t first, count; /* pages */
  javm_access access;
  bool is_heap;  /* accessible below the heap's end */
  bool persists; /* becomes an overlay */
  m_pages content;
} m_region;

typedef struct m_dirty {
  uint32_t page;
  m_page *bytes;
} m_dirty;

/* Regions, of which the last that covers a page counts, and the pages that were written. */
typedef struct m_memory {
  m_region regions[M_REGIONS_MAX];
  size_t region_count;
  m_dirty *dirty; /* ascending */
  size_t dirty_count;
  bool has_heap;
  uint64_t heap_end, heap_limit;
} m_memory;

const m_region *m_region_of(const m_memory *m, uint32_t page); /* NULL: none */
javm_access m_access_of(const m_memory *m, uint32_t page);
/* May all of the range be read or written? Else *fault is the start of the first page that may not. Addresses wrap. */
bool m_may(const m_memory *m, uint32_t address, uint64_t size, bool write, uint32_t *fault);
const m_page *m_page_at(const m_memory *m, uint32_t page); /* NULL: zeros */
void m_read(const m_memory *m, uint32_t address, void *to, uint64_t size);
void m_write(m_memory *m, uint32_t address, const void *from, uint64_t size);
uint64_t m_sbrk(m_memory *m, uint64_t size);

/* ---- the stack ---- */

/* What an entry did outside of its own state. */
typedef enum m_effect_kind { M_EMIT, M_QUOTA, M_METER, M_MARKER_ADDED, M_MARKER_REMOVED } m_effect_kind;
typedef struct m_effect {
  m_effect_kind kind;
  const m_value *emit;
  uint64_t id, before, after; /* a meter or a quota */
  javm_hash catcher, marker;
  size_t index;
} m_effect;

typedef struct m_effects {
  m_effect *at;
  size_t count;
} m_effects;

enum { M_HOST = -1 };

typedef struct m_entry {
  bool is_reference;
  /* a Reference */
  int target; /* index of the catcher, or M_HOST */
  javm_pause_kind pause;
  uint64_t marker_index;
  javm_hash payload;
  /* an InstanceEntry */
  const m_value *called, *image;
  javm_hash chain;
  unsigned size_log;
  const m_value *slots[256];
  m_memory memory;
  uint32_t load_cycles;
  uint64_t regs[JAVM_REG_COUNT];
  uint32_t pc;
  bool paid;    /* what stands at pc */
  uint64_t gas; /* as it was when it last ran */
  uint64_t callee_slot;
  bool is_bottom;
  uint64_t budget;
  bool metered; /* where its gas comes from while it runs */
  uint64_t meter;
  bool has_exit; /* what follows from `exit` is still to be done */
  bool given_up; /* by the host: it faults, whoever could catch that */
  javm_exit exit;
  javm_refusal refusal;
  uint32_t refused_operation;
  m_effects effects;
} m_entry;

/* What is paused in an Instance (4-vm.md 4.5): copies of entries, bottom first; the targets of References count from there. */
typedef struct m_continuation {
  javm_hash marker;
  m_entry *const *entries;
  int count;
  bool whole; /* a suspended VM: with what only that has */
} m_continuation;

/* ---- the kernel assist ---- */

enum { M_NUMBERS_MAX = 64, M_CATCHERS_MAX = 64, M_MARKERS_MAX = 32, M_FILES_MAX = 1024 };

typedef struct m_numbers {
  uint64_t id[M_NUMBERS_MAX], value[M_NUMBERS_MAX];
  size_t count;
} m_numbers;

typedef struct m_catcher {
  javm_hash key;
  javm_hash markers[M_MARKERS_MAX];
  size_t count;
} m_catcher;

typedef struct m_assist {
  m_numbers meters, quotas;
  m_catcher catchers[M_CATCHERS_MAX];
  size_t catcher_count;
  uint64_t next_catcher;
  const m_value *files[M_FILES_MAX];
  size_t file_count;
} m_assist;

uint64_t *m_number_of(m_numbers *n, uint64_t id); /* made with 0 where it is missing */
m_catcher *m_catcher_of(m_assist *a, const javm_hash *key);

/* ---- the world ---- */

enum { M_STACK_MAX = 600 };

typedef struct m_world {
  javm_gas_model gas_model;
  javm_yield_mode yield_mode;
  bool host_catches_out_of_gas;
  bool has_assist;
  uint32_t max_depth;
  m_entry *stack[M_STACK_MAX];
  int depth;
  m_assist assist;
  m_program *programs;
  bool instructions_end; /* a script has run too long */
  uint64_t instructions;
  uint64_t operations[80];      /* how often each was done */
  const m_value *const *images; /* that make_image may meet */
  size_t image_count;
  uint64_t position; /* gas used since the bottom invoke */
  uint64_t gas_mark; /* JAVM_NO_MARK: none */
  /* of the running verb */
  uint64_t gas_used;
  uint32_t operation;
  javm_refusal refusal;
  bool pauses;
  uint64_t short_quota; /* the quota that mint_data found too low */
} m_world;

/* What an operation comes to. */
typedef enum m_then {
  M_GO_ON,
  M_HALTS,
  M_LEAVES,  /* another entry or program runs, or the VM pauses */
  M_REFUSED, /* world->refusal */
  M_NO_QUOTA /* world->short_quota */
} m_then;

static inline m_then m_refuse(m_world *w, javm_refusal why) {
  w->refusal = why;
  return M_REFUSED;
}

enum { M_EMITS_MAX = 1 << 16 };
/* A result, with hashes in the place of caps. */
typedef struct m_result {
  javm_result_kind kind;
  uint64_t gas_used;
  uint64_t return_value;
  const m_value *instance;
  const m_value *emits[M_EMITS_MAX];
  size_t emit_count;
  const m_value *slot0; /* NULL: none */
  javm_hash payload;    /* zero: none */
  javm_exit fault;
  uint32_t pc;
  javm_refusal refusal;
  uint32_t refused_operation;
  uint32_t dirty_pages[1024];
  size_t dirty_page_count;
  javm_pause_kind pause;
  uint32_t host_function;
} m_result;

/* ---- stack.c ---- */
int m_runs_in(const m_world *w, int index); /* whose code runs while this entry is on top */
int m_caller_of(const m_world *w, int index);
void m_drop_to(m_world *w, int depth);
void m_add_effect(m_entry *e, const m_effect *effect);
void m_hand_up(m_entry *from, m_entry *to);
void m_push(m_world *w, m_entry *e);
/* The first index above what the Reference at `index` keeps paused. */
int m_paused_base(const m_world *w, int index);
/* Pushes a Reference; the VM pauses, or the catcher runs on. */
void m_pause(m_world *w, int catcher, uint64_t marker_index, javm_pause_kind pause, const javm_hash *payload);
void m_deliver(m_world *w);
/* Slot 0 of one becomes slot 0 of the other, unless either pins it. */
void m_move_slot0(m_entry *from, m_entry *to);
const m_value *m_slot0(const m_entry *e);
bool m_pins(const m_value *image, uint32_t slot);
/* Who catches the key: an index, or M_HOST for nobody. */
int m_catcher_for(m_world *w, int index, const javm_hash *key, uint64_t *marker_index);
/* The id in the kernel's handle in the first of these slots. */
bool m_handle_in(const m_world *w, const m_entry *e, const uint32_t *slots, size_t count, javm_kernel_image which,
                 uint64_t *id);

/* ---- enter.c ---- */
/* JAVM_OK, or the status that an invoke ends with (a call is refused accordingly). */
javm_status m_enter(m_world *w, const m_value *instance, uint64_t endpoint, const uint64_t args[4], m_entry **out);
/* The Instance that an entry's state is now. */
m_value *m_leave(const m_entry *e);
const m_program *m_program_of(m_world *w, const m_value *image, uint32_t load_cycles);

/* ---- gas and quota, kernel.c ---- */
void m_choose_gas(m_world *w, int index);
uint64_t *m_gas_of(m_world *w, int index); /* where the entry's gas is, after m_choose_gas */
void m_charge(m_world *w, int index, int64_t gas);
bool m_debit_quota(m_world *w, m_entry *e, uint64_t id, uint64_t amount);
void m_undo(m_world *w, m_effects *effects);

m_then m_kernel_call(m_world *w, m_entry *e, javm_kernel_image which, const m_value *instance);

/* ---- saved.c ---- */
m_entry *m_entry_copy(const m_entry *e);
void m_world_copy(m_world *to, const m_world *from);
/* The Paused Instance of the entries [from, to). */
m_value *m_save(const m_world *w, int from, int to, const javm_hash *marker, bool whole);
bool m_push_saved(m_world *w, const m_continuation *c);
javm_status m_suspend(const m_world *w, m_value **out);
javm_status m_restore(m_world *w, const m_value *instance, m_result *r);
m_then m_keep_yield(m_world *w, m_entry *e);
m_then m_call_resume_operation(m_world *w, m_entry *e);
m_then m_drop_paused_operation(m_world *w, m_entry *e);

/* ---- operations.c, data.c, host.c ---- */
m_then m_operation(m_world *w, m_entry *e, uint64_t number);
m_then m_host_function(m_world *w, m_entry *e, uint32_t number);

typedef struct m_path {
  uint32_t slot[4];
  uint32_t length;
} m_path;
bool m_path_of(m_world *w, uint64_t operand, m_path *path);
bool m_slot_read(m_world *w, const m_entry *e, const uint32_t *path, uint32_t length, const m_value **out);
bool m_slot_write(m_world *w, m_entry *e, const m_path *path, const m_value *cap);
bool m_may_change(m_world *w, const m_entry *e, const m_path *path);
/* A slot that may be changed. */
bool m_destination(m_world *w, const m_entry *e, uint64_t operand, m_path *path);
/* The cap in a slot, which must not be empty; of this kind. */
bool m_source(m_world *w, const m_entry *e, uint64_t operand, const m_value **out);
bool m_source_of(m_world *w, const m_entry *e, uint64_t operand, javm_kind kind, const m_value **out);
m_then m_put(m_world *w, m_entry *e, const m_path *to, const m_value *cap);
m_then m_answer(m_entry *e, uint64_t value);
bool m_has_yielder(const m_world *w);
m_then m_read_data(m_world *w, m_entry *e);
m_then m_mint_data(m_world *w, m_entry *e);
m_then m_open(m_world *w, m_entry *e);
m_then m_save_file(m_world *w, m_entry *e);
m_then m_make_image(m_world *w, m_entry *e);
m_then m_same_type_as(m_world *w, m_entry *e);
m_then m_subtype(m_world *w, m_entry *e);
#define M_ARG(n) (e->regs[7 + (n)])

/* ---- run.c ---- */
/* Runs the entry to an exit. */
javm_exit m_run(m_world *w, int index);

/* ---- verbs.c ---- */
javm_status m_invoke(m_world *w, const m_value *instance, uint8_t endpoint, const uint64_t args[4], uint64_t gas,
                     m_result *r);
javm_status m_call_resume(m_world *w, const m_value *scratchpad, m_result *r);
javm_status m_deliver_yield(m_world *w, m_result *r);
javm_status m_drop_paused(m_world *w, m_result *r);
javm_status m_complete_host_call(m_world *w, const uint64_t *values, size_t count, m_result *r);
javm_status m_add_gas(m_world *w, uint64_t gas);
void m_report_pause(const m_world *w, m_result *r);

#endif
