/* The C library in endpoints: what malloc gives and stdout are kept from call to call; exit ends a call anywhere. */
#include <javm.h>
#include <stdio.h>
#include <stdlib.h>

static struct node {
  struct node *next;
  uint64_t value;
} * list;

static uint64_t add(uint64_t value) {
  struct node *node = malloc(sizeof *node);
  if (!node) abort();
  *node = (struct node){list, value};
  list = node;
  printf("added %u\n", (unsigned)value);
  return value;
}

static uint64_t sum(void) {
  uint64_t total = 0;
  for (struct node *node = list; node; node = node->next) total += node->value;
  return total;
}

static uint64_t leave(uint64_t status) { exit((int)status); }

static uint64_t fill(void) { /* the arena of 200000 bytes, and nothing more */
  uint64_t count = 0;
  void *volatile block; /* or the compiler takes it that memory never ends */
  while ((block = malloc(1000))) count++;
  return count > 190 && count < 199;
}

JAVM_ENDPOINT(0, add);
JAVM_ENDPOINT(1, sum);
JAVM_ENDPOINT(2, leave);
JAVM_ENDPOINT(3, fill);
