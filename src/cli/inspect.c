/* javm inspect: what a value is made of. One description, as JSON or printed as indented text. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static json_t *slot_json(javm_dir *dir, uint32_t slot, javm_cap *reference) {
  javm_hash hash;
  javm_cap *cap;
  javm_error error;
  if (javm_cap_hash(dir, reference, &hash) != JAVM_OK) return NULL;
  if (cli_resolve(dir, reference, &cap, &error) != JAVM_OK) cap = javm_cap_retain(reference); /* absent */
  json_t *out = json_object();
  if (!cli_json_set(out, "slot", cli_json_u64(slot)) ||
      !cli_json_set(out, "kind", json_string(javm_kind_text(javm_cap_kind(cap)))) ||
      !cli_json_set(out, "hash", cli_json_hash(&hash))) {
    json_decref(out);
    out = NULL;
  }
  javm_cap_release(dir, cap);
  return out;
}

static json_t *slots_json(javm_dir *dir, const javm_slot_cap *slots, size_t count) {
  json_t *out = json_array();
  for (size_t i = 0; out != NULL && i < count; i++) {
    if (cli_json_append(out, slot_json(dir, slots[i].slot, slots[i].cap))) continue;
    json_decref(out);
    return NULL;
  }
  return out;
}

static json_t *numbers_json(const uint32_t *numbers, size_t count) {
  json_t *out = json_array();
  for (size_t i = 0; out != NULL && i < count; i++) {
    if (cli_json_append(out, cli_json_u64(numbers[i]))) continue;
    json_decref(out);
    return NULL;
  }
  return out;
}

static json_t *regs_json(const uint64_t *regs) {
  json_t *out = json_array();
  for (size_t i = 0; out != NULL && i < JAVM_REG_COUNT; i++) {
    if (cli_json_append(out, cli_json_u64(regs[i]))) continue;
    json_decref(out);
    return NULL;
  }
  return out;
}

/* The slots of a CNode that hold something. */
static json_t *cnode_slots_json(javm_dir *dir, javm_cap *cnode, unsigned size_log) {
  json_t *out = json_array();
  for (uint32_t slot = 0; out != NULL && slot < UINT32_C(1) << size_log; slot++) {
    javm_cap *cap = NULL;
    bool good = javm_cnode_get(dir, cnode, slot, &cap) == JAVM_OK;
    if (good && cap != NULL) good = cli_json_append(out, slot_json(dir, slot, cap));
    javm_cap_release(dir, cap);
    if (good) continue;
    json_decref(out);
    return NULL;
  }
  return out;
}

static json_t *endpoints_json(const javm_image_spec *spec) {
  json_t *out = json_array();
  for (size_t i = 0; out != NULL && i < spec->endpoint_count; i++) {
    const javm_endpoint *endpoint = &spec->endpoints[i];
    json_t *one = json_object();
    bool good = cli_json_set(one, "index", cli_json_u64(endpoint->index)) &&
                cli_json_set(one, "entry_pc", cli_json_u64(endpoint->entry_pc)) &&
                cli_json_set(one, "arg_registers", cli_json_u64(endpoint->arg_registers)) &&
                cli_json_set(one, "arg_cnode_size", cli_json_u64(endpoint->arg_cnode_size)) &&
                cli_json_set(one, "initial_regs", regs_json(endpoint->initial_regs)) &&
                json_array_append(out, one) == 0;
    json_decref(one);
    if (good) continue;
    json_decref(out);
    return NULL;
  }
  return out;
}

static const char *mapping_kind(javm_mapping_kind kind) {
  static const char *const kinds[] = {"persistent", "ephemeral", "heap"};
  return (unsigned)kind < 3 ? kinds[kind] : "unknown";
}

static json_t *mappings_json(const javm_image_spec *spec) {
  json_t *out = json_array();
  for (size_t i = 0; out != NULL && i < spec->mapping_count; i++) {
    const javm_mapping *mapping = &spec->mappings[i];
    json_t *one = json_object();
    bool good = cli_json_set(one, "start", cli_json_u64(mapping->start)) &&
                cli_json_set(one, "size", cli_json_u64(mapping->size_bytes)) &&
                cli_json_set(one, "kind", json_string(mapping_kind(mapping->kind))) &&
                cli_json_set(one, "source", numbers_json(mapping->source, mapping->source_length)) &&
                json_array_append(out, one) == 0;
    json_decref(one);
    if (good) continue;
    json_decref(out);
    return NULL;
  }
  return out;
}

static bool describe_image(javm_dir *dir, javm_cap *image, json_t *out) {
  javm_image_spec spec;
  javm_error error;
  if (javm_image_view(dir, image, &spec) != JAVM_OK) return false;
  javm_status valid = javm_image_validate(dir, image, &error);
  if (valid == JAVM_OUT_OF_MEMORY) return false;
  if (valid == JAVM_INVALID_IMAGE && !cli_json_set(out, "invalid", json_string(error.text))) return false;
  return cli_json_set(out, "instruction_set", json_string(cli_isa_name(spec.code.isa))) &&
         cli_json_set(out, "code_bytes", cli_json_u64(spec.code.code_bytes)) &&
         cli_json_set(out, "jump_table_entries", cli_json_u64(spec.code.jump_count)) &&
         cli_json_set(out, "endpoints", endpoints_json(&spec)) && cli_json_set(out, "mappings", mappings_json(&spec)) &&
         cli_json_set(out, "gas_slots", numbers_json(spec.gas_slots, spec.gas_slot_count)) &&
         cli_json_set(out, "quota_slots", numbers_json(spec.quota_slots, spec.quota_slot_count)) &&
         cli_json_set(out, "pinned", slots_json(dir, spec.pinned, spec.pinned_count)) &&
         cli_json_set(out, "initial", slots_json(dir, spec.initial, spec.initial_count)) &&
         cli_json_set(out, "yield_marker_slot",
                      spec.has_yield_marker_slot ? cli_json_u64(spec.yield_marker_slot) : json_null());
}

static json_t *overlays_json(javm_dir *dir, javm_cap *instance, size_t count) {
  json_t *out = json_array();
  for (size_t i = 0; out != NULL && i < count; i++) {
    uint32_t start, page_count = 0;
    javm_cap *data = NULL;
    bool good = javm_instance_overlay(dir, instance, i, &start, &data) == JAVM_OK &&
                javm_data_page_count(dir, data, &page_count) == JAVM_OK;
    javm_cap_release(dir, data);
    if (good)
      good = cli_json_append(out,
                             json_pack("{s:I,s:I}", "start", (json_int_t)start, "page_count", (json_int_t)page_count));
    if (good) continue;
    json_decref(out);
    return NULL;
  }
  return out;
}

static json_t *hash_or_null(const javm_hash *hash) {
  static const javm_hash nothing;
  return memcmp(hash, &nothing, sizeof nothing) == 0 ? json_null() : cli_json_hash(hash);
}

static json_t *cap_hash_json(javm_dir *dir, javm_cap *cap) {
  javm_hash hash;
  if (cap == NULL) return json_null();
  return javm_cap_hash(dir, cap, &hash) == JAVM_OK ? cli_json_hash(&hash) : NULL;
}

/* The root CNode's slots, where it is here. */
static bool describe_root(javm_dir *dir, javm_cap *reference, json_t *out) {
  javm_cap *root;
  unsigned size_log;
  if (!cli_json_set(out, "root_cnode", cap_hash_json(dir, reference))) return false;
  if (reference == NULL || cli_resolve(dir, reference, &root, NULL) != JAVM_OK) return true;
  bool good = true;
  if (javm_cnode_size_log(dir, root, &size_log) == JAVM_OK)
    good = cli_json_set(out, "slots", cnode_slots_json(dir, root, size_log));
  javm_cap_release(dir, root);
  return good;
}

static bool describe_instance(javm_dir *dir, javm_cap *instance, json_t *out) {
  javm_instance_spec spec;
  if (javm_instance_view(dir, instance, &spec) != JAVM_OK) return false;
  return cli_json_set(out, "image_hash_chain", cli_json_hash(&spec.image_hash_chain)) &&
         cli_json_set(out, "image", cap_hash_json(dir, spec.image)) && describe_root(dir, spec.root_cnode, out) &&
         cli_json_set(out, "overlays", overlays_json(dir, instance, spec.overlay_count)) &&
         cli_json_set(out, "mem_size", cli_json_u64(spec.mem_size)) &&
         cli_json_set(out, "heap_end", cli_json_u64(spec.heap_end)) &&
         cli_json_set(out, "regs", regs_json(spec.regs)) && cli_json_set(out, "pc", cli_json_u64(spec.pc)) &&
         cli_json_set(out, "gas_remaining", cli_json_u64(spec.gas_remaining)) &&
         cli_json_set(out, "paused", hash_or_null(&spec.paused));
}

static bool describe_value(javm_dir *dir, javm_cap *cap, json_t *out) {
  javm_hash hash;
  uint32_t page_count;
  unsigned size_log;
  if (javm_cap_hash(dir, cap, &hash) != JAVM_OK || !cli_json_set(out, "hash", cli_json_hash(&hash))) return false;
  switch (javm_cap_kind(cap)) {
    case JAVM_KIND_INSTANCE: return describe_instance(dir, cap, out);
    case JAVM_KIND_IMAGE: return describe_image(dir, cap, out);
    case JAVM_KIND_DATA:
      return javm_data_page_count(dir, cap, &page_count) == JAVM_OK &&
             cli_json_set(out, "page_count", cli_json_u64(page_count));
    case JAVM_KIND_CNODE:
      return javm_cnode_size_log(dir, cap, &size_log) == JAVM_OK &&
             cli_json_set(out, "size_log", cli_json_u64(size_log)) &&
             cli_json_set(out, "slots", cnode_slots_json(dir, cap, size_log));
    case JAVM_KIND_TYPE:
      return javm_type_chain(dir, cap, &hash) == JAVM_OK && cli_json_set(out, "image_hash_chain", cli_json_hash(&hash));
    case JAVM_KIND_ABSENT:
    case JAVM_KIND_CONTINUATION:
    case JAVM_KIND_FRAME: break;
  }
  return true;
}

/* Everything in the directory: the values by hash, the pages counted. */
typedef struct contents {
  struct content {
    char hex[CLI_HEX_HASH];
    javm_kind kind;
  } * values;
  size_t count, capacity;
  uint64_t page_count;
  bool failed;
} contents;

static bool add_content(void *ctx, const javm_hash *hash, javm_kind kind) {
  contents *all = ctx;
  if (kind == JAVM_KIND_ABSENT) {
    all->page_count++;
    return true;
  }
  if (all->count == all->capacity) {
    size_t capacity = all->capacity == 0 ? 64 : 2 * all->capacity;
    struct content *grown = realloc(all->values, capacity * sizeof *grown);
    all->failed = grown == NULL;
    if (all->failed) return false;
    all->values = grown;
    all->capacity = capacity;
  }
  cli_hash_hex(hash, all->values[all->count].hex);
  all->values[all->count++].kind = kind;
  return true;
}

static int by_hash(const void *a, const void *b) {
  return strcmp(((const struct content *)a)->hex, ((const struct content *)b)->hex);
}

static bool describe_contents(javm_dir *dir, json_t *out) {
  contents all;
  memset(&all, 0, sizeof all);
  javm_dir_each(dir, add_content, &all);
  if (all.count > 1) qsort(all.values, all.count, sizeof *all.values, by_hash);
  json_t *list = json_array();
  bool good = list != NULL && !all.failed;
  for (size_t i = 0; good && i < all.count; i++)
    good = cli_json_append(
        list, json_pack("{s:s,s:s}", "hash", all.values[i].hex, "kind", javm_kind_text(all.values[i].kind)));
  good =
      good && cli_json_set(out, "pages", cli_json_u64(all.page_count)) && json_object_set(out, "contents", list) == 0;
  json_decref(list);
  free(all.values);
  return good;
}

/* ------------------------------------------------------------------------------------------------------- text */

static bool is_plain(const json_t *value) { return !json_is_object(value) && !json_is_array(value); }

static void print_plain(const char *key, const json_t *value) {
  if (json_is_string(value)) fputs(json_string_value(value), stdout);
  else if (json_is_null(value)) fputs("none", stdout);
  else if (strcmp(key, "start") == 0) printf("0x%08llx", (unsigned long long)json_integer_value(value));
  else printf("%lld", (long long)json_integer_value(value));
}

/* One line for a list of numbers, or for an object in a list. */
static void print_line(const char *key, const json_t *value) {
  const char *name;
  json_t *item;
  size_t index;
  if (is_plain(value)) print_plain(key, value);
  json_array_foreach(value, index, item) {
    if (index > 0) putchar(' ');
    print_plain(key, item);
  }
  const char *between = "";
  json_object_foreach((json_t *)value, name, item) {
    printf("%s%s ", between, name);
    if (json_is_array(item) && json_array_size(item) == 0) fputs("none", stdout);
    print_line(name, item);
    between = "  ";
  }
}

static void print_description(json_t *description) {
  const char *key;
  json_t *value, *item;
  size_t index;
  json_object_foreach(description, key, value) {
    if (json_array_size(value) > 0 && json_is_object(json_array_get(value, 0))) {
      printf("%s\n", key);
      json_array_foreach(value, index, item) {
        fputs("  ", stdout);
        print_line(key, item);
        putchar('\n');
      }
    } else {
      printf("%-18s ", key);
      if (json_is_array(value) && json_array_size(value) == 0) fputs("none", stdout);
      print_line(key, value);
      putchar('\n');
    }
  }
}

static int inspect(cli_input *input, bool json) {
  static const char *const forms[] = {"value", "standard program", "program blob", "assembly text"};
  json_t *out = json_object();
  bool good = cli_json_set(out, "file", json_string(forms[input->form])) &&
              cli_json_set(out, "kind", json_string(javm_kind_text(javm_cap_kind(input->cap)))) &&
              describe_value(input->dir, input->cap, out) && describe_contents(input->dir, out);
  if (good && json) return cli_json_print(out);
  if (good) print_description(out);
  json_decref(out);
  return good ? CLI_OK : cli_fail_memory();
}

int cli_inspect(int argc, char **argv) {
  static const struct option options[] = {{"isa", required_argument, NULL, 'i'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
  javm_load_config config;
  cli_input input;
  bool json = false;
  int given;
  javm_load_config_default(&config);
  while ((given = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
    if (given == 'j') {
      json = true;
      continue;
    }
    if (given == 'i') {
      if (!cli_option_isa(optarg, &config.isa)) return CLI_BAD;
      config.has_isa = true;
      continue;
    }
    if (given != 'h') return cli_option_refused(argv, given);
    puts("usage: javm inspect FILE [--isa SET] [--json]\n\n"
         "Prints what the value in FILE is made of, and all that a bundle holds.\n\n"
         "  --isa SET   of a JAM container: javm, jam-0.7 (default) or jam-0.8\n"
         "  --json      print JSON");
    return CLI_OK;
  }
  const char *path = cli_one_file(argc, argv);
  if (path == NULL || cli_input_open(path, &config, &input) != CLI_OK) return CLI_BAD;
  int result = inspect(&input, json);
  cli_input_close(&input);
  return result;
}
