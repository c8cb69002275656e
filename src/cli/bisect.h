/* What the parts of `javm bisect` share. */
#ifndef JAVM_CLI_BISECT_H
#define JAVM_CLI_BISECT_H

#include "run.h"

/* One of the two runs. */
typedef struct bisect_side {
  const char *name; /* "A" or "B" */
  run_options options;
  run_subject subject;
  run_host host;
  cli_symbols *symbols; /* of the Image with this hash; NULL: none */
  javm_hash image;
  javm_vm *vm;
  javm_timeline *timeline;
  javm_result end; /* of the whole run */
  javm_position length;
} bisect_side;

/* A side as it is at a point. */
typedef struct bisect_view {
  bisect_side *side;
  javm_vm *vm;
  javm_result result;
} bisect_view;

/* How a run ended or where it stands, on one line. */
void bisect_print_outcome(const bisect_view *view);
/* What runs next in a state that both share, and what is different behind it. */
int bisect_print_point(const bisect_view here[2]);
int bisect_print_differences(bisect_view then[2], javm_root_kind kind);

/* Compares two traces, event by event. */
int bisect_traces(const char *paths[2], const cli_bytes traces[2]);

#endif
