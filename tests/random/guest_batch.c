/*
 * guest_batch --compare COUNT ELF...: calls endpoint 0 of each ELF file with each number below COUNT, in the simulator,
 * and as a guest with and without optimisation, each time with fresh memory; the results are the same. Of an ELF file
 * with a symbol `scratch` (of 4096 bytes) it says where that differs.
 *
 * guest_batch [--sim|--plain] EXPECTED ELF...: runs each ELF file as a guest, once for each line `NUMBER RESULT` of the
 * file EXPECTED: endpoint 0 with that number as its argument has to halt with that result. Prints what differs, and
 * what the simulator says of it. --sim: in the simulator only; --plain: without optimisation.
 *
 * The last line is `N passed, N failed`.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/guest_elf.h"
#include "support/rv_sim.h"

enum { LINES_MAX = 4096 };
#define GAS_LIMIT UINT64_C(20000000000)
#define COMPARE_LIMIT UINT64_C(10000000) /* of a call that is compared: enough for what rv_random makes */

typedef struct line {
  uint64_t number, result;
} line;

typedef struct batch {
  line lines[LINES_MAX];
  size_t line_count;
  unsigned passed, failed;
} batch;

static bool read_lines(batch *b, const char *path) {
  FILE *f = fopen(path, "r");
  if (!f) return perror(path), false;
  while (b->line_count < LINES_MAX &&
         fscanf(f, "%" SCNu64 " %" SCNu64, &b->lines[b->line_count].number, &b->lines[b->line_count].result) == 2) {
    b->line_count++;
  }
  bool complete = feof(f);
  fclose(f);
  if (!complete) fprintf(stderr, "%s: not lines of a number and a result, or too many\n", path);
  return complete;
}

/* One call in a fresh simulator; what it says, as text. */
static bool simulate(const char *path, uint64_t number, uint64_t *value, char text[100]) {
  rv_sim *sim = rv_sim_open(path);
  uint64_t function;
  bool ok = false;
  if (!sim || !rv_sim_endpoint(sim, 0, &function)) {
    snprintf(text, 100, "no endpoint 0");
  } else {
    rv_sim_exit end = rv_sim_call(sim, function, (const uint64_t[4]){number, 0, 0, 0}, GAS_LIMIT);
    ok = end.kind == RV_SIM_RETURNED;
    *value = end.value;
    if (ok) snprintf(text, 100, "%" PRIu64, end.value);
    else snprintf(text, 100, "%s at pc 0x%x", rv_sim_exit_text(end.kind), end.pc);
  }
  rv_sim_free(sim);
  return ok;
}

static void run_simulated(batch *b, const char *path) {
  for (size_t i = 0; i < b->line_count; i++) {
    char text[100];
    uint64_t value;
    if (simulate(path, b->lines[i].number, &value, text) && value == b->lines[i].result) {
      b->passed++;
      continue;
    }
    b->failed++;
    printf("%s: %" PRIu64 ": expected %" PRIu64 ", simulator: %s\n", path, b->lines[i].number, b->lines[i].result,
           text);
  }
}

static void run_linked(batch *b, const char *path, bool plain) {
  guest_elf g;
  size_t size_bytes;
  uint8_t *elf = guest_elf_file(path, &size_bytes);
  if (!elf || !guest_elf_link(&g, elf, size_bytes, plain)) {
    printf("%s: %s\n", path, elf ? g.error : "can't be read");
    b->failed += (unsigned)b->line_count;
    if (elf) guest_elf_close(&g);
    free(elf);
    return;
  }
  for (size_t i = 0; i < b->line_count; i++) {
    char text[100];
    uint64_t value = 0, other;
    bool halted = guest_elf_call(&g, 0, (const uint64_t[4]){b->lines[i].number}, GAS_LIMIT, &value);
    if (halted && value == b->lines[i].result) {
      b->passed++;
      continue;
    }
    b->failed++;
    simulate(path, b->lines[i].number, &other, text);
    printf("%s: %" PRIu64 ": expected %" PRIu64 ", got %" PRIu64 " (%s), simulator: %s\n", path, b->lines[i].number,
           b->lines[i].result, value, halted ? "halted" : g.error, text);
  }
  guest_elf_close(&g);
  free(elf);
}

/* What differs between the memories, if the file says where to look. */
static void print_scratch(guest_elf *g, const rv_sim *sim) {
  static uint8_t got[4096];
  uint64_t address;
  if (!rv_sim_symbol(sim, "scratch", &address) || !guest_elf_read(g, (uint32_t)address, got, sizeof got)) return;
  for (unsigned i = 0; i < sizeof got; i += 8) {
    uint64_t a, b;
    memcpy(&a, got + i, 8);
    memcpy(&b, sim->memory + address + i, 8);
    if (a != b) printf("  scratch+%u: %" PRIx64 ", simulator: %" PRIx64 "\n", i, a, b);
  }
}

/* One call, in three ways. */
static bool compare_call(guest_elf engines[2], const char *path, const uint8_t *elf, size_t size_bytes,
                         uint64_t number) {
  rv_sim *sim = rv_sim_new(elf, size_bytes, 0);
  uint64_t function, value = 0;
  bool same = true;
  if (!sim || !rv_sim_endpoint(sim, 0, &function)) {
    printf("%s: no endpoint 0\n", path);
    return rv_sim_free(sim), false;
  }
  rv_sim_exit end = rv_sim_call(sim, function, (const uint64_t[4]){number}, COMPARE_LIMIT);
  for (int plain = 0; plain < 2; plain++) {
    guest_elf *g = &engines[plain];
    g->state = g->genesis;
    g->output_bytes = 0;
    bool halted = guest_elf_call(g, 0, (const uint64_t[4]){number}, COMPARE_LIMIT, &value);
    bool same_output = g->output_bytes == sim->output_bytes &&
                       (!sim->output || memcmp(g->output, sim->output, sim->output_bytes) == 0);
    if (halted == (end.kind == RV_SIM_RETURNED) && (!halted || (value == end.value && same_output))) continue;
    printf("%s: %" PRIu64 "%s: got %" PRIx64 " (%s), simulator: %" PRIx64 " (%s)\n", path, number,
           plain ? ", plain" : "", value, halted ? "halted" : g->error, end.value, rv_sim_exit_text(end.kind));
    if (halted) print_scratch(g, sim);
    same = false;
  }
  rv_sim_free(sim);
  return same;
}

static void compare(batch *b, const char *path, unsigned count) {
  guest_elf engines[2] = {{0}, {0}};
  size_t size_bytes;
  uint8_t *elf = guest_elf_file(path, &size_bytes);
  bool linked =
      elf && guest_elf_link(&engines[0], elf, size_bytes, false) && guest_elf_link(&engines[1], elf, size_bytes, true);
  if (!linked) printf("%s: %s%s\n", path, engines[0].error, engines[1].error);
  for (unsigned n = 0; n < count; n++) {
    if (linked && compare_call(engines, path, elf, size_bytes, n)) b->passed++;
    else b->failed++;
  }
  guest_elf_close(&engines[0]);
  guest_elf_close(&engines[1]);
  free(elf);
}

int main(int argc, char **argv) {
  static batch b;
  if (argc > 3 && strcmp(argv[1], "--compare") == 0) {
    for (int i = 3; i < argc; i++) compare(&b, argv[i], (unsigned)strtoul(argv[2], NULL, 10));
    printf("%u passed, %u failed\n", b.passed, b.failed);
    return b.failed != 0;
  }
  int at = 1;
  bool sim = argc > at && strcmp(argv[at], "--sim") == 0, plain = argc > at && strcmp(argv[at], "--plain") == 0;
  at += sim || plain;
  if (argc - at < 2) return fprintf(stderr, "usage: guest_batch [--sim|--plain] EXPECTED ELF...\n"), 2;
  if (!read_lines(&b, argv[at++])) return 1;
  for (; at < argc; at++) {
    if (sim) run_simulated(&b, argv[at]);
    else run_linked(&b, argv[at], plain);
  }
  printf("%u passed, %u failed\n", b.passed, b.failed);
  return b.failed != 0;
}
