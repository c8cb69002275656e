/*
 * Where the gas of a run goes. The program is run a second time, on a fresh Instance, with its budget handed out in
 * slices. Without gas the machine stops before a block that it can't pay for: that block has the first unit of the next
 * slice, and all of the slice is counted for it. So a block gets its share of the gas, to within a slice, and the same
 * one in each run; with slices of 1 it gets exactly what it used.
 *
 * Gas is only ever added to the budget of the run. An Instance that spends a gas meter of its own, which is empty here,
 * faults as it did in the first run; and nobody catches the ends of slices, as --catch is refused.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

/* Gas that was used at a pc of an Image; an entry of a hash table, unused where gas is 0. */
typedef struct sample {
  uint32_t image, pc;
  uint64_t gas;
} sample;

typedef enum row_kind { ROW_LINE, ROW_FUNCTION, ROW_PC, ROW_IMAGE } row_kind;

/* A line of the profile: what has the same image, kind and key. `pc` is one that it stands for. */
typedef struct row {
  uint32_t image, pc;
  row_kind kind;
  uint64_t key;
  uint64_t gas;
} row;

typedef struct profile {
  const run_options *options;
  const cli_symbols *symbols; /* of images[0] */
  run_profile_by by;
  run_subject subject;
  javm_vm *vm;
  javm_hash *images;
  size_t image_count;
  sample *samples;
  size_t sample_count, sample_capacity; /* a power of two */
  sample last;                          /* the latest that was followed by the use of gas */
  sample pending;                       /* those since then; all of them at one pc */
  uint64_t given, used;                 /* of the budget */
} profile;

/* ---- samples ---- */

static size_t place_of(const profile *p, uint32_t image, uint32_t pc) {
  uint64_t hash = ((uint64_t)image << 32 | pc) * UINT64_C(0x9e3779b97f4a7c15);
  size_t mask = p->sample_capacity - 1, i = (size_t)(hash >> 32) & mask;
  while (p->samples[i].gas != 0 && (p->samples[i].image != image || p->samples[i].pc != pc)) i = (i + 1) & mask;
  return i;
}

static bool grow_samples(profile *p) {
  sample *old = p->samples;
  size_t old_capacity = p->sample_capacity;
  p->sample_capacity = old_capacity > 0 ? 2 * old_capacity : 1024;
  p->samples = calloc(p->sample_capacity, sizeof *p->samples);
  if (p->samples == NULL) {
    p->samples = old;
    p->sample_capacity = old_capacity;
    return false;
  }
  for (size_t i = 0; i < old_capacity; i++)
    if (old[i].gas != 0) p->samples[place_of(p, old[i].image, old[i].pc)] = old[i];
  free(old);
  return true;
}

static bool add_sample(profile *p, const javm_hash *image, uint32_t pc, uint64_t gas) {
  size_t i = 0;
  if (gas == 0) return true;
  while (i < p->image_count && memcmp(&p->images[i], image, sizeof *image) != 0) i++;
  if (i == p->image_count) {
    javm_hash *images = realloc(p->images, (i + 1) * sizeof *images);
    if (images == NULL) return false;
    p->images = images;
    p->images[p->image_count++] = *image;
  }
  if (2 * p->sample_count >= p->sample_capacity && !grow_samples(p)) return false;
  sample *s = &p->samples[place_of(p, (uint32_t)i, pc)];
  p->sample_count += s->gas == 0;
  *s = (sample){(uint32_t)i, pc, s->gas + gas};
  p->pending = (sample){(uint32_t)i, pc, p->pending.gas + gas};
  return true;
}

/* ---- the run ---- */

/* The entry that is paused: the topmost one that is no Reference. */
static bool paused_entry(const javm_vm *vm, javm_entry_view *view) {
  for (size_t i = javm_vm_depth(vm); i-- > 0;)
    if (javm_vm_entry(vm, i, view) == JAVM_OK && view->kind == JAVM_ENTRY_INSTANCE) return true;
  return false;
}

/* Has the paused entry used up its slice, and is there more for it? What pauses for want of a meter or a quota of its
 * own has none of our gas. */
static bool has_more_gas(const profile *p, const javm_result *result) {
  bool own_meter = result->payload != NULL && javm_cap_kind(result->payload) == JAVM_KIND_INSTANCE;
  return result->pause == JAVM_PAUSE_OUT_OF_GAS && !own_meter && p->given < p->options->gas;
}

/* Takes the sample at the start of a slice, and runs it. */
static javm_status run_slice(profile *p, javm_result *result, javm_error *error) {
  javm_entry_view view;
  uint64_t left = p->options->gas - p->given;
  uint64_t slice = left < p->options->profile_every ? left : p->options->profile_every;
  *error = (javm_error){.status = JAVM_OUT_OF_MEMORY};
  if (!paused_entry(p->vm, &view) || !add_sample(p, &view.image, view.pc, slice)) return JAVM_OUT_OF_MEMORY;
  p->given += slice;
  error->status = javm_vm_add_gas(p->vm, slice);
  return error->status == JAVM_OK ? javm_vm_call_resume(p->vm, NULL, result, error) : error->status;
}

/* What was given and not used goes off again: from a block that never got enough, and from the slice before. */
static void take_back(profile *p) {
  uint64_t excess = p->given - p->used;
  const sample *from[] = {&p->pending, &p->last};
  sample *samples[2];
  for (int i = 0; i < 2; i++)
    samples[i] = from[i]->gas > 0 ? &p->samples[place_of(p, from[i]->image, from[i]->pc)] : NULL;
  for (int i = 0; i < 2; i++) {
    if (samples[i] == NULL) continue;
    uint64_t most = from[i]->gas < samples[i]->gas ? from[i]->gas : samples[i]->gas;
    uint64_t n = excess < most ? excess : most;
    samples[i]->gas -= n;
    excess -= n;
  }
}

static void count_used(profile *p, const javm_result *result) {
  p->used += result->gas_used;
  if (result->gas_used == 0 || p->pending.gas == 0) return;
  p->last = p->pending;
  p->pending.gas = 0;
}

static int run_in_slices(profile *p) {
  javm_dir *dir = p->subject.input.dir;
  javm_vm_config config;
  javm_result result;
  javm_error error;
  run_host host = {true, false};
  run_vm_config(&p->subject, p->options, &config);
  config.host_catches_out_of_gas = true;
  javm_status status = run_vm_new(&p->subject, &config, &host, &p->vm, &error);
  if (status == JAVM_OK)
    status = javm_vm_invoke(p->vm, &p->subject.hash, p->options->endpoint, p->subject.args, 0, &result, &error);
  while (status == JAVM_OK) {
    count_used(p, &result);
    bool sliced = result.kind == JAVM_RESULT_PAUSED && has_more_gas(p, &result);
    bool stuck = result.kind == JAVM_RESULT_PAUSED && !sliced &&
                 (result.pause == JAVM_PAUSE_OUT_OF_GAS || result.pause == JAVM_PAUSE_QUOTA);
    javm_result_clear(dir, &result);
    if (!sliced && !stuck) break;
    status = sliced ? run_slice(p, &result, &error) : javm_vm_drop_paused(p->vm, &result, &error);
  }
  if (status != JAVM_OK) return cli_fail_error(p->options->path, &error);
  take_back(p);
  return CLI_OK;
}

/* ---- rows ---- */

static row row_of(const profile *p, const sample *s) {
  row r = {s->image, s->pc, ROW_PC, s->pc, s->gas};
  cli_place place;
  bool other = s->image != 0; /* whose symbols nobody has */
  bool known = !other && cli_symbols_find(p->symbols, s->pc, &place);
  if (other && p->by != RUN_BY_BLOCK) {
    r.kind = ROW_IMAGE;
    r.key = 0;
  } else if (known && p->by == RUN_BY_LINE && place.file != NULL) {
    r.kind = ROW_LINE;
    r.key = (uint64_t)place.file_index << 32 | place.line;
  } else if (known && p->by != RUN_BY_BLOCK && place.function != NULL) {
    r.kind = ROW_FUNCTION;
    r.key = s->pc - place.offset;
  }
  return r;
}

static int by_key(const void *a, const void *b) {
  const row *x = a, *y = b;
  if (x->image != y->image) return x->image < y->image ? -1 : 1;
  if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
  if (x->key != y->key) return x->key < y->key ? -1 : 1;
  return (x->pc > y->pc) - (x->pc < y->pc);
}

static int by_gas(const void *a, const void *b) {
  const row *x = a, *y = b;
  if (x->gas != y->gas) return x->gas > y->gas ? -1 : 1;
  return by_key(a, b);
}

/* The rows, in order; malloc. */
static row *make_rows(const profile *p, size_t *count) {
  row *rows = calloc(p->sample_count + 1, sizeof *rows);
  size_t n = 0, kept = 0;
  if (rows == NULL) return NULL;
  for (size_t i = 0; i < p->sample_capacity; i++)
    if (p->samples[i].gas != 0) rows[n++] = row_of(p, &p->samples[i]);
  qsort(rows, n, sizeof *rows, by_key);
  for (size_t i = 0; i < n; i++) {
    row *last = kept > 0 ? &rows[kept - 1] : NULL;
    if (last != NULL && last->image == rows[i].image && last->kind == rows[i].kind && last->key == rows[i].key)
      last->gas += rows[i].gas;
    else rows[kept++] = rows[i];
  }
  qsort(rows, kept, sizeof *rows, by_gas);
  *count = kept;
  return rows;
}

static void print_row(FILE *file, const profile *p, const row *r) {
  cli_place place;
  bool known = r->image == 0 && cli_symbols_find(p->symbols, r->pc, &place);
  fprintf(file, "%16" PRIu64 " %6.2f%%  ", r->gas, p->used > 0 ? 100.0 * (double)r->gas / (double)p->used : 0);
  if (r->image != 0) {
    char hex[CLI_HEX_HASH];
    cli_hash_hex(&p->images[r->image], hex);
    fprintf(file, r->kind == ROW_PC ? "image %.16s " : "image %.16s", hex);
  }
  if (r->kind == ROW_PC) fprintf(file, known ? "pc %" PRIu32 " " : "pc %" PRIu32, r->pc);
  if (r->kind == ROW_LINE) fprintf(file, "%s:%" PRIu32, place.file, place.line);
  else if (r->kind == ROW_FUNCTION) fputs(place.function, file);
  else if (known) cli_place_print(file, &place);
  fputc('\n', file);
}

static int print_profile(const profile *p) {
  static const char *const names[] = {"function", "line", "block"};
  cli_output output;
  size_t count;
  row *rows = make_rows(p, &count);
  if (rows == NULL) return cli_fail_memory();
  int result = cli_output_open(p->options->profile_path, &output);
  if (result == CLI_OK) {
    fprintf(output.file, "gas by %s, in slices of %" PRIu64 "\n%16" PRIu64 " 100.00%%  in all\n", names[p->by],
            p->options->profile_every, p->used);
    for (size_t i = 0; i < count; i++) print_row(output.file, p, &rows[i]);
    result = cli_output_commit(&output);
  }
  free(rows);
  return result;
}

/* ---- all of it ---- */

int run_profile(const run_options *options, const cli_symbols *symbols, uint64_t gas_used) {
  profile p = {.options = options, .symbols = symbols, .by = symbols != NULL ? RUN_BY_FUNCTION : RUN_BY_BLOCK};
  if (options->has_profile_by) p.by = options->profile_by;
  p.images = malloc(sizeof *p.images);
  int result = run_subject_make(&p.subject, options);
  if (result == CLI_OK &&
      (p.images == NULL || javm_cap_hash(p.subject.input.dir, p.subject.image, p.images) != JAVM_OK))
    result = cli_fail_memory();
  p.image_count = 1;
  if (result == CLI_OK) result = run_in_slices(&p);
  if (result == CLI_OK && p.used != gas_used)
    cli_warn("%s: the profile is of another way through the program, which asks how much gas is left: %" PRIu64
             " gas instead of %" PRIu64,
             options->path, p.used, gas_used);
  if (result == CLI_OK) result = print_profile(&p);
  javm_vm_free(p.vm);
  run_subject_clear(&p.subject);
  free(p.samples);
  free(p.images);
  return result;
}
