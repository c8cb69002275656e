/*
 * native_batch SECONDS: the native side of a batch of random programs: runs each, csmith_run of 0, 1, ..., in a process
 * of its own that may use so much processor time, and prints `NUMBER CHECKSUM` for each one that ended.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

extern const unsigned csmith_count;
uint64_t csmith_run(uint64_t number);

int main(int argc, char **argv) {
  double seconds = argc > 1 ? atof(argv[1]) : 0.1;
  uint64_t *result = mmap(NULL, sizeof *result, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (result == MAP_FAILED) return perror("mmap"), 1;
  for (unsigned i = 0; i < csmith_count; i++) {
    int status;
    pid_t child = fork();
    if (child < 0) return perror("fork"), 1;
    if (child == 0) {
      struct itimerval limit = {
          .it_value = {.tv_sec = (time_t)seconds, .tv_usec = (suseconds_t)((seconds - (double)(time_t)seconds) * 1e6)}};
      setitimer(ITIMER_PROF, &limit, NULL);
      *result = csmith_run(i);
      _exit(0);
    }
    if (waitpid(child, &status, 0) != child) return perror("waitpid"), 1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) printf("%u %" PRIu64 "\n", i, *result);
  }
  return 0;
}
