/* The machine, as far as scripts need it (1-machine.md, 2-gas.md). */
#include <string.h>

#include "model/world.h"

enum { INSTRUCTIONS_MAX = 2000000, BYTES_MAX = 200 << 20 }; /* of one script */

/* The place of the instruction at pc; insn_count: none. */
static uint32_t place_of(const m_image *image, uint32_t pc) {
  uint32_t low = 0, high = image->insn_count;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (image->insns[middle].pc < pc) low = middle + 1;
    else high = middle;
  }
  return low < image->insn_count && image->insns[low].pc == pc ? low : image->insn_count;
}

/* Pays for what stands at pc; false: it can't, or the mark is reached (exit.number). */
static bool pay(m_world *w, int index, uint32_t cost, javm_exit *exit) {
  m_entry *e = w->stack[index];
  if (e->paid) return true;
  if (w->gas_model == JAVM_GAS_NONE) cost = 0;
  bool enough = *m_gas_of(w, index) >= cost, marked = w->position > w->gas_mark || cost > w->gas_mark - w->position;
  if (!enough) *exit = (javm_exit){.kind = JAVM_EXIT_OUT_OF_GAS};
  else if (marked && cost) *exit = (javm_exit){.kind = JAVM_EXIT_HOST_CALL, .number = 1};
  if (!enough || (marked && cost)) return false;
  m_charge(w, index, cost);
  e->paid = true;
  return true;
}

typedef enum went { ON, TO_BLOCK, OUT } went;

static went ended(javm_exit *exit, javm_exit_kind kind, uint32_t address) {
  *exit = (javm_exit){.kind = kind, .address = address};
  return OUT;
}

/* Jumps to a block start: the scripts' jumps all do. */
static went jump(m_entry *e, uint32_t target) {
  e->pc = target;
  return TO_BLOCK;
}

static went access_memory(m_entry *e, const m_insn *i, javm_exit *exit) {
  uint32_t fault, address = (uint32_t)i->x;
  if (!m_may(&e->memory, address, 8, i->op == M_STORE, &fault)) return ended(exit, JAVM_EXIT_PAGE_FAULT, fault);
  if (i->op == M_STORE) m_write(&e->memory, address, &e->regs[i->a], 8);
  else m_read(&e->memory, address, &e->regs[i->a], 8);
  e->pc = i->next;
  return ON;
}

static went ecall(m_world *w, m_entry *e, const m_insn *i, javm_exit *exit) {
  e->pc = i->next;
  uint64_t number = i->op == M_ECALLI ? i->x : e->regs[11];
  w->operation = (uint32_t)number;
  m_then then = m_operation(w, e, number);
  if (then != M_REFUSED && number < 80) w->operations[number]++;
  switch (then) {
    case M_GO_ON: return TO_BLOCK;
    case M_HALTS: e->paid = false; return ended(exit, JAVM_EXIT_HALT, 0);
    case M_LEAVES: e->paid = false; return ended(exit, JAVM_EXIT_HOST_CALL, 0);
    case M_REFUSED:
      e->pc = i->pc;
      e->refusal = w->refusal;
      e->refused_operation = w->operation;
      return ended(exit, JAVM_EXIT_TRAP, 0);
    default: e->pc = i->pc; return ended(exit, JAVM_EXIT_ERROR, 0); /* it waits for quota */
  }
}

static went step(m_world *w, m_entry *e, const m_insn *i, javm_exit *exit) {
  uint64_t *regs = e->regs;
  uint32_t here = e->pc;
  e->pc = i->next;
  switch ((m_op)i->op) {
    case M_FALLTHROUGH:
    case M_UNLIKELY: return TO_BLOCK;
    case M_ECALL:
    case M_ECALLI: return ecall(w, e, i, exit);
    case M_LOAD_IMM:
    case M_LOAD_IMM_64: regs[i->a] = i->x; return ON;
    case M_MOVE: regs[i->d] = regs[i->a]; return ON;
    case M_ADD: regs[i->d] = regs[i->a] + regs[i->b]; return ON;
    case M_ADD_IMM: regs[i->a] = regs[i->b] + i->x; return ON;
    case M_SBRK: regs[i->d] = m_sbrk(&e->memory, regs[i->a]); return ON;
    case M_JUMP: return jump(e, i->target);
    case M_BRANCH_EQ: return regs[i->a] == i->x ? jump(e, i->target) : TO_BLOCK;
    case M_BRANCH_NE: return regs[i->a] != i->x ? jump(e, i->target) : TO_BLOCK;
    case M_STORE:
    case M_LOAD: e->pc = here; return access_memory(e, i, exit);
    case M_JUMP_IND:
      e->pc = here;
      return ended(exit, (uint32_t)(regs[i->a] + i->x) == 0xffff0000u ? JAVM_EXIT_HALT : JAVM_EXIT_PANIC, 0);
    case M_INVALID: e->pc = here; return ended(exit, JAVM_EXIT_PANIC, 0);
    default: e->pc = here; return ended(exit, JAVM_EXIT_TRAP, 0);
  }
}

javm_exit m_run(m_world *w, int index) {
  m_entry *e = w->stack[index];
  javm_exit exit = {.kind = JAVM_EXIT_TRAP};
  const m_image *image = &e->image->as.image;
  const m_program *program = m_program_of(w, e->image, e->load_cycles);
  m_choose_gas(w, index);
  e->refusal = JAVM_REFUSAL_NONE;
  uint32_t at = place_of(image, e->pc);
  for (;;) {
    if (at == image->insn_count || ++w->instructions > INSTRUCTIONS_MAX || m_used() > BYTES_MAX) {
      w->instructions_end = true;
      break;
    }
    if (!pay(w, index, w->gas_model == JAVM_GAS_INSTRUCTION ? 1 : program->costs[at], &exit)) break;
    went how = step(w, e, &image->insns[at], &exit);
    if (how == OUT) break;
    if (how == TO_BLOCK || w->gas_model == JAVM_GAS_INSTRUCTION) e->paid = false;
    at = e->pc == image->insns[at].next ? at + 1 : place_of(image, e->pc);
  }
  if (w->gas_model == JAVM_GAS_INSTRUCTION) e->paid = false; /* nothing is paid ahead */
  if (w->gas_model == JAVM_GAS_INSTRUCTION && exit.kind == JAVM_EXIT_ERROR) m_charge(w, index, -1);
  e->gas = *m_gas_of(w, index);
  return exit;
}
