/*
 * The guests in guest/examples, as built by javm-cc: what they answer, what they refuse, and that a state and a call
 * give the same next state every time. The Images are looked for in ../guest/examples, seen from this program, or in
 * the folder that is its argument.
 */
#include "support/guest.h"

#include <stdio.h>

enum { ENOUGH_GAS = 100000000 };

static guest g;
static char folder[512];

static int setup(void **state) {
  (void)state;
  guest_open(&g);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  guest_close(&g);
  return 0;
}

/* ---- helpers ---- */

static javm_cap *image(const char *name) {
  char path[sizeof folder + 32];
  snprintf(path, sizeof path, "%s/%s.img", folder, name);
  FILE *file = fopen(path, "rb");
  if (!file) fail_msg("cannot open %s", path);
  static uint8_t bytes[1 << 20];
  size_t size = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  assert_true(size < sizeof bytes);
  javm_cap *cap = NULL;
  javm_status status = javm_bundle_decode(g.dir, bytes, size, &cap, &g.error);
  if (status != JAVM_OK) fail_msg("%s: %s: %s", path, javm_status_text(status), g.error.text);
  guest_own(&g, cap);
  assert_int_equal(javm_cap_kind(cap), JAVM_KIND_IMAGE);
  return cap;
}

static javm_cap *instance(const char *name, const javm_slot_cap *slots) {
  return guest_instance(&g, image(name), slots);
}

static void invoke(javm_cap *on, uint8_t endpoint, const uint64_t args[4]) {
  guest_invoke(&g, on, endpoint, args, ENOUGH_GAS);
}

/* Calls, expects the answer, and gives the new Instance. */
static javm_cap *call(javm_cap *on, uint8_t endpoint, const uint64_t args[4], uint64_t answer) {
  invoke(on, endpoint, args);
  assert_halted(&g, answer);
  return guest_post(&g);
}

static uint64_t ask(javm_cap *on, uint8_t endpoint, uint64_t argument) {
  invoke(on, endpoint, ARGS(argument));
  assert_int_equal(g.result.kind, JAVM_RESULT_HALT);
  return g.result.return_value;
}

/* The cap in slot 0 of the last result, for as long as the world lives. */
static javm_cap *slot0(void) { return guest_own(&g, javm_cap_retain(g.result.slot0)); }

/* The same Instance with another cap in a root slot. */
static javm_cap *with_slot(javm_cap *on, uint32_t slot, javm_cap *cap) {
  javm_instance_spec spec = guest_view(&g, on);
  javm_hash hash = guest_put(&g, spec.root_cnode);
  javm_cap *root = NULL;
  assert_int_equal(javm_dir_get(g.dir, &hash, &root, &g.error), JAVM_OK);
  spec.root_cnode = guest_set(&g, guest_own(&g, root), slot, cap);
  return guest_make(&g, &spec);
}

static void config(javm_yield_mode mode, bool catch_out_of_gas) {
  g.config.yield_mode = mode;
  g.config.host_catches_out_of_gas = catch_out_of_gas;
  guest_vm(&g);
}

static javm_cap *quota(uint64_t bytes) {
  guest_set_quota(&g, 1, bytes);
  return guest_kernel(&g, JAVM_KERNEL_QUOTA, 1);
}

/* ---- counter ---- */

enum { COUNTER_ADD, COUNTER_READ };

static void counter_adds_and_keeps(void **state) {
  (void)state;
  javm_cap *c = instance("counter", NO_SLOTS);
  assert_int_equal(ask(c, COUNTER_READ, 0), 0);
  c = call(c, COUNTER_ADD, ARGS(5), 5);
  c = call(c, COUNTER_ADD, ARGS(UINT64_C(0x100000000)), UINT64_C(0x100000005));
  assert_int_equal(ask(c, COUNTER_READ, 0), UINT64_C(0x100000005));
}

static void counter_forks(void **state) {
  (void)state;
  javm_cap *five = call(instance("counter", NO_SLOTS), COUNTER_ADD, ARGS(5), 5);
  javm_hash six = guest_hash(&g, call(five, COUNTER_ADD, ARGS(1), 6));
  javm_hash seven = guest_hash(&g, call(five, COUNTER_ADD, ARGS(2), 7));
  javm_hash six_again = guest_hash(&g, call(five, COUNTER_ADD, ARGS(1), 6));
  assert_same_hash(six, six_again);
  assert_other_hash(six, seven);
  assert_int_equal(ask(five, COUNTER_READ, 0), 5);
}

static void counter_refuses(void **state) {
  (void)state;
  javm_cap *c = call(instance("counter", NO_SLOTS), COUNTER_ADD, ARGS(5), 5);
  assert_int_equal(guest_try(&g, c, 2, NO_ARGS, GAS), JAVM_ENDPOINT_OUT_OF_RANGE);
  guest_invoke(&g, c, COUNTER_ADD, ARGS(1), 1); /* gas */
  assert_faulted(&g, JAVM_EXIT_OUT_OF_GAS);
  assert_int_equal(ask(c, COUNTER_READ, 0), 5);
}

/* ---- ledger, called by its holder ---- */

enum { BANK_SET_UP, BANK_MINT, BANK_PAY, BANK_BALANCE, BANK_STEAL, WAYS_TO_STEAL = 7 };
enum { LEDGER_FOUND, LEDGER_OPEN, LEDGER_PAY, LEDGER_BALANCE, LEDGER_RUN };
enum { PURSE_NAME, PURSE_ACCOUNT, PURSE_PAY, PURSE_BALANCE, PURSE_OPEN };
enum { BANK_LEDGER_SLOT = 70, LEDGER_MARKER = 65, LEDGER_CATCHER = 66, LEDGER_QUOTA = 67 };
enum { PURSE_MARKER_SLOT = 1, PURSE_QUOTA_SLOT = 2, WALLET_PURSE = 1, WALLET_NEW_PURSE = 2 };
enum { MINT, ALICE, BOB, ACCOUNTS = 1000 };
#define REFUSED UINT64_MAX

static javm_cap *bank_with_books(void) {
  javm_cap *bank = call(instance("bank", NO_SLOTS), BANK_SET_UP, ARGS(1000000), 1000000);
  bank = call(bank, BANK_MINT, ARGS(100), 999900);
  return call(bank, BANK_PAY, ARGS(30), 70);
}

static void ledger_mints_and_moves(void **state) {
  (void)state;
  javm_cap *bank = bank_with_books();
  assert_int_equal(ask(bank, BANK_BALANCE, MINT), 999900);
  assert_int_equal(ask(bank, BANK_BALANCE, ALICE), 70);
  assert_int_equal(ask(bank, BANK_BALANCE, BOB), 30);
  call(bank, BANK_PAY, ARGS(70), 0);
  invoke(bank, BANK_PAY, ARGS(71));
  assert_faulted(&g, JAVM_EXIT_TRAP);
  invoke(bank, BANK_BALANCE, ARGS(3)); /* no such account */
  assert_faulted(&g, JAVM_EXIT_TRAP);
}

static void ledger_refuses_who_has_no_purse(void **state) {
  (void)state;
  javm_cap *bank = bank_with_books();
  javm_hash before = guest_hash(&g, guest_slot(&g, bank, BANK_LEDGER_SLOT));
  for (uint64_t how = 0; how < WAYS_TO_STEAL; how++) {
    javm_cap *after = call(bank, BANK_STEAL, ARGS(how), 0x21);
    /* Not only the books: the whole Instance is the one from before. */
    javm_hash hash = guest_hash(&g, guest_slot(&g, after, BANK_LEDGER_SLOT));
    assert_same_hash(before, hash);
    assert_int_equal(ask(after, BANK_BALANCE, ALICE), 70);
  }
  invoke(bank, BANK_STEAL, ARGS(WAYS_TO_STEAL));
  assert_faulted(&g, JAVM_EXIT_TRAP);
}

/* Calls a ledger with a cap in slot 0. */
static void invoke_ledger(javm_cap *ledger, javm_cap *cap, uint8_t endpoint, const uint64_t args[4]) {
  invoke(with_slot(ledger, 0, cap), endpoint, args);
}

static void ledger_knows_its_purses_only(void **state) {
  (void)state;
  javm_cap *theirs = call(instance("ledger", NO_SLOTS), LEDGER_FOUND, ARGS(1000), 0);
  assert_int_equal(ask(theirs, LEDGER_BALANCE, MINT), 1000);
  invoke(instance("ledger", NO_SLOTS), LEDGER_FOUND, ARGS(1000));
  javm_cap *purse = slot0();
  invoke_ledger(theirs, purse, LEDGER_OPEN, NO_ARGS); /* the same first Instance, so the same ledger */
  assert_halted(&g, 1);
  /* One of another lineage: the bank's, whose first purse has the same code and number. */
  javm_cap *ours = guest_slot(&g, bank_with_books(), BANK_LEDGER_SLOT);
  invoke_ledger(ours, purse, LEDGER_PAY, ARGS(ALICE, 1));
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_int_equal(g.result.refusal, JAVM_REFUSAL_NONE);
  /* The marker is of the right lineage, and names no account. */
  invoke_ledger(ours, guest_slot(&g, ours, LEDGER_MARKER), LEDGER_PAY, ARGS(ALICE, 1));
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_int_equal(ask(ours, LEDGER_BALANCE, ALICE), 70);
}

static void ledger_is_founded_once(void **state) {
  (void)state;
  javm_cap *ledger = call(instance("ledger", NO_SLOTS), LEDGER_FOUND, ARGS(1000), 0);
  invoke(ledger, LEDGER_FOUND, ARGS(1));
  assert_faulted(&g, JAVM_EXIT_TRAP);
  invoke(instance("ledger", NO_SLOTS), LEDGER_FOUND, ARGS(REFUSED)); /* an amount that means something else */
  assert_faulted(&g, JAVM_EXIT_TRAP);
  invoke(instance("ledger", NO_SLOTS), LEDGER_OPEN, NO_ARGS);
  assert_faulted(&g, JAVM_EXIT_TRAP);
}

/* A copy of a purse is the same right to the same tokens; its holder can't make it another one. */
static void purses_hold_no_tokens(void **state) {
  (void)state;
  invoke(instance("ledger", NO_SLOTS), LEDGER_FOUND, ARGS(1000));
  javm_cap *ledger = guest_post(&g), *mint = slot0();
  invoke_ledger(ledger, mint, LEDGER_OPEN, NO_ARGS);
  assert_halted(&g, ALICE);
  ledger = guest_post(&g);
  javm_cap *alice = slot0();
  assert_int_equal(javm_cap_kind(alice), JAVM_KIND_INSTANCE);
  invoke_ledger(ledger, mint, LEDGER_PAY, ARGS(ALICE, 10));
  assert_halted(&g, 990);
  ledger = guest_post(&g);
  for (uint64_t left = 10; left > 0; left -= 5) { /* the same value, twice */
    invoke_ledger(ledger, alice, LEDGER_PAY, ARGS(MINT, 5));
    assert_halted(&g, left - 5);
    ledger = guest_post(&g);
  }
  invoke_ledger(ledger, alice, LEDGER_PAY, ARGS(MINT, 5));
  assert_faulted(&g, JAVM_EXIT_TRAP);
  invoke(alice, PURSE_NAME, ARGS(MINT));
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_int_equal(ask(alice, PURSE_ACCOUNT, 0), ALICE);
  invoke(instance("purse", NO_SLOTS), PURSE_ACCOUNT, NO_ARGS); /* not named, so not the mint's */
  assert_faulted(&g, JAVM_EXIT_TRAP);
}

/* ---- ledger, yielded to ---- */

/* A ledger with a catcher and a quota, and Alice and Bob. Alice has 100. */
typedef struct books {
  javm_cap *ledger, *marker, *mint, *alice, *bob;
} books;

static javm_cap *open_account(books *b, uint64_t number) {
  invoke_ledger(b->ledger, b->mint, LEDGER_OPEN, NO_ARGS);
  assert_halted(&g, number);
  b->ledger = guest_post(&g);
  return slot0();
}

static books open_books(javm_yield_mode mode) {
  config(mode, false);
  books b = {0};
  javm_cap *catcher = guest_kernel(&g, JAVM_KERNEL_YIELDCATCHER, 1);
  invoke(instance("ledger", SLOTS({LEDGER_CATCHER, catcher}, {LEDGER_QUOTA, quota(1 << 24)})), LEDGER_FOUND,
         ARGS(1000));
  assert_halted(&g, 0);
  b.ledger = guest_post(&g);
  b.mint = slot0();
  b.marker = guest_slot(&g, b.ledger, LEDGER_MARKER); /* the ledger has added it to its catcher */
  b.alice = open_account(&b, ALICE);
  b.bob = open_account(&b, BOB);
  invoke_ledger(b.ledger, b.mint, LEDGER_PAY, ARGS(ALICE, 100));
  assert_halted(&g, 900);
  b.ledger = guest_post(&g);
  return b;
}

enum { WALLET_PAY, WALLET_PAY_AND_FAULT, WALLET_BALANCE, WALLET_PAID, WALLET_OPEN };

static javm_cap *wallet_of(javm_cap *purse) { return instance("wallet", SLOTS({WALLET_PURSE, purse})); }

static void run_wallet(books *b, javm_cap *wallet, uint64_t endpoint, uint64_t x, uint64_t y, uint64_t z) {
  invoke_ledger(b->ledger, wallet, LEDGER_RUN, ARGS(endpoint, x, y, z));
}

static void assert_balances(javm_cap *ledger, uint64_t mint, uint64_t alice, uint64_t bob) {
  assert_int_equal(ask(ledger, LEDGER_BALANCE, MINT), mint);
  assert_int_equal(ask(ledger, LEDGER_BALANCE, ALICE), alice);
  assert_int_equal(ask(ledger, LEDGER_BALANCE, BOB), bob);
}

static void wallets_pay_by_yields(void **state) {
  (void)state;
  books b = open_books(JAVM_YIELD_TO_CATCHER);
  run_wallet(&b, wallet_of(b.alice), WALLET_PAY, BOB, 20, 3);
  assert_halted(&g, 3);
  javm_cap *wallet = slot0();
  b.ledger = guest_post(&g);
  assert_balances(b.ledger, 900, 40, 60);
  run_wallet(&b, wallet, WALLET_BALANCE, 0, 0, 0);
  assert_halted(&g, 40);
  run_wallet(&b, wallet, WALLET_PAY, BOB, 20, 3); /* the third is refused */
  assert_halted(&g, 2);
  wallet = slot0();
  b.ledger = guest_post(&g);
  assert_balances(b.ledger, 900, 0, 100);
  run_wallet(&b, wallet, WALLET_PAY, 3, 0, 1); /* there is no account 3 */
  assert_halted(&g, 0);
  run_wallet(&b, wallet, WALLET_PAID, 0, 0, 0);
  assert_halted(&g, 5);
}

static void wallet_that_faults_has_not_paid(void **state) {
  (void)state;
  books b = open_books(JAVM_YIELD_TO_CATCHER);
  uint64_t quota_before = guest_quota(&g, 1);
  run_wallet(&b, wallet_of(b.alice), WALLET_PAY_AND_FAULT, BOB, 20, 0);
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_balances(b.ledger, 900, 100, 0);
  assert_int_equal(guest_quota(&g, 1), quota_before);
  run_wallet(&b, wallet_of(b.alice), WALLET_PAY_AND_FAULT, BOB, 101, 0); /* refused, so it goes on */
  assert_halted(&g, 0);
}

static void mint_opens_accounts_by_yields(void **state) {
  (void)state;
  books b = open_books(JAVM_YIELD_TO_CATCHER);
  run_wallet(&b, wallet_of(b.alice), WALLET_OPEN, 50, 0, 0);
  assert_halted(&g, REFUSED);
  run_wallet(&b, wallet_of(b.mint), WALLET_OPEN, 50, 0, 0);
  assert_halted(&g, 3);
  javm_cap *purse = guest_slot(&g, slot0(), WALLET_NEW_PURSE);
  b.ledger = guest_post(&g);
  assert_balances(b.ledger, 850, 100, 0);
  run_wallet(&b, wallet_of(purse), WALLET_PAY, BOB, 50, 2);
  assert_halted(&g, 1);
  assert_balances(guest_post(&g), 850, 100, 50);
}

/* Runs a wallet that must not get anything: the ledger's call faults. */
static void assert_robbery_fails(books *b, javm_cap *wallet) {
  run_wallet(b, wallet, WALLET_PAY, BOB, 1, 1);
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_balances(b->ledger, 900, 100, 0);
}

static void forged_purses_reach_nobody(void **state) {
  (void)state;
  books b = open_books(JAVM_YIELD_TO_CATCHER);
  javm_cap *handle = quota(1 << 24);
  assert_robbery_fails(&b, instance("wallet", NO_SLOTS));
  /* The same code, named Alice, but no marker; a marker of another lineage; and one that is all but a purse. */
  javm_cap *nameless = instance("purse", SLOTS({PURSE_QUOTA_SLOT, handle}));
  javm_cap *forged = call(nameless, PURSE_NAME, ARGS(ALICE), ALICE);
  assert_robbery_fails(&b, wallet_of(forged));
  assert_robbery_fails(&b, wallet_of(with_slot(forged, PURSE_MARKER_SLOT, nameless)));
  assert_robbery_fails(&b, wallet_of(with_slot(forged, PURSE_MARKER_SLOT, b.alice)));
  assert_robbery_fails(&b, wallet_of(forged));
  /* That is what keeps the marker safe: who could read it out of a purse, as a host can, would have the account. */
  run_wallet(&b, wallet_of(with_slot(forged, PURSE_MARKER_SLOT, b.marker)), WALLET_PAY, BOB, 1, 1);
  assert_halted(&g, 1);
}

/* Who may yield to the ledger by another marker that the host put into the catcher gets nothing by that. */
static void other_markers_are_not_served(void **state) {
  (void)state;
  static const uint64_t request[4] = {PURSE_PAY, ALICE, BOB, 100};
  books b = open_books(JAVM_YIELD_TO_CATCHER);
  javm_cap *marker = guest_data(&g, "other"), *data;
  assert_int_equal(javm_data_new(g.dir, (const uint8_t *)request, sizeof request, &data), JAVM_OK);
  guest_own(&g, data);
  javm_hash key = guest_hash(&g, marker);
  guest_catches(&g, guest_kernel(&g, JAVM_KERNEL_YIELDCATCHER, 1), &key);
  javm_cap *program = guest_image(&g, "load_imm a0, 2\nload_imm a1, 0\necalli 1\n" /* copy */
                                      "load_imm a0, 1\necalli 16\n"                /* yield */
                                      "load_imm a0, 0\necalli 0\n");
  invoke_ledger(b.ledger, guest_instance(&g, program, SLOTS({1, marker}, {2, data})), LEDGER_RUN, NO_ARGS);
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_balances(b.ledger, 900, 100, 0);
  /* By the right one, the same program would have moved Alice's tokens. */
  invoke_ledger(b.ledger, guest_instance(&g, program, SLOTS({1, b.marker}, {2, data})), LEDGER_RUN, NO_ARGS);
  assert_halted(&g, 0);
  assert_balances(guest_post(&g), 900, 0, 100);
}

static void ledger_gets_full(void **state) {
  (void)state;
  books b = open_books(JAVM_YIELD_TO_CATCHER);
  for (uint64_t number = BOB + 1; number < ACCOUNTS; number++) open_account(&b, number);
  invoke_ledger(b.ledger, b.mint, LEDGER_OPEN, NO_ARGS);
  assert_faulted(&g, JAVM_EXIT_TRAP);
  run_wallet(&b, wallet_of(b.mint), WALLET_OPEN, 1, 0, 0);
  assert_halted(&g, REFUSED);
  run_wallet(&b, wallet_of(b.alice), WALLET_PAY, ACCOUNTS - 1, 5, 1);
  assert_halted(&g, 1);
  assert_int_equal(ask(guest_post(&g), LEDGER_BALANCE, ACCOUNTS - 1), 5);
}

static void purses_need_the_ledger_below(void **state) {
  (void)state;
  books b = open_books(JAVM_YIELD_TO_CATCHER);
  invoke(b.alice, PURSE_BALANCE, NO_ARGS);
  assert_refused(&g, JAVM_REFUSAL_UNHANDLED_MARKER, 16);
  invoke(wallet_of(b.alice), WALLET_PAY, ARGS(BOB, 1, 1));
  assert_faulted(&g, JAVM_EXIT_TRAP);
}

static void ledger_without_quota_faults(void **state) {
  (void)state;
  books b = open_books(JAVM_YIELD_TO_CATCHER);
  guest_set_quota(&g, 1, JAVM_PAGE_BYTES); /* for the purse's request, not for the answer */
  run_wallet(&b, wallet_of(b.alice), WALLET_PAY, BOB, 1, 1);
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_balances(b.ledger, 900, 100, 0);
}

static void host_sees_the_yields(void **state) {
  (void)state;
  books b = open_books(JAVM_YIELD_TO_HOST);
  run_wallet(&b, wallet_of(b.alice), WALLET_PAY, BOB, 20, 2);
  for (int i = 0; i < 2; i++) {
    assert_paused(&g, JAVM_PAUSE_YIELD);
    assert_same_cap(&g, g.result.payload, b.marker);
    assert_depth(&g, 4); /* ledger, wallet, purse, and the reference to the ledger */
    guest_deliver(&g);
  }
  assert_halted(&g, 2);
  assert_balances(guest_post(&g), 900, 60, 40);
  run_wallet(&b, wallet_of(b.alice), WALLET_PAY, BOB, 20, 2);
  guest_deliver(&g); /* the first is served */
  assert_paused(&g, JAVM_PAUSE_YIELD);
  guest_drop(&g); /* the second is not: the wallet is gone, and so the call */
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_balances(b.ledger, 900, 100, 0);
}

static void ledger_forks(void **state) {
  (void)state;
  books b = open_books(JAVM_YIELD_TO_CATCHER);
  javm_hash hashes[3];
  for (uint64_t i = 0; i < 3; i++) {
    run_wallet(&b, wallet_of(b.alice), WALLET_PAY, BOB, 20 + i / 2, 2);
    assert_halted(&g, 2);
    hashes[i] = g.result.instance;
  }
  assert_same_hash(hashes[0], hashes[1]);
  assert_other_hash(hashes[0], hashes[2]);
}

/* ---- parent and child ---- */

enum { PARENT_TALK, PARENT_ASKED, PARENT_LET_FAIL, PARENT_QUOTA = 65, PARENT_GAS = 66 };
enum { FAIL_TRAP, FAIL_REFUSED, FAIL_PANIC, FAIL_PAGE_FAULT, FAIL_ENDLESS };

static void parent_talks_to_its_child(void **state) {
  (void)state;
  javm_cap *parent = instance("parent", SLOTS({PARENT_QUOTA, quota(1 << 24)}));
  for (uint64_t i = 0; i < 3; i++) {
    assert_int_equal(ask(parent, PARENT_ASKED, 0), i);
    parent = call(parent, PARENT_TALK, NO_ARGS, 17);
    char text[64];
    assert_int_equal(javm_data_read(g.dir, g.result.slot0, 0, text, sizeof text, &g.error), JAVM_OK);
    assert_string_equal(text, "HELLO, CHILD. HOW ARE YOU?\n");
  }
}

static void parent_sees_how_its_child_faults(void **state) {
  (void)state;
  javm_cap *parent = call(instance("parent", SLOTS({PARENT_QUOTA, quota(1 << 24)})), PARENT_TALK, NO_ARGS, 17);
  static const struct {
    uint64_t how, answer;
  } cases[] = {{FAIL_TRAP, 0x21}, {FAIL_REFUSED, 0x21}, {FAIL_PANIC, 0x22}, {FAIL_PAGE_FAULT, 0x24}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    parent = call(parent, PARENT_LET_FAIL, ARGS(cases[i].how), cases[i].answer);
  assert_int_equal(ask(parent, PARENT_ASKED, 0), 1);
}

static void child_can_use_up_its_own_gas_only(void **state) {
  (void)state;
  javm_cap *parent = instance("parent", NO_SLOTS);
  invoke(parent, PARENT_LET_FAIL, ARGS(FAIL_ENDLESS)); /* it shares its parent's */
  assert_faulted(&g, JAVM_EXIT_OUT_OF_GAS);
  guest_set_meter(&g, 1, 10000);
  parent = instance("parent", SLOTS({PARENT_GAS, guest_kernel(&g, JAVM_KERNEL_GAS, 1)}));
  parent = call(parent, PARENT_LET_FAIL, ARGS(FAIL_ENDLESS), 0x23);
  assert_true(guest_meter(&g, 1) < 100);
  guest_set_meter(&g, 1, 10000);
  assert_int_equal(ask(parent, PARENT_ASKED, 0), 0);
}

static void parent_pays_for_data(void **state) {
  (void)state;
  invoke(instance("parent", NO_SLOTS), PARENT_TALK, NO_ARGS);
  assert_refused(&g, JAVM_REFUSAL_EMPTY_SLOT, 23);
  javm_cap *parent = instance("parent", SLOTS({PARENT_QUOTA, quota(JAVM_PAGE_BYTES)}));
  invoke(parent, PARENT_TALK, NO_ARGS); /* enough for the question; the child can't answer */
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_int_equal(guest_quota(&g, 1), JAVM_PAGE_BYTES);
}

/* ---- progress ---- */

enum { WATCH, WATCH_SEEN, WATCH_DONE, WATCH_CATCHER = 65, WATCH_MARKER = 66, WATCH_QUOTA = 67 };
enum { LIMIT = 10000, LONGEST = 6171, INTERVAL = 1000 };

static javm_cap *watcher(javm_yield_mode mode, bool catch_out_of_gas) {
  config(mode, catch_out_of_gas);
  javm_image_spec spec;
  javm_cap *watch = image("watch"), *marker = NULL;
  assert_int_equal(javm_image_view(g.dir, watch, &spec), JAVM_OK);
  for (size_t i = 0; i < spec.pinned_count; i++)
    if (spec.pinned[i].slot == WATCH_MARKER) marker = spec.pinned[i].cap;
  assert_non_null(marker);
  javm_hash key = guest_hash(&g, marker);
  javm_cap *catcher = guest_kernel(&g, JAVM_KERNEL_YIELDCATCHER, 1);
  guest_catches(&g, catcher, &key);
  return guest_instance(&g, watch, SLOTS({WATCH_CATCHER, catcher}, {WATCH_QUOTA, quota(1 << 24)}));
}

static void watcher_lets_it_run_on(void **state) {
  (void)state;
  javm_cap *watch = watcher(JAVM_YIELD_TO_CATCHER, false);
  javm_cap *after = call(watch, WATCH, ARGS(LIMIT, INTERVAL, 0), LONGEST);
  assert_int_equal(ask(after, WATCH_SEEN, 0), LIMIT / INTERVAL);
  assert_int_equal(ask(after, WATCH_DONE, 0), LIMIT);
  after = call(watch, WATCH, ARGS(LIMIT, 0, 0), LONGEST); /* the same without a yield */
  assert_int_equal(ask(after, WATCH_SEEN, 0), 0);
}

static void watcher_has_seen_enough(void **state) {
  (void)state;
  /* The 178 steps from 871 are the first above 170. */
  javm_cap *after = call(watcher(JAVM_YIELD_TO_CATCHER, false), WATCH, ARGS(LIMIT, 100, 171), 871);
  assert_int_equal(ask(after, WATCH_SEEN, 0), 9);
  assert_int_equal(ask(after, WATCH_DONE, 0), 900);
  call(after, WATCH, ARGS(LIMIT, INTERVAL, 0), LONGEST); /* what was dropped is in nobody's way */
}

static void host_resumes_and_drops(void **state) {
  (void)state;
  javm_cap *watch = watcher(JAVM_YIELD_TO_HOST, false);
  invoke(watch, WATCH, ARGS(LIMIT, INTERVAL, 0));
  for (int i = 0; i < LIMIT / INTERVAL; i++) {
    assert_paused(&g, JAVM_PAUSE_YIELD);
    assert_depth(&g, 3);
    guest_resume(&g, NULL);
  }
  assert_halted(&g, LONGEST);
  assert_int_equal(ask(guest_post(&g), WATCH_SEEN, 0), 0);

  invoke(watch, WATCH, ARGS(LIMIT, INTERVAL, 0));
  guest_deliver(&g); /* the watcher looks at the first, and resumes by itself */
  assert_paused(&g, JAVM_PAUSE_YIELD);
  for (int i = 1; i < LIMIT / INTERVAL; i++) guest_resume(&g, NULL);
  assert_halted(&g, LONGEST);
  javm_cap *after = guest_post(&g);
  assert_int_equal(ask(after, WATCH_SEEN, 0), 1);
  assert_int_equal(ask(after, WATCH_DONE, 0), INTERVAL);

  invoke(watch, WATCH, ARGS(LIMIT, INTERVAL, 0));
  guest_resume(&g, NULL);
  assert_paused(&g, JAVM_PAUSE_YIELD);
  guest_drop(&g); /* the watcher's call has faulted, and it has no answer */
  assert_faulted(&g, JAVM_EXIT_TRAP);
  assert_depth(&g, 0);
}

static void uncaught_progress_is_refused(void **state) {
  (void)state;
  javm_cap *watch = watcher(JAVM_YIELD_TO_CATCHER, false);
  invoke(with_slot(watch, WATCH_CATCHER, NULL), WATCH, ARGS(LIMIT, INTERVAL, 0));
  assert_faulted(&g, JAVM_EXIT_TRAP);
}

/* Pauses where the gas runs out, and costs the same in parts as in one go. */
static void gas_is_topped_up(void **state) {
  (void)state;
  javm_cap *watch = watcher(JAVM_YIELD_TO_CATCHER, true);
  invoke(watch, WATCH, ARGS(LIMIT, INTERVAL, 0));
  assert_halted(&g, LONGEST);
  uint64_t whole = g.result.gas_used, parts = 0, pauses = 0, part = whole / 7;
  for (guest_invoke(&g, watch, WATCH, ARGS(LIMIT, INTERVAL, 0), part); g.result.kind == JAVM_RESULT_PAUSED; pauses++) {
    assert_paused(&g, JAVM_PAUSE_OUT_OF_GAS);
    parts += g.result.gas_used;
    assert_int_equal(javm_vm_add_gas(g.vm, part), JAVM_OK);
    guest_resume(&g, NULL);
  }
  assert_halted(&g, LONGEST);
  assert_int_equal(parts + g.result.gas_used, whole);
  assert_true(pauses >= 6);
  assert_int_equal(ask(guest_post(&g), WATCH_SEEN, 0), LIMIT / INTERVAL);

  guest_invoke(&g, watch, WATCH, ARGS(LIMIT, INTERVAL, 0), part);
  assert_paused(&g, JAVM_PAUSE_OUT_OF_GAS);
  assert_int_equal(javm_vm_add_gas(g.vm, part), JAVM_OK); /* for the watcher: they share it */
  guest_drop(&g); /* the search is out of gas, and the watcher takes that for a failure */
  assert_faulted(&g, JAVM_EXIT_TRAP);
}

/* ---- shapes ---- */

enum { SHAPES_AREA, SHAPES_RECTANGLE, SHAPES_TRIANGLE, SHAPES_CORNERS, SHAPES_CONSTRUCTIONS };

static void shapes_are_kept(void **state) {
  (void)state;
  javm_cap *s = instance("shapes", NO_SLOTS);
  assert_int_equal(ask(s, SHAPES_AREA, 0), 1);
  s = call(s, SHAPES_RECTANGLE, ARGS(3, 4), 2);
  s = call(s, SHAPES_TRIANGLE, ARGS(4, 5), 3);
  assert_int_equal(ask(s, SHAPES_AREA, 0), 23);
  assert_int_equal(ask(s, SHAPES_CORNERS, 0), 11);
  assert_int_equal(ask(s, SHAPES_CONSTRUCTIONS, 0), 1);
  for (uint64_t n = 4; n <= 100; n++) s = call(s, SHAPES_RECTANGLE, ARGS(1, n), n);
  s = call(s, SHAPES_TRIANGLE, ARGS(1, 1), 0); /* no room */
  assert_int_equal(ask(s, SHAPES_CORNERS, 0), 11 + 97 * 4);
}

/* However far the constructors came: after a fault they begin again. */
static void shapes_are_constructed_once(void **state) {
  (void)state;
  javm_cap *s = instance("shapes", NO_SLOTS);
  invoke(s, SHAPES_AREA, NO_ARGS);
  uint64_t whole = g.result.gas_used;
  for (uint64_t gas = 0; gas < whole; gas++) {
    guest_invoke(&g, s, SHAPES_AREA, NO_ARGS, gas);
    assert_faulted(&g, JAVM_EXIT_OUT_OF_GAS);
  }
  s = call(s, SHAPES_AREA, NO_ARGS, 1);
  assert_int_equal(ask(s, SHAPES_CONSTRUCTIONS, 0), 1);
  invoke(s, SHAPES_AREA, NO_ARGS);
  assert_halted(&g, 1);
  assert_true(g.result.gas_used < whole);
}

static void shapes_fork(void **state) {
  (void)state;
  javm_cap *s = call(instance("shapes", NO_SLOTS), SHAPES_RECTANGLE, ARGS(3, 4), 2);
  javm_hash a = guest_hash(&g, call(s, SHAPES_TRIANGLE, ARGS(2, 2), 3));
  javm_hash b = guest_hash(&g, call(s, SHAPES_TRIANGLE, ARGS(2, 2), 3));
  javm_hash c = guest_hash(&g, call(s, SHAPES_RECTANGLE, ARGS(2, 2), 3));
  assert_same_hash(a, b);
  assert_other_hash(a, c);
}

/* ---- all ---- */

/* What a row of calls leaves behind, in a world of its own. */
static void hashes_of_a_world(javm_hash hashes[5]) {
  javm_cap *c = call(instance("counter", NO_SLOTS), COUNTER_ADD, ARGS(5), 5);
  hashes[0] = guest_hash(&g, c);
  hashes[1] = guest_hash(&g, bank_with_books());
  javm_cap *parent = instance("parent", SLOTS({PARENT_QUOTA, quota(1 << 24)}));
  hashes[2] = guest_hash(&g, call(parent, PARENT_TALK, NO_ARGS, 17));
  hashes[3] = guest_hash(&g, call(watcher(JAVM_YIELD_TO_CATCHER, false), WATCH, ARGS(100, 10, 0), 97));
  hashes[4] = guest_hash(&g, call(instance("shapes", NO_SLOTS), SHAPES_RECTANGLE, ARGS(3, 4), 2));
}

static void two_worlds_are_the_same(void **state) {
  javm_hash first[5], second[5];
  hashes_of_a_world(first);
  teardown(state);
  setup(state);
  hashes_of_a_world(second);
  for (size_t i = 0; i < 5; i++) assert_same_hash(first[i], second[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv) {
  const char *slash = strrchr(argv[0], '/');
  if (argc > 1) snprintf(folder, sizeof folder, "%s", argv[1]);
  else
    snprintf(folder, sizeof folder, "%.*s/../guest/examples", slash ? (int)(slash - argv[0]) : 1,
             slash ? argv[0] : ".");
  const struct CMUnitTest tests[] = {
      TEST(counter_adds_and_keeps),
      TEST(counter_forks),
      TEST(counter_refuses),
      TEST(ledger_mints_and_moves),
      TEST(ledger_refuses_who_has_no_purse),
      TEST(ledger_knows_its_purses_only),
      TEST(ledger_is_founded_once),
      TEST(purses_hold_no_tokens),
      TEST(wallets_pay_by_yields),
      TEST(wallet_that_faults_has_not_paid),
      TEST(mint_opens_accounts_by_yields),
      TEST(forged_purses_reach_nobody),
      TEST(other_markers_are_not_served),
      TEST(ledger_gets_full),
      TEST(purses_need_the_ledger_below),
      TEST(ledger_without_quota_faults),
      TEST(host_sees_the_yields),
      TEST(ledger_forks),
      TEST(parent_talks_to_its_child),
      TEST(parent_sees_how_its_child_faults),
      TEST(child_can_use_up_its_own_gas_only),
      TEST(parent_pays_for_data),
      TEST(watcher_lets_it_run_on),
      TEST(watcher_has_seen_enough),
      TEST(host_resumes_and_drops),
      TEST(uncaught_progress_is_refused),
      TEST(gas_is_topped_up),
      TEST(shapes_are_kept),
      TEST(shapes_are_constructed_once),
      TEST(shapes_fork),
      TEST(two_worlds_are_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
