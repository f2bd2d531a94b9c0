/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where tasks wait that a limit keeps back (lib/limit.bpf.h): in a queue of the throttled group, out of
 * the way of those that may run. A timer brings them back when the group has a budget again; it runs
 * only while somebody is parked, and looks at limited groups only.
 *
 * Writers: enqueue and dispatch park, the timer brings back; each task is in one queue at a time,
 * which the kernel's queue locks see to.
 */
#ifndef FIEF_PARK_BPF_H
#define FIEF_PARK_BPF_H

#include "base.bpf.h"
#include "dsq.bpf.h"
#include "idle.bpf.h"
#include "limit.bpf.h"
#include "slice.bpf.h"
#include "state.bpf.h"
#include "task.bpf.h"

/* Throttled tasks that one look at a queue moves out of the way. */
#define PARK_SCAN 64
#define PARK_TIMER_MIN_NS NSEC_PER_MSEC

struct park_timer {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct park_timer);
} park_timers SEC(".maps");

/* When the timer looks next, CLOCK_MONOTONIC ns; 0: it does not. Only ever moved to an earlier time, and
 * cleared by the timer. */
u64 park_look_at;

/* See lib/parent.bpf.h. */
u64 children_release(void);

/* The place of a task in the queue, see lib/vqueue.bpf.h. */
static __always_inline u64 vqueue_key(struct task_struct *p, struct task_ctx *tctx, u64 enq_flags);

/*
 * See to it that the timer looks @delay from now at the latest. Of two callers at once the later
 * start may undo an earlier time: whoever started it for another time than is set starts it again.
 */
static __always_inline void park_look_in(u64 delay)
{
	u64 now = bpf_ktime_get_ns(), at = now + max(delay, PARK_TIMER_MIN_NS), next = park_look_at;
	u32 key = 0;
	struct park_timer *timer = bpf_map_lookup_elem(&park_timers, &key);

	if (!timer || (next && !vtime_before(at, next)) ||
	    !__sync_bool_compare_and_swap(&park_look_at, next, at))
		return;
	bpf_timer_start(&timer->timer, at - now, 0);
	next = park_look_at;
	if (next && vtime_before(next, at))
		bpf_timer_start(&timer->timer, next - min(next, now), 0);
}

/* ns until the budget of @group is refilled. */
static __always_inline u64 limit_wait(const struct group __arena *group, u64 now)
{
	return vtime_before(now, group->limit.period_end) ? group->limit.period_end - now : 0;
}

/* Somebody is parked behind @group: see to it that somebody looks at the period's end. */
static __always_inline void park_watch(struct group __arena *group)
{
	park_look_in(limit_wait(group, bpf_ktime_get_ns()));
}

static __always_inline void park_insert(struct task_struct *p, struct task_ctx *tctx,
					struct group __arena *group, u64 enq_flags)
{
	tctx->place = TASK_PARKED;
	count(parked);
	dsq_insert_vtime(p, limit_dsq(group), slice_ns(), tctx->vtime, enq_flags);
	park_watch(group);
}

/*
 * Move the throttled among the first of @dsq out of the way, in dispatch, so that the first is one
 * that may run.
 */
FIEF_VERIFIED_ONCE int park_clear(u64 dsq)
{
	struct task_struct *p;
	u32 seen = 0;

	touch_arena();
	bpf_rcu_read_lock();
	bpf_for_each(scx_dsq, p, dsq, 0) {
		struct task_ctx *tctx = task_ctx(p);
		struct group __arena *group = tctx ? limit_throttled(tctx->group) : NULL;

		if (!group || seen++ >= PARK_SCAN)
			break;
		tctx->place = TASK_PARKED;
		scx_bpf_dsq_move_set_vtime(BPF_FOR_EACH_ITER, tctx->vtime);
		if (scx_bpf_dsq_move_vtime(BPF_FOR_EACH_ITER, p, limit_dsq(group), 0))
			count(parked);
		park_watch(group);
	}
	bpf_rcu_read_unlock();
	return 0;
}

static __always_inline void park_clear_head(u64 dsq)
{
	if (nr_limited)
		park_clear(dsq);
}

/* Hand the parked tasks of @group to the queues, if it has a budget again. Returns how many stay. */
FIEF_VERIFIED_ONCE int park_release(struct group __arena *group __arg_arena)
{
	struct task_struct *p;
	u64 dsq;

	touch_arena();
	dsq = limit_dsq(group);
	if (!scx_bpf_dsq_nr_queued(dsq))
		return 0;
	if (group->limited) {
		limit_refill(group, bpf_ktime_get_ns());
		if (group->limit.left <= 0)
			return scx_bpf_dsq_nr_queued(dsq);
	}
	bpf_rcu_read_lock();
	bpf_for_each(scx_dsq, p, dsq, 0) {
		struct task_ctx *tctx = task_ctx(p);

		if (!tctx)
			continue;
		/* its wait for a CPU begins now: the rest was meant */
		tctx->waits_since = bpf_ktime_get_ns();
		tctx->place = TASK_QUEUED;
		scx_bpf_dsq_move_set_vtime(BPF_FOR_EACH_ITER, vqueue_key(p, tctx, 0));
		scx_bpf_dsq_move_vtime(BPF_FOR_EACH_ITER, p,
				       vqueue_dsq(cid_llc(scx_bpf_task_cid(p))), 0);
	}
	bpf_rcu_read_unlock();
	idle_kick_all();
	return scx_bpf_dsq_nr_queued(dsq);
}

static int park_timer_fn(void *map, u32 *key, struct park_timer *timer)
{
	struct group __arena *group;
	u64 now = bpf_ktime_get_ns(), wait;
	u32 i;

	touch_arena();
	park_look_at = 0;
	wait = children_release();
	group = limited_groups;
	bpf_for(i, 0, LIMIT_GROUPS) {
		if (!group)
			break;
		if (park_release(group) > 0)
			wait = min(wait, limit_wait(group, now));
		group = group->limit.next;
	}
	if (wait != ~0ULL)
		park_look_in(wait);
	return 0;
}

static __always_inline s32 park_init(void)
{
	u32 key = 0;
	struct park_timer *timer = bpf_map_lookup_elem(&park_timers, &key);

	if (!timer)
		return -EINVAL;
	bpf_timer_init(&timer->timer, &park_timers, CLOCK_MONOTONIC);
	return bpf_timer_set_callback(&timer->timer, park_timer_fn);
}

#endif /* FIEF_PARK_BPF_H */
