/*
 * Runs progress.c and catches what it yields. Where the host lets guests catch (javm run --yields catcher), it looks at
 * the progress and lets it run on, or has seen enough; else the host does that.
 */
#include "progress.h"

#define SEARCH_IMAGE 64
#define CATCHER 65 /* from the host: catches progress_marker, first in its list */
#define SEARCH 70
#define SLOTS 71

JAVM_PIN_IMAGE(SEARCH_IMAGE, "progress.img");
JAVM_YIELD_MARKER_SLOT(CATCHER);
JAVM_QUOTA_SLOT(PROGRESS_QUOTA);

static struct progress last; /* what was seen last, in all calls */
static uint64_t seen;

/* Runs a search; abandons it as soon as a chain has `enough` steps (0: never). Answers the number with the longest
 * chain that it knows of. */
static uint64_t watch(uint64_t limit, uint64_t interval, uint64_t enough) {
  javm_mint_cnode(SLOTS, 8);
  if (javm_kind_of(PROGRESS_QUOTA) != JAVM_KIND_EMPTY) javm_copy(PROGRESS_QUOTA, javm_path(SLOTS, PROGRESS_QUOTA));
  javm_derive_spawn(SEARCH_IMAGE, SLOTS, SEARCH);
  javm_results r = javm_call(SEARCH, 0, limit, interval, 0, 0);
  while (r.status == JAVM_CALL_PAUSED && r.value == 0) {
    javm_read_data(0, &last, sizeof last, 0);
    seen++;
    if (enough != 0 && last.steps >= enough) {
      javm_drop_yield();
      return last.start;
    }
    r = javm_resume_yield();
  }
  if (r.status != JAVM_CALL_OK) javm_trap();
  return r.value;
}

static uint64_t seen_count(void) { return seen; }
static uint64_t last_done(void) { return last.done; }

JAVM_ENDPOINT(0, watch);
JAVM_ENDPOINT(1, seen_count);
JAVM_ENDPOINT(2, last_done);
