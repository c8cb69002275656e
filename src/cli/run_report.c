/* How a run ended, in words or as JSON. */
#include <inttypes.h>
#include <string.h>

#include "run.h"

static const char *status_of(const javm_result *result) {
  if (result->kind == JAVM_RESULT_HALT) return "halt";
  if (result->kind == JAVM_RESULT_FAULTED) return "faulted";
  if (result->pause == JAVM_PAUSE_MARK) return "at-mark";
  return result->pause == JAVM_PAUSE_HOST_CALL ? "host-call" : "paused";
}

static bool is_at_mark(const javm_result *result) {
  return result->kind == JAVM_RESULT_PAUSED && result->pause == JAVM_PAUSE_MARK;
}

static const char *fault_of(const javm_result *result) {
  switch (result->fault.kind) {
    case JAVM_EXIT_TRAP: return "trap";
    case JAVM_EXIT_PANIC: return "panic";
    case JAVM_EXIT_OUT_OF_GAS: return "out-of-gas";
    case JAVM_EXIT_PAGE_FAULT: return "page-fault";
    default: return javm_exit_text(result->fault.kind);
  }
}

static const char *pause_of(const javm_result *result) {
  if (result->pause == JAVM_PAUSE_OUT_OF_GAS) return "out-of-gas";
  return result->pause == JAVM_PAUSE_QUOTA ? "storage-quota" : "yield";
}

static const javm_hash *after(const run_report *report) {
  return report->result->kind == JAVM_RESULT_HALT ? &report->result->instance : report->before;
}

static uint64_t speed(const run_report *report) {
  return report->seconds > 0 ? (uint64_t)((double)report->result->instructions / report->seconds) : 0;
}

static void print_end(FILE *file, const run_report *report) {
  const javm_result *result = report->result;
  cli_place place;
  if (result->kind == JAVM_RESULT_HALT) {
    fprintf(file, "ended             by a halt\nreturn value φ[7] %" PRIu64 " (0x%" PRIx64 ")\n", result->return_value,
            result->return_value);
  } else if (result->kind == JAVM_RESULT_FAULTED) {
    fprintf(file, "ended             by a fault: %s", javm_exit_text(result->fault.kind));
    if (result->fault.kind == JAVM_EXIT_PAGE_FAULT) fprintf(file, " at address 0x%08" PRIx32, result->fault.address);
    fprintf(file, ", pc %" PRIu32 "\n", result->pc);
    if (cli_symbols_find(report->symbols, result->pc, &place)) {
      fputs("at                ", file);
      cli_place_print(file, &place);
      fputc('\n', file);
    }
    if (result->refusal != JAVM_REFUSAL_NONE)
      fprintf(file, "refused           operation %" PRIu32 ": %s\n", result->refused_operation,
              javm_refusal_text(result->refusal));
  } else if (result->pause == JAVM_PAUSE_MARK) {
    fputs("stopped           at the mark\n", file);
  } else if (result->pause == JAVM_PAUSE_HOST_CALL) {
    fprintf(file, "ended             by host call %" PRIu32 ", which nobody answers here\n", result->host_function);
  } else {
    fprintf(file, "ended             paused: %s\n", pause_of(result));
  }
}

/* Runs of neighbouring pages on one line each. */
static void print_pages(FILE *file, const javm_result *result) {
  fprintf(file, "pages changed     %zu\n", result->dirty_page_count);
  for (size_t i = 0, next; i < result->dirty_page_count; i = next) {
    for (next = i + 1; next < result->dirty_page_count; next++)
      if (result->dirty_pages[next] - result->dirty_pages[next - 1] != JAVM_PAGE_BYTES) break;
    fprintf(file, "  0x%08" PRIx32 " to 0x%08" PRIx32 "\n", result->dirty_pages[i],
            result->dirty_pages[next - 1] + (JAVM_PAGE_BYTES - 1));
  }
}

int run_report_text(FILE *file, const run_report *report) {
  const javm_result *result = report->result;
  char hex[CLI_HEX_HASH];
  print_end(file, report);
  fprintf(file, "gas used          %" PRIu64 "\n", result->gas_used);
  if (report->counted)
    fprintf(file, "instructions      %" PRIu64 ", %" PRIu64 " a second\n", result->instructions, speed(report));
  cli_hash_hex(report->before, hex);
  fprintf(file, "instance before   %s\n", hex);
  cli_hash_hex(after(report), hex);
  fprintf(file, "instance after    %s\n", hex);
  if (!is_at_mark(result)) print_pages(file, result);
  if (result->emit_count > 0) fprintf(file, "emitted           %zu caps\n", result->emit_count);
  return is_at_mark(result) ? run_state_text(file, report->state) : CLI_OK;
}

static json_t *pages_json(const javm_result *result) {
  json_t *pages = json_array();
  for (size_t i = 0; pages != NULL && i < result->dirty_page_count; i++) {
    if (cli_json_append(pages, json_integer((json_int_t)result->dirty_pages[i]))) continue;
    json_decref(pages);
    return NULL;
  }
  return pages;
}

static json_t *cap_json(javm_dir *dir, javm_cap *cap) {
  javm_hash hash;
  if (cap == NULL) return json_null();
  return javm_cap_hash(dir, cap, &hash) == JAVM_OK ? cli_json_hash(&hash) : NULL;
}

static json_t *emits_json(javm_dir *dir, const javm_result *result) {
  json_t *emits = json_array();
  for (size_t i = 0; emits != NULL && i < result->emit_count; i++) {
    if (cli_json_append(emits, cap_json(dir, result->emits[i]))) continue;
    json_decref(emits);
    return NULL;
  }
  return emits;
}

static bool set_place(json_t *out, const run_report *report) {
  cli_place place;
  if (!cli_symbols_find(report->symbols, report->result->pc, &place)) return true;
  bool good = true;
  if (place.function != NULL)
    good = cli_json_set(out, "function", json_string(place.function)) &&
           cli_json_set(out, "offset", cli_json_u64(place.offset));
  if (good && place.file != NULL)
    good = cli_json_set(out, "file", json_string(place.file)) && cli_json_set(out, "line", cli_json_u64(place.line));
  return good;
}

static bool set_end(json_t *out, const run_report *report) {
  const javm_result *result = report->result;
  if (result->kind == JAVM_RESULT_PAUSED) {
    if (result->pause == JAVM_PAUSE_MARK) return cli_json_set(out, "state", run_state_json(report->state));
    if (result->pause != JAVM_PAUSE_HOST_CALL) return cli_json_set(out, "pause", json_string(pause_of(result)));
    return cli_json_set(out, "host_call", cli_json_u64(result->host_function));
  }
  if (result->kind != JAVM_RESULT_FAULTED) return true;
  bool good = cli_json_set(out, "fault", json_string(fault_of(result))) &&
              cli_json_set(out, "pc", cli_json_u64(result->pc)) && set_place(out, report);
  if (good && result->fault.kind == JAVM_EXIT_PAGE_FAULT)
    good = cli_json_set(out, "address", cli_json_u64(result->fault.address));
  if (good && result->refusal != JAVM_REFUSAL_NONE)
    good = cli_json_set(out, "refused_operation", cli_json_u64(result->refused_operation)) &&
           cli_json_set(out, "refusal", json_string(javm_refusal_text(result->refusal)));
  return good;
}

int run_report_json(FILE *file, javm_dir *dir, const run_report *report) {
  const javm_result *result = report->result;
  bool halted = result->kind == JAVM_RESULT_HALT, paused = result->kind == JAVM_RESULT_PAUSED;
  bool counted = report->counted;
  json_t *out = json_object();
  bool good = out != NULL && cli_json_set(out, "status", json_string(status_of(result))) && set_end(out, report) &&
              cli_json_set(out, "return_value", halted ? cli_json_u64(result->return_value) : json_null()) &&
              cli_json_set(out, "gas_used", cli_json_u64(result->gas_used)) &&
              cli_json_set(out, "instructions", counted ? cli_json_u64(result->instructions) : json_null()) &&
              cli_json_set(out, "instructions_per_second", counted ? cli_json_u64(speed(report)) : json_null()) &&
              cli_json_set(out, "instance_before", cli_json_hash(report->before)) &&
              cli_json_set(out, "instance_after", cli_json_hash(after(report))) &&
              cli_json_set(out, "pages_changed", pages_json(result)) &&
              cli_json_set(out, "slot0", cap_json(dir, paused ? result->payload : result->slot0)) &&
              cli_json_set(out, "emits", emits_json(dir, result));
  if (good) return cli_json_write(file, out);
  json_decref(out);
  return cli_fail_memory();
}
