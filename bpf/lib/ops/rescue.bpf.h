/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tasks whose affinity leaves them none of a child's cids: the kernel runs them, wherever they may run, in a
 * small part of the CPU (SCX_ENQ_RESCUE). It ends a scheduler whose tasks wait long for that (scx_rescue,
 * kernel/sched/ext/sub.c), and about twenty bound to one CPU were enough. So they wait in a queue of the
 * scheduler's own and are handed over at a pace that the root's rescue_bandwidth_ppt can serve.
 *
 * Writers: rescue_until[cid] by whoever hands a task over there; a race hands over one more.
 */
#ifndef FIEF_RESCUE_BPF_H
#define FIEF_RESCUE_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/dsq.bpf.h"
#include "lib/core/slice.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/queue/idle.bpf.h"
#include "lib/queue/task.bpf.h"

/* A little more than the kernel takes for one: its quantum of 5 ms by the root's rescue_bandwidth_ppt. */
#define RESCUE_EACH_NS (60 * NSEC_PER_MSEC)
/* So much of that may lie ahead: what a patrol hands over lasts until the next one. */
#define RESCUE_AHEAD_NS (240 * NSEC_PER_MSEC)

/* Up to when the kernel is busy with what it was handed for a cid, CLOCK_MONOTONIC ns. */
u64 __arena rescue_until[FIEF_MAX_CIDS];

/* May another task be handed over for @cid? */
static __always_inline bool rescue_claim(s32 cid, u64 now)
{
	u64 __arena *until = &rescue_until[(u32)cid & (FIEF_MAX_CIDS - 1)];

	if (vtime_before(now + RESCUE_AHEAD_NS, *until + RESCUE_EACH_NS))
		return false;
	*until = vtime_max(*until, now) + RESCUE_EACH_NS;
	return true;
}

/* From enqueue. */
static __always_inline void rescue(struct task_struct *p, struct task_ctx *tctx, u64 enq_flags)
{
	s32 cid = max(rescue_cid(p, tctx), 0);

	if (!rescue_claim(cid, bpf_ktime_get_ns())) {
		tctx->place = TASK_STRANDED;
		dsq_insert(p, RESCUE_DSQ, slice_ns(), enq_flags);
		return;
	}
	count(rescued);
	dsq_insert(p, SCX_DSQ_LOCAL_ON | cid, slice_ns(), enq_flags | SCX_ENQ_RESCUE);
}

static __always_inline s32 rescue_init(void)
{
	s32 ret = scx_bpf_create_dsq(RESCUE_DSQ, -1);

	if (ret)
		fief_error("cannot create the queue of the stranded: error %d", ret);
	return ret;
}

#endif /* FIEF_RESCUE_BPF_H */
