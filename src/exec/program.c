/* Predecoding (program.h). Time and memory are linear in the code, whatever is in it. */
#include "base/error.h"
#include "exec/decode.h"
#include "exec/engine.h"
#include "exec/gas.h"
#include "exec/insn.h"

#include <string.h>

enum { MAX_CODE_BYTES = 1 << 24, MAX_JUMPS = 1 << 20, DEFAULT_LOAD_CYCLES = 25 };

void javm_program_config_default(javm_program_config *config) {
  *config = (javm_program_config){.size_bytes = sizeof *config, .gas_model = JAVM_GAS_PIPELINE};
}

void javm_program_retain(javm_program *program) {
  if (program) atomic_fetch_add_explicit(&program->refs, 1, memory_order_relaxed);
}

static void free_records(const javm_program *p, jv_records *r) {
  if (!r) return;
  const javm_allocator *a = p->allocator;
  jv_free_array(a, r->insns, r->count, sizeof *r->insns);
  jv_free_array(a, r->pcs, r->count, sizeof *r->pcs);
  jv_free_array(a, r->jump_targets, p->code.jump_count, sizeof *r->jump_targets);
  jv_free(a, r, sizeof *r);
}

void javm_program_release(javm_program *p) {
  if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1) return;
  const javm_allocator *a = p->allocator;
  javm_program_release(p->charged);
  jv_native_free(p->native);
  jv_native_free(atomic_load(&p->windowed));
  free_records(p, atomic_load(&p->records));
  if (p->code.code) jv_free(a, (void *)p->code.code, p->code.code_bytes + JV_CODE_PADDING);
  if (p->code.bitmask) jv_free(a, (void *)p->code.bitmask, p->code.bitmask_bytes + JV_BITMASK_PADDING);
  jv_free_array(a, (void *)p->code.jump_table, p->code.jump_count, sizeof(uint32_t));
  jv_bits_free(&p->block_starts, a);
  jv_free_array(a, p->blocks, p->block_count, sizeof *p->blocks);
  jv_free(a, p, sizeof *p);
}

uint32_t jv_records_find(const jv_records *r, uint32_t pc) {
  uint32_t low = 0, high = r->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (r->pcs[middle] < pc) low = middle + 1;
    else high = middle;
  }
  return low < r->count && r->pcs[low] == pc ? low : UINT32_MAX;
}

bool javm_program_is_block_start(const javm_program *program, uint32_t pc) {
  return jv_bits_get(&program->block_starts, pc);
}

bool javm_program_is_native(const javm_program *program) { return program->native != NULL; }

size_t javm_program_bytes(const javm_program *p) {
  const jv_records *r = jv_program_records(p);
  size_t bytes = sizeof *p + p->code.code_bytes + p->code.bitmask_bytes + p->code.jump_count * sizeof(uint32_t);
  bytes += p->block_starts.count / 8 + p->block_count * sizeof *p->blocks + jv_native_bytes(p->native);
  bytes += jv_native_bytes(atomic_load_explicit(&((javm_program *)p)->windowed, memory_order_acquire));
  if (p->charged) bytes += javm_program_bytes(p->charged);
  if (r) bytes += r->count * (sizeof *r->insns + sizeof *r->pcs) + p->code.jump_count * sizeof *r->jump_targets;
  return bytes;
}

uint32_t javm_program_unannounced(const javm_program *program) { return program->unannounced; }

bool javm_program_native_code(const javm_program *program, const uint8_t **code, size_t *size_bytes) {
  const jv_native *native = program->native ? jv_native_hot(program) : NULL;
  if (native) jv_native_code(native, code, size_bytes);
  return native != NULL;
}

bool javm_program_native_block(const javm_program *program, size_t index, size_t *offset, size_t *size_bytes) {
  const jv_native *native = program->native ? jv_native_hot(program) : NULL;
  if (native) jv_native_block(program, native, index, offset, size_bytes);
  return native != NULL;
}

size_t javm_program_block_count(const javm_program *program) { return program->block_count; }

void javm_program_block(const javm_program *p, size_t index, uint32_t *pc, uint32_t *cost) {
  const jv_records *r = jv_program_records(p);
  *pc = p->blocks[index];
  /* In the instruction model a region's cost reaches to the next ecall only. */
  if (p->gas_model == JAVM_GAS_INSTRUCTION) *cost = jv_gas_block_cost(&p->code, p->gas_model, p->load_cycles, *pc);
  else *cost = p->native ? jv_native_cost(p->native, *pc) : r->insns[jv_records_find(r, *pc)].cost;
}

/* ---------------------------------------------------------------------------------------------- predecoding */

/* A copy with room for padding. */
static void *copy(const javm_allocator *a, const void *from, size_t size_bytes, size_t padding) {
  void *to = jv_alloc(a, size_bytes + padding);
  if (to && size_bytes) memcpy(to, from, size_bytes);
  return to;
}

/* Copies what was given; the counts stand only beside arrays that exist, so that a release is always right. */
static bool copy_code(javm_program *p, const javm_code *code) {
  const javm_allocator *a = p->allocator;
  p->code.isa = code->isa;
  if (!(p->code.code = copy(a, code->code, code->code_bytes, JV_CODE_PADDING))) return false;
  p->code.code_bytes = code->code_bytes;
  if (!(p->code.bitmask = copy(a, code->bitmask, code->bitmask_bytes, JV_BITMASK_PADDING))) return false;
  p->code.bitmask_bytes = code->bitmask_bytes;
  jv_pad_code((uint8_t *)p->code.code, p->code.code_bytes, (uint8_t *)p->code.bitmask);
  size_t jump_bytes = code->jump_count * sizeof *code->jump_table;
  if (!(p->code.jump_table = copy(a, code->jump_table, jump_bytes, code->jump_count == 0))) return false;
  p->code.jump_count = code->jump_count;
  return true;
}

/* The pc of the record after the one at pc: the next marked offset, or where a gap is too long, or the end of the
 * code. */
static uint32_t next_record(const javm_code *code, uint32_t pc) {
  uint32_t end = (uint32_t)code->code_bytes, next = pc + 1;
  /* Nothing is marked at pc itself: no instruction skips from there, and the next record is the next marked one. */
  bool marked = jv_bitmask_at(code, pc);
  while (next < end && !jv_bitmask_at(code, next) && !(marked && next == pc + 25)) next++;
  return next;
}

static bool place_records(const javm_program *p, jv_records *r) {
  uint32_t count = 1, end = (uint32_t)p->code.code_bytes;
  for (uint32_t pc = 0; pc < end; pc = next_record(&p->code, pc)) count++;
  r->insns = jv_alloc_array(p->allocator, count, sizeof *r->insns);
  r->pcs = jv_alloc_array(p->allocator, count, sizeof *r->pcs);
  r->count = count;
  if (!r->insns || !r->pcs) return false;
  uint32_t pc = 0;
  for (uint32_t i = 0; i < count; i++) {
    r->pcs[i] = pc;
    if (pc < end) pc = next_record(&p->code, pc);
  }
  return true;
}

static bool resolve_jumps(const javm_program *p, jv_records *r) {
  r->jump_targets = jv_alloc_array(p->allocator, p->code.jump_count, sizeof *r->jump_targets);
  if (!r->jump_targets) return false;
  for (size_t i = 0; i < p->code.jump_count; i++) {
    uint32_t pc = p->code.jump_table[i];
    r->jump_targets[i] = jv_bits_get(&p->block_starts, pc) ? jv_records_find(r, pc) : UINT32_MAX;
  }
  return true;
}

static void decode_record(const javm_program *p, jv_records *r, uint32_t index) {
  jv_decoded d;
  uint32_t pc = r->pcs[index];
  jv_decode_fast(&p->code, pc, &d);
  jv_insn *insn = &r->insns[index];
  *insn = (jv_insn){.x = d.x, .op = d.op, .a = d.a, .b = d.b, .d = d.d, .y = (int32_t)(uint32_t)d.y};
  if (!jv_has_target(d.op)) return;
  insn->y = JV_NO_TARGET;
  if (jv_bits_get(&p->block_starts, d.target))
    insn->y = ((int32_t)jv_records_find(r, d.target) - (int32_t)index) * (int32_t)sizeof *insn;
}

/* Counts, backwards: a region's count is known at its end. */
static void count_regions(const javm_program *p, jv_records *r) {
  uint32_t count = 0;
  for (uint32_t i = r->count; i-- > 0;) {
    jv_insn *insn = &r->insns[i];
    if (jv_op_ends_region(p->code.isa, insn->op)) count = 0;
    insn->count = ++count;
    insn->cost = p->gas_model == JAVM_GAS_INSTRUCTION ? count : 0;
  }
}

/* The costs of blocks; what follows an invalid instruction is priced as one, too. */
static void price_blocks(const javm_program *p, jv_records *r) {
  if (p->gas_model == JAVM_GAS_INSTRUCTION) return;
  jv_pricer pricer;
  jv_decoded d;
  jv_pricer_init(&pricer, &p->code, p->gas_model, p->load_cycles);
  for (uint32_t i = 0, first = 0; i < r->count; i++) {
    jv_decode_fast(&p->code, r->pcs[i], &d);
    if (jv_pricer_add(&pricer, &d, r->pcs[i], &r->insns[first].cost)) first = i + 1;
  }
}

bool jv_program_predecode(javm_program *p) {
  if (jv_program_records(p)) return true;
  jv_records *r = jv_alloc_zero(p->allocator, sizeof *r), *none = NULL;
  if (!r) return false;
  if (!place_records(p, r) || !resolve_jumps(p, r)) {
    free_records(p, r);
    return false;
  }
  for (uint32_t i = 0; i < r->count; i++) decode_record(p, r, i);
  count_regions(p, r);
  price_blocks(p, r);
  jv_fuse(r);
  /* Another thread may have been faster. */
  if (!atomic_compare_exchange_strong(&p->records, &none, r)) free_records(p, r);
  return true;
}

/* Writes the block starts to `blocks` (NULL: does not) and returns how many there are. */
static uint32_t collect_blocks(const jv_bits *starts, uint32_t *blocks) {
  uint32_t count = 0, bytes = (starts->count + 7) / 8;
  for (uint32_t byte = 0; byte < bytes; byte += 8) {
    uint64_t bits =
        bytes - byte < 8 ? jv_load_le(starts->bits + byte, bytes - byte) : jv_load_le64(starts->bits + byte);
    for (; bits; bits &= bits - 1, count++)
      if (blocks) blocks[count] = 8 * byte + jv_lowest_bit(bits);
  }
  return count;
}

static bool list_blocks(javm_program *p) {
  uint32_t count = collect_blocks(&p->block_starts, NULL);
  p->blocks = jv_alloc_array(p->allocator, count, sizeof *p->blocks);
  if (!p->blocks) return false;
  p->block_count = collect_blocks(&p->block_starts, p->blocks);
  return true;
}

/* With the recompiler, its pass finds the block starts. */
static bool prepare(javm_program *p, const javm_code *code, javm_engine engine) {
  if (!copy_code(p, code)) return false;
  if (engine != JAVM_ENGINE_INTERPRETER && !jv_native_compile(p)) return false;
  if (!p->block_starts.bits && !jv_block_starts(&p->code, p->allocator, &p->block_starts)) return false;
  return list_blocks(p) && (p->native || jv_program_predecode(p));
}

/* Both engines: all that they run is made at once. False: out of memory. */
static bool prepare_lockstep(javm_program *p, const javm_code *code, const javm_program_config *config) {
  javm_program *runs = p;
  if (p->gas_model == JAVM_GAS_NONE) {
    javm_program_config charged = *config;
    charged.gas_model = JAVM_GAS_SINGLE_PASS;
    charged.engine = JAVM_ENGINE_RECOMPILER;
    charged.announce = JAVM_ANNOUNCE_NONE;
    if (javm_program_new(code, &charged, &p->charged, NULL) != JAVM_OK) return false;
    runs = p->charged;
  }
  p->in_lockstep = runs->native != NULL;
  if (p->in_lockstep) jv_native_hot(runs); /* without memory for it, one kind of code is compared */
  return jv_program_predecode(runs);
}

static javm_status check_code(const javm_code *code, const javm_program_config *config, javm_error *error) {
  const char *wrong = NULL;
  if (code->code_bytes > MAX_CODE_BYTES) wrong = "code of more than 2^24 bytes";
  else if (code->bitmask_bytes != (code->code_bytes + 7) / 8) wrong = "a bitmask that is not one bit per byte of code";
  else if (code->jump_count > MAX_JUMPS) wrong = "jump table of more than 2^20 entries";
  else if ((unsigned)code->isa > JAVM_ISA_JAM_0_8) wrong = "unknown instruction set";
  else if ((unsigned)config->gas_model > JAVM_GAS_NONE) wrong = "unknown gas model";
  else if ((unsigned)config->engine > JAVM_ENGINE_BOTH) wrong = "unknown engine";
  else if (config->announce > JV_ANNOUNCE_ALL) wrong = "unknown way to announce";
  return wrong ? jv_fail(error, JAVM_INVALID_ARGUMENT, 0, "%s", wrong) : JAVM_OK;
}

javm_status javm_program_new(const javm_code *code, const javm_program_config *config, javm_program **out,
                             javm_error *error) {
  javm_program_config own;
  javm_program_config_default(&own);
  if (config) {
    if (config->size_bytes > sizeof own) return jv_fail(error, JAVM_INVALID_ARGUMENT, 0, "config of a newer version");
    memcpy(&own, config, config->size_bytes);
  }
  const javm_allocator *a = own.allocator ? own.allocator : javm_allocator_default();
  javm_status status = check_code(code, &own, error);
  if (status != JAVM_OK) return status;
  javm_program *p = jv_alloc_zero(a, sizeof *p);
  if (!p) return jv_fail_memory(error);
  atomic_init(&p->refs, 1);
  p->allocator = a;
  p->gas_model = own.gas_model;
  p->load_cycles = own.load_cycles ? own.load_cycles : DEFAULT_LOAD_CYCLES;
  p->counts_instructions = own.counts_instructions;
  p->explicit_checks = own.explicit_checks;
  if (!prepare(p, code, own.engine) ||
      (p->native && own.engine == JAVM_ENGINE_BOTH && !prepare_lockstep(p, code, &own))) {
    javm_program_release(p);
    return jv_fail_memory(error);
  }
  if (p->native && own.announce)
    p->unannounced = jv_native_announce(p->charged ? p->charged : p, own.announce, own.name_of, own.name_ctx);
  *out = p;
  return JAVM_OK;
}
