/*
 * Where the ledger, its users and a lender meet (docs/authority.md). It begins with the kernel's Instances in its slots
 * (javm_bootstrap), holds everybody's programs, and calls them; the rights are those of the caps in their slots.
 */
#include "lender.h"

#define SET_QUOTA 2 /* these four by javm_bootstrap */
#define MINT_QUOTA 4
#define CREATOR 5
#define LEDGER_IMAGE 64
#define PURSE_IMAGE 65
#define WALLET_IMAGE 66
#define LENDER_IMAGE 67
#define QUOTA 68
#define LEDGER 70
#define MINT_PURSE 71
#define ALICE 72
#define BOB 73
#define FORGED 74
#define LENDER 75
#define FIRST_LEASE 80 /* and those behind it */
#define SLOTS 90
#define WALLET 91

JAVM_PIN_IMAGE(LEDGER_IMAGE, "ledger.img");
JAVM_PIN_IMAGE(PURSE_IMAGE, "purse.img");
JAVM_PIN_IMAGE(WALLET_IMAGE, "wallet.img");
JAVM_PIN_IMAGE(LENDER_IMAGE, "lender.img");

/* How an attempt ends. */
enum { NOT_PAID = 0, PAID = 1, FAULTED = 2 };

static uint64_t must(javm_results r) {
  if (r.status != JAVM_CALL_OK) javm_trap();
  return r.value;
}

/* Calls with a copy of a cap in slot 0. */
static javm_results call_with(javm_slot cap, javm_slot program, uint64_t endpoint, uint64_t a, uint64_t b) {
  javm_drop(0);
  if (cap != 0) javm_copy(cap, 0);
  return javm_call(program, endpoint, a, b, 0, 0);
}

static void make_ledger(void) {
  javm_mint_cnode(SLOTS, 8);
  javm_create_yield_catcher(CREATOR);
  javm_move(0, javm_path(SLOTS, LEDGER_CATCHER));
  javm_copy(QUOTA, javm_path(SLOTS, LEDGER_QUOTA));
  javm_derive_spawn(LEDGER_IMAGE, SLOTS, LEDGER);
}

static void open(javm_slot to) {
  must(call_with(MINT_PURSE, LEDGER, LEDGER_OPEN, 0, 0));
  javm_move(0, to);
}

/* 0: a ledger, Alice with an amount from the mint, and Bob. */
static uint64_t set_up(uint64_t supply, uint64_t amount) {
  javm_set_storage_quota(SET_QUOTA, 1, 1 << 24);
  javm_mint_quota(MINT_QUOTA, 1);
  javm_move(0, QUOTA);
  make_ledger();
  must(call_with(0, LEDGER, LEDGER_FOUND, supply, 0));
  javm_move(0, MINT_PURSE);
  open(ALICE);
  open(BOB);
  return must(call_with(MINT_PURSE, LEDGER, LEDGER_PAY, 1, amount));
}

/* 1: what an account has. */
static uint64_t balance(uint64_t account) { return must(call_with(0, LEDGER, LEDGER_BALANCE, account, 0)); }

static void make_wallet(javm_slot purse) {
  javm_mint_cnode(SLOTS, 8);
  javm_copy(purse, javm_path(SLOTS, 1));
  javm_derive_spawn(WALLET_IMAGE, SLOTS, WALLET);
}

/* The ledger runs a program, which pays once. */
static uint64_t run(javm_slot program, uint64_t endpoint, uint64_t to, uint64_t amount) {
  javm_drop(0);
  javm_copy(program, 0);
  javm_results r = javm_call(LEDGER, LEDGER_RUN, endpoint, to, amount, 1);
  if (r.status != JAVM_CALL_OK) return FAULTED;
  javm_move(0, program);
  return r.value == 1 ? PAID : NOT_PAID;
}

/* 2: a program with a copy of Alice's purse pays Bob. 3: with a purse that the town made. */
static uint64_t pay(uint64_t amount) {
  make_wallet(ALICE);
  return run(WALLET, 0, 2, amount);
}
static uint64_t pay_forged(uint64_t amount) {
  javm_mint_cnode(SLOTS, 8);
  javm_derive_spawn(PURSE_IMAGE, SLOTS, FORGED);
  must(javm_call(FORGED, PURSE_NAME, 1, 0, 0, 0)); /* Alice's number */
  make_wallet(FORGED);
  return run(WALLET, 0, 2, amount);
}

/* 4: gives a purse to the ledger itself, in slot 0: the forged one (0), a lease (1). */
static uint64_t show_ledger(uint64_t which, uint64_t amount) {
  javm_results r = call_with(which == 0 ? FORGED : FIRST_LEASE, LEDGER, LEDGER_PAY, 2, amount);
  return r.status == JAVM_CALL_OK ? PAID : FAULTED;
}

/* 5: a lender with the forged purse (0), with Alice's (1). */
static uint64_t make_lender(uint64_t alice) {
  javm_mint_cnode(SLOTS, 8);
  javm_type_of(LEDGER, javm_path(SLOTS, LENDER_LEDGER_TYPE));
  javm_copy(CREATOR, javm_path(SLOTS, LENDER_CREATOR));
  javm_copy(QUOTA, javm_path(SLOTS, LENDER_QUOTA));
  javm_derive_spawn(LENDER_IMAGE, SLOTS, LENDER);
  return call_with(alice ? ALICE : FORGED, LENDER, LENDER_TAKE, 0, 0).status == JAVM_CALL_OK ? PAID : FAULTED;
}

/* 6: lends. Answers the lease's number. */
static uint64_t lend(uint64_t amount) {
  uint64_t number = must(call_with(0, LENDER, LENDER_LEND, amount, 0));
  javm_move(0, FIRST_LEASE + number);
  return number;
}

/* 7: a program with a copy of a lease pays Bob. */
static uint64_t pay_leased(uint64_t number, uint64_t amount) {
  make_wallet(FIRST_LEASE + number);
  must(call_with(WALLET, LENDER, LENDER_HIRE, 0, 0));
  return run(LENDER, LENDER_RUN, 2, amount);
}

/* 8: takes a lease back. 9: closes. */
static uint64_t revoke(uint64_t number) { return must(call_with(0, LENDER, LENDER_REVOKE, number, 0)); }
static uint64_t close(void) { return must(call_with(0, LENDER, LENDER_CLOSE, 0, 0)); }

JAVM_ENDPOINT(0, set_up);
JAVM_ENDPOINT(1, balance);
JAVM_ENDPOINT(2, pay);
JAVM_ENDPOINT(3, pay_forged);
JAVM_ENDPOINT(4, show_ledger);
JAVM_ENDPOINT(5, make_lender);
JAVM_ENDPOINT(6, lend);
JAVM_ENDPOINT(7, pay_leased);
JAVM_ENDPOINT(8, revoke);
JAVM_ENDPOINT(9, close);
