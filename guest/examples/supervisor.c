/*
 * Runs jobs that have gas meters of their own, and fills a meter up whenever it is empty, within a budget for each job
 * (docs/supervisor.md). A job that would need more is kept, paused, in a slot: it can get a larger budget and go on, or
 * be dropped. It begins with the kernel's Instances in its slots (javm_bootstrap).
 */
#include "job.h"

#define SET_GAS_METER 1 /* these three by javm_bootstrap */
#define MINT_GAS 3
#define CATCHER 6 /* its list: 0 out of gas, 1 out of quota */
#define JOB_IMAGE 64
#define SLOTS 70
#define FIRST_JOB 100 /* job i is in slot FIRST_JOB + i, and has meter i */

enum { OUT_OF_GAS = 0 };

JAVM_PIN_IMAGE(JOB_IMAGE, "job.img");
JAVM_YIELD_MARKER_SLOT(CATCHER);
JAVM_STACK_SIZE(16384);

enum { JOBS = 100, PORTION = 1000000 };

enum { NONE, DONE, KEPT, FAULTED, DROPPED };
static struct job {
  uint64_t state, answer, budget, portions; /* budget: how many portions of gas it may have; portions: has had */
} jobs[JOBS];
static uint64_t job_count;

static void spawn(uint64_t id) {
  javm_mint_cnode(SLOTS, 8);
  javm_mint_gas(MINT_GAS, id);
  javm_move(0, javm_path(SLOTS, JOB_GAS));
  javm_derive_spawn(JOB_IMAGE, SLOTS, FIRST_JOB + id);
}

static bool fill(uint64_t id) {
  struct job *job = &jobs[id];
  if (job->portions == job->budget) return false;
  job->portions++;
  uint64_t rest = javm_set_gas_meter(SET_GAS_METER, id, 0);
  javm_set_gas_meter(SET_GAS_METER, id, rest + PORTION);
  return true;
}

/* What a call of a job came to, and all that follows. */
static uint64_t supervise(uint64_t id, javm_results r) {
  struct job *job = &jobs[id];
  while (r.status == JAVM_CALL_PAUSED && r.value == OUT_OF_GAS) {
    if (!fill(id)) {
      javm_keep_yield(FIRST_JOB + id);
      return job->state = KEPT;
    }
    r = javm_resume_yield();
  }
  if (r.status != JAVM_CALL_OK) return job->state = FAULTED;
  job->answer = r.value;
  return job->state = DONE;
}

/* 0: a new job, with a budget. Answers how it stands. */
static uint64_t start(uint64_t n, uint64_t budget) {
  if (job_count == JOBS || budget == 0) javm_trap();
  uint64_t id = job_count++;
  jobs[id].budget = budget;
  spawn(id);
  fill(id);
  return supervise(id, javm_call(FIRST_JOB + id, 0, n, 0, 0, 0));
}

static struct job *kept(uint64_t id) {
  if (id >= job_count || jobs[id].state != KEPT) javm_trap();
  return &jobs[id];
}

/* 1: more for a job that was kept: it goes on where it stopped. */
static uint64_t extend(uint64_t id, uint64_t more) {
  kept(id)->budget += more;
  fill(id);
  return supervise(id, javm_call_resume(FIRST_JOB + id));
}

/* 2: gives up a job that was kept. */
static uint64_t drop(uint64_t id) {
  struct job *job = kept(id);
  javm_drop_paused(FIRST_JOB + id);
  return job->state = DROPPED;
}

/* 3: what a job has answered. 4: how many portions of gas it has had. */
static uint64_t answer(uint64_t id) { return id < job_count ? jobs[id].answer : 0; }
static uint64_t portions(uint64_t id) { return id < job_count ? jobs[id].portions : 0; }

JAVM_ENDPOINT(0, start);
JAVM_ENDPOINT(1, extend);
JAVM_ENDPOINT(2, drop);
JAVM_ENDPOINT(3, answer);
JAVM_ENDPOINT(4, portions);
