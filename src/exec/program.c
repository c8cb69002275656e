/* Predecoding (program.h). Time and memory are linear in the code, whatever is in it. */
#include "base/error.h"
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

void javm_program_release(javm_program *p) {
  if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1) return;
  const javm_allocator *a = p->allocator;
  jv_free_array(a, (void *)p->code.code, p->code.code_bytes, 1);
  jv_free_array(a, (void *)p->code.bitmask, p->code.bitmask_bytes, 1);
  jv_free_array(a, (void *)p->code.jump_table, p->code.jump_count, sizeof(uint32_t));
  jv_free_array(a, p->block_starts.bits, (p->block_starts.count + 7) / 8, 1);
  jv_free_array(a, p->insns, p->insn_count, sizeof *p->insns);
  jv_free_array(a, p->pcs, p->insn_count, sizeof *p->pcs);
  jv_free_array(a, p->jump_targets, p->code.jump_count, sizeof *p->jump_targets);
  jv_free_array(a, p->blocks, p->block_count, sizeof *p->blocks);
  jv_free(a, p, sizeof *p);
}

uint32_t jv_program_find(const javm_program *p, uint32_t pc) {
  uint32_t low = 0, high = p->insn_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (p->pcs[middle] < pc) low = middle + 1;
    else high = middle;
  }
  return low < p->insn_count && p->pcs[low] == pc ? low : UINT32_MAX;
}

bool javm_program_is_block_start(const javm_program *program, uint32_t pc) {
  return jv_bits_get(&program->block_starts, pc);
}

size_t javm_program_block_count(const javm_program *program) { return program->block_count; }

void javm_program_block(const javm_program *p, size_t index, uint32_t *pc, uint32_t *cost) {
  uint32_t record = p->blocks[index];
  *pc = p->pcs[record];
  *cost = p->insns[record].cost;
  /* In the instruction model a record's cost reaches to the next ecall only. */
  if (p->gas_model == JAVM_GAS_INSTRUCTION) *cost = jv_gas_block_cost(&p->code, p->gas_model, p->load_cycles, *pc);
}

/* ---------------------------------------------------------------------------------------------- predecoding */

static void *copy_array(const javm_allocator *a, const void *from, size_t count, size_t size_bytes) {
  void *to = jv_alloc_array(a, count, size_bytes);
  if (to && count) memcpy(to, from, count * size_bytes);
  return to;
}

/* Copies what was given; the counts stand only beside arrays that exist, so that a release is always right. */
static bool copy_code(javm_program *p, const javm_code *code) {
  const javm_allocator *a = p->allocator;
  p->code.isa = code->isa;
  if (!(p->code.code = copy_array(a, code->code, code->code_bytes, 1))) return false;
  p->code.code_bytes = code->code_bytes;
  if (!(p->code.bitmask = copy_array(a, code->bitmask, code->bitmask_bytes, 1))) return false;
  p->code.bitmask_bytes = code->bitmask_bytes;
  p->code.jump_table = copy_array(a, code->jump_table, code->jump_count, sizeof(uint32_t));
  p->jump_targets = jv_alloc_array(a, code->jump_count, sizeof *p->jump_targets);
  p->code.jump_count = code->jump_count;
  return p->code.jump_table && p->jump_targets && jv_block_starts(&p->code, a, &p->block_starts);
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

static bool place_records(javm_program *p) {
  uint32_t count = 1, end = (uint32_t)p->code.code_bytes;
  for (uint32_t pc = 0; pc < end; pc = next_record(&p->code, pc)) count++;
  p->insns = jv_alloc_array(p->allocator, count, sizeof *p->insns);
  p->pcs = jv_alloc_array(p->allocator, count, sizeof *p->pcs);
  p->insn_count = count;
  if (!p->insns || !p->pcs) return false;
  uint32_t pc = 0;
  for (uint32_t i = 0; i < count; i++) {
    p->pcs[i] = pc;
    if (pc < end) pc = next_record(&p->code, pc);
  }
  return true;
}

static bool index_blocks(javm_program *p) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < p->insn_count; i++) count += jv_bits_get(&p->block_starts, p->pcs[i]);
  p->blocks = jv_alloc_array(p->allocator, count, sizeof *p->blocks);
  p->block_count = count;
  if (!p->blocks) return false;
  count = 0;
  for (uint32_t i = 0; i < p->insn_count; i++)
    if (jv_bits_get(&p->block_starts, p->pcs[i])) p->blocks[count++] = i;
  for (size_t i = 0; i < p->code.jump_count; i++) {
    uint32_t pc = p->code.jump_table[i];
    p->jump_targets[i] = jv_bits_get(&p->block_starts, pc) ? jv_program_find(p, pc) : UINT32_MAX;
  }
  return true;
}

static void decode_record(javm_program *p, uint32_t index) {
  jv_decoded d;
  uint32_t pc = p->pcs[index];
  jv_decode(&p->code, pc, &d);
  jv_insn *insn = &p->insns[index];
  *insn = (jv_insn){.x = d.x, .op = d.op, .a = d.a, .b = d.b, .d = d.d, .y = (int32_t)(uint32_t)d.y};
  if (!jv_has_target(d.op)) return;
  insn->y = JV_NO_TARGET;
  if (jv_bits_get(&p->block_starts, d.target))
    insn->y = ((int32_t)jv_program_find(p, d.target) - (int32_t)index) * (int32_t)sizeof *insn;
}

/* Does a region end with this instruction? Behind it control goes elsewhere, or the next region is charged. */
static bool ends_region(javm_isa isa, uint8_t op) {
  return op == JV_OP_INVALID || op == JV_OP_ecall || op == JV_OP_ecalli || jv_op_ends_block(isa, op);
}

/* Counts and costs, backwards: a region's count is known at its end. */
static void price_regions(javm_program *p) {
  uint32_t count = 0;
  for (uint32_t i = p->insn_count; i-- > 0;) {
    jv_insn *insn = &p->insns[i];
    if (ends_region(p->code.isa, insn->op)) count = 0;
    insn->count = ++count;
    insn->cost = count;
    if (p->gas_model == JAVM_GAS_INSTRUCTION) continue;
    insn->cost = 0;
    uint8_t before = i == 0 ? JV_OP_fallthrough : p->insns[i - 1].op;
    if (before == JV_OP_INVALID || jv_op_ends_block(p->code.isa, before))
      insn->cost = jv_gas_block_cost(&p->code, p->gas_model, p->load_cycles, p->pcs[i]);
  }
}

static bool predecode(javm_program *p, const javm_code *code) {
  if (!copy_code(p, code) || !place_records(p) || !index_blocks(p)) return false;
  for (uint32_t i = 0; i < p->insn_count; i++) decode_record(p, i);
  price_regions(p);
  jv_fuse(p);
  return true;
}

static javm_status check_code(const javm_code *code, const javm_program_config *config, javm_error *error) {
  const char *wrong = NULL;
  if (code->code_bytes > MAX_CODE_BYTES) wrong = "code of more than 2^24 bytes";
  else if (code->bitmask_bytes != (code->code_bytes + 7) / 8) wrong = "a bitmask that is not one bit per byte of code";
  else if (code->jump_count > MAX_JUMPS) wrong = "jump table of more than 2^20 entries";
  else if ((unsigned)code->isa > JAVM_ISA_JAM_0_8) wrong = "unknown instruction set";
  else if ((unsigned)config->gas_model > JAVM_GAS_INSTRUCTION) wrong = "unknown gas model";
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
  if (!predecode(p, code)) {
    javm_program_release(p);
    return jv_fail_memory(error);
  }
  *out = p;
  return JAVM_OK;
}
