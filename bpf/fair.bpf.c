/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fair: a child scheduler that gives each task CPU time by its weight.
 *
 * What it is for: the default below a cgroup. Weighted virtual time that honours nice, one queue
 * for each LLC, an idle CPU at once for whoever wakes; a task that wakes with none idle takes that of
 * one that weighs next to nothing, or waits for the end of a slice. Maps, locking, and how it meets its
 * caps: lib/ops/child.bpf.h.
 */
#define CHILD_NAME "fief_fair"

#include "lib/ops/child.bpf.h"
