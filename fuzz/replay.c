/* Runs a fuzz target on saved files, without a fuzzer: replay_NAME FILE... A finding aborts. */
#include "check.h"

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    FILE *file = fopen(argv[i], "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
      perror(argv[i]);
      return 1;
    }
    long size = ftell(file);
    rewind(file);
    /* Exactly as long as the input, so that the sanitizers see a read past its end. */
    uint8_t *bytes = malloc(size > 0 ? (size_t)size : 1);
    CHECK(size >= 0 && bytes && fread(bytes, 1, (size_t)size, file) == (size_t)size);
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, (size_t)size);
    free(bytes);
  }
  return 0;
}
