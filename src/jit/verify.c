/*
 * See verify.h. What always holds of native code behind the stubs, up to the jump table:
 *
 *   - it is one run of whole instructions, each of a kind that lowering emits, and it does not run off its end;
 *   - memory is the guest's by gs and a 32-bit address; [rdx] directly behind a call of the check that fits it; or a place
 *     on the stack that has its purpose: the pc of a jump, the count of instructions, the jump table, what was pushed;
 *   - rsp and the gas are changed in one way each, and what was pushed is gone before control goes elsewhere;
 *   - control goes to the start of an instruction: of the same region, of a block (which charges), or of a stub whose
 *     argument is in rdx; what belongs together is entered at its first instruction only;
 *   - the charges, the accesses and the jump table are what the structures beside the code say.
 */
#include "jit/verify.h"

#if JV_HAS_RECOMPILER && defined(JV_JIT_VERIFY)

#include <Zydis/Zydis.h>
#include <stddef.h>
#include <stdlib.h>

/* What is known of the instruction that begins at a byte. */
enum { IS_START = 1, IS_INNER = 2 /* no branch may go there */, IS_BLOCK = 4, IS_PANIC = 8 /* leaves with a panic */ };

/* What must come next, in a sequence that belongs together. */
typedef enum expected {
  ANY,
  CHARGE_BRANCH,
  COUNT,
  JUMP_ROTATE,
  JUMP_COMPARE,
  JUMP_CHECK,
  JUMP_SCALE,
  JUMP_ADD,
  JUMP_GO,
  CHECKED_ACCESS
} expected;

/* What the instruction before has put into rdx. */
typedef enum argument { NOTHING, ADDRESS, NUMBER } argument;

typedef struct branch {
  uint32_t from, target, region_end;
} branch;

typedef struct verifier {
  const javm_program *program;
  const jv_native *n;
  const uint8_t *code;
  const char *wrong;
  uint32_t wrong_at;

  uint32_t start, end; /* of the lowered code */
  uint8_t *known;      /* for each of its bytes */
  branch *branches;
  size_t branch_count, branch_capacity;

  /* the instruction that is looked at */
  uint32_t at, next;
  ZydisDecodedInstruction i;
  ZydisDecodedOperand o[ZYDIS_MAX_OPERAND_COUNT];

  size_t point; /* index of the next point */
  expected expected;
  argument argument, argument_before;
  uint64_t number; /* that NUMBER stands for */
  uint32_t argument_at;
  uint32_t pushed;
  bool goes_on; /* control can come to the next instruction */

  size_t mark; /* of the next access */
  uint32_t noted_at, noted_pc, since_mark;
  const uint8_t *noted_next, *noted_end;
  unsigned access_bytes;
  bool access_write;
} verifier;

static bool refuse(verifier *v, const char *why) {
  if (!v->wrong) v->wrong = why, v->wrong_at = v->at;
  return false;
}

#define DEMAND(condition, why)                                                                                         \
  do {                                                                                                                 \
    if (!(condition)) return refuse(v, why);                                                                           \
  } while (0)

/* ------------------------------------------------------------------------------------------------------- operands */

static bool is_reg(const ZydisDecodedOperand *o, ZydisRegister r) {
  return o->type == ZYDIS_OPERAND_TYPE_REGISTER && o->reg.value == r;
}

static bool is_imm(const ZydisDecodedOperand *o, uint64_t value) {
  return o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && o->imm.value.u == value;
}

static bool is_mem(const ZydisDecodedOperand *o, ZydisRegister base, int64_t disp) {
  return o->type == ZYDIS_OPERAND_TYPE_MEMORY && o->mem.base == base && o->mem.index == ZYDIS_REGISTER_NONE &&
         o->mem.disp.value == disp && o->mem.segment != ZYDIS_REGISTER_GS;
}

static ZydisRegister whole(ZydisRegister r) { return ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r); }

static bool is_guest_reg32(ZydisRegister r) {
  return ZydisRegisterGetClass(r) == ZYDIS_REGCLASS_GPR32 && r != ZYDIS_REGISTER_ESP && r != ZYDIS_REGISTER_EDX &&
         r != ZYDIS_REGISTER_R12D;
}

static bool is_general(ZydisRegister r) {
  switch (ZydisRegisterGetClass(r)) {
    case ZYDIS_REGCLASS_GPR8: return r < ZYDIS_REGISTER_AH || r > ZYDIS_REGISTER_BH;
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
    case ZYDIS_REGCLASS_GPR64: return true;
    default: return false;
  }
}

static bool is(const verifier *v, ZydisMnemonic m) { return v->i.mnemonic == m; }

/* ------------------------------------------------------------------------------------------------------- accesses */

static uint32_t read_number(verifier *v) {
  uint32_t value = 0;
  for (unsigned shift = 0; v->noted_next < v->noted_end && shift < 32; shift += 7) {
    uint8_t byte = *v->noted_next++;
    value |= (uint32_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80)) break;
  }
  return value;
}

/* Moves to the next access that was noted; false: there is none. */
static bool next_noted(verifier *v) {
  const jv_native *n = v->n;
  if (v->since_mark++ % JV_MARK_EVERY == 0) {
    if (v->mark == n->mark_count) return false;
    const jv_mark *m = &n->marks[v->mark++];
    v->noted_at = m->at;
    v->noted_pc = m->pc;
    return v->noted_next == n->accesses + m->next;
  }
  if (v->noted_next == v->noted_end) return false;
  v->noted_at += read_number(v);
  v->noted_pc += read_number(v);
  return true;
}

static bool access_of(uint8_t op, unsigned *bytes, bool *write) {
  *write = true;
  switch (op) {
#define LOAD(absolute, indirect, size, value)                                                                          \
  case JV_OP_##absolute:                                                                                               \
  case JV_OP_##indirect:                                                                                               \
    *bytes = size;                                                                                                     \
    return *write = false, true;
#define STORE(imm, absolute, imm_indirect, indirect, size)                                                             \
  case JV_OP_##imm:                                                                                                    \
  case JV_OP_##absolute:                                                                                               \
  case JV_OP_##imm_indirect:                                                                                           \
  case JV_OP_##indirect:                                                                                               \
    *bytes = size;                                                                                                     \
    return true;
#include "exec/body.def"
    default: return false;
  }
}

/* The instruction is a guest access, or the call of its check: the next that was noted. */
static bool see_access(verifier *v, unsigned bytes, bool write) {
  const jv_native *n = v->n;
  DEMAND(next_noted(v) && v->noted_at == v->at, "an access that was not noted");
  uint32_t region_end = v->point < n->point_count ? n->points[v->point].pc : UINT32_MAX;
  DEMAND(v->noted_pc >= n->points[v->point - 1].pc && v->noted_pc < region_end, "an access noted for another region");
  jv_decoded d;
  jv_decode(&v->program->code, v->noted_pc, &d);
  DEMAND(access_of(d.op, &v->access_bytes, &v->access_write) && v->access_bytes == bytes && v->access_write == write,
         "an access noted for another instruction");
  DEMAND(v->pushed == 0, "an access to guest memory with something on the stack");
  return true;
}

static bool may_access(const verifier *v) {
  return is(v, ZYDIS_MNEMONIC_MOV) || is(v, ZYDIS_MNEMONIC_MOVZX) || is(v, ZYDIS_MNEMONIC_MOVSX) ||
         is(v, ZYDIS_MNEMONIC_MOVSXD);
}

static bool see_guest_memory(verifier *v, const ZydisDecodedOperand *o) {
  DEMAND(!v->n->has_checks, "guest memory without a check");
  DEMAND(may_access(v), "guest memory in another instruction than a move");
  DEMAND(v->i.address_width == 32, "a guest address of 64 bits");
  DEMAND(o->mem.base == ZYDIS_REGISTER_NONE || is_guest_reg32(o->mem.base), "a guest address from another register");
  DEMAND(o->mem.index == ZYDIS_REGISTER_NONE, "a guest address with an index");
  return see_access(v, o->size / 8, o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE);
}

/* ---------------------------------------------------------------------------------------------------------- stack */

static bool see_stack_memory(verifier *v, const ZydisDecodedOperand *o) {
  DEMAND(v->i.address_width == 64, "an address of 32 bits");
  if ((is(v, ZYDIS_MNEMONIC_DIV) || is(v, ZYDIS_MNEMONIC_IDIV)) && is_mem(o, ZYDIS_REGISTER_RSP, 0)) {
    DEMAND(v->pushed >= 8, "a look at the stack where nothing was pushed");
    return true;
  }
  if (is(v, ZYDIS_MNEMONIC_SUB) && is_reg(&v->o[0], ZYDIS_REGISTER_RDX) && is_mem(o, ZYDIS_REGISTER_RSP, 0)) {
    DEMAND(v->pushed >= 8, "a look at the stack where nothing was pushed");
    return true;
  }
  DEMAND(v->pushed == 0, "an access to the frame with something on the stack");
  if (is(v, ZYDIS_MNEMONIC_MOV) && o == &v->o[0] && o->size == 32 &&
      is_mem(o, ZYDIS_REGISTER_RSP, offsetof(jv_frame, jump_pc)) && v->o[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
    DEMAND((uint32_t)v->o[1].imm.value.u < v->program->code.code_bytes, "a jump from outside of the program");
    v->expected = JUMP_ROTATE;
    return true;
  }
  return refuse(v, "another place on the stack");
}

static bool see_memory(verifier *v, const ZydisDecodedOperand *o) {
  if (o->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN) return true; /* of push, pop and call */
  if (o->mem.segment == ZYDIS_REGISTER_GS) return see_guest_memory(v, o);
  if (o->mem.base == ZYDIS_REGISTER_RSP) return see_stack_memory(v, o);
  return refuse(v, "memory that is not the guest's");
}

static bool see_push(verifier *v) {
  DEMAND(v->i.operand_width == 64, "a push of less than 64 bits");
  v->pushed += 8;
  DEMAND(v->pushed <= 16, "too much on the stack");
  return true;
}

static bool drop_word(verifier *v) {
  DEMAND(v->i.operand_width == 64, "a pop of less than 64 bits");
  DEMAND(v->pushed >= 8, "a pop of what was not pushed");
  v->pushed -= 8;
  return true;
}

/* -------------------------------------------------------------------------------------------------------- control */

static uint32_t branch_target(const verifier *v) { return v->next + (uint32_t)v->o[0].imm.value.u; /* relative */ }

static bool is_relative(const verifier *v) {
  return v->o[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && v->o[0].imm.is_relative && v->i.operand_width == 64;
}

/* Belongs to what is before it: no branch may go here. */
static void join(verifier *v) { v->known[v->at - v->start] |= IS_INNER; }

static bool see_branch(verifier *v) {
  DEMAND(v->pushed == 0, "a branch with something on the stack");
  DEMAND(is_relative(v), "an indirect jump");
  uint32_t target = branch_target(v);
  const jv_stubs *s = &v->n->stubs;
  bool jumps = is(v, ZYDIS_MNEMONIC_JMP);
  if (jumps) v->goes_on = false;
  if (jumps && (target == s->trap || target == s->panic)) {
    DEMAND(v->argument_before == NUMBER, "a leave without a pc");
    DEMAND(v->number <= v->program->code.code_bytes, "a leave with a pc that is none");
    if (target == s->panic) v->known[v->argument_at - v->start] |= IS_PANIC;
    join(v);
    return true;
  }
  if (v->branch_count == v->branch_capacity) {
    v->branch_capacity = v->branch_capacity ? 2 * v->branch_capacity : 64;
    v->branches = realloc(v->branches, v->branch_capacity * sizeof *v->branches);
    DEMAND(v->branches, "no memory to verify");
  }
  uint32_t region_end = v->point < v->n->point_count ? v->n->points[v->point].at : v->end;
  v->branches[v->branch_count++] = (branch){v->at, target, region_end};
  return true;
}

/* The check stub at `target`: for how many bytes, and whether to write; false: it is none. */
static bool is_check(const verifier *v, uint32_t target, unsigned *bytes, bool *write) {
  for (unsigned k = 0; v->n->has_checks && k < 8; k++) {
    if (v->n->stubs.check[k / 4][k % 4] != target) continue;
    *bytes = 1u << k % 4;
    *write = k >= 4;
    return true;
  }
  return false;
}

static bool see_call(verifier *v) {
  DEMAND(v->pushed == 0, "a call with something on the stack");
  DEMAND(is_relative(v), "an indirect call");
  uint32_t target = branch_target(v);
  const jv_stubs *s = &v->n->stubs;
  unsigned bytes = 0;
  bool write = false;
  join(v);
  if (is_check(v, target, &bytes, &write)) {
    DEMAND(v->argument_before == ADDRESS || (v->argument_before == NUMBER && v->number <= UINT32_MAX),
           "a check of an address that is not in edx");
    v->expected = CHECKED_ACCESS;
    return see_access(v, bytes, write);
  }
  DEMAND(target == s->ecall || target == s->ecalli || target == s->sbrk, "a call of something else than a stub");
  DEMAND(v->argument_before == NUMBER, "a call without its argument");
  uint64_t number = v->number;
  if (target == s->sbrk) {
    DEMAND((number & 0xff) < JAVM_REG_COUNT && number >> 8 < JAVM_REG_COUNT, "sbrk of registers that are none");
    return true;
  }
  uint32_t pc = (uint32_t)(number >> 32);
  jv_decoded d;
  DEMAND(pc > 0, "an ecall before the code");
  do pc--;
  while (pc > 0 && !jv_bitmask_at(&v->program->code, pc));
  jv_decode(&v->program->code, pc, &d);
  DEMAND(d.op == JV_OP_ecall || d.op == JV_OP_ecalli, "an ecall where the program has none");
  DEMAND((target == s->ecall) == (d.op == JV_OP_ecall), "an ecall of the other kind");
  DEMAND(number == jv_pack_ecall(pc + 1 + d.skip, (uint32_t)d.x), "another ecall's argument");
  return true;
}

/* ---------------------------------------------------------------------------------------------------------- kinds */

typedef enum kind { OTHER, VALUE, BMI1, BMI2, LZCNT, LEA, PUSH, POP, BRANCH, CALL } kind;

#define FOR_CONDITIONS(prefix)                                                                                         \
  case ZYDIS_MNEMONIC_##prefix##B:                                                                                     \
  case ZYDIS_MNEMONIC_##prefix##NB:                                                                                    \
  case ZYDIS_MNEMONIC_##prefix##Z:                                                                                     \
  case ZYDIS_MNEMONIC_##prefix##NZ:                                                                                    \
  case ZYDIS_MNEMONIC_##prefix##BE:                                                                                    \
  case ZYDIS_MNEMONIC_##prefix##NBE:                                                                                   \
  case ZYDIS_MNEMONIC_##prefix##L:                                                                                     \
  case ZYDIS_MNEMONIC_##prefix##NL:                                                                                    \
  case ZYDIS_MNEMONIC_##prefix##LE:                                                                                    \
  case ZYDIS_MNEMONIC_##prefix##NLE

static kind kind_of(ZydisMnemonic m) {
  switch (m) {
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_MOVSX:
    case ZYDIS_MNEMONIC_MOVSXD:
    case ZYDIS_MNEMONIC_MOVZX:
    case ZYDIS_MNEMONIC_ADC:
    case ZYDIS_MNEMONIC_ADD:
    case ZYDIS_MNEMONIC_SBB:
    case ZYDIS_MNEMONIC_OR:
    case ZYDIS_MNEMONIC_AND:
    case ZYDIS_MNEMONIC_SUB:
    case ZYDIS_MNEMONIC_XOR:
    case ZYDIS_MNEMONIC_CMP:
    case ZYDIS_MNEMONIC_TEST:
    case ZYDIS_MNEMONIC_NOT:
    case ZYDIS_MNEMONIC_NEG:
    case ZYDIS_MNEMONIC_MUL:
    case ZYDIS_MNEMONIC_IMUL:
    case ZYDIS_MNEMONIC_DIV:
    case ZYDIS_MNEMONIC_IDIV:
    case ZYDIS_MNEMONIC_ROL:
    case ZYDIS_MNEMONIC_ROR:
    case ZYDIS_MNEMONIC_SHL:
    case ZYDIS_MNEMONIC_SHR:
    case ZYDIS_MNEMONIC_SAR:
    case ZYDIS_MNEMONIC_XCHG:
    case ZYDIS_MNEMONIC_BSWAP:
    case ZYDIS_MNEMONIC_CDQ:
    case ZYDIS_MNEMONIC_CQO:
    case ZYDIS_MNEMONIC_BSF:
    case ZYDIS_MNEMONIC_BSR:
    case ZYDIS_MNEMONIC_POPCNT:
      return VALUE;
      FOR_CONDITIONS(CMOV) : FOR_CONDITIONS(SET) : return VALUE;
      FOR_CONDITIONS(J) : return BRANCH;
    case ZYDIS_MNEMONIC_JMP: return BRANCH;
    case ZYDIS_MNEMONIC_CALL: return CALL;
    case ZYDIS_MNEMONIC_LEA: return LEA;
    case ZYDIS_MNEMONIC_PUSH: return PUSH;
    case ZYDIS_MNEMONIC_POP: return POP;
    case ZYDIS_MNEMONIC_ANDN:
    case ZYDIS_MNEMONIC_TZCNT: return BMI1;
    case ZYDIS_MNEMONIC_LZCNT: return LZCNT;
    case ZYDIS_MNEMONIC_MULX:
    case ZYDIS_MNEMONIC_RORX:
    case ZYDIS_MNEMONIC_SHLX:
    case ZYDIS_MNEMONIC_SHRX:
    case ZYDIS_MNEMONIC_SARX: return BMI2;
    default: return OTHER;
  }
}

static bool is_allowed(verifier *v, kind k) {
  const jv_features *has = &v->n->features;
  DEMAND(k != OTHER, "an instruction that is never emitted");
  DEMAND((k != BMI1 || has->bmi1) && (k != BMI2 || has->bmi2) && (k != LZCNT || has->lzcnt),
         "an instruction that the processor does not have");
  ZydisInstructionEncoding vex = ZYDIS_INSTRUCTION_ENCODING_VEX, legacy = ZYDIS_INSTRUCTION_ENCODING_LEGACY;
  DEMAND(v->i.encoding == legacy || (v->i.encoding == vex && (k == BMI1 || k == BMI2)), "another encoding");
  return true;
}

/* Before the operands are looked at one by one. */
static bool check_prefixes(verifier *v) {
  const ZydisInstructionAttributes never = ZYDIS_ATTRIB_HAS_LOCK | ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE |
                                           ZYDIS_ATTRIB_HAS_REPNE | ZYDIS_ATTRIB_HAS_BND | ZYDIS_ATTRIB_HAS_XACQUIRE |
                                           ZYDIS_ATTRIB_HAS_XRELEASE;
  const ZydisInstructionAttributes segments = ZYDIS_ATTRIB_HAS_SEGMENT_CS | ZYDIS_ATTRIB_HAS_SEGMENT_SS |
                                              ZYDIS_ATTRIB_HAS_SEGMENT_DS | ZYDIS_ATTRIB_HAS_SEGMENT_ES |
                                              ZYDIS_ATTRIB_HAS_SEGMENT_FS;
  DEMAND(!(v->i.attributes & never), "a prefix that is never emitted");
  DEMAND(!(v->i.attributes & segments), "another segment");
  for (unsigned k = 0; k < v->i.raw.prefix_count; k++)
    DEMAND(v->i.raw.prefixes[k].type != ZYDIS_PREFIX_TYPE_IGNORED, "a prefix without effect");
  return true;
}

/* rsp and the gas are nobody's operands; what writes them has been looked at before. */
static bool check_register(verifier *v, const ZydisDecodedOperand *o) {
  ZydisRegister r = o->reg.value, all = whole(r);
  if (o->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN) {
    bool moves = is(v, ZYDIS_MNEMONIC_PUSH) || is(v, ZYDIS_MNEMONIC_POP) || is(v, ZYDIS_MNEMONIC_CALL);
    DEMAND(all != ZYDIS_REGISTER_RSP || moves, "rsp is changed");
    return true;
  }
  DEMAND(is_general(r), "a register that is not a general one");
  DEMAND(all != ZYDIS_REGISTER_RSP, "rsp is an operand");
  DEMAND(all != ZYDIS_REGISTER_R12, "the gas is an operand");
  return true;
}

static bool check_address(verifier *v, const ZydisDecodedOperand *o) {
  ZydisRegister base = whole(o->mem.base), index = whole(o->mem.index);
  DEMAND(v->i.address_width == 64, "a lea with a prefix");
  DEMAND(base != ZYDIS_REGISTER_RSP && o->mem.base != ZYDIS_REGISTER_RIP, "a lea of rsp or rip");
  DEMAND(base != ZYDIS_REGISTER_R12 && index != ZYDIS_REGISTER_R12, "the gas is an operand");
  return true;
}

static bool check_operands(verifier *v) {
  for (unsigned k = 0; k < v->i.operand_count; k++) {
    const ZydisDecodedOperand *o = &v->o[k];
    bool good = true;
    if (o->type == ZYDIS_OPERAND_TYPE_REGISTER) good = check_register(v, o);
    else if (o->type == ZYDIS_OPERAND_TYPE_POINTER) good = refuse(v, "a far pointer");
    else if (o->type == ZYDIS_OPERAND_TYPE_MEMORY)
      good = o->mem.type == ZYDIS_MEMOP_TYPE_AGEN ? check_address(v, o) : see_memory(v, o);
    if (!good) return false;
  }
  return true;
}

/* What the instruction leaves in rdx for a stub. */
static void note_argument(verifier *v) {
  v->argument = NOTHING;
  bool is32 = is_reg(&v->o[0], ZYDIS_REGISTER_EDX);
  if (is(v, ZYDIS_MNEMONIC_LEA) && is32) v->argument = ADDRESS;
  if (!is(v, ZYDIS_MNEMONIC_MOV) || v->o[1].type != ZYDIS_OPERAND_TYPE_IMMEDIATE) return;
  if (!is32 && !is_reg(&v->o[0], ZYDIS_REGISTER_RDX)) return;
  v->argument = NUMBER;
  v->number = is32 ? (uint32_t)v->o[1].imm.value.u : v->o[1].imm.value.u;
  v->argument_at = v->at;
}

/* An instruction that stands for itself. */
static bool see_any(verifier *v) {
  kind k = kind_of(v->i.mnemonic);
  if (!is_allowed(v, k)) return false;
  if (k == LEA && is_reg(&v->o[0], ZYDIS_REGISTER_RSP) && is_mem(&v->o[1], ZYDIS_REGISTER_RSP, 8)) {
    join(v);
    return drop_word(v);
  }
  if (!check_operands(v)) return false;
  note_argument(v);
  if (v->pushed) join(v);
  switch (k) {
    case PUSH: return see_push(v);
    case POP: return drop_word(v);
    case BRANCH: return see_branch(v);
    case CALL: return see_call(v);
    default: return true;
  }
}

/* ------------------------------------------------------------------------------------------------------ sequences */

static bool pays(const verifier *v, const jv_point *p) {
  const javm_program *program = v->program;
  if (program->gas_model == JAVM_GAS_NONE) return false;
  return program->gas_model == JAVM_GAS_INSTRUCTION || jv_bits_get(&program->block_starts, p->pc);
}

static bool is_at_point(const verifier *v) {
  return v->point < v->n->point_count && v->n->points[v->point].at == v->at;
}

/* The first instruction of a region. */
static bool see_point(verifier *v) {
  const jv_native *n = v->n;
  const jv_point *p = &n->points[v->point++];
  DEMAND(v->expected == ANY && v->pushed == 0, "a region that starts in the middle of something");
  DEMAND(v->point == 1 || p[-1].pc < p->pc, "points that are not in order");
  if (jv_bits_get(&v->program->block_starts, p->pc)) v->known[v->at - v->start] |= IS_BLOCK;
  v->argument_before = NOTHING;
  expected then = v->program->counts_instructions ? COUNT : ANY;
  if (p->cost == 0) {
    DEMAND(!pays(v, p), "a block that costs nothing");
    v->expected = then;
    return true;
  }
  DEMAND(v->program->gas_model != JAVM_GAS_NONE, "a cost where nothing is charged");
  DEMAND(!is_at_point(v), "a region without its charge");
  return true;
}

static bool see_charge(verifier *v, const jv_point *p) {
  DEMAND(is(v, ZYDIS_MNEMONIC_SUB) && is_reg(&v->o[0], ZYDIS_REGISTER_R12) && v->i.raw.imm[0].size == 32 &&
             v->i.length == JV_CHARGE_BYTES - 6,
         "a block without a charge");
  DEMAND(p->cost <= INT32_MAX && is_imm(&v->o[1], p->cost), "a charge of another cost");
  v->expected = CHARGE_BRANCH;
  return true;
}

/* What `expected` says; the state moves on. */
static bool see_charge_branch(verifier *v) {
  uint32_t stub = v->n->gas_stubs + (uint32_t)(v->point - 1) * JV_GAS_STUB_BYTES;
  DEMAND(is(v, ZYDIS_MNEMONIC_JB) && is_relative(v) && branch_target(v) == stub && v->i.length == 6,
         "a charge that does not go to its stub");
  v->expected = v->program->counts_instructions ? COUNT : ANY;
  return true;
}

static bool see_count(verifier *v) {
  DEMAND(is(v, ZYDIS_MNEMONIC_ADD) && v->o[0].size == 64 &&
             is_mem(&v->o[0], ZYDIS_REGISTER_RSP, offsetof(jv_frame, instructions)) &&
             v->o[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && v->o[1].imm.value.s > 0,
         "a region that does not count its instructions");
  v->expected = ANY;
  return true;
}

static bool see_jump(verifier *v) {
  static const char broken[] = "a dynamic jump without its check";
  const ZydisDecodedOperand *o = v->o;
  switch (v->expected) {
    case JUMP_ROTATE:
      DEMAND(is(v, ZYDIS_MNEMONIC_ROR) && is_reg(&o[0], ZYDIS_REGISTER_EDX) && is_imm(&o[1], 1), broken);
      break;
    case JUMP_COMPARE:
      DEMAND(is(v, ZYDIS_MNEMONIC_CMP) && is_reg(&o[0], ZYDIS_REGISTER_EDX) &&
                 is_imm(&o[1], v->program->code.jump_count),
             broken);
      break;
    case JUMP_CHECK:
      DEMAND(is(v, ZYDIS_MNEMONIC_JNBE) && is_relative(v) && branch_target(v) == v->n->stubs.bad_jump, broken);
      break;
    case JUMP_SCALE:
      DEMAND(is(v, ZYDIS_MNEMONIC_SHL) && is_reg(&o[0], ZYDIS_REGISTER_EDX) && is_imm(&o[1], 3), broken);
      break;
    case JUMP_ADD:
      DEMAND(is(v, ZYDIS_MNEMONIC_ADD) && is_reg(&o[0], ZYDIS_REGISTER_RDX) && v->i.address_width == 64 &&
                 is_mem(&o[1], ZYDIS_REGISTER_RSP, offsetof(jv_frame, table)),
             broken);
      break;
    default:
      DEMAND(is(v, ZYDIS_MNEMONIC_JMP) && v->i.address_width == 64 && is_mem(&o[0], ZYDIS_REGISTER_RDX, 0), broken);
      v->goes_on = false;
      v->expected = ANY;
      return true;
  }
  v->expected++;
  return true;
}

static bool see_checked_access(verifier *v) {
  static const char broken[] = "a check without its access";
  DEMAND(may_access(v) && v->i.address_width == 64, broken);
  const ZydisDecodedOperand *memory = &v->o[v->access_write ? 0 : 1], *other = &v->o[v->access_write ? 1 : 0];
  DEMAND(is_mem(memory, ZYDIS_REGISTER_RDX, 0) && memory->size == 8 * v->access_bytes, broken);
  DEMAND(!!(memory->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) == v->access_write, broken);
  v->expected = ANY;
  return other->type != ZYDIS_OPERAND_TYPE_REGISTER || check_register(v, other);
}

static bool see_expected(verifier *v) {
  if (!is_allowed(v, kind_of(v->i.mnemonic))) return false;
  join(v);
  v->argument = NOTHING;
  switch (v->expected) {
    case CHARGE_BRANCH: return see_charge_branch(v);
    case COUNT: return see_count(v);
    case CHECKED_ACCESS: return see_checked_access(v);
    default: return see_jump(v);
  }
}

/* --------------------------------------------------------------------------------------------------------- passes */

static bool decode(verifier *v, const ZydisDecoder *decoder) {
  size_t left = v->end - v->at;
  DEMAND(ZYAN_SUCCESS(ZydisDecoderDecodeFull(decoder, v->code + v->at, left, &v->i, v->o)),
         "bytes that are no instruction");
  v->next = v->at + v->i.length;
  v->goes_on = true;
  v->known[v->at - v->start] |= IS_START;
  return check_prefixes(v);
}

static bool see_instruction(verifier *v) {
  const jv_native *n = v->n;
  v->argument_before = v->argument;
  bool is_point = false;
  for (; is_at_point(v); is_point = true) /* more than one: a region can be without code */
    if (!see_point(v)) return false;
  DEMAND(v->point == n->point_count || n->points[v->point].at > v->at, "a point inside an instruction");
  if (is_point) {
    const jv_point *p = &n->points[v->point - 1];
    v->argument = NOTHING;
    if (p->cost) return is_allowed(v, kind_of(v->i.mnemonic)) && see_charge(v, p);
    if (v->expected == COUNT) {
      uint8_t before = v->known[v->at - v->start];
      bool good = see_expected(v);
      v->known[v->at - v->start] = before; /* the region's first: branches may go there */
      return good;
    }
  }
  return v->expected == ANY ? see_any(v) : see_expected(v);
}

static bool see_code(verifier *v) {
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  for (v->at = v->start; v->at < v->end; v->at = v->next)
    if (!decode(v, &decoder) || !see_instruction(v)) return false;
  DEMAND(v->at == v->end, "code that ends inside an instruction");
  DEMAND(v->point == v->n->point_count, "points behind the code");
  DEMAND(!v->goes_on && v->expected == ANY && v->pushed == 0, "code that runs off its end");
  DEMAND(v->mark == v->n->mark_count && v->noted_next == v->noted_end, "accesses that are not in the code");
  return true;
}

/* To a block, to a panic of its own, or further in the same region. */
static bool see_targets(verifier *v) {
  for (size_t k = 0; k < v->branch_count; k++) {
    const branch *b = &v->branches[k];
    v->at = b->from;
    DEMAND(b->target - v->start < v->end - v->start, "a branch out of the code");
    uint8_t known = v->known[b->target - v->start];
    DEMAND(known & IS_START, "a branch into an instruction");
    DEMAND(!(known & IS_INNER), "a branch into what belongs together");
    bool further = b->target > b->from && b->target < b->region_end;
    DEMAND(further || known & (IS_BLOCK | IS_PANIC), "a branch to what is no block");
  }
  return true;
}

static bool see_gas_stubs(verifier *v) {
  const jv_native *n = v->n;
  v->at = n->gas_stubs;
  for (size_t k = 0; v->program->gas_model != JAVM_GAS_NONE && k < n->point_count; k++) {
    uint32_t distance;
    DEMAND(n->table - v->at >= JV_GAS_STUB_BYTES && v->code[v->at] == 0xe8, "a stub for out of gas that is none");
    memcpy(&distance, v->code + v->at + 1, sizeof distance);
    v->at += JV_GAS_STUB_BYTES;
    DEMAND(v->at + distance == n->stubs.out_of_gas, "a stub for out of gas that is none");
  }
  DEMAND(n->table - v->at < 8, "something between the stubs and the jump table");
  for (; v->at < n->table; v->at++) DEMAND(v->code[v->at] == 0xcc, "something between the stubs and the jump table");
  return true;
}

static uint64_t table_entry(const verifier *v, uint32_t pc) {
  const jv_native *n = v->n;
  uint32_t at = n->stubs.bad_target;
  size_t low = 0, high = n->point_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (n->points[middle].pc < pc) low = middle + 1;
    else high = middle;
  }
  if (jv_bits_get(&v->program->block_starts, pc) && low < n->point_count && n->points[low].pc == pc)
    at = n->points[low].at;
  return (uintptr_t)n->code + at;
}

static bool see_jump_table(verifier *v) {
  const jv_native *n = v->n;
  const javm_code *code = &v->program->code;
  v->at = n->table;
  DEMAND(n->table % 8 == 0 && n->code_bytes == n->table + 8 * (code->jump_count + 1), "a jump table of another size");
  for (size_t k = 0; k <= code->jump_count; k++, v->at += 8) {
    uint64_t entry, want = k ? table_entry(v, code->jump_table[k - 1]) : (uintptr_t)n->code + n->stubs.bad_target;
    memcpy(&entry, v->code + v->at, sizeof entry);
    DEMAND(entry == want, "an entry of the jump table that is not its target");
  }
  return true;
}

static bool see_all(verifier *v) {
  const jv_native *n = v->n;
  DEMAND(n->point_count > 0 && n->code_bytes >= n->table && n->table >= n->gas_stubs, "structures that contradict");
  v->start = n->points[0].at;
  v->end = n->gas_stubs;
  DEMAND(v->start < v->end, "structures that contradict");
  v->known = calloc(v->end - v->start, 1);
  DEMAND(v->known, "no memory to verify");
  v->noted_next = n->accesses;
  v->noted_end = n->accesses ? n->accesses + n->access_count : NULL;
  return see_code(v) && see_targets(v) && see_gas_stubs(v) && see_jump_table(v);
}

const char *jv_verify(const javm_program *program, const jv_native *n, const uint8_t *code, uint32_t *at) {
  verifier v = {.program = program, .n = n, .code = code};
  see_all(&v);
  free(v.known);
  free(v.branches);
  *at = v.wrong_at;
  return v.wrong;
}

#else

typedef int jv_no_verifier; /* an empty file is not C */

#endif
