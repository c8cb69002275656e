/* Which engine a run of the tests is for. */
#ifndef JAVM_TESTS_ENGINE_H
#define JAVM_TESTS_ENGINE_H

#include "javm.h"

/* The engine that JAVM_TEST_ENGINE names: interpreter, recompiler (also without it), checks (the recompiler with explicit
 * checks) or both. It counts instructions. */
void test_choose_engine(javm_engine *engine, bool *explicit_checks, bool *counts_instructions);

#endif
