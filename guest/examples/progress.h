/* What progress.c and watch.c agree on. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <javm.h>

/* Both pin the same bytes as their marker, so that its hash is the same. Whoever knows the bytes can yield to the
 * watcher: here that is fine. */
#define PROGRESS_MARKER 66
JAVM_UNMAPPED static const char progress_marker[] = "examples/progress: how far it is";
JAVM_PIN_DATA(PROGRESS_MARKER, progress_marker);

#define PROGRESS_QUOTA 67

/* In slot 0 at each yield. */
struct progress {
  uint64_t done, limit;
  uint64_t start; /* the number below `done` with the longest chain */
  uint64_t steps; /* how long that is */
};

#endif
