/*
 * An allocator for tests: it counts what is outstanding, checks the sizes that blocks are given back with, moves a block
 * whenever it grows, and can fail the n-th request (a resize that grows, or a reserve).
 */
#ifndef JAVM_TESTS_FAILING_ALLOC_H
#define JAVM_TESTS_FAILING_ALLOC_H

#include <stddef.h>

#include "javm.h"

typedef struct test_allocator {
  javm_allocator hook; /* ctx is this struct */
  long blocks;         /* outstanding */
  long areas;
  size_t bytes; /* in blocks and areas */
  size_t requests;
  size_t fail_at;     /* the request that fails, from 1; 0: none */
  bool keeps_failing; /* and every one after it */
  size_t failures;
} test_allocator;

void test_allocator_init(test_allocator *a);

/*
 * Runs the scenario again and again, failing request 1, then 2, ... until it completes without one that failed; then
 * all over with every later request failing, too. Each time it must return OK or, where a request failed, OUT_OF_MEMORY,
 * and must have given everything back. The scenario releases what it made, however it ends.
 */
typedef javm_status (*test_scenario)(const javm_allocator *allocator);
void for_each_failing_allocation(test_scenario scenario);

#endif
