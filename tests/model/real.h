/* The library's side of a script, and the comparison with the model. */
#ifndef MODEL_REAL_H
#define MODEL_REAL_H

#include "model/script.h"

typedef struct m_settings {
  javm_engine engine;
  bool explicit_checks;
  bool prints; /* each verb and its result, to stderr */
} m_settings;

/* How often things happened, to see that scripts reach them. */
typedef struct m_counts {
  uint64_t verbs, halts, faults, pauses[5], refusals[64], statuses[32], exits[8], operations[80], forks, too_long;
} m_counts;

/* Runs a script on both sides; false: they differ, `why` says in what. */
bool m_agree(const m_script *s, const m_settings *settings, m_counts *counts, char *why, size_t capacity);

/* Leaves out of a script what is not needed for a difference. */
void m_shrink(m_script *s, const m_settings *settings);

#endif
