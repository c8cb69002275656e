/*
 * Faults of native code. An access to a page of the window that is not ready yet ends in SIGSEGV; the handler recognises it
 * by three things together: this thread is in a run, the instruction is in that run's code, and the address is in that
 * run's window. It then only sends the thread on to the fault stub; all work is done there, outside of the handler. Every
 * other signal goes to the handler that was there before.
 */
#define _GNU_SOURCE /* the registers of a signal context */
#include "jit/native.h"

#if JV_HAS_RECOMPILER

#define _GNU_SOURCE
#include <asm/prctl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "exec/window.h"
#include "jit/fault.h"

__attribute__((tls_model("initial-exec"))) _Thread_local jv_run_context *jv_current_run;

/* The thread's block begins with its own address. */
int32_t jv_current_run_place(void) {
  uintptr_t thread;
  __asm__("mov %%fs:0, %0" : "=r"(thread));
  return (int32_t)((uintptr_t)&jv_current_run - thread);
}

/* ---- gs ---- */

static uint64_t get_gs(void) {
  uint64_t base = 0;
  if (jv_host_features()->fsgsbase) __asm__ volatile("rdgsbase %0" : "=r"(base));
  else syscall(SYS_arch_prctl, ARCH_GET_GS, &base);
  return base;
}

static void set_gs(uint64_t base) {
  if (jv_host_features()->fsgsbase) __asm__ volatile("wrgsbase %0" : : "r"(base));
  else syscall(SYS_arch_prctl, ARCH_SET_GS, base);
}

static void set_memory(const jv_run_context *run) {
  const jv_mem *m = run->state->mem;
  set_gs(run->native->has_checks ? (uintptr_t)m->read : (uintptr_t)m->window);
}

void jv_make_current(jv_run_context *run) {
  jv_current_run = run;
  set_memory(run);
}

void jv_begin_run(jv_run_context *run) {
  run->outer = jv_current_run;
  run->outer_gs = get_gs();
  jv_make_current(run);
}

void jv_end_run(jv_run_context *run) {
  jv_current_run = run->outer;
  set_gs(run->outer_gs);
}

/* ---- the handler ---- */

enum { SIGNAL_COUNT = 2 };
static const int signals[SIGNAL_COUNT] = {SIGSEGV, SIGBUS};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction before[SIGNAL_COUNT];

/* The signal that this thread last passed on: its context, and the frame of the handler that the system called. The handler
 * that got it may never return (siglongjmp). */
typedef struct passed {
  const void *context, *frame;
} passed;
static __attribute__((tls_model("initial-exec"))) _Thread_local passed last_passed;

/* False: the fault is not ours. */
static bool is_ours(const siginfo_t *info, ucontext_t *context) {
  const jv_run_context *run = jv_current_run;
  if (!run || run->native->has_checks || !run->state->mem->window) return false;
  const jv_native *n = run->native;
  uintptr_t at = (uintptr_t)context->uc_mcontext.gregs[REG_RIP], address = (uintptr_t)info->si_addr;
  uintptr_t window = (uintptr_t)run->state->mem->window;
  return at - (uintptr_t)n->code < n->code_bytes && address - window < (UINT64_C(1) << 32) + JV_WINDOW_GUARD_BYTES;
}

/* As the system would call the handler: with what it wants blocked. A return from ours sets the old mask again. */
static void block_for(const struct sigaction *action, int number) {
  sigset_t blocked = action->sa_mask;
  if (!(action->sa_flags & SA_NODEFER)) sigaddset(&blocked, number);
  pthread_sigmask(SIG_BLOCK, &blocked, NULL);
}

/* To the handler that was there before. One that was set over ours and knows us as the one before it comes back here, with
 * the same context but from another frame: then, and without a handler, the default holds, and the instruction faults
 * again. */
static void chain(int number, siginfo_t *info, void *context, const void *frame) {
  struct sigaction old = before[number == signals[1]];
  bool is_default = !(old.sa_flags & SA_SIGINFO) && (old.sa_handler == SIG_DFL || old.sa_handler == SIG_IGN);
  passed outer = last_passed;
  if (is_default || (outer.context == context && outer.frame != frame)) {
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigaction(number, &standard, NULL);
    return;
  }
  last_passed = (passed){context, frame};
  block_for(&old, number);
  if (old.sa_flags & SA_SIGINFO) old.sa_sigaction(number, info, context);
  else old.sa_handler(number);
  last_passed = outer;
}

static void on_signal(int number, siginfo_t *info, void *context) {
  ucontext_t *c = context;
  if (!is_ours(info, c)) {
    chain(number, info, context, __builtin_frame_address(0));
    return;
  }
  jv_frame *f = (jv_frame *)(uintptr_t)c->uc_mcontext.gregs[REG_RSP];
  const jv_native *n = jv_current_run->native;
  f->fault_at = (uint64_t)c->uc_mcontext.gregs[REG_RIP];
  f->fault_rdx = (uint64_t)c->uc_mcontext.gregs[REG_RDX];
  c->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)(n->code + n->stubs.fault);
}

bool jv_install_fault_handler(void) {
  bool ok = true;
  pthread_mutex_lock(&lock);
  for (int i = 0; ok && i < SIGNAL_COUNT; i++) {
    struct sigaction now, own = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigemptyset(&own.sa_mask);
    ok = sigaction(signals[i], NULL, &now) == 0;
    if (!ok || ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_signal)) continue;
    before[i] = now;
    ok = sigaction(signals[i], &own, NULL) == 0;
  }
  pthread_mutex_unlock(&lock);
  return ok;
}

#else

typedef int jv_no_faults; /* an empty file is not C */

#endif
