/*
 * model_scripts COUNT [SEED] [-v]: makes COUNT random scripts and runs each on the library and on the model (tests/model),
 * which must agree in everything that can be seen. JAVM_TEST_ENGINE names the engine. Script n is made from SEED + n
 * alone: a difference is printed with its script, made smaller; `model_scripts 1 SEED+n -v` prints the run, too.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/real.h"
#include "support/engine.h"

static void print_counts(const m_counts *c) {
  printf("%" PRIu64 " verbs: %" PRIu64 " halts, %" PRIu64 " faults, pauses %" PRIu64 " yields, %" PRIu64
         " gas, %" PRIu64 " quota, %" PRIu64 " host calls; %" PRIu64 " scripts too long\n",
         c->verbs, c->halts, c->faults, c->pauses[0], c->pauses[1], c->pauses[2], c->pauses[3], c->too_long);
  printf("faults:");
  for (int k = 0; k < 8; k++)
    if (c->exits[k]) printf(" %s %" PRIu64 ";", javm_exit_text((javm_exit_kind)k), c->exits[k]);
  printf("\nrefusals:");
  for (int k = 1; k < 64; k++)
    if (c->refusals[k]) printf(" %s %" PRIu64 ";", javm_refusal_text((javm_refusal)k), c->refusals[k]);
  printf("\nverbs that failed:");
  for (int k = 1; k < 32; k++)
    if (c->statuses[k]) printf(" %s %" PRIu64 ";", javm_status_text((javm_status)k), c->statuses[k]);
  printf("\noperations done:");
  for (int k = 0; k < 80; k++)
    if (c->operations[k]) printf(" %d: %" PRIu64, k, c->operations[k]);
  printf("\n");
}

static void report(m_script *s, const m_settings *settings, uint64_t seed, const char *why) {
  m_counts counts = {0};
  char text[300];
  m_settings loud = *settings;
  loud.prints = true;
  fprintf(stderr, "script %" PRIu64 ": %s\n", seed, why);
  m_shrink(s, settings);
  m_print_script(s);
  if (!m_agree(s, &loud, &counts, text, sizeof text)) fprintf(stderr, "%s\n", text);
}

int main(int argc, char **argv) {
  uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000, seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
  bool counts_instructions;
  m_settings settings = {0};
  test_choose_engine(&settings.engine, &settings.explicit_checks, &counts_instructions);
  settings.prints = argc > 3 && strcmp(argv[3], "-v") == 0;
  static m_counts counts;
  static m_script s;
  uint64_t failed = 0;
  for (uint64_t n = 0; n < count; n++) {
    char why[300];
    m_random r = {.state = seed + n};
    m_forget();
    m_generate(&s, &r);
    if (settings.prints) m_print_script(&s);
    if (m_agree(&s, &settings, &counts, why, sizeof why)) continue;
    if (failed++ < 5) report(&s, &settings, seed + n, why);
  }
  m_forget();
  print_counts(&counts);
  printf("%" PRIu64 " passed, %" PRIu64 " failed\n", count - failed, failed);
  return failed > 0;
}
