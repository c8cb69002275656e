/*
 * The values of the model (3-values.md), as plain immutable structs, and their hashes, as SSZ says it, without any sharing
 * with src/. All memory is of one arena that m_forget empties; nothing is ever freed singly.
 */
#ifndef MODEL_VALUE_H
#define MODEL_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "javm.h"

/* Zero-filled memory until m_forget; aborts without memory. */
void *m_new(size_t size_bytes);
void *m_copy(const void *from, size_t size_bytes);
void m_forget(void);
size_t m_used(void); /* bytes, since then */

#define M_PAGE JAVM_PAGE_BYTES

/* A page's bytes. NULL stands for a page of zeros everywhere. */
typedef struct m_page {
  uint8_t bytes[M_PAGE];
  javm_hash hash; /* once it was asked for */
  bool is_hashed;
} m_page;

typedef struct m_value m_value;

typedef struct m_pages {
  uint32_t count;
  m_page *const *at;
} m_pages;

typedef struct m_slot_cap {
  uint32_t slot;
  const m_value *cap;
} m_slot_cap;

/* A step of a program as it is executed (machine.h); by the place in the list, in order of pc. */
typedef struct m_insn {
  uint8_t op;
  uint8_t a, b, d; /* registers */
  uint32_t pc, next;
  uint64_t x;
  uint32_t target; /* pc */
} m_insn;

typedef struct m_image {
  const uint8_t *code, *bitmask;
  uint32_t code_bytes;
  const m_insn *insns;
  uint32_t insn_count;
  const javm_endpoint *endpoints;
  size_t endpoint_count;
  const javm_mapping *mappings;
  size_t mapping_count;
  const uint32_t *gas_slots, *quota_slots, *yield_marker_slots;
  size_t gas_slot_count, quota_slot_count, yield_marker_slot_count;
  const m_slot_cap *pinned, *initial;
  size_t pinned_count, initial_count;
} m_image;

typedef struct m_overlay {
  uint32_t start;
  m_pages pages;
} m_overlay;

typedef struct m_instance {
  javm_hash chain;
  const m_value *image, *root; /* NULL: the zero hash */
  const m_overlay *overlays;
  size_t overlay_count;
  uint32_t mem_size, heap_end;
  uint64_t regs[JAVM_REG_COUNT];
  uint64_t pc, gas_remaining;
  javm_hash paused;
  const struct m_continuation *continuation; /* of a Paused Instance */
} m_instance;

typedef struct m_cnode {
  unsigned size_log;
  const m_value *const *slots; /* 2^size_log; NULL: empty */
} m_cnode;

struct m_value {
  javm_kind kind;
  union {
    m_instance instance;
    m_image image;
    m_pages data;
    m_cnode cnode;
    javm_hash type;
  } as;
  javm_hash hash; /* once it was asked for */
  bool is_hashed;
  struct javm_cap *real; /* what the driver's test made of it, its own */
};

m_value *m_value_new(javm_kind kind);
/* Zero-padded to whole pages. */
m_value *m_data(const void *bytes, size_t size_bytes);
m_value *m_cnode_new(unsigned size_log);
/* A CNode with these slots, copied. */
m_value *m_cnode_of(unsigned size_log, const m_value *const *slots);
m_value *m_type(const javm_hash *chain);
m_value *m_kernel(javm_kernel_image which, uint64_t id);
/* Is it the kernel's Instance of this name? */
bool m_is_kernel(const m_value *v, javm_kernel_image which);
/* A first Instance of an Image. The slots that the Image pins are taken from it, whatever `slots` has there. */
m_value *m_genesis(const m_value *image, const m_value *const slots[256]);

/* The serialized form of an Image. */
const uint8_t *m_image_bytes(const m_value *image, size_t *size);

void m_hash_bytes(const void *bytes, size_t size_bytes, javm_hash *out);
javm_hash m_hash_of(const m_value *v);
javm_hash m_page_hash(const m_page *page);
void m_kernel_chain(javm_kernel_image which, javm_hash *out);
/* H(chain || hash of the image) */
javm_hash m_chain_extended(const javm_hash *chain, const m_value *image);
bool m_same(const javm_hash *a, const javm_hash *b);
bool m_is_zero(const javm_hash *h);

/* ---- SSZ ---- */
/* The root over 2^depth chunks, the first `count` of which are given and the others zero. */
javm_hash m_merkle(const javm_hash *chunks, size_t count, unsigned depth);
javm_hash m_pair(const javm_hash *a, const javm_hash *b);
javm_hash m_number(uint64_t v); /* as a chunk */
/* The root over bytes in chunks, 2^depth of them. */
javm_hash m_merkle_bytes(const void *bytes, size_t size_bytes, unsigned depth);
javm_hash m_with_length(javm_hash root, uint64_t length);
/* The root over 2^depth chunks of which only those at these ascending places are not zero. */
javm_hash m_merkle_sparse(const uint32_t *places, const javm_hash *chunks, size_t count, unsigned depth);

#endif
