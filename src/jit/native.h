/*
 * The recompiler's own structures. Layers, each on the ones before: code.c (memory for code, what the processor can do),
 * x64.h (encoders), lower_value.c and lower.c (each instruction), pass.c (the pass over a program), compile.c (the whole),
 * stubs.c (ways in and out), native.c (running, faults), announce.c (telling tools).
 *
 * The 13 guest registers live in host registers all the time that native code runs; r12 holds the gas, rdx is free between
 * guest instructions, gs is the guest's memory (its window, or with explicit checks its tables), and rsp points to a jv_frame. No flags live across a guest memory access, and
 * when one faults every guest register holds what it held before that instruction.
 */
#ifndef JV_JIT_NATIVE_H
#define JV_JIT_NATIVE_H

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(JV_NO_RECOMPILER)
#define JV_HAS_RECOMPILER 1
#else
#define JV_HAS_RECOMPILER 0
#endif

#include "exec/decode.h"
#include "exec/engine.h"
#include "exec/gas.h"
#include "jit/x64.h"

/* What the processor has beyond what the recompiler asks for (popcnt). */
typedef struct jv_features {
  bool bmi1, bmi2, lzcnt; /* andn, tzcnt; mulx, rorx, shlx and its like; lzcnt */
  bool fsgsbase;          /* gs can be set without the kernel */
} jv_features;

/* Where a region starts (program.h): in order of pc, and of native code. */
typedef struct jv_point {
  uint32_t pc, at; /* offset in the code: of the charge, if there is one */
  uint32_t cost;
} jv_point;

/* Every JV_MARK_EVERY-th guest memory access of the code; the others follow as two distances each, in `accesses`. */
typedef struct jv_mark {
  uint32_t at, pc, next; /* `next`: index in `accesses` of the one after it */
} jv_mark;
enum { JV_MARK_EVERY = 32 };

/* The code begins with these. */
typedef struct jv_stubs {
  uint32_t enter, ecall, ecalli, sbrk, fault, trap, panic, bad_jump, bad_target, out_of_gas;
  uint32_t check[2][4]; /* explicit checks: [write][log2 bytes] */
  uint32_t call_bytes;  /* ecall, ecalli and sbrk: from the start to where rsp is as at the call of C */
} jv_stubs;

struct jv_native {
  const javm_allocator *allocator;
  bool has_checks; /* explicit ones: gs is the memory's tables. Else gs is the window */
  uint8_t *code;   /* executable */
  size_t mapped_bytes;
  uint32_t code_bytes; /* with stubs and the jump table */
  uint32_t blocks_end; /* the first offset behind the blocks */
  uint32_t table;      /* offset of the jump table: addresses, for an address / 2 */
  uint32_t gas_stubs;  /* offset of the first of the stubs for out of gas, one for each point */
  jv_features features;
  jv_stubs stubs;
  jv_point *points;
  size_t point_count, point_capacity;
  jv_mark *marks;
  size_t mark_count, mark_capacity;
  uint8_t *accesses;
  size_t access_count, access_capacity;
  struct jv_announced *announced; /* announce.c; NULL: not */
};

enum { JV_CHARGE_BYTES = 13, JV_GAS_STUB_BYTES = 5 };

/* ---- fault.c ---- */
/* Before a window is opened: makes ours the process's handler, if another was set since. False: the system refused. */
bool jv_install_fault_handler(void);

/* ---- code.c ---- */
const jv_features *jv_host_features(void);
/* The least that the recompiler needs. */
bool jv_host_can_run(void);
/* Writable memory for code; NULL: there is none. */
uint8_t *jv_code_reserve(size_t bytes);
/* That it will be written up to `to` soon, and `more` bytes later; it was told so up to *told before. One call of the system is
 * cheaper than a fault for each page. */
void jv_code_expect(uint8_t *to, uint8_t **told, const uint8_t *limit, size_t more);
/* Makes all of it executable and no longer writable; what is behind the first `used` bytes is given back, or kept untouched.
 * *bytes is what must be released. False: the system refused. */
bool jv_code_finish(uint8_t *code, size_t *bytes, size_t used);
void jv_code_release(uint8_t *code, size_t bytes);

/* ---- the compiler ---- */

/* A branch or jump whose target comes later, or is none: its distance is at `at`. */
typedef struct jv_fixup {
  uint32_t at, target, pc;
} jv_fixup;

typedef struct jv_compiler {
  jv_x64 x;
  uint8_t *limit, *expected; /* the end of the room, and of what will soon be written */
  const javm_program *program;
  jv_native *native;
  const jv_native *like; /* made of the same program before, in the other way; or NULL */
  jv_features has;
  const jv_layout *rows; /* of the instruction set */
  const uint8_t *flags;  /* of opcodes, in the instruction set */
  /* Offsets in the code of the block starts that were reached, in order; and how many there are before each eight bytes of
   * guest code, as far as `ranked` of those. */
  uint32_t *starts, *ranks;
  size_t start_count, start_capacity;
  uint32_t ranked;
  jv_fixup *fixups;
  size_t fixup_count, fixup_capacity;
  /* The region and the block that the pass is in. */
  bool charges_blocks, charges_regions;
  bool begins_region;                 /* the next instruction begins one */
  bool begins_block;                  /* which control enters as a block, and pays for */
  bool after_terminator;              /* which is a block, if it is marked */
  uint32_t region_charge;             /* where its charge has the cost; 0: it has none, yet */
  uint32_t region_count;              /* instructions in it so far, but for those from region_from on */
  const struct jv_place *region_from; /* of the places that are being lowered */
  size_t block;                       /* point of the block */
  uint32_t block_charge;              /* and where its charge has the cost */
  const uint32_t *next_cost;          /* of the block that ends next */
  jv_pricer pricer;
  uint32_t last_at, last_pc; /* of the last access that was noted */
  uint32_t until_mark;       /* accesses before the next jv_mark */
  bool keeps_upper; /* the value lowered now may leave the upper half of its register undone: the next one sets it */
  bool failed;      /* nothing more is lowered: out of memory, or what can't be native code */
  bool is_too_much; /* the latter, or the system refuses memory for code */
} jv_compiler;

#define JV_HOST_REGS R13, RBP, R8, R9, R10, RBX, R11, RDI, RSI, RAX, RCX, R14, R15
static inline jv_x64_reg jv_host_reg(unsigned guest) {
  static const uint8_t map[JAVM_REG_COUNT] = {JV_HOST_REGS};
  return (jv_x64_reg)map[guest];
}
#define JV_GAS_REG R12

/* ---- stubs.c ---- */

/* What rsp points to while native code runs. */
typedef struct jv_frame {
  uint64_t jump_pc; /* of the dynamic jump under way */
  uint64_t table;   /* address of the jump table */
  jv_state *state;
  struct jv_run *run;
  uint64_t instructions; /* run since they were last added to the state's */
  uint64_t scratch;
  uint64_t fault_at, fault_rdx; /* set by the signal handler */
} jv_frame;

/* The registers that are pushed before the frame, in this order: those that a C function must keep. The frame is padded so
 * that rsp is a multiple of 16 in native code. */
#define JV_SAVED_REGS RBX, RBP, R12, R13, R14, R15
enum { JV_SAVED_COUNT = 6 };
enum { JV_FRAME_BYTES = (sizeof(jv_frame) + 15) / 16 * 16 + (JV_SAVED_COUNT % 2 == 0 ? 8 : 0) };

/* Why native code was left. */
typedef enum jv_leave {
  JV_LEAVE_TRAP,
  JV_LEAVE_PANIC,
  JV_LEAVE_BAD_JUMP,   /* the address in the frame's scratch */
  JV_LEAVE_BAD_TARGET, /* of the jump table */
  JV_LEAVE_OUT_OF_GAS, /* the address of the stub, in scratch */
  JV_LEAVE_EXIT,       /* run->exit says it all */
  JV_LEAVE_STEP        /* one instruction is to be run by the interpreter */
} jv_leave;

/* One stay in native code. */
typedef struct jv_run {
  const javm_program *program;
  const jv_native *native; /* the code that it is in */
  jv_state *state;
  jv_ecall_fn handler;
  void *ctx;
  uint64_t reserve;     /* gas held back from native code with checks, so that it ends when a window is due */
  struct jv_run *outer; /* of this thread */
  uint64_t outer_gs;
  javm_exit exit;
  jv_leave leave;
} jv_run_context;

/* As jv_native_run, in code of one kind only if that can be. */
typedef enum jv_code_kind { JV_CODE_AS_USUAL, JV_CODE_WITH_CHECKS, JV_CODE_WITH_WINDOW } jv_code_kind;
javm_exit jv_native_run_in(const javm_program *p, jv_state *s, jv_ecall_fn handler, void *ctx, jv_code_kind kind);
/* How many instructions there are from pc to the end of its region. */
uint32_t jv_left_in_region(const javm_code *code, uint32_t pc);
/* The address that an access of this instruction begins at, its size (0: it accesses nothing) and direction. */
uint32_t jv_access_of(const jv_decoded *i, const uint64_t *regs, unsigned *bytes, bool *write);

/* Code of one kind; `like` may be NULL. False: out of memory; *out NULL: it can't be. */
bool jv_compile(const javm_program *p, bool has_checks, const jv_native *like, jv_native **out);
void jv_make_stubs(jv_compiler *c);
/* The bytes of code from the place that is known for an access to the end of it. */
uint32_t jv_access_bytes(const jv_native *n, const jv_decoded *access);
/* What an ecall site tells its stub, in rdx: the immediate and the pc behind it. */
static inline uint64_t jv_pack_ecall(uint32_t next, uint32_t immediate) { return immediate | (uint64_t)next << 32; }

/* Called by the stubs. 0 goes on in native code. */
void jv_on_leave(jv_frame *f, uint32_t leave, uint32_t pc);
/* The handler answered `action` to an ecall at which there was this much gas. */
int jv_after_ecall(jv_frame *f, javm_ecall_action action, uint64_t gas, uint64_t packed);
int jv_on_sbrk(jv_frame *f, uint64_t operands);
int jv_on_fault(jv_frame *f);

#endif
