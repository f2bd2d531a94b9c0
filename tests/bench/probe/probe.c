// SPDX-License-Identifier: GPL-2.0-only
/*
 * The load that the benchmarks run, and the clock they read it with.
 *
 *   probe spin         computes for ever
 *   probe nap US       computes, and sleeps US microseconds after every millisecond of CPU time
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t cpu_ns(void) {
  struct timespec now;

  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void compute(unsigned rounds) {
  for (volatile unsigned i = 0; i < rounds; i++)
    ;
}

_Noreturn static void nap(long microseconds) {
  const struct timespec pause = {.tv_nsec = microseconds * 1000};

  for (;;) {
    const uint64_t started = cpu_ns();

    while (cpu_ns() - started < 1000000)
      compute(1000);
    nanosleep(&pause, NULL);
  }
}

int main(int argc, char** argv) {
  if (argc == 2 && !strcmp(argv[1], "spin"))
    for (;;)
      compute(1000000);
  if (argc == 3 && !strcmp(argv[1], "nap"))
    nap(strtol(argv[2], NULL, 10));
  fprintf(stderr, "usage: probe spin | probe nap MICROSECONDS\n");
  return 2;
}
