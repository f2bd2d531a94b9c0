/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * batch: a child scheduler for throughput.
 *
 * What it is for: builds, number crunching, anything nobody waits for. Weighted virtual time like
 * fair, but with long slices, and a task that runs goes on until others are a whole slice behind
 * it: caches stay warm, and weights hold over a longer time. Maps, locking, and how it meets its
 * caps: lib/ops/child.bpf.h.
 */
#define CHILD_NAME "fief_batch"
#define SLICE_US 20000
#define VQUEUE_STICKY_NS slice_ns()

#include "lib/ops/child.bpf.h"
