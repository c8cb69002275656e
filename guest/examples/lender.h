/* What the lender and those who use it agree on (docs/authority.md). What is said to be in slot 0 is given and taken there. */
#ifndef LENDER_H
#define LENDER_H

#include "ledger.h"

enum {
  LENDER_TAKE = 0,   /* a purse in slot 0, once: what it lends from; traps if the ledger has not made it */
  LENDER_LEND = 1,   /* (amount): slot 0 := a lease, which can pay so much in all; answers its number */
  LENDER_REVOKE = 2, /* (number): nothing more by this lease and its copies; answers what was left */
  LENDER_CLOSE = 3,  /* nothing more by any lease */
  LENDER_HIRE = 4,   /* a program that has a lease in slot 0: slot 0 := the one before */
  LENDER_RUN = 5,    /* (to, amount, times): for the ledger, which runs it: runs that program */
};

/* The slots that its maker fills. */
#define LENDER_LEDGER_TYPE 65 /* the Type of the ledger whose purses it takes */
#define LENDER_CREATOR 66     /* create_yield_catcher */
#define LENDER_QUOTA 67       /* pays for messages */

#endif
