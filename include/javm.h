/*
 * javm: an embeddable, deterministic, metered virtual machine for JAM PVM bytecode.
 *
 * This header is the whole public interface and its contract. It has three layers, each usable alone:
 *
 *   program and machine   predecoded bytecode, and registers, memory and gas to run it with (no values)
 *   values                capabilities ("caps"): immutable, content-addressed values in a cache directory
 *   VM                    calls between Instances, yields, gas meters, quotas and host functions
 *
 * Conventions, unless a declaration says otherwise:
 *   - A function that can fail returns a javm_status. On failure its outputs are NULL or untouched, nothing has
 *     changed, and `error` (which may be NULL) holds the detail.
 *   - A `javm_x **out` parameter hands a new counted handle to the caller, who gives it back with the release or
 *     free function of that type. Handles passed in are borrowed: the callee takes its own count if it keeps one.
 *   - Handles of const-like types (javm_program, javm_cap, javm_dir) may be used by any number of threads at once.
 *     A javm_machine or a javm_vm is used by one thread at a time.
 *   - Sizes are in bytes, pages have JAVM_PAGE_BYTES bytes, guest addresses are u32 and wrap at 2^32.
 *   - The library has no global state that a caller can see, prints nothing and never ends the process. (Native code: a
 *     signal handler, and what tells tools of it, are the process's.)
 */
#ifndef JAVM_H
#define JAVM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define JAVM_API __attribute__((visibility("default")))
#else
#define JAVM_API
#endif

#define JAVM_VERSION_MAJOR 0
#define JAVM_VERSION_MINOR 1
#define JAVM_VERSION_PATCH 0
#define JAVM_VERSION_STRING "0.1.0"

/* The version of the linked library, as "major.minor.patch". */
JAVM_API const char *javm_version(void);

#define JAVM_REG_COUNT 13
#define JAVM_PAGE_BYTES 4096u
#define JAVM_HASH_BYTES 32

/* ------------------------------------------------------------------------------------------------ status */

/* Every status: name, stable number, text. */
#define JAVM_STATUS_LIST(X)                                                                                            \
  X(JAVM_OK, 0, "ok")                                                                                                  \
  X(JAVM_OUT_OF_MEMORY, 1, "out of memory")                                                                            \
  X(JAVM_INVALID_ARGUMENT, 2, "invalid argument")                                                                      \
  X(JAVM_MALFORMED, 3, "malformed input")                                                                              \
  X(JAVM_INVALID_IMAGE, 4, "invalid image")                                                                            \
  X(JAVM_INSTANCE_NOT_FOUND, 5, "instance not found")                                                                  \
  X(JAVM_IMAGE_NOT_FOUND, 6, "image not found")                                                                        \
  X(JAVM_VALUE_NOT_FOUND, 7, "value not found")                                                                        \
  X(JAVM_ENDPOINT_OUT_OF_RANGE, 8, "endpoint out of range")                                                            \
  X(JAVM_NOT_PAUSED, 9, "not paused")                                                                                  \
  X(JAVM_CALL_STACK_FULL, 10, "call stack full")                                                                       \
  X(JAVM_INTERNAL, 11, "internal invariant broken")                                                                    \
  X(JAVM_WRONG_KIND, 12, "value of the wrong kind")                                                                    \
  X(JAVM_OUT_OF_RANGE, 13, "out of range")                                                                             \
  X(JAVM_HASH_MISMATCH, 14, "value does not have the hash it was given under")                                         \
  X(JAVM_SYNTAX, 15, "syntax error")                                                                                   \
  X(JAVM_INVALID_INSTANCE, 16, "invalid instance")                                                                     \
  X(JAVM_UNSUPPORTED, 17, "not supported")

typedef enum javm_status {
#define X(name, number, text) name = number,
  JAVM_STATUS_LIST(X)
#undef X
} javm_status;

/* The text of a status ("unknown status" for other numbers). Static storage. */
JAVM_API const char *javm_status_text(javm_status status);

typedef struct javm_hash {
  uint8_t bytes[JAVM_HASH_BYTES];
} javm_hash;

/* Detail of a failure. The caller owns it; every failing call that takes one fills it whole. */
typedef struct javm_error {
  javm_status status;
  size_t offset;  /* where in the input: a byte offset; for JAVM_SYNTAX a line number from 1 */
  javm_hash hash; /* for the *_NOT_FOUND statuses: what was missing; else zero */
  char text[200]; /* one line, without the status text: which part is wrong and what was expected */
} javm_error;

/* ----------------------------------------------------------------------------------------------- allocator */

/*
 * All memory of the library comes through one of these. `resize` is as realloc: block NULL (old_bytes 0) allocates,
 * new_bytes 0 frees and returns NULL, NULL otherwise means out of memory and leaves the block alone. Blocks are aligned
 * for any type. `reserve` returns zero-filled address space of the given size that costs memory only where it is
 * touched (NULL: out of memory), `unreserve` gives it back; both NULL: the library uses mmap. Called from every thread
 * that calls the library. What `ctx` points to, and an allocator given for a program or a machine, outlive all that is made
 * with it.
 */
typedef struct javm_allocator {
  void *ctx;
  void *(*resize)(void *ctx, void *block, size_t old_bytes, size_t new_bytes);
  void *(*reserve)(void *ctx, size_t bytes);
  void (*unreserve)(void *ctx, void *area, size_t bytes);
} javm_allocator;

/* The default allocator: malloc and mmap. Static storage; a NULL allocator anywhere means this one. */
JAVM_API const javm_allocator *javm_allocator_default(void);

/* Frees bytes that a function of this header handed out (`uint8_t **out`); allocator: the one that made them. */
JAVM_API void javm_free_bytes(const javm_allocator *allocator, uint8_t *bytes, size_t size_bytes);

/* -------------------------------------------------------------------------------------------------- programs */

/* The instruction sets; the numbers are those of an Image's `instruction_set`. */
typedef enum javm_isa { JAVM_ISA_JAVM = 0, JAVM_ISA_JAM_0_7 = 1, JAVM_ISA_JAM_0_8 = 2 } javm_isa;

typedef enum javm_gas_model {
  JAVM_GAS_PIPELINE = 0,    /* a simulated out-of-order processor, a cost for each basic block */
  JAVM_GAS_SINGLE_PASS = 1, /* a cheaper cousin of it */
  JAVM_GAS_INSTRUCTION = 2, /* one unit for each instruction */
  JAVM_GAS_NONE = 3 /* nothing is charged: for guests that are trusted to end, and to measure what metering costs */
} javm_gas_model;

/* What runs programs. All give the same, but where a declaration says otherwise. */
typedef enum javm_engine {
  JAVM_ENGINE_DEFAULT = 0,     /* the recompiler, where there is one for the host; else the interpreter */
  JAVM_ENGINE_INTERPRETER = 1, /* any host */
  JAVM_ENGINE_RECOMPILER = 2,  /* native code for x86-64 Linux; on other hosts as DEFAULT */
  /* The two in lockstep, to find errors in them: slow. A run stops at the first block in which they differ, with JAVM_INTERNAL
   * and a text that says where and how (docs/embedding.md). Where no native code is made, the interpreter. */
  JAVM_ENGINE_BOTH = 3
} javm_engine;

/* To whom native code is announced, as a set: tools that look at this process then know its basic blocks by name
 * (docs/embedding.md). */
enum {
  JAVM_ANNOUNCE_NONE = 0,
  JAVM_ANNOUNCE_PERF_MAP = 1, /* perf: lines in /tmp/perf-PID.map */
  JAVM_ANNOUNCE_JITDUMP = 2,  /* perf: records with the code in jit-PID.dump, in $JITDUMPDIR or the current directory */
  JAVM_ANNOUNCE_GDB = 4       /* gdb: an object file in memory, as long as the program is there */
};

/* Writes the name of the code at pc, NUL-terminated and cut to fit; false: it has none, and is called `javm:0xPC`. It must
 * not call the library. */
typedef bool (*javm_name_fn)(void *ctx, uint32_t pc, char *name, size_t capacity);

/* Bytecode as it lies in a container. Borrowed pointers. */
typedef struct javm_code {
  const uint8_t *code;
  size_t code_bytes; /* at most 2^24 */
  const uint8_t *bitmask;
  size_t bitmask_bytes; /* exactly ceil(code_bytes / 8) */
  const uint32_t *jump_table;
  size_t jump_count; /* at most 2^20 */
  javm_isa isa;
} javm_code;

typedef struct javm_program_config {
  size_t size_bytes; /* of this struct, for compatibility; set by the default-filler */
  javm_gas_model gas_model;
  uint32_t load_cycles; /* M of the gas models; 0 = 25. JAM's L3 memory model uses 37 */
  const javm_allocator *allocator;
  javm_engine engine;
  bool counts_instructions; /* the recompiler counts the instructions that it runs (the interpreter always does) */
  bool explicit_checks; /* the recompiler's code checks every access and needs no signals (docs/embedding.md); slower */
  uint32_t announce;    /* a set of JAVM_ANNOUNCE_... */
  javm_name_fn name_of; /* of what is announced; NULL: nothing has a name. Called by javm_program_new only */
  void *name_ctx;
} javm_program_config;

JAVM_API void javm_program_config_default(javm_program_config *config);

/* A predecoded program: immutable, counted. */
typedef struct javm_program javm_program;

/*
 * Predecodes. The code is copied as far as it is needed. Errors: OUT_OF_MEMORY, INVALID_ARGUMENT (sizes). Any bytes are a
 * program: what is wrong in them becomes an exit when it is reached.
 */
JAVM_API javm_status javm_program_new(const javm_code *code, const javm_program_config *config, javm_program **out,
                                      javm_error *error);
JAVM_API void javm_program_retain(javm_program *program);
JAVM_API void javm_program_release(javm_program *program); /* NULL is allowed */

/* Has the recompiler made native code of it? If not, the interpreter runs it. */
JAVM_API bool javm_program_is_native(const javm_program *program);
/* Which of the config's `announce` could not be done (a file that can't be written, no memory): the program runs all the
 * same. Without native code there is nothing to announce, and nothing fails. */
JAVM_API uint32_t javm_program_unannounced(const javm_program *program);

/* Bytes that the program holds now: code, native code and tables. Native code of a second kind, and what the interpreter needs
 * where it must help out, are made when they are first needed. */
JAVM_API size_t javm_program_bytes(const javm_program *program);

/* Does a basic block start at pc, so that a jump may land there? */
JAVM_API bool javm_program_is_block_start(const javm_program *program, uint32_t pc);

/* The basic blocks that start at a block start, in order of pc. In the instruction model the cost is the number of
 * instructions. `index` below the count. */
JAVM_API size_t javm_program_block_count(const javm_program *program);
JAVM_API void javm_program_block(const javm_program *program, size_t index, uint32_t *pc, uint32_t *cost);

/* The native code that a program's long runs are in (short ones are in code with explicit checks; docs/embedding.md), to look
 * at: valid and unchanging for the program's life. It begins with the ways in and out, then come the blocks, in order of pc,
 * then what they share. False without native code, or out of memory. */
JAVM_API bool javm_program_native_code(const javm_program *program, const uint8_t **code, size_t *size_bytes);
/* Where in it the code of the block with this index is (also what comes between the block and the next); size 0: it needs
 * none. False without native code. `index` as by javm_program_block. */
JAVM_API bool javm_program_native_block(const javm_program *program, size_t index, size_t *offset, size_t *size_bytes);

/* -------------------------------------------------------------------------------------------------- machine */

typedef enum javm_exit_kind {
  JAVM_EXIT_HALT = 0,
  JAVM_EXIT_TRAP = 1,
  JAVM_EXIT_PANIC = 2,
  JAVM_EXIT_OUT_OF_GAS = 3,
  JAVM_EXIT_PAGE_FAULT = 4, /* `address` */
  JAVM_EXIT_HOST_CALL = 5,  /* `number`: the ecalli's immediate */
  JAVM_EXIT_ECALL = 6,
  JAVM_EXIT_ERROR =
      7 /* the host failed (`status`); the state is as before the instruction at pc, which may be retried */
} javm_exit_kind;

/* "halt", "trap", ... Static storage. */
JAVM_API const char *javm_exit_text(javm_exit_kind kind);

typedef struct javm_exit {
  javm_exit_kind kind;
  uint32_t address;   /* PAGE_FAULT: the first failing page's start */
  uint32_t number;    /* HOST_CALL */
  javm_status status; /* ERROR */
} javm_exit;

typedef enum javm_access { JAVM_ACCESS_NONE = 0, JAVM_ACCESS_READ = 1, JAVM_ACCESS_WRITE = 2 } javm_access;

/* Registers, pc, gas and a 4 GiB guest memory for one program. */
typedef struct javm_machine javm_machine;

/* allocator NULL: the default. The machine keeps the program. Registers, pc and gas start at zero, memory inaccessible. */
JAVM_API javm_status javm_machine_new(javm_program *program, const javm_allocator *allocator, javm_machine **out,
                                      javm_error *error);
JAVM_API void javm_machine_free(javm_machine *machine); /* NULL is allowed */

/* Makes the pages that [start, start + size) touches accessible, and zero; where regions overlap, the later one wins.
 * start + size at most 2^32. Declare regions before the run. WRITE includes reading; NONE takes access away. */
JAVM_API javm_status javm_machine_map(javm_machine *machine, uint32_t start, uint64_t size_bytes, javm_access access);

/* Declares the heap that `sbrk` grows: [start, limit), page-aligned start, limit at most 2^32, nothing accessible yet. */
JAVM_API javm_status javm_machine_set_heap(javm_machine *machine, uint32_t start, uint64_t limit);

/* Reads or writes guest memory as the host: `read` and `write` need the guest's own permission for every page and return
 * OUT_OF_RANGE without it (`fault_address`, may be NULL, gets the first failing page's start); `poke` writes to any mapped
 * page, also a read-only one. All or nothing. Addresses wrap at 2^32. */
JAVM_API javm_status javm_machine_read(javm_machine *machine, uint32_t address, void *to, size_t size_bytes,
                                       uint32_t *fault_address);
JAVM_API javm_status javm_machine_write(javm_machine *machine, uint32_t address, const void *from, size_t size_bytes,
                                        uint32_t *fault_address);
JAVM_API javm_status javm_machine_poke(javm_machine *machine, uint32_t address, const void *from, size_t size_bytes);

/* The 13 registers, to read and to write; valid for the machine's life. */
JAVM_API uint64_t *javm_machine_regs(javm_machine *machine);
JAVM_API uint32_t javm_machine_pc(const javm_machine *machine);
/* Sets pc; the next run pays for what it finds there. (After an exit the machine knows whether the rest of the block is
 * paid for; setting pc forgets that.) A pc inside a block pays as a block that starts there. */
JAVM_API void javm_machine_set_pc(javm_machine *machine, uint32_t pc);
JAVM_API uint64_t javm_machine_gas(const javm_machine *machine);
JAVM_API void javm_machine_set_gas(javm_machine *machine, uint64_t gas);
/* Instructions run so far, in all runs; what an exit in mid-block left out is not counted. Native code counts only if the
 * program's config said so. */
JAVM_API uint64_t javm_machine_instructions(const javm_machine *machine);

typedef enum javm_ecall_kind { JAVM_ECALLI = 0, JAVM_ECALL = 1 } javm_ecall_kind;

/* What the ecall handler decides: go on; halt; refuse (a Trap, with pc at the instruction); leave the engine with
 * HOST_CALL or ECALL (pc past the instruction); fail with OUT_OF_MEMORY as the host (ERROR, pc at the instruction). */
typedef enum javm_ecall_action {
  JAVM_ECALL_CONTINUE = 0,
  JAVM_ECALL_HALT = 1,
  JAVM_ECALL_REFUSE = 2,
  JAVM_ECALL_LEAVE = 3,
  JAVM_ECALL_FAIL = 4
} javm_ecall_action;

/* The handler may use every function of the machine but run, set_pc and free. pc is already past the instruction. It returns:
 * a longjmp or an exception must not leave it. */
typedef javm_ecall_action (*javm_ecall_fn)(void *ctx, javm_machine *machine, javm_ecall_kind kind, uint32_t immediate);

/* Runs to an exit. handler NULL: every ecall leaves. */
JAVM_API javm_exit javm_machine_run(javm_machine *machine, javm_ecall_fn handler, void *ctx);

/* Runs one instruction (by_block: to the end of the basic block), by the interpreter. *ended (may be NULL) false: it goes on,
 * and the exit has no meaning. */
JAVM_API javm_exit javm_machine_step(javm_machine *machine, bool by_block, javm_ecall_fn handler, void *ctx,
                                     bool *ended);

/* After a run that ended in an ERROR with the status INTERNAL: what is wrong, as one line; else NULL. Valid until the next run
 * or the machine's end. */
JAVM_API const char *javm_machine_failure(const javm_machine *machine);

/* The pages written since the machine was made, in ascending order of address: writes up to `capacity` page start
 * addresses to `addresses` and returns how many there are. */
JAVM_API size_t javm_machine_dirty_pages(javm_machine *machine, uint32_t *addresses, size_t capacity);

/* ------------------------------------------------------------------------------------------------- containers */

/* A parsed JAM container. Pointers go into the parsed bytes, but `jump_table`, which javm_jam_clear frees. */
typedef struct javm_jam {
  bool is_standard; /* a standard program; else a bare program blob, and only `code` counts */
  javm_code code;
  const uint8_t *metadata; /* the prefix, NULL without one */
  size_t metadata_bytes;
  const uint8_t *read_only;
  uint32_t read_only_bytes;
  const uint8_t *read_write;
  uint32_t read_write_bytes;
  uint32_t heap_pages;
  uint32_t stack_bytes;
} javm_jam;

/* Recognises a program blob or a standard program (with or without a metadata prefix) by content. Errors: MALFORMED with
 * the offset and the part; OUT_OF_MEMORY. `allocator` is used for the jump table. */
JAVM_API javm_status javm_jam_parse(const uint8_t *bytes, size_t size_bytes, javm_isa isa,
                                    const javm_allocator *allocator, javm_jam *out, javm_error *error);
JAVM_API void javm_jam_clear(const javm_allocator *allocator, javm_jam *jam);

/* Sets a machine up as the standard program's layout says: memory, heap, registers. `arguments` up to 2^24 bytes. */
JAVM_API javm_status javm_jam_setup(const javm_jam *jam, const uint8_t *arguments, size_t arguments_bytes,
                                    javm_machine *machine, javm_error *error);

/* ---------------------------------------------------------------------------------------------- values: caps */

/* What a value is: the selector of the Cap union, or not known because only its hash is here. */
typedef enum javm_kind {
  JAVM_KIND_INSTANCE = 0,
  JAVM_KIND_IMAGE = 1,
  JAVM_KIND_DATA = 2,
  JAVM_KIND_CNODE = 3,
  JAVM_KIND_TYPE = 4,
  JAVM_KIND_ABSENT = 5,
  /* Values of a directory that no slot can hold: what the `paused` of an Instance refers to (docs/formats.md). */
  JAVM_KIND_CONTINUATION = 6,
  JAVM_KIND_FRAME = 7
} javm_kind;

JAVM_API const char *javm_kind_text(javm_kind kind);

/* The cache directory: hash -> value, shared by VMs and threads. Everything made in a directory is used with it only, and
 * is given back before the directory is freed. */
typedef struct javm_dir javm_dir;
/* An immutable value in a directory, or a reference to one by hash. Counted. */
typedef struct javm_cap javm_cap;

JAVM_API javm_status javm_dir_new(const javm_allocator *allocator, javm_dir **out);
JAVM_API void javm_dir_free(javm_dir *dir); /* NULL is allowed; no handle of it may be left */
JAVM_API const javm_allocator *javm_dir_allocator(const javm_dir *dir);

/* Settles a value (hashes it and every value it refers to) and publishes all of it; idempotent. `hash` may be NULL. */
JAVM_API javm_status javm_dir_put(javm_dir *dir, javm_cap *cap, javm_hash *hash, javm_error *error);
/* A handle to the value with this hash. Errors: VALUE_NOT_FOUND. */
JAVM_API javm_status javm_dir_get(javm_dir *dir, const javm_hash *hash, javm_cap **out, javm_error *error);
JAVM_API bool javm_dir_has(javm_dir *dir, const javm_hash *hash);
/* Publishes a page (JAVM_PAGE_BYTES bytes, copied) under its flat hash. `hash` may be NULL. */
JAVM_API javm_status javm_dir_put_page(javm_dir *dir, const uint8_t *bytes, javm_hash *hash);
/* Copies a page out. Errors: VALUE_NOT_FOUND. */
JAVM_API javm_status javm_dir_get_page(javm_dir *dir, const javm_hash *hash, uint8_t *bytes, javm_error *error);
/* The number of values and pages held. */
JAVM_API size_t javm_dir_count(javm_dir *dir);
/* Calls `visit` for each value held (kind) and each page (JAVM_KIND_ABSENT), in no order; stops where it returns false.
 * `visit` must not use the directory. */
typedef bool (*javm_dir_visit_fn)(void *ctx, const javm_hash *hash, javm_kind kind);
JAVM_API void javm_dir_each(javm_dir *dir, javm_dir_visit_fn visit, void *ctx);
/* Removes every value and page that cannot be reached from the values with the hashes `heads` and that nobody holds: no
 * handle, no entry of a VM, no value that stays. A value that somebody will look up later by its hash alone is kept only
 * if it can be reached from a head. Returns the number removed in `removed` (may be NULL). */
JAVM_API javm_status javm_dir_sweep(javm_dir *dir, const javm_hash *heads, size_t head_count, size_t *removed);

/* The VMs of a directory share the programs that they have made of Images, up to this many bytes (256 MiB at first; 0: nothing
 * is shared); the least recently used go, and what a VM uses stays with it. Errors: OUT_OF_MEMORY. */
JAVM_API javm_status javm_dir_limit_programs(javm_dir *dir, size_t max_bytes);
JAVM_API size_t javm_dir_program_bytes(javm_dir *dir);

JAVM_API javm_cap *javm_cap_retain(javm_cap *cap);            /* returns cap; NULL is allowed */
JAVM_API void javm_cap_release(javm_dir *dir, javm_cap *cap); /* NULL is allowed */
JAVM_API javm_kind javm_cap_kind(const javm_cap *cap);
/* A reference to a value by its hash; the value itself may come later. The zero hash is INVALID_ARGUMENT. */
JAVM_API javm_status javm_cap_by_hash(javm_dir *dir, const javm_hash *hash, javm_cap **out);
/* The value's hash (settles it, publishes nothing). Errors: OUT_OF_MEMORY. */
JAVM_API javm_status javm_cap_hash(javm_dir *dir, javm_cap *cap, javm_hash *hash);

/* The serialized form of one value: SSZ of Cap, CNode slots sparse. What it refers to is in it by hash only. The bytes come
 * from the directory's allocator (javm_free_bytes). */
JAVM_API javm_status javm_cap_encode(javm_dir *dir, javm_cap *cap, uint8_t **out, size_t *size_bytes,
                                     javm_error *error);
/* Takes any bytes. Errors: MALFORMED (offset, and the field by name), OUT_OF_MEMORY. Publishes nothing. */
JAVM_API javm_status javm_cap_decode(javm_dir *dir, const uint8_t *bytes, size_t size_bytes, javm_cap **out,
                                     javm_error *error);
/* A bundle: a value with everything it refers to, as far as it is present, in one run of bytes (docs/formats.md). */
JAVM_API javm_status javm_bundle_encode(javm_dir *dir, javm_cap *cap, uint8_t **out, size_t *size_bytes,
                                        javm_error *error);
/* Publishes what is in the bundle, each part under the hash that was recomputed, and gives its first value. */
JAVM_API javm_status javm_bundle_decode(javm_dir *dir, const uint8_t *bytes, size_t size_bytes, javm_cap **out,
                                        javm_error *error);

/* Data: zero-padded to whole pages, at most 2^20 pages. */
JAVM_API javm_status javm_data_new(javm_dir *dir, const uint8_t *bytes, size_t size_bytes, javm_cap **out);
JAVM_API javm_status javm_data_page_count(javm_dir *dir, javm_cap *data, uint32_t *page_count);
/* Copies `size_bytes` bytes from `offset`. Errors: OUT_OF_RANGE, VALUE_NOT_FOUND (a page that is absent), WRONG_KIND. */
JAVM_API javm_status javm_data_read(javm_dir *dir, javm_cap *data, uint64_t offset, void *to, size_t size_bytes,
                                    javm_error *error);

/* CNodes: 2^size_log slots, size_log at most 16, all empty at first. `set` gives a new CNode that differs in one slot
 * (cap NULL empties it); `get` gives NULL for an empty slot. Errors: OUT_OF_RANGE, WRONG_KIND, OUT_OF_MEMORY. */
JAVM_API javm_status javm_cnode_new(javm_dir *dir, unsigned size_log, javm_cap **out);
JAVM_API javm_status javm_cnode_size_log(javm_dir *dir, javm_cap *cnode, unsigned *size_log);
JAVM_API javm_status javm_cnode_set(javm_dir *dir, javm_cap *cnode, uint32_t slot, javm_cap *cap, javm_cap **out);
JAVM_API javm_status javm_cnode_get(javm_dir *dir, javm_cap *cnode, uint32_t slot, javm_cap **out);

typedef struct javm_endpoint {
  uint8_t index;
  uint8_t arg_registers;
  uint8_t arg_cnode_size;
  uint32_t entry_pc;
  uint64_t initial_regs[JAVM_REG_COUNT]; /* a non-zero one is set at entry */
} javm_endpoint;

typedef enum javm_mapping_kind {
  JAVM_MAPPING_PERSISTENT = 0,
  JAVM_MAPPING_EPHEMERAL = 1,
  JAVM_MAPPING_HEAP = 2
} javm_mapping_kind;

#define JAVM_PATH_MAX 8
typedef struct javm_mapping {
  uint32_t start;      /* page-aligned */
  uint64_t size_bytes; /* page-aligned, not zero; start + size at most 2^32 */
  javm_mapping_kind kind;
  uint32_t source_length;         /* persistent: 1..JAVM_PATH_MAX; else 0 */
  uint32_t source[JAVM_PATH_MAX]; /* slot path: a root slot, then slots of nested CNodes */
} javm_mapping;

typedef struct javm_slot_cap {
  uint32_t slot;
  javm_cap *cap;
} javm_slot_cap;

/* What an Image is made of. Arrays are borrowed. Endpoints, pinned and initial are sorted by index or slot. */
typedef struct javm_image_spec {
  javm_code code;
  const javm_endpoint *endpoints; /* none: one endpoint, index 0, at pc 0 with zero registers */
  size_t endpoint_count;
  const javm_mapping *mappings;
  size_t mapping_count;
  const uint32_t *gas_slots;
  size_t gas_slot_count;
  const uint32_t *quota_slots;
  size_t quota_slot_count;
  const javm_slot_cap *pinned; /* Data or Images */
  size_t pinned_count;
  const javm_slot_cap *initial; /* Data */
  size_t initial_count;
  bool has_yield_marker_slot;
  uint32_t yield_marker_slot;
} javm_image_spec;

JAVM_API void javm_image_spec_init(javm_image_spec *spec);
/* Builds and validates an Image. Errors: INVALID_IMAGE with a text that names the fault. Pinned and initial caps may be
 * references to values that come later; their kind is checked before the Image is run. */
JAVM_API javm_status javm_image_new(javm_dir *dir, const javm_image_spec *spec, javm_cap **out, javm_error *error);
/* Validates an Image that came from outside, as javm_image_new does; a VM does this before it runs one. Errors:
 * INVALID_IMAGE, VALUE_NOT_FOUND for a pinned or initial cap that is not in the directory. */
JAVM_API javm_status javm_image_validate(javm_dir *dir, javm_cap *image, javm_error *error);
/* Shows an Image; the arrays and caps are borrowed from it (through a reference: from the directory's value, so until a sweep
 * that removes that). */
JAVM_API javm_status javm_image_view(javm_dir *dir, javm_cap *image, javm_image_spec *spec);

typedef struct javm_overlay {
  uint32_t start;
  javm_cap *data; /* the pages, as a Data */
} javm_overlay;

typedef struct javm_instance_spec {
  javm_hash image_hash_chain;
  javm_cap *image;      /* NULL: the zero hash (kernel Instances) */
  javm_cap *root_cnode; /* NULL: the zero hash */
  const javm_overlay *overlays;
  size_t overlay_count;
  uint32_t mem_size;
  uint32_t heap_end;
  uint64_t regs[JAVM_REG_COUNT];
  uint64_t pc;
  uint64_t gas_remaining;
  javm_hash paused;
} javm_instance_spec;

JAVM_API void javm_instance_spec_init(javm_instance_spec *spec);
/* An Instance of any content, as a host that keeps the state may make it. */
JAVM_API javm_status javm_instance_new(javm_dir *dir, const javm_instance_spec *spec, javm_cap **out,
                                       javm_error *error);
/* A first Instance of an Image: chain = the Image's hash; root CNode of 256 slots = `root_cnode` (NULL: empty) overlaid
 * with the Image's pinned slots and, where empty, its initial ones. Errors: INVALID_INSTANCE where a pinned slot is
 * occupied. */
JAVM_API javm_status javm_instance_genesis(javm_dir *dir, javm_cap *image, javm_cap *root_cnode, javm_cap **out,
                                           javm_error *error);
/* Shows an Instance; image and root_cnode are borrowed as by javm_image_view, and may be references. `overlays` is NULL: use
 * javm_instance_overlay. */
JAVM_API javm_status javm_instance_view(javm_dir *dir, javm_cap *instance, javm_instance_spec *spec);
/* The overlay with this index (below the view's overlay_count), its pages as a new Data. */
JAVM_API javm_status javm_instance_overlay(javm_dir *dir, javm_cap *instance, size_t index, uint32_t *start,
                                           javm_cap **data);

JAVM_API javm_status javm_type_new(javm_dir *dir, const javm_hash *image_hash_chain, javm_cap **out);
JAVM_API javm_status javm_type_chain(javm_dir *dir, javm_cap *type, javm_hash *image_hash_chain);

/* The kernel's Instances: name in `H("kernel:" name)`. */
#define JAVM_KERNEL_LIST(X)                                                                                            \
  X(JAVM_KERNEL_GASMETER, "gasmeter")                                                                                  \
  X(JAVM_KERNEL_STORAGEQUOTA, "storagequota")                                                                          \
  X(JAVM_KERNEL_YIELDCATCHER, "yieldcatcher")                                                                          \
  X(JAVM_KERNEL_GAS, "gas")                                                                                            \
  X(JAVM_KERNEL_QUOTA, "quota")                                                                                        \
  X(JAVM_KERNEL_SET_GAS_METER, "set_gas_meter")                                                                        \
  X(JAVM_KERNEL_SET_STORAGE_QUOTA, "set_storage_quota")                                                                \
  X(JAVM_KERNEL_MINT_GAS, "mint_gas")                                                                                  \
  X(JAVM_KERNEL_MINT_QUOTA, "mint_quota")                                                                              \
  X(JAVM_KERNEL_CREATE_YIELD_CATCHER, "create_yield_catcher")                                                          \
  X(JAVM_KERNEL_OOG_MARKER, "oog_marker")                                                                              \
  X(JAVM_KERNEL_STORAGE_EXHAUSTED_MARKER, "storage_exhausted_marker")                                                  \
  X(JAVM_KERNEL_FILE, "file")                                                                                          \
  X(JAVM_KERNEL_HOST_OPEN, "host_open")                                                                                \
  X(JAVM_KERNEL_HOST_SAVE, "host_save")
typedef enum javm_kernel_image {
#define X(name, text) name,
  JAVM_KERNEL_LIST(X)
#undef X
      JAVM_KERNEL_COUNT
} javm_kernel_image;
/* H("kernel:" name): the chain of the kernel's Instances, and the routing key of its two markers. */
JAVM_API void javm_kernel_hash(javm_kernel_image which, javm_hash *hash);
/* A kernel-issued Instance; `id` (a meter, quota or file id, a catcher's number) is in its φ[7]. */
JAVM_API javm_status javm_kernel_instance(javm_dir *dir, javm_kernel_image which, uint64_t id, javm_cap **out);

/* ---------------------------------------------------------------------------------------------------- proofs */

/*
 * A proof says what parts of an Instance are, to somebody who has nothing but its hash: an SSZ multiproof together with
 * the claims that it proves (docs/proofs.md). The parts are those of the Instance itself or, where it is paused, those of
 * an entry of its Continuation.
 */

#define JAVM_CLAIM_MAX 256 /* claims in one proof */

/* What is claimed; the numbers are part of the format. In brackets: what the target's `place` is (else 0). Behind that:
 * what the claim holds. */
typedef enum javm_claim_kind {
  JAVM_CLAIM_REGISTER = 0,      /* [0..12]: number */
  JAVM_CLAIM_PC = 1,            /* number */
  JAVM_CLAIM_GAS = 2,           /* number: gas_remaining */
  JAVM_CLAIM_CHAIN = 3,         /* hash: image_hash_chain */
  JAVM_CLAIM_IMAGE = 4,         /* hash */
  JAVM_CLAIM_ROOT_CNODE = 5,    /* hash */
  JAVM_CLAIM_MEM_SIZE = 6,      /* number */
  JAVM_CLAIM_HEAP_END = 7,      /* number */
  JAVM_CLAIM_PAUSED = 8,        /* hash: of the Continuation, zero if it is not paused; of an entry: of its Frame */
  JAVM_CLAIM_SLOT = 9,          /* [slot operand, as guests give it]: hash, zero for an empty slot */
  JAVM_CLAIM_PAGE = 10,         /* [guest address]: page_bytes, overlay, overlay_start: a page of an overlay */
  JAVM_CLAIM_DATA_PAGE = 11,    /* [slot operand of a Data, and the target's `page`]: page_bytes */
  JAVM_CLAIM_WRITTEN_PAGE = 12, /* [guest address], of an entry only: page_bytes: a page that it has written */
} javm_claim_kind;

typedef struct javm_target {
  javm_claim_kind kind;
  bool
      in_entry; /* of what is paused in the Instance, the entry with the index `entry`, bottom first; else the Instance */
  uint8_t entry;
  uint64_t place;
  uint32_t page; /* of DATA_PAGE: the index of the page in the Data; else 0 */
} javm_target;

typedef struct javm_claim {
  javm_target target;
  uint64_t number;
  javm_hash hash;
  const uint8_t *page_bytes; /* JAVM_PAGE_BYTES, in the proof */
  uint32_t overlay; /* the page is page (place - overlay_start) / JAVM_PAGE_BYTES of the overlay with this index */
  uint32_t overlay_start;
} javm_claim;

/*
 * Proves what the targets are under the Instance's hash. `instance` may be a reference. Targets may come in any order and
 * more than once; the same set under the same hash gives the same bytes (javm_free_bytes with the directory's allocator).
 * A REGISTER brings with it those that it shares a chunk with: 0 to 3, 4 to 7, 8 to 11.
 * PAGE takes any address in the page and gives the last overlay that has it; of an entry that has written the page, the
 * claim is a WRITTEN_PAGE. Errors: OUT_OF_RANGE (an address, slot, entry that is not there, or too much for one proof),
 * INVALID_ARGUMENT (no target, or a kind that the Instance itself cannot have), WRONG_KIND (not an Instance; a slot path
 * through what is no CNode), NOT_PAUSED, VALUE_NOT_FOUND (with the hash), INVALID_INSTANCE (an entry that cannot be one),
 * UNSUPPORTED (a page that is listed as the zero hash), OUT_OF_MEMORY.
 */
JAVM_API javm_status javm_prove(javm_dir *dir, javm_cap *instance, const javm_target *targets, size_t count,
                                uint8_t **proof, size_t *size_bytes, javm_error *error);

/*
 * Checks a proof under the hash of an Instance, and tells what it proves: up to `capacity` claims, ascending by entry (the
 * Instance itself first), kind, place and page; `count` gets how many there are, at most JAVM_CLAIM_MAX. Takes any bytes
 * and needs nothing else; there is one form for each set of claims, and all else is refused. Uses no memory but 40 KiB of
 * stack. Errors, with nothing written: MALFORMED with the offset, HASH_MISMATCH (not a proof of this hash).
 */
JAVM_API javm_status javm_verify(const javm_hash *hash, const uint8_t *proof, size_t size_bytes, javm_claim *claims,
                                 size_t capacity, size_t *count, javm_error *error);

/* ------------------------------------------------------------------------------------------ assembler, loading */

/* Assembles the text form (docs/assembly.md) to an Image. Errors: SYNTAX with the line, INVALID_IMAGE. `isa` is used
 * where the text has no .isa. */
JAVM_API javm_status javm_assemble(javm_dir *dir, const char *text, size_t text_bytes, javm_isa isa, javm_cap **out,
                                   javm_error *error);
/* The text form of an Image; assembling it gives the same Image. Bytes as of javm_cap_encode, not NUL-terminated. */
JAVM_API javm_status javm_disassemble(javm_dir *dir, javm_cap *image, uint8_t **text, size_t *size_bytes,
                                      javm_error *error);
/* One instruction as text, NUL-terminated and cut to fit, and the length in bytes with its operands (1..25). */
JAVM_API uint32_t javm_disassemble_at(const javm_code *code, uint32_t pc, char *text, size_t capacity);

typedef struct javm_load_config {
  size_t size_bytes;
  javm_isa isa; /* for JAM containers and for text without .isa; the default is jam-0.7 for the former and
                               javm for the latter where has_isa is false */
  bool has_isa;
  const uint8_t *arguments; /* of a standard program */
  size_t arguments_bytes;
  uint32_t entry_pc; /* of a JAM container's only endpoint */
} javm_load_config;
JAVM_API void javm_load_config_default(javm_load_config *config);
/* Recognises any container by content (bundle, value, standard program, program blob, assembly text) and gives its value;
 * a JAM container becomes an Image whose endpoint 0 starts it as its layout says. Errors as of the parsers. */
JAVM_API javm_status javm_load(javm_dir *dir, const uint8_t *bytes, size_t size_bytes, const javm_load_config *config,
                               javm_cap **out, javm_error *error);

/* ------------------------------------------------------------------------------------------------------ linker */

typedef struct javm_link_config {
  size_t size_bytes;    /* of this struct; set by the default-filler */
  bool has_stack_bytes; /* else the program's symbol `__javm_stack_size`, else 1 MiB */
  bool has_heap_bytes;  /* else the program's symbol `__javm_heap_size`, else no heap */
  uint64_t stack_bytes; /* rounded up to whole pages */
  uint64_t heap_bytes;
  bool plain; /* one instruction after the other: nothing is folded, fused or removed. For tests */
} javm_link_config;
JAVM_API void javm_link_config_default(javm_link_config *config);

/*
 * Makes an Image of a linked RISC-V program: ELF, 64-bit, RV64E with M, A, C and Zbb, soft float, linked with
 * --emit-relocs (docs/linking.md). `symbols` (NULL: not wanted) gets functions and source lines as text (docs/formats.md),
 * from the directory's allocator; a bad line table (.debug_line) is an error then. Takes any bytes. Errors:
 * INVALID_ARGUMENT (a config of a newer version); MALFORMED with the offset; UNSUPPORTED for another target,
 * a register or an instruction that the machine does not have, with the function and what to do; INVALID_IMAGE for what
 * the program declares wrongly; OUT_OF_MEMORY.
 */
JAVM_API javm_status javm_link(javm_dir *dir, const uint8_t *elf, size_t elf_bytes, const javm_link_config *config,
                               javm_cap **image, uint8_t **symbols, size_t *symbols_bytes, javm_error *error);

/* --------------------------------------------------------------------------------------------- kernel assist */

/*
 * What a VM asks of its surroundings: gas meters, storage quotas, yield catchers, files. All calls come from the VM's
 * thread; an assist that several VMs share must lock for itself. Functions that return a status may fail with OUT_OF_MEMORY,
 * and have changed nothing then. But to set a meter or quota that was set before does not fail, nor does it to add back a
 * marker that was just removed: so is undone what a call did that ended badly.
 */
typedef struct javm_assist {
  void *ctx;
  uint64_t (*gas_meter_get)(void *ctx, uint64_t id); /* missing = 0 */
  javm_status (*gas_meter_set)(void *ctx, uint64_t id, uint64_t value, uint64_t *previous);
  uint64_t (*storage_quota_get)(void *ctx, uint64_t id); /* missing = 0 */
  javm_status (*storage_quota_set)(void *ctx, uint64_t id, uint64_t value, uint64_t *previous);
  uint64_t (*yield_catcher_new)(void *ctx); /* a number never given before */
  /* Markers of a catcher, in order of adding, keyed by the hash of the catcher's cap: how many, and the one at an index. */
  size_t (*yield_catcher_count)(void *ctx, const javm_hash *catcher);
  void (*yield_catcher_marker)(void *ctx, const javm_hash *catcher, size_t index, javm_hash *marker);
  javm_status (*yield_catcher_add)(void *ctx, const javm_hash *catcher, const javm_hash *marker);
  void (*yield_catcher_remove)(void *ctx, const javm_hash *catcher, const javm_hash *marker);
  /* Files: NULL where there are none. `open` gives a counted Data, OUT_OF_RANGE for an id that is none. `save` takes
   * size_bytes from the quota (OUT_OF_RANGE where it does not suffice) and gives the new file's id. A file stays when the
   * call that saved it ends badly; the quota is given back. */
  javm_status (*file_open)(void *ctx, uint64_t id, javm_cap **data);
  javm_status (*file_save)(void *ctx, javm_cap *data, uint64_t quota, uint64_t size_bytes, uint64_t *id);
  void (*reset_block)(void *ctx); /* forgets meters, quotas and catchers */
} javm_assist;

/* The complete in-process assist; thread-safe. Free it after every VM that uses it. `export_` gives bytes from `allocator`
 * (javm_free_bytes), `import` takes any bytes (MALFORMED) and replaces the content whole. */
typedef struct javm_local_assist javm_local_assist;
JAVM_API javm_status javm_local_assist_new(javm_dir *dir, javm_local_assist **out);
JAVM_API void javm_local_assist_free(javm_local_assist *assist);
JAVM_API const javm_assist *javm_local_assist_interface(javm_local_assist *assist);
/* Another one of the same content, in the same directory. */
JAVM_API javm_status javm_local_assist_copy(javm_local_assist *assist, javm_local_assist **out);
JAVM_API javm_status javm_local_assist_export(javm_local_assist *assist, uint8_t **out, size_t *size_bytes);
JAVM_API javm_status javm_local_assist_import(javm_local_assist *assist, const uint8_t *bytes, size_t size_bytes,
                                              javm_error *error);

/* The slots of javm_bootstrap. */
enum {
  JAVM_BOOTSTRAP_SET_GAS_METER = 1,
  JAVM_BOOTSTRAP_SET_STORAGE_QUOTA = 2,
  JAVM_BOOTSTRAP_MINT_GAS = 3,
  JAVM_BOOTSTRAP_MINT_QUOTA = 4,
  JAVM_BOOTSTRAP_CREATE_YIELD_CATCHER = 5,
  JAVM_BOOTSTRAP_YIELD_CATCHER =
      6 /* a new one; its list is the kernel's two markers: 0 out of gas, 1 out of storage quota */
};
/* What a chain starts with: a root CNode of 256 slots with the kernel's Instances that guests can call, for
 * javm_instance_genesis of the Image that governs meters and quotas. All other slots are free, as is slot 0. Fills the
 * catcher's list in the assist. Errors: OUT_OF_MEMORY (only a catcher's number is used up then). */
JAVM_API javm_status javm_bootstrap(javm_dir *dir, const javm_assist *assist, javm_cap **root_cnode, javm_error *error);

/* -------------------------------------------------------------------------------------------------------- VM */

typedef struct javm_vm javm_vm;

typedef enum javm_yield_mode {
  JAVM_YIELD_TO_HOST = 0,   /* a caught yield makes the verb return Paused */
  JAVM_YIELD_TO_CATCHER = 1 /* the catcher's own code runs on at once */
} javm_yield_mode;

/* Why an operation was refused: name, stable number, text. */
#define JAVM_REFUSAL_LIST(X)                                                                                           \
  X(JAVM_REFUSAL_NONE, 0, "not refused")                                                                               \
  X(JAVM_REFUSAL_UNKNOWN_OPERATION, 1, "no such operation")                                                            \
  X(JAVM_REFUSAL_NO_HOST_FUNCTION, 3, "no host function registered under this number")                                 \
  X(JAVM_REFUSAL_HOST, 4, "the host function refused")                                                                 \
  X(JAVM_REFUSAL_SLOT_OPERAND, 5, "slot operand out of range or through something that is not a CNode")                \
  X(JAVM_REFUSAL_EMPTY_SLOT, 6, "slot is empty")                                                                       \
  X(JAVM_REFUSAL_PINNED_SLOT, 7, "slot is pinned by the image")                                                        \
  X(JAVM_REFUSAL_OCCUPIED_SLOT, 8, "a slot that the new image pins is occupied")                                       \
  X(JAVM_REFUSAL_WRONG_KIND, 9, "cap of the wrong kind")                                                               \
  X(JAVM_REFUSAL_ARGUMENT, 10, "argument out of range")                                                                \
  X(JAVM_REFUSAL_MEMORY, 11, "memory not accessible")                                                                  \
  X(JAVM_REFUSAL_QUOTA, 12, "no quota handle in the slot")                                                             \
  X(JAVM_REFUSAL_UNHANDLED_MARKER, 13, "unhandled marker")                                                             \
  X(JAVM_REFUSAL_NOTHING_PAUSED, 14, "nothing is paused above")                                                        \
  X(JAVM_REFUSAL_STACK_FULL, 15, "call stack full")                                                                    \
  X(JAVM_REFUSAL_ENDPOINT, 16, "endpoint not declared")                                                                \
  X(JAVM_REFUSAL_INVALID_IMAGE, 17, "invalid image")                                                                   \
  X(JAVM_REFUSAL_NOT_BLOCK_START, 18, "the pc after the ecall is not a block start in the new image")                  \
  X(JAVM_REFUSAL_INVALID_INSTANCE, 19, "the instance does not fit its image")                                          \
  X(JAVM_REFUSAL_KERNEL_CALL, 20, "a kernel instance cannot be called without a kernel assist")                        \
  X(JAVM_REFUSAL_QUOTA_EXHAUSTED, 21, "storage quota exhausted")                                                       \
  X(JAVM_REFUSAL_CAP_NOT_HELD, 22, "the image names a cap that the caller does not hold")                              \
  X(JAVM_REFUSAL_FILE, 23, "no file handle in the slot, or no file behind it")                                         \
  X(JAVM_REFUSAL_NOT_PAUSED, 24, "the instance is not paused")                                                         \
  X(JAVM_REFUSAL_TOO_DEEP, 25, "more entries are paused than a Paused Instance can hold")
typedef enum javm_refusal {
#define X(name, number, text) name = number,
  JAVM_REFUSAL_LIST(X)
#undef X
} javm_refusal;
JAVM_API const char *javm_refusal_text(javm_refusal refusal);

/* What a VM reports of its bottom entry while it runs, for traces (javm_vm_config.trace). */
typedef enum javm_trace_kind {
  JAVM_TRACE_ECALL = 0,  /* an ecall is reached: number, pc (of the ecall), gas, regs */
  JAVM_TRACE_READ = 1,   /* the operation read guest memory: address, bytes, size_bytes */
  JAVM_TRACE_WRITE = 2,  /* the operation wrote guest memory */
  JAVM_TRACE_RESUME = 3, /* the entry runs on: gas and regs as the operation left them */
  JAVM_TRACE_END = 4     /* the entry ended: exit, pc, gas, regs */
} javm_trace_kind;
typedef struct javm_trace_event {
  javm_trace_kind kind;
  uint32_t number;
  uint32_t pc;
  uint64_t gas;
  const uint64_t *regs;
  uint32_t address;
  const uint8_t *bytes;
  size_t size_bytes;
  javm_exit exit;
} javm_trace_event;
typedef void (*javm_trace_fn)(void *ctx, const javm_trace_event *event);

/* As javm_name_fn, for the code of the Image with this hash. */
typedef bool (*javm_image_name_fn)(void *ctx, const javm_hash *image, uint32_t pc, char *name, size_t capacity);

typedef struct javm_vm_config {
  size_t size_bytes;  /* of this struct; set by the default-filler */
  uint32_t max_depth; /* of the call stack; default 256 */
  javm_gas_model gas_model;
  uint32_t load_cycles; /* 0: the model's own */
  javm_yield_mode yield_mode;
  bool host_catches_out_of_gas; /* without a catcher, out of gas pauses to the host instead of being a fault */
  bool jam_host_calls;          /* in Images of the jam sets every ecalli is a host function, also below 64 */
  uint32_t max_cached_programs; /* default 256; the least recently used goes */
  javm_engine engine;
  bool counts_instructions;  /* as in javm_program_config; without it `instructions` of a result is 0 or too low */
  bool explicit_checks;      /* as in javm_program_config */
  const javm_assist *assist; /* NULL: no meters, quotas or catchers */
  javm_trace_fn trace;       /* NULL: none */
  void *trace_ctx;
  uint32_t announce;          /* as in javm_program_config; programs that are announced are not shared with other VMs */
  javm_image_name_fn name_of; /* called while an Image is loaded; NULL: nothing has a name */
  void *name_ctx;
} javm_vm_config;
JAVM_API void javm_vm_config_default(javm_vm_config *config);

/* The VM borrows the directory, which outlives it, and uses its allocator. */
JAVM_API javm_status javm_vm_new(javm_dir *dir, const javm_vm_config *config, javm_vm **out, javm_error *error);
JAVM_API void javm_vm_free(javm_vm *vm); /* NULL is allowed; whatever is paused is dropped */

typedef enum javm_result_kind {
  JAVM_RESULT_HALT = 0,
  JAVM_RESULT_FAULTED = 1,
  JAVM_RESULT_PAUSED = 2
} javm_result_kind;

/* Why a drive paused. */
typedef enum javm_pause_kind {
  JAVM_PAUSE_YIELD = 0,      /* caught: go on by call_resume, deliver_yield or drop_paused */
  JAVM_PAUSE_OUT_OF_GAS = 1, /* likewise; add gas first, or it pauses again */
  JAVM_PAUSE_QUOTA = 2,      /* likewise, for storage quota */
  JAVM_PAUSE_HOST_CALL = 3,  /* go on by complete_host_call or drop_paused */
  JAVM_PAUSE_MARK = 4        /* a mark, or the end of a step: go on by call_resume, step or drop_paused */
} javm_pause_kind;

/* A result. The caller clears it with javm_result_clear. */
typedef struct javm_result {
  javm_result_kind kind;
  uint64_t gas_used;     /* by this drive, of whatever counter or meter */
  uint64_t instructions; /* run by this drive */
  /* Halt */
  uint64_t return_value;
  javm_hash instance; /* the new Instance, published */
  javm_cap **emits;
  size_t emit_count;
  /* Halt and Faulted: what the ended entry had in slot 0, NULL for nothing */
  javm_cap *slot0;
  /* Faulted; `pc` also of a Halt */
  javm_exit fault;
  uint32_t pc;
  javm_refusal refusal;       /* NONE, or why an ecall was refused */
  uint32_t refused_operation; /* its number */
  /* Halt and Faulted: pages that the bottom entry wrote, by start address, ascending */
  uint32_t *dirty_pages;
  size_t dirty_page_count;
  /* Paused */
  javm_pause_kind pause;
  javm_cap *payload;      /* NULL for an empty slot 0 of a paused host call, and for MARK */
  uint32_t host_function; /* number, for HOST_CALL */
} javm_result;
JAVM_API void javm_result_clear(javm_dir *dir, javm_result *result);

/*
 * The verbs. A verb that cannot do its work returns an error and leaves the stack as it was: INSTANCE_NOT_FOUND,
 * IMAGE_NOT_FOUND, VALUE_NOT_FOUND (with the hash; publish it and call again), ENDPOINT_OUT_OF_RANGE, NOT_PAUSED,
 * CALL_STACK_FULL, OUT_OF_MEMORY, INVALID_IMAGE, INVALID_INSTANCE, INTERNAL. An error that stops a run half-way undoes the
 * whole of an invoke; after any other verb what ran so far stays, and call_resume goes on from there.
 */
JAVM_API javm_status javm_vm_invoke(javm_vm *vm, const javm_hash *instance, uint8_t endpoint, const uint64_t args[4],
                                    uint64_t gas_budget, javm_result *result, javm_error *error);
/* Resumes the yielder; `scratchpad` (NULL: leave it) goes to its slot 0. After an error that stopped a verb half-way, goes on
 * where that stopped, and takes no scratchpad. */
JAVM_API javm_status javm_vm_call_resume(javm_vm *vm, javm_cap *scratchpad, javm_result *result, javm_error *error);
/* Lets the catcher's own code run on. */
JAVM_API javm_status javm_vm_deliver_yield(javm_vm *vm, javm_result *result, javm_error *error);
/* Abandons the yielder and all above the catcher: nothing they did remains. The catcher's own call returns as faulted
 * (φ[7] = 0, φ[8] = 2) and the catcher runs on. Where no catcher is there (out of gas that the host caught, a mark, a host
 * call) the entry that paused faults instead (OutOfGas; Trap for the last). */
JAVM_API javm_status javm_vm_drop_paused(javm_vm *vm, javm_result *result, javm_error *error);
/* Gives a paused host function's values (up to 2: φ[7], φ[8]) and runs on. */
JAVM_API javm_status javm_vm_complete_host_call(javm_vm *vm, const uint64_t *values, size_t value_count,
                                                javm_result *result, javm_error *error);
/*
 * Writes the whole paused stack out as values, publishes them, and gives the hash: of the Instance at the bottom, its `paused`
 * the root of all of it (docs/formats.md). The VM stays paused as it was. What it costs beyond the entries themselves are the
 * pages written since the last time. Not in it: the content of the kernel assist, the host functions, the configuration. Errors:
 * NOT_PAUSED (also after an error that stopped a verb half-way), OUT_OF_RANGE (more than 256 entries, or one with more than 2^16
 * emits, debits and other effects), OUT_OF_MEMORY.
 */
JAVM_API javm_status javm_vm_suspend(javm_vm *vm, javm_hash *hash, javm_error *error);
/*
 * Takes a suspended stack up, on a VM with an empty one: the result is Paused, as when it was suspended, and everything goes on
 * with the same results to the last unit of gas, if configuration, host functions and the kernel assist's content are the same
 * (any engine will do). A Paused Instance that a guest has kept can be restored, too; it has no gas of its own then (javm_vm_add_gas).
 * Takes any values. Errors: INSTANCE_NOT_FOUND, IMAGE_NOT_FOUND, VALUE_NOT_FOUND (of a page only when it is reached),
 * NOT_PAUSED, INVALID_ARGUMENT (the stack is not empty), CALL_STACK_FULL, INVALID_INSTANCE (the text says which entry, and what),
 * INVALID_IMAGE, OUT_OF_MEMORY.
 */
JAVM_API javm_status javm_vm_restore(javm_vm *vm, const javm_hash *hash, javm_result *result, javm_error *error);
/*
 * Another VM in the same state (paused, or with an empty stack), which goes its own way from here, on any thread, also after this
 * one is freed. They share everything until one of them changes it; what forking costs does not depend on the size of memories.
 * It has this one's configuration, host functions, marks and position, but no trace. `assist` NULL: also its kernel assist, and then what was
 * debited or changed there before the fork is only undone by this one, should the work end badly; otherwise `assist` holds a copy
 * of what this one's holds (javm_local_assist_export), and each undoes in its own. Errors: INVALID_ARGUMENT (it runs),
 * OUT_OF_MEMORY.
 */
JAVM_API javm_status javm_vm_fork(javm_vm *vm, const javm_assist *assist, javm_vm **out, javm_error *error);
/* Adds to the counter or meter of the entry that would run; saturates at 2^64 - 1. Errors: NOT_PAUSED, OUT_OF_MEMORY. */
JAVM_API javm_status javm_vm_add_gas(javm_vm *vm, uint64_t gas);

/* Inspection. */
typedef enum javm_entry_kind { JAVM_ENTRY_INSTANCE = 0, JAVM_ENTRY_REFERENCE = 1 } javm_entry_kind;
typedef struct javm_entry_view {
  javm_entry_kind kind;
  bool running;       /* the top; every other entry is waiting */
  uint32_t target;    /* of a Reference: the index it points at */
  javm_hash instance; /* of an InstanceEntry: as it was called; zero while nobody has asked for its hash */
  javm_hash image;
  javm_hash image_hash_chain;
  uint32_t pc;
  uint64_t gas;
  uint64_t regs[JAVM_REG_COUNT];
} javm_entry_view;
JAVM_API size_t javm_vm_depth(const javm_vm *vm);
JAVM_API javm_status javm_vm_entry(const javm_vm *vm, size_t index, javm_entry_view *view);
JAVM_API size_t javm_vm_program_count(const javm_vm *vm);
/* Which of the config's `announce` could not be done for some program so far (javm_program_unannounced). */
JAVM_API uint32_t javm_vm_unannounced(const javm_vm *vm);
/* Checks what must always hold of the call stack. Errors: INTERNAL. */
JAVM_API javm_status javm_vm_check(const javm_vm *vm, javm_error *error);

/* --------------------------------------------------------------------------------------------- time travel */

/*
 * How far a run has come: since the invoke at the bottom of the call stack, in all entries and verbs. It stays readable behind
 * the run's end, until the next such invoke or restore. Instructions as of a result. (docs/time-travel.md)
 */
typedef struct javm_position {
  uint64_t gas; /* used, of whatever counter or meter */
  uint64_t instructions;
} javm_position;
JAVM_API void javm_vm_position(const javm_vm *vm, javm_position *position);

/* What a mark counts. */
typedef enum javm_mark {
  JAVM_MARK_GAS = 0, /* stop before the first block (in the instruction model: instruction) that would bring the gas
                                used to more than the mark: where a budget of that much would end. Every engine is as fast
                                as without. Without metering (JAVM_GAS_NONE) it is never reached */
  JAVM_MARK_INSTRUCTIONS = 1 /* stop when so many instructions have run. Without metering slow: one at a time */
} javm_mark;
#define JAVM_NO_MARK UINT64_MAX

/* Sets a mark, or with JAVM_NO_MARK takes it away. Every verb but javm_vm_step pauses with JAVM_PAUSE_MARK at the first mark
 * that it reaches, in whatever entry runs then, and at once if it is behind it; what runs on from there goes the same way as
 * if it had not stopped. With a mark of 0, an invoke pauses before its first instruction. Errors: INVALID_ARGUMENT for
 * instructions in a VM that does not count them (config: counts_instructions, or the interpreter), and while it runs. */
JAVM_API javm_status javm_vm_set_mark(javm_vm *vm, javm_mark mark, uint64_t at);

typedef enum javm_step {
  JAVM_STEP_INSTRUCTION = 0,
  JAVM_STEP_BLOCK =
      1 /* to the end of the basic block, or of what an entry runs of it at one go: also where another goes on */
} javm_step;

/* As call_resume without a scratchpad, but runs one step of the entry that goes on, by the interpreter, and pauses with
 * JAVM_PAUSE_MARK; or gives what the step came to. Marks do not count. An instruction that costs nothing by itself is one of a
 * block that was paid for at its start. */
JAVM_API javm_status javm_vm_step(javm_vm *vm, javm_step step, javm_result *result, javm_error *error);

/* Roots of a paused VM: VMs that came the same way have the same ones, on any engine. */
typedef enum javm_root_kind {
  JAVM_ROOT_WHOLE = 0, /* the hash that javm_vm_suspend would give; nothing is published */
  JAVM_ROOT_MACHINE =
      1 /* of the call stack's shape, and of each entry the registers, pc, heap's end and pages written: for runs
                           of other programs, or with other gas (which is also in the values that calls leave). No value's hash */
} javm_root_kind;
/* Errors: as javm_vm_suspend. What it costs are the pages written since the last time. */
JAVM_API javm_status javm_vm_root(javm_vm *vm, javm_root_kind kind, javm_hash *root, javm_error *error);

/* The guest memory of an InstanceEntry, between verbs. read: as javm_machine_read, with the guest's permissions. dirty_pages: the
 * start addresses of the pages written since the call, ascending, up to `capacity` of them, and how many there are. Errors:
 * OUT_OF_RANGE, also for what is no InstanceEntry; VALUE_NOT_FOUND for a page that is not in the directory; OUT_OF_MEMORY. */
JAVM_API javm_status javm_vm_read(javm_vm *vm, size_t index, uint32_t address, void *to, size_t size_bytes);
JAVM_API javm_status javm_vm_dirty_pages(javm_vm *vm, size_t index, uint32_t *addresses, size_t capacity,
                                         size_t *page_count);

/*
 * A timeline: a run with checkpoints, so that any earlier point of it is reached again by running no more than the distance
 * between two of them. A checkpoint is a fork: it costs the pages that are written after it. They are kept bounded: where there
 * are too many, every other one goes, and the distance doubles.
 *
 * What happened outside of the VM is not undone: host functions are called again on the way to an earlier point, with the same
 * arguments, and must answer the same. What the host answers between verbs (to a yield, a paused host call) it answers again:
 * javm_timeline_seek stops there, if no checkpoint lies between.
 */
typedef struct javm_timeline javm_timeline;

typedef struct javm_timeline_config {
  size_t size_bytes;        /* of this struct; set by the default-filler */
  javm_mark axis;           /* what `every` and all points count; default gas */
  uint64_t every;           /* from one checkpoint to the next, at first; default 1000000, at least 1 */
  uint32_t max_checkpoints; /* default 64, at least 2 */
  /* The kernel assist is part of the past: a copy of it goes with each checkpoint. NULL: the VM has none, or the in-process one
   * (javm_local_assist_copy). copy: an assist of the same content, until it is given to free. */
  javm_status (*copy_assist)(void *ctx, const javm_assist *assist, const javm_assist **out);
  void (*free_assist)(void *ctx, const javm_assist *assist);
  void *assist_ctx;
} javm_timeline_config;
JAVM_API void javm_timeline_config_default(javm_timeline_config *config);

/* Of a VM that is paused at a mark, from there on; to begin at the beginning, set a mark of 0 and invoke. It borrows the VM, whose
 * marks are the timeline's from now on. Errors: NOT_PAUSED, INVALID_ARGUMENT (the config; instructions that are not counted; an
 * assist that it cannot copy), OUT_OF_MEMORY. */
JAVM_API javm_status javm_timeline_new(javm_vm *vm, const javm_timeline_config *config, javm_timeline **out,
                                       javm_error *error);
/* Also frees what javm_timeline_seek gave and was not given back. The VM stays as it is, without marks. NULL is allowed. */
JAVM_API void javm_timeline_free(javm_timeline *timeline);
/* Runs the VM on, with checkpoints, up to a point (JAVM_NO_MARK: no limit), or to what else ends or pauses it; the result's gas and
 * instructions are those of the whole way. After another pause the host goes on by a verb on the VM; when that pauses at a mark,
 * by this again. Errors: NOT_PAUSED (not at a mark, nor where an error stopped a verb), those of call_resume. */
JAVM_API javm_status javm_timeline_run(javm_timeline *timeline, uint64_t until, javm_result *result, javm_error *error);
/* Another VM, as the run was at a point: paused at this mark, or where its result says. It has no trace. It may run on, and is
 * given back to javm_timeline_release. A point behind the VM's own is reached, too. Errors: OUT_OF_RANGE (before the timeline),
 * those of call_resume. */
JAVM_API javm_status javm_timeline_seek(javm_timeline *timeline, uint64_t at, javm_vm **out, javm_result *result,
                                        javm_error *error);
JAVM_API void javm_timeline_release(javm_timeline *timeline, javm_vm *vm); /* NULL is allowed */
JAVM_API size_t javm_timeline_checkpoint_count(const javm_timeline *timeline);
/* The distance now. */
JAVM_API uint64_t javm_timeline_every(const javm_timeline *timeline);

/*
 * Where two runs part: *parted false: they are the same, to the ends or the points that they were run to. Else *last_same is the
 * last point at which they are the same by this kind of root, and at the one behind it they are not; with *parted_at_start they
 * differ at their start. Of an end the outcome is compared. With `each` every point is compared, and so it is the first such
 * point; that takes as many roots. Without, the checkpoints of `a` and the ends are, and points between the first two of them where
 * that changes: no more than each run once more and some distances, as many as the distance has bits; two runs that part and come
 * together again between two checkpoints are the same then. Errors: INVALID_ARGUMENT (the timelines begin at different points or
 * have different axes), those of javm_timeline_seek and javm_vm_root.
 */
JAVM_API javm_status javm_timeline_part(javm_timeline *a, javm_timeline *b, javm_root_kind kind, bool each,
                                        bool *parted, bool *parted_at_start, uint64_t *last_same, javm_error *error);

/* -------------------------------------------------------------------------------------------- host functions */

/* A call of a host function; valid while the function runs. */
typedef struct javm_host_call javm_host_call;

typedef enum javm_host_action {
  JAVM_HOST_RETURN = 0, /* go on with the results that were set */
  JAVM_HOST_REFUSE = 1, /* trap the caller; what the function did through the call stays undone */
  JAVM_HOST_PAUSE = 2,  /* "not yet": the verb returns Paused */
  JAVM_HOST_HALT = 3    /* the caller halts, as by reply */
} javm_host_action;

/* It returns: a longjmp or an exception must not leave it. */
typedef javm_host_action (*javm_host_fn)(void *ctx, javm_host_call *call);

#define JAVM_HOST_FUNCTION_FIRST 64u
#define JAVM_HOST_FUNCTION_ANY UINT32_MAX /* register under this number to answer all that have no own function */

/* Registers (fn NULL: removes) a function under a number from JAVM_HOST_FUNCTION_FIRST (from 0 with jam_host_calls) and a
 * name (copied, at most 63 bytes, for messages; may be NULL). Not while the VM runs. */
JAVM_API javm_status javm_vm_register(javm_vm *vm, uint32_t number, const char *name, javm_host_fn fn, void *ctx);

JAVM_API uint32_t javm_host_number(const javm_host_call *call);
JAVM_API uint64_t javm_host_arg(const javm_host_call *call, unsigned index);          /* index 0..5: φ[7..12] */
JAVM_API void javm_host_return(javm_host_call *call, unsigned index, uint64_t value); /* index 0..1: φ[7], φ[8] */
/* Guest memory, with the guest's permissions: OUT_OF_RANGE without them. Writes are done when the function has
 * returned, unless with REFUSE. */
JAVM_API javm_status javm_host_read(javm_host_call *call, uint32_t address, void *to, size_t size_bytes);
JAVM_API javm_status javm_host_write(javm_host_call *call, uint32_t address, const void *from, size_t size_bytes);
/* Slots by operand (a u64 as guests give it). `get` gives a new handle or NULL; `set` with NULL empties. */
JAVM_API javm_status javm_host_slot_get(javm_host_call *call, uint64_t operand, javm_cap **out);
JAVM_API javm_status javm_host_slot_set(javm_host_call *call, uint64_t operand, javm_cap *cap);
/* The caller's gas; charge refuses (OUT_OF_RANGE) what is not there. */
JAVM_API uint64_t javm_host_gas(const javm_host_call *call);
JAVM_API javm_status javm_host_charge(javm_host_call *call, uint64_t gas);
JAVM_API javm_dir *javm_host_dir(javm_host_call *call);

#ifdef __cplusplus
}
#endif

#endif
