/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Limits: cpu.max and cpu.max.burst of every group of a scheduler, at every level.
 *
 * Vocabulary:
 *   limited    a group with a quota: ns of CPU time in each period
 *   budget     what a limited group may still use in its period. What is used is charged to every
 *              limited group from the task's up; a budget below zero is a debt that the next
 *              quota pays first, so that on average the limit is exact however long ticks are.
 *   throttled  a limited group without budget, and all that is below it
 *   parked     a task that waits until a group has a budget again, see lib/queue/park.bpf.h
 *
 * A quota that is not used is kept up to the burst, as Linux does (Documentation/scheduler/
 * sched-bwc.rst). Budgets are refilled by whoever looks first after a period's end; where tasks are
 * parked a timer looks. So limits cost nothing where there are none, and hold without the daemon.
 *
 * A task that starts to run takes what it may use before the next look, a clock tick, from the budgets at
 * once, and gives back what it has not used: so not all CPUs begin on the same rest of a budget. Linux
 * hands out slices for the same reason (kernel/sched/fair.c, sched_cfs_bandwidth_slice).
 *
 * Writers: every CPU, atomically; the settings only by the cpuctl ops (and the timer of a child, for
 * its own cgroup, whose settings the kernel tells the parent).
 */
#ifndef FIEF_LIMIT_BPF_H
#define FIEF_LIMIT_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/arithmetic.h"
#include "lib/core/dsq.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/queue/group.bpf.h"

/* cpu.max "max": RUNTIME_INF (kernel/sched/sched.h) */
#define QUOTA_NONE (~0ULL)

/* What a task takes from the budgets above it when it starts to run: the longest time until it is looked at. */
#define LIMIT_AHEAD_NS (4 * NSEC_PER_MSEC)

/* Who has not run for so long runs for a moment, whatever limits it: well before the kernel's watchdog, whose
 * timeout is that of the ops' timeout_ms. */
#define GRACE_NS (5 * NSEC_PER_SEC)

/* How many groups have a quota, and how many have had one: as many queues have been made. */
u32 nr_limited;
u32 nr_limit_queues;

/* Settle the periods that have ended: one caller does it, the others see its result. */
static __always_inline void limit_refill(struct group __arena *group, u64 now)
{
	struct limit __arena *limit = &group->limit;
	u64 end = limit->period_end, period = limit->period_ns, periods;

	if (vtime_before(now, end) || !period)
		return;
	periods = (now - end) / period + 1;
	if (!__sync_bool_compare_and_swap(&limit->period_end, end, end + periods * period))
		return;
	count_many(limit_periods, periods);
	if (limit->left <= 0)
		count(limit_throttled);
	__sync_fetch_and_add(&limit->left,
			     budget_gain(limit->left, limit->quota_ns, limit->burst_ns, periods));
}

FIEF_VERIFIED_ONCE u64 limit_find(struct group __arena *group __arg_arena)
{
	u64 now = bpf_ktime_get_ns();
	u32 i;

	touch_arena();
	bpf_for(i, 0, GROUP_MAX_DEPTH) {
		if (!group)
			break;
		if (group->limited) {
			limit_refill(group, now);
			if (group->limit.left <= 0)
				return (u64)group;
		}
		group = group->parent;
	}
	return 0;
}

/* The nearest group, from @group up, that has used up its budget; NULL: it may run. */
static __always_inline struct group __arena *limit_throttled(struct group __arena *group)
{
	return nr_limited && group ? (struct group __arena *)limit_find(group) : NULL;
}

FIEF_VERIFIED_ONCE int limit_take(struct group __arena *group __arg_arena, s64 used)
{
	u32 i;

	touch_arena();
	bpf_for(i, 0, GROUP_MAX_DEPTH) {
		if (!group)
			break;
		if (group->limited)
			__sync_fetch_and_add(&group->limit.left, -used);
		group = group->parent;
	}
	return 0;
}

/* @used ns of CPU time went to a task of @group; below 0: so much has been charged in excess. */
static __always_inline void limit_charge(struct group __arena *group, s64 used)
{
	if (nr_limited && group && used)
		limit_take(group, used);
}

/* Make the queue of those whom @group keeps back. Once: a group's memory keeps it. */
static __always_inline s32 limit_make_queue(struct group __arena *group)
{
	s32 ret;

	if (group->limit.number)
		return 0;
	group->limit.number = __sync_fetch_and_add(&nr_limit_queues, 1) + 1;
	ret = scx_bpf_create_dsq(limit_dsq(group), -1);
	if (ret)
		group->limit.number = 0;
	return ret;
}

static __always_inline void limit_set_limited(struct group __arena *group, bool limited)
{
	if (group->limited == limited)
		return;
	group->limited = limited;
	__sync_fetch_and_add(&nr_limited, limited ? 1 : -1);
}

/*
 * cpu.max of @group is @quota_us in each @period_us now, QUOTA_NONE for no limit. What it was already
 * keeps its budget. Not for groups without a queue. Whether it is another limit than before: then those
 * it keeps back want a look.
 */
static __always_inline bool limit_follow(struct group __arena *group, u64 period_us, u64 quota_us,
					 u64 burst_us)
{
	struct limit __arena *limit = &group->limit;

	if (!limit->number || quota_us == QUOTA_NONE || !period_us) {
		bool was_limited = group->limited;

		limit_set_limited(group, false);
		return was_limited;
	}
	if (group->limited && limit->quota_ns == quota_us * NSEC_PER_USEC &&
	    limit->burst_ns == burst_us * NSEC_PER_USEC &&
	    limit->period_ns == period_us * NSEC_PER_USEC)
		return false;
	limit->quota_ns = quota_us * NSEC_PER_USEC;
	limit->burst_ns = burst_us * NSEC_PER_USEC;
	limit->period_ns = period_us * NSEC_PER_USEC;
	limit->period_end = bpf_ktime_get_ns() + limit->period_ns;
	limit->left = limit->quota_ns;
	limit_set_limited(group, true);
	return true;
}

/* The same for any group. Sleepable contexts only. */
static __always_inline s32 limit_set(struct group __arena *group, u64 period_us, u64 quota_us,
				     u64 burst_us)
{
	s32 ret = quota_us == QUOTA_NONE ? 0 : limit_make_queue(group);

	if (!ret)
		limit_follow(group, period_us, quota_us, burst_us);
	return ret;
}

#endif /* FIEF_LIMIT_BPF_H */
