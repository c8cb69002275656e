/*
 * Holds a ledger and calls it: founds it, opens accounts, mints, pays; and tries what must not work. Each endpoint goes
 * on from what the ones before it left.
 */
#include "ledger.h"

#define LEDGER_IMAGE 64
#define PURSE_IMAGE 65
#define LEDGER 70
#define MINT_PURSE 71
#define ALICE 72
#define BOB 73
#define FORGED 74
#define SLOTS 75
#define NOTHING 76

JAVM_PIN_IMAGE(LEDGER_IMAGE, "ledger.img");
JAVM_PIN_IMAGE(PURSE_IMAGE, "purse.img");

static void spawn(javm_slot image, javm_slot to) {
  javm_mint_cnode(SLOTS, 8);
  javm_derive_spawn(image, SLOTS, to);
}

/* Calls the ledger with a copy of a purse in slot 0: what moves there is lost if the call faults. */
static javm_results ask(javm_slot purse, uint64_t endpoint, uint64_t a, uint64_t b) {
  javm_drop(0);
  if (javm_kind_of(purse) != JAVM_KIND_EMPTY) javm_copy(purse, 0);
  return javm_call(LEDGER, endpoint, a, b, 0, 0);
}

static uint64_t must(javm_results r) {
  if (r.status != JAVM_CALL_OK) javm_trap();
  return r.value;
}

static uint64_t open(javm_slot to) {
  uint64_t account = must(ask(MINT_PURSE, LEDGER_OPEN, 0, 0));
  javm_move(0, to);
  return account;
}

/* 0: a ledger, and accounts 1 and 2 with 0 tokens. Answers the mint's balance. */
static uint64_t set_up(uint64_t supply) {
  spawn(LEDGER_IMAGE, LEDGER);
  must(ask(NOTHING, LEDGER_FOUND, supply, 0));
  javm_move(0, MINT_PURSE);
  if (open(ALICE) != 1 || open(BOB) != 2) javm_trap();
  return must(ask(NOTHING, LEDGER_BALANCE, MINT, 0));
}

/* 1: mints for Alice. 2: Alice pays Bob. They answer what the payer has left. */
static uint64_t mint(uint64_t amount) { return must(ask(MINT_PURSE, LEDGER_PAY, 1, amount)); }
static uint64_t pay(uint64_t amount) { return must(ask(ALICE, LEDGER_PAY, 2, amount)); }

/* 3: the balance of an account. */
static uint64_t balance(uint64_t account) { return must(ask(NOTHING, LEDGER_BALANCE, account, 0)); }

/* 4: tries to take all that Alice has without her purse, in some way. Answers 16 * status + value of the call. */
enum {
  WITHOUT_A_PURSE,
  WITH_A_FORGED_PURSE,
  WITH_ANOTHER_KIND_OF_CAP,
  WITH_THE_LEDGER_ITSELF,
  TOO_MUCH,
  TO_NOBODY,
  OPEN_AS_ALICE
};
static uint64_t steal(uint64_t how) {
  uint64_t endpoint = LEDGER_PAY, to = 2, amount = 1;
  javm_slot purse = NOTHING;
  switch (how) {
    case WITHOUT_A_PURSE: break;
    case WITH_A_FORGED_PURSE: /* the same code, with Alice's account in it; but this program is its parent */
      spawn(PURSE_IMAGE, FORGED);
      must(javm_call(FORGED, PURSE_NAME, 1, 0, 0, 0));
      purse = FORGED;
      break;
    case WITH_ANOTHER_KIND_OF_CAP: purse = PURSE_IMAGE; break;
    case WITH_THE_LEDGER_ITSELF: purse = LEDGER; break;
    case TOO_MUCH:
      purse = ALICE;
      amount = UINT64_MAX;
      break;
    case TO_NOBODY:
      purse = ALICE;
      to = 3;
      break;
    case OPEN_AS_ALICE:
      purse = ALICE;
      endpoint = LEDGER_OPEN;
      break;
    default: javm_trap();
  }
  javm_results r = ask(purse, endpoint, to, amount);
  javm_drop(0);
  return 16 * r.status + r.value;
}

JAVM_ENDPOINT(0, set_up);
JAVM_ENDPOINT(1, mint);
JAVM_ENDPOINT(2, pay);
JAVM_ENDPOINT(3, balance);
JAVM_ENDPOINT(4, steal);
