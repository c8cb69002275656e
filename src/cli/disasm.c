/* javm disasm: a program as text that assembles to the same Image, or as a listing with addresses and bytes. */
#include <inttypes.h>
#include <string.h>

#include "cli.h"

static bool starts_instruction(const javm_code *code, uint32_t pc) {
  return (code->bitmask[pc / 8] >> (pc % 8) & 1) != 0;
}

/* A function's name before its first instruction, and the source line where it is another one. */
static void print_place(const cli_symbols *symbols, uint32_t pc, cli_place *last) {
  cli_place place;
  cli_symbols_find(symbols, pc, &place);
  if (place.function != NULL && place.function != last->function) printf("%s%s:\n", pc > 0 ? "\n" : "", place.function);
  if (place.file != NULL && (place.function != last->function || place.file != last->file || place.line != last->line))
    printf("; %s:%" PRIu32 "\n", place.file, place.line);
  *last = place;
}

/* "address  bytes  instruction", a mark before each block start; what no instruction covers is shown as data. */
static void print_code(const javm_code *code, const javm_program *program, const cli_symbols *symbols) {
  char text[128];
  cli_place last = {0};
  for (uint32_t pc = 0; pc < code->code_bytes;) {
    uint32_t length = 1;
    bool start = starts_instruction(code, pc);
    if (start) length = javm_disassemble_at(code, pc, text, sizeof text);
    else
      while (pc + length < code->code_bytes && length < 8 && !starts_instruction(code, pc + length)) length++;
    if (length > code->code_bytes - pc) length = (uint32_t)(code->code_bytes - pc);
    print_place(symbols, pc, &last);
    printf("%s%8" PRIu32 "  ", javm_program_is_block_start(program, pc) ? "@" : " ", pc);
    for (uint32_t i = 0; i < length; i++) printf("%02x", code->code[pc + i]);
    printf("%*s  %s\n", length < 11 ? (int)(22 - 2 * length) : 0, "", start ? text : "(no instruction)");
    pc += length;
  }
}

static int print_listing(cli_input *input, javm_cap *image) {
  javm_image_spec spec;
  javm_program *program;
  javm_error error;
  if (javm_image_view(input->dir, image, &spec) != JAVM_OK) return cli_fail_memory();
  if (javm_program_new(&spec.code, NULL, &program, &error) != JAVM_OK) return cli_fail_error(input->path, &error);
  cli_symbols *symbols = cli_symbols_load(input->path, input->dir, image);
  print_code(&spec.code, program, symbols);
  cli_symbols_free(symbols);
  javm_program_release(program);
  return CLI_OK;
}

static int print_text(cli_input *input, javm_cap *image) {
  uint8_t *text;
  size_t size_bytes;
  javm_error error;
  if (javm_disassemble(input->dir, image, &text, &size_bytes, &error) != JAVM_OK)
    return cli_fail_error(input->path, &error);
  fwrite(text, 1, size_bytes, stdout);
  javm_free_bytes(NULL, text, size_bytes);
  return CLI_OK;
}

int cli_disasm(int argc, char **argv) {
  static const struct option options[] = {{"isa", required_argument, NULL, 'i'},
                                          {"listing", no_argument, NULL, 'l'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
  javm_load_config config;
  cli_input input;
  javm_cap *image = NULL;
  bool listing = false;
  int given;
  javm_load_config_default(&config);
  while ((given = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
    if (given == 'l') {
      listing = true;
      continue;
    }
    if (given == 'i') {
      if (!cli_option_isa(optarg, &config.isa)) return CLI_BAD;
      config.has_isa = true;
      continue;
    }
    if (given != 'h') return cli_option_refused(argv, given);
    puts("usage: javm disasm FILE [--isa SET] [--listing]\n\n"
         "Prints the Image in FILE (of an Instance: the one it runs) as text that assembles to the same Image.\n\n"
         "  --isa SET   of a JAM container: javm, jam-0.7 (default) or jam-0.8\n"
         "  --listing   print pc, bytes and instruction instead; '@' marks the start of a basic block. Where FILE.sym\n"
         "              is there, names of functions and source lines, too");
    return CLI_OK;
  }
  const char *path = cli_one_file(argc, argv);
  if (path == NULL || cli_input_open(path, &config, &input) != CLI_OK) return CLI_BAD;
  int result = cli_input_image(&input, &image);
  if (result == CLI_OK) result = listing ? print_listing(&input, image) : print_text(&input, image);
  javm_cap_release(input.dir, image);
  cli_input_close(&input);
  return result;
}
