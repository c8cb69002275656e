/*
 * Bytes as a small world: Images whose code is made of ecalls, memory accesses and jumps; Instances of them that hold
 * each other, markers, catchers and handles; a VM with host functions; and a list of verbs. After each verb the call
 * stack must be whole. The world is made and driven three times: twice alike, with the same outcome in everything, and
 * once with an allocation that fails somewhere, where every verb must still end cleanly and all memory must come back.
 */
#include "check.h"

enum { IMAGES = 3, CODE_MAX = 4096, VERBS_MAX = 14 };
enum { GAS_SLOT = 80, QUOTA_SLOT = 81, CATCHER_SLOT = 82, PINNED_DATA = 70, PINNED_IMAGE = 71, INITIAL_DATA = 72 };
enum { DATA_AT = 64, RW_AT = 0x10000, RO_AT = 0x20000, EPHEMERAL_AT = 0x30000, HEAP_AT = 0x40000 };

typedef struct world {
  fuzz_heap heap;
  bool starved;
  javm_dir *dir;
  javm_local_assist *assist;
  javm_vm *vm;
  javm_cap *images[IMAGES];
  javm_cap *data, *marker, *catcher, *gas, *quota;
  javm_hash instance; /* to invoke */
  uint64_t digest;    /* of everything that came out */
} world;

static void see(world *w, const void *bytes, size_t size) { fuzz_see(&w->digest, bytes, size); }
static void see_number(world *w, uint64_t v) { see(w, &v, sizeof v); }

static bool ok(const world *w, javm_status status) { return fuzz_ok(w->starved, status); }

/* --------------------------------------------------------------------------------------------------------- code */

typedef struct maker {
  uint8_t code[CODE_MAX], bitmask[CODE_MAX / 8];
  uint32_t size;
} maker;

static void emit(maker *m, unsigned opcode, unsigned reg, uint64_t imm, unsigned imm_bytes) {
  m->bitmask[m->size / 8] |= (uint8_t)(1u << m->size % 8);
  m->code[m->size++] = (uint8_t)opcode;
  if (reg < 256) m->code[m->size++] = (uint8_t)reg;
  for (unsigned k = 0; k < imm_bytes; k++) m->code[m->size++] = (uint8_t)(imm >> (8 * k));
}

static uint32_t some_address(unsigned b) {
  static const uint32_t starts[] = {RW_AT, RW_AT, EPHEMERAL_AT, EPHEMERAL_AT, RO_AT, RW_AT, EPHEMERAL_AT, HEAP_AT};
  return starts[b % 8] + (b >= 248 ? 0xffc : b >= 240 ? 0x1ffc : 8 * (b / 8));
}

/* Any slot operand: a plain root slot, or a path into the CNode of slot 4. */
static uint32_t some_slot(unsigned b) {
  if (b < 100) return b % 24;
  if (b < 190) return 4 | (1 + b % 8) << 8;
  return b < 245 ? 64 + b % 20 : b << 20;
}

/* Operations, and what each operand should be: a slot that holds something (F), nothing (E), an Instance (I), an
 * Image (M), a CNode (C), Data (D), a marker (K), the quota handle (Q); an address (A), a small number (N). */
static const struct {
  uint8_t number;
  char operands[7];
} calls[] = {{26, "INNNNN"}, {26, "INNNNN"}, {26, "INNNNN"}, {26, "FNNNNN"}, {26, "KNNNNN"}, {16, "K"},  {16, "K"},
             {16, "K"},      {0, "N"},       {1, "FE"},      {2, "FE"},      {3, "F"},       {4, "FF"},  {5, "EN"},
             {17, "M"},      {34, "FF"},     {18, "MCE"},    {33, "FANE"},   {20, "II"},     {21, "IE"}, {22, "DANN"},
             {24, "FE"},     {23, "ANQE"},   {25, "DQE"},    {27, ""},       {32, "IIAN"},   {28, ""},   {35, "F"},
             {36, ""},       {37, "F"},      {64, "N"},      {65, "N"},      {66, "N"},      {67, "N"},  {68, "AA"},
             {68, "AA"},     {19, "ANE"},    {29, "E"},      {30, "I"},      {99, "N"}};

static uint32_t take_operand(fuzz_input *in, char kind) {
  unsigned b = (unsigned)fuzz_take(in, 1);
  if (b >= 236 && kind != 'A') return some_slot((unsigned)fuzz_take(in, 1));
  switch (kind) {
    case 'F': return b % 17;
    case 'E': return 17 + b % 7;
    case 'I': return 1 + b % 2;
    case 'M': return 11 + b % 3;
    case 'C': return 15 + b % 2;
    case 'D': return b % 2 * 3;
    case 'K': return b % 4 == 3 ? 14 : 6 + b % 2;
    case 'Q': return b % 8 ? QUOTA_SLOT : 10;
    case 'A': return some_address(b);
    default: return b < 180 ? b % 2 : b * 16;
  }
}

/* All operands, whether used or not: so the same place is a block start in every Image, as set_image needs. */
static void emit_ecall(maker *m, fuzz_input *in) {
  unsigned which = (unsigned)fuzz_take(in, 1) % (sizeof calls / sizeof calls[0]), number = calls[which].number;
  const char *kinds = calls[which].operands;
  for (unsigned k = 0; k < 6; k++) emit(m, 51, 7 + k, k < strlen(kinds) ? take_operand(in, kinds[k]) : k, 4);
  emit(m, number == 99 ? 3 : 10, 256, number, 1); /* 99: plain ecall, the operation is in φ[11] */
}

static void emit_piece(maker *m, fuzz_input *in) {
  unsigned b = (unsigned)fuzz_take(in, 1);
  switch (b % 16) {
    default: emit_ecall(m, in); break;
    case 9: emit(m, 62, 7 + b / 16 % 6, some_address((unsigned)fuzz_take(in, 1)), 4); break;  /* store_u64 */
    case 10: emit(m, 58, 7 + b / 16 % 6, some_address((unsigned)fuzz_take(in, 1)), 4); break; /* load_u64 */
    case 11: emit(m, 149, 0x77, fuzz_take(in, 1), 1); break;                                  /* a0 += n */
    case 12:
      emit(m, 40, 256, 2, 1);
      emit(m, 1, 256, 0, 0);
      break;                                  /* jump to the fallthrough */
    case 13: emit(m, 101, 0x78, 0, 0); break; /* sbrk */
    case 14:                                  /* back to the start, now and then */
      emit(m, 81, 7 | 1 << 4, fuzz_take(in, 1), 1);
      for (unsigned k = 0, back = 0u - (m->size - 3); k < 4; k++) m->code[m->size++] = (uint8_t)(back >> (8 * k));
      break;
    case 15: emit(m, b / 16 < 12 ? 1 : b / 16 < 14 ? 0 : 200, 256, 0, 0); break;
  }
}

static void make_code(maker *m, fuzz_input *in) {
  memset(m, 0, sizeof *m);
  for (unsigned n = (unsigned)fuzz_take(in, 1) % 12; n > 0 && m->size < CODE_MAX - 128; n--) emit_piece(m, in);
  emit(m, 10, 256, 0, 1);
}

/* -------------------------------------------------------------------------------------------------------- values */

static bool make_image(world *w, fuzz_input *in, int index) {
  maker m;
  make_code(&m, in);
  unsigned flags = (unsigned)fuzz_take(in, 1);
  javm_endpoint endpoints[2] = {{.index = 0, .initial_regs = {1, 2}}, {.index = 1, .arg_registers = 4}};
  const javm_mapping mappings[4] = {{RW_AT, 0x2000, JAVM_MAPPING_PERSISTENT, 1, {DATA_AT}},
                                    {RO_AT, 0x2000, JAVM_MAPPING_PERSISTENT, 1, {PINNED_DATA}},
                                    {EPHEMERAL_AT, 0x2000, JAVM_MAPPING_EPHEMERAL, 0, {0}},
                                    {HEAP_AT, 0x3000, JAVM_MAPPING_HEAP, 0, {0}}};
  const uint32_t gas_slot = GAS_SLOT, quota_slot = QUOTA_SLOT;
  const javm_slot_cap pinned[2] = {{PINNED_DATA, w->data}, {PINNED_IMAGE, index ? w->images[index - 1] : NULL}};
  const javm_slot_cap initial = {flags % 2 ? INITIAL_DATA : DATA_AT, w->data};
  javm_image_spec spec;
  javm_image_spec_init(&spec);
  spec.code = (javm_code){.code = m.code,
                          .code_bytes = m.size,
                          .bitmask = m.bitmask,
                          .bitmask_bytes = (m.size + 7) / 8,
                          .isa = flags >= 240 ? JAVM_ISA_JAM_0_8 : JAVM_ISA_JAVM};
  spec.endpoints = endpoints;
  spec.endpoint_count = flags & 2 ? 2 : 0;
  spec.mappings = mappings;
  spec.mapping_count = flags & 4 ? 3 : 4;
  spec.gas_slots = &gas_slot;
  spec.gas_slot_count = flags >> 3 & 1;
  spec.quota_slots = &quota_slot;
  spec.quota_slot_count = flags >> 4 & 1;
  spec.pinned = pinned;
  spec.pinned_count = index ? 2 : 1;
  spec.initial = &initial;
  spec.initial_count = 1;
  spec.has_yield_marker_slot = (flags >> 5 & 3) != 3;
  spec.yield_marker_slot = CATCHER_SLOT;
  javm_error error;
  return ok(w, javm_image_new(w->dir, &spec, &w->images[index], &error));
}

/* *cnode becomes one with cap in the slot; cap NULL: as before. */
static bool set_slot(world *w, javm_cap **cnode, uint32_t slot, javm_cap *cap) {
  javm_cap *next = NULL;
  if (!cap) return true;
  if (!ok(w, javm_cnode_set(w->dir, *cnode, slot, cap, &next))) return false;
  javm_cap_release(w->dir, *cnode);
  *cnode = next;
  return true;
}

/* An Instance of an Image that holds `inner` (may be NULL) in slots 1 and 2, and one of everything. */
static bool make_instance(world *w, int image, unsigned has, javm_cap *inner, javm_cap **out) {
  javm_cap *root = NULL, *small = NULL, *empty = NULL, *type = NULL, *kernel = NULL;
  javm_hash hash;
  javm_error error;
  bool made = ok(w, javm_cnode_new(w->dir, 8, &root)) && ok(w, javm_cnode_new(w->dir, 3, &small)) &&
              ok(w, javm_cnode_new(w->dir, 8, &empty)) && ok(w, javm_cap_hash(w->dir, w->images[image], &hash)) &&
              ok(w, javm_type_new(w->dir, &hash, &type)) &&
              ok(w, javm_kernel_instance(w->dir, (javm_kernel_image)(JAVM_KERNEL_SET_GAS_METER + image), 1, &kernel)) &&
              set_slot(w, &small, 2, w->data) && set_slot(w, &small, 3, inner) && set_slot(w, &small, 4, w->marker);
  javm_cap *const caps[] = {w->data,      inner,        inner,      w->data, small,    type,
                            w->marker,    w->marker,    w->catcher, w->gas,  w->quota, w->images[0],
                            w->images[1], w->images[2], kernel,     empty,   empty};
  for (uint32_t k = 0; made && k < sizeof caps / sizeof caps[0]; k++) made = set_slot(w, &root, k, caps[k]);
  if (made && has & 1) made = set_slot(w, &root, GAS_SLOT, w->gas);
  if (made && has & 2) made = set_slot(w, &root, QUOTA_SLOT, w->quota);
  if (made && (has & 4 || image == 1)) made = set_slot(w, &root, CATCHER_SLOT, w->catcher);
  made = made && ok(w, javm_instance_genesis(w->dir, w->images[image], root, out, &error));
  javm_cap *const mine[] = {root, small, empty, type, kernel};
  for (unsigned k = 0; k < sizeof mine / sizeof mine[0]; k++) javm_cap_release(w->dir, mine[k]);
  return made;
}

static bool set_assist(world *w, fuzz_input *in) {
  const javm_assist *a = javm_local_assist_interface(w->assist);
  uint64_t before, number = a->yield_catcher_new(a->ctx);
  javm_hash catcher, marker, exhausted;
  if (!ok(w, javm_kernel_instance(w->dir, JAVM_KERNEL_YIELDCATCHER, number, &w->catcher)) ||
      !ok(w, javm_kernel_instance(w->dir, JAVM_KERNEL_GAS, 1, &w->gas)) ||
      !ok(w, javm_kernel_instance(w->dir, JAVM_KERNEL_QUOTA, 1, &w->quota)) ||
      !ok(w, javm_cap_hash(w->dir, w->catcher, &catcher)) || !ok(w, javm_cap_hash(w->dir, w->marker, &marker)))
    return false;
  unsigned flags = (unsigned)fuzz_take(in, 1);
  if (flags & 9 && !ok(w, a->yield_catcher_add(a->ctx, &catcher, &marker))) return false;
  javm_kernel_hash(JAVM_KERNEL_OOG_MARKER, &marker);
  javm_kernel_hash(JAVM_KERNEL_STORAGE_EXHAUSTED_MARKER, &exhausted);
  if (flags & 2 && !ok(w, a->yield_catcher_add(a->ctx, &catcher, &marker))) return false;
  if (flags & 4 && !ok(w, a->yield_catcher_add(a->ctx, &catcher, &exhausted))) return false;
  return ok(w, a->gas_meter_set(a->ctx, 1, fuzz_take(in, 2), &before)) &&
         ok(w, a->storage_quota_set(a->ctx, 1, 4096 * (fuzz_take(in, 1) % 6), &before));
}

/* -------------------------------------------------------------------------------------------------------- host */

static javm_host_action host(void *ctx, javm_host_call *call) {
  world *w = ctx;
  uint32_t number = javm_host_number(call), address = (uint32_t)javm_host_arg(call, 0);
  see_number(w, (uint64_t)number << 32 | address);
  see_number(w, javm_host_gas(call));
  javm_host_return(call, 0, address + 1);
  if (number == 65) return JAVM_HOST_PAUSE;
  if (number == 66) return JAVM_HOST_REFUSE;
  if (number == 67) return JAVM_HOST_HALT;
  if (number != 68) return JAVM_HOST_RETURN;
  uint8_t bytes[40] = {7};
  see_number(w, javm_host_charge(call, 3));
  see_number(w, javm_host_read(call, address, bytes, sizeof bytes));
  see(w, bytes, sizeof bytes);
  see_number(w, javm_host_write(call, (uint32_t)javm_host_arg(call, 1), bytes, sizeof bytes));
  javm_cap *cap = NULL;
  javm_status status = javm_host_slot_get(call, address % 24, &cap);
  see_number(w, status);
  if (status == JAVM_OK) see_number(w, javm_host_slot_set(call, address / 8 % 24, cap));
  javm_cap_release(w->dir, cap);
  return address % 3 == 0 ? JAVM_HOST_REFUSE : JAVM_HOST_RETURN;
}

static bool make_world(world *w, fuzz_input *in) {
  static const uint8_t bytes[5000] = {1, 2, 3, 4, 5, 6, 7, 8};
  javm_vm_config config;
  javm_vm_config_default(&config);
  unsigned flags = (unsigned)fuzz_take(in, 1);
  config.gas_model = (javm_gas_model)(flags % 3);
  config.yield_mode = flags & 4 ? JAVM_YIELD_TO_CATCHER : JAVM_YIELD_TO_HOST;
  config.host_catches_out_of_gas = flags >> 3 & 1;
  config.max_cached_programs = flags & 16 ? 1 : 256;
  config.max_depth = flags & 32 ? 3 : 12;
  javm_error error;
  if (!ok(w, javm_dir_new(&w->heap.allocator, &w->dir)) || !ok(w, javm_local_assist_new(w->dir, &w->assist)) ||
      !ok(w, javm_data_new(w->dir, bytes, flags & 64 ? 10 : sizeof bytes, &w->data)) ||
      !ok(w, javm_data_new(w->dir, bytes, 3, &w->marker)) || !set_assist(w, in))
    return false;
  for (int k = 0; k < IMAGES; k++)
    if (!make_image(w, in, k)) return false;
  config.assist = flags & 128 ? NULL : javm_local_assist_interface(w->assist);
  if (!ok(w, javm_vm_new(w->dir, &config, &w->vm, &error))) return false;
  for (uint32_t n = 64; n <= 68; n++)
    if (!ok(w, javm_vm_register(w->vm, n, "fuzz", host, w))) return false;
  javm_cap *instances[IMAGES] = {NULL};
  unsigned has = (unsigned)fuzz_take(in, 1);
  bool made = true;
  for (int k = 0; made && k < IMAGES; k++)
    made = make_instance(w, k, has >> 2 * k, k ? instances[k - 1] : NULL, &instances[k]);
  if (made) made = ok(w, javm_dir_put(w->dir, instances[IMAGES - 1], &w->instance, &error));
  for (int k = 0; k < IMAGES; k++) javm_cap_release(w->dir, instances[k]);
  return made;
}

static void free_world(world *w) {
  javm_vm_free(w->vm);
  javm_local_assist_free(w->assist);
  if (!w->dir) return;
  for (int k = 0; k < IMAGES; k++) javm_cap_release(w->dir, w->images[k]);
  javm_cap *const mine[] = {w->data, w->marker, w->catcher, w->gas, w->quota};
  for (unsigned k = 0; k < sizeof mine / sizeof mine[0]; k++) javm_cap_release(w->dir, mine[k]);
  size_t removed;
  if (javm_dir_sweep(w->dir, NULL, 0, &removed) == JAVM_OK) CHECK(javm_dir_count(w->dir) == 0);
  javm_dir_free(w->dir);
}

/* -------------------------------------------------------------------------------------------------------- driving */

static void see_cap(world *w, javm_cap *cap) {
  javm_hash hash = {{0}};
  if (cap && !ok(w, javm_cap_hash(w->dir, cap, &hash))) return;
  see(w, &hash, sizeof hash);
}

static void see_result(world *w, const javm_result *r) {
  see_number(w, r->kind);
  see_number(w, r->gas_used);
  see_number(w, r->instructions);
  see_number(w, r->return_value);
  see(w, &r->instance, sizeof r->instance);
  for (size_t k = 0; k < r->emit_count; k++) see_cap(w, r->emits[k]);
  see_cap(w, r->slot0);
  see_number(w, (uint64_t)r->fault.kind << 32 | r->fault.address);
  see_number(w, r->pc);
  see_number(w, (uint64_t)r->refusal << 32 | r->refused_operation);
  see(w, r->dirty_pages, r->dirty_page_count * sizeof r->dirty_pages[0]);
  see_number(w, (uint64_t)r->pause << 32 | r->host_function);
  see_cap(w, r->payload);
}

static void see_stack(world *w) {
  javm_error error;
  javm_status status = javm_vm_check(w->vm, &error);
  if (status != JAVM_OK) fprintf(stderr, "%s\n", error.text);
  CHECK(status == JAVM_OK);
  size_t depth = javm_vm_depth(w->vm);
  for (size_t k = 0; k < depth; k++) {
    javm_entry_view view;
    memset(&view, 0, sizeof view);
    CHECK(javm_vm_entry(w->vm, k, &view) == JAVM_OK && view.running == (k + 1 == depth));
    see_number(w, (uint64_t)view.kind << 32 | view.target);
    if (view.kind == JAVM_ENTRY_REFERENCE) continue;
    see_number(w, view.pc);
    see_number(w, view.gas);
    see(w, view.regs, sizeof view.regs);
    see(w, &view.image_hash_chain, sizeof view.image_hash_chain);
  }
  CHECK(javm_vm_entry(w->vm, depth, &(javm_entry_view){0}) != JAVM_OK);
}

static javm_status do_verb(world *w, fuzz_input *in, javm_result *result, javm_error *error) {
  unsigned verb = (unsigned)fuzz_take(in, 1);
  const uint64_t args[4] = {3, 4, RW_AT, verb}, values[2] = {5, 6};
  see_number(w, verb);
  if (javm_vm_depth(w->vm) == 0 || verb % 16 == 0) {
    uint8_t endpoint = verb / 16 % 8 ? 0 : (uint8_t)(verb / 16);
    return javm_vm_invoke(w->vm, &w->instance, endpoint, args, 200 + 37 * verb, result, error);
  }
  switch (verb % 8) {
    case 1: return javm_vm_call_resume(w->vm, w->data, result, error);
    case 2: return javm_vm_deliver_yield(w->vm, result, error);
    case 3: return javm_vm_drop_paused(w->vm, result, error);
    case 4: return javm_vm_complete_host_call(w->vm, values, verb / 8 % 3, result, error);
    case 5: result->kind = JAVM_RESULT_HALT; return javm_vm_add_gas(w->vm, 50 * verb);
    default: return javm_vm_call_resume(w->vm, NULL, result, error);
  }
}

static void drive(world *w, fuzz_input *in) {
  for (int n = 0; n < VERBS_MAX && (n == 0 || in->left > 0); n++) {
    javm_result result;
    javm_error error;
    memset(&result, 0, sizeof result);
    javm_status status = do_verb(w, in, &result, &error);
    see_number(w, status);
    if (status == JAVM_OK) {
      see_result(w, &result);
      if (result.kind == JAVM_RESULT_HALT && result.pc && !w->starved) w->instance = result.instance;
      javm_result_clear(w->dir, &result);
    } else {
      CHECK(status != JAVM_INTERNAL && (status != JAVM_OUT_OF_MEMORY || w->starved));
    }
    see_stack(w);
  }
}

/* Makes and drives a world; gives its digest. */
static uint64_t live(const uint8_t *bytes, size_t size, uint64_t fail_from, uint64_t fail_count) {
  world w;
  memset(&w, 0, sizeof w);
  fuzz_heap_init(&w.heap);
  w.starved = fail_count > 0;
  w.heap.fail_from = fail_from;
  w.heap.fail_count = fail_count;
  fuzz_input in = {bytes, size};
  if (make_world(&w, &in)) drive(&w, &in);
  free_world(&w);
  fuzz_heap_check_empty(&w.heap);
  return w.digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  uint64_t mix = fuzz_mix(bytes, size);
  CHECK(live(bytes, size, 0, 0) == live(bytes, size, 0, 0));
  live(bytes, size, mix / 1024 % 600, mix % 4 ? 1 : 1000000);
  return 0;
}
