/* Which run of native code a thread is in, and the signal handler that knows its faults. */
#ifndef JV_JIT_FAULT_H
#define JV_JIT_FAULT_H

#include "base/error.h"
#include "jit/native.h"

/* Makes the run the thread's own, and gs the guest's memory; the end puts both back as they were. */
void jv_begin_run(jv_run_context *run);
void jv_end_run(jv_run_context *run);

/* The run that this thread is in, or NULL. In static storage of each thread from its start, so that the signal handler can look
 * at it anywhere. */
#if JV_HAS_RECOMPILER
extern __attribute__((tls_model("initial-exec"))) _Thread_local jv_run_context *jv_current_run;
void jv_make_current(jv_run_context *run);

/* Where its pointer is, from fs: the same in each thread. */
int32_t jv_current_run_place(void);

/* After code of the host ran inside a run: it may have left this thread in another. */
static inline void jv_restore_run(jv_run_context *run) {
  if (JV_UNLIKELY(jv_current_run != run)) jv_make_current(run);
}
#endif

#endif
