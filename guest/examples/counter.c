/* A counter. Globals are the state of the Instance: they are there again at the next call, and in every copy. */
#include <javm.h>

static uint64_t count;

static uint64_t add(uint64_t n) { return count += n; }
static uint64_t read(void) { return count; }

JAVM_ENDPOINT(0, add);
JAVM_ENDPOINT(1, read);
