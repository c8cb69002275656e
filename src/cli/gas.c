/* javm gas: what each basic block of a program costs. */
#include <inttypes.h>
#include <string.h>

#include "cli.h"

typedef struct gas_options {
  javm_load_config load;
  javm_gas_model model;
  bool json;
} gas_options;

static javm_status predecode(const javm_code *code, javm_gas_model model, javm_program **out, javm_error *error) {
  javm_program_config config;
  javm_program_config_default(&config);
  config.gas_model = model;
  return javm_program_new(code, &config, out, error);
}

/* In the instruction model a block's cost is the number of its instructions. Written as it comes: there may be 2^24 blocks. */
static void print_json(const javm_program *costs, const javm_program *counts, javm_gas_model model) {
  size_t block_count = javm_program_block_count(costs);
  uint64_t cost_sum = 0, instruction_sum = 0;
  printf("{\n  \"gas_model\": \"%s\",\n  \"block_count\": %zu,\n  \"blocks\": [", cli_gas_model_name(model),
         block_count);
  for (size_t i = 0; i < block_count; i++) {
    uint32_t pc, cost, instructions;
    javm_program_block(counts, i, &pc, &instructions);
    javm_program_block(costs, i, &pc, &cost);
    printf("%s\n    { \"pc\": %" PRIu32 ", \"cost\": %" PRIu32 ", \"instructions\": %" PRIu32 " }", i ? "," : "", pc,
           cost, instructions);
    cost_sum += cost;
    instruction_sum += instructions;
  }
  printf("\n  ],\n  \"cost\": %" PRIu64 ",\n  \"instructions\": %" PRIu64 "\n}\n", cost_sum, instruction_sum);
}

static void print_text(const javm_program *costs, const javm_program *counts) {
  size_t block_count = javm_program_block_count(costs);
  uint64_t cost_sum = 0, instruction_sum = 0;
  printf("%10s %10s %12s\n", "pc", "cost", "instructions");
  for (size_t i = 0; i < block_count; i++) {
    uint32_t pc, cost, instructions;
    javm_program_block(counts, i, &pc, &instructions);
    javm_program_block(costs, i, &pc, &cost);
    printf("%10" PRIu32 " %10" PRIu32 " %12" PRIu32 "\n", pc, cost, instructions);
    cost_sum += cost;
    instruction_sum += instructions;
  }
  printf("%zu blocks, cost %" PRIu64 ", %" PRIu64 " instructions\n", block_count, cost_sum, instruction_sum);
}

static int print_costs(cli_input *input, const gas_options *options) {
  javm_image_spec spec;
  javm_program *costs = NULL, *counts = NULL;
  javm_cap *image = NULL;
  javm_error error;
  int result = cli_input_image(input, &image);
  if (result == CLI_OK && javm_image_view(input->dir, image, &spec) != JAVM_OK) result = cli_fail_memory();
  if (result == CLI_OK && (predecode(&spec.code, options->model, &costs, &error) != JAVM_OK ||
                           predecode(&spec.code, JAVM_GAS_INSTRUCTION, &counts, &error) != JAVM_OK))
    result = cli_fail_error(input->path, &error);
  if (result == CLI_OK && options->json) print_json(costs, counts, options->model);
  else if (result == CLI_OK) print_text(costs, counts);
  javm_program_release(counts);
  javm_program_release(costs);
  javm_cap_release(input->dir, image);
  return result;
}

int cli_gas(int argc, char **argv) {
  static const struct option long_options[] = {{"gas-model", required_argument, NULL, 'g'},
                                               {"isa", required_argument, NULL, 'i'},
                                               {"json", no_argument, NULL, 'j'},
                                               {"help", no_argument, NULL, 'h'},
                                               {NULL, 0, NULL, 0}};
  gas_options options = {.model = JAVM_GAS_PIPELINE};
  cli_input input;
  int given;
  javm_load_config_default(&options.load);
  while ((given = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
    switch (given) {
      case 'g':
        if (!cli_option_gas_model(optarg, &options.model)) return CLI_BAD;
        break;
      case 'i':
        if (!cli_option_isa(optarg, &options.load.isa)) return CLI_BAD;
        options.load.has_isa = true;
        break;
      case 'j': options.json = true; break;
      case 'h':
        puts("usage: javm gas FILE [--gas-model MODEL] [--isa SET] [--json]\n\n"
             "Prints pc, cost and number of instructions of each basic block of the program in FILE.\n\n"
             "  --gas-model MODEL   pipeline (default), single-pass, instruction or none\n"
             "  --isa SET           of a JAM container: javm, jam-0.7 (default) or jam-0.8\n"
             "  --json              print JSON");
        return CLI_OK;
      default: return cli_option_refused(argv, given);
    }
  }
  const char *path = cli_one_file(argc, argv);
  if (path == NULL || cli_input_open(path, &options.load, &input) != CLI_OK) return CLI_BAD;
  int result = print_costs(&input, &options);
  cli_input_close(&input);
  return result;
}
