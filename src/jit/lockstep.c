/*
 * JAVM_ENGINE_BOTH: the recompiler and the interpreter in lockstep, to find where they differ.
 *
 * The state and the memory of the caller are the leader's: the recompiler as it always runs. Followers have states and memories
 * of their own, kept with the leader's: the interpreter, the same one instruction at a time, and native code of the kind
 * that the leader is not in. A turn is a block. All get just the gas that it costs, so that each comes back at the next
 * charge; the rest is held. The followers run first, then the leader, and then they are compared:
 *
 *      followers ── block ──┐                     ┌── on ──┐
 *                           ├─ compare ─ handler ─┤        ├─ compare ─ next turn
 *      leader ───── block ──┴──────── ecall ──────┴── on ──┘
 *
 * An ecall happens once, inside the leader's run, where the followers have left at it; then they take over what the handler
 * has changed. Memory: which pages are written is compared in each turn, and so are the pages that the interpreter wrote in it.
 * A stray store to another page that was written before is found by a sweep over all of them, before each ecall and exit and
 * once in so many turns as there are pages to look at: in small programs in each turn.
 *
 * A follower that runs out of memory costs nothing but the comparison: the leader has not begun the turn then.
 */
#include "jit/native.h"

#if JV_HAS_RECOMPILER

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "exec/asm_code.h"
#include "exec/decode.h"

enum { INTERPRETER, STEPWISE, OTHER_CODE };
enum { WRITTEN_MAX = 64, SWEPT_PER_TURN = 2 };

typedef struct follower {
  jv_state state;
  jv_mem *mem; /* the leader's memory keeps it from one run to the next */
  javm_exit exit;
} follower;

typedef struct lockstep {
  const javm_program *program; /* what is run: charges, even if the caller's does not */
  bool is_free;                /* the caller's does not: its gas is `held`, and stays */
  jv_state *leader;
  jv_ecall_fn handler;
  void *ctx;
  follower followers[JV_FOLLOWERS_MAX];
  unsigned count;
  uint64_t held;                 /* gas that no engine has in this turn */
  uint32_t pc;                   /* where the turn, or its part behind an ecall, began */
  uint32_t written[WRITTEN_MAX]; /* pages, by the interpreter in this turn */
  unsigned written_count;
  bool written_all;   /* there are more of them */
  size_t dirty_seen;  /* so many pages of the leader's list are the followers', too */
  uint64_t unswept;   /* turns since the last sweep */
  bool is_charged;    /* what this block charges was compared: it is at the end of the one before */
  bool handler_ended; /* the leader's exit is what the handler decided */
  bool lost;          /* a follower has no memory: nothing is compared until the turn's end */
} lockstep;

/* -------------------------------------------------------------------------------------------------------- reports */

/* What differs between the leader and one follower. */
typedef struct report {
  lockstep *l;
  const char *other;
  char *text;
  size_t used, capacity; /* used 0: nothing */
  bool is_full;
  uint32_t pc;    /* of the block that is to blame */
  uint64_t turns; /* the difference is in one of so many blocks */
} report;

/* "WHAT is MINE by the recompiler, OTHERS by the interpreter", then shorter ones; as many as there is room for. */
static JV_COLD void add(report *r, const char *what, const char *mine, const char *others) {
  char part[sizeof r->l->leader->mem->failure];
  const char *leader = r->l->leader->mem->window ? "the recompiler" : "the recompiler (with checks)";
  if (r->used) snprintf(part, sizeof part, "; %s %s, %s", what, mine, others);
  else if (r->turns > 1)
    snprintf(part, sizeof part,
             "the engines differ in one of %" PRIu64 " blocks, the last at pc 0x%" PRIx32 ": %s is %s by %s, %s by %s",
             r->turns, r->pc, what, mine, leader, others, r->other);
  else
    snprintf(part, sizeof part, "the engines differ in the block at pc 0x%" PRIx32 ": %s is %s by %s, %s by %s", r->pc,
             what, mine, leader, others, r->other);
  size_t length = strlen(part);
  if (r->is_full || r->used + length >= r->capacity) {
    r->is_full = true;
    return;
  }
  memcpy(r->text + r->used, part, length + 1);
  r->used += length;
}

enum { VALUE_BYTES = 48 };

static void same_number(report *r, const char *what, const char *format, uint64_t mine, uint64_t others) {
  if (JV_LIKELY(mine == others)) return;
  char a[VALUE_BYTES], b[VALUE_BYTES];
  bool hex = format[0] == 'x';
  snprintf(a, sizeof a, hex ? "0x%" PRIx64 : "%" PRIu64, mine);
  snprintf(b, sizeof b, hex ? "0x%" PRIx64 : "%" PRIu64, others);
  add(r, what, a, b);
}

static bool goes_on(const lockstep *l, const javm_exit *exit) {
  return exit->kind == JAVM_EXIT_OUT_OF_GAS && (l->is_free || l->held > 0);
}

static void describe(const lockstep *l, const javm_exit *exit, char text[VALUE_BYTES]) {
  const char *name = exit->kind == JAVM_EXIT_ERROR ? javm_status_text(exit->status) : javm_exit_text(exit->kind);
  if (goes_on(l, exit)) name = "its end";
  if (exit->kind == JAVM_EXIT_PAGE_FAULT) snprintf(text, VALUE_BYTES, "%s at 0x%" PRIx32, name, exit->address);
  else if (exit->kind == JAVM_EXIT_HOST_CALL) snprintf(text, VALUE_BYTES, "%s %" PRIu32, name, exit->number);
  else snprintf(text, VALUE_BYTES, "%s", name);
}

/* ------------------------------------------------------------------------------------------------------ comparing */

static const uint8_t *bytes_at(const jv_mem *m, uint32_t page) {
  return (const uint8_t *)(m->read[page] + (uintptr_t)page * JAVM_PAGE_BYTES);
}

static void same_exit(report *r, const javm_exit *mine, const javm_exit *others) {
  if (JV_LIKELY(mine->kind == others->kind && mine->address == others->address && mine->number == others->number &&
                mine->status == others->status))
    return;
  char a[VALUE_BYTES], b[VALUE_BYTES];
  describe(r->l, mine, a);
  describe(r->l, others, b);
  add(r, "what it comes to", a, b);
}

/* A charge that leaves is undone, by the cost in a table: if only the gas differs there, the charge is another one. */
static bool is_next_charge(const lockstep *l, const javm_exit *exit, const follower *f) {
  const jv_state *s = l->leader, *o = &f->state;
  return l->is_charged && exit->kind == JAVM_EXIT_OUT_OF_GAS && f->exit.kind == exit->kind && s->pc == o->pc &&
         s->gas != o->gas && memcmp(s->regs, o->regs, sizeof s->regs) == 0;
}

static void same_state(report *r, const jv_state *s, const jv_state *o) {
  const lockstep *l = r->l;
  uint64_t held = l->is_free ? 0 : l->held;
  same_number(r, l->is_free ? "the charge's rest" : "gas", "d", s->gas + held, o->gas + held);
  same_number(r, "pc", "x", s->pc, o->pc);
  for (unsigned k = 0; k < JAVM_REG_COUNT; k++) {
    if (JV_LIKELY(s->regs[k] == o->regs[k])) continue;
    char what[VALUE_BYTES];
    snprintf(what, sizeof what, "register %s", jv_reg_names[k]);
    same_number(r, what, "x", s->regs[k], o->regs[k]);
  }
  if (s->paid != o->paid) add(r, "the block", s->paid ? "paid" : "not paid", o->paid ? "paid" : "not paid");
  if (l->program->counts_instructions) same_number(r, "the instruction count", "d", s->instructions, o->instructions);
  same_number(r, "the heap's end", "x", s->mem->heap_end, o->mem->heap_end);
}

/* Pages that only `m` has written, from its list's entry `from` on. */
static void only_dirty(report *r, const jv_mem *m, const jv_mem *other, size_t from, bool is_leader) {
  for (size_t i = from; i < m->dirty_count; i++) {
    if (JV_LIKELY(other->write[m->dirty[i].page])) continue;
    char what[VALUE_BYTES];
    snprintf(what, sizeof what, "page 0x%" PRIx32, m->dirty[i].page * JAVM_PAGE_BYTES);
    add(r, what, is_leader ? "written" : "not written", is_leader ? "not written" : "written");
    return;
  }
}

static void same_dirty_pages(report *r, const jv_mem *m, const jv_mem *o) {
  only_dirty(r, m, o, r->l->dirty_seen, true);
  if (m->dirty_count != o->dirty_count) only_dirty(r, o, m, 0, false);
}

/* False: it is not. Pages that one of them has not written are told apart by same_dirty_pages. */
static bool same_page(report *r, const jv_mem *m, const jv_mem *o, uint32_t page) {
  if (!m->write[page] || !o->write[page]) return true;
  const uint8_t *a = bytes_at(m, page), *b = bytes_at(o, page);
  if (JV_LIKELY(memcmp(a, b, JAVM_PAGE_BYTES) == 0)) return true;
  char what[VALUE_BYTES];
  uint32_t at = 0;
  while (a[at] == b[at]) at++;
  snprintf(what, sizeof what, "the byte at 0x%" PRIx32, page * JAVM_PAGE_BYTES + at);
  same_number(r, what, "x", a[at], b[at]);
  return false;
}

static void same_memory(report *r, const jv_mem *m, const jv_mem *o, bool sweeps) {
  const lockstep *l = r->l;
  same_dirty_pages(r, m, o);
  for (unsigned i = 0; i < l->written_count; i++)
    if (!same_page(r, m, o, l->written[i])) return;
  if (!sweeps) return;
  r->turns = l->unswept + 1;
  for (size_t i = 0; i < m->dirty_count; i++)
    if (!same_page(r, m, o, m->dirty[i].page)) return;
}

/* Are all as the leader, which has come to this? If not, the memory's `failure` says what differs. */
static bool same(lockstep *l, const javm_exit *exit) {
  static const char *const names[] = {"the interpreter", "the interpreter (step by step)"};
  jv_mem *m = l->leader->mem;
  bool sweeps = !goes_on(l, exit) || l->written_all || l->unswept >= m->dirty_count / SWEPT_PER_TURN;
  for (unsigned k = 0; k < l->count; k++) {
    follower *f = &l->followers[k];
    const char *name = k < OTHER_CODE ? names[k] : f->mem->window ? "the recompiler" : "the recompiler (with checks)";
    report r = {.l = l, .other = name, .text = m->failure, .capacity = sizeof m->failure, .turns = 1};
    r.pc = is_next_charge(l, exit, f) ? l->leader->pc : l->pc;
    same_exit(&r, exit, &f->exit);
    same_state(&r, l->leader, &f->state);
    same_memory(&r, m, f->mem, sweeps);
    if (r.used) return false;
  }
  l->dirty_seen = m->dirty_count;
  l->is_charged = true;
  l->unswept = sweeps ? 0 : l->unswept + 1;
  l->written_count = 0;
  l->written_all = false;
  return true;
}

/* ------------------------------------------------------------------------------------------------ following memory */

static bool same_regions(const jv_mem *m, const jv_mem *o) {
  if (m->region_count != o->region_count) return false;
  return m->region_count == 0 || memcmp(m->regions, o->regions, m->region_count * sizeof *m->regions) == 0;
}

/* Empty, with the leader's regions. */
static bool begin_again(jv_mem *m, const jv_mem *leader) {
  jv_mem_reset(m);
  if (!jv_grow(m->allocator, &m->regions, &m->region_capacity, leader->region_count, sizeof *m->regions)) return false;
  if (leader->region_count) memcpy(m->regions, leader->regions, leader->region_count * sizeof *m->regions);
  m->region_count = leader->region_count;
  return true;
}

/* Has the leader forgotten pages that this memory has? (A region was declared over them.) */
static bool has_stale_pages(const jv_mem *m, const jv_mem *leader) {
  for (size_t i = 0; i < m->host_page_count; i++) {
    uint32_t page = m->host_pages[i].page;
    if (!leader->read[page] || memcmp(bytes_at(m, page), bytes_at(leader, page), JAVM_PAGE_BYTES) != 0) return true;
  }
  return m->dirty_count != leader->dirty_count;
}

/* All that was written, by guest or host. */
static bool copy_pages(jv_mem *m, const jv_mem *leader) {
  for (size_t i = 0; i < leader->dirty_count; i++) {
    uint32_t page = leader->dirty[i].page;
    const uint8_t *bytes = bytes_at(leader, page);
    if (m->write[page] && memcmp(bytes_at(m, page), bytes, JAVM_PAGE_BYTES) == 0) continue;
    if (jv_mem_write(m, page * JAVM_PAGE_BYTES, bytes, JAVM_PAGE_BYTES) != JV_TOUCH_OK) return false;
  }
  for (size_t i = 0; i < leader->host_page_count; i++) {
    uint32_t page = leader->host_pages[i].page;
    const uint8_t *bytes = bytes_at(leader, page);
    if (m->read[page] && memcmp(bytes_at(m, page), bytes, JAVM_PAGE_BYTES) == 0) continue;
    if (jv_mem_poke(m, page * JAVM_PAGE_BYTES, bytes, JAVM_PAGE_BYTES) != JV_TOUCH_OK) return false;
  }
  return true;
}

static void follow_fields(jv_mem *m, const jv_mem *leader) {
  m->heap_end = leader->heap_end;
  m->heap_limit = leader->heap_limit;
  m->frozen = leader->frozen;
  m->frozen_ctx = leader->frozen_ctx;
}

static bool follow_memory(jv_mem *m, const jv_mem *leader) {
  if (!same_regions(m, leader) && !begin_again(m, leader)) return false;
  follow_fields(m, leader);
  if (!copy_pages(m, leader)) return false;
  if (!has_stale_pages(m, leader)) return true;
  if (!begin_again(m, leader)) return false;
  follow_fields(m, leader);
  return copy_pages(m, leader);
}

/* The followers become as the leader; false: out of memory. */
static bool follow(lockstep *l) {
  for (unsigned k = 0; k < l->count; k++) {
    follower *f = &l->followers[k];
    f->state = *l->leader;
    f->state.mem = f->mem;
    if (!follow_memory(f->mem, l->leader->mem)) return false;
  }
  l->dirty_seen = l->leader->mem->dirty_count;
  return true;
}

/* Their memories, as they are after the last run; false: out of memory. */
static bool gather(lockstep *l, unsigned wanted) {
  jv_mem *m = l->leader->mem;
  if (!m->followers) m->followers = jv_alloc(m->allocator, JV_FOLLOWERS_MAX * sizeof *m->followers);
  if (!m->followers) return false;
  for (; m->follower_count < wanted; m->follower_count++)
    if (jv_mem_init(&m->followers[m->follower_count], m->allocator) != JAVM_OK) return false;
  for (; l->count < wanted; l->count++) {
    l->followers[l->count].mem = &m->followers[l->count];
    m->followers[l->count].wraps = 0;
  }
  return true;
}

/* -------------------------------------------------------------------------------------------------------- running */

static void note_written(lockstep *l, uint32_t page) {
  for (unsigned i = 0; i < l->written_count; i++)
    if (l->written[i] == page) return;
  if (l->written_count == WRITTEN_MAX) l->written_all = true;
  else l->written[l->written_count++] = page;
}

/* One instruction after the other, and notes what they write. */
static javm_exit run_stepwise(lockstep *l, jv_state *s) {
  for (;;) {
    jv_decoded i;
    unsigned bytes;
    bool write, limit_reached;
    jv_decode(&l->program->code, s->pc, &i);
    uint32_t address = jv_access_of(&i, s->regs, &bytes, &write);
    if (bytes && write) {
      note_written(l, address / JAVM_PAGE_BYTES);
      note_written(l, (uint32_t)(address + bytes - 1) / JAVM_PAGE_BYTES);
    }
    javm_exit exit = jv_run_stepwise(l->program, s, NULL, NULL, 1, &limit_reached);
    if (!limit_reached) return exit;
  }
}

/* In the kind of code that the leader is not in. */
static javm_exit run_other_code(lockstep *l, follower *f) {
  javm_exit error = {.kind = JAVM_EXIT_ERROR, .status = JAVM_OUT_OF_MEMORY};
  bool checks = l->leader->mem->window != NULL;
  if (checks && jv_mem_close_window(f->mem) != JAVM_OK) return error;
  return jv_native_run_in(l->program, &f->state, NULL, NULL, checks ? JV_CODE_WITH_CHECKS : JV_CODE_WITH_WINDOW);
}

/* To the end of the block, or to an ecall in it; false: out of memory. */
static bool run_followers(lockstep *l) {
  for (unsigned k = 0; k < l->count; k++) {
    follower *f = &l->followers[k];
    if (k == INTERPRETER) f->exit = jv_interpret(l->program, &f->state, NULL, NULL);
    else if (k == STEPWISE) f->exit = run_stepwise(l, &f->state);
    else f->exit = run_other_code(l, f);
    if (f->exit.kind == JAVM_EXIT_ERROR && f->exit.status == JAVM_OUT_OF_MEMORY) return false;
  }
  return true;
}

/* Gives the leader no more than `most` of this gas, and holds the rest. */
static void give_gas(lockstep *l, uint64_t gas, uint64_t most) {
  jv_state *s = l->leader;
  s->gas = l->is_free || gas > most ? most : gas;
  l->held = l->is_free ? gas : gas - s->gas;
}

static uint64_t all_gas(const lockstep *l) { return l->is_free ? l->held : l->leader->gas + l->held; }

/* The leader's ecalls: the followers stand at the same, or differ. */
static javm_ecall_action on_ecall(void *ctx, jv_state *s, javm_ecall_kind kind, uint32_t immediate) {
  lockstep *l = ctx;
  javm_exit here = {.kind = kind == JAVM_ECALL ? JAVM_EXIT_ECALL : JAVM_EXIT_HOST_CALL, .number = immediate};
  l->handler_ended = true;
  if (!l->lost && !same(l, &here)) {
    s->mem->status = JAVM_INTERNAL;
    return JAVM_ECALL_FAIL;
  }
  uint64_t left = s->gas, held = l->held;
  s->gas = all_gas(l);
  javm_ecall_action action = l->handler(l->ctx, s, kind, immediate);
  if (action == JV_ECALL_RETURNED) action = JAVM_ECALL_CONTINUE;
  give_gas(l, s->gas, left);
  if (action == JAVM_ECALL_FAIL) l->held = held;
  if (action != JAVM_ECALL_CONTINUE) return action;
  l->handler_ended = false;
  l->pc = s->pc;
  if (!l->lost) l->lost = !follow(l) || !run_followers(l);
  return action;
}

/* What the block, or its rest, costs: all that comes before the next charge. */
static uint64_t cost_of_turn(const javm_program *p, const jv_state *s) {
  if (!jv_is_block_model(p)) return jv_left_in_region(&p->code, s->pc);
  return s->paid ? 0 : jv_gas_block_cost(&p->code, p->gas_model, p->load_cycles, s->pc);
}

static javm_exit fail(lockstep *l, javm_status status) {
  l->leader->mem->status = status;
  return (javm_exit){.kind = JAVM_EXIT_ERROR, .status = status};
}

/* One turn; true: it ended the run. */
static bool turn(lockstep *l, javm_exit *exit) {
  jv_state *s = l->leader;
  l->pc = s->pc;
  l->is_charged |= s->paid;
  give_gas(l, s->gas, l->is_charged ? cost_of_turn(l->program, s) : 0); /* the first is only to charge, and leave */
  for (unsigned k = 0; k < l->count; k++) l->followers[k].state.gas = s->gas;
  if (!run_followers(l)) {
    s->gas = all_gas(l);
    *exit = fail(l, JAVM_OUT_OF_MEMORY);
    return true;
  }
  *exit = jv_native_run_in(l->program, s, l->handler ? on_ecall : NULL, l, JV_CODE_AS_USUAL);
  bool ends = l->handler_ended || !goes_on(l, exit);
  bool compares =
      !l->handler_ended && !l->lost && !(exit->kind == JAVM_EXIT_ERROR && exit->status == JAVM_OUT_OF_MEMORY);
  bool differs = compares && !same(l, exit);
  s->gas = all_gas(l);
  if (differs) *exit = fail(l, JAVM_INTERNAL);
  else if (!ends && l->lost) *exit = fail(l, JAVM_OUT_OF_MEMORY);
  return ends || differs || l->lost;
}

javm_exit jv_lockstep_run(const javm_program *p, jv_state *s, jv_ecall_fn handler, void *ctx) {
  lockstep l = {.program = p->charged ? p->charged : p,
                .is_free = p->charged != NULL,
                .leader = s,
                .handler = handler,
                .ctx = ctx};
  javm_exit exit = fail(&l, JAVM_OUT_OF_MEMORY);
  unsigned wanted = p->explicit_checks ? OTHER_CODE : JV_FOLLOWERS_MAX;
  s->mem->failure[0] = '\0';
  if (gather(&l, wanted) && follow(&l))
    while (!turn(&l, &exit)) continue;
  return exit;
}

#else

javm_exit jv_lockstep_run(const javm_program *p, jv_state *s, jv_ecall_fn handler, void *ctx) {
  return jv_interpret(p, s, handler, ctx);
}

#endif
