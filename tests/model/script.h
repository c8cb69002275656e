/*
 * Scripts: what random Images do, which Instances there are, and what the host does with them. A script is made from random
 * numbers (a seed, or a fuzzer's bytes), and says all that is needed to run it again: on the model, and on the library
 * (real.h).
 */
#ifndef MODEL_SCRIPT_H
#define MODEL_SCRIPT_H

#include "model/world.h"

/* ---- random numbers ---- */

typedef struct m_random {
  uint64_t state;
  const uint8_t *bytes; /* NULL: from the state alone. Zeros when there are no more */
  size_t left;
} m_random;

uint64_t m_any(m_random *r);
uint32_t m_below(m_random *r, uint32_t n);
static inline bool m_once_in(m_random *r, uint32_t n) { return m_below(r, n) == n - 1; } /* false from zeros */

/* ---- Images ---- */

typedef enum m_step_kind {
  STEP_ECALL,     /* number in the instruction */
  STEP_ECALL_REG, /* number in φ[11] */
  STEP_STORE,
  STEP_LOAD,
  STEP_ADD,  /* s0 := s0 + reg */
  STEP_SET,  /* reg := value */
  STEP_KEEP, /* reg := s0 */
  STEP_SBRK,
  STEP_IF,     /* where reg is value, goes to step `to` */
  STEP_UNLESS, /* where it is not */
  STEP_UNLIKELY,
  STEP_TRAP,
  STEP_INVALID,
  STEP_SPIN, /* for ever */
  STEP_JUMP_IND,
  STEP_KINDS
} m_step_kind;

typedef struct m_step {
  uint8_t kind;
  uint8_t mask; /* of an ecall: which of φ[7..12] are set before */
  uint8_t reg;
  uint32_t number, to;
  uint64_t args[6], value;
  bool removed; /* by the shrinker: does nothing */
} m_step;

enum { STEPS_MAX = 64, IMAGES_MAX = 4, INSTANCES_MAX = 6, PARTS_MAX = 48, VERBS_MAX = 24, ENDPOINTS_MAX = 2 };

/* A value by name. */
typedef enum m_what {
  WHAT_NOTHING,
  WHAT_DATA, /* index: which */
  WHAT_MARKER,
  WHAT_TYPE,
  WHAT_IMAGE,
  WHAT_INSTANCE,
  WHAT_EMPTY_CNODE, /* index: its size_log */
  WHAT_GAS,
  WHAT_QUOTA,
  WHAT_CATCHER,
  WHAT_KERNEL, /* index: which */
  WHAT_FILE,
  WHAT_BYTES, /* a Data of the serialized form of an Image */
  WHAT_KIT,   /* a CNode that has what an Instance needs */
  WHAT_ECHO,  /* an Instance that replies at once */
  WHAT_KINDS
} m_what;

typedef struct m_part {
  uint8_t slot, depth; /* depth 0: a root slot; 1, 2: in the nested CNodes of slot 6 */
  uint8_t what, index;
} m_part;

typedef struct m_image_plan {
  m_step steps[STEPS_MAX];
  uint32_t step_count;
  uint32_t starts[ENDPOINTS_MAX]; /* steps */
  uint32_t start_count;           /* 0: no endpoint is declared */
  uint64_t stack;                 /* an initial register of the endpoints, 0: none */
  uint32_t mappings;              /* a set: MAP_… in build.c */
  bool has_gas_slot, has_quota_slot, has_yield_slot;
  m_part pinned[4], initial[2];
  uint32_t pinned_count, initial_count;
} m_image_plan;

typedef struct m_instance_plan {
  uint32_t image;
  m_part parts[PARTS_MAX];
  uint32_t part_count;
  bool is_made;              /* by the host, with what follows, and not the first of its lineage */
  uint8_t size_log, overlay; /* overlay: which, 0: none */
  uint32_t mem_size, heap_end;
  uint64_t regs[JAVM_REG_COUNT];
} m_instance_plan;

enum { METERS = 2, QUOTAS = 2, CATCHERS = 3, FILES = 2, MARKERS = 3, DATAS = 6 };

typedef struct m_script {
  javm_gas_model gas_model;
  javm_yield_mode yield_mode;
  bool host_catches_out_of_gas, has_assist;
  uint32_t max_depth, max_cached_programs;
  uint64_t meters[METERS], quotas[QUOTAS];
  uint8_t markers_of[CATCHERS]; /* sets: MARKERS, then the kernel's two */
  m_image_plan images[IMAGES_MAX];
  uint32_t image_count;
  m_instance_plan instances[INSTANCES_MAX];
  uint32_t instance_count;
  uint64_t verbs[VERBS_MAX]; /* random numbers that choose, according to the state */
  uint32_t verb_count;
} m_script;

/* ---- generate.c ---- */
void m_generate(m_script *s, m_random *r);

/* As an argument of a step: the size of the serialized form of an Image. */
#define SIZE_OF_IMAGE(index) (UINT64_C(0x51e00000) + (index))

/* ---- build.c ---- */
/* The values that a script begins with. */
typedef struct m_cast {
  const m_value *others[WHAT_KINDS][32]; /* made when they are first asked for */
  const m_value *images[IMAGES_MAX], *instances[INSTANCES_MAX], *datas[DATAS], *markers[MARKERS], *catchers[CATCHERS],
      *echo;
} m_cast;
void m_build(const m_script *s, m_cast *cast);
const m_value *m_value_named(const m_script *s, m_cast *cast, m_what what, uint32_t index);
/* The routing key of a marker: one of the script's, or one of the kernel's two behind them. */
javm_hash m_marker_key(const m_cast *cast, uint32_t index);
/* cast: of the Images before; NULL: sizes do not matter */
void m_encode(const m_cast *cast, const m_image_plan *plan, m_image *image, uint32_t *starts);

/* ---- verbs ---- */
typedef enum m_verb_kind {
  VERB_INVOKE,
  VERB_RESUME,
  VERB_DELIVER,
  VERB_DROP,
  VERB_COMPLETE,
  VERB_RESTORE,
  VERB_MOVE, /* suspends, and restores in another VM; up to here they have a result */
  VERB_SUSPEND,
  VERB_ROOT,
  VERB_FORK, /* does the next verb in a fork, and throws one of the two away */
  VERB_ADD_GAS,
  VERB_SET_METER,
  VERB_SET_QUOTA,
  VERB_SET_MARK
} m_verb_kind;

typedef struct m_verb {
  m_verb_kind kind;
  const m_value *instance; /* INVOKE, RESTORE; NULL: one that is not there */
  uint8_t endpoint;
  uint64_t args[4], gas; /* gas: also what is added or set */
  const m_value *scratchpad;
  size_t value_count;
  uint32_t id; /* of a meter or a quota */
  bool flag;   /* FORK: the fork stays */
} m_verb;

/* What the host knows and does. */
typedef struct m_run_state {
  m_cast cast;
  m_world world;
  const m_value *known[64]; /* Instances that it can invoke */
  size_t known_count;
  m_result last;
  javm_status last_status;
  javm_hash hash; /* SUSPEND, MOVE, ROOT */
} m_run_state;

void m_start(const m_script *s, m_run_state *run);
void m_choose_verb(const m_script *s, m_run_state *run, uint64_t word, m_verb *verb);
/* Does it in the model; the result is run->last. */
void m_do_verb(m_run_state *run, const m_verb *verb);

/* ---- print.c ---- */
void m_print_script(const m_script *s);
void m_print_verb(const m_run_state *run, const m_verb *verb);
void m_print_result(const m_run_state *run);

#endif
