/* The child of parent.c. Text comes and goes as a Data in slot 0; what it counts is its own. */
#include "child.h"

JAVM_GAS_SLOT(CHILD_GAS); /* nothing in it: it spends its caller's gas */

static uint64_t calls;
static char text[JAVM_PAGE_BYTES];

static uint64_t upper(void) {
  uint64_t changed = 0;
  uint64_t length = javm_read_data(0, text, sizeof text, 0);
  for (uint64_t i = 0; i < length; i++) {
    if (text[i] < 'a' || text[i] > 'z') continue;
    text[i] -= 'a' - 'A';
    changed++;
  }
  javm_mint_data(text, length, CHILD_QUOTA, 0);
  calls++;
  return changed;
}

static uint64_t call_count(void) { return calls; }

static uint64_t fail(uint64_t how) {
  calls += 100; /* the fault undoes it */
  switch (how) {
    case FAIL_TRAP: javm_trap();
    case FAIL_REFUSED: javm_move(200, 201); break; /* nothing is there */
    case FAIL_PANIC: ((void (*)(void))(uintptr_t)1)(); break;
    case FAIL_PAGE_FAULT: return *(volatile uint64_t *)(uintptr_t)16;
    case FAIL_ENDLESS:
      for (volatile uint64_t i = 0;; i++) continue;
  }
  return 0;
}

JAVM_ENDPOINT(CHILD_UPPER, upper);
JAVM_ENDPOINT(CHILD_CALLS, call_count);
JAVM_ENDPOINT(CHILD_FAIL, fail);
