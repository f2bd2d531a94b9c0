// SPDX-License-Identifier: GPL-2.0-only
/*
 * The load that the benchmarks run, and the clocks they read it with. Times come out in
 * nanoseconds, one a line; inside/latency.py makes figures of them.
 */
#include "probe.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t clock) {
  struct timespec time;

  clock_gettime(clock, &time);
  return time.tv_sec * NS_PER_S + time.tv_nsec;
}

int64_t now_ns(void) {
  return read_clock(CLOCK_MONOTONIC);
}

int64_t thread_ns(void) {
  return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

void sleep_until(int64_t when_ns) {
  const struct timespec when = {.tv_sec = when_ns / NS_PER_S, .tv_nsec = when_ns % NS_PER_S};

  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
}

int64_t jitter(int64_t mean, unsigned* seed) {
  return mean / 2 + (int64_t)((double)rand_r(seed) / RAND_MAX * (double)mean);
}

void compute(unsigned rounds) {
  for (volatile unsigned i = 0; i < rounds * 100; i++)
    ;
}

void compute_ns(int64_t duration_ns) {
  const int64_t end = thread_ns() + duration_ns;

  while (thread_ns() < end)
    compute(1);
}

static int is_watcher;

void start_thread(void* (*run)(void*), void* argument) {
  const struct sched_param normal = {.sched_priority = 0};
  pthread_attr_t attributes;
  pthread_t thread;

  pthread_attr_init(&attributes);
  if (is_watcher) {
    pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
    pthread_attr_setschedpolicy(&attributes, SCHED_OTHER);
    pthread_attr_setschedparam(&attributes, &normal);
  }
  check(pthread_create(&thread, &attributes, run, argument) != 0, "cannot start a thread");
  pthread_attr_destroy(&attributes);
  pthread_detach(thread);
}

void become_watcher(void) {
  /* above what is measured, of which the daemon has real-time priority itself */
  const struct sched_param watcher = {.sched_priority = 50};

  check(sched_setscheduler(0, SCHED_RR, &watcher) != 0, "cannot become a watcher");
  is_watcher = 1;
}

void check(int failed, const char* what) {
  if (!failed)
    return;
  perror(what);
  exit(1);
}

static const struct {
  const char* name;
  int nr_arguments;
  int (*run)(char** arguments);
  const char* usage;
} kModes[] = {
    {"spin", 0, mode_spin, "computes for ever"},
    {"nap", 1, mode_nap,
     "US: computes, and sleeps US microseconds after every millisecond of CPU time"},
    {"storm", 1, mode_storm, "N: N processes that fork children which end at once, for ever"},
    {"wake", 4, mode_wake,
     "N MS US WORK: for MS, N threads sleep about US and compute WORK us; how late each waking "
     "was"},
    {"request", 4, mode_request,
     "N MS US WORK: for MS, N threads get a byte about every US; how late each was read"},
    {"pipe", 1, mode_pipe, "MS: round trips of a byte between two processes in MS"},
    {"gap", 1, mode_gap,
     "N: N threads compute; for every line read, each one's longest pause since the last"},
    {"reclaim", 4, mode_reclaim,
     "N CPUS TIMES MS: N idle threads start to compute; how long until, for 20 ms, they have had "
     "90 % of CPUS; "
     "MS if that was not within MS; TIMES times"},
    {"caps", 3, mode_caps,
     "FILE EVENT TEXT: writes TEXT to EVENT; how long until FILE's contents change"},
};

int main(int argc, char** argv) {
  for (size_t i = 0; i < sizeof(kModes) / sizeof(*kModes); i++)
    if (argc >= 2 && !strcmp(argv[1], kModes[i].name) && argc == kModes[i].nr_arguments + 2)
      return kModes[i].run(argv + 2);
  for (size_t i = 0; i < sizeof(kModes) / sizeof(*kModes); i++)
    fprintf(stderr, "%s %s %s\n", i == 0 ? "usage: probe" : "       probe", kModes[i].name,
            kModes[i].usage);
  return 2;
}
