/*
 * rv_random SEED COUNT: prints an assembly file with COUNT random programs of RV64E IMAC_Zbb, to be run by the linker
 * and by the simulator. run_test, endpoint 0 and the ELF entry, runs program a0: it fills the registers, runs a few
 * blocks of random instructions that end in branches, loops, calls, jumps through tables and pointers, and leaves all
 * registers and what it did to memory in `scratch`, of which it returns a checksum.
 *
 * Three registers, others in each program, have a part: `base` points into scratch, `fuel` bounds the loops, `code`
 * alone holds code addresses, which differ between the two sides.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../fuzz/rng.h"

static const char *const regs[] = {"ra", "sp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5"};
enum { REGS = 13, SCRATCH_BYTES = 4096, MIDDLE = 1024, STATE = 2048, CONSTS = 32, BLOCKS_MAX = 12, SUBS_MAX = 4 };

static rng r;
static unsigned program, labels, base, fuel, code, last; /* last: the register written last */
static unsigned block_count, sub_count;

#define PICK(array) (array)[rng_below(&r, sizeof(array) / sizeof(array)[0])]

/* ----------------------------------------------------------------------------------------------------- operands */

/* A register to write. */
static const char *to(void) {
  unsigned n;
  do n = rng_below(&r, REGS);
  while (n == base || n == fuel || n == code);
  last = n;
  return regs[n];
}

static const char *to_but(const char *other) {
  const char *n;
  do n = to();
  while (strcmp(n, other) == 0);
  return n;
}

/* A register to read: often what was written last, so that values are used. */
static const char *from(void) {
  unsigned n = rng_below(&r, REGS);
  if (rng_once_in(&r, 12)) return "zero";
  return n == code || rng_once_in(&r, 3) ? regs[last] : regs[n];
}

static int immediate(void) {
  static const int edges[] = {0, 1, -1, 2, 7, 8, 31, 32, 63, 127, 255, -256, 1024, 2047, -2047, -2048};
  return rng_once_in(&r, 2) ? PICK(edges) : (int)rng_below(&r, 4096) - 2048;
}

static void constant(const char *reg) { printf("  li %s, 0x%" PRIx64 "\n", reg, rng_edge(&r)); }

/* ---------------------------------------------------------------------------------------------------- instructions */

static void arithmetic(void) {
  static const char *const three[] = {
      "add",  "sub",   "sll",  "slt",   "sltu", "xor",   "srl",    "sra",  "or",  "and",  "addw", "subw",
      "sllw", "srlw",  "sraw", "mul",   "mulh", "mulhu", "mulhsu", "mulw", "div", "divu", "rem",  "remu",
      "divw", "divuw", "remw", "remuw", "andn", "orn",   "xnor",   "min",  "max", "minu", "maxu", "rol",
      "ror",  "rolw",  "rorw", "add",   "add",  "sub",   "and",    "or",   "xor", "sltu", "addw", "subw"};
  static const char *const two[] = {"clz",    "ctz",    "cpop",   "clzw",  "ctzw", "cpopw", "sext.b",
                                    "sext.h", "zext.h", "sext.w", "orc.b", "rev8", "not",   "neg",
                                    "negw",   "seqz",   "snez",   "sltz",  "sgtz", "mv",    "zext.b"};
  static const char *const immediates[] = {"addi", "addi", "addi", "slti",  "sltiu",
                                           "xori", "ori",  "andi", "addiw", "addiw"};
  static const char *const shifts[] = {"slli", "srli", "srai", "rori"}, *const words[] = {"slliw", "srliw", "sraiw",
                                                                                          "roriw"};
  const char *a = from(), *b = from();
  switch (rng_below(&r, 8)) {
    case 0: printf("  %s %s, %s\n", PICK(two), to(), a); break;
    case 1:
    case 2: printf("  %s %s, %s, %d\n", PICK(immediates), to(), a, immediate()); break;
    case 3: printf("  %s %s, %s, %u\n", PICK(shifts), to(), a, rng_below(&r, 64)); break;
    case 4: printf("  %s %s, %s, %u\n", PICK(words), to(), a, rng_below(&r, 32)); break;
    case 5: /* on itself, which has a compressed form more often */
      a = to();
      printf("  %s %s, %s, %s\n", PICK(three), a, a, b);
      break;
    default: printf("  %s %s, %s, %s\n", PICK(three), to(), a, b); break;
  }
}

/* What compilers write in several instructions, and a linker may make one of. */
static void idiom(void) {
  const char *a = from(), *x, *y;
  unsigned by = rng_below(&r, 64);
  switch (rng_below(&r, 9)) {
    case 0: /* zero and sign extension */
      x = to();
      printf("  slli %s, %s, %u\n  %s %s, %s, %u\n", x, a, by, rng_once_in(&r, 2) ? "srli" : "srai", x, x,
             rng_once_in(&r, 2) ? by : rng_below(&r, 64));
      break;
    case 1: /* lui and addi(w), apart or not */
      x = to();
      printf("  lui %s, 0x%x\n", x, rng_below(&r, 1u << 20));
      if (rng_once_in(&r, 3)) arithmetic();
      printf("  %s %s, %s, %d\n", rng_once_in(&r, 2) ? "addi" : "addiw", rng_once_in(&r, 3) ? to() : x, x, immediate());
      break;
    case 2: /* an operand that is constant */
      x = to();
      constant(x);
      y = to();
      printf("  %s %s, %s, %s\n", rng_once_in(&r, 2) ? "add" : "and", y, rng_once_in(&r, 2) ? x : a,
             rng_once_in(&r, 2) ? x : a);
      break;
    case 3: /* 128-bit addition */
      x = to(), y = to_but(x);
      printf("  add %s, %s, %s\n  sltu %s, %s, %s\n", x, x, a, y, x, a);
      break;
    case 4: /* an array's element */
      x = to();
      printf("  andi %s, %s, 15\n  slli %s, %s, 3\n  add %s, %s, %s\n  ld %s, 0(%s)\n", x, a, x, x, x, x, regs[base],
             rng_once_in(&r, 2) ? x : to_but(x), x);
      break;
    case 5: /* select */
      x = to();
      printf("  %s %s, .Lskip%u\n  %s %s, %s\n.Lskip%u:\n", rng_once_in(&r, 2) ? "beqz" : "bnez", a, labels,
             rng_once_in(&r, 2) ? "mv" : "neg", x, from(), labels);
      labels++;
      break;
    case 7: /* a comparison whose operand changes before the branch on it, and which nobody needs behind that */
      x = to(), y = to_but(x);
      printf("  %s %s, %s, %s\n  addi %s, %s, %d\n", rng_once_in(&r, 2) ? "sltu" : "slt", x, y, a, y, y, immediate());
      printf("  %s %s, .Lskip%u\n  xori %s, %s, %d\n.Lskip%u:\n", rng_once_in(&r, 2) ? "beqz" : "bnez", x, labels, y, y,
             immediate(), labels);
      labels++;
      constant(x);
      break;
    default:
      x = to();
      printf("  mv %s, %s\n  %s %s, %s, %d\n", x, a, rng_once_in(&r, 2) ? "addi" : "xori", x, x, immediate());
      break;
  }
}

static const char *const loads[] = {"lb", "lbu", "lh", "lhu", "lw", "lwu", "ld", "ld", "lw"};
static const char *const stores[] = {"sb", "sh", "sw", "sd", "sd", "sw"};
static const char *const accesses[] = {"lb", "lhu", "lw", "ld", "sb", "sh", "sw", "sd"};

static void access_base(void) {
  int offset = (int)rng_below(&r, 2040) - MIDDLE;
  if (rng_once_in(&r, 2)) offset &= -8;
  if (rng_once_in(&r, 2)) printf("  %s %s, %d(%s)\n", PICK(loads), to(), offset, regs[base]);
  else printf("  %s %s, %d(%s)\n", PICK(stores), from(), offset, regs[base]);
}

/* By symbol: lui and auipc pairs, one address for two accesses, read-only data. */
static void access_symbol(void) {
  unsigned offset = rng_below(&r, 2040) & ~7u, offset2 = rng_below(&r, 2040) & ~7u;
  const char *value = from(), *x = to();
  switch (rng_below(&r, 7)) {
    case 5: /* an element of an array, the low half of the address in the access */
    case 6:
      printf("  andi %s, %s, 248\n", x, value);
      value = to_but(x);
      if (rng_once_in(&r, 2)) {
        printf("  lui %s, %%hi(scratch+%u)\n  add %s, %s, %s\n", value, offset, x, x, value);
        printf("  %s %s, %%lo(scratch+%u)(%s)\n", PICK(accesses), to_but(x), offset, x);
      } else {
        printf(".Lpc%u:\n  auipc %s, %%pcrel_hi(scratch+%u)\n  add %s, %s, %s\n", labels, value, offset, x, x, value);
        printf("  %s %s, %%pcrel_lo(.Lpc%u)(%s)\n", PICK(accesses), to_but(x), labels, x);
        constant(value), constant(x); /* what the auipc gave depends on where the code is */
        labels++;
      }
      break;
    case 0:
      printf("  lui %s, %%hi(scratch+%u)\n  %s %s, %%lo(scratch+%u)(%s)\n", x, offset, PICK(loads), x, offset, x);
      break;
    case 1:
      if (strcmp(value, x) == 0) value = "zero";
      printf("  lui %s, %%hi(scratch+%u)\n  %s %s, %%lo(scratch+%u)(%s)\n", x, offset, PICK(stores), value, offset, x);
      if (rng_once_in(&r, 2)) arithmetic(), last = base; /* may overwrite x: then the next access starts anew */
      printf("  lui %s, %%hi(scratch)\n  %s %s, %%lo(scratch+%u)(%s)\n", x, PICK(stores), value, offset2, x);
      printf("  %s %s, %%lo(scratch+%u)(%s)\n", PICK(loads), x, offset, x);
      break;
    case 2:
      printf(".Lpc%u:\n  auipc %s, %%pcrel_hi(scratch+%u)\n  %s %s, %%pcrel_lo(.Lpc%u)(%s)\n", labels, x, offset,
             PICK(loads), rng_once_in(&r, 2) ? x : to_but(x), labels, x);
      labels++;
      break;
    case 3: printf("  lla %s, scratch+%u\n  sd %s, 0(%s)\n", x, offset, value, x); break;
    default:
      printf("  lui %s, %%hi(consts+%u)\n  %s %s, %%lo(consts+%u)(%s)\n", x, offset % 248, PICK(loads), x, offset % 248,
             x);
  }
}

static void atomic(void) {
  static const char *const names[] = {"amoswap", "amoadd", "amoxor",  "amoand", "amoor",
                                      "amomin",  "amomax", "amominu", "amomaxu"};
  static const char *const widths[] = {"w", "d"}, *const orders[] = {"", ".aq", ".rl", ".aqrl"};
  const char *value = from(), *address = to(), *width = PICK(widths);
  printf("  addi %s, %s, %d\n", address, regs[base], (int)rng_below(&r, 127) * 8 - 512);
  if (rng_once_in(&r, 4)) {
    const char *old = to_but(address);
    printf("  lr.%s %s, (%s)\n  sc.%s %s, %s, (%s)\n", width, old, address, width, to(), value, address);
  } else {
    printf("  %s.%s%s %s, %s, (%s)\n", PICK(names), width, PICK(orders), rng_once_in(&r, 6) ? "zero" : to(), value,
           address);
  }
}

/* Writes a few bytes of scratch to the host, or to a file that is not there. */
static void write_operation(void) {
  static const unsigned parts[] = {7, 8, 9, 11}; /* a0, a1, a2, a4 */
  for (unsigned i = 0; i < 4; i++) {
    if (parts[i] == base || parts[i] == fuel || parts[i] == code) return;
  }
  printf("  li a0, %u\n  lla a1, scratch+%u\n  li a2, %u\n", 1 + rng_below(&r, 3), rng_below(&r, 1000),
         rng_below(&r, 40));
  if (rng_once_in(&r, 2)) printf("  .insn u 0x0b, x0, 64\n");
  else printf("  li a4, 64\n  ecall\n");
  last = 7;
}

static void some_instructions(unsigned count) {
  for (; count > 0; count--) {
    switch (rng_below(&r, 16)) {
      case 0:
      case 1: idiom(); break;
      case 2: constant(to()); break;
      case 3:
      case 4: access_base(); break;
      case 5: access_symbol(); break;
      case 6:
        if (rng_once_in(&r, 3)) atomic();
        else if (rng_once_in(&r, 6)) write_operation();
        break;
      default: arithmetic(); break;
    }
  }
}

/* --------------------------------------------------------------------------------------------------------- control */

/* A branch on what registers hold, in one of the ways that compilers compare. */
static void branch(const char *target) {
  static const char *const two[] = {"beq", "bne", "blt", "bge", "bltu", "bgeu"};
  static const char *const one[] = {"beqz", "bnez", "bltz", "bgez", "blez", "bgtz"};
  static const char *const compare[] = {"slt", "sltu", "xor", "sub", "and"}, *const compare_immediate[] = {
                                                                                 "slti", "sltiu", "andi"};
  const char *a = from(), *b = from(), *x;
  switch (rng_below(&r, 6)) {
    case 0: printf("  %s %s, %s\n", PICK(one), a, target); break;
    case 1:
      x = to();
      printf("  %s %s, %s, %s\n  %s %s, %s\n", PICK(compare), x, a, b, rng_once_in(&r, 2) ? "beqz" : "bnez", x, target);
      break;
    case 2:
      x = to();
      printf("  %s %s, %s, %d\n  %s %s, %s\n", PICK(compare_immediate), x, a, immediate(),
             rng_once_in(&r, 2) ? "beqz" : "bnez", x, target);
      break;
    case 3:
      x = to();
      printf("  li %s, %d\n  %s %s, %s, %s\n", x, immediate(), PICK(two), rng_once_in(&r, 2) ? x : a,
             rng_once_in(&r, 2) ? x : b, target);
      break;
    default: printf("  %s %s, %s, %s\n", PICK(two), a, b, target); break;
  }
}

static void burn(void) {
  printf("  addi %s, %s, -1\n  bltz %s, .Lexit%u\n", regs[fuel], regs[fuel], regs[fuel], program);
}

static void jump_by_table(void) {
  unsigned table = labels++, entries = 2 + rng_below(&r, 5);
  bool wide = rng_once_in(&r, 2);
  const char *index = to(), *c = regs[code], *t = to_but(index);
  burn();
  printf("  andi %s, %s, 7\n  li %s, %u\n  bgeu %s, %s, .Lafter%u\n", index, index, t, entries, index, t, table);
  printf("  slli %s, %s, %d\n", c, index, wide ? 3 : 2);
  if (rng_once_in(&r, 2)) printf("  lui %s, %%hi(.Ltable%u)\n  addi %s, %s, %%lo(.Ltable%u)\n", t, table, t, t, table);
  else printf("  lla %s, .Ltable%u\n", t, table);
  printf("  add %s, %s, %s\n  %s %s, 0(%s)\n  jr %s\n", c, c, t, wide ? "ld" : "lw", c, c, c);
  printf("  .pushsection .rodata,\"a\"\n  .p2align 3\n.Ltable%u:\n", table);
  for (unsigned i = 0; i < entries; i++) {
    printf("  .%s .Lblock%u_%u\n", wide ? "dword" : "word", program, rng_below(&r, block_count));
  }
  printf("  .popsection\n.Lafter%u:\n", table);
}

static void call(unsigned from_sub) {
  const char *c = regs[code];
  unsigned target = from_sub + rng_below(&r, sub_count - from_sub);
  switch (rng_below(&r, 5)) {
    case 0: printf("  lla %s, .Lsub%u_%u\n  jalr %s, 0(%s)\n", c, program, target, c, c); break;
    case 1:
      printf("  lui %s, %%hi(.Lsub%u_%u)\n  jalr %s, %%lo(.Lsub%u_%u)(%s)\n", c, program, target, c, program, target,
             c);
      break;
    case 2:
      printf("  lui %s, %%hi(.Lpointer%u_%u)\n  ld %s, %%lo(.Lpointer%u_%u)(%s)\n", c, program, target, c, program,
             target, c);
      printf("  jalr %s, 0(%s)\n", c, c);
      break;
    case 3: printf("  call %s, .Lsub%u_%u\n", c, program, target); break;
    default: printf("  jal %s, .Lsub%u_%u\n", c, program, target); break;
  }
}

static void end_of_block(unsigned block) {
  char target[40];
  unsigned later = block + 1 + rng_below(&r, block_count - block), earlier = rng_below(&r, block + 1);
  switch (rng_below(&r, 10)) {
    case 9: /* a branch around a jump that has a way of its own to it */
      printf("  beq %s, %s, .Lmiddle%u\n  bne %s, %s, .Lover%u\n", from(), from(), labels, from(), from(), labels);
      printf(".Lmiddle%u:\n  j .Lblock%u_%u\n.Lover%u:\n", labels, program, later, labels);
      labels++;
      break;
    case 0: break;
    case 1:
    case 2:
    case 3:
      snprintf(target, sizeof target, ".Lblock%u_%u", program, later);
      branch(target);
      break;
    case 4: printf("  j .Lblock%u_%u\n", program, later); break;
    case 5:
    case 6:
      burn();
      snprintf(target, sizeof target, ".Lblock%u_%u", program, earlier);
      branch(target);
      break;
    case 7: jump_by_table(); break;
    default:
      if (sub_count > 0) call(0);
      break;
  }
}

/* A function that is called through `code`; it may call later ones, and then keeps `code` in memory. */
static void print_sub(unsigned sub) {
  char target[40];
  printf(".Lsub%u_%u:\n", program, sub);
  some_instructions(1 + rng_below(&r, 6));
  if (rng_once_in(&r, 2)) {
    unsigned label = labels++;
    snprintf(target, sizeof target, ".Lreturn%u", label);
    branch(target);
    some_instructions(1 + rng_below(&r, 5));
    printf(".Lreturn%u:\n", label);
  }
  if (sub + 1 < sub_count && rng_once_in(&r, 2)) {
    if (rng_once_in(&r, 3)) {
      printf("  j .Lsub%u_%u\n", program, sub + 1 + rng_below(&r, sub_count - sub - 1));
      return;
    }
    const char *x = to();
    printf("  lui %s, %%hi(kept+%u)\n  sd %s, %%lo(kept+%u)(%s)\n", x, 8 * sub, regs[code], 8 * sub, x);
    call(sub + 1);
    printf("  lui %s, %%hi(kept+%u)\n  ld %s, %%lo(kept+%u)(%s)\n", regs[code], 8 * sub, regs[code], 8 * sub,
           regs[code]);
    some_instructions(rng_below(&r, 3));
  }
  printf("  jr %s\n", regs[code]);
}

/* ------------------------------------------------------------------------------------------------------- programs */

static void choose_parts(void) {
  do code = rng_once_in(&r, 2) ? 0 : rng_once_in(&r, 3) ? 2 : rng_below(&r, REGS);
  while (code == 1); /* the linker refuses return addresses in sp */
  do base = rng_below(&r, REGS);
  while (base == code);
  do fuel = rng_below(&r, REGS);
  while (fuel == code || fuel == base);
  last = base;
  block_count = 2 + rng_below(&r, BLOCKS_MAX - 1);
  sub_count = rng_below(&r, SUBS_MAX + 1);
}

static void print_program(void) {
  choose_parts();
  printf("\n  .p2align 2\nprogram%u:\n  lla t0, kept+64\n  sd ra, 0(t0)\n  sd sp, 8(t0)\n  sd s0, 16(t0)\n  sd s1, "
         "24(t0)\n",
         program);
  for (unsigned i = 0; i < REGS; i++) {
    if (i == base) printf("  lla %s, scratch+%u\n", regs[i], MIDDLE);
    else if (i == fuel) printf("  li %s, %u\n", regs[i], rng_below(&r, 12));
    else if (rng_once_in(&r, 2)) constant(regs[i]);
    else printf("  lui %s, %%hi(scratch+%u)\n  ld %s, %%lo(scratch+%u)(%s)\n", regs[i], 8 * i, regs[i], 8 * i, regs[i]);
  }
  for (unsigned block = 0; block < block_count; block++) {
    printf(".Lblock%u_%u:\n", program, block);
    some_instructions(rng_below(&r, 10));
    end_of_block(block);
  }
  printf(".Lblock%u_%u:\n.Lexit%u:\n", program, block_count, program);
  for (unsigned i = 0; i < REGS; i++) {
    printf("  sd %s, %u(%s)\n", i == code ? "zero" : regs[i], STATE - MIDDLE + 8 * i, regs[base]);
  }
  printf("  tail %s\n", rng_once_in(&r, 4) ? "finish_by_reply" : "finish");
  for (unsigned sub = 0; sub < sub_count; sub++) print_sub(sub);
  if (sub_count > 0) printf("  .pushsection .data\n  .p2align 3\n");
  for (unsigned sub = 0; sub < sub_count; sub++) {
    printf(".Lpointer%u_%u: .dword .Lsub%u_%u\n", program, sub, program, sub);
  }
  if (sub_count > 0) printf("  .popsection\n");
}

/* Ends a program: the checksum of scratch. */
static void print_finish(void) {
  printf("\nfinish_by_reply:\n  lla t0, kept+120\n  sd t0, 0(t0)\nfinish:\n  lla t0, kept+64\n  ld ra, 0(t0)\n  ld sp, "
         "8(t0)\n  ld s0, 16(t0)\n  ld s1, 24(t0)\n  lla a1, "
         "scratch\n");
  printf("  li a2, 0\n  li a3, %d\n1:\n  ld a4, 0(a1)\n  slli a5, a2, 5\n  sub a2, a5, a2\n  add a2, a2, a4\n",
         SCRATCH_BYTES / 8);
  printf("  addi a1, a1, 8\n  addi a3, a3, -1\n  bnez a3, 1b\n  mv a0, a2\n");
  printf("  ld a1, kept+120\n  beqz a1, 2f\n  .insn u 0x0b, x0, 0\n2:\n  ret\n");
}

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: rv_random SEED COUNT\n"), 2;
  unsigned count = (unsigned)strtoul(argv[2], NULL, 10);
  r.state = strtoull(argv[1], NULL, 0) * 0x9e3779b97f4a7c15u;
  printf("  .text\n  .globl run_test\nrun_test:\n  slli a0, a0, 3\n  lla t0, programs\n  add t0, t0, a0\n  ld t0, "
         "0(t0)\n  jr t0\n");
  print_finish();
  for (program = 0; program < count; program++) print_program();
  printf("\n  .data\n  .globl scratch\n  .p2align 12\nscratch:\n");
  for (unsigned i = 0; i < SCRATCH_BYTES / 8; i++) {
    printf("  .dword 0x%" PRIx64 "\n", i * 8 < STATE ? rng_edge(&r) : UINT64_C(0));
  }
  printf("  .bss\n  .p2align 3\nkept:\n  .space 128\n  .section .rodata,\"a\"\n  .p2align 3\nprograms:\n");
  for (unsigned i = 0; i < count; i++) printf("  .dword program%u\n", i);
  printf("  .p2align 8\nconsts:\n");
  for (unsigned i = 0; i < CONSTS; i++) printf("  .dword 0x%" PRIx64 "\n", rng_edge(&r));
  printf("  .section .javm.meta,\"aR\",@progbits\n  .p2align 3\n  .word 1, 0\n  .dword run_test, 0\n  .word 1, 0\n");
  return 0;
}
