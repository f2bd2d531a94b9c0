/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How fast CPUs are to be: what the governor schedutil aims at on a CPU, for the scheduler that holds PERF
 * there. A target stays with the CPU until somebody sets another, and whoever has lost the cap cannot. So
 * a parent notes to whom it gave the cap, and sets full speed again when it takes it back or the child ends.
 *
 * perf_of: written by fief_apply and by sub_detach; each cid by one of them at a time, whose it is.
 */
#ifndef FIEF_PERF_BPF_H
#define FIEF_PERF_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/state.bpf.h"

#define PERF_FULL 1024 /* SCX_CPUPERF_ONE */

/* The child that has PERF on a cid, by its cgroup's id; 0: none has. */
u64 __arena perf_of[FIEF_MAX_CIDS];

static __always_inline u64 __arena *cid_perf_of(u32 cid)
{
	return &perf_of[cid & (FIEF_MAX_CIDS - 1)];
}

static __always_inline void perf_given(u32 cid, u64 cgroup_id)
{
	*cid_perf_of(cid) = cgroup_id;
}

/* @cgroup_id has PERF on @cid no longer. */
static __always_inline void perf_back(u32 cid, u64 cgroup_id)
{
	if (*cid_perf_of(cid) != cgroup_id)
		return;
	*cid_perf_of(cid) = 0;
	scx_bpf_cidperf_set(cid, PERF_FULL);
}

#endif /* FIEF_PERF_BPF_H */
