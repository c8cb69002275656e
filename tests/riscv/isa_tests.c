/*
 * isa_tests GROUP [--names]: prints an assembly file with tests of every instruction of I, M, A, C or Zbb (group b;
 * `own`: of those that this machine adds; `trap`: of those that end a run), in the style of the RISC-V architecture
 * tests, or the names of its tests, one a line. Test n is entry n of `test_table`: a function that writes 64-bit words,
 * its signature, to the symbol `signature`, and returns a checksum of them; its number of words is entry n of
 * `test_words`. Endpoint 0 and the ELF entry, `run_test`, call test a0.
 *
 * Most instructions have several tests, by where their operands come from: `const` (li, so that a linker may fold
 * them), `memory` (writable data, so that it can't), `left` and `right` (that operand is constant), `loop` (all pairs
 * of operands, in a loop).
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "isa_tests.h"

static const char *const regs[] = {"ra", "sp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5"};
enum { REGS = sizeof regs / sizeof regs[0], FIRST_LOW = 5 /* s0: from here on also in compressed instructions */ };

const uint64_t isa_operands[] = {0,
                                 1,
                                 2,
                                 UINT64_MAX,
                                 UINT64_MAX - 1,
                                 31,
                                 32,
                                 63,
                                 64,
                                 0x7f,
                                 0x80,
                                 0xff,
                                 0x7fff,
                                 0x8000,
                                 0xffff,
                                 0x7fffffff,
                                 0x80000000,
                                 0xffffffff,
                                 0x100000000,
                                 0xffffffff80000000,
                                 0xffffffff7fffffff,
                                 0x7fffffffffffffff,
                                 0x8000000000000000,
                                 0x8000000000000001,
                                 0x5555555555555555,
                                 0xaaaaaaaaaaaaaaaa,
                                 0x0123456789abcdef,
                                 0xfedcba9876543210,
                                 0x00ff00ff00ff0000,
                                 0xffffffffffff8000};
const unsigned isa_operand_count = sizeof isa_operands / sizeof isa_operands[0];

static bool names_only;
static unsigned test_count, case_count, label_count, words;
static unsigned words_of[1000];
static uint64_t random_state;

/* ------------------------------------------------------------------------------------------------------ printing */

void isa_line(const char *format, ...) {
  va_list args;
  if (names_only) return;
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  putchar('\n');
}

unsigned isa_random(unsigned below) {
  uint64_t z = random_state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return (unsigned)((z ^ z >> 31) % below);
}

void isa_begin(const char *instruction, const char *variant) {
  if (names_only) printf("%s%s%s\n", instruction, *variant ? "." : "", variant);
  words = 0;
  case_count = 0;
  random_state = test_count;
  isa_line("\n  .p2align 2\ntest_%u: # %s %s", test_count, instruction, variant);
  isa_line("  addi sp, sp, -32\n  sd ra, 0(sp)\n  sd s0, 8(sp)\n  sd s1, 16(sp)");
  isa_line("  lui t0, %%hi(saved_sp)\n  sd sp, %%lo(saved_sp)(t0)");
}

void isa_end(void) {
  isa_line("  lui t0, %%hi(saved_sp)\n  ld sp, %%lo(saved_sp)(t0)");
  isa_line("  ld ra, 0(sp)\n  ld s0, 8(sp)\n  ld s1, 16(sp)\n  addi sp, sp, 32");
  isa_line("  li a0, %u\n  tail finish", words);
  if (words * 8 > ISA_SIGNATURE_BYTES) abort();
  words_of[test_count++] = words;
}

void isa_words(unsigned count) { words += count; }
unsigned isa_word_count(void) { return words; }
unsigned isa_label(void) { return label_count++; }

/* ----------------------------------------------------------------------------------------------------- registers */

const char *isa_reg(void) { return regs[isa_random(REGS)]; }
const char *isa_low_reg(void) { return regs[FIRST_LOW + isa_random(REGS - FIRST_LOW)]; }

const char *isa_other(const char *a, const char *b, const char *c) {
  const char *r;
  do r = isa_reg();
  while (strcmp(r, a) == 0 || strcmp(r, b) == 0 || strcmp(r, c) == 0);
  return r;
}

/* How the registers of an instruction meet: each way in turn. */
isa_regs isa_choose(bool low_only, bool with_zero) {
  isa_regs r = {low_only ? isa_low_reg() : isa_reg(), low_only ? isa_low_reg() : isa_reg(),
                low_only ? isa_low_reg() : isa_reg()};
  switch (case_count % 8) {
    case 0: r.rd = r.rs1; break;
    case 1: r.rd = r.rs2; break;
    case 2: r.rs2 = r.rs1; break;
    case 3: r.rd = r.rs2 = r.rs1; break;
    default: break;
  }
  if (with_zero) {
    switch (case_count % 24) {
      case 4: r.rd = "zero"; break;
      case 12: r.rs1 = "zero"; break;
      case 20: r.rs2 = "zero"; break;
      case 7: r.rs1 = r.rs2 = "zero"; break;
      default: break;
    }
  }
  return r;
}

bool isa_is(const char *a, const char *b) { return strcmp(a, b) == 0; }

/* ------------------------------------------------------------------------------------------- operands and results */

/* A register's load or store at a symbol, in the three ways in which compilers write it; `temp` may be the register of
 * a load. */
void isa_access(const char *insn, const char *reg, const char *temp, const char *symbol, unsigned offset) {
  unsigned label;
  switch (case_count % 3) {
    case 0:
      isa_line("  lui %s, %%hi(%s+%u)\n  %s %s, %%lo(%s+%u)(%s)", temp, symbol, offset, insn, reg, symbol, offset,
               temp);
      break;
    case 1: isa_line("  lla %s, %s+%u\n  %s %s, 0(%s)", temp, symbol, offset, insn, reg, temp); break;
    default:
      label = isa_label();
      isa_line(".Lpcrel_%u:\n  auipc %s, %%pcrel_hi(%s+%u)\n  %s %s, %%pcrel_lo(.Lpcrel_%u)(%s)", label, temp, symbol,
               offset, insn, reg, label, temp);
      break;
  }
}

void isa_operand(const char *reg, unsigned index, bool is_const) {
  if (isa_is(reg, "zero")) return;
  if (is_const) isa_line("  li %s, 0x%" PRIx64, reg, isa_operands[index % isa_operand_count]);
  else isa_access("ld", reg, reg, "operands", 8 * (index % isa_operand_count));
}

void isa_results(const char *a, const char *b, const char *c) {
  const char *r[] = {a, b, c}, *temp = isa_other(a, b, c);
  for (unsigned i = 0; i < 3; i++) {
    if (i == 0 || (!isa_is(r[i], a) && !(i == 2 && isa_is(c, b))))
      isa_access("sd", r[i], temp, "signature", 8 * words++);
  }
  case_count++;
}

void isa_result_by(const char *reg, const char *temp) {
  isa_access("sd", reg, temp, "signature", 8 * words++);
  case_count++;
}

void isa_result(const char *reg) { isa_results(reg, reg, reg); }

/* ---------------------------------------------------------------------------------------------------------- files */

static void print_tables(void) {
  isa_line(
      "\n# Calls test a0.\n  .globl run_test\nrun_test:\n  slli a0, a0, 3\n  lla t0, test_table\n  add t0, t0, a0");
  isa_line("  ld t0, 0(t0)\n  jr t0");
  isa_line(
      "\n# The checksum of a0 words.\nfinish:\n  lla a1, signature\n  li a2, 0\n  beqz a0, 2f\n1:\n  ld a3, 0(a1)");
  isa_line("  slli a4, a2, 5\n  sub a2, a4, a2\n  add a2, a2, a3\n  addi a1, a1, 8\n  addi a0, a0, -1\n  bnez a0, 1b");
  isa_line("2:\n  mv a0, a2\n  ret");
  isa_line("\n  .data\n  .p2align 3\n  .globl pattern, operands\npattern: # the first thing here");
  for (unsigned i = 0; i < ISA_PATTERN_BYTES; i++) isa_line("  .byte %u", (i * 73 + 40) & 255);
  isa_line("operands:");
  for (unsigned i = 0; i < isa_operand_count; i++) isa_line("  .dword 0x%" PRIx64, isa_operands[i]);
  isa_line("pattern_pointer:\n  .dword pattern+%u", ISA_PATTERN_BYTES / 2);
  isa_line("signature_pointer:\n  .dword signature\nscratch_pointer:\n  .dword scratch");
  isa_line("\n  .section .rodata,\"a\"\n  .p2align 3\n  .globl test_table, test_words\nconst_pattern:");
  for (unsigned i = 0; i < ISA_PATTERN_BYTES; i++) isa_line("  .byte %u", (i * 73 + 41) & 255);
  isa_line("test_table:");
  for (unsigned i = 0; i < test_count; i++) isa_line("  .dword test_%u", i);
  isa_line("test_words:");
  for (unsigned i = 0; i < test_count; i++) isa_line("  .dword %u", words_of[i]);
  isa_line("  .dword -1");
  isa_line("\n  .bss\n  .p2align 4\n  .globl signature\nsignature:\n  .space %u", ISA_SIGNATURE_BYTES);
  isa_line("scratch:\n  .space %u\nsaved_sp:\n  .space 8", ISA_SCRATCH_BYTES);
  isa_line("\n  .section .javm.meta,\"aR\",@progbits\n  .p2align 3\n  .word 1, 0\n  .dword run_test, 0\n  .word 1, 0");
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*print)(void);
  } groups[] = {{"i", isa_group_i}, {"m", isa_group_m},     {"a", isa_group_a},      {"c", isa_group_c},
                {"b", isa_group_b}, {"own", isa_group_own}, {"trap", isa_group_trap}};
  names_only = argc == 3 && strcmp(argv[2], "--names") == 0;
  for (size_t i = 0; argc > 1 && i < sizeof groups / sizeof groups[0]; i++) {
    if (strcmp(argv[1], groups[i].name) != 0) continue;
    isa_line("# Made by tests/riscv/isa_tests.c.\n  .text");
    if (strcmp(argv[1], "c") != 0) isa_line("  .option norvc");
    groups[i].print();
    print_tables();
    return 0;
  }
  return fprintf(stderr, "usage: isa_tests i|m|a|c|b|own|trap [--names]\n"), 2;
}
