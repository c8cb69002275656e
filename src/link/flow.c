/* See flow.h. A worklist of addresses; each is walked until control leaves it for good. */
#include "link/flow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

/* Relocations of one place that are looked at: there are never more than a few. */
enum { NO_HALFWORD = -1, RELOCS_MAX = 16 };

/* ------------------------------------------------------------------------------------------------------ places */

static const jv_text_part *part_of(const jv_flow *f, uint64_t address) {
  size_t low = 0, high = f->part_count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (address < f->parts[middle].address) high = middle;
    else if (address >= (uint64_t)f->parts[middle].address + f->parts[middle].size_bytes) low = middle + 1;
    else return &f->parts[middle];
  }
  return NULL;
}

bool jv_flow_is_code(const jv_flow *f, uint64_t address) { return part_of(f, address) != NULL; }

/* The halfword at an address; NO_HALFWORD where no instruction can start. */
static int64_t halfword(const jv_flow *f, uint64_t address) {
  const jv_text_part *part = part_of(f, address);
  if (!part || address % 2) return NO_HALFWORD;
  return (int64_t)part->first + (int64_t)(address - part->address) / 2;
}

const jv_site *jv_flow_at(const jv_flow *f, uint32_t address) {
  int64_t h = halfword(f, address);
  return h >= 0 && f->site_at[h] ? &f->sites[f->site_at[h] - 1] : NULL;
}

/* The function around an address; the nearest symbol below it where none has a size. */
static const char *function_at(const jv_flow *f, uint64_t address) {
  const jv_elf_symbol *best = NULL;
  for (size_t i = 0; i < f->elf->symbol_count; i++) {
    const jv_elf_symbol *s = &f->elf->symbols[i];
    if (s->value > address || (s->type != STT_FUNC && s->type != STT_NOTYPE) || !s->name[0]) continue;
    if (s->name[0] == '.' || s->name[0] == '$' || !jv_flow_is_code(f, s->value)) continue;
    bool inside = s->type == STT_FUNC && address - s->value < s->size_bytes;
    if (inside) return s->name;
    if (!best || s->value > best->value) best = s;
  }
  return best ? best->name : "code without a symbol";
}

javm_status jv_flow_fail(const jv_flow *f, uint32_t address, const char *text) {
  return jv_fail(f->error, JAVM_UNSUPPORTED, address, "in %.60s at 0x%" PRIx32 ": %s", function_at(f, address), address,
                 text);
}

static javm_status mark(jv_flow *f, uint32_t from, uint64_t address, uint8_t marks) {
  int64_t h = halfword(f, address);
  char text[80];
  if (h < 0) {
    snprintf(text, sizeof text, "a jump to 0x%" PRIx64 ", where no code is", address);
    return jv_flow_fail(f, from, text);
  }
  f->marks[h] |= marks;
  if (f->marks[h] & JV_MARK_QUEUED) return JAVM_OK;
  f->marks[h] |= JV_MARK_QUEUED;
  if (!jv_grow(f->allocator, &f->queue, &f->queue_capacity, f->queue_count + 1, sizeof *f->queue)) {
    return jv_fail_memory(f->error);
  }
  f->queue[f->queue_count++] = (uint32_t)address;
  return JAVM_OK;
}

/* ------------------------------------------------------------------------------------------------- relocations */

/* The first relocation at or behind an address. */
static size_t reloc_from(const jv_elf *elf, uint64_t address) {
  size_t low = 0, high = elf->reloc_count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (elf->relocs[middle].address < address) low = middle + 1;
    else high = middle;
  }
  return low;
}

static const jv_elf_symbol *symbol_of(const jv_flow *f, const jv_elf_reloc *r) { return &f->elf->symbols[r->symbol]; }

static uint64_t value_of(const jv_flow *f, const jv_elf_reloc *r) {
  return symbol_of(f, r)->value + (uint64_t)r->addend;
}

static const jv_elf_reloc *find_reloc(const jv_flow *f, uint64_t address, uint32_t type, uint32_t other_type) {
  const jv_elf *elf = f->elf;
  size_t first = reloc_from(elf, address);
  for (size_t i = first; i < elf->reloc_count && elf->relocs[i].address == address && i < first + RELOCS_MAX; i++) {
    if (elf->relocs[i].type == type || elf->relocs[i].type == other_type) return &elf->relocs[i];
  }
  return NULL;
}

/*
 * The two halves of an address of data need no care: they are numbers, and their sum is the address also where an index
 * was added between. (An auipc is a number, too, as its address is known.) Those of an address of code become one constant.
 */

/* Does a relocation name a place in code? The end of an object in data may be the address of a function. */
static bool names_code(const jv_flow *f, const jv_elf_reloc *r) {
  uint32_t section = symbol_of(f, r)->section;
  if (r->symbol == 0 || section == SHN_UNDEF || !jv_flow_is_code(f, value_of(f, r))) return false;
  return section >= f->elf->section_count || f->elf->sections[section].flags & SHF_EXECINSTR;
}

/* Has it a lower half of an address? */
static bool has_low(uint8_t op) {
  switch (op) {
    case JV_RV_jalr:
    case JV_RV_addi:
    case JV_RV_addiw:
    case JV_RV_lb:
    case JV_RV_lh:
    case JV_RV_lw:
    case JV_RV_ld:
    case JV_RV_lbu:
    case JV_RV_lhu:
    case JV_RV_lwu:
    case JV_RV_sb:
    case JV_RV_sh:
    case JV_RV_sw:
    case JV_RV_sd: return true;
    default: return false;
  }
}

/* The low half of an address must be what its instruction says: else the relocation is not about it. */
static javm_status check_low(const jv_flow *f, const jv_site *s, uint64_t low) {
  return !has_low(s->rv.op) || (low ^ (uint64_t)s->rv.imm) & 0xfff
             ? jv_flow_fail(f, s->address, "a relocation that does not fit its instruction")
             : JAVM_OK;
}

static void set_code(jv_site *s, uint64_t value) {
  s->ref = JV_REF_CODE;
  s->value = value;
}

/* A low half whose upper half is an auipc somewhere else: the symbol stands at that. */
static javm_status set_pcrel_low(jv_flow *f, jv_site *s, const jv_elf_reloc *r) {
  uint64_t upper = value_of(f, r);
  const jv_elf_reloc *hi = find_reloc(f, upper, R_RISCV_PCREL_HI20, R_RISCV_GOT_HI20);
  if (!hi) return jv_flow_fail(f, s->address, "the lower half of an address without its upper half");
  uint64_t value = value_of(f, hi);
  if (hi->type == R_RISCV_GOT_HI20) {
    if (s->rv.op != JV_RV_ld) return jv_flow_fail(f, s->address, "the global offset table is not read by ld");
    s->ref = names_code(f, hi) ? JV_REF_CODE_CONST : JV_REF_CONST;
    s->value = value;
    return JAVM_OK;
  }
  javm_status status = check_low(f, s, value - upper);
  if (status == JAVM_OK && names_code(f, hi)) set_code(s, value);
  return status;
}

static javm_status set_low(jv_flow *f, jv_site *s, const jv_elf_reloc *r) {
  javm_status status = check_low(f, s, value_of(f, r));
  if (status == JAVM_OK && names_code(f, r)) set_code(s, value_of(f, r));
  return status;
}

static bool is_upper_pair(const jv_flow *f, const jv_site *s) {
  jv_rv_insn next;
  const jv_text_part *part = part_of(f, (uint64_t)s->address + s->rv.bytes);
  if (!part) return false;
  uint32_t at = s->address + s->rv.bytes - part->address;
  return s->rv.op == JV_RV_auipc && jv_rv_decode(part->bytes + at, part->size_bytes - at, &next) &&
         next.op == JV_RV_jalr && next.rs1 == s->rv.rd;
}

static javm_status apply_reloc(jv_flow *f, jv_site *s, const jv_elf_reloc *r) {
  bool undefined = symbol_of(f, r)->section == SHN_UNDEF && r->symbol != 0;
  switch (r->type) {
    case R_RISCV_NONE:
    case R_RISCV_RELAX:
    case R_RISCV_ALIGN: return JAVM_OK;
    case R_RISCV_BRANCH:
    case R_RISCV_JAL:
    case R_RISCV_RVC_BRANCH:
    case R_RISCV_RVC_JUMP:
      if (undefined) s->ref = JV_REF_TRAP; /* a branch: where it is taken */
      return JAVM_OK;
    case R_RISCV_CALL:
    case R_RISCV_CALL_PLT:
      /* relaxed to one instruction, or a pair: then the jalr behind it knows */
      if (is_upper_pair(f, s)) s->ref = JV_REF_SKIP;
      else if (undefined) s->ref = JV_REF_TRAP;
      return JAVM_OK;
    case R_RISCV_HI20:
    case R_RISCV_RVC_LUI: return JAVM_OK;
    case R_RISCV_PCREL_HI20:
    case R_RISCV_GOT_HI20:
      if (s->rv.op != JV_RV_auipc) return jv_flow_fail(f, s->address, "a relocation of an auipc elsewhere");
      s->ref = JV_REF_UPPER;
      s->value = s->address + (uint64_t)s->rv.imm;
      return JAVM_OK;
    case R_RISCV_LO12_I:
    case R_RISCV_LO12_S: return set_low(f, s, r);
    case R_RISCV_PCREL_LO12_I:
    case R_RISCV_PCREL_LO12_S: return set_pcrel_low(f, s, r);
    case R_RISCV_TPREL_HI20:
    case R_RISCV_TPREL_LO12_I:
    case R_RISCV_TPREL_LO12_S:
    case R_RISCV_TPREL_ADD:
    case R_RISCV_TLS_GOT_HI20:
    case R_RISCV_TLS_GD_HI20:
      return jv_flow_fail(f, s->address, "a thread-local variable in register tp; compile with -femulated-tls");
    default: return jv_flow_fail(f, s->address, "a relocation of a kind that is not expected in code");
  }
}

/* --------------------------------------------------------------------------------------------------- the walk */

static javm_status check_registers(const jv_flow *f, const jv_site *s) {
  const uint8_t regs[] = {s->rv.rd, s->rv.rs1, s->rv.rs2};
  char text[120];
  for (size_t i = 0; i < sizeof regs; i++) {
    if (regs[i] != 3 && regs[i] != 4 && regs[i] < 16) continue;
    snprintf(text, sizeof text, "%s uses register x%u (%s), which the machine does not have%s", jv_rv_name(s->rv.op),
             regs[i], jv_rv_reg_name(regs[i]),
             regs[i] == 4 ? "; compile with -femulated-tls" : "; compile with -march=rv64emac_zbb -mabi=lp64e");
    return jv_flow_fail(f, s->address, text);
  }
  return JAVM_OK;
}

static javm_status add_pair(jv_flow *f, uint32_t address) {
  if (!jv_grow(f->allocator, &f->pairs, &f->pair_capacity, f->pair_count + 1, sizeof *f->pairs)) {
    return jv_fail_memory(f->error);
  }
  f->pairs[f->pair_count++] = address;
  return JAVM_OK;
}

/*
 * An auipc of an address of code that the assembler resolved itself, without a relocation, is known by the instruction
 * behind it, if that makes an address of its register and nobody else can use the half that is in it.
 */
static javm_status join_upper(jv_flow *f, jv_site *s) {
  jv_site *first = s > f->sites ? s - 1 : NULL;
  bool follows = first && first->rv.op == JV_RV_auipc && first->ref == JV_REF_NONE && first->rv.rd != 0 &&
                 first->address + first->rv.bytes == s->address && first->rv.rd == s->rv.rs1;
  if (!follows || s->ref != JV_REF_NONE ||
      !(s->rv.op == JV_RV_jalr || (s->rv.op == JV_RV_addi && s->rv.rd == s->rv.rs1)))
    return JAVM_OK;
  uint64_t value = first->address + (uint64_t)first->rv.imm + (uint64_t)s->rv.imm;
  if (!jv_flow_is_code(f, value)) return JAVM_OK; /* refused below */
  set_code(s, value);
  first->ref = s->rv.rd == s->rv.rs1 ? JV_REF_SKIP : JV_REF_UPPER;
  first->value = first->address + (uint64_t)first->rv.imm;
  return add_pair(f, s->address);
}

/* All labels are known now. */
static javm_status check_labels(const jv_flow *f) {
  for (size_t i = 0; i < f->part_count; i++) {
    const jv_text_part *part = &f->parts[i];
    for (uint32_t at = 0; at < part->size_bytes; at += 2) {
      uint32_t h = part->first + at / 2;
      if (f->site_at[h] || !(f->marks[h] & JV_MARK_STARTS & ~JV_MARK_RETURN)) continue;
      return jv_flow_fail(f, part->address + at, "a jump to what is no instruction");
    }
  }
  for (size_t i = 0; i < f->pair_count; i++) {
    if (f->marks[halfword(f, f->pairs[i])] & JV_MARK_STARTS) {
      return jv_flow_fail(f, f->pairs[i], "a jump between the two halves of an address");
    }
  }
  for (size_t i = 0; i < f->site_count; i++) {
    const jv_site *s = &f->sites[i];
    if (s->rv.op == JV_RV_auipc && s->ref == JV_REF_NONE && s->rv.rd != 0) {
      return jv_flow_fail(f, s->address,
                          "auipc without a relocation, not an address for the next instruction; "
                          "compile with relaxation, or -ffunction-sections, and link with --emit-relocs");
    }
  }
  return JAVM_OK;
}

static bool is_branch(uint8_t op) {
  switch (op) {
    case JV_RV_beq:
    case JV_RV_bne:
    case JV_RV_blt:
    case JV_RV_bge:
    case JV_RV_bltu:
    case JV_RV_bgeu: return true;
    default: return false;
  }
}

/* The pair auipc, jalr behind a SKIP. */
static bool takes_pair(const jv_flow *f, const jv_site *s) {
  const jv_site *before = s->address >= 4 ? jv_flow_at(f, s->address - 4) : NULL;
  return before && before->ref == JV_REF_SKIP && before->rv.bytes == 4;
}

static javm_status resolve_pair(jv_flow *f, jv_site *s) {
  const jv_elf_reloc *r = find_reloc(f, s->address - 4, R_RISCV_CALL, R_RISCV_CALL_PLT);
  const jv_site *upper = jv_flow_at(f, s->address - 4);
  if (r && symbol_of(f, r)->section == SHN_UNDEF) {
    s->ref = JV_REF_TRAP;
    return JAVM_OK;
  }
  set_code(s, upper->address + (uint64_t)upper->rv.imm + (uint64_t)s->rv.imm);
  return add_pair(f, s->address);
}

/* What follows from an instruction: where it goes, and which addresses it makes. *ends: control does not go on. */
static javm_status follow(jv_flow *f, jv_site *s, bool *ends) {
  uint32_t next = s->address + s->rv.bytes;
  uint64_t target = s->address + (uint64_t)s->rv.imm;
  javm_status status = JAVM_OK;
  *ends = false;
  if (s->ref == JV_REF_TRAP) {
    *ends = !is_branch(s->rv.op);
    return JAVM_OK;
  }
  if (s->rv.op == JV_RV_jal || s->rv.op == JV_RV_jalr) {
    if (s->rv.op == JV_RV_jal) status = mark(f, s->address, target, JV_MARK_LABEL);
    else if (s->ref == JV_REF_CODE) status = mark(f, s->address, s->value, JV_MARK_LABEL);
    if (s->rv.rd == 2) return jv_flow_fail(f, s->address, "a return address in sp");
    /* behind a call that never returns there may be nothing at all */
    if (status == JAVM_OK && s->rv.rd != 0 && halfword(f, next) >= 0)
      status = mark(f, s->address, next, JV_MARK_RETURN);
    *ends = true; /* what a call returns to is in the queue */
    return status;
  }
  if (is_branch(s->rv.op)) return mark(f, s->address, target, JV_MARK_LABEL);
  if (s->rv.op == JV_RV_ebreak || s->rv.op == JV_RV_unimp) *ends = true;
  if (s->ref == JV_REF_CODE_CONST || s->ref == JV_REF_CODE) {
    if (s->ref == JV_REF_CODE && s->rv.op != JV_RV_addi && s->rv.op != JV_RV_addiw) {
      return jv_flow_fail(f, s->address, "reads or writes its own code, which is not in memory");
    }
    return mark(f, s->address, s->value, JV_MARK_LABEL | JV_MARK_CODE);
  }
  return JAVM_OK;
}

static javm_status new_site(jv_flow *f, const jv_text_part *part, uint32_t address, int64_t h, jv_site **out) {
  if (!jv_grow(f->allocator, &f->sites, &f->site_capacity, f->site_count + 1, sizeof *f->sites)) {
    return jv_fail_memory(f->error);
  }
  jv_site *s = &f->sites[f->site_count];
  memset(s, 0, sizeof *s);
  s->address = address;
  uint32_t at = address - part->address;
  if (!jv_rv_decode(part->bytes + at, part->size_bytes - at, &s->rv)) {
    char text[100];
    uint32_t word = (uint32_t)jv_load_le(part->bytes + at, part->size_bytes - at >= 4 ? 4 : part->size_bytes - at);
    snprintf(text, sizeof text, "0x%08" PRIx32 " is no instruction of RV64E with M, A, C and Zbb", word);
    return jv_flow_fail(f, address, text);
  }
  bool inside = f->marks[h] & JV_MARK_INSIDE;
  if (s->rv.bytes == 4) {
    inside |= f->site_at[h + 1] != 0;
    f->marks[h + 1] |= JV_MARK_INSIDE;
  }
  if (inside) return jv_flow_fail(f, address, "a jump into the middle of an instruction");
  f->site_at[h] = (uint32_t)++f->site_count;
  *out = s;
  return check_registers(f, s);
}

/* Is this where a call that never returns would return to, and no code? Some data then, or what fills the section up. */
static bool is_behind_the_end(const jv_flow *f, const jv_text_part *part, uint32_t address) {
  uint32_t at = address - part->address;
  jv_rv_insn insn;
  return (f->marks[part->first + at / 2] & JV_MARK_STARTS) == JV_MARK_RETURN &&
         !jv_rv_decode(part->bytes + at, part->size_bytes - at, &insn);
}

/* Walks from an address to where control ends, or where it has been. */
static javm_status walk(jv_flow *f, uint32_t address) {
  const jv_text_part *part = part_of(f, address);
  if (is_behind_the_end(f, part, address)) return JAVM_OK;
  size_t reloc = reloc_from(f->elf, address);
  bool ends = false;
  while (!ends && address - part->address < part->size_bytes) {
    int64_t h = part->first + (address - part->address) / 2;
    jv_site *s = NULL;
    if (f->site_at[h]) return JAVM_OK;
    javm_status status = new_site(f, part, address, h, &s);
    for (; status == JAVM_OK && reloc < f->elf->reloc_count && f->elf->relocs[reloc].address < address + 2u; reloc++) {
      if (f->elf->relocs[reloc].address == address) status = apply_reloc(f, s, &f->elf->relocs[reloc]);
    }
    if (status == JAVM_OK && s->rv.op == JV_RV_jalr && s->ref == JV_REF_NONE && takes_pair(f, s)) {
      status = resolve_pair(f, s);
    }
    if (status == JAVM_OK) status = join_upper(f, s);
    if (status == JAVM_OK) status = follow(f, s, &ends);
    if (status != JAVM_OK) return status;
    f->marks[h] |= JV_MARK_QUEUED;
    address += s->rv.bytes;
    while (reloc < f->elf->reloc_count && f->elf->relocs[reloc].address < address) reloc++;
  }
  /* on into the section that begins where this one ends */
  return ends || halfword(f, address) < 0 ? JAVM_OK : mark(f, address, address, JV_MARK_LABEL);
}

static javm_status walk_all(jv_flow *f) {
  while (f->queue_count > 0) {
    javm_status status = walk(f, f->queue[--f->queue_count]);
    if (status != JAVM_OK) return status;
  }
  return JAVM_OK;
}

/* --------------------------------------------------------------------------------------------- pointers in data */

static javm_status add_patch(jv_flow *f, const jv_patch *patch) {
  if (!jv_grow(f->allocator, &f->patches, &f->patch_capacity, f->patch_count + 1, sizeof *f->patches)) {
    return jv_fail_memory(f->error);
  }
  f->patches[f->patch_count++] = *patch;
  javm_status status = JAVM_OK;
  if (patch->target_is_code) status = mark(f, patch->address, patch->target, JV_MARK_LABEL | JV_MARK_DATA);
  if (status == JAVM_OK && patch->base_is_code) {
    status = mark(f, patch->address, patch->base, JV_MARK_LABEL | JV_MARK_DATA);
  }
  return status;
}

static javm_status fail_data(jv_flow *f, const jv_elf_reloc *r, const char *text) {
  return jv_fail(f->error, JAVM_UNSUPPORTED, (size_t)r->address, "in data at 0x%" PRIx64 ": %s (relocation type %u)",
                 r->address, text, r->type);
}

/* The relocation at index i of data, and perhaps the one behind it. */
static javm_status take_data_reloc(jv_flow *f, size_t i, const jv_elf_section *section) {
  const jv_elf_reloc *r = &f->elf->relocs[i];
  uint64_t value = value_of(f, r);
  bool code = names_code(f, r), distance = r->type == R_RISCV_ADD32 || r->type == R_RISCV_ADD64;
  const jv_elf_reloc *sub = NULL;
  if (distance) sub = find_reloc(f, r->address, r->type == R_RISCV_ADD32 ? R_RISCV_SUB32 : R_RISCV_SUB64, 0);
  bool from_code = sub && names_code(f, sub);
  jv_patch patch = {.section = section,
                    .address = (uint32_t)r->address,
                    .target = (uint32_t)value,
                    .target_is_code = code,
                    .base_is_code = from_code};
  switch (r->type) {
    case R_RISCV_64:
    case R_RISCV_ADD64: patch.bytes = 8; break;
    case R_RISCV_32:
    case R_RISCV_ADD32:
    case R_RISCV_32_PCREL: patch.bytes = 4; break;
    case R_RISCV_SUB32:
    case R_RISCV_SUB64: /* with its ADD */
      if (!code || find_reloc(f, r->address, r->type == R_RISCV_SUB32 ? R_RISCV_ADD32 : R_RISCV_ADD64, 0))
        return JAVM_OK;
      return fail_data(f, r, "a code address taken from what is not known");
    default:
      return code && r->type != R_RISCV_NONE ? fail_data(f, r, "a code address in a form that is not known") : JAVM_OK;
  }
  if (!code && !from_code) return JAVM_OK;
  if (distance) {
    if (!sub) return fail_data(f, r, "a code address added to what is not known");
    patch.base = (uint32_t)value_of(f, sub);
  } else if (r->type == R_RISCV_32_PCREL) {
    patch.base = (uint32_t)r->address;
  }
  if (r->address - section->address > section->size_bytes - patch.bytes || section->size_bytes < patch.bytes) {
    return fail_data(f, r, "a code address that its section cuts off");
  }
  return add_patch(f, &patch);
}

static javm_status find_data_pointers(jv_flow *f) {
  javm_status status = JAVM_OK;
  for (size_t i = 0; status == JAVM_OK && i < f->elf->section_count; i++) {
    const jv_elf_section *s = &f->elf->sections[i];
    if (!(s->flags & SHF_ALLOC) || s->flags & SHF_EXECINSTR || jv_is_metadata(s) || jv_is_dropped(s)) continue;
    if (s->type == SHT_NOBITS || s->size_bytes == 0) continue;
    size_t r = reloc_from(f->elf, s->address);
    for (; status == JAVM_OK && r < f->elf->reloc_count; r++) {
      if (f->elf->relocs[r].address - s->address >= s->size_bytes) break;
      status = take_data_reloc(f, r, s);
    }
  }
  return status;
}

/* ------------------------------------------------------------------------------------------------------ set-up */

static bool is_part(const jv_elf_section *s) {
  return (s->flags & (SHF_ALLOC | SHF_EXECINSTR)) == (SHF_ALLOC | SHF_EXECINSTR) && s->bytes && s->size_bytes;
}

static size_t count_parts(const jv_elf *elf) {
  size_t count = 0;
  for (size_t i = 0; i < elf->section_count; i++) count += is_part(&elf->sections[i]);
  return count;
}

static int by_address(const void *a, const void *b) {
  const jv_text_part *p = a, *q = b;
  return (p->address > q->address) - (p->address < q->address);
}

static javm_status find_parts(jv_flow *f) {
  f->parts = jv_alloc_array(f->allocator, count_parts(f->elf), sizeof *f->parts);
  if (!f->parts) return jv_fail_memory(f->error);
  for (size_t i = 0; i < f->elf->section_count; i++) {
    const jv_elf_section *s = &f->elf->sections[i];
    if (!is_part(s)) continue;
    if (s->address % 2) {
      return jv_fail(f->error, JAVM_MALFORMED, (size_t)s->address, "section %.40s: odd address of code", s->name);
    }
    f->parts[f->part_count++] = (jv_text_part){s->bytes, (uint32_t)s->address, (uint32_t)s->size_bytes, 0};
  }
  qsort(f->parts, f->part_count, sizeof *f->parts, by_address);
  uint64_t halfwords = 0;
  for (size_t i = 0; i < f->part_count; i++) {
    jv_text_part *p = &f->parts[i];
    if (i > 0 && p->address - p[-1].address < p[-1].size_bytes) {
      return jv_fail(f->error, JAVM_MALFORMED, p->address, "two sections of code overlap at 0x%" PRIx32, p->address);
    }
    p->first = (uint32_t)halfwords;
    halfwords += ((uint64_t)p->size_bytes + 1) / 2;
  }
  if (halfwords > UINT32_MAX / 2) return jv_fail(f->error, JAVM_UNSUPPORTED, 0, "more than 4 GiB of code");
  f->halfword_count = (uint32_t)halfwords;
  return JAVM_OK;
}

/* Puts the sites in order of address, and numbers those that escape: first what code names, so that the numbers in code
 * are small. */
static javm_status order(jv_flow *f) {
  jv_site *sorted = jv_alloc_array(f->allocator, f->site_count, sizeof *sorted);
  if (!sorted) return jv_fail_memory(f->error);
  size_t count = 0, capacity = f->site_count;
  for (uint32_t h = 0; h < f->halfword_count; h++) {
    if (!f->site_at[h]) continue;
    sorted[count] = f->sites[f->site_at[h] - 1];
    sorted[count].marks = f->marks[h];
    f->jump_count += (f->marks[h] & JV_MARK_ESCAPES) != 0;
    f->site_at[h] = (uint32_t)++count;
  }
  jv_free_array(f->allocator, f->sites, f->site_capacity, sizeof *f->sites);
  f->sites = sorted;
  f->site_capacity = capacity;
  f->jumps = jv_alloc_array(f->allocator, f->jump_count, sizeof *f->jumps);
  if (!f->jumps) return jv_fail_memory(f->error);
  uint32_t next = 0;
  for (int pass = 0; pass < 2; pass++) {
    for (size_t i = 0; i < count; i++) {
      uint8_t marks = sorted[i].marks;
      if (!(marks & JV_MARK_ESCAPES) || (pass == 0) != ((marks & (JV_MARK_RETURN | JV_MARK_CODE)) != 0)) continue;
      sorted[i].jump = next;
      f->jumps[next++] = (uint32_t)i;
    }
  }
  return JAVM_OK;
}

static javm_status find(jv_flow *f, const jv_manifest *manifest, uint32_t start) {
  javm_status status = find_parts(f);
  if (status != JAVM_OK) return status;
  f->marks = jv_alloc_zero(f->allocator, f->halfword_count + 2u);
  f->site_at = jv_alloc_zero(f->allocator, ((size_t)f->halfword_count + 2) * sizeof *f->site_at);
  if (!f->marks || !f->site_at) return jv_fail_memory(f->error);
  for (size_t i = 0; status == JAVM_OK && i < manifest->endpoint_count; i++) {
    const jv_entry_point *e = &manifest->endpoints[i];
    if (halfword(f, e->address) < 0) {
      return jv_fail(f->error, JAVM_INVALID_IMAGE, 0, "endpoint %u: no code at 0x%" PRIx32 "%s", e->index, e->address,
                     e->address ? "" : "; neither an endpoint is declared nor an entry point set");
    }
    status = mark(f, e->address, e->address, JV_MARK_LABEL | JV_MARK_ENTRY | (start ? JV_MARK_CODE : 0));
  }
  if (status == JAVM_OK && start) status = mark(f, start, start, JV_MARK_LABEL | JV_MARK_ENTRY);
  if (status == JAVM_OK) status = find_data_pointers(f);
  if (status == JAVM_OK) status = walk_all(f);
  if (status == JAVM_OK) status = check_labels(f);
  return status == JAVM_OK ? order(f) : status;
}

javm_status jv_flow_find(const javm_allocator *a, const jv_elf *elf, const jv_manifest *manifest, uint32_t start,
                         jv_flow *f, javm_error *error) {
  memset(f, 0, sizeof *f);
  f->allocator = a;
  f->elf = elf;
  f->error = error;
  javm_status status = find(f, manifest, start);
  if (status != JAVM_OK) jv_flow_clear(f);
  return status;
}

void jv_flow_clear(jv_flow *f) {
  const javm_allocator *a = f->allocator;
  if (f->parts) jv_free_array(a, f->parts, count_parts(f->elf), sizeof *f->parts);
  jv_free(a, f->marks, f->halfword_count + 2u);
  jv_free(a, f->site_at, ((size_t)f->halfword_count + 2) * sizeof *f->site_at);
  jv_free_array(a, f->sites, f->site_capacity, sizeof *f->sites);
  jv_free_array(a, f->patches, f->patch_capacity, sizeof *f->patches);
  jv_free_array(a, f->pairs, f->pair_capacity, sizeof *f->pairs);
  jv_free_array(a, f->queue, f->queue_capacity, sizeof *f->queue);
  jv_free_array(a, f->jumps, f->jump_count, sizeof *f->jumps);
  memset(f, 0, sizeof *f);
}
