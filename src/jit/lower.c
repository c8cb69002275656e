/*
 * Lowering of the instructions that access memory or transfer control, decoded. Those that are frequent have a way of their own
 * in pass.c.
 */
#include "jit/lower.h"

#if JV_HAS_RECOMPILER

#define X (&c->x)

/* -------------------------------------------------------------------------------------------------- guest memory */

static uint8_t *put_number(uint8_t *out, uint32_t n) {
  for (; n >= 0x80; n >>= 7) *out++ = (uint8_t)(n | 0x80);
  *out++ = (uint8_t)n;
  return out;
}

void jv_note_far_access(jv_compiler *c, uint32_t at, uint32_t pc) {
  jv_native *n = c->native;
  if (c->until_mark == 0) {
    n->marks[n->mark_count++] = (jv_mark){at, pc, (uint32_t)n->access_count};
    c->until_mark = JV_MARK_EVERY;
  } else {
    uint8_t *out = put_number(n->accesses + n->access_count, at - c->last_at);
    n->access_count = (size_t)(put_number(out, pc - c->last_pc) - n->accesses);
  }
}

const jv_access_form jv_access_forms[256] = {
#define FORM_LOAD(absolute, indirect, form, log)                                                                       \
  [JV_OP_##absolute] = {form, log, 0, JV_ABSOLUTE}, [JV_OP_##indirect] = {form, log, 0, JV_AT_B},
#define FORM_STORE(bits, log, imm, absolute, imm_indirect, indirect)                                                   \
  [JV_OP_##imm] = {X64_STORE_IMM_##bits, log, 1, JV_ABSOLUTE},                                                         \
  [JV_OP_##absolute] = {X64_STORE_##bits, log, 1, JV_ABSOLUTE},                                                        \
  [JV_OP_##imm_indirect] = {X64_STORE_IMM_##bits, log, 1, JV_AT_A},                                                    \
  [JV_OP_##indirect] = {X64_STORE_##bits, log, 1, JV_AT_B},
    FORM_LOAD(load_u8, load_ind_u8, X64_LOAD_U8, 0) FORM_LOAD(load_i8, load_ind_i8, X64_LOAD_I8, 0)
        FORM_LOAD(load_u16, load_ind_u16, X64_LOAD_U16, 1) FORM_LOAD(load_i16, load_ind_i16, X64_LOAD_I16, 1)
            FORM_LOAD(load_u32, load_ind_u32, X64_LOAD_U32, 2) FORM_LOAD(load_i32, load_ind_i32, X64_LOAD_I32, 2)
                FORM_LOAD(load_u64, load_ind_u64, X64_LOAD_U64, 3)
                    FORM_STORE(8, 0, store_imm_u8, store_u8, store_imm_ind_u8, store_ind_u8)
                        FORM_STORE(16, 1, store_imm_u16, store_u16, store_imm_ind_u16, store_ind_u16)
                            FORM_STORE(32, 2, store_imm_u32, store_u32, store_imm_ind_u32, store_ind_u32)
                                FORM_STORE(64, 3, store_imm_u64, store_u64, store_imm_ind_u64, store_ind_u64)};

/* The access itself. With checks, the host's address is in rdx. */
static void put_access(jv_x64 *x, bool has_checks, const jv_decoded *i) {
  const jv_access_form *form = &jv_access_forms[i->op];
  const jv_x64_access *m = &form->access;
  unsigned reg = m->imm_count ? 0 : jv_host_reg(i->a);
  if (has_checks) x64_at_rdx(x, m, reg);
  else if (form->place == JV_ABSOLUTE) x64_guest_absolute(x, m, reg, (uint32_t)i->x);
  else x64_guest_at(x, m, reg, jv_host_reg(form->place == JV_AT_A ? i->a : i->b), (uint32_t)i->x);
  x64_access_imm(x, m, (uint32_t)i->y);
}

void jv_lower_memory(jv_compiler *c, const jv_decoded *i, uint32_t pc) {
  const jv_access_form *form = &jv_access_forms[i->op];
  if (c->native->has_checks) {
    if (form->place == JV_ABSOLUTE) x64_mov_imm(X, RDX, (uint32_t)i->x);
    else x64_lea_edx(X, jv_host_reg(form->place == JV_AT_A ? i->a : i->b), (int32_t)(uint32_t)i->x);
    jv_note_access(c, x64_here(X), pc);
    x64_call_to(X, c->native->stubs.check[form->write][form->log_bytes]);
  } else {
    jv_note_access(c, x64_here(X), pc);
  }
  put_access(X, c->native->has_checks, i);
}

uint32_t jv_access_bytes(const jv_native *n, const jv_decoded *i) {
  uint8_t scratch[JV_X64_ROOM];
  jv_x64 x = {scratch, scratch};
  if (n->has_checks) x64_call(&x);
  put_access(&x, n->has_checks, i);
  return x64_here(&x);
}

/* ------------------------------------------------------------------------------------------------------- control */

#define FRAME_JUMP_PC 0
#define FRAME_TABLE 8
_Static_assert(offsetof(jv_frame, jump_pc) == FRAME_JUMP_PC && offsetof(jv_frame, table) == FRAME_TABLE, "frame");

/* To the address in edx. Turned right by one, an odd one is out of the table's range; entry 0 of the table is no target. */
static void jump_dynamic(jv_compiler *c, uint32_t pc) {
  x64_store_imm(X, 0, RSP, FRAME_JUMP_PC, pc);
  x64_shift_imm(X, SH_ROR, 0, RDX, 1);
  x64_alu_imm(X, ALU_CMP, 0, RDX, (int32_t)c->program->code.jump_count);
  x64_patch(X, x64_jcc(X, CC_A), c->native->stubs.bad_jump);
  x64_shift_imm(X, SH_SHL, 0, RDX, 3);
  x64_alu_load(X, ALU_ADD, 1, RDX, RSP, FRAME_TABLE);
  x64_jmp_mem(X, RDX, 0);
}

static void call_with(jv_compiler *c, uint32_t stub, uint64_t argument) {
  x64_mov_imm(X, RDX, argument);
  x64_call_to(X, stub);
}

void jv_lower_control(jv_compiler *c, const jv_decoded *i, uint32_t pc) {
  const jv_stubs *stubs = &c->native->stubs;
  jv_x64_reg a = jv_host_reg(i->a), b = jv_host_reg(i->b);
  switch (i->op) {
    case JV_OP_jump_ind:
      x64_lea(X, 0, RDX, a, (int32_t)(uint32_t)i->x);
      jump_dynamic(c, pc);
      break;
    case JV_OP_load_imm_jump_ind:
      x64_lea(X, 0, RDX, b, (int32_t)(uint32_t)i->y);
      x64_mov_imm(X, a, i->x);
      jump_dynamic(c, pc);
      break;
    case JV_OP_sbrk: call_with(c, stubs->sbrk, (uint64_t)i->a << 8 | i->d); break;
    case JV_OP_ecall:
    case JV_OP_ecalli:
      call_with(c, i->op == JV_OP_ecall ? stubs->ecall : stubs->ecalli,
                jv_pack_ecall(pc + 1 + i->skip, (uint32_t)i->x));
      break;
    default: break; /* in pass.c */
  }
}

#else

typedef int jv_no_lowering; /* an empty file is not C */

#endif
