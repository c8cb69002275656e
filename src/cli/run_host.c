/* The VM of a run and what its host does. A guest's output goes where it is asked to; nobody answers JAM host calls. */
#include "run.h"

enum { WRITE = 64 };

/*
 * write(a0: 1 stdout or 2 stderr, a1: address, a2: bytes) gives the number of bytes written: up to the first page that
 * cannot be read; where none can be, or for arguments out of range, 2^64 - 1. Page by page, so that any length may be
 * asked for. If the output fails the program is stopped: the outcome of the run is lost anyway.
 */
static javm_host_action write_bytes(void *ctx, javm_host_call *call) {
  run_host *host = ctx;
  uint64_t descriptor = javm_host_arg(call, 0), address = javm_host_arg(call, 1), size = javm_host_arg(call, 2);
  uint64_t done = 0;
  bool in_range = address <= UINT32_MAX && size <= UINT64_C(1) + UINT32_MAX - address;
  if ((descriptor != 1 && descriptor != 2) || !in_range) size = 0, done = UINT64_MAX;
  FILE *file = descriptor == 1 ? stdout : stderr;
  if (descriptor == 2) fflush(stdout);
  while (done < size) {
    uint8_t bytes[JAVM_PAGE_BYTES];
    uint32_t at = (uint32_t)(address + done);
    size_t piece = JAVM_PAGE_BYTES - at % JAVM_PAGE_BYTES;
    if (piece > size - done) piece = (size_t)(size - done);
    if (javm_host_read(call, at, bytes, piece) != JAVM_OK) break;
    if (!host->discards && fwrite(bytes, 1, piece, file) != piece) return JAVM_HOST_REFUSE;
    if (descriptor == 1) host->in_midline = bytes[piece - 1] != '\n';
    done += piece;
  }
  javm_host_return(call, 0, done == 0 && size > 0 ? UINT64_MAX : done);
  return JAVM_HOST_RETURN;
}

static javm_host_action pause_host_call(void *ctx, javm_host_call *call) {
  (void)ctx;
  (void)call;
  return JAVM_HOST_PAUSE;
}

void run_vm_config(const run_subject *subject, const run_options *options, javm_vm_config *config) {
  javm_vm_config_default(config);
  config->gas_model = options->gas_model;
  config->engine = options->engine.engine;
  config->explicit_checks = options->engine.explicit_checks;
  config->yield_mode = options->yield_mode;
  config->jam_host_calls = true;
  config->assist = javm_local_assist_interface(subject->assist);
}

javm_status run_vm_new(const run_subject *subject, const javm_vm_config *config, run_host *host, javm_vm **vm,
                       javm_error *error) {
  javm_status status = javm_vm_new(subject->input.dir, config, vm, error);
  if (status != JAVM_OK) return status;
  if (subject->isa == JAVM_ISA_JAVM) status = javm_vm_register(*vm, WRITE, "write", write_bytes, host);
  else status = javm_vm_register(*vm, JAVM_HOST_FUNCTION_ANY, NULL, pause_host_call, NULL);
  *error = (javm_error){.status = status};
  return status;
}

javm_status run_start(javm_vm *vm, const run_subject *subject, const run_options *options, javm_result *result,
                      javm_error *error) {
  if (!subject->is_paused)
    return javm_vm_invoke(vm, &subject->hash, options->endpoint, subject->args, options->gas, result, error);
  javm_status status = javm_vm_restore(vm, &subject->hash, result, error);
  if (status != JAVM_OK) return status;
  javm_result_clear(subject->input.dir, result);
  return javm_vm_call_resume(vm, NULL, result, error);
}
