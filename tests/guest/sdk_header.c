/* Every operation of javm.h in a function of its own, `do_NAME`: tests/guest/sdk looks at what they become. As C and
 * C++. */
#include <javm.h>

#define OPERATION(name, parameters, ...)                                                                               \
  uint64_t do_##name parameters;                                                                                       \
  uint64_t do_##name parameters { __VA_ARGS__; }
#define PLAIN(name, parameters, call) OPERATION(name, parameters, call; return 0)

#ifdef __cplusplus
extern "C" {
#endif
OPERATION(reply, (uint64_t a), javm_reply(a))
PLAIN(copy, (javm_slot a, javm_slot b), javm_copy(a, b))
PLAIN(move, (javm_slot a, javm_slot b), javm_move(a, b))
PLAIN(drop, (javm_slot a), javm_drop(a))
PLAIN(swap, (javm_slot a, javm_slot b), javm_swap(a, b))
PLAIN(mint_cnode, (javm_slot a, uint64_t b), javm_mint_cnode(a, b))
PLAIN(yield, (javm_slot a), javm_yield(a))
PLAIN(set_image, (javm_slot a), javm_set_image(a))
PLAIN(derive_spawn, (javm_slot a, javm_slot b, javm_slot c), javm_derive_spawn(a, b, c))
PLAIN(make_image, (const void *a, uint64_t b, javm_slot c), javm_make_image(a, b, c))
OPERATION(same_type, (javm_slot a, javm_slot b), return javm_same_type(a, b))
PLAIN(type_of, (javm_slot a, javm_slot b), javm_type_of(a, b))
OPERATION(read_data, (javm_slot a, void *b, uint64_t c, uint64_t d), return javm_read_data(a, b, c, d))
PLAIN(mint_data, (const void *a, uint64_t b, javm_slot c, javm_slot d), javm_mint_data(a, b, c, d))
PLAIN(open, (javm_slot a, javm_slot b), javm_open(a, b))
PLAIN(save, (javm_slot a, javm_slot b, javm_slot c), javm_save(a, b, c))
OPERATION(call, (javm_slot a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f),
          return javm_call(a, b, c, d, e, f).value)
OPERATION(resume_yield, (void), return javm_resume_yield().status)
PLAIN(drop_yield, (void), javm_drop_yield())
PLAIN(keep_yield, (javm_slot a), javm_keep_yield(a))
OPERATION(call_resume, (javm_slot a), return javm_call_resume(a).status)
PLAIN(drop_paused, (javm_slot a), javm_drop_paused(a))
OPERATION(same_type_as, (javm_slot a, javm_slot b, const javm_slot *c, uint64_t d),
          return javm_same_type_as(a, b, c, d))
PLAIN(subtype, (javm_slot a, const javm_slot *b, uint64_t c, javm_slot d), javm_subtype(a, b, c, d))
OPERATION(type_eq, (javm_slot a, javm_slot b), return javm_type_eq(a, b))
PLAIN(emit, (javm_slot a), javm_emit(a))
OPERATION(gas_left, (void), return javm_gas_left())
OPERATION(kind_of, (javm_slot a), return javm_kind_of(a))

/* Host functions have two results, and take what is in memory as it is. */
OPERATION(host, (uint64_t a, const char *b), uint64_t sum = javm_host_call0(64).value + javm_host_call1(65, a).status;
          sum += javm_host_call2(66, a, b).value + javm_host_call3(67, a, b, 3).value;
          sum += javm_host_call4(68, a, b, 3, 4).value + javm_host_call5(69, a, b, 3, 4, 5).status;
          return sum + javm_host_call6(JAVM_HOST_FUNCTION_FIRST + 6, a, b, 3, 4, 5, 6).value + javm_write(1, b, a))
/* Calls of the kernel's Instances. */
OPERATION(kernel, (javm_slot a, uint64_t b, uint64_t c), javm_mint_gas(a, b); javm_mint_quota(a, b);
          javm_create_yield_catcher(a); javm_catcher_read(a);
          return javm_set_gas_meter(a, b, c) + javm_set_storage_quota(a, b, c) + javm_catcher_add(a) +
                 javm_catcher_remove(a))
OPERATION(ecall, (uint64_t a), return javm_ecall(a, 1, 2, 3, 4).value)
OPERATION(sbrk, (uint64_t a), javm_unlikely(); return (uint64_t)javm_sbrk(a))
#ifdef __cplusplus
}
#endif

static uint64_t four(uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
  return javm_path(a, b) + javm_path2(a, b, c) + javm_path3(a, b, c, d);
}
static uint64_t none(void) { return javm_path(javm_path(javm_path(5, 9), 2), 65534); }
static const char text[] = "text";
JAVM_UNMAPPED static const char hidden[5000] = "hidden";

JAVM_ENDPOINT(0, four);
JAVM_ENDPOINT(1, none);
JAVM_ENDPOINT_CNODE(2, do_sbrk, 4);
JAVM_ENDPOINT_AS(255, do_mint_data, 4, 0);
JAVM_PIN_DATA(0, text);
JAVM_INITIAL_DATA(1, hidden);
JAVM_PIN_DATA_FILE(2, "sdk_header.c");
JAVM_INITIAL_DATA_FILE(3, "sdk_header.c");
#ifdef CHILD
JAVM_PIN_IMAGE(4, CHILD);
#endif
JAVM_GAS_SLOT(5);
JAVM_QUOTA_SLOT(6);
JAVM_YIELD_MARKER_SLOT(7);
JAVM_STACK_SIZE(64 * 1024);
JAVM_HEAP_SIZE(0x10000);
JAVM_ARENA_SIZE(1 << 20);
