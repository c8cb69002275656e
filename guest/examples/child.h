/* What parent.c and child.c agree on. */
#ifndef CHILD_H
#define CHILD_H

#include <javm.h>

enum {
  CHILD_UPPER = 0, /* a Data with text in slot 0: slot 0 := the same in capitals; answers how many letters changed */
  CHILD_CALLS = 1, /* how many calls of CHILD_UPPER ended well */
  CHILD_FAIL = 2,  /* (how): faults */
};

enum { FAIL_TRAP, FAIL_REFUSED, FAIL_PANIC, FAIL_PAGE_FAULT, FAIL_ENDLESS };

/* The slots that the parent fills. */
#define CHILD_QUOTA 1
#define CHILD_GAS 2

#endif
