/*
 * The instruction decoder of the linker, compared with two things that know nothing of riscv.def: words that an
 * assembler made (link_riscv_words.inc), and the RISC-V manual's drawings of the instruction formats, as patterns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "link/riscv.h"

/* ---- the manual's drawings ---- */

/*
 * From the highest bit to the lowest, in these parts:
 *   0110         these bits
 *   -N           N bits of any value
 *   rd rs1 rs2   5 bits of a register; rd/rs1: of both
 *   rd' ...      3 bits, a register from x8 on
 *   imm[5|3:1]   these bits of a signed immediate; uimm: unsigned; nzimm, nzuimm: not 0
 * A register may have "!=N" or "!=N,M" behind it. What the drawing does not have is as the members say.
 */
typedef struct form {
  const char *drawing;
  jv_rv_op op;
  uint8_t rd, rs1, rs2;
} form;

#define I_TYPE(name, funct3, opcode)                                                                                   \
  { "imm[11:0] rs1 " funct3 " rd " opcode, JV_RV_##name, 0, 0, 0 }
#define S_TYPE(name, funct3)                                                                                           \
  { "imm[11:5] rs2 rs1 " funct3 " imm[4:0] 0100011", JV_RV_##name, 0, 0, 0 }
#define B_TYPE(name, funct3)                                                                                           \
  { "imm[12|10:5] rs2 rs1 " funct3 " imm[4:1|11] 1100011", JV_RV_##name, 0, 0, 0 }
#define R_TYPE(name, funct7, funct3, opcode)                                                                           \
  { funct7 " rs2 rs1 " funct3 " rd " opcode, JV_RV_##name, 0, 0, 0 }
#define UNARY(name, funct12, funct3, opcode)                                                                           \
  { funct12 " rs1 " funct3 " rd " opcode, JV_RV_##name, 0, 0, 0 }
#define SHIFT_64(name, funct6, funct3)                                                                                 \
  { funct6 " uimm[5:0] rs1 " funct3 " rd 0010011", JV_RV_##name, 0, 0, 0 }
#define SHIFT_32(name, funct7, funct3)                                                                                 \
  { funct7 " uimm[4:0] rs1 " funct3 " rd 0011011", JV_RV_##name, 0, 0, 0 }
#define AMO(name, funct5, width)                                                                                       \
  { funct5 " -2 rs2 rs1 " width " rd 0101111", JV_RV_##name, 0, 0, 0 }
#define OP "0110011"
#define OP_32 "0111011"
#define OP_IMM "0010011"
#define OP_IMM_32 "0011011"

static const form words[] = {
    {"imm[31:12] rd 0110111", JV_RV_lui, 0, 0, 0},
    {"imm[31:12] rd 0010111", JV_RV_auipc, 0, 0, 0},
    {"imm[20|10:1|11|19:12] rd 1101111", JV_RV_jal, 0, 0, 0},
    I_TYPE(jalr, "000", "1100111"),
    B_TYPE(beq, "000"),
    B_TYPE(bne, "001"),
    B_TYPE(blt, "100"),
    B_TYPE(bge, "101"),
    B_TYPE(bltu, "110"),
    B_TYPE(bgeu, "111"),
    I_TYPE(lb, "000", "0000011"),
    I_TYPE(lh, "001", "0000011"),
    I_TYPE(lw, "010", "0000011"),
    I_TYPE(ld, "011", "0000011"),
    I_TYPE(lbu, "100", "0000011"),
    I_TYPE(lhu, "101", "0000011"),
    I_TYPE(lwu, "110", "0000011"),
    S_TYPE(sb, "000"),
    S_TYPE(sh, "001"),
    S_TYPE(sw, "010"),
    S_TYPE(sd, "011"),
    I_TYPE(addi, "000", OP_IMM),
    I_TYPE(slti, "010", OP_IMM),
    I_TYPE(sltiu, "011", OP_IMM),
    I_TYPE(xori, "100", OP_IMM),
    I_TYPE(ori, "110", OP_IMM),
    I_TYPE(andi, "111", OP_IMM),
    I_TYPE(addiw, "000", OP_IMM_32),
    SHIFT_64(slli, "000000", "001"),
    SHIFT_64(srli, "000000", "101"),
    SHIFT_64(srai, "010000", "101"),
    SHIFT_64(rori, "011000", "101"),
    SHIFT_32(slliw, "0000000", "001"),
    SHIFT_32(srliw, "0000000", "101"),
    SHIFT_32(sraiw, "0100000", "101"),
    SHIFT_32(roriw, "0110000", "101"),
    R_TYPE(add, "0000000", "000", OP),
    R_TYPE(sub, "0100000", "000", OP),
    R_TYPE(sll, "0000000", "001", OP),
    R_TYPE(slt, "0000000", "010", OP),
    R_TYPE(sltu, "0000000", "011", OP),
    R_TYPE(xor, "0000000", "100", OP),
    R_TYPE(srl, "0000000", "101", OP),
    R_TYPE(sra, "0100000", "101", OP),
    R_TYPE(or, "0000000", "110", OP),
    R_TYPE(and, "0000000", "111", OP),
    R_TYPE(addw, "0000000", "000", OP_32),
    R_TYPE(subw, "0100000", "000", OP_32),
    R_TYPE(sllw, "0000000", "001", OP_32),
    R_TYPE(srlw, "0000000", "101", OP_32),
    R_TYPE(sraw, "0100000", "101", OP_32),
    {"-12 -5 000 -5 0001111", JV_RV_fence, 0, 0, 0},
    {"-12 -5 001 -5 0001111", JV_RV_fence_i, 0, 0, 0},
    {"000000000000 00000 000 00000 1110011", JV_RV_ecall, 0, 0, 0},
    {"000000000001 00000 000 00000 1110011", JV_RV_ebreak, 0, 0, 0},
    {"110000000000 00000 001 00000 1110011", JV_RV_unimp, 0, 0, 0},
    R_TYPE(mul, "0000001", "000", OP),
    R_TYPE(mulh, "0000001", "001", OP),
    R_TYPE(mulhsu, "0000001", "010", OP),
    R_TYPE(mulhu, "0000001", "011", OP),
    R_TYPE(div, "0000001", "100", OP),
    R_TYPE(divu, "0000001", "101", OP),
    R_TYPE(rem, "0000001", "110", OP),
    R_TYPE(remu, "0000001", "111", OP),
    R_TYPE(mulw, "0000001", "000", OP_32),
    R_TYPE(divw, "0000001", "100", OP_32),
    R_TYPE(divuw, "0000001", "101", OP_32),
    R_TYPE(remw, "0000001", "110", OP_32),
    R_TYPE(remuw, "0000001", "111", OP_32),
    {"00010 -2 00000 rs1 010 rd 0101111", JV_RV_lr_w, 0, 0, 0},
    {"00010 -2 00000 rs1 011 rd 0101111", JV_RV_lr_d, 0, 0, 0},
    AMO(sc_w, "00011", "010"),
    AMO(sc_d, "00011", "011"),
    AMO(amoswap_w, "00001", "010"),
    AMO(amoswap_d, "00001", "011"),
    AMO(amoadd_w, "00000", "010"),
    AMO(amoadd_d, "00000", "011"),
    AMO(amoxor_w, "00100", "010"),
    AMO(amoxor_d, "00100", "011"),
    AMO(amoand_w, "01100", "010"),
    AMO(amoand_d, "01100", "011"),
    AMO(amoor_w, "01000", "010"),
    AMO(amoor_d, "01000", "011"),
    AMO(amomin_w, "10000", "010"),
    AMO(amomin_d, "10000", "011"),
    AMO(amomax_w, "10100", "010"),
    AMO(amomax_d, "10100", "011"),
    AMO(amominu_w, "11000", "010"),
    AMO(amominu_d, "11000", "011"),
    AMO(amomaxu_w, "11100", "010"),
    AMO(amomaxu_d, "11100", "011"),
    R_TYPE(andn, "0100000", "111", OP),
    R_TYPE(orn, "0100000", "110", OP),
    R_TYPE(xnor, "0100000", "100", OP),
    UNARY(clz, "011000000000", "001", OP_IMM),
    UNARY(ctz, "011000000001", "001", OP_IMM),
    UNARY(cpop, "011000000010", "001", OP_IMM),
    UNARY(clzw, "011000000000", "001", OP_IMM_32),
    UNARY(ctzw, "011000000001", "001", OP_IMM_32),
    UNARY(cpopw, "011000000010", "001", OP_IMM_32),
    R_TYPE(max, "0000101", "110", OP),
    R_TYPE(maxu, "0000101", "111", OP),
    R_TYPE(min, "0000101", "100", OP),
    R_TYPE(minu, "0000101", "101", OP),
    UNARY(sext_b, "011000000100", "001", OP_IMM),
    UNARY(sext_h, "011000000101", "001", OP_IMM),
    UNARY(zext_h, "000010000000", "100", OP_32),
    R_TYPE(rol, "0110000", "001", OP),
    R_TYPE(ror, "0110000", "101", OP),
    R_TYPE(rolw, "0110000", "001", OP_32),
    R_TYPE(rorw, "0110000", "101", OP_32),
    UNARY(orc_b, "001010000111", "101", OP_IMM),
    UNARY(rev8, "011010111000", "101", OP_IMM),
    /* ours */
    {"uimm[19:0] 00000 0001011", JV_RV_ecalli, 0, 0, 0},
    {"0000000 00000 rs1 000 rd 0101011", JV_RV_sbrk, 0, 0, 0},
    {"0000000 00000 00000 001 00000 0101011", JV_RV_unlikely, 0, 0, 0},
};

/* The three tables of the manual's chapter on compressed instructions, RV64, without floats. */
static const form halfwords[] = {
    {"000 00000000 000 00", JV_RV_unimp, 0, 0, 0},
    {"000 nzuimm[5:4|9:6|2|3] rd' 00", JV_RV_addi, 0, 2, 0}, /* c.addi4spn */
    {"010 uimm[5:3] rs1' uimm[2|6] rd' 00", JV_RV_lw, 0, 0, 0},
    {"011 uimm[5:3] rs1' uimm[7:6] rd' 00", JV_RV_ld, 0, 0, 0},
    {"110 uimm[5:3] rs1' uimm[2|6] rs2' 00", JV_RV_sw, 0, 0, 0},
    {"111 uimm[5:3] rs1' uimm[7:6] rs2' 00", JV_RV_sd, 0, 0, 0},
    {"000 imm[5] rd/rs1 imm[4:0] 01", JV_RV_addi, 0, 0, 0}, /* c.nop and hints among them */
    {"001 imm[5] rd/rs1!=0 imm[4:0] 01", JV_RV_addiw, 0, 0, 0},
    {"010 imm[5] rd imm[4:0] 01", JV_RV_addi, 0, 0, 0},              /* c.li */
    {"011 nzimm[9] 00010 nzimm[4|6|8:7|5] 01", JV_RV_addi, 2, 2, 0}, /* c.addi16sp */
    {"011 nzimm[17] rd!=2 nzimm[16:12] 01", JV_RV_lui, 0, 0, 0},
    {"100 uimm[5] 00 rd'/rs1' uimm[4:0] 01", JV_RV_srli, 0, 0, 0},
    {"100 uimm[5] 01 rd'/rs1' uimm[4:0] 01", JV_RV_srai, 0, 0, 0},
    {"100 imm[5] 10 rd'/rs1' imm[4:0] 01", JV_RV_andi, 0, 0, 0},
    {"100 0 11 rd'/rs1' 00 rs2' 01", JV_RV_sub, 0, 0, 0},
    {"100 0 11 rd'/rs1' 01 rs2' 01", JV_RV_xor, 0, 0, 0},
    {"100 0 11 rd'/rs1' 10 rs2' 01", JV_RV_or, 0, 0, 0},
    {"100 0 11 rd'/rs1' 11 rs2' 01", JV_RV_and, 0, 0, 0},
    {"100 1 11 rd'/rs1' 00 rs2' 01", JV_RV_subw, 0, 0, 0},
    {"100 1 11 rd'/rs1' 01 rs2' 01", JV_RV_addw, 0, 0, 0},
    {"101 imm[11|4|9:8|10|6|7|3:1|5] 01", JV_RV_jal, 0, 0, 0}, /* c.j */
    {"110 imm[8|4:3] rs1' imm[7:6|2:1|5] 01", JV_RV_beq, 0, 0, 0},
    {"111 imm[8|4:3] rs1' imm[7:6|2:1|5] 01", JV_RV_bne, 0, 0, 0},
    {"000 uimm[5] rd/rs1 uimm[4:0] 10", JV_RV_slli, 0, 0, 0},
    {"010 uimm[5] rd!=0 uimm[4:2|7:6] 10", JV_RV_lw, 0, 2, 0},
    {"011 uimm[5] rd!=0 uimm[4:3|8:6] 10", JV_RV_ld, 0, 2, 0},
    {"100 0 rs1!=0 00000 10", JV_RV_jalr, 0, 0, 0}, /* c.jr */
    {"100 0 rd rs2!=0 10", JV_RV_add, 0, 0, 0},     /* c.mv */
    {"100 1 00000 00000 10", JV_RV_ebreak, 0, 0, 0},
    {"100 1 rs1!=0 00000 10", JV_RV_jalr, 1, 0, 0},
    {"100 1 rd/rs1 rs2!=0 10", JV_RV_add, 0, 0, 0},
    {"110 uimm[5:2|7:6] rs2 10", JV_RV_sw, 0, 2, 0},
    {"111 uimm[5:3|8:6] rs2 10", JV_RV_sd, 0, 2, 0},
};

enum { WORD_FORMS = sizeof words / sizeof *words, HALFWORD_FORMS = sizeof halfwords / sizeof *halfwords };

/* ---- drawings, read ---- */

enum { RD, RS1, RS2, ROLES };

typedef struct field {
  bool is_there, is_short;
  uint8_t low;     /* lowest bit */
  uint32_t except; /* set of registers that it may not be */
} field;

typedef struct layout {
  uint32_t mask, match;
  unsigned bits; /* read so far, while it is read */
  field fields[ROLES];
  bool is_signed, is_nonzero;
  unsigned imm_bits;
  struct {
    uint8_t word, imm;
  } imm[20];
} layout;

/* All parts move up when one is put below them. */
static void make_room(layout *l, unsigned bits) {
  l->mask <<= bits, l->match <<= bits;
  for (int i = 0; i < ROLES; i++) l->fields[i].low = (uint8_t)(l->fields[i].low + bits);
  for (unsigned i = 0; i < l->imm_bits; i++) l->imm[i].word = (uint8_t)(l->imm[i].word + bits);
  l->bits += bits;
}

static void read_imm(layout *l, const char *part) {
  l->is_signed = part[0] != 'u' && strncmp(part, "nzu", 3) != 0;
  l->is_nonzero = part[0] == 'n';
  for (const char *p = strchr(part, '['); *p != ']';) {
    char *end;
    unsigned from = (unsigned)strtoul(p + 1, &end, 10), to = from;
    if (*end == ':') to = (unsigned)strtoul(end + 1, &end, 10);
    for (unsigned bit = from + 1; bit-- > to;) {
      make_room(l, 1);
      l->imm[l->imm_bits].word = 0;
      l->imm[l->imm_bits++].imm = (uint8_t)bit;
    }
    p = end;
  }
}

static void read_register(layout *l, const char *part) {
  static const char *const names[ROLES] = {"rd", "rs1", "rs2"};
  bool is_short = strchr(part, '\'') != NULL;
  uint32_t except = 0;
  const char *p = strstr(part, "!=");
  for (char *end; p; p = *end == ',' ? end : NULL) except |= UINT32_C(1) << strtoul(p + (*p == ',' ? 1 : 2), &end, 10);
  make_room(l, is_short ? 3 : 5);
  for (int i = 0; i < ROLES; i++)
    if (strstr(part, names[i]))
      l->fields[i] = (field){.is_there = true, .is_short = is_short, .low = 0, .except = except};
}

static layout read_drawing(const char *drawing) {
  layout l = {0};
  char copy[64], *rest = NULL;
  assert_true(strlen(drawing) < sizeof copy);
  strcpy(copy, drawing);
  for (char *part = strtok_r(copy, " ", &rest); part; part = strtok_r(NULL, " ", &rest)) {
    if (part[0] == '-') {
      make_room(&l, (unsigned)strtoul(part + 1, NULL, 10));
    } else if (part[0] == 'r') {
      read_register(&l, part);
    } else if (strchr(part, '[')) {
      read_imm(&l, part);
    } else {
      for (; *part; part++) {
        assert_true(*part == '0' || *part == '1');
        make_room(&l, 1);
        l.mask |= 1, l.match |= *part == '1';
      }
    }
  }
  return l;
}

/* The words and halfwords, read once. */
typedef struct layouts {
  layout words[WORD_FORMS], halfwords[HALFWORD_FORMS];
} layouts;

static int read_all(void **state) {
  layouts *all = malloc(sizeof *all);
  if (!all) return -1;
  for (size_t i = 0; i < WORD_FORMS; i++) {
    all->words[i] = read_drawing(words[i].drawing);
    assert_int_equal(all->words[i].bits, 32);
  }
  for (size_t i = 0; i < HALFWORD_FORMS; i++) {
    all->halfwords[i] = read_drawing(halfwords[i].drawing);
    assert_int_equal(all->halfwords[i].bits, 16);
  }
  *state = all;
  return 0;
}

static int free_all(void **state) {
  free(*state);
  return 0;
}

static uint8_t *operand(jv_rv_insn *insn, int role) {
  return role == RD ? &insn->rd : role == RS1 ? &insn->rs1 : &insn->rs2;
}

/* What the word is by this form; false: not of this form. */
static bool read_word(const form *f, const layout *l, uint32_t word, jv_rv_insn *out) {
  if ((word & l->mask) != l->match) return false;
  *out = (jv_rv_insn){(uint8_t)f->op, f->rd, f->rs1, f->rs2, (uint8_t)(l->bits / 8), 0};
  for (int i = 0; i < ROLES; i++) {
    const field *part = &l->fields[i];
    if (!part->is_there) continue;
    unsigned number = part->is_short ? 8 + (word >> part->low) % 8 : (word >> part->low) % 32;
    if (part->except >> number & 1) return false;
    *operand(out, i) = (uint8_t)number;
  }
  unsigned top = 0;
  for (unsigned i = 0; i < l->imm_bits; i++) {
    if (l->imm[i].imm > top) top = l->imm[i].imm;
    out->imm += (int64_t)(word >> l->imm[i].word & 1) << l->imm[i].imm;
  }
  if (l->is_signed && out->imm >> top) out->imm -= INT64_C(2) << top;
  return !l->is_nonzero || out->imm != 0;
}

/* ---- comparing ---- */

static bool decode(uint64_t word, size_t left, jv_rv_insn *out) {
  uint8_t bytes[8];
  jv_store_le(bytes, word, 8);
  memset(out, 0xa5, sizeof *out);
  return jv_rv_decode(bytes, left, out);
}

static void expect(uint32_t word, const jv_rv_insn *want) {
  jv_rv_insn got;
  bool good = decode(word, want->bytes, &got);
  if (good == (want->op != JV_RV_INVALID) && got.op == want->op && got.rd == want->rd && got.rs1 == want->rs1 &&
      got.rs2 == want->rs2 && got.imm == want->imm && got.bytes == want->bytes)
    return;
  fail_msg("%08x: %s rd %u rs1 %u rs2 %u imm %lld, %u bytes, instead of %s rd %u rs1 %u rs2 %u imm %lld, %u bytes",
           word, jv_rv_name(got.op), got.rd, got.rs1, got.rs2, (long long)got.imm, got.bytes, jv_rv_name(want->op),
           want->rd, want->rs1, want->rs2, (long long)want->imm, want->bytes);
}

static void expect_invalid(uint32_t word, unsigned bytes) {
  expect(word, &(jv_rv_insn){.op = JV_RV_INVALID, .bytes = (uint8_t)bytes});
}

/* ---- tests ---- */

static void words_of_an_assembler(void **state) {
  (void)state;
  static const struct {
    uint32_t word;
    jv_rv_insn insn;
  } known[] = {
#define W(word, bytes, op, rd, rs1, rs2, imm) {word, {JV_RV_##op, rd, rs1, rs2, bytes, imm}},
#include "link_riscv_words.inc"
  };
  bool seen[JV_RV_COUNT] = {true};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    expect(known[i].word, &known[i].insn);
    if (known[i].insn.bytes == 4) seen[known[i].insn.op] = true;
  }
  for (int op = 0; op < JV_RV_COUNT; op++)
    if (!seen[op]) fail_msg("no word of %s", jv_rv_name((jv_rv_op)op));
}

static void every_operation_has_one_drawing(void **state) {
  (void)state;
  unsigned drawings[JV_RV_COUNT] = {0};
  for (size_t i = 0; i < WORD_FORMS; i++) drawings[words[i].op]++;
  for (int op = JV_RV_INVALID + 1; op < JV_RV_COUNT; op++)
    if (drawings[op] != 1) fail_msg("%u drawings of %s", drawings[op], jv_rv_name((jv_rv_op)op));
}

/* Puts a number into the immediate's bits. */
static uint32_t with_imm(const layout *l, uint32_t word, uint64_t imm) {
  for (unsigned i = 0; i < l->imm_bits; i++) {
    word &= ~(UINT32_C(1) << l->imm[i].word);
    word |= (uint32_t)(imm >> l->imm[i].imm & 1) << l->imm[i].word;
  }
  return word;
}

static uint32_t random_bits(uint64_t *seed) {
  *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(*seed >> 32);
}

static void expect_form(const form *f, const layout *l, uint32_t word) {
  jv_rv_insn want;
  assert_true(read_word(f, l, word, &want));
  expect(word, &want);
}

/* All values of the immediate; in each word, other registers. */
static void every_immediate_of_every_word(void **state) {
  const layouts *all = *state;
  uint64_t seed = 1;
  for (size_t i = 0; i < WORD_FORMS; i++) {
    const layout *l = &all->words[i];
    unsigned low = 31, top = 0;
    for (unsigned bit = 0; bit < l->imm_bits; bit++) {
      if (l->imm[bit].imm < low) low = l->imm[bit].imm;
      if (l->imm[bit].imm > top) top = l->imm[bit].imm;
    }
    if (l->imm_bits == 0) continue;
    assert_int_equal(top - low + 1, l->imm_bits);
    int64_t half = l->is_signed ? INT64_C(1) << top : 0;
    for (int64_t imm = -half; imm < (INT64_C(2) << top) - half; imm += INT64_C(1) << low) {
      uint32_t word = with_imm(l, (random_bits(&seed) & ~l->mask) | l->match, (uint64_t)imm);
      jv_rv_insn want;
      assert_true(read_word(&words[i], l, word, &want));
      assert_true(want.imm == imm);
      expect(word, &want);
    }
  }
}

/* All registers in all places; in each word, other bits in the rest. */
static void every_register_of_every_word(void **state) {
  const layouts *all = *state;
  uint64_t seed = 2;
  for (size_t i = 0; i < WORD_FORMS; i++) {
    const layout *l = &all->words[i];
    for (uint32_t registers = 0; registers < 1 << 15; registers++) {
      uint32_t word = random_bits(&seed), where = 0x000f8f80 | 31u << 20;
      word = (word & ~where) | (registers & 31) << 7 | (registers >> 5 & 31) << 15 | (registers >> 10) << 20;
      expect_form(&words[i], l, (word & ~l->mask) | l->match);
    }
  }
}

/* Every combination of the bits that can say what a word is. */
static void every_word_that_is_no_instruction(void **state) {
  const layouts *all = *state;
  uint64_t seed = 3;
  for (uint32_t bits = 0; bits < 1 << 20; bits++) {
    /* opcode, funct3, funct7 and the field of rs2 */
    uint32_t word = 3 | (bits & 31) << 2 | (bits >> 5 & 7) << 12 | (bits >> 8) << 20;
    uint32_t rd = random_bits(&seed) & 0x00000f80, rs1 = random_bits(&seed) & 0x000f8000;
    if ((word & 31) == 31) continue;
    for (int others = 0; others < 4; others++) {
      uint32_t full = word | (others & 1 ? rd : 0) | (others & 2 ? rs1 : 0);
      jv_rv_insn want = {.op = JV_RV_INVALID, .bytes = 4};
      unsigned forms = 0;
      for (size_t i = 0; i < WORD_FORMS; i++) forms += read_word(&words[i], &all->words[i], full, &want);
      assert_true(forms <= 1);
      if (forms) expect(full, &want);
      else expect_invalid(full, 4);
    }
  }
}

static void every_halfword(void **state) {
  const layouts *all = *state;
  unsigned valid = 0;
  for (uint32_t word = 0; word < 1 << 16; word++) {
    if ((word & 3) == 3) continue;
    jv_rv_insn want, found = {.op = JV_RV_INVALID, .bytes = 2};
    unsigned forms = 0;
    for (size_t i = 0; i < HALFWORD_FORMS; i++) {
      if (!read_word(&halfwords[i], &all->halfwords[i], word, &want)) continue;
      found = want;
      forms++;
    }
    assert_true(forms <= 1);
    expect(word, &found);
    valid += forms;
  }
  /* LLVM 19 disassembles 31 more (rv64 with m, a, c and zbb): c.lui with 0, which the manual reserves. */
  assert_int_equal(valid, 38583 - 31);
}

static void what_is_cut_off_or_too_long(void **state) {
  (void)state;
  jv_rv_insn got;
  for (size_t left = 0; left < 2; left++) {
    assert_false(decode(0x4501, left, &got)); /* c.li a0, 0 */
    assert_int_equal(got.op, JV_RV_INVALID);
    assert_int_equal(got.bytes, 0);
  }
  for (size_t left = 0; left < 4; left++) {
    assert_false(decode(0x00000513, left, &got)); /* li a0, 0 */
    assert_int_equal(got.op, JV_RV_INVALID);
    assert_int_equal(got.bytes, 0);
  }
  static const uint16_t longer[] = {0x001f, 0x003f, 0x007f, 0x707f, 0xffff};
  for (size_t i = 0; i < sizeof longer / sizeof *longer; i++) {
    assert_false(decode(longer[i], 8, &got));
    assert_int_equal(got.op, JV_RV_INVALID);
    assert_int_equal(got.bytes, 0);
  }
  assert_true(decode(0x4501, 3, &got));
  assert_int_equal(got.bytes, 2);
  assert_true(decode(0x00000513, 5, &got));
  assert_int_equal(got.bytes, 4);
}

static void reserved_fields_of_our_instructions(void **state) {
  (void)state;
  expect_invalid(0x0000008b, 4); /* ecalli with rd */
  expect_invalid(0x00000f8b, 4);
  expect_invalid(0x0015852b, 4); /* sbrk with rs2 */
  expect_invalid(0x0205852b, 4); /* and with funct7 */
  expect_invalid(0x000010ab, 4); /* unlikely with rd, rs1, rs2, funct7 */
  expect_invalid(0x0000902b, 4);
  expect_invalid(0x0010102b, 4);
  expect_invalid(0x0200102b, 4);
  expect_invalid(0x0000202b, 4); /* another funct3 */
}

static void names(void **state) {
  (void)state;
  static const char *const of_ops[] = {
      "invalid",
#define RV(name, ...) #name,
#include "link/riscv.def"
  };
  for (int op = 0; op < JV_RV_COUNT; op++) {
    char dotted[16];
    size_t length = strlen(of_ops[op]);
    assert_true(length < sizeof dotted);
    for (size_t i = 0; i <= length; i++) dotted[i] = of_ops[op][i] == '_' ? '.' : of_ops[op][i];
    assert_string_equal(jv_rv_name((jv_rv_op)op), dotted);
  }
  assert_string_equal(jv_rv_name(JV_RV_COUNT), "invalid");
  static const char of_registers[] = "zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 "
                                     "s10 s11 t3 t4 t5 t6 ";
  const char *p = of_registers;
  for (unsigned reg = 0; reg < 32; reg++, p = strchr(p, ' ') + 1) {
    const char *name = jv_rv_reg_name(reg);
    assert_memory_equal(name, p, strlen(name));
    assert_int_equal(p[strlen(name)], ' ');
  }
  assert_int_equal(*p, 0);
  assert_string_equal(jv_rv_reg_name(32), "invalid");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(words_of_an_assembler),
      cmocka_unit_test(every_operation_has_one_drawing),
      cmocka_unit_test(every_immediate_of_every_word),
      cmocka_unit_test(every_register_of_every_word),
      cmocka_unit_test(every_word_that_is_no_instruction),
      cmocka_unit_test(every_halfword),
      cmocka_unit_test(what_is_cut_off_or_too_long),
      cmocka_unit_test(reserved_fields_of_our_instructions),
      cmocka_unit_test(names),
  };
  return cmocka_run_group_tests(tests, read_all, free_all);
}
