/* javm disasm --native: each block as the guest's assembly, then as what the recompiler makes of it. */
#include <inttypes.h>

#include "disasm.h"

#ifdef CLI_HAS_ZYDIS

#include <Zydis/Zydis.h>

enum { BYTES_SHOWN = 10 }; /* in a line; few instructions have more */

typedef struct native {
  const uint8_t *code;
  size_t size_bytes;
  ZydisDecoder decoder;
  ZydisFormatter formatter;
} native;

static bool begin(native *n, const javm_program *program) {
  return javm_program_native_code(program, &n->code, &n->size_bytes) &&
         ZYAN_SUCCESS(ZydisDecoderInit(&n->decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) &&
         ZYAN_SUCCESS(ZydisFormatterInit(&n->formatter, ZYDIS_FORMATTER_STYLE_INTEL)) &&
         ZYAN_SUCCESS(ZydisFormatterSetProperty(&n->formatter, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE, ZYAN_FALSE)) &&
         ZYAN_SUCCESS(ZydisFormatterSetProperty(&n->formatter, ZYDIS_FORMATTER_PROP_ADDR_PADDING_ABSOLUTE,
                                                ZYDIS_PADDING_DISABLED));
}

/* "offset  bytes  instruction". Offsets count from the start of the native code, also those that a branch goes to. */
static void print_native(const native *n, size_t from, size_t to) {
  ZydisDecodedInstruction insn;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  for (size_t at = from, length; at < to; at += length) {
    char text[256] = "(no instruction)";
    bool known = ZYAN_SUCCESS(ZydisDecoderDecodeFull(&n->decoder, n->code + at, to - at, &insn, operands));
    length = known ? insn.length : 1;
    if (known)
      ZydisFormatterFormatInstruction(&n->formatter, &insn, operands, insn.operand_count_visible, text, sizeof text, at,
                                      NULL);
    printf("    %8zx  ", at);
    for (size_t i = 0; i < length; i++) printf("%02x", n->code[at + i]);
    printf("%*s  %s\n", length < BYTES_SHOWN ? (int)(2 * (BYTES_SHOWN - length)) : 0, "", text);
  }
}

static void print_blocks(const native *n, const javm_code *code, const javm_program *program,
                         const cli_symbols *symbols) {
  size_t count = javm_program_block_count(program), native_bytes = 0, first = n->size_bytes,
         guest_end = code->code_bytes;
  cli_place last = {0};
  for (size_t i = 0; i < count; i++) {
    uint32_t pc, next = (uint32_t)guest_end, cost, ignored;
    size_t offset, size_bytes;
    javm_program_block(program, i, &pc, &cost);
    if (i + 1 < count) javm_program_block(program, i + 1, &next, &ignored);
    javm_program_native_block(program, i, &offset, &size_bytes);
    disasm_place(symbols, pc, &last);
    printf("block %" PRIu32 ", cost %" PRIu32 "\n", pc, cost);
    disasm_code(code, pc, next, program, symbols, &last);
    print_native(n, offset, offset + size_bytes);
    putchar('\n');
    native_bytes += size_bytes;
    if (i == 0) first = offset;
  }
  printf("%zu blocks: %zu bytes of guest code, %zu bytes of native code, %.2f to 1; in all %zu, with %zu for entry and "
         "%zu "
         "for exits and jumps\n",
         count, guest_end, native_bytes, guest_end > 0 ? (double)native_bytes / (double)guest_end : 0, n->size_bytes,
         first, n->size_bytes - native_bytes - first);
}

int disasm_native(cli_input *input, javm_cap *image, javm_program_config *config) {
  javm_image_spec spec;
  javm_program *program = NULL;
  javm_error error;
  native native;
  int result = CLI_OK;
  if (javm_image_view(input->dir, image, &spec) != JAVM_OK) return cli_fail_memory();
  if (javm_program_new(&spec.code, config, &program, &error) != JAVM_OK) return cli_fail_error(input->path, &error);
  if (begin(&native, program)) {
    cli_symbols *symbols = cli_symbols_load(input->path, input->dir, image);
    print_blocks(&native, &spec.code, program, symbols);
    cli_symbols_free(symbols);
  } else {
    cli_fail("%s: --native: the recompiler makes no native code of this program on this machine", input->path);
    result = CLI_OTHER;
  }
  javm_program_release(program);
  return result;
}

#else

int disasm_native(cli_input *input, javm_cap *image, javm_program_config *config) {
  (void)image, (void)config;
  cli_fail("%s: --native: there is no recompiler for this kind of machine", input->path);
  return CLI_OTHER;
}

#endif
