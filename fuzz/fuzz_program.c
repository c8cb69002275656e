/*
 * Any bytes as a program with its memory, registers and gas: the fast interpreter, the stepwise one and the oracle must
 * agree (compare.h).
 */
#include "check.h"
#include "compare.h"

static void take_regions(fuzz_input *in, fuzz_case *c) {
  static const uint32_t places[] = {0,    0xe,     0xf,     0x10,    0x11,    0x20,    0x21,    0x22,
                                    0x24, 0x7fffe, 0x7ffff, 0x80000, 0xffffc, 0xffffd, 0xffffe, 0xfffff};
  bool heap = false;
  for (unsigned n = (unsigned)fuzz_take(in, 1) % 8; n > 0; n--) {
    unsigned place = (unsigned)fuzz_take(in, 1), what = (unsigned)fuzz_take(in, 1);
    fuzz_region *g = &c->regions[c->region_count];
    *g = (fuzz_region){.first_page = places[place % 16], .page_count = 1 + place / 16 % 4};
    if (g->first_page + g->page_count > 1u << 20) continue;
    g->access = (javm_access)(what % 3);
    g->pattern = (uint8_t)(what / 4 % 8);
    g->source_pages = (uint8_t)(what / 32 < g->page_count ? what / 32 : g->page_count);
    g->is_heap = !heap && what % 4 == 3 && g->first_page + g->page_count < 1u << 20;
    if (what % 4 == 3 && !g->is_heap) continue;
    heap = heap || g->is_heap;
    g->heap_end = g->first_page * JAVM_PAGE_BYTES + (place > 127 ? what * 100 % (g->page_count * JAVM_PAGE_BYTES) : 0);
    c->region_count++;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static fuzz_rig *rig;
  if (!rig) rig = fuzz_rig_new();
  CHECK(rig);
  fuzz_input in = {bytes, size};
  static uint32_t jumps[16];
  fuzz_case c = {.code = {.jump_table = jumps}};
  unsigned kind = (unsigned)fuzz_take(&in, 1), how = (unsigned)fuzz_take(&in, 1);
  c.code.isa = (javm_isa)(kind % 3);
  c.gas_model = (javm_gas_model)(kind / 4 % 3);
  c.load_cycles = kind > 127 ? 37 : 0;
  c.has_handler = how % 2;
  c.rounds = 1 + how / 2 % 8;
  c.step = how / 16 % 8;
  c.gas = fuzz_take(&in, 2);
  c.pc = (uint32_t)fuzz_take(&in, 1);
  c.seed = fuzz_take(&in, 4);
  c.code.jump_count = fuzz_take(&in, 1) % 16;
  for (size_t k = 0; k < c.code.jump_count; k++) jumps[k] = (uint32_t)fuzz_take(&in, 2);
  take_regions(&in, &c);
  for (unsigned k = 0; k < JAVM_REG_COUNT; k++) c.regs[k] = (uint64_t)(int64_t)(int32_t)fuzz_take(&in, 4);
  c.code.code = in.bytes;
  c.code.code_bytes = in.left * 8 / 9;
  c.code.bitmask = in.bytes + c.code.code_bytes;
  c.code.bitmask_bytes = (c.code.code_bytes + 7) / 8;
  CHECK(c.code.code_bytes + c.code.bitmask_bytes <= in.left);
  CHECK(fuzz_load(rig, &c));
  CHECK(fuzz_compare(rig, &c, NULL) != FUZZ_DIFFERENT);
  return 0;
}
