/*
 * A model of the VM for tests of what it counts: calls, yields, faults, gas meters and storage quotas, and nothing else. It is
 * written from the specification alone, a step at a time; numbers are plain. Programs are lists of steps, each some plain
 * instructions and then one action, at a cost of one unit each. Values are never freed before the whole model is.
 */
#ifndef JAVM_TESTS_MODEL_H
#define JAVM_TESTS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODEL_SLOTS = 14, MODEL_NUMBERS = 4, MODEL_PROGRAM_MAX = 64, MODEL_DEPTH_MAX = 256 };
/* Slots with a meaning. */
enum { SLOT_MAILBOX = 0, SLOT_GAS = 1, SLOT_QUOTA = 2, SLOT_CATCHER = 3, SLOT_MARKER = 12 };

typedef enum model_kind {
  MODEL_EMPTY,
  MODEL_GAS,   /* handle of meter `id` */
  MODEL_QUOTA, /* handle of quota `id` */
  MODEL_DATA,  /* of one page */
  MODEL_FILE,
  MODEL_CATCHER, /* `id`: the set of markers that it catches */
  MODEL_SET_GAS,
  MODEL_SET_QUOTA,
  MODEL_MINT_GAS,
  MODEL_MINT_QUOTA,
  MODEL_INSTANCE
} model_kind;

/* Markers, as a set. */
enum { CATCHES_YIELD = 1, CATCHES_GAS = 2, CATCHES_QUOTA = 4 };

typedef struct model_cap {
  model_kind kind;
  uint64_t id;
  const struct model_instance *instance;
} model_cap;

typedef enum model_action {
  DO_NOTHING, /* and costs nothing */
  DO_COPY,    /* slots a, b */
  DO_MOVE,
  DO_DROP,
  DO_SWAP,
  DO_CALL,        /* slot a; id and value are for the kernel's Instances */
  DO_SKIP_PAUSED, /* jumps to step a unless the last call came back paused */
  DO_YIELD,
  DO_RESUME,
  DO_DROP_YIELD,
  DO_MINT_DATA, /* with the quota in slot a, to slot b */
  DO_SAVE,      /* the Data in slot a, with the quota in slot b, to slot 0 */
  DO_DIRTY,     /* page a */
  DO_TRAP,
  DO_REPLY
} model_action;

typedef struct model_step {
  uint32_t plain; /* instructions before the action */
  model_action action;
  uint32_t a, b;
  uint64_t id, value;
} model_step;

typedef struct model_program {
  model_step steps[MODEL_PROGRAM_MAX];
  size_t count;
  bool has_gas_slot, has_quota_slot, has_catcher_slot;
} model_program;

typedef struct model_instance {
  const model_program *program;
  model_cap slots[MODEL_SLOTS];
  struct model_instance *next; /* of all, to free */
} model_instance;

typedef struct model_effect {
  struct model_effect *before; /* the one before it in time */
  bool is_gas, is_up;
  uint64_t id, amount;
} model_effect;

typedef struct model_entry {
  const model_program *program;
  model_cap slots[MODEL_SLOTS];
  size_t pc;
  uint32_t done; /* plain instructions of the step */
  uint64_t status;
  uint32_t dirty; /* pages, as a set */
  uint32_t callee_slot;
  bool is_bottom, ends, dropped;
  uint64_t budget;
  model_effect *last;
} model_entry;

typedef enum model_pause { MODEL_PAUSE_YIELD, MODEL_PAUSE_GAS, MODEL_PAUSE_QUOTA } model_pause;

typedef struct model_frame {
  bool is_reference;
  model_entry entry;
  bool to_host;
  size_t target;
  model_pause pause;
} model_frame;

typedef enum model_result { MODEL_HALT, MODEL_FAULT, MODEL_PAUSED } model_result;

/* How often what happened. */
typedef struct model_counts {
  uint64_t operations, halts, faults, yields, gas_yields, quota_yields, resumes, drops, sets, mints, undone,
      short_undone;
} model_counts;

typedef struct model {
  bool to_catcher, host_catches; /* as the VM's configuration */
  uint64_t meters[MODEL_NUMBERS], quotas[MODEL_NUMBERS];
  model_frame *frames;
  size_t depth;
  /* What came in and what is gone: meters and live budgets are always gas_in - gas_spent, quotas quota_in - quota_spent.
   * Signed, since an authority can take away what others have put in. */
  int64_t gas_in, gas_spent, quota_in, quota_spent;
  uint64_t gas_used;          /* by the last verb */
  const model_instance *post; /* of its Halt */
  model_pause pause;
  model_instance *instances;
  model_counts counts;
  /* of the running drive */
  uint64_t *gas;
  bool paused;
} model;

void model_init(model *m);
void model_free(model *m);
/* A copy that the model owns. */
const model_instance *model_add(model *m, const model_program *program, const model_cap slots[MODEL_SLOTS]);

/* The host's own: between verbs. */
void model_set_meter(model *m, uint64_t id, uint64_t value);
void model_set_quota(model *m, uint64_t id, uint64_t value);

/* The verbs. All but invoke need a Reference on top (model_is_paused), and deliver one to a catcher. */
model_result model_invoke(model *m, const model_instance *instance, uint64_t gas);
model_result model_resume(model *m);
model_result model_deliver(model *m);
model_result model_drop(model *m);
void model_add_gas(model *m, uint64_t gas);
bool model_is_paused(const model *m);
bool model_is_paused_for_host(const model *m); /* nobody to deliver to */
void model_drop_all(model *m);                 /* as the end of the VM does */
/* What all live bottom entries have left. */
uint64_t model_budgets(const model *m);

#endif
