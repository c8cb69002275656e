/* javm verify: checks a proof under a hash, and prints what it proves. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const char *const names[] = {
    [JAVM_CLAIM_REGISTER] = "register",
    [JAVM_CLAIM_PC] = "pc",
    [JAVM_CLAIM_GAS] = "gas_remaining",
    [JAVM_CLAIM_CHAIN] = "image_hash_chain",
    [JAVM_CLAIM_IMAGE] = "image",
    [JAVM_CLAIM_ROOT_CNODE] = "root_cnode",
    [JAVM_CLAIM_MEM_SIZE] = "mem_size",
    [JAVM_CLAIM_HEAP_END] = "heap_end",
    [JAVM_CLAIM_PAUSED] = "paused",
    [JAVM_CLAIM_SLOT] = "slot",
    [JAVM_CLAIM_PAGE] = "page",
    [JAVM_CLAIM_DATA_PAGE] = "data page",
    [JAVM_CLAIM_WRITTEN_PAGE] = "written page",
};

static bool holds_number(javm_claim_kind kind) {
  return kind == JAVM_CLAIM_REGISTER || kind == JAVM_CLAIM_PC || kind == JAVM_CLAIM_GAS ||
         kind == JAVM_CLAIM_MEM_SIZE || kind == JAVM_CLAIM_HEAP_END;
}

static bool is_nothing(const javm_hash *hash) {
  static const javm_hash nothing;
  return memcmp(hash, &nothing, sizeof nothing) == 0;
}

/* "3/17" of an operand. */
static void slot_text(uint64_t operand, char text[64]) {
  text += sprintf(text, "%u", (unsigned)(operand & 0xff));
  for (operand >>= 8; operand != 0; operand >>= 16) text += sprintf(text, "/%u", (unsigned)(operand & 0xffff) - 1);
}

/* -------------------------------------------------------------------------------------------------- text and JSON */

static void print_claim(const javm_claim *c, const javm_hash *page_hash) {
  char slot[64], hex[CLI_HEX_HASH];
  const javm_target *t = &c->target;
  slot_text(t->place, slot);
  if (t->in_entry) printf("entry %u: ", t->entry);
  if (t->kind == JAVM_CLAIM_REGISTER) printf("φ[%u]", (unsigned)t->place);
  else if (t->kind == JAVM_CLAIM_SLOT) printf("slot %s", slot);
  else if (t->kind == JAVM_CLAIM_DATA_PAGE) printf("page %" PRIu32 " of the Data in slot %s", t->page, slot);
  else if (c->page_bytes != NULL) printf("%s 0x%08" PRIx64, names[t->kind], t->place);
  else printf("%s", names[t->kind]);
  if (t->kind == JAVM_CLAIM_PAGE)
    printf(" of overlay %" PRIu32 " (from 0x%08" PRIx32 ")", c->overlay, c->overlay_start);
  if (holds_number(t->kind)) {
    printf(" = %" PRIu64 " (0x%" PRIx64 ")\n", c->number, c->number);
    return;
  }
  const javm_hash *hash = c->page_bytes != NULL ? page_hash : &c->hash;
  cli_hash_hex(hash, hex);
  printf(" = %s\n", !is_nothing(hash) ? hex : t->kind == JAVM_CLAIM_SLOT ? "empty" : "none");
}

static json_t *bytes_json(const uint8_t *bytes, size_t size) {
  static const char digits[] = "0123456789abcdef";
  char *text = malloc(2 * size + 1);
  if (text == NULL) return NULL;
  for (size_t i = 0; i < size; i++) {
    text[2 * i] = digits[bytes[i] >> 4];
    text[2 * i + 1] = digits[bytes[i] & 15];
  }
  text[2 * size] = '\0';
  json_t *out = json_string(text);
  free(text);
  return out;
}

static bool describe_place(const javm_claim *c, json_t *out) {
  const javm_target *t = &c->target;
  char slot[64];
  slot_text(t->place, slot);
  if (t->kind == JAVM_CLAIM_REGISTER) return cli_json_set(out, "register", cli_json_u64(t->place));
  if (t->kind == JAVM_CLAIM_SLOT) return cli_json_set(out, "slot", json_string(slot));
  if (t->kind == JAVM_CLAIM_DATA_PAGE)
    return cli_json_set(out, "slot", json_string(slot)) && cli_json_set(out, "page", cli_json_u64(t->page));
  if (c->page_bytes == NULL) return true;
  return cli_json_set(out, "address", cli_json_u64(t->place)) &&
         (t->kind != JAVM_CLAIM_PAGE || (cli_json_set(out, "overlay", cli_json_u64(c->overlay)) &&
                                         cli_json_set(out, "overlay_start", cli_json_u64(c->overlay_start))));
}

static json_t *claim_json(const javm_claim *c, const javm_hash *page_hash) {
  json_t *out = json_object();
  const javm_hash *hash = c->page_bytes != NULL ? page_hash : &c->hash;
  bool good = cli_json_set(out, "claim", json_string(names[c->target.kind])) &&
              cli_json_set(out, "entry", c->target.in_entry ? cli_json_u64(c->target.entry) : json_null()) &&
              describe_place(c, out) &&
              (holds_number(c->target.kind)
                   ? cli_json_set(out, "value", cli_json_u64(c->number))
                   : cli_json_set(out, "hash", is_nothing(hash) ? json_null() : cli_json_hash(hash))) &&
              (c->page_bytes == NULL || cli_json_set(out, "bytes", bytes_json(c->page_bytes, JAVM_PAGE_BYTES)));
  if (good) return out;
  json_decref(out);
  return NULL;
}

static int tell(const javm_claim *claims, size_t count, bool json) {
  json_t *all = json ? json_array() : NULL;
  javm_dir *dir;
  bool good = (!json || all != NULL) && javm_dir_new(NULL, &dir) == JAVM_OK;
  if (!good) dir = NULL;
  for (size_t i = 0; good && i < count; i++) {
    javm_hash page_hash = {{0}};
    if (claims[i].page_bytes != NULL) good = javm_dir_put_page(dir, claims[i].page_bytes, &page_hash) == JAVM_OK;
    if (good && json) good = cli_json_append(all, claim_json(&claims[i], &page_hash));
    else if (good) print_claim(&claims[i], &page_hash);
  }
  javm_dir_free(dir);
  if (good && json) return cli_json_print(all);
  json_decref(all);
  return good ? CLI_OK : cli_fail_memory();
}

/* ------------------------------------------------------------------------------------------------------- command */

static bool parse_hash(const char *text, javm_hash *hash) {
  cli_bytes bytes;
  if (strncmp(text, "0x", 2) == 0) text += 2;
  bool good = strlen(text) == 2 * JAVM_HASH_BYTES && cli_parse_hex(text, 2 * JAVM_HASH_BYTES, &bytes);
  if (!good) return false;
  memcpy(hash->bytes, bytes.data, JAVM_HASH_BYTES);
  free(bytes.data);
  return true;
}

static int verify(const javm_hash *hash, const char *path, bool json) {
  static javm_claim claims[JAVM_CLAIM_MAX];
  cli_bytes proof;
  size_t count;
  javm_error error;
  if (!cli_read_file(path, &proof)) return CLI_BAD;
  javm_status status = javm_verify(hash, proof.data, proof.size, claims, JAVM_CLAIM_MAX, &count, &error);
  int result = CLI_OTHER;
  if (status == JAVM_OK) result = tell(claims, count, json);
  else cli_fail_error(path, &error);
  free(proof.data);
  return result;
}

int cli_verify(int argc, char **argv) {
  static const struct option options[] = {
      {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
  javm_hash hash;
  bool json = false;
  int given;
  while ((given = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
    if (given == 'j') {
      json = true;
      continue;
    }
    if (given != 'h') return cli_option_refused(argv, given);
    puts(
        "usage: javm verify HASH PROOF [--json]\n\n"
        "Checks a proof under the hash of an Instance, and prints what it proves. The exit status is 1 if it is not a\n"
        "proof under this hash. Of a page the hash is printed; with --json, the bytes, too.");
    return CLI_OK;
  }
  if (argc - optind != 2)
    return cli_fail("verify: expected HASH and PROOF, got %d arguments; see 'javm verify --help'", argc - optind);
  if (!parse_hash(argv[optind], &hash))
    return cli_fail("verify: expected a hash of %d hexadecimal digits, got '%s'", 2 * JAVM_HASH_BYTES, argv[optind]);
  return verify(&hash, argv[optind + 1], json);
}
