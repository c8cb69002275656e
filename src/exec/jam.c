/*
 * JAM containers (1-machine.md 1.7): program blobs and standard programs. A container is taken only if every byte of it
 * belongs to a part. Lengths are read as they stand, and compared with what is left before anything is added up.
 */
#include "exec/jam_layout.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/error.h"

#define CODE_MAX (UINT64_C(1) << 24)
#define JUMPS_MAX (UINT64_C(1) << 20)
enum { JUMP_BYTES_MAX = 4 };

/* Reads parts off the front. `what` names the container in messages; offsets count from the start of the whole input.
 * */
typedef struct reader {
  const uint8_t *bytes;
  size_t size, at;
  const char *what;
  javm_error *error;
} reader;

static javm_status fail_at(const reader *r, size_t at, const char *part, const char *fault) {
  return jv_fail(r->error, JAVM_MALFORMED, at, "%s: %s at offset %zu %s", r->what, part, at, fault);
}

static javm_status take(reader *r, uint64_t count, const char *part, const uint8_t **out) {
  size_t left = r->size - r->at;
  if (count > left) {
    return jv_fail(r->error, JAVM_MALFORMED, r->at, "%s: %s at offset %zu needs %llu bytes, but %zu are left", r->what,
                   part, r->at, (unsigned long long)count, left);
  }
  *out = r->bytes + r->at;
  r->at += (size_t)count;
  return JAVM_OK;
}

static javm_status take_number(reader *r, unsigned bytes, const char *part, uint32_t *out) {
  const uint8_t *p = NULL;
  javm_status status = take(r, bytes, part, &p);
  if (status == JAVM_OK) *out = (uint32_t)jv_load_le(p, bytes);
  return status;
}

/* E(n): as many leading ones in the first byte as bytes follow; its other bits are the most significant ones. */
static javm_status take_natural(reader *r, const char *part, uint64_t *out) {
  const uint8_t *p = NULL;
  javm_status status = take(r, 1, part, &p);
  if (status != JAVM_OK) return status;
  unsigned first = *p, more = 0;
  while (more < 8 && (first & 0x80u >> more)) more++;
  status = take(r, more, part, &p);
  if (status != JAVM_OK) return status;
  uint64_t high = more < 8 ? (uint64_t)(first & (0x7fu >> more)) << (8 * more) : 0;
  *out = high | jv_load_le(p, more);
  return JAVM_OK;
}

static javm_status take_jump_table(reader *r, uint64_t count, unsigned entry_bytes, const javm_allocator *a,
                                   javm_code *code) {
  const uint8_t *p = NULL;
  javm_status status = take(r, count * entry_bytes, "jump table", &p);
  if (status != JAVM_OK || count == 0) return status;
  uint32_t *table = jv_alloc_array(a, (size_t)count, sizeof *table);
  if (!table) return jv_fail_memory(r->error);
  for (size_t i = 0; i < count; i++) table[i] = (uint32_t)jv_load_le(p + i * entry_bytes, entry_bytes);
  code->jump_table = table;
  code->jump_count = (size_t)count;
  return JAVM_OK;
}

/* A program blob up to the end of the input. On failure the jump table may be left in *code. */
static javm_status take_blob(reader *r, const javm_allocator *a, javm_code *code) {
  size_t count_at = r->at;
  uint64_t jumps, code_bytes;
  uint32_t entry_bytes;
  javm_status status = take_natural(r, "jump table length", &jumps);
  if (status != JAVM_OK) return status;
  if (jumps > JUMPS_MAX) return fail_at(r, count_at, "jump table length", "is more than 2^20");
  size_t entry_at = r->at;
  status = take_number(r, 1, "jump entry size", &entry_bytes);
  if (status != JAVM_OK) return status;
  if (entry_bytes > JUMP_BYTES_MAX) return fail_at(r, entry_at, "jump entry size", "is more than 4");
  if (entry_bytes == 0 && jumps > 0) return fail_at(r, entry_at, "jump entry size", "is 0 for a table with entries");
  size_t code_at = r->at;
  status = take_natural(r, "code length", &code_bytes);
  if (status != JAVM_OK) return status;
  if (code_bytes > CODE_MAX) return fail_at(r, code_at, "code length", "is more than 2^24");
  status = take_jump_table(r, jumps, entry_bytes, a, code);
  if (status != JAVM_OK) return status;
  status = take(r, code_bytes, "code", &code->code);
  if (status != JAVM_OK) return status;
  code->code_bytes = (size_t)code_bytes;
  code->bitmask_bytes = (size_t)(code_bytes + 7) / 8;
  status = take(r, code->bitmask_bytes, "bitmask", &code->bitmask);
  if (status != JAVM_OK) return status;
  if (r->at != r->size) return fail_at(r, r->at, "the rest", "is no part of it");
  return JAVM_OK;
}

static javm_status take_standard(reader *r, const javm_allocator *a, javm_jam *out) {
  uint32_t program_bytes = 0;
  out->is_standard = true;
  javm_status status = take_number(r, 3, "read-only length", &out->read_only_bytes);
  if (status == JAVM_OK) status = take_number(r, 3, "read-write length", &out->read_write_bytes);
  if (status == JAVM_OK) status = take_number(r, 2, "heap page count", &out->heap_pages);
  if (status == JAVM_OK) status = take_number(r, 3, "stack size", &out->stack_bytes);
  if (status == JAVM_OK) status = take(r, out->read_only_bytes, "read-only data", &out->read_only);
  if (status == JAVM_OK) status = take(r, out->read_write_bytes, "read-write data", &out->read_write);
  if (status != JAVM_OK) return status;
  size_t at = r->at;
  status = take_number(r, 4, "program length", &program_bytes);
  if (status != JAVM_OK) return status;
  if (program_bytes != r->size - r->at) {
    return jv_fail(r->error, JAVM_MALFORMED, at, "%s: program length at offset %zu is %lu, but %zu bytes are left",
                   r->what, at, (unsigned long)program_bytes, r->size - r->at);
  }
  return take_blob(r, a, &out->code);
}

static javm_status take_prefixed(reader *r, const javm_allocator *a, javm_jam *out) {
  uint64_t length;
  javm_status status = take_natural(r, "metadata length", &length);
  if (status == JAVM_OK) status = take(r, length, "metadata", &out->metadata);
  if (status != JAVM_OK) return status;
  out->metadata_bytes = (size_t)length;
  return take_standard(r, a, out);
}

static javm_status take_bare(reader *r, const javm_allocator *a, javm_jam *out) { return take_blob(r, a, &out->code); }

javm_status javm_jam_parse(const uint8_t *bytes, size_t size_bytes, javm_isa isa, const javm_allocator *allocator,
                           javm_jam *out, javm_error *error) {
  static const struct {
    const char *name;
    javm_status (*take)(reader *r, const javm_allocator *a, javm_jam *out);
  } shapes[] = {{"standard program", take_standard},
                {"standard program after metadata", take_prefixed},
                {"program blob", take_bare}};
  const javm_allocator *a = allocator ? allocator : javm_allocator_default();
  memset(out, 0, sizeof *out);
  javm_error furthest = {.status = JAVM_OK}, failure;
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    reader r = {bytes, size_bytes, 0, shapes[i].name, &failure};
    javm_jam jam;
    memset(&jam, 0, sizeof jam);
    jam.code.isa = isa;
    javm_status status = shapes[i].take(&r, a, &jam);
    if (status == JAVM_OK) {
      *out = jam;
      return JAVM_OK;
    }
    javm_jam_clear(a, &jam);
    if (status != JAVM_MALFORMED) return jv_fail_memory(error);
    if (furthest.status == JAVM_OK || failure.offset > furthest.offset) furthest = failure;
  }
  if (error) *error = furthest;
  return JAVM_MALFORMED;
}

void javm_jam_clear(const javm_allocator *allocator, javm_jam *jam) {
  const javm_allocator *a = allocator ? allocator : javm_allocator_default();
  if (jam->code.jump_count) {
    uint32_t *table;
    memcpy(&table, &jam->code.jump_table, sizeof table);
    jv_free_array(a, table, jam->code.jump_count, sizeof *table);
  }
  memset(jam, 0, sizeof *jam);
}

/* --------------------------------------------------------------------------------------------------- layout */

#define ZONE UINT32_C(0x10000) /* between the parts */
#define STACK_END (UINT32_MAX - (2 * ZONE + JV_JAM_ARGUMENTS_MAX) + 1)

static_assert(3 * (uint64_t)ZONE + 2 * (UINT64_C(1) << 24) + (UINT64_C(1) << 28) <
                  (uint64_t)STACK_END - ZONE - (UINT64_C(1) << 24),
              "the parts below the heap end below any stack");

jv_jam_layout jv_jam_place(const javm_jam *jam) {
  jv_jam_layout l = {.read_only = ZONE};
  l.read_write = 2 * ZONE + (jam->read_only_bytes + ZONE - 1) / ZONE * ZONE;
  l.read_write_size = jv_page_round(jam->read_write_bytes) + jam->heap_pages * JAVM_PAGE_BYTES;
  l.stack_size = jv_page_round(jam->stack_bytes);
  l.stack = STACK_END - l.stack_size;
  l.heap = l.read_write + l.read_write_size;
  l.heap_limit = l.stack - ZONE;
  l.arguments = STACK_END + ZONE;
  l.return_address = UINT32_MAX - ZONE + 1;
  return l;
}

/* Maps a part and fills it; an empty one is not there. */
static javm_status place_part(javm_machine *machine, uint32_t start, uint32_t size, javm_access access,
                              const uint8_t *bytes, uint32_t byte_count) {
  if (size == 0) return JAVM_OK;
  javm_status status = javm_machine_map(machine, start, size, access);
  if (status != JAVM_OK || byte_count == 0) return status;
  return javm_machine_poke(machine, start, bytes, byte_count);
}

javm_status javm_jam_setup(const javm_jam *jam, const uint8_t *arguments, size_t arguments_bytes, javm_machine *machine,
                           javm_error *error) {
  if (!jam->is_standard) return jv_fail(error, JAVM_INVALID_ARGUMENT, 0, "not a standard program");
  if (arguments_bytes > JV_JAM_ARGUMENTS_MAX) {
    return jv_fail(error, JAVM_INVALID_ARGUMENT, 0, "arguments are longer than 2^24 bytes");
  }
  uint32_t args = (uint32_t)arguments_bytes;
  jv_jam_layout l = jv_jam_place(jam);
  javm_status status = place_part(machine, l.read_only, jv_page_round(jam->read_only_bytes), JAVM_ACCESS_READ,
                                  jam->read_only, jam->read_only_bytes);
  if (status == JAVM_OK) {
    status =
        place_part(machine, l.read_write, l.read_write_size, JAVM_ACCESS_WRITE, jam->read_write, jam->read_write_bytes);
  }
  if (status == JAVM_OK) status = place_part(machine, l.stack, l.stack_size, JAVM_ACCESS_WRITE, NULL, 0);
  if (status == JAVM_OK) {
    status = place_part(machine, l.arguments, jv_page_round(args), JAVM_ACCESS_READ, arguments, args);
  }
  if (status == JAVM_OK) status = javm_machine_set_heap(machine, l.heap, l.heap_limit);
  if (status != JAVM_OK) return jv_fail(error, status, 0, "memory of the standard program");
  uint64_t *regs = javm_machine_regs(machine);
  memset(regs, 0, JAVM_REG_COUNT * sizeof *regs);
  regs[0] = l.return_address;
  regs[1] = (uint64_t)l.stack + l.stack_size;
  regs[7] = l.arguments;
  regs[8] = args;
  return JAVM_OK;
}
