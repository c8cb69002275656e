/*
 * Every encoder of jit/x64.h against the assembler: each case is a call of an encoder and the text of the instruction that
 * it should be. The text goes through `as`, and the bytes are compared. Where an instruction has two encodings and the
 * assembler takes the other one, the two are compared disassembled. The files lie beside the test program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jit/native.h"

#if JV_HAS_RECOMPILER

/* A case takes a slot of this many bytes, filled up with int3. */
enum { SLOT_BYTES = 16, REG_COUNT = 16, TEXT_MAX = 96 };
#define FILLER 0xcc

typedef struct encoded {
  char text[TEXT_MAX]; /* what the assembler is given */
  bool has_other_form; /* the assembler may take another encoding of the same */
} encoded;

/* The cases of one test. */
static struct {
  encoded *cases;
  uint8_t *bytes;
  size_t count, capacity;
} all;
static const char *program; /* the files' names begin with it */

static const char *const names[4][REG_COUNT] = {
    {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b"},
    {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w", "r14w", "r15w"},
    {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d",
     "r15d"},
    {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"}};
static const char *name8(unsigned r) { return names[0][r]; }
static const char *name16(unsigned r) { return names[1][r]; }
static const char *name32(unsigned r) { return names[2][r]; }
static const char *name64(unsigned r) { return names[3][r]; }
static const char *name(unsigned w, unsigned r) { return names[2 + w][r]; }
static const char *size_name(unsigned w) { return w ? "qword ptr" : "dword ptr"; }

/* -------------------------------------------------------------------------------------------------------- cases */

/* An encoder may write behind what it appends. */
static uint8_t scratch[64];

static jv_x64 next_slot(void) {
  if (all.count == all.capacity) {
    all.capacity = all.capacity ? 2 * all.capacity : 4096;
    all.cases = realloc(all.cases, all.capacity * sizeof *all.cases);
    all.bytes = realloc(all.bytes, all.capacity * SLOT_BYTES);
    assert_true(all.cases && all.bytes);
  }
  return (jv_x64){scratch, scratch};
}

static __attribute__((format(printf, 3, 4))) void end_slot(const jv_x64 *x, bool has_other_form, const char *format,
                                                           ...) {
  uint8_t *slot = all.bytes + all.count * SLOT_BYTES;
  encoded *c = &all.cases[all.count++];
  va_list arguments;
  assert_true(x->at > x->base && x64_here(x) < SLOT_BYTES);
  memset(slot, FILLER, SLOT_BYTES);
  memcpy(slot, x->base, x64_here(x));
  va_start(arguments, format);
  assert_true(vsnprintf(c->text, sizeof c->text, format, arguments) < TEXT_MAX);
  va_end(arguments);
  c->has_other_form = has_other_form;
}

/* IS(call of an encoder on &x, text...): one case. MAY_BE: the assembler may encode it differently. */
#define CASE(encode, other, ...)                                                                                       \
  do {                                                                                                                 \
    jv_x64 x = next_slot();                                                                                            \
    encode;                                                                                                            \
    end_slot(&x, other, __VA_ARGS__);                                                                                  \
  } while (0)
#define IS(encode, ...) CASE(encode, false, __VA_ARGS__)
#define MAY_BE(encode, ...) CASE(encode, true, __VA_ARGS__)

#define EACH_REG(r) for (unsigned r = 0; r < REG_COUNT; r++)
#define EACH_WIDTH(w) for (unsigned w = 0; w < 2; w++)
#define EACH(item, list) for (size_t item##_i = 0; item##_i < sizeof(list) / sizeof *(list); item##_i++)
#define ITEM(item, list) ((list)[item##_i])

static const int32_t edges32[] = {
    0,         1,         -1,    2,          63,    64,    127,  128,        -128,          -129,  255,          256,
    INT32_MAX, INT32_MIN, 65535, 0x12345678, -4096, 32767, 4096, -0x7654321, INT32_MAX - 1, 32768, INT32_MIN + 1};
static const int32_t displacements[] = {0, 1, -1, 8, 127, 128, -128, -129, INT32_MAX, INT32_MIN, 0x12345678};
static const uint64_t edges64[] = {0,
                                   1,
                                   127,
                                   128,
                                   255,
                                   UINT64_MAX,
                                   UINT64_MAX - 127,
                                   UINT64_MAX - 128,
                                   INT32_MAX,
                                   UINT64_C(1) << 31,
                                   UINT32_MAX - 1,
                                   UINT32_MAX,
                                   UINT64_C(1) << 32,
                                   (UINT64_C(1) << 32) + 1,
                                   UINT64_C(0) - (UINT64_C(1) << 31),
                                   UINT64_C(0) - (UINT64_C(1) << 31) - 1,
                                   UINT64_C(1) << 63,
                                   (UINT64_C(1) << 63) - 1,
                                   UINT64_C(0x123456789abcdef0)};

static const struct {
  jv_x64_alu op;
  const char *name;
} alus[] = {{ALU_ADD, "add"}, {ALU_OR, "or"},   {ALU_ADC, "adc"}, {ALU_SBB, "sbb"},
            {ALU_AND, "and"}, {ALU_SUB, "sub"}, {ALU_XOR, "xor"}, {ALU_CMP, "cmp"}};
static const struct {
  jv_x64_shift op;
  const char *name, *three; /* with three operands, where there is one */
} shifts[] = {{SH_ROL, "rol", NULL},
              {SH_ROR, "ror", NULL},
              {SH_SHL, "shl", "shlx"},
              {SH_SHR, "shr", "shrx"},
              {SH_SAR, "sar", "sarx"}};
static const struct {
  jv_x64_unary op;
  const char *name;
} unaries[] = {{UN_NOT, "not"},   {UN_NEG, "neg"}, {UN_MUL, "mul"},
               {UN_IMUL, "imul"}, {UN_DIV, "div"}, {UN_IDIV, "idiv"}};
static const struct {
  jv_x64_cond cc;
  const char *name;
} conditions[] = {{CC_B, "b"}, {CC_AE, "ae"}, {CC_E, "e"},   {CC_NE, "ne"}, {CC_BE, "be"},
                  {CC_A, "a"}, {CC_L, "l"},   {CC_GE, "ge"}, {CC_LE, "le"}, {CC_G, "g"}};

/* --------------------------------------------------------------------------------------------------- comparison */

static char *file_name(const char *suffix) {
  static char name[4][1024];
  static unsigned turn;
  char *to = name[turn++ % 4];
  assert_true(snprintf(to, sizeof *name, "%s%s", program, suffix) < (int)sizeof *name);
  return to;
}

static __attribute__((format(printf, 1, 2))) void shell(const char *format, ...) {
  char line[4096];
  va_list arguments;
  va_start(arguments, format);
  assert_true(vsnprintf(line, sizeof line, format, arguments) < (int)sizeof line);
  va_end(arguments);
  if (system(line) != 0) fail_msg("failed: %s", line);
}

/* What the assembler makes of all cases, in slots like theirs. */
static uint8_t *assemble(void) {
  FILE *f = fopen(file_name(".s"), "w");
  assert_non_null(f);
  fputs(".intel_syntax noprefix\n.text\n", f);
  for (size_t i = 0; i < all.count; i++) fprintf(f, "%s\n.balign %d, %d\n", all.cases[i].text, SLOT_BYTES, FILLER);
  fputs(".set wide_number, 0\n", f);
  assert_int_equal(fclose(f), 0);
  shell("as --64 -o '%s' '%s'", file_name(".obj"), file_name(".s"));
  shell("objcopy -O binary -j .text '%s' '%s'", file_name(".obj"), file_name(".bin"));
  uint8_t *bytes = malloc(all.count * SLOT_BYTES + 1);
  assert_non_null(bytes);
  f = fopen(file_name(".bin"), "rb");
  assert_non_null(f);
  assert_int_equal(fread(bytes, 1, all.count * SLOT_BYTES + 1, f), all.count * SLOT_BYTES);
  fclose(f);
  return bytes;
}

static void print_slot(const char *what, const uint8_t *slot) {
  char text[3 * SLOT_BYTES + 1];
  for (unsigned k = 0; k < SLOT_BYTES; k++) snprintf(text + 3 * k, 4, "%02x ", slot[k]);
  print_error("  %s %s\n", what, text);
}

/* The slots in `list`, disassembled, a line each. */
static char (*disassemble(const uint8_t *bytes, const size_t *list, size_t count))[TEXT_MAX] {
  FILE *f = fopen(file_name(".bin"), "wb");
  assert_non_null(f);
  for (size_t i = 0; i < count; i++)
    assert_int_equal(fwrite(bytes + list[i] * SLOT_BYTES, 1, SLOT_BYTES, f), SLOT_BYTES);
  assert_int_equal(fclose(f), 0);
  shell("objdump -D -b binary -m i386:x86-64 -M intel -w --no-show-raw-insn -z '%s' > '%s'", file_name(".bin"),
        file_name(".txt"));
  char(*texts)[TEXT_MAX] = calloc(count, sizeof *texts), line[256];
  f = fopen(file_name(".txt"), "r");
  assert_true(texts && f);
  while (fgets(line, sizeof line, f)) {
    unsigned long at;
    char what[200];
    if (sscanf(line, " %lx: %199[^\n]", &at, what) != 2 || strcmp(what, "int3") == 0) continue;
    char *text = texts[at / SLOT_BYTES];
    snprintf(text + strlen(text), TEXT_MAX - strlen(text), "%s; ", what);
  }
  fclose(f);
  return texts;
}

static void compare_disassembled(const uint8_t *want, const size_t *list, size_t count) {
  char(*ours)[TEXT_MAX] = disassemble(all.bytes, list, count);
  char(*theirs)[TEXT_MAX] = disassemble(want, list, count);
  for (size_t i = 0; i < count; i++) {
    if (ours[i][0] && strcmp(ours[i], theirs[i]) == 0) continue;
    fail_msg("%s is encoded as %s", all.cases[list[i]].text, ours[i]);
  }
  free(ours);
  free(theirs);
}

/* Compares the cases so far, and forgets them. */
static void compare(void) {
  uint8_t *want = assemble();
  size_t *list = calloc(all.count, sizeof *list), count = 0;
  unsigned wrong = 0;
  assert_non_null(list);
  for (size_t i = 0; i < all.count; i++) {
    const uint8_t *a = all.bytes + i * SLOT_BYTES, *b = want + i * SLOT_BYTES;
    if (memcmp(a, b, SLOT_BYTES) == 0) continue;
    if (all.cases[i].has_other_form) {
      list[count++] = i;
      continue;
    }
    if (wrong++ >= 10) continue;
    print_error("%s\n", all.cases[i].text);
    print_slot("encoder  ", a);
    print_slot("assembler", b);
  }
  if (wrong) fail_msg("%u of %zu cases are wrong", wrong, all.count);
  if (count) compare_disassembled(want, list, count);
  free(list);
  free(want);
  all.count = 0;
  remove(file_name(".s")), remove(file_name(".obj")), remove(file_name(".bin")), remove(file_name(".txt"));
}

/* --------------------------------------------------------------------------------------------------------- tests */

static void registers(void **state) {
  (void)state;
  EACH_REG(d) EACH_REG(s) {
    EACH_WIDTH(w) {
      IS(x64_mov(&x, w, d, s), "mov %s, %s", name(w, d), name(w, s));
      EACH(a, alus) IS(x64_alu(&x, ITEM(a, alus).op, w, d, s), "%s %s, %s", ITEM(a, alus).name, name(w, d), name(w, s));
      IS(x64_test(&x, w, d, s), "test %s, %s", name(w, d), name(w, s));
      IS(x64_imul(&x, w, d, s), "imul %s, %s", name(w, d), name(w, s));
      IS(x64_count(&x, 0xb8, w, d, s), "popcnt %s, %s", name(w, d), name(w, s));
      IS(x64_count(&x, 0xbd, w, d, s), "lzcnt %s, %s", name(w, d), name(w, s));
      IS(x64_count(&x, 0xbc, w, d, s), "tzcnt %s, %s", name(w, d), name(w, s));
      IS(x64_scan(&x, 0xbd, w, d, s), "bsr %s, %s", name(w, d), name(w, s));
      IS(x64_scan(&x, 0xbc, w, d, s), "bsf %s, %s", name(w, d), name(w, s));
    }
    if (d != RAX && s != RAX) IS(x64_xchg(&x, d, s), "xchg %s, %s", name64(s), name64(d));
    /* The assembler has a shorter form for rax; test has the same two operands, and an opcode that is two less. */
    IS((x64_xchg(&x, d, s), x.base[1] -= 2), "test %s, %s", name64(s), name64(d));
    IS(x64_movsxd(&x, d, s), "movsxd %s, %s", name64(d), name32(s));
    IS(x64_movsx16(&x, d, s), "movsx %s, %s", name64(d), name16(s));
    IS(x64_movzx16(&x, d, s), "movzx %s, %s", name32(d), name16(s));
    IS(x64_movsx8(&x, d, s), "movsx %s, %s", name64(d), name8(s));
    EACH(c, conditions)
    IS(x64_cmov(&x, ITEM(c, conditions).cc, d, s), "cmov%s %s, %s", ITEM(c, conditions).name, name64(d), name64(s));
  }
  EACH_REG(r) {
    EACH_WIDTH(w) {
      EACH(u, unaries) IS(x64_unary(&x, ITEM(u, unaries).op, w, r), "%s %s", ITEM(u, unaries).name, name(w, r));
      EACH(s, shifts) IS(x64_shift_cl(&x, ITEM(s, shifts).op, w, r), "%s %s, cl", ITEM(s, shifts).name, name(w, r));
      IS(x64_bswap(&x, w, r), "bswap %s", name(w, r));
    }
    EACH(c, conditions) IS(x64_setcc(&x, ITEM(c, conditions).cc, r), "set%s %s", ITEM(c, conditions).name, name8(r));
    IS(x64_push(&x, r), "push %s", name64(r));
    IS(x64_pop(&x, r), "pop %s", name64(r));
    IS(x64_call_reg(&x, r), "call %s", name64(r));
  }
  IS(x64_cqo(&x, 0), "cdq");
  IS(x64_cqo(&x, 1), "cqo");
  IS(x64_ret(&x), "ret");
  compare();
}

/* The assembler has shorter forms for rax, and takes 8 bits for an immediate that was to have 32. */
static void immediates(void **state) {
  (void)state;
  EACH_REG(r) {
    EACH(v, edges64) {
      uint64_t v = ITEM(v, edges64);
      if (v <= UINT32_MAX) IS(x64_mov_imm(&x, r, v), "mov %s, 0x%llx", name32(r), (unsigned long long)v);
      else IS(x64_mov_imm(&x, r, v), "mov %s, %lld", name64(r), (long long)v);
    }
    EACH_WIDTH(w) {
      EACH(a, alus) EACH(v, edges32) {
        int32_t v = ITEM(v, edges32);
        const char *op = ITEM(a, alus).name;
        CASE(x64_alu_imm(&x, ITEM(a, alus).op, w, r, v), r == RAX, "%s %s, %d", op, name(w, r), v);
        MAY_BE(x64_alu_imm32(&x, ITEM(a, alus).op, w, r, (uint32_t)v), "%s %s, %d", op, name(w, r), v);
        /* The same length in any case: the assembler does not know the number's size yet. */
        if (r != RAX)
          IS(x64_alu_imm32(&x, ITEM(a, alus).op, w, r, (uint32_t)v), "%s %s, offset wide_number + %d", op, name(w, r),
             v);
      }
      EACH(s, shifts)
      for (unsigned by = 0; by < (w ? 64u : 32u); by++)
        IS(x64_shift_imm(&x, ITEM(s, shifts).op, w, r, by), "%s %s, %u", ITEM(s, shifts).name, name(w, r), by);
      EACH_REG(s) EACH(v, edges32) {
        int32_t v = ITEM(v, edges32);
        IS(x64_imul_imm(&x, w, r, s, v), "imul %s, %s, %d", name(w, r), name(w, s), v);
      }
    }
  }
  compare();
}

/* What is lowered at once, in as many instructions as it takes; nothing where there is nothing to do. */
static void moves_and_more(void **state) {
  (void)state;
  static const unsigned shift_counts[] = {0, 1, 2, 31, 32, 63};
  EACH_REG(d) EACH_REG(s) {
    char mov[32] = "";
    if (d != s) snprintf(mov, sizeof mov, "mov %s, %s; ", name64(d), name64(s));
    if (d != s) IS(x64_move(&x, d, s), "%s", mov);
    EACH_REG(b) {
      EACH(a, alus)
      IS(x64_move_alu(&x, ITEM(a, alus).op, d, s, b), "%s%s %s, %s", mov, ITEM(a, alus).name, name64(d), name64(b));
      if (d == s || d == b) IS(x64_add(&x, d, s, b), "add %s, %s", name64(d), name64(d == s ? b : s));
      else if (b != RSP) IS(x64_add(&x, d, s, b), "lea %s, [%s + %s*1]", name64(d), name64(s), name64(b));
    }
    EACH(k, shifts) EACH(n, shift_counts) {
      unsigned by = ITEM(n, shift_counts);
      if (by)
        IS(x64_move_shift(&x, ITEM(k, shifts).op, d, s, by), "%s%s %s, %u", mov, ITEM(k, shifts).name, name64(d), by);
      else if (d != s) IS(x64_move_shift(&x, ITEM(k, shifts).op, d, s, by), "%s", mov);
    }
    EACH(v, edges32) {
      int32_t v = ITEM(v, edges32);
      if ((s & 7) == RSP || (d == s && v == 0)) continue;
      if (d == s) CASE(x64_add_imm(&x, d, s, v), d == RAX, "add %s, %d", name64(d), v);
      else IS(x64_add_imm(&x, d, s, v), "lea %s, [%s + %d]", name64(d), name64(s), v);
    }
  }
  EACH_REG(r) {
    EACH(v, edges32) {
      int32_t v = ITEM(v, edges32);
      IS(x64_mov_imm32(&x, r, (uint32_t)v), "mov %s, %u", name32(r), (unsigned)v);
      if (v == 0) IS(x64_set_imm(&x, r, v), "xor %s, %s", name32(r), name32(r));
      else IS(x64_set_imm(&x, r, v), "mov %s, %d", name(v < 0, r), v);
      if (v == 0) IS(x64_compare_imm(&x, r, v), "test %s, %s", name64(r), name64(r));
      else CASE(x64_compare_imm(&x, r, v), r == RAX, "cmp %s, %d", name64(r), v);
      if ((r & 7) != RSP) IS(x64_lea_edx(&x, r, v), "%s{rex} lea edx, [%s + %d]", v ? "" : "{disp8} ", name64(r), v);
    }
    if (r != RAX) IS(x64_charge(&x, r), "sub %s, offset wide_number; .byte 0x0f, 0x82, 0, 0, 0, 0", name64(r));
  }
  compare();
}

static void bmi(void **state) {
  (void)state;
  EACH_REG(d) EACH_REG(s) {
    EACH_REG(b) {
      IS(x64_andn(&x, d, b, s), "andn %s, %s, %s", name64(d), name64(b), name64(s));
      IS(x64_mulx(&x, d, b, s), "mulx %s, %s, %s", name64(d), name64(b), name64(s));
      EACH_WIDTH(w)
      EACH(k, shifts)
      if (ITEM(k, shifts).three)
        IS(x64_shiftx(&x, ITEM(k, shifts).op, w, d, s, b), "%s %s, %s, %s", ITEM(k, shifts).three, name(w, d),
           name(w, s), name(w, b));
    }
    EACH_WIDTH(w)
    for (unsigned by = 0; by < (w ? 64u : 32u); by += 1 + by / 2)
      IS(x64_rorx(&x, w, d, s, by), "rorx %s, %s, %u", name(w, d), name(w, s), by);
  }
  compare();
}

static void addresses(void **state) {
  (void)state;
  static const int8_t bytes[] = {-128, -1, 0, 1, 127};
  EACH_REG(b) EACH(v, displacements) {
    int32_t v = ITEM(v, displacements);
    const char *base = name64(b);
    EACH_WIDTH(w) EACH_REG(r) {
      IS(x64_lea(&x, w, r, b, v), "lea %s, [%s + %d]", name(w, r), base, v);
      IS(x64_load(&x, w, r, b, v), "mov %s, [%s + %d]", name(w, r), base, v);
      IS(x64_store(&x, w, b, v, r), "mov [%s + %d], %s", base, v, name(w, r));
      EACH(a, alus)
      IS(x64_alu_load(&x, ITEM(a, alus).op, w, r, b, v), "%s %s, [%s + %d]", ITEM(a, alus).name, name(w, r), base, v);
      EACH(a, alus)
      IS(x64_alu_store(&x, ITEM(a, alus).op, w, b, v, r), "%s [%s + %d], %s", ITEM(a, alus).name, base, v, name(w, r));
    }
    EACH_WIDTH(w) {
      EACH(u, unaries)
      IS(x64_unary_mem(&x, ITEM(u, unaries).op, w, b, v), "%s %s [%s + %d]", ITEM(u, unaries).name, size_name(w), base,
         v);
      EACH(a, alus)
      EACH(n, edges32)
      MAY_BE(x64_alu_mem_imm32(&x, ITEM(a, alus).op, w, b, v, (uint32_t)ITEM(n, edges32)), "%s %s [%s + %d], %d",
             ITEM(a, alus).name, size_name(w), base, v, ITEM(n, edges32));
      EACH(a, alus)
      EACH(n, bytes)
      IS(x64_alu_mem_imm8(&x, ITEM(a, alus).op, w, b, v, ITEM(n, bytes)), "%s %s [%s + %d], %d", ITEM(a, alus).name,
         size_name(w), base, v, ITEM(n, bytes));
      EACH(n, edges32)
      IS(x64_store_imm(&x, w, b, v, (uint32_t)ITEM(n, edges32)), "mov %s [%s + %d], %d", size_name(w), base, v,
         ITEM(n, edges32));
    }
    EACH(n, bytes)
    IS(x64_store_imm8(&x, b, v, (uint8_t)ITEM(n, bytes)), "mov byte ptr [%s + %d], %d", base, v, ITEM(n, bytes));
    IS(x64_jmp_mem(&x, b, v), "jmp qword ptr [%s + %d]", base, v);
    IS(x64_call_mem(&x, b, v), "call qword ptr [%s + %d]", base, v);
  }
  static const unsigned some[] = {RAX, RSP, RBP, RDI, R8, R12, R13, R15};
  EACH_WIDTH(w) EACH(d, some) EACH_REG(b) EACH_REG(n) for (unsigned scale = 0; scale < 4; scale++) {
    if (n == RSP) continue;
    int32_t v = displacements[(b + n + scale + d_i) % (sizeof displacements / sizeof *displacements)];
    unsigned d = ITEM(d, some);
    IS(x64_lea_index(&x, w, d, b, n, scale, v), "lea %s, [%s + %s*%u + %d]", name(w, d), name64(b), name64(n),
       1u << scale, v);
    IS(x64_lea_index(&x, w, d, b, n, scale, 0), "lea %s, [%s + %s*%u]", name(w, d), name64(b), name64(n), 1u << scale);
  }
  compare();
}

/* The forms of an access; the text before the place, and behind it. */
static const struct {
  jv_x64_access access;
  const char *op, *size;
  int reg_names; /* -1: an immediate */
  bool is_load;
} forms[] = {
    {X64_LOAD_U8, "movzx", "byte ptr", 2, true},       {X64_LOAD_I8, "movsx", "byte ptr", 3, true},
    {X64_LOAD_U16, "movzx", "word ptr", 2, true},      {X64_LOAD_I16, "movsx", "word ptr", 3, true},
    {X64_LOAD_U32, "mov", "dword ptr", 2, true},       {X64_LOAD_I32, "movsxd", "dword ptr", 3, true},
    {X64_LOAD_U64, "mov", "qword ptr", 3, true},       {X64_STORE_8, "mov", "byte ptr", 0, false},
    {X64_STORE_16, "mov", "word ptr", 1, false},       {X64_STORE_32, "mov", "dword ptr", 2, false},
    {X64_STORE_64, "mov", "qword ptr", 3, false},      {X64_STORE_IMM_8, "mov", "byte ptr", -1, false},
    {X64_STORE_IMM_16, "mov", "word ptr", -1, false},  {X64_STORE_IMM_32, "mov", "dword ptr", -1, false},
    {X64_STORE_IMM_64, "mov", "qword ptr", -1, false},
};

/* All that is done with one place, whose text `at` is; `prefix` goes before the instruction. `encode` is for the form *m, with
 * a register or an immediate. */
#define EACH_ACCESS(encode, prefix, at)                                                                                \
  EACH(f, forms) {                                                                                                     \
    const jv_x64_access *m = &ITEM(f, forms).access;                                                                   \
    const char *op = ITEM(f, forms).op, *size = ITEM(f, forms).size;                                                   \
    int kind = ITEM(f, forms).reg_names;                                                                               \
    if (kind < 0) {                                                                                                    \
      EACH(v, edges32) {                                                                                               \
        int32_t v = ITEM(v, edges32);                                                                                  \
        unsigned reg = 0;                                                                                              \
        uint32_t imm = (uint32_t)v;                                                                                    \
        int shown = m->bytes == 1 ? (uint8_t)v : m->bytes == 2 ? (uint16_t)v : v;                                      \
        IS(encode, "%s%s %s %s, %d", prefix, op, size, at, shown);                                                     \
      }                                                                                                                \
      continue;                                                                                                        \
    }                                                                                                                  \
    EACH_REG(reg) {                                                                                                    \
      uint32_t imm = 0;                                                                                                \
      if (ITEM(f, forms).is_load) IS(encode, "%s%s %s, %s %s", prefix, op, names[kind][reg], size, at);                \
      else IS(encode, "%s%s %s %s, %s", prefix, op, size, at, names[kind][reg]);                                       \
    }                                                                                                                  \
  }

static void guest_memory(void **state) {
  (void)state;
  char at[64];
  EACH(d, displacements) {
    int32_t disp = ITEM(d, displacements);
    EACH_REG(base) {
      snprintf(at, sizeof at, "gs:[%s + %d]", name32(base), disp);
      if ((base & 7) == RSP) continue;
      EACH_ACCESS((x64_guest_at(&x, m, reg, base, (uint32_t)disp), x64_access_imm(&x, m, imm)), "", at)
    }
    /* The assembler does without the address-size prefix where there is no register. */
    snprintf(at, sizeof at, "ds:[%d]", disp);
    EACH_ACCESS((x64_guest_absolute(&x, m, reg, (uint32_t)disp), x64_access_imm(&x, m, imm)), ".byte 0x65, 0x67; ", at)
  }
  EACH_ACCESS((x64_at_rdx(&x, m, reg), x64_access_imm(&x, m, imm)), "{rex} ", "[rdx]")
  EACH_REG(r) EACH_REG(n) for (unsigned scale = 0; scale < 4; scale++) EACH(d, displacements) {
    if (n == RSP) continue;
    IS(x64_load_gs_index(&x, r, n, scale, ITEM(d, displacements)), "mov %s, gs:[%s*%u + %d]", name64(r), name64(n),
       1u << scale, ITEM(d, displacements));
  }
  EACH_REG(r)
  EACH(d, displacements)
  IS(x64_cmp_fs(&x, ITEM(d, displacements), r), "cmp fs:[%d], %s", ITEM(d, displacements), name64(r));
  compare();
}

/* `distance` is from the start of the branch. */
static void branches(void **state) {
  (void)state;
  static const int32_t distances[] = {0,    1,    2,    3,    126,   127,    128,     129,       130,
                                      -126, -127, -128, -129, 32768, -40000, 1 << 20, -(1 << 20)};
  EACH(v, distances) {
    int32_t v = ITEM(v, distances);
    uint32_t target = (uint32_t)v; /* offsets wrap in all of them */
    EACH(c, conditions) {
      jv_x64_cond cc = ITEM(c, conditions).cc;
      const char *text = ITEM(c, conditions).name;
      IS(x64_patch(&x, x64_jcc(&x, cc), target), "{disp32} j%s .%+d", text, v);
    }
    IS(x64_patch(&x, x64_jmp(&x), target), "{disp32} jmp .%+d", v);
    IS(x64_patch(&x, x64_call(&x), target), "call .%+d", v);
    IS(x64_call_to(&x, target), "call .%+d", v);
  }
  compare();
}

/* In the shortest form: from behind the target or before it, in one buffer. */
static void shortest_branches(void **state) {
  (void)state;
  enum { BUFFER = 1024, START = 512 };
  static uint8_t buffer[BUFFER];
  for (int v = -200; v <= 200; v++) {
    EACH(c, conditions) {
      jv_x64 to = {buffer, buffer + START};
      x64_jcc_to(&to, ITEM(c, conditions).cc, (uint32_t)(START + v));
      IS((memcpy(x.at, buffer + START, (size_t)(to.at - buffer) - START), x.at += to.at - buffer - START), "j%s .%+d",
         ITEM(c, conditions).name, v);
    }
    jv_x64 to = {buffer, buffer + START};
    x64_jmp_to(&to, (uint32_t)(START + v));
    IS((memcpy(x.at, buffer + START, (size_t)(to.at - buffer) - START), x.at += to.at - buffer - START), "jmp .%+d", v);
  }
  /* The short ones, patched to what follows. */
  for (unsigned gap = 0; gap <= 127; gap++) {
    EACH(c, conditions) {
      jv_x64 from = {buffer, buffer};
      uint32_t at = x64_jcc_short(&from, ITEM(c, conditions).cc);
      from.at += gap;
      x64_patch_short(&from, at);
      IS((memcpy(x.at, buffer, 2), x.at += 2), "{disp8} j%s .+%u", ITEM(c, conditions).name, 2 + gap);
    }
    jv_x64 from = {buffer, buffer};
    uint32_t at = x64_jmp_short(&from);
    from.at += gap;
    x64_patch_short(&from, at);
    IS((memcpy(x.at, buffer, 2), x.at += 2), "{disp8} jmp .+%u", 2 + gap);
  }
  compare();
}

static int forget_cases(void **state) {
  (void)state;
  all.count = 0;
  return 0;
}
#define TEST(name) cmocka_unit_test_setup(name, forget_cases)

int main(int argc, char **argv) {
  (void)argc;
  program = argv[0];
  const struct CMUnitTest tests[] = {
      TEST(registers), TEST(immediates),   TEST(moves_and_more), TEST(bmi),
      TEST(addresses), TEST(guest_memory), TEST(branches),       TEST(shortest_branches),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  free(all.cases);
  free(all.bytes);
  return failed;
}

#else

static void no_recompiler_for_this_host(void **state) { (void)state; }

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(no_recompiler_for_this_host)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
