/*
 * Lends the use of its owner's purse, up to an amount, and can take it back. A lease is an Instance of the purse's code
 * that yields to this program and not to the ledger: its holder uses it like a purse, and each request comes here first.
 *
 * What always holds: no lease has the purse in it; what a lease can still pay is a number in this memory, and so one for
 * all its copies.
 */
#include "lender.h"

#define PURSE_IMAGE 64
#define CATCHER 68
#define MARKER                                                                                                         \
  69 /* a catcher of which nothing is used but that there is no second one like it: only leases have copies */
#define PURSE 70
#define HIRED 71
#define SLOTS 72
#define TYPE 73
#define EXPECTED 74
#define LEASE 75

JAVM_PIN_IMAGE(PURSE_IMAGE, "purse.img");
JAVM_YIELD_MARKER_SLOT(CATCHER);
JAVM_STACK_SIZE(16384);

enum { LEASES = 100 };
static uint64_t left[LEASES];
static uint64_t lease_count;

/* A purse is genuine if its lineage is the ledger's, extended by the purse's Image. A Type says so and gives no right. */
static bool is_genuine(javm_slot purse) {
  if (javm_kind_of(purse) != JAVM_KIND_INSTANCE) return false;
  javm_slot image = PURSE_IMAGE;
  javm_subtype(LENDER_LEDGER_TYPE, &image, 1, EXPECTED);
  javm_type_of(purse, TYPE);
  return javm_type_eq(TYPE, EXPECTED);
}

static void new_catcher(javm_slot to) {
  javm_create_yield_catcher(LENDER_CREATOR);
  javm_move(0, to);
}

static uint64_t take(void) {
  if (javm_kind_of(PURSE) != JAVM_KIND_EMPTY || !is_genuine(0)) javm_trap();
  javm_move(0, PURSE);
  new_catcher(MARKER);
  new_catcher(CATCHER);
  javm_copy(MARKER, 0);
  javm_catcher_add(CATCHER);
  javm_drop(0);
  return 0;
}

static uint64_t lend(uint64_t amount) {
  if (javm_kind_of(PURSE) == JAVM_KIND_EMPTY || lease_count == LEASES) javm_trap();
  javm_drop(0);
  javm_mint_cnode(SLOTS, 8);
  javm_copy(MARKER, javm_path(SLOTS, PURSE_MARKER));
  javm_copy(LENDER_QUOTA, javm_path(SLOTS, PURSE_QUOTA));
  javm_derive_spawn(PURSE_IMAGE, SLOTS, LEASE);
  if (javm_call(LEASE, PURSE_NAME, lease_count, 0, 0, 0).status != JAVM_CALL_OK) javm_trap();
  javm_move(LEASE, 0);
  left[lease_count] = amount;
  return lease_count++;
}

static uint64_t revoke(uint64_t number) {
  if (number >= lease_count) javm_trap();
  uint64_t was = left[number];
  left[number] = 0;
  return was;
}

/* The list is not in this program's state: older copies of it catch nothing either. */
static uint64_t close(void) {
  javm_copy(MARKER, 0);
  javm_catcher_remove(CATCHER);
  javm_drop(0);
  return 0;
}

static uint64_t hire(void) {
  if (javm_kind_of(0) != JAVM_KIND_INSTANCE) javm_trap();
  if (javm_kind_of(HIRED) == JAVM_KIND_EMPTY) javm_move(0, HIRED);
  else javm_swap(0, HIRED);
  return 0;
}

/* A lease asks. An empty slot 0 refuses. */
static void serve(void) {
  struct ledger_request request = {0};
  javm_read_data(0, &request, sizeof request, 0);
  javm_drop(0);
  uint64_t *mine = &left[request.account], answer = *mine;
  if (request.what == PURSE_PAY) {
    if (request.amount > *mine) return;
    javm_results r = javm_call(PURSE, PURSE_PAY, request.to, request.amount, 0, 0);
    javm_drop(0);
    if (r.status != JAVM_CALL_OK || r.value == REFUSED) return;
    answer = *mine -= request.amount;
  } else if (request.what != PURSE_BALANCE) return;
  javm_mint_data(&answer, sizeof answer, LENDER_QUOTA, 0);
}

static uint64_t run(uint64_t to, uint64_t amount, uint64_t times) {
  javm_results r = javm_call(HIRED, 0, to, amount, times, 0);
  while (r.status == JAVM_CALL_PAUSED && r.value == 0) {
    serve();
    r = javm_resume_yield();
  }
  if (r.status != JAVM_CALL_OK) javm_trap();
  return r.value;
}

JAVM_ENDPOINT(LENDER_TAKE, take);
JAVM_ENDPOINT(LENDER_LEND, lend);
JAVM_ENDPOINT(LENDER_REVOKE, revoke);
JAVM_ENDPOINT(LENDER_CLOSE, close);
JAVM_ENDPOINT(LENDER_HIRE, hire);
JAVM_ENDPOINT(LENDER_RUN, run);
