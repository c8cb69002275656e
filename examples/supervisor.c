/*
 * Runs guest/examples/supervisor.c (docs/supervisor.md), which gives gas to jobs. The host gives the supervisor what it
 * needs for that, once, and then only says which jobs there are.
 *   supervisor DIR     DIR: where the guests' Images are
 */
#include "host.h"

/* Endpoints of supervisor.c, and how a job stands. */
enum { START, EXTEND, DROP, ANSWER, PORTIONS };
static const char *const states[] = {"unknown", "done", "kept", "faulted", "dropped"};

typedef struct supervisor {
  host h;
  javm_vm *vm;
  javm_hash state;
} supervisor;

static uint64_t ask(supervisor *s, uint8_t endpoint, uint64_t a, uint64_t b) {
  return host_call(&s->h, s->vm, &s->state, endpoint, (uint64_t[4]){a, b});
}

static void report(supervisor *s, const char *what, uint64_t id, uint64_t state) {
  printf("%s job %llu: %s", what, (unsigned long long)id, state < 5 ? states[state] : "?");
  printf(", portions %llu", (unsigned long long)ask(s, PORTIONS, id, 0));
  if (state == 1) printf(", answer %llu", (unsigned long long)ask(s, ANSWER, id, 0));
  printf("\n");
}

int main(int argc, char **argv) {
  /* The sum of the primes below n; how many portions of gas that may take. The last two need more. */
  static const uint64_t jobs[][2] = {{1000, 5}, {3000, 5}, {6900, 5}, {0, 5}};
  char path[1024];
  supervisor s;
  host_open(&s.h);
  snprintf(path, sizeof path, "%s/supervisor.img", argc > 1 ? argv[1] : "build/guest/examples");
  s.state = host_start(&s.h, path, true);
  s.vm = host_vm(&s.h, JAVM_YIELD_TO_CATCHER);
  for (uint64_t id = 0; id < sizeof jobs / sizeof *jobs; id++)
    report(&s, "start", id, ask(&s, START, jobs[id][0], jobs[id][1]));
  for (uint64_t id = 2; id < 4; id++) report(&s, "extend", id, ask(&s, EXTEND, id, 5));
  report(&s, "drop", 3, ask(&s, DROP, 3, 0));
  javm_vm_free(s.vm);
  host_close(&s.h);
  return 0;
}
