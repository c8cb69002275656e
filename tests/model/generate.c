/* Random scripts. Choices lean to what does something: slots are mostly occupied, operands mostly of the right kind. */
#include <string.h>

#include "model/layout.h"

/* ---- random numbers ---- */

static uint64_t mix(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static uint64_t take(m_random *r, unsigned count) {
  uint64_t v = 0;
  for (; count > 0 && r->left > 0; count--, r->left--) v = v << 8 | *r->bytes++;
  return v;
}

uint64_t m_any(m_random *r) { return r->bytes ? take(r, 8) : mix(&r->state); }

uint32_t m_below(m_random *r, uint32_t n) {
  if (r->bytes) return (uint32_t)(take(r, n <= 256 ? 1 : 4) % n);
  return (uint32_t)((mix(&r->state) >> 32) * n >> 32);
}

static uint32_t range(m_random *r, uint32_t low, uint32_t high) { return low + m_below(r, high - low + 1); }

/* ---- operands ---- */

#define PATH1(a, b) ((uint64_t)(a) | ((uint64_t)(b) + 1) << 8)
#define PATH2(a, b, c) (PATH1(a, b) | ((uint64_t)(c) + 1) << 24)
#define PATH3(a, b, c, d) (PATH2(a, b, c) | ((uint64_t)(d) + 1) << 40)
#define ONE_OF(r, ...)                                                                                                 \
  (((const uint64_t[]){__VA_ARGS__})[m_below(r, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))])

static uint64_t any_slot(m_random *r) {
  switch (m_below(r, 8)) {
    case 0: return PATH1(m_below(r, 26), m_below(r, 8));
    case 1: return PATH2(m_below(r, 26), m_below(r, 4), m_below(r, 4));
    case 2:
      return ONE_OF(r, SLOT_PINNED, SLOT_PINNED + 1, 0, 255, 31, 32, PATH1(SLOT_PINNED, 0), PATH1(SLOT_NEST, 8),
                    PATH3(SLOT_NEST, 3, 1, 0), PATH3(SLOT_NEST, 3, 0, 0), 1u << 16, 1u << 24, UINT64_MAX,
                    (uint64_t)1 << 56);
    default: return m_below(r, 26);
  }
}

/* Kinds of operands:
 *   F something, E a slot to write to, I an Instance, K a marker, M an Image, C a big empty CNode, D Data, Q a quota handle
 *   H a file, T a Type, X a kernel Instance that can be called, A an address, L a length, O an offset, Z a size_log, N a number
 *   R a Paused Instance, Y where an Image's bytes are, y how many, B where operands are, c how many, x an endpoint of the kernel's,
 *   i the id of a meter or a quota, P an endpoint, S a slot of anything that may be changed, W one that may be emptied, V a slot operand as a value */
static uint64_t operand(m_random *r, char kind) {
  if (strchr("FEIKMCDQHTXSWR", kind) && m_once_in(r, 40)) return any_slot(r);
  switch (kind) {
    case 'F': return ONE_OF(r, 1, 2, 3, 4, 6, 7, 8, 9, 12, 13, 14, 17, 19, 5, PATH1(6, 1), PATH1(6, 2), PATH2(6, 3, 0));
    case 'E':
      return ONE_OF(r, 20, 0, SLOT_KEPT, 21, 22, 23, 24, 25, PATH1(6, 0), PATH1(6, 4), PATH2(6, 3, 1), PATH1(19, 0), 3,
                    7);
    case 'I': return ONE_OF(r, 3, 4, 3, 5, 4, 3, 5, PATH2(6, 3, 0), PATH2(6, 3, 0), m_once_in(r, 3) ? 20 : 3);
    case 'K': return ONE_OF(r, 1, 2, 1, 1, PATH1(6, 1));
    case 'M': return ONE_OF(r, 9, 10, 9, PATH1(6, 5), 10, m_once_in(r, 2) ? SLOT_PINNED + 1 : 9);
    case 'C': return ONE_OF(r, 11, SLOT_KIT, 11, SLOT_KIT, 11, SLOT_KIT, 11, SLOT_KIT, 20, 19);
    case 'D': return ONE_OF(r, 7, 8, 7, PATH1(6, 2), 8, 7, 8, PATH1(6, 2), m_once_in(r, 2) ? SLOT_PINNED : 20);
    case 'Q': return m_once_in(r, 16) ? SLOT_GAS : SLOT_QUOTA;
    case 'H': return ONE_OF(r, 18, 18, 18, 20);
    case 'T': return ONE_OF(r, 17, 17, 2, 20);
    case 'X': return ONE_OF(r, 15, 16, 14, 15, 16, 14);
    case 'S':
      return ONE_OF(r, 20, 21, 0, 1, 2, 4, 7, 9, 10, 12, 13, 14, 19, 22, PATH1(6, 0), PATH1(6, 1), PATH2(6, 3, 0));
    case 'W': return ONE_OF(r, 1, 2, 7, 8, 9, 17, 19, 18, 15, PATH1(6, 1), PATH1(6, 2), PATH1(6, 5), PATH2(6, 3, 2));
    case 'A':
      if (m_once_in(r, 40)) return ONE_OF(r, UINT64_MAX, 0xfffffff8, (uint64_t)1 << 32, 0x50000, RO_AT, 0, HEAP_AT);
      return ONE_OF(r, RW_AT, RW_AT, SCRATCH_AT, NESTED_AT) + ONE_OF(r, 0, 8, 0xff8, 0xffc, 0x1000, 0x1ffc);
    case 'L': return ONE_OF(r, 0, 8, 40, M_PAGE, M_PAGE + 8, 3, UINT64_MAX);
    case 'O': return ONE_OF(r, 0, 0, 4, M_PAGE - 4, 2 * M_PAGE, UINT64_MAX);
    case 'Z': return m_once_in(r, 40) ? 16 : m_once_in(r, 16) ? 17 : ONE_OF(r, 0, 1, 2, 8);
    case 'P': return m_once_in(r, 40) ? 2 : m_once_in(r, 6);
    case 'R': return ONE_OF(r, SLOT_KEPT, SLOT_KEPT, SLOT_KEPT, SLOT_KEPT, 3, 20);
    case 'Y': return m_once_in(r, 16) ? RO_AT + 1 : m_once_in(r, 8) ? SCRATCH_AT : RO_AT;
    case 'y': return m_once_in(r, 16) ? ONE_OF(r, 0, 40, M_PAGE, 1u << 30, UINT64_MAX) : SIZE_OF_IMAGE(m_below(r, 2));
    case 'B': return m_once_in(r, 8) ? operand(r, 'A') : NESTED_AT + 8 * m_below(r, 4);
    case 'c': return m_once_in(r, 30) ? 257 : m_below(r, 3);
    case 'x': return m_once_in(r, 40) ? 3 : m_once_in(r, 3) ? m_below(r, 3) : 0;
    case 'i': return m_once_in(r, 20) ? m_below(r, 8) : 1 + m_below(r, 2);
    case 'V': return any_slot(r);
    default: return m_below(r, 200);
  }
}

/* ---- steps ---- */

typedef struct operation {
  uint8_t number, weight;
  char operands[7];
} operation;

enum { KERNEL_CALL = 200 }; /* a call of the kernel's Instances */

static const operation operations[] = {
    {26, 40, "IPNNNN"}, {16, 10, "K"},     {1, 10, "FE"},   {2, 6, "WE"},      {3, 2, "S"},   {4, 5, "SS"},
    {5, 4, "EZ"},       {17, 3, "M"},      {18, 5, "MCE"},  {20, 2, "II"},     {21, 3, "IE"}, {22, 5, "DALO"},
    {23, 6, "ALQE"},    {27, 1, ""},       {28, 1, ""},     {35, 6, "F"},      {36, 3, ""},   {37, 3, "F"},
    {64, 4, "NNSEAA"},  {65, 2, "NNSEAA"}, {66, 1, "NNSE"}, {67, 1, "NNSEAA"}, {69, 1, "N"},  {0, 1, "N"},
    {19, 2, "YyE"},     {24, 3, "HE"},     {25, 3, "DQE"},  {29, 1, "E"},      {30, 4, "R"},  {31, 1, "R"},
    {32, 2, "IIBc"},    {33, 2, "TBcE"},   {34, 2, "TT"},   {99, 1, ""},       {38, 0, ""},   {KERNEL_CALL, 8, "XxiN"},
};

static const operation *operation_named(uint8_t number) {
  uint32_t k = 0;
  while (operations[k].number != number) k++;
  return &operations[k];
}

/* Operations without weight are chosen by others. A bottom entry's yields would not be caught. */
static const operation *some_operation(m_random *r, bool is_bottom) {
  uint32_t sum = 0, count = sizeof operations / sizeof *operations;
  for (uint32_t k = 0; k < count; k++) sum += operations[k].weight;
  uint32_t n = m_below(r, sum), k = 0;
  if (!is_bottom && m_once_in(r, 8)) return operation_named(16);
  while (n >= operations[k].weight) n -= operations[k++].weight;
  if (operations[k].number == 16 && is_bottom && !m_once_in(r, 8)) k = 0;
  return &operations[k];
}

static void operands_of(m_step *s, m_random *r, const operation *o) {
  s->number = o->number == KERNEL_CALL ? 26 : o->number;
  for (unsigned k = 0; k < 6; k++) s->args[k] = k < strlen(o->operands) ? operand(r, o->operands[k]) : m_below(r, 8);
}

static m_step *add_step(m_image_plan *plan, m_step_kind kind) {
  if (plan->step_count == STEPS_MAX) plan->step_count--;
  m_step *s = &plan->steps[plan->step_count++];
  memset(s, 0, sizeof *s);
  s->kind = (uint8_t)kind;
  return s;
}

static m_step *add_ecall(m_image_plan *plan, m_random *r, const operation *o) {
  m_step *s = add_step(plan, m_once_in(r, 24) ? STEP_ECALL_REG : STEP_ECALL);
  operands_of(s, r, o);
  unsigned used = (1u << strlen(o->operands)) - 1;
  s->mask = (uint8_t)(m_once_in(r, 4) ? 0x3f : used);
  if (m_once_in(r, 20)) s->mask &= (uint8_t)m_below(r, 64); /* what is left from before */
  return s;
}

static void add_other(m_image_plan *plan, m_random *r, bool may_loop) {
  m_step *s =
      add_step(plan, (m_step_kind)ONE_OF(r, STEP_STORE, STEP_ADD, STEP_STORE, STEP_LOAD, STEP_ADD, STEP_SET, STEP_KEEP,
                                         STEP_SBRK, STEP_IF, STEP_UNLESS, STEP_UNLIKELY, STEP_STORE));
  s->reg = (uint8_t)(m_once_in(r, 8) ? m_below(r, 13) : 7 + m_below(r, 3));
  s->value = operand(r, 'A');
  if (s->kind == STEP_SET) s->value = m_once_in(r, 3) ? m_any(r) : operand(r, 'E');
  if (s->kind == STEP_SBRK) s->value = ONE_OF(r, 0, 8, M_PAGE, 4000, 3 * M_PAGE, 5 * M_PAGE);
  if (s->kind != STEP_IF && s->kind != STEP_UNLESS) return;
  s->value = m_below(r, 3);
  uint32_t here = plan->step_count - 1, back = m_below(r, 4);
  if (may_loop && m_once_in(r, 10)) s->to = here > back ? here - back : 0;
  else s->to = here + 1 + m_below(r, 3);
}

/* Ends it all, unless jumped over. */
static void add_ending(m_image_plan *plan, m_random *r, bool may_loop) {
  uint32_t n = m_below(r, 32);
  if (n == 31 && may_loop) add_step(plan, STEP_SPIN);
  else if (n == 30) add_step(plan, STEP_TRAP);
  else if (n == 29) add_step(plan, STEP_INVALID);
  else if (n == 28) add_step(plan, STEP_JUMP_IND)->value = m_once_in(r, 2) ? 0 : 0xffff0000u;
  else if (n == 27) add_step(plan, STEP_STORE)->value = 0x50000;
  else add_step(plan, STEP_ECALL)->mask = 0;
}

/* What a catcher does: unless a1 is 1, goes past it. */
static void add_catch(m_image_plan *plan, m_random *r, bool may_loop, bool is_bottom) {
  m_step *skip = add_step(plan, STEP_UNLESS);
  uint32_t first = plan->step_count;
  skip->reg = 8;
  skip->value = 1;
  for (uint32_t n = m_below(r, 3); n > 0; n--) add_ecall(plan, r, some_operation(r, is_bottom));
  uint8_t how = (uint8_t)ONE_OF(r, 27, 27, 27, 28, 29, 29, 29);
  add_ecall(plan, r, operation_named(how));
  if (may_loop && m_once_in(r, how == 27 ? 3 : 30)) {
    m_step *again = add_step(plan, STEP_IF);
    again->reg = 8;
    again->value = 1;
    again->to = first;
  }
  if (how == 29 && m_below(r, 4)) {
    plan->steps[plan->step_count - 1].args[0] = SLOT_KEPT;
    m_step *resume = add_ecall(plan, r, operation_named(m_once_in(r, 5) ? 31 : 30));
    resume->args[0] = SLOT_KEPT;
  }
  skip->to = plan->step_count;
}

static void add_endpoint(m_image_plan *plan, m_random *r, bool may_loop, bool is_bottom) {
  plan->starts[plan->start_count++] = plan->step_count;
  if (!is_bottom && m_below(r, 2)) { /* what callers can catch */
    add_ecall(plan, r, operation_named(16))->args[0] = SLOT_MARKER;
  } else if (m_below(r, 2)) {
    add_ecall(plan, r, operation_named(26))->args[1] = 0;
    add_catch(plan, r, may_loop, is_bottom);
  }
  for (uint32_t n = range(r, 1, 10); n > 0; n--) {
    if (m_once_in(r, 4)) {
      add_other(plan, r, may_loop);
      continue;
    }
    const operation *o = some_operation(r, is_bottom);
    add_ecall(plan, r, o);
    if (o->number == 26 && m_once_in(r, 2)) add_catch(plan, r, may_loop, is_bottom);
  }
  add_ending(plan, r, may_loop);
}

/* ---- Images ---- */

static void add_parts_of_image(m_image_plan *plan, m_random *r, uint32_t index) {
  m_part *pinned = plan->pinned;
  if (m_once_in(r, 16)) *pinned++ = (m_part){SLOT_MAIL, 0, WHAT_DATA, 0};
  if (m_once_in(r, 10)) *pinned++ = (m_part){SLOT_SCRATCH, 0, WHAT_DATA, 1};
  if (index > 0 && m_once_in(r, 3)) *pinned++ = (m_part){SLOT_PINNED, 0, WHAT_BYTES, (uint8_t)m_below(r, index)};
  else if (m_below(r, 2)) *pinned++ = (m_part){SLOT_PINNED, 0, WHAT_DATA, (uint8_t)(m_once_in(r, 40) ? 4 : 1)};
  if (index > 0 && m_below(r, 2)) *pinned++ = (m_part){SLOT_PINNED + 1, 0, WHAT_IMAGE, (uint8_t)m_below(r, index)};
  plan->pinned_count = (uint32_t)(pinned - plan->pinned);
  if (m_below(r, 2)) plan->initial[plan->initial_count++] = (m_part){SLOT_DATA, 0, WHAT_DATA, 1};
  if (m_once_in(r, 4)) plan->initial[plan->initial_count++] = (m_part){SLOT_SCRATCH + 1, 0, WHAT_DATA, 3};
}

/* Makes some step of an Image that has another one's bytes in its memory make that. */
static void use_bytes(m_image_plan *plan, m_random *r) {
  for (uint32_t k = 0; k < plan->pinned_count; k++) {
    m_step *step = &plan->steps[m_below(r, plan->step_count)];
    if (plan->pinned[k].what != WHAT_BYTES || step->kind != STEP_ECALL || step->number == 0) continue;
    operands_of(step, r, operation_named(19));
    step->mask |= 7;
    step->args[0] = RO_AT;
    step->args[1] = SIZE_OF_IMAGE(plan->pinned[k].index);
  }
}

static void generate_image(m_script *s, m_random *r, uint32_t index) {
  m_image_plan *plan = &s->images[index];
  bool may_loop = s->gas_model != JAVM_GAS_NONE, is_bottom = index + 1 == s->image_count;
  if (index > 0 && m_below(r, 2)) { /* of the same shape as the one before, as set_image needs */
    *plan = s->images[index - 1];
    plan->pinned_count = plan->initial_count = 0;
    for (uint32_t k = 0; k < plan->step_count; k++) {
      m_step *step = &plan->steps[k];
      if (step->kind == STEP_ECALL && step->number != 0 && m_below(r, 2))
        operands_of(step, r, some_operation(r, is_bottom));
    }
  } else {
    for (uint32_t n = m_once_in(r, 4) ? 1 : 2; n > 0; n--) add_endpoint(plan, r, may_loop, is_bottom);
    if (plan->start_count == 1 && m_once_in(r, 6)) plan->start_count = 0;
  }
  for (uint32_t k = 0; k < plan->step_count; k++)
    if (plan->steps[k].to > plan->step_count) plan->steps[k].to = plan->step_count;
  plan->stack = m_once_in(r, 3) ? 0x30000 : 0;
  plan->mappings = 1u << MAP_RW | 1u << MAP_SCRATCH | m_below(r, 1u << MAP_BIG) | (uint32_t)m_once_in(r, 50) << MAP_BIG;
  plan->has_gas_slot = m_once_in(r, 3);
  plan->has_quota_slot = m_below(r, 2);
  plan->has_yield_slot = !m_once_in(r, 4);
  add_parts_of_image(plan, r, index);
  if (m_below(r, 2)) use_bytes(plan, r);
}

/* ---- Instances ---- */

static void part(m_instance_plan *plan, m_random *r, uint8_t slot, uint8_t depth, m_what what, uint32_t index) {
  if (m_once_in(r, 20) || plan->part_count == PARTS_MAX) return;
  plan->parts[plan->part_count++] = (m_part){slot, depth, (uint8_t)what, (uint8_t)index};
}

static void inner_instance(m_instance_plan *plan, m_random *r, uint8_t slot, uint8_t depth, uint32_t below) {
  if (below == 0) part(plan, r, slot, depth, WHAT_ECHO, 0);
  else part(plan, r, slot, depth, WHAT_INSTANCE, m_once_in(r, 3) ? m_below(r, below) : below - 1);
}

static void generate_instance(const m_script *s, m_random *r, m_instance_plan *plan, uint32_t index) {
  static const uint8_t kernel[] = {
      JAVM_KERNEL_SET_GAS_METER, JAVM_KERNEL_SET_STORAGE_QUOTA,    JAVM_KERNEL_MINT_GAS,  JAVM_KERNEL_MINT_QUOTA,
      JAVM_KERNEL_HOST_SAVE,     JAVM_KERNEL_CREATE_YIELD_CATCHER, JAVM_KERNEL_OOG_MARKER};
  plan->image = m_once_in(r, 4) ? m_below(r, s->image_count) : (index + 1) * s->image_count / s->instance_count;
  if (plan->image == s->image_count || (index + 1 < s->instance_count && plan->image > 0))
    plan->image -= plan->image > 0;
  if (m_below(r, 2)) part(plan, r, SLOT_MAIL, 0, (m_what)ONE_OF(r, WHAT_MARKER, WHAT_DATA, WHAT_IMAGE), m_below(r, 3));
  part(plan, r, SLOT_MARKER, 0, WHAT_MARKER, 0);
  part(plan, r, SLOT_MARKER + 1, 0, WHAT_MARKER, 1 + m_below(r, 2));
  for (uint8_t k = 0; k < 3; k++) inner_instance(plan, r, SLOT_CHILD + k, 0, index);
  part(plan, r, SLOT_DATA, 0, WHAT_DATA, m_once_in(r, 60) ? 4 : m_below(r, 3));
  part(plan, r, SLOT_DATA + 1, 0, WHAT_DATA, m_below(r, DATAS));
  part(plan, r, SLOT_IMAGE, 0, WHAT_IMAGE, m_below(r, 8));
  part(plan, r, SLOT_IMAGE + 1, 0, WHAT_IMAGE, m_below(r, 8));
  part(plan, r, SLOT_CNODE, 0, m_once_in(r, 3) ? WHAT_EMPTY_CNODE : WHAT_KIT, m_once_in(r, 24) ? 7 : 8);
  part(plan, r, SLOT_KIT, 0, WHAT_KIT, m_below(r, 4));
  part(plan, r, SLOT_GAS, 0, m_once_in(r, 16) ? WHAT_QUOTA : WHAT_GAS, 1 + m_below(r, METERS));
  part(plan, r, SLOT_QUOTA, 0, m_once_in(r, 16) ? WHAT_GAS : WHAT_QUOTA, 1 + m_below(r, QUOTAS));
  part(plan, r, SLOT_CATCHER, 0, WHAT_CATCHER, m_below(r, CATCHERS));
  part(plan, r, SLOT_KERNEL, 0, WHAT_KERNEL, kernel[m_below(r, sizeof kernel)]);
  part(plan, r, SLOT_KERNEL + 1, 0, WHAT_KERNEL, kernel[m_below(r, sizeof kernel)]);
  part(plan, r, SLOT_TYPE, 0, WHAT_TYPE, 0);
  part(plan, r, SLOT_FILE, 0, WHAT_FILE, m_below(r, 3));
  part(plan, r, SLOT_SMALL, 0, WHAT_EMPTY_CNODE, m_below(r, 3));
  part(plan, r, 1, 1, WHAT_MARKER, 0);
  part(plan, r, 2, 1, WHAT_DATA, m_below(r, 2) ? 5 : m_below(r, 3));
  part(plan, r, 5, 1, WHAT_IMAGE, m_below(r, 8));
  inner_instance(plan, r, 0, 2, index);
  part(plan, r, 2, 2, WHAT_MARKER, 1);
  plan->is_made = m_once_in(r, 5);
  plan->size_log = (uint8_t)ONE_OF(r, 8, 8, 8, 5);
  plan->overlay = (uint8_t)(m_below(r, 2) ? m_below(r, 6) : 0);
  plan->mem_size = (uint32_t)ONE_OF(r, 0, 100, 0x12000);
  plan->heap_end = (uint32_t)ONE_OF(r, 0, HEAP_AT + 100, HEAP_AT + 3 * M_PAGE, HEAP_AT + 4 * M_PAGE);
  for (int k = 0; k < JAVM_REG_COUNT; k++) plan->regs[k] = m_once_in(r, 2) ? operand(r, 'F') : 0;
}

/* ---- scripts ---- */

void m_generate(m_script *s, m_random *r) {
  memset(s, 0, sizeof *s);
  s->gas_model = (javm_gas_model)(m_once_in(r, 24) ? JAVM_GAS_NONE : m_below(r, 3));
  s->yield_mode = (javm_yield_mode)m_below(r, 2);
  s->host_catches_out_of_gas = m_once_in(r, 3);
  s->has_assist = !m_once_in(r, 20);
  s->max_depth = (uint32_t)(s->gas_model == JAVM_GAS_NONE ? 3 : ONE_OF(r, 8, 12, 6, 5, 4, 16, 3));
  s->max_cached_programs = m_once_in(r, 3) ? 1 : 16;
  for (int k = 0; k < METERS; k++) s->meters[k] = m_once_in(r, 3) ? m_below(r, 2000) : 20000;
  for (int k = 0; k < QUOTAS; k++) s->quotas[k] = m_once_in(r, 3) ? M_PAGE * m_below(r, 5) : 100 * M_PAGE;
  for (int k = 0; k < CATCHERS; k++)
    s->markers_of[k] = (uint8_t)(m_below(r, 1u << (MARKERS + 2)) | m_below(r, 1u << MARKERS) | (m_below(r, 4) > 0));
  s->image_count = m_once_in(r, 8) ? 1 : range(r, 2, IMAGES_MAX);
  s->instance_count = m_once_in(r, 8) ? 1 : range(r, 2, INSTANCES_MAX);
  s->verb_count = range(r, 2, m_once_in(r, 4) ? VERBS_MAX : 10);
  for (uint32_t k = 0; k < s->verb_count; k++) s->verbs[k] = m_any(r);
  for (uint32_t k = 0; k < s->image_count; k++) generate_image(s, r, k);
  for (uint32_t k = 0; k < s->instance_count; k++) generate_instance(s, r, &s->instances[k], k);
}
