/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a scheduler keeps about each of its tasks.
 *
 * Writers: set_cmask writes @allowed, running/stopping/enable write the rest; all of them run with
 * the task's rq locked. Dispatch on other CPUs reads @vtime without a lock: an old value costs one
 * queue position.
 */
#ifndef FIEF_TASK_BPF_H
#define FIEF_TASK_BPF_H

#include "base.bpf.h"
#include "cidmask.bpf.h"
#include "state.bpf.h"

struct task_ctx {
	cidmask_t allowed; /* affinity, in cids */
	u64 vtime; /* CPU time used so far, ns, scaled by 100 / weight */
	u64 queued_at; /* when it was queued last, CLOCK_MONOTONIC ns; written by enqueue */
	u64 exec_start; /* sum_exec_runtime when it last started to run, ns */
	bool running;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_ctx);
} task_ctxs SEC(".maps");

static __always_inline struct task_ctx *task_ctx(struct task_struct *p)
{
	return bpf_task_storage_get(&task_ctxs, p, 0, 0);
}

static __always_inline s32 task_init(struct task_struct *p)
{
	return bpf_task_storage_get(&task_ctxs, p, 0, BPF_LOCAL_STORAGE_GET_F_CREATE) ? 0 : -ENOMEM;
}

/* Copy the affinity the kernel hands to ops.set_cmask(). Its bits are valid only until return. */
static __always_inline void task_set_allowed(struct task_struct *p, const struct scx_cmask *from)
{
	const struct scx_cmask __arena *cmask = (const struct scx_cmask __arena *)(long)from;
	struct task_ctx *tctx = task_ctx(p);
	u32 first, nr, w;

	touch_arena();
	if (!tctx)
		return;
	first = cmask->base / 64;
	nr = (cmask->base % 64 + cmask->nr_cids + 63) / 64;
	bpf_for(w, 0, FIEF_MASK_WORDS)
		tctx->allowed[w & (FIEF_MASK_WORDS - 1)] =
			w >= first && w - first < nr ? cmask->bits[w - first] : 0;
}

/* CPU time of @p in virtual time: what a task of weight 100 would have used. */
static __always_inline u64 task_scale(const struct task_struct *p, u64 runtime_ns)
{
	u32 weight = p->scx.weight;

	return weight ? runtime_ns * 100 / weight : runtime_ns;
}

/* Virtual time up to this moment, also while it runs. */
static __always_inline u64 task_vtime_now(const struct task_struct *p, const struct task_ctx *tctx)
{
	if (!tctx->running)
		return tctx->vtime;
	return tctx->vtime + task_scale(p, p->se.sum_exec_runtime - tctx->exec_start);
}

static __always_inline void task_started(struct task_struct *p, struct task_ctx *tctx)
{
	tctx->exec_start = p->se.sum_exec_runtime;
	tctx->running = true;
}

static __always_inline void task_stopped(struct task_struct *p, struct task_ctx *tctx)
{
	tctx->vtime = task_vtime_now(p, tctx);
	tctx->running = false;
}

#endif /* FIEF_TASK_BPF_H */
