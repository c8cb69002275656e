/* See engine.h. */
#include "support/engine.h"

#include <stdlib.h>
#include <string.h>

void test_choose_engine(javm_engine *engine, bool *explicit_checks, bool *counts_instructions) {
  const char *name = getenv("JAVM_TEST_ENGINE");
  if (!name) name = "recompiler";
  *engine = strcmp(name, "interpreter") == 0 ? JAVM_ENGINE_INTERPRETER : JAVM_ENGINE_RECOMPILER;
  *explicit_checks = strcmp(name, "checks") == 0;
  *counts_instructions = true;
}
