/* javm disasm: a program as text that assembles to the same Image, or as a listing, with native code if asked for. */
#include <inttypes.h>
#include <string.h>

#include "disasm.h"

static bool starts_instruction(const javm_code *code, uint32_t pc) {
  return (code->bitmask[pc / 8] >> (pc % 8) & 1) != 0;
}

void disasm_place(const cli_symbols *symbols, uint32_t pc, cli_place *last) {
  cli_place place;
  cli_symbols_find(symbols, pc, &place);
  if (place.function != NULL && place.function != last->function) printf("%s%s:\n", pc > 0 ? "\n" : "", place.function);
  if (place.file != NULL && (place.function != last->function || place.file != last->file || place.line != last->line))
    printf("; %s:%" PRIu32 "\n", place.file, place.line);
  *last = place;
}

void disasm_code(const javm_code *code, uint32_t from, uint32_t to, const javm_program *program,
                 const cli_symbols *symbols, cli_place *last) {
  char text[128];
  for (uint32_t pc = from; pc < to;) {
    uint32_t length = 1;
    bool start = starts_instruction(code, pc);
    if (start) length = javm_disassemble_at(code, pc, text, sizeof text);
    else
      while (pc + length < code->code_bytes && length < 8 && !starts_instruction(code, pc + length)) length++;
    if (length > to - pc) length = to - pc;
    disasm_place(symbols, pc, last);
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
  cli_place last = {0};
  disasm_code(&spec.code, 0, (uint32_t)spec.code.code_bytes, program, symbols, &last);
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

/* What is printed, and how. */
typedef struct disasm_options {
  javm_load_config load;
  javm_program_config program;
  bool listing, native;
  const char *native_option; /* one that is for native code only was given */
} disasm_options;

static void print_help(void) {
  puts("usage: javm disasm FILE [OPTION...]\n\n"
       "Prints the Image in FILE (of an Instance: the one it runs) as text that assembles to the same Image.\n\n"
       "  --isa SET           of a JAM container: javm, jam-0.7 (default) or jam-0.8\n"
       "  --listing           print pc, bytes and instruction instead; '@' marks the start of a basic block. Where\n"
       "                      FILE.sym is there, names of functions and source lines, too\n"
       "  --native            print a listing with each block's cost and, behind it, its native code\n"
       "  --gas-model MODEL   --native: pipeline (default), single-pass, instruction or none\n"
       "  --no-signals        --native: code that checks each access");
}

static bool set_option(int given, disasm_options *options) {
  cli_engine engine = {JAVM_ENGINE_DEFAULT, false};
  switch (given) {
    case 'l': options->listing = true; return true;
    case 'n': options->native = true; return true;
    case 'i': options->load.has_isa = true; return cli_option_isa(optarg, &options->load.isa);
    case 'g': options->native_option = "--gas-model"; return cli_option_gas_model(optarg, &options->program.gas_model);
    default:
      options->native_option = "--no-signals";
      cli_option_engine(given, NULL, &engine);
      options->program.explicit_checks = engine.explicit_checks;
      return true;
  }
}

int cli_disasm(int argc, char **argv) {
  static const struct option long_options[] = {{"isa", required_argument, NULL, 'i'},
                                               {"listing", no_argument, NULL, 'l'},
                                               {"native", no_argument, NULL, 'n'},
                                               {"gas-model", required_argument, NULL, 'g'},
                                               {"no-signals", no_argument, NULL, CLI_OPTION_NO_SIGNALS},
                                               {"help", no_argument, NULL, 'h'},
                                               {NULL, 0, NULL, 0}};
  disasm_options options = {0};
  cli_input input;
  javm_cap *image = NULL;
  int given;
  javm_load_config_default(&options.load);
  javm_program_config_default(&options.program);
  while ((given = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
    if (given == 'h') {
      print_help();
      return CLI_OK;
    }
    if (given == '?' || given == ':') return cli_option_refused(argv, given);
    if (!set_option(given, &options)) return CLI_BAD;
  }
  if (options.listing && options.native) return cli_fail("disasm: expected one of --listing and --native");
  if (options.native_option != NULL && !options.native)
    return cli_fail("disasm: %s is for --native", options.native_option);
  const char *path = cli_one_file(argc, argv);
  if (path == NULL || cli_input_open(path, &options.load, &input) != CLI_OK) return CLI_BAD;
  int result = cli_input_image(&input, &image);
  if (result == CLI_OK && options.native) result = disasm_native(&input, image, &options.program);
  else if (result == CLI_OK) result = options.listing ? print_listing(&input, image) : print_text(&input, image);
  javm_cap_release(input.dir, image);
  cli_input_close(&input);
  return result;
}
