/*
 * javm.h for guests: every operation of the VM as an inline function, host functions, and the macros that declare what
 * the Image has besides its code. For C11 and C++11 with clang, by javm-cc (RV64E). The page about guests is
 * docs/guests.md.
 *
 * An endpoint is a function of up to four uint64_t that returns a uint64_t:
 *
 *     #include <javm.h>
 *     static uint64_t count;                                   // kept from call to call, as all of .data and .bss
 *     static uint64_t add(uint64_t n) { return count += n; }
 *     JAVM_ENDPOINT(0, add);
 *
 * What always holds:
 *   - An operation that is refused (a slot out of range, empty or pinned, a cap of the wrong kind, ...) ends the call
 *     as a trap and has changed nothing; so no operation here returns an error.
 *   - Registers other than the results are kept, memory is touched only where a pointer is passed.
 */
#ifndef JAVM_GUEST_H
#define JAVM_GUEST_H

#if !defined(__riscv) || __riscv_xlen != 64
#error "this javm.h is for guests (riscv64, rv64emac_zbb, lp64e): compile with javm-cc; hosts use include/javm.h"
#endif

#include <stdbool.h>
#include <stdint.h>

#define JAVM_INLINE_ static inline __attribute__((always_inline, unused))
#ifdef __cplusplus
#define JAVM_STATIC_ASSERT_(condition, text) static_assert(condition, text)
#else
#define JAVM_STATIC_ASSERT_(condition, text) _Static_assert(condition, text)
#endif
#define JAVM_JOIN2_(a, b) a##b
#define JAVM_JOIN_(a, b) JAVM_JOIN2_(a, b)
#define JAVM_TEXT2_(...) #__VA_ARGS__
#define JAVM_TEXT_(...) JAVM_TEXT2_(__VA_ARGS__)

/* ------------------------------------------------------------------------------------------------- constants */

#define JAVM_PAGE_BYTES 4096u

/* javm_results.status after javm_call, javm_resume_yield and javm_call_resume. */
enum {
  JAVM_CALL_OK = 0,      /* ended well: value is the answer */
  JAVM_CALL_PAUSED = 1,  /* you caught a yield: value is the index of its marker in your catcher's list */
  JAVM_CALL_FAULTED = 2, /* value is one of JAVM_FAULT_... */
};

/* javm_results.value of a call that faulted. */
enum {
  JAVM_FAULT_DROPPED = 0, /* the host dropped a yielder that you catch */
  JAVM_FAULT_TRAP = 1,    /* also: an operation was refused */
  JAVM_FAULT_PANIC = 2,
  JAVM_FAULT_OUT_OF_GAS = 3,
  JAVM_FAULT_PAGE_FAULT = 4,
};

/* javm_kind_of. */
enum {
  JAVM_KIND_EMPTY = 0,
  JAVM_KIND_INSTANCE = 1,
  JAVM_KIND_IMAGE = 2,
  JAVM_KIND_DATA = 3,
  JAVM_KIND_CNODE = 4,
  JAVM_KIND_TYPE = 5,
};

#define JAVM_HOST_FUNCTION_FIRST 64
#define JAVM_HOST_WRITE 64 /* see javm_write */

/* What an operation with two results gives. */
struct javm_results {
  uint64_t value;  /* a0 */
  uint64_t status; /* a1; of a host function: its second result */
};
typedef struct javm_results javm_results;

/* ----------------------------------------------------------------------------------------------- slot operands */

/* Names a slot: 0 to 255 is a slot of the root table; a path leads on into CNodes. */
typedef uint64_t javm_slot;

/* The slot that is `n` (0 to 65534) in the CNode in slot `path`: javm_path(5, 9); javm_path(javm_path(5, 9), 2). At
 * most three steps below the root. */
JAVM_INLINE_ javm_slot javm_path(javm_slot path, uint64_t n) {
  return path | (n + 1) << (path >> 24 ? 40 : path >> 8 ? 24 : 8);
}
JAVM_INLINE_ javm_slot javm_path2(javm_slot slot, uint64_t n, uint64_t m) { return javm_path(slot, n) | (m + 1) << 24; }
JAVM_INLINE_ javm_slot javm_path3(javm_slot slot, uint64_t n, uint64_t m, uint64_t k) {
  return javm_path2(slot, n, m) | (k + 1) << 40;
}

/* ------------------------------------------------------------------------------------------ how operations are made */

/* Operation n is `ecalli n` (custom opcode 0x0b); operands and results are in a0, a1, ... */
#define JAVM_ECALLI_ ".insn u 0x0b, x0, "
#define JAVM_REG_(i) register uint64_t a##i __asm__("a" #i)

#define JAVM_IN1_ "r"(a0)
#define JAVM_IN2_ "r"(a0), "r"(a1)
#define JAVM_IN3_ "r"(a0), "r"(a1), "r"(a2)
#define JAVM_IN4_ "r"(a0), "r"(a1), "r"(a2), "r"(a3)

/* ------------------------------------------------------------------------------------------------------ the call */

/* 0: ends the call with an answer, from anywhere in it. (Returning from the endpoint does the same.) */
__attribute__((noreturn)) JAVM_INLINE_ void javm_reply(uint64_t value) {
  JAVM_REG_(0) = value;
  __asm__ volatile(JAVM_ECALLI_ "0" : : "r"(a0) : "memory");
  __builtin_trap(); /* never reached: it says to the compiler and the linker that nothing follows */
}

/* Ends the call as a fault (trap): nothing of the call remains. */
__attribute__((noreturn)) JAVM_INLINE_ void javm_trap(void) { __builtin_trap(); }

/* 36: the gas that is left. */
JAVM_INLINE_ uint64_t javm_gas_left(void) {
  JAVM_REG_(0);
  __asm__ volatile(JAVM_ECALLI_ "36" : "=r"(a0));
  return a0;
}

/* ---------------------------------------------------------------------------------------------------------- slots */

/* 1: `dst` becomes what `src` holds. */
JAVM_INLINE_ void javm_copy(javm_slot src, javm_slot dst) {
  JAVM_REG_(0) = src;
  JAVM_REG_(1) = dst;
  __asm__ volatile(JAVM_ECALLI_ "1" : : JAVM_IN2_);
}

/* 2: as copy, and empties `src`. Refused: a CNode into itself. */
JAVM_INLINE_ void javm_move(javm_slot src, javm_slot dst) {
  JAVM_REG_(0) = src;
  JAVM_REG_(1) = dst;
  __asm__ volatile(JAVM_ECALLI_ "2" : : JAVM_IN2_);
}

/* 3: empties `slot`, which may be empty. */
JAVM_INLINE_ void javm_drop(javm_slot slot) {
  JAVM_REG_(0) = slot;
  __asm__ volatile(JAVM_ECALLI_ "3" : : JAVM_IN1_);
}

/* 4: exchanges what two slots hold; either may be empty. */
JAVM_INLINE_ void javm_swap(javm_slot a, javm_slot b) {
  JAVM_REG_(0) = a;
  JAVM_REG_(1) = b;
  __asm__ volatile(JAVM_ECALLI_ "4" : : JAVM_IN2_);
}

/* 5: `dst` becomes an empty CNode of 2^size_log slots (size_log at most 16). */
JAVM_INLINE_ void javm_mint_cnode(javm_slot dst, uint64_t size_log) {
  JAVM_REG_(0) = dst;
  JAVM_REG_(1) = size_log;
  __asm__ volatile(JAVM_ECALLI_ "5" : : JAVM_IN2_);
}

/* 37: what a slot holds, one of JAVM_KIND_... */
JAVM_INLINE_ uint64_t javm_kind_of(javm_slot src) {
  JAVM_REG_(0) = src;
  __asm__ volatile(JAVM_ECALLI_ "37" : "+r"(a0));
  return a0;
}

/* 35: gives the host a copy of the cap, when the whole invocation ends well. */
JAVM_INLINE_ void javm_emit(javm_slot src) {
  JAVM_REG_(0) = src;
  __asm__ volatile(JAVM_ECALLI_ "35" : : JAVM_IN1_);
}

/* ----------------------------------------------------------------------------------------------------------- Data */

/* 22: copies from a Data to memory, from `offset` in it, at most `length` bytes; returns how many there were. */
JAVM_INLINE_ uint64_t javm_read_data(javm_slot data, void *to, uint64_t length, uint64_t offset) {
  JAVM_REG_(0) = data;
  JAVM_REG_(1) = (uint64_t)to;
  JAVM_REG_(2) = length;
  JAVM_REG_(3) = offset;
  __asm__ volatile(JAVM_ECALLI_ "22" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3) : "memory");
  return a0;
}

/* 23: `dst` becomes a Data of what is in memory, filled up with zeros to whole pages; costs their bytes in quota. */
JAVM_INLINE_ void javm_mint_data(const void *from, uint64_t length, javm_slot quota, javm_slot dst) {
  JAVM_REG_(0) = (uint64_t)from;
  JAVM_REG_(1) = length;
  JAVM_REG_(2) = quota;
  JAVM_REG_(3) = dst;
  __asm__ volatile(JAVM_ECALLI_ "23" : : JAVM_IN4_ : "memory");
}

/* 24: `dst` becomes the Data of a file. */
JAVM_INLINE_ void javm_open(javm_slot file, javm_slot dst) {
  JAVM_REG_(0) = file;
  JAVM_REG_(1) = dst;
  __asm__ volatile(JAVM_ECALLI_ "24" : : JAVM_IN2_);
}

/* 25: `dst` becomes a handle of a new file with that Data; costs quota. */
JAVM_INLINE_ void javm_save(javm_slot data, javm_slot quota, javm_slot dst) {
  JAVM_REG_(0) = data;
  JAVM_REG_(1) = quota;
  JAVM_REG_(2) = dst;
  __asm__ volatile(JAVM_ECALLI_ "25" : : JAVM_IN3_);
}

/* ----------------------------------------------------------------------------------------------- Images, Instances */

/* 17: goes on in a new Image, in this frame, with the same registers and memory, at the same place: so the new Image's
 * code must be laid out as this one's at least here. */
JAVM_INLINE_ void javm_set_image(javm_slot image) {
  JAVM_REG_(0) = image;
  __asm__ volatile(JAVM_ECALLI_ "17" : : JAVM_IN1_ : "memory");
}

/* 18: `dst` becomes a new Instance of an Image with the CNode's 256 slots; the CNode is consumed. */
JAVM_INLINE_ void javm_derive_spawn(javm_slot image, javm_slot cnode, javm_slot dst) {
  JAVM_REG_(0) = image;
  JAVM_REG_(1) = cnode;
  JAVM_REG_(2) = dst;
  __asm__ volatile(JAVM_ECALLI_ "18" : : JAVM_IN3_);
}

/* 19: `dst` becomes the Image whose serialized form is in memory. What it bakes in must be in your root slots. */
JAVM_INLINE_ void javm_make_image(const void *from, uint64_t length, javm_slot dst) {
  JAVM_REG_(0) = (uint64_t)from;
  JAVM_REG_(1) = length;
  JAVM_REG_(2) = dst;
  __asm__ volatile(JAVM_ECALLI_ "19" : : JAVM_IN3_ : "memory");
}

/* 26: calls an Instance's endpoint. What you have in slot 0 moves to its slot 0, and back what it leaves there. See
 * JAVM_CALL_... for what comes back. */
JAVM_INLINE_ javm_results javm_call(javm_slot instance, uint64_t endpoint, uint64_t arg0, uint64_t arg1, uint64_t arg2,
                                    uint64_t arg3) {
  JAVM_REG_(0) = instance;
  JAVM_REG_(1) = endpoint;
  JAVM_REG_(2) = arg0;
  JAVM_REG_(3) = arg1;
  JAVM_REG_(4) = arg2;
  JAVM_REG_(5) = arg3;
  __asm__ volatile(JAVM_ECALLI_ "26" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a4), "r"(a5));
  javm_results results = {a0, a1};
  return results;
}

/* ---------------------------------------------------------------------------------------------------------- types */

/* 20: are two Instances of one lineage? */
JAVM_INLINE_ bool javm_same_type(javm_slot a, javm_slot b) {
  JAVM_REG_(0) = a;
  JAVM_REG_(1) = b;
  __asm__ volatile(JAVM_ECALLI_ "20" : "+r"(a0) : "r"(a1));
  return a0 != 0;
}

/* 21: `dst` becomes the Type of an Instance. */
JAVM_INLINE_ void javm_type_of(javm_slot instance, javm_slot dst) {
  JAVM_REG_(0) = instance;
  JAVM_REG_(1) = dst;
  __asm__ volatile(JAVM_ECALLI_ "21" : : JAVM_IN2_);
}

/* 32: is a's lineage that of b, extended by the Images in `images`, at most 256? */
JAVM_INLINE_ bool javm_same_type_as(javm_slot a, javm_slot b, const javm_slot *images, uint64_t count) {
  JAVM_REG_(0) = a;
  JAVM_REG_(1) = b;
  JAVM_REG_(2) = (uint64_t)images;
  JAVM_REG_(3) = count;
  __asm__ volatile(JAVM_ECALLI_ "32" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3) : "memory");
  return a0 != 0;
}

/* 33: `dst` becomes a Type extended by the Images in `images`, at most 256. */
JAVM_INLINE_ void javm_subtype(javm_slot type, const javm_slot *images, uint64_t count, javm_slot dst) {
  JAVM_REG_(0) = type;
  JAVM_REG_(1) = (uint64_t)images;
  JAVM_REG_(2) = count;
  JAVM_REG_(3) = dst;
  __asm__ volatile(JAVM_ECALLI_ "33" : : JAVM_IN4_ : "memory");
}

/* 34: are two Types equal? */
JAVM_INLINE_ bool javm_type_eq(javm_slot a, javm_slot b) {
  JAVM_REG_(0) = a;
  JAVM_REG_(1) = b;
  __asm__ volatile(JAVM_ECALLI_ "34" : "+r"(a0) : "r"(a1));
  return a0 != 0;
}

/* --------------------------------------------------------------------------------------------------------- yields */

/* 16: yields with a marker, a slot with any cap; returns when resumed, with the answer in slot 0. */
JAVM_INLINE_ void javm_yield(javm_slot marker) {
  JAVM_REG_(0) = marker;
  __asm__ volatile(JAVM_ECALLI_ "16" : : JAVM_IN1_);
}

/* 27: after a call that came back JAVM_CALL_PAUSED: gives slot 0 to the yielder and lets it run on. The call goes on
 * with it, so this returns what that call now gives: an answer, a fault, or the next yield. */
JAVM_INLINE_ javm_results javm_resume_yield(void) {
  JAVM_REG_(0);
  JAVM_REG_(1);
  __asm__ volatile(JAVM_ECALLI_ "27" : "=r"(a0), "=r"(a1));
  javm_results results = {a0, a1};
  return results;
}

/* 28: after a call that came back JAVM_CALL_PAUSED: abandons the yielder. Nothing that it did remains. */
JAVM_INLINE_ void javm_drop_yield(void) { __asm__ volatile(JAVM_ECALLI_ "28"); }

/* 29: after a call that came back JAVM_CALL_PAUSED: `dst` becomes what is paused, as a Paused Instance. Your call is over. */
JAVM_INLINE_ void javm_keep_yield(javm_slot dst) {
  JAVM_REG_(0) = dst;
  __asm__ volatile(JAVM_ECALLI_ "29" : : JAVM_IN1_);
}

/* 30: resumes a Paused Instance; slot 0 and results as for javm_call. What ends well replaces it in its slot. */
JAVM_INLINE_ javm_results javm_call_resume(javm_slot paused) {
  JAVM_REG_(0) = paused;
  JAVM_REG_(1);
  __asm__ volatile(JAVM_ECALLI_ "30" : "+r"(a0), "=r"(a1));
  javm_results results = {a0, a1};
  return results;
}

/* 31: empties a slot that holds a Paused Instance. */
JAVM_INLINE_ void javm_drop_paused(javm_slot paused) {
  JAVM_REG_(0) = paused;
  __asm__ volatile(JAVM_ECALLI_ "31" : : JAVM_IN1_);
}

/* ---------------------------------------------------------------------------------------------- kernel Instances */

/* What holding one of the kernel's Instances gives the right to; each is a call of it (docs/guests.md). Where your slot 0 is
 * pinned, nothing gets there. */

/* Sets gas meter or storage quota `id`; returns what it held. Undone if your call ends badly. */
JAVM_INLINE_ uint64_t javm_set_gas_meter(javm_slot setter, uint64_t id, uint64_t value) {
  return javm_call(setter, 0, id, value, 0, 0).value;
}
JAVM_INLINE_ uint64_t javm_set_storage_quota(javm_slot setter, uint64_t id, uint64_t value) {
  return javm_call(setter, 0, id, value, 0, 0).value;
}

/* Slot 0 becomes a handle of gas meter or storage quota `id`. */
JAVM_INLINE_ void javm_mint_gas(javm_slot mint, uint64_t id) { javm_call(mint, 0, id, 0, 0, 0); }
JAVM_INLINE_ void javm_mint_quota(javm_slot mint, uint64_t id) { javm_call(mint, 0, id, 0, 0, 0); }

/* Slot 0 becomes a new yield catcher, with an empty list. */
JAVM_INLINE_ void javm_create_yield_catcher(javm_slot creator) { javm_call(creator, 0, 0, 0, 0, 0); }

/* Adds the cap in slot 0 to a catcher's list of markers, or removes it; it stays in slot 0. False: there is none. */
JAVM_INLINE_ bool javm_catcher_add(javm_slot catcher) {
  return javm_call(catcher, 0, 0, 0, 0, 0).status == JAVM_CALL_OK;
}
JAVM_INLINE_ bool javm_catcher_remove(javm_slot catcher) {
  return javm_call(catcher, 1, 0, 0, 0, 0).status == JAVM_CALL_OK;
}

/* Slot 0 becomes a Data of the markers' hashes, 32 bytes each, in order. */
JAVM_INLINE_ void javm_catcher_read(javm_slot catcher) { javm_call(catcher, 2, 0, 0, 0, 0); }

/* ------------------------------------------------------------------------------------------------- host functions */

/*
 * javm_host_call0(n) ... javm_host_call6(n, x0, ... x5): calls the embedder's function n, a constant from 64 to 2^20 -
 * 1, with up to six operands (integers or pointers). javm_results holds its results; what it doesn't set is undefined.
 * It may read and write memory and slots.
 */
#define JAVM_HOST_REG_(i) register uint64_t javm_a##i##_ __asm__("a" #i)
#define JAVM_HOST_CALL_(n, outputs, inputs)                                                                            \
  JAVM_STATIC_ASSERT_((n) >= 64 && (n) < 1 << 20, "host functions have numbers from 64 to 2^20 - 1");                  \
  __asm__ volatile(JAVM_ECALLI_ "%[number]" : outputs:inputs : "memory");                                              \
  struct javm_results javm_results_ = {javm_a0_, javm_a1_};                                                            \
  javm_results_
#define JAVM_HOST_LIST_(...) __VA_ARGS__
#define javm_host_call0(n)                                                                                             \
  __extension__({                                                                                                      \
    JAVM_HOST_REG_(0);                                                                                                 \
    JAVM_HOST_REG_(1);                                                                                                 \
    JAVM_HOST_CALL_(n, JAVM_HOST_LIST_("=r"(javm_a0_), "=r"(javm_a1_)), [number] "i"(n));                              \
  })
#define javm_host_call1(n, x0)                                                                                         \
  __extension__({                                                                                                      \
    uint64_t javm_x0_ = (uint64_t)(x0);                                                                                \
    JAVM_HOST_REG_(0) = javm_x0_;                                                                                      \
    JAVM_HOST_REG_(1);                                                                                                 \
    JAVM_HOST_CALL_(n, JAVM_HOST_LIST_("+r"(javm_a0_), "=r"(javm_a1_)), [number] "i"(n));                              \
  })
#define javm_host_call2(n, x0, x1) JAVM_HOST_CALL_FROM_2_(n, x0, x1, 0, 0, 0, 0, )
#define javm_host_call3(n, x0, x1, x2) JAVM_HOST_CALL_FROM_2_(n, x0, x1, x2, 0, 0, 0, JAVM_HOST_LIST_(, "r"(javm_a2_)))
#define javm_host_call4(n, x0, x1, x2, x3)                                                                             \
  JAVM_HOST_CALL_FROM_2_(n, x0, x1, x2, x3, 0, 0, JAVM_HOST_LIST_(, "r"(javm_a2_), "r"(javm_a3_)))
#define javm_host_call5(n, x0, x1, x2, x3, x4)                                                                         \
  JAVM_HOST_CALL_FROM_2_(n, x0, x1, x2, x3, x4, 0, JAVM_HOST_LIST_(, "r"(javm_a2_), "r"(javm_a3_), "r"(javm_a4_)))
#define javm_host_call6(n, x0, x1, x2, x3, x4, x5)                                                                     \
  JAVM_HOST_CALL_FROM_2_(n, x0, x1, x2, x3, x4, x5,                                                                    \
                         JAVM_HOST_LIST_(, "r"(javm_a2_), "r"(javm_a3_), "r"(javm_a4_), "r"(javm_a5_)))
/* All operands are evaluated before the first register is set. Registers that `more` doesn't name cost nothing. */
#define JAVM_HOST_CALL_FROM_2_(n, x0, x1, x2, x3, x4, x5, more)                                                        \
  __extension__({                                                                                                      \
    uint64_t javm_x0_ = (uint64_t)(x0), javm_x1_ = (uint64_t)(x1), javm_x2_ = (uint64_t)(x2);                          \
    uint64_t javm_x3_ = (uint64_t)(x3), javm_x4_ = (uint64_t)(x4), javm_x5_ = (uint64_t)(x5);                          \
    JAVM_HOST_REG_(0) = javm_x0_;                                                                                      \
    JAVM_HOST_REG_(1) = javm_x1_;                                                                                      \
    JAVM_HOST_REG_(2) = javm_x2_;                                                                                      \
    JAVM_HOST_REG_(3) = javm_x3_;                                                                                      \
    JAVM_HOST_REG_(4) = javm_x4_;                                                                                      \
    JAVM_HOST_REG_(5) = javm_x5_;                                                                                      \
    (void)javm_a2_, (void)javm_a3_, (void)javm_a4_, (void)javm_a5_;                                                    \
    JAVM_HOST_CALL_(n, JAVM_HOST_LIST_("+r"(javm_a0_), "+r"(javm_a1_)), JAVM_HOST_LIST_([number] "i"(n)more));         \
  })

/* Any operation or host function by a number that is known only at run time (`ecall`). The number travels in a4, where
 * the fifth operand would be: so there are four operands. (javm_call has six and can't be made this way.) */
JAVM_INLINE_ javm_results javm_ecall(uint64_t number, uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3) {
  JAVM_REG_(0) = x0;
  JAVM_REG_(1) = x1;
  JAVM_REG_(2) = x2;
  JAVM_REG_(3) = x3;
  JAVM_REG_(4) = number;
  __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a4) : "memory");
  javm_results results = {a0, a1};
  return results;
}

/* Host function 64, as `javm run` provides it: writes to descriptor 1 (stdout) or 2 (stderr); returns the bytes
 * written, or (uint64_t)-1. Embedders may have none, or another, under this number. */
JAVM_INLINE_ uint64_t javm_write(uint64_t descriptor, const void *from, uint64_t length) {
  return javm_host_call3(JAVM_HOST_WRITE, descriptor, from, length).value;
}

/* ---------------------------------------------------------------------------------------------------- instructions */

/* Grows the heap (JAVM_HEAP_SIZE) by `bytes` and returns its old end, or NULL if there is no room; 0 bytes: its current
 * end. The heap's contents are forgotten at the end of the call, unlike what malloc of the libc gives. */
JAVM_INLINE_ void *javm_sbrk(uint64_t bytes) {
  void *old;
  __asm__ volatile(".insn r 0x2b, 0, 0, %0, %1, x0" : "=r"(old) : "r"(bytes) : "memory");
  return old;
}

/* Says that this place is seldom reached, so that the paths to it are metered and compiled for the other side. */
JAVM_INLINE_ void javm_unlikely(void) { __asm__ volatile(".insn r 0x2b, 1, 0, x0, x0, x0"); }

/* ---------------------------------------------------------------------------------------- what the Image declares */

/*
 * At file scope, with a semicolon behind. Each makes a record in section .javm.meta, which `javm link` reads and which
 * is not part of guest memory.
 */
struct javm_record {
  uint32_t kind;
  uint32_t index;
  const void *address;
  uint64_t size;
  uint32_t a;
  uint32_t b;
};
JAVM_STATIC_ASSERT_(sizeof(struct javm_record) == 32, "as javm link reads it");

#define JAVM_RECORD_(kind, index, address, size, a, b)                                                                 \
  JAVM_STATIC_ASSERT_((uint64_t)(index) <= 255, "endpoints and slots have numbers from 0 to 255");                     \
  static const struct javm_record JAVM_JOIN_(javm_record_, __COUNTER__)                                                \
      __attribute__((section(".javm.meta"), used, retain, aligned(8))) = {kind, index, address, size, a, b}

/* JAVM_ENDPOINT(index, function): endpoint 0 to 255 is a function of none to four uint64_t that returns uint64_t. */
#define JAVM_ENDPOINT(index, function) JAVM_ENDPOINT_CNODE(index, function, 0)
/* ... with the arg_cnode_size that the Image says. */
#define JAVM_ENDPOINT_CNODE(index, function, arg_cnode_size)                                                           \
  JAVM_STATIC_ASSERT_(JAVM_ARITY_(function) <= 4, "an endpoint takes up to four uint64_t and returns a uint64_t");     \
  JAVM_ENDPOINT_AS(index, function, JAVM_ARITY_(function), arg_cnode_size)
/* ... of a function of any type, which the caller of the endpoint must know; arg_registers 0 to 4. */
#define JAVM_ENDPOINT_AS(index, function, arg_registers, arg_cnode_size)                                               \
  __asm__(".weak _start\n.set _start, 0"); /* so that the start code for main stays out */                             \
  JAVM_RECORD_(1, index, (const void *)(function), 0, arg_registers, arg_cnode_size)

#ifdef __cplusplus
extern "C++" {
static constexpr uint32_t JAVM_ARITY_(uint64_t (*)()) { return 0; }
static constexpr uint32_t JAVM_ARITY_(uint64_t (*)(uint64_t)) { return 1; }
static constexpr uint32_t JAVM_ARITY_(uint64_t (*)(uint64_t, uint64_t)) { return 2; }
static constexpr uint32_t JAVM_ARITY_(uint64_t (*)(uint64_t, uint64_t, uint64_t)) { return 3; }
static constexpr uint32_t JAVM_ARITY_(uint64_t (*)(uint64_t, uint64_t, uint64_t, uint64_t)) { return 4; }
}
#else
#define JAVM_IS_(function, ...) __builtin_types_compatible_p(__typeof__(*(function)), uint64_t(__VA_ARGS__))
#define JAVM_ARITY_(function)                                                                                          \
  (JAVM_IS_(function, void)                                     ? 0                                                    \
   : JAVM_IS_(function, uint64_t)                               ? 1                                                    \
   : JAVM_IS_(function, uint64_t, uint64_t)                     ? 2                                                    \
   : JAVM_IS_(function, uint64_t, uint64_t, uint64_t)           ? 3                                                    \
   : JAVM_IS_(function, uint64_t, uint64_t, uint64_t, uint64_t) ? 4                                                    \
                                                                : 5)
#endif

/* Bytes for the macros below that should not be in the guest's memory as well: JAVM_UNMAPPED static const char t[] =
 * "..."; */
#define JAVM_UNMAPPED __attribute__((section(".javm.blob")))

/* JAVM_PIN_DATA(slot, object): pins a Data of the object's initial bytes, filled up with zeros to whole pages. */
#define JAVM_PIN_DATA(slot, object) JAVM_RECORD_(2, slot, &(object), sizeof(object), 0, 0)
/* JAVM_INITIAL_DATA(slot, object): the same as what the slot of a new Instance holds at first. */
#define JAVM_INITIAL_DATA(slot, object) JAVM_RECORD_(4, slot, &(object), sizeof(object), 0, 0)
/* JAVM_PIN_IMAGE_OBJECT(slot, object): pins the Image whose bytes (a bundle, or an encoded Image) the object is. */
#define JAVM_PIN_IMAGE_OBJECT(slot, object) JAVM_RECORD_(3, slot, &(object), sizeof(object), 0, 0)

/* JAVM_PIN_DATA_FILE(slot, "file"), JAVM_INITIAL_DATA_FILE, JAVM_PIN_IMAGE(slot, "child.img"): the same with the bytes
 * of a file, looked for in the current directory and then in those of -I. `slot` is a plain number, or a macro that is
 * one. */
#define JAVM_PIN_DATA_FILE(slot, file) JAVM_FILE_(2, slot, file, __COUNTER__)
#define JAVM_INITIAL_DATA_FILE(slot, file) JAVM_FILE_(4, slot, file, __COUNTER__)
#define JAVM_PIN_IMAGE(slot, file) JAVM_FILE_(3, slot, file, __COUNTER__)

#define JAVM_FILE_(kind, slot, file, unique) JAVM_FILE2_(kind, slot, file, unique)
#define JAVM_FILE2_(kind, slot, file, unique)                                                                          \
  JAVM_STATIC_ASSERT_((uint64_t)(slot) <= 255, "slots have numbers from 0 to 255");                                    \
  __asm__(".pushsection .javm.blob.file,\"aR\",@progbits\n"                                                            \
          ".Ljavm_file_" #unique ": .incbin \"" file "\"\n"                                                            \
          ".Ljavm_file_" #unique "_end:\n"                                                                             \
          ".popsection\n"                                                                                              \
          ".pushsection .javm.meta.file,\"aR\",@progbits\n"                                                            \
          ".balign 8\n"                                                                                                \
          ".word " #kind ", " #slot "\n"                                                                               \
          ".quad .Ljavm_file_" #unique "\n"                                                                            \
          ".quad .Ljavm_file_" #unique "_end - .Ljavm_file_" #unique "\n"                                              \
          ".word 0, 0\n"                                                                                               \
          ".popsection")

/* The slots where the VM looks for a gas handle, a quota handle and a yield catcher (docs/guests.md). */
#define JAVM_GAS_SLOT(slot) JAVM_RECORD_(5, slot, 0, 0, 0, 0)
#define JAVM_QUOTA_SLOT(slot) JAVM_RECORD_(6, slot, 0, 0, 0, 0)
#define JAVM_YIELD_MARKER_SLOT(slot) JAVM_RECORD_(7, slot, 0, 0, 0, 0)

/* Bytes of stack (1 MiB without this), of the heap for javm_sbrk (none without this) and of the memory that malloc
 * hands out (16 MiB without this): plain numbers without suffix, or expressions of such. The options --stack-size,
 * --heap-size and --arena-size of javm-cc win over the first two and take the place of the third. */
#define JAVM_STACK_SIZE(bytes) JAVM_SIZE_(__javm_stack_size, bytes)
#define JAVM_HEAP_SIZE(bytes) JAVM_SIZE_(__javm_heap_size, bytes)
#define JAVM_ARENA_SIZE(bytes) JAVM_SIZE_(__javm_arena_size, bytes)
#define JAVM_SIZE_(symbol, bytes) __asm__(".globl " #symbol "\n.set " #symbol ", " JAVM_TEXT_(bytes))

#endif
