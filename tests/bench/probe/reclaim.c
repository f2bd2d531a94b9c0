// SPDX-License-Identifier: GPL-2.0-only
/*
 * How soon an owner that was idle has its CPUs back. The watcher samples the CPU time of all
 * threads; the answer is the start of the first window in which they had nine tenths of what they
 * are due.
 */
#include "probe.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MAX_THREADS = 64, MAX_SAMPLES = 10000, WINDOW = 10 };

/* WINDOW steps are 20 ms. Looking takes CPU time from the owner: more often, and it could not have
 * its due. */
#define STEP_NS (2 * NS_PER_MS)

static sem_t begin;
static atomic_int working;
static _Atomic clockid_t clocks[MAX_THREADS];
static int64_t used_ns[MAX_SAMPLES], at_ns[MAX_SAMPLES];

static void* work_when_asked(void* argument) {
  clockid_t clock;

  check(pthread_getcpuclockid(pthread_self(), &clock) != 0, "no CPU clock");
  atomic_store(&clocks[(long)argument], clock);
  for (;;) {
    sem_wait(&begin);
    while (atomic_load(&working))
      compute(10);
  }
  return NULL;
}

static int64_t used_by_all(int nr) {
  int64_t sum = 0;

  for (int i = 0; i < nr; i++) {
    struct timespec used;

    check(clock_gettime(atomic_load(&clocks[i]), &used) != 0, "cannot read a thread's clock");
    sum += used.tv_sec * NS_PER_S + used.tv_nsec;
  }
  return sum;
}

/* Wakes all threads; nanoseconds until they have what is due, @limit_ns if that is later. */
static int64_t reclaim(int nr, double cpus, int64_t limit_ns) {
  const int nr_samples = (int)(limit_ns / STEP_NS) + WINDOW;
  const int64_t started = now_ns();

  atomic_store(&working, 1);
  for (int i = 0; i < nr; i++)
    sem_post(&begin);
  for (int i = 0; i < nr_samples; i++) {
    at_ns[i] = now_ns();
    used_ns[i] = used_by_all(nr);
    sleep_until(started + (i + 1) * STEP_NS);
  }
  atomic_store(&working, 0);
  for (int i = 0; i + WINDOW < nr_samples; i++) {
    const double got = (double)(used_ns[i + WINDOW] - used_ns[i]);

    if (got >= 0.9 * cpus * (double)(at_ns[i + WINDOW] - at_ns[i]))
      return at_ns[i] - started;
  }
  return limit_ns;
}

int mode_reclaim(char** arguments) {
  const int nr = atoi(arguments[0]);
  const double cpus = atof(arguments[1]);
  const int64_t limit_ns = atoll(arguments[3]) * NS_PER_MS;
  unsigned seed = (unsigned)now_ns();

  check(nr > MAX_THREADS || limit_ns / STEP_NS + WINDOW > MAX_SAMPLES, "too much to note");
  become_watcher();
  check(sem_init(&begin, 0, 0) != 0, "no semaphore");
  for (long i = 0; i < nr; i++)
    start_thread(work_when_asked, (void*)i);
  for (int times = atoi(arguments[2]); times > 0; times--) {
    /* Long enough that the CPUs are lent again. */
    sleep_until(now_ns() + jitter(200 * NS_PER_MS, &seed));
    printf("%lld\n", (long long)reclaim(nr, cpus, limit_ns));
  }
  return 0;
}
