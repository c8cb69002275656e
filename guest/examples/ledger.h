/* What the ledger, its purses and those who use them agree on. The rules are in docs/guests.md. */
#ifndef LEDGER_H
#define LEDGER_H

#include <javm.h>

#define MINT 0             /* the account that holds what is not in circulation */
#define REFUSED UINT64_MAX /* an answer of a purse */

/* Endpoints of the ledger. What is said to be in slot 0 is given and taken there. */
enum {
  LEDGER_FOUND = 0,   /* (supply), once: slot 0 := the mint's purse */
  LEDGER_OPEN = 1,    /* the mint's purse in slot 0: a new account; slot 0 := its purse; answers its number */
  LEDGER_PAY = 2,     /* (to, amount), a purse in slot 0: answers what the payer has left */
  LEDGER_BALANCE = 3, /* (account): for everybody */
  LEDGER_RUN = 4,     /* (endpoint, a, b, c), a client in slot 0: calls it, serves its purses; slot 0 := the client */
};

/* Endpoints of a purse. Those that ask the ledger answer REFUSED if it refuses, and fault where there is no ledger. */
enum {
  PURSE_NAME = 0,    /* (account), once: for the ledger, which makes it */
  PURSE_ACCOUNT = 1, /* its account */
  PURSE_PAY = 2,     /* (to, amount): what is left */
  PURSE_BALANCE = 3, /* what it has */
  PURSE_OPEN = 4,    /* of the mint: opens an account; slot 0 := its purse */
};

/* What a purse puts into slot 0 when it yields. The answer there is a Data that begins with a uint64_t, or a purse, or
 * nothing for a refusal. */
struct ledger_request {
  uint64_t what; /* PURSE_PAY, PURSE_BALANCE or PURSE_OPEN */
  uint64_t account;
  uint64_t to;
  uint64_t amount;
};

/* The slots of the ledger that its maker fills, if it shall serve purses that yield. */
#define LEDGER_CATCHER 66 /* a new catcher, for the ledger alone */
#define LEDGER_QUOTA 67   /* pays for messages */

/* The slots of a purse that the ledger fills. */
enum { PURSE_MARKER = 1, PURSE_QUOTA = 2 };

#endif
