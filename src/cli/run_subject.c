/* From a file to the Instance that `javm run` calls: a first one of an Image, or the one that is in the file. */
#include <stdlib.h>
#include <string.h>

#include "run.h"

static int view_image(run_subject *s, javm_image_spec *spec) {
  return javm_image_view(s->input.dir, s->image, spec) == JAVM_OK ? CLI_OK : cli_fail_memory();
}

int run_endpoint(run_subject *s, const run_options *options, javm_endpoint *endpoint) {
  javm_image_spec spec;
  int result = view_image(s, &spec);
  memset(endpoint, 0, sizeof *endpoint);
  endpoint->index = options->endpoint;
  for (size_t i = 0; result == CLI_OK && i < spec.endpoint_count; i++)
    if (spec.endpoints[i].index == options->endpoint) *endpoint = spec.endpoints[i];
  return result;
}

/* Another Image, whose endpoint starts at the pc asked for. */
static int move_entry(run_subject *s, const run_options *options) {
  javm_image_spec spec;
  javm_endpoint *endpoints;
  javm_cap *moved;
  javm_error error;
  bool found = false;
  int result = view_image(s, &spec);
  if (result != CLI_OK) return result;
  size_t count = spec.endpoint_count > 0 ? spec.endpoint_count : 1;
  endpoints = calloc(count, sizeof *endpoints);
  if (endpoints == NULL) return cli_fail_memory();
  if (spec.endpoint_count > 0) memcpy(endpoints, spec.endpoints, count * sizeof *endpoints);
  for (size_t i = 0; i < count; i++) {
    if (endpoints[i].index != options->endpoint) continue;
    endpoints[i].entry_pc = options->pc;
    found = true;
  }
  spec.endpoints = endpoints;
  spec.endpoint_count = count;
  if (!found) result = cli_fail("%s: --endpoint: the Image declares no endpoint %u", options->path, options->endpoint);
  else if (javm_image_new(s->input.dir, &spec, &moved, &error) != JAVM_OK)
    result = cli_fail_error(options->path, &error);
  free(endpoints);
  if (result != CLI_OK) return result;
  javm_cap_release(s->input.dir, s->image);
  s->image = moved;
  return CLI_OK;
}

/* The same Instance with another root CNode. */
static int replace_root(run_subject *s, javm_instance_spec *spec, javm_cap *root) {
  javm_dir *dir = s->input.dir;
  javm_overlay *overlays = calloc(spec->overlay_count + 1, sizeof *overlays);
  javm_cap *changed = NULL;
  javm_error error = {.status = JAVM_OUT_OF_MEMORY};
  javm_status status = overlays != NULL ? JAVM_OK : JAVM_OUT_OF_MEMORY;
  for (size_t i = 0; status == JAVM_OK && i < spec->overlay_count; i++) {
    status = javm_instance_overlay(dir, s->instance, i, &overlays[i].start, &overlays[i].data);
    error.status = status;
  }
  spec->overlays = overlays;
  spec->root_cnode = root;
  if (status == JAVM_OK) status = javm_instance_new(dir, spec, &changed, &error);
  for (size_t i = 0; overlays != NULL && i < spec->overlay_count; i++) javm_cap_release(dir, overlays[i].data);
  free(overlays);
  if (status != JAVM_OK) return cli_fail_error(s->input.path, &error);
  javm_cap_release(dir, s->instance);
  s->instance = changed;
  return CLI_OK;
}

/* Lets the catcher catch what the slots to be caught hold. */
static int add_markers(run_subject *s, const run_options *options, javm_cap *root, const javm_hash *catcher) {
  const javm_assist *assist = javm_local_assist_interface(s->assist);
  for (unsigned i = 0; i < options->catch_count; i++) {
    javm_cap *marker = NULL;
    javm_hash key;
    unsigned slot = options->catches[i];
    if (javm_cnode_get(s->input.dir, root, slot, &marker) != JAVM_OK || marker == NULL)
      return cli_fail("%s: --catch: expected a cap in root slot %u, it is empty", options->path, slot);
    javm_status status = javm_cap_hash(s->input.dir, marker, &key);
    javm_cap_release(s->input.dir, marker);
    if (status != JAVM_OK || assist->yield_catcher_add(assist->ctx, catcher, &key) != JAVM_OK) return cli_fail_memory();
  }
  return CLI_OK;
}

static bool is_pinned(const javm_image_spec *image, uint32_t slot) {
  for (size_t i = 0; i < image->pinned_count; i++)
    if (image->pinned[i].slot == slot) return true;
  return false;
}

static int open_root(run_subject *s, const char *option, javm_instance_spec *spec, javm_cap **root) {
  javm_error error;
  if (javm_instance_view(s->input.dir, s->instance, spec) != JAVM_OK) return cli_fail_memory();
  if (spec->root_cnode == NULL) return cli_fail("%s: %s: the Instance has no root CNode", s->input.path, option);
  return cli_resolve(s->input.dir, spec->root_cnode, root, &error) == JAVM_OK ? CLI_OK
                                                                              : cli_fail_error(s->input.path, &error);
}

/* Puts a handle of the kernel's into the slot that the Image names for it. */
static int put_handle(run_subject *s, const char *option, uint32_t slot, javm_cap *handle) {
  javm_instance_spec spec;
  javm_cap *root = NULL, *changed = NULL;
  int result = open_root(s, option, &spec, &root);
  if (result == CLI_OK && javm_cnode_set(s->input.dir, root, slot, handle, &changed) != JAVM_OK)
    result = cli_fail("%s: %s: cannot put anything into root slot %u", s->input.path, option, (unsigned)slot);
  if (result == CLI_OK) result = replace_root(s, &spec, changed);
  javm_cap_release(s->input.dir, changed);
  javm_cap_release(s->input.dir, root);
  return result;
}

static int put_catcher(run_subject *s, const run_options *options) {
  const javm_assist *assist = javm_local_assist_interface(s->assist);
  javm_dir *dir = s->input.dir;
  javm_instance_spec spec;
  javm_image_spec image;
  javm_cap *root = NULL, *catcher = NULL;
  javm_hash hash;
  int result = view_image(s, &image);
  if (result != CLI_OK) return result;
  if (!image.has_yield_marker_slot)
    return cli_fail("%s: --catch: expected an Image with a yield marker slot, it has none", options->path);
  if (is_pinned(&image, image.yield_marker_slot))
    return cli_fail("%s: --catch: the Image pins its yield marker slot %u", options->path,
                    (unsigned)image.yield_marker_slot);
  uint64_t number = assist->yield_catcher_new(assist->ctx);
  if (javm_kernel_instance(dir, JAVM_KERNEL_YIELDCATCHER, number, &catcher) != JAVM_OK ||
      javm_cap_hash(dir, catcher, &hash) != JAVM_OK)
    result = cli_fail_memory();
  if (result == CLI_OK) result = put_handle(s, "--catch", image.yield_marker_slot, catcher);
  if (result == CLI_OK) result = open_root(s, "--catch", &spec, &root);
  if (result == CLI_OK) result = add_markers(s, options, root, &hash);
  javm_cap_release(dir, root);
  javm_cap_release(dir, catcher);
  return result;
}

/* The number is the same in each run, so that an Instance that was saved, and what it made, find their quota again. */
static int put_quota(run_subject *s, const run_options *options) {
  const uint64_t number = 1;
  const javm_assist *assist = javm_local_assist_interface(s->assist);
  javm_image_spec image;
  javm_cap *handle = NULL;
  uint64_t previous;
  int result = view_image(s, &image);
  if (result != CLI_OK) return result;
  if (image.quota_slot_count == 0)
    return cli_fail("%s: --quota: expected an Image with a quota slot, it has none", options->path);
  if (is_pinned(&image, image.quota_slots[0]))
    return cli_fail("%s: --quota: the Image pins its quota slot %u", options->path, (unsigned)image.quota_slots[0]);
  if (assist->storage_quota_set(assist->ctx, number, options->quota, &previous) != JAVM_OK ||
      javm_kernel_instance(s->input.dir, JAVM_KERNEL_QUOTA, number, &handle) != JAVM_OK)
    return cli_fail_memory();
  result = put_handle(s, "--quota", image.quota_slots[0], handle);
  javm_cap_release(s->input.dir, handle);
  return result;
}

static int make_instance(run_subject *s, const run_options *options) {
  javm_image_spec image;
  javm_error error;
  bool is_image = javm_cap_kind(s->input.cap) == JAVM_KIND_IMAGE;
  int result = cli_input_image(&s->input, &s->image);
  if (result != CLI_OK) return result;
  if (!is_image && options->has_pc)
    return cli_fail("%s: --pc is for programs and Images, this is an Instance", options->path);
  if (!is_image && options->trace_path != NULL)
    return cli_fail("%s: --trace is for programs and Images, a trace does not hold an Instance's state", options->path);
  if (options->has_pc) result = move_entry(s, options);
  if (result == CLI_OK) result = view_image(s, &image);
  if (result != CLI_OK) return result;
  s->isa = image.code.isa;
  if (!is_image) s->instance = javm_cap_retain(s->input.cap);
  else if (javm_instance_genesis(s->input.dir, s->image, NULL, &s->instance, &error) != JAVM_OK)
    return cli_fail_error(options->path, &error);
  javm_instance_spec instance;
  if (javm_instance_view(s->input.dir, s->instance, &instance) != JAVM_OK) return cli_fail_memory();
  static const javm_hash none;
  s->is_paused = memcmp(&instance.paused, &none, sizeof none) != 0;
  if (options->has_quota) result = put_quota(s, options);
  if (result == CLI_OK && options->catch_count > 0) result = put_catcher(s, options);
  if (result == CLI_OK && javm_dir_put(s->input.dir, s->instance, &s->hash, &error) != JAVM_OK)
    result = cli_fail_error(options->path, &error);
  return result;
}

/* An argument that is not given is what the endpoint puts there itself. */
static int set_args(run_subject *s, const run_options *options) {
  javm_endpoint endpoint;
  int result = run_endpoint(s, options, &endpoint);
  memcpy(s->args, endpoint.initial_regs + 7, sizeof s->args);
  memcpy(s->args, options->args, options->arg_count * sizeof *s->args);
  return result;
}

int run_subject_make(run_subject *s, const run_options *options) {
  memset(s, 0, sizeof *s);
  int result = cli_input_open(options->path, &options->load, &s->input);
  if (result != CLI_OK) return result;
  if (javm_local_assist_new(s->input.dir, &s->assist) != JAVM_OK) return cli_fail_memory();
  if (options->has_input && s->input.form != CLI_FORM_STANDARD)
    return cli_fail("%s: --input is for standard programs, this is not one", options->path);
  result = make_instance(s, options);
  return result == CLI_OK ? set_args(s, options) : result;
}

void run_subject_clear(run_subject *s) {
  if (s->input.dir != NULL) {
    javm_cap_release(s->input.dir, s->instance);
    javm_cap_release(s->input.dir, s->image);
    javm_local_assist_free(s->assist);
  }
  cli_input_close(&s->input);
}
