/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tasks of a scheduler have really used, by the kernel's account of each (sum_exec_runtime). A
 * parent sees its children only where it is asked, and what went straight to a CPU between two dispatches
 * would be charged to whoever had the turn before: so children tell (lib/talk/notice.bpf.h).
 *
 * Writers: used_on[cid] by that cid's CPU alone, with its rq locked; anybody may read, and sees old
 * numbers at worst.
 */
#ifndef FIEF_USED_BPF_H
#define FIEF_USED_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/talk/notice.bpf.h"

/* What a CPU may keep to itself before the parent is told. */
#define USED_TELL_NS NSEC_PER_MSEC

/* A cache line each. */
struct used {
	u64 ns;
	u64 told;
	u64 pad[6];
};

struct used used_on[FIEF_MAX_CIDS];

/* CPU time that the level of this scheduler uses, of late, in 1/FIEF_CPU_UNIT of a CPU; see lib/parent/due.bpf.h. */
u64 level_cpus;

/* A task of this scheduler has used @ns on @cid. */
static __always_inline void used_note(s32 cid, u64 ns)
{
	struct used *used = &used_on[(u32)cid & (FIEF_MAX_CIDS - 1)];
	u64 untold;

	used->ns += ns;
	untold = used->ns - used->told;
	if (!state.cgroup_id || untold < USED_TELL_NS)
		return;
	used->told += untold;
	notice_used(untold);
}

/* What all its tasks have used so far. */
FIEF_VERIFIED_ONCE u64 used_by_own(void)
{
	u64 sum = 0;
	u32 cid;

	bpf_for(cid, 0, nr_cids)
		sum += used_on[cid & (FIEF_MAX_CIDS - 1)].ns;
	return sum;
}

#endif /* FIEF_USED_BPF_H */
