/* Images with their code: what of an Image's validation needs the instruction set (3-values.md 3.2). */
#include "base/error.h"
#include "cap/cap.h"
#include "exec/ops.h"

static javm_status check_code(javm_dir *dir, const javm_image_spec *spec, javm_error *error) {
  const javm_code *code = &spec->code;
  const javm_allocator *a = javm_dir_allocator(dir);
  jv_bits starts;
  if (!jv_block_starts(code, a, &starts)) return jv_fail_memory(error);
  javm_status status = JAVM_OK;
  for (size_t i = 0; status == JAVM_OK && i < code->jump_count; i++) {
    if (!jv_bits_get(&starts, code->jump_table[i]))
      status =
          jv_fail(error, JAVM_INVALID_IMAGE, i, "jump_table[%zu]: %u is not a block start", i, code->jump_table[i]);
  }
  for (size_t i = 0; status == JAVM_OK && i < spec->endpoint_count; i++) {
    const javm_endpoint *e = &spec->endpoints[i];
    if (!jv_bits_get(&starts, e->entry_pc))
      status =
          jv_fail(error, JAVM_INVALID_IMAGE, i, "endpoint %u: entry_pc %u is not a block start", e->index, e->entry_pc);
  }
  if (status == JAVM_OK && spec->endpoint_count == 0 && !jv_bits_get(&starts, 0))
    status = jv_fail(error, JAVM_INVALID_IMAGE, 0, "code: no instruction at 0, where the only endpoint enters");
  jv_bits_free(&starts, a);
  return status;
}

/* The kinds of caps that an Image bakes in. Their values must be here for that: who may hold what depends on it. Where
 * `absent` is not NULL, one that is not here is only reported. */
static javm_status check_kinds(javm_dir *dir, const javm_slot_cap *caps, size_t count, bool images, const char *what,
                               bool *absent, javm_error *error) {
  for (size_t i = 0; i < count; i++) {
    if (!caps[i].cap) return jv_fail(error, JAVM_INVALID_IMAGE, i, "%s slot %u: no cap", what, caps[i].slot);
    javm_cap *value;
    javm_status status = jv_resolve(dir, caps[i].cap, JAVM_KIND_ABSENT, &value, error);
    if (status == JAVM_VALUE_NOT_FOUND && absent) {
      *absent = true;
      continue;
    }
    if (status != JAVM_OK) return status;
    javm_kind kind = javm_cap_kind(value);
    jv_release(dir, value);
    if (kind != JAVM_KIND_DATA && !(images && kind == JAVM_KIND_IMAGE))
      return jv_fail(error, JAVM_INVALID_IMAGE, i, "%s slot %u: a cap of kind %s", what, caps[i].slot,
                     javm_kind_text(kind));
  }
  return JAVM_OK;
}

static javm_status check(javm_dir *dir, const javm_image_spec *spec, bool *absent, javm_error *error) {
  javm_status status = jv_image_check(spec, error);
  if (status == JAVM_OK) status = check_code(dir, spec, error);
  if (status == JAVM_OK) status = check_kinds(dir, spec->pinned, spec->pinned_count, true, "pinned", absent, error);
  if (status == JAVM_OK) status = check_kinds(dir, spec->initial, spec->initial_count, false, "initial", absent, error);
  return status;
}

javm_status javm_image_new(javm_dir *dir, const javm_image_spec *spec, javm_cap **out, javm_error *error) {
  bool absent = false;
  javm_status status = check(dir, spec, &absent, error);
  if (status == JAVM_OK) status = jv_image_make(dir, spec, out, error);
  if (status == JAVM_OK && !absent) atomic_store_explicit(&(*out)->as.image.checked, 1, memory_order_release);
  return status;
}

javm_status javm_image_validate(javm_dir *dir, javm_cap *image, javm_error *error) {
  javm_cap *cap;
  javm_status status = jv_resolve(dir, image, JAVM_KIND_IMAGE, &cap, error);
  if (status != JAVM_OK) return status;
  if (!atomic_load_explicit(&cap->as.image.checked, memory_order_acquire)) {
    status = check(dir, &cap->as.image.spec, NULL, error);
    if (status == JAVM_OK) atomic_store_explicit(&cap->as.image.checked, 1, memory_order_release);
  }
  jv_release(dir, cap);
  return status;
}
