/* Costs of basic blocks in the three gas models (2-gas.md). */
#ifndef JV_EXEC_GAS_H
#define JV_EXEC_GAS_H

#include "exec/ops.h"

/*
 * The cost of the block that starts at pc (any pc), under a model: from pc to its terminator, an invalid instruction or the
 * end of the code. In the instruction model, the number of instructions. `load_cycles` is M. Time linear in the block.
 */
uint32_t jv_gas_block_cost(const javm_code *code, javm_gas_model model, uint32_t load_cycles, uint32_t pc);

#endif
