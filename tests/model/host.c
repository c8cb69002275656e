/*
 * The scripts' host functions, for the model. One function, which copies a slot (from φ[9] to φ[10]) and 8 bytes of memory
 * (from φ[11] to φ[12]), charges φ[8] mod 64, and answers what it could do in φ[7]; how it ends is in the number. The other
 * side is in real.c.
 */
#include <string.h>

#include "model/world.h"

/* Stand-ins for what the function has asked for; they are done when it has ended. */
static uint64_t ask(m_world *w, m_entry *e, uint32_t index) {
  uint64_t done = 0, word;
  uint32_t fault;
  m_path from, to;
  const m_value *cap;
  uint64_t charge = e->regs[8] % 64;
  if (m_path_of(w, e->regs[9], &from) && m_slot_read(w, e, from.slot, from.length, &cap)) {
    done |= 1;
    if (m_path_of(w, e->regs[10], &to) && m_may_change(w, e, &to) && m_slot_write(w, e, &to, cap)) done |= 2;
  }
  if (m_may(&e->memory, (uint32_t)e->regs[11], 8, false, &fault)) {
    done |= 4;
    m_read(&e->memory, (uint32_t)e->regs[11], &word, 8);
    if (m_may(&e->memory, (uint32_t)e->regs[12], 8, true, &fault)) {
      done |= 8;
      m_write(&e->memory, (uint32_t)e->regs[12], &word, 8);
    }
  }
  if (charge <= *m_gas_of(w, (int)index)) {
    done |= 16;
    m_charge(w, (int)index, (int64_t)charge);
  }
  return done;
}

m_then m_host_function(m_world *w, m_entry *e, uint32_t number) {
  if (number > 67) return m_refuse(w, JAVM_REFUSAL_NO_HOST_FUNCTION);
  if (number == 66) return m_refuse(w, JAVM_REFUSAL_HOST);
  e->regs[7] = ask(w, e, (uint32_t)m_runs_in(w, w->depth - 1));
  if (number == 64) return M_GO_ON;
  if (number == 67) return M_HALTS;
  e->refused_operation = number; /* should the host give it up */
  javm_hash payload = {{0}};
  if (e->slots[0]) payload = m_hash_of(e->slots[0]);
  m_pause(w, M_HOST, number, JAVM_PAUSE_HOST_CALL, &payload);
  return M_LEAVES;
}
