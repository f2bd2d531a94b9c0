// SPDX-License-Identifier: GPL-2.0-only
/* What a switch costs: a byte goes to and fro between two processes. */
#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static _Noreturn void echo(int from, int to) {
  char byte;

  while (read(from, &byte, 1) == 1)
    check(write(to, &byte, 1) != 1, "cannot answer");
  _exit(0);
}

int mode_pipe(char** arguments) {
  int there[2], back[2];
  long long trips = 0;
  char byte = 0;

  check(pipe(there) != 0 || pipe(back) != 0, "cannot make pipes");
  const pid_t child = fork();

  check(child < 0, "cannot fork");
  if (child == 0) {
    close(there[1]);
    echo(there[0], back[1]);
  }
  const int64_t end = now_ns() + atoll(arguments[0]) * NS_PER_MS;

  for (; now_ns() < end; trips++)
    check(write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1, "the other side is gone");
  printf("%lld\n", trips);
  return 0;
}
