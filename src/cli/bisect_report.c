/* What `javm bisect` says: the point where two runs part, and what is different behind it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bisect.h"

enum { PAGES_SHOWN = 8 };

void bisect_print_outcome(const bisect_view *view) {
  const javm_result *r = &view->result;
  javm_entry_view entry;
  if (r->kind == JAVM_RESULT_HALT) {
    printf("halt, φ[7] = %" PRIu64, r->return_value);
  } else if (r->kind == JAVM_RESULT_FAULTED) {
    printf("fault: %s", javm_exit_text(r->fault.kind));
    if (r->fault.kind == JAVM_EXIT_PAGE_FAULT) printf(" at address 0x%08" PRIx32, r->fault.address);
    printf(", pc %" PRIu32, r->pc);
  } else if (r->pause == JAVM_PAUSE_HOST_CALL) {
    printf("host call %" PRIu32, r->host_function);
  } else if (run_top_entry(view->vm, &entry) != SIZE_MAX) {
    printf(r->pause == JAVM_PAUSE_MARK ? "pc %" PRIu32 : "paused, pc %" PRIu32, entry.pc);
  }
}

int bisect_print_point(const bisect_view here[2]) {
  javm_entry_view views[2];
  char insns[2][128] = {"", ""};
  size_t index = 0;
  for (int i = 0; i < 2; i++) {
    index = run_top_entry(here[i].vm, &views[i]);
    if (index == SIZE_MAX) return CLI_OK; /* both have ended */
    run_entry_insn(here[i].side->subject.input.dir, &views[i], insns[i], sizeof insns[i]);
  }
  run_state state = {here[0].side->subject.input.dir, here[0].vm, here[0].side->symbols, here[0].side->image};
  if (strcmp(insns[0], insns[1]) == 0) {
    run_entry_print(stdout, &state, index, &views[0]);
    return CLI_OK;
  }
  run_entry_print(stdout, &state, index, &views[0]);
  printf("  next in B       %s\n", insns[1]);
  return CLI_OK;
}

/* ---- differences ---- */

static bool print_number(const char *what, uint64_t one, uint64_t two, bool hex) {
  char a[24], b[24];
  if (one == two) return false;
  snprintf(a, sizeof a, hex ? "0x%" PRIx64 : "%" PRIu64, one);
  snprintf(b, sizeof b, hex ? "0x%" PRIx64 : "%" PRIu64, two);
  printf("  %-15s %-20s %s\n", what, a, b);
  return true;
}

static bool print_registers(const javm_entry_view *a, const javm_entry_view *b, bool with_gas) {
  bool any = print_number("pc", a->pc, b->pc, false);
  if (with_gas) any |= print_number("gas", a->gas, b->gas, false);
  for (unsigned i = 0; i < JAVM_REG_COUNT; i++) any |= print_number(cli_reg_names[i], a->regs[i], b->regs[i], true);
  return any;
}

/* The pages that an entry wrote; malloc. */
static uint32_t *pages_of(const bisect_view *view, size_t index, size_t *count) {
  *count = 0;
  javm_vm_dirty_pages(view->vm, index, NULL, 0, count);
  uint32_t *pages = calloc(*count + 1, sizeof *pages);
  if (pages != NULL && javm_vm_dirty_pages(view->vm, index, pages, *count, count) != JAVM_OK) *count = 0;
  return pages;
}

/* Of a page in both: the first byte that differs. */
static bool print_page(const bisect_view views[2], size_t index, uint32_t page) {
  uint8_t bytes[2][JAVM_PAGE_BYTES];
  char what[24];
  bool there[2];
  for (int i = 0; i < 2; i++) {
    memset(bytes[i], 0, sizeof bytes[i]);
    there[i] = javm_vm_read(views[i].vm, index, page, bytes[i], sizeof bytes[i]) == JAVM_OK;
  }
  if (there[0] != there[1]) {
    printf("  page 0x%08" PRIx32 " %-20s %s\n", page, there[0] ? "accessible" : "not accessible",
           there[1] ? "accessible" : "not accessible");
    return true;
  }
  if (memcmp(bytes[0], bytes[1], JAVM_PAGE_BYTES) == 0) return false;
  uint32_t at = 0;
  while (bytes[0][at] == bytes[1][at]) at++;
  snprintf(what, sizeof what, "byte 0x%08" PRIx32, page + at);
  return print_number(what, bytes[0][at], bytes[1][at], true);
}

static int print_pages(const bisect_view views[2], size_t index, bool *any) {
  size_t counts[2], i = 0, k = 0, shown = 0, more = 0;
  uint32_t *pages[2];
  for (int s = 0; s < 2; s++) pages[s] = pages_of(&views[s], index, &counts[s]);
  bool good = pages[0] != NULL && pages[1] != NULL;
  while (good && (i < counts[0] || k < counts[1])) {
    bool first = k == counts[1] || (i < counts[0] && pages[0][i] <= pages[1][k]);
    uint32_t page = first ? pages[0][i] : pages[1][k];
    if (i < counts[0] && pages[0][i] == page) i++;
    if (k < counts[1] && pages[1][k] == page) k++;
    if (shown < PAGES_SHOWN) shown += print_page(views, index, page);
    else more++;
  }
  if (more > 0) printf("  and perhaps more, in %zu other pages that were written\n", more);
  *any |= shown > 0;
  free(pages[0]);
  free(pages[1]);
  return good ? CLI_OK : cli_fail_memory();
}

static int print_entries(bisect_view then[2], bool with_gas, bool *any) {
  size_t depth = javm_vm_depth(then[0].vm);
  int result = CLI_OK;
  if (javm_vm_depth(then[1].vm) < depth) depth = javm_vm_depth(then[1].vm);
  *any |= print_number("entries", javm_vm_depth(then[0].vm), javm_vm_depth(then[1].vm), false);
  for (size_t i = 0; result == CLI_OK && i < depth; i++) {
    javm_entry_view a, b;
    if (javm_vm_entry(then[0].vm, i, &a) != JAVM_OK || javm_vm_entry(then[1].vm, i, &b) != JAVM_OK) break;
    if (a.kind != JAVM_ENTRY_INSTANCE || b.kind != JAVM_ENTRY_INSTANCE) continue;
    if (depth > 2) printf("  in entry %zu\n", i);
    *any |= print_registers(&a, &b, with_gas);
    result = print_pages(then, i, any);
  }
  return result;
}

int bisect_print_differences(bisect_view then[2], javm_root_kind kind) {
  bool any = false, ended = false;
  for (int i = 0; i < 2; i++) {
    ended |= javm_vm_depth(then[i].vm) == 0;
    printf("then %-12s ", then[i].side->name);
    bisect_print_outcome(&then[i]);
    putchar('\n');
  }
  if (ended) return CLI_OK;
  printf("                  %-20s %s\n", then[0].side->name, then[1].side->name);
  int result = print_entries(then, kind == JAVM_ROOT_WHOLE, &any);
  if (result == CLI_OK && !any) puts("  what differs is in the slots, or in what is paused");
  return result;
}
