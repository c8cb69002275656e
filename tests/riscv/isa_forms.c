/* Tests of an instruction by its form: the corner operands, and all ways in which its registers can meet. */
#include <stdio.h>
#include <string.h>

#include "isa_tests.h"

enum { CASES = 96 };

/* Which operands a test takes from memory. */
static const struct {
  const char *name;
  bool left_const, right_const;
} variants[] = {{"const", true, true}, {"left", true, false}, {"right", false, true}, {"memory", false, false}};

/* All operands come up on both sides; over the cases each meets a few others. */
static unsigned left_operand(unsigned i) { return i; }
static unsigned right_operand(unsigned i) { return i * 7 + i / isa_operand_count; }

/* The rest of a test in which a0 and a3 run through all pairs of operands; `insn` sets a4. */
static void all_pairs(const char *name, const char *insn) {
  isa_begin(name, "loop");
  isa_line("  lla s0, operands\n  li s1, %u\n  lla a5, signature\n1:\n  ld a0, 0(s0)\n  lla a1, operands\n  li a2, %u",
           isa_operand_count, isa_operand_count);
  isa_line(
      "2:\n  ld a3, 0(a1)\n  mv a4, a0\n  %s\n  sd a4, 0(a5)\n  addi a5, a5, 8\n  addi a1, a1, 8\n  addi a2, a2, -1",
      insn);
  isa_line("  bnez a2, 2b\n  addi s0, s0, 8\n  addi s1, s1, -1\n  bnez s1, 1b");
  isa_words(isa_operand_count * isa_operand_count);
  isa_end();
}

void isa_three(const char *name) {
  for (unsigned v = 0; v < 4; v++) {
    isa_begin(name, variants[v].name);
    for (unsigned i = 0; i < CASES; i++) {
      isa_regs r = isa_choose(false, true);
      isa_operand(r.rs1, left_operand(i), variants[v].left_const);
      if (!isa_is(r.rs1, r.rs2)) isa_operand(r.rs2, right_operand(i), variants[v].right_const);
      isa_line("  %s %s, %s, %s", name, r.rd, r.rs1, r.rs2);
      if (i % 4 == 3) isa_results(r.rd, r.rs1, r.rs2);
      else isa_result(r.rd);
    }
    isa_end();
  }
  char insn[40];
  snprintf(insn, sizeof insn, "%s a4, a0, a3", name);
  all_pairs(name, insn);
}

void isa_two(const char *name, bool low) {
  for (unsigned v = 0; v < 4; v++) {
    isa_begin(name, variants[v].name);
    for (unsigned i = 0; i < CASES; i++) {
      isa_regs r = isa_choose(low, false);
      isa_operand(r.rd, left_operand(i), variants[v].left_const);
      if (!isa_is(r.rd, r.rs2)) isa_operand(r.rs2, right_operand(i), variants[v].right_const);
      isa_line("  %s %s, %s", name, r.rd, r.rs2);
      if (i % 4 == 3) isa_results(r.rd, r.rs2, r.rs2);
      else isa_result(r.rd);
    }
    isa_end();
  }
  char insn[40];
  snprintf(insn, sizeof insn, "%s a4, a3", name);
  all_pairs(name, insn);
}

void isa_unary(const char *name) {
  for (unsigned v = 0; v < 2; v++) {
    isa_begin(name, v ? "memory" : "const");
    for (unsigned i = 0; i < 2 * isa_operand_count; i++) {
      isa_regs r = isa_choose(false, true);
      isa_operand(r.rs1, i, v == 0);
      isa_line("  %s %s, %s", name, r.rd, r.rs1);
      isa_result(r.rd);
    }
    for (unsigned i = 0; v == 1 && i < 64; i++) { /* one bit, and all from there on */
      for (int one = 0; one < 2; one++) {
        isa_operand("a0", one ? 1 : 3, false);
        isa_line("  slli a0, a0, %u\n  %s a1, a0", i, name);
        isa_result("a1");
      }
    }
    isa_end();
  }
}

void isa_immediate(const char *name) {
  static const int immediates[] = {0,   1,   -1,   2,    -2,    7,      31,   63,    64,   127,   128,
                                   255, 256, -128, -129, 0x555, -0x556, 1024, -1025, 2047, -2047, -2048};
  for (unsigned v = 0; v < 2; v++) {
    isa_begin(name, v ? "memory" : "const");
    for (unsigned i = 0; i < 2 * CASES; i++) {
      isa_regs r = isa_choose(false, true);
      isa_operand(r.rs1, right_operand(i), v == 0);
      isa_line("  %s %s, %s, %d", name, r.rd, r.rs1, immediates[i % (sizeof immediates / sizeof immediates[0])]);
      isa_result(r.rd);
    }
    isa_end();
  }
}

void isa_shift(const char *name, int width) {
  for (unsigned v = 0; v < 2; v++) {
    isa_begin(name, v ? "memory" : "const");
    for (int i = 0; i < 4 * width; i++) {
      isa_regs r = isa_choose(false, true);
      isa_operand(r.rs1, i / width == 0 ? 27 : i / width == 1 ? 3 : (unsigned)i, v == 0);
      isa_line("  %s %s, %s, %d", name, r.rd, r.rs1, i % width);
      isa_result(r.rd);
    }
    isa_end();
  }
}

void isa_compressed_immediate(const char *name, int from, int to, bool low, bool reads_rd, bool with_zero) {
  for (unsigned v = 0; v < (reads_rd ? 2 : 1); v++) {
    isa_begin(name, !reads_rd ? "" : v ? "memory" : "const");
    for (int i = from; i <= to; i++) {
      const char *rd = low ? isa_low_reg() : isa_reg();
      if (i == 0 && !with_zero) continue;
      isa_operand(rd, right_operand((unsigned)(i - from)), v == 0);
      isa_line("  %s %s, %d", name, rd, i);
      isa_result(rd);
    }
    isa_end();
  }
}

/* Loads at all offsets from addresses of all kinds: known from relocations, known as numbers, from memory; around the
 * middle of the pattern; across a page; with the largest offsets; from read-only data. */
void isa_load(const char *name) {
  for (unsigned v = 0; v < 4; v++) {
    static const char *const kinds[] = {"const", "memory", "number", "rodata"};
    isa_begin(name, kinds[v]);
    for (int i = -20; i <= 20; i++) {
      const char *base = isa_reg(), *rd = i % 4 ? isa_other(base, base, base) : base;
      int offset = i == -20 ? -2048 : i == 20 ? 2047 : i;
      unsigned middle = i % 2 ? ISA_PATTERN_BYTES / 2 : 4096;
      if (v == 0) isa_line("  lla %s, pattern+%u", base, middle);
      else if (v == 1) isa_access("ld", base, base, "pattern_pointer", 0);
      else if (v == 2) isa_line("  li %s, 0x%x", base, 0x20000 + middle);
      else isa_line("  lla %s, const_pattern+%u", base, middle);
      if (i == 19) rd = "zero";
      isa_line("  %s %s, %d(%s)", name, rd, offset, base);
      isa_results(rd, base, base);
    }
    for (unsigned i = 0; v != 1 && i < 12; i++) { /* the low half of the address in the load itself */
      const char *rd = isa_reg();
      isa_access(name, rd, rd, v == 3 ? "const_pattern" : "pattern", 4090 + i);
      isa_result(rd);
    }
    isa_end();
  }
}

/* Stores into the signature itself, at all offsets, of all registers and of zero. Every case has four words there. */
void isa_store(const char *name, unsigned bytes) {
  for (unsigned v = 0; v < 4; v++) {
    static const char *const kinds[] = {"const", "memory", "left", "right"};
    bool const_base = v == 0 || v == 2, const_value = v == 0 || v == 3;
    isa_begin(name, kinds[v]);
    for (unsigned i = 0; i < 60; i++) {
      const char *base = isa_reg(), *value = i % 12 == 5 ? base : i % 12 == 7 ? "zero" : isa_other(base, base, base);
      unsigned at = isa_word_count() * 8 + 8 + i % 16;
      int offset = i % 5 == 0 ? -2048 : i % 5 == 1 ? 2047 : (int)(i % 7) - 3;
      if (const_base && i % 3 == 0) isa_line("  li %s, %d", base, 0x30000 + (int)at - offset);
      else if (const_base) isa_line("  lla %s, signature+%d", base, (int)at - offset);
      else {
        const char *temp = isa_other(base, base, base);
        isa_access("ld", base, base, "signature_pointer", 0);
        isa_line("  li %s, %d\n  add %s, %s, %s", temp, (int)at - offset, base, base, temp);
      }
      if (!isa_is(value, base)) isa_operand(value, right_operand(i), const_value);
      isa_line("  %s %s, %d(%s)", name, value, offset, base);
      isa_words(4);
    }
    for (unsigned i = 0; i < 12; i++) { /* the low half of the address in the store itself */
      const char *value = isa_reg();
      isa_operand(value, left_operand(i + 16), const_value);
      isa_access(name, value, isa_other(value, value, value), "signature", isa_word_count() * 8 + i % (17 - bytes));
      isa_words(2);
      isa_result(value);
    }
    isa_end();
  }
}

/* Branches forward and backward, taken and not. A case's result says which way it went. */
void isa_branch(const char *name) {
  for (unsigned v = 0; v < 4; v++) {
    isa_begin(name, variants[v].name);
    for (unsigned i = 0; i < 2 * CASES; i++) {
      isa_regs r = isa_choose(false, true);
      const char *mark = isa_other(r.rs1, r.rs2, "zero");
      unsigned label = isa_label();
      isa_operand(r.rs1, left_operand(i), variants[v].left_const);
      if (!isa_is(r.rs1, r.rs2)) {
        isa_operand(r.rs2, i % 3 ? right_operand(i) : left_operand(i), variants[v].right_const);
      }
      isa_line("  li %s, 1", mark);
      if (i % 2 == 0) {
        isa_line("  %s %s, %s, .Lto_%u\n  ori %s, %s, 2\n.Lto_%u:", name, r.rs1, r.rs2, label, mark, mark, label);
      } else {
        isa_line("  j .Lat_%u\n.Lback_%u:\n  ori %s, %s, 2\n  j .Lend_%u\n.Lat_%u:\n  %s %s, %s, .Lback_%u\n.Lend_%u:",
                 label, label, mark, mark, label, label, name, r.rs1, r.rs2, label, label);
      }
      if (i % 8 == 1) isa_results(mark, r.rs1, r.rs2);
      else isa_result(mark);
    }
    isa_end();
  }
  char insn[80];
  snprintf(insn, sizeof insn, "li a4, 1\n  %s a0, a3, 3f\n  li a4, 2\n3:", name);
  all_pairs(name, insn);
}
