/* javm hash: the identity of a value. */
#include "cli.h"

int cli_hash(int argc, char **argv) {
  static const struct option options[] = {
      {"isa", required_argument, NULL, 'i'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
  javm_load_config config;
  cli_input input;
  javm_hash hash;
  int given;
  javm_load_config_default(&config);
  while ((given = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
    if (given == 'i') {
      if (!cli_option_isa(optarg, &config.isa)) return CLI_BAD;
      config.has_isa = true;
      continue;
    }
    if (given != 'h') return cli_option_refused(argv, given);
    puts("usage: javm hash FILE [--isa SET]\n\n"
         "Prints the hash of the value in FILE; of a JAM container or an assembly text, that of its Image.\n\n"
         "  --isa SET   javm, jam-0.7 (default for a JAM container) or jam-0.8");
    return CLI_OK;
  }
  const char *path = cli_one_file(argc, argv);
  if (path == NULL || cli_input_open(path, &config, &input) != CLI_OK) return CLI_BAD;
  int result = CLI_OK;
  if (javm_cap_hash(input.dir, input.cap, &hash) != JAVM_OK) result = cli_fail_memory();
  cli_input_close(&input);
  if (result != CLI_OK) return result;
  char hex[CLI_HEX_HASH];
  cli_hash_hex(&hash, hex);
  puts(hex);
  return CLI_OK;
}
