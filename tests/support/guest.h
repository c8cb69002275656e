/*
 * A small world for tests of the VM: a directory, a kernel assist, a VM, and the values that a test makes in it.
 * Every cap that a function here returns belongs to the world and lives until guest_close; tests release nothing.
 * Images are written as assembly text, Instances as a list of slots. The gas model is one unit for each instruction
 * unless `config` says otherwise.
 */
#ifndef JAVM_TESTS_GUEST_H
#define JAVM_TESTS_GUEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "javm.h"

typedef struct guest {
  javm_dir *dir;
  javm_local_assist *local;
  const javm_assist *assist;
  javm_vm_config config; /* of the next guest_vm */
  javm_vm *vm;
  javm_result result; /* of the last verb; cleared by the next */
  javm_error error;
  javm_cap **owned;
  size_t owned_count;
} guest;

/* Makes the world, with a VM of the default configuration (instruction model, the assist). */
void guest_open(guest *g);
/* Replaces the VM by one of g->config. */
void guest_vm(guest *g);
void guest_close(guest *g);

/* ---- values ---- */
javm_cap *guest_own(guest *g, javm_cap *cap); /* takes the caller's count; NULL is allowed */
javm_cap *guest_image(guest *g, const char *text);
/* An Image that runs one operation, with the arguments of the call as operands, and replies. */
javm_cap *guest_operation(guest *g, unsigned operation);
javm_cap *guest_data(guest *g, const char *text);
javm_cap *guest_pages(guest *g, size_t page_count, uint8_t fill); /* page i is filled with fill + i */
javm_cap *guest_kernel(guest *g, javm_kernel_image which, uint64_t id);
javm_cap *guest_by_hash(guest *g, const javm_hash *hash);

/* CNodes: pairs of slot and cap, ended by a NULL cap. */
javm_cap *guest_cnode_of(guest *g, unsigned size_log, const javm_slot_cap *slots);
#define SLOTS(...) ((const javm_slot_cap[]){__VA_ARGS__, {0, NULL}})
#define NO_SLOTS NULL
javm_cap *guest_set(guest *g, javm_cap *cnode, uint32_t slot, javm_cap *cap); /* cap NULL empties */
/* A first Instance of the Image with these root slots. */
javm_cap *guest_instance(guest *g, javm_cap *image, const javm_slot_cap *slots);
/* A copy of an Instance with other registers, pc and so on: edit the view, then make it. Overlays are kept where
 * spec->overlays stays NULL. */
javm_instance_spec guest_view(guest *g, javm_cap *instance);
javm_cap *guest_make(guest *g, const javm_instance_spec *spec);

javm_hash guest_hash(guest *g, javm_cap *cap);
javm_hash guest_put(guest *g, javm_cap *cap); /* publishes */
#define assert_same_hash(a, b) assert_memory_equal((a).bytes, (b).bytes, JAVM_HASH_BYTES)
#define assert_other_hash(a, b) assert_memory_not_equal((a).bytes, (b).bytes, JAVM_HASH_BYTES)
void assert_same_cap(guest *g, javm_cap *a, javm_cap *b); /* by hash; NULL is the same as NULL only */

/* ---- running ---- */
#define ARGS(...) ((const uint64_t[4]){__VA_ARGS__})
#define NO_ARGS ((const uint64_t[4]){0, 0, 0, 0})
#define GAS 1000000

/* The verbs, into g->result; the status is returned. `invoke` publishes the Instance first. */
javm_status guest_try(guest *g, javm_cap *instance, uint8_t endpoint, const uint64_t args[4], uint64_t gas);
void guest_invoke(guest *g, javm_cap *instance, uint8_t endpoint, const uint64_t args[4], uint64_t gas);
void guest_resume(guest *g, javm_cap *scratchpad);
void guest_deliver(guest *g);
void guest_drop(guest *g);
void guest_complete(guest *g, const uint64_t *values, size_t value_count);
javm_result *guest_fresh(guest *g); /* the result, cleared */

/* What the last verb gave. */
void assert_halted(guest *g, uint64_t value);
void assert_faulted(guest *g, javm_exit_kind kind);
void assert_refused(guest *g, javm_refusal why, uint32_t operation);
void assert_paused(guest *g, javm_pause_kind why);
void assert_depth(guest *g, size_t depth); /* and that the invariants hold */

/* The new Instance of a Halt, from the directory. */
javm_cap *guest_post(guest *g);
/* What is in a slot of an Instance, and in the slot of a CNode below. NULL: empty. */
javm_cap *guest_slot(guest *g, javm_cap *instance, uint32_t slot);
javm_cap *guest_cnode_slot(guest *g, javm_cap *cnode, uint32_t slot);
/* A slot operand: a root slot and up to three nested ones. */
#define PATH1(a, b) ((uint64_t)(a) | ((uint64_t)(b) + 1) << 8)
#define PATH2(a, b, c) (PATH1(a, b) | ((uint64_t)(c) + 1) << 24)
#define PATH3(a, b, c, d) (PATH2(a, b, c) | ((uint64_t)(d) + 1) << 40)
/* A u64 in an Instance's overlay at this address. */
uint64_t guest_word(guest *g, javm_cap *instance, uint32_t address);

/* ---- the kernel's part ---- */
/* A catcher with this number that holds the marker (by its cap's hash), published in the assist. */
javm_cap *guest_catcher(guest *g, uint64_t number, const javm_hash *marker);
void guest_catches(guest *g, javm_cap *catcher, const javm_hash *marker);
void guest_set_meter(guest *g, uint64_t id, uint64_t value);
uint64_t guest_meter(guest *g, uint64_t id);
void guest_set_quota(guest *g, uint64_t id, uint64_t value);
uint64_t guest_quota(guest *g, uint64_t id);

#endif
