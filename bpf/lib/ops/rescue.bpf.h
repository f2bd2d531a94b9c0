/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tasks whose affinity leaves them none of a child's cids: the kernel runs them, wherever they may run, in a
 * small part of the CPU (SCX_ENQ_RESCUE). It ends a scheduler whose tasks wait long for that (scx_rescue,
 * kernel/sched/ext/sub.c), and about twenty bound to one CPU were enough. So they wait in a queue of the
 * scheduler's own, and no more than two for each cid are with the kernel at any time.
 *
 * Writers: every CPU, atomically.
 */
#ifndef FIEF_RESCUE_BPF_H
#define FIEF_RESCUE_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/dsq.bpf.h"
#include "lib/core/slice.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/queue/idle.bpf.h"
#include "lib/queue/task.bpf.h"

/* One that the kernel runs, and one that comes next. */
#define RESCUE_AT_ONCE 2

/* How many tasks are with the kernel for each cid, and have not run yet. */
u32 __arena rescue_count[FIEF_MAX_CIDS];

static __always_inline u32 __arena *rescue_count_of(s32 cid)
{
	return &rescue_count[(u32)cid & (FIEF_MAX_CIDS - 1)];
}

/* May another task be handed over for @cid? */
static __always_inline bool rescue_claim(s32 cid)
{
	u32 __arena *count = rescue_count_of(cid);

	if (__sync_fetch_and_add(count, 1) < RESCUE_AT_ONCE)
		return true;
	__sync_fetch_and_add(count, -1);
	return false;
}

static __always_inline void rescue_note(struct task_ctx *tctx, s32 cid)
{
	tctx->place = TASK_RESCUED;
	tctx->rescue_cid = cid;
	count(rescued);
}

/* The task of @tctx runs, or will not where it waited: if that was with the kernel, the next may go there. */
static __always_inline bool rescue_over(struct task_ctx *tctx)
{
	if (tctx->place != TASK_RESCUED)
		return false;
	tctx->place = TASK_DIRECT;
	__sync_fetch_and_add(rescue_count_of(tctx->rescue_cid), -1);
	return scx_bpf_dsq_nr_queued(RESCUE_DSQ) > 0;
}

/* From enqueue. */
static __always_inline void rescue(struct task_struct *p, struct task_ctx *tctx, u64 enq_flags)
{
	s32 cid = max(rescue_cid(p, tctx), 0);

	if (!rescue_claim(cid)) {
		tctx->place = TASK_STRANDED;
		dsq_insert(p, RESCUE_DSQ, slice_ns(), enq_flags);
		return;
	}
	rescue_note(tctx, cid);
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
