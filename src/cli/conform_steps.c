/* Cases in steps (map, write, set-reg, run, assert), and what each basic block costs. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conform.h"

static void assert_step(conform *c, conform_machine *m, const json_t *step, const javm_exit *end) {
  const char *status = json_string_value(json_object_get(step, "status"));
  uint64_t number;
  uint32_t pc;
  const char *got = conform_status(m, end, &pc);
  if (status != NULL) conform_expect_text(c, "status", status, got);
  if (conform_get_u64(c, step, "gas", UINT64_MAX, &number))
    conform_expect_u64(c, "gas", number, javm_machine_gas(m->machine));
  if (conform_get_u64(c, step, "pc", UINT32_MAX, &number)) conform_expect_u64(c, "pc", number, pc);
  if (json_object_get(step, "page_fault_address") != NULL &&
      conform_get_u64(c, step, "page_fault_address", UINT32_MAX, &number))
    conform_expect_u64(c, "page_fault_address", number, end->address);
  conform_expect_regs(c, m, json_object_get(step, "regs"));
  conform_expect_memory(c, m, json_object_get(step, "memory"));
}

static bool set_reg(conform *c, conform_machine *m, const json_t *step) {
  uint64_t reg, value;
  if (!conform_get_u64(c, step, "reg", JAVM_REG_COUNT - 1, &reg) ||
      !conform_get_u64(c, step, "value", UINT64_MAX, &value))
    return false;
  javm_machine_regs(m->machine)[reg] = value;
  return true;
}

static void run_steps(conform *c, conform_machine *m, const json_t *object) {
  javm_exit end = {0};
  uint64_t pc, gas;
  size_t index;
  json_t *step;
  if (!conform_get_u64(c, object, "initial-pc", UINT32_MAX, &pc) ||
      !conform_get_u64(c, object, "initial-gas", UINT64_MAX, &gas))
    return;
  javm_machine_set_pc(m->machine, (uint32_t)pc);
  javm_machine_set_gas(m->machine, gas);
  json_array_foreach(json_object_get(object, "steps"), index, step) {
    const char *kind = json_string_value(json_object_get(step, "kind"));
    bool good = true;
    if (kind == NULL) kind = "";
    if (strcmp(kind, "run") == 0) end = javm_machine_run(m->machine, NULL, NULL);
    else if (strcmp(kind, "assert") == 0) assert_step(c, m, step, &end);
    else if (strcmp(kind, "map") == 0) good = conform_map(c, m, step);
    else if (strcmp(kind, "write") == 0) good = conform_write(c, m, step);
    else if (strcmp(kind, "set-reg") == 0) good = set_reg(c, m, step);
    else {
      conform_miss(c, "step %zu: kind: expected map, write, set-reg, run or assert", index);
      return;
    }
    if (!good) return;
  }
}

/* The cost of the block that starts at pc; the blocks are in order of pc. */
static bool find_cost(const javm_program *program, uint32_t pc, uint32_t *cost) {
  size_t low = 0, high = javm_program_block_count(program);
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    uint32_t at;
    javm_program_block(program, middle, &at, cost);
    if (at == pc) return true;
    if (at < pc) low = middle + 1;
    else high = middle;
  }
  return false;
}

static void expect_costs(conform *c, conform_machine *m, json_t *costs) {
  const char *key;
  json_t *value;
  json_object_foreach(costs, key, value) {
    uint64_t pc, expected;
    uint32_t got;
    if (!cli_parse_u64(key, &pc) || pc > UINT32_MAX || !cli_json_get_u64(value, &expected)) {
      conform_miss(c, "block-gas-costs: expected numbers, got '%s'", key);
      return;
    }
    if (!find_cost(m->program, (uint32_t)pc, &got))
      conform_miss(c, "block at %s: expected cost %" PRIu64 ", got no block that starts there", key, expected);
    else if (got != expected)
      conform_miss(c, "block at %s: expected cost %" PRIu64 ", got %" PRIu32, key, expected, got);
  }
}

void conform_steps(conform *c, const json_t *object) {
  conform_machine m;
  if (conform_machine_of(c, &m, object, JAVM_ISA_JAM_0_8, JAVM_GAS_PIPELINE)) {
    if (json_object_get(object, "steps") != NULL) run_steps(c, &m, object);
    expect_costs(c, &m, json_object_get(object, "block-gas-costs"));
  }
  conform_machine_clear(&m);
}
