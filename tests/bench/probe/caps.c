// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long it takes from an event until the kernel shows what became of it. Seen by a watcher: a
 * normal task would mostly measure how long it waits for a CPU itself.
 */
#include "probe.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_SIZE = 4096 };

#define LIMIT_NS (10 * NS_PER_S)

/* Such files are made anew for every open. */
static void read_file(const char* path, char* text) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t size = -1;

  if (fd >= 0)
    size = read(fd, text, MAX_SIZE - 1);
  check(size < 0, path);
  text[size] = '\0';
  close(fd);
}

int mode_caps(char** arguments) {
  char before[MAX_SIZE], after[MAX_SIZE];
  const int event = open(arguments[1], O_WRONLY | O_CLOEXEC);
  const ssize_t length = (ssize_t)strlen(arguments[2]);

  check(event < 0, arguments[1]);
  become_watcher();
  read_file(arguments[0], before);
  const int64_t started = now_ns();

  check(write(event, arguments[2], (size_t)length) != length, arguments[1]);
  do {
    sleep_until(now_ns() + 20 * NS_PER_US);
    read_file(arguments[0], after);
    check(now_ns() - started > LIMIT_NS, "nothing has changed for 10 s");
  } while (!strcmp(before, after));
  printf("%lld\n", (long long)(now_ns() - started));
  return 0;
}
