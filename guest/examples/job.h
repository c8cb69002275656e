/* What supervisor.c and job.c agree on. */
#ifndef JOB_H
#define JOB_H

#include <javm.h>

#define JOB_GAS 1 /* the slot for the gas handle of the job's meter */

#endif
