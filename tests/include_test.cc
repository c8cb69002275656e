// The public header in a C++11 program: it compiles without a warning, and its names link.
#include "javm.h"

int main() {
  javm_dir *dir = nullptr;
  javm_error error;
  javm_hash hash;
  javm_cap *cap = nullptr;
  if (javm_dir_new(nullptr, &dir) != JAVM_OK) return 1;
  const uint8_t bytes[] = {1, 2, 3};
  if (javm_data_new(dir, bytes, sizeof bytes, &cap) != JAVM_OK) return 1;
  if (javm_dir_put(dir, cap, &hash, &error) != JAVM_OK) return 1;
  javm_cap_release(dir, cap);
  bool held = javm_dir_has(dir, &hash);
  javm_dir_free(dir);
  return held ? 0 : 1;
}
