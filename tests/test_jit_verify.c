/*
 * The verifier of native code (jit/verify.h) accepts what the recompiler makes, and refuses a copy that was damaged, for the
 * right reason. It is in the builds with sanitizers only.
 */
#include "support/program.h"

#include <stdlib.h>

#include "jit/verify.h"

#if JV_HAS_RECOMPILER && defined(JV_JIT_VERIFY)

#define WIDE UINT64_C(0x1122334455667788)
/* The native code for WIDE: room for any instruction, filled up with ones that do no harm. */
enum { SLOT_BYTES = 10, FILLER = 0x99 /* cdq */ };
#define SLOT "\x48\xbf\x88\x77\x66\x55\x44\x33\x22\x11"

typedef struct subject {
  test_run *t;
  jv_native n; /* a copy, with copies of the code and the points */
  uint8_t *code;
} subject;

static void put_program(test_run *t) {
  test_clear(t);
  put(t, JV_OP_load_imm, 8, 5);
  put(t, JV_OP_load_imm_64, 7, LE4(WIDE), LE4(WIDE >> 32));
  put(t, JV_OP_load_u32, 8, LE4(0x20000));
  put(t, JV_OP_store_ind_u64, REGS(8, 7), 8);
  put(t, JV_OP_mul_upper_s_u, REGS(7, 8), 9);
  put(t, JV_OP_shlo_l_64, REGS(7, 8), 9);
  put(t, JV_OP_leading_zero_bits_64, REGS(9, 8));
  put(t, JV_OP_and_inv, REGS(7, 8), 9);
  put(t, JV_OP_div_s_64, REGS(7, 8), 9);
  put(t, JV_OP_sbrk, REGS(8, 7));
  uint32_t branch = put(t, JV_OP_branch_ne_imm, 0x18, 5, 0);
  t->code[branch + 3] = TO(branch, 0);
  put(t, JV_OP_jump, 100); /* to where there is nothing */
  t->jumps[0] = put(t, JV_OP_ecalli, 7);
  t->jumps[1] = put(t, JV_OP_jump_ind, 0);
  t->jump_count = 2;
  put(t, JV_OP_trap);
}

static void compile(test_run *t, javm_gas_model model, bool checks, bool counts) {
  javm_code code = test_code(t);
  javm_program_config config;
  javm_program_config_default(&config);
  config.gas_model = model;
  config.engine = JAVM_ENGINE_RECOMPILER;
  config.explicit_checks = checks;
  config.counts_instructions = counts;
  test_unload(t);
  assert_int_equal(javm_program_new(&code, &config, &t->program, NULL), JAVM_OK);
  assert_non_null(jv_native_hot(t->program));
}

static subject copy(test_run *t) {
  const jv_native *n = jv_native_hot(t->program);
  subject s = {.t = t, .n = *n};
  s.code = malloc(n->code_bytes);
  s.n.points = malloc(n->point_count * sizeof *n->points);
  assert_true(s.code && s.n.points);
  memcpy(s.code, n->code, n->code_bytes);
  memcpy(s.n.points, n->points, n->point_count * sizeof *n->points);
  return s;
}

/* Failures are counted, and the test ends with them. */
static unsigned failures;

static void check(subject *s, const char *reason, const char *what) {
  uint32_t at;
  const char *wrong = jv_verify(s->t->program, &s->n, s->code, &at);
  free(s->code);
  free(s->n.points);
  if (!wrong && !reason) return;
  if (wrong && reason && strcmp(wrong, reason) == 0) return;
  failures++;
  print_error("%s: %s, at 0x%x; expected: %s\n", what, wrong ? wrong : "accepted", (unsigned)at,
              reason ? reason : "good");
}

/* Where these bytes are in the code, from the first region on. */
static uint32_t find(const subject *s, const void *bytes, size_t count) {
  for (uint32_t at = s->n.points[0].at; at + count <= s->n.code_bytes; at++)
    if (memcmp(s->code + at, bytes, count) == 0) return at;
  fail_msg("no such code");
  return 0;
}
#define FIND(s, text) find(s, text, sizeof(text) - 1)

static void write_at(subject *s, uint32_t at, const void *bytes, size_t count) { memcpy(s->code + at, bytes, count); }

static void what_is_made_is_accepted(void **state) {
  test_run *t = *state;
  for (javm_gas_model model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_NONE; model++)
    for (unsigned k = 0; k < 4; k++) {
      put_program(t);
      compile(t, model, k & 1, k & 2);
      subject s = copy(t);
      check(&s, NULL, "the whole program");
      test_clear(t);
      compile(t, model, k & 1, k & 2);
      s = copy(t);
      check(&s, NULL, "an empty program");
    }
  assert_int_equal(failures, 0);
}

/* ---- an instruction in the place of one that does no harm ---- */

#define NEVER "an instruction that is never emitted"
#define INDIRECT "an indirect jump"
#define NOT_GUEST "memory that is not the guest's"
#define SEGMENT "another segment"
#define GAS "the gas is an operand"
#define STACK "another place on the stack"
#define RSP_OPERAND "rsp is an operand"
#define BAD_BASE "a guest address from another register"
#define PREFIX "a prefix that is never emitted"
#define INTO "a branch into an instruction"
#define OUT "a branch out of the code"
#define NOT_PUSHED "a pop of what was not pushed"
#define NOT_GENERAL "a register that is not a general one"

static const struct {
  const char *name, *bytes;
  size_t count;
  const char *reason;
} damages[] = {
#define D(name, bytes, reason)                                                                                         \
  { name, bytes, sizeof(bytes) - 1, reason }
    D("nothing", "", NULL),
    D("mov rax, rbx", "\x48\x89\xd8", NULL),
    D("a jump over the next instruction", "\xeb\x08", NULL),
    D("ret", "\xc3", NEVER),
    D("ret 8", "\xc2\x08\x00", NEVER),
    D("far ret", "\xcb", NEVER),
    D("iretq", "\x48\xcf", NEVER),
    D("syscall", "\x0f\x05", NEVER),
    D("sysenter", "\x0f\x34", NEVER),
    D("int 0x80", "\xcd\x80", NEVER),
    D("int3", "\xcc", NEVER),
    D("int1", "\xf1", NEVER),
    D("ud2", "\x0f\x0b", NEVER),
    D("hlt", "\xf4", NEVER),
    D("nop", "\x90", NEVER),
    D("cpuid", "\x0f\xa2", NEVER),
    D("rdtsc", "\x0f\x31", NEVER),
    D("rdpmc", "\x0f\x33", NEVER),
    D("wrgsbase rax", "\xf3\x48\x0f\xae\xd8", NEVER),
    D("rdgsbase rax", "\xf3\x48\x0f\xae\xc8", NEVER),
    D("swapgs", "\x0f\x01\xf8", NEVER),
    D("wrpkru", "\x0f\x01\xef", NEVER),
    D("xbegin", "\xc7\xf8\x00\x00\x00\x00", NEVER),
    D("clflush [rcx]", "\x0f\xae\x39", NEVER),
    D("prefetcht0 [rcx]", "\x0f\x18\x09", NEVER),
    D("movsb", "\xa4", NEVER),
    D("rep movsb", "\xf3\xa4", PREFIX),
    D("stosq", "\x48\xab", NEVER),
    D("lodsb", "\xac", NEVER),
    D("cmpsb", "\xa6", NEVER),
    D("xlatb", "\xd7", NEVER),
    D("in al, dx", "\xec", NEVER),
    D("out dx, al", "\xee", NEVER),
    D("std", "\xfd", NEVER),
    D("popfq", "\x9d", NEVER),
    D("pushfq", "\x9c", NEVER),
    D("leave", "\xc9", NEVER),
    D("enter 8, 0", "\xc8\x08\x00\x00", NEVER),
    D("vzeroupper", "\xc5\xf8\x77", NEVER),
    D("movd xmm0, eax", "\x66\x0f\x6e\xc0", NEVER),
    D("fld1", "\xd9\xe8", NEVER),
    D("cmpxchg [rcx], rax", "\x48\x0f\xb1\x01", NEVER),
    D("setp al", "\x0f\x9a\xc0", NEVER),
    D("jrcxz", "\xe3\x00", NEVER),
    D("loop", "\xe2\x00", NEVER),
    D("no instruction", "\x06", "bytes that are no instruction"),
    D("lock add [rcx], eax", "\xf0\x01\x01", PREFIX),
    D("mov ah, al", "\x88\xc4", NOT_GENERAL),
    D("mov ds, eax", "\x8e\xd8", NOT_GENERAL),
    D("mov gs, eax", "\x8e\xe8", NOT_GENERAL),
    D("mov cr0, rax", "\x0f\x22\xc0", NOT_GENERAL),
    D("push fs", "\x0f\xa0", NOT_GENERAL),
    D("mov eax, fs:[ecx]", "\x64\x67\x8b\x01", SEGMENT),
    D("mov eax, cs:[ecx]", "\x2e\x67\x8b\x01", "a prefix without effect"),
    D("mov eax, gs:[rcx]", "\x65\x8b\x01", "a guest address of 64 bits"),
    D("mov eax, gs:[ecx + eax]", "\x65\x67\x8b\x04\x08", "a guest address with an index"),
    D("mov eax, gs:[edx]", "\x65\x67\x8b\x02", BAD_BASE),
    D("mov eax, gs:[esp]", "\x65\x67\x8b\x04\x24", BAD_BASE),
    D("mov eax, gs:[r12d]", "\x65\x67\x41\x8b\x04\x24", BAD_BASE),
    D("mov eax, gs:[eip]", "\x65\x67\x8b\x05\x00\x00\x00\x00", BAD_BASE),
    D("mov eax, gs:[ecx]", "\x65\x67\x8b\x01", "an access that was not noted"),
    D("mov eax, [rcx]", "\x8b\x01", NOT_GUEST),
    D("mov [rcx], rax", "\x48\x89\x01", NOT_GUEST),
    D("mov eax, [ecx]", "\x67\x8b\x01", NOT_GUEST),
    D("mov eax, [rdx]", "\x8b\x02", NOT_GUEST),
    D("mov eax, [rip]", "\x8b\x05\x00\x00\x00\x00", NOT_GUEST),
    D("movabs eax, [0]", "\xa1\x00\x00\x00\x00\x00\x00\x00\x00", NOT_GUEST),
    D("xchg [rcx], rax", "\x48\x87\x01", NOT_GUEST),
    D("push [rcx]", "\xff\x31", NOT_GUEST),
    D("pop [rcx]", "\x8f\x01", NOT_GUEST),
    D("div qword [rsp]", "\x48\xf7\x34\x24", "a look at the stack where nothing was pushed"),
    D("mov rax, [rsp + 16]", "\x48\x8b\x44\x24\x10", STACK),
    D("mov [rsp], rax", "\x48\x89\x04\x24", STACK),
    D("mov [rsp + 128], rax", "\x48\x89\x84\x24\x80\x00\x00\x00", STACK),
    D("mov rax, [rsp + rcx * 8]", "\x48\x8b\x04\xcc", STACK),
    D("add rdx, [rsp + 8]", "\x48\x03\x54\x24\x08", STACK),
    D("add qword [rsp + 32], 1", "\x48\x83\x44\x24\x20\x01", STACK),
    D("mov eax, [esp]", "\x67\x8b\x04\x24", NOT_GUEST),
    D("mov rsp, rax", "\x48\x89\xc4", RSP_OPERAND),
    D("mov rax, rsp", "\x48\x89\xe0", RSP_OPERAND),
    D("add rsp, 8", "\x48\x83\xc4\x08", RSP_OPERAND),
    D("xchg rsp, rax", "\x48\x94", RSP_OPERAND),
    D("mov spl, al", "\x40\x88\xc4", RSP_OPERAND),
    D("pop rsp", "\x5c", RSP_OPERAND),
    D("lea rax, [rsp + 8]", "\x48\x8d\x44\x24\x08", "a lea of rsp or rip"),
    D("lea rsp, [rax]", "\x48\x8d\x20", RSP_OPERAND),
    D("lea rax, [rip]", "\x48\x8d\x05\x00\x00\x00\x00", "a lea of rsp or rip"),
    D("pop rax", "\x58", NOT_PUSHED),
    D("push three times", "\x50\x50\x50", "too much on the stack"),
    D("push ax", "\x66\x50", "a push of less than 64 bits"),
    D("mov rax, r12", "\x4c\x89\xe0", GAS),
    D("add r12, 1", "\x49\x83\xc4\x01", GAS),
    D("setb r12b", "\x41\x0f\x92\xc4", GAS),
    D("pop r12", "\x41\x5c", GAS),
    D("lea rax, [r12 + 1]", "\x49\x8d\x44\x24\x01", GAS),
    D("jmp rax", "\xff\xe0", INDIRECT),
    D("far jmp [rcx]", "\xff\x29", NOT_GUEST),
#undef D
};

static void other_instructions_are_refused(void **state) {
  test_run *t = *state;
  put_program(t);
  compile(t, JAVM_GAS_PIPELINE, false, false);
  for (size_t k = 0; k < sizeof damages / sizeof *damages; k++) {
    subject s = copy(t);
    uint32_t at = FIND(&s, SLOT);
    memset(s.code + at, FILLER, SLOT_BYTES);
    write_at(&s, at, damages[k].bytes, damages[k].count);
    check(&s, damages[k].reason, damages[k].name);
  }
  assert_int_equal(failures, 0);
}

/* ---- what belongs together, and what stands beside the code ---- */

/* One damage: the statement changes a fresh copy `s`. */
#define REFUSED(reason, ...)                                                                                           \
  do {                                                                                                                 \
    subject s = copy(t);                                                                                               \
    __VA_ARGS__;                                                                                                       \
    check(&s, reason, #__VA_ARGS__);                                                                                   \
  } while (0)

/* A jump from the slot to an offset. */
static void jump_from_slot(subject *s, uint32_t target) {
  uint32_t at = FIND(s, SLOT), distance = target - (at + 5);
  memset(s->code + at, FILLER, SLOT_BYTES);
  s->code[at] = 0xe9;
  memcpy(s->code + at + 1, &distance, 4);
}

static void charges_are_as_noted(void **state) {
  test_run *t = *state;
  put_program(t);
  compile(t, JAVM_GAS_PIPELINE, false, true);
  static const char other[] = "a charge of another cost", no_stub[] = "a charge that does not go to its stub";
  static const char none[] = "a block without a charge", gas_stub[] = "a stub for out of gas that is none";
  REFUSED(other, s.code[s.n.points[1].at + 3]++);
  REFUSED(other, s.n.points[1].cost++);
  REFUSED("a block that costs nothing", s.n.points[1].cost = 0);
  REFUSED(none, memset(s.code + s.n.points[1].at, FILLER, JV_CHARGE_BYTES));
  REFUSED(none, s.code[s.n.points[1].at + 1] = 0x81, s.code[s.n.points[1].at + 2] = 0xc4); /* add */
  REFUSED(no_stub, s.code[s.n.points[1].at + 9] += JV_GAS_STUB_BYTES);
  REFUSED(no_stub, s.code[s.n.points[1].at + 8] = 0x83); /* jae */
  REFUSED("a region that does not count its instructions", s.code[s.n.points[1].at + JV_CHARGE_BYTES + 5] = 0);
  REFUSED("a region that does not count its instructions", s.code[s.n.points[1].at + JV_CHARGE_BYTES + 4] = 0x18);
  REFUSED(gas_stub, s.code[s.n.gas_stubs + 1]++);
  REFUSED(gas_stub, s.code[s.n.gas_stubs + JV_GAS_STUB_BYTES] = 0xe9);
  REFUSED("a point inside an instruction", s.n.points[1].at = FIND(&s, SLOT) + 3);
  REFUSED(GAS, s.n.points[1].at++);
  REFUSED("points that are not in order", s.n.points[2].pc = 0);
  REFUSED("a branch into what belongs together", jump_from_slot(&s, s.n.points[1].at + 7));
  REFUSED("a branch into what belongs together", jump_from_slot(&s, s.n.points[1].at + JV_CHARGE_BYTES));
  REFUSED("a branch to what is no block", jump_from_slot(&s, s.n.points[1].at + JV_CHARGE_BYTES + 9));
  REFUSED(NULL, jump_from_slot(&s, s.n.points[1].at));
  /* The last instruction but the stubs is a jump. */
  REFUSED("code that runs off its end", s.code[s.n.gas_stubs - 5] = 0xb8);
  assert_int_equal(failures, 0);
}

static void dynamic_jumps_are_checked(void **state) {
  test_run *t = *state;
  put_program(t);
  compile(t, JAVM_GAS_PIPELINE, false, false);
  static const char broken[] = "a dynamic jump without its check";
#define ROTATE "\xd1\xca\x83\xfa\x02"
#define SCALE "\xc1\xe2\x03\x48\x03\x54\x24\x08\xff\x22"
  REFUSED(broken, s.code[FIND(&s, ROTATE) + 1] = 0xc2); /* rol */
  REFUSED(broken, s.code[FIND(&s, ROTATE) + 1] = 0xc9); /* ror ecx */
  REFUSED(broken, s.code[FIND(&s, ROTATE) + 4]++);      /* the number of entries */
  REFUSED(broken, s.code[FIND(&s, ROTATE) + 2] = 0x80); /* cmp dl */
  REFUSED(broken, s.code[FIND(&s, ROTATE) + 6] = 0x82); /* jb */
  REFUSED(broken, s.code[FIND(&s, ROTATE) + 7]++);      /* to elsewhere */
  REFUSED(broken, s.code[FIND(&s, SCALE) + 2]++);       /* shl 4 */
  REFUSED(broken, s.code[FIND(&s, SCALE) + 7] += 8);    /* another place */
  REFUSED(broken, s.code[FIND(&s, SCALE) + 4] = 0x2b);  /* sub */
  REFUSED(broken, s.code[FIND(&s, SCALE) + 9] = 0x21);  /* jmp [rcx] */
  REFUSED(broken, s.code[FIND(&s, SCALE) + 9] = 0x12);  /* call [rdx] */
  REFUSED("a branch into what belongs together", jump_from_slot(&s, FIND(&s, SCALE)));
  REFUSED("a branch into what belongs together", jump_from_slot(&s, FIND(&s, SCALE) + 8));
  static const char entry[] = "an entry of the jump table that is not its target";
  REFUSED(entry, s.code[s.n.table]++);
  REFUSED(entry, memcpy(s.code + s.n.table, s.code + s.n.table + 8, 8));
  REFUSED(entry, s.code[s.n.table + 8]++);
  REFUSED(entry, s.code[s.n.table + 15] = 0x7f);
  REFUSED("a jump table of another size", s.n.code_bytes -= 8);
  assert_int_equal(failures, 0);
}

static void accesses_are_noted(void **state) {
  test_run *t = *state;
  put_program(t);
  compile(t, JAVM_GAS_PIPELINE, false, false);
  static const char *const other = "an access noted for another instruction";
#define LOAD_BYTES "\x65\x67\x8b\x34\x25"
#define STORE_BYTES "\x65\x67\x48\x89\x77\x08"
  REFUSED("an access that was not noted", s.n.access_count = 0);
  REFUSED("an access that was not noted", s.n.mark_count = 0);
  REFUSED(other, s.code[FIND(&s, LOAD_BYTES) + 2] = 0x89);  /* a store */
  REFUSED(other, s.code[FIND(&s, STORE_BYTES) + 2] = 0x40); /* of four bytes */
  REFUSED(other, s.code[FIND(&s, STORE_BYTES) + 3] = 0x8b); /* a load */
  REFUSED("a prefix without effect", s.code[FIND(&s, STORE_BYTES) + 1] = 0x65);
  REFUSED(SEGMENT, s.code[FIND(&s, STORE_BYTES)] = 0x64);
  REFUSED("accesses that are not in the code", memset(s.code + FIND(&s, STORE_BYTES), FILLER, 6));
  REFUSED("an instruction that the processor does not have", s.n.features.bmi1 = false);
  REFUSED("an instruction that the processor does not have", s.n.features.bmi2 = false);
  REFUSED("an instruction that the processor does not have", s.n.features.lzcnt = false);
  assert_int_equal(failures, 0);
}

static void checks_belong_to_their_accesses(void **state) {
  test_run *t = *state;
  put_program(t);
  compile(t, JAVM_GAS_PIPELINE, true, false);
  static const char broken[] = "a check without its access", no_address[] = "a check of an address that is not in edx";
#define CHECKED_LOAD "\xba\x00\x00\x02\x00\xe8"                    /* mov edx, 0x20000; call */
#define CHECKED_STORE "\x8d\x57\x08\xe8"                           /* lea edx, [rdi + 8]; call */
  REFUSED(no_address, s.code[FIND(&s, CHECKED_LOAD)] = 0xb9);      /* ecx */
  REFUSED(no_address, s.code[FIND(&s, CHECKED_STORE) + 1] = 0x4f); /* ecx */
  REFUSED(broken, s.code[FIND(&s, CHECKED_LOAD) + 11] = 0x31);     /* [rcx] */
  REFUSED(broken, s.code[FIND(&s, CHECKED_LOAD) + 10] = 0x03);     /* add */
  REFUSED(broken, s.code[FIND(&s, CHECKED_STORE) + 9] = 0x8b);     /* a load */
  REFUSED(broken, s.code[FIND(&s, CHECKED_STORE) + 8] = 0x40);     /* of four bytes */
  REFUSED("an access noted for another instruction",
          s.code[FIND(&s, CHECKED_LOAD) + 6] += (uint8_t)(s.n.stubs.check[0][3] - s.n.stubs.check[0][2]));
  REFUSED("a call of something else than a stub", s.code[FIND(&s, CHECKED_LOAD) + 6]++);
  REFUSED("a branch into what belongs together", jump_from_slot(&s, FIND(&s, CHECKED_STORE) + 3));
  REFUSED("a branch into what belongs together", jump_from_slot(&s, FIND(&s, CHECKED_STORE) + 8));
  REFUSED("guest memory without a check", write_at(&s, FIND(&s, SLOT), "\x65\x67\x8b\x01\x99\x99\x99\x99\x99\x99", 10));
  assert_int_equal(failures, 0);
}

static void move_target(uint8_t *distance, uint32_t by) {
  uint32_t d;
  memcpy(&d, distance, sizeof d);
  d += by;
  memcpy(distance, &d, sizeof d);
}

static void stubs_have_their_arguments(void **state) {
  test_run *t = *state;
  put_program(t);
  compile(t, JAVM_GAS_PIPELINE, false, false);
  const jv_native *n = jv_native_hot(t->program);
  uint64_t packed = jv_pack_ecall(t->jumps[0] + 2, 7);
  uint8_t ecall[10] = {0x48, 0xba};
  memcpy(ecall + 2, &packed, 8);
#define ECALL(s) find(s, ecall, sizeof ecall)
#define SBRK "\xba\x08\x07\x00\x00\xe8"
  REFUSED("another ecall's argument", s.code[ECALL(&s) + 2]++);
  REFUSED("an ecall where the program has none", s.code[ECALL(&s) + 6]++);
  REFUSED("an ecall where the program has none", s.code[ECALL(&s) + 9] ^= 0x80);
  REFUSED("an ecall of the other kind", move_target(s.code + ECALL(&s) + 11, n->stubs.ecall - n->stubs.ecalli));
  REFUSED("a call without its argument", s.code[ECALL(&s) + 1] = 0xb9);
  REFUSED("a branch into what belongs together", jump_from_slot(&s, ECALL(&s) + 10));
  REFUSED("sbrk of registers that are none", s.code[FIND(&s, SBRK) + 1] = 13);
  REFUSED("sbrk of registers that are none", s.code[FIND(&s, SBRK) + 2] = 13);
  REFUSED("a leave with a pc that is none", s.code[n->gas_stubs - 9] = 0x7f); /* the panic of a jump */
  REFUSED("a leave without a pc", s.code[n->gas_stubs - 10] = 0xb9);
  /* Pushed and popped: the product of a signed and an unsigned number. */
  REFUSED("a look at the stack where nothing was pushed", s.code[FIND(&s, "\x52\x48\x89")] = FILLER);
  REFUSED("a pop of less than 64 bits", write_at(&s, FIND(&s, SLOT), "\x50\x66\x58\x58\x99\x99\x99\x99\x99\x99", 10));
  REFUSED("a branch with something on the stack",
          write_at(&s, FIND(&s, SLOT), "\x50\x72\x00\x58\x99\x99\x99\x99\x99\x99", 10));
  REFUSED("a branch into what belongs together",
          write_at(&s, FIND(&s, SLOT), "\x72\x01\x50\x99\x58\x99\x99\x99\x99\x99", 10));
  assert_int_equal(failures, 0);
}

static int setup(void **state) {
  failures = 0;
  return test_setup(state);
}
#define verify_case(name) cmocka_unit_test_setup_teardown(name, setup, test_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      verify_case(what_is_made_is_accepted),   verify_case(other_instructions_are_refused),
      verify_case(charges_are_as_noted),       verify_case(dynamic_jumps_are_checked),
      verify_case(accesses_are_noted),         verify_case(checks_belong_to_their_accesses),
      verify_case(stubs_have_their_arguments),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void no_verifier_in_this_build(void **state) { (void)state; }

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(no_verifier_in_this_build)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
