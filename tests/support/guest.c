/* See guest.h. */
#include "support/guest.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/engine.h"

/* ---- the world ---- */

void guest_open(guest *g) {
  memset(g, 0, sizeof *g);
  assert_int_equal(javm_dir_new(NULL, &g->dir), JAVM_OK);
  assert_int_equal(javm_local_assist_new(g->dir, &g->local), JAVM_OK);
  g->assist = javm_local_assist_interface(g->local);
  javm_vm_config_default(&g->config);
  g->config.gas_model = JAVM_GAS_INSTRUCTION;
  test_choose_engine(&g->config.engine, &g->config.explicit_checks, &g->config.counts_instructions);
  g->config.assist = g->assist;
  guest_vm(g);
}

void guest_vm(guest *g) {
  javm_vm_free(g->vm);
  g->vm = NULL;
  assert_int_equal(javm_vm_new(g->dir, &g->config, &g->vm, &g->error), JAVM_OK);
}

void guest_close(guest *g) {
  javm_result_clear(g->dir, &g->result);
  javm_vm_free(g->vm);
  for (size_t i = 0; i < g->owned_count; i++) javm_cap_release(g->dir, g->owned[i]);
  free(g->owned);
  javm_local_assist_free(g->local);
  javm_dir_free(g->dir);
  memset(g, 0, sizeof *g);
}

/* ---- values ---- */

javm_cap *guest_own(guest *g, javm_cap *cap) {
  if (!cap) return NULL;
  javm_cap **owned = realloc(g->owned, (g->owned_count + 1) * sizeof *owned);
  assert_non_null(owned);
  g->owned = owned;
  return g->owned[g->owned_count++] = cap;
}

javm_cap *guest_image(guest *g, const char *text) {
  javm_cap *image = NULL;
  javm_status status = javm_assemble(g->dir, text, strlen(text), JAVM_ISA_JAVM, &image, &g->error);
  if (status != JAVM_OK) fail_msg("line %zu: %s", g->error.offset, g->error.text);
  return guest_own(g, image);
}

javm_cap *guest_operation(guest *g, unsigned operation) {
  char text[80];
  snprintf(text, sizeof text, "ecalli %u\necalli 0\n", operation);
  return guest_image(g, text);
}

javm_cap *guest_data(guest *g, const char *text) {
  javm_cap *data;
  assert_int_equal(javm_data_new(g->dir, (const uint8_t *)text, strlen(text), &data), JAVM_OK);
  return guest_own(g, data);
}

javm_cap *guest_pages(guest *g, size_t page_count, uint8_t fill) {
  uint8_t *bytes = malloc(page_count * JAVM_PAGE_BYTES + 1);
  javm_cap *data;
  assert_non_null(bytes);
  for (size_t i = 0; i < page_count; i++) memset(bytes + i * JAVM_PAGE_BYTES, (int)(fill + i), JAVM_PAGE_BYTES);
  javm_status status = javm_data_new(g->dir, bytes, page_count * JAVM_PAGE_BYTES, &data);
  free(bytes);
  assert_int_equal(status, JAVM_OK);
  return guest_own(g, data);
}

javm_cap *guest_kernel(guest *g, javm_kernel_image which, uint64_t id) {
  javm_cap *cap;
  assert_int_equal(javm_kernel_instance(g->dir, which, id, &cap), JAVM_OK);
  return guest_own(g, cap);
}

javm_cap *guest_by_hash(guest *g, const javm_hash *hash) {
  javm_cap *cap;
  assert_int_equal(javm_cap_by_hash(g->dir, hash, &cap), JAVM_OK);
  return guest_own(g, cap);
}

javm_cap *guest_set(guest *g, javm_cap *cnode, uint32_t slot, javm_cap *cap) {
  javm_cap *next;
  assert_int_equal(javm_cnode_set(g->dir, cnode, slot, cap, &next), JAVM_OK);
  return guest_own(g, next);
}

javm_cap *guest_cnode_of(guest *g, unsigned size_log, const javm_slot_cap *slots) {
  javm_cap *cnode;
  assert_int_equal(javm_cnode_new(g->dir, size_log, &cnode), JAVM_OK);
  guest_own(g, cnode);
  for (; slots && slots->cap; slots++) cnode = guest_set(g, cnode, slots->slot, slots->cap);
  return cnode;
}

javm_cap *guest_instance(guest *g, javm_cap *image, const javm_slot_cap *slots) {
  javm_cap *instance;
  javm_status status = javm_instance_genesis(g->dir, image, guest_cnode_of(g, 8, slots), &instance, &g->error);
  if (status != JAVM_OK) fail_msg("%s: %s", javm_status_text(status), g->error.text);
  return guest_own(g, instance);
}

javm_instance_spec guest_view(guest *g, javm_cap *instance) {
  javm_instance_spec spec;
  assert_int_equal(javm_instance_view(g->dir, instance, &spec), JAVM_OK);
  static javm_overlay overlays[64];
  for (size_t i = 0; i < spec.overlay_count; i++) {
    assert_int_equal(javm_instance_overlay(g->dir, instance, i, &overlays[i].start, &overlays[i].data), JAVM_OK);
    guest_own(g, overlays[i].data);
  }
  spec.overlays = overlays;
  return spec;
}

javm_cap *guest_make(guest *g, const javm_instance_spec *spec) {
  javm_cap *instance = NULL;
  javm_status status = javm_instance_new(g->dir, spec, &instance, &g->error);
  if (status != JAVM_OK) fail_msg("%s: %s", javm_status_text(status), g->error.text);
  return guest_own(g, instance);
}

javm_hash guest_hash(guest *g, javm_cap *cap) {
  javm_hash hash;
  assert_int_equal(javm_cap_hash(g->dir, cap, &hash), JAVM_OK);
  return hash;
}

javm_hash guest_put(guest *g, javm_cap *cap) {
  javm_hash hash;
  assert_int_equal(javm_dir_put(g->dir, cap, &hash, &g->error), JAVM_OK);
  return hash;
}

void assert_same_cap(guest *g, javm_cap *a, javm_cap *b) {
  assert_true((a == NULL) == (b == NULL));
  if (a) assert_same_hash(guest_hash(g, a), guest_hash(g, b));
}

/* ---- running ---- */

javm_result *guest_fresh(guest *g) {
  javm_result_clear(g->dir, &g->result);
  memset(&g->error, 0, sizeof g->error);
  return &g->result;
}

/* A verb that must not fail has left the invariants as they are. */
static void done(guest *g, javm_status status) {
  if (status != JAVM_OK) fail_msg("%s: %s", javm_status_text(status), g->error.text);
  assert_int_equal(javm_vm_check(g->vm, &g->error), JAVM_OK);
}

javm_status guest_try(guest *g, javm_cap *instance, uint8_t endpoint, const uint64_t args[4], uint64_t gas) {
  javm_hash hash = guest_put(g, instance);
  return javm_vm_invoke(g->vm, &hash, endpoint, args, gas, guest_fresh(g), &g->error);
}

void guest_invoke(guest *g, javm_cap *instance, uint8_t endpoint, const uint64_t args[4], uint64_t gas) {
  done(g, guest_try(g, instance, endpoint, args, gas));
}

void guest_resume(guest *g, javm_cap *scratchpad) {
  done(g, javm_vm_call_resume(g->vm, scratchpad, guest_fresh(g), &g->error));
}

void guest_deliver(guest *g) { done(g, javm_vm_deliver_yield(g->vm, guest_fresh(g), &g->error)); }

void guest_drop(guest *g) { done(g, javm_vm_drop_paused(g->vm, guest_fresh(g), &g->error)); }

void guest_complete(guest *g, const uint64_t *values, size_t value_count) {
  done(g, javm_vm_complete_host_call(g->vm, values, value_count, guest_fresh(g), &g->error));
}

static void unexpected(guest *g) {
  const javm_result *r = &g->result;
  if (r->kind == JAVM_RESULT_FAULTED)
    fail_msg("faulted: %s at pc %u, refusal: %s (operation %u)", javm_exit_text(r->fault.kind), r->pc,
             javm_refusal_text(r->refusal), r->refused_operation);
  fail_msg("%s", r->kind == JAVM_RESULT_HALT ? "halted" : "paused");
}

void assert_halted(guest *g, uint64_t value) {
  if (g->result.kind != JAVM_RESULT_HALT) unexpected(g);
  assert_int_equal(g->result.return_value, value);
}

void assert_faulted(guest *g, javm_exit_kind kind) {
  if (g->result.kind != JAVM_RESULT_FAULTED) unexpected(g);
  if (g->result.fault.kind != kind) unexpected(g);
}

void assert_refused(guest *g, javm_refusal why, uint32_t operation) {
  assert_faulted(g, JAVM_EXIT_TRAP);
  if (g->result.refusal != why) unexpected(g);
  assert_int_equal(g->result.refused_operation, operation);
}

void assert_paused(guest *g, javm_pause_kind why) {
  if (g->result.kind != JAVM_RESULT_PAUSED) unexpected(g);
  assert_int_equal(g->result.pause, why);
}

void assert_depth(guest *g, size_t depth) {
  assert_int_equal(javm_vm_depth(g->vm), depth);
  assert_int_equal(javm_vm_check(g->vm, &g->error), JAVM_OK);
}

javm_cap *guest_post(guest *g) {
  javm_cap *cap = NULL;
  assert_int_equal(g->result.kind, JAVM_RESULT_HALT);
  assert_int_equal(javm_dir_get(g->dir, &g->result.instance, &cap, &g->error), JAVM_OK);
  return guest_own(g, cap);
}

/* The value behind a reference, where it is present. */
static javm_cap *value_of(guest *g, javm_cap *cap) {
  javm_cap *value;
  if (!cap || javm_cap_kind(cap) != JAVM_KIND_ABSENT) return cap;
  javm_hash hash = guest_hash(g, cap);
  return javm_dir_get(g->dir, &hash, &value, NULL) == JAVM_OK ? guest_own(g, value) : cap;
}

javm_cap *guest_cnode_slot(guest *g, javm_cap *cnode, uint32_t slot) {
  javm_cap *cap;
  assert_int_equal(javm_cnode_get(g->dir, cnode, slot, &cap), JAVM_OK);
  return value_of(g, guest_own(g, cap));
}

javm_cap *guest_slot(guest *g, javm_cap *instance, uint32_t slot) {
  javm_instance_spec spec;
  assert_int_equal(javm_instance_view(g->dir, instance, &spec), JAVM_OK);
  return guest_cnode_slot(g, value_of(g, spec.root_cnode), slot);
}

uint64_t guest_word(guest *g, javm_cap *instance, uint32_t address) {
  javm_instance_spec spec = guest_view(g, instance);
  for (size_t i = 0; i < spec.overlay_count; i++) {
    uint32_t page_count;
    uint64_t word;
    assert_int_equal(javm_data_page_count(g->dir, spec.overlays[i].data, &page_count), JAVM_OK);
    if (address - spec.overlays[i].start >= (uint64_t)page_count * JAVM_PAGE_BYTES) continue;
    assert_int_equal(
        javm_data_read(g->dir, spec.overlays[i].data, address - spec.overlays[i].start, &word, sizeof word, &g->error),
        JAVM_OK);
    return word;
  }
  fail_msg("no overlay at 0x%x", address);
  return 0;
}

/* ---- the kernel's part ---- */

void guest_catches(guest *g, javm_cap *catcher, const javm_hash *marker) {
  javm_hash key = guest_hash(g, catcher);
  assert_int_equal(g->assist->yield_catcher_add(g->assist->ctx, &key, marker), JAVM_OK);
}

javm_cap *guest_catcher(guest *g, uint64_t number, const javm_hash *marker) {
  javm_cap *catcher = guest_kernel(g, JAVM_KERNEL_YIELDCATCHER, number);
  guest_catches(g, catcher, marker);
  return catcher;
}

void guest_set_meter(guest *g, uint64_t id, uint64_t value) {
  uint64_t previous;
  assert_int_equal(g->assist->gas_meter_set(g->assist->ctx, id, value, &previous), JAVM_OK);
}

uint64_t guest_meter(guest *g, uint64_t id) { return g->assist->gas_meter_get(g->assist->ctx, id); }

void guest_set_quota(guest *g, uint64_t id, uint64_t value) {
  uint64_t previous;
  assert_int_equal(g->assist->storage_quota_set(g->assist->ctx, id, value, &previous), JAVM_OK);
}

uint64_t guest_quota(guest *g, uint64_t id) { return g->assist->storage_quota_get(g->assist->ctx, id); }
