/*
 * A program that owns a purse and does not have the ledger. The ledger runs it (LEDGER_RUN); when it uses its purse,
 * the purse yields to the ledger below.
 */
#include "ledger.h"

#define PURSE 1
#define NEW_PURSE 2

static uint64_t ask(javm_slot purse, uint64_t endpoint, uint64_t a, uint64_t b) {
  javm_results r = javm_call(purse, endpoint, a, b, 0, 0);
  if (r.status != JAVM_CALL_OK) javm_trap();
  return r.value;
}

static uint64_t payments; /* so far, in all calls */

/* 0: pays several times the amount, until the ledger refuses. Answers how often it has paid. */
static uint64_t pay(uint64_t to, uint64_t amount, uint64_t times) {
  uint64_t done = 0;
  while (done < times && ask(PURSE, PURSE_PAY, to, amount) != REFUSED) done++;
  payments += done;
  return done;
}

/* 1: pays, then finds that something is wrong. */
static uint64_t pay_and_fault(uint64_t to, uint64_t amount) {
  if (pay(to, amount, 1) == 1) javm_trap();
  return 0;
}

/* 2: what is left. 3: payments so far. */
static uint64_t balance(void) { return ask(PURSE, PURSE_BALANCE, 0, 0); }
static uint64_t paid(void) { return payments; }

/* 4: with the mint's purse: opens an account and mints for it. Answers its number, or REFUSED. */
static uint64_t open(uint64_t amount) {
  if (ask(PURSE, PURSE_OPEN, 0, 0) == REFUSED) return REFUSED;
  javm_move(0, NEW_PURSE);
  uint64_t account = ask(NEW_PURSE, PURSE_ACCOUNT, 0, 0);
  return ask(PURSE, PURSE_PAY, account, amount) == REFUSED ? REFUSED : account;
}

JAVM_ENDPOINT(0, pay);
JAVM_ENDPOINT(1, pay_and_fault);
JAVM_ENDPOINT(2, balance);
JAVM_ENDPOINT(3, paid);
JAVM_ENDPOINT(4, open);
