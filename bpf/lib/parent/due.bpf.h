/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each participant of a scheduler is due now, and what it has had, over all cids together. A plan
 * says where a participant has its CPUs; this says, within one turn, whether it has what its weight is
 * worth beside those who want to run at the moment, also while plan and moment differ: since somebody has
 * woken or gone to sleep, or cannot use what it has.
 *
 * Vocabulary:
 *   share     part of the scheduler's time by the tree of weights, by who is active (lib/queue/group.bpf.h)
 *   rate      CPU time due, by share and between what a policy promises and allows
 *   due time  virtual: the CPU time that a participant has used, by its rate. Who has had less than
 *             others by its rate has the earlier one.
 *   clock     the mean of the due times of those who want to run, each by its rate
 *   behind    wants to run, and its due time lags behind the clock: it may take the turn, on a lent cid,
 *             of whoever has had more (lib/parent/dispatch.bpf.h), until it has caught up
 *   keeps     lends nothing and takes no turn before its turn: it has its own, whoever sleeps. Its due time
 *             is what it has borrowed, for spare time to divide by.
 *
 * Nobody is further behind the clock than DUE_LAG_NS, nor further ahead than it gets while the others fall
 * behind by as much as counts: what was left idle is held against nobody who used it, and who slept, or had
 * too few tasks, has earned no credit to speak of.
 *
 * Its parts: account.bpf.h, what each has had; rate.bpf.h, what each is due; behind.bpf.h, who comes before
 * others for that.
 *
 * Writers: due times, what has been charged, and how asking went, every CPU, atomically; everything else the
 * turn timer.
 */
#ifndef FIEF_DUE_BPF_H
#define FIEF_DUE_BPF_H

#include "lib/core/base.bpf.h"
#include "lib/core/state.bpf.h"
#include "lib/parent/account.bpf.h"
#include "lib/parent/behind.bpf.h"
#include "lib/parent/rate.bpf.h"
#include "lib/queue/demand.bpf.h"
#include "lib/queue/group.bpf.h"

/* Over how long use is seen that says what a participant can use, and what all do. */
#define DUE_WINDOW_NS (100 * NSEC_PER_MSEC)
/* In how many windows of the last second, and of all that are remembered, one has wanted to run that is
 * awake from now on, or asleep. */
#define AWAKE_RECENT 10
#define AWAKE_FROM 8
#define ASLEEP_BELOW 6

u64 due_window_at; /* CLOCK_MONOTONIC ns when the window began */

/* What a child could use in the window that has ended; its siblings have the rest (lib/queue/demand.bpf.h). */
static __always_inline void due_find_demand(u32 slot, u64 used, u64 time)
{
	struct group __arena *group = slot_group(slot);
	struct due __arena *due = slot_due(slot);
	u64 cpus = used * FIEF_CPU_UNIT / time;

	if (!group || !group->ghost)
		return;
	if (due->lacked > due->served)
		group->demand.cpus = max(cpus + cpus / 16, DUE_RATE_MIN);
	else if (group->demand.cpus)
		group->demand.cpus *= 2;
	if (group->demand.cpus >= 2 * level_cpus)
		group->demand.cpus = 0;
	if (group->demand.cpus)
		demand_list(group);
}

static __always_inline void due_note_window(struct due __arena *due)
{
	due->windows = due->windows << 1 | due->wanted;
	if (__builtin_popcountll(due->windows & ((1U << AWAKE_RECENT) - 1)) >= AWAKE_FROM)
		due->awake = true;
	else if (__builtin_popcountll(due->windows) < ASLEEP_BELOW)
		due->awake = false;
	due->wanted = due->wants;
	due->served = 0;
	due->lacked = 0;
}

/* A window has ended. */
FIEF_VERIFIED_ONCE int due_window(u64 time)
{
	u64 all = 0;
	u32 slot;

	touch_arena();
	bpf_for(slot, 0, slots_in_use()) {
		struct due __arena *due = slot_due(slot);
		u64 used = due->used - due->window_used;

		if (!slot_in_use(slot))
			continue;
		due->window_used = due->used;
		if (!slot_keeps(slot))
			all += used;
		due_find_demand(slot, used, time);
		due_note_window(due);
	}
	/* a timer that was away for long has seen no level to speak of */
	if (time < NSEC_PER_SEC)
		level_cpus = max(all * FIEF_CPU_UNIT / time, FIEF_CPU_UNIT);
	return 0;
}

/*
 * Who may call is told so, and no longer once it has had its part: of this level, or this scheduler with all that
 * is below it of the level above, which is asked for what cannot be had here.
 */
FIEF_VERIFIED_ONCE int due_tell(void)
{
	bool above = notice_due_sooner();
	u32 slot;

	touch_arena();
	bpf_for(slot, 1, slots_in_use()) {
		struct fief_notice *notice = notice_of(slot_account(slot)->participant.cgroup_id);
		bool sooner = above || due_sooner(slot);

		if (notice && notice->due_sooner != sooner)
			notice->due_sooner = sooner;
	}
	return 0;
}

/* What the turn timer sees to, every turn: from accounts and notices to rates. */
static __always_inline void due_look_at_all(u64 now)
{
	u64 time = now - due_window_at;
	u32 slot;

	bpf_for(slot, 1, slots_in_use())
		due_look(slot, now);
	due_settle(FIEF_SLOT_SELF);
	due_seen_at = now;
	due_share_out();
	due_set_rates();
	due_find_behind();
	due_tell();
	if (time < DUE_WINDOW_NS)
		return;
	due_window(time);
	due_window_at = now;
}

#endif /* FIEF_DUE_BPF_H */
