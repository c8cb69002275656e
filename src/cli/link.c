/* javm link: a linked RISC-V program to a bundle that holds its Image, and the symbols beside it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

typedef struct link_options {
  const char *path, *out;
  bool symbols;
  javm_link_config config;
} link_options;

typedef struct linked {
  uint8_t *bundle, *symbols;
  size_t bundle_bytes, symbols_bytes;
} linked;

static int make(javm_dir *dir, const link_options *options, linked *out) {
  cli_bytes elf;
  javm_cap *image = NULL;
  javm_error error;
  int result = CLI_OK;
  if (!cli_read_file(options->path, &elf)) return CLI_BAD;
  if (javm_link(dir, elf.data, elf.size, &options->config, &image, options->symbols ? &out->symbols : NULL,
                options->symbols ? &out->symbols_bytes : NULL, &error) != JAVM_OK ||
      javm_bundle_encode(dir, image, &out->bundle, &out->bundle_bytes, &error) != JAVM_OK)
    result = cli_fail_error(options->path, &error);
  javm_cap_release(dir, image);
  free(elf.data);
  return result;
}

static int write_whole(const char *path, const uint8_t *bytes, size_t size_bytes, cli_output *output) {
  int result = cli_output_open(path, output);
  if (result == CLI_OK) fwrite(bytes, 1, size_bytes, output->file);
  return result;
}

static int remove_old(const char *path) {
  if (unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR) return CLI_OK;
  return cli_fail("%s: cannot remove: %s", path, strerror(errno));
}

/*
 * Both files are written before either gets its name. The old symbols go first and the new ones come last, so that at
 * no time there are symbols beside an Image that they are not of. What is no file of its own (a pipe, stdout) has none.
 */
static int write_files(const link_options *options, const linked *files, const char *beside) {
  cli_output image = {0}, symbols = {0};
  int result = write_whole(options->out, files->bundle, files->bundle_bytes, &image);
  bool is_file = result == CLI_OK && image.temporary != NULL;
  if (is_file && options->symbols) result = write_whole(beside, files->symbols, files->symbols_bytes, &symbols);
  if (result == CLI_OK && is_file) result = remove_old(beside);
  if (result == CLI_OK) result = cli_output_commit(&image);
  if (result == CLI_OK && symbols.file != NULL) result = cli_output_commit(&symbols);
  cli_output_discard(&image); /* nothing is left to discard once it was committed */
  cli_output_discard(&symbols);
  return result;
}

static int run_link(const link_options *options) {
  linked files = {NULL, NULL, 0, 0};
  javm_dir *dir = NULL;
  char *beside = malloc(strlen(options->out) + sizeof CLI_SYMBOLS_ENDING);
  if (beside == NULL || javm_dir_new(NULL, &dir) != JAVM_OK) {
    free(beside);
    return cli_fail_memory();
  }
  strcat(strcpy(beside, options->out), CLI_SYMBOLS_ENDING);
  int result = make(dir, options, &files);
  if (result == CLI_OK) result = write_files(options, &files, beside);
  javm_free_bytes(NULL, files.bundle, files.bundle_bytes);
  javm_free_bytes(NULL, files.symbols, files.symbols_bytes);
  javm_dir_free(dir);
  free(beside);
  return result;
}

static void print_help(void) {
  puts("usage: javm link IN.elf -o OUT.img [OPTION...]\n\n"
       "Makes an Image of a linked RISC-V program (RV64E with M, A, C and Zbb, linked with --emit-relocs) and writes "
       "it as\n"
       "a bundle, and its functions and source lines to OUT.img.sym.\n\n"
       "  -o, --output OUT.img   the file to write\n"
       "  --stack-size N         bytes of stack; default: what the program says, else 1 MiB\n"
       "  --heap-size N          bytes that the instruction sbrk can give; default: what the program says, else none\n"
       "  --plain                one instruction after the other: nothing is folded, fused or removed\n"
       "  --no-symbols           write no OUT.img.sym");
}

static bool set_option(int option, link_options *options) {
  switch (option) {
    case 'o': options->out = optarg; return true;
    case 's':
      options->config.has_stack_bytes = true;
      return cli_option_u64("--stack-size", optarg, UINT32_MAX, &options->config.stack_bytes);
    case 'e':
      options->config.has_heap_bytes = true;
      return cli_option_u64("--heap-size", optarg, UINT32_MAX, &options->config.heap_bytes);
    case 'p': options->config.plain = true; return true;
    default: options->symbols = false; return true;
  }
}

int cli_link(int argc, char **argv) {
  static const struct option long_options[] = {{"output", required_argument, NULL, 'o'},
                                               {"stack-size", required_argument, NULL, 's'},
                                               {"heap-size", required_argument, NULL, 'e'},
                                               {"plain", no_argument, NULL, 'p'},
                                               {"no-symbols", no_argument, NULL, 'n'},
                                               {"help", no_argument, NULL, 'h'},
                                               {NULL, 0, NULL, 0}};
  link_options options = {.symbols = true};
  int given;
  javm_link_config_default(&options.config);
  while ((given = getopt_long(argc, argv, ":o:h", long_options, NULL)) != -1) {
    if (given == 'h') {
      print_help();
      return CLI_OK;
    }
    if (given == '?' || given == ':') return cli_option_refused(argv, given);
    if (!set_option(given, &options)) return CLI_BAD;
  }
  options.path = cli_one_file(argc, argv);
  if (options.path == NULL) return CLI_BAD;
  if (options.out == NULL) return cli_fail("link: expected -o OUT.img; see 'javm link --help'");
  return run_link(&options);
}
