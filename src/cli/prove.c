/* javm prove: writes a proof of parts of an Instance. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef struct wanted {
  javm_target targets[JAVM_CLAIM_MAX];
  size_t count;
  bool in_entry; /* where the targets that follow are */
  uint8_t entry;
} wanted;

enum { OPTION_ENTRY = 256, OPTION_TARGET };

/* "3", or "3/17": slots of nested CNodes, up to four, as an operand. A single number may be an operand already. */
static bool parse_slot(const char *text, size_t length, uint64_t *operand) {
  char copy[64], *rest = copy, *next;
  uint64_t slot;
  if (length >= sizeof copy) return false;
  memcpy(copy, text, length);
  copy[length] = '\0';
  if (strchr(copy, '/') == NULL) return cli_parse_u64(copy, operand);
  *operand = 0;
  for (unsigned shift = 0; shift < 56; shift += shift == 0 ? 8 : 16, rest = next) {
    next = strchr(rest, '/');
    if (next != NULL) *next++ = '\0';
    if (!cli_parse_u64(rest, &slot) || slot > (shift == 0 ? 0xffu : 0xfffeu)) return false;
    *operand |= (slot + (shift > 0)) << shift;
    if (next == NULL) return true;
  }
  return false;
}

static bool option_slot(const char *option, const char *text, size_t length, uint64_t *operand) {
  if (parse_slot(text, length, operand)) return true;
  cli_fail("%s: expected a slot such as 3, or 3/17 for one of a nested CNode, got '%.*s'", option, (int)length, text);
  return false;
}

static bool option_data_page(const char *text, javm_target *target) {
  const char *colon = strchr(text, ':');
  uint64_t page;
  if (colon == NULL) {
    cli_fail("--data-page: expected SLOT:PAGE, got '%s'", text);
    return false;
  }
  if (!option_slot("--data-page", text, (size_t)(colon - text), &target->place) ||
      !cli_option_u64("--data-page", colon + 1, UINT32_MAX, &page))
    return false;
  target->page = (uint32_t)page;
  return true;
}

static bool add_target(wanted *w, javm_claim_kind kind) {
  javm_target target = {.kind = kind, .in_entry = w->in_entry, .entry = w->entry};
  if (w->count == JAVM_CLAIM_MAX) {
    cli_fail("prove: more than %d parts", JAVM_CLAIM_MAX);
    return false;
  }
  bool good = true;
  switch (kind) {
    case JAVM_CLAIM_REGISTER: good = cli_option_u64("--reg", optarg, JAVM_REG_COUNT - 1, &target.place); break;
    case JAVM_CLAIM_PAGE: good = cli_option_u64("--page", optarg, UINT32_MAX, &target.place); break;
    case JAVM_CLAIM_SLOT: good = option_slot("--slot", optarg, strlen(optarg), &target.place); break;
    case JAVM_CLAIM_DATA_PAGE: good = option_data_page(optarg, &target); break;
    default: break;
  }
  if (good) w->targets[w->count++] = target;
  return good;
}

static bool add_entry(wanted *w) {
  uint64_t entry;
  if (!cli_option_u64("--entry", optarg, 255, &entry)) return false;
  w->in_entry = true;
  w->entry = (uint8_t)entry;
  return true;
}

static int help(void) {
  puts("usage: javm prove FILE [PART...] -o PROOF\n\n"
       "Proves what parts of the Instance in FILE are, under its hash, to 'javm verify'.\n\n"
       "  --reg N                a register, 0 to 12, with those that it shares a chunk with\n"
       "  --pc, --gas, --mem-size, --heap-end\n"
       "  --chain, --image, --root-cnode, --paused\n"
       "                         the hash in that field\n"
       "  --slot SLOT            what is in a slot; 3/17 is slot 17 of the CNode in slot 3\n"
       "  --page ADDRESS         the page with this guest address, of an overlay\n"
       "  --data-page SLOT:PAGE  a page of the Data in a slot, from 0\n"
       "  --entry N              the parts that follow are those of entry N of what is paused in the Instance\n"
       "  -o, --output PROOF     the file to write");
  return CLI_OK;
}

static int prove(const char *path, const wanted *w, const char *output) {
  cli_input input;
  javm_error error;
  uint8_t *proof;
  size_t size;
  if (cli_input_open(path, NULL, &input) != CLI_OK) return CLI_BAD;
  javm_status status = javm_prove(input.dir, input.cap, w->targets, w->count, &proof, &size, &error);
  int result = status == JAVM_OK ? cli_write_file(output, proof, size) : cli_fail_error(path, &error);
  if (status == JAVM_OK) javm_free_bytes(javm_dir_allocator(input.dir), proof, size);
  cli_input_close(&input);
  return result;
}

int cli_prove(int argc, char **argv) {
  static const struct option options[] = {{"reg", required_argument, NULL, OPTION_TARGET + JAVM_CLAIM_REGISTER},
                                          {"pc", no_argument, NULL, OPTION_TARGET + JAVM_CLAIM_PC},
                                          {"gas", no_argument, NULL, OPTION_TARGET + JAVM_CLAIM_GAS},
                                          {"chain", no_argument, NULL, OPTION_TARGET + JAVM_CLAIM_CHAIN},
                                          {"image", no_argument, NULL, OPTION_TARGET + JAVM_CLAIM_IMAGE},
                                          {"root-cnode", no_argument, NULL, OPTION_TARGET + JAVM_CLAIM_ROOT_CNODE},
                                          {"mem-size", no_argument, NULL, OPTION_TARGET + JAVM_CLAIM_MEM_SIZE},
                                          {"heap-end", no_argument, NULL, OPTION_TARGET + JAVM_CLAIM_HEAP_END},
                                          {"paused", no_argument, NULL, OPTION_TARGET + JAVM_CLAIM_PAUSED},
                                          {"slot", required_argument, NULL, OPTION_TARGET + JAVM_CLAIM_SLOT},
                                          {"page", required_argument, NULL, OPTION_TARGET + JAVM_CLAIM_PAGE},
                                          {"data-page", required_argument, NULL, OPTION_TARGET + JAVM_CLAIM_DATA_PAGE},
                                          {"entry", required_argument, NULL, OPTION_ENTRY},
                                          {"output", required_argument, NULL, 'o'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
  wanted w = {.count = 0};
  const char *output = NULL;
  int given;
  while ((given = getopt_long(argc, argv, ":ho:", options, NULL)) != -1) {
    if (given == 'h') return help();
    if (given == 'o') output = optarg;
    else if (given == OPTION_ENTRY ? add_entry(&w)
                                   : given >= OPTION_TARGET && add_target(&w, (javm_claim_kind)(given - OPTION_TARGET)))
      continue;
    else return given < OPTION_ENTRY ? cli_option_refused(argv, given) : CLI_BAD;
  }
  const char *path = cli_one_file(argc, argv);
  if (path == NULL) return CLI_BAD;
  if (w.count == 0) return cli_fail("prove: expected something to prove, such as --pc; see 'javm prove --help'");
  if (output == NULL) return cli_fail("prove: expected -o PROOF; see 'javm prove --help'");
  return prove(path, &w, output);
}
