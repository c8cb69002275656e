/* See compare.h. */
#include "compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/engine.h"
#include "exec/gas.h"
#include "jit/native.h"
#include "oracle.h"

#define CONTENT_PAGES 32
#define ECALLS_MAX 40
#define SPARE_PAGES 64

/* What is compared with the oracle, which stands behind them where it has a place of its own. */
enum { INTERPRETER, STEPWISE, RECOMPILER, CHECKED, BOTH, ENGINE_COUNT, ORACLE = ENGINE_COUNT };
static const char *const engine_names[] = {"interpreter", "stepwise", "recompiler", "recompiler with checks",
                                           "both in lockstep"};

struct fuzz_rig {
  jv_mem mem[ENGINE_COUNT];
  jv_page *spare[SPARE_PAGES];
  size_t spare_count;
  oracle_own_page own[ORACLE_OWN_PAGES_MAX];
  uint8_t content[CONTENT_PAGES * JAVM_PAGE_BYTES];
  javm_program *program[ENGINE_COUNT]; /* loaded last; some stand here more than once */
  bool counts_instructions;            /* native code does */
  uint32_t *costs;                     /* of its blocks, for the oracle */
  size_t costs_capacity;
  fuzz_counts counts;
};

fuzz_rig *fuzz_rig_new(void) {
  fuzz_rig *rig = calloc(1, sizeof *rig);
  if (!rig) return NULL;
  rng r = {1};
  for (size_t k = 0; k < sizeof rig->content; k++) rig->content[k] = (uint8_t)rng_next(&r);
  for (unsigned k = 0; k < ENGINE_COUNT; k++) {
    if (jv_mem_init(&rig->mem[k], javm_allocator_default()) != JAVM_OK) {
      fuzz_rig_free(rig);
      return NULL;
    }
    rig->mem[k].spare = rig->spare;
    rig->mem[k].spare_count = &rig->spare_count;
    rig->mem[k].spare_capacity = SPARE_PAGES;
  }
  return rig;
}

void fuzz_rig_free(fuzz_rig *rig) {
  if (!rig) return;
  for (unsigned k = 0; k < ENGINE_COUNT; k++) jv_mem_free(&rig->mem[k]);
  while (rig->spare_count) jv_page_release(javm_allocator_default(), rig->spare[--rig->spare_count]);
  for (unsigned k = 0; k < ENGINE_COUNT; k++) javm_program_release(rig->program[k]);
  free(rig->costs);
  free(rig);
}

const fuzz_counts *fuzz_rig_counts(const fuzz_rig *rig) { return &rig->counts; }

/* ----------------------------------------------------------------------------------------- what the handler does */

typedef struct deed {
  javm_ecall_action action;
  unsigned reg;
  uint64_t value;
  enum { GAS_KEEP, GAS_ADD, GAS_TAKE } gas_change;
  uint32_t gas;
  enum { MEM_NONE, MEM_WRITE, MEM_POKE, MEM_READ, MEM_SBRK } mem;
  uint32_t address, size;
  uint8_t bytes[48];
  bool set_pc;
  uint32_t pc;
} deed;

static uint32_t some_address(const fuzz_case *c, rng *r) {
  if (c->region_count == 0 || rng_once_in(r, 10)) return (uint32_t)rng_edge(r);
  const fuzz_region *g = &c->regions[rng_below(r, c->region_count)];
  uint32_t page = g->first_page + rng_below(r, g->page_count + 1);
  return page * JAVM_PAGE_BYTES + (rng_once_in(r, 2) ? rng_below(r, JAVM_PAGE_BYTES) : rng_below(r, 17) - 8);
}

static uint32_t some_pc(const fuzz_case *c, rng *r) {
  uint32_t size = (uint32_t)c->code.code_bytes;
  if (rng_once_in(r, 30)) return (uint32_t)rng_edge(r);
  uint32_t pc = rng_below(r, size + 2);
  if (rng_once_in(r, 4)) return pc;
  for (uint32_t k = 0; k < 64 && pc > 0 && !oracle_is_block_start(&c->code, pc); k++) pc--;
  return pc;
}

static void choose_memory(const fuzz_case *c, rng *r, deed *d) {
  d->mem = 1 + rng_below(r, 4);
  d->address = some_address(c, r);
  d->size = rng_below(r, sizeof d->bytes + 1);
  for (unsigned k = 0; k < sizeof d->bytes; k++) d->bytes[k] = (uint8_t)rng_next(r);
  if (d->mem == MEM_SBRK) d->value = rng_once_in(r, 8) ? rng_edge(r) : rng_below(r, 3 * JAVM_PAGE_BYTES);
}

static deed choose_deed(const fuzz_case *c, unsigned ordinal) {
  rng r = {c->seed + ordinal * 0x1000};
  deed d = {.action = JAVM_ECALL_CONTINUE};
  uint32_t dice = rng_below(&r, 32);
  if (dice == 0 || ordinal > ECALLS_MAX) d.action = JAVM_ECALL_HALT;
  else if (dice == 1) d.action = JAVM_ECALL_REFUSE;
  else if (dice <= 8) d.action = JAVM_ECALL_LEAVE;
  else if (dice <= 10) d.action = JAVM_ECALL_FAIL;
  if (d.action == JAVM_ECALL_FAIL) return d; /* "the state is as before the instruction" */
  d.reg = rng_below(&r, JAVM_REG_COUNT + 3);
  d.value = rng_edge(&r);
  d.gas_change = rng_once_in(&r, 3) ? 1 + rng_below(&r, 2) : GAS_KEEP;
  d.gas = rng_below(&r, 100);
  if (rng_once_in(&r, 3)) choose_memory(c, &r, &d);
  if (d.action == JAVM_ECALL_LEAVE) d.set_pc = rng_once_in(&r, 8);
  d.pc = some_pc(c, &r);
  return d;
}

typedef struct watch {
  const fuzz_case *c;
  bool counts_instructions;
  unsigned ecalls;
  uint64_t digest; /* of all that the handler saw */
} watch;

static void see(watch *w, uint64_t v) { w->digest = (w->digest ^ v) * 0x100000001b3u + (w->digest >> 29); }

static deed see_ecall(watch *w, const uint64_t *regs, uint64_t gas, uint64_t instructions, uint32_t pc,
                      javm_ecall_kind kind, uint32_t immediate) {
  for (unsigned k = 0; k < JAVM_REG_COUNT; k++) see(w, regs[k]);
  see(w, gas);
  if (w->counts_instructions) see(w, instructions);
  see(w, pc);
  see(w, (uint64_t)kind << 32 | immediate);
  return choose_deed(w->c, w->ecalls++);
}

static void change_scalars(const deed *d, uint64_t *regs, uint64_t *gas, uint32_t *pc, bool *paid) {
  if (d->reg < JAVM_REG_COUNT) regs[d->reg] = d->value;
  if (d->gas_change == GAS_ADD) *gas = *gas + d->gas < *gas ? UINT64_MAX : *gas + d->gas;
  if (d->gas_change == GAS_TAKE) *gas -= *gas < d->gas ? *gas : d->gas;
  if (!d->set_pc) return;
  *pc = d->pc;
  *paid = false;
}

static javm_ecall_action engine_handler(void *ctx, jv_state *s, javm_ecall_kind kind, uint32_t immediate) {
  watch *w = ctx;
  deed d = see_ecall(w, s->regs, s->gas, s->instructions, s->pc, kind, immediate);
  jv_touch t = JV_TOUCH_OK;
  if (d.mem == MEM_WRITE) t = jv_mem_write(s->mem, d.address, d.bytes, d.size);
  if (d.mem == MEM_POKE) t = jv_mem_poke(s->mem, d.address, d.bytes, d.size);
  if (d.mem == MEM_READ) t = jv_mem_read(s->mem, d.address, d.bytes, d.size);
  if (d.mem == MEM_READ && t == JV_TOUCH_OK) see(w, d.bytes[0] + d.bytes[d.size ? d.size - 1 : 0] * 256u);
  if (d.mem == MEM_SBRK) see(w, jv_mem_sbrk(s->mem, d.value));
  if (t != JV_TOUCH_OK) see(w, (uint64_t)t << 32 | s->mem->fault_page);
  change_scalars(&d, s->regs, &s->gas, &s->pc, &s->paid);
  bool only_results = (d.reg == 7 || d.reg == 8 || d.reg >= JAVM_REG_COUNT) && d.gas_change == GAS_KEEP;
  return only_results && d.action == JAVM_ECALL_CONTINUE && d.value % 4 ? JV_ECALL_RETURNED : d.action;
}

static javm_ecall_action oracle_handler(void *ctx, oracle *o, javm_ecall_kind kind, uint32_t immediate) {
  watch *w = ctx;
  deed d = see_ecall(w, o->regs, o->gas, o->instructions, o->pc, kind, immediate);
  bool ok = true;
  if (d.mem == MEM_WRITE) ok = oracle_write(o, d.address, d.bytes, d.size, false);
  if (d.mem == MEM_POKE) ok = oracle_write(o, d.address, d.bytes, d.size, true);
  if (d.mem == MEM_READ) ok = oracle_read(o, d.address, d.bytes, d.size);
  if (d.mem == MEM_READ && ok) see(w, d.bytes[0] + d.bytes[d.size ? d.size - 1 : 0] * 256u);
  if (d.mem == MEM_SBRK) see(w, oracle_sbrk(o, d.value));
  if (!ok) see(w, (uint64_t)JV_TOUCH_FAULT << 32 | o->fault_address / JAVM_PAGE_BYTES);
  change_scalars(&d, o->regs, &o->gas, &o->pc, &o->paid);
  return d.action;
}

/* ------------------------------------------------------------------------------------------------------ printing */

static void print_bytes(const char *what, const uint8_t *bytes, size_t count) {
  fprintf(stderr, "%s", what);
  for (size_t k = 0; k < count; k++) fprintf(stderr, "%02x", bytes[k]);
  fputc('\n', stderr);
}

void fuzz_print(const fuzz_case *c) {
  fprintf(stderr, "instruction set %d, gas model %d, load cycles %" PRIu32 ", pc %" PRIu32 ", gas %" PRIu64 "\n",
          (int)c->code.isa, (int)c->gas_model, c->load_cycles, c->pc, c->gas);
  print_bytes("code ", c->code.code, c->code.code_bytes);
  print_bytes("bitmask ", c->code.bitmask, c->code.bitmask_bytes);
  fprintf(stderr, "jump table");
  for (size_t k = 0; k < c->code.jump_count; k++) fprintf(stderr, " %" PRIu32, c->code.jump_table[k]);
  fprintf(stderr, "\nregisters");
  for (unsigned k = 0; k < JAVM_REG_COUNT; k++) fprintf(stderr, " %" PRIx64, c->regs[k]);
  fprintf(stderr, "\n");
  for (unsigned k = 0; k < c->region_count; k++) {
    const fuzz_region *g = &c->regions[k];
    fprintf(stderr, "pages %05" PRIx32 " + %" PRIx32 " ", g->first_page, g->page_count);
    if (g->is_heap) fprintf(stderr, "heap up to %" PRIx32 "\n", g->heap_end);
    else fprintf(stderr, "access %d content %u, %u pages\n", (int)g->access, g->pattern, g->source_pages);
  }
  fprintf(stderr, "handler %d, seed %" PRIu64 ", rounds %u, step %u\n", c->has_handler, c->seed, c->rounds, c->step);
}

static void differ(const fuzz_case *c, const char *who, unsigned round, const char *what, uint64_t got, uint64_t want) {
  fprintf(stderr, "%s: run %u: %s: 0x%" PRIx64 " (%" PRIu64 "), other has 0x%" PRIx64 " (%" PRIu64 ")\n", who, round,
          what, got, got, want, want);
  fuzz_print(c);
}

/* ----------------------------------------------------------------------------------------------------- comparing */

typedef struct trio {
  const fuzz_case *c;
  fuzz_rig *rig;
  oracle o;
  jv_state s[ENGINE_COUNT];
  watch w[ENGINE_COUNT + 1];
  javm_exit exit[ENGINE_COUNT + 1];
} trio;

#define SAME(what, got, want)                                                                                          \
  do {                                                                                                                 \
    if ((uint64_t)(got) == (uint64_t)(want)) break;                                                                    \
    differ(t->c, who, round, what, (uint64_t)(got), (uint64_t)(want));                                                 \
    return false;                                                                                                      \
  } while (0)

static bool same_memory(const trio *t, unsigned k, const char *who, unsigned round) {
  jv_mem *m = &t->rig->mem[k];
  const oracle *o = &t->o;
  if ((t->c->seed / 16 + round) % 4 == 0) SAME("window closes", jv_mem_close_window(m), JAVM_OK);
  SAME("heap end", m->heap_end, o->heap_end);
  unsigned dirty = 0;
  for (unsigned n = 0; n < o->own_count; n++) dirty += o->own[n].dirty;
  SAME("number of dirty pages", m->dirty_count, dirty);
  for (unsigned n = 0; n < o->own_count; n++) {
    const oracle_own_page *own = &o->own[n];
    if (!own->dirty) continue;
    size_t at = 0;
    while (at < m->dirty_count && m->dirty[at].page != own->page) at++;
    if (at == m->dirty_count) SAME("dirty page", 0, own->page);
    const uint8_t *bytes = (const uint8_t *)(m->read[own->page] + (uintptr_t)own->page * JAVM_PAGE_BYTES);
    if (!m->window) SAME("place of a dirty page", (uintptr_t)bytes, (uintptr_t)m->dirty[at].bytes->bytes);
    if (memcmp(bytes, own->bytes, JAVM_PAGE_BYTES) == 0) continue;
    uint32_t b = 0;
    while (bytes[b] == own->bytes[b]) b++;
    fprintf(stderr, "memory at 0x%" PRIx32 "\n", own->page * JAVM_PAGE_BYTES + b);
    SAME("byte", bytes[b], own->bytes[b]);
  }
  return true;
}

static bool same_state(const trio *t, unsigned k, const char *who, unsigned round) {
  const jv_state *s = &t->s[k];
  const oracle *o = &t->o;
  const javm_exit *e = &t->exit[k], *want = &t->exit[ORACLE];
  if (t->rig->mem[k].failure[0]) fprintf(stderr, "%s\n", t->rig->mem[k].failure);
  SAME("exit", e->kind, want->kind);
  SAME("address", e->address, want->address);
  SAME("number", e->number, want->number);
  SAME("status", e->status, want->status);
  SAME("pc", s->pc, o->pc);
  SAME("gas", s->gas, o->gas);
  if (t->w[k].counts_instructions) SAME("instructions", s->instructions, o->instructions);
  SAME("paid", s->paid, o->paid);
  for (unsigned r = 0; r < JAVM_REG_COUNT; r++) {
    if (s->regs[r] != o->regs[r]) fprintf(stderr, "register %u\n", r);
    SAME("register", s->regs[r], o->regs[r]);
  }
  SAME("number of ecalls", t->w[k].ecalls, t->w[ORACLE].ecalls);
  SAME("what the handler saw", t->w[k].digest, t->w[ORACLE].digest);
  return same_memory(t, k, who, round);
}

static bool same_page(trio *t, uint32_t address, unsigned round) {
  static uint8_t a[JAVM_PAGE_BYTES], b[JAVM_PAGE_BYTES];
  bool readable = oracle_read(&t->o, address, b, sizeof b);
  for (unsigned k = 0; k < ENGINE_COUNT; k++) {
    const char *who = engine_names[k];
    SAME("readable", jv_mem_read(&t->rig->mem[k], address, a, sizeof a) == JV_TOUCH_OK, readable);
    if (readable) SAME("content of page", address, memcmp(a, b, sizeof a) ? address + 1 : address);
  }
  return true;
}

/* Every byte that is accessible, read as the guest. */
static bool same_content(trio *t, unsigned round) {
  uint32_t count = oracle_accessible_pages(&t->o);
  for (unsigned k = 0; k < ENGINE_COUNT; k++) {
    const char *who = engine_names[k];
    SAME("accessible pages", jv_mem_accessible_pages(&t->rig->mem[k]), count);
  }
  for (unsigned g = 0; g < t->o.region_count; g++) {
    const oracle_region *region = &t->o.regions[g];
    for (uint32_t p = 0; p < region->count && p < 24; p++)
      if (!same_page(t, (region->first + p) * JAVM_PAGE_BYTES, round)) return false;
  }
  return true;
}

static javm_status give_content(void *ctx, uint32_t index, const uint8_t **bytes, javm_hash *missing) {
  const fuzz_rig *rig = ctx;
  (void)missing;
  *bytes = rig->content + (size_t)index * JAVM_PAGE_BYTES;
  return JAVM_OK;
}

static bool add_region(trio *t, const fuzz_region *g) {
  oracle *o = &t->o;
  oracle_forget(o, g->first_page, g->page_count);
  oracle_region *r = &o->regions[o->region_count++];
  *r = (oracle_region){.first = g->first_page, .count = g->page_count, .access = g->access, .is_heap = g->is_heap};
  if (g->pattern && !g->is_heap) {
    r->content = t->rig->content + g->pattern * JAVM_PAGE_BYTES;
    r->content_pages = g->source_pages;
  }
  if (g->is_heap) {
    o->heap_end = g->heap_end;
    o->heap_limit = ((uint64_t)g->first_page + g->page_count) * JAVM_PAGE_BYTES;
  }
  jv_region region = {.first_page = g->first_page, .page_count = g->page_count, .access = (uint8_t)g->access};
  if (r->content) {
    region.source = give_content;
    region.source_ctx = t->rig;
    region.source_first = g->pattern;
    region.source_pages = g->source_pages;
  }
  for (unsigned k = 0; k < ENGINE_COUNT; k++) {
    jv_mem *m = &t->rig->mem[k];
    javm_status status =
        g->is_heap ? jv_mem_add_heap(m, g->first_page, g->page_count, g->heap_end) : jv_mem_add_region(m, &region);
    if (status != JAVM_OK) return false;
  }
  return true;
}

/* ------------------------------------------------------------------------------------------------ between the runs */

static void set_pc(trio *t, uint32_t pc) {
  t->o.pc = pc;
  t->o.paid = false;
  for (unsigned k = 0; k < ENGINE_COUNT; k++) t->s[k].pc = pc, t->s[k].paid = false;
}

/* Opens the page that the exit names, if the rules let the host do so; false: not. */
static bool repair(trio *t, rng *r) {
  uint32_t page = t->exit[ORACLE].address / JAVM_PAGE_BYTES;
  const oracle_region *region = NULL;
  for (unsigned n = 0; n < t->o.region_count; n++)
    if (page - t->o.regions[n].first < t->o.regions[n].count) region = &t->o.regions[n];
  if (region && region->is_heap) {
    uint64_t more = (uint64_t)t->exit[ORACLE].address + 1 - t->o.heap_end;
    if (oracle_sbrk(&t->o, more) == 0) return false;
    for (unsigned k = 0; k < ENGINE_COUNT; k++) jv_mem_sbrk(&t->rig->mem[k], more);
    return true;
  }
  if ((region && rng_once_in(r, 2)) || t->o.region_count == ORACLE_REGIONS_MAX) return false;
  fuzz_region g = {.first_page = page, .page_count = 1, .pattern = (uint8_t)rng_below(r, 5), .source_pages = 1};
  g.access = rng_once_in(r, 4) ? JAVM_ACCESS_READ : JAVM_ACCESS_WRITE;
  t->rig->counts.repaired++;
  return add_region(t, &g);
}

/* Changes the state of all three as a host may; false: the case is over. */
static bool go_on(trio *t, unsigned round) {
  rng r = {t->c->seed ^ (round + 1) * 0x51ed2701u};
  if (rng_once_in(&r, 8)) {
    unsigned reg = rng_below(&r, JAVM_REG_COUNT);
    t->o.regs[reg] = rng_edge(&r);
    for (unsigned k = 0; k < ENGINE_COUNT; k++) t->s[k].regs[reg] = t->o.regs[reg];
  }
  if (rng_once_in(&r, 10)) {
    set_pc(t, some_pc(t->c, &r));
    return true;
  }
  switch (t->exit[ORACLE].kind) {
    case JAVM_EXIT_OUT_OF_GAS: {
      t->o.gas += rng_below(&r, 120);
      for (unsigned k = 0; k < ENGINE_COUNT; k++) t->s[k].gas = t->o.gas;
      return true;
    }
    case JAVM_EXIT_PAGE_FAULT: return repair(t, &r) || rng_once_in(&r, 4);
    case JAVM_EXIT_HOST_CALL:
    case JAVM_EXIT_ECALL:
    case JAVM_EXIT_ERROR: return true;
    default: return rng_once_in(&r, 8);
  }
}

/* ------------------------------------------------------------------------------------------------------ running */

/* Native code of the program for both engines is that of the other two, and may be theirs. */
static javm_exit run_engine(trio *t, unsigned k) {
  const javm_program *p = t->rig->program[k];
  jv_ecall_fn handler = t->c->has_handler ? engine_handler : NULL;
#if JV_HAS_RECOMPILER
  if (k != BOTH && p->in_lockstep)
    return jv_native_run_in(p, &t->s[k], handler, &t->w[k], k == CHECKED ? JV_CODE_WITH_CHECKS : JV_CODE_AS_USUAL);
#endif
  return jv_run(p, &t->s[k], handler, &t->w[k]);
}

static javm_exit run_stepwise(trio *t, uint64_t limit, bool *limit_reached) {
  uint64_t chunk = t->c->step ? t->c->step : limit;
  jv_state *s = &t->s[STEPWISE];
  uint64_t end = s->instructions + limit;
  javm_exit exit;
  do {
    exit = jv_run_stepwise(t->rig->program[STEPWISE], s, t->c->has_handler ? engine_handler : NULL, &t->w[STEPWISE],
                           chunk, limit_reached);
  } while (*limit_reached && s->instructions < end);
  return exit;
}

static fuzz_verdict run_rounds(trio *t, uint64_t *gas_used) {
  fuzz_counts *counts = &t->rig->counts;
  for (unsigned round = 0; round < t->c->rounds; round++) {
    bool limit_reached = false;
    uint64_t before = t->o.instructions, gas = t->o.gas;
    t->exit[ORACLE] = oracle_run(&t->o, t->c->has_handler ? oracle_handler : NULL, &t->w[ORACLE],
                                 FUZZ_INSTRUCTION_LIMIT, &limit_reached);
    if (limit_reached) return counts->too_long++, FUZZ_TOO_LONG;
    uint64_t ran = t->o.instructions - before;
    t->exit[STEPWISE] = run_stepwise(t, ran + 2 * ECALLS_MAX + 8, &limit_reached);
    if (limit_reached) {
      differ(t->c, "stepwise", round, "runs on after", t->s[STEPWISE].instructions, t->o.instructions);
      return FUZZ_DIFFERENT;
    }
    for (unsigned k = 0; k < ENGINE_COUNT; k++) {
      if (k != STEPWISE) t->exit[k] = run_engine(t, k);
      if (!same_state(t, k, engine_names[k], round)) return FUZZ_DIFFERENT;
    }
    counts->runs++;
    counts->instructions += ran;
    counts->exits[t->exit[ORACLE].kind]++;
    if (round == 0 && gas_used) *gas_used = gas - t->o.gas;
    if (!go_on(t, round)) break;
  }
  counts->ecalls += t->w[ORACLE].ecalls;
  return t->c->seed % 8 != 0 || same_content(t, t->c->rounds) ? FUZZ_EQUAL : FUZZ_DIFFERENT;
}

static bool set_up(trio *t) {
  const fuzz_case *c = t->c;
  fuzz_rig *rig = t->rig;
  oracle *o = &t->o;
  o->code = c->code;
  o->gas_model = c->gas_model;
  o->load_cycles = c->load_cycles;
  o->gas = c->gas;
  o->pc = c->pc;
  o->own = rig->own;
  o->costs = rig->costs;
  memcpy(o->regs, c->regs, sizeof o->regs);
  for (unsigned k = 0; k < ENGINE_COUNT; k++) {
    jv_mem_reset(&rig->mem[k]);
    t->s[k] = (jv_state){.gas = c->gas, .pc = c->pc, .mem = &rig->mem[k]};
    memcpy(t->s[k].regs, c->regs, sizeof c->regs);
  }
  /* The memory of the recompiler gets its window at once, or in the middle of the run, or not. */
  uint32_t cold_gas = c->seed % 4 == 0 ? 0 : c->seed % 4 == 1 ? 39990 - c->seed / 4 % 200 : UINT32_MAX;
  rig->mem[RECOMPILER].cold_gas = rig->mem[BOTH].cold_gas = cold_gas;
  for (unsigned k = 0; k <= ORACLE; k++) t->w[k] = (watch){.c = c, .counts_instructions = rig->counts_instructions};
  for (unsigned k = 0; k < c->region_count; k++)
    if (!add_region(t, &c->regions[k])) return false;
  return true;
}

fuzz_verdict fuzz_compare(fuzz_rig *rig, const fuzz_case *c, uint64_t *gas_used) {
  trio t = {.c = c, .rig = rig};
  rig->counts.cases++;
  if (!set_up(&t)) {
    fprintf(stderr, "cannot set the case up\n");
    fuzz_print(c);
    return FUZZ_DIFFERENT;
  }
  return run_rounds(&t, gas_used);
}

/* -------------------------------------------------------------------------------------------------------- blocks */

static bool block_differs(const fuzz_case *c, const char *what, uint32_t pc, uint32_t got, uint32_t want) {
  fprintf(stderr, "at pc %" PRIu32 ": ", pc);
  differ(c, "blocks", 0, what, got, want);
  return false;
}

/* The costs are those of the block starts alone, by the oracle. */
static bool compare_blocks(const fuzz_rig *rig, const fuzz_case *c, const javm_program *program) {
  size_t index = 0, count = javm_program_block_count(program);
  for (uint32_t pc = 0; pc <= c->code.code_bytes + 1; pc++) {
    bool start = pc < c->code.code_bytes && rig->costs[pc];
    if (javm_program_is_block_start(program, pc) != start) return block_differs(c, "start", pc, !start, start);
    if (!start) continue;
    uint32_t at = UINT32_MAX, cost = 0, want = rig->costs[pc] - 1;
    if (index < count) javm_program_block(program, index++, &at, &cost);
    if (at != pc) return block_differs(c, "number of starts", pc, at, pc);
    if (cost != want) return block_differs(c, "cost", pc, cost, want);
  }
  return index == count || block_differs(c, "block count", 0, (uint32_t)count, (uint32_t)index);
}

/* Any pc has a cost. */
static bool compare_a_cost(const fuzz_case *c) {
  uint32_t pc = (uint32_t)(c->code.code_bytes / 3);
  uint32_t got = jv_gas_block_cost(&c->code, c->gas_model, c->load_cycles, pc);
  uint32_t want = oracle_block_cost(&c->code, c->gas_model, c->load_cycles, pc);
  return got == want || block_differs(c, "cost", pc, got, want);
}

static bool load_program(fuzz_rig *rig, const fuzz_case *c, unsigned k) {
  javm_program_config config;
  javm_program_config_default(&config);
  config.gas_model = c->gas_model;
  config.load_cycles = c->load_cycles;
  config.engine = k == BOTH ? JAVM_ENGINE_BOTH : k >= RECOMPILER ? JAVM_ENGINE_RECOMPILER : JAVM_ENGINE_INTERPRETER;
  config.counts_instructions = rig->counts_instructions;
  config.explicit_checks = k == CHECKED;
  if (javm_program_new(&c->code, &config, &rig->program[k], NULL) != JAVM_OK)
    return block_differs(c, "program_new", 0, 0, 0);
  return compare_blocks(rig, c, rig->program[k]);
}

bool fuzz_load(fuzz_rig *rig, const fuzz_case *c) {
  size_t words = c->code.code_bytes + 1;
  if (words > rig->costs_capacity) {
    free(rig->costs);
    rig->costs = malloc(words * sizeof *rig->costs);
    rig->costs_capacity = rig->costs ? words : 0;
    if (!rig->costs) return false;
  }
  for (uint32_t pc = 0; pc < words; pc++)
    rig->costs[pc] =
        oracle_is_block_start(&c->code, pc) ? 1 + oracle_block_cost(&c->code, c->gas_model, c->load_cycles, pc) : 0;
  if (!compare_a_cost(c)) return false;
  rig->counts_instructions = c->code.code_bytes % 2;
  bool shares = JV_HAS_RECOMPILER && c->code.code_bytes / 2 % 8 != 0;
  for (unsigned k = 0; k < ENGINE_COUNT; k++) {
    javm_program_release(rig->program[k]);
    rig->program[k] = NULL;
  }
  if (!load_program(rig, c, INTERPRETER) || !load_program(rig, c, BOTH)) return false;
  javm_program_retain(rig->program[STEPWISE] = rig->program[INTERPRETER]);
  for (unsigned k = RECOMPILER; k <= CHECKED; k++) {
    if (shares) javm_program_retain(rig->program[k] = rig->program[BOTH]);
    else if (!load_program(rig, c, k)) return false;
  }
  return true;
}
