/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a scheduler keeps about each of its tasks, and how its CPU time becomes virtual time.
 *
 * Writers: all ops that write here run with the task's rq locked, or before it runs (init_task).
 * Dispatch on other CPUs reads @vtime without a lock: an old value costs one queue position.
 */
#ifndef FIEF_TASK_BPF_H
#define FIEF_TASK_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/queue/demand.bpf.h"
#include "lib/queue/group.bpf.h"
#include "lib/queue/limit.bpf.h"
#include "lib/queue/used.bpf.h"

/* Where a task waits, or has waited before it started to run. */
enum task_place {
	TASK_DIRECT, /* nowhere: it went straight to a cid */
	TASK_QUEUED, /* in the order of virtual time */
	TASK_PINNED,
	TASK_AGED,
	TASK_PARKED, /* behind a limit */
	TASK_STRANDED, /* for the kernel's rescue */
	TASK_RESCUED, /* with the kernel's rescue */
};

struct task_ctx {
	cidmask_t allowed; /* affinity, in cids */
	u64 vtime; /* CPU time used so far by its share, ns of the whole scheduler's time */
	u64 woken_at; /* CLOCK_MONOTONIC ns; 0: it has run since it woke */
	u64 waits_since; /* when it became ready to run, CLOCK_MONOTONIC ns; a re-enqueue is no fresh start */
	u64 ready_since; /* the same, or when it last stopped running; nothing else moves it */
	u64 exec_start; /* sum_exec_runtime up to which it has been charged, ns */
	u64 ahead; /* ns that limits have been charged for what it runs now */
	struct group __arena *group; /* set while the task is this scheduler's */
	u32 load; /* what it adds to its group's load: its weight while it is runnable, else 0 */
	u32 place; /* enum task_place */
	u32 away; /* 1 and the cid on which it is away, see lib/queue/away.bpf.h; 0: on none */
	s32 rescue_cid; /* where it waits for the kernel's rescue */
	bool running;
	bool graced; /* no limit holds it until it has run for a moment, see lib/parent/release.bpf.h */
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

/* Is @p this scheduler's now? What it keeps about a task outlives the task's stay. */
static __always_inline bool is_percpu_kthread(const struct task_struct *p)
{
	return (p->flags & PF_KTHREAD) && p->nr_cpus_allowed == 1;
}

/* Can @p, which runs, not be asked to go, or would it be back at once? */
static __always_inline bool task_unyielding(const struct task_struct *p)
{
	return p->prio < MAX_RT_PRIO || is_percpu_kthread(p);
}

static __always_inline bool task_is_ours(struct task_struct *p)
{
	struct task_ctx *tctx = task_ctx(p);

	return tctx && tctx->group;
}

static __always_inline void task_join(struct task_ctx *tctx, u64 cgroup_id)
{
	struct group __arena *group = group_or_top(cgroup_id);

	group_get(group);
	tctx->group = group;
}

static __always_inline s32 task_init(struct task_struct *p, struct cgroup *cgrp)
{
	struct task_ctx *tctx =
		bpf_task_storage_get(&task_ctxs, p, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	touch_arena();
	if (!tctx)
		return -ENOMEM;
	tctx->load = 0;
	tctx->woken_at = 0;
	tctx->running = false;
	tctx->graced = false;
	tctx->ahead = 0;
	tctx->away = 0;
	task_join(tctx, cgroup_id_of(cgrp));
	return 0;
}

/* What the task adds to its group's load is @weight from now on. */
static __always_inline void task_set_load(struct task_ctx *tctx, u32 weight)
{
	s64 more = (s64)weight - tctx->load;

	if (!more)
		return;
	more += ((s64)!tctx->load - !weight) * LOAD_TASK;
	tctx->load = weight;
	group_add(tctx->group, more);
}

static __always_inline void task_exit(struct task_ctx *tctx)
{
	if (!tctx->group)
		return;
	task_set_load(tctx, 0);
	group_put(tctx->group);
	tctx->group = NULL;
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

/* How much faster than its CPU time a task's virtual time passes now, times COST_ONE. */
static __always_inline u64 task_cost(const struct task_struct *p, const struct task_ctx *tctx)
{
	struct group __arena *group = tctx->group;

	return group ? group_cost(group, tctx->load ?: task_weight(p)) : COST_ONE;
}

/* CPU time of @p in its virtual time. */
static __always_inline u64 task_scale(const struct task_struct *p, const struct task_ctx *tctx,
				      u64 runtime_ns)
{
	return cost_of(task_cost(p, tctx), runtime_ns);
}

/* Charge what @p has used since it was charged last: to its own time, and to the limits above it. */
static __always_inline void task_charge(const struct task_struct *p, struct task_ctx *tctx)
{
	u64 now = p->se.sum_exec_runtime, used = now - tctx->exec_start;
	u64 cost = task_cost(p, tctx);

	tctx->vtime += cost_of(cost, used);
	limit_charge(tctx->group, (s64)used - (s64)tctx->ahead);
	tctx->ahead = 0;
	used_note(scx_bpf_task_cid((struct task_struct *)p), used);
	if (tctx->group && demand_exceeded(cost))
		demand_list(tctx->group);
	tctx->exec_start = now;
}

/* Bits of a number: 0 for 0, else 1 and the binary logarithm, at most FIEF_WAIT_BUCKETS - 1. */
static __always_inline u32 wait_bucket(u64 us)
{
	u32 bits = 0, step;

	if (us >> (FIEF_WAIT_BUCKETS - 2))
		return FIEF_WAIT_BUCKETS - 1;
	for (step = 16; step; step /= 2) {
		if (us >> step) {
			us >>= step;
			bits += step;
		}
	}
	return bits + (us ? 1 : 0);
}

/* A task that woke runs on @cid now: note how long that took. */
static __always_inline void wait_note(struct task_ctx *tctx, s32 cid)
{
	struct fief_waits __arena *waits = &state.waits[(u32)cid & (FIEF_STRIPES - 1)];
	u64 us;

	if (!tctx->woken_at)
		return;
	us = (bpf_ktime_get_ns() - tctx->woken_at) / NSEC_PER_USEC;
	tctx->woken_at = 0;
	__sync_fetch_and_add(&waits->count[min(wait_bucket(us), FIEF_WAIT_BUCKETS - 1)], 1);
	__sync_fetch_and_add(&waits->sum_us, us);
}

/* It runs, or runs on, until it is looked at again: limits count that now. */
static __always_inline void task_charge_ahead(struct task_ctx *tctx)
{
	if (!nr_limited)
		return;
	limit_charge(tctx->group, LIMIT_AHEAD_NS);
	tctx->ahead = LIMIT_AHEAD_NS;
}

static __always_inline void task_started(const struct task_struct *p, struct task_ctx *tctx)
{
	wait_note(tctx, scx_bpf_task_cid(p));
	tctx->exec_start = p->se.sum_exec_runtime;
	tctx->running = true;
	task_charge_ahead(tctx);
}

/*
 * Nothing holds a task that is about to end, or has been killed: others wait for what it has. Nor one that was
 * preempted while it reads under RCU, which the kernel has noted by the time that it is enqueued or another is
 * looked for (rcu_note_context_switch, kernel/rcu/tree_plugin.h): the whole kernel would wait for it. The depth
 * of its readers would not tell: ops run as readers themselves, those of a child two deeper than its parent's.
 */
static __always_inline bool task_must_run(const struct task_struct *p)
{
	return (p->flags & PF_EXITING) || p->rcu_read_unlock_special.b.blocked ||
	       (p->pending.signal.sig[0] & SIGKILL_BIT) ||
	       (p->signal->shared_pending.signal.sig[0] & SIGKILL_BIT);
}

/* The nearest limit that keeps @p back; NULL: it may run. */
static __always_inline struct group __arena *task_throttled(const struct task_struct *p,
							    const struct task_ctx *tctx)
{
	struct group __arena *group = limit_throttled(tctx->group);

	return group && !tctx->graced && !task_must_run(p) ? group : NULL;
}

static __always_inline void task_stopped(const struct task_struct *p, struct task_ctx *tctx)
{
	task_charge(p, tctx);
	tctx->running = false;
	tctx->graced = false;
	tctx->waits_since = bpf_ktime_get_ns();
	tctx->ready_since = tctx->waits_since;
}

/* @p comes back without having run. */
static __always_inline void count_reenq(struct task_struct *p)
{
	switch (p->scx.flags & SCX_TASK_REENQ_REASON_MASK) {
	case SCX_TASK_REENQ_CAP:
		count(reenq_cap);
		break;
	case SCX_TASK_REENQ_IMMED:
		count(reenq_immed);
		break;
	case SCX_TASK_REENQ_PREEMPTED:
		count(reenq_preempted);
		break;
	default:
		count(reenq_other);
	}
}

#endif /* FIEF_TASK_BPF_H */
