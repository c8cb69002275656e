#include <javm.h>
#include <stdio.h>
#define TRY(call) if ((call) != JAVM_OK) return fprintf(stderr, "%s: %s\n", #call, error.text), 1

/* A guest that counts its calls in memory that is part of its state; `ecalli 0` replies with a0. */
static const char counter[] = ".mapping persistent 0x10000 4096 slot 1\n load_u64 a0, [0x10000]\n"
                              "add_imm_64 a0, a0, 1\n store_u64 a0, [0x10000]\n ecalli 0";
int main(void) {
  javm_dir *dir; javm_vm *vm; javm_cap *image, *instance; javm_hash state; javm_result result; javm_error error = {0};
  TRY(javm_dir_new(NULL, &dir));
  TRY(javm_vm_new(dir, NULL, &vm, &error));
  TRY(javm_assemble(dir, counter, sizeof counter - 1, JAVM_ISA_JAVM, &image, &error));
  TRY(javm_instance_genesis(dir, image, NULL, &instance, &error));
  TRY(javm_dir_put(dir, instance, &state, &error));
  for (int i = 0; i < 3; i++, state = result.instance, javm_result_clear(dir, &result)) {
    TRY(javm_vm_invoke(vm, &state, 0, (uint64_t[4]){0}, 1000000, &result, &error));
    printf("answer %d, gas used %d\n", (int)result.return_value, (int)result.gas_used);
  }
  return javm_cap_release(dir, instance), javm_cap_release(dir, image), javm_vm_free(vm), javm_dir_free(dir), 0;
}
