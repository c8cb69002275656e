/*
 * run_elf FILE [LIMIT]: runs endpoint 0 of a guest's ELF file in the simulator of RISC-V, without the linker. What it
 * writes goes to stdout; the last line on stderr is `N instructions, return value N`. Status 0 if it returned.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/rv_sim.h"

#define LIMIT_DEFAULT UINT64_C(20000000000)

int main(int argc, char **argv) {
  if (argc != 2 && argc != 3) return fprintf(stderr, "usage: run_elf FILE [LIMIT]\n"), 2;
  uint64_t limit = argc == 3 ? strtoull(argv[2], NULL, 0) : LIMIT_DEFAULT, function;
  rv_sim *sim = rv_sim_open(argv[1]);
  if (!sim) return 2;
  if (!rv_sim_endpoint(sim, 0, &function)) {
    fprintf(stderr, "%s: no endpoint 0\n", argv[1]);
    rv_sim_free(sim);
    return 2;
  }
  rv_sim_exit end = rv_sim_call(sim, function, (const uint64_t[4]){0}, limit);
  bool written = fwrite(sim->output, 1, sim->output_bytes, stdout) == sim->output_bytes && fflush(stdout) == 0;
  if (!written) perror("run_elf: stdout");
  if (end.kind != RV_SIM_RETURNED)
    fprintf(stderr, "%s: %s at pc 0x%" PRIx32 ", instruction 0x%08" PRIx32 ", address 0x%" PRIx32 "\n", argv[1],
            rv_sim_exit_text(end.kind), end.pc, end.word, end.address);
  fprintf(stderr, "%" PRIu64 " instructions, return value %" PRIu64 "\n", sim->instructions, end.value);
  rv_sim_free(sim);
  return end.kind == RV_SIM_RETURNED && written ? 0 : 1;
}
