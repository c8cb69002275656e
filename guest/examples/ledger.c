/*
 * A ledger of tokens. The books are its memory; the right to an account is a purse, an Instance that the ledger made.
 * It is used in two ways: its holder calls it with a purse in slot 0; or it runs a program, whose purses yield to it.
 *
 * What always holds: the balances sum up to the supply. A call that may not do what it asks for traps and so has
 * changed nothing.
 */
#include "ledger.h"

#define PURSE_IMAGE 64
#define MARKER 65 /* an Instance of the purse's Image that was never named: the purses have copies, nobody else has */
#define CATCHER LEDGER_CATCHER
#define QUOTA LEDGER_QUOTA
#define CLIENT 68
#define PURSE 69
#define SLOTS 70

JAVM_PIN_IMAGE(PURSE_IMAGE, "purse.img");
JAVM_YIELD_MARKER_SLOT(CATCHER);
JAVM_STACK_SIZE(16384);

enum { ACCOUNTS = 1000 };
static uint64_t balances[ACCOUNTS];
static uint64_t account_count;

/* ---- the books ---- */

static bool transfer(uint64_t from, uint64_t to, uint64_t amount) {
  if (from >= account_count || to >= account_count || balances[from] < amount) return false;
  balances[from] -= amount;
  balances[to] += amount; /* not above the supply */
  return true;
}

/* ---- purses ---- */

/* PURSE := a new Instance of the purse's Image, with the marker if there is one yet. */
static void spawn_purse(void) {
  javm_mint_cnode(SLOTS, 8);
  if (javm_kind_of(MARKER) != JAVM_KIND_EMPTY) javm_copy(MARKER, javm_path(SLOTS, PURSE_MARKER));
  if (javm_kind_of(QUOTA) != JAVM_KIND_EMPTY) javm_copy(QUOTA, javm_path(SLOTS, PURSE_QUOTA));
  javm_derive_spawn(PURSE_IMAGE, SLOTS, PURSE);
}

static uint64_t call_purse(uint64_t endpoint, uint64_t argument) {
  javm_results r = javm_call(PURSE, endpoint, argument, 0, 0, 0);
  if (r.status != JAVM_CALL_OK) javm_trap();
  return r.value;
}

/* Slot 0 := the purse of a new account. */
static uint64_t open_account(void) {
  if (account_count == ACCOUNTS) javm_trap();
  spawn_purse();
  call_purse(PURSE_NAME, account_count);
  javm_move(PURSE, 0);
  return account_count++;
}

/* The account whose purse is in slot 0. Only the ledger can have made what is of the marker's lineage: it runs the
 * purse's code and says the truth. */
static uint64_t presented(void) {
  if (javm_kind_of(0) != JAVM_KIND_INSTANCE || !javm_same_type(0, MARKER)) javm_trap();
  javm_copy(0, PURSE);
  uint64_t account = call_purse(PURSE_ACCOUNT, 0);
  javm_drop(PURSE);
  return account;
}

/* ---- called by the holder of the ledger ---- */

static uint64_t found(uint64_t supply) {
  if (account_count != 0 || supply == REFUSED) javm_trap();
  spawn_purse();
  javm_move(PURSE, MARKER);
  if (javm_kind_of(CATCHER) != JAVM_KIND_EMPTY) {
    javm_copy(MARKER, 0);
    if (!javm_catcher_add(CATCHER)) javm_trap();
    javm_drop(0);
  }
  balances[MINT] = supply;
  return open_account();
}

static uint64_t open(void) {
  if (presented() != MINT) javm_trap();
  return open_account();
}

static uint64_t pay(uint64_t to, uint64_t amount) {
  uint64_t from = presented();
  if (!transfer(from, to, amount)) javm_trap();
  return balances[from];
}

static uint64_t balance(uint64_t account) {
  if (account >= account_count) javm_trap();
  return balances[account];
}

/* ---- yielded to by purses ---- */

static void answer(uint64_t number) { javm_mint_data(&number, sizeof number, QUOTA, 0); }

/* Only purses have the marker, so the request is as a purse makes it. An empty slot 0 refuses. */
static void serve(void) {
  struct ledger_request request = {0};
  javm_read_data(0, &request, sizeof request, 0);
  javm_drop(0);
  switch (request.what) {
    case PURSE_PAY:
      if (transfer(request.account, request.to, request.amount)) answer(balances[request.account]);
      break;
    case PURSE_BALANCE: answer(balances[request.account]); break;
    case PURSE_OPEN:
      if (request.account == MINT && account_count < ACCOUNTS) open_account();
      break;
  }
}

/* A client that faults takes the whole call with it: what it has paid is not paid. */
static uint64_t run(uint64_t endpoint, uint64_t a, uint64_t b, uint64_t c) {
  javm_move(0, CLIENT);
  javm_results r = javm_call(CLIENT, endpoint, a, b, c, 0);
  while (r.status == JAVM_CALL_PAUSED && r.value == 0) {
    serve();
    r = javm_resume_yield();
  }
  if (r.status != JAVM_CALL_OK) javm_trap();
  javm_move(CLIENT, 0);
  return r.value;
}

JAVM_ENDPOINT(LEDGER_FOUND, found);
JAVM_ENDPOINT(LEDGER_OPEN, open);
JAVM_ENDPOINT(LEDGER_PAY, pay);
JAVM_ENDPOINT(LEDGER_BALANCE, balance);
JAVM_ENDPOINT(LEDGER_RUN, run);
