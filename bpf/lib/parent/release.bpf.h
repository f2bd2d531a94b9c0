/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How tasks come back that a limit keeps back (lib/queue/park.bpf.h), and children: when there is a budget
 * again, as many at a time as it may be enough for; or, before the kernel takes the scheduler for stuck, for
 * a moment on credit.
 *
 * The kernel's watchdog knows nothing of limits: it ends a scheduler when a runnable task has not run for its
 * timeout, whatever keeps it. So who has not run for GRACE_NS is graced: it goes to the queue of the aged,
 * where no limit holds it, and is preempted as soon as it runs. What it uses is charged, so in the long run
 * the limit is as exact as this allows: with a thousand tasks behind a thousandth of a CPU, some microseconds
 * for each in GRACE_NS come on top.
 *
 * Writers: one timer. See lib/queue/park.bpf.h.
 */
#ifndef FIEF_RELEASE_BPF_H
#define FIEF_RELEASE_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/dsq.bpf.h"
#include "lib/parent/held.bpf.h"
#include "lib/queue/limit.bpf.h"
#include "lib/queue/park.bpf.h"
#include "lib/queue/vqueue.bpf.h"

/* Groups looked at in one look. */
#define RELEASE_GROUPS 8192
/* How often queues are walked for those to be graced. */
#define GRACE_LOOK_NS NSEC_PER_SEC
/* Handed back in one look at most; where a budget is left after that, the next comes soon. */
#define RELEASE_TASKS 64

/* When queues are walked next, CLOCK_MONOTONIC ns; whether they are in this look. By the timer. */
u64 grace_look_at;
bool grace_looks;

/* A task runs that a limit would hold: that it has begun to is enough, unless others wait for it. */
static __always_inline void end_grace(const struct task_struct *p, const struct task_ctx *tctx,
				      s32 cid)
{
	if ((tctx->graced || held_back()) && !task_must_run(p))
		scx_bpf_kick_cid(cid, SCX_KICK_PREEMPT);
}

/* Hand parked tasks of @group to the queues, as many as its budget may be enough for. */
FIEF_VERIFIED_ONCE int park_hand_back(struct group __arena *group __arg_arena)
{
	u64 now = bpf_ktime_get_ns();
	struct task_struct *p;
	u32 tasks, moved = 0;

	touch_arena();
	tasks = min(max(group->limit.left, 0) / LIMIT_AHEAD_NS + 1, RELEASE_TASKS);
	bpf_rcu_read_lock();
	bpf_for_each(scx_dsq, p, limit_dsq(group), 0) {
		struct task_ctx *tctx = task_ctx(p);

		if (group->limited && moved >= tasks)
			break;
		if (!tctx)
			continue;
		moved++;
		/* its wait for a CPU begins now: the rest was meant */
		tctx->waits_since = now;
		tctx->place = TASK_QUEUED;
		scx_bpf_dsq_move_set_vtime(BPF_FOR_EACH_ITER, vqueue_key(p, tctx, 0));
		scx_bpf_dsq_move_vtime(BPF_FOR_EACH_ITER, p,
				       vqueue_dsq(cid_llc(scx_bpf_task_cid(p))), 0);
	}
	bpf_rcu_read_unlock();
	idle_kick_all();
	return 0;
}

/* Those behind @group who have not run for so long that they are to run for a moment; and who ends. */
FIEF_VERIFIED_ONCE int park_grace(struct group __arena *group __arg_arena)
{
	u64 now = bpf_ktime_get_ns();
	struct task_struct *p;

	touch_arena();
	bpf_rcu_read_lock();
	bpf_for_each(scx_dsq, p, limit_dsq(group), 0) {
		struct task_ctx *tctx = task_ctx(p);

		if (!tctx || (vtime_before(now, tctx->ready_since + GRACE_NS) && !task_must_run(p)))
			continue;
		tctx->graced = true;
		tctx->place = TASK_AGED;
		scx_bpf_dsq_move_set_slice(BPF_FOR_EACH_ITER, aged_slice_ns());
		if (scx_bpf_dsq_move(BPF_FOR_EACH_ITER, p, AGED_DSQ, 0))
			count(graced);
	}
	bpf_rcu_read_unlock();
	idle_kick_all();
	return 0;
}

/* Let those go that @group keeps back, if it has a budget again. ns until the next look, ~0: none. */
FIEF_VERIFIED_ONCE u64 park_release(struct group __arena *group __arg_arena)
{
	u64 now = bpf_ktime_get_ns(), wait = PARK_ANNOUNCED_NS;
	bool announced;

	touch_arena();
	announced = now - group->limit.announced_at < PARK_ANNOUNCED_NS;
	if (!announced && !scx_bpf_dsq_nr_queued(limit_dsq(group)))
		return ~0ULL;
	if (grace_looks)
		park_grace(group);
	if (group->limited) {
		limit_refill(group, now);
		wait = min(limit_wait(group, now), GRACE_LOOK_NS);
		if (group->limit.left <= 0)
			return wait;
	}
	if (scx_bpf_dsq_nr_queued(limit_dsq(group)) > 0) {
		park_hand_back(group);
		/* those may use less than has been reckoned for them */
		if (scx_bpf_dsq_nr_queued(limit_dsq(group)) > 0)
			return PARK_TIMER_MIN_NS;
	}
	return announced ? wait : ~0ULL;
}

/* One group of the list: put back while it keeps somebody back. ns until the next look, ~0: none. */
FIEF_VERIFIED_ONCE u64 release_group(struct group __arena *group __arg_arena)
{
	u64 wait = park_release(group);

	touch_arena();
	if (wait != ~0ULL) {
		holding_push(group);
		return wait;
	}
	__sync_lock_test_and_set(&group->limit.holding, 0);
	/* who has announced itself in between has not put it on the list */
	if (bpf_ktime_get_ns() - group->limit.announced_at < PARK_ANNOUNCED_NS &&
	    !__sync_lock_test_and_set(&group->limit.holding, 1)) {
		holding_push(group);
		return PARK_TIMER_MIN_NS;
	}
	group_put(group);
	return ~0ULL;
}

static int park_timer_fn(void *map, u32 *key, struct park_timer *timer)
{
	u64 now = bpf_ktime_get_ns(), wait;
	struct group __arena *group;
	u32 i;

	touch_arena();
	/* before the looks: who waits from now on sees that no look is due, and sets one */
	__sync_lock_test_and_set(&park_look_at, 0);
	grace_looks = !vtime_before(now, grace_look_at);
	if (grace_looks)
		grace_look_at = now + GRACE_LOOK_NS;
	wait = children_release();
	group = __sync_lock_test_and_set(&holding_groups, NULL);
	bpf_for(i, 0, RELEASE_GROUPS) {
		struct group __arena *next;
		u64 more;

		if (!group)
			break;
		next = group->limit.next;
		more = release_group(group);
		wait = min(wait, more);
		group = next;
	}
	/* more than are looked at in one look: those come first in the next */
	bpf_for(i, 0, RELEASE_GROUPS) {
		struct group __arena *next;

		if (!group)
			break;
		next = group->limit.next;
		holding_push(group);
		group = next;
		wait = PARK_TIMER_MIN_NS;
	}
	if (wait != ~0ULL)
		park_look_again_in(timer, wait);
	return 0;
}

static __always_inline s32 release_init(void)
{
	struct park_timer *timer = park_timer();

	if (!timer)
		return -EINVAL;
	bpf_timer_init(&timer->timer, &park_timers, CLOCK_MONOTONIC);
	return bpf_timer_set_callback(&timer->timer, park_timer_fn);
}

#endif /* FIEF_RELEASE_BPF_H */
