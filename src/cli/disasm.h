/* What the parts of `javm disasm` share. */
#ifndef JAVM_CLI_DISASM_H
#define JAVM_CLI_DISASM_H

#include "cli.h"

/* A function's name before its first instruction, and the source line where it is another one. */
void disasm_place(const cli_symbols *symbols, uint32_t pc, cli_place *last);
/* "address  bytes  instruction", a mark before each block start; what no instruction covers is shown as data. */
void disasm_code(const javm_code *code, uint32_t from, uint32_t to, const javm_program *program,
                 const cli_symbols *symbols, cli_place *last);
/* The Image's code with the native code that the config makes of it, block by block. */
int disasm_native(cli_input *input, javm_cap *image, javm_program_config *config);

#endif
