/*
 * A parent with one child. It carries the child's Image, spawns it at the first call, and keeps it in a slot: each call
 * of the child that ends well replaces what is there.
 */
#include "child.h"

#define CHILD_IMAGE 64
#define QUOTA 65 /* from the host */
#define GAS 66   /* from the host, if the child is to have a meter of its own */
#define CHILD 70
#define SLOTS 71

JAVM_PIN_IMAGE(CHILD_IMAGE, "child.img");
JAVM_QUOTA_SLOT(QUOTA);

static javm_results call_child(uint64_t endpoint, uint64_t argument) {
  if (javm_kind_of(CHILD) == JAVM_KIND_EMPTY) {
    javm_mint_cnode(SLOTS, 8);
    if (javm_kind_of(QUOTA) != JAVM_KIND_EMPTY) javm_copy(QUOTA, javm_path(SLOTS, CHILD_QUOTA));
    if (javm_kind_of(GAS) != JAVM_KIND_EMPTY) javm_copy(GAS, javm_path(SLOTS, CHILD_GAS));
    javm_derive_spawn(CHILD_IMAGE, SLOTS, CHILD);
  }
  return javm_call(CHILD, endpoint, argument, 0, 0, 0);
}

/* 0: sends the child a text; what comes back goes on to our own caller, in slot 0. Answers the letters that changed. */
static uint64_t talk(void) {
  static const char greeting[] = "Hello, child. How are you?\n";
  javm_mint_data(greeting, sizeof greeting - 1, QUOTA, 0);
  javm_results r = call_child(CHILD_UPPER, 0);
  if (r.status != JAVM_CALL_OK) javm_trap();
  char answer[sizeof greeting] = "";
  javm_read_data(0, answer, sizeof answer - 1, 0);
  for (uint64_t i = 0; i < sizeof greeting - 1; i++)
    if ((answer[i] | 0x20) != (greeting[i] | 0x20)) javm_trap();
  return r.value;
}

/* 1: how often the child was asked. */
static uint64_t asked(void) { return call_child(CHILD_CALLS, 0).value; }

/* 2: lets the child fail. Answers 16 * status + value: 0x21 is a trap, ... */
static uint64_t let_fail(uint64_t how) {
  javm_results r = call_child(CHILD_FAIL, how);
  return 16 * r.status + r.value;
}

JAVM_ENDPOINT(0, talk);
JAVM_ENDPOINT(1, asked);
JAVM_ENDPOINT(2, let_fail);
