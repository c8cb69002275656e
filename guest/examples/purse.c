/*
 * A purse: the right to use one account of a ledger. It holds no tokens, so that a copy of it doubles nothing; it knows
 * the number of the account, and has the ledger's marker in a slot that nobody else can read.
 */
#include "ledger.h"

static uint64_t name; /* 1 + the account; 0: not named yet */

static uint64_t set_name(uint64_t account) {
  if (name != 0) javm_trap();
  name = account + 1;
  return account;
}

static uint64_t account(void) {
  if (name == 0) javm_trap();
  return name - 1;
}

/* Puts a request to the ledger, which is somewhere below on the call stack. */
static void ask(uint64_t what, uint64_t to, uint64_t amount) {
  struct ledger_request request = {what, account(), to, amount};
  javm_mint_data(&request, sizeof request, PURSE_QUOTA, 0);
  javm_yield(PURSE_MARKER);
}

static uint64_t number_in_slot0(void) {
  uint64_t number = REFUSED;
  if (javm_kind_of(0) == JAVM_KIND_DATA) javm_read_data(0, &number, sizeof number, 0);
  javm_drop(0);
  return number;
}

static uint64_t pay(uint64_t to, uint64_t amount) {
  ask(PURSE_PAY, to, amount);
  return number_in_slot0();
}

static uint64_t balance(void) {
  ask(PURSE_BALANCE, 0, 0);
  return number_in_slot0();
}

static uint64_t open(void) {
  ask(PURSE_OPEN, 0, 0);
  return javm_kind_of(0) == JAVM_KIND_INSTANCE ? 0 : REFUSED;
}

JAVM_STACK_SIZE(8192);
JAVM_ENDPOINT(PURSE_NAME, set_name);
JAVM_ENDPOINT(PURSE_ACCOUNT, account);
JAVM_ENDPOINT(PURSE_PAY, pay);
JAVM_ENDPOINT(PURSE_BALANCE, balance);
JAVM_ENDPOINT(PURSE_OPEN, open);
