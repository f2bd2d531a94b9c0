/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timer that bounds turns: a child may give its tasks any slice, but it cannot keep a cid from those
 * who share or own it. On the way it looks at the children's accounts, for the weights of their cgroups
 * among siblings (ghosts, see lib/group.bpf.h) and for their notices. It runs for as long as there are
 * children.
 */
#ifndef FIEF_TURN_TIMER_BPF_H
#define FIEF_TURN_TIMER_BPF_H

#include "base.bpf.h"
#include "cidmask.bpf.h"
#include "group.bpf.h"
#include "limit.bpf.h"
#include "notice.bpf.h"
#include "parent.bpf.h"
#include "rights.bpf.h"
#include "share.bpf.h"
#include "state.bpf.h"
#include "task.bpf.h"

/* How often turns are looked at while no contended cid is busy. */
#define IDLE_TIMER_NS (100 * NSEC_PER_MSEC)

/* How often children's accounts are looked at, and when next (CLOCK_MONOTONIC ns; by the turn timer). */
#define GHOSTS_LOOK_NS (50 * NSEC_PER_MSEC)
u64 ghosts_look_at;

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
	u32 slot = turn->borrower == FIEF_SLOT_NONE ? entry_slot(cid_plan(cid), turn->entry) :
						      turn->borrower;

	return turn->entry != SHARE_NOBODY && slot != FIEF_SLOT_SELF &&
	       limit_throttled(slot_group(slot));
}

/* Somebody else than who runs on @cid may be waiting for it: it is shared or lent, or own tasks want the
 * reserve. */
static __always_inline bool contended(s32 cid)
{
	struct fief_cid_plan __arena *plan = cid_plan(cid);

	return plan->nr > 1 || (plan->flags & FIEF_CID_LENT) || reserve_wanted(cid);
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
	       (turn->entry != SHARE_NOBODY || cid_runs_ours(cid));
}

/* Whether a ghost competes: load 1 stands for all there is below it. */
static __always_inline void ghost_set_active(struct group __arena *group, bool active)
{
	group->ghost_active = active;
	group_add(group, active ? 1 : -1);
}

static __noinline int ghost_look(u32 slot)
{
	struct fief_slot __arena *account = slot_account(slot);
	u64 used = account->charged_ns + account->borrowed_ns;
	struct fief_notice *notice = NULL;
	struct group __arena *group;
	bool active;

	touch_arena();
	if (account->participant.cgroup_id)
		notice = notice_of(account->participant.cgroup_id);
	slot_waits(slot, notice ? notice->waiting : 0);
	group = group_find(account->participant.cgroup_id);
	slot_groups[slot & (FIEF_MAX_SLOTS - 1)] = group;
	if (!group || !group->ghost)
		return 0;
	active = used != group->ghost_seen;
	group->ghost_seen = used;
	if (active != group->ghost_active)
		ghost_set_active(group, active);
	return 0;
}

static __always_inline void ghosts_look(void)
{
	u32 slot;

	bpf_for(slot, 1, min(state.nr_slots, FIEF_MAX_SLOTS))
		ghost_look(slot);
}

static int turn_timer_fn(void *map, u32 *key, struct turn_timer *timer)
{
	u64 now = bpf_ktime_get_ns();
	bool any = false;
	u32 cid;

	touch_arena();
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
	if (!vtime_before(now, ghosts_look_at)) {
		ghosts_look_at = now + GHOSTS_LOOK_NS;
		ghosts_look();
	}
	if (has_children())
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
