/* Cases that are one run: single programs, and standard programs in a file beside the case. */
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "conform.h"

static bool set_start(conform *c, conform_machine *m, const json_t *object) {
  uint64_t pc, gas, regs[JAVM_REG_COUNT];
  size_t index;
  json_t *item;
  if (!conform_get_u64(c, object, "initial-pc", UINT32_MAX, &pc) ||
      !conform_get_u64(c, object, "initial-gas", UINT64_MAX, &gas) ||
      !conform_get_regs(c, json_object_get(object, "initial-regs"), regs))
    return false;
  json_array_foreach(json_object_get(object, "initial-page-map"), index,
                     item) if (!conform_map(c, m, item)) return false;
  json_array_foreach(json_object_get(object, "initial-memory"), index,
                     item) if (!conform_write(c, m, item)) return false;
  memcpy(javm_machine_regs(m->machine), regs, sizeof regs);
  javm_machine_set_pc(m->machine, (uint32_t)pc);
  javm_machine_set_gas(m->machine, gas);
  return true;
}

/* Compares a number where the case says one. */
static void expect_member(conform *c, const json_t *object, const char *key, uint64_t got) {
  uint64_t expected;
  if (json_object_get(object, key) != NULL && conform_get_u64(c, object, key, UINT64_MAX, &expected))
    conform_expect_u64(c, key, expected, got);
}

void conform_program(conform *c, const json_t *object) {
  conform_machine m;
  uint32_t pc;
  const char *status = json_string_value(json_object_get(object, "expected-status"));
  if (!conform_machine_of(c, &m, object, JAVM_ISA_JAM_0_7, JAVM_GAS_INSTRUCTION) || !set_start(c, &m, object)) {
    conform_machine_clear(&m);
    return;
  }
  javm_exit end = javm_machine_run(m.machine, NULL, NULL);
  conform_expect_text(c, "status", status != NULL ? status : "a string", conform_status(&m, &end, &pc));
  expect_member(c, object, "expected-pc", pc);
  expect_member(c, object, "expected-gas", javm_machine_gas(m.machine));
  if (end.kind == JAVM_EXIT_PAGE_FAULT) expect_member(c, object, "expected-page-fault-address", end.address);
  if (end.kind == JAVM_EXIT_HOST_CALL) /* the files give it as a signed 32-bit number */
    expect_member(c, object, "expected-host-call", (uint64_t)(int64_t)(int32_t)end.number);
  conform_expect_regs(c, &m, json_object_get(object, "expected-regs"));
  conform_expect_memory(c, &m, json_object_get(object, "expected-memory"));
  conform_machine_clear(&m);
}

/* The file named in a case, which lies beside the case's own file. */
static bool read_beside(conform *c, const char *name, cli_bytes *out) {
  char *own = strdup(c->file), *path = NULL;
  if (own != NULL) path = malloc(strlen(own) + strlen(name) + 4);
  if (path != NULL) sprintf(path, "%s/%s", dirname(own), name);
  bool done = path != NULL && cli_read_file(path, out);
  if (!done) conform_miss(c, "file: expected to be readable beside this one");
  free(path);
  free(own);
  return done;
}

/* What a standard program returns: the bytes from φ[7] up to φ[8], or φ[8] bytes from φ[7]. */
static void expect_output(conform *c, conform_machine *m, const json_t *object, const char *key, bool is_length) {
  const char *hex = json_string_value(json_object_get(object, key));
  const uint64_t *regs = javm_machine_regs(m->machine);
  cli_bytes expected;
  if (hex == NULL) return;
  if (!cli_parse_hex(hex, strlen(hex), &expected)) {
    conform_miss(c, "%s: expected hex", key);
    return;
  }
  uint64_t length = is_length ? regs[8] : regs[8] - regs[7];
  conform_expect_u64(c, "output bytes", expected.size, length);
  uint8_t *got = calloc(expected.size + 1, 1);
  if (got == NULL || javm_machine_read(m->machine, (uint32_t)regs[7], got, expected.size, NULL) != JAVM_OK)
    conform_miss(c, "%s: expected readable memory at φ[7]", key);
  else if (memcmp(got, expected.data, expected.size) != 0) {
    char *text = malloc(2 * expected.size + 1);
    for (size_t i = 0; text != NULL && i < expected.size; i++) sprintf(text + 2 * i, "%02x", got[i]);
    conform_miss(c, "%s: expected %s, got %s", key, hex, text != NULL ? text : "something else");
    free(text);
  }
  free(got);
  free(expected.data);
}

static void run_standard(conform *c, conform_machine *m, const json_t *object, const cli_bytes *args) {
  uint64_t pc, gas;
  uint32_t end_pc;
  javm_error error;
  const char *status = json_string_value(json_object_get(object, "status"));
  if (!m->jam.is_standard) {
    conform_miss(c, "file: expected a standard program");
    return;
  }
  if (!conform_get_u64(c, object, "initial-pc", UINT32_MAX, &pc) ||
      !conform_get_u64(c, object, "initial-gas", UINT64_MAX, &gas))
    return;
  if (javm_jam_setup(&m->jam, args->data, args->size, m->machine, &error) != JAVM_OK) {
    conform_miss(c, "setup: %s: %s", javm_status_text(error.status), error.text);
    return;
  }
  javm_machine_set_pc(m->machine, (uint32_t)pc);
  javm_machine_set_gas(m->machine, gas);
  javm_exit end = javm_machine_run(m->machine, NULL, NULL);
  conform_expect_text(c, "status", status != NULL ? status : "a string", conform_status(m, &end, &end_pc));
  expect_member(c, object, "pc", end_pc);
  expect_member(c, object, "gas", javm_machine_gas(m->machine));
  if (end.kind == JAVM_EXIT_HOST_CALL) expect_member(c, object, "host-call", (uint64_t)(int64_t)(int32_t)end.number);
  conform_expect_regs(c, m, json_object_get(object, "regs"));
  expect_output(c, m, object, "output-ptr-end", false);
  expect_output(c, m, object, "output-ptr-len", true);
}

void conform_standard(conform *c, const json_t *object) {
  const json_t *metadata = json_object_get(object, "has-metadata");
  const char *name = json_string_value(json_object_get(object, "file"));
  const char *hex = json_string_value(json_object_get(object, "args"));
  conform_machine m;
  cli_bytes file, args;
  if (name == NULL || hex == NULL || !cli_parse_hex(hex, strlen(hex), &args)) {
    conform_miss(c, "expected 'file' to be a name and 'args' to be hex");
    return;
  }
  if (read_beside(c, name, &file)) {
    if (conform_machine_build(c, &m, file, JAVM_ISA_JAM_0_7, JAVM_GAS_INSTRUCTION)) {
      if (metadata != NULL)
        conform_expect_text(c, "metadata", json_is_true(metadata) ? "some" : "none",
                            m.jam.metadata != NULL ? "some" : "none");
      run_standard(c, &m, object, &args);
    }
    conform_machine_clear(&m);
  }
  free(args.data);
}
