/* For tests of yields, included once by each: a world with a marker and a catcher that holds it, and pieces of code. */
#ifndef JAVM_TESTS_YIELDS_H
#define JAVM_TESTS_YIELDS_H

#include "support/guest.h"

static guest g;
static javm_cap *marker, *catcher; /* the catcher with number 1 holds the marker, alone */

static inline int setup_yields(void **state) {
  (void)state;
  guest_open(&g);
  marker = guest_data(&g, "marker");
  javm_hash key = guest_hash(&g, marker);
  catcher = guest_catcher(&g, 1, &key);
  return 0;
}

static inline int teardown(void **state) {
  (void)state;
  guest_close(&g);
  return 0;
}

static inline javm_cap *instance_of(const char *text, const javm_slot_cap *slots) {
  return guest_instance(&g, guest_image(&g, text), slots);
}

#define CATCH ".yield_marker_slot 8\n"
#define CALL3 "load_imm a0, 3\nload_imm a1, 0\necalli 26\n"
#define YIELD1 "load_imm a0, 1\necalli 16\n"
/* Replies with φ[7] + φ[8] · 2^32. */
#define REPLY_BOTH "shlo_l_imm_64 a1, a1, 32\nadd_64 a0, a0, a1\necalli 0\n"
#define RESULT(value, status) ((uint64_t)(value) + ((uint64_t)(status) << 32))
/* Yields what is in slot 1, then replies with 100 + kind of what is in slot 0. */
#define YIELDER YIELD1 "load_imm a0, 0\necalli 37\nadd_imm_64 a0, a0, 100\necalli 0\n"

static inline javm_cap *yielder(void) { return instance_of(YIELDER, SLOTS({1, marker})); }

#endif
