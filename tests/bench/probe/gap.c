// SPDX-License-Identifier: GPL-2.0-only
/* The longest time in which a task that always wants to run did not. */
#include "probe.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_THREADS = 64 };

static _Atomic int64_t longest_ns[MAX_THREADS];
/* When each thread was last seen to run, so that a pause that has not ended counts too. */
static _Atomic int64_t last_ns[MAX_THREADS];

static void* watch_the_clock(void* argument) {
  const long self = (long)argument;

  atomic_store(&last_ns[self], now_ns());
  for (;;) {
    const int64_t now = now_ns(), gap = now - atomic_load(&last_ns[self]);

    if (gap > atomic_load(&longest_ns[self]))
      atomic_store(&longest_ns[self], gap);
    atomic_store(&last_ns[self], now);
    compute(1);
  }
  return NULL;
}

int mode_gap(char** arguments) {
  const int nr = atoi(arguments[0]);
  int c;

  check(nr > MAX_THREADS, "too many threads");
  become_watcher();
  for (long i = 0; i < nr; i++)
    start_thread(watch_the_clock, (void*)i);
  while ((c = getchar()) != EOF) {
    if (c != '\n')
      continue;
    for (int i = 0; i < nr; i++) {
      const int64_t longest = atomic_exchange(&longest_ns[i], 0),
                    pause = now_ns() - atomic_load(&last_ns[i]);

      printf("%lld%c", (long long)(pause > longest ? pause : longest), i + 1 < nr ? ' ' : '\n');
    }
    fflush(stdout);
  }
  return 0;
}
