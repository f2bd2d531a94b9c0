// SPDX-License-Identifier: GPL-2.0-only
/*
 * How late a task runs that was woken: by its own timer, or by somebody's write. Between two
 * wakings it computes a little, as whoever serves requests does.
 */
#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_THREADS = 64, MAX_SAMPLES = 100000 };

struct sampler {
  unsigned seed;
  int pipe[2];
  volatile int nr;
  int64_t late_ns[MAX_SAMPLES];
};

static struct sampler* samplers[MAX_THREADS];
static int64_t period_ns, work_ns, end_ns;

static void note(struct sampler* sampler, int64_t late_ns) {
  if (sampler->nr < MAX_SAMPLES) {
    sampler->late_ns[sampler->nr] = late_ns;
    sampler->nr++;
  }
}

static void* wake_by_timer(void* argument) {
  struct sampler* sampler = argument;

  while (now_ns() < end_ns) {
    const int64_t when = now_ns() + jitter(period_ns, &sampler->seed);

    sleep_until(when);
    note(sampler, now_ns() - when);
    compute_ns(work_ns);
  }
  return NULL;
}

/* The bytes are the moment at which they were written. */
static void* answer_requests(void* argument) {
  struct sampler* sampler = argument;
  int64_t when;

  while (read(sampler->pipe[0], &when, sizeof(when)) == sizeof(when)) {
    note(sampler, now_ns() - when);
    compute_ns(work_ns);
  }
  return NULL;
}

static void* send_requests(void* argument) {
  struct sampler* sampler = argument;

  while (now_ns() < end_ns) {
    int64_t when;

    sleep_until(now_ns() + jitter(period_ns, &sampler->seed));
    when = now_ns();
    check(write(sampler->pipe[1], &when, sizeof(when)) != sizeof(when), "cannot write to the pipe");
  }
  return NULL;
}

static void measure(char** arguments, void* (*run)(void*), void* (*serve)(void*)) {
  const int nr = atoi(arguments[0]);

  check(nr > MAX_THREADS, "too many threads");
  period_ns = atoll(arguments[2]) * NS_PER_US;
  work_ns = atoll(arguments[3]) * NS_PER_US;
  end_ns = now_ns() + atoll(arguments[1]) * NS_PER_MS;
  for (int i = 0; i < nr; i++) {
    samplers[i] = calloc(1, sizeof(**samplers));
    check(!samplers[i] || pipe(samplers[i]->pipe) != 0, "cannot prepare a thread");
    samplers[i]->seed = (unsigned)now_ns() + (unsigned)i;
    if (serve)
      start_thread(serve, samplers[i]);
    start_thread(run, samplers[i]);
  }
  /* The last wakings may be late. */
  sleep_until(end_ns + 200 * NS_PER_MS);
  for (int i = 0; i < nr; i++)
    for (int j = 0; j < samplers[i]->nr; j++)
      printf("%lld\n", (long long)samplers[i]->late_ns[j]);
}

int mode_wake(char** arguments) {
  measure(arguments, wake_by_timer, NULL);
  return 0;
}

int mode_request(char** arguments) {
  measure(arguments, send_requests, answer_requests);
  return 0;
}
