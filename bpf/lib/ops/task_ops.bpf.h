/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ops about a task that every fief scheduler has alike, the root and its children: it comes, wants to
 * run, runs, stops, changes, goes.
 *
 * A scheduler may define, before it includes this header:
 *   TASK_STARTED(p, tctx, cid)   a task starts to run on a cid; by default nothing
 *
 * Locking: each runs with the task's rq locked, or before it runs (init_task).
 */
#ifndef FIEF_TASK_OPS_BPF_H
#define FIEF_TASK_OPS_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/ops/patrol.bpf.h"
#include "lib/parent/release.bpf.h"
#include "lib/queue/away.bpf.h"
#include "lib/queue/idle.bpf.h"
#include "lib/queue/light.bpf.h"
#include "lib/queue/task.bpf.h"
#include "lib/queue/vqueue.bpf.h"

#ifndef TASK_STARTED
#define TASK_STARTED(p, tctx, cid)
#endif

s32 FIEF_OP_SLEEPABLE(task_init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	return task_init(p, args->cgroup);
}

void FIEF_OP(task_enable, struct task_struct *p, struct scx_enable_args *args)
{
	struct task_ctx *tctx = task_ctx(p);

	touch_arena();
	if (tctx)
		tctx->vtime = vclock;
}

void FIEF_OP(task_set_cmask, struct task_struct *p, const struct scx_cmask *cmask)
{
	task_set_allowed(p, cmask);
}

void FIEF_OP(task_running, struct task_struct *p)
{
	struct task_ctx *tctx = task_ctx(p);
	s32 cid = scx_bpf_task_cid(p);

	touch_arena();
	cidmask_set(busy_cids, cid);
	light_started(p, cid);
	core_started(cid);
	reclaim_over(cid);
	if (!tctx)
		return;
	rescue_next(tctx);
	task_started(p, tctx);
	vqueue_started(tctx);
	end_grace(p, tctx, cid);
	TASK_STARTED(p, tctx, cid);
}

void FIEF_OP(task_stopping, struct task_struct *p, bool runnable)
{
	struct task_ctx *tctx = task_ctx(p);
	s32 cid = scx_bpf_task_cid(p);

	touch_arena();
	cidmask_clear(busy_cids, cid);
	light_stopped(cid);
	if (!tctx)
		return;
	task_stopped(p, tctx);
	if (nr_limited)
		park_given_back(tctx->group);
	/* one that makes way for another has left it no queue to be seen in */
	if (!runnable)
		vqueue_charged(p, tctx, cid);
}

/* A tick while a task of ours runs: a limit ends its slice. */
void FIEF_OP(task_tick, struct task_struct *p)
{
	struct task_ctx *tctx = task_ctx(p);

	touch_arena();
	if (!nr_limited || !tctx || !tctx->running)
		return;
	task_charge(p, tctx);
	if (task_throttled(p, tctx))
		scx_bpf_task_set_slice(p, 0);
	else
		task_charge_ahead(tctx);
}

void FIEF_OP(task_runnable, struct task_struct *p, u64 enq_flags)
{
	struct task_ctx *tctx = task_ctx(p);

	touch_arena();
	if (!tctx)
		return;
	tctx->ready_since = bpf_ktime_get_ns();
	/* who only changes its weight or affinity while it waits has waited all the same */
	if (!(enq_flags & ENQUEUE_RESTORE))
		tctx->waits_since = tctx->ready_since;
	tctx->woken_at = enq_flags & SCX_ENQ_WAKEUP ? tctx->waits_since : 0;
	task_set_load(tctx, task_weight(p));
}

void FIEF_OP(task_quiescent, struct task_struct *p, u64 deq_flags)
{
	struct task_ctx *tctx = task_ctx(p);

	touch_arena();
	if (!tctx)
		return;
	rescue_next(tctx);
	away_leave(tctx);
	task_set_load(tctx, 0);
}

/* The new nice value or policy is in @p already. */
void FIEF_OP(task_set_weight, struct task_struct *p, u32 weight)
{
	struct task_ctx *tctx = task_ctx(p);

	touch_arena();
	if (tctx && tctx->load)
		task_set_load(tctx, task_weight(p));
}

void FIEF_OP(task_exit_task, struct task_struct *p, struct scx_exit_task_args *args)
{
	struct task_ctx *tctx = task_ctx(p);

	touch_arena();
	if (!tctx)
		return;
	rescue_next(tctx);
	away_leave(tctx);
	task_exit(tctx);
}

#endif /* FIEF_TASK_OPS_BPF_H */
