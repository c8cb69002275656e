#include <javm.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A guest that counts how often it was called. Its memory at 0x10000 is part of its state. */
static const char counter[] = ".mapping persistent 0x10000 4096 slot 1\n"
                              "  load_u64 a0, [0x10000]\n"
                              "  add_imm_64 a0, a0, 1\n"
                              "  store_u64 a0, [0x10000]\n"
                              "  ecalli 0  # reply: a0 is the answer\n";

int main(void) {
  javm_dir *dir = NULL;
  javm_vm *vm = NULL;
  javm_cap *image = NULL, *instance = NULL;
  javm_hash state;
  javm_error error = {0};
  javm_vm_config config;
  javm_vm_config_default(&config);
  javm_status status = javm_dir_new(NULL, &dir);
  if (status == JAVM_OK) status = javm_vm_new(dir, &config, &vm, &error);
  if (status == JAVM_OK) status = javm_assemble(dir, counter, strlen(counter), JAVM_ISA_JAVM, &image, &error);
  if (status == JAVM_OK) status = javm_instance_genesis(dir, image, NULL, &instance, &error);
  if (status == JAVM_OK) status = javm_dir_put(dir, instance, &state, &error);
  for (int i = 0; i < 3 && status == JAVM_OK; i++) {
    javm_result result;
    status = javm_vm_invoke(vm, &state, 0, (uint64_t[4]){0}, 1000000, &result, &error);
    if (status != JAVM_OK) break;
    printf("answer %" PRIu64 ", gas used %" PRIu64 "\n", result.return_value, result.gas_used);
    state = result.instance; /* the next call starts from here */
    javm_result_clear(dir, &result);
  }
  if (status != JAVM_OK) fprintf(stderr, "%s: %s\n", javm_status_text(status), error.text);
  javm_cap_release(dir, instance);
  javm_cap_release(dir, image);
  javm_vm_free(vm);
  javm_dir_free(dir);
  return status == JAVM_OK ? 0 : 1;
}
