/* The instructions of each group, and tests of those that have a form of their own. */
#include <string.h>

#include "isa_tests.h"

/* A test of handwritten code that appends its own results: lines with `RESULT reg` for a word. It does not use sp. */
static void written(const char *name, const char *variant, const char *text) {
  isa_begin(name, variant);
  while (*text) {
    size_t length = strcspn(text, "\n");
    char reg[8] = "";
    if (strncmp(text, "RESULT ", 7) == 0) {
      memcpy(reg, text + 7, length - 7);
      isa_result_by(reg, isa_is(reg, "sp") ? "s1" : "sp");
    } else {
      isa_line("%.*s", (int)length, text);
    }
    text += length + (text[length] == '\n');
  }
  isa_end();
}

/* ------------------------------------------------------------------------------------------------------------- I */

static void lui(void) {
  static const unsigned immediates[] = {0, 1, 2, 0x7ff, 0x800, 0x7ffff, 0x80000, 0x80001, 0xfffff, 0x12345, 0xabcde};
  isa_begin("lui", "");
  for (unsigned i = 0; i < 44; i++) {
    const char *rd = isa_reg(), *other = isa_reg();
    isa_line("  lui %s, 0x%x", rd, immediates[i % 11]);
    if (i / 11 == 1) isa_line("  addi %s, %s, %d", other, rd, i % 2 ? -2048 : 2047);
    if (i / 11 == 2) isa_line("  addiw %s, %s, %d", other, rd, i % 2 ? -2048 : 2047);
    if (i / 11 == 3) isa_line("  slli %s, %s, 12\n  addi %s, %s, -1", other, rd, other, other);
    isa_results(i / 11 ? other : rd, rd, rd);
  }
  isa_end();
}

/* Addresses of data by auipc: one auipc for several uses, with a branch in between, and to another register. */
static const char auipc_text[] = "1:\n  auipc a0, %pcrel_hi(operands+24)\n  addi a1, a0, %pcrel_lo(1b)\nRESULT a1\n"
                                 "  ld a2, %pcrel_lo(1b)(a0)\nRESULT a2\n  lw a3, %pcrel_lo(1b)(a0)\nRESULT a3\n  addi "
                                 "a0, a0, %pcrel_lo(1b)\nRESULT a0\n"
                                 "2:\n  auipc t0, %pcrel_hi(signature+4000)\n  ld a4, saved_sp\n  beqz a4, 3f\n  addi "
                                 "s0, t0, %pcrel_lo(2b)\nRESULT s0\n"
                                 "  j 4f\n3:\n  addi s0, t0, %pcrel_lo(2b)\n  addi s0, s0, 1\nRESULT s0\n4:\n  li a5, "
                                 "-9\n  sd a5, %pcrel_lo(2b)(t0)\n"
                                 "  ld a1, signature+4000\nRESULT a1\n  sd zero, %pcrel_lo(2b)(t0)\n  lla ra, "
                                 "pattern\nRESULT ra\n  la sp, scratch+8\n"
                                 "RESULT sp\n  lla zero, pattern\nRESULT zero\n  la t1, const_pattern\n  la t2, "
                                 "const_pattern+5\n  sub t1, t2, t1\nRESULT t1\n";

static const char jal_text[] =
    "  li a0, 1\n  jal zero, 1f\n  li a0, 2\n1:\nRESULT a0\n  li a0, 3\n  jal ra, 5f\nRESULT a0\n  jal 5f\nRESULT a0\n"
    "  jal t0, 6f\nRESULT a0\n  call .Lplus\nRESULT a0\n  call t0, .Ldouble\nRESULT a0\n  li s0, 0\n  jal s1, 2f\n2:\n "
    " addi s0, s0, 1\n"
    "  li a1, 2\n  beq s0, a1, 3f\n  jr s1\n3:\nRESULT s0\n  j 9f\n4:\n  li a0, 77\n  j 8f\n5:\n.Lplus:\n  addi a0, "
    "a0, 100\n  ret\n6:\n.Ldouble:\n"
    "  slli a0, a0, 1\n  jr t0\n8:\nRESULT a0\n  jal a2, 7f\nRESULT a0\n  j 10f\n7:\n  addi a0, a0, -7\n  jalr zero, "
    "0(a2)\n"
    "9:\n  j 4b\n10:\n  li a5, 12\nRESULT a5\n";

/* Calls and jumps through registers: addresses from auipc pairs, lui pairs, pointers and jump tables, in data and in
 * read-only data; rd and rs1 the same; functions compared. */
static const char jalr_text[] =
    "  li a0, 5\n  lla t1, 20f\n  jalr t1\nRESULT a0\n  jalr ra, 0(t1)\nRESULT a0\n  lla t0, 21f\n  jalr t0, "
    "0(t0)\nRESULT a0\n"
    "  lui a3, %hi(20f)\n  addi a3, a3, %lo(20f)\n  jalr a3\nRESULT a0\n  lui ra, %hi(20f)\n  jalr ra, "
    "%lo(20f)(ra)\nRESULT a0\n"
    "1:\n  auipc ra, %pcrel_hi(20f)\n  jalr ra, %pcrel_lo(1b)(ra)\nRESULT a0\n  ld s0, .Lpointer_data\n  jalr "
    "s0\nRESULT a0\n"
    "  ld s0, .Lpointer_rodata\n  jalr s0\nRESULT a0\n  lla a4, 20f\n  ld a5, .Lpointer_data\n  sub a4, a4, a5\nRESULT "
    "a4\n"
    "  ld a4, .Lpointer_rodata\n  sub a4, a4, a5\nRESULT a4\n  lla a5, .Lpointer_rodata\n  ld s1, 8(a5)\n  sltu a4, "
    "zero, s1\n"
    "RESULT a4\n"
    "  li s0, 0\n2:\n  li a1, 4\n  bgeu s0, a1, 9f\n  slli a2, s0, 3\n  lla a3, .Ltable64\n  add a3, a3, a2\n  ld a3, "
    "0(a3)\n"
    "  jr a3\n3:\n  addi a0, a0, 1\n  j 8f\n4:\n  addi a0, a0, 2\n  j 8f\n5:\n  slli a0, a0, 3\n  j 8f\n6:\n  xori a0, "
    "a0, -1\n"
    "8:\nRESULT a0\n  addi s0, s0, 1\n  j 2b\n9:\n"
    "  li s0, 0\n12:\n  li a1, 4\n  bgeu s0, a1, 19f\n  slli a2, s0, 2\n  lui a3, %hi(.Ltable32)\n"
    "  addi a3, a3, %lo(.Ltable32)\n  add a3, a3, a2\n  lw a3, 0(a3)\n  jr a3\n13:\n  addi a0, a0, 10\n  j 18f\n14:\n"
    "  addi a0, a0, 20\n  j 18f\n15:\n  slli a0, a0, 1\n  j 18f\n16:\n  xori a0, a0, -1\n18:\nRESULT a0\n  addi s0, "
    "s0, 1\n"
    "  j 12b\n20:\n  addi a0, a0, 100\n  ret\n21:\n  addi a0, a0, 1000\n  jalr t0, 0(t0)\n19:\n"
    "  .pushsection .data\n  .p2align 3\n.Lpointer_data:\n  .dword 20b\n  .popsection\n"
    "  .pushsection .rodata,\"a\"\n  .p2align 3\n.Lpointer_rodata:\n  .dword 20b, 21b\n.Ltable64:\n  .dword 3b, 4b, "
    "5b, 6b\n"
    ".Ltable32:\n  .word 13b, 14b, 15b, 16b\n  .popsection\n";

/* Two constants that are the same from one way and not from the other: what a linker knows has to end at a join. */
static const char join_text[] =
    "  ld a0, operands+8\n  li a1, 5\n  beqz a0, 1f\n  li a1, 6\n1:\nRESULT a1\n  addi a2, a1, 1\nRESULT a2\n  li s0, "
    "3\n"
    "  li s1, 0\n2:\n  add s1, s1, s0\n  addi s0, s0, -1\n  bnez s0, 2b\nRESULT s1\nRESULT s0\n  li t0, 9\n  jal ra, "
    "3f\nRESULT t0\n"
    "  li t0, 10\n  jal ra, 3f\nRESULT t0\n  lla a3, pattern\n  bnez a0, 4f\n  lla a3, operands\n4:\n  lbu a4, "
    "1(a3)\nRESULT a4\n"
    "  li t1, 7\n  lla t2, 3f\n  jalr t2\nRESULT t1\n  j 5f\n3:\n  addi t0, t0, 1\n  addi t1, t1, 1\n  ret\n5:\n";

/* A branch around a jump to which there is another way, a call of a function that only returns. */
static const char around_text[] =
    "  li a0, 0\n  ld a1, operands+8\n  lla a2, 2f\n  bnez a1, 1f\n2:\n  j 3f\n1:\n  addi a0, a0, 1\n  li a3, 4\n"
    "  bgeu a0, a3, 4f\n  jr a2\n3:\n  addi a0, a0, 16\nRESULT a0\n  bnez a0, 4f\n  li a0, 5\n4:\nRESULT a0\n  li a4, "
    "1\n"
    "  jal ra, 5f\n  addi a4, a4, 1\n  jal t0, 6f\n  addi a4, a4, 1\n  call .Lonly_returns\nRESULT a4\n  j 7f\n5:\n"
    ".Lonly_returns:\n  ret\n6:\n  jr t0\n7:\n  li a5, 6\nRESULT a5\n";

static const char nothing_text[] = "  li a0, 1\n  fence\nRESULT a0\n  fence rw, w\nRESULT a0\n  fence.i\n  .insn i "
                                   "0x0f, 0, x0, x0, 16\n  nop\n  addi a0, a0, 0\n  mv a0, a0\nRESULT a0\n"
                                   "  li zero, 5\n  addi zero, a0, 3\nRESULT zero\n";

void isa_group_i(void) {
  static const char *const three[] = {"add", "sub", "sll",  "slt",  "sltu", "xor",  "srl", "sra",
                                      "or",  "and", "addw", "subw", "sllw", "srlw", "sraw"};
  static const char *const immediate[] = {"addi", "slti", "sltiu", "xori", "ori", "andi", "addiw"};
  static const char *const branches[] = {"beq", "bne", "blt", "bge", "bltu", "bgeu"};
  static const char *const loads[] = {"lb", "lbu", "lh", "lhu", "lw", "lwu", "ld"};
  static const char *const stores[] = {"sb", "sh", "sw", "sd"};
  for (unsigned i = 0; i < sizeof three / sizeof three[0]; i++) isa_three(three[i]);
  for (unsigned i = 0; i < sizeof immediate / sizeof immediate[0]; i++) isa_immediate(immediate[i]);
  isa_shift("slli", 64), isa_shift("srli", 64), isa_shift("srai", 64);
  isa_shift("slliw", 32), isa_shift("srliw", 32), isa_shift("sraiw", 32);
  for (unsigned i = 0; i < sizeof branches / sizeof branches[0]; i++) isa_branch(branches[i]);
  for (unsigned i = 0; i < sizeof loads / sizeof loads[0]; i++) isa_load(loads[i]);
  for (unsigned i = 0; i < sizeof stores / sizeof stores[0]; i++) isa_store(stores[i], 1u << i);
  lui();
  written("auipc", "", auipc_text);
  written("jal", "", jal_text);
  written("jalr", "", jalr_text);
  written("join", "", join_text);
  written("around", "", around_text);
  written("nothing", "", nothing_text);
}

/* --------------------------------------------------------------------------------------------------------- M, Zbb */

void isa_group_m(void) {
  static const char *const three[] = {"mul",  "mulh", "mulhsu", "mulhu", "div",  "divu", "rem",
                                      "remu", "mulw", "divw",   "divuw", "remw", "remuw"};
  for (unsigned i = 0; i < sizeof three / sizeof three[0]; i++) isa_three(three[i]);
}

void isa_group_b(void) {
  static const char *const three[] = {"andn", "orn", "xnor", "max",  "maxu", "min",
                                      "minu", "rol", "ror",  "rolw", "rorw"};
  static const char *const unary[] = {"clz",    "clzw",   "ctz",    "ctzw",  "cpop", "cpopw",
                                      "sext.b", "sext.h", "zext.h", "orc.b", "rev8"};
  for (unsigned i = 0; i < sizeof three / sizeof three[0]; i++) isa_three(three[i]);
  for (unsigned i = 0; i < sizeof unary / sizeof unary[0]; i++) isa_unary(unary[i]);
  isa_shift("rori", 64), isa_shift("roriw", 32);
}

/* -------------------------------------------------------------------------------------------------------------- A */

/* One case: memory as `i` says, a pointer to it, a value; rd and what memory then holds are the results. */
static void atomic_case(const char *name, unsigned i, bool is_const, unsigned bytes) {
  static const char *const orders[] = {"", ".aq", ".rl", ".aqrl"};
  const char *base = isa_reg(), *value = i % 11 == 3 ? "zero" : i % 11 == 7 ? base : isa_other(base, base, base);
  const char *rd = i % 5 == 0 ? value : i % 5 == 1 ? base : i % 5 == 2 ? "zero" : isa_reg();
  const char *filled = isa_other(base, base, base);
  unsigned at = isa_word_count() * 8 + (bytes == 4 && i % 2 ? 4 : 0);
  isa_operand(filled, i, is_const);
  isa_access(bytes == 4 ? "sw" : "sd", filled, isa_other(filled, filled, filled), "signature", at);
  if (is_const) isa_line("  lla %s, signature+%u", base, at);
  else isa_line("  ld %s, signature_pointer\n  li %s, %u\n  add %s, %s, %s", base, filled, at, base, base, filled);
  if (!isa_is(value, base)) isa_operand(value, i * 7 + i / isa_operand_count, is_const);
  isa_words(1);
  isa_line("  %s%s %s, %s, (%s)", name, orders[i % 4], rd, value, base);
  isa_results(rd, value, base);
}

/* lr and sc: with rd, the address and the value in the same registers or not; a loop of them. */
static void reserved(const char *width, unsigned bytes) {
  static const char loop_text[] =
      "  lla a1, scratch\n  li a0, 10\n  sd zero, 0(a1)\n1:\n  lr.d a2, (a1)\n  add a3, a2, a0\n"
      "  sc.d a4, a3, (a1)\n  bnez a4, 1b\n  addi a0, a0, -1\n  bnez a0, 1b\n  ld a5, scratch\n"
      "RESULT a5\nRESULT a2\n";
  char lr[8] = "lr.", sc[8] = "sc.";
  strcat(lr, width), strcat(sc, width);
  for (unsigned v = 0; v < 2; v++) {
    isa_begin(lr, v ? "memory" : "const");
    for (unsigned i = 0; i < 60; i++) {
      const char *base = isa_reg(), *old = i % 5 == 1 ? "zero" : isa_other(base, base, base);
      const char *value = i % 5 == 2 ? "zero" : i % 5 == 3 ? base : isa_other(base, old, base);
      const char *rd = i % 4 == 0 ? value : i % 4 == 1 ? base : i % 4 == 2 ? "zero" : isa_reg();
      unsigned at = isa_word_count() * 8 + (bytes == 4 && i % 2 ? 4 : 0);
      const char *filled = isa_other(base, base, base);
      isa_operand(filled, i, v == 0);
      isa_access(bytes == 4 ? "sw" : "sd", filled, isa_other(filled, filled, filled), "signature", at);
      if (v == 0) isa_line("  lla %s, signature+%u", base, at);
      else isa_line("  ld %s, signature_pointer\n  li %s, %u\n  add %s, %s, %s", base, filled, at, base, base, filled);
      isa_words(1);
      if (!isa_is(value, base)) isa_operand(value, i * 11 + 5, v == 0);
      isa_line("  %s %s, (%s)\n  %s %s, %s, (%s)", lr, old, base, sc, rd, value, base);
      isa_results(rd, old, old);
    }
    isa_end();
    isa_begin(lr, v ? "base_memory" : "base_const"); /* rd of lr is its address */
    for (unsigned i = 0; i < 30; i++) {
      const char *base = isa_reg();
      if (v == 0) isa_line("  lla %s, operands+%u", base, 8 * i);
      else isa_line("  ld %s, pattern_pointer\n  addi %s, %s, %u", base, base, base, 8 * i);
      isa_line("  %s %s, (%s)", lr, base, base);
      isa_result(base);
    }
    isa_end();
  }
  if (bytes == 8) written("lr.d", "loop", loop_text);
}

void isa_group_a(void) {
  static const char *const names[] = {"amoswap", "amoadd", "amoxor",  "amoand", "amoor",
                                      "amomin",  "amomax", "amominu", "amomaxu"};
  for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
    for (unsigned bytes = 4; bytes <= 8; bytes += 4) {
      char name[16] = "";
      strcat(strcat(name, names[i]), bytes == 4 ? ".w" : ".d");
      for (unsigned v = 0; v < 2; v++) {
        isa_begin(name, v ? "memory" : "const");
        for (unsigned k = 0; k < 120; k++) atomic_case(name, k, v == 0, bytes);
        isa_end();
      }
    }
  }
  reserved("w", 4), reserved("d", 8);
}

/* -------------------------------------------------------------------------------------------------------------- C */

/* Loads and stores relative to a low register or to sp. */
static void compressed_access(const char *name, bool is_store, bool on_stack, unsigned bytes) {
  for (unsigned v = 0; v < 2; v++) {
    isa_begin(name, v ? "memory" : "const");
    for (unsigned i = 0; i < (on_stack ? 64 : 32); i++) {
      const char *base = on_stack ? "sp" : isa_low_reg();
      const char *r = on_stack ? isa_other("sp", "sp", "sp") : isa_low_reg();
      unsigned from = is_store ? isa_word_count() * 8 : 64 + i % 8;
      if (is_store && isa_is(r, base) && v) r = isa_is(base, "s0") ? "s1" : "s0";
      if (v == 0) isa_line("  lla %s, %s+%d", base, is_store ? "signature" : "pattern", (int)(from - i * bytes));
      else
        isa_line("  ld %s, %s\n  lui t0, %%hi(%d)\n  addiw t0, t0, %%lo(%d)\n  add %s, %s, t0", base,
                 is_store ? "signature_pointer" : "pattern_pointer", (int)(from - i * bytes), (int)(from - i * bytes),
                 base, base);
      if (is_store && !isa_is(r, base)) isa_operand(r, i + 3, v == 0);
      isa_line("  %s %s, %u(%s)", name, r, i * bytes, base);
      if (is_store) isa_words(1);
      else isa_result(r);
    }
    isa_end();
  }
}

static void compressed_branch(const char *name) {
  for (unsigned v = 0; v < 2; v++) {
    isa_begin(name, v ? "memory" : "const");
    for (unsigned i = 0; i < 64; i++) {
      const char *r = isa_low_reg(), *mark = isa_other(r, r, r);
      unsigned label = isa_label();
      isa_operand(r, i % 2 ? 0 : i / 2, v == 0);
      isa_line("  li %s, 1", mark);
      if (i % 4 < 2) isa_line("  %s %s, .Lto_%u\n  ori %s, %s, 2\n.Lto_%u:", name, r, label, mark, mark, label);
      else
        isa_line("  c.j .Lat_%u\n.Lback_%u:\n  ori %s, %s, 2\n  c.j .Lend_%u\n.Lat_%u:\n  %s %s, .Lback_%u\n.Lend_%u:",
                 label, label, mark, mark, label, label, name, r, label, label);
      isa_result(mark);
    }
    isa_end();
  }
}

static void stack_pointer_arithmetic(void) {
  isa_begin("c.addi4spn", "");
  for (unsigned i = 1; i < 256; i += i < 32 ? 1 : 7) {
    const char *rd = isa_low_reg();
    isa_access("ld", "sp", "sp", "operands", 8 * (i % isa_operand_count));
    isa_line("  c.addi4spn %s, sp, %u", rd, 4 * i);
    isa_result(rd);
  }
  isa_end();
  isa_begin("c.addi16sp", "");
  for (int i = -32; i < 32; i++) {
    if (i == 0) continue;
    isa_operand("sp", (unsigned)(i + 32), i % 2);
    isa_line("  c.addi16sp sp, %d", 16 * i);
    isa_result("sp");
  }
  isa_end();
}

static const char compressed_jumps[] = "  li a0, 1\n  c.j 1f\n  li a0, 2\n1:\nRESULT a0\n  lla t0, 5f\n  c.jalr "
                                       "t0\nRESULT a0\n  lla ra, 5f\n  c.jalr ra\nRESULT a0\n"
                                       "  lla a5, 3f\n  c.jr a5\n2:\n  li a0, 9\n3:\nRESULT a0\n  c.nop\n  c.nop 5\n  "
                                       "c.j 6f\n4:\n  li a1, 4\n  c.j 7f\n5:\n"
                                       "  addi a0, a0, 50\n  c.jr ra\n6:\n  c.j 4b\n7:\nRESULT a1\n";

void isa_group_c(void) {
  static const char *const low_two[] = {"c.sub", "c.xor", "c.or", "c.and", "c.subw", "c.addw"};
  for (unsigned i = 0; i < sizeof low_two / sizeof low_two[0]; i++) isa_two(low_two[i], true);
  isa_two("c.add", false), isa_two("c.mv", false);
  isa_compressed_immediate("c.addi", -32, 31, false, true, false);
  isa_compressed_immediate("c.addiw", -32, 31, false, true, true);
  isa_compressed_immediate("c.li", -32, 31, false, false, true);
  isa_compressed_immediate("c.slli", 1, 63, false, true, false);
  isa_compressed_immediate("c.srli", 1, 63, true, true, false);
  isa_compressed_immediate("c.srai", 1, 63, true, true, false);
  isa_compressed_immediate("c.andi", -32, 31, true, true, true);
  isa_begin("c.lui", "");
  for (unsigned i = 1; i < 64; i++) {
    const char *rd = isa_other("sp", "sp", "sp");
    isa_line("  c.lui %s, 0x%x", rd, i < 32 ? i : 0xfffc0 + i);
    isa_result(rd);
  }
  isa_end();
  compressed_access("c.lw", false, false, 4), compressed_access("c.ld", false, false, 8);
  compressed_access("c.lwsp", false, true, 4), compressed_access("c.ldsp", false, true, 8);
  compressed_access("c.sw", true, false, 4), compressed_access("c.sd", true, false, 8);
  compressed_access("c.swsp", true, true, 4), compressed_access("c.sdsp", true, true, 8);
  compressed_branch("c.beqz"), compressed_branch("c.bnez");
  stack_pointer_arithmetic();
  written("c.j", "", compressed_jumps);
}

/* ----------------------------------------------------------------------------------- ours, and ends of a run */

/* All registers but the results of an operation are kept by it. `write` (64) of nothing answers 0. */
static const char operations_text[] =
    "  li ra, 11\n  li t0, 12\n  li t1, 13\n  li t2, 14\n  li s0, 15\n  li s1, 16\n  li a0, 1\n  lla a1, operands\n  "
    "li a2, 0\n"
    "  li a3, 17\n  li a4, 18\n  li a5, 19\n  .insn u 0x0b, x0, 64\nRESULT ra\nRESULT t0\nRESULT t1\nRESULT t2\nRESULT "
    "s0\n"
    "RESULT s1\nRESULT a0\nRESULT a1\nRESULT a2\nRESULT a3\nRESULT a4\nRESULT a5\n  li a0, 2\n  lla a1, pattern\n  li "
    "a2, 30\n"
    "  li a4, 64\n  ecall\nRESULT a0\nRESULT a4\n  li a0, 7\n  ld a4, operands+64\n  ecall\nRESULT a0\n"
    "  li a0, 1\n  .insn u 0x0b, x0, 64\nRESULT a0\n";

static const char heap_text[] =
    "  .insn r 0x2b, 0, 0, a0, zero, x0\n  li a1, 4096\n  .insn r 0x2b, 0, 0, a2, a1, x0\n  sub a3, a2, a0\nRESULT a3\n"
    "  sd a1, 0(a2)\n  ld a4, 8(a2)\nRESULT a4\n  ld a4, 0(a0)\nRESULT a4\n  li a1, 12\n  .insn r 0x2b, 0, 0, a1, a1, "
    "x0\n"
    "  sub a1, a1, a0\nRESULT a1\n  .insn r 0x2b, 0, 0, a1, zero, x0\n  sub a1, a1, a0\nRESULT a1\n  li a1, -1\n"
    "  .insn r 0x2b, 0, 0, a5, a1, x0\nRESULT a5\n  .insn r 0x2b, 0, 0, zero, zero, x0\n"
    "  li a1, 4096\n  .insn r 0x2b, 0, 0, a5, a1, x0\n  li a5, 3\n  slli a1, a1, 1\n  add a1, a1, a0\n  sd a5, 0(a1)\n"
    "  ld a5, 0(a1)\nRESULT a5\n"
    "  .globl __javm_heap_size\n  .set __javm_heap_size, 16384\n";

static const char unlikely_text[] =
    "  ld a0, operands+8\n  beqz a0, 1f\n  .insn r 0x2b, 1, 0, x0, x0, x0\n  li a0, 4\n1:\nRESULT a0\n"
    "  .insn r 0x2b, 1, 0, x0, x0, x0\nRESULT a0\n";

void isa_group_own(void) {
  written("operations", "", operations_text);
  written("sbrk", "", heap_text);
  written("unlikely", "", unlikely_text);
}

void isa_group_trap(void) {
  static const char *const texts[][2] = {{"ebreak", "  ebreak\n"},
                                         {"c.ebreak", "  .option rvc\n  c.ebreak\n  .option norvc\n"},
                                         {"unimp", "  unimp\n"},
                                         {"c.unimp", "  .option rvc\n  c.unimp\n  .option norvc\n"},
                                         {"load", "  lb a0, 0(zero)\n"},
                                         {"load_unused", "  li a0, 0x8000\n  ld zero, 0(a0)\n"},
                                         {"store", "  lla a0, test_table\n  sd a0, 0(a0)\n"},
                                         {"store_low", "  sd zero, 16(zero)\n"},
                                         {"load_code", "  lla a0, operands\n  lui a1, 0x200\n  lw a0, 0(a1)\n"},
                                         {"operation", "  .insn u 0x0b, x0, 63\n"},
                                         {"jump", "  li a0, 0x20000\n  jr a0\n"}};
  for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) written(texts[i][0], "", texts[i][1]);
}
