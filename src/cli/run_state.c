/* What a paused VM is, in words or as JSON: its position, its root, and its entries with what each runs next. */
#include <inttypes.h>
#include <string.h>

#include "run.h"

const char *const cli_reg_names[JAVM_REG_COUNT] = {"ra", "sp", "t0", "t1", "t2", "s0", "s1",
                                                   "a0", "a1", "a2", "a3", "a4", "a5"};

bool run_entry_insn(javm_dir *dir, const javm_entry_view *view, char *text, size_t capacity) {
  javm_cap *image = NULL;
  javm_image_spec spec;
  bool good = javm_dir_get(dir, &view->image, &image, NULL) == JAVM_OK &&
              javm_image_view(dir, image, &spec) == JAVM_OK && view->pc < spec.code.code_bytes;
  if (good) javm_disassemble_at(&spec.code, view->pc, text, capacity);
  javm_cap_release(dir, image);
  return good;
}

size_t run_top_entry(const javm_vm *vm, javm_entry_view *view) {
  for (size_t i = javm_vm_depth(vm); i-- > 0;)
    if (javm_vm_entry(vm, i, view) == JAVM_OK && view->kind == JAVM_ENTRY_INSTANCE) return i;
  return SIZE_MAX;
}

static void print_regs(FILE *file, const uint64_t *regs) {
  unsigned on_line = 0;
  for (unsigned i = 0; i < JAVM_REG_COUNT; i++) {
    if (regs[i] == 0) continue;
    if (on_line == 4) fputc('\n', file);
    if (on_line % 4 == 0) fputs("                 ", file), on_line = 0;
    fprintf(file, " %s=0x%" PRIx64, cli_reg_names[i], regs[i]);
    on_line++;
  }
  if (on_line > 0) fputc('\n', file);
}

/* The symbols of the entry's code; NULL: none. */
static const cli_symbols *symbols_of(const run_state *state, const javm_entry_view *view) {
  bool same = state->symbols != NULL && memcmp(&view->image, &state->symbols_image, sizeof view->image) == 0;
  return same ? state->symbols : NULL;
}

void run_entry_print(FILE *file, const run_state *state, size_t index, const javm_entry_view *view) {
  char insn[128];
  cli_place place;
  size_t page_count;
  fprintf(file, "entry %-11zu pc %" PRIu32 ", gas %" PRIu64 "\n", index, view->pc, view->gas);
  if (cli_symbols_find(symbols_of(state, view), view->pc, &place)) {
    fputs("  at              ", file);
    cli_place_print(file, &place);
    fputc('\n', file);
  }
  if (run_entry_insn(state->dir, view, insn, sizeof insn)) fprintf(file, "  next            %s\n", insn);
  if (javm_vm_dirty_pages(state->vm, index, NULL, 0, &page_count) == JAVM_OK)
    fprintf(file, "  pages written   %zu\n", page_count);
  print_regs(file, view->regs);
}

int run_state_text(FILE *file, const run_state *state) {
  char hex[CLI_HEX_HASH];
  javm_hash root;
  javm_position at;
  javm_entry_view view;
  if (javm_vm_root(state->vm, JAVM_ROOT_WHOLE, &root, NULL) != JAVM_OK) return cli_fail_memory();
  javm_vm_position(state->vm, &at);
  cli_hash_hex(&root, hex);
  fprintf(file, "position          %" PRIu64 " gas, %" PRIu64 " instructions\nroot              %s\n", at.gas,
          at.instructions, hex);
  for (size_t i = 0; i < javm_vm_depth(state->vm); i++) {
    if (javm_vm_entry(state->vm, i, &view) != JAVM_OK) continue;
    if (view.kind == JAVM_ENTRY_INSTANCE) run_entry_print(file, state, i, &view);
    else if (view.target < i) fprintf(file, "entry %-11zu paused for entry %" PRIu32 "\n", i, view.target);
  }
  return CLI_OK;
}

static json_t *entry_json(const run_state *state, const javm_entry_view *view) {
  char insn[128];
  cli_place place;
  json_t *out = json_object(), *regs = json_array();
  bool good = out != NULL && regs != NULL;
  for (unsigned i = 0; good && i < JAVM_REG_COUNT; i++) good = cli_json_append(regs, cli_json_u64(view->regs[i]));
  good = good && cli_json_set(out, "pc", cli_json_u64(view->pc)) && cli_json_set(out, "gas", cli_json_u64(view->gas)) &&
         cli_json_set(out, "image", cli_json_hash(&view->image));
  if (good && run_entry_insn(state->dir, view, insn, sizeof insn)) good = cli_json_set(out, "next", json_string(insn));
  if (good && cli_symbols_find(symbols_of(state, view), view->pc, &place) && place.function != NULL)
    good = cli_json_set(out, "function", json_string(place.function));
  if (good) good = cli_json_set(out, "registers", json_incref(regs));
  json_decref(regs);
  if (good) return out;
  json_decref(out);
  return NULL;
}

static json_t *entries_json(const run_state *state) {
  javm_entry_view view;
  json_t *entries = json_array();
  for (size_t i = 0; entries != NULL && i < javm_vm_depth(state->vm); i++) {
    if (javm_vm_entry(state->vm, i, &view) != JAVM_OK || view.kind != JAVM_ENTRY_INSTANCE) continue;
    if (cli_json_append(entries, entry_json(state, &view))) continue;
    json_decref(entries);
    return NULL;
  }
  return entries;
}

json_t *run_state_json(const run_state *state) {
  javm_hash root;
  javm_position at;
  json_t *out = json_object();
  javm_vm_position(state->vm, &at);
  if (out != NULL && javm_vm_root(state->vm, JAVM_ROOT_WHOLE, &root, NULL) == JAVM_OK &&
      cli_json_set(out, "gas", cli_json_u64(at.gas)) &&
      cli_json_set(out, "instructions", cli_json_u64(at.instructions)) &&
      cli_json_set(out, "root", cli_json_hash(&root)) && cli_json_set(out, "entries", entries_json(state)))
    return out;
  json_decref(out);
  return NULL;
}
