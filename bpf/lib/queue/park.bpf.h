/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where tasks wait that a limit keeps back (lib/queue/limit.bpf.h): in a queue of the throttled group, out of
 * the way of those that may run. A timer brings them back (lib/parent/release.bpf.h); it runs only while
 * somebody is parked, and looks at groups only that keep somebody back.
 *
 * Writers: enqueue and dispatch park, the timer brings back; each task is in one queue at a time,
 * which the kernel's queue locks see to. What enqueue parks is in its queue only after enqueue has
 * returned (direct dispatch, kernel/sched/ext/ext.c), so the timer cannot tell from an empty queue that nobody
 * waits: parking is announced, and a group with a recent announcement is looked at again. A group that
 * keeps somebody back is referenced, so its memory stays its own.
 */
#ifndef FIEF_PARK_BPF_H
#define FIEF_PARK_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/dsq.bpf.h"
#include "lib/core/slice.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/queue/idle.bpf.h"
#include "lib/queue/limit.bpf.h"
#include "lib/queue/task.bpf.h"

/* Throttled tasks that one look at a queue moves out of the way. */
#define PARK_SCAN 64
#define PARK_TIMER_MIN_NS NSEC_PER_MSEC
/* A look that is due for so long does not come. */
#define PARK_OVERDUE_NS (20 * NSEC_PER_MSEC)
/* Who has announced to park is in the queue after this time: longer than anything stops a CPU. */
#define PARK_ANNOUNCED_NS NSEC_PER_SEC

struct park_timer {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct park_timer);
} park_timers SEC(".maps");

/* When the timer looks next, CLOCK_MONOTONIC ns; 0: it does not. Moved to an earlier time by whoever wants
 * one, and cleared by the timer. */
u64 park_look_at;

/* Groups that keep somebody back, linked by limit.next: pushed by anybody, all taken at once by the timer. */
struct group __arena *__arena holding_groups;

/*
 * A look at @at at the latest is wanted, CLOCK_MONOTONIC ns. True: none is that early, the next one is at
 * @next now and the caller is to start the timer.
 */
static __always_inline bool park_look_wanted(u64 at, u64 next, u64 now)
{
	u32 tries;

	bpf_for(tries, 0, 1024) {
		u64 set = park_look_at;

		if (set && !vtime_before(at, set) && vtime_before(now, set + PARK_OVERDUE_NS))
			return false;
		if (__sync_bool_compare_and_swap(&park_look_at, set, next))
			return true;
	}
	return true;
}

static __always_inline struct park_timer *park_timer(void)
{
	u32 key = 0;

	return bpf_map_lookup_elem(&park_timers, &key);
}

/*
 * See to it that the timer looks @delay from now at the latest. Where interrupts are off, the kernel starts
 * it when they are on again (bpf_async_schedule_op, kernel/bpf/helpers.c), and by then somebody else may
 * have started it for an earlier time. So everybody starts it for as soon as may be, which at worst makes a
 * look come too early; only the timer itself, whose starts take effect at once, waits for the right time.
 */
static __always_inline void park_look_in(u64 delay)
{
	u64 now = bpf_ktime_get_ns(), soon = now + PARK_TIMER_MIN_NS;
	struct park_timer *timer = park_timer();

	if (timer && park_look_wanted(max(now + delay, soon), soon, now))
		bpf_timer_start(&timer->timer, PARK_TIMER_MIN_NS, 0);
}

/* For the timer alone: the next look is @delay from now, unless somebody wants an earlier one meanwhile. */
static __always_inline void park_look_again_in(struct park_timer *timer, u64 delay)
{
	u64 now = bpf_ktime_get_ns(), at = now + max(delay, PARK_TIMER_MIN_NS), set;

	if (!park_look_wanted(at, at, now))
		return;
	bpf_timer_start(&timer->timer, at - now, 0);
	set = park_look_at;
	if (set && vtime_before(set, at))
		bpf_timer_start(&timer->timer, set - min(set, now), 0);
}

/* A look was due and does not come, since there was no memory to start the timer: now it is. */
static __always_inline void park_look_if_overdue(void)
{
	if (park_look_at)
		park_look_in(PARK_ANNOUNCED_NS);
}

/* ns until the budget of @group is refilled. */
static __always_inline u64 limit_wait(const struct group __arena *group, u64 now)
{
	return vtime_before(now, group->limit.period_end) ? group->limit.period_end - now : 0;
}

/* Somebody waits behind @group: see to it that somebody looks at the period's end. */
static __always_inline void park_watch(struct group __arena *group)
{
	park_look_in(limit_wait(group, bpf_ktime_get_ns()));
}

static __always_inline void holding_push(struct group __arena *group)
{
	u32 tries;

	bpf_for(tries, 0, 1024) {
		struct group __arena *head = holding_groups;

		group->limit.next = head;
		if (__sync_bool_compare_and_swap(&holding_groups, head, group))
			break;
	}
}

/* The same of a task that is parked, or about to be: announced before the look at the time that is set, as
 * the timer clears that before it looks at announcements. */
static __always_inline void park_announce(struct group __arena *group)
{
	__sync_lock_test_and_set(&group->limit.announced_at, bpf_ktime_get_ns());
	if (!group->limit.holding && !__sync_lock_test_and_set(&group->limit.holding, 1)) {
		group_get(group);
		holding_push(group);
	}
	park_watch(group);
}

/* A task of @group has given back what limits had been charged for it: somebody who waits may have it. */
static __always_inline void park_given_back(struct group __arena *group)
{
	u32 i;

	bpf_for(i, 0, GROUP_MAX_DEPTH) {
		if (!group)
			break;
		if (group->limit.holding && group->limit.left > 0) {
			park_look_in(0);
			break;
		}
		group = group->parent;
	}
}

static __always_inline void park_insert(struct task_struct *p, struct task_ctx *tctx,
					struct group __arena *group, u64 enq_flags)
{
	tctx->place = TASK_PARKED;
	count(parked);
	dsq_insert_vtime(p, limit_dsq(group), slice_ns(), tctx->vtime, enq_flags);
	park_announce(group);
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
		struct group __arena *group = tctx ? task_throttled(p, tctx) : NULL;

		if (!group || seen++ >= PARK_SCAN)
			break;
		tctx->place = TASK_PARKED;
		scx_bpf_dsq_move_set_vtime(BPF_FOR_EACH_ITER, tctx->vtime);
		if (scx_bpf_dsq_move_vtime(BPF_FOR_EACH_ITER, p, limit_dsq(group), 0))
			count(parked);
		park_announce(group);
	}
	bpf_rcu_read_unlock();
	return 0;
}

static __always_inline void park_clear_head(u64 dsq)
{
	if (nr_limited)
		park_clear(dsq);
}

#endif /* FIEF_PARK_BPF_H */
