/*
 * A long computation: which number below a limit takes the most steps to come down to 1, if an even number is halved
 * and an odd one becomes 3n + 1? It yields how far it is, and takes no answer.
 */
#include "progress.h"

static uint64_t steps_of(uint64_t n) {
  uint64_t steps = 0;
  for (; n > 1; steps++) n = n % 2 ? 3 * n + 1 : n / 2;
  return steps;
}

/* Yields after every `interval` numbers; never if it is 0. */
static uint64_t search(uint64_t limit, uint64_t interval) {
  struct progress p = {.limit = limit};
  while (p.done < limit) {
    uint64_t steps = steps_of(p.done);
    if (steps > p.steps) p.steps = steps, p.start = p.done;
    p.done++;
    if (interval == 0 || p.done % interval != 0) continue;
    javm_mint_data(&p, sizeof p, PROGRESS_QUOTA, 0);
    javm_yield(PROGRESS_MARKER);
  }
  return p.start;
}

JAVM_ENDPOINT(0, search);
