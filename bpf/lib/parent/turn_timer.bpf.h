/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timer that bounds turns: a child may give its tasks any slice, but it cannot keep a cid from those
 * who share or own it. On the way it looks at the accounts of all participants (lib/parent/due.bpf.h) and at who
 * wants to run (lib/parent/activity.bpf.h). It runs for as long as there are children, slower while no contended
 * cid is busy: the first that is wakes it.
 */
#ifndef FIEF_TURN_TIMER_BPF_H
#define FIEF_TURN_TIMER_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/cidmask.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/parent/activity.bpf.h"
#include "lib/parent/dispatch.bpf.h"
#include "lib/parent/due.bpf.h"
#include "lib/parent/rights.bpf.h"
#include "lib/parent/share.bpf.h"
#include "lib/queue/limit.bpf.h"
#include "lib/queue/task.bpf.h"

/* How often turns are looked at while no contended cid is busy. */
#define IDLE_TIMER_NS (100 * NSEC_PER_MSEC)

/* Nothing was contended at the last look. Cleared by the first cid that is busy again. */
u32 turns_rest;

struct turn_timer {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct turn_timer);
} turn_timers SEC(".maps");

/* A child runs on @cid that a limit, its own or one above it, keeps back now. */
static __always_inline bool turn_throttled(s32 cid, const struct turn __arena *turn)
{
	u32 slot = turn_slot(cid_plan(cid), turn);

	return slot != FIEF_SLOT_NONE && slot != FIEF_SLOT_SELF &&
	       limit_throttled(slot_group(slot));
}

/* Somebody else than who runs on @cid may be waiting for it: it is shared or lent, or own tasks want the
 * reserve. */
static __always_inline bool contended(s32 cid)
{
	struct fief_cid_plan __arena *plan = cid_plan(cid);

	return plan->nr != 1 || (plan->flags & FIEF_CID_LENT) || reserve_wanted(cid);
}

/* Does a task of ours, or of a scheduler below, run on @cid? */
static __always_inline bool cid_runs_ours(s32 cid)
{
	struct task_struct *curr;
	bool ours;

	bpf_rcu_read_lock();
	curr = scx_bpf_cid_curr(cid);
	ours = curr && (task_is_ours(curr) || task_child(curr));
	bpf_rcu_read_unlock();
	return ours;
}

/*
 * Is whoever runs on @cid to be asked to go? Nobody is for as long as it runs short slices: every
 * dispatch is a new look at whose turn it is. A task that went straight to an idle cid has no turn.
 */
static __always_inline bool turn_overdue(s32 cid, const struct turn __arena *turn, u64 now)
{
	if (nr_limited && turn_throttled(cid, turn))
		return true;
	return contended(cid) && now - turn->since >= turn_ns() &&
	       (turn->entry != SHARE_NOBODY || turn->borrower != FIEF_SLOT_NONE ||
		cid_runs_ours(cid));
}

static int turn_timer_fn(void *map, u32 *key, struct turn_timer *timer)
{
	u64 now = bpf_ktime_get_ns();
	bool any = false;
	u32 cid;

	touch_arena();
	if (has_children()) {
		due_look_at_all(now);
		away_look_at_all();
	}
	bpf_for(cid, 0, nr_cids) {
		struct turn __arena *turn = cid_turn(cid);

		/* an idle cid, but for one that has just been claimed; a needless kick does no harm there */
		if (!cidmask_test(held_cids, cid) || cidmask_test(idle_cids, cid) ||
		    !(nr_limited || contended(cid)))
			continue;
		any = true;
		if (!turn_overdue(cid, turn, now))
			continue;
		count(turn_preempts);
		scx_bpf_kick_cid(cid, SCX_KICK_PREEMPT);
	}
	if (!has_children())
		return 0;
	activity_follow(now);
	turns_rest = !any;
	bpf_timer_start(&timer->timer, any ? turn_ns() : IDLE_TIMER_NS, 0);
	return 0;
}

static __always_inline struct turn_timer *turn_timer(void)
{
	u32 key = 0;

	return bpf_map_lookup_elem(&turn_timers, &key);
}

/* There are children now, or there may be: bound their turns. Starting it again does no harm. */
static __always_inline void turn_timer_run(void)
{
	struct turn_timer *timer = turn_timer();

	if (timer)
		bpf_timer_start(&timer->timer, turn_ns(), 0);
}

/* A cid is no longer idle: turns are to be bounded again. */
static __always_inline void turn_timer_wake(void)
{
	if (turns_rest && __sync_lock_test_and_set(&turns_rest, 0))
		turn_timer_run();
}

static __always_inline s32 turn_timer_init(void)
{
	struct turn_timer *timer = turn_timer();

	if (turn_us < TURN_MIN_US || turn_us > TURN_MAX_US) {
		fief_error("the option turn_us is %u, it must lie between %u and %u", turn_us,
			   TURN_MIN_US, TURN_MAX_US);
		return -EINVAL;
	}
	if (!timer)
		return -EINVAL;
	bpf_timer_init(&timer->timer, &turn_timers, CLOCK_MONOTONIC);
	return bpf_timer_set_callback(&timer->timer, turn_timer_fn);
}

#endif /* FIEF_TURN_TIMER_BPF_H */
