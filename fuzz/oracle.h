/*
 * A second implementation of the machine, to compare the engines with: an interpreter that reads like 1-machine.md and
 * 2-gas.md, in all three gas models. It shares no code with src/: own decoding, own costs, own memory. Slow and
 * obvious.
 */
#ifndef FUZZ_ORACLE_H
#define FUZZ_ORACLE_H

#include "javm.h"

#define ORACLE_REGIONS_MAX 40
#define ORACLE_OWN_PAGES_MAX 48

/* Pages [first, first + count) with an access; later regions win. */
typedef struct oracle_region {
  uint32_t first, count;
  javm_access access;
  bool is_heap;           /* read-write below heap_end, else inaccessible */
  const uint8_t *content; /* content_pages pages, zeros behind them; NULL: zeros */
  uint32_t content_pages;
} oracle_region;

/* A page whose bytes are no longer what its region says. */
typedef struct oracle_own_page {
  uint32_t page;
  bool dirty; /* written with the guest's permission */
  uint8_t bytes[JAVM_PAGE_BYTES];
} oracle_own_page;

typedef struct oracle oracle;
/* As the engines' ecall handler. */
typedef javm_ecall_action (*oracle_ecall_fn)(void *ctx, oracle *o, javm_ecall_kind kind, uint32_t immediate);

struct oracle {
  javm_code code;
  javm_gas_model gas_model;
  uint32_t load_cycles;
  uint64_t regs[JAVM_REG_COUNT];
  uint64_t gas;
  uint64_t instructions;
  uint32_t pc;
  bool paid;
  oracle_region regions[ORACLE_REGIONS_MAX];
  unsigned region_count;
  uint64_t heap_end, heap_limit; /* 0: no heap */
  oracle_own_page *own;          /* ORACLE_OWN_PAGES_MAX of them, the caller's */
  unsigned own_count;
  bool overflow;          /* more own pages were needed: the run ends as at the limit */
  uint32_t fault_address; /* after a failed access: the first byte that may not be touched */
  uint32_t *costs;        /* 1 + cost of the block at each pc as far as known, else 0; code_bytes + 1 words */
};

/* Runs to an exit, or until `limit` instructions have run: then *limit_reached and the exit means nothing. */
javm_exit oracle_run(oracle *o, oracle_ecall_fn handler, void *ctx, uint64_t limit, bool *limit_reached);

bool oracle_is_block_start(const javm_code *code, uint32_t pc);
uint32_t oracle_block_cost(const javm_code *code, javm_gas_model model, uint32_t load_cycles, uint32_t pc);

/* As jv_mem_*: all or nothing; false with fault_address set. `as_host` needs no more than a mapped page. */
bool oracle_read(oracle *o, uint32_t address, uint8_t *to, uint32_t size);
bool oracle_write(oracle *o, uint32_t address, const uint8_t *from, uint32_t size, bool as_host);
/* Drops what was written to pages that a new region is about to cover. */
void oracle_forget(oracle *o, uint32_t first_page, uint32_t page_count);
uint64_t oracle_sbrk(oracle *o, uint64_t bytes);
uint32_t oracle_accessible_pages(const oracle *o);

#endif
