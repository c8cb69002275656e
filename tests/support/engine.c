/* See engine.h. */
#include "support/engine.h"

#include <stdlib.h>
#include <string.h>

void test_choose_engine(javm_engine *engine, bool *explicit_checks, bool *counts_instructions) {
  const char *name = getenv("JAVM_TEST_ENGINE");
  if (!name) name = "recompiler";
  *engine = JAVM_ENGINE_RECOMPILER;
  if (strcmp(name, "interpreter") == 0) *engine = JAVM_ENGINE_INTERPRETER;
  if (strcmp(name, "both") == 0) *engine = JAVM_ENGINE_BOTH;
  *explicit_checks = strcmp(name, "checks") == 0;
  *counts_instructions = true;
}
