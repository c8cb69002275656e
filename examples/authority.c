/*
 * Runs guest/examples/town.c (docs/authority.md): a ledger with a mint, programs that pay, a lender that takes back what
 * it lent. All is done by the guests; the host says what happens next.
 *   authority DIR     DIR: where the guests' Images are
 */
#include "host.h"

/* Endpoints of town.c. */
enum { SET_UP, BALANCE, PAY, PAY_FORGED, SHOW_LEDGER, MAKE_LENDER, LEND, PAY_LEASED, REVOKE, CLOSE };

static const struct step {
  const char *text;
  uint8_t endpoint;
  uint64_t args[4];
  bool is_number; /* of the answer: else how an attempt ended */
} steps[] = {
    {"a mint with 1000; Alice gets 100 of it, which leaves", SET_UP, {1000, 100}, true},
    {"a program with Alice's purse pays Bob 30", PAY, {30}, false},
    {"another one, with a copy of it, pays Bob 30", PAY, {30}, false},
    {"... and 50, which are not there", PAY, {50}, false},
    {"a purse of somebody else's making, with Alice's number, pays", PAY_FORGED, {10}, false},
    {"... is shown to the ledger", SHOW_LEDGER, {0, 10}, false},
    {"... is offered to a lender", MAKE_LENDER, {0}, false},
    {"Alice has", BALANCE, {1}, true},
    {"Alice gives her purse to a lender", MAKE_LENDER, {1}, false},
    {"which lends 25 to Carol by lease", LEND, {25}, true},
    {"and 25 to Dave by lease", LEND, {25}, true},
    {"Carol's program pays Bob 10", PAY_LEASED, {0, 10}, false},
    {"a copy of her lease pays Bob 10", PAY_LEASED, {0, 10}, false},
    {"... and 10 more, of which she may pay 5", PAY_LEASED, {0, 10}, false},
    {"her lease is shown to the ledger as a purse", SHOW_LEDGER, {1, 5}, false},
    {"her lease is revoked, with this much left", REVOKE, {0}, true},
    {"Carol's program pays Bob 5", PAY_LEASED, {0, 5}, false},
    {"Dave's pays Bob 10", PAY_LEASED, {1, 10}, false},
    {"the lender stops listening to leases", CLOSE, {0}, true},
    {"Dave's program pays Bob 10", PAY_LEASED, {1, 10}, false},
    {"Alice has", BALANCE, {1}, true},
    {"Bob has", BALANCE, {2}, true},
    {"the mint has", BALANCE, {0}, true},
};

int main(int argc, char **argv) {
  static const char *const outcomes[] = {"refused", "done", "faulted"};
  char path[1024];
  host h;
  host_open(&h);
  snprintf(path, sizeof path, "%s/town.img", argc > 1 ? argv[1] : "build/guest/examples");
  javm_hash town = host_start(&h, path, true);
  javm_vm *vm = host_vm(&h, JAVM_YIELD_TO_CATCHER);
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    uint64_t answer = host_call(&h, vm, &town, steps[i].endpoint, steps[i].args);
    printf("%-62s", steps[i].text);
    if (steps[i].is_number) printf("%llu\n", (unsigned long long)answer);
    else printf("%s\n", answer < 3 ? outcomes[answer] : "?");
  }
  javm_vm_free(vm);
  host_close(&h);
  return 0;
}
