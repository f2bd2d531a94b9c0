// SPDX-License-Identifier: GPL-2.0-only
/* Modes that only use CPUs: beside them, or with them, others are measured. */
#include "probe.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int mode_spin(char** arguments) {
  (void)arguments;
  for (;;)
    compute(10000);
}

int mode_nap(char** arguments) {
  const int64_t pause_ns = atoll(arguments[0]) * NS_PER_US;

  for (;;) {
    compute_ns(NS_PER_MS);
    sleep_until(now_ns() + pause_ns);
  }
}

static _Noreturn void fork_for_ever(void) {
  for (;;) {
    const pid_t child = fork();

    check(child < 0, "cannot fork");
    if (child == 0) {
      compute(20);
      _exit(0);
    }
    waitpid(child, NULL, 0);
  }
}

int mode_storm(char** arguments) {
  for (int i = atoi(arguments[0]); i > 1; i--)
    if (fork() == 0)
      break;
  fork_for_ever();
}
