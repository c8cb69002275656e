/* The VM's cache of validated, predecoded Images, keyed by image hash and M. The least recently used goes when it is full;
 * an entry that runs one keeps it alive. */
#include "vm/vm.h"

static void unload(javm_vm *vm, jv_loaded_image *image) {
  if (atomic_fetch_sub_explicit(&image->refs, 1, memory_order_acq_rel) != 1) return;
  javm_program_release(image->program);
  jv_release(vm->dir, image->reference);
  jv_release(vm->dir, image->image);
  jv_free(vm->allocator, image, sizeof *image);
}

void jv_unload_image(javm_vm *vm, jv_loaded_image *image) {
  if (image) unload(vm, image);
}

jv_loaded_image *jv_known_image(javm_vm *vm, const javm_cap *image) {
  for (size_t i = 0; i < vm->image_count; i++) {
    jv_loaded_image *l = vm->images[i];
    if (l->image == image || (jv_obj_has_hash(&image->obj) && jv_hash_equal(&l->image->obj.hash, &image->obj.hash))) {
      return jv_retain_image(l);
    }
  }
  return NULL;
}

/* See jv_loaded_image.reference. NULL: out of memory. */
static javm_cap *reference_to(javm_vm *vm, javm_cap *image) {
  if (javm_dir_has(vm->dir, &image->obj.hash)) return jv_placeholder(vm->dir, &image->obj.hash);
  return javm_cap_retain(image);
}

/* An Image whose code is being announced. */
typedef struct naming {
  const javm_vm_config *config;
  const javm_hash *image;
} naming;

static bool name_of(void *ctx, uint32_t pc, char *name, size_t capacity) {
  const naming *n = ctx;
  return n->config->name_of(n->config->name_ctx, n->image, pc, name, capacity);
}

static javm_status load(javm_vm *vm, javm_cap *image, uint32_t load_cycles, jv_loaded_image **out, javm_error *error) {
  javm_status status = javm_image_validate(vm->dir, image, error);
  if (status != JAVM_OK) return status;
  jv_loaded_image *l = jv_alloc_zero(vm->allocator, sizeof *l);
  if (!l) return jv_fail_memory(error);
  const javm_image_spec *spec = &image->as.image.spec;
  javm_program_config config;
  javm_program_config_default(&config);
  config.gas_model = vm->config.gas_model;
  config.load_cycles = load_cycles;
  config.engine = vm->config.engine;
  config.counts_instructions = vm->config.counts_instructions;
  config.explicit_checks = vm->config.explicit_checks;
  config.allocator = vm->allocator;
  config.announce = vm->config.announce;
  naming names = {&vm->config, &image->obj.hash};
  config.name_of = vm->config.name_of ? name_of : NULL;
  config.name_ctx = &names;
  status = jv_program_get(vm->dir, image, &config, &l->program, error);
  if (status != JAVM_OK) {
    jv_free(vm->allocator, l, sizeof *l);
    return status;
  }
  vm->unannounced |= javm_program_unannounced(l->program);
  atomic_init(&l->refs, 1);
  l->image = javm_cap_retain(image);
  l->reference = reference_to(vm, image);
  l->load_cycles = load_cycles;
  for (size_t i = 0; i < spec->pinned_count; i++)
    l->pinned[spec->pinned[i].slot >> 3] |= 1 << (spec->pinned[i].slot & 7);
  if (!l->reference) {
    unload(vm, l);
    return jv_fail_memory(error);
  }
  *out = l;
  return JAVM_OK;
}

javm_status jv_load_image(javm_vm *vm, javm_cap *image, uint32_t load_cycles, jv_loaded_image **out,
                          javm_error *error) {
  if (!jv_settle(vm->dir, &image->obj)) return jv_fail_memory(error);
  size_t oldest = 0;
  for (size_t i = 0; i < vm->image_count; i++) {
    jv_loaded_image *l = vm->images[i];
    if (l->load_cycles == load_cycles && jv_hash_equal(&l->image->obj.hash, &image->obj.hash)) {
      l->last_used = ++vm->clock;
      *out = jv_retain_image(l);
      return JAVM_OK;
    }
    if (l->last_used < vm->images[oldest]->last_used) oldest = i;
  }
  javm_status status = load(vm, image, load_cycles, out, error);
  if (status != JAVM_OK) return status;
  size_t place = vm->image_count;
  if (place == vm->config.max_cached_programs) {
    place = oldest;
    unload(vm, vm->images[place]);
  } else {
    vm->image_count++;
  }
  vm->images[place] = *out;
  (*out)->last_used = ++vm->clock;
  jv_retain_image(*out);
  return JAVM_OK;
}
