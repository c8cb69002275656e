/*
 * Gas: 2-gas.md. The costs expected here are worked out by hand from the rules; tests/vectors covers `pipeline` in
 * depth.
 *
 * A `pipeline` block is easy to work out where little contends: what is decoded in cycle c starts in c + 1 at the
 * earliest and is done `latency` cycles later; the last to be done, in cycle d, leaves the buffer at the end of d + 1.
 * So it is found empty in d + 2, and the cost is d + 2 - 3 = d - 1.
 */
#include "exec/gas.h"
#include "support/program.h"

static uint32_t cost_at(const test_run *t, javm_gas_model model, uint32_t pc) {
  javm_code code = test_code(t);
  return jv_gas_block_cost(&code, model, t->load_cycles, pc);
}
static uint32_t cost(const test_run *t, javm_gas_model model) { return cost_at(t, model, 0); }
static uint32_t single(const test_run *t) { return cost(t, JAVM_GAS_SINGLE_PASS); }
static uint32_t pipeline(const test_run *t) { return cost(t, JAVM_GAS_PIPELINE); }

/* Instructions by their registers. */
#define LOAD(d, base) JV_OP_load_ind_u64, REGS(d, base)
#define STORE(v, base) JV_OP_store_ind_u64, REGS(v, base)
#define RRR(op, a, b, d) op, REGS(a, b), d
#define RRI(op, d, b) op, REGS(d, b), 1
#define RR(op, d, a) op, REGS(d, a)
#define LI(d) JV_OP_load_imm, d, 1
#define TRAP JV_OP_trap

/* ---- the table of 2.1 ---- */

/*
 * One line of the table: its instructions; slots; slots where the destination is a source (is_shift: where it is the
 * first one); latency. The formats: s = φ[3] from φ[1], φ[2]; i = φ[1] from φ[2] and an immediate; r = φ[1] from φ[2].
 */
typedef struct line {
  char format;
  uint8_t slots, same, latency;
  bool is_shift;
  uint8_t ops[16]; /* ended by 0 */
} line;

static const line lines[] = {
    {'s', 2, 1, 1, false, {JV_OP_add_64, JV_OP_sub_64, JV_OP_and, JV_OP_or, JV_OP_xor}},
    {'i',
     2,
     1,
     1,
     false,
     {JV_OP_add_imm_64, JV_OP_and_imm, JV_OP_xor_imm, JV_OP_or_imm, JV_OP_shlo_l_imm_64, JV_OP_shlo_r_imm_64,
      JV_OP_shar_r_imm_64, JV_OP_rot_r_64_imm}},
    {'r', 2, 1, 1, false, {JV_OP_reverse_bytes}},
    {'s', 3, 2, 2, false, {JV_OP_add_32, JV_OP_sub_32}},
    {'i',
     3,
     2,
     2,
     false,
     {JV_OP_add_imm_32, JV_OP_shlo_l_imm_32, JV_OP_shlo_r_imm_32, JV_OP_shar_r_imm_32, JV_OP_rot_r_32_imm}},
    {'r',
     1,
     1,
     1,
     false,
     {JV_OP_count_set_bits_64, JV_OP_count_set_bits_32, JV_OP_leading_zero_bits_64, JV_OP_leading_zero_bits_32,
      JV_OP_sign_extend_8, JV_OP_sign_extend_16, JV_OP_zero_extend_16}},
    {'r', 1, 1, 2, false, {JV_OP_trailing_zero_bits_64, JV_OP_trailing_zero_bits_32}},
    {'s', 3, 2, 1, true, {JV_OP_shlo_l_64, JV_OP_shlo_r_64, JV_OP_shar_r_64, JV_OP_rot_l_64, JV_OP_rot_r_64}},
    {'s', 4, 3, 2, true, {JV_OP_shlo_l_32, JV_OP_shlo_r_32, JV_OP_shar_r_32, JV_OP_rot_l_32, JV_OP_rot_r_32}},
    {'i',
     3,
     3,
     1,
     false,
     {JV_OP_shlo_l_imm_alt_64, JV_OP_shlo_r_imm_alt_64, JV_OP_shar_r_imm_alt_64, JV_OP_rot_r_64_imm_alt}},
    {'i',
     4,
     4,
     2,
     false,
     {JV_OP_shlo_l_imm_alt_32, JV_OP_shlo_r_imm_alt_32, JV_OP_shar_r_imm_alt_32, JV_OP_rot_r_32_imm_alt}},
    {'s', 3, 3, 3, false, {JV_OP_set_lt_u, JV_OP_set_lt_s}},
    {'i', 3, 3, 3, false, {JV_OP_set_lt_u_imm, JV_OP_set_lt_s_imm, JV_OP_set_gt_u_imm, JV_OP_set_gt_s_imm}},
    {'s', 2, 2, 2, false, {JV_OP_cmov_iz, JV_OP_cmov_nz}},
    {'i', 3, 3, 2, false, {JV_OP_cmov_iz_imm, JV_OP_cmov_nz_imm}},
    {'s', 3, 2, 3, false, {JV_OP_max, JV_OP_max_u, JV_OP_min, JV_OP_min_u}},
    {'s', 3, 3, 2, false, {JV_OP_and_inv, JV_OP_or_inv}},
    {'s', 3, 2, 2, false, {JV_OP_xnor}},
    {'i', 3, 3, 2, false, {JV_OP_neg_add_imm_64}},
    {'i', 4, 4, 3, false, {JV_OP_neg_add_imm_32}},
    {'s', 2, 1, 3, false, {JV_OP_mul_64}},
    {'i', 2, 1, 3, false, {JV_OP_mul_imm_64}},
    {'s', 3, 2, 4, false, {JV_OP_mul_32}},
    {'i', 3, 2, 4, false, {JV_OP_mul_imm_32}},
    {'s', 4, 4, 4, false, {JV_OP_mul_upper_s_s, JV_OP_mul_upper_u_u}},
    {'s', 4, 4, 6, false, {JV_OP_mul_upper_s_u}},
    {'s',
     4,
     4,
     60,
     false,
     {JV_OP_div_u_32, JV_OP_div_s_32, JV_OP_rem_u_32, JV_OP_rem_s_32, JV_OP_div_u_64, JV_OP_div_s_64, JV_OP_rem_u_64,
      JV_OP_rem_s_64}},
    {'r', 4, 4, 100, false, {JV_OP_sbrk}},
};

static size_t encode(uint8_t out[3], char format, uint8_t op, uint8_t d, uint8_t a, uint8_t b) {
  out[0] = op;
  out[1] = format == 's' ? REGS(a, b) : REGS(d, a);
  out[2] = format == 's' ? d : 1;
  return format == 'r' ? 2 : 3;
}

/* In `single-pass`, the slots of an instruction: 4 less the load_imms that must follow it so that what is next, an
 * ecalli of 100 cycles, falls into cycle 1 instead of 0. */
static unsigned slots_of(test_run *t, const uint8_t *bytes, size_t count) {
  for (unsigned others = 0; others < 4; others++) {
    test_clear(t);
    test_put(t, bytes, count);
    for (unsigned i = 0; i < others; i++) put(t, LI(12));
    put(t, JV_OP_ecalli);
    put(t, TRAP);
    if (single(t) == 1 + 100 - 3) return 4 - others;
    assert_int_equal(single(t), 100 - 3);
  }
  return 0;
}

static void instructions_take_the_slots_of_the_table(void **state) {
  test_run *t = *state;
  t->isa = JAVM_ISA_JAM_0_7; /* where an ecalli ends no block */
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    const line *l = &lines[i];
    for (const uint8_t *op = l->ops; *op; op++) {
      uint8_t bytes[3];
      size_t count = encode(bytes, l->format, *op, 3, 1, 2);
      assert_int_equal(slots_of(t, bytes, count), l->slots);
      count = encode(bytes, l->format, *op, 1, 1, 2);
      assert_int_equal(slots_of(t, bytes, count), l->same);
      if (l->format != 's') continue;
      count = encode(bytes, l->format, *op, 2, 1, 2);
      assert_int_equal(slots_of(t, bytes, count), l->is_shift ? l->slots : l->same);
    }
  }
}

static void loads_stores_and_immediates_take_the_slots_of_the_table(void **state) {
  test_run *t = *state;
  t->isa = JAVM_ISA_JAM_0_7;
  static const uint8_t one_reg[] = {JV_OP_load_u8,   JV_OP_load_i8,   JV_OP_load_u16,  JV_OP_load_i16,
                                    JV_OP_load_u32,  JV_OP_load_i32,  JV_OP_load_u64,  JV_OP_store_u8,
                                    JV_OP_store_u16, JV_OP_store_u32, JV_OP_store_u64, JV_OP_load_imm};
  for (size_t i = 0; i < sizeof one_reg; i++) assert_int_equal(slots_of(t, (const uint8_t[]){one_reg[i], 1, 1}, 3), 1);
  for (unsigned op = JV_OP_store_ind_u8; op <= JV_OP_load_ind_u64; op++)
    assert_int_equal(slots_of(t, (const uint8_t[]){(uint8_t)op, REGS(1, 1), 1}, 3), 1);
  for (unsigned i = 0; i < 4; i++) {
    assert_int_equal(slots_of(t, (const uint8_t[]){(uint8_t)(JV_OP_store_imm_u8 + i), 1, 1}, 3), 1);
    assert_int_equal(slots_of(t, (const uint8_t[]){(uint8_t)(JV_OP_store_imm_ind_u8 + i), REGS(1, 1), 1}, 3), 1);
  }
  assert_int_equal(slots_of(t, (const uint8_t[]){JV_OP_load_imm_64, 1, 0, 0, 0, 0, 0, 0, 0, 0}, 10), 2);
  assert_int_equal(slots_of(t, (const uint8_t[]){RR(JV_OP_move_reg, 1, 2)}, 2), 1);
  assert_int_equal(slots_of(t, (const uint8_t[]){JV_OP_ecalli}, 1), 4);
}

/*
 * With M = 1000, in `single-pass`: an instruction between a load of its source and a load from the address it makes
 * costs 1000 + latency + 1000 - 3, if it waits for that source; without the first load, latency + 1000 - 3.
 */
static uint32_t latency_behind(test_run *t, const uint8_t *bytes, size_t count, uint8_t source, uint8_t destination) {
  test_clear(t);
  if (source) put(t, LOAD(source, 12));
  test_put(t, bytes, count);
  put(t, LOAD(11, destination));
  put(t, TRAP);
  return single(t) + 3 - (source ? 2000 : 1000);
}

static void instructions_have_the_latency_of_the_table_behind_each_of_their_sources(void **state) {
  test_run *t = *state;
  t->load_cycles = 1000;
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    const line *l = &lines[i];
    for (const uint8_t *op = l->ops; *op; op++) {
      uint8_t bytes[3];
      size_t count = encode(bytes, l->format, *op, 3, 1, 2);
      assert_int_equal(latency_behind(t, bytes, count, 0, 3), l->latency);
      assert_int_equal(latency_behind(t, bytes, count, 1, 3), l->latency);
      if (l->format == 's') assert_int_equal(latency_behind(t, bytes, count, 2, 3), l->latency);
    }
  }
}

static void a_conditional_move_waits_for_its_destinations_old_value(void **state) {
  test_run *t = *state;
  t->load_cycles = 1000;
  static const uint8_t moves[] = {JV_OP_cmov_iz, JV_OP_cmov_nz};
  static const uint8_t imm_moves[] = {JV_OP_cmov_iz_imm, JV_OP_cmov_nz_imm};
  for (unsigned i = 0; i < 2; i++) {
    assert_int_equal(latency_behind(t, (const uint8_t[]){RRR(moves[i], 1, 2, 3)}, 3, 3, 3), 2);
    assert_int_equal(latency_behind(t, (const uint8_t[]){RRI(imm_moves[i], 1, 2)}, 3, 1, 1), 2);
  }
}

static void what_is_not_a_source_is_not_waited_for(void **state) {
  test_run *t = *state;
  t->load_cycles = 1000;
  /* a load of φ[3] before: 1000; the addition does not read it: done in 1, then the last load in 1001 */
  test_clear(t);
  put(t, LOAD(3, 12));
  put(t, RRR(JV_OP_add_64, 1, 2, 3));
  put(t, LOAD(11, 3));
  put(t, TRAP);
  assert_int_equal(single(t), 1001 - 3);
}

static void load_imm_has_latency_1_and_move_reg_none(void **state) {
  test_run *t = *state;
  t->load_cycles = 1000;
  assert_int_equal(latency_behind(t, (const uint8_t[]){LI(3)}, 3, 0, 3), 1);
  assert_int_equal(latency_behind(t, (const uint8_t[]){JV_OP_load_imm_64, 3, 0, 0, 0, 0, 0, 0, 0, 0}, 10, 0, 3), 1);
  assert_int_equal(latency_behind(t, (const uint8_t[]){RR(JV_OP_move_reg, 3, 1)}, 2, 0, 3), 0);
  assert_int_equal(latency_behind(t, (const uint8_t[]){RR(JV_OP_move_reg, 3, 1)}, 2, 1, 3), 0);
}

/* The cost of the terminator alone, behind a load of φ[1] (1000 cycles), and one of φ[2] (2000: φ[1] is its base). */
static void expect_terminator(test_run *t, const uint8_t *bytes, size_t count, uint32_t latency, unsigned reads) {
  static const uint32_t before[] = {0, 1000, 2000};
  for (unsigned r = 0; r <= 2; r++) {
    test_clear(t);
    if (r >= 1) put(t, LOAD(1, 12));
    if (r == 2) put(t, LOAD(2, 1));
    test_put(t, bytes, count);
    put(t, JV_OP_fallthrough);
    uint32_t waits = (reads & 2) && r == 2 ? 2000 : (reads & 1) && r >= 1 ? 1000 : 0;
    uint32_t last = waits + latency > before[r] ? waits + latency : before[r];
    assert_int_equal(single(t), last - 3);
  }
}
#define TERMINATOR(t, latency, reads, ...)                                                                             \
  expect_terminator(t, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), latency, reads)

static void jumps_and_branches_have_the_latency_of_the_table_and_read_their_registers(void **state) {
  test_run *t = *state;
  t->load_cycles = 1000;
  TERMINATOR(t, 15, 0, JV_OP_jump, 0);
  TERMINATOR(t, 15, 0, JV_OP_load_imm_jump, REGS(1, 1), 1, 0);
  TERMINATOR(t, 22, 1, JV_OP_jump_ind, 1);
  TERMINATOR(t, 22, 2, JV_OP_load_imm_jump_ind, REGS(1, 2), 0);
  for (unsigned op = JV_OP_branch_eq_imm; op <= JV_OP_branch_gt_s_imm; op++)
    TERMINATOR(t, 20, 1, (uint8_t)op, REGS(1, 0), 0); /* to itself */
  for (unsigned op = JV_OP_branch_eq; op <= JV_OP_branch_ge_s; op++) TERMINATOR(t, 20, 3, (uint8_t)op, REGS(1, 2), 0);
  TERMINATOR(t, 40, 0, JV_OP_unlikely);
  TERMINATOR(t, 100, 0, JV_OP_ecall);
  TERMINATOR(t, 100, 0, JV_OP_ecalli, 1);
}

static void a_store_reads_both_its_registers(void **state) {
  test_run *t = *state;
  for (unsigned op = JV_OP_store_ind_u8; op <= JV_OP_store_ind_u64; op++) {
    for (uint8_t r = 1; r <= 2; r++) { /* 25, then 25 more */
      test_clear(t);
      put(t, LOAD(r, 12));
      put(t, (uint8_t)op, REGS(1, 2));
      put(t, TRAP);
      assert_int_equal(single(t), 50 - 3);
    }
  }
  for (unsigned op = JV_OP_store_u8; op <= JV_OP_store_u64; op++) {
    test_clear(t);
    put(t, LOAD(1, 12));
    put(t, (uint8_t)op, 1, 1);
    put(t, TRAP);
    assert_int_equal(single(t), 50 - 3);
  }
  for (unsigned op = JV_OP_store_imm_ind_u8; op <= JV_OP_store_imm_ind_u64; op++) {
    test_clear(t);
    put(t, LOAD(1, 12));
    put(t, (uint8_t)op, REGS(1, 0));
    put(t, TRAP);
    assert_int_equal(single(t), 50 - 3);
  }
}

/* n shifts of 4 slots, which depend on nothing and take a cycle each: what follows is decoded in cycle n. The last is
 * done in n - 1 + 2. */
static void put_cycles(test_run *t, unsigned n) {
  for (unsigned i = 0; i < n; i++) put(t, RRR(JV_OP_shlo_l_32, 1, 2, 3));
}

static void trap_and_fallthrough_have_latency_2_and_end_the_block(void **state) {
  test_run *t = *state;
  static const uint8_t ops[] = {JV_OP_trap, JV_OP_fallthrough};
  for (unsigned i = 0; i < 2; i++) {
    test_clear(t);
    put_cycles(t, 10);
    put(t, ops[i]);
    put(t, RRR(JV_OP_div_u_64, 1, 2, 3));
    put(t, TRAP);
    assert_int_equal(single(t), 10 + 2 - 3);
  }
}

static void an_invalid_instruction_costs_what_trap_costs_and_ends_the_block(void **state) {
  test_run *t = *state;
  put_cycles(t, 10);
  put(t, 255);
  put(t, RRR(JV_OP_div_u_64, 1, 2, 3));
  put(t, TRAP);
  assert_int_equal(single(t), 10 + 2 - 3);
  /* decoded in cycle 10 as there, started in 11, done in 13 */
  assert_int_equal(pipeline(t), 13 - 1);
  assert_int_equal(cost(t, JAVM_GAS_INSTRUCTION), 11);
}

static void a_place_without_an_instruction_costs_what_trap_costs(void **state) {
  test_run *t = *state;
  uint8_t gap[40] = {RRR(JV_OP_shlo_l_32, 1, 2, 3)};
  put_cycles(t, 9);
  test_put(t, gap, sizeof gap);
  put(t, RRR(JV_OP_div_u_64, 1, 2, 3));
  put(t, TRAP);
  assert_int_equal(single(t), 10 + 2 - 3);
  assert_int_equal(pipeline(t), 13 - 1);
  assert_int_equal(cost(t, JAVM_GAS_INSTRUCTION), 11);
}

static void the_end_of_the_code_costs_what_trap_costs(void **state) {
  test_run *t = *state;
  put_cycles(t, 10);
  assert_int_equal(single(t), 10 + 2 - 3);
  assert_int_equal(pipeline(t), 13 - 1);
  assert_int_equal(cost(t, JAVM_GAS_INSTRUCTION), 11);
}

static void b_is_1_where_the_target_or_the_next_instruction_is_trap_or_unlikely_else_20(void **state) {
  test_run *t = *state;
  static const struct {
    uint8_t next, target;
    uint32_t latency;
  } cases[] = {
      {JV_OP_fallthrough, JV_OP_fallthrough, 20},
      {JV_OP_trap, JV_OP_fallthrough, 1},
      {JV_OP_fallthrough, JV_OP_trap, 1},
      {JV_OP_unlikely, JV_OP_fallthrough, 1},
      {JV_OP_fallthrough, JV_OP_unlikely, 1},
      {JV_OP_unlikely, JV_OP_trap, 1},
      {JV_OP_ecall, JV_OP_ecall, 20},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (unsigned imm = 0; imm < 2; imm++) {
      test_clear(t);
      put(t, LOAD(1, 12)); /* 25 cycles, so that the latency shows */
      if (imm) put(t, JV_OP_branch_eq_imm, REGS(1, 1), 0, 5);
      else put(t, JV_OP_branch_eq, REGS(1, 1), 4);
      put(t, cases[i].next);
      put(t, cases[i].target);
      assert_int_equal(single(t), 25 + cases[i].latency - 3);
    }
  }
}

static void b_is_1_where_the_next_instruction_is_the_trap_behind_the_code(void **state) {
  test_run *t = *state;
  put(t, LOAD(1, 12));
  put(t, JV_OP_branch_eq, REGS(1, 1), 0xfe);
  assert_int_equal(single(t), 25 + 1 - 3);
}

/* ---- M ---- */

static void m_is_25_unless_the_configuration_gives_another(void **state) {
  test_run *t = *state;
  put(t, LOAD(1, 12));
  put(t, TRAP);
  for (t->load_cycles = 0; t->load_cycles <= 37; t->load_cycles += 37) {
    for (javm_gas_model model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_SINGLE_PASS; model++) {
      test_load(t, model);
      uint32_t pc, block_cost, m = t->load_cycles ? t->load_cycles : 25;
      javm_program_block(t->program, 0, &pc, &block_cost);
      /* pipeline: started in 1, done in 1 + M */
      assert_int_equal(block_cost, model == JAVM_GAS_PIPELINE ? m : m - 3);
    }
  }
}

static void a_store_takes_25_in_pipeline_and_m_in_single_pass(void **state) {
  test_run *t = *state;
  t->load_cycles = 37;
  put(t, STORE(1, 2));
  put(t, TRAP);
  assert_int_equal(pipeline(t), 25);
  assert_int_equal(single(t), 37 - 3);
}

/* ---- single-pass, worked out ---- */

static void single_pass_of_a_lone_trap(void **state) {
  test_run *t = *state;
  put(t, TRAP); /* done 2; max(2 - 3, 1) */
  assert_int_equal(single(t), 1);
}

static void single_pass_of_a_chain_through_memory_for_each_m(void **state) {
  test_run *t = *state;
  put(t, LOAD(1, 2));                  /* cycle 0, decoded 1; ready[1] = M */
  put(t, RRI(JV_OP_add_imm_64, 1, 1)); /* 1 slot: decoded 2;  ready[1] = M + 1 */
  put(t, STORE(1, 2));                 /* decoded 3;          done = M + 1 + M */
  put(t, TRAP);                        /* decoded 4;          done = 2 */
  static const uint32_t m[] = {25, 50, 75, 100}, costs[] = {51 - 3, 101 - 3, 151 - 3, 201 - 3};
  for (unsigned i = 0; i < 4; i++) {
    t->load_cycles = m[i];
    assert_int_equal(single(t), costs[i]);
  }
}

static void single_pass_of_independent_work_is_the_longest_of_it(void **state) {
  test_run *t = *state;
  put(t, RRR(JV_OP_div_u_64, 1, 2, 3)); /* cycle 0, decoded 4; done 60 */
  put(t, LOAD(4, 5));                   /* 4 >= 4: cycle 1, decoded 1; done 1 + 25 = 26 */
  put(t, RRR(JV_OP_mul_64, 4, 6, 7));   /* 2 slots: decoded 3; max(1, 26) + 3 = 29 */
  put(t, RRR(JV_OP_add_64, 3, 7, 8));   /* 2 slots: decoded 5; max(1, 60, 29) + 1 = 61 */
  put(t, JV_OP_jump, 0);                /* cycle 2; 17 */
  assert_int_equal(single(t), 61 - 3);
}

static void single_pass_renames_a_moved_register(void **state) {
  test_run *t = *state;
  put(t, LOAD(1, 2));                        /* decoded 1; ready[1] = 25 */
  put(t, RR(JV_OP_move_reg, 3, 1));          /* decoded 2; ready[3] = 25 */
  put(t, RR(JV_OP_move_reg, 1, 4));          /* decoded 3; ready[1] = 0 */
  put(t, RRR(JV_OP_mul_64, 1, 1, 5));        /* 2 slots: decoded 5; 0 + 3 */
  put(t, RRR(JV_OP_mul_upper_s_u, 3, 5, 6)); /* cycle 1, decoded 4; max(1, 25, 3) + 6 = 31 */
  put(t, TRAP);                              /* cycle 2; 4 */
  assert_int_equal(single(t), 31 - 3);
}

static void single_pass_counts_the_slot_of_a_move(void **state) {
  test_run *t = *state;
  for (uint8_t i = 0; i < 8; i++) put(t, RR(JV_OP_move_reg, i, 12)); /* cycles 0 and 1 */
  put(t, JV_OP_jump, 0);                                             /* decoded 4 >= 4: cycle 2; 17 */
  assert_int_equal(single(t), 17 - 3);
}

static void single_pass_drops_the_slots_over_4_with_the_cycle(void **state) {
  test_run *t = *state;
  put(t, RRR(JV_OP_set_lt_u, 1, 2, 3));       /* cycle 0, decoded 3; 3 */
  put(t, RRI(JV_OP_shlo_l_imm_alt_32, 4, 5)); /* decoded 7; 2 */
  put(t, RRR(JV_OP_set_lt_u, 1, 2, 6));       /* cycle 1, decoded 3 (not 3 + 3); 4 */
  put(t, RRI(JV_OP_shlo_l_imm_alt_32, 7, 8)); /* decoded 7; 3 */
  put(t, JV_OP_jump, 0);                      /* cycle 2; 17 */
  assert_int_equal(single(t), 17 - 3);
}

static void single_pass_advances_one_cycle_where_more_than_4_slots_were_taken(void **state) {
  test_run *t = *state;
  put(t, LI(1));                             /* cycle 0, decoded 1 */
  put(t, LI(2));                             /* decoded 2 */
  put(t, LI(3));                             /* decoded 3 */
  put(t, RRR(JV_OP_mul_upper_s_s, 1, 2, 4)); /* 3 < 4, so still cycle 0: decoded 7; max(0, 1, 1) + 4 = 5 */
  put(t, LOAD(5, 4));                        /* cycle 1; max(1, 5) + 25 = 30 */
  put(t, JV_OP_branch_eq, REGS(5, 4), 0);    /* decoded 2; 30 + 20 */
  put(t, JV_OP_fallthrough);
  assert_int_equal(single(t), 50 - 3);
}

static void single_pass_of_a_conditional_move_on_a_loaded_destination(void **state) {
  test_run *t = *state;
  put(t, LOAD(3, 4));                  /* 25 */
  put(t, RRR(JV_OP_cmov_iz, 1, 2, 3)); /* reads φ[3]: 27 */
  put(t, JV_OP_ecalli);                /* decoded 1 + 2 + 4; cycle 0: 100; in javm the block ends */
  put(t, TRAP);
  assert_int_equal(single(t), 100 - 3);
  t->code[5] = JV_OP_trap; /* for the ecalli */
  assert_int_equal(single(t), 27 - 3);
}

/* ---- pipeline, worked out ---- */

static void pipeline_of_a_lone_trap(void **state) {
  test_run *t = *state;
  put(t, TRAP); /* decoded in 0, started in 1, done in 3 */
  assert_int_equal(pipeline(t), 3 - 1);
}

static void pipeline_starts_an_entry_when_its_dependency_has_no_cycles_to_go(void **state) {
  test_run *t = *state;
  put(t, LOAD(1, 2));                  /* started in 1, done in 26 */
  put(t, RRI(JV_OP_add_imm_64, 1, 1)); /* started in 26, done in 27 */
  put(t, TRAP);
  assert_int_equal(pipeline(t), 27 - 1);
}

static void pipeline_decodes_4_slots_a_cycle(void **state) {
  test_run *t = *state;
  put(t, RRR(JV_OP_add_32, 1, 2, 3)); /* 3 slots: cycle 0 */
  put(t, RRR(JV_OP_add_32, 1, 2, 4)); /* 3 more do not fit: cycle 1 */
  put(t, RRR(JV_OP_add_32, 1, 2, 5)); /* cycle 2; started in 3, done in 5 */
  put(t, TRAP);                       /* fits beside it; started in 3, done in 5 */
  assert_int_equal(pipeline(t), 5 - 1);
}

static void pipeline_has_one_multiplier_and_one_divider(void **state) {
  test_run *t = *state;
  put(t, RRR(JV_OP_mul_64, 1, 2, 3)); /* started in 1, done in 4 */
  put(t, RRR(JV_OP_mul_64, 1, 2, 4)); /* decoded beside it; the unit is free in 4: done in 7 */
  put(t, TRAP);
  assert_int_equal(pipeline(t), 7 - 1);
  test_clear(t);
  put(t, RRR(JV_OP_div_u_64, 1, 2, 3)); /* started in 1, done in 61 */
  put(t, RRR(JV_OP_div_u_64, 1, 2, 4)); /* started in 61, done in 121 */
  put(t, TRAP);
  assert_int_equal(pipeline(t), 121 - 1);
}

static void pipeline_has_4_arithmetic_units(void **state) {
  test_run *t = *state;
  for (uint8_t i = 1; i <= 5; i++) put(t, LOAD(i, 12)); /* 4 start in 1, the fifth in 26: done in 51 */
  put(t, TRAP);
  assert_int_equal(pipeline(t), 51 - 1);
  test_clear(t);
  for (uint8_t i = 1; i <= 5; i++) put(t, STORE(i, 12));
  put(t, TRAP);
  assert_int_equal(pipeline(t), 51 - 1);
}

static void pipeline_takes_two_units_for_trailing_zero_bits(void **state) {
  test_run *t = *state;
  /* 4 slots in cycle 0; two start in 1 and are done in 3, two start then and are done in 5 */
  for (uint8_t i = 1; i <= 4; i++) put(t, RR(JV_OP_trailing_zero_bits_64, i, 12));
  put(t, TRAP); /* started in 2, done in 4 */
  assert_int_equal(pipeline(t), 5 - 1);
}

static void pipeline_holds_32_entries(void **state) {
  test_run *t = *state;
  /* The division is decoded in 0, done in 61, finished in 62, and gone with all behind it in 63. 31 more fit with it; of
   * the rest and the trap, 4 are decoded in 63: with 34 all of them, with 35 all but the trap. */
  for (unsigned others = 34; others <= 35; others++) {
    test_clear(t);
    put(t, RRR(JV_OP_div_u_64, 1, 2, 3));
    for (unsigned i = 0; i < others; i++) put(t, LI(4));
    put(t, TRAP); /* started in 64 or 65, done in 66 or 67 */
    assert_int_equal(pipeline(t), others == 34 ? 66 - 1 : 67 - 1);
  }
}

static void pipeline_renames_a_moved_register(void **state) {
  test_run *t = *state;
  put(t, LI(3));
  put(t, LOAD(1, 2)); /* done in 26 */
  put(t, RR(JV_OP_move_reg, 3, 1));
  put(t, LI(1));                       /* the load provides φ[3] still */
  put(t, RRI(JV_OP_add_imm_64, 3, 3)); /* so this is done in 27 */
  put(t, TRAP);
  assert_int_equal(pipeline(t), 27 - 1);
}

static void pipeline_forgets_the_provider_of_a_register_that_is_moved_over(void **state) {
  test_run *t = *state;
  put(t, LOAD(1, 2)); /* done in 26 */
  put(t, RR(JV_OP_move_reg, 1, 3));
  put(t, RRI(JV_OP_add_imm_64, 1, 1)); /* waits for nothing */
  put(t, TRAP);
  assert_int_equal(pipeline(t), 26 - 1);
}

static void pipeline_of_an_ecall_and_of_unlikely(void **state) {
  test_run *t = *state;
  put(t, JV_OP_ecall); /* started in 1, done in 101 */
  put(t, JV_OP_unlikely);
  put(t, TRAP);
  assert_int_equal(pipeline(t), 101 - 1);
  assert_int_equal(cost_at(t, JAVM_GAS_PIPELINE, 1), 41 - 1);
}

/* ---- charging ---- */

static void every_block_has_a_fixed_cost_charged_when_control_enters_it(void **state) {
  test_run *t = *state;
  put(t, JV_OP_load_imm, 1, 10);
  put(t, JV_OP_fallthrough);
  uint32_t loop = put(t, RRR(JV_OP_div_u_64, 2, 3, 4));
  put(t, JV_OP_add_imm_64, REGS(1, 1), 0xff);
  uint32_t branch = t->code_bytes;
  put(t, JV_OP_branch_ne_imm, REGS(1, 1), 0, TO(branch, loop));
  put(t, JV_OP_fallthrough);
  put(t, TRAP);
  for (javm_gas_model model = JAVM_GAS_PIPELINE; model <= JAVM_GAS_SINGLE_PASS; model++) {
    test_load(t, model);
    uint32_t pc, costs[4];
    assert_int_equal(javm_program_block_count(t->program), 4);
    for (unsigned i = 0; i < 4; i++) javm_program_block(t->program, i, &pc, &costs[i]);
    assert_int_equal(costs[1], model == JAVM_GAS_PIPELINE ? 60 : 57);
    assert_int_equal(test_run_on(t), JAVM_EXIT_TRAP);
    assert_int_equal(test_gas_used(t), costs[0] + 10 * costs[1] + costs[2] + costs[3]);
    /* to the unit: with that much it ends the same way, with one less it does not get into the last block */
    uint64_t used = test_gas_used(t);
    test_load(t, model);
    javm_machine_set_gas(t->machine, used);
    assert_int_equal(test_run_on(t), JAVM_EXIT_TRAP);
    assert_int_equal(javm_machine_gas(t->machine), 0);
    test_load(t, model);
    javm_machine_set_gas(t->machine, used - 1);
    expect_exit(t, JAVM_EXIT_OUT_OF_GAS, pc);
    assert_int_equal(javm_machine_gas(t->machine), costs[3] - 1);
  }
}

static void a_taken_jump_out_of_the_gas_left_is_out_of_gas_at_its_target(void **state) {
  test_run *t = *state;
  put(t, JV_OP_jump, 3);
  put(t, TRAP);
  uint32_t target = put(t, TRAP);
  EACH_MODEL(t, model) {
    uint32_t pc, first;
    javm_program_block(t->program, 0, &pc, &first);
    javm_machine_set_gas(t->machine, first);
    expect_exit(t, JAVM_EXIT_OUT_OF_GAS, target);
    assert_int_equal(javm_machine_instructions(t->machine), 1);
  }
}

static void the_trap_behind_a_last_terminator_is_a_block_of_its_own(void **state) {
  test_run *t = *state;
  put(t, JV_OP_fallthrough);
  /* fallthrough and the trap behind it cost the same: 2 and 2; 1 and 1; 1 and 1 */
  static const uint64_t used[] = {4, 2, 2};
  EACH_MODEL(t, model) {
    expect_exit(t, JAVM_EXIT_TRAP, 1);
    assert_int_equal(test_gas_used(t), used[model]);
  }
}

static void in_the_instruction_model_each_instruction_costs_1_at_every_exit(void **state) {
  test_run *t = *state;
  put(t, LI(1));
  put(t, LI(2));
  uint32_t load = put(t, JV_OP_load_u8, 3, LE4(0x20000));
  put(t, LI(4));
  put(t, LI(5));
  put(t, TRAP);
  test_load(t, JAVM_GAS_INSTRUCTION);
  uint32_t pc, count;
  javm_program_block(t->program, 0, &pc, &count);
  assert_int_equal(count, 6);
  expect_exit(t, JAVM_EXIT_PAGE_FAULT, load);
  assert_int_equal(test_gas_used(t), 3); /* what was not run is given back, the faulting instruction is not */
  assert_int_equal(javm_machine_instructions(t->machine), 3);
  /* with less gas than the block has instructions it runs as far as it goes, also into the fault */
  test_load(t, JAVM_GAS_INSTRUCTION);
  javm_machine_set_gas(t->machine, 3);
  expect_exit(t, JAVM_EXIT_PAGE_FAULT, load);
  assert_int_equal(javm_machine_gas(t->machine), 0);
  test_load(t, JAVM_GAS_INSTRUCTION);
  javm_machine_set_gas(t->machine, 2);
  expect_exit(t, JAVM_EXIT_OUT_OF_GAS, load);
  assert_int_equal(javm_machine_instructions(t->machine), 2);
}

static void in_the_instruction_model_gas_is_exact_whenever_the_handler_looks(void **state) {
  test_run *t = *state;
  t->isa = JAVM_ISA_JAM_0_7;
  put(t, LI(1));
  put(t, JV_OP_ecalli, 1);
  put(t, LI(2));
  put(t, LI(3));
  put(t, JV_OP_ecalli, 2);
  put(t, TRAP);
  test_load(t, JAVM_GAS_INSTRUCTION);
  expect_exit(t, JAVM_EXIT_HOST_CALL, 5);
  assert_int_equal(test_gas_used(t), 2);
  expect_exit(t, JAVM_EXIT_HOST_CALL, 13);
  assert_int_equal(test_gas_used(t), 5);
  expect_exit(t, JAVM_EXIT_TRAP, 13);
  assert_int_equal(test_gas_used(t), 6);
}

static void gas_uses_all_64_bits(void **state) {
  test_run *t = *state;
  put(t, TRAP);
  EACH_MODEL(t, model) {
    uint32_t pc, block_cost;
    javm_program_block(t->program, 0, &pc, &block_cost);
    javm_machine_set_gas(t->machine, UINT64_MAX);
    expect_exit(t, JAVM_EXIT_TRAP, 0);
    assert_true(javm_machine_gas(t->machine) == UINT64_MAX - block_cost);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      test_case(instructions_take_the_slots_of_the_table),
      test_case(loads_stores_and_immediates_take_the_slots_of_the_table),
      test_case(instructions_have_the_latency_of_the_table_behind_each_of_their_sources),
      test_case(a_conditional_move_waits_for_its_destinations_old_value),
      test_case(what_is_not_a_source_is_not_waited_for),
      test_case(load_imm_has_latency_1_and_move_reg_none),
      test_case(jumps_and_branches_have_the_latency_of_the_table_and_read_their_registers),
      test_case(a_store_reads_both_its_registers),
      test_case(trap_and_fallthrough_have_latency_2_and_end_the_block),
      test_case(an_invalid_instruction_costs_what_trap_costs_and_ends_the_block),
      test_case(a_place_without_an_instruction_costs_what_trap_costs),
      test_case(the_end_of_the_code_costs_what_trap_costs),
      test_case(b_is_1_where_the_target_or_the_next_instruction_is_trap_or_unlikely_else_20),
      test_case(b_is_1_where_the_next_instruction_is_the_trap_behind_the_code),
      test_case(m_is_25_unless_the_configuration_gives_another),
      test_case(a_store_takes_25_in_pipeline_and_m_in_single_pass),
      test_case(single_pass_of_a_lone_trap),
      test_case(single_pass_of_a_chain_through_memory_for_each_m),
      test_case(single_pass_of_independent_work_is_the_longest_of_it),
      test_case(single_pass_renames_a_moved_register),
      test_case(single_pass_counts_the_slot_of_a_move),
      test_case(single_pass_drops_the_slots_over_4_with_the_cycle),
      test_case(single_pass_advances_one_cycle_where_more_than_4_slots_were_taken),
      test_case(single_pass_of_a_conditional_move_on_a_loaded_destination),
      test_case(pipeline_of_a_lone_trap),
      test_case(pipeline_starts_an_entry_when_its_dependency_has_no_cycles_to_go),
      test_case(pipeline_decodes_4_slots_a_cycle),
      test_case(pipeline_has_one_multiplier_and_one_divider),
      test_case(pipeline_has_4_arithmetic_units),
      test_case(pipeline_takes_two_units_for_trailing_zero_bits),
      test_case(pipeline_holds_32_entries),
      test_case(pipeline_renames_a_moved_register),
      test_case(pipeline_forgets_the_provider_of_a_register_that_is_moved_over),
      test_case(pipeline_of_an_ecall_and_of_unlikely),
      test_case(every_block_has_a_fixed_cost_charged_when_control_enters_it),
      test_case(a_taken_jump_out_of_the_gas_left_is_out_of_gas_at_its_target),
      test_case(the_trap_behind_a_last_terminator_is_a_block_of_its_own),
      test_case(in_the_instruction_model_each_instruction_costs_1_at_every_exit),
      test_case(in_the_instruction_model_gas_is_exact_whenever_the_handler_looks),
      test_case(gas_uses_all_64_bits),
  };
  return cmocka_run_group_tests_name("gas", tests, NULL, NULL);
}
