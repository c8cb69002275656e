/* What the example hosts share: a directory with the in-process assist, guests from files. An error ends the program. */
#ifndef HOST_H
#define HOST_H

#include <javm.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct host {
  javm_dir *dir;
  javm_local_assist *local;
  const javm_assist *assist;
  javm_error error;
} host;

#define TRY(h, call)                                                                                                   \
  do {                                                                                                                 \
    javm_status status_ = (call);                                                                                      \
    if (status_ != JAVM_OK) {                                                                                          \
      fprintf(stderr, "%s: %s %s\n", #call, javm_status_text(status_), (h)->error.text);                               \
      exit(1);                                                                                                         \
    }                                                                                                                  \
  } while (0)

static inline void host_open(host *h) {
  *h = (host){0};
  TRY(h, javm_dir_new(NULL, &h->dir));
  TRY(h, javm_local_assist_new(h->dir, &h->local));
  h->assist = javm_local_assist_interface(h->local);
}

static inline void host_close(host *h) {
  javm_local_assist_free(h->local);
  javm_dir_free(h->dir);
}

/* The value in a file, as javm-cc and javm run write it; NULL if there is no such file. */
static inline javm_cap *host_load(host *h, const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) return NULL;
  static uint8_t bytes[1 << 20];
  size_t size = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  javm_cap *cap;
  TRY(h, javm_bundle_decode(h->dir, bytes, size, &cap, &h->error));
  return cap;
}

/* A VM, and the published first Instance of an Image: with the slots of javm_bootstrap, or empty. */
static inline javm_hash host_start(host *h, const char *path, bool bootstrap) {
  javm_cap *image = host_load(h, path), *root = NULL, *instance;
  javm_hash hash;
  if (!image) {
    fprintf(stderr, "%s: cannot open; make guest-examples builds it\n", path);
    exit(1);
  }
  if (bootstrap) TRY(h, javm_bootstrap(h->dir, h->assist, &root, &h->error));
  TRY(h, javm_instance_genesis(h->dir, image, root, &instance, &h->error));
  TRY(h, javm_dir_put(h->dir, instance, &hash, &h->error));
  javm_cap_release(h->dir, instance);
  javm_cap_release(h->dir, root);
  javm_cap_release(h->dir, image);
  return hash;
}

static inline javm_vm *host_vm(host *h, javm_yield_mode yields) {
  javm_vm_config config;
  javm_vm_config_default(&config);
  config.assist = h->assist;
  config.yield_mode = yields;
  javm_vm *vm;
  TRY(h, javm_vm_new(h->dir, &config, &vm, &h->error));
  return vm;
}

/* Calls an endpoint that must end well; *state becomes the new Instance. Gives the answer. */
static inline uint64_t host_call(host *h, javm_vm *vm, javm_hash *state, uint8_t endpoint, const uint64_t args[4]) {
  javm_result result;
  TRY(h, javm_vm_invoke(vm, state, endpoint, args, 100000000, &result, &h->error));
  if (result.kind != JAVM_RESULT_HALT) {
    fprintf(stderr, "endpoint %d: %s at pc %u, %s\n", endpoint,
            result.kind == JAVM_RESULT_PAUSED ? "paused" : javm_exit_text(result.fault.kind), result.pc,
            javm_refusal_text(result.refusal));
    exit(1);
  }
  uint64_t answer = result.return_value;
  *state = result.instance;
  javm_result_clear(h->dir, &result);
  return answer;
}

#endif
