/*
 * Searches with a program that it does not trust, guest/examples/agent.c (docs/agents.md): whenever the program asks, it is
 * forked ten ways, each fork gets another answer and runs to its next question, and the best is kept. After two rounds it
 * is stored; the next run goes on from there and ends it.
 *   agents DIR FILE     DIR: where the guests' Images are; FILE: made by the first run, read by the second
 */
#include "host.h"

#include "../guest/examples/agent.h"

#include <time.h>

enum { WAYS = 10, ROUNDS = 2, GAS_LIMIT = 1450000 };
#define GAS_IN_ALL UINT64_C(1000000000)
#define NO_LENGTH UINT64_MAX

/* The answer is not known yet: the verb returns, paused. */
static javm_host_action ask(void *ctx, javm_host_call *call) {
  (void)ctx, (void)call;
  return JAVM_HOST_PAUSE;
}

static bool is_asking(const javm_result *result) {
  return result->kind == JAVM_RESULT_PAUSED && result->pause == JAVM_PAUSE_HOST_CALL;
}

/* How long the way is that the program shows with its question. It may show anything. */
static uint64_t length_shown(javm_vm *vm) {
  static uint16_t distance[TOWNS][TOWNS];
  javm_entry_view entry;
  uint8_t way[TOWNS];
  bool seen[TOWNS] = {false};
  size_t asker = javm_vm_depth(vm) - 2; /* on top of it is what stands for the host, whom it waits for */
  agent_map(distance);
  if (javm_vm_entry(vm, asker, &entry) != JAVM_OK || entry.regs[7] > UINT32_MAX ||
      javm_vm_read(vm, asker, (uint32_t)entry.regs[7], way, sizeof way) != JAVM_OK)
    return NO_LENGTH;
  for (int i = 0; i < TOWNS; i++) {
    if (way[i] >= TOWNS || seen[way[i]]) return NO_LENGTH;
    seen[way[i]] = true;
  }
  return agent_length(way, distance);
}

static void print_hash(const javm_hash *hash) {
  for (int i = 0; i < 8; i++) printf("%02x", hash->bytes[i]);
}

static javm_vm *fork_of(host *h, javm_vm *vm, uint64_t *nanoseconds) {
  struct timespec from, to;
  javm_vm *fork;
  clock_gettime(CLOCK_MONOTONIC, &from);
  TRY(h, javm_vm_fork(vm, NULL, &fork, &h->error));
  clock_gettime(CLOCK_MONOTONIC, &to);
  *nanoseconds += (uint64_t)(to.tv_sec - from.tv_sec) * 1000000000 + (uint64_t)to.tv_nsec - (uint64_t)from.tv_nsec;
  return fork;
}

/* Answers, and lets it run to its next question within the limit. Gives the length of the way that it shows then. */
static uint64_t run_on(host *h, javm_vm *fork, uint64_t answer) {
  javm_position position;
  javm_result result;
  javm_hash hash;
  uint64_t length = NO_LENGTH;
  javm_vm_position(fork, &position);
  TRY(h, javm_vm_set_mark(fork, JAVM_MARK_GAS, position.gas + GAS_LIMIT));
  TRY(h, javm_vm_complete_host_call(fork, &answer, 1, &result, &h->error));
  printf("  answer %llu: ", (unsigned long long)answer);
  if (result.kind == JAVM_RESULT_PAUSED && result.pause == JAVM_PAUSE_MARK) printf("stopped at the limit\n");
  else if (!is_asking(&result)) printf("ended\n");
  else if ((length = length_shown(fork)) == NO_LENGTH) printf("shows no way\n");
  else {
    TRY(h, javm_vm_suspend(fork, &hash, &h->error));
    printf("length %llu, used %llu gas, now ", (unsigned long long)length, (unsigned long long)result.gas_used);
    print_hash(&hash);
    printf("\n");
  }
  javm_result_clear(h->dir, &result);
  return length;
}

/* Forks what is paused in all ways; gives the best in its place. */
static javm_vm *round_of(host *h, javm_vm *vm) {
  javm_vm *best = NULL;
  uint64_t shortest = NO_LENGTH, kept = 0, nanoseconds = 0;
  printf("it asks; its way has the length %llu\n", (unsigned long long)length_shown(vm));
  for (uint64_t answer = 0; answer < WAYS; answer++) {
    javm_vm *fork = fork_of(h, vm, &nanoseconds);
    uint64_t length = run_on(h, fork, answer);
    bool better = length < shortest;
    javm_vm_free(better ? best : fork);
    if (better) best = fork, shortest = length, kept = answer;
  }
  if (!best) fprintf(stderr, "no fork came to a question\n"), exit(1);
  printf("kept: answer %llu; a fork took %llu ns\n", (unsigned long long)kept, (unsigned long long)nanoseconds / WAYS);
  javm_vm_free(vm);
  return best;
}

static void store(host *h, javm_vm *vm, const char *path) {
  javm_hash hash;
  javm_cap *paused;
  uint8_t *bytes;
  size_t size;
  TRY(h, javm_vm_suspend(vm, &hash, &h->error));
  TRY(h, javm_dir_get(h->dir, &hash, &paused, &h->error));
  TRY(h, javm_bundle_encode(h->dir, paused, &bytes, &size, &h->error));
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) perror(path), exit(1);
  printf("stored as ");
  print_hash(&hash);
  printf("\n");
  javm_free_bytes(javm_dir_allocator(h->dir), bytes, size);
  javm_cap_release(h->dir, paused);
}

static void end(host *h, javm_vm *vm) {
  const uint64_t stop = AGENT_STOP;
  javm_result result;
  TRY(h, javm_vm_set_mark(vm, JAVM_MARK_GAS, JAVM_NO_MARK));
  TRY(h, javm_vm_complete_host_call(vm, &stop, 1, &result, &h->error));
  if (result.kind != JAVM_RESULT_HALT) printf("it does not end well\n");
  else printf("it ends with %llu\n", (unsigned long long)result.return_value);
  javm_result_clear(h->dir, &result);
}

int main(int argc, char **argv) {
  char path[1024];
  javm_result result;
  host h;
  if (argc != 3) return fprintf(stderr, "usage: agents DIR FILE\n"), 2;
  host_open(&h);
  javm_vm *vm = host_vm(&h, JAVM_YIELD_TO_HOST);
  TRY(&h, javm_vm_register(vm, AGENT_ASK, "ask", ask, NULL));
  javm_cap *stored = host_load(&h, argv[2]);
  javm_hash hash;
  if (stored) {
    TRY(&h, javm_cap_hash(h.dir, stored, &hash));
    TRY(&h, javm_vm_restore(vm, &hash, &result, &h.error));
  } else {
    snprintf(path, sizeof path, "%s/agent.img", argv[1]);
    hash = host_start(&h, path, false);
    TRY(&h, javm_vm_invoke(vm, &hash, 0, (uint64_t[4]){0}, GAS_IN_ALL, &result, &h.error));
  }
  if (!is_asking(&result)) return fprintf(stderr, "it does not ask\n"), 1;
  javm_result_clear(h.dir, &result);
  for (int i = 0; i < ROUNDS; i++) vm = round_of(&h, vm);
  if (stored) end(&h, vm);
  else store(&h, vm, argv[2]);
  javm_cap_release(h.dir, stored);
  javm_vm_free(vm);
  host_close(&h);
  return 0;
}
