/* Which run of native code a thread is in, and the signal handler that knows its faults. */
#ifndef JV_JIT_FAULT_H
#define JV_JIT_FAULT_H

#include "jit/native.h"

/* Makes the run the thread's own, and gs the guest's memory; the end puts both back as they were. */
void jv_begin_run(jv_run_context *run);
void jv_end_run(jv_run_context *run);
/* After code of the host ran inside a run: it may have left this thread in another. */
void jv_restore_run(jv_run_context *run);

#endif
