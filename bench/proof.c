/* What the proof of one page costs: bytes beyond the page, and time to verify. The page is one of a Data with 2^18 pages, all
 * different, in an Instance that also has slots and registers: all that stands beside its path is there. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define PAGES (UINT32_C(1) << 18)
#define START UINT32_C(0x10000)

typedef struct proof {
  javm_hash hash;
  uint8_t *bytes;
  size_t size;
} proof;

static void verify(void *ctx) {
  proof *p = ctx;
  javm_error error;
  javm_claim claim;
  size_t count;
  bench_check(javm_verify(&p->hash, p->bytes, p->size, &claim, 1, &count, &error), &error, "javm_verify");
  bench_require(count == 1 && claim.target.kind == JAVM_CLAIM_PAGE, "the proof says something else");
}

/* A Data of that many pages, each with other bytes, made from a list of hashes: only the page in the middle is there. */
static javm_cap *large_data(javm_dir *dir) {
  javm_error error;
  javm_cap *data = NULL;
  size_t size = 1 + 4 + (size_t)PAGES * JAVM_HASH_BYTES;
  uint8_t *bytes = malloc(size), page[JAVM_PAGE_BYTES];
  bench_require(bytes != NULL, "not enough memory");
  memset(bytes, 0, 5);
  bytes[0] = JAVM_KIND_DATA;
  bytes[1] = 4;
  for (size_t i = 5; i < size; i++) bytes[i] = (uint8_t)((i + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 56);
  for (size_t i = 0; i < sizeof page; i++) page[i] = (uint8_t)(i * 7);
  javm_hash hash;
  bench_check(javm_dir_put_page(dir, page, &hash), NULL, "javm_dir_put_page");
  memcpy(bytes + 5 + (size_t)PAGES / 2 * JAVM_HASH_BYTES, &hash, JAVM_HASH_BYTES);
  bench_check(javm_cap_decode(dir, bytes, size, &data, &error), &error, "javm_cap_decode");
  free(bytes);
  return data;
}

static javm_cap *make_instance(javm_dir *dir) {
  javm_error error;
  javm_instance_spec spec;
  javm_cap *instance = NULL, *small = NULL;
  javm_instance_spec_init(&spec);
  bench_check(javm_data_new(dir, (const uint8_t *)"x", 1, &small), NULL, "javm_data_new");
  javm_overlay overlays[64];
  for (uint32_t i = 0; i < 64; i++) overlays[i] = (javm_overlay){UINT32_C(0x80000000) + i * JAVM_PAGE_BYTES, small};
  overlays[32] = (javm_overlay){START, large_data(dir)};
  spec.overlays = overlays;
  spec.overlay_count = 64;
  spec.mem_size = 65536;
  spec.pc = spec.gas_remaining = spec.regs[7] = 1;
  memset(&spec.image_hash_chain, 1, sizeof spec.image_hash_chain);
  memset(&spec.paused, 2, sizeof spec.paused);
  bench_check(javm_cap_by_hash(dir, &spec.image_hash_chain, &spec.image), NULL, "javm_cap_by_hash");
  bench_check(javm_cap_by_hash(dir, &spec.paused, &spec.root_cnode), NULL, "javm_cap_by_hash");
  bench_check(javm_instance_new(dir, &spec, &instance, &error), &error, "javm_instance_new");
  javm_cap_release(dir, spec.image);
  javm_cap_release(dir, spec.root_cnode);
  javm_cap_release(dir, overlays[32].data);
  javm_cap_release(dir, small);
  return instance;
}

void bench_proof(void) {
  javm_dir *dir;
  javm_error error;
  proof p;
  double times[BENCH_ROUNDS];
  bench_check(javm_dir_new(NULL, &dir), NULL, "javm_dir_new");
  javm_cap *instance = make_instance(dir);
  javm_target page = {.kind = JAVM_CLAIM_PAGE, .place = START + (uint64_t)PAGES / 2 * JAVM_PAGE_BYTES};
  bench_check(javm_prove(dir, instance, &page, 1, &p.bytes, &p.size, &error), &error, "javm_prove");
  bench_check(javm_cap_hash(dir, instance, &p.hash), NULL, "javm_cap_hash");
  bench_time(verify, &p, 100);
  for (int round = 0; round < BENCH_ROUNDS; round++) times[round] = bench_time(verify, &p, 1000);
  bench_report("proof.page.bytes", (double)(p.size - JAVM_PAGE_BYTES), "bytes", 0, NULL, "<= 2048 bytes");
  bench_report("proof.page.verify", bench_median(times, BENCH_ROUNDS) * 1e6, "us", 0, NULL, "<= 20 us");
  javm_free_bytes(javm_dir_allocator(dir), p.bytes, p.size);
  javm_cap_release(dir, instance);
  javm_dir_free(dir);
}
