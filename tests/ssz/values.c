/*
 * Our half of the comparison with another SSZ library (scripts/ssz-check). Lines of text, bytes in hex:
 *   values COUNT    prints COUNT values of each kind and COUNT Instances with a proof:
 *                     value KIND HASH BYTES        the serialized form
 *                     proof HASH BUNDLE PROOF
 *   values check    reads lines HASH PROOF and prints what javm_verify says of each: its status, and the claims as
 *                     KIND ENTRY PLACE PAGE NUMBER HASH, the last one of a page the hash of its bytes
 */
#include <inttypes.h>
#include <stdio.h>

#include "cap/kind.h"
#include "support/cap_samples.h"
#include "support/random_values.h"

static void print_hex(const uint8_t *bytes, size_t size) {
  static const char digits[] = "0123456789abcdef";
  putchar(' ');
  for (size_t i = 0; i < size; i++) {
    putchar(digits[bytes[i] >> 4]);
    putchar(digits[bytes[i] & 15]);
  }
}

/* Prints the hash and the bytes of a value and gives both back. */
static void print_value(javm_dir *dir, javm_cap *cap) {
  uint8_t *bytes;
  size_t size;
  javm_hash hash = hash_of(dir, cap);
  ok(javm_cap_encode(dir, cap, &bytes, &size, NULL));
  printf("value %u", cap->kind);
  print_hex(hash.bytes, sizeof hash);
  print_hex(bytes, size);
  putchar('\n');
  javm_free_bytes(javm_dir_allocator(dir), bytes, size);
  javm_cap_release(dir, cap);
}

static void print_proof(javm_dir *dir) {
  javm_cap *instance = random_instance(dir, random_below(2) ? 1 : 0);
  javm_hash hash = hash_of(dir, instance);
  javm_target targets[8];
  uint8_t *bundle, *proof;
  size_t count = 1 + random_below(8), bundle_size, proof_size;
  for (size_t i = 0; i < count; i++) targets[i] = random_target(instance);
  ok(javm_bundle_encode(dir, instance, &bundle, &bundle_size, NULL));
  ok(javm_prove(dir, instance, targets, count, &proof, &proof_size, NULL));
  printf("proof");
  print_hex(hash.bytes, sizeof hash);
  print_hex(bundle, bundle_size);
  print_hex(proof, proof_size);
  putchar('\n');
  javm_free_bytes(javm_dir_allocator(dir), bundle, bundle_size);
  javm_free_bytes(javm_dir_allocator(dir), proof, proof_size);
  javm_cap_release(dir, instance);
}

static void print_all(javm_dir *dir, unsigned long count) {
  for (unsigned long i = 0; i < count; i++) {
    print_value(dir, random_instance(dir, (int)random_below(3)));
    print_value(dir, random_image(dir));
    print_value(dir, random_data(dir, 200));
    print_value(dir, random_cnode(dir, 2));
    print_value(dir, random_type(dir));
    print_value(dir, random_continuation(dir));
    print_value(dir, random_frame(dir));
    print_proof(dir);
  }
}

/* ---------------------------------------------------------------------------------------------------------- check */

static size_t read_hex(const char *text, uint8_t *bytes) {
  size_t size = 0;
  for (unsigned byte; sscanf(text + 2 * size, "%2x", &byte) == 1 && text[2 * size] > ' '; size++)
    bytes[size] = (uint8_t)byte;
  return size;
}

static void print_claim(const javm_claim *c) {
  printf(" %d %d %" PRIu64 " %" PRIu32 " %" PRIu64, (int)c->target.kind, c->target.in_entry ? c->target.entry : -1,
         c->target.place, c->target.page, c->number);
  javm_hash hash = c->hash;
  if (c->page_bytes) jv_hash(&hash, c->page_bytes, JAVM_PAGE_BYTES);
  print_hex(hash.bytes, sizeof hash);
}

static void check_line(const char *line) {
  static javm_claim claims[JAVM_CLAIM_MAX];
  javm_hash hash;
  size_t count = 0;
  uint8_t *proof = malloc(strlen(line) / 2 + 1);
  assert_non_null(proof);
  assert_int_equal(read_hex(line, hash.bytes), sizeof hash);
  size_t size = read_hex(line + 2 * sizeof hash + 1, proof);
  javm_status status = javm_verify(&hash, proof, size, claims, JAVM_CLAIM_MAX, &count, NULL);
  printf("%d", (int)status);
  for (size_t i = 0; i < count; i++) print_claim(&claims[i]);
  putchar('\n');
  free(proof);
}

static void check_lines(void) {
  char *line = NULL;
  size_t capacity = 0;
  while (getline(&line, &capacity, stdin) > (ptrdiff_t)(2 * JAVM_HASH_BYTES)) check_line(line);
  free(line);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: values COUNT | check\n");
    return 2;
  }
  if (strcmp(argv[1], "check") == 0) {
    check_lines();
    return 0;
  }
  javm_dir *dir;
  ok(javm_dir_new(NULL, &dir));
  print_all(dir, strtoul(argv[1], NULL, 10));
  javm_dir_free(dir);
  return 0;
}
