/* Scripts as text, for whoever looks for the cause of a difference. */
#include <inttypes.h>
#include <stdio.h>

#include "model/layout.h"

static const char *operation_name(uint32_t number) {
  static const char *const names[JAVM_HOST_FUNCTION_FIRST] = {
#define OP(number, name, operands) [number] = #name,
#include "vm/ecalls.def"
  };
  if (number >= JAVM_HOST_FUNCTION_FIRST) return "host";
  return names[number] ? names[number] : "unknown";
}

/* A slot operand with its path, any other number as it is. */
static void print_number(uint64_t v) {
  if (v < 256 || v >> 56) fprintf(stderr, "%" PRId64, (int64_t)v);
  else if (v >> 8 & 0xffff && (v >> 24 & 0xffff) <= 0x20 && (v >> 8 & 0xffff) <= 0x20 && (v >> 40) <= 0x20) {
    fprintf(stderr, "%u", (unsigned)(v & 255));
    for (v >>= 8; v; v >>= 16) fprintf(stderr, "/%u", (unsigned)(v & 0xffff) - 1);
  } else fprintf(stderr, "0x%" PRIx64, v);
}

static void print_step(const m_step *s) {
  static const char *const names[STEP_KINDS] = {
      "ecalli",   "ecall",        "store",    "load", "s0 +=",   "set",  "get s0",  "sbrk",
      "if equal", "if not equal", "unlikely", "trap", "invalid", "spin", "jump_ind"};
  fprintf(stderr, "%s", names[s->kind]);
  if (s->kind == STEP_ECALL || s->kind == STEP_ECALL_REG) {
    fprintf(stderr, " %u %s", s->number, operation_name(s->number));
    for (unsigned k = 0; k < 6; k++) {
      if (!(s->mask >> k & 1)) continue;
      fprintf(stderr, " a%u=", k);
      print_number(s->args[k]);
    }
  } else if (s->kind != STEP_TRAP && s->kind != STEP_SPIN && s->kind != STEP_INVALID && s->kind != STEP_UNLIKELY) {
    fprintf(stderr, " r%u ", s->reg);
    print_number(s->value);
    if (s->kind == STEP_IF || s->kind == STEP_UNLESS) fprintf(stderr, " goto step %u", s->to);
  }
  fprintf(stderr, "\n");
}

static const char *what_name(const m_part *p, char *text, size_t capacity) {
  static const char *const names[] = {"nothing",        "Data", "marker", "Type",    "Image",  "Instance",
                                      "CNode",          "gas",  "quota",  "catcher", "kernel", "file",
                                      "bytes of Image", "kit",  "echo"};
  snprintf(text, capacity, "%s %u", names[p->what], p->index);
  return text;
}

static void print_parts(const char *name, const m_part *parts, uint32_t count) {
  char text[32];
  fprintf(stderr, "  %s:", name);
  for (uint32_t k = 0; k < count; k++)
    fprintf(stderr, " %s%u = %s;",
            parts[k].depth == 0   ? ""
            : parts[k].depth == 1 ? "6/"
                                  : "6/3/",
            parts[k].slot, what_name(&parts[k], text, sizeof text));
  fprintf(stderr, "\n");
}

static void print_image(const m_script *s, uint32_t index) {
  const m_image_plan *p = &s->images[index];
  m_image image;
  uint32_t starts[ENDPOINTS_MAX] = {0};
  m_encode(NULL, p, &image, starts);
  fprintf(stderr, "Image %u: mappings 0x%x, stack 0x%" PRIx64 "%s%s%s, endpoints at steps", index, p->mappings,
          p->stack, p->has_gas_slot ? ", gas slot" : "", p->has_quota_slot ? ", quota slot" : "",
          p->has_yield_slot ? ", yield slot" : "");
  for (uint32_t k = 0; k < p->start_count; k++) fprintf(stderr, " %u (pc %u)", p->starts[k], starts[k]);
  fprintf(stderr, "\n");
  print_parts("pinned", p->pinned, p->pinned_count);
  print_parts("initial", p->initial, p->initial_count);
  for (uint32_t k = 0; k < p->step_count; k++) {
    if (p->steps[k].removed) continue;
    fprintf(stderr, "  %2u: ", k);
    print_step(&p->steps[k]);
  }
}

void m_print_script(const m_script *s) {
  fprintf(stderr,
          "gas model %u, yields to the %s%s%s, depth %u, meters %" PRIu64 " %" PRIu64 ", quotas %" PRIu64 " %" PRIu64
          ", catchers 0x%x 0x%x 0x%x\n",
          s->gas_model, s->yield_mode == JAVM_YIELD_TO_HOST ? "host" : "catcher",
          s->host_catches_out_of_gas ? ", which catches out of gas" : "", s->has_assist ? "" : ", no assist",
          s->max_depth, s->meters[0], s->meters[1], s->quotas[0], s->quotas[1], s->markers_of[0], s->markers_of[1],
          s->markers_of[2]);
  for (uint32_t k = 0; k < s->image_count; k++) print_image(s, k);
  for (uint32_t k = 0; k < s->instance_count; k++) {
    const m_instance_plan *p = &s->instances[k];
    fprintf(stderr, "Instance %u of Image %u%s\n", k, p->image, p->is_made ? ", made by the host" : "");
    if (p->is_made)
      fprintf(stderr, "  size_log %u, overlay %u, mem_size 0x%x, heap_end 0x%x\n", p->size_log, p->overlay, p->mem_size,
              p->heap_end);
    print_parts("slots", p->parts, p->part_count);
  }
}

void m_print_verb(const m_run_state *run, const m_verb *v) {
  static const char *const names[] = {"invoke",  "call_resume", "deliver_yield", "drop_paused", "complete",
                                      "restore", "move",        "suspend",       "root",        "fork",
                                      "add_gas", "set meter",   "set quota",     "set mark"};
  fprintf(stderr, "> %s", names[v->kind]);
  size_t which = 0;
  while (which < run->known_count && run->known[which] != v->instance) which++;
  if (v->kind == VERB_INVOKE || v->kind == VERB_RESTORE)
    fprintf(stderr, " Instance %zd endpoint %u,", (ssize_t)which - 1, v->endpoint);
  fprintf(stderr, " args %" PRIu64 " %" PRIu64 " gas %" PRIu64 " id %u values %zu%s%s\n", v->args[0], v->args[1],
          v->gas, v->id, v->value_count, v->scratchpad ? " scratchpad" : "", v->flag ? " flag" : "");
}

void m_print_result(const m_run_state *run) {
  const m_result *r = &run->last;
  static const char *const kinds[] = {"halted", "faulted", "paused"};
  fprintf(stderr, "< %s, %s", javm_status_text(run->last_status), kinds[r->kind]);
  if (r->kind == JAVM_RESULT_FAULTED)
    fprintf(stderr, ": %s at pc %u, %s (operation %u)", javm_exit_text(r->fault.kind), r->pc,
            javm_refusal_text(r->refusal), r->refused_operation);
  if (r->kind == JAVM_RESULT_PAUSED) fprintf(stderr, ": kind %u", r->pause);
  fprintf(stderr, ", value %" PRIu64 ", gas used %" PRIu64 ", depth %d\n", r->return_value, r->gas_used,
          run->world.depth);
}
