/* Bytes as the random numbers of a script (tests/model): what Images do, what Instances hold, what the host does. The library
 * must do what the model does, to the last bit. */
#include "check.h"
#include "model/real.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static m_script script;
  static m_counts counts;
  const m_settings settings = {.engine = fuzz_mix(bytes, size) % 4 ? JAVM_ENGINE_RECOMPILER : JAVM_ENGINE_BOTH};
  m_random random = {.bytes = bytes, .left = size};
  char why[300];
  m_forget();
  m_generate(&script, &random);
  bool agree = m_agree(&script, &settings, &counts, why, sizeof why);
  if (!agree) {
    m_print_script(&script);
    fprintf(stderr, "%s\n", why);
  }
  CHECK(agree);
  return 0;
}
